"""What tests of several rooms need, and the promise that none of them needs a network."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from streamhub.errors import ToolMissing
from streamhub.recording.ffmpeg import find_ffmpeg

pytest_plugins = ["tests.fakes.youtube.fixtures"]

# A machine may be busy: being slow is no failure. The same code gets the same examples everywhere; `make search-faults`
# draws others.
settings.register_profile("same", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("other", settings.get_profile("same"), derandomize=False, print_blob=True)
settings.load_profile("same")


class NetworkWanted(AssertionError):
    """A test reached for something that is not on this machine."""


def _require_loopback(family: int, address: Any) -> None:
    if family == socket.AF_UNIX or not isinstance(address, tuple):
        return
    host = str(address[0]).partition("%")[0]
    if host in {"localhost", ""}:
        return
    try:
        allowed = ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        allowed = False
    if not allowed:
        raise NetworkWanted(f"a test wants to reach {address!r}; use a counterpart on the loopback")


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse every socket that leaves this machine, but for the suite that a person runs on a real channel."""
    if os.environ.get("STREAMHUB_YOUTUBE_LIVE"):
        yield
        return
    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _require_loopback(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _require_loopback(self.family, address)
        return connect_ex(self, address)

    def guarded_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
        _require_loopback(self.family, rest[-1])
        return sendto(self, data, *rest)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket.socket, "sendto", guarded_sendto)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        patch.delenv(name, raising=False)
        patch.delenv(name.upper(), raising=False)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def program() -> Path:
    """The media program; tests that need it are skipped where there is none."""
    try:
        return find_ffmpeg()
    except ToolMissing as error:
        pytest.skip(str(error))
