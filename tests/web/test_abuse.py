"""Abuse at load, end to end: floods, slow and half-open connections, huge and broken requests, races and replays."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, CookieJar, FormData, TCPConnector

from streamhub.questions.question import QuestionState
from streamhub.store import questions
from streamhub.web import bodies, security
from streamhub.web.events import BROADCASTER
from streamhub.web.flood import solve_puzzle
from streamhub.web.signing import sign
from streamhub.web.uploads import UPLOADS, UPLOADS_AT_ONCE, UPLOADS_PER_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.conftest import MakeWorld, World

FLOODERS = 40
FLOOD = 1000
CONTROL = "\x00\x01\x1b[31m\x7f\u202egnp.exe\u2066\u200b\ufeff\ud7ff"


def visitor(**options: Any) -> ClientSession:
    return ClientSession(cookie_jar=CookieJar(unsafe=True), connector=TCPConnector(limit=50), **options)


async def count_states(world: World, session: str) -> Counter[QuestionState]:
    kept = await world.hub.store.read(lambda db: questions.list_questions(db, session))
    return Counter(question.state for question in kept)


async def test_honest_people_get_in_while_a_thousand_questions_pour_in(make_world: MakeWorld) -> None:
    """A thousand questions from forty addresses: honest people ask and vote meanwhile, and the list stays clean."""
    world = await make_world(
        trust_proxy=True, questions_per_minute=6, votes_per_minute=60, votes_per_address=30, flood_per_minute=60
    )
    session = await world.plan(to="live")
    path = f"{world.url}/api/v1/sessions/{session}/questions"
    wanted = await world.ask(session, "Wichtig?")
    statuses: Counter[int] = Counter()
    begun = asyncio.Event()

    async def flood(crowd: ClientSession, number: int) -> None:
        address = {"X-Forwarded-For": f"203.0.113.{number % FLOODERS}"}
        async with crowd.post(path, json={"text": f"Werbung {number}?"}, headers=address) as answer:
            statuses[answer.status] += 1
        if sum(statuses.values()) > 200:
            begun.set()

    async def be_honest(number: int) -> str:
        await begun.wait()
        async with visitor(headers={"X-Forwarded-For": f"198.51.100.{number}"}) as somebody:
            async with somebody.get(f"{world.url}/api/v1/sessions/{session}/puzzle") as answer:
                puzzle = (await answer.json())["puzzle"]["token"]
            body = {"text": f"Ehrliche Frage {number}?", "proof": await asyncio.to_thread(solve_puzzle, puzzle)}
            async with somebody.post(path, json=body) as answer:
                assert answer.status == 201, await answer.text()
                asked = await answer.json()
                assert asked["state"] == "open"
            async with somebody.post(f"{world.url}/api/v1/questions/{wanted}/vote") as answer:
                assert (answer.status, "doubt" in await answer.json()) == (200, False)
            async with somebody.get(f"{world.url}/s/{session}") as page:
                assert page.status == 200
            return str(asked["id"])

    async with visitor() as crowd:
        flooding = [asyncio.create_task(flood(crowd, number)) for number in range(FLOOD)]
        asked = await asyncio.gather(*(be_honest(number) for number in range(1, 9)))
        await asyncio.gather(*flooding)
    assert set(statuses) <= {201, 429}
    assert statuses[201] <= FLOODERS * 6 * 2  # two windows, where the minute turned meanwhile
    async with world.client.get(f"/api/v1/sessions/{session}/questions") as answer:
        public = {question["id"]: question for question in (await answer.json())["questions"]}
    assert set(asked) < set(public)
    assert public[wanted]["votes"] == 8
    assert len(public) <= 60 + len(asked) + 1
    assert (await count_states(world, session))[QuestionState.HELD] > 0


async def test_two_hundred_voters_at_once_are_counted_exactly(world: World) -> None:
    """Two hundred people vote for one question at the same time, half of them twice and a quarter takes it back."""
    asked = await world.ask(await world.plan())
    path = f"{world.url}/api/v1/questions/{asked}/vote"

    async def vote(crowd: ClientSession, number: int) -> None:
        headers = {"Cookie": f"streamhub_voter={sign(world.hub.secret, 'voter', f'{number:026d}')}"}
        for _ in range(1 + number % 2):
            async with crowd.post(path, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
        if number % 4 == 0:
            async with crowd.delete(path, headers=headers) as answer:
                assert answer.status == 200

    world_votes = world.hub.settings.votes_per_minute
    assert world_votes >= 500
    async with visitor() as crowd:
        await asyncio.gather(*(vote(crowd, number) for number in range(200)))
    question = await world.hub.store.read(lambda db: questions.load_question(db, asked))
    rows = await world.hub.store.read(lambda db: db.execute("select count(*) from votes").fetchone()[0])
    assert (question.votes, rows) == (150, 150)


async def test_a_form_replayed_fifty_times_asks_once(world: World) -> None:
    """The same form sent again and again, at once and one after the other, is one question."""
    session = await world.plan()
    async with visitor() as somebody:
        async with somebody.get(f"{world.url}/s/{session}") as page:
            stamp = world.find_field(await page.text(), "stamp")
        world.clock.forward(seconds=30)
        fields = {"stamp": stamp, "text": "Einmal?", "consent": "yes", "shown": "anonymous"}

        async def send() -> int:
            async with somebody.post(
                f"{world.url}/s/{session}/questions", data=fields, allow_redirects=False
            ) as answer:
                return answer.status

        assert set(await asyncio.gather(*(send() for _ in range(40)))) <= {303, 429}
        assert {await send() for _ in range(10)} <= {303, 429}
    assert (await count_states(world, session)).total() == 1


async def test_a_form_replayed_by_strangers_is_held(world: World) -> None:
    """Who replays one form without cookies soon reaches nobody: the hosts look at what comes again and again."""
    session = await world.plan()
    async with world.client.get(f"/s/{session}") as page:
        stamp = world.find_field(await page.text(), "stamp")
    world.clock.forward(seconds=30)
    fields = {"stamp": stamp, "text": "Immer dasselbe?", "consent": "yes", "shown": "anonymous"}
    for _ in range(12):
        async with visitor() as stranger, stranger.post(f"{world.url}/s/{session}/questions", data=fields) as answer:
            assert answer.status < 500
    states = await count_states(world, session)
    assert states[QuestionState.OPEN] <= 3
    assert states.total() == states[QuestionState.OPEN] + states[QuestionState.HELD]


@pytest.mark.parametrize("kind", ["flip", "purpose", "empty", "long", "dots", "latin"])
async def test_forged_voters_are_newcomers(world: World, kind: str) -> None:
    """Whatever stands in the voter's cookie, only what we signed makes somebody who he was; nothing breaks."""
    asked = await world.ask(await world.plan())
    real = sign(world.hub.secret, "voter", "a" * 26)
    forged = {
        "flip": real[:-1] + ("A" if real[-1] != "A" else "B"),
        "purpose": sign(world.hub.secret, "login-form", "a" * 26),
        "empty": "",
        "long": "a" * 6000 + real[26:],
        "dots": "." * 200,
        "latin": "\xe4" * 26 + real[26:],
    }[kind]
    path = f"{world.url}/api/v1/questions/{asked}/vote"
    async with ClientSession() as somebody:
        async with somebody.post(path, headers={"Cookie": f"streamhub_voter={real}"}) as answer:
            assert (await answer.json())["votes"] == 1
        async with somebody.post(path, headers={"Cookie": f"streamhub_voter={forged}"}) as answer:
            assert answer.status in {200, 400}
        async with somebody.delete(path, headers={"Cookie": f"streamhub_voter={forged}"}) as answer:
            assert answer.status in {200, 400}
    voters = await world.hub.store.read(lambda db: [row[0] for row in db.execute("select voter from votes").fetchall()])
    assert "a" * 26 in voters
    assert all(voter == "a" * 26 or (len(voter) == 26 and voter.isalnum()) for voter in voters)


