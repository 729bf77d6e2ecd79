"""From the end of a session to its page: the durable workflows that tie the stages together.

Owns the order of the steps and what happens when one fails. Every step can run again: it looks at what is there before
it does anything, and what goes through the engine is ids and hashes, never text. Refuses to know brands: it gets a
recogniser, a recorder and a site builder as roles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from sqlite_utils import Database

from streamhub.answers.answer import Answer, AnswerState
from streamhub.answers.rules import find_shift, plan_answers
from streamhub.answers.written import draft_written, with_writing
from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.folder import load_session, save_session, save_transcripts, save_translation
from streamhub.clipping import CLIPS, Clipper, run_clips
from streamhub.config import AnswerSettings, TranscriptSettings
from streamhub.engine import TRANSCRIPTION, Context, Engine, Json
from streamhub.errors import Conflict, NotFound
from streamhub.hearing import Ear
from streamhub.live.mark import Mark
from streamhub.questions.question import Question, QuestionState
from streamhub.questions.writing import Proposal
from streamhub.recording.clipping import ClipTools
from streamhub.recording.recording import Recording
from streamhub.rehearing import REHEAR, in_language, plan_spoken, renew_words
from streamhub.schedule.show import Participant, Publishing, Role, Session, SessionState, Show
from streamhub.store import marks as mark_rows
from streamhub.store import proposals as proposal_rows
from streamhub.store import questions as question_rows
from streamhub.store import recordings as recording_rows
from streamhub.store import shows as show_rows
from streamhub.store import voices as voice_rows
from streamhub.store.consents import find_successions
from streamhub.store.handover import hand_over
from streamhub.store.log import log_action
from streamhub.store.spoken_languages import find_spoken, save_spoken
from streamhub.store.store import Store
from streamhub.store.work import put_outbox
from streamhub.timecode import Now
from streamhub.transcript.captions import read_captions
from streamhub.transcript.diariser import Diariser
from streamhub.transcript.live_words import HeardStream
from streamhub.transcript.recognised import load_recognised, save_recognised
from streamhub.transcript.rules import move_captions, to_session_clock
from streamhub.transcript.signs import name_by_signs
from streamhub.transcript.speakers import Turn, assign_speakers, label_turns
from streamhub.transcript.transcriber import Transcriber
from streamhub.transcript.transcript import TRANSLATED, Transcript
from streamhub.voices import hear_voices, plan_turns, tell_voices

SESSION = "session"
TRANSCRIBE = "transcribe"
TRANSLATE = "translate"
PUBLISH = "publish"
RECUT = "recut"
ERASED = "[…]"
"""Stands in the archive where a question stood that was erased at its asker's wish."""

Q = QuestionState
_ANSWERED = frozenset({Q.ANSWERED_LIVE, Q.ANSWERED_IN_WRITING, Q.ON_AIR, Q.PUBLISHED})
_READY = frozenset({Q.ANSWERED_LIVE, Q.ANSWERED_IN_WRITING})
_CUT = frozenset({SessionState.IN_REVIEW, SessionState.PUBLISHED})
_AUTHOR = "pipeline"

Advance = Callable[[int, int], None]


class Recordings(Protocol):
    """What the pipeline needs of the recording stage."""

    async def finish(self, session_id: str, progress: Advance) -> Recording:
        """Join the segments of a live session into one verified file; calling it again does no work."""

    async def take(self, session_id: str, source: Path, progress: Advance, *, needs_sound: bool) -> Recording:
        """Take a file as the recording of a session; calling it again does no work."""

    async def discard(self, session_id: str) -> int:
        """Delete what the recording was made of; returns how many bytes that freed."""


class LiveEars(Protocol):
    """What the pipeline needs of whoever heard the session while it ran."""

    async def finish(self, session_id: str) -> None:
        """Wait until the last words of a session were heard, or that would take too long."""

    async def heard(self, session_id: str) -> Sequence[HeardStream]:
        """What was heard, stream by stream; nothing when nobody listened."""

    async def forget(self, session_id: str) -> None:
        """Delete what was heard: the archive has it now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineParts:
    """What the pipeline works with.

    Attributes:
        store: the hub's data.
        engine: runs the workflows.
        recordings: makes the recording.
        transcriber: makes the words.
        diariser: tells voices apart where nothing else does; None: nobody does.
        live_ear: heard the sessions while they ran.
        build: writes the site.
        media: folder of recordings.
        transcripts: folder of the archive.
        settings: of the transcription stage.
        answers: of the answers stage.
        clips: cut clips out of recordings.
        title: of the archive.
        now: the clock.
    """

    store: Store
    engine: Engine
    recordings: Recordings
    transcriber: Transcriber
    diariser: Diariser | None
    live_ear: LiveEars
    build: Callable[[], Awaitable[Mapping[str, Json]]]
    media: Path
    transcripts: Path
    settings: TranscriptSettings
    answers: AnswerSettings
    clips: ClipTools
    title: str
    now: Now


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where the media and the words of a session come from.

    Attributes:
        media: a file to take as the recording; empty: the segments of the live session, or nothing.
        captions: a caption file to take the words from; empty: the recogniser hears them.
        live: whether segments of a live session are expected.
    """

    media: str = ""
    captions: str = ""
    live: bool = True


