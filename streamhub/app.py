"""The composition root: the only file that names brands and puts them into their roles.

Owns the life of a hub process and what each command of the command line does with it. Decides nothing about questions,
recordings or answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web
from sqlite_utils import Database

from streamhub import probing
from streamhub.broadcasting import BroadcastingParts, HubBroadcasting, StudioHandler, end_session
from streamhub.clipdesk import ClipDesk
from streamhub.clustering import Clusterer
from streamhub.config import PLATFORMS, DeploySettings, Settings, configured_platforms, load_settings, read_secret
from streamhub.control import open_control
from streamhub.engine import Engine
from streamhub.engine.locks import probe_database
from streamhub.errors import Environment, NotFound, PortInUse, StreamhubError
from streamhub.hubside import ArchiveAnswers, StudioRecordings
from streamhub.importer import Importer, ImporterParts
from streamhub.importing import ImportRequest
from streamhub.keepers import calendar_reading
from streamhub.keepers.announcer import Announcer, AnnouncerParts
from streamhub.keepers.calendars import Calendars, CalendarsParts
from streamhub.keepers.inviter import Inviter, InviterParts, is_current
from streamhub.keepers.notices import NoticeTaker
from streamhub.keepers.outside import Outside, OutsideParts, OutsideSettings
from streamhub.keepers.pollster import Pollster, is_open
from streamhub.keepers.post import HubPost
from streamhub.keepers.postman import Postman, PostmanParts
from streamhub.keepers.reminding import Reminding, is_wanted
from streamhub.keepers.scheduler import Scheduler
from streamhub.keepers.source_reading import SourceKind
from streamhub.keepers.teller import Teller, TellerParts, is_still_true
from streamhub.keepers.telling import HubTelling
from streamhub.keepers.tidying import keep_tidy
from streamhub.live.description import describe_session
from streamhub.live.ingest import Taps
from streamhub.live.local import LocalPlatform
from streamhub.live.platform import Phase
from streamhub.live.relay import Relay
from streamhub.live.rtmp import RtmpDoor
from streamhub.live.srt import SrtDoor
from streamhub.live_answers import LiveAnswers
from streamhub.live_ear import LiveEar, LiveEarParts
from streamhub.naming import load_vocabulary
from streamhub.ordering import Source, order_session
from streamhub.outbox.mail import Letterhead, Mail
from streamhub.outbox.sender import Sender
from streamhub.outbox.smtp import SmtpAccess, SmtpSender
from streamhub.pipeline import Pipeline, PipelineParts
from streamhub.platforms import Front
from streamhub.probing import Probe
from streamhub.process import Command, run_checked
from streamhub.publishing import HubGate
from streamhub.questions import feed
from streamhub.questions.encoder import Encoder
from streamhub.questions.guarded import Guard
from streamhub.questions.letter import session_address
from streamhub.questions.picking import parse_words
from streamhub.recording.clipping import ClipTools
from streamhub.recording.fetcher import Fetcher
from streamhub.recording.ffmpeg import Ffmpeg, ffmpeg_version, find_ffmpeg
from streamhub.recording.pyav import PyavScanner, scan_media
from streamhub.recording.pyav_splice import PyavSplicer
from streamhub.recording.room import RecordingRoom
from streamhub.recording.studio import Studio
from streamhub.reviewing import HubReview
from streamhub.schedule.highs import Highs
from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import SessionState
from streamhub.session_planner import SessionPlanner
from streamhub.store import shows as show_rows
from streamhub.store.broadcasts import list_broadcasts
from streamhub.store.lock import hold_workspace
from streamhub.store.sources import list_read_addresses
from streamhub.store.store import Store
from streamhub.suggesting import Suggester
from streamhub.text import Random, clean_email
from streamhub.timecode import Now
from streamhub.transcript import faster_whisper, openai_whisper, sherpa_onnx
from streamhub.transcript.child import Recognisers
from streamhub.transcript.diariser import Diariser
from streamhub.transcript.faster_whisper import FasterWhisper
from streamhub.transcript.models import ModelReport, Shelf, choose_demo_model, describe_model
from streamhub.transcript.transcriber import Transcriber
from streamhub.web.access import AccessRole, make_api_token, make_host_link
from streamhub.web.application import make_app
from streamhub.web.captions import words_changed
from streamhub.web.desk import notify
from streamhub.web.hub import Hub
from streamhub.web.links import Links
from streamhub.workspace import Workspace, open_workspace, write_private

if TYPE_CHECKING:
    from streamhub.archive.deploying import Target
    from streamhub.questions.imap import Mailbox
    from streamhub.questions.mastodon import MastodonTags

LOG = logging.getLogger("streamhub")
IDLE_S = 75.0
"""A connection that has sent no whole request for so long is closed: it is idle, or slow on purpose."""
_KEEP_MODEL_S = 120.0
"""So long a recogniser without work keeps its model in memory."""
Say = Callable[[str], None]
Environ = Mapping[str, str]
Json = Any

_SHELVES: Mapping[str, Shelf] = {
    faster_whisper.NAME: faster_whisper.SHELF,
    openai_whisper.NAME: openai_whisper.SHELF,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What one hub process is made of."""

    workspace: Workspace
    settings: Settings
    store: Store
    engine: Engine
    pipeline: Pipeline
    importer: Importer
    clips: ClipDesk
    reminding: Reminding
    room: RecordingRoom
    relay: Relay
    studio: Studio
    transcriber: Transcriber
    live_ear: LiveEar
    live_answers: LiveAnswers
    on_studio: StudioHandler
    program: Path
    now: Now
    random: Random


