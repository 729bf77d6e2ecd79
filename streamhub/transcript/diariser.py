"""The role of a diariser: sound in, who speaks when out, by numbers that say nothing of who that is.

Brands run in a child process, so that the hub never blocks, memory comes back, and a job can be cancelled or stopped by
its time limit. What they make of voices to compare them stays in that process and ends with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from streamhub.transcript.speakers import VoiceTurn


class Diariser(Protocol):
    """Tells voices apart."""

    @property
    def name(self) -> str:
        """Brand and models for the reader."""

    async def version(self) -> str:
        """What decides how it tells voices apart, as a few letters that fit into a file's name.

        Raises:
            ToolMissing: it is not installed.
            ModelMissing: its models are not here.
        """

    async def tell_apart(self, media: Path, duration_ms: int) -> Sequence[VoiceTurn]:
        """Who speaks when in the first sound track of a file; voices are numbered by when they are first heard.

        Cancelling the task stops its process. Memory does not grow with the length of the file.

        Args:
            media: the file.
            duration_ms: its length.

        Raises:
            ToolMissing: it is not installed.
            ModelMissing: its models are not here, or damaged.
            BadMedia: the file has no sound, or cannot be read.
            TimedOut: the time limit was reached.
            ToolFailed: its process died.
        """
