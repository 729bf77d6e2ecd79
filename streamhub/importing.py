"""Import of a session that took place elsewhere: what a person gives, checked, as records.

Owns the reading of the questions' and marks' CSV files, with every bad line reported in one go. What happens with them
is the pipeline's.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from streamhub.errors import BadInput, StreamhubError
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.questions.question import MAX_NAME_LENGTH, MAX_QUESTION_LENGTH, Asker, Question, QuestionState, Shown
from streamhub.schedule.show import ON_AIR, Participant, Role
from streamhub.text import clean_line, clean_text, require_slug
from streamhub.timecode import add_ms, parse_instant, parse_ms

CAPTION_ENDINGS = frozenset({".vtt", ".srt", ".json"})
_MAX_CSV_BYTES = 20 * 2**20
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRequest:
    """What a person gives to `streamhub import`; texts as typed, empty where nothing was given."""

    file: Path
    show: str
    title: str = ""
    start: str = ""
    language: str = ""
    captions: Path | None = None
    questions: Path | None = None
    marks: Path | None = None
    people: tuple[str, ...] = ()
    publish: bool = False

    def to_json(self) -> dict[str, Any]:
        """For the way to a running hub; files as absolute paths."""
        given = dataclasses.asdict(self)
        return {key: str(value.resolve()) if isinstance(value, Path) else value for key, value in given.items()}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> ImportRequest:
        """What `to_json` wrote."""
        files = {key: Path(given[key]) if given[key] else None for key in ("captions", "questions", "marks")}
        return cls(**{**given, **files, "file": Path(given["file"]), "people": tuple(given["people"])})

    @property
    def is_captions(self) -> bool:
        """Whether the file itself is text, so that there is no recording."""
        return self.file.suffix.lower() in CAPTION_ENDINGS

    @property
    def media_file(self) -> Path | None:
        """The recording, absolute; None for captions alone."""
        return None if self.is_captions else self.file.resolve()

    @property
    def caption_file(self) -> Path | None:
        """The captions, absolute; None when the recogniser is to hear the words."""
        given = self.file if self.is_captions else self.captions
        return given.resolve() if given else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportProgress:
    """How far an import is.

    Attributes:
        state: of the work.
        step: what is being done.
        done, total: how much of it, in the step's own unit; 0 when unknown.
        message: why it is held or failed; empty otherwise.
    """

    state: str
    step: str = ""
    done: int = 0
    total: int = 0
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the way to a command."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> ImportProgress:
        """What `to_json` wrote; more than that is left alone."""
        return cls(**{item.name: given[item.name] for item in dataclasses.fields(cls)})

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in {"done", "failed", "cancelled", "held"}


def require_files(request: ImportRequest) -> None:
    """Check that every named file is there and not empty.

    Raises:
        BadInput: one is not.
    """
    for path in (request.file, request.captions, request.questions, request.marks):
        if path is None:
            continue
        if not path.is_file():
            raise BadInput(f"{path}: no such file", hint="check the name")
        if path.stat().st_size == 0:
            raise BadInput(f"{path}: is empty (0 bytes)", hint="copy it again from where it came from")


def parse_person(text: str) -> Participant:
    """Read ``Name``, ``Name, role`` or ``Name, role, about`` as a participant.

    Raises:
        BadInput: no name, or an unknown role.
    """
    name, _, rest = text.partition(",")
    role, _, about = rest.partition(",")
    try:
        kind = Role(role.strip().lower().replace("-", "_") or "expert")
    except ValueError as error:
        raise BadInput(f"person {text!r}: role {role.strip()!r}", hint=f"use one of {', '.join(ON_AIR)}") from error
    return Participant(name=clean_line(name, max_length=MAX_NAME_LENGTH, what="person"), role=kind, about=about.strip())


def read_questions(
    path: Path, *, session_id: str, language: str, asked_at: datetime, new_id: Callable[[], str]
) -> list[Question]:
    """Read a CSV of questions; columns: question (or text), and if wanted id, asker, place, votes, topics, products.

    They count as asked one millisecond after the other, so that the order of the file lasts.

    Raises:
        BadInput: with every bad line.
    """
    text = _read_text(path)
    return parse_questions(
        text, name=str(path), session_id=session_id, language=language, asked_at=asked_at, new_id=new_id
    )


def parse_questions(
    text: str,
    *,
    name: str,
    session_id: str,
    language: str,
    asked_at: datetime,
    new_id: Callable[[], str],
) -> list[Question]:
    """Questions from the text of a CSV, as `read_questions` reads them; what begins like a formula is text.

    Args:
        text: of the CSV.
        name: what to call it in messages.
        session_id: of the questions.
        language: of those that name none.
        asked_at: of the first; they count as asked one millisecond after the other.
        new_id: draws ids for those that bring none.

    Raises:
        BadInput: with every bad line.
    """

    def read(row: Mapping[str, str]) -> Question:
        given = row.get("asker", "")
        asker = clean_line(given, max_length=MAX_NAME_LENGTH, what="asker") if given else ""
        return Question(
            id=require_slug(row["id"], what="question id") if row.get("id") else new_id(),
            session_id=session_id,
            text=clean_text(
                row.get("question") or row.get("text", ""), max_length=MAX_QUESTION_LENGTH, what="question"
            ),
            asker=Asker(name=asker, shown=Shown.NAME if asker else Shown.ANONYMOUS, place=_place(row.get("place", ""))),
            language=row.get("language") or language,
            state=QuestionState.ANSWERED_LIVE,
            source="csv",
            asked_at=asked_at,
            votes=_whole(row.get("votes", ""), what="votes"),
            topics=_list(row.get("topics", "")),
            products=_list(row.get("products", "")),
        )

    rows = _parse_csv(text, name, read, needs=({"question", "text"},))
    questions = [replace(question, asked_at=add_ms(asked_at, n)) for n, question in enumerate(rows)]
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise BadInput(
                f"{name}: id {question.id!r} stands on two lines", hint="give every question an id of its own"
            )
        seen.add(question.id)
    return questions


def read_marks(path: Path, *, session_id: str, started_at: datetime, questions: Sequence[Question]) -> list[Mark]:
    """Read a CSV of marks; columns: question (its id, its number in the list, or its text), start, and if wanted end.

    Times are ``MM:SS`` after the start of the recording, or instants with a zone.

    Raises:
        BadInput: with every bad line.
    """
    names = {**{str(n): q.id for n, q in enumerate(questions, 1)}, **{q.text: q.id for q in questions}}
    names |= {q.id: q.id for q in questions}

    def instant(text: str) -> datetime:
        return parse_instant(text) if "T" in text else add_ms(started_at, parse_ms(text))

    def read(row: Mapping[str, str]) -> list[Mark]:
        question_id = names.get(row["question"])
        if question_id is None:
            raise BadInput(f"question {row['question']!r} is not among the questions")
        start = instant(row["start"])
        if start < started_at - timedelta(days=1):
            raise BadInput(f"start {row['start']!r} lies before the session")
        marks = [_mark(session_id, question_id, MarkKind.ON_AIR, start)]
        if row.get("end"):
            end = instant(row["end"])
            if end <= start:
                raise BadInput(f"end {row['end']!r} is not after start {row['start']!r}")
            marks.append(_mark(session_id, question_id, MarkKind.DONE, end))
        return marks

    return [mark for row in _read_csv(path, read, needs=({"question"}, {"start"})) for mark in row]


def _mark(session_id: str, question_id: str, kind: MarkKind, at: datetime) -> Mark:
    return Mark(
        session_id=session_id, question_id=question_id, kind=kind, at=at, witness=Witness.IMPORT, author="import"
    )


def _place(text: str) -> str:
    return clean_line(text, max_length=MAX_NAME_LENGTH, what="place") if text else ""


def _read_csv(path: Path, read: Callable[[Mapping[str, str]], T], *, needs: Iterable[set[str]]) -> list[T]:
    return _parse_csv(_read_text(path), str(path), read, needs=needs)


def _parse_csv(text: str, name: str, read: Callable[[Mapping[str, str]], T], *, needs: Iterable[set[str]]) -> list[T]:
    rows = csv.DictReader(io.StringIO(text, newline=""), dialect=_dialect(text))
    columns = {(name or "").strip().lower() for name in rows.fieldnames or ()}
    for names in needs:
        if not names & columns:
            seen = ", ".join(sorted(columns)) or "none"
            raise BadInput(
                f"{name}:1: no column {' or '.join(sorted(names))}; there are: {seen}",
                hint="name the columns in the first line",
            )
    results: list[T] = []
    problems: list[str] = []
    for row in rows:
        fields = {
            (key or "").strip().lower(): (value or "").strip()
            for key, value in row.items()
            if isinstance(value, str | None)
        }
        if not any(fields.values()):
            continue
        try:
            results.append(read(fields))
        except StreamhubError as error:
            problems.append(f"line {rows.line_num}: {error}")
    if problems:
        raise BadInput(f"{name}: {len(problems)} bad line(s)" + "".join(f"\n  - {problem}" for problem in problems))
    return results


def _read_text(path: Path) -> str:
    raw = path.read_bytes()
    if len(raw) > _MAX_CSV_BYTES:
        raise BadInput(f"{path}: {len(raw)} bytes, too large for a CSV of questions or marks")
    if b"\0" in raw:
        raise BadInput(f"{path}: not a text file", hint="save it as CSV, UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")  # what German spreadsheets write by default


def _dialect(text: str) -> type[csv.Dialect]:
    first = text.split("\n", 1)[0]

    class Dialect(csv.excel):
        delimiter = max((";", "\t", ","), key=first.count)

    return Dialect


def _whole(text: str, *, what: str) -> int:
    if not text:
        return 0
    if not text.isdecimal():
        raise BadInput(f"{what} {text!r}: not a whole number")
    return int(text)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("|", ";").split(";") if part.strip())
