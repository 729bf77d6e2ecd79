"""The counterpart of YouTube once more: sign-in, videos, captions, playlists, chat, media, and as a process."""

import asyncio
import io
import os
import signal
import urllib.error
import urllib.parse
import urllib.request

import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google_auth_oauthlib.flow import InstalledAppFlow
from googleapiclient.http import MediaIoBaseUpload

from tests.fakes.youtube import FORCE_SSL, READONLY, Consent, Drop, FakeYouTube, Refuse, RemoteFake
from tests.fakes.youtube.driving import (
    bind,
    clients,
    insert,
    insert_stream,
    live,
    look,
    move,
    raw,
    refusal,
    state,
)

SRT = b"1\n00:00:00,000 --> 00:00:02,000\nGuten Abend.\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
def fake(no_proxies, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with FakeYouTube() as fake:
        yield fake


@pytest.fixture
def connect(fake):
    """Makes clients of the real library, and closes them."""
    with clients(fake) as make:
        yield make


@pytest.fixture
def client(connect):
    return connect()


@pytest.fixture
def over(fake, client):
    """A broadcast that is over."""
    ref = live(fake, client)
    fake.tick(600)
    move(client, ref, "complete")
    return ref


def media(data, mime="application/octet-stream", **more):
    return MediaIoBaseUpload(io.BytesIO(data), mime, **more)


def caption(client, ref, *, data=SRT, language="de", name="", **more):
    body = {"snippet": {"videoId": ref, "language": language, "name": name}}
    return client.captions().insert(part="snippet", body=body, media_body=media(data, **more))


# --- sign-in


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def visit(url):
    """What the browser is sent to after the consent page, as query parameters; or the status of an error page."""
    try:
        urllib.request.build_opener(_NoRedirect).open(url, timeout=10).close()
    except urllib.error.HTTPError as answer:
        with answer:
            if answer.code != 302:
                return {"status": str(answer.code)}
            return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))
    return {}


@pytest.fixture
def flow(fake):
    flow = InstalledAppFlow.from_client_config(fake.client_config, [FORCE_SSL], autogenerate_code_verifier=True)
    flow.redirect_uri = "http://127.0.0.1:8765/"
    yield flow
    flow.oauth2session.close()


def test_signing_in(fake, connect, flow):
    """The real flow with PKCE: consent, code, tokens, and a client that may call."""
    url, state_sent = flow.authorization_url(access_type="offline", prompt="consent")
    back = visit(url)
    assert back["state"] == state_sent
    flow.fetch_token(code=back["code"])
    assert flow.credentials.refresh_token.startswith("1//")
    found = connect(credentials=flow.credentials).channels().list(part="snippet", mine=True).execute()
    assert found["items"][0]["id"] == fake.channel.id
    assert fake.violations == []
    with pytest.raises(Exception, match="invalid_grant"):
        flow.fetch_token(code=back["code"])


def test_only_a_first_or_forced_consent_brings_a_refresh_token(flow):
    """A second consent without prompt=consent gives an access token and no refresh token."""
    tokens = []
    for more in ({}, {}, {"prompt": "consent"}):
        url, _ = flow.authorization_url(access_type="offline", **more)
        tokens.append(flow.fetch_token(code=visit(url)["code"]).get("refresh_token"))
        flow.oauth2session.token = {}
    assert [token is not None for token in tokens] == [True, False, True]


def test_testing_apps_lose_their_sign_in(fake, flow):
    """Seven days after the consent the refresh token of an app in "Testing" is dead; a published app's is not."""
    url, _ = flow.authorization_url(access_type="offline", prompt="consent")
    flow.fetch_token(code=visit(url)["code"])
    fake.tick(8 * 86_400)
    flow.credentials.refresh(Request())
    fake.testing_app = True
    with pytest.raises(RefreshError, match="expired or revoked"):
        flow.credentials.refresh(Request())


