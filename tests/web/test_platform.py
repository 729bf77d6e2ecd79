"""The platform beside the console, the video afterwards, the chat, the accounts, and the way there for the public."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamhub.errors import Fault
from streamhub.live.problem import SENTENCES, Problem, ProblemCode, make_error
from streamhub.schedule.show import SessionState
from streamhub.store import log
from streamhub.store.shows import step_session
from streamhub.web.access import AccessRole
from streamhub.web.aside import VideosMemory, plan_text_diff, tell_problem
from streamhub.web.pages import format_ago, format_brief, format_size, load_catalogue, only_web_link
from streamhub.web.platform_views import ChatState, ChatView, RelayState, RelayView, VideosView, Wish
from tests.web import staging
from tests.web.test_pages import Shape

if TYPE_CHECKING:
    from tests.web.conftest import Browser, World


async def text_of(browser: Browser, path: str, *, status: int = 200) -> str:
    async with await browser.get(path) as page:
        assert page.status == status, path
        return str(await page.text())


async def actions_of(world: World, session: str) -> list[tuple[str, str]]:
    entries = await world.hub.store.read(lambda db: log.list_actions(db, limit=10, object_id=session))
    return [(entry.action, entry.author) for entry in entries]


async def end(world: World, session: str, *, review: bool = False) -> None:
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    for state in (SessionState.PROCESSING, SessionState.IN_REVIEW) if review else ():
        await world.hub.store.write(lambda db, goal=state: step_session(db, session, goal, at=world.clock()))


async def test_the_console_shows_the_platform_as_it_is(world: World) -> None:
    """Phase in words and in the platform's own, address, what arrives there, the relay, and when it was looked at."""
    session = await world.plan(to="live", platform="tube")
    world.platforms.views[session] = staging.calm_platform(world.clock())
    browser = await world.sign_in()
    text = await text_of(browser, f"/host/s/{session}")
    for shown in (
        '<h2 id="platform-title">Tube &amp; Co</h2>',
        "<code>live</code>",
        f'<a class="address" href="{staging.URL}" rel="noreferrer">',
        f'data-copy="{staging.URL}"',
        "Weiterleitung vom Hub",
        "1 Neustart",
        "Zuletzt nachgesehen",
    ):
        assert shown in text
    assert "/platform/retry" not in text, "where nothing failed there is nothing to try"
    english = await text_of(browser, f"/host/s/{session}?lang=en")
    assert "The hub relays" in english
    assert "1 restart" in english
    await browser.close()


async def test_without_a_platform_nothing_is_said_of_one(world: World) -> None:
    """The console of a session that the hub alone shows has no platform, no video and no chat."""
    session = await world.plan(to="live")
    browser = await world.sign_in()
    text = await text_of(browser, f"/host/s/{session}")
    for part in ("platform", "video", "chat"):
        assert f'id="{part}"' not in text
    for path, status in [("/platform/retry", 409), ("/platform/remake", 409), ("/video/approve", 409), ("/key", 409)]:
        opened = browser.get(f"/host/s/{session}/key") if path == "/key" else browser.post(f"/host/s/{session}{path}")
        async with await opened as page:
            assert page.status == status, path
    await browser.close()


async def test_a_problem_has_sentence_advice_and_buttons(world: World) -> None:
    """A deleted broadcast is told in the host's language, with the next try and both buttons; they do and log it."""
    session = await world.plan(platform="tube")
    world.platforms.views[session] = staging.troubled_platform(world.clock())
    browser = await world.sign_in()
    text = await text_of(browser, f"/host/s/{session}")
    assert "Tube &amp; Co: Die Übertragung wurde dort gelöscht." in text
    assert "Wählen Sie „neu anlegen“" in text
    assert "Nächster Versuch: 17:20" in text
    assert "bitrateLow" in text
    english = await text_of(browser, f"/host/s/{session}?lang=en")
    assert "Choose “make it again”" in english
    for deed in ("retry", "remake"):
        assert f"/host/s/{session}/platform/{deed}" in text
        async with await browser.post(f"/host/s/{session}/platform/{deed}") as page:
            assert page.headers["Location"] == f"/host/s/{session}#platform"
    assert (world.platforms.retried, world.platforms.remade) == ([session], [session])
    assert (await actions_of(world, session))[:2] == [("platform.remake", "Jana"), ("platform.retry", "Jana")]
    await browser.close()


