"""Who dances: the dancers of a picture, a film or a scene, with the names and colours they have in all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interdance.errors import InputError
from interdance.export import palette
from interdance.takes import Motion


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
    return list(_cast(leader, followers))


def _cast(leader: Motion | None, followers: Sequence[Motion | None]) -> Iterator[Dancer]:
    if leader is not None:
        yield Dancer("Leader", leader, palette.LEADER)
    for index, follower in enumerate(motion for motion in followers if motion is not None):
        yield Dancer(f"Follower {index + 1}" if index else "Follower", follower, palette.follower_colour(index))


def check_together(where: object, dancers: Sequence[Dancer]) -> None:
    """Raise :class:`InputError`, beginning with ``where``, unless there are dancers, with frames, as many and at one rate."""
    if not dancers:
        raise InputError(f"{where}: nobody dances; name a leader or a follower")
    first = dancers[0]
    for dancer in dancers:
        motion, who = dancer.motion, dancer.name.lower()
        if motion.num_frames == 0:
            raise InputError(f"{where}: the {who} has no frames; nothing can be drawn")
        if (motion.num_frames, motion.fps) != (first.motion.num_frames, first.motion.fps):
            raise InputError(
                f"{where}: the {first.name.lower()} has {first.motion.num_frames} frames at {first.motion.fps:g} per second "
                f"and the {who} {motion.num_frames} at {motion.fps:g}; cut or resample one of them"
            )
