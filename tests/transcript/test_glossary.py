"""The glossary: what a line means, what cannot be one, and which names a recogniser hears of first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.transcript.glossary import (
    MAX_ENTRIES,
    Entry,
    Flaw,
    Known,
    find_rare_words,
    key_of,
    parse_glossary,
    plan_names,
)
from streamhub.transcript.rules import MAX_VOCABULARY_CHARACTERS, cut_vocabulary, plan_vocabulary


def test_a_line_is_an_entry() -> None:
    """A name, its variants behind a colon; remarks, empty lines and colons inside words are no trouble."""
    text = "# Namen\nStreamhub: Stream Hub,Strihm  Hab; streamhub\n\n  Kund:innen\nJulia   Weber :\n"
    entries, problems = parse_glossary(text)
    assert not problems
    assert entries == [
        Entry(said="Streamhub", heard=("Stream Hub", "Strihm Hab")),
        Entry(said="Kund:innen"),
        Entry(said="Julia Weber"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "flaw"),
    [
        ("Anna\n: x", 2, Flaw.NO_LETTERS),
        ("4711", 1, Flaw.NO_LETTERS),
        ("ein Satz, der viel zu viele Wörter für einen Namen hat", 1, Flaw.LONG),
        ("x" * 81, 1, Flaw.LONG),
        ("Anna: " + ", ".join(f"an{'n' * n}" for n in range(2, 30)), 1, Flaw.VARIANTS),
        ("Straße\nstrasse", 2, Flaw.TWICE),
        ("Köbes: Kübes\nKuebes GmbH: Kübes", 2, Flaw.CLAIMED),
        ("Köbes: Kübes\nKübes", 2, Flaw.TWICE),
        ("Und AG: und", 1, Flaw.EVERYDAY),
        ("The Who: the, who", 1, Flaw.EVERYDAY),
        ("\n".join(f"Name{n}" for n in range(MAX_ENTRIES + 1)), MAX_ENTRIES + 1, Flaw.MANY),
    ],
)
def test_lines_that_cannot_stay(text: str, line: int, flaw: Flaw) -> None:
    """A line that means nothing, or two things, is reported with its number; the lines around it are read."""
    entries, problems = parse_glossary(text)
    assert (problems[0].line, problems[0].flaw) == (line, flaw)
    assert len(entries) == min(line - 1, MAX_ENTRIES)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """Whatever is pasted, it is read or its problems are named; no entry is without letters."""
    entries, _ = parse_glossary(text)
    assert all(any(map(str.isalpha, entry.said)) and key_of(entry.said) for entry in entries)


def test_rare_words_are_those_of_no_dictionary() -> None:
    """Names, products and technical terms are found in questions, most frequent first; everyday words are not."""
    texts = [
        "Wie verbinde ich die FritzBox 7590 mit meinem Haus in der Straße?",
        "Läuft die Wärmepumpe von Vaillant mit der FritzBox?",
    ]
    assert find_rare_words(texts, "de") == ["FritzBox", "Wärmepumpe", "Vaillant"]
    assert find_rare_words(["Does the Zyxel router speak IPv6 on Tuesdays?"], "en") == ["Zyxel", "IPv6"]


def test_what_matters_most_survives_the_cut() -> None:
    """People come first, then the show's glossary, what was learned, products, the hub's, topics, questions."""
    known = Known(
        language="de",
        people=["Jana Weber"],
        products=["Fritzbox"],
        show=[Entry(said="FritzBox", heard=("Frizbocks",))],
        hub=[Entry(said="Streamhub", heard=("Strihm Hab",)), Entry(said="Kübes", heard=("kobes",))],
        learned=[("kobes", "Köbes", 2), ("strihm hab", "Stream-Hub", 1), ("Markt", "Merkt", 1)],
        titles=["Umzug"],
        texts=["Was kostet Zyxel?", "jana weber antwortet"],
    )
    found = plan_names(known)
    people_and_show, others = found.hints[:2], found.hints[2:]
    assert people_and_show == ("Jana Weber", "FritzBox"), "a product is written as the glossary has it"
    assert others == ("Köbes", "Stream-Hub", "Merkt", "Streamhub", "Kübes", "Umzug", "Zyxel")
    assert dict(found.told) == {"frizbocks": "FritzBox", "strihm hab": "Streamhub", "kobes": "Kübes"}
    assert found.names == ("Jana Weber", "FritzBox", "Streamhub", "Kübes", "Köbes", "Stream-Hub", "Merkt")
    many = [f"Name Nummer {number}" for number in range(100)]
    cut = cut_vocabulary([*found.hints, *many, "K"])
    assert cut[: len(found.hints)] == found.hints
    assert cut[-1] == "K", "what is too long leaves room for shorter ones"
    assert len(plan_vocabulary(cut)) <= MAX_VOCABULARY_CHARACTERS
    assert cut_vocabulary(cut) == cut
