"""Edits: which of two writers wins where a person and the machine changed the same file. Pure.

The archive remembers what was written last, key by key (`Written`). What differs from that in a file was changed by a
person and stays; everything else follows the new text. Refuses to know disks and what the keys mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

from streamhub.archive.sheet import Given, Plain, edit_sheet, parse_sheet

Written = Mapping[str, Mapping[str, str]]
"""File name inside the session's folder, to key, to digest of the value that was written last."""

BODY = "(body)"
WHOLE = "(whole)"


def digest_keys(name: str, text: str) -> dict[str, str]:
    """Digest of each key of a sheet, or of the whole file when it is none."""
    if not name.endswith(".md"):
        return {WHOLE: digest_value(text)}
    sheet = parse_sheet(text, name)
    return {key: digest_value(value) for key, value in sheet.values.items()} | {BODY: digest_value(sheet.body)}


def digest_value(value: Plain) -> str:
    """A short digest of a value."""
    return blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def decide_text(name: str, old: str, new: str, base: Mapping[str, str], *, new_wins: bool) -> str:
    """The text that the file should have.

    Args:
        name: of the file, inside the session's folder.
        old: what it has now.
        new: what it would get if nobody had touched it.
        base: digests of the values that `old` (written by a machine) or `new` (read, then changed) grew out of.
        new_wins: the new text was made by changing what stood in the archive: what it changed wins, the rest of the
            file stays. Otherwise it was made anew: it fills what nobody touched, and a person's changes stay.
    """
    if old == new:
        return old
    if not name.endswith(".md"):
        taken = _takes(digest_value(old), digest_value(new), base.get(WHOLE), new_wins=new_wins)
        return new if taken else old
    before, after = parse_sheet(old, name), parse_sheet(new, name)
    changes: dict[str, Given | None] = {}
    for key in {**after.values, **{key: "" for key in base if key not in (BODY, WHOLE)}}:
        was, wanted = before.values.get(key), after.values.get(key)
        if was != wanted and _takes(_digest(was), _digest(wanted), base.get(key), new_wins=new_wins):
            changes[key] = wanted
    body = None
    if before.body != after.body and _takes(
        digest_value(before.body), digest_value(after.body), base.get(BODY), new_wins=new_wins
    ):
        body = after.body
    return edit_sheet(old, name, _typed(changes), body) if changes or body is not None else old


def _takes(old: str | None, new: str | None, base: str | None, *, new_wins: bool) -> bool:
    return new != base if new_wins else old == base


def _digest(value: Plain | None) -> str | None:
    return None if value is None else digest_value(value)


def _typed(changes: Mapping[str, Given | None]) -> dict[str, Given | None]:
    """Numbers as numbers: the sheet was read as text."""
    return {key: _number(value) if key in {"votes", "confidence"} else value for key, value in changes.items()}


def _number(value: Given | None) -> Given | None:
    if not isinstance(value, str):
        return value
    return int(value) if value.isdigit() else float(value)
