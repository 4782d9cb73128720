"""The 4978 numbers that describe one dancer in one frame (Eq. 1 of the paper, in the order of the released files).

===  ==================  =========  ==========================================================================
at   name                unit       meaning
===  ==================  =========  ==========================================================================
0    root_position       m          pelvis x, y, z in the world
3    root_yaw            rad        half angle ``a``: the quaternion (cos a, 0, sin a, 0) turns the dancer's forward
                                    onto +Z, so ``2a = -psi`` for a dancer who faces (sin psi, 0, cos psi); unwrapped
4    root_yaw_velocity   rad/frame  difference of consecutive ``a``; row 0 holds ``a`` itself
5    root_velocity       m/frame    world x and z difference of the pelvis; row 0 holds the position itself
7    joints              m          joints 1..54: minus the pelvis' x and z, turned by the quaternion; fingers minus
                                    their wrist (all three axes), turned likewise
169  vertices            m          655 surface vertices, same; vertices of the hands minus their wrist
2134 point_velocities    m/frame    p[t] - p[t-1] of all 710 points in the world, turned by frame t's quaternion; row 0
                                    repeats row 1
4264 foot_contact        0 or 1     left ankle, right ankle, left foot, right foot: low and slow
4268 partner_contact     0 or 1     the 710 points: nearer to the partner than a threshold
===  ==================  =========  ==========================================================================
"""

from __future__ import annotations

from types import MappingProxyType

NUM_JOINTS = 55
NUM_VERTICES = 655
NUM_POINTS = NUM_JOINTS + NUM_VERTICES
NUM_FEET = 4

_SIZES = {
    "root_position": 3,
    "root_yaw": 1,
    "root_yaw_velocity": 1,
    "root_velocity": 2,
    "joints": 3 * (NUM_JOINTS - 1),
    "vertices": 3 * NUM_VERTICES,
    "point_velocities": 3 * NUM_POINTS,
    "foot_contact": NUM_FEET,
    "partner_contact": NUM_POINTS,
}


def _slices() -> dict[str, slice]:
    slices: dict[str, slice] = {}
    start = 0
    for name, size in _SIZES.items():
        slices[name] = slice(start, start + size)
        start += size
    return slices


LAYOUT = MappingProxyType(_slices())
"""Channel name -> slice of the last axis."""

NUM_CHANNELS = sum(_SIZES.values())

RELATIVE_POINTS = slice(LAYOUT["joints"].start, LAYOUT["vertices"].stop)
"""Joints 1..54, then the vertices: 709 points."""

LABELS = slice(LAYOUT["foot_contact"].start, NUM_CHANNELS)
"""Both kinds of contact label; everything before is continuous."""

INTEGRATED = slice(LAYOUT["root_yaw_velocity"].start, LAYOUT["root_velocity"].stop)
"""The three velocities whose running sum is the root's yaw, x and z; their row 0 holds those values themselves."""

ROOT_JOINT = 0
HIPS = (1, 2)  # left, right
SHOULDERS = (16, 17)  # left, right
WRISTS = (20, 21)  # left, right
FEET = (7, 8, 10, 11)  # left ankle, right ankle, left foot, right foot
