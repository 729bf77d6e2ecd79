"""Who may do what, how somebody gets in, and what other sites cannot make a browser do."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, CookieJar, web

from streamhub.errors import BadInput
from streamhub.web.access import ACTION_OF, ALLOWED, AccessRole, Action, make_api_token
from streamhub.web.budget import plan_address
from streamhub.web.signing import make_form_stamp, read_form_stamp, sign, unsign

if TYPE_CHECKING:
    from tests.web.conftest import MakeWorld, World


async def test_looking_at_a_link_uses_nothing_up(world: World) -> None:
    """A mail scanner may look at the link as often as it likes; the button still works, once."""
    link = await world.link()
    for _ in range(3):
        async with world.client.get(link.removeprefix(world.url)) as page:
            assert page.status == 200
            assert not page.cookies.get("streamhub_login")
    async with world.client.post("/host/enter", data={"token": link.partition("token=")[2]}) as page:
        assert page.status == 200
        assert page.url.path == "/host"


async def test_a_link_works_once(world: World) -> None:
    """The second use of a link is refused in words, even when both come at the same moment."""
    token = (await world.link()).partition("token=")[2]

    async def use() -> int:
        async with ClientSession() as somebody:
            path = f"{world.url}/host/enter"
            async with somebody.post(path, data={"token": token}, allow_redirects=False) as answer:
                return answer.status

    assert sorted(await asyncio.gather(use(), use(), use())) == [303, 401, 401]
    async with world.client.post("/host/enter", data={"token": token}) as page:
        assert page.status == 401
        assert "schon benutzt" in await page.text()


async def test_a_link_expires(world: World) -> None:
    """After an hour a link is worthless."""
    token = (await world.link()).partition("token=")[2]
    world.clock.forward(hours=1, seconds=1)
    async with world.client.post("/host/enter", data={"token": token}) as page:
        assert page.status == 401


async def test_tokens_cannot_be_swapped(world: World) -> None:
    """A link's token is no API token and the other way round, and trying uses neither up."""
    link = (await world.link()).partition("token=")[2]
    async with world.client.get("/api/v1/host/work", headers={"Authorization": f"Bearer {link}"}) as answer:
        assert answer.status == 401
    async with world.client.post("/host/enter", data={"token": world.token}) as answer:
        assert answer.status == 401
    async with world.client.post("/host/enter", data={"token": link}, allow_redirects=False) as answer:
        assert answer.status == 303


async def test_only_digests_are_kept(world: World) -> None:
    """Neither tokens nor login cookies stand in the database as they are."""
    browser = await world.sign_in()
    cookie = next(c.value for c in browser.session.cookie_jar if c.key == "streamhub_login")
    await browser.close()
    folder = world.hub.store.path.parent
    kept = b"".join(path.read_bytes() for path in folder.glob("hub.sqlite3*"))
    assert world.token.encode() not in kept
    assert cookie.encode() not in kept


async def test_a_login_ends_after_twelve_idle_hours(world: World) -> None:
    """Use keeps a login alive; twelve hours without any end it."""
    browser = await world.sign_in()
    for _ in range(3):
        world.clock.forward(hours=8)
        async with await browser.get("/host") as page:
            assert page.status == 200
    world.clock.forward(hours=12, seconds=1)
    async with await browser.get("/host") as page:
        assert page.status == 401
    await browser.close()


async def test_leaving_ends_the_login(world: World) -> None:
    """After signing out the old cookie opens nothing, even if somebody kept it."""
    browser = await world.sign_in()
    cookie = next(c.value for c in browser.session.cookie_jar if c.key == "streamhub_login")
    async with await browser.post("/host/leave") as answer:
        assert answer.status == 303
    await browser.close()
    async with ClientSession(cookies={"streamhub_login": cookie}) as thief, thief.get(f"{world.url}/host") as page:
        assert page.status == 401


@pytest.mark.parametrize("cookie", ["x", "a" * 43, "ä", "' or 1=1 --", ""])
async def test_forged_login_cookies(world: World, cookie: str) -> None:
    """A cookie that we did not hand out makes nobody a host."""
    headers = {"Cookie": f"streamhub_login={cookie}"}
    async with ClientSession() as somebody, somebody.get(f"{world.url}/host", headers=headers) as page:
        assert page.status == 401


