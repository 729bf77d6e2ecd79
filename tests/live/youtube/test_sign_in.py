"""Signing in, keeping the sign-in, and keeping its secrets out of everything that people and programs read."""

import asyncio
import json
import logging
import os
import signal
import socket
import threading
import traceback
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamhub.config import Secret, YoutubeSettings
from streamhub.errors import (
    BadInput,
    Environment,
    Fault,
    Forbidden,
    PlatformError,
    PortInUse,
    StreamhubError,
    TimedOut,
    ToolMissing,
)
from streamhub.live.problem import ProblemCode
from streamhub.live.quota import Priority
from streamhub.live.youtube.client import Api
from streamhub.live.youtube.connect import Wish, accept, authorise, load_client, open_graphical, parse_answer
from streamhub.live.youtube.ledger import Ledger, make_budget
from streamhub.live.youtube.report import TESTING, describe_sign_in, disconnect
from streamhub.live.youtube.sign_in import SCOPE, Account
from streamhub.live.youtube.token import (
    FILE_NAME,
    Grant,
    KeptSignIn,
    OAuthClient,
    TokenFile,
    TokenKeyring,
    UnreadableGrant,
    seal,
    unseal,
)
from streamhub.store.store import Store
from streamhub.workspace import write_private
from tests.fakes.youtube import MANAGE, Refuse

CHANNEL_ID = "UC4kXq0Zt8rY1mVbWnPaL7sQ"  # as long as a real one: three letters turn up in any ciphertext by chance
KEY = bytes(range(32))
REFRESH = "1//canary-refresh-token"
CLIENT_SECRET = "GOCSPX-canary-secret"


def now():
    return datetime.now(UTC)


def make_grant(**changes):
    client = OAuthClient(
        client_id="1.apps", client_secret=Secret(CLIENT_SECRET), auth_uri="https://a/auth", token_uri="https://a/token"
    )
    account = Account(
        channel_id=CHANNEL_ID,
        channel_title="Rundtisch",
        granted_at=datetime(2027, 3, 2, 19, 0, tzinfo=UTC),
        scopes=(SCOPE,),
    )
    return replace(Grant(account=account, refresh_token=Secret(REFRESH), client=client), **changes)


@pytest.fixture
def keeper(tmp_path):
    return TokenFile(tmp_path / FILE_NAME, KEY, write_private)


@pytest.fixture
async def ledger(tmp_path):
    async with Store.open(tmp_path / "hub.sqlite3", now=now) as store:
        yield Ledger(store, make_budget(YoutubeSettings()), now)


@pytest.fixture
def client_file(tmp_path, fake_youtube):
    path = tmp_path / "client.json"
    path.write_text(json.dumps(fake_youtube.client_config))
    return path


def visit(address):
    """What a browser does: opens the page, and follows where it leads."""
    with urllib.request.urlopen(address, timeout=5) as page:
        page.read()
    return True


def follow_once(address):
    """Where the consent page leads, without going there, as on a machine where nobody listens."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    try:
        urllib.request.build_opener(Stay).open(address, timeout=5)
    except HTTPError as moved:
        moved.close()
        return moved.headers["Location"]
    raise AssertionError("the consent page leads nowhere")


def sign_in(client_file, *, open_page=visit, say=lambda _: None, **wish):
    return authorise(Wish(client_file=client_file, **{"wait_s": 5, **wish}), say=say, now=now, open_page=open_page)


# --- keeping


def test_a_sign_in_is_kept_private_and_unreadable(keeper, tmp_path):
    """The file is ours alone, holds nothing readable, and gives back exactly what was kept."""
    grant = make_grant()
    keeper.save(grant)
    path = tmp_path / FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    for secret in (REFRESH, CLIENT_SECRET, CHANNEL_ID, "Rundtisch"):
        assert secret.encode() not in path.read_bytes()
    assert keeper.load() == grant
    ending = replace(grant, account=replace(grant.account, ends_at=datetime(2027, 3, 9, tzinfo=UTC)))
    keeper.save(ending)
    assert keeper.load() == ending


def test_nothing_kept_is_no_error(keeper):
    """Where nobody has signed in yet, there is nothing to load and nothing to forget."""
    assert keeper.load() is None
    assert keeper.version() is None
    assert keeper.forget() is False


def test_a_file_that_others_can_read_is_refused(keeper, tmp_path):
    """A sign-in that others could have copied is not used; the sentence says what to do."""
    keeper.save(make_grant())
    (tmp_path / FILE_NAME).chmod(0o644)
    with pytest.raises(UnreadableGrant, match=r"others can read it; run chmod 600 .*youtube\.token"):
        keeper.load()


@pytest.mark.parametrize("damage", [lambda b: b[:-5], lambda b: b"x" + b[1:], lambda _: b"", lambda _: b"\xff\xfe"])
def test_a_damaged_file_asks_for_a_new_sign_in(keeper, tmp_path, damage):
    """Half a file, a changed byte or an empty file lead to a sentence, not to a traceback."""
    keeper.save(make_grant())
    path = tmp_path / FILE_NAME
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UnreadableGrant, match="sign in again: streamhub youtube connect"):
        keeper.load()


def test_another_secret_cannot_open_it(keeper, tmp_path):
    """When the workspace's secret was changed, the sign-in has to be made again, and is told so."""
    keeper.save(make_grant())
    with pytest.raises(UnreadableGrant, match="another workspace; sign in again"):
        TokenFile(tmp_path / FILE_NAME, bytes(32), write_private).load()


