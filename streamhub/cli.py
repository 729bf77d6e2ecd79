"""The command line: thin commands over `streamhub.app`, with exit codes that scripts can rely on.

Exit codes: 0 done; 1 failed; 2 wrong usage; 3 bad input; 4 not found; 5 refused, because the state of things forbids
it; 6 this machine lacks something (`streamhub doctor` says what); 7 try again later; 130 cancelled.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import secrets
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from streamhub import __version__
from streamhub.config import PLATFORMS
from streamhub.errors import StreamhubError
from streamhub.text import LANGUAGES

T = TypeVar("T")
_EPILOG = __doc__.split("\n\n")[1].replace("\n", " ")


_BUILT = (
    "{answers} answers in {sessions} sessions: {written} files written, {unchanged} unchanged, "
    "{removed} removed in {seconds:.1f} s; the site is in {public}"
)
_CHECKED = "checked {files} files: links, HTML, feeds, data and sizes are all right"


def _now() -> datetime:
    return datetime.now(UTC)


class _Group(click.Group):
    """Turns our errors into one readable message and the error's exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StreamhubError as error:
            _fail(error.message, error.hint, error.exit_code)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)


def _fail(message: str, hint: str, exit_code: int) -> NoReturn:
    click.secho(f"streamhub: {message}", err=True, fg="red")
    if hint:
        click.echo(f"  what to do: {hint}", err=True)
    sys.exit(exit_code)


