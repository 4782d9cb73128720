"""Who dances: body shapes and personal styles, and the pose over time that the other modules fill in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interdance.body.ik import apply, unit, world_joints
from interdance.body.model import Body
from interdance.body.rotations import to_local, vectors
from interdance.body.skeleton import NUM_JOINTS, PARENTS
from interdance.choreography.anatomy import Anatomy, Spot
from interdance.choreography.score import FOLLOWER, LEADER
from interdance.takes import NUM_BETAS


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
    breath: float  # depth of breathing
    phase: float  # radians: where slow movements (breath, gaze, fingers) begin


def couple_styles(rng: np.random.Generator) -> tuple[Style, Style]:
    """Styles of a leader and of a follower who dances much as he does: what she does can be told from him."""
    usual = np.array([1.0, 1.0, 1.0, 1.0, 0.85, 0.10, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0])
    spread = np.array([0.25, 0.25, 0.3, 0.2, 0.10, 0.05, 0.03, 0.3, 0.15, 0.2, 0.03, 0.3])
    leader = usual + spread * np.clip(rng.standard_normal(len(usual)), -1.8, 1.8)
    own = np.clip(rng.standard_normal(len(usual)), -1.8, 1.8)
    follower = usual + 0.85 * (leader - usual) + 0.25 * spread * own
    follower[1] *= 1.25
    phases = rng.uniform(0.0, 2.0 * np.pi, 2)
    his, hers = (Style(*taste.tolist(), phase) for taste, phase in zip((leader, follower), phases.tolist(), strict=True))  # type: ignore[call-arg]
    return his, hers


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

    def vertex(self, vertex: int) -> np.ndarray:
        """World place (T, 3) of a sampled surface vertex, skinned as the body skins it."""
        return self.spot(Spot((vertex,), (1.0,)))[0]

    def spot(self, spot: Spot) -> tuple[np.ndarray, np.ndarray]:
        """World place of a point of the surface, and the unit normal of the patch of a hand's size around it: (T, 3)."""
        anatomy = self.anatomy
        vertices, shares = list(spot.vertices), np.array(spot.shares)
        weights_KJ = shares[:, None] * anatomy.weights_VJ[vertices]
        rest_normal = unit(shares @ anatomy.patches_V3[vertices])
        place, normal = np.zeros_like(self.pelvis_T3), np.zeros_like(self.pelvis_T3)
        for joint in np.flatnonzero(weights_KJ.sum(axis=0)).tolist():
            rotation, weights_K = self.world_TJ33[:, joint], weights_KJ[:, joint]
            arm = weights_K @ (anatomy.rest_V3[vertices] - anatomy.rest_J3[joint])
            place += weights_K.sum() * self.joint(joint) + apply(rotation, arm)
            normal += weights_K.sum() * apply(rotation, rest_normal)
        return place, unit(normal)

    def surface(self, frames: np.ndarray) -> np.ndarray:
        """World places float32 (t, 655, 3) of the sampled surface at those frames, by linear skinning."""
        anatomy = self.anatomy
        rotations = self.world_TJ33[frames]
        joints = world_joints(rotations, self.pelvis_T3[frames], anatomy.rest_J3)
        moves = np.empty((NUM_JOINTS, len(frames), 3, 4), np.float32)
        moves[..., :3] = rotations.swapaxes(0, 1)
        moves[..., 3] = joints.swapaxes(0, 1) - np.einsum("tjab,jb->jta", rotations, anatomy.rest_J3)
        mixed = anatomy.weights_VJ.astype(np.float32) @ moves.reshape(NUM_JOINTS, -1)
        mixed = mixed.reshape(-1, len(frames), 3, 4)
        rest = anatomy.rest_V3.astype(np.float32)
        return np.ascontiguousarray(np.swapaxes((mixed[..., :3] @ rest[:, None, :, None])[..., 0] + mixed[..., 3], 0, 1))

    def parameters(self, frames: slice) -> tuple[np.ndarray, np.ndarray]:
        """Axis-angle rotations (t, 55, 3) and translation (t, 3) of SMPL-X, float32."""
        local = vectors(to_local(self.world_TJ33[frames])).astype(np.float32)
        return local, (self.pelvis_T3[frames] - self.anatomy.rest_J3[0]).astype(np.float32)
