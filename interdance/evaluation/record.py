"""An evaluation on disk: ``<name>.json`` to read, ``<name>.npz`` (bootstrap draws) to compare other runs with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from interdance.errors import InputError
from interdance.evaluation.pool import Difference, compare
from interdance.evaluation.summary import GROUND_TRUTH, Evaluation
from interdance.files import read_json, read_npz, write_json, write_npz
from interdance.report.columns import BETTER

SAME = ("takes", "frames", "clips", "settings")
"""Facts that two evaluations must share to be compared draw by draw, besides the reference set."""


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write the summary to ``path`` (``.json``) and the draws beside it (``.npz``).

    Raises
    ------
    InputError
        When ``path`` does not end in ``.json``.
    """
    if path.suffix != ".json":
        raise InputError(f"{path}: a name that ends in .json is needed")
    arrays = {f"{system}/{metric}": drawn for (system, metric), drawn in evaluation.replicates.items()}
    write_npz(path.with_suffix(".npz"), **arrays)
    write_json(path, evaluation.summary)


def read_evaluation(path: Path) -> tuple[dict[str, Any], dict[tuple[str, str], np.ndarray]]:
    """Summary and draws of an evaluation that :func:`write_evaluation` wrote.

    Raises
    ------
    InputError
        When one of the two files is missing, damaged, or not an evaluation.
    """
    summary = read_json(path)
    if not isinstance(summary, dict) or not {"systems", "about"} <= set(summary):
        raise InputError(f"{path}: not an evaluation; write one with `interdance evaluate --json`")
    draws = {}
    for key, drawn in read_npz(path.with_suffix(".npz")).items():
        system, _, metric = key.rpartition("/")
        draws[system, metric] = drawn
    return summary, draws


def compare_records(one: Path, system: str, other: Path, other_system: str) -> dict[str, Difference]:
    """Compare a system of one evaluation with one of another, draw by draw.

    Raises
    ------
    InputError
        When a system is not there, or the two were not measured on the same takes, with the same settings, against the
        same reference set: their figures cannot be compared.
    """
    mine, my_draws = read_evaluation(one)
    theirs, their_draws = read_evaluation(other)
    for path, summary, name in ((one, mine, system), (other, theirs, other_system)):
        if name not in summary["systems"]:
            raise InputError(f"{path}: no system {name}; it holds {', '.join(summary['systems'])}")
    differing = unlike(mine["about"], theirs["about"])
    if differing:
        raise InputError(f"{one} and {other} cannot be compared: {differing[0]}; evaluate them alike")
    values = {
        name: (value, theirs["systems"][other_system][name])
        for name, value in mine["systems"][system].items()
        if name in theirs["systems"][other_system] and (system, name) in my_draws  # the time that a row took has no draws
    }
    return compare(
        {name: my_draws[system, name] for name in values},
        {name: their_draws[other_system, name] for name in values},
        values,
        BETTER,
    )


def unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Why the figures of two evaluations cannot be compared, given ``about`` of their summaries; empty when they can."""
    prints = [about["reference"]["fingerprint"] for about in (one, other)]
    reasons = [f"reference set {prints[0]} and {prints[1]}"] if prints[0] != prints[1] else []
    for key in SAME:
        a, b = (json.dumps(about.get(key), sort_keys=True) for about in (one, other))
        if a != b:
            reasons.append(f"{key} {a[:80]} and {b[:80]}")
    return reasons


def only_system(path: Path, option: str) -> str:
    """The one system of an evaluation that is not the ground truth; :class:`InputError` when there are several."""
    summary, _ = read_evaluation(path)
    names = [name for name in summary["systems"] if name != GROUND_TRUTH]
    if len(names) != 1:
        raise InputError(f"{path}: it holds {', '.join(names) or 'no system'}; choose one with {option}")
    return names[0]
