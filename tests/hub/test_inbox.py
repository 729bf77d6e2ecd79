"""The inbox: what a host drops into a folder becomes the recording of its session, and nothing is lost or guessed."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamhub.app import Parts, open_hub
from streamhub.archive.folder import load_archive
from streamhub.config import Settings
from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.keepers import inbox_folder as disk
from streamhub.keepers.inbox import Inbox
from streamhub.live.platform import Phase
from streamhub.ordering import Source, order_session
from streamhub.recording.ffmpeg import Ffmpeg
from streamhub.recording.matching import InboxCode, InboxItem, InboxState, Reason
from streamhub.recording.pyav import PyavScanner
from streamhub.recording.recording import Recording, Segment, SegmentState
from streamhub.recording.room import RecordingRoom
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.broadcasts import BroadcastRow, save_broadcast
from streamhub.store.log import list_actions
from streamhub.store.recordings import find_recording, insert_segment
from streamhub.store.shows import load_session, save_session, save_show
from streamhub.timecode import Span
from streamhub.transcript.transcriber import TranscriptionJob
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.workspace import create_workspace

START = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
REF = "dQw4w9-_gXc"
TITLE = "Netz & Glasfaser: Fragen?"
SID = "2027-03-02-netz"
SESSION = Session(
    id=SID,
    show_id="runde",
    title=TITLE,
    starts_at=START,
    state=SessionState.ENDED,
    started_at=START,
    ended_at=START + timedelta(seconds=3),
)
ROW = BroadcastRow(
    session_id=SID,
    platform="youtube",
    marker="m1",
    ref=REF,
    phase=Phase.ENDED,
    started_at=START - timedelta(seconds=1),
    ended_at=START + timedelta(seconds=3),
)


@dataclass
class Clock:
    """The real time, moved by what a test likes."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class FakeTranscriber:
    """Hears one sentence in everything."""

    name: str = "fake small"
    heard: list[Path] = field(default_factory=list)

    async def version(self) -> str:
        return "1"

    async def prepare(self) -> None:
        """Nothing to fetch."""

    async def close(self) -> None:
        """Nothing is kept."""

    async def transcribe(self, job: TranscriptionJob, progress: object) -> Transcript:
        self.heard.append(job.media)
        return Transcript(language="de", cues=(Cue(id="c1", span=Span(1_000, 2_000), text="Der Router blinkt."),))


@dataclass
class Opened:
    """A hub's inner parts and its inbox."""

    parts: Parts
    inbox: Inbox
    room: RecordingRoom
    clock: Clock
    transcriber: FakeTranscriber

    def drop(self, source: Path | bytes, name: str) -> Path:
        target = self.inbox.folder / name
        if isinstance(source, bytes):
            target.write_bytes(source)
        else:
            shutil.copyfile(source, target)
        return target

    async def look(self) -> dict[str, InboxItem]:
        """Two rounds with the quiet time between them."""
        await self.inbox.look()
        self.clock.ahead += timedelta(seconds=30)
        await self.inbox.look()
        return {item.name: item for item in self.inbox.list()}

    async def work_off(self) -> dict[str, InboxItem]:
        """Look until nothing is begun any more."""
        items = await self.look()
        while self.inbox._job is not None and not self.inbox._job.done():
            await self.inbox._job
            items = await self.look()
        return items

    async def recording(self, session_id: str = SID) -> Recording | None:
        return await self.parts.store.read(lambda db: find_recording(db, session_id))

    async def keep(self, *rows: BroadcastRow, session: Session = SESSION, show: Show | None = None) -> None:
        """Keep a session and its broadcasts."""
        kept = show or Show(id="runde", title="Runde", platform="youtube", direct=True)

        def save(db: object) -> None:
            save_show(db, kept)
            save_session(db, session)
            for row in rows:
                save_broadcast(db, row)

        await self.parts.store.write(save)

    async def until_work(self, *states: str) -> None:
        async with asyncio.timeout(60):
            while True:
                works = await self.parts.engine.status()
                if works and all(work.state in states for work in works):
                    return
                await asyncio.sleep(0.05)

    async def hold(self) -> None:
        """Run the pipeline until it is held because nothing was recorded here."""
        await self.parts.store.write(lambda db: order_session(db, SID, Source(), at=self.clock()))
        async with asyncio.timeout(60):
            while not any(work.state == "held" for work in await self.parts.engine.status()):
                await asyncio.sleep(0.05)


