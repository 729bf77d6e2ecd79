"""Rules of liveChatMessages: pages oldest first, a pace to keep, and an end."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from tests.fakes.youtube.records import Broadcast, Chat, Message, to_wire_time
from tests.fakes.youtube.refusal import Refusal, bad_wire
from tests.fakes.youtube.request import Answer, Request, answers, not_found, own_fields_only, show
from tests.fakes.youtube.world import World

Json = dict[str, Any]

_DOMAIN = "youtube.liveChat"
_TEXT_CHARACTERS = 200


def _find(world: World, ref: str, request: Request) -> tuple[Chat, Broadcast]:
    chat = world.chats.get(ref)
    broadcast = world.broadcasts.get(chat.broadcast_id) if chat else None
    if chat is None or broadcast is None:
        raise not_found("liveChatNotFound", "The live chat", _DOMAIN)
    if broadcast.privacy == "private" and broadcast.channel_id != request.channel.id:
        raise Refusal(403, "forbidden", "You may not see this chat", domain=_DOMAIN)
    if chat.disabled:
        raise Refusal(403, "liveChatDisabled", "Live chat is not enabled for the broadcast", domain=_DOMAIN)
    return chat, broadcast


def author_channel(name: str) -> str:
    """The channel id of somebody who writes: the same for the same name."""
    return "UC" + hashlib.sha256(name.encode()).hexdigest()[:22]


def render(world: World, chat: Chat, message: Message, parts: Sequence[str]) -> Json:
    owner_id = world.broadcasts[chat.broadcast_id].channel_id
    author_id = owner_id if message.owner else author_channel(message.author)
    snippet: Json = {
        "type": message.kind,
        "liveChatId": chat.id,
        "authorChannelId": author_id,
        "publishedAt": message.at.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00"),
        "hasDisplayContent": bool(message.text),
        "displayMessage": message.text,
        **message.details,
    }
    if message.kind == "textMessageEvent":
        snippet["textMessageDetails"] = {"messageText": message.text}
    author = {
        "channelId": author_id,
        "channelUrl": f"http://www.youtube.com/channel/{author_id}",
        "displayName": message.author,
        "profileImageUrl": f"https://yt3.ggpht.com/{author_id}=s88-c-k-c0xffffffff-no-rj-mo",
        "isVerified": False,
        "isChatOwner": message.owner,
        "isChatSponsor": False,
        "isChatModerator": message.moderator,
    }
    make = {"snippet": lambda: snippet}
    if message.kind != "tombstone":
        make["authorDetails"] = lambda: author
    return show("liveChatMessage", message.id, parts, make)


@answers("liveChatMessages.list")
def list_(world: World, request: Request) -> Answer:
    chat, broadcast = _find(world, request.params["liveChatId"], request)
    over = broadcast.state in {"complete", "revoked"}
    if over and chat.polls_after_end >= world.chat_polls_after_end:
        raise Refusal(403, "liveChatEnded", "The live chat is no longer live", domain=_DOMAIN)
    chat.polls_after_end += over
    _keep_pace(world, chat)
    token = request.params.get("pageToken", "")
    if token and not (token.startswith("GPj") and token[3:].isdigit()):
        raise bad_wire(f"page token {token!r} is not valid", reason="pageTokenInvalid", location="pageToken")
    start = int(token[3:] or 0)
    size = request.params.get("maxResults", 500)
    items = chat.messages[start : start + size]
    page: Json = {
        "kind": "youtube#liveChatMessageListResponse",
        "etag": "chat",
        "pollingIntervalMillis": world.polling_interval_ms,
        "pageInfo": {"totalResults": len(items), "resultsPerPage": len(items)},
        "nextPageToken": f"GPj{start + len(items)}",
        "items": [render(world, chat, message, request.parts) for message in items],
    }
    return page | ({"offlineAt": to_wire_time(broadcast.ended_at)} if over and broadcast.ended_at else {})


def _keep_pace(world: World, chat: Chat) -> None:
    now_s, before_s = world.elapsed_s(), chat.polled_at_s
    chat.polled_at_s = now_s
    if world.strict_chat_pace and before_s is not None and now_s - before_s < world.polling_interval_ms / 1000:
        message = "The request was sent too quickly after the previous request."
        raise Refusal(403, "rateLimitExceeded", message, domain=_DOMAIN)


@answers("liveChatMessages.insert")
def insert(world: World, request: Request) -> Answer:
    own_fields_only(request, {})
    snippet = request.part("snippet")
    if not snippet.get("liveChatId"):
        raise Refusal(400, "liveChatIdRequired", "The chat's id is required", domain=_DOMAIN)
    if snippet.get("type") != "textMessageEvent":
        raise Refusal(400, "typeRequired", "snippet.type must be textMessageEvent", domain=_DOMAIN)
    text = (snippet.get("textMessageDetails") or {}).get("messageText", "")
    if not text.strip():
        raise Refusal(400, "messageTextRequired", "The message's text is required", domain=_DOMAIN)
    if len(text) > _TEXT_CHARACTERS:
        raise Refusal(400, "messageTextInvalid", "The message's text is not valid", domain=_DOMAIN)
    chat, broadcast = _find(world, snippet["liveChatId"], request)
    if broadcast.state in {"complete", "revoked"}:
        raise Refusal(403, "liveChatEnded", "The live chat is no longer live", domain=_DOMAIN)
    mine = broadcast.channel_id == request.channel.id
    message = world.say(chat.id, request.channel.title, text, owner=mine)
    return render(world, chat, message, request.parts)
