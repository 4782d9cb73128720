"""The studio as a person has it: a real server, processes and browser; and what hostile input leaves behind: nothing."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import psutil
import pytest
import soundfile
import yaml
from chromium import Chromium
from conftest import REPOSITORY
from dancers import swaying, write_untrained

from benchmarks.seeds import write_bvh
from interdance import config, registry
from interdance.body.model import Body
from interdance.config import Paths
from interdance.errors import InputError
from interdance.files import write_json
from interdance.generation.files import generate_files
from interdance.studio import core, jobs, tasks
from interdance.studio.child import Child
from interdance.studio.jobs import JobQueue, Reader, Work
from interdance.studio.requests import Model, check_model, default_request, label_of, read_request
from interdance.studio.store import Job, Store
from interdance.takes import Duet, write_motion, write_take

FRAMES = 45
LONG = 900  # frames that keep a model busy for a while
TAKE = "take:couples/sway"


class Server:
    """A studio in a process of its own, spoken to as a browser does."""

    def __init__(self, root: Path) -> None:
        self.state = root / ".state" / "studio"
        command = [sys.executable, "-m", "interdance.cli", "studio", "--port", "0", "--root", str(root)]
        self.log = root / "studio.log"
        with self.log.open("a") as stream:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stream, text=True, start_new_session=True)
        line = self.process.stdout.readline()
        assert line.startswith("studio: http://127.0.0.1:"), line
        self.address = line.split()[1]
        self.netloc = urlsplit(self.address).netloc

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, raw: bool = False
    ) -> tuple[int, Any]:
        """Status and value (or bytes) of an answer."""
        connection = http.client.HTTPConnection(self.netloc, timeout=120)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # the server has said no before all was sent
                connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, data if raw else json.loads(data or "null")
        finally:
            connection.close()

    def upload(self, kind: str, data: bytes, name: str = "x", mapping: str = "") -> tuple[int, Any]:
        return self.ask("POST", f"/api/uploads/{kind}?name={quote(name)}&mapping={mapping}", data)

    def request(self, **changed: Any) -> dict[str, Any]:
        usual = self.ask("GET", "/api/options")[1]["defaults"]
        return usual | {"leader": TAKE, "song": TAKE, "contact_scale": 0.0, "penetration_scale": 0.0} | changed

    def submit(self, **changed: Any) -> tuple[int, Any]:
        return self.ask("POST", "/api/jobs", json.dumps(self.request(**changed)))

    def job(self, name: str) -> dict[str, Any]:
        return next(job for job in self.ask("GET", "/api/jobs")[1] if job["id"] == name)

    def wait(self, name: str, true: Callable[[dict[str, Any]], Any], seconds: float = 90.0) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while not true(job := self.job(name)):
            assert time.monotonic() < deadline, job
            time.sleep(0.05)
        return job

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def serving(root: Path) -> Iterator[Server]:
    server = Server(root)
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGINT)
        try:
            server.process.wait(20)
        finally:
            server.process.kill()
            server.process.stdout.close()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a model that has learned nothing, and one test take."""
    folder = tmp_path_factory.mktemp("project")
    limits = {"upload_mb": 3.0, "uploads": 3, "queue": 2, "patience_s": 30.0, "longest_s": 40.0, "longest_song_s": 60.0}
    values = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    for overlay in (yaml.safe_load((REPOSITORY / "tests" / "smoke.yaml").read_text()), {"studio": limits}):
        values = config.merge(values, overlay)
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    params = config.load(folder / "params.yaml")
    write_untrained(folder / "models" / "denoiser", params, FRAMES)
    for name, frames in (("sway", FRAMES), ("long", LONG)):
        place = folder / "data" / "takes" / "couples" / name
        place.mkdir(parents=True)
        sound(place / "music.flac", frames / 30 + 0.5)
        write_take(place.parent, Duet(name, "sway", swaying(frames), None, place / "music.flac"))
    takes = {"train": [], "validation": [], "test": ["couples/sway", "couples/long"]}
    write_json(folder / "data" / "split.json", {"takes": takes})
    return folder


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[Server]:
    with serving(root) as running:
        yield running


def sound(path: Path, seconds: float) -> Path:
    rng = np.random.default_rng(0)
    soundfile.write(path, 0.1 * rng.normal(size=round(seconds * 22050)), 22050)
    return path


def motion_bytes(folder: Path, frames: int = FRAMES, **changed: Any) -> bytes:
    write_motion(folder / "a.npz", replace(swaying(frames), **changed))
    return (folder / "a.npz").read_bytes()


# ------------------------------------------------------------------------------------------------------ as it is meant


