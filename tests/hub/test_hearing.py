"""From pieces to one transcript, through the engine: languages, holes, and what is kept."""

from __future__ import annotations

import asyncio
import os
import wave
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from streamhub.app import Parts
from streamhub.archive.corrections import plan_words
from streamhub.archive.folder import load_session
from streamhub.commands import read_status, render_status
from streamhub.config import Settings, TranscriptSettings
from streamhub.errors import NotFound, ToolFailed
from streamhub.ordering import Source, order_session
from streamhub.questions.question import Question, QuestionState
from streamhub.reviewing import HubReview
from streamhub.store.erasing import erase_question
from streamhub.store.glossaries import save_glossary
from streamhub.store.questions import insert_question
from streamhub.store.spoken_languages import list_misheard
from streamhub.timecode import Span
from streamhub.transcript.recognised import load_hearing, load_recognised
from streamhub.transcript.rules import interpolate_words
from streamhub.transcript.transcriber import TranscriptionJob
from streamhub.transcript.transcript import Cue, LanguageCheck, Transcript
from streamhub.workspace import create_workspace
from tests.hub.test_seams import SESSION, Recordings, answers_of, hold_session, open_parts, settle

PIECES = 5
SILENT_TAIL = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A fresh workspace."""
    return create_workspace(tmp_path / "hub", Settings(), random=os.urandom).folder


@dataclass
class Ears:
    """Hears one sentence in each piece, in the language that it is told or that the piece is in."""

    languages: list[tuple[str, float]]
    broken: int = -1
    checks: tuple[LanguageCheck, ...] = ()
    name: str = "fake small"
    asked: list[tuple[int, str]] = field(default_factory=list)

    async def version(self) -> str:
        return "1"

    async def prepare(self) -> None:
        """Nothing to fetch."""

    async def close(self) -> None:
        """Nothing is kept."""

    async def transcribe(self, job: TranscriptionJob, progress: Callable[[int, int], None]) -> Transcript:
        assert job.span is not None
        number = (job.span.start_ms + 1_000) // 12_000
        self.asked.append((number, job.language))
        if number == self.broken:
            raise ToolFailed("fake: cannot hear that")
        progress(1_000, job.span.duration_ms)
        language, chance = self.languages[number]
        span = Span(number * 12_000 + 3_000, number * 12_000 + 8_000)
        text = f"{'translated' if job.translate else job.language or language} piece {number}."
        cue = Cue(id="c1", span=span, text=text, words=interpolate_words(text, span))
        return Transcript(
            language="en" if job.translate else job.language or language,
            cues=() if number == SILENT_TAIL else (cue,),
            made_with=self.name,
            language_chance=chance,
            language_checks=self.checks if job.check_language else (),
        )


async def begin(parts: Parts, ears: Ears, *, detect: bool = False, translate: bool = False) -> None:
    """Order the session's pipeline over a silent recording of a minute."""
    await hold_session(parts)
    media = parts.pipeline._parts.media
    (media / SESSION.id).mkdir(parents=True)
    with wave.open(str(media / SESSION.id / "recording.mp4"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 16_000 * 60))
    settings = TranscriptSettings(piece_s=12, detect_language=detect, translate=translate)
    roles = {"recordings": Recordings(parts), "transcriber": ears, "settings": settings}
    parts.pipeline._parts = replace(parts.pipeline._parts, **roles)
    source = Source(media="film.mp4", live=False)
    await parts.store.write(lambda db: order_session(db, SESSION.id, source, at=parts.now()))


def words(folder: Path) -> str:
    """The words that were kept of the session."""
    (found,) = (folder / "media").rglob("recognised-*.json")
    transcript = load_recognised(found)
    assert transcript.language == SESSION.language
    return transcript.text


async def hear(folder: Path, ears: Ears, *, detect: bool) -> str:
    """Run the session's pipeline to its end; returns the words that were kept."""
    async with open_parts(folder) as parts:
        await begin(parts, ears, detect=detect)
        await settle(parts)
    return words(folder)


