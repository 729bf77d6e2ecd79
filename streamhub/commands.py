"""What the commands do: thin courses over the composition root, the store and the archive.

Each function takes plain values and returns a plain report, so that the command line only prints. What is heavy to load
is loaded where it is needed: a command that needs no engine starts without one.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamhub.config import Settings, configured_platforms, load_settings, parse_settings
from streamhub.control import ask_hub
from streamhub.doctor import Check, Finding, Verdict, machine_checks, run_checks, workspace_checks
from streamhub.errors import BadInput, Conflict, Environment, StreamhubError, TimedOut, Unavailable
from streamhub.importing import ImportProgress, ImportRequest
from streamhub.process import Command, start
from streamhub.store import shows as show_rows
from streamhub.store import work as work_rows
from streamhub.store.lock import hold_workspace
from streamhub.store.spoken_languages import list_misheard
from streamhub.store.store import Store
from streamhub.text import LANGUAGES, Random
from streamhub.timecode import Now, format_instant
from streamhub.workspace import Workspace, complete_workspace, create_workspace, open_workspace

if TYPE_CHECKING:
    from streamhub.demo.run import Stage
    from streamhub.demo.script import Roundtable

Say = Callable[[str], None]
Environ = Mapping[str, str]
Json = Any
Report = dict[str, Any]

_DEMO_MARK = ".streamhub-demo"


def init_workspace(folder: Path, *, title: str, language: str, random: Random) -> Workspace:
    """Make a new workspace."""
    settings = Settings()
    site = replace(settings.site, language=language, title=title or {"de": "Antworten", "en": "Answers"}[language])
    settings = replace(settings, hub=replace(settings.hub, language=language), site=site)
    return create_workspace(folder, settings, random=random)


def build_site(folder: Path, environ: Environ) -> Report:
    """Write the site from the archive; one build at a time."""
    from streamhub.archive.coming import load_coming
    from streamhub.archive.event_folder import load_events
    from streamhub.archive.site import plan_from_sources
    from streamhub.archive.sources import Sources, find_sources
    from streamhub.archive.theme import load_theme
    from streamhub.archive.writer import write_site

    workspace = open_workspace(folder)
    settings = load_settings(workspace.folder, environ)
    before = time.monotonic()
    with building_alone(workspace):
        sources = Sources(
            sessions=find_sources(workspace.transcripts),
            events=load_events(workspace.transcripts),
            readings=workspace.run / "site",
        )
        plan = plan_from_sources(
            sources,
            settings.site,
            load_theme(workspace.theme_overrides),
            media_root=workspace.media(settings),
            hub_url=settings.hub.url,
            legal=settings.legal,
            coming=load_coming(workspace.transcripts),
        )
        done = write_site(plan, workspace.public)
    return {
        "sessions": len(sources.sessions),
        "answers": plan.answers,
        "written": done.written,
        "unchanged": done.unchanged,
        "removed": done.removed,
        "seconds": round(time.monotonic() - before, 3),
        "public": str(workspace.public),
        "advice": list(plan.advice),
    }


@contextlib.contextmanager
def building_alone(workspace: Workspace) -> Iterator[None]:
    """Wait until nobody else builds the site or reads it as a whole, and keep it so."""
    workspace.run.mkdir(mode=0o700, exist_ok=True)
    with (workspace.run / "build.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def read_status(folder: Path, environ: Environ, *, now: Now) -> Report:
    """Sessions, work and the hub's addresses; works while the hub runs and while it does not."""
    workspace = open_workspace(folder)
    load_settings(workspace.folder, environ)
    try:
        hub = await ask_hub(workspace, "hub")
    except Unavailable:
        hub = None
    async with Store.open(workspace.database, now=now) as store:
        sessions, works, misheard = await store.read(
            lambda db: (show_rows.list_sessions(db), work_rows.list_work(db, limit=50), list_misheard(db))
        )
    return {
        "workspace": str(workspace.folder),
        "hub": hub,
        "sessions": [
            {
                "id": s.id,
                "show": s.show_id,
                "title": s.title,
                "state": s.state,
                "starts_at": format_instant(s.starts_at),
                "heard_as": misheard[s.id].told if s.id in misheard else None,
                "spoken": misheard[s.id].spoken if s.id in misheard else None,
            }
            for s in sessions
        ],
        "work": [_work_json(work) for work in works],
    }


def _work_json(work: work_rows.WorkStatus) -> Json:
    steps = [{"name": s.name, "state": s.state, "attempts": s.attempts, "message": s.message} for s in work.steps]
    return {"id": work.workflow_id, "kind": work.kind, "key": work.key, "state": work.state, "steps": steps}


