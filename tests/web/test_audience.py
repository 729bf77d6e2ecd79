"""The audience asks and votes, with and without JavaScript, and finds the session at one address all its life."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, CookieJar

from streamhub.answers.answer import Answer, AnswerState
from streamhub.schedule.show import Moderation, SessionState
from streamhub.store import log, marks, questions, shows
from streamhub.timecode import Span

if TYPE_CHECKING:
    from tests.web.conftest import MakeWorld, World

FORM = {"text": "Wann kommt das Netz?", "shown": "anonymous", "consent": "yes"}


async def read_page(world: World, path: str, **headers: str) -> str:
    async with world.client.get(path, headers=headers) as page:
        assert page.status == 200
        return await page.text()


async def send_form(world: World, session_id: str, **fields: str) -> tuple[int, str]:
    """Open the page, wait as people do, send the form."""
    stamp = world.find_field(await read_page(world, f"/s/{session_id}"), "stamp")
    world.clock.forward(seconds=10)
    async with world.client.post(f"/s/{session_id}/questions", data={**FORM, "stamp": stamp, **fields}) as page:
        return page.status, await page.text()


async def test_ask_by_form(world: World) -> None:
    """A question sent by the form stands on the page that the browser is led back to."""
    session = await world.plan()
    status, page = await send_form(world, session)
    assert status == 200
    assert "Wann kommt das Netz?" in page
    assert "Ihre Frage steht in der Liste" in page


async def test_a_question_that_nobody_answered_yet_comes_along(world: World) -> None:
    """What the archive's search did not find stands in the form of the session that one chooses, as text."""
    session = await world.plan()
    home = await read_page(world, "/?question=Wann%20%3Cb%3E%20%26%20wie%3F")
    [link] = re.findall(rf'href="(/s/{session}[^"]*)"', home)
    assert link == f"/s/{session}?question=Wann%20%3Cb%3E%20%26%20wie%3F#ask-title"
    page = await read_page(world, link.split("#")[0])
    assert ">Wann &lt;b&gt; &amp; wie?</textarea>" in page
    assert "?question" not in await read_page(world, "/")


async def test_ask_by_api(world: World) -> None:
    """A question sent as JSON comes back with its id and is listed; its asker's name is shown only if he wants that."""
    session = await world.plan()
    named = await world.ask(session, "Mit Namen?", name="Ada", shown="name")
    hidden = await world.ask(session, "Ohne Namen?", name="Bert")
    async with world.client.get(f"/api/v1/sessions/{session}/questions") as answer:
        found = {q["id"]: q for q in (await answer.json())["questions"]}
    assert (found[named]["asker"], found[hidden]["asker"]) == ("Ada", "")
    assert "Bert" not in await read_page(world, f"/s/{session}")


async def test_form_sent_twice_asks_once(world: World) -> None:
    """Pressing send twice on one showing of the form keeps one question."""
    session = await world.plan()
    stamp = world.find_field(await read_page(world, f"/s/{session}"), "stamp")
    world.clock.forward(seconds=10)
    for _ in range(2):
        async with world.client.post(f"/s/{session}/questions", data={**FORM, "stamp": stamp}) as page:
            assert page.status == 200
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    assert len(kept) == 1


async def test_idempotency_key_asks_once(world: World) -> None:
    """A program that sends a request again with its key gets the first question back."""
    session = await world.plan()
    ids = set()
    for _ in range(2):
        path, key = f"/api/v1/sessions/{session}/questions", {"Idempotency-Key": "k1"}
        async with world.client.post(path, json={"text": "Einmal?"}, headers=key) as answer:
            ids.add((await answer.json())["id"])
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "   "}, "Da steht noch keine Frage"),
        ({"text": "x" * 1001}, "Ihre Frage ist zu lang"),
        ({"consent": ""}, "Ohne Ihr Einverständnis"),
        ({"shown": "name", "name": " "}, "Ihr Name soll gezeigt werden"),
        ({"name": "n" * 61}, "Der Name ist zu lang"),
        ({"stamp": "1-x.gefaelscht"}, "Das Formular war lange offen"),
    ],
)
async def test_form_mistakes(world: World, fields: dict[str, str], said: str) -> None:
    """What is wrong with a form is said in the reader's language, and what was typed is still there."""
    session = await world.plan()
    status, page = await send_form(world, session, **fields)
    assert status == 400
    assert said in page
    if "text" not in fields:
        assert FORM["text"] in page