def test_what_there_is_to_choose_from(server: Server) -> None:
    models = {model["id"]: model for model in server.ask("GET", "/api/models")[1]}
    assert [model["can_be_used"] for model in models.values()] == [True, False, False]
    assert "interdance promote" in models["champion"]["note"]
    assert all("folder" not in model for model in models.values()), "places are nobody's business"
    assert not (server.state.parent / "mlflow.db").exists(), "looking makes no store"
    sources = server.ask("GET", "/api/sources")[1]
    assert [(item["id"], item["kind"]) for item in sources if item["id"] == TAKE] == [(TAKE, "leader"), (TAKE, "song")]


@pytest.fixture(scope="module")
def made(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A dance of two followers, as the studio tells of it when it is done; what it was made from is in ``folder``."""
    folder = tmp_path_factory.mktemp("made")
    write_bvh(folder / "lead.bvh", swaying(FRAMES), Body.load())
    sound(folder / "song.wav", 2.0)
    status, leader = server.upload("leader", (folder / "lead.bvh").read_bytes(), "../../<b>lead</b>\x00\n.bvh")
    assert (status, leader["kind"], leader["label"]) == (201, "leader", "../../<b>lead</b> .bvh")
    assert leader["seconds"] == pytest.approx(FRAMES / 30, abs=0.05) and "skeleton salsa" in leader["note"]
    status, song = server.upload("song", (folder / "song.wav").read_bytes(), "song.wav")
    assert (status, song["seconds"]) == (201, 2.0)
    status, job = server.submit(leader=f"upload:{leader['id']}", song=f"upload:{song['id']}", seed=3, followers=2, clean=True)
    assert status == 201, job
    done = server.wait(job["id"], lambda job: job["state"] != "open")
    assert done["state"] == "done", done["error"]
    return done | {"folder": folder}


def test_the_follower_is_the_one_that_the_command_line_makes(server: Server, root: Path, made: dict[str, Any]) -> None:
    params, folder = config.load(root / "params.yaml"), made["folder"]
    params = replace(params, guidance=replace(params.guidance, contact_scale=0.0, penetration_scale=0.0))
    out, model = folder / "out", root / "models" / "denoiser"
    generate_files(folder / "lead.bvh", folder / "song.wav", out, model, params, 3, num_samples=2, clean=True, film=False)
    told = json.loads((out / "generated.json").read_text())
    assert [item["seed"] for item in made["followers"]] == [item["seed"] for item in told["samples"]]
    for item in told["samples"]:
        status, data = server.ask("GET", f"/api/jobs/{made['id']}/files/follower.npz?seed={item['seed']}", raw=True)
        place = out if item["seed"] == told["seed"] else out / f"sample_{item['seed']}"
        with np.load(io.BytesIO(data)) as here, np.load(place / "follower.npz") as there:
            assert status == 200 and all((here[key] == there[key]).all() for key in there.files)
    facts = json.loads(server.ask("GET", f"/api/jobs/{made['id']}/files/generated.json", raw=True)[1])
    assert (facts["leader"], facts["music"]) == ("../../<b>lead</b> .bvh", "song.wav")
    page = server.ask("GET", f"/api/jobs/{made['id']}/page", raw=True)[1].decode()
    assert "<b>lead" not in page, "what somebody called a file is never markup"


def test_other_forms_are_made_when_somebody_asks_for_them(server: Server, made: dict[str, Any]) -> None:
    begins = {"duet.mp4": b"ftyp", "duet.png": b"PNG", "duet.glb": b"glTF", "follower.bvh": b"HIER", "leader.bvh": b"HIER"}
    place = f"/api/jobs/{made['id']}/files"
    for file in begins:
        assert server.ask("GET", f"{place}/{file}")[0] == 404
        assert server.ask("POST", f"{place}/{file}")[0] == 202
        job = server.wait(made["id"], lambda job: not any("progress" in form for form in job["forms"]))
    assert not [form["error"] for form in job["forms"] if "error" in form]
    for file, word in begins.items():
        assert word in server.ask("GET", f"{place}/{file}", raw=True)[1][:16], file
    assert all(form["bytes"] for form in job["forms"])


def test_cancel_ends_the_process_within_two_seconds_and_leaves_nothing(server: Server) -> None:
    name = server.submit(leader="take:couples/long", song="take:couples/long", steps=50, followers=8)[1]["id"]
    waits = server.submit(leader="take:couples/long", song="take:couples/long", steps=50, followers=8)[1]["id"]
    server.wait(name, lambda job: job["progress"]["what"].startswith("sampling"))
    before = server.workers()
    begun = time.monotonic()
    for each in (waits, name):
        status, job = server.ask("POST", f"/api/jobs/{each}/cancel")
        assert (status, job["state"]) == (200, "cancelled")
    assert time.monotonic() - begun < 2.0
    assert len([process for process in before if process.is_running()]) == len(before) - 1
    assert [path.name for each in (name, waits) for path in (server.state / "jobs" / each).iterdir()] == ["job.json"] * 2
    assert server.ask("DELETE", f"/api/jobs/{name}")[0] == 204
    assert not (server.state / "jobs" / name).exists()


# -------------------------------------------------------------------------------------------------------- hostile input


def bomb() -> bytes:
    """An archive of 200 kB that promises 200 MB of zeros."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("poses.npy", "w", force_zip64=True) as entry,
    ):
        np.lib.format.write_array_header_1_0(entry, {"descr": "<f8", "fortran_order": False, "shape": (151_000, 165)})
        for _ in range(200):
            entry.write(bytes(1_000_000))
    return buffer.getvalue()


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, poses=np.array([{"a": print}], object), trans=np.zeros(3), betas=np.zeros(10), mocap_frame_rate=30)
    return buffer.getvalue()


