"""The keeper of reminders: each rung tells once, whatever is killed, moved, called off or switched meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import streamhub
from streamhub.config import EngineSettings
from streamhub.engine import Engine
from streamhub.errors import Unavailable
from streamhub.keepers.inviter import Inviter, InviterParts
from streamhub.keepers.reminding import KIND, Reminding, is_wanted
from streamhub.outbox.mail import Mail, MailState
from streamhub.schedule.invitation import Invitation, Reply, Room
from streamhub.schedule.people import Person
from streamhub.schedule.reminder import Outcome, Rung
from streamhub.schedule.show import Role, Session, SessionState, Show
from streamhub.store import invitations, mails, people, reminders, rooms, shows, work
from streamhub.store.library import connect
from streamhub.store.store import Store
from streamhub.timecode import parse_instant
from streamhub.web.links import Links
from tests.outbox.reminding_hub import SECRET

START = datetime(2027, 3, 10, 19, 15, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SESSION = Session(id="2027-03-10-netz", show_id="runde", title="Netz", starts_at=START, state=SessionState.OPEN)
ADA = Person(id="ada", name="Ada Weber", email="ada@example.org")
BOB = Person(id="bob", name="Bob Stone", email="bob@example.org", language="en", zone="America/New_York")
EVE = Person(id="eve", name="Eve", email="eve@example.org")


def invited(person: Person, at: datetime, *, certain: bool) -> Invitation:
    given = {"reply": Reply.ACCEPTED, "replied_at": at, "confirmed_at": at} if certain else {}
    return Invitation(session_id=SESSION.id, person_id=person.id, role=Role.EXPERT, made_at=at, **given)  # type: ignore[arg-type]


def fill(db: Any, session: Session, at: datetime) -> None:
    """A session with two guests who are certain, and one who has not answered."""
    shows.save_show(db, Show(id="runde", title="Runde"))
    shows.save_session(db, session)
    rooms.save_room(
        db, Room(session_id=session.id, url="https://meet.example/netz#{key}", instructions="Kopfhörer bitte.")
    )
    for person in (ADA, BOB, EVE):
        people.save_person(db, person)
        invitations.save_invitation(db, invited(person, at, certain=person is not EVE))


@dataclass
class Hub:
    """A store with guests and a clock that runs by hand; the timers are those that stand in the hub's own outbox."""

    store: Store
    at: datetime = START - 30 * DAY

    def __post_init__(self) -> None:
        parts = InviterParts(
            store=self.store,
            links=Links(hub_url="https://hub.example.org", secret=SECRET),
            hub_name="Runde",
            address="hub@streamhub.example",
            by_rule=True,
            secret=SECRET,
            now=lambda: self.at,
        )
        self.reminding, self.inviter = Reminding(parts), Inviter(parts)

    async def timers(self) -> list[tuple[datetime, tuple[str, datetime, Rung]]]:
        parcels = await self.store.read(work.list_unsent)
        found = []
        for parcel in parcels:
            session_id, starts_at, rung = parcel.args
            assert parcel.due_at is not None
            found.append((parcel.due_at, (str(session_id), parse_instant(starts_at), Rung(rung))))
        return sorted(found, key=lambda one: one[0])

    async def run_to(self, at: datetime, *, twice: bool = False) -> None:
        """Let time pass: every timer that has not ended ends at its moment, and the keeper looks around."""
        for due_at, args in await self.timers():
            if self.at < due_at <= at:
                self.at = due_at
                for _ in range(1 + twice):
                    await self.reminding.remind(*args)
        self.at = at
        await self.reminding.sync()

    async def change(self, **changes: Any) -> None:
        def save(db: Any) -> None:
            shows.save_session(db, replace(shows.load_session(db, SESSION.id), **changes))

        await self.store.write(save)
        await self.reminding.sync()

    async def mails(self) -> list[Mail]:
        found = await self.store.read(lambda db: mails.list_of(db, KIND, SESSION.id))
        return sorted(found, key=lambda one: (one.made_at, one.recipient))

    async def told(self) -> list[tuple[str, str]]:
        return [(one.version.partition(" ")[0], one.recipient[:3]) for one in await self.mails()]

    async def send_all(self) -> None:
        await self.store.write(lambda db: db.execute("update mails set state = 'sent', sent_at = made_at") and None)


@contextlib.asynccontextmanager
async def open_hub(folder: Path) -> AsyncIterator[Hub]:
    async with Store.open(folder / "hub.sqlite3", now=lambda: START) as store:
        hub = Hub(store)
        await store.write(lambda db: fill(db, SESSION, hub.at))
        await hub.reminding.sync()
        yield hub


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with open_hub(tmp_path) as opened:
        yield opened


