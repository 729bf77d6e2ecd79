"""Pages: templates, message catalogues, the reader's language, dates as people write them.

Templates escape everything; catalogues are read as they are in the repository, so that nothing has to be compiled.
Knows nothing of sessions or hosts.
"""

from __future__ import annotations

import gettext
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from babel.core import Locale
from babel.dates import format_date, format_time, format_timedelta, get_timezone_name
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.units import format_unit
from jinja2 import Environment, PackageLoader, StrictUndefined

from streamhub.config import HubSettings
from streamhub.errors import StreamhubError
from streamhub.text import LANGUAGES
from streamhub.timecode import format_clock, format_instant
from streamhub.web.refusals import tell_refusal

_LOCALES: Mapping[str, str] = {"de": "de_DE", "en": "en_GB"}
_LANGUAGE_COOKIE = "streamhub_language"
_MIME: Mapping[str, str] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StaticFile:
    """A style sheet, script or picture of ours, kept in memory.

    Attributes:
        body: its bytes.
        mime: its content type.
        version: begin of its SHA-256, part of its address.
    """

    body: bytes
    mime: str
    version: str


class Pages:
    """Renders templates in both languages."""

    def __init__(self, settings: HubSettings) -> None:
        self.settings = settings
        self.static = _load_static()
        self._translations = {language: load_catalogue(language) for language in LANGUAGES}
        self._environments = {language: self._environment(language) for language in LANGUAGES}

    def render(self, template: str, language: str, context: Mapping[str, Any]) -> str:
        """Render a template in a language."""
        return self._environments[language].get_template(template).render(**context)

    def words(self, language: str) -> gettext.NullTranslations:
        """The catalogue of a language."""
        return self._translations[language]

    def static_url(self, name: str) -> str:
        """Address of a static file, changing with its content."""
        return f"/static/{name}?v={self.static[name].version}"

    def _environment(self, language: str) -> Environment:
        environment = Environment(
            loader=PackageLoader("streamhub.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        words = self._translations[language]
        environment.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
        environment.globals |= {
            "hub_name": self.settings.name,
            "language": language,
            "languages": LANGUAGES,
            "static_url": self.static_url,
            "snapshot_url": self.settings.snapshot_url.rstrip("/"),
        }
        environment.filters |= {
            "day": lambda at, zone: format_day(at, zone, language),
            "moment": lambda at, zone: format_moment(at, zone, language),
            "instant": format_instant,
            "wall": lambda at, zone: f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}",
            "clock": format_clock,
            "countdown": lambda left: format_countdown(left, language),
            "brief": lambda at, zone, now: format_brief(at, zone, language, now=now),
            "number": lambda number: format_decimal(number, locale=_LOCALES[language]),
            "size": lambda size_bytes: format_size(size_bytes, language),
            "age": lambda age: format_age(age, language),
            "ago": lambda age: format_ago(age, language),
            "web_link": only_web_link,
        }
        return environment


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


def _folder(name: str) -> Traversable:
    return resources.files("streamhub.web") / name


def load_catalogue(language: str) -> gettext.NullTranslations:
    """Read a language's message catalogue; unknown messages stay as they stand in the code."""
    compiled = io.BytesIO()
    with (_folder("locales") / language / "web.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _load_static() -> Mapping[str, StaticFile]:
    files = {}
    for entry in _folder("static").iterdir():
        suffix = entry.name.rpartition(".")[2]
        if suffix in _MIME:
            body = entry.read_bytes()
            version = hashlib.sha256(body).hexdigest()[:12]
            files[entry.name] = StaticFile(body=body, mime=_MIME[suffix], version=version)
    return files


def language_of(request: web.Request, *, default: str = "") -> str:
    """The reader's language: as chosen by ``?lang=``, as chosen before, as the browser asks, or the page's own."""
    for wanted in (request.query.get("lang", ""), request.cookies.get(_LANGUAGE_COOKIE, "")):
        if wanted in LANGUAGES:
            return wanted
    asked = plan_language(request.headers.get("Accept-Language", ""))
    return asked or default or request.app[PAGES].settings.language


@lru_cache(maxsize=1024)
def plan_language(accept_language: str) -> str:
    """The best of our languages for an Accept-Language header; empty when the header names none of them."""
    wishes: list[tuple[float, int, str]] = []
    for number, part in enumerate(accept_language[:500].split(",")):
        tag, _, quality = part.partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and weight > 0:
            wishes.append((-weight, number, language))
    return min(wishes)[2] if wishes else ""


def keep_language(request: web.Request, response: web.StreamResponse) -> None:
    """Remember a language that the reader chose on purpose."""
    if (chosen := request.query.get("lang", "")) in LANGUAGES:
        response.set_cookie(_LANGUAGE_COOKIE, chosen, max_age=365 * 24 * 3600, path="/", httponly=True, samesite="Lax")


def keep_private(response: web.StreamResponse) -> None:
    """Let nobody but its reader keep a page, and no search engine list it."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"


def words_of(request: web.Request, *, default: str = "") -> Callable[[str], str]:
    """A function that says a message in the reader's language; most requests need none, so it looks when asked."""

    def say(message: str) -> str:
        return request.app[PAGES].words(language_of(request, default=default)).gettext(message)

    return say


def render_page(
    request: web.Request, template: str, *, status: int = 200, default_language: str = "", **context: Any
) -> web.Response:
    """A page in the reader's language, with what the state of things forbade, its ``error``, in that language too."""
    language, pages = language_of(request, default=default_language), request.app[PAGES]
    if isinstance(error := context.get("error"), StreamhubError):
        context["error"] = tell_refusal(error, pages.words(language).gettext)
    html = pages.render(template, language, {"path": request.path, **context})
    return web.Response(text=html, status=status, content_type="text/html", charset="utf-8")


def see_other(location: str) -> web.Response:
    """The answer to a form that was taken: look at this page now."""
    return web.Response(status=303, headers={"Location": location})


def wants_json(request: web.Request) -> bool:
    """Whether the caller is a program of the API and not a person with a browser."""
    return request.path.startswith("/api/")


def format_day(at: datetime, zone: str, language: str) -> str:
    """A date as people write it: ``Dienstag, 2. März 2027``."""
    return format_date(at.astimezone(ZoneInfo(zone)).date(), "full", locale=_LOCALES[language])


def format_moment(at: datetime, zone: str, language: str) -> str:
    """Date, time and zone: ``Dienstag, 2. März 2027, 20:15 Uhr (MEZ, UTC+1, Europe/Berlin)``."""
    local = at.astimezone(ZoneInfo(zone))
    clock = format_time(local, "HH:mm", locale=_LOCALES[language])
    time = f"{clock}\N{NO-BREAK SPACE}Uhr" if language == "de" else clock
    short = get_timezone_name(local, "short", locale=Locale.parse(_LOCALES[language]))
    names = [name for name in (short, format_offset(local.utcoffset() or timedelta()), zone) if name]
    if not short.isalpha():
        names = names[1:]
    return f"{format_day(at, zone, language)}, {time} ({', '.join(names)})"


def format_brief(at: datetime, zone: str, language: str, *, now: datetime) -> str:
    """A time near now: ``20:15 Uhr``, with the day before it where that is another one: ``2. März, 20:15 Uhr``."""
    local, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    clock = format_time(local, "HH:mm", locale=_LOCALES[language])
    time = f"{clock}\N{NO-BREAK SPACE}Uhr" if language == "de" else clock
    if local.date() == today.date():
        return time
    pattern = "d. MMMM" if language == "de" else "d MMMM"
    return f"{format_date(local.date(), pattern, locale=_LOCALES[language])}, {time}"


def format_age(age: timedelta, language: str) -> str:
    """An age in whole days: ``6 Tage``."""
    return format_unit(age.days, "day", length="long", locale=_LOCALES[language])


def format_ago(age: timedelta, language: str) -> str:
    """How long ago in whole days: ``vor 6 Tagen``."""
    past = timedelta(days=-age.days)
    locale = _LOCALES[language]
    return format_timedelta(past, granularity="day", threshold=float("inf"), add_direction=True, locale=locale)


def format_size(size_bytes: int, language: str) -> str:
    """A file's size: ``1,4 GB``."""
    size, unit = (size_bytes / 1e9, "GB") if size_bytes >= 1e9 else (size_bytes / 1e6, "MB")
    return f"{format_decimal(round(size, 1), locale=_LOCALES[language])}\N{NO-BREAK SPACE}{unit}"


def only_web_link(address: str) -> str:
    """An address that may become a link; empty for every other kind, such as ``javascript:``."""
    return address if address.startswith(("https://", "http://")) else ""


def format_offset(offset: timedelta) -> str:
    """A zone's distance from UTC: ``UTC+1``, ``UTC−3:30``."""
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "−" if minutes < 0 else "+"
    return f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")


def format_countdown(left: timedelta, language: str) -> str:
    """A time to wait in its two largest units: ``2 Tage, 3 Stunden``; empty when it is over."""
    minutes = int(left.total_seconds() // 60)
    if left.total_seconds() <= 0:
        return ""
    days, rest = divmod(minutes, 24 * 60)
    hours, minute = divmod(rest, 60)
    parts = [(days, "day"), (hours, "hour"), (minute, "minute")]
    shown = [(n, unit) for n, unit in parts if n][:2] or [(1, "minute")]
    return ", ".join(format_unit(n, unit, length="long", locale=_LOCALES[language]) for n, unit in shown)
