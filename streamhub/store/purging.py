"""Purging: the bytes of what was erased go out of the files, and only then is an erasure done.

An erasure keeps its mark from the wish until the write-ahead log was emptied into the database after it. So a hub that
dies in between, or cannot empty the log because somebody reads, purges again later.
"""

from __future__ import annotations

from streamhub.store.erasing import list_unpurged, mark_purged
from streamhub.store.store import Store
from streamhub.timecode import Now


async def purge_erased(store: Store, *, now: Now) -> bool:
    """Take the bytes of erased questions out of the files; says whether nothing is left to do."""
    erased = await store.read(list_unpurged)
    if not erased:
        return True
    if not await store.purge():
        return False
    at = now()
    await store.write(lambda db: mark_purged(db, erased, at=at))
    return True