class Pipeline:
    """The workflows of a session after its end.

    Attributes:
        archive_lock: hold it while the archive's files are changed.
        progress: what is being made of a session: step, done, of how much.
        clipper: makes clips of answers.
        clip_progress: how far the clips of a session are: done, of how much.
    """

    def __init__(self, parts: PipelineParts) -> None:
        self._parts = parts
        self.archive_lock = asyncio.Lock()
        self._build_lock = asyncio.Lock()
        self._builds_wanted = self._builds_done = 0
        self._last_build: dict[str, Json] = {}
        self.progress: dict[str, tuple[str, int, int]] = {}
        self.clip_progress: dict[str, tuple[int, int]] = {}
        self.clipper = Clipper(
            store=parts.store,
            tools=parts.clips,
            media=parts.media,
            transcripts=parts.transcripts,
            archive_lock=self.archive_lock,
            title=parts.title,
            ahead=parts.answers.clips == "ahead",
        )

    @property
    def ear(self) -> Ear:
        """What hears recordings."""
        return Ear(
            store=self._parts.store,
            transcriber=self._parts.transcriber,
            media=self._parts.media,
            settings=self._parts.settings,
            advance=self._advance_hearing,
        )

    def register(self) -> None:
        """Make the workflows known to the engine; call it before the engine is launched."""
        engine = self._parts.engine
        engine.workflow(SESSION, self._run_session)
        engine.workflow(TRANSCRIBE, self._run_transcription)
        engine.workflow(PUBLISH, self._run_publication)
        engine.workflow(RECUT, self._run_recut)
        engine.workflow(CLIPS, self._run_clips)
        engine.workflow(REHEAR, self._run_second_pass)
        engine.workflow(TRANSLATE, self._run_translation)

    # The workflows.

    async def _run_session(self, ctx: Context, session_id: str, media: str, captions: str, live: bool) -> Json:
        source = Source(media=media, captions=captions, live=live)
        await ctx.step("begin", lambda: self._begin(session_id, ctx.workflow_id))
        recording = None
        if source.media or source.live:
            recording = await ctx.step("recording", lambda: self._make_recording(session_id, source))
        heard, live_words = "", False
        if source.captions:
            await ctx.step("captions", lambda: self._take_captions(session_id, source))
        elif recording:
            heard, live_words = await self._hear(ctx, session_id, live=source.live)
        written = await ctx.step("answers", lambda: self._write_answers(session_id, source, heard))
        await ctx.step("review", lambda: self._enter_review(session_id, ctx.workflow_id))
        if written and written["public"]:  # else the site follows when something of it is published
            await ctx.step("site", self._build_site)
        if recording and source.live:
            await ctx.step("live words away", lambda: self._forget_live(session_id))
            await ctx.step("tidy", lambda: self._discard_segments(session_id))
        if live_words and self._parts.settings.second_pass:
            await ctx.step("second pass", lambda: self._order_second_pass(session_id, heard, ctx.workflow_id))
        if heard and self._parts.settings.translate:
            await ctx.step("translation", lambda: self._order_translation(session_id, ctx.workflow_id))
        return written

    async def _hear(self, ctx: Context, session_id: str, *, live: bool) -> tuple[str, bool]:
        """Hear what nobody has heard of the recording yet, in pieces, each by whoever is free.

        Returns:
            The file of its words, empty if that was skipped; and whether most of them were heard live.
        """
        rest = await ctx.step("live words", lambda: self._plan_rest(session_id)) if live else None
        if rest:
            hearing, language, files = rest["hearing"], rest["language"], rest["files"]
            wanted = [(number, language) for number, file in enumerate(files) if not file]
            found = await self._hear_pieces(ctx, session_id, hearing, wanted)
            files = [file or found[number] for number, file in enumerate(files)]
            joined = await ctx.step("transcript", lambda: self.ear.join(session_id, hearing, language, files))
            return (joined["file"] if joined else ""), True
        return await self._hear_whole(ctx, session_id), False

    async def _hear_whole(self, ctx: Context, session_id: str) -> str:
        plan = await ctx.step("pieces", lambda: self.ear.plan(session_id))
        if not plan or plan["file"]:
            return plan["file"] if plan else ""
        hearing, language = plan["hearing"], plan["language"]
        found = await self._hear_pieces(ctx, session_id, hearing, [(n, language) for n in range(plan["pieces"])])
        files = [found[number] for number in range(plan["pieces"])]
        if not language:
            settled = await ctx.step("languages", lambda: self.ear.settle(session_id, hearing, files))
            again = [(number, language) for number, language in settled["again"]] if settled else []
            found |= await self._hear_pieces(ctx, session_id, hearing, again)
            files = [found[number] for number in range(plan["pieces"])]
        joined = await ctx.step("transcript", lambda: self.ear.join(session_id, hearing, language, files))
        return joined["file"] if joined else ""

    async def _hear_pieces(
        self,
        ctx: Context,
        session_id: str,
        hearing: str,
        wanted: Sequence[tuple[int, str]],
        *,
        translate: bool = False,
    ) -> dict[int, str]:
        """The file of each piece's words; empty for one that a person skipped."""
        # No model is in the keys: it may change before a second try.
        task, more = (":translate", (True,)) if translate else ("", ())
        jobs = [
            (
                f"{session_id}:{hearing}:{number}:{language or 'auto'}{task}",
                (session_id, hearing, number, language, *more),
            )
            for number, language in wanted
        ]
        results = await ctx.queued_all(TRANSCRIPTION, TRANSCRIBE, jobs) if jobs else []
        return {number: got["file"] if got else "" for (number, _), got in zip(wanted, results, strict=True)}

    async def _run_transcription(
        self, ctx: Context, session_id: str, hearing: str, number: int, language: str, translate: bool = False
    ) -> Json:
        return await ctx.step("hear", lambda: self.ear.hear(session_id, hearing, number, language, translate=translate))

    async def _run_publication(self, ctx: Context, session_id: str, ids: list[str]) -> Json:
        await ctx.step("archive", lambda: self._write_states(session_id, frozenset(ids), ctx.workflow_id))
        return await ctx.step("site", self._build_site)

    async def _run_recut(self, ctx: Context, session_id: str) -> Json:
        written = await ctx.step("answers", lambda: self._recut(session_id, ctx.workflow_id))
        if written["public"]:
            await ctx.step("site", self._build_site)
        return written

    async def _run_second_pass(self, ctx: Context, session_id: str, live_file: str) -> Json:
        """Hear a session again as a whole; whatever a person touched stays, and so does every answer."""
        heard = await self._hear_whole(ctx, session_id)
        renewed = await ctx.step("words", lambda: self._renew_words(session_id, live_file, heard, ctx.workflow_id))
        if renewed and renewed["public"] and renewed["changed"]:
            await ctx.step("site", self._build_site)
        if not live_file and self._parts.settings.translate:  # its language is another one now
            await ctx.step("translation", lambda: self._order_translation(session_id, ctx.workflow_id))
        return renewed

    async def _run_translation(self, ctx: Context, session_id: str) -> Json:
        """Hear a session once more and write it down in English; an English one needs none."""
        plan = await ctx.step("pieces", lambda: self.ear.plan(session_id))
        spoken = await ctx.step("language", lambda: self._spoken_language(session_id))
        if not plan or not spoken or spoken["language"] == TRANSLATED:
            return {"cues": 0}
        hearing, wanted = plan["hearing"], [(number, plan["language"]) for number in range(plan["pieces"])]
        found = await self._hear_pieces(ctx, session_id, hearing, wanted, translate=True)
        files = [found[number] for number in range(plan["pieces"])]
        written = await ctx.step("words", lambda: self._write_translation(session_id, hearing, files))
        if written and written["public"] and written["changed"]:
            await ctx.step("site", self._build_site)
        return written

    async def _run_clips(self, ctx: Context, session_id: str, ids: list[str]) -> Json:
        def advance(done: int, total: int) -> None:
            self.clip_progress[session_id] = (done, total)

        try:
            return await run_clips(ctx, self.clipper, session_id, ids, build=self._build_site, advance=advance)
        finally:
            self.clip_progress.pop(session_id, None)

    # The steps. Each looks at what is there before it does anything.

    async def _plan_rest(self, session_id: str) -> Json:
        """What was heard while the session ran, and what is left; None where the recording is heard as a whole."""
        await self._parts.live_ear.finish(session_id)
        return await self.ear.plan_rest(session_id, await self._parts.live_ear.heard(session_id))

    async def _order_second_pass(self, session_id: str, live_file: str, workflow_id: str) -> Json:
        def order(db: Database) -> str:
            put_outbox(db, REHEAR, session_id, [session_id, live_file], at=self._parts.now())
            return session_id

        return await self._parts.store.write(order, key=f"{workflow_id}:second-pass")

    async def _order_translation(self, session_id: str, workflow_id: str) -> Json:
        order_id = workflow_id.replace(f":{session_id}", "").replace(":", "-")

        def order(db: Database) -> str:
            put_outbox(db, TRANSLATE, f"{session_id}:{order_id}", [session_id], at=self._parts.now())
            return session_id

        return await self._parts.store.write(order, key=f"{workflow_id}:translation")

    async def _spoken_language(self, session_id: str) -> Json:
        session = await self._parts.store.read(lambda db: show_rows.load_session(db, session_id))
        return {"language": session.language}

    async def _write_translation(self, session_id: str, hearing: str, files: Sequence[str]) -> Json:
        """Put the translation beside the words of the archive; one that a person corrected stays."""
        translation = await self.ear.join_translation(session_id, hearing, files)
        async with self.archive_lock:
            facts = await self._parts.store.read(lambda db: _load_facts(db, session_id))
            write = partial(self._keep_translation, facts, translation)
            changed = await asyncio.to_thread(write) if facts.session.language != TRANSLATED else False
        return {"changed": changed, "public": facts.session.state is SessionState.PUBLISHED}

    def _keep_translation(self, facts: Facts, translation: Transcript) -> bool:
        archived = load_session(self._parts.transcripts, facts.show.id, facts.session.id)
        assert facts.recording is not None
        placed = to_session_clock(translation, facts.recording.clock)
        return save_translation(self._parts.transcripts, archived, placed)

    async def _renew_words(self, session_id: str, live_file: str, heard: str, workflow_id: str) -> Json:
        async with self.archive_lock:
            facts = await self._parts.store.read(lambda db: _load_facts(db, session_id))
            last = await self._parts.store.read(lambda db: find_spoken(db, session_id))
            before = live_file or (last.file if last else "")
            changed = False
            if heard and before and facts.recording:
                fresh = await asyncio.to_thread(self._load_transcript, facts, Source(), heard)
                turns = await self._find_turns(facts, fresh)  # kept since the answers were cut
                changed = await asyncio.to_thread(partial(self._renew, facts, before, heard, turns))
            await self._note_language(facts, heard)
        if changed:
            await self._follow_clips(session_id, workflow_id)
        return {"changed": changed, "public": facts.session.state is SessionState.PUBLISHED}

    def _renew(self, facts: Facts, live_file: str, heard: str, turns: Sequence[Turn]) -> bool:
        """Write the better words, in another language where that was set right; whether anything is different."""
        recording, session = facts.recording, facts.session
        assert recording is not None
        place = self._parts.media / recording.path
        told = [load_recognised(place.with_name(name)) for name in (live_file, heard)]
        told = [replace(one, cues=assign_speakers(one.cues, turns)) for one in told]
        machine, fresh = (to_session_clock(one, recording.clock) for one in told)
        archived = load_session(self._parts.transcripts, facts.show.id, session.id)
        transcripts = renew_words(archived, machine, fresh)
        changed = transcripts != archived.transcripts
        if changed:
            save_transcripts(self._parts.transcripts, archived, transcripts)
        if archived.language != session.language:
            self._change_language(facts, load_session(self._parts.transcripts, facts.show.id, session.id))
        return changed or archived.language != session.language

    def _change_language(self, facts: Facts, archived: ArchivedSession) -> None:
        """Have the archive follow the language that its session has by now, and cut the answers by the new words."""
        cut = plan_written(_plan_recut(facts, archived, self._parts.answers), facts.written)
        answers = in_language(cut, old=archived.language, new=facts.session.language)
        language = facts.session.language
        translations = tuple(one for one in archived.translations if one.language != language)
        changed = replace(archived, language=language, answers=answers, translations=translations)
        save_session(self._parts.transcripts, changed)

    async def _note_language(self, facts: Facts, heard: str) -> None:
        """Keep in which language a session was heard, and whether that is the one in which it is spoken."""
        if facts.recording is None or not heard:
            return
        place = (self._parts.media / facts.recording.path).with_name(heard)
        transcript = await asyncio.to_thread(load_recognised, place)
        spoken = plan_spoken(facts.session.id, transcript.language, heard, transcript)
        await self._parts.store.write(lambda db: save_spoken(db, spoken, at=self._parts.now()))

    async def _forget_live(self, session_id: str) -> Json:
        await self._parts.live_ear.forget(session_id)
        return {}

    async def _begin(self, session_id: str, workflow_id: str) -> Json:
        def begin(db: Database) -> str:
            session = show_rows.load_session(db, session_id)
            if session.state is SessionState.ENDED:
                show_rows.step_session(db, session_id, SessionState.PROCESSING, at=self._parts.now())
            return session_id

        return await self._parts.store.write(begin, key=f"{workflow_id}:begin")

    async def _make_recording(self, session_id: str, source: Source) -> Json:
        advance = self._advance(session_id, "recording")
        if source.media:
            needs_sound = not source.captions  # where captions bring the words, a silent film is welcome
            recording = await self._parts.recordings.take(
                session_id, Path(source.media), advance, needs_sound=needs_sound
            )
        else:
            recording = await self._parts.recordings.finish(session_id, advance)
        return {"sha256": recording.sha256, "duration_ms": recording.info.duration_ms}

    async def _take_captions(self, session_id: str, source: Source) -> Json:
        session = await self._parts.store.read(lambda db: show_rows.load_session(db, session_id))
        transcript = await asyncio.to_thread(read_captions, Path(source.captions), language=session.language)
        target = self._captions_file(session_id)
        await asyncio.to_thread(save_recognised, target, transcript)
        return {"cues": len(transcript.cues)}

    async def _find_turns(self, facts: Facts, transcript: Transcript | None) -> Sequence[Turn]:
        """Who speaks when: by the recording's tracks, else by a diariser where the words name nobody either.

        Both are kept in files, so that a recording is listened to once.
        """
        recording, diariser = facts.recording, self._parts.diariser
        if recording is None or transcript is None:
            return ()
        tracks = await hear_voices(self._parts.media, recording)
        if tracks.turns or diariser is None or any(cue.speaker for cue in transcript.cues):
            return plan_turns(tracks, facts.session, facts.voices)
        return label_turns(await tell_voices(self._parts.media, recording, diariser), facts.session.language)

    async def _write_answers(self, session_id: str, source: Source, heard: str) -> Json:
        facts = await self._parts.store.read(lambda db: _load_facts(db, session_id))
        transcript = await asyncio.to_thread(self._load_transcript, facts, source, heard)
        turns = await self._find_turns(facts, transcript)
        async with self.archive_lock:
            facts = await self._parts.store.read(lambda db: _load_facts(db, session_id))
            if transcript:
                transcript = replace(transcript, cues=assign_speakers(transcript.cues, turns))
            archived = await asyncio.to_thread(
                _plan_archived, facts, transcript, self._parts.answers, captions=bool(source.captions)
            )
            await asyncio.to_thread(save_session, self._parts.transcripts, archived)  # what people changed stays
            if not source.captions:
                await self._note_language(facts, heard)
        return {"answers": len(archived.answers), "public": archived.public}

    async def _recut(self, session_id: str, workflow_id: str) -> Json:
        """Cut the answers anew from the marks of now and the words of the archive; whatever a person touched stays."""
        async with self.archive_lock:
            facts = await self._parts.store.read(lambda db: _load_facts(db, session_id))
            archived = await asyncio.to_thread(load_session, self._parts.transcripts, facts.show.id, session_id)
            cut = _plan_recut(facts, archived, self._parts.answers)
            changed = replace(archived, answers=tuple(plan_written(cut, facts.written)))
            await asyncio.to_thread(save_session, self._parts.transcripts, changed)
        await self._follow_clips(session_id, workflow_id)
        return {"answers": len(changed.answers), "public": archived.public}

    async def _enter_review(self, session_id: str, workflow_id: str) -> Json:
        def enter(db: Database) -> str:
            at = self._parts.now()
            session = show_rows.load_session(db, session_id)
            for question in question_rows.list_questions(db, session_id):
                if question.state is Q.ON_AIR:
                    question_rows.step_question(db, question.id, Q.ANSWERED_LIVE, at=at, author=_AUTHOR)
            if session.state is SessionState.PROCESSING:
                hand_over(db, session_id, at=at)
                show_rows.step_session(db, session_id, SessionState.IN_REVIEW, at=at)
            if show_rows.load_show(db, session.show_id).publishing is Publishing.AUTO:
                publish_answered(db, session_id, None, at=at, author=_AUTHOR)
            return session_id

        return await self._parts.store.write(enter, key=f"{workflow_id}:review")

    async def _write_states(self, session_id: str, ids: frozenset[str], workflow_id: str) -> Json:
        """Write the states of these answers, and what was written for them, into their files; the rest stays."""
        async with self.archive_lock:
            answers = await write_states(self._parts.store, self._parts.transcripts, session_id, ids)
        questions = await self._parts.store.read(lambda db: question_rows.list_questions(db, session_id))
        if any(question.id in ids and not question.text for question in questions):
            await self.ear.forget_words(session_id)
        await self._follow_clips(session_id, workflow_id)
        return {"published": sum(answer.state is AnswerState.PUBLISHED for answer in answers)}

    async def _follow_clips(self, session_id: str, workflow_id: str) -> None:
        """Have clips follow what a workflow wrote; done again, it orders nothing twice."""
        order_id = workflow_id.replace(f":{session_id}", "").replace(":", "-")
        await self.clipper.follow(session_id, order_id, at=self._parts.now())

    async def _discard_segments(self, session_id: str) -> Json:
        """Delete the segments: the recording made of them is verified, and all that follows from it is there."""
        return {"freed_bytes": await self._parts.recordings.discard(session_id)}

    async def _build_site(self) -> Json:
        """Build the site; those who ask while a build runs share the next one."""
        self._builds_wanted += 1
        mine = self._builds_wanted
        async with self._build_lock:
            if self._builds_done < mine:
                goal = self._builds_wanted
                self._last_build = dict(await self._parts.build())
                self._builds_done = goal
            return self._last_build

    # Files.

    def _advance(self, session_id: str, step: str) -> Advance:
        def advance(done: int, total: int) -> None:
            self.progress[session_id] = (step, done, total)

        return advance

    def _advance_hearing(self, session_id: str, done: int, total: int) -> None:
        self.progress[session_id] = ("transcript", done, total)

    def _captions_file(self, session_id: str) -> Path:
        return self._parts.media / session_id / "captions.json"

    def _load_transcript(self, facts: Facts, source: Source, heard: str) -> Transcript | None:
        """The captions, or what was heard: by its name, for the settings may name another recogniser by now."""
        if source.captions:
            return load_recognised(self._captions_file(facts.session.id))
        if facts.recording is None or not heard:
            return None
        return load_recognised((self._parts.media / facts.recording.path).with_name(heard))


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What was answered in writing.

    Attributes:
        questions: those that it is about, answered or not.
        accepted: by question, the proposal that hosts accepted.
        known: by question, digests of all that was ever accepted for it.
    """

    questions: Sequence[Question]
    accepted: Mapping[str, Proposal]
    known: Mapping[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the hub knows of a session when its answers are cut; ``voices``: what people called its show's speakers."""

    show: Show
    session: Session
    questions: Sequence[Question]
    marks: Sequence[Mark]
    recording: Recording | None
    written: Written
    voices: Mapping[str, str]


