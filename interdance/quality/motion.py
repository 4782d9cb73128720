"""Defects of one dancer: from SMPL-X parameters, or from positions of joints alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interdance.body.model import Body
from interdance.body.skeleton import JOINT_NAMES, PARENTS
from interdance.config import QualityParams
from interdance.quality.defects import ROOT, Defect, Finder, Who, in_order, spans
from interdance.quality.traces import FLIP_WINDOW_S, HINGES, DancerTrace, pieces
from interdance.takes import Motion

STILL_RADIANS, STILL_METRES = 1e-5, 1e-6
FEWEST_REPEATS = 5
EXCHANGE = 0.5  # places are exchanged when that explains where two things are this much better than that they stayed


def inspect_motion(
    motion: Motion, body: Body, limits: QualityParams, *, who: Who = "leader", lifted_T: np.ndarray | None = None
) -> list[Defect]:
    """The defects of one dancer, in order of time.

    Parameters
    ----------
    motion : Motion
        May hold NaN.
    body : Body
    limits : QualityParams
    who : str
        Whose they are.
    lifted_T : bool (T,), optional
        Frames in which a partner holds the dancer up.
    """
    trace = DancerTrace(motion, body)
    for frames in pieces(motion.num_frames):
        trace.add(frames)
    return dancer_defects(trace, limits, who, lifted_T)


def dancer_defects(trace: DancerTrace, limits: QualityParams, who: Who, lifted_T: np.ndarray | None = None) -> list[Defect]:
    """As :func:`inspect_motion`, from a finished trace."""
    find = Finder(who, len(trace.root_T3), trace.fps)
    if not find.num_frames:
        return []
    lost_T = trace.lost()
    lost_T[1:] |= lost_T[:-1]  # NaN are posed as zeros: what jumps there is theirs
    found = _not_numbers(find, trace)
    flips, flipped_TJ = _flips(find, trace, limits, lost_T)
    jumps, jumped_T = root_jumps(find, trace.root_T3, limits, lost_T)
    found += flips + jumps + _fast_joints(find, trace, limits, flipped_TJ, jumped_T | lost_T)
    found += still_runs(find, _still_steps(trace.motion), limits)
    found += _floor(find, trace, limits, lost_T, lifted_T)
    sliding_T = np.nan_to_num(trace.slide_T)
    found += find.runs("skating", "feet", (sliding_T > limits.skating) & ~lost_T, sliding_T, "m/s", seconds=limits.skating_s)
    for column, name in enumerate(HINGES):
        bent_T = trace.hinge_T4[:, column]
        found += find.runs("bent back", name, bent_T > limits.hinge, bent_T, "degrees", seconds=limits.hinge_s)
    for column, name in enumerate(("left_wrist", "right_wrist")):
        bent_T = trace.wrist_T2[:, column]
        found += find.runs("twisted", name, bent_T > limits.wrist, bent_T, "degrees", seconds=limits.hinge_s)
    for name, ends in (("wrists", (0, 1)), ("ankles", (2, 3))):
        exchanged, moved_T = exchanges(trace.ends_T43[:, ends[0]], trace.ends_T43[:, ends[1]], limits.swap)
        found += find.runs("side swap", name, exchanged & ~lost_T, moved_T, "m", before=1)
    return in_order(found)


def inspect_joints(
    joints_TK3: np.ndarray,
    fps: float,
    limits: QualityParams,
    *,
    names: Sequence[str] = JOINT_NAMES,
    parents: Sequence[int] = PARENTS,
    who: Who = "leader",
) -> list[Defect]:
    """The defects of a dancer known by positions of joints: NaN, bone drift, jumps, frozen frames.

    Parameters
    ----------
    joints_TK3 : array (T, K, 3)
        Metres, +Y up; NaN where a joint was not seen. The first is the root.
    fps : float
    names, parents : sequence of K
        Name of each joint and index of its parent, -1 for none; those of SMPL-X by default. K may be smaller than the
        sequences: the first K are taken.
    """
    places = np.asarray(joints_TK3, np.float64)
    find = Finder(who, len(places), fps)
    if not find.num_frames:
        return []
    seen_TK = np.asarray(np.isfinite(places).all(axis=2))
    filled = np.where(seen_TK[..., None], places, 0.0)
    found: list[Defect] = []
    steps = np.zeros(seen_TK.shape)
    steps[1:] = np.linalg.norm(np.diff(filled, axis=0), axis=2) * (seen_TK[1:] & seen_TK[:-1])
    for joint in range(places.shape[1]):
        found += find.runs("nan", names[joint], ~seen_TK[:, joint], np.zeros(find.num_frames), "")
        if joint:
            speed_T = steps[:, joint] * fps
            found += find.runs("teleport", names[joint], speed_T > limits.joint_speed, speed_T, "m/s", before=1)
        parent = parents[joint]
        both_T = seen_TK[:, joint] & seen_TK[:, parent]
        if parent < 0 or not both_T.any():
            continue
        length_T = np.linalg.norm(filled[:, joint] - filled[:, parent], axis=1)
        usual = float(np.median(length_T[both_T]))
        drift_T = np.where(both_T, np.abs(length_T / max(usual, 1e-6) - 1.0), 0.0)
        found += find.runs("bone drift", names[joint], drift_T > limits.bone, drift_T, "%", scale=100.0)
    lost_T = np.array(~seen_TK[:, 0])
    lost_T[1:] |= lost_T[:-1]
    found += root_jumps(find, filled[:, 0], limits, lost_T)[0]
    still_T = np.zeros(find.num_frames, bool)
    still_T[1:] = (steps[1:].max(axis=1) < STILL_METRES) & (seen_TK[1:] & seen_TK[:-1]).any(axis=1)
    found += still_runs(find, still_T, limits)
    return in_order(found)


def root_jumps(find: Finder, root_T3: np.ndarray, limits: QualityParams, lost_T: np.ndarray) -> tuple[list[Defect], np.ndarray]:
    """Jumps of the root, and the frames (T,) that they are in."""
    speed_T, off_T = np.zeros(find.num_frames), np.zeros(find.num_frames)
    speed_T[1:] = np.linalg.norm(np.diff(root_T3, axis=0), axis=1) * find.fps
    off_T[2:] = np.linalg.norm(np.diff(root_T3, n=2, axis=0), axis=1)
    # A bend of the path takes a step before and a step after the jump; the speed is what people know.
    bad_T = ((speed_T > limits.root_speed) | (off_T > limits.root_jump * max(1.0, 30.0 / find.fps) ** 2)) & ~lost_T
    return find.runs("teleport", ROOT, bad_T, speed_T, "m/s", before=1), bad_T


def still_runs(find: Finder, still_T: np.ndarray, limits: QualityParams) -> list[Defect]:
    """Frozen stretches, and single repeats that say that the true rate is lower."""
    found, repeats = [], np.zeros(find.num_frames, bool)
    runs = list(spans(still_T))
    for first, last in runs:
        seconds = (last - first + 1) / find.fps
        if seconds >= limits.frozen_s:
            share = (last - first + 1) / find.num_frames
            found.append(Defect("frozen", find.who, "body", first - 1, last, seconds, "s", share))
        else:
            repeats[first : last + 1] = True
    count = int(repeats.sum())
    if count >= max(FEWEST_REPEATS, limits.repeated * find.num_frames):
        places = np.flatnonzero(repeats)
        share = count / find.num_frames
        first, last = int(places[0]) - 1, int(places[-1])
        found.append(Defect("repeated", find.who, "body", first, last, 100.0 * share, "% of frames", share))
    return found


def exchanges(one_T3: np.ndarray, other_T3: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Frames (T,) whose two places are those of the frame before exchanged, and metres (T,) that both moved together."""
    stays = np.linalg.norm(np.diff(one_T3, axis=0), axis=1) + np.linalg.norm(np.diff(other_T3, axis=0), axis=1)
    crosses = np.linalg.norm(one_T3[1:] - other_T3[:-1], axis=1) + np.linalg.norm(other_T3[1:] - one_T3[:-1], axis=1)
    moved_T = np.concatenate([[0.0], stays])
    exchanged_T = np.concatenate([[False], (stays > least) & (crosses < EXCHANGE * stays)])
    return exchanged_T, moved_T


