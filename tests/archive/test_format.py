"""The archive's format: writing and reading are inverse; bad files are named with line and reason."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

sys.path.insert(0, str(Path(__file__).parent))
from records import make_session, sessions

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.format import parse_session, parse_span, render_session
from streamhub.errors import BadArchive, BadInput
from streamhub.timecode import Span

HEAD = "service-runde/2027-03-02-netz"
ANSWER = f"{HEAD}/answers/q1-router-blinkt-rot.md"


@settings(max_examples=60, deadline=None)
@given(sessions())
def test_reading_is_the_inverse_of_writing(session: ArchivedSession) -> None:
    """Whatever a session's texts say, its files read back as the same session."""
    assert parse_session(render_session(session)) == session


def test_times_are_readable_and_instants_carry_their_zone() -> None:
    """A person can read times in the files, and the start says its offset."""
    files = render_session(make_session())
    assert "starts: 2027-03-02T20:15:00+01:00" in files[f"{HEAD}/session.md"]
    assert "- 00:00:05.000 --> 00:00:15.000" in files[ANSWER]
    assert "valid_until" not in files[ANSWER]


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "reason"),
    [
        (ANSWER, "---\nid", "id", 1, "does not begin"),
        (ANSWER, "---\n\nHalten", "\nHalten", 1, "no end"),
        (ANSWER, "question: Warum", "question: [Warum", 4, "not YAML"),
        (ANSWER, "question: Warum blinkt mein Router rot?\n", "", 1, "question: is missing"),
        (ANSWER, "state: published", "state: publik", 15, "'publik' is not known"),
        (ANSWER, "language: de", "language: fr", 9, "language 'fr'"),
        (ANSWER, "00:00:05.000 -->", "00:00:25.000 -->", 8, "ends before it starts"),
        (ANSWER, "00:00:05.000 --> 00:00:15.000", "00:00:05", 8, "is no range"),
        (ANSWER, "00:00:15.000", "00:09:15.000", 8, "lies outside the session, which ends at 00:00:40.000"),
        (ANSWER, "id: q1", "id: q7", 2, "the file is named 'q1-router-blinkt-rot'"),
        (ANSWER, "id: q1", "id: q1\nid: q1", 3, "stands there twice"),
        (ANSWER, "votes: 12", "votes: many", 16, "many"),
        (ANSWER, "confidence: 1.0", "confidence: 7", 17, "between 0 and 1"),
        (ANSWER, "asker: Maria aus Köln", "asker: [Maria]", 4, "should be a text"),
        (f"{HEAD}/session.md", "zone: Europe/Berlin", "zone: Mars/Base", 7, "Mars/Base"),
        (f"{HEAD}/session.md", "20:15:00+01:00", "20:15:00", 6, "no time zone"),
        (f"{HEAD}/session.md", "show: service-runde", "show: other", 3, "the folder says 'service-runde'"),
        (f"{HEAD}/session.md", "role: expert", "role: boss", 13, "'boss' is not known"),
        (f"{HEAD}/session.md", "session: 00:00:00.000 --> 00:00:40.000", "session: 1 --> 0", 24, "not a time"),
        (f"{HEAD}/session.md", "video: true", "video: maybe", 22, "should be true or false"),
        (f"{HEAD}/transcript.de.vtt", "WEBVTT", "SOMETHING", 1, "not with WEBVTT"),
        (f"{HEAD}/transcript.de.vtt", "00:00:05.000 --> 00:00:09.800", "00:00:05.000 --> 00:00:01.000", 13, ""),
    ],
)
def test_a_bad_file_is_named_with_line_and_reason(file: str, old: str, new: str, line: int, reason: str) -> None:
    """Every kind of mistake is reported by file, line and reason."""
    files = render_session(make_session())
    assert old in files[file]
    files[file] = files[file].replace(old, new, 1)
    with pytest.raises(BadArchive) as caught:
        parse_session(files)
    assert (caught.value.file, caught.value.line) == (file, line)
    assert reason in caught.value.reason


def test_two_answers_with_one_id_are_refused() -> None:
    """An id names one answer; the second file is named together with the first."""
    files = render_session(make_session())
    files[f"{HEAD}/answers/q1-zweite.md"] = files[ANSWER]
    with pytest.raises(BadArchive, match=r"is that of q1-router-blinkt-rot\.md too"):
        parse_session(files)


def test_bad_word_times_are_refused() -> None:
    """A words file that is no JSON, or of another shape, is named."""
    files = render_session(make_session())
    for text in ("{", "[]", '{"unit": "s", "cues": {}}', '{"unit": "ms", "cues": {"c1": [[1, 2, 3, 4]]}}'):
        with pytest.raises(BadArchive, match=r"words\.de\.json"):
            parse_session({**files, f"{HEAD}/words.de.json": text})


def test_an_alias_bomb_is_refused() -> None:
    """A small file cannot fill the memory by references."""
    files = render_session(make_session())
    bomb = "a: &a [x, x, x, x]\n" + "".join(
        f"{key}: &{key} [*{before}, *{before}, *{before}, *{before}]\n"
        for before, key in zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True)
    )
    files[ANSWER] = files[ANSWER].replace("votes:", f"{bomb}votes:", 1)
    with pytest.raises(BadArchive, match="used twice by an alias"):
        parse_session(files)


def test_unknown_keys_and_files_are_passed_over() -> None:
    """Notes that people keep beside the archive's own files and keys do no harm."""
    files = render_session(make_session())
    files[ANSWER] = files[ANSWER].replace("votes: 12", "votes: 12\nmood: [good, bad]  # mine")
    files[f"{HEAD}/notes.txt"] = "buy milk"
    assert parse_session(files) == make_session()


def test_an_id_that_leads_out_of_the_archive_is_refused() -> None:
    """Ids stand in paths; one with dots and slashes does not get there."""
    with pytest.raises(BadInput, match="not usable"):
        render_session(replace(make_session(), show_id="../../etc"))


def test_a_range_reads_as_it_is_written() -> None:
    """Ranges are written like WebVTT's."""
    assert parse_span("01:02.5 --> 1:02:03.004") == Span(62_500, 3_723_004)
