"""Fetching a model's files by https into a folder of ours.

Owns the transfer: seconds for the first answer, sizes checked, all files or none, renamed into place at the end.
Refuses to know which model it is and what reads it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from streamhub.errors import DiskFull, ModelMissing

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes known to come)."""

ANSWER_S = 4.0
_STALL_S = 30.0
_CHUNK_BYTES = 2**20
_MANIFEST = "fetched.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileList:
    """The files of a model.

    Attributes:
        required: all must be there.
        one_of: at least one must be there.
        optional: taken if there.
        single: the address is that of the one required file itself.
    """

    required: tuple[str, ...]
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    single: bool = False


def is_complete(folder: Path) -> bool:
    """Whether a fetched model is whole: every file that was fetched is there in its size."""
    try:
        sizes = json.loads((folder / _MANIFEST).read_text("utf-8"))["sizes"]
        return bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, AttributeError):
        return False


async def fetch_model(address: str, files: FileList, folder: Path, progress: Progress) -> None:
    """Fetch a model's files into ``folder``, which appears whole or not at all.

    Raises:
        ModelMissing: nobody answers within seconds, a file is not there, or the transfer broke.
        DiskFull: no room.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
    except OSError as error:
        raise ModelMissing(f"folder {folder.parent}: cannot be written ({error.strerror})") from error
    try:
        sizes = await _fetch_all(address, files, part, progress)
        manifest = {"from": address, "sizes": sizes}
        (part / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
        _put_in_place(part, folder)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(
                f"folder {folder.parent}: full while fetching a model", hint="make room and try again"
            ) from error
        raise ModelMissing(f"{_host(address)}: {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put_in_place(part: Path, folder: Path) -> None:
    if is_complete(folder):
        return  # somebody else was faster, and has the same files
    shutil.rmtree(folder, ignore_errors=True)
    try:
        part.rename(folder)
    except OSError:
        if not is_complete(folder):
            raise


async def _fetch_all(address: str, files: FileList, part: Path, progress: Progress) -> dict[str, int]:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_S, sock_read=_STALL_S)
    connector = aiohttp.TCPConnector(resolver=_DaemonResolver())
    sizes: dict[str, int] = {}
    try:
        async with aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=True) as session:
            transfer = _Transfer(session, part, progress)
            for name in (*files.required, *files.one_of, *files.optional):
                url = address if files.single else f"{address}/{name}"
                size = await transfer.fetch(url, name, must=name in files.required)
                if size is not None:
                    sizes[name] = size
    except TimeoutError as error:
        raise ModelMissing(f"{_host(address)}: no answer within {ANSWER_S:g} s") from error
    except aiohttp.ClientError as error:
        raise ModelMissing(f"{_host(address)}: {type(error).__name__}: {error}") from error
    if files.one_of and not sizes.keys() & set(files.one_of):
        raise ModelMissing(f"{_host(address)}: has neither {' nor '.join(files.one_of)}")
    return sizes


class _Transfer:
    """One visit to a server: each file checked by its announced size."""

    def __init__(self, session: aiohttp.ClientSession, part: Path, progress: Progress) -> None:
        self._session = session
        self._part = part
        self._progress = progress
        self._done = 0
        self._known = 0

    async def fetch(self, url: str, name: str, *, must: bool) -> int | None:
        """Fetch one file; returns its size, or None if it is not there and need not be."""
        async with asyncio.timeout(ANSWER_S):
            response = await self._session.get(url)
        async with response:
            if response.status in {403, 404, 410} and not must:
                return None
            if response.status != 200:
                raise ModelMissing(f"{url}: answered {response.status} {response.reason}")
            announced = response.content_length
            self._known += announced or 0
            size = 0
            with (self._part / name).open("wb") as file:
                async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                    await asyncio.to_thread(file.write, chunk)
                    size += len(chunk)
                    self._progress(self._done + size, max(self._known, self._done + size))
                file.flush()
                os.fsync(file.fileno())
        encoded = "Content-Encoding" in response.headers
        if not size or (announced is not None and not encoded and size != announced):
            raise ModelMissing(f"{url}: {size} bytes came, {announced} were announced")
        self._done += size
        return size


class _DaemonResolver(AbstractResolver):
    """Names to addresses in a thread that nobody waits for.

    The loop's own executor is joined when the program ends; a name server that never answers would hold it for as long
    as the system's resolver tries, half a minute and more.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host.

        Raises:
            OSError: the name is unknown, or the name server does not answer.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Any]] = loop.create_future()

        def settle(infos: list[Any], error: OSError | None) -> None:
            if not answer.done():
                if error is None:
                    answer.set_result(infos)
                else:
                    answer.set_exception(error)

        def ask() -> None:
            infos: list[Any] = []
            problem: OSError | None = None
            try:
                infos = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
            except OSError as error:
                problem = error
            with contextlib.suppress(RuntimeError):  # the loop is gone, and with it whoever asked
                loop.call_soon_threadsafe(settle, infos, problem)

        threading.Thread(target=ask, daemon=True, name="resolve").start()
        return [
            ResolveResult(
                hostname=host,
                host=info[4][0],
                port=info[4][1],
                family=info[0],
                proto=info[2],
                flags=socket.AI_NUMERICHOST,
            )
            for info in await answer
        ]

    async def close(self) -> None:
        """Nothing to close."""


def _host(address: str) -> str:
    return address.split("://", 1)[-1].split("/", 1)[0]
