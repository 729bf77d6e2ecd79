"""The inbox keeper: notices recordings that a host drops into a folder, and makes each the recording of its session.

Owns the round: look what lies there, wait until a file is whole, find its session by the rules of
`streamhub.recording.matching`, take it, and let the session's held work go on. All that lasts is in the folder itself
(`streamhub.keepers.inbox_folder`) and in the recordings' rows, so a crash at any moment costs a second look and no
more.
Refuses to know platforms: a session's broadcasts come as rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from streamhub.errors import BadInput, BadMedia, Conflict, Environment, NotFound, StreamhubError, WrongState
from streamhub.keepers import inbox_folder as disk
from streamhub.keepers.inbox_folder import Entry, Slip
from streamhub.keepers.inbox_plan import (
    Ready,
    choose_part,
    judged_item,
    make_slip,
    plain_item,
    plan_job,
    settle,
    taking_item,
)
from streamhub.keepers.inbox_reading import Mark, Reader, Unpacking
from streamhub.keepers.inbox_taking import Advance, Taker, Work
from streamhub.questions.refusal import Refusal
from streamhub.recording.file_lock import hold_file
from streamhub.recording.matching import (
    InboxCode,
    InboxItem,
    InboxState,
    Slot,
    Verdict,
    say_inbox,
)
from streamhub.recording.recording import MediaInfo
from streamhub.recording.room import RecordingRoom
from streamhub.recording.rules import media_ms

LOG = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a file could not be taken, and when it is tried again."""

    tries: int
    until: datetime
    code: InboxCode
    reason: str


