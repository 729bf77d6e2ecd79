"""Likes: which answers are like each other. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamhub.archive.gist import AnswerGist
from streamhub.archive.plan import digest_of

Likes = Mapping[str, tuple[str, ...]]
"""Answer id to ids of its likes, best first."""

RELATED_ANSWERS = 4
_COMMON_SHARE = 0.2
_MOST_HOLDERS = 128
"""Of more answers, a word or a label tells nothing about likeness; and their pairs would be too many to weigh."""

_LABEL_WEIGHT = 2.0
_LEAST_LIKENESS = 1.5
_SCALE = 1 << 10  # likeness is summed in whole numbers, so that every machine comes to the same order
_BLOCK = 512
_WEIGHT_BITS = 20


class _Memory(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a build: digest of what the likes were found from, and the likes."""

    made_from: str
    likes: dict[str, tuple[str, ...]]


def recall_likes(answers: Mapping[str, AnswerGist], memory: bytes, *, code: str) -> tuple[Likes, bytes]:
    """As `relate`, asked again only where the features of an answer have changed.

    Args:
        answers: all of them.
        memory: what this gave the last time; anything else counts as nothing.
        code: digest of the program.

    Returns:
        The likes, and what to hand over the next time; empty where that is what was handed over.
    """
    made_from = digest_of(code, *((key, answer.features) for key, answer in answers.items()))
    try:
        known = msgspec.msgpack.decode(memory, type=_Memory) if memory else None
    except msgspec.MsgspecError:
        known = None
    if known and known.made_from == made_from:
        return known.likes, b""
    likes = relate(answers)
    return likes, msgspec.msgpack.encode(_Memory(made_from, likes))


def relate(answers: Mapping[str, AnswerGist]) -> dict[str, tuple[str, ...]]:
    """The most alike answers: rare common words of questions in one language, topics and products; best first."""
    ids = sorted(answers)
    features = _gather_features(answers)
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for ordinal, answer_id in enumerate(ids):
        for feature in features[answer_id]:
            holders[feature].append(ordinal)
    most = max(8, min(_MOST_HOLDERS, int(_COMMON_SHARE * len(ids))))
    telling = {
        feature: (np.array(found, dtype=np.int64), _weight_of(feature, len(found), len(ids)))
        for feature, found in holders.items()
        if 1 < len(found) <= most
    }
    related: dict[str, tuple[str, ...]] = dict.fromkeys(ids, ())
    for start in range(0, len(ids), _BLOCK):
        block = [[telling[one] for one in features[key] if one in telling] for key in ids[start : start + _BLOCK]]
        for row, others in _rank_block(block, start, len(ids)):
            related[ids[row]] = tuple(ids[other] for other in others)
    return related


def _gather_features(answers: Mapping[str, AnswerGist]) -> dict[str, tuple[str, ...]]:
    """By answer, each text held once: answers are looked at in their order, since few are in memory."""
    names: dict[str, str] = {}
    return {key: tuple(names.setdefault(one, one) for one in answer.features) for key, answer in answers.items()}


def _weight_of(feature: str, count: int, total: int) -> int:
    return round(_SCALE * math.log(1 + total / count) * (_LABEL_WEIGHT if feature.startswith("#") else 1.0))


def _rank_block(
    block: Sequence[Sequence[tuple[NDArray[np.int64], int]]], start: int, total: int
) -> Iterable[tuple[int, list[int]]]:
    """Of a run of answers, each with its telling features' holders and weights: the likest others of each."""
    pieces = [(row, found, weight) for row, own in enumerate(block, start) for found, weight in own]
    if not pieces:
        return
    sizes = [len(found) for _, found, _ in pieces]
    rows = np.repeat(np.array([row - start for row, _, _ in pieces], dtype=np.int64), sizes)
    columns = np.concatenate([found for _, found, _ in pieces])
    weights = np.repeat(np.array([weight for _, _, weight in pieces], dtype=np.int64), sizes)
    keys = np.sort((rows * total + columns) << _WEIGHT_BITS | weights)
    pairs = keys >> _WEIGHT_BITS
    begins = np.flatnonzero(np.diff(pairs, prepend=-1))
    sums = np.add.reduceat(keys & ((1 << _WEIGHT_BITS) - 1), begins)
    rows, columns = pairs[begins] // total, pairs[begins] % total
    good = (sums >= _LEAST_LIKENESS * _SCALE) & (rows + start != columns)
    if not good.any():
        return
    rows, columns, sums = rows[good], columns[good], sums[good]
    order = np.lexsort((columns, -sums, rows))
    rows, columns = rows[order], columns[order]
    firsts = np.flatnonzero(np.diff(rows, prepend=-1))
    for row, first, end in zip(rows[firsts].tolist(), firsts.tolist(), [*firsts[1:].tolist(), len(rows)], strict=True):
        yield start + row, columns[first : min(end, first + RELATED_ANSWERS)].tolist()
