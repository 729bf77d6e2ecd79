"""The noun of masks: how somebody is shown who does not want to be named, and how his name leaves a text. Pure.

The role stands in the name's place. A text loses the whole name, with or without its titles, and the surname after a
form of address; a first name alone stays, because it may be anybody's. What is heard in a recording is heard: who wants
none of that refuses the recording.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from streamhub.schedule.agreement import bare_key, is_within, person_key
from streamhub.schedule.show import Participant, Role

_WORDS: Mapping[str, Mapping[Role | None, str]] = MappingProxyType(
    {
        "de": {
            Role.HOST: "Moderation",
            Role.EXPERT: "Fachperson",
            Role.CUSTOMER: "Kundin oder Kunde",
            Role.SUPER_USER: "Super-User",
            None: "Gast",
        },
        "en": {
            Role.HOST: "Host",
            Role.EXPERT: "Expert",
            Role.CUSTOMER: "Customer",
            Role.SUPER_USER: "Super-user",
            None: "Guest",
        },
    }
)
_MASK = re.compile(
    "(?:"
    + "|".join(sorted({re.escape(word) for words in _WORDS.values() for word in words.values()}))
    + r")(?: \d{1,3})?"
)
_TITLE = r"(?:Frau|Herrn?|Dr\.?(?:-Ing\.)?|Prof\.?|Professor(?:in)?|Dipl\.-Ing\.|Mrs?\.?|Ms\.?|Miss)"
_ADDRESS = rf"{_TITLE}\s+(?:(?:{_TITLE}|(?:med|phil|rer|nat|jur|h|c)\.)\s+)*"
_TITLES = re.compile(_ADDRESS, re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\([^)]*\)")


def is_mask(name: str) -> bool:
    """Whether this stands in the place of a name."""
    return _MASK.fullmatch(name) is not None


def plan_masks(participants: Iterable[Participant], unnamed: Collection[str], language: str) -> dict[str, str]:
    """What is shown in the place of each name that must not be shown; two of one role get numbers.

    A name that stands in a longer one, as with a title, is the same person's.
    """
    if not unnamed:
        return {}
    words = _WORDS.get(language, _WORDS["en"])
    roles = {person_key(one.name): one.role for one in participants}
    people = {name: min((one for one in unnamed if _is_same(one, name)), key=len) for name in unnamed}
    chosen = {name: words[_role_of(name, roles)] for name in dict.fromkeys(people.values())}
    counts, numbers, masks = Counter(chosen.values()), Counter[str](), {}
    for name, word in chosen.items():
        numbers[word] += 1
        masks[name] = word if counts[word] == 1 else f"{word} {numbers[word]}"
    return {name: masks[shortest] for name, shortest in people.items()}


def _is_same(one: str, other: str) -> bool:
    """Whether a name stands in another one, as with a title: then it is one person's."""
    return is_within(bare_key(one), person_key(other))


def _bare(name: str) -> str:
    """A name without what is in brackets and without the titles before it."""
    name = _IN_BRACKETS.sub(" ", name).strip()
    titles = _TITLES.match(name)
    return name[titles.end() :] if titles else name


def _role_of(name: str, roles: Mapping[str, Role]) -> Role | None:
    """The role of somebody; of a name that two share, the first one's."""
    bare = person_key(_bare(name))
    alike = (role for known, role in roles.items() if is_within(bare, known))
    return roles.get(person_key(name)) or next(alike, None)


def make_masker(masks: Mapping[str, str]) -> Callable[[str], str]:
    """A function that puts the masks into a text."""
    found: dict[str, str] = {}
    patterns = []
    for number, (name, mask) in enumerate(sorted(masks.items(), key=lambda pair: -len(pair[0]))):
        words = [re.escape(word) for word in _bare(name).split()]
        if not words:
            continue
        group = f"m{number}"
        found[group] = mask
        whole = rf"(?:{_ADDRESS})?" + r"\s+".join(words)
        address = rf"|{_ADDRESS}{words[-1]}" if len(words) > 1 else ""
        patterns.append(rf"(?P<{group}>(?<!\w)(?:{whole}{address})(?:['’]?s)?(?!\w))")
    if not patterns:
        return lambda text: text
    pattern = re.compile("|".join(patterns), re.IGNORECASE)
    return lambda text: pattern.sub(lambda match: found[match.lastgroup or ""], text)


class Masker:
    """Puts roles in the place of the names that must not be shown; without any, everything stays as it is.

    Args:
        participants: the people among whom they are; who may be named keeps a name that is his alone.
        unnamed: every name that must not be shown.
        language: of the words that stand in their place.
    """

    def __init__(
        self, participants: Iterable[Participant] = (), unnamed: Collection[str] = (), language: str = "de"
    ) -> None:
        people = tuple(participants)
        masks = plan_masks(people, unnamed, language)
        self._masks = masks
        self._exactly = {person_key(name): mask for name, mask in masks.items()}
        self._bare = {bare_key(_bare(name)): mask for name, mask in masks.items()}
        self._named = {person_key(one.name) for one in people if bare_key(one.name) not in self._bare}
        self._clean = make_masker(masks)

    def __eq__(self, other: object) -> bool:
        """Whether both hide the same names in the same way."""
        return isinstance(other, Masker) and (self._masks, self._named) == (other._masks, other._named)

    def __hash__(self) -> int:
        """Equal for equal ones."""
        return hash(frozenset(self._masks.items()))

    def __bool__(self) -> bool:
        """Whether there is any name to hide."""
        return bool(self._exactly)

    def hides(self, name: str) -> bool:
        """Whether a name that somebody bears must not be shown."""
        return self.name(name) != name

    def name(self, name: str) -> str:
        """The name that somebody bears as it is shown: the role's word, or what it is."""
        if not self._exactly:
            return name
        key = person_key(name)
        if key in self._exactly:
            return self._exactly[key]
        if key in self._named:
            return name
        return next((mask for known, mask in self._bare.items() if is_within(known, key)), name)

    def text(self, text: str) -> str:
        """A text with the masks in it."""
        return self._clean(text)


NOBODY_HIDDEN = Masker()
"""Changes nothing."""
