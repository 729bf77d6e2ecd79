"""Live captions: told on the line that readers have, fetched by those who missed some, in the page and as WebVTT."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from streamhub.schedule.show import SessionState
from streamhub.store import shows
from streamhub.timecode import Span, add_ms, format_instant
from streamhub.transcript.live_words import Listening, LiveCaptions
from streamhub.transcript.transcript import Cue
from streamhub.transcript.vtt import parse_vtt
from streamhub.web.caption_lines import find_player_ms, find_since, plan_change, plan_lines, split_paragraphs
from streamhub.web.captions import CAPTIONS, Sheet, words_changed
from streamhub.web.events import BROADCASTER
from tests.web.browsing import CHROMIUM, HOSTILE, Tab, async_api, open_browser, open_tab, sign_in
from tests.web.test_events import read_event

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from aiohttp import ClientResponse

    from tests.web.conftest import World

PATIENT_MS = 40_000


def cue(at_s: float, text: str, *, lasts_s: float = 3.9, speaker: str = "") -> Cue:
    start_ms = round(at_s * 1000)
    span = Span(start_ms, start_ms + round(lasts_s * 1000))
    return Cue(id=f"s1-{start_ms}", span=span, text=text, speaker=speaker)


def heard(world: World, session: str) -> None:
    """What the ear calls."""
    assert world.client.app is not None
    words_changed(world.client.app, session)


async def read_words(stream: ClientResponse) -> dict[str, Any]:
    """What is told next of the words, with states and diffs passed over."""
    while True:
        event = await read_event(stream)
        if event["event"] == "words":
            return dict(event["data"])


async def fetch(world: World, session: str, since: str = "") -> dict[str, Any]:
    async with world.client.get(f"/api/v1/sessions/{session}/captions", params={"since": since}) as answer:
        assert answer.status == 200
        return dict(await answer.json())


async def test_words_are_told_on_the_line_that_is_there(world: World) -> None:
    """Who listens to a session is told each new caption once, and each that became another one; nothing is re-read."""
    session = await world.plan(to="live")
    async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
        await read_event(stream)
        world.words.say(session, (1, "Guten Abend."), now="und will")
        heard(world, session)
        first = await read_words(stream)
        whole = await fetch(world, session)
        assert first["version"] == whole["version"]
        assert [one["text"] for one in whole["cues"]] == ["Guten Abend."]
        world.words.say(session, (1, "Guten Abend!"), (5, "Willkommen."))
        heard(world, session)
        told = await read_words(stream)
        assert told["since"] == first["version"]
        assert [(one["id"], one["text"]) for one in told["cues"]] == [
            ("s1-1000", "Guten Abend!"),
            ("s1-5000", "Willkommen."),
        ]
        assert (told["gone"], told["now"], told["listening"]) == ([], None, "hearing")


async def test_many_calls_are_told_together(world: World) -> None:
    """However often the ear calls, readers hear at most twice a second, and the last thing they hear is the newest."""
    session = await world.plan(to="live")
    async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
        await read_event(stream)
        for number in range(40):
            world.words.say(session, (number * 4, f"Satz {number}."))
            heard(world, session)
            await asyncio.sleep(0.005)
        versions, seen = [], None
        while seen is None or seen != "Satz 39.":
            told = await read_words(stream)
            versions.append(told["version"])
            seen = told["cues"][-1]["text"] if told["cues"] else None
    assert len(versions) <= 3


async def test_what_is_heard_after_the_pages_closed_is_told_to_nobody(world: World) -> None:
    """The ear stops after the pages; what it still tells then starts nothing that nobody ends."""
    session = await world.plan(to="live")
    world.words.say(session, (1, "Guten Abend."))
    assert world.client.app is not None
    await world.client.app[CAPTIONS].close()
    heard(world, session)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("captions of")]


async def test_a_long_session_is_sent_packed(world: World) -> None:
    """All words of an hour come compressed, and are the same as without."""
    session = await world.plan(to="live")
    world.words.say(session, *((at, f"Satz von Sekunde {at}.") for at in range(0, 3600, 4)))
    path = f"/api/v1/sessions/{session}/captions"
    async with world.client.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        packed, size = await answer.json(), int(answer.headers["Content-Length"])
    async with world.client.get(path, headers={"Accept-Encoding": "identity"}) as answer:
        assert await answer.json() == packed
        assert int(answer.headers["Content-Length"]) > 3 * size
    assert len(packed["cues"]) == 900


async def test_who_comes_back_gets_the_rest(world: World) -> None:
    """From the last caption that somebody knows on, itself included; all where he knows none; else 304."""
    session = await world.plan(to="live")
    world.words.say(session, (1, "Eins."), (5, "Zwei."), (9, "Drei."), now="und jetzt")
    whole = await fetch(world, session)
    assert [one["text"] for one in whole["cues"]] == ["Eins.", "Zwei.", "Drei."]
    assert (whole["now"]["text"], whole["language"], whole["made_by"]) == ("und jetzt", "de", "machine")
    assert [one["text"] for one in (await fetch(world, session, "s1-5000"))["cues"]] == ["Zwei.", "Drei."]
    assert len((await fetch(world, session, "s9-1"))["cues"]) == 3
    path = f"/api/v1/sessions/{session}/captions"
    async with world.client.get(path) as answer:
        tag = answer.headers["ETag"]
        assert "max-age=1" in answer.headers["Cache-Control"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    async with world.client.get(path, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304


@pytest.mark.parametrize("state", ["open", "rehearsal"])
async def test_nothing_is_told_before_the_session_is_live(world: World, state: str) -> None:
    """Before, the words are nobody's business: not in the page, the file, the answer or on the line."""
    session = await world.plan(to=state)
    world.words.say(session, (1, "Mikrofonprobe."), now="Geheim")
    async with world.client.get(f"/api/v1/sessions/{session}/events") as stream:
        await read_event(stream)
        heard(world, session)
        await world.ask(session, "Danach?")
        following = await read_event(stream)
        assert following["event"] == "diff"
    assert (await fetch(world, session))["cues"] == []
    for path in (f"/s/{session}", f"/s/{session}/captions.vtt", f"/s/{session}/head"):
        async with world.client.get(path) as answer:
            text = await answer.text()
            assert "Mikrofonprobe" not in text
            assert "Geheim" not in text


