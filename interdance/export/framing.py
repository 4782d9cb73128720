"""Where to look so that a dancing couple stays whole in the picture and the picture stays calm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

CALM = 0.8  # seconds: width of the smoothing over time
LEFT_HIP, RIGHT_HIP, HEAD = 1, 2, 15
ROOM = 0.22  # metres kept free around joints: what a head has above its joint, and a little air


@dataclass(frozen=True)
class Framing:
    """What a camera has to show, metres.

    Attributes
    ----------
    joints_TN3 : (T, N, 3)
        All joints of all dancers.
    fps : float
        Frames per second.
    centres_T3 : float64 (T, 3)
        Middle of the couple, smoothed over time; its height is constant.
    reach : float
        Radius of an upright cylinder around the middle that holds every joint, in a typical frame.
    height : float
        Of the taller dancer's head above the floor, in a typical frame.
    azimuth : float
        Radians: heading, 0 = +Z and a quarter turn = +X, from which leader and follower are seen side by side most of
        the time. It depends on the leader alone, so that several followers are seen from the same place.
    """

    joints_TN3: np.ndarray
    fps: float
    centres_T3: np.ndarray
    reach: float
    height: float
    azimuth: float

    def distances(self, axes_T33: np.ndarray, wide: float, high: float) -> np.ndarray:
        """How far (T,) a camera must stand from the middle to see every joint, changing calmly.

        Parameters
        ----------
        axes_T33 : (T, 3, 3)
            Rows right, up, forward of the camera.
        wide, high : float
            Tangents of half its opening angles.
        """
        seen = np.einsum("tna,tba->tnb", self.joints_TN3 - self.centres_T3[:, None], axes_T33)
        across = np.maximum((np.abs(seen[..., 0]) + ROOM) / wide, (np.abs(seen[..., 1]) + ROOM) / high)
        needed = (across - seen[..., 2]).max(axis=1)
        window = int(4 * CALM * self.fps) | 1
        return gaussian_filter1d(maximum_filter1d(needed, window, mode="nearest"), CALM * self.fps, mode="nearest")


def frame_couple(dancers: Sequence[np.ndarray], fps: float) -> Framing:
    """Follow all joints of all dancers, each (T, 55, 3) in metres; the leader comes first."""
    joints_TN3 = np.concatenate(list(dancers), axis=1).astype(np.float64)
    middle = 0.5 * (joints_TN3.min(axis=1) + joints_TN3.max(axis=1))
    centres = gaussian_filter1d(middle, CALM * fps, axis=0, mode="nearest")
    heads = np.stack([joints_TJ3[:, HEAD, 1] for joints_TJ3 in dancers])
    height = float(np.median(heads, axis=1).max()) + ROOM
    centres[:, 1] = 0.5 * height
    reach = np.linalg.norm((joints_TN3 - centres[:, None])[:, :, [0, 2]], axis=2).max(axis=1)
    return Framing(joints_TN3, fps, centres, float(np.median(reach)) + ROOM, height, _broadside(dancers[0]))


def _broadside(joints_TJ3: np.ndarray) -> float:
    """The heading across the line along which a dancer faces, whichever way along it; the one nearer to +Z."""
    left = joints_TJ3[:, LEFT_HIP] - joints_TJ3[:, RIGHT_HIP]
    facing = np.arctan2(-left[:, 2], left[:, 0])  # a dancer whose left is +X faces +Z
    line = 0.5 * np.angle(np.exp(2j * facing).mean())
    across = line + 0.5 * np.pi
    return float(across if np.cos(across) >= 0.0 else across - np.pi)
