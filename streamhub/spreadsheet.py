"""Tables for spreadsheets: CSV as the programs of a language read it, in which nothing is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
            "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip

Cell = str | int | float | None


def render_csv(table: Sequence[Sequence[Cell]], *, language: str) -> str:
    """A table as CSV for the spreadsheet of a language; what could be a formula is text."""
    german = language == "de"
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=";" if german else ",", lineterminator="\r\n")
    for line in table:
        writer.writerow([_cell(value, german=german) for value in line])
    return written.getvalue()


def _cell(value: Cell, *, german: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.2f}".replace(".", ",") if german else f"{value:.2f}"
    return f"'{value}" if value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA) else value
