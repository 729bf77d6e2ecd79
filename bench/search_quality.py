"""Quality, size and build cost of the search index, beside SQLite FTS5 in the same run.

    python bench/search_quality.py ../shared/search [--sizes 1000 10000] [--data ../shared/data] [--verbose]

The folder holds `gen_corpus.py` (writes a synthetic archive; needs numpy and Debian's wngerman and wamerican) and
`probes.py` (hand-written answers hidden in it, with judged queries). Without them the benchmark says so, ending with 0.

With ``--data`` real texts are asked as well, by questions that others wrote and judged: meetings of QMSum, cut into
stretches of twenty turns (right is a stretch that the question's span touches), and paragraphs of XQuAD in both
languages.

Prints per category the share of right answers among the first ten (R@10) and the mean reciprocal rank of the first
right one (MRR), then bytes and seconds. FTS5 has unicode61 without accents, bm25 with the same weight for the question,
all words first and any word after, the last word as a prefix: what one gets without an analysis of one's own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from types import ModuleType
from typing import Any

from streamhub.archive.search.document import SearchDocument, Turn
from streamhub.archive.search.index import plan_index
from streamhub.archive.search.query import SearchIndex, search
from streamhub.archive.search.record import QUESTION_WEIGHT

DICTIONARIES = (Path("/usr/share/dict/ngerman"), Path("/usr/share/dict/american-english"))

Ask = Callable[[str, str], list[str]]
"""From language and query to the ids of the first ten."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """A generated archive: the documents, and which of them are the hand-written ones."""

    documents: list[SearchDocument]
    probes: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """A built engine with what building cost."""

    name: str
    ask: Ask
    build_cpu_s: float
    size_bytes: int
    files: int


def find_obstacle(folder: Path) -> str:
    """Why the benchmark cannot run here, or ``""``."""
    missing = [
        str(path) for path in (folder / "gen_corpus.py", folder / "probes.py", *DICTIONARIES) if not path.exists()
    ]
    if missing:
        return f"{', '.join(missing)} missing"
    return "" if importlib.util.find_spec("numpy") else "numpy is not installed"


def load_probes(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("probes", folder / "probes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_corpus(folder: Path, size: int) -> Corpus:
    """Generate an archive of that many answers and read it."""
    records = generate(folder, size)
    documents = [make_document(record) for record in records]
    return Corpus(documents=documents, probes={str(r["id"]): r["probe"] for r in records if r["probe"]})


def generate(folder: Path, size: int) -> list[dict[str, Any]]:
    """Run the generator."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "corpus.jsonl"
        write_corpus(folder, size, target)
        return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]


def write_corpus(folder: Path, size: int, target: Path) -> None:
    """Run the generator into a file, a record a line."""
    command = [sys.executable, "-B", str(folder / "gen_corpus.py"), str(size), str(target)]
    subprocess.run(command, check=True, cwd=target.parent)


def read_documents(corpus: Path) -> Iterator[SearchDocument]:
    """The documents of such a file, one after the other."""
    with corpus.open(encoding="utf-8") as lines:
        yield from (make_document(json.loads(line)) for line in lines)


def make_document(record: dict[str, Any]) -> SearchDocument:
    """A generated record as the search sees it."""
    return SearchDocument(
        id=str(record["id"]),
        url=f"answers/{record['slug']}/",
        language=record["lang"],
        question=record["question"],
        turns=tuple(
            Turn(start_ms=segment["t"] * 1000, speaker=segment["speaker"], text=segment["text"])
            for segment in record["segments"]
        ),
        topics=tuple(record["topics"]),
        speakers=tuple(record["speakers"]),
        session_title=record["show"],
        date=record["date"],
    )


def build_own(documents: list[SearchDocument]) -> Engine:
    started = time.process_time()
    files = plan_index(documents)
    build_cpu_s = time.process_time() - started
    sizes = [len(data) for path, data in files.items() if path.startswith("search/")]
    indexes = {language: SearchIndex(files.__getitem__, language) for language in ("de", "en")}

    def ask(language: str, query: str) -> list[str]:
        return [hit.id for hit in search([indexes[language]], query).hits]

    return Engine(name="streamhub", ask=ask, build_cpu_s=build_cpu_s, size_bytes=sum(sizes), files=len(sizes))


