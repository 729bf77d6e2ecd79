"""What a hub did, in numbers: counts and times over questions, by topic, product, session, show and month.

Owns the reading of many tables and no table of its own. Counts only: no row here says anything of one person, and no
id of a person leaves the database.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database

from streamhub.questions.question import QuestionState
from streamhub.store.rows import Row, fetch_all, json_list
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

_WHERE = (
    "(?1 = '' or sessions.show_id = ?1) and (?2 = '' or sessions.id = ?2) "
    "and (?3 is null or {at} >= ?3) and (?4 is null or {at} < ?4)"
)
_KEYS = {
    Grouping.ALL: ("''", ""),
    Grouping.TOPIC: ("each.value", "join json_each({table}.topics) as each"),
    Grouping.PRODUCT: ("each.value", "join json_each({table}.products) as each"),
    Grouping.SESSION: ("session_id", ""),
    Grouping.SHOW: ("show_id", ""),
    Grouping.MONTH: ("month", ""),
}
"""What a row is grouped by, and what has to be joined for it."""


def _by_each(table: str, columns: str, more: str = "") -> str:
    """One table grouped in every way, each row with its grouping: the dear part, reading it, is done once for all."""
    selects = [
        f"select '{grouping.value}' as grouping, {key} as key, {columns} "  # noqa: S608 - our own names
        f"from {table} {join.format(table=table)} group by 2{more}"
        for grouping, (key, join) in _KEYS.items()
    ]
    return " union all ".join(selects)


_SUMS = (
    "with picked as materialized (select questions.session_id, sessions.show_id, "  # noqa: S608 - our own names
    "substr(questions.asked_at, 1, 7) as month, questions.topics, questions.products, questions.state, "
    "questions.votes, (select count(*) from stories where question_id = questions.id) as stories, "
    "(select count(*) from verdicts where question_id = questions.id and helped = 'yes') as yes, "
    "(select count(*) from verdicts where question_id = questions.id and helped = 'partly') as partly, "
    "(select count(*) from verdicts where question_id = questions.id and helped = 'no') as no, "
    "(select count(*) from reopenings where reopens = questions.id) as anew "
    "from questions join sessions on sessions.id = questions.session_id "
    f"where {_WHERE.format(at='questions.asked_at')}) "
    + _by_each(
        "picked",
        "state, count(*) as n, sum(votes) as me_too, sum(stories) as stories, sum(yes) as helped, "
        "sum(partly) as partly, sum(no) as not_helped, sum(anew) as reopened",
        ", state",
    )
)
# The text of a log entry is looked at before it is read as JSON, which is many times dearer. The nearest rank of a half
# is (n + 1) / 2, of nine tenths (9 * n + 9) / 10, in whole numbers.
_WAITS = (
    "with picked as materialized (select questions.session_id, sessions.show_id, "  # noqa: S608 - our own names
    "substr(questions.asked_at, 1, 7) as month, questions.topics, questions.products, questions.asked_at, "
    "(select min(marks.at) from marks "
    "where marks.question_id = questions.id and marks.kind = 'on_air') as aired_at, "
    "(select min(log.at) from log where log.object_id = questions.id and log.object_kind = 'question' "
    "and instr(log.details, 'answered_in_writing') "
    "and json_extract(log.details, '$.to') = 'answered_in_writing') as written_at "
    "from questions join sessions on sessions.id = questions.session_id "
    "where questions.state in (select value from json_each(?5)) "
    f"and {_WHERE.format(at='questions.asked_at')}), "
    "waits as materialized (select session_id, show_id, month, topics, products, "
    "cast(round((julianday(min(coalesce(aired_at, written_at), coalesce(written_at, aired_at))) - julianday(asked_at)) "
    "* 86400) as integer) as wait_s from picked where coalesce(aired_at, written_at) is not null), "
    "ranked as ("
    + " union all ".join(
        f"select '{grouping.value}' as grouping, key, wait_s, row_number() over (partition by key order by wait_s) "  # noqa: S608
        f"as place, count(*) over (partition by key) as n from (select {key} as key, wait_s from waits "
        f"{join.format(table='waits')} where wait_s >= 0)"
        for grouping, (key, join) in _KEYS.items()
    )
    + ") select grouping, key, max(case when place = (n + 1) / 2 then wait_s end) as median_s, "
    "max(case when place = (9 * n + 9) / 10 then wait_s end) as p90_s from ranked group by 1, 2"
)
# Questions that were spared: by the session in which they were, and by the topics of the answer that spared them.
_DEFLECTED = (
    "with spared as materialized (select deflections.session_id, sessions.show_id, "  # noqa: S608 - our own names
    "substr(deflections.at, 1, 7) as month, coalesce(questions.topics, '[]') as topics, "
    "coalesce(questions.products, '[]') as products from deflections "
    "join sessions on sessions.id = deflections.session_id left join questions on questions.id = deflections.answer_id "
    f"where {_WHERE.format(at='deflections.at')}) " + _by_each("spared", "count(*) as deflected")
)


def count_figures(db: Database, scope: Scope) -> Mapping[Grouping, Sequence[Figures]]:
    """By grouping, the figures of every group that has any, by label; for `Grouping.ALL` exactly one."""
    values = (
        scope.show_id,
        scope.session_id,
        format_instant(scope.since) if scope.since else None,
        format_instant(scope.until) if scope.until else None,
    )
    states: defaultdict[tuple[str, str], dict[QuestionState, int]] = defaultdict(dict)
    sums: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    times: dict[tuple[str, str], Row] = {}
    sums[(Grouping.ALL, "")] = Counter()
    for row in fetch_all(db, _SUMS, *values):
        place = (row.pop("grouping"), row.pop("key"))
        states[place][QuestionState(row.pop("state"))] = row.pop("n")
        sums[place].update(row)
    for row in fetch_all(db, _WAITS, *values, json_list(state.value for state in ANSWERED)):
        times[(row.pop("grouping"), row.pop("key"))] = row
    for row in fetch_all(db, _DEFLECTED, *values):
        sums[(row.pop("grouping"), row.pop("key"))].update(row)
    labels = _read_labels(db)
    found: dict[Grouping, list[Figures]] = {grouping: [] for grouping in Grouping}
    for (grouping, key), counted in sums.items():
        label, waits = labels.get((grouping, key), key), times.get((grouping, key), {})
        one = Figures(key=key, label=label, states=states[(grouping, key)], **waits, **counted)
        found[Grouping(grouping)].append(one)
    return {
        grouping: sorted(figures, key=lambda one: (one.label.casefold(), one.key))
        for grouping, figures in found.items()
    }


def _read_labels(db: Database) -> dict[tuple[str, str], str]:
    """Names of the groups that are not called by their keys."""
    tables = {Grouping.SESSION: "sessions", Grouping.SHOW: "shows"}
    return {
        (grouping.value, str(row["id"])): str(row["title"])
        for grouping, table in tables.items()
        for row in fetch_all(db, f"select id, title from {table}")  # noqa: S608 - our own names
    }
