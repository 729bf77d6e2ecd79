"""Pictures of people: files that a host puts into the workspace's ``portraits/``, named like the person.

Owns how a file is found and what is too large to be one. What is no picture is not used by whoever draws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from streamhub.text import slugify

_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
_MAX_BYTES = 10 * 2**20


class Portraits(Mapping[str, bytes]):
    """Pictures by name: ``portraits/anna-berg.jpg`` is Anna Berg.

    Args:
        folder: where they lie; need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, name: str) -> bytes:
        slug = slugify(name)
        for ending in _ENDINGS:
            path = self._folder / f"{slug}{ending}"
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= _MAX_BYTES:
                return path.read_bytes()
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        if self._folder.is_dir():
            yield from sorted(path.stem for path in self._folder.iterdir() if path.suffix in _ENDINGS)

    def __len__(self) -> int:
        return sum(1 for _ in self)
