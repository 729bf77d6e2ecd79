"""Sessions whose answers are known: the labelled round tables, and sessions synthesised from real transcripts.

What the benchmark of answers scores stands here, and how it is split: every session is a stretch of at most seven
questions, and the hash of its name says whether it was there to choose by or is scored. Not a benchmark itself; run as
a script it writes one session for the tests:

    python bench/answer_cases.py ../shared/data bundestag_19010_fragestunde-4 tests/data/answers/question_time_4.json

- Round tables of the rehearsal kit (German, English): questions and ranges are labelled.
- An "ask me anything" of the Changelog: questions that were read aloud, as the converter finds them.
- Interviews of the Changelog: what the two who ask most ask, where somebody else answers at length.
- Question time in the Bundestag: what a member asks in a turn of his own, and the government answers.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.convert_bundestag import parse_bundestag
from bench.convert_changelog import find_asked, parse_changelog
from bench.turns import Turn, plan_transcript, time_turns
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Participant, Role, Session
from streamhub.text import split_sentences
from streamhub.timecode import Span
from streamhub.transcript.rules import interpolate_words
from streamhub.transcript.transcript import Cue, Transcript

ZERO = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
QUESTIONS_AT_MOST = 7
LEAD_MS = 120_000
"""Every session begins with so much silence, so that captions can be early by as much."""
_LEAST_ASKED_WORDS = 7
_LEAST_ANSWER_WORDS = 40
_LEAST_APART_MS = 20_000
_PRESIDENCY = ("Petra Pau", "Thomas Oppermann", "Wolfgang Kubicki", "Claudia Roth", "Hans-Peter Friedrich")


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A session with its truth.

    Attributes:
        name: stable; its hash says which half it is in.
        kind: of the source: ``labelled``, ``read aloud``, ``interview`` or ``question time``.
        questions: in the order in which they were asked.
        truth: start and end of each answer by the question's id; the end is None where nobody knows it.
    """

    name: str
    kind: str
    session: Session
    questions: tuple[Question, ...]
    truth: Mapping[str, tuple[int, int | None]]
    transcript: Transcript

    @property
    def scored(self) -> bool:
        """Whether it is in the half that is scored; the other half is there to choose by."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A question in a source: its words, when it begins, and when its answer ends."""

    text: str
    span: tuple[int, int | None]


def load_cases(data: Path) -> list[Case]:
    """All sessions that can be made of a folder with ``roundtable`` and ``transcripts``; what is not there is left."""
    made: list[Case] = []
    for path in sorted(data.glob("roundtable/roundtable_*.json")):
        made += cut_case(load_round_table(path))
    for path in sorted(data.glob("transcripts/changelog/*.md")):
        made += cut_case(load_changelog(path))
    for path in sorted(data.glob("transcripts/bundestag/*.json")):
        made += cut_case(load_bundestag(path))
    return made


def cut_case(case: Case) -> Iterator[Case]:
    """Sessions of at most seven questions, each from a little before its first question to the next stretch."""
    groups = range(0, len(case.questions), QUESTIONS_AT_MOST)
    for number, at in enumerate(groups, 1):
        chosen = case.questions[at : at + QUESTIONS_AT_MOST]
        if len(chosen) < 3:
            continue
        first_ms = 0 if at == 0 else case.truth[chosen[0].id][0] - 5_000
        following = case.questions[at + QUESTIONS_AT_MOST : at + QUESTIONS_AT_MOST + 1]
        last_ms = case.truth[following[0].id][0] if following else 10**9
        yield _moved(case, f"{case.name}-{number}", chosen, Span(max(0, first_ms), last_ms))


def _moved(case: Case, name: str, questions: Sequence[Question], within: Span) -> Case:
    """The stretch as a session of its own, with its clock at zero."""

    def at(ms: int) -> int:
        return max(0, ms - within.start_ms) + LEAD_MS

    cues = tuple(
        replace(
            cue,
            span=Span(at(cue.span.start_ms), at(cue.span.end_ms)),
            words=tuple(replace(w, span=Span(at(w.span.start_ms), at(w.span.end_ms))) for w in cue.words),
        )
        for cue in case.transcript.cues
        if within.start_ms <= cue.span.start_ms < within.end_ms
    )
    truth = {}
    for question in questions:
        start_ms, end_ms = case.truth[question.id]
        truth[question.id] = (at(start_ms), None if end_ms is None else at(end_ms))
    return replace(
        case, name=name, questions=tuple(questions), truth=truth, transcript=replace(case.transcript, cues=cues)
    )


