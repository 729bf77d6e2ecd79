"""The fetcher against a server on this machine: what is whole is brought, and nothing short or holed passes for it."""

import asyncio
import importlib.util
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from streamhub.errors import BadInput, BadMedia, Conflict, Environment, PlatformError, ToolFailed, Unavailable
from streamhub.live.problem import ProblemCode
from streamhub.recording.pyav import PyavScanner
from streamhub.recording.yt_dlp import WORK_FOLDER, YtDlp, fetch_argv, parse_progress

pytestmark = pytest.mark.skipif(importlib.util.find_spec("yt_dlp") is None, reason="yt-dlp is not installed")
NOW = datetime(2027, 3, 3, 9, 0, tzinfo=UTC)
IDENT = "dQw4w9-_gXc"


@dataclass
class Server:
    """Serves files, and stumbles as it is told."""

    folder: Path
    url: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    slow_s: float = 0.0

    async def serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.seen.append((name, request.headers.get("Range", "")))
        if self.answers and (status := self.answers.pop(0)) != 200:
            return web.Response(status=status)
        path = self.folder / name
        if not path.exists():
            return web.Response(status=404)
        if request.method == "GET" and (self.cuts or self.slow_s):
            return await self._falter(request, path)
        return web.FileResponse(path)

    async def _falter(self, request: web.Request, path: Path) -> web.StreamResponse:
        raw = path.read_bytes()
        begin = request.http_range.start or 0
        response = web.StreamResponse(status=206 if begin else 200)
        response.content_length = len(raw) - begin
        response.headers["Accept-Ranges"] = "bytes"
        response.content_type = "video/mp4"
        if begin:
            response.headers["Content-Range"] = f"bytes {begin}-{len(raw) - 1}/{len(raw)}"
        await response.prepare(request)
        end = (self.cuts.pop(0) if self.cuts else 0) or len(raw)
        for place in range(begin, end, 20_000):
            await response.write(raw[place : min(place + 20_000, end)])
            await asyncio.sleep(self.slow_s)
        if end < len(raw) and request.transport is not None:
            request.transport.abort()
        return response


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    (tmp_path / "www").mkdir()
    made = Server(tmp_path / "www")
    app = web.Application()
    app.router.add_get("/{name:.*}", made.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    await runner.cleanup()


@pytest.fixture(scope="session")
def film(make_clip: Callable[..., Path]) -> Path:
    """Eight seconds, a few hundred kilobytes."""
    return make_clip("film.mp4", seconds=8, size="640x360")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in 100% box"
    folder.mkdir()
    return folder


@pytest.fixture
def fetcher(server: Server, program: Path) -> YtDlp:
    return YtDlp(program, PyavScanner(), now=lambda: NOW, allow=[server.url], proxy="", retry_s=0.05)


async def fetch(fetcher: YtDlp, server: Server, inbox: Path, ending: str = "mp4", *, expected_ms: int = 8000) -> Path:
    shares: list[float] = []
    path = await fetcher.fetch(
        f"{server.url}{IDENT}.{ending}", inbox, expected_ms=expected_ms, progress=shares.append
    )  # fmt: skip
    assert shares, "no progress was told"
    assert all(0 <= share <= 1 for share in shares)
    return path


def put(server: Server, film: Path) -> bytes:
    raw = film.read_bytes()
    (server.folder / f"{IDENT}.mp4").write_bytes(raw)
    return raw


async def test_a_video_lands_in_the_inbox(fetcher: YtDlp, server: Server, inbox: Path, film: Path) -> None:
    """The whole file appears under the id's name, byte for byte, and nothing else stays but the lock."""
    raw = put(server, film)
    path = await fetch(fetcher, server, inbox)
    assert path == inbox / f"{IDENT}.mp4"
    assert path.read_bytes() == raw
    assert [rest.name for rest in (inbox / WORK_FOLDER).iterdir()] == [f"{IDENT}.lock"]
    with pytest.raises(Conflict, match="in the folder already"):
        await fetch(fetcher, server, inbox)


def make_hls(server: Server, film: Path, program: Path) -> list[Path]:
    playlist = server.folder / f"{IDENT}.m3u8"
    options = ["-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0"]
    subprocess.run([str(program), "-v", "error", "-i", str(film), *options, str(playlist)], check=True)
    return sorted(server.folder.glob("*.ts"))


async def test_pieces_are_joined(fetcher: YtDlp, server: Server, inbox: Path, film: Path, program: Path) -> None:
    """A video in HLS pieces becomes one file of the whole length."""
    make_hls(server, film, program)
    path = await fetch(fetcher, server, inbox, "m3u8")
    assert abs(PyavScanner().scan(path).duration_ms - 8000) < 300


async def test_a_missing_piece_is_an_error(
    fetcher: YtDlp, server: Server, inbox: Path, film: Path, program: Path
) -> None:
    """yt-dlp alone would leave the piece out and call it success."""
    make_hls(server, film, program)[3].unlink()
    with pytest.raises(ToolFailed, match="404"):
        await fetch(fetcher, server, inbox, "m3u8")
    assert [path for path in inbox.iterdir() if path.is_file()] == []


async def test_a_short_video_is_not_ready(fetcher: YtDlp, server: Server, inbox: Path, film: Path) -> None:
    """What is over a minute shorter than the broadcast is kept aside and asked for again in an hour."""
    raw = put(server, film)
    with pytest.raises(PlatformError) as caught:
        await fetch(fetcher, server, inbox, expected_ms=8000 + 61_000)
    assert caught.value.code == ProblemCode.VIDEO_NOT_READY
    assert caught.value.retry_at == NOW + timedelta(hours=1)
    assert (inbox / WORK_FOLDER / f"{IDENT}.mp4.partial").read_bytes() == raw
    assert [path for path in inbox.iterdir() if path.is_file()] == []
    await fetch(fetcher, server, inbox, expected_ms=8000 + 59_000)
    assert list((inbox / WORK_FOLDER).glob("*.partial")) == []


async def test_refused_means_a_day_of_silence(
    fetcher: YtDlp, server: Server, inbox: Path, film: Path, program: Path
) -> None:
    """After a 403 nothing is asked for a day, also by another process, and then again."""
    put(server, film)
    server.answers = [403, 403]
    with pytest.raises(PlatformError) as caught:
        await fetch(fetcher, server, inbox)
    assert caught.value.code == ProblemCode.PULL_BLOCKED
    assert caught.value.retry_at == NOW + timedelta(hours=24)
    asked = len(server.seen)
    again = YtDlp(program, PyavScanner(), now=lambda: NOW + timedelta(hours=23), allow=[server.url], proxy="")
    with pytest.raises(PlatformError) as caught:
        await fetch(again, server, inbox)
    assert caught.value.retry_at == NOW + timedelta(hours=24)
    assert len(server.seen) == asked
    server.answers = []
    later = YtDlp(program, PyavScanner(), now=lambda: NOW + timedelta(hours=25), allow=[server.url], proxy="")
    assert (await fetch(later, server, inbox)).exists()


async def test_one_stumble_is_forgiven(fetcher: YtDlp, server: Server, inbox: Path, film: Path) -> None:
    """One 503 at the first request is tried once more; two are an error that the engine may try again."""
    put(server, film)
    server.answers = [503]
    await fetch(fetcher, server, inbox)
    (inbox / f"{IDENT}.mp4").unlink()
    server.seen.clear()
    server.answers = [503] * 50
    with pytest.raises(ToolFailed, match="503"):
        await fetch(fetcher, server, inbox)
    assert len(server.seen) <= 4  # two runs, each with its look ahead and its request


async def test_a_lost_connection_is_resumed(fetcher: YtDlp, server: Server, inbox: Path, film: Path) -> None:
    """A connection cut in the middle goes on where it stopped and yields the same bytes."""
    raw = put(server, film)
    server.cuts = [0, 150_000]  # the first request only looks what there is
    path = await fetch(fetcher, server, inbox)
    assert path.read_bytes() == raw
    assert any(bounds.startswith("bytes=") and bounds != "bytes=0-" for _, bounds in server.seen)


async def test_stopped_and_begun_again(fetcher: YtDlp, server: Server, inbox: Path, film: Path) -> None:
    """A fetch that is stopped leaves no program behind, and the next one asks only for the rest."""
    raw = put(server, film)
    server.slow_s = 0.05
    begun = asyncio.Event()
    url = f"{server.url}{IDENT}.mp4"

    def note(share: float) -> None:
        if share > 0.2:
            begun.set()

    task = asyncio.create_task(fetcher.fetch(url, inbox, expected_ms=8000, progress=note))
    await asyncio.wait_for(begun.wait(), 30)
    assert _runs(url)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _runs(url)
    (part,) = (inbox / WORK_FOLDER).glob("*.part")
    assert 0 < part.stat().st_size < len(raw)
    server.slow_s = 0
    server.seen.clear()
    assert (await fetch(fetcher, server, inbox)).read_bytes() == raw
    assert any(bounds.startswith("bytes=") and bounds != "bytes=0-" for _, bounds in server.seen)


def _runs(url: str) -> bool:
    """Whether a program with this address among its arguments runs."""
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and url.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


async def test_two_at_once(fetcher: YtDlp, server: Server, inbox: Path, film: Path) -> None:
    """The second fetch of one recording is refused; the first one's file is whole."""
    raw = put(server, film)
    server.slow_s = 0.05
    first = asyncio.create_task(fetch(fetcher, server, inbox))
    while not server.seen:
        await asyncio.sleep(0.02)
    with pytest.raises(Conflict, match="somebody else"):
        await fetch(fetcher, server, inbox)
    assert (await first).read_bytes() == raw


async def test_nobody_answers(fetcher: YtDlp, server: Server, inbox: Path) -> None:
    """A server that is away is a passing fault, without a pause of a day."""
    closed = YtDlp(fetcher._ffmpeg, PyavScanner(), now=lambda: NOW, allow=["http://127.0.0.1:9/"], proxy="")
    with pytest.raises(Unavailable, match="refused"):
        await closed.fetch(f"http://127.0.0.1:9/{IDENT}.mp4", inbox, expected_ms=1, progress=lambda share: None)
    assert not (inbox / WORK_FOLDER / "pause.json").exists()


async def test_without_sound(fetcher: YtDlp, server: Server, inbox: Path, make_clip: Callable[..., Path]) -> None:
    """A film without sound is no recording."""
    put(server, make_clip("silent.mp4", seconds=8, size="640x360", sound=False))
    with pytest.raises(BadMedia, match="without sound"):
        await fetch(fetcher, server, inbox)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=dQw4w9-_gXc&list=PL1",
        "https://www.youtube.com/playlist?list=PL1",
        "http://www.youtube.com/watch?v=dQw4w9-_gXc",
        "https://www.youtube.com.evil.example/watch?v=dQw4w9-_gXc",
        "https://www.youtube.com/watch?v=../../../../x",
        "file:///etc/passwd",
        "--exec=id",
        "",
    ],
)
async def test_only_watch_addresses(fetcher: YtDlp, inbox: Path, url: str) -> None:
    """Nothing but the watch address of one video is handed to the program."""
    with pytest.raises(BadInput, match="no watch address"):
        await fetcher.fetch(url, inbox, expected_ms=1, progress=lambda share: None)
    assert list(inbox.iterdir()) == []


