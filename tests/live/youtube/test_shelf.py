"""The shelf of videos against the strict counterpart: looks before writes, one of everything, nothing blanked."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from streamhub.errors import Fault, PlatformError
from streamhub.live.problem import ProblemCode
from streamhub.live.video import VideoState
from streamhub.live.youtube.shelf import YouTubeShelf, playlist_marker
from streamhub.live.youtube.video import parse_length, parse_video
from streamhub.schedule.show import Privacy
from streamhub.store.effects import Effect, save_effect
from streamhub.store.shows import save_show
from tests.fakes.youtube import Drop, Html502, Refuse
from tests.fakes.youtube.records import Playlist
from tests.live.youtube_desk import SHOW, Desk, open_desk

VTT = "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nGuten Abend\n"
OTHER = VTT.replace("Abend", "Morgen")


@pytest.fixture
async def desk(tmp_path: Path, no_proxies: None) -> AsyncIterator[Desk]:
    """A desk whose one broadcast is over; its video is processed at the second look."""
    async with open_desk(tmp_path) as opened:
        await opened.platform.ensure(opened.session)
        await opened.live()
        opened.fake.tick(600)
        await opened.platform.end(opened.session.id)
        yield opened


def shelf_of(desk: Desk) -> YouTubeShelf:
    """A shelf that remembers nothing, as after a start."""
    return YouTubeShelf(desk.api, desk.store)


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1280, 720), "#123456").save(file, "JPEG")
    return file.getvalue()


# --- looking


async def test_a_video_is_processing_and_then_ready(desk: Desk) -> None:
    """Right after the end it is processing; then it is ready, with length and the instants of its broadcast."""
    shelf, ref = shelf_of(desk), desk.only.id
    first = await shelf.look(ref)
    assert (first.state, first.duration_ms) == (VideoState.PROCESSING, 0)
    video = await shelf.look(ref)
    assert video.state is VideoState.READY
    assert video.started_at == desk.only.started_at.replace(microsecond=0)
    assert video.ended_at == desk.only.ended_at.replace(microsecond=0)
    assert abs(video.duration_ms - 600_000) <= 2_000
    assert video.watch_url == f"https://www.youtube.com/watch?v={ref}"
    assert desk.calls()[-2:] == ["videos.list", "videos.list"]


async def test_what_became_of_a_video(desk: Desk) -> None:
    """A failed one says why in the platform's word, one that was terminated too, and a deleted one is gone."""
    shelf, ref = shelf_of(desk), desk.only.id
    desk.fake.fail_processing(ref, reason="transcodeFailed")
    failed = await shelf.look(ref)
    assert (failed.state, failed.reason) == (VideoState.FAILED, "conversion")
    desk.fake.fail_processing(ref, "terminated")
    assert (await shelf.look(ref)).state is VideoState.FAILED
    desk.fake.delete(ref)
    assert (await shelf.look(ref)).state is VideoState.GONE


@pytest.mark.parametrize(
    ("status", "processing", "state", "reason"),
    [
        ({"uploadStatus": "uploaded"}, {"processingStatus": "processing"}, VideoState.PROCESSING, ""),
        ({"uploadStatus": "uploaded"}, {}, VideoState.PROCESSING, ""),
        ({"uploadStatus": "processed"}, {}, VideoState.READY, ""),
        ({"uploadStatus": "processed"}, {"processingStatus": "processing"}, VideoState.PROCESSING, ""),
        ({"uploadStatus": "uploaded"}, {"processingStatus": "succeeded"}, VideoState.READY, ""),
        ({"uploadStatus": "rejected", "rejectionReason": "length"}, {}, VideoState.FAILED, "length"),
        ({"uploadStatus": "uploaded"}, {"processingStatus": "terminated"}, VideoState.FAILED, "terminated"),
        ({"uploadStatus": "deleted"}, {}, VideoState.GONE, ""),
    ],
)
def test_states_are_read(status: dict[str, str], processing: dict[str, str], state: VideoState, reason: str) -> None:
    """Upload and processing together decide; a stale liveBroadcastContent decides nothing."""
    item = {
        "snippet": {"title": "t", "liveBroadcastContent": "live"},
        "status": status,
        "processingDetails": processing,
        "contentDetails": {"duration": "PT1M"},
        "liveStreamingDetails": {
            "actualStartTime": "2027-03-02T19:00:00Z",
            "actualEndTime": "2027-03-02T19:01:00Z",
        },
    }
    found = parse_video("v", item)
    assert (found.state, found.reason, found.duration_ms) == (state, reason, 60_000)
    live = {**item, "liveStreamingDetails": {"actualStartTime": "2027-03-02T19:00:00Z"}}
    assert parse_video("v", live).state in {VideoState.NONE, VideoState.FAILED, VideoState.GONE}
    zero = parse_video("v", {**item, "contentDetails": {"duration": "P0D"}})
    assert zero.state is (VideoState.PROCESSING if state is VideoState.READY else state)


