"""The studio: its door, where consent is asked again, the warning before going live, the tech check, producers."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from streamhub.schedule.invitation import Purpose
from streamhub.schedule.people import Person
from streamhub.schedule.show import SessionState
from streamhub.store import invitations as rows
from streamhub.store import people as people_rows
from streamhub.store import shows
from streamhub.store.techchecks import Verdict, list_checks
from streamhub.web.access import AccessRole
from streamhub.web.links import make_me
from streamhub.web.security import MAX_BLOCK_BYTES
from tests.web.test_invitations import Guests, guests

if TYPE_CHECKING:
    from tests.web.conftest import World

__all__ = ["guests"]  # a fixture

YES = {f"for_{one}": "yes" for one in Purpose}
STUDIO = "https://vdo.ninja/?room={room}&push={key}&label={name}"
NEAR = datetime(2027, 3, 2, 18, 45, tzinfo=UTC)


async def let_in(guests: Guests, person: str = "ada", **answers: str) -> None:
    """Invite somebody who accepts and is confirmed."""
    await guests.invite(person)
    await guests.answer(person, reply="accepted", **answers)
    await guests.post(f"invitations/{person}", deed="confirm")


def door(guests: Guests, person: str = "ada") -> str:
    return f"/me/{make_me(guests.world.hub.secret, person, 1)}/s/{guests.session_id}/studio"


async def just_before(guests: Guests) -> None:
    """Half an hour before the start; the host, whose login ended meanwhile, signs in again."""
    guests.world.clock.at = NEAR
    await guests.browser.close()
    guests.browser = await guests.world.sign_in()


async def see(world: World, path: str) -> str:
    async with world.client.get(path) as page:
        assert page.status == 200
        return await page.text()


async def send(world: World, path: str, **fields: str) -> int:
    async with world.client.post(path, data=fields, allow_redirects=False) as page:
        return page.status


async def test_the_door_asks_again(guests: Guests) -> None:
    """Shortly before the start the way in opens once everything was answered again; when that was is kept."""
    await guests.post("room", url=STUDIO, instructions="Bitte Kopfhörer.")
    await let_in(guests, **YES)
    early = await see(guests.world, door(guests))
    assert "vdo.ninja" in early, "for a rehearsal days before it is open"
    await just_before(guests)
    text = await see(guests.world, door(guests))
    assert "vdo.ninja" not in text
    assert "Bitte Kopfhörer." in text
    assert "noch einmal" in text
    assert await send(guests.world, door(guests), **{**YES, "for_clips": "no"}) == 303
    text = await see(guests.world, door(guests))
    assert "vdo.ninja/?room=" in text
    assert "label=Ada%20Weber" in text
    words = await guests.world.hub.store.read(lambda db: rows.list_words(db, guests.session_id, "ada"))
    assert {one: word.given for one, word in words.items()} == {one: one is not Purpose.CLIPS for one in Purpose}
    assert {word.again_at for word in words.values()} == {NEAR}
    assert words[Purpose.LIVE].at < NEAR, "what stays keeps the time when it was said first"
    assert words[Purpose.CLIPS].at == NEAR


async def test_the_door_stays_shut(guests: Guests) -> None:
    """Nobody gets in who is not confirmed, who was taken out ten minutes before, or when the session is off."""
    await guests.post("room", url=STUDIO)
    await guests.invite("ada")
    assert "vdo.ninja" not in await see(guests.world, door(guests))
    assert "nicht bestätigt" in await see(guests.world, door(guests))
    await guests.answer("ada", reply="accepted", **YES)
    await guests.post("invitations/ada", deed="confirm")
    await just_before(guests)
    await send(guests.world, door(guests), **YES)
    assert "vdo.ninja" in await see(guests.world, door(guests))
    store, at = guests.world.hub.store, guests.world.clock()
    await store.write(lambda db: shows.step_session(db, guests.session_id, SessionState.CANCELLED, at=at))
    assert "vdo.ninja" not in await see(guests.world, door(guests))
    await guests.post("invitations/ada", deed="withdraw")
    async with guests.world.client.get(door(guests)) as page:
        assert page.status == 404
    assert await send(guests.world, door(guests, "bob"), **YES) == 404


async def test_the_run_of_show_says_what_is_missing(guests: Guests) -> None:
    """For each person it stands there what was refused, what nobody answered, and whether it was asked again."""
    await let_in(guests, for_live="yes", for_clips="no")
    async with await guests.browser.get(f"/host/s/{guests.session_id}/rundown") as page:
        text = await page.text()
    assert "✗ Ausschnitte" in text or "✗ Clips" in text
    assert text.count("? ") >= 3
    assert "noch einmal gefragt: noch nicht" in text
    assert "nicht über den Hub eingeladen" in text, "the host was typed in"
    await just_before(guests)
    await send(guests.world, door(guests), **YES)
    async with await guests.browser.get(f"/host/s/{guests.session_id}/rundown") as page:
        text = await page.text()
    assert "stimmt allem zu" in text
    assert "noch einmal gefragt: beantwortet" in text


async def test_going_live_without_consent_is_warned_of(guests: Guests) -> None:
    """The step is refused with the names until a host ticks that he knows it; with consent nothing is in the way."""
    world, path = guests.world, f"/host/s/{guests.session_id}"
    await let_in(guests, for_live="no")
    await world.hub.store.write(
        lambda db: (
            shows.step_session(db, guests.session_id, SessionState.OPEN, at=world.clock())
            if shows.load_session(db, guests.session_id).state is SessionState.SCHEDULED
            else None
        )
    )
    async with await guests.browser.get(path) as page:
        text = await page.text()
    assert "Diese Personen haben der Live-Übertragung nicht zugestimmt" in text
    assert 'name="anyway"' in text
    status, text = await guests.post("state", to="live")
    assert status == 409
    assert "Ada Weber" in text
    assert (await guests.session()).state is not SessionState.LIVE
    headers = {"Authorization": f"Bearer {world.token}"}
    api = f"/api/v1/host/sessions/{guests.session_id}/state"
    async with world.client.post(api, json={"to": "live"}, headers=headers) as answer:
        assert answer.status == 409
    assert (await guests.post("state", to="live", anyway="1"))[0] == 303
    assert (await guests.session()).state is SessionState.LIVE


async def test_two_guests_of_one_name(guests: Guests) -> None:
    """The second one gets a name of her own in the session; each one's consent and door are hers alone."""
    other = Person(id="ada2", name="Ada Weber", email="ada2@example.org", organisation="Strom GmbH")
    await guests.world.hub.store.write(lambda db: people_rows.save_person(db, other))
    await let_in(guests, "ada", **YES)
    await let_in(guests, "ada2", for_live="no")
    names = [one.name for one in (await guests.session()).participants]
    assert names == ["Jana Weber", "Ada Weber (Netz AG)", "Ada Weber (Strom GmbH)"]
    status, text = await guests.post("state", to="live")
    assert status == 409
    assert "Ada Weber (Strom GmbH)" in text
    assert "Ada Weber (Netz AG)" not in text
    await guests.answer("ada2", reply="declined")
    assert [one.name for one in (await guests.session()).participants] == names[:2]


