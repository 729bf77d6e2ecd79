"""What is known and what is wanted of the videos of a session: the sums of the keeper beside it. Pure but for the rows.

Owns the marks by which an effect is told to be outdated, what is kept of a video between two looks, and how long is
waited after a failure. Refuses to know platforms and disks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from sqlite_utils import Database

from streamhub.archive.archived import ArchivedRecording
from streamhub.archive.blurb import Blurb
from streamhub.errors import Fault, PlatformError
from streamhub.live.platform import Phase
from streamhub.live.problem import Problem, problem_of
from streamhub.live.thumbnail import Face, Plate
from streamhub.live.video import Video, VideoState
from streamhub.schedule.public import PublicSession
from streamhub.schedule.show import Participant, Role, SessionTimes, Show
from streamhub.store.broadcasts import BroadcastRow, list_broadcasts
from streamhub.store.effects import Effect, is_approved, list_effects
from streamhub.store.public import preview_session
from streamhub.store.shows import load_show
from streamhub.timecode import format_instant, parse_instant

LOOK_AFTER_S = 20.0
LOOK_MOST_S = 1_800.0
LOOK_UNTIL = timedelta(hours=48)
GONE_LOOKS_S = (3_600.0, 21_600.0, 86_400.0)
"""Waits between looks at a video that was not found: one empty answer deletes nothing."""
SETTLE_S: Mapping[str, float] = {"captions": 1_800.0, "description": 300.0}
"""Seconds between two writes of the same: answers are often published one by one, and captions are dear."""
NOTHING = "-"
"""Mark of captions that were taken away; as a ``ref``, of captions that are a person's."""
AGAIN = "again"
"""Mark of what a host wants to be tried again."""

_WAITS_S = (60.0, 300.0, 900.0, 3_600.0)
_PATIENCE_S: Mapping[Fault, float | None] = {
    Fault.AUTH: 300.0,
    Fault.NOT_ALLOWED: 6 * 3_600.0,
    Fault.LIMIT: 24 * 3_600.0,
    Fault.QUOTA: 3_600.0,
    Fault.BAD_INPUT: None,
}


class Kind(StrEnum):
    """What is kept of a video; the kinds of `streamhub.store.effects.Effect`."""

    THUMBNAIL = "thumbnail"
    VIDEO = "video"
    RECORDING = "recording"
    CAPTIONS = "captions"
    PLAYLIST = "playlist"
    DESCRIPTION = "description"
    WISH = "wish"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the hub knows of a session's videos.

    Attributes:
        rows: its broadcasts, by part.
        effects: by platform, part, kind and name.
        approved: whether a host let the descriptions follow the archive.
    """

    session: PublicSession
    show: Show
    rows: tuple[BroadcastRow, ...]
    effects: Mapping[tuple[str, int, str, str], Effect]
    approved: bool

    def effect(self, row: BroadcastRow, kind: Kind, name: str = "") -> Effect | None:
        """What is known of one thing beside a video."""
        return self.effects.get((row.platform, row.part, kind.value, name))

    def named(self, row: BroadcastRow, kind: Kind) -> tuple[str, ...]:
        """The names of what is known of a kind."""
        return tuple(key[3] for key in self.effects if key[:3] == (row.platform, row.part, kind.value))

    @property
    def fingerprint(self) -> object:
        """Changes when something may be to do."""
        rows = [(row.platform, row.part, row.ref, row.phase, row.started_at, row.ended_at) for row in self.rows]
        return (self.session, self.show, rows, self.approved)


def load_facts(db: Database, session_id: str) -> Facts:
    """What the store knows.

    Raises:
        NotFound: there is no such session.
    """
    session = preview_session(db, session_id)
    rows = tuple(list_broadcasts(db, session_id=session_id))
    effects = [
        effect for platform in {row.platform for row in rows} for effect in list_effects(db, session_id, platform)
    ]
    return Facts(
        session=session,
        show=load_show(db, session.show_id),
        rows=rows,
        effects={(one.platform, one.part, one.kind, one.name): one for one in effects},
        approved=is_approved(db, session_id),
    )


# --- what is kept of a video


def encode_video(video: Video) -> str:
    """What of a video its row keeps."""
    times = {"started_at": video.started_at, "ended_at": video.ended_at}
    kept = {
        "state": video.state.value,
        "watch_url": video.watch_url,
        "title": video.title,
        "description": video.description,
        "duration_ms": video.duration_ms,
        "reason": video.reason,
        **{name: format_instant(at) if at else None for name, at in times.items()},
    }
    return json.dumps(kept, ensure_ascii=False)


def decode_video(row: BroadcastRow, effect: Effect | None) -> Video | None:
    """The video as it was seen last; None when it was not.

    The instants of its broadcast are those of the row, which stand on the hub's clock, as the session's do. What
    is known of a broadcast that was deleted says nothing of the one that was made in its place.
    """
    if effect is None or not effect.applied or effect.ref != row.ref:
        return None
    kept = json.loads(effect.applied)
    times = {name: parse_instant(kept[name]) if kept[name] else None for name in ("started_at", "ended_at")}
    return Video(
        ref=row.ref,
        part=row.part,
        state=VideoState(kept["state"]),
        watch_url=kept["watch_url"] or row.watch_url,
        title=kept["title"],
        description=kept["description"],
        duration_ms=kept["duration_ms"],
        started_at=row.started_at or times["started_at"],
        ended_at=row.ended_at or times["ended_at"],
        reason=kept["reason"],
    )


def is_over(row: BroadcastRow, session: SessionTimes) -> bool:
    """Whether a broadcast that the public saw has ended."""
    return row.phase is Phase.ENDED and session.started_at is not None


def plan_gone_look(tries: int, now: datetime) -> datetime | None:
    """When to look again for a video that was not found so often; None: it is gone for good."""
    return now + timedelta(seconds=GONE_LOOKS_S[tries - 1]) if tries <= len(GONE_LOOKS_S) else None


def plan_look(ended_at: datetime, tries: int, now: datetime) -> datetime | None:
    """When to look again whether a video is processed; None: it has been waited long enough.

    Args:
        ended_at: when the broadcast ended.
        tries: how often it was looked at.
        now: the current instant.
    """
    if now - ended_at >= LOOK_UNTIL:
        return None
    pause_s = min(LOOK_MOST_S, LOOK_AFTER_S * 2.0 ** min(tries, 10))
    return now + timedelta(seconds=pause_s)


# --- marks


def digest(*parts: object) -> str:
    """A short digest of values; a word without spaces."""
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def make_mark(content: object, shown: Iterable[str]) -> str:
    """What an effect was made of, and the ids of the answers that it shows."""
    return " ".join((digest(content), *sorted(shown)))


def shown_in(effect: Effect | None) -> frozenset[str]:
    """Ids of the answers that something shows, or may show because nobody knows how its writing ended."""
    if effect is None:
        return frozenset()
    return frozenset([*effect.applied.split()[1:], *effect.pending.split()[1:]])


def was_written(effect: Effect | None) -> bool:
    """Whether something stands there, or may stand there."""
    return effect is not None and ((effect.applied or NOTHING) != NOTHING or (effect.pending or NOTHING) != NOTHING)


def mark_thumbnail(row: BroadcastRow, plate: Plate) -> str:
    """The mark of a picture."""
    return digest(row.ref, plate.digest)


def mark_playlist(row: BroadcastRow, show: Show) -> str:
    """The mark of a place on a show's playlist."""
    return digest(row.ref, show.id)


