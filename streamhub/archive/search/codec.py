"""The binary form of the index files.

Owns bytes: variable-length numbers, front-coded terms, postings, gzip. `streamhub.archive.search.tables` encodes many
terms at once. Refuses to know what terms and documents mean.
`site/static/search-engine.js` reads the same form.

A table is a sequence of entries in the order of their terms::

    varint shared   how many UTF-8 bytes the term shares with the one before
    varint length   how many bytes follow
    bytes           the rest of the term
    varint count    documents that have it
    varint size     bytes of postings that follow (absent in a vocabulary)
    postings        per document, rising: varint (distance from the one before << 4 | impact 1..15)

Every file is gzip inside, whatever the host does: the same bytes travel everywhere, and the browser has
`DecompressionStream`. Files do not end in `.gz`, since some servers then add a header that unpacks them twice.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

FORMAT_VERSION = 2
IMPACT_BITS = 4
MAX_IMPACT = (1 << IMPACT_BITS) - 1
_COMPRESSION_LEVEL = 9
_GZIP = 31  # window bits that ask zlib for the gzip form; its header carries no time

Posting = tuple[int, int]
"""Ordinal of a document and its impact, 1 to 15."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A term with its encoded postings.

    Attributes:
        term: the term.
        count: documents that have it.
        postings: encoded; empty in a vocabulary.
    """

    term: str
    count: int
    postings: bytes = b""


def encode_varint(number: int) -> bytes:
    """Encode a number of 0 or more, seven bits a byte, low ones first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def decode_varint(data: bytes, at: int) -> tuple[int, int]:
    """Decode the number at an index; returns it with the index after it."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def decode_postings(data: bytes) -> list[Posting]:
    """Decode the postings of a term."""
    postings: list[Posting] = []
    at = ordinal = 0
    while at < len(data):
        number, at = decode_varint(data, at)
        ordinal += number >> IMPACT_BITS
        postings.append((ordinal, number & MAX_IMPACT))
    return postings


def decode_table(data: bytes, *, with_postings: bool = True) -> Iterator[Entry]:
    """Decode a table of terms; without postings it is a vocabulary."""
    at = 0
    term = b""
    while at < len(data):
        shared, at = decode_varint(data, at)
        length, at = decode_varint(data, at)
        term = term[:shared] + data[at : at + length]
        count, at = decode_varint(data, at + length)
        size, at = decode_varint(data, at) if with_postings else (0, at)
        yield Entry(term=term.decode(), count=count, postings=data[at : at + size])
        at += size


def pack(data: bytes) -> bytes:
    """Gzip without a time, so that the same content gives the same bytes."""
    return zlib.compress(data, _COMPRESSION_LEVEL, wbits=_GZIP)


def unpack(data: bytes) -> bytes:
    """Undo `pack`; data that a server has unpacked already passes.

    Raises:
        ValueError: the data is cut short or damaged.
    """
    try:
        return zlib.decompress(data, wbits=_GZIP) if data[:2] == b"\x1f\x8b" else data
    except zlib.error as problem:
        raise ValueError(str(problem)) from problem


def name_by_content(prefix: str, data: bytes) -> str:
    """A file name that changes exactly when the unpacked content does."""
    return f"{prefix}-{hashlib.blake2b(data, digest_size=8).hexdigest()}.idx"
