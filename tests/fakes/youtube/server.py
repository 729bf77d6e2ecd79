"""The server: takes requests apart, spoils those that a fault waits for, and answers in the wire format."""

from __future__ import annotations

import asyncio
import json
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import BasicAuth, web

from tests.fakes.youtube import broadcasts, captions, chat, playlists, streams, videos  # they fill the register
from tests.fakes.youtube.control import Control
from tests.fakes.youtube.faults import Cut, Drop, Fault, Html502, Refuse, Slow
from tests.fakes.youtube.oauth import SignIn
from tests.fakes.youtube.records import Call
from tests.fakes.youtube.refusal import Refusal
from tests.fakes.youtube.request import RULES, Answer, Request
from tests.fakes.youtube.uploads import Uploads, read_upload
from tests.fakes.youtube.wire import Method, find_method, parse_body, parse_query
from tests.fakes.youtube.world import World

__all__ = ["Server", "broadcasts", "captions", "chat", "playlists", "streams", "videos"]

Json = dict[str, Any]
_BODY_BYTES = 128 * 2**20
_PAGE_502 = b"<!DOCTYPE html>\n<html lang=en><title>Error 502 (Server Error)!!1</title><p>That's an error.</html>"


class Server:
    """The HTTP side of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._sign_in = SignIn(world)
        self._uploads = Uploads()
        self._finished: dict[str, Json] = {}
        self._control = Control(world)
        self._runner: web.AppRunner | None = None

    async def open(self, port: int = 0) -> int:
        """Start listening; the port."""
        app = web.Application(client_max_size=_BODY_BYTES)
        app.on_response_prepare.append(self._stamp)
        app.router.add_get("/o/oauth2/v2/auth", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_post("/revoke", self._revoke)
        self._control.add_routes(app)
        app.router.add_route("*", "/{path:.*}", self._api)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Stop listening and close every connection."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _stamp(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(self._world.now(), usegmt=True)

    # --- sign-in

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        return self._reply("oauth.auth", dict(request.query), self._sign_in.authorize(request.query))

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        basic = None
        if request.headers.get("Authorization", "").startswith("Basic "):
            login = BasicAuth.decode(request.headers["Authorization"])
            basic = (login.login, login.password)
        told = {"grant_type": form.get("grant_type", "")}
        fault = self._world.take_fault("oauth.token")
        if fault is not None and not getattr(fault, "after_effect", False):
            if isinstance(fault, Slow):
                await asyncio.sleep(fault.seconds)
            else:
                return await self._spoil(request, "oauth.token", told, fault, None)
        status, body, headers = self._sign_in.token(form, basic)
        if fault is not None and getattr(fault, "after_effect", False):
            response = web.json_response(body, status=status)
            return await self._spoil(request, "oauth.token", told, fault, response)
        return self._reply("oauth.token", told, (status, body, headers))

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        token = str((await request.post()).get("token", request.query.get("token", "")))
        return self._reply("oauth.revoke", {}, self._sign_in.revoke(token))

    def _reply(self, name: str, told: Json, reply: tuple[int, Any, Any]) -> web.Response:
        status, body, headers = reply
        self._world.calls.append(Call(name, told, status))
        if isinstance(body, str):
            return web.Response(status=status, text=body, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    # --- the programming interface

    async def _api(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        verb, query = request.method, [(name, value) for name, value in request.query.items() if name != "upload_id"]
        if override := request.headers.get("X-HTTP-Method-Override"):
            # So the library asks when an address would be too long: the query is in the body.
            verb, query, raw = override, parse_qsl(raw.decode(), keep_blank_values=True), b""
        try:
            method, in_path, upload = find_method(verb, request.path)
        except Refusal as refusal:
            return self._refuse(f"{verb} {request.path}", {}, refusal)
        told: Json = {**dict(query), **in_path}
        if upload and "upload_id" in request.query:
            return await self._chunk(request, raw)
        media: bytes | None = None
        try:
            if upload:
                raw, media = read_upload(method, request, raw)
            params, body = self._check(method, [*query, *in_path.items()], raw, upload=upload)
            held: Refusal | None = None
        except Refusal as refusal:
            params, body, held = {}, {}, refusal
            self._note(refusal)
        told |= params | ({"body": body} if body else {})
        resumable = upload and request.query.get("uploadType") == "resumable"
        fault = self._world.take_fault(method.id, ready=not resumable)
        if fault is not None and not getattr(fault, "after_effect", False):
            if not isinstance(fault, Slow):
                return await self._spoil(request, method.id, told, fault, None)
            await asyncio.sleep(fault.seconds)
            fault = None
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if resumable and held is None:
            return self._begin(request, method, told, (params, body, token))
        response = self._act(method, told, held, (params, body, media, token))
        return response if fault is None else await self._spoil(request, method.id, told, fault, response)

    def _check(self, method: Method, query: list[tuple[str, str]], raw: bytes, *, upload: bool) -> tuple[Json, Json]:
        params = parse_query(method, query, upload=upload)
        return params, parse_body(method, raw, params.get("part", []))

    def _act(
        self, method: Method, told: Json, held: Refusal | None, parts: tuple[Json, Json, bytes | None, str]
    ) -> web.Response:
        params, body, media, token = parts
        try:
            with self._world.lock:
                self._world.settle()
                request = self._admit(method, params, body, token)
                request.media = media
                answer = self._apply(request, held)
        except Refusal as refusal:
            if refusal is not held:
                self._note(refusal)
            return self._refuse(method.id, told, refusal, noted=True)
        except Exception as error:  # the job's boundary: a bug of the counterpart must not pass for a refusal
            self._world.violations.append(f"the counterpart itself failed in {method.id}: {error!r}")
            raise
        self._world.calls.append(Call(method.id, told, 204 if answer is None else 200))
        return _to_response(answer)

    def _admit(self, method: Method, params: Json, body: Json, token: str) -> Request:
        """Who asks, and whether they may.

        Raises:
            Refusal: they may not.
        """
        grant = self._world.find_grant(token)
        if method.scopes and not method.scopes & grant.scopes:
            raise Refusal(403, "insufficientPermissions")
        self._world.spend(method.id)
        return Request(
            method=method,
            params=params,
            parts=params.get("part", []),
            body=body,
            grant=grant,
            channel=self._world.channels[grant.channel_id],
        )

    def _apply(self, request: Request, held: Refusal | None) -> Answer:
        if held is not None:
            raise held
        rule = RULES.get(request.method.id)
        if rule is None:
            what = f"{request.method.id} is not modelled"
            raise Refusal(501, "notImplemented", what, violation=what)
        return rule(self._world, request)

    # --- uploads in pieces

    def _begin(
        self, request: web.Request, method: Method, told: Json, parts: tuple[Json, Json, str]
    ) -> web.StreamResponse:
        params, body, token = parts
        try:
            with self._world.lock:
                self._admit(method, {}, {}, token)
            size = request.headers.get("X-Upload-Content-Length", "")
            upload_id = self._uploads.begin((method, params, body, token, told), size)
        except Refusal as refusal:
            return self._refuse(method.id, told, refusal)
        self._world.calls.append(Call(f"{method.id}:start", told, 200))
        where = request.url.with_query({**request.query, "upload_id": upload_id})
        return web.Response(headers={"Location": str(where), "X-GUploader-UploadID": upload_id})

    async def _chunk(self, request: web.Request, raw: bytes) -> web.StreamResponse:
        # The pieces are PUT whatever the method is: what was begun tells which one it is.
        upload_id = request.query["upload_id"]
        if whole := self._finished.get(upload_id):
            return _to_response(whole)  # asked again after a lost answer: it says what was made
        try:
            done = self._uploads.take(upload_id, request.headers.get("Content-Range", ""), raw)
        except Refusal as refusal:
            return self._refuse("upload", {}, refusal)
        if done is None:
            headers = self._uploads.range_of(upload_id)
            return web.Response(status=308, reason="Resume Incomplete", headers=headers)
        (method, params, body, token, told), media = done
        fault = self._world.take_fault(method.id)
        if fault is not None and not getattr(fault, "after_effect", False):
            if not isinstance(fault, Slow):
                return await self._spoil(request, method.id, told, fault, None)
            await asyncio.sleep(fault.seconds)
            fault = None
        response = self._act(method, told, None, (params, body, media, token))
        if response.status == 200 and isinstance(response.body, bytes):
            self._finished[upload_id] = json.loads(response.body)
        return response if fault is None else await self._spoil(request, method.id, told, fault, response)

    # --- answers

    def _note(self, refusal: Refusal) -> None:
        if refusal.violation:
            self._world.violations.append(refusal.violation)

    def _refuse(self, name: str, told: Json, refusal: Refusal, *, noted: bool = False) -> web.Response:
        if not noted:
            self._note(refusal)
        self._world.calls.append(Call(name, told, refusal.status))
        return _render_refusal(refusal)

    async def _spoil(
        self, request: web.Request, name: str, told: Json, fault: Fault, response: web.Response | None
    ) -> web.StreamResponse:
        """What the client gets instead of the answer; ``response`` is None when nothing was done."""
        if isinstance(fault, Slow):
            assert response is not None
            await asyncio.sleep(fault.seconds)
            return response
        if response is not None:
            # The answer that nobody gets is no answer in the log either.
            self._amend_last(name, 0 if isinstance(fault, Drop | Cut) else 502)
        if isinstance(fault, Refuse):
            refusal = Refusal(fault.status, fault.reason, fault.message, headers=fault.headers)
            if response is None:
                self._world.calls.append(Call(name, told, fault.status))
            else:
                self._amend_last(name, fault.status)
            return _render_refusal(refusal)
        if isinstance(fault, Html502):
            if response is None:
                self._world.calls.append(Call(name, told, 502))
            return web.Response(status=502, body=_PAGE_502, content_type="text/html", charset="utf-8")
        if response is None:
            self._world.calls.append(Call(name, told, 0))
        return await self._hang_up(request, response if isinstance(fault, Cut) else None)

    def _amend_last(self, name: str, status: int) -> None:
        with self._world.lock:
            for index in range(len(self._world.calls) - 1, -1, -1):
                if self._world.calls[index].method == name:
                    self._world.calls[index] = self._world.calls[index]._replace(status=status)
                    return

    async def _hang_up(self, request: web.Request, response: web.Response | None) -> web.StreamResponse:
        transport = request.transport
        if response is not None and transport is not None:
            body = response.body if isinstance(response.body, bytes) else b"{}"
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body) + 100}\r\n\r\n"
            transport.write(head.encode() + body[: len(body) // 2])
        if transport is not None:
            transport.close()
        return web.Response()


def _to_response(answer: Answer) -> web.Response:
    if answer is None:
        return web.Response(status=204)
    if isinstance(answer, bytes):
        return web.Response(body=answer, content_type="application/octet-stream")
    return web.Response(body=json.dumps(answer, indent=2).encode(), content_type="application/json", charset="utf-8")


def _render_refusal(refusal: Refusal) -> web.Response:
    body = json.dumps(refusal.to_json(), indent=2).encode()
    return web.Response(
        status=refusal.status, body=body, headers=refusal.headers, content_type="application/json", charset="utf-8"
    )
