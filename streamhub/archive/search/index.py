"""Building the search index: documents in, files out, nothing written.

Owns fields and their weights, the layout of the files, and the answers' fragments. Refuses to know disks, pages and
queries. The same documents give the same bytes; a changed document changes its fragment, the manifest, the vocabulary
and the shards that hold its words.

Files, all relative to the root of the site::

    answers/<id>.json           one answer, the public API and what a result is shown from
    search/<language>/m.json    the manifest: where everything is, stop words, the weight of prefixes
    search/<language>/s-*.idx   shards: terms with postings, cut where prefixes change, so that cuts stay where they are
    search/<language>/d-*.idx   ids of documents by ordinal, oldest first, so that new answers only add
    search/<language>/v-*.idx   the vocabulary, fetched only when a word is unknown

Names carry a hash of the content and may be cached for ever; the manifest may not.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from streamhub.archive.search.codec import (
    FORMAT_VERSION,
    MAX_IMPACT,
    Entry,
    Posting,
    encode_postings,
    encode_table,
    name_by_content,
    pack,
)
from streamhub.archive.search.document import LANGUAGES, SearchDocument
from streamhub.errors import Conflict
from streamhub.wordforms.analysis import Analyzer, Language, Word, fold_stop_words, split_words
from streamhub.wordforms.compounds import CompoundSplitter, learn_splitter
from streamhub.wordforms.nouns_de import SERVICE_NOUNS
from streamhub.wordforms.stopwords import STOP_WORDS

QUESTION_WEIGHT = 6.0
BODY_WEIGHT = 1.0
PART_WEIGHT = 0.5
PREFIX_WEIGHT = 0.6
# BM25 with a fixed average and coarse classes of length: another document's length must not touch this one's postings.
SATURATION = 1.2
LENGTH_SHARE = 0.6
AVERAGE_LENGTH_WORDS = 200

SHARD_BYTES = 48 * 1024
DOCUMENTS_PER_TABLE = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageIndex:
    """Terms of one language, before they are cut into files.

    Attributes:
        language: of all documents.
        documents: oldest first; the place is the ordinal.
        postings: by term, rising by ordinal.
    """

    language: Language
    documents: tuple[SearchDocument, ...]
    postings: dict[str, list[Posting]]


def plan_index(
    documents: Iterable[SearchDocument], *, service_nouns: Collection[str] = SERVICE_NOUNS
) -> dict[str, bytes]:
    """Plan all files of the index and of the answers.

    Args:
        documents: in any order; both languages.
        service_nouns: German nouns that compounds are split at, beside those that the texts teach.

    Returns:
        Path relative to the root of the site, to content; both languages have a manifest even when empty.

    Raises:
        Conflict: two documents have the same id.
    """
    ordered = sorted(documents, key=lambda document: (document.date, document.id))
    files: dict[str, bytes] = {}
    for document in ordered:
        path = f"answers/{document.id}.json"
        if path in files:
            raise Conflict(f"search document {document.id}: there are two with this id", hint="rename one answer")
        files[path] = render_fragment(document)
    for language in LANGUAGES:
        own = tuple(document for document in ordered if document.language == language)
        files.update(plan_language_files(build_language_index(own, language=language, service_nouns=service_nouns)))
    return files


def render_fragment(document: SearchDocument) -> bytes:
    """The public JSON of one answer; times are integer milliseconds."""
    return _encode_json(
        {
            "id": document.id,
            "url": document.url,
            "language": document.language,
            "question": document.question,
            "answer": document.answer_text,
            "turns": [
                {"start_ms": turn.start_ms, "speaker": turn.speaker, "text": turn.text} for turn in document.turns
            ],
            "topics": list(document.topics),
            "products": list(document.products),
            "speakers": list(document.speakers),
            "date": document.date,
            "session": document.session_title,
        }
    )


def build_language_index(
    documents: Sequence[SearchDocument], *, language: Language, service_nouns: Collection[str] = SERVICE_NOUNS
) -> LanguageIndex:
    """Invert the documents of one language, which come oldest first."""
    analyzer = Analyzer(language)
    splitter = None
    if language == "de":
        texts = (text for document in documents for text, _ in _searchable(document))
        splitter = learn_splitter(texts, stem=analyzer.stem, service_nouns=service_nouns)
    terms = _TermMemory(analyzer, splitter)
    stop_words = frozenset(fold_stop_words(STOP_WORDS[language]))
    postings: defaultdict[str, list[Posting]] = defaultdict(list)
    for ordinal, document in enumerate(documents):
        for term, impact in _weigh_document(document, terms, stop_words).items():
            postings[term].append((ordinal, impact))
    return LanguageIndex(language=language, documents=tuple(documents), postings=dict(sorted(postings.items())))


def plan_language_files(index: LanguageIndex) -> dict[str, bytes]:
    """Cut one language's terms into files, the manifest included."""
    folder = f"search/{index.language}/"
    files: dict[str, bytes] = {}

    def add(prefix: str, data: bytes) -> str:
        name = name_by_content(prefix, data)
        files[folder + name] = pack(data)
        return name

    entries = [
        Entry(term=term, count=len(postings), postings=encode_postings(postings))
        for term, postings in index.postings.items()
    ]
    shards = [[shard[0].term, add("s", encode_table(shard))] for shard in cut_shards(entries)]
    tables = [
        add("d", "\n".join(document.id for document in index.documents[at : at + DOCUMENTS_PER_TABLE]).encode())
        for at in range(0, len(index.documents), DOCUMENTS_PER_TABLE)
    ]
    words = [entry for entry in entries if entry.term.isalpha()]
    manifest = {
        "version": FORMAT_VERSION,
        "language": index.language,
        "documents": len(index.documents),
        "documents_per_table": DOCUMENTS_PER_TABLE,
        "tables": tables,
        "shards": shards,
        "vocabulary": add("v", encode_table(words, with_postings=False)),
        "prefix_weight": PREFIX_WEIGHT,
        "stop_words": " ".join(fold_stop_words(STOP_WORDS[index.language])),
    }
    files[folder + "m.json"] = _encode_json(manifest)
    return files


