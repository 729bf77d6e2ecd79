"""Sources: where a build reads sessions from, and what it keeps of those that it has read.

A session that has not changed since the last build is not read again: what is kept of it (its gist, its words for the
search, and what of it is public, to make its pages from) lies in a folder, a file each, with the stamp of the files
that it was read from. The folder may be removed or lose files at any time; the next build reads what it misses and
comes to the same site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

import msgspec

from streamhub.archive.archived import ArchivedSession
from streamhub.archive.clips import clip_source, list_unclipped, plan_key
from streamhub.archive.event import ArchivedEvent
from streamhub.archive.folder import list_sessions, load_session, stamp_session, write_atomically
from streamhub.archive.gist import SessionGist, plan_gist
from streamhub.archive.gists import Gists, Slip, plan_slip
from streamhub.archive.masking import MaskedSession, mask_archived
from streamhub.archive.plan import digest_of
from streamhub.archive.public import PublicSession, show_session
from streamhub.archive.search.record import analyse
from streamhub.archive.searchable import plan_documents
from streamhub.errors import BadArchive, Conflict

_GIST, _WORDS, _PUBLIC = _KINDS = ".gist", ".words", ".public"
_MEMORY = ".memory"
OPEN_READINGS = 600
"""How many sessions' gists are in memory at once; any other is read again when a page names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a session is read from.

    Attributes:
        id, show_id: of the session.
        stamp: changes whenever its files do; empty where that cannot be told.
        load: reads it.
    """

    id: str
    show_id: str
    stamp: str
    load: Callable[[], ArchivedSession] = field(repr=False, compare=False)

    @property
    def where(self) -> str:
        """Its folder in the archive."""
        return f"{self.show_id}/{self.id}"

    def read(self) -> MaskedSession:
        """The session without the names that must not be shown."""
        return mask_archived(self.load())


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """An archive to build from.

    Attributes:
        sessions: all of them, drafts included; in any order.
        events: what several of them belong to.
        readings: folder in which is kept what was read of them; None for nowhere.
    """

    sessions: tuple[Source, ...]
    events: tuple[ArchivedEvent, ...] = ()
    readings: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a build keeps of a session.

    Attributes:
        stamp: of the files that it was read from.
        made_with: digest of the code and the settings that it depends on.
        answer_ids: of all of its answers, drafts included.
        gist: None where nothing of it is shown.
    """

    stamp: str
    made_with: str
    answer_ids: tuple[str, ...]
    gist: SessionGist | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Words:
    """The search records of a session, as they are kept."""

    stamp: str
    records: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Public:
    """What of a session may be shown, as it is kept."""

    stamp: str
    session: PublicSession


T = TypeVar("T", _Words, _Public, Reading)


def hold(session: ArchivedSession) -> Source:
    """A session that is in memory, as a source."""
    return Source(id=session.id, show_id=session.show_id, stamp="", load=lambda: session)


def find_sources(root: Path) -> tuple[Source, ...]:
    """The sessions of an archive's folder.

    Raises:
        NotFound: there is no such folder.
        BadArchive: a folder is a link.
    """
    return tuple(
        Source(
            id=session_id,
            show_id=show_id,
            stamp=stamp_session(root, show_id, session_id),
            load=partial(load_session, root, show_id, session_id),
        )
        for show_id, session_id in list_sessions(root)
    )


