"""A better hearing takes the place of the machine's words, and of nothing that a person has touched."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from streamhub.timecode import Span
from streamhub.transcript.renewal import renew
from streamhub.transcript.rules import cues_from_words, interpolate_words
from streamhub.transcript.transcript import Cue, Transcript, Word
from tests.transcript.test_stitching import spoken


def heard(words: tuple[Word, ...], made_with: str) -> Transcript:
    return Transcript(language="de", cues=cues_from_words(words), made_with=made_with)


def misheard(words: tuple[Word, ...], seed: int) -> tuple[Word, ...]:
    """The same words, some of them wrong, with times a little off."""
    lots = random.Random(seed)
    return tuple(
        replace(
            word,
            text="falsch" if lots.random() < 0.2 and word.text[-1].isalpha() else word.text,
            span=word.span.shifted(lots.randrange(-60, 60)),
        )
        for word in words
    )


def correct(cue: Cue, text: str) -> Cue:
    return replace(cue, text=text, words=interpolate_words(text, cue.span))


@given(seed=st.integers(0, 2**20), touched=st.sets(st.integers(0, 40), max_size=5))
@settings(max_examples=40)
def test_a_persons_words_stay_and_the_rest_is_renewed(seed: int, touched: set[int]) -> None:
    """Corrected cues are there unchanged; outside of them stands the better hearing, under ids of their own."""
    words = spoken("de", seed, count=150)
    machine, fresh = heard(misheard(words, seed), "small"), heard(words, "large")
    cues = tuple(
        correct(cue, f"Von Hand {at}.") if at in touched else replace(cue, speaker="Anna" if at % 2 else "Peter")
        for at, cue in enumerate(machine.cues)
    )
    now = replace(machine, cues=cues)
    renewed = renew(now, machine, fresh)
    by_id = {cue.id: cue for cue in renewed.cues}
    assert len(by_id) == len(renewed.cues)
    assert [cue for cue in renewed.cues if cue.text.startswith("Von Hand")] == [
        cue for cue in cues if cue.text.startswith("Von Hand")
    ]
    assert all(one.span.start_ms <= other.span.start_ms for one, other in pairwise(renewed.cues))
    said = " ".join(cue.text for cue in renewed.cues if not cue.text.startswith("Von Hand")).split()
    assert "falsch" not in said
    if not any(at < len(cues) for at in touched):
        assert said == [word.text for word in words]
        assert all(cue.speaker for cue in renewed.cues), "a name that somebody gave is gone"
    assert renewed.made_with == "large"


def test_ids_that_somebody_linked_stay_where_they_were() -> None:
    """The cue that says the same a little otherwise keeps the address of the old one."""
    words = spoken("en", 7, count=120)
    machine, fresh = heard(misheard(words, 7), "small"), heard(words, "large")
    renewed = renew(machine, machine, fresh)
    before = {cue.id: cue.span for cue in machine.cues}
    same = [cue for cue in renewed.cues if cue.id in before]
    assert len(same) > 0.8 * len(machine.cues)
    assert all(cue.span.overlap_ms(before[cue.id]) for cue in same)


def test_what_a_person_removed_does_not_come_back() -> None:
    """A cue that was deleted leaves a hole that no better hearing fills."""
    words = spoken("de", 3, count=100)
    machine, fresh = heard(misheard(words, 3), "small"), heard(words, "large")
    gone = machine.cues[4]
    renewed = renew(replace(machine, cues=machine.cues[:4] + machine.cues[5:]), machine, fresh)
    inside = [
        word
        for cue in renewed.cues
        for word in cue.words
        if gone.span.start_ms <= (word.span.start_ms + word.span.end_ms) // 2 < gone.span.end_ms
    ]
    assert not inside


def test_the_same_hearing_changes_nothing() -> None:
    """A pass that hears the same words leaves every cue as it was."""
    machine = heard(spoken("de", 1, count=80), "small")
    assert renew(machine, machine, machine) == machine
    silent = Transcript(language="de", made_with="small")
    assert renew(silent, silent, silent) == silent
    moved = replace(
        machine, cues=tuple(replace(cue, span=Span(cue.span.start_ms, cue.span.end_ms + 5)) for cue in machine.cues)
    )
    assert renew(machine, machine, moved).text == machine.text
