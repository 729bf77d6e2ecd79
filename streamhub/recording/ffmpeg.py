"""ffmpeg, as the tool that writes media.

Owns how ffmpeg is found and what it is told. It never gets an address: only local files by absolute path and its own
standard input, behind a protocol whitelist, and the demuxer is pinned wherever the container is known. Nothing is
encoded anew but the sound of an import that no browser would play, a segment that an encoder sent in another format
than the rest of the session, and of a clip what cannot be taken over.

The binary is not ours: it may be the system's, or the one that imageio-ffmpeg brings (GPL), run as a separate program.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import ffmpeg

from streamhub import process
from streamhub.errors import BadMedia, DiskFull, StreamhubError, TimedOut, ToolFailed, ToolMissing
from streamhub.process import Child, Command, Limits
from streamhub.recording.media import AudioPlan, ConvertPlan, EdgePlan, JoinPart, Progress, RecordPlan, WrapPlan
from streamhub.recording.recording import MediaInfo
from streamhub.timecode import Span

_LOG = logging.getLogger(__name__)

_WRITE_TIMEOUT_S = 20.0
_FINISH_TIMEOUT_S = 20.0
_STILL_TIMEOUT_S = 60.0
_AAC = {"c:a": AudioPlan.AAC.value, "b:a": "160k"}
_FILES_ONLY = {"protocol_whitelist": "file,pipe"}
_CLUSTER_MS = 1000  # a killed ffmpeg loses the Matroska cluster that it holds in memory, so keep clusters short
_HLS_TIME_S = 2
_FOREIGN_MEMORY_BYTES = 4 * 2**30
_NO_LIMITS = Limits()
_ENCODERS = {"h264": "libx264", "hevc": "libx265", "mp3": "libmp3lame", "opus": "libopus"}
_CLIP_PICTURE = {"preset": "veryfast", "crf": "19", "threads": "2"}  # a show may be live beside it
_LANGUAGES = {"de": "deu", "en": "eng"}
_NO_SPACE = re.compile(r"no space left on device", re.IGNORECASE)
_VERSION = re.compile(r"ffmpeg version (\S+)")


def find_ffmpeg(configured: str = "") -> Path:
    """The ffmpeg to use: the configured one, else the system's, else the one that came with imageio-ffmpeg.

    Raises:
        ToolMissing: there is none, or the configured one is not there.
    """
    if configured:
        found = shutil.which(configured)
        if found is None:
            raise ToolMissing(
                f"ffmpeg: {configured} is no program", hint="correct recording.ffmpeg, or leave it empty to search"
            )
        return Path(found).absolute()
    if system := shutil.which("ffmpeg"):
        return Path(system).absolute()
    try:
        import imageio_ffmpeg

        return Path(imageio_ffmpeg.get_ffmpeg_exe()).absolute()
    except (ImportError, RuntimeError) as error:
        raise ToolMissing(
            "ffmpeg: neither on the PATH nor from imageio-ffmpeg", hint="install ffmpeg, or set recording.ffmpeg"
        ) from error


async def ffmpeg_version(program: Path) -> str:
    """What the program calls its version, such as ``7.1.1`` or ``n9.0.2-17-g2a571b6068``.

    Raises:
        ToolMissing, ToolFailed, TimedOut: it does not run.
    """
    finished = await process.run_checked(Command(argv=[str(program), "-version"], name="ffmpeg"), timeout_s=20)
    match = _VERSION.search(finished.stdout.decode("utf-8", "replace"))
    return match[1] if match else "unknown"


class Ffmpeg:
    """The media tool.

    Args:
        program: absolute path of the binary.
    """

    def __init__(self, program: Path) -> None:
        self.program = program

    async def record(self, plan: RecordPlan) -> FfmpegRecording:
        """Begin a recording: standard input to Matroska and, beside it, to HLS; a failing HLS never stops the file."""
        return FfmpegRecording(await process.start(self._command(record_argv(plan)), stdin=True))

    async def join(self, parts: Sequence[JoinPart], target: Path, *, progress: Progress, mixed: int = 0) -> None:
        """Join pieces end to end into one MP4 that plays while it loads."""
        total_ms = sum(part.duration_ms for part in parts)
        async with _listed(parts, target) as listing:
            await self._run(join_argv(listing, target, mixed=mixed), total_ms=total_ms, progress=progress)

    async def join_tracks(self, parts: Sequence[JoinPart], target: Path) -> None:
        """Join the sound tracks of pieces end to end into one Matroska file."""
        async with _listed(parts, target) as listing:
            await self._run(join_tracks_argv(listing, target), total_ms=0, progress=lambda done: None)

    async def copy_tracks(self, source: Path, target: Path, *, container: str) -> None:
        """Copy the sound tracks of a foreign file into a Matroska file."""
        argv = copy_tracks_argv(source, target, container=container)
        limits = Limits(memory_bytes=_FOREIGN_MEMORY_BYTES)
        await self._run(argv, total_ms=0, progress=lambda done: None, limits=limits)

    async def convert(self, source: Path, target: Path, plan: ConvertPlan, *, progress: Progress) -> None:
        """Turn a foreign file into a recording; the picture is copied, the sound copied or made AAC."""
        limits = Limits(memory_bytes=_FOREIGN_MEMORY_BYTES, cpu_s=600 + plan.duration_ms // 1000)
        await self._run(convert_argv(source, target, plan), total_ms=plan.duration_ms, progress=progress, limits=limits)

    async def conform(self, part: JoinPart, target: Path, like: MediaInfo, *, progress: Progress) -> None:
        """Encode a piece anew so that it can be joined with others; what it lacks becomes black or silence."""
        await self._run(conform_argv(part, target, like), total_ms=part.duration_ms, progress=progress)

    async def extract_still(self, media: Path, at_ms: int, target: Path) -> None:
        """Save the picture at a time as JPEG."""
        command = self._command(still_argv(media, at_ms, target))
        finished = await process.run(command, timeout_s=_STILL_TIMEOUT_S)
        if finished.exit_code != 0:
            raise _failure(command, finished.exit_code, finished.stderr_tail)
        if not await asyncio.to_thread(target.is_file):
            raise BadMedia(f"{media.name}: no picture at {at_ms} ms", hint="choose a time inside the picture's length")

    async def encode_edge(self, media: Path, plan: EdgePlan, target: Path) -> None:
        """Encode a few frames anew, one packet for each frame in their order."""
        await self._run(edge_argv(media, plan, target), total_ms=0, progress=lambda done: None)

    async def encode_picture(self, media: Path, spans: Sequence[Span], target: Path, *, progress: Progress) -> None:
        """Encode the picture of stretches anew, end to end, as H.264."""
        total_ms = sum(span.duration_ms for span in spans)
        await self._run(picture_argv(media, spans, target), total_ms=total_ms, progress=progress)

    async def encode_sound(self, media: Path, spans: Sequence[Span], target: Path, *, progress: Progress) -> None:
        """Encode the sound of stretches anew, end to end, as AAC."""
        total_ms = sum(span.duration_ms for span in spans)
        await self._run(sound_argv(media, spans, target), total_ms=total_ms, progress=progress)

    async def wrap(self, plan: WrapPlan, target: Path) -> None:
        """Put picture, sound and captions into one MP4 that plays while it loads."""
        await self._run(wrap_argv(plan, target), total_ms=0, progress=lambda done: None)

    def _command(self, argv: Sequence[str], limits: Limits = _NO_LIMITS) -> Command:
        return Command(argv=[str(self.program), *argv], name="ffmpeg", limits=limits)

    async def _run(
        self, argv: Sequence[str], *, total_ms: int, progress: Progress, limits: Limits = _NO_LIMITS
    ) -> None:
        command = self._command(argv, limits)
        async with await process.start(command, stdout=True) as child:
            assert child.process.stdout is not None
            while line := await child.process.stdout.readline():
                name, _, value = line.decode("ascii", "replace").strip().partition("=")
                if name == "out_time_us" and value.isdigit() and total_ms:
                    progress(min(1.0, int(value) / 1000 / total_ms))
            if code := await child.wait():
                raise _failure(command, code, child.stderr_tail)


class FfmpegRecording:
    """One ffmpeg that records."""

    def __init__(self, child: Child) -> None:
        self._child = child

    @property
    def pid(self) -> int:
        """Process id of ffmpeg."""
        return self._child.pid

    async def write(self, chunk: bytes) -> None:
        """Hand over the next bytes; waits while ffmpeg is behind."""
        stdin = self._child.process.stdin
        assert stdin is not None
        try:
            stdin.write(chunk)
            await asyncio.wait_for(stdin.drain(), _WRITE_TIMEOUT_S)
        except (BrokenPipeError, ConnectionResetError) as error:
            code = await self._child.wait(timeout_s=_FINISH_TIMEOUT_S)
            raise _failure(self._child.command, code, self._child.stderr_tail) from error
        except TimeoutError as error:
            self._child.kill()
            raise TimedOut(f"ffmpeg: took nothing for {_WRITE_TIMEOUT_S:g} s while recording") from error

    async def finish(self) -> bool:
        """Close its input, let it finish its files, and stop it if it hangs; True when it ended well."""
        stdin = self._child.process.stdin
        assert stdin is not None
        async with self._child:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                stdin.close()
            try:
                code = await self._child.wait(timeout_s=_FINISH_TIMEOUT_S)
            except TimedOut:
                code = await self._child.stop()
        if code:
            _LOG.warning("recorder_ended_badly code=%d said=%r", code, self._child.stderr_tail[-500:])
        return code == 0


@contextlib.asynccontextmanager
async def _listed(parts: Sequence[JoinPart], target: Path) -> AsyncIterator[Path]:
    listing = target.with_name(target.name + ".list")
    await asyncio.to_thread(listing.write_text, render_concat(parts), "utf-8")
    try:
        yield listing
    finally:
        await asyncio.to_thread(listing.unlink, missing_ok=True)


def record_argv(plan: RecordPlan) -> list[str]:
    """Arguments that record standard input.

    The file is an output of its own, because the tee muxer does not translate MPEG-TS codec tags for Matroska. HLS goes
    through a tee, because only there a failing leg is left out while the rest goes on; its other leg writes nothing.
    The file gets all sound tracks, viewers the first one: a voice that the mix leaves out is nobody's to hear.
    """
    source = ffmpeg.input("pipe:0", f=plan.container.value, **_FILES_ONLY)
    segment = str(plan.segment.absolute())
    outputs = [source.output(segment, f="matroska", c="copy", map="0", cluster_time_limit=_CLUSTER_MS)]
    if plan.playlist is not None:
        hls = (
            f"f=hls:hls_time={_HLS_TIME_S}:hls_list_size=0:hls_playlist_type=event"
            ":hls_flags=append_list+temp_file+omit_endlist+program_date_time:onfail=ignore"
        )
        legs = f"[f=null]-|[{hls}]{_tee_path(plan.playlist)}"
        outputs.append(ffmpeg.output(*_first_tracks(source), legs, f="tee", c="copy"))
    return _compile(ffmpeg.merge_outputs(*outputs), "-n")


def join_argv(listing: Path, target: Path, *, mixed: int = 0) -> list[str]:
    """Arguments that join the files of a concat listing into one MP4."""
    options = {"f": "mp4", "movflags": "+faststart", "c:v": "copy"}
    source = _concat(listing)
    if mixed:
        output = ffmpeg.output(source["V:0?"], _mix(source, mixed), str(target.absolute()), **options, **_AAC)
    else:
        output = ffmpeg.output(*_first_tracks(source), str(target.absolute()), **options, **{"c:a": "copy"})
    return _compile(output, "-y", "-progress", "pipe:1")


def join_tracks_argv(listing: Path, target: Path) -> list[str]:
    """Arguments that join the sound tracks of the files of a concat listing."""
    output = _concat(listing).output(str(target.absolute()), f="matroska", c="copy", map="0:a")
    return _compile(output, "-y", "-progress", "pipe:1")


def copy_tracks_argv(source: Path, target: Path, *, container: str) -> list[str]:
    """Arguments that copy the sound tracks of a foreign file; of what it says of itself only their titles."""
    stream = ffmpeg.input(str(source.absolute()), f=_demuxer(container), **_FILES_ONLY)
    output = stream.output(str(target.absolute()), f="matroska", c="copy", map="0:a")
    return _compile(output, "-y", "-progress", "pipe:1")


def _concat(listing: Path) -> Any:
    # safe=0 because the listing, which is ours, names files by absolute path.
    return ffmpeg.input(str(listing.absolute()), f="concat", safe="0", **_FILES_ONLY)


def _first_tracks(source: Any) -> tuple[Any, Any]:
    """Picture and sound as players play them, where they are there."""
    return source["V:0?"], source["a:0?"]


def _mix(source: Any, tracks: int) -> Any:
    """All of the first tracks as one, none softer for the others, in step where one begins late or has holes."""
    parts = [source[f"a:{track}"].filter("aresample", **{"async": 1, "first_pts": 0}) for track in range(tracks)]
    mix = ffmpeg.filter(parts, "amix", inputs=tracks, normalize=0, duration="longest")
    return mix.filter("alimiter", limit=0.95, level="disabled")


def convert_argv(source: Path, target: Path, plan: ConvertPlan) -> list[str]:
    """Arguments that turn a foreign file into a recording."""
    options: dict[str, Any] = {}
    if plan.audio is not AudioPlan.NONE:
        options["c:a"] = plan.audio.value
    if plan.audio is AudioPlan.AAC:
        options["b:a"] = "160k"
    if plan.video:
        options["c:v"] = "copy"
    if plan.suffix == ".mp4":
        options["movflags"] = "+faststart"
    muxer = {".mp4": "mp4", ".webm": "webm", ".mkv": "matroska"}[plan.suffix]
    stream = ffmpeg.input(str(source.absolute()), f=_demuxer(plan.container), **_FILES_ONLY)
    parts = [stream["V:0"]] if plan.video else []
    if plan.audio is not AudioPlan.NONE:
        parts.append(_mix(stream, plan.mixed) if plan.mixed else stream["a:0"])
    output = ffmpeg.output(*parts, str(target.absolute()), f=muxer, map_metadata="-1", **options)
    return _compile(output, "-y", "-progress", "pipe:1")


def conform_argv(part: JoinPart, target: Path, like: MediaInfo) -> list[str]:
    """Arguments that make a piece alike to another file, picture fitted into its size, time kept."""
    begin_s, length_s = f"{part.from_ms / 1000:.3f}", f"{part.duration_ms / 1000:.3f}"
    source = ffmpeg.input(str(part.path.absolute()), ss=begin_s, t=length_s, **_FILES_ONLY)
    streams = []
    options: dict[str, Any] = {}
    if like.video_codec:
        size = f"{like.width}x{like.height}"
        black = ffmpeg.input(f"color=c=black:s={size}:r=25:d={length_s}", f="lavfi")
        fitted = source["V:0"].filter("scale", like.width, like.height, force_original_aspect_ratio="decrease")
        fitted = fitted.filter("pad", like.width, like.height, -1, -1).filter("setsar", 1)
        streams.append((fitted if part.has_video else black).filter("format", "yuv420p"))
        options |= {"c:v": _ENCODERS.get(like.video_codec, like.video_codec), "preset": "veryfast", "g": "50"}
    if like.audio_codec:
        layout = "mono" if like.channels == 1 else "stereo"
        silence = ffmpeg.input(f"anullsrc=r={like.sample_rate_hz}:cl={layout}:d={length_s}", f="lavfi")
        there = part.tracks if part.has_audio else 0
        streams += [source[f"a:{track}"] if track < there else silence for track in range(max(1, like.tracks))]
        options |= {"c:a": _ENCODERS.get(like.audio_codec, like.audio_codec)}
        options |= {"ar": str(like.sample_rate_hz), "ac": str(like.channels)}
    output = ffmpeg.output(*streams, str(target.absolute()), f="matroska", **options)
    return _compile(output, "-y", "-progress", "pipe:1")


def still_argv(media: Path, at_ms: int, target: Path) -> list[str]:
    """Arguments that save one picture as JPEG."""
    source = ffmpeg.input(str(media.absolute()), ss=f"{at_ms / 1000:.3f}", **_FILES_ONLY)
    picture = source["V:0"].output(
        str(target.absolute()), f="image2", vcodec="mjpeg", update="1", vframes="1", **{"q:v": "3"}
    )
    return _compile(picture, "-y")


def edge_argv(media: Path, plan: EdgePlan, target: Path) -> list[str]:
    """Arguments that encode frames anew: found by the times that they have in the file, one packet for each.

    Without B-frames each packet is one frame in its turn; the parameter sets have a number of their own, so that they
    can stand beside those of the recording.
    """
    seek = {"ss": f"{float(plan.from_s):.6f}", "seek_timestamp": "1", "noaccurate_seek": None, "copyts": None}
    source = ffmpeg.input(str(media.absolute()), **seek, **_FILES_ONLY)
    frames = source["V:0"].filter("trim", start_pts=plan.first, end_pts=plan.last + 1).filter("setpts", "PTS-STARTPTS")
    options: dict[str, Any] = {"c:v": "libx264", "profile:v": plan.profile, "bf": "0", **_CLIP_PICTURE}
    options |= {"x264-params": f"sps-id={plan.number}", "fps_mode": "passthrough"}
    options |= {"enc_time_base": f"{plan.unit.numerator}/{plan.unit.denominator}"}
    output = ffmpeg.output(frames.filter("format", "yuv420p"), str(target.absolute()), f="mp4", **options)
    return _compile(output, "-y", "-progress", "pipe:1")


def picture_argv(media: Path, spans: Sequence[Span], target: Path) -> list[str]:
    """Arguments that encode the picture of stretches anew, its frames as they are: ffmpeg 5 would repeat the first."""
    pictures = [
        source["V:0"].filter("scale", "trunc(iw/2)*2", "trunc(ih/2)*2").filter("setsar", 1).filter("format", "yuv420p")
        for source in _stretches(media, spans)
    ]
    picture = ffmpeg.concat(*pictures, v=1, a=0) if len(pictures) > 1 else pictures[0]
    options = {"c:v": "libx264", "fps_mode": "vfr", **_CLIP_PICTURE}
    output = ffmpeg.output(picture, str(target.absolute()), f="mp4", **options)
    return _compile(output, "-y", "-progress", "pipe:1")


def sound_argv(media: Path, spans: Sequence[Span], target: Path) -> list[str]:
    """Arguments that encode the sound of stretches anew."""
    sounds = [source["a:0"] for source in _stretches(media, spans)]
    sound = ffmpeg.concat(*sounds, v=0, a=1) if len(sounds) > 1 else sounds[0]
    options = {"c:a": "aac", "b:a": "160k"}
    output = ffmpeg.output(sound, str(target.absolute()), f="mp4", **options)
    return _compile(output, "-y", "-progress", "pipe:1")


def _stretches(media: Path, spans: Sequence[Span]) -> list[Any]:
    return [
        ffmpeg.input(
            str(media.absolute()), ss=f"{span.start_ms / 1000:.3f}", t=f"{span.duration_ms / 1000:.3f}", **_FILES_ONLY
        )
        for span in spans
    ]


def wrap_argv(plan: WrapPlan, target: Path) -> list[str]:
    """Arguments that put the parts of a clip into one file."""
    kinds = ((plan.video, "v:0"), (plan.audio, "a:0"), (plan.captions, "s:0"))
    parts = [ffmpeg.input(str(path.absolute()), **_FILES_ONLY)[kind] for path, kind in kinds if path is not None]
    spoken = _LANGUAGES.get(plan.language, "und")
    options: dict[str, Any] = {"c:v": "copy", "c:a": "copy", "map_metadata": "-1", "movflags": "+faststart"}
    if plan.audio is not None:
        options["metadata:s:a:0"] = f"language={spoken}"
    if plan.captions is not None:
        options |= {"c:s": "mov_text", "metadata:s:s:0": f"language={spoken}"}
    options["metadata"] = f"title={plan.title}"
    muxer = "mp4" if plan.video is not None else "ipod"
    output = ffmpeg.output(*parts, str(target.absolute()), f=muxer, **options)
    return _compile(output, "-y", "-progress", "pipe:1")


def render_concat(parts: Sequence[JoinPart]) -> str:
    """The listing of ffmpeg's concat demuxer.

    Each length is given, because a header may be missing or lie (killed recorder, full disk), and because the clock
    map is made from the same numbers.
    """
    lines = ["ffconcat version 1.0"]
    for part in parts:
        quoted = str(part.path.absolute()).replace("'", "'\\''")
        lines += [f"file '{quoted}'", f"duration {part.duration_ms / 1000:.3f}"]
        if part.from_ms:
            lines.append(f"inpoint {part.from_ms / 1000:.3f}")
    return "\n".join(lines) + "\n"


def _compile(stream: Any, *global_args: str) -> list[str]:
    argv: list[str] = ffmpeg.compile(stream, cmd="ffmpeg")
    return [*argv[1:], "-nostdin", "-hide_banner", "-nostats", "-loglevel", "warning", *global_args]


def _tee_path(path: Path) -> str:
    # The tee muxer reads quotes, backslashes, bars, brackets and colons in its own way.
    return "".join(f"\\{char}" if char in "\\'|[]: " else char for char in str(path.absolute()))


def _demuxer(container: str) -> str:
    """One demuxer's name out of a library's list of synonyms: ``mov,mp4,m4a`` is ``mov``."""
    return container.split(",", maxsplit=1)[0]


def _failure(command: Command, exit_code: int, stderr_tail: str) -> StreamhubError:
    if _NO_SPACE.search(stderr_tail):
        return DiskFull("ffmpeg: no space left on the disk of the recording", hint="free some space, then try again")
    error: ToolFailed = process.failed(command, exit_code, stderr_tail)
    return error
