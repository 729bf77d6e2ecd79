"""Shorthands for driving the counterpart with the real client library."""

import contextlib
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import httplib2
import pytest
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from tests.fakes.youtube.wire import document


def make_client(fake, stack, *, token=None, credentials=None, timeout_s=10):
    """A client of the real library; the stack closes it."""
    http = httplib2.Http(timeout=timeout_s)
    http.redirect_codes -= {308}  # as the library does with its own: 308 says that an upload goes on
    stack.callback(http.close)
    signed = AuthorizedHttp(credentials or Credentials(token=token or fake.token), http=http)
    return build_from_document({**document(), "rootUrl": fake.url, "baseUrl": fake.url}, http=signed)


@contextlib.contextmanager
def clients(fake):
    """Makes clients of the real library, and closes them."""
    with contextlib.ExitStack() as stack:

        def make(token=None, *, credentials=None, timeout_s=10):
            return make_client(fake, stack, token=token, credentials=credentials, timeout_s=timeout_s)

        yield make


def spec(*, title="Runder Tisch", hours=1.0, **more):
    start = datetime.now(UTC) + timedelta(hours=hours)
    return {
        "snippet": {"title": title, "scheduledStartTime": start.isoformat(), **more.pop("snippet", {})},
        "status": {"privacyStatus": "unlisted", "selfDeclaredMadeForKids": False, **more.pop("status", {})},
        **({"contentDetails": more} if more else {}),
    }


def insert(client, **more):
    body = spec(**more)
    return client.liveBroadcasts().insert(part=",".join(["id", *body]), body=body).execute()


def insert_stream(client, title="Studio"):
    body = {
        "snippet": {"title": title},
        "cdn": {"ingestionType": "rtmp", "resolution": "variable", "frameRate": "variable"},
        "contentDetails": {"isReusable": True},
    }
    return client.liveStreams().insert(part="id,snippet,cdn,contentDetails,status", body=body).execute()


def bind(client, broadcast_id, stream_id):
    return client.liveBroadcasts().bind(id=broadcast_id, streamId=stream_id, part="id,status").execute()


def move(client, broadcast_id, state):
    call = client.liveBroadcasts().transition(id=broadcast_id, broadcastStatus=state, part="id,status")
    return call.execute()["status"]["lifeCycleStatus"]


def look(client, broadcast_id, part="id,status"):
    return client.liveBroadcasts().list(id=broadcast_id, part=part).execute()["items"][0]


def state(client, broadcast_id):
    return look(client, broadcast_id)["status"]["lifeCycleStatus"]


def refusal(request):
    with pytest.raises(HttpError) as caught:
        request.execute()
    body = json.loads(caught.value.content)["error"]
    assert body["code"] == caught.value.status_code
    return caught.value.status_code, body["errors"][0]["reason"]


def raw(fake, method, path, body=None, token=None, headers=()):
    """A request that the client library would not let out."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(fake.url + path, data=data, method=method, headers=dict(headers))
    request.add_header("Authorization", f"Bearer {token or fake.token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())["error"]["errors"][0]["reason"]


def live(fake, client, **more):
    """A broadcast that is live."""
    fake.async_polls = 0
    broadcast = insert(client, **{"monitorStream": {"enableMonitorStream": False}, **more})["id"]
    stream = insert_stream(client)["id"]
    bind(client, broadcast, stream)
    fake.push(stream)
    assert move(client, broadcast, "live") == "live"
    return broadcast
