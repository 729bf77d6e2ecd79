"""Live updates: whole state on connecting, diffs after, at most four a second, and no listener harms another."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientResponse, ClientSession, ClientTimeout
from hypothesis import given
from hypothesis import strategies as st

from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import SessionState
from streamhub.store import questions, shows
from streamhub.web import events
from streamhub.web.events import BROADCASTER, plan_diff

if TYPE_CHECKING:
    from datetime import datetime

    from sqlite_utils import Database

    from tests.web.conftest import MakeWorld, World


async def read_event(stream: ClientResponse) -> dict[str, Any]:
    """The next event of a stream; comments and retry lines are passed over."""
    event: dict[str, Any] = {}
    async with asyncio.timeout(60):
        while True:
            line = (await stream.content.readline()).decode().rstrip("\n")
            if not line and "data" in event:
                return event
            name, _, value = line.partition(": ")
            if name in {"id", "event", "data"}:
                event[name] = json.loads(value) if name == "data" else value


async def test_state_then_diffs(world: World) -> None:
    """A listener gets the whole state, then each change: a question, a vote, on air, the session's own state."""
    session = await world.plan(to="live")
    first = await world.ask(session, "Erste?")
    async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
        assert stream.content_type == "text/event-stream"
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert stream.headers["Content-Security-Policy"]
        state = await read_event(stream)
        assert state["event"] == "state"
        assert set(state["data"]) == {"session", "on_air", "questions", "answers", "watch", "crowd"}
        assert state["data"]["questions"][first]["text"] == "Erste?"
        second = await world.ask(session, "Zweite?")
        diff = await read_event(stream)
        assert (diff["event"], list(diff["data"]["questions"])) == ("diff", [second])
        async with world.client.post(f"/api/v1/questions/{first}/vote"):
            pass
        assert (await read_event(stream))["data"] == {"counts": {first: {"votes": 1}}}
        await world.act(first, "on-air")
        diff = await read_event(stream)
        assert diff["data"]["on_air"] == first
        await world.act(second, "decline")
        assert (await read_event(stream))["data"] == {"questions": {second: None}}
        await world.host("POST", f"/sessions/{session}/state", to="ended")
        diff = await read_event(stream)
        assert diff["data"]["on_air"] is None or diff["data"]["session"]["state"] == "ended"


async def test_reconnecting_gets_what_was_missed(world: World) -> None:
    """Who comes back with the id that he saw last gets only the diffs after it, in order, and then goes on."""
    session = await world.plan()
    path = f"/api/v1/sessions/{session}/events"
    async with world.client.get(path) as watching, world.client.get(path) as stream:
        await read_event(watching)
        seen = (await read_event(stream))["id"]
        stream.close()
        for asked in (first := await world.ask(session), second := await world.ask(session)):
            assert asked in (await read_event(watching))["data"]["questions"]
        async with world.client.get(path, headers={"Last-Event-ID": seen}) as back:
            missed = [await read_event(back) for _ in range(2)]
            assert [(one["event"], list(one["data"]["questions"])) for one in missed] == [
                ("diff", [first]),
                ("diff", [second]),
            ]
            third = await world.ask(session)
            assert list((await read_event(back))["data"]["questions"]) == [third]


@pytest.mark.parametrize(
    "seen", ["{run}-999", "0123abcd-0", "{run}-x", "{run}-", "é-1", "{run}--1", "{run}-" + "9" * 40]
)
async def test_reconnecting_with_an_unknown_id_gets_the_whole_state(world: World, seen: str) -> None:
    """An id of another run, of the future or of nobody is no id: everything comes anew."""
    session = await world.plan()
    path = f"/api/v1/sessions/{session}/events"
    async with world.client.get(path) as stream:
        run = (await read_event(stream))["id"].partition("-")[0]
    asked = await world.ask(session)
    async with world.client.get(path, headers={"Last-Event-ID": seen.format(run=run)}) as stream:
        state = await read_event(stream)
    assert state["event"] == "state"
    assert asked in state["data"]["questions"]


async def test_what_is_held_for_those_who_come_back_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who missed more than is held gets the whole state."""
    monkeypatch.setattr(events, "HELD_DIFFS", 2)
    session = await world.plan()
    path = f"/api/v1/sessions/{session}/events"
    async with world.client.get(path) as watching:
        seen = (await read_event(watching))["id"]
        for _ in range(3):
            await world.ask(session)
            last = (await read_event(watching))["id"]
        for known, kind in [(seen, "state"), (f"{last[:-1]}1", "diff")]:
            async with world.client.get(path, headers={"Last-Event-ID": known}) as back:
                assert (await read_event(back))["event"] == kind


async def test_a_channel_outlives_a_short_absence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only viewer, back after a few seconds, gets only what he missed; after a minute the channel is given up."""
    session = await world.plan()
    path = f"/api/v1/sessions/{session}/events"
    async with world.client.get(path) as stream:
        seen = (await read_event(stream))["id"]
    asked = await world.ask(session)
    async with world.client.get(path, headers={"Last-Event-ID": seen}) as back:
        diff = await read_event(back)
    assert (diff["event"], list(diff["data"]["questions"])) == ("diff", [asked])
    monkeypatch.setattr(events, "KEPT_S", 0.0)
    await asyncio.sleep(1.2)
    async with world.client.get(path, headers={"Last-Event-ID": diff["id"]}) as back:
        assert (await read_event(back))["event"] == "state"


