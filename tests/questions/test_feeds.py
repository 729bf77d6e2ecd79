"""Feeds of comments and the guarded fetch, against a real server on a loopback socket."""

import asyncio
import gzip
import ipaddress
import re
import socket
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from streamhub.errors import BadInput, PlatformError
from streamhub.questions.feed import Feeds, parse_address
from streamhub.questions.guarded import MAX_PAUSE, Guard, is_public, parse_url, plan_retry_at
from streamhub.questions.intake import Batch
from streamhub.questions.trouble import SourceCode
from tests.fakes.feeds import START, FakeFeeds, serve_feeds

NOW = datetime(2027, 3, 2, 20, 0, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[FakeFeeds]:
    async with serve_feeds() as fake:
        yield fake


def guard(**more: object) -> Guard:
    values: dict[str, object] = {"private": True, "now": lambda: NOW, **more}
    return Guard(**values)  # type: ignore[arg-type]


def feeds(**more: object) -> Feeds:
    return Feeds(guard(**more), now=lambda: NOW)


def texts(batch: Batch) -> list[str]:
    return [line.text for line in batch.contributions]


async def code_of(source: Feeds, url: str) -> SourceCode:
    with pytest.raises(PlatformError) as caught:
        await source.read(url, "")
    return SourceCode(caught.value.code)


@pytest.mark.parametrize("kind", ["rss", "atom"])
async def test_comments(server: FakeFeeds, kind: str) -> None:
    """A comment becomes its text without markup, its author, its address and its time, in RSS and in Atom."""
    server.kind = kind
    server.comment("Wann kommt <b>5G</b> &amp; was kostet es?", author="Ada L.")
    server.comment("Is it fast?", author="Ben")
    batch = await feeds().read(server.url, "")
    assert texts(batch) == ["Wann kommt 5G & was kostet es?", "Is it fast?"]
    first, second = batch.contributions
    assert (first.author, first.named, first.url, first.at) == ("Ada L.", True, "https://blog.example/?c=0", START)
    assert (first.language, second.language) == ("de", "en")


async def test_each_once(server: FakeFeeds) -> None:
    """What was read is not read again, new entries are, and a server that says nothing changed is believed."""
    source = feeds()
    server.comment("Eins?")
    batch = await source.read(server.url, "")
    again = await source.read(server.url, batch.cursor)
    assert (texts(again), server.not_modified, again.cursor) == ([], 1, batch.cursor)
    for number in range(30):
        server.comment(f"Neu {number}?")
    assert texts(await source.read(server.url, batch.cursor)) == [f"Neu {number}?" for number in range(10, 30)]


async def test_an_entry_that_comes_back(server: FakeFeeds) -> None:
    """An entry that left the feed for a while and returns is not read again."""
    source = feeds()
    server.comment("Bleibt?")
    cursor = (await source.read(server.url, "")).cursor
    kept, server.entries = server.entries, []
    server.comment("Anderes?", guid="urn:other")
    cursor = (await source.read(server.url, cursor)).cursor
    server.entries = kept
    assert texts(await source.read(server.url, cursor)) == []


@pytest.mark.parametrize("guid", ["17", "x" * 900, "urn:a b", "<&>", "日本"])
async def test_ids_of_all_sorts(server: FakeFeeds, guid: str) -> None:
    """Whatever a feed takes as an id works as one, and the same short id in two feeds means two things."""
    server.comment("Eins?", guid=guid)
    here, there = [await feeds().read(f"{server.url}/{place}", "") for place in ("a", "b")]
    refs = {here.contributions[0].ref, there.contributions[0].ref}
    assert len(refs) == (1 if guid == "urn:a b" else 2)
    assert all(len(ref) <= 300 for ref in refs)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"<rss version='2.0'><channel><item><title>Ganz?</title></item><item><title>Halb", ["Ganz?"]),
        (b"<rss version='2.0'><channel><item><description>Gr\xfc\xdfe?</description></item></channel></rss>", None),
        (b"<rss version='2.0'><channel><item><title>a &nbsp; b &unknown; c?</title></item></channel></rss>", None),
        (b"\xef\xbb\xbf  <rss version='2.0'><channel><item><title>Leer davor?</title></item></channel></rss>", None),
    ],
)
async def test_broken_feeds(server: FakeFeeds, body: bytes, found: list[str] | None) -> None:
    """Of a broken feed everything that can be read is read."""
    server.body = body
    said = texts(await feeds().read(server.url, ""))
    assert said == found if found else len(said) == 1


