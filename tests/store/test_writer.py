"""The writer: groups, savepoints, keys, limits, and what happens when the disk gives out."""

import asyncio
import os
import resource
import stat
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from streamhub.errors import Conflict, DiskFull, NotFound, StreamhubError, Unavailable
from streamhub.store import access, log, questions, shows
from streamhub.store.library import sqlite3
from streamhub.store.store import Store


def keep(db, text: str) -> None:
    db.execute("insert into log values (null, 't', 'a', 'test', 'k', ?, '{}')", (text,))


def kept(db) -> list[str]:
    return [row[0] for row in db.execute("select object_id from log order by id").fetchall()]


async def held(store: Store) -> tuple[asyncio.Future, asyncio.Event]:
    """A write that keeps the writer busy until the event is set, so that what follows waits together."""
    loop, begun, release = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def wait(db):
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    task = asyncio.ensure_future(store.write(wait))
    await begun.wait()
    return task, release


async def test_waiting_writes_share_one_commit(store):
    """Writes that wait together are committed together, in order, at most 500 at a time."""
    task, release = await held(store)
    before = store.counts.commits
    writes = [asyncio.ensure_future(store.write(lambda db, n=n: keep(db, f"{n:04}"))) for n in range(1200)]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(task, *writes)
    assert store.counts.commits - before == 4  # the one that held the writer up, then 500, 500 and 200
    assert store.counts.largest_group == 500
    assert await store.read(kept) == [f"{n:04}" for n in range(1200)]


async def test_nobody_hears_of_success_before_the_commit(store, tmp_path):
    """When a write returns, another connection sees its row; before, it sees none of its group."""
    other = sqlite3.connect(tmp_path / "hub.sqlite3")
    seen = []

    def look(db):
        keep(db, "a")
        seen.append(other_count())

    def other_count() -> int:
        connection = sqlite3.connect(tmp_path / "hub.sqlite3")
        try:
            return connection.execute("select count(*) from log").fetchone()[0]
        finally:
            connection.close()

    await store.write(look)
    assert seen == [0]
    assert other.execute("select count(*) from log").fetchone()[0] == 1
    other.close()


async def test_failing_write_harms_only_itself(store):
    """In one group, a write that fails undoes its own rows alone and gets its own error."""
    task, release = await held(store)

    def fail(db):
        keep(db, "lost")
        raise NotFound("nothing here")

    def break_a_rule(db):
        keep(db, "lost")
        db.execute("insert into votes (question_id, voter, at) values ('nobody', 'v', 't')")

    results = asyncio.gather(
        *(store.write(fn) for fn in (lambda db: keep(db, "1"), fail, break_a_rule, lambda db: keep(db, "2"))),
        return_exceptions=True,
    )
    await asyncio.sleep(0)
    release.set()
    one, wrong, broken, two = await results
    await task
    assert (one, two) == (None, None)
    assert isinstance(wrong, NotFound)
    assert isinstance(broken, Conflict)
    assert isinstance(broken.__cause__, sqlite3.IntegrityError)
    assert await store.read(kept) == ["1", "2"]
    assert store.counts.largest_group == 4


@pytest.mark.parametrize(
    "helper",
    [
        lambda db: db["log"].insert(
            {"at": "t", "author": "", "action": "", "object_kind": "", "object_id": "x", "details": ""}
        ),
        lambda db: db["applied"].upsert({"key": "k", "result": "1", "at": "t"}, pk="key"),
        lambda db: db.execute("insert into applied values ('k', '1', 't')"),
        lambda db: db.executescript("create table side (a text) strict; insert into side values ('x');"),
        lambda db: db["applied"].create_index(["at"]),
        lambda db: db["applied"].transform(rename={"at": "since"}),
        lambda db: list(db.query("insert into applied values ('k', '1', 't') returning key")),
        lambda db: db["applied"].insert_all([{"key": str(n), "result": "", "at": ""} for n in range(300)]),
    ],
    ids=["insert", "upsert", "execute", "executescript", "create_index", "transform", "query", "insert_all"],
)
async def test_library_helpers_never_commit_by_themselves(store, tmp_path, helper):
    """Whatever a helper of sqlite-utils does inside a write, no other connection sees it until the group's commit."""
    other = sqlite3.connect(tmp_path / "hub.sqlite3", isolation_level=None)

    def state() -> list[object]:
        tables = [row[0] for row in other.execute("select sql from sqlite_schema order by name").fetchall()]
        return [*tables, *(other.execute(f"select count(*) from {t}").fetchone() for t in ("log", "applied"))]

    before = state()

    def run(db):
        helper(db)
        assert db.conn.in_transaction
        raise KeyError(0 if seen() == before else 1)

    def seen() -> list[object]:
        connection = sqlite3.connect(tmp_path / "hub.sqlite3", isolation_level=None)
        try:
            tables = [row[0] for row in connection.execute("select sql from sqlite_schema order by name").fetchall()]
            return [*tables, *(connection.execute(f"select count(*) from {t}").fetchone() for t in ("log", "applied"))]
        finally:
            connection.close()

    with pytest.raises(KeyError) as caught:
        await store.write(run)
    assert caught.value.args == (0,)
    assert state() == before
    other.close()


