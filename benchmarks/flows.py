"""The flows as an orchestrator runs them: `python benchmarks/flows.py`.

A small project is made, and a Prefect server, a work pool of processes and its worker are started for it on this machine, as
docs/platform.md says. Then

deploy       every deployment of prefect.yaml is made, and the one with a schedule has it;
pipeline     the deployment runs twice: every stage the first time, none the second; tables and links are there;
cancel       it is cancelled while it trains: it must be cancelled within 15 s and leave no process, and `dvc repro` must then
             go on from the training's last checkpoint;
experiments  `dvc exp run --temp -S train.lr=...` twice: the second time nothing runs; the working folder is as it was;
overheads    seconds of a `dvc repro` with nothing to do, and of a flow without a task.

What did not hold is printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks.harness import Bench, free_port, kill, until  # noqa: E402

CANCELLED_WITHIN_S = 15.0


def answers(address: str) -> bool:
    """Whether the server does."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2):
            return True
    except OSError:
        return False


@contextmanager
def orchestrator(bench: Bench) -> Iterator[None]:
    """A server, a pool and its worker."""
    address = bench.environment["PREFECT_API_URL"]
    port = address.rsplit(":", 1)[1].removesuffix("/api")
    started = [bench.start("prefect", "server", "start", "--host", "127.0.0.1", "--port", port, log="server.log")]
    try:
        until(lambda: answers(address), 180, "the server answers")
        bench.call("prefect", "work-pool", "create", "local", "--type", "process")
        bench.call("prefect", "--no-prompt", "deploy", "--all")
        started.append(bench.start("prefect", "worker", "start", "--pool", "local", log="worker.log"))
        yield
    finally:
        for process in reversed(started):
            kill(process)


def client() -> Any:
    """Of the server that PREFECT_API_URL names."""
    from prefect.client.orchestration import get_client

    return get_client(sync_client=True)


def run(name: str, **parameters: Any) -> Any:
    """Ask for a run of a deployment."""
    with client() as server:
        deployment = server.read_deployment_by_name(name)
        return server.create_flow_run_from_deployment(deployment.id, parameters=parameters)


def state(run_id: Any) -> str:
    """Of a run, as Prefect calls it."""
    with client() as server:
        return str(server.read_flow_run(run_id).state.type.value)


def ended(run_id: Any) -> str:
    """The state, once it is a last one."""
    return now if (now := state(run_id)) in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else ""


def log_of(run_id: Any) -> list[str]:
    """What a run wrote."""
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

    lines: list[str] = []
    with client() as server:
        while page := server.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])), limit=200, offset=len(lines)):
            lines += [each.message for each in page]
    return lines


def check_deploy(bench: Bench) -> None:
    """What the server knows."""
    wanted = {each["name"]: each for each in yaml.safe_load((bench.project / "prefect.yaml").read_text())["deployments"]}
    with client() as server:
        found = {each.name: each for each in server.read_deployments()}
    bench.say(set(found) == set(wanted), f"{len(found)} deployments: {', '.join(sorted(found))}")
    scheduled = {name for name, each in found.items() if each.schedules}
    bench.say(scheduled == {name for name, each in wanted.items() if "schedules" in each}, f"scheduled: {', '.join(scheduled)}")
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId

    def coming() -> list[Any]:
        with client() as server:
            those = DeploymentFilter(id=DeploymentFilterId(any_=[found["nightly"].id]))
            return [each.expected_start_time for each in server.read_flow_runs(deployment_filter=those)]

    times = until(coming, 120, "the server plans the nights to come")
    planned = f"{len(times)} nights are planned, the first on {min(times):%Y-%m-%d %H:%M}"
    bench.say(all(each.hour == 2 for each in times), planned)
    strict = {name for name, each in found.items() if each.enforce_parameter_schema}
    bench.say(strict == set(found), "the server checks parameters of each")


def check_pipeline(bench: Bench) -> None:
    """Twice."""
    from interdance.stages import STAGES

    for attempt, expected in (("first", len(STAGES)), ("second", 0)):
        started = time.monotonic()
        made = run("pipeline/small")
        end = until(lambda made=made: ended(made.id), 900, "the pipeline ends")
        time.sleep(3)  # the last lines of the log travel behind the state
        ran = sum("Running stage" in line for line in log_of(made.id))
        sentence = f"{attempt}: {end}, {ran} stages ran ({time.monotonic() - started:.0f} s)"
        bench.say(end == "COMPLETED" and ran == expected, sentence)
    with client() as server:
        keys = {each.key for each in server.read_artifacts()}
    bench.say({"metrics", "report"} <= keys, f"artefacts: {', '.join(sorted(key for key in keys if key))}")