def render_status(report: Report) -> str:
    """The status for a person."""
    hub = report["hub"]
    lines = [f"hub      {hub['url'] if hub else 'does not run'}", f"folder   {report['workspace']}", "", "sessions"]
    for s in report["sessions"]:
        lines.append(f"  {s['state']:<11} {s['starts_at'][:16]}Z  {s['id']}")
        if s["spoken"]:
            lines.append(
                f"    heard as {s['heard_as']}, spoken is {s['spoken']}: hear it again from its page in the console"
            )
    if not report["sessions"]:
        lines.append("  none yet")
    lines += ["", "work"]
    for work in report["work"]:
        lines.append(f"  {work['state']:<9} {work['kind']} {work['key']}")
        lines += [
            f"    {step['state']:<9} {step['name']} (attempt {step['attempts']}) {step['message']}".rstrip()
            for step in work["steps"]
            if step["state"] not in {"done", "skipped"}
        ]
    if not report["work"]:
        lines.append("  none yet")
    held = [work for work in report["work"] if work["state"] == "held"]
    if held:
        lines += [
            "",
            f"{len(held)} waiting for a person: decide on the host's page of the session (retry, skip, give up)",
        ]
    return "\n".join(lines)


async def worker_key(folder: Path) -> str:
    """Draw a key for a worker on another machine; the running hub knows it from then on."""
    answer = await ask_hub(open_workspace(folder), "worker-key", {"person": "worker"})
    return str(answer["token"])


async def work(hub_url: str, cache: Path, environ: Environ, *, now: Now, say: Say) -> None:
    """Transcribe for a hub on another machine until told to stop."""
    from streamhub import app
    from streamhub.engine import TRANSCRIPTION, Engine
    from streamhub.worker import RemoteHub, hold_cache

    settings = parse_settings("", environ, source="the environment")
    key = environ.get("STREAMHUB_WORKER_KEY", "")
    if not settings.engine.database_url or not key:
        raise BadInput(
            "worker: STREAMHUB_ENGINE_DATABASE_URL and STREAMHUB_WORKER_KEY are needed",
            hint="the first is the hub's PostgreSQL address, the second prints `streamhub status --worker-key` there",
        )
    engine = Engine(settings.engine, cache, None, now=now)
    hub = RemoteHub(
        url=hub_url,
        key=key,
        cache=cache,
        transcriber=app.make_transcriber(settings, cache / "models", environ),
        speed_limit=settings.transcript.speed_limit,
        say=say,
    )
    hub.register(engine)
    stop = app.stop_event()
    with hold_cache(cache):
        await hub.greet()
        try:
            await engine.launch(listen_queues=[TRANSCRIPTION], hub=False)
            say(f"working for {hub_url} with {settings.transcript.engine} {settings.transcript.model}; Ctrl-C stops it")
            await stop.wait()
        finally:
            await engine.close()
            await hub.transcriber.close()


async def import_session(
    folder: Path, request: ImportRequest, environ: Environ, *, now: Now, random: Random, say: Say
) -> Report:
    """Import through the running hub if there is one, else in this process."""
    from streamhub import app

    workspace = open_workspace(folder)
    try:
        begun = await ask_hub(workspace, "import", request.to_json())
    except Unavailable:
        async with app.open_hub(folder, environ, now=now, random=random) as parts:
            session_id = await parts.importer.begin(request)
            await _follow(lambda: parts.importer.progress(session_id), say)
            report = await parts.importer.finish(session_id, publish=request.publish)
    else:
        session_id = begun["session"]

        async def ask() -> ImportProgress:
            return ImportProgress.from_json(await ask_hub(workspace, "import-progress", {"session": session_id}))

        await _follow(ask, say)
        report = await ask_hub(workspace, "import-finish", {"session": session_id, "publish": request.publish})
    return {**report, "public": str(workspace.public)}


async def _follow(ask: Callable[[], Awaitable[ImportProgress]], say: Say) -> None:
    last = ""
    while True:
        progress = await ask()
        share = f" {100 * progress.done // progress.total} %" if progress.total else ""
        line = f"  {progress.step}{share}"
        if progress.step and line != last:
            say(line)
            last = line
        if progress.ended:
            break
        await asyncio.sleep(0.2)
    if progress.state != "done":
        raise StreamhubError(
            f"import: {progress.state} at {progress.step}: {progress.message}",
            hint="mend what it names and run the same command again; what is finished is not done twice",
        )


