"""Mastodon hashtags, against a real server on a loopback socket."""

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from streamhub.errors import BadInput, PlatformError
from streamhub.questions.intake import Batch, Skip
from streamhub.questions.mastodon import PAGE, PAGES, MastodonTags, parse_tag
from streamhub.questions.trouble import SourceCode
from tests.fakes.mastodon import START, FakeMastodon, serve_mastodon

NOW = datetime(2027, 3, 2, 20, 0, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[FakeMastodon]:
    async with serve_mastodon() as fake:
        yield fake


def tags_of(server: FakeMastodon, *, token: str = "") -> MastodonTags:
    return MastodonTags(server.url, token=token, now=lambda: NOW)


async def read_all(tags: MastodonTags, cursor: str = "", ref: str = "#netz") -> tuple[list[str], str]:
    """Texts until no more is there, and the cursor."""
    texts: list[str] = []
    while True:
        batch: Batch = await tags.read(ref, cursor)
        texts += [line.text for line in batch.contributions]
        cursor = batch.cursor
        if not batch.more:
            return texts, cursor


async def test_a_post(server: FakeMastodon) -> None:
    """A post becomes its text without markup and hashtag, its author, its address and its language."""
    content = (
        'Wann kommt <a href="x" class="mention hashtag">#<span>Netz</span></a> zu uns?<br>Danke! '
        '<a class="hashtag">#<span>netz</span></a>'
    )
    post_id = server.post(content, acct="ada@other.example", in_reply_to_id="77")
    (line,) = (await tags_of(server).read("#netz", "")).contributions
    assert line.text == "Wann kommt Netz zu uns? Danke!"
    assert line.ref == f"127.0.0.1/{post_id}"
    assert (line.author, line.named, line.language, line.at) == ("Ada@Other.Example", True, "de", START)
    assert line.url == f"https://social.example/@ada@other.example/{post_id}"
    assert line.reply_to == ("127.0.0.1/77",)


async def test_what_nobody_asked(server: FakeMastodon) -> None:
    """Private posts, those of machines, empty ones and other hashtags are left out; a content warning is doubtful."""
    server.post("Nur für Freunde?", visibility="private")
    server.post("Piep?", bot=True)
    server.post('<a class="hashtag">#<span>netz</span></a>')
    server.post("Anderes?", tags=("katzen",))
    server.post("Was ist mit dem Mast?", spoiler_text="Strahlung")
    batch = await tags_of(server).read("#netz", "")
    assert [(line.text, line.suspect) for line in batch.contributions] == [("Strahlung Was ist mit dem Mast?", True)]
    assert batch.skipped == {Skip.AUTOMATIC: 1}


async def test_pages(server: FakeMastodon) -> None:
    """A first look takes the newest pages; then nothing is left out, however much came, and nothing comes twice."""
    tags = tags_of(server)
    for number in range(PAGE * PAGES + 20):
        server.post(f"Alt {number}?", at=START - timedelta(days=1) + timedelta(seconds=number))
    texts, cursor = await read_all(tags)
    assert texts == [f"Alt {number}?" for number in range(20, PAGE * PAGES + 20)]
    expected = [f"Neu {number}?" for number in range(470)]
    for number, text in enumerate(expected):
        server.post(text, at=START + timedelta(seconds=100 + number))
    texts, cursor = await read_all(tags, cursor)
    assert [text for text in texts if text.startswith("Neu")] == expected
    assert {f"Alt {number}?" for number in range(20)} >= set(texts) - set(expected)
    assert len(texts) == len(set(texts))
    again, _ = await read_all(tags, cursor)
    assert again == []


async def test_begins_with_nothing(server: FakeMastodon) -> None:
    """A hashtag that nobody used yet is read from its first post on, however many come at once."""
    tags = tags_of(server)
    _, cursor = await read_all(tags)
    expected = [f"Frage {number}?" for number in range(90)]
    for number, text in enumerate(expected):
        server.post(text, at=START + timedelta(seconds=number))
    assert (await read_all(tags, cursor))[0] == expected


async def test_late_posts(server: FakeMastodon) -> None:
    """A post of another server that arrives after newer ones were read is still read, once."""
    tags = tags_of(server)
    server.post("Pünktlich?", at=START)
    _, cursor = await read_all(tags)
    server.post("Verspätet?", at=START - timedelta(minutes=10))
    texts, cursor = await read_all(tags, cursor)
    assert texts == ["Verspätet?"]
    assert (await read_all(tags, cursor))[0] == []


async def test_deleted_posts(server: FakeMastodon) -> None:
    """A post that is deleted before it is read is not read; deleted or hidden later it is found gone."""
    tags = tags_of(server)
    server.delete(server.post("Gleich weg?"))
    kept, deleted, hidden = [server.post(text) for text in ("Bleibt?", "Später weg?", "Später privat?")]
    assert (await read_all(tags))[0] == ["Bleibt?", "Später weg?", "Später privat?"]
    refs = [f"127.0.0.1/{one}" for one in (kept, deleted, hidden)]
    assert await tags.find_gone("#netz", refs) == frozenset()
    server.delete(deleted)
    server.posts[hidden]["visibility"] = "private"
    server.mass = False
    assert await tags.find_gone("#netz", [*refs, "elsewhere/1"]) == frozenset(refs[1:])


async def test_many_posts_are_looked_after(server: FakeMastodon) -> None:
    """More posts than a server tells about at once are asked for in parts."""
    tags = tags_of(server)
    ids = [server.post(f"Frage {number}?") for number in range(40)]
    server.delete(ids[33])
    assert await tags.find_gone("#netz", [f"127.0.0.1/{one}" for one in ids]) == {f"127.0.0.1/{ids[33]}"}


@pytest.mark.parametrize(
    ("status", "headers", "code", "retry_s"),
    [
        (401, {}, SourceCode.SIGN_IN, None),
        (403, {}, SourceCode.SIGN_IN, None),
        (404, {}, SourceCode.GONE, None),
        (429, {"Retry-After": "120"}, SourceCode.PAUSE, 120),
        (429, {"Retry-After": "Tue, 02 Mar 2027 20:05:00 GMT"}, SourceCode.PAUSE, 300),
        (429, {"X-RateLimit-Reset": "2027-03-02T20:03:00.000000Z"}, SourceCode.PAUSE, 181),
        (429, {}, SourceCode.PAUSE, None),
        (500, {}, SourceCode.UNREACHABLE, None),
        (502, {}, SourceCode.UNREACHABLE, None),
        (503, {"Retry-After": "60"}, SourceCode.PAUSE, 60),
        (418, {}, SourceCode.BROKEN, None),
    ],
)
async def test_refusals(
    server: FakeMastodon, status: int, headers: dict[str, str], code: SourceCode, retry_s: int | None
) -> None:
    """Each refusal has its code, and a wish to be left alone is understood; the next look reads on."""
    server.refusals = [(status, headers)]
    server.post("Kommt an?")
    tags = tags_of(server)
    with pytest.raises(PlatformError) as caught:
        await tags.read("#netz", "")
    assert caught.value.code == code
    assert caught.value.retry_at == (None if retry_s is None else NOW + timedelta(seconds=retry_s))
    assert len(server.calls) == 1
    assert (await read_all(tags))[0] == ["Kommt an?"]


@pytest.mark.parametrize(
    "body", [b"<html>", b'[{"id": 1}]', b'"x"', b"[[]]", b"", b"[null]", b'[{"id": "7", "account": {}}]']
)
async def test_nonsense(server: FakeMastodon, body: bytes) -> None:
    """An answer that is no timeline is a sentence and no crash."""
    server.body = body
    with pytest.raises(PlatformError) as caught:
        await tags_of(server).read("#netz", "")
    assert caught.value.code == SourceCode.BROKEN


async def test_sign_in(server: FakeMastodon) -> None:
    """A server that shows hashtags to members alone is read with a token, which is seen nowhere."""
    server.token = "geheim-1234"
    server.post("Nur für Mitglieder?")
    with pytest.raises(PlatformError) as caught:
        await tags_of(server).read("#netz", "")
    assert caught.value.code == SourceCode.SIGN_IN
    tags = tags_of(server, token="geheim-1234")
    assert (await read_all(tags))[0] == ["Nur für Mitglieder?"]
    assert "geheim" not in repr(tags) + str(vars(caught.value))


async def test_nobody_there() -> None:
    """A server that is not there is unreachable."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        tags = MastodonTags(f"http://127.0.0.1:{free.getsockname()[1]}", now=lambda: NOW)
        with pytest.raises(PlatformError) as caught:
            await tags.read("#netz", "")
    assert caught.value.code == SourceCode.UNREACHABLE


def test_tags() -> None:
    """A hashtag is letters and digits, with or without its sign."""
    assert [parse_tag(typed) for typed in ("#Netz", " netz2 ", "frag_die_runde", "größe")] == [
        "#Netz",
        "#netz2",
        "#frag_die_runde",
        "#größe",
    ]
    for typed in ("", "#", "2027", "zwei wörter", "a-b", "a/../b", "x" * 101):
        with pytest.raises(BadInput):
            parse_tag(typed)


async def test_a_probe(server: FakeMastodon) -> None:
    """A probe looks at one hashtag as the hub would, and says what keeps it from that."""
    assert await tags_of(server).probe() == "127.0.0.1 shows hashtags to everybody"
    server.token = "geheim"
    assert await tags_of(server, token="geheim").probe() == "127.0.0.1 shows hashtags to the hub"
    for answer, code in (({}, SourceCode.SIGN_IN), ({"body": b"<html>"}, SourceCode.BROKEN)):
        server.token = server.token if not answer else ""
        server.body = answer.get("body")
        with pytest.raises(PlatformError) as refused:
            await tags_of(server).probe()
        assert refused.value.code == code
