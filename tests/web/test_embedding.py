"""The ask form in a frame: on allowed pages only, without cookies, one asker one question."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, DummyCookieJar

from streamhub.config import parse_origins
from streamhub.errors import BadInput
from streamhub.store import questions
from tests.web.test_writing import FakeSuggestions, suggestion

if TYPE_CHECKING:
    from tests.web.conftest import MakeWorld, World

FIRM = "https://www.firma.example"
FORM = {"text": "Aus dem Rahmen?", "shown": "anonymous", "consent": "yes"}


def framed(origin: str) -> dict[str, str]:
    """What a browser says of a frame."""
    return {"Referer": f"{origin}/", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}


async def read_frame(world: World, session: str, origin: str = FIRM, status: int = 200) -> tuple[str, str]:
    async with world.client.get(f"/s/{session}/embed", headers=framed(origin)) as page:
        assert page.status == status
        policy = page.headers["Content-Security-Policy"]
        return await page.text(), re.sub(r".*frame-ancestors ([^;]*).*", r"\1", policy)


async def test_nobody_is_allowed_by_default(world: World) -> None:
    """A hub that allows no page says so inside the frame, with the way to the form and to the operator."""
    session = await world.plan()
    page, ancestors = await read_frame(world, session, status=403)
    assert "darf das Formular nicht zeigen" in page
    assert f"/s/{session}" in page
    assert FIRM in page
    assert "<form" not in page
    assert ancestors == "*"


async def test_allowed_pages(make_world: MakeWorld) -> None:
    """The browser is told which pages may show the form; another one sees the refusal in place of it."""
    world = await make_world(embed_origins=f"{FIRM}, https://shop.firma.example/")
    session = await world.plan()
    page, ancestors = await read_frame(world, session)
    assert ancestors == f"{FIRM} https://shop.firma.example"
    assert f'action="/s/{session}/embed#said"' in page
    assert "<nav" not in page
    page, _ = await read_frame(world, session, "https://evil.example", status=403)
    assert "evil.example" in page
    assert "<form" not in page
    for path in (f"/s/{session}", f"/host/s/{session}", "/"):
        async with world.client.get(path, headers={**framed(FIRM), **world.bearer}) as answer:
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path


async def test_without_cookies_one_person_is_one_asker(make_world: MakeWorld) -> None:
    """With no cookie at all a question comes in once, the form remembers its asker, and mistakes keep the text."""
    world = await make_world(embed_origins=FIRM)
    session = await world.plan()
    same_origin = {"Sec-Fetch-Site": "same-origin", "Origin": world.url}
    async with ClientSession(cookie_jar=DummyCookieJar(), headers=same_origin) as frame:
        page, _ = await read_frame(world, session)
        stamp, asker = world.find_field(page, "stamp"), world.find_field(page, "asker")
        world.clock.forward(seconds=10)
        path = f"{world.url}/s/{session}/embed"
        async with frame.post(path, data={**FORM, "stamp": stamp, "asker": asker, "consent": ""}) as answer:
            page = await answer.text()
            assert answer.status == 400
        assert "Ohne Ihr Einverständnis" in page
        assert FORM["text"] in page
        assert world.find_field(page, "asker") == asker
        for _ in range(3):
            async with frame.post(path, data={**FORM, "stamp": stamp, "asker": asker}) as answer:
                page = await answer.text()
                assert answer.status == 200
                assert "Set-Cookie" not in answer.headers
        assert "Ihre Frage steht in der Liste" in page
        assert world.find_field(page, "asker") == asker
    [question] = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    assert (question.source, question.text) == ("embed", FORM["text"])


async def test_wishes_from_the_frame_are_one_person_each(make_world: MakeWorld) -> None:
    """Without cookies the asker of the form wants a question once, takes that back, and no cookie is set."""
    world = await make_world(embed_origins=FIRM)
    session = await world.plan()
    asked = await world.ask(session)
    page, _ = await read_frame(world, session)
    asker, path = world.find_field(page, "asker"), f"{world.url}/api/v1/questions/{asked}/vote"
    async with ClientSession(cookie_jar=DummyCookieJar(), headers={"Sec-Fetch-Site": "same-origin"}) as frame:
        for method, votes in (("POST", 1), ("POST", 1), ("DELETE", 0), ("POST", 1)):
            async with frame.request(method, path, headers={"Streamhub-Asker": asker}) as answer:
                assert (await answer.json())["votes"] == votes
                assert "Set-Cookie" not in answer.headers
        evil = {"Streamhub-Asker": asker, "Origin": FIRM, "Sec-Fetch-Site": "cross-site"}
        async with frame.delete(path, headers=evil) as answer:
            assert answer.status == 403
        async with frame.post(path, headers={"Streamhub-Asker": "x" * 26 + ".forged"}) as answer:
            assert answer.status == 200
            assert "Set-Cookie" not in answer.headers


async def test_looking_first_without_scripts(make_world: MakeWorld) -> None:
    """A button looks first and shows the frame again, with what was typed, the same asker and links to new tabs."""
    world = await make_world(embed_origins=FIRM)
    suggestions = FakeSuggestions()
    object.__setattr__(world.hub, "suggestions", suggestions)
    session = await world.plan()
    asked = await world.ask(session)
    suggestions.found = [suggestion(world, asked, session), suggestion(world, asked, session, kind="open")]
    page, _ = await read_frame(world, session)
    assert f'formaction="/s/{session}/embed#suggest"' in page
    asker = world.find_field(page, "asker")
    query = {"look": "1", "text": "Was kostet ein Router?", "name": "Ada", "email": "ada@example.org", "asker": asker}
    own = {"Sec-Fetch-Site": "same-origin"}
    async with world.client.post(f"/s/{session}/embed", data=query, headers=own) as answer:
        page = await answer.text()
        assert "Set-Cookie" not in answer.headers
    assert "Was kostet ein Router?" in page
    assert 'value="Ada"' in page
    assert 'method="get"' not in page
    assert world.find_field(page, "asker") == asker
    assert page.count('target="_blank"') >= 3
    assert "/deflections/" not in page


async def test_over_tls_a_cookie_for_that_page_alone(make_world: MakeWorld) -> None:
    """Over TLS the asker is kept in a cookie that is cut off for the page around the frame, and comes back with it."""
    world = await make_world(embed_origins=FIRM, url="https://hub.example.org")
    session = await world.plan()
    async with ClientSession(cookie_jar=DummyCookieJar()) as frame:
        async with frame.get(f"{world.url}/s/{session}/embed", headers=framed(FIRM)) as answer:
            cookie, asker = answer.headers["Set-Cookie"], world.find_field(await answer.text(), "asker")
        assert {"Partitioned", "Secure", "HttpOnly", "SameSite=None"} <= set(cookie.split("; "))
        back = {**framed(FIRM), "Cookie": cookie.partition(";")[0]}
        async with frame.get(f"{world.url}/s/{session}/embed", headers=back) as answer:
            assert world.find_field(await answer.text(), "asker") == asker


async def test_forged_askers_and_foreign_posts(make_world: MakeWorld) -> None:
    """A forged asker becomes a new one; the page around the frame cannot send the form itself."""
    world = await make_world(embed_origins=FIRM)
    session = await world.plan()
    page, _ = await read_frame(world, session)
    fields = {**FORM, "stamp": world.find_field(page, "stamp"), "asker": "x" * 26 + ".forged"}
    world.clock.forward(seconds=10)
    evil = {"Origin": FIRM, "Sec-Fetch-Site": "cross-site"}
    async with world.client.post(f"/s/{session}/embed", data=fields, headers=evil) as answer:
        assert answer.status == 403
    async with world.client.post(f"/s/{session}/embed", data=fields) as answer:
        assert answer.status == 200
        assert world.find_field(await answer.text(), "asker") != fields["asker"]


async def test_a_frame_without_a_hub_that_allows_it_takes_nothing(world: World) -> None:
    """Where no page is allowed, the frame's address takes no questions either."""
    session = await world.plan()
    async with world.client.get(f"/s/{session}") as page:
        stamp = world.find_field(await page.text(), "stamp")
    world.clock.forward(seconds=10)
    async with world.client.post(f"/s/{session}/embed", data={**FORM, "stamp": stamp}) as answer:
        assert answer.status == 403
    assert await world.hub.store.read(lambda db: questions.list_questions(db, session)) == []


