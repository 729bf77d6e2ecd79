"""Rules of answers in writing: how an accepted proposal becomes an answer, or the addendum of a spoken one. Pure.

What a person changed in the archive by hand stays: only words that came from here are ever replaced or taken out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from streamhub.answers.answer import Answer
from streamhub.questions.question import Question
from streamhub.questions.writing import Proposal, digest_of
from streamhub.schedule.show import Role
from streamhub.text import slugify

_NAMED_AMONG_ANSWERERS = frozenset({Role.HOST, Role.EXPERT, Role.SUPER_USER})
"""Those who have proved to be one: a name that anybody typed must not lead to an expert's page."""


def draft_written(question: Question, proposal: Proposal) -> Answer:
    """The draft of an answer that was given in writing alone."""
    return with_writing(
        Answer(
            id=question.id,
            slug=slugify(question.text),
            session_id=question.session_id,
            question=question.text,
            asker=question.asker.public_name,
            language=proposal.language,
            topics=question.topics,
            products=question.products,
            votes=question.votes,
        ),
        proposal,
        known=frozenset(),
    )


def with_writing(answer: Answer, proposal: Proposal | None, *, known: Collection[str]) -> Answer:
    """The answer with the accepted proposal as its body, or without any when none is accepted any more.

    Args:
        answer: as it stands in the archive.
        proposal: the accepted one; None: there is none.
        known: digests of all that was ever accepted for it; a body that is none of these is a person's and stays.
    """
    if answer.body.strip() and digest_of(answer.body) not in known:
        return answer
    if proposal is None:
        return replace(answer, body="", writer="", writer_role=None)
    name, role = proposal.writer.public_name, proposal.writer.role
    named = (name,) if name and role in _NAMED_AMONG_ANSWERERS else ()
    return replace(
        answer,
        body=proposal.text,
        writer=name,
        writer_role=role,
        answerers=answer.answerers if answer.ranges else named,
    )
