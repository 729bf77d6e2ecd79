"""What ffmpeg is told, to push a stream to a platform, and how its words are made safe to log.

Owns the argument list and the address's form. Refuses to start anything. Nothing is encoded; the only protocols are
RTMP and RTMPS, and a certificate that nobody vouches for is refused, because the stream key goes over that connection.
"""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from streamhub.errors import BadInput
from streamhub.live.platform import Ingest

_PROTOCOLS = {"rtmp": "rtmp,tcp", "rtmps": "rtmps,tls,tcp"}
_UNFIT = re.compile(r"[\x00-\x20\x7f]")
_SEND_BUFFER_BYTES = 262_144  # little, so that a platform that takes nothing is noticed soon
_PROBE_US = {"flv": 500_000, "mpegts": 1_500_000}  # all this media waits, the first time and after each failure
_MASK = "…"
_SPEAKER = re.compile(r"^\[[^\]]* @ 0x[0-9a-f]+\] ")
_TAIL_BYTES = 16_000  # what is longer may have been cut by who collected it
_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


def parse_target(ingest: Ingest) -> SplitResult:
    """The address in its parts.

    Raises:
        BadInput: it is not rtmp:// or rtmps:// with a host and an application, or the key is none.
    """
    if _UNFIT.search(ingest.url) or not ingest.key or _UNFIT.search(ingest.key):
        raise BadInput("relay: an address or key that no platform gives out", hint="look at the platform's own page")
    try:
        parts = urlsplit(ingest.url)
        valid = parts.scheme in _PROTOCOLS and parts.hostname and parts.path.strip("/") and parts.port != 0
    except ValueError:
        valid = None
    if not valid:
        raise BadInput(
            f"relay: cannot push to {redact(ingest.url, ingest.key)}", hint="only rtmp:// and rtmps:// can be pushed to"
        )
    return parts


def push_argv(container: str, ingest: Ingest, *, ca_file: Path | None, stall_s: float) -> list[str]:
    """Arguments that push standard input to the address; progress is told on standard output each half second."""
    target = parse_target(ingest)
    app = target.path.strip("/") + (f"?{target.query}" if target.query else "")
    wait_us = str(int(stall_s * 1_000_000))
    tls = ["-tls_verify", "1", *(["-ca_file", str(ca_file)] if ca_file else [])] if target.scheme == "rtmps" else []
    return [
        *("-nostdin", "-hide_banner", "-nostats", "-loglevel", "warning"),
        *("-progress", "pipe:1", "-stats_period", "0.5"),
        *("-fflags", "+discardcorrupt"),
        *("-analyzeduration", str(_PROBE_US[container]), "-fpsprobesize", "0"),
        *("-protocol_whitelist", "pipe", "-f", container, "-i", "pipe:0"),
        *("-map", "0:v:0?", "-map", "0:a:0?", "-c", "copy", "-map_metadata", "-1"),
        *("-max_interleave_delta", "2000000", "-flush_packets", "1"),
        *("-f", "flv", "-flvflags", "no_duration_filesize"),
        *("-protocol_whitelist", _PROTOCOLS[target.scheme], *tls),
        *("-rw_timeout", wait_us, "-send_buffer_size", str(_SEND_BUFFER_BYTES)),
        *("-rtmp_app", app, "-rtmp_playpath", ingest.key),
        f"{target.scheme}://{target.netloc}/{app}",
    ]


def redact(text: str, secret: str) -> str:
    """The text without the secret, also where it was written as part of an address."""
    for form in {secret, quote(secret, safe=""), quote(secret)}:
        text = text.replace(form, _MASK)
    return text


def excerpt(stderr_tail: str, secret: str) -> str:
    """The end of what ffmpeg said, in one line and without the secret."""
    lines = [_SPEAKER.sub("", line.strip()) for line in redact(stderr_tail, secret).splitlines()]
    if len(stderr_tail.encode()) >= _TAIL_BYTES:
        lines = lines[1:]  # its beginning is missing, and with it perhaps a part of the secret
    telling = [line for line in lines if line and not line.startswith("Error opening output file")]
    return " | ".join(telling[-3:])[-400:]


def find_ca_file(paths: ssl.DefaultVerifyPaths) -> Path | None:
    """The system's file of certificate authorities; None where ffmpeg has to find them by itself."""
    for name in (paths.cafile, *_CA_FILES):
        if name and Path(name).is_file():
            return Path(name)
    return None
