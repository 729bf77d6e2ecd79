"""Help with unknown words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.archive.search.concepts import split_at_number
from streamhub.archive.search.spelling import find_corrections, measure_distance, split_by_vocabulary
from streamhub.wordforms.analysis import Analyzer

WORDS = st.text("abcd", max_size=7)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("router", "router", 0),
        ("ruoter", "router", 1),
        ("roter", "router", 1),
        ("leitung", "letungn", 2),
        ("abc", "xyz", 3),
    ],
)
def test_distances(left: str, right: str, distance: int) -> None:
    """A missing, foreign, wrong or swapped letter is one slip; beyond the limit the answer is limit + 1."""
    assert measure_distance(left, right, 2) == distance


@given(WORDS, WORDS)
def test_distance_is_symmetric(left: str, right: str) -> None:
    """It does not matter which word is wrong, and only equal words have no distance."""
    assert measure_distance(left, right, 2) == measure_distance(right, left, 2)
    assert (measure_distance(left, right, 2) == 0) == (left == right)


@given(st.text("abcdefgh", min_size=8, max_size=12), st.integers(0, 6))
def test_any_swap_is_corrected(word: str, at: int) -> None:
    """A word with two neighbours swapped finds the right one."""
    wrong = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    assert find_corrections(wrong, {word: 1, "zzzzzzzz": 99}) == (word,)


def test_likelier_slips_first() -> None:
    """Swapped letters come before a wrong one, and the common word before the rare one; at most three."""
    vocabulary = {"rout": 1, "ruht": 50, "ruft": 60, "ruot_": 9, "ruxt": 1}
    assert find_corrections("ruot", vocabulary)[0] == "rout"
    assert find_corrections("ruqt", vocabulary) == ("ruft", "ruht", "ruxt")


@pytest.mark.parametrize(
    ("typed", "meant"), [("kundiugng", "kundigung"), ("kundiging", "kundigung"), ("messugn", "messung")]
)
def test_a_slip_in_an_ending_is_forgiven(typed: str, meant: str) -> None:
    """A vocabulary of stems finds a word although the slip keeps its ending from being taken off."""
    stem = Analyzer("de").stem
    vocabulary = {stem(meant): 3, "anderes": 9}
    assert find_corrections(typed, vocabulary, stem=stem) == (stem(meant),)


@pytest.mark.parametrize("word", ["abc", "7591", "a1b2c3", ""])
def test_short_words_and_numbers_are_not_corrected(word: str) -> None:
    """Three letters or a number mean what they say."""
    assert find_corrections(word, {"abd": 5, "7590": 5, "a1b2c4": 5}) == ()


def test_unknown_compound_is_split_by_what_answers_say() -> None:
    """A compound that nobody used falls into two words that somebody did, over a linking element."""
    stem = Analyzer("de").stem
    vocabulary = {stem("router"): 2, stem("storung"): 1, stem("vertrag"): 1, stem("kundigung"): 4}
    assert split_by_vocabulary("routerstorung", vocabulary, stem=stem) == (stem("router"), stem("storung"))
    assert split_by_vocabulary("vertragskundigung", vocabulary, stem=stem) == (stem("vertrag"), stem("kundigung"))
    assert split_by_vocabulary("routerzwiebel", vocabulary, stem=stem) == ()


@pytest.mark.parametrize(
    ("word", "ways"),
    [
        ("snomd785", [("snomd", "785"), ("snom", "d785"), ("sno", "md785")]),
        ("ab7", [("ab", "7")]),
        ("7590", []),
        ("router", []),
        ("a1b2ä", []),
    ],
)
def test_letters_and_numbers_come_apart(word: str, ways: list[tuple[str, str]]) -> None:
    """A name and its number may be written together, and a letter or two before a number may belong to it."""
    assert list(split_at_number(word)) == ways
