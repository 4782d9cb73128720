"""Where the floor is that a dancer stands on, and dancers set on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from interdance.body.model import Body
from interdance.body.skeleton import NUM_JOINTS
from interdance.takes import Motion

FLOOR_FRAMES = 256
"""Frames in which it is looked how high the dancers stand."""
OFF_FLOOR = 0.04
"""Metres above or below the floor within which dancers are left where they are: heels and soles are not in the files."""
CARRIED_M = 0.15
"""A dancer who stands higher above the partner's floor than this is not standing, but held."""


def above_floor(motion: Motion, body: Body) -> float:
    """Metres from y = 0 to the lowest point of the dancer's surface, the median over frames spread over the take."""
    chosen = np.linspace(0, motion.num_frames - 1, min(FLOOR_FRAMES, motion.num_frames)).astype(int)
    some = Motion(motion.rotations_TJ3[chosen], motion.translation_T3[chosen], motion.betas, motion.fps)
    return float(np.median(body.points(some)[:, NUM_JOINTS:, 1].min(axis=1)))


def raised(motion: Motion, metres: float) -> Motion:
    """The same dance that much higher."""
    return replace(motion, translation_T3=motion.translation_T3 + np.array([0.0, metres, 0.0], np.float32))


def on_floor(motions: Sequence[Motion], body: Body, *, together: bool = False) -> tuple[list[Motion], list[float]]:
    """Dancers whose feet stand exactly on the floor, and by how many metres each was raised.

    The floor is where the lowest point of a dancer's surface is in half of the frames.

    Parameters
    ----------
    motions : sequence of Motion
        Of one take.
    body : Body
    together : bool
        Raise all alike, so that the lowest stands: for dancers whose places relative to each other are exact. Otherwise
        each by a constant of its own, but one who is carried by the partner (:data:`CARRIED_M`) as the partner is.
    """
    heights = [above_floor(motion, body) for motion in motions]
    reach = 0.0 if together else CARRIED_M
    lifts = [-(height if height - min(heights) < reach else min(heights)) for height in heights]
    return [raised(motion, lift) for motion, lift in zip(motions, lifts, strict=True)], lifts


def set_down(motions: Sequence[Motion], body: Body) -> tuple[list[Motion], list[float]]:
    """Dancers on the floor, and the metres by which each was raised.

    A set whose origin is not on its floor is moved as a whole, by the height of the lower dancer. Who is still off the
    floor then has legs of another length than the body that was captured (shape coefficients are of one model), and is
    moved alone; but not one who is carried.
    """
    heights = [above_floor(motion, body) for motion in motions]
    common = min(heights) if abs(min(heights)) > OFF_FLOOR else 0.0
    lifts = []
    for height in heights:
        own = height - common
        lifts.append(-common - (own if OFF_FLOOR < abs(own) < CARRIED_M else 0.0))
    return [raised(motion, lift) if lift else motion for motion, lift in zip(motions, lifts, strict=True)], lifts
