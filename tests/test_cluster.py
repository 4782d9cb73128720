"""Ray on this machine: a team that loses a worker, and trials of which one cannot be. `benchmarks/cluster.py` does more."""

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
PLAN = {
    "space": {"model.heads": {"choice": [2, 3]}, "train.lr": {"loguniform": [2e-4, 3e-3]}},
    "metric": "validation/error_m",
    "mode": "min",
    "trials": 3,
    "steps": 12,
    "hours": 0.0,
    "searcher": "random",
    "seed": 0,
    "stop_early": False,
    "grace": 6,
    "cpus": 1.0,
    "gpus": 0.0,
}


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


@pytest.mark.slow
def test_trials_end_each_in_their_way_and_are_not_repeated(project: Path) -> None:
    (project / "plan.yaml").write_text(yaml.safe_dump(PLAN))
    command = [sys.executable, "-m", "interdance.cli", "sweep", "plan.yaml"]

    def sweep() -> str:
        done = subprocess.run(command, cwd=project, env=environment(project), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    sweep()
    (table,) = project.glob("sweeps/plan-*/trials.csv")
    rows = [line.split(",") for line in table.read_text().splitlines()[1:]]
    assert len(rows) == 3
    for heads, _, value, step, ended, reason, *_ in rows:
        if heads == "3":
            assert (value, ended) == ("inf", "failed") and "model.width: 32 is no multiple" in reason
        else:
            assert 0 < float(value) < 1 and (ended, int(step)) == ("finished", 12)
    assert {row[0] for row in rows} == {"2", "3"}, "the seed draws both"
    best = config.load(project / "params.yaml", table.parent / "best.yaml")
    assert best.model.heads == 2 and f"{best.train.lr:.4g}" == rows[0][1]

    made = {path: path.stat().st_mtime_ns for path in table.parent.glob("trials/*/models/denoiser/run.json")}
    assert made
    first = table.read_text()
    sweep()
    assert {path: path.stat().st_mtime_ns for path in made} == made and table.read_text() == first
