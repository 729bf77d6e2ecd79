"""A whole hub that listens to a hashtag, a feed and a mailbox, killed again and again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import sources as rows
from streamhub.store.shows import save_session, save_show
from streamhub.store.store import Store
from tests.fakes.feeds import serve_feeds
from tests.fakes.imap import serve_imap
from tests.fakes.mastodon import serve_mastodon

ROOT = Path(__file__).resolve().parents[2]
NAME = "2027-03-02-netz"
PASSWORD = "geheim-4711"
TOKEN = "token-4712"
KILLS = 4


def plan(db: Database, feed_url: str) -> None:
    now = datetime.now(UTC)
    save_show(db, Show(id="netz", title="Netz"))
    starts_at = now + timedelta(hours=1)
    save_session(db, Session(id=NAME, show_id="netz", title="Netz", starts_at=starts_at, state=SessionState.OPEN))
    for number, (kind, address) in enumerate([("mastodon", "#netz"), ("feed", feed_url)]):
        row = rows.SourceRow(id=f"s{number}", session_id=NAME, kind=kind, address=address, added_at=now)
        rows.add_source(db, row)


def texts(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return [row[0] for row in db.execute("select text from questions")]


@pytest.mark.timeout(300)
async def test_killed_while_reading(workspace: Path) -> None:
    """Every post, comment and mail becomes one question, however often the hub is killed; no secret is in its log."""
    rng, said = random.Random(7), []
    now = datetime.now(UTC)
    async with serve_mastodon() as tags, serve_feeds() as feed, serve_imap() as mail:
        tags.token, mail.password, feed.shown = TOKEN, PASSWORD, 200
        async with Store.open(workspace / "hub.sqlite3", now=lambda: datetime.now(UTC)) as store:
            await store.write(lambda db: plan(db, feed.url))
        (workspace / "mail.txt").write_text(f"{PASSWORD}\n")
        (workspace / "mail.txt").chmod(0o600)
        environ = {
            **os.environ,
            "STREAMHUB_MASTODON_INSTANCE": tags.url,
            "STREAMHUB_MASTODON_TOKEN": TOKEN,
            "STREAMHUB_FEEDS_PRIVATE_ADDRESSES": "true",
            "STREAMHUB_MAILBOX_HOST": mail.host,
            "STREAMHUB_MAILBOX_PORT": str(mail.port),
            "STREAMHUB_MAILBOX_SECURITY": "none",
            "STREAMHUB_MAILBOX_USER": mail.user,
            "STREAMHUB_MAILBOX_PASSWORD_FILE": "mail.txt",
            "STREAMHUB_MAILBOX_ADDRESS": "fragen@firma.de",
        }

        def write(count: int) -> None:
            for _ in range(count):
                number = len(said)
                at = now + timedelta(milliseconds=number)
                kinds = ("Post", "Kommentar", "Mail")
                said.extend(f"{kind} Nummer {number}?" for kind in kinds)
                tags.post(said[-3], acct=f"a{number}", at=at)
                feed.comment(said[-2], author=f"b{number}", at=at)
                head = (
                    f"From: c{number}@kunde.example\r\nTo: fragen+{NAME}@firma.de\r\nMessage-ID: <{number}@k.example>"
                )
                mail.deliver(f"{head}\r\nContent-Type: text/plain\r\n\r\n{said[-1]}\r\n".encode(), at=at)

        log = b""
        for kill in range(KILLS + 1):
            write(12)
            command = [sys.executable, "-m", "streamhub", "serve", "-w", str(workspace)]
            pipe = asyncio.subprocess.PIPE
            hub = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environ, stdout=pipe, stderr=pipe)
            try:
                async with asyncio.timeout(120):
                    seen = len(tags.calls) + len(feed.asked) + len(mail.commands)
                    while len(tags.calls) + len(feed.asked) + len(mail.commands) < seen + rng.randint(1, 9):
                        await asyncio.sleep(0.01)
                    while kill == KILLS and len(set(texts(workspace / "hub.sqlite3"))) < len(said):
                        await asyncio.sleep(0.1)
                await asyncio.sleep(rng.random() if kill % 2 else 0)
            finally:
                hub.send_signal(signal.SIGTERM if kill == KILLS else signal.SIGKILL)
                out, err = await hub.communicate()
            log += out + err
        assert Counter(texts(workspace / "hub.sqlite3")) == Counter(said)
        assert hub.returncode == 0, err.decode()
    for secret in (PASSWORD, TOKEN, "Nummer", "kunde.example"):
        assert secret.encode() not in log
    assert b"Traceback" not in log, log.decode()
