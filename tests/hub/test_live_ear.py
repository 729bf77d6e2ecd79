"""The live ear on real sound: what is heard while it flows, what is not, and that nothing is held up."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streamhub.config import TranscriptSettings
from streamhub.demo.script import Roundtable
from streamhub.live_ear import LiveEar, LiveEarParts
from streamhub.recording.recording import ClockMap, Segment
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.recordings import insert_segment
from streamhub.store.shows import save_session, save_show
from streamhub.store.store import Store
from streamhub.timecode import Span
from streamhub.transcript.child import Recognisers
from streamhub.transcript.faster_whisper import FasterWhisper
from streamhub.transcript.glossary import Vocabulary
from streamhub.transcript.live_turns import MOST_WAITING_MS
from streamhub.transcript.live_words import Listening, LiveCaptions, find_holes, place_streams
from streamhub.transcript.rules import interpolate_words
from streamhub.transcript.transcriber import Transcriber, TranscriptionJob
from streamhub.transcript.transcript import Cue, Transcript

SESSION = "2027-03-02-netz"
BEGAN = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
LENGTH_S = 24
CHUNK = 4_096
NOTHING = Vocabulary()


@dataclass
class Counting:
    """Hears a word in everything; as slowly as a test wants it."""

    name: str = "counting"
    gate: asyncio.Event | None = None
    known: str = "1"
    asked: list[TranscriptionJob] = field(default_factory=list)

    async def version(self) -> str:
        return self.known

    async def prepare(self) -> None:
        """Nothing to fetch."""

    async def close(self) -> None:
        """Nothing is kept."""

    async def transcribe(self, job: TranscriptionJob, progress: Callable[[int, int], None]) -> Transcript:
        self.asked.append(job)
        if self.gate is not None:
            await self.gate.wait()
        assert job.media.exists()
        span = Span(job.start_ms + 300, job.start_ms + 900)
        cue = Cue(id="c1", span=span, text="Wort.", words=interpolate_words("Wort.", span))
        return Transcript(language=job.language, cues=(cue,), made_with=self.name)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "hub.sqlite3", now=lambda: BEGAN) as opened:
        await opened.write(lambda db: save_show(db, Show(id="netz", title="Das Netz")))
        yield opened


async def hold(store: Store, *, live: bool = True, began: datetime = BEGAN) -> None:
    """A session, and the segment that a recorder has just opened for it."""
    state = SessionState.LIVE if live else SessionState.REHEARSAL
    session = Session(
        id=SESSION,
        show_id="netz",
        title="Netz",
        starts_at=BEGAN,
        state=state,
        language="de",
        started_at=began if live else None,
    )
    segment = Segment(session_id=SESSION, number=1, path="seg-0001.mkv", started_at=BEGAN)

    def save(db: object) -> None:
        save_session(db, session)  # type: ignore[arg-type]
        insert_segment(db, segment)  # type: ignore[arg-type]

    await store.write(save)


def make_ear(store: Store, media: Path, transcriber: Transcriber | None, *, known: Vocabulary = NOTHING) -> LiveEar:
    return LiveEar(
        LiveEarParts(
            store=store,
            transcriber=transcriber,
            media=media,
            vocabulary=lambda db, session: known,
            detect_language=False,
        )
    )


@pytest.fixture(scope="module")
def signal(program: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What an encoder sends of the beginning of the German round table, with a picture."""
    from streamhub.demo.script import load_roundtable

    audio = load_roundtable("de").audio_file
    argv = [str(program), "-v", "error", "-f", "lavfi", "-i", "color=c=gray:s=64x48:r=5", "-i", str(audio)]
    argv += [
        "-t",
        str(LENGTH_S),
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "10",
        "-c:a",
        "aac",
        "-f",
        "flv",
        "-",
    ]
    return subprocess.run(argv, check=True, capture_output=True).stdout


async def push(ear: LiveEar, signal: bytes) -> None:
    """Offer a signal as a door does, without waiting for anybody."""
    tap = ear.tap(SESSION, "flv")
    assert tap is not None
    for at in range(0, len(signal), CHUNK):
        tap.offer(signal[at : at + CHUNK])
        await asyncio.sleep(0)
    tap.close()


async def test_words_are_there_while_the_show_runs_and_nothing_is_left_to_hear(
    store: Store, tmp_path: Path, signal: bytes, german_table: Roundtable
) -> None:
    """Real speech is captioned in order; at the end the recording has no hole; a new hub shows the same captions."""
    settings = TranscriptSettings(model="rehearsal", threads=2)
    faster = FasterWhisper(settings=settings, cache=tmp_path, environ={}, recognisers=Recognisers(keep_s=60))
    ear = make_ear(store, tmp_path, faster)
    seen: list[LiveCaptions] = []
    ear.changed = lambda session_id: seen.append(ear.captions(session_id))
    await hold(store)
    try:
        await push(ear, signal)
        await ear.finish(SESSION)
        whole = ear.captions(SESSION)
    finally:
        await ear.close()
    truth = [segment.text for segment in german_table.segments if segment.end_ms < (LENGTH_S - 1) * 1000]
    assert [cue.text for cue in whole.cues[: len(truth)]] == truth
    for cue, segment in zip(whole.cues, german_table.segments, strict=False):
        assert abs(cue.span.start_ms - segment.start_ms) < 600
    assert seen
    assert whole.listening is Listening.OFF, "the encoder is gone"
    streams = await ear.heard(SESSION)
    clock = ClockMap.identity(LENGTH_S * 1000)
    known = place_streams(streams, clock, session_started_at=BEGAN)
    assert not find_holes(known, clock, duration_ms=LENGTH_S * 1000)
    again = make_ear(store, tmp_path, None)
    await again.resume()
    assert again.captions(SESSION).cues == whole.cues
    await again.forget(SESSION)
    assert not again.captions(SESSION).cues
    assert not list((tmp_path / SESSION).rglob("*.wav"))


