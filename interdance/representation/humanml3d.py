"""HumanML3D's 263 channels (Guo et al. 2022): the root told by its velocities, 22 joints in a space of the dancer's own."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interdance.body.model import Body
from interdance.body.rotations import matrices
from interdance.representation.base import Observed, Representation, fitted, row_zero_repeats
from interdance.representation.floor import Array, FloorTransform, as_given, as_tensor, facing, to_branch, turn, turn_points
from interdance.representation.layout import NUM_BODY_JOINTS, NUM_FEET, Layout
from interdance.representation.parameters import to_6d


class HumanMl3d(Representation):
    """Yaw and root velocity, root height, places, rotations and velocities of the body's joints, foot contact.

    As the original but for two things [choice]. Velocities lead to a frame, not from it, and row 0 holds the root's half
    yaw and place themselves, as in the canonical representation: the original starts every dancer at the origin, and so
    could not say where a follower stands. Rotations are those of the motion; the original finds them from positions.
    """

    name = "humanml263"
    position_space = canonical = True
    num_joints = NUM_BODY_JOINTS
    winding = 0

    def __init__(self, body: Body) -> None:
        self.body = body
        self.held_H = np.arange(NUM_BODY_JOINTS)
        self.layout = Layout.of(
            {
                "root_yaw_velocity": 1,
                "root_velocity": 2,
                "root_height": 1,
                "joints": 3 * (NUM_BODY_JOINTS - 1),
                "rotations": 6 * (NUM_BODY_JOINTS - 1),
                "joint_velocities": 3 * NUM_BODY_JOINTS,
                "foot_contact": NUM_FEET,
                "partner_contact": 0,
            },
            root=("root_yaw_velocity", "root_velocity", "root_height"),
            integrated=("root_yaw_velocity", "root_velocity"),
        )
        self.placing = self.layout["joints"].stop

    def encode(self, dancer: Observed) -> np.ndarray:
        joints = torch.from_numpy(dancer.points_TP3[:, self.held_H]).double()
        half = -0.5 * facing(joints)
        root = joints[:, 0]
        parts = [
            self.relative(torch.cat([half[:, None], root[:, [0, 2]]], dim=1)),
            root[:, 1:2],
            turn_points(joints[:, 1:] - root[:, None] * root.new_tensor([1.0, 0.0, 1.0]), 2 * half).flatten(1),
            torch.from_numpy(to_6d(matrices(dancer.motion.rotations_TJ3[:, 1:NUM_BODY_JOINTS]))).flatten(1),
            row_zero_repeats(turn_points(joints.diff(dim=0), 2 * half[1:])).flatten(1),
            torch.from_numpy(np.asarray(dancer.foot_contact_T4)),
        ]
        return torch.cat([part.float() for part in parts], dim=1).numpy()

    def positions(self, x: Tensor) -> Tensor:
        half, ground = self._path(x[..., self.layout.integrated])
        height = x[..., self.layout["root_height"].start]
        joints = x[..., self.layout["joints"]].unflatten(-1, (-1, 3))
        zero = torch.zeros_like(height)
        joints = torch.cat([torch.stack([zero, height, zero], dim=-1)[..., None, :], joints], dim=-2)
        shift = torch.stack([ground[..., 0], zero, ground[..., 1]], dim=-1)
        return turn_points(joints, -2 * half) + shift[..., None, :]

    def root(self, x: Tensor) -> tuple[Tensor, Tensor]:
        half, ground = self._path(x[..., self.layout.integrated])
        height = x[..., self.layout["root_height"].start]
        return torch.stack([ground[..., 0], height, ground[..., 1]], dim=-1), -2 * half

    def rebase(self, x: Tensor, transform: FloorTransform) -> Tensor:
        half, place_x, place_z = x[..., :1, self.layout.integrated].unbind(dim=-1)
        moved = transform.points(torch.stack([place_x, torch.zeros_like(place_x), place_z], dim=-1))
        angle, _ = transform.against(moved)
        return self._with_first(x, torch.stack([half - 0.5 * angle, moved[..., 0], moved[..., 2]], dim=-1)[..., 0, :])

    def clip(self, x: Array, start: int, stop: int) -> Array:
        part = as_tensor(super().clip(x, start, stop))
        half, ground = self._path(as_tensor(x[..., : start + 1, self.layout.integrated]))
        part[..., 0, self.layout.integrated] = torch.cat([half[..., -1:], ground[..., -1, :]], dim=-1)
        if part.shape[-2] > 1:
            velocities = self.layout["joint_velocities"]
            part[..., 0, velocities] = part[..., 1, velocities]
        return as_given(part, x)

    def on_yaw_branch(self, x: Tensor) -> Tensor:
        first = x[..., 0, self.layout.integrated]
        return self._with_first(x, torch.cat([first[..., :1] + to_branch(first[..., :1]), first[..., 1:]], dim=-1))

    def absolute(self, x: Tensor) -> Tensor:
        half, ground = self._path(x[..., self.layout.integrated])
        return torch.cat([half[..., None], ground, x[..., self.layout.integrated.stop :]], dim=-1)

    def relative(self, x_TC: Tensor) -> Tensor:
        half, ground = x_TC[:, 0], x_TC[:, 1:3]
        steps = ground.diff(dim=0)
        step_x, step_z = turn(steps[:, 0], steps[:, 1], 2 * half[1:])
        velocities = torch.stack([half.diff(), step_x, step_z], dim=-1)
        return torch.cat([torch.cat([x_TC[:1, :3], velocities]), x_TC[:, 3:]], dim=-1)

    def whole(self, points_TH3: np.ndarray) -> np.ndarray:
        return fitted(points_TH3, self.body, self.held_H)

    def _path(self, integrated: Tensor) -> tuple[Tensor, Tensor]:
        """Half yaw (..., T) and place on the floor (..., T, 2) from the three velocities (..., T, 3); sums in float64."""
        half = integrated[..., 0].cumsum(dim=-1, dtype=torch.float64)
        step_x, step_z = turn(integrated[..., 1:, 1], integrated[..., 1:, 2], -2 * half[..., 1:])
        steps = torch.cat([integrated[..., :1, 1:], torch.stack([step_x, step_z], dim=-1)], dim=-2)
        return half.to(integrated), steps.cumsum(dim=-2, dtype=torch.float64).to(integrated)

    def _with_first(self, x: Tensor, first: Tensor) -> Tensor:
        """A copy whose row 0 holds another half yaw and place (..., 3)."""
        row = torch.cat([first, x[..., 0, self.layout.integrated.stop :]], dim=-1)
        return torch.cat([row[..., None, :], x[..., 1:, :]], dim=-2)
