"""The noun of agreement: what an invited person says himself about what may be done with his contributions. Pure.

A voice is found by the person, never by the name alone: two guests of one name speak for themselves. What a host notes
on the review page is `streamhub.answers.consent`; what a person says behind his own link stands here, and only he
changes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from streamhub.schedule.invitation import PUBLISHING, ConsentWord, Purpose
from streamhub.text import words_of

_TITLES = frozenset(
    {"dipl", "dr", "frau", "herr", "herrn", "miss", "mr", "mrs", "ms", "prof", "professor", "professorin"}
    | {"c", "h", "habil", "ing", "jur", "med", "nat", "phil", "rer"}
)


def person_key(name: str) -> str:
    """The same for every way to write a name."""
    return " ".join(words_of(name))


def bare_key(name: str) -> str:
    """The same for a name with and without the titles before it; a name of titles alone keeps its last word."""
    words = words_of(name)
    while len(words) > 1 and words[0] in _TITLES:
        del words[0]
    return " ".join(words)


@dataclass(frozen=True, kw_only=True, slots=True)
class Voice:
    """An invited person in a session.

    Attributes:
        person_id: who.
        name: the person's own.
        shown_as: the name in this session; another one than his own where two guests share that.
        asked: whether the invitation stands; who is not asked any more is silent for no reason.
        words: what he said, by purpose.
    """

    person_id: str
    name: str
    shown_as: str
    asked: bool = True
    words: Mapping[Purpose, ConsentWord] = field(default_factory=dict)

    def says(self, purpose: Purpose) -> bool | None:
        """What he said about a purpose; None for nothing."""
        word = self.words.get(purpose)
        return None if word is None else word.given

    def lacks(self, purpose: Purpose, *, needed: bool) -> bool:
        """Whether something must not be done: he said no or, where consent is needed and he is asked, nothing."""
        said = self.says(purpose)
        return needed and self.asked if said is None else not said

    @property
    def publishing(self) -> bool | None:
        """Whether what he says may be published: a single no forbids it; None where he has not said it all."""
        said = [self.says(one) for one in PUBLISHING]
        if False in said:
            return False
        return None if None in said else True

    @property
    def silent(self) -> tuple[Purpose, ...]:
        """What he has said nothing about."""
        return tuple(one for one in Purpose if one not in self.words)

    @property
    def refused(self) -> tuple[Purpose, ...]:
        """What he said no to."""
        return tuple(one for one in Purpose if self.says(one) is False)


def find_voices(name: str, voices: Iterable[Voice]) -> tuple[Voice, ...]:
    """Whom a name may mean; several where two guests share it and nothing tells them apart.

    A title or the like beside the name changes nobody.
    """
    key, known = person_key(name), list(voices)
    if not any(person_key(voice.name) == key for voice in known):
        shown = tuple(voice for voice in known if person_key(voice.shown_as) == key)
        if shown:
            return shown
    return tuple(voice for voice in known if is_within(bare_key(voice.name), key))


def is_within(part: str, key: str) -> bool:
    """Whether the words of one name stand in another one."""
    return bool(part) and f" {part} " in f" {key} "


def list_lacking(
    voices: Iterable[Voice], purpose: Purpose, *, needed: bool, names: Iterable[str] = ()
) -> tuple[str, ...]:
    """Every name under which somebody may stand with whom something must not be done.

    Args:
        voices: who is asked.
        purpose: what is to be done.
        needed: whether silence is a no.
        names: under which somebody stands already; those that mean one of these people are among the result.
    """
    known = list(voices)
    lacking = [voice for voice in known if voice.lacks(purpose, needed=needed)]
    found = [name for voice in lacking for name in (voice.shown_as, voice.name)]
    found += [name for name in names if any(one.lacks(purpose, needed=needed) for one in find_voices(name, known))]
    return tuple(dict.fromkeys(found))


def plan_shown(people: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """Names that tell the people of a session apart.

    Args:
        people: id, name and organisation of each, in the order in which they were asked.

    Returns:
        By id his name; where two share one, with the organisation, or with a number where that does not help.
    """
    alike: dict[str, list[tuple[str, str, str]]] = {}
    for person in people:
        alike.setdefault(person_key(person[1]), []).append(person)
    shown: dict[str, str] = {}
    for group in alike.values():
        marks = [organisation.strip() for _, _, organisation in group]
        counted = Counter(map(person_key, marks))
        for number, ((person_id, name, _), mark) in enumerate(zip(group, marks, strict=True), 1):
            told_apart = mark and counted[person_key(mark)] == 1
            shown[person_id] = name if len(group) == 1 else f"{name} ({mark if told_apart else number})"
    return shown
