"""Whole sessions for the search: what was said outside the answers, in stretches of some minutes. Pure.

Owns where a stretch begins and ends. Refuses to know what may be shown: it is handed a session without what is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from streamhub.archive.public import PublicSession
from streamhub.archive.search.document import SearchDocument, Turn
from streamhub.transcript.transcript import Cue

STRETCH_WORDS = 500
"""Some four minutes: short enough to say what was talked about, long enough that a session has few."""


def plan_speech(found: PublicSession) -> list[SearchDocument]:
    """A document per stretch of a session with answers; one without answers is found as a whole already."""
    if not found.transcript or not found.session.answers:
        return []
    session = found.session
    day = session.starts_at.astimezone(ZoneInfo(session.zone)).date().isoformat()
    return [
        SearchDocument(
            id=f"{session.id}.{number}",
            kind="speech",
            url=found.url,
            language="en" if session.language == "en" else "de",
            question=session.title,
            turns=tuple(Turn(start_ms=cue.span.start_ms, speaker=cue.speaker, text=cue.text) for cue in cues),
            speakers=tuple(dict.fromkeys(cue.speaker for cue in cues if cue.speaker)),
            session_title=session.title,
            show=session.show_title,
            date=day,
        )
        for number, cues in enumerate(_cut(_outside_answers(found)), 1)
    ]


def _outside_answers(found: PublicSession) -> Iterator[Cue]:
    answered = {cue.id for answer in found.answers for cue in answer.cues}
    yield from (cue for cue in (found.transcript.cues if found.transcript else ()) if cue.id not in answered)


def _cut(cues: Iterable[Cue]) -> Iterator[tuple[Cue, ...]]:
    stretch: list[Cue] = []
    words = 0
    for cue in cues:
        stretch.append(cue)
        words += len(cue.text.split())
        if words >= STRETCH_WORDS:
            yield tuple(stretch)
            stretch, words = [], 0
    if words:
        yield tuple(stretch)
