"""YouTube as a shelf of videos: state, description, captions, thumbnail and playlist.

Owns the calls, and the look before each of them: nothing is inserted that is there already, and nothing is written that
is so already. Refuses to know what should stand there, when, and how often it is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from streamhub.errors import Fault, PlatformError
from streamhub.live.problem import ProblemCode, make_error
from streamhub.live.quota import Priority
from streamhub.live.video import Video
from streamhub.live.youtube.client import Api, Json
from streamhub.live.youtube.failures import NAMES, Silence
from streamhub.live.youtube.texts import clean_line, clean_title
from streamhub.live.youtube.video import VIDEO_PARTS, parse_video
from streamhub.store.effects import find_effect_ref
from streamhub.store.shows import load_show
from streamhub.store.store import Store

PLATFORM = "youtube"
CAPTION_MIME = "text/vtt"
_PAGE = 50
_WRITABLE_SNIPPET = ("title", "description", "categoryId", "tags", "defaultLanguage", "defaultAudioLanguage")
_DEFAULT_CATEGORY = "22"
"""People & Blogs, what YouTube itself gives a broadcast; a snippet without a category is refused."""


class YouTubeShelf:
    """The videos of the connected channel.

    Args:
        api: the calls.
        store: the hub's data; knows the playlists of earlier sessions.
    """

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store
        self._playlists: dict[str, str] = {}
        self._playlist_lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """As people know it."""
        return NAMES["platform"]

    async def look(self, ref: str) -> Video:
        """The video as it is now; captions are not listed."""
        return parse_video(ref, await self._item(ref, VIDEO_PARTS))

    async def save_description(self, ref: str, description: str) -> None:
        """Replace the description and nothing else of the video's page.

        An update deletes what it does not name, so the whole part is read and written back.
        """
        item = await self._item(ref, "snippet")
        if item is None:
            raise self._gone()
        snippet: Mapping[str, Any] = item.get("snippet") or {}
        if not snippet.get("title"):  # written back, this would take the video's title away
            raise make_error(Fault.UNREACHABLE, ProblemCode.UNREACHABLE, NAMES, reason=Silence.GARBLED.value)
        if snippet.get("description", "") == description:
            return
        kept = {key: snippet[key] for key in _WRITABLE_SNIPPET if key in snippet}
        body = {"id": ref, "snippet": {"categoryId": _DEFAULT_CATEGORY, **kept, "description": description}}
        await self._api.write("videos.update", priority=Priority.CAPTIONS, part="snippet", body=body)

    async def save_captions(self, ref: str, language: str, vtt: str, *, ours: bool = True) -> str:
        """Make these the captions of a language; returns the track's id. A person's track is left alone."""
        media = vtt.encode("utf-8")
        track = await self._track(ref, language)
        if track and not ours:
            raise _taken(language)
        if not track:
            body: Json = {"snippet": {"videoId": ref, "language": language, "name": "", "isDraft": False}}
            try:
                answer = await self._upload("captions.insert", media, CAPTION_MIME, part="snippet", body=body)
                return str(answer["id"])
            except PlatformError as error:
                if error.reason != "captionExists":
                    raise
                if not ours:
                    raise _taken(language) from error
            track = await self._track(ref, language)  # the list had not seen it yet
            if not track:
                raise self._unseen("captionExists")
        await self._upload(
            "captions.update", media, CAPTION_MIME, part="snippet", body={"id": track, "snippet": {"isDraft": False}}
        )
        return track

    async def remove_captions(self, ref: str, language: str) -> None:
        """Take our captions of a language away; none there is a success."""
        track = await self._track(ref, language)
        if not track:
            return
        try:
            await self._api.write("captions.delete", priority=Priority.CAPTIONS, id=track)
        except PlatformError as error:
            if error.fault is not Fault.NOT_FOUND:
                raise

    async def save_thumbnail(self, ref: str, image: bytes) -> None:
        """Make this JPEG the picture of the video."""
        await self._upload("thumbnails.set", image, "image/jpeg", videoId=ref)

    async def add_to_playlist(self, ref: str, *, show_id: str, title: str) -> str:
        """Put the video on the show's playlist, which is made when there is none; returns the playlist's id."""
        async with self._playlist_lock:
            known = self._playlists.get(show_id) or await self._store.read(
                lambda db: find_effect_ref(db, show_id, PLATFORM, "playlist")
            )
            if known:
                try:
                    await self._enlist(known, ref)
                except PlatformError as error:
                    if error.reason != "playlistNotFound":  # somebody deleted it there
                        raise
                    known = ""
                    self._playlists.pop(show_id, None)
            if not known:
                known = await self._find_playlist(show_id) or await self._make_playlist(show_id, title)
                await self._enlist(known, ref)
            self._playlists[show_id] = known
            return known

    # --- parts

    async def _item(self, ref: str, parts: str) -> Json | None:
        answer = await self._api.read("videos.list", priority=Priority.CAPTIONS, part=parts, id=ref)
        return next(iter(answer.get("items") or ()), None)

    async def _upload(self, call: str, media: bytes, mime: str, **params: Any) -> Json:
        return await self._api.upload(call, priority=Priority.CAPTIONS, media=media, mime=mime, **params)

    async def _track(self, ref: str, language: str) -> str:
        """Our track of a language: the one without a name that people made, not the machine there; empty: none."""
        answer = await self._api.read("captions.list", priority=Priority.CAPTIONS, part="id,snippet", videoId=ref)
        for item in answer.get("items") or ():
            snippet = item.get("snippet") or {}
            same = str(snippet.get("language", "")).lower() == language.lower() and not snippet.get("name")
            if same and str(snippet.get("trackKind", "")).lower() != "asr":
                return str(item["id"])
        return ""

    async def _enlist(self, playlist: str, ref: str) -> None:
        """Put a video on a playlist; never names a position, because sorted playlists refuse one."""
        try:
            there = await self._api.read(
                "playlistItems.list",
                priority=Priority.CAPTIONS,
                part="id",
                playlistId=playlist,
                videoId=ref,
                maxResults=1,
            )
            if there.get("items"):
                return
        except PlatformError as error:
            if error.reason not in {"videoNotFound", "notFound"}:
                raise
        resource = {"kind": "youtube#video", "videoId": ref}
        body = {"snippet": {"playlistId": playlist, "resourceId": resource}}
        try:
            await self._api.write("playlistItems.insert", priority=Priority.CAPTIONS, part="snippet", body=body)
        except PlatformError as error:
            if error.reason != "videoAlreadyInPlaylist":
                raise

    async def _find_playlist(self, show_id: str) -> str:
        marker = playlist_marker(show_id)
        async for item in self._own_playlists():
            if marker in str((item.get("snippet") or {}).get("description", "")).split():
                return str(item["id"])
        return ""

    async def _own_playlists(self) -> AsyncIterator[Json]:
        token: dict[str, str] = {}
        while True:
            answer = await self._api.read(
                "playlists.list", priority=Priority.CAPTIONS, part="id,snippet", mine=True, maxResults=_PAGE, **token
            )
            for item in answer.get("items") or ():
                yield item
            if not answer.get("nextPageToken"):
                return
            token = {"pageToken": answer["nextPageToken"]}

    async def _make_playlist(self, show_id: str, title: str) -> str:
        show = await self._store.read(lambda db: load_show(db, show_id))
        about = clean_line(show.about)[:2000]
        body = {
            "snippet": {
                "title": clean_title(title, fallback=show_id),
                "description": f"{about}\n\n{playlist_marker(show_id)}".strip(),
                "defaultLanguage": show.language,
            },
            "status": {"privacyStatus": show.privacy.value},
        }
        answer = await self._api.write("playlists.insert", priority=Priority.CAPTIONS, part="snippet,status", body=body)
        self._playlists[show_id] = str(answer["id"])
        return self._playlists[show_id]

    def _gone(self) -> PlatformError:
        return make_error(Fault.NOT_FOUND, ProblemCode.BROADCAST_GONE, NAMES)

    def _unseen(self, reason: str) -> PlatformError:
        return make_error(Fault.UNKNOWN_OUTCOME, ProblemCode.OUTCOME_UNKNOWN, NAMES, reason=reason)


def _taken(language: str) -> PlatformError:
    return make_error(Fault.BAD_INPUT, ProblemCode.CAPTIONS_TAKEN, {**NAMES, "language": language})


def playlist_marker(show_id: str) -> str:
    """What a show's playlist is found by, in its description."""
    return f"[sh-show:{show_id}]"
