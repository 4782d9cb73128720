"""A training that is killed, again and again, and started again by the same command ends as one that was left in peace.

Each attempt is what ``python -m interdance.stages.train`` runs, in a process of its own that finds torch imported. It dies
by SIGKILL immediately before a certain change to a file of its workspace, or by the kernel while a file is being written;
which one is said, or drawn from a seed. Python's audit events tell of the changes, so nothing of the training's insides is
known here.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import time
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from conftest import REPOSITORY
from mlflow import MlflowClient
from safetensors import safe_open

from interdance import config
from interdance.config import Params, Paths
from interdance.stages import encode, music, split, statistics, takes, train

STEPS, CHECKPOINT_EVERY = 13, 4
SET = "couples"
CHECKPOINT, JOURNAL, MODEL = ".state/checkpoints/*", ".state/journal/*", "models/denoiser"
#: What changes a file, by Python's name, and which of its arguments is the file that is changed.
CHANGES = {"open": 0, "os.rename": 1, "os.remove": 0, "os.mkdir": 0, "os.rmdir": 0, "os.chmod": 0, "shutil.rmtree": 0}

#: Imports once what this file and a training need; every attempt is forked from it.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(
    [
        *(f"interdance.stages.{stage}" for stage in ("encode", "music", "split", "statistics", "takes", "train")),
        *("mlflow.store.tracking.sqlalchemy_store", "diffusers.schedulers.scheduling_ddim", "torch._dynamo", "pytest"),
    ]
)


@dataclass(frozen=True)
class Moment:
    """Immediately before the ``count``-th change, from 1, whose event and place fit the patterns.

    With ``size`` the attempt lives on, and dies as soon as a file grows beyond so many bytes.
    """

    event: str
    place: str
    count: int
    size: int | None = None


def attempt(root: Path, moment: Moment | None, record: Path) -> None:
    """In the child: the command, up to the moment; each change (event, place) is a line of ``record``."""
    os.setsid()
    os.chdir(root)
    multiprocessing.set_start_method("fork", force=True)  # as it is in a process of the command line
    os.environ["INTERDANCE_STATE"] = str(root / ".state")
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    me, counted = os.getpid(), 0
    descriptor = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal counted
        if event not in CHANGES or os.getpid() != me:
            return
        place = arguments[CHANGES[event]]
        writes = event != "open" or int(arguments[2]) & (os.O_WRONLY | os.O_RDWR)  # type: ignore[call-overload]
        if not writes or not isinstance(place, (str, Path)):
            return
        inside = os.path.relpath(place, root)
        if not inside.startswith((".state/", "models")):
            return
        os.write(descriptor, f"{event}\t{inside}\n".encode())
        if moment and fnmatch(event, moment.event) and fnmatch(inside, moment.place):
            counted += 1
            if counted == moment.count and moment.size is None:
                os.kill(me, signal.SIGKILL)
            elif counted == moment.count and moment.size is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (moment.size, moment.size))

    sys.addaudithook(watch)
    train.main()


def start(root: Path, moment: Moment | None = None) -> tuple[int, list[tuple[str, str]]]:
    """One attempt: its exit code, and the changes (event, place) it came to make, the fatal one included."""
    record = root.with_name(f"{root.name}.changes")
    process = processes.Process(target=attempt, args=(root, moment, record))
    process.start()
    process.join(timeout=120)
    assert process.exitcode is not None and process.pid is not None, "the attempt hangs"
    with (root.with_name(f"{root.name}.groups")).open("a") as stream:
        stream.write(f"{process.pid}\n")
    return process.exitcode, [(line.split("\t")[0], line.split("\t")[1]) for line in record.read_text().splitlines()]


def check_alone(root: Path) -> None:
    """Nothing that an attempt started, such as a loader of windows, outlives it for long."""
    groups = {int(line) for line in root.with_name(f"{root.name}.groups").read_text().splitlines()}
    deadline = time.monotonic() + 15
    while living := [one.pid for one in psutil.process_iter() if group(one) in groups and not is_dead(one)]:
        assert time.monotonic() < deadline, f"processes {living} outlive the training that started them"
        time.sleep(0.1)


def is_dead(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def group(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return 0


@dataclass(frozen=True)
class Unbroken:
    """A training that was left in peace: its workspace, and the changes it made."""

    root: Path
    changes: list[tuple[str, str]]


@pytest.fixture(scope="module")
def small() -> Params:
    params = config.load(REPOSITORY / "params.yaml", REPOSITORY / "tests" / "smoke.yaml")
    names = {part: f"{SET}/waltz_{number:02}" for number, part in enumerate(("train", "validation", "test"))}
    return replace(
        params,
        choreography=replace(params.choreography, genres=["waltz"], takes_per_genre=3, take_seconds=4.0),
        split=replace(params.split, assign={name: part for part, name in names.items()}),
        model=replace(params.model, dropout=0.1),
        signals=replace(params.signals, leader_dropout=0.2),
        train=replace(params.train, steps=STEPS, checkpoint_every=CHECKPOINT_EVERY, validate_every=3, num_workers=1),
    )


@pytest.fixture(scope="module")
def data(small: Params, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace before its training: one couple to train on and one to validate; MLflow's tables, still empty."""
    paths = Paths(tmp_path_factory.mktemp("data"))
    for stage in (takes, music, encode):
        stage.run(small, paths, SET)
    for whole in (split, statistics):
        whole.run(small, paths)
    store(paths.root).search_experiments()  # makes the tables, which takes MLflow seconds
    return paths.root


