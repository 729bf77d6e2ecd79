"""WebVTT as text: written for the archive and players, read from wherever it comes.

Owns the notation (https://www.w3.org/TR/webvtt1/): escaping, ``<v Speaker>``, ``<lang en>`` around what is spoken in
another language than the rest, cue ids and the note that says who made the text. ``parse_vtt`` is the inverse of
``format_vtt`` for every transcript whose cues are in order, last at least a millisecond, overlap only where two named
people speak, and hold text in one line; word times live in a file of their own. Refuses to know files and other
caption formats; what real-world times may look like stands in `cuetimes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from streamhub.errors import BadCaptions, BadInput
from streamhub.timecode import format_ms, parse_ms
from streamhub.transcript.cuetimes import Captions, RawCue, settle_cues, squeeze
from streamhub.transcript.ownvtt import read_own_cues, split_own
from streamhub.transcript.transcript import Cue, Maker, Transcript

_ENTITIES: Mapping[str, str] = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&nbsp;": "\u00a0",
    "&lrm;": "\u200e",
    "&rlm;": "\u200f",
    "&quot;": '"',
    "&#39;": "'",
    "&apos;": "'",
}
_ENTITY = re.compile("|".join(re.escape(entity) for entity in _ENTITIES))
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]*)>")
_LANGUAGE = re.compile(
    r"<lang(?:\.[^\s>]*)?[ \t]+([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)[ \t]*>(?:(?!</?lang).)*(?:</lang>)?(?:</v>)?"
)
_TAG = re.compile(r"</?(?:[a-zA-Z][^<>]*|\d[\d:.]*)?>")
_INLINE_TIME = re.compile(r"<(?:\d+:)?\d\d:\d\d\.\d{3}>")
_MOVED = re.compile(r"(-?\d{1,9}) ms")
_NOTE = re.compile(r"NOTE(?:[ \t]|$)")
_LIKE_TIME = re.compile(r"\d{1,3}:\d\d")
_LIKE_ARROW = re.compile(r"\d{1,3}:\d\d[\d:.,]*[ \t]*[-–—=]*[>→]")
"""A time line that somebody mistyped, below the id of its cue."""
_ARROW = re.compile(r"(\S+)[ \t]*-->[ \t]*(\S+)(?:[ \t].*)?")


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines between two blank ones; ``line`` is the number of the first, from 1."""

    line: int
    lines: tuple[str, ...]


_CueAsWritten = tuple[RawCue, tuple[str, ...]]
"""A cue and its lines with their markup."""


def format_vtt(transcript: Transcript) -> str:
    """Write a transcript as WebVTT; one line per cue, ready for git."""
    note = ["NOTE", f"language: {_escape(squeeze(transcript.language))}", f"made by: {transcript.made_by}"]
    if transcript.made_with:
        note.append(f"made with: {_escape(squeeze(transcript.made_with))}")
    if transcript.moved_ms:
        note.append(f"moved by: {transcript.moved_ms} ms")
    blocks = ["WEBVTT", "\n".join(note)]
    for cue in transcript.cues:
        name = _escape(squeeze(cue.speaker))
        guard = " " if name.endswith("-") else ""  # a name's hyphens and the tag's end must not make an arrow
        voice = f"<v {name}{guard}>" if name else ""
        times = f"{format_ms(cue.span.start_ms)} --> {format_ms(cue.span.end_ms)}"
        text = _escape(squeeze(cue.text))
        if cue.language and cue.language != transcript.language:
            text = f"<lang {_escape(squeeze(cue.language))}>{text}</lang>"
        blocks.append(f"{cue.id}\n{times}\n{voice}{text}")
    return "\n\n".join(blocks) + "\n"


def parse_vtt(text: str, source: str, *, language: str = "") -> Transcript:
    """Read WebVTT; ``source`` names the file in messages, ``language`` counts when the file names none.

    Raises:
        BadCaptions: not WebVTT, or times that make no sense; with file, line and reason.
    """
    return parse_vtt_loosely(text, source, language=language).transcript


def parse_vtt_loosely(text: str, source: str, *, language: str = "") -> Captions:
    """As `parse_vtt`, with the list of what was repaired.

    Raises:
        BadCaptions: as `parse_vtt`.
    """
    if (own := _read_own(text)) is not None:
        return Captions(transcript=own)
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd").split("\n")
    if not re.match(r"WEBVTT(?:[ \t]|$)", lines[0]):
        raise BadCaptions(
            f"{source}:1: begins with {lines[0][:40]!r}, not with WEBVTT", hint="give a WebVTT, SRT or JSON file"
        )
    # A file that does not say who made it was made by a machine: saying "a person" would promise too much.
    facts = {"language": language, "made by": Maker.MACHINE.value, "made with": f"captions {source}"}
    header, *blocks = _blocks(lines)
    if any("-->" in line for line in header.lines):
        blocks.insert(0, _Block(2, header.lines[1:]))
    facts |= _header_facts(header.lines[1:])
    raw: list[_CueAsWritten] = []
    skipped: list[str] = []
    for block in blocks:
        if any("-->" in line for line in block.lines):
            raw.append(_parse_cue(block, source))
        elif _NOTE.match(block.lines[0]):
            facts |= {} if raw else _note_facts(block.lines[1:])
        elif block.lines[0].strip() not in {"STYLE", "REGION"}:
            skipped += _take_stray(block, raw, source)
    settled = settle_cues(_unroll(raw) if _INLINE_TIME.search(text) else [cue for cue, _ in raw], source)
    transcript = _make_transcript(facts, settled.cues)
    return Captions(transcript=transcript, warnings=(*skipped, *settled.warnings))


