"""What hosts see of a session's videos, and what they say about their descriptions: the web face's role, by rows alone.

Owns the reading of effects as states for people. Asks no platform and writes nothing but a host's word.
"""

from __future__ import annotations

from collections.abc import Sequence

from streamhub.keepers.video_facts import (
    NOTHING,
    Facts,
    Kind,
    decode_video,
    load_facts,
    mark_captions,
    mark_playlist,
    mark_thumbnail,
    plan_plate,
    was_written,
)
from streamhub.keepers.videos import Preview, Videos, VideosParts
from streamhub.live.problem import Problem
from streamhub.live.video import VideoState
from streamhub.store.broadcasts import BroadcastRow
from streamhub.store.effects import Effect
from streamhub.web.platform_views import EffectState, EffectView, VideosView, VideoView, Wish


class VideoSights:
    """The videos of sessions as hosts see them.

    Args:
        keeper: keeps them.
        parts: what it works with.
    """

    def __init__(self, keeper: Videos, parts: VideosParts) -> None:
        self._keeper = keeper
        self._parts = parts

    async def view(self, session_id: str) -> VideosView | None:
        """What is known of a session's videos; None while there are none. Asks no platform.

        Raises:
            NotFound: there is no such session.
        """
        facts = await self._parts.store.read(lambda db: load_facts(db, session_id))
        rows = [row for row in facts.rows if row.ref]
        if not rows:
            return None
        previews = {one.row.part: one for one in await self._keeper.plan_previews(session_id)}
        shelf = self._parts.shelf_of(rows[0].platform)
        return VideosView(
            name=shelf.name if shelf else rows[0].platform,
            wish=_wish(facts, rows[0]),
            videos=tuple(self._view(facts, row, previews.get(row.part)) for row in rows),
        )

    async def approve(self, session_id: str, *, author: str) -> None:
        """Let the descriptions follow the archive from now on.

        Raises:
            Conflict: the session has no videos.
        """
        await self._keeper.approve(session_id, author=author)

    async def decline(self, session_id: str, *, author: str) -> None:
        """Leave the descriptions alone from now on.

        Raises:
            Conflict: the session has no videos.
        """
        await self._keeper.decline(session_id, author=author)

    def _view(self, facts: Facts, row: BroadcastRow, preview: Preview | None) -> VideoView:
        known = facts.effect(row, Kind.VIDEO)
        video = decode_video(row, known)
        plate = plan_plate(facts.session, self._parts.portraits)
        there = video.description if video else ""
        return VideoView(
            part=row.part,
            state=video.state if video else VideoState.NONE,
            watch_url=row.watch_url or (video.watch_url if video else ""),
            duration_ms=video.duration_ms if video else 0,
            captions=_captions(facts, row, preview),
            thumbnail=_effect(facts.effect(row, Kind.THUMBNAIL), mark_thumbnail(row, plate)),
            playlist=_effect(facts.effect(row, Kind.PLAYLIST), mark_playlist(row, facts.show), name=facts.show.title),
            before=there,
            after=preview.plan.change.after if preview else there,
            chapters=preview.companion.blurb.chapters if preview and preview.plan.problem is None else (),
            problems=_problems([known, facts.effect(row, Kind.DESCRIPTION)], preview),
        )


def _wish(facts: Facts, row: BroadcastRow) -> Wish:
    if facts.approved:
        return Wish.FOLLOW
    said = facts.effect(row, Kind.WISH)
    return Wish.LEAVE if said is not None and said.applied else Wish.OPEN


def _captions(facts: Facts, row: BroadcastRow, preview: Preview | None) -> tuple[EffectView, ...]:
    """Every language of which something is there, under way or wanted."""
    companion = preview.companion if preview else None
    wanted = (
        {language: mark_captions(row, text, companion.shown) for language, text in companion.captions.items()}
        if companion
        else {}
    )
    views = []
    for language in sorted({*wanted, *facts.named(row, Kind.CAPTIONS)}):
        effect = facts.effect(row, Kind.CAPTIONS, language)
        if language in wanted or was_written(effect):
            default = NOTHING if companion else effect.applied if effect else ""
            views.append(_effect(effect, wanted.get(language, default), name=language))
    return tuple(views)


def _effect(effect: Effect | None, wanted: str, *, name: str = "") -> EffectView:
    if effect is None or not effect.applied:
        return EffectView(name=name, problem=effect.problem if effect else None)
    state = EffectState.THERE if effect.applied == wanted else EffectState.OUTDATED
    return EffectView(name=name, state=state, problem=effect.problem)


def _problems(effects: Sequence[Effect | None], preview: Preview | None) -> tuple[Problem, ...]:
    """What is wrong, each once; what a preview says counts before something was written."""
    found = [effect.problem for effect in effects if effect is not None and effect.problem is not None]
    if preview and preview.plan.problem is not None and preview.plan.problem.code not in {one.code for one in found}:
        found.append(preview.plan.problem)
    return tuple(found)
