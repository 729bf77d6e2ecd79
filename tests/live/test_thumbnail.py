"""The picture of a broadcast: its size, what it says, and what hostile texts and files do to it."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from streamhub.live.thumbnail import (
    MAX_BYTES,
    SIZE,
    Face,
    Plate,
    draw_thumbnail,
    drawable,
    fit,
    initials,
    open_portrait,
    wrap,
)

PLATE = Plate(
    show_title="Service-Runde",
    title="Router & Glasfaser: Ihre Fragen",
    starts_at=datetime(2027, 3, 2, 23, 30, tzinfo=UTC),
    zone="Europe/Berlin",
    language="de",
    faces=(Face(name="Clara Roth"), Face(name="Änne Öztürk")),
)


def picture(plate: Plate) -> Image.Image:
    return Image.open(io.BytesIO(draw_thumbnail(plate))).convert("RGB")


def painted(colour: str, size: tuple[int, int] = (300, 400)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def differs(one: Image.Image, other: Image.Image) -> tuple[int, int, int, int] | None:
    """Where two pictures differ by more than JPEG's noise."""
    return ImageChops.difference(one, other).convert("L").point(lambda level: 255 * (level > 40)).getbbox()


@pytest.mark.parametrize(
    "title", ["Netz", "Störungsmeldung", "Wort " * 80, "w" * 300, "", "שלום 🙂 漢字", "\u202eevil"]
)
def test_every_title_makes_a_picture_that_is_taken(title: str) -> None:
    """Whatever the title, it is a JPEG of 1280 by 720 pixels and under 2 MB."""
    data = draw_thumbnail(replace(PLATE, title=title))
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("JPEG", SIZE)
    assert len(data) <= MAX_BYTES


def test_noise_stays_under_the_limit() -> None:
    """Five portraits of pure noise, the worst case for JPEG, still fit."""
    file = io.BytesIO()
    Image.effect_noise((800, 800), 120).convert("RGB").save(file, "PNG")
    faces = tuple(Face(name="x", portrait=file.getvalue()) for _ in range(7))
    assert len(draw_thumbnail(replace(PLATE, faces=faces))) <= MAX_BYTES


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=120), st.text(max_size=60), st.binary(max_size=40))
def test_no_text_and_no_file_breaks_it(title: str, name: str, portrait: bytes) -> None:
    """Texts and files from anybody make a picture."""
    faces = (Face(name=name), Face(name=title, portrait=portrait))
    assert draw_thumbnail(replace(PLATE, title=title, show_title=name, faces=faces))[:2] == b"\xff\xd8"


def test_letters_that_the_font_lacks_are_left_out() -> None:
    """Umlauts stay, in one letter or two; emoji, other scripts and hidden marks go without a box in their place."""
    assert drawable("Gru\u0308ße – „Ölheizung“ & 50 €") == "Grüße – „Ölheizung“ & 50 €"
    assert drawable("a\u202e🙂 שלום\n\u2028b 漢字\x00") == "a b"
    assert differs(picture(replace(PLATE, title="Netz 🙂")), picture(replace(PLATE, title="Netz"))) is None


def test_titles_are_wrapped_and_shrunk_to_fit() -> None:
    """Lines stay within the width, at word ends where there are any, and an ellipsis says what is missing."""
    lines = wrap("Ein langer Titel über Glasfaser und Router", size=90, width=600, bold=True)
    assert " ".join(lines) == "Ein langer Titel über Glasfaser und Router"
    assert len(lines) > 1
    assert "".join(wrap("x" * 90, size=90, width=600)) == "x" * 90
    assert fit("Ein langer Titel", size=90, width=500) == "Ein langer…"
    assert fit("kurz", size=20, width=500) == "kurz"


def test_the_date_is_that_of_the_zone() -> None:
    """Half past eleven at night in UTC is the next day in Berlin; the picture and its digest follow."""
    tokyo = replace(PLATE, zone="UTC")
    assert tokyo.digest != PLATE.digest
    assert differs(picture(tokyo), picture(PLATE)) is not None
    later = replace(PLATE, starts_at=datetime(2027, 3, 3, 8, 0, tzinfo=UTC))
    assert later.digest == PLATE.digest


def test_the_digest_follows_what_is_said() -> None:
    """Another title, person or portrait is another picture; the same is the same."""
    others = {
        replace(PLATE, title="Anders").digest,
        replace(PLATE, show_title="Anders").digest,
        replace(PLATE, language="en").digest,
        replace(PLATE, faces=PLATE.faces[:1]).digest,
        replace(PLATE, faces=(Face(name="Clara Roth", portrait=b"x"), PLATE.faces[1])).digest,
    }
    assert len(others | {PLATE.digest}) == 6
    assert replace(PLATE).digest == PLATE.digest


def test_faces_are_portraits_or_initials() -> None:
    """A portrait is shown in its circle; without one, or with a broken one, the initials are."""
    green = replace(PLATE, faces=(Face(name="Clara Roth", portrait=painted("#00ff00")),))
    assert picture(green).getpixel((138, 602))[1] > 230  # type: ignore[index]
    plain = replace(PLATE, faces=(Face(name="Clara Roth"),))
    broken = replace(PLATE, faces=(Face(name="Clara Roth", portrait=b"no picture"),))
    assert differs(picture(broken), picture(plain)) is None
    assert open_portrait(painted("#123456", (9000, 9000))) is None
    assert (initials("Dr. Jürgen von der Heide"), initials("Änne"), initials("שלום"), initials("🙂")) == (
        "JH",
        "Ä",
        "",
        "",
    )


def test_it_is_legible_in_a_list() -> None:
    """At 320 pixels the title's small letters are at least 8 pixels high, even for the longest title."""
    longest = replace(PLATE, title="xxxxx " * 60, show_title="", faces=())
    small = picture(longest).resize((320, 180), Image.Resampling.LANCZOS).convert("L").crop((18, 40, 320, 122))
    rows = [max(small.crop((0, y, small.width, y + 1)).getextrema()) > 120 for y in range(small.height)]  # type: ignore[type-var]
    runs = [len(run) for run in "".join("x" if row else " " for row in rows).split()]
    assert len(runs) == 4
    assert min(runs) >= 8
