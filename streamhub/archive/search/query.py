"""Asking the built index: from a typed question to answers and the second to jump to.

Owns how a query is understood and ranked. Refuses to know where files are: it reads through a function from path to
bytes, so that a folder and a web server do alike. `site/static/search-engine.js` is its twin with the same ranking.

A query is a row of concepts, one per word that is no stop word. A concept is a set of terms with weights: the word
itself, both neighbours written together, for the last word all that begin with it, for a rare word also its halves, and
for an unknown one its likeliest spellings. An answer's score is the sum of its concepts' scores times the square of the
share of concepts that it has, so answers with all words come first and one foreign word costs no result.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streamhub.archive.search.codec import (
    FORMAT_VERSION,
    MAX_IMPACT,
    Entry,
    Posting,
    decode_postings,
    decode_table,
    unpack,
)
from streamhub.archive.search.spelling import (
    CORRECTION_WEIGHT,
    MIN_SPLIT_PART,
    find_corrections,
    split_by_vocabulary,
)
from streamhub.errors import BadInput
from streamhub.wordforms.analysis import Analyzer, Language, Word, spell_umlauts_plainly, split_words
from streamhub.wordforms.compounds import LINKS

Read = Callable[[str], bytes]
"""Returns a file's bytes by its path relative to the root of the site."""

MAX_QUERY_WORDS = 64
MAX_CONCEPTS = 16
MAX_PREFIX_TERMS = 64
MAX_PREFIX_SHARDS = 4
MIN_PREFIX_LENGTH = 3
MIN_INSIDE_LENGTH = 4
FEW_ANSWERS = 3
HALF_WEIGHT = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class Concept:
    """One thing that the query asks for.

    Attributes:
        word: as typed, folded.
        terms: what counts as a match, with weights up to 1.
        prefix: what a term may begin with instead; empty unless this is the last word.
        corrected: true when the terms are guesses for an unknown word.
        halves: terms of a rare compound's two parts; an answer that has both has the concept, one alone counts half.
    """

    word: str
    terms: Mapping[str, float]
    prefix: str = ""
    corrected: bool = False
    halves: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """An answer that matches.

    Attributes:
        id: of the document.
        language: of the index that it was found in.
        score: higher is better; comparable across languages.
        url: with ``?t=<seconds>`` where the best turn starts, if there are turns.
        question: as shown.
        start_ms: of the best turn, or none without turns.
        speaker: of the best turn; may be empty.
        text: of the best turn, or the written answer.
    """

    id: str
    language: Language
    score: float
    url: str
    question: str
    start_ms: int | None
    speaker: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """What a query found.

    Attributes:
        total: how many answers match at all.
        hits: the best ones, best first.
        corrections: for each unknown word as typed, the terms that were looked up instead.
    """

    total: int
    hits: tuple[Hit, ...]
    corrections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """An answer's place in the ranking, before anything of it is loaded."""

    ordinal: int
    score: float


