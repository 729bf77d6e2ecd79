"""Workers get a recording and bring its words; nobody else does, and nothing that is not meant for it is taken."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamhub.timecode import Span
from streamhub.transcript.recognised import TranscriptionTask
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.web.access import AccessRole, make_api_token

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import World


@pytest.fixture
async def worker(world: World, tmp_path: Path) -> dict[str, str]:
    """Headers of a worker, and a recording to transcribe."""
    media = tmp_path / "film.mp4"
    media.write_bytes(b"media" * 1000)
    world.workshop.tasks["s1"] = TranscriptionTask(
        session_id="s1",
        media=media,
        sha256="ab" * 32,
        duration_ms=9000,
        language="de",
        vocabulary=("Glasfaser",),
        recogniser="fake tiny",
        target=tmp_path / "heard.json",
    )
    token = await make_api_token(world.hub.store, world.clock, os.urandom, person="w1", role=AccessRole.WORKER)
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("recogniser", "status"), [("fake tiny", 200), ("other", 409), ("", 409)])
async def test_a_worker_learns_at_the_door_whether_it_is_wanted(
    world: World, worker: dict[str, str], recogniser: str, status: int
) -> None:
    """A worker that hears with something else is told so before it takes any work."""
    async with world.client.get("/api/v1/worker", params={"recogniser": recogniser}, headers=worker) as answer:
        body = await answer.json()
        assert answer.status == status
        assert "fake tiny" in str(body)


async def test_job_media_and_words(world: World, worker: dict[str, str]) -> None:
    """A worker reads the job, fetches the media and hands over a transcript that is larger than any form may be."""
    path, asked = "/api/v1/worker/sessions/s1", {"recogniser": "fake tiny", "sha256": "ab" * 32}
    async with world.client.get(path, params=asked, headers=worker) as answer:
        job = await answer.json()
        assert (answer.status, job["duration_ms"], job["vocabulary"], job["done"]) == (200, 9000, ["Glasfaser"], False)
    async with world.client.get(f"{path}/media", headers=worker) as answer:
        assert await answer.read() == b"media" * 1000
    heard = Transcript(
        language="de",
        made_with="fake tiny",
        cues=tuple(Cue(id=f"c{n}", span=Span(n, n + 1), text="Netz " * 50) for n in range(1000)),
    )
    body = msgspec.json.encode(heard)
    assert len(body) > 200_000
    async with world.client.put(f"{path}/transcript", params=asked, data=body, headers=worker) as answer:
        assert answer.status == 200, await answer.text()
    assert world.workshop.heard == [("s1", heard)]


@pytest.mark.parametrize(
    ("change", "status"), [({"recogniser": "other"}, 409), ({"sha256": "00"}, 409), ({}, 400)], ids=str
)
async def test_wrong_words_are_refused(
    world: World, worker: dict[str, str], change: dict[str, str], status: int
) -> None:
    """Words of another recogniser, for another recording, or that are no transcript are not taken."""
    asked = {"recogniser": "fake tiny", "sha256": "ab" * 32, **change}
    whole = msgspec.json.encode(Transcript(language="de", made_with="x"))
    path = "/api/v1/worker/sessions/s1/transcript"
    async with world.client.put(path, params=asked, data=whole if change else b"[]", headers=worker) as answer:
        assert answer.status == status
    assert world.workshop.heard == []


async def test_only_workers(world: World, worker: dict[str, str]) -> None:
    """Neither a host's key nor nobody's opens the workshop, and a worker's key opens nothing else."""
    for headers, status in ((world.bearer, 403), ({}, 401)):
        async with world.client.get("/api/v1/worker/sessions/s1/media", headers=headers) as answer:
            assert answer.status == status
    async with world.client.get("/api/v1/host/work", headers=worker) as answer:
        assert answer.status == 403
