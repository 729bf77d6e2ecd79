"""The keeper of videos: after a session its video gets what the archive says, once, whatever fails in between."""

from __future__ import annotations

import io
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from streamhub.answers.answer import Answer, AnswerState
from streamhub.archive.archived import ArchivedRecording, ArchivedSession
from streamhub.archive.blurb import CLOSE_LINE, OPEN_LINE
from streamhub.archive.folder import load_session, save_session
from streamhub.errors import Conflict, Fault, PlatformError
from streamhub.keepers.video_facts import Kind, due_at, failed, load_facts
from streamhub.keepers.video_sights import VideoSights
from streamhub.keepers.videos import Videos, VideosParts
from streamhub.live.problem import ProblemCode
from streamhub.live.video import VideoState
from streamhub.live.youtube.shelf import YouTubeShelf
from streamhub.recording.recording import ClockMap
from streamhub.schedule.show import Participant, Privacy, Role, SessionState
from streamhub.store.effects import Effect, list_effects, save_effect
from streamhub.store.rows import fetch_all
from streamhub.store.shows import save_show
from streamhub.timecode import Span
from streamhub.transcript.transcript import Cue, Transcript
from streamhub.web.platform_views import EffectState, Wish
from tests.fakes.youtube import Drop, Html502, Refuse
from tests.live.youtube_desk import SHOW, Desk, open_desk

SITE = "https://antworten.example.org/archiv/"


class Killed(BaseException):
    """Ends everything at once, as kill -9 does."""


WRITES = {"thumbnails.set", "captions.insert", "captions.update", "captions.delete", "videos.update"}


@dataclass(kw_only=True)
class Room:
    """A desk with an archive and a keeper."""

    desk: Desk
    transcripts: Path
    connected: bool = True
    keeper: Videos = None  # type: ignore[assignment]
    sights: VideoSights = None  # type: ignore[assignment]

    def restarted(self) -> Videos:
        """A keeper that remembers nothing but its rows, as after a crash."""
        shelf = YouTubeShelf(self.desk.api, self.desk.store)
        parts = VideosParts(
            store=self.desk.store,
            shelf_of=lambda platform: shelf if platform == "youtube" and self.connected else None,
            transcripts=self.transcripts,
            site_url=SITE,
            now=self.desk.fake.now,
        )
        self.keeper = Videos(parts)
        self.sights = VideoSights(self.keeper, parts)
        return self.keeper

    @property
    def ref(self) -> str:
        return str(self.desk.only.id)

    @property
    def description(self) -> str:
        return str(self.desk.only.video.description)

    async def sync(self, *, after_s: float = 0.0) -> list[str]:
        """Let time pass, look after everything; returns the calls that were made."""
        self.desk.fake.tick(after_s)
        before = len(self.desk.fake.calls)
        await self.keeper.sync_all()
        return self.desk.calls(before)

    async def settle(self) -> None:
        """Until the video is processed and all is there."""
        for _ in range(3):
            await self.sync(after_s=600)

    async def effect(self, kind: str, name: str = "") -> Effect | None:
        effects = await self.desk.store.read(lambda db: list_effects(db, self.desk.session.id, "youtube"))
        return next((one for one in effects if (one.kind, one.name) == (kind, name)), None)

    async def problem(self, kind: str, name: str = "") -> ProblemCode | None:
        effect = await self.effect(kind, name)
        return effect.problem.code if effect and effect.problem else None

    def load(self) -> ArchivedSession:
        return load_session(self.transcripts, "netz", self.desk.session.id)

    def change(self, **states: AnswerState) -> None:
        """Change the states of answers in the archive, as the pipeline or a person does."""
        loaded = self.load()
        answers = tuple(replace(one, state=states.get(one.id, one.state)) for one in loaded.answers)
        save_session(self.transcripts, replace(loaded, answers=answers), loaded=loaded)

    @property
    def captions(self) -> dict[str, str]:
        return {track.language: track.media.decode() for track in self.desk.fake.captions.values()}


def archived(desk: Desk, **changes: Any) -> ArchivedSession:
    """A session with five answers of a minute each, as the pipeline writes it."""
    names = ("Eins", "Zwei", "Drei", "Vier", "Geheim")
    cues = [
        Cue(id=f"c{n}", span=Span(n * 60_000 + 1_000, n * 60_000 + 9_000), text=f"Antwort {name}.", speaker="Anna")
        for n, name in enumerate(names, 1)
    ]
    answers = [
        Answer(
            id=f"q{n}",
            slug=f"q{n}",
            session_id=desk.session.id,
            question=f"Frage {name}?",
            ranges=(Span(n * 60_000, n * 60_000 + 10_000),),
            state=AnswerState.DRAFT if name == "Geheim" else AnswerState.PUBLISHED,
        )
        for n, name in enumerate(names, 1)
    ]
    file = ArchivedRecording(url="netz/rec.mp4", duration_ms=600_000, clock=ClockMap.identity(600_000))
    made = ArchivedSession(
        id=desk.session.id,
        show_id="netz",
        show_title="Netz",
        title=desk.session.title,
        starts_at=desk.session.starts_at,
        participants=(Participant(name="Anna", role=Role.HOST),),
        recordings=(file,),
        transcripts=(Transcript(language="de", cues=tuple(cues)),),
        answers=tuple(answers),
    )
    return replace(made, **changes)


