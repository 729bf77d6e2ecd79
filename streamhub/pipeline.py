"""From the end of a session to its page: the durable workflows that tie the stages together.

Owns the order of the steps and what happens when one fails. Every step can run again: it looks at what is there before
it does anything, and what goes through the engine is ids and hashes, never text. Refuses to know brands: it gets a
recogniser, a recorder and a site builder as roles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from sqlite_utils import Database

from streamhub.answers.answer import AnswerState
from streamhub.archive.archived import ArchivedSession
from streamhub.archive.folder import load_session, save_session, save_transcripts, save_translation
from streamhub.archive.public import speakers_of
from streamhub.archiving import Facts, load_facts, plan_archived, plan_recut, plan_written, write_states
from streamhub.clipping import CLIPS, Clipper, run_clips
from streamhub.config import AnswerSettings, TranscriptSettings
from streamhub.engine import TRANSCRIPTION, Context, Engine, Json
from streamhub.errors import NotFound
from streamhub.event_files import write_events
from streamhub.hearing import Ear
from streamhub.ordering import (
    AUTHOR,
    PUBLISH,
    RECUT,
    SESSION,
    TRANSCRIBE,
    TRANSLATE,
    Source,
    publish_answered,
)
from streamhub.publishing import list_withheld
from streamhub.questions.question import QuestionState
from streamhub.recording.clipping import ClipTools
from streamhub.recording.recording import Recording
from streamhub.rehearing import REHEAR, in_language, plan_spoken, renew_words
from streamhub.schedule.show import Publishing, SessionState
from streamhub.store import questions as question_rows
from streamhub.store import shows as show_rows
from streamhub.store.handover import hand_over
from streamhub.store.spoken_languages import find_spoken, save_spoken
from streamhub.store.store import Store
from streamhub.store.work import put_outbox
from streamhub.timecode import Now
from streamhub.transcript.captions import read_captions
from streamhub.transcript.diariser import Diariser
from streamhub.transcript.live_words import HeardStream
from streamhub.transcript.recognised import load_recognised, save_recognised
from streamhub.transcript.rules import to_session_clock
from streamhub.transcript.speakers import Turn, assign_speakers, label_turns
from streamhub.transcript.transcriber import Transcriber
from streamhub.transcript.transcript import TRANSLATED, Transcript
from streamhub.voices import hear_voices, plan_turns, tell_voices

Q = QuestionState

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
        if renewed and renewed["public"]:
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
        order_id = _order_id(workflow_id, session_id)

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
            facts = await self._parts.store.read(lambda db: load_facts(db, session_id))
            write = partial(self._keep_translation, facts, translation)
            changed = await asyncio.to_thread(write) if facts.session.language != TRANSLATED else False
        return {"changed": changed, "public": facts.session.state is SessionState.PUBLISHED}

    def _keep_translation(self, facts: Facts, translation: Transcript) -> bool:
        archived = load_session(self._parts.transcripts, facts.show.id, facts.session.id)
        assert facts.recording is not None
        placed = to_session_clock(translation, facts.recording.clock)
        return save_translation(self._parts.transcripts, archived, placed)

    async def _renew_words(self, session_id: str, live_file: str, heard: str, workflow_id: str) -> Json:
        """Write the better words, in another language where that was set right."""
        facts = await self._parts.store.read(lambda db: load_facts(db, session_id))
        fresh = await asyncio.to_thread(self._load_transcript, facts, Source(), heard)
        turns = await self._find_turns(facts, fresh)  # may have to listen: nobody waits for the archive meanwhile
        async with self.archive_lock:
            facts = await self._parts.store.read(lambda db: load_facts(db, session_id))
            last = await self._parts.store.read(lambda db: find_spoken(db, session_id))
            before = live_file or (last.file if last else "")
            if fresh and before and facts.recording:
                machine = await asyncio.to_thread(self._load_transcript, facts, Source(), before)
                assert machine is not None
                told = [replace(one, cues=assign_speakers(one.cues, turns)) for one in (machine, fresh)]
                await asyncio.to_thread(self._renew, facts, *told)
            await self._note_language(facts, heard, fresh)
        await self._follow_clips(session_id, workflow_id)
        return {"public": facts.session.state is SessionState.PUBLISHED}

    def _renew(self, facts: Facts, machine: Transcript, fresh: Transcript) -> None:
        recording, session = facts.recording, facts.session
        assert recording is not None
        archived = load_session(self._parts.transcripts, facts.show.id, session.id)
        clock = recording.clock
        transcripts = renew_words(archived, to_session_clock(machine, clock), to_session_clock(fresh, clock))
        if transcripts != archived.transcripts:
            save_transcripts(self._parts.transcripts, archived, transcripts)
        if archived.language != session.language:
            self._change_language(facts, load_session(self._parts.transcripts, facts.show.id, session.id))

    def _change_language(self, facts: Facts, archived: ArchivedSession) -> None:
        """Have the archive follow the language that its session has by now, and cut the answers by the new words."""
        cut = plan_written(plan_recut(facts, archived, self._parts.answers), facts.written)
        answers = in_language(cut, old=archived.language, new=facts.session.language)
        language = facts.session.language
        translations = tuple(one for one in archived.translations if one.language != language)
        changed = replace(archived, language=language, answers=answers, translations=translations)
        save_session(self._parts.transcripts, changed)

    async def _note_language(self, facts: Facts, heard: str, transcript: Transcript | None) -> None:
        """Keep in which language a session was heard, and whether that is the one in which it is spoken."""
        if transcript is not None:
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
        facts = await self._parts.store.read(lambda db: load_facts(db, session_id))
        transcript = await asyncio.to_thread(self._load_transcript, facts, source, heard)
        turns = await self._find_turns(facts, transcript)
        async with self.archive_lock:
            facts = await self._parts.store.read(lambda db: load_facts(db, session_id))
            if transcript:
                transcript = replace(transcript, cues=assign_speakers(transcript.cues, turns))
            archived = await asyncio.to_thread(
                plan_archived, facts, transcript, self._parts.answers, captions=bool(source.captions)
            )
            await asyncio.to_thread(save_session, self._parts.transcripts, archived)  # what people changed stays
            if not source.captions:
                await self._note_language(facts, heard, transcript)
        return {"answers": len(archived.answers), "public": archived.public}

    async def _recut(self, session_id: str, workflow_id: str) -> Json:
        """Cut the answers anew from the marks of now and the words of the archive; whatever a person touched stays."""
        async with self.archive_lock:
            facts = await self._parts.store.read(lambda db: load_facts(db, session_id))
            archived = await asyncio.to_thread(load_session, self._parts.transcripts, facts.show.id, session_id)
            cut = plan_recut(facts, archived, self._parts.answers)
            changed = replace(archived, answers=tuple(plan_written(cut, facts.written)))
            await asyncio.to_thread(save_session, self._parts.transcripts, changed)
        await self._follow_clips(session_id, workflow_id)
        return {"answers": len(changed.answers), "public": archived.public}

    async def _enter_review(self, session_id: str, workflow_id: str) -> Json:
        people = await self._list_heard(session_id)

        def enter(db: Database) -> str:
            at = self._parts.now()
            session = show_rows.load_session(db, session_id)
            for question in question_rows.list_questions(db, session_id):
                if question.state is Q.ON_AIR:
                    question_rows.step_question(db, question.id, Q.ANSWERED_LIVE, at=at, author=AUTHOR)
            if session.state is SessionState.PROCESSING:
                hand_over(db, session_id, at=at)
                show_rows.step_session(db, session_id, SessionState.IN_REVIEW, at=at)
            if show_rows.load_show(db, session.show_id).publishing is Publishing.AUTO:
                withheld = list_withheld(db, session_id, people)
                publish_answered(db, session_id, None, at=at, author=AUTHOR, withheld=withheld)
            return session_id

        return await self._parts.store.write(enter, key=f"{workflow_id}:review")

    async def _list_heard(self, session_id: str) -> dict[str, tuple[str, ...]]:
        """Who is to be heard in each answer; nobody where nothing was cut."""
        session = await self._parts.store.read(lambda db: show_rows.load_session(db, session_id))

        def read() -> dict[str, tuple[str, ...]]:
            try:
                archived = load_session(self._parts.transcripts, session.show_id, session_id)
            except NotFound:
                return {}
            return {answer.id: speakers_of(answer, archived) for answer in archived.answers}

        return await asyncio.to_thread(read)

    async def _write_states(self, session_id: str, ids: frozenset[str], workflow_id: str) -> Json:
        """Write the states of these answers, and what was written for them, into their files; the rest stays."""
        async with self.archive_lock:
            answers = await write_states(self._parts.store, self._parts.transcripts, session_id, ids)
            await write_events(self._parts.store, self._parts.transcripts)
        questions = await self._parts.store.read(lambda db: question_rows.list_questions(db, session_id))
        if any(question.id in ids and not question.text for question in questions):
            await self.ear.forget_words(session_id)
        await self._follow_clips(session_id, workflow_id)
        return {"published": sum(answer.state is AnswerState.PUBLISHED for answer in answers)}

    async def _follow_clips(self, session_id: str, workflow_id: str) -> None:
        """Have clips follow what a workflow wrote; done again, it orders nothing twice."""
        await self.clipper.follow(session_id, _order_id(workflow_id, session_id), at=self._parts.now())

    async def _discard_segments(self, session_id: str) -> Json:
        """Delete the segments: the recording made of them is verified, and all that follows from it is there."""
        return {"freed_bytes": await self._parts.recordings.discard(session_id)}

    async def follow_events(self) -> bool:
        """Have the archive's events follow the hub; says whether anything has changed."""
        async with self.archive_lock:
            return await write_events(self._parts.store, self._parts.transcripts)

    async def build_site(self) -> None:
        """Build the site because something beside the archive's sessions has changed."""
        await self._build_site()

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


def _order_id(workflow_id: str, session_id: str) -> str:
    """What a workflow orders goes by its own name, so that a step that runs again orders nothing twice."""
    return workflow_id.replace(f":{session_id}", "").replace(":", "-")
