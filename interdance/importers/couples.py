"""The dancers of a take as a recording, standing on the floor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from interdance.body.model import Body
from interdance.importers.convert import above_floor, raised
from interdance.importers.source import Recording, Source
from interdance.takes import Motion

OFF_FLOOR = 0.04
"""Metres above or below the floor within which dancers are left where they are: heels and soles are not in the files."""
CARRIED = 0.15
"""Metres above the partner's floor from which on a dancer does not stand there, but is held."""


def record(source: Source, body: Body, read: Callable[[Path, Body], tuple[Motion, dict[str, Any]]]) -> Recording:
    """Read the files of a take with ``read``, and set the dancers on the floor.

    What ``read`` says of a dancer goes to the facts as ``leader`` and ``follower``; ``raised_m`` lists the heights by which
    they were raised, when they were.
    """
    files = [path for path in (source.leader, source.follower) if path is not None]
    dancers = [read(path, body) for path in files]
    motions, lifts = set_down([motion for motion, _ in dancers], body)
    facts: dict[str, Any] = {role: its for role, (_, its) in zip(("leader", "follower"), dancers, strict=False) if its}
    if any(lifts):
        facts["raised_m"] = [round(lift, 4) for lift in lifts]
    return Recording(motions[0], motions[1] if len(motions) > 1 else None, facts)


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
        lifts.append(-common - (own if OFF_FLOOR < abs(own) < CARRIED else 0.0))
    return [raised(motion, lift) if lift else motion for motion, lift in zip(motions, lifts, strict=True)], lifts
