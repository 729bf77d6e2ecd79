"""Clips through the whole hub: made when asked for, kept right, and gone from site and disk with their answers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streamhub import process
from streamhub.archive.corrections import plan_ranges, plan_words
from streamhub.archive.folder import load_session
from streamhub.config import AnswerSettings, Settings
from streamhub.errors import Conflict, NotFound
from streamhub.process import Command
from streamhub.recording.pyav import scan_media
from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.recording.workflow import import_media
from streamhub.reviewing import HubReview
from streamhub.store.recordings import find_recording, save_recording
from streamhub.timecode import Span
from streamhub.transcript.vtt import parse_vtt
from streamhub.workspace import create_workspace
from tests.hub.test_recut import hear
from tests.hub.test_seams import (
    SESSION,
    answers_of,
    finish,
    folder,
    hold_session,
    open_parts,
    settle,
    write_captions,
)

if TYPE_CHECKING:
    from streamhub.app import Parts

__all__ = ["folder"]  # a fixture


@pytest.fixture(scope="session")
def film(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of picture and sound with a key frame every three seconds."""
    target = tmp_path_factory.mktemp("film") / "film.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=60", "-f", "lavfi", "-i", "sine=f=440:r=48000:d=60"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "75", "-c:a", "aac"]
    subprocess.run([str(program), "-v", "error", "-y", *source, *codecs, str(target)], check=True)
    return target


@asynccontextmanager
async def reviewed(folder: Path, film: Path, *, clock: ClockMap | None = None) -> AsyncIterator[Parts]:
    """A hub with a session of two answers that is in review, and its recording."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        made = await import_media(parts.room, film, SESSION.id)
        if clock is not None:
            await parts.store.write(lambda db: save_recording(db, replace(made, clock=clock)))
        await finish(parts, write_captions(folder))
        yield parts


async def publish(parts: Parts, *ids: str) -> None:
    for one in ids:
        await answers_of(parts).publish(SESSION.id, one, author="host")
    await settle(parts)


async def order(parts: Parts, *ids: str) -> None:
    await parts.clips.order(SESSION.id, ids, author="host")
    await settle(parts)


def on_disk(folder: Path) -> set[str]:
    place = folder / "media" / SESSION.id / "clips"
    return {path.name for path in place.iterdir()} if place.is_dir() else set()


def on_site(folder: Path) -> dict[str, Path]:
    """Every file of a clip that the site has, by answer and name."""
    found = [*(folder / "public" / "a").glob("*/clip.*"), *(folder / "public" / "a").glob("*/*.jpg")]
    return {f"{path.parent.name.partition('-')[0]}/{path.name}": path for path in found}


CLIP = {"clip.mp4", "clip.m4a", "clip.vtt", "poster.jpg", "share.jpg"}


async def test_only_published_answers_have_clips_on_the_site(folder: Path, film: Path) -> None:
    """A draft's clip lies on the disk alone; publishing shows it, withdrawing takes it from site and disk."""
    async with reviewed(folder, film) as parts:
        await publish(parts, "router")
        await order(parts, "router", "bill")
        view = await parts.clips.view(SESSION.id)
        assert set(view.clips) == {"router", "bill"}
        assert (view.offered, view.state) == (True, "")
        assert set(on_site(folder)) == {f"router/{name}" for name in CLIP}
        page = (folder / "public" / "a").glob("router-*/index.html")
        assert 'href="clip.mp4"' in next(page).read_text("utf-8")
        await publish(parts, "bill")
        assert set(on_site(folder)) == {f"{one}/{name}" for one in ("router", "bill") for name in CLIP}
        await answers_of(parts).withdraw(SESSION.id, "router", author="host")
        await settle(parts)
        assert set(on_site(folder)) == {f"bill/{name}" for name in CLIP}
        assert not [name for name in on_disk(folder) if name.startswith("router")]
        with pytest.raises(NotFound):
            await parts.clips.find_file(SESSION.id, view.clips["router"].video)
        assert (await parts.clips.find_file(SESSION.id, view.clips["bill"].video)).is_file()


async def test_an_order_without_names_is_for_what_is_published(folder: Path, film: Path) -> None:
    """Without names, published answers alone get clips; a second order makes nothing anew."""
    async with reviewed(folder, film) as parts:
        await publish(parts, "bill")
        await order(parts)
        assert set((await parts.clips.view(SESSION.id)).clips) == {"bill"}
        place = folder / "media" / SESSION.id / "clips"
        before = {path: path.stat().st_mtime_ns for path in place.iterdir()}
        await order(parts)
        assert {path: path.stat().st_mtime_ns for path in place.iterdir()} == before
        with pytest.raises(NotFound, match="no such answer"):
            await parts.clips.order(SESSION.id, ["nobody"], author="host")


