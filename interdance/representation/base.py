"""What every representation of a dancer can do: made from a motion, placed in the world, moved, cut, and completed.

Tensors are un-normalised, (..., T, C), +Y up, metres; row 0 is the first frame of a clip.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.representation.floor import Array, FloorTransform
from interdance.representation.layout import NUM_BODY_JOINTS, NUM_JOINTS, NUM_POINTS, Layout
from interdance.takes import Motion


@dataclass(frozen=True)
class Observed:
    """What a representation is made from.

    Attributes
    ----------
    motion : Motion
    points_TP3 : float32 (T, 710, 3)
        Of the motion, in the world.
    foot_contact_T4, partner_contact_TP : (T, 4) and (T, 710), 0 or 1
        Labels; see :mod:`interdance.representation.contact`. Nobody has told of the partner's where he is unknown: None.
    """

    motion: Motion
    points_TP3: np.ndarray
    foot_contact_T4: np.ndarray
    partner_contact_TP: np.ndarray | None = None


class Representation(ABC):
    """One way to write a dancer's motion as numbers (Table 2).

    Attributes
    ----------
    name
        As in ``encode.representation``.
    position_space
        Whether channels are positions, linear in the points up to the root's own motion; otherwise rotations.
    canonical
        Whether poses are told apart from where the dancer stands and faces.
    can_be_posed
        Whether single points and the root can be put somewhere: :meth:`put` and :meth:`put_root`.
    layout
        Names of the channels.
    placing
        How many leading channels :meth:`positions` needs.
    held_H : int (H,)
        Which of the 710 points are placed, joints first.
    num_joints
        How many of them are joints.
    winding
        Channel of :meth:`absolute` that holds a half yaw, known up to multiples of pi; None where there is none.
    """

    name: ClassVar[str]
    position_space: ClassVar[bool]
    canonical: ClassVar[bool]
    can_be_posed: ClassVar[bool] = False
    layout: Layout
    placing: int
    held_H: np.ndarray
    num_joints: int
    winding: int | None = None

    @property
    def width(self) -> int:
        """C, channels."""
        return self.layout.width

    @property
    def num_labels(self) -> int:
        """Points that carry a label of contact with the partner: all that are held, or none."""
        return self.layout.size("partner_contact")

    @property
    def has_joints(self) -> bool:
        """Whether the joints of the body are placed."""
        return self.num_joints >= NUM_BODY_JOINTS

    @property
    def has_hands(self) -> bool:
        """Whether the joints of the fingers are placed."""
        return self.num_joints == NUM_JOINTS

    @property
    def has_surface(self) -> bool:
        """Whether all of the sampled surface is placed."""
        return len(self.held_H) == NUM_POINTS

    @property
    def can_be_guided(self) -> bool:
        """Whether guidance can work on it.

        It needs the surface, labels of what should touch, and poses told apart from the world: how a pose gives way to a
        pull is measured in the frames of windows, and holds in the world only where it does not depend on the facing.
        """
        return self.has_surface and self.num_labels > 0 and self.canonical

    @abstractmethod
    def encode(self, dancer: Observed) -> np.ndarray:
        """Float32 (T, C) of a dancer in the world."""

    @abstractmethod
    def positions(self, x: Tensor) -> Tensor:
        """World positions (..., T, H, 3) of the points held; differentiable. ``x`` may end after ``placing`` channels."""

    @abstractmethod
    def root(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Where the dancer stands (..., T, 3) and the yaw (..., T) that she faces; ``x`` as for :meth:`positions`."""

    @abstractmethod
    def rebase(self, x: Tensor, transform: FloorTransform) -> Tensor:
        """The dancer moved by ``transform``, whose axes are the leading ones of ``x``: ``encode`` of the moved points."""

    def yaw(self, x: Tensor) -> Tensor:
        """The yaw alone."""
        return self.root(x)[1]

    def leader_frame(self, x: Tensor) -> FloorTransform:
        """The transform that puts the first frame at the origin, facing +Z."""
        place, psi = self.root(x[..., :1, : self.placing])
        return FloorTransform.to_origin(place[..., 0, :], psi[..., 0])

    def clip(self, x: Array, start: int, stop: int) -> Array:
        """Rows ``start`` to ``stop`` of a take (..., T, C) as the representation of that clip alone, a copy."""
        rows = x[..., start:stop, :]
        return rows.clone() if isinstance(rows, Tensor) else np.array(rows)

    def on_yaw_branch(self, x: Tensor) -> Tensor:
        """The same motion, the first yaw brought into [-pi/2, 3 pi/2) where whole turns are told apart."""
        return x

    def absolute(self, x: Tensor) -> Tensor:
        """A form of which a weighted mean over overlapping windows makes sense, row by row."""
        return x

    def relative(self, x_TC: Tensor) -> Tensor:
        """Undo :meth:`absolute` of one take; may overwrite what it is given."""
        return x_TC

    def put(self, x_TC: Tensor, points_TH3: Tensor, chosen_TH: Tensor) -> Tensor:
        """A take with the chosen points at these places in the world, and velocities of theirs that follow from it.

        The rest of the pose stays as it is told: fingers go with their wrist where they are told relative to it.
        """
        raise NotImplementedError(f"{self.name}: can_be_posed is false")

    def put_root(self, x_TC: Tensor, place_T3: Tensor, psi_T: Tensor) -> Tensor:
        """The same poses of a take with the root on another path: :meth:`root` of the result gives it back."""
        raise NotImplementedError(f"{self.name}: can_be_posed is false")

    def complete(self, x_TC: Tensor) -> np.ndarray:
        """All 710 world points of a take (T, C), float32 (T, 710, 3); what is not held follows from a body fitted to what is.

        Raises
        ------
        InputError
            When the points are no numbers, and a body was to be fitted to them.
        """
        return self.whole(self.placed(x_TC))

    def placed(self, x_TC: Tensor) -> np.ndarray:
        """World points of a take that are held, float32 (T, H, 3)."""
        return self.positions(x_TC).float().cpu().numpy()

    def whole(self, points_TH3: np.ndarray) -> np.ndarray:
        """All 710 points (T, 710, 3) of those that are held; errors are those of :meth:`complete`."""
        return points_TH3


def fitted(points_TH3: np.ndarray, body: Body, held_H: np.ndarray) -> np.ndarray:
    """All 710 points (T, 710, 3) of the body whose points ``held_H`` come nearest to those of a take (T, H, 3), metres.

    Raises
    ------
    InputError
        When the points are no numbers.
    """
    motion, _ = fit_motion(points_TH3, body, fps=1.0, held=held_H)  # the rate is passed on, and not used
    return body.points(motion)


def row_zero_repeats(steps: Tensor) -> Tensor:
    """Put a frame before ``steps`` (..., T - 1, P, 3) that equals their first, or zeros where there is none."""
    first = steps[..., :1, :, :]
    if first.shape[-3] == 0:
        return steps.new_zeros(*steps.shape[:-3], 1, *steps.shape[-2:])
    return torch.cat([first, steps], dim=-3)
