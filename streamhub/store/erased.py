"""The list of erased questions: a file of ids beside the database, which no older database takes back.

Whatever is put in the database's place, by a restore or by hand, holds questions again that were erased since. The list
says which; it holds ids and no word, and only grows. Refuses to know how a question is erased.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path

from streamhub.config import SETTINGS_FILE
from streamhub.errors import BadInput, NotFound
from streamhub.store.backup_format import private_opener

ERASED_FILE = "erased.txt"
_MAX_LIST_BYTES = 16 * 2**20
_ID = re.compile(r"[0-9A-Za-z_-]{1,80}")


def erased_file(database: Path) -> Path:
    """The list that belongs to a database."""
    return database.with_name(ERASED_FILE)


def parse_erased(text: str) -> tuple[str, ...]:
    """The ids of a list, each once; whatever else somebody wrote there is passed over."""
    return tuple(dict.fromkeys(line for line in map(str.strip, text.splitlines()) if _ID.fullmatch(line)))


def load_erased(path: Path) -> tuple[str, ...]:
    """The ids of a list; none where there is no list yet.

    Raises:
        OSError: it cannot be read.
    """
    return parse_erased(path.read_text("utf-8", "replace")) if path.exists() else ()


def save_erased(path: Path, ids: Iterable[str]) -> None:
    """Add what is missing to a list, so that it lasts on the disk.

    Raises:
        OSError: it cannot be written.
    """
    known = set(load_erased(path))
    fresh = [one for one in dict.fromkeys(ids) if one not in known]
    if not fresh:
        return
    with open(path, "a", encoding="utf-8", opener=private_opener) as file:
        file.write("".join(f"{one}\n" for one in fresh))
        file.flush()
        os.fsync(file.fileno())


def find_erased(place: Path) -> tuple[str, ...]:
    """The ids that a workspace, a backup or a list itself knows as erased.

    Raises:
        NotFound: there is no such place, or it is none of these.
        BadInput: it cannot be read.
    """
    try:
        if place.is_dir() and (place / SETTINGS_FILE).is_file():
            return load_erased(place / ERASED_FILE)
        if place.is_file() and tarfile.is_tarfile(place):
            return _find_in_backup(place)
        if place.is_file():
            return load_erased(place)
    except (OSError, tarfile.TarError) as error:
        raise BadInput(f"{place}: cannot be read ({type(error).__name__})", hint="name another place") from error
    raise NotFound(f"{place}: no workspace, backup or list of erased questions", hint=f"such as hub/{ERASED_FILE}")


def _find_in_backup(archive: Path) -> tuple[str, ...]:
    with tarfile.open(archive, mode="r:") as tar:
        members = (member for member in tar if member.name == ERASED_FILE and member.isreg())
        stream = next((tar.extractfile(member) for member in members), None)
        return parse_erased(stream.read(_MAX_LIST_BYTES).decode("utf-8", "replace")) if stream else ()
