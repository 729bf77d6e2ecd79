"""Asking with all that belongs to it: photos, pseudonyms, mail, deadlines; what was typed is never lost."""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, CookieJar, FormData
from PIL import Image

from streamhub.errors import BadInput, StreamhubError, TooMany, Unavailable
from streamhub.keepers.tidying import Tidied, tidy
from streamhub.questions.change import Deed
from streamhub.store import carrying, questions
from streamhub.web.hub import HUB

if TYPE_CHECKING:
    from pathlib import Path

    from sqlite_utils import Database

    from streamhub.questions.question import Question
    from tests.web.conftest import World

TEXT = "Der Router ist tot, was nun?"
FORM = {"text": TEXT, "shown": "anonymous", "consent": "yes"}


def photo(size: tuple[int, int] = (60, 40), **more: Any) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, (9, 99, 199)).save(written, "JPEG", **more)
    return written.getvalue()


async def open_form(world: World, session_id: str) -> str:
    """The form's stamp; empty where there is no form."""
    async with world.client.get(f"/s/{session_id}") as page:
        html = await page.text()
    return world.find_field(html, "stamp") if "ask-form" in html else ""


async def send(world: World, session_id: str, data: bytes = b"", **fields: str) -> tuple[int, str]:
    """Open the page, wait as people do, send the form as a browser does: with a file field, empty or not."""
    fields.setdefault("stamp", await open_form(world, session_id))
    world.clock.forward(seconds=10)
    form = FormData()
    for name, value in {**FORM, **fields}.items():
        form.add_field(name, value)
    form.add_field(
        "photo", io.BytesIO(data), filename="IMG 1.jpg" if data else "", content_type="application/octet-stream"
    )
    async with world.client.post(f"/s/{session_id}/questions", data=form) as page:
        return page.status, await page.text()


async def kept(world: World, session_id: str) -> list[Question]:
    return await world.hub.store.read(lambda db: questions.list_questions(db, session_id))


def photos_in(world: World) -> list[Path]:
    folder = world.hub.photos_dir
    assert folder is not None
    return sorted(folder.iterdir()) if folder.is_dir() else []


async def test_ask_with_a_photo(world: World) -> None:
    """A photo of the defect is kept small under a name of ours, and shown with its question."""
    session = await world.plan()
    status, page = await send(world, session, photo((2400, 1800), comment=b"CANARY"))
    assert status == 200
    [question] = await kept(world, session)
    path = f"/s/{session}/questions/{question.id}/photo"
    assert f'<img src="{path}"' in page
    async with world.client.get(path) as answer:
        data = await answer.read()
        assert answer.content_type == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert Image.open(io.BytesIO(data)).size == (1600, 1200)
    assert b"CANARY" not in data
    assert [file.name for file in photos_in(world)] == [question.photo]
    assert "IMG" not in question.photo


async def test_photo_of_a_question_that_waits(world: World) -> None:
    """Nobody but hosts sees the photo of a held or declined question, and nobody finds it in another session."""
    session, other = await world.plan(), await world.plan(title="Anderes")
    await send(world, session, photo(), website="https://spam.example")
    [question] = await kept(world, session)
    path = f"/s/{session}/questions/{question.id}/photo"
    host = await world.sign_in()
    for act, public in [("", 404), ("approve", 200), ("decline", 404), ("open", 200)]:
        if act:
            await world.act(question.id, act)
        async with world.client.get(path) as answer:
            assert answer.status == public, act
        assert (await host.get(path)).status == 200
    async with world.client.get(f"/s/{other}/questions/{question.id}/photo") as answer:
        assert answer.status == 404
    await host.close()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<svg><script>alert(1)</script></svg>", "keines, das wir lesen können"),
        (photo((900, 900), quality=99)[:-3000], "beschädigt"),
        (b"\0" * (9 * 2**20), "zu groß: höchstens 8 MB"),
    ],
    ids=["svg", "cut", "9 MB"],
)
async def test_bad_photos_lose_no_word(world: World, data: bytes, said: str) -> None:
    """A photo that cannot be used is refused with a sentence, everything typed is still there, no file stays."""
    session = await world.plan()
    status, page = await send(world, session, data, name="Ada", shown="name")
    assert status == 400
    assert said in page
    assert TEXT in page
    assert 'value="Ada"' in page
    assert photos_in(world) == []
    assert await kept(world, session) == []


async def test_far_too_large_is_cut_off(world: World) -> None:
    """Forty megabytes are refused with a sentence and never read whole."""
    session = await world.plan()
    form = FormData({"text": TEXT})
    form.add_field("photo", io.BytesIO(b"\0" * (40 * 2**20)), filename="x.jpg")
    async with world.client.post(f"/s/{session}/questions", data=form) as page:
        assert page.status == 413
        assert "höchstens 8 MB" in await page.text()


