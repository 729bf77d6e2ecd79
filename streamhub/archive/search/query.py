"""Asking the built index: from a typed question to answers and the second to jump to.

Owns how a query is understood and ranked. Refuses to know where files are: it reads through a function from path to
bytes, so that a folder and a web server do alike. `site/static/search-engine.js` is its twin with the same ranking.

A query is a row of concepts, one per word that is no stop word. A concept is a set of terms with weights: the word
itself, both neighbours written together, for the last word all that begin with it, for a rare word also its halves, and
for an unknown one its likeliest spellings. An answer's score is the sum of its concepts' scores times the square of the
share of concepts that it has, so answers with all words come first and one foreign word costs no result; newer answers
weigh up to a twentieth more than old ones. Words in quotation marks have to stand in an answer as they are, which is
looked up in the best answers alone. Facets narrow results down.
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
from streamhub.archive.search.concepts import (
    Concept,
    complete_stems,
    holds_phrase,
    plan_concepts,
    read_phrases,
    split_at_number,
)
from streamhub.archive.search.document import FOLDERS, Kind
from streamhub.archive.search.spelling import (
    CORRECTION_WEIGHT,
    MIN_SPLIT_PART,
    find_corrections,
    split_by_vocabulary,
)
from streamhub.errors import BadInput
from streamhub.wordforms.analysis import Analyzer, Language, Word, split_words
from streamhub.wordforms.compounds import LINKS

Read = Callable[[str], bytes]
"""Returns a file's bytes by its path relative to the root of the site."""

MAX_PREFIX_TERMS = 64
MAX_PREFIX_SHARDS = 4
MIN_INSIDE_LENGTH = 4
FEW_ANSWERS = 3
HALF_WEIGHT = 0.8
RECENCY_WEIGHT = 0.05
CHECKED_FOR_PHRASES = 50


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
    """One language of a built index, of answers or of other speech; reads what it needs when it needs it and keeps it.

    One thread at a time.

    Raises:
        BadInput: a file is damaged or of another version. What `read` raises for a missing file passes as it is.
    """

    def __init__(self, read: Read, language: Language, *, kind: Kind = "answer") -> None:
        self._read = read
        self._folder = f"{FOLDERS[kind]}{language}/"
        self.language: Language = language
        self.analyzer = Analyzer(language)
        path = f"{self._folder}m.json"
        self.manifest = self._load_json(path)
        if self.manifest.get("version") != FORMAT_VERSION:
            raise BadInput(
                f"{path}: index version {self.manifest.get('version')!r}, this program reads {FORMAT_VERSION}",
                hint="build the site again",
            )
        self.stop_words = frozenset(self.manifest["stop_words"].split())
        self.synonyms: Mapping[str, Sequence[str]] = self.manifest["synonyms"]
        self._first_terms: list[str] = [first for first, _ in self.manifest["shards"]]
        self._shards: dict[int, dict[str, Entry]] = {}
        self._tables: dict[int, list[str]] = {}
        self._vocabulary: dict[str, int] | None = None
        self._facets: dict[str, dict[str, frozenset[int]]] = {}

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

    def load_facet(self, facet: str) -> Mapping[str, frozenset[int]]:
        """The values of a facet, as shown, with the ordinals that have them; loaded once."""
        if facet not in self._facets:
            name = self.manifest["facets"].get(facet)
            entries = decode_table(self._load(name)) if name else ()
            self._facets[facet] = {
                entry.term: frozenset(ordinal for ordinal, _ in decode_postings(entry.postings)) for entry in entries
            }
        return self._facets[facet]

    def find_allowed(self, chosen: Mapping[str, str]) -> frozenset[int] | None:
        """The ordinals that have all chosen values of facets; None when nothing is chosen."""
        sets = [self.load_facet(facet).get(title, frozenset()) for facet, title in chosen.items()]
        return frozenset.intersection(*sets) if sets else None

    def find_id(self, ordinal: int) -> str:
        """The id of the document with this ordinal."""
        at, row = divmod(ordinal, int(self.manifest["documents_per_table"]))
        if at not in self._tables:
            self._tables[at] = self._load(self.manifest["tables"][at]).decode().split("\n")
        return self._tables[at][row]

    def load_fragment(self, document_id: str) -> dict[str, Any]:
        """The public JSON of an answer."""
        return self._load_json(f"{self.manifest['fragments']}{document_id}.json")

    def _load_shard(self, at: int) -> dict[str, Entry]:
        if at not in self._shards:
            data = self._load(self.manifest["shards"][at][1])
            self._shards[at] = {entry.term: entry for entry in decode_table(data)}
        return self._shards[at]

    def _load(self, name: str) -> bytes:
        path = self._folder + name
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


