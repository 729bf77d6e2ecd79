"""What somebody types on a form as a length, read as what it means or refused in words."""

from __future__ import annotations

import pytest

from streamhub.errors import BadInput
from streamhub.web.wall import parse_minutes


@pytest.mark.parametrize(("typed", "minutes"), [("", 60), (" 45 ", 45), ("1", 1), ("1440", 1440)])
def test_a_length_in_minutes(typed: str, minutes: int) -> None:
    """Whole minutes up to a day; an hour where nothing was typed."""
    assert parse_minutes(typed, str) == minutes


@pytest.mark.parametrize("typed", ["0", "1441", "-5", "1.5", "an hour", "٣٠", "000060999999", "9" * 5000])
def test_a_length_that_cannot_be(typed: str) -> None:
    """Anything else is refused with what to do, however long it is."""
    with pytest.raises(BadInput) as refused:
        parse_minutes(typed, str)
    assert refused.value.hint == "Write 1 to 1440 minutes."
