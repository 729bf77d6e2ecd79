"""Clustering: the topics of a session's questions, found beside the hub's work and kept up to date.

Owns when questions are grouped: anew when many came, and one by one in between. Computing happens in a thread of its
own; what hosts decided about topics always stands (`streamhub.questions.clusters`). Refuses to know pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from sqlite_utils import Database

from streamhub.errors import Conflict, StreamhubError
from streamhub.questions.clusters import Cluster, plan_clusters, plan_joining
from streamhub.questions.encoder import Encoder
from streamhub.questions.finding import QuestionFinder
from streamhub.questions.grouping import NEIGHBOURS, find_central, find_groups, find_neighbours, label_groups
from streamhub.questions.likeness import Entry
from streamhub.questions.wordbag import TextReader, learn_parts
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.store import clusters as rows
from streamhub.store import likeness
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from streamhub.text import Random, new_id
from streamhub.timecode import Now

T = TypeVar("T")
LOG = logging.getLogger(__name__)

ROUND_S = 2.0
REST = 4
"""A round is followed by a rest of this many times its length, so that a crowd does not keep the hub busy."""
TRIES = 3
MANY, MANY_SHARE = 5, 0.1
"""Questions that came since the last grouping before all are grouped anew: so many, and this share of all."""


@dataclass(kw_only=True, slots=True)
class _Known:
    """What is in memory of a session: its questions, and how many there were when they were grouped last."""

    entries: dict[str, Entry] = field(default_factory=dict)
    index: QuestionFinder = field(default_factory=QuestionFinder)
    grouped: int = 0
    fresh: int = 0


class Clusterer:
    """The role `streamhub.web.services.Topics`.

    Args:
        store: the hub's data.
        now: the clock.
        random: the source of ids.
        encoder: compares meanings beside words; None: words alone.
    """

    def __init__(self, store: Store, *, now: Now, random: Random, encoder: Encoder | None = None) -> None:
        self._store, self._now, self._random, self._encoder = store, now, random, encoder
        self._known: dict[str, _Known] = {}
        self._seen = -1
        self._guessing = TextReader()
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clusters")
        self.changed: Callable[[str], None] = _tell_nobody

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Follow new questions while the block runs."""
        following = asyncio.create_task(self._follow(), name="clusters")
        try:
            yield
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            self.close()

    def close(self) -> None:
        """Give the thread back."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _follow(self) -> None:
        while True:
            begun_s = time.monotonic()
            try:
                await self.catch_up()
            except StreamhubError as error:
                LOG.warning("clustering.behind error=%s", error)
            except Exception:  # a job's boundary: whatever one round ran into, the next one tries again
                LOG.exception("clustering.broke")
            await asyncio.sleep(max(ROUND_S, REST * (time.monotonic() - begun_s)))

    async def catch_up(self) -> None:
        """Let the questions that came since the last look into topics.

        Raises:
            StreamhubError: the store cannot be read or written.
        """
        until = await self._store.read(likeness.last_change)
        if self._seen < 0:
            await self._take_all()
            self._seen = until
        changed = await self._store.read(partial(likeness.list_changed, since=self._seen, until=until))
        asked = await self._store.read(partial(likeness.load_asked, ids=changed)) if changed else {}
        for session_id in sorted({one.session_id for one in asked.values()}):
            await self._take(session_id)
        self._seen = until

    async def _take_all(self) -> None:
        """Group what was there before the start, in the sessions where somebody still decides about it."""
        for session in await self._store.read(partial(show_rows.list_sessions, states=ACCEPTS_QUESTIONS)):
            await self._take(session.id)

    async def regroup(self, session_id: str) -> None:
        """Group a session's questions anew; see the role.

        Raises:
            StreamhubError: the store cannot be read or written.
        """
        async with self._turn:
            await self._group(session_id, await self._read(session_id))

    async def _take(self, session_id: str) -> None:
        async with self._turn:
            entries = await self._read(session_id)
            known = self._known.get(session_id)
            if known is None:
                await self._group(session_id, entries)
                return
            fresh = [entry for key, entry in entries.items() if known.entries.get(key) != entry]
            gone = known.entries.keys() - entries.keys()
            known.entries = entries
            known.fresh += len(fresh)
            if known.fresh >= max(MANY, MANY_SHARE * known.grouped):
                await self._group(session_id, entries)
            elif fresh or gone:
                await self._join(session_id, known, fresh, gone)

    async def _read(self, session_id: str) -> dict[str, Entry]:
        read = partial(question_rows.list_questions, session_id=session_id, states=rows.GROUPED_STATES)
        entries = {}
        for question in await self._store.read(read):
            language = self._guessing.guess(question.text, "en" if question.language == "en" else "de")
            entries[question.id] = Entry(key=question.id, text=question.text, language=language)
        return entries

    async def _group(self, session_id: str, entries: Mapping[str, Entry]) -> None:
        index, neighbours = await self._work(partial(_compare, list(entries.values()), self._encoder))
        self._known[session_id] = _Known(entries=dict(entries), index=index, grouped=len(entries))
        for _ in range(TRIES):  # a host may change a topic, or an asker erase a question; both are right
            standing = (await self._read(session_id)).keys() & entries.keys()
            entries = {key: entry for key, entry in entries.items() if key in standing}
            neighbours = {key: [one for one in neighbours.get(key, ()) if one[0] in standing] for key in entries}
            before, alone = await self._store.read(partial(_read_clusters, session_id=session_id))
            plan = partial(_plan, before, alone, entries, neighbours, self._draw, session_id)
            after = await self._work(plan)
            if after == before:
                return
            save = partial(rows.save_clusters, session_id=session_id, before=before, after=after, at=self._now())
            try:
                await self._store.write(save)
            except Conflict:
                continue
            self.changed(session_id)
            return
        LOG.info("clustering.overtaken session_id=%s", session_id)

    async def _join(self, session_id: str, known: _Known, fresh: Sequence[Entry], gone: set[str]) -> None:
        await self._work(partial(known.index.change, add=fresh, remove=gone))
        before, alone = await self._store.read(partial(_read_clusters, session_id=session_id))
        home = {member: one.id for one in before for member in one.members}
        joined = False
        for entry in fresh:
            if entry.key in home or entry.key in alone:
                continue
            found = await self._work(partial(known.index.find_like, entry.key, limit=NEIGHBOURS))
            cluster_id = plan_joining([(match.key, match.score) for match in found], home)
            if cluster_id:
                join = partial(rows.join_cluster, session_id=session_id, cluster_id=cluster_id, question_id=entry.key)
                await self._store.write(join)
                home[entry.key], joined = cluster_id, True
        if joined:
            self.changed(session_id)

    def _draw(self) -> str:
        return new_id(self._random)

    async def _work(self, fn: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, fn)


def _tell_nobody(session_id: str) -> None:
    """Before the web face is there, nobody listens."""


def _compare(
    entries: Sequence[Entry], encoder: Encoder | None
) -> tuple[QuestionFinder, Mapping[str, Sequence[tuple[str, float]]]]:
    finder = QuestionFinder(learn_parts([entry.text for entry in entries if entry.language == "de"]), encoder)
    finder.change(add=entries)
    return finder, find_neighbours(finder, entries)


def _read_clusters(db: Database, session_id: str) -> tuple[list[Cluster], frozenset[str]]:
    return rows.list_clusters(db, session_id), rows.list_alone(db, session_id)


def _plan(
    before: Sequence[Cluster],
    alone: frozenset[str],
    entries: Mapping[str, Entry],
    neighbours: Mapping[str, Sequence[tuple[str, float]]],
    draw: Callable[[], str],
    session_id: str,
) -> list[Cluster]:
    planned = plan_clusters(before, find_groups(neighbours), alone=alone, draw=draw, session_id=session_id)
    labels = label_groups({one.id: one.members & entries.keys() for one in planned}, entries)
    return [
        replace(one, label=labels[one.id], central=find_central(one.members, neighbours) if one.members else "")
        for one in planned
    ]
