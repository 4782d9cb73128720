"""Rigid moves on the floor, and which way a dancer faces.

Functions take torch tensors or numpy arrays and give back what they were given. Leading axes are free. Rotations about
+Y by ``angle`` turn +Z towards +X.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from interdance.representation.layout import HIPS, SHOULDERS

Array = TypeVar("Array", Tensor, np.ndarray)

LEAST_ACROSS = 0.01
"""Metres. Hips and shoulders that lie nearer to a vertical line than this have no facing; the last one is held."""


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
    def to_origin(place: Tensor, psi: Tensor) -> FloorTransform:
        """The transform that puts a dancer at ``place`` (..., 3) who faces ``psi`` (...) at the origin, facing +Z."""
        x, z = turn(place[..., 0], place[..., 2], -psi)
        return FloorTransform(-psi, -torch.stack([x, z], dim=-1))

    @staticmethod
    def from_tensor(values: Tensor) -> FloorTransform:
        """From (..., 3): angle, x, z; the form in which batches carry transforms."""
        return FloorTransform(values[..., 0], values[..., 1:3])

    def to_tensor(self) -> Tensor:
        """As (..., 3): angle, x, z."""
        return torch.cat([self.angle[..., None], self.offset], dim=-1)

    def points(self, points: Array) -> Array:
        """Move points (..., 3); the transform's own axes are the leading ones of ``points``."""
        values = as_tensor(points)
        angle, offset = self.against(values)
        x, z = turn(values[..., 0], values[..., 2], angle)
        moved = torch.stack([x + offset[..., 0], values[..., 1], z + offset[..., 1]], dim=-1)
        return as_given(moved, points)

    def directions(self, vectors: Array) -> Array:
        """Turn vectors (..., 3), such as velocities, without the shift."""
        return FloorTransform(self.angle, torch.zeros_like(self.offset)).points(vectors)

    def compose(self, first: FloorTransform) -> FloorTransform:
        """The transform that does ``first`` and then this one."""
        x, z = turn(first.offset[..., 0], first.offset[..., 1], self.angle)
        return FloorTransform(self.angle + first.angle, torch.stack([x, z], dim=-1) + self.offset)

    def inverse(self) -> FloorTransform:
        """The transform that undoes this one."""
        x, z = turn(-self.offset[..., 0], -self.offset[..., 1], -self.angle)
        return FloorTransform(-self.angle, torch.stack([x, z], dim=-1))

    def against(self, values: Tensor) -> tuple[Tensor, Tensor]:
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
    values = as_tensor(points)
    across = values[..., HIPS[0], :] - values[..., HIPS[1], :]
    across = across + values[..., SHOULDERS[0], :] - values[..., SHOULDERS[1], :]
    return as_given(_across_to_yaw(across), points)


def facing_of(left_T3: Tensor, right_T3: Tensor) -> Tensor:
    """Yaw (..., T) of a dancer whose left and right are marked by one point each (..., T, 3); as :func:`facing`."""
    return _across_to_yaw(left_T3 - right_T3)


def to_branch(half_yaw: Tensor) -> Tensor:
    """The multiples of pi to add to half yaws, so that the yaw ``psi = -2 a`` comes to lie in [-pi/2, 3 pi/2)."""
    return math.pi * torch.floor((-2 * half_yaw + 0.5 * math.pi) / (2 * math.pi))


def turn_points(points: Tensor, angle: Tensor) -> Tensor:
    """Turn (..., N, 3) about +Y, all N points of an entry of ``angle`` (...) alike."""
    x, z = turn(points[..., 0], points[..., 2], angle[..., None])
    return torch.stack([x, points[..., 1], z], dim=-1)


def turn(x: Tensor, z: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Turn places on the floor about the origin."""
    cos, sin = angle.cos(), angle.sin()
    return cos * x + sin * z, cos * z - sin * x


def _across_to_yaw(across: Tensor) -> Tensor:
    known = across[..., 0].hypot(across[..., 2]) >= LEAST_ACROSS
    across = _hold(across, known)
    psi = torch.atan2(-across[..., 2], across[..., 0])
    step = psi.diff(dim=-1)
    step = torch.remainder(step + math.pi, 2 * math.pi) - math.pi
    return torch.cat([psi[..., :1], psi[..., :1] + step.cumsum(dim=-1)], dim=-1)


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


def as_tensor(array: Tensor | np.ndarray) -> Tensor:
    """A tensor over the same memory where it may be written to, else over a copy."""
    if isinstance(array, Tensor):
        return array
    return torch.from_numpy(np.ascontiguousarray(array) if array.flags.writeable else np.array(array))


def as_given(values: Tensor, model: Array) -> Array:
    """``values`` in the form of ``model``: a tensor or a numpy array."""
    return values if isinstance(model, Tensor) else values.numpy()