async def test_who_refuses_the_name_is_not_named_on_the_public_page(guests: Guests) -> None:
    """Page and interface of the session show the role; hosts and the other guests see the name."""
    await let_in(guests, **{**YES, "for_name": "no"})
    store, at = guests.world.hub.store, guests.world.clock()

    def announce(db: Any) -> None:
        if shows.load_session(db, guests.session_id).state is SessionState.DRAFT:
            shows.step_session(db, guests.session_id, SessionState.SCHEDULED, at=at)

    await store.write(announce)
    for path in (
        f"/s/{guests.session_id}",
        f"/api/v1/sessions/{guests.session_id}",
        f"/s/{guests.session_id}/live.json",
    ):
        text = await see(guests.world, path)
        assert "Ada Weber" not in text, path
    assert "Fachperson" in await see(guests.world, f"/s/{guests.session_id}")
    async with await guests.browser.get(f"/host/s/{guests.session_id}/rundown") as page:
        assert "Ada Weber" in await page.text()


async def test_the_tech_check_tells_one_word(guests: Guests) -> None:
    """The page may use camera and microphone, others may not; hosts learn "fine" or "help" and nothing else."""
    await let_in(guests)
    path = f"/me/{make_me(guests.world.hub.secret, 'ada', 1)}"
    async with guests.world.client.get(f"{path}/check") as page:
        assert page.headers["Permissions-Policy"] == "camera=(self), microphone=(self), geolocation=()"
        assert "Technik-Check" in await page.text()
    async with guests.world.client.get(path) as page:
        assert page.headers["Permissions-Policy"].startswith("camera=(), microphone=()")
    assert await send(guests.world, f"{path}/check", verdict="help") == 303
    checks = await guests.world.hub.store.read(list_checks)
    assert {one: check.verdict for one, check in checks.items()} == {"ada": Verdict.HELP}
    async with await guests.browser.get(f"/host/s/{guests.session_id}/technique") as page:
        assert "braucht Hilfe" in await page.text()
    assert await send(guests.world, f"{path}/check", verdict="x") == 400
    assert await send(guests.world, "/me/forged/check", verdict="fine") == 404


