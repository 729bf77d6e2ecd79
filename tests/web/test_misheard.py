"""A session whose language was set wrong: hosts are told, and one button has it heard again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from streamhub.store.spoken_languages import SpokenLanguage, save_spoken
from tests.web.reviewed import review_session

if TYPE_CHECKING:
    from tests.web.conftest import World


async def test_hosts_are_told_and_have_it_heard_again(world: World) -> None:
    """Console and review page say it in the reader's language with a button; the button orders, and nothing else."""
    at = await review_session(world, count=1)
    host = await world.sign_in()

    async def shown(language: str, button: str) -> list[bool]:
        found = []
        for path in (f"/host/s/{at.session}", at.path):
            async with await host.get(f"{path}?lang={language}") as page:
                found.append(button in await page.text())
        return found

    buttons = {"de": "Noch einmal auf Englisch hören", "en": "Hear it again in English"}
    for spoken, there in (("", False), ("en", True)):
        heard = SpokenLanguage(session_id=at.session, file="x.json", told="de", spoken=spoken)
        await world.hub.store.write(partial(save_spoken, spoken=heard, at=world.hub.now()))
        for language, button in buttons.items():
            assert await shown(language, button) == [there, there]
    async with await host.post(f"/host/s/{at.session}/hear-again", language="en") as answer:
        assert answer.status == 303
    assert world.answers.rehearings == [(at.session, "en")]
    await host.close()