def test_a_sealed_form_of_another_version_is_told():
    """A file that a later streamhub wrote differently is not half understood."""
    from streamhub.live.youtube.token import _fernet

    with pytest.raises(UnreadableGrant, match="another version"):
        unseal(_fernet(KEY).encrypt(b'{"version": 9}'), KEY, place="x")
    with pytest.raises(UnreadableGrant, match="another version"):
        unseal(_fernet(KEY).encrypt(b"[]"), KEY, place="x")


def test_sealing_twice_looks_different():
    """Two sealed forms of one grant share nothing that shows they are the same."""
    assert seal(make_grant(), KEY) != seal(make_grant(), KEY)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    """A full or missing folder is an error of ours."""
    with pytest.raises(Environment, match="cannot be written"):
        TokenFile(tmp_path / "gone" / FILE_NAME, KEY, write_private).save(make_grant())


@pytest.fixture
def ring(monkeypatch):
    import keyring
    from keyring.backend import KeyringBackend
    from keyring.errors import PasswordDeleteError

    class Memory(KeyringBackend):
        priority = 1

        def __init__(self):
            super().__init__()
            self.kept = {}

        def get_password(self, service, username):
            return self.kept.get((service, username))

        def set_password(self, service, username, password):
            self.kept[service, username] = password

        def delete_password(self, service, username):
            if self.kept.pop((service, username), None) is None:
                raise PasswordDeleteError(username)

    before = keyring.get_keyring()
    memory = Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_the_keyring_keeps_it_sealed_too(ring):
    """In the keyring it is kept, found and forgotten, and even there is not readable without the workspace."""
    seconds = [0.0]
    keeper = TokenKeyring("/srv/hub", KEY, monotonic=lambda: seconds[0])
    assert keeper.load() is None
    keeper.save(make_grant())
    assert keeper.load() == make_grant()
    assert REFRESH not in str(ring.kept)
    with pytest.raises(UnreadableGrant):
        TokenKeyring("/srv/hub", bytes(32)).load()
    before = keeper.version()
    TokenKeyring("/srv/hub", KEY).save(make_grant(refresh_token=Secret("1//other")))
    assert keeper.version() == before
    seconds[0] += 16
    assert keeper.version() != before
    assert keeper.forget() is True
    assert keeper.forget() is False


def test_a_machine_without_a_keyring_says_what_to_do(monkeypatch):
    """Without a keyring, or without the library, the sentence names both ways out."""
    import keyring
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        with pytest.raises(ToolMissing, match=r"install one .* or set youtube\.keep_token = file"):
            TokenKeyring("/srv/hub", KEY).load()
    finally:
        keyring.set_keyring(before)
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    with pytest.raises(ToolMissing, match=r"pip install 'streamhub\[keyring\]'"):
        TokenKeyring("/srv/hub", KEY).load()


# --- the kept sign-in while the hub runs