@pytest.mark.parametrize("body", [b"", b"<html><p>404</p></html>", b"{}", b"\x00\x01\x02", b"%PDF-1.7", b"hello"])
async def test_no_feeds(server: FakeFeeds, body: bytes) -> None:
    """What is no feed is called so."""
    server.body = body
    assert await code_of(feeds(), server.url) is SourceCode.NO_FEED


async def test_an_empty_feed(server: FakeFeeds) -> None:
    """A feed without entries is a feed."""
    assert texts(await feeds().read(server.url, "")) == []


def doctype_feed(entities: bytes, title: bytes) -> bytes:
    head = b"<?xml version='1.0'?><!DOCTYPE r [" + entities + b"]><rss version='2.0'><channel><item><title>"
    return head + title + b"</title></item></channel></rss>"


LAUGHS = b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))


@pytest.mark.parametrize(
    "body",
    [
        doctype_feed(b"<!ENTITY a0 'ha'>" + LAUGHS, b"&a9;"),
        doctype_feed(b"<!ENTITY x SYSTEM 'file:///etc/passwd'>", b"&x;"),
        b"<rss version='2.0'><channel>" + b"<item>" * 100_000,
        b"<a>" * 300_000,
        b"<!--" * 300_000,
    ],
    ids=["laughs", "file", "deep", "tags", "comments"],
)
async def test_bombs(server: FakeFeeds, body: bytes) -> None:
    """Entities are not blown up, no file is read, and no nesting keeps the hub busy."""
    server.body = body
    begin = time.monotonic()
    try:
        said = "".join(texts(await feeds().read(server.url, "")))
    except PlatformError as error:
        said = error.message
    assert len(said) < 10_000
    assert "root:" not in said
    assert time.monotonic() - begin < 60


async def test_size_and_time(server: FakeFeeds) -> None:
    """A feed that is too large, also unpacked, or too slow is given up with its own sentence."""
    server.body = b"<rss>" + b" " * 2_000_000
    assert await code_of(feeds(max_bytes=1_000_000), server.url) is SourceCode.TOO_LARGE
    server.body, server.headers = gzip.compress(b" " * 20_000_000), {"Content-Encoding": "gzip"}
    assert await code_of(feeds(max_bytes=1_000_000), server.url) is SourceCode.TOO_LARGE
    server.slow = asyncio.Event()
    assert await code_of(feeds(timeout_s=0.3), server.url) is SourceCode.UNREACHABLE
    server.slow.set()


@pytest.mark.parametrize(
    ("status", "headers", "code", "retry_s"),
    [
        (401, {}, SourceCode.SIGN_IN, None),
        (404, {}, SourceCode.GONE, None),
        (410, {}, SourceCode.GONE, None),
        (429, {"Retry-After": "90"}, SourceCode.PAUSE, 90),
        (500, {}, SourceCode.UNREACHABLE, None),
        (503, {"Retry-After": "90"}, SourceCode.PAUSE, 90),
        (204, {}, SourceCode.BROKEN, None),
    ],
)
async def test_refusals(
    server: FakeFeeds, status: int, headers: dict[str, str], code: SourceCode, retry_s: int | None
) -> None:
    """Each refusal has its code, and a wish to be left alone is understood."""
    server.status, server.headers = status, headers
    with pytest.raises(PlatformError) as caught:
        await feeds().read(server.url, "")
    assert caught.value.code == code
    assert caught.value.retry_at == (NOW + timedelta(seconds=retry_s) if retry_s else None)


async def test_redirects(server: FakeFeeds) -> None:
    """A redirect is followed a few times; every one is checked, and a circle is given up."""
    async with serve_feeds() as target:
        target.comment("Hier?")
        server.redirect = target.url
        assert texts(await feeds().read(server.url, "")) == ["Hier?"]
    server.redirect = "/again"
    assert await code_of(feeds(), server.url) is SourceCode.BROKEN
    for target_url in ("file:///etc/passwd", "gopher://127.0.0.1/", "http://ada:geheim@127.0.0.1/", "//"):
        server.redirect = target_url
        assert await code_of(feeds(), server.url) in {SourceCode.PRIVATE, SourceCode.BROKEN}, target_url


