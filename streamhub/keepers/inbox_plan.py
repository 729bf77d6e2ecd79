"""Plans of the inbox: which videos sessions have, which of several files goes, and what can be taken now. Pure.

Owns the step from verdicts about single files to one job. Refuses to know the disk, the engine and how media is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from streamhub.errors import NotFound
from streamhub.keepers.inbox_folder import Entry, Row, Slip, ZipContent
from streamhub.recording.matching import (
    FileFacts,
    InboxCode,
    InboxItem,
    InboxState,
    Reason,
    Slot,
    Verdict,
    notes_about,
    weigh,
)
from streamhub.schedule.show import LOCAL, Session, SessionState, Show
from streamhub.store.broadcasts import BroadcastRow

_WAITS = frozenset({SessionState.ENDED, SessionState.PROCESSING})


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """A whole media file and what is known of it."""

    entry: Entry
    facts: FileFacts
    slip: Slip | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Files that become the recording of a session, in order of their parts."""

    files: tuple[tuple[Ready, Slot], ...]
    author: str = ""
    replaces: bool = False

    @property
    def session_id(self) -> str:
        """Whose recording it becomes."""
        return self.files[0][1].session_id


def plan_slots(session: Session, show: Show, rows: Sequence[BroadcastRow], *, has_recording: bool) -> list[Slot]:
    """The videos that a session has or had: one a broadcast, or one in all where no platform showed it."""
    if session.started_at is None:
        return []
    begun = [row for row in rows if row.ref and row.platform != LOCAL]
    begun = [row for row in begun if row.started_at is not None] or begun[-1:]
    whole = Slot(
        session_id=session.id,
        title=session.title,
        ids=frozenset({session.id}),
        titles=(f"{show.title} {session.title}", f"{session.title} {show.title}"),
        zone=session.zone,
        started_at=session.started_at,
        ended_at=session.ended_at,
        has_recording=has_recording,
        waits=not has_recording and session.state in _WAITS,
    )
    if not begun:
        return [whole]
    # A part's title is the session's with a number; how it is written there is the platform's own affair.
    own = whole.ids if len(begun) == 1 else frozenset()
    return [
        replace(
            whole,
            ids=own | {row.ref},
            part=number,
            parts=len(begun),
            started_at=row.started_at or session.started_at,
            ended_at=_end_of(row, session),
        )
        for number, row in enumerate(begun, 1)
    ]


def _end_of(row: BroadcastRow, session: Session) -> datetime | None:
    if session.ended_at is None:
        return None
    return row.ended_at or session.ended_at


def choose_part(slots: Iterable[Slot], session_id: str, duration_ms: int, *, part: int) -> Slot:
    """The video of a session that a file is: the part that was named, or the one whose length is nearest.

    Raises:
        NotFound: no such session was live, or it has no such part.
    """
    fitting = [slot for slot in slots if slot.session_id == session_id and part in (0, slot.part)]
    if not fitting:
        raise NotFound(
            f"session {session_id}: is not there, was never live, or has no such part", hint="choose another session"
        )
    return min(fitting, key=lambda slot: abs(duration_ms - (slot.expected_ms or 0)))


def settle(judged: list[tuple[Ready, Verdict]]) -> list[tuple[Ready, Verdict]]:
    """Of several files for one place only the surest goes; where two are as sure, a person chooses."""
    places: dict[tuple[str, int], list[tuple[Ready, Verdict]]] = {}
    for ready, verdict in judged:
        if verdict.slot is not None and verdict.code is None:
            places.setdefault(verdict.slot.key, []).append((ready, verdict))
    losers: dict[str, Verdict] = {}
    for rivals in places.values():
        best = max(verdict.strength for _, verdict in rivals)
        winners = [ready for ready, verdict in rivals if verdict.strength == best]
        alike = len({(ready.entry.size_bytes, ready.facts.duration_ms) for ready in winners}) == 1
        names = ", ".join(ready.entry.name for ready, _ in rivals)
        for ready, verdict in rivals:
            if not alike or ready is not winners[0]:
                details = {**verdict.details, "files": names, "title": verdict.slot.title if verdict.slot else "?"}
                losers[ready.entry.name] = replace(verdict, code=InboxCode.SEVERAL_FILES, details=details)
    return _await_parts([(ready, losers.get(ready.entry.name, verdict)) for ready, verdict in judged])