def absurd_bvh(frames: int) -> bytes:
    joints = "".join(f"JOINT j{n} {{ OFFSET 0 1 0 CHANNELS 3 Zrotation Xrotation Yrotation\n" for n in range(900))
    head = "HIERARCHY\nROOT Hips { OFFSET 0 0 0 CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
    return (head + joints + "}" * 901 + f"\nMOTION\nFrames: {frames}\nFrame Time: 0.03\n").encode()


def strange_bvh() -> bytes:
    """Two seconds of a skeleton that nobody has."""
    head = "HIERARCHY\nROOT a {\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
    end = "End Site\n{\nOFFSET 0 1 0\n}\n}\nMOTION\nFrames: 60\nFrame Time: 0.0333333\n"
    return (head + end + "0 0 0 0 0 0\n" * 60).encode()


def flac_of(seconds: float, folder: Path) -> bytes:
    soundfile.write(folder / "s.flac", np.zeros(round(seconds * 8000), np.float32), 8000)
    return (folder / "s.flac").read_bytes()


def long_names() -> bytes:
    """An archive of forty arrays whose names together are longer than any answer may be."""
    buffer = io.BytesIO()
    np.savez(buffer, **{f"{number:03d}" + "é" * 18_000: np.zeros(1) for number in range(40)})
    return buffer.getvalue()


