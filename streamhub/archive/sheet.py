"""Sheets: Markdown files with YAML front matter, read with line numbers, written and edited without losing a comment.

Owns the notation only. Every scalar is read as text, so that ``no``, ``12`` and ``2027-03-02`` mean what stands there;
what a value means is the business of `streamhub.archive.format`. Refuses to know disks.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from streamhub.errors import BadArchive

Plain: TypeAlias = "str | list[Plain] | dict[str, Plain]"
"""A value as it stands in the file: text, list or mapping."""

Given: TypeAlias = "str | int | float | bool | Sequence[Given] | Mapping[str, Given]"
"""A value as it is handed over for writing."""

MAX_FRONT_MATTER = 512 * 1024
MAX_DEPTH = 12
_FENCE = "---"
_QUOTE = "look at this line and the one above; text with a colon, brackets, # or quotes goes into double quotes"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
# Characters that other styles of writing leave bare and readers then take for line breaks.
_NEEDS_ESCAPES = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufeff\\ufffe\\uffff]")
_DEEP_FLOW = re.compile(rf"[\[{{](?:\s*[\[{{]){{{MAX_DEPTH}}}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A file taken apart.

    Attributes:
        file: its name, for messages.
        values: what the front matter says.
        lines: line of each key (1-based), nested keys joined by dots, list items by number.
        body: the text below, without surrounding blank lines.
    """

    file: str
    values: Mapping[str, Plain]
    lines: Mapping[str, int]
    body: str

    def bad(self, key: str, reason: str, *, hint: str = "") -> BadArchive:
        """The error that names this file and the line of that key, or of the nearest key above it."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return BadArchive(self.file, self.lines.get(key, 1), reason, hint=hint)


def parse_sheet(text: str, file: str) -> Sheet:
    """Take a sheet apart.

    Raises:
        BadArchive: no front matter, broken YAML, a key that stands there twice.
    """
    head, body = _split(text, file)
    try:
        node = yaml.compose(head, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        line = mark.line + 2 if mark else 1
        raise BadArchive(file, line, f"front matter is not YAML: {reason}", hint=_QUOTE) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadArchive(file, 1, f"front matter is not YAML: {error}", hint=_QUOTE) from error
    if not isinstance(node, yaml.MappingNode):
        raise BadArchive(file, 2, "front matter is empty or no list of keys", hint="write `key: value` lines")
    reading = _Reading(file)
    values = reading.read(node, "", 0)
    assert isinstance(values, dict)
    return Sheet(file=file, values=values, lines=reading.lines, body=body)


def clean_body(text: str) -> str:
    """The body as a sheet keeps it: line feeds only, no blank lines around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def render_sheet(values: Mapping[str, Given], body: str) -> str:
    """Write a new sheet; keys keep their order."""
    stream = io.StringIO()
    _writer().dump(_dressed(values), stream)
    return _join(stream.getvalue(), body)


def edit_sheet(text: str, file: str, changes: Mapping[str, Given | None], body: str | None) -> str:
    """Change some keys and perhaps the body; comments, order and unknown keys stay.

    Args:
        text: the sheet as it is.
        file: its name, for messages.
        changes: new values; None removes the key.
        body: the new body, or None to leave it.
    """
    head, old_body = _split(text, file)
    writer = _writer()
    values = writer.load(head)
    for key, value in changes.items():
        if value is None:
            values.pop(key, None)
        else:
            values[key] = _dressed(value)
    stream = io.StringIO()
    writer.dump(values, stream)
    return _join(stream.getvalue(), old_body if body is None else body)


def _split(text: str, file: str) -> tuple[str, str]:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[0].rstrip() != _FENCE:
        raise BadArchive(file, 1, "does not begin with front matter", hint="the first line is `---`")
    try:
        end = next(at for at, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE)
    except StopIteration:
        raise BadArchive(file, 1, "front matter has no end", hint="close it with a line `---`") from None
    head = "\n".join(lines[1:end]) + "\n"
    if len(head) > MAX_FRONT_MATTER:
        raise BadArchive(file, 1, f"front matter of {len(head)} characters, at most {MAX_FRONT_MATTER} are read")
    # The parser descends by recursion in C: depth is bounded before it starts.
    if _DEEP_FLOW.search(head) or any(line.count("- ") > MAX_DEPTH and not line.strip("- ") for line in lines[1:end]):
        raise BadArchive(file, 1, "front matter is nested too deeply")
    return head, clean_body("\n".join(lines[end + 1 :]))


def _join(head: str, body: str) -> str:
    kept = clean_body(body)
    return f"{_FENCE}\n{head}{_FENCE}\n" + (f"\n{kept}\n" if kept else "")


class _Reading:
    """One pass over the nodes of a front matter: values out, lines noted."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[str, int] = {}
        self._seen: set[int] = set()

    def read(self, node: yaml.Node, path: str, depth: int) -> Plain:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        line = node.start_mark.line + 2
        if depth > MAX_DEPTH:
            raise BadArchive(self.file, line, "front matter is nested too deeply")
        # A list that refers to itself, or to others by the million, is how small files fill large memories.
        if id(node) in self._seen:
            raise BadArchive(self.file, line, "a list or mapping is used twice by an alias", hint="write it out")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._read_mapping(node, path, depth)
        items: list[Plain] = []
        for number, child in enumerate(node.value):
            self.lines[f"{path}.{number}"] = child.start_mark.line + 2
            items.append(self.read(child, f"{path}.{number}", depth + 1))
        return items

    def _read_mapping(self, node: yaml.MappingNode, path: str, depth: int) -> Plain:
        mapping: dict[str, Plain] = {}
        for key, child in node.value:
            at = key.start_mark.line + 2
            if not isinstance(key, yaml.ScalarNode):
                raise BadArchive(self.file, at, "a key is no plain text")
            name = str(key.value)
            if name in mapping:
                raise BadArchive(self.file, at, f"{name}: stands there twice", hint="keep one of the two")
            below = f"{path}.{name}" if path else name
            self.lines[below] = at
            mapping[name] = self.read(child, below, depth + 1)
        return mapping


def _dressed(value: Given) -> Any:
    """The value as the writer needs it: texts with odd characters are quoted and escaped."""
    if isinstance(value, str):
        return DoubleQuotedScalarString(value) if _NEEDS_ESCAPES.search(value) else value
    if isinstance(value, Mapping):
        return {key: _dressed(child) for key, child in value.items()}
    if isinstance(value, Sequence):
        return [_dressed(child) for child in value]
    return value


class _Resolver(VersionedResolver):
    """Dates and times stay text, in and out."""

    @property
    def versioned_resolver(self) -> Any:
        found = super().versioned_resolver
        for first in "0123456789":
            if first in found:
                found[first] = [pair for pair in found[first] if pair[0] != _TIMESTAMP]
        return found


def _writer() -> YAML:
    writer = YAML(typ="rt", pure=True)
    writer.Resolver = _Resolver
    writer.preserve_quotes = True
    writer.allow_unicode = True
    writer.width = 4096
    return writer
