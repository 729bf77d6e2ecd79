"""Serving folders as web hosts do, each at an address of its own, for tests with a real browser."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from streamhub.archive.hosting import parse_headers


@dataclass
class Served:
    """A folder at an address; `asked` remembers the paths that were asked for, `headers` go out with everything."""

    url: str
    folder: Path
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)

    def write(self, path: str, text: str) -> str:
        """Put a page there; its address."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return f"{self.url}{path}"


def rules_for(folder: Path, path: str) -> dict[str, str]:
    """The headers that the folder's ``_headers`` gives a path, put together where several rules fit."""
    if not (folder / "_headers").is_file():
        return {}
    found: dict[str, str] = {}
    for rule in parse_headers((folder / "_headers").read_text("utf-8")):
        if fnmatchcase(path, rule.pattern):
            for name, value in rule.headers:
                found[name] = f"{found[name]}, {value}" if name in found else value
    return found


@contextmanager
def serve(folder: Path, headers: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Serve a folder from a thread: index files, byte ranges, 404 with the same headers."""
    served = Served(url="", folder=folder, headers=dict(headers or {}))

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/favicon.ico":  # browsers ask for it wherever they are
            return web.Response(status=204)
        served.asked.append(request.path)
        served.cookies += request.headers.getall("Cookie", [])
        headers = served.headers | rules_for(folder, request.path)
        path = folder / request.path.lstrip("/")
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            return web.Response(status=404, text="nothing here", headers=headers)
        return web.FileResponse(path, headers=headers)

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield served
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def chromium() -> Iterator[Any]:
    """A real browser; the test is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()
