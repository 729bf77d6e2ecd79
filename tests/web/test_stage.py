"""Overlay, stage view, run of show and the producer's notes, without a browser."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.live.mark import MarkKind, Witness
from streamhub.schedule.show import Moderation
from streamhub.store import marks, questions, stage
from streamhub.web.access import AccessRole
from streamhub.web.budget import OVERLAYS_PER_MINUTE

if TYPE_CHECKING:
    from tests.web.conftest import Browser, MakeWorld, World


async def make_overlay(world: World, host: Browser, session: str) -> str:
    """Make the overlay's address by the console's button; returns its path with the key."""
    async with await host.post(f"/host/s/{session}/overlay/make") as made:
        assert made.status == 303
    async with await host.get(f"/host/s/{session}") as console:
        found = re.search(r'data-copy="[^"]*(/overlay/[^"]+)"', await console.text())
    assert found
    return found[1].replace("&amp;", "&")


async def look(world: World, address: str) -> Any:
    async with world.client.get(address.replace("?", "/state?")) as answer:
        return await answer.json() if answer.status == 200 else answer.status


async def say_shown(world: World, address: str, shown: Any) -> Any:
    body = {"question": shown["id"], "since": shown["since"]}
    async with world.client.post(address.replace("?", "/shown?"), json=body) as answer:
        return await answer.json() if answer.status == 200 else answer.status


async def test_the_overlay_knows_only_what_is_on_air(world: World) -> None:
    """Nothing before, the question and the name that may be shown during, nothing after; held ones never."""
    host = await world.sign_in()
    session = await world.plan(to="live", moderation=Moderation.BEFORE)
    held = await world.ask(session, "GEHEIM, wartet noch")
    address = await make_overlay(world, host, session)
    assert await look(world, address) == {"on_air": None, "revoked": False}
    named = await world.ask(session, "Was kostet das?", name="Ada L.", shown="name")
    hidden = await world.ask(session, "Und wann?", name="Bernd GEHEIM", shown="anonymous")
    declined = await world.ask(session, "GEHEIM abgelehnt")
    await world.act(declined, "decline", note="GEHEIM")
    for one in (named, hidden):
        await world.act(one, "approve")
    await world.act(named, "on-air")
    shown = (await look(world, address))["on_air"]
    assert (shown["id"], shown["text"], shown["asker"]) == (named, "Was kostet das?", "Ada L.")
    await world.act(hidden, "on-air")
    shown = await look(world, address)
    assert (shown["on_air"]["id"], shown["on_air"]["asker"]) == (hidden, "")
    async with world.client.get(address) as page:
        assert "GEHEIM" not in await page.text() + json.dumps(shown)
    await world.act(hidden, "done")
    assert (await look(world, address))["on_air"] is None
    assert held
    await host.close()


async def test_a_key_opens_one_session_and_ends(world: World) -> None:
    """Without the key, with another session's, or with one that was replaced, there is nothing; streams go silent."""
    host = await world.sign_in()
    first, second = await world.plan(to="live", title="Eins"), await world.plan(to="live", title="Zwei")
    address, other = await make_overlay(world, host, first), await make_overlay(world, host, second)
    key = other.partition("key=")[2]
    for wrong in (
        f"/overlay/{first}?key={key}",
        f"/overlay/{first}?key=x.y",
        f"/overlay/{first}?x=1",
        "/overlay/x?key=",
    ):
        assert await look(world, wrong) == 404, wrong
        async with world.client.get(wrong) as page:
            assert page.status == 404
    async with world.client.get(address.replace("?", "/events?")) as stream:
        await stream.content.readuntil(b"\n\n")
        assert b'"revoked":false' in await stream.content.readuntil(b"\n\n")
        renewed = await make_overlay(world, host, first)
        assert renewed != address
        told = await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 20)
        assert b'"revoked":true' in told
        asked = await world.ask(first, "GEHEIM?")
        await world.act(asked, "on-air")
        assert await look(world, address) == 404
        assert (await look(world, renewed))["on_air"]["id"] == asked
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 1.5)
    async with await host.post(f"/host/s/{first}/overlay/revoke") as revoked:
        assert revoked.status == 303
    assert await look(world, renewed) == 404
    await host.close()


