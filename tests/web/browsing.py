"""Driving a real browser in tests: opening it, its pages with their complaints, signing in.

Imports without playwright as well; whoever uses it is skipped where `CHROMIUM` is None.
"""

from __future__ import annotations

import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.conftest import World

try:
    from playwright import async_api
except ImportError:
    async_api = None  # type: ignore[assignment]
else:
    async_api.expect.set_options(timeout=30_000)  # what comes, comes at once; a busy machine shall fail nothing

CHROMIUM = (shutil.which("chromium") or shutil.which("google-chrome")) if async_api else None
"""The browser's program; None where there is none, or nothing to drive it with."""

SHOTS = os.environ.get("STREAMHUB_SHOTS", "")
HOSTILE = '<img src=x onerror="window.hacked=1"></template><script>window.hacked=1</script>'


class Tab:
    """A page with its complaints."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))

    async def shoot(self, name: str) -> None:
        """Keep a picture for eyes, where somebody wants one."""
        if SHOTS:
            await self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@asynccontextmanager
async def open_browser() -> AsyncIterator[Any]:
    async with async_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            await browser.close()


async def open_tab(browser: Any, *, width: int = 1280, **options: Any) -> Tab:
    context = await browser.new_context(viewport={"width": width, "height": 900}, locale="de-DE", **options)
    return Tab(await context.new_page())


async def sign_in(world: World, tab: Tab) -> None:
    await tab.page.goto(await world.link())
    await tab.page.get_by_role("button", name="Anmelden").click()
    await tab.page.wait_for_url("**/host")
