"""What everybody may see of sessions, events and questions: the only readers of the database for pages without a login.

Owns no table. Who must not be named is not in what comes out (`streamhub.schedule.public`); whoever needs names, as
hosts' pages and mails do, asks the modules that own the tables.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.questions.hiding import hide_in_question, hide_in_writing
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.rules import PUBLIC_STATES
from streamhub.questions.writing import Proposal, Story, StoryState
from streamhub.schedule.event import Event
from streamhub.schedule.public import PublicEvent, PublicSession, is_public, plan_public_event, plan_public_session
from streamhub.schedule.show import SessionState
from streamhub.store import events, proposals, questions, shows, stories
from streamhub.store.followers import resolve_merged


def load_session(db: Database, session_id: str) -> PublicSession:
    """A session that the public may know of.

    Raises:
        NotFound: there is none of that id, or it is a draft.
    """
    session = preview_session(db, session_id)
    if not is_public(session):
        raise NotFound(f"session {session_id}: there is no such session")
    return session


def preview_session(db: Database, session_id: str) -> PublicSession:
    """A session as the public sees it, or will see it: a draft too.

    Raises:
        NotFound: there is none of that id.
    """
    session = shows.load_session(db, session_id)
    return plan_public_session(session, shows.load_show(db, session.show_id))


def list_sessions(db: Database, *, states: Collection[SessionState] | None = None) -> list[PublicSession]:
    """Sessions that the public may know of, the newest start first; those in some states, or all."""
    known = {show.id: show for show in shows.list_shows(db)}
    found = [one for one in shows.list_sessions(db, states=states) if is_public(one)]
    return [plan_public_session(one, known[one.show_id]) for one in found]


def list_event_sessions(db: Database, event_id: str) -> list[PublicSession]:
    """Those sessions of an event that the public may know of, the first one first."""
    found = [one for one in events.list_event_sessions(db, event_id) if is_public(one)]
    return [plan_public_session(one, shows.load_show(db, one.show_id)) for one in found]


def list_pre_shows(db: Database, *, for_session: str = "", for_event: str = "") -> tuple[PublicSession, ...]:
    """Those pre-shows of a session or of an event that the public may know of."""
    known = events.list_pre_shows(db, for_session=for_session, for_event=for_event)
    found = [preview_session(db, one.session_id) for one in known]
    return tuple(one for one in found if is_public(one))


def find_event(db: Database, event_id: str) -> PublicEvent | None:
    """An event that the public may know of; None where there is none of that id, or nothing of it is announced."""
    return _find(db, events.find_event(db, event_id))


def find_event_of(db: Database, session_id: str) -> PublicEvent | None:
    """The event that a session belongs to; None where it stands alone, or nothing of the event is announced."""
    return _find(db, events.find_event_of(db, session_id))


def _find(db: Database, event: Event | None) -> PublicEvent | None:
    sessions = events.list_event_sessions(db, event.id) if event else []
    if event is None or not any(map(is_public, sessions)):
        return None
    before = [shows.load_session(db, one.session_id) for one in events.list_pre_shows(db, for_event=event.id)]
    return plan_public_event(event, [*sessions, *before])


def list_questions(
    db: Database, session: PublicSession, *, states: Collection[QuestionState] = PUBLIC_STATES
) -> list[Question]:
    """The questions of a session that everybody may see, as `streamhub.store.questions` lists them."""
    found = questions.list_questions(db, session.id, states=PUBLIC_STATES & frozenset(states))
    return [hide_in_question(one, session.masker) for one in found]


def load_question(db: Database, question_id: str) -> tuple[Question, PublicSession]:
    """A question that everybody may see, or the one that stands for it, with its session.

    Raises:
        NotFound: there is none, or it is not public.
    """
    question = resolve_merged(db, questions.load_question(db, question_id))
    if question.state not in PUBLIC_STATES:
        raise NotFound(f"question {question_id}: there is no such question")
    session = load_session(db, question.session_id)
    return hide_in_question(question, session.masker), session


def list_stories(
    db: Database, session: PublicSession, question_ids: Collection[str], *, states: Collection[StoryState] | None = None
) -> dict[str, list[Story]]:
    """Stories of some of a session's questions, by question; who may see which is the caller's to say."""
    found = stories.list_stories(db, question_ids, states=states)
    return {key: [hide_in_writing(one, session.masker) for one in ones] for key, ones in found.items()}


def list_proposals(db: Database, session: PublicSession, question_ids: Collection[str]) -> dict[str, list[Proposal]]:
    """Proposed answers to some of a session's questions, by question; who may see which is the caller's to say."""
    found = proposals.list_proposals(db, question_ids)
    return {key: [hide_in_writing(one, session.masker) for one in ones] for key, ones in found.items()}


def list_accepted(db: Database, session: PublicSession) -> dict[str, Proposal]:
    """The accepted answers in writing of a session, by question."""
    found = proposals.list_accepted_in(db, session.id)
    return {key: hide_in_writing(one, session.masker) for key, one in found.items()}
