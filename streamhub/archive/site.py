"""The site: from the archive to the plan of every file under `public/`.

Looks at the media folder to see which recordings are there, and lets `streamhub.archive.planner` say which pages there
are; writes nothing (`streamhub.archive.writer` does).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from itertools import chain
from pathlib import Path

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.brand import BRAND_CSS, CUSTOM_CSS, brand_theme, list_fonts, measure_logo
from streamhub.archive.clips import place_clips
from streamhub.archive.coming import ComingSession
from streamhub.archive.embeds import Licence
from streamhub.archive.gist import AnswerGist, SessionGist
from streamhub.archive.legal import plan_legal
from streamhub.archive.library import Library, plan_library
from streamhub.archive.likes import Likes, recall_likes
from streamhub.archive.media import MediaSettings, PlacedMedia, place_recording, place_video, player_kind
from streamhub.archive.outlets import COVER, Outlets
from streamhub.archive.pages import Frame, Printer, plan_csp
from streamhub.archive.plan import MediaLink, Part, SitePlan, digest_of
from streamhub.archive.planner import Planner, Shelf
from streamhub.archive.sources import Readings, Sources, hold
from streamhub.archive.theme import Theme, find_misnamed
from streamhub.archive.viewing import (
    view_coming,
)
from streamhub.archive.views import (
    ClipView,
)
from streamhub.config import LegalSettings, SiteSettings, parse_archives, parse_origins, parse_players

NOTHING_LEGAL = LegalSettings()


def plan_site(
    archive: Iterable[ArchivedSession],
    settings: SiteSettings,
    theme: Theme,
    *,
    media_root: Path | None,
    hub_url: str = "",
    legal: LegalSettings = NOTHING_LEGAL,
    coming: Iterable[ComingSession] = (),
) -> SitePlan:
    """Plan every file of the site of an archive that is in memory; as `plan_from_sources`."""
    sources = Sources(sessions=tuple(map(hold, archive)))
    return plan_from_sources(
        sources, settings, theme, media_root=media_root, hub_url=hub_url, legal=legal, coming=coming
    )


def plan_from_sources(
    sources: Sources,
    settings: SiteSettings,
    theme: Theme,
    *,
    media_root: Path | None,
    hub_url: str = "",
    legal: LegalSettings = NOTHING_LEGAL,
    coming: Iterable[ComingSession] = (),
) -> SitePlan:
    """Plan every file of the site.

    Args:
        sources: the archive; what is not public stays out. A session is read when it has changed since it was read
            last, and again when one of its pages has to be made.
        settings: title, language, address, how recordings get in.
        theme: what the pages are made with.
        media_root: the media folder, or None when there is none here.
        hub_url: where visitors can ask the next question; empty for nowhere.
        legal: what the legal pages say.
        coming: sessions that are planned or run; those that the archive has already are left out.

    Raises:
        BadArchive: a file of the archive is wrong, or a recording leads out of the media folder.
        BadInput: a colour or a file of the looks cannot be used.
    """
    theme = brand_theme(theme, settings)
    duties = plan_legal(legal, theme.templates)
    reader = Readings(title=settings.title, code=theme.code, folder=sources.readings)
    library = plan_library(reader.read(sources.sessions), find_likes=partial(_find_likes, reader, theme.code))
    media = MediaSettings(
        root=media_root,
        prefix=settings.media_url,
        link=settings.media == "link",
        players=parse_players(settings.players),
    )
    placed, links, missing = _place_media(library.sessions, media)
    clips, clip_links = _place_clips(library.sessions, media)
    links |= clip_links
    frame = _plan_frame(settings, theme, library, placed.values(), hub_url=hub_url, legal=duties.pages)
    printer = Printer(theme, frame, kept=sources.readings)
    outlets = Outlets(
        settings.title,
        settings.language,
        settings.url,
        code=printer.digest,
        size_of=lambda path: links[path].source.stat().st_size if path in links else 0,
        cover=COVER if COVER.removeprefix("static/") in theme.static else "",
    )
    shelf = Shelf(library=library, reader=reader, media=placed, clips=clips, events=sources.events)
    planner = Planner(shelf, printer, outlets)
    for session in coming:
        if session.id not in library.by_id:
            planner.add_coming(view_coming(session))
    recordings = (_media_part(path, source) for path, source in sorted(links.items()))
    return SitePlan(
        parts=chain(planner.plan_legal(legal), planner.plan_parts(), recordings),
        answers=reader.answers,
        missing_media=missing,
        advice=(*duties.advice, *find_misnamed(theme)),
    )


def _find_likes(reader: Readings, code: str, answers: Mapping[str, AnswerGist]) -> Likes:
    """Which answers are like each other, as it was found the last time if nothing about that has changed."""
    likes, memory = recall_likes(answers, reader.recall("likes"), code=code)
    if memory:
        reader.keep("likes", memory)
    return likes


def _plan_frame(
    settings: SiteSettings,
    theme: Theme,
    library: Library,
    recordings: Collection[PlacedMedia],
    *,
    hub_url: str,
    legal: tuple[str, ...],
) -> Frame:
    """What is around every page; what pages may load is known from the recordings."""
    return Frame(
        title=settings.title,
        language=settings.language,
        url=settings.url,
        hub_url=hub_url,
        csp=plan_csp(
            [one.origin for one in recordings if one.kind not in {"link", "frame"}],
            parse_archives(settings.others),
            [one.origin for one in recordings if one.kind == "frame"],
        ),
        has_products=bool(library.products),
        has_people=bool(library.people),
        has_topics=bool(library.topics),
        ai_crawlers=settings.ai_crawlers,
        legal=legal,
        styles=tuple(name for name in (BRAND_CSS, CUSTOM_CSS) if name in theme.static),
        logo=settings.logo,
        logo_width=measure_logo(settings.logo, theme.static[settings.logo]) if settings.logo else 0,
        fonts=list_fonts(settings),
        licence=Licence(name=settings.licence, url=settings.licence_url),
        framers=parse_origins(settings.embed_origins),
        others=parse_archives(settings.others),
    )


def _place_media(
    sessions: Iterable[SessionGist], settings: MediaSettings
) -> tuple[dict[str, PlacedMedia], dict[str, MediaLink], tuple[str, ...]]:
    placed: dict[str, PlacedMedia] = {}
    links: dict[str, MediaLink] = {}
    missing: list[str] = []
    for gist in sessions:
        recording = gist.recording
        if recording is None:
            continue
        place = place_recording(recording.url, recording.kind, settings, what=f"{gist.where}/session.md")
        if place is None:
            missing.append(recording.url)
            continue
        links |= place[1]
        found = PlacedMedia(
            url=place[0],
            kind=player_kind(recording.kind, has_video=recording.has_video),
            mime=recording.mime,
            clock=recording.clock,
            duration_ms=recording.duration_ms,
        )
        placed[gist.id] = place_video(found, settings.players.get(recording.kind, ""), recording.kind)
    return placed, links, tuple(missing)


def _place_clips(
    sessions: Iterable[SessionGist], settings: MediaSettings
) -> tuple[dict[str, ClipView], dict[str, MediaLink]]:
    """Clips by answer, and the files that the site needs for them."""
    clips: dict[str, ClipView] = {}
    links: dict[str, MediaLink] = {}
    for gist in sessions:
        views, files = place_clips(gist, settings)
        clips |= views
        links |= files
    return clips, links


def _media_part(path: str, link: MediaLink) -> Part:
    state = link.source.stat()
    return Part(
        name=f"recording {path}",
        digest=digest_of(path, str(link.source), state.st_size, state.st_mtime_ns),
        make=lambda present: {path: link},
    )
