"""A live show on the hub and on YouTube at once: real processes, real media, and the counterpart of YouTube.

One long course, because that is what a host does in one evening; what each part promises is tested where it lives.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from streamhub import process
from streamhub.archive.folder import load_archive
from streamhub.control import ask_hub
from streamhub.demo.client import Host
from streamhub.demo.script import Roundtable
from streamhub.errors import StreamhubError
from streamhub.process import Child, Command
from streamhub.workspace import Workspace, open_workspace
from tests.fakes.youtube.fake import FakeYouTube
from tests.hub.conftest import Run


@dataclass
class Evening:
    """Everything that a show in both places needs."""

    workspace: Workspace
    fake: FakeYouTube
    env: dict[str, str]
    log: Path
    url: str = ""
    rtmp: str = ""
    said: list[str] = field(default_factory=list)


@pytest.fixture
def fake(tmp_path: Path, no_proxies: None) -> Iterator[FakeYouTube]:
    with FakeYouTube(rtmp_dir=tmp_path, processing_polls=0) as fake:
        yield fake


@pytest.fixture
def evening(workspace: Path, fake: FakeYouTube, tmp_path: Path) -> Evening:
    """A workspace whose YouTube is the counterpart."""
    (workspace / "client.json").write_text(json.dumps(fake.client_config))
    env = {
        "STREAMHUB_YOUTUBE_CLIENT_FILE": "client.json",
        "STREAMHUB_YOUTUBE_API_URL": fake.url,
        "STREAMHUB_HUB_URL": "https://hub.example.org",
        "STREAMHUB_SITE_URL": "https://answers.example.org",
        "STREAMHUB_YOUTUBE_CHAT_REPLY": "true",
        "OAUTHLIB_INSECURE_TRANSPORT": "1",
    }
    with socket.create_server(("127.0.0.1", 0)) as free:  # the address that the hub names is its public one
        port = free.getsockname()[1]
    env["STREAMHUB_HUB_PORT"] = str(port)
    return Evening(
        workspace=open_workspace(workspace),
        fake=fake,
        env=env,
        log=tmp_path / "hub.log",
        url=f"http://127.0.0.1:{port}",
    )


async def connect(evening: Evening, *options: str) -> tuple[int, str]:
    """`streamhub youtube connect`, with the part of the browser played here."""
    argv = [sys.executable, "-m", "streamhub", "--debug", "youtube", "connect", "-w", str(evening.workspace.folder)]
    child = await asyncio.create_subprocess_exec(
        *argv,
        "--no-browser",
        *options,
        env={**os.environ, **evening.env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = ""
    assert child.stdout is not None
    async with asyncio.timeout(60):
        while line := (await child.stdout.readline()).decode():
            said += line
            if line.startswith(evening.fake.auth_uri):
                await asyncio.to_thread(_browse, line.strip())
        code = await child.wait()
    evening.said.append(said)
    return code, said


def _browse(address: str) -> None:
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=20) as page:
        page.read()


@contextlib.asynccontextmanager
async def running_hub(evening: Evening) -> AsyncIterator[Child]:
    argv = [sys.executable, "-m", "streamhub", "--debug", "serve", "-w", str(evening.workspace.folder)]
    with evening.log.open("ab") as log:
        child = await asyncio.create_subprocess_exec(
            *argv, env={**os.environ, **evening.env}, stdout=log, stderr=log, start_new_session=True
        )
        try:
            evening.rtmp = (await until(lambda: _find_hub(evening), timeout_s=40))["rtmp"]
            yield child
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            await asyncio.wait_for(child.wait(), 30)


async def _find_hub(evening: Evening) -> Any:
    try:
        return await ask_hub(evening.workspace, "hub")
    except StreamhubError:
        return None


async def until(condition: Callable[[], Any], *, timeout_s: float = 20.0, what: str = "") -> Any:
    """What the condition says once it says something."""
    last = None
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                last = condition()
                if isinstance(last, Awaitable):
                    last = await last
                if last:
                    return last
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"waited {timeout_s:g} s in vain: {what or condition}")


def push_command(program: Path, table: Roundtable, target: str) -> Command:
    """An encoder: the round table's sound under a moving picture, at the speed of life."""
    argv = [str(program), "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=10"]
    argv += ["-re", "-i", str(table.audio_file), "-map", "0:v", "-map", "1:a", "-t", str(table.duration_ms / 1000)]
    argv += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "20", "-b:v", "200k"]
    return Command(argv=[*argv, "-c:a", "aac", "-ar", "48000", "-ac", "1", "-f", "flv", target], name="encoder")


