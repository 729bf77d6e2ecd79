"""The published answers of the archive, kept in memory and read again where files changed.

Owns looking at the archive's folder. A session whose files cannot be read counts as having no answers until they can,
lest something is shown that was withdrawn; the build says by name what is wrong with them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.folder import load_session
from streamhub.archive.format import ANSWERS_FOLDER, SESSION_FILE
from streamhub.archive.masking import mask_archived
from streamhub.errors import StreamhubError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A published answer.

    Attributes:
        answer: as it stands in the archive.
        session_title: of its session.
        at: when that session began, UTC.
    """

    answer: Answer
    session_title: str
    at: datetime

    @property
    def duration_ms(self) -> int | None:
        """How long it is; None for an answer in writing only."""
        ranges = self.answer.ranges
        return sum(span.end_ms - span.start_ms for span in ranges) if ranges else None


class AnsweredFolder:
    """One archive's folder.

    Args:
        root: the folder; need not exist.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[tuple[str, str], tuple[int, tuple[Answered, ...]]] = {}
        self._began = False

    def look(self) -> Mapping[str, Answered] | None:
        """All published answers by id; None when nothing changed since the last look."""
        there = dict(self._sessions())
        changed = [key for key, stamp in there.items() if key not in self._known or self._known[key][0] != stamp]
        gone = self._known.keys() - there.keys()
        if self._began and not changed and not gone:
            return None
        self._began = True
        for key in gone:
            del self._known[key]
        for key in changed:
            self._known[key] = (there[key], self._read(*key))
        return {one.answer.id: one for _, answers in self._known.values() for one in answers}

    def _sessions(self) -> Iterator[tuple[tuple[str, str], int]]:
        """Each session with a number that changes whenever one of its files does."""
        for show in _folders(self._root):
            for session in _folders(show):
                stamps = [_stamp(session / SESSION_FILE), _stamp(session / ANSWERS_FOLDER), _stamp(session)]
                yield (show.name, session.name), hash(tuple(stamps))

    def _read(self, show_id: str, session_id: str) -> tuple[Answered, ...]:
        try:
            session = mask_archived(load_session(self._root, show_id, session_id))
        except StreamhubError as error:
            LOG.warning("answered.unreadable session_id=%s error=%s", session_id, type(error).__name__)
            return ()
        return tuple(
            Answered(answer=answer, session_title=session.title, at=session.starts_at)
            for answer in session.answers
            if answer.state is AnswerState.PUBLISHED
        )


def _folders(path: Path) -> list[Path]:
    try:
        return [one for one in sorted(path.iterdir()) if one.is_dir() and not one.name.startswith(".")]
    except OSError:  # not there yet, or taken away meanwhile
        return []


def _stamp(path: Path) -> tuple[int, int]:
    """When a file or a folder's list of files changed; our own writes replace files, which changes the folder."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    newest = max((one.stat().st_mtime_ns for one in path.iterdir()), default=0) if path.name == ANSWERS_FOLDER else 0
    return found.st_mtime_ns, newest
