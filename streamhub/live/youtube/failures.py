"""What YouTube's refusals and silences mean: one table from its words to our faults and to the host's sentences.

Owns the table, the reading of an error answer, and how long to wait. Pure. Refuses to know how an answer came in.

The status alone decides nothing: 403 stands for six different things, so the reason is looked up first.
Sources: developers.google.com/youtube/v3/docs/errors and .../youtube/v3/live/docs/errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from streamhub.errors import BadInput, Fault, PlatformError
from streamhub.live.problem import ProblemCode, make_error
from streamhub.timecode import require_utc

NAMES: Mapping[str, str] = MappingProxyType({"platform": "YouTube", "command": "youtube"})
"""What every problem of this platform is filled with."""

READ_TRIES = 3
LEAST_PAUSE_S = 2.0
MOST_PAUSE_S = 60.0

P = ProblemCode


class Silence(StrEnum):
    """Ways of getting no clear answer; the value is the error's ``reason``."""

    NOT_CONNECTED = "notConnected"
    """No connection could be made, so nothing was sent: certain."""
    LOST = "connectionLost"
    """The connection broke after the request began; the other side may have done it."""
    TIMED_OUT = "timedOut"
    """No answer in time; the other side may have done it."""
    CLOSED = "closed"
    """The hub is stopping and makes no calls any more: certain."""
    GARBLED = "notJson"
    """An answer that is none of the platform's, such as a proxy's page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A refusal as it came.

    Attributes:
        status: HTTP status.
        reason: the platform's word, from the body; empty when the body holds none.
        retry_after: the header of that name; empty when there is none.
    """

    status: int
    reason: str = ""
    retry_after: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """What a reason means.

    Attributes:
        fault: what kind of failure.
        code: what the host is told.
        field: which text is refused, where the sentence names it.
        passing: the platform itself stumbled: after a write nobody knows what became of it.
        wait_s: how long to wait at least, where that is known.
    """

    fault: Fault
    code: ProblemCode
    field: str = ""
    passing: bool = False
    wait_s: float | None = None


def _text(field: str) -> Rule:
    return Rule(fault=Fault.BAD_INPUT, code=P.BAD_TEXT, field=field)


