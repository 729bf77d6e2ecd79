"""Suggesting: which questions of the hub, open or answered, are like one that somebody types or that came in.

Owns the index of all questions in memory and keeps it as fresh as the store and the archive: questions follow the log
of deeds, answers follow their files. Whatever is found is looked up in the store once more before anybody sees it, so
that a question which was held, declined or withdrawn a moment ago is never offered, however fresh the index is.
Refuses to know pages. What people type is neither kept nor logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database

from streamhub.answered import Answered, AnsweredFolder
from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.format import answer_name
from streamhub.archiving import with_state
from streamhub.errors import StreamhubError
from streamhub.questions.encoder import Encoder
from streamhub.questions.finding import QuestionFinder
from streamhub.questions.likeness import MAX_QUERY_LETTERS, Entry
from streamhub.questions.question import QuestionState
from streamhub.questions.rules import VOTABLE_STATES
from streamhub.questions.scoring import Match
from streamhub.questions.wordbag import TextReader, learn_parts
from streamhub.questions.writing import Proposal
from streamhub.schedule.public import PublicSession
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.schedule.show import Privacy, SessionState
from streamhub.store import likeness as rows
from streamhub.store import public as public_rows
from streamhub.store.proposals import list_accepted
from streamhub.store.questions import load_question
from streamhub.store.store import Store
from streamhub.web.services import Lookalike, Suggestion
from streamhub.wordforms.analysis import Language

T = TypeVar("T")
LOG = logging.getLogger(__name__)

BATCH = 2048
MAX_LEARNED_FROM = 20_000
FOUND_AT_MOST = 40
ROUND_S = 1.0
ARCHIVE_ROUNDS = 5
MAX_WAITING = 32
"""Look-ups of people who type that wait for the searching thread; further ones find nothing, as nobody needs them."""


class Suggester:
    """The role `streamhub.web.services.Suggestions`, and `streamhub.web.services.Lookalikes` for hosts.

    Args:
        store: the hub's data.
        transcripts: the archive's folder; need not exist.
        encoder: compares meanings beside words; None: words alone.
        fresh_s: how long the index is believed before the log is looked at.
        seconds: a clock that only rises.
    """

    def __init__(
        self,
        store: Store,
        transcripts: Path,
        *,
        encoder: Encoder | None = None,
        fresh_s: float = 0.5,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._folder = AnsweredFolder(transcripts)
        self._fresh_s, self._seconds = fresh_s, seconds
        self._encoder, self._index = encoder, QuestionFinder(encoder=encoder)
        self._guessing = TextReader()
        self._standing: dict[str, tuple[str, QuestionState]] = {}
        self._settings: Mapping[str, tuple[str, SessionState, Privacy]] = {}
        self._answers: dict[str, Answered] = {}
        self._seen, self._looked_s = -1, float("-inf")
        self._changing = asyncio.Lock()
        self._waiting = 0
        # Two threads of one each: the index takes one change and one search at a time.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="likeness change")
        self._searcher = ThreadPoolExecutor(1, thread_name_prefix="likeness search")

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Read everything in the background and follow it while the block runs."""
        following = asyncio.create_task(self._follow(), name="likeness")
        try:
            yield
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            self.close()

    def close(self) -> None:
        """Give the threads back."""
        self._writer.shutdown(wait=True, cancel_futures=True)
        self._searcher.shutdown(wait=True, cancel_futures=True)

    async def _follow(self) -> None:
        turn = 0
        while True:
            try:
                await self.refresh(archive=turn % ARCHIVE_ROUNDS == 0)
            except StreamhubError as error:
                LOG.warning("suggesting.behind error=%s", error)
            except Exception:  # a job's boundary: whatever one round ran into, the next one tries again
                LOG.exception("suggesting.broke")
            turn += 1
            await asyncio.sleep(ROUND_S)

    async def refresh(self, *, archive: bool = True) -> None:
        """Bring the index up to date with the store, and with the archive too.

        Raises:
            StreamhubError: the store cannot be read.
        """
        async with self._changing:
            if self._seen < 0:
                await self._load()
            else:
                await self._catch_up()
            if archive:
                await self._follow_answers()
            self._looked_s = self._seconds()

    async def _load(self) -> None:
        """Read all questions, learning the parts of compounds from the first of them."""
        seen = await self._store.read(rows.last_change)
        self._settings = await self._store.read(rows.list_settings)
        last, first = "", True
        while batch := await self._store.read(
            partial(rows.list_compared, after=last, limit=MAX_LEARNED_FROM if first else BATCH)
        ):
            if first:
                texts = [one.text for one in batch if one.language == "de"]
                self._index = QuestionFinder(await self._work(learn_parts, texts), self._encoder)
            last, first = batch[-1].id, False
            for start in range(0, len(batch), BATCH):
                await self._take(batch[start : start + BATCH])
        self._seen = seen

    async def _catch_up(self) -> None:
        until = await self._store.read(rows.last_change)
        if until == self._seen:
            return
        self._settings = await self._store.read(rows.list_settings)
        changed = await self._store.read(partial(rows.list_changed, since=self._seen, until=until))
        for start in range(0, len(changed), BATCH):
            ids = changed[start : start + BATCH]
            found = await self._store.read(partial(rows.load_asked, ids=ids))
            compared = [one for one in found.values() if one.state in rows.COMPARED_STATES]
            await self._take(compared, gone={*ids} - {one.id for one in compared})
        self._seen = until

    async def _take(self, asked: Iterable[rows.Asked], gone: Iterable[str] = ()) -> None:
        entries = []
        for one in asked:
            self._standing[one.id] = (one.session_id, one.state)
            entries.append(self._entry(f"q:{one.id}", one.text, one.language))
        for question_id in gone:
            self._standing.pop(question_id, None)
        await self._work(partial(self._index.change, add=entries, remove=[f"q:{one}" for one in gone]))

    async def _follow_answers(self) -> None:
        found = await self._work(self._folder.look)
        if found is None:
            return
        gone = [f"a:{answer_id}" for answer_id in self._answers.keys() - found.keys()]
        fresh = [one for answer_id, one in found.items() if self._answers.get(answer_id) != one]
        self._answers = dict(found)
        entries = [self._entry(f"a:{one.answer.id}", one.answer.question, one.answer.language) for one in fresh]
        await self._work(partial(self._index.change, add=entries, remove=gone))

    def _entry(self, key: str, text: str, language: str) -> Entry:
        return Entry(key=key, text=text, language=self._guessing.guess(text, _language(language)))

    async def _work(self, fn: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, partial(fn, *values))

    async def suggest(self, text: str, *, language: str, session_id: str, limit: int = 5) -> Sequence[Suggestion]:
        """The likest public questions, best first, nothing while too many look; see the role."""
        if self._waiting >= MAX_WAITING:
            return ()
        self._waiting += 1
        try:
            return await self._suggest(text, language, session_id, limit)
        finally:
            self._waiting -= 1

    async def _suggest(self, text: str, language: str, session_id: str, limit: int) -> Sequence[Suggestion]:
        await self._freshen()
        show_id = self._settings[session_id][0] if session_id in self._settings else ""
        matches = await self._search(text, language, where=partial(self._may_offer, show_id=show_id))
        ids = [match.key[2:] for match in matches]

        def read(db: Database) -> tuple[dict[str, rows.Asked], dict[str, Proposal], dict[str, PublicSession]]:
            asked = rows.load_asked(db, ids)
            known = {one.session_id for one in asked.values()}
            sessions = {one: public_rows.preview_session(db, one) for one in known}
            return asked, list_accepted(db, question_ids=ids), sessions

        asked, accepted, sessions = await self._store.read(read)
        found: list[Suggestion] = []
        for match in matches:
            kind, _, question_id = match.key.partition(":")
            row, answered = asked.get(question_id), self._answers.get(question_id)
            if kind == "a" and answered is not None and _is_published(answered.answer, row):
                found.append(_answered(answered, match))
            elif kind == "q" and row is not None and _is_open(row, show_id):
                found.append(_open(row, sessions[row.session_id], match))
            elif kind == "q" and row is not None and row.id in accepted and _is_written(row, show_id):
                found.append(_written(row, sessions[row.session_id], accepted[row.id], match))
        return found[: max(0, limit)]

    async def similar(self, question_id: str, *, limit: int = 5) -> Sequence[Lookalike]:
        """The questions of its show that are like a question; see the role.

        Raises:
            NotFound: there is no such question.
        """
        await self._freshen()
        question = await self._store.read(partial(load_question, question_id=question_id))
        setting = self._settings.get(question.session_id)
        show_id = setting[0] if setting else ""

        def may_be(key: str) -> bool:
            kind, _, other = key.partition(":")
            standing = self._standing.get(other)
            return kind == "q" and other != question_id and standing is not None and self._show_of(standing) == show_id

        matches = await self._search(question.text, question.language, where=may_be)
        asked = await self._store.read(partial(rows.load_asked, ids=[match.key[2:] for match in matches]))
        fitting = [(asked[match.key[2:]], match) for match in matches if match.key[2:] in asked]
        return [_lookalike(row, match) for row, match in fitting if row.state in rows.COMPARED_STATES][: max(0, limit)]

    async def _freshen(self) -> None:
        """Look whether anything changed; while everything is read for the first time, there is what there is."""
        if self._seconds() - self._looked_s < self._fresh_s or (self._changing.locked() and self._seen < 0):
            return
        await self.refresh(archive=self._seen < 0)

    async def _search(self, text: str, language: str, *, where: Callable[[str], bool]) -> list[Match]:
        spoken = self._guessing.guess(text[:MAX_QUERY_LETTERS], _language(language))
        find = partial(self._index.search, text, spoken, limit=FOUND_AT_MOST, where=where)
        return await asyncio.get_running_loop().run_in_executor(self._searcher, find)

    def _may_offer(self, key: str, show_id: str) -> bool:
        """Whether a find may be shown to the public, as far as is known here; the store has the last word."""
        kind, _, question_id = key.partition(":")
        if kind == "a":
            return True
        standing = self._standing.get(question_id)
        setting = self._settings.get(standing[0]) if standing else None
        if standing is None or setting is None or not _is_near(setting[0], setting[2], show_id):
            return False
        if standing[1] is QuestionState.ANSWERED_IN_WRITING:
            return setting[1] is not SessionState.DRAFT
        return standing[1] in VOTABLE_STATES and setting[1] in ACCEPTS_QUESTIONS

    def _show_of(self, standing: tuple[str, QuestionState]) -> str:
        setting = self._settings.get(standing[0])
        return setting[0] if setting else ""


