"""What the web face works with: one frozen record, kept on the application under a typed key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from streamhub.config import HubSettings
from streamhub.store.store import Store
from streamhub.text import Random
from streamhub.timecode import Now
from streamhub.web.absent import (
    NoChat,
    NoClips,
    NoGate,
    NoInbox,
    NoLiveAnswers,
    NoLiveWords,
    NoLookalikes,
    NoPlanner,
    NoPlatforms,
    NoPost,
    NoReview,
    NoSources,
    NoSuggestions,
    NoTelling,
    NoTopics,
    NoVideos,
)
from streamhub.web.services import (
    Answers,
    Broadcasting,
    Chat,
    Clips,
    Gate,
    Inbox,
    LiveAnswers,
    LiveWords,
    Lookalikes,
    Planner,
    Platforms,
    Post,
    Review,
    Sources,
    Suggestions,
    Telling,
    Topics,
    Videos,
    Work,
    Workshop,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hub:
    """Everything that the handlers need.

    Attributes:
        settings: the hub's section of the settings.
        store: the hub's data.
        now: the clock.
        random: the source of ids and tokens.
        broadcasting, work, answers, workshop: the roles of `streamhub.web.services`.
        platforms, videos, chat, inbox, suggestions, lookalikes, topics, telling, sources, post, review, live_words,
            clips, gate, live_answers, planner: more; a hub may be without.
        public_dir: the generated archive site, served at ``/archive/``; need not exist yet.
        photos_dir: where pictures that came with questions lie, need not exist yet; None: no pictures are taken.
        site_dir: the workspace's overrides of the theme; need not exist.
        media_dir: the recordings; need not exist.
        snapshots_dir: where snapshots of sessions are written for a CDN; made when needed; None: nowhere.
        secret: at least 32 random bytes that stay the same over restarts; signs cookies and forms.
    """

    settings: HubSettings
    store: Store
    now: Now
    random: Random
    broadcasting: Broadcasting
    work: Work
    answers: Answers
    workshop: Workshop
    public_dir: Path
    secret: bytes = field(repr=False)
    site_dir: Path | None = None
    media_dir: Path | None = None
    platforms: Platforms = field(default_factory=NoPlatforms)
    videos: Videos = field(default_factory=NoVideos)
    chat: Chat = field(default_factory=NoChat)
    inbox: Inbox = field(default_factory=NoInbox)
    sources: Sources = field(default_factory=NoSources)
    snapshots_dir: Path | None = None
    suggestions: Suggestions = field(default_factory=NoSuggestions)
    lookalikes: Lookalikes = field(default_factory=NoLookalikes)
    topics: Topics = field(default_factory=NoTopics)
    telling: Telling = field(default_factory=NoTelling)
    photos_dir: Path | None = None
    post: Post = field(default_factory=NoPost)
    review: Review = field(default_factory=NoReview)
    live_words: LiveWords = field(default_factory=NoLiveWords)
    live_answers: LiveAnswers = field(default_factory=NoLiveAnswers)
    clips: Clips = field(default_factory=NoClips)
    gate: Gate = field(default_factory=NoGate)
    planner: Planner = field(default_factory=NoPlanner)


HUB: web.AppKey[Hub] = web.AppKey("hub", Hub)


def hub_of(request: web.Request) -> Hub:
    """The hub that serves this request."""
    return request.app[HUB]
