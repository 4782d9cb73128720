"""The study as participants see it: one page, the films, and the answers that come back.

Nothing that is served names a system, a take or a file: films go by random tokens, checks look like any other film, and the
plan stays on disk. The server keeps no log of requests.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, StringConstraints
from sqlalchemy.exc import SQLAlchemyError

from interdance import web
from interdance.errors import InputError
from interdance.study.plan import Plan, film_path, mark_served, read_plan
from interdance.study.questions import EXPERIENCES, QUESTIONS, Experience, QuestionKey
from interdance.study.store import RefusedError, Side, State, Store

logger = logging.getLogger(__name__)

COOKIE_DAYS = 90
MAX_BYTES = 10_000
_SECRET = r"[A-Za-z0-9_-]{32}"
_FILES = {"/": "index.html", "/assets/study.css": "study.css", "/assets/study.js": "study.js"}
_HEADERS = web.page_headers("media-src 'self'") | {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",  # of what says nothing of caches itself
}

Number = Annotated[int, InPath(ge=1, le=100_000)]
"""Of a pair, as participants count: from 1."""


class Start(BaseModel):
    """What a participant says before the first film."""

    experience: Experience


class Resume(BaseModel):
    """The secret of a participant who goes on in another browser."""

    secret: Annotated[str, StringConstraints(pattern=rf"^{_SECRET}$")]


class Answer(BaseModel):
    """Which side is better."""

    side: Side


def create_app(
    plan: Plan,
    folder: Path,
    store: Store,
    *,
    hosts: Sequence[str] = (),
    consent: Sequence[str] = (),
    clock: Callable[[], float] = time.time,
) -> FastAPI:
    """The application.

    Parameters
    ----------
    plan : Plan
    folder : Path
        Of the study, for its films.
    store : Store
    hosts : sequence of str
        Names the server goes by, besides those of the loopback.
    consent : sequence of str
        Paragraphs of the researchers' own, shown before a participant agrees.
    clock : callable
        Seconds since 1970.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    films = {film.token: film_path(folder, film.token) for film in plan.films}
    cookie = f"study_{plan.fingerprint}"  # of this study alone: cookies of a host are sent to all of its ports

    @app.exception_handler(RefusedError)
    async def refuse(_: Request, error: RefusedError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, error.status)

    @app.exception_handler(SQLAlchemyError)
    async def wait(_: Request, error: SQLAlchemyError) -> JSONResponse:
        logger.error("the database: %s", error)
        return JSONResponse({"error": "answers cannot be stored just now; try again in a moment"}, 503)

    @app.get("/films/{token}.mp4")
    def film(token: str) -> Response:
        if token not in films:
            raise RefusedError(404, "no such film")
        return FileResponse(films[token], media_type="video/mp4", headers={"Cache-Control": "private, max-age=86400"})

    @app.get("/api/study")
    def study() -> dict[str, Any]:
        return {
            "seconds": plan.seconds,
            "num_trials": plan.num_pairs + plan.num_checks,
            "questions": [{"key": item.key, "text": item.text, "hint": item.hint} for item in QUESTIONS],
            "experiences": EXPERIENCES,
            "consent": list(consent),
        }

    def secret_of(request: Request) -> str:
        secret = request.cookies.get(cookie, "")
        if not re.fullmatch(_SECRET, secret):
            raise RefusedError(401, "nobody of this study; begin on its first page")
        return secret

    def remember(request: Request, response: Response, secret: str) -> None:
        seconds, is_secure = COOKIE_DAYS * 86_400, request.url.scheme == "https"
        response.set_cookie(cookie, secret, max_age=seconds, httponly=True, samesite="lax", secure=is_secure)

    @app.get("/api/me")
    def me(request: Request) -> dict[str, Any]:
        """How far whoever asks is; nothing of somebody who has not begun."""
        try:
            secret = secret_of(request)
            return _told(store.state(secret), secret)
        except RefusedError:
            return {}

    @app.post("/api/start")
    def start(asked: Start, request: Request, response: Response) -> dict[str, Any]:
        """Begin; who has begun already goes on."""
        if known := me(request):
            return known
        secret = store.start(asked.experience, clock())
        remember(request, response, secret)
        return _told(store.state(secret), secret)

    @app.post("/api/resume")
    def resume(asked: Resume, request: Request, response: Response) -> dict[str, Any]:
        state = store.state(asked.secret)
        remember(request, response, asked.secret)
        return _told(state, asked.secret)

    @app.post("/api/pairs/{number}/open")
    def open_pair(number: Number, request: Request) -> dict[str, Any]:
        opened = store.open(secret_of(request), number - 1, clock())
        return {"film": f"/films/{opened.film}.mp4", "first": opened.first, "answers": opened.answers}

    @app.put("/api/pairs/{number}/answers/{question}")
    def answer(number: Number, question: QuestionKey, asked: Answer, request: Request) -> dict[str, Any]:
        store.answer(secret_of(request), number - 1, question, asked.side, clock())
        return {"stored": True}

    @app.post("/api/finish")
    def finish(request: Request) -> dict[str, Any]:
        secret = secret_of(request)
        return _told(store.finish(secret, clock()), secret)

    web.add_page(app, "interdance.study", _FILES)
    web.protect(app, hosts=hosts, max_bytes=MAX_BYTES, headers=_HEADERS)
    return app


def serve_study(
    folder: Path,
    host: str,
    port: int,
    *,
    database: str | None,
    hosts: Sequence[str],
    consent: Path | None,
    say: Callable[[str], None],
) -> None:
    """Serve a study until the process is told to end.

    Raises
    ------
    InputError
        For a folder, a database, a text or an address that cannot be used.
    """
    web.check_names(hosts)
    if web.is_every(host) and not hosts:
        raise InputError(f"--host {host}: say by which address participants come, such as --name 192.168.0.7")
    names = list(hosts) if web.is_every(host) else [host, *hosts]
    plan = read_plan(folder)
    paragraphs = read_consent(consent) if consent else []
    store = Store(plan, folder, database)

    try:
        mark_served(folder)
        web.serve(create_app(plan, folder, store, hosts=names, consent=paragraphs), host, port, say, shown=names[0])
    finally:
        store.close()


def read_consent(path: Path) -> list[str]:
    """Paragraphs of a text file, which blank lines part. Raises :class:`InputError` when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); give a text in UTF-8") from None
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _told(state: State, secret: str) -> dict[str, Any]:
    return {"answered": state.num_answered, "num_trials": state.num_trials, "code": state.code, "secret": secret}
