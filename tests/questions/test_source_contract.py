"""The contract of every source: in order, each once, nothing lost over restarts, whatever brand it is, and the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest

from streamhub.config import MailboxSettings
from streamhub.errors import PlatformError
from streamhub.questions.feed import Feeds
from streamhub.questions.guarded import Guard
from streamhub.questions.imap import Mailbox
from streamhub.questions.intake import Contribution, ReadableSource
from streamhub.questions.mastodon import MastodonTags
from streamhub.questions.trouble import SourceCode, make_source_error
from streamhub.timecode import require_utc
from tests.fakes.feeds import serve_feeds
from tests.fakes.imap import START, serve_imap
from tests.fakes.mastodon import serve_mastodon
from tests.fakes.sources import PlainSource

NOW = START + timedelta(hours=1)
BRANDS = ["plain", "mastodon", "feed", "mail"]


@dataclass
class Stage:
    """A source with the place that is read, and what a test does there."""

    open: Callable[[], ReadableSource]
    ref: str
    write: Callable[[int, str], object]
    break_once: Callable[[], object]
    delete_newest: Callable[[], object]

    async def read_all(self, cursor: str = "", *, fresh: bool = False) -> tuple[list[Contribution], str]:
        """Everything until no more is there; each time with a new source, as after a restart."""
        found: list[Contribution] = []
        source = self.open()
        while True:
            batch = await source.read(self.ref, cursor)
            found += batch.contributions
            cursor = batch.cursor
            if not batch.more:
                return found, cursor
            source = self.open() if fresh else source


async def _plain(stack: AsyncExitStack) -> Stage:
    source = PlainSource(now=lambda: NOW)
    failure = make_source_error(SourceCode.UNREACHABLE, "plain.example")
    return Stage(
        open=lambda: source,
        ref="#netz",
        write=lambda number, text: source.say(text, author=f"autor{number}"),
        break_once=lambda: source.failures.append(failure),
        delete_newest=lambda: source.gone.add(source.lines["#netz"][-1].ref),
    )


async def _mastodon(stack: AsyncExitStack) -> Stage:
    server = await stack.enter_async_context(serve_mastodon())
    return Stage(
        open=lambda: MastodonTags(server.url, now=lambda: NOW),
        ref="#netz",
        write=lambda n, text: server.post(text, acct=f"autor{n}", at=START + timedelta(seconds=n)),
        break_once=lambda: server.refusals.append((502, {})),
        delete_newest=lambda: server.delete(max(server.posts, key=int)),
    )


async def _feed(stack: AsyncExitStack) -> Stage:
    server = await stack.enter_async_context(serve_feeds())
    server.shown = 200

    def break_once() -> None:
        server.failures = 1

    return Stage(
        open=lambda: Feeds(Guard(now=lambda: NOW, private=True), now=lambda: NOW),
        ref=server.url,
        write=lambda n, text: server.comment(text, author=f"autor{n}", at=START + timedelta(seconds=n)),
        break_once=break_once,
        delete_newest=server.entries.pop,
    )


async def _mail(stack: AsyncExitStack) -> Stage:
    server = await stack.enter_async_context(serve_imap())
    settings = MailboxSettings(host=server.host, port=server.port, user=server.user, security="none")

    def write(number: int, text: str) -> None:
        head = f"From: A <autor{number}@kunde.example>\r\nMessage-ID: <{number}@kunde.example>\r\nSubject: Frage\r\n"
        server.deliver(f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode(), at=START)

    def break_once() -> None:
        server.drop_once = True

    return Stage(
        open=lambda: Mailbox(settings=settings, password=server.password, now=lambda: NOW),
        ref="",
        write=write,
        break_once=break_once,
        delete_newest=lambda: server.mails.pop(max(server.mails)),
    )


MAKERS: dict[str, Callable[[AsyncExitStack], Awaitable[Stage]]] = {
    "plain": _plain,
    "mastodon": _mastodon,
    "feed": _feed,
    "mail": _mail,
}


@pytest.fixture(params=BRANDS)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        yield await MAKERS[request.param](stack)


def words(lines: list[Contribution]) -> list[str]:
    return [line.text for line in lines]


async def test_order_and_fields(stage: Stage) -> None:
    """Contributions come oldest first, each with a ref of its own, an author to tell apart, and an instant in UTC."""
    await stage.read_all()
    for number in range(5):
        stage.write(number, f"Frage {number}?")
    lines, _ = await stage.read_all()
    assert words(lines) == [f"Frage {number}?" for number in range(5)]
    assert len({line.ref for line in lines}) == len({line.author_ref for line in lines}) == 5
    assert len({line.source for line in lines}) == 1
    assert all(line.ref and line.author_ref and require_utc(line.at) for line in lines)


async def test_each_once(stage: Stage) -> None:
    """Reading on from a cursor brings what is new and nothing else; reading from an older one brings the same refs."""
    _, start = await stage.read_all()
    stage.write(0, "Eins?")
    first, cursor = await stage.read_all(start)
    assert (await stage.read_all(cursor))[0] == []
    stage.write(1, "Zwei?")
    second, _ = await stage.read_all(cursor)
    assert words(second) == ["Zwei?"]
    again, _ = await stage.read_all(start)
    assert [line.ref for line in again] == [first[0].ref, second[0].ref]


async def test_a_backlog(stage: Stage) -> None:
    """However much came, and however often the hub restarts while it reads, everything comes once, in order."""
    _, cursor = await stage.read_all()
    expected = [f"Frage Nummer {number}?" for number in range(130)]
    for number, text in enumerate(expected):
        stage.write(number, text)
    lines, cursor = await stage.read_all(cursor, fresh=True)
    assert words(lines) == expected
    assert (await stage.read_all(cursor))[0] == []


async def test_a_failure_loses_nothing(stage: Stage) -> None:
    """A look that fails raises an error of ours, and the next one from the same cursor brings everything."""
    _, cursor = await stage.read_all()
    stage.write(0, "Kommt an?")
    stage.break_once()
    with pytest.raises(PlatformError) as caught:
        await stage.open().read(stage.ref, cursor)
    assert caught.value.code in set(SourceCode)
    assert words((await stage.read_all(cursor))[0]) == ["Kommt an?"]


async def test_what_is_gone_is_not_read(stage: Stage) -> None:
    """What was deleted before it was read does not come."""
    _, cursor = await stage.read_all()
    stage.write(0, "Bleibt?")
    stage.write(1, "Gleich weg?")
    stage.delete_newest()
    assert words((await stage.read_all(cursor))[0]) == ["Bleibt?"]


@pytest.mark.parametrize("cursor", ["x", "{}", "1:2", '{"n": []}', "\x00"])
async def test_a_lost_cursor(stage: Stage, cursor: str) -> None:
    """A cursor that makes no sense begins with what is there, as the empty one does."""
    if isinstance(stage.open(), PlainSource):
        pytest.skip("the fake's cursor is a number")
    stage.write(0, "Eins?")
    assert words((await stage.read_all(cursor))[0]) == ["Eins?"]