def publish_answered(
    db: Database, session_id: str, ids: Sequence[str] | None, *, at: datetime, author: str
) -> list[str]:
    """Publish answered questions and order the pages, in one transaction.

    When ``ids`` is None, all that was answered and the session itself, even if there was no question in it.

    Raises:
        NotFound: an id is no question of this session.
        Conflict: a question was not answered, or the answers are not cut yet.
    """
    session = show_rows.load_session(db, session_id)
    if session.state not in _CUT:
        raise Conflict(
            f"session {session_id}: is {session.state}, its answers are not cut yet", hint="publish them in review"
        )
    questions = {question.id: question for question in question_rows.list_questions(db, session_id)}
    if missing := [one for one in ids or () if one not in questions]:
        raise NotFound(f"session {session_id}: no question {missing[0]}")
    chosen = [q.id for q in questions.values() if q.state in _READY] if ids is None else list(ids)
    for one in chosen:
        question_rows.step_question(db, one, Q.PUBLISHED, at=at, author=author)
    if session.state is SessionState.IN_REVIEW and (chosen or ids is None):
        show_rows.step_session(db, session_id, SessionState.PUBLISHED, at=at)
    order_publication(db, session_id, chosen, at=at)
    return chosen


async def write_states(store: Store, transcripts: Path, session_id: str, ids: frozenset[str]) -> tuple[Answer, ...]:
    """Have the files of a session follow these answers; returns all of its answers, none where it is not cut yet.

    Nobody else may write to the archive meanwhile.
    """
    session, written, successors = await store.read(
        lambda db: (
            show_rows.load_session(db, session_id),
            _load_written(db, session_id, ids),
            find_successions(db, ids),
        )
    )
    try:
        archived = await asyncio.to_thread(load_session, transcripts, session.show_id, session_id)
    except NotFound:  # not cut yet: whoever cuts it looks at the states
        return ()
    states = {question.id: question.state for question in written.questions}
    answers = tuple(
        with_successor(with_state(answer, states.get(answer.id)), successors.get(answer.id, ""))
        for answer in plan_written(archived.answers, written)
    )
    erased = {question.id for question in written.questions if not question.text}
    answers = tuple(without_erased(answers, erased))
    changed = replace(archived, answers=answers, public=session.state is SessionState.PUBLISHED)
    await asyncio.to_thread(save_session, transcripts, changed, loaded=archived)
    return answers