async def test_photos_are_taken_nowhere_else(world: World) -> None:
    """Other forms take no files and no large bodies."""
    session = await world.plan()
    asked = await world.ask(session)
    form = FormData({"text": TEXT})
    form.add_field("photo", io.BytesIO(b"\0" * 100_000), filename="x.jpg")
    async with world.client.post(f"/s/{session}/questions/{asked}/vote", data=form) as page:
        assert page.status == 413


async def test_ask_with_a_photo_by_the_api(world: World) -> None:
    """A program sends a form with a photo; sending it again with its key keeps one question and one file."""
    session = await world.plan()
    ids = set()
    for _ in range(2):
        form = FormData({"text": TEXT, "shown": "pseudonym", "name": "routerfreund"})
        form.add_field("photo", photo(), filename="x.jpg")
        path, headers = f"/api/v1/sessions/{session}/questions", {"Idempotency-Key": "k"}
        async with world.client.post(path, data=form, headers=headers) as answer:
            body = await answer.json()
            assert answer.status == 201, body
            ids.add(body["id"])
    assert len(ids) == 1
    assert (body["asker"], body["said"]) == ("routerfreund", "asked")
    assert len(photos_in(world)) == 1
    async with world.client.post(path, data=FormData({"text": "x", "admin": "1"}, default_to_multipart=True)) as answer:
        assert answer.status == 400
        assert "admin" in (await answer.json())["error"]["message"]


@pytest.mark.parametrize(("shown", "public"), [("name", "Ada"), ("pseudonym", "Ada"), ("anonymous", "")])
async def test_the_asker_decides_how_he_is_named(world: World, shown: str, public: str) -> None:
    """Name, pseudonym or nothing: what is shown is the asker's choice."""
    session = await world.plan()
    await send(world, session, name="Ada", shown=shown)
    [question] = await kept(world, session)
    assert (question.asker.public_name, question.asker.shown.value) == (public, shown)


class Telling:
    """Notes whom to tell."""

    offered = True

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str, str]] = []

    def check(self, email: str) -> str:
        if "@" not in email:
            raise BadInput("e-mail: none")
        return email

    async def follow(self, question_id: str, email: str, language: str, kind: str, *, voter: str = "") -> None:
        assert voter
        self.told.append((question_id, email, language, kind))


async def test_mail_only_for_being_told(world: World) -> None:
    """An address is handed on when its box is ticked and never otherwise, and is not kept with the question."""
    telling = Telling()
    assert world.client.app is not None
    app = world.client.app
    app._frozen = False  # a hub that sends mail, in place of the one that does not
    app[HUB] = replace(world.hub, telling=telling)
    session = await world.plan()
    _, page = await send(world, session, email="nie@example.org")
    assert "deleted afterwards" in page or "danach gelöscht" in page
    assert telling.told == []
    await send(world, session, email="ada@example.org", tell="yes", text="Und dann?")
    second = (await kept(world, session))[1]
    assert telling.told == [(second.id, "ada@example.org", "de", "asker")]
    for email, said in [("", "noch keine E-Mail-Adresse"), ("kaputt", "nicht vollständig")]:
        status, page = await send(world, session, email=email, tell="yes")
        assert (status, said in page, TEXT in page) == (400, True, True)
    database = world.hub.store.path.read_bytes() + world.hub.store.path.with_suffix(".sqlite3-wal").read_bytes()
    assert b"example.org" not in database


class Refusing(Telling):
    """Refuses every promise."""

    def __init__(self, error: StreamhubError) -> None:
        super().__init__()
        self.error = error

    async def follow(self, question_id: str, email: str, language: str, kind: str, *, voter: str = "") -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "untold", "said"),
    [
        (TooMany("follower: 10 since yesterday"), "many", "Dieser Adresse wurde schon so viel versprochen"),
        (Unavailable("store: busy"), "failed", "Ihre Adresse ließ sich nicht aufnehmen"),
    ],
)
async def test_a_kept_question_is_acknowledged(world: World, error: StreamhubError, untold: str, said: str) -> None:
    """A promise that is refused after the question was kept is said beside the thanks, everywhere."""
    app = world.client.app
    assert app is not None
    app._frozen = False
    app[HUB] = replace(
        world.hub,
        telling=Refusing(error),
        settings=replace(world.hub.settings, embed_origins="https://www.example.org"),
    )
    session = await world.plan()
    status, page = await send(world, session, email="ada@example.org", tell="yes")
    thanks = re.search(r'id="said"[^>]*>([^<]*)', page)
    assert thanks is not None
    assert (status, "Danke." in thanks[1], said in thanks[1]) == (200, True, True)
    assert len(await kept(world, session)) == 1
    body = {"text": "Und dann?", "email": "ada@example.org", "tell": True}
    async with world.client.post(f"/api/v1/sessions/{session}/questions", json=body) as answer:
        told = await answer.json()
    assert (answer.status, told["said"], told["untold"]) == (201, "asked", untold)
    async with world.client.get(f"/s/{session}/embed") as page_in_frame:
        stamp = world.find_field(await page_in_frame.text(), "stamp")
    world.clock.forward(seconds=10)
    form = {**FORM, "text": "Im Rahmen?", "stamp": stamp, "email": "ada@example.org", "tell": "yes"}
    async with world.client.post(f"/s/{session}/embed", data=form) as page_in_frame:
        shown = await page_in_frame.text()
    assert (page_in_frame.status, "Danke." in shown, said in shown) == (200, True, True)
    assert len(await kept(world, session)) == 3