@pytest.mark.parametrize("header", ["Bearer api_wrong", "Bearer x", "Basic eDp5", "Bearer", "Bearer api_ä"])
async def test_wrong_authorization(world: World, header: str) -> None:
    """A wrong token is refused even where nobody needs one, so that a script notices."""
    async with world.client.get("/api/v1/sessions", headers={"Authorization": header}) as answer:
        assert answer.status == 401
        assert (await answer.json())["error"]["message"]


def routes(app: web.Application, **known: str) -> list[tuple[str, str, Any]]:
    """Method, address with its variables filled in, handler: every route of the application."""
    filled = {
        "session_id": "2027-03-02-netz", "question_id": "q1", "action": "star", "answer_id": "a1", "wish": "vote",
        "verb": "publish", "path": "x.html", "name": "hub.css",
        "show_id": "runde", "deed": "retry", "wanted": "approve", "source_id": "s1", "turn": "off",
        "key_turn": "make", "note_id": "n1", "mark_number": "1",
        "mail_id": "m1", "errand": "send", "token": "t", "follower_id": "f1", "topic_id": "c1", "topic_deed": "pin",
        "position": "0", "story_id": "s1", "proposal_id": "p1", "text_id": "t1", "kind": "stories",
        "aloud_deed": "dismiss", "overheard_deed": "no",
        "hearing": "ab-00000000", "number": "0", "person_id": "p1", "event_id": "e1",
        **known,
    }  # fmt: skip
    found = []
    for route in app.router.routes():
        assert route.resource is not None
        if route.method != "HEAD":
            info = route.resource.get_info()
            path = info.get("path") or info["formatter"].format(**filled)
            found.append((route.method, path, route.handler))
    return found


async def test_every_route_names_its_action(world: World) -> None:
    """There is no handler without a line in the table of actions."""
    assert world.client.app is not None
    assert [path for _, path, handler in routes(world.client.app) if handler not in ACTION_OF] == []


@pytest.mark.parametrize("role", list(AccessRole))
async def test_matrix_of_routes_and_roles(world: World, role: AccessRole) -> None:
    """Every route lets exactly those through whom the table lets through; everybody else gets 401 or 403."""
    assert world.client.app is not None
    headers = {}
    if role is not AccessRole.PUBLIC:
        token = await make_api_token(world.hub.store, world.clock, os.urandom, person="somebody", role=role)
        headers = {"Authorization": f"Bearer {token}"}
    for method, path, handler in routes(world.client.app):
        allowed = ACTION_OF[handler] in ALLOWED[role]
        async with world.client.request(method, path, headers=headers, allow_redirects=False) as answer:
            refused = answer.status == (401 if role is AccessRole.PUBLIC else 403)
            if path != "/host/enter":  # which answers 401 to an empty token by itself
                assert refused is not allowed, f"{role} {method} {path}: {answer.status}"
            assert answer.status < 500, f"{role} {method} {path}: {answer.status}"


def test_table_denies_by_default() -> None:
    """The public may look, ask, vote, enter and change what is its own, no more; an expert changes nothing."""
    own = {Action.SEE_OWN, Action.CHANGE_OWN}
    public = {Action.SEE_PUBLIC, Action.ASK, Action.VOTE, Action.ENTER, Action.USE_OVERLAY, *own}
    assert ALLOWED[AccessRole.PUBLIC] == public
    assert ALLOWED[AccessRole.EXPERT] - public == {Action.SEE_CONSOLE, Action.LEAVE, Action.SEE_STAGE}
    technique = {Action.SEE_STREAM_KEY, Action.STEP_SESSION, Action.RUN_SHOW}
    assert ALLOWED[AccessRole.PRODUCER] == ALLOWED[AccessRole.EXPERT] | technique
    assert ALLOWED[AccessRole.WORKER] - public == {Action.TRANSCRIBE}
    assert ALLOWED[AccessRole.HOST] == set(Action) - {Action.TRANSCRIBE}


