"""yt-dlp, as the fetcher of recordings: run as a program of its own, under guards.

Google's policies forbid API clients to download videos without its written approval, so this is off unless
``[youtube] pull`` says otherwise. Owns the arguments, what the program's failures mean, and the checks of what it
brings, because it calls short and holed files a success. After a refusal it keeps still for a day: asking again and
again endangers the account. Refuses to know sessions.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import re
import stat
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from streamhub import process
from streamhub.errors import (
    BadInput,
    BadMedia,
    Conflict,
    DiskFull,
    Environment,
    Fault,
    PlatformError,
    StreamhubError,
    TimedOut,
    ToolMissing,
    Unavailable,
)
from streamhub.live.problem import ProblemCode, make_error
from streamhub.process import Child, Command
from streamhub.recording.file_lock import hold_file
from streamhub.recording.media import Progress, Scanner
from streamhub.recording.room import publish_file
from streamhub.recording.rules import media_ms
from streamhub.timecode import Now, format_instant, parse_instant

PAUSE = timedelta(hours=24)
NOT_READY_PAUSE = timedelta(hours=1)
TOLERANCE_MS = 60_000
_TIME_LIMIT_S = 12 * 3600.0
WORK_FOLDER = ".fetching"

_WATCH = re.compile(r"https://www\.youtube\.com/watch\?v=(?P<id>[A-Za-z0-9_-]{11})")
_IDENT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_DETAILS = {"platform": "YouTube", "command": "youtube"}
_PROGRESS = (
    'download:{"done": %(progress.downloaded_bytes|null)j, "total": %(progress.total_bytes|null)j, '
    '"guess": %(progress.total_bytes_estimate|null)j}'
)
_FORMAT = "bv*[ext=mp4]+ba[ext=m4a]/b[ext=mp4]/bv*+ba/b"
_MEDIA = (".mp4", ".m4v", ".mkv", ".webm")

_SERVER_ERROR = re.compile(r"HTTP Error 5\d\d")
_NO_SPACE = re.compile(r"No space left on device", re.IGNORECASE)
_UNREACHABLE = re.compile(r"Failed to resolve|Connection refused|timed out|Network is unreachable|Connection reset")
_COOKIES = re.compile(r"Sign in to confirm|[Pp]rivate video|video is private|members-only|cookies are no longer valid")
_RUNTIME = re.compile(r"JavaScript runtime|JS runtime|challenge solving failed|nsig extraction failed", re.IGNORECASE)
_NO_FORMAT = re.compile(r"Requested format is not available|Only images are available")
_BLOCKED = re.compile(r"HTTP Error (?:403|429)")


class YtDlp:
    """The fetcher.

    Args:
        ffmpeg: the media program, for joining sound and picture.
        scanner: reads what was brought.
        now: the clock.
        cookies: cookies of the channel's owner, 0600; None: without.
        allow: addresses on this machine that may be fetched too, each the beginning of one; for tests.
        proxy: passed on; empty: none, whatever the environment says; None: as the environment says.
        retry_s: pause before the one second try after a server's error.

    Raises:
        BadInput: an address that may be fetched too is not on this machine.
    """

    def __init__(
        self,
        ffmpeg: Path,
        scanner: Scanner,
        *,
        now: Now,
        cookies: Path | None = None,
        allow: Sequence[str] = (),
        proxy: str | None = None,
        retry_s: float = 10.0,
    ) -> None:  # fmt: skip
        if strange := [address for address in allow if urlsplit(address).hostname not in _LOOPBACK]:
            raise BadInput(f"yt-dlp: {strange[0]} is not on this machine", hint="allow addresses of this machine only")
        self._ffmpeg = ffmpeg
        self._scanner = scanner
        self._now = now
        self._cookies = cookies
        self._allow = tuple(allow)
        self._proxy = proxy
        self._retry_s = retry_s

    async def fetch(self, url: str, folder: Path, *, expected_ms: int, progress: Progress) -> Path:
        """Fetch the video of a watch address into a folder as ``<id>.mp4``; goes on where an earlier try stopped.

        Args:
            url: the watch address.
            folder: where the whole file appears; work in progress lies in a hidden folder in it.
            expected_ms: how long the broadcast was.
            progress: told how much is there, 0 to 1.

        Raises:
            BadInput: not an address that may be fetched.
            ToolMissing: the extra is not installed.
            Environment: the cookies cannot be used as they are.
            Conflict: it is being fetched already, or lies in the folder already.
            PlatformError: refused, not ready, or paused since a refusal; ``retry_at`` says until when.
            Unavailable, DiskFull, BadMedia, ToolFailed: it did not work.
        """
        ident = self._require_address(url)
        if importlib.util.find_spec("yt_dlp") is None:
            raise ToolMissing("yt-dlp: is not installed", hint="run pip install 'streamhub[pull]'")
        work = folder / WORK_FOLDER
        await asyncio.to_thread(_prepare, work, self._cookies)
        with hold_file(work / f"{ident}.lock", what=f"fetching {ident}"):
            self._require_no_pause(work)
            if there := await asyncio.to_thread(_find_there, folder, ident):
                raise Conflict(f"{there.name}: is in the folder already", hint="wait until it is taken")
            await self._download(url, work, ident, progress)
            return await asyncio.to_thread(self._accept, work, folder, ident, expected_ms)

    def _require_address(self, url: str) -> str:
        if match := _WATCH.fullmatch(url):
            return match["id"]
        name = Path(urlsplit(url).path).stem
        if any(url.startswith(address) for address in self._allow) and _IDENT.fullmatch(name):
            return name
        raise BadInput(
            f"yt-dlp: {url[:100]!r} is no watch address", hint="only videos of our own broadcasts are fetched"
        )

    # One download.

    async def _download(self, url: str, work: Path, ident: str, progress: Progress) -> None:
        """Run the program; exactly one more time where a server stumbled."""
        for last in (False, True):
            code, said, pieces = await self._run(url, work, ident, progress)
            if code == 0:
                return
            if last or pieces or not _SERVER_ERROR.search(said):
                break
            await asyncio.sleep(self._retry_s)
        error = self._explain(code, said)
        if isinstance(error, PlatformError):
            _save_pause(work, error)
        raise error

    async def _run(self, url: str, work: Path, ident: str, progress: Progress) -> tuple[int, str, int]:
        """One run: exit code, what it said, and how often it reported progress."""
        argv = fetch_argv(
            url, work / ident, ffmpeg=self._ffmpeg, cookies=self._cookies, proxy=self._proxy
        )  # fmt: skip
        command = Command(argv=argv, name="yt-dlp", env={"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore"})
        try:
            async with asyncio.timeout(_TIME_LIMIT_S), await process.start(command, stdout=True) as child:
                pieces = await _follow(child, progress)
                return await child.wait(), child.stderr_tail, pieces
        except TimeoutError as error:
            raise TimedOut(f"yt-dlp: {ident} was stopped after {_TIME_LIMIT_S:g} s", hint="it goes on later") from error

    def _explain(self, code: int, said: str) -> StreamhubError:
        """What a failure means; the first line that matters decides."""
        retry_at = self._now() + PAUSE

        def refused(fault: Fault, problem: ProblemCode, reason: str) -> PlatformError:
            return make_error(fault, problem, _DETAILS, reason=reason, retry_at=retry_at)

        if _NO_SPACE.search(said):
            return DiskFull("yt-dlp: no space left", hint="free some space; it goes on where it stopped")
        if match := _COOKIES.search(said):
            return refused(Fault.AUTH, ProblemCode.PULL_COOKIES, match[0])
        if _NO_FORMAT.search(said) and _RUNTIME.search(said):
            return refused(Fault.NOT_ALLOWED, ProblemCode.PULL_RUNTIME, "no format without a JavaScript runtime")
        if match := _BLOCKED.search(said) or _NO_FORMAT.search(said):
            return refused(Fault.NOT_ALLOWED, ProblemCode.PULL_BLOCKED, match[0])
        if match := _UNREACHABLE.search(said):
            return Unavailable(f"yt-dlp: {match[0]}", hint="it goes on later, where it stopped")
        return process.failed(Command(argv=["yt-dlp"], name="yt-dlp"), code, said)

    # What was brought.

    def _accept(self, work: Path, folder: Path, ident: str, expected_ms: int) -> Path:
        """Insist that the file is whole and move it to its name.

        Raises:
            PlatformError: it is much shorter than the broadcast, so the platform is still at work on it.
            BadMedia: sound or picture is missing.
        """
        found = [path for path in sorted(work.glob(f"{ident}.*")) if path.suffix in _MEDIA]
        if not found:
            raise BadMedia(f"yt-dlp: says that {ident} is there, but no file is", hint="look at its version")
        info = self._scanner.scan(found[0])
        if media_ms(info) < expected_ms - TOLERANCE_MS:
            found[0].replace(found[0].with_name(f"{found[0].name}.partial"))
            details = {**_DETAILS, "seconds": str((expected_ms - media_ms(info)) // 1000)}
            raise make_error(
                Fault.BAD_STATE, ProblemCode.VIDEO_NOT_READY, details, retry_at=self._now() + NOT_READY_PAUSE
            )
        if not info.audio_codec or not info.video_codec:
            missing = "picture" if info.audio_codec else "sound"
            raise BadMedia(f"{found[0].name}: came without {missing}", hint="download it by hand into the inbox")
        target = folder / found[0].name
        publish_file(found[0], target)
        for rest in work.glob(f"{ident}.*"):
            if rest.suffix != ".lock":
                rest.unlink(missing_ok=True)
        return target

    def _require_no_pause(self, work: Path) -> None:
        """Keep still while a refusal is not a day old, also after a restart."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads((work / "pause.json").read_text("utf-8"))
            until, code, fault = parse_instant(kept["until"]), ProblemCode(kept["code"]), Fault(kept["fault"])
            if self._now() < until:
                raise make_error(fault, code, _DETAILS, reason=str(kept["reason"]), retry_at=until)


