"""A small IMAP4rev1 server on a loopback socket, as far as a reader goes that changes nothing.

LOGIN, AUTHENTICATE PLAIN, EXAMINE and SELECT with UIDVALIDITY and UIDNEXT, UID SEARCH by range and by SINCE, UID FETCH
of sizes, dates and bodies as literals, NOOP, LOGOUT; with TLS from the first byte where a test gives a certificate.
Anything that would change the mailbox is refused, and noted.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass
class FakeImap:
    """Mails by UID, and what to do wrong."""

    user: str = "fragen"
    password: str = "geheim"
    folder: str = "INBOX"
    validity: int = 7
    mails: dict[int, tuple[bytes, datetime]] = field(default_factory=dict)
    next_uid: int = 1
    refusal: str = ""
    drop_at: str = ""
    drop_once: bool = False
    silent: bool = False
    sizes: dict[int, int] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    host: str = "127.0.0.1"
    port: int = 0
    fetched: list[int] = field(default_factory=list)

    def deliver(self, raw: bytes, *, at: datetime = START) -> int:
        uid, self.next_uid = self.next_uid, self.next_uid + 1
        self.mails[uid] = (raw, at)
        return uid

    def rebuild(self) -> None:
        """The server forgets its UIDs, as after a restore: same mails, other numbers."""
        kept = [self.mails[uid] for uid in sorted(self.mails)]
        self.validity += 1
        self.mails = {number + 100: mail for number, mail in enumerate(kept)}
        self.next_uid = 100 + len(kept)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.silent:
                await reader.read()
                return
            writer.write(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
            while line := await reader.readline():
                tag, _, command = line.decode("utf-8", "replace").strip().partition(" ")
                self.commands.append(command)
                if (self.drop_at and self.drop_at in command) or self.drop_once:
                    self.drop_once = False
                    return
                if not await self._answer(tag, command, reader, writer):
                    return
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(  # noqa: PLR0911  one for each kind of command
        self, tag: str, command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        verb, _, rest = command.partition(" ")
        say = lambda text: writer.write(text.encode() + b"\r\n")  # noqa: E731
        match verb.upper():
            case "CAPABILITY":
                say("* CAPABILITY IMAP4rev1 AUTH=PLAIN")
            case "NOOP":
                pass
            case "LOGIN":
                user, password = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', rest)[:2]
                given = [
                    (quoted or bare).replace('\\"', '"').replace("\\\\", "\\") for quoted, bare in (user, password)
                ]
                return self._sign_in(tag, given[0], given[1], say)
            case "AUTHENTICATE":
                say("+ ")
                await writer.drain()
                _, user, password = base64.b64decode(await reader.readline()).decode("utf-8").split("\0")
                return self._sign_in(tag, user, password, say)
            case "EXAMINE" | "SELECT":
                if rest.strip('"') != self.folder:
                    say(f"{tag} NO [NONEXISTENT] no such folder")
                    return True
                say(f"* {len(self.mails)} EXISTS")
                say("* 0 RECENT")
                say(f"* OK [UIDVALIDITY {self.validity}] valid")
                say(f"* OK [UIDNEXT {self.next_uid}] next")
                say(f"{tag} OK [{'READ-ONLY' if verb.upper() == 'EXAMINE' else 'READ-WRITE'}] done")
                return True
            case "UID":
                return self._uid(tag, rest, writer)
            case "LOGOUT":
                say("* BYE bye")
                say(f"{tag} OK bye")
                return False
            case _:
                say(f"{tag} BAD unknown")
                return True
        say(f"{tag} OK done")
        return True

    def _sign_in(self, tag: str, user: str, password: str, say: object) -> bool:
        if self.refusal:
            say(f"{tag} NO {self.refusal}")  # type: ignore[operator]
        elif (user, password) == (self.user, self.password):
            say(f"{tag} OK signed in")  # type: ignore[operator]
        else:
            say(f"{tag} NO [AUTHENTICATIONFAILED] wrong")  # type: ignore[operator]
        return True

    def _uid(self, tag: str, rest: str, writer: asyncio.StreamWriter) -> bool:
        verb, _, rest = rest.partition(" ")
        if verb.upper() == "SEARCH":
            found = " ".join(map(str, self._search(rest)))
            writer.write(f"* SEARCH {found}".rstrip().encode() + b"\r\n")
        elif verb.upper() == "FETCH":
            uids, _, parts = rest.partition(" ")
            for number, uid in enumerate(sorted(self.mails), start=1):
                if uid in self._range(uids):
                    writer.write(self._fetch(number, uid, parts))
        else:
            writer.write(f"{tag} NO [NOPERM] this mailbox is not changed\r\n".encode())
            return True
        writer.write(f"{tag} OK done\r\n".encode())
        return True

    def _search(self, criteria: str) -> list[int]:
        if found := re.fullmatch(r"\(?UID (\S+?)\)?", criteria):
            return sorted(self._range(found[1]))
        if found := re.fullmatch(r"\(?SINCE (\d+)-(\w{3})-(\d{4})\)?", criteria):
            since = datetime(int(found[3]), _MONTHS.index(found[2]) + 1, int(found[1]), tzinfo=UTC)
            return [uid for uid, (_, at) in sorted(self.mails.items()) if at >= since]
        return sorted(self.mails)

    def _range(self, text: str) -> set[int]:
        found: set[int] = set()
        highest = max(self.mails, default=0)
        for part in text.split(","):
            begin, colon, end = part.partition(":")
            low = int(begin)
            high = highest if end == "*" else int(end or begin)
            if colon and low > high:  # RFC 3501: the order of a range means nothing, so "9:*" holds the last mail
                low, high = high, low
            found |= {uid for uid in self.mails if low <= uid <= high}
        return found

    def _fetch(self, number: int, uid: int, parts: str) -> bytes:
        raw, at = self.mails[uid]
        head = f"* {number} FETCH (UID {uid}"
        if "RFC822.SIZE" in parts:
            head += f" RFC822.SIZE {self.sizes.get(uid, len(raw))}"
        if "INTERNALDATE" in parts:
            head += f' INTERNALDATE "{at.day:2d}-{_MONTHS[at.month - 1]}-{at:%Y %H:%M:%S} +0000"'
        if "BODY.PEEK[]" in parts:
            self.fetched.append(uid)
            return f"{head} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n"
        assert "BODY[" not in parts, "a look that marks mails as read"
        return f"{head})\r\n".encode()


def _unquote(found: tuple[str, str]) -> str:
    quoted, bare = found
    return (quoted or bare).replace('\\"', '"').replace("\\\\", "\\")


@asynccontextmanager
async def serve_imap(*, trust: ssl.SSLContext | None = None) -> AsyncIterator[FakeImap]:
    fake = FakeImap()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0, ssl=trust)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        await server.wait_closed()
