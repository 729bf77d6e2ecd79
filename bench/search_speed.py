"""Speed of the search in a real browser, beside Pagefind in the same run, with requests as they are on the way.

    python bench/search_speed.py ../shared/search [--sizes 1000 10000] [--pagefind PROGRAM] [--runs 5]

Every request waits 50 ms, all share 10 Mbit/s, text is gzipped, and each row is the median of fresh browser contexts
(nothing cached): what the first search of a visitor costs to the tenth loaded result. "first" begins with nothing but a
bare page, and fetches scripts, stemmer and index from there; Pagefind as its own script does, ours with the hints that
stand in the head of our search page. "page" is our real search page, opened by an address with a query in it, from the
click to the tenth result shown, style sheet and all.
"typed" begins when the page is open: its scripts are there, and the index is opened, as our page does. "again" is the
next query in the same page, "der" the most common word there is.

The two indexes are built by a process each, from files to files; its CPU time and its peak memory are whole, start and
writing included.

The folder holds `gen_corpus.py`, as for `search_quality.py`. Pagefind is a peer of this benchmark and nothing else: the
program of the package `pagefind_bin`, installed wherever one likes; without it only our own rows are printed. Needs
Chromium and playwright.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import html
import importlib.util
import json
import os
import re
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from statistics import median
from typing import Any, cast
from urllib.parse import quote, urljoin

from search_quality import find_obstacle, read_documents, write_corpus

from streamhub.archive.search.assembly import IndexBuilder
from streamhub.archive.search.index import fragment_path, render_fragment
from streamhub.archive.search.record import analyse
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.config import SiteSettings

LATENCY_S = 0.05
BYTES_PER_S = 10_000_000 / 8
HEADER_BYTES = 200
PIECE_BYTES = 8_192
TEXT = {".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".css": "text/css"}
STATIC = Path(__file__).resolve().parent.parent / "site" / "static"
FIRST = ("Batterie Wartung", "Steuer Bescheid", "der", "Was mache ich wenn mein Router defekt ist?", "Ruoter defekt")
THEN = "Zahlung Frist"

OPEN = """
  for (const hint of window.index ? [] : HINTS) {
    document.head.append(Object.assign(document.createElement("link"), hint));
  }
  const engine = await import("/static/search-engine.js");
  const index = (window.index ??= await engine.SearchIndex.open(async (path) => {
    const response = await fetch("/" + path);
    return new Uint8Array(await response.arrayBuffer());
  }, "de"));
"""
PREPARE = {
    "streamhub": f"async () => {{ {OPEN} }}",
    "Pagefind": """async () => {
      const pagefind = await import("/pagefind/pagefind.js");
      await pagefind.init();
    }""",
}
OURS = f"""
async (query) => {{
  const started = performance.now();
  {OPEN}
  const {{ total }} = await engine.search([index], query, {{ limit: 10 }});
  return [performance.now() - started, total];
}}
"""
PEER = """
async (query) => {
  const started = performance.now();
  const pagefind = await import("/pagefind/pagefind.js");
  const found = await pagefind.search(query);
  await Promise.all(found.results.slice(0, 10).map((result) => result.data()));
  return [performance.now() - started, found.results.length];
}
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What building an index cost."""

    cpu_s: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.cpu_s:.1f} s and {self.peak_mb:.0f} MB"


@dataclass(frozen=True, slots=True)
class Row:
    """What a query cost."""

    ms: float
    kib: float
    requests: int
    total: int


class Line:
    """The way between server and browser: one for all requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free_at = 0.0
        self.sent_bytes = self.requests = 0

    def send(self, write: Any, body: bytes) -> None:
        """Send a body at the speed that all requests share."""
        with self._lock:
            self.requests += 1
            self.sent_bytes += len(body) + HEADER_BYTES
        for at in range(0, max(1, len(body)), PIECE_BYTES):
            piece = body[at : at + PIECE_BYTES]
            with self._lock:
                self._free_at = max(self._free_at, time.monotonic()) + len(piece) / BYTES_PER_S
                pause = self._free_at - time.monotonic()
            time.sleep(max(0.0, pause))
            write(piece)


