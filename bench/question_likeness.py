"""How well like questions are found on labelled sets, beside FTS5: R@1, R@5, MRR@10, what the floors show, clusters.

    python -m bench.question_likeness                                       the held-out parts, words alone
    python -m bench.question_likeness --encoder some/all-MiniLM-L6-v2       with an encoder beside them
    python -m bench.question_likeness --encoder ... --sweep                 the choosing parts: every constant's table
    python -m bench.question_likeness --encoder ... --part checking         whether the choice holds there
    python -m bench.question_likeness --encoder ... --unseen folder         sets that nobody chose anything by

`labelled.py` says what the sets are, how they are parted and what was seen of each before. The constants of
`streamhub.questions.finding` are those that ``--sweep`` names, which reads the choosing parts alone: of all settings
with which no measure of any set is below words alone, the one of the highest mean MRR; and of all floors that show at
most 3 % of unrelated questions something on every set of a language, the one that shows most right ones. The weights of
words (`streamhub.questions.scoring`) are older than the parts and were not chosen anew.

Beside ours stands SQLite's FTS5 on the same texts in the same run: unicode61, the words as typed, joined by OR, ranked
by bm25. XQuAD is questions to passages, which are compared by words; German is, too, unless ``--languages`` says that
the model knows it. "Unrelated" are questions of the other sets in that language, or the set's own of no intent.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two threads on shared cores take three times the time

import argparse
import contextlib
import math
import random
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.labelled import PARTS, SEEN, SETS, Asked, Labelled, load_sets, load_unseen, read_banking, read_xquad
from streamhub.questions import finding
from streamhub.questions.encoder import Encoder
from streamhub.questions.finding import QuestionFinder
from streamhub.questions.grouping import find_groups, find_neighbours, label_groups
from streamhub.questions.likeness import Entry, LikenessIndex
from streamhub.questions.wordbag import learn_parts
from streamhub.wordforms.analysis import Language

Ask = Callable[[str], list[int]]
Figures = tuple[float, float, float]
FACTS_NMI = {"banking77": 0.66, "XQuAD EN": 0.62, "XQuAD DE": 0.57}
"""Char TF-IDF, SVD-100, Louvain: what was measured before this was written."""

SHARES, WORDS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0), (20, 40, 80)
LOOSE, FLOORS = (1.0, 0.7, 0.6, 0.5), tuple(floor / 100 for floor in range(10, 61))
MOST_STRANGERS = 0.03


class Remembering:
    """An encoder that computes each text once, and keeps the vectors in a file where it is given one."""

    def __init__(self, encoder: Encoder, path: Path | None) -> None:
        self._encoder, self._path = encoder, path
        self._known: dict[str, npt.NDArray[np.float32]] = {}
        if path is not None and path.exists():
            with np.load(path) as kept:
                self._known = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))

    @property
    def languages(self) -> frozenset[str]:
        return self._encoder.languages

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        fresh = [text for text in dict.fromkeys(texts) if text not in self._known]
        if fresh:
            self._known |= zip(fresh, self._encoder.encode(fresh), strict=True)
        return np.array([self._known[text] for text in texts])

    def learn(self, sets: Sequence[Labelled], part: str) -> None:
        """Encode what a part will ask, in batches, which is faster than one by one."""
        texts = [text for one in sets if one.language in self.languages for text, _ in one.part(part)]
        self.encode(texts)
        if self._path is not None:
            np.savez(self._path, texts=np.array([*self._known]), vectors=np.array([*self._known.values()]))


def ask_fts5(archive: Sequence[str]) -> Ask:
    database = sqlite3.connect(":memory:")
    database.execute("create virtual table texts using fts5(text, tokenize='unicode61')")
    database.executemany("insert into texts (rowid, text) values (?, ?)", enumerate(archive, 1))

    def ask(text: str) -> list[int]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", text))
        sql = "select rowid from texts where texts match ? order by bm25(texts) limit 10"
        return [row - 1 for (row,) in database.execute(sql, (words,))] if words else []

    return ask


def entries_of(one: Labelled) -> list[Entry]:
    return [Entry(key=str(n), text=text, language=one.language) for n, text in enumerate(one.archive)]


def make_finder(one: Labelled, encoder: Encoder | None = None) -> QuestionFinder:
    finder = QuestionFinder(learn_parts(one.archive) if one.language == "de" else None, encoder)
    finder.change(add=entries_of(one))
    return finder


def ask_ours(one: Labelled, encoder: Encoder | None = None) -> Ask:
    finder = make_finder(one, encoder)
    return lambda text: [int(match.key) for match in finder.search(text, one.language, limit=10)]


@contextlib.contextmanager
def constants(**values: Any) -> Iterator[None]:
    """Other constants of `streamhub.questions.finding` while the block runs."""
    saved = {name: getattr(finding, name) for name in values}
    try:
        for name, value in values.items():
            setattr(finding, name, value)
        yield
    finally:
        for name, value in saved.items():
            setattr(finding, name, value)


NO_FLOORS = {"FLOORS": {"de": 0.0, "en": 0.0}, "MEANING_FLOOR": 0.0}
"""Ranks are judged on everything that is found; what is shown is judged by the floors."""


def judge(ask: Ask, asked: Sequence[Asked]) -> Figures:
    """R@1, R@5 and MRR@10."""
    sums = np.zeros(3)
    for text, right in asked:
        ranks = [rank for rank, place in enumerate(ask(text)[:10], 1) if place in right]
        if ranks:
            sums += (ranks[0] == 1, ranks[0] <= 5, 1 / ranks[0])
    first, five, mean = sums / len(asked)
    return float(first), float(five), float(mean)


def judge_ours(one: Labelled, part: str, encoder: Encoder | None, **values: Any) -> Figures:
    with constants(**NO_FLOORS, **values):
        return judge(ask_ours(one, encoder), one.part(part))


def report_quality(sets: Sequence[Labelled], part: str, encoder: Encoder | None) -> bool:
    """The table; returns whether ours is above FTS5 everywhere and the encoder nowhere below ours."""
    print(f"\nR@1 / R@5 / MRR@10, the {part} part of each set")
    print(
        f"{'set':12}{'archive':>8}{'asked':>7}{'seen':>7}{'FTS5 raw':>18}{'words':>18}{'encoder':>18}{'words/FTS5':>20}"
    )
    above, no_worse = True, True
    for one in sets:
        base, words = judge(ask_fts5(one.archive), one.part(part)), judge_ours(one, part, None)
        meant = judge_ours(one, part, encoder) if encoder else None
        ratio = show([mine / theirs for mine, theirs in zip(words, base, strict=True)])
        cells = [show(base), show(words), show(meant) if meant else "-"]
        seen = SEEN.get(one.name, "no")
        print(
            f"{one.name:12}{len(one.archive):>8}{len(one.part(part)):>7}{seen:>7}"
            + "".join(f"{cell:>18}" for cell in cells)
            + f"{ratio:>20}"
        )
        above &= all(mine > theirs for mine, theirs in zip(words, base, strict=True))
        no_worse &= meant is None or all(more >= mine for more, mine in zip(meant, words, strict=True))
    print("words above FTS5 in every measure of every set:", "yes" if above else "NO")
    if encoder:
        print("the encoder in no measure of any set below words:", "yes" if no_worse else "NO")
    return above and no_worse


def show(figures: Sequence[float]) -> str:
    return "/".join(f"{figure:.3f}".removeprefix("0") for figure in figures)


def strangers_of(one: Labelled, sets: Sequence[Labelled], part: str) -> list[str]:
    if one.strangers:
        return list(one.strangers[:300])
    own = {text for text, _ in one.asked} | set(one.archive)
    others = [other for other in sets if other.language == one.language and other.name[:5] != one.name[:5]]
    return [text for other in others for text, _ in other.part(part, 100) if text not in own]


def is_passages(one: Labelled) -> bool:
    return one.name.startswith("XQuAD")


def report_floors(sets: Sequence[Labelled], part: str, encoder: Encoder | None) -> None:
    print(f"\nwhat the floors show, the {part} part")
    for one in sets:
        unrelated = strangers_of(one, sets, part)
        if is_passages(one) or not unrelated:
            continue
        for name, with_encoder in (("words", None), ("encoder", encoder)):
            if name == "encoder" and (encoder is None or one.language not in encoder.languages):
                continue
            ask = ask_ours(one, with_encoder)
            shown = sum(bool(ask(text)) for text in unrelated) / len(unrelated)
            asked = one.part(part)
            kept = sum(bool(right.intersection(ask(text)[:5])) for text, right in asked) / len(asked)
            print(
                f"{one.name:12}{name:10} unrelated shown {shown:.1%} of {len(unrelated)}, right in 5 shown {kept:.1%}"
            )


def sweep_meaning(sets: Sequence[Labelled], encoder: Encoder) -> dict[str, Any]:
    """How an encoder is weighed, and how long a text it is asked about; returns what is best."""
    sets = [one for one in sets if one.language in encoder.languages]
    words = [judge_ours(one, "choosing", None) for one in sets]
    print(f"\nwords alone, choosing parts of {', '.join(one.name for one in sets)}: {'  '.join(map(show, words))}")
    best: tuple[float, dict[str, Any]] = (0.0, {})
    for longest in WORDS:
        for share in SHARES:
            values = {"MEANING_SHARE": share, "MEANING_WORDS": longest}
            meant = [judge_ours(one, "choosing", encoder, **values) for one in sets]
            worse = sum(
                b < a for left, right in zip(words, meant, strict=True) for a, b in zip(left, right, strict=True)
            )
            mean = sum(figures[2] for figures in meant) / len(meant)
            name = f"MEANING_SHARE {share} MEANING_WORDS {longest}"
            print(f"{name:38} {'  '.join(map(show, meant))}  mean MRR {mean:.4f}, {worse} measures below words")
            if not worse and mean > best[0]:
                best = (mean, values)
    print(f"chosen: {best[1] or 'none'}")
    return best[1]


def sweep_floors(sets: Sequence[Labelled]) -> None:
    """What a text must score to be shown, and what one with a single telling word in common counts."""
    found: dict[Language, list[Found]] = {"de": [], "en": []}
    for one in sets:
        if not is_passages(one):
            found[one.language].append(_search_all(one, sets, _words_of(one)))
    for loose in LOOSE:
        kept = 0.0
        for language, those in found.items():
            shown = [
                _raise_floor(each, lambda score, firm, loose=loose: score * (1 if firm else loose)) for each in those
            ]
            right, line = _choose_floor(f"{language}: LOOSE_SHARE {loose}", shown)
            kept += right * len(those)
            print(f"best for {line}")
        print(f"LOOSE_SHARE {loose}: right shown in the mean of all sets {kept / sum(map(len, found.values())):.4f}")


def sweep_meaning_floor(sets: Sequence[Labelled], encoder: Encoder) -> None:
    mine = [one for one in sets if one.language in encoder.languages and not is_passages(one)]
    with constants(**NO_FLOORS):
        found = [_search_all(one, sets, _finder_of(one, encoder)) for one in mine]
    print(f"chosen: {_choose_floor('MEANING_FLOOR', [_raise_floor(one, lambda score, _: score) for one in found])[1]}")


Hits = list[tuple[int, float, bool]]
Found = tuple[list[Hits], list[tuple[Hits, frozenset[int]]]]


def _words_of(one: Labelled) -> Callable[[str], Hits]:
    index = LikenessIndex(learn_parts(one.archive) if one.language == "de" else None)
    index.change(add=entries_of(one))
    return lambda text: [(int(m.key), m.score, m.firm) for m in index.search(text, one.language, limit=5)]


def _finder_of(one: Labelled, encoder: Encoder) -> Callable[[str], Hits]:
    finder = make_finder(one, encoder)
    return lambda text: [(int(m.key), m.score, m.firm) for m in finder.search(text, one.language, limit=5)]


def _search_all(one: Labelled, sets: Sequence[Labelled], find: Callable[[str], Hits]) -> Found:
    asked = one.part("choosing")
    return [find(text) for text in strangers_of(one, sets, "choosing")], [(find(text), right) for text, right in asked]


def _raise_floor(found: Found, count: Callable[[float, bool], float]) -> list[tuple[float, float]]:
    """For each floor the share of unrelated questions that are shown anything, and of others, the right."""
    strange, asked = found
    highest = [max((count(score, firm) for _, score, firm in hits), default=0.0) for hits in strange]
    right = [max((count(score, firm) for at, score, firm in hits if at in own), default=0.0) for hits, own in asked]
    return [
        (sum(s >= floor for s in highest) / len(strange), sum(s >= floor for s in right) / len(asked))
        for floor in FLOORS
    ]


def _choose_floor(name: str, shown: Sequence[Sequence[tuple[float, float]]]) -> tuple[float, str]:
    best = (0.0, f"{name}: none")
    for at, floor in enumerate(FLOORS):
        strange, right = zip(*(one[at] for one in shown), strict=True)
        line = f"{name} floor {floor:.2f}: unrelated {show(strange)} right {show(right)}"
        if at % 10 == 0:
            print(line)
        if max(strange) <= MOST_STRANGERS:
            best = max(best, (sum(right) / len(right), line))
    return best


def nmi(left: Sequence[str], right: Sequence[str]) -> float:
    """Normalised mutual information of two partitions."""
    count, a, b, both = len(left), Counter(left), Counter(right), Counter(zip(left, right, strict=True))

    def entropy(sizes: Counter[str]) -> float:
        return -sum(n / count * math.log(n / count) for n in sizes.values())

    shared = sum(n / count * math.log(n * count / (a[x] * b[y])) for (x, y), n in both.items())
    return 2 * shared / ((entropy(a) + entropy(b)) or 1)


def cluster_sets(folder: Path) -> Iterator[tuple[str, Language, list[tuple[str, str]]]]:
    rows = read_banking(folder)
    random.Random(1).shuffle(rows)
    yield "banking77", "en", rows[:2000]
    for language in ("en", "de"):
        articles = read_xquad(folder, language)
        questions = [
            (question["question"], str(number))
            for number, article in enumerate(articles)
            for paragraph in article["paragraphs"]
            for question in paragraph["qas"]
        ]
        yield f"XQuAD {language.upper()}", language, questions


def report_clusters(folder: Path, encoder: Encoder | None) -> None:
    print("\nclusters (kNN-10 and Louvain); NMI of single questions each as a cluster of its own")
    for name, language, rows in cluster_sets(folder):
        entries = [Entry(key=f"{n:05}", text=text, language=language) for n, (text, _) in enumerate(rows)]
        for kind, with_encoder in (("words", None), ("encoder", encoder)):
            if kind == "encoder" and (encoder is None or language not in encoder.languages):
                continue
            started, cpu = time.perf_counter(), time.process_time()
            finder = QuestionFinder(learn_parts([text for text, _ in rows]) if language == "de" else None, with_encoder)
            finder.change(add=entries)
            neighbours = find_neighbours(finder, entries)
            groups = find_groups(neighbours)
            took, cpu = time.perf_counter() - started, time.process_time() - cpu
            home = {key: str(number) for number, group in enumerate(groups) for key in group}
            found = nmi([home.get(one.key, one.key) for one in entries], [label for _, label in rows])
            single = sum(one.key not in home for one in entries)
            facts = FACTS_NMI[name]
            print(
                f"{name:10}{kind:9}{len(entries):>6} questions, {len(groups)} clusters, {single} single, "
                f"NMI {found:.3f} (before: {facts}, ratio {found / facts:.2f}), {cpu:.1f} s CPU, {took:.1f} s"
            )
        labels = label_groups({str(n): group for n, group in enumerate(groups[:4])}, {one.key: one for one in entries})
        print("   labels:", " | ".join(labels.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=SETS, help="holds banking77, covidqa and xquad")
    parser.add_argument("--encoder", type=Path, help="folder of a sentence encoder")
    parser.add_argument("--languages", default="en", help="the encoder's languages")
    parser.add_argument("--vectors", type=Path, help="file that keeps the encoder's vectors for the next run")
    parser.add_argument("--part", choices=PARTS, default="held out")
    parser.add_argument("--sweep", action="store_true", help="print the tables that the constants were chosen by")
    parser.add_argument("--unseen", type=Path, help="measure what was never asked about; the folder may hold more sets")
    parser.add_argument("--no-clusters", action="store_true")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        print(f"skipped: {arguments.folder} is not here; name the folder of the labelled sets")
        return
    encoder = None
    if arguments.encoder:
        from streamhub.questions.bert import BertEncoder

        encoder = Remembering(BertEncoder(arguments.encoder, frozenset(arguments.languages.split())), arguments.vectors)
    part = "choosing" if arguments.sweep else arguments.part
    sets = load_unseen(arguments.folder, arguments.unseen) if arguments.unseen else load_sets(arguments.folder)
    if encoder is not None:
        encoder.learn(sets, part)
    if arguments.sweep:
        sweep_floors(sets)
        if encoder is not None:
            with constants(**sweep_meaning(sets, encoder)):
                sweep_meaning_floor(sets, encoder)
        return
    report_quality(sets, part, encoder)
    report_floors(sets, part, encoder)
    if not (arguments.no_clusters or arguments.unseen):
        report_clusters(arguments.folder, encoder)


if __name__ == "__main__":
    main()
