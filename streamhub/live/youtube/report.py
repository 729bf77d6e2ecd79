"""What the command line and the doctor say about the sign-in and the quota, as plain values.

Owns the sentence about apps left in "Testing" and the sums of a day. Refuses to know how it is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from streamhub.errors import StreamhubError
from streamhub.live.platform import Phase
from streamhub.live.quota import Budget, Priority, plan_interval_s
from streamhub.live.rules import plan_look_s, plan_signal_s
from streamhub.live.youtube.ledger import Ledger
from streamhub.live.youtube.sign_in import SCOPE
from streamhub.live.youtube.token import Grant, TokenKeeper
from streamhub.live.youtube.transport import OneShotHttp
from streamhub.schedule.show import Session, SessionState
from streamhub.timecode import Now, format_instant

TESTING = (
    "As long as the app stands on “Testing” in its Google Cloud project, Google ends every sign-in after seven days; "
    "set it to “In production” (consent screen, audience) to end that."
)
TESTING_DAYS = 7
CHAT_LEAST_S = 15.0
"""The chat is asked at most so often, whatever the platform allows."""

_CHAT_BEFORE_MINUTES = 30
_WATCH_BEFORE_S = 600.0
_PLANNING = "plan"
_ONCE: Mapping[str, tuple[str, ...]] = {
    _PLANNING: ("liveBroadcasts.insert", "liveBroadcasts.bind"),
    "rehearse, go live, end": ("liveBroadcasts.transition",) * 3,
    "title, times, texts": ("liveBroadcasts.update",) * 2,
    "thumbnail": ("thumbnails.set",),
    "chapters": ("videos.list", "videos.update"),
    "playlist": ("playlistItems.list", "playlistItems.insert"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInReport:
    """The sign-in, for people.

    Attributes:
        connected: whether somebody is signed in.
        account: the channel's title; empty when nobody is.
        channel_id: the platform's id of it.
        age_days: how long ago it was allowed; 0 when nobody is.
        scopes: what was allowed.
        place: where it is kept.
        problem: why what is kept cannot be used; empty when it can.
        advice: what to do; empty when there is nothing.
        notice: the plain sentence about apps left in "Testing", while the sign-in may still end by that.
        ends_at: when it ends by itself, where the platform has said so, UTC.
    """

    connected: bool
    account: str = ""
    channel_id: str = ""
    age_days: int = 0
    scopes: tuple[str, ...] = ()
    place: str = ""
    problem: str = ""
    advice: str = ""
    notice: str = ""
    ends_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of the day's plan.

    Attributes:
        what: what it is for.
        units: what it costs.
        session_id: for which session; empty for what was spent already.
        calls: how many calls.
    """

    what: str
    units: int
    session_id: str = ""
    calls: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DayPlan:
    """A day of the quota.

    Attributes:
        units: of the whole day.
        used: spent already.
        spent: by call, the dearest first.
        planned: what the sessions that still come today will cost, without their chat.
        chat_minutes: how long their chats will be open.
        chat_interval_s: seconds between two looks at a chat, so that the day lasts; 0 when there is no chat to come.
        chat_units: what that costs.
        left: what remains after all of it; negative: the day does not suffice.
        ends_at: when the next day begins, UTC.
    """

    units: int
    used: int
    spent: tuple[Line, ...]
    planned: tuple[Line, ...]
    chat_minutes: int
    chat_interval_s: float
    chat_units: int
    left: int
    ends_at: datetime