def check_cancel(bench: Bench) -> None:
    """While it trains."""
    from prefect.states import Cancelling

    from interdance.config import Paths

    path = bench.project / "params.yaml"
    text = path.read_text()
    params = yaml.safe_load(text)
    params["train"] |= {"steps": 200, "checkpoint_every": 5, "sample_every": 0}
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    checkpoints = Paths(bench.project).checkpoints
    before = set(checkpoints.glob("*.safetensors"))
    made = run("pipeline/small")
    until(lambda: set(checkpoints.glob("*.safetensors")) - before, 900, "a checkpoint")
    below = [each for each in psutil.process_iter(["cmdline", "cwd"]) if is_ours(each, bench.project)]
    bench.say(len(below) > 0, f"{len(below)} processes of stages are there")
    started = time.monotonic()
    with client() as server:
        server.set_flow_run_state(made.id, Cancelling())
    end = until(lambda: ended(made.id), 120, "it is cancelled")
    seconds = time.monotonic() - started
    bench.say(end == "CANCELLED" and seconds < CANCELLED_WITHIN_S, f"{end} after {seconds:.1f} s")
    left = [each for each in below if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    bench.say(not left, f"{len(left)} processes are left")
    said = bench.call("dvc", "repro", "train")
    bench.say("continuing after step" in said, "the next dvc repro goes on from the checkpoint, to the end")
    path.write_text(text)


def is_ours(process: psutil.Process, project: Path) -> bool:
    """Whether it is a stage of the project, or the DVC that runs it."""
    command = " ".join(process.info["cmdline"] or [])
    return process.info["cwd"] == str(project) and ("interdance.stages" in command or "dvc" in command.split())


def changed(bench: Bench) -> str:
    """What git sees in the working folder."""
    done = subprocess.run(["git", "status", "--porcelain"], cwd=bench.project, check=True, capture_output=True, text=True)
    return done.stdout


def check_experiments(bench: Bench) -> None:
    """DVC's own."""
    before = changed(bench)
    for attempt in ("first", "second"):
        said = bench.call("dvc", "exp", "run", "--temp", "-S", "train.lr=0.002")
        ran = said.count("Running stage")
        bench.say((ran > 0) == (attempt == "first"), f"{attempt} `dvc exp run --temp`: {ran} stages ran")
    listed = bench.call("dvc", "exp", "list", "--name-only").split()
    bench.say(len(listed) == 2, f"experiments: {', '.join(listed)}")
    bench.say(changed(bench) == before, "the working folder is as it was")


def check_overheads(bench: Bench) -> None:
    """Of nothing."""
    for _ in range(2):
        started = time.monotonic()
        said = bench.call("dvc", "repro")
        seconds = time.monotonic() - started
    bench.say("Running stage" not in said and seconds < 5, f"dvc repro with nothing to do: {seconds:.1f} s")
    script = "import time, prefect\n@prefect.flow\ndef empty() -> None: ...\nbegun = time.monotonic()\nempty()\n"
    (bench.project / "empty.py").write_text(script + "print('took', time.monotonic() - begun)")
    took = next(line for line in bench.call("empty").splitlines() if line.startswith("took")).split()[1]
    bench.say(True, f"an empty flow, beside the server: {float(took):.2f} s")


CHECKS = {
    "deploy": check_deploy,
    "pipeline": check_pipeline,
    "cancel": check_cancel,
    "experiments": check_experiments,
    "overheads": check_overheads,
}


def make_clone(folder: Path) -> Path:
    """The project as git has it, with the parameters of the tests."""
    from interdance import config

    project = folder / "project"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(project)], check=True)
    params = config.load(project / "params.yaml", project / "tests" / "smoke.yaml")
    (project / "params.yaml").write_text(yaml.safe_dump(params.to_dict(), sort_keys=False))
    shutil.rmtree(project / "metrics")
    identity = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")
    subprocess.run(["git", *identity, "commit", "--quiet", "--all", "--message", "small"], cwd=project, check=True)
    return project


def main() -> None:
    """Check the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=CHECKS, default=list(CHECKS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interdance-flows-") as name:
        binaries = str(Path(sys.executable).parent)
        os.environ |= {"PREFECT_HOME": f"{name}/prefect", "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}
        environment = os.environ | {
            "PATH": os.pathsep.join([binaries, os.environ["PATH"]]),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "OMP_NUM_THREADS": "1",
        }
        bench = Bench(make_clone(Path(name)), environment, logs=Path(name))
        with orchestrator(bench):
            for part in arguments.parts:
                try:
                    CHECKS[part](bench)
                except (TimeoutError, OSError, ValueError) as error:
                    bench.say(False, f"{part}: {error}")
        bench.leave()


if __name__ == "__main__":
    main()
