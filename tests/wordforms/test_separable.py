"""Verbs in two parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.wordforms.separable import MOST_VERBS, find_separated


@pytest.mark.parametrize(
    ("text", "verbs"),
    [
        ("Wie richte ich den Router ein?", ["einrichte"]),
        ("wie melde ich mich an", ["anmelde"]),
        ("Wir ziehen im März um. Was nun?", ["umziehen"]),
        ("Schalten Sie den Router aus und wieder ein.", ["ausschalten", "einschalten"]),
        ("Beim neuen Router schaltet sich die Lampe ab, wenn es regnet.", ["abschaltet"]),
        ("Ich fange an, den Router zu prüfen", ["anfange"]),
        ("Wie lade ich\ndie Rechnung herunter", []),
        ("Wie lade ich die Rechnung herunter\nWoher?", ["herunterlade"]),
        ("Rufen Sie uns an: 0800", ["anrufen"]),
        ("Das schließt Sie nicht aus (leider).", ["ausschliesst"]),
        ("Ich komme noch nicht an den Beleg", []),
        ("Der Router ist aus.", []),
        ("Zu-, Ab- und An-Schalter", []),
        ("", []),
    ],
)
def test_find_separated(text: str, verbs: list[str]) -> None:
    """A particle at the end of a clause is put before its verb; nouns, adjectives and stop words are no verbs."""
    assert list(find_separated(text)) == verbs


@given(st.text(alphabet="abeintu .,\n", max_size=80))
def test_any_text_gives_words(text: str) -> None:
    """Whatever is written, each found word is one, and no clause gives more than a few."""
    found = list(find_separated(text))
    assert all(word.isalpha() and word.islower() for word in found)
    assert len(found) <= MOST_VERBS * (text.count(" ") + text.count(".") + text.count(",") + text.count("\n") + 1)
