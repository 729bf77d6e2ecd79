"""Coming sessions as the archive knows them: the file ``coming.json`` beside the folders of the shows.

A running hub keeps it; without one a person can. The site tells of what stands there and of nothing else, so that two
builds of one archive stay the same, whatever the clock says. Owns the file and its rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from streamhub.archive.folder import write_atomically
from streamhub.errors import BadArchive, BadInput
from streamhub.text import require_language, require_slug
from streamhub.timecode import require_utc, require_zone

COMING_FILE = "coming.json"
_LONGEST_MINUTES = 24 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class ComingSession:
    """A session that is planned or runs.

    Attributes:
        id: of the session, which the archive will know it by.
        show_id, show_title: its show.
        title: as shown.
        text: what it is about; may be empty.
        starts_at: planned start, UTC.
        minutes: planned length.
        zone: IANA name of the host's zone.
        language: ``de`` or ``en``.
        url: the page on which people ask and watch.
        live: whether it runs.
        event_title, event_url: of the event that it belongs to and its page; empty: of none.
    """

    id: str
    show_id: str
    show_title: str
    title: str
    starts_at: datetime
    minutes: int
    zone: str
    language: str
    url: str
    text: str = ""
    live: bool = False
    event_title: str = ""
    event_url: str = ""

    def __post_init__(self) -> None:
        require_slug(self.id, what="session id")
        require_slug(self.show_id, what="show id")
        require_language(self.language, what=f"session {self.id}")
        require_utc(self.starts_at)
        require_zone(self.zone, what=f"session {self.id}")
        if not self.title.strip() or not self.show_title.strip():
            raise BadInput(f"session {self.id}: empty title", hint="give session and show a title")
        if not 1 <= self.minutes <= _LONGEST_MINUTES:
            raise BadInput(f"session {self.id}: {self.minutes} minutes", hint="write 1 to 1440")
        for address in (self.url, self.event_url) if self.event_url else (self.url,):
            if urlsplit(address).scheme not in {"http", "https"}:
                raise BadInput(f"session {self.id}: {address!r} is no web address", hint="write it with https://")


def load_coming(root: Path) -> tuple[ComingSession, ...]:
    """The sessions of the file, the next first; none where there is no file.

    Raises:
        BadArchive: the file is wrong, with the reason.
    """
    file = root / COMING_FILE
    if file.is_symlink():
        raise BadArchive(COMING_FILE, 0, "is a symbolic link", hint="put the file itself there")
    try:
        found = msgspec.json.decode(file.read_bytes(), type=list[ComingSession])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError, BadInput, ValueError) as error:
        raise BadArchive(COMING_FILE, 0, str(error), hint="mend it, or delete it: a hub writes it anew") from error
    ids = [session.id for session in found]
    if len(set(ids)) != len(ids):
        raise BadArchive(COMING_FILE, 0, "names a session twice", hint="remove one of the two")
    return _in_order(found)


def save_coming(root: Path, sessions: Iterable[ComingSession]) -> bool:
    """Keep the sessions; says whether the file has changed."""
    content = msgspec.json.format(msgspec.json.encode(list(_in_order(sessions))), indent=2) + b"\n"
    file = root / COMING_FILE
    before = file.read_bytes() if file.is_file() else b"[]\n"
    if content == before:
        return False
    write_atomically(file, content)
    return True


def _in_order(sessions: Iterable[ComingSession]) -> tuple[ComingSession, ...]:
    return tuple(sorted(sessions, key=lambda session: (session.starts_at, session.id)))
