"""How a broadcast looks on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fakes.youtube.records import Broadcast, to_wire_time
from tests.fakes.youtube.request import show

Json = dict[str, Any]

_CONTENT_DEFAULTS: Json = {
    "enableAutoStart": False,
    "enableAutoStop": False,
    "enableClosedCaptions": False,
    "closedCaptionsType": "closedCaptionsDisabled",
    "enableContentEncryption": False,
    "enableDvr": True,
    "enableEmbed": True,
    "enableLowLatency": False,
    "latencyPreference": "normal",
    "projection": "rectangular",
    "stereoLayout": "mono",
    "recordFromStart": True,
    "startWithSlate": False,
}


def merge_content(sent: Json) -> Json:
    """A whole contentDetails: what was sent, and the defaults of what was not."""
    monitor = {"enableMonitorStream": True, "broadcastStreamDelayMs": 0} | dict(sent.get("monitorStream") or {})
    monitor.pop("embedHtml", None)
    return _CONTENT_DEFAULTS | {k: v for k, v in sent.items() if not k.startswith("bound")} | {"monitorStream": monitor}


def render(broadcast: Broadcast, parts: Sequence[str]) -> Json:
    return show(
        "liveBroadcast",
        broadcast.id,
        parts,
        {
            "snippet": lambda: _snippet(broadcast),
            "status": lambda: _status(broadcast),
            "contentDetails": lambda: _content(broadcast),
            "statistics": dict,
            "monetizationDetails": dict,
        },
    )


def _snippet(broadcast: Broadcast) -> Json:
    video = broadcast.video
    snippet: Json = {
        "publishedAt": to_wire_time(video.published_at),
        "channelId": broadcast.channel_id,
        "title": video.title,
        "description": video.description,
        "scheduledStartTime": to_wire_time(broadcast.starts_at),
        "isDefaultBroadcast": broadcast.persistent,
        "categoryId": video.category_id,
        "thumbnails": {"default": {"url": f"https://i.ytimg.com/vi/{video.id}/default_live.jpg"}},
    }
    times = {
        "scheduledEndTime": broadcast.ends_at,
        "actualStartTime": broadcast.started_at,
        "actualEndTime": broadcast.ended_at,
    }
    snippet |= {name: to_wire_time(at) for name, at in times.items() if at}
    return snippet | ({"liveChatId": broadcast.chat_id} if broadcast.chat_id else {})


def _status(broadcast: Broadcast) -> Json:
    recording = {"live": "recording", "complete": "recorded"}.get(broadcast.state, "notRecording")
    return {
        "lifeCycleStatus": broadcast.state,
        "privacyStatus": broadcast.privacy,
        "recordingStatus": recording,
        "madeForKids": broadcast.video.made_for_kids,
        "selfDeclaredMadeForKids": broadcast.video.made_for_kids,
    }


def _content(broadcast: Broadcast) -> Json:
    content = {**broadcast.content, "monitorStream": dict(broadcast.content["monitorStream"])}
    if broadcast.monitor:
        content["monitorStream"]["embedHtml"] = f'<iframe src="https://www.youtube.com/embed/{broadcast.id}"></iframe>'
    if broadcast.stream_id and broadcast.bound_at:
        content["boundStreamId"] = broadcast.stream_id
        content["boundStreamLastUpdateTimeMs"] = to_wire_time(broadcast.bound_at)
    return content
