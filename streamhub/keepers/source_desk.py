"""The sources as the web face asks for them: rows and the keeper's state in its records; adding, switching, removing.

Asks no source itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlite_utils import Database

from streamhub.errors import BadInput, NotFound, WrongState
from streamhub.keepers.source_reading import SourceKind, describe_counts
from streamhub.keepers.sources import Sources, SourcesParts
from streamhub.questions.refusal import Refusal
from streamhub.questions.trouble import SourceCode
from streamhub.schedule.rules import ACCEPTS_QUESTIONS
from streamhub.schedule.show import SessionState
from streamhub.store import shows as show_rows
from streamhub.store import sources as rows
from streamhub.store.log import log_action
from streamhub.text import new_id
from streamhub.web.source_views import AdditionView, SourceOffer, SourceState, SourcesView, SourceView, Way, Ways

MAX_SOURCES = 20
"""So many a session may listen to."""


class SourceDesk:
    """Fulfils `streamhub.web.services.Sources`.

    Args:
        parts: as the keeper's.
        keeper: reads the sources.
        mail_to: the address that mails for a session go to; empty where mails are not read.
    """

    def __init__(
        self, parts: SourcesParts, keeper: Sources, *, mail_to: Callable[[str], str] = lambda session_id: ""
    ) -> None:
        self._parts = parts
        self._keeper = keeper
        self._mail_to = mail_to

    def offered(self) -> Sequence[SourceOffer]:
        """The kinds that a session may listen to."""
        kinds = self._parts.kinds.values()
        return tuple(SourceOffer(slug=one.slug, name=one.name, example=one.example) for one in kinds if one.parse)

    async def view(self, session_id: str) -> SourcesView:
        """A session's sources and what came of them. Asks no source.

        Raises:
            NotFound: there is no such session.
        """

        def load(db: Database) -> SourcesView:
            session = show_rows.load_session(db, session_id)
            known = [row for row in rows.list_sources(db) if row.session_id in {"", session_id}]
            shown = [row for row in known if row.session_id or row.kind in self._parts.kinds]
            shown.sort(key=lambda row: bool(row.session_id))
            hub_kinds = [kind.slug for kind in self._parts.kinds.values() if kind.parse is None]
            return SourcesView(
                sources=tuple(self._source_view(row, session.state) for row in shown),
                mail_to=self._mail_to(session_id),
                waiting=sum(len(rows.list_waiting(db, slug)) for slug in hub_kinds),
                additions=tuple(
                    AdditionView(question_id=one.question_id, whole=one.whole, text=one.text, at=one.at)
                    for one in rows.list_additions(db, session_id)
                ),
                gone=rows.list_gone(db, session_id),
            )

        return await self._parts.store.read(load)

    async def ways(self, session_id: str) -> Ways:
        """How the public can ask in a session from elsewhere, cheap enough for every page. Asks no source."""
        inviting = {kind.slug: kind.name for kind in self._parts.kinds.values() if kind.invites}
        found = await self._parts.store.read(lambda db: rows.list_sources(db, session_id)) if inviting else ()
        places = [
            Way(name=inviting[row.kind], address=row.address) for row in found if row.active and row.kind in inviting
        ]
        return Ways(mail_to=self._mail_to(session_id), places=tuple(places))

    def _source_view(self, row: rows.SourceRow, state: SessionState) -> SourceView:
        fresh = self._keeper.row(row.id)
        seen = fresh if fresh is not None and row.active else row
        kind = self._parts.kinds.get(row.kind)
        problem = SourceCode(seen.problem) if seen.problem in set(SourceCode) else None
        if kind is None:
            problem = SourceCode.NOT_SET_UP
        return SourceView(
            id=row.id,
            kind=row.kind,
            name=kind.name if kind else row.kind,
            address=row.address,
            shared=not row.session_id,
            state=_decide_state(row, seen, problem, state),
            read_at=seen.read_at,
            taken=seen.taken,
            skipped=describe_counts(seen.skipped),
            problem=problem,
            problem_details=seen.problem_details,
            failing_since=seen.failing_since,
            retry_at=seen.retry_at,
        )

    async def add(self, session_id: str, kind: str, address: str, *, author: str) -> str:
        """Listen to one more source; returns its id.

        Raises:
            NotFound: there is no such session.
            BadInput: there is no such kind, or the address is none.
            Conflict: the session listens to it already, or to too many.
        """
        found = self._kind(kind)
        parsed = found.parse(address) if found.parse else ""
        at, source_id = self._parts.now(), new_id(self._parts.random)

        def add(db: Database) -> str:
            show_rows.load_session(db, session_id)
            if len(rows.list_sources(db, session_id)) >= MAX_SOURCES:
                message = f"session {session_id}: listens to {MAX_SOURCES} sources"
                raise WrongState(message, hint="remove one first", code=Refusal.SOURCES_FULL)
            row = rows.SourceRow(id=source_id, session_id=session_id, kind=kind, address=parsed, added_at=at)
            rows.add_source(db, row)
            self._log(db, "source.add", row, author)
            return source_id

        await self._parts.store.write(add)
        self._keeper.wake(source_id)
        return source_id

    async def switch(self, session_id: str, source_id: str, *, on: bool, author: str) -> None:
        """Read a source from now on, or leave it alone; already so is a success.

        Raises:
            NotFound: the session has no such source.
        """

        def switch(db: Database) -> None:
            row = _load_own(db, session_id, source_id)
            rows.switch_source(db, source_id, on)
            self._log(db, "source.on" if on else "source.off", row, author)

        await self._parts.store.write(switch)
        self._keeper.wake(source_id)

    async def remove(self, session_id: str, source_id: str, *, author: str) -> None:
        """Listen to it no more; its questions stay.

        Raises:
            NotFound: the session has no such source.
        """

        def remove(db: Database) -> None:
            row = _load_own(db, session_id, source_id)
            rows.remove_source(db, source_id)
            self._log(db, "source.remove", row, author)

        await self._parts.store.write(remove)
        self._keeper.wake(source_id)

    async def read_now(self, session_id: str, source_id: str) -> None:
        """Look at a source soon, whenever it is due.

        Raises:
            NotFound: the session has no such source.
        """
        await self._parts.store.read(lambda db: _load_own(db, session_id, source_id, shared=True))
        self._keeper.wake(source_id)

    def _kind(self, slug: str) -> SourceKind:
        kind = self._parts.kinds.get(slug)
        if kind is None or kind.parse is None:
            names = ", ".join(offer.slug for offer in self.offered()) or "none"
            raise BadInput(f"source kind {slug!r}: there is none of that name", hint=f"use one of: {names}")
        return kind

    def _log(self, db: Database, action: str, row: rows.SourceRow, author: str) -> None:
        details = {"session": row.session_id, "kind": row.kind}
        log_action(
            db,
            at=self._parts.now(),
            author=author,
            action=action,
            object_kind="source",
            object_id=row.id,
            details=details,
        )


def _load_own(db: Database, session_id: str, source_id: str, *, shared: bool = False) -> rows.SourceRow:
    row = rows.load_source(db, source_id)
    if row.session_id != session_id and not (shared and not row.session_id):
        raise NotFound(f"source {source_id}: session {session_id} has no such source")
    return row


def _decide_state(
    row: rows.SourceRow, seen: rows.SourceRow, problem: SourceCode | None, state: SessionState
) -> SourceState:
    if not row.active:
        return SourceState.OFF
    if problem is not None:
        return SourceState.FAILING
    if row.session_id and state not in ACCEPTS_QUESTIONS:
        return SourceState.RESTING
    return SourceState.READING if seen.read_at else SourceState.WAITING
