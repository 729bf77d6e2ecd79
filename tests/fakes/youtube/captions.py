"""Rules of captions: tracks by language and name, with their files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tests.fakes.youtube.records import Caption, to_wire_time
from tests.fakes.youtube.refusal import Refusal
from tests.fakes.youtube.request import Answer, Request, answers, not_found, own_fields_only, show
from tests.fakes.youtube.videos import find_own
from tests.fakes.youtube.world import World

Json = dict[str, Any]

_DOMAIN = "youtube.caption"
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_TIMING = re.compile(rb"(\d\d:)?\d\d:\d\d[,.]\d{3} --> (\d\d:)?\d\d:\d\d[,.]\d{3}")
_FORMATS = {"sbv", "scc", "srt", "ttml", "vtt"}


def render(track: Caption, parts: Sequence[str]) -> Json:
    snippet: Json = {
        "videoId": track.video_id,
        "lastUpdated": to_wire_time(track.updated_at),
        "trackKind": "standard",
        "language": track.language,
        "name": track.name,
        "audioTrackType": "unknown",
        "isCC": False,
        "isLarge": False,
        "isEasyReader": False,
        "isDraft": track.draft,
        "isAutoSynced": False,
        "status": track.status,
    }
    snippet |= {"failureReason": "unknownFormat"} if track.status == "failed" else {}
    return show("caption", track.id, parts, {"snippet": lambda: snippet})


def _state_of(media: bytes) -> str:
    """What YouTube's processing makes of a file: it takes what it is given and fails later."""
    try:
        media.decode("utf-8")
    except UnicodeDecodeError:
        return "failed"
    return "serving" if _TIMING.search(media) else "failed"


def _find(world: World, request: Request) -> Caption:
    track = world.captions.get(request.params.get("id") or request.body.get("id") or "")
    if track is None or track.video_id not in world.videos:
        raise not_found("captionNotFound", "The caption track", _DOMAIN)
    find_own(world, track.video_id, request)
    return track


@answers("captions.list")
def list_(world: World, request: Request) -> Answer:
    video = find_own(world, request.params["videoId"], request)
    wanted = request.params.get("id")
    found = [
        render(track, request.parts)
        for track in world.captions.values()
        if track.video_id == video.id and (wanted is None or track.id in wanted)
    ]
    return {"kind": "youtube#captionListResponse", "etag": "captions", "items": found}


@answers("captions.insert")
def insert(world: World, request: Request) -> Answer:
    own_fields_only(request, {})
    snippet = request.part("snippet")
    for name in ("videoId", "language", "name"):
        if name not in snippet:
            raise Refusal(400, "invalidMetadata", f"snippet.{name} is required", domain=_DOMAIN)
    if not _LANGUAGE.fullmatch(snippet["language"]):
        raise Refusal(400, "invalidMetadata", "language must be a BCP-47 tag", domain=_DOMAIN)
    if len(snippet["name"]) > 150:
        raise Refusal(400, "nameTooLong", "The name is longer than 150 characters", domain=_DOMAIN)
    if not request.media:
        raise Refusal(400, "contentRequired", "The request has no caption file", domain=_DOMAIN)
    video = find_own(world, snippet["videoId"], request)
    taken = {(track.video_id, track.language, track.name) for track in world.captions.values()}
    if (video.id, snippet["language"], snippet["name"]) in taken:
        raise Refusal(409, "captionExists", "The video has a track of this language and name", domain=_DOMAIN)
    track = Caption(
        id=world.make_id(44, "AUieDa"),
        video_id=video.id,
        language=snippet["language"],
        name=snippet["name"],
        draft=snippet.get("isDraft", False),
        media=request.media,
        updated_at=world.now(),
        status=_state_of(request.media),
    )
    world.captions[track.id] = track
    return render(track, request.parts)


@answers("captions.update")
def update(world: World, request: Request) -> Answer:
    """Changes the file, the draft state, or both; language and name stay."""
    track = _find(world, request)
    current = render(track, ["snippet"])
    own_fields_only(request, current)
    snippet = request.part("snippet")
    for name in ("videoId", "language", "name"):
        if name in snippet and snippet[name] != current["snippet"][name]:
            raise Refusal(400, "invalidMetadata", f"{name} cannot change", domain=_DOMAIN)
    if request.media is not None:
        if not request.media:
            raise Refusal(400, "contentRequired", "The caption file is empty", domain=_DOMAIN)
        track.media, track.status = request.media, _state_of(request.media)
    if "snippet" in request.parts:
        track.draft = snippet.get("isDraft", False)
    track.updated_at = world.now()
    return render(track, request.parts)


@answers("captions.delete")
def delete(world: World, request: Request) -> Answer:
    world.captions.pop(_find(world, request).id)
    return None


@answers("captions.download")
def download(world: World, request: Request) -> Answer:
    """The file as it was sent; between SRT and WebVTT it is converted."""
    track = _find(world, request)
    wanted = request.params.get("tfmt", "")
    is_vtt = track.media.startswith(b"WEBVTT")
    if not wanted or wanted == ("vtt" if is_vtt else "srt"):
        return track.media
    if wanted not in _FORMATS or track.status == "failed" or wanted not in {"srt", "vtt"}:
        raise Refusal(400, "couldNotConvert", "The track cannot be converted", domain=_DOMAIN)
    if wanted == "vtt":
        return b"WEBVTT\n\n" + re.sub(rb"(\d\d),(\d{3})", rb"\1.\2", track.media)
    return re.sub(rb"(\d\d)\.(\d{3})", rb"\1,\2", re.sub(rb"\AWEBVTT[^\n]*\n+", b"", track.media))