async def test_only_a_lost_broadcast_is_made_again(world: World) -> None:
    """Every other problem can be tried again and no more."""
    session = await world.plan(platform="tube")
    browser = await world.sign_in()
    for code, remake in [(ProblemCode.UNREACHABLE, False), (ProblemCode.OVER, True), (ProblemCode.REVOKED, False)]:
        view = staging.calm_platform(world.clock())
        world.platforms.views[session] = replace(view, problem=staging.problem_like(code))
        text = await text_of(browser, f"/host/s/{session}")
        assert "/platform/retry" in text
        assert ("/platform/remake" in text) is remake, code
    await browser.close()


async def test_a_refusal_is_said_in_the_readers_language(world: World) -> None:
    """When the platform refuses, the page says why in the reader's language, and the API in English."""
    session = await world.plan(platform="tube")
    world.platforms.views[session] = staging.troubled_platform(world.clock())
    world.platforms.failure = make_error(Fault.QUOTA, ProblemCode.QUOTA_USED_UP, staging.TUBE)
    browser = await world.sign_in()
    async with await browser.post(f"/host/s/{session}/platform/retry") as page:
        assert page.status == 502
        assert "Das Kontingent für heute ist aufgebraucht." in await page.text()
    path = f"/api/v1/host/sessions/{session}/platform/retry"
    async with world.client.post(path, headers=world.bearer) as answer:
        assert (await answer.json())["error"]["message"] == "Tube & Co: today's quota is used up."
    await browser.close()


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("code", list(ProblemCode))
def test_every_problem_is_told_in_both_languages(code: ProblemCode, language: str) -> None:
    """Each sentence and its advice are in both catalogues, say all that the English one says, and fill without rest."""
    say, now = load_catalogue(language).gettext, datetime(2027, 3, 2, 20, tzinfo=UTC)
    for sentence in SENTENCES[code]:
        assert (say(sentence) != sentence) is (language == "de"), sentence
    names = ("platform", "command", "reason", "days", "seen", "expected", "state", "field", "fields", "minutes", "line")
    details = {**dict.fromkeys(names, "Wert %s"), "at": "2027-03-02T21:30:00Z", "start": "2027-13-99T99:99:00Z"}
    told = tell_problem(Problem(code=code, details=details), say, language=language, zone="Europe/Berlin", now=now)
    assert told.what
    assert told.advice
    assert "%(" not in told.what + told.advice
    assert "T21:30" not in told.what, "an instant is written as people write it"


async def test_a_direct_show_hides_the_hubs_door(world: World) -> None:
    """Its encoder pushes past the hub: the console leads to the platform's key, which stands on a page of its own."""
    session = await world.plan(platform="tube", direct=True)
    world.platforms.views[session] = staging.direct_platform(world.clock())
    browser = await world.sign_in()
    text = await text_of(browser, f"/host/s/{session}")
    assert "key-of" not in text
    assert f'href="/host/s/{session}/key"' in text
    assert "kein Signal" in text, "what arrives is what the platform says"
    text = await text_of(browser, f"/host/s/{session}/key")
    assert f"tube-key-of-{session}" in text
    assert "rtmps://tube.example/live2" in text
    assert (await world.host("GET", f"/sessions/{session}/ingest"))["key"] == f"tube-key-of-{session}"
    found = await world.host("GET", f"/sessions/{session}")
    assert "key-of" not in str(found)
    assert found["signal"]["quality"] == "none"
    await browser.close()


async def test_a_show_by_the_hub_has_no_key_there(world: World) -> None:
    """Where the hub relays, nobody needs the platform's key and nobody gets it."""
    session = await world.plan(platform="tube")
    world.platforms.views[session] = staging.calm_platform(world.clock())
    browser = await world.sign_in()
    text = await text_of(browser, f"/host/s/{session}/key", status=409)
    assert "tube-key" not in text
    assert (await world.host("GET", f"/sessions/{session}/ingest"))["key"] == f"key-of-{session}"
    await browser.close()