async def test_the_overlay_is_a_witness_of_its_own(world: World) -> None:
    """What it says of the question on air becomes one mark however often it is said; anything else becomes none."""
    host = await world.sign_in()
    session = await world.plan(to="live")
    asked = await world.ask(session)
    address = await make_overlay(world, host, session)
    await world.act(asked, "on-air")
    shown = (await look(world, address))["on_air"]
    world.clock.forward(seconds=1)
    for _ in range(3):
        assert await say_shown(world, address, shown) == {"counted": True}
    for wrong in ({**shown, "since": "2027-01-01T00:00:00.000Z"}, {**shown, "id": "andere"}):
        assert await say_shown(world, address, wrong) == {"counted": False}
    assert await say_shown(world, address.replace("key=", "key=x"), shown) == 404
    found = await world.hub.store.read(lambda db: marks.list_marks(db, session))
    seen = [(mark.kind, mark.witness) for mark in found]
    assert seen == [(MarkKind.ON_AIR, Witness.HOST), (MarkKind.ON_AIR, Witness.OVERLAY)]
    assert (found[1].at - found[0].at).total_seconds() == 1
    world.clock.forward(seconds=9)
    await world.act(asked, "done")
    assert await say_shown(world, address, shown) == {"counted": False}
    await world.act(asked, "on-air")
    again = (await look(world, address))["on_air"]
    assert again["since"] != shown["since"]
    assert await say_shown(world, address, again) == {"counted": True}
    statuses = [await say_shown(world, address, again) for _ in range(OVERLAYS_PER_MINUTE)]
    assert statuses[-1] == 429
    await host.close()


async def test_a_style_of_ones_own(make_world: MakeWorld) -> None:
    """The workspace's site/overlay.css is what overlays are dressed in; without one there is an empty style."""
    world = await make_world()
    async with world.client.get("/overlay/style.css") as style:
        assert (style.status, style.content_type, await style.text()) == (200, "text/css", "")
    assert world.hub.site_dir is not None
    world.hub.site_dir.mkdir()
    (world.hub.site_dir / "overlay.css").write_text(":root { --overlay-ink: red; }")
    async with world.client.get("/overlay/style.css") as style:
        assert "--overlay-ink: red" in await style.text()


async def test_the_stage_shows_what_people_on_camera_need(world: World) -> None:
    """An expert sees what is on air, what comes, who speaks and the note; he says "seen" and changes nothing else."""
    host, expert = await world.sign_in(), await world.sign_in(person="Ole", role=AccessRole.EXPERT)
    session = await world.plan(to="live")
    now, following = await world.ask(session, "Was ist jetzt dran?"), await world.ask(session, "Und was danach?")
    await world.act(now, "on-air")
    await world.act(following, "queue")
    for fields in (
        {"title": "Ausbau", "minutes": "10", "speaker": "Ole Brandt"},
        {"title": "Verträge", "minutes": "5"},
    ):
        await press(host, session, "add", **fields)
    await press(host, session, "advance")
    async with await host.post(f"/host/s/{session}/stage/notes", text="  Bitte kürzer <b>fassen</b> ") as wrote:
        assert wrote.status == 303
    async with await expert.get(f"/host/s/{session}/stage") as page:
        text = await page.text()
    for words in (
        "Was ist jetzt dran?",
        "Und was danach?",
        "Ausbau",
        "Ole Brandt",
        "Verträge",
        "Bitte kürzer &lt;b&gt;",
    ):
        assert words in text, words
    note = (await world.hub.store.read(lambda db: stage.list_notes(db, session)))[0]
    for path in (f"stage/notes/{note.id}/delete", "stage/notes", "rundown", "overlay/make"):
        async with await expert.post(f"/host/s/{session}/{path}", text="x", deed="advance") as refused:
            assert refused.status == 403, path
    for _ in range(2):
        world.clock.forward(seconds=3)
        async with await expert.post(f"/host/s/{session}/stage/notes/{note.id}/seen") as seen:
            assert (seen.status, seen.headers["Location"]) == (303, f"/host/s/{session}/stage")
    kept = (await world.hub.store.read(lambda db: stage.list_notes(db, session)))[0]
    assert kept.seen_at is not None
    assert (kept.seen_by, (kept.seen_at - note.at).total_seconds()) == ("Ole", 3)
    async with await host.get(f"/host/s/{session}") as console:
        assert "Ole" in await console.text()
    async with await host.post(f"/host/s/{session}/stage/notes/{note.id}/delete") as gone:
        assert gone.status == 303
    assert await world.hub.store.read(lambda db: stage.list_notes(db, session)) == []
    await host.close()
    await expert.close()


async def press(host: Browser, session: str, deed: str, *, version: int | None = None, **fields: str) -> int:
    """Send the run of show's form with the version that is true now, or with another; returns the status."""
    if version is None:
        version = (await host.world.host("GET", f"/sessions/{session}/rundown"))["version"]
    async with await host.post(f"/host/s/{session}/rundown", deed=deed, version=str(version), **fields) as answer:
        return answer.status


