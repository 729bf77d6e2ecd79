"""The RTMP door, on pyrtmp.

Owns the conversation with an encoder: handshake, application, stream key, and the media as FLV into a sink. Knows
nothing of sessions or files; who may publish is the gatekeeper's decision. What comes from the network is hostile until
the key was right: little memory, little time, and whatever cannot be understood ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from typing import Any

from bitstring import BitStream
from pyrtmp import random_byte_array
from pyrtmp.amf.serializers import AMF0Serializer
from pyrtmp.messages import Chunk
from pyrtmp.messages.command import NCConnect, NCCreateStream, NSCloseStream, NSDeleteStream, NSPublish
from pyrtmp.messages.factory import MessageFactory
from pyrtmp.messages.protocol_control import (
    Acknowledgement,
    SetChunkSize,
    SetPeerBandwidth,
    WindowAcknowledgementSize,
)
from pyrtmp.messages.user_control import StreamBegin
from pyrtmp.session_manager import SessionManager

from streamhub.errors import BadInput, Environment, Forbidden, PortInUse, StreamhubError, TimedOut
from streamhub.live.ingest import Gatekeeper, MediaSink, Publisher
from streamhub.live.rtmp_wire import (
    FLV_HEADER,
    HANDSHAKE_BYTES,
    MEDIA,
    ChunkParser,
    Kind,
    Message,
    is_setup,
    render_tag,
)

_LOG = logging.getLogger(__name__)

APP = "live"
"""Application name in the address that encoders use."""

_MAX_PEERS = 64
_MAX_PEERS_PER_ADDRESS = 16
_STRANGER_BYTES = 8_192  # all that may come before the key; encoders need under 2,000, and reading it takes time
_FRIEND_BYTES = 16 * 2**20
_READ_BYTES = 65_536
_WINDOW_BYTES = 2_500_000
_CHUNK_BYTES = 8192


def _quiet_library() -> None:
    # The library sets its loggers to DEBUG on import and writes what strangers sent into the log.
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("pyrtmp"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


_quiet_library()


class RtmpDoor:
    """Listens for encoders that push by RTMP.

    Args:
        host: address to listen on.
        port: port to listen on; 0 picks a free one.
        hello_s: seconds within which a stranger must show the key.
        quiet_s: seconds without a byte after which a publisher is taken for gone.
    """

    def __init__(self, host: str, port: int, *, hello_s: float = 10.0, quiet_s: float = 15.0) -> None:
        self._host = host
        self._port = port
        self._hello_s = hello_s
        self._quiet_s = quiet_s
        self._server: asyncio.Server | None = None
        self._peers: dict[asyncio.Task[None], str] = {}

    @property
    def port(self) -> int:
        """The port it listens on; the one that was asked for while closed."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else self._port

    @property
    def url(self) -> str:
        """What to type into the encoder as the server, without the key."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"rtmp://{host}:{self.port}/{APP}"

    async def open(self, gatekeeper: Gatekeeper) -> None:
        """Start listening.

        Raises:
            PortInUse: somebody else listens there.
            Environment: the address or the port may not be used.
        """

        async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._welcome(_Peer(reader, writer, gatekeeper, hello_s=self._hello_s, quiet_s=self._quiet_s))

        try:
            self._server = await asyncio.start_server(welcome, self._host, self._port, limit=2 * _READ_BYTES)
        except OSError as error:
            place = f"RTMP door on {self._host}:{self._port}"
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(
                    f"{place}: the port is taken", hint="end the other program, or set live.rtmp_port to another port"
                ) from error
            raise Environment(f"{place}: {error.strerror}", hint="check live.host and live.rtmp_port") from error
        _LOG.info("rtmp_door_open url=%s", self.url)

    async def close(self) -> None:
        """Stop listening and end every publisher's stream tidily."""
        if self._server is None:
            return
        self._port, server = self.port, self._server
        self._server = None
        server.close()
        for task in list(self._peers):
            task.cancel()
        await asyncio.gather(*self._peers, return_exceptions=True)
        await server.wait_closed()

    async def _welcome(self, peer: _Peer) -> None:
        task = asyncio.current_task()
        assert task is not None
        same_address = sum(1 for address in self._peers.values() if address == peer.address)
        if len(self._peers) >= _MAX_PEERS or same_address >= _MAX_PEERS_PER_ADDRESS:
            _LOG.warning("rtmp_peer_refused address=%s reason=too_many_connections", peer.address)
            peer.hang_up()
            return
        self._peers[task] = peer.address
        try:
            # The door's own cancelling ends here, so that asyncio's server does not report it as a fault.
            with contextlib.suppress(asyncio.CancelledError):
                await peer.talk()
        finally:
            self._peers.pop(task, None)


