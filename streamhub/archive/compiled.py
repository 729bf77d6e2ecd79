"""Compiled templates, kept from build to build: compiling them costs more than printing the pages of one session."""

from __future__ import annotations

import contextlib
from pathlib import Path
from pickle import UnpicklingError

import jinja2
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from streamhub.archive.folder import write_atomically
from streamhub.archive.plan import digest_of


class CompiledTemplates(BytecodeCache):
    """Keeps a language's compiled templates in a folder, a file each.

    Args:
        folder: where; None for nowhere.
        made_with: digest of everything beside a template's text that goes into its code.
        language: of the phrases in it.
    """

    def __init__(self, folder: Path | None, *, made_with: str, language: str) -> None:
        self._folder = folder
        self._made_with = made_with
        self._language = language

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """The name of a template's file."""
        return f"{name.replace('/', '.')}.{self._language}.code"

    def get_source_checksum(self, source: str) -> str:
        """What a kept template must have been made from."""
        return digest_of(jinja2.__version__, self._made_with, self._language, source)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take a template from the folder, if it is there and fits."""
        if self._folder:
            with (
                contextlib.suppress(OSError, EOFError, ValueError, UnpicklingError),
                (self._folder / bucket.key).open("rb") as file,
            ):
                bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Put a template into the folder."""
        if self._folder:
            write_atomically(self._folder / bucket.key, bucket.bytecode_to_string(), durably=False)
