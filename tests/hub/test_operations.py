"""Running a hub: start and stop, what is in the way, backup and restore, the doctor."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.conftest import Run


@contextlib.contextmanager
def serving(workspace: Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A hub in a process of its own; the block begins when it answers."""
    command = [sys.executable, "-m", "streamhub", "serve", "-w", str(workspace)]
    hub = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    )
    try:
        assert hub.stdout is not None
        for line in hub.stdout:
            if line.startswith("stop with"):
                break
        yield hub
    finally:
        hub.kill()
        hub.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_hub_starts_tells_its_addresses_and_stops_when_asked(run: Run, workspace: Path) -> None:
    """After SIGTERM the hub ends by itself with exit code 0, and says nothing alarming on the way."""
    with serving(workspace) as hub:
        status = run("status", "--json", "-w", workspace).json
        assert status["hub"]["url"].startswith("http://127.0.0.1:")
        hub.send_signal(signal.SIGTERM)
        out, err = hub.communicate(timeout=30)
    assert hub.returncode == 0
    assert "stopping" in out
    assert "Traceback" not in err
    assert run("status", "--json", "-w", workspace).json["hub"] is None


def test_two_hubs_never_work_on_one_workspace(run: Run, workspace: Path) -> None:
    """The second one is refused, and names the process that is at work."""
    with serving(workspace) as hub:
        second = run("serve", "-w", workspace)
        assert second.code == 5
        assert str(hub.pid) in second.err


