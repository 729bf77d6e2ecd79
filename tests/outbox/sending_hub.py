"""A hub in small, to be killed: sends what is queued to a mail server."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from streamhub.keepers.postman import Postman, PostmanParts
from streamhub.outbox.mail import Letterhead
from streamhub.outbox.smtp import SmtpAccess, SmtpSender
from streamhub.store.store import Store


def now() -> datetime:
    return datetime.now(UTC)


async def main(folder: Path, port: int) -> None:
    async with Store.open(folder / "hub.sqlite3", now=now) as store:
        parts = PostmanParts(
            store=store,
            sender=SmtpSender(SmtpAccess(host="127.0.0.1", port=port, security="none")),
            head=Letterhead(address="hub@streamhub.example"),
            wanted=lambda db, mail: True,
            now=now,
        )
        await Postman(parts).watch(pause_s=0.05)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