async def test_from_the_review_on_hosts_decide(world: World) -> None:
    """While the recording is finished the words stand there still; in review they are gone."""
    session = await world.plan(to="live")
    world.words.say(session, (1, "Eben gesagt."))
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    await asyncio.sleep(1.1)  # what is known of a session is known for a second
    assert len((await fetch(world, session))["cues"]) == 1
    for state in (SessionState.PROCESSING, SessionState.IN_REVIEW):
        await world.hub.store.write(lambda db, to=state: shows.step_session(db, session, to, at=world.clock()))
    await asyncio.sleep(1.1)
    assert (await fetch(world, session))["cues"] == []
    async with world.client.get(f"/s/{session}") as page:
        assert "Eben gesagt" not in await page.text()


async def test_the_page_holds_the_words_without_a_script(world: World) -> None:
    """The last words stand in the page as text with their times, said to be a machine's, in their own language."""
    session = await world.plan(to="live")
    world.words.say(session, *((at, f"Satz {at}.") for at in range(1, 60, 4)), (80, HOSTILE))
    async with world.client.get(f"/s/{session}?lang=en") as page:
        text = await page.text()
    assert "Read along" in text
    assert "Written by a machine" in text
    assert "Satz 57." in text
    assert '<time class="at">1:20</time>' in text
    assert HOSTILE not in text
    assert "&lt;img src=x" in text
    assert 'id="along-words" tabindex="0" role="region" aria-labelledby="along-title" lang="de"' in text


async def test_captions_as_a_file(world: World) -> None:
    """All words so far are WebVTT on the session clock, and, for the player, in the times of the live picture."""
    session = await world.plan(to="live")
    world.words.say(session, (1, "Vor dem Bild."), (10, "a <b> & --> c"), (200, "Nach der Pause."))
    zero = (await world.hub.store.read(lambda db: shows.load_session(db, session))).started_at
    assert zero is not None
    async with world.client.get(f"/s/{session}/captions.vtt") as answer:
        assert answer.content_type == "text/vtt"
        cues = parse_vtt(await answer.text(), "x").cues
    assert [(one.span.start_ms, one.text) for one in cues][1] == (10_000, "a <b> & --> c")
    async with world.client.get(f"/s/{session}/captions.vtt?clock=player") as answer:
        assert parse_vtt(await answer.text(), "x").cues == ()  # there is no picture yet
    folder = world.broadcasting.folder / session
    folder.mkdir(parents=True)

    def segment(at_s: int) -> str:
        date = format_instant(zero + timedelta(seconds=at_s)).replace("Z", "+0000")
        return f"#EXTINF:4.000000,\n#EXT-X-PROGRAM-DATE-TIME:{date}\nseg{at_s}.ts\n"

    broken = "#EXT-X-DISCONTINUITY\n"
    parts = [segment(-2), segment(6), segment(10), broken, segment(198), segment(202)]
    (folder / "index.m3u8").write_text("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n" + "".join(parts))
    heard(world, session)
    async with asyncio.timeout(30):
        while not (whole := await fetch(world, session))["clock"]:
            await asyncio.sleep(0.05)
    assert whole["clock"] == [[6000, 0], [198_000, 8000]]
    async with world.client.get(f"/s/{session}/captions.vtt?clock=player") as answer:
        cues = parse_vtt(await answer.text(), "x").cues
    assert [one.span.start_ms for one in cues] == [4000, 10_000]


