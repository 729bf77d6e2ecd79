"""The noun of consent: whether a person agrees that what she says in an answer is published. Pure.

A word about one answer counts more than one about the whole session. Nobody's silence is a yes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from streamhub.text import words_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """What a person said.

    Attributes:
        name: the person, as named in the session.
        answer_id: the answer that it is about; empty for all answers of the session.
        given: whether it is a yes.
        at: when it was noted, UTC.
        author: who noted it.
    """

    name: str
    answer_id: str
    given: bool
    at: datetime
    author: str


def person_key(name: str) -> str:
    """The same for every way to write a name."""
    return " ".join(words_of(name))


def find_word(name: str, answer_id: str, consents: Iterable[Consent]) -> Consent | None:
    """What a person said about an answer, or else about the session; None for nothing."""
    mine = [one for one in consents if person_key(one.name) == person_key(name)]
    own = next((one for one in mine if one.answer_id == answer_id), None)
    return own or next((one for one in mine if not one.answer_id), None)


def list_missing(names: Iterable[str], answer_id: str, consents: Iterable[Consent], *, needed: bool) -> tuple[str, ...]:
    """Who keeps an answer from being published: who said no and, where consent is needed, who said nothing."""
    said = list(consents)
    found = ((name, find_word(name, answer_id, said)) for name in names)
    return tuple(name for name, word in found if (needed if word is None else not word.given))
