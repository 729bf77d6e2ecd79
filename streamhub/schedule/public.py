"""The noun of what is public: all that anybody but hosts and the invited gets of sessions, shows and events. Pure.

Pages, feeds, calendars, announcements, platforms and live words take these records and no others, and the readers of
`streamhub.store.public` alone make them. So a name that its bearer refuses cannot be forgotten on the way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from streamhub.schedule.event import Event
from streamhub.schedule.masks import NOBODY_HIDDEN, Masker
from streamhub.schedule.show import Participant, Session, SessionState, SessionTimes, Show


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicSession(SessionTimes):
    """A session as everybody may see it: who does not want to be named is shown by role alone.

    Attributes:
        show: its show, likewise.
        title: as shown.
        participants: the people in it, host first.
        call: what people are asked to send in beforehand, plain text; empty: nothing in particular.
        readable: whether the public may read what is said while it runs.
        masker: takes the same names out of whatever else belongs to it.
    """

    show: Show
    title: str
    participants: tuple[Participant, ...] = ()
    call: str = ""
    readable: bool = True
    masker: Masker = field(default=NOBODY_HIDDEN, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicEvent:
    """An event as everybody may see it, by what those say who are asked into its sessions.

    Attributes:
        id, title, about, zone, language, cancelled_at: those of a `streamhub.schedule.event.Event`.
    """

    id: str
    title: str
    about: str
    zone: str
    language: str
    cancelled_at: datetime | None


def is_public(session: SessionTimes) -> bool:
    """Whether the public may know of a session."""
    return session.state is not SessionState.DRAFT and not session.unseen


def plan_public_session(session: Session, show: Show) -> PublicSession:
    """What everybody may see of a session."""
    masker = _masker_of(session)
    return PublicSession(
        **{one.name: getattr(session, one.name) for one in fields(SessionTimes)},
        show=replace(show, title=masker.text(show.title), about=masker.text(show.about)) if masker else show,
        title=masker.text(session.title),
        call=masker.text(session.call),
        participants=tuple(
            replace(one, about=masker.text(one.about))
            if one.named
            else Participant(name=masker.name(one.name), role=one.role)
            for one in session.participants
        ),
        readable=all(one.written for one in session.participants),
        masker=masker,
    )


def plan_public_event(event: Event, sessions: Iterable[Session]) -> PublicEvent:
    """What everybody may see of an event with these sessions and pre-shows, drafts among them."""
    title, about = event.title, event.about
    for masker in map(_masker_of, sessions):
        title, about = masker.text(title), masker.text(about)
    return PublicEvent(
        id=event.id,
        title=title,
        about=about,
        zone=event.zone,
        language=event.language,
        cancelled_at=event.cancelled_at,
    )


def list_unnamed(session: Session) -> tuple[str, ...]:
    """Every name that the public must not read in a session and in what it belongs to."""
    return tuple(dict.fromkeys([*(one.name for one in session.participants if not one.named), *session.unnamed]))


def _masker_of(session: Session) -> Masker:
    unnamed = list_unnamed(session)
    return Masker(session.participants, unnamed, session.language) if unnamed else NOBODY_HIDDEN
