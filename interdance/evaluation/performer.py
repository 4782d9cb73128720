"""A dancer as the measuring sees one: joints as a whole, the surface piece by piece, so that length costs no memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from interdance.body.model import NUM_SURFACE_VERTICES, Body
from interdance.body.skeleton import NUM_JOINTS, PART_J, PARTS
from interdance.errors import InputError
from interdance.evaluation.settings import SurfaceName
from interdance.takes import Joints, Motion, Points


@dataclass(frozen=True)
class Surface:
    """Which vertices stand for a body when contact and penetration are measured.

    Attributes
    ----------
    name : str
        ``sampled``: the 655 of the representation, as in the paper's tables; ``full``: every vertex of the body model.
    faces : int64 (F, 3)
        Triangles of the closed surface.
    part_V : int64 (V,)
        Index into :data:`interdance.body.skeleton.PARTS`.
    left_hand_V, right_hand_V : int64 (H,)
        Vertices of each hand.
    """

    name: SurfaceName
    faces: np.ndarray
    part_V: np.ndarray
    left_hand_V: np.ndarray
    right_hand_V: np.ndarray

    @staticmethod
    def of(body: Body, name: SurfaceName) -> Surface:
        """The vertices of a body by name."""
        if name == "sampled":
            faces, owner_V = body.surface_faces, body.weights_VJ.argmax(axis=1)
        elif name == "full":
            faces, owner_V = body.faces, body.model.lbs_weights.numpy().argmax(axis=1)
        else:
            raise InputError(f"surface {name!r} is not one of sampled, full")
        part_V = PART_J[owner_V]
        left, right = (np.flatnonzero(part_V == PARTS.index(f"{side} hand")) for side in ("left", "right"))
        return Surface(name, faces, part_V, left, right)


@dataclass(frozen=True)
class Performer:
    """One dancer of a take.

    Attributes
    ----------
    joints_TJ3 : float32 (T, 55, 3)
        World positions, metres.
    vertices : callable or None
        Frames (a slice) -> float32 (t, V, 3), the vertices of the :class:`Surface` at those frames; None for a dancer of
        whom only joints are known.
    """

    joints_TJ3: np.ndarray
    vertices: Callable[[slice], np.ndarray] | None

    @property
    def num_frames(self) -> int:
        return len(self.joints_TJ3)

    @staticmethod
    def of(dancer: Motion | Points | Joints, body: Body, surface: Surface) -> Performer:
        """A dancer in any form.

        Raises
        ------
        InputError
            When the full mesh is asked for of a dancer known by the 710 points.
        """
        joints_TJ3 = joints_of(dancer, body)
        if isinstance(dancer, Joints):
            return Performer(joints_TJ3, None)
        if isinstance(dancer, Points):
            if surface.name != "sampled":
                raise InputError(
                    f"points hold {NUM_SURFACE_VERTICES} sampled vertices; measuring on the full mesh needs SMPL-X "
                    "parameters (.npz)"
                )
            points = dancer.points_TP3
            return Performer(joints_TJ3, lambda frames: np.array(points[frames, NUM_JOINTS:], np.float32))
        motion = dancer
        if surface.name == "sampled":
            return Performer(joints_TJ3, lambda frames: body.points(motion[frames])[:, NUM_JOINTS:])
        return Performer(joints_TJ3, lambda frames: body.vertices(motion, frames))


def joints_of(dancer: Motion | Points | Joints, body: Body) -> np.ndarray:
    """World positions float32 (T, 55, 3) of a dancer in any form, metres."""
    if isinstance(dancer, Joints):
        return dancer.joints_TJ3
    return body.joints(dancer) if isinstance(dancer, Motion) else np.array(dancer.points_TP3[:, :NUM_JOINTS], np.float32)
