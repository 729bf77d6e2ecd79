"""A counterpart of YouTube on loopback, strict about the wire format and about the life cycle."""

from tests.fakes.youtube.fake import FakeYouTube
from tests.fakes.youtube.faults import Cut, Drop, Html502, Refuse, Slow
from tests.fakes.youtube.records import FORCE_SSL, MANAGE, READONLY, Call, Channel, Consent
from tests.fakes.youtube.remote import RemoteFake

__all__ = [
    "FORCE_SSL",
    "MANAGE",
    "READONLY",
    "Call",
    "Channel",
    "Consent",
    "Cut",
    "Drop",
    "FakeYouTube",
    "Html502",
    "Refuse",
    "RemoteFake",
    "Slow",
]