async def test_too_many_listeners_are_refused(make_world: MakeWorld) -> None:
    """Whoever comes beyond the setting is told to try later, and the others go on."""
    world = await make_world(viewers=2)
    session = await world.plan()
    path = f"/api/v1/sessions/{session}/events"
    async with world.client.get(path) as first, world.client.get(path) as second:
        await read_event(first)
        await read_event(second)
        async with world.client.get(path) as third:
            assert third.status == 503
        asked = await world.ask(session)
        assert asked in (await read_event(first))["data"]["questions"]


async def test_a_newcomer_who_never_reads_is_let_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a large state and does not read it is let go, and holds nobody up meanwhile."""
    monkeypatch.setattr(events, "FEED_S", 0.5)
    session = await world.plan()
    ids = [f"q{n}" for n in range(4000)]
    await world.hub.store.write(lambda db: [insert(db, session, one, world.clock()) for one in ids])
    assert world.client.app is not None
    broadcaster = world.client.app[BROADCASTER]
    broadcaster.notify(session)
    path = f"/api/v1/sessions/{session}/events"
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.setblocking(False)
        await asyncio.get_running_loop().sock_connect(stalled, ("127.0.0.1", world.client.port))
        await asyncio.get_running_loop().sock_sendall(stalled, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(60):
            while not broadcaster.count():
                await asyncio.sleep(0.02)
        async with ClientSession(read_bufsize=2**24) as somebody, somebody.get(f"{world.url}{path}") as stream:
            assert len((await read_event(stream))["data"]["questions"]) == 4000
            async with asyncio.timeout(60):
                while broadcaster.count() > 1:
                    await asyncio.sleep(0.05)


async def test_held_questions_stay_private(world: World) -> None:
    """The public stream never carries a held question or a hidden name; the hosts' stream carries both."""
    session = await world.plan()
    asked = await world.ask(session, "Geheim?", name="Kanarienvogel")
    await world.act(asked, "hold")
    async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
        assert "Geheim" not in json.dumps(await read_event(stream))
    async with world.client.get(f"/api/v1/host/sessions/{session}/events", headers=world.bearer) as stream:
        state = await read_event(stream)
    assert state["data"]["questions"][asked]["asker"]["name"] == "Kanarienvogel"
    assert state["data"]["signal"]["quality"] == "good"


async def test_votes_are_coalesced(world: World) -> None:
    """A hundred votes in a second become a handful of diffs, and the last one tells the whole truth."""
    session = await world.plan()
    asked = await world.ask(session)
    async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
        await read_event(stream)
        begun = time.monotonic()

        async def cast() -> None:
            async with ClientSession() as voter, voter.post(f"{world.url}/api/v1/questions/{asked}/vote"):
                pass

        voting = asyncio.gather(*(cast() for _ in range(100)))
        diffs, votes = 0, 0
        while votes < 100:
            votes = (await read_event(stream))["data"]["counts"][asked]["votes"]
            diffs += 1
        await voting
        assert diffs <= 4 * (time.monotonic() - begun) + 2


async def test_changes_from_elsewhere_arrive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another part of the hub writes reaches listeners without anybody telling the web face."""
    monkeypatch.setattr("streamhub.web.audience.POLL_S", 0.1)
    session = await world.plan()
    async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
        await read_event(stream)
        await world.hub.store.write(
            lambda db: shows.step_session(db, session, SessionState.CANCELLED, at=world.clock())
        )
        assert (await read_event(stream))["data"]["session"]["state"] == "cancelled"


async def test_a_stalled_reader_is_dropped(world: World) -> None:
    """A listener who never reads is let go once too much waits for him; another gets everything meanwhile."""
    session = await world.plan()
    path = f"/api/v1/sessions/{session}/events"
    broadcaster = world.client.app[BROADCASTER] if world.client.app else None
    assert broadcaster is not None
    last = ""

    async def flood() -> None:
        nonlocal last
        for number in range(100):
            ids = [f"q{number}x{n}" for n in range(300)]
            await world.hub.store.write(lambda db, ids=ids: [insert(db, session, one, world.clock()) for one in ids])
            last = ids[-1]
            broadcaster.notify(session)
            await asyncio.sleep(0.05)
            if broadcaster.count() < 2:
                return
        raise AssertionError("the stalled reader was never dropped")

    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.setblocking(False)
        await asyncio.get_running_loop().sock_connect(stalled, ("127.0.0.1", world.client.port))
        await asyncio.get_running_loop().sock_sendall(stalled, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with ClientSession(read_bufsize=2**24) as somebody, somebody.get(f"{world.url}{path}") as stream:
            await read_event(stream)
            while broadcaster.count() < 2:
                await asyncio.sleep(0.02)
            flooding = asyncio.create_task(flood())
            seen: set[str] = set()
            while not flooding.done() or last not in seen:
                seen |= set((await read_event(stream))["data"]["questions"])
            await flooding
    assert broadcaster.count() <= 1


def insert(db: Database, session_id: str, question_id: str, at: datetime) -> None:
    question = Question(id=question_id, session_id=session_id, text="ä" * 1000, state=QuestionState.OPEN, asked_at=at)
    questions.insert_question(db, question)


async def test_ping_keeps_a_quiet_line_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line on which nothing happens carries a comment now and then."""
    monkeypatch.setattr(events, "PING_S", 0.2)
    session = await world.plan()
    async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
        await read_event(stream)
        async with asyncio.timeout(60):
            while await stream.content.readline() != b": ping\n":
                pass


