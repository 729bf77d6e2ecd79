"""The SRT door: one ffmpeg per expected encoder listens by SRT and hands its MPEG-TS over.

Owns the ports, one UDP port per stream key, and the passphrases. SRT encrypts with the passphrase and refuses callers
that do not know it, so that no key has to travel.

This is the one place where ffmpeg opens a network connection: it listens on one port, for the protocol ``srt`` alone,
with a demuxer that passes bytes on without looking at them. The passphrase stands in that process's argument list,
where other users of the machine could see it; it is derived from the stream key, and the key cannot be found from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import ffmpeg

from streamhub import process
from streamhub.errors import Conflict, PortInUse, StreamhubError
from streamhub.live.ingest import Gatekeeper, MediaSink, Publisher
from streamhub.live.platform import Ingest
from streamhub.live.rules import derive_passphrase
from streamhub.process import Child, Command

_LOG = logging.getLogger(__name__)

_READ_BYTES = 65_536
_LATENCY_US = 250_000
_PAUSE_S = 1.0


@dataclass(slots=True)
class _Listener:
    """The port of one stream key, and what runs on it."""

    port: int
    task: asyncio.Task[None] | None = None


class SrtDoor:
    """Listens for encoders that push by SRT.

    Args:
        host: address to listen on.
        first_port: UDP port of the first key, the next ones follow; 0 picks free ones.
        program: the ffmpeg to run.
        ports: how many keys may be expected at a time.
        quiet_s: seconds without a byte after which a publisher is taken for gone.
    """

    def __init__(self, host: str, first_port: int, *, program: Path, ports: int = 32, quiet_s: float = 10.0) -> None:
        self._host = host
        self._first_port = first_port
        self._program = program
        self._ports = ports
        self._quiet_s = quiet_s
        self._gatekeeper: Gatekeeper | None = None
        self._listeners: dict[str, _Listener] = {}

    @property
    def url(self) -> str:
        """The door's address without port and passphrase of a key; see `ingest`."""
        return f"srt://{self._host}:{self._first_port}"

    def ingest(self, key: str) -> Ingest:
        """What to type into the encoder for a key that is expected: address, and passphrase as the key.

        Raises:
            Conflict: the key is not expected.
        """
        listener = self._listeners.get(key)
        if listener is None:
            raise Conflict("SRT door: no encoder is expected for this session", hint="open the session first")
        return Ingest(url=f"srt://{self._host}:{listener.port}?mode=caller", key=derive_passphrase(key))

    async def open(self, gatekeeper: Gatekeeper) -> None:
        """Be ready to expect encoders; nothing listens before the first `expect`."""
        self._gatekeeper = gatekeeper

    async def expect(self, key: str) -> Ingest:
        """Listen for the encoder that has this stream key; expecting it already is a success.

        Raises:
            PortInUse: no port is free.
            Conflict: the door is closed.
        """
        if self._gatekeeper is None:
            raise Conflict("SRT door: is closed", hint="open it first")
        if key not in self._listeners:
            listener = _Listener(port=self._find_port())
            self._listeners[key] = listener
            listener.task = asyncio.create_task(self._listen(key, listener.port, self._gatekeeper))
        return self.ingest(key)

    async def forget(self, key: str) -> None:
        """Stop listening for this key, and end its stream tidily."""
        listener = self._listeners.pop(key, None)
        if listener is not None and listener.task is not None:
            listener.task.cancel()
            await asyncio.gather(listener.task, return_exceptions=True)

    async def close(self) -> None:
        """Stop listening and end every publisher's stream tidily."""
        self._gatekeeper = None
        for key in list(self._listeners):
            await self.forget(key)

    def _find_port(self) -> int:
        taken = {listener.port for listener in self._listeners.values()}
        candidates = range(self._first_port, self._first_port + self._ports) if self._first_port else [0] * 3
        for port in candidates:
            if port not in taken and (free := _probe_port(self._host, port)):
                return free
        raise PortInUse(
            f"SRT door on {self._host}: no free UDP port from {self._first_port} on",
            hint="end the other program, or set live.srt_port to another port",
        )

    async def _listen(self, key: str, port: int, gatekeeper: Gatekeeper) -> None:
        """One caller after the other, until cancelled."""
        publisher = Publisher(door="srt", key=key, address=f"udp:{port}")  # who it was, only the listener knows
        command = Command(
            argv=[str(self._program), *listen_argv(self._host, port, derive_passphrase(key))], name="ffmpeg (SRT)"
        )
        while True:
            try:
                async with await process.start(command, stdout=True) as child:
                    took_any = await self._serve(child, publisher, gatekeeper)
            except StreamhubError as error:
                _LOG.warning("srt_listener_failed port=%d error=%s", port, error)
                took_any = False
            if not took_any:
                await asyncio.sleep(_PAUSE_S)

    async def _serve(self, child: Child, publisher: Publisher, gatekeeper: Gatekeeper) -> bool:
        """Hand one caller's media over; False when there was none or it was refused."""
        stdout = child.process.stdout
        assert stdout is not None
        chunk = await stdout.read(_READ_BYTES)
        if not chunk:
            _LOG.warning("srt_listener_ended address=%s said=%s", publisher.address, child.stderr_tail[-200:])
            return False
        try:
            sink = await gatekeeper.admit(publisher)
        except StreamhubError as error:
            _LOG.info("srt_publisher_refused address=%s reason=%s", publisher.address, type(error).__name__)
            return False
        reason = "the hub closed the door"
        try:
            await _pass_on(chunk, stdout, sink, quiet_s=self._quiet_s)
            reason = "the encoder ended the stream"
        except TimeoutError:
            reason = "the encoder fell silent"
        except StreamhubError as error:
            reason = str(error)
        finally:
            _LOG.info("srt_publisher_gone address=%s reason=%r", publisher.address, reason)
            await asyncio.shield(sink.close(reason=reason))
        return True


def listen_argv(host: str, port: int, passphrase: str) -> list[str]:
    """Arguments of an ffmpeg that listens by SRT and passes the bytes of one caller on."""
    query = urlencode({"mode": "listener", "passphrase": passphrase, "latency": _LATENCY_US})
    source = ffmpeg.input(f"srt://{host}:{port}?{query}", f="data", protocol_whitelist="srt")
    # The data muxer passes bytes on as they are: no probing, so the first byte comes at once and tells its instant.
    argv: list[str] = ffmpeg.compile(source.output("pipe:1", f="data", c="copy", map="0"), cmd="ffmpeg")
    return [*argv[1:], "-nostdin", "-hide_banner", "-nostats", "-loglevel", "warning", "-flush_packets", "1"]


async def _pass_on(chunk: bytes, source: asyncio.StreamReader, sink: MediaSink, *, quiet_s: float) -> None:
    while chunk:
        await sink.write(chunk)
        chunk = await asyncio.wait_for(source.read(_READ_BYTES), quiet_s)


def _probe_port(host: str, port: int) -> int:
    """The port if it is free for UDP, a free one for 0; 0 when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((host, port))
        return int(probe.getsockname()[1])
    return 0
