"""Hosts run a session by forms and by the API, several at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from streamhub.answers.answer import Answer
from streamhub.questions.question import QuestionState
from streamhub.schedule.show import Moderation, SessionState
from streamhub.store import log, marks, questions, shows
from streamhub.store.shows import step_session
from streamhub.timecode import Span
from streamhub.web.access import AccessRole
from streamhub.web.host import plan_steps
from tests.web.conftest import FakeStatus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import World


async def test_plan_by_forms(world: World) -> None:
    """A show and a session are made by two forms; date and people are read as people write them."""
    browser = await world.sign_in()
    async with await browser.post("/host/shows", title="Die Runde", language="de", moderation="before") as page:
        assert page.status == 303
    people = "host: Jana Weber, Redaktion\nOle Brandt, Netzplaner\nsuper-user: Ada"
    async with await browser.post(
        "/host/sessions", show_id="die-runde", title="Netz", starts_at="2027-07-02T20:15", people=people
    ) as page:
        assert page.headers["Location"] == "/host/s/2027-07-02-netz"
    session = await world.hub.store.read(lambda db: shows.load_session(db, "2027-07-02-netz"))
    assert session.starts_at.isoformat() == "2027-07-02T18:15:00+00:00"
    assert [(p.name, p.role.value, p.about) for p in session.participants] == [
        ("Jana Weber", "host", "Redaktion"),
        ("Ole Brandt", "expert", "Netzplaner"),
        ("Ada", "super_user", ""),
    ]
    show = await world.hub.store.read(lambda db: shows.load_show(db, "die-runde"))
    assert show.moderation is Moderation.BEFORE
    await browser.close()


async def test_planning_mistakes_are_said(world: World) -> None:
    """What cannot be planned is said on the page, and what was typed stays."""
    browser = await world.sign_in()
    await world.plan()
    for fields in ({"title": "Netz"}, {"starts_at": "gestern"}, {"planned_minutes": "0"}, {"zone": "Mars/Nord"}):
        sent = {"show_id": "runde", "title": "Anders", "starts_at": "2027-03-02T20:15", **fields}
        async with await browser.post("/host/sessions", **sent) as page:
            assert page.status in {400, 409}
            assert "data-error" in await page.text()
    await browser.close()


@pytest.mark.parametrize("zone", ["Mars/Nord", "../../etc/passwd", "/etc/passwd", "Europe"])
async def test_a_zone_that_is_none_is_said_to_programs_too(world: World, zone: str) -> None:
    """A script that plans with a time zone of its own invention gets a 400 and not a crash."""
    await world.plan()
    sent = {"show_id": "runde", "title": "Anders", "starts_at": "2027-03-02T20:15:00+01:00", "zone": zone}
    async with world.client.post("/api/v1/host/sessions", json=sent, headers=world.bearer) as answer:
        assert answer.status == 400, await answer.text()


async def test_the_hub_alone_decides_when_a_session_is_ready_for_review(world: World) -> None:
    """A host cannot take a session into review while it is worked on; one whose work was given up is his again."""
    session = await world.plan(to="live")
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    await world.hub.store.write(
        lambda db: step_session(db, session, SessionState.PROCESSING, at=world.clock()),
    )
    path = f"/api/v1/host/sessions/{session}/state"
    for state, expected in (("running", 409), ("held", 409), ("failed", 200)):
        world.work.work = [FakeStatus(workflow_id="session:x", kind="session", key=session, state=state, steps=[])]
        async with world.client.post(path, json={"to": "in_review"}, headers=world.bearer) as answer:
            assert answer.status == expected


async def test_run_a_session_by_forms(world: World) -> None:
    """Every deed of a session's evening has a button: open, go live, on air, done, end, publish."""
    session = await world.plan(to="draft")
    browser = await world.sign_in()
    console = f"/host/s/{session}"
    async with await browser.post(f"{console}/state", to="open") as page:
        assert page.status == 303
    asked = await world.ask(session, "Wie lange dauert das?")
    async with await browser.post(f"{console}/state", to="live") as page:
        assert page.status == 303
    for action in ("star", "queue", "on-air"):
        async with await browser.post(f"{console}/questions/{asked}/{action}") as page:
            assert page.status == 303
    world.clock.forward(seconds=75)
    async with await browser.get(console) as page:
        text = await page.text()
    assert 'class="elapsed"' in text
    assert ">1:15<" in text
    assert "Signal gut" in text
    assert f"key-of-{session}" in text
    async with await browser.post(f"{console}/questions/{asked}/done") as page:
        assert page.status == 303
    async with await browser.post(f"{console}/state", to="ended") as page:
        assert page.status == 303
    stored = await world.hub.store.read(lambda db: shows.load_session(db, session))
    assert stored.state is SessionState.ENDED
    question = await world.hub.store.read(lambda db: questions.load_question(db, asked))
    assert question.state is QuestionState.ANSWERED_LIVE
    actions = await world.hub.store.read(lambda db: log.list_actions(db, limit=50, object_id=asked))
    assert {a.author for a in actions if a.action == "question.step"} == {"Jana"}
    await browser.close()