def _language(code: str) -> Language:
    return "en" if code == "en" else "de"


def _is_near(other_show: str, privacy: Privacy, show_id: str) -> bool:
    """Whether a show's questions may be offered in another one: its own always, others unless they are private."""
    return other_show == show_id or privacy is not Privacy.PRIVATE


def _is_open(row: rows.Asked, show_id: str) -> bool:
    takes_votes = row.state in VOTABLE_STATES and row.session_state in ACCEPTS_QUESTIONS
    return takes_votes and _is_near(row.show_id, row.privacy, show_id)


def _is_written(row: rows.Asked, show_id: str) -> bool:
    """Whether its accepted answer in writing may be offered before the archive has it."""
    there = row.state is QuestionState.ANSWERED_IN_WRITING and row.session_state is not SessionState.DRAFT
    return there and _is_near(row.show_id, row.privacy, show_id)


def _is_published(answer: Answer, row: rows.Asked | None) -> bool:
    return with_state(answer, row.state if row else None).state is AnswerState.PUBLISHED


def _answered(one: Answered, match: Match) -> Suggestion:
    answer = one.answer
    return Suggestion(
        kind="answered",
        id=answer.id,
        text=answer.question,
        language=answer.language,
        score=round(match.score, 3),
        session_id=answer.session_id,
        session_title=one.session_title,
        page=f"/archive/a/{answer_name(answer)}/",
        start_ms=answer.start_ms,
        duration_ms=one.duration_ms,
        answerers=answer.answerers,
        at=one.at,
        votes=answer.votes,
    )


def _open(row: rows.Asked, session: PublicSession, match: Match) -> Suggestion:
    return Suggestion(
        kind="open",
        id=row.id,
        text=session.masker.text(row.text),
        language=row.language,
        score=round(match.score, 3),
        session_id=row.session_id,
        session_title=session.title,
        page=f"/s/{row.session_id}#q-{row.id}",
        start_ms=None,
        duration_ms=None,
        answerers=(),
        at=row.asked_at,
        votes=row.votes,
    )


def _written(row: rows.Asked, session: PublicSession, proposal: Proposal, match: Match) -> Suggestion:
    name = session.masker.name(proposal.writer.public_name)
    return replace(
        _open(row, session, match),
        kind="answered",
        page=f"/s/{row.session_id}/q/{row.id}",
        answerers=(name,) if name else (),
    )


def _lookalike(row: rows.Asked, match: Match) -> Lookalike:
    return Lookalike(
        id=row.id,
        text=row.text,
        language=row.language,
        score=round(match.score, 3),
        session_id=row.session_id,
        state=row.state,
        votes=row.votes,
    )
