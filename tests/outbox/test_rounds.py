"""Rounds of keepers: what one round runs into ends none of those that follow."""

import asyncio
import logging

import pytest

from streamhub.errors import BadInput
from streamhub.keepers.rounds import repeat

LOG = logging.getLogger(__name__)


async def test_trouble_of_one_round_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """Trouble with a name is told in a line, any other with its traceback; the work goes on until it is cancelled."""
    rounds: list[str] = []

    async def work() -> None:
        rounds.append("begun")
        if len(rounds) == 1:
            raise BadInput("the store is busy")
        if len(rounds) == 2:
            raise RuntimeError("nobody thought of this")

    async def sleep(pause_s: float) -> None:
        assert pause_s == 7
        if len(rounds) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await repeat(work, name="keeper", log=LOG, pause_s=7, sleep=sleep)
    assert len(rounds) == 3
    assert "keeper_failed error=the store is busy" in caplog.text
    assert "keeper_broke" in caplog.text
    assert "nobody thought of this" in caplog.text
