"""Who may do what: roles, actions, the one table between them, and how somebody becomes more than the public.

Tokens and logins are 256 random bits; the store knows their SHA-256 only. A link token is used once and becomes a
login; an API token serves scripts until it expires; neither passes for the other. Whatever the table does not allow is
refused. Knows nothing of what the actions do.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from aiohttp import web
from sqlite_utils import Database

from streamhub.errors import BadInput, Forbidden, NotSignedIn
from streamhub.store import access as rows
from streamhub.store.store import Store
from streamhub.text import Random, clean_line
from streamhub.timecode import Now
from streamhub.web.hub import Hub, hub_of
from streamhub.web.signing import sign, unsign

LINK_VALID = timedelta(hours=1)
API_TOKEN_VALID = timedelta(days=365)
LOGIN_IDLE = timedelta(hours=12)
LOGIN_RENEWED_AFTER = timedelta(minutes=10)

_LINK_PREFIX = "link_"
_API_PREFIX = "api_"
_LOGIN_COOKIE = "streamhub_login"


class AccessRole(StrEnum):
    """What somebody is to the hub."""

    PUBLIC = "public"
    EXPERT = "expert"
    PRODUCER = "producer"
    HOST = "host"
    WORKER = "worker"


class Action(StrEnum):
    """What can be done; every route names exactly one."""

    SEE_PUBLIC = "see_public"
    ASK = "ask"
    VOTE = "vote"
    ENTER = "enter"
    LEAVE = "leave"
    SEE_CONSOLE = "see_console"
    SEE_STREAM_KEY = "see_stream_key"
    PLAN = "plan"
    STEP_SESSION = "step_session"
    CURATE = "curate"
    PUBLISH = "publish"
    DECIDE_WORK = "decide_work"
    ASSIGN_RECORDING = "assign_recording"
    TRANSCRIBE = "transcribe"
    USE_OVERLAY = "use_overlay"
    SEE_STAGE = "see_stage"
    RUN_SHOW = "run_show"
    SEE_FIGURES = "see_figures"
    SEE_OWN = "see_own"
    CHANGE_OWN = "change_own"
    SEE_OUTBOX = "see_outbox"
    SEND_MAIL = "send_mail"


_OWN = frozenset({Action.SEE_OWN, Action.CHANGE_OWN})
_EVERYBODY = _OWN | {Action.SEE_PUBLIC, Action.ASK, Action.VOTE, Action.ENTER, Action.USE_OVERLAY}
_SIGNED_IN = _EVERYBODY | {Action.LEAVE, Action.SEE_CONSOLE, Action.SEE_STAGE}

ALLOWED: Mapping[AccessRole, frozenset[Action]] = MappingProxyType(
    {
        AccessRole.PUBLIC: _EVERYBODY,
        AccessRole.EXPERT: _SIGNED_IN,
        # The technique and the run of show; no addresses, no questions, nothing that makes public or takes out of it.
        AccessRole.PRODUCER: _SIGNED_IN | {Action.SEE_STREAM_KEY, Action.STEP_SESSION, Action.RUN_SHOW},
        AccessRole.WORKER: _EVERYBODY | {Action.TRANSCRIBE},
        AccessRole.HOST: _SIGNED_IN
        | {
            Action.SEE_STREAM_KEY,
            Action.PLAN,
            Action.STEP_SESSION,
            Action.CURATE,
            Action.PUBLISH,
            Action.DECIDE_WORK,
            Action.ASSIGN_RECORDING,
            Action.RUN_SHOW,
            Action.SEE_FIGURES,
            Action.SEE_OUTBOX,
            Action.SEND_MAIL,
        },
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who sends a request.

    Attributes:
        role: what the table is asked about.
        person: name for the log; empty for the public.
        login: SHA-256 of the login's cookie value; empty for scripts and the public.
        renewed: whether this request put off the end of the login, so that the browser's cookie must follow.
    """

    role: AccessRole = AccessRole.PUBLIC
    person: str = ""
    login: str = ""
    renewed: bool = False

    def may(self, action: Action) -> bool:
        """Whether the table allows it."""
        return action in ALLOWED[self.role]