async def test_every_answer_has_security_headers(world: World) -> None:
    """Policy, nosniff, referrer and opener headers stand on every route's answer, errors and files included."""
    assert world.client.app is not None
    await world.plan()
    (world.hub.public_dir / "x.html").write_text("<p>x</p>")
    for method, path, _ in [*routes(world.client.app), ("GET", "/no-such-page", None), ("PUT", "/", None)]:
        if path.endswith("/events"):
            continue  # endless; its headers are checked with the updates
        async with world.client.request(method, path, allow_redirects=False) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'"), path
            framed = path.startswith("/archive/") or path.endswith("/embed")
            assert ("frame-ancestors 'none'" in policy) is not framed, path
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert "Referrer-Policy" in answer.headers, path
            assert "Server" not in answer.headers, path
            if not path.startswith("/archive/"):
                assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", path
            if path.startswith(("/host", "/api/v1/host")):
                assert answer.headers["Cache-Control"] == "no-store", path


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1.evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_other_sites_cannot_send(world: World, headers: dict[str, str]) -> None:
    """A change that another site had a browser send is refused: asking, voting, entering, running a session."""
    session = await world.plan()
    asked = await world.ask(session)
    browser = await world.sign_in()
    for path in (
        f"/s/{session}/questions",
        f"/s/{session}/questions/{asked}/vote",
        "/host/enter",
        f"/host/s/{session}/state",
        f"/host/s/{session}/questions/{asked}/star",
    ):
        fields = {"to": "cancelled", "form_token": browser.form_token}
        async with browser.session.post(f"{world.url}{path}", data=fields, headers=headers) as answer:
            assert answer.status == 403, path
    path = f"{world.url}/api/v1/questions/{asked}/vote"
    async with browser.session.delete(path, headers=headers) as answer:
        assert answer.status == 403
    await browser.close()


async def test_our_own_origin_may_send(world: World) -> None:
    """What our own page sends is taken."""
    asked = await world.ask(await world.plan())
    for headers in ({"Origin": world.url, "Sec-Fetch-Site": "same-origin"}, {"Origin": world.url}, {}):
        async with world.client.post(f"/api/v1/questions/{asked}/vote", headers=headers) as answer:
            assert answer.status == 200


async def test_form_token_is_needed(world: World) -> None:
    """A signed-in person's form without its token, or with another person's, changes nothing."""
    session = await world.plan()
    jana, ole = await world.sign_in(), await world.sign_in(person="Ole")
    for token in ("", "x.y", ole.form_token):
        fields = {"to": "cancelled", "form_token": token}
        async with jana.session.post(f"{world.url}/host/s/{session}/state", data=fields) as page:
            assert page.status == 403
    async with await jana.post(f"/host/s/{session}/state", to="cancelled") as page:
        assert page.status == 303
    await jana.close()
    await ole.close()


async def test_cookies_over_tls(make_world: MakeWorld) -> None:
    """Behind https the cookies are Secure and tied to the host, and always HttpOnly and Lax."""
    world = await make_world(url="https://hub.example.org")
    session = await world.plan()
    async with world.client.get(f"/s/{session}") as page:
        morsel = page.cookies["__Host-streamhub_voter"]
        assert page.headers["Strict-Transport-Security"]
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, True, "Lax", "/")
    async with world.client.post(f"/s/{session}/questions", headers={"Origin": "https://hub.example.org"}) as page:
        assert page.status == 400
    async with world.client.post(f"/s/{session}/questions", headers={"Origin": "https://hub.example.com"}) as page:
        assert page.status == 403


async def test_nothing_secret_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """No token, no question and no query string reaches the log; paths and ids do."""
    caplog.set_level("DEBUG")
    link = await world.link()
    session = await world.plan()
    asked = await world.ask(session, "Kanarienvogel im Text?")
    async with world.client.get(link.removeprefix(world.url)):
        pass
    async with world.client.post("/host/enter", data={"token": link.partition("token=")[2]}):
        pass
    said = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("streamhub"))
    assert f"question_id={asked}" in said
    assert "web.request method=GET path=/host/enter status=200" in said
    for secret in (link.partition("token=")[2], world.token, "Kanarienvogel"):
        assert secret not in said


async def test_crashes_say_nothing(world: World, caplog: pytest.LogCaptureFixture, monkeypatch: Any) -> None:
    """An unexpected error is logged once with its traceback and shown without any detail."""
    session = await world.plan()

    def explode(_: str) -> None:
        raise RuntimeError("innards")

    monkeypatch.setattr(world.broadcasting, "hls_folder", explode)
    for path in (f"/live/{session}/index.m3u8",):
        async with world.client.get(path) as page:
            assert page.status == 500
            assert "innards" not in await page.text()
    crashes = [record for record in caplog.records if record.exc_info]
    assert len(crashes) == 1


RUBBISH = [
    ("application/json", b"\xff\xfe"),
    ("application/json", b"[" * 60000),
    ("application/json", b'{"a":' * 10000),
    ("application/json", b"null"),
    ("application/x-www-form-urlencoded", b"%ff=%00&=&&text=\xff"),
    ("application/x-www-form-urlencoded; charset=martian", b"text=x"),
    ("multipart/form-data; boundary=b", b"--b\r\nnonsense"),
    ("multipart/form-data", b"x"),
    (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="text"; filename="a"\r\n\r\nx\r\n--b--',
    ),
    ("text/plain", b"hello"),
    ("rubbish", b"\x00"),
]


