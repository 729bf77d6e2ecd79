"""The counterpart of YouTube, driven by the real client library: it is faithful, and it is no yes-man."""

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseUpload

from tests.fakes.youtube import FORCE_SSL, MANAGE, READONLY, Cut, Drop, FakeYouTube, Html502, Refuse, Slow
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
    spec,
    state,
)

SRT = b"1\n00:00:00,000 --> 00:00:02,000\nGuten Abend.\n"


@pytest.fixture
def fake(no_proxies):
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


# --- the whole way


def test_the_whole_way_from_plan_to_captions(fake, client):
    """Insert, bind, rehearse, go live, end, process, caption: every step shows what the facts say it shows."""
    fake.async_polls = 2
    broadcast = insert(client, enableDvr=True)
    assert broadcast["status"]["lifeCycleStatus"] == "created"
    assert broadcast["snippet"]["scheduledStartTime"].endswith("Z")
    stream = insert_stream(client)
    assert bind(client, broadcast["id"], stream["id"])["status"]["lifeCycleStatus"] == "ready"
    fake.push(stream["id"])
    status = client.liveStreams().list(id=stream["id"], part="id,status").execute()["items"][0]["status"]
    assert (status["streamStatus"], status["healthStatus"]["status"]) == ("active", "good")
    assert move(client, broadcast["id"], "testing") == "testStarting"
    assert [state(client, broadcast["id"]) for _ in range(3)] == ["testStarting", "testStarting", "testing"]
    assert move(client, broadcast["id"], "live") == "liveStarting"
    assert [state(client, broadcast["id"]) for _ in range(3)] == ["liveStarting", "liveStarting", "live"]
    fake.tick(90)
    assert move(client, broadcast["id"], "complete") == "complete"
    parts = "id,status,processingDetails,contentDetails,liveStreamingDetails"
    videos = [client.videos().list(id=broadcast["id"], part=parts).execute()["items"][0] for _ in range(2)]
    assert [video["processingDetails"]["processingStatus"] for video in videos] == ["processing", "succeeded"]
    assert videos[0]["contentDetails"]["duration"] == "P0D"
    assert videos[1]["contentDetails"]["duration"].startswith("PT1M3")
    assert "actualEndTime" in videos[1]["liveStreamingDetails"]
    body = {"snippet": {"videoId": broadcast["id"], "language": "de", "name": ""}}
    media = MediaIoBaseUpload(io.BytesIO(SRT), "application/octet-stream")
    track = client.captions().insert(part="snippet", body=body, media_body=media).execute()
    assert client.captions().download(id=track["id"], tfmt="srt").execute() == SRT
    assert fake.violations == []
    assert [call.method for call in fake.calls][:3] == [
        "liveBroadcasts.insert",
        "liveStreams.insert",
        "liveBroadcasts.bind",
    ]


async def test_it_runs_beside_an_event_loop(fake_youtube):
    """An async test may block its own thread in the client without stopping the counterpart."""
    assert raw(fake_youtube, "GET", "youtube/v3/channels?part=id&mine=true")[0] == 200


