"""The commands of the built site, as people type them: build --check, build --watch, deploy, headers, doctor."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from streamhub import commands, site_commands
from streamhub.cli import cli

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A workspace with one session of the sample archive."""
    commands.init_workspace(tmp_path / "hub", title="Antworten", language="de", random=lambda size: b"x" * size)
    shutil.copytree(REPOSITORY / "transcripts/service-runde", tmp_path / "hub/transcripts/service-runde")
    return tmp_path / "hub"


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    result = CliRunner().invoke(cli, [str(one) for one in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_check_finds_what_a_theme_breaks(hub: Path) -> None:
    """All is well at first; an own template with a dead link fails the command with page and reason."""
    code, out, errors = run("build", "-w", hub, "--check", "--json")
    assert code == 0, errors
    assert json.loads(out)["flaws"] == []
    code, out, _ = run("build", "-w", hub, "--check")
    assert code == 0
    assert "links, HTML, feeds, data and sizes are all right" in out
    (hub / "site/templates").mkdir(parents=True)
    page = '{% extends "shipped/404.html" %}{% block main %}<h1>Weg</h1><a href="nirgends/">x</a>{% endblock %}'
    (hub / "site/templates/404.html").write_text(page)
    code, _, errors = run("build", "-w", hub, "--check")
    assert code == 1
    assert "404.html: leads to nirgends/, and there is no file nirgends/index.html" in errors


def test_build_says_which_legal_pages_are_missing(hub: Path) -> None:
    """A line for each on the console, in the report for programs, and in the doctor's findings."""
    code, _, errors = run("build", "-w", hub)
    assert code == 0
    assert "imprint: not published; set legal.company, legal.address, legal.email" in errors
    assert len(json.loads(run("build", "-w", hub, "--json")[1])["advice"]) == 3
    _, out, _ = run("doctor", "-w", hub, "--json")
    assert "the site has no imprint and no privacy" in out


def test_deploy_goes_where_it_was_told(hub: Path, tmp_path: Path) -> None:
    """A dry run changes nothing; the setting names the place relative to the workspace; the hub itself is refused."""
    assert run("deploy", "-w", hub)[0] == 3
    run("build", "-w", hub)
    code, out, errors = run("deploy", tmp_path / "www", "-w", hub, "--dry-run")
    assert code == 0
    assert "would send index.html" in errors
    assert "would send" in out
    assert not (tmp_path / "www").exists()
    (hub / "streamhub.toml").write_text('[deploy]\nto = "../www"\n')
    code, out, _ = run("deploy", "-w", hub, "--json")
    assert code == 0
    assert json.loads(out)["sent"] > 20
    assert (tmp_path / "www/index.html").read_bytes() == (hub / "public/index.html").read_bytes()
    assert json.loads(run("deploy", "-w", hub, "--json")[1])["sent"] == 0
    for wrong in (hub / "public", hub, hub / "public/x"):
        assert run("deploy", wrong, "-w", hub)[0] == 3
    code, _, errors = run("deploy", "ftp://host.example.org/www", "-w", hub)
    assert code == 3
    assert "ftp://host.example.org/www: no way to deploy there" in errors
    assert "s3://bucket/folder" in errors


def test_headers_are_printed_for_servers(hub: Path) -> None:
    """For nginx and Apache, under the path that was named; before the first build it says to build."""
    assert "streamhub build" in run("headers", "nginx", "-w", hub)[2]
    run("build", "-w", hub)
    assert "add_header Content-Security-Policy" in run("headers", "nginx", "-w", hub)[1]
    assert "m#^/archiv/.*#" in run("headers", "apache", "--path", "archiv", "-w", hub)[1]
    assert "m#^/.*#" in run("headers", "apache", "-w", hub)[1]


def test_headers_below_a_hosts_root_follow_the_sites_address(hub: Path) -> None:
    """Frames are forbidden at the pages' own paths and the page for 404 is found; a path that is named wins."""
    (hub / "streamhub.toml").write_text('[site]\nurl = "https://example.org/help/"\n')
    run("build", "-w", hub)
    code, out, _ = run("headers", "nginx", "-w", hub)
    assert code == 0
    assert "error_page 404 /help/404.html;" in out
    framed = [line for line in out.splitlines() if "frame-ancestors 'self'" in line]
    assert len(framed) > 10
    assert all(line.strip().startswith('"~^/help/') for line in framed)
    assert "ErrorDocument 404 /404.html" in run("headers", "apache", "--path", "/", "-w", hub)[1]


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until it is so; generous, for the machine may be busy."""
    for _ in range(600):
        if what():
            return
        time.sleep(0.1)
    raise AssertionError("it never came")


def test_watch_builds_again_and_survives_mistakes(hub: Path) -> None:
    """A change is built, a broken file is told and leaves the site as it was, and the mended one is built again."""
    said: list[str] = []
    stop = threading.Event()

    def build() -> str:
        return f"built {commands.build_site(hub, {})['answers']}"

    job = threading.Thread(target=site_commands.watch_site, args=(hub, {}, build, said.append), kwargs={"stop": stop})
    job.start()
    try:
        wait_for(lambda: any(line.startswith("watching") for line in said))
        time.sleep(0.5)  # until the system's watches stand; there is nothing to ask
        (session,) = hub.glob("transcripts/service-runde/*/session.md")
        good = session.read_text()
        title = next(line for line in good.splitlines() if line.startswith("title:"))
        session.write_text(good.replace(title, "title: Ganz neuer Titel"))
        page = next((hub / "public/s").glob("*/index.html"))
        wait_for(lambda: "Ganz neuer Titel" in page.read_text())
        session.write_text("kaputt")
        wait_for(lambda: any("not built, the site stays as it was" in line for line in said))
        assert "Ganz neuer Titel" in page.read_text()
        session.write_text(good.replace(title, "title: Wieder heil"))
        wait_for(lambda: "Wieder heil" in page.read_text())
    finally:
        stop.set()
        job.join(30)
    assert not job.is_alive()
    assert "session.md" in next(line for line in said if line.startswith("changed:"))


def test_editors_own_files_start_no_build() -> None:
    """Swap and backup files beside the edited one are not the archive, nor are recordings that grow; clips count."""
    wanted = {"a/q1.md": True, "a/.q1.md.swp": False, "a/q1.md~": False, "a/x.part": False, "a/4913.tmp": False}
    wanted |= {"/m/s/segment7.ts": False, "/m/s/clips/q1.json": True}
    assert {name: site_commands._is_source(Path("/m"), None, name) for name in wanted} == wanted