def _await_parts(judged: list[tuple[Ready, Verdict]]) -> list[tuple[Ready, Verdict]]:
    """Hold back the parts of a session until all of them are there."""
    there: dict[str, set[int]] = {}
    for _, verdict in judged:
        if verdict.slot is not None and verdict.code is None:
            there.setdefault(verdict.slot.session_id, set()).add(verdict.slot.part)
    settled = []
    for ready, verdict in judged:
        slot = verdict.slot
        if slot is not None and verdict.code is None:
            missing = [str(n) for n in range(1, slot.parts + 1) if n not in there[slot.session_id]]
            if missing:
                details = {"title": slot.title, "part": str(slot.part), "parts": str(slot.parts)}
                details["missing"] = ", ".join(missing)
                verdict = replace(verdict, code=InboxCode.PART_WAITS, details=details)
        settled.append((ready, verdict))
    return settled


def plan_job(judged: Sequence[tuple[Ready, Verdict]]) -> Job | None:
    """The first session whose files are all there."""
    free = [(ready, verdict.slot) for ready, verdict in judged if verdict.code is None and verdict.slot is not None]
    if not free:
        return None
    session_id = free[0][1].session_id
    files = sorted(((r, slot) for r, slot in free if slot.session_id == session_id), key=lambda file: file[1].part)
    slips = [ready.slip for ready, _ in files if ready.slip is not None and ready.slip.session_id]
    return Job(
        files=tuple(files),
        author=next((slip.author for slip in slips if slip.author), ""),
        replaces=any(slip.replace for slip in slips),
    )


def plan_unpacking(content: ZipContent, slots: Sequence[Slot], rows: Sequence[Row]) -> Mapping[int, tuple[str, ...]]:
    """The videos of an archive that bear the id or title of a session without a recording, with what stands about each.

    Videos go by their place in the archive's own list.
    """
    missing = [slot for slot in slots if not slot.has_recording]
    plan = {}
    for number, name in content.videos.items():
        notes = notes_about(name, rows)
        facts = FileFacts(name=name, notes=notes)
        if any({Reason.SAME_ID, Reason.SAME_TITLE} & set(weigh(facts, slot)) for slot in missing):
            plan[number] = tuple(sorted(notes))
    return plan


def make_slip(
    entry: Entry, before: Slip | None, *, session_id: str, part: int, author: str = "", replace: bool = False
) -> Slip:
    """A slip that says where a file belongs; what stood about it before stays."""
    return Slip(
        name=entry.name,
        size_bytes=entry.size_bytes,
        mtime_ns=entry.mtime_ns,
        session_id=session_id,
        part=part,
        author=author,
        replace=replace,
        notes=before.notes if before else (),
    )


def plain_item(entry: Entry, state: InboxState, code: InboxCode, details: Mapping[str, str] | None = None) -> InboxItem:
    """An item about which nothing more is known."""
    return InboxItem(name=entry.name, size_bytes=entry.size_bytes, state=state, code=code, details=details or {})


def judged_item(ready: Ready, verdict: Verdict) -> InboxItem:
    """A media file with its verdict."""
    states = {
        None: InboxState.CHECKING,
        InboxCode.NO_SOUND: InboxState.REFUSED,
        InboxCode.NO_MEDIA: InboxState.REFUSED,
        InboxCode.TRY_LATER: InboxState.FAILED,
    }
    return InboxItem(
        name=ready.entry.name,
        size_bytes=ready.entry.size_bytes,
        state=states.get(verdict.code, InboxState.WAITING),
        code=verdict.code or InboxCode.CHECKING,
        details=verdict.details,
        candidates=verdict.candidates,
        duration_ms=ready.facts.duration_ms,
    )


def taking_item(ready: Ready, slot: Slot) -> InboxItem:
    """A file that is being taken."""
    item = plain_item(ready.entry, InboxState.TAKING, InboxCode.TAKING, {"title": slot.title})
    return replace(item, duration_ms=ready.facts.duration_ms)
