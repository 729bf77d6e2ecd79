"""The demo's encoder: plays a prepared round table in real time and pushes it, as OBS or a camera would.

Owns the encoder's process alone. It is an outside program to the hub: what arrives there has been encoded and sent.
"""

from __future__ import annotations

from pathlib import Path

import ffmpeg

from streamhub.demo.script import Roundtable
from streamhub.process import Child, Command, start

_FRAMES_PER_S = 10


def plan_push(ffmpeg_path: Path, plates: Path, table: Roundtable, target: str) -> Command:
    """The encoder that sends pictures and sound to an RTMP address (server and key) at the speed of life."""
    picture = ffmpeg.input(str(plates), format="concat", safe=0, re=None).video.filter("fps", _FRAMES_PER_S)
    sound = ffmpeg.input(str(table.audio_file), re=None, t=table.duration_ms / 1000).audio
    out = ffmpeg.output(
        picture,
        sound,
        target,
        format="flv",
        t=table.duration_ms / 1000,  # not `shortest`, which holds ten seconds back to see who ends first
        vcodec="libx264",
        preset="ultrafast",
        tune="stillimage",
        pix_fmt="yuv420p",
        g=_FRAMES_PER_S * 2,
        video_bitrate="600k",
        acodec="aac",
        audio_bitrate="96k",
        ar=48000,
        ac=1,
        loglevel="error",
    )
    return Command(argv=[*ffmpeg.compile(out, cmd=str(ffmpeg_path)), "-nostdin", "-y"], name="encoder")


async def start_push(ffmpeg_path: Path, plates: Path, table: Roundtable, target: str) -> Child:
    """Start the encoder; it ends by itself with the sound."""
    return await start(plan_push(ffmpeg_path, plates, table, target))