async def test_experts_see_states_and_no_keys(world: World) -> None:
    """An expert sees where the broadcast is and what the chat says; no key, no button, and no form works for him."""
    session = await world.plan(to="live", platform="tube", direct=True)
    world.platforms.views[session] = replace(staging.troubled_platform(world.clock()), direct=True)
    world.chat.views[session] = staging.busy_chat(world.clock())
    expert = await world.sign_in(person="Ole", role=AccessRole.EXPERT)
    text = await text_of(expert, f"/host/s/{session}")
    assert "Die Übertragung wurde dort gelöscht." in text
    assert "Gilt das auch für Mieter?" in text
    for hidden in ("key-of", "/key", "formaction", "/chat/take", "/platform/"):
        assert hidden not in text, hidden
    assert "tube-key" not in await text_of(expert, f"/host/s/{session}/key", status=403)
    for path in ("platform/retry", "platform/remake", "video/approve", "video/decline", "chat/take"):
        async with await expert.post(f"/host/s/{session}/{path}", line="l3") as page:
            assert page.status == 403, path
    await expert.close()


async def test_the_description_is_shown_before_it_is_written(world: World) -> None:
    """The diff says in words what comes and goes; approving lets it follow the archive, declining leaves it alone."""
    session = await world.plan(to="live", platform="tube")
    await end(world, session, review=True)
    world.videos.views[session] = staging.kept_videos()
    browser = await world.sign_in()
    text = await text_of(browser, f"/host/s/{session}")
    for shown in (
        "3 Zeilen kommen hinzu, 1 fällt weg; 3 Kapitel",
        '<span class="hidden">neu: </span><ins>1:35 Wie lange dauert es, bis Glasfaser liegt?</ins>',
        '<span class="hidden">weg: </span><del>Alte Zeile, die weg soll</del>',
        "… 3 Zeilen bleiben …",
        "lehnt die Untertitel ab (forbidden)",
        "Das Video ist 74 s kürzer",
        "da, wird erneuert",
        "1:23:45",
        "Nichts wird geschrieben, bevor jemand von der Regie es sagt.",
    ):
        assert shown in text, shown
    async with await browser.post(f"/host/s/{session}/video/approve") as page:
        assert page.headers["Location"] == f"/host/s/{session}#video"
    text = await text_of(browser, f"/host/s/{session}")
    assert "Die Beschreibung folgt dem Archiv von selbst." in text
    assert "/video/approve" not in text
    declined = await world.host("POST", f"/sessions/{session}/video/decline")
    assert declined["videos"]["wish"] == "leave"
    text = await text_of(browser, f"/host/s/{session}")
    assert "Der Hub lässt die Beschreibung in Ruhe." in text
    assert "/video/decline" not in text
    assert (await actions_of(world, session))[:2] == [("video.decline", "script"), ("video.approve", "Jana")]
    await browser.close()


async def test_where_nothing_would_change_nothing_is_asked(world: World) -> None:
    """A description that is as it should be has its chapters, and no button before a host said anything."""
    session = await world.plan(to="live", platform="tube")
    await end(world, session, review=True)
    video = staging.kept_videos().videos[0]
    world.videos.views[session] = VideosView(name="Tube & Co", videos=(replace(video, before=video.after),))
    browser = await world.sign_in()
    text = await text_of(browser, f"/host/s/{session}")
    assert "3 Kapitel" in text
    assert "/video/" not in text
    world.videos.views[session] = replace(world.videos.views[session], wish=Wish.FOLLOW)
    assert "/video/decline" in await text_of(browser, f"/host/s/{session}")
    await browser.close()


async def test_a_chat_line_becomes_a_question(world: World) -> None:
    """One click puts a line among the questions with its author and where it came from, for hosts and the audience."""
    session = await world.plan(to="live", platform="tube")
    world.chat.views[session] = staging.busy_chat(world.clock())
    browser = await world.sign_in()
    text = await text_of(browser, f"/host/s/{session}")
    assert "wird alle 15 s gelesen" in text
    assert text.count("/chat/take") == 2, "what is a question already has no button"
    async with await browser.post(f"/host/s/{session}/chat/take", line="l3") as page:
        assert page.headers["Location"].startswith(f"/host/s/{session}#q-")
    text = await text_of(browser, f"/host/s/{session}")
    assert '<span class="source">Chat</span>' in text
    async with world.client.get(f"/s/{session}") as page:
        assert '<span class="asker">Ada L.</span> <span class="source">Chat</span>' in await page.text()
    async with world.client.get(f"/api/v1/sessions/{session}/questions") as answer:
        assert [q["from_chat"] for q in (await answer.json())["questions"]] == [True]
    for line, status in (("l3", 303), ("l99", 404), ("", 404), ("x" * 9000, 404)):
        async with await browser.post(f"/host/s/{session}/chat/take", line=line) as page:
            assert page.status == status, line[:10]
    taken = await world.host("POST", f"/sessions/{session}/chat/take", line="l2")
    assert taken["question_id"]
    await browser.close()


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (ChatState.WAITING, "ist noch nicht lesbar"),
        (ChatState.NO_QUOTA, "wird nicht gelesen: das Kontingent für heute reicht nicht"),
        (ChatState.CLOSED, "ist geschlossen"),
    ],
)
async def test_a_chat_that_is_not_read_says_why(world: World, state: ChatState, sentence: str) -> None:
    """A chat that waits, has no quota or is closed is told as that."""
    session = await world.plan(to="live", platform="tube")
    world.chat.views[session] = ChatView(state=state)
    browser = await world.sign_in()
    assert sentence in await text_of(browser, f"/host/s/{session}")
    await browser.close()