def describe_sign_in(keeper: TokenKeeper, now: Now) -> SignInReport:
    """What is kept, without asking the platform; never raises for what is wrong with it."""
    try:
        grant = keeper.load()
    except StreamhubError as error:
        return SignInReport(connected=False, place=keeper.place, problem=error.message, advice=error.hint)
    if grant is None:
        return SignInReport(
            connected=False, place=keeper.place, problem="nobody is signed in", advice="run: streamhub youtube connect"
        )
    account = grant.account
    age_days = max(0, (now() - account.granted_at).days)
    problem = advice = ""
    if account.ends_at and account.ends_at <= now():
        problem = f"the sign-in ended by itself on {account.ends_at:%Y-%m-%d %H:%M} UTC"
        advice = f"sign in again: streamhub youtube connect. {TESTING}"
    elif SCOPE not in account.scopes:
        problem = "the sign-in allows too little for captions and chat"
        advice = "sign in again and leave every box ticked: streamhub youtube connect"
    return SignInReport(
        connected=True,
        account=account.channel_title,
        channel_id=account.channel_id,
        age_days=age_days,
        scopes=account.scopes,
        place=keeper.place,
        problem=problem,
        advice=advice,
        notice=TESTING if age_days <= TESTING_DAYS or account.ends_at else "",
        ends_at=account.ends_at,
    )


def disconnect(keeper: TokenKeeper, *, timeout_s: float = 10.0) -> tuple[bool, bool]:
    """Forget the sign-in here, and take it back there; blocks.

    Returns:
        Whether there was one, and whether the platform has taken it back; if not, the person can do that at
        myaccount.google.com/permissions.
    """
    try:
        grant = keeper.load()
    except StreamhubError:
        grant = None
    taken_back = grant is not None and _revoke(grant, timeout_s)
    return keeper.forget(), taken_back


