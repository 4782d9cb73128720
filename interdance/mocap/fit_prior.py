"""What a body does when nothing is seen of a joint: a weak lean to rest, and joints that bend one way only.

Angles are axis-angle components of a joint relative to its parent in degrees, in the T-pose's axes (+X left, +Y up, +Z
forward), for the left side; the right side is its mirror image. The deviations are wide: a dancer's range, not a habit.
"""

from __future__ import annotations

import numpy as np

from interdance.body.skeleton import FINGER_NAMES, INDEX, JOINT_NAMES
from interdance.mocap.hands import relaxed_hands
from interdance.mocap.solve import Lean, Limit

_WIDE: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {  # mean and deviation about x, y, z
    "spine1": ((0, 0, 0), (15, 12, 12)),
    "spine2": ((0, 0, 0), (15, 12, 12)),
    "spine3": ((0, 0, 0), (12, 12, 10)),
    "neck": ((0, 0, 0), (20, 25, 15)),
    "head": ((0, 0, 0), (15, 20, 12)),
    "hip": ((-15, 0, 0), (60, 40, 40)),
    "knee": ((25, 0, 0), (60, 10, 5)),
    "ankle": ((0, 0, 0), (25, 15, 15)),
    "foot": ((0, 0, 0), (15, 4, 4)),
    "collar": ((0, 0, 0), (8, 12, 12)),
    "shoulder": ((0, 0, -45), (60, 60, 60)),
    "elbow": ((0, -30, 0), (40, 60, 40)),
    "wrist": ((0, 0, 0), (25, 20, 30)),
}  # fmt: skip
_FINGER_STD = {1: (8.0, 12.0, 35.0), 2: (5.0, 5.0, 45.0), 3: (5.0, 5.0, 35.0)}
_THUMB_STD = {1: (25.0, 25.0, 25.0), 2: (10.0, 20.0, 20.0), 3: (10.0, 20.0, 20.0)}
_X, _Y, _Z = np.eye(3)
_STIFF = 0.05  # of a direction: about three degrees


def body_leans() -> list[Lean]:
    """Leans of the 21 joints of trunk and limbs."""
    result = []
    for joint in range(1, 22):
        name = JOINT_NAMES[joint]
        mean, std = _WIDE[name.removeprefix("left_").removeprefix("right_")]
        result.append(Lean(joint, np.radians(mean) * _mirror(name), np.radians(std)))
    return result


def body_limits() -> list[Limit]:
    """Knees and elbows do not bend backwards, an elbow about one axis only, and no hand, foot or toe folds over."""
    result = []
    for side, outward in (("left", 1.0), ("right", -1.0)):
        knee, elbow = INDEX[f"{side}_knee"], INDEX[f"{side}_elbow"]
        result += [
            Limit(knee, -_Z, -_Y, -0.05, _STIFF),
            Limit(elbow, _Z, outward * _X, -0.05, _STIFF),
            Limit(elbow, _Y, outward * _X, 0.0, 0.1, is_equal=True),
            Limit(INDEX[f"{side}_wrist"], _X, _X, 0.0, _STIFF),
            Limit(INDEX[f"{side}_ankle"], _Z, _Z, 0.0, _STIFF),
            Limit(INDEX[f"{side}_foot"], _Z, _Z, 0.5, _STIFF),
        ]
    return result


def hand_leans() -> list[Lean]:
    """Leans of the 30 finger joints to a relaxed hand."""
    relaxed = relaxed_hands()
    result = []
    for side in ("left", "right"):
        for finger in FINGER_NAMES:
            for k in (1, 2, 3):
                joint = INDEX[f"{side}_{finger}{k}"]
                std = _THUMB_STD[k] if finger == "thumb" else _FINGER_STD[k]
                result.append(Lean(joint, relaxed.get(joint, np.zeros(3)), np.radians(std)))
    return result


def hand_limits() -> list[Limit]:
    """Fingers do not bend far backwards."""
    result = []
    for side, outward in (("left", 1.0), ("right", -1.0)):
        for finger in FINGER_NAMES[:4]:
            for k, most in ((1, 0.5), (2, 0.1), (3, 0.2)):
                result.append(Limit(INDEX[f"{side}_{finger}{k}"], -_Y, outward * _X, -most, _STIFF))
    return result


def _mirror(name: str) -> np.ndarray:
    return np.array([1.0, -1.0, -1.0]) if name.startswith("right_") else np.ones(3)
