"""How a person's calendar is reached: its address and, where there is one, the sign-in; and how that is kept.

Address and password are secrets alike: who has the address reads the calendar. Both are kept sealed with a key made
from the workspace's secret, and never shown again. Pure.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarAccess:
    """How a calendar is reached.

    Attributes:
        url: where it is.
        user: with which to sign in; empty: without.
        password: his.
    """

    url: str = field(repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """The host, which is no secret."""
        return urlsplit(self.url).hostname or ""


def seal_access(secret: bytes, access: CalendarAccess) -> str:
    """An access, sealed; never the same text twice."""
    values = {"url": access.url, "user": access.user, "password": access.password}
    return _fernet(secret).encrypt(json.dumps(values).encode()).decode()


def unseal_access(secret: bytes, sealed: str) -> CalendarAccess | None:
    """The access that was sealed; None where it was sealed with another secret, or not at all."""
    try:
        values = json.loads(_fernet(secret).decrypt(sealed.encode()))
    except (InvalidToken, ValueError):
        return None
    return CalendarAccess(**values)


@lru_cache(maxsize=4)
def _fernet(secret: bytes) -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"streamhub calendar access").derive(secret)
    return Fernet(base64.urlsafe_b64encode(key))