async def test_ending_finishes_what_is_on_air(world: World) -> None:
    """A question that is still on air when the session ends counts as answered, with its mark."""
    session = await world.plan(to="live")
    asked = await world.ask(session)
    await world.act(asked, "on-air")
    world.clock.forward(seconds=20)
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    kept = await world.hub.store.read(lambda db: marks.list_marks(db, session))
    assert [m.kind.value for m in kept] == ["on_air", "done"]


async def test_forbidden_steps_are_explained(world: World) -> None:
    """A step that is not allowed from here is refused with what is; nothing on air before the session is live."""
    session = await world.plan()
    asked = await world.ask(session)
    for path, body in [
        (f"/sessions/{session}/state", {"to": "ended"}),
        (f"/questions/{asked}/on-air", {}),
        (f"/questions/{asked}/done", {}),
    ]:
        async with world.client.post(f"/api/v1/host{path}", json=body, headers=world.bearer) as answer:
            assert answer.status == 409, path
            assert (await answer.json())["error"]["message"]
    await world.host("POST", f"/sessions/{session}/state", to="live")
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    path = f"/api/v1/host/sessions/{session}/state"
    async with world.client.post(path, json={"to": "processing"}, headers=world.bearer) as answer:
        assert answer.status == 409
    for body, status in [({"to": "gone"}, 400), ({"to": "live", "force": True}, 400), ({}, 400)]:
        async with world.client.post(path, json=body, headers=world.bearer) as answer:
            assert answer.status == status


async def test_unknown_action(world: World) -> None:
    """An action that does not exist is named as such, with those that do."""
    asked = await world.ask(await world.plan())
    async with world.client.post(f"/api/v1/host/questions/{asked}/explode", headers=world.bearer) as answer:
        assert answer.status == 404
        assert "on-air" in (await answer.json())["error"]["hint"]


async def test_two_hosts_at_once(world: World) -> None:
    """Two hosts who put different questions on air at one moment leave one on air and no mark without its end."""
    session = await world.plan(to="live")
    asked = [await world.ask(session, f"Frage {n}?") for n in range(6)]
    await asyncio.gather(*(world.act(one, "on-air") for one in asked))
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    states = sorted(q.state.value for q in kept)
    assert states == ["answered_live"] * 5 + ["on_air"]
    kinds = [m.kind.value for m in await world.hub.store.read(lambda db: marks.list_marks(db, session))]
    assert kinds.count("on_air") == 6
    assert kinds.count("done") == 5


async def test_pressed_twice(world: World) -> None:
    """A button pressed twice does nothing the second time."""
    session = await world.plan(to="live")
    asked = await world.ask(session)
    for action in ("star", "star", "on-air", "on-air", "done", "done"):
        await world.act(asked, action)
    kept = await world.hub.store.read(lambda db: marks.list_marks(db, session))
    assert [m.kind.value for m in kept] == ["on_air", "done"]


async def test_a_slip_can_be_undone(world: World) -> None:
    """What was marked done by mistake goes back to the queue or on air again; what was declined comes back."""
    session = await world.plan(to="live")
    asked = await world.ask(session)
    for action, state in [
        ("on-air", "on_air"), ("done", "answered_live"), ("queue", "queued"), ("decline", "declined"), ("open", "open"),
        ("on-air", "on_air"), ("back", "queued"),
    ]:  # fmt: skip
        assert (await world.act(asked, action))["state"] == state


