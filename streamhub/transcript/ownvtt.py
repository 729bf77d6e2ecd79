"""WebVTT as this program writes it, read at a tenth of the cost of reading what others write.

Owns the plain case and nothing else: our own note, a line per cue, ids and times in order. Whatever looks otherwise is
left to `streamhub.transcript.vtt`, which comes to the same transcript where both can read a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue

_TIME = r"([0-9]{2,4}):([0-5][0-9]):([0-5][0-9])\.([0-9]{3})"
_CUE = re.compile(
    rf"([A-Za-z][A-Za-z0-9_-]{{0,39}})\n{_TIME} --> {_TIME}\n(?:<v ([^ >\n][^>\n]*)>)?([^ <>\n](?:[^<>\n]*[^ <>\n])?)"
)
_ODD = re.compile("  |[\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029]")
"""What would have to be squeezed."""


def split_own(text: str) -> tuple[tuple[str, ...], list[str]] | None:
    """The lines of our own note, and the blocks below it; None where a file does not begin as we begin it."""
    if not text.startswith("WEBVTT\n\nNOTE\n") or not text.endswith("\n") or _ODD.search(text):
        return None
    _, note, *blocks = text[:-1].split("\n\n")
    return tuple(note.split("\n")[1:]), blocks


def read_own_cues(blocks: list[str], unescape: Callable[[str], str]) -> tuple[Cue, ...] | None:
    """The cues of blocks that are written and ordered as we do it; None where any is not."""
    cues: list[Cue] = []
    end_ms = start_ms = 0
    speaker = ""
    for block in blocks:
        found = _CUE.fullmatch(block)
        if found is None:
            return None
        cue_id, h, m, s, f, h2, m2, s2, f2, voice, said = found.groups()
        before_ms, before = start_ms, speaker
        start_ms = ((int(h) * 60 + int(m)) * 60 + int(s)) * 1000 + int(f)
        speaker = unescape(voice).rstrip(" ") if voice else ""
        apart = bool(before and speaker) and before != speaker
        if start_ms < (before_ms if apart else end_ms):
            return None
        end_ms = ((int(h2) * 60 + int(m2)) * 60 + int(s2)) * 1000 + int(f2)
        if end_ms <= start_ms:
            return None
        cues.append(
            Cue(id=cue_id, span=Span(start_ms, end_ms), text=unescape(said) if "&" in said else said, speaker=speaker)
        )
    return tuple(cues) if len({cue.id for cue in cues}) == len(cues) else None