# --- the wire format


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("GET", "liveBroadcasts?mine=true", "required"),
        ("GET", "liveBroadcasts?part=id,colour&mine=true", "unknownPart"),
        ("GET", "liveStreams?part=contentDetails&mine=true", "unknownPart"),
        ("GET", "liveBroadcasts?part=id&mine=true&colour=red", "invalid"),
        ("GET", "liveBroadcasts?part=id", "missingRequiredParameter"),
        ("GET", "liveBroadcasts?part=id&mine=true&broadcastStatus=all", "incompatibleParameters"),
        ("GET", "liveBroadcasts?part=id&mine=true&id=x", "incompatibleParameters"),
        ("GET", "liveBroadcasts?part=id&mine=perhaps", "invalidParameter"),
        ("GET", "liveBroadcasts?part=id&mine=true&maxResults=51", "invalidParameter"),
        ("GET", "liveBroadcasts?part=id&mine=true&pageToken=%21", "invalidPageToken"),
        ("GET", "liveBroadcasts?part=id&broadcastStatus=sleeping", "invalidParameter"),
        ("POST", "liveBroadcasts/transition?part=id&id=x&broadcastStatus=ready", "invalidParameter"),
        ("POST", "liveBroadcasts/transition?part=id&broadcastStatus=live", "required"),
        ("GET", "liveChat/messages?part=id&liveChatId=x&maxResults=100", "invalidParameter"),
        ("GET", "liveBroadcast?part=id&mine=true", "notFound"),
    ],
)
def test_queries_are_held_against_the_discovery_document(fake, method, path, reason):
    """Unknown or missing parameters, parts, values and paths are refused, and noted as bugs of the client."""
    status, seen = raw(fake, method, f"youtube/v3/{path}")
    assert (status, seen) == (404 if reason == "notFound" else 400, reason)
    assert len(fake.violations) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"snippet": {"colour": "red"}}, "invalid"),
        ({"snippet": {"title": 5}}, "invalid"),
        ({"snippet": {"scheduledStartTime": "tomorrow"}}, "invalid"),
        ({"snippet": {"scheduledStartTime": "2099-01-01T10:00:00"}}, "invalid"),
        ({"snippet": {"channelId": "UC1"}}, "invalid"),
        ({"status": {"privacyStatus": "secret"}}, "invalid"),
        ({"status": {"lifeCycleStatus": "live"}}, "invalid"),
        ({"status": {"selfDeclaredMadeForKids": "false"}}, "invalid"),
        ({"statistics": {}}, "unexpectedPart"),
    ],
)
def test_bodies_are_held_against_the_discovery_document(fake, change, reason):
    """Unknown fields, wrong types, fields that only YouTube sets, and parts that were not named are refused."""
    body = spec()
    for part, fields in change.items():
        body[part] = {**body.get(part, {}), **fields}
    assert raw(fake, "POST", "youtube/v3/liveBroadcasts?part=snippet,status", body) == (400, reason)
    assert len(fake.violations) == 1
    assert fake.broadcasts == {}


def test_pages(fake, client):
    """Lists hold five unless asked, go on by token, and end."""
    refs = [insert(client, title=f"Folge {number}")["id"] for number in range(7)]
    seen, request = [], client.liveBroadcasts().list(part="id", mine=True)
    sizes = []
    while request is not None:
        page = request.execute()
        sizes.append(len(page["items"]))
        seen += [item["id"] for item in page["items"]]
        request = client.liveBroadcasts().list_next(request, page)
    assert sizes == [5, 2]
    assert sorted(seen) == sorted(refs)
    assert page["pageInfo"]["totalResults"] == 7


def test_many_ids_at_once(fake, client):
    """Fifty ids are one request, more are refused; an address that would be too long comes as a POST."""
    refs = [insert(client)["id"] for _ in range(3)]
    found = client.liveBroadcasts().list(id=",".join([*refs, *(f"gone{n:07}" for n in range(47))]), part="id").execute()
    assert [item["id"] for item in found["items"]] == refs
    too_many = client.liveBroadcasts().list(id=",".join(f"gone{n:07}" for n in range(51)), part="id")
    assert refusal(too_many) == (400, "invalidParameter")
    long = client.liveBroadcasts().list(id=",".join([*refs, "x" * 2048]), part="id").execute()
    assert [item["id"] for item in long["items"]] == refs


def test_types_of_broadcasts(fake, client):
    """Without broadcastType=all, what Studio's permanent stream made is not listed."""
    ref = insert(client)["id"]
    fake.broadcasts[ref].persistent = True
    fake.unschedule(ref)
    assert client.liveBroadcasts().list(part="id", mine=True).execute()["items"] == []
    found = client.liveBroadcasts().list(part="id,snippet", mine=True, broadcastType="all").execute()["items"]
    assert found[0]["snippet"]["scheduledStartTime"] == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(("status", "count"), [("upcoming", 1), ("active", 1), ("completed", 0), ("all", 2)])
def test_filter_by_status(fake, client, status, count):
    """The status filter knows what is planned, on air and over."""
    live(fake, client)
    insert(client)
    found = client.liveBroadcasts().list(part="id", broadcastStatus=status).execute()
    assert found["pageInfo"]["totalResults"] == count


def test_lists_lag_behind(fake, client):
    """What was just inserted is in no list for a while, though it can be bound."""
    fake.list_lag_s = 60
    ref, stream = insert(client)["id"], insert_stream(client)["id"]
    assert client.liveBroadcasts().list(part="id", mine=True).execute()["items"] == []
    assert client.liveBroadcasts().list(part="id", id=ref).execute()["items"] == []
    assert client.liveStreams().list(part="id", mine=True).execute()["items"] == []
    bind(client, ref, stream)
    fake.tick(61)
    assert state(client, ref) == "ready"


