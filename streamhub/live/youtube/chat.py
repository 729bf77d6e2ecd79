"""YouTube's live chat as a source of contributions: read in pages, oldest lines first, and written to in our name.

Owns the calls and what an item of a page is. Long polling by ``list`` only: the pushing ``stream`` method needs gRPC,
and httplib2 reads a whole body before it returns. Refuses to know when a chat is read and what a question is.

Source: developers.google.com/youtube/v3/live/docs/liveChatMessages and its ``list``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from streamhub.errors import BadInput
from streamhub.live.quota import Priority
from streamhub.live.youtube.client import Api
from streamhub.questions.intake import Batch, Contribution, Standing
from streamhub.timecode import parse_instant

SOURCE = "chat"
PARTS = "id,snippet,authorDetails"
PAGE = 2000
"""The most that a page may hold: a look may come minutes after the one before, and costs the same."""
MAX_TEXT = 200
"""Length of a chat line, counted as UTF-16 units to be on the safe side: the page says characters only."""


class YouTubeChat:
    """The chats of the connected channel's broadcasts.

    Args:
        api: the calls.
    """

    def __init__(self, api: Api) -> None:
        self._api = api

    async def read(self, ref: str, cursor: str) -> Batch:
        """What was written since the cursor; an empty one begins with what YouTube still shows.

        Args:
            ref: ``snippet.liveChatId`` of the broadcast.
            cursor: ``nextPageToken`` of the page before.

        Raises:
            PlatformError: CHAT_CLOSED: switched off, over, or gone; BAD_INPUT: the cursor is none any more.
        """
        token = {"pageToken": cursor} if cursor else {}
        page = await self._api.read(
            "liveChatMessages.list", priority=Priority.CHAT, liveChatId=ref, part=PARTS, maxResults=PAGE, **token
        )
        return parse_page(page, cursor)

    async def write(self, ref: str, text: str) -> None:
        """Write a line in the name of the channel that is signed in.

        Raises:
            BadInput: longer than a chat line.
            PlatformError: it was refused, or nobody knows whether it was written.
        """
        length = len(text.encode("utf-16-le", "surrogatepass")) // 2
        if length > MAX_TEXT:
            raise BadInput(f"chat line: {length} characters, at most {MAX_TEXT} fit", hint="shorten it")
        snippet = {"liveChatId": ref, "type": "textMessageEvent", "textMessageDetails": {"messageText": text}}
        await self._api.write(
            "liveChatMessages.insert", priority=Priority.CHAT, part="snippet", body={"snippet": snippet}
        )


def parse_page(page: Mapping[str, Any], cursor: str) -> Batch:
    """A page of the chat; what nobody wrote, and what cannot be read, is left out.

    Args:
        page: as it came.
        cursor: with which it was asked for; stays when the page names no next one.
    """
    items: Sequence[Mapping[str, Any]] = page.get("items") or ()
    snippets = [item.get("snippet") or {} for item in items]
    ended = any(snippet.get("type") == "chatEndedEvent" for snippet in snippets)
    return Batch(
        contributions=tuple(line for item in items if (line := _parse_line(item)) is not None),
        cursor=str(page.get("nextPageToken") or cursor),
        wait_s=max(0, int(page.get("pollingIntervalMillis") or 0)) / 1000,
        over=ended or bool(page.get("offlineAt")),
        removed=frozenset(ref for item in items if (ref := _removed_ref(item))),
        removed_authors=frozenset(ref for snippet in snippets if (ref := _banned_ref(snippet))),
    )


def _parse_line(item: Mapping[str, Any]) -> Contribution | None:
    snippet, author = item.get("snippet") or {}, item.get("authorDetails") or {}
    text = _text(snippet)
    author_ref = str(author.get("channelId") or snippet.get("authorChannelId") or "")
    try:
        at = parse_instant(str(snippet.get("publishedAt") or ""))
    except BadInput:
        return None
    if not (item.get("id") and text and author_ref):
        return None
    return Contribution(
        source=SOURCE,
        ref=str(item["id"]),
        author=str(author.get("displayName") or ""),
        author_ref=author_ref,
        standing=_standing(author),
        text=text,
        at=at,
    )


def _text(snippet: Mapping[str, Any]) -> str:
    """What somebody wrote, also beside money given; announcements of YouTube's own are nobody's words."""
    kind = snippet.get("type")
    if kind == "textMessageEvent":
        details = snippet.get("textMessageDetails") or {}
        return str(details.get("messageText") or snippet.get("displayMessage") or "")
    if kind == "superChatEvent":
        return str((snippet.get("superChatDetails") or {}).get("userComment") or "")
    return ""


def _standing(author: Mapping[str, Any]) -> Standing:
    if author.get("isChatOwner"):
        return Standing.OWNER
    return Standing.MODERATOR if author.get("isChatModerator") else Standing.ANYBODY


def _removed_ref(item: Mapping[str, Any]) -> str:
    """The line that an item says was taken back: by a moderator, by its author, or a tombstone in its own place."""
    snippet = item.get("snippet") or {}
    kind = snippet.get("type")
    if kind == "messageDeletedEvent":
        return str((snippet.get("messageDeletedDetails") or {}).get("deletedMessageId") or "")
    if kind == "messageRetractedEvent":
        return str((snippet.get("messageRetractedDetails") or {}).get("retractedMessageId") or "")
    return str(item.get("id") or "") if kind == "tombstone" else ""


def _banned_ref(snippet: Mapping[str, Any]) -> str:
    """The author whom an item says was sent out, for a while or for good."""
    if snippet.get("type") != "userBannedEvent":
        return ""
    banned = (snippet.get("userBannedDetails") or {}).get("bannedUserDetails") or {}
    return str(banned.get("channelId") or "")