def order_publication(db: Database, session_id: str, ids: Sequence[str], *, at: datetime) -> None:
    """Order the archive and the site to follow the states of a session and of these answers, whatever crashes."""
    revision = f"{at:%Y%m%dT%H%M%S%f}-{ids[0] if len(ids) == 1 else len(ids)}"
    put_outbox(db, PUBLISH, f"{session_id}:{revision}", [session_id, list(ids)], at=at)


def order_recut(db: Database, session_id: str, *, at: datetime, author: str) -> None:
    """Order a session's answers to be cut anew.

    Raises:
        Conflict: they are not cut yet.
    """
    session = show_rows.load_session(db, session_id)
    if session.state not in _CUT:
        raise Conflict(
            f"session {session_id}: is {session.state}, its answers are not cut yet", hint="wait until it is in review"
        )
    put_outbox(db, RECUT, f"{session_id}:{at:%Y%m%dT%H%M%S%f}", [session_id], at=at)
    details = {"state": session.state.value}
    log_action(
        db, at=at, author=author, action="answers.recut", object_kind="session", object_id=session_id, details=details
    )


def order_answer(db: Database, session_id: str, answer_id: str, *, at: datetime) -> None:
    """Order the archive to follow what was decided about an answer in writing; before the end there is nothing to do.

    Where the show publishes by itself, and its session is public, the answer is published with it.
    """
    session = show_rows.load_session(db, session_id)
    if session.state not in _CUT | {SessionState.ENDED, SessionState.PROCESSING}:
        return
    question = question_rows.load_question(db, answer_id)
    auto = show_rows.load_show(db, session.show_id).publishing is Publishing.AUTO
    if auto and session.state is SessionState.PUBLISHED and question.state is Q.ANSWERED_IN_WRITING:
        publish_answered(db, session_id, [answer_id], at=at, author=_AUTHOR)
    else:
        order_publication(db, session_id, [answer_id], at=at)


