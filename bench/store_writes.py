"""Durable writes a second with many clients: the store's group commit against a connection per write.

Both do the same work (a vote each, every tenth a question) with the same durability (WAL, synchronous=FULL) on the same
disk, one after the other, and both are counted again on the disk at the end.

    python bench/store_writes.py [--clients 64] [--seconds 3] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database

from streamhub.questions.question import Question, QuestionState
from streamhub.schedule.show import Session, Show
from streamhub.store import questions, shows
from streamhub.store.library import connect, prepare_writer, sqlite_version
from streamhub.store.store import Store

START = datetime(2027, 3, 2, 19, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What one way of writing reached."""

    name: str
    writes: int
    elapsed_s: float
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        return self.writes / self.elapsed_s


def now() -> datetime:
    return datetime.now(UTC)


def prepare(db: Database) -> None:
    shows.save_show(db, Show(id="s", title="S"))
    shows.save_session(db, Session(id="s-1", show_id="s", title="S", starts_at=START))
    questions.insert_question(
        db, Question(id="q", session_id="s-1", text="?", state=QuestionState.OPEN, asked_at=START)
    )


def write_one(db: Database, client: int, count: int) -> int:
    """One visitor's request."""
    name = f"{client}-{count}"
    if count % 10 == 9:
        question = Question(id=name, session_id="s-1", text=name, state=QuestionState.OPEN, asked_at=START)
        questions.insert_question(db, question)
        return 0
    return questions.add_vote(db, "q", name, at=START)


def summarise(name: str, times_s: list[float], elapsed_s: float) -> Result:
    ordered = sorted(times_s)
    return Result(
        name=name,
        writes=len(ordered),
        elapsed_s=elapsed_s,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[len(ordered) * 99 // 100] * 1000,
    )


async def measure_store(path: Path, clients: int, seconds: float) -> tuple[Result, int]:
    """The store, one task per client; also the largest group that was committed at once."""
    times_s: list[float] = []
    async with Store.open(path, now=now) as store:
        await store.write(prepare)
        end = time.perf_counter() + seconds

        async def run(client: int) -> None:
            count = 0
            while (begin := time.perf_counter()) < end:
                await store.write(lambda db, count=count: write_one(db, client, count))
                times_s.append(time.perf_counter() - begin)
                count += 1

        begin = time.perf_counter()
        await asyncio.gather(*(run(client) for client in range(clients)))
        return summarise("store, group commit", times_s, time.perf_counter() - begin), store.counts.largest_group


def measure_naive(path: Path, clients: int, seconds: float) -> Result:
    """A thread per client that opens, writes and closes for each request."""
    asyncio.run(make(path))
    times_s: list[float] = []
    end = time.perf_counter() + seconds

    def run(client: int) -> None:
        count = 0
        while (begin := time.perf_counter()) < end:
            with closing(connect(path)) as connection:
                prepare_writer(connection, path)
                db = Database(connection, execute_plugins=False)
                db.execute("begin immediate")
                write_one(db, client, count)
                db.execute("commit")
            times_s.append(time.perf_counter() - begin)
            count += 1

    threads = [threading.Thread(target=run, args=(client,)) for client in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return summarise("naive, open-write-close", times_s, time.perf_counter() - begin)


async def make(path: Path) -> None:
    async with Store.open(path, now=now) as store:
        await store.write(prepare)


def count_kept(path: Path) -> int:
    with closing(connect(path)) as connection:
        votes = connection.execute("select count(*) from votes").fetchone()[0]
        assert votes == connection.execute("select votes from questions where id = 'q'").fetchone()[0]
        asked = connection.execute("select count(*) - 1 from questions").fetchone()[0]
        return int(votes) + int(asked)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument(
        "--folder", type=Path, default=None, help="where the databases are made; default: a temporary one"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        naive_path, store_path = Path(folder) / "naive.sqlite3", Path(folder) / "store.sqlite3"
        naive = measure_naive(naive_path, given.clients, given.seconds)
        store, largest = asyncio.run(measure_store(store_path, given.clients, given.seconds))
        print(f"SQLite {sqlite_version()}, {given.clients} clients, WAL, synchronous=FULL")
        for result, path in ((naive, naive_path), (store, store_path)):
            kept = count_kept(path)
            print(
                f"{result.name:26} {result.per_s:9.0f} writes/s   p50 {result.p50_ms:7.1f} ms   "
                f"p99 {result.p99_ms:7.1f} ms   acknowledged {result.writes}, on the disk {kept}"
            )
            assert kept == result.writes
        print(f"ratio {store.per_s / naive.per_s:.1f} : 1, largest group {largest}")


if __name__ == "__main__":
    main()