def test_pkce_is_verified(fake, flow):
    """A code is worth nothing without the verifier that its challenge was made from."""
    url, _ = flow.authorization_url()
    flow.code_verifier = "x" * 64
    with pytest.raises(Exception, match="Invalid code verifier"):
        flow.fetch_token(code=visit(url)["code"])
    assert fake.violations == ["oauth.token: invalid_grant: Invalid code verifier."]


def test_a_person_may_say_no_or_leave_boxes_empty(fake, flow, monkeypatch):
    """A denied consent comes back as an error; ticked boxes alone become scopes."""
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    fake.consent = Consent(denied=True)
    assert visit(flow.authorization_url()[0])["error"] == "access_denied"
    fake.consent = Consent(scopes=frozenset({READONLY}))
    url = flow.authorization_url()[0].replace("&scope=", f"&scope={urllib.parse.quote(READONLY)}+")
    assert flow.fetch_token(code=visit(url)["code"])["scope"] == [READONLY]


def test_the_wrong_account(fake, connect, flow):
    """Whoever signs in with another account is on another channel."""
    fake.consent = Consent(channel_id=fake.add_channel("Fremd").id)
    flow.fetch_token(code=visit(flow.authorization_url()[0])["code"])
    found = connect(credentials=flow.credentials).channels().list(part="snippet", mine=True).execute()
    assert found["items"][0]["snippet"]["title"] == "Fremd"


def test_an_account_without_a_channel(fake, client):
    """The list of its channels has no items at all."""
    fake.channel.missing = True
    assert "items" not in client.channels().list(part="id", mine=True).execute()


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("127.0.0.1%3A8765", "hub.example.org", "400"),
        ("client_id=1", "client_id=2", "401"),
        ("response_type=code", "response_type=token", "400"),
    ],
)
def test_the_consent_page_is_strict(fake, flow, old, new, status):
    """Another program's id, an address that is not loopback, another kind of answer: an error page."""
    url = flow.authorization_url()[0]
    assert old in url
    assert visit(url.replace(old, new)) == {"status": status}
    assert len(fake.violations) == 1


def test_giving_the_sign_in_back(fake, flow):
    """After revocation neither token is good."""
    url, _ = flow.authorization_url(access_type="offline", prompt="consent")
    tokens = flow.fetch_token(code=visit(url)["code"])
    data = urllib.parse.urlencode({"token": tokens["refresh_token"]}).encode()
    with urllib.request.urlopen(fake.revoke_uri, data=data, timeout=10) as answer:
        assert answer.status == 200
    path = "youtube/v3/channels?part=id&mine=true"
    assert raw(fake, "GET", path, token=tokens["access_token"]) == (401, "authError")


# --- videos


def test_an_update_deletes_what_it_does_not_bring(fake, client, over):
    """Title and category must come; tags and description that do not come are gone."""
    fake.videos[over].tags = ["fragen"]
    fake.videos[over].description = "alt"
    update = client.videos().update
    body = {"id": over, "snippet": {"title": "Neu"}}
    assert refusal(update(part="snippet", body=body)) == (400, "invalidCategoryId")
    body["snippet"]["categoryId"] = "27"
    update(part="snippet", body=body).execute()
    video = fake.videos[over]
    assert (video.title, video.description, video.tags, video.category_id) == ("Neu", "", [], "27")
    assert look(client, over, "snippet")["snippet"]["title"] == "Neu"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": ""}, "invalidTitle"),
        ({"title": "x" * 101}, "invalidTitle"),
        ({"description": "a > b"}, "invalidDescription"),
        ({"description": "ü" * 2501}, "invalidDescription"),
        ({"categoryId": "999"}, "invalidCategoryId"),
        ({"tags": ["x" * 300, "y" * 201]}, "invalidTags"),
        ({"channelTitle": "Fremd"}, "invalid"),
    ],
)
def test_texts_of_videos_that_it_refuses(fake, client, over, change, reason):
    """Texts outside the rules are refused, and nothing changes."""
    snippet = {"title": "Neu", "categoryId": "27", **change}
    assert refusal(client.videos().update(part="snippet", body={"id": over, "snippet": snippet})) == (400, reason)
    assert fake.videos[over].title == "Runder Tisch"