def models_folder(workspace: Workspace) -> Path:
    """Where models lie that had to be fetched."""
    return workspace.folder / "models"


def make_transcriber(settings: Settings, cache: Path, environ: Environ) -> Transcriber:
    """The recogniser that the settings name; models that have to be fetched go to ``cache``. Close it in the end."""
    brand = openai_whisper.OpenaiWhisper if settings.transcript.engine == openai_whisper.NAME else FasterWhisper
    kept = Recognisers(keep_s=_KEEP_MODEL_S)
    return brand(settings=settings.transcript, cache=cache, environ=environ, recognisers=kept)


def make_live_transcriber(settings: Settings, cache: Path, environ: Environ) -> Transcriber | None:
    """The recogniser that hears shows while they run; None where nothing is heard then. Close it in the end."""
    transcript = settings.transcript
    if transcript.live_model == "off":
        return None
    live = replace(transcript, model=transcript.live_model or transcript.model, beam_size=1)
    return make_transcriber(replace(settings, transcript=live), cache, environ)


def make_diariser(settings: Settings, workspace: Workspace) -> Diariser | None:
    """What tells voices apart, as the settings name it; None when they name nothing."""
    if settings.transcript.diariser != sherpa_onnx.NAME:
        return None
    folder = workspace.folder / settings.transcript.diariser_model
    return sherpa_onnx.SherpaOnnx(settings=settings.transcript, folder=folder)


def make_encoder(settings: Settings, workspace: Workspace) -> Encoder | None:
    """The sentence encoder that the settings name; None when they name none.

    Raises:
        BadInput: its folder holds no model.
        ToolMissing: the packages that read it are not installed.
    """
    if not settings.questions.encoder:
        return None
    from streamhub.questions.bert import BertEncoder

    folder = workspace.folder / settings.questions.encoder
    return BertEncoder(folder, frozenset(settings.questions.encoder_languages.split()))


def report_model(settings: Settings, workspace: Workspace, environ: Environ) -> ModelReport:
    """What the configured model is, for the doctor."""
    shelf = _SHELVES[settings.transcript.engine]
    return describe_model(shelf, settings.transcript, cache=models_folder(workspace), environ=environ)


def choose_model(settings: Settings, workspace: Workspace, environ: Environ) -> str:
    """A real model if there is one on this machine, else the rehearsal's."""
    shelf = _SHELVES[settings.transcript.engine]
    return choose_demo_model(shelf, settings.transcript, cache=models_folder(workspace), environ=environ)


def find_program(settings: Settings) -> tuple[Path, str]:
    """The media program and its version.

    Raises:
        ToolMissing: there is none, or it does not run.
    """
    program = find_ffmpeg(settings.recording.ffmpeg)
    return program, asyncio.run(ffmpeg_version(program))


def probe_postgres(settings: Settings) -> None:
    """Look whether the engine's PostgreSQL answers.

    Raises:
        BadInput, Unavailable: it does not, and why.
    """
    probe_database(settings.engine.database_url)


def platform_front(slug: str, workspace: Workspace, settings: Settings) -> Front:
    """A live platform beside the hub, by the name that shows and commands carry.

    Raises:
        NotFound: there is no such platform.
    """
    if slug == "youtube":
        from streamhub.live.youtube.kit import Place, YouTubeFront  # heavy to load, and many hubs need none of it

        return YouTubeFront(
            Place(folder=workspace.folder, secret=workspace.secret(), write=write_private, settings=settings.youtube)
        )
    raise NotFound(f"platform {slug}: there is none of that name", hint=f"there are {', '.join(PLATFORMS)}")


