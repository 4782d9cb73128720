"""Rotation skeletons (BVH) to SMPL-X parameters, for any named skeleton that a mapping file describes.

For each mapped joint the global rotation is ``G = W G_bvh R^T A``: ``W`` turns the file's world into ours, ``R`` names left,
up and front of the file's rest pose, ``A`` swings the loaded body's own rest bone onto the file's rest bone. The shape is
fitted so that the joints land where the file has them, mid-hips stand on mid-hips, and one constant per dancer puts the feet
on the floor. Where the rest pose is no pose to stand in, the body is fitted to where the joints are instead.

Fingers that the file does not carry get one relaxed, constant curl: a flat open hand looks wrong in every hold.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from interdance.body.skeleton import INDEX, JOINT_NAMES, PARENTS
from interdance.errors import InputError, naming
from interdance.mocap.bvh import BvhMotion, forward_kinematics, read_bvh, rest_positions
from interdance.mocap.fit import fit_joints
from interdance.mocap.hands import relaxed_hands
from interdance.mocap.mapping import (
    LIMBS,
    Mapping,
    choose_mapping,
    is_finger,
    load_mapping,
    shipped_mappings,
)
from interdance.mocap.resample import resample
from interdance.mocap.skeleton import FARTHEST, Skeleton, understand
from interdance.takes import NUM_BETAS, Motion, read_motion

if TYPE_CHECKING:
    from interdance.body.model import Body

__all__ = ["LIMBS", "Mapping", "bvh_to_motion", "choose_mapping", "load_mapping", "read_leader", "shipped_mappings", "swing"]

logger = logging.getLogger(__name__)

FIT_FRAMES = 48
FLOOR_METRES = 0.1  # a file whose dancer stands farther than this from height 0 has its floor elsewhere
RIDGE = 3e-3  # metres per standard deviation of shape: what a beta must earn to leave zero
FIT_WEIGHTS = {name: 1.5 if "wrist" in name else 1.0 for name in LIMBS} | {"neck": 0.7, "head": 0.5}
_CHILD = {
    **{f"{s}_{a}": f"{s}_{b}" for s in ("left", "right") for a, b in
       (("hip", "knee"), ("knee", "ankle"), ("ankle", "foot"), ("shoulder", "elbow"), ("elbow", "wrist"),
        ("wrist", "middle1"))},
    **{f"{s}_{f}{k}": f"{s}_{f}{k + 1}" for s in ("left", "right") for k in (1, 2)
       for f in ("thumb", "index", "middle", "ring", "pinky")},
}  # fmt: skip


def bvh_to_motion(
    bvh: BvhMotion,
    body: Body,
    mapping: Mapping | None = None,
    fps: float | None = None,
    betas: np.ndarray | None = None,
) -> Motion:
    """SMPL-X parameters of a BVH motion.

    Parameters
    ----------
    bvh : BvhMotion
        From :func:`read_bvh`.
    body : Body
        The loaded body; its rest pose is what rotations are relative to.
    mapping : Mapping, optional
        Chosen by joint names when not given.
    fps : float, optional
        Rate of the result (spherical interpolation); the file's when not given.
    betas : (10,) array, optional
        A known shape; fitted to the file's skeleton when not given.

    Raises
    ------
    InputError
        When no mapping fits, the given one does not, or the file's unit or axes cannot be told.
    """
    skeleton = understand(bvh, mapping)
    logger.info("%s: %s", bvh.path, skeleton)
    shape = None if betas is None else np.asarray(betas, np.float64)
    motion = _by_rotations(bvh, skeleton, body, shape) if skeleton.is_standing else _by_positions(bvh, skeleton, body, shape)
    lifted = motion.translation_T3 + np.array([0.0, _lift(body, motion), 0.0], np.float32)
    bad = ~(np.isfinite(motion.rotations_TJ3).all(axis=(1, 2)) & (np.abs(lifted) < FARTHEST).all(axis=1))
    if bad.any():
        raise InputError(f"{bvh.path}: no pose within {FARTHEST:g} m of the origin in frame {int(bad.argmax())}; repair it")
    motion = replace(motion, translation_T3=lifted)
    return motion if fps is None else resample(motion, fps)


def limb_residuals(bvh: BvhMotion, skeleton: Skeleton, motion: Motion, body: Body) -> dict[str, float]:
    """How far each joint of the limbs is from the file's, metres on average; the lift to the floor is not counted."""
    joints_TJ3 = body.joints(motion)
    there = forward_kinematics(bvh)[1] @ skeleton.world_33.T * skeleton.unit
    apart = {joint: joints_TJ3[:, INDEX[joint]] - there[:, skeleton.source[joint]] for joint in LIMBS}
    lift = np.array([0.0, np.median([apart[f"{side}_hip"][:, 1] for side in ("left", "right")]), 0.0])
    return {joint: float(np.linalg.norm(apart[joint] - lift, axis=1).mean()) for joint in LIMBS}