def test_only_this_machine_may_be_allowed(program: Path) -> None:
    """Another address can be allowed only where it is on this machine."""
    with pytest.raises(BadInput, match="not on this machine"):
        YtDlp(program, PyavScanner(), now=lambda: NOW, allow=["http://192.0.2.1/"])


async def test_cookies_are_kept_private(server: Server, inbox: Path, film: Path, program: Path, tmp_path: Path) -> None:
    """Cookies that others can read are refused; of good ones only the path is among the arguments."""
    put(server, film)
    cookies = tmp_path / "cookies.txt"
    line = ".youtube.com\tTRUE\t/\tTRUE\t4102444800\tSID\tcanary-of-a-cookie\n"
    cookies.write_text(f"# Netscape HTTP Cookie File\n{line}")
    os.chmod(cookies, 0o644)
    fetcher = YtDlp(program, PyavScanner(), now=lambda: NOW, cookies=cookies, allow=[server.url], proxy="")
    with pytest.raises(Environment, match="chmod 600"):
        await fetch(fetcher, server, inbox)
    os.chmod(cookies, 0o600)
    await fetch(fetcher, server, inbox)
    argv = fetch_argv(server.url, inbox / IDENT, ffmpeg=program, cookies=cookies, proxy="")
    assert str(cookies) in argv
    assert "canary" not in " ".join(argv)
    assert cookies.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("ERROR: [youtube] x: Sign in to confirm you're not a bot. Use --cookies", ProblemCode.PULL_COOKIES),
        ("ERROR: [youtube] x: Private video. Sign in if you've been granted access", ProblemCode.PULL_COOKIES),
        ("ERROR: unable to download video data: HTTP Error 403: Forbidden", ProblemCode.PULL_BLOCKED),
        (
            "WARNING: No supported JavaScript runtime found\nERROR: x: Requested format is not available.",
            ProblemCode.PULL_RUNTIME,
        ),
        ("ERROR: [youtube] x: Requested format is not available.", ProblemCode.PULL_BLOCKED),
    ],
)
def test_every_refusal_has_its_sentence(fetcher: YtDlp, said: str, code: ProblemCode) -> None:
    """What the program says of a refusal becomes a code, and the next try is a day away."""
    error = fetcher._explain(1, said)
    assert isinstance(error, PlatformError)
    assert (error.code, error.retry_at) == (code, NOW + timedelta(hours=24))
    assert "YouTube" in error.message


def test_progress_lines() -> None:
    """Lines of progress are shares of the whole, anything else is nothing."""
    assert parse_progress(json.dumps({"done": 5, "total": 10, "guess": None})) == 0.5
    assert parse_progress(json.dumps({"done": 5, "total": None, "guess": 20.0})) == 0.25
    assert parse_progress(json.dumps({"done": 5, "total": None, "guess": None})) == 0.0
    assert parse_progress("[download] 5 %") is None
    assert parse_progress('"text"') is None
