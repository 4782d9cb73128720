"""Arms: from where a palm should be and how it should lie to a shoulder, an elbow and a wrist that people have.

A wish may ask for more than an arm can do. The place of the palm is kept; how it lies gives way: a hand leaves its forearm
no farther than :data:`BENT`, and neither hand nor elbow turns faster than :data:`FASTEST`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.spatial.transform import Rotation

from interdance.body.ik import (  # fmt: skip
    about,
    apply,
    calmed,
    calmed_steps,
    frame,
    limb_rotations,
    mean_turn,
    over_the_top,
    turn,
    twist_angle,
    two_bones,
    unit,
)
from interdance.choreography.curves import ease
from interdance.choreography.dancer import Dancer
from interdance.choreography.holds import SIGN

EASY, BENT = np.radians(95.0), np.radians(128.0)  # a hand against its forearm: what it does freely, and the most
FASTEST = np.radians(28.0)  # per frame: of a hand against chest or forearm, and of an elbow about its arm
SNAP = np.radians(36.0)  # per frame: of an elbow that opens or shuts
NEAREST = 0.27  # metres that a passing palm keeps from its own shoulder


@dataclass
class Arm:
    """Wishes for one hand over time: where the palm is, where the fingers point, the palm's outward normal, the
    elbow.
    """

    palm_T3: np.ndarray
    fingers_T3: np.ndarray
    normal_T3: np.ndarray
    elbow_T3: np.ndarray

    def frame(self) -> np.ndarray:
        """How the hand lies (T, 3, 3): columns normal, fingers, and what is perpendicular to both."""
        return frame(self.normal_T3, self.fingers_T3)


def thumb_up(chest_T33: np.ndarray, side: int) -> np.ndarray:
    """How a hand lies (as :meth:`Arm.frame`) that is held out ahead with the thumb up: every other way is near to it."""
    return chest_T33 @ frame(np.array([-SIGN[side], 0.0, 0.0]), np.array([0.0, 0.0, 1.0]))


def mix(parts: list[tuple[np.ndarray, Arm]], chest_T33: np.ndarray, side: int) -> Arm:
    """Weighted mean of wishes. A hand turns from one to the other by way of its thumb up, as forearms do."""
    parts = [(weight, arm) for weight, arm in parts if weight.any()]

    def total(name: str) -> np.ndarray:
        return sum(weight[:, None] * getattr(arm, name) for weight, arm in parts)  # type: ignore[return-value]

    lies = mean_turn([(weight, arm.frame()) for weight, arm in parts], thumb_up(chest_T33, side))
    return Arm(total("palm_T3"), lies[:, :, 1], lies[:, :, 0], total("elbow_T3"))


def calm(arm: Arm, chest_T33: np.ndarray) -> None:
    """No hand turns over faster than hands do."""
    lies = chest_T33 @ calmed(np.swapaxes(chest_T33, 1, 2) @ arm.frame(), FASTEST)
    arm.normal_T3, arm.fingers_T3 = lies[:, :, 0], lies[:, :, 1]


def pass_shoulder(dancer: Dancer, side: int, palm_T3: np.ndarray, free_T: np.ndarray) -> np.ndarray:
    """The palm's way ``palm_T3`` led around its own shoulder, before and below it, as far as the hand is free."""
    chest, shoulder = dancer.world_TJ33[:, 9], dancer.joint(16 + side)
    way = apply(chest, unit(np.array([0.75 * SIGN[side], -0.55, 0.45])))
    for _ in range(2):
        local = palm_T3 - shoulder
        along = np.maximum(np.einsum("ti,ti->t", local, way), 0.0)  # from behind: softly as well
        lack = np.maximum(NEAREST**2 - (local**2).sum(axis=1), 0.0)
        if not lack.any():
            break
        push = np.where(lack > 0.0, np.sqrt(along**2 + lack) - along, 0.0)  # to the sphere, where it faces the way
        push = gaussian_filter1d(maximum_filter1d(push, 9, mode="nearest"), 3.0, mode="nearest")
        palm_T3 = palm_T3 + (push * free_T)[:, None] * way
    return palm_T3


def collar(dancer: Dancer, side: int, arm: Arm) -> None:
    """The collar bone follows its hand: up with a raised arm, forward with one that reaches across."""
    chest = dancer.world_TJ33[:, 9]
    shoulder = dancer.joint(16 + side)
    length = sum(dancer.anatomy.arm_bones[side])
    local = apply(np.swapaxes(chest, 1, 2), arm.palm_T3 - shoulder) / length
    lift = 0.06 + 0.34 * ease((local[:, 1] + 0.55) / 1.7)
    forward = 0.30 * np.clip(0.25 - SIGN[side] * local[:, 0], 0.0, 1.0) * np.clip(local[:, 2] + 0.3, 0.0, 1.0)
    forward -= 0.15 * np.clip(-local[:, 2], 0.0, 1.0)
    lift, forward = (gaussian_filter1d(angle, 2.0, mode="nearest") for angle in (lift - 0.06, forward))
    lifted = turn(2, SIGN[side] * lift) @ turn(1, -SIGN[side] * forward)
    dancer.world_TJ33[:, 13 + side] = dancer.world_TJ33[:, 13 + side] @ lifted


