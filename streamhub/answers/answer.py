"""The noun of the published unit: an answer.

A question, who answered, a range on the session clock, and a state. Draft and published are different worlds: nothing
in state draft may reach a public page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from streamhub.schedule.show import Role
from streamhub.timecode import Span


class AnswerState(StrEnum):
    """Whether the public may see it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A question and where in a session it is answered.

    Attributes:
        id: the question's id.
        slug: words of the question for the address.
        session_id: the session.
        question: the question's text as asked.
        asker: name as the asker wants to be shown; empty for none.
        answerers: names of those who answer, in order of speaking.
        ranges: stretches on the session clock, sorted; empty for an answer in writing only.
        language: ``de`` or ``en``.
        topics, products: titles, as shown.
        state: whether the public may see it.
        superseded_by: id of the answer that took its place; empty if none.
        valid_until: last day on which it holds; None for no end.
        confidence: 0 to 1, how sure the machine is of the range; 1 when a person set it.
        evidence: sentences that say why the range is where it is.
        votes: how many people wanted it answered.
        body: the written answer or addendum in Markdown; may be empty.
        writer: name of who wrote the body, as he wants to be shown; empty when nobody is named.
        writer_role: what the writer is in the session; None for anybody, or when nobody said.
    """

    id: str
    slug: str
    session_id: str
    question: str
    asker: str = ""
    answerers: tuple[str, ...] = ()
    ranges: tuple[Span, ...] = ()
    language: str = "de"
    topics: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    state: AnswerState = AnswerState.DRAFT
    superseded_by: str = ""
    valid_until: date | None = None
    confidence: float = 1.0
    evidence: tuple[str, ...] = ()
    votes: int = 0
    body: str = ""
    writer: str = ""
    writer_role: Role | None = None

    @property
    def start_ms(self) -> int | None:
        """Where on the session clock it begins; None for an answer in writing only."""
        return self.ranges[0].start_ms if self.ranges else None