def order_session(db: Database, session_id: str, source: Source, *, at: datetime) -> None:
    """Order the pipeline of an ended session, once only."""
    put_outbox(db, SESSION, session_id, [session_id, source.media, source.captions, source.live], at=at)


def _load_facts(db: Database, session_id: str) -> Facts:
    session = show_rows.load_session(db, session_id)
    marks = mark_rows.list_marks(db, session_id)
    marked = {mark.question_id for mark in marks}
    wanted = [
        question
        for question in question_rows.list_questions(db, session_id)
        if question.state in _ANSWERED or (question.state is Q.WITHDRAWN and question.id in marked)
    ]
    return Facts(
        show=show_rows.load_show(db, session.show_id),
        session=session,
        questions=wanted,
        marks=marks,
        recording=recording_rows.find_recording(db, session_id),
        written=_load_written(db, session_id, frozenset(question.id for question in wanted)),
        voices=voice_rows.list_voice_names(db, session.show_id),
    )


def _load_written(db: Database, session_id: str, ids: frozenset[str]) -> Written:
    questions = [question for question in question_rows.list_questions(db, session_id) if question.id in ids]
    found = [question.id for question in questions]
    return Written(
        questions=questions,
        accepted=proposal_rows.list_accepted(db, found),
        known=proposal_rows.list_digests(db, found),
    )


