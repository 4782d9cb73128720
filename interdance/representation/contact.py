"""Contact labels: which feet stand, and which points of a dancer touch the partner."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from interdance.config import EncodeParams
from interdance.errors import InputError
from interdance.representation.base import Observed
from interdance.representation.layout import FEET
from interdance.takes import Motion

REST_PERCENTILE = 5.0
"""A foot joint's own height when it stands: this percentile of its heights over the take [choice].

Ankles stand 5 to 10 cm above the floor and toes 1 to 3, more in heels; a threshold above each joint's own resting
height needs no table per body or shoe. It takes for granted that each foot stands in at least this share of the frames.
"""


def foot_contact(joints_TJ3: np.ndarray, fps: float, height: float, speed: float) -> np.ndarray:
    """Which of left ankle, right ankle, left foot, right foot are low and slow.

    Parameters
    ----------
    joints_TJ3 : (T, >= 12, 3)
        Metres, +Y up; joints of SMPL-X, or all points of a dancer.
    fps : float
        Frames per second.
    height : float
        Metres above the joint's own resting height (:data:`REST_PERCENTILE`) below which it is low.
    speed : float
        Metres per second, in space, below which it is slow. Frame 0 has the speed of frame 1.

    Returns
    -------
    bool (T, 4)
    """
    feet = np.asarray(joints_TJ3)[..., list(FEET), :].astype(np.float64)
    rest = np.percentile(feet[..., 1], REST_PERCENTILE, axis=0)
    low = feet[..., 1] - rest < height
    if len(feet) < 2:
        return low
    speeds = np.linalg.norm(np.diff(feet, axis=0), axis=-1) * fps
    slow = np.concatenate([speeds[:1], speeds]) < speed
    return low & slow


def partner_contacts(a_TP3: np.ndarray, b_TP3: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Which points of each of two dancers have a point of the other one nearer than ``threshold``.

    Only points inside both dancers' boxes, widened by the threshold, are compared; the rest cannot be near.

    Parameters
    ----------
    a_TP3, b_TP3 : (T, P, 3) and (T, Q, 3)
        Metres, the same frames.
    threshold : float
        Metres.

    Returns
    -------
    bool (T, P) and bool (T, Q)

    Raises
    ------
    InputError
        When the two have different numbers of frames.
    """
    if len(a_TP3) != len(b_TP3):
        raise InputError(f"the dancers have {len(a_TP3)} and {len(b_TP3)} frames; cut both to the same frames")
    a, b = np.asarray(a_TP3, np.float64), np.asarray(b_TP3, np.float64)
    low = np.maximum(a.min(axis=1), b.min(axis=1)) - threshold
    high = np.minimum(a.max(axis=1), b.max(axis=1)) + threshold
    inside_a = ((a >= low[:, None]) & (a <= high[:, None])).all(axis=-1)
    inside_b = ((b >= low[:, None]) & (b <= high[:, None])).all(axis=-1)
    contact_a, contact_b = np.zeros(a.shape[:2], bool), np.zeros(b.shape[:2], bool)
    for frame in np.flatnonzero(inside_a.any(axis=1) & inside_b.any(axis=1)):
        rows_a, rows_b = np.flatnonzero(inside_a[frame]), np.flatnonzero(inside_b[frame])
        points_a, points_b = a[frame, rows_a], b[frame, rows_b]
        distance, _ = cKDTree(points_b).query(points_a, distance_upper_bound=threshold)
        near = np.isfinite(distance)
        if not near.any():
            continue
        contact_a[frame, rows_a[near]] = True
        distance, _ = cKDTree(points_a[near]).query(points_b, distance_upper_bound=threshold)
        contact_b[frame, rows_b[np.isfinite(distance)]] = True
    return contact_a, contact_b


def partner_contact(points_TP3: np.ndarray, partner_TP3: np.ndarray, threshold: float) -> np.ndarray:
    """The first half of :func:`partner_contacts`: bool (T, P), the points of one dancer that touch the partner."""
    return partner_contacts(points_TP3, partner_TP3, threshold)[0]


def observe(
    motion: Motion, points_TP3: np.ndarray, settings: EncodeParams, partner_contact_TP: np.ndarray | None = None
) -> Observed:
    """A dancer with the labels of her feet; those of her contact with the partner are passed on.

    Parameters
    ----------
    motion : Motion
    points_TP3 : (T, 710, 3)
        Of the motion, metres, in the world.
    settings : EncodeParams
        ``foot_height`` and ``foot_speed`` are used.
    partner_contact_TP : (T, 710), optional
        0 or 1; None where the partner is unknown.
    """
    standing_T4 = foot_contact(points_TP3, motion.fps, settings.foot_height, settings.foot_speed)
    return Observed(motion, points_TP3, standing_T4, partner_contact_TP)