async def test_the_console_says_whether_somebody_listens(world: World) -> None:
    """The host sees the last words, and what to do where nobody listens: switched off, no model, no sound."""
    session = await world.plan(to="live")
    host = await world.sign_in()

    async def console() -> str:
        async with await host.get(f"/host/s/{session}?lang=de") as page:
            return await page.text()

    assert "Vom Encoder kommt kein Ton" in await console()
    world.words.ready = False
    assert "fake tiny ist nicht auf dieser Maschine" in await console()
    world.words.recogniser = ""
    assert "ausgeschaltet" in await console()
    world.words.say(session, (1, "Guten Abend."), now="und will", behind=True)
    heard(world, session)
    text = await console()
    assert "zu langsam" in text
    assert "Guten Abend." in text
    await host.close()


# The pure parts.

TEXTS = st.lists(st.sampled_from(["Ja.", "Und dann", "Was ist das?", "so weiter"]), max_size=12)


@given(before=TEXTS, after=TEXTS, since=st.integers(0, 12))
def test_changes_lead_to_the_newest_lines(before: list[str], after: list[str], since: int) -> None:
    """Whoever applies each change to what he had has the newest lines, and what is gone is gone."""
    sheet = Sheet()
    has: dict[str, dict[str, Any]] = {}
    for texts in (before, after):
        cues = tuple(cue(place * 4, text) for place, text in enumerate(texts))
        told = sheet.take(LiveCaptions(listening=Listening.HEARING, cues=cues), ())
        for name in (told or {}).get("gone", []):
            del has[name]
        has |= {one["id"]: one for one in (told or {}).get("cues", [])}
    assert [one["text"] for one in sorted(has.values(), key=lambda one: one["start_ms"])] == after
    asked = f"s1-{since * 4000}"
    rest = find_since(sheet.lines, asked)
    assert [line.cue.text for line in rest] == (after[since:] if since < len(after) else after)
    assert sheet.take(LiveCaptions(listening=Listening.HEARING, cues=cues), ()) is None
    assert json.dumps(told) if told else True


def test_paragraphs_begin_where_somebody_pauses() -> None:
    """After a pause, with another speaker, and after a good while at the end of a sentence a paragraph begins."""
    said = [cue(0, "Eins."), cue(4, "Zwei."), cue(12, "Nach der Pause."), cue(16, "Ich.", speaker="Jana")]
    said += [cue(20 + 4 * n, f"Satz {n}.", speaker="Jana") for n in range(8)]
    lines = plan_lines([], said)
    assert [len(paragraph) for paragraph in split_paragraphs(lines)] == [2, 1, 7, 2]
    assert plan_lines(lines, said) == lines
    assert plan_change(lines, plan_lines(lines, said)) == ([], [])


@pytest.mark.parametrize(
    ("at_ms", "player_ms"), [(0, -6000), (6000, 0), (9000, 3000), (150_000, 144_000), (199_000, 9000)]
)
def test_a_players_time_follows_its_stretches(at_ms: int, player_ms: int) -> None:
    """A session time is found in the stretch that began last; before the first one it is negative."""
    assert find_player_ms(at_ms, ((6000, 0), (198_000, 8000))) == player_ms


# In a browser.

needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine"),
]
_PLAY = "() => { const one = document.querySelector('#stage video'); one.muted = true; return one.play(); }"
_CAPTIONED = "() => [...document.querySelector('#stage video').textTracks].some((one) => one.activeCues?.length)"
_SAID = (
    "[...document.querySelector('#stage video').textTracks].flatMap((track) => "
    "[...(track.activeCues ?? [])].map((one) => one.text))"
)


