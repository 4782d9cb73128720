"""A newcomer's evening, from the README alone: `python benchmarks/evening.py PROJECT [--pictures DIR]`.

In a clone of the project, whose `make demo` may have run already, these are done one after the other, as a person would:

repro      `dvc repro`;
sweep      `interdance sweep configs/sweep/small.yaml`;
promote    `interdance promote --best FID_cd`, and a follower by `interdance generate --model champion`;
mlflow     MLflow's pages are opened in a headless Chromium: the runs with the sweep's trials below it, the curves of the
           training, a dancing couple among its artefacts, the champion;
prefect    a server is started, the pipeline's flow is run beside it, and its pages are opened: the run's graph, its artefacts.

Each page must show what is looked for; `--pictures` keeps what was seen. The exit code is 1 when something did not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks.harness import Bench, finish, free_port, kill, until  # noqa: E402
from tests.chromium import Chromium  # noqa: E402

FIGURE = "FID_cd"


class Visitor:
    """A person at the screen: opens pages, waits until they show something, takes pictures."""

    def __init__(self, browser: Chromium, pictures: Path) -> None:
        self.browser, self.pictures = browser, pictures
        self.pictures.mkdir(parents=True, exist_ok=True)

    def see(self, address: str, *words: str, picture: str, wait: float = 3.0) -> str:
        """Open a page, wait for its words, and take a picture; returns which words did not come."""
        self.browser.call("Page.navigate", url=address)
        missing = self.await_words(words)
        self.browser.run("[...document.querySelectorAll('button[aria-label*=\"lose\"]')].forEach(button => button.click())")
        time.sleep(wait)  # what slides in, and what is drawn after its words
        self.browser.picture(self.pictures / f"{picture}.png")
        return missing

    def await_words(self, words: tuple[str, ...]) -> str:
        """Those that are not on the page after a minute."""
        end = time.monotonic() + 60
        while True:
            text = self.browser.run("document.body ? document.body.innerText : ''") or ""
            missing = [word for word in words if word.lower() not in text.lower()]
            if not missing or time.monotonic() > end:
                return ", ".join(missing)
            time.sleep(0.5)


@contextmanager
def server(bench: Bench, *command: str, address: str, log: str, **environment: str) -> Iterator[str]:
    """A server that answers at an address."""

    def answers() -> bool:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return True
        except OSError:
            return False

    process = bench.start(*command, log=log, **environment)
    try:
        until(answers, 180, f"{' '.join(command[:2])} answers")
        yield address
    finally:
        kill(process)


def check_repro(bench: Bench, pictures: Path) -> None:
    """The pipeline."""
    started = time.monotonic()
    code = finish(bench.start("dvc", "repro", log="repro.log"), 3 * 3600)
    ran = (bench.logs / "repro.log").read_text().count("Running stage")
    bench.say(code == 0, f"dvc repro: {ran} stages in {(time.monotonic() - started) / 60:.1f} min")
    started = time.monotonic()
    again = bench.call("dvc", "repro")
    bench.say("Running stage" not in again, f"dvc repro again: nothing to do, {time.monotonic() - started:.1f} s")


def check_sweep(bench: Bench, pictures: Path) -> None:
    """Trials side by side."""
    started = time.monotonic()
    code = finish(bench.start("interdance.cli", "sweep", "configs/sweep/small.yaml", log="sweep.log"), 3 * 3600)
    tables = sorted(bench.project.glob("sweeps/small-*/trials.csv"), key=lambda table: table.stat().st_mtime)
    rows = tables[-1].read_text().splitlines()[1:] if tables else []
    bench.say(code == 0 and len(rows) == 8, f"sweep: {len(rows)} trials in {(time.monotonic() - started) / 60:.1f} min")
    bench.say(bool(tables) and tables[-1].with_name("best.yaml").exists(), "the best settings are an overlay")


def check_promote(bench: Bench, pictures: Path) -> None:
    """The gate, and what it lets through."""
    said = bench.call("interdance.cli", "promote", "--best", FIGURE)
    bench.say("champion" in said, f"promote: {said.strip().splitlines()[-1]}")
    take = json.loads((bench.project / "data" / "split.json").read_text())["takes"]["test"][0]
    folder = bench.project / "data" / "takes" / take
    song = next(folder.glob("music.*"))
    out = bench.project / "runs" / "evening"
    arguments = ["--leader", str(folder / "leader.npz"), "--music", str(song), "--out", str(out), "--model", "champion"]
    bench.call("interdance.cli", "generate", *arguments)
    bench.say((out / "duet.html").exists(), "a follower by the champion, with page and film")


def check_mlflow(bench: Bench, pictures: Path) -> None:
    """MLflow's pages, served as `make ui` does."""
    port = str(free_port())
    store = f"sqlite:///{bench.project / '.state' / 'mlflow.db'}"
    command = ("mlflow", "ui", "--backend-store-uri", store, "--workers", "1", "--port", port)
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with server(bench, *command, address=f"http://127.0.0.1:{port}", log="mlflow.log", **quiet) as address:
        run = recorded(store)
        with Chromium(1440, 900) as browser:
            visitor = Visitor(browser, pictures)
            home = f"{address}/#/experiments/{run.info.experiment_id}"
            pages: tuple[tuple[str, tuple[str, ...], str], ...] = (
                (f"{home}/runs?viewStateShareKey=", (run.info.run_name, "sweep"), "mlflow_runs"),
                (f"{home}/runs/{run.info.run_id}", ("train.lr", FIGURE), "mlflow_run"),
                (f"{home}/runs/{run.info.run_id}/model-metrics", ("loss",), "mlflow_curves"),
                (f"{home}/runs/{run.info.run_id}/artifacts/{couple(store, run)}", ("html",), "mlflow_couple"),
                (f"{address}/#/models/interdance", ("champion",), "mlflow_champion"),
            )
            for place, words, picture in pages:
                missing = visitor.see(place, *words, picture=picture, wait=8.0 if "couple" in picture else 4.0)
                bench.say(not missing, f"{picture}: shows {', '.join(words)}" + (f"; not there: {missing}" if missing else ""))
            browser.call("Page.navigate", url=f"{home}/runs/{run.info.run_id}/artifacts/{couple(store, run)}")
            browser.enter_frame()
            browser.wait("window.__interdance", 60)
            bench.say(True, "the couple among the artefacts is drawn")