def _read_own(text: str) -> Transcript | None:
    """What `format_vtt` wrote, where nothing about it has to be settled."""
    parts = split_own(text)
    # An arrow makes a cue of a note, for whoever reads it; ours have none.
    facts = _note_facts(parts[0]) if parts and not any("-->" in line for line in parts[0]) else {}
    cues = read_own_cues(parts[1], unescape) if parts and facts else None
    return None if cues is None else _make_transcript(facts, cues)


def _make_transcript(facts: Mapping[str, str], cues: tuple[Cue, ...]) -> Transcript:
    return Transcript(
        language=facts["language"],
        cues=cues,
        made_by=Maker.PERSON if facts["made by"] == Maker.PERSON else Maker.MACHINE,
        made_with=facts["made with"],
        moved_ms=_moved_ms(facts.get("moved by", "")),
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """Turn the character references of WebVTT back into characters."""
    return _ENTITY.sub(lambda match: _ENTITIES[match[0]], text)


def _blocks(lines: list[str]) -> Iterator[_Block]:
    """Blocks between blank lines; a second time line begins a cue of its own, as the specification wants."""
    held: list[str] = []
    first = 1
    for number, line in enumerate([*lines, ""], start=1):
        if line == "" or ("-->" in line and any("-->" in one for one in held)):
            if held:
                yield _Block(first, tuple(held))
            held, first = ([line], number) if line else ([], number + 1)
        else:
            if not held:
                first = number
            held.append(line)


def _header_facts(lines: tuple[str, ...]) -> dict[str, str]:
    """``Language: de`` under the first line, as YouTube writes it."""
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip().lower() == "language" and value.strip():
            return {"language": value.strip().lower().split("-")[0]}
    return {}


def _note_facts(lines: tuple[str, ...]) -> dict[str, str]:
    """What our own note says; other notes say nothing to us."""
    facts = {}
    for line in lines:
        key, colon, value = line.partition(": ")
        if colon and key in {"language", "made by", "made with", "moved by"}:
            facts[key] = unescape(value)
    if facts.keys() >= {"language", "made by"}:
        return {"made with": ""} | facts
    return {}


def _moved_ms(text: str) -> int:
    found = _MOVED.fullmatch(text)
    return int(found[1]) if found else 0


def _parse_cue(block: _Block, source: str) -> _CueAsWritten:
    at = next(index for index, line in enumerate(block.lines) if "-->" in line)
    start_ms, end_ms = parse_arrow(block.lines[at], f"{source}:{block.line + at}")
    lines = block.lines[at + 1 :]
    cue_id = block.lines[at - 1].strip() if at else ""
    spoken_in = _LANGUAGE.fullmatch(_VOICE.sub("", " ".join(lines)).strip())
    cue = RawCue(
        line=block.line + at,
        start_ms=start_ms,
        end_ms=end_ms,
        voices=split_voices(lines),
        id=cue_id,
        language=unescape(spoken_in[1]) if spoken_in else "",
    )
    return cue, lines


def _take_stray(block: _Block, raw: list[_CueAsWritten], source: str) -> list[str]:
    """Join text that a blank line cut off to its cue; returns what to say about it."""
    if _LIKE_TIME.match(block.lines[0]):
        parse_arrow(block.lines[0], f"{source}:{block.line}")
    if len(block.lines) > 1 and _LIKE_ARROW.match(block.lines[1]):
        parse_arrow(block.lines[1], f"{source}:{block.line + 1}")
    if not raw:
        return [f"{source}:{block.line}: text before the first cue was skipped"]
    cue, lines = raw[-1]
    raw[-1] = replace(cue, voices=split_voices(lines + block.lines)), lines + block.lines
    return [f"{source}:{block.line}: text after a blank line was joined to the cue above it"]


def _unroll(raw: Sequence[_CueAsWritten]) -> list[RawCue]:
    """Keep lines that roll from cue to cue (as in YouTube's automatic captions) once."""
    kept: list[RawCue] = []
    shown: tuple[str, ...] = ()
    for cue, lines in raw:
        plain = tuple(" ".join(said for _, said in split_voices((line,))) for line in lines)
        fresh = tuple(line for line, said in zip(lines, plain, strict=True) if said and said not in shown)
        shown = plain
        if fresh:
            kept.append(replace(cue, voices=split_voices(fresh)))
    return kept


def parse_arrow(line: str, place: str) -> tuple[int, int]:
    """Read ``00:01.000 --> 00:02.000``, whatever settings follow; commas work too.

    Raises:
        BadCaptions: no such line, or a time that is none.
    """
    match = _ARROW.fullmatch(line.strip())
    if not match:
        raise BadCaptions(f"{place}: {line.strip()[:60]!r} is no time line, it should be like 00:01.000 --> 00:04.000")
    try:
        return parse_ms(match[1]), parse_ms(match[2])
    except BadInput as error:
        raise BadCaptions(f"{place}: {error.message}", hint=error.hint) from error


def split_voices(lines: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Pairs of speaker (may be empty) and plain text in the lines of a cue; markup is dropped."""
    text = " ".join(lines)
    parts = _VOICE.split(text)
    pairs = [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]
    plain = [(squeeze(unescape(speaker)), squeeze(unescape(_TAG.sub("", said)))) for speaker, said in pairs]
    return tuple((speaker, said) for speaker, said in plain if said)
