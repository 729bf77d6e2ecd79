"""The quality gate: on small labelled sets, like questions are found better than by SQLite's FTS5 as it comes."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("name", ["banking77_en", "covidqa_en", "covidqa_de"])
def test_floors_show_the_right_and_hide_the_rest(name: str) -> None:
    """Questions about something else get nothing; most of those that have a like one are shown something."""
    language, archive, asked = load(name)
    finder = QuestionFinder(learn_parts(text for text, _ in archive) if language == "de" else None)
    finder.change(add=[Entry(key=str(n), text=text, language=language) for n, (text, _) in enumerate(archive)])
    assert [text for text in UNRELATED[language] if finder.search(text, language, limit=5)] == []
    shown = sum(bool(finder.search(text, language, limit=5)) for text, _ in asked)
    assert shown / len(asked) > 0.7
