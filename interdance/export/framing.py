"""Where to look so that a dancing couple stays whole in the picture and the picture stays calm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

CALM = 0.8  # seconds: width of the smoothing over time
LEFT_HIP, RIGHT_HIP = 1, 2
ROOM = 0.12  # metres kept free above heads and beside hands


@dataclass(frozen=True)
class Framing:
    """What a camera has to show, metres.

    Attributes
    ----------
    centres_T3 : float64 (T, 3)
        Middle of the couple, smoothed over time; its height is constant.
    reach_T : float64 (T,)
        Radius of an upright cylinder around the middle that holds every joint.
    height : float
        Height of that cylinder above the floor.
    azimuth : float
        Radians: heading, 0 = +Z and a quarter turn = +X, from which leader and follower are seen side by side most of
        the time. It depends on the leader alone, so that several followers are seen from the same place.
    """

    centres_T3: np.ndarray
    reach_T: np.ndarray
    height: float
    azimuth: float


def frame_couple(dancers: Sequence[np.ndarray], fps: float) -> Framing:
    """Follow all joints of all dancers, each (T, 55, 3) in metres; the leader comes first."""
    joints_TN3 = np.concatenate(list(dancers), axis=1)
    low, high = joints_TN3.min(axis=1), joints_TN3.max(axis=1)
    centres = gaussian_filter1d(0.5 * (low + high).astype(np.float64), CALM * fps, axis=0, mode="nearest")
    height = float(high[:, 1].max()) + 2.0 * ROOM
    centres[:, 1] = 0.5 * height - ROOM
    reach = np.linalg.norm((joints_TN3 - centres[:, None])[:, :, [0, 2]], axis=2).max(axis=1) + ROOM
    window = int(2 * CALM * fps) | 1
    reach = gaussian_filter1d(maximum_filter1d(reach, window, mode="nearest"), CALM * fps, mode="nearest")
    return Framing(centres, reach, height, _broadside(dancers[0]))


def _broadside(joints_TJ3: np.ndarray) -> float:
    """The heading across the line along which a dancer faces, whichever way along it; the one nearer to +Z."""
    left = joints_TJ3[:, LEFT_HIP] - joints_TJ3[:, RIGHT_HIP]
    facing = np.arctan2(-left[:, 2], left[:, 0])  # a dancer whose left is +X faces +Z
    line = 0.5 * np.angle(np.exp(2j * facing).mean())
    across = line + 0.5 * np.pi
    return float(across if np.cos(across) >= 0.0 else across - np.pi)
