"""Hearing a recording piece by piece: what is decided once, what is heard by whom, and how the words come together.

Owns the files of pieces and their joining. Whoever hears a piece, here or at a worker, hears the same samples with the
same model, and what was heard once is never heard again. Refuses to know recognisers and workflows.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlite_utils import Database

from streamhub.config import TranscriptSettings
from streamhub.engine import Json
from streamhub.errors import NotFound
from streamhub.naming import load_vocabulary
from streamhub.recording.recording import Recording
from streamhub.schedule.show import Session
from streamhub.store import recordings as recording_rows
from streamhub.store import shows as show_rows
from streamhub.store.store import Store
from streamhub.transcript.cutting import cut_recording, write_piece
from streamhub.transcript.glossary import Vocabulary
from streamhub.transcript.live_words import HeardStream, find_holes, place_streams, plan_rest
from streamhub.transcript.names import correct_transcript
from streamhub.transcript.piece import MIXED_PIECE_MS, Hearing
from streamhub.transcript.recognised import (
    HEARD_FOLDER,
    PieceTask,
    find_hearing,
    hearing_name,
    load_hearing,
    load_recognised,
    pin_version,
    recognised_name,
    save_hearing,
    save_recognised,
)
from streamhub.transcript.rules import (
    cues_from_words,
    cut_vocabulary,
    join_words,
    mark_languages,
    settle_languages,
    unmark_language,
)
from streamhub.transcript.stitching import HeardPiece, stitch
from streamhub.transcript.transcriber import Transcriber, TranscriptionJob
from streamhub.transcript.transcript import TRANSLATED, Transcript

_NAME = re.compile(r"[0-9a-f]{1,64}-[0-9a-f]{8}")

MOST_MISSING = 0.3
"""A recording of which a larger share was not heard live is heard anew."""

Advance = Callable[[str, int, int], None]
"""Called with the session, and how many milliseconds of how many have been heard."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ear:
    """Hears recordings.

    Attributes:
        store: the hub's data.
        transcriber: makes the words.
        media: folder of recordings.
        settings: of the transcription stage.
        advance: is told how far a session is.
    """

    store: Store
    transcriber: Transcriber
    media: Path
    settings: TranscriptSettings
    advance: Advance

    @property
    def recogniser(self) -> str:
        """Engine and model that hear, here or at a worker."""
        return self.transcriber.name

    async def version(self) -> str:
        """The version of the model on this machine; empty where it is not."""
        return await self.transcriber.version()

    async def plan(self, session_id: str) -> Json:
        """Decide how a session's recording is heard, once; and say whether that was done already.

        Raises:
            NotFound: no such session, or it has no recording.
            BadMedia: its sound cannot be decoded.
        """
        recording, session, known_words = await self.store.read(lambda db: _load_job(db, session_id))
        vocabulary = cut_vocabulary(known_words.hints)
        piece_ms = self.settings.piece_s * 1000
        if self.settings.detect_language:
            piece_ms = min(piece_ms, MIXED_PIECE_MS)
        name = hearing_name(recording.sha256, vocabulary, piece_ms)
        language = "" if self.settings.detect_language else session.language
        known = recognised_name(
            recording.sha256, self.recogniser, await self.version(), language, _joined(name, known_words)
        )
        folder = self._folder(name)
        hearing = await asyncio.to_thread(find_hearing, folder)
        if hearing is None:
            media, duration_ms = self.media / recording.path, recording.info.duration_ms
            pieces = await cut_recording(media, duration_ms, piece_ms=piece_ms)
            hearing = Hearing(sha256=recording.sha256, duration_ms=duration_ms, vocabulary=vocabulary, pieces=pieces)
            await asyncio.to_thread(save_hearing, folder, hearing)
        there = (self.media / recording.path).with_name(known).exists()
        return {
            "hearing": name, "pieces": len(hearing.pieces), "language": language, "file": known if there else "",
        }  # fmt: skip

    async def plan_rest(self, session_id: str, streams: Sequence[HeardStream]) -> Json:
        """Decide what is left to be heard of a recording whose session was heard while it ran.

        What was heard live is kept as pieces that are done; the stretches in between are the rest.

        Returns:
            ``hearing``, ``pieces``, ``language`` as `plan`; ``files`` of what is known, empty for the rest. None where
            so much is missing that the recording is better heard as a whole.

        Raises:
            NotFound: no such session, or it has no recording.
        """
        recording, session, known_words = await self.store.read(lambda db: _load_job(db, session_id))
        vocabulary = cut_vocabulary(known_words.hints)
        if session.started_at is None or not streams:
            return None
        duration_ms = recording.info.duration_ms
        known = place_streams(streams, recording.clock, session_started_at=session.started_at)
        holes = find_holes(known, recording.clock, duration_ms=duration_ms)
        missing_ms = sum(hole.duration_ms for hole in holes)
        if not known or missing_ms > min(self.settings.piece_s * 1000, duration_ms * MOST_MISSING):
            return None
        decided = (*vocabulary, "live", *(f"{hole.start_ms}-{hole.end_ms}" for hole in holes))
        name = hearing_name(recording.sha256, decided, self.settings.piece_s * 1000)
        plan = plan_rest(known, holes, duration_ms=duration_ms)
        made_with = " + ".join(sorted({item.transcript.made_with for stream in streams for item in stream.items}))

        def keep() -> list[str]:
            folder, files = self._folder(name), []
            pieces = tuple(piece for piece, _ in plan)
            save_hearing(
                folder,
                Hearing(sha256=recording.sha256, duration_ms=duration_ms, vocabulary=vocabulary, pieces=pieces),
            )
            for piece, words in plan:
                file = f"{piece.number:04d}-live.json" if words is not None else ""
                if words is not None:
                    cues = cues_from_words(words)
                    save_recognised(
                        folder / file, Transcript(language=session.language, cues=cues, made_with=made_with)
                    )
                files.append(file)
            return files

        files = await asyncio.to_thread(keep)
        return {"hearing": name, "pieces": len(plan), "language": session.language, "files": files}

    async def plan_piece(
        self, session_id: str, hearing: str, number: int, language: str, *, translate: bool = False
    ) -> PieceTask:
        """One piece of a recording, for whoever is to hear it.

        Raises:
            NotFound: no such session, recording, plan or piece.
        """
        recording, _, _ = await self.store.read(lambda db: _load_job(db, session_id))
        if not _NAME.fullmatch(hearing) or not recording.sha256.startswith(hearing.split("-", maxsplit=1)[0]):
            raise NotFound(f"session {session_id}: {hearing!r} is no hearing of its recording")
        found = await asyncio.to_thread(load_hearing, self._folder(hearing))
        if not 0 <= number < len(found.pieces):
            raise NotFound(f"session {session_id}: has no piece {number}, only {len(found.pieces)}")
        return PieceTask(
            session_id=session_id,
            media=self.media / recording.path,
            hearing=found,
            piece=found.pieces[number],
            language=language,
            recogniser=self.recogniser,
            version=await self.version(),
            folder=self._folder(hearing),
            translate=translate,
        )

    async def hear(self, session_id: str, hearing: str, number: int, language: str, *, translate: bool = False) -> Json:
        """Hear one piece on this machine, unless it was heard before; returns the file of its words.

        Raises:
            NotFound, Conflict: as `plan_piece`, or the model is not the one that the other pieces were heard with.
            StreamhubError: as `streamhub.transcript.transcriber.Transcriber.transcribe`.
        """
        task = await self.plan_piece(session_id, hearing, number, language, translate=translate)
        if not task.version:
            await self.transcriber.prepare()
            task = replace(task, version=await self.version())
        if not task.done(task.version):
            await asyncio.to_thread(task.require_version, task.version)
            whole = len(task.hearing.pieces) == 1
            job = TranscriptionJob(
                media=task.media,
                span=None if whole else task.piece.read,
                language=language,
                check_language=task.checks_language,
                translate=translate,
                vocabulary=task.hearing.vocabulary,
                time_limit_s=60 + task.piece.read.duration_ms / 1000 * self.settings.speed_limit,
            )

            def advance(done: int, total: int) -> None:
                self.advance(session_id, task.piece.read.start_ms + done, task.hearing.duration_ms)

            await self.take_piece(task, await self.transcriber.transcribe(job, advance), task.version)
        return {"file": task.target(task.version).name}

    async def take_piece(self, task: PieceTask, transcript: Transcript, version: str) -> None:
        """Keep what was heard of a piece; it is never heard again, and never replaced by a second hearing.

        Raises:
            Conflict: another version of the model heard it than the other pieces.
        """

        def take() -> None:
            task.require_version(version)
            if not task.done(version):
                pin_version(task.folder, task.recogniser, version)
                save_recognised(task.target(version), transcript)

        await asyncio.to_thread(take)

    async def write_sound(self, task: PieceTask) -> Path:
        """Write the sound of a piece for a worker, the very samples that would be heard here; the caller deletes it.

        Raises:
            BadMedia: it cannot be decoded.
        """
        descriptor, name = await asyncio.to_thread(tempfile.mkstemp, ".wav", "sound-", task.folder)
        os.close(descriptor)
        target = Path(name)
        try:
            await write_piece(task.media, task.piece.read, target)
        except BaseException:
            await asyncio.to_thread(target.unlink)
            raise
        return target

    async def settle(self, session_id: str, hearing: str, files: Sequence[str]) -> Json:
        """Which pieces were heard in a language that is not theirs, and in which one they are to be heard again."""
        _, session, _ = await self.store.read(lambda db: _load_job(db, session_id))
        folder = self._folder(hearing)
        parts = await asyncio.to_thread(_load_parts, folder, files)
        heard = [(part.language, part.language_chance) if part and part.cues else ("", 0.0) for part in parts]
        settled = settle_languages(heard, begin=session.language)
        pairs = enumerate(zip(heard, settled, strict=True))
        return {"again": [[number, language] for number, ((was, _), language) in pairs if was not in {"", language}]}

    async def join(self, session_id: str, hearing: str, language: str, files: Sequence[str]) -> Json:
        """Make one transcript of the pieces and keep it beside the recording; returns its file.

        Args:
            session_id: the session.
            hearing: how its recording was heard.
            language: the one that pieces were told to be in; empty when they were to hear it.
            files: of the pieces' words, in order; empty where a person skipped one.
        """
        recording, session, vocabulary = await self.store.read(lambda db: _load_job(db, session_id))
        folder = self._folder(hearing)

        def join() -> str:
            plan, parts = load_hearing(folder), _load_parts(folder, files)
            checks = tuple(check for part in parts if part and language for check in part.language_checks)
            whole = replace(unmark_language(join_parts(plan, parts), session.language), language_checks=checks)
            versions = {file.removesuffix(".json").rsplit("-", 1)[-1] for file in files if file}
            version = "partial" if not all(files) else versions.pop() if len(versions) == 1 else "mixed"
            name = recognised_name(recording.sha256, whole.made_with, version, language, _joined(hearing, vocabulary))
            target = (self.media / recording.path).with_name(name)
            save_recognised(target, correct_transcript(whole, vocabulary))
            return name

        return {"file": await asyncio.to_thread(join)}

    async def join_translation(self, session_id: str, hearing: str, files: Sequence[str]) -> Transcript:
        """One translation of what was heard in the pieces, on the recording's clock; skipped ones leave a hole."""
        folder = self._folder(hearing)

        def join() -> Transcript:
            return unmark_language(join_parts(load_hearing(folder), _load_parts(folder, files)), TRANSLATED)

        return await asyncio.to_thread(join)

    async def forget_words(self, session_id: str) -> None:
        """Take the words that were known beforehand out of all plans: a question that they came from was erased."""
        recording = await self.store.read(lambda db: recording_rows.find_recording(db, session_id))
        if recording is None:
            return

        def forget() -> None:
            for folder in (self.media / HEARD_FOLDER).glob(f"{recording.sha256[:32]}-*"):
                hearing = find_hearing(folder)
                if hearing is not None and hearing.vocabulary:
                    save_hearing(folder, replace(hearing, vocabulary=()))

        await asyncio.to_thread(forget)

    def _folder(self, hearing: str) -> Path:
        return self.media / HEARD_FOLDER / hearing