class Server(socketserver.ThreadingTCPServer):
    """Takes many connections at once."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64


@contextmanager
def serve(root: Path) -> Iterator[tuple[str, Line]]:
    """Serve a folder over a slow line."""
    line = Line()

    @functools.cache
    def read(path: Path) -> tuple[bytes, str]:
        data = path.read_bytes()
        kind = TEXT.get(path.suffix, "application/octet-stream")
        return (gzip.compress(data, 6), kind) if path.suffix in TEXT else (data, kind)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # as web hosts do: else a body waits 40 ms for the receipt of its header

        def do_GET(self) -> None:
            path = (root / self.path.split("?")[0].lstrip("/")).resolve()
            time.sleep(LATENCY_S)
            if not path.is_relative_to(root) or not path.is_file():
                self.send_error(404)
                return
            body, kind = read(path)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if path.suffix in TEXT:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            line.send(self.wfile.write, body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", line
        server.shutdown()


def write_own(corpus: Path, root: Path) -> None:
    """Write our index and fragments of a corpus below a folder, reading one document after the other."""

    def write(path: str, data: bytes) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)

    with IndexBuilder() as builder:
        for document in read_documents(corpus):
            builder.add(analyse(document))
            write(fragment_path(document.id), render_fragment(document))
        for path, data in builder.files():
            write(path, data or b"")


def write_pages(root: Path) -> None:
    """What else our search needs: scripts, the real search page, a bare one."""
    shutil.copytree(STATIC, root / "static", dirs_exist_ok=True)
    pages = plan_site([], SiteSettings(), load_theme(), media_root=None).render()
    (root / "search" / "index.html").write_bytes(cast("bytes", pages["search/index.html"]))
    (root / "bare.html").write_text('<!doctype html><html lang="de"><title>x</title><link rel="icon" href="data:,">')


def write_peer_pages(corpus: Path, root: Path) -> None:
    """Plain pages of a corpus below a folder, for Pagefind."""
    for document in read_documents(corpus):
        page = root / "pages" / document.id / "index.html"
        page.parent.mkdir(parents=True)
        turns = "".join(
            f'<h2 id="t-{t.start_ms // 1000}">{html.escape(t.speaker)}</h2><p>{html.escape(t.text)}</p>'
            for t in document.turns
        )
        page.write_text(
            f'<!doctype html><html lang="{document.language}"><title>{html.escape(document.question)}</title>'
            f"<main data-pagefind-body><h1>{html.escape(document.question)}</h1>{turns}"
            f"<p>{html.escape(', '.join((*document.topics, *document.speakers)))}</p></main></html>",
            encoding="utf-8",
        )


def measure(command: Sequence[str]) -> Cost:
    """Run a program to its end; its peak counts from this process's size on, so this has to be small by then."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def build(folder: Path, size: int, root: Path, pagefind: str) -> dict[str, Cost]:
    """Both indexes, and all pages, below a folder; Pagefind's where there is its program."""
    corpus = root / "corpus.jsonl"
    write_corpus(folder, size, corpus)
    costs = {"streamhub": measure([sys.executable, __file__, str(corpus), "--write-to", str(root)])}
    if pagefind:
        write_peer_pages(corpus, root)
        costs["Pagefind"] = measure([pagefind, "--site", str(root), "--glob", "pages/**/*.html", "--silent"])
    write_pages(root)
    return costs


def find_hints(root: Path) -> list[dict[str, str]]:
    """What the head of our search page says that it will need, but for what draws the page."""
    head = (root / "search" / "index.html").read_text(encoding="utf-8").partition("</head>")[0]
    hints = []
    for tag in re.findall(r"<link [^>]*preload[^>]*>", head):
        said = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        path = urljoin("/search/", said["href"])
        if "search-filters" not in path:
            hints.append({"rel": said["rel"], "href": path, "as": said.get("as", "")})
            hints[-1] |= {"crossOrigin": "anonymous"} if "crossorigin" in tag else {}
    return hints