def test_strangers_cannot_change_a_video(fake, client, connect, over):
    """A video of another account may be seen, and not changed."""
    stranger = connect(fake.grant(channel=fake.add_channel("Fremd")).access_token)
    body = {"id": over, "snippet": {"title": "Neu", "categoryId": "27"}}
    assert refusal(stranger.videos().update(part="snippet", body=body)) == (403, "forbidden")
    assert len(stranger.videos().list(id=over, part="snippet").execute()["items"]) == 1
    assert refusal(stranger.videos().list(id=over, part="processingDetails")) == (403, "forbidden")


def test_processing_may_fail_or_take_its_time(fake, client, over):
    """Processing lasts as long as the knobs say, and may fail for a reason."""
    fake.videos[over].polls_left, fake.videos[over].ready_at_s = 0, fake.elapsed_s() + 60

    def look_at():
        video = client.videos().list(id=over, part="status,processingDetails").execute()["items"][0]
        return video["status"]["uploadStatus"], video["processingDetails"]["processingStatus"]

    assert look_at() == ("uploaded", "processing")
    fake.tick(61)
    assert look_at() == ("processed", "succeeded")
    fake.fail_processing(over, "terminated")
    assert look_at() == ("failed", "terminated")


def test_viewers_that_are_unknown_are_not_zero(fake, client):
    """The number of viewers is left out when YouTube does not tell it."""
    ref = live(fake, client)
    details = client.videos().list(id=ref, part="liveStreamingDetails").execute()["items"][0]["liveStreamingDetails"]
    assert "concurrentViewers" not in details
    assert details["activeLiveChatId"] == fake.broadcasts[ref].chat_id
    fake.viewers = 12
    details = client.videos().list(id=ref, part="liveStreamingDetails").execute()["items"][0]["liveStreamingDetails"]
    assert details["concurrentViewers"] == "12"


def test_thumbnails(fake, client, over):
    """A picture is taken; too large, no picture, not allowed: refused."""

    def request(data):
        return client.thumbnails().set(videoId=over, media_body=media(data, "image/png"))

    assert "default" in request(PNG).execute()["items"][0]
    assert fake.videos[over].thumbnail == PNG
    assert refusal(request(PNG + bytes(2**21))) == (413, "uploadTooLarge")
    assert refusal(request(b"no picture")) == (400, "invalidImage")
    assert refusal(client.thumbnails().set(videoId=over, media_body=media(PNG, "text/plain"))) == (400, "badContent")
    fake.violations.clear()
    fake.channel.custom_thumbnails = False
    assert refusal(request(PNG)) == (403, "forbidden")
    assert fake.violations == []


# --- captions


@pytest.mark.parametrize("more", [{}, {"resumable": True}, {"resumable": True, "chunksize": 256 * 1024}])
def test_captions_come_in_whole(fake, client, over, more):
    """At once or in pieces, the file arrives byte for byte."""
    data = SRT + "2\n00:00:02,000 --> 00:00:04,000\nÜber Netze → Löcher\n".encode() * 9000 + b"\r\n--x\r\n"
    track = caption(client, over, data=data, **more).execute()
    assert fake.captions[track["id"]].media == data
    assert client.captions().download(id=track["id"]).execute() == data
    assert fake.violations == []


def test_a_resumable_upload_may_lose_its_answer(fake, connect, over):
    """The connection closes after the last piece: the track is there, and who asks again is told of it."""
    fake.fail("captions.insert", Drop(after_effect=True))
    request = caption(connect(timeout_s=1), over, resumable=True)
    with pytest.raises(OSError, match="timed out"):
        request.execute()
    assert [track.language for track in fake.captions.values()] == ["de"]
    assert request.execute()["snippet"]["language"] == "de"
    assert len(fake.captions) == 1


