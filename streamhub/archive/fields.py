"""Fields: typed reading of a sheet's values, with an error that names file, line and key.

Owns what a missing, misspelt or wrongly typed value is told. Refuses to know what the fields mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from streamhub.archive.sheet import Plain, Sheet
from streamhub.errors import BadArchive, BadInput

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Fields:
    """One mapping of a sheet: its top, or one inside a list.

    Args:
        sheet: where it stands.
        values: the mapping.
        path: how to get there, for messages; empty at the top.
    """

    def __init__(self, sheet: Sheet, values: Mapping[str, Plain], path: str = "") -> None:
        self.sheet = sheet
        self._values = values
        self._path = path

    def bad(self, key: str, reason: str, *, hint: str = "") -> BadArchive:
        """The error that names file, line and key."""
        return self.sheet.bad(f"{self._path}.{key}" if self._path else key, f"{key}: {reason}", hint=hint)

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without a default it has to be there."""
        value = self._values.get(key, "" if default is None else default)
        if not isinstance(value, str):
            raise self.bad(key, "should be a text, is a list or mapping")
        if default is None and not value.strip():
            raise self.bad(key, "is missing or empty", hint=f"add a line `{key}: ...`")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty when it is not there."""
        return tuple(self._item(key, number, item) for number, item in enumerate(self._list(key)))

    def children(self, key: str) -> tuple[Fields, ...]:
        """A list of mappings; empty when it is not there."""
        path = f"{self._path}.{key}" if self._path else key
        found = []
        for number, item in enumerate(self._list(key)):
            if not isinstance(item, dict):
                raise self.bad(f"{key}.{number}", "should be a mapping of keys")
            found.append(Fields(self.sheet, item, f"{path}.{number}"))
        return tuple(found)

    def parsed(self, key: str, parse: Callable[[str], T], default: str | None = None) -> T:
        """A text read by a function that raises `BadInput` or `ValueError`."""
        text = self.text(key, default)
        try:
            return parse(text)
        except (BadInput, ValueError) as error:
            raise self.bad(key, str(error) or f"{text!r} cannot be read") from error

    def truth(self, key: str, *, default: bool) -> bool:
        """``true`` or ``false``."""
        return self.parsed(key, _parse_truth, "true" if default else "false")

    def all_parsed(self, key: str, parse: Callable[[str], T]) -> tuple[T, ...]:
        """A list of texts, each read by such a function; the error names the item's line."""
        found = []
        for number, text in enumerate(self.texts(key)):
            try:
                found.append(parse(text))
            except (BadInput, ValueError) as error:
                raise self.bad(f"{key}.{number}", str(error)) from error
        return tuple(found)

    def choice(self, key: str, known: Iterable[E]) -> E:
        """One of some words, such as those that an enumeration knows."""
        text, words = self.text(key), tuple(known)
        for word in words:
            if word == text:
                return word
        raise self.bad(key, f"{text!r} is not known", hint=f"use one of {', '.join(words)}")

    def _list(self, key: str) -> list[Plain]:
        value = self._values.get(key, [])
        if value == "":
            return []
        if not isinstance(value, list):
            raise self.bad(key, "should be a list", hint="write one item per line, each after `- `")
        return value

    def _item(self, key: str, number: int, item: Plain) -> str:
        if not isinstance(item, str):
            raise self.bad(f"{key}.{number}", "should be a text")
        return item


def _parse_truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise BadInput(f"{text!r} should be true or false")
    return text == "true"
