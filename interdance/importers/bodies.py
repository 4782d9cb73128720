"""Motions of other bodies on ours: a shape with their lengths, their rest bones, their hips, and a floor to stand on.

The rotations of SMPL and SMPL-H name the same joints as those of SMPL-X but start from another rest pose (their shanks
lean back by 6 degrees, say), and their shape coefficients mean nothing to another body. What does carry over is where
the bones point and how long they are: for each swung joint ``G' = G A`` with ``G`` its rotation in the world and ``A``
the smallest rotation from our rest bone to theirs, as in :mod:`interdance.mocap.retarget`.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from interdance.body.model import Body
from interdance.body.rotations import matrices
from interdance.body.skeleton import INDEX, NUM_JOINTS, PARENTS
from interdance.body.skin import Skin
from interdance.importers.convert import pelvis_of
from interdance.mocap.hands import relaxed_hands
from interdance.mocap.retarget import swing
from interdance.takes import NUM_BETAS, Motion

NUM_BODY = 22
"""Joints of the body, which SMPL, SMPL-H and SMPL-X have in common, in one order."""

SMPL_REST = np.array([
    [-0.002, -0.223, 0.028], [0.068, -0.315, 0.021], [-0.069, -0.314, 0.024], [-0.004, -0.114, 0.002],
    [0.102, -0.690, 0.017], [-0.108, -0.696, 0.015], [0.001, 0.021, 0.003], [0.088, -1.088, -0.027],
    [-0.092, -1.095, -0.027], [0.003, 0.074, 0.028], [0.115, -1.144, 0.093], [-0.117, -1.143, 0.096],
    [0.000, 0.288, -0.015], [0.081, 0.195, -0.006], [-0.079, 0.193, -0.011], [0.005, 0.353, 0.037],
    [0.172, 0.226, -0.015], [-0.175, 0.225, -0.020], [0.432, 0.213, -0.042], [-0.429, 0.212, -0.041],
    [0.681, 0.222, -0.044], [-0.684, 0.220, -0.047],
])  # fmt: skip
"""Where the joints (22, 3) of the male mean body of SMPL and SMPL-H are in its T-pose: metres, to the millimetre."""

_SWUNG = {
    INDEX[f"{side}_{joint}"]: INDEX[f"{side}_{child}"]
    for side in ("left", "right")
    for joint, child in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
}
_HIPS = [INDEX["left_hip"], INDEX["right_hip"]]
_SHOULDERS = [INDEX["left_shoulder"], INDEX["right_shoulder"]]
_LIMBS = [*_SWUNG]
_BOUND = 3.0  # standard deviations of shape: nobody else is a dancer
_OWN_M = 5e-4  # a skeleton met this closely is one of this very body
_ROOT_FRAMES, _ROOT_ROUNDS = 200, 16
_RIDGE, _OWN_RIDGE = 8e-3, 1e-5  # metres per standard deviation: what a coefficient must earn to leave zero
_WEIGHT = np.full(NUM_BODY, 0.1)  # of a joint's place above the hips; models disagree where the spine has its joints
_WEIGHT[_SHOULDERS] = 0.7
_WEIGHT[1:12] = 0.05  # hips above all


def adopt(rotations_TJ3: np.ndarray, pelvis_T3: np.ndarray, rest_K3: np.ndarray, body: Body, fps: float) -> Motion:
    """A motion of another skeleton on the loaded body.

    Parameters
    ----------
    rotations_TJ3 : (T, 55, 3)
        Axis-angle of its joints relative to their parents, in SMPL-X order, radians.
    pelvis_T3 : (T, 3)
        Where its pelvis is, metres, +Y up.
    rest_K3 : (22, 3)
        Its joints in its rest pose, metres; the origin does not matter. NaN where unknown (hips and limbs are needed).
    body : Body
        The body to put it on.
    fps : float
        Frames per second.

    Returns
    -------
    The motion with a shape fitted to the skeleton's lengths, limbs that point where they pointed, hips where they were.
    """
    betas = fit_shape(rest_K3, body)
    ours_J3 = np.asarray(body.rest_joints(betas), np.float64)
    turned_TJ3 = _swung(rotations_TJ3, rest_K3, ours_J3, inverse=False)
    pelvis_T3 = pelvis_T3 + matrices(np.asarray(rotations_TJ3[:, 0], np.float64)) @ (_anchor(rest_K3) - _anchor(ours_J3))
    return Motion(turned_TJ3, (pelvis_T3 - ours_J3[0]).astype(np.float32), betas, fps)


def release(motion: Motion, rest_K3: np.ndarray, body: Body) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of :func:`adopt`: rotations (T, 55, 3) and pelvis (T, 3) of a skeleton with the given rest pose."""
    ours_J3 = np.asarray(body.rest_joints(motion.betas), np.float64)
    turned_TJ3 = _swung(motion.rotations_TJ3, rest_K3, ours_J3, inverse=True)
    root_T33 = matrices(np.asarray(motion.rotations_TJ3[:, 0], np.float64))
    return turned_TJ3, motion.translation_T3 + ours_J3[0] + root_T33 @ (_anchor(ours_J3) - _anchor(rest_K3))


