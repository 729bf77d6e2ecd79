"""The folder of a model: which files belong in it, and whether all of them are there.

Apart from their fetching: a recogniser reads folders and fetches nothing, so it need not load what fetching takes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "fetched.json"
"""Beside the files of a fetched model: where they came from, and their sizes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileList:
    """The files of a model.

    Attributes:
        required: all must be there.
        one_of: at least one must be there.
        optional: taken if there.
        single: the address is that of the one required file itself.
    """

    required: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    single: bool = False


def is_complete(folder: Path) -> bool:
    """Whether a fetched model is whole: every file that was fetched is there in its size."""
    try:
        sizes = json.loads((folder / MANIFEST).read_text("utf-8"))["sizes"]
        return bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, AttributeError):
        return False
