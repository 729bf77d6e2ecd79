"""How long a suggestion takes at 100,000 questions: the hub's own route over HTTP, beside FTS5 on the same texts.

    python bench/suggestions.py [--questions 100000] [--asked 400] [--sessions 200]

A real hub (`streamhub serve`) with a real store answers ``GET /api/v1/sessions/<id>/suggestions`` on 127.0.0.1, one
request at a time over one line, as a browser sends them while somebody types: half of the texts are cut off in the
middle. Every request reads the store. Beside it, in the same run: the hub's answer to a small request (what HTTP alone
takes), and SQLite's FTS5 (unicode61, words joined by OR, bm25) on a file with the same texts, without any HTTP. Then
the same while questions come in, which the index has to follow. The texts are spliced from halves of real ones, German
and English by turns. All questions are searched; those of the open sessions may be offered, the others were answered
live in sessions that are over, as in a hub that has run for years. The hub first groups the open ones into topics, and
that is waited for.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import random
import re
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from bench.labelled import SETS, load_sets  # noqa: E402
from bench.load.hub import LoadedHub  # noqa: E402
from streamhub.questions.question import Question, QuestionState  # noqa: E402
from streamhub.schedule.show import Session, SessionState  # noqa: E402
from streamhub.store.questions import insert_question  # noqa: E402
from streamhub.store.shows import save_session  # noqa: E402
from streamhub.store.store import Store  # noqa: E402
from streamhub.wordforms.analysis import Language  # noqa: E402

AT = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
BATCH = 2000
READY_S, REST_MS = 900, 200
Text = tuple[str, Language]


def make_texts(folder: Path, count: int, seed: int) -> list[Text]:
    """Short texts of both languages, spliced from halves of real ones."""
    pools: dict[Language, list[str]] = {"de": [], "en": []}
    for one in load_sets(folder):
        pools[one.language] += [text for text, _ in one.asked]
        for text in one.archive:
            pools[one.language] += [part for part in re.split(r"(?<=[.!?]) ", text) if 20 < len(part) < 160]
    lot, made = random.Random(seed), []
    for number in range(count):
        language: Language = ("de", "en")[number % 2]
        head, tail = (lot.choice(pools[language]).split() for _ in range(2))
        made.append((" ".join(head[: max(3, len(head) // 2)] + tail[len(tail) // 2 :])[:140], language))
    return made


def fill(path: Path, texts: Sequence[Text], sessions: int, opened: int) -> None:
    """Put the questions into a hub's store, spread over as many sessions; the first of them are open."""

    def insert(db: object, batch: Iterable[tuple[int, Text]]) -> None:
        for number, (text, language) in batch:
            question = Question(
                id=f"q{number:08}",
                session_id=f"s{number % sessions:04}",
                text=text,
                language=language,
                state=QuestionState.OPEN if number % sessions < opened else QuestionState.ANSWERED_LIVE,
                asked_at=AT,
            )
            insert_question(db, question)

    def plan(db: object) -> None:
        for number in range(sessions):
            state = SessionState.OPEN if number < opened else SessionState.PUBLISHED
            save_session(db, Session(id=f"s{number:04}", show_id="s", title="S", starts_at=AT, state=state))

    async def write() -> None:
        async with Store.open(path, now=lambda: AT) as store:
            await store.write(plan)
            numbered = list(enumerate(texts))
            for start in range(0, len(numbered), BATCH):
                await store.write(partial(insert, batch=numbered[start : start + BATCH]))

    asyncio.run(write())


