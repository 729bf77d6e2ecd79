"""Signs in words of who speaks: people who introduce themselves, and hosts who hand over. Pure.

Owns the turns of phrase, in German and English. Only people of the list are named, a name that two share names
nobody, and what no sign covers stays unnamed. Refuses to know sound.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from streamhub.schedule.show import Participant, Role
from streamhub.text import fold, words_of
from streamhub.transcript.speakers import find_person, is_label
from streamhub.transcript.transcript import Cue

LONGEST_TURN_MS = 20_000
PAUSE_MS = 1_500
"""Without tracks nobody hears whether somebody else goes on: a turn that words announced ends at such a pause."""

# Patterns are of folded text: small letters, no umlauts.
_TITLE = r"(?:(?:frau|herrn?|die|der|dr\.?|prof(?:\.|essorin|essor)?|mrs?\.?|ms\.?) )*"
_NAME = rf"{_TITLE}([^\W\d_][\w'’-]*(?: [^\W\d_][\w'’-]*)?)"
_MYSELF = re.compile(
    rf"\b(?:mein name ist|ich heisse|hier (?:ist|spricht)|my name is) {_NAME}"
    rf"|\b(?:ich bin|i am|i[’']m) {_NAME}(?=,? (?:aus|vo[nm]|bei|und|from|at|of|and)\b|[.!]?$)"
    rf"|\bthis is {_NAME}(?=,? (?:speaking|from)\b)"
)
_ASKED = (
    "was (?:denken|meinen|sagen) (?:sie|du)|was (?:denkst|meinst|sagst) du|wie (?:sehen sie|siehst du)|"
    "(?:mochten|konnen) sie|bitte|what do you (?:think|say)|how do you see|would you like to|please|go ahead|"
    "over to you"
)
_OVER = re.compile(
    rf"^(?:und |and )?{_NAME},? (?:{_ASKED})\b|\b(?:ich (?:uber)?gebe (?:weiter )?an|das wort hat|over to) {_NAME}"
)
_HOSTING = re.compile(
    r"\b(?:willkommen (?:zu[rm]?|bei)|(?:die|zur|unsere) nachste[nr]? frage|kommen wir zu[rm]?|"
    r"(?:mochte|will|kann) (?:noch )?jemand (?:etwas |noch |dazu )*erganzen|das ist eine (?:sehr )?gute frage|"
    r"bis nachste woche|welcome to|(?:our|the) next question|(?:go|move) on to the next|"
    r"(?:does|would) any(?:one|body) (?:want|like) to add|that is a (?:very )?good question|see you next week)\b"
)


class Sign(StrEnum):
    """What a sentence tells of who speaks."""

    MYSELF = "myself"
    HOSTING = "hosting"
    OVER = "over"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a sentence tells: by which sign, and whom it names; a host's turn of phrase names nobody."""

    sign: Sign
    person: str = ""


def read_sign(text: str, people: Sequence[str]) -> Told | None:
    """What a sentence tells of who speaks; None if nothing."""
    plain = fold(text)
    if match := _MYSELF.search(plain):
        person = find_person(next(part for part in match.groups() if part), people)
        if match[2] and not set(words_of(match[2])) <= set(words_of(person)):
            return None  # "ich bin Peter dankbar"
        return Told(sign=Sign.MYSELF, person=person) if person else None
    if match := _OVER.search(plain):
        person = find_person(next(part for part in match.groups() if part), people)
        return Told(sign=Sign.OVER, person=person)
    return Told(sign=Sign.HOSTING) if _HOSTING.search(plain) else None


def name_by_signs(cues: Sequence[Cue], participants: Sequence[Participant]) -> tuple[Cue, ...]:
    """Name speakers by what is said.

    Where voices were told apart, a label becomes the person whom signs name again and again, and nobody else. Where
    nothing is known of voices, the sentence of a sign gets its speaker, and what follows it until the next sign, a
    pause or a question.
    """
    people = [person.name for person in participants]
    hosts = [person.name for person in participants if person.role is Role.HOST]
    host = hosts[0] if len(hosts) == 1 else ""
    told = [read_sign(cue.text, people) for cue in cues]
    if any(cue.speaker for cue in cues):
        names = _name_labels(cues, told, host)
        return tuple(replace(cue, speaker=names.get(cue.speaker, cue.speaker)) for cue in cues)
    return _name_sentences(cues, told, host)


def _name_labels(cues: Sequence[Cue], told: Sequence[Told | None], host: str) -> dict[str, str]:
    votes: dict[str, Counter[str]] = {}

    def vote(at: int, person: str, weight: int) -> None:
        if at < len(cues) and person and is_label(cues[at].speaker):
            votes.setdefault(cues[at].speaker, Counter())[person] += weight

    for at, sign in enumerate(told):
        if sign is None:
            continue
        if sign.sign is Sign.MYSELF:
            vote(at, sign.person, 3)
        else:
            vote(at, host, 1)
        if sign.sign is Sign.OVER and at + 1 < len(cues) and cues[at + 1].speaker != cues[at].speaker:
            vote(at + 1, sign.person, 2)
    taken = {cue.speaker for cue in cues}
    names: dict[str, str] = {}
    for label, counted in votes.items():
        (person, most), *others = counted.most_common(2)
        rival = max((other[person] for one, other in votes.items() if one != label), default=0)
        if most >= 3 and most >= 2 * max(rival, *(count for _, count in others), 0) and person not in taken:
            names[label] = person
    return names


def _name_sentences(cues: Sequence[Cue], told: Sequence[Told | None], host: str) -> tuple[Cue, ...]:
    named: list[Cue] = []
    speaker, until_ms, announced = "", 0, ""
    for at, (cue, sign) in enumerate(zip(cues, told, strict=True)):
        paused = at > 0 and cue.span.start_ms - cues[at - 1].span.end_ms > PAUSE_MS
        if sign is not None:
            speaker = sign.person if sign.sign is Sign.MYSELF else host
            until_ms = cue.span.start_ms + LONGEST_TURN_MS
        elif announced and not cue.text.rstrip().endswith("?"):
            speaker, until_ms = announced, cue.span.start_ms + LONGEST_TURN_MS
        elif paused or cue.span.start_ms >= until_ms:
            speaker = ""
        named.append(replace(cue, speaker=speaker))
        asks = cue.text.rstrip().endswith("?")
        announced = sign.person if sign is not None and sign.sign is Sign.OVER else ""
        if asks and speaker == host:  # whoever answers is somebody else
            speaker = ""
    return tuple(named)
