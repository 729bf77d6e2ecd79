"""Reviewing: people correct the archive's files through the hub, two at once, each step journalled and undoable.

The files hold what is true; an edit reads them, looks whether what its author saw is still there, and writes them as a
person's change, all while it holds the archive's lock. Refuses to know pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from streamhub.answers.answer import AnswerState
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.folder import load_session, save_session
from streamhub.archive.format import canonical
from streamhub.archive.learned import find_learned
from streamhub.archive.review import Edit, Patch, apply_patch, find_clash, plan_undo
from streamhub.archiving import with_state
from streamhub.errors import Conflict, NotFound, Overtaken
from streamhub.ordering import order_publication
from streamhub.questions.question import QuestionState
from streamhub.schedule.show import SessionState
from streamhub.store import questions as question_rows
from streamhub.store import reviews as rows
from streamhub.store import shows as show_rows
from streamhub.store.reviews import Made
from streamhub.store.store import Store
from streamhub.timecode import Now


@dataclass(frozen=True, slots=True)
class HubReview:
    """The role `streamhub.web.services.Review`.

    Attributes:
        store: the hub's data.
        transcripts: the archive's folder.
        archive_lock: held while its files are changed.
        now: the clock.
    """

    store: Store
    transcripts: Path
    archive_lock: asyncio.Lock
    now: Now
    _kept: dict[str, tuple[int, ArchivedSession]] = field(default_factory=dict)

    async def load(self, session_id: str) -> ArchivedSession:
        """The session as it stands in the archive.

        Raises:
            NotFound: no such session.
            Conflict: its answers are not cut yet.
        """
        session = await self.store.read(lambda db: show_rows.load_session(db, session_id))
        try:
            archived = await asyncio.to_thread(self._load, session.show_id, session_id)
        except NotFound as error:
            raise Conflict(
                f"session {session_id}: its answers are not cut yet", hint="come back when it is in review"
            ) from error
        return archived

    async def states(self, archived: ArchivedSession) -> ArchivedSession:
        """The same with the states that the questions have by now; the files follow them within seconds."""
        questions = await self.store.read(lambda db: question_rows.list_questions(db, archived.id))
        return _with_states(archived, {question.id: question.state for question in questions})

    async def edit(
        self, session_id: str, plan: Callable[[ArchivedSession], Edit], seen: Patch, *, author: str
    ) -> Made | None:
        """Make a correction; None when nothing is different afterwards.

        Args:
            session_id: the session.
            plan: makes the edit of what stands in the archive; what it raises is raised.
            seen: what its author saw of the pieces that he changes.
            author: who corrects.

        Raises:
            NotFound: no such session.
            Conflict: its answers are not cut yet.
            Overtaken: somebody changed one of the pieces after its author saw it; nothing was overwritten.
        """
        async with self.archive_lock:
            archived = await self.load(session_id)
            if clash := find_clash(archived, seen):
                raise await self._overtaken(session_id, clash)
            edit = plan(archived)
            return await self._make(archived, edit, author=author) if edit.changes else None

    async def undo(self, session_id: str, number: int, *, author: str) -> Made | None:
        """Take a correction back; None when somebody did already.

        Raises:
            NotFound: no such session or edit.
            Overtaken: what it changed was changed again since.
        """
        async with self.archive_lock:
            archived = await self.load(session_id)
            made = await self.store.read(lambda db: rows.load_edit(db, session_id, number))
            if not made.stands:
                return None
            if clash := find_clash(archived, made.edit.after):
                raise await self._overtaken(session_id, clash)
            return await self._make(archived, plan_undo(made.edit), author=author, undoes=number)

    async def edits(self, session_id: str, *, limit: int = 20) -> Sequence[Made]:
        """The latest corrections, newest first."""
        return await self.store.read(lambda db: rows.list_edits(db, session_id, limit=limit))

    async def corrected(self, session_id: str) -> frozenset[str]:
        """The pieces of transcripts that a person corrected."""
        return await self.store.read(lambda db: rows.list_corrected(db, session_id))

    async def latest(self, session_id: str) -> int:
        """Number of the latest correction; 0 while there is none."""
        return await self.store.read(lambda db: rows.latest_edit(db, session_id))

    async def _make(self, archived: ArchivedSession, edit: Edit, *, author: str, undoes: int | None = None) -> Made:
        """Order what follows, change the files, note it. A crash in between loses the note and never a word."""
        session_id, at = archived.id, self.now()
        changed = apply_patch(archived, edit.after)
        await self.store.write(lambda db: _order(db, archived, edit, at=at))
        await asyncio.to_thread(self._save, archived, changed)
        learned = await asyncio.to_thread(find_learned, edit)
        return await self.store.write(
            lambda db: rows.record_edit(db, session_id, edit, at=at, author=author, undoes=undoes, learned=learned)
        )

    async def _overtaken(self, session_id: str, key: str) -> Overtaken:
        last = await self.store.read(lambda db: rows.find_last_of(db, session_id, key))
        return Overtaken(
            f"{key}: was changed since",
            hint="nothing was overwritten; look at it as it is now, then decide again",
            author=last.author if last else "",
            action=last.edit.action if last else "",
            at=last.at if last else None,
        )

    def _load(self, show_id: str, session_id: str) -> ArchivedSession:
        """Read the files again only when one of them changed."""
        folder = self.transcripts / show_id / session_id
        stamp = _stamp(folder) if folder.is_dir() else 0
        kept = self._kept.get(session_id)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        archived = load_session(self.transcripts, show_id, session_id)
        self._keep(stamp, archived)
        return archived

    def _save(self, archived: ArchivedSession, changed: ArchivedSession) -> None:
        """Write the files; what they hold now is known, unless somebody changed one since they were read."""
        folder = self.transcripts / archived.show_id / archived.id
        kept = self._kept.pop(archived.id, None)
        untouched = kept is not None and kept[1] is archived and kept[0] == _stamp(folder)
        untouched = untouched and changed.transcripts == archived.transcripts  # cues may be settled when they are read
        save_session(self.transcripts, changed, loaded=archived)
        if untouched:
            self._keep(_stamp(folder), canonical(changed))

    def _keep(self, stamp: int, archived: ArchivedSession) -> None:
        self._kept.clear()  # one session is reviewed at a time, and long ones are large
        self._kept[archived.id] = (stamp, archived)


def _stamp(folder: Path) -> int:
    stamps = []
    for path in (folder, *folder.rglob("*")):
        try:
            state = path.stat()
        except FileNotFoundError:  # a part file that got its name meanwhile
            continue
        stamps.append((str(path), state.st_mtime_ns, state.st_size))
    return hash(tuple(sorted(stamps)))


def _with_states(archived: ArchivedSession, states: Mapping[str, QuestionState]) -> ArchivedSession:
    answers = tuple(with_state(answer, states.get(answer.id)) for answer in archived.answers)
    return replace(archived, answers=answers)


def _order(db: Database, archived: ArchivedSession, edit: Edit, *, at: datetime) -> None:
    """Have the pages follow, where something public is touched."""
    states = {question.id: question.state for question in question_rows.list_questions(db, archived.id)}
    public = {a.id for a in _with_states(archived, states).answers if a.state is AnswerState.PUBLISHED}
    touched = [answer_id for answer_id in edit.answer_ids if answer_id in public]
    session = show_rows.load_session(db, archived.id)
    words = any(key.startswith("cue:") for key in edit.after)
    if touched or (words and (public or session.state is SessionState.PUBLISHED)):
        order_publication(db, archived.id, touched, at=at)
