"""The roles that the web face asks for: broadcasting, work, answers and the workshop.

The composition root hands in something that fulfils each; the web face knows nothing of platforms, engines or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from streamhub.answers.answer import Answer
from streamhub.live.platform import Ingest, Signal
from streamhub.transcript.recognised import TranscriptionTask
from streamhub.transcript.transcript import Transcript


class Broadcasting(Protocol):
    """Takes a session on air and off again.

    `go_live` and `end` own the session's step to ``live`` and to ``ended`` in the store, because the instants taken
    there are zero and end of the session clock; the web face steps a session to every other state itself.
    """

    async def go_live(self, session_id: str) -> None:
        """Show it to the public; when this returns, the session is live. Already live is a success."""

    async def end(self, session_id: str) -> None:
        """End it for good and begin to finish it; when this returns, the session is live no more."""

    async def ingest(self, session_id: str) -> Ingest:
        """Where the encoder pushes to; the key is secret."""

    async def signal(self, session_id: str) -> Signal:
        """What arrives from the encoder right now."""

    def hls_folder(self, session_id: str) -> Path | None:
        """The folder with ``index.m3u8`` and its segments; None while there is none."""


class WorkStep(Protocol):
    """One named step of a piece of work."""

    @property
    def name(self) -> str:
        """The step's name."""

    @property
    def state(self) -> str:
        """Such as ``running``, ``held``, ``done``, ``failed``."""

    @property
    def attempts(self) -> int:
        """How often it was tried."""

    @property
    def message(self) -> str:
        """What went wrong last; may be empty."""

    @property
    def started_at(self) -> datetime | None:
        """Begin of the first attempt."""

    @property
    def ended_at(self) -> datetime | None:
        """End of the last attempt; None while it runs."""


class WorkStatus(Protocol):
    """One durable piece of work."""

    @property
    def workflow_id(self) -> str:
        """Its id."""

    @property
    def kind(self) -> str:
        """What kind of work."""

    @property
    def key(self) -> str:
        """What it is about; a session's id for a session's work."""

    @property
    def state(self) -> str:
        """``queued``, ``running``, ``held``, ``done``, ``failed`` or ``cancelled``."""

    @property
    def steps(self) -> Sequence[WorkStep]:
        """Its steps in order."""


class Work(Protocol):
    """The durable work behind the pages."""

    async def status(self, *, about: str = "") -> Sequence[WorkStatus]:
        """The newest pieces of work; or those about a session, whose key is its id, alone or before a colon."""

    async def decide(self, workflow_id: str, step: str, decision: str) -> None:
        """Decide about a held step: ``retry``, ``skip`` or ``give_up``.

        Raises:
            NotFound: no such work.
            Conflict: the step is not held.
        """


class Answers(Protocol):
    """The answers of a session, drafts included; what is decided here reaches the pages by itself."""

    async def list(self, session_id: str) -> Sequence[Answer]:
        """All answers of a session in order of their time; empty before they were cut."""

    async def publish(self, session_id: str, answer_id: str, *, author: str) -> None:
        """Make an answer public; already public is a success.

        Raises:
            NotFound: no such answer.
        """

    async def publish_drafts(self, session_id: str, answer_ids: Sequence[str], *, author: str) -> Sequence[str]:
        """Make those of these answers public that are drafts at that moment, all at once; returns their ids."""

    async def withdraw(self, session_id: str, answer_id: str, *, author: str) -> None:
        """Take an answer out of the public; already out is a success.

        Raises:
            NotFound: no such answer.
        """

    async def show_session(self, session_id: str, *, public: bool, author: str) -> None:
        """Make the session's own page public, or take it back into review.

        Raises:
            Conflict: the session cannot be shown from where it is.
        """

    def page(self, answer: Answer) -> str:
        """Path of the answer's page within the archive site, without a leading slash."""


class Workshop(Protocol):
    """Where workers on other machines get recordings and bring words."""

    @property
    def recogniser(self) -> str:
        """Engine and model that the hub wants."""

    async def plan_transcription(self, session_id: str) -> TranscriptionTask:
        """What is to be transcribed for a session.

        Raises:
            NotFound: no such session, or it has no recording.
        """

    async def take_transcript(self, task: TranscriptionTask, transcript: Transcript) -> None:
        """Keep what was heard; taking it again changes nothing."""
