"""Captions that exist already: a WebVTT, SRT or JSON file becomes a transcript.

Owns which of the three a file is (by content, not by name), its encoding, and the shapes of JSON that recognisers and
platforms write. What times may look like stands in `streamhub.transcript.cuetimes`. Refuses to know media.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from streamhub.errors import BadCaptions
from streamhub.timecode import Span, s_to_ms
from streamhub.transcript.cuetimes import Captions, RawCue, settle_cues, squeeze
from streamhub.transcript.transcript import Transcript, Word
from streamhub.transcript.vtt import parse_arrow, parse_vtt_loosely, split_voices

MAX_CAPTIONS_BYTES = 64 * 2**20
_ASS_TAG = re.compile(r"\{\\[^}]*\}")


def read_captions(path: Path, *, language: str = "") -> Transcript:
    """Read a caption file; ``language`` counts when the file names none.

    Raises:
        BadCaptions: no captions, or times that make no sense; with file, line and reason.
    """
    return load_captions(path, language=language).transcript


def load_captions(path: Path, *, language: str = "") -> Captions:
    """As `read_captions`, with the list of what was repaired.

    Raises:
        BadCaptions: as `read_captions`.
    """
    try:
        if path.stat().st_size > MAX_CAPTIONS_BYTES:
            raise BadCaptions(f"{path}: {path.stat().st_size} bytes are too many for captions", hint="is it a video?")
        data = path.read_bytes()
    except OSError as error:
        raise BadCaptions(f"{path}: cannot be read ({error.strerror})") from error
    return parse_captions(decode_captions(data, path.name), path.name, language=language)


def decode_captions(data: bytes, source: str) -> str:
    """Turn a caption file's bytes into text: UTF-8, UTF-16 with its mark, else Windows-1252.

    Raises:
        BadCaptions: empty, or no text at all.
    """
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise BadCaptions(f"{source}: empty", hint="give a WebVTT, SRT or JSON file")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if b"\0" in data[:4096]:
        raise BadCaptions(
            f"{source}: is no text", hint="give a WebVTT, SRT or JSON file; media goes in without --captions"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def parse_captions(text: str, source: str, *, language: str = "") -> Captions:
    """Read captions of whatever kind the text is.

    Raises:
        BadCaptions: none of the known kinds, no cue in it, or times that make no sense.
    """
    head = text.lstrip("\ufeff \t\r\n")
    if head.startswith("WEBVTT"):
        captions = parse_vtt_loosely(head, source, language=language)
    elif head[:1] in {"{", "["}:
        captions = parse_json(text, source, language=language)
    elif "-->" in head[:2000]:
        captions = parse_srt(text, source, language=language)
    else:
        raise BadCaptions(
            f"{source}:1: {head.splitlines()[0][:40]!r} begins neither WebVTT, SRT nor JSON",
            hint="give a WebVTT, SRT or JSON file",
        )
    if not captions.transcript.cues:
        raise BadCaptions(f"{source}: no cue with text in it")
    return captions


def parse_srt(text: str, source: str, *, language: str = "") -> Captions:
    """Read SubRip: a number, a line of times, lines of text, a blank line.

    Raises:
        BadCaptions: times that make no sense; with file, line and reason.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = [index for index, line in enumerate(lines) if "-->" in line]
    raw = []
    for at, following in zip(starts, [*starts[1:], len(lines) + 1], strict=True):
        start_ms, end_ms = parse_arrow(lines[at], f"{source}:{at + 1}")
        payload = lines[at + 1 : following - 1 if following <= len(lines) else len(lines)]
        if payload and following <= len(lines) and not lines[following - 1].strip().isdigit():
            payload = lines[at + 1 : following]  # no number stands before the next times
        number = lines[at - 1].strip() if at else ""
        voices = split_voices(tuple(_ASS_TAG.sub("", line) for line in payload if line.strip()))
        raw.append(
            RawCue(line=at + 1, start_ms=start_ms, end_ms=end_ms, voices=voices, id=number if number.isdigit() else "")
        )
    return _settled(raw, source, language)


def parse_json(text: str, source: str, *, language: str = "") -> Captions:
    """Read the JSON of Whisper tools, YouTube, or a plain list of ``{"start", "end", "text", "speaker"}``.

    Raises:
        BadCaptions: not JSON, none of these shapes, or times that make no sense.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BadCaptions(f"{source}: is no JSON ({error})") from error
    if isinstance(data, Mapping) and isinstance(data.get("language"), str):
        language = data["language"] or language
    return _settled(
        [_json_cue(entry, n, source) for n, entry in enumerate(_entries(data, source), 1)], source, language
    )


def _settled(raw: Sequence[RawCue], source: str, language: str) -> Captions:
    settled = settle_cues(raw, source)
    transcript = Transcript(language=language, cues=settled.cues, made_with=f"captions {source}")
    return Captions(transcript=transcript, warnings=settled.warnings)


def _entries(data: Any, source: str) -> Iterable[Any]:
    if isinstance(data, Mapping):
        for key in ("segments", "transcription", "cues", "events"):
            if isinstance(data.get(key), list):
                return [entry for entry in data[key] if not (key == "events" and "segs" not in entry)]
    if isinstance(data, list):
        return data
    raise BadCaptions(
        f"{source}: no list of captions in it",
        hint='give a list of {"start": seconds, "end": seconds, "text": "..."}, or the JSON of a Whisper tool',
    )


def _json_cue(entry: Any, number: int, source: str) -> RawCue:
    try:
        start_ms, end_ms = _json_times(entry)
        segs = entry.get("segs")
        said = "".join(str(seg.get("utf8", "")) for seg in segs) if segs else str(entry["text"])
        words = tuple(_json_words(entry.get("words") or ()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadCaptions(
            f"{source}: entry {number} has no usable times or text ({error!r})",
            hint='each needs "start", "end" (seconds) and "text"',
        ) from error
    speaker = squeeze(str(entry.get("speaker") or ""))
    plain = squeeze(said)
    same = squeeze(" ".join(word.text for word in words)) == plain
    voices = ((speaker, plain),) if plain else ()
    return RawCue(line=number, start_ms=start_ms, end_ms=end_ms, voices=voices, words=words if same else ())


def _json_times(entry: Any) -> tuple[int, int]:
    if "offsets" in entry:
        return int(entry["offsets"]["from"]), int(entry["offsets"]["to"])
    if "tStartMs" in entry:
        return int(entry["tStartMs"]), int(entry["tStartMs"]) + int(entry.get("dDurationMs", 0))
    if "start_ms" in entry:
        return int(entry["start_ms"]), int(entry["end_ms"])
    start_s, end_s = float(entry["start"]), float(entry["end"])
    if not 0 <= start_s < 1e7 or not 0 <= end_s < 1e7:
        raise ValueError(f"times {start_s} to {end_s} s")
    return s_to_ms(start_s), s_to_ms(end_s)


def _json_words(entries: Iterable[Any]) -> Iterable[Word]:
    for entry in entries:
        text = str(entry.get("word", entry.get("text", ""))).strip()
        if text and "start" in entry and "end" in entry:
            start_ms = s_to_ms(float(entry["start"]))
            probability = float(entry.get("probability", entry.get("score", 1.0)))
            yield Word(
                text, Span(start_ms, max(start_ms, s_to_ms(float(entry["end"])))), min(1.0, max(0.0, probability))
            )
