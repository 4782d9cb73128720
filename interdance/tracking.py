"""Records of runs in MLflow: one run per training, found again by its fingerprint, and complete after any fault.

Every point is first appended to a journal (``<state>/journal/<fingerprint>.jsonl``), then sent. A training that was
killed and resumed reports to the same run and no point twice; a server that was away is sent what it missed by the next
report, or by :func:`sync`. Nothing here can end a training: what MLflow refuses is logged as a warning and stays in the
journal.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import math
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from interdance.config import Params, Paths
from interdance.files import link_copy, locked, read_json

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

SQLITE = "sqlite:///"
SEND_EVERY_S = 5.0
RETRY_EVERY_S = 30.0
BATCH_POINTS = 1000  # the most MLflow takes in one call
#: What decides the weights besides the data: these sections of the parameters, and these modules and rooms.
TRAINING_SECTIONS = ("augment", "body", "diffusion", "losses", "mixture", "model", "signals", "train")
TRAINING_CODE = (
    "training",
    "trained.py",
    "stages/train.py",
    "body",
    "dataset",
    "diffusion",
    "model",
    "representation",
)
FINGERPRINT_TAG = "fingerprint"
MODEL_NAME = "denoiser"
"""Of the model that a training logs: artefacts ``denoiser`` (its folder) and ``params`` (``params.yaml``), code to serve it."""
EXAMPLE_FRAMES = 30
UPLOAD_TIMEOUT_S = "600"
ENDS = ("FINISHED", "FAILED", "KILLED")


def fingerprint(
    params: Params,
    paths: Paths,
    sections: Iterable[str] = TRAINING_SECTIONS,
    code: Iterable[str] = TRAINING_CODE,
    inputs: Iterable[Path] | None = None,
    also: Iterable[Path] = (),
) -> str:
    """Identity of a training: 16 hex digits over its parameters, its code and its inputs.

    Parameters
    ----------
    sections : names of the sections of ``params`` that matter, or of single values in them (``model.task``).
    code : modules, rooms and other files, relative to the package.
    inputs : files and folders whose bytes matter; by default those that every training reads below ``paths``.
    also : more of them.
    """
    values = {name: reduce(lambda part, key: part[key], name.split("."), params.to_dict()) for name in sections}
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    package = Path(__file__).resolve().parent
    for name in code:
        place = package / name
        for module in [place] if place.suffix else sorted(place.rglob("*.py")):
            digest.update(module.relative_to(package).as_posix().encode())
            digest.update(module.read_bytes() if module.exists() else b"absent")
    read = (paths.split, paths.statistics, paths.music, paths.encoded) if inputs is None else inputs
    for place in (*read, *also):
        for path in sorted(item for item in place.rglob("*") if item.is_file()) if place.is_dir() else [place]:
            digest.update(path.relative_to(place.parent).as_posix().encode())
            digest.update(_file_hash(path, path.stat().st_mtime_ns) if path.exists() else b"absent")
    return digest.hexdigest()[:16]


@dataclass
class Report:
    """A run to report to: ``report(step, {"loss": 0.1})``.

    Attributes
    ----------
    fingerprint : identity of the run; two reports with one fingerprint are one run.
    params : the parameters of the run.
    """

    fingerprint: str
    params: Params
    _journal: _Journal
    _store: _Store

    def __call__(self, step: int, metrics: Mapping[str, float]) -> None:
        """Record metrics of a step. A metric that this step already has is left as it is."""
        fresh = {name: float(value) for name, value in metrics.items() if (name, step) not in self._journal.points}
        if fresh:
            self._journal.append({"step": int(step), "metrics": fresh})
            self._store.send(self._journal)

    def summary(self, metrics: Mapping[str, float]) -> None:
        """Record results of the whole run; one measured anew and differently becomes the next step of its metric."""
        for name, value in metrics.items():
            steps = sorted(step for key, step in self._journal.points if key == name)
            if not steps:
                self(0, {name: value})
            elif self._journal.points[name, steps[-1]][0] != float(value):
                self(steps[-1] + 1, {name: value})

    def curves(self) -> dict[str, list[tuple[int, float]]]:
        """Every metric along the run, resumed or not: (step, value) by step, where the value is finite."""
        curves: dict[str, list[tuple[int, float]]] = {}
        for (name, step), (value, _) in sorted(self._journal.points.items()):
            if math.isfinite(value):
                curves.setdefault(name, []).append((step, value))
        return curves

    def model(self, folder: Path, served: Served) -> None:
        """Log a model folder as it is now, with the run's parameters, as the run's model, to be registered and served."""
        told = {"code": served.code, "signature": served.signature, "params": self.params.to_dict()}
        self._post("model", folder, told)

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a file or folder as it is now with the run, below ``folder`` when given."""
        self._post("artifact", path, {"folder": folder})

    def _post(self, kind: str, path: Path, told: Mapping[str, Any]) -> None:
        """Send a copy, which waits where it must: what lies at ``path`` may be another run's by then."""
        outbox = self._journal.path.parent.parent / "outbox"
        try:
            outbox.mkdir(parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix=f"{self.fingerprint}.", dir=outbox)) / path.name
            link_copy(path, place)
        except OSError as error:
            log.warning("%s is not recorded: %s", path, error)
            return
        self._journal.append({kind: str(place.resolve()), **told})
        self._store.send(self._journal, now=True)


