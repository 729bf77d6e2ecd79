"""Ballots: many votes that came at the same time, counted with a handful of statements.

What becomes of each is what `count_ballot` makes of it alone; most of them are a first vote for an open question, and
all of those are counted together, because each statement costs a busy hub more in waiting than in work. Knows the rules
for votes and nothing of who asks; the rows are those of `streamhub.store.votes`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database

from streamhub.errors import NotFound
from streamhub.questions.doubt import decide_vote_doubt
from streamhub.questions.question import QuestionState
from streamhub.questions.rules import PUBLIC_STATES, VOTABLE_STATES
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.schedule.show import SessionState
from streamhub.store.rows import change, fetch_all
from streamhub.store.votes import Cast, Standing, cast_vote, count_address, load_standing, take_back
from streamhub.timecode import format_instant


class Refusal(StrEnum):
    """Why a ballot is not taken."""

    UNKNOWN = "unknown"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ballot:
    """One voter's wish about one question.

    Attributes:
        question_id, voter, at: who wants what, when.
        wanted: whether he wants it answered; False takes an earlier wish back.
        session_id: the session that the question must be in; empty for any.
        address: digest of where it came from; empty where addresses do not matter.
        newcomers_over, forged: as in `streamhub.questions.doubt.decide_vote_doubt`.
    """

    question_id: str
    voter: str
    at: datetime
    wanted: bool = True
    session_id: str = ""
    address: str = ""
    newcomers_over: bool = False
    forged: bool = False


Outcome = Cast | Refusal


def count_ballot(db: Database, ballot: Ballot, *, most: int) -> Outcome:
    """Take one ballot; ``most`` votes for a question count by themselves from one address, 0 for no limit."""
    try:
        standing = load_standing(db, ballot.question_id)
    except NotFound:
        return Refusal.UNKNOWN
    if refusal := _refuse(ballot, standing):
        return refusal
    if not ballot.wanted:
        return take_back(db, standing, ballot.voter)
    over = bool(most) and count_address(db, standing.question_id, ballot.address) >= most
    doubt = decide_vote_doubt(newcomers_over=ballot.newcomers_over, forged=ballot.forged, address_over=over)
    return cast_vote(db, standing, ballot.voter, at=ballot.at, address=ballot.address, doubt=doubt)


def count_ballots(db: Database, ballots: Sequence[Ballot], *, most: int) -> list[Outcome]:
    """Take ballots that came at the same time, each as `count_ballot` would; returns what became of each, in order."""
    if len(ballots) == 1:
        return [count_ballot(db, ballots[0], most=most)]
    standings = _load_plain(db, {ballot.question_id for ballot in ballots})
    firsts = _find_firsts(ballots)
    plain = [n for n in firsts if ballots[n].question_id in standings and not ballots[n].newcomers_over]
    outcomes: dict[int, Outcome] = {
        n: refusal for n in plain if (refusal := _refuse(ballots[n], standings[ballots[n].question_id]))
    }
    open_ones = [n for n in plain if n not in outcomes]
    together = _leave_room(db, ballots, open_ones, most) if most else open_ones
    outcomes |= _count_together(db, {n: ballots[n] for n in together}, standings)
    for n, ballot in enumerate(ballots):
        if n not in outcomes:
            outcomes[n] = count_ballot(db, ballot, most=most)
    return [outcomes[n] for n in range(len(ballots))]


def _find_firsts(ballots: Sequence[Ballot]) -> list[int]:
    """The places of ballots that are a voter's first about their question here, and want it."""
    seen: set[tuple[str, str]] = set()
    firsts = []
    for n, ballot in enumerate(ballots):
        pair = (ballot.question_id, ballot.voter)
        if pair not in seen and ballot.wanted:
            firsts.append(n)
        seen.add(pair)
    return firsts


def _refuse(ballot: Ballot, standing: Standing) -> Refusal | None:
    hidden = standing.state not in PUBLIC_STATES or standing.session_state is SessionState.DRAFT
    if hidden or (ballot.session_id and standing.session_id != ballot.session_id):
        return Refusal.UNKNOWN
    closed = standing.state not in VOTABLE_STATES or standing.session_state not in ACCEPTS_QUESTIONS
    return Refusal.CLOSED if closed else None


def _load_plain(db: Database, question_ids: Iterable[str]) -> dict[str, Standing]:
    """Where questions are, of those that were not merged and that nothing was merged into."""
    rows = fetch_all(
        db,
        "select questions.id, session_id, questions.state, votes, sessions.state as session_state "
        "from json_each(?) join questions on questions.id = value join sessions on sessions.id = session_id "
        "where merged_into is null and not exists (select 1 from questions as other where merged_into = questions.id)",
        json.dumps(sorted(question_ids)),
    )
    return {
        row["id"]: Standing(
            question_id=row["id"],
            session_id=row["session_id"],
            state=QuestionState(row["state"]),
            session_state=SessionState(row["session_state"]),
            votes=row["votes"],
        )
        for row in rows
    }


def _leave_room(db: Database, ballots: Sequence[Ballot], places: Sequence[int], most: int) -> list[int]:
    """Those places whose address has room for all of them; the others are counted one by one, exactly."""
    pairs = {(ballots[n].question_id, ballots[n].address) for n in places}
    rows = fetch_all(
        db,
        "select question_id, address, count(*) as n from votes where address <> '' and (question_id, address) in "
        "(select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?)) group by 1, 2",
        json.dumps(sorted(pairs)),
    )
    counts = Counter({(row["question_id"], row["address"]): int(row["n"]) for row in rows})
    counts.update((ballots[n].question_id, ballots[n].address) for n in places)
    return [n for n in places if counts[ballots[n].question_id, ballots[n].address] <= most]


def _count_together(db: Database, ballots: dict[int, Ballot], standings: dict[str, Standing]) -> dict[int, Outcome]:
    if not ballots:
        return {}
    given = [[one.question_id, one.voter, format_instant(one.at), one.address] for one in ballots.values()]
    rows = fetch_all(
        db,
        "insert into votes (question_id, voter, at, address) "
        "select json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), "
        "json_extract(value, '$[3]') from json_each(?) where true on conflict do nothing returning question_id, voter",
        json.dumps(given),
    )
    fresh = {(str(row["question_id"]), str(row["voter"])) for row in rows}
    change(
        db,
        "update questions set votes = votes + json_extract(value, '$[1]') from json_each(?) "
        "where questions.id = json_extract(value, '$[0]')",
        json.dumps(list(Counter(question_id for question_id, _ in fresh).items())),
    )
    change(
        db,
        "delete from suspects where (question_id, voter) in "
        "(select json_extract(value, '$[0]'), json_extract(value, '$[1]') from json_each(?))",
        json.dumps(sorted(fresh)),
    )
    votes = {question_id: standing.votes for question_id, standing in standings.items()}
    outcomes: dict[int, Outcome] = {}
    for n, ballot in ballots.items():
        votes[ballot.question_id] += (ballot.question_id, ballot.voter) in fresh
        session_id = standings[ballot.question_id].session_id
        outcomes[n] = Cast(session_id=session_id, votes=votes[ballot.question_id])
    return outcomes
