"""Answers as lines: spoken and written ones in one list, for pages and programs. Pure.

A line is spoken when it has a second, written when somebody wrote it, or both. The public never sees a draft.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamhub.answers.answer import Answer
from streamhub.questions.question import Question
from streamhub.questions.rules import PUBLIC_STATES
from streamhub.questions.writing import Proposal
from streamhub.schedule.show import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerLine:
    """An answer as lists show it.

    Attributes:
        question_id, question, language: what is answered.
        page: path on the hub, with its leading slash.
        archived: whether the page is the archive's.
        start_ms: where on the session clock it begins; None for an answer in writing only.
        duration_ms: how long it is spoken; 0 for an answer in writing only.
        speakers: who answers by voice.
        written: whether it has a text.
        writer, writer_role: who wrote that, as shown; empty and None when nobody is named.
    """

    question_id: str
    question: str
    language: str
    page: str
    archived: bool
    start_ms: int | None = None
    duration_ms: int = 0
    speakers: tuple[str, ...] = ()
    written: bool = False
    writer: str = ""
    writer_role: Role | None = None

    @property
    def spoken(self) -> bool:
        """Whether it can be heard."""
        return self.start_ms is not None

    @property
    def second(self) -> str:
        """The page at the second where it begins; the page itself for an answer in writing only."""
        return self.page if self.start_ms is None else f"{self.page}?t={self.start_ms // 1000}"


def plan_line(answer: Answer, page: str) -> AnswerLine:
    """The line of a published answer; ``page`` is its path within the archive."""
    return AnswerLine(
        question_id=answer.id,
        question=answer.question,
        language=answer.language,
        page=f"/archive/{page}",
        archived=True,
        start_ms=answer.start_ms,
        duration_ms=sum(span.duration_ms for span in answer.ranges),
        speakers=answer.answerers if answer.ranges else (),
        written=bool(answer.body.strip()),
        writer=answer.writer or (", ".join(answer.answerers) if not answer.ranges else ""),
        writer_role=answer.writer_role,
    )


def plan_lines(
    published: Sequence[Answer],
    questions: Sequence[Question],
    accepted: Mapping[str, Proposal],
    page_of: Callable[[Answer], str],
) -> list[AnswerLine]:
    """All answers of a session: spoken ones in order of their second, then those in writing only.

    Args:
        published: what the archive shows.
        questions: of the session.
        accepted: by question, the proposal that hosts accepted; what the archive shows already is not shown twice.
        page_of: path of an answer's page within the archive.
    """
    lines = [plan_line(answer, page_of(answer)) for answer in published]
    there = {line.question_id for line in lines}
    for question in questions:
        proposal = accepted.get(question.id)
        if proposal is None or question.id in there or question.state not in PUBLIC_STATES:
            continue
        lines.append(
            AnswerLine(
                question_id=question.id,
                question=question.text,
                language=question.language,
                page=f"/s/{question.session_id}/q/{question.id}",
                archived=False,
                written=True,
                writer=proposal.writer.public_name,
                writer_role=proposal.writer.role,
            )
        )
    return sorted(lines, key=lambda line: (line.start_ms is None, line.start_ms or 0))


def line_json(line: AnswerLine) -> dict[str, Any]:
    """An answer of a list."""
    return {
        "question_id": line.question_id,
        "question": line.question,
        "language": line.language,
        "page": line.page,
        "second": line.second,
        "spoken": line.spoken,
        "written": line.written,
        "start_ms": line.start_ms,
        "duration_ms": line.duration_ms,
        "speakers": list(line.speakers),
        "writer": line.writer,
        "writer_role": line.writer_role.value if line.writer_role else None,
    }
