"""Steps until a chunk of frames is at rest, the last of them where frames still move; and a second try for bad frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from interdance.body.rotations import matrices, to_global, to_local, vectors
from interdance.body.skeleton import PARENTS
from interdance.mocap.solve import Pose, Seen, Solver, Steady

SETTLED = 0.03  # radians: a frame in which nothing turns farther in a step is at rest
TOGETHER = 3  # steps of all frames before those at rest are left out
ASIDE = 8  # frames on either side of a moving one that move along
HOLD = 2  # frames beyond those, which stay
AGAIN = (0.1, 0.05)  # metres: doubt with which bad frames are tried again
REPAIRS = 3

Correct = Callable[[Seen, Pose], Seen]


def settle(
    solver: Solver,
    pose: Pose,
    seen: Seen,
    scales: tuple[float, ...],
    steady: Steady,
    correct: Correct,
    held_T: np.ndarray | None = None,
    most: int = 10,
) -> Pose:
    """Steps of falling doubt, ``scales``, then more of the last until no frame moves or ``most`` were taken.

    After a few, frames at rest are left out: what moves on are gaps in which little was seen, and few frames are in one.
    ``correct`` takes from the observations what the model adds to plain skinning at a pose.
    """
    held = np.zeros(len(pose.root_T3), bool) if held_T is None else held_T
    turn_T = np.zeros(len(held))
    for count, scale in enumerate((*scales, *[scales[-1]] * (min(TOGETHER, most) - 1))):
        pose, turn_T = solver.step(pose, correct(seen, pose), scale, steady, held)
        if count + 1 >= len(scales) and not (turn_T > SETTLED).any():
            return pose
    for first, last in _runs(turn_T > SETTLED):
        start, stop = max(first - HOLD, 0), min(last + HOLD, len(held))
        still = held[start:stop].copy()
        still[: first - start] = True
        still[len(still) - (stop - last) :] = True
        part, now = pose[start:stop], seen[start:stop]
        for _ in range(most - TOGETHER):
            part, turn_T = solver.step(part, correct(now, part), scales[-1], steady, still)
            if not (turn_T > SETTLED).any():
                break
        pose = Pose.join([pose[:start], part, pose[stop:]])
    return pose


def repair(solver: Solver, pose: Pose, seen: Seen, scale: float, steady: Steady, correct: Correct) -> Pose:
    """Parts that jump, or miss a point, once more from what they do before and after; frames that gain by it stay."""
    for _ in range(REPAIRS):
        cost, is_bad = solver.costs(pose, correct(seen, pose), scale, steady)
        if not is_bad.any() or len(cost) < 3:
            break
        scales = tuple(item for item in AGAIN if item > scale)
        other = settle(solver, _bridged(solver, pose, is_bad), seen, (*scales, scale), steady, correct)
        cost_then, _ = solver.costs(other, correct(seen, other), scale, steady)
        better = is_bad.any(axis=1) & (cost_then < cost)
        if not better.any():
            break
        mixed = Pose(
            np.where(better[:, None, None, None], other.globals_TJ33, pose.globals_TJ33),
            np.where(better[:, None], other.root_T3, pose.root_T3),
        )
        pose = settle(solver, mixed, seen, (scale,), steady, correct)
    return pose


def _bridged(solver: Solver, pose: Pose, is_bad_TG: np.ndarray) -> Pose:
    """Each part's rotation to its parent interpolated over the frames in which it is bad."""
    local, count = to_local(pose.globals_TJ33), len(pose.root_T3)
    root = pose.root_T3.copy()
    for group, joint in enumerate(solver.lead_G):
        good = np.flatnonzero(~is_bad_TG[:, group])
        if 0 < len(good) < count:
            local[:, joint] = between(Pose(local[good][:, [joint]], root[good]), good, count).globals_TJ33[:, 0]
            if PARENTS[joint] < 0:
                root = between(Pose(local[good][:, [joint]], root[good]), good, count).root_T3
    return Pose(to_global(local), root)


def between(pose: Pose, frames: np.ndarray, count: int) -> Pose:
    """Poses of all ``count`` frames from those at ``frames``; before the first and after the last they stand still."""
    if len(frames) == count:
        return pose
    if len(frames) == 1:
        return pose[np.zeros(count, int)]
    wanted = np.arange(count)
    left = np.clip(np.searchsorted(frames, wanted, side="right") - 1, 0, len(frames) - 2)
    share = np.clip((wanted - frames[left]) / (frames[left + 1] - frames[left]), 0.0, 1.0)
    first, second = pose.globals_TJ33[left], pose.globals_TJ33[left + 1]
    turn = vectors(second @ first.transpose(0, 1, 3, 2))
    root = pose.root_T3[left] + share[:, None] * (pose.root_T3[left + 1] - pose.root_T3[left])
    return Pose(matrices(share[:, None, None] * turn) @ first, root)


def _runs(moving_T: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and last + 1 of the stretches of frames that move or are near one that does."""
    near = np.convolve(moving_T, np.ones(2 * ASIDE + 1), mode="full")[ASIDE : ASIDE + len(moving_T)] > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]]).astype(int)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