def secrets_of(evening: Evening) -> dict[str, str]:
    """Whatever must be seen by nobody."""
    fake = evening.fake
    found = {f"stream key {stream.id}": stream.key for stream in fake.streams.values()}
    for number, grant in enumerate(fake.grants):
        found |= {f"access token {number}-{at}": token for at, token in enumerate(grant.access_tokens)}
        found[f"refresh token {number}"] = grant.refresh_token
    found["client secret"] = fake.client_config["installed"]["client_secret"]
    return found


def read_argvs() -> dict[str, str]:
    """The command lines of every process on this machine, by program."""
    found: dict[str, str] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and (argv := (entry / "cmdline").read_bytes()):
                found[f"{entry.name} {argv.split(bytes(1))[0].decode()}"] = argv.decode("utf-8", "replace")
    return found


async def read_pages(evening: Evening, session_id: str) -> dict[str, str]:
    """What the public sees of a session."""
    paths = [
        "/",
        f"/s/{session_id}",
        f"/api/v1/sessions/{session_id}",
        "/archive/",
        f"/api/v1/sessions/{session_id}/questions",
    ]
    async with aiohttp.ClientSession() as http:
        pages = {}
        for path in paths:
            async with http.get(evening.url + path) as response:
                pages[path] = await response.text()
        return pages


@pytest.fixture
def table(german_table: Roundtable) -> Roundtable:
    """The beginning of the demo's round table: three questions, enough for chapters."""
    aired = sorted((one for one in german_table.questions if one.on_air_ms), key=lambda one: one.on_air_ms or 0)[:3]
    return replace(german_table, duration_ms=(aired[-1].answer_end_ms or 0) + 1_000, questions=tuple(aired))


@pytest.mark.timeout(240)
async def test_a_show_in_both_places(evening: Evening, table: Roundtable, program: Path, run: Run) -> None:
    """Planned, renamed, rehearsed, live, cut off and healed, captioned, with chapters; and no secret leaks."""
    fake = evening.fake
    code, said = await connect(evening)
    assert code == 0, said
    assert "Testing" in said, "the sentence about seven days"
    async with running_hub(evening):
        token = (await ask_hub(evening.workspace, "api-token", {"person": "host"}))["token"]
        async with Host(evening.url, token=token) as host:
            session_id = await plan(host, table)
            broadcast = await until(lambda: next(iter(fake.broadcasts.values()), None), what="a broadcast")
            await until(lambda: broadcast.stream_id, what="its stream")
            await rename(evening, token, session_id)
            await until(lambda: broadcast.title == "Rechnung & Vertrag", what="the new title")
            await perform(evening, host, session_id, table, program)
            await host.wait_for_state(session_id, {"in_review"}, timeout_s=90)
            await until(lambda: broadcast.state == "complete", what="the end there")
            await review(evening, host, session_id)
            await until(lambda: "0:00" in broadcast.description, timeout_s=60, what="chapters in the description")
            await until(lambda: fake.captions, timeout_s=30, what="captions")
            await withdraw(evening, host, session_id)
        for command in (("youtube", "quota"), ("doctor",)):
            told = await asyncio.to_thread(run, *command, "-w", evening.workspace.folder, env=evening.env)
            evening.said.append(told.out + told.err)
        assert "units are spent" in evening.said[-2]
        assert "Fake" in evening.said[-1] or fake.channel.title in evening.said[-1]
        assert len(fake.broadcasts) == 1
        assert fake.violations == []
        check_recording(evening, table)
        pages = await read_pages(evening, session_id)
    (caption,) = fake.captions.values()
    assert caption.language == "de"
    assert b"-->" in caption.media
    assert broadcast.video.thumbnail[:3] == b"\xff\xd8\xff"
    assert [item.video_id for playlist in fake.playlists.values() for item in playlist.items] == [broadcast.id]
    files = {str(path): path.read_text("utf-8", "replace") for path in _texts(evening.workspace.folder)}
    seen = {**pages, **files, "log": evening.log.read_text(), "connect": "\n".join(evening.said)}
    for name, secret in secrets_of(evening).items():
        assert secret
        assert [place for place, text in seen.items() if secret in text] == [], name


