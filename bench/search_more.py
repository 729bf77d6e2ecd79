"""More judged queries for the search, in groups, so that some can stay unseen while others are looked at.

    python -m bench.search_more ../shared/search ../shared/data [--size 10000] [--groups first second third] [--verbose]

`search_queries_more.json` has queries about the hand-written answers of `probes.py` (each with the ids that are right)
and about real transcripts (each with words that were said in what is right): a question time of the Bundestag,
podcasts, cut into stretches of some 150 words. A query's half comes from its hash; the third group was written after
the two halves had been looked at. With ``--verbose`` the queries that miss an answer are named, of the chosen groups
alone. `bench/search_quality.md` says what came out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from bench.convert_bundestag import parse_bundestag
from bench.convert_changelog import parse_changelog
from bench.search_quality import Engine, build_fts5, build_own, find_obstacle, load_corpus, make_real
from streamhub.archive.search.document import SearchDocument, Turn
from streamhub.transcript.vtt import parse_vtt

QUERIES = Path(__file__).with_name("search_queries_more.json")
STRETCH_WORDS = 150
GROUPS = ("first", "second", "third")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A query with the ids of everything that is right."""

    category: str
    language: str
    query: str
    right: frozenset[str]
    group: str


def find_half(query: str) -> str:
    """By hash, so that a new query changes no other one's half."""
    return GROUPS[hashlib.sha256(query.encode()).digest()[0] % 2]


def load_transcripts(data: Path) -> list[SearchDocument]:
    """The real transcripts, in stretches."""
    folder = data / "transcripts"
    documents: list[SearchDocument] = []
    for path in sorted((folder / "bundestag").glob("*.json")):
        turns, _ = parse_bundestag(json.loads(path.read_text("utf-8")))
        documents += cut(path.stem, "de", (turn.text for turn in turns))
    for path in sorted((folder / "changelog").glob("*.md")):
        documents += cut(path.stem, "en", (turn.text for turn in parse_changelog(path.read_text("utf-8"))))
    for path in sorted((folder / "talkpython").glob("*.vtt")):
        documents += cut(path.stem, "en", (cue.text for cue in parse_vtt(path.read_text("utf-8"), path.name).cues))
    return documents


def cut(name: str, language: str, texts: Iterable[str]) -> Iterator[SearchDocument]:
    """Stretches of at least so many words."""
    said: list[str] = []
    count = 0
    for text in [*texts, ""]:
        said.append(text)
        if sum(len(one.split()) for one in said) >= STRETCH_WORDS or not text:
            yield make_real(f"{name}.{count}", language, (Turn(start_ms=0, text=" ".join(said)),))
            said, count = [], count + 1


def judge_transcripts(documents: list[SearchDocument]) -> list[Judged]:
    """The queries about them, with the stretches that hold the words.

    Raises:
        ValueError: nothing holds them.
    """
    texts = {document.id: document.turns[0].text for document in documents}
    judged = []
    for category, language, query, quotes in json.loads(QUERIES.read_text("utf-8"))["transcripts"]:
        right = {key for key, text in texts.items() if any(quote in text for quote in quotes)}
        if not right:
            raise ValueError(f"{QUERIES.name}: no transcript has {quotes}")
        group = find_half(query)
        judged.append(Judged(category=category, language=language, query=query, right=frozenset(right), group=group))
    return judged


def judge_probes(probes: dict[str, str]) -> list[Judged]:
    """The queries about the hand-written answers, by document id."""
    ids = {probe: document_id for document_id, probe in probes.items()}
    stored = json.loads(QUERIES.read_text("utf-8"))
    rows = [(find_half(row[2]), *row) for row in stored["answers"]]
    rows += [("third", *row) for row in stored["answers_third"]]
    return [
        Judged(
            category=category, language=language, query=query, right=frozenset(map(ids.__getitem__, right)), group=group
        )
        for group, category, language, query, right in rows
    ]


def report(title: str, documents: list[SearchDocument], judged: list[Judged], given: argparse.Namespace) -> None:
    """Print what both engines find, per group."""
    with tempfile.TemporaryDirectory() as scratch:
        engines = [build_own(documents), build_fts5(documents, Path(scratch) / "fts.sqlite3")]
        print(f"\n{title}: {len(documents)} texts")
        for group in given.groups:
            chosen = [one for one in judged if one.group == group]
            for engine in engines:
                loud = given.verbose and engine is engines[0]
                rows = [(one.category, *ask(engine, one, loud=loud)) for one in chosen]
                print_rows(f"{group}, {engine.name}", rows, by_category=loud)


def ask(engine: Engine, judged: Judged, *, loud: bool) -> tuple[float, float]:
    """R@10 and reciprocal rank."""
    try:
        found = engine.ask(judged.language, judged.query)
    except sqlite3.OperationalError:
        found = []
    places = [place for place, one in enumerate(found, 1) if one in judged.right]
    recall, rank = len(places) / min(10, len(judged.right)), 1 / places[0] if places else 0.0
    if loud and (recall < 1 or rank < 1):
        print(f"  {judged.category}: {judged.query}, R@10 {recall:.2f}, rank {rank:.2f}")
    return recall, rank


def print_rows(name: str, rows: list[tuple[str, float, float]], *, by_category: bool) -> None:
    """The means, of each category where asked."""
    if not rows:
        return
    grouped: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for category, recall, rank in rows:
        grouped[category].append((recall, rank))
    if by_category:
        for category, pairs in sorted(grouped.items()):
            print(
                f"    {category:18} {len(pairs):4}  {mean(r for r, _ in pairs):.2f} / {mean(m for _, m in pairs):.2f}"
            )
    recall, rank = mean(row[1] for row in rows), mean(row[2] for row in rows)
    print(f"{name}: {len(rows)} queries, R@10 {recall:.3f}, MRR {rank:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where gen_corpus.py and probes.py are")
    parser.add_argument("data", type=Path, help="folder with transcripts/")
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=GROUPS)
    parser.add_argument("--verbose", action="store_true", help="name what is missed, and count by category")
    given = parser.parse_args()
    if given.data.is_dir():
        documents = load_transcripts(given.data)
        report("transcripts", documents, judge_transcripts(documents), given)
    else:
        print(f"search_more: no folder {given.data}, transcripts skipped")
    if obstacle := find_obstacle(given.folder.resolve()):
        print(f"search_more: answers skipped, {obstacle}")
        return
    corpus = load_corpus(given.folder.resolve(), given.size)
    report("answers", corpus.documents, judge_probes(corpus.probes), given)


if __name__ == "__main__":
    main()
