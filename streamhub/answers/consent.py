"""The noun of consent: whether a person agrees that what she says in an answer is published. Pure.

Hosts note it here; a word about one answer counts more than one about the whole session. What a person said behind her
own link (`streamhub.schedule.agreement`) counts beside it, and a no of either side is a no. Nobody's silence is a yes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from streamhub.schedule.agreement import Voice, find_voices, person_key


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


def find_word(name: str, answer_id: str, consents: Iterable[Consent]) -> Consent | None:
    """What a person said about an answer, or else about the session; None for nothing."""
    mine = [one for one in consents if person_key(one.name) == person_key(name)]
    own = next((one for one in mine if one.answer_id == answer_id), None)
    return own or next((one for one in mine if not one.answer_id), None)


def decide_word(name: str, answer_id: str, consents: Iterable[Consent], voices: Iterable[Voice]) -> bool | None:
    """Whether the person behind a name agrees to an answer; None where nobody said so.

    A name that two guests share agrees only if both do, or if a host noted it for this very answer.
    """
    noted, mine = find_word(name, answer_id, consents), find_voices(name, voices)
    own = [voice.publishing for voice in mine]
    if False in own or (noted is not None and not noted.given):
        return False
    if noted is not None and (len(mine) < 2 or noted.answer_id):
        return True
    return True if own and None not in own else None


def list_missing(
    names: Iterable[str],
    answer_id: str,
    consents: Iterable[Consent],
    *,
    needed: bool,
    voices: Iterable[Voice] = (),
) -> tuple[str, ...]:
    """Who keeps an answer from being published: who said no and, where consent is needed, who said nothing."""
    said, known = list(consents), list(voices)
    found = ((name, decide_word(name, answer_id, said, known)) for name in names)
    return tuple(name for name, word in found if (needed if word is None else not word))
