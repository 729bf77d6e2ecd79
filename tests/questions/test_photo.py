"""Photos: what comes out is a small upright JPEG of ours, or a refusal that says why; whatever went in."""

from __future__ import annotations

import io
import zlib
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from streamhub.questions.photo import MAX_EDGE, MAX_PHOTO_BYTES, BadPhoto, PhotoFault, encode_photo

CANARY = b"Musterweg 7, Canary-Stadt"


def picture(size: tuple[int, int] = (40, 20), kind: str = "JPEG", mode: str = "RGB", **more: object) -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, (200, 30, 30, 0)[: len(mode)]).save(written, kind, **more)
    return written.getvalue()


def read(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_kind_becomes_a_jpeg(kind: str) -> None:
    """A JPEG, PNG or WebP comes out as JPEG, whatever it is called."""
    image = read(encode_photo(picture(kind=kind)))
    assert (image.format, image.size, image.mode) == ("JPEG", (40, 20), "RGB")


@pytest.mark.parametrize(
    ("size", "wanted"), [((4000, 3000), (1600, 1200)), ((900, 3200), (450, 1600)), ((5, 7), (5, 7))]
)
def test_large_ones_become_small(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """The longer edge is at most 1600 pixels; small pictures are not blown up."""
    assert read(encode_photo(picture(size))).size == wanted
    assert max(wanted) <= MAX_EDGE


def test_metadata_stays_behind_and_the_picture_stands_upright() -> None:
    """A phone's orientation is applied, and place, camera and comments are gone."""
    exif = Image.Exif()
    exif[0x0112] = 6  # the phone was held on its side
    exif[0x010F] = CANARY.decode()
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 11.0)
    made = encode_photo(picture((40, 20), exif=exif, comment=CANARY, icc_profile=CANARY))
    image = read(made)
    assert image.size == (20, 40)
    assert not image.getexif()
    assert CANARY not in made
    assert "icc_profile" not in image.info


def test_transparency_becomes_white() -> None:
    """What was transparent is white and not black."""
    image = read(encode_photo(picture(kind="PNG", mode="RGBA")))
    assert image.getpixel((3, 3)) == (255, 255, 255)


def bomb() -> bytes:
    """A PNG of 60 KB that says it has 40,000 by 40,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))

    header = pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 40_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", PhotoFault.NO_PICTURE),
        (b"GIF89a" + b"\0" * 50, PhotoFault.NO_PICTURE),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", PhotoFault.NO_PICTURE),
        (b"%PDF-1.7", PhotoFault.NO_PICTURE),
        (b"\xff\xd8\xff" + b"x" * 500, PhotoFault.NO_PICTURE),
        (picture((900, 900), quality=95)[:-2000], PhotoFault.BROKEN),
        (picture((300, 300), "PNG")[:120], PhotoFault.BROKEN),
        (bomb(), PhotoFault.TOO_MANY_PIXELS),
        (b"\0" * (MAX_PHOTO_BYTES + 1), PhotoFault.TOO_LARGE),
    ],
    ids=["empty", "gif", "svg", "pdf", "no jpeg", "cut jpeg", "cut png", "bomb", "9 MB"],
)  # fmt: skip
def test_hostile_pictures_are_refused(data: bytes, fault: PhotoFault) -> None:
    """Everything that is no picture, or a hostile one, is refused with its reason."""
    with pytest.raises(BadPhoto) as refused:
        encode_photo(data)
    assert refused.value.fault is fault


def test_polyglots_lose_their_second_face() -> None:
    """A picture that is a page, a script or an archive as well comes out as nothing but a picture."""
    script = b"<script>alert('" + CANARY + b"')</script>"
    for data in (picture() + script, picture(comment=script), picture() + b"PK\x03\x04" + script):
        assert CANARY not in encode_photo(data)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_pictures_never_crash(data: st.DataObject) -> None:
    """Bytes changed at random make a picture or a refusal, and nothing else."""
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"]))
    damaged = bytearray(picture((64, 48), kind))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(damaged) - 1), st.integers(0, 255)), max_size=12)):
        damaged[at] = value
    try:
        made = encode_photo(bytes(damaged))
    except BadPhoto:
        return
    assert read(made).format == "JPEG"
