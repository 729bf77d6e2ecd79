"""Both engines with the rehearsal model: what they hear, how they stop, and how they say what is wrong."""

import asyncio
import importlib.util
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from streamhub.config import TranscriptSettings
from streamhub.errors import BadMedia, ModelMissing, TimedOut, ToolFailed, ToolMissing
from streamhub.text import words_of
from streamhub.timecode import Span
from streamhub.transcript.child import ChildJob, Recognisers
from streamhub.transcript.faster_whisper import FasterWhisper
from streamhub.transcript.openai_whisper import OpenaiWhisper
from streamhub.transcript.sound import RATE_HZ, load_sound
from streamhub.transcript.transcriber import Transcriber, TranscriptionJob

ENGINES = pytest.mark.skipif(importlib.util.find_spec("whisper") is None, reason="openai-whisper is not installed")
MAX_WORD_ERROR_RATE = 0.25
EXCERPT_S = 30


def ignore(done_ms: int, total_ms: int) -> None:
    """A listener who does not care."""


def word_error_rate(truth: str, heard: str) -> float:
    """Edits between two word lists over the length of the truth (Levenshtein)."""
    wanted, got = words_of(truth), words_of(heard)
    row = list(range(len(got) + 1))
    for number, word in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], number
        for at, other in enumerate(got, start=1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (word != other))
    return row[-1] / len(wanted)


def true_words(audio: Path, *, until_s: float = float("inf")) -> str:
    segments = json.loads(audio.with_suffix(".json").read_text("utf-8"))["segments"]
    return " ".join(segment["text"] for segment in segments if segment["end_ms"] <= until_s * 1000)


@pytest.fixture
def faster(rehearsal: TranscriptSettings, tmp_path: Path) -> FasterWhisper:
    return FasterWhisper(settings=rehearsal, cache=tmp_path, environ={})


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


@pytest.mark.parametrize("round_table", ["de", "en"], indirect=True)
async def test_the_default_engine_hears_the_round_table(faster: FasterWhisper, round_table: Path) -> None:
    """Speech becomes the right words with times, probabilities and speakers' sentences; the language is detected."""
    language = round_table.stem[-2:]
    steps: list[tuple[int, int]] = []
    transcript = await faster.transcribe(
        TranscriptionJob(media=round_table), lambda done, total: steps.append((done, total))
    )
    assert transcript.language == language
    assert word_error_rate(true_words(round_table), transcript.text) <= MAX_WORD_ERROR_RATE
    assert transcript.made_with == "faster-whisper rehearsal"
    assert steps[-1][0] == steps[-1][1] > 60_000
    assert all(0 <= word.probability <= 1 for cue in transcript.cues for word in cue.words)
    ends = [cue.text[-1] for cue in transcript.cues]
    assert sum(end in ".?!" for end in ends) >= 0.9 * len(ends)


@pytest.mark.parametrize("round_table", ["de", "en"], indirect=True)
async def test_what_is_spoken_is_told_whatever_was_said_before(faster: FasterWhisper, round_table: Path) -> None:
    """Told the other language, the engine says for each window of a minute what it is really like; else nothing."""
    spoken = round_table.stem[-2:]
    told = "en" if spoken == "de" else "de"
    job = TranscriptionJob(media=round_table, span=Span(0, 61_000), language=told, check_language=True)
    checks = (await faster.transcribe(job, ignore)).language_checks
    assert [check.language for check in checks] == [spoken, spoken]
    assert min(check.chance for check in checks) >= 0.9
    detected = await faster.transcribe(TranscriptionJob(media=round_table, span=Span(0, 10_000)), ignore)
    assert (detected.language, detected.language_checks) == (spoken, ())
    assert 0.5 < detected.language_chance <= 1


@pytest.mark.engines
@pytest.mark.timeout(400)  # it compiles its word alignment anew in every process
@ENGINES
@pytest.mark.parametrize("round_table", ["de", "en"], indirect=True)
async def test_the_reference_engine_hears_the_same(
    rehearsal: TranscriptSettings, tmp_path: Path, round_table: Path
) -> None:
    """The reference engine hears the round table as well as the default one must."""
    engine = OpenaiWhisper(settings=replace(rehearsal, threads=1), cache=tmp_path, environ={})
    transcript = await engine.transcribe(TranscriptionJob(media=round_table, language=round_table.stem[-2:]), ignore)
    assert word_error_rate(true_words(round_table), transcript.text) <= MAX_WORD_ERROR_RATE
    assert any(cue.words for cue in transcript.cues)


