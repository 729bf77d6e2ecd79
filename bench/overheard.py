"""How often a host is told rightly, and wrongly, that an open question was answered or that the one on air is over.

Every second question of a session was put on air, with marks as hosts press them; the others are open, as are twelve
questions of other sessions in its language and eight of other stretches of the same show, which nobody asked here.
Counted at the end of the session: open questions that were found where they were asked (within 15 s), proposals that
are wrong. "Seems over" is looked at while each question is on air whose follower is open, five seconds before its end
and thirty seconds after the next one began. Words as they were said, and as a recogniser mishears one in eight; no
speakers, as while a session runs.

Sessions are in two halves by their hash (`bench.answer_cases`): the limits of `streamhub.answers.overheard` were chosen
on one, the table is of the other unless ``--half choosing`` is given.

    python -m bench.overheard [--data ../shared/data] [--half scored|choosing]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from bench.answer_cases import Case, load_cases
from bench.answer_noise import MARKINGS, misheard, simulate_marks, without_speakers
from streamhub.answers.overheard import find_over, find_overheard
from streamhub.live.mark import Mark
from streamhub.questions.question import Question, QuestionState
from streamhub.timecode import ms_between
from streamhub.transcript.transcript import Transcript

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
NEAR_MS = 15_000
FOREIGN = 12
SAME_SHOW = 8


@dataclass(slots=True)
class Counts:
    """What was counted."""

    asked: int = 0
    found: int = 0
    elsewhere: int = 0
    strangers: int = 0
    wrong: int = 0
    on_air: int = 0
    early: int = 0
    over: int = 0

    def __str__(self) -> str:
        return (
            f"answered: {self.found} of {self.asked} found, {self.elsewhere} at a wrong place, "
            f"{self.wrong} of {self.strangers} never asked; "
            f"over: {self.over} of {self.on_air} told, {self.early} too early"
        )


def look(case: Case, others: Sequence[Question], transcript: Transcript, counts: Counts) -> None:
    """Count one session."""
    aired = [replace(one, state=QuestionState.ANSWERED_LIVE) for one in case.questions[::2]]
    open_ones = [replace(one, state=QuestionState.OPEN) for one in case.questions[1::2]]
    strangers = [replace(one, id=f"x{at}", state=QuestionState.OPEN) for at, one in enumerate(others)]
    chosen = {one.id for one in aired}
    marks = [mark for mark in simulate_marks(case, MARKINGS[0], Random(case.name)) if mark.question_id in chosen]
    questions = [*aired, *open_ones, *strangers]
    found = {one.question.id: one for one in find_overheard(case.session, questions, marks, transcript)}
    counts.asked += len(open_ones)
    counts.strangers += len(strangers)
    counts.wrong += sum(key in found for key in (one.id for one in strangers))
    for one in open_ones:
        if one.id in found:
            near = abs(found[one.id].span.start_ms - case.truth[one.id][0]) <= NEAR_MS
            counts.found += near
            counts.elsewhere += not near
    _look_over(case, questions, marks, transcript, counts)


def _look_over(
    case: Case, questions: Sequence[Question], marks: Sequence[Mark], transcript: Transcript, counts: Counts
) -> None:
    starts = list(case.truth.values())
    for place in range(0, len(case.questions) - 1, 2):
        key, (begin_ms, end_ms) = case.questions[place].id, starts[place]
        next_ms = starts[place + 1][0]
        mine = [one if one.id != key else replace(one, state=QuestionState.ON_AIR) for one in questions]
        began = [mark for mark in marks if mark.question_id == key]
        assert case.session.started_at is not None
        if not began or ms_between(case.session.started_at, began[0].at) >= next_ms:
            continue  # pressed for the next one already
        counts.on_air += 1
        early_ms = max(begin_ms, min(end_ms or next_ms, next_ms) - 5_000)
        for until_ms, early in ((early_ms, True), (next_ms + 30_000, False)):
            heard = replace(transcript, cues=tuple(cue for cue in transcript.cues if cue.span.end_ms <= until_ms))
            known = began[:1]
            overheard = find_overheard(case.session, mine, known, heard)
            told = find_over(case.session, mine, known, overheard, heard_ms=until_ms) is not None
            counts.early += told and early
            counts.over += told and not early


def table(cases: Sequence[Case], all_cases: Sequence[Case]) -> Iterator[str]:
    """The lines of the table."""
    for name in ("as said", "misheard"):
        counts = Counts()
        for case in cases:
            random = Random(case.name)
            transcript = without_speakers(case.transcript)
            if name == "misheard":
                transcript = misheard(transcript, random)
            counts_of = _strangers(case, all_cases, random)
            look(case, counts_of, transcript, counts)
        yield f"{name:10} {counts}"


def _strangers(case: Case, cases: Sequence[Case], random: Random) -> list[Question]:
    """Questions that nobody asked in this session: of other shows, and of other stretches of its own."""
    own = case.name.rpartition("-")[0]
    speaking = [one for one in cases if one.session.language == case.session.language and one.name != case.name]
    foreign = [q for one in speaking if one.name.rpartition("-")[0] != own for q in one.questions]
    same = [q for one in speaking if one.name.rpartition("-")[0] == own for q in one.questions]
    return random.sample(foreign, min(FOREIGN, len(foreign))) + random.sample(same, min(SAME_SHOW, len(same)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--half", choices=("scored", "choosing"), default="scored")
    options = parser.parse_args()
    everything = load_cases(options.data)
    cases = [case for case in everything if case.scored is (options.half == "scored")]
    print(f"{len(cases)} sessions, half: {options.half}")
    for line in table(cases, cases):
        print(line)


if __name__ == "__main__":
    main()
