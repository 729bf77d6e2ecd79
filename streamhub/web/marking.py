"""Marks that are added by ear: somebody plays the recording, or the live picture, and says where a question begins.

Times are those that the player shows; where there is nothing to play, they count from going live. Works by typing
alone. Knows nothing of how answers are cut of marks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, NotFound, StreamhubError, WrongState
from streamhub.live.mark import Mark, MarkKind, Witness, find_replaced
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.refusal import Refusal
from streamhub.recording.recording import Recording
from streamhub.recording.rules import find_playlist_start, trim_playlist
from streamhub.schedule.show import Session, SessionState
from streamhub.store import marks as mark_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.log import log_action
from streamhub.store.recordings import find_recording
from streamhub.timecode import add_ms, format_clock, ms_between, parse_ms
from streamhub.web import desk
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.host import person_context
from streamhub.web.hub import Hub, hub_of
from streamhub.web.media import find_file, has_stream, read_playlist
from streamhub.web.pages import keep_language, render_page, see_other, words_of
from streamhub.web.security import read_form

LOG = logging.getLogger("streamhub.web")
AFTER_END = timedelta(minutes=1)
_ANSWERED = frozenset(
    {QuestionState.ON_AIR, QuestionState.ANSWERED_LIVE, QuestionState.PUBLISHED, QuestionState.SUPERSEDED}
)
_PERHAPS = frozenset({QuestionState.OPEN, QuestionState.QUEUED, QuestionState.CARRIED_OVER})
_MEDIA_TYPES: Mapping[str, str] = {
    ".mp4": "video/mp4",
    ".m4a": "audio/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
}

routes = web.RouteTableDef()


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """How the player's times and the session's go together.

    Attributes:
        started_at: zero of the session clock, UTC.
        recording: what is played; None: the live picture, or nothing.
        offset_ms: session time at which the live picture begins.
    """

    started_at: datetime
    recording: Recording | None = None
    offset_ms: int = 0

    def instant(self, shown_ms: int) -> datetime:
        """The instant of a time that the player shows.

        Raises:
            BadInput: nothing of the session was recorded there.
        """
        if self.recording is None:
            return add_ms(self.started_at, shown_ms + self.offset_ms)
        session_ms = self.recording.clock.session_ms(shown_ms)
        if session_ms is None:
            raise BadInput(
                f"{format_clock(shown_ms)}: the recording has nothing of the session there",
                hint="take a time after the beginning of the session and before the end of the recording",
            )
        return add_ms(self.started_at, session_ms)

    def shown_ms(self, at: datetime) -> int:
        """The time that the player shows at an instant, the nearest where nothing was recorded."""
        session_ms = max(0, ms_between(self.started_at, at))
        if self.recording is None or not self.recording.clock.pieces:
            return max(0, session_ms - self.offset_ms)
        return self.recording.clock.nearest_media_ms(session_ms)


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """A question with what is known of when it was on air.

    Attributes:
        question: the question.
        begin, end: the best marks of its beginning and end; None where there is none.
    """

    question: Question
    begin: Mark | None
    end: Mark | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkSheet:
    """Everything that the page shows.

    Attributes:
        session: the session.
        clock: times of the player.
        missing: answered questions without a beginning.
        marked: those with one, by time.
        others: questions that count as not answered, but may have been.
        by_ear: the marks by ear with their numbers, by time.
        offered: whether the answers were cut already, so that they can be cut anew.
    """

    session: Session
    clock: Clock
    missing: Sequence[Marked]
    marked: Sequence[Marked]
    others: Sequence[Marked]
    by_ear: Sequence[tuple[int, Mark, str]]
    offered: bool


def plan_marked(questions: Sequence[Question], marks: Sequence[Mark]) -> list[Marked]:
    """Each question with its best marks: by ear before all others, the first of its kind."""

    def best(question: Question, kinds: frozenset[MarkKind]) -> Mark | None:
        mine = [mark for mark in marks if mark.question_id == question.id and mark.kind in kinds]
        return min(mine, key=lambda mark: (mark.witness is not Witness.EAR, mark.at), default=None)

    begins, ends = frozenset({MarkKind.ON_AIR}), frozenset({MarkKind.DONE})
    return [Marked(question=one, begin=best(one, begins), end=best(one, ends)) for one in questions]


def _begins(marked: Marked) -> datetime:
    assert marked.begin is not None
    return marked.begin.at


async def read_sheet(hub: Hub, session_id: str) -> MarkSheet:
    """Read it all.

    Raises:
        NotFound: no such session.
        Conflict: it was not live yet, so there is nothing to hear.
    """

    def read(db: Database) -> tuple[Session, list[Question], list[Mark], list[tuple[int, Mark]], Recording | None]:
        session = show_rows.load_session(db, session_id)
        by_ear = mark_rows.list_kept_marks(db, session_id, Witness.EAR)
        questions, marks = question_rows.list_questions(db, session_id), mark_rows.list_marks(db, session_id)
        return session, questions, marks, by_ear, find_recording(db, session_id)

    session, questions, marks, by_ear, recording = await hub.store.read(read)
    clock = await _read_clock(hub, session, recording)
    answered = plan_marked([q for q in questions if q.state in _ANSWERED], marks)
    texts = {question.id: question.text for question in questions}
    return MarkSheet(
        session=session,
        clock=clock,
        missing=[one for one in answered if one.begin is None],
        marked=sorted((one for one in answered if one.begin), key=_begins),
        others=plan_marked([q for q in questions if q.state in _PERHAPS], marks),
        by_ear=[(number, mark, texts.get(mark.question_id, "")) for number, mark in by_ear],
        offered=session.state in {SessionState.IN_REVIEW, SessionState.PUBLISHED},
    )


async def _read_clock(hub: Hub, session: Session, recording: Recording | None) -> Clock:
    if session.started_at is None:
        message = f"session {session.id}: was not live yet, there is nothing to hear"
        raise WrongState(message, hint="go live first", code=Refusal.NOTHING_TO_HEAR)
    if recording is not None and find_recorded(hub, recording) is not None:
        return Clock(started_at=session.started_at, recording=recording)
    if session.state is not SessionState.LIVE or not has_stream(hub, session.id):
        return Clock(started_at=session.started_at)
    playlist = await asyncio.to_thread(read_playlist, hub.broadcasting.hls_folder(session.id))
    first = find_playlist_start(trim_playlist(playlist, since=session.started_at))
    return Clock(started_at=session.started_at, offset_ms=ms_between(session.started_at, first) if first else 0)


def find_recorded(hub: Hub, recording: Recording) -> Path | None:
    """The file of a recording, or None."""
    return find_file(hub.media_dir, recording.path) if hub.media_dir else None


@routes.get("/host/s/{session_id}/recording")
@allow(Action.RUN_SHOW)
async def recorded(request: web.Request) -> web.StreamResponse:
    """The recording, in ranges, before anything of it is public."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    recording = await hub.store.read(lambda db: find_recording(db, session_id))
    found = await asyncio.to_thread(find_recorded, hub, recording) if recording else None
    if found is None:
        raise NotFound(f"session {session_id}: there is no recording to play")
    response = web.FileResponse(found)
    response.content_type = _MEDIA_TYPES.get(found.suffix.lower(), "application/octet-stream")
    return response


