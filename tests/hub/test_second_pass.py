"""What was heard live is not heard again; the second pass changes words, never an answer or a correction."""

from __future__ import annotations

import os
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pytest

from streamhub.app import Parts
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.corrections import plan_words
from streamhub.archive.folder import load_archive
from streamhub.archive.review import cue_fields, cue_key
from streamhub.config import Settings, TranscriptSettings
from streamhub.ordering import Source, order_session
from streamhub.recording.recording import Recording
from streamhub.reviewing import HubReview
from streamhub.timecode import Span
from streamhub.transcript.live_words import HeardItem, HeardStream
from streamhub.transcript.piece import Piece
from streamhub.transcript.rules import cues_from_words, interpolate_words
from streamhub.transcript.transcriber import TranscriptionJob
from streamhub.transcript.transcript import Transcript
from streamhub.workspace import create_workspace
from tests.hub.test_seams import SESSION, START, WORDS, Recordings, hold_session, open_parts, settle

SAID = [
    (1_000, 5_000, WORDS["router"][0]),
    (7_000, 13_000, WORDS["router"][1]),
    (31_000, 35_000, WORDS["bill"][0]),
    (37_000, 43_000, WORDS["bill"][1]),
]
BADLY = {"Glasfaserkasten": "Glasfaßerkasten", "Monatsersten.": "Monatsernsten."}


def words_in(span: Span, *, badly: bool) -> Transcript:
    """What is said in a stretch of the session."""
    words = [
        replace(word, text=BADLY.get(word.text, word.text) if badly else word.text)
        for start_ms, end_ms, text in SAID
        for word in interpolate_words(text, Span(start_ms, end_ms))
        if span.start_ms <= word.span.start_ms and word.span.end_ms <= span.end_ms
    ]
    made_with = "fake tiny" if badly else "fake large"
    return Transcript(language="de", cues=cues_from_words(words), made_with=made_with)


@dataclass
class Ears:
    """Hears well, and remembers what it was asked."""

    name: str = "fake large"
    asked: list[Span | None] = field(default_factory=list)

    async def version(self) -> str:
        return "1"

    async def prepare(self) -> None:
        """Nothing to fetch."""

    async def close(self) -> None:
        """Nothing is kept."""

    async def transcribe(self, job: TranscriptionJob, progress: Callable[[int, int], None]) -> Transcript:
        self.asked.append(job.span)
        return words_in(job.span or Span(0, 60_000), badly=False)


@dataclass
class LiveEars:
    """Heard the session while it ran, badly, and a part of it not at all."""

    pieces: Sequence[Span]
    missing: frozenset[int]
    forgotten: list[str] = field(default_factory=list)

    async def finish(self, session_id: str) -> None:
        """All was heard."""

    async def heard(self, session_id: str) -> Sequence[HeardStream]:
        items = []
        for number, span in enumerate(self.pieces):
            if number not in self.missing:
                piece = Piece(number=number, span=span, read=span)
                items.append(HeardItem(first=number, last=number, piece=piece, transcript=words_in(span, badly=True)))
        return [HeardStream(segment=1, started_at=START, items=tuple(items), pieces=len(self.pieces), end_ms=60_000)]

    async def forget(self, session_id: str) -> None:
        self.forgotten.append(session_id)


class LiveRecordings(Recordings):
    """The segments of a live session are one recording already."""

    async def finish(self, session_id: str, progress: object) -> Recording:
        return await self.take(session_id, Path(), progress)

    async def discard(self, session_id: str) -> int:
        return 0


def spans(*edges_ms: int) -> list[Span]:
    return [Span(one, other) for one, other in pairwise(edges_ms)]


async def begin(parts: Parts, ears: Ears, live: LiveEars, *, second_pass: bool) -> None:
    """Order the pipeline of a session that was heard live."""
    await hold_session(parts)
    media = parts.pipeline._parts.media
    (media / SESSION.id).mkdir(parents=True)
    with wave.open(str(media / SESSION.id / "recording.mp4"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 16_000 * 60))
    roles = {
        "recordings": LiveRecordings(parts),
        "transcriber": ears,
        "live_ear": live,
        "settings": TranscriptSettings(second_pass=second_pass),
    }
    parts.pipeline._parts = replace(parts.pipeline._parts, **roles)
    await parts.store.write(lambda db: order_session(db, SESSION.id, Source(), at=parts.now()))


def archived(folder: Path) -> ArchivedSession:
    (session,) = load_archive(folder / "transcripts")
    return session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A fresh workspace."""
    return create_workspace(tmp_path / "hub", Settings(), random=os.urandom).folder


async def test_only_what_nobody_heard_live_is_heard_afterwards(folder: Path) -> None:
    """The hole is heard, with a little on both sides of it; every word is there once, and the live files go."""
    ears, live = Ears(), LiveEars(spans(0, 6_000, 15_000, 30_000, 36_000, 45_000), frozenset({1}))
    async with open_parts(folder) as parts:
        await begin(parts, ears, live, second_pass=False)
        await settle(parts)
    assert ears.asked == [Span(4_000, 17_000)]
    (transcript,) = archived(folder).transcripts
    assert (
        transcript.text.split()
        == " ".join(text for _, _, text in SAID).replace("Monatsersten", "Monatsernsten").split()
    )
    assert live.forgotten == [SESSION.id]


async def test_a_show_of_which_little_was_heard_live_is_heard_as_a_whole(folder: Path) -> None:
    """Where most is missing, one hearing of everything is better than pieces of two."""
    ears, live = Ears(), LiveEars(spans(0, 6_000, 15_000, 30_000, 45_000), frozenset({1, 2, 3}))
    async with open_parts(folder) as parts:
        await begin(parts, ears, live, second_pass=True)
        await settle(parts)
    assert ears.asked == [None]
    (transcript,) = archived(folder).transcripts
    assert transcript.made_with == "fake large"


async def test_the_second_pass_moves_no_answer_and_keeps_what_a_person_wrote(folder: Path) -> None:
    """Everything is heard again after the live words: better words, the same answers, a correction as it was."""
    ears, live = Ears(), LiveEars(spans(0, 6_000, 15_000, 30_000, 36_000, 45_000), frozenset())
    async with open_parts(folder) as parts:
        await begin(parts, ears, live, second_pass=False)
        await settle(parts)
        assert not ears.asked
        before = archived(folder)
        (spoken,) = before.transcripts
        assert "Glasfaßerkasten" in spoken.text
        assert "Monatsernsten." in spoken.text
        review = HubReview(parts.store, parts.workspace.transcripts, parts.pipeline.archive_lock, parts.now)
        mine = next(cue for cue in spoken.cues if "Glasfaßerkasten" in cue.text)
        text = "Weil der Glasfaserkasten unten im Keller keinen Strom bekommt."
        seen = {cue_key("de", mine.id): cue_fields(mine)}
        await review.edit(SESSION.id, lambda one: plan_words(one, "router", "de", mine.id, text), seen, author="jana")
        (heard,) = (folder / "media" / SESSION.id).glob("recognised-*.json")
        await parts.pipeline._order_second_pass(SESSION.id, heard.name, "test")
        await settle(parts)
    after = archived(folder)
    assert ears.asked == [None]
    (better,) = after.transcripts
    assert "Monatsersten." in better.text
    assert text in [cue.text for cue in better.cues]
    assert [(one.id, one.ranges, one.evidence) for one in after.answers] == [
        (one.id, one.ranges, one.evidence) for one in before.answers
    ]
    assert better.made_with.startswith("fake large")
