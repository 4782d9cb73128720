"""Defects of a captured motion, found and named. Nothing is repaired here: what was found is recorded with the take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from interdance.body.skeleton import JOINT_NAMES
from interdance.takes import Motion


@dataclass(frozen=True)
class Limits:
    """Where a defect begins.

    Attributes
    ----------
    flip_degrees : float
        Rotation of a joint relative to its parent from one frame to the next, at 30 frames per second.
    root_speed : float
        Metres per second of the root.
    frozen_seconds : float
        Time in which no joint turns and the root does not move.
    """

    flip_degrees: float = 45.0
    root_speed: float = 6.0
    frozen_seconds: float = 0.5


DEFAULT_LIMITS = Limits()
_FROZEN_DEGREES = 1e-4
_FROZEN_METRES = 1e-6


@dataclass(frozen=True)
class Defect:
    """One defect: kind (``nan``, ``flip``, ``root_jump``, ``frozen``), joint, first and last frame, worst value."""

    kind: str
    joint: str
    first: int
    last: int
    worst: float
    unit: str

    def __str__(self) -> str:
        where = f"frame {self.first}" if self.first == self.last else f"frames {self.first}-{self.last}"
        return f"{self.kind} of {self.joint}, {where}: {self.worst:.3g} {self.unit}"


def find_defects(motion: Motion, limits: Limits = DEFAULT_LIMITS) -> list[Defect]:
    """List the defects of a motion, in order of time.

    Frames are counted from 0; a flip between frames ``i-1`` and ``i`` is placed at ``i``. Neighbouring defects of the
    same joint (up to 2 good frames between) are one.
    """
    found: list[Defect] = []
    finite = np.isfinite(motion.rotations_TJ3).all(axis=2)
    for joint, name in enumerate(JOINT_NAMES):
        found += _runs(~finite[:, joint], np.zeros(motion.num_frames), "nan", name, "", offset=0)
    bad_root = ~np.isfinite(motion.translation_T3).all(axis=1)
    found += _runs(bad_root, np.zeros(motion.num_frames), "nan", "root", "", offset=0)
    if motion.num_frames < 2:
        return found
    rotations = np.nan_to_num(motion.rotations_TJ3)
    scale = motion.fps / 30.0
    turns = joint_turns(rotations)
    for joint, name in enumerate(JOINT_NAMES):
        per_frame = turns[:, joint] * scale
        found += _runs(per_frame > limits.flip_degrees, per_frame, "flip", name, "degrees per frame", offset=1)
    steps = np.linalg.norm(np.diff(np.nan_to_num(motion.translation_T3), axis=0), axis=1)
    speed = steps * motion.fps
    found += _runs(speed > limits.root_speed, speed, "root_jump", "root", "m/s", offset=1)
    still = (turns.max(axis=1) < _FROZEN_DEGREES) & (steps < _FROZEN_METRES)
    for first, last in _spans(still, bridge=0):
        seconds = (last - first + 1) / motion.fps
        if seconds >= limits.frozen_seconds:
            found.append(Defect("frozen", "body", first, last + 1, seconds, "s"))
    return sorted(found, key=lambda item: (item.first, item.kind, item.joint))


def as_facts(defects: list[Defect]) -> list[dict[str, Any]]:
    """The defects as JSON-ready mappings, values rounded."""
    return [asdict(item) | {"worst": round(float(item.worst), 3)} for item in defects]


def joint_turns(rotations_TJ3: np.ndarray) -> np.ndarray:
    """Degrees each joint turns from one frame to the next, relative to its parent: ``(T-1, J)``."""
    num_frames, num_joints = rotations_TJ3.shape[:2]
    rotations = Rotation.from_rotvec(rotations_TJ3.reshape(-1, 3)).as_matrix().reshape(num_frames, num_joints, 3, 3)
    trace = np.einsum("tjab,tjab->tj", rotations[:-1], rotations[1:])
    return np.degrees(np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0)))


def _runs(bad: np.ndarray, values: np.ndarray, kind: str, joint: str, unit: str, offset: int) -> list[Defect]:
    return [
        Defect(kind, joint, first + offset, last + offset, float(values[first : last + 1].max()), unit)
        for first, last in _spans(bad, bridge=2)
    ]


def _spans(mask: np.ndarray, bridge: int) -> Iterator[tuple[int, int]]:
    """First and last index of each run of true values; runs with up to ``bridge`` false values between them are one."""
    places = np.flatnonzero(mask)
    if len(places):
        cuts = np.flatnonzero(np.diff(places) > bridge + 1)
        for first, last in zip(np.r_[0, cuts + 1], np.r_[cuts, len(places) - 1], strict=True):
            yield int(places[first]), int(places[last])