async def test_updates_tell_of_the_platform(world: World) -> None:
    """The console hears of a changed platform and of new chat lines by itself, and not of each look or bit rate."""
    session = await world.plan(to="live", platform="tube")
    now = world.clock()
    world.platforms.views[session] = staging.calm_platform(now)
    world.chat.views[session] = staging.busy_chat(now)
    found = await world.host("GET", f"/sessions/{session}/platform")
    assert found["platform"]["relay"]["state"] == "sending"
    assert found["chat"]["lines"][0]["text"] == "Gilt das auch für Mieter?"
    assert (await world.host("GET", f"/sessions/{session}"))["platform"]["phase"] == "live"
    path = f"/api/v1/host/sessions/{session}/events"
    async with world.client.get(path, headers=world.bearer) as stream:
        lines = [await stream.content.readline() for _ in range(5)]
    state = next(line for line in lines if line.startswith(b"data: "))
    assert b'"state":"sending"' in state
    assert now.isoformat()[:16].encode() in state
    assert b'"seen_at":"2027-02-28T16:14"' in state


@pytest.mark.parametrize(("days", "warned"), [(0, False), (4, False), (5, True), (7, True), (8, False), (400, False)])
async def test_the_age_of_a_sign_in_warns_in_time(world: World, days: int, warned: bool) -> None:
    """From five days on a banner speaks of apps left in testing; before, a quiet line; after a week, nothing."""
    world.platforms.signed_in = [staging.signed_in(world.clock(), days=days)]
    browser = await world.sign_in()
    text = await text_of(browser, "/host")
    assert ("vor der nächsten Sendung" in text) is warned
    assert ("Testing" in text) is (days < 8)
    assert "darf youtube.force-ssl" in text
    assert "Kanal der Runde" in text
    assert ("heute angemeldet" if days == 0 else f"angemeldet vor {days} Tagen") in text
    await browser.close()


async def test_the_overview_says_what_an_account_lacks(world: World) -> None:
    """A sign-in that ended is a banner; an account that is missing is one only when a show wants it."""
    browser = await world.sign_in()
    missing = staging.signed_in(world.clock(), name="", at=ProblemCode.NOT_CONNECTED)
    world.platforms.signed_in = [replace(missing, signed_in_at=None)]
    assert "streamhub tube connect" not in await text_of(browser, "/host")
    await world.plan(title="Netz", platform="tube")
    text = await text_of(browser, "/host")
    assert "streamhub tube connect" in text
    assert "Soll auf Tube &amp; Co laufen: Runde" in text
    world.platforms.signed_in = [staging.signed_in(world.clock(), days=6, at=ProblemCode.SIGNED_OUT)]
    text = await text_of(browser, "/host")
    assert "Die Anmeldung ist abgelaufen oder wurde widerrufen." in text
    assert "sieben Tagen" not in text, "what has ended needs no warning of its end"
    english = await text_of(browser, "/host?lang=en")
    assert "the sign-in ended or was revoked" in english
    await browser.close()


async def test_the_quota_is_a_table(world: World) -> None:
    """What today cost, of how much, what is kept back, and on what it was spent; for programs too."""
    world.platforms.signed_in = [staging.signed_in(world.clock())]
    browser = await world.sign_in()
    text = await text_of(browser, "/host")
    assert "Kontingent heute: 1.160 von 10.000 Einheiten" in text
    assert "300 Einheiten bleiben" in text
    assert "liveChatMessages.list" in text
    account = (await world.host("GET", "/accounts"))["accounts"][0]
    assert (account["quota"]["spent"], account["quota"]["units"], account["quota"]["reserved"]) == (1160, 10000, 300)
    await browser.close()


