"""Opening a workspace's database: migrations, versions, locks, and places where it must not lie."""

import asyncio
import os
import signal
import sqlite3 as any_sqlite
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from streamhub.errors import BadInput, Conflict, Environment, NewerWorkspace
from streamhub.store import library, shows
from streamhub.store.lock import hold_workspace
from streamhub.store.migration import Migration, applied_numbers, apply_migrations, plan_pending
from streamhub.store.place import find_filesystem, require_local
from streamhub.store.store import MIGRATIONS, Store

FIRST = Migration(number=1, name="one", sql="create table one (a text) strict; insert into one values ('kept');")
SECOND = Migration(number=2, name="two", sql="alter table one add column b text; create index one_b on one (b);")


def now() -> datetime:
    return datetime(2027, 3, 2, tzinfo=UTC)


def open_database(path: Path) -> Database:
    return Database(library.connect(path), execute_plugins=False)


async def test_opening_twice_changes_nothing(tmp_path, sample):
    """A second opening finds everything up to date, keeps the data, and makes no copy."""
    path = tmp_path / "hub.sqlite3"
    for _ in range(2):
        async with Store.open(path, now=now) as store:
            await store.write(sample.fill())
    async with Store.open(path, now=now) as store:
        assert await store.read(shows.list_shows) == [sample.show]
        assert await store.read(applied_numbers) == {migration.number for migration in MIGRATIONS}
    assert not (tmp_path / "backups").exists()


def test_migration_keeps_a_copy_of_what_was(tmp_path):
    """Before data are changed by a migration, a private copy of them is kept beside them."""
    path = tmp_path / "hub.sqlite3"
    db = open_database(path)
    assert apply_migrations(db, [FIRST], path, now=now) == (1,)
    assert apply_migrations(db, [SECOND, FIRST], path, now=now) == (2,)
    assert db.execute("select a, b from one").fetchall() == [("kept", None)]
    db.close()
    (copy,) = (tmp_path / "backups").iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    old = open_database(copy)
    assert (applied_numbers(old), old["one"].columns_dict) == ({1}, {"a": str})
    old.close()


def test_failing_migration_changes_nothing(tmp_path):
    """A migration that fails halfway leaves the database as it was, those before it in the same run included."""
    path = tmp_path / "hub.sqlite3"
    db = open_database(path)
    apply_migrations(db, [FIRST], path, now=now)
    bad = Migration(number=3, name="bad", sql="create table three (a text) strict; insert into nowhere values (1);")
    with pytest.raises(library.sqlite3.OperationalError, match="nowhere"):
        apply_migrations(db, [FIRST, SECOND, bad], path, now=now)
    assert (applied_numbers(db), db["one"].columns_dict, db["three"].exists()) == ({1}, {"a": str}, False)
    assert list((tmp_path / "backups").iterdir()) == []
    assert apply_migrations(db, [FIRST, SECOND], path, now=now) == (2,)
    db.close()


def test_numbers_are_unique():
    """Two migrations with one number are refused; pending ones come in order of their numbers."""
    assert plan_pending([SECOND, FIRST], frozenset()) == [FIRST, SECOND]
    with pytest.raises(BadInput, match="claimed by both"):
        plan_pending([FIRST, Migration(number=1, name="other", sql="")], frozenset())


async def test_newer_workspace_is_refused_untouched(tmp_path, clock):
    """A database with a migration that is unknown here is refused, and stays byte for byte as it was."""
    path = tmp_path / "hub.sqlite3"
    async with Store.open(path, now=clock) as store:
        await store.write(lambda db: db.execute("insert into migrations values (999, 'later', 't')").rowcount)
    before = path.read_bytes()
    with pytest.raises(NewerWorkspace, match="999"):
        Store.open(path, now=clock)
    assert path.read_bytes() == before


async def test_other_files_are_refused(tmp_path, clock):
    """Another program's database, a text file and a folder are refused, each by its name and with the reason."""
    foreign = any_sqlite.connect(tmp_path / "foreign.sqlite3")
    foreign.execute("create table mine (a)")
    foreign.commit()
    foreign.close()
    (tmp_path / "text.sqlite3").write_text("This is a letter and no database. " * 40)
    (tmp_path / "folder.sqlite3").mkdir()
    for name, kind, reason in (
        ("foreign", BadInput, "not a hub's"),
        ("text", Environment, "is no database"),
        ("folder", Environment, "cannot be opened"),
        ("nowhere/hub", Environment, "cannot be made"),
    ):
        with pytest.raises(kind, match=f"{name}.sqlite3: .*{reason}"):
            Store.open(tmp_path / f"{name}.sqlite3", now=clock)