@pytest.mark.parametrize(
    ("text", "ms"),
    [("PT1H2M3S", 3_723_000), ("P1DT1S", 86_401_000), ("P0D", 0), ("PT45S", 45_000), ("", 0), ("1:02", 0)],
)
def test_lengths_are_read(text: str, ms: int) -> None:
    """ISO 8601 as YouTube writes it; what is none is not known yet."""
    assert parse_length(text) == ms


# --- description


async def test_the_description_alone_is_replaced(desk: Desk) -> None:
    """An update deletes what it does not name: title, tags, category and languages are written back as they are."""
    video = desk.only.video
    video.tags, video.category_id = ["netz", "zwei worte"], "28"
    video.default_language, video.default_audio_language = "de", "de"
    kept = replace(video)
    await shelf_of(desk).save_description(desk.only.id, "Neu\n\n[sh:x]")
    assert video.description == "Neu\n\n[sh:x]"
    for name in ("title", "tags", "category_id", "default_language", "default_audio_language", "privacy"):
        assert getattr(video, name) == getattr(kept, name), name


async def test_an_unchanged_description_is_not_written(desk: Desk) -> None:
    """What is so already costs one unit for the look and no write."""
    before = len(desk.fake.calls)
    await shelf_of(desk).save_description(desk.only.id, desk.only.video.description)
    assert desk.calls(before) == ["videos.list"]


async def test_a_description_whose_answer_was_lost_is_written_once(desk: Desk) -> None:
    """The outcome is unknown to the caller; asked again, it is seen to be there."""
    shelf = shelf_of(desk)
    desk.fake.fail("videos.update", Drop(after_effect=True))
    with pytest.raises(PlatformError) as caught:
        await shelf.save_description(desk.only.id, "Neu")
    assert caught.value.fault is Fault.UNKNOWN_OUTCOME
    await shelf.save_description(desk.only.id, "Neu")
    assert desk.calls().count("videos.update") == 1


async def test_a_video_without_a_title_is_not_written_to(desk: Desk) -> None:
    """An answer that leaves the video's page out is no page: written back, it would blank what stands there."""
    sent = desk.api._send

    def without_page(request: Any, token: str) -> dict[str, Any]:
        answer = sent(request, token)
        return {**answer, "items": [{"id": item["id"]} for item in answer["items"]]} if "items" in answer else answer

    desk.api._send = without_page  # type: ignore[method-assign]
    with pytest.raises(PlatformError) as failed:
        await shelf_of(desk).save_description(desk.only.id, "Neu")
    assert failed.value.fault is Fault.UNREACHABLE
    assert "videos.update" not in desk.calls()


async def test_a_deleted_video_has_no_description(desk: Desk) -> None:
    """A video that is gone is told as that."""
    ref = desk.only.id
    desk.fake.delete(ref)
    with pytest.raises(PlatformError) as caught:
        await shelf_of(desk).save_description(ref, "Neu")
    assert caught.value.code == ProblemCode.BROADCAST_GONE


# --- captions


async def test_captions_are_inserted_once_and_then_updated(desk: Desk) -> None:
    """One track per language, without a name; a second text goes into the same track."""
    shelf, ref = shelf_of(desk), desk.only.id
    first = await shelf.save_captions(ref, "de", VTT)
    await shelf.save_captions(ref, "en", VTT)
    assert await shelf.save_captions(ref, "de", OTHER) == first
    tracks = {(track.language, track.name): track for track in desk.fake.captions.values()}
    assert list(tracks) == [("de", ""), ("en", "")]
    assert tracks["de", ""].media == OTHER.encode()
    assert tracks["de", ""].status == "serving"
    assert tracks["de", ""].draft is False