HOSTILE: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "empty": ("leader", lambda _: b"", "is empty"),
    "text": ("leader", lambda _: b"hello" * 100, "is neither a BVH file nor an .npz archive"),
    "song_as_leader": ("leader", lambda f: sound(f / "a.wav", 1).read_bytes(), "is a song, and a leader's dance is needed"),
    "leader_as_song": ("song", motion_bytes, "is a dance, and a song is needed"),
    "page_as_song": ("song", lambda _: b"<html><script>alert(1)</script>", "is no song"),
    "zip_bomb": ("leader", lambda _: bomb(), "would unpack to"),
    "pickle": ("leader", lambda _: pickled(), "cannot be read without unpickling"),
    "bare_pickle": ("leader", lambda _: pickle.dumps({"poses": 1}), "is neither a BVH file nor an .npz archive"),
    "not_a_number": ("leader", lambda f: motion_bytes(f, translation_T3=np.full((FRAMES, 3), np.nan)), "holds NaN"),
    "too_long": ("leader", lambda f: motion_bytes(f, 1300), "the dance lasts 43.33 s, and 1 to 40 s are taken; cut it"),
    "too_short": ("leader", lambda f: motion_bytes(f, 20), "choose a longer one"),
    "absurd_rate": ("leader", lambda f: motion_bytes(f, fps=1e9), "frames per second between 1 and 1000"),
    "bvh_that_promises": ("leader", lambda _: absurd_bvh(10**12), "the header says 1000000000000 frames"),
    "unknown_skeleton": ("leader", lambda _: strange_bvh(), "; choose another skeleton, or write the file with one of"),
    "short_song": ("song", lambda f: sound(f / "a.ogg", 0.3).read_bytes(), "the song lasts 0.3 s, and 1 to 60 s"),
    "bvh_without_end": ("leader", lambda _: b"HIERARCHY\nROOT a {\n" * 50_000, "x: "),
    "cut_song": ("song", lambda f: sound(f / "a.ogg", 20).read_bytes()[:5000], "the file is cut off"),
    "noise_as_song": ("song", lambda _: b"ID3" + np.random.default_rng(0).bytes(100_000), "not a sound file"),
    "long_names": ("leader", lambda _: long_names(), "no array named 'poses' (it holds: 000ééé"),
    "endless_song": ("song", lambda f: flac_of(4000, f), "the song lasts 4000 s, and 1 to 60 s are taken"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_in_a_sentence_and_leave_nothing(server: Server, tmp_path: Path, kind: str) -> None:
    before = sorted(server.state.glob("uploads/*"))
    role, make, sentence = HOSTILE[kind]
    data = make(tmp_path)
    assert len(data) < 3e6, "small enough to be let in"
    status, answer = server.upload(role, data)
    assert (status, list(answer)) == (400, ["error"])
    assert sentence in answer["error"] and "\n" not in answer["error"]
    assert str(server.state.parent.parent) not in answer["error"], "where it lies is nobody's business"
    assert sorted(server.state.glob("uploads/*")) == before and not list(server.state.glob("incoming/*"))
    assert server.ask("GET", "/api/options")[0] == 200


def test_too_much_is_refused_whatever_the_header_says(server: Server) -> None:
    chunks = (b"x" * 100_000 for _ in range(40))
    for status, answer in (server.upload("leader", b"x" * 3_000_001), server.ask("POST", "/api/uploads/song", chunks)):
        assert (status, answer["error"]) == (413, "more than 3 MB were sent; cut the take or the song")
    assert server.ask("POST", "/api/jobs", b"[" * 100_000) == (400, {"error": "the request is too long"})
    assert not list(server.state.glob("incoming/*"))


def test_a_connection_that_breaks_off_leaves_nothing(server: Server) -> None:
    connection = http.client.HTTPConnection(server.netloc)
    connection.putrequest("POST", "/api/uploads/leader?name=x")
    connection.putheader("content-length", "1000000")
    connection.endheaders(b"HIERARCHY")
    deadline = time.monotonic() + 10
    while not list(server.state.glob("incoming/*/raw")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    connection.close()
    while list(server.state.glob("incoming/*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/../../../etc/passwd", 404),
        ("GET", "/api/jobs/..%2f..%2f..%2fetc/files/passwd", 404),
        ("GET", "/api/jobs/../files/..%2f..%2fparams.yaml", 404),
        ("GET", "/api/jobs/0123456789abcdef/page", 404),
        ("DELETE", "/api/uploads/..%2f..", 404),
        ("DELETE", "/api/uploads/.", 404),
        ("POST", "/api/uploads/../leader", 404),
        ("POST", "/api/uploads/anything", 422),
        ("POST", "/api/uploads/leader?mapping=../../../etc/passwd", 400),
        ("POST", "/api/jobs/..%2f/cancel", 404),
        ("GET", "/api/jobs/x/files/follower.npz?seed=../..", 422),
        ("PUT", "/api/jobs", 405),
        ("GET", "/studio.py", 404),
        ("GET", "/docs", 404),
    ],
)
def test_addresses_that_mean_no_good(server: Server, method: str, path: str, status: int) -> None:
    found, answer = server.ask(method, path, b"HIERARCHY" if method == "POST" else None)
    assert (found, list(answer)) == (status, ["error"])


def test_a_results_files_are_those_of_the_list_and_no_others(server: Server, made: dict[str, Any]) -> None:
    name = made["id"]
    for file in ("..%2fjob.json", "job.json", "..", "%2e%2e%2fin%2fsong.flac", "sample_5"):
        assert server.ask("GET", f"/api/jobs/{name}/files/{file}")[0] in (404, 405)
    assert server.ask("GET", f"/api/jobs/{name}/files/follower.npz?seed=6")[0] == 404
    assert server.ask("POST", f"/api/jobs/{name}/files/follower.npz")[0] == 404, "a run leaves it: nobody makes it"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"steps": 0}, "steps: 0 is out of range; 1 to 50 is possible"),
        ({"seed": 2**32}, "seed: 4294967296 is out of range"),
        ({"seed": 1.5}, "the request: seed: int is needed, found 1.5"),
        ({"seed": True}, "the request: seed: int is needed"),
        ({"followers": 9}, "followers: 9 is out of range; 1 to 8"),
        ({"contact_scale": float("nan")}, "contact_scale: nan is out of range"),
        ({"penetration_scale": 1e300}, "penetration_scale: 1e+300 is out of range"),
        ({"model": "../../etc"}, "model: no such one"),
        ({"model": "champion"}, "model Champion: none yet"),
        ({"leader": ""}, "follows a leader; choose one"),
        ({"leader": "upload:../../x"}, "leader: there is no such one"),
        ({"song": "take:../../etc/passwd"}, "song: there is no such one"),
        ({"leader": "take:couples/long"}, "song of couples/sway: the song lasts 1.5 s and the dance 30.0 s"),
        ({"out": "/tmp"}, "the request: out: unknown key"),
        ({"\ud800": 1}, "the request: ?: unknown key"),
        ({"contact_scale": 10**400}, "contact_scale: a number of 401 digits is too large"),
    ],
)
def test_requests_that_make_no_sense(server: Server, changed: dict[str, Any], sentence: str) -> None:
    before = sorted(server.state.glob("jobs/*"))
    status, answer = server.submit(**changed)
    assert status == 400 and sentence in answer["error"]
    assert sorted(server.state.glob("jobs/*")) == before


def test_pages_of_others_change_nothing_and_ours_bring_nothing_from_elsewhere(server: Server) -> None:
    assert server.ask("POST", "/api/jobs", "{}", {"origin": "http://evil.example"})[0] == 403
    assert server.ask("POST", "/api/jobs", "{}", {"origin": "null"})[0] == 403
    assert server.ask("GET", "/", headers={"host": "evil.example"}, raw=True)[0] == 400
    connection = http.client.HTTPConnection(server.netloc)
    connection.request("GET", "/")
    answer = connection.getresponse()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'") and "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    text = answer.read().decode()
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    connection.close()


