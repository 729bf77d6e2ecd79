"""The brand: a company's colours, typeface and sign laid over the theme by settings alone. Pure.

Makes ``static/brand.css`` with the theme's own CSS variables, such that nothing on a page moves when sign and typeface
arrive: the sign's place is known before it is there, and a typeface that comes late is used on the next page. Refuses
colours that people could not read: the rule is WCAG's contrast of 4.5 to 1. What goes beyond that is the owner's own
``static/custom.css``, which is loaded last.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

from PIL import Image, UnidentifiedImageError

from streamhub.archive.plan import digest_of
from streamhub.archive.theme import Theme
from streamhub.config import SiteSettings
from streamhub.errors import BadInput

BRAND_CSS = "brand.css"
CUSTOM_CSS = "custom.css"
PAPER = "#fbfaf7"
DARK_PAPER = "#15181b"
LEAST_CONTRAST = 4.5
_INKS = ("#ffffff", "#101416")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_FALLBACK = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Helvetica, Arial, sans-serif"
LOGO_HEIGHT = 32
"""In CSS pixels; ``_frame.html`` and ``site.css`` say the same."""
_LENGTH = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:px|pt|mm|cm|in|pc|em|rem)?\s*")
_WOFF2 = ("woff2", "font/woff2")
_FONTS = {
    ".woff2": _WOFF2,
    ".woff": ("woff", "font/woff"),
    ".ttf": ("truetype", "font/ttf"),
    ".otf": ("opentype", "font/otf"),
}
"""By suffix, what style sheets and links call a typeface's form."""


def brand_theme(theme: Theme, settings: SiteSettings) -> Theme:
    """The theme with what the settings say of looks; the same one when they say nothing.

    Raises:
        BadInput: a colour cannot be read or is none, or a file is not in the theme's static folder.
    """
    for name, value in (("logo", settings.logo), ("font", settings.font), ("heading_font", settings.heading_font)):
        if value and value not in theme.static:
            raise BadInput(f"site.{name}: there is no {value} in site/static", hint="put the file there")
    css = render_brand(settings)
    if not css:
        return theme
    static = {**theme.static, BRAND_CSS: css}
    return replace(theme, static=static, digest=digest_of(theme.digest, css))


def render_brand(settings: SiteSettings) -> bytes:
    """The style sheet; empty when the settings say nothing of colours and typefaces.

    Raises:
        BadInput: a colour cannot be read or is none.
    """
    faces: list[str] = []
    lines: list[str] = []
    if settings.accent or settings.accent_dark:
        light = _readable("accent", settings.accent or settings.accent_dark, PAPER, chosen=bool(settings.accent))
        dark = _readable(
            "accent_dark", settings.accent_dark or settings.accent, DARK_PAPER, chosen=bool(settings.accent_dark)
        )
        lines.append(f"  --accent: light-dark({light}, {dark});")
        lines.append(f"  --accent-ink: light-dark({ink_on(light)}, {ink_on(dark)});")
        lines.append("  --accent-wash: color-mix(in srgb, var(--accent) 12%, var(--paper));")
        lines.append(f"  --tone-0: light-dark({light}, {dark});")
    for variable, file in (("sans", settings.font), ("serif", settings.heading_font)):
        if file:
            name = f"site-{variable}"
            kind, _ = _FONTS.get(_suffix(file), _WOFF2)
            source = f"url({json.dumps(file)}) format({json.dumps(kind)})"
            faces.append(
                f'@font-face {{ font-family: "{name}"; src: {source}; font-display: optional; font-weight: 100 900; }}'
            )
            lines.append(f'  --{variable}: "{name}", {_FALLBACK};')
    if not lines:
        return b""
    return "\n".join([*faces, ":root {", *lines, "}", ""]).encode()


def list_fonts(settings: SiteSettings) -> tuple[tuple[str, str], ...]:
    """The typefaces that every page needs, each once: file below ``static/`` and media type."""
    files = dict.fromkeys(file for file in (settings.font, settings.heading_font) if file)
    return tuple((file, _FONTS.get(_suffix(file), _WOFF2)[1]) for file in files)


def measure_logo(name: str, content: bytes) -> int:
    """How wide a sign is in CSS pixels when it is `LOGO_HEIGHT` high; 0 where its file does not say.

    Raises:
        BadInput: it is no picture.
    """
    try:
        if _suffix(name) == ".svg":
            root = ElementTree.fromstring(content)  # noqa: S314  the owner's own file; expat expands no bombs
            width, height = _svg_size(root)
        else:
            with Image.open(BytesIO(content)) as picture:
                width, height = picture.size
    except (ElementTree.ParseError, UnidentifiedImageError, OSError) as error:
        raise BadInput(f"site.logo: {name} is no picture that browsers show", hint="save it anew") from error
    return round(LOGO_HEIGHT * width / height) if width and height else 0


def _svg_size(root: ElementTree.Element) -> tuple[float, float]:
    """Width and height of a drawing, in whatever unit; zeros where it has neither them nor a view box."""
    sides = [_LENGTH.fullmatch(root.get(name, "")) for name in ("width", "height")]
    if all(sides):
        return float(sides[0][1]), float(sides[1][1])  # type: ignore[index]
    box = root.get("viewBox", "").replace(",", " ").split()
    return (float(box[2]), float(box[3])) if len(box) == 4 and all(map(_LENGTH.fullmatch, box[2:])) else (0, 0)


def _suffix(file: str) -> str:
    return file[file.rfind(".") :].lower()


def _readable(name: str, colour: str, paper: str, *, chosen: bool) -> str:
    """The colour, if it can be read on the paper; one that was not chosen for it is moved until it can."""
    if not _HEX.fullmatch(colour):
        raise BadInput(f"site.{name}: {colour!r} is no colour", hint="write it as #0f5e63")
    seen = contrast(colour, paper)
    if seen >= LEAST_CONTRAST:
        return colour.lower()
    if chosen:
        raise BadInput(
            f"site.{name}: {colour} on {paper} has a contrast of {seen:.1f}, people need {LEAST_CONTRAST}",
            hint="choose a darker one" if paper == PAPER else "choose a lighter one",
        )
    goal = 0 if paper == PAPER else 255
    channels = _channels(colour)
    for step in range(1, 101):
        moved = "#" + "".join(f"{round(one + (goal - one) * step / 100):02x}" for one in channels)
        if contrast(moved, paper) >= LEAST_CONTRAST:
            return moved
    return "#000000" if goal == 0 else "#ffffff"


def ink_on(colour: str) -> str:
    """What is written on a colour: white or nearly black, whichever is read better."""
    return max(_INKS, key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [value / 255 for value in _channels(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
