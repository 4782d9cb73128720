"""The guards of our web servers."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from interdance import web
from interdance.errors import InputError


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()

    @app.post("/")
    async def echo(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.post("/streamed")
    async def streamed(request: Request) -> dict[str, int]:
        return {"bytes": sum([len(part) async for part in request.stream()])}

    @app.get("/bad")
    def bad() -> None:
        raise InputError("song.ogg: shorter than the dance; bring a longer one")

    web.protect(app, hosts=["dance.example"], max_bytes=1000)
    return TestClient(app, base_url="http://localhost:8000")


def test_what_fits_comes_through(client: TestClient) -> None:
    assert client.post("/", content=b"x" * 1000).json() == {"bytes": 1000}


@pytest.mark.parametrize("path", ["/", "/streamed"])
def test_too_much_is_refused_whatever_the_header_says(client: TestClient, path: str) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    for body in (b"x" * 1001, parts()):  # the second is sent in chunks, without a length
        answer = client.post(path, content=body)
        assert (answer.status_code, answer.json()["error"].split(";")[0]) == (413, "more than 0.001 MB were sent")


@pytest.mark.parametrize(("host", "status"), [("dance.example:80", 200), ("evil.example", 400), ("127.0.0.1:8000", 200)])
def test_foreign_hosts_are_refused(client: TestClient, host: str, status: int) -> None:
    assert client.post("/", headers={"host": host}).status_code == status


@pytest.mark.parametrize(("origin", "status"), [("http://localhost:8000", 200), ("http://evil.example", 403), ("null", 403)])
def test_other_origins_change_nothing(client: TestClient, origin: str, status: int) -> None:
    assert client.post("/", headers={"origin": origin}).status_code == status


def test_a_users_mistake_is_a_sentence(client: TestClient) -> None:
    answer = client.get("/bad")
    assert (answer.status_code, answer.json()) == (400, {"error": "song.ogg: shorter than the dance; bring a longer one"})


def test_a_taken_port_is_said() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(InputError, match="cannot be served from"):
            web.serve(FastAPI(), "127.0.0.1", other.getsockname()[1])


def test_loopback_is_told_from_other_addresses() -> None:
    assert [web.is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "dance.example")] == [
        *(True, True, True, False, False)
    ]