async def test_tags_and_order(world: World) -> None:
    """Topics and products are set as shown; the host's list has the queue first, then stars, then votes."""
    session = await world.plan()
    first, second, third = [await world.ask(session, f"Frage {n}?") for n in range(3)]
    await world.act(second, "star")
    await world.act(third, "queue")
    tagged = await world.act(first, "tag", topics=["Glasfaser"], products=["Modem X"])
    assert (tagged["topics"], tagged["products"]) == (["Glasfaser"], ["Modem X"])
    found = await world.host("GET", f"/sessions/{session}/questions")
    assert [q["id"] for q in found["questions"]] == [third, second, first]
    path = f"/api/v1/host/questions/{first}/tag"
    async with world.client.post(path, json={"topics": ["x" * 61]}, headers=world.bearer) as answer:
        assert answer.status == 400


async def test_answers_are_published(world: World) -> None:
    """Drafts are published one by one or all together and withdrawn again; every deed is logged."""
    session = await world.plan(to="live")
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    world.answers.answers[session] = [
        Answer(
            id=f"a{n}", slug="s", session_id=session, question=f"Frage {n}?", ranges=(Span(0, 65000),), confidence=0.3
        )
        for n in range(3)
    ]
    browser = await world.sign_in()
    async with await browser.get(f"/host/s/{session}") as page:
        text = await page.text()
    assert "Alle 3 Antworten veröffentlichen" in text
    assert "0:00–1:05" in text
    assert "Die Maschine ist unsicher" in text
    async with await browser.post(f"/host/s/{session}/answers/a1/publish") as page:
        assert page.status == 303
    async with await browser.post(f"/host/s/{session}/answers/publish-all") as page:
        assert page.status == 303
    async with await browser.post(f"/host/s/{session}/answers/a0/withdraw") as page:
        assert page.status == 303
    found = await world.host("GET", f"/sessions/{session}/answers")
    assert [a["state"] for a in found["answers"]] == ["withdrawn", "published", "published"]
    actions = await world.hub.store.read(lambda db: log.list_actions(db, limit=5, object_id="a0"))
    assert [a.action for a in actions] == ["answer.withdraw", "answer.publish"]
    async with await browser.post(f"/host/s/{session}/answers/nope/publish") as page:
        assert page.status == 404
    await browser.close()


async def test_held_work_is_decided(world: World, held: FakeStatus) -> None:
    """A held step shows what went wrong with three buttons; the decision reaches the work and the log."""
    session = await world.plan()
    held.key = session
    world.work.work = [held]
    browser = await world.sign_in()
    async with await browser.get(f"/host/s/{session}") as page:
        text = await page.text()
    assert "der Rekorder schweigt" in text
    assert 'value="give_up"' in text
    async with await browser.get("/host") as page:
        assert "wartet auf einen Menschen" in await page.text()
    fields = {"workflow_id": held.workflow_id, "step": "transcribe", "decision": "retry", "session_id": session}
    async with await browser.post("/host/work/decide", **fields) as page:
        assert page.headers["Location"] == f"/host/s/{session}#work"
    assert world.work.decided == [(held.workflow_id, "transcribe", "retry")]
    for body, status in [({**DECISION, "decision": "pray"}, 400), ({**DECISION, "workflow_id": "x"}, 404)]:
        async with world.client.post("/api/v1/host/work/decide", json=body, headers=world.bearer) as answer:
            assert answer.status == status
    await browser.close()


DECISION = {"workflow_id": "session:1", "step": "transcribe", "decision": "retry"}


@pytest.fixture
def held(request: pytest.FixtureRequest) -> FakeStatus:
    """A piece of work that waits for a person."""
    module = request.getfixturevalue("fakes")
    step = module.FakeStep(name="transcribe", state="held", message="der Rekorder schweigt")
    status: FakeStatus = module.FakeStatus("session:1", "session", "", "held", [step])
    return status


async def test_host_sees_session_signal_and_address(world: World) -> None:
    """The session's own record carries signal, address and work; the key has an address of its own."""
    session = await world.plan()
    found = await world.host("GET", f"/sessions/{session}")
    assert found["signal"]["bitrate_kbit_s"] == 3900
    assert found["ingest_url"] == "rtmp://127.0.0.1:1935/live"
    assert "key-of" not in str(found)
    assert (await world.host("GET", f"/sessions/{session}/ingest"))["key"] == f"key-of-{session}"


