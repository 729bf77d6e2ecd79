"""WebVTT: written and read back without loss, valid for others, tolerant to what is harmless, strict to what is not."""

import itertools
import re
from io import StringIO
from pathlib import Path

import pytest
import webvtt
from hypothesis import example, given
from hypothesis import strategies as st

from streamhub.errors import BadCaptions
from streamhub.timecode import Span
from streamhub.transcript.captions import load_captions
from streamhub.transcript.transcript import Cue, Maker, Transcript
from streamhub.transcript.vtt import format_vtt, parse_vtt, parse_vtt_loosely

LINES = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), include_characters="<>&-äß„“\u00a0"),
    min_size=1,
    max_size=40,
).map(lambda text: re.sub(r" +", " ", text).strip(" "))
TEXTS = st.one_of(
    LINES.filter(bool),
    st.sampled_from(
        ["a --> b", "<b>fett</b>", "&amp; bleibt", "<v Anna>", "1 < 2 & 3 > 2", "NOTE so", "WEBVTT", "STYLE"]
    ),
)
SPEAKERS = st.one_of(st.just(""), st.sampled_from(["Anna", "Dr. Peter Meier", "A & B", "<Gast>", "a>b"]))


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Valid transcripts: ordered, a millisecond at least, overlapping only where two named people speak."""
    cues: list[Cue] = []
    for number in range(draw(st.integers(0, 8))):
        speaker = draw(SPEAKERS)
        before = cues[-1] if cues else None
        floor_ms = 0
        if before:
            crosstalk = bool(speaker and before.speaker and speaker != before.speaker)
            floor_ms = before.span.start_ms if crosstalk else before.span.end_ms
        start_ms = floor_ms + draw(st.integers(0, 100_000))
        span = Span(start_ms, start_ms + draw(st.integers(1, 9_000)))
        cue_id = draw(st.sampled_from([f"c{number + 1}", f"x-{number}", f"c{number + 1}-2"]))
        spoken_in = draw(st.sampled_from(["", "", "it", "pt-BR"]))
        cues.append(Cue(id=cue_id, span=span, text=draw(TEXTS), speaker=speaker, language=spoken_in))
    return Transcript(
        language=draw(st.sampled_from(["de", "en", "fr", ""])),
        cues=tuple(cues),
        made_by=draw(st.sampled_from(Maker)),
        made_with=draw(st.sampled_from(["", "recogniser small", "captions a --> b.vtt", "A & <B>"])),
    )


@given(transcripts())
def test_parse_is_the_inverse_of_format(transcript: Transcript) -> None:
    """Every valid transcript comes back as it was written, without any repair."""
    read = parse_vtt_loosely(format_vtt(transcript), "x.vtt")
    assert read.transcript == transcript
    assert read.warnings == ()


@given(
    transcripts(),
    st.lists(st.tuples(st.integers(0, 2000), st.sampled_from([" ", "\n", "\t", "<", "&", "0", "c1", "-->"]))),
)
@example(Transcript(language="de", cues=(), made_by=Maker.MACHINE, made_with=""), [(23, "-->")])
def test_the_short_way_of_reading_comes_to_the_same(transcript: Transcript, edits: list[tuple[int, str]]) -> None:
    """What we wrote is read without looking at everything that others may write; an edit by hand changes nothing."""
    text = format_vtt(transcript)
    for place, more in edits:
        text = text[:place] + more + text[place:]
    long_way = text.replace("\n\nNOTE\n", "\n\n\nNOTE\n", 1)  # a blank line more, which says nothing
    outcomes = []
    for one in (text, long_way):
        try:
            outcomes.append(parse_vtt(one, "x.vtt"))
        except BadCaptions:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]


@given(transcripts())
def test_others_read_what_we_write(transcript: Transcript) -> None:
    """An independent reader finds the same cues, times, ids and speakers in our files."""
    read = webvtt.from_buffer(StringIO(format_vtt(transcript)))
    assert [cue.identifier for cue in read] == [cue.id for cue in transcript.cues]
    assert [cue.start_in_seconds for cue in read] == [cue.span.start_ms // 1000 for cue in transcript.cues]
    assert [bool(cue.voice) for cue in read] == [bool(cue.speaker) for cue in transcript.cues]


def test_a_sentence_in_another_language_says_so() -> None:
    """What is spoken in another language stands in the standard's own tag; what is in the transcript's does not."""
    said = [
        Cue(id="c1", span=Span(0, 900), text="Guten Abend.", speaker="Anna", language="de"),
        Cue(id="c2", span=Span(1000, 1900), text="Hello, all.", speaker="Ben", language="en"),
    ]
    text = format_vtt(Transcript(language="de", cues=tuple(said)))
    assert "<v Anna>Guten Abend.\n" in text
    assert "<v Ben><lang en>Hello, all.</lang>\n" in text
    read = parse_vtt(text, "x.vtt")
    assert [(cue.speaker, cue.text, cue.language) for cue in read.cues] == [
        ("Anna", "Guten Abend.", ""),
        ("Ben", "Hello, all.", "en"),
    ]
    partly = parse_vtt("WEBVTT\n\n00:01.000 --> 00:02.000\nDas heißt <lang en>grid</lang>.\n", "x.vtt")
    assert (partly.cues[0].text, partly.cues[0].language) == ("Das heißt grid.", "")


def test_the_header_says_who_made_it() -> None:
    """A reader of the plain file sees language, maker and tool in its first lines."""
    text = format_vtt(Transcript(language="de", made_by=Maker.PERSON, made_with="hand"))
    assert text == "WEBVTT\n\nNOTE\nlanguage: de\nmade by: person\nmade with: hand\n"


def vtt(*cues: str) -> str:
    return "WEBVTT\n\n" + "\n\n".join(cues) + "\n"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("1\n00:00:01,000 --> 00:00:02,000\nHi\n", 1, "not with WEBVTT"),
        (vtt("00:05.000 --> 00:02.000\nHi"), 3, "before its start"),
        (vtt("00:05.000 --> 00:99.000\nHi"), 3, "not a time"),
        (vtt("00:05.000 -->\nHi"), 3, "is no time line"),
        (vtt("00:01.000 --> 00:02.000\nHi", "00:05.000 -> 00:06.000\nHo"), 6, "is no time line"),
        (vtt("c1\n00:05.000 -> 00:06.000\nHo"), 4, "is no time line"),
        (vtt("00:01.000 --> 00:02.000\nHi", "c2\n00:05.000 –> 00:06.000\nHo"), 7, "is no time line"),
        (vtt("01:00.000 --> 01:02.000\nHi", "00:05.000 --> 00:06.000\nHo"), 6, "run backwards"),
        (vtt("00:00.000 --> 01:00.000\nHi", "00:05.000 --> 00:06.000\nHo"), 6, "overlaps"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, line: int, reason: str) -> None:
    """Broken captions are refused with file, line and reason."""
    with pytest.raises(BadCaptions, match=rf"talk\.vtt:{line}: .*{reason}"):
        parse_vtt(text, "talk.vtt")


def test_small_overlaps_are_cut_and_said() -> None:
    """A cue that runs a little into the next one ends where that one begins, and the warning names the line."""
    read = parse_vtt_loosely(vtt("00:00.000 --> 00:04.500\nEins.", "00:04.000 --> 00:06.000\nZwei."), "a.vtt")
    assert [cue.span for cue in read.transcript.cues] == [Span(0, 4000), Span(4000, 6000)]
    assert read.warnings == ("a.vtt:6: overlaps the cue before it, which was cut",)


def test_people_may_talk_at_once() -> None:
    """Overlapping cues of two named speakers stay as they are."""
    read = parse_vtt_loosely(
        vtt("00:00.000 --> 00:05.000\n<v Anna>Ja, und", "00:04.000 --> 00:06.000\n<v Peter>Genau."), "a.vtt"
    )
    assert [cue.span for cue in read.transcript.cues] == [Span(0, 5000), Span(4000, 6000)]
    assert read.warnings == ()


def test_cues_of_no_length_share_their_neighbours_time() -> None:
    """A cue of no length loses no text: it shares the time of the cue before it."""
    read = parse_vtt_loosely(vtt("00:00.000 --> 00:04.000\nright?", "00:04.000 --> 00:04.000\nYep."), "a.vtt")
    assert [cue.text for cue in read.transcript.cues] == ["right?", "Yep."]
    assert all(cue.span.duration_ms > 0 for cue in read.transcript.cues)
    assert read.transcript.cues[1].span.end_ms == 4000


def test_two_voices_in_one_cue_become_two_cues() -> None:
    """A cue is one speaker's: two voices share its time by letters."""
    read = parse_vtt_loosely(vtt("c7\n00:00.000 --> 00:04.000\n<v Anna>Eins.</v>\n<v Peter>Zwei.</v>"), "a.vtt")
    assert [(cue.id, cue.speaker, cue.text) for cue in read.transcript.cues] == [
        ("c7", "Anna", "Eins."),
        ("c1", "Peter", "Zwei."),
    ]


