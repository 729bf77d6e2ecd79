"""What goes wrong between a question and its answer: hosts' buttons, typed words, recognisers, captions' clocks.

Everything is drawn from a seed. Not a benchmark itself: `bench.answers` scores with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from bench.answer_cases import ZERO, Case
from streamhub.live.mark import Mark, MarkKind
from streamhub.timecode import Span, add_ms
from streamhub.transcript.transcript import Cue, Transcript


@dataclass(frozen=True, kw_only=True, slots=True)
class Marking:
    """How a host presses "on air", and what else is wrong.

    Attributes:
        name: for the table.
        lag_s, sd_s: seconds after the first word of the question, and their spread.
        missing: share of questions without a mark.
        swapped: share of neighbours whose marks are the other way round.
        doubled: share of marks that are pressed again 2 to 6 seconds later, first for another question.
        shuffled: the order of the questions is not known.
        shift_ms: how late the captions are.
    """

    name: str
    lag_s: float = 6.0
    sd_s: float = 8.0
    missing: float = 0.0
    swapped: float = 0.0
    doubled: float = 0.0
    shuffled: bool = False
    shift_ms: int = 0


MARKINGS = (
    Marking(name="marks: lag 6 s, sd 8 s"),
    Marking(name="marks: 20 % missing", missing=0.2),
    Marking(name="marks: late (lag 20 s, sd 15 s)", lag_s=20, sd_s=15),
    Marking(name="marks: early (lag -10 s, sd 5 s)", lag_s=-10, sd_s=5),
    Marking(name="marks: 20 % in wrong order", swapped=0.2),
    Marking(name="marks: 20 % doubled, slips", doubled=0.2),
    Marking(name="marks: captions 60 s late", shift_ms=60_000),
    Marking(name="marks: captions 110 s early", shift_ms=-110_000),
    Marking(name="no marks, order known", missing=1),
    Marking(name="no marks, order unknown", missing=1, shuffled=True),
)


def simulate_marks(case: Case, marking: Marking, random: Random) -> list[Mark]:
    """Marks as the hub writes them: "on air" ends what was on air before; the last one is done by nobody."""
    pressed: list[tuple[int, str]] = []
    for key, (start_ms, _) in case.truth.items():
        lag_s = random.gauss(marking.lag_s, marking.sd_s)
        if random.random() >= marking.missing:
            pressed.append((max(0, start_ms + round(lag_s * 1000)), key))
    pressed.sort()
    for at in range(len(pressed) - 1):
        if random.random() < marking.swapped:
            (one_ms, one), (other_ms, other) = pressed[at : at + 2]
            pressed[at : at + 2] = [(one_ms, other), (other_ms, one)]
    slips = []
    for at_ms, _ in pressed:
        if random.random() < marking.doubled:
            slips.append((max(0, at_ms - random.randrange(2_000, 6_000)), random.choice(list(case.truth))))
    return _as_written(case, sorted(pressed + slips))


def _as_written(case: Case, pressed: Sequence[tuple[int, str]]) -> list[Mark]:
    marks: list[Mark] = []
    on_air = ""
    for at_ms, key in pressed:
        if key == on_air:
            continue
        at = add_ms(ZERO, at_ms)
        if on_air:
            marks.append(Mark(session_id=case.session.id, question_id=on_air, kind=MarkKind.DONE, at=at))
        marks.append(Mark(session_id=case.session.id, question_id=key, kind=MarkKind.ON_AIR, at=at))
        on_air = key
    return marks


def reword(text: str, foreign: Sequence[str], random: Random) -> str:
    """A question in other words: a third of its words gone, a fifth replaced by others', two swapped."""
    words = [word for word in text.split() if random.random() > 0.33] or text.split()
    words = [random.choice(foreign) if random.random() < 0.2 else word for word in words]
    at = random.randrange(max(1, len(words) - 1))
    words[at : at + 2] = reversed(words[at : at + 2])
    return " ".join(words).rstrip("?.,") + "?"


def with_other_words(case: Case, random: Random) -> Case:
    """The session, with its questions typed in other words than they were asked."""
    foreign = [word for question in case.questions for word in question.text.split()]
    return replace(case, questions=tuple(replace(q, text=reword(q.text, foreign, random)) for q in case.questions))


def misheard(transcript: Transcript, random: Random, *, share: float = 0.12) -> Transcript:
    """As a recogniser hears it: words gone or replaced, no speakers, a third of the commas and dots gone."""
    vocabulary = [word for cue in transcript.cues for word in cue.text.split()]

    def heard(word: str) -> str:
        drawn = random.random()
        if drawn < share:
            return "" if drawn < share / 3 else random.choice(vocabulary)
        return word.rstrip(".,") if random.random() < 0.33 else word

    texts = [" ".join(filter(None, (heard(word) for word in cue.text.split()))) for cue in transcript.cues]
    cues = [
        replace(cue, text=text or cue.text, speaker="", words=())
        for cue, text in zip(transcript.cues, texts, strict=True)
    ]
    return replace(transcript, cues=tuple(cues))


def without_speakers(transcript: Transcript) -> Transcript:
    """The true words, and nobody's name."""
    return replace(transcript, cues=tuple(replace(cue, speaker="", words=()) for cue in transcript.cues))


def out_of_step(transcript: Transcript, shift_ms: int) -> Transcript:
    """Captions that come later than they are said, or earlier; what would come before the beginning is lost."""

    def moved(cue: Cue) -> Cue:
        words = tuple(replace(word, span=_later(word.span, shift_ms)) for word in cue.words)
        return replace(cue, span=_later(cue.span, shift_ms), words=words)

    kept = [cue for cue in transcript.cues if cue.span.start_ms + shift_ms >= 0]
    return replace(transcript, cues=tuple(moved(cue) for cue in kept))


def _later(span: Span, shift_ms: int) -> Span:
    return Span(max(0, span.start_ms + shift_ms), max(1, span.end_ms + shift_ms))
