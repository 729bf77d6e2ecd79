"""The picture of an answer that networks show beside a link: the question, who answers, and whose archive it is.

Owns the drawing, with the letters and faces of `streamhub.live.thumbnail`. Refuses to know where the picture goes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw

from streamhub.live.thumbnail import Face, draw_face, draw_headline, drawable, fit, font

SIZE = (1200, 630)
"""What networks cut their pictures to."""

_GROUND, _INK, _SOFT, _ACCENT = "#10222b", "#f4f7f8", "#bfd2da", "#ffb454"
_TONES = ("#2f6f8f", "#7a5ea8", "#3d8b6d")
_EDGE, _WIDTH = 72, SIZE[0] - 2 * 72
_TOP, _BOTTOM = 138, 452
_SIZES = (84, 76, 68, 60, 54, 48, 44, 40)
_MOST_FACES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareCard:
    """What a picture says.

    Attributes:
        archive_title: of the archive, beside its mark.
        show_title: below the archive's title; may be empty.
        question: as asked.
        people: names of those who answer.
    """

    archive_title: str
    show_title: str
    question: str
    people: tuple[str, ...]


def draw_share_picture(card: ShareCard) -> bytes:
    """A JPEG of 1200 by 630 pixels."""
    image = Image.new("RGB", SIZE, _GROUND)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 16, SIZE[1]), fill=_ACCENT)
    _draw_mark(draw, (_EDGE, 46))
    title = fit(drawable(card.archive_title), size=38, width=_WIDTH - 76, bold=True)
    draw.text((_EDGE + 76, 74), title, font=font(38, bold=True), fill=_ACCENT, anchor="lm")
    draw_headline(draw, drawable(card.question), (_EDGE, _TOP, _EDGE + _WIDTH, _BOTTOM), _SIZES, leading=1.2)
    left = _draw_faces(image, card.people)
    names = ", ".join(filter(None, map(drawable, card.people)))
    lines = [(names, 36, _INK, True), (drawable(card.show_title), 30, _SOFT, False)]
    shown = [line for line in lines if line[0]]
    for number, (text, size, fill, bold) in enumerate(shown):
        y = 540 + (number * 46 - 23 if len(shown) > 1 else 0)
        text = fit(text, size=size, width=SIZE[0] - _EDGE - left, bold=bold)
        draw.text((left, y), text, font=font(size, bold=bold), fill=fill, anchor="lm")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88, optimize=True)
    return file.getvalue()


def _draw_mark(draw: ImageDraw.ImageDraw, at: tuple[int, int]) -> None:
    """The archive's mark: a speech bubble with a play sign."""
    x, y = at
    draw.rounded_rectangle((x, y, x + 56, y + 44), radius=10, fill=_ACCENT)
    draw.polygon([(x + 8, y + 42), (x + 8, y + 58), (x + 26, y + 42)], fill=_ACCENT)
    draw.polygon([(x + 22, y + 10), (x + 22, y + 34), (x + 41, y + 22)], fill=_GROUND)


def _draw_faces(image: Image.Image, people: tuple[str, ...]) -> int:
    """The initials of those who answer; returns where their names begin."""
    shown = people[:_MOST_FACES]
    for number, name in enumerate(shown):
        draw_face(image, Face(name=name), (_EDGE + 66 + number * 100, 540), _TONES[number])
    return _EDGE + (132 + (len(shown) - 1) * 100 + 36 if shown else 0)