@contextlib.asynccontextmanager
async def open_hub(folder: Path, environ: Environ, *, now: Now, random: Random) -> AsyncIterator[Parts]:
    """Open a workspace with everything that works on it, but without web face and doors.

    Raises:
        Conflict: another process works on it.
        StreamhubError: whatever keeps a part from starting.
    """
    workspace = open_workspace(folder)
    settings = load_settings(workspace.folder, environ)
    with hold_workspace(workspace.folder):
        async with Store.open(workspace.database, now=now) as store:
            parts = _make_parts(workspace, settings, environ, store, now=now, random=random)
            try:
                async with parts.engine:
                    yield parts
            finally:
                await parts.studio.close()
                await parts.live_answers.close()
                await parts.live_ear.close()
                await parts.transcriber.close()


def photos_folder(workspace: Workspace, settings: Settings) -> Path:
    """Where pictures that came with questions lie."""
    return workspace.media(settings) / "photos"


def _make_parts(
    workspace: Workspace, settings: Settings, environ: Environ, store: Store, *, now: Now, random: Random
) -> Parts:
    """Put everything into its role."""
    program = find_ffmpeg(settings.recording.ffmpeg)
    media = workspace.media(settings)
    room = RecordingRoom(store=store, tool=Ffmpeg(program), scanner=PyavScanner(), media_dir=media, now=now)
    handler = StudioHandler(lambda session_id: end_session(store, session_id, now=now))
    relay = Relay(program, now=now, random=random)
    live_ear = LiveEar(
        LiveEarParts(
            store=store,
            transcriber=make_live_transcriber(settings, models_folder(workspace), environ),
            media=media,
            vocabulary=load_vocabulary,
            detect_language=settings.transcript.detect_language,
        )
    )
    studio = Studio(room, settings.live, on_event=handler, taps=Taps(relay, live_ear))
    engine = Engine(settings.engine, workspace.folder, store, now=now)
    transcriber = make_transcriber(settings, models_folder(workspace), environ)
    pipeline = Pipeline(
        PipelineParts(
            store=store,
            engine=engine,
            recordings=StudioRecordings(room, studio),
            transcriber=transcriber,
            diariser=make_diariser(settings, workspace),
            live_ear=live_ear,
            build=lambda: _build_apart(workspace),
            media=media,
            transcripts=workspace.transcripts,
            settings=settings.transcript,
            answers=settings.answers,
            clips=ClipTools(tool=Ffmpeg(program), splicer=PyavSplicer(), scanner=PyavScanner()),
            title=settings.site.title,
            now=now,
        )
    )
    pipeline.register()
    inviting = _make_inviting(workspace, settings, store, now=now)
    remind_by_rule = settings.mail.reminders == "by_rule" and bool(settings.mail.host)
    reminding = Reminding(replace(inviting, by_rule=inviting.by_rule or remind_by_rule))
    reminding.register(engine)
    clips = ClipDesk(
        store=store,
        engine=engine,
        pipeline=pipeline,
        media=media,
        transcripts=workspace.transcripts,
        title=settings.site.title,
        now=now,
    )
    importing = ImporterParts(
        store=store, engine=engine, pipeline=pipeline, scan=scan_media, zone=settings.hub.zone, now=now, random=random
    )
    return Parts(
        workspace=workspace,
        settings=settings,
        store=store,
        engine=engine,
        pipeline=pipeline,
        importer=Importer(importing),
        clips=clips,
        reminding=reminding,
        room=room,
        relay=relay,
        studio=studio,
        transcriber=transcriber,
        live_ear=live_ear,
        live_answers=LiveAnswers(store, live_ear.captions, lag_s=settings.answers.lag_s),
        on_studio=handler,
        program=program,
        now=now,
        random=random,
    )


