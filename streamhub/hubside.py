"""The hub's side of two roles: the pipeline's recordings, and the answers that the web face shows and publishes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from streamhub.answers.answer import Answer
from streamhub.answers.asked import AskedAloud, find_asked_aloud
from streamhub.archive.folder import load_session
from streamhub.archive.format import answer_name
from streamhub.archive.masking import mask_archived
from streamhub.archive.public import speakers_of
from streamhub.archiving import with_state
from streamhub.errors import Conflict, NotFound
from streamhub.ordering import order_answer, order_publication, order_recut, publish_answered
from streamhub.pipeline import Advance
from streamhub.publishing import list_withheld, require_consent
from streamhub.questions.question import QuestionState
from streamhub.recording.recording import Recording
from streamhub.recording.room import RecordingRoom
from streamhub.recording.studio import Studio
from streamhub.recording.workflow import discard_segments, finish_recording, import_media
from streamhub.rehearing import order_rehearing
from streamhub.schedule.show import SessionState
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.recordings import find_recording, list_segments
from streamhub.store.store import Store
from streamhub.timecode import Now


@dataclass(frozen=True, slots=True)
class StudioRecordings:
    """Recordings out of the studio's segments, or out of a file."""

    room: RecordingRoom
    studio: Studio

    async def finish(self, session_id: str, progress: Advance) -> Recording:
        """Close the studio for the session and join what it recorded.

        Raises:
            Conflict: the session was streamed straight to its platform, and its recording has not come yet.
        """
        await self.studio.close_session(session_id)
        if await self.room.store.read(lambda db: _awaits_recording(db, session_id)):
            raise Conflict(
                f"session {session_id}: was streamed straight to its platform, so its recording has to come from there",
                hint="download it there and drop it into the hub's inbox folder; the work goes on by itself",
            )
        return await finish_recording(self.room, session_id, progress=lambda done: progress(int(done * 100), 100))

    async def take(self, session_id: str, source: Path, progress: Advance, *, needs_sound: bool) -> Recording:
        """Take a file as the recording; a whole one that is there already is kept."""
        there = await self.room.store.read(lambda db: find_recording(db, session_id))
        if there is not None and self.room.path_of(there.path).is_file():
            return there
        return await import_media(
            self.room,
            source,
            session_id,
            progress=lambda done: progress(int(done * 100), 100),
            needs_sound=needs_sound,
        )

    async def discard(self, session_id: str) -> int:
        """Delete segments and HLS of a session whose recording is whole."""
        return await discard_segments(self.room, session_id)


def _awaits_recording(db: Database, session_id: str) -> bool:
    show = show_rows.load_show(db, show_rows.load_session(db, session_id).show_id)
    return show.direct and not list_segments(db, session_id) and find_recording(db, session_id) is None


def _mtime_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # a part file that got its name meanwhile
        return 0


