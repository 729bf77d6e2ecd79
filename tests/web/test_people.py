"""People without accounts: what hosts keep of them, and their own page behind a personal link."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from streamhub.schedule.people import Person
from streamhub.store import people as rows
from streamhub.web.links import make_me
from tests.web.browsing import HOSTILE

if TYPE_CHECKING:
    from tests.web.conftest import World

ADA = {
    "name": "Ada Weber", "role": "expert", "email": "Ada@Example.org", "organisation": "Netz AG",
    "topics": "Netz\nStrom, Gas",
    "language": "en", "zone": "Europe/London", "speaks_en": "1", "most_sessions": "2", "rest_days": "7",
}  # fmt: skip


async def post(browser: Any, path: str, **fields: str) -> tuple[int, str]:
    async with await browser.post(path, **fields) as page:
        return page.status, await page.text() if page.status != 303 else page.headers["Location"]


async def people_of(world: World) -> list[Person]:
    return await world.hub.store.read(rows.list_people)


async def test_hosts_keep_people(world: World) -> None:
    """A host adds, changes and deletes a person; wrong values are refused in words, and a second one of an address."""
    browser = await world.sign_in()
    status, place = await post(browser, "/host/people", **ADA)
    assert status == 303
    (ada,) = await people_of(world)
    assert ada == Person(
        id=ada.id, name="Ada Weber", email="ada@example.org", organisation="Netz AG", topics=("Netz", "Strom", "Gas"),
        language="en", zone="Europe/London", speaks=("en",), most_sessions=2, rest_days=7,
    )  # fmt: skip
    for wrong, said in (
        ({"email": "ada@example.org"}, "Diese Adresse gehört schon zu Ada Weber."),
        ({"email": "ada"}, "Das ist keine E-Mail-Adresse."),
        ({"email": "", "name": " "}, "Der Name fehlt."),
        ({"email": "", "zone": "Mond"}, "Die Zeitzone „Mond“ ist unbekannt."),
        ({"email": "", "rest_days": "1000"}, "„1000“ ist keine Zahl von 0 bis 365."),
    ):
        status, text = await post(browser, "/host/people", **{**ADA, **wrong})
        assert status in {400, 409}, wrong
        assert said in text
    status, _ = await post(browser, place, **{**ADA, "name": HOSTILE}, deed="")
    assert status == 303
    async with await browser.get("/host/people") as page:
        text = await page.text()
    assert "<script>window" not in text
    assert "nicht mehr eingeladen" in text, "the box was not ticked"
    assert (await post(browser, place, deed="delete"))[0] == 400
    assert (await post(browser, place, deed="delete", sure="yes"))[0] == 303
    assert await people_of(world) == []
    await browser.close()


async def test_whoever_asks_becomes_a_customer(world: World) -> None:
    """From a question the form of a new person is filled with who asks and what, which stands where he is invited."""
    session = await world.plan()
    asked = await world.ask(session, "Warum blinkt mein Router rot?", name="Kim Kunde", shown="name")
    browser = await world.sign_in()
    async with await browser.get(f"/host/s/{session}/q/{asked}") as page:
        assert f"/host/people?asks={asked}#add-title" in await page.text()
    async with await browser.get(f"/host/people?asks={asked}") as page:
        text = await page.text()
    assert 'value="Kim Kunde"' in text
    assert ">Warum blinkt mein Router rot?</textarea>" in text
    assert '<option value="customer" selected>' in text
    status, _ = await post(browser, "/host/people", **{**ADA, "role": "customer", "question": " Warum  blinkt es? "})
    assert status == 303
    (kim,) = await people_of(world)
    assert kim.question == "Warum blinkt es?"
    async with await browser.get(f"/host/s/{session}/invitations") as page:
        assert "Warum blinkt es?" in await page.text()
    async with await browser.get("/host/people?asks=nothing") as page:
        assert page.status == 404
    await browser.close()


async def test_hosts_let_others_in(world: World) -> None:
    """A host makes a link for a colleague, who is a host then, by the name that he types at the door."""
    browser = await world.sign_in()
    status, text = await post(browser, "/host/producers", deed="host", producer="Tim")
    assert status == 200
    found = re.search(r"/host/enter\?token=(link_[\w-]+)", text)
    assert found
    too_long = {"token": found[1], "name": "x" * 81}
    async with world.client.post("/host/enter", data=too_long, allow_redirects=False) as page:
        assert page.status == 400
    typed = {"token": found[1], "name": "Tim Tatze"}
    async with world.client.post("/host/enter", data=typed) as page:
        text = await page.text()
    assert "Abmelden (Tim Tatze)" in text
    assert 'href="/host/planner"' in text
    status, _ = await post(browser, "/host/producers", deed="host", producer=" ")
    assert status == 400
    await browser.close()


async def add(world: World, **changes: Any) -> tuple[Person, str]:
    person = replace(Person(id="ada", name="Ada", email="ada@example.org", zone="Europe/Berlin"), **changes)
    await world.hub.store.write(lambda db: rows.save_person(db, person))
    return person, f"/me/{make_me(world.hub.secret, person.id, person.link_version)}"


async def test_a_person_says_when_it_suits(world: World) -> None:
    """Behind the link a week is ticked and absences are typed, without an account; looking changes nothing."""
    _, me = await add(world)
    async with world.client.get(me) as page:
        text = await page.text()
        assert page.status == 200
        assert page.headers["Cache-Control"] == "private, no-store"
        assert not page.cookies
    assert "Seite von Ada" in text
    assert "ada@example.org" not in text
    async with world.client.post(f"{me}/week", data={"h0-9": "1", "h6-22": "1", "h7-9": "1", "h0-99": "1"}) as page:
        assert page.status == 200
        assert "Gespeichert" in await page.text()
    away = {"first0": "2027-08-14", "last0": "2027-08-20", "first2": "2027-09-01"}
    async with world.client.post(f"{me}/away", data=away) as page:
        assert 'value="2027-08-14"' in await page.text()
    found = await world.hub.store.read(lambda db: rows.load_availability(db, "ada"))
    assert found.hours == {(0, 9), (6, 22)}
    assert found.away == ((date(2027, 8, 14), date(2027, 8, 20)), (date(2027, 9, 1), date(2027, 9, 1)))
    for wrong, said in (
        ({"first0": "2027-08-14", "last0": "2027-08-13"}, "endet, bevor sie beginnt"),
        ({"first0": "bald"}, "Ein Datum fehlt oder ist ungültig."),
    ):
        async with world.client.post(f"{me}/away", data={**wrong, "first3": "2027-12-24"}) as page:
            assert page.status == 400
            text = await page.text()
        assert said in text
        assert 'value="2027-12-24"' in text, "what was typed stays"
    assert (await world.hub.store.read(lambda db: rows.load_availability(db, "ada"))).away == found.away


async def test_a_new_link_ends_the_old_ones(world: World) -> None:
    """A link that went astray is worth nothing once a host made a new one; so is a forged, cut or foreign one."""
    _, me = await add(world)
    browser = await world.sign_in()
    status, text = await post(browser, "/host/people/ada", deed="link")
    assert status == 200
    assert me in text
    assert (await post(browser, "/host/people/ada", deed="relink"))[0] == 303
    for path in (me, me[:-1], "/me/ada-2.x", "/me/x", f"/me/{make_me(b'other secret', 'ada', 2)}"):
        async with world.client.get(path) as page:
            assert page.status == 404, path
        async with world.client.post(f"{path}/week", data={"h0-9": "1"}) as page:
            assert page.status == 404, path
    assert (await world.hub.store.read(lambda db: rows.load_availability(db, "ada"))).hours == frozenset()
    _, text = await post(browser, "/host/people/ada", deed="link")
    fresh = f"/me/{make_me(world.hub.secret, 'ada', 2)}"
    assert fresh in text
    async with world.client.get(fresh) as page:
        assert page.status == 200
    await browser.close()


async def test_other_sites_cannot_act_in_a_person_s_name(world: World) -> None:
    """A form on another site that knows the link changes nothing."""
    _, me = await add(world)
    headers = {"Origin": "https://evil.example"}
    async with world.client.post(f"{me}/week", data={"h0-9": "1"}, headers=headers) as page:
        assert page.status == 403


async def test_the_page_speaks_the_person_s_language(world: World) -> None:
    """Without a wish of the browser the page is in the language that hosts noted."""
    _, me = await add(world, language="en")
    async with world.client.get(me, headers={"Accept-Language": ""}) as page:
        assert "When does it suit you" in await page.text()
