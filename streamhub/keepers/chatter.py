"""The chatter: reads the chats beside live sessions and makes questions of the lines that are meant so.

Owns when which chat is read, so that a day's chats fit what is left of the quota; the last lines of each, in memory
only; and the hub's replies. A line becomes a question at most once, together with how far its chat was read. Refuses
to know brands: a chat is a `ContributionSource`. What was said stays when a chat closes, and no failure of a chat
reaches the session beside it.

A line that is taken back in the chat disappears from the last lines and becomes no question any more; a question that
it became already stays where it is. Lines are removed there for many reasons, also because they were dealt with, and
what becomes of a question is decided in the hub, by the people who moderate it there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from streamhub.errors import BadInput, Fault, NotFound, PlatformError, StreamhubError
from streamhub.keepers.chat_reading import (
    LEAST_S,
    REHEARSAL_S,
    SLOW_S,
    ChatPhase,
    ChatState,
    Day,
    Reading,
    hash_author,
    plan_day,
)
from streamhub.keepers.chat_taking import SOURCE, Candidate, Taken, take_by_host, take_candidates
from streamhub.questions.intake import Batch, Contribution, ContributionSource, Standing
from streamhub.questions.picking import (
    ChatWords,
    clean_author,
    clean_chat_line,
    is_name,
    match_name,
    match_request,
    plan_any_text,
    plan_reply,
    plan_text,
)
from streamhub.questions.question import Question
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.schedule.show import Session, SessionState
from streamhub.store import broadcasts as broadcast_rows
from streamhub.store import contributions as contribution_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from streamhub.text import Random, new_id
from streamhub.timecode import Now

LOG = logging.getLogger("streamhub.keepers.chatter")
EVERY_S = 5.0
"""How often the rows are looked at."""
REPLY_EVERY = timedelta(seconds=30)
REPLY_WITHIN = timedelta(minutes=5)
"""Older lines get no reply: after a restart, or when a chat is read for the first time."""

_AHEAD = ACCEPTS_QUESTIONS - {SessionState.MOVED}
_READ_IN = frozenset({SessionState.REHEARSAL, SessionState.LIVE})
_MUTES = frozenset({Fault.QUOTA, Fault.AUTH, Fault.NOT_ALLOWED, Fault.BAD_INPUT})


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatterParts:
    """What the chatter works with.

    Attributes:
        store: the hub's data.
        source_of: the chat of a platform, by the name that shows carry; None where there is none.
        words: what marks a line as a question.
        left: units that chats may spend today.
        cost: units of one look.
        reply_cost: units of one reply.
        upkeep_units: units that a session costs beside its chat; set aside for each that is still ahead today.
        day_ends: when the quota's day ends that an instant lies in, UTC.
        page_url: address of a session's question page; None: the hub replies nothing; so does an empty address.
        secret: keys the hashes by which authors are told apart.
        now: the clock.
        random: the source of ids and of jitter.
        sleep: waits that many seconds.
        changed: told the id of a session whose questions or chat changed.
    """

    store: Store
    source_of: Callable[[str], ContributionSource | None]
    words: ChatWords
    left: Callable[[], Awaitable[int]]
    cost: int = 5
    reply_cost: int = 20
    upkeep_units: int = 900
    day_ends: Callable[[datetime], datetime]
    page_url: Callable[[str], str] | None = None
    secret: bytes = field(repr=False)
    now: Now
    random: Random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    changed: Callable[[str], None] = lambda session_id: None


class Chatter:
    """Keeps the chats. `start` it once, `close` it at the end; `look` is what it does in between."""

    def __init__(self, parts: ChatterParts) -> None:
        self._parts = parts
        self._readings: dict[str, Reading] = {}
        self._day = Day()
        self._syncing, self._looking = asyncio.Lock(), asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read from now on."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="chatter")

    async def close(self) -> None:
        """Stop reading; how far each chat was read is kept already."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    # What the hub's pages ask.

    def state(self, session_id: str) -> ChatState | None:
        """How the chat of a session stands; None while none is read."""
        reading = self._readings.get(session_id)
        return reading.state if reading else None

    def recent(self, session_id: str) -> Sequence[Contribution]:
        """The last lines of a session's chat, oldest first, cleaned; authors are told apart by a keyed hash."""
        reading = self._readings.get(session_id)
        return tuple(reading.recent.values()) if reading else ()

    async def take(self, session_id: str, ref: str, author: str) -> Question:
        """Make any of the last lines a question on a host's word, at once open; the question it is, if it was one.

        Args:
            session_id: the session beside the chat.
            ref: of the line.
            author: the host who takes it, for the log.

        Raises:
            NotFound: the line is not kept any more.
            Conflict: the session takes no more questions.
        """
        reading = self._readings.get(session_id)
        line = reading.recent.get(ref) if reading else None
        if reading is None or line is None:
            raise NotFound(f"session {session_id}: the chat line is not kept any more", hint="write the question down")
        rest = match_request(line.text, self._parts.words)
        text = plan_any_text(rest or line.text)
        if not text:
            raise BadInput(f"session {session_id}: nothing is in the chat line", hint="take another one")
        candidate = Candidate(id=new_id(self._parts.random), line=line, text=text, standing=Standing.OWNER)
        at = self._parts.now()
        question = await self._parts.store.write(
            lambda db: take_by_host(db, session_id, candidate, at=at, author=author)
        )
        reading.taken[ref] = question.id
        self._parts.changed(session_id)
        return question

    # Following the rows.

    async def sync(self) -> None:
        """Follow the sessions: begin to read a chat, follow it to a new part, and let go of one that is over."""
        async with self._syncing:
            now = self._parts.now()
            wanted, self._day = await self._parts.store.read(lambda db: self._load_wanted(db, now))
            for session_id, fresh in wanted.items():
                known = self._readings.get(session_id)
                if known is None:
                    self._readings[session_id] = fresh
                    LOG.info("chat_followed session=%s part=%s", session_id, fresh.part)
                elif known.chat_ref != fresh.chat_ref:
                    known.next_chat = fresh
                else:
                    known.at_ease = fresh.at_ease
            for session_id in self._readings.keys() - wanted.keys():
                self._readings[session_id].leaving = True

    def _load_wanted(self, db: Database, now: datetime) -> tuple[dict[str, Reading], Day]:
        """The chats to be read, and what else the day holds."""
        ahead: list[Session] = []
        wanted: dict[str, Reading] = {}
        for session in show_rows.list_sessions(db, states=_AHEAD):
            platform = show_rows.load_show(db, session.show_id).platform
            if self._parts.source_of(platform) is None:
                continue
            ahead.append(session)
            if session.state not in _READ_IN:
                continue
            row = broadcast_rows.find_broadcast(db, session.id, platform)
            if row is not None and row.chat_ref:
                wanted[session.id] = Reading(
                    session_id=session.id,
                    language=session.language,
                    platform=platform,
                    part=row.part,
                    chat_ref=row.chat_ref,
                    cursor=contribution_rows.load_cursor(db, SOURCE, row.chat_ref),
                    due_at=now,
                    at_ease=session.state is SessionState.REHEARSAL,
                )
        day = plan_day(ahead, now=now, ends_at=self._parts.day_ends(now), upkeep_units=self._parts.upkeep_units)
        return wanted, day

    async def look(self) -> float:
        """Follow the sessions and read every chat that is due; returns seconds until the next one is."""
        async with self._looking:
            await self.sync()
            now = self._parts.now()
            due = [r for r in self._readings.values() if r.due_at <= now or r.leaving or r.next_chat]
            leaving = [reading for reading in due if reading.leaving]  # not those that come to leave meanwhile
            await asyncio.gather(*(self._turn(reading) for reading in due))
            for reading in leaving:
                del self._readings[reading.session_id]
                LOG.info("chat_left session=%s questions=%s", reading.session_id, len(reading.taken))
            now = self._parts.now()
            waits = [(reading.due_at - now).total_seconds() for reading in self._readings.values()]
            return max(0.0, min([SLOW_S, *waits]))

    async def _run(self) -> None:
        while True:
            wait_s = SLOW_S
            try:
                wait_s = await self.look()
            except Exception:  # the keeper of all chats outlives whatever one look ran into
                LOG.exception("chat_look_failed")
            await self._parts.sleep(min(EVERY_S, max(0.2, wait_s)))

    # Reading one chat.

    async def _turn(self, reading: Reading) -> None:
        """One look at one chat: the last one at an old part or an ended session, else the next one."""
        last = reading.leaving or reading.next_chat is not None
        if not last or reading.phase in {ChatPhase.READING, ChatPhase.WAITING}:
            await self._read(reading)
        if reading.next_chat is not None:
            reading.move(reading.next_chat)
            LOG.info("chat_followed session=%s part=%s", reading.session_id, reading.part)

    async def _read(self, reading: Reading) -> None:
        source = self._parts.source_of(reading.platform)
        if source is None:
            return
        before = (reading.phase, reading.problem and reading.problem.code)
        try:
            batch = await source.read(reading.chat_ref, reading.cursor)
            taken = await self._take_in(reading, batch)
            left = await self._parts.left()
        except PlatformError as error:
            self._note_failure(reading, error)
        except Exception:  # a look is a job: whatever went wrong, the next one tries again
            reading.due_at = self._parts.now() + timedelta(seconds=REHEARSAL_S)
            LOG.exception("chat_look_failed session=%s", reading.session_id)
        else:
            now, wait_s = self._parts.now(), self._plan_wait_s(reading, batch, left)
            reading.note_success(over=batch.over, at=now, wait_s=wait_s)
            await self._reply(reading, source, taken, left)
            if batch.contributions or batch.removed or batch.removed_authors:
                self._parts.changed(reading.session_id)
        if before != (reading.phase, reading.problem and reading.problem.code):
            self._parts.changed(reading.session_id)

    def _plan_wait_s(self, reading: Reading, batch: Batch, left: int) -> float:
        least_s = REHEARSAL_S if reading.at_ease else LEAST_S
        affordable_s = self._day.interval_s(left, cost=self._parts.cost, least_s=least_s)
        return max(min(batch.wait_s, SLOW_S), affordable_s, SLOW_S if batch.over else 0.0)

    def _note_failure(self, reading: Reading, error: PlatformError) -> None:
        now, jitter = self._parts.now(), self._parts.random(1)[0] / 255
        first = reading.tries == 0
        reading.note_failure(error, at=now, day_ends=self._parts.day_ends(now), jitter=jitter)
        if first:
            LOG.warning("chat_failed session=%s fault=%s %s", reading.session_id, error.fault, error.message)

    async def _take_in(self, reading: Reading, batch: Batch) -> list[Taken]:
        """Keep the lines of a batch in memory, and make questions of those that are meant so, all or nothing."""
        removed_authors = {self._hash(reading, author) for author in batch.removed_authors}
        lines = [
            replace(
                line,
                author=clean_author(line.author),
                author_ref=self._hash(reading, line.author_ref),
                text=clean_chat_line(line.text),
            )
            for line in batch.contributions
        ]
        reading.forget(batch.removed, removed_authors)
        candidates: list[Candidate] = []
        for line in lines:
            if line.ref in batch.removed or line.author_ref in removed_authors:
                continue
            if found := self._find_candidate(reading, line):
                candidates.append(found)
            reading.keep(line)
        if not candidates and batch.cursor == reading.cursor:
            return []
        now = self._parts.now()
        taken = await self._parts.store.write(
            lambda db: take_candidates(
                db, reading.session_id, candidates, chat_ref=reading.chat_ref, cursor=batch.cursor, at=now
            )
        )
        reading.cursor = batch.cursor
        for one in taken:
            reading.taken[one.line.ref] = one.question_id
            LOG.info("chat_taken session=%s question=%s", reading.session_id, one.question_id)
        return taken

    def _hash(self, reading: Reading, author_ref: str) -> str:
        return hash_author(self._parts.secret, reading.session_id, author_ref)

    def _find_candidate(self, reading: Reading, line: Contribution) -> Candidate | None:
        """The question that a line asks, or that a moderator's line points at; None when it is just talk.

        Hashtags of moderators and owners do not count: they tell others how to ask ("Fragen bitte mit #frage").
        """
        words = self._parts.words if line.standing is Standing.ANYBODY else replace(self._parts.words, hashtags=())
        rest = match_request(line.text, words)
        if rest is None or self._is_own(reading, line):
            return None
        target, text = line, plan_text(rest)
        if line.standing is not Standing.ANYBODY and (name := match_name(rest)):
            pointed = [known for known in reading.recent.values() if is_name(name, known.author)]
            if pointed:
                target = pointed[-1]
                text = plan_text(match_request(target.text, self._parts.words) or target.text)
        if not text:
            return None
        return Candidate(id=new_id(self._parts.random), line=target, text=text, standing=line.standing)

    def _is_own(self, reading: Reading, line: Contribution) -> bool:
        """Whether the hub wrote this line itself."""
        url = self._parts.page_url(reading.session_id) if self._parts.page_url else ""
        return bool(url) and line.standing is Standing.OWNER and url in line.text

    # Replying.

    async def _reply(self, reading: Reading, source: ContributionSource, taken: Sequence[Taken], left: int) -> None:
        """Tell those who asked for the first time where the questions are, all in one line, now and then."""
        if self._parts.page_url is None or reading.muted or reading.leaving:
            return
        now = self._parts.now()
        reading.to_reply += [
            one.line.author
            for one in taken
            if one.first and one.line.standing is Standing.ANYBODY and now - one.line.at < REPLY_WITHIN
        ]
        if not reading.to_reply or (reading.replied_at and now - reading.replied_at < REPLY_EVERY):
            return
        if not self._day.affords(left, cost=self._parts.cost, extra_units=self._parts.reply_cost):
            return
        names, reading.to_reply, reading.replied_at = reading.to_reply, [], now
        url = self._parts.page_url(reading.session_id)
        text = plan_reply(reading.language, names, url) if url else ""
        if not text:
            return
        try:
            await source.write(reading.chat_ref, text)
        except StreamhubError as error:  # never tried again: it may have been written
            reading.muted = not isinstance(error, PlatformError) or error.fault in _MUTES
            LOG.warning("chat_reply_failed session=%s %s", reading.session_id, error.message)