class Inbox:
    """The keeper of one inbox folder.

    Args:
        folder: the inbox; made where it is missing.
        room: the recording room, with the hub's data and the clock.
        work: the engine.
        quiet_s: how long a file must not have changed before it counts as whole.
        poll_s: how often the folder is looked at.
    """

    def __init__(
        self, folder: Path, room: RecordingRoom, work: Work, *, quiet_s: float = 10.0, poll_s: float = 5.0
    ) -> None:
        self.folder = folder
        self._room = room
        self._taker = Taker(folder, room, work)
        self._quiet = timedelta(seconds=quiet_s)
        self._poll_s = poll_s
        self._reader = Reader(folder, room.scanner)
        self._since: dict[Mark, datetime] = {}
        self._failures: dict[Mark, _Failure] = {}
        self._items: dict[str, InboxItem] = {}
        self._entries: dict[str, Entry] = {}
        self._problem: tuple[InboxCode, Mapping[str, str]] | None = None
        self._lock: contextlib.ExitStack | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._job: asyncio.Task[None] | None = None
        self._job_names: frozenset[str] = frozenset()
        self._stopping: set[str] = set()
        self._progress = 0.0
        self._wake = asyncio.Event()

    @property
    def problem(self) -> tuple[InboxCode, Mapping[str, str]] | None:
        """Why nothing in the folder is looked at: code and details; None when all is well."""
        return self._problem

    async def start(self) -> None:
        """Begin to look at the folder every few seconds."""
        self._keeper = asyncio.create_task(self._keep(), name="inbox")

    async def close(self) -> None:
        """Stop; what was being taken is begun again after the next start."""
        for task in (self._keeper, self._job):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self._keeper = self._job = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def list(self) -> Sequence[InboxItem]:
        """What lies in the inbox and where it stands, as seen last."""
        return [
            replace(item, progress=self._progress) if item.name in self._job_names else item
            for item in self._items.values()
        ]

    async def load_slots(self) -> Sequence[Slot]:
        """The videos that sessions have, had, or lack."""
        return await self._taker.load_slots()

    async def assign(self, name: str, session_id: str, author: str, *, replace: bool = False, part: int = 0) -> None:
        """Make a file the recording of a session, whatever its length and name say.

        Args:
            name: of an item of the list.
            session_id: the session.
            author: who says so, for the log.
            replace: take the place of the recording that the session has.
            part: which part of a session of several; 0: the one whose length is nearest.

        Raises:
            NotFound: there is no such file, session or part.
            Conflict: the session has not ended, or has its recording and `replace` is false; the file is being taken.
            BadInput: the file cannot be a recording.
        """
        entry = self._require(name)
        if name in self._job_names:
            raise WrongState(f"{name}: is being taken already", hint="stop that first", code=Refusal.FILE_TAKEN)
        info = await self._reader.scan(entry)
        if entry.code is not None or not isinstance(info, MediaInfo):
            raise BadInput(f"{name}: cannot be a recording", hint="download it again")
        if not info.audio_codec:
            raise BadInput(f"{name}: has no sound", hint="download it again with its sound track")
        slot = choose_part(await self._taker.load_slots(), session_id, media_ms(info), part=part)
        if slot.ended_at is None:
            message = f"session {session_id}: has not ended yet"
            raise WrongState(message, hint="assign the file after its end", code=Refusal.NOT_ENDED)
        if slot.has_recording and not replace:
            message = f"session {session_id}: has its recording already"
            raise WrongState(message, hint="choose to replace it", code=Refusal.RECORDING_THERE)
        before = await asyncio.to_thread(disk.load_slip, self.folder, entry)
        slip = make_slip(
            entry, before, session_id=session_id, part=slot.part, author=author, replace=slot.has_recording
        )
        await asyncio.to_thread(disk.save_slip, self.folder, slip)
        self._failures.pop(entry.mark, None)
        await self._taker.log(
            "recording.assign", session_id, author, {"replace": slot.has_recording, "part": slot.part}
        )
        self._wake.set()

    async def cancel(self, name: str, author: str) -> None:
        """Stop taking a file; it stays in the inbox until somebody assigns it.

        Raises:
            NotFound: there is no such file.
            Conflict: it was taken at this moment.
        """
        entry = self._require(name)
        self._stopping.add(name)  # no round may begin it again before its slip says so
        try:
            if name in self._job_names and self._job is not None:
                self._job.cancel()
                await asyncio.wait({self._job})
            if not await asyncio.to_thread(disk.is_same, entry):
                raise WrongState(
                    f"{name}: was taken at this moment", hint="look at the session", code=Refusal.FILE_GONE
                )
            before = await asyncio.to_thread(disk.load_slip, self.folder, entry)
            slip = make_slip(entry, before, session_id="", part=0, author=author)
            await asyncio.to_thread(disk.save_slip, self.folder, replace(slip, stopped=True))
        finally:
            self._stopping.discard(name)
        self._wake.set()

    def _require(self, name: str) -> Entry:
        if name not in self._entries:
            raise NotFound(f"inbox: no file {name!r}", hint="look at the list again")
        return self._entries[name]

    # The round.

    async def _keep(self) -> None:
        while True:
            try:
                await self.look()
            except StreamhubError as error:
                LOG.warning("inbox_failed %s", error)
            except Exception:  # a job's boundary
                LOG.exception("inbox_failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):  # not wait_for, which may swallow the end of this task
                    await self._wake.wait()
            self._wake.clear()

    async def look(self) -> None:
        """One round: look at every file, begin what can be begun, and let held work go on."""
        await self._taker.release_held()
        entries = await self._list_entries()
        if entries is None:
            return
        self._remember(entries)
        items = {entry.name: self._first_look(entry) for entry in entries}
        self._show(items)
        whole = [entry for entry in entries if items[entry.name].code is InboxCode.CHECKING]
        if not whole:
            return
        await self._reader.begin(await self._taker.load_slots(), whole)
        judged: list[tuple[Ready, Verdict]] = []
        unpackings: list[tuple[Entry, Unpacking]] = []
        for entry in whole:
            if entry.name in self._job_names:
                continue
            if entry.is_description:
                items[entry.name] = plain_item(entry, InboxState.WAITING, InboxCode.DESCRIPTION)
            elif entry.is_zip:
                items[entry.name] = await self._judge_zip(entry, unpackings)
            elif isinstance(info := await self._reader.scan(entry), MediaInfo):
                ready, verdict = await self._reader.weigh(entry, info)
                judged.append((ready, self._decide(ready, verdict)))
            else:
                items[entry.name] = plain_item(entry, InboxState.REFUSED, InboxCode.NO_MEDIA, {"reason": info})
        judged = settle(judged)
        self._show(items | {ready.entry.name: judged_item(ready, verdict) for ready, verdict in judged})
        self._begin(judged, unpackings)

    def _remember(self, entries: Sequence[Entry]) -> None:
        """Know these entries, and forget what is known of others."""
        self._entries = {entry.name: entry for entry in entries}
        marks = {entry.mark for entry in entries}
        self._reader.forget(marks)
        self._since = {mark: at for mark, at in self._since.items() if mark in marks}
        self._failures = {mark: failure for mark, failure in self._failures.items() if mark in marks}

    async def _list_entries(self) -> Sequence[Entry] | None:
        try:
            if self._lock is None:
                await asyncio.to_thread(disk.prepare_folder, self.folder)
                stack = contextlib.ExitStack()
                stack.enter_context(hold_file(self.folder / disk.LOCK, what=f"inbox {self.folder}"))
                self._lock = stack
            entries = await asyncio.to_thread(disk.list_folder, self.folder)
        except Conflict:
            self._trouble(InboxCode.OTHER_HUB, {})
            return None
        except (OSError, Environment) as error:
            self._trouble(InboxCode.NO_FOLDER, {"reason": getattr(error, "strerror", "") or str(error)})
            return None
        self._problem = None
        return entries

    def _trouble(self, code: InboxCode, details: Mapping[str, str]) -> None:
        if self._problem is None or self._problem[0] is not code:
            LOG.warning("inbox_unusable %s", say_inbox(code, details)[0])
        self._problem = code, details
        self._items, self._entries = {}, {}

    def _first_look(self, entry: Entry) -> InboxItem:
        """What is to be said before anything is read."""
        if entry.code is InboxCode.UNFINISHED:
            return plain_item(entry, InboxState.GROWING, entry.code)
        if entry.code is not None:
            return plain_item(entry, InboxState.REFUSED, entry.code)
        now = self._room.now()
        if now - self._since.setdefault(entry.mark, now) < self._quiet:
            return plain_item(entry, InboxState.GROWING, InboxCode.GROWING)
        if entry.size_bytes == 0:
            return plain_item(entry, InboxState.REFUSED, InboxCode.EMPTY)
        return plain_item(entry, InboxState.CHECKING, InboxCode.CHECKING)

    def _show(self, items: Mapping[str, InboxItem]) -> None:
        """Show these, but leave what is being taken as it is, and what is known while it is looked at again."""
        shown = {}
        for name, item in items.items():
            before = self._items.get(name)
            keep = name in self._job_names or (item.code is InboxCode.CHECKING and before is not None)
            known = before is not None and before.code is not InboxCode.GROWING
            shown[name] = before if keep and known and before is not None else item
        self._items = shown

    def _decide(self, ready: Ready, verdict: Verdict) -> Verdict:
        """What to do with a file: what was said about it, else what the rules say, unless it failed a moment ago."""
        slip, failure = ready.slip, self._failures.get(ready.entry.mark)
        if slip is not None and slip.stopped:
            return replace(verdict, code=InboxCode.STOPPED)
        if slip is not None and slip.session_id:
            verdict = self._decide_assigned(slip, verdict)
        if failure is None or verdict.code is not None:
            return verdict
        if failure.code is InboxCode.TRY_LATER and self._room.now() >= failure.until:
            return verdict
        return replace(verdict, code=failure.code, details={"reason": failure.reason})

    def _decide_assigned(self, slip: Slip, matched: Verdict) -> Verdict:
        slot = next((slot for slot in self._reader.slots if slot.key == (slip.session_id, slip.part)), None)
        if slot is None:
            return matched
        code = InboxCode.NOT_ENDED if slot.ended_at is None else None
        return replace(matched, slot=slot, code=code, details={"title": slot.title}, strength=9)

    async def _judge_zip(self, entry: Entry, unpackings: MutableSequence[tuple[Entry, Unpacking]]) -> InboxItem:
        """What to say about an archive; one that can be unpacked now is added to the list."""
        content = await self._reader.read_zip(entry)
        if isinstance(content, BadMedia):
            return plain_item(entry, InboxState.REFUSED, InboxCode.ZIP_BROKEN, {"reason": content.message})
        if isinstance(content, BadInput):
            return plain_item(entry, InboxState.REFUSED, InboxCode(content.message))
        failure = self._failures.get(entry.mark)
        if failure and self._room.now() < failure.until:
            return plain_item(entry, InboxState.FAILED, failure.code, {"reason": failure.reason})
        slip = await asyncio.to_thread(disk.load_slip, self.folder, entry)
        if slip is not None and slip.stopped:
            return plain_item(entry, InboxState.WAITING, InboxCode.STOPPED)
        plan = await self._reader.plan_zip(entry, content)
        if not plan:
            count = {"count": str(len(content.videos))}
            return plain_item(entry, InboxState.WAITING, InboxCode.ZIP_NOTHING, count)
        unpackings.append((entry, plan))
        return plain_item(entry, InboxState.CHECKING, InboxCode.CHECKING)

    # Taking.

    def _begin(self, judged: Sequence[tuple[Ready, Verdict]], unpackings: Sequence[tuple[Entry, Unpacking]]) -> None:
        """Begin one job if none runs; the next round begins the next one."""
        if self._job is not None and not self._job.done():
            return
        for entry, plan in unpackings:
            if entry.name not in self._stopping:
                item = plain_item(entry, InboxState.TAKING, InboxCode.UNPACKING)
                self._run([item], [entry], partial(self._taker.unpack, entry, plan))
                return
        if job := plan_job([one for one in judged if one[0].entry.name not in self._stopping]):
            self._run(
                [taking_item(ready, slot) for ready, slot in job.files],
                [ready.entry for ready, _ in job.files],
                partial(self._taker.take, job),
            )

    def _run(
        self, items: Sequence[InboxItem], entries: Sequence[Entry], work: Callable[[Advance], Awaitable[None]]
    ) -> None:
        """Run a job beside the rounds; its items show how far it is."""
        self._job_names = frozenset(item.name for item in items)
        self._items |= {item.name: item for item in items}
        self._progress = 0.0

        def advance(done: float) -> None:
            self._progress = done

        async def run() -> None:
            try:
                await work(advance)
            except StreamhubError as error:
                self._note_failure(entries, error)
            except Exception as error:  # a job's boundary
                LOG.exception("inbox_job_failed")
                self._note_failure(entries, Environment(type(error).__name__))

        def end(_: asyncio.Task[None]) -> None:  # no `finally`: a task that is stopped before its first step has none
            self._job_names = frozenset()
            self._wake.set()

        self._job = asyncio.create_task(run(), name="inbox-job")
        self._job.add_done_callback(end)

    def _note_failure(self, entries: Sequence[Entry], error: StreamhubError) -> None:
        """Remember why it failed: a file that is bad stays refused, everything else is tried again later."""
        code = InboxCode.NO_MEDIA if isinstance(error, BadInput) else InboxCode.TRY_LATER
        for entry in entries:
            before = self._failures.get(entry.mark)
            tries = before.tries + 1 if before else 1
            until = self._room.now() + timedelta(seconds=min(_LONGEST_PAUSE_S, 30.0 * 2**tries))
            self._failures[entry.mark] = _Failure(tries, until, code, error.message)
            LOG.warning("inbox_file_failed file=%r tries=%d %s", entry.name, tries, error)
