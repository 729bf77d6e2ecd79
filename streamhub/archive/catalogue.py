"""Phrases: what the site says in one language, and how that language writes dates, times and lengths.

Owns translations and notation. Catalogues are `.po` texts and are read as they are. Refuses to know pages and disks.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, get_timezone_name
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import Translations

from streamhub.errors import BadInput
from streamhub.timecode import format_clock

LOCALES = {"de": Locale("de", "DE"), "en": Locale("en", "GB")}
_NBSP = "\u00a0"


def load_translations(language: str, catalogues: Iterable[bytes]) -> Translations:
    """Read catalogues; later ones win.

    Raises:
        BadInput: one is no valid catalogue.
    """
    merged = Catalog(locale=LOCALES[language])
    for source in catalogues:
        try:
            catalogue = read_po(io.BytesIO(source), locale=LOCALES[language], abort_invalid=True)
        except (PoFileError, ValueError) as error:
            raise BadInput(f"message catalogue for {language}: {error}") from error
        for message in catalogue:
            if message.id and message.string:
                merged.delete(message.id)  # else the first one would stay
                merged[message.id] = message
    compiled = io.BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return Translations(compiled)


@lru_cache(maxsize=4096)
def format_day(instant: datetime, zone: str, language: str) -> str:
    """The date with its weekday: ``Dienstag, 2. März 2027``."""
    pattern = f"EEEE, d.{_NBSP}MMMM y" if language == "de" else f"EEEE, d{_NBSP}MMMM y"
    return format_date(instant.astimezone(ZoneInfo(zone)).date(), pattern, locale=LOCALES[language])


@lru_cache(maxsize=4096)
def format_short_day(instant: datetime, zone: str, language: str) -> str:
    """The date: ``2. März 2027``."""
    pattern = f"d.{_NBSP}MMMM y" if language == "de" else f"d{_NBSP}MMMM y"
    return format_date(instant.astimezone(ZoneInfo(zone)).date(), pattern, locale=LOCALES[language])


@lru_cache(maxsize=4096)
def format_moment(instant: datetime, zone: str, language: str) -> str:
    """Date, time and zone: ``Dienstag, 2. März 2027, 20:15 Uhr (MEZ, UTC+1)``."""
    local = instant.astimezone(ZoneInfo(zone))
    clock = f"{local:%H:%M}{_NBSP}Uhr" if language == "de" else f"{local:%H:%M}"
    name = get_timezone_name(local, width="short", locale=LOCALES[language])
    offset = format_offset(local)
    label = f"{name},{_NBSP}{offset}" if name.isalpha() and name != offset else offset
    return f"{format_day(instant, zone, language)}, {clock} ({label})"


def format_offset(local: datetime) -> str:
    """The offset from UTC: ``UTC+1``, ``UTC−3:30``, ``UTC``."""
    offset = local.utcoffset()
    minutes = int(offset.total_seconds()) // 60 if offset else 0
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02d}' if rest else ''}"


def format_length(duration_ms: int, language: str) -> str:
    """A length for people: ``2 Min. 10 Sek.``, ``1 h 5 min``; rounded to seconds, over an hour to minutes."""
    units = ("Std.", "Min.", "Sek.") if language == "de" else ("h", "min", "s")
    total_s = (max(0, duration_ms) + 500) // 1000
    hours, minutes, seconds = total_s // 3600, total_s // 60 % 60, total_s % 60
    if hours:
        seconds = 0
    parts = [f"{n}{_NBSP}{unit}" for n, unit in zip((hours, minutes, seconds), units, strict=True) if n]
    return " ".join(parts) or f"0{_NBSP}{units[2]}"


def format_iso_length(duration_ms: int) -> str:
    """A length for machines: ``PT2M10S`` (ISO 8601)."""
    total_s = (max(0, duration_ms) + 500) // 1000
    hours, minutes, seconds = total_s // 3600, total_s // 60 % 60, total_s % 60
    text = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
    return f"PT{text or '0S'}"


__all__ = [
    "LOCALES",
    "format_clock",
    "format_day",
    "format_iso_length",
    "format_length",
    "format_moment",
    "format_offset",
    "format_short_day",
    "load_translations",
]
