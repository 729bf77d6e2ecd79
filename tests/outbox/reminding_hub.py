"""A hub in small, to be killed: plans ladders of reminders and writes their mails when the engine's timers end."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from streamhub.config import EngineSettings
from streamhub.engine import Engine
from streamhub.keepers.inviter import InviterParts
from streamhub.keepers.reminding import Reminding
from streamhub.store.store import Store
from streamhub.web.links import Links

SECRET = bytes(range(32))


def now() -> datetime:
    return datetime.now(UTC)


async def main(folder: Path) -> None:
    async with Store.open(folder / "hub.sqlite3", now=now) as store:
        parts = InviterParts(
            store=store,
            links=Links(hub_url="https://hub.example.org", secret=SECRET),
            hub_name="Runde",
            address="hub@streamhub.example",
            by_rule=True,
            secret=SECRET,
            now=now,
        )
        reminding, engine = Reminding(parts), Engine(EngineSettings(poll_s=0.05), folder, store, now=now)
        reminding.register(engine)
        print("starting", flush=True)
        async with engine:
            await reminding.watch(pause_s=0.05)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
