"""The picture of a broadcast: show, title, date and who is there, readable in a list on a phone.

Owns the drawing. Letters that the font does not have are left out, never drawn as boxes, and a portrait that is no
picture gives way to initials. Refuses to know where the picture goes.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from zoneinfo import ZoneInfo

import font_lato
from babel.dates import format_date
from PIL import Image, ImageDraw, ImageFont, ImageOps

SIZE = (1280, 720)
MAX_BYTES = 2_000_000
MOST_FACES = 5
MOST_PORTRAIT_PIXELS = 40_000_000

_DRAWING = 1
"""Counted up when pictures are drawn otherwise, so that they are made anew."""
_GROUND, _INK, _SOFT, _ACCENT = "#10222b", "#f4f7f8", "#bfd2da", "#ffb454"
_TONES = ("#2f6f8f", "#7a5ea8", "#3d8b6d", "#b0623d", "#8f2f55")
_EDGE = 72
_TEXT_WIDTH = SIZE[0] - 2 * _EDGE
_TITLE_TOP, _TITLE_BOTTOM = 160, 490
_MOST_TITLE = 400
_TITLE_SIZES = (112, 100, 90, 80, 72, 66)
_SMALL = 48
_FACES_Y, _RADIUS, _STEP = 602, 66, 140
_PATTERNS = {"de": ("EEEE, d. MMMM y", "d. MMMM y"), "en": ("EEEE, d MMMM y", "d MMMM y")}


Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Face:
    """A person in the picture.

    Attributes:
        name: of which the initials are taken.
        portrait: a picture file; None: initials.
    """

    name: str
    portrait: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plate:
    """What a picture says.

    Attributes:
        show_title, title: as shown.
        starts_at: planned start.
        zone: IANA name of the zone in which it is dated.
        language: of the date.
        faces: who is there, the host first.
    """

    show_title: str
    title: str
    starts_at: datetime
    zone: str
    language: str
    faces: tuple[Face, ...] = ()

    @property
    def digest(self) -> str:
        """Changes when the picture would."""
        faces = [(face.name, digest_portrait(face.portrait)) for face in self.faces]
        said = (_DRAWING, self.show_title, self.title, _days(self), faces)
        return blake2b(repr(said).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def digest_portrait(portrait: bytes | None) -> str:
    """A short digest of a picture file; empty without one."""
    return blake2b(portrait, digest_size=8).hexdigest() if portrait else ""


def draw_thumbnail(plate: Plate) -> bytes:
    """A JPEG of 1280 by 720 pixels and at most 2 MB."""
    image = Image.new("RGB", SIZE, _GROUND)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 18, SIZE[1]), fill=_ACCENT)
    _draw_line(draw, plate.show_title, (_EDGE, 96), size=_SMALL, fill=_ACCENT)
    title = drawable(plate.title)[:_MOST_TITLE]
    draw_headline(draw, title, (_EDGE, _TITLE_TOP, _EDGE + _TEXT_WIDTH, _TITLE_BOTTOM), _TITLE_SIZES, leading=1.16)
    shown = plate.faces[:MOST_FACES]
    for number, face in enumerate(shown):
        draw_face(image, face, (_EDGE + _RADIUS + number * _STEP, _FACES_Y), _TONES[number % len(_TONES)])
    left = _EDGE + (2 * _RADIUS + (len(shown) - 1) * _STEP + 36 if shown else 0)
    # The platform writes the video's length into the lower right corner: the date keeps away from it.
    room = SIZE[0] - left - 40
    day = next((day for day in _days(plate) if _width(day, _SMALL, False) <= room), _days(plate)[-1])
    _draw_line(draw, day, (left, _FACES_Y), size=_SMALL, fill=_SOFT, width=room)
    return _encode(image)


def _days(plate: Plate) -> list[str]:
    """The date with and without its weekday."""
    local = plate.starts_at.astimezone(ZoneInfo(plate.zone)).date()
    patterns = _PATTERNS.get(plate.language, _PATTERNS["en"])
    return [str(format_date(local, pattern, locale=plate.language)) for pattern in patterns]


def _encode(image: Image.Image) -> bytes:
    for quality in (90, 75, 50):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= MAX_BYTES:
            break
    return file.getvalue()


# --- text


@lru_cache(maxsize=64)
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The font of pictures, in pixels."""
    return ImageFont.truetype(font_lato.LatoBold if bold else font_lato.Lato, size)


@lru_cache(maxsize=4096)
def _has_glyph(character: str) -> bool:
    """Whether the font has a letter of its own for a character, and not the box for what is missing."""
    small = font(32)
    return bytes(small.getmask(character)) != bytes(small.getmask("\U0010ffff"))


def drawable(text: str) -> str:
    """What of a text the font can draw, in single spaces."""
    unified = unicodedata.normalize("NFC", text)
    kept = (" " if character.isspace() else character if _is_drawable(character) else "" for character in unified)
    return " ".join("".join(kept).split())


