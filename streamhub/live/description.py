"""The text that stands under a session's broadcast on a platform, in the session's language.

Pure. The platform's brand adds its own marker; what follows a session (chapters) has a block of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import Participant, Role

_NAMED = frozenset({Role.HOST, Role.EXPERT, Role.SUPER_USER})  # customers are named by their own consent only
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "de": {"ask": "Fragen stellen, vorher und während der Sendung:", "with": "Mit"},
        "en": {"ask": "Ask your question, before and during the show:", "with": "With"},
    }
)


def describe_session(session: PublicSession, *, page_url: str) -> str:
    """Where to ask, what the show is about, and who is in it.

    Args:
        session: the session.
        page_url: the session's public address; empty: the hub has none that the public can reach.
    """
    words = _WORDS[session.language]
    parts = [f"{words['ask']} {page_url}" if page_url else "", session.show.about.strip()]
    people = [_named(person) for person in session.participants if person.role in _NAMED]
    parts.append(f"{words['with']} {', '.join(people)}" if people else "")
    return "\n\n".join(part for part in parts if part)


def _named(person: Participant) -> str:
    return f"{person.name} ({person.about})" if person.about else person.name