def workspace_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that names the workspace."""
    return click.option(
        "-w",
        "--workspace",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(),
        envvar="STREAMHUB_WORKSPACE",
        show_envvar=True,
        help="The hub's folder; the current one when not given.",
    )(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option for machine-readable output."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")(command)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(__version__, prog_name="streamhub")
@click.option("--debug", is_flag=True, envvar="STREAMHUB_DEBUG", help="Log more, and show tracebacks.")
def cli(debug: bool) -> None:
    """Live expert round tables become a searchable archive of answered questions."""
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.INFO,
        format="%(asctime)s %(levelname).1s %(name)s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    for noisy in ("aiohttp.access", "asyncio", "sqlalchemy", "httpx", "PIL", "markdown_it", "watchfiles"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@cli.command(epilog="Example: streamhub init hub --title 'Antworten der Stadtwerke' --language de")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--title", default="", help="Title of the archive site.")
@click.option("--language", type=click.Choice(LANGUAGES), default="de", show_default=True, help="Language of the hub.")
def init(folder: Path, title: str, language: str) -> None:
    """Make a new workspace in FOLDER."""
    from streamhub import commands

    workspace = commands.init_workspace(folder, title=title, language=language, random=secrets.token_bytes)
    click.echo(f"made {workspace.folder}")
    click.echo(f"next: streamhub doctor -w {folder}; streamhub serve -w {folder}")


@cli.command(epilog="Example: streamhub serve -w hub")
@workspace_option
def serve(folder: Path) -> None:
    """Run the hub: web pages, ingest doors and the work behind them, until Ctrl-C."""
    from streamhub import app

    _run(lambda: app.serve(folder, os.environ, now=_now, random=secrets.token_bytes, say=click.echo))


@cli.command(
    epilog="Example: STREAMHUB_ENGINE_DATABASE_URL=postgresql://… streamhub worker --hub https://hub.example.org"
)
@click.option("--hub", "hub_url", required=True, help="Address of the hub that has the media.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("streamhub-worker"),
    show_default=True,
    help="Folder for media on their way through.",
)
def worker(hub_url: str, cache: Path) -> None:
    """Transcribe for a hub on another machine, until Ctrl-C.

    Both need the same PostgreSQL address in STREAMHUB_ENGINE_DATABASE_URL, and the worker needs the hub's worker key in
    STREAMHUB_WORKER_KEY (`streamhub status --worker-key` prints it on the hub's machine).
    """
    from streamhub import commands

    _run(lambda: commands.work(hub_url, cache, os.environ, now=_now, say=click.echo))


@cli.command(epilog="Example: streamhub build -w hub --json")
@workspace_option
@json_option
@click.option(
    "--check", is_flag=True, help="Check what was built: links, HTML, feeds, sizes; exit code 1 for any flaw."
)
@click.option("--watch", is_flag=True, help="Go on: build again whenever archive, theme or settings change.")
def build(folder: Path, as_json: bool, check: bool, watch: bool) -> None:
    """Write the site from the archive; only what changed is written."""
    from streamhub import commands, site_commands

    if watch:

        def job() -> str:
            told = [_BUILT.format_map(commands.build_site(folder, os.environ))]
            if check:
                files, flaws = site_commands.check_site(folder, os.environ)
                told += flaws or [_CHECKED.format(files=files)]
            return "\n".join(told)

        site_commands.watch_site(folder, os.environ, job, click.echo, stop=threading.Event())
        return
    report = commands.build_site(folder, os.environ)
    files, flaws = site_commands.check_site(folder, os.environ) if check else (0, [])
    _print(report | ({"flaws": flaws} if check else {}), as_json, _BUILT)
    for line in [] if as_json else report["advice"]:
        click.echo(f"  {line}", err=True)
    for flaw in flaws:
        click.echo(flaw, err=True)
    if check and not flaws and not as_json:
        click.echo(_CHECKED.format(files=files))
    if flaws:
        _fail(f"{len(flaws)} flaws in the site", "mend the files or the theme that they come from", 1)


@cli.command(epilog="Example: streamhub deploy www@host.example.org:/srv/www/antworten -w hub --dry-run")
@click.argument("target", default="")
@workspace_option
@json_option
@click.option("--dry-run", "dry", is_flag=True, help="Only say what would be sent and removed.")
@click.option("--take-over", is_flag=True, help="Replace whatever lies there, also if it is no site of streamhub.")
def deploy(target: str, folder: Path, as_json: bool, dry: bool, take_over: bool) -> None:
    """Bring the built site to TARGET: a folder, user@host:folder (rsync) or s3://bucket/folder.

    Only what changed travels: first what pages need, then the pages, and what is gone goes last, so that the live site
    works at every moment. A deploy that was cut off goes on with the next. Without TARGET the setting deploy.to counts.
    """
    from streamhub import site_commands

    def say(line: str) -> None:
        click.echo(line, err=True)

    job = functools.partial(site_commands.deploy_site, folder, os.environ, target)
    report = _run(lambda: job(dry=dry, take_over=take_over, say=say))
    _print(report, as_json, ("would send" if dry else "sent") + " {sent} files, removed {removed}: {target}")


@cli.command(epilog="Example: streamhub headers nginx -w hub > streamhub-headers.conf")
@click.argument("host", type=click.Choice(["nginx", "apache"]))
@workspace_option
@click.option(
    "--path", help="Path under which the server shows the site, such as /archiv; default: that of [site] url."
)
def headers(host: str, folder: Path, path: str | None) -> None:
    """Print the security headers of the built site for HOST's own configuration."""
    from streamhub import site_commands

    click.echo(site_commands.read_headers(folder, os.environ, host, path), nl=False)


@cli.command(epilog="Example: streamhub status -w hub --json | jq .work")
@workspace_option
@json_option
@click.option("--worker-key", is_flag=True, help="Print the key that workers on other machines need, and nothing else.")
def status(folder: Path, as_json: bool, worker_key: bool) -> None:
    """Show sessions, running work and what waits for a person; works while the hub runs."""
    from streamhub import commands

    if worker_key:
        click.echo(_run(lambda: commands.worker_key(folder)))
        return
    report = asyncio.run(commands.read_status(folder, os.environ, now=_now))
    click.echo(json.dumps(report, ensure_ascii=False, indent=2) if as_json else commands.render_status(report))


@cli.command(
    name="import", epilog="Example: streamhub import talk.mp4 --show netz --questions q.csv --marks m.csv -w hub"
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@workspace_option
@json_option
@click.option("--show", required=True, help="Id or title of the show; made when it does not exist.")
@click.option("--title", default="", help="Title of the session; the file's name when not given.")
@click.option(
    "--start", default="", help="When it began, such as 2027-03-02T20:15:00+01:00; the file's date when not given."
)
@click.option(
    "--language", type=click.Choice(LANGUAGES), default=None, help="Language spoken; the show's when not given."
)
@click.option(
    "--captions",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Captions (VTT, SRT, JSON) instead of recognition.",
)
@click.option(
    "--questions",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV: id, question, asker, votes, topics, products.",
)
@click.option("--marks", type=click.Path(path_type=Path, dir_okay=False), help="CSV: question, start (MM:SS), end.")
@click.option(
    "--person", "people", multiple=True, help="Somebody in it: 'Anna Berg, expert, Stadtwerke'; may be repeated."
)
@click.option("--publish", is_flag=True, help="Publish the answers at once instead of leaving them for review.")
def import_(file: Path, folder: Path, as_json: bool, **given: Any) -> None:
    """Make an archived session out of FILE: any recording, or captions alone.

    Run it again after a break: what is finished is not done twice.
    """
    from streamhub import commands
    from streamhub.importing import ImportRequest

    request = ImportRequest(
        file=file, **{**given, "people": tuple(given["people"]), "language": given["language"] or ""}
    )
    say = (lambda line: click.echo(line, err=True)) if as_json else click.echo
    report = _run(
        lambda: commands.import_session(folder, request, os.environ, now=_now, random=secrets.token_bytes, say=say)
    )
    _print(report, as_json, "session {session}: {answers} answers, state {state}; the site is in {public}")


@cli.command(epilog="Example: streamhub clips 2027-03-02-netz --answer q7 -w hub")
@click.argument("session")
@workspace_option
@json_option
@click.option("--answer", "answers", multiple=True, help="Id of an answer, a draft too; may be repeated.")
def clips(session: str, folder: Path, as_json: bool, answers: tuple[str, ...]) -> None:
    """Make clips of SESSION: of every published answer, or of those that are named.

    Each is a film and a sound file with captions and pictures. Those that are right already are left alone.
    """
    from streamhub import commands

    say = (lambda line: click.echo(line, err=True)) if as_json else click.echo
    report = _run(
        lambda: commands.make_clips(folder, session, answers, os.environ, now=_now, random=secrets.token_bytes, say=say)
    )
    for clip in () if as_json else report["clips"]:
        how = {"copied": "nothing encoded", "edges": "only its edges encoded", "whole": "encoded anew"}
        reason = f" ({clip['reason']})" if clip["reason"] else ""
        files = clip["video"] or clip["audio"] or clip["share"]
        click.echo(f"  {clip['answer_id']}: {files}, {how.get(clip['method'], 'no picture')}{reason}")
    _print(report, as_json, "{count} clips of session {session} are in {folder}")


@cli.command(epilog="Example: streamhub doctor -w hub")
@workspace_option
@json_option
def doctor(folder: Path, as_json: bool) -> None:
    """Check programs, models, keys, ports, disk, clock and rights, and say what to do about each."""
    from streamhub import commands
    from streamhub.doctor import Verdict

    findings = commands.examine(folder, os.environ, now=_now)
    if as_json:
        rows = [{"check": f.check, "verdict": f.verdict, "seen": f.seen, "advice": f.advice} for f in findings]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        colours = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}
        for finding in findings:
            click.echo(
                f"{click.style(f'{finding.verdict:>4}', fg=colours[finding.verdict])}  {finding.check}: {finding.seen}"
            )
            if finding.advice:
                click.echo(f"      {finding.advice}")
    sys.exit(6 if any(finding.verdict is Verdict.FAIL for finding in findings) else 0)


@cli.command(epilog="Example: streamhub demo --folder demo")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("streamhub-demo"), show_default=True
)
@json_option
def demo(folder: Path, as_json: bool) -> None:
    """Run a real live session through every part, and build its archive."""
    from streamhub import commands

    say = (lambda line: click.echo(line, err=True)) if as_json else click.echo
    report = _run(lambda: commands.run_demo(folder, os.environ, now=_now, random=secrets.token_bytes, say=say))
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))