async def make_clips(
    folder: Path, session_id: str, answer_ids: Sequence[str], environ: Environ, *, now: Now, random: Random, say: Say
) -> Report:
    """Make clips through the running hub if there is one, else in this process; waits for them.

    Raises:
        NotFound, Conflict: no such session or answer, or its answers are not cut yet.
        StreamhubError: one could not be made; what is finished is not done twice.
    """
    from streamhub import app

    workspace = open_workspace(folder)
    try:
        order = (await ask_hub(workspace, "clips", {"session": session_id, "answers": list(answer_ids)}))["order"]
    except Unavailable:
        async with app.open_hub(folder, environ, now=now, random=random) as parts:
            order = await parts.clips.order(session_id, answer_ids, author="command")
            await _follow_clips(lambda: parts.clips.progress(session_id, order), say)
            return await parts.clips.report(session_id)
    about = {"session": session_id, "order": order}
    await _follow_clips(lambda: ask_hub(workspace, "clips-progress", about), say)
    report: Report = await ask_hub(workspace, "clips-report", about)
    return report


async def _follow_clips(ask: Callable[[], Awaitable[Mapping[str, Any]]], say: Say) -> None:
    last = ""
    while not (found := await ask())["ended"]:
        line = f"  {100 * found['done'] // found['total']} %" if found["total"] else ""
        if line and line != last:
            say(line)
            last = line
        await asyncio.sleep(0.2)
    if found["state"] != "done":
        raise StreamhubError(
            f"clips: {found['state']}: {found['message']}",
            hint="mend what it names and run the same command again; what is finished is not done twice",
        )


def examine(folder: Path, environ: Environ, *, now: Now) -> list[Finding]:
    """The doctor's findings: the machine's, and the workspace's if there is one."""
    checks = machine_checks(now)
    settings: Settings | None = Settings()
    workspace = Workspace(folder.resolve())
    if workspace.settings_file.is_file():
        settings, more = workspace_checks(workspace, environ, listening=_is_running(workspace))
        checks += more
        checks.append(("archive", lambda: _check_archive(workspace)))
    else:
        seen = f"{workspace.folder} is no workspace"
        checks.append(
            ("workspace", lambda: _warn("workspace", seen, "make one with `streamhub init`, or name it with -w"))
        )
    if settings is not None:
        known = settings
        checks.append(("ffmpeg", lambda: _check_program(known)))
        checks.append(("model", lambda: _check_model(known, workspace, environ)))
        if known.transcript.diariser:
            checks.append(("diariser", lambda: _check_diariser(known, workspace)))
        checks.append(("engine database", lambda: _check_engine(known)))
        if workspace.settings_file.is_file():
            checks.append(("mail", lambda: _check_mail(known, workspace)))
            checks += _source_checks(known, workspace, now)
            checks += [
                (slug, functools.partial(_check_platform, slug, known, workspace, now))
                for slug in configured_platforms(known)
            ]
            if configured_platforms(known):
                checks.append(("public address", lambda: _check_address(known)))
    return run_checks(checks)


def _is_running(workspace: Workspace) -> bool:
    try:
        asyncio.run(ask_hub(workspace, "hub"))
    except StreamhubError:
        return False
    return True


def _warn(check: str, seen: str, advice: str) -> Finding:
    return Finding(check=check, verdict=Verdict.WARN, seen=seen, advice=advice)


def _check_archive(workspace: Workspace) -> Finding:
    from streamhub.archive.folder import load_archive

    archive = load_archive(workspace.transcripts)
    return Finding(check="archive", verdict=Verdict.OK, seen=f"{len(archive)} sessions, every file can be read")


def _check_program(settings: Settings) -> Finding:
    from streamhub import app

    path, version = app.find_program(settings)
    return Finding(check="ffmpeg", verdict=Verdict.OK, seen=f"{version} at {path}")


def _check_model(settings: Settings, workspace: Workspace, environ: Environ) -> Finding:
    from streamhub import app

    report = app.report_model(settings, workspace, environ)
    if report.model is None:
        return Finding(check="model", verdict=Verdict.FAIL, seen=report.sentence, advice=report.advice)
    verdict = Verdict.WARN if report.advice else Verdict.OK
    return Finding(check="model", verdict=verdict, seen=report.sentence, advice=report.advice)


def _check_diariser(settings: Settings, workspace: Workspace) -> Finding:
    """Whether voices can be told apart; transcripts are made all the same."""
    from streamhub import app

    diariser = app.make_diariser(settings, workspace)
    if diariser is None:
        return Finding(check="diariser", verdict=Verdict.OK, seen="none")
    try:
        asyncio.run(diariser.version())
    except StreamhubError as error:
        return _warn("diariser", f"{error.message}; transcripts say less of who speaks", error.hint)
    return Finding(check="diariser", verdict=Verdict.OK, seen=diariser.name)


