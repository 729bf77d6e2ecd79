"""The role of a fetcher: brings the recording of an ended broadcast from the platform that keeps it.

An operator's choice, off by default; the file lands in the inbox folder, so that one way leads from there on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from streamhub.recording.media import Progress


class Fetcher(Protocol):
    """Fetches one recording at a time; begun again, it goes on where it stopped."""

    async def fetch(self, url: str, folder: Path, *, expected_ms: int, progress: Progress) -> Path:
        """Fetch the video of a watch address into a folder, under a name with the platform's id of it.

        Raises:
            PlatformError: it is not ready, or refused; ``retry_at`` says when another try makes sense.
            StreamhubError: it did not work.
        """
