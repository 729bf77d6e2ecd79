"""The binary form of the index files."""

import gzip

from hypothesis import given
from hypothesis import strategies as st

from streamhub.archive.search.codec import (
    Entry,
    decode_postings,
    decode_table,
    encode_postings,
    encode_table,
    name_by_content,
    pack,
    unpack,
)

TERMS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.dictionaries(st.integers(0, 200_000), st.integers(1, 15), max_size=50))
def test_postings_round_trip(postings: dict[int, int]) -> None:
    """Postings come back as they went in."""
    rising = sorted(postings.items())
    assert decode_postings(encode_postings(rising)) == rising


@given(st.dictionaries(TERMS, st.tuples(st.integers(0, 10**6), st.binary(max_size=300)), max_size=30))
def test_table_round_trip(rows: dict[str, tuple[int, bytes]]) -> None:
    """A table comes back as it went in, with any letters."""
    entries = [Entry(term=term, count=count, postings=data) for term, (count, data) in sorted(rows.items())]
    assert list(decode_table(encode_table(entries))) == entries


@given(TERMS, st.integers(0, 10**6))
def test_vocabulary_round_trip(term: str, count: int) -> None:
    """A vocabulary keeps terms and counts and has no postings."""
    entry = Entry(term=term, count=count, postings=b"never written")
    data = encode_table([entry], with_postings=False)
    assert list(decode_table(data, with_postings=False)) == [Entry(term=term, count=count)]


def test_packing_has_no_time_and_survives_a_helpful_server() -> None:
    """The same content gives the same bytes and name, and unpacking twice does no harm."""
    data = b"leitung " * 100
    assert pack(data) == pack(data)
    assert gzip.decompress(pack(data)) == data
    assert unpack(pack(data)) == unpack(data) == data
    assert name_by_content("s", data) == name_by_content("s", data) != name_by_content("s", data + b"x")
