"""Rules of liveStreams: places to push to. The key is in the part ``cdn`` and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fakes.youtube.broadcasts import may_stream
from tests.fakes.youtube.records import Stream, to_wire_time
from tests.fakes.youtube.refusal import Refusal, bad_wire
from tests.fakes.youtube.request import Answer, Request, answers, not_found, one_filter, own_fields_only, paged, show
from tests.fakes.youtube.world import World

Json = dict[str, Any]


def render(world: World, stream: Stream, parts: Sequence[str]) -> Json:
    return show(
        "liveStream",
        stream.id,
        parts,
        {
            "snippet": lambda: {
                "publishedAt": to_wire_time(stream.published_at),
                "channelId": stream.channel_id,
                "title": stream.title,
                "description": stream.description,
                "isDefaultStream": False,
            },
            "cdn": lambda: {**stream.cdn, "ingestionInfo": _ingestion(world, stream)},
            "status": lambda: _status(stream),
            "contentDetails": lambda: {
                "closedCaptionsIngestionUrl": "",
                "isReusable": stream.reusable,
            },
        },
    )


def _ingestion(world: World, stream: Stream) -> Json:
    return {
        "streamName": stream.key,
        "ingestionAddress": world.rtmp_url,
        "backupIngestionAddress": f"{world.rtmp_url}?backup=1",
        "rtmpsIngestionAddress": world.rtmp_url,
        "rtmpsBackupIngestionAddress": f"{world.rtmp_url}?backup=1",
    }


def _status(stream: Stream) -> Json:
    health: Json = {"status": stream.health, "configurationIssues": stream.issues}
    if stream.health_at:
        health["lastUpdateTimeSeconds"] = str(int(stream.health_at.timestamp()))
    return {"streamStatus": stream.state, "healthStatus": health}


@answers("liveStreams.list")
def list_(world: World, request: Request) -> Answer:
    may_stream(world, request)
    chosen = one_filter(request, ("id", "mine"))
    found = [
        stream
        for stream in world.streams.values()
        if stream.channel_id == request.channel.id and stream.visible_at_s <= world.elapsed_s()
    ]
    if chosen == "id":
        found = [stream for stream in found if stream.id in request.params["id"]]
        request.params.setdefault("maxResults", 50)
    return paged(request, "liveStream", found, lambda stream: _polled(world, stream, request.parts))


def _polled(world: World, stream: Stream, parts: Sequence[str]) -> Json:
    if stream.state == "created":
        stream.state = "ready"
    return render(world, stream, parts)


@answers("liveStreams.insert")
def insert(world: World, request: Request) -> Answer:
    may_stream(world, request)
    own_fields_only(request, {})
    snippet, cdn = request.part("snippet"), request.part("cdn")
    _check_texts(snippet)
    if not cdn.get("ingestionType"):
        raise Refusal(400, "ingestionTypeRequired", "cdn.ingestionType is required", domain="youtube.liveStream")
    for name in ("resolution", "frameRate"):
        if not cdn.get(name):
            raise Refusal(400, f"{name}Required", f"cdn.{name} is required", domain="youtube.liveStream")
    if (cdn["resolution"] == "variable") != (cdn["frameRate"] == "variable"):
        raise Refusal(400, "invalidResolution", "resolution and frameRate are variable together")
    pieces = [world.make_id(4).lower().replace("-", "x").replace("_", "y") for _ in range(5)]
    stream = Stream(
        id=world.make_id(22, request.channel.id[2:]),
        channel_id=request.channel.id,
        title=snippet["title"],
        description=snippet.get("description", ""),
        cdn={name: cdn[name] for name in ("ingestionType", "resolution", "frameRate")},
        key="-".join(pieces),
        published_at=world.now(),
        visible_at_s=world.elapsed_s() + world.list_lag_s,
        reusable=request.part("contentDetails").get("isReusable", False),
    )
    world.streams[stream.id] = stream
    return render(world, stream, request.parts)


def _check_texts(snippet: Json) -> None:
    if not snippet.get("title"):
        raise Refusal(400, "titleRequired", "snippet.title is required", domain="youtube.liveStream")
    if len(snippet["title"]) > 128:
        raise Refusal(400, "invalidTitle", "1 to 128 characters", domain="youtube.liveStream")
    if len(snippet.get("description", "")) > 10_000:
        raise Refusal(400, "invalidDescription", "up to 10000 characters", domain="youtube.liveStream")


def _find(world: World, request: Request) -> Stream:
    ref = request.params.get("id") or request.body.get("id")
    stream = world.streams.get(ref or "")
    if not ref:
        raise bad_wire("liveStreams: id is required", reason="idRequired")
    if stream is None or stream.channel_id != request.channel.id:
        raise not_found("liveStreamNotFound", "Live stream", "youtube.liveStream")
    return stream


@answers("liveStreams.update")
def update(world: World, request: Request) -> Answer:
    stream = _find(world, request)
    own_fields_only(request, render(world, stream, ["snippet", "cdn", "status", "contentDetails"]))
    if "snippet" in request.parts:
        snippet = request.part("snippet")
        _check_texts(snippet)
        stream.title, stream.description = snippet["title"], snippet.get("description", "")
    if "cdn" in request.parts and any(request.part("cdn").get(name) != value for name, value in stream.cdn.items()):
        raise Refusal(403, "liveStreamModificationNotAllowed", "cdn cannot change", domain="youtube.liveStream")
    return render(world, stream, request.parts)


@answers("liveStreams.delete")
def delete(world: World, request: Request) -> Answer:
    stream = _find(world, request)
    if any(broadcast.state not in {"complete", "revoked"} for broadcast in world.bound_to(stream.id)):
        raise Refusal(403, "liveStreamDeletionNotAllowed", "A broadcast is bound to it", domain="youtube.liveStream")
    world.streams.pop(stream.id)
    world.quiet_since_s.pop(stream.id, None)
    return None
