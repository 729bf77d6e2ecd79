"""The worker's API: a job, its media, and the words that come back.

For processes with a worker's key alone. Workers never touch the hub's data; what they hand over is checked here and
given to the role `streamhub.web.services.Workshop`.
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from streamhub.errors import BadInput, Conflict
from streamhub.transcript.recognised import TranscriptionTask
from streamhub.transcript.transcript import Transcript
from streamhub.web.access import Action, allow
from streamhub.web.hub import hub_of
from streamhub.web.security import MAX_TRANSCRIPT_BYTES

_DOOR = "/api/v1/worker"
_ROOT = f"{_DOOR}/sessions/{{session_id}}"

routes = web.RouteTableDef()


@routes.get(_DOOR)
@allow(Action.TRANSCRIBE)
async def get_door(request: web.Request) -> web.StreamResponse:
    """Whether a worker with this key and recogniser is wanted; asked before it takes any work."""
    wanted = hub_of(request).workshop.recogniser
    _require_recogniser(request, wanted)
    return web.json_response({"recogniser": wanted})


@routes.get(_ROOT)
@allow(Action.TRANSCRIBE)
async def get_job(request: web.Request) -> web.StreamResponse:
    """What is to be transcribed, and whether that recogniser has done it already."""
    task = await _task(request)
    return web.json_response(
        {
            "session": task.session_id,
            "sha256": task.sha256,
            "duration_ms": task.duration_ms,
            "language": task.language,
            "vocabulary": list(task.vocabulary),
            "file": task.target.name,
            "done": task.done,
        }
    )


@routes.get(f"{_ROOT}/media")
@allow(Action.TRANSCRIBE)
async def get_media(request: web.Request) -> web.StreamResponse:
    """The recording."""
    task = await hub_of(request).workshop.plan_transcription(request.match_info["session_id"])
    return web.FileResponse(task.media)


@routes.put(f"{_ROOT}/transcript")
@allow(Action.TRANSCRIBE)
async def put_transcript(request: web.Request) -> web.StreamResponse:
    """Take what was heard."""
    content = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        content += chunk
        if len(content) > MAX_TRANSCRIPT_BYTES:
            raise BadInput(f"transcript: more than {MAX_TRANSCRIPT_BYTES} bytes", hint="send one session at a time")
    try:
        transcript = msgspec.json.decode(content, type=Transcript)
    except msgspec.MsgspecError as error:
        raise BadInput(
            f"transcript: cannot be read ({error})", hint="update the worker to the hub's version"
        ) from error
    task = await _task(request)
    if request.query.get("sha256") != task.sha256:
        raise Conflict(f"session {task.session_id}: has another recording by now", hint="the step is tried again")
    await hub_of(request).workshop.take_transcript(task, transcript)
    return web.json_response({"file": task.target.name})


async def _task(request: web.Request) -> TranscriptionTask:
    task = await hub_of(request).workshop.plan_transcription(request.match_info["session_id"])
    _require_recogniser(request, task.recogniser)
    return task


def _require_recogniser(request: web.Request, wanted: str) -> None:
    offered = request.query.get("recogniser", "")
    if offered != wanted:
        raise Conflict(
            f"worker: hears with {offered!r}, the hub wants {wanted!r}",
            hint="give the worker the hub's STREAMHUB_TRANSCRIPT_ENGINE and STREAMHUB_TRANSCRIPT_MODEL",
        )
