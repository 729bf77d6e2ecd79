"""The index of likeness: what is found, what is not, and that adding and removing leave nothing behind."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.questions import likeness
from streamhub.questions.likeness import Entry, LikenessIndex
from streamhub.questions.wordbag import TextReader, learn_parts

GERMAN = [
    "Wie lange läuft mein Mietvertrag für den Router?",
    "Warum bricht die Internetverbindung jeden Abend ab?",
    "Was kostet ein Umzug des Anschlusses in eine andere Wohnung?",
    "Kann ich meine Rufnummer zum neuen Anbieter mitnehmen?",
    "Welche Kündigungsfrist gilt für den Glasfaservertrag?",
]
ENGLISH = [
    "How do I reset the password of my router?",
    "Why is my connection slow in the evening?",
    "Can I keep my phone number when I move?",
]


def make_index(splitter: bool = True) -> LikenessIndex:
    index = LikenessIndex(learn_parts(GERMAN) if splitter else None)
    entries = [Entry(key=f"de{n}", text=text, language="de") for n, text in enumerate(GERMAN)]
    entries += [Entry(key=f"en{n}", text=text, language="en") for n, text in enumerate(ENGLISH)]
    index.change(add=entries)
    return index


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("Abends ist immer die Verbindung ins Internet weg", "de1"),  # a compound taken apart
        ("Kündigung: welche Frist hat mein Vertrag?", "de4"),
        ("Ich ziehe um, was kosten Umzüge vom Anschluß", "de2"),  # inflected, other spelling
        ("rufnumer mitnemen", "de3"),  # typing errors
        ("wie lange mietvertr", "de0"),  # still typing
    ],
)
def test_german_question_is_found(asked: str, found: str) -> None:
    """A German question is found by other forms, parts of compounds, with errors and half typed."""
    assert make_index().search(asked, "de", limit=1)[0].key == found


@pytest.mark.parametrize(
    ("asked", "found"), [("Reseting a router password", "en0"), ("keeping my number when moving", "en2")]
)
def test_english_question_is_found(asked: str, found: str) -> None:
    """An English question is found by other forms of its words, and with errors."""
    assert make_index().search(asked, "en", limit=1)[0].key == found


def test_wrong_language_is_forgiven() -> None:
    """A question is found even when somebody says that it is in the other language."""
    assert make_index().search("Why is my connection slow?", "de", limit=1)[0].key == "en1"


def test_language_is_guessed_by_small_words() -> None:
    """The small words of a text tell its language; a text without any keeps the one that was said."""
    reader = TextReader()
    assert reader.guess("How do I do this?", "de") == "en"
    assert reader.guess("Wie geht das mit dem Router?", "en") == "de"
    assert reader.guess("Router", "en") == "en"


@pytest.mark.parametrize("text", [*GERMAN, *ENGLISH])
def test_same_text_is_the_likest(text: str) -> None:
    """A text is most like itself, with a score near 1."""
    best = make_index().search(text, "de" if text in GERMAN else "en", limit=1)[0]
    assert best.score > 0.85


def test_unlike_text_scores_little() -> None:
    """A question about something else stays below what is shown."""
    for asked, language in (("Wie backe ich ein Roggenbrot mit Sauerteig?", "de"), ("Who won the 1966 cup?", "en")):
        found = make_index().search(asked, language, limit=1)
        assert not found or found[0].score < 0.25


@pytest.mark.parametrize(
    "text", ["", " ", "?!…", "🎉" * 50, "\x00\u202e", "a" * 100_000, "Ж" * 30, "1 2 3", "\ud800", "ß" * 2000]
)
def test_odd_texts_find_nothing_and_break_nothing(text: str) -> None:
    """Texts without words, very long ones and foreign letters are searched for like all others."""
    assert [match for match in make_index().search(text, "de", limit=3) if match.score > 0.5] == []
    index = make_index()
    index.change(add=[Entry(key="odd", text=text, language="de")])
    assert index.search(GERMAN[0], "de", limit=1)[0].key == "de0"


def test_empty_index_finds_nothing() -> None:
    """An index without texts, or whose texts were all removed, finds nothing."""
    index = LikenessIndex()
    assert index.search("Router", "de", limit=3) == []
    index.change(add=[Entry(key="x", text="Router", language="de")])
    index.change(remove=["x", "never there"])
    assert index.search("Router", "de", limit=3) == []
    assert len(index) == 0


def test_replaced_and_removed_texts_are_gone() -> None:
    """A key that is added again has its new text alone; a removed one is never found."""
    index = make_index()
    index.change(add=[Entry(key="de0", text="Wo steht der Postkasten?", language="de")], remove=["de3"])
    assert index.search("Postkasten", "de", limit=1)[0].key == "de0"
    assert "de0" not in [match.key for match in index.search(GERMAN[0], "de", limit=9) if match.score > 0.2]
    assert "de3" not in [match.key for match in index.search(GERMAN[3], "de", limit=9)]
    assert "de3" not in index


def test_floor_limit_and_wish_are_kept() -> None:
    """Nothing below the floor, not more than asked for, and only keys that may be found, best first."""
    index = make_index()
    found = index.search("Router Verbindung Vertrag connection", "de", limit=9)
    assert [match.score for match in found] == sorted((match.score for match in found), reverse=True)
    assert index.search("Router", "de", limit=9, floor=0.99) == []
    assert len(index.search("Router Verbindung", "de", limit=1)) == 1
    assert {m.key[:2] for m in index.search("Router", "de", limit=9, where=lambda key: key.startswith("en"))} == {"en"}


def test_small_steps_find_what_one_step_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that came one by one, some of them removed, are found in the same order as all at once."""
    monkeypatch.setattr(likeness, "MAX_LOOSE_TEXTS", 3)
    monkeypatch.setattr(likeness, "MIN_DEAD", 2)
    whole, stepwise = make_index(splitter=False), LikenessIndex()
    for n, text in enumerate(ENGLISH):
        stepwise.change(add=[Entry(key=f"en{n}", text=text, language="en")])
    for n in range(9):
        stepwise.change(add=[Entry(key=f"gone{n}", text=f"{GERMAN[n % 5]} {n}", language="de")])
        stepwise.change(remove=[f"gone{n}"])
    for n, text in enumerate(GERMAN):
        stepwise.change(add=[Entry(key=f"de{n}", text=text, language="de")])
    assert len(stepwise) == len(whole)
    for asked in (*GERMAN, "Verbindung abends langsam", "Vertrag Router Frist"):
        best = [match.key for match in whole.search(asked, "de", limit=1)]
        assert [match.key for match in stepwise.search(asked, "de", limit=1)] == best


