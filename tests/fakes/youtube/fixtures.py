"""Fixtures around the counterpart; plugged in by the root conftest."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.youtube.fake import FakeYouTube

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client library reads proxies from the environment; these tests go to loopback alone."""
    for name in _PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def fake_youtube(no_proxies: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeYouTube]:
    """A running counterpart with one channel."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    async with FakeYouTube() as fake:
        yield fake