async def send_raw(world: World, *pieces: bytes) -> bytes:
    """Send bytes on a connection of one's own; returns what comes back until the hub has no more to say."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(60):
            return await reader.read(1 << 16)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


async def test_a_megabyte_is_refused(world: World) -> None:
    """A question of a megabyte is refused by its size, however it is sent, and the next one is taken."""
    session = await world.plan()
    path = f"/api/v1/sessions/{session}/questions"
    huge = json.dumps({"text": "x" * 1_000_000}).encode()
    async with world.client.post(path, data=huge, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 413

    async def chunks() -> Any:
        for start in range(0, len(huge), 2**14):
            yield huge[start : start + 2**14]

    async with visitor() as somebody:
        try:
            headers = {"Content-Type": "application/json"}
            async with somebody.post(f"{world.url}{path}", data=chunks(), headers=headers) as answer:
                assert answer.status == 413
        except ConnectionError:
            pass  # the hub hung up while the rest was still being sent, which is as good
    async with world.client.post(f"/s/{session}/questions", data={"text": "x" * 1_000_000}) as answer:
        assert answer.status == 413
    await world.ask(session, "Und jetzt in kurz?")


async def begin_upload(world: World, session: str, address: str, place: str = "questions") -> Any:
    """Say that a large photo comes, and send a little of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
    head = (
        f"POST /s/{session}/{place} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 6000000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="photo"; filename="x.jpg"\r\n\r\n'
    )
    writer.write(head.encode() + b"x" * 1000)
    await writer.drain()
    return reader, writer


