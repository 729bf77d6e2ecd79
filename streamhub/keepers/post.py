"""The keepers of mail together: who is told, what is written, and what goes out.

Decides nothing; lets them run beside the hub.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from streamhub.keepers.postman import Postman
from streamhub.keepers.teller import Teller


class Writer(Protocol):
    """Somebody who writes mails into the outbox."""

    async def watch(self) -> None:
        """Write what is to be written, again and again; ends by being cancelled."""


class HubPost:
    """Fulfils `streamhub.web.services.Post`.

    Args:
        teller: writes to who asked; None where mails could not link to the hub.
        postman: sends mails; None without a mail server.
        writers: whoever else writes mails.
    """

    def __init__(self, teller: Teller | None, postman: Postman | None, *writers: Writer) -> None:
        self._teller = teller
        self._postman = postman
        self._writers = writers

    @property
    def configured(self) -> bool:
        """Whether there is a mail server."""
        return self._postman is not None

    @property
    def trouble(self) -> str:
        """Why nothing goes out at the moment."""
        return self._postman.trouble if self._postman else ""

    @property
    def rests_until(self) -> datetime | None:
        """When the mail server is asked again."""
        return self._postman.rests_until if self._postman else None

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Write and send while the block runs."""
        async with contextlib.AsyncExitStack() as stack:
            for keeper in (self._teller, *self._writers, self._postman):
                if keeper is not None:
                    task = asyncio.create_task(keeper.watch(), name=type(keeper).__name__.lower())
                    stack.push_async_callback(_stop, task)
            yield


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