async def test_a_call_with_a_deadline(world: World) -> None:
    """The call stands on the page with its time; afterwards one may vote, and ask again when the session is live."""
    session = await world.plan()
    until = world.clock() + timedelta(hours=20)
    call = "Schickt uns Fotos eurer Router!\nBis morgen."
    await world.host("POST", f"/sessions/{session}", call=call, call_until=until.isoformat().replace("+00:00", "Z"))
    asked = await world.ask(session)
    async with world.client.get(f"/s/{session}") as page:
        html = await page.text()
    assert "Schickt uns Fotos" in html
    assert "noch 20 Stunden" in html
    async with world.client.get(f"/api/v1/sessions/{session}") as answer:
        body = await answer.json()
    assert (body["accepts_questions"], body["call"], body["call_until"]) == (True, call, "2027-03-01T12:15:00.000Z")
    world.clock.forward(hours=19, minutes=59, seconds=55)
    stamp = await open_form(world, session)
    status, page_text = await send(world, session, stamp=stamp)
    assert status == 409
    assert "Die Zeit, Fragen einzusenden, ist vorbei" in page_text
    assert TEXT in page_text
    async with world.client.get(f"/api/v1/sessions/{session}") as answer:
        body = await answer.json()
    assert (body["accepts_questions"], body["accepts_votes"]) == (False, True)
    async with world.client.post(f"/api/v1/questions/{asked}/vote") as answer:
        assert answer.status == 200
    await world.host("POST", f"/sessions/{session}/state", to="live")
    assert (await send(world, session))[0] == 200


async def test_a_deadline_from_the_planning_form(world: World) -> None:
    """A host sets call and deadline in the form, in the session's zone, and takes the deadline away again."""
    await world.plan(title="Erste")
    host = await world.sign_in()
    fields = {"show_id": "runde", "title": "Zweite", "starts_at": "2027-03-04T20:15", "call": "Bitte Fotos!"}
    planned = await host.post("/host/sessions", **fields, call_until="2027-03-03T14:00")
    where = planned.headers["Location"]
    assert where == "/host/s/2027-03-04-zweite"
    await host.post(f"{where}/state", to="open")
    async with world.client.get("/s/2027-03-04-zweite?lang=en") as page:
        html = await page.text()
    assert "Wednesday, 3 March 2027, 14:00" in html
    assert "Bitte Fotos!" in html
    change = await (await host.get(f"{where}/change")).text()
    assert 'name="call_until" type="datetime-local" value="2027-03-03T14:00"' in change
    await host.post(f"{where}/change", call_until="")
    async with world.client.get("/api/v1/sessions/2027-03-04-zweite") as answer:
        body = await answer.json()
    assert (body["call"], body["call_until"]) == ("Bitte Fotos!", None)
    bad = await host.post(f"{where}/change", call_until="morgen")
    assert bad.status == 400
    await host.close()


async def test_a_host_asks_and_votes_too(world: World) -> None:
    """Somebody who is signed in uses the public page like everybody: it carries no token of his login."""
    session = await world.plan()
    asked = await world.ask(session)
    host = await world.sign_in()
    page = await (await host.get(f"/s/{session}")).text()
    stamp = world.find_field(page, "stamp")
    world.clock.forward(seconds=10)
    async with host.session.post(f"{world.url}/s/{session}/questions", data={**FORM, "stamp": stamp}) as answer:
        assert answer.status == 200
    async with host.session.post(f"{world.url}/api/v1/questions/{asked}/vote") as answer:
        assert await answer.json() == {"votes": 1}
    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    async with host.session.post(f"{world.url}/api/v1/questions/{asked}/vote", headers=evil) as answer:
        assert answer.status == 403
    async with host.session.post(f"{world.url}/host/s/{session}/state", data={"to": "cancelled"}) as answer:
        assert answer.status == 403
    await host.close()


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("\u202egnp.exe\u202c ist\x07 kaputt\x00?", "gnp.exe ist kaputt ?"),
        ("Zero\u200bwidth\ufeff?", "Zerowidth?"),
        ("Zeile\u2028zwei?", "Zeilezwei?"),
        ("e\u0301?", "é?"),
        ("הנתב שלי מת, מה עכשיו?", "הנתב שלי מת, מה עכשיו?"),
    ],
)
async def test_hidden_characters(world: World, typed: str, shown: str) -> None:
    """Control characters and those that turn text around are gone; languages written from the right are whole."""
    session = await world.plan()
    await send(world, session, text=typed, name=typed, shown="name")
    [question] = await kept(world, session)
    assert (question.text, question.asker.name) == (shown, shown)