async def test_gone_listeners_are_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel without listeners is given up."""
    monkeypatch.setattr(events, "PING_S", 0.1)
    session = await world.plan()
    assert world.client.app is not None
    broadcaster = world.client.app[BROADCASTER]
    async with ClientSession() as somebody, somebody.get(f"{world.url}/api/v1/sessions/{session}/events") as stream:
        await read_event(stream)
        assert broadcaster.count() == 1
    async with asyncio.timeout(60):
        while broadcaster.count():
            await asyncio.sleep(0.05)


async def test_shutdown_lets_listeners_go(world: World) -> None:
    """When the hub stops, streams end at once instead of holding it up."""
    session = await world.plan()
    path, timeout = f"{world.url}/api/v1/sessions/{session}/events", ClientTimeout(total=60)
    async with ClientSession(timeout=timeout) as somebody, somebody.get(path) as stream:
        await read_event(stream)
        begun = time.monotonic()
        await world.client.server.close()
        await stream.read()
        assert time.monotonic() - begun < 30


async def test_old_clients_are_served(world: World) -> None:
    """A listener that speaks HTTP/1.0 gets the events without chunks."""
    session = await world.plan()
    reader, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
    writer.write(f"GET /api/v1/sessions/{session}/events HTTP/1.0\r\nHost: x\r\n\r\n".encode())
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"chunked" not in head.lower()
        assert (await reader.readline()).startswith(b"retry: ")
        while not (line := await reader.readline()).startswith(b"data: "):
            pass
        assert json.loads(line[6:])["session"]["id"] == session
    writer.close()


QUESTIONS = st.fixed_dictionaries(
    {"text": st.sampled_from("xy"), "votes": st.integers(0, 2), "shown": st.booleans()},
    optional={"more": st.integers(0, 2)},
)
STATES = st.fixed_dictionaries(
    {"session": st.integers(0, 2), "questions": st.dictionaries(st.sampled_from("abc"), QUESTIONS)},
    optional={"on_air": st.integers(0, 2)},
)


@given(before=STATES, after=STATES)
def test_diff_leads_to_the_new_state(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Whoever applies the diff as documented knows what somebody who came fresh knows; no change, no diff."""
    diff = plan_diff(before, after)
    assert (diff == {}) == (before == after)
    known = {**before, **{name: value for name, value in diff.items() if name not in {"questions", "counts"}}}
    known = {name: value for name, value in known.items() if value is not None}
    merged = {**before["questions"], **diff.get("questions", {})}
    merged |= {key: {**merged[key], **numbers} for key, numbers in diff.get("counts", {}).items()}
    known["questions"] = {key: value for key, value in merged.items() if value is not None}
    assert known == after


def test_votes_alone_make_small_diffs() -> None:
    """A thousand questions that got votes are told in a few dozen bytes each, not in whole."""
    before = {"questions": {f"k{n:09d}": {"text": "Wie lange?" * 9, "votes": n} for n in range(1000)}}
    after = {"questions": {key: {**q, "votes": q["votes"] + 1} for key, q in before["questions"].items()}}
    diff = plan_diff(before, after)
    assert set(diff) == {"counts"}
    assert len(json.dumps(diff)) < 40 * 1000


@pytest.mark.parametrize("deed", ["decline", "edit"])
async def test_what_was_taken_back_is_told_to_nobody_again(world: World, deed: str) -> None:
    """Who comes back with an old id gets no words that were declined or edited away since."""
    session = await world.plan()
    path = f"/api/v1/sessions/{session}/events"
    async with world.client.get(path) as watching:
        seen = (await read_event(watching))["id"]
        asked = await world.ask(session, "Kanarienfrage?")
        await read_event(watching)
        await world.act(asked, deed, **({"text": "Besser?", "version": 1} if deed == "edit" else {}))
        await read_event(watching)
        async with world.client.get(path, headers={"Last-Event-ID": seen}) as back:
            assert "Kanarien" not in str(await read_event(back))


async def test_addresses_that_lead_nowhere_are_not_remembered(world: World) -> None:
    """Whoever asks for thousands of sessions that do not exist leaves nothing behind in the hub's memory."""
    broadcaster = world.client.app[BROADCASTER]
    for number in range(20):
        async with world.client.get(f"/s/no-such-{number}/live.json") as answer:
            assert answer.status == 404
    assert len(broadcaster._opening) == 0
