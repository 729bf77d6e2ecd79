"""A hub in small, to be killed: tells everybody and says so line by line."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from streamhub.answers.answer import Answer, AnswerState
from streamhub.keepers import teller as teller_module
from streamhub.keepers.teller import Teller, TellerParts
from streamhub.store import followers, mails
from streamhub.store.store import Store
from streamhub.web.links import Links


def now() -> datetime:
    return datetime(2027, 3, 3, 9, 0, tzinfo=UTC)  # the clock of the test that goes on after the kill


class Places:
    async def list(self, session_id: str) -> list[Answer]:
        ids = [f"q{number}" for number in range(40)]
        state = AnswerState.PUBLISHED
        return [Answer(id=one, slug="was", session_id=session_id, question="Was?", state=state) for one in ids]

    def page(self, answer: Answer) -> str:
        return f"a/{answer.id}/"


async def main(folder: Path) -> None:
    put = mails.put_mail

    def put_and_say(db, mail):  # within the transaction, so that the kill may come before its end
        os.write(1, b"told\n")
        return put(db, mail)

    teller_module.mail_rows.put_mail = put_and_say
    async with Store.open(folder / "hub.sqlite3", now=now) as store:
        assert await store.read(followers.list_untold)
        parts = TellerParts(
            store=store,
            answers=Places(),
            is_built=lambda page: True,
            links=Links(hub_url="https://hub.example.org", secret=b"s" * 32),
            hub_name="Runde",
            by_rule=True,
            keep_days=30,
            secret=b"s" * 32,
            now=now,
        )
        await Teller(parts).sync()
        await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