async def test_what_hosts_share(make_world: MakeWorld) -> None:
    """The console gives the address, a plain link and the frame, with a hostile title as text."""
    world = await make_world(embed_origins=FIRM, url="https://hub.example.org")
    session = await world.plan(title='"><script>x</script>')
    async with world.client.get(f"/host/s/{session}", headers=world.bearer) as answer:
        page = await answer.text()
    assert f"https://hub.example.org/s/{session}/session.ics" in page
    assert f"&lt;iframe src=&#34;https://hub.example.org/s/{session}/embed&#34;" in page
    assert "<script>x" not in page
    assert "&amp;lt;script&amp;gt;" in page


@pytest.mark.parametrize(
    "text", ["firma.example", "https://firma.example/pfad", "https://*", "*", "javascript:x", "https://a b"]
)
def test_origins_are_strict(text: str) -> None:
    """What is no origin is refused at the start, so that nobody believes a page allowed that is not."""
    with pytest.raises(BadInput):
        parse_origins(text)


def test_origins() -> None:
    """Origins are separated by spaces or commas and compared in small letters."""
    assert parse_origins("") == ()
    assert parse_origins(" https://WWW.Firma.example/ http://localhost:8080,https://a.example") == (
        FIRM,
        "http://localhost:8080",
        "https://a.example",
    )