@routes.get("/host/s/{session_id}/marks")
@allow(Action.RUN_SHOW)
async def marks_page(request: web.Request) -> web.StreamResponse:
    """The page: player, what is missing, what is marked, what was added by ear."""
    return await _render(request, "marks.html")


@routes.get("/host/s/{session_id}/marks/sheet")
@allow(Action.RUN_SHOW)
async def marks_sheet(request: web.Request) -> web.StreamResponse:
    """The changing part of the page, so that the player goes on playing."""
    return await _render(request, "marks_sheet.html")


async def _render(
    request: web.Request, template: str, *, error: StreamhubError | None = None, form: Mapping[str, str] | None = None
) -> web.StreamResponse:
    hub = hub_of(request)
    sheet = await read_sheet(hub, request.match_info["session_id"])
    context: dict[str, Any] = {"error": error, "form": form or {}, "said": request.query.get("said", "")}
    response = render_page(
        request,
        template,
        status=error.http_status if error else 200,
        sheet=sheet,
        stream=sheet.session.state is SessionState.LIVE and has_stream(hub, sheet.session.id),
        shown=lambda at: format_clock(sheet.clock.shown_ms(at)),
        **context,
        **person_context(hub, actor_of(request)),
    )
    keep_language(request, response)
    return response


@routes.post("/host/s/{session_id}/marks")
@allow(Action.RUN_SHOW)
async def add_marks(request: web.Request) -> web.StreamResponse:
    """Keep where a question begins, ends, or both, as typed or as the player stood."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    form = await read_form(request)
    author, at = actor_of(request).person, hub.now()
    try:
        sheet = await read_sheet(hub, session_id)
        wanted = plan_marks(sheet.clock, sheet.session, form, author=author, now=at, say=words_of(request))
        await hub.store.write(lambda db: _keep(db, wanted, at=at, author=author))
    except (BadInput, NotFound) as error:
        return await _render(request, "marks.html", error=error, form=form)
    LOG.info("web.marked session_id=%s marks=%d person=%s", session_id, len(wanted), author)
    desk.notify(request.app, session_id)
    return see_other(f"/host/s/{session_id}/marks#q-{wanted[0].question_id}")


def plan_marks(
    clock: Clock, session: Session, form: Mapping[str, str], *, author: str, now: datetime, say: Callable[[str], str]
) -> list[Mark]:
    """The marks that a form asks for.

    Raises:
        BadInput: no time, one that cannot be read, one outside the session, or an end before the beginning.
    """
    typed = {kind: form.get(name, "").strip() for name, kind in (("begin", MarkKind.ON_AIR), ("end", MarkKind.DONE))}
    wanted = [
        Mark(
            session_id=session.id,
            question_id=form.get("question", ""),
            kind=kind,
            at=clock.instant(parse_ms(text)),
            witness=Witness.EAR,
            author=author,
        )
        for kind, text in typed.items()
        if text
    ]
    if not wanted:
        raise BadInput(say("No time is given."), hint=say("Write when it begins or ends, such as 12:34."))
    last = (session.ended_at or now) + AFTER_END
    for mark in wanted:
        if mark.at > last:
            what = format_clock(clock.shown_ms(mark.at))
            raise BadInput(f"{what}: is after the end of the session", hint="look at the time again")
    if len(wanted) == 2 and wanted[1].at <= wanted[0].at:
        raise BadInput(f"{typed[MarkKind.DONE]}: ends before it begins", hint="look at both times again")
    return wanted


def _keep(db: Database, wanted: Sequence[Mark], *, at: datetime, author: str) -> None:
    for mark in wanted:
        kept = mark_rows.list_kept_marks(db, mark.session_id, Witness.EAR)
        replaced = find_replaced([one for _, one in kept], mark)
        for number, one in kept:
            if one in replaced:
                mark_rows.delete_mark(db, mark.session_id, number, Witness.EAR)
        number = mark_rows.insert_mark(db, mark)
        _log(db, mark, "mark.heard", at=at, author=author, number=number)
    question = question_rows.load_question(db, wanted[0].question_id)
    if question.state in _PERHAPS and any(mark.kind is MarkKind.ON_AIR for mark in wanted):
        question_rows.step_question(db, question.id, QuestionState.ANSWERED_LIVE, at=at, author=author)


def _log(db: Database, mark: Mark, action: str, *, at: datetime, author: str, number: int) -> None:
    details = {"session": mark.session_id, "mark": number, "kind": mark.kind.value}
    log_action(
        db,
        at=at,
        author=author,
        action=action,
        object_kind="question",
        object_id=mark.question_id,
        details=details,
    )


@routes.post("/host/s/{session_id}/marks/{mark_number:[0-9]{1,15}}/undo")
@allow(Action.RUN_SHOW)
async def undo_mark(request: web.Request) -> web.StreamResponse:
    """Take a mark by ear back; one that is gone already is fine."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    number = int(request.match_info["mark_number"])
    await read_form(request)
    author, at = actor_of(request).person, hub.now()

    def undo(db: Database) -> None:
        kept = dict(mark_rows.list_kept_marks(db, session_id, Witness.EAR))
        if number in kept and mark_rows.delete_mark(db, session_id, number, Witness.EAR):
            _log(db, kept[number], "mark.undo", at=at, author=author, number=number)

    await hub.store.write(undo)
    desk.notify(request.app, session_id)
    return see_other(f"/host/s/{session_id}/marks#by-ear")


@routes.post("/host/s/{session_id}/marks/recut")
@allow(Action.PUBLISH)
async def recut(request: web.Request) -> web.StreamResponse:
    """Have the session's answers cut anew with the marks that there are now."""
    hub, session_id = hub_of(request), request.match_info["session_id"]
    await read_form(request)
    await hub.answers.recut(session_id, author=actor_of(request).person)
    LOG.info("web.recut session_id=%s person=%s", session_id, actor_of(request).person)
    desk.notify(request.app, session_id)
    return see_other(f"/host/s/{session_id}/marks?said=recut#by-ear")
