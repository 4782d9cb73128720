"""The dancers of a take as a recording, standing on the floor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from interdance.body.model import Body
from interdance.importers.floor import set_down
from interdance.importers.source import Recording, Source
from interdance.takes import Motion


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
