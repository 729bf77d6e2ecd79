"""Corrections: what a person wants changed in an archived session, checked and planned as edits. Pure.

Owns what is possible: where stretches may lie, what becomes of words, who may be named. Refuses to know disks, pages,
and whether somebody else was faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

from streamhub.answers.answer import Answer
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.format import END_TOLERANCE_MS, extent_ms
from streamhub.archive.review import Edit, Fields, answer_fields, cue_fields, cue_key, find_answer, find_cue
from streamhub.archive.wordfit import fit_words
from streamhub.errors import BadCorrection, BadInput, NotFound
from streamhub.text import clean_line, clean_text
from streamhub.timecode import Span, format_clock, merge_spans
from streamhub.transcript.transcript import Cue

LEAST_MS = 500
MAX_CUE_LENGTH = 2_000
MAX_NAME_LENGTH = 80
MAX_ADDENDUM_LENGTH = 20_000


class Fault(StrEnum):
    """Why a correction cannot be made."""

    NO_TIME = "no_time"
    NOT_RECORDED = "not_recorded"
    BACKWARDS = "backwards"
    SHORT = "short"
    OUTSIDE = "outside"
    OVERLAP = "overlap"
    NOT_INSIDE = "not_inside"
    SAME = "same"
    NO_STRETCH = "no_stretch"
    TEXT = "text"
    ADDENDUM = "addendum"


SENTENCES: Mapping[Fault, tuple[str, str]] = MappingProxyType(
    {
        Fault.NO_TIME: ("“%(time)s” is no time.", "Write it as 12:34 or 1:02:34."),
        Fault.NOT_RECORDED: (
            "%(time)s: nothing of the session was recorded there.",
            "Take a time after the beginning of the session and before the end of the recording.",
        ),
        Fault.BACKWARDS: ("%(time)s: the stretch ends before it begins.", "Look at both times again."),
        Fault.SHORT: ("%(time)s: the stretch is too short.", "Take an end after the beginning."),
        Fault.OUTSIDE: ("%(time)s: lies after the end of the session.", "Look at the times again."),
        Fault.OVERLAP: (
            "%(time)s: a stretch begins there before the one above it ends.",
            "Move one of the two edges.",
        ),
        Fault.NOT_INSIDE: ("%(time)s: is not inside this answer.", "Choose a word inside it."),
        Fault.SAME: ("This is the same answer.", "Choose another one."),
        Fault.NO_STRETCH: ("The answer has no stretch yet.", "Say where it begins and ends, or withdraw it."),
        Fault.ADDENDUM: ("The addendum is empty or too long.", "At most 20000 characters fit."),
        Fault.TEXT: ("The text or the name is empty or too long.", "At most 2000 characters fit, 80 for a name."),
    }
)
"""What is the matter, and what to do about it; the message ids of the web catalogue."""


def refuse(fault: Fault, at_ms: int | None = None, *, typed: str = "") -> BadCorrection:
    """The error for a fault, naming a session time or what was typed."""
    what, advice = SENTENCES[fault]
    time = typed or (format_clock(at_ms) if at_ms is not None else "")
    return BadCorrection(what % {"time": time}, hint=advice, code=fault, at_ms=at_ms, typed=typed)


def plan_ranges(session: ArchivedSession, answer_id: str, ranges: Sequence[Span], *, action: str = "edges") -> Edit:
    """An answer lies where a person says.

    Raises:
        NotFound: no such answer.
        BadCorrection: a stretch is too short, outside the session, or begins before the one above it ends.
    """
    answer = find_answer(session, answer_id)
    require_ranges(session, ranges)
    return _edit_answer(action, answer, replace(answer, ranges=tuple(ranges)))


def require_ranges(session: ArchivedSession, ranges: Sequence[Span]) -> None:
    """Check stretches.

    Raises:
        BadCorrection: one is too short, outside the session, or begins before the one above it ends.
    """
    last_ms = extent_ms(session)
    for span in ranges:
        if span.duration_ms < LEAST_MS:
            raise refuse(Fault.SHORT, span.start_ms)
        if last_ms is not None and (span.start_ms >= last_ms or span.end_ms > last_ms + END_TOLERANCE_MS):
            raise refuse(Fault.OUTSIDE, span.end_ms)
    for before, after in pairwise(ranges):
        if after.start_ms < before.end_ms:
            raise refuse(Fault.OVERLAP, after.start_ms)


def plan_split(session: ArchivedSession, answer_id: str, at_ms: int) -> Edit:
    """The stretch around a moment becomes two, so that one of them can go or be given away.

    Raises:
        NotFound: no such answer.
        BadCorrection: the moment is in no stretch of it, or too near to an edge.
    """
    answer = find_answer(session, answer_id)
    for number, span in enumerate(answer.ranges):
        if span.start_ms < at_ms < span.end_ms:
            parts = (Span(span.start_ms, at_ms), Span(at_ms, span.end_ms))
            ranges = (*answer.ranges[:number], *parts, *answer.ranges[number + 1 :])
            return plan_ranges(session, answer_id, ranges, action="split")
    raise refuse(Fault.NOT_INSIDE, at_ms)


def plan_removal(session: ArchivedSession, answer_id: str, number: int) -> Edit:
    """A stretch of an answer goes.

    Raises:
        NotFound: no such answer, or it has no such stretch.
    """
    answer = find_answer(session, answer_id)
    _require_stretch(answer, number)
    return _edit_answer("remove", answer, replace(answer, ranges=_without(answer.ranges, number)))


def plan_gift(session: ArchivedSession, answer_id: str, numbers: Iterable[int], to: str) -> Edit:
    """Stretches of an answer belong to another one; where they touch or overlap what it has, they become one with it.

    Raises:
        NotFound: no such answers, or no such stretch.
        BadCorrection: the two are one.
    """
    giver, taker = find_answer(session, answer_id), find_answer(session, to)
    if giver.id == taker.id:
        raise refuse(Fault.SAME)
    given = set(numbers)
    for number in given:
        _require_stretch(giver, number)
    kept = tuple(span for number, span in enumerate(giver.ranges) if number not in given)
    taken = merge_spans([*taker.ranges, *(span for number, span in enumerate(giver.ranges) if number in given)])
    one = _edit_answer("give", giver, replace(giver, ranges=kept))
    other = _edit_answer("give", taker, replace(taker, ranges=taken))
    return replace(one, before={**one.before, **other.before}, after={**one.after, **other.after})


def plan_answerers(session: ArchivedSession, answer_id: str, names: Iterable[str]) -> Edit:
    """These people answer, in this order; doubles are one.

    Raises:
        NotFound: no such answer.
        BadCorrection: a name is too long.
    """
    answer = find_answer(session, answer_id)
    cleaned = tuple(dict.fromkeys(_clean_name(name) for name in names if name.strip()))
    return _edit_answer("answerers", answer, replace(answer, answerers=cleaned))


def plan_acceptance(session: ArchivedSession, answer_id: str) -> Edit:
    """A person says that the answer is right as it is.

    Raises:
        NotFound: no such answer.
        BadCorrection: there is nothing to accept.
    """
    answer = find_answer(session, answer_id)
    if not (answer.ranges or answer.body.strip()):
        raise refuse(Fault.NO_STRETCH)
    return _edit_answer("accept", answer, replace(answer, confidence=1.0))


def plan_addendum(session: ArchivedSession, answer_id: str, text: str) -> Edit:
    """What is added to an answer in writing, in Markdown; nothing takes it away again.

    Raises:
        NotFound: no such answer.
        BadCorrection: the text is too long, or an answer that is in writing alone would have none.
    """
    answer = find_answer(session, answer_id)
    try:
        body = clean_text(text, max_length=MAX_ADDENDUM_LENGTH, what="addendum") if text.strip() else ""
    except BadInput as error:
        raise refuse(Fault.ADDENDUM) from error
    if not (body or answer.ranges):
        raise refuse(Fault.ADDENDUM)
    return _edit_answer("addendum", answer, replace(answer, body=body))


def plan_words(session: ArchivedSession, answer_id: str, language: str, cue_id: str, text: str) -> Edit:
    """A cue says these words; without any it goes. Words that stay keep their times, the others share what is between.

    Raises:
        NotFound: no such cue.
        BadCorrection: the text is too long.
    """
    cue = find_cue(session, language, cue_id)
    key = cue_key(language, cue_id)
    if not text.strip():
        return Edit(action="words", answer_id=answer_id, before={key: cue_fields(cue)}, after={key: None})
    said = _clean(text, max_length=MAX_CUE_LENGTH)
    changed = replace(cue, text=said, words=fit_words(cue.words, cue.span, said))
    return _edit_cues("words", answer_id, [(key, cue, changed)])


def plan_speaker(
    session: ArchivedSession, answer_id: str, language: str, cue_id: str, name: str, *, onwards: bool = False
) -> Edit:
    """A person speaks a cue; onwards: also those after it that name the same speaker or none, up to the next one's.

    Raises:
        NotFound: no such cue.
        BadCorrection: the name is too long.
    """
    first = find_cue(session, language, cue_id)
    speaker = _clean_name(name) if name.strip() else ""
    transcript = next(one for one in session.transcripts if one.language == language)
    changes = []
    for cue in transcript.cues[transcript.cues.index(first) :]:
        if cue is not first and (not onwards or cue.speaker != first.speaker or _after(session, answer_id, cue, first)):
            break
        changes.append((cue_key(language, cue.id), cue, replace(cue, speaker=speaker)))
    return _edit_cues("speaker", answer_id, changes)


def _after(session: ArchivedSession, answer_id: str, cue: Cue, first: Cue) -> bool:
    """Whether a cue lies after the stretch of the answer in which another one is spoken."""
    answer = next((one for one in session.answers if one.id == answer_id), None)
    ends = [s.end_ms for s in answer.ranges if s.overlap_ms(first.span)] if answer else []
    return bool(ends) and cue.span.start_ms >= max(ends)


def plan_renaming(session: ArchivedSession, answer_id: str, old: str, new: str) -> Edit:
    """A speaker has another name, wherever it stands: in every transcript, and among those who answer.

    Raises:
        NotFound: nobody of that name speaks.
        BadCorrection: no name, or one that is too long.
    """
    name = _clean_name(new)
    cues = [
        (cue_key(transcript.language, cue.id), cue, replace(cue, speaker=name))
        for transcript in session.transcripts
        for cue in transcript.cues
        if cue.speaker == old and old
    ]
    answers = [answer for answer in session.answers if old in answer.answerers and old]
    if not cues and not answers:
        raise NotFound(f"speaker {old!r}: nobody of that name speaks in session {session.id}")
    edit = _edit_cues("rename", answer_id, cues)
    before, after = dict(edit.before), dict(edit.after)
    for answer in answers:
        names = tuple(dict.fromkeys(name if one == old else one for one in answer.answerers))
        one = _edit_answer("rename", answer, replace(answer, answerers=names))
        before |= one.before
        after |= one.after
    return replace(edit, before=before, after=after)


def _require_stretch(answer: Answer, number: int) -> None:
    if not 0 <= number < len(answer.ranges):
        raise NotFound(f"answer {answer.id}: has no stretch {number + 1}")


def _without(ranges: Sequence[Span], number: int) -> tuple[Span, ...]:
    return (*ranges[:number], *ranges[number + 1 :])


def _clean_name(name: str) -> str:
    return _clean(name, max_length=MAX_NAME_LENGTH)


def _clean(text: str, *, max_length: int) -> str:
    try:
        return clean_line(text, max_length=max_length, what="text")
    except BadInput as error:
        raise refuse(Fault.TEXT) from error


def _edit_answer(action: str, before: Answer, after: Answer) -> Edit:
    old, new = _differences(answer_fields(before), answer_fields(after))
    key = f"answer:{before.id}"
    return Edit(action=action, answer_id=before.id, before={key: old}, after={key: new})


def _edit_cues(action: str, answer_id: str, changes: Iterable[tuple[str, Cue, Cue]]) -> Edit:
    before: dict[str, Fields] = {}
    after: dict[str, Fields] = {}
    for key, old_cue, new_cue in changes:
        old, new = _differences(cue_fields(old_cue), cue_fields(new_cue))
        if old != new:
            before[key], after[key] = old, new
    return Edit(action=action, answer_id=answer_id, before=before, after=after)


def _differences(before: Fields, after: Fields) -> tuple[Fields, Fields]:
    changed = [name for name in after if before[name] != after[name]]
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}
