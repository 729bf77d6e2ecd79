"""What chosen sessions are worth: which questions each answers, which customers come, and the sum. Pure.

Whoever chose themes, slots and panels, greedy search or solver, hands them in here, so that both are measured alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streamhub.schedule.board import Board
from streamhub.schedule.proposing import Plan, Proposal, Worth
from streamhub.schedule.usage import list_unmet


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A session that was chosen.

    Attributes:
        theme_id, slot_id: what and when.
        expert_ids: who answers, in order of their ids.
    """

    theme_id: str
    slot_id: str
    expert_ids: tuple[str, ...]


def appraise(board: Board, choices: Sequence[Choice]) -> Plan:
    """The plan that some choices make: in order of time, earlier sessions of a theme take its weightier questions."""
    ordered = sorted(choices, key=lambda one: (board.slot[one.slot_id].starts_at, one.slot_id))
    customers = assign_customers(board, ordered)
    themes, uses = Counter[str](), Counter[str]()
    proposals = []
    for number, choice in enumerate(ordered):
        proposals.append(
            Proposal(
                theme_id=choice.theme_id,
                slot_id=choice.slot_id,
                expert_ids=choice.expert_ids,
                customer_ids=customers[number],
                question_ids=board.question_ids(choice.theme_id, themes[choice.theme_id]),
                worth=_worth(board, choice, themes[choice.theme_id], len(customers[number]), uses),
            )
        )
        themes[choice.theme_id] += 1
        uses.update(choice.expert_ids)
    return Plan(proposals=tuple(proposals), unmet=tuple(list_unmet(board.problem.pins, proposals)))


def _worth(board: Board, choice: Choice, number: int, customers: int, uses: Mapping[str, int]) -> Worth:
    prices, experts = board.rules.prices, [board.experts[key] for key in choice.expert_ids]
    return Worth(
        demand=board.gain(choice.theme_id, number),
        skill=prices.skill * sum(expert.knows[choice.theme_id] for expert in experts),
        customers=prices.customer * customers,
        unsure=prices.unsure * sum(choice.slot_id in expert.unsure for expert in experts),
        fairness=prices.recent * sum(expert.recent for expert in experts)
        + prices.again * sum(uses[expert.id] > 0 for expert in experts),
        delay=board.delay(choice.theme_id, choice.slot_id),
    )


def assign_customers(board: Board, choices: Sequence[Choice]) -> list[tuple[str, ...]]:
    """Customers for each of some sessions, as many as can come, each in one session at most.

    First every session gets as many as it needs, then more; nobody loses a customer to another session. Augmenting
    paths, as in Kuhn's method for matchings.
    """
    rules = board.rules
    askers = [[one.id for one in board.askers(choice.theme_id, choice.slot_id)] for choice in choices]
    seated: dict[str, int] = {}

    def seat(session: int, tried: set[str]) -> bool:
        for customer in askers[session]:
            if customer in tried:
                continue
            tried.add(customer)
            if customer not in seated or seat(seated[customer], tried):
                seated[customer] = session
                return True
        return False

    for round_number in range(rules.customers_most):
        for session in range(len(choices)):
            if sum(one == session for one in seated.values()) <= round_number:
                seat(session, set())
    return [tuple(sorted(key for key, at in seated.items() if at == number)) for number in range(len(choices))]


def with_customers(board: Board, choices: Sequence[Choice]) -> bool:
    """Whether every one of some sessions finds the customers that it needs."""
    return all(len(found) >= board.rules.customers_least for found in assign_customers(board, choices))