def build_fts5(documents: list[SearchDocument], path: Path) -> Engine:
    started = time.process_time()
    database = sqlite3.connect(path)
    for language in ("de", "en"):
        database.execute(
            f"create virtual table {language} using fts5(question, body, content='',"
            " tokenize='unicode61 remove_diacritics 2')"
        )
    ids: dict[str, list[str]] = {"de": [], "en": []}
    for document in documents:
        body = "\n".join([*(turn.text for turn in document.turns), *document.topics, *document.speakers])
        ids[document.language].append(document.id)
        database.execute(
            f"insert into {document.language} (rowid, question, body) values (?, ?, ?)",
            (len(ids[document.language]), document.question, body),
        )
    database.commit()
    build_cpu_s = time.process_time() - started

    def ask(language: str, query: str) -> list[str]:
        words = [f'"{word}"' for word in re.findall(r"\w+", query)]
        words[-1] += "*"
        found: dict[int, None] = {}
        for operator in (" AND ", " OR "):
            rows = database.execute(
                f"select rowid from {language} where {language} match ? order by bm25({language}, ?, 1) limit 10",
                (operator.join(words), QUESTION_WEIGHT),
            )
            found |= dict.fromkeys(row for (row,) in rows)
        return [ids[language][row - 1] for row in found][:10]

    return Engine(name="FTS5", ask=ask, build_cpu_s=build_cpu_s, size_bytes=path.stat().st_size, files=1)


def judge(engine: Engine, corpus: Corpus, probes: ModuleType) -> Iterator[tuple[str, str, float, float, float]]:
    """For each judged query: category, query, R@10, reciprocal rank, milliseconds."""
    for category, language, query, right in probes.QUERIES:
        started = time.perf_counter()
        found = [corpus.probes.get(document_id, "") for document_id in engine.ask(language, query)]
        elapsed_ms = (time.perf_counter() - started) * 1000
        recall = mean(answer in found for answer in right)
        rank = next((1 / place for place, answer in enumerate(found, 1) if answer in right), 0.0)
        yield category, query, recall, rank, elapsed_ms


def report(size: int, corpus: Corpus, engines: list[Engine], probes: ModuleType, *, verbose: bool) -> None:
    judged = [list(judge(engine, corpus, probes)) for engine in engines]
    by_category: dict[str, list[list[tuple[float, float]]]] = defaultdict(lambda: [[] for _ in engines])
    for n, rows in enumerate(judged):
        for category, query, recall, rank, _ in rows:
            by_category[category][n].append((recall, rank))
            if verbose and n == 0 and recall < 1:
                print(f"  missed ({category}): {query}, R@10 {recall:.2f}")
    print(f"\n{size} answers, {len(judged[0])} judged queries")
    print(f"{'R@10 / MRR':18}" + "".join(f"{engine.name:>16}" for engine in engines))
    total = [[pair for rows in by_category.values() for pair in rows[n]] for n in range(len(engines))]
    for category, rows in [*by_category.items(), ("all", total)]:
        cells = (f"{mean(r for r, _ in pairs):.2f} / {mean(m for _, m in pairs):.2f}" for pairs in rows)
        print(f"{category + f' ({len(rows[0])})':18}" + "".join(f"{cell:>16}" for cell in cells))
    print(f"{'index, KiB':18}" + "".join(f"{engine.size_bytes / 1024:>16.0f}" for engine in engines))
    print(f"{'files':18}" + "".join(f"{engine.files:>16}" for engine in engines))
    print(f"{'build, CPU s':18}" + "".join(f"{engine.build_cpu_s:>16.1f}" for engine in engines))
    print(f"{'query, median ms':18}" + "".join(f"{median(row[-1] for row in rows):>16.1f}" for rows in judged))


@dataclass(frozen=True, kw_only=True, slots=True)
class Real:
    """Real texts with judged questions: language, question, ids of what is right."""

    name: str
    documents: list[SearchDocument]
    questions: list[tuple[str, str, frozenset[str]]]


