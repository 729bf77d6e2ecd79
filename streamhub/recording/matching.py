"""Which session a dropped file belongs to: pure rules, and everything about it that a host may have to be told.

Owns the words of the inbox: one code each, with the English sentence that is the message id of the web catalogue.
Refuses to know folders, files and platforms: it gets names, lengths and what stood beside a file, and gives a verdict.
Nothing is guessed: what several sessions fit, or none, is left to a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from streamhub.errors import BadInput
from streamhub.text import fold
from streamhub.timecode import format_clock, ms_between, parse_instant, require_zone

LEAST_TOLERANCE_MS = 60_000
SHOWN_CANDIDATES = 8
_CUT_NAME_LENGTH = 40  # exports cut long titles to about 47 characters; a shorter name is no title cut off
_MAX_CELL_LENGTH = 200
_COPY_NUMBER = re.compile(r"\s*\(\d{1,3}\)$")
_ISO_DATE = re.compile(r"(?<!\d)(20\d\d)[-_. ]?([01]\d)[-_. ]?([0-3]\d)(?!\d)")
_GERMAN_DATE = re.compile(r"(?<!\d)([0-3]?\d)\.([01]?\d)\.(20\d\d)(?!\d)")


class InboxState(StrEnum):
    """Where a file of the inbox stands."""

    GROWING = "growing"
    CHECKING = "checking"
    WAITING = "waiting"
    TAKING = "taking"
    FAILED = "failed"
    REFUSED = "refused"


class InboxCode(StrEnum):
    """Everything that a host may have to be told about a file of the inbox."""

    GROWING = "growing"
    UNFINISHED = "unfinished"
    CHECKING = "checking"
    TAKING = "taking"
    UNPACKING = "unpacking"
    DESCRIPTION = "description"
    EMPTY = "empty"
    BAD_NAME = "bad_name"
    LINK = "link"
    FOLDER = "folder"
    NO_MEDIA = "no_media"
    NO_SOUND = "no_sound"
    NO_PICTURE = "no_picture"
    NOTHING_FITS = "nothing_fits"
    SEVERAL_FIT = "several_fit"
    SEVERAL_FILES = "several_files"
    OTHER_LENGTH = "other_length"
    NOT_ENDED = "not_ended"
    HAS_RECORDING = "has_recording"
    PART_WAITS = "part_waits"
    STOPPED = "stopped"
    TRY_LATER = "try_later"
    ZIP_BROKEN = "zip_broken"
    ZIP_LOCKED = "zip_locked"
    ZIP_BOMB = "zip_bomb"
    ZIP_NOTHING = "zip_nothing"
    OTHER_HUB = "other_hub"
    NO_FOLDER = "no_folder"


C = InboxCode

SENTENCES: Mapping[InboxCode, tuple[str, str]] = MappingProxyType(
    {
        C.GROWING: ("The file is still growing.", "Nothing to do; it is looked at when it is whole."),
        C.UNFINISHED: ("A download is not finished yet.", "Nothing to do; it is looked at under its final name."),
        C.CHECKING: ("The file is being read.", "Nothing to do."),
        C.TAKING: ("The file is being taken as the recording of “%(title)s”.", "Nothing to do."),
        C.UNPACKING: ("The archive is being unpacked.", "Nothing to do."),
        C.DESCRIPTION: ("The file describes videos; it helps to match them.", "Leave it here until they are taken."),
        C.EMPTY: ("The file is empty (0 bytes).", "Download it again."),
        C.BAD_NAME: ("The file's name holds control characters.", "Give it another name."),
        C.LINK: ("This is a link and no file.", "Copy the file itself here."),
        C.FOLDER: ("This is a folder.", "Drop the files themselves here, or the ZIP file."),
        C.NO_MEDIA: ("The file cannot be read as a recording (%(reason)s).", "Download it again, as MP4."),
        C.NO_SOUND: ("The file has no sound.", "Download it again with its sound track."),
        C.NO_PICTURE: (
            "The file has no picture, but a broadcast had one.",
            "Assign it all the same if the sound is enough.",
        ),
        C.NOTHING_FITS: (
            "The file fits no session by id, title, or length and date.",
            "Assign it to its session.",
        ),
        C.SEVERAL_FIT: ("The file fits several sessions.", "Assign it to the right one."),
        C.SEVERAL_FILES: ("Several files fit “%(title)s”: %(files)s.", "Assign the right one; the others stay here."),
        C.OTHER_LENGTH: (
            "The file is %(seen)s long, but “%(title)s” lasted %(expected)s.",
            "If it was cut, assign it all the same; if the platform is still at work, download it again later.",
        ),
        C.NOT_ENDED: ("“%(title)s” has not ended yet.", "Nothing to do; the file is taken after the end."),
        C.HAS_RECORDING: ("“%(title)s” has its recording already.", "Replace it if this file is the better one."),
        C.PART_WAITS: (
            "The file is part %(part)s of %(parts)s of “%(title)s”; part %(missing)s is still missing.",
            "Drop the other parts here too; they are joined then.",
        ),
        C.STOPPED: ("Taking the file was stopped.", "Assign it to its session to begin again."),
        C.TRY_LATER: ("The file could not be taken (%(reason)s).", "Nothing is lost; the hub tries again by itself."),
        C.ZIP_BROKEN: ("The ZIP file is broken (%(reason)s).", "Download it again."),
        C.ZIP_LOCKED: ("The ZIP file is protected by a password.", "Unpack it, and drop the videos here."),
        C.ZIP_BOMB: (
            "The ZIP file claims to hold far more than its size allows.",
            "Unpack it by hand if you trust it, and drop the videos here.",
        ),
        C.ZIP_NOTHING: (
            "None of the %(count)s videos in the ZIP file bears the id or title of a session without recording.",
            "Unpack it, and drop the video that is meant here.",
        ),
        C.OTHER_HUB: ("Another hub works on this inbox.", "Give each hub a folder of its own (inbox_dir)."),
        C.NO_FOLDER: ("The inbox folder cannot be used (%(reason)s).", "Check the folder and its rights."),
    }
)


class Reason(StrEnum):
    """Why a session may be the one, or may not."""

    SAME_ID = "same_id"
    SAME_TITLE = "same_title"
    SAME_LENGTH = "same_length"
    SAME_DATE = "same_date"
    OTHER_LENGTH = "other_length"
    NOT_ENDED = "not_ended"
    HAS_RECORDING = "has_recording"


REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.SAME_ID: "same id",
        Reason.SAME_TITLE: "same title",
        Reason.SAME_LENGTH: "same length",
        Reason.SAME_DATE: "same date",
        Reason.OTHER_LENGTH: "another length",
        Reason.NOT_ENDED: "has not ended yet",
        Reason.HAS_RECORDING: "has its recording already",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """One video that a session has, or had: the whole of it, or a part of one that went on in another broadcast.

    Attributes:
        session_id, title: whose it is.
        ids: what may stand in a file's name: the platform's id of the broadcast, and our own where there is one part.
        titles: other ways in which the platform may write its title.
        zone: the session's time zone, for dates.
        part, parts: which of how many, from 1.
        started_at: when the video begins, UTC.
        ended_at: when it ends, UTC; None while it has not.
        has_recording: whether the session has a whole recording already.
        waits: whether the session's work waits for a recording.
    """

    session_id: str
    title: str
    ids: frozenset[str] = frozenset()
    titles: tuple[str, ...] = ()
    zone: str = "Europe/Berlin"
    part: int = 1
    parts: int = 1
    started_at: datetime
    ended_at: datetime | None = None
    has_recording: bool = False
    waits: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """Session and part."""
        return self.session_id, self.part

    @property
    def expected_ms(self) -> int | None:
        """How long the video should be; None while it is not over."""
        return None if self.ended_at is None else max(0, ms_between(self.started_at, self.ended_at))

    def fits_length(self, duration_ms: int) -> bool:
        """Whether a length is this one's, within 2 % or a minute."""
        expected_ms = self.expected_ms
        if expected_ms is None:
            return False
        return abs(duration_ms - expected_ms) <= max(LEAST_TOLERANCE_MS, expected_ms // 50)


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFacts:
    """What is known of a file.

    Attributes:
        name: its own name, ending included.
        notes: what stood about it in descriptions beside it: ids, titles, instants.
        duration_ms: by packet scan; 0 while it was not scanned.
        has_audio, has_video: what is in it.
    """

    name: str
    notes: frozenset[str] = frozenset()
    duration_ms: int = 0
    has_audio: bool = True
    has_video: bool = True

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return stem_of(self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A session that a file may belong to.

    Attributes:
        session_id, title: the session.
        part, parts: which part of it, from 1.
        started_at: when it began, UTC.
        reasons: what speaks for it and against it.
    """

    session_id: str
    title: str
    part: int = 1
    parts: int = 1
    started_at: datetime
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What is to be done with a file.

    Attributes:
        slot: where it belongs; None when that is for a person to say.
        code: what stands in the way; None: it can be taken.
        details: what the code's sentence is filled with.
        candidates: the sessions that it may belong to, the likeliest first.
        strength: how sure the match is; of two files for one session the stronger one is taken.
    """

    slot: Slot | None = None
    code: InboxCode | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    strength: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxItem:
    """One file of the inbox, as a page shows it.

    Attributes:
        name: the file's name, made harmless to show; what `assign` and `cancel` take.
        size_bytes: as seen last.
        state: where it stands.
        code: what to say about it.
        details: what the sentence is filled with.
        candidates: the sessions that it may belong to, the likeliest first.
        progress: how much is done while it is taken, 0 to 1.
        duration_ms: its length; 0 while unknown.
    """

    name: str
    size_bytes: int
    state: InboxState
    code: InboxCode
    details: Mapping[str, str] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    progress: float = 0.0
    duration_ms: int = 0


def say_inbox(code: InboxCode, details: Mapping[str, str]) -> tuple[str, str]:
    """What is the matter and what to do, in English, for logs and the command line."""
    what, advice = SENTENCES[code]
    return what % _Filled(details), advice % _Filled(details)


class _Filled(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def stem_of(name: str) -> str:
    """A file's name without its ending and without the number that a browser gives to a second download."""
    head, dot, ending = name.rpartition(".")
    stem = head if dot and head and len(ending) <= 5 else name
    return _COPY_NUMBER.sub("", stem)


@lru_cache(maxsize=4096)
def title_key(text: str) -> str:
    """A title as it is compared: folded, letters and digits only, because platforms replace the rest in file names."""
    return "".join(re.findall(r"[^\W_]+", fold(text)))


def holds_id(text: str, ident: str) -> bool:
    """Whether an id stands in a text, not as a piece of a longer word."""
    return bool(ident) and re.search(rf"(?<![A-Za-z0-9]){re.escape(ident)}(?![A-Za-z0-9])", text) is not None


def dates_in(text: str) -> frozenset[date]:
    """The dates that stand in a name, as ``2027-03-02``, ``20270302`` or ``2.3.2027``."""
    found = [(int(y), int(m), int(d)) for y, m, d in _ISO_DATE.findall(text)]
    found += [(int(y), int(m), int(d)) for d, m, y in _GERMAN_DATE.findall(text)]
    dates = set()
    for year, month, day in found:
        try:
            dates.add(date(year, month, day))
        except ValueError:
            continue
    return frozenset(dates)


def notes_about(name: str, rows: Iterable[Sequence[str]]) -> frozenset[str]:
    """What descriptions say about a file: the cells of every row that holds its title, whatever the columns are called.

    Long cells are left out: a description may name other videos.
    """
    stem = stem_of(name)
    return frozenset(
        cell for row in rows if any(_is_title(stem, cell) for cell in row) for cell in row if _is_short(cell)
    )


def match_file(facts: FileFacts, slots: Sequence[Slot]) -> Verdict:
    """Which session a file belongs to: by id, else by title, else by length and date; then whether it may be taken."""
    weighed = [(slot, weigh(facts, slot)) for slot in slots]
    tests = (3, {Reason.SAME_ID}), (2, {Reason.SAME_TITLE}), (1, {Reason.SAME_LENGTH, Reason.SAME_DATE})
    pools = ((strength, [(s, r) for s, r in weighed if wanted <= set(r)]) for strength, wanted in tests)
    strength, pool = next(((strength, pool) for strength, pool in pools if pool), (0, []))
    pool = _narrow(pool)
    if not pool:
        likely = [(s, r) for s, r in weighed if r and not {Reason.HAS_RECORDING, Reason.NOT_ENDED} & set(r)]
        likely.sort(key=lambda entry: _rank(facts, *entry))
        return Verdict(code=C.NOTHING_FITS, candidates=_candidates(likely))
    pool.sort(key=lambda entry: _rank(facts, *entry))
    if len(pool) > 1:
        return Verdict(code=C.SEVERAL_FIT, candidates=_candidates(pool), strength=strength)
    code, details = check_slot(facts, pool[0][0])
    return Verdict(slot=pool[0][0], code=code, details=details, candidates=_candidates(pool), strength=strength)


def check_slot(facts: FileFacts, slot: Slot) -> tuple[InboxCode | None, Mapping[str, str]]:
    """What keeps a file from being taken for a session, and the details of that; None when nothing does."""
    details = {"title": slot.title}
    if slot.ended_at is None:
        return C.NOT_ENDED, details
    if slot.has_recording:
        return C.HAS_RECORDING, details
    if not facts.has_audio:
        return C.NO_SOUND, {}
    if not facts.has_video:
        return C.NO_PICTURE, {}
    if not slot.fits_length(facts.duration_ms):
        seen, expected = format_clock(facts.duration_ms), format_clock(slot.expected_ms or 0)
        return C.OTHER_LENGTH, {**details, "seen": seen, "expected": expected}
    return None, {}


def weigh(facts: FileFacts, slot: Slot) -> tuple[Reason, ...]:
    """What speaks for a session and against it."""
    reasons = []
    if any(holds_id(facts.stem, ident) or any(_is_id(note, ident) for note in facts.notes) for ident in slot.ids):
        reasons.append(Reason.SAME_ID)
    names = (facts.stem, *facts.notes)
    if any(_is_title(name, title) for name in names for title in (slot.title, *slot.titles)):
        reasons.append(Reason.SAME_TITLE)
    if facts.duration_ms and slot.ended_at is not None:
        reasons.append(Reason.SAME_LENGTH if slot.fits_length(facts.duration_ms) else Reason.OTHER_LENGTH)
    if _dates_of(facts, slot.zone) & _days_of(slot):
        reasons.append(Reason.SAME_DATE)
    if slot.ended_at is None:
        reasons.append(Reason.NOT_ENDED)
    if slot.has_recording:
        reasons.append(Reason.HAS_RECORDING)
    return tuple(reasons)


_Weighed = tuple[Slot, tuple[Reason, ...]]


def _narrow(pool: list[_Weighed]) -> list[_Weighed]:
    """Of several that fit, those that date and length speak for; all of them where neither does."""
    for wanted in (Reason.SAME_DATE, Reason.SAME_LENGTH):
        if len(pool) > 1:
            pool = [entry for entry in pool if wanted in entry[1]] or pool
    return pool


def _rank(facts: FileFacts, slot: Slot, reasons: tuple[Reason, ...]) -> tuple[int, int, int, float, tuple[str, int]]:
    strong = (Reason.SAME_ID, Reason.SAME_TITLE, Reason.SAME_DATE, Reason.SAME_LENGTH)
    weight = sum(8 >> n for n, reason in enumerate(strong) if reason in reasons)
    away_ms = abs(facts.duration_ms - (slot.expected_ms or 0))
    return -weight, -int(slot.waits), away_ms, -slot.started_at.timestamp(), slot.key


def _candidates(pool: Sequence[_Weighed]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            session_id=slot.session_id,
            title=slot.title,
            part=slot.part,
            parts=slot.parts,
            started_at=slot.started_at,
            reasons=reasons,
        )
        for slot, reasons in pool[:SHOWN_CANDIDATES]
    )


def _is_title(name: str, title: str) -> bool:
    """Whether a name is a title, or a long title's beginning."""
    name_key, key = title_key(name), title_key(title)
    if not name_key or not key:
        return False
    return name_key == key or (len(name) >= _CUT_NAME_LENGTH and key.startswith(name_key))


def _is_short(cell: str) -> bool:
    return 0 < len(cell) <= _MAX_CELL_LENGTH


def _is_id(note: str, ident: str) -> bool:
    """Whether a cell is an id, or an address that ends with it."""
    return note == ident or (" " not in note and "://" in note and holds_id(note, ident))


def _dates_of(facts: FileFacts, zone: str) -> frozenset[date]:
    dates = set(dates_in(facts.stem))
    for note in facts.notes:
        try:
            dates.add(parse_instant(note).astimezone(require_zone(zone, what="session")).date())
        except BadInput:
            continue
    return frozenset(dates)


def _days_of(slot: Slot) -> frozenset[date]:
    zone = require_zone(slot.zone, what=f"session {slot.session_id}")
    return frozenset({slot.started_at.astimezone(zone).date(), slot.started_at.date()})
