"""Marks by ear: typed or pressed while a real recording plays, taken back, replaced, and made into new cuts."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from streamhub.live.mark import Mark, MarkKind, Witness, find_replaced
from streamhub.questions.question import QuestionState
from streamhub.recording.recording import ClockMap, ClockPiece, MediaInfo, Recording
from streamhub.schedule.show import SessionState
from streamhub.store import marks, questions, recordings, shows
from streamhub.timecode import Span, add_ms, format_instant, ms_between
from tests.web.browsing import CHROMIUM, Tab, async_api, open_browser, open_tab, sign_in
from tests.web.conftest import START

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.conftest import Browser, World

CLIP_MS = 12_000
HEAD_MS = 3_000  # of the recording lies before the session went live


async def ended_session(world: World, *, clip: Path | None = None) -> tuple[str, list[str]]:
    """A session that was live for a minute, with three questions: one marked, one forgotten, one never pressed."""
    session = await world.plan(to="live")
    ids = [await world.ask(session, text) for text in ("Mit Marke?", "Ohne Marke?", "Nie gedrückt?")]
    world.clock.forward(seconds=2)
    await world.act(ids[0], "on-air")
    world.clock.forward(seconds=3)
    await world.act(ids[0], "done")
    await world.hub.store.write(
        lambda db: questions.step_question(db, ids[1], QuestionState.ANSWERED_LIVE, at=world.clock(), author="x")
    )
    world.clock.forward(seconds=55)
    await world.host("POST", f"/sessions/{session}/state", to="ended")
    if clip is not None:
        await add_recording(world, session, clip)
    return session, ids


async def add_recording(world: World, session: str, clip: Path) -> None:
    assert world.hub.media_dir is not None
    folder = world.hub.media_dir / session
    folder.mkdir(parents=True)
    (folder / clip.name).write_bytes(clip.read_bytes())
    pieces = (ClockPiece(Span(0, CLIP_MS - HEAD_MS), Span(HEAD_MS, CLIP_MS)),)
    recording = Recording(
        session_id=session,
        path=f"{session}/{clip.name}",
        sha256="0" * 64,
        info=MediaInfo(duration_ms=CLIP_MS, size_bytes=clip.stat().st_size, video_codec="h264", audio_codec="aac"),
        clock=ClockMap(pieces),
    )
    await world.hub.store.write(lambda db: recordings.save_recording(db, recording))


@pytest.fixture(scope="module")
def clip(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of picture and sound."""
    path = tmp_path_factory.mktemp("clip") / "recording.mp4"
    subprocess.run(
        [
            str(program), "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=25",
            "-f", "lavfi", "-i", "sine=frequency=440", "-t", str(CLIP_MS / 1000),
            "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "25",
            "-c:a", "aac", "-movflags", "+faststart", str(path),
        ],
        check=True,
        timeout=120,
    )  # fmt: skip
    return path


async def by_ear(world: World, session: str) -> list[tuple[str, str, int]]:
    """The marks by ear: question, kind, and milliseconds since going live."""

    def read(db: object) -> list[tuple[str, str, int]]:
        zero = shows.load_session(db, session).started_at  # type: ignore[arg-type]
        assert zero is not None
        kept = marks.list_kept_marks(db, session, Witness.EAR)  # type: ignore[arg-type]
        return [(mark.question_id, mark.kind.value, ms_between(zero, mark.at)) for _, mark in kept]

    return await world.hub.store.read(read)


async def keep(host: Browser, session: str, question: str, *, begin: str = "", end: str = "") -> tuple[int, str]:
    async with await host.post(f"/host/s/{session}/marks", question=question, begin=begin, end=end) as answer:
        return answer.status, await answer.text()


async def test_missing_marks_stand_first(world: World) -> None:
    """The page says how many answered questions have no mark and lists them before those that have one."""
    session, ids = await ended_session(world)
    host = await world.sign_in()
    async with await host.get(f"/host/s/{session}/marks") as page:
        text = await page.text()
    assert "1 Frage ohne Marke" in text
    places = [text.index(f'id="q-{one}"') for one in (ids[1], ids[0], ids[2])]
    assert places == sorted(places)
    await host.close()