@dataclass(frozen=True)
class Served:
    """How a model is served.

    Attributes
    ----------
    code : a module whose file makes an MLflow ``PythonModel`` (models from code), by name: its place differs by machine.
    signature : of its inputs, outputs and parameters, as ``ModelSignature.to_dict`` has it.
    """

    code: str
    signature: dict[str, Any]


@contextmanager
def run(
    params: Params,
    paths: Paths,
    kind: str,
    name: str,
    identity: str,
    final: bool = True,
    parent: str = "",
    tags: Mapping[str, str] | None = None,
) -> Iterator[Report]:
    """Open the run with this identity, or the one that an earlier, unfinished attempt opened.

    Parameters
    ----------
    kind : what the run is (``training``, ``evaluation``); a tag.
    name : what the MLflow page shows.
    identity : of the run; :func:`fingerprint` makes one.
    final : whether leaving the block ends the run (as failed when the block raised).
    parent : identity of the run that this one is a part of, which is open already.
    tags : more of them, such as the trial that a training is.
    """
    journal = _Journal(paths.state / "journal" / f"{identity}.jsonl")
    if not journal.opening:
        journal.append(
            {
                "experiment": params.tracking.experiment,
                "name": name,
                "params": _flat(params.to_dict()),
                "tags": {FINGERPRINT_TAG: identity, "kind": kind} | provenance(paths) | dict(tags or {}),
                "parent": parent,
            }
        )
    if final:
        journal.append({"status": "RUNNING"})
    store = _Store(paths)
    report = Report(identity, params, journal, store)
    status = "FAILED"
    try:
        store.send(journal, now=True)
        yield report
        status = "FINISHED"
    except (KeyboardInterrupt, SystemExit):  # the second is how Ray stops a trial
        status = "KILLED"
        raise
    finally:
        store.send(journal, now=True)
        if final:
            journal.append({"status": status})
            store.send(journal, now=True)


@contextmanager
def attach(params: Params, paths: Paths, identity: str) -> Iterator[Report]:
    """Add to the run of a training that has ended: results, pages. Its status stays; a missing run is made anew."""
    with run(params, paths, "training", f"training {identity[:8]}", identity, final=False) as report:
        yield report


def end(paths: Paths, identity: str, status: str) -> None:
    """End a run whose process was ended from outside, perhaps before it could send its end; one never begun is left alone."""
    place = paths.state / "journal" / f"{identity}.jsonl"
    if not place.exists():
        return
    journal = _Journal(place)
    if journal.status == "RUNNING":
        journal.append({"status": status})
    _Store(paths).send(journal, now=True)


def sync(paths: Paths) -> dict[str, int]:
    """Send what every journal holds and the store does not. Returns how many points, files and ends still wait, per run."""
    unsent = {}
    for path in sorted((paths.state / "journal").glob("*.jsonl")):
        journal = _Journal(path)
        store = _Store(paths)
        store.send(journal, now=True)
        unsent[path.stem] = len(store.missing(journal)) + len(journal.waiting) + store.owes_its_end(journal)
    return unsent


@dataclass(frozen=True)
class Metric:
    """One measured figure; ``name`` is the path to it, joined by dots, file first."""

    name: str
    value: float


def read_metrics(paths: Paths) -> list[Metric]:
    """Every number in the metric files of a run, sorted by name."""
    rows: list[Metric] = []

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{name}.{key}")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            rows.append(Metric(name, float(value)))

    for path in paths.metrics.glob("*.json"):
        walk(read_json(path), path.stem)
    return sorted(rows, key=lambda row: row.name)


def connect(paths: Paths) -> MlflowClient:
    """A client of the store, patient for seconds, not minutes; what the environment says of that is left alone."""
    for key, value in (
        ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1"),
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", "10"),
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
        ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"),
    ):
        os.environ.setdefault(key, value)
    import mlflow  # seconds to import: only when there is something to send

    return mlflow.MlflowClient(tracking_uri=store_address(paths))