async def test_pieces_become_one_transcript(folder: Path) -> None:
    """Every piece is heard once, in the session's language, and their words follow one another."""
    ears = Ears(languages=[("de", 1.0)] * PIECES)
    assert await hear(folder, ears, detect=False) == "de piece 0. de piece 1. de piece 2. de piece 3."
    assert ears.asked == [(number, "de") for number in range(PIECES)]


async def test_names_are_put_right_where_pieces_are_joined(folder: Path) -> None:
    """What the show's glossary says is in the joined words with what was heard; other names join the pieces anew."""
    ears = Ears(languages=[("de", 1.0)] * PIECES)
    async with open_parts(folder) as parts:
        by: dict[str, Any] = {"at": parts.now(), "author": "Jana"}
        await begin(parts, ears)
        await parts.store.write(lambda db: save_glossary(db, SESSION.show_id, "Teil: piece", seen=0, **by))
        await settle(parts)
        assert words(folder) == "de Teil 0. de Teil 1. de Teil 2. de Teil 3."
        (file,) = (folder / "media").rglob("recognised-*.json")
        assert [word.heard for word in load_recognised(file).cues[0].words] == ["", "piece", ""]
        ear = parts.pipeline.ear
        plan = await ear.plan(SESSION.id)
        assert plan["file"] == file.name, "it is not joined again"
        await parts.store.write(lambda db: save_glossary(db, SESSION.show_id, "Teil: piece, de", seen=1, **by))
        assert await ear.plan(SESSION.id) == {**plan, "file": ""}
    assert ears.asked == [(number, "de") for number in range(PIECES)]


async def test_an_erased_question_leaves_no_words_in_the_plan(folder: Path) -> None:
    """The rare words of a question are handed to the recogniser, and no plan keeps them once it is erased."""
    async with open_parts(folder) as parts:
        await begin(parts, Ears(languages=[("de", 1.0)] * PIECES))
        asked = Question(
            id="q-z", session_id=SESSION.id, text="Was taugt Zyxelino?", asked_at=parts.now(), state=QuestionState.OPEN
        )
        await parts.store.write(lambda db: insert_question(db, asked))
        await settle(parts)
        ear = parts.pipeline.ear
        plan = ear._folder((await ear.plan(SESSION.id))["hearing"])
        assert "Zyxelino" in load_hearing(plan).vocabulary
        await parts.store.write(lambda db: erase_question(db, "q-z", at=parts.now()))
        await parts.pipeline._write_states(SESSION.id, frozenset({"q-z"}), "w")
        assert load_hearing(plan).vocabulary == ()
        assert len(load_hearing(plan).pieces) == PIECES


async def test_a_piece_that_is_unsure_keeps_the_language_before_it(folder: Path) -> None:
    """Only what was heard in the wrong language is heard again, and only a sure piece changes the language."""
    ears = Ears(languages=[("de", 0.9), ("en", 0.6), ("en", 0.95), ("de", 0.7), ("de", 0.99)])
    assert await hear(folder, ears, detect=True) == "de piece 0. de piece 1. en piece 2. en piece 3."
    assert ears.asked == [*((number, "") for number in range(PIECES)), (1, "de"), (3, "en")]


async def test_a_piece_that_cannot_be_heard_is_held_and_may_be_skipped(folder: Path) -> None:
    """The other pieces are heard all the same; whoever skips the one that fails gets a transcript with a hole."""
    ears = Ears(languages=[("de", 1.0)] * PIECES, broken=2)
    async with open_parts(folder) as parts:
        await begin(parts, ears)

        async def state() -> tuple[str, str, list[str]]:
            works = await parts.engine.status()
            work = next((work for work in works if work.kind == "session"), None)
            held = [step.name for step in work.steps if step.state == "held"] if work else []
            return (work.workflow_id, str(work.state), held) if work else ("", "", [])

        async with asyncio.timeout(120):
            while not (await state())[2] or {number for number, _ in ears.asked} != set(range(PIECES)):
                await asyncio.sleep(0.05)
            workflow_id, _, (step,) = await state()
            assert step.endswith(":2:de")
            await parts.engine.decide(workflow_id, step, "skip")
            while (await state())[1] != "done":
                await asyncio.sleep(0.05)
    assert words(folder) == "de piece 0. de piece 1. de piece 3."