def _is_drawable(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] not in "CM" and category not in {"Zl", "Zp"} and _has_glyph(character)


def wrap(text: str, *, size: int, width: int, bold: bool = False) -> list[str]:
    """Lines that are no wider than ``width``; a word that is too wide by itself is broken."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer, size, bold) <= width:
            lines[-1] = longer
            continue
        while _width(word, size, bold) > width:
            end = next(n for n in range(len(word), 0, -1) if n == 1 or _width(word[:n], size, bold) <= width)
            lines.append(word[:end])
            word = word[end:]
        if word:
            lines.append(word)
    return lines


def fit(text: str, *, size: int, width: int, bold: bool = False) -> str:
    """The text, or its beginning with an ellipsis, no wider than ``width``."""
    if _width(text, size, bold) <= width:
        return text
    shorter = text
    while shorter and _width(f"{shorter}…", size, bold) > width:
        shorter = shorter[:-1].rstrip(" ,;:–-")
    if " " in shorter and text[len(shorter)] != " ":
        shorter = shorter.rsplit(" ", 1)[0].rstrip(" ,;:–-")
    return f"{shorter}…"


def _width(text: str, size: int, bold: bool) -> float:
    return font(size, bold).getlength(text)


def _draw_line(
    draw: ImageDraw.ImageDraw, text: str, at: tuple[int, int], *, size: int, fill: str, width: int = _TEXT_WIDTH
) -> None:
    draw.text(at, fit(drawable(text), size=size, width=width), font=font(size), fill=fill, anchor="lm")


def draw_headline(draw: ImageDraw.ImageDraw, text: str, box: Box, sizes: Sequence[int], *, leading: float) -> None:
    """Bold lines in the middle of a box, as large as they fit; what never fits ends with an ellipsis."""
    left, top, right, bottom = box
    room, width = bottom - top, right - left
    for size in sizes:
        step = round(size * leading)
        most = room // step
        lines = wrap(text, size=size, width=width, bold=True)
        if len(lines) <= most and " ".join(lines) == text:  # no word had to be broken
            break
    if len(lines) > most:
        lines = [*lines[: most - 1], fit(" ".join(lines[most - 1 :]), size=size, width=width, bold=True)]
    top += (room - step * len(lines)) // 2
    for number, line in enumerate(lines):
        draw.text((left, top + step * number + step // 2), line, font=font(size, True), fill=_INK, anchor="lm")


# --- faces


def draw_face(image: Image.Image, face: Face, centre: tuple[int, int], tone: str) -> None:
    """A face in a circle: its portrait, else its initials."""
    draw = ImageDraw.Draw(image)
    x, y = centre
    ring = _RADIUS + 5
    draw.ellipse((x - ring, y - ring, x + ring, y + ring), fill=_GROUND)
    portrait = open_portrait(face.portrait) if face.portrait else None
    if portrait is not None:
        image.paste(portrait, (x - _RADIUS, y - _RADIUS), _circle())
        return
    draw.ellipse((x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS), fill=tone)
    if letters := initials(face.name):
        draw.text((x, y), letters, font=font(56, True), fill=_INK, anchor="mm")
        return
    draw.ellipse((x - 20, y - 38, x + 20, y + 2), fill=_INK)  # nobody's letters are in the font: a head
    draw.pieslice((x - 38, y + 10, x + 38, y + 78), 180, 360, fill=_INK)


def initials(name: str) -> str:
    """First letters of the first and the last word of a name that the font can draw; empty when there are none."""
    words = [word for word in drawable(name).split() if word[0].isalpha() and not word.endswith(".")]
    return "".join(word[0].upper()[:1] for word in ([words[0], words[-1]] if len(words) > 1 else words))


def open_portrait(portrait: bytes) -> Image.Image | None:
    """A square picture of a face; None for what is no picture, or too large a one."""
    try:
        with Image.open(io.BytesIO(portrait)) as opened:
            if opened.width * opened.height > MOST_PORTRAIT_PIXELS:
                return None
            upright = ImageOps.exif_transpose(opened).convert("RGB")
            return ImageOps.fit(upright, (2 * _RADIUS, 2 * _RADIUS), Image.Resampling.LANCZOS, centering=(0.5, 0.4))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


@lru_cache(maxsize=1)
def _circle() -> Image.Image:
    """A round mask, drawn large and made small, so that its edge is smooth."""
    large = Image.new("L", (8 * _RADIUS, 8 * _RADIUS), 0)
    ImageDraw.Draw(large).ellipse((0, 0, 8 * _RADIUS - 1, 8 * _RADIUS - 1), fill=255)
    return large.resize((2 * _RADIUS, 2 * _RADIUS), Image.Resampling.LANCZOS)