WORDS = st.sampled_from(["router", "vertrag", "frist", "kosten", "umzug", "nummer", "abend", "leitung", "modem"])
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(
    deeds=st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(0, 9), TEXTS), min_size=1, max_size=30),
    loose=st.integers(0, 4),
)
def test_index_holds_exactly_what_was_put_in(deeds: list[tuple[str, int, str]], loose: int) -> None:
    """After any adding and removing, each text that is there is found by itself, and none that is gone."""
    saved = likeness.MAX_LOOSE_TEXTS, likeness.MIN_DEAD
    likeness.MAX_LOOSE_TEXTS, likeness.MIN_DEAD = loose, 1
    try:
        index, model = LikenessIndex(), dict[str, str]()
        for deed, number, text in deeds:
            key = f"k{number}"
            if deed == "add":
                index.change(add=[Entry(key=key, text=text, language="de")])
                model[key] = text
            else:
                index.change(remove=[key])
                model.pop(key, None)
        assert len(index) == len(model)
        for key, text in model.items():
            found = index.search(text, "de", limit=20)
            assert {match.key for match in found} <= model.keys()
            assert found[0].score == pytest.approx(next(m.score for m in found if m.key == key), abs=0.3)
    finally:
        likeness.MAX_LOOSE_TEXTS, likeness.MIN_DEAD = saved


def test_one_may_search_while_another_adds() -> None:
    """A search beside a thread that adds and removes always sees a whole index."""
    index, stop, wrong = make_index(), threading.Event(), list[str]()

    def search() -> None:
        while not stop.is_set():
            found = index.search(GERMAN[1], "de", limit=1)
            if not found or found[0].key != "de1":
                wrong.append(str(found))

    reader = threading.Thread(target=search)
    reader.start()
    try:
        for n in range(150):
            index.change(add=[Entry(key=f"n{n}", text=f"Neues Wort{n} zum Thema {n}", language="de")])
            index.change(remove=[f"n{n - 3}"])
    finally:
        stop.set()
        reader.join()
    assert wrong == []


def test_scores_stay_between_0_and_1() -> None:
    """However often words repeat, a score is a number from 0 to 1."""
    index = make_index()
    index.change(add=[Entry(key="many", text="Router " * 300, language="de")])
    for text in ("Router", "Router " * 100, *GERMAN):
        scores = np.array([match.score for match in index.search(text, "de", limit=9)])
        assert np.all((scores >= 0) & (scores <= 1.0001))
