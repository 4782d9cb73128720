"""The 55 joints of SMPL-X: names, parents and the groups the rest of the package asks for."""

from __future__ import annotations

import numpy as np

BODY_JOINT_NAMES: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
FACE_JOINT_NAMES: tuple[str, ...] = ("jaw", "left_eye", "right_eye")
FINGER_NAMES: tuple[str, ...] = ("index", "middle", "pinky", "ring", "thumb")  # in the order SMPL-X stores them

JOINT_NAMES: tuple[str, ...] = (
    *BODY_JOINT_NAMES,
    *FACE_JOINT_NAMES,
    *(f"{side}_{finger}{k}" for side in ("left", "right") for finger in FINGER_NAMES for k in (1, 2, 3)),
)
"""Names of the 55 joints in SMPL-X order."""

NUM_JOINTS = len(JOINT_NAMES)
INDEX: dict[str, int] = {name: index for index, name in enumerate(JOINT_NAMES)}
"""Name of a joint -> its index."""

_FINGER_PARENTS = tuple(
    (20 + side if k == 0 else 25 + 15 * side + 3 * finger + k - 1)
    for side in (0, 1)
    for finger in range(5)
    for k in range(3)
)
PARENTS: tuple[int, ...] = (
    -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15, *_FINGER_PARENTS,
)  # fmt: skip
"""Parent of each joint; -1 for the pelvis."""

PARENTS_J: np.ndarray = np.array(PARENTS, np.int64)
PARENTS_J.setflags(write=False)

LEFT_WRIST, RIGHT_WRIST = INDEX["left_wrist"], INDEX["right_wrist"]
LEFT_FINGERS: tuple[int, ...] = tuple(range(25, 40))
RIGHT_FINGERS: tuple[int, ...] = tuple(range(40, 55))

MIRROR: tuple[int, ...] = tuple(
    INDEX[
        name.replace("left_", "right_", 1) if name.startswith("left_") else name.replace("right_", "left_", 1)
        if name.startswith("right_") else name
    ]
    for name in JOINT_NAMES
)  # fmt: skip
"""Index of the same joint on the other side."""


def _sided(groups: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Each group under ``left_`` and ``right_`` and, both together, in the plural."""
    result: dict[str, tuple[int, ...]] = {}
    for name, left in groups.items():
        right = tuple(MIRROR[joint] for joint in left)
        result |= {f"left_{name}": left, f"right_{name}": right, f"{name}s": (*left, *right)}
    return result


_HAND = (LEFT_WRIST, *LEFT_FINGERS)
_ARM = (INDEX["left_shoulder"], INDEX["left_elbow"], *_HAND)
_LEG = tuple(INDEX[f"left_{name}"] for name in ("hip", "knee", "ankle", "foot"))
_SIDES = _sided({"hand": _HAND, "arm": _ARM, "leg": _LEG})
_LOWER = (INDEX["pelvis"], *_SIDES["legs"])
GROUPS: dict[str, tuple[int, ...]] = {
    **_SIDES,
    "lower_body": _LOWER,
    "upper_body": tuple(joint for joint in range(NUM_JOINTS) if joint not in _LOWER),
}
"""Names for several joints at once, as a user would choose them; no joint has such a name."""

PARTS: tuple[str, ...] = (
    "head", "chest", "waist", "hips",
    *(f"{side} {part}" for side in ("left", "right") for part in ("upper arm", "forearm", "hand", "thigh", "shank", "foot")),
)  # fmt: skip
"""Parts of the body that touch and are touched."""

_PART_OF = {
    "pelvis": "hips", "spine1": "waist", "spine2": "waist", "spine3": "chest", "left_collar": "chest",
    "right_collar": "chest", "neck": "head", "head": "head", "jaw": "head", "left_eye": "head", "right_eye": "head",
    "hip": "thigh", "knee": "shank", "ankle": "foot", "foot": "foot", "shoulder": "upper arm", "elbow": "forearm",
}  # fmt: skip


def _part(joint: str) -> int:
    side, _, name = joint.partition("_")
    part = _PART_OF.get(joint) or f"{side} {_PART_OF.get(name, 'hand')}"  # what is left are wrists and fingers
    return PARTS.index(part)


PART_J: np.ndarray = np.array([_part(name) for name in JOINT_NAMES], np.int64)
"""Index into PARTS of what each joint moves."""
PART_J.setflags(write=False)
