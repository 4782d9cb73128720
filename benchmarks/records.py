"""Records under fault and load: `python benchmarks/records.py`.

A real MLflow server is started on this machine. Then

outage   a training's stand-in reports a step every 50 ms; the server is killed and, after `--away` seconds, started again. No
         call may stall, and after `interdance sync` every step must be there, the run ended; a second sync must change nothing;
writers  twenty processes report at once, each to a run of its own: through the server, and into one database file that they
         must first make together. Nothing may be lost;
serve    a model is registered in the server and served by `mlflow models serve`: it must answer as the model in this process
         does, refuse wrong shapes with 400, and the server of records a foreign Host with 403;
cost     milliseconds that a report of 15 metrics takes: into the file, through the server, with no server there; and the share
         of a training's step of `--step` seconds that is, reporting every tenth.

What did not hold is printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks.harness import Bench, free_port, kill, until  # noqa: E402
from interdance import config, tracking  # noqa: E402
from interdance.config import Paths  # noqa: E402

PERIOD = 0.05
WRITERS, STEPS = 20, 100
PARTS = ("outage", "writers", "serve", "cost")
NAMES = [f"loss/{index}" for index in range(15)]
PATIENCE = 15.0  # seconds that a report may take while the server is away: one refused connection, not minutes of retries


def start_server(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """MLflow on a port, its database and artefacts below a folder; returns when it answers."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination", str(folder / "artifacts")),
        ],
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: ask(f"http://127.0.0.1:{port}/health")[0] == 200, 180, "the server answers")
    return process


@contextmanager
def records_at(address: str | None) -> Iterator[None]:
    """Records go to this server, or to the file of the project."""
    before = os.environ.pop("MLFLOW_TRACKING_URI", None)
    if address:
        os.environ["MLFLOW_TRACKING_URI"] = address
    try:
        yield
    finally:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        if before:
            os.environ["MLFLOW_TRACKING_URI"] = before


def stored(root: Path, identity: str) -> tuple[str, list[tuple[int, float]]]:
    """Status of the run with this identity, and the points of its first metric."""
    client = tracking.connect(Paths(root))
    experiment = client.get_experiment_by_name("interdance")
    runs = client.search_runs([experiment.experiment_id], f"tags.fingerprint = '{identity}'") if experiment else []
    if len(runs) != 1:
        return f"{len(runs)} runs", []
    history = client.get_metric_history(runs[0].info.run_id, NAMES[0])
    return runs[0].info.status, sorted((point.step, point.value) for point in history)


def write(root: Path, identity: str, steps: int, period: float) -> float:
    """Report so many steps; returns the longest that a report took."""
    params = config.load(REPOSITORY / "params.yaml")
    longest = 0.0
    with tracking.run(params, Paths(root), "training", identity, identity) as report:
        for step in range(1, steps + 1):
            started = time.monotonic()
            report(step, {name: 1.0 / step for name in NAMES})
            longest = max(longest, time.monotonic() - started)
            time.sleep(period)
    return longest


def expected(steps: int) -> list[tuple[int, float]]:
    """What must be stored."""
    return [(step, 1.0 / step) for step in range(1, steps + 1)]


Say = Callable[[bool, str], None]


def check_outage(folder: Path, port: int, away: float, say: Say) -> None:
    """The server dies in the middle."""
    server = start_server(folder, port)
    steps = int((away + 40) / PERIOD)
    with records_at(f"http://127.0.0.1:{port}"), ProcessPoolExecutor(1, get_context("spawn")) as pool:
        writer = pool.submit(write, folder, "outage", steps, PERIOD)
        time.sleep(15)
        kill(server)
        time.sleep(away)
        server = start_server(folder, port)
        longest = writer.result()
        say(longest < PATIENCE, f"{steps} steps reported, {away:g} s without a server: no report took over {longest:.1f} s")
        unsent = tracking.sync(Paths(folder))
        status, points = stored(folder, "outage")
        is_whole = not any(unsent.values()) and points == expected(steps)
        say(is_whole, f"{len(points)} of {steps} steps are there, {unsent} unsent")
        say(status == "FINISHED", f"the run is {status}")
        tracking.sync(Paths(folder))
        say(stored(folder, "outage") == (status, points), "a second sync changes nothing")
    kill(server)


def check_writers(folder: Path, port: int, say: Say) -> None:
    """Twenty at once."""
    for kind, address in (("a server", f"http://127.0.0.1:{port}"), ("one file", None)):
        root = folder / kind.replace(" ", "_")
        root.mkdir()
        server = start_server(root, port) if address else None
        with records_at(address), ProcessPoolExecutor(WRITERS, get_context("spawn")) as pool:
            started = time.monotonic()
            names = [f"writer{index:02d}" for index in range(WRITERS)]
            list(pool.map(partial(write, root, steps=STEPS, period=0.01), names))
            seconds = time.monotonic() - started
            late = tracking.sync(Paths(root))
            whole = sum(stored(root, name) == ("FINISHED", expected(STEPS)) for name in names)
            is_whole = whole == WRITERS and not any(late.values())
            say(is_whole, f"{whole} of {WRITERS} writers into {kind} are whole ({seconds:.0f} s)")
        if server is not None:
            kill(server)