def test_one_track_for_each_language_and_name(fake, client, over):
    """The same language and name a second time is refused; another name is another track."""
    caption(client, over).execute()
    assert refusal(caption(client, over)) == (409, "captionExists")
    caption(client, over, name="Korrigiert").execute()
    caption(client, over, language="en").execute()
    assert len(client.captions().list(part="id,snippet", videoId=over).execute()["items"]) == 3


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"language": "Deutsch!"}, 400, "invalidMetadata"),
        ({"name": "x" * 151}, 400, "nameTooLong"),
        ({"data": b""}, 400, "contentRequired"),
    ],
)
def test_captions_that_it_refuses(fake, client, over, change, status, reason):
    """A wrong language, a long name, an empty file."""
    assert refusal(caption(client, over, **change)) == (status, reason)
    assert fake.captions == {}


def test_captions_of_nothing(client):
    """A video that is not there has no captions."""
    assert refusal(caption(client, "gone")) == (404, "videoNotFound")


def test_a_file_that_is_no_captions_fails_later(client, over):
    """YouTube takes what it gets and says in the track's status that it could not read it."""
    snippet = caption(client, over, data=b"not captions").execute()["snippet"]
    assert (snippet["status"], snippet["failureReason"]) == ("failed", "unknownFormat")


def test_captions_are_replaced_and_deleted(fake, client, over):
    """An update brings a new file; language and name cannot change."""
    ref = caption(client, over).execute()["id"]
    data = SRT.replace(b"Abend", b"Morgen")
    client.captions().update(part="id", body={"id": ref}, media_body=media(data)).execute()
    assert client.captions().download(id=ref, tfmt="vtt").execute().startswith(b"WEBVTT\n\n1\n00:00:00.000")
    assert fake.captions[ref].media == data
    request = client.captions().update(part="snippet", body={"id": ref, "snippet": {"language": "en"}})
    assert refusal(request) == (400, "invalidMetadata")
    assert refusal(client.captions().download(id=ref, tfmt="scc")) == (400, "couldNotConvert")
    client.captions().delete(id=ref).execute()
    assert refusal(client.captions().delete(id=ref)) == (404, "captionNotFound")


# --- playlists


def add(client, playlist, ref, **more):
    snippet = {"playlistId": playlist, "resourceId": {"kind": "youtube#video", "videoId": ref}, **more}
    return client.playlistItems().insert(part="snippet", body={"snippet": snippet})


@pytest.fixture
def playlist(client):
    body = {"snippet": {"title": "Runde Tische"}, "status": {"privacyStatus": "unlisted"}}
    return client.playlists().insert(part="snippet,status", body=body).execute()["id"]


def test_playlists(fake, client, over, playlist):
    """A video is added once, shown in its place, and taken out again."""
    item = add(client, playlist, over).execute()
    assert refusal(add(client, playlist, over)) == (409, "videoAlreadyInPlaylist")
    found = client.playlistItems().list(part="id,snippet", playlistId=playlist, videoId=over).execute()["items"]
    assert [entry["id"] for entry in found] == [item["id"]]
    client.playlistItems().delete(id=item["id"]).execute()
    assert fake.playlists[playlist].items == []
    assert client.playlists().list(part="id", mine=True).execute()["items"][0]["id"] == playlist
    assert fake.violations == []


def test_playlists_find_a_video_late(fake, client, over, playlist):
    """Shortly after the end the video is not found."""
    fake.playlist_lag_s = 300
    assert refusal(add(client, playlist, over)) == (404, "videoNotFound")
    fake.tick(301)
    add(client, playlist, over).execute()


def test_places_in_playlists(fake, client, over, playlist):
    """A position is refused in a list that sorts itself, and behind the end."""
    assert refusal(add(client, playlist, over, position=5)) == (400, "invalidPlaylistItemPosition")
    fake.playlists[playlist].manual_sort = False
    assert refusal(add(client, playlist, over, position=0)) == (400, "manualSortRequired")


