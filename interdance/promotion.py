"""The gate between a trained model and the alias that others generate by.

A candidate is measured by the reference evaluation that its run recorded, never by its loss. It becomes champion when it is
better than the champion in one figure beyond the interval of the difference and in no guarded figure worse by more than is
allowed; otherwise it becomes the challenger, and why is written down. Only runs that were measured alike can be compared.
"""

from __future__ import annotations

import json
import logging
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from interdance.config import Params, Paths, PromoteParams
from interdance.errors import InputError
from interdance.evaluation.pool import Difference
from interdance.evaluation.record import compare_records, read_evaluation, unlike
from interdance.registry import (
    CHALLENGER,
    CHAMPION,
    METRICS,
    PREVIOUS_TAG,
    SYSTEM,
    Registry,
    Version,
    open_registry,
)
from interdance.report.columns import BETTER

log = logging.getLogger(__name__)

FILE = "evaluate.json"
RECORD = "promotion.json"


@dataclass(frozen=True)
class Decision:
    """What the gate said.

    Attributes
    ----------
    version : the candidate's number in the registry.
    run_id : the candidate's run.
    champion : the number of the champion it was compared with, "" without one.
    promoted : whether the candidate is champion now.
    reasons : sentences: why not, or why.
    differences : candidate minus champion, by figure.
    """

    version: str
    run_id: str
    champion: str
    promoted: bool
    reasons: list[str]
    differences: dict[str, Difference] = field(default_factory=dict)

    def rows(self) -> list[list[str]]:
        """The figures as a table: what, difference, interval, verdict."""
        return [
            [name, f"{each.difference:+.4g}", f"{each.low:+.4g} to {each.high:+.4g}", each.verdict]
            for name, each in self.differences.items()
        ]


def gate(differences: dict[str, Difference], params: PromoteParams) -> list[str]:
    """Why a candidate with these differences to the champion is not to be promoted; nothing when it is.

    Raises
    ------
    InputError
        When the figure that decides, or a guarded one, is not known or was not measured.
    """
    for name in (params.metric, *params.limits):
        if BETTER.get(name, "none") not in ("down", "up"):
            known = ", ".join(key for key, way in BETTER.items() if way in ("down", "up"))
            raise InputError(f"promote: {name}: no figure that is better low or high; known: {known}")
        if name not in differences:
            raise InputError(f"promote: {name}: not measured for both; they have {', '.join(differences)}")
    reasons = []
    deciding = differences[params.metric]
    if deciding.verdict != "better":
        reasons.append(
            f"{params.metric} differs by {deciding.difference:+.4g} ({deciding.low:+.4g} to {deciding.high:+.4g}): "
            "not better beyond the interval"
        )
    for name, limit in params.limits.items():
        worse = differences[name].difference * (1 if BETTER[name] == "down" else -1)
        if worse > limit:
            reasons.append(f"{name} is worse by {worse:.4g}, more than {limit:g}")
    return reasons


def promote(
    params: Params, paths: Paths, *, run: str | None = None, best: str | None = None, replace: bool = False
) -> Decision:
    """Put a training through the gate: one that is named, or the best in a figure of those measured as the champion was.

    Parameters
    ----------
    replace
        Make a named training champion although it was not measured as the champion was, such as after new takes, without a
        gate. One that can be compared goes through it all the same.

    Raises
    ------
    InputError
        When there is no such training, it was not measured, or not as the champion was.
    """
    if (run is None) == (best is None):
        raise InputError("name a training with --run, or a figure with --best, and not both")
    if best is not None and BETTER.get(best, "none") not in ("down", "up"):
        raise InputError(f"--best {best}: no figure that is better low or high, such as FID_cd or CF")
    experiment = params.tracking.experiment
    with open_registry(paths) as registry, registry.alone(), ExitStack() as stack:
        champion = registry.of_alias(CHAMPION)
        theirs = stack.enter_context(registry.files(champion.run_id, METRICS)) / FILE if champion else None
        if best is not None:
            candidates = registry.ranked(experiment, best, BETTER[best] == "up")
        else:
            candidates = [registry.find(experiment, str(run))]
        reasons: list[str] = []
        for candidate in candidates:
            mine = stack.enter_context(registry.files(candidate.run_id, METRICS)) / FILE
            figures, _ = read_evaluation(mine)
            if SYSTEM not in figures["systems"]:
                reasons = [f"its evaluation has no {SYSTEM}: it holds {', '.join(figures['systems'])}"]
            else:
                reasons = unlike(figures["about"], read_evaluation(theirs)[0]["about"]) if theirs else []
            if not reasons or (replace and run is not None and SYSTEM in figures["systems"]):
                break
        else:
            what = f"training {candidates[0].short}" if run is not None else f"--best {best}: of {len(candidates)} none"
            cure = "measure it as the champion was, or make it champion with --run and --replace"
            raise InputError(f"{what} cannot be compared with the champion: {reasons[0]}; {cure}")
        version = registry.register(candidate)
        if champion is None:
            decision = Decision(version.number, version.run_id, "", True, ["there was no champion"])
        elif champion.number == version.number:
            return Decision(version.number, version.run_id, champion.number, True, ["it is the champion already"])
        elif reasons or theirs is None:
            why = [f"replaces version {champion.number}, with which it cannot be compared: {reasons[0]}"]
            decision = Decision(version.number, version.run_id, champion.number, True, why)
        else:
            differences = compare_records(mine, SYSTEM, theirs, SYSTEM)
            refused = gate(differences, params.promote)
            why = refused or [f"better in {params.promote.metric}, and no guarded figure is worse than allowed"]
            decision = Decision(version.number, version.run_id, champion.number, not refused, why, differences)
        _carry_out(registry, version, decision)
    return decision


def _carry_out(registry: Registry, version: Version, decision: Decision) -> None:
    said: dict[str, Any] = asdict(decision) | {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    registry.record(version.run_id, RECORD, said)
    tags = {"decision": json.dumps(decision.reasons)}
    if decision.promoted:
        registry.move(CHAMPION, version, tags | {PREVIOUS_TAG: decision.champion})
        registry.drop(CHALLENGER, version)
    else:
        registry.move(CHALLENGER, version, tags)


def roll_back(paths: Paths) -> tuple[Version, Version]:
    """Make the champion before this one champion again. Returns the version that was, and the one that is.

    Raises
    ------
    InputError
        When there is no champion, or none before it.
    """
    with open_registry(paths) as registry, registry.alone():
        champion = registry.of_alias(CHAMPION)
        if champion is None:
            raise InputError("--rollback: there is no champion; promote a model first")
        if not champion.previous:
            raise InputError(f"--rollback: version {champion.number} had no champion before it")
        before = registry.version(champion.previous)
        registry.move(CHAMPION, before, {"decision": json.dumps([f"rolled back from version {champion.number}"])})
        registry.move(CHALLENGER, champion, {"decision": json.dumps([f"rolled back to version {before.number}"])})
    return champion, before
