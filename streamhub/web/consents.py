"""Consent in the run of show: what each person on camera agrees to, what is missing, what speaks against going live.

Of people without an invitation the hub knows nothing: hosts ask them aloud and note it after the session. Reads and
words only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlite_utils import Database

from streamhub.errors import NoConsent
from streamhub.schedule.agreement import Voice, find_voices
from streamhub.schedule.invitation import Purpose
from streamhub.schedule.show import Role, Session
from streamhub.store.agreements import list_voices
from streamhub.store.people import list_people
from streamhub.store.techchecks import TechCheck, list_checks
from streamhub.web.views import Json

AGAIN_WITHIN = timedelta(hours=24)
"""So long before the start the question is asked again, at the door of the studio."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentLine:
    """One person of a session.

    Attributes:
        name, role: as in the session.
        voice: what he said behind his link; None for somebody who was not invited.
        again: whether he was asked again before going live, and answered all of it.
        check: what he told of his camera, microphone and line; None for nothing.
        question: what a customer wants to ask; may be empty.
    """

    name: str
    role: Role
    voice: Voice | None
    again: bool
    check: TechCheck | None = None
    question: str = ""

    @property
    def refused(self) -> tuple[Purpose, ...]:
        """What he said no to."""
        return self.voice.refused if self.voice else ()

    @property
    def silent(self) -> tuple[Purpose, ...]:
        """What he said nothing about."""
        return self.voice.silent if self.voice else ()

    @property
    def not_live(self) -> bool:
        """Whether somebody who was asked did not agree to be broadcast live."""
        return self.voice is not None and self.voice.says(Purpose.LIVE) is not True


def read_consents(db: Database, session: Session) -> list[ConsentLine]:
    """Everybody in a session with what he said."""
    voices, checks = list_voices(db, session.id), list_checks(db)
    questions = {one.id: one.question for one in list_people(db, role=Role.CUSTOMER)}
    lines = []
    for one in session.participants:
        voice = _choose_voice(find_voices(one.name, voices))
        check = checks.get(voice.person_id) if voice else None
        again = is_asked_again(voice, session)
        question = questions.get(voice.person_id, "") if voice and one.role is Role.CUSTOMER else ""
        lines.append(
            ConsentLine(name=one.name, role=one.role, voice=voice, again=again, check=check, question=question)
        )
    return lines


def _choose_voice(voices: Iterable[Voice]) -> Voice | None:
    """Of those whom a name may mean: who refuses to be live, else who is asked now."""
    return min(voices, key=lambda one: (one.says(Purpose.LIVE) is not False, not one.asked), default=None)


def is_asked_again(voice: Voice | None, session: Session) -> bool:
    """Whether somebody answered everything again shortly before a session."""
    since = session.starts_at - AGAIN_WITHIN
    words = voice.words.values() if voice else ()
    return len(words) == len(Purpose) and all(word.again_at is not None and word.again_at >= since for word in words)


def require_live(lines: Sequence[ConsentLine]) -> None:
    """Insist that everybody who was asked agrees to be broadcast live.

    Raises:
        NoConsent: somebody does not.
    """
    if names := tuple(one.name for one in lines if one.not_live):
        raise NoConsent(
            f"live: {', '.join(names)} did not agree to be broadcast live",
            hint="ask, or go live anyway: send `anyway` with the step",
            names=names,
        )


def consents_state(lines: Sequence[ConsentLine]) -> list[Json]:
    """What changes of it, for the hosts' channel."""
    return [
        {
            "refused": list(one.refused),
            "silent": list(one.silent),
            "again": one.again,
            "check": one.check.verdict.value if one.check else "",
        }
        for one in lines
    ]