def stop_event() -> asyncio.Event:
    """Set when the process is told to stop (Ctrl-C, or the service manager)."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _allow_many_viewers() -> None:
    """Raise the limit of open files as far as this user may: every viewer holds one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def serve(folder: Path, environ: Environ, *, now: Now, random: Random, say: Say) -> None:
    """Run a hub until it is told to stop."""
    stop = stop_event()
    _allow_many_viewers()
    async with open_hub(folder, environ, now=now, random=random) as parts:
        live = parts.settings.live
        rtmp = RtmpDoor(live.host, live.rtmp_port)
        srt = SrtDoor(live.host, live.srt_port, program=parts.program) if live.srt_port else None
        async with contextlib.AsyncExitStack() as stack:
            for door in (rtmp, srt):
                if door is not None:
                    await door.open(parts.studio)
                    stack.push_async_callback(door.close)
            outside = await _make_outside(parts)
            broadcasting = _make_broadcasting(parts, rtmp, srt, outside)
            parts.on_studio.end = outside.end = broadcasting.end
            parts.on_studio.wake = outside.wake
            await parts.live_ear.resume()
            await parts.studio.resume()
            await broadcasting.expect_again()
            await _take_up_ended(parts)
            first_site = asyncio.create_task(_ensure_site(parts.workspace))
            stack.callback(first_site.cancel)
            await stack.enter_async_context(outside.keep())
            encoder = make_encoder(parts.settings, parts.workspace)
            suggester = Suggester(parts.store, parts.workspace.transcripts, encoder=encoder)
            await stack.enter_async_context(suggester.keep())
            post = _make_post(parts)
            await stack.enter_async_context(post.keep())
            photos = photos_folder(parts.workspace, parts.settings)
            tidying = asyncio.create_task(keep_tidy(parts.store, photos, now=parts.now, sleep=asyncio.sleep))
            stack.callback(tidying.cancel)
            calendars = asyncio.create_task(_make_calendars(parts).watch(), name="calendars")
            stack.callback(calendars.cancel)
            scheduling = asyncio.create_task(Scheduler(parts.store, now=parts.now).keep())
            stack.callback(scheduling.cancel)
            announcer = Announcer(
                AnnouncerParts(
                    store=parts.store,
                    transcripts=parts.workspace.transcripts,
                    url=parts.settings.hub.url,
                    build=parts.pipeline.build_site,
                    follow_events=parts.pipeline.follow_events,
                )
            )
            announcing = asyncio.create_task(announcer.keep(sleep=asyncio.sleep))
            stack.callback(announcing.cancel)
            clusterer = Clusterer(parts.store, now=parts.now, random=parts.random, encoder=encoder)
            await stack.enter_async_context(clusterer.keep())
            planner = SessionPlanner(parts.store, _keep_highs(stack), now=parts.now, zone=parts.settings.hub.zone)
            await stack.enter_async_context(planner.keep())
            beside = Beside(suggester=suggester, clusterer=clusterer, planner=planner)
            url = await stack.enter_async_context(_web(parts, broadcasting, outside, beside, post))
            handlers = {**_control(parts, url, rtmp), "platforms-wake": _wake_platforms(outside)}
            await stack.enter_async_context(open_control(parts.workspace, handlers))
            await _greet(parts, url, rtmp, say)
            await stop.wait()
            say("stopping; what runs goes on at the next start ...")


async def _make_outside(parts: Parts) -> Outside:
    """The platforms that the settings switch on, or that a show or broadcast still needs, and all around them."""
    settings, workspace = parts.settings, parts.workspace
    slugs = {*configured_platforms(settings), *await parts.store.read(_find_needed_platforms)} & PLATFORMS.keys()
    address = settings.hub.url.rstrip("/")

    def page_url(session_id: str) -> str:
        return f"{address}/s/{session_id}" if address else ""

    def describe(session: PublicSession) -> str:
        return describe_session(session, page_url=page_url(session.id))

    remotes = {
        slug: platform_front(slug, workspace, settings).open(
            parts.store, describe=describe, now=parts.now, random=parts.random
        )
        for slug in sorted(slugs)
    }
    youtube = settings.youtube
    return Outside(
        OutsideParts(
            store=parts.store,
            room=parts.room,
            work=parts.engine,
            relay=parts.relay,
            remotes=remotes,
            fetchers=_make_fetchers(parts),
            settings=OutsideSettings(
                words=parse_words(youtube.chat_words),
                read_chat=youtube.chat,
                reply=youtube.chat_reply,
                page_url=page_url,
                site_url=settings.site.url,
                watchdog_s=youtube.watchdog_minutes * 60,
                part_s=youtube.part_minutes * 60,
            ),
            transcripts=workspace.transcripts,
            archive_lock=parts.pipeline.archive_lock,
            inbox=workspace.inbox(settings),
            portraits=workspace.folder / "portraits",
            secret=workspace.secret(),
            kinds=_make_kinds(parts),
            mail_to=partial(_mail_to, settings),
            now=parts.now,
            random=parts.random,
        )
    )


