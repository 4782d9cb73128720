"""A search over settings by Ray Tune: trials side by side, the poor ones stopped early, the next ones chosen by the last.

A trial is a function of its settings that tells how it is doing; what it learns, and how it goes on after a fault, is its own
affair. Ray keeps which trials there were and what they said, so that a search that was killed goes on where it was.
"""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from interdance.errors import InputError
from interdance.processes.session import connected, require, speak

if TYPE_CHECKING:
    from ray.tune.schedulers import TrialScheduler

log = logging.getLogger(__name__)

Tell = Callable[[int, Mapping[str, float]], None]
Trial = Callable[[dict[str, Any], str, Tell], None]
"""``trial(settings, its name, tell)``, where ``tell(step, metrics)`` reports."""

RESTARTS = 2
KINDS = {
    "choice": "a list of values",
    "uniform": "[least, most]",
    "loguniform": "[least, most], both above 0",
    "integer": "[least, most], whole",
}


@dataclass(frozen=True)
class Plan:
    """What is searched for, where, how, and how long. One file of ``configs/sweep`` holds one.

    Attributes
    ----------
    space : by name of a parameter (``train.lr``), its ``kind: values`` (:data:`KINDS`).
    metric, mode : of what trials tell.
    trials : how many.
    steps : of each, unless it is stopped.
    hours : after which no new trial begins and those that run are stopped; 0: no limit.
    searcher : ``tpe`` (Optuna's tree of Parzen estimators, which learns from the trials before) or ``random``.
    seed : of the searcher.
    stop_early : by ASHA: at ``grace`` steps, and at three times as many, and so on, only the best third goes on.
    grace : steps that every trial has.
    cpus, gpus : of a trial; a share of a GPU is allowed (0.5: two trials on one).
    """

    space: dict[str, dict[str, list[Any]]]
    metric: str
    mode: Literal["min", "max"]
    trials: int
    steps: int
    hours: float
    searcher: Literal["tpe", "random"]
    seed: int
    stop_early: bool
    grace: int
    cpus: float
    gpus: float

    def check(self, source: str) -> None:
        """Raise :class:`InputError` for what cannot be searched; ``source`` names the file."""
        if not self.space:
            raise InputError(f"{source}: space: name at least one parameter, such as train.lr")
        for name, spec in self.space.items():
            if len(spec) != 1 or next(iter(spec)) not in KINDS:
                known = ", ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items())
                raise InputError(f"{source}: space.{name}: one of these is needed: {known}")
            ((kind, values),) = spec.items()
            if kind != "choice":
                numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
                if len(values) != 2 or not numbers or not values[0] < values[1]:
                    raise InputError(f"{source}: space.{name}: {kind} needs {KINDS[kind]}, the least first; found {values}")
                if kind == "loguniform" and values[0] <= 0:
                    raise InputError(f"{source}: space.{name}: loguniform needs both above 0; found {values}")
                if kind == "integer" and not all(isinstance(value, int) for value in values):
                    raise InputError(f"{source}: space.{name}: integer needs whole numbers; found {values}")
            elif not values:
                raise InputError(f"{source}: space.{name}: choice needs at least one value")
        for name in ("trials", "steps", "grace", "cpus"):
            if getattr(self, name) <= 0:
                raise InputError(f"{source}: {name}: {getattr(self, name)}; more than 0 is needed")
        if min(self.hours, self.gpus) < 0:
            raise InputError(f"{source}: hours and gpus: 0 or more is needed")
        if self.grace > self.steps:
            raise InputError(f"{source}: grace: {self.grace} steps are more than the {self.steps} that a trial has")


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes
    ----------
    name : Ray's name for the trial.
    settings : by name of the parameter.
    value : of the metric, when it was told last; not finite when it never was, or the trial failed.
    step : when it was told last.
    seconds : that it took.
    ended : ``finished``, ``stopped`` early, or ``failed``.
    reason : of a failure, in a sentence.
    """

    name: str
    settings: dict[str, Any]
    value: float
    step: int
    seconds: float
    ended: Literal["finished", "stopped", "failed"]
    reason: str = ""


def search(trial: Trial, plan: Plan, name: str, folder: Path, storage: Path) -> list[Outcome]:
    """Run the trials of a plan, or those that an earlier, killed run with this name did not finish.

    Parameters
    ----------
    trial
        It travels to other machines: what it holds must too. Its :class:`InputError` is the trial's failure, nothing
        else's, and is not tried again; whatever else ends a trial is, twice.
    name
        Of the search; it must follow from the plan and from what trials depend on, for an equal name goes on.
    folder
        Working folder of the trials: where relative paths begin.
    storage
        Folder for what Ray keeps. Both are seen by every machine, at the same place.

    Raises
    ------
    InputError
        When no machine has what a trial takes.
    """
    from ray import tune
    from ray.tune.search import BasicVariantGenerator
    from ray.tune.search.optuna import OptunaSearch

    def run(settings: dict[str, Any]) -> None:
        os.chdir(folder)
        speak()
        last = {"step": 0, plan.metric: _worst(plan.mode)}

        def tell(step: int, metrics: Mapping[str, float]) -> None:
            nonlocal last
            if plan.metric in metrics:
                last = {"step": step, plan.metric: float(metrics[plan.metric])}
                tune.report(last)

        try:
            trial(settings, tune.get_context().get_trial_id(), tell)
        except InputError as error:
            tune.report({**last, plan.metric: _worst(plan.mode), "refused": str(error)})

    with connected():
        require(1, plan.cpus, plan.gpus, "a trial")
        trainable = tune.with_resources(run, {"cpu": plan.cpus, "gpu": plan.gpus})
        place = storage.resolve() / name
        if (place / "tuner.pkl").exists():
            log.info("%s: going on", place)
            tuner = tune.Tuner.restore(str(place), trainable, resume_unfinished=True, restart_errored=True)
        else:
            searchers: dict[str, Callable[[], Any]] = {
                "tpe": partial(OptunaSearch, seed=plan.seed),
                "random": partial(BasicVariantGenerator, random_state=plan.seed),
            }
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Optuna's notes about its own options
                searcher = searchers[plan.searcher]()
            tuner = tune.Tuner(
                trainable,
                param_space={key: _domain(spec) for key, spec in plan.space.items()},
                tune_config=tune.TuneConfig(
                    metric=plan.metric,
                    mode=plan.mode,
                    num_samples=plan.trials,
                    search_alg=searcher,
                    scheduler=scheduler(plan),
                    time_budget_s=plan.hours * 3600 or None,
                    reuse_actors=False,
                    trial_dirname_creator=lambda each: str(each.trial_id),
                ),
                run_config=tune.RunConfig(
                    name=name,
                    storage_path=str(storage.resolve()),
                    failure_config=tune.FailureConfig(max_failures=RESTARTS),
                    verbose=1,
                ),
            )
        results = tuner.fit()
        return [_outcome(results[index], plan) for index in range(len(results))]


def scheduler(plan: Plan) -> TrialScheduler:
    """What decides whether a trial goes on (:class:`Plan`: ``stop_early``); it is told ``step`` and the plan's metric."""
    from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

    if not plan.stop_early:
        return FIFOScheduler()
    return ASHAScheduler(
        time_attr="step",
        max_t=plan.steps,
        grace_period=plan.grace,
        reduction_factor=3,
        stop_last_trials=False,  # a trial at its last step has its model to write yet
    )


def _domain(spec: Mapping[str, list[Any]]) -> Any:
    from ray import tune

    ((kind, values),) = spec.items()
    if kind == "choice":
        return tune.choice(values)
    if kind == "integer":
        return tune.randint(values[0], values[1] + 1)
    return {"uniform": tune.uniform, "loguniform": tune.loguniform}[kind](*values)


def _worst(mode: str) -> float:
    return math.inf if mode == "min" else -math.inf


def _outcome(result: Any, plan: Plan) -> Outcome:
    metrics = result.metrics or {}
    step, refused = int(metrics.get("step", 0)), metrics.get("refused", "")
    failed = bool(refused or result.error)
    return Outcome(
        name=str(metrics.get("trial_id", "")) or Path(result.path).name,
        settings=dict(result.config or {}),
        value=_worst(plan.mode) if failed else float(metrics.get(plan.metric, _worst(plan.mode))),
        step=step,
        seconds=float(metrics.get("time_total_s", 0.0)),
        ended="failed" if failed else "finished" if step >= plan.steps else "stopped",
        reason=refused or (str(result.error).strip().splitlines()[-1] if result.error else ""),
    )
