"""World positions of chosen points as they are: joints (InterGen), markers (MOJO), joints and vertices (COINS)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interdance.body.model import Body
from interdance.body.skin import Skin
from interdance.mocap.markers import load_marker_set
from interdance.representation.base import Observed, Representation, fitted, row_zero_repeats
from interdance.representation.floor import Array, FloorTransform, facing_of, turn_points
from interdance.representation.layout import HIPS, NUM_FEET, NUM_JOINTS, NUM_POINTS, ROOT_JOINT, SHOULDERS, Layout


class WorldPoints(Representation):
    """Positions in the world, and on demand their velocities and the labels (Table 4 without the canonical space).

    Parameters
    ----------
    body : Body
        Whose points they are; completes what is not held.
    held_H : int (H,)
        Which of the 710 points are told, in ascending order.
    detailed : bool
        With velocities and labels, as the canonical representation has them; without, positions are all there is.
    """

    position_space, canonical, can_be_posed = True, False, True

    def __init__(self, body: Body, held_H: np.ndarray, *, detailed: bool) -> None:
        self.body = body
        self.held_H = held_H
        self.detailed = detailed
        self.num_joints = int((held_H < NUM_JOINTS).sum())
        count = len(held_H)
        self.layout = Layout.of({
            "points": 3 * count,
            "point_velocities": 3 * count if detailed else 0,
            "foot_contact": NUM_FEET if detailed else 0,
            "partner_contact": count if detailed else 0,
        })  # fmt: skip
        self.placing = 3 * count
        rest = Skin.of_surface(body).template_K3
        # Where joints are not held, the held points next to them show which way she faces and where she stands.
        place = np.linalg.norm(rest[held_H] - rest[[*HIPS, *SHOULDERS, ROOT_JOINT], None], axis=2).argmin(axis=1)
        self.sides, self.middle = place[:4].tolist(), int(place[4])

    def encode(self, dancer: Observed) -> np.ndarray:
        points = torch.from_numpy(dancer.points_TP3[:, self.held_H])
        parts = [points.flatten(1)]
        if self.detailed:
            touching = dancer.partner_contact_TP
            touching = np.zeros((len(points), NUM_POINTS)) if touching is None else touching
            parts.append(row_zero_repeats(points.double().diff(dim=0)).flatten(1))
            parts.append(torch.from_numpy(np.asarray(dancer.foot_contact_T4)))
            parts.append(torch.from_numpy(np.asarray(touching)[:, self.held_H]))
        return torch.cat([part.float() for part in parts], dim=1).numpy()

    def positions(self, x: Tensor) -> Tensor:
        return x[..., self.layout["points"]].unflatten(-1, (-1, 3))

    def root(self, x: Tensor) -> tuple[Tensor, Tensor]:
        points = self.positions(x)
        left = points[..., self.sides[0], :] + points[..., self.sides[2], :]
        right = points[..., self.sides[1], :] + points[..., self.sides[3], :]
        return points[..., self.middle, :], facing_of(left, right)

    def rebase(self, x: Tensor, transform: FloorTransform) -> Tensor:
        moved = transform.points(self.positions(x)).flatten(-2)
        velocities = x[..., self.layout["point_velocities"]].unflatten(-1, (-1, 3))
        turned = transform.directions(velocities).flatten(-2)
        return torch.cat([moved, turned, x[..., self.layout.labels]], dim=-1)

    def clip(self, x: Array, start: int, stop: int) -> Array:
        part = super().clip(x, start, stop)
        if self.detailed and part.shape[-2] > 1:
            velocities = self.layout["point_velocities"]
            part[..., 0, velocities] = part[..., 1, velocities]
        return part

    def put(self, x_TC: Tensor, points_TH3: Tensor, chosen_TH: Tensor) -> Tensor:
        points = torch.where(chosen_TH[..., None], points_TH3, self.positions(x_TC))
        velocities = x_TC[:, self.layout["point_velocities"]]
        if self.detailed:
            steps = row_zero_repeats(points.diff(dim=0))
            velocities = torch.where(chosen_TH[..., None], steps, velocities.unflatten(-1, (-1, 3))).flatten(1)
        return torch.cat([points.flatten(1), velocities, x_TC[:, self.layout.labels]], dim=1)

    def put_root(self, x_TC: Tensor, place_T3: Tensor, psi_T: Tensor) -> Tensor:
        place, psi = self.root(x_TC)
        points = turn_points(self.positions(x_TC) - place[:, None], psi_T - psi) + place_T3[:, None]
        return self.put(x_TC, points, torch.ones(points.shape[:2], dtype=torch.bool, device=points.device))

    def whole(self, points_TH3: np.ndarray) -> np.ndarray:
        if self.has_surface:
            return points_TH3
        return fitted(points_TH3, self.body, self.held_H)


class JointPositions(WorldPoints):
    """The 55 joints (Table 4, first row)."""

    name = "joints"

    def __init__(self, body: Body) -> None:
        super().__init__(body, np.arange(NUM_JOINTS), detailed=True)


class JointAndVertexPositions(WorldPoints):
    """The 55 joints and 655 vertices (Table 4, second row)."""

    name = "joints_vertices"

    def __init__(self, body: Body) -> None:
        super().__init__(body, np.arange(NUM_POINTS), detailed=True)


class Coins(WorldPoints):
    """Joints and vertices without velocities and labels (Zhao et al. 2022)."""

    name = "coins"

    def __init__(self, body: Body) -> None:
        super().__init__(body, np.arange(NUM_POINTS), detailed=False)


class Markers(WorldPoints):
    """The sampled vertices nearest to the markers of the SSM set (Zhang et al. 2021, who use 67 of them) [choice]."""

    name = "mojo"

    def __init__(self, body: Body) -> None:
        places = load_marker_set("ssm").on(body)
        template = body.model.v_template.numpy()
        markers = np.einsum("mkc,mk->mc", template[places.vertices_M3], places.weights_M3)
        distance = np.linalg.norm(markers[:, None] - template[body.surface_V], axis=2)
        super().__init__(body, NUM_JOINTS + np.unique(distance.argmin(axis=1)), detailed=False)