# --- broadcasts


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": ""}, "titleRequired"),
        ({"title": "x" * 101}, "invalidTitle"),
        ({"title": "a < b"}, "invalidTitle"),
        ({"snippet": {"description": "x" * 5001}}, "invalidDescription"),
        ({"snippet": {"description": "->"}}, "invalidDescription"),
        ({"hours": -0.01}, "invalidScheduledStartTime"),
        ({"hours": 24 * 40}, "invalidScheduledStartTime"),
        ({"snippet": {"scheduledStartTime": ""}}, "invalid"),
        ({"snippet": {"scheduledEndTime": "2020-01-01T10:00:00Z"}}, "invalidScheduledEndTime"),
    ],
)
def test_plans_that_it_refuses(fake, client, change, reason):
    """Titles, descriptions and times outside the rules are refused, and nothing is made."""
    fake.horizon_days = 30
    body = spec(**change)
    assert refusal(client.liveBroadcasts().insert(part="snippet,status", body=body)) == (400, reason)
    assert fake.broadcasts == {}


def test_privacy_must_be_said(fake, client):
    """A broadcast without privacyStatus is refused."""
    body = {**spec(), "status": {}}
    assert refusal(client.liveBroadcasts().insert(part="snippet,status", body=body)) == (400, "privacyStatusRequired")


def test_limits_of_planning(fake, client, connect):
    """Live streaming switched off, too many broadcasts: refused with Google's reasons."""
    fake.max_broadcasts = 1
    insert(client)
    request = client.liveBroadcasts().insert(part="snippet,status", body=spec())
    assert refusal(request) == (403, "userBroadcastsExceedLimit")
    other = fake.add_channel("Zweitkanal", live_enabled=False)
    stranger = connect(fake.grant(channel=other).access_token)
    request = stranger.liveBroadcasts().list(part="id", mine=True)
    assert refusal(request) == (403, "liveStreamingNotEnabled")


def test_made_for_kids_has_no_chat(fake, client):
    """A broadcast for children comes without a chat."""
    assert "liveChatId" in insert(client)["snippet"]
    assert "liveChatId" not in insert(client, status={"selfDeclaredMadeForKids": True})["snippet"]


def test_update_blanks_what_it_does_not_bring(fake, client):
    """Each named part is overwritten whole; parts that are not named stay."""
    ref = insert(client, snippet={"description": "alt"}, enableAutoStart=True)["id"]
    snippet = {"title": "Neu", "scheduledStartTime": spec(hours=2)["snippet"]["scheduledStartTime"]}
    client.liveBroadcasts().update(part="snippet", body={"id": ref, "snippet": snippet}).execute()
    after = look(client, ref, "snippet,status,contentDetails")
    assert (after["snippet"]["title"], after["snippet"]["description"]) == ("Neu", "")
    assert after["status"]["privacyStatus"] == "unlisted"
    assert after["contentDetails"]["enableAutoStart"] is True


def test_what_was_read_may_be_written_back(fake, client):
    """Reading all, changing one thing and writing all back is a correct update."""
    ref = insert(client, snippet={"description": "alt"})["id"]
    body = look(client, ref, "id,snippet,status,contentDetails")
    body["snippet"]["title"] = "Neu"
    client.liveBroadcasts().update(part="id,snippet,status,contentDetails", body=body).execute()
    assert fake.broadcasts[ref].title == "Neu"
    assert fake.broadcasts[ref].description == "alt"
    assert fake.violations == []


def test_details_are_updated_whole_or_not_at_all(fake, client):
    """An update of contentDetails that lacks one of the required fields is refused."""
    ref = insert(client)["id"]
    body = {"id": ref, "contentDetails": {"enableDvr": False}}
    assert refusal(client.liveBroadcasts().update(part="contentDetails", body=body)) == (
        400,
        "enableContentEncryptionRequired",
    )


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("enableDvr",), False, "enableDvrModificationNotAllowed"),
        (("recordFromStart",), False, "recordFromStartModificationNotAllowed"),
        (("monitorStream", "enableMonitorStream"), True, "enableMonitorStreamModificationNotAllowed"),
        (("monitorStream", "broadcastStreamDelayMs"), 5, "delayModificationNotAllowed"),
    ],
)
def test_details_are_frozen_while_live(fake, client, path, value, reason):
    """What is frozen in testing and live cannot change there."""
    ref = live(fake, client)
    details = look(client, ref, "contentDetails")["contentDetails"]
    inner = details if len(path) == 1 else details[path[0]]
    inner[path[-1]] = value
    body = {"id": ref, "contentDetails": details}
    assert refusal(client.liveBroadcasts().update(part="contentDetails", body=body)) == (403, reason)


