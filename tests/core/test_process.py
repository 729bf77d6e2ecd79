"""Processes: output, limits, cancelling, and no orphans."""

import asyncio
import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import pytest

from streamhub import process
from streamhub.errors import TimedOut, ToolFailed, ToolMissing
from streamhub.process import Command, Limits


def python(code: str, **more: object) -> Command:
    return Command(argv=[sys.executable, "-c", textwrap.dedent(code)], name="snake", **more)


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int) -> bool:
    for _ in range(100):
        if not alive(pid):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_it_returns_what_the_program_wrote() -> None:
    """Input goes in, output and the end of the errors come out."""
    done = await process.run(python("import sys; print(sys.stdin.read()[::-1]); sys.stderr.write('hm')"), stdin=b"abc")
    assert (done.exit_code, done.stdout.strip(), done.stderr_tail) == (0, b"cba", "hm")


async def test_a_chatty_program_never_blocks() -> None:
    """Megabytes on both outputs do not fill a pipe."""
    done = await process.run(python("import sys; sys.stderr.write('e' * 3_000_000); sys.stdout.write('o' * 3_000_000)"))
    assert len(done.stdout) == 3_000_000
    assert len(done.stderr_tail) == 16_384


async def test_a_failure_carries_the_last_words_but_no_arguments() -> None:
    """The message names program, exit code and what it said; arguments may be secret and stay out."""
    with pytest.raises(ToolFailed, match=r"snake: ended with exit code 3: no such thing") as caught:
        await process.run_checked(python("import sys; sys.stderr.write('no such thing\\n'); sys.exit(3)  # canary"))
    assert "canary" not in str(caught.value)


async def test_a_missing_program_is_named() -> None:
    """A program that is not there is an error that points to the doctor."""
    with pytest.raises(ToolMissing, match="doctor"):
        await process.run(Command(argv=["/nowhere/ffmpeg"]))


async def test_a_time_limit_kills_the_program(tmp_path: Path) -> None:
    """A program over its time is gone when the error arrives."""
    pid_file = tmp_path / "pid"
    code = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(TimedOut):
        await process.run(python(code), timeout_s=1.0)
    assert await gone(int(pid_file.read_text()))


async def test_cancelling_kills_the_program_and_its_children(tmp_path: Path) -> None:
    """Who cancels a job leaves nothing running behind."""
    pid_file = tmp_path / "pids"
    code = f"""
        import os, subprocess, sys, time
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
        open({str(pid_file)!r} + '.part', 'w').write(f'{{os.getpid()}} {{child.pid}}')
        os.rename({str(pid_file)!r} + '.part', {str(pid_file)!r})
        time.sleep(60)
    """
    task = asyncio.create_task(process.run(python(code)))
    while not pid_file.exists():
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for pid in pid_file.read_text().split():
        assert await gone(int(pid))


async def test_stopping_asks_before_it_kills() -> None:
    """A program that ignores the request is killed after the grace time."""
    polite = await process.start(python("import time; time.sleep(60)"))
    assert await polite.stop() == -signal.SIGTERM
    stubborn = await process.start(
        python("import signal, sys, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"),
        stdout=True,
    )
    assert stubborn.process.stdout is not None
    await stubborn.process.stdout.readline()
    assert await stubborn.stop(grace_s=0.2) == -signal.SIGKILL


async def test_limits_hold() -> None:
    """A program cannot take more memory than it is given."""
    done = await process.run(python("b = bytearray(2**30)", limits=Limits(memory_bytes=2**28)))
    assert done.exit_code != 0
    assert "MemoryError" in done.stderr_tail


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal exists on Linux only")
def test_no_orphan_survives_a_killed_hub(tmp_path: Path) -> None:
    """After a kill -9 of the parent its children are gone too."""
    pid_file = tmp_path / "pid"
    code = f"""
        import asyncio, sys
        from streamhub.process import Command, start
        async def main():
            child = await start(Command(argv=[sys.executable, "-c", "import time; time.sleep(60)"]))
            open({str(pid_file)!r} + ".part", "w").write(str(child.pid))
            import os; os.rename({str(pid_file)!r} + ".part", {str(pid_file)!r})
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    parent = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", textwrap.dedent(code)])
    deadline = time.monotonic() + 20
    while not pid_file.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    child = int(pid_file.read_text())
    assert alive(child)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    for _ in range(100):
        if not alive(child):
            break
        time.sleep(0.05)
    assert not alive(child)


@pytest.mark.parametrize(("own", "seen"), [(False, "None given"), (True, "geheim given")])
async def test_no_other_program_gets_our_settings(monkeypatch: pytest.MonkeyPatch, own: bool, seen: str) -> None:
    """Passwords in our variables reach no ffmpeg and no downloader; what a command sets itself arrives."""
    monkeypatch.setenv("STREAMHUB_ENGINE_DATABASE_URL", "geheim")
    code = "import os; print(os.environ.get('STREAMHUB_ENGINE_DATABASE_URL'), os.environ['STREAMHUB_X'])"
    command = Command(argv=[sys.executable, "-c", code], env={"STREAMHUB_X": "given"}, own=own)
    assert (await process.run_checked(command)).stdout.decode().strip() == seen
