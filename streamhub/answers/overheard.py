"""What is heard of questions while a session runs: an open one that was answered, and one on air that seems over.

Pure. Owns when either is likely enough to be proposed to a host: rarely wrong rather than complete. The limits were
chosen on the half of the benchmark's sessions that is not scored (`bench.overheard`). Refuses to decide anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamhub.answers.asked import AskedAloud, find_asked_aloud
from streamhub.answers.rules import find_airings, plan_answers
from streamhub.answers.sentences import sentences_of
from streamhub.answers.witnesses import Asked, Hearing, hear
from streamhub.answers.wording import stems_of
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session
from streamhub.timecode import Span, add_ms
from streamhub.transcript.transcript import Transcript

OPEN_STATES = frozenset({QuestionState.OPEN, QuestionState.QUEUED})
AIRED_STATES = frozenset({QuestionState.ON_AIR, QuestionState.ANSWERED_LIVE})
LEAST_WORTH = 1.0  # nats
LEAST_LIKENESS = 0.6
ANSWERED_MS = 20_000
"""So long somebody must have spoken after a question before it counts as answered; a host may be about to press."""
MOVED_ON_MS = 12_000
SETTLED_MS = 60_000
"""So long ago something must have been asked aloud before it is proposed: its answer is over by then, or nearly."""
SAME_MS = 12_000
PLACES = 6
"""So many places are looked at closely for each question, those that share most words with it."""
AT_MOST = 60
"""So many open questions are looked for, the most wanted ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overheard:
    """An open question whose wording was heard.

    Attributes:
        question: it.
        span: from its first word to the end of its answer so far, session milliseconds.
        heard: the sentence that was heard there.
        likeness: of the wording, 0 to 1.
        answered: whether somebody has spoken long enough after it.
    """

    question: Question
    span: Span
    heard: str
    likeness: float
    answered: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveHints:
    """What a host may want to know while a session runs.

    Attributes:
        answered: open questions that were answered, in order of time.
        over: the question on air, where it seems to be over; None when not.
        aloud: questions that were asked aloud and that nobody submitted.
    """

    answered: tuple[Overheard, ...] = ()
    over: SeemsOver | None = None
    aloud: tuple[AskedAloud, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SeemsOver:
    """A question on air after which another one was read.

    Attributes:
        question: the one on air.
        following: the one that was read since.
        at_ms: when that began, session milliseconds.
    """

    question: Question
    following: Question
    at_ms: int


def find_overheard(
    session: Session, questions: Sequence[Question], marks: Sequence[Mark], transcript: Transcript
) -> tuple[Overheard, ...]:
    """Open questions that were read in their own words, in order of time.

    A place where another question is read that is more alike, on air or open, counts for that one alone.
    """
    sentences = sentences_of(session, transcript)
    if not sentences:
        return ()
    hearing = hear(sentences)
    known = {one.id: _asked(one, session) for one in questions if one.state in OPEN_STATES | AIRED_STATES}
    wanted = sorted((one for one in questions if one.state in OPEN_STATES), key=lambda one: (-one.votes, one.asked_at))
    found: dict[str, tuple[Question, int]] = {}
    for question in wanted[:AT_MOST]:
        at = _find_place(hearing, known[question.id])
        if at is not None and not _has_rival(hearing, question.id, at, known):
            found[question.id] = (question, at)
    if not found:
        return ()
    heard_ms = sentences[-1].span.end_ms
    starts_ms = {key: sentences[at].span.start_ms for key, (_, at) in found.items()}
    spans = _plan_spans(session, questions, marks, transcript, starts_ms)
    overheard = []
    for key, (question, at) in found.items():
        span = spans.get(key, sentences[at].span)
        asked_ms = sentences[at].span.end_ms
        overheard.append(
            Overheard(
                question=question,
                span=span,
                heard=sentences[at].text,
                likeness=hearing.likeness(known[key], at),
                answered=min(span.end_ms, heard_ms) - asked_ms >= ANSWERED_MS,
            )
        )
    return tuple(sorted(overheard, key=lambda one: one.span.start_ms))


def _asked(question: Question, session: Session) -> Asked:
    return Asked(stems_of(question.text, session.language))


def _find_place(hearing: Hearing, asked: Asked) -> int | None:
    """The sentence where a question is read in its own words; None where it is nowhere."""
    places = hearing.candidates(asked, range(len(hearing.sentences)))[:PLACES]
    at = max(places, key=lambda one: hearing.worth(asked, one), default=None)
    if at is None or hearing.worth(asked, at) < LEAST_WORTH or hearing.likeness(asked, at) < LEAST_LIKENESS:
        return None
    return at


def _has_rival(hearing: Hearing, key: str, at: int, known: dict[str, Asked]) -> bool:
    """Whether another question is read there that is more alike; of two that are the same, one stands for both."""
    likeness = hearing.likeness(known[key], at)
    near = range(max(0, at - 1), min(len(hearing.sentences), at + 2))
    return any(
        (hearing.likeness(asked, one), other) > (likeness, key)
        for other, asked in known.items()
        if other != key
        for one in hearing.candidates(asked, near)
    )


def _plan_spans(
    session: Session,
    questions: Sequence[Question],
    marks: Sequence[Mark],
    transcript: Transcript,
    starts_ms: dict[str, int],
) -> dict[str, Span]:
    """How far the answers of questions reach that begin at these times, between those that were on air."""
    if session.started_at is None:
        return {}
    fresh = [
        Mark(
            session_id=session.id,
            question_id=key,
            kind=MarkKind.ON_AIR,
            at=add_ms(session.started_at, start_ms),
            witness=Witness.EAR,
        )
        for key, start_ms in starts_ms.items()
    ]
    others = [mark for mark in marks if mark.question_id not in starts_ms]
    concerned = [one for one in questions if one.id in starts_ms or one.state in AIRED_STATES]
    planned = plan_answers(session, concerned, [*others, *fresh], transcript)
    return {answer.id: answer.ranges[0] for answer in planned if answer.id in starts_ms and answer.ranges}


def find_over(
    session: Session,
    questions: Sequence[Question],
    marks: Sequence[Mark],
    overheard: Sequence[Overheard],
    *,
    heard_ms: int,
) -> SeemsOver | None:
    """The question on air, where another one was read since and is being answered.

    Args:
        session: the session.
        questions: all of it.
        marks: of it, in any order.
        overheard: what that found.
        heard_ms: to where words were heard.
    """
    on_air = next((one for one in questions if one.state is QuestionState.ON_AIR), None)
    if on_air is None:
        return None
    airings, known = find_airings(session, marks), {one.id: one for one in questions}
    since = [one.on_air_ms for one in airings if one.question_id == on_air.id]
    if not since:
        return None
    read = [(one.span.start_ms, one.question) for one in overheard]
    # What a host has confirmed by ear is open no more, and was read all the same.
    read += [(one.on_air_ms, known[one.question_id]) for one in airings if one.heard and one.question_id in known]
    for at_ms, question in sorted(read, key=lambda pair: pair[0]):
        if question.id != on_air.id and at_ms > since[-1] and heard_ms - at_ms >= MOVED_ON_MS:
            return SeemsOver(question=on_air, following=question, at_ms=at_ms)
    return None


def find_hints(
    session: Session, questions: Sequence[Question], marks: Sequence[Mark], transcript: Transcript
) -> LiveHints:
    """All that there is to propose to a host now."""
    heard_ms = max((cue.span.end_ms for cue in transcript.cues), default=0)
    overheard = find_overheard(session, questions, marks, transcript)
    aired = [one for one in questions if one.state in AIRED_STATES]
    known = plan_answers(session, aired, marks, transcript) if aired else ()
    spans = [one.span for one in overheard]
    aloud = [
        one
        for one in find_asked_aloud(session, known, transcript)
        if heard_ms - one.span.start_ms >= SETTLED_MS
        and not any(abs(one.span.start_ms - span.start_ms) <= SAME_MS for span in spans)
    ]
    return LiveHints(
        answered=tuple(one for one in overheard if one.answered),
        over=find_over(session, questions, marks, overheard, heard_ms=heard_ms),
        aloud=tuple(aloud),
    )
