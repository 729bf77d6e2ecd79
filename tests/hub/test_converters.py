"""The converters in `bench/`: other people's transcripts become captions with speakers, questions and marks."""

import json
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.transcript.captions import read_captions

sys.path.insert(0, str(Path(__file__).parents[2]))
from bench.convert_bundestag import convert_bundestag
from bench.convert_changelog import convert_changelog
from bench.convert_qmsum import convert_qmsum
from bench.turns import Turn, time_turns

CHANGELOG = r"""**Anna Berg:** Welcome! \[laughter\] Good to have you.

And here we go.

**Jo Li:** \[01:00\] Jamie Stack asks "Why is [my router](https://a.org) so slow?" It is \[unintelligible 00:01:04.11\].

**Break:** \[02:00\]
"""


def test_markdown_with_times_becomes_captions_and_questions(tmp_path: Path) -> None:
    """Speakers go on over paragraphs, times stand where the source has them, a question read aloud gets a mark."""
    (tmp_path / "show.md").write_text(CHANGELOG)
    captions, count = convert_changelog(tmp_path / "show.md", tmp_path)
    cues = read_captions(captions).cues
    assert [cue.speaker for cue in cues[:2]] == ["Anna Berg"] * 2
    assert cues[1].text == "And here we go."
    asked = next(cue for cue in cues if "my router so slow?" in cue.text)
    assert asked.speaker == "Jo Li"
    assert asked.span.start_ms == 60_000
    assert count == 1
    assert "Why is my router so slow?,Jamie Stack" in (tmp_path / "questions.csv").read_text()
    assert (tmp_path / "marks.csv").read_text().splitlines()[1].startswith("show-1,00:01:0")


def test_minutes_are_spread_over_their_durations(tmp_path: Path) -> None:
    """Turns of an agenda item take the time up to the next one; what is repeated counts once."""
    first = [{"sp": "Petra Pau", "text": "Ich rufe die Frage auf."}, {"sp": "Otto Holm", "text": "Das ist so."}]
    second = [{"sp": "Petra Pau", "text": "Wir kommen zum Ende."}]
    speeches = [(10.0, first), (20.0, []), (5.0, second), (5.0, first)]
    source = tmp_path / "minutes.json"
    source.write_text(json.dumps([{"duration": s, "turns": turns} for s, turns in speeches]))
    cues = read_captions(convert_bundestag(source, tmp_path)).cues
    assert [(cue.speaker, cue.span.start_ms) for cue in cues] == [
        ("Petra Pau", 0),
        ("Otto Holm", 18_750),
        ("Petra Pau", 30_000),
    ]
    assert cues[-1].span.end_ms == 40_000


def test_queries_get_the_times_of_their_turns(tmp_path: Path) -> None:
    """A query over turns 1 to 2 is on air from the first word of the one to the last of the other."""
    turns = [
        {"speaker": "A", "content": "one two"},
        {"speaker": "B", "content": "three"},
        {"speaker": "A", "content": "x"},
    ]
    queries = [{"query": "What did B say?", "relevant_text_span": [["1", "2"]]}]
    source = tmp_path / "val.jsonl"
    source.write_text(json.dumps({"meeting_transcripts": turns, "specific_query_list": queries}) + "\n")
    ((folder, count),) = convert_qmsum(source, tmp_path)
    assert count == 1
    assert (folder / "marks.csv").read_text().splitlines()[1] == "qmsum-val-1-1,00:00:00.750,00:00:01.500"
    assert [cue.speaker for cue in read_captions(folder / "captions.vtt").cues] == ["A", "B", "A"]


@given(
    words=st.lists(st.integers(1, 60), min_size=1, max_size=30),
    times=st.lists(st.integers(0, 10**7), min_size=30, max_size=30),
    known=st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_times_never_run_backwards(words: list[int], times: list[int], known: list[bool]) -> None:
    """Turns follow one another without gap, and begin where their source says."""
    times = sorted(times)
    turns = [
        Turn(speaker="A", text="a " * count, start_ms=at if is_known else None)
        for count, at, is_known in zip(words, times, known, strict=False)
    ]
    spans = time_turns(turns)
    assert all(one.end_ms == following.start_ms for one, following in pairwise(spans))
    assert all(
        span.start_ms == turn.start_ms for turn, span in zip(turns, spans, strict=True) if turn.start_ms is not None
    )


def test_times_that_run_backwards_are_refused() -> None:
    """A source whose times run backwards is not bent into shape."""
    with pytest.raises(ValueError, match="backwards"):
        time_turns([Turn(speaker="A", text="a", start_ms=9), Turn(speaker="B", text="b", start_ms=3)])
