"""Columns: whole sessions (theme, slot, panel) of which the solver picks some. Pure.

There are far too many to list. Owns which are: for small problems all slots and many panels; for large ones, for each
theme and week, the best slots at which different people can, with few but different panels. The sessions of plans that
are known already are always among them, so that no plan over the columns is worse than those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from streamhub.schedule.appraising import Choice
from streamhub.schedule.board import Board, Pair, Seat
from streamhub.schedule.proposing import Pin

FEW_PAIRS = 1_500
"""Up to so many pairs of theme and slot all are taken, with many panels."""
SLOTS_PER_WEEK = 3
BEST_FEW, BEST_MANY = 6, 8
PANELS_MANY = 24


@dataclass(frozen=True, slots=True)
class Column:
    """A session that may be picked.

    Attributes:
        choice: the session.
        worth: what it adds beside its questions' weight, its customers and the use of its experts in other sessions.
    """

    choice: Choice
    worth: float


def plan_columns(board: Board, known: Iterable[Choice] = ()) -> list[Column]:
    """The columns of a problem, in a fixed order; sessions of known plans are among them."""
    pairs = [pair for theme_id in board.themes for pair in board.pairs(theme_id)]
    many = len(pairs) <= FEW_PAIRS
    rarity = _rarity(board)
    columns = _Columns(board)
    for pair in pairs if many else _best_of_weeks(board, pairs):
        for panel in _many_panels(board, pair) if many else _few_panels(board, pair, rarity):
            columns.add(pair, panel)
    return columns.finish(known)


def adapt_columns(board: Board, before: Iterable[Column], known: Iterable[Choice] = ()) -> list[Column]:
    """The columns of the same problem under other wishes: those that still may be, and more where these want them."""
    columns, lost = _Columns(board), set[tuple[str, str]]()
    pairs = {(pair.theme_id, pair.slot_id): pair for theme_id in board.themes for pair in board.pairs(theme_id)}
    for column in before:
        key = (column.choice.theme_id, column.choice.slot_id)
        if key in pairs and not any(board.is_kept_out(*key, expert_id) for expert_id in column.choice.expert_ids):
            columns.found[column.choice] = column
        else:
            lost.add(key)
    rarity = _rarity(board) if lost else {}
    for key in sorted(lost & pairs.keys()):
        for panel in _few_panels(board, pairs[key], rarity):
            columns.add(pairs[key], panel)
    return columns.finish(known)


class _Columns:
    """Columns that are being gathered, each once."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self.found: dict[Choice, Column] = {}

    def add(self, pair: Pair, panel: Sequence[Seat]) -> None:
        """Add a session, if there is a panel."""
        if not panel:
            return
        ids = tuple(sorted(seat.expert.id for seat in panel))
        choice = Choice(theme_id=pair.theme_id, slot_id=pair.slot_id, expert_ids=ids)
        if choice not in self.found:
            worth = sum(seat.points for seat in panel) - self._board.delay(pair.theme_id, pair.slot_id)
            self.found[choice] = Column(choice, worth)

    def finish(self, known: Iterable[Choice]) -> list[Column]:
        """All of them, with those that meet pins and those of known plans."""
        board = self._board
        for pin in board.problem.pins:
            for theme_id in (
                [pin.theme_id] if pin.theme_id in board.themes else board.themes if not pin.theme_id else ()
            ):
                for pair in board.pairs(theme_id) if pin.slot_id or pin.expert_ids else ():
                    if pin.slot_id in {"", pair.slot_id}:
                        for panel in _pinned_panels(board, pair, pin):
                            self.add(pair, panel)
        for choice in known:
            if choice not in self.found:
                self.found[choice] = Column(choice, worth_of(board, choice))
        return list(self.found.values())


def worth_of(board: Board, choice: Choice) -> float:
    """What a session adds beside its questions' weight, its customers and the use of its experts elsewhere."""
    wanted = frozenset(choice.expert_ids)
    points = sum(seat.points for seat in board.seats(choice.theme_id, choice.slot_id) if seat.expert.id in wanted)
    return points - board.delay(choice.theme_id, choice.slot_id)


def _best_of_weeks(board: Board, pairs: Iterable[Pair]) -> list[Pair]:
    """For each theme and week the best slots at which different experts can."""
    groups: dict[tuple[str, date], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.theme_id, board.week[pair.slot_id]), []).append(pair)
    chosen = []
    for group in groups.values():
        group.sort(key=lambda pair: (-pair.value, pair.slot_id))
        seen: set[frozenset[str]] = set()
        for pair in group:
            who = frozenset(seat.expert.id for seat in pair.seats[:BEST_MANY])
            if who not in seen:
                seen.add(who)
                chosen.append(pair)
                if len(seen) == SLOTS_PER_WEEK:
                    break
    return chosen


def _rarity(board: Board) -> dict[str, float]:
    """How much else hangs on each expert: the weight of the themes that he knows, shared with those who know them."""
    return {
        expert.id: sum(
            board.gain(theme_id, 0) / len(board.knowers[theme_id])
            for theme_id in sorted(expert.knows.keys() & board.themes.keys())
        )
        for expert in board.problem.experts
    }


def _few_panels(board: Board, pair: Pair, rarity: dict[str, float]) -> Iterable[tuple[Seat, ...]]:
    """The best panel, and small ones: of the best, of those on whom least else hangs, and of the weakest."""
    seats, least = pair.seats[:BEST_FEW], board.rules.experts_least
    rest = sorted(seats, key=lambda seat: (rarity[seat.expert.id], seat.expert.id))
    yield tuple(pair.panel)
    for order in (seats, rest, rest[1:], list(reversed(seats))):
        if panel := board.best_panel(order, most=least):
            yield tuple(panel)


def _many_panels(board: Board, pair: Pair) -> list[tuple[Seat, ...]]:
    """Panels of every size, small ones first, of the best experts who can."""
    seats, rules = pair.seats[:BEST_MANY], board.rules
    sizes = range(rules.experts_least, rules.experts_most + 1)
    by_size = [board.panels(seats, size) for size in sizes]
    share = max(1, PANELS_MANY // len(by_size))
    kept = [panel for panels in by_size for panel in panels[:share]]
    left = [panel for panels in by_size for panel in panels[share:]]
    return [tuple(pair.panel), *kept, *left[: max(0, PANELS_MANY - len(kept))]]


def _pinned_panels(board: Board, pair: Pair, pin: Pin) -> Iterable[tuple[Seat, ...]]:
    """The smallest and the largest panel with the experts that a pin names."""
    seats = sorted(pair.seats, key=lambda seat: seat.expert.id not in pin.expert_ids)
    for most in sorted({max(board.rules.experts_least, len(pin.expert_ids)), board.rules.experts_most}):
        panel = board.best_panel(seats, most=most, wanted=pin.expert_ids)
        if pin.expert_ids <= {seat.expert.id for seat in panel}:
            yield tuple(panel)
