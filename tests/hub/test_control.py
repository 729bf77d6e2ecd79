"""The control socket: open to its owner alone, however deep it lies, and honest about what goes wrong behind it."""

import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from streamhub.config import Settings
from streamhub.control import ask_hub, open_control
from streamhub.errors import Conflict, StreamhubError, Unavailable
from streamhub.workspace import Workspace, create_workspace


@pytest.fixture(params=["short", "/".join(["a-very-long-name-of-a-folder"] * 6)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    """A workspace, near the root and too deep for the address of a socket."""
    return create_workspace(tmp_path / request.param / "hub", Settings(), random=os.urandom)


async def echo(body: Mapping[str, object]) -> object:
    return {"said": dict(body)}


async def test_only_the_owner_can_open_the_socket(place: Workspace) -> None:
    """Socket and folder are shut to others, also where the folder came from elsewhere, and nothing stays behind."""
    place.run.chmod(0o755)
    stale = place.run / "control.sock"
    stale.write_bytes(b"")
    async with open_control(place, {"echo": echo}):
        assert stat.S_IMODE(stale.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.run.stat().st_mode) == 0o700
        assert await ask_hub(place, "echo", {"a": 1}) == {"said": {"a": 1}}
    assert not stale.exists()
    with pytest.raises(Unavailable, match="no hub runs"):
        await ask_hub(place, "echo")


def test_what_is_not_public_is_shut_to_others(tmp_path: Path) -> None:
    """In a folder that was there and open to all, recordings and keys are still the owner's alone."""
    (tmp_path / "hub").mkdir(mode=0o755)
    workspace = create_workspace(tmp_path / "hub", Settings(), random=os.urandom)
    for path in (workspace.media(Settings()), workspace.run, workspace.folder / "secret"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


async def test_a_workspace_that_never_ran_has_no_hub(place: Workspace) -> None:
    """A copied workspace without its folder of locks is one without a hub, and no crash."""
    place.run.rmdir()
    with pytest.raises(Unavailable, match="no hub runs"):
        await ask_hub(place, "echo")


async def test_folders_made_meanwhile_can_be_used(tmp_path: Path) -> None:
    """Work in other threads that makes folders while the socket opens gets folders that can be entered."""
    workspace = create_workspace(tmp_path / "hub", Settings(), random=os.urandom)
    stop, modes = threading.Event(), set()

    def make_folders() -> None:
        number = 0
        while not stop.is_set():
            folder = tmp_path / f"made-{number}"
            folder.mkdir()
            modes.add(stat.S_IMODE(folder.stat().st_mode) & 0o100)
            folder.rmdir()
            number += 1

    threads = [threading.Thread(target=make_folders)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(200):
            async with open_control(workspace, {"echo": echo}):
                pass
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert modes == {0o100}


async def test_errors_keep_their_class_and_crashes_are_no_missing_hub(place: Workspace) -> None:
    """An error of ours arrives as it was; a crash behind the socket is not taken for a hub that does not run."""

    async def refuse(_: Mapping[str, object]) -> object:
        raise Conflict("show x: exists", hint="another name")

    async def crash(_: Mapping[str, object]) -> object:
        raise ZeroDivisionError

    async with open_control(place, {"refuse": refuse, "crash": crash}):
        with pytest.raises(Conflict, match="show x: exists") as refused:
            await ask_hub(place, "refuse")
        assert refused.value.hint == "another name"
        with pytest.raises(StreamhubError, match="could not do 'crash'") as crashed:
            await ask_hub(place, "crash")
        assert not isinstance(crashed.value, Unavailable)