@dataclass(frozen=True, slots=True)
class ArchiveAnswers:
    """The answers of a session as the archive holds them; their states move in the store first."""

    store: Store
    transcripts: Path
    now: Now
    _kept: dict[str, tuple[int, Sequence[Answer], Mapping[str, Sequence[str]]]] = field(default_factory=dict)

    async def list(self, session_id: str) -> Sequence[Answer]:
        """All answers in order of their time; empty before they were cut. Who does not want to be named is not."""
        session = await self.store.read(lambda db: show_rows.load_session(db, session_id))
        answers, _ = await asyncio.to_thread(self._load, session.show_id, session_id)
        questions = await self.store.read(lambda db: question_rows.list_questions(db, session_id))
        states = {question.id: question.state for question in questions}  # the files follow them within seconds
        return [with_state(answer, states.get(answer.id)) for answer in answers]

    async def _people(self, session_id: str) -> Mapping[str, Sequence[str]]:
        """Who is to be heard in each answer."""
        session = await self.store.read(lambda db: show_rows.load_session(db, session_id))
        return (await asyncio.to_thread(self._load, session.show_id, session_id))[1]

    def _load(self, show_id: str, session_id: str) -> tuple[Sequence[Answer], Mapping[str, Sequence[str]]]:
        """Read the files again only when one of them changed; pages ask every few seconds."""
        folder = self.transcripts / show_id / session_id
        if not folder.is_dir():
            return (), {}
        changed_ns = max(_mtime_ns(path) for path in (folder, *folder.rglob("*")))
        kept = self._kept.get(session_id)
        if kept is not None and kept[0] == changed_ns:
            return kept[1], kept[2]
        try:
            archived = load_session(self.transcripts, show_id, session_id)
        except NotFound:
            return (), {}
        shown = mask_archived(archived).answers
        answers = sorted(shown, key=lambda answer: (answer.start_ms is None, answer.start_ms or 0))
        people = {answer.id: speakers_of(answer, archived) for answer in archived.answers}
        self._kept[session_id] = (changed_ns, answers, people)
        return answers, people

    async def publish(self, session_id: str, answer_id: str, *, author: str) -> None:
        """Publish one answer; its pages follow by themselves.

        Raises:
            Conflict: it was not answered, or the answers are not cut yet.
            NoConsent: somebody who is to be heard in it did not agree.
        """
        at, people = self.now(), await self._people(session_id)

        def publish(db: Database) -> None:
            if question_rows.load_question(db, answer_id).state is not QuestionState.PUBLISHED:
                require_consent(db, session_id, {answer_id: people.get(answer_id, ())})
                publish_answered(db, session_id, [answer_id], at=at, author=author)

        await self.store.write(publish)

    async def publish_drafts(self, session_id: str, answer_ids: Sequence[str], *, author: str) -> Sequence[str]:
        """Publish those of these answers that nobody published or withdrew meanwhile; one build follows for all.

        Those that somebody did not agree to stay drafts.

        Raises:
            Conflict: the answers are not cut yet.
            NoConsent: of all of them somebody keeps each from being published.
        """
        at, people = self.now(), await self._people(session_id)

        def publish(db: Database) -> Sequence[str]:
            ready = {QuestionState.ANSWERED_LIVE, QuestionState.ANSWERED_IN_WRITING}
            answered = question_rows.list_questions(db, session_id, states=ready)
            drafts = [question.id for question in answered if question.id in answer_ids]
            heard = {one: people.get(one, ()) for one in drafts}
            withheld = list_withheld(db, session_id, heard)
            if drafts and len(withheld) == len(drafts):
                require_consent(db, session_id, heard)
            drafts = [one for one in drafts if one not in withheld]
            return publish_answered(db, session_id, drafts, at=at, author=author) if drafts else ()

        return await self.store.write(publish)

    async def withdraw(self, session_id: str, answer_id: str, *, author: str) -> None:
        """Withdraw one answer; its pages go by themselves."""
        at = self.now()

        def withdraw(db: Database) -> None:
            question = question_rows.load_question(db, answer_id)
            if question.session_id != session_id:
                raise Conflict(f"answer {answer_id}: belongs to session {question.session_id}")
            if question.state is not QuestionState.WITHDRAWN:
                question_rows.step_question(db, answer_id, QuestionState.WITHDRAWN, at=at, author=author)
                order_publication(db, session_id, [answer_id], at=at)

        await self.store.write(withdraw)

    def order(self, db: Database, session_id: str, answer_id: str, *, at: datetime) -> None:
        """Within a write: have the archive follow what was decided about an answer in writing."""
        order_answer(db, session_id, answer_id, at=at)

    async def show_session(self, session_id: str, *, public: bool, author: str) -> None:
        """Show the session's own page, or take it back into review; the site follows by itself."""
        at = self.now()
        goal = SessionState.PUBLISHED if public else SessionState.IN_REVIEW

        def show(db: Database) -> None:
            show_rows.step_session(db, session_id, goal, at=at, author=author)
            order_publication(db, session_id, [], at=at)

        await self.store.write(show)

    async def asked_aloud(self, session_id: str) -> Sequence[AskedAloud]:
        """Questions that were asked aloud and that nobody had submitted, by the words of the archive."""
        session = await self.store.read(lambda db: show_rows.load_session(db, session_id))

        def find() -> Sequence[AskedAloud]:
            try:
                archived = load_session(self.transcripts, session.show_id, session_id)
            except NotFound:
                return ()
            spoken = {transcript.language: transcript for transcript in archived.transcripts}.get(session.language)
            return find_asked_aloud(session, archived.answers, spoken) if spoken else ()

        return await asyncio.to_thread(find)

    async def recut(self, session_id: str, *, author: str) -> None:
        """Order the answers of a session to be cut anew with the marks of now.

        Raises:
            Conflict: the answers are not cut yet.
        """
        at = self.now()
        await self.store.write(lambda db: order_recut(db, session_id, at=at, author=author))

    async def hear_again(self, session_id: str, language: str, *, author: str) -> None:
        """Set the language of a session, and order its recording to be heard again in it.

        Raises:
            BadInput: no language of ours.
            Conflict: its answers are not cut yet, or its words were not heard here.
        """
        at = self.now()
        await self.store.write(lambda db: order_rehearing(db, session_id, language, at=at, author=author))

    def page(self, answer: Answer) -> str:
        """Path of the answer's page within the site."""
        return f"a/{answer_name(answer)}/"
