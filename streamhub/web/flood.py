"""Floods: when questions pour into a session, and the puzzle that askers' machines solve while they do.

A session is flooded when more questions a minute come in than a crowd of people types, and for two minutes after that.
The puzzle is a token of ours; its solution is a number that makes SHA-256 of ``<token>:<number>`` begin with enough
zero bits. A machine of today finds it in a second or two, which a person does not notice and a flood cannot afford.
It is valid for one session, ten minutes and one question. Texts that come again and again are noticed here too.
Nothing is written down but the ids of spent puzzles.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from streamhub.text import Random, fold, new_id
from streamhub.web.signing import sign, unsign

FLOODED_FOR = timedelta(minutes=2)
PUZZLE_VALID = timedelta(minutes=10)
EASIEST_BITS = 14
HARDEST_BITS = 18
ECHO_AFTER = timedelta(minutes=10)
ECHOES_OF_ADDRESS = 3
ECHOES_OF_ALL = 10

_WINDOW = timedelta(minutes=1)
_MAX_TEXTS = 20_000
_MAX_ANSWER = 20


@dataclass(kw_only=True, slots=True)
class _Stream:
    arrivals: deque[datetime] = field(default_factory=deque)
    flooded_until: datetime | None = None


class FloodWatch:
    """Counts the questions of each session, in memory.

    Args:
        per_minute: more than this are a flood.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._streams: dict[str, _Stream] = {}
        self._texts: OrderedDict[tuple[str, str, bytes], deque[datetime]] = OrderedDict()

    def note(self, session_id: str, *, at: datetime) -> bool:
        """Count a question; returns whether the session is flooded."""
        stream = self._streams.setdefault(session_id, _Stream())
        stream.arrivals.append(at)
        while stream.arrivals and (stream.arrivals[0] <= at - _WINDOW or len(stream.arrivals) > 20 * self._per_minute):
            stream.arrivals.popleft()
        if len(stream.arrivals) > self._per_minute:
            stream.flooded_until = at + FLOODED_FOR
        return self.is_flooded(session_id, at=at)

    def knows(self, session_id: str) -> bool:
        """Whether a question of that session was counted before."""
        return session_id in self._streams

    def is_flooded(self, session_id: str, *, at: datetime) -> bool:
        """Whether a session is flooded now."""
        stream = self._streams.get(session_id)
        return stream is not None and stream.flooded_until is not None and at < stream.flooded_until

    def bits(self, session_id: str) -> int:
        """How hard the puzzle is: a bit more with each doubling of the flood."""
        stream = self._streams.get(session_id)
        times = len(stream.arrivals) // self._per_minute if stream else 0
        return min(HARDEST_BITS, EASIEST_BITS + max(0, times.bit_length() - 1))

    def is_echo(self, session_id: str, text: str, address: str, *, at: datetime) -> bool:
        """Note a text; returns whether it came too often in ten minutes, from this address or from all."""
        digest = hashlib.blake2b(fold(text).encode(), digest_size=12).digest()
        own = self._count_text((session_id, address, digest), at)
        return own > ECHOES_OF_ADDRESS or self._count_text((session_id, "", digest), at) > ECHOES_OF_ALL

    def _count_text(self, key: tuple[str, str, bytes], at: datetime) -> int:
        times = self._texts.pop(key, None) or deque(maxlen=ECHOES_OF_ALL + 1)
        while times and times[0] <= at - ECHO_AFTER:
            times.popleft()
        times.append(at)
        self._texts[key] = times
        while len(self._texts) > _MAX_TEXTS:
            self._texts.popitem(last=False)
        return len(times)


FLOOD: web.AppKey[FloodWatch] = web.AppKey("flood", FloodWatch)


def make_puzzle(secret: bytes, random: Random, *, session_id: str, bits: int, at: datetime) -> str:
    """A fresh puzzle for one question of a session."""
    payload = f"{int(at.timestamp())}-{new_id(random, length=20)}-{bits}"
    return sign(secret, f"puzzle:{session_id}", payload)


def read_proof(secret: bytes, proof: str, *, session_id: str, at: datetime) -> str:
    """The id of a puzzle that was solved in time, from ``<token>:<number>``; empty when it was not."""
    token, colon, answer = proof.rpartition(":")
    payload = unsign(secret, f"puzzle:{session_id}", token)
    if payload is None or not colon or not answer.isdecimal() or len(answer) > _MAX_ANSWER or not answer.isascii():
        return ""
    made_s, puzzle_id, bits = payload.split("-")
    if not timedelta(0) <= timedelta(seconds=at.timestamp() - int(made_s) + 1) <= PUZZLE_VALID:
        return ""
    return puzzle_id if count_zero_bits(token, int(answer)) >= int(bits) else ""


def count_zero_bits(token: str, answer: int) -> int:
    """How many zero bits begin the digest of a token with a number."""
    digest = hashlib.sha256(f"{token}:{answer}".encode()).digest()
    return 256 - int.from_bytes(digest, "big").bit_length()


def solve_puzzle(token: str, *, give_up: Callable[[int], bool] = lambda tries: False) -> str:
    """Find a solution as a browser does; returns the proof, for programs and tests, or empty when given up."""
    bits = int(token.rpartition(".")[0].rpartition("-")[2])
    answer = 0
    while count_zero_bits(token, answer) < bits:
        answer += 1
        if give_up(answer):
            return ""
    return f"{token}:{answer}"