@pytest.mark.parametrize("fault", [Drop(after_effect=True), Drop(after_effect=False), Html502(after_effect=True)])
async def test_captions_with_an_unknown_outcome_are_one_track(desk: Desk, fault: Drop | Html502) -> None:
    """Whether the lost insert took effect or not, asking again leaves exactly one track."""
    shelf, ref = shelf_of(desk), desk.only.id
    desk.fake.fail("captions.insert", fault)
    with pytest.raises(PlatformError) as caught:
        await shelf.save_captions(ref, "de", VTT)
    assert caught.value.fault is Fault.UNKNOWN_OUTCOME
    await shelf_of(desk).save_captions(ref, "de", VTT)
    assert [track.language for track in desk.fake.captions.values()] == ["de"]


async def test_a_track_that_the_list_did_not_show_is_updated(desk: Desk) -> None:
    """A refused second insert is looked into, not reported."""
    shelf, ref = shelf_of(desk), desk.only.id
    track = await shelf.save_captions(ref, "de", VTT)
    hidden = desk.fake.captions.pop(track)
    desk.fake.fail("captions.insert", Refuse(409, "captionExists"))
    with pytest.raises(PlatformError) as caught:
        await shelf.save_captions(ref, "de", OTHER)
    assert caught.value.fault is Fault.UNKNOWN_OUTCOME
    desk.fake.captions[track] = hidden
    assert await shelf.save_captions(ref, "de", OTHER) == track


async def test_tracks_of_others_are_left_alone(desk: Desk) -> None:
    """A named track of a person is not ours: it is neither updated nor taken away."""
    shelf, ref = shelf_of(desk), desk.only.id
    ours = await shelf.save_captions(ref, "de", VTT)
    theirs = replace(desk.fake.captions[ours], id="theirs", name="Für Gehörlose")
    desk.fake.captions = {"theirs": theirs, **desk.fake.captions}
    assert await shelf.save_captions(ref, "DE", OTHER) == ours
    await shelf.remove_captions(ref, "de")
    await shelf.remove_captions(ref, "de")
    assert list(desk.fake.captions) == ["theirs"]
    assert theirs.media == VTT.encode()


async def test_refused_captions_say_so(desk: Desk) -> None:
    """Not allowed is told as refused captions, and a missing scope as a sign-in to repeat."""
    desk.fake.fail("captions.insert", Refuse(403, "forbidden"), Refuse(403, "insufficientPermissions"))
    codes = []
    for _ in range(2):
        with pytest.raises(PlatformError) as caught:
            await shelf_of(desk).save_captions(desk.only.id, "de", VTT)
        codes.append(caught.value.code)
    assert codes == [ProblemCode.CAPTIONS_REFUSED, ProblemCode.SCOPE_MISSING]


# --- thumbnail


async def test_the_thumbnail_is_uploaded(desk: Desk) -> None:
    """The picture arrives byte for byte; a channel that may not have one is told so."""
    shelf, image = shelf_of(desk), jpeg()
    await shelf.save_thumbnail(desk.only.id, image)
    assert desk.only.video.thumbnail == image
    desk.fake.channel.custom_thumbnails = False
    with pytest.raises(PlatformError) as caught:
        await shelf.save_thumbnail(desk.only.id, image)
    assert caught.value.code == ProblemCode.THUMBNAIL_REFUSED


# --- playlist


async def test_a_show_has_one_playlist(desk: Desk) -> None:
    """It is made once, with the show's visibility and our marker, and found again by the marker after a restart."""
    await desk.store.write(lambda db: save_show(db, replace(SHOW, about="Über <Netze>", privacy=Privacy.PUBLIC)))
    ref = desk.only.id
    first = await shelf_of(desk).add_to_playlist(ref, show_id="netz", title="Netz <b>")
    assert await shelf_of(desk).add_to_playlist(ref, show_id="netz", title="Netz") == first
    (playlist,) = desk.fake.playlists.values()
    assert (playlist.title, playlist.privacy) == ("Netz ‹b›", "public")
    assert playlist.description == f"Über ‹Netze›\n\n{playlist_marker('netz')}"
    assert [item.video_id for item in playlist.items] == [ref]


