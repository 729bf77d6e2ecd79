"""The plan of a site: which files it has, what each is made from, and how to make it. Pure records.

A part knows the digest of everything that goes into it, so that a writer can tell without making it whether it would
come out as last time. Refuses to know disks and pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import msgspec

from streamhub.archive.claims import Claims
from streamhub.errors import BadInput, StreamhubError


@dataclass(frozen=True, slots=True)
class MediaLink:
    """A file that is linked or copied into the site instead of being made.

    Attributes:
        source: the file.
    """

    source: Path


Content = bytes | MediaLink
Present = Callable[[str], bool]
"""Whether the site has a file of this path, as it was left there."""

Files = Mapping[str, Content | None]
"""Path relative to the root of the site, to content; None for a file that is present and stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One or several files that are made together.

    Attributes:
        name: what claims the files, for messages (``answer q7``, ``search index``).
        digest: of everything that goes in.
        make: makes the files; told which are present, it may leave out the content of one whose name tells it.
    """

    name: str
    digest: str
    make: Callable[[Present], Files] = field(repr=False, compare=False)

    def render(self, present: Present = lambda path: False) -> dict[str, Content | None]:
        """Make the files.

        Raises:
            StreamhubError: with the part's name, whatever went wrong.
        """
        try:
            return dict(self.make(present))
        except StreamhubError:
            raise
        except Exception as error:  # the job's boundary: a page that fails is named, never skipped
            raise BadInput(f"{self.name}: cannot be made ({type(error).__name__}: {error})") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class SitePlan:
    """All parts of a site.

    Attributes:
        parts: made one after the other while they are asked for, those of a session together; asked for once. The
            order does not matter to the result.
        answers: how many there are in the archive, drafts included.
        missing_media: recordings that the archive names and that are not there.
        advice: what the owner still has to say for pages that are missing, a line each.
    """

    parts: Iterable[Part]
    answers: int = 0
    missing_media: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def render(self) -> dict[str, Content]:
        """Make every file.

        Raises:
            Conflict: two parts claim one path.
            StreamhubError: a part cannot be made; says which.
        """
        claims = Claims()
        files: dict[str, Content] = {}
        for part in self.parts:
            made = part.render()
            claims.add(part.name, made)
            files.update((path, content) for path, content in made.items() if content is not None)
        return files


def digest_of(*values: object) -> str:
    """A digest of records, texts and bytes; equal values give equal digests, run after run."""
    state = blake2b(digest_size=16)
    for value in values:
        state.update(value if isinstance(value, bytes) else msgspec.json.encode(value, order="deterministic"))
        state.update(b"\x00")
    return state.hexdigest()
