"""The roles of the media tool and the scanner: what recording needs of the programs and libraries that know media.

The tool writes media (records, joins, converts, takes stills), the scanner reads what is in a file. Both get local
paths only, never an address, and know nothing of sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from streamhub.recording.recording import MediaInfo
from streamhub.recording.smartcut import Cut, Frames
from streamhub.timecode import Span

Progress = Callable[[float], None]
"""Told how much is done, 0 to 1."""


class Container(StrEnum):
    """The container in which a publisher's media arrives."""

    FLV = "flv"
    MPEGTS = "mpegts"


class AudioPlan(StrEnum):
    """What an import does with the sound."""

    COPY = "copy"
    AAC = "aac"
    OPUS = "libopus"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordPlan:
    """What to record and where to.

    Attributes:
        container: of the bytes that will be written.
        segment: the file to make; it must not exist yet, its folder must.
        playlist: the HLS playlist to make or continue, for local viewers; None for none. Its folder must exist.
    """

    container: Container
    segment: Path
    playlist: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class JoinPart:
    """One piece of a recording to be.

    Attributes:
        path: the file.
        from_ms: where to begin in it; the time of a key frame, or 0 for its beginning.
        duration_ms: how long the piece is, by packet scan.
        has_video, has_audio: what is in it.
        tracks: how many sound tracks.
    """

    path: Path
    from_ms: int = 0
    duration_ms: int
    has_video: bool = True
    has_audio: bool = True
    tracks: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertPlan:
    """How to turn a foreign file into a recording.

    Attributes:
        container: the source's, as the scanner names it; nothing else is tried on the file.
        suffix: of the result: ``.mp4``, ``.webm`` or ``.mkv``.
        audio: whether the sound is copied or made anew.
        video: whether there is a picture, which is always copied.
        duration_ms: length of the source, for the progress.
        mixed: how many sound tracks to mix into one; 0: the first one is taken.
    """

    container: str
    suffix: str
    audio: AudioPlan
    video: bool
    duration_ms: int
    mixed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgePlan:
    """Frames of a recording that are encoded anew, so that they can stand beside others of it.

    Attributes:
        from_s: where decoding begins, in seconds of the track's own clock.
        first, last: the first and the last frame, in the track's units.
        unit: seconds in one of these units.
        profile: of H.264.
        number: of the parameter sets.
    """

    from_s: Fraction
    first: int
    last: int
    unit: Fraction
    profile: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WrapPlan:
    """What goes into the file of a clip.

    Attributes:
        video, audio, captions: files with a picture, with sound, and WebVTT; None for none.
        title: of the clip.
        language: of the captions and of the sound, ``de`` or ``en``.
    """

    video: Path | None
    audio: Path | None
    captions: Path | None
    title: str
    language: str