def test_a_running_hub_notices_a_new_sign_in(keeper, tmp_path):
    """Nobody, then somebody, then somebody else, then nobody: each is noticed without a restart."""
    kept = KeptSignIn(keeper)
    with pytest.raises(PlatformError) as refused:
        kept.credentials()
    assert refused.value.code == ProblemCode.NOT_CONNECTED
    assert kept.account is None
    keeper.save(make_grant())
    assert kept.account.channel_id == CHANNEL_ID
    first = kept.credentials()
    assert first is kept.credentials()
    assert first.refresh_token == REFRESH
    assert kept.account.channel_title == "Rundtisch"
    keeper.save(make_grant(refresh_token=Secret("1//second")))
    assert kept.credentials() is not first
    assert kept.credentials().refresh_token == "1//second"
    keeper.forget()
    with pytest.raises(PlatformError):
        kept.credentials()


async def test_signing_in_again_mends_a_running_hub(client_file, keeper, ledger, fake_youtube):
    """After a revoked sign-in, a new one makes the same client work again, without a restart."""
    await accept(sign_in(client_file), keeper, ledger, api_url=fake_youtube.url, now=now)
    api = Api(KeptSignIn(keeper), ledger, url=fake_youtube.url, now=now)
    fake_youtube.revoke_grants()
    for _ in range(2):
        with pytest.raises(PlatformError) as refused:
            await api.read("channels.list", priority=Priority.TRANSITION, part="id", mine=True)
        assert refused.value.code == ProblemCode.SIGNED_OUT
    await accept(sign_in(client_file), keeper, ledger, api_url=fake_youtube.url, now=now)
    assert (await api.read("channels.list", priority=Priority.TRANSITION, part="id", mine=True))["items"]
    await api.close()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(lambda p: p.chmod(0o640), "others can read it"), (lambda p: p.write_bytes(b"x"), "damaged")],
)
def test_a_sign_in_that_cannot_be_used_is_a_problem_for_the_host(keeper, tmp_path, spoil, reason):
    """A spoilt file stops the calls with a sentence; mending it needs no restart."""
    kept = KeptSignIn(keeper)
    keeper.save(make_grant())
    spoil(tmp_path / FILE_NAME)
    with pytest.raises(PlatformError) as refused:
        kept.credentials()
    assert (refused.value.fault, refused.value.code) == (Fault.AUTH, ProblemCode.SIGN_IN_UNREADABLE)
    assert reason in str(refused.value)
    keeper.save(make_grant())
    assert kept.credentials().refresh_token == REFRESH


def test_only_an_exchanged_refresh_token_is_written(keeper):
    """New access tokens cost no write; a new refresh token is kept at once, and the credentials stay the same ones."""
    keeper.save(make_grant())
    kept = KeptSignIn(keeper)
    credentials = kept.credentials()
    version = keeper.version()
    credentials.token = "ya29.fresh"
    kept.note_refreshed(credentials)
    assert keeper.version() == version
    credentials._refresh_token = "1//rotated"
    kept.note_refreshed(credentials)
    assert keeper.load().refresh_token == "1//rotated"
    assert kept.credentials() is credentials


# --- the client file


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "no such file"),
        ("{", "not JSON"),
        ("[]", "not an OAuth client"),
        ('{"web": {"client_id": "x"}}', "Web application"),
        ('{"type": "service_account"}', "service account"),
        ('{"installed": {"client_id": "x"}}', "has no client_secret"),
        (
            '{"installed": {"client_id": "x", "client_secret": "y", "auth_uri": "https://a", "token_uri": "http://b"}}',
            "token_uri is not an https address",
        ),
    ],
)
def test_a_wrong_client_file_is_one_sentence(tmp_path, content, sentence):
    """Each way in which the client file can be wrong is told in its own words, with what to do."""
    path = tmp_path / "client.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=sentence) as refused:
        load_client(path)
    assert refused.value.hint


# --- the course


async def test_the_whole_course(client_file, keeper, ledger, fake_youtube):
    """A browser, a consent, an account with a name, a kept sign-in, and calls that work with it."""
    permission = sign_in(client_file)
    account = await accept(permission, keeper, ledger, api_url=fake_youtube.url, now=now)
    assert account.channel_title == "Round Table"
    assert account.channel_id == fake_youtube.channel.id
    assert account.scopes == (SCOPE,)
    api = Api(KeptSignIn(keeper), ledger, url=fake_youtube.url, now=now)
    found = await api.read("channels.list", priority=Priority.TRANSITION, part="id", mine=True)
    assert found["items"][0]["id"] == account.channel_id
    await api.close()
    assert fake_youtube.violations == []


