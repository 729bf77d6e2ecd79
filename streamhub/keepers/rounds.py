"""Rounds: a keeper's work, done again and again whatever one round ran into.

Refuses to know the work. Its log says ``<name>_failed`` for trouble that has a name, and ``<name>_broke`` with the
traceback for whatever else there was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from streamhub.errors import StreamhubError


async def repeat(
    work: Callable[[], Awaitable[object]],
    *,
    name: str,
    log: logging.Logger,
    pause_s: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Do the work for ever, with a pause after each round; ends by being cancelled.

    Args:
        work: one round.
        name: of the work, for the log.
        log: where its trouble is told.
        pause_s: seconds between the end of a round and the next one.
        sleep: waits.
    """
    while True:
        try:
            await work()
        except StreamhubError as error:
            log.warning("%s_failed error=%s", name, error)
        except Exception:  # a job's boundary: one round's trouble must not silence all that follow
            log.exception("%s_broke", name)
        await sleep(pause_s)
