"""The rows of the paper's ablation tables, and of samplers: each trained over seeds on the same takes, all measured alike.

A setting is an overlay ``configs/ablation/<table>_<row>.yaml``; the report knows its followers as ``<table>.<row>``, or as
``interdance`` where the overlay changes nothing. What settings share is made once: encoded takes and statistics, and the
training where only sampling differs. Everything lies below ``<root>/ablation`` under a key of what it was made from, so a
run that was killed goes on, and one with more seeds or tables adds to it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from interdance import config, tracking
from interdance.body.model import Body, body_file
from interdance.config import Params, Paths
from interdance.dataset.split import read_split
from interdance.dataset.windows import open_encoded
from interdance.device import best_device
from interdance.errors import InputError
from interdance.evaluation.record import write_evaluation
from interdance.evaluation.series import write_series
from interdance.evaluation.summary import Evaluation
from interdance.files import atomic_folder, atomic_path, link, locked, read_json, write_json
from interdance.generation.generate import generate_follower, without_guidance
from interdance.processes.pool import local_pool
from interdance.report.page import page_html
from interdance.representation.registry import make_representation
from interdance.stages import encode, statistics, train
from interdance.stages.evaluate import measure
from interdance.trained import load_model

log = logging.getLogger(__name__)

BASE = "interdance"
"""The system of a setting that is the method as the parameters say."""

DATA_SECTIONS = ("augment", "body", "encode", "model.task", "statistics", "train.window", "train.stride")
DATA_CODE = (
    *("body", "dataset", "representation", "stages/encode.py", "stages/statistics.py"),
    *("mocap/markers.py", "mocap/marker_sets/landmarks.yaml", "mocap/marker_sets/ssm.yaml"),
)
SAMPLE_SECTIONS = ("guidance", "sample")
COST = "cost.json"
"""What sampling took, beside the followers of a row."""
SAMPLE_CODE = ("body", "diffusion", "generation", "model", "representation", "ablation.py")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Setting:
    """A row of a table: its name in the report, and its parameters."""

    name: str
    params: Params


def tables(folder: Path) -> list[str]:
    """Names of the tables that overlays ``<table>_<row>.yaml`` of a folder are rows of, sorted."""
    return sorted({path.stem.partition("_")[0] for path in folder.glob("*_*.yaml")})


def read_settings(params: Path, folder: Path, wanted: Sequence[str]) -> list[Setting]:
    """The rows of the wanted tables, laid over the parameters of a run.

    Parameters
    ----------
    params : Path
        ``params.yaml`` of the run.
    folder : Path
        Of the overlays.
    wanted : sequence of str
        Tables (``losses``), or single rows (``losses.dm``).

    Raises
    ------
    InputError
        For a table or row that there is none of.
    """
    base = config.load(params)
    rows = {path.stem.replace("_", ".", 1): path for path in sorted(folder.glob("*_*.yaml"))}
    settings: dict[str, Params] = {}
    for name in wanted:
        chosen = [row for row in rows if name in (row, row.partition(".")[0])]
        if not chosen:
            raise InputError(f"{name}: no such table or row; known: {', '.join([*tables(folder), *rows])}")
        for row in chosen:
            its = config.load(params, rows[row])
            settings[BASE if its == base else row] = its
    return [Setting(name, its) for name, its in settings.items()]


def ablate(
    root: Path, settings: Sequence[Setting], seeds: Sequence[int], workers: int, tell: Progress = lambda done, total: None
) -> Evaluation:
    """Train and sample every setting with every seed, and measure them all.

    Parameters
    ----------
    root : Path
        Of a run whose takes, music, split and reference set are there.
    seeds : sequence of int
        Each is the seed of a training and of its sampling.
    workers : int
        Trainings side by side, each with one thread.
    tell : callable
        Told the followers' sets that are done, and how many there are to be.

    Raises
    ------
    InputError
        When the run has no data yet, or a setting cannot be trained, sampled or measured here.
    """
    base, home = Paths(root), root / "ablation"
    for path in (base.takes, base.music, base.split, base.reference):
        if not path.exists():
            raise InputError(f"{path}: no such file; first make it: interdance run takes music split reference")
    if not read_split(base.split)["test"]:
        raise InputError(f"{base.split}: no test take to measure on; pin one with split.assign")
    base.state.mkdir(parents=True, exist_ok=True)
    with locked(home / ".lock"):  # a second run waits, and finds what the first has made
        return _ablate(base, home, _comparable(root, settings), seeds, workers, tell)


def _comparable(root: Path, settings: Sequence[Setting]) -> list[Setting]:
    """The settings with places that hold from any folder, and without guidance unless all of them can be guided.

    Raises
    ------
    InputError
        For duets, for a measure that needs more than points, and for a row about guidance where there can be none.
    """
    placed = [Setting(setting.name, _placed(setting.params, root)) for setting in settings]
    for params in (setting.params for setting in placed):
        if params.model.task != "reactive":
            raise InputError(f"model.task: {params.model.task}: rows of duets are not compared here; leave that overlay out")
        if params.evaluate.surface != "sampled":
            raise InputError(f"evaluate.surface: {params.evaluate.surface}: followers are points here; set it to sampled")
    kinds = [make_representation(each.params.encode.representation, Body.load(each.params.body.model)) for each in placed]
    if all(kind.can_be_guided for kind in kinds):
        return placed
    for setting in placed:
        if setting.name.startswith("guidance."):
            raise InputError(f"{setting.name}: of the representations here not every one can be guided; compare it alone")
    log.info("not every representation here can be guided: all rows go without guidance")
    return [
        Setting(each.name, replace(each.params, guidance=without_guidance(each.params.guidance))) for each in placed
    ]


def _placed(params: Params, root: Path) -> Params:
    """Parameters whose relative places, which start at the run's folder, are absolute."""
    body, start = params.body.model, params.train.start_from
    return replace(
        params,
        body=replace(params.body, model=str((root / body).resolve()) if body else ""),
        train=replace(params.train, start_from=str((root / start).resolve()) if start else ""),
    )


