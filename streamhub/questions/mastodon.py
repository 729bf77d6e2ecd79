"""Mastodon hashtags as a source of contributions: public posts, read in pages through one server.

Owns the calls, what a post says, and how far a hashtag was read. Mastodon.py is synchronous; every look works in a
thread with a client of its own. Refuses to know when a hashtag is read and what a question is.

Posts of other servers arrive late, yet their ids say when they were written (they are snowflakes: milliseconds before
the lowest 16 bits). So every look also looks back over the last quarter of an hour.

Source: docs.joinmastodon.org/methods/timelines/#tag, /api/guidelines/#pagination, /api/rate-limits.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from mastodon import Mastodon
from mastodon.errors import (
    MastodonError,
    MastodonNetworkError,
    MastodonNotFoundError,
    MastodonRatelimitError,
    MastodonServerError,
    MastodonUnauthorizedError,
)

from streamhub.errors import BadInput, PlatformError
from streamhub.questions.guarded import plan_retry_at
from streamhub.questions.intake import Batch, Contribution, Skip
from streamhub.questions.markup import plan_text
from streamhub.questions.picking import ChatWords, match_request, plan_any_text
from streamhub.questions.question import MAX_QUESTION_LENGTH
from streamhub.questions.trouble import SourceCode, make_source_error
from streamhub.text import LANGUAGES
from streamhub.timecode import Now, parse_instant

SOURCE = "mastodon"
NAME = "Mastodon"
EXAMPLE = "#fragdierunde"
PAGE = 40
PAGES = 5
"""Pages of new posts in one look; what is beyond them follows in the next one, at once."""
PAGES_BACK = 3
LOOK_BACK_MS = 15 * 60 * 1000
TIMEOUT_S = 15.0
MAX_SEEN = 400
_AT_ONCE = 20
"""So many posts a server tells about in one answer."""
_SNOWFLAKE = 10**16
_TAG = re.compile(r"\w{1,100}")
_NEEDS_SIGN_IN = frozenset({401, 403, 422})

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """How far a hashtag was read: the newest id, and the ids that were seen lately."""

    newest: str = ""
    ids: tuple[str, ...] = ()


class MastodonTags:
    """Hashtags as one server shows them.

    Args:
        instance: address of the server.
        token: with which to sign in; empty: as everybody.
        now: the clock.
        timeout_s: how long each answer of the server may take.
    """

    def __init__(self, instance: str, *, token: str = "", now: Now, timeout_s: float = TIMEOUT_S) -> None:
        self._instance = instance.rstrip("/")
        self._place = urlsplit(self._instance).hostname or self._instance
        self._token = token
        self._now = now
        self._timeout_s = timeout_s

    def __repr__(self) -> str:
        return f"MastodonTags({self._instance!r})"

    async def probe(self) -> str:
        """Look whether the server shows hashtags, and say what was seen.

        Raises:
            PlatformError: the server refuses or does not answer.
        """
        await self._ask(lambda client: _sorted(client.timeline_hashtag(EXAMPLE.lstrip("#"), limit=1)))
        return f"{self._place} shows hashtags {'to the hub' if self._token else 'to everybody'}"

    async def read(self, ref: str, cursor: str) -> Batch:
        """The public posts with a hashtag that the cursor does not know.

        Args:
            ref: the hashtag.
            cursor: of the batch before; empty: the newest `PAGES` pages begin.

        Raises:
            PlatformError: the server refuses or does not answer.
        """
        seen = _parse_cursor(cursor)
        tag = ref.lstrip("#")
        posts, more = await self._ask(lambda client: _read_posts(client, tag, seen))
        fresh = [post for post in posts if str(post["id"]) not in seen.ids]
        lines = [line for post in fresh if (line := parse_post(post, ref, self._place)) is not None]
        newest = max([seen.newest or "0", *(str(post["id"]) for post in posts)], key=_order)
        ids = sorted({*seen.ids, *(str(post["id"]) for post in fresh)}, key=_order)[-MAX_SEEN:]
        return Batch(
            contributions=tuple(sorted(lines, key=lambda line: line.at)),
            cursor=json.dumps({"n": newest, "s": ids}, separators=(",", ":")),
            wait_s=0.0,
            more=more,
            skipped={Skip.AUTOMATIC: bots} if (bots := sum(_is_bot(post) for post in fresh)) else {},
        )

    async def find_gone(self, ref: str, refs: Collection[str]) -> frozenset[str]:
        """Those of these posts that are deleted, or not public any more.

        Raises:
            PlatformError: the server refuses or does not answer.
        """
        ids = {one.rpartition("/")[2]: one for one in refs if one.startswith(f"{self._place}/")}
        gone = await self._ask(lambda client: _find_missing(client, list(ids)))
        return frozenset(ids[one] for one in gone)

    async def _ask(self, call: Callable[[Mastodon], T]) -> T:
        answers = _LastAnswer()

        def work() -> T:
            with requests.Session() as session:
                session.hooks["response"].append(answers.note)
                client = _Client(
                    api_base_url=self._instance,
                    access_token=self._token or None,
                    ratelimit_method="throw",
                    request_timeout=self._timeout_s,
                    version_check_mode="none",
                    user_agent="streamhub (reads questions from hashtags)",
                    session=session,
                )
                return call(client)

        try:
            return await asyncio.to_thread(work)
        except (MastodonError, requests.RequestException, KeyError, TypeError, ValueError) as error:
            raise self._translate(error, answers) from error

    def _translate(self, error: Exception, answers: _LastAnswer) -> PlatformError:
        retry_at = answers.retry_at(self._now())
        reason = str(answers.status or type(error).__name__)
        if isinstance(error, MastodonNetworkError | requests.RequestException):
            untrusted = isinstance(error.__context__, requests.exceptions.SSLError)
            return make_source_error(
                SourceCode.NOT_TRUSTED if untrusted else SourceCode.UNREACHABLE, self._place, reason=reason
            )
        if answers.status == 429 or isinstance(error, MastodonRatelimitError):
            return make_source_error(SourceCode.PAUSE, self._place, retry_at=retry_at, reason=reason)
        if isinstance(error, MastodonServerError):
            code = SourceCode.PAUSE if retry_at else SourceCode.UNREACHABLE
            return make_source_error(code, self._place, retry_at=retry_at, reason=reason)
        if isinstance(error, MastodonUnauthorizedError) or answers.status in _NEEDS_SIGN_IN:
            return make_source_error(SourceCode.SIGN_IN, self._place, reason=reason)
        if isinstance(error, MastodonNotFoundError):
            return make_source_error(SourceCode.GONE, self._place, reason=reason)
        return make_source_error(SourceCode.BROKEN, self._place, reason=reason)


class _Client(Mastodon):
    """Asks for timelines without asking about the server first."""

    def timeline_is_available(self, *_: object, **__: object) -> bool:
        """Yes: the server's refusal says it best."""
        return True


