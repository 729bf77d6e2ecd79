"""Reviewing answers by plain forms: what is corrected stands in the files, can be undone, and overwrites nobody."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamhub.archive.folder import save_session
from streamhub.naming import load_vocabulary
from streamhub.questions.question import Asker, Question
from streamhub.reviewing import HubReview
from streamhub.store.erasing import erase_question
from streamhub.store.glossaries import HUB_SCOPE, list_learned, load_glossary
from streamhub.store.log import list_actions
from streamhub.store.questions import insert_question
from streamhub.store.reviews import record_edit
from streamhub.store.shows import load_session
from streamhub.timecode import Span
from tests.web.reviewed import review_session, right, sentence

if TYPE_CHECKING:
    from tests.web.conftest import Browser, World
    from tests.web.reviewed import Reviewed


LEARNED = (("Gehaim", "Geheim"), ("Kübes", "Köbes"))


async def send(host: Browser, one: Reviewed, deed: str, fields: dict[str, str], **more: str) -> tuple[int, str]:
    """Send a form; returns status, and where it leads or what it says."""
    async with await host.post(one.path, deed=deed, **{**fields, **more}) as answer:
        return answer.status, answer.headers.get("Location", "") or await answer.text()


async def undo(host: Browser, one: Reviewed) -> tuple[int, str]:
    """Undo the latest correction."""
    number = (await one.world.hub.review.edits(one.session))[0].id
    return await send(host, one, "undo", {"answer": one.ids[0]}, edit=str(number))


async def test_unsure_ones_ask_for_attention(world: World) -> None:
    """The page opens the first unsure answer, counts the unsure ones, and lists them before the others."""
    one = await review_session(world, count=4, unsure=frozenset({1, 3}))
    host = await world.sign_in()
    async with await host.get(one.path) as page:
        text = await page.text()
    assert "2 Antworten zum Ansehen" in text
    assert f'id="answer" class="answer" aria-labelledby="answer-title" data-answer="{one.ids[1]}"' in text
    listed = text[text.index("review-list") :]
    places = [listed.index(f'data-answer="{one.ids[n]}"') for n in (1, 3, 0, 2)]
    assert places == sorted(places)
    assert "die Maschine ist zu 40 % sicher" in text
    await host.close()


async def test_accepting_leads_to_the_next(world: World) -> None:
    """Accepted means sure for good; the next unsure one follows, and at the end nothing asks any more."""
    one = await review_session(world, count=4, unsure=frozenset({1, 3}))
    host = await world.sign_in()
    status, where = await send(host, one, "accept", await one.fields(host, 1))
    assert (status, where) == (303, f"{one.path}?answer={one.ids[3]}#answer")
    assert one.answer(1).confidence == 1.0
    await send(host, one, "accept", await one.fields(host, 3))
    async with await host.get(one.path) as page:
        text = await page.text()
    assert "Keine Antwort braucht mehr einen Blick." in text
    assert "2 angenommene Antworten veröffentlichen" in text
    assert (await undo(host, one))[0] == 303
    assert one.answer(3).confidence == 0.4
    await host.close()


async def test_edges_are_typed(world: World) -> None:
    """MM:SS moves an edge; what was not touched stays to the millisecond; undoing brings both back."""
    one = await review_session(world)
    host = await world.sign_in()
    fields = await one.fields(host, 1)
    before = one.answer(1).ranges
    begin = right(1).start_ms // 1000
    status, where = await send(host, one, "edges", fields, number="0", begin=f"0:{begin}", end="0:40")
    assert (status, where) == (303, f"{one.path}?answer={one.ids[1]}#answer")
    assert one.answer(1).ranges == (Span(right(1).start_ms, 40_000),)
    assert one.answer(1).confidence == 0.4  # moved is not accepted
    await undo(host, one)
    assert one.answer(1).ranges == before
    await host.close()


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        ("zwölf", "0:40", "„zwölf“ ist keine Zeit."),
        ("0:40", "0:30", "0:30: die Strecke endet, bevor sie beginnt."),
        ("0:30", "0:30.2", "0:30: die Strecke ist zu kurz."),
        ("0:10", "9:59:59", "9:59:59: liegt nach dem Ende der Sendung."),
        ("", "0:40", "„…“ ist keine Zeit."),
    ],
)
async def test_times_that_cannot_be_are_said(world: World, begin: str, end: str, said: str) -> None:
    """Nothing is changed by times that cannot be, what was typed stays, and the reason is said in his language."""
    one = await review_session(world)
    host = await world.sign_in()
    before = one.archived
    status, text = await send(host, one, "edges", await one.fields(host, 1), number="0", begin=begin, end=end)
    assert status == 400
    assert f"<strong data-error>{said}</strong>" in text
    assert f'name="end" autocomplete="off" size="10" value="{end}"' in text
    assert one.archived == before
    await host.close()


async def test_two_reviewers_overwrite_nobody(world: World) -> None:
    """Who saw something else is told who changed what, keeps what he typed, and wins when he decides again."""
    one = await review_session(world)
    jana, ali = await world.sign_in(), await world.sign_in(person="Ali")
    old = await one.fields(ali, 1)
    await send(jana, one, "edges", await one.fields(jana, 1), number="0", begin="0:24", end="0:36")
    status, text = await send(ali, one, "edges", old, number="0", begin="0:22", end="0:38")
    assert status == 409
    assert "Jana war inzwischen hier: hat die Ränder verschoben" in text
    assert 'value="0:22"' in text
    assert one.answer(1).ranges == (Span(24_000, 36_000),)
    status, _ = await send(ali, one, "accept", old)
    assert status == 409  # nobody accepts what he has not seen
    assert one.answer(1).confidence == 0.4
    assert (await send(ali, one, "answerers", old, names="Ali Demir, Jana Weber, Ali Demir"))[0] == 303
    assert one.answer(1).answerers == ("Ali Demir", "Jana Weber")  # another field is no clash
    await send(ali, one, "edges", await one.fields(ali, 1), number="0", begin="0:22", end="0:38")
    assert one.answer(1).ranges == (Span(22_000, 38_000),)
    first = (await world.hub.review.edits(one.session))[-1]
    status, text = await send(jana, one, "undo", {"answer": one.ids[1]}, edit=str(first.id))
    assert status == 409
    assert "Ali war inzwischen hier" in text
    await jana.close()
    await ali.close()


async def test_many_hands_at_once(world: World) -> None:
    """Twelve forms at the same moment: one wins on each answer, the others are told, and every file can be read."""
    one = await review_session(world, count=3, unsure=frozenset())
    host = await world.sign_in()
    seen = [await one.fields(host, n) for n in range(3)]

    async def move(number: int, by: int) -> int:
        start_s = right(number).start_ms // 1000 + by
        begin, end = f"0:{start_s:02d}", f"0:{right(number).end_ms // 1000:02d}"
        return (await send(host, one, "edges", seen[number], number="0", begin=begin, end=end))[0]

    got = await asyncio.gather(*(move(n, by) for n in range(3) for by in (1, 2, 3, 4)))
    assert sorted(got) == [303] * 3 + [409] * 9
    assert len(await world.hub.review.edits(one.session)) == 3
    await host.close()


async def test_splitting_removing_and_giving(world: World) -> None:
    """A stretch is split, its middle goes, its end goes to another answer; each step comes back by undoing."""
    one = await review_session(world)
    host = await world.sign_in()
    start, end = right(0).start_ms, right(0).end_ms
    for at_s in (8, 12):
        await send(host, one, "split", await one.fields(host, 0), number="0" if at_s == 8 else "1", at=f"0:{at_s:02d}")
    assert one.answer(0).ranges == (Span(start, 8_000), Span(8_000, 12_000), Span(12_000, end))
    await send(host, one, "remove", await one.fields(host, 0), number="1")
    assert one.answer(0).ranges == (Span(start, 8_000), Span(12_000, end))
    taker = one.answer(1).ranges
    await send(host, one, "give", await one.fields(host, 0), number="1", to=one.ids[1])
    assert one.answer(0).ranges == (Span(start, 8_000),)
    assert one.answer(1).ranges == (Span(12_000, end), *taker)
    await undo(host, one)
    assert (one.answer(0).ranges, one.answer(1).ranges) == ((Span(start, 8_000), Span(12_000, end)), taker)
    _, where = await send(host, one, "give", await one.fields(host, 0), number="all", to=one.ids[1])
    assert where.endswith(f"answer={one.ids[1]}#answer")
    assert one.answer(0).ranges == ()
    assert (await send(host, one, "accept", await one.fields(host, 0)))[0] == 400
    await send(host, one, "edges", await one.fields(host, 0), number="new", begin="0:04", end="0:16")
    assert one.answer(0).ranges == (right(0),)
    await host.close()


async def test_words_are_corrected(world: World) -> None:
    """Corrected words keep the times of those that stay; the transcript says that a hand was there; empty takes out."""
    one = await review_session(world)
    host = await world.sign_in()
    before = one.cue("c3")
    fields = await one.fields(host, 0, cue="c3")
    text = "Der Tarif eins kostet neunzehn Euro."
    status, _ = await send(host, one, "words", fields, language="de", cue="c3", text=text)
    assert status == 303
    after = one.cue("c3")
    assert after.text == text
    assert [word.text for word in after.words] == text.split()
    assert after.words[:2] == before.words[:2]
    assert after.words[4].span == before.words[4].span
    assert one.archived.transcripts[0].made_with == "fake tiny, corrected by hand"
    assert (await send(host, one, "words", fields, language="de", cue="c3", text="Zu spät."))[0] == 409
    async with await host.get(f"{one.path}?answer={one.ids[0]}") as page:
        assert "von Hand berichtigt" in await page.text()
    await send(host, one, "words", await one.fields(host, 0, cue="c3"), language="de", cue="c3", text="  ")
    assert [cue.id for cue in one.archived.transcripts[0].cues][:4] == ["c1", "c2", "c4", "c5"]
    await undo(host, one)
    assert one.cue("c3") == after
    await undo(host, one)  # the undoing is undone
    assert "c3" not in [cue.id for cue in one.archived.transcripts[0].cues]
    await host.close()


async def test_names_that_were_put_right_say_what_was_heard(world: World) -> None:
    """A word that a machine put right is marked with what had been heard; the files keep it through other edits."""
    one = await review_session(world)
    cue = one.cue("c3")
    words = (replace(cue.words[0], heard='Dea "<b>'), *cue.words[1:])
    (transcript,) = one.archived.transcripts
    cues = tuple(replace(other, words=words) if other.id == "c3" else other for other in transcript.cues)
    changed = replace(one.archived, transcripts=(replace(transcript, cues=cues),))
    save_session(world.hub.review.transcripts, changed, loaded=one.archived)  # type: ignore[attr-defined]
    host = await world.sign_in()
    fields = await one.fields(host, 0, cue="c3")
    async with await host.get(f"{one.path}?answer={one.ids[0]}") as page:
        text = await page.text()
    assert ' righted" title="gehört: Dea &#34;&lt;b&gt;"' in text
    assert "berichtigt; gehört wurde: Dea &#34;&lt;b&gt;" in text
    await send(host, one, "words", fields, language="de", cue="c3", text=f"{cue.words[0].text} Tarif.")
    assert [word.heard for word in one.cue("c3").words] == [words[0].heard, ""]
    await undo(host, one)
    assert one.cue("c3").words == words
    await host.close()


async def test_speakers_are_named(world: World) -> None:
    """One cue and those that follow get a name; a rename reaches every cue and everybody who answers."""
    one = await review_session(world)
    host = await world.sign_in()
    fields = await one.fields(host, 0, cue="c3")
    more = {"language": "de", "cue": "c3", "speaker": "Dr. Eva Roth"}
    await send(host, one, "speaker", fields, **more, onwards="yes")
    assert [one.cue(f"c{n}").speaker for n in (2, 3, 4, 5)] == ["Jana Weber", *["Dr. Eva Roth"] * 2, "Jana Weber"]
    await send(host, one, "rename", {"answer": one.ids[0]}, old="Ali Demir", new="Ali Demir-Kaya")
    names = {cue.speaker for cue in one.archived.transcripts[0].cues}
    assert names == {"Jana Weber", "Dr. Eva Roth", "Ali Demir-Kaya"}
    assert [one.answer(n).answerers for n in range(3)] == [("Ali Demir-Kaya",)] * 3
    await undo(host, one)
    assert one.answer(2).answerers == ("Ali Demir",)
    assert (await send(host, one, "rename", {"answer": one.ids[0]}, old="Niemand", new="X"))[0] == 404
    await host.close()


async def test_a_voice_is_named_once_and_known_in_the_next_session(world: World) -> None:
    """A label is named in one form on the page; the show's next session proposes that name for the same label."""
    one = await review_session(world)
    host = await world.sign_in()

    async def relabel(one: Reviewed, old: str, new: str) -> None:
        review = world.hub.review
        assert isinstance(review, HubReview)
        archived = one.archived
        cues = [replace(c, speaker=new) if c.speaker == old else c for c in archived.transcripts[0].cues]
        transcript = replace(archived.transcripts[0], cues=tuple(cues))
        save_session(review.transcripts, replace(archived, transcripts=(transcript,)))

    async def box() -> str:
        async with await host.get(f"{one.path}?lang=en") as page:
            text = await page.text()
        return text[text.index('id="voices"') : text.index("</details>", text.index('id="voices"'))]

    await relabel(one, "Ali Demir", "Spur 2")
    shown = await box()
    assert shown.index("Spur 2") < shown.index("Jana Weber")
    assert 'value="Spur 2"' in shown
    await send(host, one, "rename", {"answer": one.ids[0]}, old="Spur 2", new="Ali Demir")
    assert {cue.speaker for cue in one.archived.transcripts[0].cues} == {"Jana Weber", "Ali Demir"}
    assert "Spur 2" not in await box()
    one = await review_session(world, title="Wärme")
    await relabel(one, "Ali Demir", "Spur 2")
    shown = await box()
    assert re.search(r'value="Spur 2">.*?name="new"[^>]*value="Ali Demir"', shown)
    await host.close()