@pytest.mark.parametrize(
    ("setting", "section"), [("STREAMHUB_HUB_PORT", "hub.port"), ("STREAMHUB_LIVE_RTMP_PORT", "live.rtmp_port")]
)
def test_a_port_in_use_is_told_with_the_setting(run: Run, workspace: Path, setting: str, section: str) -> None:
    """A taken port ends the start with exit code 6 and the name of the setting to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "-w", workspace, env={setting: str(taken.getsockname()[1])})
    assert done.code == 6, done.err
    assert section in done.err
    assert "Traceback" not in done.err


def test_the_doctor_tells_what_is_wrong_and_what_to_do(run: Run, workspace: Path) -> None:
    """A taken port, a readable secret and a missing model are each named with advice; the exit code says so too."""
    assert run("doctor", "-w", workspace).code == 0
    (workspace / "secret").chmod(0o644)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {"STREAMHUB_HUB_PORT": str(taken.getsockname()[1]), "STREAMHUB_TRANSCRIPT_MODEL": "no-such-model"}
        sick = run("doctor", "--json", "-w", workspace, env=env)
    assert sick.code == 6
    failed = {finding["check"]: finding for finding in sick.json if finding["verdict"] == "fail"}
    assert {"credentials", "web port", "model"} <= failed.keys()
    assert all(finding["advice"] for finding in failed.values())


def test_the_doctor_tells_an_engine_database_that_does_not_answer(run: Run, workspace: Path) -> None:
    """A PostgreSQL address that leads nowhere is named with advice, and its password is not shown."""
    env = {"STREAMHUB_ENGINE_DATABASE_URL": "postgresql://u:geheim@127.0.0.1:1/db"}
    sick = run("doctor", "--json", "-w", workspace, env=env)
    assert sick.code == 6
    (finding,) = [f for f in sick.json if f["check"] == "engine database"]
    assert finding["verdict"] == "fail"
    assert finding["advice"]
    assert "geheim" not in sick.out + sick.err


def test_the_doctor_tells_a_mail_server_that_does_not_answer(run: Run, workspace: Path) -> None:
    """A mail server that is down is named with advice and without its password; without one, mails stay drafts."""
    (fine,) = [f for f in run("doctor", "--json", "-w", workspace).json if f["check"] == "mail"]
    assert (fine["verdict"], "draft" in fine["seen"]) == ("ok", True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        "STREAMHUB_HUB_URL": "https://hub.example.org",
        "STREAMHUB_MAIL_HOST": "127.0.0.1",
        "STREAMHUB_MAIL_PORT": str(port),
        "STREAMHUB_MAIL_SECURITY": "none",
        "STREAMHUB_MAIL_FROM_ADDRESS": "fragen@example.org",
        "STREAMHUB_MAIL_USER": "hub",
        "STREAMHUB_MAIL_PASSWORD": "geheim",
    }
    sick = run("doctor", "--json", "-w", workspace, env=env)
    (finding,) = [f for f in sick.json if f["check"] == "mail"]
    assert (finding["verdict"], sick.code) == ("fail", 6)
    assert "mail.port" in finding["advice"]
    assert "geheim" not in sick.out + sick.err


def test_the_doctor_says_that_the_rehearsal_model_is_for_rehearsals(run: Run, workspace: Path) -> None:
    """Nobody goes live with the rehearsal recogniser without having been told."""
    (finding,) = [f for f in run("doctor", "--json", "-w", workspace).json if f["check"] == "model"]
    assert finding["verdict"] == "warn"
    assert "rehearsal" in finding["seen"]
    assert "small" in finding["advice"]


def test_the_doctor_looks_at_a_platform_only_where_one_is_switched_on(run: Run, workspace: Path) -> None:
    """A platform that nobody is signed in to, and a hub that the public cannot reach, are warned of with advice."""
    checks = {finding["check"] for finding in run("doctor", "--json", "-w", workspace).json}
    assert not checks & {"youtube", "public address"}
    env = {"STREAMHUB_YOUTUBE_CLIENT_FILE": "client.json"}
    found = {finding["check"]: finding for finding in run("doctor", "--json", "-w", workspace, env=env).json}
    assert (found["youtube"]["verdict"], found["public address"]["verdict"]) == ("warn", "warn")
    assert "streamhub youtube connect" in found["youtube"]["advice"]
    assert "hub.url" in found["public address"]["advice"]


def test_wrong_settings_are_told_all_at_once(run: Run, workspace: Path) -> None:
    """Every command that needs the settings refuses wrong ones with the whole list and exit code 3."""
    with (workspace / "streamhub.toml").open("a") as file:
        file.write("\n[nonsense]\nx = 1\n")
    done = run("build", "-w", workspace, env={"STREAMHUB_HUB_LANGUAGE": "fr"})
    assert done.code == 3
    assert "nonsense" in done.err
    assert "STREAMHUB_HUB_LANGUAGE" in done.err or "hub.language" in done.err


def test_a_workspace_of_a_newer_streamhub_is_left_alone(run: Run, workspace: Path) -> None:
    """A database with migrations from the future is refused, and not a byte of it is changed."""
    assert run("status", "-w", workspace).code == 0
    database = workspace / "hub.sqlite3"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        table = next(n for (n,) in connection.execute("select name from sqlite_master") if "migration" in n)
        columns = [row[1] for row in connection.execute(f"pragma table_info({table})")]
        row = dict(zip(columns, connection.execute(f"select * from {table}").fetchone(), strict=True))
        row = {**row, "number": 999, "name": "from the future"}
        marks = ", ".join("?" for _ in row)
        connection.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))
        connection.commit()
    before = database.read_bytes()
    done = run("serve", "-w", workspace)
    assert done.code == 5, done.err
    assert "newer" in done.err
    assert database.read_bytes() == before


def test_a_broken_file_of_the_archive_stops_the_build_by_name(run: Run, workspace: Path) -> None:
    """The build names file, line and reason, and leaves the site that is there as it is."""
    folder = workspace / "transcripts" / "show" / "2027-03-02-netz"
    folder.mkdir(parents=True)
    (folder / "session.md").write_text("---\nid: 2027-03-02-netz\nshow: [unclosed\n---\n")
    (workspace / "public" / "index.html").write_text("as it was")
    done = run("build", "-w", workspace)
    assert done.code == 3
    assert "2027-03-02-netz/session.md" in done.err
    assert (workspace / "public" / "index.html").read_text() == "as it was"


def test_a_backup_restores_to_the_same_site(run: Run, workspace: Path, tmp_path: Path) -> None:
    """What is backed up while the hub runs and restored elsewhere builds the same pages, and is never overwritten."""
    (tmp_path / "talk.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:04.000\n<v Anna>Bleed the valve at the top.\n")
    assert (
        run("import", tmp_path / "talk.vtt", "--show", "a", "--language", "en", "--publish", "-w", workspace).code == 0
    )
    with serving(workspace):
        saved = run("backup", tmp_path / "hub.tar", "--media", "--json", "-w", workspace)
        assert saved.code == 0, saved.err
    elsewhere = tmp_path / "elsewhere"
    restored = run("restore", tmp_path / "hub.tar", elsewhere)
    assert restored.code == 0, restored.err
    assert run("build", "-w", elsewhere).code == 0
    assert run("build", "-w", workspace).code == 0
    one, two = (
        {
            path.relative_to(root): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and path.name[0] != "."
        }
        for root in (workspace / "public", elsewhere / "public")
    )
    assert one == two
    assert run("doctor", "-w", elsewhere).code == 0
    again = run("restore", tmp_path / "hub.tar", elsewhere)
    assert again.code == 5
    assert "nothing is overwritten" in again.err


def test_init_never_takes_a_folder_that_is_in_use(run: Run, tmp_path: Path) -> None:
    """A folder with anything in it is refused, and left as it is."""
    (tmp_path / "letter.txt").write_text("mine")
    done = run("init", tmp_path)
    assert done.code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_outside_a_workspace_every_command_says_so(run: Run, tmp_path: Path) -> None:
    """A command in the wrong folder names the folder and how to make a workspace."""
    for command in ("serve", "build", "status"):
        done = run(command, "-w", tmp_path)
        assert done.code == 3
        assert "streamhub init" in done.err


def test_a_status_shows_what_is_held_for_a_person(run: Run, workspace: Path, tmp_path: Path) -> None:
    """What failed for good waits, is shown with its reason, and a doctor's look does not disturb it."""
    table = Path(__file__).parents[2] / "streamhub" / "demo" / "roundtable_de.opus"
    env = {"STREAMHUB_TRANSCRIPT_MODEL": "no-such-model"}
    assert run("import", table, "--show", "a", "--title", "t", "-w", workspace, env=env).code != 0
    shown = run("status", "-w", workspace)
    assert "held" in shown.out
    assert "no-such-model" in shown.out
    assert "waiting for a person" in shown.out


def test_a_demo_deletes_neither_a_folder_of_yours_nor_a_hub_that_runs(run: Run, workspace: Path) -> None:
    """The demo starts clean in its own folder only, and not while somebody looks at the earlier one's hub."""
    folder = workspace.parent
    refused = run("demo", "--folder", folder)
    assert refused.code == 5
    assert "not a demo's folder" in refused.err
    (folder / ".streamhub-demo").write_text("made by streamhub demo")
    with serving(workspace) as hub:
        refused = run("demo", "--folder", folder)
        assert refused.code == 5
        assert str(hub.pid) in refused.err
        assert (workspace / "streamhub.toml").is_file()


def test_help_and_completion_name_every_command(run: Run) -> None:
    """Each command has help with an example, and the shells can complete it."""
    from streamhub.cli import cli

    before = time.monotonic()
    listed = run("--help")
    assert time.monotonic() - before < 20
    for name in cli.commands:
        assert name in listed.out
    assert "_STREAMHUB_COMPLETE" in run("completion", "bash").out
    completed = run(env={"_STREAMHUB_COMPLETE": "bash_complete", "COMP_WORDS": "streamhub re", "COMP_CWORD": "1"})
    assert "restore" in completed.out
