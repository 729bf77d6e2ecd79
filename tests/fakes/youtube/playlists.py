"""Rules of playlists, their items, and channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fakes.youtube.records import Channel, Item, Playlist, to_wire_time
from tests.fakes.youtube.refusal import Refusal, bad_wire
from tests.fakes.youtube.request import Answer, Request, answers, not_found, one_filter, own_fields_only, paged, show
from tests.fakes.youtube.world import World

Json = dict[str, Any]

_DOMAIN = "youtube.playlist"
_ITEM_DOMAIN = "youtube.playlistItem"


def _render(playlist: Playlist, parts: Sequence[str], world: World) -> Json:
    return show(
        "playlist",
        playlist.id,
        parts,
        {
            "snippet": lambda: {
                "publishedAt": to_wire_time(playlist.published_at),
                "channelId": playlist.channel_id,
                "channelTitle": world.channels[playlist.channel_id].title,
                "title": playlist.title,
                "description": playlist.description,
                "thumbnails": {},
                "localized": {"title": playlist.title, "description": playlist.description},
            },
            "status": lambda: {"privacyStatus": playlist.privacy},
            "contentDetails": lambda: {"itemCount": len(playlist.items)},
            "player": dict,
            "localizations": dict,
        },
    )


def _render_item(playlist: Playlist, item: Item, parts: Sequence[str], world: World) -> Json:
    video = world.videos.get(item.video_id)
    return show(
        "playlistItem",
        item.id,
        parts,
        {
            "snippet": lambda: {
                "publishedAt": to_wire_time(item.added_at),
                "channelId": playlist.channel_id,
                "title": video.title if video else "Deleted video",
                "description": video.description if video else "This video is unavailable.",
                "thumbnails": {},
                "channelTitle": world.channels[playlist.channel_id].title,
                "playlistId": playlist.id,
                "position": playlist.items.index(item),
                "resourceId": {"kind": "youtube#video", "videoId": item.video_id},
            },
            "contentDetails": lambda: {"videoId": item.video_id},
            "status": lambda: {"privacyStatus": video.privacy if video else "private"},
        },
    )


@answers("playlists.list")
def list_(world: World, request: Request) -> Answer:
    chosen = one_filter(request, ("channelId", "id", "mine"))
    wanted = request.params[chosen]
    found = []
    for playlist in reversed(world.playlists.values()):
        mine = playlist.channel_id == request.channel.id
        fits = {
            "mine": mine,
            "id": chosen == "id" and playlist.id in wanted and (mine or playlist.privacy != "private"),
            "channelId": playlist.channel_id == wanted and (mine or playlist.privacy == "public"),
        }
        if fits[chosen] and playlist.visible_at_s <= world.elapsed_s():
            found.append(playlist)
    return paged(request, "playlist", found, lambda playlist: _render(playlist, request.parts, world))


@answers("playlists.insert")
def insert(world: World, request: Request) -> Answer:
    own_fields_only(request, {})
    snippet = request.part("snippet")
    title = snippet.get("title", "")
    if not title:
        raise Refusal(400, "playlistTitleRequired", "The request must specify a playlist title", domain=_DOMAIN)
    if len(title) > 150 or set(title) & set("<>"):
        raise Refusal(400, "invalidPlaylistSnippet", "The playlist title is invalid", domain=_DOMAIN)
    if len(snippet.get("description", "")) > 5000 or set(snippet.get("description", "")) & set("<>"):
        raise Refusal(400, "invalidPlaylistSnippet", "The playlist description is invalid", domain=_DOMAIN)
    privacy = request.part("status").get("privacyStatus", "public")
    if privacy not in {"public", "unlisted", "private"}:
        raise bad_wire("playlists.insert: privacyStatus is none of public, unlisted, private")
    playlist = Playlist(
        id=world.make_id(32, "PL"),
        channel_id=request.channel.id,
        title=title,
        description=snippet.get("description", ""),
        privacy=privacy,
        published_at=world.now(),
        visible_at_s=world.elapsed_s() + world.list_lag_s,
    )
    world.playlists[playlist.id] = playlist
    return _render(playlist, request.parts, world)


def _find(world: World, ref: str, request: Request) -> Playlist:
    playlist = world.playlists.get(ref)
    if playlist is None:
        raise not_found("playlistNotFound", "The playlist", _ITEM_DOMAIN)
    if playlist.channel_id != request.channel.id:
        raise Refusal(403, "playlistItemsNotAccessible", "The playlist is not yours", domain=_ITEM_DOMAIN)
    return playlist


@answers("playlistItems.list")
def list_items(world: World, request: Request) -> Answer:
    chosen = one_filter(request, ("id", "playlistId"))
    if chosen == "playlistId":
        chosen_list = _find(world, request.params["playlistId"], request)
        places = [(chosen_list, item) for item in chosen_list.items]
    else:
        places = [(playlist, item) for playlist in world.playlists.values() for item in playlist.items]
        places = [place for place in places if place[1].id in request.params["id"]]
    if "videoId" in request.params:
        places = [place for place in places if place[1].video_id == request.params["videoId"]]
    return paged(request, "playlistItem", places, lambda place: _render_item(place[0], place[1], request.parts, world))


@answers("playlistItems.insert")
def insert_item(world: World, request: Request) -> Answer:
    own_fields_only(request, {})
    snippet = request.part("snippet")
    if not snippet.get("playlistId"):
        raise Refusal(400, "playlistIdRequired", "The playlist id is required", domain=_ITEM_DOMAIN)
    resource = snippet.get("resourceId") or {}
    if resource.get("kind") != "youtube#video" or not resource.get("videoId"):
        raise Refusal(400, "resourceIdRequired", "resourceId needs kind and videoId", domain=_ITEM_DOMAIN)
    playlist = _find(world, snippet["playlistId"], request)
    _check_video(world, resource["videoId"], request)
    if any(item.video_id == resource["videoId"] for item in playlist.items):
        raise Refusal(409, "videoAlreadyInPlaylist", "The video is in the playlist already", domain=_ITEM_DOMAIN)
    position = snippet.get("position", len(playlist.items))
    if "position" in snippet and not playlist.manual_sort:
        message = "The playlist is not sorted by hand, so that a position cannot be given"
        raise Refusal(400, "manualSortRequired", message, domain=_ITEM_DOMAIN)
    if position > len(playlist.items):
        raise Refusal(400, "invalidPlaylistItemPosition", "The position is behind the end", domain=_ITEM_DOMAIN)
    item = Item(id=world.make_id(48, "UEw"), video_id=resource["videoId"], added_at=world.now())
    playlist.items.insert(position, item)
    return _render_item(playlist, item, request.parts, world)


def _check_video(world: World, ref: str, request: Request) -> None:
    broadcast = world.broadcasts.get(ref)
    if broadcast is None or (broadcast.channel_id != request.channel.id and broadcast.privacy == "private"):
        raise not_found("videoNotFound", "The video", _ITEM_DOMAIN)
    if broadcast.ended_at and (world.now() - broadcast.ended_at).total_seconds() < world.playlist_lag_s:
        raise not_found("videoNotFound", "The video", _ITEM_DOMAIN)


@answers("playlistItems.delete")
def delete_item(world: World, request: Request) -> Answer:
    for playlist in world.playlists.values():
        for item in playlist.items:
            if item.id == request.params["id"] and playlist.channel_id == request.channel.id:
                playlist.items.remove(item)
                return None
    raise not_found("playlistItemNotFound", "The playlist item", _ITEM_DOMAIN)


@answers("channels.list")
def list_channels(world: World, request: Request) -> Answer:
    chosen = one_filter(request, ("id", "mine", "forHandle", "forUsername", "managedByMe", "categoryId"))
    if chosen not in {"id", "mine"}:
        raise Refusal(501, "notImplemented", f"{chosen} is not modelled", violation=f"channels.list by {chosen}")
    found = (
        [request.channel] if chosen == "mine" else [c for c in world.channels.values() if c.id in request.params["id"]]
    )
    found = [channel for channel in found if not channel.missing]
    page = paged(request, "channel", found, lambda channel: _render_channel(channel, request.parts))
    if not found:
        page.pop("items")  # an account without a channel: the list is not empty, it is not there
    return page


def _render_channel(channel: Channel, parts: Sequence[str]) -> Json:
    return show(
        "channel",
        channel.id,
        parts,
        {
            "snippet": lambda: {
                "title": channel.title,
                "description": "",
                "customUrl": f"@{channel.title.lower().replace(' ', '')}",
                "publishedAt": "2020-01-01T00:00:00Z",
                "thumbnails": {},
            },
            "contentDetails": lambda: {"relatedPlaylists": {"likes": "", "uploads": f"UU{channel.id[2:]}"}},
            "statistics": lambda: {"viewCount": "0", "subscriberCount": "0", "videoCount": "0"},
            "status": lambda: {"privacyStatus": "public", "isLinked": True, "longUploadsStatus": "allowed"},
        },
    )