async def test_a_second_sign_in_brings_a_refresh_token_too(client_file, keeper, ledger, fake_youtube):
    """Consent is asked for each time, because Google sends no second refresh token otherwise."""
    first = sign_in(client_file)
    second = sign_in(client_file)
    assert first.refresh_token
    assert second.refresh_token
    assert first.refresh_token != second.refresh_token


def test_the_address_asks_for_what_is_needed(client_file, fake_youtube):
    """PKCE, offline access, consent, one scope, a loopback address and a state are in the address."""
    seen = []
    sign_in(client_file, open_page=lambda address: seen.append(address) or visit(address))
    fields = {name: values[0] for name, values in parse_qs(urlsplit(seen[0]).query).items()}
    assert fields["code_challenge_method"] == "S256"
    assert fields["access_type"] == "offline"
    assert fields["prompt"] == "consent"
    assert fields["scope"] == SCOPE
    assert fields["redirect_uri"].startswith("http://127.0.0.1:")
    assert len(fields["state"]) >= 20


def test_strangers_do_not_end_the_waiting(client_file, fake_youtube):
    """Favicons, bare connections and foreign states are turned away; the right answer still counts."""

    def browse(address):
        home = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        port = urlsplit(home).port
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            for path in ("favicon.ico", "?code=evil&state=guessed", "?code=evil", "?state=", ""):
                with pytest.raises(HTTPError) as refused:
                    urllib.request.urlopen(home + path, timeout=5)
                assert refused.value.code == 404
                refused.value.close()
            return visit(address)

    assert sign_in(client_file, open_page=browse).refresh_token


def test_without_a_browser_the_way_in_is_printed(client_file, fake_youtube):
    """On a server the tunnel and the address are shown; the answer comes through the tunnel."""
    lines = []

    def say(line):
        lines.append(line)
        if line.startswith("http"):
            threading.Thread(target=visit, args=(line,)).start()

    assert sign_in(client_file, open_browser=False, say=say).refresh_token
    port = urlsplit(parse_qs(urlsplit(lines[-1]).query)["redirect_uri"][0]).port
    assert f"  ssh -N -L {port}:127.0.0.1:{port} <this machine>" in lines


def test_a_pasted_address_does_it_too(client_file, fake_youtube):
    """With --paste nobody listens; the address of the page that failed to load is enough, after a wrong one too."""
    lines, pasted = [], []

    def paste(_):
        answer = "http://127.0.0.1:8976/?code=x&state=wrong" if not pasted else follow_once(lines[1])
        pasted.append(answer)
        return f"  {answer}\n"

    permission = sign_in(client_file, paste=paste, say=lines.append)
    assert permission.scopes == (SCOPE,)
    assert len(pasted) == 2
    assert any("not the address" in line for line in lines)


def test_what_cannot_be_the_answer_is_refused_in_the_end(client_file, fake_youtube):
    """Three wrong lines, and the command says that it got no answer."""
    with pytest.raises(BadInput, match="not the answer"):
        sign_in(client_file, paste=lambda _: "4/0AbCdEf")


@pytest.mark.parametrize(
    "text",
    ["http://127.0.0.1:1/?state=s&code=c", "?code=c&state=s", "code=c&state=s", " /?state=s&code=c&scope=x \n"],
)
def test_an_answer_is_found_in_what_people_paste(text):
    """An address, its query with or without the mark: all hold the answer."""
    assert parse_answer(text, "s")["code"] == "c"


@pytest.mark.parametrize(
    "text", ["", "c", "code=c", "state=s", "code=c&state=t", "code=&state=s", "ü", "?code=c&state=ü"]
)
def test_an_answer_without_the_right_state_is_none(text):
    """Without the state of this very course nothing is taken, so that nobody slips in a code of his own."""
    assert parse_answer(text, "s") is None


@given(st.text() | st.text().map(lambda t: f"http://[{t}") | st.text(st.characters()).map(lambda t: f"?state={t}"))
@example("http://[")
@example("?state=\udc80&code=c")
@example("&".join(["a=b"] * 5000))
def test_any_pasted_text_is_read_without_failing(text):
    """Whatever people paste is no answer, and never an error of its own."""
    assert parse_answer(text, "the-state-of-this-course") is None


def test_a_person_who_says_no(client_file, fake_youtube):
    """A refusal in the browser ends the course with a sentence."""
    fake_youtube.consent.denied = True
    with pytest.raises(Forbidden, match=r"refused in the browser \(access_denied\)"):
        sign_in(client_file)


