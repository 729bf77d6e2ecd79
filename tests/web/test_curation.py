"""Hosts curate questions by forms and by the API: merge, split, edit, drag, undo, carry over, bring in, two at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.live.mark import MarkKind
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Moderation
from streamhub.store import handover, marks, questions

if TYPE_CHECKING:
    from tests.web.conftest import World

Q = QuestionState


async def load(world: World, question_id: str) -> Question:
    return await world.hub.store.read(lambda db: questions.load_question(db, question_id))


async def vote(world: World, question_id: str, *voters: str) -> None:
    for voter in voters:
        await world.hub.store.write(lambda db, v=voter: questions.add_vote(db, question_id, v, at=world.clock()))


async def refused(
    world: World, path: str, status: int = 409, headers: dict[str, str] | None = None, **body: Any
) -> str:
    """The message of a request that the API refuses."""
    sent = {**world.bearer, **(headers or {})}
    async with world.client.post(f"/api/v1/host{path}", json=body, headers=sent) as answer:
        found = await answer.json()
        assert answer.status == status, found
        return f"{found['error']['message']} {found['error']['hint']}"


async def test_merging_unites_voters_and_unmerging_gives_them_back(world: World) -> None:
    """Whoever voted for both counts once; taken out again, each has its own, and what came since stays where it was."""
    session = await world.plan()
    first, second = await world.ask(session, "Was kostet es?"), await world.ask(session, "Wie teuer ist es?")
    await vote(world, first, "ann", "bob")
    await vote(world, second, "bob", "cem")
    merged = await world.act(second, "merge", into=first)
    assert (merged["state"], merged["merged_into"]) == ("merged", first)
    assert (await load(world, first)).votes == 3
    await vote(world, second, "dan", "cem")  # an old link votes for what stands there now; cem is counted already
    assert (await load(world, first)).votes == 4
    async with world.client.get(f"/q/{second}", allow_redirects=False) as answer:
        assert answer.headers["Location"] == f"/s/{session}#q-{first}"
    await world.act(second, "unmerge")
    assert (await load(world, second)).votes == 2
    assert (await load(world, first)).votes == 4  # ann, bob, and since then dan and cem


async def test_what_cannot_be_merged_is_said(world: World) -> None:
    """With itself, twice, or away from the air: each is refused with a sentence that says why."""
    session = await world.plan(to="live")
    one, other, third = [await world.ask(session, f"Frage {n}?") for n in range(3)]
    assert "itself" in await refused(world, f"/questions/{one}/merge", into=one)
    await world.act(one, "merge", into=other)
    assert "already" in await refused(world, f"/questions/{one}/merge", into=third)
    assert other in await refused(world, f"/questions/{third}/merge", into=one)
    await world.act(third, "on-air")
    assert "on air" in await refused(world, f"/questions/{third}/merge", into=other)
    await world.act(one, "merge", into=other)  # as it is already
    await refused(world, f"/questions/{other}/merge", 404, into="nobody")
    await refused(world, f"/questions/{other}/merge", 400)


async def test_several_are_merged_in_one_step_by_form(world: World) -> None:
    """Questions that were ticked stand under the most wanted of them, and one undo takes it back."""
    session = await world.plan()
    asked = [await world.ask(session, f"Frage {n}?") for n in range(3)]
    await vote(world, asked[1], "ann", "bob")
    browser = await world.sign_in()
    data = [("form_token", browser.form_token), *(("ids", one) for one in asked)]
    path = f"{world.url}/host/s/{session}"
    async with browser.session.post(f"{path}/merge", data=data, allow_redirects=False) as page:
        assert page.headers["Location"].endswith(f"#q-{asked[1]}")
    assert [(await load(world, one)).merged_into for one in asked] == [asked[1], "", asked[1]]
    async with await browser.get(f"/host/s/{session}") as page:
        assert "3 Fragen in einer" in await page.text()
    async with await browser.post(f"/host/s/{session}/undo") as page:
        assert page.status == 303
    assert [(await load(world, one)).merged_into for one in asked] == ["", "", ""]
    async with await browser.post(f"/host/s/{session}/merge", ids=asked[0]) as page:
        assert page.status == 400
    await browser.close()


async def test_splitting_keeps_asker_votes_and_what_was_typed(world: World) -> None:
    """A split question keeps its id for the first part; the others get asker, source and votes; undo joins them."""
    session = await world.plan()
    asked = await world.ask(session, "Was kostet es und wann kommt es?", name="Ada", shown="name")
    await vote(world, asked, "ann", "bob")
    whole = await load(world, asked)
    await refused(world, f"/questions/{asked}/split", 400, parts=["Was kostet es?", "Wann kommt es?"])  # which version?
    await world.act(asked, "split", parts=["Was kostet es?", "Wann kommt es?"], version=whole.version)
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    first, second = sorted(kept, key=lambda q: q.id != asked)
    assert (first.text, second.text, second.split_from) == ("Was kostet es?", "Wann kommt es?", asked)
    assert first.original == second.original == "Was kostet es und wann kommt es?"
    assert (second.asker, second.source, second.votes, first.votes) == (whole.asker, whole.source, 2, 2)
    await vote(world, second.id, "cem")
    await world.host("POST", f"/sessions/{session}/undo")
    again = await load(world, asked)
    assert (again.text, again.original, again.votes) == (whole.text, "", 3)
    assert (await load(world, second.id)).merged_into == asked


async def test_editing_keeps_the_words_as_typed(world: World) -> None:
    """Clearer words stand before the typed ones, which are kept over several edits and come back."""
    session = await world.plan()
    asked = await world.ask(session, "wann glasfaser??")
    for text in ("Wann kommt Glasfaser?", "Wann kommt Glasfaser zu uns?"):
        await world.act(asked, "edit", text=text, version=(await load(world, asked)).version)
    found = await load(world, asked)
    assert (found.text, found.original) == ("Wann kommt Glasfaser zu uns?", "wann glasfaser??")
    async with world.client.get(f"/api/v1/sessions/{session}/questions") as answer:
        public = (await answer.json())["questions"][0]
    assert "original" not in public
    await world.act(asked, "reset", version=found.version)
    assert ((await load(world, asked)).text, (await load(world, asked)).original) == ("wann glasfaser??", "")
    await refused(world, f"/questions/{asked}/edit", 400, text=" \u200b ", version=9)


async def test_a_stale_change_is_refused_and_says_who_did_what(world: World) -> None:
    """A change meant for an older version overwrites nothing; the refusal names who did what, and when."""
    session = await world.plan()
    asked = await world.ask(session, "Was kostet es?")
    browser = await world.sign_in(person="Ole")
    async with await browser.post(f"/host/s/{session}/questions/{asked}/star", version="1") as page:
        assert page.status == 303
    said = await refused(world, f"/questions/{asked}/edit", text="Neu?", version=1)
    assert "Ole" in said
    assert "gemerkt" in said
    await refused(world, f"/questions/{asked}/queue", headers={"If-Match": '"1"'})
    assert (await load(world, asked)).text == "Was kostet es?"
    await world.act(asked, "star", version=1)  # is starred already: nothing to refuse
    await world.host("POST", f"/questions/{asked}/queue", version=2)
    typed = "Was kostet der Anschluss?"
    async with await browser.post(f"/host/s/{session}/questions/{asked}/edit", version="2", text=typed) as page:
        html = await page.text()
    assert page.status == 409
    assert typed in html  # nothing typed is lost
    assert world.find_field(html, "version") == "3"
    async with await browser.post(f"/host/s/{session}/questions/{asked}/edit", version="3", text=typed) as page:
        assert page.status == 303
    await browser.close()


async def test_of_two_at_once_exactly_one_wins(world: World) -> None:
    """Requests that saw the same version and come at one moment: one takes effect, all others are told."""
    session = await world.plan()
    asked = await world.ask(session, "Was kostet es?")

    async def edit(number: int) -> int:
        body = {"text": f"Fassung {number}?", "version": 1}
        path = f"/api/v1/host/questions/{asked}/edit"
        async with world.client.post(path, json=body, headers=world.bearer) as answer:
            return answer.status

    statuses = await asyncio.gather(*(edit(number) for number in range(8)))
    assert sorted(statuses) == [200, *([409] * 7)]
    found = await load(world, asked)
    assert found.version == 2
    assert found.text == f"Fassung {statuses.index(200)}?"


async def test_sent_twice_is_done_once(world: World) -> None:
    """A press that is sent again because its answer was lost takes effect once, by form and by API."""
    session = await world.plan()
    asked = []
    for number in range(3):
        world.clock.forward(seconds=1)
        asked.append(await world.ask(session, f"Frage {number}?"))
        await world.act(asked[-1], "queue")
    browser = await world.sign_in()
    for _ in range(3):
        path = f"/host/s/{session}/questions/{asked[2]}/up"
        async with await browser.post(path, version="2", once="abc") as page:
            assert page.status == 303
    listed = (await world.host("GET", f"/sessions/{session}/questions"))["questions"]
    assert [one["id"] for one in listed] == [asked[0], asked[2], asked[1]]
    sent = {**world.bearer, "Idempotency-Key": "k-1"}
    for _ in range(2):
        path = f"/api/v1/host/sessions/{session}/questions"
        async with world.client.post(path, json={"text": "Vom Telefon?"}, headers=sent) as answer:
            assert answer.status == 201
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    assert [q.source for q in kept].count("phone") == 1
    await browser.close()


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # of the client, which is the test
async def test_long_lists_are_read_and_too_long_ones_say_what_fits(world: World) -> None:
    """A list beyond the usual limit of a form is read; one beyond its own limit says how much fits and to split it."""
    session = await world.plan()
    rows = [f"Frage Nummer {number}? {'x' * 200}" for number in range(500)]
    browser = await world.sign_in()
    async with await browser.post(f"/host/s/{session}/bring", csv="\n".join(["question", *rows])) as page:
        assert page.status == 303
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    assert len(kept) == 500
    huge = "question\n" + "x" * 1_100_000
    async with await browser.post(f"/host/s/{session}/bring", csv=huge) as page:
        text = await page.text()
        assert page.status == 413
        assert "höchstens 1000 KB" in text
        assert "Teilen Sie sie" in text
    assert "1000 KB" in await refused(world, f"/sessions/{session}/questions/csv", 413, csv=huge)
    await browser.close()


async def test_hosts_read_in_their_language_why_a_step_is_refused(world: World) -> None:
    """What the state of things forbids is said in German on a page and to its script; programs read as before."""
    session = await world.plan()
    asked = await world.ask(session)
    browser = await world.sign_in()
    path = f"/host/s/{session}/questions/{asked}"
    for action, sentence in (
        ("on-air", "Die Sendung läuft nicht."),
        ("done", "Die Frage ist nicht auf Sendung (offen)."),
        ("up", "Die Frage steht nicht in der Warteschlange (offen)."),
    ):
        async with await browser.post(f"{path}/{action}") as page:
            text = await page.text()
            assert (page.status, sentence in text) == (409, True), text
            assert ": is " not in text
    await world.act(asked, "decline")
    async with await browser.post(f"{path}/queue") as page:
        assert "Von da, wo die Frage steht, geht das nicht (abgelehnt)." in await page.text()
    form = {"form_token": browser.form_token}
    async with browser.session.post(
        f"{world.url}{path}/queue", data=form, headers={"Accept": "application/json"}
    ) as answer:
        assert "geht das nicht (abgelehnt)" in (await answer.json())["error"]["message"]
    async with await browser.post(f"/host/s/{session}/state", to="published") as page:
        assert "geht dieser Schritt nicht." in await page.text()
    assert "is declined, cannot become queued" in await refused(world, f"/questions/{asked}/queue")
    await browser.close()


async def test_the_queue_is_dragged(world: World) -> None:
    """A queued question goes before another, to the end, up and down; votes that come later move nothing placed."""
    session = await world.plan()
    asked = {}
    for name in "abcd":
        world.clock.forward(seconds=1)
        asked[name] = await world.ask(session, f"Frage {name}?")
        await world.act(asked[name], "queue")
    a, b, c, d = asked.values()

    async def order() -> str:
        listed = (await world.host("GET", f"/sessions/{session}/questions"))["questions"]
        return "".join({a: "a", b: "b", c: "c", d: "d"}[one["id"]] for one in listed)

    await world.act(d, "place", before=a)
    assert await order() == "dabc"
    await world.act(d, "place", before=c)
    assert await order() == "abdc"
    await world.act(a, "place")
    assert await order() == "bdca"
    await vote(world, a, "ann", "bob")
    assert await order() == "bdca"
    await world.act(a, "up")
    await world.act(b, "down")
    assert await order() == "dbac"
    for _ in range(60):  # the gap between two places is used up at some time
        await world.act(c, "place", before=b)
        await world.act(a, "place", before=b)
    assert await order() == "dcab"
    await refused(world, f"/questions/{a}/place", before="nobody")


async def test_undoing_on_air_leaves_a_mark_and_restores_what_it_displaced(world: World) -> None:
    """A slip on air is taken back by a mark of its own; what was on air before is on air again; undo is undoable."""
    session = await world.plan(to="live")
    first, second = await world.ask(session, "Eins?"), await world.ask(session, "Zwei?")
    await world.act(first, "on-air")
    world.clock.forward(seconds=30)
    await world.act(second, "on-air")
    world.clock.forward(seconds=2)
    await world.host("POST", f"/sessions/{session}/undo")
    assert ((await load(world, first)).state, (await load(world, second)).state) == (Q.ON_AIR, Q.OPEN)
    kept = await world.hub.store.read(lambda db: marks.list_marks(db, session))
    assert [(m.question_id, m.kind) for m in kept] == [
        (first, MarkKind.ON_AIR), (first, MarkKind.DONE), (second, MarkKind.ON_AIR),
        (second, MarkKind.BACK), (first, MarkKind.ON_AIR),
    ]  # fmt: skip
    listed = (await world.host("GET", f"/sessions/{session}/changes"))["changes"]
    assert [one["action"] for one in listed] == ["undo", "on-air", "on-air"]
    await world.host("POST", f"/sessions/{session}/undo", change=listed[0]["id"])
    assert ((await load(world, first)).state, (await load(world, second)).state) == (Q.ANSWERED_LIVE, Q.ON_AIR)


async def test_an_undo_that_would_overwrite_is_refused(world: World) -> None:
    """What was changed again since cannot be undone before that; what touches other fields can, in any order."""
    session = await world.plan()
    asked = await world.ask(session, "Was kostet es?")
    await world.act(asked, "star")
    await world.act(asked, "queue")
    await world.act(asked, "open")
    changes = (await world.host("GET", f"/sessions/{session}/changes"))["changes"]
    opened, queued, starred = (one["id"] for one in changes)
    await refused(world, f"/sessions/{session}/undo", change=queued)
    await world.host("POST", f"/sessions/{session}/undo", change=starred)
    assert not (await load(world, asked)).starred
    await world.host("POST", f"/sessions/{session}/undo", change=opened)
    await world.host("POST", f"/sessions/{session}/undo", change=queued)
    assert (await load(world, asked)).state is Q.OPEN
    again = await world.host("POST", f"/sessions/{session}/undo", change=queued)
    assert again == {"change": None}
    await refused(world, f"/sessions/{session}/undo", 404, change=9999)


async def test_an_undo_that_has_nothing_left_to_do_is_refused(world: World) -> None:
    """A carry cannot be done again for a part that its question took back: it lies where that lies."""
    session = await world.plan()
    starts = "2027-04-02T20:15:00+02:00"
    made = await world.host("POST", "/sessions", show_id="runde", title="Nummer zwei", starts_at=starts)
    await world.host("POST", f"/sessions/{made['id']}/state", to="scheduled")
    asked = await world.ask(session, "Was kostet es und wann kommt es?")
    version = (await load(world, asked)).version
    await world.act(asked, "split", parts=["Was kostet es?", "Wann kommt es?"], version=version)
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    part = next(one.id for one in kept if one.id != asked)
    await world.act(part, "carry")
    back = (await world.host("POST", f"/sessions/{session}/undo"))["change"]
    await world.host("POST", f"/sessions/{session}/undo")
    before = await load(world, part)
    assert (before.session_id, before.merged_into) == (session, asked)
    for _ in range(2):  # and again: it was no success that only did nothing
        assert "Nichts wurde rückgängig gemacht" in await refused(world, f"/sessions/{session}/undo", change=back["id"])
    assert await load(world, part) == before


async def test_every_deed_can_be_undone(world: World) -> None:
    """Hold, decline, tag, edit, place, carry and bringing in go back to what was, each by the list of what happened."""
    session = await world.plan()
    asked = await world.ask(session, "Was kostet es?")
    other = await world.ask(session, "Und wann?")
    await world.act(other, "queue")
    before = await load(world, asked)
    for action, body in [
        ("hold", {}), ("decline", {"note": "gehört nicht her"}), ("tag", {"topics": ["Preise"]}), ("star", {}),
        ("edit", {"text": "Was kostet der Anschluss?"}), ("queue", {}), ("carry", {}), ("to-writing", {}),
        ("merge", {"into": other}),
    ]:  # fmt: skip
        if action == "edit":
            body["version"] = (await load(world, asked)).version
        await world.act(asked, action, **body)
        assert (await world.host("POST", f"/sessions/{session}/undo"))["change"], action
        now = await load(world, asked)
        assert (now.state, now.text, now.original, now.topics, now.starred, now.for_writing, now.merged_into) == (
            before.state, before.text, "", (), False, False, ""
        ), action  # fmt: skip
    made = await world.host("POST", f"/sessions/{session}/questions", text="Vom Telefon?")
    await world.host("POST", f"/sessions/{session}/undo")
    assert (await load(world, made["id"])).state is Q.DECLINED


async def test_questions_carry_over_to_the_next_session(world: World) -> None:
    """What is left open moves with its votes and what was merged into it, and the old page leads there; one returns."""
    session = await world.plan()
    left, twin, queued, held = [await world.ask(session, f"Frage {n}?") for n in range(4)]
    await vote(world, left, "ann")
    await world.act(twin, "merge", into=left)
    await world.act(queued, "queue")
    await world.act(held, "hold")
    await world.act(held, "open")
    await world.act(held, "to-writing")
    end = world.clock()
    await world.hub.store.write(lambda db: handover.hand_over(db, session, at=end))
    assert (await load(world, left)).state is Q.CARRIED_OVER  # there is no next session yet
    made = await world.host(
        "POST", "/sessions", show_id="runde", title="Nummer zwei", starts_at="2027-04-02T20:15:00+02:00"
    )
    for state in ("live", "ended"):
        await world.host("POST", f"/sessions/{session}/state", to=state)
    await world.host("POST", f"/sessions/{made['id']}/state", to="scheduled")
    for one in (left, queued, twin):
        assert (await load(world, one)).session_id == made["id"], one
    assert ((await load(world, left)).state, (await load(world, left)).votes) == (Q.OPEN, 1)
    assert (await load(world, held)).session_id == session
    async with world.client.get(f"/s/{session}") as page:
        html = await page.text()
        assert f"/s/{made['id']}#q-{left}" in html
        assert f"#q-{twin}" not in html
    async with world.client.get(f"/q/{twin}", allow_redirects=False) as answer:
        assert answer.headers["Location"] == f"/s/{made['id']}#q-{left}"
    changes = (await world.host("GET", f"/sessions/{session}/changes"))["changes"]
    moved = next(one for one in changes if one["questions"][0] == left and one["action"] == "carry")
    await world.host("POST", f"/sessions/{session}/undo", change=moved["id"])
    assert {(await load(world, one)).session_id for one in (left, twin)} == {session}


async def test_a_show_may_keep_what_is_left_open(world: World) -> None:
    """Where the show says so, open questions stay where they were asked."""
    session = await world.plan(carries_over=False)
    asked = await world.ask(session)
    end = world.clock()
    assert await world.hub.store.write(lambda db: handover.hand_over(db, session, at=end)) == []
    assert (await load(world, asked)).state is Q.OPEN


@pytest.mark.parametrize(("moderation", "public", "marked"), [("before", 0, 1), ("after", 1, 1), ("none", 1, 0)])
async def test_moderation_means_what_it_says(world: World, moderation: str, public: int, marked: int) -> None:
    """Before: nobody sees it until it is let in. After: at once, and hosts see what is new. None: neither."""
    session = await world.plan(moderation=Moderation(moderation))
    asked = await world.ask(session, "Sieht man mich?")
    path = f"/api/v1/sessions/{session}/questions"
    async with world.client.get(path) as answer:
        assert len((await answer.json())["questions"]) == public
    browser = await world.sign_in()
    async with await browser.get(f"/host/s/{session}") as page:
        html = await page.text()
    assert ('<span class="state">wartet auf Zulassung</span>' in html) == (moderation == "before")
    assert (">noch nicht gesehen</span>" in html) == (moderation == "after")
    assert (f"/questions/{asked}/approve" in html) == bool(marked)
    if marked:
        await world.act(asked, "approve")
    async with await browser.get(f"/host/s/{session}") as page:
        html = await page.text()
    assert ">noch nicht gesehen</span>" not in html
    async with world.client.get(path) as answer:
        assert len((await answer.json())["questions"]) == 1
    typed = await world.host("POST", f"/sessions/{session}/questions", text="Vom Telefon?", queued=True)
    assert (typed["state"], typed["source"], typed["seen"]) == ("queued", "phone", True)
    await browser.close()


async def test_a_list_is_taken_whole_or_not_at_all(world: World) -> None:
    """A pasted CSV with a bad line takes nothing and says which; formulas and umlauts are text like any other."""
    session = await world.plan(to="live")
    browser = await world.sign_in()
    good = 'question;asker;votes\n"=HYPERLINK(""http://evil"")";Jürgen;3\nWas tun?;;\n'
    bad = good + "Und das?;;viele\n" + "x" * 1200 + ";;\n"
    async with await browser.post(f"/host/s/{session}/bring", csv=bad) as page:
        html = await page.text()
    assert page.status == 400
    assert "line 4" in html
    assert "line 5" in html
    assert "Und das?;;viele" in html  # what was pasted is still there
    assert await world.hub.store.read(lambda db: questions.list_questions(db, session)) == []
    async with await browser.post(f"/host/s/{session}/bring", csv=good, queued="yes") as page:
        assert page.status == 303
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    assert [(q.text, q.asker.name, q.votes, q.state) for q in kept] == [
        ('=HYPERLINK("http://evil")', "Jürgen", 3, Q.QUEUED), ("Was tun?", "", 0, Q.QUEUED)
    ]  # fmt: skip
    await world.host("POST", f"/sessions/{session}/undo")  # nothing of the API's own name
    for csv in ("", "nur eine Zeile", "name\nx\n"):
        await refused(world, f"/sessions/{session}/questions/csv", 400, csv=csv)
    await browser.close()


async def test_the_inbox_is_sorted_and_filtered_without_a_script(world: World) -> None:
    """By votes, age and topic; by source, topic, state and words; the address keeps what was asked for."""
    session = await world.plan()
    old = await world.ask(session, "Alte Frage zum Modem?")
    world.clock.forward(minutes=1)
    wanted = await world.ask(session, "Gewünschte Frage zur Störung?")
    await vote(world, wanted, "ann")
    await world.act(old, "tag", topics=["Modem"])
    browser = await world.sign_in()

    async def inbox(query: str) -> list[str]:
        async with await browser.get(f"/host/s/{session}?{query}") as page:
            html = await page.text()
        part = html[html.index('id="inbox"') : html.index('id="happened"')]
        return [one for one in sorted((old, wanted), key=part.find) if f'id="q-{one}"' in part]

    assert await inbox("") == [wanted, old]
    assert await inbox("sort=age") == [old, wanted]
    assert await inbox("sort=topic") == [old, wanted]
    assert await inbox("text=stoerung") == []
    assert await inbox("text=STÖRUNG+frage") == [wanted]
    assert await inbox("topic=Modem") == [old]
    assert await inbox("topic=-") == [wanted]
    assert await inbox("source=phone") == []
    assert await inbox("state=unseen") == [wanted]
    assert await inbox("sort=nonsense&state=nonsense") == []
    await browser.close()


async def test_the_page_of_a_question_has_every_deed(world: World) -> None:
    """Without a script a question's page edits, merges, splits, tags, carries over, declines and undoes."""
    session = await world.plan()
    asked, other = await world.ask(session, "Was kostet es?"), await world.ask(session, "Wie teuer?")
    browser = await world.sign_in()
    page_path = f"/host/s/{session}/q/{asked}"
    async with await browser.get(page_path) as page:
        html = await page.text()
    for action in ("edit", "merge", "split", "tag", "carry", "to-writing", "decline"):
        assert f"/questions/{asked}/{action}" in html, action
    path = f"/host/s/{session}/questions/{asked}"
    async with await browser.post(f"{path}/tag", version="1", topics="Preise, Tarife", products="Modem X") as page:
        assert page.status == 303
    async with await browser.post(f"{path}/merge", version="2", into=other) as page:
        assert page.status == 303
    async with await browser.get(f"/host/s/{session}/q/{other}") as page:
        assert f"/questions/{asked}/unmerge" in await page.text()
    async with await browser.get(page_path) as page:
        assert page.status == 200
    assert (await load(world, asked)).topics == ("Preise", "Tarife")
    await browser.close()
