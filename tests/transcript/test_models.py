"""Where models come from, and how fast and clearly it fails when they do not come."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streamhub.config import TranscriptSettings
from streamhub.errors import BadInput, ModelMissing
from streamhub.transcript import faster_whisper, openai_whisper
from streamhub.transcript.models import (
    REHEARSAL,
    REHEARSAL_FOLDER,
    choose_demo_model,
    describe_model,
    find_local_model,
    find_model,
    model_title,
)

SHELF = faster_whisper.SHELF
SMALL = TranscriptSettings(model="small")


class Mirror:
    """A server of model files that can break in several ways."""

    def __init__(self) -> None:
        self.files = dict.fromkeys(("config.json", "tokenizer.json", "vocabulary.json"), b'{"a": 1}')
        self.files["model.bin"] = b"m" * 3_000_000
        self.cut: set[str] = set()
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.asked.append(name)
        if name not in self.files:
            raise web.HTTPNotFound
        body = self.files[name]
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2] if name in self.cut else body)
        if name in self.cut:
            assert request.transport is not None
            request.transport.close()
        return response


@pytest.fixture
async def mirror() -> AsyncIterator[Mirror]:
    mirror = Mirror()
    app = web.Application()
    app.router.add_get("/small/{name}", mirror.answer)
    server = TestServer(app)
    await server.start_server()
    mirror.url = str(server.make_url("/small"))
    yield mirror
    await server.close()


@pytest.mark.parametrize("shelf", [faster_whisper.SHELF, openai_whisper.SHELF], ids=lambda shelf: shelf.engine)
async def test_a_missing_model_fails_within_seconds_and_says_what_to_do(
    tmp_path: Path, environ: dict[str, str], shelf: faster_whisper.Shelf
) -> None:
    """A named model that is not here and cannot be fetched fails fast, with the ways out in the message."""
    settings = replace(SMALL, mirror_url="http://127.0.0.1:9/models/{model}")
    began_s = time.monotonic()
    with pytest.raises(ModelMissing, match="'small': is not here and cannot be fetched") as caught:
        await find_model(shelf, settings, cache=tmp_path / "models", environ=environ)
    assert time.monotonic() - began_s < 5
    assert "transcript.model" in caught.value.hint
    assert "mirror" in caught.value.hint
    assert list((tmp_path / "models").rglob("*")) in ([], [tmp_path / "models" / shelf.engine])


async def test_a_server_that_never_answers_fails_within_seconds(tmp_path: Path, environ: dict[str, str]) -> None:
    """A server that takes the connection and then says nothing is given up after seconds."""
    writers: list[asyncio.StreamWriter] = []

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = replace(SMALL, mirror_url=f"http://127.0.0.1:{port}/m")
    began_s = time.monotonic()
    with pytest.raises(ModelMissing, match="no answer within 4 s"):
        await find_model(SHELF, settings, cache=tmp_path, environ=environ)
    assert time.monotonic() - began_s < 6
    for writer in writers:
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def test_a_mirror_is_fetched_once_and_whole(tmp_path: Path, environ: dict[str, str], mirror: Mirror) -> None:
    """A model from a mirror lands whole in the cache, with progress, and is not asked for again."""
    settings = replace(SMALL, mirror_url=mirror.url)
    seen: list[tuple[int, int]] = []
    model = await find_model(
        SHELF, settings, cache=tmp_path, environ=environ, progress=lambda done, total: seen.append((done, total))
    )
    assert (model.path / "model.bin").read_bytes() == mirror.files["model.bin"]
    assert seen[-1][0] == seen[-1][1] == sum(len(body) for body in mirror.files.values())
    asked = len(mirror.asked)
    assert await find_model(SHELF, settings, cache=tmp_path, environ=environ) == model
    assert len(mirror.asked) == asked


async def test_an_address_can_be_the_model(tmp_path: Path, environ: dict[str, str], mirror: Mirror) -> None:
    """The model's setting may be the address itself."""
    model = await find_model(SHELF, TranscriptSettings(model=mirror.url), cache=tmp_path, environ=environ)
    assert model.name == "small"


async def test_one_file_models_come_from_a_mirror_too(tmp_path: Path, environ: dict[str, str], mirror: Mirror) -> None:
    """The engine whose models are one file finds it on the mirror under the model's name."""
    mirror.files["small.pt"] = b"weights"
    settings = replace(SMALL, mirror_url=mirror.url)
    model = await find_model(openai_whisper.SHELF, settings, cache=tmp_path, environ=environ)
    assert model.path.read_bytes() == b"weights"


async def test_a_cut_transfer_leaves_nothing(tmp_path: Path, environ: dict[str, str], mirror: Mirror) -> None:
    """A transfer that breaks off leaves no half model, and the next try succeeds."""
    settings = replace(SMALL, mirror_url=mirror.url)
    mirror.cut = {"model.bin"}
    with pytest.raises(ModelMissing):
        await find_model(SHELF, settings, cache=tmp_path, environ=environ)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    mirror.cut = set()
    assert (await find_model(SHELF, settings, cache=tmp_path, environ=environ)).path.is_dir()


