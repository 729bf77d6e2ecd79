"""Shorthands for driving the counterpart with the real client library."""

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httplib2
import pytest
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from tests.fakes.youtube.fake import FakeYouTube
from tests.fakes.youtube.wire import document

Json = dict[str, Any]


class Served(Protocol):
    """A counterpart, in this process or in one of its own."""

    @property
    def url(self) -> str: ...

    @property
    def token(self) -> str: ...


def make_client(
    fake: Served, stack: contextlib.ExitStack, *, token: str = "", credentials: Any = None, timeout_s: float = 10
) -> Any:
    """A client of the real library; the stack closes it."""
    http = httplib2.Http(timeout=timeout_s)
    http.redirect_codes -= {308}  # as the library does with its own: 308 says that an upload goes on
    stack.callback(http.close)
    signed = AuthorizedHttp(credentials or _sign(token or fake.token), http=http)
    return build_from_document({**document(), "rootUrl": fake.url, "baseUrl": fake.url}, http=signed)


def _sign(token: str) -> Any:
    make: Any = Credentials
    return make(token=token)


@contextlib.contextmanager
def clients(fake: Served) -> Iterator[Callable[..., Any]]:
    """Makes clients of the real library, and closes them."""
    with contextlib.ExitStack() as stack:

        def make(token: str = "", *, credentials: Any = None, timeout_s: float = 10) -> Any:
            return make_client(fake, stack, token=token, credentials=credentials, timeout_s=timeout_s)

        yield make


def spec(*, title: str = "Runder Tisch", hours: float = 1.0, **more: Any) -> Json:
    """The body of a plan: title, a start some hours ahead, unlisted; more goes into contentDetails."""
    start = datetime.now(UTC) + timedelta(hours=hours)
    return {
        "snippet": {"title": title, "scheduledStartTime": start.isoformat(), **more.pop("snippet", {})},
        "status": {"privacyStatus": "unlisted", "selfDeclaredMadeForKids": False, **more.pop("status", {})},
        **({"contentDetails": more} if more else {}),
    }


def insert(client: Any, **more: Any) -> Json:
    """Plan a broadcast."""
    body = spec(**more)
    return dict(client.liveBroadcasts().insert(part=",".join(["id", *body]), body=body).execute())


def insert_stream(client: Any, title: str = "Studio") -> Json:
    """Make a reusable stream."""
    body = {
        "snippet": {"title": title},
        "cdn": {"ingestionType": "rtmp", "resolution": "variable", "frameRate": "variable"},
        "contentDetails": {"isReusable": True},
    }
    return dict(client.liveStreams().insert(part="id,snippet,cdn,contentDetails,status", body=body).execute())


def bind(client: Any, broadcast_id: str, stream_id: str) -> Json:
    """Bind a broadcast to a stream."""
    return dict(client.liveBroadcasts().bind(id=broadcast_id, streamId=stream_id, part="id,status").execute())


def move(client: Any, broadcast_id: str, state: str) -> str:
    """Ask for a state; the state that the answer shows."""
    call = client.liveBroadcasts().transition(id=broadcast_id, broadcastStatus=state, part="id,status")
    return str(call.execute()["status"]["lifeCycleStatus"])


def look(client: Any, broadcast_id: str, part: str = "id,status") -> Json:
    """A broadcast as the list shows it."""
    return dict(client.liveBroadcasts().list(id=broadcast_id, part=part).execute()["items"][0])


def state(client: Any, broadcast_id: str) -> str:
    """Its state as the list shows it."""
    return str(look(client, broadcast_id)["status"]["lifeCycleStatus"])


def refusal(request: Any) -> tuple[int, str]:
    """Status and reason of a request that must be refused."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    body = json.loads(caught.value.content)["error"]
    assert body["code"] == caught.value.status_code
    return caught.value.status_code, body["errors"][0]["reason"]


def raw(
    fake: Served,
    method: str,
    path: str,
    body: Json | None = None,
    *,
    token: str = "",
    headers: Iterable[tuple[str, str]] = (),
) -> tuple[int, Any]:
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


def live(fake: FakeYouTube, client: Any, **more: Any) -> str:
    """A broadcast that is live."""
    fake.async_polls = 0
    broadcast = str(insert(client, **{"monitorStream": {"enableMonitorStream": False}, **more})["id"])
    stream = insert_stream(client)["id"]
    bind(client, broadcast, stream)
    fake.push(stream)
    assert move(client, broadcast, "live") == "live"
    return broadcast