@cli.command(epilog="Example: streamhub backup hub-2027-03-02.tar -w hub --media")
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@workspace_option
@json_option
@click.option("--media", is_flag=True, help="Take the recordings along; they are large.")
def backup(target: Path, folder: Path, as_json: bool, media: bool) -> None:
    """Write the workspace into TARGET, one file; works while the hub runs."""
    from streamhub import commands

    report = commands.backup_workspace(folder, target, os.environ, media=media, now=_now)
    _print(report, as_json, "{files} files, {bytes} bytes in {target}")


@cli.command(epilog="Example: streamhub restore hub-2027-03-02.tar new-hub --erased old-hub")
@click.argument("source", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--erased",
    type=click.Path(path_type=Path),
    multiple=True,
    help="The old workspace, a newer backup or an erased.txt: what was erased there is erased again. Can be repeated.",
)
@json_option
def restore(source: Path, folder: Path, erased: tuple[Path, ...], as_json: bool) -> None:
    """Make a workspace in FOLDER out of the backup SOURCE; never overwrites anything."""
    from streamhub import commands

    report = commands.restore_workspace(source, folder, os.environ, erased=erased, now=_now)
    told = "{files} files restored into {folder}, {erased} questions erased again; next: streamhub doctor -w {folder}"
    _print(report, as_json, told + "{note}")