async def test_damaged_database_is_said(tmp_path, clock, sample):
    """A database whose pages were overwritten is called damaged, with the way out."""
    path = tmp_path / "hub.sqlite3"
    async with Store.open(path, now=clock) as store:
        await store.write(sample.fill("a"))
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(4000) + content[4100:])
    with pytest.raises(Environment, match="restore a backup"):
        Store.open(path, now=clock)


async def test_names_with_odd_characters_work(tmp_path, clock):
    """A workspace in a folder with spaces, umlauts and the characters of addresses opens like any other."""
    folder = tmp_path / "Über uns? 100% #1 & co"
    folder.mkdir()
    async with Store.open(folder / "hub.sqlite3", now=clock) as store:
        assert await store.read(shows.list_shows) == []
    assert [entry.name for entry in folder.iterdir()] == ["hub.sqlite3"]


def test_library_is_the_one_of_sqlite_utils():
    """There is one SQLite library, the one that sqlite-utils uses, and it says its version."""
    db = Database(memory=True)
    assert isinstance(db.conn, library.dbapi().Connection)
    assert db.execute("select sqlite_version()").fetchone()[0] == library.sqlite_version()
    db.close()
    assert library.sqlite_version() == library.dbapi().sqlite_version


@pytest.mark.parametrize(
    ("version", "fixed"),
    [
        ("3.40.1", False),
        ("3.44.5", False),
        ("3.44.6", True),
        ("3.45.0", False),
        ("3.50.6", False),
        ("3.50.7", True),
        ("3.51.2", False),
        ("3.51.3", True),
        ("3.53.4", True),
        ("4.0.0", True),
    ],
)
def test_wal_reset_fix_is_known_by_version(version, fixed):
    """Which versions are free of the WAL-reset bug is known, the back-ported fixes included."""
    assert library.has_wal_reset_fix(version) is fixed


HOLDER = """
import sys, time
from pathlib import Path
from streamhub.store.lock import hold_workspace
with hold_workspace(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_hub_per_workspace(tmp_path, child_environ):
    """A second hub is refused with the first one's process id, and let in at once when the first was killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=child_environ
    )
    try:
        assert child.stdout.readline() == "held\n"
        with pytest.raises(Conflict, match=f"process {child.pid}"), hold_workspace(tmp_path):
            pass
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    with hold_workspace(tmp_path) as path:
        assert path.read_text() == f"{os.getpid()}\n"
    with hold_workspace(tmp_path):
        pass


MOUNTS = r"""
21 1 254:0 / / rw - ext4 /dev/vda rw
30 21 0:30 / /home rw - nfs4 server:/home rw
31 30 0:31 / /home/an\040na rw shared:1 - fuse.sshfs anna@host: rw
32 21 0:32 / /data rw - xfs /dev/vdb rw
33 32 0:33 / /data rw - cifs //server/data rw
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/srv/hub", "ext4"),
        ("/home/bob/hub", "nfs4"),
        ("/homestead", "ext4"),
        ("/home/an na/hub", "fuse.sshfs"),
        ("/data/hub", "cifs"),
    ],
)
def test_filesystem_is_that_of_the_nearest_mount(folder, kind):
    """The file system is that of the nearest mount above the folder, the later one of two at one place."""
    assert find_filesystem(Path(folder), MOUNTS) == kind


def test_network_file_systems_are_refused(tmp_path, monkeypatch):
    """A workspace on a network file system is refused by its kind; on a local one, or where nothing is known, not."""
    listing = tmp_path / "mountinfo"
    monkeypatch.setattr("streamhub.store.place._MOUNTS", listing)
    require_local(tmp_path)
    listing.write_text(MOUNTS)
    require_local(Path("/srv/hub"))
    with pytest.raises(BadInput, match="nfs4"):
        require_local(Path("/home/bob"))


async def test_opened_by_many_at_once(tmp_path, sample):
    """When several open a fresh workspace at the same moment, each gets a database that is up to date."""
    path = tmp_path / "hub.sqlite3"
    stores = await asyncio.gather(*(asyncio.to_thread(Store.open, path, now=now) for _ in range(6)))
    for store in stores:
        await store.write(sample.fill())
        assert await store.read(applied_numbers) == {migration.number for migration in MIGRATIONS}
    for store in stores:
        await store.close()