PUBLIC = Actor()
ACTOR = web.RequestKey("actor", Actor)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ACTION_OF: dict[Handler, Action] = {}
"""Which action a handler asks for; filled by `allow`, read by the test that checks every route."""


def allow(action: Action) -> Callable[[Handler], Handler]:
    """Let only those through to a handler whose role allows the action."""

    def decorate(handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            require(request, action)
            return await handler(request)

        guarded.__name__ = getattr(handler, "__name__", "handler")
        guarded.__doc__ = handler.__doc__
        ACTION_OF[guarded] = action
        return guarded

    return decorate


def require(request: web.Request, action: Action) -> Actor:
    """Return who asks, if he may.

    Raises:
        NotSignedIn: nobody is signed in and the public may not.
        Forbidden: somebody is signed in who may not.
    """
    actor = actor_of(request)
    if actor.may(action):
        return actor
    if actor.role is AccessRole.PUBLIC:
        raise NotSignedIn(f"{action}: nobody is signed in", hint="ask the operator for a link to enter")
    raise Forbidden(f"{action}: {actor.person} is signed in as {actor.role}", hint="ask a host to do it")


def actor_of(request: web.Request) -> Actor:
    """Who sends this request; `find_actor` has looked before any handler runs."""
    actor: Actor = request.get(ACTOR, PUBLIC)
    return actor


async def find_actor(request: web.Request) -> Actor:
    """Look up who sends a request, by bearer token or by cookie.

    Raises:
        NotSignedIn: a bearer token was given and is wrong or expired; a wrong cookie only makes one the public.
    """
    hub = hub_of(request)
    header = request.headers.get("Authorization", "")
    if header:
        kind, _, token = header.partition(" ")
        if kind.lower() != "bearer" or not token.startswith(_API_PREFIX) or not token.isascii():
            raise NotSignedIn("Authorization: not an API token", hint="send `Authorization: Bearer api_…`")
        digest, at = rows.digest_of(token), hub.now()
        scope = await hub.store.read(lambda db: rows.check_token(db, digest, at=at))
        return _actor_of_scope(scope, prefix=_API_PREFIX)
    cookie = request.cookies.get(cookie_name(request, _LOGIN_COOKIE), "")
    return await _find_login(hub, cookie) if cookie and cookie.isascii() else PUBLIC


async def _find_login(hub: Hub, cookie: str) -> Actor:
    digest, at = rows.digest_of(cookie), hub.now()
    login = await hub.store.read(lambda db: rows.find_login(db, digest, at=at))
    if login is None or login.role not in set(AccessRole):
        return PUBLIC
    renew = login.expires_at - at < LOGIN_IDLE - LOGIN_RENEWED_AFTER
    if renew:
        await hub.store.write(lambda db: rows.renew_login(db, digest, expires_at=at + LOGIN_IDLE))
    return Actor(role=AccessRole(login.role), person=login.person, login=digest, renewed=renew)


def _actor_of_scope(scope: str, *, prefix: str) -> Actor:
    kind, _, rest = scope.partition(":")
    role, _, person = rest.partition(":")
    if f"{kind}_" != prefix or role not in set(AccessRole):
        raise NotSignedIn("token: made for something else", hint="ask the operator for a new one")
    return Actor(role=AccessRole(role), person=person)


async def make_host_link(
    store: Store, now: Now, random: Random, base_url: str, *, person: str, role: AccessRole = AccessRole.HOST
) -> str:
    """Make a link that signs one person in, once, within an hour; returns its address."""
    token = await _save_token(store, now, random, prefix=_LINK_PREFIX, person=person, role=role)
    return f"{base_url.rstrip('/')}/host/enter?token={token}"


async def make_api_token(
    store: Store, now: Now, random: Random, *, person: str, role: AccessRole = AccessRole.HOST
) -> str:
    """Make a token for scripts, valid for a year; returned once and never shown again."""
    return await _save_token(store, now, random, prefix=_API_PREFIX, person=person, role=role)


async def _save_token(store: Store, now: Now, random: Random, *, prefix: str, person: str, role: AccessRole) -> str:
    name = clean_line(person, max_length=80, what="person")
    if role is AccessRole.PUBLIC:
        raise BadInput("token: the public needs none", hint="choose host, producer or expert")
    token = prefix + _random_text(random)
    digest, at = rows.digest_of(token), now()
    link = prefix == _LINK_PREFIX

    def save(db: Database) -> None:
        rows.save_token(
            db,
            digest,
            f"{prefix[:-1]}:{role}:{name}",
            created_at=at,
            expires_at=at + (LINK_VALID if link else API_TOKEN_VALID),
            one_use=link,
        )

    await store.write(save)
    return token


def _random_text(random: Random) -> str:
    return base64.urlsafe_b64encode(random(32)).decode().rstrip("=")


async def enter(hub: Hub, token: str, *, name: str = "") -> tuple[str, Actor]:
    """Use up a link token and open a login; returns the cookie's value and who it is.

    Args:
        hub: the hub.
        token: the link's.
        name: what somebody calls himself; empty: as whoever made the link called him.

    Raises:
        NotSignedIn: the link is wrong, expired, or was used.
        BadInput: a name that is too long; the link still works.
    """
    if not token.startswith(_LINK_PREFIX) or not token.isascii():
        raise NotSignedIn("link: not a link to enter", hint="ask the operator for a new link")
    cookie, at = _random_text(hub.random), hub.now()

    def use(db: Database) -> Actor:
        actor = _actor_of_scope(rows.use_token(db, rows.digest_of(token), at=at), prefix=_LINK_PREFIX)
        if name.strip():
            actor = replace(actor, person=clean_line(name, max_length=80, what="name"))
        rows.create_login(db, rows.digest_of(cookie), actor.person, actor.role, at=at, expires_at=at + LOGIN_IDLE)
        return actor

    return cookie, await hub.store.write(use)


async def leave(hub: Hub, actor: Actor) -> None:
    """End a login; ending it twice changes nothing."""
    if actor.login:
        await hub.store.write(lambda db: rows.end_login(db, actor.login))


def form_token(hub: Hub, actor: Actor) -> str:
    """The token that every form of a signed-in person carries; worthless with another login."""
    return sign(hub.secret, "login-form", actor.login[:32]) if actor.login else ""


def is_form_token(hub: Hub, actor: Actor, token: str) -> bool:
    """Whether a form's token belongs to this login."""
    return bool(actor.login) and unsign(hub.secret, "login-form", token) == actor.login[:32]


def is_https(request: web.Request) -> bool:
    """Whether the reader's browser speaks to us over TLS, directly or through a proxy that we were told to trust."""
    settings = hub_of(request).settings
    if settings.url.startswith("https://") or request.secure:
        return True
    return settings.trust_proxy and request.headers.get("X-Forwarded-Proto", "").lower() == "https"


def cookie_name(request: web.Request, name: str) -> str:
    """A cookie's name; over TLS with the prefix that ties it to this host."""
    return f"__Host-{name}" if is_https(request) else name


def set_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str, *, max_age_s: int) -> None:
    """Set one of our cookies: never readable by scripts, never sent along by other sites' forms."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age_s,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_https(request),
    )


def set_login_cookie(request: web.Request, response: web.StreamResponse, value: str) -> None:
    """Hand the login to the browser; an empty value takes it away."""
    set_cookie(request, response, _LOGIN_COOKIE, value, max_age_s=int(LOGIN_IDLE.total_seconds()) if value else 0)


def login_cookie(request: web.Request) -> str:
    """The login cookie's value, or empty."""
    return request.cookies.get(cookie_name(request, _LOGIN_COOKIE), "")