async def refusal_of(upload: Any) -> str:
    """What the hub says to an upload that it refuses, without a further byte."""
    reader, writer = upload
    async with asyncio.timeout(60):
        said = (await reader.readuntil(b"</html>")).decode()
    writer.close()
    return str(said)


async def test_uploads_are_few_at_once(make_world: MakeWorld) -> None:
    """Slow uploads hold few places; more are refused unread and in words, and questions without a photo come in."""
    world = await make_world(trust_proxy=True, embed_origins="https://www.example.org")
    session = await world.plan()
    uploads = world.client.app[UPLOADS]  # type: ignore[index]
    held = []
    for number in range(UPLOADS_AT_ONCE):
        held.append(await begin_upload(world, session, f"203.0.113.{number // UPLOADS_PER_ADDRESS}"))
        while uploads.count() <= number:
            await asyncio.sleep(0.01)
    for place in ("questions", "embed"):
        said = await refusal_of(await begin_upload(world, session, "203.0.113.0", place))
        assert said.startswith("HTTP/1.1 429 ")
        assert "Retry-After: 10" in said
        assert "schon mehrere Fotos unterwegs" in said
        said = await refusal_of(await begin_upload(world, session, "198.51.100.1", place))
        assert "Gerade kommen sehr viele Fotos an" in said
    plain = FormData(default_to_multipart=True)
    plain.add_field("text", "Ohne Foto?")
    headers = {"X-Forwarded-For": "203.0.113.0"}
    async with world.client.post(f"/api/v1/sessions/{session}/questions", data=plain, headers=headers) as answer:
        assert answer.status == 201
    for _, writer in held:
        writer.close()
    async with asyncio.timeout(60):
        while uploads.count():
            await asyncio.sleep(0.01)
    photo = FormData({"text": "Mit Foto?"})
    photo.add_field("photo", b"x" * 100_000, filename="x.jpg")
    async with world.client.post(f"/api/v1/sessions/{session}/questions", data=photo, headers=headers) as answer:
        assert answer.status == 400  # it is none; but it was read


@pytest.mark.parametrize(
    "headers",
    [
        "Cookie: " + "; ".join(f"c{n}={n}" for n in range(100_000)),
        "\r\n".join(f"Cookie: c{n}={n}" for n in range(5_000)),
        "\r\n".join(f"X-{n}: {n}" for n in range(20_000)),
        "Accept-Language: " + ",".join(f"x{n};q=0.{n % 10}" for n in range(1_000)),
        "If-None-Match: " + '"x",' * 1_500,
        "Last-Event-ID: " + "9" * 6_000,
        "X-Forwarded-For: " + "1.2.3.4, " * 700 + "nobody",
        "Authorization: Bearer api_" + "\xff" * 300,
        "Cookie: streamhub_login=" + "%00" * 500,
        "Range: bytes=9999999999999999999999-",
        "Content-Length: -5",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Host: \x00",
    ],
    ids=lambda text: str(text)[:24],
)
async def test_strange_headers(world: World, headers: str) -> None:
    """Headers of any size and kind are answered or refused, never by a crash."""
    session = await world.plan()
    for path in (f"/s/{session}", f"/s/{session}/live.json", "/api/v1/sessions"):
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\nConnection: close\r\n\r\n".encode("latin-1")
        status = status_of(await send_raw(world, head))
        assert status < 500, (path, status)
    async with world.client.get(f"/s/{session}") as page:
        assert page.status == 200


