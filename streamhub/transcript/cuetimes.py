"""Caption times as the world writes them: what is harmless is settled and said, what is not is refused.

Settled, each with a warning: cues of no length (they share their predecessor's time), small overlaps (the earlier cue
is cut), cues out of order by up to two seconds (sorted), lines that roll over into the next cue (kept once), cues
without text (dropped), two voices in one cue (the time is shared by letters). Overlaps of two named speakers are left
as they are: people do talk at once. Refused: an end before its start, an overlap of more than ten seconds, a cue that
begins more than two seconds before the one above it.

Refuses to know the notation that the times were read from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from streamhub.errors import BadCaptions
from streamhub.timecode import Span, format_ms
from streamhub.transcript.transcript import Cue, Transcript, Word

MAX_OVERLAP_MS = 10_000
MAX_BACKWARDS_MS = 2_000

_CUE_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_UNEVEN = re.compile("  |[\x00-\x1f\x7f\x85\u2028\u2029]")
_SPACES = re.compile(r"[ \t\n\r\f\v\x00-\x1f\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class RawCue:
    """A cue as read.

    Attributes:
        line: where its times stand, for messages.
        start_ms, end_ms: as written, in whatever order.
        voices: pairs of speaker and text.
        id: as written; may be empty.
        words: word times, where the file had them.
        language: in which it is spoken, where the file says so of this cue.
    """

    line: int
    start_ms: int
    end_ms: int
    voices: tuple[tuple[str, str], ...]
    id: str = ""
    words: tuple[Word, ...] = ()
    language: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Captions:
    """A caption file as read, with what had to be settled.

    Attributes:
        transcript: what it says.
        warnings: one sentence per kind of repair, with the first place and the count.
    """

    transcript: Transcript
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """Cues in order, and what was repaired on the way."""

    cues: tuple[Cue, ...]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Piece:
    """A cue while its times are being settled."""

    line: int
    start_ms: int
    end_ms: int
    speaker: str
    text: str
    id: str
    words: tuple[Word, ...] = ()
    language: str = ""


@dataclass(slots=True)
class _Warnings:
    source: str
    first: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, line: int) -> None:
        self.first.setdefault(kind, line)
        self.counts[kind] += 1

    def sentences(self) -> tuple[str, ...]:
        return tuple(
            f"{self.source}:{self.first[kind]}: {kind}" + (f" (and {count - 1} more)" if count > 1 else "")
            for kind, count in self.counts.items()
        )


def squeeze(text: str) -> str:
    """One line without doubled spaces; no-break spaces stay."""
    return (_SPACES.sub(" ", text) if _UNEVEN.search(text) else text).strip(" ")


def settle_cues(raw: Sequence[RawCue], source: str) -> Settled:
    """Put cues in order.

    Raises:
        BadCaptions: times that make no sense; with file, line and reason.
    """
    warnings = _Warnings(source)
    pieces = _in_order(_pieces(raw, source, warnings), source, warnings)
    groups = _together(pieces, warnings)
    for group, following in zip_longest(groups, groups[1:]):
        _share_time(group, following[0].start_ms if following else None)
    pieces = [piece for group in groups for piece in group]
    _cut_overlaps(pieces, source, warnings)
    ids = _ids([piece.id for piece in pieces])
    cues = tuple(
        Cue(
            id=cue_id,
            span=Span(p.start_ms, p.end_ms),
            text=p.text,
            speaker=p.speaker,
            words=p.words,
            language=p.language,
        )
        for cue_id, p in zip(ids, pieces, strict=True)
    )
    return Settled(cues=cues, warnings=warnings.sentences())


def _pieces(raw: Sequence[RawCue], source: str, warnings: _Warnings) -> list[_Piece]:
    pieces = []
    for cue in raw:
        if cue.end_ms < cue.start_ms:
            raise BadCaptions(
                f"{source}:{cue.line}: ends at {format_ms(cue.end_ms)}, before its start {format_ms(cue.start_ms)}",
                hint="correct the time in the file",
            )
        if not cue.voices:
            warnings.add("a cue without text was dropped", cue.line)
        if len(cue.voices) > 1:
            warnings.add("two voices in one cue, its time was shared by letters", cue.line)
        letters = sum(len(text) for _, text in cue.voices)
        done = 0
        for number, (speaker, text) in enumerate(cue.voices):
            start_ms = cue.start_ms + (cue.end_ms - cue.start_ms) * done // letters
            done += len(text)
            end_ms = cue.start_ms + (cue.end_ms - cue.start_ms) * done // letters
            words = cue.words if len(cue.voices) == 1 else ()
            cue_id = "" if number else cue.id
            pieces.append(_Piece(cue.line, start_ms, end_ms, speaker, text, cue_id, words, cue.language))
    return pieces


def _in_order(pieces: Sequence[_Piece], source: str, warnings: _Warnings) -> list[_Piece]:
    latest_ms = 0
    for piece in pieces:
        if piece.start_ms < latest_ms - MAX_BACKWARDS_MS:
            raise BadCaptions(
                f"{source}:{piece.line}: begins at {format_ms(piece.start_ms)}, but the cues before it have reached "
                f"{format_ms(latest_ms)}: the captions run backwards",
                hint="sort the file by time, or split it into one file per part",
            )
        if piece.start_ms < latest_ms:
            warnings.add("out of order by less than two seconds, sorted", piece.line)
        latest_ms = max(latest_ms, piece.start_ms)
    return sorted(pieces, key=lambda piece: piece.start_ms)


def _together(pieces: Sequence[_Piece], warnings: _Warnings) -> list[list[_Piece]]:
    """Group cues that must share one stretch: those of no length, and those that begin together."""
    groups: list[list[_Piece]] = []
    for piece in pieces:
        first = groups[-1][0] if groups else None
        no_length = piece.end_ms == piece.start_ms
        if no_length:
            warnings.add("a cue of no length, it shares the time of its neighbour", piece.line)
        if first and no_length and piece.start_ms <= first.end_ms:
            groups[-1].append(piece)
        elif first and piece.start_ms == first.start_ms and not _two_people(first, piece):
            warnings.add("begins together with the cue before it, the time was shared by letters", piece.line)
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def _two_people(one: _Piece, other: _Piece) -> bool:
    return bool(one.speaker and other.speaker) and one.speaker != other.speaker


def _share_time(group: Sequence[_Piece], next_start_ms: int | None) -> None:
    start_ms = group[0].start_ms
    end_ms = max(start_ms + len(group), *(piece.end_ms for piece in group))
    if len(group) == 1:
        group[0].end_ms = end_ms
        return
    if next_start_ms is not None and next_start_ms >= start_ms + len(group):
        end_ms = min(end_ms, next_start_ms)
    letters = sum(len(piece.text) for piece in group)
    spare_ms = end_ms - start_ms - len(group)  # everybody has a millisecond for certain
    done = 0
    for number, piece in enumerate(group):
        piece.start_ms = start_ms + number + spare_ms * done // letters
        done += len(piece.text)
        piece.end_ms = start_ms + number + 1 + spare_ms * done // letters
        piece.words = ()


def _cut_overlaps(pieces: Sequence[_Piece], source: str, warnings: _Warnings) -> None:
    """Cut earlier cues where the next of the same (or an unknown) speaker begins; drops nothing."""
    for earlier, later in pairwise(pieces):
        later.start_ms = max(later.start_ms, earlier.start_ms)
        overlap_ms = earlier.end_ms - later.start_ms
        if overlap_ms > 0 and not _two_people(earlier, later):
            if overlap_ms > MAX_OVERLAP_MS:
                raise BadCaptions(
                    f"{source}:{later.line}: overlaps the cue before it by {overlap_ms / 1000:g} s",
                    hint="correct the times in the file",
                )
            warnings.add("overlaps the cue before it, which was cut", later.line)
            later.start_ms = max(later.start_ms, earlier.start_ms + 1)
            earlier.end_ms = later.start_ms
            earlier.words = tuple(word for word in earlier.words if word.span.end_ms <= later.start_ms)
        later.end_ms = max(later.end_ms, later.start_ms + 1)


def _ids(given: Sequence[str]) -> list[str]:
    """Ids as given where they are usable and unique; a bare number gets a ``c`` before it; else the next free one."""
    wanted = [f"c{int(one)}" if one.isascii() and one.isdigit() else one for one in given]
    counts = Counter(wanted)
    taken = {one for one in wanted if counts[one] == 1 and _CUE_ID.fullmatch(one)}
    ids = []
    number = 0
    for one in wanted:
        if one not in taken:
            number += 1
            while f"c{number}" in taken:
                number += 1
            one = f"c{number}"
        ids.append(one)
    return ids
