"""Units and axes of somebody else's world: told by the people in it, where the file does not say or is not to be trusted."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from interdance.errors import InputError

AXES = tuple(sign + letter for letter in "xyz" for sign in "+-")
"""Names of the six directions."""
UPRIGHT = 0.7
"""Mean cosine of the line from feet to head against an axis from which on people stand along it."""
CLEAR = 0.5
"""Share of the second best axis's score that the floor must stay under to count as found."""

SIZE_RANGE = (0.2, 30.0)
"""Metres that the markers of a frame may span; beyond, the unit is wrong."""
UNITS = {
    "m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0,
    "dm": 0.1, "cm": 0.01, "centimeters": 0.01, "centimetres": 0.01,
    "mm": 0.001, "millimeter": 0.001, "millimeters": 0.001, "millimetre": 0.001, "millimetres": 0.001,
    "in": 0.0254, "inch": 0.0254, "inches": 0.0254, "ft": 0.3048, "feet": 0.3048,
}  # fmt: skip
"""Metres of a unit, as files spell it."""

_HEAD = re.compile(r"[fb]hd|head|ariel", re.IGNORECASE)
_FOOT = re.compile(r"toe|hee|hel$|mt\d|ank|fcc|fm\d|fal|tam|foot", re.IGNORECASE)


def find_up(positions_TM3: np.ndarray, names: Sequence[str], stated: str = "") -> tuple[str, str]:
    """The direction that points up, and why: ``("+z", "heads are over feet")``.

    The lowest marker keeps close to height zero, the floor, along one direction only: that holds of people who roll about,
    too. Where it does not tell (a jump, a floor elsewhere), heads are over feet. What the file states (``stated``) comes
    last: it describes a screen, and is wrong in one of the four files at hand.

    Parameters
    ----------
    positions_TM3 : (T, M, 3)
        Markers or joints in metres, in the file's axes; NaN where missing.
    names : sequence of str
        Of the M columns.
    stated : str
        What the file says, such as ``+Z``; empty when it says nothing.
    """
    step = max(len(positions_TM3) // 500, 1)
    sample = np.asarray(positions_TM3[::step], np.float64)
    head, foot = ([bool(part.search(name)) for name in names] for part in (_HEAD, _FOOT))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames without any marker
        scores = {axis: _off_floor(sample, axis) for axis in AXES}
        best, second = sorted(scores, key=lambda axis: scores[axis])[:2]
        if scores[best] < CLEAR * scores[second]:
            return best, "the lowest markers keep to a floor at zero"
        if any(head) and any(foot):
            line = np.nanmean(sample[:, head], axis=1) - np.nanmean(sample[:, foot], axis=1)
            mean = np.nan_to_num(np.nanmean(line / np.linalg.norm(line, axis=1, keepdims=True), axis=0))
            place = int(np.abs(mean).argmax())
            if abs(mean[place]) > UPRIGHT:
                return ("+" if mean[place] > 0 else "-") + "xyz"[place], "heads are over feet"
    said = stated.strip().lower()
    said = said if said[:1] in ("+", "-") else "+" + said
    if said in AXES:
        return said, "the file says so"
    return "+z", "nothing tells, and most systems have it so"


def _off_floor(sample_TM3: np.ndarray, axis: str) -> float:
    """How far, in metres, the lowest marker is from keeping to height zero when ``axis`` points up."""
    low = np.nanmin(sample_TM3[:, :, "xyz".index(axis[1])] * (1 if axis[0] == "+" else -1), axis=1)
    if not np.isfinite(low).any():
        return np.inf
    first, middle, last = np.nanpercentile(low, [5, 50, 95])
    return float(last - first + abs(middle))


def named_up(path: Path, up: str) -> str:
    """``auto`` or a direction with its sign: ``z`` is ``+z``. Raises :class:`InputError` for anything else."""
    name = up.strip().lower()
    name = f"+{name}" if name in ("x", "y", "z") else name
    if name != "auto" and name not in AXES:
        raise InputError(f"{path}: up '{up[:40]}' is not a direction; give one of auto, {', '.join(AXES)}")
    return name


def to_y_up(up: str) -> np.ndarray:
    """Rotation (3, 3) of a world whose ``up`` points up into ours, +Y up: ``ours = matrix @ theirs``."""
    place, sign = "xyz".index(up[1]), 1.0 if up[0] == "+" else -1.0
    matrix = np.zeros((3, 3))
    matrix[1, place] = sign
    first, second = (axis for axis in range(3) if axis != place)
    matrix[0, first] = 1.0
    matrix[2, second] = 1.0
    matrix[2] *= np.linalg.det(matrix)
    return matrix


def find_unit(path: Path, told: str | None, stated: str, positions_TM3: np.ndarray) -> tuple[float, str, str]:
    """Metres per unit, the unit's name, and how it was found: ``(0.001, "mm", "the file says so")``.

    Parameters
    ----------
    path : Path
        For messages.
    told : str or None
        What the caller says, which counts.
    stated : str
        What the file says; empty when it says nothing. Then it is what makes a person a person's size.
    positions_TM3 : (T, M, 3)
        In that unit; NaN where missing.

    Raises
    ------
    InputError
        For a unit that is not known, or in which nobody has that size.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames without any marker
        sample = positions_TM3[:: max(len(positions_TM3) // 500, 1)]
        size = float(np.nanmedian(np.linalg.norm(np.nanmax(sample, axis=1) - np.nanmin(sample, axis=1), axis=1)))
    name = (told or stated).strip().lower()
    if name in UNITS:
        why = "as told" if told else "the file says so"
    elif told:
        raise InputError(f"{path}: unit '{told}' is unknown; known are {', '.join(UNITS)}")
    else:
        name = min(("m", "cm", "mm"), key=lambda item: abs(np.log(max(size, 1e-9) * UNITS[item] / 1.8)))
        why = "a person's size"
    if np.isfinite(size) and not SIZE_RANGE[0] <= size * UNITS[name] <= SIZE_RANGE[1]:
        raise InputError(f"{path}: markers that span {size:.4g} {name} are no person; tell the unit (mm, cm, m, in)")
    return UNITS[name], name, why
