"""Photos on the disk: kept under names of our own, shown to whom the question is shown, swept when nothing names them.

A file is written whole or not at all. Which question a photo belongs to, the question says.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from streamhub.errors import BadMedia, NotFound
from streamhub.questions.photo import BadPhoto, PhotoFault, encode_photo
from streamhub.questions.rules import PUBLIC_STATES
from streamhub.schedule.public import is_public
from streamhub.store import public as public_rows
from streamhub.store import questions as question_rows
from streamhub.text import Random, new_id
from streamhub.web.access import Action, actor_of, allow
from streamhub.web.hub import Hub, hub_of

_NAME = re.compile(r"[0-9a-z]{4,40}-[0-9a-z]{16}\.jpg")
_ONE_AT_A_TIME: web.AppKey[asyncio.Semaphore] = web.AppKey("photo_turn", asyncio.Semaphore)

routes = web.RouteTableDef()


def prepare(app: web.Application) -> None:
    """Let an application decode one photo at a time."""
    app[_ONE_AT_A_TIME] = asyncio.Semaphore(1)


async def keep_photo(request: web.Request, data: bytes, question_id: str) -> str:
    """Make a stranger's picture ours and keep it; returns its name.

    Raises:
        BadMedia: the hub takes no pictures, or this is none that it takes; says so in the reader's language.
    """
    hub = hub_of(request)
    if hub.photos_dir is None:
        raise BadMedia("photo: this hub takes no pictures", hint="send the question without it")
    async with request.app[_ONE_AT_A_TIME]:
        encoded = await asyncio.to_thread(encode_photo, data)
    name = plan_name(question_id, hub.random)
    await asyncio.to_thread(_write, hub.photos_dir, name, encoded)
    return name


def explain(error: BadPhoto, say: Callable[[str], str]) -> BadMedia:
    """What is wrong with a photo, in the reader's language."""
    return BadMedia(
        {
            PhotoFault.TOO_LARGE: say("The photo is too large: at most 8 MB fit."),
            PhotoFault.NO_PICTURE: say("The photo is none that we can read."),
            PhotoFault.TOO_MANY_PIXELS: say("The photo has too many pixels: at most 50 million fit."),
            PhotoFault.BROKEN: say("The photo is broken or incomplete."),
        }[error.fault],
        hint=say("Please choose a JPEG, PNG or WebP picture, or send your question without one."),
    )


def plan_name(question_id: str, random: Random) -> str:
    """A file name of ours that nobody can guess."""
    return f"{question_id}-{new_id(random, length=16)}.jpg"


def drop_photo(folder: Path | None, name: str) -> None:
    """Delete a photo; one that is gone already is a success."""
    if folder is not None and _NAME.fullmatch(name):
        (folder / name).unlink(missing_ok=True)


def find_photo(hub: Hub, name: str) -> Path | None:
    """The file of a photo; None when there is none."""
    if hub.photos_dir is None or not _NAME.fullmatch(name):
        return None
    path = hub.photos_dir / name
    return path if path.is_file() and not path.is_symlink() else None


@routes.get("/s/{session_id}/questions/{question_id}/photo")
@allow(Action.SEE_PUBLIC)
async def show_photo(request: web.Request) -> web.StreamResponse:
    """The photo of a question: to everybody once the question is public, to hosts before."""
    hub, question_id = hub_of(request), request.match_info["question_id"]
    question = await hub.store.read(lambda db: question_rows.load_question(db, question_id))
    session = await hub.store.read(lambda db: public_rows.preview_session(db, question.session_id))
    seen = question.state in PUBLIC_STATES and is_public(session)
    path = find_photo(hub, question.photo)
    if path is None or question.session_id != request.match_info["session_id"]:
        raise NotFound(f"question {question_id}: has no photo")
    if not seen and not actor_of(request).may(Action.SEE_CONSOLE):
        raise NotFound(f"question {question_id}: has no photo")
    return web.FileResponse(
        path,
        headers={
            "Content-Type": "image/jpeg",
            "Content-Disposition": "inline",
            "Cache-Control": "private, no-cache",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


def _write(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder / f"{name}.part"
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / name)
