"""What the API shows of the nouns: pure functions from records to JSON objects.

The public never sees a name that its asker did not want shown, a held question, a draft, or a note to the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from streamhub.answers.answer import Answer
from streamhub.live.platform import Signal
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import PUBLIC_STATES, VOTABLE_STATES
from streamhub.schedule.public import PublicSession
from streamhub.schedule.rules import ACCEPTS_QUESTIONS, NEXT_STATES, accepts_asking
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.timecode import format_instant
from streamhub.web.platform_views import WatchPlace
from streamhub.web.services import WorkStatus

Json = dict[str, Any]

FINISHING = frozenset({SessionState.ENDED, SessionState.PROCESSING, SessionState.IN_REVIEW})
"""States in which the broadcast is over and the archive is not yet ready."""

AFTER = FINISHING | {SessionState.PUBLISHED}
"""States in which there may be answers."""


def show_json(show: Show) -> Json:
    """A show."""
    return {
        "id": show.id,
        "title": show.title,
        "language": show.language,
        "about": show.about,
        "moderation": show.moderation.value,
        "publishing": show.publishing.value,
        "platform": show.platform,
        "privacy": show.privacy.value,
        "direct": show.direct,
        "carries_over": show.carries_over,
    }


def public_state(state: SessionState) -> SessionState:
    """A session's state as everybody may see it; a rehearsal is nobody's business and counts as open."""
    return SessionState.OPEN if state is SessionState.REHEARSAL else state


def session_json(session: PublicSession, *, at: datetime | None = None) -> Json:
    """A session as everybody may see it.

    With ``at``, ``accepts_questions`` minds the deadline of a call for contributions; ``accepts_votes`` never does.
    """
    return _session_json(session, session.state in ACCEPTS_QUESTIONS if at is None else accepts_asking(session, at=at))


def _session_json(session: Session | PublicSession, asking: bool) -> Json:
    return {
        "id": session.id,
        "show_id": session.show_id,
        "title": session.title,
        "starts_at": format_instant(session.starts_at),
        "zone": session.zone,
        "language": session.language,
        "planned_minutes": session.planned_minutes,
        "state": public_state(session.state).value,
        "started_at": format_instant(session.started_at) if session.started_at else None,
        "ended_at": format_instant(session.ended_at) if session.ended_at else None,
        "accepts_questions": asking,
        "accepts_votes": session.state in ACCEPTS_QUESTIONS,
        "call": session.call,
        "call_until": format_instant(session.call_until) if session.call_until else None,
        "participants": [{"name": p.name, "role": p.role.value, "about": p.about} for p in session.participants],
        "path": f"/s/{session.id}",
    }


def host_session_json(session: Session) -> Json:
    """A session as the host sees it, with the states it may go to."""
    after = sorted(state.value for state in NEXT_STATES[session.state])
    seen = _session_json(session, session.state in ACCEPTS_QUESTIONS)
    return {**seen, "state": session.state.value, "next_states": after}


def is_from_chat(question: Question) -> bool:
    """Whether it was written in a platform's chat, which is shown beside the name of who asks."""
    return "chat" in question.source


def question_json(question: Question) -> Json:
    """A question as everybody may see it."""
    return {
        "id": question.id,
        "session_id": question.session_id,
        "text": question.text,
        "asker": question.asker.public_name,
        "from_chat": is_from_chat(question),
        "language": question.language,
        "state": question.state.value,
        "votes": question.votes,
        "votable": question.state in VOTABLE_STATES,
        "asked_at": format_instant(question.asked_at),
        "photo": f"/s/{question.session_id}/questions/{question.id}/photo" if question.photo else None,
    }


def told_question_json(question: Question, told: int) -> Json:
    """A question as everybody may see it in its session, with how many people tell their own case under it."""
    return {**question_json(question), "told": told}


def host_question_json(question: Question) -> Json:
    """A question as the host sees it."""
    asker = {"name": question.asker.name, "shown": question.asker.shown.value, "place": question.asker.place}
    return {
        **question_json(question),
        "asker": asker,
        "source": question.source,
        "starred": question.starred,
        "topics": list(question.topics),
        "products": list(question.products),
        "note": question.note,
        "doubt": question.doubt,
        "original": question.original,
        "merged_into": question.merged_into or None,
        "split_from": question.split_from or None,
        "place": question.place,
        "seen": question.seen,
        "for_writing": question.for_writing,
        "origin_url": question.origin_url,
        "version": question.version,
    }


def answer_json(answer: Answer) -> Json:
    """An answer as the host sees it."""
    return {
        "id": answer.id,
        "question": answer.question,
        "state": answer.state.value,
        "answerers": list(answer.answerers),
        "ranges": [{"start_ms": span.start_ms, "end_ms": span.end_ms} for span in answer.ranges],
        "confidence": answer.confidence,
        "evidence": list(answer.evidence),
        "votes": answer.votes,
    }


def signal_json(signal: Signal) -> Json:
    """What arrives from the encoder."""
    return {
        "receiving": signal.receiving,
        "quality": signal.quality,
        "issues": list(signal.issues),
        "bitrate_kbit_s": signal.bitrate_kbit_s,
    }


def work_json(work: WorkStatus) -> Json:
    """A piece of work with its steps."""
    return {
        "workflow_id": work.workflow_id,
        "kind": work.kind,
        "key": work.key,
        "state": str(work.state),
        "steps": [
            {
                "name": step.name,
                "state": str(step.state),
                "attempts": step.attempts,
                "message": step.message,
                "started_at": format_instant(step.started_at) if step.started_at else None,
                "ended_at": format_instant(step.ended_at) if step.ended_at else None,
            }
            for step in work.steps
        ],
    }


def plan_public_state(
    session: PublicSession,
    questions: Iterable[Question],
    answers: int,
    watch: WatchPlace | None,
    *,
    at: datetime | None = None,
    show: Callable[[Question], Json] | None = None,
) -> Json:
    """The state of a session's public channel.

    Args:
        session: the session.
        questions: of it; those that are not public are left out.
        answers: how many the public may see.
        watch: where else it is shown.
        at: now.
        show: may remember what `question_json` said.
    """
    question_as_json = show or question_json
    seen = [question for question in questions if question.state in PUBLIC_STATES]
    on_air = next((question.id for question in seen if question.state is QuestionState.ON_AIR), None)
    return {
        "session": session_json(session, at=at),
        "on_air": on_air,
        "questions": {question.id: question_as_json(question) for question in seen},
        "answers": answers,
        "watch": {"name": watch.name, "url": watch.url} if watch else None,
    }
