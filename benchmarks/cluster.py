"""Ray as an instrument that survives faults, on this machine: `python benchmarks/cluster.py`.

A small project is made, its data are prepared, and a cluster of two nodes is started with `ray start`, with tokens. Then

data      takes are danced and encoded by the cluster's processes: they must have the bytes of those made without it;
training  two workers train together; one is killed with SIGKILL. The training must end at its last step, with every step
          recorded once, gone on from its last checkpoint, in the weights of an unbroken one on the same cluster;
sweep     eight trials; the driver is killed with SIGKILL when some have finished. The same command again must leave those
          alone, end with eight, and leave no record that runs;
halving   two sweeps at once that stop their poor trials early: each must have a parent of its own, a model for every trial
          that came to its last step, and no record that runs;
job       a sweep as `ray job submit` starts it on the head, from a shell without the project: it must end the same way;
cost      seconds that a sweep of two trials takes, and two trainings of the same steps without it;
node      a training, and the second node is killed and replaced: it must end;
token     without the token the cluster must refuse a driver, and a job with 401.

What did not hold is printed, and the exit code is 1. Times are printed, too: a sweep's cost over its trainings.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from test_platform import SMOKE, make_project  # noqa: E402

from benchmarks.harness import Bench, finish, free_port, kill, until  # noqa: E402
from interdance import config, workspace  # noqa: E402
from interdance.config import Paths  # noqa: E402

STEPS = 48
PLAN = {
    "space": {"train.lr": {"loguniform": [2e-4, 3e-3]}, "losses.dm": {"choice": [1.0, 3.0, 10.0]}},
    "metric": "validation/error_m",
    "mode": "min",
    "trials": 8,
    "steps": 12,
    "hours": 0.0,
    "searcher": "tpe",
    "seed": 1,
    "stop_early": False,
    "grace": 6,
    "cpus": 1.0,
    "gpus": 0.0,
}


@dataclass
class ClusterBench(Bench):
    """With the ports of the cluster's head."""

    port: int = field(default_factory=free_port)
    dashboard: int = field(default_factory=free_port)

    @property
    def paths(self) -> Paths:
        return Paths(self.project)


def ray_node(bench: ClusterBench, *arguments: str) -> subprocess.Popen[bytes]:
    """A node in the foreground of a process group of its own, so that it can be killed whole."""
    command = ("ray.scripts.scripts", "start", "--block", "--num-cpus=1", "--disable-usage-stats")
    return bench.start(*command, "--node-ip-address=127.0.0.1", *arguments, log="ray.log")


@contextmanager
def cluster(bench: ClusterBench) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A head and a second node, a CPU each."""
    nodes = [ray_node(bench, "--head", f"--port={bench.port}", f"--dashboard-port={bench.dashboard}")]
    try:
        until(lambda: listens(bench.port), 120, "the head listens")
        nodes.append(ray_node(bench, f"--address=127.0.0.1:{bench.port}"))
        until(lambda: "/2.0 CPU" in status(bench), 120, "the second node is there")
        yield nodes
    finally:
        for node in nodes:
            kill(node)


def status(bench: ClusterBench) -> str:
    """What the cluster says of itself."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "status", "--address", f"127.0.0.1:{bench.port}"]
    return subprocess.run(command, env=bench.environment, capture_output=True, text=True).stdout


