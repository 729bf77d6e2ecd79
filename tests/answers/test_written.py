"""Rules of answers in writing, with any text: what is a person's stays, and every acceptance can be taken back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.answers.answer import Answer
from streamhub.answers.written import draft_written, with_writing
from streamhub.errors import Conflict
from streamhub.questions.answering import WAITING, decide_acceptance, decide_release
from streamhub.questions.question import Question, QuestionState, Shown
from streamhub.questions.rules import NEXT_STATES
from streamhub.questions.writing import Proposal, Writer, digest_of
from streamhub.schedule.show import Role
from streamhub.timecode import Span

AT = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
texts = st.text(min_size=1, max_size=60).filter(lambda text: text.strip() != "")


def make_proposal(text: str, *, role: Role | None = None, shown: Shown = Shown.NAME) -> Proposal:
    writer = Writer(name="Bernd Bach", shown=shown, role=role)
    return Proposal(
        id="p", question_id="q", voter="v", writer=writer, text=text, digest=digest_of(text), language="de", at=AT
    )


def make_question(state: QuestionState) -> Question:
    return Question(id="q", session_id="s", text="Warum?", state=state, asked_at=AT)


@given(body=texts, text=texts, spoken=st.booleans())
def test_what_a_person_wrote_by_hand_stays(body: str, text: str, spoken: bool) -> None:
    """A body that did not come from here is never replaced; one that did follows the accepted proposal, and goes."""
    ranges = (Span(1000, 2000),) if spoken else ()
    answer = Answer(id="q", slug="warum", session_id="s", question="Warum?", body=body, ranges=ranges)
    proposal = make_proposal(text)
    assert with_writing(answer, proposal, known=frozenset()) is answer
    ours = with_writing(answer, proposal, known={digest_of(body)})
    assert (ours.body, ours.ranges) == (text, ranges)
    gone = with_writing(ours, None, known={proposal.digest})
    assert (gone.body, gone.writer, gone.writer_role, gone.ranges) == ("", "", None, ranges)


@pytest.mark.parametrize(
    ("role", "shown", "answerers", "writer"),
    [
        (Role.EXPERT, Shown.NAME, ("Bernd Bach",), "Bernd Bach"),
        (Role.EXPERT, Shown.ANONYMOUS, (), ""),
        (Role.CUSTOMER, Shown.NAME, (), "Bernd Bach"),
        (None, Shown.NAME, (), "Bernd Bach"),
    ],
)
def test_only_who_proved_it_stands_among_the_answerers(
    role: Role | None, shown: Shown, answerers: tuple[str, ...], writer: str
) -> None:
    """A name that anybody typed never leads to the page of the expert who has that name."""
    question = make_question(QuestionState.ANSWERED_IN_WRITING)
    answer = draft_written(question, make_proposal("Darum.", role=role, shown=shown))
    assert (answer.answerers, answer.writer, answer.writer_role) == (answerers, writer, role)


@pytest.mark.parametrize("state", QuestionState)
def test_every_acceptance_leads_back(state: QuestionState) -> None:
    """Taking an acceptance back leads to the state before it, by steps that are allowed."""
    try:
        accepted = decide_acceptance(make_question(state))
    except Conflict:
        assert state not in WAITING
        return
    assert accepted is state or accepted in NEXT_STATES[state]
    back = decide_release(make_question(accepted), state.value, spoken=state not in WAITING)
    # Where nobody knows what was before, it is open again.
    assert back is (QuestionState.OPEN if state is QuestionState.ANSWERED_IN_WRITING else state)
    assert back is accepted or back in NEXT_STATES[accepted]