def _check_engine(settings: Settings) -> Finding:
    from streamhub import app

    if not settings.engine.database_url:
        return Finding(check="engine database", verdict=Verdict.OK, seen="SQLite in the workspace")
    app.probe_postgres(settings)
    return Finding(check="engine database", verdict=Verdict.OK, seen="PostgreSQL answers")


def _check_platform(slug: str, settings: Settings, workspace: Workspace, now: Now) -> Finding:
    from streamhub import app

    fine, seen, advice = app.platform_front(slug, workspace, settings).describe(now)
    return Finding(check=slug, verdict=Verdict.OK if fine else Verdict.WARN, seen=seen, advice=advice)


def _check_mail(settings: Settings, workspace: Workspace) -> Finding:
    """Whether the mail server takes mail, and what waits in the outbox."""
    from streamhub import app
    from streamhub.store.mails import describe_outbox

    waiting = describe_outbox(workspace.database)
    sender = app.make_sender(settings, workspace)
    if sender is None:
        seen = "no mail server, so every mail stays a draft"
        if not waiting:
            return Finding(check="mail", verdict=Verdict.OK, seen=seen)
        return _warn("mail", f"{seen}; {waiting}", "set [mail] host, or discard them at /host/outbox")
    try:
        seen = asyncio.run(sender.probe())
    except Unavailable as error:
        return Finding(
            check="mail",
            verdict=Verdict.FAIL,
            seen=f"{error.message}; {waiting or 'nothing waits'}",
            advice=error.hint,
        )
    return Finding(check="mail", verdict=Verdict.OK, seen=f"{seen}; {waiting or 'nothing waits'}")


def _source_checks(settings: Settings, workspace: Workspace, now: Now) -> list[tuple[str, Check]]:
    """Whether the mailbox and the servers answer that questions are read from."""
    from streamhub import app
    from streamhub.probing import source_checks

    return source_checks(app.make_probes(settings, workspace, now=now))


def _check_address(settings: Settings) -> Finding:
    if settings.hub.url:
        return Finding(check="public address", verdict=Verdict.OK, seen=settings.hub.url)
    seen = "hub.url is empty, so descriptions and chat on platforms cannot say where to ask"
    return _warn("public address", seen, "set hub.url to the address at which the public reaches the hub")


def backup_workspace(folder: Path, target: Path, environ: Environ, *, media: bool, now: Now) -> Report:
    """Write a backup."""
    from streamhub.store.backup import write_backup

    workspace = open_workspace(folder)
    settings = load_settings(workspace.folder, environ)
    done = write_backup(workspace.folder, target, now=now, media_dir=settings.recording.media_dir, include_media=media)
    return {"files": done.files, "bytes": done.size_bytes, "target": str(target), "left_out": list(done.left_out)}


def restore_workspace(source: Path, folder: Path, environ: Environ, *, erased: Sequence[Path] = (), now: Now) -> Report:
    """Make a workspace out of a backup, without what these places know as erased since."""
    from streamhub.app import photos_folder
    from streamhub.restored import erase_again
    from streamhub.store.backup import restore_backup
    from streamhub.store.erased import ERASED_FILE, find_erased, save_erased

    ids = [one for place in erased for one in find_erased(place)]
    done = restore_backup(source, folder)
    save_erased(folder / ERASED_FILE, ids)  # first of all, so that the hub erases them whatever fails from here on
    workspace = open_workspace(folder)
    settings = load_settings(workspace.folder, environ)
    complete_workspace(workspace, settings)
    photos = photos_folder(workspace, settings)
    gone = asyncio.run(erase_again(workspace.database, workspace.transcripts, photos, ids, now=now))
    since = f"; what was erased after {done.created_at} is in it again"
    note = (
        "" if erased else f"{since}: restore with --erased, naming the old workspace or a newer backup, to prevent that"
    )
    return {
        "files": done.files,
        "folder": str(folder),
        "left_out": list(done.left_out),
        "erased": gone,
        "created_at": done.created_at,
        "note": note,
    }


