"""What keeps a source from being read: a code, the sentence for it, and what a host does about it.

Pure. Refuses to know which sources there are; their names come in as details.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from streamhub.errors import Fault, PlatformError


class SourceCode(StrEnum):
    """What is the matter."""

    SIGN_IN = "source_sign_in"
    UNREACHABLE = "source_unreachable"
    NOT_TRUSTED = "source_not_trusted"
    PAUSE = "source_pause"
    GONE = "source_gone"
    NO_FEED = "source_no_feed"
    TOO_LARGE = "source_too_large"
    PRIVATE = "source_private"
    NO_FOLDER = "source_no_folder"
    BROKEN = "source_broken"
    NOT_SET_UP = "source_not_set_up"
    INTERNAL = "source_internal"


SENTENCES: Mapping[SourceCode, tuple[str, str]] = MappingProxyType(
    {
        SourceCode.SIGN_IN: (
            "%(place)s refuses the hub's sign-in.",
            "Ask the operator to check user and password, or the token, in the settings.",
        ),
        SourceCode.UNREACHABLE: (
            "%(place)s does not answer.",
            "The hub tries again by itself and then reads what came meanwhile. If it lasts, check the address.",
        ),
        SourceCode.NOT_TRUSTED: (
            "The certificate of %(place)s is not to be trusted.",
            "Ask whoever runs it; the hub reads nothing there until it is in order.",
        ),
        SourceCode.PAUSE: (
            "%(place)s asks the hub to wait.",
            "Nothing to do: the hub goes on by itself, and nothing is lost.",
        ),
        SourceCode.GONE: (
            "There is nothing at %(place)s any more.",
            "Check the address, or remove the source.",
        ),
        SourceCode.NO_FEED: (
            "What is at %(place)s is no feed.",
            "Use the address of an RSS or Atom feed; pages often link it as “RSS” or “feed”.",
        ),
        SourceCode.TOO_LARGE: (
            "%(place)s is larger than %(limit)s MB.",
            "Use a shorter feed, such as that of the comments of one article.",
        ),
        SourceCode.PRIVATE: (
            "%(place)s lies in a private network.",
            "Use a public address, or ask the operator to allow private ones in the section [feeds] of the settings.",
        ),
        SourceCode.NO_FOLDER: (
            "The mailbox at %(place)s has no folder “%(folder)s”.",
            "Ask the operator to correct the folder in the section [mailbox] of the settings.",
        ),
        SourceCode.BROKEN: (
            "%(place)s answers what the hub cannot read.",
            "The hub tries again by itself. If it lasts, check the address.",
        ),
        SourceCode.NOT_SET_UP: (
            "This kind of source is not set up on this hub any more.",
            "Ask the operator, or remove the source.",
        ),
        SourceCode.INTERNAL: (
            "The hub could not work on what it read at %(place)s.",
            "The hub tries again by itself; the operator finds the reason in the hub's log.",
        ),
    }
)
"""What happened, and what to do about it."""

FAULTS: Mapping[SourceCode, Fault] = MappingProxyType(
    {
        SourceCode.SIGN_IN: Fault.AUTH,
        SourceCode.UNREACHABLE: Fault.UNREACHABLE,
        SourceCode.NOT_TRUSTED: Fault.NOT_ALLOWED,
        SourceCode.PAUSE: Fault.RATE,
        SourceCode.GONE: Fault.NOT_FOUND,
        SourceCode.NO_FEED: Fault.BAD_INPUT,
        SourceCode.TOO_LARGE: Fault.BAD_INPUT,
        SourceCode.PRIVATE: Fault.NOT_ALLOWED,
        SourceCode.NO_FOLDER: Fault.NOT_FOUND,
        SourceCode.BROKEN: Fault.BROKEN,
        SourceCode.NOT_SET_UP: Fault.NOT_FOUND,
        SourceCode.INTERNAL: Fault.BROKEN,
    }
)


def make_source_error(
    code: SourceCode, place: str, *, retry_at: datetime | None = None, reason: str = "", **details: str
) -> PlatformError:
    """The error of a source.

    Args:
        code: what is the matter.
        place: the source's host or address, without anything secret.
        retry_at: when the source wants to be asked again, UTC.
        reason: the source's own short word for it.
        details: what else the sentence needs.
    """
    filled = {"place": place, **details}
    what, advice = SENTENCES[code]
    return PlatformError(
        what % filled,
        hint=advice % filled,
        fault=FAULTS[code],
        code=code.value,
        details=filled,
        reason=reason,
        retry_at=retry_at,
    )
