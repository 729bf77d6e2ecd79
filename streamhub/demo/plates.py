"""Pictures for the demo's show: who speaks, and which question is on air.

Owns the look of the pictures and the order in which they are shown. They are drawn when the demo runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import font_lato
from PIL import Image, ImageDraw, ImageFont

from streamhub.demo.script import Roundtable, Speaker

SIZE = (960, 540)
_STEP_MS = 500  # a picture is named anew twice a second: an encoder in real time sends one only when it sees the next
_GROUND, _PANEL, _INK, _SOFT, _ACCENT = "#10222b", "#17323f", "#f4f7f8", "#a9c0ca", "#ffb454"
_FACES = ("#2f6f8f", "#7a5ea8", "#3d8b6d", "#b0623d")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plate:
    """One picture and when it is shown.

    Attributes:
        start_ms: on the clock of the audio.
        speaker: who speaks.
        question: the question on air, empty before the first.
    """

    start_ms: int
    speaker: str
    question: str


def plan_plates(table: Roundtable) -> list[Plate]:
    """A plate for every change of speaker or question, from the first millisecond on."""
    plates: list[Plate] = []
    for segment in table.segments:
        asked = [question.text for question in table.aired if (question.on_air_ms or 0) <= segment.start_ms]
        plate = Plate(
            start_ms=segment.start_ms if plates else 0, speaker=segment.speaker, question=asked[-1] if asked else ""
        )
        if not plates or (plates[-1].speaker, plates[-1].question) != (plate.speaker, plate.question):
            plates.append(plate)
    return plates


def write_plates(table: Roundtable, folder: Path) -> Path:
    """Draw every plate into the folder and return the list that the encoder reads (concat format, with durations)."""
    folder.mkdir(parents=True, exist_ok=True)
    plates = plan_plates(table)
    ends = [plate.start_ms for plate in plates[1:]] + [table.duration_ms]
    lines = ["ffconcat version 1.0"]
    for number, (plate, end_ms) in enumerate(zip(plates, ends, strict=True)):
        name = f"plate-{number:03d}.png"
        _draw(plate, table).save(folder / name)
        for at_ms in range(plate.start_ms, end_ms, _STEP_MS):
            lines += [f"file {name}", f"duration {min(_STEP_MS, end_ms - at_ms) / 1000:.3f}"]
    lines.append(f"file plate-{len(plates) - 1:03d}.png")  # the format wants the last picture named once more
    listing = folder / "plates.ffconcat"
    listing.write_text("\n".join(lines) + "\n", "utf-8")
    return listing


def _draw(plate: Plate, table: Roundtable) -> Image.Image:
    image = Image.new("RGB", SIZE, _GROUND)
    draw = ImageDraw.Draw(image)
    draw.text((48, 36), table.title, font=_font(26), fill=_SOFT)
    people = [s for s in table.speakers if s.name in {segment.speaker for segment in table.segments}]
    _draw_people(draw, people, plate.speaker)
    if plate.question:
        draw.rounded_rectangle((40, 376, SIZE[0] - 40, 510), 14, fill=_PANEL)
        draw.rectangle((40, 376, 48, 510), fill=_ACCENT)
        for number, line in enumerate(_wrap(draw, plate.question, SIZE[0] - 160)[:3]):
            draw.text((72, 390 + 36 * number), line, font=_font(28), fill=_INK)
    return image


def _draw_people(draw: ImageDraw.ImageDraw, people: Sequence[Speaker], speaking: str) -> None:
    width = SIZE[0] // max(1, len(people))
    for number, person in enumerate(people):
        x, y = width * number + width // 2, 170
        talks = person.name == speaking
        radius = 66 if talks else 54
        if talks:
            draw.ellipse((x - radius - 7, y - radius - 7, x + radius + 7, y + radius + 7), fill=_ACCENT)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_FACES[number % len(_FACES)])
        draw.text((x, y), person.name[0], font=_font(60), fill=_INK, anchor="mm")
        draw.text((x, 272), person.name, font=_font(30), fill=_INK if talks else _SOFT, anchor="mm")
        draw.text((x, 310), person.about, font=_font(20), fill=_SOFT, anchor="mm")


def _wrap(draw: ImageDraw.ImageDraw, text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and draw.textlength(longer, font=_font(28)) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font_lato.Lato, size)
