"""Voices of a recording: what its separate tracks, or else a diariser, tell of who speaks, and the names of people.

Owns the files in which that is kept beside the recording: who is heard when, by number, and nothing of how a voice
sounds. Refuses to know how tracks are listened to and how voices are told apart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from streamhub.errors import BadMedia, StreamhubError, TimedOut, ToolFailed
from streamhub.recording.listening import listen
from streamhub.recording.recording import Recording
from streamhub.recording.room import TRACKS_FILE, publish_file
from streamhub.recording.track import HeardTracks, TrackPlan
from streamhub.schedule.show import Session
from streamhub.transcript.diariser import Diariser
from streamhub.transcript.speakers import Turn, VoiceTurn, name_track

_LOG = logging.getLogger(__name__)
_Kept = TypeVar("_Kept")


async def hear_voices(media: Path, recording: Recording) -> HeardTracks:
    """Who is heard when on the tracks of a recording; it is listened to once.

    Where that cannot be told, it is logged, and nobody is heard.

    Args:
        media: folder of recordings.
        recording: the recording.
    """
    known = await asyncio.to_thread(_load, _file(media, recording), HeardTracks)
    if known is not None:
        return known
    path = media / recording.path
    tracks = path.with_name(TRACKS_FILE)
    separate = await asyncio.to_thread(tracks.is_file)
    nothing = HeardTracks(plan=TrackPlan(), titles=())
    if not separate and recording.info.channels != 2:
        return nothing
    try:
        heard = await listen(tracks if separate else path, recording.info.duration_ms, turns=True)
    except (BadMedia, ToolFailed, TimedOut) as error:
        _LOG.warning("voices_not_heard session=%s error=%s", recording.session_id, type(error).__name__)
        return nothing
    await asyncio.to_thread(_save, _file(media, recording), heard)
    return heard


async def tell_voices(media: Path, recording: Recording, diariser: Diariser) -> Sequence[VoiceTurn]:
    """Who is heard when by a diariser; it hears a recording once, and again only with other models.

    Where that cannot be told, it is logged, and nobody is heard.

    Args:
        media: folder of recordings.
        recording: the recording.
        diariser: tells voices apart.
    """
    path = media / recording.path
    try:
        file = path.with_name(f"voices-{recording.sha256[:16]}-{await diariser.version()}.json")
        known = await asyncio.to_thread(_load, file, tuple[VoiceTurn, ...])
        if known is not None:
            return known
        turns = tuple(await diariser.tell_apart(path, recording.info.duration_ms))
    except StreamhubError as error:
        _LOG.warning("voices_not_told session=%s error=%s", recording.session_id, type(error).__name__)
        return ()
    _LOG.info("voices_told session=%s voices=%d", recording.session_id, len({turn.voice for turn in turns}))
    await asyncio.to_thread(_save, file, turns)
    return turns


def plan_turns(heard: HeardTracks, session: Session, known: Mapping[str, str]) -> Sequence[Turn]:
    """Who speaks when, by name or label; ``known`` is what people called the tracks of the show's other sessions."""
    people = [person.name for person in session.participants]
    names: dict[int, str] = {}
    for track in heard.plan.voices:
        title = heard.titles[track] if track < len(heard.titles) and len(heard.titles) > 1 else ""
        names[track] = name_track(track + 1, title, people, known, language=session.language)
    return [Turn(speaker=names[turn.track], span=turn.span) for turn in heard.turns]


def _file(media: Path, recording: Recording) -> Path:
    return (media / recording.path).with_name(f"voices-{recording.sha256[:16]}.json")


def _load(path: Path, kind: type[_Kept]) -> _Kept | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _save(path: Path, heard: object) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(msgspec.json.encode(heard))
    publish_file(part, path)
