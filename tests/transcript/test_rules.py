"""From words to cues, from media time to session time, loops and speakers."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.recording.recording import ClockMap, ClockPiece
from streamhub.timecode import Span
from streamhub.transcript.rules import (
    MAX_CUE_CHARACTERS,
    MAX_CUE_MS,
    Heard,
    cues_from_words,
    drop_loops,
    find_spoken_language,
    interpolate_words,
    make_transcript,
    mark_languages,
    plan_vocabulary,
    settle_languages,
    spread_words,
    to_session_clock,
    unmark_language,
)
from streamhub.transcript.transcript import Cue, LanguageCheck, Transcript, Word


def spoken(text: str, *, start_ms: int = 0, each_ms: int = 300) -> list[Word]:
    return [
        Word(word, Span(start_ms + n * each_ms, start_ms + (n + 1) * each_ms)) for n, word in enumerate(text.split())
    ]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Das geht. Wie genau? So!", ["Das geht.", "Wie genau?", "So!"]),
        ("Nehmen Sie z. B. die App. Dann geht es.", ["Nehmen Sie z. B. die App.", "Dann geht es."]),
        ("Am 3. Oktober, bzw. Ende d. J., ist zu.", ["Am 3. Oktober, bzw. Ende d. J., ist zu."]),
        ("Dr. Meier sagt ja. Gut.", ["Dr. Meier sagt ja.", "Gut."]),
        ("Use e.g. the app. Then click.", ["Use e.g. the app.", "Then click."]),
        ("Er sagte „geht nicht.“ Dann ging es.", ["Er sagte „geht nicht.“", "Dann ging es."]),
    ],
)
def test_cues_end_where_sentences_end(text: str, sentences: list[str]) -> None:
    """A cue is a sentence; abbreviations and ordinals end none, in German and English."""
    assert [cue.text for cue in cues_from_words(spoken(text))] == sentences


def test_a_long_pause_ends_a_cue() -> None:
    """Whoever stops speaking for seconds has ended the cue, punctuation or not."""
    words = spoken("also ich denke") + spoken("ja genau", start_ms=5_000)
    assert [cue.text for cue in cues_from_words(words)] == ["also ich denke", "ja genau"]


@given(st.lists(st.text("abcdefgh,.?", min_size=1, max_size=12), max_size=120), st.integers(1, 900))
def test_cues_lose_no_word_and_fit(tokens: list[str], each_ms: int) -> None:
    """Whatever is said: no word is lost, cues keep the order, have ids of their own and the size of a caption."""
    words = spoken(" ".join(tokens), each_ms=each_ms)
    cues = cues_from_words(words)
    assert [word.text for cue in cues for word in cue.words] == [word.text for word in words]
    assert [cue.id for cue in cues] == [f"c{n}" for n in range(1, len(cues) + 1)]
    assert all(one.span.start_ms <= other.span.start_ms for one, other in itertools.pairwise(cues))
    for cue in cues:
        assert len(cue.words) == 1 or len(cue.text) <= MAX_CUE_CHARACTERS
        assert len(cue.words) == 1 or cue.span.duration_ms <= MAX_CUE_MS


def test_loops_of_a_recogniser_are_dropped() -> None:
    """More than three identical stretches in a row are a loop and leave one; three may be meant."""
    said = [Heard(span=Span(n, n + 1), text=text) for n, text in enumerate(["Thank you."] * 5 + ["Ja."] * 3 + [" . "])]
    assert [part.text for part in drop_loops(said)] == ["Thank you.", "Ja.", "Ja.", "Ja."]


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 900)), max_size=12))
def test_words_get_a_share_of_time_and_never_run_backwards(times: list[tuple[int, int]]) -> None:
    """Words that a recogniser pressed into one instant are spread; times never run backwards."""
    words = [Word("wort", Span(start, start + length)) for start, length in sorted(times)]
    spread = spread_words(words)
    assert len(spread) == len(words)
    assert all(one.span.end_ms <= other.span.start_ms for one, other in itertools.pairwise(spread))


def test_words_in_one_instant_share_the_next_words_time() -> None:
    """Two words of no length and a long one share the long one's time by their letters."""
    words = [Word("ab", Span(0, 0)), Word("cd", Span(0, 0)), Word("efgh", Span(0, 800))]
    assert [word.span for word in spread_words(words)] == [Span(0, 200), Span(200, 400), Span(400, 800)]


def test_text_without_word_times_gets_them_by_letters() -> None:
    """A recogniser that gives no word times still yields cues with words inside the stretch."""
    heard = [Heard(span=Span(1000, 3000), text="Das geht. Ja.")]
    transcript = make_transcript(heard, language="de", made_with="x")
    assert [cue.text for cue in transcript.cues] == ["Das geht.", "Ja."]
    assert transcript.cues[0].span.start_ms == 1000
    assert transcript.cues[-1].span.end_ms == 3000