def _texts(folder: Path) -> list[Path]:
    kinds = {".md", ".vtt", ".json", ".html", ".xml", ".js", ".toml", ".token"}
    return [path for path in folder.rglob("*") if path.suffix in kinds and path.name != "client.json"]


async def plan(host: Host, table: Roundtable, *, direct: bool = False) -> str:
    show = {"title": "Expertenrunde", "platform": "youtube", "privacy": "unlisted", "direct": direct}
    people = [{"name": one.name, "role": one.role, "about": one.about} for one in table.speakers]
    start = datetime.now(UTC) + timedelta(minutes=20)
    session = {"title": table.title, "starts_at": start.isoformat(), "planned_minutes": 30, "participants": people}
    return await host.plan_session(show, session)


async def rename(evening: Evening, token: str, session_id: str) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
        path = f"{evening.url}/api/v1/host/sessions/{session_id}"
        async with http.patch(path, json={"title": "Rechnung & Vertrag"}) as response:
            assert response.status == 200, await response.text()


async def perform(evening: Evening, host: Host, session_id: str, table: Roundtable, program: Path) -> None:
    """Rehearse, go live, put questions on air, cut the way to the platform and heal it, end."""
    fake, broadcast = evening.fake, next(iter(evening.fake.broadcasts.values()))
    ids = [
        (await host.post(f"/api/v1/sessions/{session_id}/questions", {"text": one.text}))["id"] for one in table.aired
    ]
    ingest = await host.get(f"/api/v1/host/sessions/{session_id}/ingest")
    await host.set_state(session_id, "rehearsal")
    async with await process.start(push_command(program, table, f"{ingest['url']}/{ingest['key']}")) as encoder:
        began = asyncio.get_running_loop().time()
        await host.wait_for_signal(session_id, timeout_s=20)
        await until(lambda: broadcast.state == "testing", what="the rehearsal there")
        await host.set_state(session_id, "live")
        await until(lambda: broadcast.state == "live", what="live there")
        keys = [stream.key for stream in fake.streams.values()]
        for argv_of, argv in read_argvs().items():
            assert "ffmpeg" in argv_of or not any(key in argv for key in keys), argv_of
        chat = broadcast.chat_id
        fake.say(chat, "Kim", "guten Abend")
        fake.say(chat, "Alex", "!frage Wie lange dauert die Lieferung?")
        fake.kill_rtmp()
        cut_at = asyncio.get_running_loop().time()
        for question_id, asked in zip(ids, table.aired, strict=True):
            await asyncio.sleep(max(0.0, began + asked.on_air_ms / 1000 - asyncio.get_running_loop().time()))
            if cut_at and asyncio.get_running_loop().time() - cut_at > 6:
                fake.restore_rtmp()
                cut_at = 0.0
            await host.act(question_id, "on-air")
        questions = await until(lambda: _from_chat(host, session_id), timeout_s=60, what="the chat's question")
        assert [(one["text"], one["source"]) for one in questions] == [("Wie lange dauert die Lieferung?", "chat")]
        stream = next(iter(fake.streams.values()))
        await until(lambda: stream.state == "active", what="the healed relay")
        assert stream.publishes >= 2
        await encoder.wait(timeout_s=120)
    await host.set_state(session_id, "ended")


async def _from_chat(host: Host, session_id: str) -> list[Any]:
    questions = await host.get(f"/api/v1/host/sessions/{session_id}/questions")
    return [one for one in questions["questions"] if one["source"] == "chat"]


async def review(evening: Evening, host: Host, session_id: str) -> None:
    """Publish every answer, and let the description follow."""
    for answer in (await host.get(f"/api/v1/host/sessions/{session_id}/answers"))["answers"]:
        await host.post(f"/api/v1/host/sessions/{session_id}/answers/{answer['id']}/publish")
    await host.post(f"/api/v1/host/sessions/{session_id}/video/approve")