class SearchIndex:
    """One language of a built index; reads what it needs when it needs it and keeps it. One thread at a time.

    Raises:
        BadInput: a file is damaged or of another version. What `read` raises for a missing file passes as it is.
    """

    def __init__(self, read: Read, language: Language) -> None:
        self._read = read
        self.language: Language = language
        self.analyzer = Analyzer(language)
        path = f"search/{language}/m.json"
        self.manifest = self._load_json(path)
        if self.manifest.get("version") != FORMAT_VERSION:
            raise BadInput(
                f"{path}: index version {self.manifest.get('version')!r}, this program reads {FORMAT_VERSION}",
                hint="build the site again",
            )
        self.stop_words = frozenset(self.manifest["stop_words"].split())
        self._first_terms: list[str] = [first for first, _ in self.manifest["shards"]]
        self._shards: dict[int, dict[str, Entry]] = {}
        self._tables: dict[int, list[str]] = {}
        self._vocabulary: dict[str, int] | None = None

    def find_postings(self, term: str) -> list[Posting]:
        """The postings of a term; empty if no answer has it."""
        at = bisect_right(self._first_terms, term) - 1
        entry = self._load_shard(at).get(term) if at >= 0 else None
        return decode_postings(entry.postings) if entry else []

    def find_prefix_terms(self, prefix: str) -> list[str]:
        """Terms that begin so and are longer, the common ones first, at most 64."""
        start = max(0, bisect_right(self._first_terms, prefix) - 1)
        end = bisect_right(self._first_terms, prefix + "\uffff")
        entries = [
            entry
            for at in range(start, min(end, start + MAX_PREFIX_SHARDS))
            for entry in self._load_shard(at).values()
            if entry.term.startswith(prefix) and entry.term != prefix
        ]
        entries.sort(key=lambda entry: (-entry.count, entry.term))
        return [entry.term for entry in entries[:MAX_PREFIX_TERMS]]

    def load_vocabulary(self) -> Mapping[str, int]:
        """All terms of letters with the number of answers that have them; loaded once."""
        if self._vocabulary is None:
            entries = decode_table(self._load(self.manifest["vocabulary"]), with_postings=False)
            self._vocabulary = {entry.term: entry.count for entry in entries}
        return self._vocabulary

    def find_id(self, ordinal: int) -> str:
        """The id of the document with this ordinal."""
        at, row = divmod(ordinal, int(self.manifest["documents_per_table"]))
        if at not in self._tables:
            self._tables[at] = self._load(self.manifest["tables"][at]).decode().split("\n")
        return self._tables[at][row]

    def load_fragment(self, document_id: str) -> dict[str, Any]:
        """The public JSON of an answer."""
        return self._load_json(f"answers/{document_id}.json")

    def _load_shard(self, at: int) -> dict[str, Entry]:
        if at not in self._shards:
            data = self._load(self.manifest["shards"][at][1])
            self._shards[at] = {entry.term: entry for entry in decode_table(data)}
        return self._shards[at]

    def _load(self, name: str) -> bytes:
        path = f"search/{self.language}/{name}"
        try:
            return unpack(self._read(path))
        except ValueError as problem:
            raise BadInput(f"{path}: damaged ({problem})", hint="build the site again") from problem

    def _load_json(self, path: str) -> dict[str, Any]:
        try:
            value: dict[str, Any] = json.loads(self._read(path))
        except ValueError as problem:
            raise BadInput(
                f"{path}: not the JSON that a build writes ({problem})", hint="build the site again"
            ) from problem
        return value


def search(indexes: Sequence[SearchIndex], query: str, *, limit: int = 10) -> SearchResult:
    """Search one language or several, the page's own first; results are merged by score."""
    ranked: list[tuple[float, int, SearchIndex, list[Concept], dict[int, float], Match]] = []
    corrections: dict[str, tuple[str, ...]] = {}
    for place, index in enumerate(indexes):
        concepts = understand(index, query)
        corrections |= {c.word: tuple(c.terms) for c in concepts if c.corrected and c.terms}
        matches, weights = rank(index, concepts)
        ranked += [(-match.score, place, index, concepts, weights, match) for match in matches]
    ranked.sort(key=lambda row: (row[0], row[1]))
    hits = tuple(_show(index, match, concepts, weights) for _, _, index, concepts, weights, match in ranked[:limit])
    return SearchResult(total=len(ranked), hits=hits, corrections=corrections)


def understand(index: SearchIndex, query: str) -> list[Concept]:
    """Turn a query into concepts, with help for unknown words."""
    concepts: list[Concept] = []
    for concept in plan_concepts(index.analyzer, query, index.stop_words)[:MAX_CONCEPTS]:
        if concept.prefix:
            weight = float(index.manifest["prefix_weight"])
            more = dict.fromkeys(index.find_prefix_terms(concept.prefix), weight)
            concept = replace(concept, terms={**more, **concept.terms})
        count = len({ordinal for term in concept.terms for ordinal, _ in index.find_postings(term)})
        concepts.append(concept if count >= FEW_ANSWERS else help_rare(index, concept, is_unknown=count == 0))
    return concepts


