"""Where the rooms meet: what is withdrawn, ended or killed between two of them stays private, and nothing sticks."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlite_utils import Database

from streamhub.answers.answer import AnswerState
from streamhub.app import Parts, _make_outside, open_hub
from streamhub.archive.folder import load_archive
from streamhub.archive.public import show_session
from streamhub.broadcasting import BroadcastingParts, HubBroadcasting
from streamhub.commands import backup_workspace, restore_workspace
from streamhub.config import Settings
from streamhub.errors import Conflict, NotFound
from streamhub.hubside import ArchiveAnswers
from streamhub.importing import ImportRequest
from streamhub.live.local import LocalPlatform
from streamhub.live.mark import Mark, MarkKind, Witness
from streamhub.live.platform import Phase
from streamhub.ordering import Source, order_session
from streamhub.questions.question import Question, QuestionState
from streamhub.recording.recording import ClockMap, MediaInfo, Recording
from streamhub.recording.studio import Happening, StudioEvent
from streamhub.schedule.show import Session, SessionState, Show
from streamhub.store import marks as mark_rows
from streamhub.store import questions as question_rows
from streamhub.store import recordings as recording_rows
from streamhub.store import shows as show_rows
from streamhub.store.access import load_stream_key
from streamhub.store.broadcasts import BroadcastRow, save_broadcast
from streamhub.store.erased import find_erased
from streamhub.store.erasing import erase_question, wish_erasure
from streamhub.store.purging import purge_erased
from streamhub.timecode import Span
from streamhub.transcript.recognised import load_recognised
from streamhub.transcript.transcriber import TranscriptionJob
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.web.erasing import finish_erasure, follow_list
from streamhub.workspace import create_workspace

START = datetime(2027, 3, 2, 19, 15, tzinfo=UTC)
SESSION = Session(
    id="2027-03-02-netz",
    show_id="runde",
    title="Netz",
    starts_at=START,
    state=SessionState.ENDED,
    started_at=START,
    ended_at=START + timedelta(seconds=60),
)
WORDS = {
    "router": ("Warum blinkt mein Router so rot?", "Weil der Glasfaserkasten keinen Strom bekommt."),
    "bill": ("Wann kommt eigentlich meine Rechnung?", "Die Abrechnung schicken wir am Monatsersten."),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A fresh workspace."""
    return create_workspace(tmp_path / "hub", Settings(), random=os.urandom).folder


@contextlib.asynccontextmanager
async def open_parts(folder: Path) -> AsyncIterator[Parts]:
    async with open_hub(folder, {}, now=lambda: datetime.now(UTC), random=os.urandom) as parts:
        yield parts


def answers_of(parts: Parts) -> ArchiveAnswers:
    return ArchiveAnswers(parts.store, parts.workspace.transcripts, now=parts.now)


async def hold_session(parts: Parts, session: Session = SESSION) -> None:
    """Keep a session in which two questions were on air for half a minute each."""

    def save(db: object) -> None:
        show_rows.save_show(db, Show(id="runde", title="Runde"))
        show_rows.save_session(db, session)
        for number, (key, (text, _)) in enumerate(WORDS.items()):
            question = Question(
                id=key, session_id=session.id, text=text, asked_at=START, state=QuestionState.ANSWERED_LIVE
            )
            question_rows.insert_question(db, question)
            for kind, at_s in ((MarkKind.ON_AIR, 30 * number + 1), (MarkKind.DONE, 30 * number + 29)):
                mark = Mark(
                    session_id=session.id,
                    question_id=key,
                    kind=kind,
                    at=START + timedelta(seconds=at_s),
                    witness=Witness.HOST,
                    author="host",
                )
                mark_rows.insert_mark(db, mark)

    await parts.store.write(save)


def write_captions(folder: Path) -> Path:
    """What was said in that session."""
    lines = ["WEBVTT", ""]
    for number, sentences in enumerate(WORDS.values()):
        for turn, sentence in enumerate(sentences):
            at_s = 30 * number + 1 + 10 * turn
            lines += [f"00:00:{at_s:02}.000 --> 00:00:{at_s + 9:02}.000", sentence, ""]
    path = folder / "said.vtt"
    path.write_text("\n".join(lines), "utf-8")
    return path


async def finish(parts: Parts, captions: Path | None) -> None:
    """Order the session's pipeline and wait for its end."""
    source = Source(captions=str(captions or ""), live=False)
    await parts.store.write(lambda db: order_session(db, SESSION.id, source, at=parts.now()))
    await settle(parts)


