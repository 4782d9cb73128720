"""What the channels of a representation are, and the 4978 of the canonical one (Eq. 1, in the order of the released files).

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

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NUM_JOINTS = 55
NUM_BODY_JOINTS = 22  # without face and fingers
NUM_VERTICES = 655
NUM_POINTS = NUM_JOINTS + NUM_VERTICES
NUM_FEET = 4


@dataclass(frozen=True)
class Layout:
    """What the channels of a representation are.

    Attributes
    ----------
    slices : mapping of str to slice
        Name of a group of channels -> its slice of the last axis. ``foot_contact`` and ``partner_contact``, the labels, are
        always there and come last; a representation without labels has none of them.
    width : int
        Channels in all, C.
    root : slice
        Channels that place the whole dancer; normalised to count for more than the others.
    integrated : slice
        Velocities whose running sum is the root's yaw, x and z; their row 0 holds those values themselves.
    """

    slices: Mapping[str, slice]
    width: int
    root: slice
    integrated: slice

    @staticmethod
    def of(sizes: Mapping[str, int], root: tuple[str, ...] = (), integrated: tuple[str, ...] = ()) -> Layout:
        """From the sizes of the groups in order, and which of them, next to each other, are root and integrated."""
        slices: dict[str, slice] = {}
        start = 0
        for name, size in sizes.items():
            slices[name] = slice(start, start + size)
            start += size

        def span(names: tuple[str, ...]) -> slice:
            return slice(slices[names[0]].start, slices[names[-1]].stop) if names else slice(0, 0)

        return Layout(MappingProxyType(slices), start, span(root), span(integrated))

    def __getitem__(self, name: str) -> slice:
        return self.slices[name]

    def __contains__(self, name: str) -> bool:
        return name in self.slices

    @property
    def labels(self) -> slice:
        """Both kinds of contact label; everything before is continuous."""
        return slice(self.slices["foot_contact"].start, self.width)

    def size(self, name: str) -> int:
        """Channels of a group."""
        return self.slices[name].stop - self.slices[name].start


LAYOUT = Layout.of(
    {
        "root_position": 3,
        "root_yaw": 1,
        "root_yaw_velocity": 1,
        "root_velocity": 2,
        "joints": 3 * (NUM_JOINTS - 1),
        "vertices": 3 * NUM_VERTICES,
        "point_velocities": 3 * NUM_POINTS,
        "foot_contact": NUM_FEET,
        "partner_contact": NUM_POINTS,
    },
    root=("root_position", "root_yaw", "root_yaw_velocity", "root_velocity"),
    integrated=("root_yaw_velocity", "root_velocity"),
)
"""The table above."""

NUM_CHANNELS = LAYOUT.width

RELATIVE_POINTS = slice(LAYOUT["joints"].start, LAYOUT["vertices"].stop)
"""Joints 1..54, then the vertices: 709 points."""

INTEGRATED = LAYOUT.integrated

ROOT_JOINT = 0
HIPS = (1, 2)  # left, right
SHOULDERS = (16, 17)  # left, right
WRISTS = (20, 21)  # left, right
FEET = (7, 8, 10, 11)  # left ankle, right ankle, left foot, right foot