def _by_rotations(bvh: BvhMotion, skeleton: Skeleton, body: Body, betas: np.ndarray | None) -> Motion:
    """Rotations taken over one by one: exact where the rest pose stands as the body's does."""
    mapping, source, world = skeleton.mapping, skeleton.source, skeleton.world_33
    file_rotations, file_positions = forward_kinematics(bvh)
    turned_TN33 = world @ file_rotations @ skeleton.rest_33.T
    rest_N3 = rest_positions(bvh) @ skeleton.rest_33.T * skeleton.unit
    targets = {joint: file_positions[:, index] @ world.T * skeleton.unit for joint, index in source.items()}

    shape = np.zeros(NUM_BETAS) if betas is None else betas
    sample = np.unique(np.linspace(0, bvh.num_frames - 1, FIT_FRAMES).astype(np.int64))
    on_floor = False
    for _ in range(3 if betas is None else 0):
        swings = _swings(mapping, bvh.names, rest_N3, body.rest_joints(shape))
        globals_TJ33 = _global_rotations(turned_TN33[sample], source, swings)
        wanted = {joint: places[sample] for joint, places in targets.items()}
        shape, lift = _fit_shape(body, globals_TJ33, wanted, shape, on_floor)
        on_floor = abs(lift) < FLOOR_METRES
    rest_joints = np.asarray(body.rest_joints(shape), np.float64)
    globals_TJ33 = _global_rotations(turned_TN33, source, _swings(mapping, bvh.names, rest_N3, rest_joints))

    positions = _positions(globals_TJ33, rest_joints)  # with the pelvis at its rest place
    hips = [INDEX["left_hip"], INDEX["right_hip"]]
    translation = (targets["left_hip"] + targets["right_hip"]) / 2 - positions[:, hips].mean(axis=1)
    return Motion(
        rotations_TJ3=_local_rotations(globals_TJ33).astype(np.float32),
        translation_T3=translation.astype(np.float32),
        betas=shape.astype(np.float32),
        fps=bvh.fps,
    )


def _by_positions(bvh: BvhMotion, skeleton: Skeleton, body: Body, betas: np.ndarray | None) -> Motion:
    """The body fitted to where the joints are: for skeletons whose rest pose tells nothing about their rotations."""
    positions_TN3 = forward_kinematics(bvh)[1]
    joints_TK3 = positions_TN3[:, list(skeleton.source.values())] @ skeleton.world_33.T * skeleton.unit
    with naming(bvh.path):
        motion = fit_joints(joints_TK3, [INDEX[joint] for joint in skeleton.source], body, bvh.fps, betas).motion
    rotations_TJ3 = motion.rotations_TJ3.copy()
    for joint, turn in relaxed_hands().items():
        if JOINT_NAMES[joint] not in skeleton.source:
            rotations_TJ3[:, joint] = turn
    return replace(motion, rotations_TJ3=rotations_TJ3)


def read_leader(
    path: Path, body: Body, mapping: Mapping | None = None, fps: float = 30.0, file_fps: float | None = None
) -> Motion:
    """Read one dancer from ``.bvh`` or SMPL-X ``.npz``, at ``fps``; ``file_fps`` overrides the rate that a BVH states.

    Raises
    ------
    InputError
        For another suffix, a missing or defective file, or a skeleton without a mapping.
    """
    suffix = path.suffix.lower()
    if suffix not in (".bvh", ".npz"):
        raise InputError(f"{path}: a dancer is read from .bvh or SMPL-X .npz, not from '{suffix or 'no suffix'}'")
    if suffix == ".npz":
        return resample(read_motion(path), fps)
    return bvh_to_motion(read_bvh(path, file_fps), body, mapping, fps)


def _swings(
    mapping: Mapping, names: list[str], rest_N3: np.ndarray, rest_joints_J3: np.ndarray
) -> dict[str, np.ndarray]:
    """``A`` per joint: the smallest rotation from the body's rest bone to the file's rest bone."""
    result: dict[str, np.ndarray] = {}
    source, ends = mapping.find(names), mapping.find_ends(names)
    for joint in source:
        child = _CHILD.get(joint, "")
        if joint in mapping.swing and child in ends:
            bone = np.asarray(rest_joints_J3[INDEX[child]] - rest_joints_J3[INDEX[joint]], np.float64)
            result[joint] = swing(bone, rest_N3[ends[child]] - rest_N3[source[joint]])
        elif is_finger(joint):
            parent = JOINT_NAMES[PARENTS[INDEX[joint]]]
            result[joint] = result.get(parent, np.eye(3))
    return result