async def test_accept_and_publish(world: World) -> None:
    """One key accepts and publishes; accepted ones are published together; one that is withdrawn asks no more."""
    one = await review_session(world, count=3, unsure=frozenset({0, 1}))
    host = await world.sign_in()
    await send(host, one, "publish", await one.fields(host, 0))
    assert one.answer(0).confidence == 1.0
    states = [answer.state.value for answer in world.answers.answers[one.session]]
    assert states == ["published", "draft", "draft"]
    await send(host, one, "withdraw", await one.fields(host, 1))
    assert world.answers.answers[one.session][1].state.value == "withdrawn"
    await host.close()


async def test_only_what_is_near_is_sent(world: World) -> None:
    """A long session shows the surroundings of one answer, more on demand, and the words from any time."""
    one = await review_session(world, count=60, unsure=frozenset())
    host = await world.sign_in()

    async def shown(query: str) -> int:
        async with await host.get(f"{one.path}?answer={one.ids[30]}{query}") as page:
            return (await page.text()).count('class="line"')

    near = await shown("")
    assert 10 < near < 50
    assert near < await shown("&more=1") < 300
    assert await shown("&at=0:30") > near
    assert await shown("&at=unsinn&more=x") == near
    await host.close()


async def test_forms_that_are_not_ours(world: World) -> None:
    """Forms without what was seen, with wrong numbers, unknown deeds, answers or cues are refused in words."""
    one = await review_session(world)
    host = await world.sign_in()
    fields = await one.fields(host, 0)
    before = one.archived
    for deed, changed, status in (
        ("edges", {"seen": "", "number": "0", "begin": "0:05", "end": "0:10"}, 400),
        ("edges", {"seen": "[]", "number": "0", "begin": "0:05", "end": "0:10"}, 400),
        ("edges", {"number": "7", "begin": "0:05", "end": "0:10"}, 404),
        ("edges", {"number": "²", "begin": "0:05", "end": "0:10"}, 400),
        ("remove", {"number": "3"}, 404),
        ("split", {"at": "0:59"}, 400),
        ("give", {"number": "0", "to": one.ids[0]}, 400),
        ("give", {"number": "0", "to": "fremd"}, 404),
        ("accept", {"answer": "fremd"}, 409),
        ("words", {"language": "de", "cue": "c999", "seen": '{"text": ""}', "text": "x"}, 409),
        ("undo", {"edit": "999"}, 404),
        ("tanzen", {}, 400),
    ):
        got, text = await send(host, one, deed, {**fields, **changed})
        assert (got, "data-error" in text) == (status, True), (deed, changed, text[:3000])
    assert one.archived == before
    assert list(await world.hub.review.edits(one.session)) == []
    await host.close()


