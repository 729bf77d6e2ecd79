"""The board: a problem with everything looked up that planning asks again and again. Pure.

Owns who could sit where when nothing is planned yet: knowledge, free times, the host's exclusions, and what people are
booked for already. What sessions of one plan do to each other stands in `streamhub.schedule.usage`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import combinations, islice

from streamhub.schedule.demand import Customer, Expert, Slot, Theme
from streamhub.schedule.proposing import Exclusion, Pin, Problem
from streamhub.timecode import require_zone

_DAYS_IN_WEEK = 7


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """An expert for a theme.

    Attributes:
        points: what he adds to a session, taken-offs for himself included.
        expert: who.
        slots: at which slots he adds just that.
    """

    points: float
    expert: Expert
    slots: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A theme at a slot where a panel can come, and the customers that it needs.

    Attributes:
        theme_id, slot_id: what and when.
        seats: experts who can, best first.
        panel: the best panel out of them.
        value: what a first session about the theme is worth with it, customers apart.
    """

    theme_id: str
    slot_id: str
    seats: Sequence[Seat]
    panel: Sequence[Seat]
    value: float


def fits_load(expert: Expert, others: Iterable[datetime], starts_at: datetime, window: timedelta) -> bool:
    """Whether an expert takes on one session more at an instant; his own limits alone.

    Args:
        expert: who.
        others: starts of the sessions that he is in already, this one not among them.
        starts_at: of the one more.
        window: any stretch of this length must not hold more than his limit.
    """
    taken = list(others)
    if expert.rest_days and any(abs(one - starts_at) < timedelta(days=expert.rest_days) for one in taken):
        return False
    if not expert.most:
        return True
    starts = [*taken, starts_at]
    begins = [one for one in starts if starts_at - window < one <= starts_at]
    return all(sum(begin <= one < begin + window for one in starts) <= expert.most for begin in begins)


