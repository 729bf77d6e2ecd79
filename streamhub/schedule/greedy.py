"""The greedy plan: the best session first, then the best of what still fits, and so on. Pure.

It is there at once, and it is what the solver's plan is measured against. What the host pinned comes first.
"""

from __future__ import annotations

from collections.abc import Sequence

from streamhub.schedule.appraising import Choice, appraise, assign_customers
from streamhub.schedule.board import Board, Pair, Seat
from streamhub.schedule.proposing import Pin, Plan
from streamhub.schedule.usage import Usage

_ANY = Pin()


def plan_greedily(board: Board) -> Plan:
    """A plan by greedy search; of two, one with full panels and one with the smallest, the one that is worth more."""
    sizes = {board.rules.experts_most, board.rules.experts_least}
    plans = [_Search(board, most=size).run() for size in sorted(sizes, reverse=True)]
    return max(plans, key=lambda plan: (-len(plan.unmet), plan.value))


class _Search:
    """One search; panels have at most so many experts."""

    def __init__(self, board: Board, *, most: int) -> None:
        self._board, self._most = board, most
        self._usage = Usage(board)
        self._choices: list[Choice] = []

    def run(self) -> Plan:
        """The plan."""
        met: set[Pin] = set()
        for pin in sorted(self._board.problem.pins, key=_looseness):
            if pin not in met and self._usage.sessions < self._board.rules.sessions and self._take(pin):
                newest = self._choices[-1]
                session = (newest.theme_id, newest.slot_id, frozenset(newest.expert_ids))
                met |= {one for one in self._board.problem.pins if one.is_met_by(*session)}
        while self._usage.sessions < self._board.rules.sessions and self._take(_ANY):
            pass
        return appraise(self._board, self._choices)

    def _take(self, pin: Pin) -> bool:
        """Add the best session that meets a pin; whether there is one."""
        best, best_value = None, 0.0 if pin is _ANY else float("-inf")
        open_slots = {slot.id for slot in self._board.slots if self._usage.fits_slot(slot.id)}
        for theme_id, gain in self._wanted(pin):
            less = self._board.gain(theme_id, 0) - gain
            for pair in self._board.ranked(theme_id):
                if pair.value - less <= best_value and not pin.expert_ids:
                    break  # its best panel is not good enough, and those that follow are worse
                if pair.slot_id not in open_slots or pin.slot_id not in {"", pair.slot_id}:
                    continue
                panel = self._panel(pair, pin.expert_ids)
                value = gain - self._board.delay(theme_id, pair.slot_id) + sum(seat.points for seat in panel)
                if panel and value > best_value and self._finds_customers(theme_id, pair.slot_id):
                    best_value, best = value, Choice(theme_id=theme_id, slot_id=pair.slot_id, expert_ids=_ids(panel))
        if best is None:
            return False
        self._choices.append(best)
        experts = [self._board.experts[key] for key in best.expert_ids]
        self._usage.add(best.theme_id, best.slot_id, experts, ())
        return True

    def _wanted(self, pin: Pin) -> list[tuple[str, float]]:
        """Themes that could be next with what their next session weighs, the weightiest first."""
        themes = [pin.theme_id] if pin.theme_id else list(self._board.themes)
        counted = self._usage.themes
        found = [
            (key, self._board.gain(key, counted[key]))
            for key in themes
            if key in self._board.themes and counted[key] < self._board.rules.per_theme
        ]
        return sorted(((key, gain) for key, gain in found if gain > 0), key=lambda one: (-one[1], one[0]))

    def _panel(self, pair: Pair, wanted: frozenset[str]) -> Sequence[Seat]:
        seats = [seat for seat in pair.seats if self._usage.fits_expert(seat.expert, pair.slot_id)]
        if not wanted:
            return self._board.best_panel(seats, most=self._most)
        seats.sort(key=lambda seat: seat.expert.id not in wanted)  # keeps the order by points among the others
        panel = self._board.best_panel(seats, most=max(self._most, len(wanted)), wanted=wanted)
        return panel if wanted <= {seat.expert.id for seat in panel} else ()

    def _finds_customers(self, theme_id: str, slot_id: str) -> bool:
        if not self._board.rules.customers_least:
            return True
        newest = Choice(theme_id=theme_id, slot_id=slot_id, expert_ids=())
        found = assign_customers(self._board, [*self._choices, newest])
        return all(len(customers) >= self._board.rules.customers_least for customers in found)


def _looseness(pin: Pin) -> tuple[int, int]:
    """Tight pins first."""
    return -(bool(pin.slot_id) + bool(pin.theme_id)), -len(pin.expert_ids)


def _ids(panel: Sequence[Seat]) -> tuple[str, ...]:
    return tuple(sorted(seat.expert.id for seat in panel))