def check_serve(folder: Path, port: int, say: Say) -> None:
    """The champion, from afar."""
    sys.path.insert(0, str(REPOSITORY / "tests"))
    import mlflow.pyfunc
    import numpy as np
    from dancers import swaying, write_untrained

    from interdance import registry, serving

    params = config.load(REPOSITORY / "params.yaml", REPOSITORY / "tests" / "smoke.yaml")
    frames, paths = 30, Paths(folder)
    write_untrained(folder / "denoiser", params, frames)
    server = start_server(folder, port)
    address = f"http://127.0.0.1:{port}"
    with records_at(address):
        with tracking.run(params, paths, "training", "served", "served") as report:
            report.model(folder / "denoiser", tracking.Served(serving.__name__, serving.SIGNATURE.to_dict()))
        with registry.open_registry(paths) as models:
            models.move(registry.CHAMPION, models.register(models.find(params.tracking.experiment, "served")), {})
        motion = swaying(frames)
        given = {
            "rotations": motion.rotations_TJ3,
            "translation": motion.translation_T3,
            "betas": motion.betas[None].astype(np.float32),
            "music": np.random.default_rng(1).normal(size=(frames, 35)).astype(np.float32),
        }
        here = mlflow.pyfunc.load_model(f"models:/{registry.NAME}@{registry.CHAMPION}").predict(given, params={"seed": 3})
        command = ("models", "serve", "-m", f"models:/{registry.NAME}@{registry.CHAMPION}", "--env-manager", "local")
        started, scorer = time.monotonic(), free_port()
        scoring = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command, "--host", "127.0.0.1", "--port", str(scorer)],
            env=os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            until(lambda: ask(f"http://127.0.0.1:{scorer}/ping")[0] == 200, 180, "the model is served")
            seconds = time.monotonic() - started
            asked = {"inputs": {name: value.tolist() for name, value in given.items()}, "params": {"seed": 3}}
            place = f"http://127.0.0.1:{scorer}/invocations"
            status, answer = ask(place, asked)
            same = status == 200 and all(
                np.array_equal(np.asarray(value, np.float32), here[name]) for name, value in answer["predictions"].items()
            )
            say(same, f"served after {seconds:.0f} s: {status}, the same follower as here")
            short = asked["inputs"] | {"music": np.zeros((frames, 3)).tolist()}
            status, _ = ask(place, asked | {"inputs": short})
            say(status == 400, f"music of another width: {status}")
        finally:
            kill(scoring)
        foreign, _ = ask(f"{address}/api/2.0/mlflow/experiments/search?max_results=1", host="records.example")
        known, _ = ask(f"{address}/api/2.0/mlflow/experiments/search?max_results=1")
        say((foreign, known) == (403, 200), f"a foreign Host: {foreign}; a known one: {known}")
    kill(server)


def ask(address: str, content: object = None, host: str = "") -> tuple[int, dict]:
    """Status and answer of a request; 0 where nobody listens."""
    headers = {"Content-Type": "application/json"} | ({"Host": host} if host else {})
    data = None if content is None else json.dumps(content).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=120) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text.startswith(b"{") else {}
    except urllib.error.HTTPError as error:
        return error.code, {}
    except OSError:
        return 0, {}


def check_cost(folder: Path, port: int, step: float, say: Say) -> None:
    """What a report takes."""
    params = config.load(REPOSITORY / "params.yaml")
    for kind, address in (
        ("the file", None),
        ("a server", f"http://127.0.0.1:{port}"),
        ("no server", f"http://127.0.0.1:{port}"),
    ):
        root = folder / f"cost_{kind.replace(' ', '_')}"
        root.mkdir()
        server = start_server(root, port) if kind == "a server" else None
        with records_at(address), tracking.run(params, Paths(root), "training", "cost", "cost") as report:
            started = time.monotonic()
            for index in range(1, 201):
                report(index, {name: 1.0 for name in NAMES})
                time.sleep(PERIOD)
            mean = (time.monotonic() - started) / 200 - PERIOD
        share = mean / (10 * step)
        say(share < 0.02, f"a report into {kind} takes {1000 * mean:.1f} ms: {share:.2%} of ten steps of {step:g} s")
        if server is not None:
            kill(server)


def main() -> None:
    """Check the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--away", type=float, default=60.0, help="seconds that the server is away")
    parser.add_argument("--step", type=float, default=0.5, help="seconds of a training's step: about that of the small profile")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interdance-records-") as name:
        port = free_port()
        bench = Bench(Path(name), dict(os.environ), logs=Path(name))
        for part in arguments.parts:
            (folder := Path(name) / part).mkdir()
            if part == "outage":
                check_outage(folder, port, arguments.away, bench.say)
            elif part == "writers":
                check_writers(folder, port, bench.say)
            elif part == "serve":
                check_serve(folder, port, bench.say)
            else:
                check_cost(folder, port, arguments.step, bench.say)
        bench.leave()


if __name__ == "__main__":
    main()