def _revoke(grant: Grant, timeout_s: float) -> bool:
    """Take a grant back (RFC 7009); Google's address for it stands beside the one for tokens."""
    from urllib.parse import urlencode

    token = urlsplit(grant.client.token_uri)
    address = urlunsplit((token.scheme, token.netloc, token.path.removesuffix("token") + "revoke", "", ""))
    http = OneShotHttp(timeout_s=timeout_s)
    try:
        response, _ = http.request(
            address,
            "POST",
            body=urlencode({"token": str(grant.refresh_token)}),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
    except OSError:
        return False
    finally:
        http.close()
    return bool(response.status == 200)


async def plan_today(
    ledger: Ledger,
    sessions: Iterable[Session],
    *,
    now: Now,
    chat: bool = True,
    languages: int = 1,
    there: frozenset[str] = frozenset(),
) -> DayPlan:
    """The day as it was and as it will be; see `plan_day`."""
    rows = await ledger.spent()
    spent = tuple(Line(what=row["call"], units=row["units"], calls=row["calls"]) for row in rows)
    return plan_day(ledger.budget, spent, sessions, at=now(), chat=chat, languages=languages, there=there)


def plan_day(
    budget: Budget,
    spent: tuple[Line, ...],
    sessions: Iterable[Session],
    *,
    at: datetime,
    chat: bool = True,
    languages: int = 1,
    there: frozenset[str] = frozenset(),
) -> DayPlan:
    """What the rest of the quota's day will cost.

    Args:
        budget: what a day may cost.
        spent: what was spent today, by call.
        sessions: those on the platform; only what falls into the rest of today counts.
        at: the current instant.
        chat: whether chats are read.
        languages: caption tracks that each session will have.
        there: ids of the sessions whose broadcast is planned there already.
    """
    ends_at = budget.next_day_at(at)
    today = [session for session in sessions if session.ends_at > at and session.starts_at < ends_at]
    planned = tuple(
        line for session in today for line in _lines(budget, session, languages, planned=session.id in there)
    )
    used = sum(line.units for line in spent)
    to_come = sum(line.units for line in planned)
    chat_s = sum(_open_s(session, at, ends_at) for session in today) if chat else 0.0
    cost = budget.cost("liveChatMessages.list")
    left_for_chat = max(0, budget.left(used, Priority.CHAT) - to_come)
    interval_s = plan_interval_s(left_for_chat, cost, chat_s, least_s=CHAT_LEAST_S) if chat_s else 0.0
    chat_units = min(left_for_chat, round(chat_s / interval_s) * cost) if interval_s else 0
    return DayPlan(
        units=budget.units,
        used=used,
        spent=spent,
        planned=planned,
        chat_minutes=round(chat_s / 60),
        chat_interval_s=interval_s,
        chat_units=chat_units,
        left=budget.units - used - to_come - chat_units,
        ends_at=ends_at,
    )


def estimate_session(budget: Budget, session: Session, *, languages: int = 1) -> int:
    """What a session costs beside its chat, from planning to captions."""
    return sum(line.units for line in _lines(budget, session, languages, planned=False))


def day_json(plan: DayPlan) -> dict[str, Any]:
    """The plan as it is printed with ``--json``."""
    return {
        "units": plan.units,
        "used": plan.used,
        "spent": [{"call": line.what, "calls": line.calls, "units": line.units} for line in plan.spent],
        "planned": [{"session": line.session_id, "what": line.what, "units": line.units} for line in plan.planned],
        "chat": {"minutes": plan.chat_minutes, "interval_s": round(plan.chat_interval_s, 1), "units": plan.chat_units},
        "left": plan.left,
        "ends_at": format_instant(plan.ends_at),
    }


def say_day(plan: DayPlan) -> list[str]:
    """The plan in lines for people."""
    lines = [f"{plan.used} of {plan.units} units are spent; the day ends at {plan.ends_at:%Y-%m-%d %H:%M} UTC"]
    lines += [f"  {line.units:>6}  {line.what} ({line.calls} calls)" for line in plan.spent]
    by_session: dict[str, list[Line]] = {}
    for line in plan.planned:
        by_session.setdefault(line.session_id, []).append(line)
    for session_id, parts in by_session.items():
        lines.append(f"{sum(part.units for part in parts):>8}  still to come: {session_id}")
        lines += [f"  {part.units:>6}    {part.what}" for part in parts]
    if plan.chat_minutes:
        lines.append(f"{plan.chat_units:>8}  chat: {plan.chat_minutes} min, a look every {plan.chat_interval_s:.0f} s")
    lines.append(f"{plan.left:>8}  left" + ("" if plan.left >= 0 else ": the day does not suffice"))
    return lines


def _lines(budget: Budget, session: Session, languages: int, *, planned: bool) -> list[Line]:
    looks, signals = _watch(session.planned_minutes * 60.0)
    watched = looks * budget.cost("liveBroadcasts.list") + signals * budget.cost("liveStreams.list")
    once = [
        Line(session_id=session.id, what=what, units=sum(map(budget.cost, calls)), calls=len(calls))
        for what, calls in _ONCE.items()
        if not (planned and what == _PLANNING)
    ]
    captions = budget.cost("captions.list") + languages * budget.cost("captions.insert")
    return [
        *once,
        Line(session_id=session.id, what="captions", units=captions, calls=1 + languages),
        Line(session_id=session.id, what="looking at state and signal", units=watched, calls=looks + signals),
    ]


def _watch(live_s: float) -> tuple[int, int]:
    """How often a broadcast and its stream are looked at, from ten minutes before the start to the end.

    A look at a broadcast is one at its stream too; the signal is looked at in between.
    """
    before, live = (SessionState.OPEN, Phase.WAITING), (SessionState.LIVE, Phase.LIVE)
    looks = _WATCH_BEFORE_S / plan_look_s(*before, until_start_s=_WATCH_BEFORE_S / 2)
    looks += live_s / plan_look_s(*live, until_start_s=-1.0)
    signals = _WATCH_BEFORE_S / (plan_signal_s(*before, until_start_s=_WATCH_BEFORE_S / 2) or _WATCH_BEFORE_S)
    signals += live_s / (plan_signal_s(*live, until_start_s=-1.0) or live_s)
    return round(looks), round(looks) + round(signals)


def _open_s(session: Session, at: datetime, ends_at: datetime) -> float:
    """Seconds of the chat within the rest of the day."""
    begin = max(at, session.starts_at - timedelta(minutes=_CHAT_BEFORE_MINUTES))
    return max(0.0, (min(session.ends_at, ends_at) - begin).total_seconds())
