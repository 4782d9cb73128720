"""The systems of an evaluation: their order, their names for people, their colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from interdance.export import palette
from interdance.report.paper import paper_tables

GROUND_TRUTH = "ground_truth"
COMPLETE = "interdance"
#: The systems that have names, in the order of the tables.
NAMES = {
    GROUND_TRUTH: "Ground truth",
    "nn_motion": "NN-motion",
    "nn_music": "NN-music",
    "edge": "EDGE",
    "gcd": "GCD",
    "intergen": "InterGen",
    "duolando": "Duolando",
    "untrained": "Untrained model",
    "unguided": "InterDance unguided",
    COMPLETE: "InterDance",
}
#: InterDance has the colour that her follower has in the clips; the truth is dark, what cannot dance pale.
_COLOURS = {
    GROUND_TRUTH: "#343b49",
    "nn_motion": "#c08a1e",
    "nn_music": "#8c6d3f",
    "untrained": "#8d95a5",
    "unguided": palette.FOLLOWERS[2],
    COMPLETE: palette.FOLLOWERS[0],
}
_OTHERS = (
    palette.FOLLOWERS[4], "#4f8f3f", palette.FOLLOWERS[1], palette.FOLLOWERS[3], "#96492f", "#5b6fb5", "#7f9a2b", "#b04fb0",
)  # fmt: skip


def ordered(names: Iterable[str]) -> list[str]:
    """The named systems in the order of the table, then the experiments in the paper's order, then the others by name."""
    left = set(names)
    known = [*NAMES, *_settings()]
    return [name for name in dict.fromkeys(known) if name in left] + sorted(left - set(known))


def label(system: str) -> str:
    """A system's name for people; one that a user gave stays as it is."""
    return NAMES.get(system) or _settings().get(system) or system


def colours(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """A colour for every system of an evaluation, the same in all its figures."""
    names = ordered(evaluation["systems"])
    others = [name for name in names if name not in _COLOURS]
    return _COLOURS | {name: _OTHERS[place % len(_OTHERS)] for place, name in enumerate(others)}


def spreads(evaluation: Mapping[str, Any], system: str) -> dict[str, float]:
    """The ± of a system's metrics."""
    return {name: value for name, value in evaluation["spread"].get(system, [])}


def interval(evaluation: Mapping[str, Any], system: str, key: str) -> tuple[float, float] | None:
    """The ends of a metric's 95 % interval, where there is one."""
    ends = evaluation["intervals"].get(system, {}).get(key)
    return None if ends is None else (float(ends[0]), float(ends[1]))


def _settings() -> dict[str, str]:
    """Names of the settings that the paper's tables vary, such as ``guidance.contact``."""
    return {
        system: f"{table.experiment.capitalize()} · {row.label}"
        for table in paper_tables().values()
        for row in table.rows
        for system in row.systems
        if system.startswith(f"{table.experiment}.")
    }