async def test_a_moved_edge_makes_a_new_clip(folder: Path, film: Path) -> None:
    """After an edge of a public answer moved its clip is made anew by itself, and the old files are gone."""
    async with reviewed(folder, film) as parts:
        await publish(parts, "bill")
        await order(parts, "bill")
        before = (await parts.clips.view(SESSION.id)).clips["bill"]
        review = HubReview(parts.store, folder / "transcripts", parts.pipeline.archive_lock, parts.now)
        moved = [Span(33_000, 41_200), Span(44_040, 50_000)]
        await review.edit(SESSION.id, lambda a: plan_ranges(a, "bill", moved), {}, author="host")
        await settle(parts)
        after = (await parts.clips.view(SESSION.id)).clips["bill"]
        assert not set(before.files) & on_disk(folder)
        assert on_disk(folder) == {"bill.json", *after.files}
        assert abs(scan_media(on_site(folder)["bill/clip.mp4"]).duration_ms - 14_160) <= 80


async def test_a_new_cut_makes_a_new_clip(folder: Path, film: Path) -> None:
    """Where answers are cut anew by marks that were added later, their clips follow."""
    async with reviewed(folder, film) as parts:
        await publish(parts, "bill")
        await order(parts, "bill")
        await hear(parts, "bill", 41.2, 50.3)
        await answers_of(parts).recut(SESSION.id, author="host")
        await settle(parts)
        assert abs(scan_media(on_site(folder)["bill/clip.mp4"]).duration_ms - 9_000) <= 80


async def test_a_corrected_word_reaches_the_captions_of_the_clip(folder: Path, film: Path) -> None:
    """A word that a person took out stands in no clip any more, neither beside the film nor in it."""
    async with reviewed(folder, film) as parts:
        await publish(parts, "bill")
        await order(parts, "bill")
        assert "Abrechnung" in on_site(folder)["bill/clip.vtt"].read_text("utf-8")
        assert b"Abrechnung" in on_site(folder)["bill/clip.mp4"].read_bytes()
        review = HubReview(parts.store, folder / "transcripts", parts.pipeline.archive_lock, parts.now)
        archived = await review.load(SESSION.id)
        transcript = archived.transcripts[0]
        cue = next(cue for cue in transcript.cues if "Abrechnung" in cue.text)
        await review.edit(
            SESSION.id, lambda a: plan_words(a, "bill", transcript.language, cue.id, "Am Ersten."), {}, author="host"
        )
        await settle(parts)
        assert "Am Ersten." in on_site(folder)["bill/clip.vtt"].read_text("utf-8")
        assert b"Am Ersten." in on_site(folder)["bill/clip.mp4"].read_bytes()
        assert not [path for path in on_site(folder).values() if b"Abrechnung" in path.read_bytes()]


async def test_a_hole_in_the_recording_is_left_out(folder: Path, film: Path) -> None:
    """What was not recorded is not in the clip, and captions after the hole stand where they are heard."""
    clock = ClockMap(
        (ClockPiece(Span(0, 35_000), Span(0, 35_000)), ClockPiece(Span(40_000, 60_000), Span(35_000, 55_000)))
    )
    async with reviewed(folder, film, clock=clock) as parts:
        review = HubReview(parts.store, folder / "transcripts", parts.pipeline.archive_lock, parts.now)
        await review.edit(SESSION.id, lambda a: plan_ranges(a, "bill", [Span(31_000, 58_000)]), {}, author="host")
        await publish(parts, "bill")
        await order(parts, "bill")
        clip = on_site(folder)["bill/clip.mp4"]
        assert abs(scan_media(clip).duration_ms - 22_000) <= 40
        cues = parse_vtt(on_site(folder)["bill/clip.vtt"].read_text("utf-8"), "clip.vtt").cues
        assert [cue.span for cue in cues] == [Span(4_000, 9_000), Span(10_000, 19_000)]


async def test_clips_are_made_ahead_where_the_settings_say_so(tmp_path: Path, film: Path) -> None:
    """With `clips = "ahead"` publishing is enough."""
    folder = create_workspace(
        tmp_path / "ahead", Settings(answers=AnswerSettings(clips="ahead")), random=os.urandom
    ).folder
    async with reviewed(folder, film) as parts:
        await publish(parts, "router")
        assert set(on_site(folder)) == {f"router/{name}" for name in CLIP}
        assert set((await parts.clips.view(SESSION.id)).clips) == {"router"}