def search(
    indexes: Sequence[SearchIndex], query: str, *, limit: int = 10, chosen: Mapping[str, str] | None = None
) -> SearchResult:
    """Search one language or several, the page's own first; results are merged by score.

    Args:
        indexes: one per language.
        query: as typed; when it is empty, everything that has the chosen values, newest first.
        limit: hits to load.
        chosen: facet to the value, as shown, that results must have.
    """
    ranked: list[_Ranked] = []
    corrections: dict[str, tuple[str, ...]] = {}
    for place, index in enumerate(indexes):
        concepts = understand(index, query)
        corrections |= {c.word: tuple(c.terms) for c in concepts if c.corrected and c.terms}
        matches, weights = rank(index, concepts, index.find_allowed(chosen or {}))
        ranked += [_Ranked(match, place, index, concepts, weights) for match in matches]
    ranked.sort(key=lambda row: (-row.match.score, row.place))
    phrases = read_phrases(query)
    if phrases:
        ranked = [row for row in ranked[:CHECKED_FOR_PHRASES] if _has_phrases(row, phrases)]
    hits = tuple(_show(row) for row in ranked[:limit])
    return SearchResult(total=len(ranked), hits=hits, corrections=corrections)


def count_values(index: SearchIndex, query: str, facet: str, chosen: Mapping[str, str] | None = None) -> dict[str, int]:
    """How many answers to a query have each value of a facet, among those with the chosen values of the others."""
    others = {key: title for key, title in (chosen or {}).items() if key != facet}
    concepts, allowed = understand(index, query), index.find_allowed(others)
    found = {match.ordinal for match in rank(index, concepts, allowed)[0]} if concepts else allowed
    values = index.load_facet(facet)
    counts = {title: len(has if found is None else has & found) for title, has in values.items()}
    return {title: count for title, count in counts.items() if count}


@dataclass(frozen=True, slots=True)
class _Ranked:
    match: Match
    place: int
    index: SearchIndex
    concepts: Sequence[Concept]
    rarity: Mapping[int, float]


def _has_phrases(row: _Ranked, phrases: Sequence[tuple[str, ...]]) -> bool:
    fragment = row.index.load_fragment(row.index.find_id(row.match.ordinal))
    return all(holds_phrase(fragment, phrase) for phrase in phrases)


def understand(index: SearchIndex, query: str) -> list[Concept]:
    """Turn a query into concepts, with help for unknown words."""
    concepts: list[Concept] = []
    for concept in plan_concepts(index.analyzer, query, index.stop_words, index.synonyms):
        if concept.prefix:
            weight = float(index.manifest["prefix_weight"])
            more = dict.fromkeys(index.find_prefix_terms(concept.prefix), weight)
            if len(index.find_postings(index.analyzer.stem(concept.word))) < FEW_ANSWERS:
                more |= dict.fromkeys(complete_stems(index.analyzer, concept.word), weight)
            concept = replace(concept, terms={**more, **concept.terms})
        count = len({ordinal for term in concept.terms for ordinal, _ in index.find_postings(term)})
        concepts.append(concept if count >= FEW_ANSWERS else help_rare(index, concept, is_unknown=count == 0))
    return concepts


