"""What our web servers have in common: who may ask, how much may be sent, one sentence for every refusal, and pages."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interdance.errors import InputError

logger = logging.getLogger(__name__)

LOOPBACK = ("localhost", "127.0.0.1")
MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def protect(
    app: FastAPI,
    *,
    hosts: Sequence[str],
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    too_large: str = "send less",
) -> None:
    """Put an application behind the checks that a server on somebody's own machine needs.

    Requests for another ``Host`` are refused (400), so that a foreign page cannot reach the server by a name that it lets
    point here; so are requests that change something and come from a page of another origin (403), and bodies of more than
    ``max_bytes`` (413), as they come in and whatever their header says. Every refusal is a sentence, as ``{"error": ...}``;
    an :class:`InputError` becomes 400 with its own.

    Parameters
    ----------
    app : FastAPI
    hosts : sequence of str
        Names and addresses the server goes by, besides those of the loopback; no ports. With ``0.0.0.0`` or ``::`` among them
        it goes by every address: a foreign page needs a name, for what an address points to is not its to say.
    max_bytes : int
        Of a request's body.
    headers : mapping of str to str, optional
        Put on every answer that does not say otherwise itself.
    too_large : str
        What somebody may do who sent too much.
    """

    @app.exception_handler(InputError)
    async def refuse(_: Request, error: InputError) -> JSONResponse:
        sentence = str(error).encode("utf-8", "replace").decode()  # JSON may hold halves of letters, which cannot be sent
        return JSONResponse({"error": sentence}, 400)

    @app.exception_handler(RequestValidationError)
    async def not_understood(_: Request, error: RequestValidationError) -> JSONResponse:
        """Without what was sent: it may be nothing that can be sent back."""
        places = {".".join(map(str, item["loc"])) for item in error.errors()}
        return JSONResponse({"error": f"not understood: {', '.join(sorted(places))}"}, 422)

    @app.exception_handler(404)
    async def nothing(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "there is nothing at this address"}, 404)

    @app.exception_handler(405)
    async def not_done(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": "this address does not do that"}, 405)

    app.add_middleware(_Limit, max_bytes=max_bytes, too_large=too_large)
    app.add_middleware(_SameOrigin)
    app.add_middleware(_Headers, headers=headers or {})
    app.add_middleware(_Hosts, hosts=[*LOOPBACK, *hosts])


def page_headers(also: str) -> dict[str, str]:
    """Headers for :func:`protect` where a page uses what comes from its server and nothing else.

    Its scripts, styles and pictures may come from there, and what it asks for; ``also`` says what else may, as a directive of
    its content security policy.
    """
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; {also}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {"content-security-policy": policy, "x-content-type-options": "nosniff"}


def page_file(package: str, name: str) -> bytes:
    """A file of a package's folder ``page``; :class:`FileNotFoundError` where there is none."""
    return resources.files(package).joinpath("page", name).read_bytes()


def add_page(app: FastAPI, package: str, files: Mapping[str, str]) -> None:
    """Serve files of a package's folder ``page``: address -> name. Browsers ask for them each time."""
    for address, name in files.items():
        app.get(address)(partial(_content, page_file(package, name), MEDIA_TYPES[Path(name).suffix]))


async def _content(content: bytes, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers={"cache-control": "no-cache"})


def serve(
    app: FastAPI, host: str, port: int, ready: Callable[[str], None] = lambda address: None, shown: str = "localhost"
) -> None:
    """Serve until the process is told to end; waits for requests under way, and then stops.

    Parameters
    ----------
    app : FastAPI
    host, port : str, int
        Port 0 is any that is free.
    ready : callable
        Called with the address, ``http://127.0.0.1:8600/``, as soon as it answers.
    shown : str
        What that address says where ``host`` is every one of the machine's.

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
    name = shown if is_every(host) else host
    name = f"[{name}]" if ":" in name else name
    server.ready = lambda: ready(f"http://{name}:{sockets[0].getsockname()[1]}/")
    with suppress(KeyboardInterrupt):  # how one ends it: uvicorn has stopped in good order, and raises it again
        server.run(sockets)


def names_of(host: str) -> list[str]:
    """What a server at an address goes by, for :func:`protect`: the address, and if it means every one, the machine's names."""
    names = {host, socket.gethostname(), socket.getfqdn()} if is_every(host) else {host}
    return sorted(name.lower() for name in names)


def check_names(names: Sequence[str]) -> None:
    """Raise :class:`InputError` for what is no name or address that a browser calls a server by."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", name) and not _is_address(name):
            raise InputError(f"--name {name}: a name or an address alone is needed, without http://, port or path")


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


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_every(host: str) -> bool:
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


class _Hosts:
    """Refuse requests for another host."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app, self.hosts, self.is_every = app, {host.lower() for host in hosts}, any(map(is_every, hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._is_ours(dict(scope["headers"]).get(b"host", b"")):
            await self.app(scope, receive, send)
            return
        refusal = JSONResponse({"error": "this server does not go by that name; --name lets it"}, 400)
        await refusal(scope, receive, send)

    def _is_ours(self, header: bytes) -> bool:
        try:
            host = urlsplit("//" + header.decode("latin-1")).hostname or ""
        except ValueError:
            return False
        return host in self.hosts or (self.is_every and _is_address(host))


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

    def __init__(self, app: ASGIApp, max_bytes: int, too_large: str) -> None:
        self.app, self.max_bytes = app, max_bytes
        self.sentence = f"more than {max_bytes / 1e6:g} MB were sent; {too_large}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        came, is_answered, is_too_much = 0, False, False

        async def counted() -> Message:
            nonlocal came, is_too_much
            message = await receive()
            came += len(message.get("body", b""))
            if came > self.max_bytes:
                is_too_much = True
                raise _TooLargeError
            return message

        async def noted(message: Message) -> None:
            nonlocal is_answered
            if is_too_much and not is_answered:  # whatever was made of the error that has been raised
                raise _TooLargeError
            is_answered = True
            await send(message)

        try:
            if not declared.isdigit() or int(declared) > self.max_bytes:
                raise _TooLargeError
            await self.app(scope, counted, noted)
        except _TooLargeError:
            if is_answered:
                raise
            refusal = JSONResponse({"error": self.sentence}, 413)
            await refusal(scope, receive, send)