def fetch_argv(url: str, target: Path, *, ffmpeg: Path, cookies: Path | None, proxy: str | None) -> list[str]:
    """The program and its arguments; of the cookies only their file's path is among them.

    Args:
        url: what to fetch.
        target: the file to make, without its ending.
        ffmpeg: the media program.
        cookies: a file of cookies, or None.
        proxy: empty: none; None: as the environment says.
    """
    argv = [sys.executable, "-P", "-m", "yt_dlp"]  # -P: no module out of the folder that the hub was started in
    argv += ["--ignore-config", "--no-plugin-dirs", "--no-cache-dir", "--no-playlist"]
    argv += ["--abort-on-unavailable-fragments", "--continue", "--no-mtime", "--color", "never"]
    argv += ["--socket-timeout", "20", "--retries", "5", "--fragment-retries", "5", "--extractor-retries", "0"]
    argv += ["--quiet", "--progress", "--newline", "--progress-template", _PROGRESS]
    argv += ["--format", _FORMAT, "--merge-output-format", "mp4", "--ffmpeg-location", str(ffmpeg)]
    argv += ["--output", str(target.absolute()).replace("%", "%%") + ".%(ext)s"]
    if cookies is not None:
        argv += ["--cookies", str(cookies.absolute())]
    if proxy is not None:
        argv += ["--proxy", proxy]
    return [*argv, "--", url]