def cut_shards(entries: Sequence[Entry], *, shard_bytes: int = SHARD_BYTES) -> Iterator[Sequence[Entry]]:
    """Cut sorted entries into shards at changes of prefix, longer prefixes only where a shard would be too large."""
    yield from _cut(entries, depth=0, shard_bytes=shard_bytes) if entries else ()


def _cut(entries: Sequence[Entry], *, depth: int, shard_bytes: int) -> Iterator[Sequence[Entry]]:
    if len(entries) == 1 or _size(entries) <= shard_bytes:
        yield entries
        return
    gathered: list[Entry] = []
    for _, group in groupby(entries, key=lambda entry: entry.term[: depth + 1]):
        members = list(group)
        if gathered and _size(gathered) + _size(members) > shard_bytes:
            yield gathered
            gathered = []
        if _size(members) > shard_bytes and len(members) > 1:
            yield from _cut(members, depth=depth + 1, shard_bytes=shard_bytes)
        else:
            gathered.extend(members)
    if gathered:
        yield gathered


def _size(entries: Iterable[Entry]) -> int:
    return sum(len(entry.postings) + len(entry.term) for entry in entries)


class _TermMemory:
    """Terms of a word as it is written, computed once: texts repeat their words."""

    def __init__(self, analyzer: Analyzer, splitter: CompoundSplitter | None) -> None:
        self._analyzer = analyzer
        self._splitter = splitter
        self._terms: dict[tuple[str, ...], tuple[tuple[str, float], ...]] = {}

    def of(self, word: Word) -> tuple[tuple[str, float], ...]:
        """Terms with weights, parts of compounds included."""
        found = self._terms.get(word.pieces)
        if found is None:
            terms = self._analyzer.word_terms(word)
            for piece in word.pieces if self._splitter else ():
                for part in self._splitter.split(piece) if self._splitter else ():
                    terms.setdefault(self._analyzer.stem(part), PART_WEIGHT)
            found = self._terms[word.pieces] = tuple(terms.items())
        return found


def _searchable(document: SearchDocument) -> Iterator[tuple[str, float]]:
    """The texts of a document with the weights of their fields."""
    yield document.question, QUESTION_WEIGHT
    yield document.answer_text, BODY_WEIGHT
    for turn in document.turns:
        yield turn.text, BODY_WEIGHT
    for label in (*document.topics, *document.products, *document.speakers, document.session_title):
        yield label, BODY_WEIGHT


def _weigh_document(document: SearchDocument, terms: _TermMemory, stop_words: Collection[str]) -> dict[str, int]:
    found: dict[str, float] = {}
    length = 0
    for text, field_weight in _searchable(document):
        for word in split_words(text):
            length += word.pieces[0] not in stop_words
            for term, weight in terms.of(word):
                found[term] = found.get(term, 0.0) + weight * field_weight
    norm = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * _length_class(length))
    return {term: max(1, round(MAX_IMPACT * weight / (weight + norm))) for term, weight in found.items()}


def _length_class(length_words: int) -> float:
    """Length over the average, rounded to a half power of two."""
    return float(2 ** (round(2 * math.log2(max(length_words, 12) / AVERAGE_LENGTH_WORDS)) / 2))


def _encode_json(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"
