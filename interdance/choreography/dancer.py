"""Who dances: body shape and its measures, personal style, and the pose that the other modules fill in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interdance.body.model import Body
from interdance.body.rotations import to_local, vectors
from interdance.body.skeleton import NUM_JOINTS, PARENTS
from interdance.choreography.figures import FOLLOWER, LEADER
from interdance.choreography.ik import apply, frame, unit
from interdance.takes import NUM_BETAS, Motion

_TORSO = (0, 3, 6, 9, 13, 14)


@dataclass(frozen=True)
class Style:
    """Personal taste; 1 is usual unless a unit is given."""

    bounce: float
    hips: float
    sway: float
    lift: float
    stance: float  # share of the hips' width between the feet
    turnout: float  # radians
    arm_height: float  # metres above the usual frame
    flow: float  # how much free arms and trunk play with the steps
    gaze: float  # how far the head turns towards the partner
    curl: float  # of relaxed fingers
    lean: float  # radians, forward


def couple_styles(rng: np.random.Generator) -> tuple[Style, Style]:
    """Styles of a leader and of a follower who dances much as he does: what she does can be told from him."""
    usual = np.array([1.0, 1.0, 1.0, 1.0, 0.85, 0.10, 0.0, 1.0, 1.0, 1.0, 0.0])
    spread = np.array([0.25, 0.25, 0.3, 0.2, 0.10, 0.05, 0.03, 0.3, 0.15, 0.2, 0.03])
    leader = usual + spread * np.clip(rng.standard_normal(len(usual)), -1.8, 1.8)
    own = np.clip(rng.standard_normal(len(usual)), -1.8, 1.8)
    follower = usual + 0.85 * (leader - usual) + 0.25 * spread * own
    follower[1] *= 1.25
    return Style(*leader.tolist()), Style(*follower.tolist())


def couple_shapes(rng: np.random.Generator, body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Shape coefficients (10,) of leader and follower; the follower is usually the shorter, and never by very much.

    Stature is steered through the model's own shape directions, so it works for any body file.
    """
    shapes = [np.clip(rng.standard_normal(NUM_BETAS), -1.6, 1.6) * 0.7 for _ in (LEADER, FOLLOWER)]
    zero = stature(body, np.zeros(NUM_BETAS))
    slope = (stature(body, np.eye(NUM_BETAS)[0]) - zero) / 1.0
    tall = float(rng.uniform(1.72, 1.84)) / 1.69
    short = tall - float(rng.uniform(0.05, 0.10))
    for shape, wish in zip(shapes, (tall, short), strict=True):
        for _ in range(3):
            shape[0] += (wish * zero - stature(body, shape)) / slope
        shape[0] = np.clip(shape[0], -2.5, 2.5)
    return shapes[0].astype(np.float32), shapes[1].astype(np.float32)


def stature(body: Body, betas: np.ndarray) -> float:
    """Height of the head joint over the toes in the rest pose, metres: what stature goes with."""
    joints = body.rest_joints(betas)
    return float(joints[15, 1] - joints[10, 1])


@dataclass(frozen=True)
class Hand:
    """A hand at rest: which of the 655 vertices is the middle of the palm, fingers' direction and palm's normal
    (outward).
    """

    palm: int
    fingers: np.ndarray
    normal: np.ndarray
    frame_33: np.ndarray


@dataclass(frozen=True)
class Anatomy:
    """Measures of a body shape at rest, metres. ``rest_V3`` are the sampled surface vertices, ``normals_V3`` their
    normals.
    """

    betas: np.ndarray
    rest_J3: np.ndarray
    rest_V3: np.ndarray
    normals_V3: np.ndarray
    weights_VJ: np.ndarray
    floor: float
    hip_half: float
    ball_height: float
    ball_ahead: float
    heels: tuple[np.ndarray, np.ndarray]
    legs: tuple[float, float]
    leg_bones: tuple[tuple[float, float], tuple[float, float]]
    arm_bones: tuple[tuple[float, float], tuple[float, float]]
    front: float
    half_breadth: float
    head_top: float
    hands: tuple[Hand, Hand]
    back: tuple[int, ...]
    shoulder: tuple[int, int]

    @property
    def standing(self) -> float:
        """Height of the pelvis over the floor with straight legs."""
        return float(self.rest_J3[0, 1] - self.floor)


def measure(body: Body, betas: np.ndarray) -> Anatomy:
    """Measure a shape: bone lengths, extents of the trunk, and the vertices with which hands and backs touch."""
    zero = Motion(np.zeros((1, NUM_JOINTS, 3), np.float32), np.zeros((1, 3), np.float32), betas, 30.0)
    points = body.points(zero)[0].astype(np.float64)
    rest, surface = points[:NUM_JOINTS], points[NUM_JOINTS:]
    normals = _normals(surface, body.surface_faces)
    weights = np.asarray(body.weights_VJ, np.float64)
    owner = weights.argmax(axis=1)
    floor = float(surface[:, 1].min())
    bones = [[float(np.linalg.norm(rest[b] - rest[a])) for a, b in pairs] for pairs in _limbs()]
    torso = np.isin(owner, _TORSO)
    trunk = surface[torso]
    heels = tuple(
        np.array([rest[7 + s, 0], floor, surface[np.isin(owner, (7 + s, 10 + s))][:, 2].min() + 0.02]) for s in (0, 1)
    )
    return Anatomy(
        betas=np.asarray(betas, np.float32),
        rest_J3=rest,
        rest_V3=surface,
        normals_V3=normals,
        weights_VJ=weights,
        floor=floor,
        hip_half=float(0.5 * (rest[1, 0] - rest[2, 0])),
        ball_height=float(rest[10, 1] - floor),
        ball_ahead=float(0.5 * (rest[10, 2] + rest[11, 2]) - rest[0, 2]) - 0.03,
        heels=heels,  # type: ignore[arg-type]
        legs=(sum(bones[0]), sum(bones[1])),
        leg_bones=((bones[0][0], bones[0][1]), (bones[1][0], bones[1][1])),
        arm_bones=((bones[2][0], bones[2][1]), (bones[3][0], bones[3][1])),
        front=float(trunk[:, 2].max() - rest[0, 2]),
        half_breadth=float(np.abs(trunk[:, 0]).max()),
        head_top=float(surface[:, 1].max() - rest[15, 1]),
        hands=(_hand(rest, surface, normals, 0), _hand(rest, surface, normals, 1)),
        back=tuple(
            dict.fromkeys(_on_back(rest, surface, normals, torso, aside) for aside in (0.08, 0.11, 0.135, 0.16, 0.20))
        ),
        shoulder=(_on_shoulder(rest, surface, normals, owner, 0), _on_shoulder(rest, surface, normals, owner, 1)),
    )


