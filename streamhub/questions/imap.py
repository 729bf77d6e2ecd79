"""A mailbox as a source of contributions: read by IMAP and left as it is, nothing in it is marked, moved or deleted.

Owns the connection and how far the mailbox was read: by UID, as long as the server's UIDVALIDITY is the same; else
again from the day of the last look on, where the mails' own ids keep everything from being taken twice. imap-tools is
synchronous; every look works in a thread with a connection of its own. Refuses to know what a mail says
(`streamhub.questions.letter`, `streamhub.questions.notice_mail`) and what a question is.

Source: RFC 3501, RFC 5530 (response codes).
"""

from __future__ import annotations

import asyncio
import imaplib
import logging
import re
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError
from imap_tools.mailbox import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted

from streamhub.config import MailboxSettings
from streamhub.errors import PlatformError
from streamhub.questions.intake import Batch, Contribution, Skip
from streamhub.questions.letter import Letter, parse_letter
from streamhub.questions.notice import Notice
from streamhub.questions.notice_mail import parse_notice
from streamhub.questions.trouble import SourceCode, make_source_error
from streamhub.timecode import Now

LOG = logging.getLogger("streamhub.questions.mail")
SOURCE = "mail"
NAME = "Mail"
EVERY_S = 30.0
PAGE = 50
"""Mails of one look; what is beyond them follows in the next one, at once."""
MAX_PAGE_BYTES = 40_000_000
TIMEOUT_S = 20.0
FIRST_DAYS = 7
"""A first look goes back so far: a mailbox may have had a life before."""

_SIZE = re.compile(rb"RFC822\.SIZE (\d+)", re.IGNORECASE)
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_ARRIVED = re.compile(rb'INTERNALDATE "([^"]{1,40})"', re.IGNORECASE)
_PASSES = re.compile(r"\[(?:UNAVAILABLE|SERVERBUG|INUSE|LIMIT)\]", re.IGNORECASE)
_LITERAL = re.compile(rb"\{\d+\}$")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """How far the mailbox was read.

    Attributes:
        validity: the server's UIDVALIDITY.
        uid: the last one that was read.
        day: of the last look, UTC; None at first.
    """

    validity: int = 0
    uid: int = 0
    day: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Envelope:
    """What the server says of a mail before it is fetched."""

    uid: int
    size_bytes: int
    arrived_at: datetime | None