class Readings:
    """Reads sources, those that changed; and knows the words of each for the search.

    Args:
        title: of the archive; clips name it.
        code: digest of the code.
        folder: where readings are kept from build to build; None: nowhere.

    Attributes:
        answers: how many there are in what was read, drafts included.
    """

    def __init__(self, *, title: str, code: str, folder: Path | None = None) -> None:
        self._title = title
        self._made_with = digest_of(title, code)
        self._folder = folder
        self.answers = 0
        self._sources: dict[str, Source] = {}
        self._held: dict[str, Reading] = {}
        self._reading_of = lru_cache(maxsize=OPEN_READINGS)(self._find_reading)
        self._words: dict[str, tuple[bytes, ...]] = {}

    def read(self, sources: Iterable[Source]) -> Gists:
        """The gists of all sessions that are shown.

        Raises:
            BadArchive: a file is wrong, or an id is there twice.
        """
        self._sources = {source.where: source for source in sources}
        self._held.clear()
        self._reading_of.cache_clear()
        slips: list[Slip] = []
        owners = _Owners()
        self.answers = 0
        for where, source in self._sources.items():
            reading = self._reading_of(where)
            owners.add(source, reading.answer_ids)
            self.answers += len(reading.answer_ids)
            if reading.gist:
                slips.append(plan_slip(reading.gist))
        self._forget_others()
        return Gists(slips, self._load_gist)

    def words_of(self, gist: SessionGist) -> tuple[bytes, ...]:
        """The search records of a session that was read."""
        if gist.where not in self._words:
            kept = self._recall_of(self._sources[gist.where], _WORDS, _Words)
            if kept:
                return kept.records
            # Damaged since: the session is read again, and its words stay in memory.
            self._words[gist.where] = _words(show_session(self._sources[gist.where].read()))
        return self._words[gist.where]

    def open(self, gist: SessionGist) -> PublicSession | None:
        """What of a session that was read may be shown; None where that has changed since and nothing may."""
        source = self._sources[gist.where]
        kept = self._recall_of(source, _PUBLIC, _Public)
        return kept.session if kept else show_session(source.read())

    def recall(self, name: str) -> bytes:
        """What something kept of the last build under that name; empty without it."""
        try:
            return (self._folder / f"{name}{_MEMORY}").read_bytes() if self._folder else b""
        except OSError:
            return b""

    def keep(self, name: str, memory: bytes) -> None:
        """Keep that for the next build."""
        if self._folder:
            write_atomically(self._folder / f"{name}{_MEMORY}", memory, durably=False)

    def _load_gist(self, where: str) -> SessionGist:
        gist = self._reading_of(where).gist
        if gist is None:
            raise Conflict(f"session {where}: changed while the site was built", hint="build again")
        return gist

    def _find_reading(self, where: str) -> Reading:
        """What is known of a session: held where it is not kept, kept from the last build, or read now."""
        source = self._sources[where]
        return self._held.get(where) or self._recall(source) or self._read(source)

    def _recall(self, source: Source) -> Reading | None:
        reading = self._recall_of(source, _GIST, Reading)
        return reading if reading and reading.made_with == self._made_with else None

    def _recall_of(self, source: Source, kind: str, form: type[T]) -> T | None:
        """What is kept of a session as it is now; None where nothing is, or of another release, or damaged."""
        if self._folder is None or not source.stamp:
            return None
        try:
            kept = msgspec.msgpack.decode(self._path(source.where, kind).read_bytes(), type=form)
        except (OSError, ValueError):
            return None
        return kept if kept.stamp == source.stamp else None

    def _read(self, source: Source) -> Reading:
        session = source.read()
        found = show_session(session)
        ids = tuple(answer.id for answer in session.answers)
        gist = None
        if found:
            keys = {}
            if clip_source(session):
                clipped = [one.answer for one in found.answers if not list_unclipped(session, one.answer)]
                keys = {one.id: plan_key(session, one, title=self._title) for one in clipped}
            gist = plan_gist(found, digest=digest_of(found), clip_keys=keys)
        reading = Reading(stamp=source.stamp, made_with=self._made_with, answer_ids=ids, gist=gist)
        self._keep(source, reading, found)
        return reading

    def _keep(self, source: Source, reading: Reading, found: PublicSession | None) -> None:
        words = _words(found)
        if self._folder is None or not source.stamp:
            self._words[source.where] = words
            self._held[source.where] = reading
            for kind in _KINDS if self._folder else ():  # what was kept may be what somebody withdrew just now
                self._path(source.where, kind).unlink(missing_ok=True)
            return
        self._write(source, _WORDS, _Words(stamp=source.stamp, records=words))
        if found:
            self._write(source, _PUBLIC, _Public(stamp=source.stamp, session=found))
        else:
            self._path(source.where, _PUBLIC).unlink(missing_ok=True)
        self._write(source, _GIST, reading)

    def _write(self, source: Source, kind: str, kept: Reading | _Words | _Public) -> None:
        """Nobody waits for the disk: what a crash loses is read again."""
        write_atomically(self._path(source.where, kind), msgspec.msgpack.encode(kept), durably=False)

    def _path(self, where: str, kind: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{where}{kind}"

    def _forget_others(self) -> None:
        """Nothing stays of sessions that are gone: somebody may have wanted that."""
        for path in self._folder.glob("*/*") if self._folder else ():
            if f"{path.parent.name}/{path.stem}" not in self._sources:
                path.unlink()


def _words(found: PublicSession | None) -> tuple[bytes, ...]:
    return tuple(analyse(document) for document in plan_documents(found)) if found else ()


class _Owners:
    """Which session has which id."""

    def __init__(self) -> None:
        self._sessions: dict[str, str] = {}
        self._answers: dict[str, str] = {}

    def add(self, source: Source, answer_ids: Iterable[str]) -> None:
        """Take a session in.

        Raises:
            BadArchive: its id or that of an answer is another's.
        """
        found = [("session", source.id, self._sessions), *(("answer", one, self._answers) for one in answer_ids)]
        for what, key, owners in found:
            if owners.setdefault(key, source.where) != source.where:
                reason = f"{what} {key!r} is in {owners[key]} too"
                raise BadArchive(source.where, 0, reason, hint="ids are unique in an archive")