async def withdraw(evening: Evening, host: Host, session_id: str) -> None:
    """What is withdrawn goes from the description and the captions at once."""
    (broadcast,), (caption,) = evening.fake.broadcasts.values(), evening.fake.captions.values()
    answers = (await host.get(f"/api/v1/host/sessions/{session_id}/answers"))["answers"]
    captions, chapter = caption.media, answers[0]["question"][:30]
    assert chapter in broadcast.description
    await host.post(f"/api/v1/host/sessions/{session_id}/answers/{answers[0]['id']}/withdraw")
    await until(lambda: chapter not in broadcast.description, timeout_s=40, what="the chapter gone")
    await until(lambda: caption.media != captions, timeout_s=20, what="captions without the withdrawn answer")


def check_recording(evening: Evening, table: Roundtable) -> None:
    """The cut way to the platform cost the recording nothing, and the archive knows the video and its clock."""
    (session,) = load_archive(evening.workspace.transcripts)
    local, video = sorted(session.recordings, key=lambda recording: recording.kind != "file")
    assert local.duration_ms > table.duration_ms - 8_000
    assert video.url == f"https://www.youtube.com/watch?v={next(iter(evening.fake.broadcasts))}"
    assert video.clock.pieces[0].session.start_ms < 20_000


@pytest.mark.timeout(240)
async def test_a_show_straight_to_the_platform(
    evening: Evening, table: Roundtable, program: Path, tmp_path: Path
) -> None:
    """An encoder that pushes past the hub: live, ended, and the downloaded video finds its session in the inbox."""
    fake = evening.fake
    assert (await connect(evening))[0] == 0
    async with running_hub(evening):
        token = (await ask_hub(evening.workspace, "api-token", {"person": "host"}))["token"]
        async with Host(evening.url, token=token) as host:
            session_id = await plan(host, table, direct=True)
            broadcast = await until(lambda: next(iter(fake.broadcasts.values()), None), what="a broadcast")
            await until(lambda: broadcast.stream_id, what="its stream")
            ingest = await host.get(f"/api/v1/host/sessions/{session_id}/ingest")
            stream = fake.streams[broadcast.stream_id]
            assert ingest["key"] == stream.key
            question = await host.post(f"/api/v1/sessions/{session_id}/questions", {"text": table.aired[0].text})
            target = f"{ingest['url']}/{ingest['key']}"
            async with await process.start(
                push_command(program, replace(table, duration_ms=25_000), target)
            ) as encoder:
                await until(lambda: stream.state == "active", what="the picture there")
                await host.set_state(session_id, "live")
                await until(lambda: broadcast.state == "live", what="live there")
                await host.act(question["id"], "on-air")
                await encoder.wait(timeout_s=60)
            await host.set_state(session_id, "ended")
            await until(lambda: broadcast.state == "complete", what="the end there")
            held = await until(lambda: _held(host, session_id), what="the recording that is missing")
            assert "inbox" in held
            media = next(path for path in tmp_path.glob("*.flv"))
            video = tmp_path / "download.mp4"
            argv = [str(program), "-loglevel", "error", "-i", str(media), "-c", "copy", str(video)]
            await process.run_checked(Command(argv=argv, name="download"))
            video.rename(evening.workspace.folder / "inbox" / f"{table.title} [{broadcast.id}].mp4")
            await host.wait_for_state(session_id, {"in_review"}, timeout_s=120)
            (session,) = load_archive(evening.workspace.transcripts)
    local = next(recording for recording in session.recordings if recording.kind == "file")
    assert local.duration_ms > 10_000
    assert list((evening.workspace.folder / "inbox" / "done").rglob("*.mp4")), "what was taken is kept"


async def _held(host: Host, session_id: str) -> str:
    """What the host is told about the work that waits."""
    work = (await host.get("/api/v1/host/work"))["work"]
    steps = [step for one in work if session_id in one["key"] for step in one["steps"] if step["state"] == "held"]
    return steps[0]["message"] if steps else ""