def test_two_hundred_requests_at_once(server: Server, tmp_path: Path) -> None:
    good, request = motion_bytes(tmp_path), json.dumps(server.request())
    requests = [
        lambda: server.upload("leader", good, "many.npz"),
        lambda: server.upload("leader", bomb_bytes),
        lambda: server.ask("POST", "/api/jobs", request),
        lambda: server.ask("GET", "/api/jobs"),
        lambda: server.ask("GET", "/api/models"),
    ]
    bomb_bytes, before = bomb(), len(list(server.state.glob("uploads/*")))
    with ThreadPoolExecutor(200) as threads:
        answers = list(threads.map(lambda number: requests[number % len(requests)](), range(200)))
    statuses = [status for status, _ in answers]
    assert set(statuses) <= {200, 201, 400, 429}, sorted(set(statuses))
    assert all(status < 400 or answer["error"] for status, answer in answers)
    assert statuses[3::5] + statuses[4::5] == [200] * 80
    assert statuses[0::5].count(201) == len(list(server.state.glob("uploads/*"))) - before >= 1
    taken = [answer["id"] for status, answer in answers[2::5] if status == 201]
    assert 2 <= len(taken) < 40 and statuses[2::5].count(429) == 40 - len(taken)
    assert any("are waiting already" in answer.get("error", "") for answer in (value for _, value in answers[2::5]))
    assert not list(server.state.glob("incoming/*"))
    kept = {path.name for path in server.state.glob("jobs/*")}
    assert kept == {job["id"] for job in server.ask("GET", "/api/jobs")[1]}, "nothing of those that found no place"
    for name in taken[1:]:
        assert server.ask("POST", f"/api/jobs/{name}/cancel")[0] == 200
    assert server.wait(taken[0], lambda job: job["state"] != "open")["state"] == "done"
    assert server.log.read_text().count("Traceback") == 0


class Confused(Child):
    """A process whose answers are none."""

    async def ask(self, *_: Any, **__: Any) -> Any:
        raise ValueError("Separator is not found, and chunk exceed the limit")