def test_a_late_start_may_stay_but_not_be_chosen(fake, client):
    """A start that has passed may be written back unchanged; a new one in the past is refused."""
    ref = insert(client)["id"]
    fake.tick(7200)
    body = {"id": ref, "snippet": look(client, ref, "snippet")["snippet"]}
    client.liveBroadcasts().update(part="snippet", body=body).execute()
    body["snippet"]["scheduledStartTime"] = spec(hours=1.5)["snippet"]["scheduledStartTime"]
    request = client.liveBroadcasts().update(part="snippet", body=body)
    assert refusal(request) == (400, "invalidScheduledStartTime")


def test_binding(fake, client):
    """Binding needs both ends, unbinding gives none, and neither works once it is on."""
    ref, stream = insert(client)["id"], insert_stream(client)["id"]
    assert refusal(client.liveBroadcasts().bind(id="gone", streamId=stream, part="id")) == (
        404,
        "liveBroadcastNotFound",
    )
    assert refusal(client.liveBroadcasts().bind(id=ref, streamId="gone", part="id")) == (404, "liveStreamNotFound")
    bind(client, ref, stream)
    assert look(client, ref, "contentDetails")["contentDetails"]["boundStreamId"] == stream
    unbound = client.liveBroadcasts().bind(id=ref, part="id,status,contentDetails").execute()
    assert unbound["status"]["lifeCycleStatus"] == "created"
    assert "boundStreamId" not in unbound["contentDetails"]
    on_air = live(fake, client)
    request = client.liveBroadcasts().bind(id=on_air, streamId=stream, part="id")
    assert refusal(request) == (403, "liveBroadcastBindingNotAllowed")


def test_transitions_that_it_refuses(fake, client):
    """No stream, no data, monitor skipped, twice, and after the end: each refused with its reason."""

    def seen(target):
        return refusal(client.liveBroadcasts().transition(id=ref, broadcastStatus=target, part="id"))

    fake.async_polls = 0
    ref, stream = insert(client)["id"], insert_stream(client)["id"]
    assert seen("testing") == (403, "invalidTransition")
    bind(client, ref, stream)
    assert seen("testing") == (403, "errorStreamInactive")
    fake.push(stream)
    assert seen("live") == (403, "invalidTransition")
    assert seen("complete") == (403, "invalidTransition")
    move(client, ref, "testing")
    assert seen("testing") == (403, "redundantTransition")
    move(client, ref, "live")
    assert seen("live") == (403, "redundantTransition")
    assert seen("testing") == (403, "invalidTransition")
    move(client, ref, "complete")
    assert seen("complete") == (403, "redundantTransition")
    assert seen("live") == (403, "invalidTransition")


def test_on_the_way_is_redundant(fake, client):
    """Asking again while it is still starting is redundant, and asking for the next state is too early."""
    ref, stream = insert(client)["id"], insert_stream(client)["id"]
    bind(client, ref, stream)
    fake.push(stream)
    move(client, ref, "testing")
    request = client.liveBroadcasts().transition
    assert refusal(request(id=ref, broadcastStatus="testing", part="id")) == (403, "redundantTransition")
    assert refusal(request(id=ref, broadcastStatus="live", part="id")) == (403, "invalidTransition")


def test_without_monitor_there_is_no_rehearsal(fake, client):
    """With the monitor stream off it goes from ready to live, and cannot be tested."""
    ref = insert(client, monitorStream={"enableMonitorStream": False})["id"]
    stream = insert_stream(client)["id"]
    bind(client, ref, stream)
    fake.push(stream)
    request = client.liveBroadcasts().transition(id=ref, broadcastStatus="testing", part="id")
    assert refusal(request) == (403, "invalidTransition")
    assert move(client, ref, "live") == "liveStarting"


def test_limits_of_going_live(fake, client):
    """One stream carries one live broadcast, and a channel may have a limit as well."""
    first = live(fake, client)
    second = insert(client, monitorStream={"enableMonitorStream": False})["id"]
    bind(client, second, fake.broadcasts[first].stream_id)
    request = client.liveBroadcasts().transition(id=second, broadcastStatus="live", part="id")
    assert refusal(request) == (403, "sharedIngestionBroadcastsExceedLimit")
    fake.max_live = 1
    assert refusal(request) == (403, "concurrentBroadcastsExceedLimit")


