"""Who dances: the dancers of a picture, a film or a scene, with the names and colours they have in all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from interdance.errors import InputError
from interdance.export import palette
from interdance.takes import Joints, Motion

SAME_RATE = 1e-4
"""By which share rates of one recording may differ: 30000/1001 frames per second is also written as 29.97."""


@dataclass(frozen=True)
class Dancer:
    """One dancer.

    Attributes
    ----------
    name : str
        ``Leader``, ``Follower``, ``Follower 2``, ...
    motion : Motion
    colour : str
        ``#rrggbb``.
    """

    name: str
    motion: Motion
    colour: str


def cast(leader: Motion | None, followers: Sequence[Motion | None]) -> list[Dancer]:
    """The dancers there are, the leader first; a follower is None where there is none."""
    dancers = [] if leader is None else [Dancer("Leader", leader, palette.LEADER)]
    for index, follower in enumerate(motion for motion in followers if motion is not None):
        dancers.append(Dancer(f"Follower {index + 1}" if index else "Follower", follower, palette.follower_colour(index)))
    return dancers


def check_together(where: object, dancers: Sequence[Dancer]) -> None:
    """Raise :class:`InputError`, beginning with ``where``, unless there are dancers, with frames, as many and at one rate."""
    if not dancers:
        raise InputError(f"{where}: nobody dances; name a leader or a follower")
    check_equal(where, [(f"the {dancer.name.lower()}", dancer.motion) for dancer in dancers])


def check_equal(where: object, dancers: Sequence[tuple[str, Motion | Joints]]) -> None:
    """Raise :class:`InputError`, beginning with ``where``, unless those, by their names, have equal length and rate."""
    first, one = dancers[0]
    for who, other in dancers:
        if other.num_frames == 0:
            raise InputError(f"{where}: {who} has no frames; nothing can be drawn")
        if other.num_frames != one.num_frames or not math.isclose(other.fps, one.fps, rel_tol=SAME_RATE):
            raise InputError(
                f"{where}: {first} has {one.num_frames} frames at {one.fps:.6g} per second "
                f"and {who} {other.num_frames} at {other.fps:.6g}; cut or resample one of them"
            )
