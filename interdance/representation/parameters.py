"""SMPL-X parameters: rotations of all joints, root and shape (Pavlakos et al. 2019); points follow by skinning."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interdance.body.model import Body
from interdance.body.rotations import matrices
from interdance.representation.base import Observed, Representation
from interdance.representation.floor import FloorTransform
from interdance.representation.layout import NUM_JOINTS, NUM_POINTS, Layout
from interdance.takes import NUM_BETAS

AT_ONCE = 256
"""Frames skinned together when a whole take is."""


class SmplxParameters(Representation):
    """Pelvis, world rotation, 54 rotations relative to the parents (6D, Zhou et al. 2019), and shape, told every frame.

    The pelvis is told instead of ``transl``, which lies apart from the body by a distance that depends on the shape.
    """

    name = "smplx6d"
    position_space, canonical = False, True
    num_joints = NUM_JOINTS

    def __init__(self, body: Body) -> None:
        self.body = body
        self.held_H = np.arange(NUM_POINTS)
        self.layout = Layout.of(
            {
                "root_position": 3,
                "root_rotation": 6,
                "rotations": 6 * (NUM_JOINTS - 1),
                "betas": NUM_BETAS,
                "foot_contact": 0,
                "partner_contact": 0,
            },
            root=("root_position", "root_rotation"),
        )
        self.placing = self.width

    def encode(self, dancer: Observed) -> np.ndarray:
        motion = dancer.motion
        betas = np.broadcast_to(motion.betas, (motion.num_frames, NUM_BETAS))
        rotations = to_6d(matrices(motion.rotations_TJ3)).reshape(motion.num_frames, -1)
        return np.concatenate([dancer.points_TP3[:, 0], rotations, betas], axis=1).astype(np.float32)

    def positions(self, x: Tensor) -> Tensor:
        flat = x.reshape(-1, self.width)
        betas = flat[:, self.layout["betas"]]
        turned = from_6d(flat[:, self.layout["root_rotation"].start : self.layout["rotations"].stop])
        translation = flat[:, self.layout["root_position"]] - self.body.rest_joints_torch(betas)[:, 0]
        return self.body.points_torch(turned, translation, betas).reshape(*x.shape[:-1], NUM_POINTS, 3)

    def placed(self, x_TC: Tensor) -> np.ndarray:
        return np.concatenate([super(SmplxParameters, self).placed(part) for part in x_TC.split(AT_ONCE)])

    def root(self, x: Tensor) -> tuple[Tensor, Tensor]:
        ahead = from_6d(x[..., self.layout["root_rotation"]])[..., 0, :, 2]
        return x[..., self.layout["root_position"]], torch.atan2(ahead[..., 0], ahead[..., 2])

    def rebase(self, x: Tensor, transform: FloorTransform) -> Tensor:
        place = transform.points(x[..., self.layout["root_position"]])
        columns = x[..., self.layout["root_rotation"]].unflatten(-1, (2, 3))
        turned = transform.directions(columns).flatten(-2)
        return torch.cat([place, turned, x[..., self.layout["rotations"].start :]], dim=-1)


def to_6d(rotations: np.ndarray) -> np.ndarray:
    """The first two columns of rotation matrices (..., 3, 3), one after the other: (..., 6)."""
    return np.moveaxis(rotations[..., :2], -1, -2).reshape(*rotations.shape[:-2], 6)


def from_6d(values: Tensor) -> Tensor:
    """Rotation matrices (..., J, 3, 3) of (..., 6 J), made orthonormal by Gram and Schmidt; differentiable."""
    import roma  # here: it loads torch's compiler, which takes seconds and few processes need

    columns = values.unflatten(-1, (-1, 2, 3)).transpose(-1, -2)
    return roma.special_gramschmidt(columns, epsilon=1e-8)
