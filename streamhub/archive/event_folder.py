"""The events of an archive as files: ``events/<id>.md`` beside the folders of the shows.

Like sessions' files they are written whole or not at all, and what a person changed in them stays.
"""

from __future__ import annotations

from pathlib import Path

from streamhub.archive.edits import decide_text, digest_keys
from streamhub.archive.event import EVENTS_FOLDER, ArchivedEvent, event_name, parse_event, render_event
from streamhub.archive.folder import WRITTEN_FILE, read_text, read_written, render_written, write_atomically
from streamhub.errors import BadArchive

_NO_EVENTS = frozenset({"README.md"})


def load_events(root: Path) -> tuple[ArchivedEvent, ...]:
    """Every event of an archive, by id; none where there is no folder of them.

    Raises:
        BadArchive: a file is wrong, with line and reason, or a link.
    """
    folder = root / EVENTS_FOLDER
    if folder.is_symlink():
        raise BadArchive(EVENTS_FOLDER, 0, "is a symbolic link", hint="put the folder itself there")
    if not folder.is_dir():
        return ()
    files = (path for path in sorted(folder.glob("*.md")) if not path.name.startswith(".") and not path.is_dir())
    return tuple(_load(path) for path in files if path.name not in _NO_EVENTS)


def _load(path: Path) -> ArchivedEvent:
    shown = f"{EVENTS_FOLDER}/{path.name}"
    if path.is_symlink():
        raise BadArchive(shown, 0, "is a symbolic link", hint="put the file itself there")
    return parse_event(read_text(path, shown), shown)


def save_event(root: Path, event: ArchivedEvent) -> bool:
    """Write an event, but what a person changed in its file; says whether the file is another one now.

    Raises:
        BadArchive: a file that is there cannot be read; nothing was written.
        BadInput: its id cannot stand in a path.
    """
    folder, name = root / EVENTS_FOLDER, event_name(event.id)
    path, new = folder / name, render_event(event)
    if folder.is_symlink() or path.is_symlink():
        raise BadArchive(f"{EVENTS_FOLDER}/{name}", 0, "is a symbolic link", hint="put the file itself there")
    written = read_written(folder)
    old = read_text(path, f"{EVENTS_FOLDER}/{name}") if path.is_file() else None
    text = new if old is None else decide_text(name, old, new, written.get(name, {}), new_wins=False)
    parse_event(text, f"{EVENTS_FOLDER}/{name}")
    digests = {**written, name: digest_keys(name, new)}
    if text != old:
        write_atomically(path, text.encode("utf-8"))
    if digests != written:
        write_atomically(folder / WRITTEN_FILE, render_written(digests))
    return text != old
