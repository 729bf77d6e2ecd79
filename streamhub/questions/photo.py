"""Photos that come with questions: whatever a stranger sends becomes a small picture of ours, or a clear refusal.

What it is, its bytes say and not its name. Only the picture itself is kept: turned upright, at most 1600 pixels, as a
JPEG that we encode; place, camera and whatever else was hidden in the file stays behind. Refuses to know where photos
are kept.
"""

from __future__ import annotations

import io
import warnings
from enum import StrEnum

from PIL import Image, ImageOps, UnidentifiedImageError

from streamhub.errors import BadMedia

MAX_PHOTO_BYTES = 8 * 2**20
MAX_PIXELS = 50_000_000
MAX_EDGE = 1600
FORMATS = ("JPEG", "PNG", "WEBP")

_QUALITY = 85


class PhotoFault(StrEnum):
    """Why a photo is not taken."""

    TOO_LARGE = "too_large"
    NO_PICTURE = "no_picture"
    TOO_MANY_PIXELS = "too_many_pixels"
    BROKEN = "broken"


class BadPhoto(BadMedia):
    """A photo that is not taken; ``fault`` says why, for a sentence in the reader's language."""

    def __init__(self, fault: PhotoFault) -> None:
        super().__init__(f"photo: {fault.value}", hint="send a JPEG, PNG or WebP picture of at most 8 MB")
        self.fault = fault


def encode_photo(data: bytes) -> bytes:
    """Decode a stranger's picture and encode it anew, without anything but its pixels.

    Takes up to a few hundred milliseconds and 200 MB, so it is run beside the event loop and one at a time.

    Raises:
        BadPhoto: too large, no picture that we know, too many pixels, or broken.
    """
    if len(data) > MAX_PHOTO_BYTES:
        raise BadPhoto(PhotoFault.TOO_LARGE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _require_size(image)
                image.draft("RGB", (MAX_EDGE, MAX_EDGE))
                return _shrink(image)
    except UnidentifiedImageError as error:
        raise BadPhoto(PhotoFault.NO_PICTURE) from error
    except Image.DecompressionBombError as error:
        raise BadPhoto(PhotoFault.TOO_MANY_PIXELS) from error
    except BadPhoto:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, TypeError, IndexError, KeyError) as error:
        # What Pillow raises for damaged files is documented nowhere; these are all that its plugins were seen to raise.
        raise BadPhoto(PhotoFault.BROKEN) from error


def _require_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise BadPhoto(PhotoFault.TOO_MANY_PIXELS)


def _shrink(image: Image.Image) -> bytes:
    image.thumbnail((2 * MAX_EDGE, 2 * MAX_EDGE))
    upright = ImageOps.exif_transpose(image)
    flat = Image.new("RGB", upright.size, "white")
    if upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        flat.paste(layer, mask=layer.getchannel("A"))
    else:
        flat.paste(upright.convert("RGB"))
    flat.thumbnail((MAX_EDGE, MAX_EDGE))
    written = io.BytesIO()
    flat.save(written, "JPEG", quality=_QUALITY, optimize=True)
    return written.getvalue()