class Board:
    """A problem, looked up.

    Attributes:
        problem: what it is made from.
        slots: in order of time.
        themes, experts, customers, slot: by id.
        knowers: experts who know a theme, by its id, those first who know it best.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self.rules = problem, problem.rules
        place = require_zone(problem.zone, what="plan")
        self.slots: Sequence[Slot] = sorted(problem.slots, key=lambda slot: (slot.starts_at, slot.id))
        self.slot = {slot.id: slot for slot in self.slots}
        self.day: dict[str, date] = {slot.id: slot.starts_at.astimezone(place).date() for slot in self.slots}
        self.week: dict[str, date] = {key: _monday(day) for key, day in self.day.items()}
        self.themes: dict[str, Theme] = {theme.id: theme for theme in problem.themes}
        self.experts: dict[str, Expert] = {expert.id: expert for expert in problem.experts}
        self.customers: dict[str, Customer] = {customer.id: customer for customer in problem.customers}
        self._booked_weeks = {
            expert.id: [_monday(one.astimezone(place).date()) for one in expert.booked] for expert in problem.experts
        }
        week = timedelta(days=_DAYS_IN_WEEK)
        self._lost = {
            slot.id: min(1.0, self.rules.prices.delay * ((slot.starts_at - self.slots[0].starts_at) / week))
            for slot in self.slots
        }
        self._gains = {theme.id: _gains(theme, self.rules.questions) for theme in problem.themes}
        self._can = {expert.id: self._slots_of(expert) for expert in problem.experts}
        self.knowers: dict[str, list[Expert]] = {theme.id: [] for theme in problem.themes}
        for expert in sorted(problem.experts, key=lambda one: one.id):
            for theme_id in expert.knows.keys() & self.themes.keys():
                self.knowers[theme_id].append(expert)
        for theme_id, knowers in self.knowers.items():
            knowers.sort(key=lambda one: (-one.knows[theme_id], one.id))
        self._seats = {theme.id: self._seats_of(theme.id) for theme in problem.themes}
        self._askers: dict[str, list[Customer]] = {theme.id: [] for theme in problem.themes}
        for customer in sorted(problem.customers, key=lambda one: (one.free is None, one.id)):
            for theme_id in customer.asked & self.themes.keys():
                self._askers[theme_id].append(customer)
        self._pairs: dict[str, list[Pair]] = {}
        self._ranked: dict[str, list[Pair]] = {}
        self._look_at_wishes()

    def wish(self, pins: Iterable[Pin], exclusions: Iterable[Exclusion]) -> Board:
        """The same board under other wishes; what was looked up already is shared."""
        other = copy(self)
        other.problem = replace(self.problem, pins=tuple(pins), exclusions=tuple(exclusions))
        other._look_at_wishes()
        if set(self.problem.exclusions) - set(other.problem.exclusions):
            other._pairs, other._ranked = {}, {}
        elif gone := set(other.problem.exclusions) - set(self.problem.exclusions):
            other._pairs = {key: other._without(pairs, gone) for key, pairs in self._pairs.items()}
            other._ranked = {
                key: pairs for key, pairs in self._ranked.items() if other._pairs.get(key) is self._pairs.get(key)
            }
        return other

    def _look_at_wishes(self) -> None:
        self._closed = [one for one in self.problem.exclusions if not one.expert_id]
        self._kept_out = [one for one in self.problem.exclusions if one.expert_id]

    def _without(self, pairs: list[Pair], gone: Collection[Exclusion]) -> list[Pair]:
        """The pairs of a theme under more exclusions; the very same list where these do not touch it."""
        kept, known = [], {expert.id for expert in self.knowers[pairs[0].theme_id]} | {""} if pairs else set()
        gone = [one for one in gone if pairs and one.theme_id in {"", pairs[0].theme_id} and one.expert_id in known]
        if not gone:
            return pairs
        for pair in pairs:
            named = [one for one in gone if one.theme_id in {"", pair.theme_id} and one.slot_id in {"", pair.slot_id}]
            ids = {one.expert_id for one in named}
            if not named or ids.isdisjoint({"", *(seat.expert.id for seat in pair.seats)}):
                kept.append(pair)
            elif "" not in ids and (left := self._pair(pair.theme_id, pair.slot_id)) is not None:
                kept.append(left)
        return kept

    def _seats_of(self, theme_id: str) -> list[Seat]:
        prices, found = self.rules.prices, []
        for expert in self.knowers[theme_id]:
            points = prices.skill * expert.knows[theme_id] - prices.recent * expert.recent
            can = self._can[expert.id]
            found.append(Seat(points, expert, can - expert.unsure))
            if unsure := can & expert.unsure:
                found.append(Seat(points - prices.unsure, expert, unsure))
        return sorted(found, key=lambda seat: (-seat.points, seat.expert.id))

    def _slots_of(self, expert: Expert) -> frozenset[str]:
        """Slots at which an expert can be in a session, as far as his bookings go."""
        free = expert.free & self.slot.keys()
        if not expert.booked:
            return free
        return frozenset(key for key in free if self._fits_bookings(expert, self.slot[key]))

    def _fits_bookings(self, expert: Expert, slot: Slot) -> bool:
        weekly = self.rules.expert_per_week
        if weekly and self._booked_weeks[expert.id].count(self.week[slot.id]) >= weekly:
            return False
        return fits_load(expert, expert.booked, slot.starts_at, self.rules.load_window)

    def gain(self, theme_id: str, number: int) -> float:
        """What the questions weigh that the so-manieth session about a theme answers, from 0 on."""
        gains = self._gains[theme_id]
        return gains[number] if number < len(gains) else 0.0

    def question_ids(self, theme_id: str, number: int) -> tuple[str, ...]:
        """Which questions the so-manieth session about a theme answers, from 0 on."""
        begin = number * self.rules.questions
        return tuple(one.id for one in self.themes[theme_id].wanted[begin : begin + self.rules.questions])

    def delay(self, theme_id: str, slot_id: str) -> float:
        """What waiting until a slot costs, measured at the theme's weightiest questions."""
        return self._lost[slot_id] * self.gain(theme_id, 0)

    def is_open(self, theme_id: str, slot_id: str) -> bool:
        """Whether the host has nothing against a theme at a slot."""
        return not any(one.forbids(theme_id, slot_id) for one in self._closed)

    def seats(self, theme_id: str, slot_id: str) -> list[Seat]:
        """Experts for a theme at a slot, best first."""
        found = [seat for seat in self._seats[theme_id] if slot_id in seat.slots]
        if not self._kept_out:
            return found
        return [seat for seat in found if not self.is_kept_out(theme_id, slot_id, seat.expert.id)]

    def pairs(self, theme_id: str) -> list[Pair]:
        """The slots at which a session about a theme is possible at all, in order of time."""
        if theme_id not in self._pairs:
            possible = self.gain(theme_id, 0) > 0 and len(self.knowers[theme_id]) >= self.rules.experts_least
            found = (self._pair(theme_id, slot.id) for slot in self.slots if possible)
            self._pairs[theme_id] = [pair for pair in found if pair is not None]
        return self._pairs[theme_id]

    def ranked(self, theme_id: str) -> list[Pair]:
        """The same, those first that are worth most."""
        if theme_id not in self._ranked:
            self._ranked[theme_id] = sorted(self.pairs(theme_id), key=lambda pair: (-pair.value, pair.slot_id))
        return self._ranked[theme_id]

    def _pair(self, theme_id: str, slot_id: str) -> Pair | None:
        seats = self.seats(theme_id, slot_id)
        if len(seats) < self.rules.experts_least or not self.is_open(theme_id, slot_id):
            return None
        panel = self.best_panel(seats, most=self.rules.experts_most)
        if not panel or not self.has_customers(theme_id, slot_id):
            return None
        value = self.gain(theme_id, 0) + sum(seat.points for seat in panel) - self.delay(theme_id, slot_id)
        return Pair(theme_id, slot_id, seats, panel, value)

    def has_customers(self, theme_id: str, slot_id: str) -> bool:
        """Whether as many customers as a session needs could come."""
        least = self.rules.customers_least
        if not least:
            return True
        found = (True for customer in self._askers[theme_id] if customer.can(slot_id))
        return sum(islice(found, least)) == least

    def can(self, expert_id: str, slot_id: str) -> bool:
        """Whether an expert can be in a session at a slot, as far as his free times and bookings go."""
        return slot_id in self._can[expert_id]

    def begin_of(self, week: date) -> datetime:
        """When a week begins, UTC."""
        return datetime.combine(week, time.min, require_zone(self.problem.zone, what="plan")).astimezone(UTC)

    def booked_in(self, expert_id: str, week: date) -> int:
        """Sessions that an expert is booked for in the week of that Monday."""
        return self._booked_weeks[expert_id].count(week)

    def is_kept_out(self, theme_id: str, slot_id: str, expert_id: str) -> bool:
        """Whether the host does not want an expert there."""
        return any(one.keeps_out(theme_id, slot_id, expert_id) for one in self._kept_out)

    def askers(self, theme_id: str, slot_id: str) -> list[Customer]:
        """Customers for a theme at a slot: who said that they can come before who did not say."""
        return [customer for customer in self._askers[theme_id] if customer.can(slot_id)]

    def is_panel(self, experts: Sequence[Expert]) -> bool:
        """Whether these experts make a panel: as many as the rules want, and of different houses where they want it."""
        if not self.rules.experts_least <= len(experts) <= self.rules.experts_most:
            return False
        houses = [expert.house for expert in experts if expert.house]
        return not self.rules.diverse or len(set(houses)) == len(houses)

    def best_panel(self, seats: Sequence[Seat], *, most: int, wanted: frozenset[str] = frozenset()) -> list[Seat]:
        """The first seats, as long as each adds something, is wanted or needed; empty where there is no panel."""
        panel: list[Seat] = []
        houses: set[str] = set()
        for seat in seats:
            house = seat.expert.house
            if self.rules.diverse and house in houses:
                continue
            useful = seat.points > 0 or seat.expert.id in wanted or len(panel) < self.rules.experts_least
            if len(panel) >= most or not useful:
                break
            panel.append(seat)
            houses |= {house} - {""}
        return panel if len(panel) >= self.rules.experts_least else []

    def panels(self, seats: Sequence[Seat], size: int) -> list[tuple[Seat, ...]]:
        """Every panel of a size out of some seats."""
        found = combinations(seats, size)
        return [panel for panel in found if self.is_panel([seat.expert for seat in panel])]


def _gains(theme: Theme, per_session: int) -> list[float]:
    weights = [one.weight for one in theme.wanted]
    return [sum(weights[begin : begin + per_session]) for begin in range(0, len(weights), per_session)]


@lru_cache(maxsize=4096)
def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
