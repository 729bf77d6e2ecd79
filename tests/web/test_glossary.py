"""The glossary's page: what hosts write is kept, checked, and taken back; two at once lose nothing."""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING

import pytest

from streamhub.naming import load_vocabulary
from streamhub.store import log, shows
from streamhub.store.glossaries import HUB_SCOPE, load_glossary
from streamhub.web.access import AccessRole

if TYPE_CHECKING:
    from streamhub.store.glossaries import Glossary
    from tests.web.conftest import World

SHOW = "/host/shows/runde/glossary"


async def load(world: World, scope: str = "runde") -> Glossary:
    return await world.hub.store.read(lambda db: load_glossary(db, scope))


async def test_a_glossary_is_kept_and_taken_back(world: World) -> None:
    """What a host writes stands on the page and reaches the next recording; one press puts the old text back."""
    session_id = await world.plan(person="Jana Weber")
    browser = await world.sign_in()
    for text, version in (("Streamhub: Stream Hub\n", "0"), ("Streamhub: Strihm Hab\nKöbes", "1")):
        async with await browser.post(SHOW, text=text, version=version) as page:
            assert page.headers["Location"] == f"{SHOW}?said=saved#said"
    async with await browser.post("/host/glossary", text="Zyxel", version="0") as page:
        assert page.status == 303
    async with await browser.get(f"{SHOW}?said=saved") as page:
        text = await page.text()
    assert "Streamhub: Strihm Hab\nKöbes</textarea>" in text
    assert "2 Einträge" in text
    session = await world.hub.store.read(lambda db: shows.load_session(db, session_id))
    known = await world.hub.store.read(lambda db: load_vocabulary(db, session))
    assert known.hints == ("Jana Weber", "Streamhub", "Köbes", "Zyxel")
    assert dict(known.told) == {"strihm hab": "Streamhub"}
    for expected in ("Streamhub: Stream Hub", "Streamhub: Strihm Hab\nKöbes"):
        version = str((await load(world)).version)
        async with await browser.post(SHOW, deed="undo", version=version) as page:
            assert page.status == 303
        assert (await load(world)).text == expected
    actions = [
        one for one in await world.hub.store.read(lambda db: log.list_actions(db, limit=50)) if "glossary" in one.action
    ]
    assert {one.action for one in actions} == {"glossary.save", "glossary.undo"}
    assert not any("trihm" in str(one.details) for one in actions), "the log knows no names"
    await browser.close()


@pytest.mark.parametrize(("language", "told"), [("de", "Zeile 2: „und“"), ("en", "Line 2: “und”")])
async def test_a_line_that_cannot_stay_is_named(world: World, language: str, told: str) -> None:
    """Nothing is saved while a line has a problem; what was typed is still there, and the sentence says which line."""
    await world.plan()
    browser = await world.sign_in()
    async with await browser.post(f"{SHOW}?lang={language}", text="Köbes\nUnd AG: und\n<b>", version="0") as page:
        assert page.status == 400
        text = unescape(await page.text())
    assert told in text
    assert "Köbes\nUnd AG: und\n<b></textarea>" in text
    assert (await load(world)).version == 0
    async with await browser.post(SHOW, text="x" * 20_001, version="0") as page:
        assert page.status == 400
    await browser.close()


async def test_two_hosts_at_once_overwrite_nothing(world: World) -> None:
    """Who saves second sees both texts, and may then replace the first one knowingly."""
    await world.plan()
    browser = await world.sign_in()
    async with await browser.post(SHOW, text="Zuerst", version="0"):
        pass
    async with await browser.post(SHOW, text="Danach", version="0") as page:
        assert page.status == 409
        text = await page.text()
    assert "Danach</textarea>" in text
    assert "Zuerst</pre>" in text
    assert world.find_field(text, "version") == "1"
    async with await browser.post(SHOW, deed="undo", version="0") as page:
        assert page.status == 409
    assert (await load(world)).text == "Zuerst"
    async with await browser.post(SHOW, text="Danach", version="1") as page:
        assert page.status == 303
    await browser.close()


async def test_a_glossary_needs_its_show(world: World) -> None:
    """There is no glossary of a show that does not exist, and experts write none."""
    browser = await world.sign_in()
    async with await browser.post("/host/shows/nirgends/glossary", text="x", version="0") as page:
        assert page.status == 404
    await browser.close()
    expert = await world.sign_in(role=AccessRole.EXPERT)
    async with await expert.post("/host/glossary", text="Xaver", version="0") as page:
        assert page.status == 403
    assert (await load(world, HUB_SCOPE)).version == 0
    await expert.close()
