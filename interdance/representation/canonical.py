"""World points of one dancer to the canonical representation (METHOD.md §2) and back; ours, and the paper's.

Functions take torch tensors or numpy arrays and give back what they were given. Leading axes are free: ``(T, P, 3)`` for
one clip, ``(B, T, P, 3)`` for a batch of them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interdance.errors import InputError
from interdance.representation.base import Observed, Representation, row_zero_repeats
from interdance.representation.floor import Array, FloorTransform, as_given, as_tensor, facing, to_branch, turn, turn_points
from interdance.representation.layout import (
    INTEGRATED,
    LAYOUT,
    NUM_CHANNELS,
    NUM_JOINTS,
    NUM_POINTS,
    RELATIVE_POINTS,
    ROOT_JOINT,
    WRISTS,
)

YAW = LAYOUT["root_yaw"].start
YAW_VELOCITY = LAYOUT["root_yaw_velocity"].start


def encode(
    points: Array,
    foot_contact: Array | None,
    partner_contact: Array | None,
    anchor_P: np.ndarray,
) -> Array:
    """World points of one dancer to the canonical representation. Differences are taken in float64.

    Parameters
    ----------
    points : (..., T, 710, 3)
        Metres in the world, +Y up, T >= 1.
    foot_contact, partner_contact : (..., T, 4) and (..., T, 710), or None
        Labels 0/1; ``None`` writes zeros.
    anchor_P : (710,) int
        The joint each point is relative to: 0, or 20 and 21 for the points of the left and right hand.

    Returns
    -------
    (..., T, 4978) in the floating type of ``points``; channels as :mod:`interdance.representation.layout` lists them.

    Raises
    ------
    InputError
        When ``points`` does not end in (T, 710, 3).
    """
    if points.ndim < 3 or tuple(points.shape[-2:]) != (NUM_POINTS, 3) or points.shape[-3] < 1:
        raise InputError(f"points of shape {tuple(points.shape)}; (frames, {NUM_POINTS}, 3) is needed to encode")
    source = as_tensor(points)
    values = source.double()
    psi = facing(values)
    half = -0.5 * psi
    root = values[..., ROOT_JOINT, :]
    velocities = row_zero_repeats(turn_points(values.diff(dim=-3), 2 * half[..., 1:]))

    relative = values - (root * root.new_tensor([1.0, 0.0, 1.0]))[..., None, :]
    relative = (relative - _wrist_of_each(relative, anchor_P))[..., 1:, :]

    x = source.new_zeros(*source.shape[:-2], NUM_CHANNELS)
    x[..., LAYOUT["root_position"]] = root.to(x)
    x[..., YAW] = half.to(x)
    x[..., YAW_VELOCITY] = _differences(half[..., None])[..., 0].to(x)
    x[..., LAYOUT["root_velocity"]] = _differences(root[..., [0, 2]]).to(x)
    x[..., RELATIVE_POINTS] = turn_points(relative, 2 * half).flatten(-2).to(x)
    x[..., LAYOUT["point_velocities"]] = velocities.flatten(-2).to(x)
    if foot_contact is not None:
        x[..., LAYOUT["foot_contact"]] = as_tensor(foot_contact).to(x)
    if partner_contact is not None:
        x[..., LAYOUT["partner_contact"]] = as_tensor(partner_contact).to(x)
    return as_given(x, points)


def decode(x: Array, anchor_P: np.ndarray, integrate: bool = False) -> Array:
    """The 710 world points of a representation; differentiable.

    Parameters
    ----------
    x : (..., T, 4978)
        Un-normalised.
    anchor_P : (710,) int
        As for :func:`encode`.
    integrate : bool
        Take the root's yaw, x and z from the running sums of their velocities instead of their own channels.

    Returns
    -------
    (..., T, 710, 3) metres in the world.
    """
    values = as_tensor(x)
    position = values[..., LAYOUT["root_position"]]
    half, ground = values[..., YAW], position[..., [0, 2]]
    if integrate:
        sums = values[..., INTEGRATED].cumsum(dim=-2, dtype=torch.float64).to(values)
        half, ground = sums[..., 0], sums[..., 1:3]
    height = position[..., 1]
    zero = torch.zeros_like(height)
    root = torch.stack([zero, height, zero], dim=-1)
    relative = values[..., RELATIVE_POINTS].reshape(*height.shape, NUM_POINTS - 1, 3)
    points = torch.cat([root[..., None, :], relative], dim=-2)

    points = turn_points(points + _wrist_of_each(points, anchor_P), -2 * half)
    shift = torch.stack([ground[..., 0], zero, ground[..., 1]], dim=-1)
    return as_given(points + shift[..., None, :], x)


def rebase(x: Array, transform: FloorTransform) -> Array:
    """The representation of the dancer moved by ``transform``: ``rebase(encode(p), g) == encode(g.points(p))``.

    Parameters
    ----------
    x : (..., T, 4978)
        Un-normalised clips whose row 0 is their first frame.
    transform : FloorTransform
        Its axes are the leading ones of ``x``.

    Returns
    -------
    A copy that differs in the seven root channels alone. Differentiable in both arguments.
    """
    values = as_tensor(x)
    position = transform.points(values[..., LAYOUT["root_position"]])
    angle, _ = transform.against(position)
    half = values[..., YAW] - 0.5 * angle
    step_x, step_z = turn(values[..., 1:, INTEGRATED.start + 1], values[..., 1:, INTEGRATED.start + 2], angle)
    first = torch.stack([half[..., :1], position[..., :1, 0], position[..., :1, 2]], dim=-1)
    later = torch.stack([values[..., 1:, YAW_VELOCITY], step_x, step_z], dim=-1)
    integrated = torch.cat([first, later], dim=-2)
    moved = torch.cat([position, half[..., None], integrated, values[..., INTEGRATED.stop :]], dim=-1)
    return as_given(moved, x)


def leader_frame(x_leader: Array) -> FloorTransform:
    """The transform that puts the first frame of clips (..., T, 4978) at the origin, facing +Z (yaw exactly 0)."""
    values = as_tensor(x_leader)
    return FloorTransform.to_origin(values[..., 0, LAYOUT["root_position"]], -2 * values[..., 0, YAW])


def clip(x: Array, start: int, stop: int) -> Array:
    """Rows ``start`` to ``stop`` as the representation of that clip alone, a copy.

    Row 0 of the integrated velocities becomes the root's yaw and place, and its point velocities repeat row 1, so that
    ``clip(encode(points), i, j)`` is ``encode(points[i:j])`` up to whole turns of the yaw.
    """
    rows = x[..., start:stop, :]
    part = rows.clone() if isinstance(rows, Tensor) else np.array(rows)
    part[..., 0, INTEGRATED] = part[..., 0, [YAW, 0, 2]]
    if part.shape[-2] > 1:
        part[..., 0, LAYOUT["point_velocities"]] = part[..., 1, LAYOUT["point_velocities"]]
    return part


def on_yaw_branch(x: Array) -> Array:
    """A copy whose first yaw ``psi`` lies in [-pi/2, 3 pi/2): whole turns are added, nobody moves.

    So followers who face a leader of yaw 0 (``psi`` near pi) and who stand beside or before one (near 0) are both far from
    the cut [choice].
    """
    values = as_tensor(x)
    shift = to_branch(values[..., :1, YAW])
    half = values[..., YAW] + shift
    velocity = torch.cat([values[..., :1, YAW_VELOCITY] + shift, values[..., 1:, YAW_VELOCITY]], dim=-1)
    later = values[..., YAW_VELOCITY + 1 :]
    moved = torch.cat([values[..., :YAW], half[..., None], velocity[..., None], later], dim=-1)
    return as_given(moved, x)


def _differences(values: Tensor) -> Tensor:
    """Differences along time of (..., T, n); row 0 holds the value itself, so that a running sum restores them."""
    return torch.cat([values[..., :1, :], values.diff(dim=-2)], dim=-2)


def _wrist_of_each(points: Tensor, anchor_P: np.ndarray) -> Tensor:
    """(..., 710, 3): for points of a hand the place of its wrist, zero for all others, the wrists among them.

    Masks instead of indices: the gradient is a plain sum, the same on every run.
    """
    anchors = torch.tensor(anchor_P, device=points.device)
    if tuple(anchors.shape) != (NUM_POINTS,):
        raise InputError(f"anchor_P of shape {tuple(anchors.shape)}; ({NUM_POINTS},) is needed, a joint per point")
    hand = torch.stack([anchors == wrist for wrist in WRISTS]).to(points)
    hand[:, list(WRISTS)] = 0.0
    left, right = (points[..., wrist, None, :] for wrist in WRISTS)
    return hand[0][:, None] * left + hand[1][:, None] * right


class Canonical(Representation):
    """The representation of the paper (Eq. 1): 4978 channels, root, body and surface in a space of the dancer's own.

    Parameters
    ----------
    anchor_P : (710,) int
        As for :func:`encode`.
    """

    name = "canonical"
    position_space = canonical = can_be_posed = True
    layout = LAYOUT
    placing = RELATIVE_POINTS.stop
    winding = YAW
    num_joints = NUM_JOINTS

    def __init__(self, anchor_P: np.ndarray) -> None:
        self.anchor_P = anchor_P
        self.held_H = np.arange(NUM_POINTS)

    def encode(self, dancer: Observed) -> np.ndarray:
        return encode(dancer.points_TP3, dancer.foot_contact_T4, dancer.partner_contact_TP, self.anchor_P)

    def positions(self, x: Tensor) -> Tensor:
        return decode(x, self.anchor_P)

    def root(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x[..., LAYOUT["root_position"]], self.yaw(x)

    def yaw(self, x: Tensor) -> Tensor:
        return -2 * x[..., YAW]

    def clip(self, x: Array, start: int, stop: int) -> Array:
        return clip(x, start, stop)

    def rebase(self, x: Tensor, transform: FloorTransform) -> Tensor:
        return rebase(x, transform)

    def on_yaw_branch(self, x: Tensor) -> Tensor:
        return on_yaw_branch(x)

    def relative(self, x_TC: Tensor) -> Tensor:
        channels = [YAW, LAYOUT["root_position"].start, LAYOUT["root_position"].start + 2]
        x_TC[0, INTEGRATED] = x_TC[0, channels]
        x_TC[1:, INTEGRATED] = x_TC[:, channels].diff(dim=0)
        return x_TC

    def put(self, x_TC: Tensor, points_TH3: Tensor, chosen_TH: Tensor) -> Tensor:
        x_TC = x_TC.clone()
        place = LAYOUT["root_position"]
        x_TC[:, place] = torch.where(chosen_TH[:, :1], points_TH3[:, ROOT_JOINT], x_TC[:, place])
        root = x_TC[:, None, place]
        upright = root.new_tensor([0.0, 1.0, 0.0])
        there = turn_points(points_TH3 - root * (1 - upright), 2 * x_TC[:, YAW])
        told = torch.cat([root * upright, x_TC[:, RELATIVE_POINTS].unflatten(-1, (-1, 3))], dim=-2)
        wrists = _wrist_of_each(torch.where(chosen_TH[..., None], there, told), self.anchor_P)
        x_TC[:, RELATIVE_POINTS] = torch.where(chosen_TH[..., None], there - wrists, told)[:, 1:].flatten(1)
        return self._moving(x_TC, chosen_TH)

    def put_root(self, x_TC: Tensor, place_T3: Tensor, psi_T: Tensor) -> Tensor:
        rise_T3 = (place_T3 - x_TC[:, LAYOUT["root_position"]]) * place_T3.new_tensor([0.0, 1.0, 0.0])
        x_TC = torch.cat([place_T3, -0.5 * psi_T[:, None], x_TC[:, YAW + 1 :]], dim=1)
        # Heights are told above the floor, but those of a hand above its wrist.
        rise = rise_T3[:, None].expand(-1, NUM_POINTS, -1)
        x_TC[:, RELATIVE_POINTS] += (rise - _wrist_of_each(rise, self.anchor_P))[:, 1:].flatten(1)
        return self._moving(x_TC, torch.ones(len(x_TC), NUM_POINTS, dtype=torch.bool, device=x_TC.device))

    def _moving(self, x_TC: Tensor, chosen_TP: Tensor) -> Tensor:
        """Velocities of the chosen points, and the root's, from where they are; overwrites ``x_TC``."""
        steps = turn_points(decode(x_TC, self.anchor_P).diff(dim=0), 2 * x_TC[1:, YAW])
        told = x_TC[:, LAYOUT["point_velocities"]].unflatten(-1, (-1, 3))
        x_TC[:, LAYOUT["point_velocities"]] = torch.where(chosen_TP[..., None], row_zero_repeats(steps), told).flatten(1)
        return self.relative(x_TC)
