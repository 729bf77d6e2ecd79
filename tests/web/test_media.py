"""Files are served whole, in ranges, and never from outside their folder."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.web.media import find_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import World

TRAVERSALS = [
    "../secret.html", "..%2fsecret.html", "%2e%2e/secret.html", "%2e%2e%2fsecret.html", "a/../../secret.html",
    "/secret.html", "..\\secret.html", "%5c..%5csecret.html", "....//secret.html", "link.html",
    "folder/../../secret.html", "%00secret.html", "secret.html%00.html", ".hidden.html", "a/.git/config",
    "//etc/passwd", "%2fetc%2fpasswd", "linked/secret.html",
]  # fmt: skip


@pytest.fixture
def forest(world: World) -> World:
    """A public folder with a page, beside a secret that links lead to."""
    public = world.hub.public_dir
    (public / "folder").mkdir()
    (public / "index.html").write_text("<p>start</p>")
    (public / "folder" / "index.html").write_text("<p>folder</p>")
    (public / "film.mp4").write_bytes(bytes(range(256)) * 40)
    (public / "words.vtt").write_text("WEBVTT\n")
    secret = public.parent / "outside"
    secret.mkdir()
    for place in (secret / "secret.html", public.parent / "secret.html", public / ".hidden.html"):
        place.write_text("SECRET")
    (public / "link.html").symlink_to(secret / "secret.html")
    (public / "linked").symlink_to(secret)
    return world


async def raw_get(world: World, path: str) -> bytes:
    """Ask for a path exactly as it stands, as no well-behaved client would."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.client.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
    await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("path", TRAVERSALS)
async def test_nothing_outside_is_served(forest: World, path: str) -> None:
    """No way of writing a path leads out of the archive's or the stream's folder."""
    session = await forest.plan(to="live")
    forest.broadcasting.folder.mkdir(exist_ok=True)
    (forest.broadcasting.folder / session).symlink_to(forest.hub.public_dir)
    (forest.broadcasting.folder / "secret.m3u8").write_text("SECRET")
    for root in ("/archive/", f"/live/{session}/"):
        answer = await raw_get(forest, root + path)
        assert b"SECRET" not in answer
        assert b"root:" not in answer
        assert answer.split(b" ", 2)[1] in {b"400", b"404"}, answer[:80]
    assert b"SECRET" not in await raw_get(forest, f"/live/{session}/..%2fsecret.m3u8")


async def test_archive_pages(forest: World) -> None:
    """A folder is its index page; without its slash it leads there; text has its encoding."""
    for path, text in [("/archive/", "start"), ("/archive/index.html", "start"), ("/archive/folder/", "folder")]:
        async with forest.client.get(path) as page:
            assert page.status == 200
            assert text in await page.text()
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    for path, target in [("/archive", "/archive/"), ("/archive/folder", "/archive/folder/")]:
        async with forest.client.get(path, allow_redirects=False) as page:
            assert (page.status, page.headers["Location"]) == (308, target)
    async with forest.client.get("/archive/words.vtt") as page:
        assert page.headers["Content-Type"] == "text/vtt; charset=utf-8"


async def test_archive_media_in_ranges(forest: World) -> None:
    """A player gets the piece that it asks for."""
    async with forest.client.get("/archive/film.mp4", headers={"Range": "bytes=256-259"}) as piece:
        assert piece.status == 206
        assert await piece.read() == b"\x00\x01\x02\x03"
        assert piece.headers["Content-Range"] == "bytes 256-259/10240"
        assert piece.content_type == "video/mp4"


async def test_archive_before_its_first_build(world: World) -> None:
    """Without a built site the archive is not there, readably."""
    world.hub.public_dir.rmdir()
    async with world.client.get("/archive/") as page:
        assert page.status == 404
        assert "Hier ist nichts" in await page.text()


async def test_static_files(world: World) -> None:
    """Styles and scripts are kept by browsers as long as their content stays."""
    async with world.client.get("/") as page:
        text = await page.text()
    path = text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    async with world.client.get(path) as style:
        assert style.status == 200
        assert "immutable" in style.headers["Cache-Control"]
        known = {"If-None-Match": style.headers["ETag"]}
    async with world.client.get(path, headers=known) as style:
        assert style.status == 304
    for name in ("nothing.css", "..%2fhub.py"):
        async with world.client.get(f"/static/{name}") as answer:
            assert answer.status == 404


async def test_health(world: World) -> None:
    """The health page says that the data can be read."""
    async with world.client.get("/healthz") as answer:
        assert await answer.json() == {"status": "ok", "listeners": 0}


@given(path=st.text(st.sampled_from("a./\\%0e2~:\0 ä"), max_size=30))
def test_found_files_lie_inside(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    """Whatever is found lies below the root."""
    root: Path = tmp_path_factory.getbasetemp() / "forest" / "root"
    if not root.exists():
        root.mkdir(parents=True)
        (root / "a").write_text("in")
        (root.parent / "a").write_text("out")
    found = find_file(root, path)
    assert found is None or found.read_text() == "in"
