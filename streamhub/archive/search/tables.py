"""The binary form of the index, made for many terms at once.

The same bytes as `streamhub.archive.search.codec` makes one by one (a test holds them equal), by arrays. Owns encoding
only; refuses to know where the numbers come from.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from streamhub.archive.search.codec import IMPACT_BITS, encode_varint

Numbers = npt.NDArray[np.int64]

_SMALL_END = 1 << 14
_SMALL = tuple(map(encode_varint, range(_SMALL_END)))
_LAST = "\U0010ffff"


def encode_many_postings(starts: Numbers, ordinals: Numbers, impacts: Numbers) -> tuple[bytes, Numbers]:
    """Encode the postings of several terms.

    Args:
        starts: where each term's postings begin in the other two; rising, the first is 0.
        ordinals: rising within a term.
        impacts: 1 to 15.

    Returns:
        All bytes, and where each term's begin in them, with the end of the last one.
    """
    if not len(ordinals):
        return b"", np.zeros(1, dtype=np.int64)
    gaps = np.diff(ordinals, prepend=0)
    gaps[starts] = ordinals[starts]
    values = gaps << IMPACT_BITS | impacts
    sizes = np.ones(len(values), dtype=np.int64)
    for bits in range(7, 49, 7):
        sizes += values >= 1 << bits
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), dtype=np.uint8)
    at = ends - sizes
    for n in range(int(sizes.max())):
        longer = sizes > n
        more = sizes[longer] > n + 1
        out[at[longer] + n] = (values[longer] >> 7 * n) & 0x7F | more.astype(np.int64) << 7
    return out.tobytes(), np.concatenate([at[starts], ends[-1:]])


def encode_entries(terms: Sequence[str], counts: Sequence[int], postings: Sequence[bytes] | None) -> bytes:
    """Encode a table of terms in their order, with their postings, or as a vocabulary without."""
    encoded = [term.encode() for term in terms]
    shared = _measure_shared(encoded)
    rests = [term[length:] for term, length in zip(encoded, shared, strict=True)]
    columns: list[Sequence[bytes]] = [_encode_all(shared), _encode_all(map(len, rests)), rests, _encode_all(counts)]
    if postings is not None:
        columns += [_encode_all(map(len, postings)), postings]
    return b"".join(chain.from_iterable(zip(*columns, strict=True)))


def plan_cuts(terms: Sequence[str], sizes: Numbers, *, shard_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut sorted terms into shards at changes of prefix, longer prefixes only where a shard would be too large.

    Args:
        terms: all of a language.
        sizes: bytes of each in a shard.
        shard_bytes: what a shard should have at most; a single term may have more.

    Yields:
        First place and end of each shard.
    """
    sums = np.concatenate([[0], np.cumsum(sizes)])

    def cut(start: int, end: int, depth: int) -> Iterator[tuple[int, int]]:
        if end - start <= 1 or sums[end] - sums[start] <= shard_bytes:
            yield start, end
            return
        gathered = at = start
        while at < end:
            prefix = terms[at][: depth + 1]
            after = at + 1 if len(prefix) <= depth else bisect_left(terms, prefix + _LAST, at, end)
            if gathered < at and sums[after] - sums[gathered] > shard_bytes:
                yield gathered, at
                gathered = at
            if sums[after] - sums[at] > shard_bytes and after - at > 1:
                yield from cut(at, after, depth + 1)
                gathered = after
            at = after
        if gathered < end:
            yield gathered, end

    if terms:
        yield from cut(0, len(terms), 0)


def _measure_shared(terms: Sequence[bytes]) -> list[int]:
    """How many bytes each of some different terms shares with the one before."""
    if not terms:
        return []
    table = np.array(terms)
    letters = table.view(np.uint8).reshape(len(terms), -1)  # short ones end with zeros, which no term has
    return [0, *(letters[1:] != letters[:-1]).argmax(axis=1).tolist()]


def _encode_all(numbers: Iterable[int]) -> list[bytes]:
    return [_SMALL[number] if number < _SMALL_END else encode_varint(number) for number in numbers]
