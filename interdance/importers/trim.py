"""Calibration poses at the ends of a captured take: found, so that they can be cut off."""

from __future__ import annotations

import numpy as np

from interdance.body.skeleton import INDEX

T_POSE_DEGREES = 25.0


def t_pose_frames(joints_TJ3: np.ndarray, degrees: float = T_POSE_DEGREES) -> np.ndarray:
    """Frames (T,) in which both arms are straight and lie along the line of the shoulders, as in a calibration."""
    left, right = ([INDEX[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist")] for side in ("left", "right"))
    across = joints_TJ3[:, left[0]] - joints_TJ3[:, right[0]]
    across = across / np.linalg.norm(across, axis=1, keepdims=True)
    result = np.ones(len(joints_TJ3), bool)
    for chain, sign in ((left, 1.0), (right, -1.0)):
        bones = np.diff(joints_TJ3[:, chain], axis=1)
        bones = bones / np.linalg.norm(bones, axis=2, keepdims=True)
        cosine = sign * np.einsum("tkc,tc->tk", bones, across)
        result &= (cosine > np.cos(np.radians(degrees))).all(axis=1)
    return result


def trim_range(t_pose_T: np.ndarray, bridge: int) -> tuple[int, int]:
    """First frame and end (exclusive) without the T-poses at the ends; ``bridge`` other frames may interrupt them."""
    num_frames = len(t_pose_T)
    first = _leading(t_pose_T, bridge)
    return first, max(num_frames - _leading(t_pose_T[::-1], bridge), first)


def _leading(mask: np.ndarray, bridge: int) -> int:
    end = 0
    for place in np.flatnonzero(mask):
        if place - end > bridge:
            break
        end = int(place) + 1
    return end