@dataclass(kw_only=True, slots=True)
class _LastAnswer:
    """What the library keeps to itself of the server's last answer."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    def note(self, response: requests.Response, *_: object, **__: object) -> None:
        self.status, self.headers = response.status_code, response.headers

    def retry_at(self, now: datetime) -> datetime | None:
        """When the server wants to be asked again, where it refused and said so."""
        if self.status not in {429, 503}:
            return None
        asked = plan_retry_at(self.headers.get("Retry-After", ""), now)
        if asked is not None or self.status != 429:
            return asked
        try:
            reset = parse_instant(self.headers.get("X-RateLimit-Reset", ""))
        except BadInput:
            return None
        return plan_retry_at(str(max(0, int((reset - now).total_seconds()) + 1)), now)


def parse_tag(typed: str) -> str:
    """A hashtag as a host types it, made uniform: ``#netz``.

    Raises:
        BadInput: it is none.
    """
    tag = typed.strip().lstrip("#＃")
    if not _TAG.fullmatch(tag) or tag.isdecimal():
        raise BadInput(f"hashtag {typed[:100]!r}: none", hint="write letters and digits without spaces, such as #netz")
    return f"#{tag}"


def parse_post(post: Mapping[str, Any], tag: str, place: str) -> Contribution | None:
    """What a post says; None for posts that are not public or say nothing, and for those of machines."""
    if post.get("visibility") != "public" or post.get("reblog") or _is_bot(post):
        return None
    account, url = post["account"], str(post.get("url") or post.get("uri") or "")
    warning = plan_text(str(post.get("spoiler_text") or "")).strip()
    said = plan_text(str(post.get("content") or "")).strip()
    text = _without_tag(f"{warning}\n\n{said}" if warning else said, tag)
    if not text:
        return None
    acct = str(account.get("acct") or "")
    language = str(post.get("language") or "")[:2].lower()
    reply_to = post.get("in_reply_to_id")
    return Contribution(
        source=SOURCE,
        ref=f"{place}/{post['id']}",
        author=str(account.get("display_name") or "") or acct.partition("@")[0],
        author_ref=str(account.get("url") or f"{acct}@{place}"),
        text=text,
        at=_instant(post["created_at"]),
        url=url if url.startswith(("https://", "http://")) else "",
        named=True,
        language=language if language in LANGUAGES else "",
        reply_to=(f"{place}/{reply_to}",) if reply_to else (),
        suspect=bool(warning),
    )


def _without_tag(text: str, tag: str) -> str:
    """The text without the hashtag that everybody had to write, and without names in front of it."""
    if len(text) > MAX_QUESTION_LENGTH:
        return text
    found = match_request(text, ChatWords(commands=(), hashtags=(tag,)))
    return plan_any_text(text if found is None else found) if found != "" else ""


def _is_bot(post: Mapping[str, Any]) -> bool:
    return bool(post["account"].get("bot"))


def _instant(created_at: datetime | str) -> datetime:
    if isinstance(created_at, datetime):
        return created_at.replace(tzinfo=UTC) if created_at.tzinfo is None else created_at.astimezone(UTC)
    return parse_instant(created_at)


# Reading, in a thread.


def _read_posts(client: Mastodon, tag: str, seen: _Seen) -> tuple[list[Mapping[str, Any]], bool]:
    """New posts, late ones among them, oldest first, and whether more are there."""
    if not seen.newest:
        return _read_newest(client, tag), False
    late = _read_back(client, tag, seen.newest)
    fresh: list[Mapping[str, Any]] = []
    newest = seen.newest
    for _ in range(PAGES):
        page = _sorted(client.timeline_hashtag(tag, min_id=newest, limit=PAGE))
        fresh += page
        if len(page) < PAGE:
            return [*late, *fresh], False
        newest = str(page[-1]["id"])
    return [*late, *fresh], True


def _read_newest(client: Mastodon, tag: str) -> list[Mapping[str, Any]]:
    """The newest posts at a first look, oldest first."""
    found = _sorted(client.timeline_hashtag(tag, limit=PAGE))
    for _ in range(PAGES - 1):
        if len(found) % PAGE or not found:
            break
        page = _sorted(client.timeline_hashtag(tag, max_id=str(found[0]["id"]), limit=PAGE))
        if not page:
            break
        found = [*page, *found]
    return found


def _read_back(client: Mastodon, tag: str, newest: str) -> list[Mapping[str, Any]]:
    """Posts that were written shortly before the newest known one and may have arrived after it."""
    if not newest.isdecimal() or int(newest) < _SNOWFLAKE:
        return []
    begin, below = int(newest) - (LOOK_BACK_MS << 16), newest
    found: list[Mapping[str, Any]] = []
    for _ in range(PAGES_BACK):
        page = _sorted(client.timeline_hashtag(tag, max_id=below, limit=PAGE))
        found = [*(post for post in page if int(post["id"]) > begin), *found]
        if len(page) < PAGE or int(page[0]["id"]) <= begin:
            break
        below = str(page[0]["id"])
    return found


def _find_missing(client: Mastodon, ids: Sequence[str]) -> list[str]:
    """Ids of posts that the server says do not exist; each is asked for alone before it counts as gone."""
    there: set[str] = set()
    for begin in range(0, len(ids), _AT_ONCE):
        try:
            there |= {str(post["id"]) for post in client.statuses(ids[begin : begin + _AT_ONCE])}
        except MastodonNotFoundError:  # a server older than 4.3
            break
    return [one for one in ids if one not in there and _is_missing(client, one)]


def _is_missing(client: Mastodon, post_id: str) -> bool:
    try:
        return bool(client.status(post_id).get("visibility") != "public")
    except MastodonNotFoundError:
        return True


def _sorted(page: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The posts of a page, oldest first; single ones that make no sense are left out.

    Raises:
        ValueError: nothing on it makes sense.
    """
    if not isinstance(page, list):
        raise ValueError("no list of posts")
    posts = [post for post in page if _is_post(post)]
    if page and not posts:
        raise ValueError("no posts")
    return sorted(posts, key=lambda post: _order(str(post["id"])))


def _is_post(post: object) -> bool:
    if not isinstance(post, Mapping):
        return False
    return bool(post.get("id") and isinstance(post.get("account"), Mapping) and post.get("created_at"))


def _order(post_id: str) -> tuple[int, str]:
    """Ids rise with time: numbers by value, others by length and letters."""
    return (len(post_id), post_id)


def _parse_cursor(cursor: str) -> _Seen:
    try:
        kept = json.loads(cursor) if cursor else {}
        newest = str(kept.get("n", ""))
        if not newest.isalnum():
            return _Seen()
        return _Seen(newest=newest, ids=tuple(str(one) for one in kept.get("s", ())))
    except (ValueError, AttributeError, TypeError):
        return _Seen()  # begin with what is there: nothing is taken twice