def test_auto_stop_ends_for_good(fake, client):
    """With enableAutoStop a minute of silence ends the broadcast; without, it stays live."""
    stopping, staying = live(fake, client, enableAutoStop=True), live(fake, client)
    for ref in (stopping, staying):
        fake.stop(fake.broadcasts[ref].stream_id)
    fake.tick(61)
    assert (state(client, stopping), state(client, staying)) == ("complete", "live")


@pytest.mark.parametrize("verified", [False, True])
def test_a_rehearsal_may_have_no_end(fake, client, verified):
    """Whether a rehearsal can be completed without going live is not known, so that both can be tried."""
    fake.async_polls, fake.complete_from_testing = 0, verified
    ref, stream = insert(client)["id"], insert_stream(client)["id"]
    bind(client, ref, stream)
    fake.push(stream)
    move(client, ref, "testing")
    request = client.liveBroadcasts().transition(id=ref, broadcastStatus="complete", part="id,status")
    if verified:
        assert request.execute()["status"]["lifeCycleStatus"] == "complete"
    else:
        assert refusal(request) == (403, "invalidTransition")


def test_a_signal_may_be_bad(fake, client):
    """What is wrong with a signal is told with its reason, and forgotten when it stops."""
    stream = insert_stream(client)["id"]
    fake.push(stream)
    issue = {"type": "gopSizeLong", "severity": "warning", "reason": "Keyframes", "description": "every 4 s"}
    fake.set_health(stream, "bad", issue)

    def health():
        return client.liveStreams().list(id=stream, part="status").execute()["items"][0]["status"]["healthStatus"]

    assert (health()["status"], health()["configurationIssues"]) == ("bad", [issue])
    assert health()["lastUpdateTimeSeconds"].isdigit()
    fake.stop(stream)
    assert (health()["status"], health()["configurationIssues"]) == ("noData", [])


def test_auto_start_leaves_no_time_to_test(fake, client):
    """With enableAutoStart it goes live as soon as data arrives."""
    fake.async_polls = 0
    ref, stream = insert(client, enableAutoStart=True)["id"], insert_stream(client)["id"]
    bind(client, ref, stream)
    fake.push(stream)
    assert state(client, ref) == "live"


def test_what_happens_in_studio(fake, client):
    """Revoked, started or deleted by somebody else: it shows."""
    ref, other = insert(client)["id"], insert(client)["id"]
    fake.go_live_in_studio(ref)
    assert state(client, ref) == "live"
    fake.revoke(ref)
    assert state(client, ref) == "revoked"
    fake.delete(other)
    assert client.liveBroadcasts().list(id=other, part="id").execute()["items"] == []
    assert client.videos().list(id=other, part="id").execute()["items"] == []


def test_deleting(fake, client):
    """A planned broadcast can be deleted, a live one cannot, and a finished one takes its video along."""
    ref = insert(client)["id"]
    assert client.liveBroadcasts().delete(id=ref).execute() == ""
    assert refusal(client.liveBroadcasts().delete(id=ref)) == (404, "liveBroadcastNotFound")
    on_air = live(fake, client)
    assert refusal(client.liveBroadcasts().delete(id=on_air)) == (403, "liveBroadcastDeletionNotAllowed")
    move(client, on_air, "complete")
    client.liveBroadcasts().delete(id=on_air).execute()
    assert on_air not in fake.videos


def test_the_key_is_in_one_part_alone(fake, client):
    """The stream key is shown with the part cdn and nowhere else."""
    stream = insert_stream(client)
    key = stream["cdn"]["ingestionInfo"]["streamName"]
    assert key not in json.dumps(client.liveStreams().list(part="id,snippet,status", mine=True).execute())
    assert key in json.dumps(client.liveStreams().list(part="cdn", mine=True).execute())


@pytest.mark.parametrize(
    ("cdn", "reason"),
    [
        ({"ingestionType": "rtmp"}, "resolutionRequired"),
        ({"resolution": "720p", "frameRate": "30fps"}, "ingestionTypeRequired"),
        ({"ingestionType": "rtmp", "resolution": "variable", "frameRate": "30fps"}, "invalidResolution"),
    ],
)
def test_streams_that_it_refuses(fake, client, cdn, reason):
    """A stream must say type, resolution and frame rate, and both of them variable or neither."""
    body = {"snippet": {"title": "Studio"}, "cdn": cdn}
    assert refusal(client.liveStreams().insert(part="snippet,cdn", body=body)) == (400, reason)