def test_fewer_boxes_ticked_are_not_enough(client_file, fake_youtube):
    """Who unticks the box gets told, and nothing is kept."""
    fake_youtube.consent.scopes = frozenset({MANAGE})
    with pytest.raises(PlatformError) as refused:
        sign_in(client_file)
    assert (refused.value.fault, refused.value.code) == (Fault.AUTH, ProblemCode.SCOPE_MISSING)


async def test_another_channel_than_before_has_to_be_confirmed(client_file, keeper, ledger, fake_youtube):
    """Signing in with the wrong account keeps the old sign-in; confirming the change replaces it."""
    await accept(sign_in(client_file), keeper, ledger, api_url=fake_youtube.url, now=now)
    kept = keeper.load()
    fake_youtube.consent.channel_id = fake_youtube.add_channel("Cat Videos").id
    with pytest.raises(PlatformError) as refused:
        await accept(sign_in(client_file), keeper, ledger, api_url=fake_youtube.url, now=now)
    assert refused.value.code == ProblemCode.WRONG_ACCOUNT
    assert "Cat Videos" in str(refused.value)
    assert "Round Table" in str(refused.value)
    assert keeper.load() == kept
    await accept(sign_in(client_file), keeper, ledger, api_url=fake_youtube.url, now=now, change_account=True)
    assert keeper.load().account.channel_title == "Cat Videos"


async def test_a_channels_name_cannot_steer_a_terminal(client_file, keeper, ledger, fake_youtube):
    """What YouTube calls the channel is kept, printed and shown as one plain line."""
    fake_youtube.consent.channel_id = fake_youtube.add_channel("Runde\x1b[2J\n\u202eTisch").id
    account = await accept(sign_in(client_file), keeper, ledger, api_url=fake_youtube.url, now=now)
    assert account.channel_title == keeper.load().account.channel_title == "Runde [2J Tisch"


async def test_a_sign_in_that_cannot_be_read_is_replaced(client_file, keeper, ledger, fake_youtube, tmp_path):
    """Signing in again is the way out of a spoilt file."""
    write_private(tmp_path / FILE_NAME, b"spoilt")
    await accept(sign_in(client_file), keeper, ledger, api_url=fake_youtube.url, now=now)
    assert keeper.load().account.channel_title == "Round Table"


async def test_a_platform_that_does_not_answer_keeps_nothing(client_file, keeper, ledger, fake_youtube):
    """When the channel cannot be asked for its name, nothing is kept."""
    permission = sign_in(client_file)
    fake_youtube.fail("channels.list", Refuse(403, "accessNotConfigured"))
    with pytest.raises(PlatformError) as refused:
        await accept(permission, keeper, ledger, api_url=fake_youtube.url, now=now)
    assert refused.value.code == ProblemCode.API_OFF
    assert keeper.load() is None


def test_a_refused_code_is_one_sentence(client_file, fake_youtube):
    """A token endpoint that does not take the code is told in its own word."""
    fake_youtube.fail("oauth.token", Refuse(400, "invalid_grant"))
    with pytest.raises(StreamhubError) as refused:
        sign_in(client_file)
    assert "sign-in" in str(refused.value)


def test_a_wrong_client_secret_is_told(client_file, fake_youtube):
    """A client that Google does not know any more sends the operator to the client file."""
    config = json.loads(client_file.read_text())
    config["installed"]["client_secret"] = "GOCSPX-other"
    client_file.write_text(json.dumps(config))
    with pytest.raises(Forbidden, match=r"invalid_client.*client file"):
        sign_in(client_file)


def test_no_network_at_the_end_is_told(client_file, fake_youtube):
    """A token endpoint that is out of reach is unreachable, not refused."""
    config = json.loads(client_file.read_text())
    config["installed"]["token_uri"] = "http://127.0.0.1:1/token"
    client_file.write_text(json.dumps(config))
    with pytest.raises(PlatformError) as refused:
        sign_in(client_file)
    assert refused.value.fault is Fault.UNREACHABLE


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'"x"', b"<html>502</html>", b'{"access_token": null}', b"\xff\xfe", b'{"access_token": "a"}'],
)
def test_an_odd_answer_of_the_token_endpoint_is_one_sentence(client_file, fake_youtube, body):
    """Whatever comes instead of tokens ends in an error of ours, and nothing is half signed in."""

    def answer(server):
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            connection.recv(65536)
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,), daemon=True)
        thread.start()
        config = json.loads(client_file.read_text())
        config["installed"]["token_uri"] = f"http://127.0.0.1:{server.getsockname()[1]}/token"
        client_file.write_text(json.dumps(config))
        with pytest.raises(StreamhubError):
            sign_in(client_file)
        thread.join(5)