def store_address(paths: Paths) -> str:
    """Where records go: ``MLFLOW_TRACKING_URI``, else a database file in the state folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{(paths.state / 'mlflow.db').resolve()}"


def store_file(paths: Paths) -> Path | None:
    """The database file that records go to; None where they go to a server."""
    address = store_address(paths)
    return Path(address.removeprefix(SQLITE)) if address.startswith(SQLITE) else None


class _Journal:
    """The lines of one run, in the order they were written; the truth about it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opening: dict[str, Any] | None = None
        self.points: dict[tuple[str, int], tuple[float, int]] = {}  # (metric, step) -> value, time in ms
        self.waiting: dict[str, dict[str, Any]] = {}  # files, folders and the model to be sent, by their places
        self.status: str | None = None
        self.status_since = 0  # ms
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text() if path.exists() else ""
        for line in text.splitlines():
            try:
                self._take(json.loads(line))
            except json.JSONDecodeError:  # the line a kill cut short
                continue
        if text and not text.endswith("\n"):
            with path.open("a") as stream:
                stream.write("\n")

    def append(self, record: dict[str, Any]) -> None:
        record = record | {"time": int(time.time() * 1000)}
        with self.path.open("a") as stream:
            stream.write(json.dumps(record) + "\n")
        self._take(record)

    def _take(self, record: dict[str, Any]) -> None:
        if "experiment" in record:
            self.opening = record
        elif "metrics" in record:
            for name, value in record["metrics"].items():
                self.points.setdefault((name, record["step"]), (value, record["time"]))
        elif "model" in record or "artifact" in record:
            self.waiting[record.get("model") or record["artifact"]] = record
        elif "sent" in record:
            self.waiting.pop(record["sent"], None)
        elif "status" in record:
            self.status, self.status_since = record["status"], record.get("time", 0)


class _Store:
    """MLflow's side of one run: made or found on first contact, then told what the journal has and it has not."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._client: MlflowClient | None = None
        self._run_id = ""
        self._status = ""
        self._known: set[tuple[str, int]] = set()
        self._next_try = 0.0
        self._is_away = False

    def send(self, journal: _Journal, now: bool = False) -> None:
        """Send what is missing, at most every few seconds unless ``now``; a failure is a warning and is tried again."""
        if not now and time.monotonic() < self._next_try:
            return
        try:
            client = self._client or self._connect(journal)
            for batch in _batches(self.missing(journal)):
                client.log_batch(self._run_id, metrics=[_metric(journal, point) for point in batch])
                self._known.update(batch)
            if self.owes_its_end(journal):
                client.set_terminated(self._run_id, journal.status, journal.status_since or None)
                self._status = str(journal.status)
            if now:  # files take their time: not at every few points
                for place, record in list(journal.waiting.items()):
                    self._deliver(client, Path(place), record)
                    journal.append({"sent": place})
                    if (self._paths.state / "outbox").resolve() in Path(place).parents:
                        shutil.rmtree(Path(place).parent, ignore_errors=True)
        except Exception as error:  # whatever it is, a training must not end because of its records
            if not self._is_away:
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                log.warning("MLflow does not answer (%s); records wait in %s", reason, journal.path)
            self._is_away = True
            self._next_try = time.monotonic() + RETRY_EVERY_S
        else:
            self._is_away = False
            self._next_try = time.monotonic() + SEND_EVERY_S

    def owes_its_end(self, journal: _Journal) -> bool:
        """Whether the run has ended, and the store was not told by this process."""
        return journal.status in ENDS and journal.status != self._status

    def _deliver(self, client: MlflowClient, place: Path, record: dict[str, Any]) -> None:
        """Send a file, a folder or the model. What is gone cannot be waited for: that is said, and it is over."""
        if not place.exists():
            log.warning("%s is gone before it could be recorded", place)
            return
        patience = os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = UPLOAD_TIMEOUT_S  # the server has just answered; a model takes longer
        try:
            if "model" in record:
                self._log_model(client, place, record)
            elif place.is_dir():
                client.log_artifacts(self._run_id, str(place), record["folder"] or place.name)
            else:
                client.log_artifact(self._run_id, str(place), record["folder"])
        finally:
            os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = patience

    def _log_model(self, client: MlflowClient, place: Path, record: dict[str, Any]) -> None:
        """By the client alone: MLflow's own function logs to an experiment that is global to the process."""
        import mlflow.pyfunc
        import numpy as np
        from mlflow.entities import LoggedModelOutput, LoggedModelStatus
        from mlflow.models import ModelSignature

        code, signature = importlib.util.find_spec(record["code"]), ModelSignature.from_dict(record["signature"])
        example = {
            spec.name: np.zeros([EXAMPLE_FRAMES if size == -1 else size for size in spec.shape], spec.type)
            for spec in signature.inputs.inputs
        }
        with tempfile.TemporaryDirectory() as name:
            folder, params = Path(name) / "model", Path(name) / "params.yaml"
            params.write_text(yaml.safe_dump(record["params"], sort_keys=False))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # MLflow would have types of predict() instead of the signature it is given
                mlflow.pyfunc.save_model(
                    folder,
                    python_model=code.origin if code else None,
                    artifacts={MODEL_NAME: str(place), "params": str(params)},
                    signature=signature,
                    input_example=example,
                    pip_requirements=["interdance"],  # said, or MLflow would run the model to find out
                )
            experiment = client.get_run(self._run_id).info.experiment_id
            made = client.create_logged_model(experiment, MODEL_NAME, self._run_id)
            try:
                client.log_model_artifacts(made.model_id, str(folder))
            except BaseException:  # it is made anew the next time
                client.delete_logged_model(made.model_id)
                raise
            client.finalize_logged_model(made.model_id, LoggedModelStatus.READY)
            client.log_outputs(self._run_id, [LoggedModelOutput(made.model_id, 0)])

    def missing(self, journal: _Journal) -> list[tuple[str, int]]:
        """Points of the journal that the store is not known to have."""
        return [point for point in journal.points if point not in self._known]

    def _connect(self, journal: _Journal) -> MlflowClient:
        opening = journal.opening or {}
        above = self._paths.state / "journal" / f"{opening.get('parent')}.jsonl"
        if above.exists():
            _Store(self._paths)._connect(_Journal(above))  # a part is told of its whole, which must be there
        with locked(self._paths.state / "mlflow.lock"):  # two makers of one database or one run would collide
            client = connect(self._paths)
            experiment = client.get_experiment_by_name(opening["experiment"])
            if experiment is None:
                is_here = store_file(self._paths) is not None
                folder = (self._paths.state / "artifacts").resolve().as_uri() if is_here else None
                experiment_id = client.create_experiment(opening["experiment"], artifact_location=folder)
            else:
                experiment_id = experiment.experiment_id
            identity, tags = opening["tags"][FINGERPRINT_TAG], opening["tags"]
            parent = _find(client, experiment_id, opening["parent"]) if opening.get("parent") else None
            tags = tags | ({"mlflow.parentRunId": parent} if parent else {})
            found = _find(client, experiment_id, identity)
            self._run_id = found or client.create_run(experiment_id, run_name=opening["name"], tags=tags).info.run_id
            # A fault may have come between the run and its parameters.
            from mlflow.entities import Param, RunTag

            told = client.get_run(self._run_id).data
            params = [Param(key, str(value)) for key, value in opening["params"].items() if key not in told.params]
            late = [RunTag(key, value) for key, value in tags.items() if key not in told.tags]
            for start in range(0, len(params), 100):
                client.log_batch(self._run_id, params=params[start : start + 100])
            client.log_batch(self._run_id, tags=late)
        for name in {name for name, _ in journal.points}:
            self._known.update((name, point.step) for point in client.get_metric_history(self._run_id, name))
        if journal.status == "RUNNING":
            client.update_run(self._run_id, status="RUNNING")
        self._client = client
        return client