def mark_captions(row: BroadcastRow, text: str, shown: Iterable[str]) -> str:
    """The mark of captions."""
    return make_mark((row.ref, text), shown)


def mark_description(row: BroadcastRow, blurb: Blurb, shown: Iterable[str]) -> str:
    """The mark of a description."""
    return make_mark((row.ref, blurb.link, blurb.chapters, blurb.language), shown)


def mark_recording(recording: ArchivedRecording) -> str:
    """The mark of a recording in the archive."""
    return digest(recording)


def plan_plate(session: PublicSession, portraits: Mapping[str, bytes]) -> Plate:
    """What the picture of a session says; customers are not in it."""
    shown = [person for person in session.participants if person.role is not Role.CUSTOMER]
    ordered: Sequence[Participant] = sorted(shown, key=lambda person: person.role is not Role.HOST)
    return Plate(
        show_title=session.show.title,
        title=session.title,
        starts_at=session.starts_at,
        zone=session.zone,
        language=session.language,
        faces=tuple(Face(name=person.name, portrait=portraits.get(person.name)) for person in ordered),
    )


# --- when


def due_at(effect: Effect | None, wanted: str, *, shown: frozenset[str], now: datetime) -> datetime | None:
    """When something is to be written: now or earlier means at once, None means not before something changes.

    Args:
        effect: what is known of it.
        wanted: mark of what it should be.
        shown: ids of the answers that it should show; when one goes, nothing but a failure holds it up.
        now: the current instant.
    """
    if effect is None:
        return now
    if effect.applied == wanted and not effect.pending:
        return None
    if effect.problem is not None and (effect.pending or not effect.applied):
        if effect.problem.retry_at is None:
            return None if effect.pending == wanted else now
        return effect.problem.retry_at
    at_once = effect.pending or effect.applied.startswith(f"{AGAIN} ") or effect.applied == AGAIN
    if not at_once and was_written(effect) and shown_in(effect) <= shown:
        return max(now, effect.at + timedelta(seconds=SETTLE_S.get(effect.kind, 0.0)))
    return now


def failed(effect: Effect, error: PlatformError, now: datetime) -> Effect:
    """The effect after a failed try, with the time of the next one."""
    tries = effect.tries + 1
    wait_s = _PATIENCE_S.get(error.fault, _WAITS_S[min(tries, len(_WAITS_S)) - 1])
    retry_at = None if wait_s is None else now + timedelta(seconds=wait_s)
    if retry_at is not None and error.retry_at is not None:
        retry_at = error.retry_at if error.fault is Fault.QUOTA else max(retry_at, error.retry_at)
    problem: Problem = replace(problem_of(error), retry_at=retry_at)
    return replace(effect, problem=problem, tries=tries, at=now)