def test_rolling_captions_are_kept_once() -> None:
    """Lines that roll from cue to cue, as in a platform's automatic captions, are read once."""
    text = vtt(
        "00:00.000 --> 00:02.000 align:start position:0%\n \nguten<00:00:00.500><c> abend</c>",
        "00:02.000 --> 00:02.010 align:start position:0%\nguten abend\n ",
        "00:02.010 --> 00:04.000 align:start position:0%\nguten abend\nalle<00:00:02.500><c> zusammen</c>",
    ).replace("\n \n", "\n&nbsp;\n")
    assert parse_vtt(text, "a.vtt").text.replace("\u00a0", "").split() == ["guten", "abend", "alle", "zusammen"]


def test_blank_lines_in_a_cue_lose_no_text() -> None:
    """Text behind a blank line belongs to the cue above it, and the warning says so."""
    read = parse_vtt_loosely(vtt("00:00.000 --> 00:04.000\nEins", "zwei"), "a.vtt")
    assert read.transcript.text == "Eins zwei"
    assert "joined" in read.warnings[0]


@pytest.mark.parametrize("name", ["300-data-sci-startup", "310-ama", "400-ruff-linter"])
def test_real_caption_files_import(shared: Path, name: str) -> None:
    """Caption files from the world import whole: every cue, in order, and survive a round trip."""
    path = shared / "data" / "transcripts" / "talkpython" / f"{name}.vtt"
    captions = load_captions(path, language="en")
    cues = captions.transcript.cues
    assert len(cues) == path.read_text("utf-8").count("-->")
    assert all(one.span.end_ms <= other.span.start_ms for one, other in itertools.pairwise(cues))
    assert parse_vtt(format_vtt(captions.transcript), "again.vtt") == captions.transcript


def test_a_name_that_ends_in_hyphens_makes_no_arrow() -> None:
    """A speaker called "Anna--" is written and read back as such, and no line looks like a time."""
    cue = Cue(id="c1", span=Span(0, 1000), text="Hello.", speaker="Anna--")
    text = format_vtt(Transcript(language="en", cues=(cue,)))
    assert text.count("-->") == 1
    assert parse_vtt(text, "x.vtt").cues[0].speaker == "Anna--"
