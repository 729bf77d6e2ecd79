"""Answers while a session runs: what was said for each question so far, looked through again every few seconds.

Owns when that is done and how long it is believed: in a thread, one look at a time, and never for more than a small
share of a processor, however long the session is. Refuses to know pages and how words come about.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlite_utils import Database

from streamhub.answers.overheard import LiveHints, find_hints
from streamhub.answers.spoken import FoundSpoken, SpokenAnswer, plan_spoken, search_spoken
from streamhub.errors import StreamhubError
from streamhub.live.mark import Mark
from streamhub.questions.hiding import hide_in_question
from streamhub.questions.question import Question
from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import Session, SessionState
from streamhub.store import marks as mark_rows
from streamhub.store import public as public_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from streamhub.transcript.hiding import hide_in_captions
from streamhub.transcript.live_words import LiveCaptions
from streamhub.transcript.transcript import Transcript
from streamhub.wordforms.analysis import Analyzer

LOG = logging.getLogger("streamhub.live_answers")

T = TypeVar("T")
EVERY_S = 4.0
SHARE = 20
"""A look rests this many times as long as it took, at least."""
_MOST = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class _Facts:
    """What a look is about.

    Attributes:
        session, questions, marks: of the store.
        public: the session as everybody may see it.
        captions: what was heard.
    """

    session: Session
    public: PublicSession
    questions: Sequence[Question]
    marks: Sequence[Mark]
    captions: LiveCaptions


class _Looks(Generic[T]):
    """One kind of look at sessions: the newest one of each, and the one that is under way."""

    def __init__(self, nothing: T, load: Callable[[str], Awaitable[_Facts]], plan: Callable[[_Facts], T]) -> None:
        self._nothing = nothing
        self._load = load
        self._plan = plan
        self._newest: dict[str, T] = {}
        self._due_at_s: dict[str, float] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}

    async def take(self, session_id: str, every_s: float) -> T:
        """The newest look; a fresh one begins where it is due, and only the first one is waited for.

        Where no look may be old at all, a fresh one is waited for.
        """
        while not every_s and session_id in self._looking:  # it began before whatever the caller wants to see
            await asyncio.shield(self._looking[session_id])
        if session_id not in self._looking and time.monotonic() >= self._due_at_s.get(session_id, 0.0):
            task = asyncio.create_task(self._look(session_id, every_s), name=f"live answers of {session_id}")
            self._looking[session_id] = task
        if session_id in self._looking and (session_id not in self._newest or not every_s):
            await asyncio.shield(self._looking[session_id])
        return self._newest.get(session_id, self._nothing)

    async def _look(self, session_id: str, every_s: float) -> None:
        began_s = time.monotonic()
        try:
            facts = await self._load(session_id)
            found = await asyncio.to_thread(self._plan, facts)
            if session_id not in self._newest and len(self._newest) >= _MOST:
                del self._newest[next(iter(self._newest))]
            self._newest[session_id] = found
        except StreamhubError as error:
            LOG.warning("live_answers_behind session=%s error=%s", session_id, error)
        except Exception:  # a job's boundary: the page shows what it had, and the next look tries again
            LOG.exception("live_answers_broke session=%s", session_id)
        finally:
            took_s = time.monotonic() - began_s
            if len(self._due_at_s) >= _MOST:
                self._due_at_s.clear()
            self._due_at_s[session_id] = time.monotonic() + (max(every_s, SHARE * took_s) if every_s else 0.0)
            del self._looking[session_id]

    async def close(self) -> None:
        """Look no more."""
        tasks = list(self._looking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class LiveAnswers:
    """The role `streamhub.web.services.LiveAnswers`.

    Args:
        store: the hub's data.
        captions: what was heard of a session so far.
        lag_s: how long after a question's first word hosts usually press "on air".
        every_s: how old a look may be; 0: whoever asks waits for a fresh one.
    """

    def __init__(
        self, store: Store, captions: Callable[[str], LiveCaptions], *, lag_s: float, every_s: float = EVERY_S
    ) -> None:
        self._store = store
        self._captions = captions
        self._lag_s = lag_s
        self._every_s = every_s
        self._spoken = _Looks[tuple[SpokenAnswer, ...]]((), self._load, self._plan_spoken)
        self._hints = _Looks(LiveHints(), self._load, _plan_hints)
        self._searching = asyncio.Lock()
        self._analyzers = (Analyzer("de"), Analyzer("en"))

    async def spoken(self, session_id: str) -> Sequence[SpokenAnswer]:
        """What was said for each question that was on air, in order of time."""
        return await self._spoken.take(session_id, self._every_s)

    async def hints(self, session_id: str) -> LiveHints:
        """What may be proposed to the host of a live session now."""
        return await self._hints.take(session_id, self._every_s)

    async def search(self, session_id: str, query: str) -> Sequence[FoundSpoken]:
        """The answers with any word of a query, best first; all in order of time for an empty one."""
        spoken = await self.spoken(session_id)
        if not query.strip():
            return search_spoken(spoken, "", ())
        async with self._searching:  # the analysers have a memory, which is one thread's at a time
            return await asyncio.to_thread(search_spoken, spoken, query, self._analyzers)

    async def _load(self, session_id: str) -> _Facts:
        def read(db: Database) -> _Facts:
            return _Facts(
                session=show_rows.load_session(db, session_id),
                public=public_rows.preview_session(db, session_id),
                questions=question_rows.list_questions(db, session_id),
                marks=mark_rows.list_marks(db, session_id),
                captions=self._captions(session_id),
            )

        return await self._store.read(read)

    def _plan_spoken(self, facts: _Facts) -> tuple[SpokenAnswer, ...]:
        if not facts.public.readable:
            return ()
        transcript = transcript_of(facts.session, hide_in_captions(facts.public, facts.captions))
        questions = [hide_in_question(one, facts.public.masker) for one in facts.questions]
        return plan_spoken(facts.session, questions, facts.marks, transcript, lag_s=self._lag_s)

    async def close(self) -> None:
        """Look no more."""
        await self._spoken.close()
        await self._hints.close()


def _plan_hints(facts: _Facts) -> LiveHints:
    if facts.session.state is not SessionState.LIVE:
        return LiveHints()
    transcript = transcript_of(facts.session, facts.captions)
    return find_hints(facts.session, facts.questions, facts.marks, transcript)


def transcript_of(session: Session, captions: LiveCaptions) -> Transcript:
    """What was heard as a transcript, with what is being said."""
    now = (captions.now,) if captions.now is not None else ()
    return Transcript(language=session.language, cues=(*captions.cues, *now), made_with="live captions")