@pytest.fixture(scope="module")
def unbroken(request: pytest.FixtureRequest, small: Params, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    """Its reports come every so many steps as the test asks for."""
    params = replace(small, train=replace(small.train, report_every=request.param))
    root = shutil.copytree(data, tmp_path_factory.mktemp("unbroken") / "root")
    (root / "params.yaml").write_text(yaml.safe_dump(params.to_dict(), sort_keys=False))
    code, changes = start(root)
    assert code == 0
    steps = [step for step, _ in curves(root)["loss/total"]]
    assert steps == [*range(request.param, STEPS, request.param), STEPS]
    return Unbroken(root, changes)


@pytest.fixture
def root(unbroken: Unbroken, data: Path, tmp_path: Path) -> Path:
    """A workspace like that of the unbroken training, before it."""
    root = shutil.copytree(data, tmp_path / "root")
    shutil.copy(unbroken.root / "params.yaml", root)
    return root


def store(root: Path) -> MlflowClient:
    (root / ".state").mkdir(exist_ok=True)
    return MlflowClient(tracking_uri=f"sqlite:///{root / '.state' / 'mlflow.db'}")


def curves(root: Path) -> dict[str, list[list[float]]]:
    return dict(json.loads((root / MODEL / "curves.json").read_text()))


def stored(root: Path) -> dict[str, list[list[float]]]:
    """The curves as MLflow has them."""
    client = store(root)
    (run,) = client.search_runs([item.experiment_id for item in client.search_experiments()])
    assert run.info.status == "FINISHED"
    names = sorted(run.data.metrics)
    return {name: [[point.step, point.value] for point in client.get_metric_history(run.info.run_id, name)] for name in names}


def journal(root: Path) -> list[dict[str, Any]]:
    """What was reported, in its order."""
    (path,) = root.glob(JOURNAL)
    return [json.loads(line) for line in path.read_text().splitlines()]


def files(root: Path) -> list[str]:
    """Names of all files, without the folders, some of which MLflow draws by lot."""
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def check_whole(root: Path) -> None:
    """What lies under its final name is whole, whenever the training died."""
    for path in [*root.glob(CHECKPOINT), *root.glob(f"{MODEL}/*")]:
        if not path.name.startswith("."):
            if path.suffix == ".safetensors":
                with safe_open(path, framework="np") as tensors:
                    assert list(tensors.keys())
            elif path.suffix == ".json":
                json.loads(path.read_text())


def check_same(root: Path, unbroken: Unbroken) -> None:
    expected = curves(unbroken.root)
    assert curves(root) == expected, "every step once, and the same numbers to the last bit"
    assert stored(root) == expected
    weights = (unbroken.root / MODEL / "weights.safetensors").read_bytes()
    found = list(root.rglob("weights.safetensors"))
    assert len(found) == 2, "the model, and the copy that MLflow keeps"
    assert all(path.read_bytes() == weights for path in found)
    assert files(root) == files(unbroken.root), "nothing half-written is left"
    check_alone(root)


def kill(root: Path, moment: Moment) -> None:
    """An attempt that dies at ``moment``."""
    code, _ = start(root, moment)
    assert code == -(signal.SIGKILL if moment.size is None else signal.SIGXFSZ), f"{moment} was not reached: exit code {code}"
    check_whole(root)


@pytest.mark.parametrize("unbroken", [1], indirect=True)
def test_killed_where_it_hurts(unbroken: Unbroken, root: Path) -> None:
    (checkpoint,) = unbroken.root.glob(CHECKPOINT)
    half = checkpoint.stat().st_size // 2
    kill(root, Moment("open", CHECKPOINT, 1, half))  # while the first checkpoint is written: there is none to go on from
    assert not list(root.glob(".state/checkpoints/[!.]*"))
    kill(root, Moment("os.rename", CHECKPOINT, 2))  # the second checkpoint is written but not yet in place
    kill(root, Moment("open", CHECKPOINT, 1, half))  # the same one, half written
    assert list(root.glob(".state/checkpoints/[!.]*"))
    kill(root, Moment("os.remove", CHECKPOINT, 2))  # the next one is in place
    kill(root, Moment("os.rename", MODEL, 1))  # trained, and the model is written but not yet in place
    kill(root, Moment("os.rename", f"{MODEL}/curves.json", 1))
    assert start(root)[0] == 0
    check_same(root, unbroken)


@pytest.mark.parametrize("unbroken", [3], indirect=True)
def test_killed_by_lot(unbroken: Unbroken, root: Path) -> None:
    """Before a report that began before a checkpoint and ends behind it; then before changes that are drawn."""
    lines = [line.get("step", 0) for line in journal(unbroken.root)]
    kill(root, Moment("open", JOURNAL, 1 + lines.index(6)))
    assert max(line.get("step", 0) for line in journal(root)) == 3
    assert list(root.glob(".state/checkpoints/[!.]*"))
    for count in np.random.default_rng(11).integers(1, 15, 6):  # 15: about as many as lie between two checkpoints
        kill(root, Moment("*", "*", int(count)))
    assert start(root)[0] == 0
    check_same(root, unbroken)