async def run_demo(folder: Path, environ: Environ, *, now: Now, random: Random, say: Say) -> Report:
    """Run the demo on a fresh hub in a folder of its own."""
    from streamhub import app
    from streamhub.demo.run import Stage
    from streamhub.demo.script import load_roundtable
    from streamhub.transcript.models import REHEARSAL

    before = time.monotonic()
    _clear_demo(folder)
    settings = Settings()
    model = app.choose_model(settings, Workspace(folder), environ)
    settings = replace(
        settings,
        hub=replace(
            settings.hub, questions_per_minute=600, votes_per_minute=6000, votes_per_address=0, flood_per_minute=6000
        ),
        transcript=replace(settings.transcript, model=model),
        answers=replace(settings.answers, lag_s=-1.0),  # the demo's host shows a question just before it is read
    )
    workspace = create_workspace(folder / "hub", settings, random=random)
    (folder / _DEMO_MARK).write_text("made by streamhub demo, which may delete this folder\n", "utf-8")
    say(f"workspace {workspace.folder}, recogniser: {model}")
    stage = Stage(
        scratch=folder / "pictures",
        model=f"{settings.transcript.engine} {model}",
        now=now,
        say=say,
        every_word=model == REHEARSAL,
    )
    report = await play_on_hub(workspace, stage, [load_roundtable(language) for language in LANGUAGES])
    await asyncio.to_thread(shutil.rmtree, folder / "pictures")
    report["seconds"] = round(time.monotonic() - before, 1)
    report["site"] = str(workspace.public)
    say("")
    say(report["table"])
    say("")
    say(f"the site: {workspace.public}/index.html")
    say(f"look at it: {_command_name()} serve -w {workspace.folder}")
    return report


async def play_on_hub(workspace: Workspace, stage: Stage, roundtables: Sequence[Roundtable]) -> Report:
    """Start a hub process on free ports, play round tables on it, and stop it.

    Raises:
        StreamhubError: the hub does not start, or a part of the show goes wrong.
    """
    from streamhub import app
    from streamhub.demo.run import Door, play

    argv = [sys.executable, "-m", "streamhub", "serve", "--workspace", str(workspace.folder)]
    variables = {"STREAMHUB_HUB_PORT": "0", "STREAMHUB_LIVE_RTMP_PORT": "0"}
    async with await start(Command(argv=argv, env=variables, own=True, name="hub")) as child:
        hub = await _wait_for_hub(workspace, child)
        stage.say(f"hub at {hub['url']}, encoders at {hub['rtmp']}")
        token = (await ask_hub(workspace, "api-token", {"person": "demo host"}))["token"]
        program, _ = await asyncio.to_thread(app.find_program, load_settings(workspace.folder, {}))
        door = Door(
            url=hub["url"],
            token=token,
            ffmpeg=program,
            find=lambda language, query: find_answers(workspace.public, language, query),
        )
        report = await play(stage, door, roundtables)
        await child.stop(grace_s=20)
    return report


def find_answers(public: Path, language: str, query: str) -> Sequence[Mapping[str, Any]]:
    """Search the built site's index, as its search page does."""
    from streamhub.archive.search.query import SearchIndex, search

    index = SearchIndex(lambda name: (public / name).read_bytes(), "de" if language == "de" else "en")
    return [{"id": hit.id, "url": hit.url, "start_ms": hit.start_ms} for hit in search([index], query).hits]


def _clear_demo(folder: Path) -> None:
    """Make room for a new demo.

    Raises:
        Conflict: the folder is not a demo's, or the hub of an earlier one still runs in it.
        Environment: it cannot be deleted.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / _DEMO_MARK).is_file():
        raise Conflict(f"{folder}: is not a demo's folder, so it is not cleared", hint="name another with --folder")
    with contextlib.ExitStack() as stack:
        if (folder / "hub").is_dir():
            stack.enter_context(hold_workspace(folder / "hub"))
        try:
            shutil.rmtree(folder)
        except OSError as error:
            hint = "delete it yourself, or name another with --folder"
            raise Environment(f"{folder}: cannot be cleared ({error.strerror})", hint=hint) from error


async def _wait_for_hub(workspace: Workspace, child: Any) -> Mapping[str, Any]:
    for _ in range(300):
        if not child.running:
            code = await child.wait()
            raise StreamhubError(f"hub: ended with exit code {code}: {child.stderr_tail.strip()[-500:]}")
        with contextlib.suppress(Unavailable):
            answer: Mapping[str, Any] = await ask_hub(workspace, "hub")
            return answer
        await asyncio.sleep(0.1)
    raise TimedOut(f"hub: did not start within 30 s: {child.stderr_tail.strip()[-500:]}")


def _command_name() -> str:
    """The command as the person at the terminal can type it."""
    own = Path(sys.argv[0])
    return str(own) if own.name == "streamhub" and shutil.which("streamhub") is None else "streamhub"
