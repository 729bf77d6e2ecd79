"""Deploying: only what changed, in an order that never breaks the live site, to a folder, by rsync, to a store."""

from __future__ import annotations

import functools
import os
import shutil
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from reading import Page, resolve
from records import make_session

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.deploying import (
    FolderTarget,
    Upload,
    cache_of,
    find_files,
    mime_of,
    plan_deploy,
    rank_of,
    require_ours,
    run_deploy,
)
from streamhub.archive.hosting import parse_headers
from streamhub.archive.manifest import MANIFEST
from streamhub.archive.rsync import deploy_by_rsync
from streamhub.archive.s3 import PART_BYTES, StoreAccess, StoreTarget, etag_of
from streamhub.archive.site import plan_site
from streamhub.archive.theme import load_theme
from streamhub.archive.writer import write_site
from streamhub.config import Secret, SiteSettings
from streamhub.errors import BadInput, Conflict, Environment, Unavailable

theme = functools.cache(load_theme)
SETTINGS = SiteSettings(title="Antworten", url="https://antworten.example.org")
WITHDRAWN = "a/q1-router-blinkt-rot/index.html"


def build(public: Path, *archive: ArchivedSession) -> Path:
    """A built site."""
    write_site(plan_site(archive, SETTINGS, theme(), media_root=None), public)
    return public


def without_answers() -> ArchivedSession:
    """The small session after its answer was withdrawn, with another public one."""
    first, *others = make_session().answers
    other = replace(first, id="n1", slug="neu", question="Und nun?")
    return make_session(answers=(other, *(one for one in others if one.id != "q4")))


def deploy(public: Path, target: FolderTarget | StoreTarget) -> tuple[int, int]:
    """How many files were sent and removed."""
    there = target.list_files()
    require_ours(target, there, "there", take_over=False)
    rules = parse_headers((public / "_headers").read_text())
    plan = plan_deploy(find_files(public), target, there, rules)
    run_deploy(plan, target, lambda _: None)
    return len(plan.uploads), len(plan.removed)


def contents(root: Path) -> dict[str, bytes]:
    """Every file but dotfiles."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def test_a_folder_becomes_the_site(tmp_path: Path) -> None:
    """All at first, nothing when nothing changed, then only the difference; what is gone is gone, folders included."""
    public = build(tmp_path / "public", make_session())
    target = FolderTarget(tmp_path / "www")
    sent, _ = deploy(public, target)
    assert sent == len(contents(public))
    assert deploy(public, target) == (0, 0)
    build(public, without_answers())
    sent, removed = deploy(public, target)
    assert 0 < sent < len(contents(public))
    assert removed
    assert contents(tmp_path / "www") == contents(public)
    assert not (tmp_path / "www" / WITHDRAWN).parent.exists()
    assert not list((tmp_path / "www").rglob(".*"))
    assert (public / MANIFEST).exists()


class Cut(Exception):
    """The line is cut."""


class CutTarget(FolderTarget):
    """A folder whose line is cut after so many files."""

    left = 10**6

    def put(self, upload: Upload) -> None:
        if self.left == 0:
            raise Cut
        self.left -= 1
        super().put(upload)

    def remove(self, path: str) -> None:
        if self.left == 0:
            raise Cut
        self.left -= 1
        super().remove(path)


def test_a_half_done_deploy_breaks_nothing(tmp_path: Path) -> None:
    """Wherever it is cut off, every page that is live finds all that it needs, and the next run goes on."""
    public = build(tmp_path / "public", make_session())
    target = CutTarget(tmp_path / "www")
    deploy(public, target)
    shutil.copytree(tmp_path / "www", tmp_path / "before")
    build(public, without_answers())
    steps = sum(deploy_plan(public, target))
    assert steps > 20
    for cut in range(0, steps, 3):
        shutil.rmtree(tmp_path / "www")
        shutil.copytree(tmp_path / "before", tmp_path / "www")
        target.left = cut
        with pytest.raises(Cut):
            deploy(public, target)
        require_whole(tmp_path / "www")
        target.left = 10**6
        sent, removed = deploy(public, target)
        assert sent + removed == steps - cut
        assert contents(tmp_path / "www") == contents(public)


def deploy_plan(public: Path, target: FolderTarget) -> tuple[int, int]:
    plan = plan_deploy(find_files(public), target, target.list_files())
    return len(plan.uploads), len(plan.removed)


def require_whole(root: Path) -> None:
    """No page misses a script, a style, a feed, captions or the index of the search."""
    files = contents(root)
    assert not [path for path in files if path.endswith(".part")]
    for path, content in files.items():
        if not path.endswith("index.html"):
            continue
        page = Page(content.decode())
        for element in page.elements:
            for name in ("src", "href", "data-captions"):
                found = resolve(path, element.attributes.get(name, "https://x"))
                if found and not found[0].endswith(".html"):
                    assert found[0] in files, (path, found)


def test_dotfiles_never_leave(tmp_path: Path) -> None:
    """Neither the build's manifest nor anything in a hidden folder is sent, and those of the host stay."""
    public = build(tmp_path / "public", make_session())
    (public / ".git").mkdir()
    (public / ".git/config").write_text("secret")
    (public / "half.html.part").write_text("half")
    (tmp_path / "www/.well-known").mkdir(parents=True)
    (tmp_path / "www/.well-known/acme").write_text("host's")
    deploy(public, FolderTarget(tmp_path / "www"))
    assert [path.name for path in (tmp_path / "www").iterdir() if path.name.startswith(".")] == [".well-known"]
    assert (tmp_path / "www/.well-known/acme").read_text() == "host's"
    assert not (tmp_path / "www/half.html.part").exists()
    (public / "leak.html").symlink_to("/etc/hostname")
    with pytest.raises(Conflict, match=r"leak\.html: is a symbolic link"):
        find_files(public)


