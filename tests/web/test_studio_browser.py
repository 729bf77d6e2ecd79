"""The tech check in a real browser with Chromium's own camera and microphone, and its door on a phone."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.web.browsing import CHROMIUM, async_api, open_browser, open_tab
from tests.web.test_dates_browser import fill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.conftest import World

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser"),
    pytest.mark.timeout(240),
]
FAKES = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


@asynccontextmanager
async def equipped(*more: str) -> AsyncIterator[Any]:
    """A browser with a camera that shows a test picture and a microphone that beeps."""
    async with async_api.async_playwright() as playwright:
        args = ["--no-sandbox", "--disable-gpu", *FAKES, *more]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        try:
            yield browser
        finally:
            await browser.close()


def said(tab: Any, part: str, code: str) -> Any:
    return tab.page.locator(f'#{part} [data-say="{code}"]')


@pytest.mark.parametrize(("language", "width"), [("de", 390), ("en", 1280)])
async def test_everything_is_found(world: World, language: str, width: int) -> None:
    """Camera, microphone, speaker and line are looked at and told in words; nothing but timing leaves the browser."""
    _, me = await fill(world)
    async with equipped() as browser:
        tab = await open_tab(browser, width=width)
        sent: list[str] = []
        tab.page.on("request", lambda request: sent.append(request.url))
        await tab.page.goto(f"{world.url}{me}/check?lang={language}")
        expect = async_api.expect
        await expect(said(tab, "browser", "good")).to_be_visible(timeout=40_000)
        await tab.page.locator("#open").click()
        await expect(
            tab.page.locator('#camera[data-state="good"], #camera:has([data-say="small"]:visible)')
        ).to_be_visible(timeout=40_000)
        await expect(said(tab, "microphone", "good")).to_be_visible(timeout=40_000)
        await tab.page.locator("#play").click()
        await tab.page.locator("#heard-yes").click()
        await expect(said(tab, "speaker", "good")).to_be_visible(timeout=40_000)
        await tab.page.locator("#measure").click()
        await expect(tab.page.locator("#measured")).to_be_visible(timeout=60_000)
        over = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0
        await tab.shoot(f"check-done-{language}-{width}")
        await tab.page.locator("#stop").click()
        assert await tab.page.evaluate("document.getElementById('picture').srcObject") is None
        assert all(url.startswith(world.url) for url in sent)
        checked = [url for url in sent if "/check/" in url]
        assert checked
        assert all("/check/down?size=" in url or url.endswith("/check/up") for url in checked)
        await tab.page.get_by_role("button", name="Alles in Ordnung" if language == "de" else "All is fine").click()
        await tab.page.wait_for_url("**said=fine**", timeout=40_000)
        assert tab.complaints == []


async def test_a_refusal_is_explained(world: World) -> None:
    """Whoever says no to the browser's question reads what to do; the page stays usable."""
    _, me = await fill(world)
    async with equipped("--deny-permission-prompts") as browser:
        tab = await open_tab(browser, width=390, permissions=[])
        await tab.page.add_init_script(
            "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
        )
        await tab.page.goto(f"{world.url}{me}/check?lang=de")
        await tab.page.locator("#open").click()
        for part in ("camera", "microphone"):
            await async_api.expect(said(tab, part, "denied")).to_be_visible(timeout=40_000)
        await tab.shoot("check-denied-390")


async def test_the_check_without_scripts(world: World) -> None:
    """Without JavaScript there is a list to look through, and one word to the hosts still works."""
    _, me = await fill(world)
    async with open_browser() as browser:
        tab = await open_tab(browser, width=390, java_script_enabled=False)
        await tab.page.goto(f"{world.url}{me}/check?lang=de")
        await async_api.expect(tab.page.get_by_text("Der Check braucht JavaScript.")).to_be_visible()
        await async_api.expect(tab.page.locator("#open")).to_be_hidden()
        await tab.page.get_by_role("button", name="Ich brauche Hilfe").click()
        await tab.page.wait_for_url("**said=help**", timeout=40_000)
        await tab.shoot("check-noscript-390")