async def test_the_line_is_measured_in_bounds(guests: Guests) -> None:
    """Blocks are at most a mebibyte in both directions, nothing forged gets one, and too many are refused."""
    path = f"/me/{make_me(guests.world.hub.secret, 'ada', 1)}/check"
    client = guests.world.client
    for wanted, got in (("1", 1), ("5000", 5000), ("99999999", MAX_BLOCK_BYTES), ("x", 1), ("-5", 1), ("", 1)):
        async with client.get(f"{path}/down?size={wanted}") as answer:
            assert len(await answer.read()) == got
            assert answer.headers["Cache-Control"] == "no-store"
    async with client.post(f"{path}/up", data=io.BytesIO(b"x" * MAX_BLOCK_BYTES)) as answer:
        assert await answer.json() == {"bytes": MAX_BLOCK_BYTES}
    async with client.post(f"{path}/up", data=io.BytesIO(b"x" * (MAX_BLOCK_BYTES + 1))) as answer:
        assert answer.status == 413
    async with client.get("/me/forged/check/down?size=9") as answer:
        assert answer.status == 404
    statuses = []
    for _ in range(100):
        async with client.get(f"{path}/down?size=1") as answer:
            statuses.append(answer.status)
    assert statuses[-1] == 429
    assert set(statuses) == {200, 429}


async def test_a_producer_runs_the_technique_alone(guests: Guests) -> None:
    """He sees key, studio and run of show, rehearses, goes live and ends; addresses and publishing are not his."""
    world, path = guests.world, f"/host/s/{guests.session_id}"
    await guests.post("room", url=STUDIO, view_url="https://vdo.ninja/?view={key}&room={room}")
    await let_in(guests, **YES)
    producer = await world.sign_in(person="Pia", role=AccessRole.PRODUCER)
    async with await producer.get(f"{path}/technique") as page:
        text = await page.text()
    assert "https://vdo.ninja/?view=" in text
    for secret in ("ada@example.org", "/me/"):
        assert secret not in text
    for foreign in ("/host/people", f"{path}/invitations", "/host/outbox", f"{path}/announcement", "/host/dashboard"):
        async with await producer.get(foreign) as page:
            assert page.status == 403, foreign
    for at in (path, "/host", f"{path}/rundown"):
        async with await producer.get(at) as page:
            assert page.status == 200
            assert "ada@example.org" not in await page.text()
    for step, status in (("cancelled", 403), ("rehearsal", 303), ("live", 303), ("ended", 303)):
        async with await producer.post(f"{path}/state", to=step) as answer:
            assert answer.status == status, step
    async with await producer.post(f"{path}/answers/publish-all") as answer:
        assert answer.status == 403
    await producer.close()


