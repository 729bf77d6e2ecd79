"""Where questions begin: all witnesses of all questions of a session weighed together, in one dynamic programme.

Pure. Each question has candidates, sentences with the worth of what speaks for them (`streamhub.answers.witnesses`)
and, where it has a mark, of the time between (`streamhub.answers.timing`). The programme goes through the questions in
the order in which they were asked, as far as anybody knows, and picks one sentence for each so that the worth of all is
greatest; a question may stand out of line, at a price. Refuses to know where answers end and what becomes of them.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from streamhub.answers.sentences import Sentence
from streamhub.answers.timing import REACH_S, Column, Timing, learn_timing
from streamhub.answers.witnesses import NOT_READ, Asked, Hearing, weigh

READ_ALOUD = 0.3  # a likeness from which a question was read in its own words
NEAR_MARK_MS = 45_000
OUT_OF_MARKS = 1.0  # the price of standing out of line, in nats: little where marks say the order
OUT_OF_LINE = 2.5
TEASER = 3.0  # so much less is a question worth that is heard in the first minute of a long show
SAME_PLACE_MS = 5_000
_TEASER_MS = 60_000
_MOST_WORTH = 30.0
_LONG_SESSION_MS = 20 * 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Airing:
    """A question went on air, as a mark has it.

    Attributes:
        question_id: the question.
        on_air_ms: session time of the mark; never negative.
        done_ms: session time of the mark that ended it; None if there is none.
        heard: whether somebody heard it begin in the recording: then the mark is the beginning, without any lag.
        heard_end: whether somebody heard it end.
    """

    question_id: str
    on_air_ms: int
    done_ms: int | None = None
    heard: bool = False
    heard_end: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """Where a question is read aloud.

    Attributes:
        question_id: the question.
        sentence: number of the sentence.
        likeness: of the wording, 0 to 1.
        sure: share of all that speaks for this question that speaks for this place, 0 to 1.
        airing: the mark that it goes by; None when found by its wording alone.
        named: the asker's name falls there.
        asks: a question sentence stands there.
    """

    question_id: str
    sentence: int
    likeness: float
    sure: float
    airing: Airing | None = None
    named: bool = False
    asks: bool = False

    @property
    def by_wording(self) -> bool:
        """The question was read in its own words."""
        return self.likeness >= READ_ALOUD


@dataclass(frozen=True, kw_only=True, slots=True)
class _Item:
    """A question to place: its candidates by sentence, in nats; ``least`` is the worth of leaving it out."""

    question_id: str
    scores: Mapping[int, float]
    airing: Airing | None = None

    @property
    def least(self) -> float:
        return NOT_READ if self.airing is None else -math.inf

    @property
    def out_of_line(self) -> float:
        """The worth of placing it wherever it fits best, whatever the order."""
        price = OUT_OF_LINE if self.airing is None else OUT_OF_MARKS
        return max(self.least, max(self.scores.values(), default=-math.inf) - price)


def place_questions(
    hearing: Hearing, airings: Sequence[Airing], questions: Mapping[str, Asked], timing: Timing
) -> list[Placed]:
    """Find where questions are read aloud, in order of their sentences.

    Every airing is placed, for a mark says enough; a question without any is left out where it is not found.

    Args:
        hearing: of the session; without sentences nothing is placed.
        airings: what was on air when, on the transcript's clock.
        questions: all of them, in the order in which they were asked where that is known.
        timing: how marks lie to words.
    """
    if not hearing.sentences:
        return []
    marked = {airing.question_id for airing in airings}
    items = [_marked_item(hearing, airing, questions[airing.question_id], timing) for airing in airings]
    items += [_unmarked_item(hearing, key, asked) for key, asked in questions.items() if key not in marked]
    items = [item for item in in_line(items, list(questions), timing) if item.scores]
    picks = pick_sentences(items, len(hearing.sentences))
    placed = [_placed(hearing, item, questions[item.question_id], at) for item, at in picks]
    return sorted(placed, key=lambda one: one.sentence)


def learn_from(hearing: Hearing, airings: Sequence[Airing], questions: Mapping[str, Asked], lag_s: float) -> Timing:
    """How the marks of a session lie to its words.

    A question that is read in its own words counts by its worth; one that is read in others is likely at one of the
    sentences around that sound like a question being read, whoever asked it.
    """
    columns = []
    for airing in airings:
        within = _sentences_within(hearing.sentences, airing.on_air_ms, REACH_S * 1000)
        if airing.heard or not within:
            continue
        asked = questions[airing.question_id]
        readings = [math.exp(weigh(hearing.around(at))) for at in within]
        odds = {at: reading / sum(readings) for at, reading in zip(within, readings, strict=True)}
        for at in hearing.candidates(asked, within):
            odds[at] += math.exp(min(_MOST_WORTH, hearing.worth(asked, at)))
        apart_s = [(airing.on_air_ms - hearing.sentences[at].span.start_ms) / 1000 for at in within]
        columns.append(Column(apart_s=apart_s, odds=[odds[at] for at in within]))
    return learn_timing(columns, lag_s)


def in_line(items: Sequence[_Item], order: Sequence[str], timing: Timing) -> list[_Item]:
    """The items in the order in which they were likely asked.

    That is the order in which the questions were given where the marks do not speak against it; else the marks' order,
    and those without a mark where they fit best.
    """
    marked = sorted((item for item in items if item.airing), key=_mark_ms)
    places = {key: place for place, key in enumerate(order)}
    steps = [places[later.question_id] - places[one.question_id] for one, later in pairwise(marked)]
    if all(step > 0 for step in steps) or sum(step > 0 for step in steps) >= 0.75 * len(steps) > 0:
        return sorted(items, key=lambda item: (places[item.question_id], _mark_ms(item)))
    return sorted(
        items,
        key=lambda item: _mark_ms(item) if item.airing else max(item.scores, key=item.scores.__getitem__, default=0),
    )


def _mark_ms(item: _Item) -> int:
    return item.airing.on_air_ms if item.airing else 0


def pick_sentences(items: Sequence[_Item], sentences: int) -> list[tuple[_Item, int]]:
    """The best sentence for each item, those in line one after another; an item of no worth is left out.

    The programme's state is the last sentence that is taken in line: ``best[s]`` is the worth of all items so far when
    none of those in line stands after sentence ``s - 1``.
    """
    best = [0.0] * (sentences + 1)
    taken: list[list[int | None]] = []
    for item in items:
        grown = [value + item.out_of_line for value in best]
        take: list[int | None] = [None] * (sentences + 1)
        running, running_at = -math.inf, None
        for state in range(1, sentences + 1):
            score = item.scores.get(state - 1)
            if score is not None and best[state - 1] + score >= running:
                running, running_at = best[state - 1] + score, state - 1
            if running >= grown[state]:
                grown[state], take[state] = running, running_at
        best = grown
        taken.append(take)
    return _read_back(items, taken, sentences)


def _read_back(
    items: Sequence[_Item], taken: Sequence[Sequence[int | None]], sentences: int
) -> list[tuple[_Item, int]]:
    """Follow the programme's choices back; those out of line then take the best place that is free, best first."""
    picks: list[tuple[_Item, int]] = []
    left: list[_Item] = []
    state = sentences
    for item, take in zip(reversed(items), reversed(taken), strict=True):
        at = take[state]
        if at is None:
            left.append(item)
        else:
            picks.append((item, at))
            state = at
    used = {at for _, at in picks}
    for item in sorted(left, key=lambda one: -one.out_of_line):
        free = [at for at in item.scores if at not in used and item.scores[at] > item.least] or [
            at for at in item.scores if item.airing
        ]
        if free:
            at = max(free, key=lambda one: (item.scores[one], -one))
            used.add(at)
            picks.append((item, at))
    return picks


