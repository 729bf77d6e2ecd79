"""Rules of asking: which step of a question may follow which, what the public sees, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from streamhub.errors import WrongState
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.refusal import Refusal
from streamhub.schedule.show import Moderation

Q = QuestionState

NEXT_STATES: Mapping[QuestionState, frozenset[QuestionState]] = {
    Q.RECEIVED: frozenset({Q.HELD, Q.OPEN, Q.MERGED, Q.DECLINED}),
    Q.HELD: frozenset({Q.OPEN, Q.MERGED, Q.DECLINED}),
    Q.OPEN: frozenset(
        {Q.HELD, Q.QUEUED, Q.ON_AIR, Q.MERGED, Q.ANSWERED_LIVE, Q.ANSWERED_IN_WRITING, Q.CARRIED_OVER, Q.DECLINED}
    ),
    Q.MERGED: frozenset({Q.RECEIVED, Q.HELD, Q.OPEN, Q.QUEUED, Q.CARRIED_OVER}),
    Q.QUEUED: frozenset(
        {Q.OPEN, Q.ON_AIR, Q.MERGED, Q.ANSWERED_LIVE, Q.ANSWERED_IN_WRITING, Q.CARRIED_OVER, Q.DECLINED}
    ),
    Q.ON_AIR: frozenset({Q.ANSWERED_LIVE, Q.ANSWERED_IN_WRITING, Q.QUEUED, Q.OPEN}),
    Q.ANSWERED_LIVE: frozenset({Q.ON_AIR, Q.QUEUED, Q.OPEN, Q.PUBLISHED, Q.WITHDRAWN}),
    Q.ANSWERED_IN_WRITING: frozenset({Q.OPEN, Q.QUEUED, Q.CARRIED_OVER, Q.ON_AIR, Q.PUBLISHED, Q.WITHDRAWN}),
    Q.CARRIED_OVER: frozenset({Q.OPEN, Q.QUEUED, Q.MERGED, Q.ANSWERED_LIVE, Q.ANSWERED_IN_WRITING, Q.DECLINED}),
    Q.DECLINED: frozenset({Q.OPEN}),
    Q.PUBLISHED: frozenset({Q.SUPERSEDED, Q.WITHDRAWN, Q.ANSWERED_LIVE}),
    Q.SUPERSEDED: frozenset({Q.PUBLISHED, Q.WITHDRAWN}),
    Q.WITHDRAWN: frozenset({Q.PUBLISHED}),
}

PUBLIC_STATES = frozenset(
    {Q.OPEN, Q.QUEUED, Q.ON_AIR, Q.ANSWERED_LIVE, Q.ANSWERED_IN_WRITING, Q.CARRIED_OVER, Q.PUBLISHED}
)
"""States in which everybody may see a question."""

VOTABLE_STATES = frozenset({Q.OPEN, Q.QUEUED, Q.ON_AIR, Q.CARRIED_OVER})
"""States in which people may still say that they want it answered."""


def decide_step(question: Question, to: QuestionState, *, note: str = "") -> Question:
    """The question after a step on its way; a step to where it is already changes nothing.

    Raises:
        Conflict: the step is not allowed from here.
    """
    if to is question.state:
        return question
    if not question.text:
        message, hint = f"question {question.id}: was erased at its asker's wish", "nothing more can be done to it"
        raise WrongState(message, hint=hint, code=Refusal.QUESTION_ERASED)
    allowed = NEXT_STATES[question.state]
    if to not in allowed:
        names = ", ".join(sorted(allowed)) or "nothing"
        raise WrongState(
            f"question {question.id}: is {question.state}, cannot become {to}",
            hint=f"from here: {names}",
            code=Refusal.QUESTION_STEP,
            state=question.state.value,
        )
    return replace(
        question,
        state=to,
        note=note if to is Q.DECLINED else question.note,
        place=question.place if to is Q.QUEUED else None,
        for_writing=question.for_writing and to is Q.CARRIED_OVER,
    )


def decide_reopening(
    question: Question, *, new_id: str, session_id: str, state: QuestionState, at: datetime
) -> Question:
    """The question that asks anew what an answer did not settle; the answered one stays as it is, under its own id.

    Raises:
        Conflict: it has no published answer, or was erased.
    """
    if question.state not in {Q.PUBLISHED, Q.SUPERSEDED} or not question.text:
        message = f"question {question.id}: is {question.state}, has no answer to be asked about anew"
        raise WrongState(message, code=Refusal.NOT_ANSWERED, state=question.state.value)
    return Question(
        id=new_id,
        session_id=session_id,
        text=question.text,
        asker=question.asker,
        language=question.language,
        state=state,
        source=question.source,
        asked_at=at,
        topics=question.topics,
        products=question.products,
        original=question.original,
        origin_url=question.origin_url,
        photo=question.photo,
    )


def decide_intake(moderation: Moderation) -> QuestionState:
    """The state of a fresh question under the show's way of moderating."""
    return Q.HELD if moderation is Moderation.BEFORE else Q.OPEN


def plan_order(questions: Iterable[Question]) -> list[Question]:
    """Order for the audience: on air first, then the most wanted, then the oldest."""
    return sorted(questions, key=lambda q: (q.state is not Q.ON_AIR, -q.votes, q.asked_at, q.id))


def plan_queue(questions: Iterable[Question]) -> list[Question]:
    """Order for the host: on air, then queued as a host dragged them, then starred, then by votes, then by age."""
    rank = {Q.ON_AIR: 0, Q.QUEUED: 1}

    def key(q: Question) -> tuple[object, ...]:
        placed = q.place if q.state is Q.QUEUED else None
        return (
            rank.get(q.state, 2),
            placed is None,
            placed if placed is not None else 0.0,
            not q.starred,
            -q.votes,
            q.asked_at,
            q.id,
        )

    return sorted(questions, key=key)
