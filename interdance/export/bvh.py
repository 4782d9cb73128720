"""A dancer as BVH, the plain text that every animation program reads: the skeleton of 55 joints and its motion.

Centimetres and degrees, +Y up, the T-pose facing +Z. All rotations are written as Zrotation Xrotation Yrotation
(``R = Rz Rx Ry``): the format's first order, which readers that do not look at the header take for granted, and the order of
Unity's own angles.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from interdance.body.skeleton import JOINT_NAMES, PARENTS
from interdance.export.rig import CHILDREN, pelvis_places, rest_vertices
from interdance.files import atomic_path
from interdance.takes import NUM_JOINTS, Motion

CENTIMETRES = 100.0
ORDER = ("Zrotation", "Xrotation", "Yrotation")


def write_bvh(path: Path, motion: Motion, body: Any) -> None:
    """Write one dancer's motion.

    The root stands at the origin in the rest pose, so that it does not matter whether a program takes the root's position
    instead of its offset or adds it. A joint without children ends at the farthest vertex that hangs on it: a fingertip, a toe.

    Parameters
    ----------
    path : Path
        The ``.bvh``; it appears only when it is complete.
    motion : Motion
    body : interdance.body.model.Body
        Gives the joints of the dancer's shape in the T-pose.
    """
    rest_J3 = CENTIMETRES * np.asarray(body.rest_joints(motion.betas), np.float64)
    offsets_J3 = rest_J3 - rest_J3[[0, *PARENTS[1:]]]
    order = _depth_first(0)
    angles_TJ3 = euler_angles(motion)[:, order]
    place_T3 = CENTIMETRES * pelvis_places(motion, body)
    rows_TC = np.concatenate([place_T3, angles_TJ3.reshape(motion.num_frames, -1)], axis=1) + 0.0  # no -0.0
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as stream:
        stream.write("HIERARCHY\n" + "".join(_joint_lines(0, 0, offsets_J3, _ends(motion, body))))
        stream.write(f"MOTION\nFrames: {motion.num_frames}\nFrame Time: {1.0 / motion.fps:.10f}\n")
        np.savetxt(stream, rows_TC, fmt="%.4f")


def euler_angles(motion: Motion) -> np.ndarray:
    """Degrees about Z, X and Y (``R = Rz Rx Ry``), float64 (T, 55, 3), that change as little as they can from frame to frame.

    Every rotation has two sets of such angles within a turn. The one next to the frame before is taken, with as many whole
    turns: a program that looks between frames, or smooths the curves, then meets no jump where a joint bends beyond 90 degrees.
    """
    flat = Rotation.from_rotvec(np.asarray(motion.rotations_TJ3, np.float64).reshape(-1, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # where Z and Y turn about one axis any share will do
        one = flat.as_euler("ZXY", degrees=True).reshape(motion.num_frames, NUM_JOINTS, 3)
    other = one * [1.0, -1.0, 1.0] + 180.0
    for frame in range(1, motion.num_frames):
        before = one[frame - 1]
        near, far = (angles[frame] + 360.0 * np.round((before - angles[frame]) / 360.0) for angles in (one, other))
        is_far = np.abs(far - before).sum(axis=1) < np.abs(near - before).sum(axis=1)
        one[frame] = np.where(is_far[:, None], far, near)
    return one


def _depth_first(joint: int) -> list[int]:
    """A joint and all below it in the order in which BVH nests them."""
    return [joint, *(below for child in CHILDREN[joint] for below in _depth_first(child))]


def _ends(motion: Motion, body: Any) -> np.ndarray:
    """Where the bone of each joint ends in the rest pose, relative to the joint: float64 (55, 3), centimetres."""
    vertices_V3, joints_J3 = rest_vertices(motion, body), np.asarray(body.rest_joints(motion.betas), np.float64)
    owner_V = np.asarray(body.model.lbs_weights).argmax(axis=1)
    ends_J3 = np.zeros((NUM_JOINTS, 3))
    for joint in range(NUM_JOINTS):
        away = vertices_V3 - joints_J3[joint]
        distance = np.linalg.norm(away, axis=1)
        own = owner_V == joint
        # An eye may have no vertex of its own: it ends at the skin.
        ends_J3[joint] = away[np.where(own, distance, -1.0).argmax() if own.any() else distance.argmin()]
    return CENTIMETRES * ends_J3


def _joint_lines(joint: int, depth: int, offsets_J3: np.ndarray, ends_J3: np.ndarray) -> list[str]:
    tab, places = "\t" * depth, "Xposition Yposition Zposition "
    channels = f"6 {places}" if joint == 0 else "3 "
    lines = [
        f"{tab}{'JOINT' if joint else 'ROOT'} {JOINT_NAMES[joint]}\n{tab}{{\n",
        f"{tab}\tOFFSET {_numbers(offsets_J3[joint])}\n{tab}\tCHANNELS {channels}{' '.join(ORDER)}\n",
    ]
    for child in CHILDREN[joint]:
        lines += _joint_lines(child, depth + 1, offsets_J3, ends_J3)
    if not CHILDREN[joint]:
        lines.append(f"{tab}\tEnd Site\n{tab}\t{{\n{tab}\t\tOFFSET {_numbers(ends_J3[joint])}\n{tab}\t}}\n")
    return [*lines, f"{tab}}}\n"]


def _numbers(offset_3: np.ndarray) -> str:
    return " ".join(f"{value:.4f}" for value in offset_3 + 0.0)