def load_round_table(path: Path) -> Case:
    """A round table of the rehearsal kit or of the demo."""
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    language = data.get("lang") or data["language"]
    asked = [
        Asked(text=entry["text"], span=_true_range(entry)) for entry in data["questions"] if entry.get("answered", True)
    ]
    cues = []
    for number, segment in enumerate(data["segments"], start=1):
        span = Span(_ms(segment, "start") or 0, _ms(segment, "end") or 0)
        words = interpolate_words(segment["text"], span)
        cues.append(Cue(id=f"c{number}", span=span, text=segment["text"], speaker=segment["speaker"], words=words))
    transcript = Transcript(language=language, cues=tuple(cues))
    return _case(path.stem, "labelled", asked, transcript, hosts={data["segments"][0]["speaker"]})


def load_changelog(path: Path) -> Case:
    """An episode: the questions that were read aloud where there are many, else what the host asked."""
    turns = parse_changelog(path.read_text("utf-8"))
    spans = time_turns(turns)
    transcript = plan_transcript(turns, spans, language="en", source=path.name)
    read = find_asked(turns, spans, prefix=path.stem)
    if len(read) > 5:
        starts = [one.spans[0][0] for one in read]
        asked = [Asked(text=one.text, span=(one.spans[0][0], None)) for one in read]
        assert starts == sorted(starts)
        return _case(path.stem, "read aloud", _snapped(asked, transcript), transcript, hosts=set())
    askers = Counter(turn.speaker for turn, _ in _exchanges(turns, spans))
    hosts = {speaker for speaker, _ in askers.most_common(2)}
    chosen = [(turn, span) for turn, span in _exchanges(turns, spans) if turn.speaker in hosts]
    return _case(path.stem, "interview", _asked(chosen, transcript, hosts), transcript, hosts=hosts)


def load_bundestag(path: Path) -> Case:
    """A question time; the presidency is the host."""
    turns, end_ms = parse_bundestag(json.loads(path.read_text("utf-8")))
    spans = time_turns(turns, end_ms=end_ms)
    transcript = plan_transcript(turns, spans, language="de", source=path.name)
    presidency = {turn.speaker for turn in turns if "Ich rufe" in turn.text or turn.speaker in _PRESIDENCY}
    chosen = [(turn, span) for turn, span in _exchanges(turns, spans) if turn.speaker not in presidency]
    return _case(path.stem, "question time", _asked(chosen, transcript, presidency), transcript, hosts=presidency)


def read_case(path: Path) -> Case:
    """A session of the tests' fixed set."""
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    cues = tuple(
        Cue(id=f"c{number}", span=Span(start_ms, end_ms), text=text, speaker=speaker)
        for number, (start_ms, end_ms, speaker, text) in enumerate(data["cues"], 1)
    )
    asked = [Asked(text=text, span=(start_ms, end_ms)) for text, start_ms, end_ms in data["questions"]]
    hosts = {name for name, is_host in data["participants"].items() if is_host}
    return _case(data["name"], "question time", asked, Transcript(language=data["language"], cues=cues), hosts=hosts)


def _exchanges(turns: Sequence[Turn], spans: Sequence[Span]) -> list[tuple[Turn, Span]]:
    """Turns that end with a question, where somebody else speaks at length next."""
    found = []
    for at, turn in enumerate(turns[:-1]):
        last = split_sentences(turn.text)[-1]
        other = turns[at + 1]
        asks = last.rstrip().endswith("?") and len(last.split()) >= _LEAST_ASKED_WORDS
        if asks and other.speaker != turn.speaker and other.words >= _LEAST_ANSWER_WORDS:
            found.append((turn, spans[at]))
    return found


