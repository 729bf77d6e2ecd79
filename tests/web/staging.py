"""Records of a platform as tests put them on stage: a calm evening, an evening with trouble, the day after."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from streamhub.live.platform import Phase, Signal
from streamhub.live.problem import Problem, ProblemCode
from streamhub.live.video import Chapter, VideoState
from streamhub.questions.intake import Standing
from streamhub.recording.matching import Candidate, InboxCode, InboxItem, InboxState, Reason
from streamhub.web.platform_views import (
    AccountView,
    ChatLine,
    ChatState,
    ChatView,
    EffectState,
    EffectView,
    PlatformView,
    QuotaLine,
    QuotaView,
    RelayState,
    RelayView,
    VideosView,
    VideoView,
    WatchPlace,
)

HOSTILE = "</title></textarea><script>window.hacked=1</script>\u202egnirts 😀 \"'><img src=x onerror=window.hacked=1>"
TUBE = {"platform": "Tube & Co", "command": "tube"}
URL = "https://tube.example/watch?v=a1B2c3D4e5F"


def problem_like(code: ProblemCode, *, retry_at: datetime | None = None, **details: str) -> Problem:
    """A problem of our platform."""
    return Problem(code=code, details={**TUBE, **details}, retry_at=retry_at)


def calm_platform(now: datetime) -> PlatformView:
    """All is well, and it is live."""
    return PlatformView(
        name="Tube & Co",
        phase=Phase.LIVE,
        native_state="live",
        watch_url=URL,
        signal=Signal(receiving=True, quality="good"),
        relay=RelayView(state=RelayState.SENDING, since=now - timedelta(minutes=12), restarts=1),
        seen_at=now - timedelta(seconds=20),
    )


def troubled_platform(now: datetime, *, text: str = "bitrateLow: send at least 2500 kbit/s") -> PlatformView:
    """The broadcast is gone and the relay fails."""
    return PlatformView(
        name="Tube & Co",
        phase=Phase.LOST,
        native_state=text[:60],
        watch_url=URL,
        part=2,
        signal=Signal(receiving=True, quality="bad", issues=(text, "audioCodec: unknown")),
        relay=RelayView(state=RelayState.FAILING, since=now - timedelta(minutes=2), restarts=7),
        seen_at=now - timedelta(days=1),
        problem=problem_like(ProblemCode.BROADCAST_GONE, retry_at=now + timedelta(minutes=5)),
    )


def direct_platform(now: datetime) -> PlatformView:
    """The encoder pushes past the hub."""
    return PlatformView(
        name="Tube & Co",
        phase=Phase.WAITING,
        native_state="ready",
        watch_url=URL,
        direct=True,
        signal=Signal(receiving=False, quality="none"),
        seen_at=now,
    )


DESCRIPTION = [
    "Frag die Runde, Folge 7.",
    "",
    "Ihre Fragen: https://hub.example.org/s/2027-03-02-netz",
    "Alle Antworten stehen im Archiv.",
    "",
    "Alte Zeile, die weg soll",
    "",
    "Redaktion: Jana Weber",
    "Impressum: example.org/impressum",
    "Musik: keine",
    "Danke fürs Zusehen!",
]


def kept_videos(*, title: str = "Wie lange dauert es, bis Glasfaser liegt?") -> VideosView:
    """The day after: a video with captions, and a description that would change."""
    chapters = (
        Chapter(at_ms=0, title="Beginn"),
        Chapter(at_ms=95_000, title=title),
        Chapter(at_ms=612_000, title="Was tun bei Störungen?"),
    )
    block = [f"{chapter.at_ms // 60_000}:{chapter.at_ms // 1000 % 60:02d} {chapter.title}" for chapter in chapters]
    after = [*DESCRIPTION[:5], *block, *DESCRIPTION[6:]]
    video = VideoView(
        state=VideoState.READY,
        watch_url=URL,
        duration_ms=5_025_000,
        captions=(
            EffectView(name="de", state=EffectState.THERE),
            EffectView(name="en", problem=problem_like(ProblemCode.CAPTIONS_REFUSED, reason="forbidden")),
        ),
        thumbnail=EffectView(state=EffectState.OUTDATED),
        playlist=EffectView(name="Frag die Runde"),
        before="\n".join(DESCRIPTION),
        after="\n".join(after),
        chapters=chapters,
        problems=(problem_like(ProblemCode.VIDEO_SHORTER, seconds="74"),),
    )
    return VideosView(name="Tube & Co", videos=(video,))


def busy_chat(now: datetime, *, text: str = "Gilt das auch für Mieter?", author: str = "Ada L.") -> ChatView:
    """A chat with a moderator, a taken line and a plain one."""
    lines = (
        ChatLine(ref="l3", author=author, text=text, at=now - timedelta(seconds=8)),
        ChatLine(
            ref="l2",
            author="Ole Brandt",
            standing=Standing.MODERATOR,
            text="Fragen bitte mit !frage beginnen.",
            at=now - timedelta(seconds=40),
        ),
        ChatLine(ref="l1", author="tom_99", text="!frage Wann kommt 5G?", at=now - timedelta(minutes=2), taken=True),
    )
    return ChatView(state=ChatState.READING, interval_s=15.0, lines=lines)


def signed_in(now: datetime, *, days: int = 6, name: str = "Kanal der Runde", **problems: ProblemCode) -> AccountView:
    """An account with a day's quota."""
    lines = (
        QuotaLine(call="liveChatMessages.list", calls=212, units=1060),
        QuotaLine(call="liveBroadcasts.insert", calls=2, units=100),
    )
    quota = QuotaView(spent=1160, units=10_000, reserved=300, resets_at=now + timedelta(hours=9), lines=lines)
    return AccountView(
        platform="tube",
        name="Tube & Co",
        account=name,
        signed_in_at=now - timedelta(days=days, hours=2),
        scopes=("youtube.force-ssl",),
        quota=quota,
        problems=tuple(problem_like(code) for code in problems.values()),
    )