def plan_concepts(analyzer: Analyzer, query: str, stop_words: frozenset[str]) -> list[Concept]:
    """The concepts of a query before any look at the index; stop words only when there is nothing else."""
    pieces = [(piece, word) for word in split_words(query) for piece in word.pieces]
    pieces = pieces[:MAX_QUERY_WORDS]
    meaning = [(at, piece, word) for at, (piece, word) in enumerate(pieces) if piece not in stop_words]
    meaning = meaning or [(at, piece, word) for at, (piece, word) in enumerate(pieces)]
    concepts: list[Concept] = []
    for n, (at, piece, word) in enumerate(meaning):
        terms = analyzer.piece_terms(piece)
        if len(word.pieces) > 1:
            terms.setdefault(analyzer.stem("".join(word.pieces)), 1.0)
        for neighbour_at, joined in _joined_neighbours(meaning, n):
            if abs(neighbour_at - at) == 1:
                terms.setdefault(analyzer.stem(joined), 1.0)
        is_last = at == len(pieces) - 1 and len(piece) >= MIN_PREFIX_LENGTH
        concepts.append(Concept(word=piece, terms=terms, prefix=_prefix_of(analyzer, piece) if is_last else ""))
    return concepts


def help_rare(index: SearchIndex, concept: Concept, *, is_unknown: bool) -> Concept:
    """Widen a word that few or no answers have.

    Its halves stand for it where it has any, else, if it is unknown, its likeliest spellings; else it stays alone.
    """
    if not is_unknown and len(concept.word) < 2 * MIN_SPLIT_PART:
        return concept
    vocabulary = index.load_vocabulary()
    links = LINKS if index.language == "de" else ("",)
    halves = split_by_vocabulary(concept.word, vocabulary, stem=index.analyzer.stem, links=links)
    if halves:
        return replace(concept, halves=halves)
    if not is_unknown:
        return concept
    corrections = find_corrections(index.analyzer.stem(concept.word), vocabulary)
    return replace(concept, terms=dict.fromkeys(corrections, CORRECTION_WEIGHT), corrected=True)


def rank(index: SearchIndex, concepts: Sequence[Concept]) -> tuple[list[Match], dict[int, float]]:
    """Rank all answers that have any of the concepts.

    Returns:
        Matches, best first, newer first among equals; and each concept's weight by its place.
    """
    scores: dict[int, float] = {}
    shares: dict[int, float] = {}
    rarity: dict[int, float] = {}
    for place, concept in enumerate(concepts):
        found = weigh_concept(index, concept)
        whole = sum(share == 1 for _, share in found.values())
        rarity[place] = _measure_rarity(whole or len(found), int(index.manifest["documents"]))
        for ordinal, (value, share) in found.items():
            scores[ordinal] = scores.get(ordinal, 0.0) + value * rarity[place]
            shares[ordinal] = shares.get(ordinal, 0.0) + share
    matches = [
        Match(ordinal=ordinal, score=_round(score * (shares[ordinal] / len(concepts)) ** 2))
        for ordinal, score in scores.items()
    ]
    matches.sort(key=lambda match: (-match.score, -match.ordinal))
    return matches, rarity


def weigh_concept(index: SearchIndex, concept: Concept) -> dict[int, tuple[float, float]]:
    """How much each answer has of a concept: a value up to 1, and the share of the concept that is there at all."""
    found: dict[int, tuple[float, float]] = {}
    for term, weight in concept.terms.items():
        for ordinal, impact in index.find_postings(term):
            found[ordinal] = (max(found.get(ordinal, (0.0, 0.0))[0], weight * impact / MAX_IMPACT), 1.0)
    halves = [dict(index.find_postings(half)) for half in concept.halves]
    for ordinal in sorted({ordinal for half in halves for ordinal in half}):
        impacts = [half[ordinal] for half in halves if ordinal in half]
        value, share = HALF_WEIGHT * (sum(impacts) / len(halves)) / MAX_IMPACT, len(impacts) / len(halves)
        before = found.get(ordinal, (0.0, 0.0))
        found[ordinal] = (max(before[0], value), max(before[1], share))
    return found


