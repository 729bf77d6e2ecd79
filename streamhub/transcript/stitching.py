"""Stitching: the words of pieces that overlap become the words of the recording, none lost and none twice.

Pure. Around each cut both neighbours have heard the same seconds. Where they agree on words, the text changes from one
to the other in the middle of what they agree on; where they agree on nothing, it changes at the cut. Refuses to know
who heard the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from streamhub.text import words_of
from streamhub.timecode import Span
from streamhub.transcript.piece import Piece
from streamhub.transcript.transcript import Word

NEAR_MS = 400
"""Two hearings of one word lie closer together than that."""
_MAX_OVERLAP_WORDS = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class HeardPiece:
    """A piece and its words, in media milliseconds."""

    piece: Piece
    words: tuple[Word, ...]


def stitch(parts: Sequence[HeardPiece]) -> tuple[Word, ...]:
    """The words of all pieces in order; their starts never run backwards."""
    parts = sorted(parts, key=lambda part: part.piece.number)
    begins = [0] * len(parts)
    ends = [len(part.words) for part in parts]
    for index, (left, right) in enumerate(pairwise(parts)):
        ends[index], begins[index + 1] = change(left, right)
    kept = [word for part, begin, end in zip(parts, begins, ends, strict=True) for word in part.words[begin:end]]
    return _forwards(kept)


def change(left: HeardPiece, right: HeardPiece) -> tuple[int, int]:
    """Where the text changes from a piece to the next one.

    Returns:
        How many words the left piece says, and from which word on the right one speaks.
    """
    cut_ms = right.piece.span.start_ms
    if left.piece.span.end_ms != cut_ms:  # a piece between them was skipped: nothing was heard twice
        return len(left.words), 0
    shared = Span(min(right.piece.read.start_ms, cut_ms), max(left.piece.read.end_ms, cut_ms))
    first = next((at for at, word in enumerate(left.words) if word.span.end_ms >= shared.start_ms), len(left.words))
    last = next((at for at, word in enumerate(right.words) if word.span.start_ms > shared.end_ms), len(right.words))
    first, last = max(first, len(left.words) - _MAX_OVERLAP_WORDS), min(last, _MAX_OVERLAP_WORDS)
    agreed = _agreement(left.words[first:], right.words[:last])
    if agreed:
        at, other = _middle_of_best(agreed)
        return first + at + 1, other + 1
    return (
        next((at for at, word in enumerate(left.words) if at >= first and _middle_ms(word) >= cut_ms), len(left.words)),
        next((at for at, word in enumerate(right.words) if _middle_ms(word) >= cut_ms), len(right.words)),
    )


def _agreement(left: Sequence[Word], right: Sequence[Word]) -> list[tuple[int, int]]:
    """The words that both say at about the same time: the best alignment that runs forwards in both.

    The longest common subsequence (https://en.wikipedia.org/wiki/Longest_common_subsequence), each pair weighted by
    how near its times are, so that a word said twice in a row finds itself and not its twin.
    """
    said, also = [_folded(word) for word in left], [_folded(word) for word in right]
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        for j in range(len(right) - 1, -1, -1):
            worth = _nearness(left[i], right[j]) if said[i] == also[j] else 0.0
            paired = worth + best[i + 1][j + 1] if worth > 0 else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            pairs.append((i, j))
            i, j = i + 1, j + 1
    return pairs


def _nearness(one: Word, other: Word) -> float:
    apart_ms = abs(_middle_ms(one) - _middle_ms(other))
    return (1 - apart_ms / NEAR_MS) ** 2 if apart_ms < NEAR_MS else 0.0


def _middle_of_best(pairs: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The middle pair of the longest run in which neither side says anything else."""
    runs: list[list[tuple[int, int]]] = [[]]
    for pair in pairs:
        if runs[-1] and (pair[0] != runs[-1][-1][0] + 1 or pair[1] != runs[-1][-1][1] + 1):
            runs.append([])
        runs[-1].append(pair)
    best = max(runs, key=len)
    return best[len(best) // 2]


def _folded(word: Word) -> str:
    return " ".join(words_of(word.text)) or word.text


def _middle_ms(word: Word) -> int:
    return (word.span.start_ms + word.span.end_ms) // 2


def _forwards(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words; one that begins before the one in front of it begins with it."""
    kept: list[Word] = []
    floor_ms = 0
    for word in words:
        floor_ms = max(floor_ms, word.span.start_ms)
        span = Span(floor_ms, max(floor_ms, word.span.end_ms))
        kept.append(word if span == word.span else replace(word, span=span))
    return tuple(kept)
