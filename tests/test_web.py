"""The guards of our web servers."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from pydantic import BaseModel

from interdance import web
from interdance.errors import InputError


class Sent(BaseModel):
    text: str


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    app = FastAPI()

    @app.post("/")
    async def echo(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.post("/streamed")
    async def streamed(request: Request) -> dict[str, int]:
        return {"bytes": sum([len(part) async for part in request.stream()])}

    @app.post("/file")
    async def file(request: Request) -> dict[str, int]:
        return {"bytes": await web.receive_file(request, tmp_path_factory.getbasetemp() / "came", 5.0, 0.5)}

    @app.post("/model")
    async def model(sent: Sent) -> dict[str, int]:
        return {"bytes": len(sent.text)}

    @app.get("/own")
    def own() -> Response:
        return Response(headers={"x-of-all": "mine"})

    @app.get("/half")
    def half() -> None:
        raise InputError("\ud800: unknown key")

    @app.get("/bad")
    def bad() -> None:
        raise InputError("song.ogg: shorter than the dance; bring a longer one")

    web.add_page(app, "interdance.study", {"/page": "index.html", "/page.js": "study.js"})
    web.protect(app, hosts=["dance.example"], max_bytes=1000, headers={"x-of-all": "ours"})
    return TestClient(app, base_url="http://localhost:8000")


def test_what_fits_comes_through(client: TestClient) -> None:
    assert client.post("/", content=b"x" * 1000).json() == {"bytes": 1000}


@pytest.mark.parametrize("path", ["/", "/streamed", "/file", "/model"])
def test_too_much_is_refused_whatever_the_header_says(client: TestClient, path: str) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    for body in (b"x" * 1001, parts()):  # the second is sent in chunks, without a length
        answer = client.post(path, content=body)
        assert (answer.status_code, answer.json()["error"]) == (413, "more than 0.001 MB were sent; send less")


def test_too_much_is_refused_before_anybody_reads_it(client: TestClient) -> None:
    assert client.post("/nothing", content=b"x" * 1000).status_code == 404
    assert client.post("/nothing", content=b"x" * 1001).status_code == 413


@pytest.mark.parametrize(("host", "status"), [("dance.example:80", 200), ("evil.example", 400), ("127.0.0.1:8000", 200)])
def test_foreign_hosts_are_refused(client: TestClient, host: str, status: int) -> None:
    assert client.post("/", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:8000", 200), ("http://evil.example", 403), ("null", 403), ("http://localhost:8001", 403)],
)
def test_other_origins_change_nothing(client: TestClient, origin: str, status: int) -> None:
    assert client.post("/", headers={"origin": origin}).status_code == status
    for method in ("PUT", "DELETE", "PATCH"):
        assert client.request(method, "/nothing", headers={"origin": origin}).status_code == (404 if status == 200 else 403)
    assert client.get("/own", headers={"origin": origin}).status_code == 200, "looking changes nothing"


def test_what_is_not_understood_is_not_sent_back(client: TestClient) -> None:
    answer = client.post("/model", json={"text": ["<script>"]})
    assert (answer.status_code, answer.json()) == (422, {"error": "not understood: body.text"})
    assert client.get("/nothing").json() == {"error": "there is nothing at this address"}
    assert client.get("/streamed").json() == {"error": "this address does not do that"}


def test_a_page_is_asked_for_each_time(client: TestClient) -> None:
    for address, media_type in (("/page", "text/html"), ("/page.js", "text/javascript")):
        answer = client.get(address)
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"


def test_a_users_mistake_is_a_sentence(client: TestClient) -> None:
    answer = client.get("/bad")
    assert (answer.status_code, answer.json()) == (400, {"error": "song.ogg: shorter than the dance; bring a longer one"})


def test_a_sentence_that_cannot_be_sent_is_sent_nearly(client: TestClient) -> None:
    answer = client.get("/half")
    assert (answer.status_code, answer.json()) == (400, {"error": "?: unknown key"})


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


def test_a_file_is_written_as_it_comes(client: TestClient, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert client.post("/file", content=iter([b"ab", b"c" * 500])).json() == {"bytes": 502}
    assert (tmp_path_factory.getbasetemp() / "came").read_bytes() == b"ab" + b"c" * 500


def test_a_sender_who_dawdles_is_sent_away(tmp_path: Path) -> None:
    async def dawdle(pause: float) -> str:
        async def receive() -> dict[str, object]:
            await asyncio.sleep(pause)
            return {"type": "http.request", "body": b"x", "more_body": True}

        with pytest.raises(InputError) as refusal:
            came = web.receive_file(Request({"type": "http"}, receive), tmp_path / "came", patience_s=0.2, most_s=0.5)
            await asyncio.wait_for(came, 20)
        return str(refusal.value)

    for pause, least in ((10.0, 0.2), (0.05, 0.5)):
        begun = time.monotonic()
        assert "send the file again" in asyncio.run(dawdle(pause))
        assert least <= time.monotonic() - begun < least + 2


def test_headers_are_on_every_answer_that_has_none_of_its_own(client: TestClient) -> None:
    answers = [client.get(path) for path in ("/own", "/bad", "/nothing")] + [client.post("/", headers={"origin": "null"})]
    assert [answer.headers["x-of-all"] for answer in answers] == ["mine", "ours", "ours", "ours"]


def test_a_server_goes_by_its_address_or_by_all_of_the_machines() -> None:
    assert web.names_of("127.0.0.1") == ["127.0.0.1"]
    assert web.names_of("::1") == ["::1"]
    assert {socket.gethostname().lower(), "0.0.0.0"} <= set(web.names_of("0.0.0.0"))


@pytest.mark.parametrize(
    ("served", "host", "status"),
    [
        ("0.0.0.0", "192.168.0.7:8600", 404),
        ("::", "[fe80::1]:8600", 404),
        ("0.0.0.0", "evil.example", 400),
        ("0.0.0.0", "192.168.0.7.evil.example", 400),
        ("127.0.0.1", "192.168.0.7:8600", 400),
        ("::1", "[::1]:8600", 404),
        ("::1", "[::2]:8600", 400),
        ("::1", "[", 400),
    ],
)
def test_who_serves_every_address_is_called_by_any_and_by_no_foreign_name(served: str, host: str, status: int) -> None:
    app = FastAPI()
    web.protect(app, hosts=web.names_of(served), max_bytes=1000)
    assert TestClient(app).get("/", headers={"host": host}).status_code == status


@pytest.mark.parametrize("name", ["http://dance.example", "dance.example:8600", "dance.example/x", "", "*"])
def test_what_is_no_name_is_said(name: str) -> None:
    web.check_names(["dance.example", "192.168.0.7", "fe80::1"])
    with pytest.raises(InputError, match="a name or an address alone is needed"):
        web.check_names([name])


def test_what_serves_says_where_as_soon_as_it_answers() -> None:
    """In a process of its own, for it wants the signals; told to end, it ends in good order."""
    code = (
        "from fastapi import FastAPI; from interdance import web; "
        "web.serve(FastAPI(), '127.0.0.1', 0, lambda address: print(address, flush=True)); print('ended')"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().strip()
        with socket.create_connection(("127.0.0.1", urlsplit(address).port), timeout=5):
            pass
        server.send_signal(signal.SIGINT)
        assert (server.stdout.read(), server.wait(10)) == ("ended\n", 0)
