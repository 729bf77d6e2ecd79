"""The worker's API: a piece of a recording, its sound, and the words that come back.

For processes with a worker's key alone. Workers never touch the hub's data; what they hand over is checked here and
given to the role `streamhub.web.services.Workshop`.
"""

from __future__ import annotations

import asyncio
import os
import re

import msgspec
from aiohttp import web

from streamhub.errors import BadInput, Conflict, NotFound
from streamhub.text import require_language
from streamhub.transcript.recognised import PieceTask
from streamhub.transcript.transcript import Transcript
from streamhub.web.access import Action, allow
from streamhub.web.hub import hub_of
from streamhub.web.security import MAX_TRANSCRIPT_BYTES

_DOOR = "/api/v1/worker"
_ROOT = f"{_DOOR}/sessions/{{session_id}}/hearings/{{hearing}}/{{number}}"
_CHUNK_BYTES = 1 << 18
_VERSION = re.compile(r"[0-9a-f]{1,64}")

routes = web.RouteTableDef()


@routes.get(_DOOR)
@allow(Action.TRANSCRIBE)
async def get_door(request: web.Request) -> web.StreamResponse:
    """Whether a worker with this key and recogniser is wanted; asked before it takes any work."""
    workshop = hub_of(request).workshop
    _require_recogniser(request, workshop.recogniser)
    offered, wanted = request.query.get("version", ""), await workshop.version()
    if offered and wanted and offered != wanted:
        raise Conflict(
            f"worker: its {workshop.recogniser} is of version {offered}, the hub's is {wanted}",
            hint="copy the hub's model folder to this machine, and set STREAMHUB_TRANSCRIPT_BEAM_SIZE and "
            "STREAMHUB_TRANSCRIPT_COMPUTE_TYPE as on the hub",
        )
    return web.json_response({"recogniser": workshop.recogniser, "version": wanted})


@routes.get(_ROOT)
@allow(Action.TRANSCRIBE)
async def get_job(request: web.Request) -> web.StreamResponse:
    """What is to be heard, and whether that model has done it already."""
    task, version = await _task(request)
    return web.json_response(
        {
            "session": task.session_id,
            "piece": task.piece.number,
            "pieces": len(task.hearing.pieces),
            "start_ms": task.piece.read.start_ms,
            "duration_ms": task.piece.read.duration_ms,
            "language": task.language,
            "check_language": task.checks_language,
            "translate": task.translate,
            "vocabulary": list(task.hearing.vocabulary),
            "file": task.target(version).name,
            "done": await asyncio.to_thread(task.done, version),
        }
    )


@routes.get(f"{_ROOT}/sound")
@allow(Action.TRANSCRIBE)
async def get_sound(request: web.Request) -> web.StreamResponse:
    """The sound of the piece, as WAV."""
    task, _ = await _task(request)
    path = await hub_of(request).workshop.write_sound(task)
    with await asyncio.to_thread(path.open, "rb") as file:
        await asyncio.to_thread(path.unlink)  # it is read once, and stays readable until it is closed
        response = web.StreamResponse(headers={"Content-Type": "audio/wav"})
        response.content_length = os.fstat(file.fileno()).st_size
        await response.prepare(request)
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            await response.write(chunk)
        await response.write_eof()
    return response


@routes.put(f"{_ROOT}/words")
@allow(Action.TRANSCRIBE)
async def put_words(request: web.Request) -> web.StreamResponse:
    """Take what was heard."""
    content = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        content += chunk
        if len(content) > MAX_TRANSCRIPT_BYTES:
            raise BadInput(f"transcript: more than {MAX_TRANSCRIPT_BYTES} bytes", hint="send one piece at a time")
    try:
        transcript = msgspec.json.decode(content, type=Transcript)
    except msgspec.MsgspecError as error:
        raise BadInput(
            f"transcript: cannot be read ({error})", hint="update the worker to the hub's version"
        ) from error
    task, version = await _task(request)
    await hub_of(request).workshop.take_piece(task, transcript, version)
    return web.json_response({"file": task.target(version).name})


async def _task(request: web.Request) -> tuple[PieceTask, str]:
    """The piece that is asked for, and the version of the model that asks."""
    info, number = request.match_info, request.match_info["number"]
    if not number.isdecimal() or len(number) > 6:
        raise NotFound(f"piece {number!r}: not a number")
    language = request.query.get("language", "")
    if language:
        require_language(language, what=f"session {info['session_id']}")
    workshop, translate = hub_of(request).workshop, request.query.get("task") == "translate"
    task = await workshop.plan_piece(info["session_id"], info["hearing"], int(number), language, translate=translate)
    _require_recogniser(request, task.recogniser)
    version = request.query.get("version", "")
    if not _VERSION.fullmatch(version):
        raise BadInput(f"worker: version {version!r} is none", hint="update the worker to the hub's version")
    await asyncio.to_thread(task.require_version, version)
    return task, version


def _require_recogniser(request: web.Request, wanted: str) -> None:
    offered = request.query.get("recogniser", "")
    if offered != wanted:
        raise Conflict(
            f"worker: hears with {offered!r}, the hub wants {wanted!r}",
            hint="give the worker the hub's STREAMHUB_TRANSCRIPT_ENGINE and STREAMHUB_TRANSCRIPT_MODEL",
        )
