"""Where questions begin: marks and wording weighed together, all questions of a session at once.

Pure. Owns the search for the sentence with which a question is read aloud. A mark says roughly when, the wording says
exactly where, and questions keep the order of their marks. How late the host presses is learned from the session
itself, once a few questions are found. Refuses to know where answers end and what becomes of them.

The method and its figures: a window of 75 s before to 30 s behind the mark, a bell-shaped weight around the mark less
the host's lag, a bonus where the host announces a question.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from streamhub.answers.sentences import Sentence
from streamhub.answers.wording import Stems, Weights, alignment, overlap, weigh_stems

BEFORE_MARK_MS = 75_000
AFTER_MARK_MS = 30_000
PRIOR_WIDTH_S = 60.0
LEAST_WIDTH_S = 15.0
COMB_WIDTH_S = 20.0
LAG_GUESSES_S = (-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 9.0, 12.0, 15.0, 20.0)
FAITH_PER_S = 0.0015
KEEP_MARK_SCORE = 0.13
NO_EVIDENCE = 0.05
READ_ALOUD = 0.3  # a likeness from which a question was read in its own words
LEAST_TEXT_SCORE = 0.4

_WINDOW = 3
_ANNOUNCED = 0.12
_ASKS = 0.14
_ALIGNED_AT_MOST = 40
_TEASER_MS = 60_000
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
        airing: the mark that it goes by; None when found by its wording alone.
        by_wording: false when only the mark says so.
    """

    question_id: str
    sentence: int
    likeness: float
    airing: Airing | None = None
    by_wording: bool = True


class Wording:
    """Likeness of questions to the sentences of one session; computed once for each pair."""

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        self.sentences = sentences
        self._weights: Weights = weigh_stems([sentence.stems for sentence in sentences])
        self._bonus = [self._bonus_at(at) for at in range(len(sentences))]
        self._known: dict[tuple[Stems, int], float] = {}

    def likeness(self, question: Stems, at: int) -> float:
        """How alike the question and the speech from sentence ``at`` on are, 0 to 1."""
        key = (question, at)
        if key not in self._known:
            self._known[key] = max(self._window_likeness(question, window) for window in self._windows(at))
        return self._known[key]

    def score(self, question: Stems, at: int) -> float:
        """Likeness, and a bonus where a host announces a question or a question mark stands.

        An announcement that holds the question itself ("Laura wants to know how to ...") is worth as much as the
        wording in it; "the next question comes from Laura" is only the way to it.
        """
        likeness = self.likeness(question, at)
        if likeness < READ_ALOUD:  # a few common words say little
            likeness *= (likeness / READ_ALOUD) ** 2
        if self.sentences[at].announces:
            return likeness + self._bonus[at] * min(1.0, likeness / READ_ALOUD)
        return likeness + self._bonus[at]

    def best(self, question: Stems, within: range) -> list[int]:
        """The sentences that share most words with the question, the most alike first; a cheap first look."""
        rough = {at: overlap(question, self.sentences[at].stems, self._weights) for at in within}
        return sorted(rough, key=lambda at: (-rough[at], at))[:_ALIGNED_AT_MOST]

    def _windows(self, at: int) -> list[Stems]:
        first = self.sentences[at]
        windows: list[Stems] = [first.stems]
        for sentence in self.sentences[at + 1 : at + _WINDOW]:
            if sentence.speaker != first.speaker:
                break
            windows.append(windows[-1] + sentence.stems)
        return windows

    def _window_likeness(self, question: Stems, window: Stems) -> float:
        shared = 0.5 * (overlap(question, window, self._weights) + alignment(question, window, self._weights))
        # What else is said in the window counts against it, so that it begins where the question does.
        precision = overlap(window, question, self._weights)
        return shared * (0.8 + 0.2 * precision)

    def _bonus_at(self, at: int) -> float:
        sentence = self.sentences[at]
        bonus = _ASKS if sentence.asks and not sentence.passes else 0.0
        for back in range(3):
            near = self.sentences[max(0, at - back)]
            if back and near.asks:  # the announced question has been read before this sentence
                break
            if near.announces:
                return bonus + _ANNOUNCED
        return bonus