async def test_hosts_let_producers_in_and_out(guests: Guests) -> None:
    """A link is shown once and signs a producer in; "sign all out" ends logins and links of producers alone."""
    async with await guests.browser.post("/host/producers", producer="Pia", deed="link") as page:
        text = await page.text()
    token = text.partition("/host/enter?token=")[2].partition("<")[0]
    world = guests.world
    async with world.client.post("/host/enter", data={"token": token}) as page:
        assert page.status == 200
        assert "Pia" in await page.text()
    async with await guests.browser.post("/host/producers", producer=" ", deed="link") as page:
        assert page.status == 400
    async with await guests.browser.post("/host/producers", deed="end") as answer:
        assert answer.status == 303
    async with world.client.get("/host") as page:
        assert page.status == 401
    async with await guests.browser.get("/host") as page:
        assert page.status == 200


async def test_a_studio_for_all_sessions_of_a_show(guests: Guests) -> None:
    """What is written for the show holds in each session that says nothing else, with keys of the session's own."""
    world, other = guests.world, await guests.world.plan(title="Zweite")
    await guests.post("room", url=STUDIO, instructions="Leise bitte.", **{"for": "show"})
    async with await guests.browser.get(f"/host/s/{other}/technique") as page:
        text = await page.text()
    assert "Leise bitte." in text
    async with await guests.browser.post(f"/host/s/{other}/room", url="https://meet.jit.si/{room}") as answer:
        assert answer.status == 303
    await let_in(guests, **YES)
    first = await see(world, door(guests))
    assert "vdo.ninja/?room=" in first
    assert "{room}" not in first


@pytest.mark.parametrize("verdict", ["fine", "help"])
async def test_consoles_hear_of_tech_checks(guests: Guests, verdict: str) -> None:
    """What a guest tells stands in the run of show at once."""
    await let_in(guests, **YES)
    await send(guests.world, f"/me/{make_me(guests.world.hub.secret, 'ada', 1)}/check", verdict=verdict)
    async with await guests.browser.get(f"/host/s/{guests.session_id}/rundown") as page:
        text = await page.text()
    assert ("alles in Ordnung" if verdict == "fine" else "braucht Hilfe") in text


async def test_live_words_leave_the_name_out(guests: Guests) -> None:
    """Whoever reads along reads the role, in captions for players, programs and pages; hosts' people stay known."""
    await let_in(guests, **{**YES, "for_name": "no"})
    world, session_id = guests.world, guests.session_id
    assert (await guests.post("state", to="live"))[0] == 303
    world.words.say(session_id, (1, "Danke, Frau Weber."), (5, "Das war Ada Weber."), now="Also Ada Weber meint")
    paths = (f"/s/{session_id}", f"/s/{session_id}/captions.vtt", f"/api/v1/sessions/{session_id}/captions")
    for path in paths:
        text = await see(world, path)
        assert "Ada Weber" not in text, path
        assert "Frau Weber" not in text, path
        assert "Danke, Fachperson." in text, path


async def test_no_live_words_while_somebody_refuses_a_transcript(guests: Guests) -> None:
    """Nobody knows yet whose words they are, so nobody's are shown; hosts read why, and a yes brings them back."""
    await let_in(guests, **{**YES, "for_transcript": "no"})
    world, session_id = guests.world, guests.session_id
    assert (await guests.post("state", to="live"))[0] == 303
    world.words.say(session_id, (1, "Der Router braucht Strom."))
    paths = (f"/s/{session_id}/captions.vtt", f"/api/v1/sessions/{session_id}/captions", f"/s/{session_id}")
    for path in paths:
        assert "braucht Strom" not in await see(world, path), path
    async with await guests.browser.get(f"/host/s/{session_id}/rundown") as page:
        assert "werden der Öffentlichkeit nicht gezeigt" in await page.text()
    assert await guests.answer("ada", reply="", for_transcript="yes") == 303
    await asyncio.sleep(1.1)  # so long a session may be remembered
    world.words.say(session_id, (5, "Und ein Kabel."))
    assert "Und ein Kabel." in await see(world, paths[0])
