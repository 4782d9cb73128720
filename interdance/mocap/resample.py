"""Changing the frame rate of a motion, or of positions, by interpolation."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from interdance.takes import Motion

SAME_RATE = 0.0015
"""Relative difference up to which two rates count as one and frames are kept as they are.

It covers the NTSC pair (29.97 and 30) and frame times rounded to four digits (``0.0333``): interpolating would blur
every frame for a drift of one frame in 33 seconds.
"""


def same_rate(fps: float, other: float) -> bool:
    """Whether two frame rates count as one (see :data:`SAME_RATE`)."""
    return abs(fps / other - 1.0) <= SAME_RATE


def resample(motion: Motion, fps: float) -> Motion:
    """The motion at another rate: rotations by spherical, translations by linear interpolation, time zero in place.

    The result ends at the last of its frames that the input covers. Rates that :func:`same_rate` calls one only change
    the label.
    """
    if same_rate(motion.fps, fps):
        return Motion(motion.rotations_TJ3, motion.translation_T3, motion.betas, fps)
    before, after, share = _places(motion.num_frames, motion.fps, fps)
    num_frames = len(share)
    num_joints = motion.rotations_TJ3.shape[1]
    start = Rotation.from_rotvec(motion.rotations_TJ3[before].reshape(-1, 3))
    end = Rotation.from_rotvec(motion.rotations_TJ3[after].reshape(-1, 3))
    step = (start.inv() * end).as_rotvec() * np.repeat(share, num_joints)[:, None]
    rotations = (start * Rotation.from_rotvec(step)).as_rotvec().reshape(num_frames, num_joints, 3)
    translation = motion.translation_T3[before] * (1 - share[:, None]) + motion.translation_T3[after] * share[:, None]
    return Motion(rotations.astype(np.float32), translation.astype(np.float32), motion.betas, fps)


def resample_positions(positions_TP3: np.ndarray, source_fps: float, fps: float) -> np.ndarray:
    """Positions at another rate by linear interpolation, time zero in place.

    Frames lie where :func:`resample` puts them, so that a dancer read as positions keeps step with one read as rotations.

    Parameters
    ----------
    positions_TP3 : (T, P, 3)
        Joints or points, in any unit.
    source_fps, fps : float
        Frames per second of the input and of the result.

    Returns
    -------
    float32 (frames, P, 3); the input itself where :func:`same_rate` calls the rates one.
    """
    if same_rate(source_fps, fps):
        return positions_TP3
    before, after, share = _places(len(positions_TP3), source_fps, fps)
    later = share.astype(np.float32)[:, None, None]
    result = positions_TP3[before] * (1 - later) + positions_TP3[after] * later
    return result.astype(np.float32)


def _places(num_frames: int, source_fps: float, fps: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each frame at ``fps``: the source frames before and after it, and how far it is from the one to the other.

    The last of them is the last that the source covers.
    """
    last = num_frames - 1
    count = int(np.floor(last / source_fps * fps + 1e-6)) + 1
    place = np.minimum(np.arange(count) * (source_fps / fps), last)
    before = np.minimum(place.astype(np.int64), max(last - 1, 0))
    after = np.minimum(before + 1, last)
    return before, after, place - before