def place_airings(
    wording: Wording, airings: Sequence[Airing], questions: Mapping[str, Stems], lag_s: float
) -> list[Placed]:
    """Find where questions with marks are read aloud; airings in order of their marks, and so is the result.

    Every airing is placed: where the wording is not found, at the sentence that begins nearest to the mark less lag.
    """
    if not wording.sentences or not airings:
        return []
    pressed = [airing for airing in airings if not airing.heard]
    learned_s, width_s = _learn_lag(wording, pressed, questions, lag_s) if pressed else (lag_s, PRIOR_WIDTH_S)
    return _place_in_order(wording, airings, questions, learned_s, width_s)[0]


def _learn_lag(
    wording: Wording, airings: Sequence[Airing], questions: Mapping[str, Stems], lag_s: float
) -> tuple[float, float]:
    """The host's lag and how wide to look around it.

    Like laying two combs on each other: the lag under which all marks together meet most of what sounds like a question
    being read. It works even where no question is read as it was typed, and stays near the configured lag otherwise.
    """
    best_total, best = float("-inf"), list[Placed]()
    for guess_s in (lag_s, *LAG_GUESSES_S):
        placed, total = _place_in_order(wording, airings, questions, guess_s, COMB_WIDTH_S, keep=NO_EVIDENCE)
        total -= FAITH_PER_S * abs(guess_s - lag_s) * len(airings)
        if total > best_total:
            best_total, best = total, placed
    lags_s = [_lag_s(wording, one) for one in best if one.by_wording]
    if len(lags_s) < 3:
        return lag_s, PRIOR_WIDTH_S
    learned_s = statistics.median(lags_s)
    spread_s = 1.48 * statistics.median(abs(lag - learned_s) for lag in lags_s)  # robust standard deviation
    return learned_s, min(PRIOR_WIDTH_S, max(LEAST_WIDTH_S, 5 * spread_s))


def _lag_s(wording: Wording, placed: Placed) -> float:
    assert placed.airing is not None
    return (placed.airing.on_air_ms - wording.sentences[placed.sentence].span.start_ms) / 1000


@dataclass(frozen=True, slots=True)
class _Candidate:
    sentence: int
    score: float
    likeness: float
    by_wording: bool


def _place_in_order(
    wording: Wording,
    airings: Sequence[Airing],
    questions: Mapping[str, Stems],
    lag_s: float,
    width_s: float,
    *,
    keep: float = KEEP_MARK_SCORE,
) -> tuple[list[Placed], float]:
    """The best choice of one candidate per airing in the order of the marks (dynamic programming), and its score."""
    columns = [_candidates(wording, one, questions[one.question_id], lag_s, width_s, keep) for one in airings]
    totals = [candidate.score for candidate in columns[0]]
    steps: list[list[int]] = []
    for (before, column), (earlier_airing, airing) in zip(pairwise(columns), pairwise(airings), strict=True):
        step, sums = [], []
        disorder = _disorder_cost(airing.on_air_ms - earlier_airing.on_air_ms)
        for candidate in column:
            values = [
                total + candidate.score - _order_cost(earlier.sentence, candidate.sentence, disorder)
                for earlier, total in zip(before, totals, strict=True)
            ]
            step.append(max(range(len(values)), key=values.__getitem__))
            sums.append(values[step[-1]])
        steps.append(step)
        totals = sums
    choice = max(range(len(totals)), key=totals.__getitem__)
    chosen = [choice]
    for step in reversed(steps):
        chosen.append(step[chosen[-1]])
    picks = [column[pick] for column, pick in zip(columns, reversed(chosen), strict=True)]
    placed = [
        Placed(
            question_id=airing.question_id,
            sentence=pick.sentence,
            likeness=pick.likeness,
            airing=airing,
            by_wording=pick.by_wording,
        )
        for airing, pick in zip(airings, picks, strict=True)
    ]
    return placed, max(totals)


def _disorder_cost(apart_ms: int) -> float:
    """What it costs to believe that two questions came in the other order than their marks: less for close marks."""
    return min(1.0, 0.15 + apart_ms / 60_000)


def _order_cost(earlier: int, later: int, disorder: float) -> float:
    if earlier == later:
        return 1.0
    return 0.0 if earlier < later else disorder