def ask(browser: Any, address: str, line: Line, script: str, queries: list[str], *, prepare: str = "") -> list[Row]:
    """Ask one query after the other in a fresh context."""
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    page.goto(f"{address}bare.html")
    if prepare:
        page.evaluate(prepare)
    rows = []
    for query in queries:
        bytes_before, requests_before = line.sent_bytes, line.requests
        ms, total = page.evaluate(script, query)
        rows.append(Row(ms, (line.sent_bytes - bytes_before) / 1024, line.requests - requests_before, total))
    context.close()
    return rows


SHOWN = """
() => document.querySelectorAll("[data-search-results] > li").length === 10
  && [performance.now(), parseInt(document.querySelector("[data-search-status]").textContent)]
"""


def open_page(browser: Any, address: str, line: Line, query: str) -> Row:
    """Open our search page by an address with a query in it, in a fresh context."""
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    bytes_before, requests_before = line.sent_bytes, line.requests
    page.goto(f"{address}search/index.html?q={quote(query)}", wait_until="commit")
    ms, total = page.wait_for_function(SHOWN).json_value()
    row = Row(ms, (line.sent_bytes - bytes_before) / 1024, line.requests - requests_before, total)
    context.close()
    return row


def report(browser: Any, address: str, line: Line, scripts: dict[str, tuple[str, str]], runs: int) -> None:
    """Print a row per kind of query and engine; engines take turns, so that what else the machine does meets both.

    Args:
        browser: an open one.
        address: of the served folder.
        line: counts what is sent.
        scripts: by engine's name, how to open its index and how to ask it.
        runs: fresh contexts for each row.
    """
    kinds = [(f"first: {query}", [query], False) for query in FIRST]
    kinds += [(f"typed: {query}", [query], True) for query in FIRST[:3]]
    kinds.append((f"again: {THEN}", [FIRST[0], THEN], False))
    for what, queries, is_open in kinds:
        found: dict[str, list[Row]] = {name: [] for name in scripts}
        for _ in range(runs):
            for name, (prepare, script) in scripts.items():
                asked = ask(browser, address, line, script, queries, prepare=prepare if is_open else "")
                found[name].append(asked[-1])
        for name, rows in found.items():
            print_row(name, what, rows)


def print_row(name: str, what: str, rows: list[Row]) -> None:
    """Print the medians, and the best time."""
    kib, ms, best = median(row.kib for row in rows), median(row.ms for row in rows), min(row.ms for row in rows)
    print(
        f"{name:10} {what:52} {kib:8.1f} KiB {ms:7.0f} ms, best {best:5.0f}"
        f" {rows[0].requests:4} requests {rows[0].total:6} found",
        flush=True,
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where gen_corpus.py is")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--pagefind", default="", help="the program of pagefind_bin")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--write-to", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write_to:
        write_own(arguments.folder, arguments.write_to)
        return
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    browser_there = chromium and importlib.util.find_spec("playwright")
    obstacle = find_obstacle(arguments.folder.resolve()) or ("" if browser_there else "no browser")
    if obstacle:
        print(f"search_speed: skipped, {obstacle}")
        sys.exit(0)
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch).resolve()
            load = os.getloadavg()[0]
            costs = build(arguments.folder.resolve(), size, root, arguments.pagefind)
            said = ", ".join(f"{name} {cost}" for name, cost in costs.items())
            print(f"\n{size} answers; load {load:.1f}; index: {said}", flush=True)
            compare(root, list(costs), arguments.runs, chromium)


def compare(root: Path, names: Sequence[str], runs: int, chromium: str | None) -> None:
    """Print a row per kind of query for each engine."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, serve(root) as (address, line):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for query in FIRST:
            print_row("streamhub", f"page: {query}", [open_page(browser, address, line, query) for _ in range(runs)])
        hints = json.dumps(find_hints(root))
        scripts = {
            "streamhub": (PREPARE["streamhub"].replace("HINTS", "[]"), OURS.replace("HINTS", hints)),
            "Pagefind": (PREPARE["Pagefind"], PEER),
        }
        report(browser, address, line, {name: scripts[name] for name in names}, runs)
        print(f"load {os.getloadavg()[0]:.1f}")
        browser.close()


if __name__ == "__main__":
    main()
