"""Text: slugs, ids, cleaning."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import BadInput
from streamhub.text import clean_line, clean_text, fold, new_id, require_slug, slugify, split_sentences, words_of


@given(st.text())
def test_any_text_becomes_a_slug_that_is_accepted(text: str) -> None:
    """Whatever is typed, its slug is usable in an address, and making it twice changes nothing."""
    slug = slugify(text)
    assert require_slug(slug, what="test") == slug
    assert len(slug) <= 62
    assert slugify(slug) == slug


def test_german_is_spelled_out() -> None:
    """Umlauts and sharp s become the letters that Germans write for them."""
    assert slugify("Größe ändern – über Nacht?") == "groesse-aendern-ueber-nacht"


@pytest.mark.parametrize("text", ["", "../x", "a/b", "A", "a--b", "-a", "con", "a" * 121, "ä", "a\0"])
def test_what_could_harm_a_path_is_no_slug(text: str) -> None:
    """Anything but small letters, digits and single hyphens is refused, names of devices too."""
    with pytest.raises(BadInput):
        require_slug(text, what="test")


def test_ids_are_distinct_and_easy_to_read() -> None:
    """Ten thousand ids differ and hold no letter that is easily misread."""
    ids = {new_id(os.urandom) for _ in range(10_000)}
    assert len(ids) == 10_000
    assert all(re.fullmatch(r"[0-9a-hjkmnp-tv-z]{10}", one) for one in ids)


@given(st.text(min_size=1, max_size=300))
def test_cleaned_text_holds_nothing_hidden(text: str) -> None:
    """Control characters, direction marks and zero-width characters never survive."""
    try:
        line = clean_line(text, max_length=1000, what="name")
        lines = clean_text(text, max_length=1000, what="question")
    except BadInput:
        return
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]", line)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\u2028\u2029\ufeff]", lines)
    assert clean_line(line, max_length=1000, what="name") == line


def test_too_long_and_empty_are_refused_with_numbers() -> None:
    """The message names the length that was seen and the length that is allowed."""
    with pytest.raises(BadInput, match="12 characters, at most 5"):
        clean_line("x" * 12, max_length=5, what="name")
    with pytest.raises(BadInput, match="empty"):
        clean_line(" \u200b ", max_length=5, what="name")


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text: str) -> None:
    """What was folded once stays so, mathematical letters and all."""
    assert fold(fold(text)) == fold(text)


def test_folding_meets_what_people_type() -> None:
    """Case, accents and sharp s do not matter when texts are compared."""
    assert fold("  GRÖSSE ") == fold("größe")
    assert words_of("Wie geht's, Herr Müller-Lüdenscheidt?") == ["wie", "geht's", "herr", "muller-ludenscheidt"]


def test_sentences_end_where_people_end_them() -> None:
    """Running text falls into sentences at full stops, question marks and exclamation marks."""
    assert split_sentences("Das geht. Und dann? „Ja!“ Nun ja.") == ["Das geht.", "Und dann?", "„Ja!“", "Nun ja."]
