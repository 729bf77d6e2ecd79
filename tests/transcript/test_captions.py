"""Captions import: SRT, JSON, encodings, and files that are none of it."""

import json
from pathlib import Path

import pytest

from streamhub.errors import BadCaptions
from streamhub.timecode import Span
from streamhub.transcript.captions import load_captions, parse_captions, read_captions


def test_srt_is_read(tmp_path: Path) -> None:
    """SubRip with numbers, markup and Windows line ends becomes cues."""
    path = tmp_path / "a.srt"
    path.write_bytes(
        b"1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Guten Abend</i>\r\nalle\r\n\r\n"
        b"2\r\n00:00:03,000 --> 00:00:04,000\r\n{\\an8}42\r\n"
    )
    transcript = read_captions(path, language="de")
    assert [(cue.id, cue.span, cue.text) for cue in transcript.cues] == [
        ("c1", Span(1000, 2500), "Guten Abend alle"),
        ("c2", Span(3000, 4000), "42"),
    ]
    assert transcript.language == "de"
    assert transcript.made_with == "captions a.srt"


@pytest.mark.parametrize(
    "data",
    [
        {"language": "en", "segments": [{"start": 1.0, "end": 2.5, "text": " Hello there.", "speaker": "Anna"}]},
        {"transcription": [{"offsets": {"from": 1000, "to": 2500}, "text": "Hello there."}]},
        {"events": [{"tStartMs": 1000, "dDurationMs": 1500, "segs": [{"utf8": "Hello "}, {"utf8": "there."}]}]},
        [{"start": 1, "end": 2.5, "text": "Hello there."}],
        [{"start_ms": 1000, "end_ms": 2500, "text": "Hello there."}],
    ],
)
def test_json_of_many_tools_is_read(data: object) -> None:
    """The JSON of Whisper tools, of a platform and plain lists give the same cue."""
    captions = parse_captions(json.dumps(data), "a.json", language="en")
    assert [(cue.span, cue.text) for cue in captions.transcript.cues] == [(Span(1000, 2500), "Hello there.")]
    assert captions.transcript.language == "en"


def test_json_keeps_word_times() -> None:
    """Word times and probabilities survive the import."""
    words = [{"word": " Hi", "start": 0.0, "end": 0.4, "probability": 0.5}, {"word": " all", "start": 0.4, "end": 1.0}]
    data = {"segments": [{"start": 0, "end": 1, "text": "Hi all", "words": words}]}
    (cue,) = parse_captions(json.dumps(data), "a.json").transcript.cues
    assert [(word.text, word.span, word.probability) for word in cue.words] == [
        ("Hi", Span(0, 400), 0.5),
        ("all", Span(400, 1000), 1.0),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_the_world_are_read(tmp_path: Path, encoding: str) -> None:
    """Umlauts survive whichever encoding the file has."""
    path = tmp_path / "a.vtt"
    path.write_bytes("WEBVTT\n\n00:01.000 --> 00:02.000\nÜber Österreich\n".encode(encoding))
    assert read_captions(path).text == "Über Österreich"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\0\0\0\x18ftypmp42\0\0", "is no text"),
        (b"Dear all,\nplease find attached", "neither WebVTT, SRT nor JSON"),
        (b"WEBVTT\n\n", "no cue"),
        (b'{"a": 1}', "no list of captions"),
        (b'[{"start": "x", "end": 1, "text": "a"}]', "entry 1 has no usable times"),
        (b'[{"start": NaN, "end": 1, "text": "a"}]', "entry 1 has no usable times"),
        (b"[1", "is no JSON"),
        (b"1\n00:00:05,000 --> 00:00:01,000\nHi\n", "before its start"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes, reason: str) -> None:
    """What is no captions is refused with the file's name and the reason."""
    path = tmp_path / "file.bin"
    path.write_bytes(content)
    with pytest.raises(BadCaptions, match=rf"file\.bin.*{reason}"):
        load_captions(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is refused by its name."""
    with pytest.raises(BadCaptions, match=r"gone\.vtt: cannot be read"):
        load_captions(tmp_path / "gone.vtt")
