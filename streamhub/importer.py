"""The importer: makes a session out of what a person gives, checks everything first, and hands it to the pipeline.

Nothing is written before every file was looked at; after that the work is durable, and the same request goes on where
it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from streamhub.engine import Engine, StepState, StepStatus, WorkState, WorkStatus
from streamhub.errors import BadInput, Conflict, NotFound, StreamhubError
from streamhub.importing import ImportProgress, ImportRequest, parse_person, read_marks, read_questions, require_files
from streamhub.live.mark import Mark
from streamhub.ordering import PUBLISH, SESSION, Source, order_session, publish_answered
from streamhub.pipeline import Pipeline
from streamhub.questions.question import Question
from streamhub.recording.recording import MediaInfo
from streamhub.schedule.rules import plan_session_id
from streamhub.schedule.show import Publishing, Session, SessionState, Show
from streamhub.store import marks as mark_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from streamhub.text import Random, new_id, slugify
from streamhub.timecode import Now, parse_instant
from streamhub.transcript.captions import read_captions
from streamhub.transcript.transcript import Transcript

_DONE = frozenset({WorkState.DONE, WorkState.FAILED, WorkState.CANCELLED, WorkState.HELD})


@dataclass(frozen=True, kw_only=True, slots=True)
class ImporterParts:
    """What the importer works with; ``scan`` looks into a media file."""

    store: Store
    engine: Engine
    pipeline: Pipeline
    scan: Callable[[Path], MediaInfo]
    zone: str
    now: Now
    random: Random


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """Everything that an import writes, checked."""

    show: Show
    session: Session
    questions: tuple[Question, ...]
    marks: tuple[Mark, ...]
    source: Source


class Importer:
    """Carries out imports, in the hub or in a command of its own."""

    def __init__(self, parts: ImporterParts) -> None:
        self._parts = parts

    async def begin(self, request: ImportRequest) -> str:
        """Check everything, write the session, order its pipeline; returns the session's id.

        The same request again goes on where it stopped: what was held is tried again.

        Raises:
            BadInput, BadMedia, BadCaptions: something given cannot be used; nothing was written.
            Conflict: a session of that name came from something else.
        """
        plan = await self._plan(request)
        at = self._parts.now()
        await self._parts.store.write(lambda db: _write(db, plan, at=at))
        await self._retry_held(plan.session.id)
        return plan.session.id

    async def progress(self, session_id: str) -> ImportProgress:
        """How far it is."""
        works = await self._works(session_id)
        main = next((work for work in works if work.kind == SESSION), None)
        if main is None:
            return ImportProgress(state=WorkState.QUEUED.value)
        if held := [step for work in works for step in work.steps if step.state is StepState.HELD]:
            return ImportProgress(state=WorkState.HELD.value, step=held[0].name, message=held[0].message)
        if main.state is WorkState.FAILED:
            return ImportProgress(state=main.state.value, step="work", message=main.message)
        running = [step.name for work in works for step in work.steps if step.state is StepState.RUNNING]
        step, done, total = self._parts.pipeline.progress.get(session_id, ("", 0, 0))
        if step in running:
            return ImportProgress(state=main.state.value, step=step, done=done, total=total)
        return ImportProgress(state=main.state.value, step=running[-1] if running else "")

    async def finish(self, session_id: str, *, publish: bool) -> dict[str, Any]:
        """Publish if asked to, wait for the pages, and say what came of it."""
        at = self._parts.now()

        def decide(db: Database) -> None:
            if publish and show_rows.load_session(db, session_id).state is SessionState.IN_REVIEW:
                _require_no_consent(db, session_id)
                publish_answered(db, session_id, None, at=at, author="import")

        await self._parts.store.write(decide)
        await self._wait_for_pages(session_id)
        session, questions = await self._parts.store.read(
            lambda db: (show_rows.load_session(db, session_id), question_rows.list_questions(db, session_id))
        )
        return {"session": session_id, "show": session.show_id, "state": session.state.value, "answers": len(questions)}

    async def _wait_for_pages(self, session_id: str) -> None:
        while True:
            # A transcription that failed and was tried again by its parent is history, not trouble.
            mine = [work for work in await self._works(session_id) if work.kind in {SESSION, PUBLISH}]
            if trouble := [work for work in mine if work.state in {WorkState.HELD, WorkState.FAILED}]:
                raise StreamhubError(
                    f"import {session_id}: {trouble[0].kind} is {trouble[0].state}", hint="see streamhub status"
                )
            if all(work.state in _DONE for work in mine):
                return
            await asyncio.sleep(0.1)

    async def _retry_held(self, session_id: str) -> None:
        """Try again what is held, and wait until the engine has heard of it."""
        held = [(work.workflow_id, step.name, step.turn) for work, step in await self._held(session_id)]
        for workflow_id, step, _ in held:
            await self._parts.engine.decide(workflow_id, step, "retry")
        while held:
            await asyncio.sleep(0.05)
            still = {(work.workflow_id, step.name, step.turn) for work, step in await self._held(session_id)}
            held = [one for one in held if one in still]

    async def _held(self, session_id: str) -> list[tuple[WorkStatus, StepStatus]]:
        return [(work, s) for work in await self._works(session_id) for s in work.steps if s.state is StepState.HELD]

    async def _works(self, session_id: str) -> list[WorkStatus]:
        return await self._parts.engine.status(about=session_id)

    async def _plan(self, request: ImportRequest) -> _Plan:
        await asyncio.to_thread(require_files, request)
        duration_ms = 0
        if request.media_file:
            info = await asyncio.to_thread(self._parts.scan, request.media_file)
            if not info.audio_codec and request.caption_file is None:
                raise BadInput(
                    f"{request.file}: has no sound, so nothing can be transcribed", hint="give its text with --captions"
                )
            duration_ms = info.duration_ms
        show = await self._find_show(request)
        language = request.language or show.language
        if request.caption_file:
            captions = await asyncio.to_thread(read_captions, request.caption_file, language=language)
            duration_ms = max(duration_ms, _end_ms(captions))
        return await asyncio.to_thread(self._plan_rows, request, show, language, duration_ms)

    def _plan_rows(self, request: ImportRequest, show: Show, language: str, duration_ms: int) -> _Plan:
        title = request.title or request.file.stem.replace("_", " ").replace("-", " ").strip()
        starts_at = parse_instant(request.start) if request.start else _file_date(request.file)
        if starts_at > self._parts.now() + timedelta(days=1):
            raise BadInput(f"start {request.start}: lies in the future", hint="give the day on which it was recorded")
        session = Session(
            id=plan_session_id(title, starts_at, self._parts.zone),
            show_id=show.id,
            title=title,
            starts_at=starts_at,
            zone=self._parts.zone,
            language=language,
            planned_minutes=min(24 * 60, max(1, duration_ms // 60_000)),
            state=SessionState.ENDED,
            started_at=starts_at,
            ended_at=starts_at + timedelta(milliseconds=duration_ms),
            participants=tuple(parse_person(person) for person in request.people),
        )
        questions: list[Question] = []
        if request.questions:
            questions = read_questions(
                request.questions,
                session_id=session.id,
                language=language,
                asked_at=starts_at,
                new_id=lambda: new_id(self._parts.random),
            )
        marks: list[Mark] = []
        if request.marks:
            marks = read_marks(request.marks, session_id=session.id, started_at=starts_at, questions=questions)
        source = Source(media=str(request.media_file or ""), captions=str(request.caption_file or ""), live=False)
        return _Plan(show=show, session=session, questions=tuple(questions), marks=tuple(marks), source=source)

    async def _find_show(self, request: ImportRequest) -> Show:
        def find(db: Database) -> Show | None:
            return next((show for show in show_rows.list_shows(db) if request.show in {show.id, show.title}), None)

        found = await self._parts.store.read(find)
        return found or Show(id=slugify(request.show), title=request.show, language=request.language or "de")


def _write(db: Database, plan: _Plan, *, at: datetime) -> None:
    """Write the session once; the same import again finds it there and changes nothing."""
    try:
        there = show_rows.load_session(db, plan.session.id)
    except NotFound:
        there = None
    if there is None:
        if all(show.id != plan.show.id for show in show_rows.list_shows(db)):
            show_rows.save_show(db, plan.show)
        show_rows.save_session(db, plan.session)
        for question in plan.questions:
            _require_new(db, question)
            question_rows.insert_question(db, question)
        for mark in plan.marks:
            mark_rows.insert_mark(db, mark)
    elif replace(there, state=plan.session.state) != plan.session:
        raise Conflict(
            f"session {plan.session.id}: exists already, made of something else", hint="give another --title or --start"
        )
    else:
        _require_same_questions(db, plan)
    order_session(db, plan.session.id, plan.source, at=at)


def _require_same_questions(db: Database, plan: _Plan) -> None:
    there = {question.text for question in question_rows.list_questions(db, plan.session.id)}
    if plan.questions and {question.text for question in plan.questions} != there:
        raise Conflict(
            f"session {plan.session.id}: exists already, with other questions",
            hint="correct them on its host page or in its archive files, or give another --title",
        )


def _require_new(db: Database, question: Question) -> None:
    try:
        there = question_rows.load_question(db, question.id)
    except NotFound:
        return
    raise Conflict(
        f"question {question.id}: this id belongs to a question of session {there.session_id} already",
        hint="give another id, or leave the column out: marks can name a question by its number or its text",
    )


def _end_ms(transcript: Transcript) -> int:
    return max((cue.span.end_ms for cue in transcript.cues), default=0)


def _file_date(path: Path) -> datetime:
    return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)


def _require_no_consent(db: Database, session_id: str) -> None:
    show = show_rows.load_show(db, show_rows.load_session(db, session_id).show_id)
    if show.publishing is Publishing.CONSENT:
        raise Conflict(
            f"session {session_id}: its show publishes only what all agree to",
            hint="leave --publish out, note the consents on the review page and publish there",
        )