TURNS_PER_STRETCH = 20


def load_meetings(path: Path) -> Real:
    """Meetings of QMSum, in stretches."""
    documents: list[SearchDocument] = []
    questions: list[tuple[str, str, frozenset[str]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        meeting = json.loads(line)
        turns = meeting["meeting_transcripts"]
        for at in range(0, len(turns), TURNS_PER_STRETCH):
            said = [
                Turn(start_ms=1000 * (at + n), speaker=turn["speaker"], text=turn["content"])
                for n, turn in enumerate(turns[at : at + TURNS_PER_STRETCH])
            ]
            document_id = f"m{number}.{at // TURNS_PER_STRETCH}"
            documents.append(make_real(document_id, "en", tuple(said)))
        for asked in meeting["specific_query_list"]:
            spans = [(int(first), int(last)) for first, last in asked["relevant_text_span"]]
            right = {
                f"m{number}.{stretch}"
                for first, last in spans
                for stretch in range(first // TURNS_PER_STRETCH, last // TURNS_PER_STRETCH + 1)
            }
            questions.append(("en", asked["query"], frozenset(right)))
    return Real(name="QMSum", documents=documents, questions=questions)


def load_paragraphs(path: Path, language: str) -> Real:
    """Paragraphs of XQuAD."""
    documents: list[SearchDocument] = []
    questions: list[tuple[str, str, frozenset[str]]] = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            document_id = f"p{len(documents)}"
            documents.append(make_real(document_id, language, (Turn(start_ms=0, text=paragraph["context"]),)))
            questions += [(language, asked["question"], frozenset({document_id})) for asked in paragraph["qas"]]
    return Real(name=f"XQuAD {language}", documents=documents, questions=questions)


def make_real(document_id: str, language: str, turns: tuple[Turn, ...]) -> SearchDocument:
    """A text without a question of its own."""
    return SearchDocument(
        id=document_id,
        url=f"{document_id}/",
        language="de" if language == "de" else "en",
        question="",
        turns=turns,
        date="2026-01-01",
    )


def report_real(real: Real) -> None:
    """Print what both engines find."""
    with tempfile.TemporaryDirectory() as scratch:
        engines = [build_own(real.documents), build_fts5(real.documents, Path(scratch) / "fts.sqlite3")]
        print(f"\n{real.name}: {len(real.documents)} texts, {len(real.questions)} questions")
        for engine in engines:
            recalls, ranks, hits = [], [], []
            for language, question, right in real.questions:
                found = engine.ask(language, question)
                places = [place for place, document_id in enumerate(found, 1) if document_id in right]
                recalls.append(len(places) / min(10, len(right)))
                ranks.append(1 / places[0] if places else 0.0)
                hits.append(bool(places))
            print(
                f"{engine.name:12} R@10 {mean(recalls):.3f}   MRR {mean(ranks):.3f}   any right one {mean(hits):.3f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where gen_corpus.py and probes.py are")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--data", type=Path, help="folder with transcripts/qmsum and questions/xquad")
    parser.add_argument("--verbose", action="store_true", help="name the queries that miss an answer")
    arguments = parser.parse_args()
    if arguments.data:
        report_real(load_meetings(arguments.data / "transcripts" / "qmsum" / "test.jsonl"))
        for language in ("de", "en"):
            report_real(load_paragraphs(arguments.data / "questions" / "xquad" / f"xquad.{language}.json", language))
    folder = arguments.folder.resolve()
    obstacle = find_obstacle(folder)
    if obstacle:
        print(f"search_quality: skipped, {obstacle}")
        return
    probes = load_probes(folder)
    for size in arguments.sizes:
        corpus = load_corpus(folder, size)
        with tempfile.TemporaryDirectory() as scratch:
            engines = [build_own(corpus.documents), build_fts5(corpus.documents, Path(scratch) / "fts.sqlite3")]
            report(size, corpus, engines, probes, verbose=arguments.verbose)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of this process, corpus and both engines included: {peak_mib:.0f} MiB")


if __name__ == "__main__":
    main()
