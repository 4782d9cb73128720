"""Changing the frame rate of a motion by interpolation."""

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
    last = motion.num_frames - 1
    num_frames = int(np.floor(last / motion.fps * fps + 1e-6)) + 1
    place = np.minimum(np.arange(num_frames) * (motion.fps / fps), last)
    before = np.minimum(place.astype(np.int64), max(last - 1, 0))
    after = np.minimum(before + 1, last)
    share = place - before
    num_joints = motion.rotations_TJ3.shape[1]
    start = Rotation.from_rotvec(motion.rotations_TJ3[before].reshape(-1, 3))
    end = Rotation.from_rotvec(motion.rotations_TJ3[after].reshape(-1, 3))
    step = (start.inv() * end).as_rotvec() * np.repeat(share, num_joints)[:, None]
    rotations = (start * Rotation.from_rotvec(step)).as_rotvec().reshape(num_frames, num_joints, 3)
    translation = motion.translation_T3[before] * (1 - share[:, None]) + motion.translation_T3[after] * share[:, None]
    return Motion(rotations.astype(np.float32), translation.astype(np.float32), motion.betas, fps)