def help_rare(index: SearchIndex, concept: Concept, *, is_unknown: bool) -> Concept:
    """Widen a word that few or no answers have.

    Its halves stand for it where it has any, and an unknown one's likeliest spellings: of one slip, if it has halves.
    """
    if concept.halves or (not is_unknown and len(concept.word) < 2 * MIN_SPLIT_PART):
        return concept
    for first, last in split_at_number(concept.word) if is_unknown else ():
        if index.find_postings(index.analyzer.stem(first)) and index.find_postings(last):
            return replace(concept, halves=(index.analyzer.stem(first), last))
    vocabulary = index.load_vocabulary()
    links = LINKS if index.language == "de" else ("",)
    halves = split_by_vocabulary(concept.word, vocabulary, stem=index.analyzer.stem, links=links)
    if not is_unknown:
        return replace(concept, halves=halves) if halves else concept
    corrections = find_corrections(concept.word, vocabulary, stem=index.analyzer.stem, slips=1 if halves else 2)
    terms = dict.fromkeys(corrections, CORRECTION_WEIGHT)
    return replace(concept, terms=terms, halves=halves, corrected=not halves or bool(terms))


def rank(
    index: SearchIndex, concepts: Sequence[Concept], allowed: frozenset[int] | None = None
) -> tuple[list[Match], dict[int, float]]:
    """Rank all answers that have any of the concepts.

    Args:
        index: of one language.
        concepts: what is asked for; when there are none, all that are allowed are ranked.
        allowed: ordinals that may be shown; None for all.

    Returns:
        Matches, best first, newer first among equals; and each concept's weight by its place.
    """
    scores: dict[int, float] = {}
    shares: dict[int, float] = {}
    rarity: dict[int, float] = {}
    for place, concept in enumerate(concepts):
        found, rarity[place] = weigh_concept(index, concept)
        for ordinal, (value, share) in found.items():
            scores[ordinal] = scores.get(ordinal, 0.0) + value * rarity[place]
            shares[ordinal] = shares.get(ordinal, 0.0) + share
    if not concepts:
        scores = dict.fromkeys(allowed or (), 0.0)
    recency = RECENCY_WEIGHT / max(1, int(index.manifest["documents"]) - 1)
    matches = [
        Match(
            ordinal=ordinal,
            score=_round(score * (shares.get(ordinal, 0.0) / max(1, len(concepts))) ** 2 * (1 + recency * ordinal)),
        )
        for ordinal, score in scores.items()
        if allowed is None or ordinal in allowed
    ]
    matches.sort(key=lambda match: (-match.score, -match.ordinal))
    return matches, rarity


def weigh_concept(index: SearchIndex, concept: Concept) -> tuple[dict[int, tuple[float, float]], float]:
    """How much each answer has of a concept: a value up to 1, and the share of the concept that is there at all.

    Common halves of a rare word are no sign of it: where some answer has the word, they count less, as their being
    together is less rare than it.

    Returns:
        Value and share by ordinal, and the concept's rarity.
    """
    documents = int(index.manifest["documents"])
    found: dict[int, tuple[float, float]] = {}
    for term, weight in concept.terms.items():
        for ordinal, impact in index.find_postings(term):
            found[ordinal] = (max(found.get(ordinal, (0.0, 0.0))[0], weight * impact / MAX_IMPACT), 1.0)
    halves = [dict(index.find_postings(half)) for half in concept.halves]
    apart = {
        ordinal: [half[ordinal] for half in halves if ordinal in half]
        for ordinal in {n for half in halves for n in half}
    }
    together = sum(len(impacts) == len(halves) for impacts in apart.values())
    rarity_apart = _measure_rarity(together or len(apart), documents)
    rarity = _measure_rarity(len(found), documents) if found else rarity_apart
    scale = min(1.0, rarity_apart / rarity)
    for ordinal, impacts in apart.items():
        value = scale * (HALF_WEIGHT * (sum(impacts) / len(halves)) / MAX_IMPACT)
        before = found.get(ordinal, (0.0, 0.0))
        found[ordinal] = (max(before[0], value), max(before[1], scale * (len(impacts) / len(halves))))
    return found, rarity


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


def _measure_rarity(count: int, total: int) -> float:
    """BM25's inverse document frequency, for the concept as a whole: a rare variant of a common word is not rare."""
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def _round(score: float) -> float:
    # So that the last bit of a logarithm, which machines may round differently, never decides an order.
    return math.floor(score * 1e6 + 0.5) / 1e6


def _show(row: _Ranked) -> Hit:
    index, match = row.index, row.match
    document_id = index.find_id(match.ordinal)
    fragment = index.load_fragment(document_id)
    turn = choose_turn(index.analyzer, fragment["turns"], row.concepts, row.rarity)
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