def _mail_to(settings: Settings, session_id: str) -> str:
    """The address that mails for a session go to."""
    return session_address(settings.mailbox.address, session_id) if settings.mailbox.host else ""


def _make_kinds(parts: Parts) -> Mapping[str, SourceKind]:
    """The kinds of sources that the settings switch on."""
    settings = parts.settings
    kinds: list[SourceKind] = []
    if settings.feeds.read:
        guard = Guard(private=settings.feeds.private_addresses, now=parts.now)
        feeds = feed.Feeds(guard, now=parts.now)
        kinds.append(
            SourceKind(
                slug=feed.SOURCE,
                name=feed.NAME,
                source=feeds,
                parse=feed.parse_address,
                example=feed.EXAMPLE,
                reach=timedelta(days=30),
            )
        )
    if settings.mastodon.instance:
        from streamhub.questions import mastodon  # its library takes a while to load, and many hubs need none of it

        tags = _make_tags(settings, parts.workspace, now=parts.now, timeout_s=mastodon.TIMEOUT_S)
        kinds.append(
            SourceKind(
                slug=mastodon.SOURCE,
                name=mastodon.NAME,
                source=tags,
                parse=mastodon.parse_tag,
                example=mastodon.EXAMPLE,
                invites=True,
            )
        )
    if settings.mailbox.host:
        kinds.append(_make_mail_kind(parts))
    return {kind.slug: kind for kind in kinds}


def _make_mail_kind(parts: Parts) -> SourceKind:
    """The hub's mailbox as a kind of source that there is once."""
    from streamhub.questions import imap  # heavy to load, and many hubs need none of it

    settings = parts.settings.mailbox
    return SourceKind(
        slug=imap.SOURCE,
        name=imap.NAME,
        source=_make_mailbox(parts.settings, parts.workspace, now=parts.now, timeout_s=imap.TIMEOUT_S),
        address=settings.address or f"{settings.user} ({settings.host})",
        live_s=imap.EVERY_S,
        calm_s=imap.EVERY_S,
        default=settings.session,
        take=NoticeTaker(secret=parts.workspace.secret()).take,
    )


def _make_calendars(parts: Parts) -> Calendars:
    """The keeper that reads when people are busy."""
    settings = parts.settings.calendars
    guard = Guard(
        private=settings.private_addresses,
        max_bytes=calendar_reading.MAX_BYTES,
        timeout_s=calendar_reading.TIMEOUT_S,
        agent=calendar_reading.AGENT,
        now=parts.now,
    )
    return Calendars(
        CalendarsParts(
            store=parts.store,
            reader=calendar_reading.CalendarReader(guard=guard),
            every=timedelta(minutes=settings.every_minutes),
            secret=parts.workspace.secret(),
            now=parts.now,
        )
    )


def _make_tags(settings: Settings, workspace: Workspace, *, now: Now, timeout_s: float) -> MastodonTags:
    from streamhub.questions import mastodon

    token = read_secret(workspace.folder, settings.mastodon.token, settings.mastodon.token_file)
    return mastodon.MastodonTags(settings.mastodon.instance, token=token, now=now, timeout_s=timeout_s)


def _make_mailbox(settings: Settings, workspace: Workspace, *, now: Now, timeout_s: float) -> Mailbox:
    from streamhub.questions import imap

    password = read_secret(workspace.folder, settings.mailbox.password, settings.mailbox.password_file)
    return imap.Mailbox(settings=settings.mailbox, password=password, now=now, timeout_s=timeout_s)


def make_probes(settings: Settings, workspace: Workspace, *, now: Now) -> list[Probe]:
    """The outside sources that this hub is set up to read, and the feeds that its sessions listen to, to be asked."""
    probes: list[Probe] = []

    def ask_mailbox() -> Awaitable[str]:
        return _make_mailbox(settings, workspace, now=now, timeout_s=probing.TIMEOUT_S).probe()

    def ask_tags() -> Awaitable[str]:
        return _make_tags(settings, workspace, now=now, timeout_s=probing.TIMEOUT_S).probe()

    if settings.mailbox.host:
        place, sign_in = "host, port and security", "user and password_file"
        probes.append(Probe(check="mailbox", ask=ask_mailbox, section="mailbox", place=place, sign_in=sign_in))
    if settings.mastodon.instance:
        probes.append(
            Probe(
                check="mastodon", ask=ask_tags, section="mastodon", place="instance", sign_in="token_file (scope read)"
            )
        )
    if settings.feeds.read:
        guard = Guard(private=settings.feeds.private_addresses, now=now, timeout_s=probing.TIMEOUT_S)
        feeds = feed.Feeds(guard, now=now)
        addresses = list_read_addresses(workspace.database, feed.SOURCE)
        probes += [Probe(check="feed", ask=partial(feeds.probe, address)) for address in addresses]
    return probes


