"""Cutting a recording into pieces, in a process of its own.

Owns how the windows of a plan are listened to, and how the sound of one piece is written for a worker. The hub's end
starts ``python -m streamhub.transcript.cutting``; only there is sound decoded, a minute or a piece of it at a time, so
that memory never grows with the length of a recording. Refuses to know recognisers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from streamhub.errors import BadMedia
from streamhub.process import Command, failed, run
from streamhub.timecode import Span
from streamhub.transcript.piece import FRAME_MS, Cut, Piece, find_cut, plan_pieces, plan_windows

_LIMIT_S = 3600.0
_BAD_MEDIA = 3


async def cut_recording(media: Path, duration_ms: int, *, piece_ms: int) -> tuple[Piece, ...]:
    """The pieces of a recording; the sound is listened to around the cuts alone, and not at all if it stays whole.

    Raises:
        BadMedia: the sound cannot be decoded.
        ToolFailed, TimedOut: the process died, or took longer than an hour.
    """
    windows = plan_windows(duration_ms, piece_ms=piece_ms)
    if not windows:
        return plan_pieces(duration_ms, ())
    asked = {"media": str(media), "windows": [[window.start_ms, window.end_ms] for window in windows]}
    return plan_pieces(duration_ms, msgspec.json.decode(await _ask(asked), type=list[Cut]))


async def write_piece(media: Path, span: Span, target: Path) -> None:
    """Write the sound of a stretch as a WAV file: the very samples that a recogniser on this machine gets.

    Raises:
        BadMedia: the sound cannot be decoded.
        ToolFailed, TimedOut: the process died, or took longer than an hour.
    """
    await _ask({"media": str(media), "span": [span.start_ms, span.end_ms], "target": str(target)})


async def _ask(asked: dict[str, Any]) -> bytes:
    command = Command(argv=[sys.executable, "-m", __name__], name="cutting a recording")
    finished = await run(command, stdin=json.dumps(asked).encode(), timeout_s=_LIMIT_S)
    if finished.exit_code == _BAD_MEDIA:
        raise BadMedia(finished.stderr_tail.strip().splitlines()[-1])
    if finished.exit_code:
        raise failed(command, finished.exit_code, finished.stderr_tail)
    return finished.stdout


def _serve() -> int:
    """In the process: do what is asked."""
    from streamhub.transcript.sound import levels_db, load_pcm, write_wav

    asked = json.loads(sys.stdin.read())
    media = Path(asked["media"])
    try:
        if "target" in asked:
            write_wav(load_pcm(media, Span(*asked["span"])), Path(asked["target"]))
            return 0
        cuts = []
        for edges in asked["windows"]:
            levels = levels_db(load_pcm(media, Span(*edges)), frame_ms=FRAME_MS)
            cuts.append(find_cut([round(level, 1) for level in levels], Span(*edges)))
        sys.stdout.buffer.write(msgspec.json.encode(cuts))
    except (BadMedia, OSError) as error:
        print(error, file=sys.stderr)
        return _BAD_MEDIA if isinstance(error, BadMedia) else 1
    return 0


if __name__ == "__main__":
    raise SystemExit(_serve())
