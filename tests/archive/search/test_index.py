"""Building the index: names, bytes, fragments, and what is findable."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.archive.search import assembly
from streamhub.archive.search.codec import decode_table, unpack
from streamhub.archive.search.document import SearchDocument, Turn
from streamhub.archive.search.index import plan_index
from streamhub.archive.search.query import SearchIndex, search
from streamhub.archive.search.tables import plan_cuts
from streamhub.errors import BadInput, Conflict
from streamhub.wordforms.analysis import split_words

SYLLABLES = ["ba", "ker", "lo", "min", "tas", "fu", "rel", "dok", "schi", "gan", "po", "wett"]
WORDS = st.lists(st.sampled_from(SYLLABLES), min_size=2, max_size=4).map("".join)
TEXTS = st.lists(WORDS, min_size=1, max_size=12)


def test_same_documents_same_bytes(archive: list[SearchDocument], files: dict[str, bytes]) -> None:
    """The order in which documents come and the time of day change nothing."""
    assert plan_index(reversed(archive)) == files


def test_every_named_file_is_there(files: dict[str, bytes]) -> None:
    """The manifest names exactly the files of its folder."""
    for language in ("de", "en"):
        folder = f"search/{language}/"
        manifest = json.loads(files[folder + "m.json"])
        named = {name for _, name in manifest["shards"]} | set(manifest["tables"]) | {manifest["vocabulary"], "m.json"}
        named |= set(manifest["facets"].values())
        assert named == {path.removeprefix(folder) for path in files if path.startswith(folder)}


@pytest.mark.parametrize(("few", "tables"), [(100, 2), (5, 4)])
def test_answers_are_found_by_however_long_tables(
    monkeypatch: pytest.MonkeyPatch, archive: list[SearchDocument], few: int, tables: int
) -> None:
    """Ids lie in tables of a length, twice as long in a small archive; each leads to its answer."""
    monkeypatch.setattr(assembly, "FEW_DOCUMENTS", few)
    monkeypatch.setattr(assembly, "DOCUMENTS_PER_TABLE", 2)
    german = [document for document in archive if document.language == "de"][:7]
    index = SearchIndex(plan_index(german).__getitem__, "de")
    assert len(index.manifest["tables"]) == tables
    assert {index.find_id(ordinal) for ordinal in range(7)} == {document.id for document in german}


def test_fragment_is_the_public_record(files: dict[str, bytes]) -> None:
    """An answer's JSON has all that a result shows, times in milliseconds, letters as they are."""
    fragment = json.loads(files["answers/leitung.json"])
    assert fragment == {
        "id": "leitung",
        "url": "answers/leitung/",
        "language": "de",
        "question": "Wie lange dauert die Schaltung einer Amtsleitung?",
        "answer": "",
        "turns": [
            {"start_ms": 0, "speaker": "Host", "text": "Guten Abend und willkommen zur nächsten Frage."},
            {
                "start_ms": 12_400,
                "speaker": "Anna",
                "text": "Eine neue Amtsleitung wird meist in zehn Werktagen geschaltet.",
            },
            {"start_ms": 31_000, "speaker": "Peter", "text": "Der Techniker misst anschließend die Strecke durch."},
        ],
        "topics": ["Telefon"],
        "products": [],
        "speakers": ["Host", "Anna", "Peter"],
        "date": "2026-01-10",
        "session": "Netzabend",
        "show": "Sprechstunde",
    }
    assert "nächsten".encode() in files["answers/leitung.json"]


def test_unchanged_documents_keep_their_bytes(make_document: Callable[..., SearchDocument]) -> None:
    """A new answer rewrites its own fragment, the shards that hold its words, and what counts documents; no more."""
    words = [first + second + third for first in SYLLABLES for second in SYLLABLES for third in SYLLABLES]
    documents = [
        make_document(
            f"d{n}", language="en", question=word, answer_text=" ".join(words[n : n + 120]), date="2026-01-01"
        )
        for n, word in enumerate(words)
    ]
    new = make_document("new", language="en", question="bakerzz", date="2026-06-01")
    before, after = plan_index(documents), plan_index([*documents, new])
    assert all(after[path] == data for path, data in before.items() if path.startswith("answers/"))
    shards = {path for path in before if "/s-" in path}
    assert len(shards) >= 3
    assert len(shards - after.keys()) == 1
    assert all(after[path] == before[path] for path in shards & after.keys())


