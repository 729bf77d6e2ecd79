"""Media: where the player of a session gets its recording from.

Looks at the media folder (which files are there), plans links into the site, and writes captions in media time. A path
that leads out of the media folder is refused, links included: what is linked is published.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from streamhub.archive.archived import PLAYABLE
from streamhub.archive.claims import require_site_path
from streamhub.archive.plan import MediaLink
from streamhub.errors import BadArchive, BadInput
from streamhub.recording.recording import ClockMap
from streamhub.transcript.transcript import Cue

_VIDEO = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedMedia:
    """A recording as a page can play it.

    Attributes:
        url: relative to the root of the site, or absolute.
        kind: ``video``, ``audio`` or ``hls``; ``frame`` for a platform's player; ``link`` for a link alone.
        mime: of a file; may be empty.
        clock: session clock to media clock.
        duration_ms: of the media.
        player: of a frame: the platform's address, ``{video}`` in it stands for the video.
        platform: of a frame: the platform's name in the archive.
    """

    url: str
    kind: str
    mime: str
    clock: ClockMap
    duration_ms: int
    player: str = ""
    platform: str = ""

    @property
    def origin(self) -> str:
        """Scheme and host when it is elsewhere; else empty."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if parts.scheme else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaSettings:
    """How recordings get into the site.

    Attributes:
        root: the media folder; None when there is none here.
        prefix: address under which recordings are served elsewhere; empty: from the site.
        link: whether recordings are linked into the site.
        players: addresses of platforms' players, by the platform's name in the archive.
    """

    root: Path | None
    prefix: str = ""
    link: bool = True
    players: Mapping[str, str] = field(default_factory=dict)


def place_recording(
    url: str, kind: str, settings: MediaSettings, *, what: str
) -> tuple[str, dict[str, MediaLink]] | None:
    """Where a recording is played from, and which files the site needs for it; None when it is not to be had.

    Raises:
        BadArchive: the path leads out of the media folder.
    """
    if urlsplit(url).scheme in {"http", "https"}:
        return url, {}
    path = PurePosixPath(url)
    try:
        require_site_path(url)
    except BadInput as error:
        raise BadArchive(what, 0, f"recording {url!r}: {error.message}") from error
    if settings.prefix:
        return f"{settings.prefix.rstrip('/')}/{quote(url)}", {}
    if not settings.link or settings.root is None:
        return None
    if not (settings.root / path).is_file():
        return None
    names = _playlist_files(settings.root, path, what) if kind == "hls" else [path]
    links = {f"media/{name.as_posix()}": MediaLink(inside(settings.root, name, what)) for name in names}
    return f"media/{quote(url)}", links


def inside(root: Path, path: PurePosixPath, what: str) -> Path:
    """The file of that path below the media folder.

    Raises:
        BadArchive: it is, or passes, a symbolic link.
    """
    base = root.resolve()
    full = base / path
    if full.resolve() != full or not full.resolve().is_relative_to(base):
        raise BadArchive(what, 0, f"recording {path}: is or passes a symbolic link", hint="put the file itself there")
    return full


def _playlist_files(root: Path, playlist: PurePosixPath, what: str, depth: int = 0) -> list[PurePosixPath]:
    """A playlist and the files beside or below it that it names."""
    files = [playlist]
    for line in inside(root, playlist, what).read_text("utf-8", "replace").splitlines():
        names = [line.strip()] if line.strip() and not line.startswith("#") else []
        if line.startswith("#EXT-X-MAP:") and 'URI="' in line:
            names = [line.split('URI="', 1)[1].split('"', 1)[0]]
        for name in names:
            path = playlist.parent / name
            if ".." in path.parts or urlsplit(name).scheme or not (root / path).is_file():
                continue
            files += _playlist_files(root, path, what, depth + 1) if name.endswith(".m3u8") and depth < 3 else [path]
    return list(dict.fromkeys(files))


def place_video(placed: PlacedMedia, player: str, platform: str) -> PlacedMedia:
    """A platform's video in the platform's own player, where its address tells which video it is; else as it was."""
    url = plan_frame(placed.url, player) if player and placed.kind == "link" else ""
    return replace(placed, url=url, kind="frame", player=player, platform=platform) if url else placed


def plan_frame(url: str, player: str) -> str:
    """The address of a platform's player for a video; empty when the video's own address does not say which it is.

    Platforms name a video in the query ``v`` or in the last part of the path; nothing else is used of them.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    video = dict(parse_qsl(parts.query)).get("v") or parts.path.rstrip("/").rpartition("/")[2]
    if parts.scheme != "https" or not _VIDEO.fullmatch(video):
        return ""
    return player.replace("{video}", video)


def player_kind(kind: str, *, has_video: bool) -> str:
    """What the page's player is: ``video``, ``audio``, ``hls`` or only a ``link``."""
    if kind not in PLAYABLE:
        return "link"
    if kind == "hls":
        return "hls"
    return "video" if has_video else "audio"


def plan_jump(url: str, at_ms: int) -> str:
    """The address that opens a video at a second; empty when it is no https address.

    Platforms read the query ``t`` so; nothing but the address is used of them.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme != "https" or not parts.hostname:
        return ""
    asked = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "t"]
    if at_ms >= 1000:
        asked.append(("t", f"{at_ms // 1000}s"))
    return parts._replace(query=urlencode(asked)).geturl()


def to_media_time(cues: Iterable[Cue], clock: ClockMap) -> tuple[Cue, ...]:
    """Cues at their place in the recording, without their words; those that were not recorded are left out."""
    mapped = []
    for cue in cues:
        span = clock.media_span(cue.span)
        if span is cue.span and not cue.words:
            mapped.append(cue)
        elif span:
            mapped.append(Cue(id=cue.id, span=span, text=cue.text, speaker=cue.speaker, language=cue.language))
    return tuple(mapped)