def _find_needed_platforms(db: Database) -> set[str]:
    """The platforms that shows are shown on, and those where something that was begun is not finished."""
    begun = {row.platform for row in list_broadcasts(db) if row.phase not in {Phase.ENDED, Phase.LOST}}
    return begun | {show.platform for show in show_rows.list_shows(db)}


def _make_fetchers(parts: Parts) -> Mapping[str, Fetcher]:
    """Fetchers of recordings, where the operator has read the sentence beside the switch."""
    youtube = parts.settings.youtube
    if not youtube.pull:
        return {}
    from streamhub.recording.yt_dlp import YtDlp

    cookies = parts.workspace.folder / youtube.cookies_file if youtube.cookies_file else None
    return {"youtube": YtDlp(parts.program, PyavScanner(), now=parts.now, cookies=cookies)}


def _wake_platforms(outside: Outside) -> Callable[[Mapping[str, Json]], Awaitable[Json]]:
    async def wake(_: Mapping[str, Json]) -> Json:
        outside.wake("")
        return {}

    return wake


def _make_broadcasting(parts: Parts, rtmp: RtmpDoor, srt: SrtDoor | None, outside: Outside) -> HubBroadcasting:
    """The hub as the platform that every session has."""
    host = parts.settings.live.host
    url = _door_url(rtmp, parts.settings)
    local = LocalPlatform(parts.store, parts.studio, url=url, now=parts.now, random=parts.random)

    return HubBroadcasting(
        BroadcastingParts(
            store=parts.store,
            local=local,
            studio=parts.studio,
            second_door=srt,
            shown=lambda address: address.replace(f"//{host}:", f"//{shown_host(host)}:"),
            wake=outside.wake,
            remote_signal=outside.direct_signal,
            now=parts.now,
        )
    )


def make_sender(settings: Settings, workspace: Workspace) -> Sender | None:
    """Whoever takes the hub's mail; None without a mail server.

    Raises:
        BadInput: the file with the password cannot be read.
        Environment: others can read that file, or there are no certificates where the settings say.
    """
    mail = settings.mail
    if not mail.host:
        return None
    ca_file = workspace.folder / mail.ca_file if mail.ca_file else None
    if ca_file and not ca_file.is_file():
        raise Environment(f"{ca_file}: there is no such file", hint="check mail.ca_file")
    return SmtpSender(
        SmtpAccess(
            host=mail.host,
            port=mail.port,
            security=mail.security,
            user=mail.user,
            password=read_secret(workspace.folder, mail.password, mail.password_file),
            own_name=clean_email(mail.from_address).rpartition("@")[2],
            ca_file=ca_file,
        )
    )


def _make_inviting(workspace: Workspace, settings: Settings, store: Store, *, now: Now) -> InviterParts:
    """What those work with who write to guests; without a public address of the hub their mails lead nowhere."""
    hub, mail, secret = settings.hub, settings.mail, workspace.secret()
    return InviterParts(
        store=store,
        links=Links(hub_url=hub.url.rstrip("/"), site_url=settings.site.url, secret=secret),
        hub_name=hub.name,
        address=find_organizer(settings),
        by_rule=mail.send == "by_rule" and bool(mail.host),
        secret=secret,
        now=now,
    )


def find_organizer(settings: Settings) -> str:
    """The address that calendars answer to: the mailbox that is read, else the one that mails come from."""
    mailbox, mail = settings.mailbox, settings.mail
    address = mailbox.address if mailbox.host and mailbox.address else mail.from_address
    return clean_email(address) if address else ""


