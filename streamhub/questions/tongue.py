"""Which of our languages a short text is written in, by its small words and letters. Pure."""

from __future__ import annotations

from streamhub.text import words_of

_GERMAN = frozenset(
    words_of(
        "aber als am an auch auf aus bei beim bin bis da das dass dem den der des die doch ein eine einem einen einer "
        "es für gibt haben hat hatte ich ihr ihre im in ist ja kann kein keine können mein mich mir mit muss nach "
        "nicht noch nur ob oder ohne schon sehr sein sich sie sind so soll um und uns unser vom von vor wann warum was "
        "weil welche wenn wer werden wie wieder wieso wieviel wird wir wo zu zum zur bekomme bekommen danke bitte frage"
    )
)
_ENGLISH = frozenset(
    words_of(
        "a about after all also an and any are as at be been but by can could did do does for from get has have how i "
        "if in into is it its just like many me much my no not of on or our please question should so some than thank "
        "thanks that the their them there they this to was we were what when where which who why will with would you "
        "your"
    )
)
_GERMAN_LETTERS = frozenset("äöüß")


def guess_language(text: str) -> str:
    """``de`` or ``en``; empty when the text does not say."""
    words = words_of(text[:4000])
    german = sum(word in _GERMAN for word in words) + sum(letter in _GERMAN_LETTERS for letter in text[:4000].lower())
    english = sum(word in _ENGLISH for word in words)
    if german == english:
        return ""
    return "de" if german > english else "en"
