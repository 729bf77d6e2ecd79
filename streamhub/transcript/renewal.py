"""Renewal: a better hearing takes the place of an earlier one, and of nothing that a person has touched. Pure.

Owns which cues are a person's, and which ids and speakers go over to the new ones, so that links and names last. Where
answers begin and end is none of its business, so no answer moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from streamhub.timecode import Span, merge_spans
from streamhub.transcript.transcript import Cue, Transcript, Word

_NUMBERED = re.compile(r"c(\d+)")


def renew(now: Transcript, machine: Transcript, fresh: Transcript) -> Transcript:
    """The transcript with the words of a better hearing.

    Args:
        now: as it stands in the archive, corrections included.
        machine: as the machine wrote it there; what differs from it was changed by a person, and stays.
        fresh: the better hearing, on the same clock.
    """
    written = {cue.id: cue for cue in machine.cues}
    kept = [cue for cue in now.cues if cue.id not in written or written[cue.id].text != cue.text]
    there = {cue.id for cue in now.cues}
    removed = [cue.span for cue in machine.cues if cue.id not in there]
    closed = merge_spans([*(cue.span for cue in kept), *removed])
    open_cues = [cue for cue in now.cues if cue not in kept]
    cues = list(_named(_outside(fresh.cues, closed), open_cues, taken={*there, *written}))
    together = sorted([*kept, *cues], key=lambda cue: (cue.span.start_ms, cue.span.end_ms))
    return replace(now, cues=tuple(together), made_with=fresh.made_with)


def _outside(cues: Sequence[Cue], closed: Sequence[Span]) -> Iterator[Cue]:
    """What is said outside the closed stretches; a cue that reaches into one is cut."""
    for cue in cues:
        near = [span for span in closed if span.overlap_ms(cue.span)]
        if not near:
            yield cue
            continue
        words = [word for word in cue.words if not any(_inside(word, span) for span in near)]
        if words:
            span = Span(words[0].span.start_ms, max(words[0].span.start_ms + 1, words[-1].span.end_ms))
            yield replace(cue, span=span, text=" ".join(word.text for word in words), words=tuple(words))


def _inside(word: Word, span: Span) -> bool:
    return span.start_ms <= (word.span.start_ms + word.span.end_ms) // 2 < span.end_ms


def _named(cues: Iterator[Cue], old: Sequence[Cue], *, taken: set[str]) -> Iterator[Cue]:
    """The cues with the id and the speaker of the old one that each of them is most like in time; both are in order."""
    free = set(range(len(old)))
    number = max((int(found[1]) for one in taken if (found := _NUMBERED.fullmatch(one))), default=0)
    begin = 0
    for cue in cues:
        while begin < len(old) and old[begin].span.end_ms <= cue.span.start_ms:
            begin += 1
        near = []
        at = begin
        while at < len(old) and old[at].span.start_ms < cue.span.end_ms:
            near.append(at)
            at += 1
        best = max(near, key=lambda one: old[one].span.overlap_ms(cue.span), default=None)
        speaker = cue.speaker or (old[best].speaker if best is not None else "")
        if best is not None and best in free:
            free.discard(best)
            yield replace(cue, id=old[best].id, speaker=speaker)
        else:
            number += 1
            yield replace(cue, id=f"c{number}", speaker=speaker)