def join_parts(hearing: Hearing, parts: Sequence[Transcript | None]) -> Transcript:
    """One transcript of what was heard in the pieces; those that are missing leave a hole."""
    heard = [(piece, part) for piece, part in zip(hearing.pieces, parts, strict=True) if part is not None]
    if len(parts) == 1 and heard:
        return heard[0][1]
    words = stitch([HeardPiece(piece=piece, words=join_words(part)) for piece, part in heard])
    made_with = " + ".join(sorted({part.made_with for _, part in heard}))
    spoken = [(piece.span, part.language) for piece, part in heard]
    return Transcript(language="", cues=mark_languages(cues_from_words(words), spoken), made_with=made_with)


def _load_parts(folder: Path, files: Sequence[str]) -> list[Transcript | None]:
    return [load_recognised(folder / file) if file else None for file in files]


def _joined(hearing: str, vocabulary: Vocabulary) -> str:
    """A hearing's name with what its words are corrected by: other names make another transcript of the same pieces."""
    decided = json.dumps([vocabulary.names, vocabulary.told], ensure_ascii=False)
    return f"{hearing}-{hashlib.sha256(decided.encode()).hexdigest()[:8]}"


def _load_job(db: Database, session_id: str) -> tuple[Recording, Session, Vocabulary]:
    recording = recording_rows.find_recording(db, session_id)
    if recording is None:
        raise NotFound(f"session {session_id}: no recording", hint="import a file for it, or skip this step")
    session = show_rows.load_session(db, session_id)
    return recording, session, load_vocabulary(db, session)
