"""From captions that are out of step to answers in step, and from what was asked aloud to an answer of its own."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from streamhub.archive.folder import load_session
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Show
from streamhub.store import marks as mark_rows
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.transcript.vtt import format_vtt
from tests.hub.test_seams import SESSION, START, answers_of, finish, folder, open_parts, settle

if TYPE_CHECKING:
    from streamhub.app import Parts

__all__ = ["folder"]  # a fixture

DATA = Path(__file__).resolve().parents[1] / "data" / "answers" / "question_time_4.json"
LATE_MS = 60_000


def mark(key: str, at_ms: int, kind: MarkKind, witness: Witness) -> Mark:
    at = START + timedelta(milliseconds=at_ms)
    return Mark(session_id=SESSION.id, question_id=key, kind=kind, at=at, witness=witness, author="host")


async def hold(parts: Parts) -> dict[str, int]:
    """Keep a session whose questions went on air six seconds after they were asked; returns when they were."""
    asked = {f"q{n}": entry for n, entry in enumerate(json.loads(DATA.read_text("utf-8"))["questions"])}

    def save(db: object) -> None:
        show_rows.save_show(db, Show(id="runde", title="Runde"))
        show_rows.save_session(db, SESSION)
        for key, (text, start_ms, _) in asked.items():
            state = QuestionState.ANSWERED_LIVE
            question_rows.insert_question(
                db, Question(id=key, session_id=SESSION.id, text=text, asked_at=START, state=state)
            )
            mark_rows.insert_mark(db, mark(key, start_ms + 6_000, MarkKind.ON_AIR, Witness.HOST))

    await parts.store.write(save)
    return {key: start_ms for key, (_, start_ms, _) in asked.items()}


def write_late_captions(folder: Path) -> Path:
    rows = json.loads(DATA.read_text("utf-8"))["cues"]
    cues = tuple(
        Cue(id=f"c{n}", span=Span(start_ms + LATE_MS, end_ms + LATE_MS), text=text, speaker=speaker)
        for n, (start_ms, end_ms, speaker, text) in enumerate(rows, 1)
    )
    path = folder / "late.vtt"
    path.write_text(format_vtt(Transcript(language="de", cues=cues)), "utf-8")
    return path


async def test_late_captions_are_put_in_step_and_it_is_said(folder: Path) -> None:
    """Captions a minute late are moved in the archive; each answer says so, after a new cut as well."""
    async with open_parts(folder) as parts:
        starts = await hold(parts)
        await finish(parts, write_late_captions(folder))
        archived = load_session(folder / "transcripts", "runde", SESSION.id)
        await answers_of(parts).recut(SESSION.id, author="host")
        await settle(parts)
        again = load_session(folder / "transcripts", "runde", SESSION.id)
    (transcript,) = archived.transcripts
    assert abs(transcript.moved_ms + LATE_MS) <= 3_000
    assert again.transcripts == archived.transcripts
    for answer in (*archived.answers, *again.answers):
        assert answer.start_ms is not None
        assert abs(answer.start_ms - starts[answer.id]) <= 3_000
        assert f"{abs(transcript.moved_ms) / 1000:.0f} s zu spät" in " ".join(answer.evidence)


async def test_what_was_asked_aloud_becomes_an_answer(folder: Path) -> None:
    """A proposal that is taken has an answer with its range after the cut, and is proposed no more."""
    async with open_parts(folder) as parts:
        await hold(parts)
        await finish(parts, write_late_captions(folder))
        proposed = await answers_of(parts).asked_aloud(SESSION.id)
        one = proposed[0]

        def take(db: object) -> None:
            taken = Question(
                id="aloud1",
                session_id=SESSION.id,
                text="Anders gesagt?",
                asked_at=START,
                state=QuestionState.ANSWERED_LIVE,
                source="aloud",
            )
            question_rows.insert_question(db, taken)
            mark_rows.insert_mark(db, mark("aloud1", one.span.start_ms, MarkKind.ON_AIR, Witness.EAR))
            mark_rows.insert_mark(db, mark("aloud1", one.span.end_ms, MarkKind.DONE, Witness.EAR))

        await parts.store.write(take)
        await answers_of(parts).recut(SESSION.id, author="host")
        await settle(parts)
        archived = load_session(folder / "transcripts", "runde", SESSION.id)
        later = await answers_of(parts).asked_aloud(SESSION.id)
    (answer,) = [answer for answer in archived.answers if answer.id == "aloud1"]
    assert answer.ranges == (one.span,)
    assert one.span.start_ms not in {other.span.start_ms for other in later}