def dropped(now: datetime, session_id: str, *, name: str = "Frag die Runde 2027-03-02 (1080p).mp4") -> list[InboxItem]:
    """Files in all sorts of trouble, one that is being taken, and one that nobody can use."""
    title = "Verträge, die man versteht"
    free = Candidate(
        session_id=session_id,
        title=title,
        started_at=now - timedelta(days=1),
        reasons=(Reason.SAME_TITLE, Reason.OTHER_LENGTH),
    )
    part = replace(free, part=2, parts=3, reasons=(Reason.SAME_DATE,))
    taken = replace(free, reasons=(Reason.SAME_ID, Reason.HAS_RECORDING))
    cut = {"seen": "1:02:03", "expected": "1:23:45"}
    told: list[tuple[InboxState, InboxCode, dict[str, str], tuple[Candidate, ...]]] = [
        (InboxState.GROWING, InboxCode.GROWING, {}, ()),
        (InboxState.WAITING, InboxCode.SEVERAL_FIT, {}, (free, part)),
        (InboxState.WAITING, InboxCode.OTHER_LENGTH, cut, (free,)),
        (InboxState.WAITING, InboxCode.HAS_RECORDING, {}, (taken,)),
        (InboxState.WAITING, InboxCode.NOTHING_FITS, {}, ()),
        (InboxState.WAITING, InboxCode.DESCRIPTION, {}, ()),
        (InboxState.TAKING, InboxCode.TAKING, {}, (free,)),
        (InboxState.FAILED, InboxCode.TRY_LATER, {"reason": "no space left"}, (free,)),
        (InboxState.REFUSED, InboxCode.NO_MEDIA, {"reason": "moov atom not found"}, ()),
    ]
    return [
        InboxItem(
            name=f"{number} {name}",
            size_bytes=1_432_000_000,
            duration_ms=3_723_000 if candidates else 0,
            state=state,
            code=code,
            details={"title": title, **details},
            candidates=candidates,
            progress=0.4 if state is InboxState.TAKING else 0.0,
        )
        for number, (state, code, details, candidates) in enumerate(told, start=1)
    ]


def watch_place(url: str = URL) -> WatchPlace:
    """Where the public watches."""
    return WatchPlace(name="Tube & Co", url=url)