async def test_an_erased_question_leaves_no_words_in_the_journal(world: World) -> None:
    """When a question is erased, the journal of its answer keeps no words, and what it noted is undone no more."""
    one = await review_session(world)
    host = await world.sign_in()
    fields = await one.fields(host, 0, cue="c3")
    await send(host, one, "words", fields, language="de", cue="c3", text="Frau Geheim aus Ulm fragt.")
    await world.hub.store.write(lambda db: erase_question(db, one.ids[0], at=world.clock()))
    made = (await world.hub.review.edits(one.session))[0]
    assert (made.edit.before, made.edit.after, made.stands) == ({}, {}, False)
    assert (await undo(host, one))[0] == 303
    assert one.cue("c3").text == "Frau Geheim aus Ulm fragt."  # nothing is half undone
    await host.close()


async def test_corrected_names_are_remembered(world: World) -> None:
    """A name that a reviewer puts right reaches the show's next recording, as long as the correction stands."""
    one = await review_session(world)
    host = await world.sign_in()
    glossary = "/host/shows/runde/glossary"

    async def told() -> dict[str, str]:
        session = await world.hub.store.read(lambda db: load_session(db, one.session))
        known = await world.hub.store.read(lambda db: load_vocabulary(db, session))
        return dict(known.told)

    async def fix(cue: str, name: str) -> None:
        text = one.cue(cue).text.replace("Tarif", name)
        await send(host, one, "words", await one.fields(host, 0, cue=cue), language="de", cue=cue, text=text)

    await fix("c3", "Zarriv")
    async with await host.get(glossary) as page:
        assert "Tarif → <strong>Zarriv</strong>" in await page.text()
    assert await told() == {}, "an everyday word is replaced once it was corrected twice"
    await fix("c2", "Zarriv")
    assert await told() == {"tarif": "Zarriv"}
    await undo(host, one)
    assert await told() == {}
    await undo(host, one)  # the undoing is undone
    assert await told() == {"tarif": "Zarriv"}
    async with await host.post(glossary, deed="forget", heard="Tarif", said="Zarriv") as answer:
        assert answer.headers["Location"] == f"{glossary}#learned"
    assert await told() == {}
    logged = await world.hub.store.read(lambda db: list_actions(db, limit=20))
    assert "arriv" not in str(logged)
    await host.close()