class Line:
    """One kept line to the hub, from ever other addresses, since one address may ask only so often."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._sent = 0

    def get(self, path: str) -> object:
        self._sent += 1
        address = f"198.51.{self._sent // 200 % 256}.{self._sent % 200}"
        self._line.request("GET", path, headers={"X-Forwarded-For": address})
        answer = self._line.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body)
        return json.loads(body)

    def suggest(self, text: str, session: str = "s0000") -> list[dict[str, object]]:
        return self.get(f"/api/v1/sessions/{session}/suggestions?text={quote(text)}")["suggestions"]  # type: ignore[index]


def ask_fts5(path: Path, texts: Sequence[Text]) -> Callable[[str], object]:
    database = sqlite3.connect(path)
    database.execute("create virtual table texts using fts5(text, tokenize='unicode61')")
    database.executemany("insert into texts (text) values (?)", ((text,) for text, _ in texts))
    database.commit()

    def ask(text: str) -> object:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", text))
        sql = "select rowid, text from texts where texts match ? order by bm25(texts) limit 5"
        return database.execute(sql, (words,)).fetchall() if words else []

    return ask


def wait_for(hub: LoadedHub, line: Line, texts: Sequence[Text], sessions: int) -> None:
    """Wait until the hub has read all questions, and has come to rest."""
    begun_s, last = time.monotonic(), (len(texts) - 1) // sessions * sessions
    while not any(one["id"] == f"q{last:08}" for one in line.suggest(texts[last][0])):
        if time.monotonic() - begun_s > READY_S:
            raise SystemExit("the hub did not read its questions in time")
        time.sleep(0.5)
    print(
        f"{len(texts)} questions in {sessions} sessions, all there after {time.monotonic() - begun_s:.0f} s", flush=True
    )
    used = REST_MS + 1.0
    while used > REST_MS and time.monotonic() - begun_s < READY_S:
        before_s = hub.stats()["cpu_s"]
        time.sleep(5)
        used = (hub.stats()["cpu_s"] - before_s) / 5 * 1000
    print(f"hub at rest: {used:.0f} ms CPU a second, part of what follows", flush=True)


def measure(name: str, ask: Callable[[str], object], asked: Sequence[str], hub: LoadedHub | None) -> None:
    wall = []
    cpu_s = time.process_time()
    before_s = hub.stats()["cpu_s"] if hub else 0.0
    for text in asked:
        at_s = time.perf_counter()
        ask(text)
        wall.append((time.perf_counter() - at_s) * 1000)
    used_s = hub.stats()["cpu_s"] - before_s if hub else time.process_time() - cpu_s
    middle, high, slowest = np.percentile(wall, [50, 95, 100])
    print(
        f"{name:34} p50 {middle:6.1f}  p95 {high:6.1f}  slowest {slowest:6.1f} ms, "
        f"{used_s / len(asked) * 1000:5.1f} ms CPU each, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


@contextlib.contextmanager
def questions_coming(hub: LoadedHub, per_second: int) -> Iterator[None]:
    """Others ask meanwhile."""
    over, number = threading.Event(), 0

    def ask() -> None:
        nonlocal number
        while not over.wait(1 / per_second):
            number += 1
            hub.post(
                "/sessions/s0001/questions", text=f"Wie lange dauert Umzug Nummer {number}?", name="Ada", shown="name"
            )

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=SETS, help="holds banking77, covidqa and xquad")
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--asked", type=int, default=400)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--open", type=int, default=8, help="how many of the sessions are open")
    parser.add_argument(
        "--per-second", type=int, default=4, help="questions that come in while the last row is measured"
    )
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        print(f"skipped: {arguments.folder} is not here; name the folder of the labelled sets")
        return
    texts = make_texts(arguments.folder, arguments.questions, seed=1)
    whole = make_texts(arguments.folder, arguments.asked, seed=99)
    asked = [text if n % 4 < 2 else text[: len(text) // 2] for n, (text, _) in enumerate(whole)]
    os.environ["STREAMHUB_HUB_TRUST_PROXY"] = "true"
    with tempfile.TemporaryDirectory(prefix="suggestions-") as scratch:
        hub = LoadedHub(Path(scratch) / "hub")
        try:
            hub.start()
            hub.plan(0)
            hub.kill()
            fill(hub.folder / "hub.sqlite3", texts, arguments.sessions, arguments.open)
            hub.start()
            line = Line(hub.port)
            wait_for(hub, line, texts, arguments.sessions)
            measure("hub, a small request", lambda _: line.get("/api/v1/sessions/s0000"), asked, hub)
            measure("hub, suggestions", line.suggest, asked, hub)
            measure("FTS5 alone, no HTTP", ask_fts5(Path(scratch) / "fts.sqlite3", texts), asked, None)
            line = Line(hub.port)  # the hub closed the other one meanwhile
            with questions_coming(hub, arguments.per_second):
                measure(f"hub, {arguments.per_second} questions/s coming in", line.suggest, asked, hub)
        finally:
            hub.kill()


if __name__ == "__main__":
    main()
