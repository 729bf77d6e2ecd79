"""The noun of masks: how somebody is shown who does not want to be named, and how his name leaves a text. Pure.

The role stands in the name's place. A text loses the whole name, and the surname after a form of address; a first name
alone stays, because it may be anybody's. What is heard in a recording is heard: who wants none of that refuses the
recording.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from streamhub.schedule.agreement import is_within, person_key
from streamhub.schedule.event import Event
from streamhub.schedule.show import Participant, Role, Session

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
_ADDRESS = r"(?:Frau|Herrn?|Dr\.?|Prof\.?|Mrs?\.?|Ms\.?|Miss)"
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
    return is_within(person_key(one), person_key(other))


def _bare(name: str) -> str:
    return _IN_BRACKETS.sub(" ", name).strip()


def _role_of(name: str, roles: Mapping[str, Role]) -> Role | None:
    """The role of somebody; of a name that two share, the first one's."""
    bare = person_key(_bare(name))
    alike = (role for known, role in roles.items() if is_within(bare, known))
    return roles.get(person_key(name)) or next(alike, None)


def mask_name(name: str, masks: Mapping[str, str]) -> str:
    """A name as it is shown."""
    key = person_key(name)
    return next((mask for known, mask in masks.items() if person_key(known) == key), name)


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
        whole = r"\s+".join(words)
        address = rf"|(?<!\w){_ADDRESS}\s+(?:{_ADDRESS}\s+)*{words[-1]}" if len(words) > 1 else ""
        patterns.append(rf"(?P<{group}>(?:(?<!\w){whole}{address})(?:['’]?s)?(?!\w))")
    if not patterns:
        return lambda text: text
    pattern = re.compile("|".join(patterns), re.IGNORECASE)
    return lambda text: pattern.sub(lambda match: found[match.lastgroup or ""], text)


def mask_session(session: Session) -> Session:
    """A session as the public may see it: who does not want to be named is shown by role alone."""
    masks = plan_session_masks(session)
    if not masks:
        return session
    clean = make_masker(masks)
    return replace(
        session,
        title=clean(session.title),
        call=clean(session.call),
        unnamed=(),
        participants=tuple(
            one if one.named else Participant(name=mask_name(one.name, masks), role=one.role, written=one.written)
            for one in session.participants
        ),
    )


def mask_event(event: Event, sessions: Iterable[Session]) -> Event:
    """An event as the public may see it, by what those say who are asked into its sessions."""
    for session in sessions:
        if masks := plan_session_masks(session):
            clean = make_masker(masks)
            event = replace(event, title=clean(event.title), about=clean(event.about))
    return event


def plan_session_masks(session: Session) -> dict[str, str]:
    """What is shown in the place of each name that the public must not read; empty where it may read all."""
    unnamed = [*(one.name for one in session.participants if not one.named), *session.unnamed]
    return plan_masks(session.participants, tuple(dict.fromkeys(unnamed)), session.language)