@pytest.mark.parametrize("statement", ["commit", "rollback"])
async def test_write_that_ends_the_transaction_is_found_out(store, statement):
    """A write that ends the shared transaction gets an error, and the writer goes on."""
    with pytest.raises(StreamhubError):
        await store.write(lambda db: db.execute(statement) and None)
    await store.write(lambda db: keep(db, "after"))
    assert await store.read(kept) == ["after"]


async def test_key_applies_once(store, tmp_path, clock):
    """A write with a key runs once ever, restarts included; later ones get the first one's result as JSON gives it."""
    ran = []

    def once(db):
        ran.append(1)
        keep(db, "once")
        return {"votes": 1, "pair": (1, "ü")}

    results = [await store.write(once, key="flow:1") for _ in range(2)]
    await store.close()
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as again:
        results.append(await again.write(once, key="flow:1"))
        assert results == [{"votes": 1, "pair": [1, "ü"]}] * 3
        assert (await again.read(kept), len(ran)) == (["once"], 1)


async def test_failed_key_stays_free(store):
    """A write with a key that fails, or whose result is no JSON, leaves the key free and nothing behind."""

    def fail(db):
        keep(db, "lost")
        raise Conflict("not now")

    with pytest.raises(Conflict):
        await store.write(fail, key="k")
    with pytest.raises(TypeError):
        await store.write(lambda db: keep(db, "lost") or object(), key="k")
    assert await store.write(lambda db: keep(db, "ok") or 5, key="k") == 5
    assert await store.read(kept) == ["ok"]


async def test_rows_still_to_be_fetched_are_refused(store):
    """A function that returns rows still to be fetched is refused, for nobody may fetch them later."""
    with pytest.raises(TypeError, match="return a list"):
        await store.read(lambda db: db["log"].rows)
    with pytest.raises(TypeError, match="return a list"):
        await store.write(lambda db: db.query("select 1"))


async def test_readers_cannot_write(store):
    """A reading connection refuses to write."""
    with pytest.raises(StreamhubError):
        await store.read(lambda db: keep(db, "x"))
    assert await store.read(kept) == []


async def test_read_sees_one_state(store):
    """A read sees one unchanging state, whatever is committed while it runs."""
    loop = asyncio.get_running_loop()

    def count_twice(db):
        first = len(kept(db))
        asyncio.run_coroutine_threadsafe(store.write(lambda other: keep(other, "new")), loop).result()
        return first, len(kept(db))

    assert await store.read(count_twice) == (0, 0)
    assert await store.read(kept) == ["new"]


async def test_too_many_waiting_writes_are_refused(tmp_path, clock):
    """When the queue is full a write is refused at once; those that wait are kept."""
    async with Store.open(tmp_path / "hub.sqlite3", now=clock, max_waiting=3) as store:
        task, release = await held(store)
        waiting = [asyncio.ensure_future(store.write(lambda db: keep(db, "x"))) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="3 writes are waiting"):
            await store.write(lambda db: keep(db, "y"))
        release.set()
        await asyncio.gather(task, *waiting)
        assert await store.read(kept) == ["x"] * 3