class _Peer:
    """One connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        gatekeeper: Gatekeeper,
        *,
        hello_s: float,
        quiet_s: float,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._gatekeeper = gatekeeper
        self._hello_s = hello_s
        self._quiet_s = quiet_s
        self._replies = SessionManager(reader=reader, writer=writer)
        self._parser = ChunkParser(max_message_bytes=_STRANGER_BYTES)
        self._sink: MediaSink | None = None
        self._head = FLV_HEADER
        self._app = ""
        self._read_bytes = 0
        self._acked_bytes = 0
        # Acknowledge only to those who ask. An encoder that closes with our answers unread makes its kernel reset the
        # connection, and the last of its media, still in our kernel's buffer, is lost.
        self._window_bytes = 0
        self._over = False
        peername = writer.get_extra_info("peername")
        self.address = str(peername[0]) if peername else "unknown"

    async def talk(self) -> None:
        """Hold the whole conversation; every way in which it can end is handled and logged here."""
        reason = "the hub closed the door"
        try:
            async with asyncio.timeout(self._hello_s):
                await self._shake_hands()
                while self._sink is None and not self._over:
                    await self._step()
            while not self._over:
                await self._receive()
            reason = "the encoder ended the stream"
        except (asyncio.IncompleteReadError, ConnectionError):
            reason = "the connection broke off"
        except TimeoutError:
            reason = "the encoder fell silent"
        except StreamhubError as error:
            reason = str(error)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the job's boundary: the library raises anything on a stranger's bytes
            reason = f"not understood ({type(error).__name__})"
            if self._sink is not None:
                _LOG.exception("rtmp_peer_failed address=%s", self.address)
        finally:
            await self._leave(reason)

    def hang_up(self) -> None:
        """Close the connection without a word."""
        self._writer.close()

    async def _leave(self, reason: str) -> None:
        _LOG.info("rtmp_peer_gone address=%s publishing=%s reason=%r", self.address, self._sink is not None, reason)
        try:
            if self._sink is not None:
                await asyncio.shield(self._sink.close(reason=reason))
        finally:
            self._writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(self._writer.wait_closed(), 1.0)

    async def _shake_hands(self) -> None:
        version = (await self._reader.readexactly(1))[0]
        if version != 3:
            raise BadInput(f"RTMP: version {version}", hint="use plain RTMP, version 3")
        c1 = await self._reader.readexactly(HANDSHAKE_BYTES)
        s1 = bytes(8) + random_byte_array(HANDSHAKE_BYTES - 8)
        self._writer.write(b"\x03" + s1 + c1)
        await self._writer.drain()
        await self._reader.readexactly(HANDSHAKE_BYTES)

    async def _receive(self) -> None:
        """One read of a publisher's media: everything in it becomes one write, which waits when the sink is full."""
        tags = bytearray()
        async with asyncio.timeout(self._quiet_s):
            data = await self._read()
        for message in self._parser.feed(data):
            if message.kind in MEDIA:
                tags += self._render(message)
            else:
                await self._handle(message)
        if tags and self._sink is not None:
            await self._sink.write(bytes(tags))

    async def _step(self) -> None:
        """One read of a stranger's talk, up to the key."""
        for message in self._parser.feed(await self._read()):
            if message.kind not in MEDIA:
                await self._handle(message)
            elif self._sink is None:
                raise BadInput("RTMP: media before the stream key", hint="not an encoder that we know")
            elif tag := self._render(message):
                await self._sink.write(tag)
        if self._sink is None and self._read_bytes > _STRANGER_BYTES:
            raise BadInput("RTMP: too much talk before the stream key", hint="not an encoder that we know")

    def _render(self, message: Message) -> bytes:
        # Metadata and codec setup wait for the first picture or sound, so that the sink's first byte tells its instant.
        tag = render_tag(message)
        if self._head and is_setup(message):
            self._head += tag
            return b""
        tag, self._head = self._head + tag, b""
        return tag

    async def _read(self) -> bytes:
        data = await self._reader.read(_READ_BYTES if self._sink else 4096)
        if not data:
            self._over = True
        self._read_bytes += len(data)
        if self._window_bytes and self._read_bytes - self._acked_bytes >= self._window_bytes:
            self._acked_bytes = self._read_bytes
            await self._reply(Acknowledgement(seq_number=self._read_bytes & 0xFFFFFFFF))
        return data

    async def _handle(self, message: Message) -> None:
        if message.kind == Kind.WINDOW_ACK_SIZE:
            self._window_bytes = max(_READ_BYTES, int.from_bytes(message.payload[:4], "big"))
        if message.kind != Kind.COMMAND:
            return
        if len(message.payload) > _STRANGER_BYTES:
            raise BadInput(f"RTMP: a command of {len(message.payload)} bytes", hint="not an encoder that we know")
        # In a thread, because the library takes its time over what a stranger may have made to be slow to read.
        command = await asyncio.to_thread(MessageFactory.from_chunk, _to_chunk(message))
        if isinstance(command, NCConnect):
            await self._connect(command)
        elif isinstance(command, NCCreateStream):
            await self._reply(command.create_response())
        elif isinstance(command, NSPublish):
            await self._publish(command)
        elif isinstance(command, NSCloseStream | NSDeleteStream):
            self._over = True

    async def _connect(self, command: NCConnect) -> None:
        self._app = str(command.command_object.get("app", "")).strip("/")
        if self._app != APP:
            raise BadInput(f"RTMP: application {self._app[:40]!r} does not exist", hint=f"push to …/{APP}")
        await self._reply(
            WindowAcknowledgementSize(ack_window_size=_WINDOW_BYTES),
            SetPeerBandwidth(ack_window_size=_WINDOW_BYTES, limit_type=2),
            StreamBegin(stream_id=0),
            SetChunkSize(chunk_size=_CHUNK_BYTES),
        )
        self._replies.writer_chunk_size = _CHUNK_BYTES
        await self._reply(command.create_response())

    async def _publish(self, command: NSPublish) -> None:
        if self._sink is not None or self._app != APP:
            raise BadInput("RTMP: publish out of turn", hint="not an encoder that we know")
        key = str(command.publishing_name)
        try:
            sink = await self._gatekeeper.admit(Publisher(door="rtmp", key=key, address=self.address))
        except StreamhubError as error:
            _LOG.info("rtmp_publisher_refused address=%s reason=%s", self.address, type(error).__name__)
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self._reply(_refusal(command, error))
            raise
        self._sink = sink
        self._parser.max_message_bytes = _FRIEND_BYTES
        await self._reply(StreamBegin(stream_id=1), command.create_response())

    async def _reply(self, *messages: Chunk) -> None:
        for message in messages:
            self._replies.write_chunk_to_stream(message)
            self._replies.previous_chunk_for_writing = None
        try:
            await asyncio.wait_for(self._writer.drain(), self._quiet_s)
        except TimeoutError as error:
            raise TimedOut("RTMP: the encoder does not take our answers") from error


def _to_chunk(message: Message) -> Chunk:
    return Chunk(
        chunk_type=0,
        chunk_id=message.chunk_id,
        timestamp=message.timestamp_ms,
        msg_length=len(message.payload),
        msg_type_id=message.kind,
        msg_stream_id=message.stream_id,
        payload=message.payload,
    )


def _refusal(command: NSPublish, error: StreamhubError) -> Chunk:
    """The answer that makes an encoder show an error; says nothing about the key but that it was refused."""
    code = "NetStream.Publish.Denied" if isinstance(error, Forbidden) else "NetStream.Publish.BadName"
    about = "stream key refused" if isinstance(error, Forbidden) else type(error).__name__
    data: Any = BitStream()
    for value in ("onStatus", 0, None, {"level": "error", "code": code, "description": about}):
        AMF0Serializer.create_object(data, value)
    return Chunk(
        chunk_type=0,
        chunk_id=3,
        timestamp=0,
        msg_length=len(data.bytes),
        msg_type_id=Kind.COMMAND,
        msg_stream_id=command.msg_stream_id,
        payload=data.bytes,
    )