async def settle(parts: Parts) -> None:
    """Wait until all that was ordered is done; what is held is a failure."""

    async def open_work() -> bool:
        works = await parts.engine.status()
        assert [work.message for work in works if work.state in {"held", "failed"}] == []
        unsent = await parts.store.read(
            lambda db: db.execute("select count(*) from outbox where sent_at is null").fetchone()[0]
        )
        return bool(unsent) or any(work.state != "done" for work in works)

    async with asyncio.timeout(60):
        while await open_work():
            await asyncio.sleep(0.05)


async def test_speech_of_an_answer_withdrawn_before_it_was_cut_stays_private(folder: Path) -> None:
    """Whoever takes his answer back during the show is in no transcript, however late the answers are cut."""
    async with open_parts(folder) as parts:
        await hold_session(parts, replace(SESSION, state=SessionState.LIVE))
        await answers_of(parts).withdraw(SESSION.id, "router", author="host")
        await settle(parts)
        await parts.store.write(
            lambda db: show_rows.step_session(db, SESSION.id, SessionState.ENDED, at=SESSION.ended_at)
        )
        await finish(parts, write_captions(folder))
        await answers_of(parts).publish(SESSION.id, "bill", author="host")
        await settle(parts)
        public = parts.workspace.public
    archive = load_archive(folder / "transcripts")
    states = {answer.id: answer.state for answer in archive[0].answers}
    assert states == {"router": AnswerState.WITHDRAWN, "bill": AnswerState.PUBLISHED}
    session = show_session(archive[0])
    assert session is not None
    assert session.transcript is not None
    assert "Glasfaserkasten" not in " ".join(cue.text for cue in session.transcript.cues)
    leaks = [path for path in public.rglob("*") if path.is_file() and b"Glasfaserkasten" in path.read_bytes()]
    assert leaks == []
    assert any(b"Abrechnung" in path.read_bytes() for path in public.rglob("*.html"))


async def test_what_is_withdrawn_while_all_drafts_are_published_stays_withdrawn(folder: Path) -> None:
    """Of two hosts who publish everything and withdraw one answer at once, the one who withdraws wins."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await finish(parts, write_captions(folder))
        answers = answers_of(parts)
        seen = [answer.id for answer in await answers.list(SESSION.id)]
        await answers.withdraw(SESSION.id, "router", author="second host")
        assert await answers.publish_drafts(SESSION.id, seen, author="first host") == ["bill"]
        assert await answers.publish_drafts(SESSION.id, seen, author="first host") == ()
        await settle(parts)
    states = {answer.id: answer.state for answer in load_archive(folder / "transcripts")[0].answers}
    assert states == {"router": AnswerState.WITHDRAWN, "bill": AnswerState.PUBLISHED}


async def test_nothing_is_published_before_the_answers_are_cut(folder: Path) -> None:
    """Publishing in the middle of a show is refused and changes nothing, so that no page is promised and missing."""
    async with open_parts(folder) as parts:
        await hold_session(parts, replace(SESSION, state=SessionState.LIVE))
        with pytest.raises(Conflict, match="not cut yet"):
            await answers_of(parts).publish(SESSION.id, "bill", author="host")
        question = await parts.store.read(lambda db: question_rows.load_question(db, "bill"))
        assert question.state is QuestionState.ANSWERED_LIVE
        await settle(parts)


@dataclass
class Recordings:
    """A recording that is there already."""

    parts: Parts

    async def take(self, session_id: str, source: Path, progress: object, *, needs_sound: bool = True) -> Recording:
        info = MediaInfo(
            duration_ms=60_000, size_bytes=1, container="mp4", audio_codec="aac", sample_rate_hz=48_000, channels=1
        )
        recording = Recording(
            session_id=session_id,
            path=f"{session_id}/recording.mp4",
            sha256="5" * 64,
            info=info,
            clock=ClockMap.identity(60_000),
        )
        await self.parts.store.write(lambda db: recording_rows.save_recording(db, recording))
        return recording


@dataclass
class FickleTranscriber:
    """Hears one sentence; afterwards the settings name another model."""

    name: str = "fake small"

    async def version(self) -> str:
        return "1"

    async def prepare(self) -> None:
        """Nothing to fetch."""

    async def close(self) -> None:
        """Nothing is kept."""

    async def transcribe(self, job: TranscriptionJob, progress: object) -> Transcript:
        self.name = "fake large"
        return Transcript(language="de", cues=(Cue(id="c1", span=Span(2_000, 9_000), text=WORDS["router"][0]),))


async def test_what_was_heard_is_used_whatever_model_is_set_now(folder: Path) -> None:
    """A model that is exchanged between hearing and cutting makes no session without words."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        roles = {"recordings": Recordings(parts), "transcriber": FickleTranscriber()}
        parts.pipeline._parts = replace(parts.pipeline._parts, **roles)
        source = Source(media="film.mp4", live=False)
        await parts.store.write(lambda db: order_session(db, SESSION.id, source, at=parts.now()))
        await settle(parts)
    (session,) = load_archive(folder / "transcripts")
    assert [transcript.text for transcript in session.transcripts] == [WORDS["router"][0]]