async def test_a_whole_ladder(hub: Hub) -> None:
    """Who is certain gets each rung once, at its moment, though timers end twice; who has not answered gets none."""
    assert [due_at for due_at, _ in await hub.timers()] == [
        START - 7 * DAY,
        START - DAY,
        START - HOUR,
        START - HOUR / 12,
    ]
    await hub.reminding.sync()
    assert len(await hub.timers()) == 4, "a ladder is planned once"
    for due_at, (rung, people_) in zip(
        [START - 7 * DAY, START - DAY, START - HOUR, START - HOUR / 12],
        [("week", 2), ("day", 2), ("hour", 2), ("five_minutes", 2)],
        strict=True,
    ):
        await hub.run_to(due_at - timedelta(seconds=1), twice=True)
        assert not any(version == rung for version, _ in await hub.told()), "never early"
        await hub.run_to(due_at, twice=True)
        assert [version for version, _ in await hub.told()].count(rung) == people_
        await hub.send_all()
    assert {who for _, who in await hub.told()} == {"ada", "bob"}


async def test_what_a_reminder_says(hub: Hub) -> None:
    """In the reader's language, with the zone named, both times where they differ, and his own way into the studio."""
    await hub.run_to(START - DAY)
    to_ada, to_bob = (await hub.mails())[-2:]
    assert to_ada.subject == "Erinnerung: Netz, 10.03.2027, 20:15 Uhr"
    assert "Mittwoch, 10. März 2027, 20:15\N{NO-BREAK SPACE}Uhr (MEZ, UTC+1, Europe/Berlin)" in to_ada.body
    assert "meet.example" not in to_ada.body, "the way leads through the door, where consent is asked again"
    assert "Kopfhörer bitte." in to_ada.body
    assert "/check\n" in to_ada.body
    assert "/me/" in to_ada.body
    assert to_bob.subject == "Reminder: Netz, 2027-03-10, 20:15"
    assert "Your time: Wednesday" in to_bob.body
    assert "America/New_York" in to_bob.body
    doors = [next(word for word in one.body.split() if word.endswith("/studio")) for one in (to_ada, to_bob)]
    assert doors[0] != doors[1]
    for mail, other in ((to_ada, "bob"), (to_bob, "ada")):
        assert other not in mail.body.lower()
        assert mail.state is MailState.QUEUED
    await hub.run_to(START - HOUR / 12)
    assert (await hub.mails())[-1].subject == "In a moment: Netz"


async def test_after_a_move_the_new_ladder_counts(hub: Hub) -> None:
    """Old rungs say nothing, mails of the old time that were not sent go, new rungs are planned; back again as well."""
    await hub.run_to(START - 7 * DAY)
    assert await hub.told() == [("week", "ada"), ("week", "bob")]
    await hub.change(starts_at=START + 3 * DAY)
    assert await hub.told() == [], "nobody is reminded of the old time"
    await hub.run_to(START - 5 * DAY)
    assert await hub.told() == []
    await hub.run_to(START + HOUR)
    assert await hub.told() == [("week", "ada"), ("week", "bob")], (
        "a week before the new time, and no day before the old"
    )
    await hub.run_to(START + 2 * DAY)
    assert await hub.told() == [("day", "ada"), ("day", "bob")]
    await hub.send_all()
    await hub.change(starts_at=START + 30 * DAY)
    await hub.change(starts_at=START + 3 * DAY)
    await hub.run_to(START + 3 * DAY - HOUR)
    assert [rung for rung, _ in await hub.told()] == ["day", "day", "hour", "hour"]


@pytest.mark.parametrize("state", [SessionState.CANCELLED, SessionState.MOVED, SessionState.LIVE])
async def test_after_a_cancellation_there_is_silence(hub: Hub, state: SessionState) -> None:
    """Nothing more goes out, what waits in the outbox goes, and what is queued is not taken."""
    await hub.run_to(START - DAY)
    waiting = (await hub.mails())[-1]
    assert await hub.store.read(lambda db: is_wanted(db, waiting, now=hub.at))
    await hub.store.write(lambda db: shows.save_session(db, replace(shows.load_session(db, SESSION.id), state=state)))
    assert not await hub.store.read(lambda db: is_wanted(db, waiting, now=hub.at))
    await hub.reminding.sync()
    assert await hub.told() == []
    await hub.run_to(START + DAY)
    assert await hub.told() == []
    found = await hub.store.read(lambda db: reminders.list_reminders(db, SESSION.id))
    assert [one.outcome for one in found][2:] == [Outcome.OVERTAKEN, Outcome.OVERTAKEN]
    await hub.change(state=SessionState.SCHEDULED, starts_at=START + 20 * DAY)
    await hub.run_to(START + 19 * DAY)
    assert [rung for rung, _ in await hub.told()] == ["day", "day"], "announced anew it has a ladder again"