def test_a_stream_in_use_stays(fake, client):
    """A stream that a planned broadcast is bound to cannot be deleted."""
    ref, stream = insert(client)["id"], insert_stream(client)["id"]
    bind(client, ref, stream)
    assert refusal(client.liveStreams().delete(id=stream)) == (403, "liveStreamDeletionNotAllowed")


def test_strangers_see_nothing(fake, client, connect):
    """Another account's broadcasts are in no list and cannot be touched."""
    ref = insert(client)["id"]
    stranger = connect(fake.grant(channel=fake.add_channel("Fremd")).access_token)
    assert stranger.liveBroadcasts().list(id=ref, part="id").execute()["items"] == []
    assert refusal(stranger.liveBroadcasts().delete(id=ref)) == (404, "liveBroadcastNotFound")
    mine = stranger.channels().list(mine=True, part="snippet").execute()["items"]
    assert [channel["snippet"]["title"] for channel in mine] == ["Fremd"]


# --- sign-in, quota, faults


def test_tokens(fake, connect):
    """Unknown and expired tokens are refused with authError; the library gets itself a new one when it can."""
    assert raw(fake, "GET", "youtube/v3/channels?part=id&mine=true", token="ya29.nobody") == (401, "authError")
    client_info = fake.client_config["installed"]
    renewed = Credentials(
        token=fake.token,
        refresh_token=fake.refresh_token,
        token_uri=fake.token_uri,
        client_id=client_info["client_id"],
        client_secret=client_info["client_secret"],
    )
    fake.expire_tokens()
    assert connect(credentials=renewed).channels().list(part="id", mine=True).execute()["items"]
    assert [call.status for call in fake.calls] == [401, 401, 200, 200]


def test_a_revoked_sign_in_cannot_be_renewed(fake, connect):
    """After the person took the consent back, the token endpoint says invalid_grant in Google's words."""
    client_info = fake.client_config["installed"]
    credentials = Credentials(
        token=None,
        refresh_token=fake.refresh_token,
        token_uri=fake.token_uri,
        client_id=client_info["client_id"],
        client_secret=client_info["client_secret"],
    )
    fake.revoke_grants()
    with pytest.raises(RefreshError, match=r"invalid_grant: Token has been expired or revoked\."):
        connect(credentials=credentials).channels().list(part="id", mine=True).execute()


@pytest.mark.parametrize(
    ("scope", "reads", "writes", "captions"),
    [(READONLY, True, False, False), (MANAGE, True, True, False), (FORCE_SSL, True, True, True)],
)
def test_scopes(fake, client, connect, scope, reads, writes, captions):
    """A sign-in may do what its scopes allow; captions need the one of their own."""
    ref = insert(client)["id"]
    other = connect(fake.grant(scopes=[scope]).access_token)
    requests = [
        (reads, other.liveBroadcasts().list(part="id", mine=True)),
        (writes, other.liveBroadcasts().bind(part="id", id=ref)),
        (captions, other.captions().list(part="id", videoId=ref)),
    ]
    for allowed, request in requests:
        if allowed:
            request.execute()
        else:
            assert refusal(request) == (403, "insufficientPermissions")


def test_some_reasons_hide(fake, client):
    """Where Google sends details the library shows those in place of the errors: the reason is in the body alone."""
    fake.fail("channels.list", Refuse(403, "accessNotConfigured"))
    with pytest.raises(HttpError) as caught:
        client.channels().list(part="id", mine=True).execute()
    assert caught.value.error_details[0]["reason"] == "SERVICE_DISABLED"
    assert json.loads(caught.value.content)["error"]["errors"][0]["reason"] == "accessNotConfigured"


def test_what_is_not_modelled_is_not_played_along(fake, client):
    """A method without rules here is refused and noted, not answered with something pleasant."""
    body = {"id": "PL1", "snippet": {"title": "Neu"}}
    assert refusal(client.playlists().update(part="snippet", body=body)) == (501, "notImplemented")
    assert fake.violations == ["playlists.update is not modelled"]