@pytest.fixture
async def room(tmp_path: Path, no_proxies: None) -> AsyncIterator[Room]:
    """A session that was live for ten minutes and is archived; its broadcast began 5 s before it did."""
    async with open_desk(tmp_path, processing_polls=1) as desk:
        people = (Participant(name="Anna Acker", role=Role.HOST), Participant(name="Kim Kunde", role=Role.CUSTOMER))
        await desk.change(participants=people)
        await desk.platform.ensure(desk.session)
        found = Room(desk=desk, transcripts=tmp_path / "transcripts")
        found.restarted()
        yield found


async def end(room: Room, **changes: Any) -> None:
    """Go live, end after ten minutes, and archive."""
    desk = room.desk
    await desk.live()
    desk.fake.tick(600)
    await desk.platform.end(desk.session.id)
    row = await desk.row()
    assert row is not None
    assert row.started_at is not None
    await desk.change(
        state=SessionState.IN_REVIEW, started_at=row.started_at + timedelta(seconds=5), ended_at=row.ended_at
    )
    save_session(room.transcripts, archived(desk, **changes))


# --- before and right after


async def test_the_thumbnail_follows_the_session(room: Room) -> None:
    """It is there as soon as the broadcast is, and again when title, date or people change; else nothing is asked."""
    assert await room.sync() == ["thumbnails.set"]
    assert Image.open(io.BytesIO(room.desk.only.video.thumbnail)).size == (1280, 720)
    assert await room.sync(after_s=3600) == []
    for change in ({"title": "Neu"}, {"starts_at": room.desk.session.starts_at + timedelta(days=1)}):
        await room.desk.change(**change)
        assert await room.sync() == ["thumbnails.set"]
    await room.desk.change(planned_minutes=90)
    assert await room.sync() == []


