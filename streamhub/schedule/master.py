"""The master problem: which columns to pick, as an integer programme. Pure.

Owns the mathematics: rows for the host's time, people's loads, customers and pins, and how a solution is read. Limits
of experts over every stretch of days would be a hundred thousand rows: those over calendar weeks stand in it, any other
is added when a solution breaks it (`Master.add_broken`). Refuses to know which solver it is.

``x`` (one for each column) is whole; the other variables come out whole by themselves once ``x`` is, for they are
flows: one says that the so-manieth session about a theme takes place, one that a customer comes to a theme at a slot,
one counts the further sessions of an expert, and one is a pin that is not met.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streamhub.schedule.appraising import Choice
from streamhub.schedule.board import Board
from streamhub.schedule.columns import Column
from streamhub.schedule.programme import INFINITE, Found, Programme
from streamhub.schedule.proposing import Pin, Plan

CANDIDATES = 6
"""Customers that are weighed for a theme at a slot."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch in which an expert has so many sessions at most, and its row."""

    row: int
    begin: datetime
    end: datetime


class Master:
    """The programme of a problem; its columns grow, its host's wishes change (`wish`).

    Attributes:
        columns: whole variables with what they stand for.
        programme: the numbers.
        pin_price: what a pin that is not met costs; more than everything else is worth.
    """

    def __init__(self, board: Board, columns: Iterable[Column]) -> None:
        self._board = board
        self.programme = Programme()
        self.columns: dict[int, Column] = {}
        self._numbers: dict[Choice, int] = {}
        self._rows: dict[Hashable, int] = {}
        self._stretches: dict[str, dict[Hashable, _Stretch]] = {}
        self._pins: list[int] = []
        self._of_expert: dict[str, list[int]] = {}
        gains = sum(board.gain(key, number) for key in board.themes for number in range(board.rules.per_theme))
        self.pin_price = 2.0 * gains + 1_000.0
        self.wish(board, columns)

    def wish(self, board: Board, columns: Iterable[Column], known: Plan | None = None) -> None:
        """Follow other wishes of the host.

        Args:
            board: the same problem under other wishes.
            columns: that are to be among the master's own.
            known: a plan to begin with; its sessions are among the columns.
        """
        self._board = board
        for column in columns:
            if column.choice not in self._numbers:
                self._add(column)
        for number, column in self.columns.items():
            theme_id, slot_id = column.choice.theme_id, column.choice.slot_id
            allowed = board.is_open(theme_id, slot_id) and not any(
                board.is_kept_out(theme_id, slot_id, expert_id) for expert_id in column.choice.expert_ids
            )
            self.programme.most[number] = 1.0 if allowed else 0.0
        for row in self._pins:
            self.programme.lower[row] = 0.0
        for pin in board.problem.pins:
            self._add_pin(pin)
        self._begin_with(known)

    def _begin_with(self, known: Plan | None) -> None:
        self.programme.start, self.programme.start_value = [], -INFINITE
        if known is not None:
            choices = [
                Choice(theme_id=one.theme_id, slot_id=one.slot_id, expert_ids=one.expert_ids) for one in known.proposals
            ]
            self.programme.start = [self._numbers[choice] for choice in choices]
            self.programme.start_value = known.value - self.pin_price * len(known.unmet)

    def choices(self, found: Found) -> list[Choice]:
        """The sessions that a solution picks."""
        return [self.columns[number].choice for number in found.picked]

    def add_broken(self, choices: Sequence[Choice]) -> int:
        """Add rows for the limits of experts that some sessions break; returns how many."""
        before = len(self.programme.lower)
        for expert_id in sorted({key for choice in choices for key in choice.expert_ids}):
            expert = self._board.experts[expert_id]
            own = [self._board.slot[one.slot_id].starts_at for one in choices if expert_id in one.expert_ids]
            for begin in sorted([*expert.booked, *own]):
                for most, window in (
                    (expert.most, self._board.rules.load_window),
                    (1 if expert.rest_days else 0, timedelta(days=expert.rest_days)),
                ):
                    booked = sum(begin <= one < begin + window for one in expert.booked)
                    planned = sum(begin <= one < begin + window for one in own)
                    if most and planned and booked + planned > most:
                        self._stretch(expert_id, begin, window, most, key=(begin, window))
        return len(self.programme.lower) - before

    def _add(self, column: Column) -> None:
        """Add a column to every row that it counts in, making those that are not there yet."""
        board, rules, choice = self._board, self._board.rules, column.choice
        number = self.programme.add_variable(column.worth, whole=True)
        self.columns[number], self._numbers[choice] = column, number
        self._count(number, "all", upper=rules.sessions)
        self._count(number, ("day", board.day[choice.slot_id]), upper=rules.per_day)
        self._count(number, ("week", board.week[choice.slot_id]), upper=rules.per_week)
        if rules.per_day > 1:
            self._add_clashes(number, choice)
        self._add_theme(number, choice)
        self._add_customers(number, choice)
        for expert_id in choice.expert_ids:
            self._add_expert(number, expert_id, choice.slot_id)

    def _count(self, number: int, key: Hashable, *, upper: float, factor: float = 1.0) -> None:
        if key not in self._rows:
            self._rows[key] = self.programme.add_row(upper=upper)
        self.programme.add_entries(self._rows[key], (number,), factor)

    def _add_clashes(self, number: int, choice: Choice) -> None:
        """Of the sessions that go on at the begin of a slot only one is held."""
        own = self._board.slot[choice.slot_id]
        for slot in self._board.slots:
            if own.starts_at <= slot.starts_at < own.ends_at:
                self._count(number, ("clash", slot.starts_at), upper=1.0)

    def _add_theme(self, number: int, choice: Choice) -> None:
        """The first session about a theme answers its weightiest questions, the next one the next."""
        key = ("theme", choice.theme_id)
        if key not in self._rows:
            row = self._rows[key] = self.programme.add_row(lower=0.0, upper=0.0)
            gains = [self._board.gain(choice.theme_id, turn) for turn in range(self._board.rules.per_theme)]
            turns = [self.programme.add_variable(gain) for gain in gains if gain > 0]
            self.programme.add_entries(row, turns, -1.0)
        self.programme.add_entries(self._rows[key], (number,))

    def _add_customers(self, number: int, choice: Choice) -> None:
        """A session has the customers that it needs, and each customer comes once."""
        rules, programme = self._board.rules, self.programme
        if not rules.customers_most:
            return
        most, least = (("most", choice.theme_id, choice.slot_id), ("least", choice.theme_id, choice.slot_id))
        if most not in self._rows:
            self._rows[most] = programme.add_row(upper=0.0)
            self._rows[least] = programme.add_row(lower=0.0)
            for customer in self._board.askers(choice.theme_id, choice.slot_id)[:CANDIDATES]:
                seat = programme.add_variable(rules.prices.customer)
                programme.add_entries(self._rows[most], (seat,))
                programme.add_entries(self._rows[least], (seat,))
                self._count(seat, ("customer", customer.id), upper=1.0)
        programme.add_entries(self._rows[most], (number,), -float(rules.customers_most))
        programme.add_entries(self._rows[least], (number,), -float(rules.customers_least))

    def _add_expert(self, number: int, expert_id: str, slot_id: str) -> None:
        """An expert's sessions in a week and in his load's window; further sessions cost something."""
        board, rules = self._board, self._board.rules
        week, at = board.week[slot_id], board.slot[slot_id].starts_at
        if rules.expert_per_week:
            left = max(0, rules.expert_per_week - board.booked_in(expert_id, week))
            self._count(number, ("expert", expert_id, week), upper=left)
        expert = board.experts[expert_id]
        known = self._stretches.setdefault(expert_id, {})
        self._of_expert.setdefault(expert_id, []).append(number)
        for stretch in known.values():
            if stretch.begin <= at < stretch.end:
                self.programme.add_entries(stretch.row, (number,))
        if expert.most and week not in known:
            self._stretch(expert_id, board.begin_of(week), rules.load_window, expert.most, key=week)
        if rules.prices.again:
            key = ("again", expert_id)
            if key not in self._rows:
                again = self.programme.add_variable(-rules.prices.again, most=float(rules.sessions))
                self._count(again, key, upper=1.0, factor=-1.0)
            self._count(number, key, upper=1.0)

    def _stretch(self, expert_id: str, begin: datetime, window: timedelta, most: int, *, key: Hashable) -> None:
        """Let an expert have so many sessions in a stretch at most, those that he is booked for counted."""
        known = self._stretches.setdefault(expert_id, {})
        if key in known:
            return
        booked = sum(begin <= one < begin + window for one in self._board.experts[expert_id].booked)
        row = self.programme.add_row(upper=max(0, most - booked))
        known[key] = _Stretch(row, begin, begin + window)
        own = ((number, self._board.slot[self.columns[number].choice.slot_id]) for number in self._of_expert[expert_id])
        inside = [number for number, slot in own if begin <= slot.starts_at < begin + window]
        self.programme.add_entries(row, inside)

    def _add_pin(self, pin: Pin) -> None:
        """A pin is met by a session, or costs its price."""
        missed = self.programme.add_variable(-self.pin_price)
        row = self.programme.add_row(lower=1.0)
        self._pins.append(row)
        self.programme.add_entries(row, (missed,))
        for number, column in self.columns.items():
            choice = column.choice
            if pin.is_met_by(choice.theme_id, choice.slot_id, frozenset(choice.expert_ids)):
                self.programme.add_entries(row, (number,))
