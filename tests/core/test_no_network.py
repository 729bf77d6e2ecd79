"""The guard that keeps the suite on this machine."""

import asyncio
import socket

import pytest

from tests.conftest import NetworkWanted


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("streamhub.invalid", 80), ("2001:db8::1", 80)])
def test_nothing_leaves_this_machine(address):
    """A test that reaches for another machine fails by name, before a packet leaves."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as outgoing, pytest.raises(NetworkWanted, match="loopback"):
        outgoing.connect(address)


async def test_the_loopback_is_open():
    """Real sockets on port 0 work, for plain code and for asyncio."""
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.close()