async def test_times_are_typed(world: World) -> None:
    """Without anything to play, MM:SS counts from going live; both ends at once, replaced when set again, undone."""
    session, ids = await ended_session(world)
    host = await world.sign_in()
    assert (await keep(host, session, ids[1], begin="0:20", end="00:31,5"))[0] == 303
    assert await by_ear(world, session) == [(ids[1], "on_air", 20_000), (ids[1], "done", 31_500)]
    assert (await keep(host, session, ids[1], begin="0:21"))[0] == 303
    assert await by_ear(world, session) == [(ids[1], "on_air", 21_000), (ids[1], "done", 31_500)]
    async with await host.get(f"/host/s/{session}/marks") as page:
        assert "Jede beantwortete Frage hat ihre Marke." in await page.text()
    kept = await world.hub.store.read(lambda db: marks.list_kept_marks(db, session, Witness.EAR))
    for _ in range(2):
        async with await host.post(f"/host/s/{session}/marks/{kept[0][0]}/undo") as undone:
            assert undone.status == 303
    assert await by_ear(world, session) == [(ids[1], "done", 31_500)]
    pressed = await world.hub.store.read(lambda db: marks.list_kept_marks(db, session, Witness.HOST))
    async with await host.post(f"/host/s/{session}/marks/{pressed[0][0]}/undo"):
        pass
    assert len(await world.hub.store.read(lambda db: marks.list_kept_marks(db, session, Witness.HOST))) == len(pressed)
    await host.close()


async def test_what_was_never_pressed_counts_as_answered(world: World) -> None:
    """A question that nobody put on air, but that somebody hears, is answered in the broadcast from then on."""
    session, ids = await ended_session(world)
    host = await world.sign_in()
    assert (await keep(host, session, ids[2], end="0:40"))[0] == 303
    assert (await keep(host, session, ids[2], begin="0:35"))[0] == 303
    question = await world.hub.store.read(lambda db: questions.load_question(db, ids[2]))
    assert question.state is QuestionState.ANSWERED_LIVE
    await host.close()


@pytest.mark.parametrize(
    ("begin", "end"),
    [("", ""), ("zwölf", ""), ("1:75", ""), ("0:30", "0:20"), ("0:30", "0:30"), ("9:59:59", ""), ("-1:00", "")],
)
async def test_times_that_cannot_be_are_said(world: World, begin: str, end: str) -> None:
    """No time, none that can be read, an end before the beginning, a time after the session: said, and nothing kept."""
    session, ids = await ended_session(world)
    host = await world.sign_in()
    status, text = await keep(host, session, ids[1], begin=begin, end=end)
    assert status == 400
    assert "data-error" in text
    assert await by_ear(world, session) == []
    assert (await keep(host, session, "fremd", begin="0:10"))[0] == 404
    await host.close()


async def test_the_recordings_own_clock_counts(world: World, clip: Path) -> None:
    """With a recording, times are the player's: what lies before going live is refused, ranges can be fetched."""
    session, ids = await ended_session(world, clip=clip)
    host = await world.sign_in()
    assert (await keep(host, session, ids[1], begin="0:01"))[0] == 400
    assert (await keep(host, session, ids[1], begin="0:05"))[0] == 303
    assert await by_ear(world, session) == [(ids[1], "on_air", 5_000 - HEAD_MS)]
    async with await host.get(f"/host/s/{session}/marks") as page:
        assert "<span>0:05</span>" in await page.text()
    path = f"/host/s/{session}/recording"
    async with host.session.get(f"{world.url}{path}", headers={"Range": "bytes=0-99"}) as part:
        assert (part.status, part.content_type, len(await part.read())) == (206, "video/mp4", 100)
    async with world.client.get(path) as refused:
        assert refused.status == 401
    await host.close()


async def test_the_live_picture_has_a_clock_too(world: World) -> None:
    """While live, times are those of the live picture, which begins with the first segment after going live."""
    session = await world.plan(to="live")
    asked = await world.ask(session)
    folder = world.broadcasting.folder / session
    folder.mkdir(parents=True)
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:0"]
    for number, after_ms in enumerate((-2_000, 1_500, 5_500)):
        begun = format_instant(add_ms(world.clock.at, after_ms))
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{begun}", "#EXTINF:4.0,", f"{number}.ts"]
    (folder / "index.m3u8").write_text("\n".join(lines) + "\n")
    world.clock.forward(seconds=30)
    host = await world.sign_in()
    assert (await keep(host, session, asked, begin="0:10"))[0] == 303
    assert await by_ear(world, session) == [(asked, "on_air", 11_500)]
    async with await host.get(f"/host/s/{session}/marks") as page:
        text = await page.text()
    assert f"/live/{session}/index.m3u8" in text
    assert "<span>0:10</span>" in text
    await host.close()