def _add_platform(slug: str, name: str) -> None:
    """Give a live platform its group of commands."""

    @cli.group(
        name=slug,
        help=f"Connect the hub with {name}, and see what that costs.",
        epilog=f"Example: streamhub {slug} connect -w hub",
    )
    def group() -> None:
        pass

    @group.command(epilog=f"Example: streamhub {slug} connect -w hub --paste")
    @workspace_option
    @click.option(
        "--port", type=click.IntRange(0, 65535), default=0, help="Port that the browser comes back to; 0: a free one."
    )
    @click.option("--no-browser", is_flag=True, help="Print the address and how to reach it from another machine.")
    @click.option(
        "--paste", is_flag=True, help="Paste the address of the page where the browser ended, instead of a tunnel."
    )
    @click.option("--change-account", is_flag=True, help="Take another account than before.")
    def connect(folder: Path, **given: Any) -> None:
        """Sign in, and keep the sign-in encrypted in the workspace."""
        from streamhub import platform_commands
        from streamhub.platforms import SignInWish

        wish = SignInWish(
            port=given["port"],
            open_browser=not given["no_browser"],
            paste=_ask if given["paste"] else None,
            change_account=given["change_account"],
        )
        _run(lambda: platform_commands.connect_platform(slug, folder, os.environ, wish, now=_now, say=click.echo))

    @group.command(epilog=f"Example: streamhub {slug} disconnect -w hub")
    @workspace_option
    def disconnect(folder: Path) -> None:
        """Sign out: take the right back and delete the sign-in."""
        from streamhub import platform_commands

        _run(lambda: platform_commands.disconnect_platform(slug, folder, os.environ, say=click.echo))

    @group.command(epilog=f"Example: streamhub {slug} quota -w hub --json")
    @workspace_option
    @json_option
    def quota(folder: Path, as_json: bool) -> None:
        """Show what today cost, what the next sessions will cost, and what is left."""
        from streamhub import platform_commands

        report = asyncio.run(platform_commands.read_quota(slug, folder, os.environ, now=_now))
        click.echo(json.dumps(report, ensure_ascii=False, indent=2) if as_json else report["text"])


def _ask(prompt: str) -> str:
    return str(click.prompt(prompt, prompt_suffix=" "))


for _slug, _name in PLATFORMS.items():
    _add_platform(_slug, _name)


@cli.command(epilog='Example: eval "$(streamhub completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(cli, {}, "streamhub", "_STREAMHUB_COMPLETE").source())


def _print(report: dict[str, Any], as_json: bool, line: str) -> None:
    click.echo(json.dumps(report, ensure_ascii=False, indent=2) if as_json else line.format_map(report))


def _run(job: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        return await job()

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        _fail("stopped", "run the same command again; what was finished is kept", 130)


def main() -> None:
    """Run the command line; an error that nobody foresaw is logged with its traceback."""
    try:
        cli(prog_name="streamhub")
    except Exception as error:  # the program's outermost boundary
        if os.environ.get("STREAMHUB_DEBUG"):
            traceback.print_exc()
        _fail(f"unexpected {type(error).__name__}: {error}", "run it again with --debug and report what it prints", 1)
