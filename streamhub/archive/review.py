"""Review: what a person corrects in an archived session, as values that can be looked at, made and taken back. Pure.

An edit says what stood there before and what stands there after, piece by piece: fields of an answer, fields of a cue.
Making it, undoing it and finding out whether somebody changed the same since are one function each. Refuses to know
disks, pages and who edits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from streamhub.answers.answer import Answer
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.wordtimes import list_word
from streamhub.errors import NotFound
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, Transcript, Word

UNSURE_BELOW = 0.5
"""Confidence below which somebody should look at an answer."""
BY_HAND = "corrected by hand"
"""Stands after the name of what made a transcript, once a person corrected something in it."""

Json = Any
Fields = Mapping[str, Json]
Patch = Mapping[str, Fields | None]
"""Piece of a session (``answer:<id>``, ``cue:<language>:<id>``) to fields of it; None: there is no such piece."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """One correction.

    Attributes:
        action: what kind, a stable word: ``edges``, ``split``, ``remove``, ``give``, ``accept``, ``answerers``,
            ``addendum``, ``words``, ``speaker``, ``rename`` or ``undo``.
        answer_id: the answer that it is about.
        before, after: the pieces that change, with the fields that change.
    """

    action: str
    answer_id: str
    before: Patch
    after: Patch

    @property
    def answer_ids(self) -> tuple[str, ...]:
        """The answers that it changes."""
        return tuple(key.removeprefix("answer:") for key in self.after if key.startswith("answer:"))

    @property
    def changes(self) -> bool:
        """Whether anything is different afterwards."""
        return self.before != self.after


def is_unsure(answer: Answer) -> bool:
    """Whether somebody should look: the machine does not know where it is, or is not sure."""
    return not (answer.ranges or answer.body.strip()) or answer.confidence < UNSURE_BELOW


def find_answer(session: ArchivedSession, answer_id: str) -> Answer:
    """The answer of that id.

    Raises:
        NotFound: the session has none.
    """
    found = next((answer for answer in session.answers if answer.id == answer_id), None)
    if found is None:
        raise NotFound(f"answer {answer_id}: there is no such answer in session {session.id}")
    return found


def find_cue(session: ArchivedSession, language: str, cue_id: str) -> Cue:
    """The cue of that id.

    Raises:
        NotFound: the transcript has none, or there is no such transcript.
    """
    for transcript in session.transcripts:
        for cue in transcript.cues if transcript.language == language else ():
            if cue.id == cue_id:
                return cue
    raise NotFound(f"cue {cue_id}: there is no such cue in the transcript of session {session.id}")


def plan_undo(edit: Edit) -> Edit:
    """The edit that takes another one back."""
    return replace(edit, action="undo", before=edit.after, after=edit.before)


def apply_patch(session: ArchivedSession, patch: Patch) -> ArchivedSession:
    """The session with these fields; pieces that are None go, pieces that are not there come back where they belong."""
    answers = tuple(_patch_answer(answer, patch.get(f"answer:{answer.id}")) for answer in session.answers)
    transcripts = tuple(_patch_transcript(transcript, patch) for transcript in session.transcripts)
    return replace(session, answers=answers, transcripts=transcripts)


def find_clash(session: ArchivedSession, expected: Patch) -> str:
    """The first piece that is not as expected any more; empty when all are."""
    pieces = _pieces(session, expected)
    for key, fields in expected.items():
        there = pieces.get(key)
        if (fields is None) != (there is None):
            return key
        if fields is not None and there is not None and any(there.get(name) != fields[name] for name in fields):
            return key
    return ""


def _pieces(session: ArchivedSession, wanted: Iterable[str]) -> dict[str, Fields]:
    keys = set(wanted)
    answers = {f"answer:{a.id}": answer_fields(a) for a in session.answers if f"answer:{a.id}" in keys}
    cues = {
        key: cue_fields(cue)
        for transcript in session.transcripts
        for cue in transcript.cues
        if (key := cue_key(transcript.language, cue.id)) in keys
    }
    return {**answers, **cues}


def _patch_answer(answer: Answer, fields: Fields | None) -> Answer:
    if not fields:
        return answer
    readers: Mapping[str, Callable[[Json], Json]] = {
        "ranges": lambda pairs: tuple(Span(*pair) for pair in pairs),
        "answerers": tuple,
        "confidence": float,
        "body": str,
    }
    return replace(answer, **{name: readers[name](value) for name, value in fields.items()})


def _patch_transcript(transcript: Transcript, patch: Patch) -> Transcript:
    prefix = cue_key(transcript.language, "")
    mine = {key.removeprefix(prefix): fields for key, fields in patch.items() if key.startswith(prefix)}
    if not mine:
        return transcript
    cues = [
        _patch_cue(cue, mine[cue.id] or {}) if cue.id in mine else cue
        for cue in transcript.cues
        if mine.get(cue.id, {}) is not None
    ]
    there = {cue.id for cue in transcript.cues}
    empty = {id_: Cue(id=id_, span=Span(0, 0), text="") for id_, fields in mine.items() if fields and id_ not in there}
    cues += [_patch_cue(cue, mine[id_] or {}) for id_, cue in empty.items()]
    made_with = transcript.made_with
    if BY_HAND not in made_with:
        made_with = f"{made_with}, {BY_HAND}" if made_with else BY_HAND
    ordered = sorted(cues, key=lambda cue: cue.span.start_ms) if empty else cues
    return replace(transcript, cues=tuple(ordered), made_with=made_with)


def _patch_cue(cue: Cue, fields: Fields) -> Cue:
    readers: Mapping[str, Callable[[Json], Json]] = {
        "span": lambda pair: Span(*pair),
        "text": str,
        "speaker": str,
        "language": str,
        "words": lambda words: tuple(
            Word(text, Span(start, end), chance, *heard) for text, start, end, chance, *heard in words
        ),
    }
    return replace(cue, **{name: readers[name](value) for name, value in fields.items()})


def answer_fields(answer: Answer) -> Fields:
    """What of an answer can be corrected."""
    return {
        "ranges": [[span.start_ms, span.end_ms] for span in answer.ranges],
        "answerers": list(answer.answerers),
        "confidence": answer.confidence,
        "body": answer.body,
    }


def cue_fields(cue: Cue) -> Fields:
    """What of a cue can be corrected."""
    return {
        "span": [cue.span.start_ms, cue.span.end_ms],
        "text": cue.text,
        "speaker": cue.speaker,
        "words": [list_word(word) for word in cue.words],
        "language": cue.language,
    }


def cue_key(language: str, cue_id: str) -> str:
    """Name of a cue in a patch."""
    return f"cue:{language}:{cue_id}"
