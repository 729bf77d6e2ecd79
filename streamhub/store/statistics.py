"""What a hub did, in numbers: counts and times over questions, by topic, product, session, show and month.

Owns the reading of many tables and no table of its own. Counts only: no row here says anything of one person, and no
id of a person leaves the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database

from streamhub.questions.question import QuestionState
from streamhub.store.rows import Row, fetch_all
from streamhub.timecode import format_instant


class Grouping(StrEnum):
    """By what figures are told apart; a question with two topics or products counts for both."""

    ALL = "all"
    TOPIC = "topic"
    PRODUCT = "product"
    SESSION = "session"
    SHOW = "show"
    MONTH = "month"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which questions count.

    Attributes:
        show_id, session_id: of this show or session only; empty: of all.
        since, until: asked from then on, and before then, UTC; None: no such border.
    """

    show_id: str = ""
    session_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """The figures of one group.

    Attributes:
        key: topic, product, id of a session or show, or month (``2027-03``, UTC); empty for everything.
        label: as people know it.
        states: questions by state; states without any are left out.
        me_too: how often somebody wanted a question answered that another one asked.
        stories: how many of them told their own story.
        median_s, p90_s: seconds from asking to the answer (nearest rank): to going on air, or to the accepted written
            answer; None without an answer.
        deflected: how often an answer that was there already spared a question.
        helped, partly, not_helped: what people said about answers.
        reopened: how many questions were asked anew because of that.
    """

    key: str = ""
    label: str = ""
    states: Mapping[QuestionState, int] = field(default_factory=dict)
    me_too: int = 0
    stories: int = 0
    median_s: int | None = None
    p90_s: int | None = None
    deflected: int = 0
    helped: int = 0
    partly: int = 0
    not_helped: int = 0
    reopened: int = 0

    @property
    def asked(self) -> int:
        """All questions."""
        return sum(self.states.values())

    @property
    def answered(self) -> int:
        """Those that have an answer."""
        return sum(self.states.get(state, 0) for state in ANSWERED)


ANSWERED = frozenset(
    {
        QuestionState.ANSWERED_LIVE,
        QuestionState.ANSWERED_IN_WRITING,
        QuestionState.PUBLISHED,
        QuestionState.SUPERSEDED,
        QuestionState.WITHDRAWN,
    }
)

_EACH = {Grouping.TOPIC: "topics", Grouping.PRODUCT: "products"}
_KEYS = {
    Grouping.ALL: ("''", "''"),
    Grouping.TOPIC: ("each.value", "each.value"),
    Grouping.PRODUCT: ("each.value", "each.value"),
    Grouping.SESSION: ("sessions.id", "sessions.title"),
    Grouping.SHOW: ("shows.id", "shows.title"),
    Grouping.MONTH: ("substr({at}, 1, 7)", "substr({at}, 1, 7)"),
}
_WHERE = (
    "(?1 = '' or sessions.show_id = ?1) and (?2 = '' or sessions.id = ?2) "
    "and (?3 is null or {at} >= ?3) and (?4 is null or {at} < ?4)"
)


def count_figures(db: Database, grouping: Grouping, scope: Scope) -> list[Figures]:
    """The figures of every group that has any, by label; for `Grouping.ALL` exactly one."""
    values = (
        scope.show_id,
        scope.session_id,
        format_instant(scope.since) if scope.since else None,
        format_instant(scope.until) if scope.until else None,
    )
    picked = _picked_sql(grouping)
    states: defaultdict[str, dict[QuestionState, int]] = defaultdict(dict)
    found: dict[str, dict[str, object]] = {"": {}} if grouping is Grouping.ALL else {}
    labels: dict[str, str] = {}
    for row in fetch_all(db, f"{picked} {_STATES}", *values):
        states[row["key"]][QuestionState(row["state"])] = row["n"]
    for sql in (f"{picked} {_SUMS}", f"{picked} {_WAITS}", _deflected_sql(grouping)):
        for row in fetch_all(db, sql, *values):
            key = str(row.pop("key"))
            labels[key] = str(row.pop("label"))
            found.setdefault(key, {}).update(row)
    figures = [
        Figures(key=key, label=labels.get(key, key), states=states[key], **_numbers(row)) for key, row in found.items()
    ]
    return sorted(figures, key=lambda one: (one.label.casefold(), one.key))