async def test_cancelled_write_harms_nobody(store):
    """A caller that goes away before its write began leaves nothing behind, and the others get theirs."""
    task, release = await held(store)
    gone = asyncio.ensure_future(store.write(lambda db: keep(db, "gone")))
    stays = asyncio.ensure_future(store.write(lambda db: keep(db, "stays")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(task, stays)
    assert await store.read(kept) == ["stays"]


async def test_closing_keeps_what_was_taken(tmp_path, clock):
    """Closing finishes every write that was taken, refuses later ones, and folds the log into the file."""
    path = tmp_path / "hub.sqlite3"
    store = Store.open(path, now=clock)
    writes = [asyncio.ensure_future(store.write(lambda db: keep(db, "x"))) for _ in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    await asyncio.gather(*writes)
    for use in (store.write, store.read):
        with pytest.raises(Unavailable, match="is closed"):
            await use(kept)
    assert [entry.name for entry in tmp_path.iterdir()] == ["hub.sqlite3"]
    async with Store.open(path, now=clock) as again:
        assert len(await again.read(kept)) == 50


async def test_database_is_private_and_durable(store, tmp_path):
    """The files are for their owner alone, and the writing connection keeps what it promises."""
    await store.write(lambda db: keep(db, "x"))
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
    values = await store.write(lambda db: [db.execute(f"pragma {name}").fetchone()[0] for name in names])
    assert values == ["wal", 2, 1, 30_000, 1]
    tables = await store.read(lambda db: db.execute("select name, strict from pragma_table_list").fetchall())
    assert [name for name, strict in tables if not strict and not name.startswith("sqlite_")] == []


async def test_another_program_holding_the_database_is_named(store, tmp_path):
    """A write that cannot begin for another program's lock is told so, and works once that has let go."""
    await store.write(lambda db: db.execute("pragma busy_timeout = 50").fetchall())
    other = sqlite3.connect(tmp_path / "hub.sqlite3", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(Unavailable, match="another program"):
        await store.write(lambda db: keep(db, "x"))
    other.execute("rollback")
    other.close()
    await store.write(lambda db: keep(db, "y"))
    assert await store.read(kept) == ["y"]


async def fill_up(store: Store, kind: type[StreamhubError]) -> list[str]:
    """Write until it is refused; returns what was acknowledged."""
    acknowledged: list[str] = []
    for n in range(2_000):
        text = f"{n} " + "x" * 20_000
        try:
            await store.write(lambda db, text=text: keep(db, text))
        except kind:
            assert acknowledged
            return acknowledged
        acknowledged.append(text)
    pytest.fail("the disk never gave out")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def test_full_disk_is_said_and_survived(small_disk, clock):
    """On a full disk a write is refused as DiskFull, nothing acknowledged is lost, and with room again it works."""
    (small_disk / "ballast").write_bytes(bytes(500_000))
    async with Store.open(small_disk / "hub.sqlite3", now=clock) as store:
        acknowledged = await fill_up(store, DiskFull)
        with pytest.raises(DiskFull, match="no room left"):
            await store.write(lambda db: keep(db, "y" * 100_000))
        assert await store.read(kept) == acknowledged
        (small_disk / "ballast").unlink()
        await store.write(lambda db: keep(db, "room again"))
        assert await store.read(kept) == [*acknowledged, "room again"]
        assert await store.read(lambda db: db.execute("pragma integrity_check").fetchone()[0]) == "ok"


async def test_failing_disk_is_said_and_survived(tmp_path, clock):
    """When the system refuses to write, so does the store, and it works again once the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with Store.open(tmp_path / "hub.sqlite3", now=clock) as store:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
            acknowledged = await fill_up(store, Unavailable)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert await store.read(kept) == acknowledged
        await store.write(lambda db: keep(db, "again"))
        assert await store.read(kept) == [*acknowledged, "again"]


async def test_many_voters_at_once(store, sample):
    """A hundred voters voting and changing their minds at once leave a counter that equals its rows."""
    await store.write(sample.fill("a", "b"))

    async def voter(name: str) -> None:
        for n in range(6):
            question_id = "ab"[(n + len(name)) % 2]
            await store.write(partial(questions.add_vote, question_id=question_id, voter=name, at=sample.start))
            if n % 3 == 0:
                await store.write(partial(questions.remove_vote, question_id=question_id, voter=name))
            await store.read(lambda db: questions.list_questions(db, sample.session.id))

    await asyncio.gather(*(voter(f"v{n}") for n in range(100)))
    for question_id in "ab":
        rows = await store.read(
            lambda db, q=question_id: db.execute("select count(*) from votes where question_id = ?", (q,)).fetchone()[0]
        )
        assert (await store.read(lambda db, q=question_id: questions.load_question(db, q))).votes == rows


async def test_one_link_lets_one_in(store, sample):
    """Of many who open a link for one use at the same moment, one gets in."""
    await store.write(
        lambda db: access.save_token(
            db, "d", "host", expires_at=sample.start.replace(year=2028), created_at=sample.start, one_use=True
        )
    )
    results = await asyncio.gather(
        *(store.write(lambda db: access.use_token(db, "d", at=sample.start)) for _ in range(20)), return_exceptions=True
    )
    assert [result for result in results if isinstance(result, str)] == ["host"]


async def test_several_families_are_one_transaction(store, sample):
    """Functions of several families in one write are kept together or not at all."""

    def half(db):
        sample.fill("a")(db)
        questions.add_vote(db, "b", "v", at=sample.start)

    with pytest.raises(NotFound):
        await store.write(half)
    assert await store.read(shows.list_shows) == []
    assert await store.read(lambda db: log.list_actions(db, limit=1)) == []
