"""Whose turn it is: what a recogniser hears next of all that is being said in live sessions.

Pure. Pieces that are complete come before what is still being said, sessions take turns, and pieces that wait for each
other are heard together, as far as a recogniser's window reaches: that costs as much as one. Of what waits too long the
oldest is left out. Refuses to hear anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from streamhub.timecode import Span
from streamhub.transcript.piece import Piece

WINDOW_MS = 28_000
"""Pieces are heard together up to here."""

BEHIND_MS = 20_000
"""Who has so much to hear is behind."""

MOST_WAITING_MS = 90_000
"""More than that is never made up for while a show runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What is to be heard.

    Attributes:
        session_id: the session.
        stream: number of the segment that the stream is recorded in.
        pieces: in order; empty for what is being said right now.
        growing: what is being said, from the last cut on; None where pieces are heard.
        read: what is listened to for it.
    """

    session_id: str
    stream: int
    pieces: tuple[Piece, ...] = ()
    growing: Span | None = None
    read: Span | None = None


@dataclass(slots=True)
class Turns:
    """What waits to be heard."""

    _waiting: list[tuple[str, int, Piece]] = field(default_factory=list)
    _growing: dict[tuple[str, int], tuple[Span, Span]] = field(default_factory=dict)
    _order: list[str] = field(default_factory=list)

    def add(self, session_id: str, stream: int, piece: Piece) -> list[tuple[str, int, Piece]]:
        """A piece is complete; returns what is left out because too much waits."""
        self._waiting.append((session_id, stream, piece))
        self._growing.pop((session_id, stream), None)
        left_out = []
        while self.waiting_ms(session_id) > MOST_WAITING_MS:
            oldest = next(one for one in self._waiting if one[0] == session_id)
            self._waiting.remove(oldest)
            left_out.append(oldest)
        return left_out

    def grow(self, session_id: str, stream: int, said: Span, read: Span) -> None:
        """Something is being said, from the last cut to now."""
        self._growing[session_id, stream] = (said, read)

    def hush(self, session_id: str, stream: int) -> None:
        """Nothing is being said."""
        self._growing.pop((session_id, stream), None)

    def waiting_ms(self, session_id: str) -> int:
        """How much of a session waits to be heard."""
        return sum(piece.span.duration_ms for one, _, piece in self._waiting if one == session_id)

    def next(self) -> Turn | None:
        """What is heard now; it waits no more."""
        if self._waiting:
            session_id = self._choose(one for one, _, _ in self._waiting)
            return self._next_pieces(session_id)
        if self._growing:
            session_id = self._choose(one for one, _ in self._growing)
            key = next(key for key in self._growing if key[0] == session_id)
            said, read = self._growing.pop(key)
            return Turn(session_id=session_id, stream=key[1], growing=said, read=read)
        return None

    def _next_pieces(self, session_id: str) -> Turn:
        batch: list[tuple[str, int, Piece]] = []
        for one in [one for one in self._waiting if one[0] == session_id]:
            if batch and not _follows(batch, one):
                break
            batch.append(one)
        for one in batch:
            self._waiting.remove(one)
        return Turn(session_id=session_id, stream=batch[0][1], pieces=tuple(piece for _, _, piece in batch))

    def _choose(self, wanting: Iterable[str]) -> str:
        """The session that has waited longest for its turn."""
        wanted = list(dict.fromkeys(wanting))
        chosen = min(wanted, key=lambda one: self._order.index(one) if one in self._order else -1)
        self._order = [one for one in self._order if one != chosen]
        self._order.append(chosen)
        return chosen


def _follows(batch: list[tuple[str, int, Piece]], one: tuple[str, int, Piece]) -> bool:
    _, stream, before = batch[-1]
    piece = one[2]
    return (
        one[1] == stream
        and piece.number == before.number + 1
        and piece.span.start_ms == before.span.end_ms
        and piece.read.end_ms - batch[0][2].read.start_ms <= WINDOW_MS
    )