async def test_the_public_is_led_to_the_platform_while_it_is_live(world: World) -> None:
    """A plain link stands on the session's page while it is live, and the updates bring it; before and after not."""
    session = await world.plan(platform="tube")
    world.platforms.places[session] = staging.watch_place()
    link = f'<a class="button" href="{staging.URL}" rel="noreferrer">Auf Tube &amp; Co ansehen</a>'

    async def page() -> str:
        async with world.client.get(f"/s/{session}") as answer:
            return await answer.text()

    assert link not in await page()
    await world.host("POST", f"/sessions/{session}/state", to="live")
    text = await page()
    assert link in text
    assert "Das Bild erscheint hier" in text, "the hub shows it as well"
    async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
        lines = [await stream.content.readline() for _ in range(5)]
    assert staging.URL.encode() in b"".join(lines)
    await end(world, session)
    assert link not in await page()


async def test_a_direct_show_promises_no_picture_here(world: World) -> None:
    """What the hub does not get it does not promise; the link stands there before the session as well."""
    session = await world.plan(platform="tube", direct=True)
    for state in ("open", "live"):
        if state == "live":
            await world.host("POST", f"/sessions/{session}/state", to="live")
        for known in (False, True):
            world.platforms.places = {session: staging.watch_place()} if known else {}
            async with world.client.get(f"/s/{session}") as page:
                text = await page.text()
            assert (staging.URL in text) is known
            assert "Das Bild erscheint hier" not in text
            assert "data-waiting" not in text
            assert "<video" not in text
            assert ("der Link dorthin erscheint hier" in text) is (state == "live" and not known)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", " https://x"])
async def test_only_web_addresses_become_links(world: World, url: str) -> None:
    """Whatever a platform calls its address, nothing but the web's becomes a link, for the public and for hosts."""
    session = await world.plan(to="live", platform="tube")
    world.platforms.places[session] = staging.watch_place(url)
    world.platforms.views[session] = replace(staging.calm_platform(world.clock()), watch_url=url)
    async with world.client.get(f"/s/{session}") as page:
        assert "Tube" not in await page.text()
    browser = await world.sign_in()
    assert f'href="{url}"' not in await text_of(browser, f"/host/s/{session}")
    assert only_web_link(url) == ""
    await browser.close()


async def test_private_broadcasts_are_nobodys_business(world: World) -> None:
    """A broadcast that only the channel sees is not linked, whatever the platform's role says."""
    session = await world.plan(to="live", platform="tube", privacy="private")
    world.platforms.places[session] = staging.watch_place()
    for path in (f"/s/{session}", f"/api/v1/sessions/{session}/questions"):
        async with world.client.get(path) as page:
            assert staging.URL not in await page.text()


async def show_everything(world: World, live: str, over: str, text: str) -> dict[str, str]:
    """Fill every place that a platform's word can reach with a text; returns the pages' sources by path."""
    now = world.clock()
    line = " ".join(text.split())
    troubled = staging.troubled_platform(now, text=text)
    problem = Problem(code=ProblemCode.BROKEN, details={"platform": text, "reason": text})
    world.platforms.offers = [replace(world.platforms.offers[0], name=text)]
    world.platforms.views = {live: replace(troubled, name=text, problem=problem), over: replace(troubled, name=text)}
    world.platforms.signed_in = [
        replace(staging.signed_in(now, name=text), name=text, problems=(problem,)),
    ]
    world.platforms.places = {live: replace(staging.watch_place(), name=text)}
    videos = staging.kept_videos(title=line)
    world.videos.views = {over: replace(videos, name=text)}
    world.chat.views = {live: staging.busy_chat(now, text=text, author=text)}
    world.inbox.items = staging.dropped(now, over, name=text)
    pages = {}
    for path in (f"/host/s/{live}", f"/host/s/{over}", "/host", "/host/inbox", f"/s/{live}", "/host/shows/runde"):
        headers = world.bearer if path.startswith("/host") else {}
        async with world.client.get(path, headers=headers) as page:
            assert page.status == 200, path
            pages[path] = await page.text()
    return pages


