"""Rules of answering in writing: what accepting a proposal does to its question, and what taking that back does. Pure.

A question that was answered on air, too, keeps its own way; what is written stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable

from streamhub.errors import WrongState
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.refusal import Refusal
from streamhub.questions.rules import NEXT_STATES, PUBLIC_STATES
from streamhub.questions.writing import Proposal, ProposalState, Story, StoryState
from streamhub.schedule.show import Moderation

Q = QuestionState

WAITING = frozenset({Q.OPEN, Q.QUEUED, Q.CARRIED_OVER})
"""States in which an accepted proposal is the answer."""

_ANSWERED = frozenset({Q.ON_AIR, Q.ANSWERED_LIVE, Q.ANSWERED_IN_WRITING, Q.PUBLISHED, Q.WITHDRAWN})

TAKES_PROPOSALS = PUBLIC_STATES
"""States in which people may propose an answer."""


def decide_acceptance(question: Question) -> QuestionState:
    """The state of a question once a proposed answer is accepted.

    Raises:
        Conflict: nothing can be answered from where it is.
    """
    if question.state in WAITING:
        return Q.ANSWERED_IN_WRITING
    if question.state in _ANSWERED:
        return question.state
    message = f"question {question.id}: is {question.state}, cannot be answered"
    raise WrongState(message, hint="let it in first", code=Refusal.NOT_ANSWERABLE, state=question.state.value)


def decide_release(question: Question, before: str, *, spoken: bool) -> QuestionState:
    """The state of a question once its accepted answer is taken back.

    Args:
        question: as it is.
        before: its state before the acceptance.
        spoken: whether it was on air, too.
    """
    if question.state is Q.ANSWERED_IN_WRITING:
        back = Q(before) if before in WAITING else Q.OPEN
        return back if back in NEXT_STATES[Q.ANSWERED_IN_WRITING] else Q.OPEN
    if question.state is Q.PUBLISHED and not spoken:
        return Q.WITHDRAWN
    return question.state


def decide_story(moderation: Moderation, *, suspect: bool) -> StoryState:
    """Who sees a fresh story under the show's way of moderating."""
    return StoryState.HELD if suspect or moderation is Moderation.BEFORE else StoryState.SHOWN


def plan_proposals(proposals: Iterable[Proposal]) -> list[Proposal]:
    """The accepted one first, then those that prove what they are, then by age; what was erased is left out."""
    there = (one for one in proposals if one.state is not ProposalState.ERASED)
    accepted = ProposalState.ACCEPTED
    return sorted(there, key=lambda one: (one.state is not accepted, one.writer.role is None, one.at, one.id))


def plan_stories(stories: Iterable[Story]) -> list[Story]:
    """Oldest first."""
    return sorted(stories, key=lambda one: (one.at, one.id))