async def test_switched_off(hub: Hub) -> None:
    """Hosts switch the reminders of a session off and on; what they missed meanwhile is not made up for."""
    await hub.store.write(lambda db: reminders.switch_reminders(db, SESSION.id, off=True, at=hub.at, author="x"))
    await hub.run_to(START - DAY)
    assert await hub.told() == []
    await hub.store.write(lambda db: reminders.switch_reminders(db, SESSION.id, off=False, at=hub.at, author="x"))
    await hub.run_to(START - HOUR)
    assert [rung for rung, _ in await hub.told()] == ["hour", "hour"]
    found = await hub.store.read(lambda db: reminders.list_reminders(db, SESSION.id))
    assert [one.outcome.value for one in found] == ["off", "off", "told", "waiting"]


async def test_who_withdraws_is_not_reminded(hub: Hub) -> None:
    """A reminder that waits for a person who declined meanwhile is not taken, and goes; the others' stay."""
    await hub.run_to(START - HOUR)
    declined = replace(invited(ADA, hub.at, certain=False), reply=Reply.DECLINED)
    await hub.store.write(lambda db: invitations.save_invitation(db, declined))
    await hub.reminding.sync()
    assert [who for rung, who in await hub.told() if rung == "hour"] == ["bob"]
    await hub.run_to(START - HOUR / 12)
    assert ("five_minutes", "ada") not in await hub.told()


async def test_a_mail_that_waited_too_long_goes(hub: Hub) -> None:
    """What the mail server did not take before the next rung's moment is not sent any more."""
    await hub.run_to(START - DAY)
    assert len(await hub.told()) == 2
    await hub.run_to(START - HOUR - timedelta(seconds=1))
    assert [rung for rung, _ in await hub.told()] == ["day", "day"]
    await hub.run_to(START - HOUR)
    assert [rung for rung, _ in await hub.told()] == ["hour", "hour"]


async def test_an_early_timer_tells_nothing(hub: Hub) -> None:
    """If the clock was set back between a timer's end and its work, it is tried again and not lost."""
    _, args = (await hub.timers())[1]
    hub.at = START - DAY - timedelta(minutes=1)
    with pytest.raises(Unavailable):
        await hub.reminding.remind(*args)
    hub.at = START - DAY
    assert await hub.reminding.remind(*args) == "told"
    hub.at = START - 10 * DAY
    assert await hub.reminding.remind(*args) == "told", "decided once, however the clock is set"
    assert len(await hub.told()) == 2


async def test_who_has_not_answered_is_reminded_once(hub: Hub) -> None:
    """Three days after his invitation went out, once; not who was never sent one, nor who answered meanwhile."""
    await hub.inviter.sync()
    await hub.run_to(hub.at + 5 * DAY)
    assert await hub.told() == [], "nobody is reminded of what he was never sent"
    await hub.send_all()
    await hub.reminding.sync()
    await hub.reminding.sync()
    assert await hub.told() == [("answer", "eve")]
    (mail,) = await hub.mails()
    assert mail.subject == "Erinnerung an die Einladung: Netz, 10.03.2027, 20:15 Uhr"
    assert "/studio" not in mail.body
    answered = replace(
        await hub.store.read(lambda db: invitations.load_invitation(db, SESSION.id, "eve")), reply=Reply.DECLINED
    )
    await hub.store.write(lambda db: invitations.save_invitation(db, answered))
    await hub.reminding.sync()
    assert await hub.told() == [], "who answered is not reminded by a mail that still waits"


Ops = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(1, 12 * 24 * 60)),
        st.tuples(st.just("move"), st.integers(-8 * 24 * 60, 12 * 24 * 60)),
        st.tuples(st.just("cancel"), st.just(0)),
        st.tuples(st.just("announce"), st.just(0)),
        st.tuples(st.just("down"), st.integers(1, 9 * 24 * 60)),
        st.tuples(st.just("send"), st.just(0)),
    ),
    max_size=12,
)


async def play(hub: Hub, op: str, minutes: int) -> None:
    """Let one thing happen."""
    session = await hub.store.read(lambda db: shows.load_session(db, SESSION.id))
    if op == "pass":
        await hub.run_to(hub.at + timedelta(minutes=minutes), twice=True)
    elif op == "move":
        await hub.change(starts_at=max(hub.at, session.starts_at + timedelta(minutes=minutes)))
    elif op in {"cancel", "announce"}:
        await hub.change(state=SessionState.CANCELLED if op == "cancel" else SessionState.SCHEDULED)
    elif op == "send":
        await hub.send_all()
    else:  # the hub is down: timers that end meanwhile end late, right after the start
        before, hub.at = hub.at, hub.at + timedelta(minutes=minutes)
        for due_at, args in await hub.timers():
            if before < due_at <= hub.at:
                await hub.reminding.remind(*args)
        await hub.reminding.sync()


