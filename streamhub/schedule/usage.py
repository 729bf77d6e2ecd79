"""What sessions of one plan do to each other: the host's time, people's loads, customers who come once. Pure.

Owns `Usage`, which grows session by session and says what still fits, and `find_violations`, which looks at a whole
plan from scratch. They are two ways to say the rules, so that neither a search nor a solver is taken at its word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import combinations

from streamhub.schedule.board import Board, fits_load
from streamhub.schedule.demand import Expert
from streamhub.schedule.proposing import Pin, Plan, Proposal


class Usage:
    """What is taken by the sessions that were added so far.

    Attributes:
        sessions: how many were added.
        themes: how many about each theme.
        uses: how many with each expert.
        customers: who comes.

    Args:
        board: the problem.
    """

    def __init__(self, board: Board) -> None:
        self._board, self._rules = board, board.rules
        self._clashing: set[str] = set()
        self._days: Counter[object] = Counter()
        self._weeks: Counter[object] = Counter()
        self._starts: dict[str, list[datetime]] = {one.id: list(one.booked) for one in board.problem.experts}
        self._expert_weeks: Counter[tuple[str, object]] = Counter()
        self.sessions = 0
        self.themes: Counter[str] = Counter()
        self.uses: Counter[str] = Counter()
        self.customers: set[str] = set()

    def fits_slot(self, slot_id: str) -> bool:
        """Whether the host can hold one session more at a slot."""
        if self._days[self._board.day[slot_id]] >= self._rules.per_day:
            return False
        return self._weeks[self._board.week[slot_id]] < self._rules.per_week and slot_id not in self._clashing

    def fits_expert(self, expert: Expert, slot_id: str) -> bool:
        """Whether an expert takes on one session more at a slot."""
        if not self.uses[expert.id]:
            return True  # the board looked at his bookings
        week, weekly = self._board.week[slot_id], self._rules.expert_per_week
        if weekly and self._expert_weeks[expert.id, week] + self._board.booked_in(expert.id, week) >= weekly:
            return False
        window = self._rules.load_window
        return fits_load(expert, self._starts[expert.id], self._board.slot[slot_id].starts_at, window)

    def add(self, theme_id: str, slot_id: str, experts: Sequence[Expert], customers: Sequence[str]) -> None:
        """Add a session."""
        slot = self._board.slot[slot_id]
        self.sessions += 1
        self._clashing |= {one.id for one in self._board.slots if one.clashes(slot)}
        self._days[self._board.day[slot_id]] += 1
        self._weeks[self._board.week[slot_id]] += 1
        self.themes[theme_id] += 1
        self.customers.update(customers)
        for expert in experts:
            self.uses[expert.id] += 1
            self._starts[expert.id].append(slot.starts_at)
            self._expert_weeks[expert.id, self._board.week[slot_id]] += 1


def find_violations(board: Board, plan: Plan) -> list[str]:
    """What is wrong with a plan by the problem's rules, in words for the log; nothing for a plan that may be shown."""
    found = [f"{len(plan.proposals)} sessions"] if len(plan.proposals) > board.rules.sessions else []
    for one in plan.proposals:
        found += _wrong_session(board, one)
    found += _wrong_times(board, plan.proposals)
    for expert in board.problem.experts:
        found += _wrong_load(board, expert, [one for one in plan.proposals if expert.id in one.expert_ids])
    customers = Counter(key for one in plan.proposals for key in one.customer_ids)
    found += [f"customer {key} comes {count} times" for key, count in customers.items() if count > 1]
    missing = [pin for pin in list_unmet(board.problem.pins, plan.proposals) if pin not in plan.unmet]
    return found + [f"a pin is not met and not said to be: {pin}" for pin in missing]


def list_unmet(pins: Iterable[Pin], proposals: Sequence[Proposal]) -> list[Pin]:
    """The pins that none of some sessions meets."""
    sessions = [(one.theme_id, one.slot_id, frozenset(one.expert_ids)) for one in proposals]
    return [pin for pin in pins if not any(pin.is_met_by(*session) for session in sessions)]


def _wrong_session(board: Board, one: Proposal) -> list[str]:
    rules, name = board.rules, f"{one.theme_id} at {one.slot_id}"
    found = [] if board.is_open(one.theme_id, one.slot_id) else [f"{name}: excluded"]
    experts = [board.experts[key] for key in one.expert_ids]
    if len(set(one.expert_ids)) < len(experts) or not board.is_panel(experts):
        found.append(f"{name}: {one.expert_ids} is no panel")
    for expert in experts:
        if one.theme_id not in expert.knows:
            found.append(f"{name}: {expert.id} does not know it")
        if not board.can(expert.id, one.slot_id) or board.is_kept_out(one.theme_id, one.slot_id, expert.id):
            found.append(f"{name}: {expert.id} cannot or shall not come")
    if not rules.customers_least <= len(one.customer_ids) <= rules.customers_most:
        found.append(f"{name}: {len(one.customer_ids)} customers")
    for customer in (board.customers[key] for key in one.customer_ids):
        if one.theme_id not in customer.asked or not customer.can(one.slot_id):
            found.append(f"{name}: customer {customer.id} did not ask, or cannot come")
    return found


def _wrong_times(board: Board, proposals: Sequence[Proposal]) -> list[str]:
    rules = board.rules
    counted = (
        ("day", Counter(board.day[one.slot_id] for one in proposals), rules.per_day),
        ("week of", Counter(board.week[one.slot_id] for one in proposals), rules.per_week),
        ("theme", Counter(one.theme_id for one in proposals), rules.per_theme),
    )
    found = [
        f"{what} {key}: {count} sessions"
        for what, counter, most in counted
        for key, count in counter.items()
        if count > most
    ]
    pairs = combinations((board.slot[one.slot_id] for one in proposals), 2)
    return found + [f"slots {one.id} and {other.id} clash" for one, other in pairs if one.clashes(other)]


def _wrong_load(board: Board, expert: Expert, own: Sequence[Proposal]) -> list[str]:
    if not own:
        return []
    rules, weeks = board.rules, Counter(board.week[one.slot_id] for one in own)
    found = []
    for week, count in weeks.items():
        if rules.expert_per_week and count + board.booked_in(expert.id, week) > rules.expert_per_week:
            found.append(f"expert {expert.id}: {count} sessions in the week of {week}")
    planned = [board.slot[one.slot_id].starts_at for one in own]
    starts = sorted([*expert.booked, *planned])
    for begin in starts:
        inside = [one for one in starts if begin <= one < begin + rules.load_window]
        if expert.most and len(inside) > expert.most and set(inside) & set(planned):
            found.append(f"expert {expert.id}: {len(inside)} sessions from {begin} on")
    pairs = combinations(starts, 2)
    found += [
        f"expert {expert.id}: {one} and {other} are too close"
        for one, other in pairs
        if expert.rest_days
        and (other - one).total_seconds() < expert.rest_days * 86_400
        and {one, other} & set(planned)
    ]
    return found