def match_text(analyzer: Analyzer, text: str, concepts: Sequence[Concept]) -> dict[int, float]:
    """Which concepts a text has, by place, with the weight of the best match; both halves together count as one."""
    found: dict[tuple[int, str], float] = {}
    for word in split_words(text):
        for key, weight in match_word(analyzer, word, concepts).items():
            found[key] = max(found.get(key, 0.0), weight)
    values: dict[int, float] = {}
    for place, concept in enumerate(concepts):
        halves = sum(found.get((place, half), 0.0) for half in concept.halves) / max(1, len(concept.halves))
        value = max(found.get((place, ""), 0.0), halves)
        if value:
            values[place] = value
    return values


def match_word(analyzer: Analyzer, word: Word, concepts: Sequence[Concept]) -> dict[tuple[int, str], float]:
    """What a word has of the concepts: by place and half (``""`` for the whole), with weights.

    The archive's own parts of compounds are not known here; in German a term inside a word counts half instead.
    """
    terms = analyzer.word_terms(word)
    joined = "".join(word.pieces) if analyzer.language == "de" else ""
    found: dict[tuple[int, str], float] = {}
    for place, concept in enumerate(concepts):
        wanted = [("", term, weight) for term, weight in concept.terms.items()]
        for key, term, weight in [*wanted, *((half, half, HALF_WEIGHT) for half in concept.halves)]:
            if term in terms:
                value = weight * terms[term]
            else:
                value = weight / 2 if len(term) >= MIN_INSIDE_LENGTH and term in joined else 0.0
            if value:
                found[place, key] = max(found.get((place, key), 0.0), value)
    return found


def _joined_neighbours(meaning: Sequence[tuple[int, str, Word]], n: int) -> list[tuple[int, str]]:
    """The word before and the one after, written together with this one."""
    _, piece, _ = meaning[n]
    joined: list[tuple[int, str]] = []
    if n > 0:
        joined.append((meaning[n - 1][0], meaning[n - 1][1] + piece))
    if n + 1 < len(meaning):
        joined.append((meaning[n + 1][0], piece + meaning[n + 1][1]))
    return [(at, text) for at, text in joined if min(len(piece), len(text) - len(piece)) >= MIN_PREFIX_LENGTH]


def _prefix_of(analyzer: Analyzer, piece: str) -> str:
    return spell_umlauts_plainly(piece) if analyzer.language == "de" else piece


def _measure_rarity(count: int, total: int) -> float:
    """BM25's inverse document frequency, for the concept as a whole: a rare variant of a common word is not rare."""
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def _round(score: float) -> float:
    # So that the last bit of a logarithm, which machines may round differently, never decides an order.
    return math.floor(score * 1e6 + 0.5) / 1e6


def _show(index: SearchIndex, match: Match, concepts: Sequence[Concept], rarity: Mapping[int, float]) -> Hit:
    document_id = index.find_id(match.ordinal)
    fragment = index.load_fragment(document_id)
    turn = choose_turn(index.analyzer, fragment["turns"], concepts, rarity)
    url = str(fragment["url"])
    if turn:
        url += f"{'&' if '?' in url else '?'}t={turn['start_ms'] // 1000}"
    return Hit(
        id=document_id,
        language=index.language,
        score=match.score,
        url=url,
        question=fragment["question"],
        start_ms=turn["start_ms"] if turn else None,
        speaker=turn["speaker"] if turn else "",
        text=turn["text"] if turn else fragment["answer"],
    )


def choose_turn(
    analyzer: Analyzer, turns: Sequence[dict[str, Any]], concepts: Sequence[Concept], rarity: Mapping[int, float]
) -> dict[str, Any] | None:
    """The turn that says most of what was asked for; the earliest of equals, so the first when none does."""
    best: tuple[float, dict[str, Any]] | None = None
    for turn in turns:
        found = match_text(analyzer, turn["text"], concepts)
        value = _round(sum(weight * rarity[place] for place, weight in found.items()))
        if best is None or value > best[0]:
            best = (value, turn)
    return best[1] if best else None