async def test_erasing_reaches_glossaries_and_what_was_learned(world: World) -> None:
    """Who has his question erased is in no glossary any more, before or after its last change, and in no correction."""
    one = await review_session(world)
    host = await world.sign_in()
    store = world.hub.store
    asker = Asker(name="Ada Geheim")
    asked = Question(id="ada", session_id=one.session, text="Wer bin ich?", asker=asker, asked_at=world.clock())
    await store.write(lambda db: insert_question(db, asked))
    for version, text in enumerate(["Geheim, Ada\nKöbes", "Ada Geheim: Ada Gehaim\nKöbes\nAda"]):
        async with await host.post("/host/glossary", text=text, version=str(version)) as answer:
            assert answer.status == 303
    text = one.cue("c3").text.replace("Tarif", "Preis")
    await send(host, one, "words", await one.fields(host, 0, cue="c3"), language="de", cue="c3", text=text)
    edit = (await world.hub.review.edits(one.session))[0]
    await store.write(lambda db: record_edit(db, one.session, edit.edit, at=world.clock(), author="x", learned=LEARNED))
    await store.write(lambda db: erase_question(db, asked.id, at=world.clock()))
    glossary = await store.read(lambda db: load_glossary(db, HUB_SCOPE))
    assert (glossary.text, glossary.text_before) == ("Köbes\nAda", "Köbes")
    assert [(one.heard, one.said) for one in await store.read(lambda db: list_learned(db, "runde"))] == [LEARNED[1]]
    async with await host.post("/host/glossary", text="Ada Geheim", version="2") as answer:
        assert answer.status == 409, "an open page does not bring it back unseen"
    await store.write(lambda db: erase_question(db, edit.edit.answer_id, at=world.clock()))
    assert await store.read(lambda db: list_learned(db, "runde")) == []
    await host.close()


async def test_before_there_are_answers(world: World) -> None:
    """Before the answers are cut the page says so."""
    session = await world.plan(to="live")
    host = await world.sign_in()
    async with await host.get(f"/host/s/{session}/review") as page:
        assert page.status == 409
    await host.close()


async def test_hostile_texts_stay_text(world: World) -> None:
    """Words and names with markup are shown as they are and run nothing."""
    one = await review_session(world)
    host = await world.sign_in()
    evil = "<script>alert(1)</script>"
    fields = await one.fields(host, 0, cue="c3")
    await send(host, one, "words", fields, language="de", cue="c3", text=f"{evil} da")
    fields = await one.fields(host, 0, cue="c3")
    await send(host, one, "speaker", fields, language="de", cue="c3", speaker=evil)
    async with await host.get(f"{one.path}?answer={one.ids[0]}&cue=c3") as page:
        text = await page.text()
    assert evil not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert sentence(0, 2) == one.cue("c3").span
    await host.close()
