"""Where a foot can land: beside, before or behind the other one, and not on the partner's toes."""

from __future__ import annotations

from collections.abc import Iterable
from math import cos, hypot, sin

from interdance.choreography.score import LEFT

HALF_WIDTH, AHEAD = 0.09, 0.12  # metres from a place to the ball of each foot, as far as figures are concerned
CLEAR = 0.12  # metres sideways between the balls of two feet beside each other
PASSED = 0.24  # metres ahead or behind at which a foot may stand in front of the other or cross it
TOES = 0.13  # metres between the balls of the two dancers' feet

Point = tuple[float, float]
"""Floor place x, z in metres."""


def ball(foot: int, x: float, z: float, facing: float) -> Point:
    """Ball of a foot of a dancer who stands at ``x``, ``z`` (metres) and faces ``facing`` (radians)."""
    side = HALF_WIDTH if foot == LEFT else -HALF_WIDTH
    return x + side * cos(facing) + AHEAD * sin(facing), z - side * sin(facing) + AHEAD * cos(facing)


def settled(foot: int, wished: Point, facing: float, other: Point, theirs: Iterable[Point]) -> Point:
    """Where the ball of a foot lands that would go to ``wished``.

    Parameters
    ----------
    foot : int
        LEFT or RIGHT.
    facing : float
        Radians: where the dancer faces then.
    other, theirs
        Ball of the standing foot, and of the partner's feet that stay, metres.
    """
    x, z = wished
    sign = 1.0 if foot == LEFT else -1.0
    for _ in range(3):  # giving way to one may be in the way of the other
        for their_x, their_z in theirs:
            dx, dz = x - their_x, z - their_z
            push = max(0.0, TOES / max(hypot(dx, dz), 1e-6) - 1.0)
            x, z = x + push * dx, z + push * dz
        dx, dz = x - other[0], z - other[1]
        outward, ahead = clear(sign * (dx * cos(facing) - dz * sin(facing)), dx * sin(facing) + dz * cos(facing))
        x = other[0] + sign * outward * cos(facing) + ahead * sin(facing)
        z = other[1] - sign * outward * sin(facing) + ahead * cos(facing)
    return x, z


def clear(outward: float, ahead: float) -> tuple[float, float]:
    """How far a foot lands to its own side of the standing one and ahead of it, so that they are clear, metres.

    A foot that would come too near keeps to its own side; one that crosses goes in front or behind.
    """
    if outward >= CLEAR:
        return outward, ahead
    if outward > -0.04:
        need = CLEAR * max(0.0, 1.0 - abs(ahead) / (2.0 * PASSED))
        return max(outward, need), ahead
    return outward, max(ahead, PASSED) if ahead > 0.0 else min(ahead, -PASSED)
