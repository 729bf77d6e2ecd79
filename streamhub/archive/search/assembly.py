"""Putting the index together: records in, files out, nothing written.

Owns the weights of terms, the layout of the files, and doing it with little memory: records are read once, one after
the other, their numbers wait in a temporary file, and terms are inverted a range at a time. Refuses to know pages and
queries. The same records give the same bytes, in whatever order they come and whatever memory is handed in; a changed
document changes the manifest, the vocabulary and the shards that hold its words.

Answers and what else was said are indexed apart, so that the one costs the other nothing. Files, all below a folder per
language (``search/de/``, ``speech/de/``)::

    m.json    the manifest: where everything is, stop words, the weight of prefixes
    s-*.idx   shards: terms with postings, cut where prefixes change, so that cuts stay where they are
    d-*.idx   ids of documents by ordinal, oldest first, so that new answers only add
    v-*.idx   the vocabulary, fetched only when a word is unknown
    f-*.idx   a facet's values with the ordinals that have them, fetched only when somebody narrows results down

Names carry a hash of the content and may be cached for ever; the manifest may not.
"""

from __future__ import annotations

import json
import math
from array import array
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Self

import msgspec
import numpy as np

from streamhub.archive.search.codec import FORMAT_VERSION, MAX_IMPACT, name_by_content, pack
from streamhub.archive.search.document import FACETS, FOLDERS, FRAGMENTS, LANGUAGES, Kind
from streamhub.archive.search.lexicon import Flags, Integers, Lexicon, TermTable
from streamhub.archive.search.record import Record, read_record
from streamhub.archive.search.synonyms import Synonyms, parse_synonyms
from streamhub.archive.search.tables import encode_entries, encode_many_postings, plan_cuts
from streamhub.errors import Conflict
from streamhub.wordforms.analysis import Language, fold_stop_words
from streamhub.wordforms.nouns_de import SERVICE_NOUNS
from streamhub.wordforms.stopwords import STOP_WORDS

PREFIX_WEIGHT = 0.6
# BM25 with a fixed average and coarse classes of length: another document's length must not touch this one's postings.
SATURATION = 1.2
LENGTH_SHARE = 0.6
AVERAGE_LENGTH_WORDS = 200

SHARD_BYTES = 48 * 1024
DOCUMENTS_PER_TABLE = 1024
FEW_DOCUMENTS = 8192
"""Up to so many, tables are twice as long: all are fetched with a query's shards, by no more requests than a browser
has connections."""

MEMORY_BYTES = 4 << 20
"""How many numbers wait in memory before they go to a temporary file, per language and for what is made of them."""
CHUNK_WORDS = 1 << 18
RANGE_WORDS = 1 << 18

_WEIGHT_BYTES, _KEY_BYTES = 2, 8
_WORD_BITS, _DOCUMENT_BITS, _WEIGHT_BITS = 22, 24, 17

Present = Callable[[str], bool]
"""Whether a file of this path is there already; its name tells its content."""


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    lexicons: dict[str, bytes]


