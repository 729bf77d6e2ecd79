"""Mails that have become wrong before anybody got them, taken away by the keeper who wrote them."""

from __future__ import annotations

from collections.abc import Callable

from sqlite_utils import Database

from streamhub.outbox.mail import Mail
from streamhub.store import mails as rows
from streamhub.store.store import Store


async def drop_stale(store: Store, kind: str, is_current: Callable[[Database, Mail], bool]) -> None:
    """Take the mails of a kind out of the outbox that were not sent and are not right any more."""
    stale = await store.read(lambda db: [one for one in rows.list_unsent(db, kind) if not is_current(db, one)])
    for mail in stale:
        await store.write(lambda db, mail=mail: rows.delete_mail(db, mail.id))  # type: ignore[misc]