async def test_two_hosts_press_at_once(world: World) -> None:
    """Of two hosts who press "next topic" at the same moment one succeeds, the other is told; no topic is skipped."""
    session = await world.plan(to="live")
    host = await world.sign_in()
    for title in ("Eins", "Zwei", "Drei"):
        assert await press(host, session, "add", title=title, minutes="5") == 303
    version = (await world.host("GET", f"/sessions/{session}/rundown"))["version"]
    statuses = await asyncio.gather(*(press(host, session, "advance", version=version) for _ in range(5)))
    assert sorted(statuses) == [303, 409, 409, 409, 409]
    topics = (await world.host("GET", f"/sessions/{session}/rundown"))["topics"]
    assert [topic["state"] for topic in topics] == ["running", "waiting", "waiting"]
    await host.close()


async def test_a_mistake_in_a_topic_is_said(world: World) -> None:
    """What cannot be planned is said on the page, with what was typed kept, and nothing is changed."""
    session = await world.plan()
    host = await world.sign_in()
    for fields in ({"title": "Netz", "minutes": "zehn"}, {"title": "", "minutes": "5"}, {"title": "N", "minutes": "0"}):
        async with await host.post(f"/host/s/{session}/rundown", deed="add", version="0", **fields) as page:
            assert page.status == 400
            text = await page.text()
        assert "data-error" in text
        assert f'value="{fields["minutes"]}"' in text
    assert await press(host, session, "explode") == 400
    assert await press(host, session, "start", topic="weg") == 404
    assert (await world.host("GET", f"/sessions/{session}/rundown"))["topics"] == []
    await host.close()


async def test_a_question_on_air_starts_its_topic(world: World) -> None:
    """With the switch on, the topic of the question begins with it; with it off, nothing moves."""
    session = await world.plan(to="live")
    host = await world.sign_in()
    for title in ("Ausbau", "Verträge"):
        await press(host, session, "add", title=title, minutes="5")
    first, second = await world.ask(session, "Wann Glasfaser?"), await world.ask(session, "Wie kündigen?")
    await world.act(first, "tag", topics=["ausbau"])
    await world.act(second, "tag", topics=["Verträge"])
    await world.act(first, "on-air")
    assert [t["state"] for t in (await world.host("GET", f"/sessions/{session}/rundown"))["topics"]] == ["waiting"] * 2
    await press(host, session, "automatic")
    await world.act(second, "on-air")
    states = [t["state"] for t in (await world.host("GET", f"/sessions/{session}/rundown"))["topics"]]
    assert states == ["waiting", "running"]
    await host.close()


async def test_hosts_hear_of_notes_and_topics(world: World) -> None:
    """A note and a step of the run of show reach those who listen within a second or so, without anything else."""
    session = await world.plan()
    host = await world.sign_in()
    async with world.client.get(f"/api/v1/host/sessions/{session}/events", headers=world.bearer) as stream:
        for _ in range(2):
            await stream.content.readuntil(b"\n\n")
        await host.post(f"/host/s/{session}/stage/notes", text="Noch zwei Minuten")
        told = await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 20)
        assert b'"show"' in told
        assert b"Noch zwei" not in told
    await host.close()


async def test_a_note_stands_nowhere_else(world: World) -> None:
    """Words of a note are in its row alone, so that deleting it deletes them."""
    session = await world.plan()
    host = await world.sign_in()
    await host.post(f"/host/s/{session}/stage/notes", text="Frau Acker weint gleich")
    note = (await world.hub.store.read(lambda db: stage.list_notes(db, session)))[0]
    await host.post(f"/host/s/{session}/stage/notes/{note.id}/delete")

    def everything(db: Any) -> str:
        tables = [row[0] for row in db.execute("select name from sqlite_master where type = 'table'").fetchall()]
        return repr([db.execute(f"select * from {name}").fetchall() for name in tables if "_fts" not in name])

    assert "weint" not in await world.hub.store.read(everything)
    await host.close()


async def test_the_run_of_show_survives_a_restart(make_world: MakeWorld) -> None:
    """What was started before a crash still runs after it, because it is in the store and nowhere else."""
    world = await make_world()
    session = await world.plan(to="live")
    host = await world.sign_in()
    await press(host, session, "add", title="Ausbau", minutes="5")
    await press(host, session, "advance")
    path = world.hub.store.path
    before = await world.hub.store.read(lambda db: stage.load_rundown(db, session))
    await world.hub.store.close()
    from streamhub.store.store import Store

    async with Store.open(path, now=world.clock) as store:
        assert await store.read(lambda db: stage.load_rundown(db, session)) == before
        assert await store.read(lambda db: questions.list_questions(db, session)) == []
    await host.close()
