"""Who speaks: turns on words, and names of tracks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.timecode import Span
from streamhub.transcript.rules import cues_from_words
from streamhub.transcript.speakers import (
    Turn,
    assign_speakers,
    find_person,
    is_label,
    name_track,
    track_label,
    voice_label,
)
from streamhub.transcript.transcript import Cue, Word

PEOPLE = ["Dr. Anna Weber", "Peter Müller", "Julia Müller"]


def said(text: str, *, start_ms: int = 0, each_ms: int = 400) -> list[Word]:
    return [
        Word(word, Span(start_ms + n * each_ms, start_ms + (n + 1) * each_ms)) for n, word in enumerate(text.split())
    ]


def test_a_cue_is_parted_where_the_speaker_changes() -> None:
    """A sentence that one begins and another ends becomes two cues, each with its own words and times."""
    (cue,) = cues_from_words(said("und was kostet das genau das kostet gar nichts"))
    turns = [Turn(speaker="Anna", span=Span(0, 2000)), Turn(speaker="Peter", span=Span(2000, 3600))]
    first, second = assign_speakers([cue], turns)
    assert (first.id, first.speaker, first.text) == ("c1", "Anna", "und was kostet das genau")
    assert (second.id, second.speaker, second.text) == ("c1-2", "Peter", "das kostet gar nichts")
    assert first.span == Span(0, 2000)
    assert second.span == Span(2000, 3600)
    assert [word.text for word in second.words] == ["das", "kostet", "gar", "nichts"]


def test_a_single_word_of_somebody_else_does_not_flutter() -> None:
    """One word that a recogniser's times put into the next turn stays in its sentence."""
    (cue,) = cues_from_words(said("das kostet gar nichts"))
    turns = [Turn(speaker="Anna", span=Span(0, 1300)), Turn(speaker="Peter", span=Span(1300, 9000))]
    assert [(one.speaker, one.text) for one in assign_speakers([cue], turns)] == [("Anna", "das kostet gar nichts")]


def test_what_nobody_is_heard_to_say_stays_unnamed() -> None:
    """A cue far from every turn has no speaker, and one that names its speaker keeps him."""
    cues = [
        Cue(id="c1", span=Span(0, 900), text="a b"),
        Cue(id="c2", span=Span(9000, 9900), text="c d", speaker="Gast"),
    ]
    assert [cue.speaker for cue in assign_speakers(cues, [Turn(speaker="Anna", span=Span(9000, 9900))])] == ["", "Gast"]


@given(
    st.lists(st.tuples(st.integers(0, 2_000), st.integers(1, 900), st.sampled_from(["A", "B", "C"])), max_size=30),
    st.integers(1, 60),
    st.integers(1, 700),
)
def test_no_word_is_lost(turns: list[tuple[int, int, str]], count: int, each_ms: int) -> None:
    """Whatever the turns, all words are still there in their order, and no two cues have one name."""
    cues = cues_from_words(said(" ".join(f"w{n}." if n % 7 == 6 else f"w{n}" for n in range(count)), each_ms=each_ms))
    spoken, at_ms = [], 0
    for gap_ms, length_ms, speaker in turns:
        spoken.append(Turn(speaker=speaker, span=Span(at_ms + gap_ms, at_ms + gap_ms + length_ms)))
        at_ms += gap_ms + length_ms
    named = assign_speakers(cues, spoken)
    assert " ".join(cue.text for cue in named) == " ".join(cue.text for cue in cues)
    assert [word for cue in named for word in cue.words] == [word for cue in cues for word in cue.words]
    assert len({cue.id for cue in named}) == len(named)


@pytest.mark.parametrize(
    ("title", "known", "name"),
    [
        ("Anna", {}, "Dr. Anna Weber"),
        ("Mikro Anna Weber", {}, "Dr. Anna Weber"),
        ("Peter Müller", {}, "Peter Müller"),
        ("Müller", {}, "Müller"),  # there are two of them
        ("Gäste", {}, "Gäste"),
        ("Gäste", {"Gäste": "Julia Müller"}, "Julia Müller"),
        ("Track2", {}, "Spur 2"),
        ("Mic/Aux", {"Spur 2": "Peter Müller"}, "Peter Müller"),
        ("", {"Spur 2": "Peter"}, "Peter Müller"),
        ("", {"Spur 2": "Klaus"}, "Spur 2"),  # he is not in this session
        ("SoundHandler", {}, "Spur 2"),
        ("", {}, "Spur 2"),
    ],
)
def test_a_track_has_the_name_of_a_person(title: str, known: dict[str, str], name: str) -> None:
    """Its title names somebody who takes part, or a person named it before; a title of a device says nothing."""
    assert name_track(2, title, PEOPLE, known, language="de") == name


def test_without_a_list_of_people_what_was_named_before_counts() -> None:
    """A session whose participants nobody entered takes the names of the session before."""
    assert name_track(1, "", [], {"Track 1": "Klaus"}, language="en") == "Klaus"


def test_a_person_is_found_only_where_it_can_be_nobody_else() -> None:
    """A part of a name that two people share names neither."""
    assert find_person("Frau Müller", PEOPLE) == ""
    assert find_person("Julia", PEOPLE) == "Julia Müller"


def test_labels_are_known_as_labels() -> None:
    """What nobody named yet can be told from names, in every language that labels are written in."""
    labels = [
        f(number, language) for f in (track_label, voice_label) for number in (1, 12) for language in ("de", "en")
    ]
    assert all(is_label(label) for label in labels)
    assert not any(is_label(name) for name in (*PEOPLE, "Spur", "Track two", ""))


def test_words_beside_somebody_elses_turn_are_nobodys() -> None:
    """Where one track alone is known, a sentence that begins right after its turn is not its speaker's."""
    cues = cues_from_words(said("Was kostet das? Das kostet gar nichts mehr."))
    turns = [Turn(speaker="Host", span=Span(0, 1300))]
    assert [(cue.speaker, cue.text) for cue in assign_speakers(cues, turns)] == [
        ("Host", "Was kostet das?"),
        ("", "Das kostet gar nichts mehr."),
    ]
