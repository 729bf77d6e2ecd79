"""The quality gate: on small labelled sets, like questions are found better than by SQLite's FTS5 as it comes."""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from streamhub.questions.encoder import Encoder
from streamhub.questions.finding import QuestionFinder
from streamhub.questions.likeness import Entry, LikenessIndex
from streamhub.questions.wordbag import learn_parts

FOLDER = Path(__file__).parents[1] / "data" / "questions"
UNRELATED = {
    "de": [
        "Wie backe ich ein Brot mit Sauerteig?",
        "Wann wurde der Kölner Dom fertig?",
        "Warum blinkt mein Router rot?",
    ],
    "en": ["How do I bake sourdough bread?", "When was the cathedral finished?", "Why is my router blinking red?"],
}
Pair = tuple[str, str]
LEAST = {
    "banking77_en": (0.61, 0.82, 0.70),
    "covidqa_en": (0.63, 0.86, 0.73),
    "covidqa_de": (0.26, 0.55, 0.37),
}
"""What words alone must reach in R@1, R@5 and MRR@10: 0.02 below what they reached when this was written."""

LEAST_SHOWN = {"banking77_en": 0.62, "covidqa_en": 0.62, "covidqa_de": 0.33}
"""The same for the share of questions whose like one is shown among five."""


class Noise:
    """An English encoder that knows nothing: its vectors say nothing about any text, and all are very alike."""

    languages = frozenset({"en"})

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        seeds = [zlib.crc32(text.encode()) for text in texts]
        vectors = np.array([1 + np.random.default_rng(seed).random(8) for seed in seeds], dtype=np.float32)
        unit: npt.NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def load(name: str) -> tuple[str, list[Pair], list[Pair]]:
    found = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found["language"], [tuple(one) for one in found["archive"]], [tuple(one) for one in found["asked"]]


def ask_fts5(archive: Sequence[Pair]) -> Callable[[str], list[str]]:
    database = sqlite3.connect(":memory:")
    database.execute("create virtual table texts using fts5(text, tokenize='unicode61')")
    database.executemany("insert into texts (rowid, text) values (?, ?)", enumerate((text for text, _ in archive), 1))

    def ask(text: str) -> list[str]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", text))
        sql = "select rowid from texts where texts match ? order by bm25(texts) limit 10"
        return [archive[row - 1][1] for (row,) in database.execute(sql, (words,))]

    return ask


def judge(ask: Callable[[str], list[str]], asked: Sequence[Pair]) -> tuple[float, float, float]:
    """R@1, R@5 and MRR@10."""
    ranks = [next((rank for rank, found in enumerate(ask(text), 1) if found == label), 0) for text, label in asked]
    right = [rank for rank in ranks if rank]
    first, five = sum(rank == 1 for rank in right), sum(rank <= 5 for rank in right)
    return first / len(asked), five / len(asked), sum(1 / rank for rank in right) / len(asked)


@pytest.mark.parametrize("name", ["banking77_en", "covidqa_en", "covidqa_de"])
def test_words_alone_beat_fts5(name: str) -> None:
    """R@1, R@5 and MRR@10 by words alone are above plain FTS5 on each set, German and English."""
    language, archive, asked = load(name)
    index = LikenessIndex(learn_parts(text for text, _ in archive) if language == "de" else None)
    index.change(add=[Entry(key=str(n), text=text, language=language) for n, (text, _) in enumerate(archive)])

    def ask(text: str) -> list[str]:
        return [archive[int(match.key)][1] for match in index.search(text, language, limit=10)]

    ours, base = judge(ask, asked), judge(ask_fts5(archive), asked)
    assert all(a > b for a, b in zip(ours, base, strict=True)), f"{name}: ours {ours}, FTS5 {base}"
    assert all(a >= b for a, b in zip(ours, LEAST[name], strict=True)), f"{name}: ours {ours}"


@pytest.mark.parametrize("name", ["banking77_en", "covidqa_en", "covidqa_de"])
def test_floors_show_the_right_and_hide_the_rest(name: str) -> None:
    """Questions about something else get nothing; most of those that have a like one are shown something."""
    language, archive, asked = load(name)
    finder = make_finder(name)
    assert [text for text in UNRELATED[language] if finder.search(text, language, limit=5)] == []
    shown = [[archive[int(match.key)][1] for match in finder.search(text, language, limit=5)] for text, _ in asked]
    right = sum(label in labels for labels, (_, label) in zip(shown, asked, strict=True)) / len(asked)
    assert right >= LEAST_SHOWN[name]


@pytest.mark.parametrize(("name", "other"), [("banking77_en", "covidqa_en"), ("covidqa_en", "banking77_en")])
def test_questions_of_another_field_are_shown_next_to_nothing(name: str, other: str) -> None:
    """Of real questions about something else, at most six in a hundred are shown anything."""
    finder, strangers = make_finder(name), [text for text, _ in load(other)[2]]
    assert sum(bool(finder.search(text, "en", limit=5)) for text in strangers) <= 0.06 * len(strangers)


def make_finder(*names: str, encoder: Encoder | None = None) -> QuestionFinder:
    sets = [load(name) for name in names]
    german = [text for language, archive, _ in sets for text, _ in archive if language == "de"]
    finder = QuestionFinder(learn_parts(german) if german else None, encoder)
    for name, (language, archive, _) in zip(names, sets, strict=True):
        prefix = f"{name}:" if len(names) > 1 else ""
        entries = [Entry(key=f"{prefix}{n}", text=text, language=language) for n, (text, _) in enumerate(archive)]
        finder.change(add=entries)
    return finder


def test_german_questions_rank_exactly_as_without_an_english_encoder() -> None:
    """Among German and English questions, an English encoder changes nothing about what a German question finds."""
    both = ("covidqa_de", "banking77_en", "covidqa_en")
    with_it, without = make_finder(*both, encoder=Noise()), make_finder(*both)
    found = [with_it.search(text, "de", limit=10) for text, _ in load("covidqa_de")[2]]
    assert found == [without.search(text, "de", limit=10) for text, _ in load("covidqa_de")[2]]
    assert sum(map(bool, found)) > 100
    for key in ("covidqa_de:0", "covidqa_de:50"):
        assert with_it.find_like(key, limit=10) == without.find_like(key, limit=10)


def test_an_encoder_pushes_no_text_back_that_it_does_not_compare() -> None:
    """What an English question finds in German stands no further back with an encoder, however bad, than without."""
    both = ("covidqa_de", "covidqa_en")
    with_it, without = make_finder(*both, encoder=Noise()), make_finder(*both)
    compared = 0
    for text in ["Corona Virus Pandemie", "SARS-CoV-2 Symptome", "COVID-19 Quarantäne", *dict(load("covidqa_en")[2])]:
        found = [[match.key for match in finder.search(text, "en", limit=40)] for finder in (with_it, without)]
        for place, key in enumerate(found[1]):
            if key.startswith("covidqa_de"):
                compared += 1
                assert found[0].index(key) <= place
    assert compared >= 10
