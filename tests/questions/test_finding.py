"""Words and meaning together: the encoder helps in its own language, and is not asked anywhere else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from streamhub.questions.finding import MEANING_WORDS, QuestionFinder
from streamhub.questions.likeness import Entry


class SynonymEncoder:
    """Knows that some words mean the same, and counts how often it is asked."""

    languages = frozenset({"en"})
    meanings = ({"car", "automobile", "vehicle"}, {"price", "cost", "fee"}, {"dog", "hound"}, {"train", "railway"})

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked += texts
        vectors = np.array([[0.01, *(bool(m & set(t.lower().split())) for m in self.meanings)] for t in texts])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def english(**texts: str) -> list[Entry]:
    return [Entry(key=key, text=text, language="en") for key, text in texts.items()]


def test_meaning_finds_what_words_do_not() -> None:
    """Two questions without a word in common are found alike by the encoder, and not without it."""
    entries = english(a="my automobile fee", b="our dog barks", c="railway tickets")
    with_it, without = QuestionFinder(encoder=SynonymEncoder()), QuestionFinder()
    for finder in (with_it, without):
        finder.change(add=entries)
    assert [match.key for match in with_it.search("vehicle price", "en", limit=3)] == ["a"]
    assert without.search("vehicle price", "en", limit=3) == []
    assert [match.key for match in with_it.search("vehicle price", "en", limit=3, where=lambda key: key != "a")] == []


def test_other_languages_and_long_texts_are_not_asked_about() -> None:
    """German texts and very long ones are compared exactly as without an encoder."""
    encoder = SynonymEncoder()
    with_it, without = QuestionFinder(encoder=encoder), QuestionFinder()
    entries = [
        Entry(key="de", text="Was kostet der Umzug?", language="de"),
        Entry(key="long", text="car " * (MEANING_WORDS + 1), language="en"),
    ]
    for finder in (with_it, without):
        finder.change(add=entries)
    assert encoder.asked == []
    for text, language in (("Was kostet ein Umzug?", "de"), ("car " * (MEANING_WORDS + 1), "en")):
        assert with_it.search(text, language, limit=3) == without.search(text, language, limit=3)
    assert encoder.asked == []


def test_removed_and_changed_texts_lose_their_meaning() -> None:
    """A text that is removed is found no more, and one that changed by its new meaning; room is used again."""
    finder = QuestionFinder(encoder=SynonymEncoder())
    for turn in range(30):
        finder.change(add=english(a="my automobile", b="a dog"))
        finder.change(add=english(a="a hound" if turn % 2 else "my car"), remove=["b"])
    assert finder.search("vehicle", "en", limit=3) == []
    assert [match.key for match in finder.search("dog", "en", limit=3)] == ["a"]
    assert [match.key for match in finder.find_like("a", limit=3)] == []
    finder.change(add=english(c="one dog"))
    assert [match.key for match in finder.find_like("a", limit=3)] == ["c"]
    assert len(finder) == 2
