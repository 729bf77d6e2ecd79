"""The index put together from records: what is kept changes its cost, and never its bytes."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.archive.search.assembly import IndexBuilder
from streamhub.archive.search.document import SearchDocument, Turn
from streamhub.archive.search.lexicon import Lexicon
from streamhub.archive.search.record import RECORD_VERSION, analyse, read_record
from streamhub.errors import BadInput, Conflict

PARTS = ["Haus", "Miete", "Vertrag", "Rohr", "Pumpe", "Wärme", "Kessel", "Zähler", "Dose", "Kabel", "Netz", "Bogen"]
NOUNS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map(lambda parts: "".join(parts).capitalize())
SENTENCES = st.lists(NOUNS, min_size=1, max_size=8).map(lambda nouns: "Wir sahen " + " und ".join(nouns) + ".")


def build(documents: Iterable[SearchDocument], memory: bytes = b"") -> tuple[dict[str, bytes | None], bytes]:
    with IndexBuilder(service_nouns=["Rad"], memory=memory) as builder:
        for document in documents:
            builder.add(analyse(document))
        return dict(builder.files()), builder.keep()


def documents_of(sentences: Iterable[str]) -> list[SearchDocument]:
    return [
        SearchDocument(id=f"d{n}", url="x/", language="de", question=text, date="2026-01-01")
        for n, text in enumerate(sentences)
    ]


@given(st.lists(SENTENCES, max_size=6), st.lists(SENTENCES, max_size=6))
@settings(max_examples=60, deadline=None)
def test_memory_never_changes_the_index(before: list[str], after: list[str]) -> None:
    """With the memory of an earlier archive, whatever it was, the index has the bytes that it has without."""
    _, memory = build(documents_of(before))
    from_scratch, kept = build(documents_of(after))
    again, kept_again = build(documents_of(after), memory)
    assert again == from_scratch
    assert build(documents_of(after), kept_again)[0] == from_scratch
    assert build(documents_of(after), kept)[0] == from_scratch


def test_known_words_are_not_looked_at_again(archive: list[SearchDocument], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a memory, only the words of a new answer are stemmed."""
    _, memory = build(archive)
    stemmed: list[str] = []
    own_terms = Lexicon._own_terms
    monkeypatch.setattr(Lexicon, "_own_terms", lambda self, word: stemmed.append(word) or own_terms(self, word))
    new = replace(archive[0], id="new", question="quittengelb", turns=())
    build([*archive, new], memory)
    assert stemmed == ["quittengelb"]


@pytest.mark.parametrize("memory", [b"x", b"\xc1", b"\x91\x80", b"\x91\x81\xa9answer de\xc4\x01x"])
def test_a_damaged_memory_counts_as_none(archive: list[SearchDocument], memory: bytes) -> None:
    """What cannot be read is not trusted, and costs no more than starting anew."""
    assert build(archive, memory)[0] == build(archive)[0]


def test_little_memory_makes_the_same_files(archive: list[SearchDocument], monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that wait on the disk, in small chunks and narrow ranges, come to the same bytes."""
    expected = build(archive)[0]
    monkeypatch.setattr("streamhub.archive.search.assembly.CHUNK_WORDS", 7)
    monkeypatch.setattr("streamhub.archive.search.assembly.RANGE_WORDS", 11)
    with IndexBuilder(service_nouns=["Rad"], memory_bytes=16) as builder:
        for document in reversed(archive):
            builder.add(analyse(document))
        assert dict(builder.files()) == expected


def test_documents_that_come_together_make_the_same_files(archive: list[SearchDocument]) -> None:
    """All at once, one by one, or by the handful: the same bytes."""
    expected = build(archive)[0]
    for size in (3, len(archive)):
        with IndexBuilder(service_nouns=["Rad"]) as builder:
            for at in range(0, len(archive), size):
                builder.add(*map(analyse, archive[at : at + size]))
            assert dict(builder.files()) == expected


def test_present_files_are_not_made_again(archive: list[SearchDocument]) -> None:
    """A file that is there already is named without its content; the manifest always comes."""
    files, _ = build(archive)
    with IndexBuilder(service_nouns=["Rad"]) as builder:
        for document in archive:
            builder.add(analyse(document))
        again = dict(builder.files(present=files.__contains__))
    assert again.keys() == files.keys()
    assert {path for path, content in again.items() if content} == {
        f"{folder}/{language}/m.json" for folder in ("search", "speech") for language in ("de", "en")
    }


def test_records_are_small_and_pure(make_document: Callable[..., SearchDocument]) -> None:
    """The same answer has the same record, and what is not in it is not in the record."""
    document = make_document(
        answer_text="Die Amts-Leitung und die Leitung.", turns=(Turn(start_ms=1, text="Und die!"),)
    )
    assert analyse(document) == analyse(replace(document))
    record = read_record(analyse(document))
    assert record.words.split("\n") == ["amts-leitung", "die", "frage", "leitung", "und"]
    assert len(analyse(document)) < 120


def test_records_of_another_version_are_refused(make_document: Callable[..., SearchDocument]) -> None:
    """A record that this program did not make is refused with what to do."""
    with pytest.raises(BadInput, match="cannot be read"):
        read_record(b"nonsense")
    with pytest.raises(BadInput, match="version 9"):
        read_record(analyse(make_document()).replace(bytes((0x9A, RECORD_VERSION)), b"\x9a\x09", 1))


def test_an_id_comes_once(make_document: Callable[..., SearchDocument]) -> None:
    """Two documents of one id are refused by name, in either language."""
    with IndexBuilder() as builder:
        builder.add(analyse(make_document("same")))
        with pytest.raises(Conflict, match="search document same"):
            builder.add(analyse(make_document("same", language="en")))