async def test_the_playlist_is_found_behind_many_others(desk: Desk) -> None:
    """A channel with 120 playlists has it on its third page; one whose show's name only begins alike is not it."""
    shelf = shelf_of(desk)
    first = await shelf.add_to_playlist(desk.only.id, show_id="netz", title="Netz")
    ours = desk.fake.playlists.pop(first)
    for number in range(120):
        other = replace(ours, id=f"PL{number}", description=f"[sh-show:netz-{number}]", items=[])
        desk.fake.playlists[other.id] = other
    desk.fake.playlists[first] = ours
    assert await shelf_of(desk).add_to_playlist(desk.only.id, show_id="netz", title="Netz") == first
    assert len(desk.fake.playlists) == 121


async def test_two_sessions_at_once_share_the_playlist(desk: Desk) -> None:
    """Two videos of one show that come at the same time make one playlist."""
    shelf = shelf_of(desk)
    desk.fake.videos["other"] = replace(desk.only.video, id="other")
    desk.fake.broadcasts["other"] = desk.only
    found = await asyncio.gather(
        *(shelf.add_to_playlist(ref, show_id="netz", title="Netz") for ref in desk.fake.videos)
    )
    assert len(set(found)) == len(desk.fake.playlists) == 1
    assert len(desk.fake.playlists[found[0]].items) == 2


async def test_a_list_that_lags_does_not_make_a_second_playlist(desk: Desk) -> None:
    """The hub's own row knows the playlist though the platform's list does not show it yet."""
    first = await shelf_of(desk).add_to_playlist(desk.only.id, show_id="netz", title="Netz")
    effect = Effect(
        session_id=desk.session.id, platform="youtube", kind="playlist", ref=first, applied="x", at=desk.fake.now()
    )
    await desk.store.write(lambda db: save_effect(db, effect))
    desk.fake.fail("playlists.list", Refuse(500, "backendError"))
    assert await shelf_of(desk).add_to_playlist(desk.only.id, show_id="netz", title="Netz") == first
    assert "playlists.list" not in desk.calls()[-2:]


async def test_a_deleted_playlist_is_made_again(desk: Desk) -> None:
    """Somebody deleted it there: a new one is made."""
    shelf = shelf_of(desk)
    first = await shelf.add_to_playlist(desk.only.id, show_id="netz", title="Netz")
    desk.fake.playlists.clear()
    second = await shelf.add_to_playlist(desk.only.id, show_id="netz", title="Netz")
    assert second != first
    assert list(desk.fake.playlists) == [second]


async def test_a_playlist_takes_a_video_once(desk: Desk) -> None:
    """Already in it is a success, sorted playlists get no position, and a lost answer adds it no second time."""
    shelf, ref = shelf_of(desk), desk.only.id
    first = await shelf.add_to_playlist(ref, show_id="netz", title="Netz")
    playlist: Playlist = desk.fake.playlists[first]
    playlist.items.clear()
    playlist.manual_sort = False
    desk.fake.fail("playlistItems.insert", Drop(after_effect=True))
    with pytest.raises(PlatformError):
        await shelf.add_to_playlist(ref, show_id="netz", title="Netz")
    await shelf_of(desk).add_to_playlist(ref, show_id="netz", title="Netz")
    assert [item.video_id for item in playlist.items] == [ref]
    playlist.items.clear()
    desk.fake.fail("playlistItems.insert", Refuse(409, "videoAlreadyInPlaylist"))
    assert await shelf.add_to_playlist(ref, show_id="netz", title="Netz") == first


async def test_right_after_the_end_the_playlist_has_to_wait(desk: Desk) -> None:
    """VideoNotFound then means: not yet; it says so and goes through later."""
    shelf, ref = shelf_of(desk), desk.only.id
    desk.fake.playlist_lag_s = 900
    desk.only.ended_at = desk.fake.now() - timedelta(seconds=1)
    with pytest.raises(PlatformError) as caught:
        await shelf.add_to_playlist(ref, show_id="netz", title="Netz")
    assert (caught.value.fault, caught.value.code) == (Fault.NOT_FOUND, ProblemCode.VIDEO_NOT_READY)
    desk.fake.tick(1000)
    await shelf.add_to_playlist(ref, show_id="netz", title="Netz")
    assert len(desk.fake.playlists) == 1