async def test_a_session_that_was_not_live(world: World) -> None:
    """Before a session there is nothing to hear, and the page says so instead of failing."""
    session = await world.plan()
    host = await world.sign_in()
    async with await host.get(f"/host/s/{session}/marks") as page:
        assert page.status == 409
    await host.close()


async def test_answers_are_cut_anew_on_demand(world: World) -> None:
    """The button is there once the answers were cut, and orders a new cut."""
    session, _ = await ended_session(world)
    host = await world.sign_in()
    async with await host.get(f"/host/s/{session}/marks") as page:
        assert "/marks/recut" not in await page.text()
    for state in (SessionState.PROCESSING, SessionState.IN_REVIEW):
        await world.hub.store.write(lambda db, to=state: shows.step_session(db, session, to, at=world.clock()))
    async with await host.get(f"/host/s/{session}/marks") as page:
        assert "/marks/recut" in await page.text()
    async with await host.post(f"/host/s/{session}/marks/recut") as ordered:
        assert ordered.status == 303
    assert world.answers.recuts == [session]
    await host.close()


def heard(at_s: int, kind: MarkKind) -> Mark:
    return Mark(session_id="s", question_id="q", kind=kind, at=add_ms(START, at_s * 1000), witness=Witness.EAR)


def test_which_marks_are_replaced() -> None:
    """A beginning set anew replaces the last one; after an end it is a second airing; ends likewise."""
    first, end = heard(10, MarkKind.ON_AIR), heard(20, MarkKind.DONE)
    assert find_replaced([first, end], heard(12, MarkKind.ON_AIR)) == [first]
    assert find_replaced([first, end], heard(30, MarkKind.ON_AIR)) == []
    assert find_replaced([first, end], heard(25, MarkKind.DONE)) == [end]
    again = heard(30, MarkKind.ON_AIR)
    assert find_replaced([first, end, again], heard(28, MarkKind.ON_AIR)) == [again]
    assert find_replaced([first, end, again], heard(35, MarkKind.DONE)) == []


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no playwright with Chromium on this machine")
async def test_marking_while_it_plays(world: World, clip: Path) -> None:
    """Somebody plays the clip, presses b and e where he hears a question, sees it in the list and takes it back."""
    axe = pytest.importorskip("axe_playwright_python.async_playwright", reason="axe is not installed")
    session, ids = await ended_session(world, clip=clip)
    async with open_browser() as browser:
        tab = await open_tab(browser)
        await sign_in(world, tab)
        await tab.page.goto(f"{world.url}/host/s/{session}/marks")
        await until(tab, "document.getElementById('player').readyState >= 1")
        assert round(await tab.page.evaluate("document.getElementById('player').duration")) == CLIP_MS / 1000
        await tab.page.keyboard.press("j")
        await async_api.expect(tab.page.locator(".picked")).to_contain_text("Ohne Marke?")
        for at_s, key in ((5.5, "b"), (9.25, "e")):
            await tab.page.evaluate(f"document.getElementById('player').currentTime = {at_s}")
            await tab.page.keyboard.press(key)
            await async_api.expect(tab.page.locator("#by-ear .item")).to_have_count(
                1 if key == "b" else 2, timeout=20_000
            )
        assert await by_ear(world, session) == [(ids[1], "on_air", 2_500), (ids[1], "done", 6_250)]
        await async_api.expect(tab.page.locator("#missing")).to_contain_text("Jede beantwortete Frage")
        await tab.page.keyboard.press("p")
        await until(tab, "document.getElementById('player').currentTime > 9.4")
        for language in ("de", "en"):
            for width in (390, 1280):
                await tab.page.set_viewport_size({"width": width, "height": 900})
                await tab.page.goto(f"{world.url}/host/s/{session}/marks?lang={language}")
                await tab.page.wait_for_timeout(200)
                await tab.shoot(f"marks-{width}-{language}")
                assert await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
                results = await axe.Axe().run(tab.page)
                assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
        await tab.page.locator("#by-ear").get_by_role("button", name="Take back").first.click()
        await async_api.expect(tab.page.locator("#by-ear .item")).to_have_count(1, timeout=20_000)
        assert tab.complaints == []


async def until(tab: Tab, condition: str) -> None:
    """Wait until something is true in the page; its policy lets no waiting of the driver's own run there."""
    for _ in range(200):
        if await tab.page.evaluate(condition):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(condition)
