"""The only spawner of processes.

Owns how a program is started (argument lists, never a shell), watched, limited and stopped. A child never outlives the
hub: on Linux the kernel kills it with its parent, elsewhere a cancelled or closed job does. Refuses to know what the
programs do.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from streamhub.errors import TimedOut, ToolFailed, ToolMissing

_PR_SET_PDEATHSIG = 1
_STDERR_TAIL_BYTES = 16_384
_SETTINGS = "STREAMHUB_"
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a child may use; None means no limit.

    Attributes:
        memory_bytes: address space.
        file_bytes: largest file it may write.
        cpu_s: processor seconds.
    """

    memory_bytes: int | None = None
    file_bytes: int | None = None
    cpu_s: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A program to start.

    Attributes:
        argv: program and arguments, never interpreted by a shell.
        env: variables set on top of our own environment.
        own: whether it is a part of streamhub that reads settings of its own; no other program gets our variables
            ``STREAMHUB_*``, for passwords may be among them.
        limits: what it may use.
        name: for messages; the program's file name when empty.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    own: bool = False
    limits: Limits = Limits()
    name: str = ""

    @property
    def label(self) -> str:
        """Name for messages; never contains arguments, which may be secret."""
        return self.name or Path(self.argv[0]).name


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A program that ended.

    Attributes:
        exit_code: negative for a signal.
        stdout: what it wrote.
        stderr_tail: the last 16 KiB of its errors, decoded.
    """

    exit_code: int
    stdout: bytes
    stderr_tail: str


class Child:
    """A running program whose standard error is drained all the time, so that it never blocks on it.

    Use it as an async context manager: leaving it stops the program if it still runs.
    """

    def __init__(self, command: Command, process: asyncio.subprocess.Process) -> None:
        self.command = command
        self.process = process
        self._tail = bytearray()
        self._drain = asyncio.create_task(self._drain_stderr())

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    @property
    def stderr_tail(self) -> str:
        """The last 16 KiB that it wrote to standard error."""
        return self._tail.decode("utf-8", "replace")

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.returncode is None

    async def wait(self, *, timeout_s: float | None = None) -> int:
        """Wait for the end and return the exit code; negative for a signal.

        Raises:
            TimedOut: it still ran after ``timeout_s``; it is left running.
        """
        try:
            code = await asyncio.wait_for(self.process.wait(), timeout_s)
        except TimeoutError as error:
            raise TimedOut(f"{self.command.label}: still running after {timeout_s:g} s") from error
        await self._drain
        return code

    async def stop(self, *, grace_s: float = 5.0) -> int:
        """Ask it to end, kill it after ``grace_s``, and return the exit code."""
        if self.running:
            self._signal(signal.SIGTERM)
            try:
                return await self.wait(timeout_s=grace_s)
            except TimedOut:
                self._signal(signal.SIGKILL)
        return await self.wait()

    def kill(self) -> None:
        """Kill it and its own children at once, without waiting."""
        if self.running:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        # The child leads a process group of its own, so helpers that it started go with it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self.pid, number)
            else:
                self.process.send_signal(number)

    async def _drain_stderr(self) -> None:
        if self.process.stderr is None:
            return
        while chunk := await self.process.stderr.read(4096):
            self._tail += chunk
            del self._tail[:-_STDERR_TAIL_BYTES]

    async def __aenter__(self) -> Child:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            self.kill()
        await asyncio.shield(self.wait())


async def start(command: Command, *, stdin: bool = False, stdout: bool = False) -> Child:
    """Start a program; ``stdin`` and ``stdout`` open a pipe to it, otherwise they are closed.

    Raises:
        ToolMissing: there is no such program, or it may not be run.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command.argv,
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if stdout else asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(command, os.environ),
            start_new_session=True,
            preexec_fn=_child_setup(command.limits, os.getpid()) if sys.platform != "win32" else None,
            limit=2**20,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise ToolMissing(
            f"{command.label}: cannot be started ({error.strerror})",
            hint="run `streamhub doctor` to see what is missing",
        ) from error
    return Child(command, process)


async def run(command: Command, *, stdin: bytes | None = None, timeout_s: float | None = None) -> Finished:
    """Run a program to its end and return what it wrote; a cancelled task or a passed time limit kills it.

    Raises:
        ToolMissing: there is no such program.
        TimedOut: it ran longer than ``timeout_s``.
    """
    async with await start(command, stdin=stdin is not None, stdout=True) as child:
        try:
            stdout = await asyncio.wait_for(_talk(child, stdin), timeout_s)
        except TimeoutError as error:
            raise TimedOut(f"{command.label}: stopped after {timeout_s:g} s") from error
        code = await child.wait()
        return Finished(exit_code=code, stdout=stdout, stderr_tail=child.stderr_tail)


async def run_checked(command: Command, *, stdin: bytes | None = None, timeout_s: float | None = None) -> Finished:
    """Run a program to its end and insist on exit code 0.

    Raises:
        ToolFailed: it ended with another exit code; the message carries the end of what it said.
        ToolMissing, TimedOut: as `run`.
    """
    finished = await run(command, stdin=stdin, timeout_s=timeout_s)
    if finished.exit_code != 0:
        raise failed(command, finished.exit_code, finished.stderr_tail)
    return finished


def failed(command: Command, exit_code: int, stderr_tail: str) -> ToolFailed:
    """The error for a program that ended badly, with its last three lines."""
    lines = [line.strip() for line in stderr_tail.splitlines() if line.strip()]
    said = " | ".join(lines[-3:]) or "it said nothing"
    return ToolFailed(f"{command.label}: ended with exit code {exit_code}: {said}")


async def _talk(child: Child, stdin: bytes | None) -> bytes:
    async def feed() -> None:
        if stdin is not None and child.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                child.process.stdin.write(stdin)
                await child.process.stdin.drain()
            child.process.stdin.close()

    async def collect() -> bytes:
        return await child.process.stdout.read() if child.process.stdout else b""

    _, out = await asyncio.gather(feed(), collect())
    return out


def _environment(command: Command, ours: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in ours.items() if command.own or not name.startswith(_SETTINGS)}
    return {**kept, **command.env}


def _child_setup(limits: Limits, parent_pid: int) -> Callable[[], None]:
    """Between fork and exec: die with the parent, and stay inside the limits."""
    pairs = _rlimits(limits)

    def setup() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent_pid:  # the parent died before the request took hold
                os._exit(1)
        for resource_number, value in pairs:
            import resource

            resource.setrlimit(resource_number, (value, value))

    return setup


def _rlimits(limits: Limits) -> list[tuple[int, int]]:
    if sys.platform == "win32":
        return []
    import resource

    wanted = (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
    )
    return [(number, value) for number, value in wanted if value is not None]
