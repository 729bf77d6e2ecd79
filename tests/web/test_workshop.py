"""Workers get pieces of a recording and bring their words; nobody else does, and nothing else is taken."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamhub.timecode import Span
from streamhub.transcript.piece import Cut, Hearing, plan_pieces
from streamhub.transcript.recognised import PieceTask
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.web.access import AccessRole, make_api_token

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import World


ROOT = "/api/v1/worker/sessions/s1/hearings/ab-00000000"
ASKED = {"recogniser": "fake tiny", "version": "abc1", "language": "de"}


@pytest.fixture
async def worker(world: World, tmp_path: Path) -> dict[str, str]:
    """Headers of a worker, and a recording of two pieces to transcribe."""
    pieces = plan_pieces(20_000, [Cut(at_ms=9_000, pause_ms=2_000)])
    world.workshop.tasks["s1"] = PieceTask(
        session_id="s1",
        media=tmp_path / "film.mp4",
        hearing=Hearing(sha256="ab" * 32, duration_ms=20_000, vocabulary=("Glasfaser",), pieces=pieces),
        piece=pieces[0],
        language="",
        recogniser="fake tiny",
        version="abc1",
        folder=tmp_path,
    )
    token = await make_api_token(world.hub.store, world.clock, os.urandom, person="w1", role=AccessRole.WORKER)
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("recogniser", "version", "status", "told"),
    [
        ("fake tiny", "", 200, "fake tiny"),
        ("fake tiny", "abc1", 200, "fake tiny"),
        ("fake tiny", "def2", 409, "of version def2, the hub's is abc1"),
        ("other", "abc1", 409, "hears with 'other', the hub wants 'fake tiny'"),
        ("", "", 409, "fake tiny"),
    ],
)
async def test_a_worker_learns_at_the_door_whether_it_is_wanted(
    world: World, worker: dict[str, str], recogniser: str, version: str, status: int, told: str
) -> None:
    """A worker that hears with something else, or another version of it, is told so before it takes any work."""
    asked = {"recogniser": recogniser, "version": version}
    async with world.client.get("/api/v1/worker", params=asked, headers=worker) as answer:
        body = await answer.json()
        assert answer.status == status
        assert told in str(body).replace("\\", "")


async def test_a_hub_without_the_model_leaves_the_version_to_its_workers(world: World, worker: dict[str, str]) -> None:
    """Where the hub has no model of its own, any version is let in at the door."""
    world.workshop.model = ""
    asked = {"recogniser": "fake tiny", "version": "def2"}
    async with world.client.get("/api/v1/worker", params=asked, headers=worker) as answer:
        assert answer.status == 200


async def test_job_sound_and_words(world: World, worker: dict[str, str]) -> None:
    """A worker reads the job, fetches the sound and hands over a transcript that is larger than any form may be."""
    async with world.client.get(f"{ROOT}/1", params=ASKED, headers=worker) as answer:
        job = await answer.json()
        assert (answer.status, job["piece"], job["pieces"], job["done"]) == (200, 1, 2, False)
        assert (job["start_ms"], job["duration_ms"], job["vocabulary"]) == (8_500, 11_500, ["Glasfaser"])
    async with world.client.get(f"{ROOT}/1/sound", params=ASKED, headers=worker) as answer:
        assert await answer.read() == b"sound" * 100_000
    assert not world.workshop.sounds[0].exists(), "the sound is written for one worker, and does not stay"
    heard = Transcript(
        language="de",
        made_with="fake tiny",
        cues=tuple(Cue(id=f"c{n}", span=Span(n, n + 1), text="Netz " * 50) for n in range(1000)),
    )
    body = msgspec.json.encode(heard)
    assert len(body) > 200_000
    async with world.client.put(f"{ROOT}/1/words", params=ASKED, data=body, headers=worker) as answer:
        assert answer.status == 200, await answer.text()
    assert world.workshop.heard == [("s1", 1, "abc1", heard)]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"recogniser": "other"}, 409),
        ({"version": "def2"}, 409),
        ({"version": ""}, 400),
        ({"version": "../x"}, 400),
        ({"language": "xx"}, 400),
        ({}, 400),
    ],
    ids=str,
)
async def test_wrong_words_are_refused(
    world: World, worker: dict[str, str], change: dict[str, str], status: int
) -> None:
    """Words of another recogniser or version, or that are no transcript, are not taken."""
    whole = msgspec.json.encode(Transcript(language="de", made_with="x"))
    content = whole if change else b"[]"
    async with world.client.put(f"{ROOT}/0/words", params={**ASKED, **change}, data=content, headers=worker) as answer:
        assert answer.status == status
    assert world.workshop.heard == []


@pytest.mark.parametrize("number", ["2", "-1", "x", "9" * 30])
async def test_there_is_no_such_piece(world: World, worker: dict[str, str], number: str) -> None:
    """A number that is no piece's is not found."""
    async with world.client.get(f"{ROOT}/{number}", params=ASKED, headers=worker) as answer:
        assert answer.status == 404


async def test_only_workers(world: World, worker: dict[str, str]) -> None:
    """Neither a host's key nor nobody's opens the workshop, and a worker's key opens nothing else."""
    for headers, status in ((world.bearer, 403), ({}, 401)):
        async with world.client.get(f"{ROOT}/0/sound", params=ASKED, headers=headers) as answer:
            assert answer.status == status
    async with world.client.get("/api/v1/host/work", headers=worker) as answer:
        assert answer.status == 403