@pytest.mark.parametrize("by_host", [True, False])
async def test_a_stream_key_ends_with_its_session(folder: Path, by_host: bool) -> None:
    """Whether a host ended it or the grace time: the key is gone, and looking at the session makes no new one."""
    async with open_parts(folder) as parts:
        await hold_session(parts, replace(SESSION, state=SessionState.REHEARSAL, started_at=None, ended_at=None))
        platform = LocalPlatform(parts.store, parts.studio, url="rtmp://hub", now=parts.now, random=os.urandom)
        broadcasting = HubBroadcasting(
            BroadcastingParts(store=parts.store, local=platform, studio=parts.studio, now=parts.now)
        )
        assert (await broadcasting.ingest(SESSION.id)).key
        await broadcasting.go_live(SESSION.id)
        if by_host:
            await broadcasting.end(SESSION.id)
        else:
            over = StudioEvent(kind=Happening.GRACE_OVER, session_id=SESSION.id, at=parts.now(), message="")
            await parts.on_studio(over)
        with pytest.raises(Conflict, match="takes no stream"):
            await broadcasting.ingest(SESSION.id)
        assert await parts.store.read(lambda db: load_stream_key(db, SESSION.id)) is None


async def test_an_import_with_other_questions_is_not_taken_for_the_same(folder: Path) -> None:
    """The same import again goes on; one whose list of questions was changed is refused instead of ignored."""
    questions = folder / "q.csv"
    request = ImportRequest(
        file=write_captions(folder), show="Runde", title="Netz", start="2026-03-02T19:15:00Z", questions=questions
    )
    async with open_parts(folder) as parts:
        questions.write_text("question\n" + "\n".join(text for text, _ in WORDS.values()))
        session_id = await parts.importer.begin(request)
        assert await parts.importer.begin(request) == session_id
        assert await parts.importer.begin(replace(request, questions=None)) == session_id
        questions.write_text("question\nWer bezahlt das alles?")
        with pytest.raises(Conflict, match="with other questions"):
            await parts.importer.begin(request)
        await settle(parts)