def test_nobody_answers(client_file, fake_youtube):
    """The waiting ends in time and frees the port."""
    with pytest.raises(TimedOut, match="nobody answered within 0 s"):
        sign_in(client_file, open_page=lambda _: True, wait_s=0.2)
    assert not [thread for thread in threading.enumerate() if "serve_forever" in thread.name]


def test_a_taken_port_is_told(client_file, fake_youtube):
    """A port that somebody else holds is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"127.0.0.1:{port}"):
            sign_in(client_file, port=port)


def test_an_interruption_leaves_nothing_behind(client_file, fake_youtube):
    """Ctrl-C ends the waiting at once, and the port is free again."""
    ports = []

    def interrupt(address):
        ports.append(urlsplit(parse_qs(urlsplit(address).query)["redirect_uri"][0]).port)
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        return True

    with pytest.raises(KeyboardInterrupt):
        sign_in(client_file, open_page=interrupt, wait_s=30)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]), timeout=2)


def test_an_interruption_ends_it_within_a_running_loop_too(client_file, fake_youtube):
    """One Ctrl-C is enough inside an event loop too, and the handler from before is back afterwards."""

    def interrupt(_):
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        return True

    async def command():
        sign_in(client_file, open_page=interrupt, wait_s=10)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(command())
    assert signal.getsignal(signal.SIGINT) is before


def test_a_text_browser_is_not_opened(monkeypatch):
    """Without a display no browser is started, because one of text would take the terminal away."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("webbrowser.open", lambda _: pytest.fail("opened"))
    assert open_graphical("http://127.0.0.1/") is False


# --- what is told about it


def test_the_report_of_nobody(keeper):
    """Where nobody is signed in, the report says how to change that."""
    report = describe_sign_in(keeper, now)
    assert not report.connected
    assert "streamhub youtube connect" in report.advice


def test_the_report_shows_age_scopes_and_testing(keeper):
    """Account, age and scopes are shown, and the sentence on Testing as long as it may still come true."""
    keeper.save(make_grant())
    granted = make_grant().account.granted_at
    young = describe_sign_in(keeper, lambda: granted + timedelta(days=3, hours=5))
    assert (young.connected, young.account, young.age_days, young.scopes) == (True, "Rundtisch", 3, (SCOPE,))
    assert young.notice == TESTING
    assert "seven days" in young.notice
    assert describe_sign_in(keeper, lambda: granted + timedelta(days=40)).notice == ""


async def test_a_testing_app_is_known_from_the_first_day(client_file, keeper, ledger, fake_youtube):
    """When Google says that the sign-in will end, the report says when, and the end is told as what it is."""
    fake_youtube.testing_app = True
    await accept(sign_in(client_file), keeper, ledger, api_url=fake_youtube.url, now=now)
    report = describe_sign_in(keeper, now)
    assert timedelta(days=6, hours=23) < report.ends_at - now() < timedelta(days=7)
    assert report.notice == TESTING
    fake_youtube.revoke_grants()
    later = now() + timedelta(days=20)
    api = Api(KeptSignIn(keeper), ledger, url=fake_youtube.url, now=lambda: later)
    with pytest.raises(PlatformError) as refused:
        await api.read("channels.list", priority=Priority.TRANSITION, part="id", mine=True)
    assert refused.value.code == ProblemCode.SIGNED_OUT_TESTING
    await api.close()


def test_a_sign_in_that_has_ended_by_itself_is_not_fine(keeper):
    """Once the time is over that Google gave, the doctor says so, also before anything is asked of Google."""
    grant = make_grant()
    end = grant.account.granted_at + timedelta(days=7)
    keeper.save(replace(grant, account=replace(grant.account, ends_at=end)))
    assert describe_sign_in(keeper, lambda: end - timedelta(minutes=1)).problem == ""
    over = describe_sign_in(keeper, lambda: end)
    assert "ended by itself on 2027-03-09" in over.problem
    assert "youtube connect" in over.advice
    assert TESTING in over.advice