async def test_form_time(world: World) -> None:
    """A form that comes back at once or hours later is not taken, and can be sent again."""
    session = await world.plan()
    stamp = world.find_field(await read_page(world, f"/s/{session}"), "stamp")
    async with world.client.post(f"/s/{session}/questions", data={**FORM, "stamp": stamp}) as page:
        assert page.status == 400
        text = await page.text()
        assert "Das ging sehr schnell" in text
    world.clock.forward(hours=3)
    async with world.client.post(
        f"/s/{session}/questions", data={**FORM, "stamp": world.find_field(text, "stamp")}
    ) as page:
        assert page.status == 400
        fresh = world.find_field(await page.text(), "stamp")
    world.clock.forward(seconds=3)
    async with world.client.post(f"/s/{session}/questions", data={**FORM, "stamp": fresh}) as page:
        assert page.status == 200


async def test_honeypot_is_held(world: World) -> None:
    """Who fills the field that people do not see is looked at by a person first."""
    session = await world.plan()
    status, page = await send_form(world, session, website="https://spam.example")
    assert status == 200
    assert "Wann kommt das Netz?" not in page
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    assert [q.state.value for q in kept] == ["held"]


async def test_consent_is_logged(world: World) -> None:
    """The version of the consent and how the asker wants to be shown are in the log, the words are not."""
    session = await world.plan()
    asked = await world.ask(session)
    actions = await world.hub.store.read(lambda db: log.list_actions(db, limit=10, object_id=asked))
    consent = next(a for a in actions if a.action == "consent.given")
    assert consent.details == {"text": "2026-12", "shown": "anonymous", "photo": False}


async def test_vote_and_unvote_without_javascript(world: World) -> None:
    """A button counts a vote once, shows it as given, and takes it back."""
    session = await world.plan()
    asked = await world.ask(session)
    await read_page(world, f"/s/{session}")
    for wish, votes, pressed in [("vote", 1, "true"), ("vote", 1, "true"), ("unvote", 0, "false")]:
        async with world.client.post(f"/s/{session}/questions/{asked}/{wish}") as page:
            text = await page.text()
        assert f'data-votes="{votes}"' in text
        assert f'aria-pressed="{pressed}"' in text


async def test_vote_by_api(world: World) -> None:
    """Each voter counts once; another voter counts beside; taking back what was not given changes nothing."""
    session = await world.plan()
    asked = await world.ask(session)
    path = f"{world.url}/api/v1/questions/{asked}/vote"
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as one, ClientSession() as other:
        for somebody, method, votes in [
            (one, "POST", 1),
            (one, "POST", 1),
            (other, "POST", 2),
            (one, "DELETE", 1),
            (one, "DELETE", 1),
        ]:
            async with somebody.request(method, path) as answer:
                assert await answer.json() == {"votes": votes}


async def test_forged_voter_cookie(world: World) -> None:
    """A voter's cookie that we did not sign makes its bearer a newcomer."""
    session = await world.plan()
    asked = await world.ask(session)
    cookies = {"streamhub_voter": "aaaaaaaaaa.forged"}
    path = f"{world.url}/api/v1/questions/{asked}/vote"
    async with ClientSession() as liar, liar.post(path, cookies=cookies) as answer:
        assert (await answer.json())["votes"] == 1
        assert "streamhub_voter" in answer.cookies
    voted = await world.hub.store.read(lambda db: questions.list_votes(db, session, "aaaaaaaaaa"))
    assert voted == frozenset()


async def test_vote_in_another_session(world: World) -> None:
    """A question is found in its own session only."""
    session, other = await world.plan(), await world.plan(title="Anderes")
    asked = await world.ask(session)
    async with world.client.post(f"/s/{other}/questions/{asked}/vote") as page:
        assert page.status == 404


async def test_moderation_before(world: World) -> None:
    """Under moderation beforehand a question appears when a host lets it in, and cannot be voted for earlier."""
    session = await world.plan(moderation=Moderation.BEFORE)
    asked = await world.ask(session, "Erst prüfen?")
    assert "Erst prüfen?" not in await read_page(world, f"/s/{session}")
    async with world.client.post(f"/api/v1/questions/{asked}/vote") as answer:
        assert answer.status == 404
    await world.act(asked, "approve")
    assert "Erst prüfen?" in await read_page(world, f"/s/{session}")


