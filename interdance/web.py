"""What our web servers have in common: who may ask, how much may be sent, and one sentence for what cannot be used."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interdance.errors import InputError

logger = logging.getLogger(__name__)

LOOPBACK = ("localhost", "127.0.0.1")


def protect(app: FastAPI, *, hosts: Sequence[str], max_bytes: int, headers: Mapping[str, str] | None = None) -> None:
    """Put an application behind the checks that a server on somebody's own machine needs.

    Requests for another ``Host`` are refused (400), so that a foreign page cannot reach the server by a name that it lets
    point here; so are requests that change something and come from a page of another origin (403), and bodies of more than
    ``max_bytes`` (413), as they come in and whatever their header says. An :class:`InputError` becomes 400 with its
    sentence, as ``{"error": ...}``.

    Parameters
    ----------
    app : FastAPI
    hosts : sequence of str
        Names the server goes by, besides those of the loopback; no ports. ``*`` allows all.
    max_bytes : int
        Of a request's body.
    headers : mapping of str to str, optional
        Put on every answer that does not say otherwise itself.
    """

    @app.exception_handler(InputError)
    async def refuse(_: Request, error: InputError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 400)

    app.add_middleware(_Limit, max_bytes=max_bytes)
    app.add_middleware(_SameOrigin)
    app.add_middleware(_Headers, headers=headers or {})
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, *hosts], www_redirect=False)


def serve(app: FastAPI, host: str, port: int, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve until the process is told to end; waits for requests under way, and then stops.

    Parameters
    ----------
    app : FastAPI
    host, port : str, int
        Port 0 is any that is free.
    ready : callable
        Called with the address, ``http://127.0.0.1:8600/``, as soon as it answers.

    Raises
    ------
    InputError
        The port is taken, or the address is not one of this machine.
    """
    server = _Server(uvicorn.Config(app, host, port, log_level="warning", timeout_graceful_shutdown=5))
    if not is_loopback(host):
        logger.warning("%s can be reached from other machines: whoever reaches it may use it", host)
    try:
        server.config.load()
        sockets = [server.config.bind_socket()]
    except SystemExit:  # uvicorn has logged why
        raise InputError(f"{host}:{port} cannot be served from; choose another --port, or end what uses it") from None
    name = "localhost" if _is_every(host) else f"[{host}]" if ":" in host else host
    server.ready = lambda: ready(f"http://{name}:{sockets[0].getsockname()[1]}/")
    with suppress(KeyboardInterrupt):  # how one ends it: uvicorn has stopped in good order, and raises it again
        server.run(sockets)


def names_of(host: str) -> list[str]:
    """What a server at an address goes by, for :func:`protect`: the address; if it means every one, all of the machine's."""
    names = [host]
    if _is_every(host):
        own = socket.gethostname()
        names = [own, socket.getfqdn()]
        with suppress(OSError):
            names += [str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(own, None)]
    return sorted({f"[{name}]" if ":" in name else name.lower() for name in names})


async def receive_file(request: Request, place: Path, patience_s: float, most_s: float) -> int:
    """Write a request's body to a file as it comes in; returns its bytes.

    Raises
    ------
    InputError
        When nothing comes for ``patience_s`` seconds, not all of it has come within ``most_s``, the sender has gone, or the
        file cannot be written; what has been written is the caller's to remove.
    """
    parts, size, end = request.stream(), 0, time.monotonic() + most_s
    try:
        with place.open("wb") as stream:
            while part := await asyncio.wait_for(anext(parts, b""), min(patience_s, end - time.monotonic())):
                size += stream.write(part)
    except asyncio.TimeoutError:
        raise InputError(f"nothing came for {patience_s:g} s, or not all of it in {most_s:g} s; send the file again") from None
    except ClientDisconnect:
        raise InputError("the connection was broken off; send the file again") from None
    except OSError as error:
        raise InputError(f"the file cannot be kept here ({error.strerror})") from None
    return size


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_every(host: str) -> bool:
    """Whether an address to serve from is every one of the machine's."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


class _Server(uvicorn.Server):
    """Says when it answers."""

    ready: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.ready()


class _Headers:
    """Put headers on every answer, unless it has them."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app, self.headers = app, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    present.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


class _SameOrigin:
    """Refuse what a page of another origin asks to be changed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            origin = headers.get("origin")
            if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
                refusal = JSONResponse({"error": f"a page of {origin} may not change anything here"}, 403)
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


class _TooLargeError(Exception):
    """More came than is allowed."""


class _Limit:
    """Stop reading a body that is too long."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        came, is_answered = 0, False

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self.max_bytes:
                raise _TooLargeError
            return message

        async def noted(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            if not declared.isdigit() or int(declared) > self.max_bytes:
                raise _TooLargeError
            await self.app(scope, counted, noted)
        except _TooLargeError:
            if is_answered:
                raise
            megabytes = f"{self.max_bytes / 1e6:g}"
            refusal = JSONResponse({"error": f"more than {megabytes} MB were sent; cut the take or the song"}, 413)
            await refusal(scope, receive, send)
