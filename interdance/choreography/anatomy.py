"""Measures of a body shape: bones, extents, and the named spots of its surface that a partner's hand lies on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interdance.body.ik import frame, unit
from interdance.body.model import Body
from interdance.body.skeleton import NUM_JOINTS
from interdance.takes import Motion

_TORSO = (0, 3, 6, 9, 13, 14)
_PATCH = 0.06  # metres: a hand lies flat on so much of a surface, not on one vertex
_GRID = 5  # points along the edge of a triangle that a spot may be
_LIMBS = (((1, 4), (4, 7)), ((2, 5), (5, 8)), ((16, 18), (18, 20)), ((17, 19), (19, 21)))


@dataclass(frozen=True)
class Hand:
    """A hand at rest: which of the 655 vertices is the middle of the palm, direction of the fingers, outward normal of
    the palm.
    """

    palm: int
    fingers: np.ndarray
    normal: np.ndarray


@dataclass(frozen=True)
class Spot:
    """A point of the sampled surface: three vertices and their shares."""

    vertices: tuple[int, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Anatomy:
    """Measures of a body shape at rest, metres.

    Attributes
    ----------
    rest_J3, rest_V3, patches_V3 : (55, 3), (655, 3)
        Joints, sampled surface, and the unit normals of the patch of a hand's size around each vertex.
    weights_VJ : (655, 55)
        Skinning weights.
    owner_V : (655,)
        Joint with the largest weight.
    spots : dict
        (name, side) -> points of the surface, the wished one first, then others ever easier to reach for a partner.
    """

    betas: np.ndarray
    rest_J3: np.ndarray
    rest_V3: np.ndarray
    patches_V3: np.ndarray
    weights_VJ: np.ndarray
    owner_V: np.ndarray
    faces: np.ndarray
    floor: float
    hip_half: float
    ball_height: float
    ball_ahead: float
    heels: tuple[np.ndarray, np.ndarray]
    legs: tuple[float, float]
    leg_bones: tuple[tuple[float, float], tuple[float, float]]
    arm_bones: tuple[tuple[float, float], tuple[float, float]]
    front: float
    back: float
    half_breadth: float
    head_top: float
    hands: tuple[Hand, Hand]
    spots: dict[tuple[str, int], tuple[Spot, ...]]

    @property
    def standing(self) -> float:
        """Height of the pelvis over the floor with straight legs."""
        return float(self.rest_J3[0, 1] - self.floor)


def measure(body: Body, betas: np.ndarray) -> Anatomy:
    """Measure a shape (10,) of the model ``body``."""
    zero = Motion(np.zeros((1, NUM_JOINTS, 3), np.float32), np.zeros((1, 3), np.float32), betas, 30.0)
    points = body.points(zero)[0].astype(np.float64)
    rest, surface = points[:NUM_JOINTS], points[NUM_JOINTS:]
    normals = _normals(surface, body.surface_faces)
    weights = np.asarray(body.weights_VJ, np.float64)
    owner = weights.argmax(axis=1)
    patches = _patches(surface, normals)
    floor = float(surface[:, 1].min())
    bones = [[float(np.linalg.norm(rest[b] - rest[a])) for a, b in pairs] for pairs in _LIMBS]
    trunk = surface[np.isin(owner, _TORSO)]
    heels = tuple(
        np.array([rest[7 + s, 0], floor, surface[np.isin(owner, (7 + s, 10 + s))][:, 2].min() + 0.02]) for s in (0, 1)
    )
    return Anatomy(
        betas=np.asarray(betas, np.float32),
        rest_J3=rest,
        rest_V3=surface,
        patches_V3=patches,
        weights_VJ=weights,
        owner_V=owner,
        faces=np.asarray(body.surface_faces),
        floor=floor,
        hip_half=float(0.5 * (rest[1, 0] - rest[2, 0])),
        ball_height=float(rest[10, 1] - floor),
        ball_ahead=float(0.5 * (rest[10, 2] + rest[11, 2]) - rest[0, 2]) - 0.03,
        heels=heels,  # type: ignore[arg-type]
        legs=(sum(bones[0]), sum(bones[1])),
        leg_bones=((bones[0][0], bones[0][1]), (bones[1][0], bones[1][1])),
        arm_bones=((bones[2][0], bones[2][1]), (bones[3][0], bones[3][1])),
        front=float(trunk[:, 2].max() - rest[0, 2]),
        back=float(rest[0, 2] - trunk[:, 2].min()),
        half_breadth=float(np.abs(trunk[:, 0]).max()),
        head_top=float(surface[:, 1].max() - rest[15, 1]),
        hands=(_hand(rest, surface, normals, 0), _hand(rest, surface, normals, 1)),
        spots=_spots(rest, _Skin(surface, patches, owner, np.asarray(body.surface_faces))),
    )


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, faces[:, k], flat)
    return unit(normals)


def _patches(vertices: np.ndarray, normals: np.ndarray) -> np.ndarray:
    near = np.linalg.norm(vertices[:, None] - vertices, axis=2) < _PATCH
    return unit((near & (normals @ normals.T > 0.2)) @ normals)


def _hand(rest: np.ndarray, surface: np.ndarray, normals: np.ndarray, side: int) -> Hand:
    wrist, knuckle = rest[20 + side], rest[28 + 15 * side]
    fingers = unit(knuckle - wrist)
    axes = frame(fingers, np.array([0.0, -1.0, 0.0]))
    centre = wrist + 0.75 * (knuckle - wrist)
    offsets = (surface - centre) @ axes
    candidates = (np.hypot(offsets[:, 0], offsets[:, 2]) < 0.035) & (normals @ axes[:, 1] > 0.5) & (offsets[:, 1] > 0)
    cost = np.hypot(offsets[:, 0], offsets[:, 2]) + np.where(candidates, 0.0, 1.0) + np.abs(offsets[:, 1])
    return Hand(int(cost.argmin()), fingers, axes[:, 1])


class _Skin:
    """The surface at rest as many points, each with its normal, the joint it belongs to and its triangle."""

    def __init__(self, surface: np.ndarray, normals: np.ndarray, owner: np.ndarray, faces: np.ndarray) -> None:
        steps = np.array([(i, j, _GRID - i - j) for i in range(_GRID + 1) for j in range(_GRID + 1 - i)]) / _GRID
        self.faces = np.repeat(faces, len(steps), axis=0)
        self.shares = np.tile(steps, (len(faces), 1))
        self.points = np.einsum("nk,nki->ni", self.shares, surface[self.faces])
        self.normals = unit(np.einsum("nk,nki->ni", self.shares, normals[self.faces]))
        self.owner = owner[self.faces[np.arange(len(self.faces)), self.shares.argmax(axis=1)]]

    def nearest(self, wish: np.ndarray, allowed: np.ndarray, axes: slice = slice(0, 3)) -> Spot:
        """The allowed point nearest to a wish, as seen along the axes left out."""
        off = np.linalg.norm((self.points - wish)[:, axes], axis=1)
        best = int((off + np.where(allowed, 0.0, 1.0)).argmin())
        return Spot(tuple(self.faces[best].tolist()), tuple(self.shares[best].tolist()))


def _spots(rest: np.ndarray, skin: _Skin) -> dict[tuple[str, int], tuple[Spot, ...]]:
    """Named places for hands, each a trail of spots; ``side`` is that of the body they belong to."""
    owner, normals = skin.owner, skin.normals
    torso = np.isin(owner, _TORSO)
    spots: dict[tuple[str, int], tuple[Spot, ...]] = {}
    back = skin.points[torso][:, 2].min()
    for side, sign in ((0, 1.0), (1, -1.0)):
        shoulder, elbow = rest[16 + side], rest[18 + side]
        girdle = np.isin(owner, (9, 13 + side, 16 + side))

        def behind(asides: tuple[float, ...], height: float, sign: float = sign) -> tuple[Spot, ...]:
            return tuple(
                skin.nearest(
                    np.array([sign * aside, height, 0.0]),
                    torso & (normals[:, 2] < (-0.2 if abs(aside) < 0.13 else 0.25)),  # 0.2 is the flank
                    slice(0, 2),
                )
                for aside in asides
            )

        spots["blade", side] = behind((0.08, 0.11, 0.135, 0.16, 0.20), shoulder[1] - 0.14)
        spots["back", side] = behind((-0.05, 0.0, 0.04, 0.08, 0.11, 0.135, 0.16, 0.20), shoulder[1] - 0.17)
        spots["lumbar", side] = behind((0.09, 0.05, 0.0, -0.05, -0.10, -0.20), rest[3, 1] + 0.06)
        flank = rest[3] + np.array([0.2 * sign, 0.03, 0.0])
        spots["waist", side] = tuple(
            skin.nearest(flank + np.array([0.0, 0.0, ahead]), torso & (sign * normals[:, 0] > 0.5))
            for ahead in (-0.02, 0.03, 0.06)
        )
        hip = rest[1 + side] + np.array([0.12 * sign, 0.10, 0.03])
        spots["hip", side] = (skin.nearest(hip, (owner < 7) & (sign * normals[:, 0] > 0.6)),)
        top = np.array([0.86 * shoulder[0], shoulder[1] + 0.06, shoulder[2] - 0.01])
        spots["shoulder", side] = tuple(
            skin.nearest(top + np.array([0.0, -0.3 * ahead, ahead]), girdle & (normals[:, 1] > 0.5)) for ahead in (0.0, 0.05)
        )
        outer = shoulder + 0.24 * (elbow - shoulder) + np.array([0.0, 0.06, -0.015])
        spots["upper_arm", side] = (
            skin.nearest(outer, np.isin(owner, (13 + side, 16 + side)) & (normals[:, 1] > 0.6)),
        )
        blade = np.array([0.72 * shoulder[0], shoulder[1] - 0.06, back])
        spots["shoulder_back", side] = (skin.nearest(blade, girdle & (normals[:, 2] < -0.5)),)
        nape = np.array([0.55 * shoulder[0], shoulder[1] + 0.02, back])
        over = np.array([0.70 * shoulder[0], shoulder[1] + 0.06, shoulder[2] - 0.02])
        spots["nape", side] = (
            skin.nearest(nape, torso & (normals[:, 2] < -0.3)), skin.nearest(over, girdle & (normals[:, 1] > 0.4)),
        )  # fmt: skip
    return spots
