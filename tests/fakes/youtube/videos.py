"""Rules of videos and thumbnails: what became of a broadcast, and how an update blanks what it does not bring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.fakes.youtube.records import Broadcast, Video, to_wire_time
from tests.fakes.youtube.refusal import Refusal, bad_wire
from tests.fakes.youtube.request import Answer, Request, answers, not_found, one_filter, own_fields_only, paged, show
from tests.fakes.youtube.wire import parse_time
from tests.fakes.youtube.world import World

Json = dict[str, Any]

_CATEGORIES = {"1", "2", "10", "15", "17", "19", "20", "22", "23", "24", "25", "26", "27", "28", "29"}
_PRIVACY = {"public", "unlisted", "private"}
_IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


def find_own(world: World, ref: str | None, request: Request) -> Video:
    """The caller's video.

    Raises:
        Refusal: there is none, or it is somebody else's.
    """
    video = world.videos.get(ref or "")
    if video is None or (video.channel_id != request.channel.id and video.privacy == "private"):
        raise not_found("videoNotFound", "The video", "youtube.video")
    if video.channel_id != request.channel.id:
        raise Refusal(403, "forbidden", "The video is not yours", domain="youtube.video")
    return video


def render(world: World, video: Video, parts: Sequence[str]) -> Json:
    broadcast = world.broadcasts[video.id]
    return show(
        "video",
        video.id,
        parts,
        {
            "snippet": lambda: _snippet(world, video, broadcast),
            "status": lambda: _status(video),
            "contentDetails": lambda: _content(world, video, broadcast),
            "processingDetails": lambda: _processing(video),
            "liveStreamingDetails": lambda: _live(world, video, broadcast),
            "localizations": lambda: dict(video.localizations),
            "statistics": lambda: {"viewCount": "0", "likeCount": "0", "favoriteCount": "0", "commentCount": "0"},
            "player": lambda: {"embedHtml": f'<iframe src="//www.youtube.com/embed/{video.id}"></iframe>'},
        },
    )


def _snippet(world: World, video: Video, broadcast: Broadcast) -> Json:
    live = {"live": "live", "liveStarting": "live", "complete": "none", "revoked": "none"}
    snippet: Json = {
        "publishedAt": to_wire_time(video.published_at),
        "channelId": video.channel_id,
        "channelTitle": world.channels[video.channel_id].title,
        "title": video.title,
        "description": video.description,
        "categoryId": video.category_id,
        "thumbnails": thumbnails(video.id),
        "liveBroadcastContent": video.live_content or live.get(broadcast.state, "upcoming"),
        "localized": {"title": video.title, "description": video.description},
    }
    optional = {
        "tags": list(video.tags),
        "defaultLanguage": video.default_language,
        "defaultAudioLanguage": video.default_audio_language,
    }
    return snippet | {name: value for name, value in optional.items() if value}


def thumbnails(video_id: str) -> Json:
    sizes = {"default": (120, 90), "medium": (320, 180), "high": (480, 360)}
    return {
        name: {"url": f"https://i.ytimg.com/vi/{video_id}/{name}.jpg", "width": width, "height": height}
        for name, (width, height) in sizes.items()
    }


def _status(video: Video) -> Json:
    upload = {"succeeded": "processed", "failed": "failed", "terminated": "failed"}.get(video.processing, "uploaded")
    status: Json = {
        "uploadStatus": upload,
        "privacyStatus": video.privacy,
        "license": video.license,
        "embeddable": video.embeddable,
        "publicStatsViewable": video.public_stats,
        "madeForKids": video.made_for_kids,
        "selfDeclaredMadeForKids": video.made_for_kids,
    }
    return status | ({"failureReason": "conversion"} if upload == "failed" else {})


def _processing(video: Video) -> Json:
    state = "processing" if video.processing == "live" else video.processing
    details: Json = {
        "processingStatus": state,
        "fileDetailsAvailability": "available" if state == "succeeded" else "inProgress",
        "thumbnailsAvailability": "available" if state == "succeeded" else "inProgress",
    }
    if state == "processing":
        details["processingProgress"] = {"partsTotal": "100", "partsProcessed": "40", "timeLeftMs": "60000"}
    return details | ({"processingFailureReason": video.failure} if state == "failed" else {})


def _content(world: World, video: Video, broadcast: Broadcast) -> Json:
    has_captions = any(track.video_id == video.id for track in world.captions.values())
    return {
        "duration": _to_duration(_duration_s(video, broadcast)),
        "dimension": "2d",
        "definition": "hd",
        "caption": "true" if has_captions else "false",
        "licensedContent": False,
        "contentRating": {},
        "projection": "rectangular",
        "hasCustomThumbnail": bool(video.thumbnail),
    }


def _duration_s(video: Video, broadcast: Broadcast) -> float:
    if video.processing != "succeeded":
        return 0.0
    if video.duration_s is not None:
        return video.duration_s
    if broadcast.started_at and broadcast.ended_at:
        return (broadcast.ended_at - broadcast.started_at).total_seconds()
    return 0.0


def _to_duration(seconds: float) -> str:
    """ISO 8601 as YouTube writes it: whole seconds, ``P0D`` for nothing yet."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    pieces = [f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if count]
    return f"PT{''.join(pieces)}" if pieces else "P0D"


def _live(world: World, video: Video, broadcast: Broadcast) -> Json:
    times: dict[str, datetime | None] = {
        "scheduledStartTime": broadcast.starts_at,
        "scheduledEndTime": broadcast.ends_at,
        "actualStartTime": broadcast.started_at,
        "actualEndTime": broadcast.ended_at,
    }
    live: Json = {name: to_wire_time(at) for name, at in times.items() if at}
    if broadcast.chat_id and broadcast.state not in {"complete", "revoked"}:
        live["activeLiveChatId"] = broadcast.chat_id
    if broadcast.on_air and world.viewers is not None:
        live["concurrentViewers"] = str(world.viewers)
    return live