def rest_of(joints_TK3: np.ndarray, rotations_TJ3: np.ndarray) -> tuple[np.ndarray, float]:
    """The rest pose of a skeleton of which both places and rotations are known.

    A joint's place in the frame of its parent is the same in every frame; that is the skeleton.

    Parameters
    ----------
    joints_TK3 : (T, 22, 3)
        Places of the body's joints, metres, in the world of the rotations.
    rotations_TJ3 : (T, 22 or more, 3)
        Axis-angle relative to the parents.

    Returns
    -------
    rest_K3 : (22, 3)
        Joints with the pelvis at the origin.
    spread : float
        Metres: how far a joint strays from its place in its parent's frame (90 % of all). Large when places and rotations
        do not belong together.
    """
    local_TK33 = matrices(np.asarray(rotations_TJ3[:, :NUM_BODY], np.float64))
    world_TK33 = local_TK33.copy()
    rest_K3 = np.zeros((NUM_BODY, 3))
    strays = []
    for joint in range(1, NUM_BODY):
        parent = PARENTS[joint]
        offset_T3 = np.asarray(joints_TK3[:, joint] - joints_TK3[:, parent], np.float64)
        offset_T3 = np.einsum("tji,tj->ti", world_TK33[:, parent], offset_T3)
        offset = np.median(offset_T3, axis=0)
        rest_K3[joint] = rest_K3[parent] + offset
        strays.append(np.linalg.norm(offset_T3 - offset, axis=1))
        world_TK33[:, joint] = world_TK33[:, parent] @ local_TK33[:, joint]
    return rest_K3, float(np.quantile(np.stack(strays), 0.9))


def root_of(joints_TK3: np.ndarray, pose_TK3: np.ndarray) -> np.ndarray:
    """The orientation of the pelvis (T, 3), axis-angle, from places (T, 22, 3) and the other rotations (T, 21, 3).

    In turn the skeleton is told from the orientations (:func:`rest_of`) and these from the skeleton, starting from that of
    SMPL: only the true ones leave every bone the same in all frames.
    """
    count = len(joints_TK3)
    few = np.unique(np.linspace(0, count - 1, _ROOT_FRAMES).astype(np.int64))
    seen_TK3 = np.asarray(joints_TK3 - joints_TK3[:, :1], np.float64)
    local_TK33 = matrices(np.asarray(pose_TK3, np.float64))
    rest_K3 = SMPL_REST
    for _ in range(_ROOT_ROUNDS):
        root = _laid_on(_places(local_TK33[few], rest_K3), seen_TK3[few])
        rest_K3, _ = rest_of(joints_TK3[few], np.concatenate([root[:, None], pose_TK3[few]], axis=1))
    return _laid_on(_places(local_TK33, rest_K3), seen_TK3)


