"""Listening to a signal while it comes in, in a process of its own.

Owns how the bytes of a publisher become sound, and how that sound becomes files for a recogniser: one for each piece
that is complete, and one, written again and again, for what is being said right now. The hub starts
``python -m streamhub.transcript.live_sound FORMAT FOLDER``, gives it the publisher's bytes, and reads JSON lines:
``piece``, ``growing`` and ``ended``. Refuses to know recognisers.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from streamhub.errors import BadMedia
from streamhub.timecode import Span
from streamhub.transcript.flow import Flow
from streamhub.transcript.live_files import GROWING, piece_file
from streamhub.transcript.piece import FRAME_MS, Piece
from streamhub.transcript.sound import RATE_HZ, Pcm, levels_db, stream_pcm, write_wav

GROWING_EVERY_MS = 700
_BEHIND_MS = 5_000  # what lies further back than the last cut is never read again
_FRAME = RATE_HZ * FRAME_MS // 1000
_NO_SOUND = 3


class _Ring:
    """The samples since a moment a little before the last cut."""

    def __init__(self) -> None:
        self._samples: Pcm = np.zeros(0, np.int16)
        self._begin = 0

    def add(self, samples: Pcm) -> None:
        self._samples = np.concatenate([self._samples, samples])

    def forget(self, before_ms: int) -> None:
        drop = min(len(self._samples), max(0, before_ms * RATE_HZ // 1000 - self._begin))
        self._samples, self._begin = self._samples[drop:], self._begin + drop

    def cut(self, span: Span) -> Pcm:
        start, end = span.start_ms * RATE_HZ // 1000 - self._begin, span.end_ms * RATE_HZ // 1000 - self._begin
        return self._samples[max(0, start) : max(0, end)]


def listen(chunks: Iterator[Pcm], folder: Path) -> Iterator[dict[str, Any]]:
    """The pieces of a stream of sound as they come, written into a folder; what happened, as events."""
    flow, ring, rest, told_ms = Flow(), _Ring(), np.zeros(0, np.int16), 0
    for chunk in chunks:
        ring.add(chunk)
        rest = np.concatenate([rest, chunk])
        whole = len(rest) // _FRAME * _FRAME
        levels, rest = levels_db(rest[:whole], frame_ms=FRAME_MS), rest[whole:]
        for piece in flow.take(levels):
            told_ms = flow.end_ms
            yield _keep(piece, ring, folder)
        if flow.end_ms - told_ms >= GROWING_EVERY_MS:
            told_ms = flow.end_ms
            read = flow.growing()
            if read is not None:
                write_wav(ring.cut(read), folder / GROWING)
            said = Span(flow.cut.at_ms, flow.end_ms)
            yield {"event": "growing", "said": asdict(said), "read": asdict(read) if read else None}
        ring.forget(flow.cut.at_ms - _BEHIND_MS)
    for piece in flow.finish():
        yield _keep(piece, ring, folder)
    yield {"event": "ended", "pieces": flow.count, "end_ms": flow.cut.at_ms}


def _keep(piece: Piece, ring: _Ring, folder: Path) -> dict[str, Any]:
    write_wav(ring.cut(piece.read), folder / piece_file(piece.number))
    return {"event": "piece", "piece": asdict(piece)}


class _Pipe:
    """Standard input as PyAV reads it: what is there, never waiting for more than the next bytes."""

    def read(self, size: int) -> bytes:
        return os.read(0, size)


def _serve(container: str, folder: Path) -> int:
    """In the process: listen until the publisher is gone."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        for event in listen(stream_pcm(_Pipe(), container), folder):
            out.write(json.dumps(event, separators=(",", ":")) + "\n")
            out.flush()
    except BadMedia as error:
        print(error, file=sys.stderr)
        while os.read(0, 1 << 20):  # the hub goes on to offer what nobody can hear
            pass
        return _NO_SOUND
    return 0


if __name__ == "__main__":
    raise SystemExit(_serve(sys.argv[1], Path(sys.argv[2])))