@pytest.fixture(scope="session")
def make_clip(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a short MP4."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str, *, seconds: float = 3, size: str = "320x180", sound: bool = True, picture: bool = True) -> Path:
        target = folder / name
        source = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={seconds}"] if picture else []
        if sound:
            source += ["-f", "lavfi", "-i", f"sine=f=440:r=48000:d={seconds}"]
        codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac"]
        subprocess.run([str(program), "-v", "error", "-y", *source, *codecs, str(target)], check=True)
        return target

    return make


@pytest.fixture(scope="session")
def clip(make_clip: Callable[..., Path]) -> Path:
    """Three seconds with picture and tone."""
    return make_clip("clip.mp4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return create_workspace(tmp_path / "hub", Settings(), random=os.urandom).folder


@pytest.fixture
async def opened(folder: Path, program: Path) -> AsyncIterator[Opened]:
    """A hub's parts with an inbox that is looked at by hand."""
    clock = Clock()
    async with open_hub(folder, {}, now=clock, random=os.urandom) as parts:
        transcriber = FakeTranscriber()
        parts.pipeline._parts = replace(parts.pipeline._parts, transcriber=transcriber)
        media = parts.workspace.media(parts.settings)
        room = RecordingRoom(store=parts.store, tool=Ffmpeg(program), scanner=PyavScanner(), media_dir=media, now=clock)
        inbox = Inbox(folder / "inbox", room, parts.engine)
        await inbox.look()
        yield Opened(parts=parts, inbox=inbox, room=room, clock=clock, transcriber=transcriber)
        await inbox.close()


async def test_a_downloaded_video_lets_the_held_session_go_on(opened: Opened, clip: Path) -> None:
    """The show went straight to the platform: its pipeline is held, a file is dropped, and the session is finished."""
    await opened.keep(ROW)
    await opened.hold()
    opened.drop(clip, f"Netz & Glasfaser_ Fragen_ [{REF}].mp4")
    assert await opened.work_off() == {}
    await opened.until_work("done")
    recording = await opened.recording()
    assert recording is not None
    assert recording.source == "import"
    assert recording.clock.media_ms(0) == 1000  # the broadcast there began a second before the session did here
    assert opened.transcriber.heard == [opened.room.path_of(recording.path)]
    (archived,) = load_archive(opened.parts.workspace.transcripts)
    assert archived.recordings[0].clock == recording.clock
    assert archived.transcripts[0].cues[0].span.start_ms == 0  # heard at 1 s of the video
    session = await opened.parts.store.read(lambda db: load_session(db, SID))
    assert session.state is SessionState.IN_REVIEW
    assert [path.name for path in (opened.inbox.folder / "done").iterdir()] == [
        f"Netz & Glasfaser_ Fragen_ [{REF}].mp4"
    ]
    actions = await opened.parts.store.read(lambda db: list_actions(db, limit=5, object_id=SID))
    assert "recording.take" in {action.action for action in actions}


async def test_by_title_alone(opened: Opened, clip: Path) -> None:
    """A Studio download is named by its title, with other signs for those that no file name may hold."""
    await opened.keep(ROW)
    opened.drop(clip, "Netz _ Glasfaser_ Fragen_ (1).mp4")
    await opened.work_off()
    assert await opened.recording() is not None


async def test_several_sessions_or_none_are_left_to_the_host(opened: Opened, clip: Path) -> None:
    """What fits two sessions, or none, stays, is shown with reasons, and goes with one click where the host says."""
    other = replace(
        SESSION, id="2027-03-09-netz", starts_at=START + timedelta(days=7), started_at=START + timedelta(days=7)
    )
    other = replace(other, ended_at=START + timedelta(days=7, seconds=3))
    await opened.keep(ROW)
    await opened.keep(session=other)
    opened.drop(clip, "Netz & Glasfaser Fragen.mp4")
    opened.drop(clip, "VID_1234.mp4")
    items = await opened.work_off()
    both = items["Netz & Glasfaser Fragen.mp4"]
    assert (both.state, both.code) == (InboxState.WAITING, InboxCode.SEVERAL_FIT)
    assert {candidate.session_id for candidate in both.candidates} == {SID, other.id}
    assert all(Reason.SAME_TITLE in candidate.reasons for candidate in both.candidates)
    none = items["VID_1234.mp4"]
    assert none.code is InboxCode.NOTHING_FITS
    assert {candidate.session_id for candidate in none.candidates} == {SID, other.id}
    assert await opened.recording() is None
    await opened.inbox.assign("Netz & Glasfaser Fragen.mp4", other.id, "hanna")
    await opened.inbox.assign("VID_1234.mp4", SID, "hanna")
    assert await opened.work_off() == {}
    assert await opened.recording() is not None
    assert await opened.recording(other.id) is not None
    actions = await opened.parts.store.read(lambda db: list_actions(db, limit=9, object_id=SID))
    assert {action.author for action in actions if action.action.startswith("recording.")} == {"hanna"}


async def test_a_second_recording_is_left_and_may_replace(
    opened: Opened, clip: Path, make_clip: Callable[..., Path]
) -> None:
    """A session that has its recording keeps it until the host chooses the other file; then its pages follow."""
    await opened.keep(ROW)
    await opened.hold()
    opened.drop(clip, f"{REF}.mp4")
    await opened.work_off()
    await opened.until_work("done")
    first = await opened.recording()
    better = make_clip("better.mp4", seconds=4, size="640x360")
    opened.drop(better, f"{REF}.mp4")
    items = await opened.work_off()
    assert items[f"{REF}.mp4"].code is InboxCode.HAS_RECORDING
    assert await opened.recording() == first
    with pytest.raises(Conflict, match="has its recording already"):
        await opened.inbox.assign(f"{REF}.mp4", SID, "hanna")
    await opened.inbox.assign(f"{REF}.mp4", SID, "hanna", replace=True)
    assert await opened.work_off() == {}
    second = await opened.recording()
    assert second is not None
    assert second.info.width == 640
    await opened.until_work("done")
    (archived,) = load_archive(opened.parts.workspace.transcripts)
    assert archived.recordings[0].duration_ms == second.info.duration_ms
    assert len(opened.transcriber.heard) == 2
    assert sorted(path.name for path in (opened.inbox.folder / "done").iterdir()) == [f"{REF} (2).mp4", f"{REF}.mp4"]


async def test_our_own_recording_is_not_overtaken(opened: Opened, clip: Path) -> None:
    """While the hub's own segments wait to be joined, a dropped file takes no place."""
    await opened.keep(ROW, show=Show(id="runde", title="Runde", platform="youtube"))
    segment = Segment(
        session_id=SID, number=1, path=f"{SID}/seg-0001.mkv", started_at=START, duration_ms=3000,
        state=SegmentState.CLOSED,
    )  # fmt: skip
    await opened.parts.store.write(lambda db: insert_segment(db, segment))
    opened.drop(clip, f"{REF}.mp4")
    items = await opened.work_off()
    assert items[f"{REF}.mp4"].code is InboxCode.HAS_RECORDING
    assert await opened.recording() is None


async def test_another_length_is_asked_about(opened: Opened, clip: Path) -> None:
    """A file that is much shorter than the broadcast is not taken by itself, however well its name fits."""
    hour = START + timedelta(hours=1)
    await opened.keep(replace(ROW, ended_at=hour), session=replace(SESSION, ended_at=hour))
    opened.drop(clip, f"{REF}.mp4")
    items = await opened.work_off()
    assert items[f"{REF}.mp4"].code is InboxCode.OTHER_LENGTH
    assert items[f"{REF}.mp4"].details == {"title": TITLE, "seen": "0:03", "expected": "1:00:01"}
    await opened.inbox.assign(f"{REF}.mp4", SID, "hanna")
    assert await opened.work_off() == {}
    recording = await opened.recording()
    assert recording is not None
    assert 3_590_000 < recording.lost_ms < 3_600_000


async def test_a_session_that_still_runs_waits(opened: Opened, clip: Path) -> None:
    """A file for a session that has not ended stays until the end, and is taken then by itself."""
    await opened.keep(ROW, session=replace(SESSION, state=SessionState.LIVE, ended_at=None))
    opened.drop(clip, f"{REF}.mp4")
    items = await opened.work_off()
    assert items[f"{REF}.mp4"].code is InboxCode.NOT_ENDED
    with pytest.raises(Conflict, match="not ended"):
        await opened.inbox.assign(f"{REF}.mp4", SID, "hanna")
    await opened.keep(ROW)
    assert await opened.work_off() == {}


async def test_two_files_for_one_session(opened: Opened, clip: Path, make_clip: Callable[..., Path]) -> None:
    """The one that bears the id goes before the one that bears the title; of two as sure ones the host chooses."""
    await opened.keep(ROW)
    longer = make_clip("longer.mp4", seconds=5)
    opened.drop(clip, f"a {REF}.mp4")
    opened.drop(longer, f"b {REF}.mp4")
    items = await opened.work_off()
    assert {item.code for item in items.values()} == {InboxCode.SEVERAL_FILES}
    assert f"a {REF}.mp4, b {REF}.mp4" in items[f"a {REF}.mp4"].details["files"]
    (opened.inbox.folder / f"b {REF}.mp4").rename(opened.inbox.folder / f"{TITLE}.mp4")
    items = await opened.work_off()
    assert {item.code for item in items.values()} == {InboxCode.HAS_RECORDING}
    recording = await opened.recording()
    assert recording is not None
    assert recording.info.duration_ms < 3500


async def test_a_file_that_still_grows_is_left_alone(opened: Opened, clip: Path) -> None:
    """A file is looked at when nothing has changed for a while, and never under a browser's passing name."""
    await opened.keep(ROW)
    whole = clip.read_bytes()
    path = opened.drop(whole[:1000], f"{REF}.mp4")
    opened.drop(clip, f"{REF}.mp4.crdownload")
    for size in range(2000, 6000, 1000):
        await opened.inbox.look()
        opened.clock.ahead += timedelta(seconds=9)
        path.write_bytes(whole[:size])
    await opened.inbox.look()
    items = {item.name: item for item in opened.inbox.list()}
    assert items[f"{REF}.mp4"].code is InboxCode.GROWING
    path.write_bytes(whole)
    items = await opened.work_off()
    assert {name: item.code for name, item in items.items()} == {f"{REF}.mp4.crdownload": InboxCode.UNFINISHED}


async def test_hostile_files_are_refused_in_a_sentence(
    opened: Opened, clip: Path, make_clip: Callable[..., Path]
) -> None:
    """A lie, an empty file, a link, a folder, a name of control characters: each is named, nothing is touched."""
    await opened.keep(ROW)
    opened.drop(b"#EXTM3U\nfile:///etc/passwd\n", "list.mp4")
    opened.drop(b"I am a text.\n" * 100, f"{REF}.mp4")
    opened.drop(b"", "empty.mp4")
    opened.drop(clip, "bell\a\x1b[31m.mp4")
    opened.drop(make_clip("mute.mp4", sound=False), f"mute {REF}.mp4")
    opened.drop(make_clip("blind.mp4", picture=False), f"blind {REF}.mp4")
    inbox = opened.inbox.folder
    (inbox / f"link {REF}.mp4").symlink_to(clip)
    (inbox / "Takeout").mkdir()
    os.mkfifo(inbox / "pipe.mp4")
    with open(os.fsencode(inbox) + b"/\xff\xfe.mp4", "wb") as file:
        file.write(b"x")
    before = sorted(os.listdir(os.fsencode(inbox)))
    items = await opened.work_off()
    codes = {name: item.code for name, item in items.items()}
    assert codes == {
        "list.mp4": InboxCode.NO_MEDIA,
        f"{REF}.mp4": InboxCode.NO_MEDIA,
        "empty.mp4": InboxCode.EMPTY,
        "bell\\x07\\x1b[31m.mp4": InboxCode.BAD_NAME,
        f"mute {REF}.mp4": InboxCode.NO_SOUND,
        f"blind {REF}.mp4": InboxCode.NO_PICTURE,
        f"link {REF}.mp4": InboxCode.LINK,
        "Takeout": InboxCode.FOLDER,
        "pipe.mp4": InboxCode.LINK,
        "\\xdcff\\xdcfe.mp4": InboxCode.BAD_NAME,
    }
    for name in ("bell\\x07\\x1b[31m.mp4", f"link {REF}.mp4", "empty.mp4", f"mute {REF}.mp4", "list.mp4"):
        with pytest.raises(BadInput):
            await opened.inbox.assign(name, SID, "hanna")
    for name in ("../hub.sqlite3", "/etc/passwd", "done", ".slips"):
        with pytest.raises(NotFound):
            await opened.inbox.assign(name, SID, "hanna")
    with pytest.raises(NotFound):
        await opened.inbox.assign(f"blind {REF}.mp4", "2027-01-01-nowhere", "hanna")
    assert sorted(os.listdir(os.fsencode(inbox))) == before
    await opened.inbox.assign(f"blind {REF}.mp4", SID, "hanna")  # the sound is enough where the host says so
    await opened.work_off()
    assert await opened.recording() is not None


def make_zip(path: Path, **members: Path | bytes | str) -> Path:
    """An archive as an export makes it; in names, two underscores are a slash."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            raw = content.read_bytes() if isinstance(content, Path) else content
            archive.writestr(name.replace("__", "/"), raw)
    return path


async def test_an_export_brings_what_is_missing(opened: Opened, clip: Path) -> None:
    """Of a ZIP with German folder and column names only the session's video is taken, by the id in its CSV."""
    named = replace(SESSION, title="Ein ganz anderer Titel hier")
    await opened.keep(ROW, session=named)
    table = (
        "Video-ID,Ungefähre Dauer (ms),Videotitel (Original),Erstellungszeitpunkt\n"
        f"{REF},3000,So hieß es dort später,2027-03-02T19:15:00+00:00\n"
        "aaaaaaaaaaa,3000,Urlaub,2027-01-01T10:00:00+00:00\n"
    )
    make_zip(
        opened.inbox.folder / "takeout-001.zip",
        **{
            "Takeout__YouTube und YouTube Music__Videos__So hieß es dort später.mp4": clip,
            "Takeout__YouTube und YouTube Music__Videos__Urlaub.mp4": clip,
            "Takeout__YouTube und YouTube Music__Video-Metadaten__Videos.csv": table,
        },
    )
    assert await opened.work_off() == {}
    assert await opened.recording() is not None
    done = sorted(path.name for path in (opened.inbox.folder / "done").iterdir())
    assert done == ["So hieß es dort später.mp4", "takeout-001.zip"]


async def test_hostile_archives_stay_closed(opened: Opened, clip: Path) -> None:
    """Bombs, paths that lead out, links, broken and locked ones: nothing leaves the inbox and nothing is unpacked."""
    await opened.keep(ROW)
    inbox = opened.inbox.folder
    with zipfile.ZipFile(inbox / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{REF}.mp4", b"\0" * 50_000_000)
    link = zipfile.ZipInfo(f"link {REF}.mp4")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(inbox / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    opened.drop(b"PK\x03\x04 no archive at all", "broken.zip")
    locked = bytearray(make_zip(inbox / "locked.zip", **{f"{REF}.mp4": clip}).read_bytes())
    place = locked.index(b"PK\x01\x02")
    locked[place + 8] |= 1  # the flag of a password
    (inbox / "locked.zip").write_bytes(locked)
    make_zip(inbox / "others.zip", **{"Urlaub.mp4": clip})
    items = await opened.work_off()
    assert {name: item.code for name, item in items.items()} == {
        "bomb.zip": InboxCode.ZIP_BOMB,
        "link.zip": InboxCode.ZIP_NOTHING,
        "broken.zip": InboxCode.ZIP_BROKEN,
        "locked.zip": InboxCode.ZIP_LOCKED,
        "others.zip": InboxCode.ZIP_NOTHING,
    }
    assert items["others.zip"].details == {"count": "1"}
    make_zip(inbox / "out.zip", **{f"..__..__..__{REF}.mp4": clip})
    items = await opened.work_off()
    assert "out.zip" not in items  # its last part alone counts as a name
    assert await opened.recording() is not None
    assert not (inbox.parent / f"{REF}.mp4").exists()
    assert not (inbox.parent.parent / f"{REF}.mp4").exists()


def test_an_archive_of_nothing_but_words_fills_no_memory(tmp_path: Path) -> None:
    """However many descriptions an archive holds and however far they unpack, what is kept of them is bounded."""
    with zipfile.ZipFile(tmp_path / "words.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(12):
            archive.writestr(f"{number}.csv", b"a,b\n" * 60_000)
        archive.writestr("far.csv", b"\n" * 19 * 2**20)
    assert len(disk.read_zip(tmp_path / "words.zip").rows) == 100_000


def test_an_inbox_that_the_hub_makes_is_its_owners(tmp_path: Path) -> None:
    """Nobody else on the machine reads recordings before they are published; a folder that was there stays as it is."""
    disk.prepare_folder(tmp_path / "new")
    assert [(tmp_path / "new" / name).stat().st_mode & 0o077 for name in (".", ".slips")] == [0, 0]
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    disk.prepare_folder(shared)
    assert shared.stat().st_mode & 0o777 == 0o775


def test_a_taken_file_finds_a_free_name_whatever_it_is_called(tmp_path: Path) -> None:
    """A second file of a name as long as names may be is put aside too, and nothing waits for ever."""
    for number in (1, 2):
        path = tmp_path / f"a.{'b' * 253}"
        path.write_bytes(b"x" * number)
        disk.prepare_folder(tmp_path)
        (entry,) = disk.list_folder(tmp_path)
        disk.move_to_done(tmp_path, entry)
    assert sorted(path.stat().st_size for path in (tmp_path / "done").iterdir()) == [1, 2]


async def test_a_broken_member_leaves_no_half_file(opened: Opened, clip: Path) -> None:
    """An archive whose video is damaged is told about, and nothing of it is left lying about."""
    await opened.keep(ROW)
    raw = bytearray(make_zip(opened.inbox.folder / "bad.zip", **{f"{REF}.mp4": clip}).read_bytes())
    raw[2000:2100] = bytes(100)
    (opened.inbox.folder / "bad.zip").write_bytes(raw)
    items = await opened.work_off()
    assert items["bad.zip"].state is InboxState.FAILED
    assert "CRC" in items["bad.zip"].details["reason"]
    assert [path.name for path in opened.inbox.folder.iterdir() if path.suffix == ".mp4"] == []
    assert list((opened.inbox.folder / ".slips").iterdir()) == []


async def test_parts_are_joined_when_all_are_there(opened: Opened, clip: Path) -> None:
    """A session that went on in a second broadcast becomes one recording whose clock knows the gap between them."""
    end = START + timedelta(seconds=180)
    second = replace(
        ROW, part=2, ref="bbbbbbbbbbb", marker="m2", started_at=START + timedelta(seconds=177), ended_at=end
    )
    first = replace(ROW, started_at=START, ended_at=START + timedelta(seconds=3))
    await opened.keep(first, second, session=replace(SESSION, ended_at=end))
    opened.drop(clip, "bbbbbbbbbbb.mp4")
    items = await opened.work_off()
    item = items["bbbbbbbbbbb.mp4"]
    assert item.code is InboxCode.PART_WAITS
    assert item.details == {"title": TITLE, "part": "2", "parts": "2", "missing": "1"}
    opened.drop(clip, f"{REF}.mp4")
    assert await opened.work_off() == {}
    recording = await opened.recording()
    assert recording is not None
    one, two = recording.clock.pieces
    assert (one.session.start_ms, two.session.start_ms) == (0, 177_000)
    assert one.media.end_ms == two.media.start_ms
    assert abs(recording.info.duration_ms - 6000) < 200
    assert abs(recording.lost_ms - 174_000) < 200


async def test_parts_that_differ_stay(opened: Opened, clip: Path, make_clip: Callable[..., Path]) -> None:
    """Parts in different sizes cannot be joined without loss; that is said, and both files stay."""
    second = replace(ROW, part=2, ref="bbbbbbbbbbb", marker="m2", started_at=START + timedelta(seconds=10))
    await opened.keep(ROW, replace(second, ended_at=START + timedelta(seconds=13)), session=SESSION)
    opened.drop(clip, f"{REF}.mp4")
    opened.drop(make_clip("big.mp4", size="640x360"), "bbbbbbbbbbb.mp4")
    items = await opened.work_off()
    assert {item.code for item in items.values()} == {InboxCode.NO_MEDIA}
    assert "640x360" in items[f"{REF}.mp4"].details["reason"]
    assert await opened.recording() is None


@pytest.mark.parametrize("delay_s", [0.0, 0.08])
async def test_stopped_by_the_host(opened: Opened, make_clip: Callable[..., Path], delay_s: float) -> None:
    """What the host stops stays in the inbox, is not begun again by itself, and leaves nothing half done."""
    end = START + timedelta(seconds=90)
    await opened.keep(replace(ROW, ended_at=end), session=replace(SESSION, ended_at=end))
    opened.drop(make_clip("long.mp4", seconds=90, size="160x90"), f"{REF}.mp4")
    items = await opened.look()
    assert items[f"{REF}.mp4"].state is InboxState.TAKING
    await asyncio.sleep(delay_s)
    await opened.inbox.cancel(f"{REF}.mp4", "hanna")
    items = await opened.work_off()
    assert items[f"{REF}.mp4"].code is InboxCode.STOPPED
    assert await opened.recording() is None
    assert list(opened.room.media_dir.rglob("*.part")) == []
    await opened.inbox.assign(f"{REF}.mp4", SID, "hanna")
    assert await opened.work_off() == {}


async def test_two_hubs_on_one_inbox(opened: Opened, clip: Path) -> None:
    """The second keeper of a folder says so and touches nothing; when the first is gone it goes on."""
    await opened.keep(ROW)
    opened.drop(clip, f"{REF}.mp4")
    second = Inbox(opened.inbox.folder, opened.room, opened.parts.engine)
    await second.look()
    assert second.problem == (InboxCode.OTHER_HUB, {})
    assert second.list() == []
    await opened.inbox.close()
    await second.look()
    assert second.problem is None
    assert [item.code for item in second.list()] == [InboxCode.GROWING]
    await second.close()


async def test_a_folder_that_cannot_be_used(opened: Opened, tmp_path: Path) -> None:
    """An inbox that is a file is told about in a sentence, and the hub goes on."""
    (tmp_path / "file").write_text("")
    inbox = Inbox(tmp_path / "file" / "inbox", opened.room, opened.parts.engine)
    await inbox.look()
    assert inbox.problem is not None
    assert inbox.problem[0] is InboxCode.NO_FOLDER
    await inbox.close()


async def test_the_keeper_works_by_itself(opened: Opened, clip: Path) -> None:
    """Started, it needs nobody: a dropped file is taken within a few seconds."""
    await opened.keep(ROW)
    inbox = Inbox(opened.inbox.folder, opened.room, opened.parts.engine, quiet_s=0.2, poll_s=0.1)
    await opened.inbox.close()
    await inbox.start()
    opened.drop(clip, f"{REF}.mp4")
    async with asyncio.timeout(20):
        while inbox.list() or await opened.recording() is None:
            await asyncio.sleep(0.05)
    await inbox.close()


def test_killed_at_any_moment(folder: Path, program: Path, make_clip: Callable[..., Path]) -> None:
    """A hub that is killed while it takes a file leaves the file; the next start completes it, once."""
    source = make_clip("killed.mp4", seconds=60, size="640x360")
    states: list[bool] = []
    for number, delay_s in enumerate((0.0, 0.1, 0.4)):
        inbox = folder / "inbox"
        inbox.mkdir(exist_ok=True)
        name = f"killed-{number}"
        shutil.copyfile(source, inbox / f"{name}.mp4")
        argv = [sys.executable, "-m", "tests.hub.inbox_process", str(folder), name, str(program)]
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("taking"):
                time.sleep(delay_s)
                child.send_signal(signal.SIGKILL)
                break
        child.wait()
        child.stdout.close()
        done = inbox / "done" / f"{name}.mp4"
        states.append(done.exists())
        assert (inbox / f"{name}.mp4").exists() != done.exists()
        finished = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
        said = json.loads(finished.stdout.splitlines()[-1])
        assert said["source"] == "import"
        assert abs(said["duration_ms"] - 60_000) < 200
        assert done.exists()
        assert not (inbox / f"{name}.mp4").exists()
        assert list((inbox / ".slips").iterdir()) == []
    assert list((folder / "media").rglob("*.part")) == []
    assert not all(states)  # at least one was killed before the end


async def test_unpacking_stopped_by_the_host(opened: Opened, tmp_path: Path) -> None:
    """An archive that the host stops is not unpacked again by itself, and what was half done is gone."""
    await opened.keep(ROW)
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(2**20) * 200)
    make_zip(opened.inbox.folder / "a.zip", **{f"{REF}.mp4": film})
    items = await opened.look()
    assert items["a.zip"].code is InboxCode.UNPACKING
    async with asyncio.timeout(30):
        while opened.inbox.list()[0].progress < 0.05:
            await asyncio.sleep(0.001)
    await opened.inbox.cancel("a.zip", "hanna")
    items = await opened.work_off()
    assert {name: item.code for name, item in items.items()} == {"a.zip": InboxCode.STOPPED}
    assert list((opened.inbox.folder / ".slips").glob("*.part")) == []


async def test_descriptions_from_another_file(opened: Opened, clip: Path) -> None:
    """A JSON beside the video, or in another archive of the same export, lends it its id."""
    await opened.keep(ROW)
    about = json.dumps({"id": REF, "snippet": {"title": "egal", "tags": ["x"] * 5000}, "deep": [[[[[[[[[["y"]]]]]]]]]]})
    opened.drop(about.encode(), "mein film.info.json")
    opened.drop(b"[" * 100_000, "nested.json")
    opened.drop(clip, "mein film.mp4")
    items = await opened.work_off()
    assert {item.code for item in items.values()} == {InboxCode.DESCRIPTION}
    assert await opened.recording() is not None
