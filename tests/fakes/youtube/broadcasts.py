"""Rules of liveBroadcasts: what may be written when, and the life cycle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.youtube.broadcast_shape import merge_content, render
from tests.fakes.youtube.records import Broadcast, Chat, Video
from tests.fakes.youtube.refusal import Refusal, bad_wire
from tests.fakes.youtube.request import Answer, Request, answers, not_found, one_filter, own_fields_only, paged
from tests.fakes.youtube.wire import parse_time
from tests.fakes.youtube.world import World

Json = dict[str, Any]

_OPEN = {"created", "ready"}
# An update that touches contentDetails must bring all of these, and they are frozen in testing and live.
_CONTENT_REQUIRED = ("enableContentEncryption", "enableDvr", "enableEmbed", "recordFromStart", "startWithSlate")
_MONITOR_REQUIRED = ("enableMonitorStream", "broadcastStreamDelayMs")
_STATUS_FILTER = {
    "all": None,
    "active": {"live", "liveStarting"},
    "upcoming": {"created", "ready", "testStarting", "testing"},
    "completed": {"complete"},
}


def find(world: World, request: Request) -> Broadcast:
    """The caller's broadcast.

    Raises:
        Refusal: there is none, or it is somebody else's.
    """
    ref = request.params.get("id") or request.body.get("id")
    if not ref:
        raise Refusal(400, "idRequired", "The broadcast's id is required", violation=f"{request.method.id}: no id")
    broadcast = world.broadcasts.get(ref)
    if broadcast is None or broadcast.channel_id != request.channel.id:
        raise not_found("liveBroadcastNotFound", "Live broadcast")
    return broadcast


def may_stream(world: World, request: Request) -> None:
    """Whether the channel may stream at all.

    Raises:
        Refusal: it may not.
    """
    if not (world.live_enabled and request.channel.live_enabled):
        raise Refusal(403, "liveStreamingNotEnabled")


# --- reading


@answers("liveBroadcasts.list")
def list_(world: World, request: Request) -> Answer:
    may_stream(world, request)
    chosen = one_filter(request, ("id", "mine", "broadcastStatus"))
    found = [
        broadcast
        for broadcast in world.broadcasts.values()
        if broadcast.channel_id == request.channel.id and broadcast.visible_at_s <= world.elapsed_s()
    ]
    if chosen == "id":
        if len(request.params["id"]) > 50:
            raise bad_wire(f"{len(request.params['id'])} ids, 50 at most", reason="invalidParameter", location="id")
        by_id = {broadcast.id: broadcast for broadcast in found}
        return paged_by_id(request, "liveBroadcast", [by_id[i] for i in request.params["id"] if i in by_id], world)
    states = _STATUS_FILTER.get(request.params.get("broadcastStatus", "all"))
    kind = request.params.get("broadcastType", "event")
    wanted = [
        broadcast
        for broadcast in reversed(found)
        if (states is None or broadcast.state in states)
        and (kind == "all" or broadcast.persistent == (kind == "persistent"))
    ]
    return paged(request, "liveBroadcast", wanted, lambda broadcast: _polled(world, broadcast, request.parts))


def paged_by_id(request: Request, kind: str, found: list[Broadcast], world: World) -> Json:
    """A list by ids, which holds up to fifty of them whatever maxResults says."""
    request.params.setdefault("maxResults", 50)
    return paged(request, kind, found, lambda broadcast: _polled(world, broadcast, request.parts))


def _polled(world: World, broadcast: Broadcast, parts: Sequence[str]) -> Json:
    if broadcast.target:
        if broadcast.polls_left <= 0:
            world.arrive(broadcast)
        broadcast.polls_left -= 1
    return render(broadcast, parts)


# --- writing


@answers("liveBroadcasts.insert")
def insert(world: World, request: Request) -> Answer:
    may_stream(world, request)
    own_fields_only(request, {})
    if "id" in request.body:
        raise Refusal(400, "invalid", "a new broadcast has no id", violation="liveBroadcasts.insert: has an id")
    snippet, status = request.part("snippet"), request.part("status")
    _check_texts(snippet)
    starts_at, ends_at = _check_times(world, snippet)
    if not status.get("privacyStatus"):
        raise Refusal(400, "privacyStatusRequired", "Privacy status is required")
    if world.max_broadcasts is not None and len(world.open_broadcasts(request.channel.id)) >= world.max_broadcasts:
        raise Refusal(403, "userBroadcastsExceedLimit", "The user has created too many live or scheduled broadcasts")
    ref = world.make_id(11)
    video = Video(
        id=ref,
        channel_id=request.channel.id,
        title=snippet["title"],
        description=snippet.get("description", ""),
        privacy=status["privacyStatus"],
        published_at=world.now(),
        made_for_kids=status.get("selfDeclaredMadeForKids", False),
        category_id=snippet.get("categoryId", "22"),
    )
    broadcast = Broadcast(
        id=ref,
        channel_id=request.channel.id,
        video=video,
        starts_at=starts_at,
        ends_at=ends_at,
        content=merge_content(request.part("contentDetails")),
        visible_at_s=world.elapsed_s() + world.list_lag_s,
        chat_id="" if video.made_for_kids else world.make_id(40, "Cg0KC"),
    )
    world.broadcasts[ref], world.videos[ref] = broadcast, video
    if broadcast.chat_id:
        world.chats[broadcast.chat_id] = Chat(id=broadcast.chat_id, broadcast_id=ref)
    return render(broadcast, request.parts)


def _check_texts(snippet: Json) -> None:
    title, description = snippet.get("title"), snippet.get("description", "")
    if not title:
        raise Refusal(400, "titleRequired", "Title is required")
    if len(title) > 100 or not title.strip() or set(title) & set("<>"):
        raise Refusal(400, "invalidTitle", "Title is invalid: 1 to 100 characters, no < or >")
    if len(description) > 5000 or set(description) & set("<>"):
        raise Refusal(400, "invalidDescription", "Description is invalid: up to 5000 characters, no < or >")


def _check_times(world: World, snippet: Json, stored: Broadcast | None = None) -> tuple[datetime, datetime | None]:
    if not snippet.get("scheduledStartTime"):
        raise Refusal(400, "scheduledStartTimeRequired", "Scheduled start time is required")
    starts_at = parse_time(snippet["scheduledStartTime"])
    assert starts_at is not None
    starts_at = starts_at.replace(microsecond=0)
    ends_at = parse_time(snippet["scheduledEndTime"]) if snippet.get("scheduledEndTime") else None
    if stored is None or starts_at != stored.starts_at:
        horizon = timedelta(days=world.horizon_days) if world.horizon_days is not None else None
        if starts_at <= world.now() or (horizon and starts_at > world.now() + horizon):
            message = "Scheduled start time must be in the future and close enough to the current date"
            raise Refusal(400, "invalidScheduledStartTime", message)
        if stored is not None and stored.state not in _OPEN:
            raise Refusal(400, "invalidScheduledStartTime", "The broadcast has begun")
    if ends_at is not None and ends_at <= starts_at:
        raise Refusal(400, "invalidScheduledEndTime", "Scheduled end time must follow the start")
    return starts_at, ends_at


@answers("liveBroadcasts.update")
def update(world: World, request: Request) -> Answer:
    """Overwrites each part whole: what the body does not bring goes back to its default."""
    may_stream(world, request)
    broadcast = find(world, request)
    own_fields_only(request, render(broadcast, ["snippet", "status", "contentDetails"]))
    snippet, status, content = (request.part(name) for name in ("snippet", "status", "contentDetails"))
    if "snippet" in request.parts:
        _check_texts(snippet)
        starts_at, ends_at = _check_times(world, snippet, broadcast)
    if "status" in request.parts and not status.get("privacyStatus"):
        raise Refusal(400, "privacyStatusRequired", "Privacy status is required")
    if "contentDetails" in request.parts:
        _check_content(broadcast, content)
    video = broadcast.video
    if "snippet" in request.parts:
        video.title, video.description = snippet["title"], snippet.get("description", "")
        video.category_id = snippet.get("categoryId", "22")
        broadcast.starts_at, broadcast.ends_at = starts_at, ends_at
    if "status" in request.parts:
        video.privacy = status["privacyStatus"]
        video.made_for_kids = status.get("selfDeclaredMadeForKids", False)
        if video.made_for_kids:
            world.chats.pop(broadcast.chat_id, None)
            broadcast.chat_id = ""
    if "contentDetails" in request.parts:
        broadcast.content = merge_content(content)
    return render(broadcast, request.parts)


def _check_content(broadcast: Broadcast, sent: Json) -> None:
    monitor = dict(sent.get("monitorStream") or {})
    for name, where in [*((n, sent) for n in _CONTENT_REQUIRED), *((n, monitor) for n in _MONITOR_REQUIRED)]:
        if name not in where:
            raise Refusal(400, f"{name}Required", f"{name} is required in an update of contentDetails")
    if broadcast.state in _OPEN:
        return
    old, new = broadcast.content, merge_content(sent)
    for name in (*_CONTENT_REQUIRED, "enableAutoStart"):
        if old[name] != new[name]:
            raise Refusal(403, f"{name}ModificationNotAllowed", f"{name} cannot change in {broadcast.state}")
    for name in _MONITOR_REQUIRED:
        if old["monitorStream"][name] != new["monitorStream"][name]:
            word = "delay" if name == "broadcastStreamDelayMs" else name
            raise Refusal(403, f"{word}ModificationNotAllowed", f"{name} cannot change in {broadcast.state}")


@answers("liveBroadcasts.bind")
def bind(world: World, request: Request) -> Answer:
    """Binds to a stream; without one, unbinds."""
    may_stream(world, request)
    broadcast = find(world, request)
    stream_id = request.params.get("streamId", "")
    if broadcast.state not in _OPEN:
        raise Refusal(403, "liveBroadcastBindingNotAllowed", f"The broadcast is {broadcast.state}")
    stream = world.streams.get(stream_id)
    if stream_id and (stream is None or stream.channel_id != request.channel.id):
        raise not_found("liveStreamNotFound", "Live stream", "youtube.liveStream")
    if stream and not stream.reusable and any(b is not broadcast for b in world.bound_to(stream_id)):
        raise Refusal(403, "liveBroadcastBindingNotAllowed", "The stream serves another broadcast and is not reusable")
    broadcast.stream_id = stream_id
    broadcast.bound_at = world.now() if stream_id else None
    broadcast.state = "ready" if stream_id else "created"
    return render(broadcast, request.parts)


@answers("liveBroadcasts.transition")
def transition(world: World, request: Request) -> Answer:
    may_stream(world, request)
    broadcast = find(world, request)
    target = request.params["broadcastStatus"]
    if target == "statusUnspecified":
        raise Refusal(400, "invalid", "not a state", violation="liveBroadcasts.transition: statusUnspecified")
    passing = {"testing": "testStarting", "live": "liveStarting", "complete": "complete"}[target]
    if broadcast.state in {target, passing}:
        raise Refusal(403, "redundantTransition")
    if broadcast.state not in _sources(world, broadcast, target):
        raise Refusal(403, "invalidTransition")
    if target == "complete":
        world.complete(broadcast.id)
        return render(broadcast, request.parts)
    if world.streams[broadcast.stream_id].state != "active":
        raise Refusal(403, "errorStreamInactive")
    if target == "live":
        _check_live_limits(world, broadcast)
    world.set_out(broadcast, passing, target)
    return render(broadcast, request.parts)


def _sources(world: World, broadcast: Broadcast, target: str) -> set[str]:
    """States from which a transition is valid."""
    if target == "complete":
        return {"live", "testing"} if world.complete_from_testing else {"live"}
    if target == "testing":
        return {"ready"} if broadcast.monitor else set()
    return {"testing"} if broadcast.monitor else {"ready"}


def _check_live_limits(world: World, broadcast: Broadcast) -> None:
    live = world.live_now(broadcast.channel_id)
    shared = [other for other in live if other.stream_id == broadcast.stream_id]
    if world.max_live is not None and len(live) >= world.max_live:
        raise Refusal(403, "concurrentBroadcastsExceedLimit", "The user has too many concurrent broadcasts")
    if world.max_live_per_stream is not None and len(shared) >= world.max_live_per_stream:
        raise Refusal(403, "sharedIngestionBroadcastsExceedLimit", "Too many live broadcasts share this stream")


@answers("liveBroadcasts.delete")
def delete(world: World, request: Request) -> Answer:
    """Deletes the video as well, whatever became of it."""
    may_stream(world, request)
    broadcast = find(world, request)
    if broadcast.state not in {"created", "ready", "complete"}:
        raise Refusal(403, "liveBroadcastDeletionNotAllowed", f"The broadcast is {broadcast.state}")
    world.delete(broadcast.id)
    return None
