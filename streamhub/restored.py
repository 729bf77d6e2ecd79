"""A restored workspace: what was erased since its backup was made is erased again, before anybody sees it.

Owns the erasing in a workspace on which no hub works. Which questions those are is said by lists of their ids
(`streamhub.store.erased`), for a backup cannot know what came after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from streamhub.archiving import write_states
from streamhub.hubside import ArchiveAnswers
from streamhub.store.erased import erased_file, load_erased, save_erased
from streamhub.store.erasing import list_unfinished
from streamhub.store.purging import purge_erased
from streamhub.store.store import Store
from streamhub.timecode import Now
from streamhub.web.erasing import finish_erasure, follow_list


async def erase_again(database: Path, transcripts: Path, photos_dir: Path, ids: Iterable[str], *, now: Now) -> int:
    """Erase these questions, and those of the workspace's own list, from database and archive; returns how many."""
    copies = set(database.parent.glob("backups/*"))
    save_erased(erased_file(database), ids)
    if not load_erased(erased_file(database)):
        return 0
    async with Store.open(database, now=now) as store:
        await follow_list(store, now=now)
        answers = ArchiveAnswers(store, transcripts, now=now)
        unfinished = await store.read(list_unfinished)
        for question_id in unfinished:
            question = await finish_erasure(store, answers, photos_dir, question_id, now=now)
            await write_states(store, transcripts, question.session_id, frozenset([question_id]))
        await purge_erased(store, now=now)
    for copy in set(database.parent.glob("backups/*")) - copies:
        copy.unlink()  # made before the words went; what it was made of is the backup, which still is there
    return len(unfinished)
