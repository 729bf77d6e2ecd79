"""Announcements: texts that fit their networks and follow the session, picture, feed, and the page with everything."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from streamhub.schedule.invitation import Purpose
from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import Participant, Role, SessionState, Show
from streamhub.store import shows
from streamhub.web.announcing import (
    LENGTHS,
    Announcement,
    plan_blog,
    plan_posts,
    plan_tags,
    render_blog,
    tell_when,
    weigh,
)
from tests.web.test_invitations import guests
from tests.web.test_pages import HOSTILE

if TYPE_CHECKING:
    from tests.web.conftest import MakeWorld, World
    from tests.web.test_invitations import Guests

__all__ = ["guests"]  # a fixture

STARTS = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
URL = "https://hub.example.org/s/2027-03-02-netz"
SESSION = PublicSession(
    id="2027-03-02-netz",
    show_id="runde",
    show=Show(id="runde", title="Die Runde", about="Fachleute antworten live."),
    title="Schnelles Netz im ganzen Haus",
    starts_at=STARTS,
    state=SessionState.OPEN,
    call="Schicken Sie uns ein Bild Ihres Routers.",
    participants=(
        Participant(name="Jana Weber", role=Role.HOST, about="Redaktion"),
        Participant(name="Ali Demir", role=Role.EXPERT, about="Leiter Netz, Netz AG"),
        Participant(name="Käthe Öl", role=Role.CUSTOMER),
    ),
)
FACTS = Announcement(
    session=SESSION,
    url=URL,
    topics=("WLAN", "Glasfaser im Haus", "5"),
)


@pytest.mark.parametrize("language", ["de", "en"])
def test_posts_fit_and_name_the_link(language: str) -> None:
    """Each length holds its limit, says title, time with zone, the link and a hashtag, and names no customer."""
    for length, text in plan_posts(FACTS, language):
        assert weigh(text, URL) <= length
        assert URL in text
        assert SESSION.title in text
        assert "Europe/Berlin" in text
        assert "#DieRunde" in text
        assert "Käthe" not in text
    (_, short), (_, middle), (_, long) = plan_posts(FACTS, language)
    assert len(short) < len(middle) <= len(long)
    assert "Ali Demir (Leiter Netz, Netz AG)" in long
    assert long.count("Ali Demir") == 1
    assert "#GlasfaserImHaus" in long


@given(
    title=st.text(min_size=1, max_size=400).filter(str.strip), about=st.text(max_size=900), topic=st.text(max_size=80)
)
def test_no_text_outgrows_its_network(title: str, about: str, topic: str) -> None:
    """Whatever somebody typed, no post is too long and none loses its link."""
    facts = replace(
        FACTS, session=replace(SESSION, title=title, show=replace(SESSION.show, about=about)), topics=(topic,)
    )
    for language in ("de", "en"):
        for length, text in plan_posts(facts, language):
            assert weigh(text, URL) <= length
            assert text.count(URL) >= 1


def test_texts_follow_a_move_and_a_cancellation() -> None:
    """A moved session says the new time and the old one, a cancelled one that it is off, and no time to come for."""
    moved = replace(FACTS, moved_from=STARTS - timedelta(days=7))
    title, blog = plan_blog(moved, "de")
    assert title == "Neuer Termin: Schnelles Netz im ganzen Haus"
    assert "angekündigt war Dienstag, 23. Februar 2027" in blog
    assert all("Neuer Termin" in text for _, text in plan_posts(moved, "de"))
    off = replace(FACTS, session=replace(SESSION, state=SessionState.CANCELLED))
    title, blog = plan_blog(off, "en")
    assert title.startswith("Cancelled:")
    assert "will not take place" in blog
    assert "20:15" not in blog
    assert all("will not take place" in text for _, text in plan_posts(off, "en"))
    assert tell_when(moved, "de") == "Neuer Termin: Dienstag, 2. März 2027, 20:15\N{NO-BREAK SPACE}Uhr (MEZ)"
    later = replace(FACTS, session=replace(SESSION, state=SessionState.MOVED))
    assert plan_blog(later, "de")[0].startswith("Verschoben:")
    live = replace(FACTS, session=replace(SESSION, state=SessionState.LIVE))
    assert all(text.startswith("Gerade live:") for _, text in plan_posts(live, "de"))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_words_stay_words(hostile: str) -> None:
    """What somebody typed becomes neither a tag of the HTML nor a link or heading of the Markdown."""
    facts = replace(
        FACTS,
        session=replace(
            SESSION,
            title=hostile,
            call=hostile,
            show=replace(SESSION.show, about=f"# {hostile}\n[x](http://evil)"),
        ),
    )
    title, markdown = plan_blog(facts, "de")
    html = render_blog(title, markdown)
    for tag in ("<script", "<img", "<svg", "<iframe", "<style", "<base", "<meta", "<form", "<h3", 'href="http://evil'):
        assert tag not in html.lower()
    assert html.count("<h2>") == 1
    assert html.count("<a ") == 2


def test_hashtags_are_words() -> None:
    """They come from the show and from what people ask, without doubles, numbers alone, or sentences."""
    facts = replace(FACTS, topics=("die runde", "WLAN & Router", "x" * 40, "2027"))
    assert plan_tags(facts) == ["#DieRunde", "#WLANRouter"]


async def test_the_page_has_everything_to_copy(guests: Guests) -> None:
    """Both languages, three lengths, blog texts, picture, addresses and the element; a refused name is in none."""
    await guests.invite("ada")
    await guests.answer("ada", reply="accepted", **{**{f"for_{one}": "yes" for one in Purpose}, "for_name": "no"})
    await guests.post("invitations/ada", deed="confirm")
    async with await guests.browser.get(f"/host/s/{guests.session_id}/announcement") as page:
        text = await page.text()
    assert page.status == 200
    for length in LENGTHS:
        for language in ("de", "en"):
            assert f'id="post-{language}-{length}"' in text
    assert "streamhub-next show=&#34;runde&#34;" in text
    assert "/sessions.atom" in text
    assert "Ada Weber" not in text
    assert "Fachperson" in text


async def test_picture_and_feed_follow(guests: Guests) -> None:
    """The picture has the size that networks want and changes with a cancellation; so does the feed's entry."""
    client, path = guests.world.client, f"/s/{guests.session_id}/share.jpg"

    async def fetch() -> bytes:
        async with client.get(path) as answer:
            assert answer.content_type == "image/jpeg"
            return await answer.read()

    async def entry() -> Any:
        async with client.get("/sessions.atom") as answer:
            (found,) = feedparser.parse(await answer.read()).entries
            return found

    before, told = await fetch(), await entry()
    assert Image.open(io.BytesIO(before)).size == (1200, 630)
    assert told.title == "Netz"
    assert told.link.endswith(f"/s/{guests.session_id}")
    async with client.get(f"/s/{guests.session_id}") as page:
        assert "og:image" not in await page.text(), "a hub that does not know its address says none"
    store, at = guests.world.hub.store, guests.world.clock()
    await store.write(lambda db: shows.step_session(db, guests.session_id, SessionState.CANCELLED, at=at))
    after = await entry()
    assert (after.title, after.id) == ("Fällt aus: Netz", told.id)
    assert await fetch() != before
    await guests.world.plan(title="Entwurf", to="draft")
    assert len(feedparser.parse(await (await client.get("/sessions.atom")).read()).entries) == 1
    async with client.get("/s/nichts/share.jpg") as answer:
        assert answer.status == 404


async def test_networks_find_the_picture(make_world: MakeWorld) -> None:
    """Where the hub knows its public address, a session's page names title, time and picture for networks."""
    world = await make_world(url="https://hub.example.org")
    session_id = await world.plan()
    async with world.client.get(f"/s/{session_id}", headers={"Host": "evil.example"}) as page:
        text = await page.text()
    assert f'property="og:image" content="https://hub.example.org/s/{session_id}/share.jpg"' in text
    assert "evil.example" not in text
    async with world.client.get("/sessions.atom") as answer:
        assert b"https://hub.example.org/s/" in await answer.read()


async def test_other_pages_may_read_the_hubs_archive(world: World) -> None:
    """What embeds fetch from a hub that serves its archive itself can be read elsewhere, and so can its absence."""
    (world.hub.public_dir / "coming.json").write_text("{}")
    for path, status in (("/archive/coming.json", 200), ("/archive/a/gone/answer.json", 404)):
        async with world.client.get(path, headers={"Origin": "https://firma.example"}) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, "*")
    async with world.client.get("/") as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
