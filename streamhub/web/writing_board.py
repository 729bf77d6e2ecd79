"""What the console shows of stories and proposed answers: what waits for a host, and everything at its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from streamhub.archive.markdown import render_markdown
from streamhub.questions.answering import plan_proposals
from streamhub.questions.question import Question
from streamhub.questions.writing import Proposal, ProposalState, Story, StoryState
from streamhub.schedule.show import Role, Session
from streamhub.store import deflections as deflection_rows
from streamhub.store import proposals as proposal_rows
from streamhub.store import stories as story_rows


@dataclass(frozen=True, kw_only=True, slots=True)
class WritingBoard:
    """What the console shows of stories and proposed answers.

    Attributes:
        stories, proposals: by question, all of them; what was erased is left out.
        waiting: the questions under which something waits for a host, the most first.
        deflected: how many people were helped by an answer and did not have to ask in this session.
        guests: whether somebody takes part who may get a personal link.
    """

    stories: dict[str, list[Story]]
    proposals: dict[str, list[Proposal]]
    waiting: list[tuple[Question, int]]
    deflected: int
    guests: bool

    def html(self, text: str) -> str:
        """Safe HTML of a proposed answer."""
        return render_markdown(text, under=3)


def read_writing(db: Database, session: Session, questions: Sequence[Question]) -> WritingBoard:
    """Read what was written under the questions of a session."""
    ids = [question.id for question in questions if not question.merged_into]
    stories = story_rows.list_stories(db, ids)
    proposals = {key: plan_proposals(found) for key, found in proposal_rows.list_proposals(db, ids).items()}
    held: list[tuple[Question, int]] = []
    for question in questions:
        count = sum(one.state is StoryState.HELD for one in stories.get(question.id, ()))
        count += sum(one.state is ProposalState.HELD for one in proposals.get(question.id, ()))
        if count:
            held.append((question, count))
    return WritingBoard(
        stories=stories,
        proposals=proposals,
        waiting=sorted(held, key=lambda one: (-one[1], one[0].asked_at)),
        deflected=deflection_rows.count_deflected(db, [session.id]).get(session.id, 0),
        guests=any(one.role is not Role.HOST for one in session.participants),
    )
