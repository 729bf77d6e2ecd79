"""Words, folding and stems."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.wordforms.analysis import Analyzer, derive_infinitive, fold, fold_stop_words, split_words


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Kündigung", [("kundigung",)]),
        ("Straße STRASSE", [("strasse",), ("strasse",)]),
        ("FRITZ!Box 7590", [("fritz", "box"), ("7590",)]),
        ("Amts-Leitung, bitte!", [("amts", "leitung"), ("bitte",)]),
        ("don't the router's", [("dont",), ("the",), ("router",)]),
        ("Kund:innen Kund*innen", [("kund", "innen"), ("kund", "innen")]),
        ("OS 8.02. Ende", [("os",), ("8", "02"), ("ende",)]),
        ("Amts\u00adleitung ver\u200bteilt", [("amtsleitung",), ("verteilt",)]),
        ("ﬁber ｗｉｄｅ", [("fiber",), ("wide",)]),
        ("<script>alert(1)</script>", [("script",), ("alert",), ("1",), ("script",)]),
        ("\u202egnutieL\u202c \x00 😀 --", [("gnutiel",)]),
    ],
)
def test_split_words(text: str, pieces: list[tuple[str, ...]]) -> None:
    """Words are found with their joiners and folded; what is invisible or no letter or digit leaves no trace."""
    assert [word.pieces for word in split_words(text)] == pieces


@pytest.mark.parametrize(
    ("language", "left", "right"),
    [
        ("de", "Kündigung", "kuendigung"),
        ("de", "Kündigung", "kundigung"),
        ("de", "Kündigung", "Kündigungen"),
        ("de", "Haus", "Häuser"),
        ("de", "defekter", "defekte"),
        ("de", "Fußboden", "Fussboden"),
        ("en", "cancelling", "cancelled"),
        ("en", "routers", "Router's"),
    ],
)
def test_one_stem(language: str, left: str, right: str) -> None:
    """Inflections and the ways to write umlauts meet in one stem."""
    analyzer = Analyzer(language)  # type: ignore[arg-type]
    terms = [next(iter(analyzer.word_terms(next(split_words(word))))) for word in (left, right)]
    assert terms[0] == terms[1]


@pytest.mark.parametrize(
    ("inflected", "infinitive"),
    [
        ("gekundigt", "kundigen"),
        ("gekundigter", "kundigen"),
        ("abgeschalteten", "abschalten"),
        ("reparierte", "reparieren"),
        ("karte", ""),
        ("gemeldet", "melden"),
        ("abgeschaltet", "abschalten"),
        ("eingerichtet", "einrichten"),
        ("repariert", "reparieren"),
        ("lohnt", "lohnen"),
        ("kostet", "kosten"),
        ("krankheit", ""),
        ("mannschaft", ""),
        ("geht", ""),
        ("gerat", ""),
        ("router", ""),
        ("einzurichten", "einrichten"),
        ("hinzugefugt", "hinzufugen"),
        ("umgezogen", "umziehen"),
        ("verlorene", "verlieren"),
        ("abgeschlossenen", "abschliessen"),
        ("gebracht", "bringen"),
        ("ausgefallen", "ausfallen"),
        ("uberwiesen", "uberweisen"),
        ("gefahren", ""),
        ("geraten", ""),
        ("stunden", ""),
        ("anzug", ""),
    ],
)
def test_infinitives(inflected: str, infinitive: str) -> None:
    """A participle, a third person and "zu" within a verb lead to the infinitive; other words to nothing."""
    assert derive_infinitive(inflected) == infinitive


def test_joined_words_are_found_whole() -> None:
    """A word with a joiner has the terms of its pieces and of the whole."""
    word = next(split_words("Amts-Leitung"))
    assert set(Analyzer("de").word_terms(word)) == {"amt", "leitung", "amtsleit"}


def test_stop_words_with_digraphs() -> None:
    """Stop words are left out in every way of writing umlauts."""
    assert {"fur", "fuer"} <= set(fold_stop_words(("für",)))


@given(st.text())
def test_places_are_true(text: str) -> None:
    """Every word stands where it says, in order, and is made of letters and digits."""
    end = 0
    for word in split_words(text):
        assert end <= word.start < word.end <= len(text)
        assert all(piece and piece == fold(piece) and piece.isalnum() for piece in word.pieces)
        end = word.end


@given(st.text())
def test_terms_are_bounded(text: str) -> None:
    """No text makes a term of more than forty characters or beyond the basic plane."""
    analyzer = Analyzer("de")
    for word in split_words(text):
        for term in analyzer.word_terms(word):
            assert 0 < len(term) <= 40
            assert all(ord(letter) < 0x10000 for letter in term)