async def check(hub: Hub) -> None:
    """Each rung of a start once a person, from its moment on; what waits is true of the session as it is."""
    session = await hub.store.read(lambda db: shows.load_session(db, SESSION.id))
    found = await hub.mails()
    assert len(found) == len({(one.recipient, one.version) for one in found})
    for mail in found:
        rung, _, start = mail.version.partition(" ")
        starts_at = parse_instant(start)
        assert starts_at - Rung(rung).before <= mail.made_at < starts_at
        if mail.state is not MailState.SENT:
            assert starts_at == session.starts_at
            assert session.state is not SessionState.CANCELLED


@settings(max_examples=40, deadline=None)
@given(ops=Ops)
def test_whatever_happens_each_rung_tells_once_and_in_time(ops: list[tuple[str, int]]) -> None:
    """Through moves, cancellations and downtimes a person gets each rung of a start once, from its moment on."""

    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with open_hub(Path(folder)) as hub:
                for op, minutes in ops:
                    await play(hub, op, minutes)
                    await check(hub)

    asyncio.run(run())


async def test_through_the_engine(tmp_path: Path) -> None:
    """A real timer of the engine ends at its moment on the hub's clock, not before, and writes the mails once."""
    clock = [START - HOUR - timedelta(seconds=2)]
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: clock[0]) as store:
        hub = Hub(store, at=clock[0])
        await store.write(lambda db: fill(db, SESSION, hub.at))
        engine = Engine(EngineSettings(poll_s=0.02), tmp_path, store, now=lambda: hub.at)
        hub.reminding.register(engine)
        async with engine:
            await hub.reminding.sync()
            async with asyncio.timeout(30):
                while sum(one.kind == KIND for one in await engine.status()) < 2 or await hub.timers():
                    await asyncio.sleep(0.02)
            assert await hub.told() == []
            hub.at = START - HOUR
            async with asyncio.timeout(30):
                while not await hub.told():
                    await asyncio.sleep(0.02)
            assert await hub.told() == [("hour", "ada"), ("hour", "bob")]
            assert await engine.status(about=SESSION.id) == [], "the session's own work shows no timers"


def start_hub(folder: Path) -> subprocess.Popen[str]:
    root = Path(streamhub.__file__).parent.parent
    return subprocess.Popen(
        [sys.executable, "-m", "tests.outbox.reminding_hub", str(folder)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


async def count_mails(folder: Path) -> int:
    async with Store.open(folder / "hub.sqlite3", now=lambda: datetime.now(UTC)) as store:
        return len(await store.read(lambda db: mails.list_of(db, KIND, SESSION.id)))


async def look(folder: Path, until: Any) -> float:
    """Wait until the database shows something; returns when, on the monotonic clock."""
    connection = connect(folder / "hub.sqlite3", read_only=True)
    try:
        async with asyncio.timeout(60):
            while not until(connection):
                await asyncio.sleep(0.01)
            return time.monotonic()
    finally:
        connection.close()


async def test_a_kill_neither_loses_nor_doubles(tmp_path: Path) -> None:
    """Killed before a rung's moment and back after it, the hub tells within 3 s; killed again, never twice."""
    starts_at = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5, seconds=25)
    due_at = starts_at - timedelta(minutes=5)
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: datetime.now(UTC)) as store:
        await store.write(lambda db: fill(db, replace(SESSION, starts_at=starts_at), datetime.now(UTC)))
    process = start_hub(tmp_path)
    try:
        await look(tmp_path, lambda db: db.execute("select 1 from work where kind = 'reminder'").fetchone())
        assert datetime.now(UTC) < due_at, "this machine is too slow for the test"
    finally:
        kill(process)
    assert await count_mails(tmp_path) == 0
    await asyncio.sleep(max(0.0, (due_at - datetime.now(UTC)).total_seconds() + 0.5))
    process = start_hub(tmp_path)
    try:
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        began = time.monotonic()
        told = await look(tmp_path, lambda db: db.execute("select 1 from mails where kind = 'reminder'").fetchone())
        print(f"late reminder written {told - began:.2f} s after the start")
        assert told - began < 15, "3 s on a machine that does nothing else; the rule itself is held by a clock of ours"
    finally:
        kill(process)
    for wait_s in (0.3, 1.0, 2.5):
        process = start_hub(tmp_path)
        await asyncio.to_thread(process.stdout.readline)  # type: ignore[union-attr]
        await asyncio.sleep(wait_s)
        kill(process)
    assert await count_mails(tmp_path) == 2