def _ablate(
    base: Paths, home: Path, settings: Sequence[Setting], seeds: Sequence[int], workers: int, tell: Progress
) -> Evaluation:
    data = {setting.name: _prepare(setting.params, base, home / "data") for setting in settings}
    # Settings that share a training are one job.
    shared: dict[str, list[tuple[str, int, Params]]] = {}
    for seed in seeds:
        for setting in settings:
            params = _seeded(setting.params, seed)
            key = train.fingerprint_of(params, Paths(data[setting.name]))
            shared.setdefault(key, []).append((setting.name, seed, params))
    sampled: dict[tuple[str, int], Path] = {}
    tell(0, len(settings) * len(seeds))
    with local_pool(workers) as pool:  # trainings, on what GPUs this machine has
        jobs = [
            pool.submit(_train_and_sample, group, data[group[0][0]], home / "trained" / key, home / "sampled", base.state)
            for key, group in shared.items()
        ]
        for job in as_completed(jobs):
            sampled |= job.result()
            tell(len(sampled), len(settings) * len(seeds))
    with atomic_folder(home / "generated") as out:
        for (name, seed), followers in sampled.items():
            link(out / name / f"seed_{seed}", Path(os.path.relpath(followers, home / "generated" / name)))
    evaluation = measure(settings[0].params, base, home / "generated")
    for setting in settings:
        rates = [read_json(sampled[setting.name, seed] / COST)["seconds_per_minute"] for seed in seeds]
        evaluation.summary["systems"][setting.name]["seconds_per_minute"] = round(sum(rates) / len(rates), 3)
    with atomic_folder(home / "metrics") as out:
        write_evaluation(out / "evaluate.json", evaluation)
        write_series(out / "plots", evaluation.series)
    with atomic_path(home / "index.html") as temporary:
        temporary.write_text(page_html(evaluation.summary, evaluation.series))
    return evaluation


def _prepare(params: Params, base: Paths, home: Path) -> Path:
    """A root with the run's takes, encoded as the setting wants them, and their statistics."""
    params = replace(params, encode=replace(params.encode, workers=1))  # the result does not depend on how many
    inputs = [base.takes, base.music, base.split]
    body = body_file(params.body.model)
    root = home / tracking.fingerprint(params, base, DATA_SECTIONS, DATA_CODE, [*inputs, body])
    for path in inputs:
        _link(root / "data" / path.name, path)
    if not Paths(root).statistics.exists():
        for name in params.sets:
            encode.run(params, Paths(root), name)
        statistics.run(params, Paths(root))
    return root


def _seeded(params: Params, seed: int) -> Params:
    return replace(params, train=replace(params.train, seed=seed), sample=replace(params.sample, seeds=[seed]))


def _train_and_sample(
    group: Sequence[tuple[str, int, Params]], data: Path, trained: Path, sampled: Path, state: Path
) -> dict[tuple[str, int], Path]:
    """Train once, then sample each row that uses the training; what is there already is taken as it is."""
    paths = Paths(trained)
    _link(trained / "data", data / "data")
    _link(trained / ".state", state)
    done = trained / "done.json"
    if not done.exists():
        name, seed, params = group[0]
        train.run(params, paths, f"{name}, seed {seed}")
        write_json(done, {"row": name, "seed": seed})
    return {(row, seed): _sample(params, paths, sampled) for row, seed, params in group}


def _sample(params: Params, paths: Paths, home: Path) -> Path:
    """The followers of every test take: ``<take>/points.npy``, and what they took in the process's own time."""
    out = home / tracking.fingerprint(params, paths, SAMPLE_SECTIONS, SAMPLE_CODE, [paths.model])
    if out.exists():
        return out
    body = Body.load(params.body.model)
    model = load_model(paths.model, body)
    device = best_device()
    clock = time.process_time if device == "cpu" else time.perf_counter  # a process's own time knows nothing of a GPU's
    costs: list[tuple[float, int]] = []
    with atomic_folder(out) as folder:
        for take in read_split(paths.split)["test"]:
            started = clock()
            made = generate_follower(
                model,
                body,
                open_encoded(paths.encoded / take / "leader.npy", model.representation),
                np.load(paths.music / f"{take}.npy", allow_pickle=False),
                sampling=params.sample,
                guidance=params.guidance,
                seed=params.sample.seeds[0],
                device=device,
            )
            costs.append((clock() - started, len(made.points_TP3)))
            (folder / take).mkdir(parents=True)
            np.save(folder / take / "points.npy", made.points_TP3)
        seconds, num_frames = np.sum(costs[1:] or costs, axis=0)  # the first one pays for what is loaded once
        write_json(folder / COST, {"seconds_per_minute": seconds / (num_frames / params.data.fps / 60)})
    return out


def _link(place: Path, target: Path) -> None:
    """A relative link, so that the run can be moved as a whole."""
    link(place, Path(os.path.relpath(target, place.parent)))