async def test_an_engine_that_is_not_installed_says_how_to_get_it(
    rehearsal: TranscriptSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its package the reference engine names the line that installs it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    engine: Transcriber = OpenaiWhisper(settings=rehearsal, cache=tmp_path, environ={})
    with pytest.raises(ToolMissing, match="pip install"):
        await engine.transcribe(TranscriptionJob(media=tmp_path / "x.wav"), ignore)


@pytest.mark.parametrize("round_table", ["de"], indirect=True)
async def test_films_are_heard_on_their_own_clock(
    faster: FasterWhisper, round_table: Path, write_sound: object
) -> None:
    """An MP4 with a picture is heard, and its times are the film's."""
    assert callable(write_sound)
    sound = load_sound(round_table)[: EXCERPT_S * RATE_HZ]
    film = write_sound("film.mp4", sound, video=True)
    assert abs(len(load_sound(film)) - len(sound)) < RATE_HZ // 5
    transcript = await faster.transcribe(TranscriptionJob(media=film, language="de"), ignore)
    assert word_error_rate(true_words(round_table, until_s=EXCERPT_S), transcript.text) < 0.5
    assert 20_000 < transcript.cues[-1].span.end_ms <= EXCERPT_S * 1000 + 500


@pytest.mark.parametrize("kind", ["silence", "hum", "noise"])
async def test_nothing_said_is_an_empty_transcript(faster: FasterWhisper, write_sound: object, kind: str) -> None:
    """Silence, a hum and noise are no errors and no words."""
    assert callable(write_sound)
    t = np.arange(6 * RATE_HZ) / RATE_HZ
    sounds = {
        "silence": np.zeros(len(t)),
        "hum": 0.2 * np.sin(2 * np.pi * 110 * t),
        "noise": np.random.default_rng(1).normal(0, 0.05, len(t)),
    }
    media = write_sound("quiet.wav", sounds[kind].astype(np.float32))
    transcript = await faster.transcribe(TranscriptionJob(media=media, language="de"), ignore)
    assert transcript.cues == ()
    assert transcript.language == "de"


async def test_a_film_without_sound_is_refused(faster: FasterWhisper, silent_picture: Path) -> None:
    """A video without a sound track is named as such."""
    with pytest.raises(BadMedia, match=r"silent\.mp4: has no sound"):
        await faster.transcribe(TranscriptionJob(media=silent_picture), ignore)


@pytest.mark.parametrize("content", [b"", b"this is no media at all" * 100], ids=["empty", "text"])
async def test_broken_media_are_refused(faster: FasterWhisper, tmp_path: Path, content: bytes) -> None:
    """An empty file and a file of another type are named as such."""
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(BadMedia, match=r"broken\.mp4: cannot be read as media"):
        await faster.transcribe(TranscriptionJob(media=path), ignore)


async def test_holes_in_the_stream_become_silence(tmp_path: Path) -> None:
    """Sound after a hole in the time stamps stays where the medium's clock has it."""
    path = tmp_path / "hole.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        for at_s in (0, 1, 5):  # nothing between 2 and 5 s
            block = np.full((1, RATE_HZ), 8000 if at_s == 5 else 0, np.int16)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE_HZ, at_s * RATE_HZ
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    samples = load_sound(path)
    assert abs(len(samples) - 6 * RATE_HZ) < RATE_HZ // 20
    assert abs(int(np.argmax(np.abs(samples) > 0.1)) - 5 * RATE_HZ) < RATE_HZ // 20


@pytest.mark.parametrize("round_table", ["de"], indirect=True)
async def test_cancelling_leaves_no_process(faster: FasterWhisper, round_table: Path) -> None:
    """A cancelled job takes its process with it."""
    before = children()
    started = asyncio.Event()
    task = asyncio.create_task(
        faster.transcribe(TranscriptionJob(media=round_table, language="de"), lambda done, total: started.set())
    )
    await asyncio.wait_for(started.wait(), 60)
    assert len(children()) > len(before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == before


@pytest.mark.parametrize("round_table", ["de"], indirect=True)
async def test_the_time_limit_stops_the_engine(faster: FasterWhisper, round_table: Path) -> None:
    """A job that takes longer than it may is stopped, its process is gone, and the message says what to do."""
    began_s = time.monotonic()
    with pytest.raises(TimedOut, match=r"faster-whisper rehearsal: stopped.*smaller model"):
        await faster.transcribe(TranscriptionJob(media=round_table, time_limit_s=0.3), ignore)
    assert time.monotonic() - began_s < 10
    assert not children()


@pytest.mark.parametrize("round_table", ["de"], indirect=True)
async def test_a_kept_process_does_the_next_job_too(
    rehearsal: TranscriptSettings, round_table: Path, tmp_path: Path
) -> None:
    """The model is loaded once for many jobs; the words are those of a process of their own; closing ends it."""
    kept = FasterWhisper(settings=rehearsal, cache=tmp_path, environ={}, recognisers=Recognisers(keep_s=60))
    alone = FasterWhisper(settings=rehearsal, cache=tmp_path, environ={})
    jobs = [
        TranscriptionJob(media=round_table, language="de", span=Span(start_s * 1000, (start_s + 8) * 1000))
        for start_s in (0, 20)
    ]
    try:
        heard = [await kept.transcribe(job, ignore) for job in jobs]
        (process,) = children()
        assert [part.cues for part in heard] == [(await alone.transcribe(job, ignore)).cues for job in jobs]
        assert heard[1].cues[0].span.start_ms >= 20_000
        assert children() == [process], "another process than the one that waits"
        process.kill()
        process.wait(10)
        assert (await kept.transcribe(jobs[0], ignore)).cues == heard[0].cues, "a dead process was asked"
    finally:
        await kept.close()
    assert not children()


async def test_a_process_that_dies_is_reported() -> None:
    """An engine's process that ends without a word is a failure with what it said last."""
    with pytest.raises(ToolFailed, match="gone: ended with exit code"):
        await Recognisers().recognise(ChildJob(module="streamhub.no_such_module", name="gone", request={}), ignore)


async def test_a_broken_model_is_named(tmp_path: Path, rehearsal: TranscriptSettings, model_folder: Path) -> None:
    """A folder whose files are no model is named, with what to do."""
    from streamhub.transcript.models import REHEARSAL_FOLDER

    settings = TranscriptSettings(model=str(model_folder), threads=1)
    engine = FasterWhisper(settings=settings, cache=tmp_path, environ=os.environ)
    speech = REHEARSAL_FOLDER.parents[1] / "demo" / "roundtable_de.opus"
    if not speech.is_file():
        pytest.skip("the demo's audio is not in this checkout")
    with pytest.raises(ModelMissing, match="cannot be loaded"):
        await engine.transcribe(TranscriptionJob(media=speech), ignore)
