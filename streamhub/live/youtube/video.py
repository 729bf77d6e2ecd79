"""A video as YouTube's JSON tells of it. Pure.

Owns the reading of states, times and lengths. ``snippet.liveBroadcastContent`` can be stale, so it is not looked at.
Source: developers.google.com/youtube/v3/docs/videos.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from streamhub.errors import BadInput
from streamhub.live.video import Video, VideoState
from streamhub.timecode import parse_instant

WATCH_URL = "https://www.youtube.com/watch?v="
VIDEO_PARTS = "id,snippet,status,contentDetails,processingDetails,liveStreamingDetails"
_LENGTH = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def parse_video(ref: str, item: Mapping[str, Any] | None) -> Video:
    """A video from its item; without one it is gone."""
    if item is None:
        return Video(ref=ref, state=VideoState.GONE, watch_url=f"{WATCH_URL}{ref}", title="", description="")
    snippet, live = item.get("snippet", {}), item.get("liveStreamingDetails", {})
    duration_ms = parse_length(item.get("contentDetails", {}).get("duration", ""))
    ended_at = _instant(live.get("actualEndTime"))
    state, reason = _state(item.get("status", {}), item.get("processingDetails", {}))
    if state is VideoState.READY and not duration_ms:
        state = VideoState.PROCESSING
    if live and ended_at is None and state in {VideoState.READY, VideoState.PROCESSING}:
        state = VideoState.NONE
    return Video(
        ref=ref,
        state=state,
        watch_url=f"{WATCH_URL}{ref}",
        title=snippet.get("title", ""),
        description=snippet.get("description", ""),
        duration_ms=duration_ms,
        started_at=_instant(live.get("actualStartTime")),
        ended_at=ended_at,
        reason=reason,
    )


def _state(status: Mapping[str, Any], processing: Mapping[str, Any]) -> tuple[VideoState, str]:
    upload, progress = status.get("uploadStatus", ""), processing.get("processingStatus", "")
    if upload == "deleted":
        return VideoState.GONE, ""
    if upload in {"failed", "rejected"}:
        return VideoState.FAILED, status.get("failureReason") or status.get("rejectionReason") or upload
    if progress in {"failed", "terminated"}:
        return VideoState.FAILED, processing.get("processingFailureReason") or progress
    if progress == "succeeded" or (upload == "processed" and not progress):
        return VideoState.READY, ""
    return VideoState.PROCESSING, ""


def parse_length(text: str) -> int:
    """A length like ``PT1H2M3S`` (ISO 8601) in milliseconds; 0 for what is none, as while a video is live."""
    match = _LENGTH.fullmatch(text)
    if not match:
        return 0
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000


def _instant(text: str | None) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except BadInput:
        return None