def hand_rotation(dancer: Dancer, side: int, arm: Arm) -> np.ndarray:
    """World rotation (T, 3, 3) of a hand that lies as wished."""
    hand = dancer.anatomy.hands[side]
    return arm.frame() @ frame(hand.normal, hand.fingers).T


def palm_offset(dancer: Dancer, side: int) -> np.ndarray:
    """The palm's middle from the wrist at rest, metres."""
    anatomy = dancer.anatomy
    return anatomy.rest_V3[anatomy.hands[side].palm] - anatomy.rest_J3[20 + side]


def reach(dancer: Dancer, side: int, arm: Arm, swivel_T: np.ndarray) -> None:
    """Shoulder, elbow and wrist such that the palm's vertex is at the wished place; half of the twist goes to the
    forearm. ``arm`` is told how the hand lies in the end.
    """
    anatomy, rest = dancer.anatomy, dancer.anatomy.rest_J3
    joints = (rest[16 + side], rest[18 + side], rest[20 + side])
    wished = hand_rotation(dancer, side, arm)
    shoulder = dancer.joint(16 + side)
    wrist = arm.palm_T3 - apply(wished, palm_offset(dancer, side))
    first, second = anatomy.arm_bones[side]
    axis = unit(joints[2] - joints[1])
    pole = _pole(dancer, wrist - shoulder, arm.elbow_T3, swivel_T)
    for attempt in range(2):
        wrist = shoulder + _opened(wrist - shoulder, first, second)
        elbow, end, normal = two_bones(shoulder, wrist, pole, first, second, 0.998)
        upper, fore = limb_rotations((shoulder, elbow, end), normal, joints, np.array([0.0, 0.0, -1.0]))
        bent = _bent(np.swapaxes(fore, 1, 2) @ wished)
        hand = fore @ bent
        dancer.world_TJ33[:, 16 + side] = upper
        dancer.world_TJ33[:, 18 + side] = fore @ about(axis, 0.5 * twist_angle(bent, axis))
        dancer.world_TJ33[:, 20 + side] = hand
        if attempt == 0:  # what skinning moves the palm off its rigid place is given back to the wrist
            wrist = wrist + arm.palm_T3 - dancer.vertex(anatomy.hands[side].palm)
    lies = hand @ frame(anatomy.hands[side].normal, anatomy.hands[side].fingers)
    arm.normal_T3, arm.fingers_T3 = lies[:, :, 0], lies[:, :, 1]


def _pole(dancer: Dancer, direction_T3: np.ndarray, elbow_T3: np.ndarray, swivel_T: np.ndarray) -> np.ndarray:
    """Where the elbow points: as wished, but it does not turn about its arm in no time where the wish lies along it."""
    chest, direction = dancer.world_TJ33[:, 9], unit(direction_T3)
    plane = chest @ calmed(np.swapaxes(chest, 1, 2) @ frame(direction, elbow_T3), FASTEST)
    return apply(about(direction, swivel_T), plane[:, :, 1])


def _opened(reach_T3: np.ndarray, first: float, second: float) -> np.ndarray:
    """The way (T, 3) from shoulder to wrist, as long as the arm is and such that its elbow does not snap open or shut."""
    distance = np.linalg.norm(reach_T3, axis=1)
    cosine = (first**2 + second**2 - distance**2) / (2.0 * first * second)
    angle = calmed_steps(np.arccos(np.clip(cosine, -1.0, 1.0))[:, None], SNAP)[:, 0]
    length = np.sqrt(first**2 + second**2 - 2.0 * first * second * np.cos(angle))
    return reach_T3 * (length / np.maximum(distance, 1e-6))[:, None]


def _bent(bent_T33: np.ndarray) -> np.ndarray:
    """Rotations of a hand against its forearm, held within what wrist and forearm do together."""
    turns = over_the_top(Rotation.from_matrix(bent_T33).as_rotvec())
    angle = np.linalg.norm(turns, axis=1, keepdims=True)
    held = np.where(angle > EASY, EASY + (BENT - EASY) * np.tanh((angle - EASY) / (BENT - EASY)), angle)
    turns = turns * held / np.maximum(angle, 1e-9)
    turns = calmed_steps(turns, FASTEST)  # all that lies between two possible turns is possible
    return Rotation.from_rotvec(turns).as_matrix()
