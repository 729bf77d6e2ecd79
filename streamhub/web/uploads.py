"""Forms that may carry one photo: read piece by piece, with a limit on everything.

Owns what of a multipart body is taken, and how many are open at once; what a photo must be is
`streamhub.questions.photo`. A photo over the limit is read to its end and left out, so that everything that was typed
beside it can be shown again. A form that is no larger than texts may be needs no place among the uploads, so that
questions without a photo come in whoever holds all places.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge

from streamhub.errors import BadInput, TooMany
from streamhub.questions.photo import MAX_PHOTO_BYTES
from streamhub.web.desk import BUDGET
from streamhub.web.pages import words_of
from streamhub.web.security import BODY_TIMEOUT_S, MAX_BODY_BYTES, MAX_UPLOAD_BYTES, read_form

UPLOAD_TIMEOUT_S = 180
UPLOADS_PER_ADDRESS = 4
UPLOADS_AT_ONCE = 24
"""Each holds at most a photo's bytes in memory, for at most `UPLOAD_TIMEOUT_S`."""
RETRY_S = 10
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


class Uploads:
    """The uploads that are open, by address."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def count(self) -> int:
        """How many are open."""
        return self._open.total()

    @contextlib.contextmanager
    def take_place(self, request: web.Request) -> Iterator[None]:
        """Hold a place for an upload.

        Raises:
            TooMany: the address, or everybody together, has too many open.
        """
        say, address = words_of(request), request.app[BUDGET].address(request)
        hint = say("Please send your question again in a moment, or without the photo.")
        if self._open[address] >= UPLOADS_PER_ADDRESS:
            raise TooMany(
                say("Several photos are on their way from your connection already."), hint=hint, retry_after_s=RETRY_S
            )
        if self.count() >= UPLOADS_AT_ONCE:
            raise TooMany(say("Very many photos arrive just now."), hint=hint, retry_after_s=RETRY_S)
        self._open[address] += 1
        try:
            yield
        finally:
            self._open[address] -= 1
            self._open += Counter()  # forgets addresses without any


UPLOADS: web.AppKey[Uploads] = web.AppKey("uploads", Uploads)


def is_multipart(request: web.Request) -> bool:
    """Whether a form with files is sent."""
    return request.content_type == "multipart/form-data"


@contextlib.asynccontextmanager
async def open_sent_form(request: web.Request) -> AsyncIterator[SentForm]:
    """Read a form that may carry a photo, or a plain one; its place among the uploads is held until it is dealt with.

    Raises:
        BadInput: slow, or not readable.
        TooMany: too many uploads are open; nothing was read then.
        HTTPRequestEntityTooLarge: more than the texts of a form may be, or far more than a photo.
    """
    if not is_multipart(request):
        yield SentForm(fields=await read_form(request))
    elif request.content_length is not None and request.content_length <= MAX_BODY_BYTES:
        yield await _read_in_time(request, BODY_TIMEOUT_S)
    else:
        with request.app[UPLOADS].take_place(request):
            yield await _read_in_time(request, UPLOAD_TIMEOUT_S)


async def _read_in_time(request: web.Request, timeout_s: float) -> SentForm:
    try:
        async with asyncio.timeout(timeout_s):
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