GAPPED = ClockMap(
    (ClockPiece(Span(0, 10_000), Span(5_000, 15_000)), ClockPiece(Span(40_000, 60_000), Span(15_000, 35_000)))
)


def test_the_session_clock_leaves_out_what_was_not_in_the_session() -> None:
    """What was said before going live is dropped; the rest moves, across gaps too."""
    cues = (
        Cue(id="c1", span=Span(1000, 3000), text="Probe eins", words=interpolate_words("Probe eins", Span(1000, 3000))),
        Cue(
            id="c2", span=Span(6000, 8000), text="Guten Abend", words=interpolate_words("Guten Abend", Span(6000, 8000))
        ),
        Cue(id="c3", span=Span(20_000, 21_000), text="Weiter"),
    )
    mapped = to_session_clock(Transcript(language="de", cues=cues), GAPPED)
    assert [(cue.id, cue.span) for cue in mapped.cues] == [("c2", Span(1000, 3000)), ("c3", Span(45_000, 46_000))]


def test_a_cue_across_a_gap_is_cut_there() -> None:
    """A sentence that lies across a hole of the recording becomes two cues with ids of their own."""
    words = interpolate_words("aaaa bbbb cccc dddd", Span(13_000, 17_000))
    cue = Cue(id="c5", span=Span(13_000, 17_000), text="aaaa bbbb cccc dddd", words=words)
    mapped = to_session_clock(Transcript(language="de", cues=(cue,)), GAPPED)
    assert [(one.id, one.text, one.span) for one in mapped.cues] == [
        ("c5", "aaaa bbbb", Span(8_000, 10_000)),
        ("c5-2", "cccc dddd", Span(40_000, 42_000)),
    ]


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=30), st.integers(0, 20_000))
def test_an_identical_clock_changes_nothing(lengths: list[int], start_ms: int) -> None:
    """Where session time is media time, a transcript stays as it is."""
    words = []
    for number, length in enumerate(lengths):
        words.append(Word(f"w{number}.", Span(start_ms, start_ms + length)))
        start_ms += length
    transcript = Transcript(language="de", cues=cues_from_words(words))
    assert to_session_clock(transcript, ClockMap.identity(start_ms)) == transcript


def test_cues_say_in_which_language_they_are_only_where_it_differs() -> None:
    """Each cue has the language of the piece that it lies in; those in the session's own say nothing."""
    cues = cues_from_words(spoken("Guten Abend. Hello there. Und weiter.", each_ms=500))
    stretches = [(Span(0, 1000), "de"), (Span(1000, 2000), "en"), (Span(2000, 9000), "")]
    marked = mark_languages(cues, stretches)
    assert [cue.language for cue in marked] == ["de", "en", ""]
    whole = unmark_language(Transcript(language="", cues=marked, language_chance=0.5), "de")
    assert (whole.language, whole.language_chance, [cue.language for cue in whole.cues]) == ("de", 1.0, ["", "en", ""])
    other = unmark_language(Transcript(language="en", cues=cues), "de")
    assert {cue.language for cue in other.cues} == {"en"}


def test_vocabulary_is_short_and_without_doubles() -> None:
    """The hint for a recogniser names each thing once and never grows beyond what it can hold."""
    assert plan_vocabulary(["Anna", "Super  App", "Anna", ""]) == "Anna, Super App"
    assert len(plan_vocabulary(f"Produkt {n}" for n in range(500))) <= 400


@pytest.mark.parametrize(
    ("heard", "settled"),
    [
        ([], ""),
        (["de9", "de9", "de9"], "ddd"),
        (["en6", "de9", "en7"], "ddd"),
        (["en9", "de7", "  0", "de9", "en8"], "eeede"),
        (["  0", "  9", "en9"], "dde"),
    ],
)
def test_a_language_changes_only_for_a_piece_that_is_sure(heard: list[str], settled: str) -> None:
    """Unsure and silent pieces keep the language of the one before them."""
    found = [(one[:2].strip(), int(one[2]) / 10) for one in heard]
    assert "".join(language[0] for language in settle_languages(found, begin="de")) == settled


@pytest.mark.parametrize(
    ("windows", "spoken"),
    [
        ([("en", 0.95), ("en", 0.99)], "en"),
        ([("en", 0.95)], ""),
        ([("en", 0.95), ("en", 0.8), ("en", 0.5)], ""),
        ([("en", 0.95), ("en", 0.99), ("de", 0.97)], ""),
        ([("en", 0.95), ("en", 0.99), ("en", 0.99), ("de", 0.97), ("fr", 0.99)], "en"),
        ([("fr", 0.99), ("fr", 0.99)], ""),
        ([], ""),
    ],
)
def test_a_language_set_wrong_is_noticed_when_several_windows_are_sure(
    windows: list[tuple[str, float]], spoken: str
) -> None:
    """One window, unsure ones, a mixed show, and a language that is not ours are no reason to speak up."""
    checks = [LanguageCheck(*window) for window in windows]
    assert find_spoken_language(checks, "de", known=("de", "en")) == spoken