def test_somebody_elses_files_are_safe(tmp_path: Path) -> None:
    """A folder with something else is refused unless it was said that all of it may go; no link is followed."""
    public = build(tmp_path / "public", make_session())
    www = tmp_path / "www"
    www.mkdir()
    (www / "index.html").write_text("<!doctype html><title>Firma</title>")
    target = FolderTarget(www)
    with pytest.raises(Conflict, match="no site of streamhub"):
        deploy(public, target)
    require_ours(target, target.list_files(), "www", take_over=True)
    (www / "index.html").unlink()
    (tmp_path / "elsewhere").mkdir()
    (www / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict):
        run_deploy(plan_deploy(find_files(public), target, {}), target, lambda _: None)
    assert not list((tmp_path / "elsewhere").iterdir())
    with pytest.raises(BadInput, match="holds no site"):
        find_files(tmp_path)


def test_the_order_is_that_of_need() -> None:
    """Pieces of the search before its manifest, that before pages, the start page after them; kinds are named right."""
    paths = ["index.html", "search/de/m.json", "static/site.css", "search/de/a.idx", "a/x/index.html", "robots.txt"]
    assert rank_of("speech/de/a.idx") < rank_of("speech/de/m.json") < rank_of("index.html")
    ordered = sorted(paths, key=rank_of)
    assert ordered[:3] == ["search/de/a.idx", "static/site.css", "search/de/m.json"]
    assert ordered[-1] == "robots.txt"
    assert mime_of("shows/x/podcast.xml") == "application/rss+xml"
    assert mime_of("s/x/captions.de.vtt") == "text/vtt; charset=utf-8"
    assert mime_of("search/de/a.idx") == "application/octet-stream"


def test_every_index_of_the_search_is_known(tmp_path: Path) -> None:
    """Pieces go first and are kept for ever, manifests go after them and are asked for anew, wherever they lie."""
    public = build(tmp_path / "public", make_session())
    rules = parse_headers((public / "_headers").read_text())
    pieces = [path for path in find_files(public) if path.endswith(".idx")]
    manifests = [path for path in find_files(public) if path.endswith("/m.json")]
    assert len(manifests) >= 2
    assert {(rank_of(path), cache_of(path, rules)) for path in pieces} == {(0, "public, max-age=31536000, immutable")}
    assert {(rank_of(path), cache_of(path, rules)) for path in manifests} == {(2, "no-cache")}


# --- an object store, as moto's server plays it


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """Address of a store on this machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture
def bucket(store: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A new bucket; its key is in the environment."""
    import boto3

    for name, value in {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_REGION": "eu-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    name = f"b{abs(hash(request.node.name))}"
    client = boto3.client("s3", endpoint_url=store, region_name="eu-central-1")
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return name


def objects(store: str, bucket: str, prefix: str = "") -> Mapping[str, bytes]:
    """What is in a bucket, asked for without our code."""
    import boto3

    client = boto3.client("s3", endpoint_url=store, region_name="eu-central-1")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return {key.removeprefix(prefix): client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_store_becomes_the_site(tmp_path: Path, store: str, bucket: str) -> None:
    """All, then nothing, then the difference; kinds and caching are told; what lies beside the prefix stays."""
    import boto3

    client = boto3.client("s3", endpoint_url=store, region_name="eu-central-1")
    client.put_object(Bucket=bucket, Key="other/file.txt", Body=b"not ours")
    public = build(tmp_path / "public", make_session())
    target = StoreTarget(f"s3://{bucket}/archiv/", StoreAccess(endpoint=store, region="eu-central-1"))
    sent, removed = deploy(public, target)
    assert (sent, removed) == (len(contents(public)), 0)
    assert deploy(public, target) == (0, 0)
    build(public, without_answers())
    sent, removed = deploy(public, target)
    assert 0 < sent < len(contents(public))
    assert removed
    assert objects(store, bucket, "archiv/") == contents(public)
    assert objects(store, bucket, "other/") == {"file.txt": b"not ours"}
    page = client.head_object(Bucket=bucket, Key="archiv/index.html")
    assert page["ContentType"] == "text/html; charset=utf-8"
    css = client.head_object(Bucket=bucket, Key="archiv/static/site.css")
    assert css["CacheControl"] == "public, max-age=86400"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES + 7])