class IndexBuilder:
    """Builds an index from records that come one at a time; a context that drops its temporary files at the end.

    Args:
        synonyms: what a query looks up beside its own words; those that are shipped when not given.
        service_nouns: German nouns that compounds are split at, beside those that the texts teach.
        memory: what `keep` gave after an earlier build of this archive; makes this one cheaper, never another one.
        memory_bytes: from which size on the words of all documents of a language wait in a temporary file.
    """

    def __init__(
        self,
        *,
        synonyms: Synonyms | None = None,
        service_nouns: Collection[str] = SERVICE_NOUNS,
        memory: bytes = b"",
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._synonyms = parse_synonyms() if synonyms is None else synonyms
        self._service_nouns = service_nouns
        lexicons = _read_kept(memory)
        self._parts: dict[tuple[Kind, Language], _Gathering] = {
            (kind, language): _Gathering(Lexicon(language, lexicons.get(f"{kind} {language}", b"")), memory_bytes)
            for kind in FOLDERS
            for language in LANGUAGES
        }
        self._ids: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for gathering in self._parts.values():
            gathering.spool.close()

    def add(self, *records: bytes) -> None:
        """Add documents by their records; those of a session together cost less than one by one.

        Raises:
            BadInput: a record cannot be read.
            Conflict: there is one with its id already.
        """
        groups: defaultdict[tuple[Kind, Language], list[Record]] = defaultdict(list)
        for read in map(read_record, records):
            if (read.kind, read.id) in self._ids:
                raise Conflict(f"search document {read.id}: there are two with this id", hint="rename one answer")
            self._ids.add((read.kind, read.id))
            kind: Kind = "speech" if read.kind == "speech" else "answer"
            groups[kind, "en" if read.language == "en" else "de"].append(read)
        for key, reads in groups.items():
            self._parts[key].add(reads)

    def files(self, present: Present = lambda path: False) -> Iterator[tuple[str, bytes | None]]:
        """Make the files; asked once, after the last document.

        Args:
            present: files that need not be made again.

        Yields:
            Path relative to the root of the site, and content; None for content that is present. Both languages
            have manifests even when empty.
        """
        for (kind, language), gathering in self._parts.items():
            layout = _Layout(f"{FOLDERS[kind]}{language}/", present)
            yield from layout.plan(language, gathering, self._service_nouns)
            yield layout.finish({"fragments": FRAGMENTS[kind], "synonyms": self._synonyms[language]})

    def keep(self) -> bytes:
        """What to hand to the next build; asked after `files` has come to its end."""
        return msgspec.msgpack.encode(
            _Kept(
                lexicons={f"{kind} {language}": part.lexicon.keep() for (kind, language), part in self._parts.items()}
            )
        )


@dataclass(frozen=True, slots=True, order=True)
class _Document:
    date: str
    id: str
    norm: float = field(compare=False)


class _Gathering:
    """The documents of one language, as they come."""

    def __init__(self, lexicon: Lexicon, memory_bytes: int) -> None:
        self.lexicon, self.memory_bytes = lexicon, memory_bytes
        self.documents: list[_Document] = []
        self.lengths: list[int] = []
        self._batches: list[int] = []
        self.facets: dict[str, dict[str, array[int]]] = {facet: {} for facet in FACETS}
        self.spool: IO[bytes] = SpooledTemporaryFile(max_size=memory_bytes)  # noqa: SIM115 the builder closes it
        self._signs = np.zeros(0, dtype=np.int64)
        self._present = np.zeros(0, dtype=bool)

    def add(self, reads: Sequence[Record]) -> None:
        """Number the words of some documents and put the numbers aside."""
        for read in reads:
            self._note_labels(read.labels)
            self.documents.append(_Document(date=read.date, id=read.id, norm=_norm(read.length)))
            self.lengths.append(len(read.weights) // _WEIGHT_BYTES)
        numbers = self.lexicon.number("\n".join(read.words for read in reads if read.words))
        self._batches.append(len(reads))
        self.spool.write(numbers.astype("<u4").tobytes())
        self.spool.write(b"".join(read.weights for read in reads))
        self._grow(len(self.lexicon.words))
        self._present[numbers] = True
        signs = np.frombuffer(b"".join(read.noun_signs for read in reads), dtype="<i2").astype(np.int64)
        if len(signs):
            np.add.at(self._signs, numbers, signs)

    def _note_labels(self, labels: Mapping[str, tuple[str, ...]]) -> None:
        """Take in what the next document can be narrowed down by."""
        place = len(self.documents)
        for facet, titles in labels.items():
            places_of = self.facets[facet]
            for title in titles:
                if title not in places_of:
                    places_of[title] = array("I")
                places_of[title].append(place)

    def words(self) -> tuple[Flags, Integers]:
        """By a word's number, whether it is there and what speaks for a noun."""
        self._grow(len(self.lexicon.words))
        size = len(self.lexicon.words)
        return self._present[:size], self._signs[:size]

    def chunks(self) -> Iterator[tuple[Integers, Integers, Integers]]:
        """The documents' places, words and weights, some documents at a time, in the order in which they came."""
        self.spool.seek(0)
        words: list[Any] = []
        weights: list[Any] = []
        first = last = size = 0
        for number, documents in enumerate(self._batches, 1):
            length = sum(self.lengths[last : last + documents])
            words.append(np.frombuffer(self.spool.read(4 * length), dtype="<u4"))
            weights.append(np.frombuffer(self.spool.read(_WEIGHT_BYTES * length), dtype="<u2"))
            last += documents
            size += length
            if size >= CHUNK_WORDS or number == len(self._batches):
                yield (
                    np.repeat(np.arange(first, last, dtype=np.int64), self.lengths[first:last]),
                    np.concatenate(words).astype(np.int64),
                    np.concatenate(weights).astype(np.int64),
                )
                words, weights, first, size = [], [], last, 0

    def _grow(self, size: int) -> None:
        if size > len(self._present):
            more = max(size, 2 * len(self._present)) - len(self._present)
            self._signs = np.concatenate([self._signs, np.zeros(more, dtype=np.int64)])
            self._present = np.concatenate([self._present, np.zeros(more, dtype=bool)])


class _Layout:
    """Cuts one language's terms into files."""

    def __init__(self, folder: str, present: Present) -> None:
        self._folder = folder
        self._present = present
        self._made: list[tuple[str, bytes | None]] = []
        self._manifest: dict[str, Any] = {}

    def plan(
        self, language: Language, gathering: _Gathering, service_nouns: Collection[str]
    ) -> Iterator[tuple[str, bytes | None]]:
        order = sorted(range(len(gathering.documents)), key=gathering.documents.__getitem__)
        ids = [gathering.documents[place].id for place in order]
        table = gathering.lexicon.find_terms(*gathering.words(), service_nouns)
        counts, postings = _invert(gathering, order, table)
        shards = []
        sizes = np.array(
            [len(term) + len(one) for term, one in zip(table.terms, postings, strict=True)], dtype=np.int64
        )
        for start, end in plan_cuts(table.terms, sizes, shard_bytes=SHARD_BYTES) if postings else ():
            data = encode_entries(table.terms[start:end], counts[start:end], postings[start:end])
            shards.append([table.terms[start], self._add("s", data)])
            yield self._made.pop()
        tables = []
        per_table = DOCUMENTS_PER_TABLE * (2 if len(ids) <= FEW_DOCUMENTS else 1)
        for at in range(0, len(ids), per_table):
            tables.append(self._add("d", "\n".join(ids[at : at + per_table]).encode()))
            yield self._made.pop()
        spoken = [(term, count) for term, count in zip(table.terms, counts, strict=True) if term.isalpha()]
        words = encode_entries([term for term, _ in spoken], [count for _, count in spoken], None)
        vocabulary = self._add("v", words)
        yield self._made.pop()
        facets = {}
        for facet, values in gathering.facets.items():
            if values:
                facets[facet] = self._add("f", _encode_facet(values, _invert_order(order)))
                yield self._made.pop()
        self._manifest = {
            "version": FORMAT_VERSION,
            "language": language,
            "documents": len(ids),
            "documents_per_table": per_table,
            "tables": tables,
            "shards": shards,
            "vocabulary": vocabulary,
            "facets": facets,
            "prefix_weight": PREFIX_WEIGHT,
            "stop_words": " ".join(fold_stop_words(STOP_WORDS[language])),
        }

    def finish(self, more: Mapping[str, Any]) -> tuple[str, bytes]:
        """The manifest, with what else a query has to know; asked after the last file."""
        return self._folder + "m.json", encode_json({**self._manifest, **more})

    def _add(self, prefix: str, data: bytes) -> str:
        name = name_by_content(prefix, data)
        path = self._folder + name
        self._made.append((path, None if self._present(path) else pack(data)))
        return name


def encode_json(value: Mapping[str, Any]) -> bytes:
    """JSON as it is published: as short as can be, letters as they are, a newline at the end."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


def _invert_order(order: list[int]) -> Integers:
    """By the place of a document in the order in which they came: its ordinal."""
    ordinals = np.empty(len(order), dtype=np.int64)
    ordinals[order] = np.arange(len(order))
    return ordinals


def _encode_facet(places_of: Mapping[str, array[int]], ordinals: Integers) -> bytes:
    """A table of titles, each written as most of its documents write it, with their ordinals as postings."""
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for title in places_of:
        spellings[title.casefold()].append(title)
    titled = {}
    for same in spellings.values():
        title = min(same, key=lambda one: (-len(places_of[one]), one))
        places = np.concatenate([np.array(places_of[one], dtype=np.int64) for one in same])
        titled[title] = np.unique(ordinals[places])
    titles = sorted(titled)
    counts = [len(titled[title]) for title in titles]
    starts = np.cumsum([0, *counts[:-1]])
    every = np.concatenate([titled[title] for title in titles])
    data, edges = encode_many_postings(starts, every, np.ones(len(every), dtype=np.int64))
    return encode_entries(titles, counts, [data[start:end] for start, end in pairwise(edges.tolist())])


def _invert(gathering: _Gathering, order: list[int], table: TermTable) -> tuple[list[int], list[bytes]]:
    """By the place of a term: how many documents have it, and their encoded postings."""
    ordinals = _invert_order(order)
    norms = np.array([gathering.documents[place].norm for place in order])
    counts: list[int] = []
    postings: list[bytes] = []
    ranges = list(_plan_ranges(gathering, table))
    if not ranges:
        return counts, postings
    with _Drawers([first for first, _ in ranges], gathering.memory_bytes) as drawers:
        for places, words, weights in gathering.chunks():
            drawers.put(_make_keys(ordinals[places], words, weights, table))
        for (first, last), keys in zip(ranges, drawers.empty(), strict=True):
            some_counts, some_postings = _encode_range(keys, norms, first, last)
            counts += some_counts
            postings += some_postings
    return counts, postings


def _plan_ranges(gathering: _Gathering, table: TermTable) -> Iterator[tuple[int, int]]:
    """Ranges of terms that have about the same number of words in documents each."""
    if not table.terms:
        return
    used = np.zeros(len(table.starts) - 1, dtype=np.int64)
    for _, words, _ in gathering.chunks():
        used += np.bincount(words, minlength=len(used))
    per_term = np.bincount(table.places, weights=np.repeat(used, np.diff(table.starts)), minlength=len(table.terms))
    sums = np.cumsum(per_term)
    parts = max(1, math.ceil(sums[-1] / RANGE_WORDS))
    cuts = np.searchsorted(sums, sums[-1] * np.arange(1, parts) / parts).tolist()
    edges = [0, *cuts, len(table.terms)]
    yield from ((first, last) for first, last in pairwise(edges) if first < last)


class _Drawers:
    """Keys sorted into ranges of terms as they come: a temporary file, and where each range's pieces lie in it.

    Args:
        firsts: the first term of each range, rising.
        memory_bytes: from which size on the file lies on the disk.
    """

    def __init__(self, firsts: Sequence[int], memory_bytes: int) -> None:
        self._edges = np.array(firsts[1:], dtype=np.int64) << _WEIGHT_BITS + _DOCUMENT_BITS
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in firsts]
        self._file: IO[bytes] = SpooledTemporaryFile(max_size=memory_bytes)  # noqa: SIM115 closed at the end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, keys: Integers) -> None:
        """Put some away."""
        keys.sort()
        ends = [*np.searchsorted(keys, self._edges).tolist(), len(keys)]
        at = self._file.tell()
        self._file.write(keys.astype("<i8", copy=False).tobytes())
        for pieces, (start, end) in zip(self._pieces, pairwise([0, *ends]), strict=True):
            if start < end:
                pieces.append((at + _KEY_BYTES * start, end - start))

    def empty(self) -> Iterator[Integers]:
        """What each range got, range by range."""
        for pieces in self._pieces:
            found = []
            for at, count in pieces:
                self._file.seek(at)
                found.append(np.frombuffer(self._file.read(_KEY_BYTES * count), dtype="<i8"))
            yield np.concatenate(found).astype(np.int64) if found else np.zeros(0, dtype=np.int64)


def _make_keys(ordinals: Integers, words: Integers, weights: Integers, table: TermTable) -> Integers:
    """One number per term of a word in a document: the term, the document and the weight, so that sorting groups."""
    sizes = table.starts[words + 1] - table.starts[words]
    ends = np.cumsum(sizes)
    at = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(table.starts[words] - ends + sizes, sizes)
    keys = table.places[at] << _DOCUMENT_BITS | np.repeat(ordinals, sizes)
    made: Integers = keys << _WEIGHT_BITS | np.repeat(weights, sizes) * table.halves[at]
    return made


def _encode_range(keys: Integers, norms: Any, first: int, last: int) -> tuple[list[int], list[bytes]]:
    keys.sort()
    pairs = keys >> _WEIGHT_BITS
    begins = np.flatnonzero(np.diff(pairs, prepend=-1))
    weights = np.add.reduceat(keys & ((1 << _WEIGHT_BITS) - 1), begins) / 2
    pairs = pairs[begins]
    documents = pairs & ((1 << _DOCUMENT_BITS) - 1)
    terms = pairs >> _DOCUMENT_BITS
    impacts = np.maximum(1, np.rint(MAX_IMPACT * weights / (weights + norms[documents]))).astype(np.int64)
    starts = np.searchsorted(terms, np.arange(first, last))
    data, offsets = encode_many_postings(starts, documents, impacts)
    edges = offsets.tolist()
    counts = np.diff(starts, append=len(terms)).tolist()
    return counts, [data[start:end] for start, end in pairwise(edges)]


def _norm(length_words: int) -> float:
    return SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * _length_class(length_words))


def _length_class(length_words: int) -> float:
    """Length over the average, rounded to a half power of two."""
    return float(2 ** (round(2 * math.log2(max(length_words, 12) / AVERAGE_LENGTH_WORDS)) / 2))


def _read_kept(memory: bytes) -> Mapping[str, bytes]:
    try:
        return msgspec.msgpack.decode(memory, type=_Kept).lexicons if memory else {}
    except msgspec.MsgspecError:
        return {}
