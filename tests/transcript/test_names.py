"""Names put right in what was heard: which words are replaced, and that all others, and all times, stay."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.timecode import Span
from streamhub.transcript.glossary import Known, Vocabulary, parse_glossary, plan_names
from streamhub.transcript.names import correct_cue, correct_names, correct_transcript
from streamhub.transcript.rules import interpolate_words
from streamhub.transcript.transcript import Cue, Maker, Transcript, Word

SHOW = "Streamhub\nKöbes: Kübel\nPhotovoltaix\nGitOps: Kit Ops\nWärmepumpe\nNextcloud Talk"
KNOWN = plan_names(
    Known(
        language="de",
        people=["Julia Wöber", "Hans-Joachim Fuchtel", "Jerod Santo", "Mark Weber"],
        show=parse_glossary(SHOW)[0],
        learned=[("meyer", "Maier", 2)],
    )
)


def heard(text: str, language: str = "de") -> tuple[Word, ...]:
    return correct_names(interpolate_words(text, Span(1_000, 61_000)), KNOWN, language)


def said(text: str, language: str = "de") -> str:
    return " ".join(word.text for word in heard(text, language))


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Willkommen bei Strihmhab, sagt Julia Wäber.", "Willkommen bei Streamhub, sagt Julia Wöber."),
        ("Das Strihm Hub ist neu.", "Das Streamhub ist neu."),
        ("Herr Fuchtl, bitte!", "Herr Fuchtel, bitte!"),
        ("(Fuchdel) kommt.", "(Fuchtel) kommt."),
        ("Hans Joachim Fuchtel kommt", "Hans-Joachim Fuchtel kommt"),
        ("Wir bauen Fotovoltaix auf", "Wir bauen Photovoltaix auf"),
        ("Strihmhabs Kunden", "Streamhubs Kunden"),
        ("nextclout talk läuft", "Nextcloud Talk läuft"),
    ],
)
def test_misheard_names_are_put_right(text: str, right: str) -> None:
    """A name is found by its sound, alone or in two words, with its punctuation and ending kept."""
    assert said(text) == right


@pytest.mark.parametrize(
    "text",
    [
        "Der Weber webt, und Mark und Pfennig sind am Markt.",
        "Ein Strom und ein Hub, die Streamer und der Steamer.",
        "Julias Wärmepumpen und die Wärmepumpensteuerung des Streamhubs",
        "Julian kommt mit Jared und Juliane",
        "Wir hören ihm ab. Ja klar, oben.",
        "Streamhub und Jerod Santo",
        "the stream of the hub is a market for fox tales",
    ],
)
def test_other_words_stay(text: str) -> None:
    """Words of a dictionary, inflected names, other people's names and right names are not touched."""
    assert said(text) == text
    assert said(text, "en") == text


def test_common_words_go_where_a_person_said_so() -> None:
    """What a glossary or a remembered correction names is replaced, even if every dictionary has it."""
    assert said("Ein Kübel Bier, Frau Meyer, mit Kit Ops.") == "Ein Köbes Bier, Frau Maier, mit GitOps."
    assert said("Meyers Kit Ops") == "Maiers GitOps"
    assert said("Ein Kit, Ops!") == "Ein Kit, Ops!", "not over a comma"


def test_a_word_says_what_had_been_heard() -> None:
    """Changed words carry what the recogniser wrote; others carry nothing, and what was put right is left alone."""
    words = heard("Bei Strihm Hub spricht Julia Wäber.")
    assert [(word.text, word.heard) for word in words if word.heard] == [
        ("Streamhub", "Strihm Hub"),
        ("Wöber.", "Wäber"),
    ]
    assert correct_names(words, KNOWN, "de") == words


def test_times_stay() -> None:
    """Words that keep their number keep their time; where two become one, it has the time of both."""
    before = interpolate_words("Bei Strihm Hub spricht Julia Wäber", Span(0, 30_000))
    after = correct_names(before, KNOWN, "de")
    assert [word.span for word in after] == [
        before[0].span,
        Span(before[1].span.start_ms, before[2].span.end_ms),
        *(word.span for word in before[3:]),
    ]


def test_two_names_as_likely_change_nothing() -> None:
    """Where a word could be one name as well as another, nobody guesses."""
    both = Vocabulary(names=("Zyxela", "Zyxelo"))
    words = interpolate_words("Die Zyxelu kommt", Span(0, 1_000))
    assert correct_names(words, both, "de") == words


def test_people_are_not_corrected() -> None:
    """A transcript that a person wrote stays, whatever it says; a machine's is corrected in text and words."""
    cue = Cue(id="c1", span=Span(0, 5_000), text="Bei Strihmhab ist Ruhe.", words=())
    transcript = Transcript(language="de", cues=(cue,))
    corrected = correct_transcript(transcript, KNOWN)
    assert corrected.text == "Bei Streamhub ist Ruhe."
    assert [word.text for word in corrected.cues[0].words] == corrected.text.split()
    by_hand = replace(transcript, made_by=Maker.PERSON)
    assert correct_transcript(by_hand, KNOWN) is by_hand
    right = replace(cue, text="Hier ist Ruhe.")
    assert correct_cue(right, KNOWN, "de") is right


HEARD = """Strihmhab strihm hab Hub Streamhub Wäber Julia julja Fuchtl, „Köbis“ Kübel Meyers und der Mark – … x 7590
Kit Ops. Joachim Hans nextclout talk Photo Voltaix"""
WORDS = st.sampled_from(re.split(r"\s", HEARD))


@given(st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=12), st.sampled_from(["de", "en", "fr"]))
def test_any_words_keep_their_order_and_times(texts: list[str], language: str) -> None:
    """Whatever was heard: times never run backwards or leave the stretch, nothing vanishes, a second pass is idle."""
    words = tuple(Word(text, Span(number * 100, number * 100 + 90)) for number, text in enumerate(texts))
    after = correct_names(words, KNOWN, language)
    assert correct_names(after, KNOWN, language) == after
    assert bool(after) == bool(words)
    assert all(one.span.end_ms <= other.span.start_ms for one, other in pairwise(after))
    if words:
        assert (after[0].span.start_ms, after[-1].span.end_ms) == (words[0].span.start_ms, words[-1].span.end_ms)
    untouched = [word for word in after if not word.heard]
    assert all(word in words for word in untouched)
