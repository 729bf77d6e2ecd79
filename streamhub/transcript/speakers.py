"""Who speaks: turns become names on words, and tracks get the names of people. Pure.

Owns how a cue is parted where the speaker changes, and which name a track has. A voice that nobody named yet has a
label, such as ``Track 2``, until a person names it. Refuses to know how turns were found.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from streamhub.text import fold, words_of
from streamhub.timecode import Span
from streamhub.transcript.rules import interpolate_words
from streamhub.transcript.transcript import Cue, Word

NEAR_MS = 400
"""So far beside a turn a cue may lie: recognisers' times are not exact."""

_LABELS = {"de": ("Spur", "Stimme"), "en": ("Track", "Voice")}
_LABEL = re.compile(r"(?:Spur|Track|Stimme|Voice) \d{1,3}")
_TOLD_APART = re.compile(r"(?:Stimme|Voice) \d{1,3}")
_GENERIC = re.compile(
    r"(?:(?:audio|sound|ton|kanal|channel|mi[ck]|mikro(?:f|ph)?on|microphone|mikro|track|tonspur|spur|stream|desktop|"
    r"aux|stereo|mono|handler|soundhandler|core|media|game|in|out|input|output|line|\d+)[\s_/#:-]*)*"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """Somebody speaks: from a track of his own, or as a machine told the voices apart.

    Attributes:
        speaker: name or label.
        span: on the same clock as the cues.
    """

    speaker: str
    span: Span


@dataclass(frozen=True, slots=True)
class VoiceTurn:
    """A voice speaks that a machine told from the others: its number, from 0, and when, in media milliseconds."""

    voice: int
    span: Span


def track_label(number: int, language: str) -> str:
    """What a track is called while nobody named it; the first one is 1."""
    return f"{_LABELS.get(language, _LABELS['en'])[0]} {number}"


def voice_label(number: int, language: str) -> str:
    """What a voice is called that a machine told from the others; the first one is 1."""
    return f"{_LABELS.get(language, _LABELS['en'])[1]} {number}"


def join_turns(turns: Iterable[VoiceTurn]) -> tuple[VoiceTurn, ...]:
    """The turns in order, their voices numbered by when they are first heard; short pauses of a voice part nothing."""
    ordered = sorted(turns, key=lambda turn: (turn.span.start_ms, turn.span.end_ms))
    numbers: dict[int, int] = {}
    joined: list[VoiceTurn] = []
    last: dict[int, int] = {}  # place of a voice's latest turn
    for turn in ordered:
        voice = numbers.setdefault(turn.voice, len(numbers))
        at = last.get(voice)
        if at is not None and turn.span.start_ms - joined[at].span.end_ms <= NEAR_MS:
            before = joined[at].span
            joined[at] = VoiceTurn(voice, Span(before.start_ms, max(before.end_ms, turn.span.end_ms)))
        else:
            last[voice] = len(joined)
            joined.append(VoiceTurn(voice, turn.span))
    return tuple(joined)


def label_turns(turns: Iterable[VoiceTurn], language: str) -> tuple[Turn, ...]:
    """The turns with labels for voices that nobody named yet."""
    return tuple(Turn(speaker=voice_label(turn.voice + 1, language), span=turn.span) for turn in turns)


def is_label(speaker: str) -> bool:
    """Whether a speaker is a voice that nobody named yet."""
    return _LABEL.fullmatch(speaker) is not None


def remembered_name(label: str, known: Mapping[str, str]) -> str:
    """What hosts called a speaker of that label in the show's other sessions; empty if nothing.

    Voices that a machine told apart are numbered anew in each session, so of them nothing is remembered.
    """
    return "" if _TOLD_APART.fullmatch(label) else known.get(label, "")


def name_track(number: int, title: str, people: Sequence[str], known: Mapping[str, str], *, language: str) -> str:
    """Who speaks on a track: whom its title names, else whom a person once named, else nobody yet.

    Args:
        number: of the track, from 1.
        title: what the file calls it; may be empty.
        people: who takes part.
        known: what a person called a track of an earlier session of the show, by its title or label.
        language: of the label.
    """
    label = track_label(number, language)
    title = " ".join(title.split())
    speaks = bool(title) and not _GENERIC.fullmatch(title.lower())
    if found := find_person(title, people) if speaks else "":
        return found
    before = known.get(title if speaks else label, "")
    if before and (not people or find_person(before, people)):
        return find_person(before, people) or before
    return title if speaks else label


def find_person(text: str, people: Sequence[str]) -> str:
    """The one of these people whom a text names, by the whole name or a part of it; empty unless it is one alone."""
    said = {fold(word) for word in words_of(text)}
    whole = [name for name in people if (parts := {fold(word) for word in words_of(name)}) and parts <= said]
    if len(whole) == 1:
        return whole[0]
    part = [name for name in people if said & {fold(word) for word in words_of(name) if len(word) > 2}]
    return part[0] if len(part) == 1 else ""


def assign_speakers(cues: Iterable[Cue], turns: Sequence[Turn]) -> tuple[Cue, ...]:
    """Name who speaks each unnamed cue; where the speaker changes within one, it is parted there.

    The parts are named ``c5``, ``c5-2`` ... A word or two outside all turns go with their neighbours in the cue; more
    of them are nobody's.
    """
    ordered = sorted(turns, key=lambda turn: turn.span.start_ms)
    starts = [turn.span.start_ms for turn in ordered]
    longest_ms = max((turn.span.duration_ms for turn in ordered), default=0)
    named: list[Cue] = []
    for cue in cues:
        first = bisect_right(starts, cue.span.start_ms - longest_ms - NEAR_MS)
        last = bisect_right(starts, cue.span.end_ms + NEAR_MS)
        near = [turn for turn in ordered[max(0, first - 1) : last] if _distance_ms(turn.span, cue.span) <= NEAR_MS]
        named += [cue] if cue.speaker or not near else _part(cue, near)
    return tuple(named)


def _part(cue: Cue, turns: Sequence[Turn]) -> list[Cue]:
    words = cue.words or interpolate_words(cue.text, cue.span)
    speakers = _steady(words, [_speaker_of(word.span, turns) for word in words])
    runs = [list(run) for _, run in groupby(zip(words, speakers, strict=True), key=lambda pair: pair[1])]
    if len(runs) < 2:
        return [replace(cue, speaker=speakers[0] if speakers else "")]
    parts = []
    for number, run in enumerate(runs, start=1):
        said = tuple(word for word, _ in run)
        start_ms = cue.span.start_ms if number == 1 else said[0].span.start_ms
        end_ms = cue.span.end_ms if number == len(runs) else said[-1].span.end_ms
        parts.append(
            replace(
                cue,
                id=cue.id if number == 1 else f"{cue.id}-{number}",
                span=Span(start_ms, max(start_ms + 1, end_ms)),
                text=" ".join(word.text for word in said),
                speaker=run[0][1],
                words=said if cue.words else (),
            )
        )
    return parts


def _speaker_of(span: Span, turns: Sequence[Turn]) -> str:
    """Who speaks most of a stretch; empty where nobody does."""
    best = max(turns, key=lambda turn: turn.span.overlap_ms(span))
    return best.speaker if best.span.overlap_ms(span) else ""


def _distance_ms(one: Span, other: Span) -> int:
    return max(0, one.start_ms - other.end_ms, other.start_ms - one.end_ms)


def _steady(words: Sequence[Word], speakers: Sequence[str]) -> list[str]:
    """Without flutter: a single word of somebody else, or one or two of nobody, go with their neighbours."""
    runs = [(name, len(list(run))) for name, run in groupby(speakers)]
    steady: list[str] = []
    for place, (name, count) in enumerate(runs):
        beside = [runs[at] for at in (place - 1, place + 1) if 0 <= at < len(runs)]
        alone = beside and len(words) > 2 and count <= (1 if name else 2)
        said_by = max(beside, key=lambda run: (run[1] > 1, bool(run[0]), run[1]))[0] if alone else name
        steady += [said_by] * count
    return steady
