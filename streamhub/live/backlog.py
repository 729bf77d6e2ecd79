"""What a relay has not passed on yet: a bounded buffer of whole groups of pictures.

Owns which pieces are kept, which are left out when there are too many, and where a new connection begins. Pure: the
times are the media's own. Whoever falls behind goes on at the newest key frame, because viewers want now, not a while
ago; and a picture that was left out half way can be decoded again from the next key frame on.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from streamhub.live.mediacut import Piece


@dataclass(slots=True)
class _Group:
    """Pieces from one key frame to the next.

    Attributes:
        whole: whether its beginning is still here, so that a new connection may begin with it.
        sent: how many of the pieces here were taken.
    """

    first_ms: int
    last_ms: int
    pieces: list[Piece] = field(default_factory=list)
    size_bytes: int = 0
    sent: int = 0
    whole: bool = True


class Backlog:
    """Pieces between an encoder and a platform.

    Args:
        max_bytes: what may be held, sent pieces of the newest group included.
        max_ms: how much media may wait.
    """

    def __init__(self, *, max_bytes: int, max_ms: int) -> None:
        self._max_bytes = max_bytes
        self._max_ms = max_ms
        self._groups: deque[_Group] = deque()
        self._gap_from_ms: int | None = None
        self.draining = False
        """Whether somebody takes; otherwise only the newest group is kept."""
        self.size_bytes = 0
        self.dropped_ms = 0
        self.jumps = 0
        """How often somebody who takes was too slow."""

    @property
    def has_pending(self) -> bool:
        """Whether there is something to take."""
        return any(group.sent < len(group.pieces) for group in self._groups)

    @property
    def can_begin(self) -> bool:
        """Whether a new connection can begin with what is here."""
        return bool(self._groups) and self._groups[-1].whole

    def add(self, piece: Piece) -> None:
        """Keep a piece, or leave it out until the next group begins."""
        if piece.opens:
            self._close_gap(piece.time_ms)
            self._groups.append(_Group(first_ms=piece.time_ms, last_ms=piece.time_ms))
            self._forget_sent()
        elif not self._groups:
            return
        group = self._groups[-1]
        group.pieces.append(piece)
        group.last_ms = max(group.last_ms, piece.time_ms)
        group.size_bytes += len(piece.data)
        self.size_bytes += len(piece.data)
        self._limit()

    def take(self, max_bytes: int) -> list[Piece]:
        """The next pieces, at least one if there is any; they stay here while their group is the newest."""
        taken: list[Piece] = []
        size_bytes = 0
        for group in self._groups:
            while group.sent < len(group.pieces) and size_bytes < max_bytes:
                piece = group.pieces[group.sent]
                group.sent += 1
                taken.append(piece)
                size_bytes += len(piece.data)
        self._forget_sent()
        return taken

    def rewind(self) -> None:
        """Begin anew at the newest key frame, as a new connection does; without a whole group wait for the next."""
        self._jump()
        if self._groups and not self._groups[-1].whole:
            self.clear()
        elif self._groups:
            self._groups[-1].sent = 0

    def clear(self) -> None:
        """Leave everything out until the next group begins."""
        if self._gap_from_ms is None:
            self._gap_from_ms = self._position()
        self._groups.clear()
        self.size_bytes = 0

    def forget(self) -> None:
        """As `clear`, without counting anything as left out: the stream itself ended or nobody wanted it."""
        self.clear()
        self._gap_from_ms = None

    def _limit(self) -> None:
        if not self.draining:
            self._jump()
        elif len(self._groups) > 1 and self._is_over():
            self.jumps += 1
            self._jump()
        if self.size_bytes > self._max_bytes:
            group = self._groups[-1]
            if group.sent == len(group.pieces):  # all taken: only a new connection would want it again
                self.size_bytes -= group.size_bytes
                group.pieces, group.size_bytes, group.sent, group.whole = [], 0, 0, False
            else:
                self.jumps += self.draining
                self.clear()

    def _is_over(self) -> bool:
        position = self._position()
        waiting_ms = self._groups[-1].last_ms - position if position is not None else 0
        return self.size_bytes > self._max_bytes or waiting_ms > self._max_ms

    def _jump(self) -> None:
        """Leave out what waits before the newest group."""
        if len(self._groups) < 2:
            return
        position, newest = self._position(), self._groups[-1]
        if position is not None and position < newest.first_ms:
            self.dropped_ms += newest.first_ms - position
        self._groups.clear()
        self._groups.append(newest)
        self.size_bytes = newest.size_bytes

    def _position(self) -> int | None:
        """Time of the next piece to take; None where nothing waits."""
        for group in self._groups:
            if group.sent < len(group.pieces):
                return group.pieces[group.sent].time_ms
        return None

    def _close_gap(self, time_ms: int) -> None:
        if self._gap_from_ms is not None:
            self.dropped_ms += max(0, time_ms - self._gap_from_ms)
            self._gap_from_ms = None

    def _forget_sent(self) -> None:
        while len(self._groups) > 1 and self._groups[0].sent == len(self._groups[0].pieces):
            self.size_bytes -= self._groups.popleft().size_bytes
