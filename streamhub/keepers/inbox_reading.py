"""Reading the inbox: what is in its files, what stands about them, and what the rules say of that, each only once.

Owns the memory of what was read; losing it costs time only. All of it runs in threads, so that a hub with many files
and sessions answers its viewers meanwhile. Refuses to decide what is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streamhub.errors import BadInput, BadMedia
from streamhub.keepers import inbox_folder as disk
from streamhub.keepers.inbox_folder import Entry, Row, Slip, ZipContent
from streamhub.keepers.inbox_plan import Ready, plan_unpacking
from streamhub.recording.matching import FileFacts, Slot, Verdict, match_file, notes_about
from streamhub.recording.media import Scanner
from streamhub.recording.recording import MediaInfo
from streamhub.recording.rules import media_ms

Mark = tuple[str, int, int]
Unpacking = Mapping[int, tuple[str, ...]]


@dataclass(slots=True)
class _Memory:
    scans: dict[Mark, MediaInfo | str] = field(default_factory=dict)
    zips: dict[Mark, ZipContent | BadInput] = field(default_factory=dict)
    rows: dict[Mark, tuple[Row, ...]] = field(default_factory=dict)
    verdicts: dict[Mark, tuple[tuple[str, ...], FileFacts, Verdict]] = field(default_factory=dict)
    plans: dict[Mark, Unpacking] = field(default_factory=dict)


class Reader:
    """Reads files of the inbox.

    Args:
        folder: the inbox.
        scanner: reads media.

    Attributes:
        slots: the videos that sessions have or lack, as of this round.
        rows: what all descriptions say, as of this round.
    """

    def __init__(self, folder: Path, scanner: Scanner) -> None:
        self._folder = folder
        self._scanner = scanner
        self._memory = _Memory()
        self._sources: frozenset[Mark] = frozenset()
        self.slots: Sequence[Slot] = ()
        self.rows: Sequence[Row] = ()

    def forget(self, marks: set[Mark]) -> None:
        """Keep only what belongs to files that are still there."""
        memory = self._memory
        for known in (memory.scans, memory.zips, memory.rows, memory.verdicts, memory.plans):
            for mark in [mark for mark in known if mark not in marks]:
                del known[mark]

    async def begin(self, slots: Sequence[Slot], entries: Sequence[Entry]) -> None:
        """Begin a round: read the descriptions, and forget verdicts that rest on other sessions or descriptions."""
        telling = [entry for entry in entries if entry.is_zip or entry.is_description]
        sources = frozenset(entry.mark for entry in telling)
        if slots != self.slots or sources != self._sources:
            self._memory.verdicts.clear()
            self._memory.plans.clear()
        self.slots, self._sources = slots, sources
        # An export in several archives may have its descriptions in another one than the video.
        self.rows = [row for entry in telling for row in await self._rows_of(entry)]

    async def _rows_of(self, entry: Entry) -> Sequence[Row]:
        if entry.is_zip:
            content = await self.read_zip(entry)
            return content.rows if isinstance(content, ZipContent) else ()
        if entry.mark not in self._memory.rows:
            self._memory.rows[entry.mark] = await asyncio.to_thread(disk.load_rows, entry.path)
        return self._memory.rows[entry.mark]

    async def scan(self, entry: Entry) -> MediaInfo | str:
        """What is in a media file, or why that cannot be said."""
        if entry.mark not in self._memory.scans:
            if not await asyncio.to_thread(disk.is_same, entry):
                return "it changed"
            try:
                self._memory.scans[entry.mark] = await asyncio.to_thread(self._scanner.scan, entry.path)
            except BadMedia as error:
                self._memory.scans[entry.mark] = error.message.removeprefix(f"{entry.path.name}: ")
        return self._memory.scans[entry.mark]

    async def read_zip(self, entry: Entry) -> ZipContent | BadInput:
        """What is in an archive, or why that cannot be said."""
        if entry.mark not in self._memory.zips:
            try:
                self._memory.zips[entry.mark] = await asyncio.to_thread(disk.read_zip, entry.path)
            except BadInput as error:
                self._memory.zips[entry.mark] = error
        return self._memory.zips[entry.mark]

    async def plan_zip(self, entry: Entry, content: ZipContent) -> Unpacking:
        """Which of an archive's videos some session lacks, and what stands about each."""
        if entry.mark not in self._memory.plans:
            plan = await asyncio.to_thread(plan_unpacking, content, self.slots, self.rows)
            self._memory.plans[entry.mark] = plan
        return self._memory.plans[entry.mark]

    async def weigh(self, entry: Entry, info: MediaInfo) -> tuple[Ready, Verdict]:
        """What the rules say of a media file."""
        slip = await asyncio.to_thread(disk.load_slip, self._folder, entry)
        notes = slip.notes if slip else ()
        known = self._memory.verdicts.get(entry.mark)
        if known is None or known[0] != notes:
            known = notes, *(await asyncio.to_thread(self._match, entry, info, slip))
            self._memory.verdicts[entry.mark] = known
        return Ready(entry=entry, facts=known[1], slip=slip), known[2]

    def _match(self, entry: Entry, info: MediaInfo, slip: Slip | None) -> tuple[FileFacts, Verdict]:
        facts = FileFacts(
            name=entry.name,
            notes=notes_about(entry.name, self.rows) | frozenset(slip.notes if slip else ()),
            duration_ms=media_ms(info),
            has_audio=bool(info.audio_codec),
            has_video=bool(info.video_codec),
        )
        return facts, match_file(facts, self.slots)
