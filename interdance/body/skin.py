"""Chosen points of the body as a linear function: of the shape at rest, of the joints' world rotations when posed.

Skinned points are linear in the *global* rotations. With ``J`` the rest joints, ``X`` the rest points, ``w`` the
skinning weights and ``y`` the root,

    point_k = y + sum_a R_a c_ka,   c_ka = w_ka (X_k - J_a) + sum over children b of a: (weight below b) (J_b - J_a).

What the licensed body adds to plain skinning, corrections that depend on the pose, is in :meth:`Skin.pose_change`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interdance.body.skeleton import NUM_JOINTS, PARENTS
from interdance.takes import NUM_BETAS

if TYPE_CHECKING:
    from interdance.body.model import Body


class Skin:
    """K points of a body at rest, linear in the betas, with their skinning weights. The first 55 points are the joints.

    Attributes
    ----------
    template_K3 : float64 (K, 3)
        Points of the mean shape in the T-pose, metres.
    change_SK3 : float64 (10, K, 3)
        What a unit of each coefficient of shape adds.
    weights_KJ : float64 (K, 55)
        Skinning weights; rows sum to 1. A joint hangs on itself alone.
    below_KJ : float64 (K, 55)
        Weight of each joint and everything that hangs on it.
    """

    def __init__(self, body: Body, vertices_M3: np.ndarray, weights_M3: np.ndarray) -> None:
        """Take the joints of ``body`` and M more points, given as vertices of the full mesh (M, 3) and their weights."""
        model = body.model
        corners, shares = np.asarray(vertices_M3, np.int64), np.asarray(weights_M3, np.float64)

        def blend(table: np.ndarray) -> np.ndarray:
            return np.einsum("mi,mi...->m...", shares, table[corners])

        vertices, shapes = model.v_template.numpy(), model.shapedirs.numpy()[:, :, :NUM_BETAS]
        regressor = model.J_regressor.double().numpy()
        self.template_K3 = np.concatenate([regressor @ vertices, blend(vertices)])
        change = np.concatenate([np.einsum("jv,vcb->jcb", regressor, shapes, optimize=True), blend(shapes)])
        self.change_SK3 = np.ascontiguousarray(change.transpose(2, 0, 1))
        self.weights_KJ = np.concatenate([np.eye(NUM_JOINTS), blend(model.lbs_weights.numpy())])
        below = self.weights_KJ.copy()
        for joint in range(NUM_JOINTS - 1, 0, -1):
            below[:, PARENTS[joint]] += below[:, joint]
        self.below_KJ = below
        corrections = model.posedirs.numpy().reshape(len(model.posedirs), -1, 3)
        self._pose_DM3 = blend(corrections.transpose(1, 0, 2)).transpose(1, 0, 2) if corrections.any() else None

    @staticmethod
    def of_surface(body: Body) -> Skin:
        """The 710 points: joints, then the sampled surface."""
        return Skin(body, np.repeat(body.surface_V[:, None], 3, axis=1), np.tile([1.0, 0.0, 0.0], (len(body.surface_V), 1)))

    def points(self, betas: np.ndarray) -> np.ndarray:
        """Points (K, 3) at rest for a shape (10,)."""
        return self.template_K3 + np.tensordot(betas, self.change_SK3, axes=1)

    def coefficients(self, rest_K3: np.ndarray) -> np.ndarray:
        """``c`` of the module's text (K, 55, 3), linear in the rest points (K, 3), of which the first 55 are the joints."""
        joints = rest_K3[:NUM_JOINTS]
        result: np.ndarray = self.weights_KJ[:, :, None] * (rest_K3[:, None] - joints)
        for joint in range(1, NUM_JOINTS):
            parent = PARENTS[joint]
            result[:, parent] += self.below_KJ[:, joint, None] * (joints[joint] - joints[parent])
        return result

    def pose_change(self, globals_TJ33: np.ndarray) -> np.ndarray | None:
        """What pose-dependent corrections add to the points in the world (T, K, 3); None for a body that has none."""
        if self._pose_DM3 is None:
            return None
        count = len(globals_TJ33)
        local = globals_TJ33[:, list(PARENTS[1:])].transpose(0, 1, 3, 2) @ globals_TJ33[:, 1:]
        feature_TD = (local - np.eye(3)).reshape(count, -1)
        rest = np.tensordot(feature_TD, self._pose_DM3, axes=1)
        blended = np.einsum("mj,tjab->tmab", self.weights_KJ[NUM_JOINTS:], globals_TJ33, optimize=True)
        result = np.zeros((count, len(self.weights_KJ), 3))
        result[:, NUM_JOINTS:] = np.einsum("tmab,tmb->tma", blended, rest)
        return result
