"""The counterpart as a process of its own, as its starter sees it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.fakes.youtube.faults import Fault, from_fault

_ROOT = Path(__file__).resolve().parents[3]


class RemoteFake:
    """Starts ``python -m tests.fakes.youtube`` and speaks with its back door.

    Args:
        folder: where its port file and log go.
        options: more of its command line, such as ``["--list-lag", "0.5"]``.
    """

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self._port_file = folder / "fake-youtube.json"
        self._log = (folder / "fake-youtube.log").open("wb")
        self._port_file.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "tests.fakes.youtube", "--port-file", str(self._port_file), *options]
        self._child = subprocess.Popen(argv, cwd=_ROOT, stdout=self._log, stderr=self._log)
        self.addresses = self._wait()
        self.url: str = self.addresses["url"]
        self.token: str = self.addresses["token"]
        self.refresh_token: str = self.addresses["refresh_token"]
        self.rtmp_url: str = self.addresses["rtmp_url"]
        self.token_uri: str = self.addresses["token_uri"]
        self.client_config: dict[str, Any] = self.addresses["client_config"]

    def _wait(self, timeout_s: float = 30.0) -> dict[str, Any]:
        until = time.monotonic() + timeout_s
        while not self._port_file.exists():
            if self._child.poll() is not None or time.monotonic() > until:
                self.close()
                raise RuntimeError(f"the counterpart did not start, see {self._log.name}")
            time.sleep(0.02)
        return dict(json.loads(self._port_file.read_text("utf-8")))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(10)
        self._log.close()

    def wait(self, timeout_s: float) -> int:
        """Its exit status, once it has ended."""
        return self._child.wait(timeout_s)

    # --- the back door

    def state(self) -> dict[str, Any]:
        """Everything: broadcasts, streams, calls, violations, faults that still wait."""
        return self._ask("state", None)

    def set(self, **knobs: Any) -> None:
        """Turn knobs."""
        self._ask("set", knobs)

    def fail(self, method_id: str, *faults: Fault) -> None:
        """Queue faults for a method."""
        self._ask("fail", {"method": method_id, "faults": [from_fault(fault) for fault in faults]})

    def do(self, verb: str, *args: Any, **kwargs: Any) -> None:
        """Make something happen, by the name of the world's method: push, stop, say, tick, kill_rtmp."""
        self._ask("do", {"verb": verb, "args": args, "kwargs": kwargs})

    def _ask(self, what: str, order: dict[str, Any] | None) -> dict[str, Any]:
        body = None if order is None else json.dumps(order).encode()
        request = urllib.request.Request(f"{self.url}_fake/{what}", data=body)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return dict(json.load(answer))