def _numbers(row: Row) -> dict[str, int]:
    return {name: int(value) for name, value in row.items() if value is not None}


def _picked_sql(grouping: Grouping) -> str:
    """Questions of the scope with their group and when they were answered, as the table ``picked``."""
    key, label = (part.format(at="questions.asked_at") for part in _KEYS[grouping])
    each = f"join json_each(questions.{_EACH[grouping]}) as each" if grouping in _EACH else ""
    return (
        f"with picked as (select {key} as key, {label} as label, questions.id, questions.state, questions.votes, "  # noqa: S608 - our own names
        "questions.asked_at, "
        "(select min(marks.at) from marks "
        "where marks.question_id = questions.id and marks.kind = 'on_air') as aired_at, "
        "(select min(log.at) from log where log.object_id = questions.id and log.object_kind = 'question' "
        "and json_extract(log.details, '$.to') = 'answered_in_writing') as written_at "
        "from questions join sessions on sessions.id = questions.session_id join shows on shows.id = sessions.show_id "
        f"{each} where {_WHERE.format(at='questions.asked_at')})"
    )


_STATES = "select key, state, count(*) as n from picked group by key, state"

_SUMS = (
    "select key, max(label) as label, sum(votes) as me_too, sum(told.n) as stories, sum(said.yes) as helped, "
    "sum(said.partly) as partly, sum(said.no) as not_helped, sum(anew.n) as reopened from picked "
    "left join (select question_id, count(*) as n from stories group by question_id) as told "
    "on told.question_id = picked.id "
    "left join (select question_id, sum(helped = 'yes') as yes, sum(helped = 'partly') as partly, "
    "sum(helped = 'no') as no from verdicts group by question_id) as said on said.question_id = picked.id "
    "left join (select reopens, count(*) as n from reopenings group by reopens) as anew on anew.reopens = picked.id "
    "group by key"
)

# The nearest rank of a half is (n + 1) / 2, of nine tenths (9 * n + 9) / 10, in whole numbers.
_WAITS = (
    ", waits as (select key, label, "
    "cast(round((julianday(min(coalesce(aired_at, written_at), coalesce(written_at, aired_at))) - julianday(asked_at)) "
    "* 86400) as integer) as wait_s from picked where state in "
    "('answered_live', 'answered_in_writing', 'published', 'superseded', 'withdrawn') "
    "and coalesce(aired_at, written_at) is not null), "
    "ranked as (select key, label, wait_s, row_number() over (partition by key order by wait_s) as place, "
    "count(*) over (partition by key) as n from waits where wait_s >= 0) "
    "select key, max(label) as label, max(case when place = (n + 1) / 2 then wait_s end) as median_s, "
    "max(case when place = (9 * n + 9) / 10 then wait_s end) as p90_s from ranked group by key"
)


def _deflected_sql(grouping: Grouping) -> str:
    """Questions that were spared, by the session in which they were, or by the topic of the answer that spared them."""
    key, label = (part.format(at="deflections.at") for part in _KEYS[grouping])
    each = (
        f"join questions on questions.id = deflections.answer_id join json_each(questions.{_EACH[grouping]}) as each"
        if grouping in _EACH
        else ""
    )
    return (
        f"select {key} as key, max({label}) as label, count(*) as deflected from deflections "  # noqa: S608 - our own names
        "join sessions on sessions.id = deflections.session_id join shows on shows.id = sessions.show_id "
        f"{each} where {_WHERE.format(at='deflections.at')} group by 1"
    )
