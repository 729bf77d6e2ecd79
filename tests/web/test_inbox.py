"""Dropped recordings on the hosts' page: what is the matter, and one click to give each to its session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamhub.recording.matching import SENTENCES, InboxCode
from streamhub.web.access import AccessRole
from streamhub.web.inbox import WAITS_FOR_A_PERSON, tell_inbox
from streamhub.web.pages import load_catalogue
from tests.web import staging

if TYPE_CHECKING:
    from tests.web.conftest import Browser, World


async def stage(world: World, *, name: str = "Runde.mp4") -> tuple[str, Browser]:
    session = await world.plan(to="live")
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    world.inbox.items = staging.dropped(world.clock(), session, name=name)
    return session, await world.sign_in()


async def test_each_file_has_its_sentence(world: World) -> None:
    """Every file stands there with what is the matter and what to do, and the overview counts those that wait."""
    _, browser = await stage(world)
    async with await browser.get("/host/inbox") as page:
        text = await page.text()
    assert "Die Datei wächst noch." in text
    assert "Die Datei ist 1:02:03 lang, „Verträge, die man versteht“ dauerte aber 1:23:45." in text
    assert "(moov atom not found)" in text
    assert "gleiche Kennung" in text
    assert "1,4\N{NO-BREAK SPACE}GB" in text
    assert 'value="0.4"' in text
    waiting = sum(item.code in WAITS_FOR_A_PERSON for item in world.inbox.items)
    async with await browser.get("/host") as page:
        assert f"{waiting} Aufzeichnungen im Eingang warten auf einen Menschen." in await page.text()
    await browser.close()


async def test_one_click_gives_a_file_to_its_session(world: World) -> None:
    """The button beside a candidate names session and part; another session can be chosen from those that are over."""
    session, browser = await stage(world)
    name = world.inbox.items[1].name
    async with await browser.post("/host/inbox/assign", name=name, session_id=session, part="2") as page:
        assert page.headers["Location"] == "/host/inbox"
    assert world.inbox.assigned[name] == (session, False, 2, "Jana")
    async with await browser.get("/host/inbox") as page:
        assert f'<option value="{session}"' in await page.text()
    await browser.close()


async def test_a_recording_is_replaced_only_on_purpose(world: World) -> None:
    """Without the tick nothing is replaced and the page says so; with it the other recording gives way."""
    session, browser = await stage(world)
    world.inbox.occupied = frozenset({session})
    name = world.inbox.items[3].name
    async with await browser.post("/host/inbox/assign", name=name, session_id=session) as page:
        assert page.status == 409
        assert "data-error" in await page.text()
    assert world.inbox.assigned == {}
    async with await browser.post("/host/inbox/assign", name=name, session_id=session, replace="yes") as page:
        assert page.status == 303
    assert world.inbox.assigned[name] == (session, True, 0, "Jana")
    await browser.close()


async def test_mistakes_at_the_inbox_are_said(world: World) -> None:
    """No session, a session that does not exist, a file that is gone, a part that is no number: words, no crash."""
    session, browser = await stage(world)
    name = world.inbox.items[1].name
    for fields, status in [
        ({"name": name, "session_id": ""}, 400),
        ({"name": name, "session_id": "2099-01-01-nie"}, 404),
        ({"name": "weg.mp4", "session_id": session}, 404),
        ({"name": name, "session_id": session, "part": "٣"}, 303),
        ({"name": name, "session_id": session, "part": "9" * 5000}, 303),
    ]:
        async with await browser.post("/host/inbox/assign", **fields) as page:
            assert page.status == status, fields
    await browser.close()


async def test_taking_a_file_can_be_stopped(world: World) -> None:
    """A file that is being taken has a button to stop it, for forms and for programs."""
    _, browser = await stage(world)
    name = next(item.name for item in world.inbox.items if item.code is InboxCode.TAKING)
    async with await browser.post("/host/inbox/stop", name=name) as page:
        assert page.status == 303
    assert world.inbox.stopped == {name: "Jana"}
    await world.host("POST", "/inbox/stop", name=name)
    assert world.inbox.stopped == {name: "script"}
    await browser.close()


async def test_programs_use_the_inbox(world: World) -> None:
    """The API lists what lies there with code and words, and gives a file to a session."""
    session, browser = await stage(world)
    found = (await world.host("GET", "/inbox"))["recordings"]
    assert [one["code"] for one in found] == [item.code.value for item in world.inbox.items]
    assert found[0]["message"] == SENTENCES[InboxCode.GROWING][0]
    assert found[1]["candidates"][1]["part"] == 2
    await world.host("POST", "/inbox/assign", name=found[1]["name"], session_id=session, replace=True, part=2)
    assert world.inbox.assigned[found[1]["name"]] == (session, True, 2, "script")
    await browser.close()


async def test_trouble_with_the_folder_is_said(world: World) -> None:
    """When nothing is looked at, the page says why."""
    world.inbox.problem = (InboxCode.NO_FOLDER, {"reason": "read-only file system"})
    browser = await world.sign_in()
    async with await browser.get("/host/inbox") as page:
        assert "Der Eingangsordner ist nicht benutzbar (read-only file system)." in await page.text()
    assert (await world.host("GET", "/inbox"))["problem"].startswith("The inbox folder cannot be used")
    await browser.close()


async def test_experts_only_look(world: World) -> None:
    """An expert sees what lies there, without any button."""
    session, browser = await stage(world)
    await browser.close()
    expert = await world.sign_in(person="Ole", role=AccessRole.EXPERT)
    async with await expert.get("/host/inbox") as page:
        text = await page.text()
    assert "Die Datei wächst noch." in text
    assert "/host/inbox/" not in text.replace("/host/inbox?", "")
    for path in ("/host/inbox/assign", "/host/inbox/stop"):
        async with await expert.post(path, name=world.inbox.items[1].name, session_id=session) as page:
            assert page.status == 403
    await expert.close()


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("code", list(InboxCode))
def test_every_code_is_told_in_both_languages(code: InboxCode, language: str) -> None:
    """Whatever the inbox may say is said whole in both languages, with details or without."""
    say = load_catalogue(language).gettext
    details = dict.fromkeys(
        ("title", "files", "reason", "seen", "expected", "part", "parts", "missing", "count"), "Ö%s"
    )
    for told in (tell_inbox(code, details, say), tell_inbox(code, {}, say)):
        assert all(told)
        assert "%(" not in " ".join(told)
