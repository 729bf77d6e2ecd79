"""Voices of a recording: what its separate tracks tell of who speaks, and the names that people gave them.

Owns the file in which that is kept beside the recording. Refuses to know how tracks are listened to.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from streamhub.errors import BadMedia, TimedOut, ToolFailed
from streamhub.recording.listening import listen
from streamhub.recording.recording import Recording
from streamhub.recording.room import TRACKS_FILE, publish_file
from streamhub.recording.track import HeardTracks, TrackPlan
from streamhub.schedule.show import Session
from streamhub.transcript.speakers import Turn, name_track

_LOG = logging.getLogger(__name__)


async def hear_voices(media: Path, recording: Recording) -> HeardTracks:
    """Who is heard when on the tracks of a recording; it is listened to once.

    Where that cannot be told, it is logged, and nobody is heard.

    Args:
        media: folder of recordings.
        recording: the recording.
    """
    known = await asyncio.to_thread(_load, _file(media, recording))
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


def _load(path: Path) -> HeardTracks | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=HeardTracks)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def _save(path: Path, heard: HeardTracks) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(msgspec.json.encode(heard))
    publish_file(part, path)