def test_a_process_that_is_out_of_step_is_ended_and_the_next_question_has_its_own_answer(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = config.load(root / "params.yaml")

    async def read(reader: Reader) -> str:
        with pytest.raises(InputError) as refusal:
            await reader.ask("song", params, {}, "a", path="missing.wav", label="a")
        return str(refusal.value)

    async def ask() -> None:
        reader = Reader(tmp_path, params.studio)
        with monkeypatch.context() as patch:
            patch.setattr(jobs, "Child", Confused)
            with pytest.raises(ValueError, match="Separator"):
                await reader.ask("song", params, {}, "a", path="x.wav", label="a")
        assert not list(tmp_path.iterdir()), "it is gone"
        assert "missing.wav" in await read(reader)
        child = await reader._started()
        late = asyncio.ensure_future(child.ask("song", params, {}, path="earlier.wav", label="b"))
        await asyncio.sleep(0)
        late.cancel()
        assert "missing.wav" in await read(reader), "not what was asked before"
        await reader.close()

    asyncio.run(ask())


def test_the_queue_goes_on_whatever_happens(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = config.load(root / "params.yaml")
    monkeypatch.setattr(jobs, "Child", Confused)

    async def work() -> list[str]:
        place, said = JobQueue(tmp_path, params.studio), []
        place.open()
        for _ in range(2):
            piece = Work("dance", params, {}, {}, lambda outcome: said.append(outcome.error))
            await place.put(piece)
            await asyncio.wait_for(piece.over.wait(), 20)
        await place.close()
        return said

    assert asyncio.run(work()) == ["the studio failed (ValueError); its log has more"] * 2


def test_a_process_that_ended_while_it_waited_takes_no_work_with_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params, started = config.load(root / "params.yaml"), []

    class Willing(Child):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            started.append(self)

        async def ask(self, *_: Any, **__: Any) -> Any:
            return "by one that lives" if self.is_alive else "by one that is gone"

    monkeypatch.setattr(jobs, "Child", Willing)

    async def work() -> list[str]:
        place, said = JobQueue(tmp_path, replace(params.studio, workers=1)), []
        place.open()
        while not started:
            await asyncio.sleep(0.01)
        await started[0].end()
        piece = Work("dance", params, {}, {}, lambda outcome: said.append(outcome.done))
        await place.put(piece)
        await asyncio.wait_for(piece.over.wait(), 20)
        await place.close()
        return said

    assert asyncio.run(work()) == ["by one that lives"]


class Slow(Child):
    """A process that never answers."""

    async def ask(self, *_: Any, **__: Any) -> Any:
        await asyncio.sleep(600)


def test_what_takes_too_long_is_ended(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = config.load(root / "params.yaml")
    limits = replace(params.studio, job_s=0.2, patience_s=0.3)
    monkeypatch.setattr(jobs, "Child", Slow)

    async def work() -> None:
        place, reader, said = JobQueue(tmp_path / "queue", limits), Reader(tmp_path / "reader", limits), []
        place.open()
        piece = Work("dance", params, {}, {}, lambda outcome: said.append(outcome.error))
        await place.put(piece)
        await asyncio.wait_for(piece.over.wait(), 20)
        await place.close()
        assert said == ["it took more than 0.2 s (studio.job_s) and was ended"]
        with pytest.raises(InputError, match=r"song\.ogg: reading it takes more than 0\.3 s; cut it"):
            await asyncio.wait_for(reader.ask("song", params, {}, "song.ogg", path="x", label="x"), 20)
        assert not piece.child.is_alive and not list((tmp_path / "reader").iterdir()), "their processes are gone"

    asyncio.run(work())


def test_what_takes_too_much_memory_is_refused(root: Path, tmp_path: Path) -> None:
    params = config.load(root / "params.yaml")
    (tmp_path / "song.flac").write_bytes(flac_of(2000, tmp_path))

    async def read() -> None:
        reader = Reader(tmp_path / "reader", replace(params.studio, memory_mb=60.0))  # of samples there are 128 MB
        with pytest.raises(InputError, match="needs more memory than a file is given here"):
            await reader.ask("song", params, {}, "song", path=str(tmp_path / "song.flac"), label="song")
        await reader.close()

    asyncio.run(read())


def test_who_does_not_want_to_end_is_ended_with_what_it_has_started(tmp_path: Path) -> None:
    async def end() -> None:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", "trap '' TERM HUP INT; sleep 600 & echo $!; wait"), stdout=subprocess.PIPE, start_new_session=True
        )
        started = psutil.Process(int(await process.stdout.readline()))
        try:
            await asyncio.wait_for(Child(process, tmp_path / "home").end(), 5)
            assert not psutil.wait_procs([started], 5)[1]
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    asyncio.run(end())


# ------------------------------------------------------------------------------------------------- beginning and ending


def test_ctrl_c_ends_everything_and_results_are_there_the_next_time(root: Path, server: Server) -> None:
    with pytest.raises(InputError, match="another studio is open on it"):
        Store(server.state, config.load(root / "params.yaml").studio)
    other = root.parent / "other"
    other.mkdir()
    (other / "params.yaml").write_text((root / "params.yaml").read_text())
    with serving(other) as second:
        assert "not trained yet; `make demo`" in second.ask("GET", "/api/models")[1][0]["note"]
        status, answer = second.submit()
        assert status == 400 and "not trained yet" in answer["error"]
        workers = second.workers()
        assert len(workers) == 3
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(20) == 0
        assert not psutil.wait_procs(workers, 2)[1]
        assert not list((second.state / "children").iterdir())
    record = Job(
        *("a" * 16, "t", "l", "s", "m", default_request(config.load(root / "params.yaml")), "song.ogg", "open", ""),
        *(time.time(), 0.0, 0.0, 0.0, []),
    )
    store = Store(second.state, config.load(root / "params.yaml").studio)
    (store.folder / "jobs" / record.id / "out").mkdir(parents=True)
    store.save(record)
    store.close()
    with serving(other) as third:
        (job,) = third.ask("GET", "/api/jobs")[1]
        assert (job["state"], job["error"]) == ("failed", "the studio was ended before this was done")
        assert [path.name for path in (third.state / "jobs" / record.id).iterdir()] == ["job.json"]
        workers = third.workers()
        third.process.kill()
        assert not psutil.wait_procs(workers, 10)[1], "nobody is left without a studio"


def test_the_oldest_results_go_first_and_what_is_being_made_stays(tmp_path: Path) -> None:
    params = config.load(REPOSITORY / "params.yaml")
    store = Store(tmp_path, replace(params.studio, keep=2, keep_days=1.0))
    request, now = default_request(params), time.time()
    for name, state, age in (("a", "done", 5), ("b", "open", 4), ("c", "failed", 3), ("d", "done", 2), ("e", "done", 90_000)):
        (tmp_path / "jobs" / name).mkdir(parents=True)
        store.save(Job(name, "t", "l", "s", "m", request, "s.ogg", state, "", now - age, 0.0, 0.0, 0.0, []))
    store.tidy()
    assert sorted(store.jobs) == sorted(path.name for path in (tmp_path / "jobs").iterdir()) == ["a", "b", "c", "d"]
    for number in range(3):
        store.new_folder()
        name = f"f{number}"
        (tmp_path / "jobs" / name).mkdir()
        store.save(Job(name, "t", "l", "s", "m", request, "s.ogg", "cancelled", "", now, 0.0, 0.0, 0.0, []))
    store.tidy()
    assert {"a", "b", "d"} < set(store.jobs) and len(store.jobs) == 5, "what failed pushes no dance out"
    store.close()
    store = Store(tmp_path, replace(params.studio, keep=2, keep_days=1.0))
    assert sorted(store.jobs) == sorted(path.name for path in (tmp_path / "jobs").iterdir()), "what never was a job is gone"
    store.close()


def test_why_a_form_failed_is_kept_with_its_dance(tmp_path: Path) -> None:
    params = config.load(REPOSITORY / "params.yaml")
    studio = core.Studio(tmp_path, params)
    name, folder = studio.store.new_folder()
    studio.store.save(Job(name, "t", "", "s", "m", default_request(params), "s", "done", "", time.time(), 0.0, 0.0, 0.0, []))
    (folder / "out").mkdir()
    for file in (".duet.half.mp4", ".duet.half.glb"):  # of one that was killed, and of one that is being made
        (folder / "out" / file).touch()
    for key in ((name, "duet.mp4"), ("gone", "duet.mp4")):
        studio._forms[key] = Work("form", params, {}, {}, lambda _: None)
        studio._form_ended(key, jobs.Outcome(error="the program failed", log="Traceback"))
    assert (folder / "log.txt").read_text() == "Traceback"
    assert list(studio._form_errors) == [(name, "duet.mp4")]
    assert [path.name for path in (folder / "out").iterdir()] == [".duet.half.glb"]
    studio.store.close()


def test_why_a_dance_failed_is_kept_and_nothing_else_of_it(tmp_path: Path) -> None:
    params = config.load(REPOSITORY / "params.yaml")
    studio = core.Studio(tmp_path, params)
    name, folder = studio.store.new_folder()
    (folder / "out").mkdir()
    studio.store.save(Job(name, "t", "", "s", "m", default_request(params), "s", "open", "", time.time(), 0.0, 0.0, 0.0, []))
    studio._works[name] = Work("dance", params, {}, {}, lambda _: None)
    studio._ended(name, jobs.Outcome(error="the program failed", log="Traceback"))
    assert (studio.job(name).state, studio.job(name).error) == ("failed", "the program failed")
    assert sorted(path.name for path in folder.iterdir()) == ["job.json", "log.txt"]
    assert (folder / "log.txt").read_text() == "Traceback"
    studio.store.close()


def test_registered_models_can_be_chosen_and_a_store_that_is_silent_is_said(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def registered(paths: Paths, alias: str) -> tuple[registry.Version, Path] | None:
        if alias == "challenger":
            raise InputError("http://store: does not answer")
        return registry.Version("3", "run"), paths.model

    monkeypatch.setattr(tasks, "registered_model", registered)
    params = config.load(root / "params.yaml")
    own = tasks.find_model(lambda what, share: None, root=str(root), params=params)
    champion, challenger = tasks.find_registered(lambda what, share: None, root=str(root), params=params)
    assert own["folder"] == champion["folder"] == str((root / "models" / "denoiser").resolve())
    assert (champion["note"], champion["task"], champion["can_be_guided"]) == ("version 3", "reactive", True)
    assert (challenger["folder"], challenger["note"]) == (None, "http://store: does not answer")
    (root / "damaged").mkdir()
    monkeypatch.setattr(tasks, "registered_model", lambda paths, alias: (registry.Version("4", "run"), root / "damaged"))
    champion, _ = tasks.find_registered(lambda what, share: None, root=str(root), params=params)
    assert champion["folder"] is None and champion["note"].startswith("damaged/") and "no such file" in champion["note"]


def test_a_store_that_is_slow_keeps_nobody_from_the_projects_model(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = config.load(root / "params.yaml")
    own = {"id": "project", "label": "x", "note": "trained", "folder": "models/denoiser"}
    cures: list[str] = []

    async def ask(
        reader: Reader, task: str, params: Any, names: Any, what: str, most_s: float = 0, cure: str = "", **_: Any
    ) -> Any:
        if task == "model":
            return own
        cures.append(cure)
        await asyncio.sleep(0.4)
        raise InputError(f"{what}: too slow; {cure}")

    async def look() -> None:
        studio = core.Studio(tmp_path, params)
        first, second = await studio.models(), await studio.models()
        assert [model.folder for model in first] == ["models/denoiser", None, None]
        assert [model.is_coming for model in first] == [False, True, True] and len(cures) == 1
        await asyncio.sleep(0.5)
        later = await studio.models()
        assert later[0] == second[0] and "too slow; bring it here with" in later[1].note and not later[1].is_coming
        await studio.close()
        studio.store.close()

    monkeypatch.setattr(Reader, "ask", ask)
    monkeypatch.setattr(core, "WAIT_S", 0.05)
    asyncio.run(look())


def test_a_model_that_makes_its_own_leader_wants_none() -> None:
    request = default_request(config.load(REPOSITORY / "params.yaml"))
    duet = Model("project", "Project's model", "trained", "models/denoiser", "duet", 1000)
    check_model(request, duet)
    for changed, sentence in (
        ({"leader": TAKE}, "makes its own leader; leave the leader out"),
        ({"followers": 2}, "couples have no leader in common"),
        ({"steps": 1001}, "too many for model"),
    ):
        with pytest.raises(InputError, match=sentence):
            check_model(replace(request, **changed), duet)


def test_labels_are_one_line_of_what_can_be_seen() -> None:
    assert label_of("a\x00b\u202e\n c\t") == "a b c"
    assert label_of("x" * 500) == "x" * 80
    assert label_of(" \n") == "unnamed"


def test_what_is_asked_for_by_default_is_allowed() -> None:
    params = config.load(REPOSITORY / "params.yaml")
    request = default_request(params)
    assert read_request(json.loads(json.dumps(vars(request))), params) == request


# --------------------------------------------------------------------------------------------------------- the browser


def test_a_person_uploads_generates_watches_compares_exports_and_cancels(
    server: Server, made: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "my <i>leader.npz").write_bytes(motion_bytes(tmp_path))
    sound(tmp_path / "my song.ogg", 3.0)
    first, cancelled = "#jobs li:first-child", "#jobs li:first-child .cancelled"
    with Chromium(1280, 800) as browser:
        browser.open(server.address, "document.body?.dataset.ready")
        browser.click("#generate")
        browser.wait("document.querySelector('#form-error').textContent === 'Choose a leader, or upload one.'")
        for kind, file in (("leader", "my <i>leader.npz"), ("song", "my song.ogg")):
            browser.choose(f"#{kind}-file", tmp_path / file)
            browser.wait(f"document.querySelector('#{kind}').value.startsWith('upload:')")
        assert browser.run("document.querySelector('#leader').selectedOptions[0].text") == "my <i>leader.npz (1.5 s)"
        frames = "document.querySelectorAll('iframe[data-ready]').length === {}"
        browser.click("#generate")
        browser.wait(frames.format(1), 90)
        assert browser.run("document.querySelector('#stage-title').textContent") == "my <i>leader"
        browser.click(f"#jobs [data-id='{made['id']}'] [data-act=compare]")
        browser.wait(frames.format(2))
        assert browser.run("document.querySelectorAll('#about .pair-table tr').length") == 12
        browser.click("#together")
        browser.wait("document.querySelector('#together').textContent === 'Pause both'")
        browser.click("#together")
        browser.click("#alone")
        browser.click("#about button[data-file='duet.mp4']")
        browser.wait("document.querySelector('#about a[data-file=\"duet.mp4\"]')", 60)
        links = browser.run(
            "[...document.querySelectorAll('#about a')].map(link => [link.getAttribute('href'), link.hasAttribute('download')])"
        )
        assert len(links) == 8 and all(is_download for _, is_download in links)
        for address, _ in links:
            status, data = server.ask("GET", address, raw=True)
            assert status == 200 and len(data) > 100
        for name, value in (("leader", "take:couples/long"), ("song", "take:couples/long"), ("steps", 50), ("followers", 8)):
            browser.run(f"document.querySelector('#{name}').value = {json.dumps(value)}")
        before = browser.run("document.querySelectorAll('#jobs li').length")
        browser.click("#generate")
        browser.wait("document.querySelector('#jobs progress')?.value > 0", 60)
        browser.click(f"{first} [data-act=cancel]")
        browser.wait(f"document.querySelector('{cancelled}') && !document.querySelector('#jobs progress')", 5)
        browser.click(f"{first} [data-act=delete]")
        browser.click(f"{first} [data-act=delete]")
        browser.wait(f"document.querySelectorAll('#jobs li').length === {before}", 5)
        page = browser.run("document.querySelector('iframe').src")
        for source in server.ask("GET", "/api/sources")[1]:
            if source["id"].startswith("upload:") and source["kind"] == "leader":
                server.ask("DELETE", f"/api/uploads/{source['id'][7:]}")
        browser.call("Page.reload")
        browser.wait("document.querySelector('iframe')?.dataset.ready", 60)
        browser.wait("document.body?.dataset.ready")
        browser.run("document.querySelector('#leader').value = 'take:couples/long'")
        browser.click(f"{first} [data-act=again]")
        assert browser.run("[document.querySelector('#leader').value, document.querySelector('#song').value.slice(0, 7)]") == [
            *("", "upload:")
        ]
        assert "the leader of that dance" in browser.run("document.querySelector('#form-error').textContent")
        browser.size(390, 844, 1, mobile=True)
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out on a phone"
        browser.open(page)
        assert browser.run("window.__interdance.ready") and browser.run("window.origin") == "null", "in a world of its own"
        assert not browser.errors
