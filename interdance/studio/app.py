"""The studio's web server: addresses, answers and headers. What they mean is in :mod:`interdance.studio.core`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from interdance import web
from interdance.config import Params
from interdance.errors import InputError
from interdance.studio.core import Studio, UnknownError
from interdance.studio.forms import PAGE
from interdance.studio.jobs import BusyError
from interdance.studio.store import Kind

MOST_JSON = 65_536  # bytes
HEADERS = web.page_headers("frame-src 'self'") | {
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "same-origin",
    "cache-control": "no-cache",
}
#: A result's page brings its own program, and with it names that strangers chose: it may run, alone in a world of its own.
PAGE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "media-src data: blob:; connect-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
PACKAGE = "interdance.studio"
FILES = {"/": "index.html", "/studio.css": "studio.css", "/studio.js": "studio.js"}


def make_app(studio: Studio, hosts: list[str]) -> FastAPI:
    """The application; ``hosts`` are the names it goes by, besides those of the loopback."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await studio.open()
            yield
        finally:
            await studio.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    most = int(studio.params.studio.upload_mb * 1e6)
    web.protect(app, hosts=hosts, max_bytes=most, headers=HEADERS, too_large="cut the take or the song")
    _say_errors(app)
    web.add_page(app, PACKAGE, FILES)
    _add_sources(app, studio)
    _add_jobs(app, studio)
    return app


def open_studio(
    root: Path, params: Params, host: str, port: int, ready: Callable[[str], None], names: Sequence[str] = ()
) -> None:
    """Serve the studio of a project until the process is told to end; ``ready`` is called with its address.

    Browsers may call it by that address, and by ``names``.

    Raises
    ------
    InputError
        For a name that is none; when it cannot be served from there, or another studio is open on the same state.
    """
    web.check_names(names)
    studio = Studio(root, params)
    try:
        web.serve(make_app(studio, [*web.names_of(host), *names]), host, port, ready)
    finally:
        studio.store.close()


def _say_errors(app: FastAPI) -> None:
    async def answer(status: int, _: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status)

    app.add_exception_handler(BusyError, partial(answer, 429))
    app.add_exception_handler(UnknownError, partial(answer, 404))


def _add_sources(app: FastAPI, studio: Studio) -> None:
    most = studio.params.studio

    @app.get("/api/options")
    async def options() -> dict[str, Any]:
        return studio.options()

    @app.get("/api/models")
    async def models() -> list[dict[str, Any]]:
        found = [asdict(model) for model in await studio.models()]
        return [{"can_be_used": model.pop("folder") is not None, **model} for model in found]

    @app.get("/api/sources")
    async def sources() -> list[dict[str, Any]]:
        return studio.sources()

    @app.post("/api/uploads/{kind}", status_code=201)
    async def upload(request: Request, kind: Kind, name: str = "", mapping: str = "") -> dict[str, Any]:
        receive = partial(web.receive_file, request, patience_s=most.patience_s, most_s=most.upload_s)
        return asdict(await studio.upload(kind, name, mapping, receive))

    @app.delete("/api/uploads/{name}", status_code=204)
    async def remove(name: str) -> None:
        studio.remove_upload(name)


def _add_jobs(app: FastAPI, studio: Studio) -> None:
    @app.get("/api/jobs")
    async def jobs() -> list[dict[str, Any]]:
        return studio.jobs()

    @app.post("/api/jobs", status_code=201)
    async def submit(request: Request) -> dict[str, Any]:
        return studio.described(await studio.submit(await _json(request)))

    @app.post("/api/jobs/{name}/cancel")
    async def cancel(name: str) -> dict[str, Any]:
        return studio.described(await studio.cancel(name))

    @app.delete("/api/jobs/{name}", status_code=204)
    async def remove(name: str) -> None:
        await studio.remove_job(name)

    @app.get("/api/jobs/{name}/page")
    def page(name: str) -> Response:
        place, form, _ = studio.file(name, PAGE)
        content = place.read_bytes() + b"<script>" + web.page_file(PACKAGE, "frame.js") + b"</script>"
        return Response(content, media_type=form.media_type, headers={"content-security-policy": PAGE_POLICY})

    @app.get("/api/jobs/{name}/files/{file}")
    async def download(name: str, file: str, seed: int | None = None) -> FileResponse:
        place, form, saved = studio.file(name, file, seed)
        return FileResponse(place, media_type=form.media_type, filename=saved, headers={"content-security-policy": "sandbox"})

    @app.post("/api/jobs/{name}/files/{file}", status_code=202)
    async def make(name: str, file: str) -> None:
        await studio.make_form(name, file)

    @app.delete("/api/jobs/{name}/files/{file}", status_code=204)
    async def stop(name: str, file: str) -> None:
        await studio.cancel_form(name, file)


async def _json(request: Request) -> Any:
    """The value that a request carries. Raises :class:`InputError` when it is none, or a long one."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MOST_JSON:
            raise InputError("the request is too long")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise InputError("the request is not JSON") from None
