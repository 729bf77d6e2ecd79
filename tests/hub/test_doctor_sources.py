"""The doctor asks the mailbox, the server of hashtags and the feeds that a hub is set up to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from streamhub.commands import examine, init_workspace
from streamhub.doctor import Finding, Verdict
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store.shows import save_session, save_show
from streamhub.store.sources import SourceRow, add_source
from streamhub.store.store import Store
from tests.fakes.feeds import FakeFeeds, serve_feeds
from tests.fakes.imap import FakeImap, serve_imap
from tests.fakes.mastodon import FakeMastodon, serve_mastodon

NOW = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)


class Outside:
    """The servers that a hub reads, and a hub that is set up for them."""

    def __init__(self, folder: Path, mailbox: FakeImap, mastodon: FakeMastodon, feeds: FakeFeeds) -> None:
        self.folder, self.mailbox, self.mastodon, self.feeds = folder, mailbox, mastodon, feeds

    async def look(self, **more: str) -> Mapping[str, Finding]:
        environ = {
            "STREAMHUB_MAILBOX_HOST": self.mailbox.host,
            "STREAMHUB_MAILBOX_PORT": str(self.mailbox.port),
            "STREAMHUB_MAILBOX_SECURITY": "none",
            "STREAMHUB_MAILBOX_USER": self.mailbox.user,
            "STREAMHUB_MAILBOX_PASSWORD": self.mailbox.password,
            "STREAMHUB_MASTODON_INSTANCE": self.mastodon.url,
            "STREAMHUB_FEEDS_PRIVATE_ADDRESSES": "true",
            **more,
        }
        found = await asyncio.to_thread(examine, self.folder, environ, now=lambda: NOW)
        return {finding.check: finding for finding in found}


def plan(db: Database, address: str) -> None:
    save_show(db, Show(id="netz", title="Netz", language="de"))
    for number, state in enumerate((SessionState.OPEN, SessionState.PUBLISHED)):
        session_id = f"netz-{number}"
        save_session(db, Session(id=session_id, show_id="netz", title="Netz", starts_at=NOW, state=state))
        here = address if state is SessionState.OPEN else "https://long.over.example/feed"
        add_source(db, SourceRow(id=f"s{number}", session_id=session_id, kind="feed", address=here, added_at=NOW))


@pytest.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    workspace = init_workspace(tmp_path / "hub", title="", language="de", random=lambda size: b"\7" * size)
    async with AsyncExitStack() as stack:
        mailbox = await stack.enter_async_context(serve_imap())
        mastodon = await stack.enter_async_context(serve_mastodon())
        feeds = await stack.enter_async_context(serve_feeds())
        async with Store.open(workspace.database, now=lambda: NOW) as store:
            await store.write(lambda db: plan(db, feeds.url))
        yield Outside(workspace.folder, mailbox, mastodon, feeds)


async def test_what_answers_is_well(outside: Outside) -> None:
    """What is set up and answers is well, and the feeds of sessions that are over are left alone."""
    found = await outside.look()
    for check in ("mailbox", "mastodon", "feed"):
        assert (found[check].verdict, found[check].advice) == (Verdict.OK, ""), found[check]
    assert outside.feeds.url in found["feed"].seen
    assert outside.feeds.asked


async def test_what_does_not_answer_is_said_with_what_to_do(outside: Outside) -> None:
    """Each source that refuses is one sentence with the settings to look at, and no password stands in it."""
    outside.mailbox.folder = "Fragen"
    outside.mastodon.token = "nur für Mitglieder"
    outside.feeds.body = b"<html>keine Kommentare</html>"
    found = await outside.look()
    assert found["mailbox"].verdict is found["mastodon"].verdict is Verdict.FAIL
    assert found["mailbox"].advice == "correct folder in [mailbox]"
    assert found["mastodon"].advice == "check token_file (scope read) in [mastodon]"
    assert found["feed"].verdict is Verdict.WARN
    assert "RSS" in found["feed"].advice
    wrong = await outside.look(STREAMHUB_MAILBOX_PASSWORD="verraten")
    assert wrong["mailbox"].advice == "check user and password_file in [mailbox]"
    assert "verraten" not in str(wrong)


async def test_a_password_file_that_is_not_there(outside: Outside) -> None:
    """A secret that cannot be read is a finding of that source, and the others are asked all the same."""
    found = await outside.look(STREAMHUB_MAILBOX_PASSWORD_FILE="nirgends")
    assert found["mailbox"].verdict is Verdict.FAIL
    assert "nirgends" in found["mailbox"].seen
    assert found["mastodon"].verdict is Verdict.OK


async def test_a_hub_without_sources(outside: Outside) -> None:
    """What is not set up is not asked."""
    found = await outside.look(STREAMHUB_MAILBOX_HOST="", STREAMHUB_MASTODON_INSTANCE="", STREAMHUB_FEEDS_READ="false")
    assert not {"mailbox", "mastodon", "feed"} & found.keys()