def test_the_report_of_a_spoilt_file(keeper, tmp_path):
    """What is wrong with the file is in the report, not an exception."""
    keeper.save(make_grant())
    (tmp_path / FILE_NAME).chmod(0o604)
    report = describe_sign_in(keeper, now)
    assert not report.connected
    assert "others can read it" in report.problem
    assert "chmod 600" in report.advice


async def test_disconnecting_forgets_here_and_takes_back_there(client_file, keeper, ledger, fake_youtube):
    """After disconnecting the file is gone and Google knows the token no more; a second time there is nothing."""
    await accept(sign_in(client_file), keeper, ledger, api_url=fake_youtube.url, now=now)
    assert disconnect(keeper) == (True, True)
    assert keeper.load() is None
    assert fake_youtube.grants[-1].revoked
    assert disconnect(keeper) == (False, False)


def test_disconnecting_without_a_network_still_forgets(keeper):
    """Without Google the file is removed all the same, and the report says that it was not taken back there."""
    client = replace(make_grant().client, token_uri="http://127.0.0.1:1/token")
    keeper.save(make_grant(client=client))
    assert disconnect(keeper, timeout_s=2) == (True, False)
    assert keeper.load() is None


# --- secrets


@pytest.fixture
def loud_libraries():
    """Every library as an operator finds it who has set everything to DEBUG."""
    names = (
        "google",
        "google_auth_httplib2",
        "google_auth_oauthlib",
        "googleapiclient",
        "oauthlib",
        "requests_oauthlib",
    )
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.NOTSET)
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("loud_libraries")
async def test_secrets_stay_secret(client_file, keeper, ledger, fake_youtube, caplog, capfd, tmp_path):
    """A whole course at DEBUG, with failures: no secret in logs, output, reprs, tracebacks or the store."""
    caplog.set_level(logging.DEBUG)
    seen, lines, traces = [], [], []

    def browse(address):
        seen.append(follow_once(address))
        return visit(seen[-1])

    permission = sign_in(client_file, open_page=browse, say=lines.append)
    account = await accept(permission, keeper, ledger, api_url=fake_youtube.url, now=now)
    grant = keeper.load()
    kept = KeptSignIn(keeper)
    api = Api(kept, ledger, url=fake_youtube.url, now=now, timeout_s=1)
    await api.read("channels.list", priority=Priority.TRANSITION, part="id", mine=True)
    fake_youtube.expire_tokens()
    await api.read("channels.list", priority=Priority.TRANSITION, part="id", mine=True)
    fake_youtube.fail("channels.list", Refuse(403, "accessNotConfigured"))
    for spoil in (lambda: None, fake_youtube.expire_tokens, fake_youtube.revoke_grants):
        spoil()
        if spoil == fake_youtube.revoke_grants:
            fake_youtube.expire_tokens()
        try:
            await api.read("channels.list", priority=Priority.TRANSITION, part="id", mine=True)
        except PlatformError as error:
            traces.append("".join(traceback.format_exception(error)))
    try:
        sign_in(client_file, paste=lambda _: seen[0], say=lines.append)
    except StreamhubError as error:
        traces.append("".join(traceback.format_exception(error)))
    fake_youtube.fail("oauth.token", Refuse(400, "invalid_grant"))
    try:
        sign_in(client_file, open_page=browse)
    except StreamhubError as error:
        traces.append("".join(traceback.format_exception(error)))
    await api.close()
    disconnect(keeper)

    output = capfd.readouterr()
    stored = b"".join(path.read_bytes() for path in Path(tmp_path).glob("hub.sqlite3*"))
    told = [caplog.text, output.out, output.err, *lines, *traces, repr(grant), repr(permission), repr(account)]
    told += [repr(kept), repr(keeper), repr(api), stored.decode("latin-1")]
    codes = [parse_qs(urlsplit(address).query)["code"][0] for address in seen]
    tokens = [token for g in fake_youtube.grants for token in (*g.access_tokens, g.refresh_token) if token]
    secrets = [*codes, *tokens, str(permission.client.client_secret), str(permission.access_token)]
    assert len(traces) == 4
    assert len(tokens) >= 6
    for secret in secrets:
        assert not [text for text in told if secret in text]


def test_the_libraries_would_tell(client_file, fake_youtube, caplog, loud_libraries, monkeypatch):
    """The reason for quieting them: left alone at DEBUG, the sign-in's library writes the tokens into the log."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("streamhub.live.youtube.connect.quiet_libraries", lambda: None)
    assert str(sign_in(client_file).refresh_token) in caplog.text
