"""Problems with a live platform, in words: one code each, with the sentence that a host reads and what to do.

Owns the list of everything that can go wrong between the hub and a platform, brand-neutral: the platform's name is
filled in. The English sentences are the message ids of the web catalogue, so that a host reads them in German as well.
Refuses to know when a problem arises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from streamhub.errors import Fault, PlatformError


class ProblemCode(StrEnum):
    """Everything that a host may have to be told."""

    NOT_CONNECTED = "not_connected"
    SIGNED_OUT = "signed_out"
    SIGNED_OUT_TESTING = "signed_out_testing"
    SIGN_IN_UNREADABLE = "sign_in_unreadable"
    WRONG_ACCOUNT = "wrong_account"
    SCOPE_MISSING = "scope_missing"
    API_OFF = "api_off"
    LIVE_NOT_ENABLED = "live_not_enabled"
    NOT_ALLOWED = "not_allowed"
    QUOTA_USED_UP = "quota_used_up"
    RATE_LIMITED = "rate_limited"
    TOO_MANY_BROADCASTS = "too_many_broadcasts"
    TOO_MANY_LIVE = "too_many_live"
    NO_PICTURE = "no_picture"
    WRONG_STATE = "wrong_state"
    OVER = "over"
    BAD_TEXT = "bad_text"
    START_PAST = "start_past"
    START_MOVED = "start_moved"
    START_TOO_FAR = "start_too_far"
    BROADCAST_GONE = "broadcast_gone"
    REVOKED = "revoked"
    CHANGED_THERE = "changed_there"
    UNREACHABLE = "unreachable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    CLOCK_WRONG = "clock_wrong"
    OTHER_HUB = "other_hub"
    CHAT_CLOSED = "chat_closed"
    CHAT_PAUSED = "chat_paused"
    THUMBNAIL_REFUSED = "thumbnail_refused"
    CAPTIONS_REFUSED = "captions_refused"
    CAPTIONS_TAKEN = "captions_taken"
    CHAPTERS_INVALID = "chapters_invalid"
    CHAPTERS_CLASH = "chapters_clash"
    DESCRIPTION_FULL = "description_full"
    VIDEO_NOT_READY = "video_not_ready"
    PROCESSING_FAILED = "processing_failed"
    VIDEO_SHORTER = "video_shorter"
    PULL_COOKIES = "pull_cookies"
    PULL_RUNTIME = "pull_runtime"
    PULL_BLOCKED = "pull_blocked"
    RELAY_DOWN = "relay_down"
    LIMIT_NEAR = "limit_near"
    ROLLED_OVER = "rolled_over"
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One problem, as it is stored and shown.

    Attributes:
        code: which.
        details: what its sentence is filled with: ``platform`` always, and what the sentence names; never a secret.
        retry_at: when the hub tries again by itself, UTC; None: it waits for a person, or for something to change.
    """

    code: ProblemCode
    details: Mapping[str, str] = field(default_factory=dict)
    retry_at: datetime | None = None


P = ProblemCode