_SIGNED_OUT = Rule(fault=Fault.AUTH, code=P.SIGNED_OUT)
_SCOPE = Rule(fault=Fault.AUTH, code=P.SCOPE_MISSING)
_API_OFF = Rule(fault=Fault.NOT_ALLOWED, code=P.API_OFF)
_NO_LIVE = Rule(fault=Fault.NOT_ALLOWED, code=P.LIVE_NOT_ENABLED)
_REFUSED = Rule(fault=Fault.NOT_ALLOWED, code=P.NOT_ALLOWED)
_QUOTA = Rule(fault=Fault.QUOTA, code=P.QUOTA_USED_UP)
_RATE = Rule(fault=Fault.RATE, code=P.RATE_LIMITED, wait_s=LEAST_PAUSE_S)
_MANY = Rule(fault=Fault.LIMIT, code=P.TOO_MANY_BROADCASTS)
_MANY_LIVE = Rule(fault=Fault.LIMIT, code=P.TOO_MANY_LIVE)
_STATE = Rule(fault=Fault.BAD_STATE, code=P.WRONG_STATE)
_PASSING = Rule(fault=Fault.UNREACHABLE, code=P.UNREACHABLE, passing=True, wait_s=5.0)
_CHAT = Rule(fault=Fault.BAD_STATE, code=P.CHAT_CLOSED)
_GONE = Rule(fault=Fault.NOT_FOUND, code=P.BROADCAST_GONE)
_MISSING = Rule(fault=Fault.NOT_FOUND, code=P.BROKEN)
_OURS = Rule(fault=Fault.BAD_INPUT, code=P.BROKEN)
_CAPTIONS = Rule(fault=Fault.BAD_INPUT, code=P.CAPTIONS_REFUSED)
_THUMBNAIL = Rule(fault=Fault.BAD_INPUT, code=P.THUMBNAIL_REFUSED)

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        # sign-in and project
        "authError": _SIGNED_OUT,
        "unauthorized": _SIGNED_OUT,
        "authorizationRequired": _SIGNED_OUT,
        "insufficientPermissions": _SCOPE,
        "accessNotConfigured": _API_OFF,
        "youtubeSignupRequired": _REFUSED,
        "accountClosed": _REFUSED,
        "accountSuspended": _REFUSED,
        "accountTerminated": _REFUSED,
        "channelClosed": _REFUSED,
        "channelSuspended": _REFUSED,
        "forbidden": _REFUSED,
        "userAccountSuspended": _REFUSED,
        # may it stream
        "liveStreamingNotEnabled": _NO_LIVE,
        "livePermissionBlocked": _NO_LIVE,
        "insufficientLivePermissions": _NO_LIVE,
        # how much
        "quotaExceeded": _QUOTA,
        "dailyLimitExceeded": _QUOTA,
        "rateLimitExceeded": _RATE,
        "userRateLimitExceeded": _RATE,
        "userRequestsExceedRateLimit": _RATE,
        "uploadRateLimitExceeded": Rule(fault=Fault.RATE, code=P.RATE_LIMITED, wait_s=MOST_PAUSE_S),
        "userBroadcastsExceedLimit": _MANY,
        "liveBroadcastsExceedLimit": _MANY,
        "concurrentBroadcastsExceedLimit": _MANY_LIVE,
        "sharedIngestionBroadcastsExceedLimit": _MANY_LIVE,
        # what was sent
        "titleRequired": _text("title"),
        "invalidTitle": _text("title"),
        "invalidDescription": _text("description"),
        "invalidVideoMetadata": _text("title or description"),
        "invalidTags": _text("tags"),
        "scheduledStartTimeRequired": _text("start"),
        "invalidScheduledStartTime": Rule(fault=Fault.BAD_INPUT, code=P.START_PAST),
        "invalidScheduledEndTime": _text("planned end"),
        "invalidResolution": _OURS,
        "ingestionTypeRequired": _OURS,
        "privacyStatusRequired": _text("visibility"),
        "invalidPrivacyStatus": _text("visibility"),
        "invalidAutoStart": _OURS,
        "invalidAutoStop": _OURS,
        "invalidLatencyPreferenceOptions": _OURS,
        "invalidEmbedSetting": Rule(fault=Fault.BAD_INPUT, code=P.NOT_ALLOWED),
        "idRequired": _OURS,
        "invalidCategoryId": _OURS,
        "invalidValue": _OURS,
        "invalidParameter": _OURS,
        "invalid": _OURS,
        "required": _OURS,
        "badRequest": _OURS,
        "parseError": _OURS,
        "missingRequiredParameter": _OURS,
        "incompatibleParameters": _OURS,
        "invalidPageToken": _OURS,
        "unexpectedPart": _OURS,
        "unknownPart": _OURS,
        "notImplemented": _OURS,
        "liveChatIdRequired": _OURS,
        "messageTextInvalid": _OURS,
        "messageTextRequired": _OURS,
        "pageTokenInvalid": _OURS,
        "typeRequired": _OURS,
        "playlistIdRequired": _OURS,
        "playlistTitleRequired": _OURS,
        "resourceIdRequired": _OURS,
        "invalidFilters": _OURS,
        "invalidPublishAt": _OURS,
        # where it is
        "errorStreamInactive": Rule(fault=Fault.NO_SIGNAL, code=P.NO_PICTURE),
        "invalidTransition": _STATE,
        "redundantTransition": _STATE,
        "liveBroadcastBindingNotAllowed": _STATE,
        "modificationNotAllowed": _STATE,
        "liveBroadcastDeletionNotAllowed": _STATE,
        "liveStreamDeletionNotAllowed": _STATE,
        "liveStreamModificationNotAllowed": _STATE,
        "liveBroadcastNotFound": _GONE,
        "liveStreamNotFound": _MISSING,
        "notFound": _MISSING,
        "errorExecutingTransition": _PASSING,
        "backendError": _PASSING,
        "internalError": _PASSING,
        "processingFailure": _PASSING,
        "SERVICE_UNAVAILABLE": _PASSING,
        "serviceUnavailable": _PASSING,
        # chat
        "liveChatDisabled": _CHAT,
        "liveChatEnded": _CHAT,
        "liveChatNotFound": Rule(fault=Fault.NOT_FOUND, code=P.CHAT_CLOSED),
        # video, captions, thumbnail, playlist
        "videoNotFound": Rule(fault=Fault.NOT_FOUND, code=P.VIDEO_NOT_READY, wait_s=60.0),
        "videoAlreadyInPlaylist": _STATE,
        "captionExists": _STATE,
        "manualSortRequired": _OURS,
        "playlistNotFound": _MISSING,
        "playlistItemNotFound": _MISSING,
        "playlistForbidden": _REFUSED,
        "playlistItemsNotAccessible": _REFUSED,
        "playlistContainsMaximumNumberOfVideos": Rule(fault=Fault.LIMIT, code=P.NOT_ALLOWED),
        "captionNotFound": Rule(fault=Fault.NOT_FOUND, code=P.CAPTIONS_REFUSED),
        "couldNotConvert": _CAPTIONS,
        "contentRequired": _CAPTIONS,
        "invalidMetadata": _CAPTIONS,
        "nameTooLong": _CAPTIONS,
        "invalidImage": _THUMBNAIL,
        "mediaBodyRequired": _THUMBNAIL,
    }
)
"""Every reason that Google documents for the calls we make, and some that are seen."""

_CLOSED_DOORS: Mapping[str, Rule] = MappingProxyType(
    {
        "thumbnails": Rule(fault=Fault.NOT_ALLOWED, code=P.THUMBNAIL_REFUSED),
        "captions": Rule(fault=Fault.NOT_ALLOWED, code=P.CAPTIONS_REFUSED),
        "liveChatMessages": Rule(fault=Fault.NOT_ALLOWED, code=P.CHAT_CLOSED),
    }
)
"""What a bare ``forbidden`` means, by the family of the call."""