def _places(local_TK33: np.ndarray, rest_K3: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) about a pelvis that is not turned, of the rotations (T, 21, 3, 3) of the others."""
    world = np.broadcast_to(np.eye(3), (len(local_TK33), NUM_BODY, 3, 3)).copy()
    places = np.zeros((len(local_TK33), NUM_BODY, 3))
    for joint in range(1, NUM_BODY):
        parent = PARENTS[joint]
        places[:, joint] = places[:, parent] + world[:, parent] @ (rest_K3[joint] - rest_K3[parent])
        world[:, joint] = world[:, parent] @ local_TK33[:, joint - 1]
    return places


def _laid_on(moved_TK3: np.ndarray, seen_TK3: np.ndarray) -> np.ndarray:
    """Axis-angle (T, 3) of the rotations that lay points best on others (Kabsch)."""
    left, _, right = np.linalg.svd(np.einsum("tki,tkj->tij", seen_TK3, moved_TK3))
    left[:, :, 2] *= np.linalg.det(left @ right)[:, None]
    return Rotation.from_matrix(left @ right).as_rotvec()


def fit_shape(rest_K3: np.ndarray, body: Body) -> np.ndarray:
    """Shape coefficients (10,), float32, that give the body the limbs and shoulders of a rest pose (22, 3).

    Limbs count by their length, joints of the trunk by their place relative to the hips, and weakly: models differ in
    where they put them. NaN is left out. A skeleton of this very body is met exactly; any other with a ridge, within three
    standard deviations.
    """
    rest_K3 = np.asarray(rest_K3, np.float64)
    bones, child = np.array(_LIMBS), np.array([_SWUNG[joint] for joint in _LIMBS])
    goal_lengths = np.linalg.norm(rest_K3[child] - rest_K3[bones], axis=1)
    goal_K3 = rest_K3 - rest_K3[_HIPS].mean(axis=0)
    known = np.isfinite(goal_K3).all(axis=1)
    mean_J3 = np.asarray(body.rest_joints(np.zeros(NUM_BETAS)), np.float64)
    units = np.eye(NUM_BETAS)
    slopes_bJ3 = np.stack([np.asarray(body.rest_joints(unit), np.float64) - mean_J3 for unit in units])

    def residuals(betas: np.ndarray, ridge: float) -> np.ndarray:
        joints_K3 = (mean_J3 + np.einsum("b,bjc->jc", betas, slopes_bJ3))[:NUM_BODY]
        lengths = np.linalg.norm(joints_K3[child] - joints_K3[bones], axis=1) - goal_lengths
        places = (joints_K3 - joints_K3[_HIPS].mean(axis=0) - goal_K3)[known] * _WEIGHT[known, None]
        return np.concatenate([lengths[np.isfinite(lengths)], places.reshape(-1), ridge * betas])

    tight = {"ftol": 1e-14, "xtol": 1e-12, "gtol": 1e-14}
    own = least_squares(residuals, np.zeros(NUM_BETAS), bounds=(-_BOUND, _BOUND), args=(_OWN_RIDGE,), **tight)
    if np.abs(own.fun[:-NUM_BETAS]).max() < _OWN_M:
        return own.x.astype(np.float32)
    fit = least_squares(residuals, np.zeros(NUM_BETAS), bounds=(-_BOUND, _BOUND), args=(_RIDGE,))
    return fit.x.astype(np.float32)


def with_relaxed_hands(rotations_TJ3: np.ndarray) -> np.ndarray:
    """The rotations (T, 55, 3) with every finger at rest, for sets that did not capture any."""
    result = np.array(rotations_TJ3, np.float32)
    result[:, NUM_JOINTS - 30 :] = 0.0
    for joint, rotation in relaxed_hands().items():
        result[:, joint] = rotation
    return result


def finger_tips(motion: Motion, body: Body) -> np.ndarray:
    """Where the ends of the fingers are (T, 10, 3), float32: left thumb, index, middle, ring, pinky, then the right ones."""
    tips = body.model.vertex_joint_selector.extra_joints_idxs.numpy()[-10:]
    skin = Skin(body, np.repeat(tips[:, None], 3, axis=1), np.tile([1.0, 0.0, 0.0], (10, 1)))
    coefficients = skin.coefficients(skin.points(np.asarray(motion.betas, np.float64)))[NUM_JOINTS:]
    places = np.einsum("tjab,kjb->tka", body.global_rotations(motion.rotations_TJ3), coefficients, optimize=True)
    return (places + pelvis_of(motion, body)[:, None]).astype(np.float32)


def _anchor(rest_J3: np.ndarray) -> np.ndarray:
    """The point (3,) by which two skeletons are laid on each other, as seen from the pelvis, in the rest pose.

    It is the middle of the hips; front to back, half way to the shoulders. Models that put the hips 3 cm farther back in
    the same trunk would else reach 3 cm too far with both hands.
    """
    hips, shoulders = rest_J3[_HIPS].mean(axis=0), rest_J3[_SHOULDERS].mean(axis=0)
    return np.asarray([hips[0], hips[1], (hips[2] + shoulders[2]) / 2] - rest_J3[0], np.float64)


def _bones(rest_J3: np.ndarray, hips_J3: np.ndarray) -> dict[int, np.ndarray]:
    """Swung joint -> its bone (3,) in the rest pose of a skeleton; thighs start from the hips of ``hips_J3`` sideways.

    Hips are 14 cm apart in SMPL and 22 cm in our body, knees are not: a thigh leads to where the knee is.
    """
    bones = {joint: np.asarray(rest_J3[child] - rest_J3[joint], np.float64) for joint, child in _SWUNG.items()}
    for hip in _HIPS:
        sideways = [rest[hip, 0] - rest[_HIPS, 0].mean() for rest in (rest_J3, hips_J3)]
        bones[hip][0] += sideways[0] - sideways[1]
    return bones


def _swung(rotations_TJ3: np.ndarray, theirs_K3: np.ndarray, ours_J3: np.ndarray, *, inverse: bool) -> np.ndarray:
    """Rotations (T, 55, 3), float32, relative to our rest bones of those relative to theirs, or back.

    With ``G' = G A`` a local rotation becomes ``A_parent^T L A``: only limbs and what hangs on them change.
    """
    ours, theirs = _bones(ours_J3, ours_J3), _bones(theirs_K3, ours_J3)
    swings = {joint: swing(ours[joint], theirs[joint]) for joint in _SWUNG}
    if inverse:
        swings = {joint: matrix.T for joint, matrix in swings.items()}
    result = np.array(rotations_TJ3, np.float32)
    for joint in {*swings, *_SWUNG.values()}:
        local = Rotation.from_rotvec(np.asarray(rotations_TJ3[:, joint], np.float64))
        before = Rotation.from_matrix(swings.get(PARENTS[joint], np.eye(3)))
        after = Rotation.from_matrix(swings.get(joint, np.eye(3)))
        result[:, joint] = (before.inv() * local * after).as_rotvec()
    return result