def _make_post(parts: Parts) -> HubPost:
    """The keepers of mail, as far as the settings let them."""
    settings, hub, mail = parts.settings, parts.settings.hub, parts.settings.mail
    sender, secret = make_sender(settings, parts.workspace), parts.workspace.secret()
    links = Links(hub_url=hub.url.rstrip("/"), site_url=settings.site.url, secret=secret)
    teller = TellerParts(
        store=parts.store,
        answers=ArchiveAnswers(parts.store, parts.workspace.transcripts, now=parts.now),
        is_built=lambda page: (parts.workspace.public / page / "index.html").is_file(),
        links=links,
        hub_name=hub.name,
        by_rule=mail.send == "by_rule" and sender is not None,
        keep_days=mail.keep_days,
        secret=secret,
        now=parts.now,
    )
    if not hub.url:  # mails could lead nowhere
        return HubPost(None, None)
    inviting = _make_inviting(parts.workspace, settings, parts.store, now=parts.now)
    writers = (Inviter(inviting), Pollster(inviting), parts.reminding)
    if sender is None:
        return HubPost(Teller(teller), None, *writers)
    head = Letterhead(
        address=clean_email(mail.from_address),
        name=mail.from_name or hub.name,
        links=(links.hub_url, links.site),
        return_address=clean_email(mail.return_address) if mail.return_address else "",
    )

    def wanted(db: Database, one: Mail) -> bool:
        holds = is_still_true(db, one) and is_current(db, one) and is_open(db, one)
        return holds and is_wanted(db, one, now=parts.now())

    postman = PostmanParts(store=parts.store, sender=sender, head=head, wanted=wanted, now=parts.now)
    return HubPost(Teller(teller), Postman(postman), *writers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What computes beside the hub's work."""

    suggester: Suggester
    clusterer: Clusterer
    planner: SessionPlanner


def _keep_highs(stack: contextlib.AsyncExitStack) -> Highs:
    """The planner's solver; its process goes with the hub."""
    highs = Highs()
    stack.push_async_callback(highs.close)
    return highs


@contextlib.asynccontextmanager
async def _web(
    parts: Parts,
    broadcasting: HubBroadcasting,
    outside: Outside,
    beside: Beside,
    post: HubPost,
) -> AsyncIterator[str]:
    """Serve the web face; yields its address."""
    settings = parts.settings.hub
    hub = Hub(
        settings=settings,
        store=parts.store,
        now=parts.now,
        random=parts.random,
        broadcasting=broadcasting,
        work=parts.engine,
        answers=ArchiveAnswers(parts.store, parts.workspace.transcripts, now=parts.now),
        workshop=parts.pipeline.ear,
        live_words=parts.live_ear,
        live_answers=parts.live_answers,
        clips=parts.clips,
        gate=HubGate(store=parts.store, transcripts=parts.workspace.transcripts, now=parts.now),
        review=HubReview(parts.store, parts.workspace.transcripts, parts.pipeline.archive_lock, parts.now),
        platforms=outside.platforms,
        chat=outside.chat,
        videos=outside.video_sights,
        inbox=outside.inbox,
        sources=outside.sources,
        suggestions=beside.suggester,
        lookalikes=beside.suggester,
        topics=beside.clusterer,
        planner=beside.planner,
        telling=HubTelling(store=parts.store, offered=post.configured, now=parts.now, random=parts.random),
        post=post,
        public_dir=parts.workspace.public,
        site_dir=parts.workspace.folder / "site",
        media_dir=parts.workspace.media(parts.settings),
        snapshots_dir=parts.workspace.snapshots,
        photos_dir=photos_folder(parts.workspace, parts.settings),
        secret=parts.workspace.secret(),
    )
    pages = make_app(hub)
    outside.changed = beside.clusterer.changed = partial(notify, pages)
    parts.live_ear.changed = partial(words_changed, pages)
    runner = web.AppRunner(
        pages, handler_cancellation=True, access_log=None, shutdown_timeout=5, keepalive_timeout=IDLE_S
    )
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port, backlog=4096)
    try:
        try:
            await site.start()
        except OSError as error:
            place = f"web face on {settings.host}:{settings.port}"
            if error.errno == errno.EADDRINUSE:
                hint = "stop the other program, or set another hub.port"
                raise PortInUse(f"{place}: the port is taken", hint=hint) from error
            raise Environment(f"{place}: {error.strerror}", hint="check hub.host and hub.port") from error
        port = runner.addresses[0][1]
        yield settings.url.rstrip("/") or f"http://{shown_host(settings.host)}:{port}"
    finally:
        await runner.cleanup()


def _control_clips(clips: ClipDesk) -> Mapping[str, Callable[[Mapping[str, Json]], Any]]:
    async def order(body: Mapping[str, Json]) -> Json:
        return {"order": await clips.order(body["session"], body["answers"], author="command")}

    async def progress(body: Mapping[str, Json]) -> Json:
        return await clips.progress(body["session"], body["order"])

    async def report(body: Mapping[str, Json]) -> Json:
        return await clips.report(body["session"])

    return {"clips": order, "clips-progress": progress, "clips-report": report}


