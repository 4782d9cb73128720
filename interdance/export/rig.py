"""What a program that skins by itself must know of a dancer: mesh and joints in the T-pose, weights, turns of the joints."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from interdance.body.skeleton import PARENTS
from interdance.takes import NUM_JOINTS, Motion

CHILDREN = tuple(tuple(joint for joint in range(NUM_JOINTS) if PARENTS[joint] == parent) for parent in range(NUM_JOINTS))
"""The joints that hang on each joint itself."""

NUM_INFLUENCES = 8  # joints a vertex follows at most; the embedded body has vertices of seven
FOURS = tuple(slice(start, start + 4) for start in range(0, NUM_INFLUENCES, 4))
"""Those joints in the sets of four that graphics cards take."""


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


def index_type(body: Any) -> type[np.unsignedinteger[Any]]:
    """The smallest type that counts the vertices of a body, 16 bits or 32."""
    return np.uint16 if body.num_vertices < 1 << 16 else np.uint32


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


def short_quaternions(motion: Motion) -> np.ndarray:
    """:func:`quaternions` in 16 bits, int16 (T, 55, 4): 32767 is 1."""
    return np.round(quaternions(motion) * 32767.0).astype(np.int16)


def pelvis_places(motion: Motion, body: Any) -> np.ndarray:
    """Where the pelvis stands, float64 (T, 3), metres."""
    return np.asarray(motion.translation_T3, np.float64) + np.asarray(body.rest_joints(motion.betas), np.float64)[0]
