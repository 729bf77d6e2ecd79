"""Signed values: what we hand to a browser and want back unchanged.

A signed value is ``<payload>.<signature>``; the purpose is part of the signature, so that a value signed for one thing
is worthless for another. Nothing here is encrypted, so nothing secret may be signed.
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime, timedelta
from functools import lru_cache

from streamhub.text import Random, new_id


def sign(secret: bytes, purpose: str, payload: str) -> str:
    """The payload with its signature."""
    return f"{payload}.{_signature(secret, purpose, payload)}"


def unsign(secret: bytes, purpose: str, value: str) -> str | None:
    """The payload of a signed value, or None when it was not signed by us for this purpose."""
    payload, dot, signature = value.rpartition(".")
    if not dot or not value.isascii():
        return None
    return payload if hmac.compare_digest(signature, _signature(secret, purpose, payload)) else None


def digest_for(secret: bytes, purpose: str, text: str) -> str:
    """A digest that only we can make, different for each purpose: tells texts apart without keeping them."""
    return _signature(secret, f"digest:{purpose}", text)


def make_form_stamp(secret: bytes, random: Random, *, form: str, at: datetime) -> str:
    """A signed stamp for one showing of one form: when it was shown, and an id that makes sending it twice harmless."""
    return sign(secret, f"form:{form}", f"{int(at.timestamp())}-{new_id(random)}")


def read_form_stamp(secret: bytes, stamp: str, *, form: str, at: datetime) -> tuple[timedelta, str] | None:
    """How long ago the form was shown, and its id; None when the stamp is not ours or for another form."""
    payload = unsign(secret, f"form:{form}", stamp)
    if payload is None:
        return None
    shown_s, _, form_id = payload.partition("-")
    return timedelta(seconds=at.timestamp() - int(shown_s)), form_id


def _signature(secret: bytes, purpose: str, payload: str) -> str:
    signer = _signer(secret).copy()
    signer.update(f"{purpose}\0{payload}".encode())
    return base64.urlsafe_b64encode(signer.digest()[:18]).decode()


@lru_cache(maxsize=8)
def _signer(secret: bytes) -> hmac.HMAC:
    """A keyed HMAC to copy; `hmac.digest` gives up the interpreter's lock each time, and waits for it in a crowd."""
    return hmac.new(secret, digestmod="sha256")
