"""The nouns of scheduling: show, session, participant.

Owns what a show and a session are. Refuses to know how they are stored, shown or broadcast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from streamhub.errors import BadInput
from streamhub.text import require_language, require_slug
from streamhub.timecode import require_utc, require_zone

LOCAL = "local"
"""The platform that every hub has: itself."""


class SessionState(StrEnum):
    """Where a session is in its life; the order is that of `streamhub.schedule.rules.NEXT_STATES`."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    OPEN = "open"
    REHEARSAL = "rehearsal"
    LIVE = "live"
    ENDED = "ended"
    PROCESSING = "processing"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    CANCELLED = "cancelled"
    MOVED = "moved"


class Role(StrEnum):
    """What somebody is in a session; a producer works behind the camera."""

    HOST = "host"
    EXPERT = "expert"
    CUSTOMER = "customer"
    SUPER_USER = "super_user"
    PRODUCER = "producer"

    @property
    def on_air(self) -> bool:
        """Whether he is seen or heard; nobody else is among a session's participants, or known to the public."""
        return self is not Role.PRODUCER


ON_AIR: tuple[Role, ...] = tuple(role for role in Role if role.on_air)
"""What a participant can be."""


class Moderation(StrEnum):
    """When a person looks at a question: before others see it, afterwards, or never."""

    BEFORE = "before"
    AFTER = "after"
    NONE = "none"


class Publishing(StrEnum):
    """What publishing an answer needs: a person's decision, that and the consent of all who speak in it, or nothing."""

    REVIEW = "review"
    CONSENT = "consent"
    AUTO = "auto"


class Privacy(StrEnum):
    """Who finds the show's broadcasts on a platform: everybody, whoever has the address, or nobody else."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"


@dataclass(frozen=True, kw_only=True, slots=True)
class Participant:
    """A person in a session.

    Attributes:
        name: as shown and as spoken.
        role: what the person does in the session, on air.
        about: one line under the name (post, company, product); may be empty.
        named: whether the public may see the name; what hosts see is not touched by it.
        written: whether the public may read his words while the session runs.
    """

    name: str
    role: Role
    about: str = ""
    named: bool = True
    written: bool = True

    def __post_init__(self) -> None:
        if not self.role.on_air:
            raise BadInput(
                "participant: a producer is not on air and stands on no public page",
                hint=f"invite producers on the page of invitations; use one of {', '.join(ON_AIR)} here",
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Show:
    """A programme: one-off or a series.

    Attributes:
        id: slug, unique in the hub, part of every address.
        title: as shown.
        language: ``de`` or ``en``, the default of its sessions.
        about: one paragraph, plain text; may be empty.
        moderation: when questions are looked at.
        publishing: what publishing its answers needs.
        platform: where viewers watch beside the hub: ``local`` (the hub alone) or a platform's name.
        privacy: who finds its broadcasts on the platform.
        direct: whether the encoder pushes straight to the platform, so that the hub gets the recording later.
        carries_over: whether questions that are left open at the end move to the show's next session by themselves.
    """

    id: str
    title: str
    language: str = "de"
    about: str = ""
    moderation: Moderation = Moderation.AFTER
    publishing: Publishing = Publishing.REVIEW
    platform: str = LOCAL
    privacy: Privacy = Privacy.UNLISTED
    direct: bool = False
    carries_over: bool = True

    def __post_init__(self) -> None:
        require_slug(self.id, what="show id")
        require_language(self.language, what=f"show {self.id}")
        if not self.title.strip():
            raise BadInput(f"show {self.id}: empty title", hint="give the show a title")
        require_slug(self.platform, what=f"platform of show {self.id}")
        if self.direct and self.platform == LOCAL:
            raise BadInput(f"show {self.id}: no platform to stream to directly", hint="choose a platform first")


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionTimes:
    """What of a session nobody has to hide: where it belongs, when it is, and where it is in its life.

    Attributes:
        id: ``<yyyy-mm-dd>-<slug>``, unique in the hub.
        show_id: the show it belongs to.
        starts_at: planned start, UTC.
        zone: IANA name of the host's time zone.
        language: ``de`` or ``en``.
        planned_minutes: planned length.
        state: where it is in its life.
        started_at: when it went live, UTC: zero of the session clock; None before.
        ended_at: when it ended, UTC; None before.
        call_until: until when questions are taken before the broadcast, UTC; None: until its end.
        unseen: whether it was called off as a draft, so that the public never knew of it.
    """

    id: str
    show_id: str
    starts_at: datetime
    zone: str = "Europe/Berlin"
    language: str = "de"
    planned_minutes: int = 60
    state: SessionState = SessionState.DRAFT
    started_at: datetime | None = None
    ended_at: datetime | None = None
    call_until: datetime | None = None
    unseen: bool = False

    def __post_init__(self) -> None:
        require_slug(self.id, what="session id")
        require_slug(self.show_id, what="show id")
        require_language(self.language, what=f"session {self.id}")
        require_utc(self.starts_at)
        if not 1 <= self.planned_minutes <= 24 * 60:
            raise BadInput(f"session {self.id}: {self.planned_minutes} minutes planned", hint="plan 1 to 1440 minutes")
        require_zone(self.zone, what=f"session {self.id}")
        if self.call_until is not None:
            require_utc(self.call_until)

    @property
    def ends_at(self) -> datetime:
        """When it is planned to end, UTC."""
        return self.starts_at + timedelta(minutes=self.planned_minutes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Session(SessionTimes):
    """One live broadcast of a show, with one permanent address before, during and after it, as hosts know it.

    Everybody else gets a `streamhub.schedule.public.PublicSession`.

    Attributes:
        title: as hosts wrote it.
        participants: the people in it, host first.
        call: what people are asked to send in beforehand, plain text; empty: nothing in particular.
        unnamed: every name of people, in it or only asked into it, that the public must not read.
    """

    title: str
    participants: tuple[Participant, ...] = ()
    call: str = ""
    unnamed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        SessionTimes.__post_init__(self)
        if not self.title.strip():
            raise BadInput(f"session {self.id}: empty title", hint="give the session a title")

    def with_state(self, state: SessionState) -> Session:
        """The same session in another state; says nothing about whether the step is allowed."""
        return replace(self, state=state)