PRIVATE = [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://0/", "http://0.0.0.0/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "http://[::1]/", "http://[::]/",
    "http://[fe80::1]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[::127.0.0.1]/",
    "http://localhost/", "http://LOCALHOST./", "http://127.0.0.1.:80/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://192.0.2.1/", "http://198.18.0.1/", "http://240.0.0.1/", "http://[ff02::1]/", "http://[2001:db8::1]/",
    "http://①②⑦.⓪.⓪.①/", "https://127.0.0.1/", "http://127.0.0.1:8420/", "http://[::ffff:10.0.0.1]:80/",
    "ftp://example.org/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://a:b@127.0.0.1/", "http:///x",
]  # fmt: skip


@pytest.mark.parametrize("url", PRIVATE)
async def test_private_places(url: str) -> None:
    """However an address of the own network is written, nothing is fetched there."""
    with pytest.raises(PlatformError) as caught:
        await guard(private=False).fetch(url)
    assert caught.value.code in {SourceCode.PRIVATE, SourceCode.UNREACHABLE}
    if url.startswith(("http://10.", "http://169.", "http://192.", "http://[", "http://localhost")):
        assert caught.value.code == SourceCode.PRIVATE


async def test_no_request_reaches_a_private_place(server: FakeFeeds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a name that leads to the own network, nor a redirect to it, brings a request there."""
    port = server.url.split(":")[2].split("/")[0]
    with pytest.raises(PlatformError) as caught:
        await guard(private=False).fetch(f"http://localhost:{port}/x")
    assert caught.value.code == SourceCode.PRIVATE
    assert server.asked == []


@pytest.mark.parametrize(
    "host", ["１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "127.1", "2130706433", "0177.0.0.1", "0"]
)
async def test_no_way_of_writing_an_address_leads_past_the_guard(server: FakeFeeds, host: str) -> None:
    """What the client would take for an address of the own network is refused before anything is connected to."""
    port = server.url.split(":")[2].split("/")[0]
    with pytest.raises(PlatformError) as caught:
        await guard(private=False).fetch(f"http://{host}:{port}/x")
    assert (caught.value.code, server.asked) == (SourceCode.PRIVATE, [])


async def test_a_name_is_resolved_once(server: FakeFeeds, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere the second time it is asked for does not help: what was checked is connected to."""
    loop = asyncio.get_running_loop()
    asked: list[str] = []
    port = int(server.url.split(":")[2].split("/")[0])

    async def rebind(host: str, port: int, **more: object) -> list[tuple[object, ...]]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(loop, "getaddrinfo", rebind)
    with pytest.raises(BaseException, match=re.escape("93.184.216.34")):  # what keeps tests from the network says so
        await guard(private=False, timeout_s=1.0).fetch(f"http://rebind.example:{port}/x")
    assert (server.asked, asked) == ([], ["rebind.example"])


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_places(address: str) -> None:
    """An address of the public internet is public, also in its long form."""
    assert is_public(ipaddress.ip_address(address))


def test_addresses() -> None:
    """Addresses are taken as people type them, and refused with a sentence where they are none."""
    assert parse_address(" blog.example/feed ") == "https://blog.example/feed"
    assert parse_address("feed://blog.example/feed#x") == "https://blog.example/feed"
    assert parse_address("feed:https://blog.example/feed") == "https://blog.example/feed"
    assert parse_url("http://blog.example:8080/?a=b") == "http://blog.example:8080/?a=b"
    for typed in (
        "",
        "ftp://a.example",
        "javascript:alert(1)",
        "https://",
        "https://a b",
        "https://u:p@a.example",
        "x" * 2000,
    ):
        with pytest.raises(BadInput):
            parse_address(typed)


def test_pauses() -> None:
    """A pause is understood in seconds and as a date, and bounded."""
    assert plan_retry_at("5", NOW) == NOW + timedelta(seconds=5)
    assert plan_retry_at("999999999", NOW) == NOW + MAX_PAUSE
    assert plan_retry_at("Tue, 02 Mar 2027 20:05:00 GMT", NOW) == NOW + timedelta(minutes=5)
    for header in ("", "soon", "-5", "Tue, 02 Mar 2027 19:05:00 GMT", "٣"):
        assert plan_retry_at(header, NOW) is None


@pytest.mark.parametrize("cursor", ["", "x", "[]", "null", '{"s": 3}', '{"e": null}'])
async def test_lost_cursors(server: FakeFeeds, cursor: str) -> None:
    """A cursor that makes no sense begins with what is there."""
    server.comment("Eins?")
    assert texts(await feeds().read(server.url, cursor)) == ["Eins?"]