async def test_moderation_after(world: World) -> None:
    """Under moderation afterwards a question appears at once and goes when a host holds or declines it."""
    session = await world.plan()
    asked = await world.ask(session, "Sofort da?")
    assert "Sofort da?" in await read_page(world, f"/s/{session}")
    await world.act(asked, "decline", note="gehört nicht hierher")
    page = await read_page(world, f"/s/{session}")
    assert "Sofort da?" not in page
    assert "gehört nicht hierher" not in page


async def test_one_address_all_its_life(world: World) -> None:
    """The session's page counts down, shows what is on air, says what happens next, and links the answers at last."""
    session = await world.plan()
    page = await read_page(world, f"/s/{session}")
    assert "Noch 2 Tage, 3 Stunden" in page
    assert "Dienstag, 2. März 2027, 20:15\N{NO-BREAK SPACE}Uhr (MEZ, UTC+1, Europe/Berlin)" in page
    asked = await world.ask(session)
    await world.host("POST", f"/sessions/{session}/state", to="rehearsal")
    assert "Noch 2 Tage" in await read_page(world, f"/s/{session}")
    await world.host("POST", f"/sessions/{session}/state", to="live")
    await world.act(asked, "on-air")
    folder = world.broadcasting.folder / session
    folder.mkdir(parents=True)
    (folder / "index.m3u8").write_text("#EXTM3U\n")
    page = await read_page(world, f"/s/{session}")
    assert "Wird gerade beantwortet" in page
    assert f'src="/live/{session}/index.m3u8"' in page
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    page = await read_page(world, f"/s/{session}")
    assert "verschriftlicht" in page
    assert 'id="ask-form"' not in page
    answer = Answer(
        id=asked,
        slug="was-kostet-das",
        session_id=session,
        question="Was kostet das?",
        ranges=(Span(0, 9),),
        state=AnswerState.PUBLISHED,
    )
    world.answers.answers[session] = [answer]
    for state in (SessionState.PROCESSING, SessionState.IN_REVIEW, SessionState.PUBLISHED):
        await world.hub.store.write(lambda db, to=state: shows.step_session(db, session, to, at=world.clock()))
    assert f'href="/archive/de/a/{asked}-was-kostet-das/"' in await read_page(world, f"/s/{session}")


async def test_ended_takes_nothing(world: World) -> None:
    """After the end nobody asks or votes."""
    session = await world.plan(to="live")
    asked = await world.ask(session)
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    async with world.client.post(f"/api/v1/sessions/{session}/questions", json={"text": "Zu spät?"}) as answer:
        assert answer.status == 409
    async with world.client.post(f"/api/v1/questions/{asked}/vote") as answer:
        assert answer.status == 409
    status, _ = await send_late_form(world, session)
    assert status in {400, 409}


async def send_late_form(world: World, session_id: str) -> tuple[int, str]:
    async with world.client.post(f"/s/{session_id}/questions", data=FORM) as page:
        return page.status, await page.text()


async def test_drafts_are_hidden(world: World) -> None:
    """A draft is nowhere in public."""
    session = await world.plan(to="draft")
    for path in (
        f"/s/{session}",
        f"/api/v1/sessions/{session}",
        f"/api/v1/sessions/{session}/questions",
        f"/api/v1/sessions/{session}/events",
    ):
        async with world.client.get(path) as answer:
            assert answer.status == 404, path
    assert session not in await read_page(world, "/")


async def test_languages(world: World) -> None:
    """``?lang=`` wins and is remembered, then the browser's wish, then the session's own language."""
    session = await world.plan()
    assert '<html lang="de">' in await read_page(world, f"/s/{session}")
    english = await read_page(world, f"/s/{session}", **{"Accept-Language": "fr, en-GB;q=0.8, de;q=0.5"})
    assert '<html lang="en">' in english
    assert "Tuesday, 2 March 2027, 20:15 (CET, UTC+1, Europe/Berlin)" in re.sub(r"[\u202f\u2009]", " ", english)
    assert "2 days, 3 hours to go" in english
    assert '<html lang="en">' in await read_page(world, f"/s/{session}?lang=en")
    assert '<html lang="en">' in await read_page(world, f"/s/{session}", **{"Accept-Language": "de"})


