"""The counterpart as a whole: a world, its HTTP server and its RTMP door, on a loop in a thread of their own.

A thread of its own, because clients block theirs: whoever calls it from an event loop would wait for itself otherwise.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.fakes.youtube.ingest import Entrance
from tests.fakes.youtube.oauth import CLIENT_ID, CLIENT_SECRET
from tests.fakes.youtube.server import Server
from tests.fakes.youtube.world import World, _wall

T = TypeVar("T")


class FakeYouTube(World):
    """A loopback counterpart of YouTube: ``async with FakeYouTube() as fake`` or ``with FakeYouTube() as fake``.

    Args:
        now: the wall clock it goes by.
        seed: for ids that come out the same each time; None for random ones.
        rtmp_dir: folder where arriving media is kept as FLV, one file per publisher; None keeps nothing.
        knobs: see `Knobs`; all of them may be set later as attributes too.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = _wall,
        seed: int | None = None,
        rtmp_dir: Path | None = None,
        port: int = 0,
        **knobs: Any,
    ) -> None:
        super().__init__(now=now, seed=seed, **knobs)
        self._rtmp_dir = rtmp_dir
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server = Server(self)
        self._entrance: Entrance | None = None

    # --- where it is

    @property
    def url(self) -> str:
        """Root of the programming interface, ends with a slash."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def auth_uri(self) -> str:
        return f"{self.url}o/oauth2/v2/auth"

    @property
    def token_uri(self) -> str:
        return f"{self.url}token"

    @property
    def revoke_uri(self) -> str:
        return f"{self.url}revoke"

    @property
    def client_config(self) -> dict[str, Any]:
        """The client file as Google's console hands it out for installed programs."""
        return {
            "installed": {
                "client_id": CLIENT_ID,
                "project_id": "fake-round-table",
                "auth_uri": self.auth_uri,
                "token_uri": self.token_uri,
                "auth_provider_x509_cert_url": f"{self.url}oauth2/v1/certs",
                "client_secret": CLIENT_SECRET,
                "redirect_uris": ["http://localhost"],
            }
        }

    # --- running

    def start(self) -> Self:
        """Start the thread; returns once everything listens."""
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()

        def run(loop: asyncio.AbstractEventLoop) -> None:
            asyncio.set_event_loop(loop)
            loop.call_soon(ready.set)
            loop.run_forever()

        self._thread = threading.Thread(target=run, args=(self._loop,), name="fake-youtube", daemon=True)
        self._thread.start()
        ready.wait(10)
        self._run(self._open)
        return self

    async def _open(self) -> None:
        self._port = await self._server.open(self._port)
        self._entrance = Entrance(self, keep_in=self._rtmp_dir)
        self.rtmp_url = await self._entrance.open()

    async def _close(self) -> None:
        assert self._entrance is not None
        self._entrance.flowing.set()
        await self._server.close()
        await self._entrance.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()

    def close(self) -> None:
        """Stop everything; the state can still be read."""
        if self._loop is None or self._thread is None:
            return
        self._run(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._loop = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]], timeout_s: float = 15.0) -> T:
        """Do something on the loop and wait for it; never from the loop itself."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(timeout_s)

    # --- breaking the network

    def go_offline(self) -> None:
        """Refuse every HTTP connection, as when the network is away."""
        self._run(self._server.close)

    def come_back(self) -> None:
        """Listen again, on the same port."""
        self._run(lambda: self._server.open(self._port))

    def go_offline_for(self, seconds: float) -> None:
        """Refuse every HTTP connection for a while, the back door's as well; returns at once."""
        assert self._loop is not None
        threading.Timer(0.05, self.go_offline).start()
        threading.Timer(0.05 + seconds, self.come_back).start()

    def kill_rtmp(self) -> None:
        """Drop every publisher and refuse new ones."""
        assert self._entrance is not None
        self._run(self._entrance.close)

    def restore_rtmp(self) -> None:
        """Take publishers again, on the same port."""
        assert self._entrance is not None
        self._run(self._entrance.open)

    def stall_rtmp(self) -> None:
        """Take no more bytes from publishers, without dropping them."""
        assert self._loop is not None
        assert self._entrance is not None
        self._loop.call_soon_threadsafe(self._entrance.flowing.clear)

    def resume_rtmp(self) -> None:
        """Take bytes again."""
        assert self._loop is not None
        assert self._entrance is not None
        self._loop.call_soon_threadsafe(self._entrance.flowing.set)