async def test_another_recording_makes_other_clips(folder: Path, film: Path, program: Path, tmp_path: Path) -> None:
    """Clips of a recording that was replaced are gone at once, and made of the new one when something is published."""
    other = tmp_path / "other.mp4"
    argv = [str(program), "-v", "error", "-i", str(film), "-c:v", "copy", "-af", "volume=0.5", str(other)]
    await process.run_checked(Command(argv=argv))
    async with reviewed(folder, film) as parts:
        await publish(parts, "bill")
        await order(parts, "bill")
        await import_media(parts.room, other, SESSION.id)
        assert on_disk(folder) == {"bill.json"}
        await publish(parts, "router")
        clip = (await parts.clips.view(SESSION.id)).clips["bill"]
        recording = await parts.store.read(lambda db: find_recording(db, SESSION.id))
        assert recording is not None
        assert clip.recording == recording.sha256


async def test_an_answer_in_writing_has_a_picture_to_share(folder: Path, film: Path) -> None:
    """Of an answer that is not in the recording there is a share picture and nothing else."""
    async with reviewed(folder, film) as parts:
        root = folder / "transcripts"
        path = next((root / "runde" / SESSION.id / "answers").glob("bill-*.md"))
        text = path.read_text("utf-8")
        begin = text.index("ranges:")
        end = text.index("language:", begin)
        path.write_text(f"{text[:begin]}ranges: []\n{text[end:]}\n\nAm Monatsersten.\n", "utf-8")
        assert next(one for one in load_session(root, "runde", SESSION.id).answers if one.id == "bill").ranges == ()
        await publish(parts, "bill")
        await order(parts, "bill")
        assert set(on_site(folder)) == {"bill/share.jpg"}


async def test_before_answers_are_cut_there_are_no_clips(folder: Path) -> None:
    """An order that comes too early is refused with what to do."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        with pytest.raises(Conflict, match="not cut yet"):
            await parts.clips.order(SESSION.id, [], author="host")
        assert (await parts.clips.view(SESSION.id)).offered is False


async def test_what_is_cancelled_stops_and_can_be_ordered_again(folder: Path, film: Path) -> None:
    """Cancelling leaves whole clips, no half ones and no folder of work; another order finishes the rest."""
    async with reviewed(folder, film) as parts:
        await publish(parts, "router", "bill")
        await parts.clips.order(SESSION.id, [], author="host")
        async with asyncio.timeout(60):
            while not any(name.startswith(".work-") for name in on_disk(folder)):
                await asyncio.sleep(0.02)
        await parts.clips.cancel(SESSION.id, author="host")
        async with asyncio.timeout(60):
            while any(name.startswith(".work-") for name in on_disk(folder)):
                await asyncio.sleep(0.02)
        view = await parts.clips.view(SESSION.id)
        assert (view.state, len(view.clips) < 2) == ("", True)
        await parts.clips.order(SESSION.id, [], author="host")
        async with asyncio.timeout(60):
            while len((await parts.clips.view(SESSION.id)).clips) < 2:
                await asyncio.sleep(0.1)


async def test_a_killed_hub_goes_on_with_its_clips(folder: Path, film: Path) -> None:
    """Killed while it cuts, the next process finishes what was ordered: whole clips, and nothing half beside them."""
    async with reviewed(folder, film) as parts:
        await publish(parts, "router", "bill")
    command = [sys.executable, "-m", "streamhub", "clips", SESSION.id, "-w", str(folder)]
    for _ in range(2):
        child = await process.start(Command(argv=command, own=True))
        async with asyncio.timeout(120):
            while child.running and not any(name.startswith(".work-") for name in on_disk(folder)):
                await asyncio.sleep(0.01)
        child.kill()
        await child.wait()
    async with open_parts(folder) as parts:
        await settle(parts)
        clips = (await parts.clips.view(SESSION.id)).clips
        assert set(clips) == {"router", "bill"}
        files = {name for clip in clips.values() for name in clip.files}
        assert on_disk(folder) == {"router.json", "bill.json", *files}
        assert set(on_site(folder)) == {f"{one}/{name}" for one in ("router", "bill") for name in CLIP}
        for clip in clips.values():
            video = folder / "media" / SESSION.id / "clips" / clip.video
            assert abs(scan_media(video).duration_ms - clip.duration_ms) <= 40
