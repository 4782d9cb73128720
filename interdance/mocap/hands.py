"""The hand at rest, for dancers whose fingers nobody captured: a flat open hand looks wrong in every hold."""

from __future__ import annotations

import numpy as np

from interdance.body.skeleton import INDEX

RELAXED_DEGREES = {"index": (18, 25, 15), "middle": (22, 28, 18), "ring": (25, 30, 18), "pinky": (27, 30, 18)}


def relaxed_hands() -> dict[int, np.ndarray]:
    """Axis-angle of the finger joints of a hand at rest: joint index -> (3,). Rest fingers lie along X, palms down."""
    result = {}
    for side, sign in (("left", -1.0), ("right", 1.0)):
        for finger, angles in RELAXED_DEGREES.items():
            for k, degrees in enumerate(angles, start=1):
                result[INDEX[f"{side}_{finger}{k}"]] = np.array([0.0, 0.0, sign * np.radians(degrees)])
    return result
