"""Backups: whole, of one moment, checked before they are put in place, and readable on another machine."""

import asyncio
import hashlib
import io
import json
import resource
import shutil
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from streamhub.errors import BadInput, Conflict, DiskFull, Environment, NewerWorkspace, NotFound, Unavailable
from streamhub.store import questions
from streamhub.store.backup import restore_backup, write_backup
from streamhub.store.backup_format import is_safe_name, parse_manifest
from streamhub.store.library import sqlite3
from streamhub.store.store import Store


def now() -> datetime:
    return datetime(2027, 3, 3, 4, 0, tzinfo=UTC)


@pytest.fixture
async def workspace(tmp_path: Path, sample) -> Path:
    """A workspace with a bit of everything, its hub at rest."""
    folder = tmp_path / "hub"
    for path, text in {
        "streamhub.toml": "[hub]\nname = 'Prüfung'\n",
        "transcripts/netz/2027-03-02-netz/session.md": "---\n",
        "transcripts/netz/2027-03-02-netz/answers/ä ö #1.md": "Ü" * 3000,
        "transcripts/leer.md": "",
        "site/static/x.css": "b{}",
        "media/netz/1.mkv": "\x00" * 70_000,
        "public/index.html": "made again",
        "run/hub.lock": "1",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    async with Store.open(folder / "hub.sqlite3", now=now) as store:
        await store.write(sample.fill("a", "b"))
    engine = sqlite3.connect(folder / "engine.sqlite3")
    engine.execute("create table steps (name text)")
    engine.execute("insert into steps values ('done')")
    engine.commit()
    engine.close()
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


async def test_backup_restores_everything(workspace, tmp_path, sample):
    """What is restored is what was backed up, byte for byte, and the hub opens on it; generated files are left out."""
    target, restored = tmp_path / "b.tar", tmp_path / "deep" / "new"
    report = write_backup(workspace, target, now=now, include_media=True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    again = restore_backup(target, restored)
    before, after = tree(workspace), tree(restored)
    databases = {"hub.sqlite3", "engine.sqlite3"}
    expected = {n: c for n, c in before.items() if not n.startswith(("public/", "run/")) and n not in databases}
    assert {n: c for n, c in after.items() if n not in databases} == expected
    assert after.keys() - expected.keys() == databases
    assert (report.files, report.size_bytes) == (again.files, again.size_bytes) == (8, sum(map(len, after.values())))
    assert report.created_at == again.created_at == "2027-03-03T04:00:00.000Z"
    assert report.left_out == ()
    async with Store.open(restored / "hub.sqlite3", now=now) as store:
        names = [q.id for q in await store.read(lambda db: questions.list_questions(db, sample.session.id))]
    assert names == ["a", "b"]
    engine = sqlite3.connect(restored / "engine.sqlite3")
    assert engine.execute("select * from steps").fetchall() == [("done",)]
    engine.close()
    leftovers = [p.name for p in (*tmp_path.iterdir(), *restored.parent.iterdir()) if p.name.startswith(".")]
    assert leftovers == []


def test_recordings_come_along_only_when_wanted(workspace, tmp_path):
    """Without the flag recordings are left out and named; the rest restores."""
    report = write_backup(workspace, tmp_path / "b.tar", now=now)
    assert report.left_out == ("media/netz/1.mkv: a recording",)
    assert restore_backup(tmp_path / "b.tar", tmp_path / "new").left_out == report.left_out
    assert not (tmp_path / "new" / "media").exists()


def test_recordings_elsewhere_are_said(workspace, tmp_path):
    """Recordings outside of the workspace cannot be taken along, which is said; without the flag they are named."""
    for media_dir in (str(tmp_path / "disk"), "../disk", "."):
        with pytest.raises(BadInput, match="outside of the workspace"):
            write_backup(workspace, tmp_path / "b.tar", now=now, media_dir=media_dir, include_media=True)
        assert not (tmp_path / "b.tar").exists()
    report = write_backup(workspace, tmp_path / "b.tar", now=now, media_dir="/srv/disk")
    assert report.left_out == ("/srv/disk: elsewhere",)


def test_links_are_not_followed(workspace, tmp_path):
    """A link in the workspace, to a file or a folder, is named and not followed."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("x")
    (workspace / "site" / "key").symlink_to(tmp_path / "secret" / "key")
    (workspace / "transcripts" / "all").symlink_to(tmp_path / "secret")
    report = write_backup(workspace, tmp_path / "b.tar", now=now, include_media=True)
    assert report.left_out == (
        "transcripts/all: a link, or no plain file",
        "site/key: a link, or no plain file",
    )
    assert restore_backup(tmp_path / "b.tar", tmp_path / "new").files == 8


def test_no_sign_in_travels(workspace, tmp_path):
    """A kept sign-in is in no backup, sealed or not, and whoever makes the backup is told."""
    (workspace / "here.token").write_bytes(b"sealed-canary")
    report = write_backup(workspace, tmp_path / "b.tar", now=now, include_media=True)
    assert report.left_out == ("here.token: a sign-in; sign in again where the backup goes",)
    assert b"sealed-canary" not in (tmp_path / "b.tar").read_bytes()
    restore_backup(tmp_path / "b.tar", tmp_path / "new")
    assert not (tmp_path / "new" / "here.token").exists()


def test_progress_reaches_the_end(workspace, tmp_path):
    """Progress rises to the whole for a backup, and never beyond it or back for a restore."""
    for job, whole in (
        (lambda tell: write_backup(workspace, tmp_path / "b.tar", now=now, include_media=True, progress=tell), True),
        (lambda tell: restore_backup(tmp_path / "b.tar", tmp_path / "new", progress=tell), False),
    ):
        told: list[tuple[int, int]] = []
        job(lambda done, total, told=told: told.append((done, total)))
        assert [done for done, _ in told] == sorted(done for done, _ in told)
        assert len({total for _, total in told}) == 1
        assert told[-1][0] == told[-1][1] if whole else 0 < told[-1][0] <= told[-1][1]


async def test_backup_while_the_hub_writes(workspace, tmp_path, sample, child_environ):
    """Backups taken by another process while the hub writes are sound and hold all that was acknowledged before."""
    command = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC;"
        "from streamhub.store.backup import write_backup;"
        "write_backup(Path(sys.argv[1]), Path(sys.argv[2]), now=lambda: datetime.now(UTC))"
    )
    async with Store.open(workspace / "hub.sqlite3", now=now) as store:
        acknowledged: list[str] = []
        going = True

        async def write(client: int) -> None:
            while going:
                name = f"c{client}-{len(acknowledged)}"
                await store.write(partial(questions.insert_question, question=sample.question(name)))
                acknowledged.append(name)

        clients = [asyncio.ensure_future(write(client)) for client in range(8)]
        for number in range(2):
            await asyncio.sleep(0.05)
            safe = list(acknowledged)
            target = tmp_path / f"b{number}.tar"
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-c", command, str(workspace), str(target), env=child_environ
            )
            assert await child.wait() == 0
            restored = tmp_path / f"new{number}"
            restore_backup(target, restored)
            copy = sqlite3.connect(restored / "hub.sqlite3")
            kept = {row[0] for row in copy.execute("select id from questions").fetchall()}
            assert copy.execute("pragma integrity_check").fetchone()[0] == "ok"
            copy.close()
            assert kept.issuperset(safe)
        going = False
        await asyncio.gather(*clients)
        assert len(acknowledged) > 50


def test_both_databases_are_of_one_moment(workspace, tmp_path):
    """In a backup the engine has done nothing that the hub does not hold, and the hub has sent nothing it lacks."""
    stop = threading.Event()

    def work() -> None:
        hub = sqlite3.connect(workspace / "hub.sqlite3", isolation_level=None, timeout=30)
        engine = sqlite3.connect(workspace / "engine.sqlite3", isolation_level=None, timeout=30)
        engine.execute("pragma journal_mode = wal")
        engine.execute("create table queued (n integer)")
        engine.execute("create table done (n integer)")
        n = 0
        while not stop.is_set():
            n += 1
            engine.execute("insert into queued values (?)", (n,))
            hub.execute("insert into applied values (?, 'sent', 't')", (f"sent:{n}",))
            hub.execute("insert into applied values (?, 'effect', 't')", (f"effect:{n}",))
            engine.execute("insert into done values (?)", (n,))
        hub.close()
        engine.close()

    def numbers(path: Path, sql: str) -> set[int]:
        connection = sqlite3.connect(path)
        try:
            return {int(row[0]) for row in connection.execute(sql).fetchall()}
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        seen = set()
        for number in range(8):
            restored = tmp_path / f"new{number}"
            stop.wait(0.02)
            write_backup(workspace, tmp_path / f"b{number}.tar", now=now)
            restore_backup(tmp_path / f"b{number}.tar", restored)
            sent = numbers(restored / "hub.sqlite3", "select substr(key, 6) from applied where key like 'sent:%'")
            effect = numbers(restored / "hub.sqlite3", "select substr(key, 8) from applied where key like 'effect:%'")
            tables = numbers(restored / "engine.sqlite3", "select count(*) from sqlite_schema where name = 'done'")
            if tables == {1}:
                assert numbers(restored / "engine.sqlite3", "select n from done") <= effect
                assert sent <= numbers(restored / "engine.sqlite3", "select n from queued")
            seen.add(len(sent))
        assert len(seen) > 2
    finally:
        stop.set()
        worker.join()


async def test_backup_does_not_break_the_hubs_locks(workspace, tmp_path, child_environ):
    """A backup from within the hub's own process leaves the writer's locks in place."""
    async with Store.open(workspace / "hub.sqlite3", now=now) as store:
        loop, begun, release = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        await asyncio.to_thread(write_backup, workspace, tmp_path / "b.tar", now=now)

        def hold(db):
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

        task = asyncio.ensure_future(store.write(hold))
        await begun.wait()
        code = (
            "import sys; from streamhub.store.library import sqlite3;"
            "c = sqlite3.connect(sys.argv[1], timeout=0.2, isolation_level=None)\n"
            "try: c.execute('begin immediate'); print('got in')\n"
            "except sqlite3.OperationalError as error: print(error)"
        )
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            str(workspace / "hub.sqlite3"),
            stdout=subprocess.PIPE,
            env=child_environ,
        )
        out, _ = await child.communicate()
        release.set()
        await task
        assert out.decode().strip() == "database is locked"


def test_refusals_of_a_backup(workspace, tmp_path):
    """An existing target, a folder that is no workspace, and a target folder that is not there are refused."""
    (tmp_path / "b.tar").write_text("mine")
    with pytest.raises(Conflict, match="exists already"):
        write_backup(workspace, tmp_path / "b.tar", now=now)
    assert (tmp_path / "b.tar").read_text() == "mine"
    with pytest.raises(NotFound, match=r"no hub\.sqlite3"):
        write_backup(tmp_path, tmp_path / "c.tar", now=now)
    with pytest.raises(Environment):
        write_backup(workspace, tmp_path / "nowhere" / "c.tar", now=now)


def test_damaged_database_is_not_backed_up(workspace, tmp_path):
    """A database whose pages are damaged is reported instead of copied, and no file is left."""
    path = workspace / "hub.sqlite3"
    content = bytearray(path.read_bytes())
    content[3 * 4096 : 3 * 4096 + 2000] = b"\x55" * 2000
    path.write_bytes(content)
    with pytest.raises(Environment, match=r"hub\.sqlite3: is damaged"):
        write_backup(workspace, tmp_path / "b.tar", now=now)
    assert [p.name for p in tmp_path.iterdir()] == ["hub"]


def test_file_that_shrinks_is_said(workspace, tmp_path):
    """A file that becomes shorter while it is copied fails the backup by its name, and no file is left."""
    big = workspace / "media" / "netz" / "1.mkv"
    big.write_bytes(bytes(3_000_000))

    def shrink(done: int, total: int) -> None:
        big.write_bytes(b"x")

    with pytest.raises(Unavailable, match=r"1\.mkv: became shorter"):
        write_backup(workspace, tmp_path / "b.tar", now=now, include_media=True, progress=shrink)
    assert [p.name for p in tmp_path.iterdir()] == ["hub"]


def test_file_that_grows_is_taken_as_it_was(workspace, tmp_path):
    """Of a recording that goes on while it is copied, what was there at first is taken."""
    big = workspace / "media" / "netz" / "1.mkv"

    def grow(done: int, total: int) -> None:
        with big.open("ab") as file:
            file.write(b"more")

    write_backup(workspace, tmp_path / "b.tar", now=now, include_media=True, progress=grow)
    restore_backup(tmp_path / "b.tar", tmp_path / "new")
    assert (tmp_path / "new" / "media" / "netz" / "1.mkv").read_bytes() == bytes(70_000)


def test_full_disk_leaves_nothing(workspace, tmp_path, monkeypatch):
    """Without room neither backup nor restore begins, and both say how much is needed."""
    write_backup(workspace, tmp_path / "b.tar", now=now)
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("streamhub.store.backup_format.shutil.disk_usage", lambda _: usage)
    with pytest.raises(DiskFull, match="0 MB free, 1 MB needed"):
        write_backup(workspace, tmp_path / "c.tar", now=now)
    with pytest.raises(DiskFull):
        restore_backup(tmp_path / "b.tar", tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tar", "hub"]


def test_disk_that_fills_on_the_way_leaves_nothing(workspace, tmp_path):
    """When the system refuses to write halfway, backup and restore fail by name and leave nothing behind."""
    (workspace / "media" / "netz" / "1.mkv").write_bytes(bytes(3_000_000))
    write_backup(workspace, tmp_path / "b.tar", now=now, include_media=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
        with pytest.raises(Environment, match=r"c\.tar"):
            write_backup(workspace, tmp_path / "c.tar", now=now, include_media=True)
        with pytest.raises(Environment, match="new"):
            restore_backup(tmp_path / "b.tar", tmp_path / "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tar", "hub"]


def test_restore_overwrites_nothing(workspace, tmp_path):
    """A folder with something in it, a file, and a link are refused untouched; an empty folder is taken."""
    write_backup(workspace, tmp_path / "b.tar", now=now)
    before = tree(workspace)
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("hub", "file", "link"):
        with pytest.raises(Conflict, match="nothing is overwritten"):
            restore_backup(tmp_path / "b.tar", tmp_path / name)
    assert tree(workspace) == before
    assert restore_backup(tmp_path / "b.tar", tmp_path / "empty").files == 7
    with pytest.raises(NotFound):
        restore_backup(tmp_path / "none.tar", tmp_path / "other")


def edit(source: Path, target: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]) -> None:
    """Copy a backup with its members changed."""
    with tarfile.open(source) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar.getmembers()]
    change(members)
    with tarfile.open(target, "w") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content) if member.isreg() else None)


def plain(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def odd(name: str, kind: bytes, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member, b""


@pytest.mark.parametrize(
    "hostile",
    [
        plain("../evil"),
        plain("/tmp/streamhub-evil"),
        plain("site/../../evil"),
        plain("site//evil"),
        plain("./evil"),
        plain("evil\\..\\x"),
        plain("e\nvil"),
        plain("hub.sqlite3"),
        plain("hub.sqlite3/below"),
        odd("site/link", tarfile.SYMTYPE, "/etc/passwd"),
        odd("site/hard", tarfile.LNKTYPE, "hub.sqlite3"),
        odd("site/fifo", tarfile.FIFOTYPE),
        odd("site/device", tarfile.CHRTYPE),
        odd("site", tarfile.DIRTYPE),
    ],
    ids=lambda member: repr(member[0].name),
)
def test_hostile_members_are_refused(workspace, tmp_path, hostile):
    """A member whose name leads elsewhere, comes twice, or that is no plain file, is refused, and nothing is left."""
    write_backup(workspace, tmp_path / "b.tar", now=now)
    before = sorted(p.name for p in tmp_path.parent.iterdir())
    edit(tmp_path / "b.tar", tmp_path / "evil.tar", lambda members: members.insert(len(members) - 1, hostile))
    with pytest.raises(BadInput, match=r"evil\.tar: holds"):
        restore_backup(tmp_path / "evil.tar", tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tar", "evil.tar", "hub"]
    assert sorted(p.name for p in tmp_path.parent.iterdir()) == before
    assert not Path("/tmp/streamhub-evil").exists()


def change_manifest(fn: Callable[[dict], None]) -> Callable[[list], None]:
    def run(members: list) -> None:
        member, content = members[-1]
        manifest = json.loads(content)
        fn(manifest)
        members[-1] = plain(member.name, json.dumps(manifest).encode())

    return run


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        (lambda members: members.pop(), BadInput, "no manifest.json"),
        (lambda members: members.pop(0), BadInput, "differ"),
        (lambda members: members.pop(3), BadInput, "differ"),
        (lambda members: members.insert(2, plain("site/more")), BadInput, "differ"),
        (lambda members: members.append(plain("site/behind")), BadInput, "holds"),
        (lambda members: members.__setitem__(-2, plain(members[-2][0].name, b"zzz")), BadInput, "site/static/x.css"),
        (change_manifest(lambda m: m.update(version=2)), NewerWorkspace, "backup version 2"),
        (change_manifest(lambda m: m["migrations"].append(999)), NewerWorkspace, "999"),
        (change_manifest(lambda m: m.pop("files")), BadInput, "makes no sense"),
        (change_manifest(lambda m: m.update(files=[1])), BadInput, "makes no sense"),
        (lambda members: members.__setitem__(-1, plain("manifest.json", b"[" * 100_000)), BadInput, "makes no sense"),
    ],
)
def test_changed_backups_are_refused(workspace, tmp_path, change, kind, reason):
    """A backup that lacks something, holds more, holds other bytes, or is of a newer version is refused whole."""
    write_backup(workspace, tmp_path / "b.tar", now=now)
    edit(tmp_path / "b.tar", tmp_path / "c.tar", change)
    with pytest.raises(kind, match=reason):
        restore_backup(tmp_path / "c.tar", tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tar", "c.tar", "hub"]


def test_cut_and_foreign_files_are_refused(workspace, tmp_path):
    """A backup cut at any place, an empty file, and other files are refused by name, and nothing is left."""
    write_backup(workspace, tmp_path / "b.tar", now=now)
    whole = (tmp_path / "b.tar").read_bytes()
    manifest_at = whole.rindex(b"manifest.json\0")
    cuts = [0, 1, 511, 512, 700, len(whole) // 3, len(whole) // 2, manifest_at, manifest_at + 600]
    for content in (*(whole[:cut] for cut in cuts), b"PK\x03\x04" + bytes(3000), b"just a letter " * 200):
        (tmp_path / "c.tar").write_bytes(content)
        with pytest.raises(BadInput, match=r"c\.tar"):
            restore_backup(tmp_path / "c.tar", tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tar", "c.tar", "hub"]


def test_any_changed_byte_of_a_file_is_found(workspace, tmp_path):
    """A byte changed inside any file of a backup is found by its sum."""
    write_backup(workspace, tmp_path / "b.tar", now=now, include_media=True)
    whole = (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "b.tar") as tar:
        places = [member.offset_data + member.size // 2 for member in tar.getmembers()[:-1] if member.size]
    for place in places:
        (tmp_path / "c.tar").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(BadInput, match="1 file\\(s\\) differ"):
            restore_backup(tmp_path / "c.tar", tmp_path / "new")


def test_manifest_can_be_checked_with_common_tools(workspace, tmp_path):
    """A backup is a plain tar whose manifest holds the SHA-256 of every file, so that it can be read without us."""
    write_backup(workspace, tmp_path / "b.tar", now=now)
    with tarfile.open(tmp_path / "b.tar") as tar:
        content = {member.name: tar.extractfile(member).read() for member in tar}
    manifest = parse_manifest(content.pop("manifest.json"), what="b.tar")
    assert {name: entry.sha256 for name, entry in manifest.files.items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in content.items()
    }


@pytest.mark.parametrize(("name", "safe"), [("a/b.md", True), ("ä #1.md", True), ("..a/b", True), ("a/\ud800", False)])
def test_names(name, safe):
    """Ordinary names pass, also odd-looking ones; names that cannot be written do not."""
    assert is_safe_name(name) is safe