async def test_an_expert_sees_and_changes_nothing(world: World) -> None:
    """An expert's console shows the questions, no stream key and no buttons."""
    session = await world.plan()
    await world.ask(session, "Sichtbar?")
    browser = await world.sign_in(person="Ole", role=AccessRole.EXPERT)
    async with await browser.get(f"/host/s/{session}") as page:
        text = await page.text()
    assert "Sichtbar?" in text
    assert "key-of" not in text
    assert "formaction" not in text
    async with await browser.post(f"/host/s/{session}/state", to="live") as page:
        assert page.status == 403
    await browser.close()


async def test_sessions_do_not_mix(world: World) -> None:
    """A form of one session cannot touch another session's question."""
    session, other = await world.plan(), await world.plan(title="Anderes")
    asked = await world.ask(session)
    browser = await world.sign_in()
    async with await browser.post(f"/host/s/{other}/questions/{asked}/star") as page:
        assert page.status == 404
    await browser.close()


async def test_live_files(world: World, tmp_path: Path) -> None:
    """Playlist and segments are there for all while live, for hosts in rehearsal, for nobody before and after."""
    session = await world.plan()
    folder = world.broadcasting.folder / session
    folder.mkdir(parents=True)
    before, after = world.clock() - timedelta(seconds=2), world.clock() + timedelta(seconds=2)
    dated = "#EXTINF:2.0,\n#EXT-X-PROGRAM-DATE-TIME:{:%Y-%m-%dT%H:%M:%S.000+0000}\nseg{}.m4s\n"
    playlist = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n" + dated.format(before, 0) + dated.format(after, 1)
    (folder / "index.m3u8").write_text(playlist)
    (folder / "seg0.m4s").write_bytes(b"rehearsal")
    (folder / "seg1.m4s").write_bytes(b"media")
    (folder / "notes.txt").write_text("not for you")
    path = f"/live/{session}/index.m3u8"

    async def statuses() -> tuple[int, int]:
        async with world.client.get(path) as one, world.client.get(path, headers=world.bearer) as other:
            return one.status, other.status

    assert await statuses() == (404, 404)
    await world.host("POST", f"/sessions/{session}/state", to="rehearsal")
    assert await statuses() == (404, 200)
    await world.host("POST", f"/sessions/{session}/state", to="live")
    assert await statuses() == (200, 200)
    async with world.client.get(path) as page, world.client.get(f"/live/{session}/seg1.m4s") as segment:
        assert page.headers["Cache-Control"] == "no-store"
        assert page.content_type == "application/vnd.apple.mpegurl"
        text = await page.text()
        assert "seg1.m4s" in text
        assert "seg0.m4s" not in text, "what was said in the rehearsal stays there"
        assert "immutable" in segment.headers["Cache-Control"]
        assert segment.content_type == "video/iso.segment"
    for hidden in ("notes.txt", "seg0.m4s"):
        async with world.client.get(f"/live/{session}/{hidden}") as refused:
            assert refused.status == 404
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    assert await statuses() == (404, 404)


async def test_a_session_without_answers_is_shown_only_when_a_host_says_so(world: World) -> None:
    """Publishing a reviewed session, and taking it back, goes to those who own the pages."""
    session = await world.plan()
    for state in ("live", "ended", "processing", "in_review"):
        goal = SessionState(state)
        await world.hub.store.write(lambda db, goal=goal: step_session(db, session, goal, at=world.clock()))
    await world.host("POST", f"/sessions/{session}/state", to="published")
    assert world.answers.shown == {session: True}


def test_the_console_offers_the_steps_that_are_a_hosts_to_take() -> None:
    """A reviewed session can be shown and taken back; while the hub works on one nobody interferes."""
    assert SessionState.PUBLISHED in plan_steps(SessionState.IN_REVIEW, busy=False)
    assert plan_steps(SessionState.PUBLISHED, busy=False) == [SessionState.IN_REVIEW]
    assert plan_steps(SessionState.PROCESSING, busy=True) == []
    assert plan_steps(SessionState.PROCESSING, busy=False) == [SessionState.IN_REVIEW]
    assert SessionState.LIVE in plan_steps(SessionState.OPEN, busy=False)