@pytest.mark.parametrize(("kind", "body"), RUBBISH, ids=range(len(RUBBISH)))
async def test_rubbish_is_refused_readably(world: World, kind: str, body: bytes) -> None:
    """Whatever is sent to any route, the answer blames the sender and never the hub."""
    assert world.client.app is not None
    session = await world.plan()
    await world.ask(session)
    for method, path, _ in routes(world.client.app):
        if method in {"POST", "DELETE", "PUT"}:
            headers = {"Content-Type": kind, **(world.bearer if "/host" in path else {})}
            async with world.client.request(method, path, data=body, headers=headers) as answer:
                assert answer.status < 500, f"{method} {path}: {answer.status} {await answer.text()}"


@pytest.mark.parametrize(
    "name",
    [
        "Origin",
        "Cookie",
        "Idempotency-Key",
        "Authorization",
        "Accept-Language",
        "X-Forwarded-For",
        "Host",
        "Content-Type",
    ],
)
@pytest.mark.parametrize("value", [b"\xff\xfe", b"streamhub_voter=\xff.\xff; streamhub_login=\xff", b"a" * 7000, b""])
async def test_rubbish_headers(make_world: MakeWorld, name: str, value: bytes) -> None:
    """Bytes that are no text, very long or missing values in any header never break the hub."""
    world = await make_world(trust_proxy=True)
    session = await world.plan()
    for path in (f"/s/{session}", f"/api/v1/sessions/{session}/questions", f"/host/s/{session}/state"):
        for method in (b"GET", b"POST"):
            reader, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
            given = b"" if name == "Host" else b"Host: x\r\n"
            given += name.encode() + b": " + value + b"\r\nContent-Length: 2\r\nConnection: close\r\n"
            writer.write(method + b" " + path.encode() + b" HTTP/1.1\r\n" + given + b"\r\n{}")
            status = int((await reader.readline()).split(b" ")[1])
            await reader.read()
            writer.close()
            await writer.wait_closed()
            assert status < 500, (method, path, status)


def test_signatures_hold() -> None:
    """A signed value is ours for its purpose alone; a changed one, another secret's or another purpose's is not."""
    value = sign(b"s" * 32, "voter", "abc")
    assert unsign(b"s" * 32, "voter", value) == "abc"
    for forged in (value[:-1], f"x{value}", value.replace("abc", "abd"), "", ".", "abc", "ä.b"):
        assert unsign(b"s" * 32, "voter", forged) is None
    assert unsign(b"t" * 32, "voter", value) is None
    assert unsign(b"s" * 32, "login-form", value) is None


def test_form_stamps_belong_to_one_form() -> None:
    """A stamp of one session's form is worthless on another's."""
    at = datetime(2027, 1, 1, tzinfo=UTC)
    stamp = make_form_stamp(b"s" * 32, os.urandom, form="ask:a", at=at)
    read = read_form_stamp(b"s" * 32, stamp, form="ask:a", at=at + timedelta(seconds=7))
    assert read is not None
    assert read[0] == timedelta(seconds=7)
    assert read_form_stamp(b"s" * 32, stamp, form="ask:b", at=at) is None


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "10.0.0.1, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "rubbish", "127.0.0.1"),
        ("::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", "", "203.0.113.5"),
    ],
)
def test_addresses_that_count(peer: str, forwarded: str, counted: str) -> None:
    """A proxy is believed only from this machine and only for its own hop; IPv6 counts by household."""
    assert plan_address(peer, forwarded) == counted


async def test_tokens_for_nobody(world: World) -> None:
    """A token without a person or for the public is not made."""
    for person, role in (("", AccessRole.HOST), ("Ole", AccessRole.PUBLIC)):
        with pytest.raises(BadInput):
            await make_api_token(world.hub.store, world.clock, os.urandom, person=person, role=role)


async def test_new_login_new_cookie(world: World) -> None:
    """Signing in never takes over a cookie that was there before."""
    token = (await world.link()).partition("token=")[2]
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as somebody:
        headers = {"Cookie": "streamhub_login=planted"}
        path = f"{world.url}/host/enter"
        async with somebody.post(path, data={"token": token}, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.cookies["streamhub_login"].value != "planted"