class RunningRecording(Protocol):
    """A recording that is being made."""

    @property
    def pid(self) -> int:
        """Process id of the program that writes it."""

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes; waits when the program is behind.

        Raises:
            DiskFull: no room is left.
            ToolFailed: the program ended.
            TimedOut: the program took nothing for a long time.
        """

    async def finish(self) -> bool:
        """No more bytes will come: let the program finish its files; True when it ended well."""


class MediaTool(Protocol):
    """A program that writes media."""

    async def record(self, plan: RecordPlan) -> RunningRecording:
        """Begin a recording; nothing is encoded anew.

        Raises:
            ToolMissing: the program is not there.
        """

    async def join(self, parts: Sequence[JoinPart], target: Path, *, progress: Progress, mixed: int = 0) -> None:
        """Join pieces end to end into one MP4 that plays while it loads, with one sound track.

        Nothing is encoded anew, unless so many sound tracks are to be mixed into one.

        Raises:
            ToolFailed, ToolMissing, DiskFull: it could not.
        """

    async def join_tracks(self, parts: Sequence[JoinPart], target: Path) -> None:
        """Join the sound tracks of pieces end to end into one Matroska file; nothing is encoded anew.

        Raises:
            ToolFailed, ToolMissing, DiskFull: it could not.
        """

    async def copy_tracks(self, source: Path, target: Path, *, container: str) -> None:
        """Copy the sound tracks of a foreign file, with their titles, into a Matroska file.

        Raises:
            ToolFailed, ToolMissing, DiskFull: it could not.
        """

    async def convert(self, source: Path, target: Path, plan: ConvertPlan, *, progress: Progress) -> None:
        """Turn a foreign file into a recording.

        Raises:
            ToolFailed, ToolMissing, DiskFull: it could not.
        """

    async def conform(self, part: JoinPart, target: Path, like: MediaInfo, *, progress: Progress) -> None:
        """Encode a piece anew, as Matroska, so that it can be joined with others: their codecs, picture size and sound.

        A missing picture becomes black, missing sound becomes silence.

        Raises:
            ToolFailed, ToolMissing, DiskFull: it could not.
        """


class StillTool(Protocol):
    """A program that takes pictures out of media."""

    async def extract_still(self, media: Path, at_ms: int, target: Path) -> None:
        """Save the picture at a time as JPEG.

        Raises:
            BadMedia: there is no picture there.
            ToolFailed, ToolMissing: it could not.
        """


class ClipTool(StillTool, Protocol):
    """A program that makes clips of a recording."""

    async def encode_edge(self, media: Path, plan: EdgePlan, target: Path) -> None:
        """Encode a few frames anew, as H.264 in an MP4, one packet for each frame in their order.

        Raises:
            ToolFailed, ToolMissing, DiskFull: it could not.
        """

    async def encode_picture(self, media: Path, spans: Sequence[Span], target: Path, *, progress: Progress) -> None:
        """Encode the picture of stretches of the media anew, end to end, as H.264 in an MP4.

        Raises:
            ToolFailed, ToolMissing, DiskFull: it could not.
        """

    async def encode_sound(self, media: Path, spans: Sequence[Span], target: Path, *, progress: Progress) -> None:
        """Encode the sound of stretches of the media anew, end to end, as AAC in an MP4.

        Raises:
            ToolFailed, ToolMissing, DiskFull: it could not.
        """

    async def wrap(self, plan: WrapPlan, target: Path) -> None:
        """Put picture, sound and captions into one MP4 that plays while it loads; nothing is encoded anew.

        Raises:
            ToolFailed, ToolMissing, DiskFull: it could not.
        """


class Splicer(Protocol):
    """A library that puts packets together."""

    def read_frames(self, path: Path, span: Span) -> Frames:
        """The frames around a stretch of the media, from the one at which decoding begins.

        Raises:
            BadMedia: there is no picture, or the file cannot be read.
        """

    def splice_picture(self, path: Path, cuts: Sequence[Cut], edges: Sequence[Path], target: Path) -> None:
        """Write one MP4 track of a recording's frames and of edges, given in the order of the pieces.

        Raises:
            BadMedia: a file cannot be read, or an edge has another number of frames than its piece.
        """

    def splice_sound(self, path: Path, stretches: Sequence[tuple[Fraction, Fraction]], target: Path) -> None:
        """Write an MP4 of a recording's sound: the packets nearest to these stretches, in seconds of the media.

        Raises:
            BadMedia: there is no sound there, or the file cannot be read.
        """


class Scanner(Protocol):
    """A library that reads what is in a media file, packet by packet."""

    def scan(self, path: Path) -> MediaInfo:
        """What is in the file; reads all of it, so call it in a thread.

        Raises:
            BadMedia: empty, no media, or unreadable.
        """

    def key_frame_ms(self, path: Path, *, before_ms: int) -> int:
        """Time of the last key frame at or before a time, counted from the file's first packet; 0 when there is none.

        Raises:
            BadMedia: as `scan`.
        """