@dataclass(kw_only=True, slots=True)
class _Page:
    """What a look has read so far."""

    lines: list[Contribution] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    skipped: Counter[Skip] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailbox:
    """One folder of one mailbox.

    Attributes:
        settings: where it is.
        password: with which to sign in.
        now: the clock.
        trust: certificates to trust; None: those of the system.
        timeout_s: how long each answer of the server may take.
    """

    settings: MailboxSettings
    password: str = field(repr=False)
    now: Now
    trust: ssl.SSLContext | None = None
    timeout_s: float = TIMEOUT_S

    async def probe(self) -> str:
        """Look whether the folder can be opened, and say what was seen; reads no mail.

        Raises:
            PlatformError: the server refuses or does not answer.
        """

        def look() -> int:
            with self._opened() as box:
                return _number(box, "EXISTS")

        mails = await self._in_thread(look)
        return f"{self.settings.host} opens {self.settings.folder}, {mails} mails"

    async def read(self, ref: str, cursor: str) -> Batch:
        """The mails that arrived since the cursor; an empty one begins a week ago.

        Args:
            ref: means nothing: there is one mailbox.
            cursor: of the batch before; empty at first.

        Raises:
            PlatformError: the server refuses or does not answer.
        """
        return await self._in_thread(lambda: self._read(_parse_cursor(cursor)))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except (ImapToolsError, imaplib.IMAP4.error, OSError, EOFError, ValueError) as error:
            raise self._translate(error) from error

    def _translate(self, error: Exception) -> PlatformError:
        host, reason = self.settings.host, type(error).__name__
        if isinstance(error, ssl.SSLCertVerificationError):
            return make_source_error(SourceCode.NOT_TRUSTED, host, reason=reason)
        if isinstance(error, MailboxLoginError):
            code = SourceCode.UNREACHABLE if _PASSES.search(str(error)) else SourceCode.SIGN_IN
            return make_source_error(code, host, reason=reason)
        if isinstance(error, MailboxFolderSelectError):
            return make_source_error(SourceCode.NO_FOLDER, host, reason=reason, folder=self.settings.folder)
        if isinstance(error, imaplib.IMAP4.abort | OSError | EOFError):
            return make_source_error(SourceCode.UNREACHABLE, host, reason=reason)
        if isinstance(error, imaplib.IMAP4.error) and not isinstance(error, imaplib.IMAP4.readonly):
            return make_source_error(SourceCode.UNREACHABLE, host, reason=reason)
        return make_source_error(SourceCode.BROKEN, host, reason=reason)

    # In a thread.

    def _read(self, seen: _Seen) -> Batch:
        with self._opened() as box:
            validity = _number(box, "UIDVALIDITY")
            uids = self._new_uids(box, seen, validity)
            page, taken = uids[:PAGE], _Page()
            last, weight = (seen.uid if validity == seen.validity else 0), 0
            for envelope in _envelopes(box, page):
                if weight and weight + envelope.size_bytes > MAX_PAGE_BYTES:
                    break
                weight += self._take(box, envelope, taken)
                last = envelope.uid
            else:  # mails that were deleted a moment ago are behind us, too
                last = page[-1] if page else max(last, _number(box, "UIDNEXT") - 1)
        more = any(uid > last for uid in uids)
        cursor = _format_cursor(_Seen(validity=validity, uid=last, day=self.now().date()))
        return Batch(
            contributions=tuple(taken.lines),
            cursor=cursor,
            wait_s=0.0,
            more=more,
            skipped=taken.skipped,
            notices=tuple(taken.notices),
        )

    def _new_uids(self, box: BaseMailBox, seen: _Seen, validity: int) -> list[int]:
        if seen.day is not None and seen.validity == validity:
            found = box.uids(f"UID {seen.uid + 1}:*", charset=None)
            # A range always holds the last mail, however old it is.
            return sorted(uid for uid in map(int, found) if uid > seen.uid)
        day = seen.day - timedelta(days=1) if seen.day else (self.now() - timedelta(days=FIRST_DAYS)).date()
        return sorted(map(int, box.uids(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year}", charset=None)))

    def _take(self, box: BaseMailBox, envelope: _Envelope, taken: _Page) -> int:
        """Read one mail; returns how many bytes that took."""
        if envelope.size_bytes > self.settings.max_mb * 1_000_000:
            taken.skipped[Skip.TOO_LARGE] += 1
            return 0
        raw = _fetch_raw(box, envelope.uid)
        if raw is None:  # deleted a moment ago
            return 0
        letter = _parse(raw, self.settings.address, envelope.uid)
        if isinstance(letter, Notice):
            taken.notices.append(letter)
            return len(raw)
        if letter is None:
            taken.skipped[Skip.UNREADABLE] += 1
            return len(raw)
        if letter.automatic or letter.unreadable or not letter.text:
            reason = Skip.AUTOMATIC if letter.automatic else Skip.UNREADABLE if letter.unreadable else Skip.EMPTY
            taken.skipped[reason] += 1
            return len(raw)
        line = Contribution(
            source=SOURCE,
            ref=letter.ref,
            author=letter.author,
            author_ref=letter.author_ref,
            text=letter.text,
            # When it arrived: what a mail says itself is as good as its sender's clock.
            at=envelope.arrived_at or letter.at or self.now(),
            addressed_to=letter.addressed_to,
            reply_to=letter.reply_to,
            suspect=letter.suspect,
        )
        taken.lines.append(line)
        return len(raw)

    @contextmanager
    def _opened(self) -> Iterator[BaseMailBox]:
        settings = self.settings
        box: BaseMailBox
        if settings.security == "tls":
            box = MailBox(settings.host, settings.port, timeout=self.timeout_s, ssl_context=self._context())
        elif settings.security == "starttls":
            box = MailBoxStartTls(settings.host, settings.port, timeout=self.timeout_s, ssl_context=self._context())
        else:
            box = MailBoxUnencrypted(settings.host, settings.port, timeout=self.timeout_s)
        try:
            plain = settings.user.isascii() and self.password.isascii()
            sign_in = box.login if plain else box.login_utf8
            sign_in(settings.user, self.password, initial_folder=None)
            box.folder.set(settings.folder, readonly=True)
            yield box
        finally:
            with suppress(ImapToolsError, imaplib.IMAP4.error, OSError, EOFError):
                box.logout()
            with suppress(OSError):  # a lost connection cannot be logged out of, and would stay open
                box.client.shutdown()

    def _context(self) -> ssl.SSLContext:
        return self.trust or ssl.create_default_context()


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""As the protocol writes them, whatever language the machine speaks."""


def _number(box: BaseMailBox, name: str) -> int:
    """A number that the server said when the folder was opened; 0 when it did not."""
    _, data = box.client.response(name)
    value = data[-1] if data else None
    return int(value) if isinstance(value, bytes) and value.isdigit() else 0


def _envelopes(box: BaseMailBox, uids: Sequence[int]) -> list[_Envelope]:
    """Sizes and arrivals of mails, by UID; those that the server keeps to itself count as empty."""
    if not uids:
        return []
    kind, data = box.client.uid("fetch", ",".join(map(str, uids)), "(UID RFC822.SIZE INTERNALDATE)")
    if kind != "OK":
        raise imaplib.IMAP4.error("sizes are not told")
    known: Mapping[int, _Envelope] = {found.uid: found for line in data if (found := _envelope(line))}
    return [known[uid] for uid in uids if uid in known]


def _envelope(line: object) -> _Envelope | None:
    text = b" ".join(part for part in line if isinstance(part, bytes)) if isinstance(line, tuple) else line
    if not isinstance(text, bytes) or not (uid := _UID.search(text)):
        return None
    size, arrived = _SIZE.search(text), _ARRIVED.search(text)
    at: datetime | None = None
    if arrived:
        with suppress(ValueError, TypeError):
            at = parsedate_to_datetime(arrived[1].decode("ascii", "replace").strip().replace("-", " ", 2)).astimezone(
                UTC
            )
    return _Envelope(uid=int(uid[1]), size_bytes=int(size[1]) if size else 0, arrived_at=at)


def _fetch_raw(box: BaseMailBox, uid: int) -> bytes | None:
    """The bytes of a mail, unmarked; None when it is not there any more."""
    kind, data = box.client.uid("fetch", str(uid), "(BODY.PEEK[])")
    if kind != "OK":
        raise imaplib.IMAP4.error("a mail is not given")
    parts = [part for part in data if isinstance(part, tuple) and len(part) == 2]
    found = [body for head, body in parts if isinstance(body, bytes) and _LITERAL.search(head)]
    return found[0] if found else None


def _parse(raw: bytes, address: str, uid: int) -> Letter | Notice | None:
    """A mail, read; None for one that no rule foresaw: it must not keep the others from being read."""
    try:
        return parse_notice(raw) or parse_letter(raw, address=address)
    except Exception:
        LOG.exception("mail_unreadable uid=%s size_bytes=%s", uid, len(raw))
        return None


def _parse_cursor(cursor: str) -> _Seen:
    validity, _, rest = cursor.partition(":")
    uid, _, day = rest.partition(":")
    try:
        return _Seen(validity=int(validity), uid=int(uid), day=date.fromisoformat(day))
    except ValueError:
        return _Seen()  # begin with what is there: nothing is taken twice


def _format_cursor(seen: _Seen) -> str:
    return f"{seen.validity}:{seen.uid}:{seen.day}"