def _asked(chosen: Sequence[tuple[Turn, Span]], transcript: Transcript, hosts: set[str]) -> list[Asked]:
    """The last sentence of each turn as a question; its answer lasts until the last word that no asker or host says."""
    starts: list[tuple[str, int, str]] = []
    for turn, span in chosen:
        text = split_sentences(turn.text)[-1]
        cue = next(
            (c for c in transcript.cues if c.span.start_ms >= span.start_ms and text.startswith(c.text[:60])), None
        )
        if cue and (not starts or cue.span.start_ms - starts[-1][1] >= _LEAST_APART_MS):
            starts.append((text, cue.span.start_ms, turn.speaker))
    asked = []
    for at, (text, start_ms, speaker) in enumerate(starts):
        stop_ms = starts[at + 1][1] if at + 1 < len(starts) else 10**9
        asking = {speaker} | hosts | ({starts[at + 1][2]} if at + 1 < len(starts) else set())
        ends = [
            cue.span.end_ms
            for cue in transcript.cues
            if start_ms < cue.span.start_ms < stop_ms and cue.speaker not in asking
        ]
        asked.append(Asked(text=text, span=(start_ms, max(ends) if ends else None)))
    return asked


def _snapped(asked: Sequence[Asked], transcript: Transcript) -> list[Asked]:
    """Questions that are read within a sentence begin where that sentence does."""
    starts = [cue.span.start_ms for cue in transcript.cues]
    return [replace(one, span=(max((s for s in starts if s <= one.span[0]), default=0), one.span[1])) for one in asked]


def _case(name: str, kind: str, asked: Sequence[Asked], transcript: Transcript, *, hosts: set[str]) -> Case:
    speakers = dict.fromkeys(cue.speaker for cue in transcript.cues if cue.speaker)
    session = Session(
        id=f"2027-03-02-{transcript.language}",
        show_id="rounds",
        title="Round table",
        starts_at=ZERO,
        started_at=ZERO,
        language=transcript.language,
        participants=tuple(Participant(name=who, role=Role.HOST if who in hosts else Role.EXPERT) for who in speakers),
    )
    asked = sorted(asked, key=lambda one: one.span[0])
    questions = tuple(
        Question(
            id=f"q{number:02d}",
            session_id=session.id,
            text=one.text,
            language=session.language,
            state=QuestionState.ANSWERED_LIVE,
            asked_at=ZERO,
        )
        for number, one in enumerate(asked, 1)
    )
    truth = {question.id: one.span for question, one in zip(questions, asked, strict=True)}
    return Case(name=name, kind=kind, session=session, questions=questions, truth=truth, transcript=transcript)


def _true_range(entry: dict[str, Any]) -> tuple[int, int | None]:
    if "question_start_ms" in entry:
        return entry["question_start_ms"], entry["answer_end_ms"]
    return _ms(entry, "start") or 0, _ms(entry, "end")


def _ms(entry: dict[str, Any], name: str) -> int | None:
    """A time of the rehearsal kit (seconds) or of the demo (milliseconds)."""
    if f"{name}_ms" in entry:
        return int(entry[f"{name}_ms"])
    return round(entry[name] * 1000) if name in entry else None


def write_case(case: Case, path: Path) -> None:
    """Write a session as the tests' fixed set has it: cues as rows of start, end, speaker and text."""
    names = {participant.name: participant.role is Role.HOST for participant in case.session.participants}
    heard = {cue.speaker for cue in case.transcript.cues}
    data = {
        "name": case.name,
        "language": case.session.language,
        "participants": {name: host for name, host in names.items() if name in heard},
        "cues": [[cue.span.start_ms, cue.span.end_ms, cue.speaker, cue.text] for cue in case.transcript.cues],
        "questions": [[question.text, *case.truth[question.id]] for question in case.questions],
    }
    rows = json.dumps(data, ensure_ascii=False).replace("], [", "],\n[")
    path.write_text(rows + "\n", "utf-8")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        write_case(next(case for case in load_cases(Path(sys.argv[1])) if case.name == sys.argv[2]), Path(sys.argv[3]))
    else:
        print(__doc__)