SENTENCES: Mapping[ProblemCode, tuple[str, str]] = MappingProxyType(
    {
        P.NOT_CONNECTED: (
            "%(platform)s: no account is connected.",
            "Connect one: streamhub %(command)s connect.",
        ),
        P.SIGNED_OUT: (
            "%(platform)s: the sign-in ended or was revoked.",
            "Sign in again: streamhub %(command)s connect. The hub's own broadcast and recording go on.",
        ),
        P.SIGNED_OUT_TESTING: (
            "%(platform)s: the sign-in ended after %(days)s days, as it does for apps left in “Testing”.",
            "Sign in again: streamhub %(command)s connect. To end this, set the app to “In production” in its console.",
        ),
        P.SIGN_IN_UNREADABLE: (
            "%(platform)s: the sign-in that is kept cannot be used (%(reason)s).",
            "Sign in again: streamhub %(command)s connect.",
        ),
        P.WRONG_ACCOUNT: (
            "%(platform)s: this is the account %(seen)s, but the hub's broadcasts are on %(expected)s.",
            "Sign in with the other account, or confirm the change: streamhub %(command)s connect --change-account.",
        ),
        P.SCOPE_MISSING: (
            "%(platform)s: the sign-in does not allow this.",
            "Sign in again and leave every box ticked: streamhub %(command)s connect.",
        ),
        P.API_OFF: (
            "%(platform)s: the programming interface is switched off in your project.",
            "Switch it on in the console of the project that the client file belongs to, then wait a few minutes.",
        ),
        P.LIVE_NOT_ENABLED: (
            "%(platform)s: live streaming is not enabled for this channel.",
            "Enable it in the channel's features; the first time it can take 24 hours. Until then the hub shows it.",
        ),
        P.NOT_ALLOWED: (
            "%(platform)s: does not allow this to the channel (%(reason)s).",
            "Look at the channel's status there. The hub's own broadcast and recording go on.",
        ),
        P.QUOTA_USED_UP: (
            "%(platform)s: today's quota is used up.",
            "It starts anew at midnight Pacific time. What is live there stays live; start and end by hand there.",
        ),
        P.RATE_LIMITED: (
            "%(platform)s: asks for fewer requests for a moment.",
            "Nothing to do; the hub tries again by itself.",
        ),
        P.TOO_MANY_BROADCASTS: (
            "%(platform)s: refuses another broadcast; the channel has reached a limit.",
            "Delete planned broadcasts that are not needed any more, or wait until tomorrow.",
        ),
        P.TOO_MANY_LIVE: (
            "%(platform)s: too many broadcasts of this channel are live at once.",
            "End the forgotten one there.",
        ),
        P.NO_PICTURE: (
            "%(platform)s: no picture arrives there.",
            "Look at the encoder and at the signal below; the hub goes on trying.",
        ),
        P.WRONG_STATE: (
            "%(platform)s: the broadcast is %(state)s there, so this step is not possible.",
            "Look at it there; the hub follows what it finds.",
        ),
        P.OVER: (
            "%(platform)s: this broadcast is over there.",
            "Let the hub make a new one if the session goes on.",
        ),
        P.BAD_TEXT: (
            "%(platform)s: refuses the %(field)s.",
            "Change the session's title or description.",
        ),
        P.START_PAST: (
            "%(platform)s: the planned start is in the past.",
            "Move the session to a later time.",
        ),
        P.START_MOVED: (
            "%(platform)s: the planned start had passed, so the broadcast there was planned for %(start)s.",
            "Nothing to do, unless the session is to be moved.",
        ),
        P.START_TOO_FAR: (
            "%(platform)s: does not take a start so far ahead yet.",
            "Nothing to do; the hub plans it there later.",
        ),
        P.BROADCAST_GONE: (
            "%(platform)s: the broadcast was deleted there.",
            "Choose “make it again” if that was not meant.",
        ),
        P.REVOKED: (
            "%(platform)s: has taken the broadcast down.",
            "Look at the channel's status there. The hub makes no new one by itself.",
        ),
        P.CHANGED_THERE: (
            "%(platform)s: %(fields)s changed there by hand.",
            "The hub leaves the change alone until the session is changed here.",
        ),
        P.UNREACHABLE: (
            "%(platform)s: does not answer.",
            "The hub tries again by itself; its own broadcast and recording go on.",
        ),
        P.OUTCOME_UNKNOWN: (
            "%(platform)s: gave no clear answer; the hub looks what became of it.",
            "Nothing to do; nothing is done twice.",
        ),
        P.CLOCK_WRONG: (
            "This machine's clock is %(minutes)s minutes off.",
            "Set it right, better switch on time synchronisation; until then starts and sign-ins fail.",
        ),
        P.OTHER_HUB: (
            "%(platform)s: another hub plans broadcasts on this channel too.",
            "Give each hub a channel of its own, or stop the other one.",
        ),
        P.CHAT_CLOSED: (
            "%(platform)s: the live chat is switched off or over.",
            "Questions come in by the hub's own page.",
        ),
        P.CHAT_PAUSED: (
            "%(platform)s: the live chat is not read for now, to keep quota for starting and ending.",
            "Questions come in by the hub's own page. Reading begins anew at midnight Pacific time.",
        ),
        P.THUMBNAIL_REFUSED: (
            "%(platform)s: refuses our thumbnail.",
            "Allow custom thumbnails in the channel's features (phone verification).",
        ),
        P.CAPTIONS_REFUSED: (
            "%(platform)s: refuses the captions (%(reason)s).",
            "Sign in again and leave every box ticked: streamhub %(command)s connect.",
        ),
        P.CAPTIONS_TAKEN: (
            "%(platform)s: captions of a person's are there already (%(language)s).",
            "They are left alone. Give them a name there if the hub's are wanted beside them.",
        ),
        P.CHAPTERS_INVALID: (
            "%(platform)s: there are too few answers for chapters (%(reason)s).",
            "Nothing to do; the description stays without chapters.",
        ),
        P.CHAPTERS_CLASH: (
            "%(platform)s: a line of the description begins with a time (“%(line)s”), which would spoil the chapters.",
            "Write the time elsewhere in that line there; the hub adds the chapters the next time.",
        ),
        P.DESCRIPTION_FULL: (
            "%(platform)s: the description leaves no room for our chapters.",
            "Shorten it there; the hub adds them the next time.",
        ),
        P.VIDEO_NOT_READY: (
            "%(platform)s: is still processing the video.",
            "Nothing to do; the hub looks again by itself.",
        ),
        P.PROCESSING_FAILED: (
            "%(platform)s: could not process the video (%(reason)s).",
            "The hub's own recording is the published one.",
        ),
        P.VIDEO_SHORTER: (
            "%(platform)s: the video is %(seconds)s s shorter than the broadcast was.",
            "If it was cut there, correct its clock in the session's archive file; links may miss their second.",
        ),
        P.PULL_COOKIES: (
            "%(platform)s: gives out the video only to somebody who is signed in; the cookies are missing or stale.",
            "Export fresh cookies, or download the video there and drop it into the inbox. The hub waits for a day.",
        ),
        P.PULL_RUNTIME: (
            "%(platform)s: the video cannot be fetched without a JavaScript runtime.",
            "Install deno 2 or newer, or download the video there and drop it into the inbox. The hub waits for a day.",
        ),
        P.PULL_BLOCKED: (
            "%(platform)s: refuses to give out the video (%(reason)s).",
            "Download the video there and drop it into the inbox. The hub waits for a day.",
        ),
        P.RELAY_DOWN: (
            "%(platform)s: the picture does not get through from the hub; it tries again by itself.",
            "The recording is not affected. Look at the hub's connection to the internet.",
        ),
        P.LIMIT_NEAR: (
            "%(platform)s: keeps no recording of broadcasts over 12 hours; at %(at)s the hub goes on in a new one.",
            "End the session before that, if it is to be one video.",
        ),
        P.ROLLED_OVER: (
            "%(platform)s: the broadcast goes on as part %(part)s, because longer ones are not kept.",
            "Share the new address; the session's page leads there.",
        ),
        P.BROKEN: (
            "%(platform)s: something unexpected happened (%(reason)s).",
            "Look at the hub's log; its own broadcast and recording go on.",
        ),
    }
)


class _Filled(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def fill(sentence: str, details: Mapping[str, str]) -> str:
    """Fill a sentence, in whatever language; what is missing is shown as a question mark."""
    return sentence % _Filled(details)


def say_problem(problem: Problem) -> tuple[str, str]:
    """What happened and what to do, in English, for logs and the command line."""
    what, advice = SENTENCES[problem.code]
    return fill(what, problem.details), fill(advice, problem.details)


def make_error(
    fault: Fault, code: ProblemCode, details: Mapping[str, str], *, reason: str = "", retry_at: datetime | None = None
) -> PlatformError:
    """The error that carries a problem; ``details`` holds ``platform`` and what the sentence names."""
    filled = {"reason": reason or "?", **details}
    message, hint = say_problem(Problem(code=code, details=filled))
    return PlatformError(
        message, hint=hint, fault=fault, code=code.value, details=filled, reason=reason, retry_at=retry_at
    )


def problem_of(error: PlatformError) -> Problem:
    """The problem that an error carries."""
    return Problem(code=ProblemCode(error.code), details=error.details, retry_at=error.retry_at)