@pytest.mark.parametrize(
    ("snippet", "reason"),
    [({}, "playlistTitleRequired"), ({"title": "a < b"}, "invalidPlaylistSnippet")],
)
def test_playlists_that_it_refuses(client, snippet, reason):
    """A playlist needs a proper title."""
    assert refusal(client.playlists().insert(part="snippet", body={"snippet": snippet})) == (400, reason)


# --- chat


def poll(client, chat, **more):
    return client.liveChatMessages().list(liveChatId=chat, part="id,snippet,authorDetails", **more)


def test_chat_goes_on_where_it_was(fake, client):
    """Pages are oldest first, the token goes on behind the last line, and authors are told."""
    ref = live(fake, client)
    chat = fake.broadcasts[ref].chat_id
    fake.say(ref, "Anna", "?Wie tief?")
    fake.say(chat, "Ben", "Hallo", moderator=True)
    page = poll(client, chat).execute()
    assert [item["snippet"]["displayMessage"] for item in page["items"]] == ["?Wie tief?", "Hallo"]
    assert [item["authorDetails"]["isChatModerator"] for item in page["items"]] == [False, True]
    assert page["pollingIntervalMillis"] == 1000
    fake.say(ref, "Anna", "Danke")
    page = poll(client, chat, pageToken=page["nextPageToken"]).execute()
    assert [item["snippet"]["textMessageDetails"]["messageText"] for item in page["items"]] == ["Danke"]
    assert poll(client, chat, pageToken=page["nextPageToken"]).execute()["items"] == []
    assert refusal(poll(client, chat, pageToken="x")) == (400, "pageTokenInvalid")


def test_chat_ends(fake, client):
    """After the end one page says since when; then the chat is over."""
    ref = live(fake, client)
    chat = fake.broadcasts[ref].chat_id
    assert "offlineAt" not in poll(client, chat).execute()
    move(client, ref, "complete")
    assert "offlineAt" in poll(client, chat).execute()
    assert refusal(poll(client, chat)) == (403, "liveChatEnded")
    assert refusal(poll(client, "gone")) == (404, "liveChatNotFound")


def test_chat_switched_off_or_too_fast(fake, client):
    """A chat that is off refuses; one that is polled too fast asks for patience."""
    chat = fake.broadcasts[live(fake, client)].chat_id
    fake.strict_chat_pace = True
    poll(client, chat).execute()
    assert refusal(poll(client, chat)) == (403, "rateLimitExceeded")
    fake.disable_chat(chat)
    assert refusal(poll(client, chat)) == (403, "liveChatDisabled")


def test_writing_into_the_chat(fake, client):
    """Our own line appears as the owner's; empty and long ones are refused."""
    chat = fake.broadcasts[live(fake, client)].chat_id

    def write(text):
        snippet = {"liveChatId": chat, "type": "textMessageEvent", "textMessageDetails": {"messageText": text}}
        return client.liveChatMessages().insert(part="snippet", body={"snippet": snippet})

    write("Fragen bitte hier").execute()
    assert poll(client, chat).execute()["items"][0]["authorDetails"]["isChatOwner"] is True
    assert refusal(write(" ")) == (400, "messageTextRequired")
    assert refusal(write("x" * 201)) == (400, "messageTextInvalid")


# --- media


async def _until(condition, *, timeout_s=10.0):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
def kept(no_proxies, tmp_path):
    with FakeYouTube(rtmp_dir=tmp_path) as fake, clients(fake) as make:
        stream = insert_stream(make())
        info = stream["cdn"]["ingestionInfo"]
        yield fake, fake.streams[stream["id"]], f"{info['rtmpsIngestionAddress']}/{info['streamName']}", tmp_path


