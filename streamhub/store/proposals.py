"""Proposed answers as rows, and the one that hosts accepted.

Owns the table ``proposals``. A proposal stays with the question that it was written under; the question that this one
is merged into shows it too. At most one is accepted for a question; an index holds that. What its writer erases loses
its words and keeps a digest, so that the archive knows what to take out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlite_utils import Database

from streamhub.errors import NotFound, WrongState
from streamhub.questions.answering import decide_acceptance, decide_release
from streamhub.questions.question import Question
from streamhub.questions.refusal import Refusal
from streamhub.questions.writing import Proposal, ProposalState, Writer
from streamhub.store.followers import resolve_merged
from streamhub.store.log import log_action
from streamhub.store.questions import load_question, step_question
from streamhub.store.rows import Row, fetch_all, fetch_one, insert, json_list
from streamhub.store.stories import FAMILY, writer_of, writer_row
from streamhub.timecode import format_instant, parse_instant

P = ProposalState


def insert_proposal(db: Database, proposal: Proposal) -> Proposal:
    """Keep a fresh proposal and log that it came.

    Raises:
        NotFound: there is no such question.
    """
    load_question(db, proposal.question_id)
    insert(db, "proposals", _row(proposal))
    _log(db, proposal, "proposal.intake", at=proposal.at, author="", role=_role(proposal))
    return load_proposal(db, proposal.id)


def load_proposal(db: Database, proposal_id: str) -> Proposal:
    """The proposal of that id.

    Raises:
        NotFound: there is none.
    """
    row = fetch_one(db, "select * from proposals where id = ?", proposal_id)
    if row is None:
        raise NotFound(f"proposal {proposal_id}: there is no such proposal")
    return _proposal(row)


def list_proposals(
    db: Database, question_ids: Collection[str], *, states: Collection[ProposalState] | None = None
) -> dict[str, list[Proposal]]:
    """Proposals of questions and of what was merged into them, by question, oldest first.

    An accepted one belongs to the question for which it was accepted, wherever that was merged since.
    """
    rows = fetch_all(
        db,
        f"{FAMILY} select root, proposals.* from family "  # noqa: S608  our own
        "join proposals on (state = 'accepted' and accepted_for = family.id) "
        "or (state <> 'accepted' and question_id = family.id) "
        "where state in (select value from json_each(?2)) order by at, proposals.id",
        json_list(question_ids),
        json_list(ProposalState if states is None else states),
    )
    found: dict[str, list[Proposal]] = {}
    for row in rows:
        found.setdefault(str(row.pop("root")), []).append(_proposal(row))
    return found


def list_accepted(db: Database, question_ids: Collection[str]) -> dict[str, Proposal]:
    """The accepted proposals, by the question for which each was accepted."""
    rows = fetch_all(
        db,
        "select * from proposals where state = 'accepted' and accepted_for in (select value from json_each(?))",
        json_list(question_ids),
    )
    return {proposal.accepted_for: proposal for proposal in map(_proposal, rows)}


def list_accepted_in(db: Database, session_id: str) -> dict[str, Proposal]:
    """The accepted proposals of a session, by question; cheap however many questions there are."""
    rows = fetch_all(
        db,
        "select proposals.* from proposals join questions on questions.id = proposals.accepted_for "
        "where proposals.state = 'accepted' and questions.session_id = ?",
        session_id,
    )
    return {proposal.accepted_for: proposal for proposal in map(_proposal, rows)}


def list_digests(db: Database, question_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Digests of all that was ever accepted for questions, by question."""
    rows = fetch_all(
        db,
        "select accepted_for, digest from proposals where accepted_for in (select value from json_each(?))",
        json_list(question_ids),
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(str(row["accepted_for"]), set()).add(str(row["digest"]))
    return {key: frozenset(digests) for key, digests in found.items()}


def list_proposals_of(db: Database, voter: str) -> list[Proposal]:
    """All proposals of one person that were not erased, newest first."""
    sql = "select * from proposals where voter = ? and state <> 'erased' order by at desc, id"
    return [_proposal(row) for row in fetch_all(db, sql, voter)]


def count_waiting(db: Database, question_id: str, voter: str) -> int:
    """How many proposals of one person wait at a question."""
    sql = "select count(*) as n from proposals where question_id = ? and voter = ? and state = 'held'"
    row = fetch_one(db, sql, question_id, voter)
    return int(row["n"]) if row else 0


def accept_proposal(db: Database, proposal_id: str, *, at: datetime, author: str) -> tuple[Proposal, Question]:
    """Make a proposal the answer in writing; what was accepted before stays beside it. Returns it and its question.

    Raises:
        NotFound: there is no such proposal.
        Conflict: it was taken back by its writer, or the question cannot be answered from where it is.
    """
    before = load_proposal(db, proposal_id)
    if before.state is P.ERASED:
        raise WrongState(f"proposal {proposal_id}: was taken back by its writer", code=Refusal.TAKEN_BACK)
    if before.state is P.ACCEPTED:
        return before, load_question(db, before.accepted_for)
    question = resolve_merged(db, load_question(db, before.question_id))
    goal = decide_acceptance(question)
    former = list_accepted(db, [question.id]).get(question.id)
    if former is not None:
        _save(db, replace(former, state=P.ALSO))
        _log(db, former, "proposal.decide", at=at, author=author, **{"from": P.ACCEPTED.value, "to": P.ALSO.value})
    after = replace(
        before,
        state=P.ACCEPTED,
        before=before.state,
        accepted_for=question.id,
        question_before=former.question_before if former else question.state.value,
        note="",
    )
    _save(db, after)
    _log(db, after, "proposal.decide", at=at, author=author, **{"from": before.state.value, "to": P.ACCEPTED.value})
    if goal is not question.state:
        question = step_question(db, question.id, goal, at=at, author=author)
    return after, question


def decide_proposal(
    db: Database, proposal_id: str, to: ProposalState, *, at: datetime, author: str, note: str = ""
) -> tuple[Proposal, Question]:
    """Hold a proposal, show it beside the accepted one, or decline it with a reason; returns it and its question.

    An accepted one is taken back first. To where it is already changes nothing.

    Raises:
        NotFound: there is no such proposal.
        Conflict: it was taken back by its writer.
    """
    before = load_proposal(db, proposal_id)
    if to is P.ACCEPTED:
        return accept_proposal(db, proposal_id, at=at, author=author)
    if before.state is P.ERASED:
        raise WrongState(f"proposal {proposal_id}: was taken back by its writer", code=Refusal.TAKEN_BACK)
    question = _question_of(db, before)
    if before.state is to:
        return before, question
    after = replace(before, state=to, note=note if to is P.DECLINED else "")
    _save(db, after)
    _log(db, after, "proposal.decide", at=at, author=author, **{"from": before.state.value, "to": to.value})
    if before.state is P.ACCEPTED:
        question = _release(db, before, question, at=at, author=author)
    return after, question


def undo_acceptance(db: Database, proposal_id: str, *, at: datetime, author: str) -> tuple[Proposal, Question]:
    """Put a proposal and its question back to where they were before it was accepted.

    Raises:
        NotFound: there is no such proposal.
        Conflict: it is not accepted.
    """
    proposal = load_proposal(db, proposal_id)
    if proposal.state is not P.ACCEPTED:
        raise WrongState(f"proposal {proposal_id}: is {proposal.state}, not accepted", code=Refusal.NOT_ACCEPTED)
    return decide_proposal(db, proposal_id, proposal.before, at=at, author=author)


def erase_proposal(db: Database, proposal_id: str, *, voter: str, at: datetime) -> tuple[Proposal, Question]:
    """Delete the words and the name of a proposal for the one whose it is; returns it and its question.

    Raises:
        NotFound: there is no such proposal, or it is somebody else's.
    """
    before = load_proposal(db, proposal_id)
    if not voter or before.voter != voter:
        raise NotFound(f"proposal {proposal_id}: there is no such proposal of yours")
    question = _question_of(db, before)
    after = replace(before, state=P.ERASED, text="", writer=Writer(role=before.writer.role), note="")
    if before.state is P.ERASED:
        return before, question
    _save(db, after)
    _log(db, after, "proposal.erase", at=at, author="")
    if before.state is P.ACCEPTED:
        question = _release(db, before, question, at=at, author="")
    return after, question


def _question_of(db: Database, proposal: Proposal) -> Question:
    if proposal.state is P.ACCEPTED:
        return load_question(db, proposal.accepted_for)
    return resolve_merged(db, load_question(db, proposal.question_id))


def _release(db: Database, proposal: Proposal, question: Question, *, at: datetime, author: str) -> Question:
    marked = fetch_one(db, "select 1 as yes from marks where question_id = ?", question.id) is not None
    spoken = marked or proposal.question_before in {"on_air", "answered_live", "published"}
    goal = decide_release(question, proposal.question_before, spoken=spoken)
    return question if goal is question.state else step_question(db, question.id, goal, at=at, author=author)


def _save(db: Database, proposal: Proposal) -> None:
    row = _row(proposal)
    names = ", ".join(f"{name} = :{name}" for name in row if name != "id")
    db.execute(f"update proposals set {names} where id = :id", row)  # noqa: S608  our own names


def _role(proposal: Proposal) -> str:
    return proposal.writer.role.value if proposal.writer.role else ""


def _log(db: Database, proposal: Proposal, action: str, *, at: datetime, author: str, **details: object) -> None:
    everything = {"question": proposal.accepted_for or proposal.question_id, **details}
    log_action(
        db, at=at, author=author, action=action, object_kind="proposal", object_id=proposal.id, details=everything
    )


def _row(proposal: Proposal) -> Row:
    return {
        "id": proposal.id,
        "question_id": proposal.question_id,
        "voter": proposal.voter,
        **writer_row(proposal.writer),
        "text": proposal.text,
        "digest": proposal.digest,
        "language": proposal.language,
        "state": proposal.state.value,
        "before": proposal.before.value,
        "accepted_for": proposal.accepted_for,
        "question_before": proposal.question_before,
        "note": proposal.note,
        "at": format_instant(proposal.at),
    }


def _proposal(row: Row) -> Proposal:
    writer = writer_of(row)
    kinds = {
        "state": ProposalState(row["state"]),
        "before": ProposalState(row["before"]),
        "at": parse_instant(row["at"]),
    }
    return Proposal(**{**row, **kinds}, writer=writer)
