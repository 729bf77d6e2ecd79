"""Answers of a session that is still running: what was said for each question that was on air, as far as it was heard.

Pure. Owns which words belong to which question so far, and how they are searched. All of it is provisional: the
answers are cut anew when the session is over, and nothing made here is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from streamhub.answers.rules import find_airings, plan_answers
from streamhub.live.mark import Mark
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.wordforms.analysis import Analyzer, split_words
from streamhub.wordforms.common import is_stop_word

SPOKEN_STATES = frozenset(
    {QuestionState.ON_AIR, QuestionState.ANSWERED_LIVE, QuestionState.PUBLISHED, QuestionState.SUPERSEDED}
)
MAX_QUERY_WORDS = 8
_LEAST_PART = 5
"""Letters from which on a word is found within a longer one: "Frist" in "Kündigungsfrist"."""

Piece = tuple[str, bool]
"""A stretch of text, and whether it was searched for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpokenAnswer:
    """What was said for a question so far.

    Attributes:
        question: it.
        spans: when, on the session clock, sorted; where nothing was heard yet, the moment of going on air.
        cues: the words, on the session clock; empty while nothing was heard.
        answerers: who speaks, where that is known.
        going_on: whether the question is on air now.
    """

    question: Question
    spans: tuple[Span, ...]
    cues: tuple[Cue, ...] = ()
    answerers: tuple[str, ...] = ()
    going_on: bool = False

    @property
    def start_ms(self) -> int:
        """Where on the session clock it begins."""
        return self.spans[0].start_ms


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSpoken:
    """An answer with what was searched for in it.

    Attributes:
        answer: it.
        question: its question's text in pieces.
        cues: the text of each of its captions in pieces.
        hits: how many of the words that were searched for are in it.
    """

    answer: SpokenAnswer
    question: tuple[Piece, ...]
    cues: tuple[tuple[Piece, ...], ...]
    hits: int = 0


def plan_spoken(
    session: Session, questions: Sequence[Question], marks: Sequence[Mark], transcript: Transcript, *, lag_s: float
) -> tuple[SpokenAnswer, ...]:
    """What was said for each question that was on air, in order of time; the arguments are those of `plan_answers`.

    A question that was marked as answered and whose words were not found anywhere is left out.
    """
    wanted = {question.id: question for question in questions if question.state in SPOKEN_STATES}
    airings = [airing for airing in find_airings(session, marks) if airing.question_id in wanted]
    on_air_ms = {airing.question_id: airing.on_air_ms for airing in airings}
    heard_ms = max((cue.span.end_ms for cue in transcript.cues), default=0)
    unheard = {
        key
        for key, question in wanted.items()
        if question.state is QuestionState.ON_AIR and on_air_ms.get(key, 0) >= heard_ms
    }
    order = sorted(wanted.values(), key=lambda question: on_air_ms.get(question.id, heard_ms))
    heard = [question for question in order if question.id not in unheard]
    spoken = [
        SpokenAnswer(
            question=wanted[answer.id],
            spans=answer.ranges,
            cues=tuple(cut_cues(transcript.cues, answer.ranges)),
            answerers=answer.answerers,
            going_on=wanted[answer.id].state is QuestionState.ON_AIR,
        )
        for answer in plan_answers(session, heard, marks, transcript, lag_s=lag_s)
        if answer.ranges
    ]
    for key in unheard & on_air_ms.keys():
        span = Span(on_air_ms[key], on_air_ms[key])
        spoken.append(SpokenAnswer(question=wanted[key], spans=(span,), going_on=True))
    return tuple(sorted(spoken, key=lambda one: one.start_ms))


def cut_cues(cues: Iterable[Cue], spans: Sequence[Span]) -> list[Cue]:
    """The captions within stretches of time, those at their edges cut between words."""
    kept = []
    for cue in cues:
        if not any(span.overlap_ms(cue.span) for span in spans):
            continue
        words = [word for word in cue.words if _within((word.span.start_ms + word.span.end_ms) // 2, spans)]
        if len(words) < len(cue.words):
            if words:
                span = Span(words[0].span.start_ms, max(words[0].span.start_ms + 1, words[-1].span.end_ms))
                kept.append(replace(cue, span=span, words=tuple(words), text=" ".join(word.text for word in words)))
        elif cue.words or _within((cue.span.start_ms + cue.span.end_ms) // 2, spans):
            kept.append(cue)
    return kept


def _within(at_ms: int, spans: Sequence[Span]) -> bool:
    return any(span.start_ms <= at_ms < span.end_ms for span in spans)


def search_spoken(answers: Sequence[SpokenAnswer], query: str, analyzers: Sequence[Analyzer]) -> list[FoundSpoken]:
    """The answers with any of the words that are searched for, those with most of them first; all for an empty query.

    Args:
        answers: to search in.
        query: as typed.
        analyzers: of the languages in which it may be meant; a word counts in any of them.
    """
    wanted = [split.pieces for split in split_words(query)][: MAX_QUERY_WORDS * 2]
    telling = [pieces for pieces in wanted if not all(is_stop_word(piece) for piece in pieces)] or wanted
    terms = [_terms(analyzers, pieces) for pieces in telling[:MAX_QUERY_WORDS]]
    found = [_look(answer, terms, analyzers) for answer in answers]
    if not query.strip():
        return found
    return sorted((one for one in found if one.hits), key=lambda one: (-one.hits, one.answer.start_ms))


def _terms(analyzers: Sequence[Analyzer], pieces: Sequence[str]) -> frozenset[str]:
    return frozenset(term for analyzer in analyzers for piece in pieces for term in analyzer.piece_terms(piece))


def _look(answer: SpokenAnswer, wanted: Sequence[frozenset[str]], analyzers: Sequence[Analyzer]) -> FoundSpoken:
    seen: set[int] = set()

    def split(text: str) -> tuple[Piece, ...]:
        pieces: list[Piece] = []
        at = 0
        for word in split_words(text) if wanted else ():
            here = _find(_terms(analyzers, word.pieces), wanted)
            if here:
                seen.update(here)
                pieces += [(text[at : word.start], False), (text[word.start : word.end], True)]
                at = word.end
        return tuple(piece for piece in [*pieces, (text[at:], False)] if piece[0])

    question = split(answer.question.text)
    cues = tuple(split(cue.text) for cue in answer.cues)
    return FoundSpoken(answer=answer, question=question, cues=cues, hits=len(seen))


def _find(terms: frozenset[str], wanted: Sequence[frozenset[str]]) -> set[int]:
    """Numbers of the searched words that a word is, or is made of."""
    return {
        number
        for number, one in enumerate(wanted)
        if one & terms or any(len(part) >= _LEAST_PART and part in term for part in one for term in terms)
    }