def _limbs() -> list[tuple[tuple[int, int], tuple[int, int]]]:
    return [((1, 4), (4, 7)), ((2, 5), (5, 8)), ((16, 18), (18, 20)), ((17, 19), (19, 21))]


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, faces[:, k], flat)
    return unit(normals)


def _hand(rest: np.ndarray, surface: np.ndarray, normals: np.ndarray, side: int) -> Hand:
    wrist, knuckle = rest[20 + side], rest[28 + 15 * side]
    fingers = unit(knuckle - wrist)
    down = np.array([0.0, -1.0, 0.0])
    axes = frame(fingers, down)
    centre = wrist + 0.75 * (knuckle - wrist)
    offsets = (surface - centre) @ axes
    candidates = (np.hypot(offsets[:, 0], offsets[:, 2]) < 0.035) & (normals @ axes[:, 1] > 0.5) & (offsets[:, 1] > 0)
    cost = np.hypot(offsets[:, 0], offsets[:, 2]) + np.where(candidates, 0.0, 1.0) + np.abs(offsets[:, 1])
    return Hand(int(cost.argmin()), fingers, axes[:, 1], axes)


def _on_back(rest: np.ndarray, surface: np.ndarray, normals: np.ndarray, torso: np.ndarray, aside: float) -> int:
    """The vertex below the left shoulder blade where a partner's hand lies, ``aside`` metres from the spine: 0.2 is
    the flank.
    """
    limit = -0.2 if aside < 0.18 else 0.35
    wish = np.array([aside, rest[16, 1] - 0.17, 0.0])
    off = np.hypot(surface[:, 0] - wish[0], surface[:, 1] - wish[1])
    return int((off + np.where(torso & (normals[:, 2] < limit), 0.0, 1.0)).argmin())


def _on_shoulder(rest: np.ndarray, surface: np.ndarray, normals: np.ndarray, owner: np.ndarray, side: int) -> int:
    """The vertex of the outer upper arm, a hand's breadth below the shoulder."""
    wish = rest[16 + side] + 0.35 * (rest[18 + side] - rest[16 + side])
    off = np.linalg.norm(surface - wish - np.array([0.0, 0.04, 0.0]), axis=1)
    allowed = np.isin(owner, (16 + side, 13 + side)) & (normals[:, 1] > 0.4)
    return int((off + np.where(allowed, 0.0, 1.0)).argmin())


class Dancer:
    """A pose over time in the making: world rotations (T, 55, 3, 3) and the pelvis' place (T, 3)."""

    def __init__(self, anatomy: Anatomy, style: Style, num_frames: int) -> None:
        self.anatomy, self.style = anatomy, style
        self.world_TJ33 = np.tile(np.eye(3), (num_frames, NUM_JOINTS, 1, 1))
        self.pelvis_T3 = np.zeros((num_frames, 3))

    def joint(self, joint: int) -> np.ndarray:
        """World place (T, 3) of a joint from the rotations set so far."""
        rest, place = self.anatomy.rest_J3, self.pelvis_T3
        chain = []
        while joint > 0:
            chain.append(joint)
            joint = PARENTS[joint]
        for link in reversed(chain):
            place = place + apply(self.world_TJ33[:, PARENTS[link]], rest[link] - rest[PARENTS[link]])
        return place

    def vertex(self, vertex: int) -> tuple[np.ndarray, np.ndarray]:
        """World place and unit normal (T, 3) of a sampled surface vertex, skinned as the body skins it."""
        anatomy = self.anatomy
        place, normal = np.zeros_like(self.pelvis_T3), np.zeros_like(self.pelvis_T3)
        for joint in np.flatnonzero(anatomy.weights_VJ[vertex]).tolist():
            weight, rotation = anatomy.weights_VJ[vertex, joint], self.world_TJ33[:, joint]
            place += weight * (self.joint(joint) + apply(rotation, anatomy.rest_V3[vertex] - anatomy.rest_J3[joint]))
            normal += weight * apply(rotation, anatomy.normals_V3[vertex])
        return place, unit(normal)

    def motion(self, fps: float) -> Motion:
        """The pose as SMPL-X parameters."""
        local = vectors(to_local(self.world_TJ33)).astype(np.float32)
        translation = (self.pelvis_T3 - self.anatomy.rest_J3[0]).astype(np.float32)
        return Motion(local, translation, self.anatomy.betas, fps)