def _marked_item(hearing: Hearing, airing: Airing, asked: Asked, timing: Timing) -> _Item:
    sentences = hearing.sentences
    offset_ms = 0 if airing.heard else round(timing.offset_s * 1000)
    wanted_ms = airing.on_air_ms - offset_ms
    nearest = min(range(len(sentences)), key=lambda at: (abs(sentences[at].span.start_ms - wanted_ms), at))
    if airing.heard:
        return _Item(question_id=airing.question_id, scores={nearest: 100.0}, airing=airing)
    around = _sentences_within(sentences, wanted_ms, NEAR_MARK_MS)
    alike = hearing.candidates(asked, range(len(sentences)))  # marks may be pressed for the wrong question
    scores = {
        at: hearing.worth(asked, at) + timing.worth(airing.on_air_ms, sentences[at].span.start_ms)
        for at in {nearest, *around, *alike}
    }
    return _Item(question_id=airing.question_id, scores=scores, airing=airing)


def _unmarked_item(hearing: Hearing, key: str, asked: Asked) -> _Item:
    teaser = range(_after_teaser(hearing.sentences))
    alike = hearing.candidates(asked, range(len(hearing.sentences)))
    worths = {at: hearing.worth(asked, at) - (TEASER if at in teaser else 0) for at in alike}
    return _Item(question_id=key, scores={at: worth for at, worth in worths.items() if worth > NOT_READ})


def _placed(hearing: Hearing, item: _Item, asked: Asked, at: int) -> Placed:
    signs = hearing.signs(asked, at)
    start_ms = hearing.sentences[at].span.start_ms
    most = max(item.scores.values())
    shares = {one: math.exp(score - most) for one, score in item.scores.items()}
    near = sum(
        share for one, share in shares.items() if abs(hearing.sentences[one].span.start_ms - start_ms) <= SAME_PLACE_MS
    )
    nowhere = math.exp(NOT_READ - most) if item.airing is None else 0.0
    return Placed(
        question_id=item.question_id,
        sentence=at,
        likeness=signs.likeness,
        sure=near / (sum(shares.values()) + nowhere),
        airing=item.airing,
        named=bool(signs.name),
        asks=bool(signs.asks),
    )


def _sentences_within(sentences: Sequence[Sentence], at_ms: float, reach_ms: float) -> range:
    starts_ms = [sentence.span.start_ms for sentence in sentences]
    return range(bisect_left(starts_ms, at_ms - reach_ms), bisect_left(starts_ms, at_ms + reach_ms))


def _after_teaser(sentences: Sequence[Sentence]) -> int:
    """Long shows often open with a teaser that repeats their questions."""
    if sentences[-1].span.end_ms - sentences[0].span.start_ms < _LONG_SESSION_MS:
        return 0
    return next((at for at, sentence in enumerate(sentences) if sentence.span.start_ms >= _TEASER_MS), 0)
