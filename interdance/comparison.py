"""Runs side by side: the parameters in which they differ, what was measured of them, and the same takes to watch."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interdance.config import Paths
from interdance.errors import InputError
from interdance.evaluation.record import read_evaluation
from interdance.files import atomic_folder
from interdance.registry import Registry
from interdance.report.runs import runs_page

SYSTEM = "interdance"
PAGE = "page.html"


@dataclass(frozen=True)
class Comparison:
    """Runs by the beginning of their fingerprints, in the order they were asked for.

    Attributes
    ----------
    names : what each is called here.
    titles : what MLflow calls each.
    parameters : of those that differ, the values, one for each run.
    evaluation : a summary as of one evaluation, in which the systems are the runs.
    clips : take -> run -> page of the couple, relative to the folder of the comparison.
    """

    names: list[str]
    titles: list[str]
    parameters: dict[str, list[str]]
    evaluation: dict[str, Any]
    clips: dict[str, dict[str, str]]


def measured_runs(paths: Paths, experiment: str, figures: Sequence[str]) -> list[list[str]]:
    """Trainings that were measured, the newest first, below a row of heads."""
    rows = [["run", "begun", *figures, "name"]]
    for run in Registry(paths).trainings(experiment):
        values = [run.data.metrics.get(f"evaluate.systems.{SYSTEM}.{figure}") for figure in figures]
        if any(value is not None for value in values):
            begun = time.strftime("%m-%d %H:%M", time.localtime(run.info.start_time / 1000))
            shown = ["" if value is None else f"{value:.4g}" for value in values]
            rows.append([run.data.tags["fingerprint"][:8], begun, *shown, run.info.run_name])
    return rows


def compare_runs(paths: Paths, experiment: str, runs: Sequence[str], out: Path) -> Comparison:
    """Put runs side by side; ``out`` receives ``index.html`` and the couples' pages.

    Parameters
    ----------
    runs
        Trainings by MLflow's run id or their fingerprints, or how one begins; two or more, all measured.

    Raises
    ------
    InputError
        When one cannot be found or was not measured, or two are the same.
    """
    registry = Registry(paths)
    found = [registry.find(experiment, name) for name in runs]
    names = [run.data.tags["fingerprint"][:8] for run in found]
    if len(set(names)) < max(2, len(names)):
        raise InputError(f"{', '.join(runs)}: two trainings or more are needed, each once")
    everything = sorted(set().union(*(run.data.params for run in found)))
    values = {key: [run.data.params.get(key, "") for run in found] for key in everything}
    evaluation: dict[str, Any] = {"systems": {}, "intervals": {}, "spread": {}, "about": {}}
    clips: dict[str, dict[str, str]] = {}
    with atomic_folder(out) as folder:
        for run, name in zip(found, names, strict=True):
            with registry.files(run.info.run_id, "metrics") as metrics:
                summary, _ = read_evaluation(metrics / "evaluate.json")
            if SYSTEM not in summary["systems"]:
                raise InputError(f"run {name}: its evaluation has no {SYSTEM}; it holds {', '.join(summary['systems'])}")
            for part in ("systems", "intervals", "spread"):
                if SYSTEM in summary.get(part, {}):
                    evaluation[part][name] = summary[part][SYSTEM]
            evaluation["about"][name] = summary["about"]
            for take, page in _pages(registry, run.info.run_id, folder / name):
                clips.setdefault(take, {})[name] = page.relative_to(folder).as_posix()
        comparison = Comparison(
            names,
            [run.info.run_name for run in found],
            {key: row for key, row in values.items() if len(set(row)) > 1},
            evaluation,
            clips,
        )
        references = {about["reference"]["fingerprint"] for about in evaluation["about"].values()}
        (folder / "index.html").write_text(
            runs_page(names, comparison.titles, comparison.parameters, evaluation, clips, is_one_reference=len(references) == 1)
        )
    return comparison


def _pages(registry: Registry, run_id: str, into: Path) -> list[tuple[str, Path]]:
    """The couples' pages that a run recorded, copied; none where it recorded none."""
    pages = []
    try:
        with registry.files(run_id, "reports/samples") as samples:
            for page in sorted(samples.rglob(PAGE)):
                take = page.parent.relative_to(samples).as_posix()
                place = into / take / PAGE
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(page, place)
                pages.append((take, place))
    except InputError:
        return []
    return pages
