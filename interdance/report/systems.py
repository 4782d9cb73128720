"""The systems of an evaluation: their order, their names for people, their colours."""

from __future__ import annotations

import re
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
#: The rows of the table of samplers and steps, which the paper lacks, are called ``sampling.<sampler>_<steps>``.
_SAMPLERS = {"ddim": "DDIM", "ddpm": "DDPM", "dpm_solver": "DPM-Solver++"}
_SAMPLING = re.compile(rf"sampling\.({'|'.join(_SAMPLERS)})_(\d+)")
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
    palette.FOLLOWERS[4], "#4f8f3f", palette.FOLLOWERS[1], "#e08a3c", "#96492f", "#5b6fb5", "#7f9a2b", "#b04fb0",
)  # fmt: skip


def ordered(names: Iterable[str]) -> list[str]:
    """The named systems in the order of the table, then the experiments in the paper's order, then the others by name and
    number.
    """
    left = set(names)
    known = [*NAMES, *_settings()]
    return [name for name in dict.fromkeys(known) if name in left] + sorted(left - set(known), key=_by_size)


def label(system: str) -> str:
    """A system's name for people; one that a user gave stays as it is."""
    if match := _SAMPLING.fullmatch(system):
        return f"Sampling · {_SAMPLERS[match[1]]}, {match[2]} step{'' if match[2] == '1' else 's'}"
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


def _by_size(name: str) -> list[tuple[str, int]]:
    """A key that sorts ``ddim_5`` before ``ddim_10``."""
    parts = re.split(r"(\d+)", name)
    return [(word, int(number or 0)) for word, number in zip(parts[::2], [*parts[1::2], ""], strict=True)]


def _settings() -> dict[str, str]:
    """Names of the settings that the paper's tables vary, such as ``guidance.contact``."""
    return {
        system: f"{table.experiment.capitalize()} · {row.label}"
        for table in paper_tables().values()
        for row in table.rows
        for system in row.systems
        if system.startswith(f"{table.experiment}.")
    }