async def test_slow_senders_hold_nobody_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred connections that send a request byte by byte are no reason for others to wait, and end some time."""
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.5)
    monkeypatch.setattr(security, "BODY_TIMEOUT_S", 0.5)
    session = await world.plan()
    head = f"POST /api/v1/sessions/{session}/questions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    slow = [await asyncio.open_connection("127.0.0.1", world.client.port) for _ in range(200)]
    for number, (_, writer) in enumerate(slow):
        writer.write((head + ("Content-Length: 500\r\n\r\n{" if number % 2 else "X-Slow: a")).encode())
    await world.ask(session, "Geht es trotzdem?")
    for number, (reader, _) in enumerate(slow):
        if number % 2:
            async with asyncio.timeout(60):
                assert status_of(await reader.readline()) == 400
    for _, writer in slow:
        writer.close()
    await world.ask(session, "Und danach?")


async def test_half_open_listeners_are_forgotten(world: World) -> None:
    """Listeners that vanish without a word, close one half only, or talk where they should listen, all go."""
    session = await world.plan()
    assert world.client.app is not None
    broadcaster = world.client.app[BROADCASTER]
    head = f"GET /api/v1/sessions/{session}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    opened = []
    for number in range(90):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
        writer.write(head)
        await reader.readuntil(b"data: ")
        opened.append((number, writer))
    assert broadcaster.count() == 90
    for number, writer in opened:
        if number % 3 == 0:  # a reset, as when a router forgets the line
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif number % 3 == 1:
            writer.write_eof()
        else:
            writer.write(head * 20)
    async with asyncio.timeout(60):
        while broadcaster.count():
            await asyncio.sleep(0.05)
    for _, writer in opened:
        writer.close()
    await world.ask(session, "Sind alle weg?")


STRANGE: list[Any] = [
    None, True, 0, -1, 2**70, 1.5, 1e308, "", " ", "x" * 5000, CONTROL, "=1+1", "<script>", "\ud800", [], {}, [[[]]],
    {"a": 1}, ["x"] * 100, "2027-13-45T99:99:99", "9" * 400, "../../etc/passwd", "'; drop table votes; --",
]  # fmt: skip
KEYS = [
    *("text", "name", "shown", "place", "language", "email", "tell", "proof", "title", "id", "about", "moderation"),
    *("publishing", "starts_at", "zone", "planned_minutes", "participants", "show_id", "to", "note", "topics", "kind"),
    *("products", "workflow_id", "step", "decision", "version", "question_ids", "into", "line", "url", "value"),
]


def strange_bodies(dice: random.Random, count: int) -> Iterator[bytes]:
    """Bodies of all sorts: objects of known keys with strange values, other JSON, and what is no JSON at all."""
    yield from (b"", b"{", b"null", b"[]", b"\xff\xfe\x00", b'"' + b"[" * 3000, b"[" * 30000, b'{"text": 1e999}')
    for _ in range(count):
        body = {dice.choice(KEYS): dice.choice(STRANGE) for _ in range(dice.randint(0, 5))}
        text = json.dumps(body, ensure_ascii=dice.random() < 0.5)
        yield text.encode("utf-8", "surrogatepass")


async def test_the_api_never_crashes(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Every route of the API, with real and invented names in its path, answers strange bodies without a crash."""
    assert world.client.app is not None
    session = await world.plan()
    asked = await world.ask(session, CONTROL + "Steuerzeichen?", name=f"{CONTROL}x", shown="name")
    dice = random.Random(20270302)
    routes = {
        (route.method, route.resource.canonical)
        for route in world.client.app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api/v1/")
    }
    statuses: Counter[int] = Counter()
    async with visitor() as somebody:
        for method, canonical in sorted(routes):
            if canonical.endswith("/events") or method == "HEAD":
                continue
            for body in strange_bodies(dice, 12):
                names = {"session_id": [session, "nichts", "%00"], "question_id": [asked, "nichts", "%F0%9F%98%80"]}
                path = canonical
                while "{" in path:
                    name = path[path.index("{") + 1 : path.index("}")]
                    path = path.replace("{" + name + "}", dice.choice(names.get(name, ["x", "star", "0", "%2e%2e"])))
                headers = {"Content-Type": dice.choice(["application/json", "text/plain", "multipart/form-data"])}
                headers |= dice.choice([{}, world.bearer])
                url = f"{world.url}{path}"
                async with somebody.request(method, url, data=body or None, headers=headers) as answer:
                    statuses[answer.status] += 1
                    assert answer.status < 500, (method, path, body[:200], await answer.text())
    assert len(statuses) > 3, statuses
    assert "web.crashed" not in caplog.text
    async with world.client.get(f"/s/{session}") as page:
        assert page.status == 200
