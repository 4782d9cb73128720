"""Work that processes share comes to the same on this machine and on a Ray cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import psutil
import pytest
import torch
from layout import ROOT

from benchmarks.harness import until
from interdance.errors import InputError
from interdance.processes import session
from interdance.processes.pool import local_pool, process_pool
from interdance.processes.session import connected

HELD: list[int] = []


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    """A Ray of this process, which whoever asks for a cluster is given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]))
        patch.setattr(session, "_carried", lambda: {"RAY_ADDRESS": "127.0.0.1:1"})  # as a shell of a real cluster may have it
        with connected():
            patch.undo()
            yield


@pytest.fixture(params=["here", "cluster"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "cluster":
        request.getfixturevalue("ray_here")
        monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    else:
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return str(request.param)


def hold(value: int) -> None:
    HELD.append(value)


def work(value: int) -> tuple[int, list[int], int, int, str]:
    return value * value, list(HELD), torch.get_num_threads(), os.getpid(), str(Path.cwd())


def refuse(value: int) -> int:
    raise InputError(f"take {value}: no such file")


def within(value: int) -> tuple[bool, int]:
    with process_pool(1) as pool:
        return "RAY_ADDRESS" in os.environ, pool.submit(work, value).result()[0]


def test_work_is_shared(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with process_pool(2, hold, 7) as pool:
        jobs = {pool.submit(work, value): value for value in range(12)}
        for job in as_completed(jobs):
            square, held, threads, process, folder = job.result()
            assert square == jobs[job] ** 2 and folder == str(tmp_path) and process != os.getpid()
            assert held == [7] and threads == 1, "set up once, with one thread"
    assert not HELD


def test_one_worker_is_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with process_pool(1, hold, 7) as pool:
            square, held, threads, process, _ = pool.submit(work, 3).result()
        assert (square, held, threads, process) == (9, [7], 1, os.getpid()), "set up, and of one thread all the same"
        assert torch.get_num_threads() == 3
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(torch.get_num_threads).result() == 3, "of threads begun afterwards, too"
    finally:
        torch.set_num_threads(before)
        HELD.clear()


def test_nobody_works_for_a_process_that_was_killed(tmp_path: Path) -> None:
    place = tmp_path / "pid"
    (tmp_path / "work.py").write_text(
        "import os, pathlib, time\nfrom interdance.processes.pool import local_pool\n"
        f"def work():\n    pathlib.Path({str(place)!r}).write_text(str(os.getpid()))\n    time.sleep(600)\n"
        "if __name__ == '__main__':\n    with local_pool(1) as pool:\n        pool.submit(work).result()\n"
    )
    asker = subprocess.Popen([sys.executable, str(tmp_path / "work.py")], env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        until(lambda: place.exists() and place.read_text(), 120, "the work has begun")
    finally:
        asker.kill()
        asker.wait()
    until(lambda: not psutil.pid_exists(int(place.read_text())), 20, "the worker is gone")


def test_a_refusal_keeps_its_sentence(place: str) -> None:
    with process_pool(1) as pool:
        job = pool.submit(refuse, 3)
        with pytest.raises(InputError) as refused:
            job.result()
    assert str(refused.value) == "take 3: no such file"


def test_work_within_work_stays_there(place: str) -> None:
    """It would wait for the CPU that the work around it has."""
    with process_pool(1) as pool:
        jobs = [pool.submit(within, value) for value in range(3)]
        assert [job.result() for job in jobs] == [(False, 0), (False, 1), (False, 4)]


def test_what_is_left_is_cancelled(place: str, tmp_path: Path) -> None:
    def jobs_made() -> int:
        return len(list(tmp_path.iterdir()))

    with pytest.raises(InputError), process_pool(1) as pool:
        jobs = [pool.submit(refuse, 0), *(pool.submit(touch, tmp_path, value) for value in range(200))]
        jobs[0].result()
    made = jobs_made()
    assert made < 200 and all(job.done() for job in jobs)


def test_a_call_that_nobody_waits_for_is_let_go(place: str) -> None:
    """``map`` cancels what is left when one call raises."""
    with process_pool(1) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]
        with pytest.raises(InputError):
            list(pool.map(refuse, range(20)))


def test_what_went_wrong_elsewhere_can_be_traced(place: str) -> None:
    with process_pool(2) as pool, pytest.raises(InputError) as refused:
        pool.submit(refuse, 3).result()
    assert "in refuse" in str(refused.value.__cause__)


@pytest.mark.parametrize(
    ("count", "cpus", "gpus", "room"),
    [(3, 2, 0, None), (4, 2, 0, 3), (2, 1, 0.5, None), (3, 1, 0.5, 2), (1, 0, 1, None), (1, 9, 0, 0), (1, 1, 1, None)],
)
def test_what_would_wait_for_ever_is_refused(
    monkeypatch: pytest.MonkeyPatch, count: int, cpus: float, gpus: float, room: int | None
) -> None:
    """Machines are not added up: a process is on one of them."""
    machines = [{"CPU": 5.0}, {"CPU": 3.0, "GPU": 1.0}, {"CPU": 64.0, "GPU": 8.0}]
    nodes = [{"Alive": each["CPU"] < 64, "Resources": each} for each in machines]
    monkeypatch.setattr(session.ray, "nodes", lambda: nodes)
    monkeypatch.setattr(session.ray, "cluster_resources", lambda: {"CPU": 8.0, "GPU": 1.0})
    if room is None:
        session.require(count, cpus, gpus, "a trial")
    else:
        with pytest.raises(InputError, match=f"there is room for {room} on 2 machines, 8 CPUs, 1 GPUs"):
            session.require(count, cpus, gpus, "a trial")


def test_workers_are_told_where_things_are_and_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("INTERDANCE_STATE", "state"),
        ("MLFLOW_TRACKING_URI", "sqlite:///records.db"),
        ("MLFLOW_TRACKING_PASSWORD", "secret"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("RAY_AUTH_TOKEN", "secret"),
    ):
        monkeypatch.setenv(name, value)
    told = session._carried()
    assert told["INTERDANCE_STATE"] == str(tmp_path / "state")
    assert told["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path / 'records.db'}"
    assert "secret" not in told.values()


def touch(folder: Path, value: int) -> None:
    import time

    time.sleep(0.1)
    (folder / str(value)).touch()


def test_trainings_stay_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with local_pool(1) as pool:
        assert pool.submit(work, 2).result()[0] == 4
