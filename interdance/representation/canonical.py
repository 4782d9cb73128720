"""World points of one dancer to the canonical representation (METHOD.md §2) and back, and rigid moves on the floor.

Every function takes torch tensors or numpy arrays and gives back what it was given. Leading axes are free:
``(T, P, 3)`` for one clip, ``(B, T, P, 3)`` for a batch of them. Rotations about +Y by ``angle`` turn +Z towards +X.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from interdance.errors import InputError
from interdance.representation.layout import (
    FEET,
    HIPS,
    INTEGRATED,
    LAYOUT,
    NUM_CHANNELS,
    NUM_POINTS,
    RELATIVE_POINTS,
    ROOT_JOINT,
    SHOULDERS,
    WRISTS,
)

Array = TypeVar("Array", Tensor, np.ndarray)

LEAST_ACROSS = 0.01
"""Metres. Hips and shoulders that lie nearer to a vertical line than this have no facing; the last one is held."""

YAW = LAYOUT["root_yaw"].start
YAW_VELOCITY = LAYOUT["root_yaw_velocity"].start


@dataclass(frozen=True)
class FloorTransform:
    """A rotation about +Y by ``angle``, then a shift on the floor.

    Attributes
    ----------
    angle : Tensor (...)
        Radians.
    offset : Tensor (..., 2)
        Metres along x and z. The leading axes are those of a batch of clips.
    """

    angle: Tensor
    offset: Tensor

    @staticmethod
    def identity(dtype: torch.dtype = torch.float32) -> FloorTransform:
        """The transform that moves nothing."""
        return FloorTransform(torch.zeros((), dtype=dtype), torch.zeros(2, dtype=dtype))

    @staticmethod
    def from_tensor(values: Tensor) -> FloorTransform:
        """From (..., 3): angle, x, z; the form in which batches carry transforms."""
        return FloorTransform(values[..., 0], values[..., 1:3])

    def to_tensor(self) -> Tensor:
        """As (..., 3): angle, x, z."""
        return torch.cat([self.angle[..., None], self.offset], dim=-1)

    def points(self, points: Array) -> Array:
        """Move points (..., 3); the transform's own axes are the leading ones of ``points``."""
        values = _tensor(points)
        angle, offset = self._against(values)
        x, z = _turn(values[..., 0], values[..., 2], angle)
        moved = torch.stack([x + offset[..., 0], values[..., 1], z + offset[..., 1]], dim=-1)
        return _like(moved, points)

    def compose(self, first: FloorTransform) -> FloorTransform:
        """The transform that does ``first`` and then this one."""
        x, z = _turn(first.offset[..., 0], first.offset[..., 1], self.angle)
        return FloorTransform(self.angle + first.angle, torch.stack([x, z], dim=-1) + self.offset)

    def inverse(self) -> FloorTransform:
        """The transform that undoes this one."""
        x, z = _turn(-self.offset[..., 0], -self.offset[..., 1], -self.angle)
        return FloorTransform(-self.angle, torch.stack([x, z], dim=-1))

    def _against(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Angle and offset in the type of ``values`` (..., 3), with axes of length 1 up to its last but one."""
        angle, offset = self.angle.to(values), self.offset.to(values)
        missing = (1,) * (values.ndim - 1 - angle.ndim)
        return angle.reshape(*angle.shape, *missing), offset.reshape(*offset.shape[:-1], *missing, 2)


def facing(points: Array) -> Array:
    """Yaw ``psi`` of a dancer who faces (sin psi, 0, cos psi), continuous over time.

    Across is right to left hip plus right to left shoulder, laid on the floor; forward is across x up. Where across
    stands upright (:data:`LEAST_ACROSS`) the facing of the last frame is held; before the first known one, that one.

    Parameters
    ----------
    points : (..., T, P, 3)
        Metres; the first 22 points are the body joints of SMPL-X.

    Returns
    -------
    (..., T) radians; the first frame lies in (-pi, pi].
    """
    values = _tensor(points)
    across = values[..., HIPS[0], :] - values[..., HIPS[1], :]
    across = across + values[..., SHOULDERS[0], :] - values[..., SHOULDERS[1], :]
    known = across[..., 0].hypot(across[..., 2]) >= LEAST_ACROSS
    across = _hold(across, known)
    psi = torch.atan2(-across[..., 2], across[..., 0])
    step = psi.diff(dim=-1)
    step = torch.remainder(step + math.pi, 2 * math.pi) - math.pi
    psi = torch.cat([psi[..., :1], psi[..., :1] + step.cumsum(dim=-1)], dim=-1)
    return _like(psi, points)


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
    source = _tensor(points)
    values = source.double()
    psi = facing(values)
    half = -0.5 * psi
    root = values[..., ROOT_JOINT, :]
    velocities = _row_zero_repeats(turn_points(values.diff(dim=-3), 2 * half[..., 1:]))

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
        x[..., LAYOUT["foot_contact"]] = _tensor(foot_contact).to(x)
    if partner_contact is not None:
        x[..., LAYOUT["partner_contact"]] = _tensor(partner_contact).to(x)
    return _like(x, points)


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
    values = _tensor(x)
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
    return _like(points + shift[..., None, :], x)


def turn_points(points: Tensor, angle: Tensor) -> Tensor:
    """Turn (..., N, 3) about +Y, all N points of an entry of ``angle`` (...) alike."""
    x, z = _turn(points[..., 0], points[..., 2], angle[..., None])
    return torch.stack([x, points[..., 1], z], dim=-1)


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
    values = _tensor(x)
    position = transform.points(values[..., LAYOUT["root_position"]])
    angle, _ = transform._against(position)
    half = values[..., YAW] - 0.5 * angle
    step_x, step_z = _turn(values[..., 1:, INTEGRATED.start + 1], values[..., 1:, INTEGRATED.start + 2], angle)
    first = torch.stack([half[..., :1], position[..., :1, 0], position[..., :1, 2]], dim=-1)
    later = torch.stack([values[..., 1:, YAW_VELOCITY], step_x, step_z], dim=-1)
    integrated = torch.cat([first, later], dim=-2)
    moved = torch.cat([position, half[..., None], integrated, values[..., INTEGRATED.stop :]], dim=-1)
    return _like(moved, x)


def leader_frame(x_leader: Array) -> FloorTransform:
    """The transform that puts the first frame of clips (..., T, 4978) at the origin, facing +Z (yaw exactly 0)."""
    values = _tensor(x_leader)
    first = values[..., 0, :]
    angle = 2 * first[..., YAW]  # 2a = -psi: turning by it faces +Z
    x, z = _turn(first[..., 0], first[..., 2], angle)
    return FloorTransform(angle, -torch.stack([x, z], dim=-1))


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


def on_yaw_branch(x: Array, lowest: float = -0.5 * math.pi) -> Array:
    """A copy whose first yaw ``psi`` lies in [lowest, lowest + 2 pi): whole turns are added, nobody moves.

    With the default, followers who face a leader of yaw 0 (``psi`` near pi) and who stand beside or before one (near 0)
    are both far from the cut [choice].
    """
    values = _tensor(x)
    turns = torch.floor((-2 * values[..., 0, YAW] - lowest) / (2 * math.pi))
    shift = (math.pi * turns)[..., None]
    half = values[..., YAW] + shift
    velocity = torch.cat([values[..., :1, YAW_VELOCITY] + shift, values[..., 1:, YAW_VELOCITY]], dim=-1)
    later = values[..., YAW_VELOCITY + 1 :]
    moved = torch.cat([values[..., :YAW], half[..., None], velocity[..., None], later], dim=-1)
    return _like(moved, x)


def foot_points(points: Array) -> Array:
    """The four foot joints (..., T, 4, 3) of points or joints (..., T, >= 12, 3), in the order of the labels."""
    return points[..., list(FEET), :]


def _turn(x: Tensor, z: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    cos, sin = angle.cos(), angle.sin()
    return cos * x + sin * z, cos * z - sin * x


def _hold(values: Tensor, known: Tensor) -> Tensor:
    """``values`` (..., T, 3) with unknown frames replaced by the last known one, or the first one known."""
    if bool(known.all()):
        return values
    frames = torch.arange(known.shape[-1], device=known.device).expand(known.shape)
    last = torch.where(known, frames, -1).cummax(dim=-1).values
    first = known.to(torch.uint8).argmax(dim=-1, keepdim=True)
    index = torch.where(last < 0, first, last)
    held = values.gather(-2, index[..., None].expand(values.shape))
    nowhere = ~known.any(dim=-1, keepdim=True)
    return torch.where(nowhere[..., None], held.new_tensor([1.0, 0.0, 0.0]), held)


def _differences(values: Tensor) -> Tensor:
    """Differences along time of (..., T, n); row 0 holds the value itself, so that a running sum restores them."""
    return torch.cat([values[..., :1, :], values.diff(dim=-2)], dim=-2)


def _row_zero_repeats(steps: Tensor) -> Tensor:
    """Put a frame before ``steps`` (..., T - 1, P, 3) that equals their first, or zeros where there is none."""
    first = steps[..., :1, :, :]
    if first.shape[-3] == 0:
        return steps.new_zeros(*steps.shape[:-3], 1, *steps.shape[-2:])
    return torch.cat([first, steps], dim=-3)


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


def _tensor(array: Tensor | np.ndarray) -> Tensor:
    if isinstance(array, Tensor):
        return array
    return torch.from_numpy(np.ascontiguousarray(array) if array.flags.writeable else np.array(array))


def _like(values: Tensor, model: Array) -> Array:
    return values if isinstance(model, Tensor) else values.numpy()
