"""Takes that show the same dance: excerpts, copies, the same recording at another rate. A split keeps them together.

A window is described by where the body joints of both dancers are at a few moments of one second, seen from the leader
in its middle, on bodies of one size. Windows of one take, a second apart, are looked up among the windows of every other
take at every frame, so that a copy is found wherever it begins. Windows in which nobody moves are alike everywhere and
do not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from interdance.body.model import Body
from interdance.body.skeleton import BODY_JOINT_NAMES, INDEX
from interdance.takes import Duet, Motion, read_take

WINDOW_S = 1.0
NUM_MOMENTS = 5
STILL_METRES = 0.10
"""Mean way of a joint from moment to moment of a window, summed, below which nobody dances in it."""
NUM_COMPONENTS = 24
CHUNK = 4096


def find_duplicates(takes: Path, names: Sequence[str], body: Body, distance: float, share: float) -> list[list[str]]:
    """Groups of takes of which a good part is the same.

    One take is open at a time; kept are a window per second of every take.

    Parameters
    ----------
    takes : Path
        The folder of takes.
    names : sequence of str
        Those to compare; all at one rate.
    distance : float
        Metres, root mean square over joints and moments, up to which two windows are the same.
    share : float
        Of a take's windows that another take must hold for the two to belong together.

    Returns
    -------
    Groups of two takes and more, sorted.
    """
    queries = [_moving(windows_of(read_take(takes / name), body, every_s=WINDOW_S)) for name in names]
    owner_Q = np.repeat(np.arange(len(names)), [len(rows) for rows in queries])
    if len(owner_Q) == 0:
        return []
    query_QD = np.concatenate(queries)
    mean_D, basis_DC = _components(query_QD)
    tree = cKDTree((query_QD - mean_D) @ basis_DC)
    radius = distance * np.sqrt(query_QD.shape[1] / 3)
    same: dict[tuple[int, int], set[int]] = defaultdict(set)  # (whose windows, found in which take) -> windows
    for index, name in enumerate(names):
        rows_WD = windows_of(read_take(takes / name), body, every_s=0.0)
        for start in range(0, len(rows_WD), CHUNK):
            chunk = rows_WD[start : start + CHUNK]
            for row, found in zip(chunk, tree.query_ball_point((chunk - mean_D) @ basis_DC, radius), strict=True):
                others = np.array([q for q in found if owner_Q[q] != index], np.int64)
                near = others[np.linalg.norm(query_QD[others] - row, axis=1) <= radius]
                for query in near:
                    same[int(owner_Q[query]), index].add(int(query))
    pairs = [pair for pair, windows in same.items() if len(windows) >= share * len(queries[pair[0]])]
    return [sorted(names[index] for index in group) for group in _groups(len(names), pairs)]


def windows_of(duet: Duet, body: Body, every_s: float) -> np.ndarray:
    """Descriptors (W, D) of a take's windows, one every ``every_s`` seconds (every frame for 0); metres.

    D counts moment, dancer, joint and axis. A take that is shorter than a window, or has no follower, has none.
    """
    fps, num_frames = duet.leader.fps, duet.leader.num_frames
    steps_M = np.round(np.linspace(0, WINDOW_S * fps, NUM_MOMENTS)).astype(np.int64)
    starts_W = np.arange(0, num_frames - steps_M[-1], max(1, round(every_s * fps)))
    if duet.follower is None or len(starts_W) == 0:
        return np.zeros((0, NUM_MOMENTS * 2 * len(BODY_JOINT_NAMES) * 3), np.float32)
    joints_TK3 = np.concatenate([_joints(body, dancer) for dancer in (duet.leader, duet.follower)], axis=1)
    middle_W = starts_W + steps_M[NUM_MOMENTS // 2]
    hips = joints_TK3[:, INDEX["left_hip"]] - joints_TK3[:, INDEX["right_hip"]]
    yaw_W = np.arctan2(-hips[middle_W, 2], hips[middle_W, 0])  # 0 when the leader's left is +X
    cos, sin = np.cos(yaw_W)[:, None], np.sin(yaw_W)[:, None]
    rows = np.empty((len(starts_W), NUM_MOMENTS, joints_TK3.shape[1], 3), np.float32)
    origin_W13 = joints_TK3[middle_W, :1] * np.array([1.0, 0.0, 1.0], np.float32)
    for moment, step in enumerate(steps_M):
        seen = joints_TK3[starts_W + step] - origin_W13
        rows[:, moment, :, 0] = cos * seen[..., 0] - sin * seen[..., 2]
        rows[:, moment, :, 1] = seen[..., 1]
        rows[:, moment, :, 2] = sin * seen[..., 0] + cos * seen[..., 2]
    return rows.reshape(len(rows), -1)


def _joints(body: Body, dancer: Motion) -> np.ndarray:
    """Body joints (T, 22, 3) on the mean body, so that a shape that was fitted anew makes no difference."""
    shift = body.rest_joints(dancer.betas)[0] - body.rest_joints(np.zeros_like(dancer.betas))[0]
    mean = Motion(dancer.rotations_TJ3, dancer.translation_T3 + shift, np.zeros_like(dancer.betas), dancer.fps)
    return body.joints(mean)[:, : len(BODY_JOINT_NAMES)]


def _moving(rows_WD: np.ndarray) -> np.ndarray:
    moments = rows_WD.reshape(len(rows_WD), NUM_MOMENTS, -1, 3)
    way_W = np.linalg.norm(np.diff(moments, axis=1), axis=3).sum(axis=1).mean(axis=1)
    return rows_WD[way_W > STILL_METRES]


def _components(rows_QD: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and the first principal directions: a distance seen along them is never longer than the whole one."""
    mean = rows_QD.mean(axis=0)
    sample = rows_QD[:: max(1, len(rows_QD) // CHUNK)] - mean
    _, _, directions = np.linalg.svd(sample, full_matrices=False)
    return mean, directions[:NUM_COMPONENTS].T


def _groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    one, other = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    links = coo_matrix((np.ones(len(pairs)), (one, other)), shape=(count, count))
    _, label = connected_components(links, directed=False)
    groups = [np.flatnonzero(label == value).tolist() for value in np.unique(label)]
    return [group for group in groups if len(group) > 1]