async def test_media_makes_a_stream_active(kept, clip, start_push):
    """A real encoder makes the stream active, what it sends is kept, and its end makes it inactive."""
    _, stream, url, folder = kept
    child = await start_push(url)
    assert await child.wait(timeout_s=20) == 0
    await _until(lambda: stream.state == "inactive")
    assert stream.publishes == 1
    kept_bytes = (folder / f"{stream.id}-1.flv").read_bytes()
    assert len(kept_bytes) == stream.received_bytes > 10_000
    assert kept_bytes.startswith(b"FLV")


async def test_a_wrong_key_is_refused(kept, start_push):
    """Media with another key goes nowhere."""
    fake, stream, _, _ = kept
    child = await start_push(f"{fake.rtmp_url}/wrong-key")
    assert await child.wait(timeout_s=20) != 0
    assert (stream.state, stream.received_bytes) == ("created", 0)


async def test_the_door_can_stall(kept, start_push):
    """While it takes nothing the encoder is not dropped; afterwards everything arrives."""
    fake, stream, url, _ = kept
    fake.stall_rtmp()
    child = await start_push(url)
    await _until(lambda: stream.publishers == 1)
    assert stream.received_bytes == 0
    fake.resume_rtmp()
    assert await child.wait(timeout_s=20) == 0
    await _until(lambda: stream.publishers == 0)
    assert stream.received_bytes > 10_000


async def test_the_door_can_die_and_come_back(kept, start_push):
    """While it is dead publishers are dropped and refused; afterwards the same address takes them again."""
    fake, stream, url, _ = kept
    child = await start_push(url, options=("-re",))
    await _until(lambda: stream.state == "active")
    fake.kill_rtmp()
    assert stream.state == "inactive"
    assert await child.wait(timeout_s=20) != 0
    refused = await start_push(url)
    assert await refused.wait(timeout_s=20) != 0
    assert stream.publishes == 1
    fake.restore_rtmp()
    again = await start_push(url)
    assert await again.wait(timeout_s=20) == 0
    assert stream.publishes == 2


# --- as a process


@pytest.fixture
def remote(no_proxies, tmp_path):
    with RemoteFake(tmp_path, ["--list-lag", "30", "--set", "async_polls=0", "--seed", "7"]) as remote:
        yield remote


def test_as_a_process(remote):
    """It runs by itself, is driven through its back door, and keeps its state when clients die."""
    with clients(remote) as make:
        ref = insert(make(), monitorStream={"enableMonitorStream": False})["id"]
        stream = insert_stream(make())["id"]
    with clients(remote) as make:
        client = make()
        bind(client, ref, stream)
        remote.do("tick", 31)
        remote.do("push", stream)
        remote.fail("liveBroadcasts.transition", Refuse(403, "userRequestsExceedRateLimit"))
        request = client.liveBroadcasts().transition(id=ref, broadcastStatus="live", part="id")
        assert remote.state()["faults"]["liveBroadcasts.transition"][0]["reason"] == "userRequestsExceedRateLimit"
        assert refusal(request) == (403, "userRequestsExceedRateLimit")
        request.execute()
        assert state(client, ref) == "live"
        remote.do("say", ref, "Anna", "?Warum", moderator=True)
        remote.set(day_units=1)
        assert refusal(client.liveStreams().list(part="id", mine=True)) == (403, "quotaExceeded")
    seen = remote.state()
    assert seen["violations"] == []
    assert [(entry["id"], entry["state"]) for entry in seen["broadcasts"]] == [(ref, "live")]
    assert seen["chats"][0]["messages"][0]["text"] == "?Warum"
    assert ["liveBroadcasts.bind", 200] in [[call[0], call[2]] for call in seen["calls"]]


def test_the_back_door_is_no_free_for_all(remote):
    """Only knobs and verbs that exist can be used."""
    for call in (lambda: remote.set(colour="red"), lambda: remote.do("__init__"), lambda: remote.do("push", "gone")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            call()
        caught.value.close()
        assert caught.value.code in {400, 404}


def test_it_ends_when_told(remote):
    """SIGTERM ends it tidily."""
    os.kill(remote.addresses["pid"], signal.SIGTERM)
    assert remote.wait(10) == 0
