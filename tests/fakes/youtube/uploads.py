"""Media on its way in: at once, with its resource in one body, or in pieces."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from aiohttp import web

from tests.fakes.youtube.refusal import Refusal, bad_wire
from tests.fakes.youtube.wire import Method


def read_upload(method: Method, request: web.Request, raw: bytes) -> tuple[bytes, bytes | None]:
    """The JSON and the media of a body that came in one request.

    Raises:
        Refusal: it is not what ``uploadType`` says.
    """
    kind = request.query.get("uploadType", "")
    if kind == "media":
        _check_type(method, request.headers.get("Content-Type", ""))
        return b"{}" if method.request else b"", raw
    if kind == "resumable":
        if not request.headers.get("X-Upload-Content-Type"):
            raise bad_wire(f"{method.id}: a resumable upload without X-Upload-Content-Type")
        _check_type(method, request.headers["X-Upload-Content-Type"])
        return raw, None
    if kind != "multipart":
        raise bad_wire(f"{method.id}: uploadType is {kind!r}", reason="invalidParameter", location="uploadType")
    match = re.search(r'multipart/related;.*boundary="?([^";]+)"?', request.headers.get("Content-Type", ""), re.DOTALL)
    if not match:
        raise bad_wire(f"{method.id}: a multipart upload must be multipart/related")
    pieces = raw.split(b"--" + match[1].encode())[1:-1]
    if len(pieces) != 2:
        raise bad_wire(f"{method.id}: a multipart upload has two pieces, got {len(pieces)}")
    (head, meta), (media_head, media) = (_open_piece(method, piece) for piece in pieces)
    if b"application/json" not in head.lower():
        raise bad_wire(f"{method.id}: the first piece must be JSON")
    named = re.search(rb"(?i)content-type:\s*([^\r\n;]+)", media_head)
    _check_type(method, named[1].decode() if named else "")
    return meta, media


def _check_type(method: Method, mime: str) -> None:
    if not any(fnmatch(mime.split(";", maxsplit=1)[0].strip(), pattern) for pattern in method.accepts):
        what = f"Media type '{mime}' is not supported. Valid media types: [{', '.join(method.accepts)}]"
        raise bad_wire(what, reason="badContent")


def _open_piece(method: Method, piece: bytes) -> tuple[bytes, bytes]:
    match = re.fullmatch(rb"\r?\n(.*?)\r?\n\r?\n(.*?)(\r?\n)?", piece, re.DOTALL)
    if not match:
        raise bad_wire(f"{method.id}: a piece of the upload cannot be read")
    return match[1], match[2]


@dataclass(kw_only=True)
class _Pending:
    what: tuple[Method, dict[str, Any], dict[str, Any], str, dict[str, Any]]
    size: int | None
    got: bytearray = field(default_factory=bytearray)


class Uploads:
    """Uploads that come in pieces."""

    def __init__(self) -> None:
        self._pending: dict[str, _Pending] = {}

    def begin(self, what: Any, size: str) -> str:
        """Open one; its id."""
        upload_id = secrets.token_urlsafe(24)
        self._pending[upload_id] = _Pending(what=what, size=int(size) if size.isdigit() else None)
        return upload_id

    def take(self, upload_id: str, content_range: str, raw: bytes) -> tuple[Any, bytes] | None:
        """Add a piece; what was begun and its media once it is whole, else None.

        Raises:
            Refusal: no such upload, or the piece does not follow the last one.
        """
        pending = self._pending.get(upload_id)
        if pending is None:
            raise Refusal(404, "notFound", "no such upload", domain="global")
        match = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", content_range)
        if content_range and not match:
            raise bad_wire(f"Content-Range {content_range!r} cannot be read")
        start = int(match[1]) if match and match[1] else 0
        if match and not match[1]:
            total = int(match[3]) if match[3] != "*" else None
            if total is None or total > len(pending.got):
                return None
        elif start != len(pending.got) or (match and int(match[2]) - start + 1 != len(raw)):
            raise bad_wire(f"the piece begins at {start}, but {len(pending.got)} bytes are here")
        else:
            pending.got += raw
            total = int(match[3]) if match and match[3] != "*" else (None if match else len(pending.got))
        if total is None or len(pending.got) < total:
            return None
        if pending.size is not None and pending.size != total:
            raise bad_wire(f"announced {pending.size} bytes, sent {total}")
        del self._pending[upload_id]
        return pending.what, bytes(pending.got)

    def range_of(self, upload_id: str) -> Mapping[str, str]:
        """The header that says what has arrived."""
        got = len(self._pending[upload_id].got)
        return {"Range": f"bytes=0-{got - 1}"} if got else {}