def _find(client: MlflowClient, experiment_id: str, identity: str) -> str | None:
    """MLflow's name for the run with this identity."""
    found = client.search_runs([experiment_id], f"tags.{FINGERPRINT_TAG} = '{identity}'", max_results=1)
    return found[0].info.run_id if found else None


def _metric(journal: _Journal, point: tuple[str, int]) -> Any:
    from mlflow.entities import Metric

    value, milliseconds = journal.points[point]
    return Metric(point[0], value, milliseconds, point[1])


def _batches(points: list[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    for start in range(0, len(points), BATCH_POINTS):
        yield points[start : start + BATCH_POINTS]


@lru_cache(maxsize=65536)
def _file_hash(path: Path, changed_ns: int) -> bytes:
    """Of a file as it was at that time: a sweep asks for those of all its data once per trial."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 22):
            digest.update(block)
    return digest.digest()


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in values.items():
        result |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) and value else {prefix + key: value}
    return result


def provenance(paths: Paths) -> dict[str, str]:
    """Tags that say where a run comes from: git revision, whether files differ from it, ``dvc.lock``'s hash, the Prefect run.

    On a cluster they are those of the machine that asked; workers have the code alone.
    """
    code = Path(__file__).resolve().parent
    revision = _git(code, "rev-parse", "HEAD")
    tags = {"git.revision": revision or "none"}
    if revision:
        tags["git.dirty"] = str(bool(_git(code, "status", "--porcelain", "--untracked-files=no"))).lower()
    lock = paths.root / "dvc.lock"
    tags["dvc.lock"] = hashlib.sha256(lock.read_bytes()).hexdigest()[:16] if lock.exists() else "none"
    tags["prefect.flow_run"] = os.environ.get("INTERDANCE_FLOW_RUN", "none")
    return tags


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
