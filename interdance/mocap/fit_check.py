"""What a fit refuses, in one sentence each: nothing seen, another unit, too little to determine a body."""

from __future__ import annotations

import numpy as np

from interdance.body.skeleton import INDEX
from interdance.errors import InputError
from interdance.mocap.fit_target import Target
from interdance.takes import NUM_BETAS

UNITS = (("millimetres", 1000.0), ("centimetres", 100.0), ("inches", 39.37))
SPAN = (0.5, 4.0)  # metres: from end to end of a body's points
OFTEN = 0.01  # share of the frames in which a point must be seen to count


def checked_points(points_TK3: np.ndarray, num_names: int, fps: float, what: str) -> np.ndarray:
    """The points as float64, NaN in all three coordinates where one of them is no number.

    Raises
    ------
    InputError
        For other shapes, other types, as many names as there are not columns, an impossible rate, or nothing seen.
    """
    try:
        points = np.asarray(points_TK3, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what} are not numbers; an array (frames, points, 3) in metres is needed") from None
    if points.ndim != 3 or points.shape[2] != 3 or 0 in points.shape:
        raise InputError(f"{what} have shape {points.shape}; (frames, points, 3) is needed, none of them 0")
    if points.shape[1] != num_names:
        raise InputError(f"{what} have {points.shape[1]} columns, but {num_names} names; one name per column is needed")
    if not (np.isfinite(fps) and 1.0 <= fps <= 2000.0):
        raise InputError(f"{what} at {fps} frames per second; a rate between 1 and 2000 is needed")
    points = np.where(np.isfinite(points).all(axis=2, keepdims=True), points, np.nan)
    if np.isnan(points).all():
        raise InputError(f"{what} are missing (NaN) in all {len(points)} frames; nothing can be fitted")
    return points


def checked_betas(betas: np.ndarray | None) -> np.ndarray | None:
    """A given shape as float64. Raises :class:`InputError` unless it is ten finite numbers."""
    if betas is None:
        return None
    shape = np.asarray(betas, np.float64)
    if shape.shape != (NUM_BETAS,) or not np.isfinite(shape).all():
        raise InputError(f"betas have shape {shape.shape}; {NUM_BETAS} finite numbers are needed")
    return shape


def check_unit(points_TK3: np.ndarray, what: str) -> None:
    """Raises :class:`InputError` when the points of a frame do not span a body in metres."""
    count = np.isfinite(points_TK3[:, :, 0]).sum(axis=1)
    frames = points_TK3[count >= 0.5 * count.max()]
    low, high = (np.nanpercentile(frames, share, axis=1) for share in (5, 95))  # a point gone astray does not count
    size = float(np.median(np.linalg.norm(high - low, axis=1)))
    for name, factor in UNITS:
        if SPAN[0] * factor < size < SPAN[1] * factor:
            raise InputError(f"{what} span {size:.4g}, which looks like {name}; divide by {factor:g} to get metres")
    if not SPAN[0] < size < SPAN[1]:
        raise InputError(f"{what} span {size:.3g} m from end to end, which is no body; give positions in metres")


def check_enough(points_TK3: np.ndarray, target: Target, what: str) -> None:
    """A trunk needs three points, one of them at either end, and every limb one. Raises :class:`InputError` otherwise."""
    ever = np.isfinite(points_TK3[:, :, 0]).mean(axis=0) >= OFTEN
    hang = target.hang_KJ[ever]

    def count(*joints: str) -> int:
        return int((hang[:, [INDEX[name] for name in joints]].sum(axis=1) > 0.4).sum())

    trunk = ("spine2", "spine3", "left_collar", "right_collar")
    lacking = []
    if count("pelvis", "spine1") < 1:
        lacking.append("the hips")
    if count(*trunk) < 1:
        lacking.append("the chest")
    if not lacking and count("pelvis", "spine1", *trunk) < 3:
        lacking.append("the trunk (three at least)")
    for side in ("left", "right"):
        if count(*(f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist"))) < 1:
            lacking.append(f"the {side} arm")
        if count(*(f"{side}_{joint}" for joint in ("hip", "knee", "ankle", "foot"))) < 1:
            lacking.append(f"the {side} leg")
    if lacking:
        raise InputError(f"too few {what} to determine a body: no points, or not enough, on {', '.join(lacking)}")