async def test_names_are_put_right_while_the_show_runs(store: Store, tmp_path: Path, signal: bytes) -> None:
    """Captions have the names of the show's vocabulary, and what was kept for the recording says what was heard."""
    known = Vocabulary(hints=("Streamhub",), told=(("wort", "Streamhub"),))
    counting = Counting()
    ear = make_ear(store, tmp_path, counting, known=known)
    await hold(store)
    await push(ear, signal)
    await ear.finish(SESSION)
    captions, streams = ear.captions(SESSION), await ear.heard(SESSION)
    await ear.close()
    assert captions.cues
    assert {cue.text for cue in captions.cues} == {"Streamhub."}
    assert {job.vocabulary for job in counting.asked} == {("Streamhub",)}
    assert streams[0].items[0].transcript.cues[0].words[0].heard == "Wort"


async def test_what_is_said_right_now_is_heard_before_its_sentence_is_over(
    store: Store, tmp_path: Path, signal: bytes
) -> None:
    """Between complete pieces the growing one is heard; its caption goes when the settled one is there."""
    counting = Counting()
    ear = make_ear(store, tmp_path, counting)
    seen: list[LiveCaptions] = []
    ear.changed = lambda session_id: seen.append(ear.captions(session_id))
    await hold(store)
    tap = ear.tap(SESSION, "flv")
    assert tap is not None
    step = len(signal) // (LENGTH_S * 8)
    for at in range(0, len(signal), step):  # eight times as fast as real time
        tap.offer(signal[at : at + step])
        await asyncio.sleep(1 / 64)
    tap.close()
    await ear.finish(SESSION)
    captions = ear.captions(SESSION)
    await ear.close()
    assert any(one.now is not None for one in seen)
    assert Listening.HEARING in {one.listening for one in seen}
    assert captions.now is None
    assert all(one.now.id == "now" for one in seen if one.now)


@pytest.mark.parametrize("when", ["before", "later"])
async def test_nobody_is_heard_before_the_session_is_live(
    when: str, store: Store, tmp_path: Path, signal: bytes
) -> None:
    """In a rehearsal the recogniser is never asked; what was said before going live stays unheard."""
    counting = Counting()
    ear = make_ear(store, tmp_path, counting)
    await hold(store, live=when == "later", began=BEGAN + timedelta(seconds=12))
    await push(ear, signal)
    await ear.finish(SESSION)
    captions = ear.captions(SESSION)
    await ear.close()
    if when == "before":
        assert not counting.asked
        assert captions == LiveCaptions()
    else:
        assert counting.asked
        assert all(job.start_ms >= 6_000 for job in counting.asked)
        assert not list((tmp_path / SESSION).rglob("0000[01].json"))


@pytest.fixture(scope="module")
def silent(program: Path) -> bytes:
    """What an encoder sends that has a picture alone."""
    argv = [str(program), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=5:d=3", "-f", "flv", "-"]
    return subprocess.run(argv, check=True, capture_output=True).stdout


@pytest.mark.parametrize("signal_kind", ["rubbish", "no sound", "nothing"])
async def test_a_signal_that_cannot_be_heard_harms_nobody(
    signal_kind: str, store: Store, tmp_path: Path, silent: bytes
) -> None:
    """Rubbish, a silent film, or an encoder that goes at once: no words, no error, no process left."""
    content = {"rubbish": b"\x00\xffrubbish" * 20_000, "no sound": silent, "nothing": b""}[signal_kind]
    counting = Counting()
    ear = make_ear(store, tmp_path, counting)
    await hold(store)
    await push(ear, content)
    await ear.finish(SESSION, limit_s=60)
    assert ear.captions(SESSION).cues == ()
    assert not counting.asked
    await ear.close()


async def test_without_a_model_nobody_listens(store: Store, tmp_path: Path, signal: bytes) -> None:
    """A hub whose model is not here starts no process and keeps no sound."""
    ear = make_ear(store, tmp_path, Counting(known=""))
    await hold(store)
    await push(ear, signal)
    await ear.finish(SESSION, limit_s=30)
    assert not (tmp_path / SESSION).exists()
    assert ear.captions(SESSION) == LiveCaptions()
    await ear.close()
    assert make_ear(store, tmp_path, None).tap(SESSION, "flv") is None


async def test_a_recogniser_that_hangs_holds_nothing_up(store: Store, tmp_path: Path, signal: bytes) -> None:
    """The tap takes everything at once, the end comes in time, and what was not heard is a hole for afterwards."""
    counting = Counting(gate=asyncio.Event())
    ear = make_ear(store, tmp_path, counting)
    await hold(store)
    await asyncio.wait_for(push(ear, signal), 5)
    await asyncio.wait_for(ear.finish(SESSION, limit_s=6), 20)
    streams = await ear.heard(SESSION)
    await ear.close()
    clock = ClockMap.identity(LENGTH_S * 1000)
    known = place_streams(streams, clock, session_started_at=BEGAN)
    missing_ms = sum(hole.duration_ms for hole in find_holes(known, clock, duration_ms=LENGTH_S * 1000))
    assert missing_ms > 10_000
    assert LENGTH_S * 1000 < MOST_WAITING_MS