def test_large_files_are_known_by_their_parts(tmp_path: Path, store: str, bucket: str, size: int) -> None:
    """The mark that we make of a file is the one that the store makes, however it was sent."""
    file = tmp_path / "film.mp4"
    file.write_bytes(os.urandom(size))
    target = StoreTarget(f"s3://{bucket}", StoreAccess(endpoint=store, region="eu-central-1"))
    target.put(Upload(path="film.mp4", source=file, mime="video/mp4"))
    assert target.list_files() == {"film.mp4": f"{size} {etag_of(file)}"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_goes_wrong_with_a_store_is_told(store: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing bucket, no key and a dead store each say what to do, and no message holds the key."""
    access = StoreAccess(endpoint=store, region="eu-central-1", key_id="name", secret=Secret("s3cr3t"))
    with pytest.raises(BadInput, match="NoSuchBucket"):
        StoreTarget("s3://no-such-bucket-here", access).list_files()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = replace(access, endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable) as caught:
            StoreTarget(f"s3://{bucket}", dead).list_files()
    assert "s3cr3t" not in str(caught.value)
    assert "s3cr3t" not in repr(access)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(Environment, match="no key for it was found"):
        StoreTarget(f"s3://{bucket}", StoreAccess(endpoint=store, region="eu-central-1")).list_files()
    for wrong in ("s3://", "https://x/y", "s3://key:secret@bucket"):
        with pytest.raises(BadInput, match="names no bucket"):
            StoreTarget(wrong, access)


# --- rsync, against its own daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[str]:
    """Address of a module of an rsync daemon that serves `www` beside the test's files."""
    if shutil.which("rsync") is None:
        pytest.skip("rsync is not installed here")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "www").mkdir()
    config = tmp_path / "rsyncd.conf"
    # Started by root it would write as nobody.
    user = "uid = root\ngid = root\n" if os.getuid() == 0 else ""
    config.write_text(f"use chroot = no\n{user}[site]\npath = {tmp_path / 'www'}\nread only = no\n")
    argv = ["rsync", "--daemon", "--no-detach", f"--port={port}", "--address=127.0.0.1", f"--config={config}"]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"rsync://127.0.0.1:{port}/site"
    process.terminate()
    process.wait(10)


async def test_rsync_brings_the_site(tmp_path: Path, daemon: str) -> None:
    """A dry run changes nothing; then all, nothing, the difference; dotfiles stay on both sides."""
    public = build(tmp_path / "public", make_session())
    (tmp_path / "www/.htaccess").write_text("host's")
    said: list[str] = []
    job = functools.partial(deploy_by_rsync, public, daemon, take_over=False, say=said.append)
    preview = await job(dry=True)
    assert preview == {"sent": len(contents(public)), "removed": 0}
    assert contents(tmp_path / "www") == {}
    assert await job(dry=False) == preview
    assert await job(dry=False) == {"sent": 0, "removed": 0}
    build(public, without_answers())
    done = await job(dry=False)
    assert 0 < done["sent"] < len(contents(public))
    assert done["removed"]
    assert contents(tmp_path / "www") == contents(public)
    assert [path.name for path in (tmp_path / "www").iterdir() if path.name.startswith(".")] == [".htaccess"]


async def test_rsync_replaces_nothing_of_others(tmp_path: Path, daemon: str) -> None:
    """Something else at the place is refused, a place that is none is named, a dead machine says so."""
    public = build(tmp_path / "public", make_session())
    (tmp_path / "www/firma.txt").write_text("x")
    with pytest.raises(Conflict, match="no site of streamhub"):
        await deploy_by_rsync(public, daemon, dry=False, take_over=False, say=print)
    await deploy_by_rsync(public, daemon, dry=False, take_over=True, say=print)
    assert not (tmp_path / "www/firma.txt").exists()
    for wrong in ("--rsh=evil:x", "nowhere"):
        with pytest.raises(BadInput, match="no place of rsync"):
            await deploy_by_rsync(public, wrong, dry=False, take_over=False, say=print)
    with pytest.raises(Unavailable, match="rsync ended with"):
        await deploy_by_rsync(public, "rsync://127.0.0.1:1/x", dry=False, take_over=False, say=print)