def plan_written(answers: Sequence[Answer], written: Written) -> list[Answer]:
    """The answers with what was written for them: addenda of spoken ones, and answers that were given in writing alone.

    An answer of which nothing is left, because what was written for it was taken back, goes.
    """
    questions = {question.id: question for question in written.questions}
    planned = []
    for before in answers:
        question = questions.get(before.id)
        if question is None:
            planned.append(before)
            continue
        known = written.known.get(before.id, frozenset())
        answer = with_writing(before, written.accepted.get(before.id), known=known)
        emptied = before.body.strip() and not answer.body.strip() and not answer.ranges
        if not emptied or question.state in {Q.ANSWERED_LIVE, Q.ON_AIR}:
            planned.append(answer)
    there = {answer.id for answer in answers}
    wanted = _ANSWERED | {Q.WITHDRAWN}
    fresh = [key for key in written.accepted if key not in there and questions[key].state in wanted]
    return [*planned, *(draft_written(questions[key], written.accepted[key]) for key in fresh)]


def _plan_archived(
    facts: Facts, transcript: Transcript | None, settings: AnswerSettings, *, captions: bool
) -> ArchivedSession:
    session, recording = facts.session, facts.recording
    if transcript and recording:
        transcript = to_session_clock(transcript, recording.clock)
    if transcript:
        transcript = replace(transcript, cues=name_by_signs(transcript.cues, session.participants))
    # What was withdrawn before it was cut is cut all the same: only what has a range can be kept out of the transcript.
    withdrawn = {question.id for question in facts.questions if question.state is Q.WITHDRAWN}
    questions = [replace(q, state=Q.ANSWERED_LIVE) if q.id in withdrawn else q for q in facts.questions]
    if transcript and captions:  # what was heard in the recording cannot be out of step with it
        shift_ms = find_shift(session, questions, facts.marks, transcript, lag_s=settings.lag_s)
        transcript = move_captions(transcript, shift_ms) if shift_ms else transcript
    heard = transcript or Transcript(language=session.language)
    spoken = plan_answers(session, _named(questions), facts.marks, heard, lag_s=settings.lag_s)
    states = {question.id: question.state for question in facts.questions}
    return ArchivedSession(
        id=session.id,
        show_id=facts.show.id,
        show_title=facts.show.title,
        title=session.title,
        starts_at=session.started_at or session.starts_at,
        zone=session.zone,
        language=session.language,
        participants=_host_first(session.participants),
        recordings=(_archived_recording(recording),) if recording else (),
        transcripts=(transcript,) if transcript else (),
        answers=tuple(
            with_state(answer, states[answer.id]) if states[answer.id] is Q.WITHDRAWN else answer
            for answer in plan_written(spoken, facts.written)
        ),
        public=session.state is SessionState.PUBLISHED,
    )