async def test_a_second_hearing_replaces_nothing(folder: Path) -> None:
    """A worker that hands its words over twice, or after another one, changes nothing of the first."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await Recordings(parts).take(SESSION.id, Path("film.mp4"), None)
        ear = replace(parts.pipeline.ear, transcriber=FickleTranscriber())
        plan = await ear.plan(SESSION.id)
        task = await ear.plan_piece(SESSION.id, plan["hearing"], 0, "de")
        for text in ("first", "second"):
            said = Transcript(language="de", cues=(Cue(id="c1", span=Span(0, 1000), text=text),))
            await ear.take_piece(task, said, "1")
        assert load_recognised(task.target("1")).text == "first"
        with pytest.raises(Conflict, match="of version 2, this recording is heard with version 1"):
            await ear.take_piece(task, said, "2")


async def test_a_platform_is_there_as_long_as_something_of_ours_is_there(folder: Path) -> None:
    """Switched off, and no show wants it: what is still planned there is taken back all the same."""
    row = BroadcastRow(session_id=SESSION.id, platform="youtube", marker="m", ref="r")
    async with open_hub(folder, {}, now=lambda: START, random=os.urandom) as parts:
        await parts.store.write(lambda db: show_rows.save_show(db, Show(id="runde", title="Runde")))
        await parts.store.write(lambda db: show_rows.save_session(db, SESSION))
        for phase, names in ((Phase.SCHEDULED, {"youtube"}), (Phase.ENDED, set())):
            await parts.store.write(lambda db, phase=phase: save_broadcast(db, replace(row, phase=phase)))
            outside = await _make_outside(parts)
            assert outside.platforms.remotes.keys() == names
            for remote in outside.platforms.remotes.values():
                await remote.close()


async def erase(parts: Parts, question_id: str) -> None:
    at = parts.now()

    def forget(db: Database) -> None:
        erase_question(db, question_id, at=at)
        answers_of(parts).order(db, SESSION.id, question_id, at=at)

    await answers_of(parts).withdraw(SESSION.id, question_id, author="asker")
    await parts.store.write(forget)
    await settle(parts)


async def test_an_erased_question_leaves_no_word_in_the_archive(folder: Path) -> None:
    """After its asker had a question erased, neither a file of the archive nor the name of one holds its words."""
    async with open_parts(folder) as parts:
        await hold_session(parts)
        await finish(parts, write_captions(folder))
        await answers_of(parts).publish(SESSION.id, "bill", author="host")
        await settle(parts)
        question = await parts.store.read(lambda db: question_rows.load_question(db, "bill"))
        await erase(parts, "bill")
    (answer,) = [one for one in load_archive(folder / "transcripts")[0].answers if one.id == "bill"]
    assert (answer.state, question.text in str(answer)) == (AnswerState.WITHDRAWN, False)
    assert [path.name for path in folder.rglob("bill-*")] == ["bill-x.md"]


@pytest.mark.parametrize("known_by", ["workspace", "backup", "list"])
async def test_what_was_erased_stays_erased_after_a_restore(folder: Path, tmp_path: Path, known_by: str) -> None:
    """A backup made before an erasure is restored without its words where anything says what was erased since."""
    old, newer, words = tmp_path / "old.tar", tmp_path / "newer.tar", WORDS["bill"][0]

    def found(workspace: Path) -> list[str]:
        files = [*workspace.glob("hub.sqlite3*"), *workspace.glob("transcripts/**/answers/*"), *workspace.glob("*.txt")]
        return [file.name for file in files if words.encode() in file.read_bytes()]

    async with open_parts(folder) as parts:
        await hold_session(parts)
        await finish(parts, write_captions(folder))
        await answers_of(parts).publish(SESSION.id, "bill", author="host")
        await settle(parts)
        await asyncio.to_thread(backup_workspace, folder, old, {}, media=False, now=parts.now)
        await parts.store.write(lambda db: wish_erasure(db, "bill", at=parts.now()))
        await follow_list(parts.store, now=parts.now)
        await finish_erasure(parts.store, answers_of(parts), None, "bill", now=parts.now)
        assert await purge_erased(parts.store, now=parts.now)
        await settle(parts)
        await asyncio.to_thread(backup_workspace, folder, newer, {}, media=False, now=parts.now)
    assert found(folder) == []
    again = partial(asyncio.to_thread, restore_workspace, old, environ={}, now=lambda: datetime.now(UTC))
    blind = await again(folder=tmp_path / "blind")
    assert (blind["erased"], "--erased" in blind["note"]) == (0, True)
    assert found(tmp_path / "blind")
    place = {"workspace": folder, "backup": newer, "list": folder / "erased.txt"}[known_by]
    done = await again(folder=tmp_path / "again", erased=[place])
    assert (done["erased"], done["note"]) == (1, "")
    assert found(tmp_path / "again") == []
    (answer,) = [one for one in load_archive(tmp_path / "again" / "transcripts")[0].answers if one.id == "bill"]
    assert answer.state is AnswerState.WITHDRAWN
    async with open_parts(tmp_path / "again") as parts:
        await settle(parts)
        states = {one.id: one.state for one in await answers_of(parts).list(SESSION.id)}
    assert states["bill"] is AnswerState.WITHDRAWN
    assert found(tmp_path / "again") == []


def test_a_list_of_erased_questions_is_none_of_anything(tmp_path: Path) -> None:
    """A place that is no workspace, backup or list is refused before anything is restored."""
    (tmp_path / "folder").mkdir()
    for place in ("folder", "nowhere"):
        with pytest.raises(NotFound, match=place):
            find_erased(tmp_path / place)


async def test_an_erased_question_does_not_stop_its_session(folder: Path) -> None:
    """A question that was on air and is erased before the answers are cut keeps no other answer from the archive."""
    async with open_parts(folder) as parts:
        await hold_session(parts, replace(SESSION, state=SessionState.LIVE))
        await erase(parts, "router")
        await parts.store.write(
            lambda db: show_rows.step_session(db, SESSION.id, SessionState.ENDED, at=SESSION.ended_at)
        )
        await finish(parts, write_captions(folder))
    states = {answer.id: answer.state for answer in load_archive(folder / "transcripts")[0].answers}
    assert states["router"] is AnswerState.WITHDRAWN
    assert "bill" in states