@pytest.mark.parametrize(
    ("hearing", "number"), [("../../../etc", 0), ("5" * 32 + "-zzzzzzzz", 0), ("6" * 32 + "-00000000", 0), ("", 0)]
)
async def test_no_other_file_can_be_asked_for(folder: Path, hearing: str, number: int) -> None:
    """What a worker asks for is a piece of that session's recording, or it is not found."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await Recordings(parts).take(SESSION.id, Path("film.mp4"), None)
        with pytest.raises(NotFound):
            await parts.pipeline.ear.plan_piece(SESSION.id, hearing, number, "de")


async def test_a_language_that_was_set_wrong_is_told_and_set_right_on_demand(folder: Path) -> None:
    """Nothing changes by itself; heard again in the right language, the archive follows and corrections stay."""
    ears = Ears(languages=[("en", 1.0)] * PIECES, checks=(LanguageCheck("en", 0.98),))
    async with open_parts(folder) as parts:
        await begin(parts, ears)
        await settle(parts)
        place = parts.workspace.transcripts, SESSION.show_id, SESSION.id
        before = load_session(*place)
        assert (before.language, before.transcripts[0].text[:11]) == ("de", "de piece 0.")
        assert "spoken is en" in render_status(await read_status(folder, {}, now=parts.now))
        edit = partial(plan_words, answer_id=before.answers[0].id, language="de", cue_id="c2", text="Corrected.")
        await HubReview(parts.store, parts.workspace.transcripts, parts.pipeline.archive_lock, parts.now).edit(
            SESSION.id, edit, {}, author="Jana"
        )
        for _ in range(2):  # the second press is the same wish
            await answers_of(parts).hear_again(SESSION.id, "en", author="Jana")
        await settle(parts)
        after = load_session(*place)
        (transcript,) = after.transcripts
        assert (after.language, transcript.language) == ("en", "en")
        assert transcript.text == "en piece 0. Corrected. en piece 2. en piece 3."
        assert {answer.language for answer in after.answers} == {"en"}
        assert await parts.store.read(list_misheard) == {}
    assert [number for number, language in ears.asked if language == "en"] == list(range(PIECES))


async def test_a_translation_stands_beside_the_words(folder: Path) -> None:
    """Every piece is translated once, into a file of its own; a person's correction of it stays."""
    ears = Ears(languages=[("de", 1.0)] * PIECES)
    async with open_parts(folder) as parts:
        await begin(parts, ears, translate=True)
        await settle(parts)
        place = parts.workspace.transcripts, SESSION.show_id, SESSION.id
        archived = load_session(*place)
        (words,), (translation,) = archived.transcripts, archived.translations
        assert (words.language, words.text[:11]) == ("de", "de piece 0.")
        assert translation.language == "en"
        assert translation.text == " ".join(f"translated piece {number}." for number in range(SILENT_TAIL))
        assert sorted(ears.asked) == sorted([(number, "de") for number in range(PIECES)] * 2)
        file = parts.workspace.transcripts / SESSION.show_id / SESSION.id / "translation.en.vtt"
        file.write_text(file.read_text("utf-8").replace("translated piece 1.", "Well said."), "utf-8")
        await parts.pipeline._order_translation(SESSION.id, "again")
        await answers_of(parts).recut(SESSION.id, author="Jana")
        await settle(parts)
        assert "Well said." in load_session(*place).translations[0].text
    assert len(ears.asked) == 2 * PIECES
