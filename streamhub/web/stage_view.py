"""What is seen of the stage: run of show, producer's note, what is on air and what comes next; for three pages.

Reads and words only; what is changed stands in `streamhub.web.stage`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web
from sqlite_utils import Database

from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import plan_queue
from streamhub.schedule.invitation import Reply
from streamhub.schedule.rundown import Rundown, RundownTimes, plan_times
from streamhub.schedule.show import Role, Session
from streamhub.store import invitations as invitation_rows
from streamhub.store import people as people_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store import stage as stage_rows
from streamhub.store.stage import ProducerNote
from streamhub.text import fold
from streamhub.timecode import format_instant
from streamhub.web.access import Action, actor_of
from streamhub.web.consents import ConsentLine, consents_state, read_consents
from streamhub.web.hub import Hub, hub_of
from streamhub.web.overlay import OnAir, find_on_air, overlay_url
from streamhub.web.pages import words_of
from streamhub.web.views import Json

ON_TIME_MS = 60_000
_SHOWN_NOTES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """Somebody whom hosts had counted on and who does not come.

    Attributes:
        name: who.
        role: what he would have been.
        at: when he said so, UTC.
        topics: titles of what he was to speak about.
    """

    name: str
    role: Role
    at: datetime
    topics: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Crew:
    """Somebody who works behind the camera.

    Attributes:
        name: who.
        role: as what.
        certain: whether both sides said yes.
    """

    name: str
    role: Role
    certain: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StageView:
    """Everything that the stage view, the run of show and the producer's corner of the console show.

    Attributes:
        session: the session.
        on_air: the question that is on air, and since when.
        following: the question that comes next.
        rundown: the run of show.
        times: what the clock says of it now.
        notes: the producer's notes, the current one first.
        nonce: what the overlay's address is made of; empty while it has none.
        consents: what each person in it agrees to.
        missing: who was confirmed and does not come, the latest first.
        crew: who is asked to work behind the camera and did not decline.
    """

    session: Session
    on_air: OnAir | None
    following: Question | None
    rundown: Rundown
    times: RundownTimes
    notes: Sequence[ProducerNote]
    nonce: str
    consents: Sequence[ConsentLine] = ()
    missing: Sequence[Missing] = ()
    crew: Sequence[Crew] = ()

    @property
    def note(self) -> ProducerNote | None:
        """The current note."""
        return self.notes[0] if self.notes else None

    @property
    def speakers(self) -> list[str]:
        """Who may be on camera, to choose from."""
        return [person.name for person in self.session.participants if person.role is not Role.CUSTOMER]


def read_stage(db: Database, session_id: str, *, now: datetime) -> StageView:
    """Read it all in one transaction.

    Raises:
        NotFound: no such session.
    """
    session, rundown = show_rows.load_session(db, session_id), stage_rows.load_rundown(db, session_id)
    queued = plan_queue(question_rows.list_questions(db, session_id, states={QuestionState.QUEUED}))
    ended = session.ended_at or now
    return StageView(
        session=session,
        on_air=find_on_air(db, session_id),
        following=queued[0] if queued else None,
        rundown=rundown,
        times=plan_times(rundown, session, now=min(now, ended)),
        notes=stage_rows.list_notes(db, session_id)[:_SHOWN_NOTES],
        nonce=stage_rows.load_overlay_nonce(db, session_id),
        consents=read_consents(db, session),
        missing=_list_missing(db, session_id, rundown),
        crew=_list_crew(db, session_id),
    )


def _list_crew(db: Database, session_id: str) -> list[Crew]:
    return [
        Crew(name=people_rows.load_person(db, one.person_id).name, role=one.role, certain=one.certain)
        for one in invitation_rows.list_invitations(db, session_id=session_id)
        if not one.role.on_air and one.stands and one.reply is not Reply.DECLINED
    ]


def _list_missing(db: Database, session_id: str, rundown: Rundown) -> list[Missing]:
    found = []
    for one in invitation_rows.list_invitations(db, session_id=session_id):
        if one.missing and one.left_at is not None:
            name = one.shown_as or people_rows.load_person(db, one.person_id).name
            topics = tuple(topic.title for topic in rundown.topics if fold(topic.speaker) == fold(name))
            found.append(Missing(name=name, role=one.role, at=one.left_at, topics=topics))
    return sorted(found, key=lambda one: one.at, reverse=True)


def plan_show_state(view: StageView) -> Json:
    """What changes on the stage, for the hosts' channel; nothing in it moves with the clock alone."""
    return {
        "rundown": view.rundown.version,
        "overlay": bool(view.nonce),
        "consents": consents_state(view.consents),
        "notes": [[note.id, note.seen_at is not None] for note in view.notes],
        "missing": [[one.name, format_instant(one.at)] for one in view.missing],
        "crew": [[one.name, one.certain] for one in view.crew],
    }


async def read_show_state(hub: Hub, session_id: str) -> Json:
    """`plan_show_state` of a session as it is now."""
    return plan_show_state(await hub.store.read(lambda db: read_stage(db, session_id, now=hub.now())))


async def stage_context(request: web.Request, session_id: str) -> dict[str, Any]:
    """What templates need of the stage, for the pages here and for the console."""
    hub = hub_of(request)
    view = await hub.store.read(lambda db: read_stage(db, session_id, now=hub.now()))
    say = words_of(request)
    return {
        "view": view,
        "overlay_url": overlay_url(request, session_id, view.nonce) if actor_of(request).may(Action.RUN_SHOW) else "",
        "lateness": lambda late_ms: tell_lateness(late_ms, say),
        "minutes": lambda ms: round(ms / 60_000),
    }


def tell_lateness(late_ms: int, say: Callable[[str], str]) -> str:
    """How late it is, in whole minutes: nobody on camera wants seconds."""
    minutes = round(abs(late_ms) / 60_000)
    if abs(late_ms) < ON_TIME_MS or not minutes:
        return say("on time")
    return (say("%(count)s min late") if late_ms > 0 else say("%(count)s min ahead")) % {"count": minutes}


def rundown_json(rundown: Rundown, times: RundownTimes) -> Json:
    """A run of show and what the clock says of it."""
    return {
        "version": rundown.version,
        "automatic": rundown.automatic,
        "planned_end_at": format_instant(times.planned_end_at),
        "end_at": format_instant(times.end_at),
        "late_ms": times.late_ms,
        "topics": [
            {
                "id": one.topic.id,
                "title": one.topic.title,
                "planned_minutes": one.topic.planned_minutes,
                "speaker": one.topic.speaker,
                "state": "running" if one.topic.running else "waiting" if one.topic.waiting else "done",
                "start_at": format_instant(one.start_at),
                "end_at": format_instant(one.end_at),
                "late_ms": one.late_ms,
            }
            for one in times.topics
        ],
    }
