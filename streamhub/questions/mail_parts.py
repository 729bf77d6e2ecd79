"""A mail's pieces, whatever is wrong with its bytes: headers as text, parts without parts, and their words. Pure.

Refuses to know what a mail is for.

Source: RFC 5322, RFC 2045-2047, RFC 3676 (flowed text).
"""

from __future__ import annotations

import email.errors
import hashlib
import re
from collections.abc import Iterator, Sequence
from email.header import decode_header
from email.message import Message

MAX_TEXT = 400_000
MAX_PARTS = 100
MAX_HEADER = 10_000
MAX_REFS = 50


def header_text(mail: Message, name: str) -> str:
    """A header as text, whatever bytes it is made of; empty when it is not there."""
    value = mail.get(name)
    if value is None:
        return ""
    text = str(value)[:MAX_HEADER]
    try:
        parts = decode_header(text)
    except (email.errors.HeaderParseError, ValueError, LookupError):
        return _one_line(text)
    return _one_line("".join(decode_bytes(part, charset or "ascii") for part, charset in parts))


def _one_line(text: str) -> str:
    return " ".join(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())


def decode_bytes(part: bytes | str, charset: str) -> str:
    """Bytes as text: as they say, else as UTF-8, else as Windows writes, which never fails."""
    if isinstance(part, str):
        part = part.encode("utf-8", "surrogateescape")
    name = charset.lower().strip("\"' ")
    # Mails that say ASCII or Latin-1 mean Windows' letters, as browsers assume as well (WHATWG Encoding).
    windows = name in {"iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252", "iso-8859-15"}
    order = ["cp1252" if windows and name != "iso-8859-15" else name, "utf-8", "cp1252"]
    if name in {"us-ascii", "ascii", "unknown-8bit", "utf-7", "x-unknown", "", "default", "8bit"}:
        order = ["utf-8", "cp1252"]
    for candidate in order:
        try:
            return part.decode(candidate)
        except (LookupError, UnicodeError, ValueError):
            continue
    return part.decode("latin-1").translate(_CONTROLS)


_CONTROLS = dict.fromkeys(range(128, 160), " ")


def message_ids(mail: Message, name: str) -> list[str]:
    """The Message-IDs in a header, without brackets."""
    text = " ".join(str(value) for value in mail.get_all(name, []))[:MAX_HEADER]
    return re.findall(r"<([^<>\s]{1,500})>", text) or text.split()[:MAX_REFS]


def ref_of(message_id: str) -> str:
    """The ref of a mail: a digest, since Message-IDs name machines and sometimes people."""
    return hashlib.sha256(message_id.strip().strip("<>").encode("utf-8", "replace")).hexdigest()[:40]


def list_leaves(mail: Message) -> Iterator[Message]:
    """Parts without parts, in order; a mail within the mail is not looked into."""
    waiting, count = [mail], 0
    while waiting and count < MAX_PARTS:
        part = waiting.pop(0)
        count += 1
        inner: object = part.get_payload() if part.is_multipart() else None
        if isinstance(inner, Sequence) and not isinstance(inner, str):
            if part.get_content_type() != "message/rfc822":
                waiting[:0] = [one for one in inner if isinstance(one, Message)]
        else:
            yield part


def is_attached(part: Message) -> bool:
    """Whether a part is a file beside the text."""
    disposition = str(part.get("Content-Disposition") or "").lower()
    return disposition.strip().startswith("attachment") or bool(part.get_filename(failobj=""))


def part_text(part: Message) -> str:
    """The words of a part; empty where it has none."""
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        payload = None
    if not isinstance(payload, bytes):
        return ""
    try:
        charset = str(part.get_content_charset() or "")
    except (ValueError, LookupError):
        charset = ""
    text = decode_bytes(payload[: 4 * MAX_TEXT], charset)
    if part.get_content_type() == "text/plain" and str(part.get_param("format") or "").lower() == "flowed":
        text = _unflow(text, delete_space=str(part.get_param("delsp") or "").lower() == "yes")
    return text.replace("\x00", "")


def _unflow(text: str, *, delete_space: bool) -> str:
    """Lines that a program broke, whole again (RFC 3676); quoted lines and the signature's sign stay as they are."""
    lines: list[str] = []
    open_line = False
    for line in text.replace("\r\n", "\n").split("\n"):
        quoted = line.startswith(">")
        content = line if quoted else line.removeprefix(" ")
        flows = line.endswith(" ") and line != "-- " and not quoted
        piece = content[:-1] if flows and delete_space else content
        if open_line and not quoted and line != "-- ":
            lines[-1] += piece
        else:
            lines.append(piece)
        open_line = flows
    return "\n".join(lines)