def _not_numbers(find: Finder, trace: DancerTrace) -> list[Defect]:
    found, zeros = [], np.zeros(find.num_frames)
    bad_TJ = ~trace.finite_TJ
    for joint in np.flatnonzero(bad_TJ.any(axis=0)):
        found += find.runs("nan", JOINT_NAMES[joint], bad_TJ[:, joint], zeros, "")
    return found + find.runs("nan", "root", ~trace.finite_root_T, zeros, "")


def _flips(find: Finder, trace: DancerTrace, limits: QualityParams, lost_T: np.ndarray) -> tuple[list[Defect], np.ndarray]:
    lag = max(round(FLIP_WINDOW_S * find.fps), 1)
    bad_TJ = (trace.turn_TJ > limits.flip_speed) & ~lost_T[:, None]
    found = []
    for joint in np.flatnonzero(bad_TJ.any(axis=0)):
        found += find.runs("flip", JOINT_NAMES[joint], bad_TJ[:, joint], trace.turn_TJ[:, joint], "degrees/s", before=lag)
    return found, bad_TJ


def _fast_joints(
    find: Finder, trace: DancerTrace, limits: QualityParams, flipped_TJ: np.ndarray, jumped_T: np.ndarray
) -> list[Defect]:
    """Joints that move too fast though neither they hang on a joint that flips nor the root jumps."""
    found: list[Defect] = []
    explained_TJ = flipped_TJ | jumped_T[:, None]
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            explained_TJ[:, joint] |= explained_TJ[:, parent]
            speed_T = trace.speed_TJ[:, joint]
            bad_T = (speed_T > limits.joint_speed) & ~explained_TJ[:, joint]
            if bad_T.any():
                found += find.runs("teleport", JOINT_NAMES[joint], bad_T, speed_T, "m/s", before=1)
                explained_TJ[:, joint] |= bad_T  # what hangs on it is not reported again
    return found


