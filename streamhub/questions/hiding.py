"""The noun of hiding: what people wrote, without the names that must not be shown in its session. Pure.

What somebody typed stays in the store as it is, for hosts and for a no that is taken back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from streamhub.questions.question import Question
from streamhub.questions.writing import Proposal, Story
from streamhub.schedule.masks import Masker

T = TypeVar("T", Story, Proposal)


def hide_in_question(question: Question, masker: Masker) -> Question:
    """A question without these names; the very same one where nobody has to be hidden."""
    if not masker:
        return question
    return replace(
        question,
        text=masker.text(question.text),
        asker=replace(question.asker, name=masker.name(question.asker.name)),
        topics=tuple(map(masker.text, question.topics)),
        products=tuple(map(masker.text, question.products)),
    )


def hide_in_writing(one: T, masker: Masker) -> T:
    """A story or an answer in writing without these names; the very same one where nobody has to be hidden."""
    if not masker:
        return one
    return replace(one, text=masker.text(one.text), writer=replace(one.writer, name=masker.name(one.writer.name)))