def swing(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The smallest rotation (3, 3) from the direction of ``start`` to that of ``end``; identity for a zero vector."""
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    if lengths < 1e-12:
        return np.eye(3)
    axis, cosine = np.cross(start, end) / lengths, float(start @ end) / lengths
    sine = float(np.linalg.norm(axis))
    if sine < 1e-9:
        if cosine > 0:
            return np.eye(3)
        axis, sine = np.cross(start, np.eye(3)[np.abs(start).argmin()]), 0.0
    axis = axis / np.linalg.norm(axis)
    return Rotation.from_rotvec(axis * np.arctan2(sine, cosine)).as_matrix()


def _global_rotations(turned_TN33: np.ndarray, source: dict[str, int], swings: dict[str, np.ndarray]) -> np.ndarray:
    relaxed = relaxed_hands()
    result = np.empty((len(turned_TN33), len(JOINT_NAMES), 3, 3))
    for joint, (name, parent) in enumerate(zip(JOINT_NAMES, PARENTS, strict=True)):
        if name in source:
            result[:, joint] = turned_TN33[:, source[name]] @ swings.get(name, np.eye(3))
        else:
            local = Rotation.from_rotvec(relaxed.get(joint, np.zeros(3))).as_matrix()
            result[:, joint] = result[:, parent] @ local
    return result


def _local_rotations(globals_TJ33: np.ndarray) -> np.ndarray:
    parents = list(PARENTS[1:])
    local = globals_TJ33.copy()
    local[:, 1:] = globals_TJ33[:, parents].swapaxes(-1, -2) @ globals_TJ33[:, 1:]
    return Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec().reshape(*globals_TJ33.shape[:2], 3)


def _positions(globals_TJ33: np.ndarray, rest_joints_J3: np.ndarray) -> np.ndarray:
    """Joints (T, J, 3) with the pelvis at its rest place."""
    result = np.empty((len(globals_TJ33), *rest_joints_J3.shape))
    result[:, 0] = rest_joints_J3[0]
    for joint in range(1, len(PARENTS)):
        bone = rest_joints_J3[joint] - rest_joints_J3[PARENTS[joint]]
        result[:, joint] = result[:, PARENTS[joint]] + globals_TJ33[:, PARENTS[joint]] @ bone
    return result


def _fit_shape(
    body: Body, globals_TJ33: np.ndarray, targets: dict[str, np.ndarray], start: np.ndarray, on_floor: bool
) -> tuple[np.ndarray, float]:
    """Betas that bring the posed limb joints of the standing dancer nearest to the file's: linear least squares.

    ``on_floor`` says that the file's floor is at height 0, so that the lift counts. Also returns the lift at ``start``.
    With the global rotations given, every joint is linear in the betas; so nearly is the lift that puts the feet on the
    floor. Limb lengths, shoulder width, torso and foot height are fitted at once and weigh as they move hands and feet.
    """
    units = np.concatenate([start[None], start + np.eye(NUM_BETAS)])
    rotations = _local_rotations(globals_TJ33).astype(np.float32)
    hips = [INDEX["left_hip"], INDEX["right_hip"]]
    names = [name for name in FIT_WEIGHTS if name in targets]
    fitted = [INDEX[name] for name in names]
    importance = np.array([FIT_WEIGHTS[name] for name in names])[:, None]
    goal = np.stack([targets[name] for name in names], axis=1)
    middle = (targets["left_hip"] + targets["right_hip"]) / 2
    places, lifts = [], []
    for betas in units:
        joints = _positions(globals_TJ33, np.asarray(body.rest_joints(betas), np.float64))
        translation = middle - joints[:, hips].mean(axis=1)
        motion = Motion(rotations, translation.astype(np.float32), betas.astype(np.float32), 30.0)
        lifts.append(_lift(body, motion))
        shift = translation[:, None] + [0.0, lifts[-1] if on_floor else 0.0, 0.0]
        places.append(((joints[:, fitted] + shift - goal) * importance).reshape(-1))
    matrix = (np.stack(places[1:]) - places[0]).T
    weight = RIDGE**2 * len(matrix)
    right = -matrix.T @ places[0] - weight * start
    return start + np.linalg.solve(matrix.T @ matrix + weight * np.eye(NUM_BETAS), right), lifts[0]


def _lift(body: Body, motion: Motion) -> float:
    """Metres that bring the median over frames of the lowest surface point to the floor."""
    lowest = np.asarray(body.points(motion))[:, len(JOINT_NAMES) :, 1].min(axis=1)
    return -float(np.median(lowest))
