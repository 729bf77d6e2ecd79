"""A workspace with a real store, and engines on it, one after another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streamhub.config import EngineSettings
from streamhub.engine import Engine
from streamhub.store.store import Store

Workflows = dict[str, Callable[..., Awaitable[object]]]
Launch = Callable[[Workflows], Awaitable[Engine]]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "hub.sqlite3", now=now) as opened:
        yield opened


@pytest.fixture
async def launch(tmp_path: Path, store: Store) -> AsyncIterator[Launch]:
    """Launch an engine with these workflows; the one before must be closed. All are closed in the end."""
    engines: list[Engine] = []

    async def launch_one(workflows: Workflows) -> Engine:
        engine = Engine(EngineSettings(poll_s=0.02), tmp_path, store, now=now)
        engines.append(engine)
        for kind, fn in workflows.items():
            engine.workflow(kind, fn)
        await engine.launch()
        return engine

    yield launch_one
    for engine in engines:
        await engine.close()