def _still_steps(motion: Motion) -> np.ndarray:
    """Frames (T,) that equal the frame before."""
    still_T = np.zeros(motion.num_frames, bool)
    for frames in pieces(motion.num_frames - 1, 4096):
        part = slice(frames.start, frames.stop + 1)
        turned = np.abs(np.diff(motion.rotations_TJ3[part], axis=0)).max(axis=(1, 2))
        moved = np.abs(np.diff(motion.translation_T3[part], axis=0)).max(axis=1)
        still_T[frames.start + 1 : frames.stop + 1] = (turned < STILL_RADIANS) & (moved < STILL_METRES)
    return still_T


def _floor(
    find: Finder, trace: DancerTrace, limits: QualityParams, lost_T: np.ndarray, lifted_T: np.ndarray | None
) -> list[Defect]:
    lowest_T = trace.lowest_T
    found: list[Defect] = []
    usual = float(np.median(lowest_T))
    if abs(usual) > limits.floor:
        found.append(find.whole("floor", "feet", 100.0 * usual, "cm"))
    supported_T = np.zeros(find.num_frames, bool) if lifted_T is None else lifted_T
    high_T = (lowest_T > limits.floating) & ~lost_T
    for item in find.runs("floating", "feet", high_T, lowest_T, "cm", scale=100.0, seconds=limits.floating_s):
        if supported_T[item.first : item.last + 1].mean() < 0.5:
            found.append(item)
    deep_T = (-lowest_T > limits.sinking) & ~lost_T
    return found + find.runs("sinking", "feet", deep_T, -lowest_T, "cm", scale=100.0, seconds=limits.sinking_s)