@given(st.dictionaries(TEXTS.map(" ".join), st.booleans(), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
def test_every_document_is_found_by_its_words(texts: dict[str, bool]) -> None:
    """Whatever an answer says, in the question or a turn, finds it."""
    documents = [
        SearchDocument(
            id=f"d{n}",
            url="x/",
            language="de",
            question=text if in_question else "Frage",
            turns=() if in_question else (Turn(start_ms=n * 1000, text=text),),
            date="2026-01-01",
        )
        for n, (text, in_question) in enumerate(texts.items())
    ]
    index = SearchIndex(plan_index(documents).__getitem__, "de")
    for n, text in enumerate(texts):
        for word in split_words(text):
            hits = search([index], word.pieces[0], limit=len(documents)).hits
            assert f"d{n}" in {hit.id for hit in hits}


def test_shards_are_cut_at_prefixes_and_hold_everything() -> None:
    """Shards come in order, lose nothing, and stay under their size unless a single term is larger."""
    terms = sorted({a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES})
    sizes = np.array([len(term) + 20 for term in terms])
    shards = list(plan_cuts(terms, sizes, shard_bytes=2_000))
    assert [n for start, end in shards for n in range(start, end)] == list(range(len(terms)))
    assert len(shards) > 10
    assert all(sum(sizes[start:end]) <= 2_000 for start, end in shards)
    with_huge = list(plan_cuts(["ba", *terms], np.array([5_000, *sizes]), shard_bytes=2_000))
    assert with_huge[0] == (0, 1)
    assert sum(end - start for start, end in with_huge) == len(terms) + 1


def test_empty_archive() -> None:
    """Without answers there are two manifests that can be asked and find nothing."""
    files = plan_index([])
    for language in ("de", "en"):
        result = search([SearchIndex(files.__getitem__, language)], "router defekt")  # type: ignore[arg-type]
        assert (result.total, result.hits) == (0, ())


def test_one_document(make_document: Callable[..., SearchDocument]) -> None:
    """An archive of one answer finds it, and nothing for a foreign word."""
    files = plan_index([make_document("only", question="Wie lüfte ich richtig?")])
    index = SearchIndex(files.__getitem__, "de")
    assert [hit.id for hit in search([index], "lüften").hits] == ["only"]
    assert search([index], "Quitte").total == 0


def test_hostile_text_stays_text(make_document: Callable[..., SearchDocument]) -> None:
    """Markup, control characters, bidi overrides and broken surrogates are carried as text and searchable by words."""
    evil = '</script><img src=x onerror="alert(1)"> \x00\x07 \u202eevil\u202c \ud800 {{7*7}} \u2028 😀 Zwiebel'
    document = make_document("evil", question=evil, turns=(Turn(start_ms=5_000, speaker="<b>Eve</b>", text=evil),))
    files = plan_index([document])
    fragment = json.loads(files["answers/evil.json"])
    assert fragment["question"] == evil.replace("\ud800", "?")
    assert fragment["turns"][0]["speaker"] == "<b>Eve</b>"
    index = SearchIndex(files.__getitem__, "de")
    for query in ("Zwiebel", "onerror", "evil"):
        assert [hit.id for hit in search([index], query).hits] == ["evil"]
    for query in (evil, "\x00", "\u202e", "", "   ", "((((", "a" * 10_000, "x " * 5_000):
        search([index], query)


def test_two_documents_with_one_id_are_refused(make_document: Callable[..., SearchDocument]) -> None:
    """Two answers cannot share a fragment."""
    with pytest.raises(Conflict, match="search document same: there are two"):
        plan_index([make_document("same"), make_document("same", language="en")])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"document_id": "../etc"}, "not usable as a file name"),
        ({"document_id": ""}, "not usable as a file name"),
        ({"language": "fr"}, "language 'fr'"),
        ({"date": "03.02.2026"}, "is not a date"),
    ],
)
def test_bad_documents_are_refused(
    make_document: Callable[..., SearchDocument], changes: dict[str, str], message: str
) -> None:
    """A document that could not be stored or found is refused with its name and the reason."""
    with pytest.raises(BadInput, match=message):
        make_document(**changes)


def test_a_turn_before_the_start_is_refused() -> None:
    """A turn cannot begin at a negative time."""
    with pytest.raises(BadInput, match="-1 ms"):
        Turn(start_ms=-1, text="x")


def test_removed_answer_leaves_nothing_behind(archive: list[SearchDocument]) -> None:
    """After a removal no file holds the answer's own words any more."""
    secret = replace(archive[0], id="secret", question="Quittengelee", turns=(Turn(start_ms=0, text="Marzipan"),))
    with_it, without = plan_index([*archive, secret]), plan_index(archive)

    def terms(files: dict[str, bytes]) -> set[str]:
        shards = (unpack(data) for path, data in files.items() if "/s-" in path)
        return {entry.term for shard in shards for entry in decode_table(shard)}

    assert {"quittengele", "marzipan"} <= terms(with_it)
    assert not {"quittengele", "marzipan"} & terms(without)
    assert "answers/secret.json" not in without
