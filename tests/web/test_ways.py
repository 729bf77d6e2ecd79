"""The other ways to ask: named on the session's page, in the frame and in the calendar, while questions are taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from icalendar import Calendar

from streamhub.web.absent import NoSources
from streamhub.web.source_views import Way, Ways
from streamhub.web.ways import find_ways, tell_ways

if TYPE_CHECKING:
    from tests.web.conftest import MakeWorld, World

WORDS = {
    "de": "Fragen geht auch per Mail an {} oder auf Plain &amp; Co mit #netz.",
    "en": "You can also ask by mail to {} or on Plain &amp; Co with #netz.",
}


async def read(world: World, path: str, language: str = "de") -> str:
    async with world.client.get(path, headers={"Accept-Language": language}) as answer:
        assert answer.status == 200
        return await answer.text()


async def listen(world: World, session: str, tag: str) -> str:
    seen = await world.host("POST", f"/sessions/{session}/sources", kind="plain", address=tag)
    return str(seen["sources"][-1]["id"])


@pytest.mark.parametrize("language", ["de", "en"])
async def test_they_are_named(make_world: MakeWorld, language: str) -> None:
    """Page, frame and calendar name the mail address and the hashtag, each in the reader's language."""
    world = await make_world(embed_origins="https://www.firma.example")
    session = await world.plan()
    await listen(world, session, "netz")
    mail = f"fragen+{session}@firma.de"
    sentence = WORDS[language].format(f'<a href="mailto:{mail}">{mail}</a>')
    for path in (f"/s/{session}", f"/s/{session}/embed", f"/s/{session}/head"):
        assert sentence in await read(world, path, language), path
    calendar = Calendar.from_ical(await read(world, f"/s/{session}/session.ics", language))
    assert WORDS[language].format(mail).replace("&amp;", "&") in calendar.events[0]["description"]


async def test_only_what_is_listened_to(world: World) -> None:
    """A hashtag that is switched off is not named, and another session's neither."""
    session, other = await world.plan(), await world.plan(title="Strom")
    source = await listen(world, session, "netz")
    await listen(world, other, "strom")
    await world.host("POST", f"/sessions/{session}/sources/{source}/off")
    page = await read(world, f"/s/{session}")
    assert "#netz" not in page
    assert "#strom" not in page
    assert "mailto:" in page


async def test_not_when_no_questions_are_taken(world: World) -> None:
    """After the deadline of a call, and after the end, nobody is told to write elsewhere."""
    session = await world.plan()
    until = (world.clock() + timedelta(hours=1)).isoformat()
    await world.host("POST", f"/sessions/{session}", call="Bis gleich", call_until=until)
    assert "ask-ways" in await read(world, f"/s/{session}")
    world.clock.forward(hours=2)
    assert "ask-ways" not in await read(world, f"/s/{session}")
    assert "mailto" not in await read(world, f"/s/{session}/session.ics")
    await world.host("POST", f"/sessions/{session}/state", to="live")
    assert "ask-ways" in await read(world, f"/s/{session}")
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    assert "ask-ways" not in await read(world, f"/s/{session}")


async def test_nothing_where_nothing_is_set_up(world: World) -> None:
    """A hub without a mailbox and hashtags says nothing of them."""
    from streamhub.store.shows import load_session

    session_id = await world.plan()
    session = await world.hub.store.read(lambda db: load_session(db, session_id))
    ways = await find_ways(replace(world.hub, sources=NoSources()), session, at=world.clock())
    assert tell_ways(ways, str) == ""
    both = Ways(places=(Way(name="A", address="#b"), Way(name="C", address="#d")))
    assert tell_ways(both, str) == "You can also ask on A with #b or on C with #d."
