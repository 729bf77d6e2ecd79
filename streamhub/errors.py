"""The error tree of streamhub, whole, in one file.

Owns every exception that leaves a module. Foreign errors are translated into one of these at the border, with the
cause kept. Class facts say what the outside does with an error: ``exit_code`` for the command line, ``http_status``
for the web, ``transient`` for the engine (worth another try without a person).

Refuses to know who raises and who handles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class StreamhubError(Exception):
    """Base of all errors that streamhub raises on purpose.

    Args:
        message: what happened, on which object, and what was seen.
        hint: what the reader can do about it, one sentence; may be empty.
    """

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    transient: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class BadInput(StreamhubError):
    """What somebody gave us cannot be used as it is."""

    exit_code = 3
    http_status = 400


class BadConfig(BadInput):
    """The settings are wrong; carries every problem found, not only the first."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"{source}: {len(problems)} problem(s) in the settings:{lines}")
        self.problems = tuple(problems)


class BadMedia(BadInput):
    """A media file is empty, broken, or not what it should be."""


class BadCorrection(BadInput):
    """A person wants something of an archived session that cannot be.

    Args:
        message: what cannot be.
        hint: what to do.
        code: a `streamhub.archive.corrections.Fault`, from which a page finds the sentence in the reader's language.
        at_ms: session time that the sentence names; None for none.
        typed: what was typed instead of a time; may be empty.
    """

    def __init__(self, message: str, *, hint: str, code: str, at_ms: int | None = None, typed: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.at_ms = at_ms
        self.typed = typed


class BadCaptions(BadInput):
    """A caption file cannot be read, or its times make no sense."""


class BadArchive(BadInput):
    """A file of the archive is wrong; says file, line (1-based, 0 for the whole file) and reason."""

    def __init__(self, file: str, line: int, reason: str, *, hint: str = "") -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {reason}", hint=hint)
        self.file = file
        self.line = line
        self.reason = reason


class NotFound(StreamhubError):
    """The named thing does not exist here."""

    exit_code = 4
    http_status = 404


class OldLink(NotFound):
    """A personal link that was ours and has been replaced by a new one.

    Args:
        message: which.
        language: that of its person.
    """

    def __init__(self, message: str, *, language: str) -> None:
        super().__init__(message, hint="use the link in the newest mail, or ask the host")
        self.language = language


class Forbidden(StreamhubError):
    """The caller may not do this."""

    exit_code = 5
    http_status = 403


class NotSignedIn(Forbidden):
    """Nobody is signed in, or the link or key is wrong or used up."""

    http_status = 401


class Conflict(StreamhubError):
    """The state of things forbids this now, or two things claim one place."""

    exit_code = 5
    http_status = 409


class WrongState(Conflict):
    """Something is not where it could be done.

    Args:
        message: what is where.
        hint: what to do.
        code: a `streamhub.questions.refusal.Refusal`, from which a page finds the sentence in the reader's language.
        state: where the thing is.
    """

    def __init__(self, message: str, *, hint: str = "", code: str, state: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.state = state


class NoConsent(Conflict):
    """Somebody who speaks in an answer has not agreed that it is published.

    Args:
        message: about which answer.
        hint: what to do.
        names: of those who have not.
    """

    def __init__(self, message: str, *, hint: str = "", names: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.names = tuple(names)


class Overtaken(Conflict):
    """Somebody else changed the thing after the caller looked at it; nothing was overwritten.

    Args:
        message: what was overtaken.
        hint: what to do.
        author: who changed it; empty for the hub itself, or when nobody knows.
        action: what was done, a stable verb such as ``queue``; empty when nobody knows.
        at: when, UTC; None when nobody knows.
        version: the version that the thing has now; 0 when it has none.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        author: str = "",
        action: str = "",
        at: datetime | None = None,
        version: int = 0,
    ) -> None:
        super().__init__(message, hint=hint)
        self.author = author
        self.action = action
        self.at = at
        self.version = version


class NewerWorkspace(Conflict):
    """The workspace was written by a newer streamhub than this one."""


class TooMany(StreamhubError):
    """A limit was reached; try again after ``retry_after_s`` seconds."""

    exit_code = 7
    http_status = 429
    transient = True

    def __init__(self, message: str, *, hint: str = "", retry_after_s: int = 5) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Unavailable(StreamhubError):
    """Something that should answer does not answer at the moment."""

    exit_code = 7
    http_status = 503
    transient = True


class TimedOut(Unavailable):
    """Something took longer than it was given."""


class MailRefused(StreamhubError):
    """A mail will never be taken for this recipient."""

    http_status = 502


class MailDeferred(Unavailable):
    """A mail is not taken for this recipient at the moment; others may be."""


class Environment(StreamhubError):
    """This machine lacks something: a program, a model, a port, disk space, a right."""

    exit_code = 6
    http_status = 503


class ToolMissing(Environment):
    """A program or library that this needs is not installed."""


class ModelMissing(Environment):
    """A recogniser's model is not here and cannot be fetched."""


class DiskFull(Environment):
    """The disk has no room left, or too little to begin."""

    http_status = 507


class PortInUse(Environment):
    """Somebody else listens on the port already."""


class ToolFailed(StreamhubError):
    """A program that we started ended with an error."""

    transient = True


class Cancelled(StreamhubError):
    """A person or a shutdown stopped the job; what was finished stays finished."""

    exit_code = 130
    http_status = 503


class Fault(StrEnum):
    """What kind of failure a live platform's refusal or silence is; decides what is done about it."""

    AUTH = "auth"
    NOT_ALLOWED = "not_allowed"
    QUOTA = "quota"
    RATE = "rate"
    LIMIT = "limit"
    NO_SIGNAL = "no_signal"
    BAD_STATE = "bad_state"
    BAD_INPUT = "bad_input"
    NOT_FOUND = "not_found"
    UNREACHABLE = "unreachable"
    UNKNOWN_OUTCOME = "unknown_outcome"
    BROKEN = "broken"


class PlatformError(StreamhubError):
    """A live platform refused something, did not answer, or is not ours to use.

    Make it with `streamhub.live.problem.make_error`, which finds the words.

    Args:
        message: one sentence for the log, in English.
        hint: what to do, in English.
        fault: what kind of failure it is.
        code: a `streamhub.live.problem.ProblemCode`, from which a page finds the sentence in the host's language.
        details: what the sentence is filled with; never a secret.
        reason: the platform's own word for it; may be empty.
        retry_at: the earliest instant at which another try makes sense, UTC; None when nothing is known.
    """

    http_status = 502

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        fault: Fault,
        code: str,
        details: Mapping[str, str] | None = None,
        reason: str = "",
        retry_at: datetime | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.fault = fault
        self.code = code
        self.details = dict(details or {})
        self.reason = reason
        self.retry_at = retry_at
