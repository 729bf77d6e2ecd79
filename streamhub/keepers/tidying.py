"""Tidying: what was kept for a while only goes when its time is over.

Digests of addresses that voted go after a week, spent puzzles after a day, photos of declined and withdrawn questions
after a month, what was written to the hub and found no session after a quarter, and files that no question names after
an hour. Runs every hour, so that a hub that is restarted often keeps the promise of a week too. Knows nothing of who
asks for what.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from streamhub.errors import StreamhubError
from streamhub.store import photos as photo_rows
from streamhub.store.purging import purge_erased
from streamhub.store.puzzles import forget_puzzles
from streamhub.store.sources import forget_waiting
from streamhub.store.store import Store
from streamhub.store.votes import forget_addresses
from streamhub.timecode import Now

LOG = logging.getLogger("streamhub.keepers.tidying")

ADDRESSES_KEPT = timedelta(days=7)
PUZZLES_KEPT = timedelta(days=1)
DECLINED_PHOTOS_KEPT = timedelta(days=30)
STRAY_FILES_KEPT = timedelta(hours=1)
WAITING_KEPT = timedelta(days=90)
EVERY_S = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Tidied:
    """What went: digests of addresses, spent puzzles, contributions that waited for a session, files of photos."""

    addresses: int = 0
    puzzles: int = 0
    waiting: int = 0
    photos: int = 0


async def tidy(store: Store, photos_dir: Path, *, now: Now) -> Tidied:
    """Let go of everything whose time is over; a second call finds nothing."""
    at = now()

    def forget(db: Database) -> Tidied:
        photo_rows.forget_photos(db, before=at - DECLINED_PHOTOS_KEPT)
        return Tidied(
            addresses=forget_addresses(db, before=at - ADDRESSES_KEPT),
            puzzles=forget_puzzles(db, before=at - PUZZLES_KEPT),
            waiting=forget_waiting(db, before=at - WAITING_KEPT),
        )

    gone = await store.write(forget)
    if gone.waiting:
        await store.purge()  # words and names, so their bytes go as well
    await purge_erased(store, now=now)
    wanted = await store.read(photo_rows.list_photos)
    photos = await asyncio.to_thread(_sweep, photos_dir, wanted, at - STRAY_FILES_KEPT)
    return replace(gone, photos=photos)


async def keep_tidy(store: Store, photos_dir: Path, *, now: Now, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Tidy now and every hour, until cancelled; a failure is tried again in an hour."""
    while True:
        try:
            tidied = await tidy(store, photos_dir, now=now)
        except (StreamhubError, OSError) as error:
            LOG.warning("tidying_failed error=%s", error)
        else:
            if tidied != Tidied():
                line = "tidied addresses=%d puzzles=%d waiting=%d photos=%d"
                LOG.info(line, tidied.addresses, tidied.puzzles, tidied.waiting, tidied.photos)
        await sleep(EVERY_S)


def _sweep(folder: Path, wanted: frozenset[str], before: datetime) -> int:
    """Delete what no question names; what was written just now may belong to one that is not kept yet."""
    if not folder.is_dir():
        return 0
    stray = [path for path in folder.iterdir() if path.name not in wanted and path.is_file()]
    old = [path for path in stray if path.stat().st_mtime < before.timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
