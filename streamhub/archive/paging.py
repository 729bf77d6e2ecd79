"""Paging: long lists cut into pages that stay as they are once they are full. Pure.

Older pages are numbered from 1, the oldest, so that a new entry changes the newest page alone. The newest, page 0, has
up to twice as many entries, so that an older page is full from its first day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

PAGE = 50
"""Entries of an older page."""

T = TypeVar("T")


def count_older(total: int) -> int:
    """How many older pages a list of so many entries has."""
    return max(0, total // PAGE - 1)


def cut_page(entries: Sequence[T], number: int) -> Sequence[T]:
    """The entries of a page of a list that begins with the newest; none where it has fewer pages."""
    older = count_older(len(entries))
    if number == 0:
        return entries[: len(entries) - PAGE * older]
    end = len(entries) - PAGE * (number - 1)
    return entries[end - PAGE : end] if number <= older else entries[:0]