def _plan_recut(facts: Facts, archived: ArchivedSession, settings: AnswerSettings) -> tuple[Answer, ...]:
    """The answers of an archived session, cut anew; those that were never on air stay as they are."""
    transcripts = {transcript.language: transcript for transcript in archived.transcripts}
    heard = transcripts.get(facts.session.language) or Transcript(language=facts.session.language)
    states = {question.id: question.state for question in facts.questions}
    questions = [replace(q, state=Q.ANSWERED_LIVE) if q.state is Q.WITHDRAWN else q for q in facts.questions]
    planned = plan_answers(facts.session, _named(questions), facts.marks, heard, lag_s=settings.lag_s)
    fresh = {answer.id: with_state(answer, states.get(answer.id)) for answer in planned}
    kept = tuple(_recut_answer(answer, fresh.pop(answer.id, None)) for answer in archived.answers)
    return (*kept, *fresh.values())


def _recut_answer(answer: Answer, fresh: Answer | None) -> Answer:
    """An answer where it is now said to be, unless somebody accepted it; what else is known of it stays."""
    accepted = answer.confidence >= 1 and bool(answer.ranges)  # no machine is that sure: a person looked at it
    if fresh is None or not fresh.ranges or accepted:
        return answer
    return replace(
        answer,
        ranges=fresh.ranges,
        answerers=fresh.answerers,
        confidence=fresh.confidence,
        evidence=fresh.evidence,
    )


