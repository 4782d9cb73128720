"""Ray on this machine: a team that loses a worker. `benchmarks/cluster.py` has the rest: sweeps, nodes, tokens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
import yaml
from test_platform import SMOKE, make_project

from interdance import config, workspace
from interdance.config import Paths

STEPS = 24


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose data are ready to train on."""
    folder = make_project(tmp_path_factory.mktemp("cluster"), SMOKE)
    params = config.load(folder / "params.yaml").to_dict()
    params["train"] |= {"steps": STEPS, "sample_every": 0}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    workspace.reproduce(folder, "statistics", say=lambda line: None)
    return folder


def environment(project: Path, **more: str) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "MLFLOW_TRACKING_URI")}
    return given | {"OMP_NUM_THREADS": "1"} | more


def workers_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The team's processes: those below this one."""
    below = psutil.Process(process.pid).children(recursive=True)
    return [each for each in below if each.is_running() and "RayTrainWorker" in " ".join(each.cmdline())]


@pytest.mark.slow
def test_a_team_that_loses_a_worker_goes_on(project: Path) -> None:
    paths = Paths(project)
    with (project / "train.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "interdance.stages.train"],
            cwd=project,
            env=environment(project, INTERDANCE_WORKERS="2"),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 240
            while not any(paths.checkpoints.glob("*.safetensors")):
                assert process.poll() is None and time.monotonic() < deadline, (project / "train.log").read_text()[-3000:]
                time.sleep(0.1)
            team = workers_of(process)
            team[-1].send_signal(signal.SIGKILL)
            code = process.wait(240)
        finally:
            process.kill()
    said = (project / "train.log").read_text()
    assert code == 0 and len(team) == 2, said[-3000:]
    assert "continuing after step" in said
    (journal,) = (paths.state / "journal").glob("*.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    told = Counter(line["step"] for line in lines if "loss/total" in line.get("metrics", {}))
    assert told == Counter(range(3, STEPS + 1, 3)), "every step is recorded once"
    assert [line["status"] for line in lines if "status" in line][-1] == "FINISHED"
    assert (paths.model / "weights.safetensors").exists()