@pytest.mark.parametrize(("language", "said"), [("de", "Hier ist nichts"), ("en", "There is nothing here")])
async def test_not_found_in_both_languages(world: World, language: str, said: str) -> None:
    """A wrong address is answered by a page that a person understands."""
    for path in ("/s/gibt-es-nicht", "/nirgendwo", "/archive/nichts.html"):
        async with world.client.get(path, headers={"Accept-Language": language}) as page:
            assert page.status == 404
            text = await page.text()
            assert said in text
            assert f'<html lang="{language}">' in text


async def test_flood_is_limited(make_world: MakeWorld) -> None:
    """A flood from one address gets 429 with the seconds to wait, while another address still gets in."""
    world = await make_world(questions_per_minute=5, trust_proxy=True)
    session = await world.plan()
    path, flood, honest = f"/api/v1/sessions/{session}/questions", "203.0.113.9", "198.51.100.7"
    statuses = []
    for number in range(12):
        async with world.client.post(path, json={"text": f"F{number}?"}, headers={"X-Forwarded-For": flood}) as answer:
            statuses.append(answer.status)
            if answer.status == 429:
                assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert statuses == [201] * 5 + [429] * 7
    async with world.client.post(path, json={"text": "Ehrlich?"}, headers={"X-Forwarded-For": honest}) as answer:
        assert answer.status == 201


async def test_votes_are_limited(make_world: MakeWorld) -> None:
    """Votes have their own budget per address."""
    world = await make_world(votes_per_minute=3)
    asked = await world.ask(await world.plan())
    statuses = []
    for _ in range(4):
        async with world.client.post(f"/api/v1/questions/{asked}/vote") as answer:
            statuses.append(answer.status)
    assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"text": "a", "admin": true}', "admin"),
        ('{"text": 5}', "str"),
        ("[]", "object"),
        ("{", "body"),
        ('{"name": "x"}', "text"),
        ('{"text": "a", "shown": "loudly"}', "anonymous"),
        ('{"text": "a", "language": "fr"}', "de, en"),
        ('{"text": "' + "x" * 20000 + '"}', "1000"),
    ],
)
async def test_bad_json(world: World, body: str, said: str) -> None:
    """A body that cannot be is answered by 400 and a sentence that names the reason."""
    session = await world.plan()
    headers = {"Content-Type": "application/json"}
    async with world.client.post(f"/api/v1/sessions/{session}/questions", data=body, headers=headers) as answer:
        assert answer.status == 400
        error = (await answer.json())["error"]
        assert said in f"{error['message']} {error['hint']}"


async def test_huge_bodies(world: World) -> None:
    """A question of a megabyte is refused readably, announced or not, as JSON and as a form."""
    session = await world.plan()
    huge = b'{"text": "' + b"x" * 1_000_000 + b'"}'

    async def pieces():  # type: ignore[no-untyped-def]
        for at in range(0, len(huge), 16384):
            yield huge[at : at + 16384]
            await asyncio.sleep(0)

    headers = {"Content-Type": "application/json"}
    for body in (huge, pieces()):
        async with ClientSession() as somebody:
            path = f"{world.url}/api/v1/sessions/{session}/questions"
            async with somebody.post(path, data=body, headers=headers) as answer:
                assert answer.status == 413
                assert "zu groß" in (await answer.json())["error"]["message"]
    async with world.client.post(f"/s/{session}/questions", data={"text": "x" * 1_000_000}) as page:
        assert page.status == 413
        assert "64 KB" in await page.text()


async def test_on_air_writes_marks(world: World) -> None:
    """Putting on air, the next one on air, back and done leave the marks that answers are cut by."""
    session = await world.plan(to="live")
    first, second = await world.ask(session, "Erste?"), await world.ask(session, "Zweite?")
    for question, action in [
        (first, "on-air"),
        (second, "on-air"),
        (second, "back"),
        (second, "on-air"),
        (second, "done"),
    ]:
        world.clock.forward(seconds=30)
        await world.act(question, action)
    kept = await world.hub.store.read(lambda db: marks.list_marks(db, session))
    assert [(m.question_id, m.kind.value) for m in kept] == [
        (first, "on_air"),
        (first, "done"),
        (second, "on_air"),
        (second, "back"),
        (second, "on_air"),
        (second, "done"),
    ]
    assert (kept[-1].at - kept[0].at).total_seconds() == 120
    assert {m.author for m in kept} == {"script"}