@pytest.mark.parametrize(("gone", "reason"), [("model.bin", "answered 404"), ("vocabulary.json", "has neither")])
async def test_an_incomplete_mirror_is_named(
    tmp_path: Path, environ: dict[str, str], mirror: Mirror, gone: str, reason: str
) -> None:
    """A mirror that lacks a file that must be there is refused by what it lacks."""
    del mirror.files[gone]
    with pytest.raises(ModelMissing, match=reason):
        await find_model(SHELF, replace(SMALL, mirror_url=mirror.url), cache=tmp_path, environ=environ)


async def test_models_come_by_https_only(tmp_path: Path, environ: dict[str, str]) -> None:
    """A model is never fetched in the clear from elsewhere."""
    with pytest.raises(BadInput, match="not https"):
        await find_model(SHELF, replace(SMALL, mirror_url="http://example.org/m"), cache=tmp_path, environ=environ)


def test_a_folder_is_a_model(tmp_path: Path, environ: dict[str, str], model_folder: Path) -> None:
    """A folder with the files is a model; one that lacks some is refused by their names."""
    model = find_local_model(SHELF, str(model_folder), cache=tmp_path, environ=environ)
    assert model is not None
    assert (model.name, model.path, model.rehearsal) == ("given", model_folder, False)
    (model_folder / "model.bin").unlink()
    with pytest.raises(ModelMissing, match=r"lacks model\.bin"):
        find_local_model(SHELF, str(model_folder), cache=tmp_path, environ=environ)


def test_a_card_beside_the_model_sets_its_options(tmp_path: Path, environ: dict[str, str], model_folder: Path) -> None:
    """A model's own card says how it wants to be decoded and whether it is for rehearsals."""
    (model_folder / "streamhub.json").write_text(json.dumps({"rehearsal": True, "decode": {"beam_size": 2}}))
    model = find_local_model(SHELF, str(model_folder), cache=tmp_path, environ=environ)
    assert model is not None
    assert model.rehearsal
    assert model.decode == {"beam_size": 2}


def cache_as_the_hub_does(environ: dict[str, str], source: Path) -> None:
    hub = Path(environ["XDG_CACHE_HOME"]) / "huggingface" / "hub" / "models--Systran--faster-whisper-base"
    (hub / "refs").mkdir(parents=True)
    (hub / "refs" / "main").write_text("abc")
    (hub / "snapshots").mkdir()
    source.rename(hub / "snapshots" / "abc")


def test_the_users_cache_is_found_without_the_network(
    tmp_path: Path, environ: dict[str, str], model_folder: Path
) -> None:
    """A model that this user's other tools fetched is used from where it is, and chosen for the demo."""
    assert choose_demo_model(SHELF, SMALL, cache=tmp_path, environ=environ) == "rehearsal"
    cache_as_the_hub_does(environ, model_folder)
    found = find_local_model(SHELF, "base", cache=tmp_path, environ=environ)
    assert found is not None
    assert (found.path / "model.bin").is_file()
    assert choose_demo_model(SHELF, SMALL, cache=tmp_path, environ=environ) == "base"


def test_the_doctor_is_told_what_the_model_is(
    tmp_path: Path, environ: dict[str, str], rehearsal: TranscriptSettings, model_folder: Path
) -> None:
    """The report names a real model, warns of the rehearsal model, and says what to do about an absent one."""
    real = describe_model(SHELF, TranscriptSettings(model=str(model_folder)), cache=tmp_path, environ=environ)
    assert (real.model is not None, real.advice) == (True, "")
    report = describe_model(SHELF, rehearsal, cache=tmp_path, environ=environ)
    assert "for demo and tests only" in report.sentence
    assert "before a real show" in report.advice
    absent = describe_model(SHELF, SMALL, cache=tmp_path, environ=environ)
    assert absent.model is None
    assert "not on this machine" in absent.sentence
    assert "transcript.model" in absent.advice


def test_the_rehearsal_model_is_small(rehearsal: TranscriptSettings) -> None:
    """With its tokenizer the model that comes along takes at most 12 MB."""
    assert rehearsal.model == REHEARSAL
    files = [file for file in (REHEARSAL_FOLDER / SHELF.rehearsal).rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= 12_000_000


def test_titles_tell_nothing_of_this_machine() -> None:
    """What stands in the archive about a model is its name, never its path."""
    assert model_title("/home/anna/models/small-de") == "small-de"
    assert model_title("https://mirror.example.org/small/") == "small"
    assert model_title("C:\\models\\tiny.pt") == "tiny"
    assert model_title("small") == "small"