def listens(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def journals(bench: ClusterBench, state: Path) -> dict[str, list[dict]]:
    """The lines of every record, by the run's identity."""
    return {path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in state.glob("journal/*.jsonl")}


def steps_of(lines: list[dict]) -> list[int]:
    """Every step that a record of the loss was written for, as often as it was."""
    return [line["step"] for line in lines if "loss/total" in line.get("metrics", {})]


def train(bench: ClusterBench, state: Path, meanwhile: Callable[[], None] = lambda: None) -> tuple[int, bytes, float]:
    """Exit code, weights and seconds of a training by two workers with a state folder of its own."""
    started = time.monotonic()
    (bench.logs / "train.log").write_bytes(b"")
    process = bench.start("interdance.stages.train", log="train.log", INTERDANCE_WORKERS="2", INTERDANCE_STATE=str(state))
    meanwhile()
    code = finish(process)
    weights = bench.paths.model / "weights.safetensors"
    return code, weights.read_bytes() if weights.exists() else b"", time.monotonic() - started


def check_data(bench: ClusterBench, nodes: list[subprocess.Popen[bytes]]) -> None:
    """The stages before training."""
    (folder := bench.project / "spread").mkdir()
    project = make_project(folder, SMOKE)
    seconds = {}
    for stage in ("takes", "encode"):
        started = time.monotonic()
        workspace.reproduce(project, stage, say=lambda line: None, environment=bench.environment)
        seconds[stage] = time.monotonic() - started
    for stage, name in (("takes", "takes"), ("encode", "encoded")):
        here, there = (read_all(each / "data" / name) for each in (bench.project, project))
        bench.say(here == there and len(here) > 0, f"{stage} by the cluster: {len(there)} files ({seconds[stage]:.0f} s)")


def read_all(folder: Path) -> dict[str, bytes]:
    """The files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_cost(bench: ClusterBench, nodes: list[subprocess.Popen[bytes]]) -> None:
    """A sweep's, over that of its trainings."""
    plan = {"space": {"train.seed": {"choice": [71, 72]}}, "trials": 2, "searcher": "random", "seed": 71}
    (bench.project / "cost.yaml").write_text(yaml.safe_dump(PLAN | plan))
    started = time.monotonic()
    code = finish(bench.start("interdance.cli", "sweep", "cost.yaml", log="cost.log"))
    swept = time.monotonic() - started
    values = yaml.safe_load((bench.project / "params.yaml").read_text())
    alone = bench.project / "alone"
    started = time.monotonic()
    trainings = []
    for seed in (73, 74):  # side by side, as the trials are
        place = alone / str(seed)
        place.mkdir(parents=True)
        (place / "data").symlink_to(bench.project / "data")
        values["train"] |= {"seed": seed, "steps": PLAN["steps"], "sample_every": 0}
        (place / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
        without = {name: value for name, value in bench.environment.items() if not name.startswith("RAY_")}
        trainings.append(subprocess.Popen([sys.executable, "-m", "interdance.stages.train"], cwd=place, env=without))
    codes = [code, *(finish(training) for training in trainings)]
    bare = time.monotonic() - started
    rows, _ = trained_in(bench, "cost")
    inside = max(float(row["seconds"]) for row in rows)
    told = f"a sweep of two trials: {swept:.0f} s, {inside:.0f} s in the longer; two trainings: {bare:.0f} s"
    bench.say(codes == [0, 0, 0], told)


def check_training(bench: ClusterBench, nodes: list[subprocess.Popen[bytes]]) -> None:
    """A worker dies."""
    whole_state, state = bench.project / "state_whole", bench.project / "state_killed"
    code, whole, seconds = train(bench, whole_state)
    bench.say(code == 0, f"two workers train {STEPS} steps together ({seconds:.0f} s)")

    def kill_one() -> None:
        until(lambda: any(state.glob("checkpoints/*.safetensors")), 300, "a checkpoint")
        every = psutil.process_iter(["cmdline"])
        workers = [each for each in every if "RayTrainWorker" in " ".join(each.info["cmdline"] or [])]
        workers[-1].send_signal(signal.SIGKILL)
        bench.say(len(workers) == 2, f"two workers are there, one is killed: {workers[-1].pid}")

    code, weights, seconds = train(bench, state, kill_one)
    lines = [line for each in journals(bench, state).values() for line in each]
    told = Counter(steps_of(lines))
    expected = set(range(3, STEPS + 1, 3))
    resumed = (bench.logs / "train.log").read_text().count("continuing after step")
    bench.say(code == 0, f"the training ends all the same ({seconds:.0f} s)")
    bench.say(set(told) == expected and set(told.values()) == {1}, f"{len(told)} reports, each once")
    bench.say(resumed >= 1, "it went on from its checkpoint")
    bench.say(weights == whole != b"", "its weights are those of the unbroken training, byte for byte")


def check_sweep(bench: ClusterBench, nodes: list[subprocess.Popen[bytes]]) -> None:
    """The driver dies."""
    plan = bench.project / "plan.yaml"
    plan.write_text(yaml.safe_dump(PLAN))
    command = ("interdance.cli", "sweep", "plan.yaml")

    def finished() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in bench.project.glob("sweeps/*/trials/*/models/denoiser/run.json")}

    driver = bench.start(*command, log="sweep.log")
    until(lambda: len(finished()) >= 3 or driver.poll() is not None, 600, "three trials")
    kill(driver)
    before = finished()
    time.sleep(20)  # what the driver had started ends with it
    started = time.monotonic()
    code = finish(bench.start(*command, log="sweep.log"))
    seconds, after = time.monotonic() - started, finished()
    bench.say(code == 0, f"the same command goes on ({seconds:.0f} s for the other trials)")
    bench.say(len(list(bench.project.glob("sweeps/*"))) == 1, "it is the same sweep")
    bench.say(len(after) == PLAN["trials"], f"{len(after)} trainings for {PLAN['trials']} trials")
    same = sum(after.get(path) == made for path, made in before.items())
    bench.say(len(before) >= 3 and same == len(before), f"{same} of {len(before)} finished trials are as they were")
    rows = [row for table in bench.project.glob("sweeps/*/trials.csv") for row in table.read_text().splitlines()[1:]]
    bench.say(len(rows) == PLAN["trials"] and all("finished" in row for row in rows), f"{len(rows)} trials, all finished")
    check_records(bench, {"plan": PLAN["trials"]}, {"FINISHED"})


def check_records(bench: ClusterBench, trials: dict[str, int], expected: set[str]) -> None:
    """Sweeps by their names, with as many trials each, as MLflow has them."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{bench.paths.state / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("interdance").experiment_id], max_results=1000)
    for name, count in trials.items():
        parents = [run for run in runs if run.data.tags["mlflow.runName"] == f"sweep {name}"]
        above = {run.info.run_id for run in parents}
        children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") in above]
        whole = len(parents) == 1 and len(children) == count
        bench.say(whole, f"{len(parents)} sweep {name} with {len(children)} trials in MLflow")
        ended = Counter(run.info.status for run in children)
        bench.say(set(ended) <= expected, f"their status: {dict(ended)}; that of the sweep: {parents[0].info.status}")
        bench.say(parents[0].info.status == "FINISHED", f"sweep {name} has ended")


def trained_in(bench: ClusterBench, name: str) -> tuple[list[dict[str, str]], int]:
    """The trials of a sweep as its table has them, and how many models they left."""
    with next(iter(bench.project.glob(f"sweeps/{name}-*/trials.csv"))).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return rows, len(list(bench.project.glob(f"sweeps/{name}-*/trials/*/models/denoiser/weights.safetensors")))


def check_halving(bench: ClusterBench, nodes: list[subprocess.Popen[bytes]]) -> None:
    """Two sweeps share the cluster."""
    names = ("left", "right")
    for seed, name in enumerate(names, start=11):
        change = {"stop_early": True, "trials": 4, "steps": 24, "grace": 3, "seed": seed}
        (bench.project / f"{name}.yaml").write_text(yaml.safe_dump(PLAN | change))
    started = time.monotonic()
    drivers = [bench.start("interdance.cli", "sweep", f"{name}.yaml", log=f"{name}.log") for name in names]
    codes = [finish(driver) for driver in drivers]
    bench.say(codes == [0, 0], f"two sweeps at once end ({time.monotonic() - started:.0f} s)")
    for name in names:
        rows, models = trained_in(bench, name)
        ended = Counter(row["ended"] for row in rows)
        bench.say(set(ended) == {"finished", "stopped"}, f"{name}: {dict(ended)}")
        bench.say(models == ended["finished"], f"{models} models of {ended['finished']} trials that came to their last step")
    check_records(bench, dict.fromkeys(names, 4), {"FINISHED", "KILLED"})


def check_job(bench: ClusterBench, nodes: list[subprocess.Popen[bytes]]) -> None:
    """A sweep from afar."""
    (bench.project / "afar.yaml").write_text(yaml.safe_dump(PLAN | {"trials": 2, "seed": 21}))
    elsewhere = bench.project / "elsewhere"
    elsewhere.mkdir()
    ours = f"cd {bench.project} && {Path(sys.executable).parent / 'interdance'} sweep afar.yaml"
    command = [sys.executable, "-m", "ray.scripts.scripts", "job", "submit", "--address", f"http://127.0.0.1:{bench.dashboard}"]
    done = subprocess.run(
        [*command, "--", "sh", "-c", ours], cwd=elsewhere, env=bench.environment, capture_output=True, text=True, timeout=900
    )
    bench.say(done.returncode == 0 and "succeeded" in done.stdout + done.stderr, "`ray job submit` runs a sweep to its end")
    if done.returncode:
        sys.stderr.write(done.stdout[-3000:] + done.stderr[-3000:])
        return
    rows, models = trained_in(bench, "afar")
    bench.say(len(rows) == models == 2, f"{models} models of {len(rows)} trials")
    check_records(bench, {"afar": 2}, {"FINISHED"})


def check_node(bench: ClusterBench, nodes: list[subprocess.Popen[bytes]]) -> None:
    """A machine dies."""
    state = bench.project / "state_node"

    def replace() -> None:
        until(lambda: any(state.glob("checkpoints/*.safetensors")), 300, "a checkpoint")
        kill(nodes[1])
        nodes[1] = ray_node(bench, f"--address=127.0.0.1:{bench.port}")

    code, _, seconds = train(bench, state, replace)
    bench.say(code == 0, f"a training survives the death of a node ({seconds:.0f} s)")


def check_token(bench: ClusterBench, nodes: list[subprocess.Popen[bytes]]) -> None:
    """A stranger asks."""
    stranger = {"RAY_AUTH_TOKEN": secrets.token_hex(16)}
    code = finish(bench.start("interdance.stages.train", log="token.log", INTERDANCE_WORKERS="2", **stranger), 120)
    said = (bench.logs / "token.log").read_text()
    bench.say(code == 2 and "error: RAY_ADDRESS=" in said, "another token is refused in a sentence")
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{bench.dashboard}/api/jobs/", timeout=30)
        status = 200
    except urllib.error.HTTPError as error:
        status = error.code
    bench.say(status == 401, f"the list of jobs without a token: {status}")


CHECKS = {
    "data": check_data,
    "training": check_training,
    "sweep": check_sweep,
    "halving": check_halving,
    "job": check_job,
    "cost": check_cost,
    "node": check_node,
    "token": check_token,
}


def main() -> None:
    """Check the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=CHECKS, default=list(CHECKS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interdance-cluster-") as name:
        (Path(name) / "project").mkdir()
        project = make_project(Path(name) / "project", SMOKE)
        params = config.load(project / "params.yaml").to_dict()
        params["train"]["steps"] = STEPS
        (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        workspace.reproduce(project, "statistics", say=lambda line: None)
        environment = os.environ | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
            "RAY_TMPDIR": name,
            "OMP_NUM_THREADS": "1",
        }
        bench = ClusterBench(project, environment, logs=Path(name))
        environment["RAY_ADDRESS"] = f"127.0.0.1:{bench.port}"
        with cluster(bench) as nodes:
            for part in arguments.parts:
                try:
                    CHECKS[part](bench, nodes)
                except (TimeoutError, OSError, ValueError) as error:
                    bench.say(False, f"{part}: {error}")
        bench.leave()


if __name__ == "__main__":
    main()
