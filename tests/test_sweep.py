"""Plans of sweeps: what is refused before a trial begins, and what is written of trials that ended."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from layout import ROOT

from interdance import config, sweep
from interdance.cluster.tune import Outcome
from interdance.config import Params, Paths
from interdance.errors import InputError
from interdance.files import write_json

SHIPPED = sorted((ROOT / "configs" / "sweep").glob("*.yaml"))
PARAMS = config.load(ROOT / "params.yaml")


def write_plan(tmp_path: Path, change: dict[str, Any]) -> Path:
    path = tmp_path / "plan.yaml"
    values = yaml.safe_load((ROOT / "configs" / "sweep" / "small.yaml").read_text())
    path.write_text(yaml.safe_dump(values | change))
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_plans_can_be_searched(path: Path) -> None:
    sweep._try(PARAMS, sweep.read_plan(path))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"trails": 3}, "trails: unknown key; known: space"),
        ({"trials": 0}, "trials: 0; more than 0"),
        ({"grace": 500}, "grace: 500 steps are more than the 200"),
        ({"searcher": "grid"}, "'grid' is not one of tpe, random"),
        ({"gpus": -1.0}, "hours and gpus"),
        ({"space": {}}, "name at least one parameter"),
        ({"space": {"train.lr": {"lognormal": [1.0, 2.0]}}}, "space.train.lr: one of these is needed: choice"),
        ({"space": {"train.lr": {"uniform": [2.0, 1.0]}}}, "the least first; found"),
        ({"space": {"train.lr": {"loguniform": [0.0, 1.0]}}}, "both above 0"),
        ({"space": {"model.blocks": {"integer": [1, 2.5]}}}, "whole numbers"),
        ({"space": {"model.blocks": {"choice": []}}}, "at least one value"),
        ({"space": {"train.lr": 3}}, "space.train.lr: a mapping is needed"),
    ],
)
def test_a_plan_that_cannot_be_searched_is_refused(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refused:
        sweep.read_plan(write_plan(tmp_path, change))
    assert "plan.yaml" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("train.lrr", [1.0, 2.0], "train.lrr: unknown key"),
        ("train.batch", [1.5, 2.5], "train.batch: int is needed"),
        ("sample.overlap", [1.0, 2.0], "a sweep changes trainings alone"),
        ("train.window", [30, 60], "other data would be needed"),
        ("body.model", ["a", "b"], "other data would be needed"),
        ("train.steps", [100, 200], "'steps' of the plan"),
    ],
)
def test_a_sweep_changes_what_a_training_can_be_told(name: str, values: list[Any], sentence: str) -> None:
    plan = replace(sweep.read_plan(SHIPPED[-1]), space={name: {"choice": values}})
    with pytest.raises(InputError, match=sentence):
        sweep._try(PARAMS, plan)


def outcome(name: str, value: float, ended: Any = "finished", reason: str = "") -> Outcome:
    return Outcome(name, {"train.lr": 1e-3, "losses.dm": 3.0, "diffusion.noise_shift": 6.0}, value, 200, 60.4, ended, reason)


@pytest.mark.parametrize(("mode", "first"), [("min", "low"), ("max", "high")])
def test_the_best_trial_is_first_and_becomes_an_overlay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Any, first: str
) -> None:
    """A trial that never told the metric is last, whichever way is better."""
    plan = replace(sweep.read_plan(SHIPPED[-1]), mode=mode)
    worst = math.inf if mode == "min" else -math.inf
    given = [outcome("broken", worst, "failed", "no, no"), outcome("low", 0.1), outcome("high", 0.2, "stopped")]
    monkeypatch.setattr(sweep, "search", lambda *_: list(given))
    for name in ("data/music", "data/encoded"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("data/split.json", "data/statistics.npz"):
        (tmp_path / name).write_text("")
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    folder, outcomes = sweep.sweep(tmp_path, plan, "mine")
    assert folder.parent == tmp_path / "sweeps" and folder.name.startswith("mine-")
    assert [each.name for each in outcomes][0] == first and outcomes[-1].name == "broken"
    rows = (folder / "trials.csv").read_text().splitlines()
    assert len(rows) == 4 and rows[1].endswith(first) and '"no, no"' in rows[3]
    best = config.load(tmp_path / "params.yaml", folder / "best.yaml")
    assert best.diffusion.noise_shift == 6.0 and best.train.lr == 1e-3 and best.train.steps == PARAMS.train.steps


def test_another_plan_or_other_data_are_another_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = sweep.read_plan(SHIPPED[-1])
    names: list[Path] = []
    monkeypatch.setattr(sweep, "search", lambda *given: names.append(given[-1]) or [])
    for name in ("data/music", "data/encoded"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("data/split.json", "data/statistics.npz"):
        (tmp_path / name).write_text("")
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    sweep.sweep(tmp_path, plan, "a")
    sweep.sweep(tmp_path, plan, "a")
    sweep.sweep(tmp_path, replace(plan, trials=9), "a")
    (tmp_path / "data" / "split.json").write_text("{}")
    sweep.sweep(tmp_path, plan, "a")
    assert names[0] == names[1] and len(set(names)) == 3


def test_data_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    with pytest.raises(InputError, match="interdance run statistics"):
        sweep.sweep(tmp_path, sweep.read_plan(SHIPPED[-1]), "a")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[tuple[int, float]]]:
    """What a trial tells, whose training is a stand-in that tells these steps and leaves these curves."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "params.yaml").write_text((ROOT / "params.yaml").read_text())

    def trial(steps: list[int], curve: list[list[float]], metric: str = "error") -> list[tuple[int, float]]:
        heard: list[tuple[int, float]] = []

        def training(params: Params, paths: Paths, name: str, *, watch: Any, **named: Any) -> None:
            trainings.append(params.train.lr)
            for step in steps:
                watch(step, {"error": 1.0 / step})
            write_json(paths.model / "curves.json", {"error": curve})
            write_json(paths.model / "run.json", {})

        monkeypatch.setattr(sweep.train, "run_in_team", training)
        sweep._trial(
            {"train.lr": 0.002},
            "trial",
            lambda step, metrics: heard.append((step, metrics["error"])),
            params=PARAMS,
            base=Paths(tmp_path / "project"),
            folder=tmp_path / "project" / "sweeps" / "a",
            parent="p",
            tags={},
            metric=metric,
        )
        return heard

    trainings: list[float] = []
    trial.trainings = trainings  # type: ignore[attr-defined]
    return trial


def test_a_training_that_had_ended_is_told_and_not_begun_again(told: Any) -> None:
    assert told([4, 8], [[4, 0.25], [8, 0.125]]) == [(4, 0.25), (8, 0.125)]
    assert told([4, 8], [[4, 0.25], [8, 0.125]]) == [(8, 0.125)], "its last word alone"
    assert told.trainings == [0.002]


def test_a_training_resumed_at_its_last_step_still_tells(told: Any) -> None:
    assert told([], [[4, 0.25], [8, 0.125]]) == [(8, 0.125)]


def test_a_metric_that_no_training_tells_is_refused(told: Any) -> None:
    with pytest.raises(InputError, match="metric: accuracy: trainings here tell error"):
        told([4], [[4, 0.25]], metric="accuracy")
