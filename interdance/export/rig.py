"""What a program that skins by itself must know of a dancer: mesh and joints in the T-pose, weights, turns of the joints."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from interdance.takes import NUM_JOINTS, Motion

NUM_INFLUENCES = 8  # joints a vertex follows at most; the embedded body has vertices of seven


def influences(body: Any, units: int) -> tuple[np.ndarray, np.ndarray]:
    """The joints that each vertex follows, the heaviest first, and how much.

    Parameters
    ----------
    body : interdance.body.model.Body
    units : int
        What the shares of a vertex sum to, exactly: 255 for bytes, 65535 for 16 bits.

    Returns
    -------
    joints_VK : int64 (V, 8)
        Index of the joint; 0 where the share is 0.
    shares_VK : int64 (V, 8)
    """
    weights_VJ = np.asarray(body.model.lbs_weights, np.float64)
    joints_VK = np.argsort(-weights_VJ, axis=1, kind="stable")[:, :NUM_INFLUENCES]
    shares_VK = whole_shares(np.take_along_axis(weights_VJ, joints_VK, axis=1), units)
    return np.where(shares_VK > 0, joints_VK, 0), shares_VK


def whole_shares(weights_VK: np.ndarray, units: int) -> np.ndarray:
    """Weights as whole numbers, int64 (V, K), whose rows sum to exactly ``units``; rows of zeros stay."""
    total_V1 = weights_VK.sum(axis=1, keepdims=True)
    exact = weights_VK * (units / np.where(total_V1 > 0.0, total_V1, 1.0))
    shares_VK = np.floor(exact)
    # The units that rounding down lost go to the largest remainders.
    missing = (exact.sum(axis=1) - shares_VK.sum(axis=1)).round()
    order = np.argsort(-(exact - shares_VK), axis=1, kind="stable")
    shares_VK += np.argsort(order, axis=1, kind="stable") < missing[:, None]
    return shares_VK.astype(np.int64)


def rest_vertices(motion: Motion, body: Any) -> np.ndarray:
    """Vertices of a dancer in the T-pose, float64 (V, 3), metres: where :meth:`Body.rest_joints` are the joints."""
    rest = Motion(np.zeros((1, NUM_JOINTS, 3), np.float32), np.zeros((1, 3), np.float32), motion.betas, motion.fps)
    return np.asarray(body.vertices(rest)[0], np.float64)


def quaternions(motion: Motion) -> np.ndarray:
    """Rotations relative to the parents as x, y, z, w, float64 (T, 55, 4).

    q and -q are the same rotation; neighbours in time take the same side, so that they may be blended.
    """
    rotations = Rotation.from_rotvec(np.asarray(motion.rotations_TJ3, np.float64).reshape(-1, 3)).as_quat()
    result = rotations.reshape(motion.num_frames, NUM_JOINTS, 4)
    turned = np.sign((result[1:] * result[:-1]).sum(axis=2, keepdims=True) + 1e-12)
    result[1:] *= np.cumprod(turned, axis=0)
    return result


def pelvis_places(motion: Motion, body: Any) -> np.ndarray:
    """Where the pelvis stands, float64 (T, 3), metres."""
    return np.asarray(motion.translation_T3, np.float64) + np.asarray(body.rest_joints(motion.betas), np.float64)[0]
