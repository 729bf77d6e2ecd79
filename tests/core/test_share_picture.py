"""The picture of an answer: its size, and that the question is in it whatever it is."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from streamhub.share_picture import SIZE, ShareCard, draw_share_picture

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung gilt für wen? " * 12


def draw(question: str, *people: str, title: str = "Antworten der Stadtwerke Überlingen") -> Image.Image:
    card = ShareCard(archive_title=title, show_title="Das Netz – Fragestunde", question=question, people=people)
    return Image.open(io.BytesIO(draw_share_picture(card))).convert("RGB")


def ink(image: Image.Image, box: tuple[int, int, int, int]) -> int:
    """How many pixels of a part are bright, as letters are."""
    return sum(count for count, colour in image.crop(box).getcolors(2**24) or () if min(colour) > 180)


@pytest.mark.parametrize("question", ["Kurz?", "Größe, Maß und Übergröße?", LONG, "🙂", ""])
@pytest.mark.parametrize("people", [(), ("Jürgen Weiß",), ("A", "B C", "Änne Öztürk", "D")])
def test_every_picture_has_the_size_that_networks_want(question: str, people: tuple[str, ...]) -> None:
    """Any question and any number of people give 1200 by 630 pixels, with nothing drawn into the right margin."""
    image = draw(question, *people)
    assert image.size == SIZE == (1200, 630)
    assert ink(image, (1200 - 60, 0, 1200, 630)) == 0


def test_question_and_names_are_drawn() -> None:
    """What is asked, who answers and whose archive it is all change the picture, umlauts by themselves too."""
    one = draw("Wie groß?", "Jürgen Weiß")
    others = [
        draw("Wie gross?", "Jürgen Weiß"),
        draw("Wie groß?", "Jurgen Weiß"),
        draw("Wie groß?", "Jürgen Weiß", title="Anderswo"),
    ]
    assert all(other.tobytes() != one.tobytes() for other in others)
    assert ink(one, (60, 130, 1140, 460)) > 1000


def test_a_long_question_stays_in_its_place() -> None:
    """However long it is, it neither reaches the archive's title nor the names."""
    image = draw(LONG, "Jürgen Weiß")
    assert ink(image, (60, 108, 1140, 134)) == 0
    assert ink(image, (60, 456, 1140, 470)) == 0
