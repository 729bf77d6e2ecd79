"""Google's sign-in: consent page, token endpoint with PKCE, revocation. Consent is given at once, by a knob."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.fakes.youtube.records import Grant
from tests.fakes.youtube.world import World

Json = dict[str, Any]
Reply = tuple[int, Json | str, Mapping[str, str]]

_TESTING_S = 7 * 86_400
CLIENT_ID = "1234567890-fake.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-fake-client-secret"


@dataclass(kw_only=True)
class _Code:
    """What an authorization code stands for."""

    grant: Grant
    redirect_uri: str
    challenge: str
    offline: bool


class SignIn:
    """The three endpoints."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes: dict[str, _Code] = {}

    def authorize(self, query: Mapping[str, str]) -> Reply:
        """The page in the browser: goes straight back to the program, with a code or a no."""
        redirect = query.get("redirect_uri", "")
        parts = urlsplit(redirect)
        if query.get("client_id") != CLIENT_ID:
            return self._page(401, "invalid_client: the OAuth client was not found")
        if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
            return self._page(400, f"redirect_uri_mismatch: {redirect!r}")
        if query.get("response_type") != "code" or not query.get("scope"):
            return self._page(400, "invalid_request: response_type=code and scope are required")
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            return self._page(400, "invalid_request: code_challenge_method must be S256")
        if not query.get("code_challenge"):
            self._world.violations.append("oauth.auth: no PKCE code_challenge")
        consent, back = self._world.consent, {"state": query["state"]} if "state" in query else {}
        if consent.denied:
            return 302, "", {"Location": f"{redirect}?{urlencode({'error': 'access_denied', **back})}"}
        asked = frozenset(query["scope"].split())
        scopes = asked if consent.scopes is None else asked & consent.scopes
        channel_id = consent.channel_id or self._world.channel.id
        code = secrets.token_urlsafe(30)
        before = any(g.channel_id == channel_id and g.refresh_token and not g.revoked for g in self._granted())
        self._codes[code] = _Code(
            grant=Grant(channel_id=channel_id, scopes=scopes),
            redirect_uri=redirect,
            challenge=query.get("code_challenge", ""),
            # A second consent brings a refresh token only when it is asked for anew.
            offline=query.get("access_type") == "offline" and (query.get("prompt") == "consent" or not before),
        )
        query_back = {**back, "iss": "https://accounts.google.com", "code": code, "scope": " ".join(sorted(scopes))}
        return 302, "", {"Location": f"{redirect}?{urlencode(query_back)}"}

    def _granted(self) -> list[Grant]:
        # The very first grant is the tests' own token, which no person consented to.
        return self._world.grants[1:]

    def _page(self, status: int, text: str) -> Reply:
        self._world.violations.append(f"oauth.auth: {text}")
        return status, f"<html><h1>Error {status}: {text}</h1></html>", {"Content-Type": "text/html"}

    def token(self, form: Mapping[str, str], basic: tuple[str, str] | None = None) -> Reply:
        """Tokens for a code, or a new access token for a refresh token."""
        client = basic or (form.get("client_id", ""), form.get("client_secret", ""))
        if client != (CLIENT_ID, CLIENT_SECRET):
            return self._no(401, "invalid_client", "The OAuth client was not found.", violation=True)
        kind = form.get("grant_type", "")
        if kind == "authorization_code":
            return self._exchange(form)
        if kind == "refresh_token":
            return self._refresh(form.get("refresh_token", ""))
        return self._no(400, "unsupported_grant_type", f"Invalid grant_type: {kind}", violation=True)

    def _exchange(self, form: Mapping[str, str]) -> Reply:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None:
            return self._no(400, "invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != code.redirect_uri:
            return self._no(400, "redirect_uri_mismatch", "Bad Request", violation=True)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if code.challenge and base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.challenge:
            what = "Invalid code verifier." if form.get("code_verifier") else "Missing code verifier."
            return self._no(400, "invalid_grant", what, violation=True)
        with self._world.lock:
            if code.offline:
                code.grant.refresh_token = self._world.make_id(60, "1//")
            code.grant.consented_at_s = self._world.elapsed_s()
            self._world.grants.append(code.grant)
            return 200, self._tokens(code.grant, with_refresh=code.offline), {}

    def _refresh(self, refresh_token: str) -> Reply:
        for grant in self._world.grants:
            if refresh_token and grant.refresh_token == refresh_token and not self._is_over(grant):
                return 200, self._tokens(grant, with_refresh=False), {}
        return self._no(400, "invalid_grant", "Token has been expired or revoked.")

    def _is_over(self, grant: Grant) -> bool:
        age_s = self._world.elapsed_s() - grant.consented_at_s
        return grant.revoked or (self._world.testing_app and age_s > _TESTING_S)

    def _tokens(self, grant: Grant, *, with_refresh: bool) -> Json:
        body: Json = {
            "access_token": self._world.issue(grant),
            "expires_in": int(self._world.token_life_s),
            "scope": " ".join(sorted(grant.scopes)),
            "token_type": "Bearer",
        }
        if with_refresh:
            body["refresh_token"] = grant.refresh_token
        if self._world.testing_app and grant.refresh_token:
            body["refresh_token_expires_in"] = _TESTING_S - 1
        return body

    def revoke(self, token: str) -> Reply:
        """The program gives its tokens back."""
        for grant in self._world.grants:
            if token and not grant.revoked and (token == grant.refresh_token or token in grant.access_tokens):
                grant.revoked = True
                return 200, {}, {}
        return self._no(400, "invalid_token", "Token expired or revoked")

    def _no(self, status: int, error: str, description: str, *, violation: bool = False) -> Reply:
        if violation:
            self._world.violations.append(f"oauth.token: {error}: {description}")
        return status, {"error": error, "error_description": description}, {}
