"""Forms that may carry one photo: read piece by piece, with a limit on everything.

Owns what of a multipart body is taken; what a photo must be is `streamhub.questions.photo`. A photo over the limit is
read to its end and left out, so that everything that was typed beside it can be shown again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge

from streamhub.errors import BadInput
from streamhub.questions.photo import MAX_PHOTO_BYTES
from streamhub.web.security import MAX_BODY_BYTES, MAX_UPLOAD_BYTES, read_form

UPLOAD_TIMEOUT_S = 180
PHOTO_FIELD = "photo"

_MAX_FIELDS = 40
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class SentForm:
    """A form as it was sent.

    Attributes:
        fields: its texts.
        photo: the bytes of its photo; empty when none was chosen.
        oversized: whether the photo was larger than photos may be, and was left out.
    """

    fields: dict[str, str]
    photo: bytes = b""
    oversized: bool = False


def is_multipart(request: web.Request) -> bool:
    """Whether a form with files is sent."""
    return request.content_type == "multipart/form-data"


async def read_sent_form(request: web.Request) -> SentForm:
    """Read a form that may carry a photo, or a plain one.

    Raises:
        BadInput: slow, or not readable.
        HTTPRequestEntityTooLarge: more than the texts of a form may be, or far more than a photo.
    """
    if not is_multipart(request):
        return SentForm(fields=await read_form(request))
    try:
        async with asyncio.timeout(UPLOAD_TIMEOUT_S):
            return await _read_parts(request)
    except (TimeoutError, ValueError, LookupError, AssertionError, RuntimeError, HttpProcessingError) as error:
        raise BadInput(f"form: cannot be read ({type(error).__name__})", hint="send it again") from error


@dataclass(kw_only=True, slots=True)
class _Reading:
    """What was taken so far of one body."""

    fields: dict[str, str] = field(default_factory=dict)
    photo: bytes = b""
    oversized: bool = False
    text_bytes: int = 0
    taken_bytes: int = 0

    async def take(self, part: BodyPartReader) -> None:
        """Read a part to its end, and keep what may be kept."""
        is_photo = part.name == PHOTO_FIELD and part.filename is not None
        kept = bytearray()
        while piece := await part.read_chunk(_PIECE_BYTES):
            self.taken_bytes += len(piece)
            self.text_bytes += 0 if is_photo else len(piece)
            _require_less(self.taken_bytes, MAX_UPLOAD_BYTES)
            _require_less(self.text_bytes, MAX_BODY_BYTES)
            if not is_photo or len(kept) <= MAX_PHOTO_BYTES:
                kept += piece
        if is_photo:
            self.oversized = self.oversized or len(kept) > MAX_PHOTO_BYTES
            self.photo = b"" if self.oversized else bytes(kept)
        elif part.name and part.filename is None:
            self.fields[part.name] = kept.decode("utf-8", "replace")


async def _read_parts(request: web.Request) -> SentForm:
    reading, count = _Reading(), 0
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        count += 1
        if not isinstance(part, BodyPartReader) or count > _MAX_FIELDS:
            raise BadInput("form: nested, or too many fields", hint="send it from the hub's own page")
        await reading.take(part)
    return SentForm(fields=reading.fields, photo=reading.photo, oversized=reading.oversized)


def _require_less(count_bytes: int, most_bytes: int) -> None:
    if count_bytes > most_bytes:
        raise HTTPRequestEntityTooLarge(max_size=most_bytes, actual_size=count_bytes)