def test_many_threads_at_once(fake, connect):
    """Eight threads with clients of their own get eight times their own answers."""

    def work(client, title):
        for _ in range(20):
            ref = insert(client, title=title)["id"]
            assert look(client, ref, "snippet")["snippet"]["title"] == title

    makers = [(connect(), f"Folge {number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, *maker) for maker in makers]:
            done.result(60)
    assert len(fake.broadcasts) == 160


def test_quota(fake, client):
    """Units are counted by method; over the day's sum everything is refused until the next day."""
    fake.day_units = 60
    insert(client)
    for _ in range(10):
        client.liveBroadcasts().list(part="id", mine=True).execute()
    assert refusal(client.liveBroadcasts().list(part="id", mine=True)) == (403, "quotaExceeded")
    assert fake.units_used == 60
    fake.new_day()
    insert(client)


def test_bad_requests_cost_too(fake):
    """A request that is refused for its form is counted all the same."""
    raw(fake, "GET", "youtube/v3/liveBroadcasts?part=colour&mine=true")
    assert fake.units_used == 1


def test_faults_spoil_one_request_each(fake, client):
    """Refusals, pages of a proxy and delays come once and in turn, then it answers again."""
    fake.fail("liveBroadcasts.list", Refuse(429, "rateLimitExceeded", {"Retry-After": "7"}), Html502(), Slow(0.2))
    request = client.liveBroadcasts().list(part="id", mine=True)
    with pytest.raises(HttpError) as caught:
        request.execute()
    assert caught.value.resp["retry-after"] == "7"
    with pytest.raises(HttpError) as caught:
        request.execute()
    assert (caught.value.status_code, isinstance(caught.value.error_details, str)) == (502, True)
    began = datetime.now(UTC)
    request.execute()
    assert datetime.now(UTC) - began >= timedelta(seconds=0.2)
    request.execute()
    assert [call.status for call in fake.calls] == [429, 502, 200, 200]


@pytest.mark.parametrize(("fault", "made"), [(Drop(after_effect=False), 0), (Drop(after_effect=True), 1), (Cut(), 1)])
def test_lost_answers(fake, fault, made):
    """A connection that closes without a whole answer leaves open whether it was done: here it was, or was not."""
    fake.fail("liveBroadcasts.insert", fault)
    with pytest.raises(Exception, match=r"(?i)closed|disconnected|incomplete|reset|read"):
        raw(
            fake,
            "POST",
            "youtube/v3/liveBroadcasts?part=snippet,status",
            spec(),
            headers={"Content-Type": "application/json"},
        )
    assert len(fake.broadcasts) == made
    assert fake.calls[-1].status == 0


def test_the_library_sends_again_by_itself(fake, connect):
    """The trap of the facts: a dropped answer, no retries asked for, and still two broadcasts and an OK."""
    fake.fail("liveBroadcasts.insert", Drop(after_effect=True))
    insert(connect())
    assert len(fake.broadcasts) == 2


@pytest.mark.parametrize(("after_effect", "at_once"), [(True, 1), (False, 0)])
def test_late_answers(fake, connect, after_effect, at_once):
    """A client that gives up does not undo anything: the effect was there, or comes when nobody listens any more."""
    fake.fail("liveBroadcasts.insert", Slow(1.2, after_effect=after_effect))
    with pytest.raises(TimeoutError):
        insert(connect(timeout_s=0.5))
    assert len(fake.broadcasts) == at_once
    deadline = threading.Event()
    for _ in range(200):
        if len(fake.broadcasts) == 1:
            break
        deadline.wait(0.02)
    assert len(fake.broadcasts) == 1


def test_away_and_back(fake, client):
    """While it is away connections are refused; afterwards its state is what it was, at the same address."""
    ref = insert(client)["id"]
    fake.go_offline()
    with pytest.raises(OSError, match=r"refused|closed|reset"):
        state(client, ref)
    fake.come_back()
    assert state(client, ref) == "created"


def test_its_clock_can_be_wrong(fake, client):
    """The Date header follows a shifted clock, and so does what counts as past."""
    fake.clock_shift_s = 7200
    request = client.channels().list(part="id", mine=True)
    response, _ = request.http.request(request.uri)
    shown = datetime.strptime(response["date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert timedelta(minutes=119) < shown - datetime.now(UTC) < timedelta(minutes=121)
    assert refusal(client.liveBroadcasts().insert(part="snippet,status", body=spec())) == (
        400,
        "invalidScheduledStartTime",
    )