@pytest.mark.parametrize(
    "wild", [staging.HOSTILE, "{{ 7 * 7 }} %(x)s ${1}", "\u202e\u2066" + "😀" * 80, "x" * 300], ids=range(4)
)
async def test_hostile_words_of_a_platform_stay_text(world: World, wild: str) -> None:
    """Whatever titles, authors, states and reasons a platform sends, no page gets an element or attribute of it."""
    live = await world.plan(to="live", title="Netz", platform="tube")
    over = await world.plan(to="live", title="Vorbei", platform="tube")
    await end(world, over, review=True)
    tame = await show_everything(world, live, over, "harmlos")
    hostile = await show_everything(world, live, over, wild)
    for path, source in hostile.items():
        assert Shape.of(source) == Shape.of(tame[path]), path


@given(st.lists(st.sampled_from("abcdefg"), max_size=30), st.lists(st.sampled_from("abcdefg"), max_size=30))
def test_a_diff_tells_both_texts(before: list[str], after: list[str]) -> None:
    """What is kept and removed makes the old text, what is kept and added the new one; gaps count what they hide."""
    lines = plan_text_diff("\n".join(before), "\n".join(after))
    shown_before, shown_after = [0, []], [0, []]
    for line in lines:
        for kinds, shown in (({"kept", "removed"}, shown_before), ({"kept", "added"}, shown_after)):
            if line.kind == "gap":
                shown[0] += line.count
            elif line.kind in kinds:
                shown[1].append(line.text)
    for (hidden, shown), whole in ((shown_before, before), (shown_after, after)):
        assert hidden + len(shown) == len(whole)
        rest = iter(whole)
        assert all(text in rest for text in shown), "in the text's own order"
    assert not [line for line in lines if line.kind == "gap" and line.count < 2]


async def test_trouble_beside_a_session_leaves_the_session_alone(world: World) -> None:
    """When what stands beside a session cannot be read at all, console and public page work without it."""
    session = await world.plan(to="live", platform="tube")
    world.platforms.broken = True
    browser = await world.sign_in()
    assert 'id="queue"' in await text_of(browser, f"/host/s/{session}")
    async with world.client.get(f"/s/{session}") as page:
        assert page.status == 200
    await browser.close()


async def test_listening_reads_the_videos_now_and_then(world: World) -> None:
    """A console that listens asks for the videos every quarter of a minute, not with each look at the rest."""
    seconds = [100.0]
    memory = VideosMemory(seconds=lambda: seconds[0])
    assert await memory.read(world.hub, "s") is None
    world.videos.views["s"] = staging.kept_videos()
    seconds[0] += 14.9
    assert await memory.read(world.hub, "s") is None
    seconds[0] += 0.1
    assert await memory.read(world.hub, "s") == world.videos.views["s"]


def test_times_near_now_are_short() -> None:
    """Today's times are a clock, others carry their day; ages and sizes read as people say them."""
    now = datetime(2027, 3, 2, 22, 30, tzinfo=UTC)
    for at, language, written in [
        (now, "de", "23:30\N{NO-BREAK SPACE}Uhr"),
        (now, "en", "23:30"),
        (now + timedelta(hours=1), "de", "3. März, 00:30\N{NO-BREAK SPACE}Uhr"),
        (now - timedelta(days=1), "en", "1 March, 23:30"),
    ]:
        assert format_brief(at, "Europe/Berlin", language, now=now) == written
    assert format_ago(timedelta(days=6, hours=23), "de") == "vor 6 Tagen"
    assert format_ago(timedelta(days=30), "en") == "30 days ago"
    assert format_size(1_432_000_000, "de") == "1,4\N{NO-BREAK SPACE}GB"
    assert format_size(900_000, "en") == "0.9\N{NO-BREAK SPACE}MB"


async def test_relay_states_have_words(world: World) -> None:
    """Off, connecting and failing are told apart in words."""
    session = await world.plan(platform="tube")
    browser = await world.sign_in()
    for state, word in [
        (RelayState.OFF, "gerade nichts"),
        (RelayState.CONNECTING, "verbindet"),
        (RelayState.FAILING, "kommt nicht durch"),
    ]:
        view = staging.calm_platform(world.clock())
        world.platforms.views[session] = replace(view, relay=RelayView(state=state))
        assert word in await text_of(browser, f"/host/s/{session}")
    await browser.close()