def recorded(store: str) -> Any:
    """The newest training whose figures were recorded."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=store)
    (experiment,) = [each for each in client.search_experiments() if each.name != "Default"]
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])
    return next(run for run in runs if any(FIGURE in name for name in run.data.metrics))


def couple(store: str, run: Any) -> str:
    """The last page of a couple among a run's artefacts."""
    from mlflow import MlflowClient

    pages = [item.path for item in MlflowClient(tracking_uri=store).list_artifacts(run.info.run_id, "samples")]
    return str(max(pages))


def check_prefect(bench: Bench, pictures: Path) -> None:
    """Prefect's pages, with a run of the pipeline."""
    port = str(free_port())
    api = f"http://127.0.0.1:{port}/api"
    command = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", port)
    theirs = {"PREFECT_API_URL": api, "PREFECT_HOME": str(bench.logs / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    with server(bench, *command, address=f"{api}/health", log="prefect.log", **theirs):
        os.environ |= theirs
        bench.environment |= theirs
        bench.call("prefect", "work-pool", "create", "local", "--type", "process")
        bench.call("prefect", "--no-prompt", "deploy", "--all")
        bench.call("flows.pipeline")
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            (flow_run,) = [each for each in client.read_flow_runs() if each.state.is_completed()]
        root = f"http://127.0.0.1:{port}"
        with Chromium(1440, 900) as browser:
            visitor = Visitor(browser, pictures)
            for place, words, picture in (
                (f"{root}/runs/flow-run/{flow_run.id}", (flow_run.name, "Completed"), "prefect_run"),
                (f"{root}/artifacts", ("metrics", "report"), "prefect_artifacts"),
                (f"{root}/deployments", ("nightly", "sweep", "promote"), "prefect_deployments"),
            ):
                missing = visitor.see(place, *words, picture=picture, wait=6.0)
                bench.say(not missing, f"{picture}: shows {', '.join(words)}" + (f"; not there: {missing}" if missing else ""))


CHECKS = {
    "repro": check_repro,
    "sweep": check_sweep,
    "promote": check_promote,
    "mlflow": check_mlflow,
    "prefect": check_prefect,
}


def main() -> None:
    """Spend the evening."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path, help="a clone, with its environment active")
    parser.add_argument("--parts", nargs="+", choices=CHECKS, default=list(CHECKS))
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="interdance-evening-") as name:
        project = arguments.project.resolve()
        binaries = str(Path(sys.executable).parent)
        environment = os.environ | {
            "PATH": os.pathsep.join([binaries, os.environ["PATH"]]),
            "PYTHONPATH": str(project),
        }
        revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=project, capture_output=True, text=True).stdout
        bench = Bench(project, environment, logs=Path(name))
        sys.stdout.write(f"{project} at {revision}")
        for part in arguments.parts:
            try:
                CHECKS[part](bench, arguments.pictures or Path(name))
            except (TimeoutError, OSError, ValueError, RuntimeError, StopIteration) as error:
                bench.say(False, f"{part}: {error}")
        bench.leave()


if __name__ == "__main__":
    main()