async def see_light(tab: Tab) -> float:
    """The second of `broadcast_light` that the player shows, by the grey of its picture."""
    png = await tab.page.locator("#stage video").screenshot()
    picture = Image.open(io.BytesIO(png)).convert("L")
    return int(picture.getpixel((picture.width // 2, picture.height // 8))) * 219 / 255 / 4


LIGHT_S, PIECE_S = 48, 4


def broadcast_light(program: Path, folder: Path, *, zero: datetime) -> None:
    """A broadcast that goes on, and whose picture grows lighter by four steps a second: its grey tells its time."""
    folder.mkdir(parents=True)
    picture = f"color=c=black:s=64x36:r=10:d={LIGHT_S},geq=lum='16+4*T':cb=128:cr=128"
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", f"{10 * PIECE_S}", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    cut = ["-f", "hls", "-hls_time", f"{PIECE_S}", "-hls_list_size", "0", "-hls_segment_filename", f"{folder}/seg%d.ts"]
    sound = ["-f", "lavfi", "-i", f"anullsrc=r=48000:d={LIGHT_S}"]
    argv = [str(program), "-v", "error", "-f", "lavfi", "-i", picture, *sound, *coded, *cut, f"{folder}/all.m3u8"]
    subprocess.run(argv, check=True, timeout=120)
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{PIECE_S}", "#EXT-X-MEDIA-SEQUENCE:0"]
    lines += ["#EXT-X-PLAYLIST-TYPE:EVENT", "#EXT-X-DISCONTINUITY"]
    for number in range(LIGHT_S // PIECE_S):
        date = format_instant(add_ms(zero, number * PIECE_S * 1000)).replace("Z", "+0000")
        lines += [f"#EXTINF:{PIECE_S}.0,", f"#EXT-X-PROGRAM-DATE-TIME:{date}", f"seg{number}.ts"]
    (folder / "index.m3u8").write_text("\n".join(lines) + "\n")


class TestInABrowser:
    """The session page and the console while words arrive."""

    pytestmark = needs_browser

    @pytest.mark.parametrize("width", [390, 1280])
    async def test_words_grow_beside_the_picture(self, world: World, width: int) -> None:
        """Text grows as it is spoken and follows its end until the reader scrolls up."""
        session = await world.plan(to="live")
        zero = (await world.hub.store.read(lambda db: shows.load_session(db, session))).started_at
        assert zero is not None
        folder = world.broadcasting.folder / session
        folder.mkdir(parents=True)
        date = format_instant(zero).replace("Z", "+0000")
        (folder / "index.m3u8").write_text(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n"
            f"#EXTINF:4.0,\n#EXT-X-PROGRAM-DATE-TIME:{date}\nseg0.ts\n"
        )
        async with open_browser() as browser:
            tab = await open_tab(browser, width=width)
            await tab.page.route("**/index.m3u8", lambda route: route.fulfill(status=204))
            await tab.page.goto(f"{world.url}/s/{session}")
            panel, said = tab.page.locator("#along"), tab.page.locator("#along-log span")
            await async_api.expect(panel).to_be_hidden()
            world.words.say(session, (1, "Guten Abend."), now="und herzlich")
            heard(world, session)
            await async_api.expect(said).to_have_text(["Guten Abend."], timeout=PATIENT_MS)
            await async_api.expect(tab.page.locator("#along-now")).to_have_text("und herzlich")
            for at_s in range(5, 245, 4):
                world.words.say(session, (at_s, f"Das hier ist der Satz von Sekunde {at_s}, und er ist lang genug."))
            world.words.say(session, now="gleich noch")
            heard(world, session)
            await async_api.expect(said).to_have_count(61, timeout=PATIENT_MS)
            await async_api.expect(said.last).to_be_in_viewport() if width > 1000 else None
            await tab.shoot(f"along-{width}-de")
            box = tab.page.locator("#along-words")
            gap = "document.querySelector('#along-words').scrollHeight - document.querySelector('#along-words')"
            assert (
                await tab.page.evaluate(f"{gap}.scrollTop - document.querySelector('#along-words').clientHeight") < 40
            )
            await box.evaluate("(box) => { box.scrollTop = 0; }")
            await async_api.expect(tab.page.locator("#along-end")).to_be_visible()
            world.words.say(session, (249, "Nachdem jemand hochgerollt hat."))
            heard(world, session)
            await async_api.expect(said).to_have_count(62, timeout=PATIENT_MS)
            assert await box.evaluate("(box) => box.scrollTop") == 0
            await tab.page.locator("#along-end").click()
            assert await box.evaluate("(box) => box.scrollTop") > 0
            assert tab.complaints == []

    async def test_words_that_come_while_older_ones_are_on_their_way_are_not_lost(self, world: World) -> None:
        """An answer that was made before something was said, and arrives after it, leaves nothing out."""
        session = await world.plan(to="live")
        asked, told = asyncio.Event(), asyncio.Event()

        async def be_slow(route: async_api.Route) -> None:
            answer = await route.fetch()
            asked.set()
            await told.wait()
            await route.fulfill(response=answer)

        async with open_browser() as browser:
            tab = await open_tab(browser)
            await tab.page.route("**/captions?*", be_slow)
            await tab.page.goto(f"{world.url}/s/{session}")
            await asyncio.wait_for(asked.wait(), 40)
            assert world.client.app is not None
            channels = world.client.app[BROADCASTER]._channels
            while not any(channel.listeners for channel in channels.values()):
                await asyncio.sleep(0.02)
            world.words.say(session, (1, "Guten Abend."))
            heard(world, session)
            await asyncio.sleep(1)  # the event is out; nothing on the page can be waited for
            told.set()
            said = tab.page.locator("#along-log span")
            await async_api.expect(said).to_have_text(["Guten Abend."], timeout=PATIENT_MS)

    async def test_captions_fit_the_picture_of_who_joins_late(self, world: World, program: Path) -> None:
        """A player that joins in the middle counts from there; its captions are those of the second that it shows."""
        session = await world.plan(to="live")
        zero = (await world.hub.store.read(lambda db: shows.load_session(db, session))).started_at
        assert zero is not None
        broadcast_light(program, world.broadcasting.folder / session, zero=zero)
        world.words.say(session, *((second, f"{second}") for second in range(0, LIGHT_S, 4)))
        heard(world, session)
        async with open_browser() as browser:
            tab = await open_tab(browser)
            await tab.page.goto(f"{world.url}/s/{session}")
            await async_api.expect(tab.page.locator("#along-log span")).to_have_count(LIGHT_S // 4, timeout=PATIENT_MS)
            await tab.page.evaluate(_PLAY)
            await tab.page.wait_for_function(_CAPTIONED, timeout=PATIENT_MS)
            for _ in range(3):
                before, shown_s, after = (
                    await tab.page.evaluate(_SAID),
                    await see_light(tab),
                    await tab.page.evaluate(_SAID),
                )
                assert shown_s > 20, "it joined at the beginning, so nothing is tried"
                assert any(abs(float(one) + 2 - shown_s) < 3 for one in [*before, *after]), (shown_s, before, after)
                await asyncio.sleep(0.7)
            assert tab.complaints == []

    async def test_nothing_is_missed_while_offline(self, world: World) -> None:
        """A page that lost its line has every word soon after it is back, once each and in order; it stays folded."""
        session = await world.plan(to="live")
        world.words.say(session, (1, "Eins."), (5, "Zwei"))
        async with open_browser() as browser:
            tab = await open_tab(browser)
            await tab.page.goto(f"{world.url}/s/{session}?lang=en")
            said = tab.page.locator("#along-log span")
            await async_api.expect(said).to_have_count(2, timeout=PATIENT_MS)
            await tab.page.context.set_offline(True)
            assert world.client.app is not None
            for channel in list(world.client.app[BROADCASTER]._channels.values()):
                for listener in list(channel.listeners):
                    listener.transport.abort()
            world.words.say(session, (5, "Zwei."), (9, "Drei."))
            heard(world, session)
            await tab.page.context.set_offline(False)
            await async_api.expect(said).to_have_text(["Eins.", "Zwei.", "Drei."], timeout=PATIENT_MS)
            await tab.page.locator("#along summary").click()
            await tab.page.reload()
            await async_api.expect(tab.page.locator("#along-words")).to_be_hidden()
            await tab.shoot("along-folded-en")

    async def test_the_console_shows_the_last_words(self, world: World) -> None:
        """The host's console follows what is heard without being reloaded."""
        session = await world.plan(to="live")
        async with open_browser() as browser:
            tab = await open_tab(browser)
            await sign_in(world, tab)
            await tab.page.goto(f"{world.url}/host/s/{session}")
            world.words.say(session, (1, "Guten Abend."), (5, "Willkommen."), now="heute")
            heard(world, session)
            await async_api.expect(tab.page.locator("#ear-now")).to_have_text("heute", timeout=PATIENT_MS)
            world.words.say(session, (9, "Los geht es."), behind=True)
            heard(world, session)
            await async_api.expect(tab.page.locator("#ear-words")).to_contain_text("Los geht es.", timeout=PATIENT_MS)
            await async_api.expect(tab.page.locator("#ear-says")).to_contain_text("zu langsam")
            await tab.shoot("console-ear-de")
            assert tab.complaints == []
