"""The keeper of sources: reads what sessions listen to, in turns, and makes questions of what is written there.

Owns when which source is read. Each is read for itself: one that fails, hangs or floods costs the others and the
session nothing; it is tried again later and later, and hosts see one sentence about it. What was read becomes
questions together with how far it was read, so that nothing is taken twice or lost, whenever the hub dies. Refuses to
know brands: a source is a `ReadableSource`.

What somebody takes back before it was taken is never taken. What became a question already stays where it is, and
hosts are told that it is gone: they decide in the hub what becomes of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.errors import PlatformError
from streamhub.keepers.chat_reading import hash_author
from streamhub.keepers.source_reading import Reading, SourceKind, plan_success
from streamhub.keepers.source_taking import Look, Outcome, clean_name, take_look
from streamhub.questions.intake import Batch, Contribution
from streamhub.questions.question import QuestionState
from streamhub.questions.trouble import SourceCode, make_source_error
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.schedule.show import SessionState
from streamhub.store import contributions as contribution_rows
from streamhub.store import shows as show_rows
from streamhub.store import sources as rows
from streamhub.store.store import Store
from streamhub.text import Random, new_id
from streamhub.timecode import Now

LOG = logging.getLogger("streamhub.keepers.sources")
EVERY_S = 5.0
MOST_S = 90.0
"""A look that takes longer is given up; its source is tried again."""
AT_ONCE = 6
CHECK_EVERY = timedelta(minutes=5)
CHECKED = 40
"""How many of the newest questions of a source are looked after."""

_LOOKED_AFTER = (QuestionState.HELD, QuestionState.OPEN, QuestionState.QUEUED, QuestionState.CARRIED_OVER)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcesParts:
    """What the keeper works with.

    Attributes:
        store: the hub's data.
        kinds: the kinds of sources that this hub can read, by slug.
        secret: keys the hashes by which authors are told apart.
        now: the clock.
        random: the source of ids and of jitter.
        sleep: waits that many seconds.
        changed: told the id of a session whose questions or sources changed.
    """

    store: Store
    kinds: Mapping[str, SourceKind]
    secret: bytes = field(repr=False)
    now: Now
    random: Random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    changed: Callable[[str], None] = lambda session_id: None


class Sources:
    """Keeps the sources. `start` it once, `close` it at the end; `look` is what it does in between."""

    def __init__(self, parts: SourcesParts) -> None:
        self._parts = parts
        self._readings: dict[str, Reading] = {}
        self._syncing = asyncio.Lock()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._turns: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()

    async def start(self) -> None:
        """Read from now on."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="sources")

    async def close(self) -> None:
        """Stop reading; how far each source was read is kept already."""
        tasks = [*self._turns, *([self._task] if self._task else [])]
        self._task = None
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def row(self, source_id: str) -> rows.SourceRow | None:
        """How reading a source goes, as of now; None while it is not read."""
        reading = self._readings.get(source_id)
        return reading.row if reading else None

    def wake(self, source_id: str) -> None:
        """Look at a source soon, and follow the rows at once."""
        reading = self._readings.get(source_id)
        if reading is not None:
            reading.due_at = self._parts.now()
        self._woken.set()

    async def sync(self) -> None:
        """Follow the rows: begin to read a source, and let go of one that nobody listens to."""
        async with self._syncing:
            now = self._parts.now()
            await self._ensure_hub_sources(now)
            wanted = await self._parts.store.read(self._load_wanted)
            for source_id, (row, state) in wanted.items():
                known = self._readings.get(source_id)
                if known is None:
                    due_at = row.retry_at if row.retry_at and row.problem else now
                    self._readings[source_id] = Reading(row=row, due_at=due_at, state=state)
                    LOG.info("source_followed source=%s kind=%s session=%s", source_id, row.kind, row.session_id)
                    continue
                known.state = state
                if known.row.problem and not row.problem and not known.busy:  # a host switched it off and on
                    known.row, known.due_at = row, now
            for source_id in self._readings.keys() - wanted.keys():
                del self._readings[source_id]
                LOG.info("source_left source=%s", source_id)

    async def _ensure_hub_sources(self, now: datetime) -> None:
        """A source of the whole hub, such as its mailbox, has a row from the first look on."""
        for kind in self._parts.kinds.values():
            if kind.parse is not None:
                continue
            known = await self._parts.store.read(lambda db, slug=kind.slug: rows.find_hub_source(db, slug))  # type: ignore[misc]
            if known is None or known.address != kind.address:
                await self._parts.store.write(lambda db, kind=kind: self._ensure_row(db, kind, now))  # type: ignore[misc]

    def _ensure_row(self, db: Database, kind: SourceKind, now: datetime) -> None:
        known = rows.find_hub_source(db, kind.slug)
        if known is not None:  # another mailbox: what is known of the old one says nothing about it
            rows.remove_source(db, known.id)
        row = rows.SourceRow(id=new_id(self._parts.random), kind=kind.slug, address=kind.address, added_at=now)
        rows.add_source(db, row)

    def _load_wanted(self, db: Database) -> dict[str, tuple[rows.SourceRow, SessionState | None]]:
        states = {session.id: session.state for session in show_rows.list_sessions(db, states=ACCEPTS_QUESTIONS)}
        wanted: dict[str, tuple[rows.SourceRow, SessionState | None]] = {}
        for row in rows.list_sources(db):
            if row.active and row.kind in self._parts.kinds and (not row.session_id or row.session_id in states):
                wanted[row.id] = (row, states.get(row.session_id))
        return wanted

    async def look(self) -> None:
        """Follow the rows and read every source that is due, once."""
        await self.sync()
        await asyncio.gather(*(self._turn(reading) for reading in self._due()))

    def _due(self) -> list[Reading]:
        now = self._parts.now()
        return [reading for reading in self._readings.values() if reading.due_at <= now and not reading.busy]

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.sync()
                for reading in self._due():
                    reading.busy = True  # before its turn comes, so that the next round leaves it alone
                    task = asyncio.create_task(self._turn(reading), name=f"source {reading.row.id}")
                    self._turns.add(task)
                    task.add_done_callback(self._turns.discard)
            except Exception:  # the keeper of all sources outlives whatever one round ran into
                LOG.exception("sources_round_failed")
            await self._pause()

    async def _pause(self) -> None:
        waking = asyncio.create_task(self._woken.wait())
        sleeping = asyncio.ensure_future(self._parts.sleep(EVERY_S))
        try:
            await asyncio.wait({waking, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            sleeping.cancel()

    # Reading one source.

    async def _turn(self, reading: Reading) -> None:
        """One look at one source, whatever comes of it."""
        reading.busy = True
        before = (reading.row.problem, reading.row.read_at is None)
        try:
            async with self._places:
                await self._read(reading)
        except PlatformError as error:
            await self._note_failure(reading, error)
        except TimeoutError:
            await self._note_failure(reading, make_source_error(SourceCode.UNREACHABLE, reading.row.address))
        except Exception:  # a look is a job: whatever went wrong, the next one tries again
            LOG.exception("source_look_failed source=%s kind=%s", reading.row.id, reading.row.kind)
            await self._note_failure(reading, make_source_error(SourceCode.INTERNAL, reading.row.address))
        finally:
            reading.busy = False
        if before != (reading.row.problem, reading.row.read_at is None):
            self._parts.changed(reading.row.session_id)

    async def _read(self, reading: Reading) -> None:
        kind, row = self._parts.kinds[reading.row.kind], reading.row
        cursor = await self._parts.store.read(lambda db: contribution_rows.load_cursor(db, row.kind, row.id))
        ref = row.address if row.session_id else ""
        async with asyncio.timeout(MOST_S):
            batch = await kind.source.read(ref, cursor)
        outcome = await self._take_in(reading, kind, batch)
        if batch.more:
            self._woken.set()
        await self._tell(outcome)
        await self._look_after(reading, kind, ref)

    async def _take_in(self, reading: Reading, kind: SourceKind, batch: Batch) -> Outcome:
        look = Look(
            source=reading.row,
            contributions=self._clean(batch.contributions, batch),
            cursor=batch.cursor,
            skipped=Counter(batch.skipped),
            oldest=reading.row.added_at - kind.reach,
            default=kind.default,
        )
        at = self._parts.now()

        def take(db: Database) -> tuple[Outcome, rows.SourceRow]:
            waiting = [] if look.source.session_id else rows.list_waiting(db, kind.slug)
            fresh = {contribution.ref for contribution in look.contributions}
            both = [*(one for one in waiting if one.ref not in fresh), *look.contributions]
            outcome = take_look(db, replace(look, contributions=both), at=at, random=self._parts.random)
            if kind.take is not None and batch.notices:
                outcome.sessions |= kind.take(db, batch.notices, at)
            row = plan_success(look.source, at=at, taken=len(outcome.questions), skipped=outcome.skipped)
            rows.save_source(db, row)
            return outcome, row

        outcome, row = await self._parts.store.write(take)
        reading.note_success(kind, batch, row, at=at)
        return outcome

    def _clean(self, contributions: Sequence[Contribution], batch: Batch) -> list[Contribution]:
        return [
            replace(
                one,
                author=clean_name(one.author),
                author_ref=hash_author(self._parts.secret, one.source, one.author_ref),
            )
            for one in contributions
            if one.ref not in batch.removed and one.author_ref not in batch.removed_authors
        ]

    async def _tell(self, outcome: Outcome) -> None:
        for question_id in outcome.questions:
            LOG.info("source_taken question=%s", question_id)
        for session_id in outcome.sessions:
            self._parts.changed(session_id)

    async def _note_failure(self, reading: Reading, error: PlatformError) -> None:
        now, jitter = self._parts.now(), self._parts.random(1)[0] / 255
        if not reading.row.tries:
            LOG.warning("source_failed source=%s kind=%s code=%s", reading.row.id, reading.row.kind, error.code)
        reading.note_failure(error, at=now, jitter=jitter)
        with contextlib.suppress(Exception):  # the next look keeps it: what matters is that this one ends here
            await self._parts.store.write(lambda db: rows.save_source(db, reading.row))

    # What was taken back.

    async def _look_after(self, reading: Reading, kind: SourceKind, ref: str) -> None:
        """Ask now and then whether the newest questions of a source still stand there."""
        now, session_id = self._parts.now(), reading.row.session_id
        find_gone = getattr(kind.source, "find_gone", None)
        if find_gone is None or (reading.checked_at and now - reading.checked_at < CHECK_EVERY):
            return
        reading.checked_at = now
        states = [state.value for state in _LOOKED_AFTER]
        standing = await self._parts.store.read(
            lambda db: rows.list_standing(db, kind.slug, session_id, states=states, limit=CHECKED)
        )
        if not standing:
            return
        try:
            async with asyncio.timeout(MOST_S):
                gone = await find_gone(ref, standing.keys())
        except (PlatformError, TimeoutError) as error:  # it was read a moment ago: ask again later
            LOG.info("source_check_failed source=%s error=%s", reading.row.id, type(error).__name__)
            return
        if not gone:
            return

        def note(db: Database) -> None:
            for one in sorted(gone & standing.keys()):
                rows.note_gone(db, kind.slug, one, standing[one], at=now)

        await self._parts.store.write(note)
        LOG.info("source_gone source=%s count=%s", reading.row.id, len(gone))
        self._parts.changed(session_id)