def _named(questions: Iterable[Question]) -> list[Question]:
    """The questions; those that were erased with a sign for their words, since an answer without any is none."""
    return [question if question.text else replace(question, text=ERASED) for question in questions]


def without_erased(answers: Iterable[Answer], erased: Collection[str]) -> list[Answer]:
    """The answers; of those whose questions were erased nothing is left but where they are, so that it stays hidden."""
    return [
        replace(answer, question=ERASED, slug="x", asker="", body="", writer="", evidence=())
        if answer.id in erased
        else answer
        for answer in answers
    ]


def _host_first(participants: Sequence[Participant]) -> tuple[Participant, ...]:
    return tuple(sorted(participants, key=lambda p: p.role is not Role.HOST))


def _archived_recording(recording: Recording) -> ArchivedRecording:
    info = recording.info
    return ArchivedRecording(
        url=recording.path,
        mime="video/mp4" if info.video_codec else "audio/mp4",
        duration_ms=info.duration_ms,
        clock=recording.clock,
        has_video=bool(info.video_codec),
    )


def with_successor(answer: Answer, successor_id: str) -> Answer:
    """The answer with the one that took its place; none for a public one, and as it is where nobody said."""
    if answer.state is AnswerState.SUPERSEDED:
        return replace(answer, superseded_by=successor_id or answer.superseded_by)
    return replace(answer, superseded_by="") if answer.state is AnswerState.PUBLISHED else answer


def with_state(answer: Answer, state: QuestionState | None) -> Answer:
    """The answer in the state that its question has; as it is for a state that says nothing about answers.

    What has neither a range nor a written body is no answer yet, so it stays a draft whatever is said.
    """
    if state is Q.PUBLISHED and (answer.ranges or answer.body.strip()):
        return replace(answer, state=AnswerState.PUBLISHED)
    if state is Q.WITHDRAWN:
        return replace(answer, state=AnswerState.WITHDRAWN)
    if state is Q.SUPERSEDED:
        return replace(answer, state=AnswerState.SUPERSEDED)
    return replace(answer, state=AnswerState.DRAFT) if state in _ANSWERED else answer
