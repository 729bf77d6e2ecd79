"""The binary form of the index files."""

import gzip
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamhub.archive.search.codec import (
    Entry,
    decode_postings,
    decode_table,
    name_by_content,
    pack,
    unpack,
)
from streamhub.archive.search.tables import encode_entries, encode_many_postings

TERMS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(st.dictionaries(st.integers(0, 200_000), st.integers(1, 15), min_size=1, max_size=50), max_size=6))
def test_postings_round_trip(terms: list[dict[int, int]]) -> None:
    """The postings of several terms come back as they went in."""
    rising = [sorted(postings.items()) for postings in terms]
    starts = np.cumsum([0, *map(len, rising[:-1])])[: len(rising)]
    rows = np.array([pair for postings in rising for pair in postings], dtype=np.int64).reshape(-1, 2)
    data, edges = encode_many_postings(starts, rows[:, 0], rows[:, 1])
    assert [decode_postings(data[start:end]) for start, end in pairwise(edges.tolist())] == rising


@given(st.dictionaries(TERMS, st.tuples(st.integers(0, 10**6), st.binary(max_size=300)), max_size=30))
def test_table_round_trip(rows: dict[str, tuple[int, bytes]]) -> None:
    """A table comes back as it went in, with any letters."""
    entries = [Entry(term=term, count=count, postings=data) for term, (count, data) in sorted(rows.items())]
    data = encode_entries([e.term for e in entries], [e.count for e in entries], [e.postings for e in entries])
    assert list(decode_table(data)) == entries


@given(TERMS, st.integers(0, 10**6))
def test_vocabulary_round_trip(term: str, count: int) -> None:
    """A vocabulary keeps terms and counts and has no postings."""
    data = encode_entries([term], [count], None)
    assert list(decode_table(data, with_postings=False)) == [Entry(term=term, count=count)]


def test_packing_has_no_time_and_survives_a_helpful_server() -> None:
    """The same content gives the same bytes and name, and unpacking twice does no harm."""
    data = b"leitung " * 100
    assert pack(data) == pack(data)
    assert gzip.decompress(pack(data)) == data
    assert unpack(pack(data)) == unpack(data) == data
    assert name_by_content("s", data) == name_by_content("s", data) != name_by_content("s", data + b"x")