@answers("videos.list")
def list_(world: World, request: Request) -> Answer:
    if one_filter(request, ("id", "chart", "myRating")) != "id":
        raise Refusal(501, "notImplemented", "only videos.list(id) is modelled", violation="videos.list without id")
    wanted = request.params["id"]
    if len(wanted) > 50:
        raise bad_wire(f"videos.list: {len(wanted)} ids, 50 at most", reason="invalidFilters", location="id")
    private_parts = {"processingDetails", "fileDetails", "suggestions"} & set(request.parts)
    found = []
    for ref in dict.fromkeys(wanted):
        video = world.videos.get(ref)
        if video is None or world.broadcasts[ref].visible_at_s > world.elapsed_s():
            continue
        if video.channel_id != request.channel.id:
            if private_parts:
                raise Refusal(403, "forbidden", "The video's owner alone may see that", domain="youtube.video")
            if video.privacy == "private":
                continue
        found.append(video)
    request.params["maxResults"] = 50
    return paged(request, "video", found, lambda video: _polled(world, video, request.parts))


def _polled(world: World, video: Video, parts: Sequence[str]) -> Json:
    if video.processing == "processing":
        if video.polls_left <= 0 and video.ready_at_s <= world.elapsed_s():
            video.processing = "succeeded"
        video.polls_left -= 1
    return render(world, video, parts)


@answers("videos.update")
def update(world: World, request: Request) -> Answer:
    """Overwrites each part whole: fields that the body does not bring are deleted."""
    ref = request.body.get("id")
    if not ref:
        raise bad_wire("videos.update: id is required", reason="required", location="id")
    video = find_own(world, ref, request)
    own_fields_only(request, render(world, video, ["snippet", "status", "localizations"]))
    snippet, status = request.part("snippet"), request.part("status")
    if "snippet" in request.parts:
        _check_snippet(snippet)
    if "status" in request.parts:
        _check_status(world, status)
    if "snippet" in request.parts:
        video.title, video.description = snippet["title"], snippet.get("description", "")
        video.category_id, video.tags = snippet["categoryId"], list(snippet.get("tags", []))
        video.default_language = snippet.get("defaultLanguage", "")
        video.default_audio_language = snippet.get("defaultAudioLanguage", "")
    if "status" in request.parts:
        video.privacy = status.get("privacyStatus", "public")
        video.embeddable, video.license = status.get("embeddable", True), status.get("license", "youtube")
        video.public_stats = status.get("publicStatsViewable", True)
        video.made_for_kids = status.get("selfDeclaredMadeForKids", False)
    if "localizations" in request.parts:
        video.localizations = dict(request.body.get("localizations") or {})
    return render(world, video, request.parts)


def _check_snippet(snippet: Json) -> None:
    title, description = snippet.get("title", ""), snippet.get("description", "")
    if not title.strip() or len(title) > 100 or set(title) & set("<>"):
        raise Refusal(400, "invalidTitle", "The video title is missing or invalid", domain="youtube.video")
    # The reference gives bytes for videos where it gives characters for broadcasts.
    if len(description.encode()) > 5000 or set(description) & set("<>"):
        raise Refusal(400, "invalidDescription", "The description is invalid", domain="youtube.video")
    if snippet.get("categoryId") not in _CATEGORIES:
        raise Refusal(400, "invalidCategoryId", "The category is missing or invalid", domain="youtube.video")
    tags = snippet.get("tags", [])
    # A tag with a space counts two more, for the quotation marks around it; commas between tags count too.
    if sum(len(tag) + 2 * (" " in tag) for tag in tags) + max(0, len(tags) - 1) > 500 or any(
        set(tag) & set("<>") for tag in tags
    ):
        raise Refusal(400, "invalidTags", "The keywords are invalid", domain="youtube.video")


def _check_status(world: World, status: Json) -> None:
    if status.get("privacyStatus", "public") not in _PRIVACY:
        raise bad_wire(
            "videos.update: privacyStatus is none of public, unlisted, private", reason="invalidVideoMetadata"
        )
    at = parse_time(status["publishAt"]) if status.get("publishAt") else None
    if at is not None and (status.get("privacyStatus") != "private" or at <= world.now()):
        raise Refusal(400, "invalidPublishAt", "The scheduled publishing time is invalid", domain="youtube.video")


@answers("videos.delete")
def delete(world: World, request: Request) -> Answer:
    video = find_own(world, request.params["id"], request)
    world.delete(video.id)
    return None


@answers("thumbnails.set")
def set_thumbnail(world: World, request: Request) -> Answer:
    if not request.media:
        raise Refusal(400, "mediaBodyRequired", "The request does not include the image", domain="youtube.thumbnail")
    video = find_own(world, request.params["videoId"], request)
    if not request.channel.custom_thumbnails:
        message = "The authenticated user doesn't have permissions to upload and set custom video thumbnails."
        raise Refusal(403, "forbidden", message, domain="youtube.thumbnail")
    if len(request.media) > world.thumbnail_max_bytes:
        message = f"Media is too large. Limit: {world.thumbnail_max_bytes}"
        raise Refusal(413, "uploadTooLarge", message, domain="global")
    if not request.media.startswith(_IMAGES):
        raise Refusal(400, "invalidImage", "The provided image content is invalid", domain="youtube.thumbnail")
    video.thumbnail = request.media
    return {"kind": "youtube#thumbnailSetResponse", "etag": "thumbnail", "items": [thumbnails(video.id)]}
