"""A sweep: trainings of one project with settings that a plan searches, recorded as the parts of one run.

Everything lies below ``<root>/sweeps/<plan>-<key>``, the key being that of all a trial depends on: the same command goes on
where it was killed, and a changed plan, code or data set is another sweep. A sweep publishes nothing: what it finds is an
overlay, ``best.yaml``, and the model of record is trained with that by the pipeline.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import os
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from interdance import config, tracking
from interdance.ablation import DATA_SECTIONS
from interdance.cluster.tune import Outcome, Plan, Tell, search
from interdance.config import Params, Paths
from interdance.errors import InputError
from interdance.files import atomic_path, link, locked, read_json
from interdance.stages import train

log = logging.getLogger(__name__)


def read_plan(path: Path) -> Plan:
    """A plan from its file. Raises :class:`InputError` for what is unknown, missing or cannot be searched."""
    plan = config.read_as(Plan, path)
    plan.check(str(path))
    return plan


def sweep(root: Path, plan: Plan, name: str) -> tuple[Path, list[Outcome]]:
    """Run a plan's trials on the data of a run, the best first in what is returned.

    Parameters
    ----------
    root : Path
        Of a run whose takes are encoded and whose statistics are there.
    name : str
        Of the plan: the folder begins with it.

    Returns
    -------
    folder : Path
        ``trials.csv``, and ``best.yaml`` where a trial came to an end: an overlay over ``params.yaml``.
    outcomes : list of Outcome

    Raises
    ------
    InputError
        When data are missing, or the plan changes what a sweep cannot.
    """
    base = Paths(root.resolve())
    params = config.load(base.root / "params.yaml")
    for path in (base.split, base.statistics, base.encoded, base.music):
        if not path.exists():
            raise InputError(f"{path}: no such file; first make it: interdance run statistics")
    params = with_settings(params, {"train.steps": plan.steps, "train.sample_every": 0})
    _try(params, plan)
    identity = sha256(json.dumps([train.fingerprint_of(params, base), vars(plan)], sort_keys=True).encode()).hexdigest()[:16]
    folder = base.root / "sweeps" / f"{name}-{identity[:8]}"
    with (
        locked(base.state / f"sweep-{identity}.lock"),  # a second one waits, and finds what the first has made
        tracking.run(params, base, "sweep", f"sweep {name}", identity) as report,
    ):
        tags = tracking.provenance(base)  # workers have the code alone
        trial = partial(_trial, params=params, base=base, folder=folder, metric=plan.metric, parent=identity, tags=tags)
        outcomes = search(trial, plan, "ray", base.root, folder)
        outcomes.sort(
            key=lambda each: (not math.isfinite(each.value), each.value if plan.mode == "min" else -each.value, each.name)
        )
        for each in outcomes:
            tracking.end(base, _fingerprint(params, base, each.settings), "FAILED" if each.ended == "failed" else "KILLED")
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(table(outcomes, plan))
        _write(folder / "trials.csv", stream.getvalue())
        report.artifact(folder / "trials.csv")
        best = outcomes[0] if outcomes and math.isfinite(outcomes[0].value) else None
        if best is not None:
            _write(folder / "best.yaml", f"# {plan.metric} {best.value:.6g}, trial {best.name}\n" + _overlay(best.settings))
            report.artifact(folder / "best.yaml")
            report.summary({f"best/{plan.metric}": best.value, "trials": len(outcomes)})
    return folder, outcomes


def with_settings(params: Params, settings: Mapping[str, Any]) -> Params:
    """Parameters with some of them, named ``section.key``, set to other values.

    Raises
    ------
    InputError
        For a name or value that a file of parameters could not have.
    """
    values = params.to_dict()
    for name, value in settings.items():
        section, _, key = name.partition(".")
        values = config.merge(values, {section: {key: value}})
    return config.from_dict(values, "sweep")


def _try(params: Params, plan: Plan) -> None:
    """Refuse what no trial could be: unknown names, values of another kind, and what other data would be needed for."""
    for name, spec in plan.space.items():
        section = name.partition(".")[0]
        if section not in tracking.TRAINING_SECTIONS:
            raise InputError(f"space.{name}: a sweep changes trainings alone: {', '.join(tracking.TRAINING_SECTIONS)}")
        if name == "train.steps":
            raise InputError("space.train.steps: how long trials are is 'steps' of the plan, for all of them")
        if section in DATA_SECTIONS or name in DATA_SECTIONS:
            raise InputError(f"space.{name}: other data would be needed; compare such runs with interdance ablate")
        ((kind, values),) = spec.items()
        for value in values:
            with_settings(params, {name: float(value) if kind in ("uniform", "loguniform") else value})


def _trial(
    settings: dict[str, Any],
    name: str,
    tell: Tell,
    *,
    params: Params,
    base: Paths,
    folder: Path,
    metric: str,
    parent: str,
    tags: Mapping[str, str],
) -> None:
    """One training, in a folder of its own with the data of the run.

    A training that had ended when the search was killed is not begun again: it tells what it came to.
    """
    params = with_settings(params, settings)
    place = folder / "trials" / _fingerprint(params, base, {})
    for part, target in (("data", base.root / "data"), (".state", base.state)):
        link(place / part, Path(os.path.relpath(target, place)))
    shown = ", ".join(f"{key} {_shown(value)}" for key, value in settings.items())
    first = last = 0

    def watch(step: int, metrics: Mapping[str, float]) -> None:
        nonlocal first, last
        first = first or step
        last = step if metric in metrics else last
        if not last and step > first + params.train.validate_every:  # all that is told regularly has been told
            raise InputError(f"metric: {metric}: trainings here do not tell it; they tell {', '.join(metrics)}")
        tell(step, metrics)

    model = Paths(place).model
    with locked(base.state / f"trial-{place.name}.lock"):  # a searcher may ask for the same settings twice, or two sweeps may
        if not (model / "run.json").exists():
            train.run_in_team(params, Paths(place), shown, watch=watch, parent=parent, tags={**tags, "ray.trial": name})
    curves = read_json(model / "curves.json")
    if metric not in curves:
        raise InputError(f"metric: {metric}: trainings here tell {', '.join(curves)}")
    step, value = curves[metric][-1]
    if step > last:
        tell(step, {metric: value})


def _fingerprint(params: Params, base: Paths, settings: Mapping[str, Any]) -> str:
    return train.fingerprint_of(with_settings(params, settings), base)


def table(outcomes: Sequence[Outcome], plan: Plan) -> list[list[str]]:
    """A row for each trial, below a row of heads: its settings first, then how it ended, then why, how long, and its name."""
    rows = [[*plan.space, plan.metric, "step", "ended", "reason", "seconds", "trial"]]
    for each in outcomes:
        settings = [_shown(each.settings.get(name)) for name in plan.space]
        told = [f"{each.value:.6g}", str(each.step), each.ended, each.reason, f"{each.seconds:.0f}", each.name]
        rows.append([*settings, *told])
    return rows


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _overlay(settings: Mapping[str, Any]) -> str:
    nested: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        section, _, key = name.partition(".")
        nested.setdefault(section, {})[key] = value
    return yaml.safe_dump(nested, sort_keys=False)


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text)
