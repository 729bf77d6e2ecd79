"""Answers while a session runs: what was said for each question so far, looked through again every few seconds.

Owns when that is done and how long it is believed: in a thread, one look at a time, and never for more than a small
share of a processor, however long the session is. Refuses to know pages and how words come about.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from streamhub.answers.spoken import FoundSpoken, SpokenAnswer, plan_spoken, search_spoken
from streamhub.errors import StreamhubError
from streamhub.live.mark import Mark
from streamhub.questions.question import Question
from streamhub.schedule.show import Session
from streamhub.store import marks as mark_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from streamhub.transcript.live_words import LiveCaptions
from streamhub.transcript.transcript import Transcript
from streamhub.wordforms.analysis import Analyzer

LOG = logging.getLogger("streamhub.live_answers")

EVERY_S = 4.0
SHARE = 20
"""A look rests this many times as long as it took, at least."""
_MOST = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class _Facts:
    """What a look is about.

    Attributes:
        session, questions, marks: of the store.
        captions: what was heard.
    """

    session: Session
    questions: Sequence[Question]
    marks: Sequence[Mark]
    captions: LiveCaptions


@dataclass(slots=True)
class _Look:
    """The newest look at a session, and the one that is under way."""

    spoken: tuple[SpokenAnswer, ...] = ()
    due_at_s: float = float("-inf")
    looking: asyncio.Task[None] | None = None
    done: bool = False


class LiveAnswers:
    """The role `streamhub.web.services.LiveAnswers`.

    Args:
        store: the hub's data.
        captions: what was heard of a session so far.
        lag_s: how long after a question's first word hosts usually press "on air".
        every_s: how old a look may be.
    """

    def __init__(
        self, store: Store, captions: Callable[[str], LiveCaptions], *, lag_s: float, every_s: float = EVERY_S
    ) -> None:
        self._store = store
        self._captions = captions
        self._lag_s = lag_s
        self._every_s = every_s
        self._looks: dict[str, _Look] = {}
        self._searching = asyncio.Lock()
        self._analyzers = (Analyzer("de"), Analyzer("en"))

    async def spoken(self, session_id: str) -> Sequence[SpokenAnswer]:
        """What was said for each question that was on air, in order of time."""
        return (await self._look(session_id)).spoken

    async def search(self, session_id: str, query: str) -> Sequence[FoundSpoken]:
        """The answers with any word of a query, best first; all in order of time for an empty one."""
        spoken = await self.spoken(session_id)
        if not query.strip():
            return search_spoken(spoken, "", ())
        async with self._searching:  # the analysers have a memory, which is one thread's at a time
            return await asyncio.to_thread(search_spoken, spoken, query, self._analyzers)

    async def _look(self, session_id: str) -> _Look:
        """The newest look; a fresh one begins where it is due, and only the first one is waited for."""
        if session_id not in self._looks and len(self._looks) >= _MOST:
            del self._looks[next(iter(self._looks))]
        look = self._looks.setdefault(session_id, _Look())
        if look.looking is None and time.monotonic() >= look.due_at_s:
            look.looking = asyncio.create_task(self._look_anew(session_id, look), name=f"live answers of {session_id}")
        if look.looking is not None and not look.done:
            await asyncio.shield(look.looking)
        return look

    async def _look_anew(self, session_id: str, look: _Look) -> None:
        began_s = time.monotonic()
        try:
            facts = await self._store.read(lambda db: self._load(db, session_id))
            look.spoken = await asyncio.to_thread(self._plan, facts)
            look.done = True
        except StreamhubError as error:
            LOG.warning("live_answers_behind session=%s error=%s", session_id, error)
        except Exception:  # a job's boundary: the page shows what it had, and the next look tries again
            LOG.exception("live_answers_broke session=%s", session_id)
        finally:
            took_s = time.monotonic() - began_s
            look.due_at_s = time.monotonic() + max(self._every_s, SHARE * took_s)
            look.looking = None

    def _load(self, db: Database, session_id: str) -> _Facts:
        return _Facts(
            session=show_rows.load_session(db, session_id),
            questions=question_rows.list_questions(db, session_id),
            marks=mark_rows.list_marks(db, session_id),
            captions=self._captions(session_id),
        )

    def _plan(self, facts: _Facts) -> tuple[SpokenAnswer, ...]:
        transcript = transcript_of(facts.session, facts.captions)
        return plan_spoken(facts.session, facts.questions, facts.marks, transcript, lag_s=self._lag_s)

    async def close(self) -> None:
        """Look no more."""
        tasks = [look.looking for look in self._looks.values() if look.looking is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def transcript_of(session: Session, captions: LiveCaptions) -> Transcript:
    """What was heard as a transcript, with what is being said."""
    now = (captions.now,) if captions.now is not None else ()
    return Transcript(language=session.language, cues=(*captions.cues, *now), made_with="live captions")
