"""Doubts: why a person should look at a question first, and why a vote waits to be counted; pure.

Nothing is thrown away for a doubt, and nobody is told that it was: a question in doubt is held for the hosts, a vote in
doubt stands beside the counted ones until a host decides. Refuses to know who asks and who votes.
"""

from __future__ import annotations

import re
from enum import StrEnum

MAX_LINKS = 2
"""More links than this in one question look like advertising."""

_LINK = re.compile(
    r"(?:https?://|www\.)\S+|\b[a-z0-9-]{2,63}\.(?:com|net|org|info|biz|shop|xyz|top|ru|cn|de|io)/\S*", re.IGNORECASE
)


class Doubt(StrEnum):
    """Why a question is held."""

    NONE = ""
    TRAP = "trap"
    LINKS = "links"
    REPEATED = "repeated"
    FLOOD = "flood"


class VoteDoubt(StrEnum):
    """Why a vote is not counted by itself."""

    NONE = ""
    ADDRESS = "address"
    NEWCOMERS = "newcomers"
    FORGED = "forged"


def count_links(text: str) -> int:
    """How many addresses of pages stand in a text."""
    return sum(1 for _ in _LINK.finditer(text))


def decide_doubt(text: str, name: str, *, trapped: bool, repeated: bool, flooded: bool) -> Doubt:
    """The first reason for a person to look at a question before others see it.

    Args:
        text: the question.
        name: as its asker wants to be shown.
        trapped: whether a field was filled that people do not see.
        repeated: whether the same text came several times just before.
        flooded: whether the session is flooded, and the asker's machine has not done its puzzle.
    """
    if trapped:
        return Doubt.TRAP
    if count_links(text) > MAX_LINKS or count_links(name):
        return Doubt.LINKS
    if repeated:
        return Doubt.REPEATED
    return Doubt.FLOOD if flooded else Doubt.NONE


def decide_vote_doubt(*, newcomers_over: bool, forged: bool, address_over: bool) -> VoteDoubt:
    """The reason for not counting a vote by itself.

    Args:
        newcomers_over: whether the vote comes without a cookie of ours, after many like it from the same address.
        forged: whether it comes with a cookie that we did not sign.
        address_over: whether its address has used up what one address may vote for one question.
    """
    if newcomers_over:
        return VoteDoubt.FORGED if forged else VoteDoubt.NEWCOMERS
    return VoteDoubt.ADDRESS if address_over else VoteDoubt.NONE