def _candidates(
    wording: Wording, airing: Airing, question: Stems, lag_s: float, width_s: float, keep: float
) -> list[_Candidate]:
    starts_ms = [sentence.span.start_ms for sentence in wording.sentences]
    first = bisect_left(starts_ms, airing.on_air_ms - BEFORE_MARK_MS)
    last = bisect_left(starts_ms, airing.on_air_ms + AFTER_MARK_MS)
    wanted_ms = airing.on_air_ms - (0 if airing.heard else round(lag_s * 1000))
    nearest = min(range(len(starts_ms)), key=lambda at: (abs(starts_ms[at] - wanted_ms), at))
    if airing.heard:
        return [_Candidate(nearest, 1.0, wording.likeness(question, nearest), by_wording=False)]
    candidates = [_Candidate(nearest, keep, 0.0, by_wording=False)]
    for at in range(first, last):
        prior = math.exp(-(((starts_ms[at] - wanted_ms) / 1000 / width_s) ** 2))
        score = wording.score(question, at) * prior
        if score > keep:
            candidates.append(_Candidate(at, score, wording.likeness(question, at), by_wording=True))
    return candidates


def place_by_wording(wording: Wording, questions: Mapping[str, Stems], taken: Sequence[int]) -> list[Placed]:
    """Find questions without marks by their wording alone: proposals, in order of their sentences.

    ``questions`` in the order in which they were likely asked; that order is believed if it costs the likeness little.
    What is not found is left out.
    """
    if not wording.sentences or not questions:
        return []
    first = _after_teaser(wording.sentences)
    spots = {key: _spots(wording, stems, first) for key, stems in questions.items()}
    free = _assign(wording, spots, taken, gap_ms=_gap_ms(wording.sentences, len(questions) + len(taken)))
    ordered = [] if taken else _assign_in_order(spots)
    chosen = ordered if sum(s for *_, s in ordered) >= 0.9 * sum(s for *_, s in free) else free
    return sorted(
        (Placed(question_id=key, sentence=at, likeness=wording.likeness(questions[key], at)) for key, at, _ in chosen),
        key=lambda placed: placed.sentence,
    )


_Spot = tuple[int, float]
_Choice = tuple[str, int, float]


def _spots(wording: Wording, question: Stems, first: int) -> list[_Spot]:
    at_most = wording.best(question, range(first, len(wording.sentences)))
    scored = [(at, wording.score(question, at)) for at in at_most]
    return [(at, score) for at, score in scored if score >= LEAST_TEXT_SCORE]


def _assign(
    wording: Wording, spots: Mapping[str, Sequence[_Spot]], taken: Sequence[int], *, gap_ms: int
) -> list[_Choice]:
    """Best first, each question once, each stretch once."""
    used_ms = [wording.sentences[at].span.start_ms for at in taken]
    chosen: list[_Choice] = []
    pairs = [(key, at, score) for key, found in spots.items() for at, score in found]
    for key, at, score in sorted(pairs, key=lambda pair: -pair[2]):
        start_ms = wording.sentences[at].span.start_ms
        if all(abs(start_ms - one) >= gap_ms for one in used_ms) and all(key != other for other, *_ in chosen):
            used_ms.append(start_ms)
            chosen.append((key, at, score))
    return chosen


def _assign_in_order(spots: Mapping[str, Sequence[_Spot]]) -> list[_Choice]:
    """The best choice in the given order of questions; a question may be left out."""
    best: list[tuple[float, int, list[_Choice]]] = [
        (0.0, -1, [])
    ]  # score, last sentence, choices; one per last sentence
    for key, found in spots.items():
        grown = dict[int, tuple[float, int, list[_Choice]]]()
        for total, last, choices in best:
            for at, score in found:
                if at > last and (at not in grown or grown[at][0] < total + score):
                    grown[at] = (total + score, at, [*choices, (key, at, score)])
        for state in best:
            if state[1] not in grown or grown[state[1]][0] < state[0]:
                grown[state[1]] = state
        best = list(grown.values())
    return max(best, key=lambda state: state[0])[2]


def _after_teaser(sentences: Sequence[Sentence]) -> int:
    """Long shows often open with a teaser that repeats their questions: it is skipped."""
    if sentences[-1].span.end_ms - sentences[0].span.start_ms < _LONG_SESSION_MS:
        return 0
    return next((at for at, sentence in enumerate(sentences) if sentence.span.start_ms >= _TEASER_MS), 0)


def _gap_ms(sentences: Sequence[Sentence], questions: int) -> int:
    """Least distance of two questions: 40 s, or a third of the average where questions come thick and fast."""
    lasting_ms = sentences[-1].span.end_ms - sentences[0].span.start_ms
    return min(40_000, lasting_ms // (3 * questions))
