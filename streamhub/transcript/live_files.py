"""Files of the live ear: the sound that waits to be heard, and what was heard, until the end of the session.

Owns a folder for each session, and in it one for each stream. What was heard is written in one step as soon as it is
known, so a hub that is killed loses nothing that anybody has read. Refuses to know sessions and recognisers.
"""

from __future__ import annotations

import wave
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from streamhub.errors import BadInput
from streamhub.transcript.live_words import HeardItem, HeardStream
from streamhub.transcript.piece import Piece
from streamhub.transcript.recognised import load_record, save_record

LIVE_FOLDER = "live"
"""In a session's folder of media."""

GROWING = "growing.wav"
_TOGETHER = "together.wav"
_HEAD = "stream.json"
_END = "ended.json"


class _Head(msgspec.Struct, frozen=True):
    segment: int
    started_at: datetime


class _End(msgspec.Struct, frozen=True):
    pieces: int
    end_ms: int


def piece_file(number: int) -> str:
    """Name of the sound of a piece."""
    return f"{number:05d}.wav"


def open_stream(folder: Path, segment: int, started_at: datetime) -> Path:
    """Make the folder of a stream; returns it."""
    target = folder / f"seg-{segment:04d}"
    target.mkdir(parents=True, exist_ok=True)
    save_record(target / _HEAD, _Head(segment, started_at))
    return target


def save_item(folder: Path, item: HeardItem) -> None:
    """Keep what was heard."""
    save_record(folder / f"{item.first:05d}.json", item)


def save_end(folder: Path, *, pieces: int, end_ms: int) -> None:
    """Keep how many pieces there were, and to where nothing follows the last one."""
    save_record(folder / _END, _End(pieces, end_ms))


def load_streams(folder: Path) -> list[HeardStream]:
    """What was heard of a session, by segment; a file that cannot be read counts as never written."""
    streams = []
    for place in sorted(folder.glob("seg-*")):
        try:
            head = load_record(place / _HEAD, _Head)
        except BadInput:
            continue
        end = _End(0, 0)
        known = (place / _END).exists()
        if known:
            try:
                end = load_record(place / _END, _End)
            except BadInput:
                known = False
        items = []
        for path in sorted(place.glob("[0-9]*.json")):
            try:
                items.append(load_record(path, HeardItem))
            except BadInput:
                continue
        streams.append(
            HeardStream(
                segment=head.segment,
                started_at=head.started_at,
                items=tuple(items),
                pieces=end.pieces if known else None,
                end_ms=end.end_ms,
            )
        )
    return sorted(streams, key=lambda stream: stream.segment)


def join_sound(folder: Path, pieces: Sequence[Piece]) -> Path:
    """One sound file of pieces that follow each other; what two of them both hold is taken once."""
    if len(pieces) == 1:
        return folder / piece_file(pieces[0].number)
    target = folder / _TOGETHER
    at = 0
    with wave.open(str(target), "wb") as joined:
        for piece in pieces:
            with wave.open(str(folder / piece_file(piece.number)), "rb") as file:
                rate = file.getframerate()
                begin = piece.read.start_ms * rate // 1000
                if piece is pieces[0]:
                    joined.setparams(file.getparams())
                    at = begin
                file.setpos(min(file.getnframes(), max(0, at - begin)))
                content = file.readframes(file.getnframes())
            joined.writeframes(bytes(2 * max(0, begin - at)) + content)  # between pieces nobody speaks
            at = max(at, begin) + len(content) // 2
    return target
