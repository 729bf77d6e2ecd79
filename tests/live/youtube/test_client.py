"""The client on the wire: how often it sends, what it concludes, whom it keeps waiting."""

import asyncio
import contextlib
import json
import logging
import socket
import threading
import time
import traceback
from collections import deque
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httplib2
import pytest
from google.oauth2.credentials import Credentials

from streamhub.config import YoutubeSettings
from streamhub.errors import Fault, PlatformError
from streamhub.live.problem import ProblemCode
from streamhub.live.quota import Priority
from streamhub.live.youtube.client import Api, Pace, rewrite_document
from streamhub.live.youtube.failures import Silence
from streamhub.live.youtube.ledger import Ledger, make_budget
from streamhub.live.youtube.sign_in import Account, GivenSignIn
from streamhub.live.youtube.transport import OneShotHttp
from streamhub.store.store import Store
from tests.fakes.youtube import Drop, Html502, Refuse, Slow

FIRST = Priority.TRANSITION
PAGE = b"<!DOCTYPE html><title>Error 502 (Server Error)!!1</title>"


def now():
    return datetime.now(UTC)


class Wire(BaseHTTPRequestHandler):
    """Answers as the test says, one behaviour a request; keeps connections open."""

    protocol_version = "HTTP/1.1"
    timeout = 10

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_any(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        self.server.hits.append((self.command, self.path, self.headers.get("authorization"), body))
        behaviour = self.server.script.popleft() if self.server.script else "ok"
        getattr(self, behaviour.partition(" ")[0])(*behaviour.split()[1:])

    do_GET = do_POST = do_PUT = do_DELETE = do_any  # noqa: N815  the library's names

    def ok(self):
        marks = parse_qs(urlsplit(self.path).query).get("id", [""])
        self.answer(200, json.dumps({"echo": marks[0]}).encode())

    def drop(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def cut(self):
        self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"id": ')
        self.drop()

    def slow(self, seconds):
        self.server.released.wait(float(seconds))
        self.answer(200, b'{"late": true}')

    def page(self, status):
        self.answer(int(status), PAGE, "text/html")

    def noise(self, status):
        self.answer(int(status), bytes(range(128, 256)))

    def move(self):
        self.answer(307, b"", headers={"location": "/elsewhere"})

    def together(self, count):
        while len(self.server.hits) < int(count) and not self.server.released.wait(0.01):
            pass
        self.refuse(401, "authError")

    def refuse(self, status, reason):
        error = {"error": {"code": int(status), "message": "no", "errors": [{"reason": reason, "message": "no"}]}}
        self.answer(int(status), json.dumps(error).encode())

    def say(self, status, text):
        self.answer(int(status), text.encode())

    def huge(self):
        item = {"id": "b", "snippet": {"description": "x" * 1_000_000}}
        self.answer(200, json.dumps({"items": [item] * 10}).encode())

    def deep(self, status):
        self.answer(int(status), b'{"error":' + b"[" * 100_000)

    def leave(self):
        self.ok()
        self.close_connection = True  # without a word of it in the answer, as servers do after a quiet minute

    def answer(self, status, body, kind="application/json", headers=()):
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(body)), **dict(headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def wire():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Wire)
    server.daemon_threads = True
    server.hits, server.script, server.released = [], deque(), threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


class Pauses(list):
    """Remembers how long it was to wait, and does not wait."""

    async def __call__(self, seconds):
        self.append(seconds)


@pytest.fixture
def pauses():
    return Pauses()


@pytest.fixture
async def ledger(tmp_path):
    async with Store.open(tmp_path / "hub.sqlite3", now=now) as store:
        yield Ledger(store, make_budget(YoutubeSettings(daily_units=1_000_000)), now)


@pytest.fixture
async def make_api(ledger, pauses):
    made = []

    def make(url, sign_in=None, **options):
        options = {"timeout_s": 5.0, "pace": Pace(random=lambda: 0.5, sleep=pauses), **options}
        api = Api(sign_in or GivenSignIn(Credentials(token="x")), ledger, url=url, now=now, **options)
        made.append(api)
        return api

    yield make
    for api in made:
        await api.close()


def insert(api, **params):
    body = {"snippet": {"title": "t"}}
    return api.write("liveBroadcasts.insert", priority=FIRST, part="snippet", body=body, **params)


def look(api, ref="b"):
    return api.read("liveBroadcasts.list", priority=FIRST, part="id", id=ref)


async def fails(work):
    with pytest.raises(PlatformError) as failed:
        await work
    return failed.value


# --- writes are one request


def test_the_library_alone_sends_a_dropped_write_twice(wire):
    """The reason for our own connections: httplib2 by itself sends a POST again, and reports success."""
    wire.script.extend(["drop", "ok"])
    http = httplib2.Http(timeout=5, proxy_info=None)
    response, _ = http.request(wire.url, "POST", body=b"{}")
    http.close()
    assert response.status == 200
    assert len(wire.hits) == 2


async def test_a_dropped_answer_means_one_request_and_an_unknown_outcome(wire, make_api, pauses):
    """A write whose answer is lost is sent exactly once, and nobody claims to know what became of it."""
    wire.script.append("drop")
    error = await fails(insert(make_api(wire.url)))
    assert error.fault is Fault.UNKNOWN_OUTCOME
    assert error.code == ProblemCode.OUTCOME_UNKNOWN
    assert error.reason == Silence.LOST
    assert [hit[0] for hit in wire.hits] == ["POST"]
    assert pauses == []


async def test_a_write_after_a_quiet_while_is_not_lost(wire, make_api):
    """A kept connection that the other side has closed meanwhile costs no write: it goes over a new one, once."""
    api = make_api(wire.url, threads=1)
    wire.script.append("leave")
    await look(api)
    await asyncio.sleep(0.1)
    assert await insert(api) == {"echo": ""}
    assert [hit[0] for hit in wire.hits] == ["GET", "POST"]


@pytest.mark.parametrize(
    "behaviour", ["cut", "page 502", "page 500", "refuse 503 backendError", "page 200", "noise 200", "noise 502"]
)
async def test_a_write_without_a_clear_answer_is_unknown(wire, make_api, behaviour):
    """Half an answer, a proxy's page or a server's stumble after a write: one request, outcome unknown."""
    wire.script.append(behaviour)
    error = await fails(insert(make_api(wire.url)))
    assert error.fault is Fault.UNKNOWN_OUTCOME
    assert len(wire.hits) == 1


async def test_a_slow_answer_is_given_up_in_time(wire, make_api):
    """A write that is not answered within the time limit is one request with an unknown outcome."""
    wire.script.append("slow 5")
    began = time.monotonic()
    error = await fails(insert(make_api(wire.url, timeout_s=0.3)))
    assert time.monotonic() - began < 3
    assert (error.fault, error.reason) == (Fault.UNKNOWN_OUTCOME, Silence.TIMED_OUT)
    assert len(wire.hits) == 1


async def test_after_a_broken_connection_the_thread_works_on(wire, make_api):
    """A connection left in a half state by a time-out or a cut is not used again."""
    api = make_api(wire.url, threads=1, timeout_s=0.3)
    for behaviour in ("slow 1", "cut", "drop"):
        wire.script.append(behaviour)
        await fails(insert(api))
        assert await look(api, "after") == {"echo": "after"}


@pytest.mark.parametrize(
    ("behaviour", "fault"),
    [
        ("refuse 403 userBroadcastsExceedLimit", Fault.LIMIT),
        ("refuse 400 invalidTitle", Fault.BAD_INPUT),
        ("refuse 403 userRequestsExceedRateLimit", Fault.RATE),
        ("refuse 404 liveBroadcastNotFound", Fault.NOT_FOUND),
        ("refuse 409 videoAlreadyInPlaylist", Fault.BAD_STATE),
        ("move", Fault.UNREACHABLE),
    ],
)
async def test_a_refused_write_is_certain_and_not_repeated(wire, make_api, behaviour, fault):
    """A refusal in the 400s is certain and not sent again, not even for being too fast; no redirect is followed."""
    wire.script.append(behaviour)
    error = await fails(insert(make_api(wire.url)))
    assert error.fault is fault
    assert len(wire.hits) == 1


async def test_no_connection_is_certain(make_api):
    """A refused connection and an unknown host mean that nothing was done: unreachable, not unknown."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    for url in (closed, "http://no-such-host.invalid/"):
        error = await fails(insert(make_api(url)))
        assert (error.fault, error.code, error.reason) == (
            Fault.UNREACHABLE,
            ProblemCode.UNREACHABLE,
            Silence.NOT_CONNECTED,
        )


async def test_a_connection_that_does_not_come_about_in_time_is_certain(make_api, monkeypatch):
    """A swallowed connection and a silent handshake end early, and mean that nothing was sent."""
    monkeypatch.setattr("streamhub.live.youtube.transport.CONNECT_S", 0.3)
    with socket.socket() as deaf, socket.create_server(("127.0.0.1", 0)) as silent:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        crowd = [socket.socket() for _ in range(4)]  # a full queue swallows whoever comes next
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        for scheme, server in (("http", deaf), ("https", silent)):
            began = time.monotonic()
            error = await fails(insert(make_api(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/")))
            assert time.monotonic() - began < 3
            assert (error.fault, error.reason) == (Fault.UNREACHABLE, Silence.NOT_CONNECTED)
        for one in crowd:
            one.close()


async def test_the_time_limit_counts_after_connecting(wire, make_api, monkeypatch):
    """An answer may take longer than a connection may."""
    monkeypatch.setattr("streamhub.live.youtube.transport.CONNECT_S", 0.2)
    wire.script.append("slow 0.5")
    assert await look(make_api(wire.url)) == {"late": True}


async def test_a_failed_handshake_is_certain(wire, make_api):
    """What is no TLS on the other side ends before anything is sent."""
    error = await fails(insert(make_api(wire.url.replace("http:", "https:"))))
    assert (error.fault, error.reason) == (Fault.UNREACHABLE, Silence.NOT_CONNECTED)
    assert wire.hits == []


async def test_a_cancelled_write_is_finished_and_told(wire, make_api, caplog):
    """Cancelling the caller does not call the write back: it is done once, and the log says how it ended."""
    api = make_api(wire.url)
    wire.script.append("slow 0.3")
    caplog.set_level(logging.WARNING, logger="streamhub")
    task = asyncio.create_task(insert(api))
    while not wire.hits:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await api.close()
    assert len(wire.hits) == 1
    assert "platform.write_left_alone call=liveBroadcasts.insert outcome=done" in caplog.text


async def test_closing_waits_for_no_read(wire, make_api):
    """A hub that stops while calls hang breaks reads off at once, and makes none of those that wait for a thread."""
    api = make_api(wire.url, timeout_s=30.0)
    wire.script.extend(["slow 30"] * 8)
    tasks = [asyncio.create_task(look(api)) for _ in range(8)]
    while len(wire.hits) < 4:
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    began = time.monotonic()
    await api.close()
    assert time.monotonic() - began < 1
    assert len(wire.hits) == 4


async def test_closing_leaves_a_write_without_an_answer_alone(wire, make_api, caplog, monkeypatch):
    """A write that hangs has some seconds to end; then its outcome is unknown, and it was sent once."""
    monkeypatch.setattr("streamhub.live.youtube.client.FAREWELL_S", 0.3)
    api = make_api(wire.url, timeout_s=30.0)
    wire.script.append("slow 30")
    caplog.set_level(logging.WARNING, logger="streamhub")
    task = asyncio.create_task(insert(api))
    while not wire.hits:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    began = time.monotonic()
    await api.close()
    assert 0.2 < time.monotonic() - began < 2
    assert len(wire.hits) == 1
    assert "write_left_alone call=liveBroadcasts.insert outcome=unknown_outcome" in caplog.text


async def test_closing_breaks_off_a_connection_that_nobody_accepts(make_api, monkeypatch):
    """A network that swallows connections does not hold up a hub that stops."""
    monkeypatch.setattr("streamhub.live.youtube.client.FAREWELL_S", 0.3)
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        api = make_api(f"http://127.0.0.1:{full.getsockname()[1]}/", timeout_s=30.0)
        task = asyncio.create_task(insert(api))
        await asyncio.sleep(0.3)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        began = time.monotonic()
        await api.close()
        assert time.monotonic() - began < 2


async def test_after_closing_nothing_is_sent(wire, make_api):
    """A closed client refuses calls in our words, and sends nothing."""
    api = make_api(wire.url)
    await api.close()
    error = await fails(insert(api))
    assert (error.fault, error.reason) == (Fault.UNREACHABLE, Silence.CLOSED)
    assert wire.hits == []


# --- reads are tried again


@pytest.mark.parametrize(
    ("behaviour", "requests"),
    [
        ("refuse 403 quotaExceeded", 1),
        ("refuse 403 rateLimitExceeded", 3),
        ("refuse 403 userRequestsExceedRateLimit", 3),  # the library by itself does not repeat this one
        ("refuse 429 rateLimitExceeded", 3),
        ("page 503", 3),
        ("page 500", 3),
        ("drop", 3),
        ("cut", 3),
        ("move", 3),  # not followed: no answer of the platform's leads elsewhere
        ("refuse 409 conflict", 1),
        ("refuse 403 liveStreamingNotEnabled", 1),
        ("refuse 404 liveBroadcastNotFound", 1),
    ],
)
async def test_reads_are_repeated_where_that_helps(wire, make_api, pauses, behaviour, requests):
    """Busy and stumbling platforms are asked three times with growing pauses; final refusals once."""
    wire.script.extend([behaviour] * 5)
    error = await fails(look(make_api(wire.url)))
    assert error.fault is not Fault.UNKNOWN_OUTCOME
    assert len(wire.hits) == requests
    assert "/elsewhere" not in {hit[1] for hit in wire.hits}
    assert len(pauses) == requests - 1
    assert pauses == sorted(pauses)


ODD = [
    '{"items":["x"]}',
    '{"items":{"a":1}}',
    '{"items":[null]}',
    '{"items":[{"id":"b","snippet":"text"}]}',
    '{"items":[{"id":["b"]}]}',
    '{"items":[{"id":true}]}',
    '{"items":[{"id":"b","contentDetails":{"enableDvr":"maybe"}}]}',
    '{"pageInfo":{"totalResults":"many"}}',
]


@pytest.mark.parametrize("answer", ODD)
async def test_an_answer_of_another_shape_is_no_answer(wire, make_api, answer):
    """What is not as documented is told like silence: certain for a read, unknown for a write; nothing is quoted."""
    wire.script.extend([f"say 200 {answer}"] * 3)
    error = await fails(look(make_api(wire.url)))
    assert (error.fault, error.reason) == (Fault.UNREACHABLE, Silence.GARBLED.value)
    wire.script.clear()
    wire.script.append('say 200 {"snippet":["x"]}')
    assert (await fails(insert(make_api(wire.url)))).fault is Fault.UNKNOWN_OUTCOME


@pytest.mark.parametrize("status", [200, 403])
async def test_an_answer_nested_without_end_is_no_answer(wire, make_api, status):
    """What is nested to make a reader fall is told as trouble of the platform, not as ours."""
    wire.script.extend([f"deep {status}"] * 3)
    assert (await fails(look(make_api(wire.url)))).fault in {Fault.UNREACHABLE, Fault.NOT_ALLOWED}


async def test_null_is_as_good_as_left_out(wire, make_api):
    """Fields that are null do not arrive, numbers and words arrive as documented, what is unknown stays."""
    page = {
        "etag": None,
        "items": [{"id": 7, "snippet": None, "status": {"lifeCycleStatus": None}, "new": [None]}],
        "pageInfo": {"totalResults": "2"},
    }
    wire.script.append(f"say 200 {json.dumps(page, separators=(',', ':'))}")
    assert await look(make_api(wire.url)) == {
        "items": [{"id": "7", "status": {}, "new": [None]}],
        "pageInfo": {"totalResults": 2},
    }


async def test_ten_megabytes_are_read_beside_the_loop(wire, make_api):
    """A huge answer holds up nobody else."""
    wire.script.append("huge")
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(tick())
    page = await look(make_api(wire.url))
    ticking.cancel()
    assert len(page["items"]) == 10
    assert ticks > 2


async def test_a_read_that_recovers_says_nothing(wire, make_api, ledger):
    """A stumble and a hurry later the answer comes; each request was counted."""
    wire.script.extend(["page 503", "refuse 429 rateLimitExceeded", "ok"])
    assert await look(make_api(wire.url), "b1") == {"echo": "b1"}
    assert (await ledger.spent())[0]["calls"] == 3


async def test_pauses_do_not_hold_a_thread(wire, make_api):
    """While one read waits for its next try, a client with one thread serves another call."""
    waiting = asyncio.Event()

    async def sleep(_):
        waiting.set()
        await asyncio.sleep(0.2)

    api = make_api(wire.url, threads=1, pace=Pace(random=lambda: 0.5, sleep=sleep))
    wire.script.append("refuse 429 rateLimitExceeded")
    first = asyncio.create_task(look(api, "one"))
    await waiting.wait()
    assert await look(api, "two") == {"echo": "two"}
    assert not first.done()
    assert await first == {"echo": "one"}


# --- threads


async def test_eight_threads_two_hundred_calls_each(wire, make_api):
    """1,600 calls from eight threads: none hangs, each gets its own answer."""
    api = make_api(wire.url, threads=8)
    began = time.monotonic()
    answers = await asyncio.wait_for(asyncio.gather(*(look(api, f"b{n}") for n in range(1600))), 60)
    assert [answer["echo"] for answer in answers] == [f"b{n}" for n in range(1600)]
    assert len(wire.hits) == 1600
    assert time.monotonic() - began < 60


async def test_the_loop_is_never_blocked(wire, make_api):
    """While calls wait for a slow platform, the event loop goes on ticking."""
    api = make_api(wire.url)
    wire.script.extend(["slow 0.5"] * 4)
    calls = asyncio.gather(*(look(api) for _ in range(4)))
    longest_s, last = 0.0, time.monotonic()
    while not calls.done():
        await asyncio.sleep(0.01)
        longest_s, last = max(longest_s, time.monotonic() - last), time.monotonic()
    await calls
    assert longest_s < 0.4


# --- uploads and the document


async def test_uploads_follow_the_address(wire, make_api):
    """Captions go to the given address, plain http included, in one request that holds the text and the file."""
    body = {"snippet": {"videoId": "v", "language": "de", "name": ""}}
    media = "WEBVTT\n\n00:00.000 --> 00:01.000\nGrüße".encode()
    api = make_api(wire.url)
    await api.upload(
        "captions.insert", priority=Priority.CAPTIONS, media=media, mime="text/vtt", part="snippet", body=body
    )
    ((command, path, _, sent),) = wire.hits
    assert command == "POST"
    assert path.startswith("/upload/youtube/v3/captions?")
    assert media in sent
    assert b'"language": "de"' in sent


async def test_an_upload_is_one_request_too(wire, make_api):
    """A dropped upload is not sent again."""
    wire.script.append("drop")
    api = make_api(wire.url)
    error = await fails(
        api.upload("thumbnails.set", priority=Priority.CAPTIONS, media=b"\x89PNG", mime="image/png", videoId="v")
    )
    assert error.fault is Fault.UNKNOWN_OUTCOME
    assert len(wire.hits) == 1


def test_every_address_of_the_document_is_rewritten():
    """Nothing in the rewritten description leads anywhere else."""
    document = json.loads(rewrite_document("http://127.0.0.1:9/x"))
    assert {document[name] for name in ("rootUrl", "baseUrl", "mtlsRootUrl")} == {"http://127.0.0.1:9/x/"}
    assert document["servicePath"] == ""


@pytest.mark.parametrize(
    ("call", "params"),
    [
        ("liveBroadcasts.list", {}),
        ("liveBroadcasts.transition", {"id": "b", "part": "id", "broadcastStatus": "nonsense"}),
        ("liveBroadcasts.list", {"part": "id", "nonsense": 1}),
        ("liveBroadcasts.nonsense", {}),
        ("nonsense.list", {}),
    ],
)
async def test_what_is_no_request_is_our_bug_and_not_sent(wire, make_api, call, params):
    """A missing part, an unknown value or an unknown call is told as broken, before anything goes out."""
    error = await fails(make_api(wire.url).write(call, priority=FIRST, **params))
    assert error.fault is Fault.BROKEN
    assert call in error.reason
    assert wire.hits == []


async def test_no_proxy_support_is_certain(wire, make_api, monkeypatch):
    """A proxy that cannot be used is no unknown outcome."""
    monkeypatch.setattr("httplib2.socks", None)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    error = await fails(insert(make_api(wire.url)))
    assert (error.fault, error.reason) == (Fault.UNREACHABLE, Silence.NOT_CONNECTED)


async def test_proxies_of_the_environment_are_used(wire, make_api, monkeypatch):
    """Where the network is behind a proxy that the environment names, calls go through it."""
    asked = []

    def tunnel(server):
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            asked.append(connection.recv(4096))
            connection.sendall(b"HTTP/1.0 403 no\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=tunnel, args=(server,), daemon=True)
        thread.start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.getsockname()[1]}")
        error = await fails(insert(make_api("http://youtube.invalid/")))
        thread.join(5)
    assert asked[0].startswith(b"CONNECT youtube.invalid:80 ")
    assert (error.fault, error.reason) == (Fault.UNREACHABLE, Silence.NOT_CONNECTED)


# --- quota


async def test_the_platforms_word_on_the_quota_ends_the_day(wire, make_api, ledger):
    """After quotaExceeded nothing more is sent today, and the error says when it goes on."""
    api = make_api(wire.url)
    wire.script.append("refuse 403 quotaExceeded")
    first = await fails(insert(api))
    second = await fails(look(api))
    assert first.code == second.code == ProblemCode.QUOTA_USED_UP
    assert first.retry_at == second.retry_at == ledger.budget.next_day_at(now())
    assert len(wire.hits) == 1


async def test_a_call_is_counted_even_when_it_is_lost(wire, make_api, ledger):
    """The units are noted before the call, so a lost answer is paid for."""
    wire.script.append("drop")
    await fails(insert(make_api(wire.url)))
    assert await ledger.used() == 50


# --- sign-in on the wire


def signed_in(fake, *, days=0, token="ya29.stale"):
    """Credentials whose access token is no good any more, as after an hour."""
    granted = fake.grant()
    client = fake.client_config["installed"]
    credentials = Credentials(
        token=token,
        refresh_token=granted.refresh_token,
        token_uri=fake.token_uri,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
    )
    account = Account(
        channel_id="UC1", channel_title="Round Table", granted_at=now() - timedelta(days=days), scopes=("x",)
    )
    return GivenSignIn(credentials, account)


def asked(fake, method):
    return [call.status for call in fake.calls if call.method == method]


def mine(api):
    return api.read("channels.list", priority=FIRST, part="id", mine=True)


async def test_an_old_token_is_renewed_once(fake_youtube, make_api):
    """A 401 leads to one renewal and one more try, for a write too: its refusal was certain."""
    api = make_api(fake_youtube.url, signed_in(fake_youtube))
    answer = await api.write(
        "liveStreams.insert",
        priority=FIRST,
        part="snippet,cdn",
        body={
            "snippet": {"title": "room"},
            "cdn": {"ingestionType": "rtmp", "resolution": "variable", "frameRate": "variable"},
        },
    )
    assert answer["id"] in fake_youtube.streams
    assert asked(fake_youtube, "liveStreams.insert") == [401, 200]
    assert asked(fake_youtube, "oauth.token") == [200]


async def test_many_threads_renew_once(wire, make_api):
    """Eight calls that are refused at the same moment make one renewal among them."""
    renewals = []

    class Renewing(Credentials):
        def refresh(self, request):
            renewals.append(self.token)
            self.token = f"renewed {len(renewals)}"

    wire.script.extend(["together 8"] * 8)
    api = make_api(wire.url, GivenSignIn(Renewing(token="old")), threads=8)
    await asyncio.gather(*(look(api) for _ in range(8)))
    assert renewals == ["old"]
    assert [hit[2] for hit in wire.hits] == ["Bearer old"] * 8 + ["Bearer renewed 1"] * 8


async def test_a_second_refusal_is_a_sign_in_problem(wire, make_api):
    """A token that is refused although it is fresh is told as such, after one renewal."""
    wire.script.extend(["refuse 401 authError", "refuse 401 authError"])

    class Renewing(Credentials):
        def refresh(self, request):
            self.token = "renewed"

    error = await fails(look(make_api(wire.url, GivenSignIn(Renewing(token="x")))))
    assert (error.fault, error.code) == (Fault.AUTH, ProblemCode.SIGNED_OUT)
    assert [hit[2] for hit in wire.hits] == ["Bearer x", "Bearer renewed"]


async def test_a_revoked_sign_in_stops_all_calls(fake_youtube, make_api):
    """After invalid_grant the host is told to sign in again, and Google is not asked again and again."""
    api = make_api(fake_youtube.url, signed_in(fake_youtube, days=30))
    fake_youtube.revoke_grants()
    for _ in range(3):
        error = await fails(mine(api))
        assert (error.fault, error.code) == (Fault.AUTH, ProblemCode.SIGNED_OUT)
        assert error.reason == "invalid_grant"
    assert asked(fake_youtube, "oauth.token") == [400]


@pytest.mark.parametrize(
    ("days", "code"), [(5, "signed_out"), (6, "signed_out_testing"), (8, "signed_out_testing"), (9, "signed_out")]
)
async def test_seven_days_point_to_testing(fake_youtube, make_api, days, code):
    """A sign-in that ends after about seven days brings the sentence on apps left in Testing."""
    api = make_api(fake_youtube.url, signed_in(fake_youtube, days=days))
    fake_youtube.revoke_grants()
    error = await fails(mine(api))
    assert error.code == code
    assert ("Testing" in str(error)) == (code == "signed_out_testing")
    if code == "signed_out_testing":
        assert f"after {days} days" in str(error)


async def test_no_network_while_renewing_is_not_a_sign_in_problem(fake_youtube, make_api):
    """When the token endpoint drops the connection, the platform is unreachable; nobody is signed out."""
    api = make_api(fake_youtube.url, signed_in(fake_youtube))
    fake_youtube.fail("oauth.token", Drop(after_effect=False))
    error = await fails(insert(api))
    assert (error.fault, error.code) == (Fault.UNREACHABLE, ProblemCode.UNREACHABLE)
    await mine(api)
    assert asked(fake_youtube, "channels.list")[-1] == 200


async def test_a_connection_that_fails_while_renewing_says_nothing_was_done(fake_youtube, make_api):
    """A hub without network learns that, also when its token has run out meanwhile."""
    api = make_api(fake_youtube.url, signed_in(fake_youtube, token=None))
    await asyncio.to_thread(fake_youtube.go_offline)
    error = await fails(insert(api))
    assert (error.fault, error.reason) == (Fault.UNREACHABLE, Silence.NOT_CONNECTED)
    await asyncio.to_thread(fake_youtube.come_back)
    await mine(api)


@pytest.mark.parametrize(
    "answer",
    [
        'say 200 {"refresh_token":"1//canary"}',
        'say 400 {"odd":"1//canary"}',
        "say 400 1//canary",
        'say 200 ["1//canary"]',
    ],
)
async def test_an_odd_answer_to_a_renewal_quotes_nothing(wire, make_api, answer):
    """What a token endpoint says instead of a token stands in no traceback, and signs nobody out."""
    client = {"token_uri": f"{wire.url}token", "client_id": "c", "client_secret": "canary-secret"}
    sign_in = GivenSignIn(Credentials(token=None, refresh_token="1//canary", **client))
    wire.script.append(answer)
    error = await fails(look(make_api(wire.url, sign_in)))
    assert error.fault is Fault.UNREACHABLE
    assert "canary" not in "".join(traceback.format_exception(error))
    assert wire.hits[0][1] == "/token"


async def test_credentials_without_a_refresh_token_ask_for_a_new_sign_in(wire, make_api):
    """A token that cannot be renewed leads to a new sign-in, not to a stack of errors."""
    wire.script.append("refuse 401 authError")
    error = await fails(look(make_api(wire.url)))
    assert (error.fault, error.code) == (Fault.AUTH, ProblemCode.SIGNED_OUT)


# --- clocks


@pytest.mark.parametrize(("shift_s", "minutes"), [(0, 0), (-3600, 60), (3600, -60), (280, -5)])
async def test_a_wrong_clock_is_seen(fake_youtube, make_api, shift_s, minutes):
    """The platform's clock shows how many minutes ours is ahead, also when it refuses."""
    fake_youtube.clock_shift_s = shift_s
    api = make_api(fake_youtube.url, GivenSignIn(Credentials(token=fake_youtube.token)))
    await fails(api.read("liveBroadcasts.list", priority=FIRST, part="nonsense", mine=True))
    assert api.clock_off_minutes == minutes


# --- against the counterpart


async def test_faults_of_the_counterpart(fake_youtube, make_api, pauses):
    """Lost, late and garbled answers to a write: each is sent once, and each outcome is told rightly."""
    api = make_api(fake_youtube.url, GivenSignIn(Credentials(token=fake_youtube.token)), timeout_s=0.5)
    body = {
        "snippet": {"title": "Netz", "scheduledStartTime": (now() + timedelta(hours=1)).isoformat()},
        "status": {"privacyStatus": "unlisted", "selfDeclaredMadeForKids": False},
        "contentDetails": {"enableAutoStart": False, "enableAutoStop": False},
    }

    async def add():
        return await api.write("liveBroadcasts.insert", priority=FIRST, part="snippet,status,contentDetails", body=body)

    outcomes = []
    for fault in (
        Drop(),
        Drop(after_effect=False),
        Html502(),
        Slow(1.5),
        Refuse(503, "backendError", after_effect=True),
    ):
        fake_youtube.fail("liveBroadcasts.insert", fault)
        outcomes.append((await fails(add())).fault)
    assert outcomes == [Fault.UNKNOWN_OUTCOME] * 5
    assert len(asked(fake_youtube, "liveBroadcasts.insert")) == 5
    assert len(fake_youtube.broadcasts) == 3
    fake_youtube.fail("liveBroadcasts.list", Html502(), Drop())
    found = await api.read("liveBroadcasts.list", priority=FIRST, part="id", mine=True, maxResults=50)
    assert {item["id"] for item in found["items"]} == set(fake_youtube.broadcasts)
    assert len(pauses) == 2
    assert fake_youtube.violations == []


def test_a_transport_belongs_to_one_thread_and_one_request(wire):
    """The plain transport: a dropped GET is one request too, and ends as an error of ours."""
    http = OneShotHttp(timeout_s=2)
    wire.script.append("drop")
    with pytest.raises(OSError, match="RemoteDisconnected"):
        http.request(wire.url)
    assert len(wire.hits) == 1
    http.close()