async def _follow(child: Child, progress: Progress) -> int:
    assert child.process.stdout is not None
    pieces = 0
    while line := await child.process.stdout.readline():
        if (share := parse_progress(line.decode("utf-8", "replace"))) is not None:
            pieces += 1
            progress(share)
    return pieces


def parse_progress(line: str) -> float | None:
    """How much is there, 0 to 1, out of a line of the program; None for any other line."""
    try:
        given = json.loads(line)
        total = given["total"] or given["guess"]
        return min(1.0, float(given["done"]) / float(total)) if total else 0.0
    except (ValueError, KeyError, TypeError, ZeroDivisionError):
        return None


def _prepare(work: Path, cookies: Path | None) -> None:
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Environment(f"{work}: cannot be made ({error.strerror})", hint="check the folder") from error
    if cookies is None:
        return
    try:
        mode = cookies.stat().st_mode
    except OSError as error:
        raise Environment(
            f"{cookies}: cannot be read ({error.strerror})", hint="correct youtube.cookies_file"
        ) from error
    if not stat.S_ISREG(mode) or mode & 0o077:
        raise Environment(f"{cookies}: others can read these cookies", hint=f"run chmod 600 {cookies}")


def _find_there(folder: Path, ident: str) -> Path | None:
    return next((path for path in folder.iterdir() if path.suffix in _MEDIA and ident in path.stem), None)


def _save_pause(work: Path, error: PlatformError) -> None:
    until: datetime | None = error.retry_at
    if until is not None:
        kept = {"until": format_instant(until), "code": error.code, "fault": error.fault, "reason": error.reason}
        (work / "pause.json").write_text(json.dumps(kept), "utf-8")
