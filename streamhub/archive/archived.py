"""The noun of the archive: an archived session, everything that the site is made from.

The archive's files hold exactly these records; `streamhub.archive.format` writes and reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from streamhub.answers.answer import Answer
from streamhub.recording.recording import ClockMap
from streamhub.schedule.show import Participant
from streamhub.transcript.transcript import Transcript

PLAYABLE = frozenset({"file", "hls"})
"""Kinds of recordings that a page can play itself; every other kind is a platform's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedRecording:
    """Where the media of a session can be had.

    Attributes:
        url: path relative to the media folder, or an https address.
        kind: ``file``, ``hls`` or a platform's name.
        label: the platform's name as people know it; empty for a file, or where nobody said.
        mime: of a file; may be empty.
        duration_ms: of the media.
        clock: session clock to media clock.
        has_video: false for sound only.
    """

    url: str
    kind: str = "file"
    label: str = ""
    mime: str = "video/mp4"
    duration_ms: int
    clock: ClockMap
    has_video: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivedSession:
    """A session as it stands in the archive.

    Attributes:
        id: session id, the folder's name.
        show_id: the show's id, the parent folder's name.
        show_title: as shown.
        title: as shown.
        starts_at: when it began, UTC.
        zone: IANA name of the host's zone.
        language: ``de`` or ``en``.
        participants: the people, host first.
        unnamed: names that the site shows by role alone.
        unclipped: names of those who are to be heard in no clip.
        recordings: media with their clock maps; empty when only text exists.
        transcripts: one per language, times on the session clock.
        translations: made by a machine, one per language, on the session clock; never words that somebody said.
        answers: all, drafts included; the site shows the published ones.
        recap: Markdown; may be empty.
        public: whether it may be shown without any answer; false for a live session until somebody publishes it.
    """

    id: str
    show_id: str
    show_title: str
    title: str
    starts_at: datetime
    zone: str = "Europe/Berlin"
    language: str = "de"
    participants: tuple[Participant, ...] = ()
    unnamed: tuple[str, ...] = ()
    unclipped: tuple[str, ...] = ()
    recordings: tuple[ArchivedRecording, ...] = ()
    transcripts: tuple[Transcript, ...] = ()
    translations: tuple[Transcript, ...] = ()
    answers: tuple[Answer, ...] = ()
    recap: str = ""
    public: bool = True
