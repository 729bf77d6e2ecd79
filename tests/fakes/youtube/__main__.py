"""Runs the counterpart as a process of its own: its state outlives the clients that a test kills.

``python -m tests.fakes.youtube --port-file PATH [--list-lag 0.5] [--set async_polls=3] …``
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from tests.fakes.youtube.fake import FakeYouTube


def main(argv: list[str] | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="tests.fakes.youtube", description="a counterpart of YouTube on loopback")
    parser.add_argument("--port-file", type=Path, required=True, help="JSON with the addresses goes here")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--list-lag", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--rtmp-dir", type=Path, help="keep the media that arrives here")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KNOB=JSON", help="any knob")
    options = parser.parse_args(argv)
    knobs: dict[str, Any] = {"list_lag_s": options.list_lag}
    knobs |= {name: json.loads(value) for name, _, value in (pair.partition("=") for pair in options.set)}
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    fake = FakeYouTube(port=options.port, seed=options.seed, rtmp_dir=options.rtmp_dir, **knobs)
    with fake:
        _write_addresses(options.port_file, fake)
        print(fake.url, flush=True)
        over.wait()


def _write_addresses(path: Path, fake: FakeYouTube) -> None:
    addresses = {
        "pid": os.getpid(),
        "url": fake.url,
        "auth_uri": fake.auth_uri,
        "token_uri": fake.token_uri,
        "revoke_uri": fake.revoke_uri,
        "rtmp_url": fake.rtmp_url,
        "token": fake.token,
        "refresh_token": fake.refresh_token,
        "channel_id": fake.channel.id,
        "client_config": fake.client_config,
    }
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(addresses), "utf-8")
    draft.replace(path)


if __name__ == "__main__":
    main()