async def test_what_breaks_off_is_not_begun_again_with_every_round(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a mistake of ours nor a broken file is met every ten seconds; a change is followed at once."""
    send, asked = room.desk.api._send, []

    def odd(request: Any, token: str) -> dict[str, Any]:
        asked.append(request.call)
        raise RuntimeError("not foreseen")

    room.desk.api._send = odd  # type: ignore[method-assign]
    for _ in range(60):
        await room.sync(after_s=10)
    assert 2 <= len(asked) <= 5
    room.desk.api._send = send  # type: ignore[method-assign]
    await room.sync(after_s=3600)
    await end(room)
    await room.settle()
    file = next(room.transcripts.glob("*/*/session.md"))
    whole = file.read_text("utf-8")
    file.write_text("nonsense", "utf-8")
    caplog.clear()
    for _ in range(60):
        await room.sync(after_s=10)
    assert 2 <= sum("video_sync_failed" in record.message for record in caplog.records) <= 5
    file.write_text(whole, "utf-8")
    room.change(q1=AnswerState.WITHDRAWN)
    assert "captions.update" in await room.sync(after_s=1)


async def test_a_refused_thumbnail_is_told_and_not_repeated(room: Room) -> None:
    """A channel without the right to thumbnails is told once; six hours later it is tried again."""
    room.desk.fake.channel.custom_thumbnails = False
    await room.sync()
    assert await room.problem("thumbnail") is ProblemCode.THUMBNAIL_REFUSED
    assert await room.sync(after_s=3600) == []
    room.desk.fake.channel.custom_thumbnails = True
    assert await room.sync(after_s=6 * 3600) == ["thumbnails.set"]
    assert await room.problem("thumbnail") is None


async def test_a_cancelled_session_gets_nothing(room: Room) -> None:
    """What was called off is left alone."""
    await room.desk.change(state=SessionState.CANCELLED)
    assert await room.sync() == []


async def test_without_a_sign_in_nothing_happens_and_nothing_breaks(room: Room) -> None:
    """An account that is not connected is waited for."""
    room.connected = False
    assert await room.sync() == []
    room.connected = True
    assert await room.sync() == ["thumbnails.set"]


# --- after the end


async def test_after_the_end_everything_is_there_once(room: Room) -> None:
    """Captions, playlist and the archive's entry come by themselves; the second pass asks nothing at all."""
    await room.sync()
    await end(room)
    await room.settle()
    assert [item.video_id for one in room.desk.fake.playlists.values() for item in one.items] == [room.ref]
    assert list(room.captions) == ["de"]
    assert "00:01:06.000 --> 00:01:14.000\n<v Anna>Antwort Eins." in room.captions["de"]
    assert "Geheim" not in room.captions["de"]
    assert OPEN_LINE not in room.description
    for _ in range(3):
        assert await room.sync(after_s=3600) == []
    room.restarted()
    assert await room.sync(after_s=3600) == []
    assert room.desk.fake.violations == []


async def test_the_wait_for_processing_grows(room: Room) -> None:
    """The first look is a minute after the end, then less and less often; after 48 hours it is given up and told."""
    await room.sync()
    room.desk.fake.processing_s = 10**6
    await end(room)
    ended = room.desk.only.ended_at
    looks = []
    while (room.desk.fake.now() - ended) < timedelta(hours=50):
        if "videos.list" in await room.sync(after_s=60):
            looks.append((room.desk.fake.now() - ended).total_seconds())
    gaps_min = [round((after - before) / 60) for before, after in pairwise(looks)]
    assert 60 <= looks[0] <= 121
    assert gaps_min[:5] == sorted(gaps_min[:5])
    assert max(gaps_min) <= 31
    assert 90 <= len(looks) <= 110
    assert await room.problem("video") is ProblemCode.PROCESSING_FAILED


async def test_processing_is_told_while_it_lasts(room: Room) -> None:
    """While it is processed the host is told so, with the time of the next look; then nothing is wrong."""
    await end(room)
    room.desk.fake.processing_polls = 5
    room.desk.only.video.polls_left = 5
    await room.sync(after_s=61)
    effect = await room.effect("video")
    assert effect is not None
    assert effect.problem is not None
    assert effect.problem.code is ProblemCode.VIDEO_NOT_READY
    assert effect.problem.retry_at is not None
    for _ in range(8):
        await room.sync(after_s=1800)
    assert await room.problem("video") is None


async def test_a_failed_video_is_told(room: Room) -> None:
    """A video that cannot be processed is told with the platform's word, and gets no captions."""
    await end(room)
    room.desk.fake.fail_processing(room.ref)
    await room.settle()
    assert await room.problem("video") is ProblemCode.PROCESSING_FAILED
    assert room.captions == {}


async def test_a_broadcast_made_again_gets_everything_anew(room: Room) -> None:
    """What was put beside a broadcast that was deleted says nothing of the one that took its place."""
    await room.sync()
    gone = room.ref
    room.desk.fake.delete(gone)
    await room.desk.platform.get(room.desk.session.id)
    await room.desk.platform.remake(room.desk.session.id)
    assert room.ref != gone
    assert await room.sync() == ["thumbnails.set"]
    await end(room)
    await room.settle()
    assert list(room.captions) == ["de"]


async def test_one_empty_answer_deletes_nothing(room: Room) -> None:
    """A video that is not found once and there again later keeps its entry in the archive."""
    await end(room)
    await room.settle()
    hidden = room.desk.fake.videos.pop(room.ref)
    room.change(q5=AnswerState.PUBLISHED)
    await room.sync(after_s=1900)
    assert await room.problem("video") is ProblemCode.BROADCAST_GONE
    assert len(room.load().recordings) == 2
    room.desk.fake.videos[room.ref] = hidden
    await room.sync(after_s=3700)
    assert await room.problem("video") is None
    await room.sync(after_s=3700)
    assert "Antwort Geheim." in room.captions["de"]
    assert len(room.load().recordings) == 2


async def test_a_deleted_video_is_let_go(room: Room) -> None:
    """Somebody deleted the video there: it is told, the archive's link goes, and in the end nobody asks any more."""
    await end(room)
    await room.settle()
    room.desk.fake.delete(room.ref)
    room.change(q5=AnswerState.PUBLISHED)
    await room.sync(after_s=3600)
    assert await room.problem("video") is ProblemCode.BROADCAST_GONE
    for _ in range(6):
        await room.sync(after_s=86_400)
    assert [one.kind for one in room.load().recordings] == ["file"]
    assert await room.sync(after_s=86_400) == []


# --- the archive


async def test_the_video_becomes_a_recording_of_the_session(room: Room) -> None:
    """It stands behind the hub's own file, on its own clock, and the site is ordered to follow."""
    await end(room)
    await room.settle()
    file, video = room.load().recordings
    assert file.kind == "file"
    assert (video.kind, video.label, video.url) == ("youtube", "YouTube", f"https://www.youtube.com/watch?v={room.ref}")
    assert video.clock.media_ms(60_000) == 65_000
    outbox = await room.desk.store.read(lambda db: fetch_all(db, "select * from outbox"))
    assert [row["kind"] for row in outbox] == ["publish"]


async def test_a_private_video_is_not_linked_to(room: Room) -> None:
    """Nobody could watch it, so the archive does not know it; captions and playlist are there all the same."""
    await room.desk.store.write(lambda db: save_show(db, replace(SHOW, privacy=Privacy.PRIVATE)))
    await end(room)
    await room.settle()
    assert [one.kind for one in room.load().recordings] == ["file"]
    assert list(room.captions) == ["de"]


async def test_every_part_of_a_long_session_is_kept(room: Room) -> None:
    """After a roll over each video has its own clock, captions, chapters and entry, on one playlist."""
    desk = room.desk
    await desk.live()
    desk.fake.tick(150)
    await desk.platform.roll_over(desk.session)
    desk.fake.tick(450)
    await desk.platform.end(desk.session.id)
    first, second = await desk.row(part=1), await desk.row(part=2)
    assert first is not None
    assert second is not None
    assert second.started_at is not None
    await desk.change(state=SessionState.IN_REVIEW, started_at=first.started_at, ended_at=second.ended_at)
    save_session(room.transcripts, archived(desk))
    await room.settle()
    await room.keeper.approve(desk.session.id, author="Anna")
    await room.sync()
    _, one, two = room.load().recordings
    assert (one.clock.media_ms(120_000), two.clock.media_ms(120_000)) == (120_000, None)
    offset_ms = round((second.started_at - first.started_at).total_seconds() * 1000)  # type: ignore[operator]
    assert (one.clock.media_ms(240_000), two.clock.media_ms(240_000)) == (None, 240_000 - offset_ms)
    said = {track.video_id: track.media.decode() for track in desk.fake.captions.values()}
    assert ("Antwort Zwei." in said[first.ref], "Antwort Vier." in said[first.ref]) == (True, False)
    assert ("Antwort Zwei." in said[second.ref], "Antwort Vier." in said[second.ref]) == (False, True)
    (playlist,) = desk.fake.playlists.values()
    assert [item.video_id for item in playlist.items] == [first.ref, second.ref]
    assert all(video.thumbnail and f"{SITE}s/" in video.description for video in desk.fake.videos.values())
    assert await room.sync(after_s=3600) == []


async def test_the_pipeline_goes_on_filling_the_recordings(room: Room) -> None:
    """An import later on replaces the file; the video that falls out by that is put back."""
    await end(room, recordings=())
    await room.settle()
    assert [one.kind for one in room.load().recordings] == ["youtube"]
    save_session(room.transcripts, archived(room.desk))
    assert [one.kind for one in room.load().recordings] == ["file"]
    await room.sync(after_s=60)
    assert [one.kind for one in room.load().recordings] == ["file", "youtube"]


@pytest.mark.parametrize("off_s", [-3600, -20, 0, 20, 3600])
async def test_a_hub_with_a_wrong_clock_finds_its_seconds(room: Room, off_s: int) -> None:
    """The session's instants are the hub's and the video's the platform's; however far apart, answers stay in place.

    So do they where the hub's clock is set right before the video is looked at.
    """
    desk, off = room.desk, timedelta(seconds=off_s)
    desk.clock_off = off
    began = desk.now()
    desk.fake.tick(4)
    await desk.live()
    desk.fake.tick(600)
    await desk.platform.end(desk.session.id)
    await desk.change(state=SessionState.IN_REVIEW, started_at=began, ended_at=desk.now())
    desk.clock_off = timedelta()
    await desk.platform.get(desk.session.id)
    save_session(room.transcripts, archived(desk))
    await room.sync(after_s=3600)  # by the clock set right, the end may still be to come
    await room.settle()
    late = desk.only.started_at + off - began
    assert timedelta(seconds=3) < late < timedelta(seconds=30)
    at_ms = room.load().recordings[-1].clock.media_ms(60_000)
    assert at_ms is not None
    assert abs(at_ms - (60_000 - late / timedelta(milliseconds=1))) <= 1_500
    assert "Antwort Eins." in room.captions["de"]


async def test_captions_of_a_person_are_left_alone(room: Room) -> None:
    """What a host uploaded by hand is neither replaced nor, when an answer goes, taken away; that is told."""
    await end(room)
    shelf = YouTubeShelf(room.desk.api, room.desk.store)
    await shelf.save_captions(room.ref, "de", "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nVon Hand\n")
    theirs = room.captions
    await room.settle()
    assert await room.problem("captions", "de") is ProblemCode.CAPTIONS_TAKEN
    room.desk.fake.fail("captions.list", *[Html502()] * 3)
    room.change(q1=AnswerState.WITHDRAWN)
    await room.settle()
    assert (await room.effect("captions", "de")) is not None
    room.change(**{f"q{n}": AnswerState.WITHDRAWN for n in range(2, 6)})
    await room.settle()
    assert room.captions == theirs
    assert not {"captions.update", "captions.delete"} & set(room.desk.calls())


async def test_captions_of_a_person_that_go_make_room_for_ours(room: Room) -> None:
    """Once the person's captions are gone, the next change brings ours, which are ours to change from then on."""
    await end(room)
    shelf = YouTubeShelf(room.desk.api, room.desk.store)
    track = await shelf.save_captions(room.ref, "de", "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nVon Hand\n")
    await room.settle()
    del room.desk.fake.captions[track]
    room.change(q1=AnswerState.WITHDRAWN)
    await room.settle()
    assert "Antwort Zwei." in room.captions["de"]
    room.change(q2=AnswerState.WITHDRAWN)
    await room.settle()
    assert "Antwort Zwei." not in room.captions["de"]


async def test_a_clock_that_a_person_corrected_stays(room: Room) -> None:
    """The video was cut in Studio: that is told, and a corrected clock in the archive's file wins everywhere."""
    await end(room)
    room.desk.only.video.duration_s = 500
    await room.settle()
    assert await room.problem("video") is ProblemCode.VIDEO_SHORTER
    path = room.transcripts / "netz" / room.desk.session.id / "session.md"
    text = path.read_text("utf-8")
    shown = "media: 00:00:05.000 --> 00:08:20.000"
    assert shown in text
    path.write_text(text.replace(shown, "media: 00:00:00.000 --> 00:08:15.000"), "utf-8")
    await room.sync(after_s=3600)
    await room.settle()
    assert room.load().recordings[1].clock.media_ms(60_000) == 60_000
    assert "00:01:01.000 --> 00:01:09.000\n<v Anna>Antwort Eins." in room.captions["de"]


async def test_a_recording_that_a_person_took_out_stays_out(room: Room) -> None:
    """A person deleted the entry by hand: it does not come back."""
    await end(room)
    await room.settle()
    loaded = room.load()
    save_session(room.transcripts, replace(loaded, recordings=loaded.recordings[:1]), loaded=loaded)
    room.restarted()
    await room.sync(after_s=3600)
    assert [one.kind for one in room.load().recordings] == ["file"]


# --- the description


async def test_the_description_waits_for_a_host(room: Room) -> None:
    """Nothing is written before the host has seen the difference; then chapters and link follow."""
    await end(room)
    await room.settle()
    before = room.description
    (preview,) = await room.keeper.preview(room.desk.session.id)
    assert preview.plan.problem is None
    assert preview.plan.change.removed == ()
    assert "1:05 Frage Eins?" in preview.plan.change.added
    assert room.description == before
    await room.keeper.approve(room.desk.session.id, author="Anna")
    await room.sync()
    assert room.description == preview.plan.change.after
    lines = room.description.split("\n")
    assert lines[lines.index(OPEN_LINE) + 1 : lines.index(CLOSE_LINE)] == [
        f"Alle Fragen und Antworten zum Nachlesen: {SITE}s/{room.desk.session.id}/",
        "0:00 Beginn",
        "1:05 Frage Eins?",
        "2:05 Frage Zwei?",
        "3:05 Frage Drei?",
        "4:05 Frage Vier?",
    ]
    assert lines[-1] == before.split("\n")[-1].strip()
    assert lines[-1].startswith("[sh:")
    assert await room.sync(after_s=3600) == []
    room.change(q5=AnswerState.PUBLISHED)
    await room.sync(after_s=3600)
    assert "5:05 Frage Geheim?" in room.description


async def test_edits_in_studio_stay(room: Room) -> None:
    """What somebody wrote there, before and after our block, survives the next change of the archive."""
    await end(room)
    await room.settle()
    await room.keeper.approve(room.desk.session.id, author="Anna")
    await room.sync()
    video = room.desk.only.video
    video.description = f"Von Hand davor\n{video.description}"
    video.title, video.tags = "Neuer Titel", ["a"]
    room.change(q5=AnswerState.PUBLISHED)
    await room.sync(after_s=3600)
    assert room.description.startswith("Von Hand davor\n")
    assert "Frage Geheim?" in room.description
    assert (video.title, video.tags) == ("Neuer Titel", ["a"])


async def test_a_withdrawn_answer_goes_at_once(room: Room) -> None:
    """Chapter and captions of a withdrawn answer go in the same pass, though both were written a moment ago."""
    await end(room)
    await room.settle()
    await room.keeper.approve(room.desk.session.id, author="Anna")
    await room.sync()
    room.change(q3=AnswerState.WITHDRAWN)
    calls = await room.sync(after_s=1)
    assert {"videos.update", "captions.update"} <= set(calls)
    assert "Drei" not in room.description + room.captions["de"]
    assert "Frage Vier?" in room.description


async def test_a_withdrawn_answer_goes_without_approval(room: Room) -> None:
    """The host took the word back: lines still go, and none comes."""
    await end(room)
    await room.settle()
    await room.keeper.approve(room.desk.session.id, author="Anna")
    await room.sync()
    await room.keeper.decline(room.desk.session.id, author="Anna")
    room.change(q5=AnswerState.PUBLISHED, q3=AnswerState.WITHDRAWN)
    await room.sync(after_s=1)
    assert "Drei" not in room.description
    assert "Geheim" not in room.description
    assert "Frage Vier?" in room.description
    assert "videos.update" not in await room.sync(after_s=3600)


async def test_when_everything_is_withdrawn_nothing_is_left(room: Room) -> None:
    """The block and the captions are taken away; the rest of the description is as it was before us."""
    await end(room)
    await room.settle()
    before = room.description
    await room.keeper.approve(room.desk.session.id, author="Anna")
    await room.sync()
    room.change(**{f"q{n}": AnswerState.WITHDRAWN for n in range(1, 6)})
    await room.sync(after_s=1)
    assert room.description == before
    assert room.captions == {}
    assert await room.sync(after_s=3600) == []


async def test_publishing_one_by_one_is_gathered(room: Room) -> None:
    """Captions are dear: answers published within half an hour cost one update."""
    await end(room)
    await room.settle()
    room.change(q1=AnswerState.DRAFT, q2=AnswerState.DRAFT)
    await room.sync(after_s=1)
    before = len(room.desk.fake.calls)
    for name in ("q1", "q2", "q5"):
        room.change(**{name: AnswerState.PUBLISHED})
        await room.sync(after_s=300)
    assert "captions.update" not in room.desk.calls(before)
    await room.sync(after_s=1800)
    assert room.desk.calls(before).count("captions.update") == 1
    assert "Antwort Geheim." in room.captions["de"]


async def test_too_few_answers_make_no_chapters(room: Room) -> None:
    """With one answer only the link is written, and the host reads why."""
    await end(room)
    room.change(q2=AnswerState.DRAFT, q3=AnswerState.DRAFT, q4=AnswerState.DRAFT)
    await room.settle()
    await room.keeper.approve(room.desk.session.id, author="Anna")
    await room.sync()
    assert "1:05" not in room.description
    assert f"{SITE}s/" in room.description
    assert await room.problem("description") is ProblemCode.CHAPTERS_INVALID


async def test_a_clash_is_resolved_by_asking_again(room: Room) -> None:
    """A line of the host's spoils the chapters; once it is changed there, approving again writes them."""
    await end(room)
    room.desk.only.video.description = f"20:15 Uhr live\n{room.description}"
    await room.settle()
    await room.keeper.approve(room.desk.session.id, author="Anna")
    await room.sync()
    assert await room.problem("description") is ProblemCode.CHAPTERS_CLASH
    assert "Frage Eins?" not in room.description
    room.desk.only.video.description = room.description.replace("20:15 Uhr live", "Live um 20:15 Uhr")
    await room.keeper.approve(room.desk.session.id, author="Anna")
    await room.sync()
    assert "1:05 Frage Eins?" in room.description
    assert await room.problem("description") is None


async def test_a_session_that_is_not_public_stays_silent(room: Room) -> None:
    """As long as everything is a draft, neither captions nor description say anything, approved or not."""
    await end(room)
    room.change(**{f"q{n}": AnswerState.DRAFT for n in range(1, 6)})
    await room.keeper.approve(room.desk.session.id, author="Anna")
    before = room.description
    await room.settle()
    assert room.captions == {}
    assert room.description == before


async def test_a_session_without_a_video_cannot_be_previewed(room: Room) -> None:
    """Before there is a processed video there is nothing to show, and it says so."""
    with pytest.raises(Conflict, match="no video"):
        await room.keeper.preview(room.desk.session.id)


# --- what hosts see


async def test_hosts_see_what_is_there_without_asking_the_platform(room: Room) -> None:
    """Before, while and after: states, the difference of the description, and the host's word, from the rows alone."""
    session_id = room.desk.session.id
    early = await room.sights.view(session_id)
    assert early is not None
    assert (early.name, early.wish, early.videos[0].state) == ("YouTube", Wish.OPEN, VideoState.NONE)
    await end(room)
    await room.settle()
    calls = len(room.desk.fake.calls)
    seen = await room.sights.view(session_id)
    assert seen is not None
    video = seen.videos[0]
    assert (video.state, [(one.name, one.state) for one in video.captions]) == (
        VideoState.READY,
        [("de", EffectState.THERE)],
    )
    assert video.thumbnail is not None
    assert video.playlist is not None
    assert (video.thumbnail.state, video.playlist.state, video.playlist.name) == (
        EffectState.THERE,
        EffectState.THERE,
        "Netz",
    )
    assert video.before == room.description
    assert video.changes
    assert "1:05 Frage Eins?" in video.after
    assert [one.title for one in video.chapters][:2] == ["Beginn", "Frage Eins?"]
    assert video.problems == ()
    room.change(q5=AnswerState.PUBLISHED)
    changed = await room.sights.view(session_id)
    assert changed is not None
    assert changed.videos[0].captions[0].state is EffectState.OUTDATED
    await room.sights.approve(session_id, author="Anna")
    assert (await room.sights.view(session_id)).wish is Wish.FOLLOW  # type: ignore[union-attr]
    await room.sights.decline(session_id, author="Anna")
    assert (await room.sights.view(session_id)).wish is Wish.LEAVE  # type: ignore[union-attr]
    assert len(room.desk.fake.calls) == calls
    await room.sights.approve(session_id, author="Anna")
    await room.sync(after_s=3600)
    assert (await room.sights.view(session_id)).videos[0].changes is False  # type: ignore[union-attr]


# --- failures


@pytest.mark.parametrize("call", sorted(WRITES - {"captions.update", "captions.delete"} | {"playlists.insert"}))
@pytest.mark.parametrize("fault", [Drop(after_effect=True), Drop(after_effect=False), Html502(after_effect=True)])
async def test_a_lost_answer_leaves_one_of_everything(room: Room, call: str, fault: Drop | Html502) -> None:
    """Whichever write is lost, before or after its effect, in the end everything is there exactly once."""
    await end(room)
    room.desk.fake.fail(call, fault)
    await room.keeper.approve(room.desk.session.id, author="Anna")
    for _ in range(6):
        await room.sync(after_s=900)
    fake = room.desk.fake
    assert (len(fake.playlists), len(fake.captions)) == (1, 1)
    assert [len(one.items) for one in fake.playlists.values()] == [1]
    assert room.description.count(OPEN_LINE) == 1
    assert room.desk.only.video.thumbnail
    assert await room.sync(after_s=3600) == []


@pytest.mark.parametrize("call", ["captions.insert", "playlists.insert", "playlistItems.insert", "videos.update"])
async def test_a_kill_in_the_middle_leaves_one_of_everything(room: Room, call: str) -> None:
    """The hub is killed after a write took effect and before it was noted: the next start finds it there."""
    await end(room)
    await room.keeper.approve(room.desk.session.id, author="Anna")
    send = room.desk.api._send

    def die_after(request: Any, credentials: Any) -> Any:
        answer = send(request, credentials)
        if request.call == call:
            raise Killed
        return answer

    room.desk.api._send = die_after  # type: ignore[method-assign]
    with pytest.raises(Killed):
        await room.settle()
    room.desk.api._send = send  # type: ignore[method-assign]
    room.restarted()
    for _ in range(4):
        await room.sync(after_s=900)
    fake = room.desk.fake
    assert (len(fake.playlists), len(fake.captions)) == (1, 1)
    assert [len(one.items) for one in fake.playlists.values()] == [1]
    assert room.description.count(OPEN_LINE) == 1
    assert room.desk.calls().count(call) == 1


async def test_the_quota_is_waited_for(room: Room) -> None:
    """When the day's quota is used up, the row says until when, and nothing is asked before."""
    await end(room)
    await room.settle()
    room.desk.fake.fail("captions.update", Refuse(403, "quotaExceeded"))
    room.change(q3=AnswerState.WITHDRAWN)
    await room.sync(after_s=1)
    effect = await room.effect("captions", "de")
    assert effect is not None
    assert effect.problem is not None
    assert effect.problem.code is ProblemCode.QUOTA_USED_UP
    retry_at = effect.problem.retry_at
    assert retry_at is not None
    assert await room.sync(after_s=60) == []
    left_s = (retry_at - room.desk.fake.now()).total_seconds()
    assert 0 < left_s <= 25 * 3600
    assert "captions.update" in await room.sync(after_s=left_s + 1)
    assert "Drei" not in room.captions["de"]


async def test_the_playlist_is_tried_at_1_5_15_and_60_minutes(room: Room) -> None:
    """Right after the end playlists do not know the video yet: it is tried again after 1, 5, 15 and 60 minutes."""
    room.desk.fake.playlist_lag_s = 80 * 60
    await end(room)
    ended = room.desk.only.ended_at
    tries = []
    for _ in range(150):
        if "playlistItems.insert" in await room.sync(after_s=60):
            tries.append(round((room.desk.fake.now() - ended).total_seconds() / 60))
    gaps = [after - before for before, after in pairwise(tries)]
    assert gaps in ([1, 5, 15, 60], [2, 6, 16, 61])
    assert [len(one.items) for one in room.desk.fake.playlists.values()] == [1]


async def test_one_broken_archive_holds_up_no_other_session(room: Room) -> None:
    """A session whose files cannot be read is logged; the others are looked after."""
    await end(room)
    (room.transcripts / "netz" / room.desk.session.id / "session.md").write_text("no front matter", "utf-8")
    other = await room.desk.add("2027-03-09-netz", title="Andere")
    await room.desk.platform.ensure(other)
    await room.settle()
    assert sum(bool(video.thumbnail) for video in room.desk.fake.videos.values()) == 2


async def test_a_silent_platform_is_asked_once_a_pass(room: Room) -> None:
    """When nobody answers, one call per pass is made and not five, each with its time-out."""
    await room.sync()
    await end(room)
    room.desk.fake.fail("*", *[Drop(after_effect=False)] * 12)
    before = len(room.desk.fake.calls)
    await room.sync(after_s=120)
    assert len(room.desk.fake.calls) - before <= 7


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_fails_one_of_everything_is_left(room: Room, seed: int) -> None:
    """Faults at random before, after and instead of effects, and restarts in between: in the end all is there once."""
    drawn = random.Random(seed)
    faults = (
        Drop(after_effect=True),
        Drop(after_effect=False),
        Html502(after_effect=True),
        Refuse(500, "backendError"),
    )
    calls = (
        *sorted(WRITES),
        "playlists.insert",
        "playlistItems.insert",
        "playlists.list",
        "captions.list",
        "videos.list",
    )
    await end(room)
    await room.keeper.approve(room.desk.session.id, author="Anna")
    for _ in range(12):
        room.desk.fake.fail(drawn.choice(calls), drawn.choice(faults))
        room.change(**{drawn.choice(("q1", "q2", "q5")): drawn.choice((AnswerState.PUBLISHED, AnswerState.WITHDRAWN))})
        if drawn.random() < 0.5:
            room.restarted()
        await room.sync(after_s=drawn.choice((60, 900, 4000)))
    room.desk.fake.faults.clear()
    for _ in range(3):
        await room.sync(after_s=7200)
    fake = room.desk.fake
    assert (len(fake.playlists), len(fake.captions), bool(room.desk.only.video.thumbnail)) == (1, 1, True)
    assert [len(one.items) for one in fake.playlists.values()] == [1]
    assert room.description.count(OPEN_LINE) == 1
    for answer in room.load().answers:
        name = answer.question.split()[1].rstrip("?")
        shown = answer.state is AnswerState.PUBLISHED
        assert (f"Frage {name}?" in room.description, f"Antwort {name}." in room.captions["de"]) == (shown, shown)
    assert await room.sync(after_s=3600) == []
    assert fake.violations == []


# --- the sums


async def test_parts_of_a_session_have_their_own_marks(room: Room) -> None:
    """Facts are kept by part; what is known of one says nothing of the other."""
    at = room.desk.fake.now().replace(microsecond=0)
    effect = Effect(session_id=room.desk.session.id, platform="youtube", part=2, kind="captions", name="de", at=at)
    await room.desk.store.write(lambda db: save_effect(db, effect))
    facts = await room.desk.store.read(lambda db: load_facts(db, room.desk.session.id))
    assert facts.effect(facts.rows[0], Kind.CAPTIONS, "de") is None
    assert facts.effect(replace(facts.rows[0], part=2), Kind.CAPTIONS, "de") == effect


def test_waits_after_failures_fit_their_kind() -> None:
    """A wrong input waits for a change, a refusal six hours, a silence a minute and then longer."""
    now = datetime(2027, 3, 2, 12, tzinfo=UTC)
    effect = Effect(session_id="s", platform="p", kind="captions", pending="m", at=now)

    def error(fault: Fault) -> PlatformError:
        return PlatformError("m", fault=fault, code=ProblemCode.BROKEN.value, details={"platform": "p"})

    def wait_s(fault: Fault, tries: int = 0) -> float | None:
        problem = failed(replace(effect, tries=tries), error(fault), now).problem
        assert problem is not None
        return (problem.retry_at - now).total_seconds() if problem.retry_at else None

    assert wait_s(Fault.BAD_INPUT) is None
    assert wait_s(Fault.NOT_ALLOWED) == 6 * 3600
    assert [wait_s(Fault.UNREACHABLE, tries) for tries in range(6)] == [60, 300, 900, 3600, 3600, 3600]
    stuck = failed(effect, error(Fault.BAD_INPUT), now)
    assert due_at(stuck, "m", shown=frozenset(), now=now) is None
    assert due_at(stuck, "other", shown=frozenset(), now=now) == now
