"""What a test may turn on the counterpart, with what it is by default."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.fakes.youtube.records import Consent


def _default_costs() -> dict[str, int]:
    return {
        **{f"liveBroadcasts.{verb}": 50 for verb in ("insert", "update", "bind", "transition", "delete")},
        **{f"liveStreams.{verb}": 50 for verb in ("insert", "update", "delete")},
        **{f"playlists.{verb}": 50 for verb in ("insert", "update", "delete")},
        **{f"playlistItems.{verb}": 50 for verb in ("insert", "update", "delete")},
        "captions.list": 50,
        "captions.insert": 400,
        "captions.update": 450,
        "captions.delete": 50,
        "captions.download": 200,
        "thumbnails.set": 50,
        "videos.update": 50,
        "videos.delete": 50,
        "liveChatMessages.list": 5,
        "liveChatMessages.insert": 20,
    }


@dataclass(kw_only=True, eq=False, repr=False)
class Knobs:
    """What a test may set at any time.

    Attributes:
        async_polls: how many times `liveBroadcasts.list` shows testStarting or liveStarting before the state is there.
        list_lag_s: seconds during which lists do not show what was just inserted.
        horizon_days: how far ahead a start may be; None for any.
        max_broadcasts: planned and running broadcasts per channel; None for any number.
        max_live: broadcasts that may be live at once per channel.
        max_live_per_stream: broadcasts that may be live at once on one stream.
        live_enabled: False: every write refuses with liveStreamingNotEnabled, and so does `liveBroadcasts.list`.
        complete_from_testing: whether a rehearsal can be completed without going live (nobody has verified it).
        auto_stop_s: seconds of silence after which enableAutoStop ends a broadcast.
        day_units: quota of a day; None for endless.
        costs: units by method; 1 for the rest.
        processing_polls: how often `videos.list` says "processing" after the end.
        processing_s: how long at least it says so.
        playlist_lag_s: seconds after the end during which playlists do not find the video.
        thumbnail_max_bytes: size that thumbnails.set takes.
        polling_interval_ms: what the chat asks for between polls.
        strict_chat_pace: whether a poll before that is refused with rateLimitExceeded.
        chat_polls_after_end: polls that still answer, with offlineAt, before liveChatEnded.
        token_life_s: how long an access token is good.
        testing_app: whether the app is in "Testing": refresh tokens then die after seven days, and their age is told.
        consent: what the person in the browser does.
        viewers: what concurrentViewers says while live; None leaves it out.
        clock_shift_s: how far the counterpart's clock is from ours.
    """

    async_polls: int = 1
    list_lag_s: float = 0.0
    horizon_days: float | None = None
    max_broadcasts: int | None = None
    max_live: int | None = None
    max_live_per_stream: int | None = 1
    live_enabled: bool = True
    complete_from_testing: bool = False
    auto_stop_s: float = 60.0
    day_units: int | None = None
    costs: dict[str, int] = field(default_factory=_default_costs)
    processing_polls: int = 1
    processing_s: float = 0.0
    playlist_lag_s: float = 0.0
    thumbnail_max_bytes: int = 2 * 2**20
    polling_interval_ms: int = 1000
    strict_chat_pace: bool = False
    chat_polls_after_end: int = 1
    token_life_s: float = 3599.0
    testing_app: bool = False
    consent: Consent = field(default_factory=Consent)
    viewers: int | None = None
    clock_shift_s: float = 0.0