def _control(parts: Parts, url: str, rtmp: RtmpDoor) -> Mapping[str, Callable[[Mapping[str, Json]], Any]]:
    """What commands on this machine may ask of the hub."""

    async def hub(_: Mapping[str, Json]) -> Json:
        return {"url": url, "rtmp": rtmp.url}

    async def host_link(body: Mapping[str, Json]) -> Json:
        return {"url": await make_host_link(parts.store, parts.now, parts.random, url, person=body["person"])}

    async def api_token(body: Mapping[str, Json]) -> Json:
        return {"token": await make_api_token(parts.store, parts.now, parts.random, person=body["person"])}

    async def worker_key(body: Mapping[str, Json]) -> Json:
        role = AccessRole.WORKER
        return {"token": await make_api_token(parts.store, parts.now, parts.random, person=body["person"], role=role)}

    async def begin_import(body: Mapping[str, Json]) -> Json:
        return {"session": await parts.importer.begin(ImportRequest.from_json(body))}

    async def import_progress(body: Mapping[str, Json]) -> Json:
        progress = await parts.importer.progress(body["session"])
        return {**progress.to_json(), "ended": progress.ended}

    async def finish_import(body: Mapping[str, Json]) -> Json:
        return await parts.importer.finish(body["session"], publish=body["publish"])

    return {
        **_control_clips(parts.clips),
        "hub": hub,
        "host-link": host_link,
        "api-token": api_token,
        "worker-key": worker_key,
        "import": begin_import,
        "import-progress": import_progress,
        "import-finish": finish_import,
    }


async def _greet(parts: Parts, url: str, rtmp: RtmpDoor, say: Say) -> None:
    link = await make_host_link(parts.store, parts.now, parts.random, url, person="host")
    say(f"hub      {url}/")
    say(f"archive  {url}/archive/")
    say(f"encoder  {_door_url(rtmp, parts.settings)}  (the key of a session is on its host page)")
    say(f"host     {link}  (works once, within an hour)")
    report = report_model(parts.settings, parts.workspace, {})
    if report.advice:
        say(f"note     {report.sentence}; {report.advice}")
    say("stop with Ctrl-C")


async def _take_up_ended(parts: Parts) -> None:
    """Order the pipeline of sessions that ended without one; those that have one are left alone."""

    def order(db: Database) -> None:
        for session in show_rows.list_sessions(db, states={SessionState.ENDED}):
            order_session(db, session.id, Source(), at=parts.now())

    await parts.store.write(order)


async def _ensure_site(workspace: Workspace) -> None:
    """Make the site of a hub that has none yet, so that its links lead somewhere from the first minute on."""
    if (workspace.public / "index.html").exists():
        return
    try:
        await _build_apart(workspace)
    except StreamhubError as error:
        LOG.warning("first_site_failed %s", error)


async def _build_apart(workspace: Workspace) -> Mapping[str, Json]:
    """Build the site in a process of its own, so that the hub never waits for it."""
    argv = [sys.executable, "-m", "streamhub", "build", "--workspace", str(workspace.folder), "--json"]
    finished = await run_checked(Command(argv=argv, own=True, name="streamhub build"), timeout_s=3600)
    report = json.loads(finished.stdout)
    return {"written": report["written"], "answers": report["answers"]}


def make_store_target(url: str, settings: DeploySettings, folder: Path) -> Target:
    """The object store that a site is brought to.

    Raises:
        Environment: what speaks with object stores is not installed.
        StreamhubError: the address or the key's file is wrong.
    """
    try:
        from streamhub.archive.s3 import StoreAccess, StoreTarget
    except ImportError as error:
        raise Environment(
            "deploy to an object store: boto3 is not installed", hint="pip install 'streamhub[s3]'"
        ) from error
    secret = read_secret(folder, settings.secret, settings.secret_file)
    access = StoreAccess(endpoint=settings.endpoint, region=settings.region, key_id=settings.key_id, secret=secret)
    return StoreTarget(url, access)


def _door_url(door: RtmpDoor, settings: Settings) -> str:
    return door.url.replace(f"//{settings.live.host}:", f"//{shown_host(settings.live.host)}:")


def shown_host(host: str) -> str:
    """An address that a person can type: a hub on all addresses is named by this machine's name."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not bound
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