_NOT_AT_ONCE = frozenset({Silence.NOT_CONNECTED.value, Silence.TIMED_OUT.value, Silence.CLOSED.value})
"""After these a read is not tried again within its call: nothing changes that fast, or enough time has passed."""


def parse_reason(body: bytes) -> str:
    """The platform's word in the body of an error answer; empty when it is a page, or broken."""
    try:
        error = json.loads(body)["error"]
        entries = error.get("errors") or ()
        reason = entries[0].get("reason") if entries else error.get("status")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return ""
    return reason if isinstance(reason, str) and reason.isascii() and reason.isprintable() and len(reason) <= 80 else ""


def decide_refusal(
    answer: Answer, *, call: str, writing: bool, now: datetime, quota_back_at: datetime | None = None
) -> PlatformError:
    """What an error answer means.

    Args:
        answer: as it came.
        call: which call, such as ``captions.insert``.
        writing: whether the call changes something there.
        now: the current instant.
        quota_back_at: when the next day of the quota begins.
    """
    rule = _rule(answer, call)
    retry_at = _parse_retry_after(answer.retry_after, now)
    if retry_at is None and rule.fault is Fault.QUOTA:
        retry_at = quota_back_at
    if retry_at is None and rule.wait_s is not None:
        retry_at = now + timedelta(seconds=rule.wait_s)
    reason = answer.reason or str(answer.status)
    if rule.passing and writing:
        return _error(Fault.UNKNOWN_OUTCOME, P.OUTCOME_UNKNOWN, reason=reason, retry_at=retry_at)
    details = {"field": rule.field} if rule.field else {"state": "in another state"}
    return _error(rule.fault, rule.code, reason=reason, retry_at=retry_at, details=details)


def decide_silence(silence: Silence, *, writing: bool, now: datetime) -> PlatformError:
    """What it means that no clear answer came."""
    retry_at = now + timedelta(seconds=5)
    if writing and silence not in {Silence.NOT_CONNECTED, Silence.CLOSED}:
        return _error(Fault.UNKNOWN_OUTCOME, P.OUTCOME_UNKNOWN, reason=silence.value, retry_at=retry_at)
    return _error(Fault.UNREACHABLE, P.UNREACHABLE, reason=silence.value, retry_at=retry_at)


def decide_bug(said: str) -> PlatformError:
    """A request of ours that is none: the library refused it before anything was sent."""
    return _error(Fault.BROKEN, P.BROKEN, reason=said)


def quota_error(quota_back_at: datetime) -> PlatformError:
    """The day's quota is used up, by our own count."""
    return _error(Fault.QUOTA, P.QUOTA_USED_UP, reason="ledger", retry_at=quota_back_at)


def plan_pause_s(error: PlatformError, tries: int, *, now: datetime, random: Callable[[], float]) -> float | None:
    """Seconds until a read is tried again within the same call; None: give up and let the caller know.

    Args:
        error: how the last try ended.
        tries: how many there were.
        now: the current instant.
        random: a number in [0, 1), for the jitter.
    """
    if tries >= READ_TRIES:
        return None
    if error.fault is Fault.RATE:
        grown_s = min(MOST_PAUSE_S, LEAST_PAUSE_S * 2.0**tries) * (0.5 + random() / 2)
        asked_s = (error.retry_at - now).total_seconds() if error.retry_at else 0.0
        return max(LEAST_PAUSE_S, grown_s, asked_s) if asked_s <= MOST_PAUSE_S else None
    if error.fault is Fault.UNREACHABLE and error.reason not in _NOT_AT_ONCE:
        return 3.0 ** (tries - 1) * (0.25 + random() / 4)
    return None


def _rule(answer: Answer, call: str) -> Rule:
    if answer.reason == "forbidden":
        return _CLOSED_DOORS.get(call.partition(".")[0], _REFUSED)
    rule = RULES.get(answer.reason)
    return rule if rule else _rule_of_status(answer.status)


def _rule_of_status(status: int) -> Rule:
    if status >= 500 or status in {408, 425}:
        return _PASSING
    if status < 400:
        return Rule(fault=Fault.UNREACHABLE, code=P.UNREACHABLE, wait_s=5.0)  # a portal or proxy answers in between
    known = {401: _SIGNED_OUT, 403: _REFUSED, 404: _MISSING, 409: _STATE, 410: _MISSING, 412: _STATE, 429: _RATE}
    return known.get(status, _OURS)


def _parse_retry_after(value: str, now: datetime) -> datetime | None:
    """The header ``Retry-After``, seconds or a date (RFC 9110, 10.2.3)."""
    try:
        if value.strip().isdecimal():
            return now + timedelta(seconds=min(int(value), 86_400))
        return min(now + timedelta(days=1), max(now, require_utc(parsedate_to_datetime(value))))
    except (ValueError, TypeError, BadInput):
        return None


def _error(
    fault: Fault,
    code: ProblemCode,
    *,
    reason: str,
    retry_at: datetime | None = None,
    details: Mapping[str, Any] | None = None,
) -> PlatformError:
    return make_error(fault, code, {**NAMES, **(details or {})}, reason=reason, retry_at=retry_at)