async def test_replayed_and_stolen_forms(world: World) -> None:
    """A form sent fifty times asks once; its stamp is worthless for another session."""
    session, other = await world.plan(), await world.plan(title="Anderes")
    async with world.client.get(f"/s/{session}") as page:
        stamp = world.find_field(await page.text(), "stamp")
    world.clock.forward(seconds=10)
    for _ in range(50):
        async with world.client.post(f"/s/{session}/questions", data={**FORM, "stamp": stamp}) as page:
            assert page.status == 200
    assert len(await kept(world, session)) == 1
    async with world.client.post(f"/s/{other}/questions", data={**FORM, "stamp": stamp}) as page:
        assert page.status == 400
    assert await kept(world, other) == []


async def test_moved_and_cancelled_are_said(world: World) -> None:
    """A new time stands beside the one that was announced; a cancelled session keeps its page and its questions."""
    session = await world.plan()
    asked = await world.ask(session, "Bleibe ich stehen?")
    await world.host("POST", f"/sessions/{session}", starts_at="2027-03-05T19:15:00Z")
    async with world.client.get(f"/s/{session}") as page:
        html = await page.text()
    assert "Bitte beachten Sie die neue Zeit" in html
    assert html.count("Dienstag, 2. März 2027") == 1
    assert "Freitag, 5. März 2027" in html
    await world.host("POST", f"/sessions/{session}", starts_at="2027-03-02T19:15:00Z")
    await world.host("POST", f"/sessions/{session}/state", to="cancelled")
    async with world.client.get(f"/s/{session}") as page:
        html = await page.text()
        assert page.status == 200
    assert "Diese Sendung wurde abgesagt" in html or "abgesagt" in html
    assert f'id="q-{asked}"' in html


async def test_tidying(world: World) -> None:
    """Photos that no question names go after an hour, those of declined ones after a month, the others stay."""
    session = await world.plan()
    for text in ("Bleibt?", "Abgelehnt?"):
        await send(world, session, photo(), text=text)
    folder = world.hub.photos_dir
    assert folder is not None
    stray = folder / "zzzzzzzzzz-0123456789abcdef.jpg"
    stray.write_bytes(b"x")
    declined = next(q for q in await kept(world, session) if q.text == "Abgelehnt?")
    await world.act(declined.id, "decline")
    for file in folder.iterdir():
        os.utime(file, (world.clock().timestamp(),) * 2)
    for hours, left in [(0.9, 3), (1.2, 2), (31 * 24, 1)]:
        world.clock.forward(hours=hours)
        await tidy(world.hub.store, folder, now=world.clock)
        assert len(photos_in(world)) == left, hours
    assert await tidy(world.hub.store, folder, now=world.clock) == Tidied()


async def test_cookies_off(world: World) -> None:
    """Without cookies a person still asks, and the form still counts once."""
    session = await world.plan()
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as somebody:
        async with somebody.get(f"{world.url}/s/{session}") as page:
            stamp = world.find_field(await page.text(), "stamp")
        somebody.cookie_jar.clear()
        world.clock.forward(seconds=10)
        async with somebody.post(f"{world.url}/s/{session}/questions", data={**FORM, "stamp": stamp}) as page:
            assert page.status == 200
    assert len(await kept(world, session)) == 1


async def test_where_questions_went(world: World) -> None:
    """What was carried over is named on the page where it was asked, with a link to where it is now."""
    first = await world.plan(title="Erste")
    asked, hidden = await world.ask(first, "Ziehe ich um?"), await world.ask(first, "Ich bin verborgen?")
    await world.host("POST", f"/sessions/{first}/state", to="live")
    await world.host("POST", f"/sessions/{first}/state", to="ended")
    second = await world.plan(title="Zweite")

    def carry(db: Database) -> None:
        for question_id in (asked, hidden):
            if questions.load_question(db, question_id).session_id == first:
                deed = Deed(session_id=first, action="carry", author="Jana", at=world.clock())
                carrying.carry_question(db, question_id, deed)

    await world.hub.store.write(carry)
    await world.act(hidden, "hold")
    async with world.client.get(f"/s/{first}") as page:
        html = await page.text()
    assert f'id="q-{asked}"' in html
    assert f'href="/s/{second}#q-{asked}"' in html
    assert "Diese Frage steht jetzt in „Zweite“" in html
    assert hidden not in html
