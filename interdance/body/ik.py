"""Rotations, forward kinematics and analytic limbs, vectorised over frames (float64, metres, radians).

Rotation matrices turn column vectors: ``world = R @ local``; with +Y up a yaw ``psi`` faces ``(sin psi, 0, cos psi)``.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.spatial.transform import Rotation

from interdance.body.skeleton import PARENTS

UP = np.array([0.0, 1.0, 0.0])
_TOP = np.radians(250.0)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length one, along the last axis; a zero vector stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def turn(axis: int, angle: np.ndarray | float) -> np.ndarray:
    """Rotation matrices (..., 3, 3) about a coordinate axis (0 x, 1 y, 2 z) by ``angle`` radians."""
    angle = np.asarray(angle, float)
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.zeros((*angle.shape, 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1.0
    matrix[..., i, i], matrix[..., i, j] = c, -s
    matrix[..., j, i], matrix[..., j, j] = s, c
    return matrix


def about(axis: np.ndarray, angle_T: np.ndarray) -> np.ndarray:
    """Rotation matrices (T, 3, 3) about a unit axis (3,), or one per frame (T, 3), by ``angle_T`` radians."""
    return Rotation.from_rotvec(np.asarray(angle_T)[:, None] * axis).as_matrix()


def apply(rotations_T33: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Turn ``vectors`` (3,) or (T, 3) by ``rotations_T33``; returns (T, 3)."""
    return (
        np.einsum("tij,...j->ti", rotations_T33, vectors)
        if vectors.ndim == 1
        else np.einsum("tij,tj->ti", rotations_T33, vectors)
    )


def frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Right-handed frames (..., 3, 3) with columns: ``first``, ``second`` made perpendicular to it, and their cross
    product.
    """
    a = unit(first)
    b = unit(second - (second * a).sum(-1, keepdims=True) * a)
    return np.stack([a, b, np.cross(a, b)], axis=-1)


def fraction(rotations_T33: np.ndarray, share: float) -> np.ndarray:
    """The rotation by ``share`` of the angle of ``rotations_T33``, same axis."""
    return Rotation.from_rotvec(share * Rotation.from_matrix(rotations_T33).as_rotvec()).as_matrix()


def twist_angle(rotations_T33: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Angle (T,) between -pi and pi of the part of each rotation that turns about ``axis`` (swing-twist)."""
    quaternion = Rotation.from_matrix(rotations_T33).as_quat()
    angle = 2.0 * np.arctan2(quaternion[:, :3] @ axis, quaternion[:, 3])
    return np.mod(angle + np.pi, 2.0 * np.pi) - np.pi


def two_bones(
    root_T3: np.ndarray, target_T3: np.ndarray, pole_T3: np.ndarray, first: float, second: float, stretch: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place the middle joint (elbow, knee) of a limb of two bones.

    Parameters
    ----------
    root_T3, target_T3 : (T, 3)
        Shoulder or hip, and where wrist or ankle should be.
    pole_T3 : (T, 3)
        Direction in which the middle joint points.
    first, second : float
        Bone lengths, metres.
    stretch : float
        Largest share of the full length that is used; a farther target is approached, not reached.

    Returns
    -------
    middle_T3, end_T3, normal_T3
        Joint places and the unit normal of the limb's plane (direction cross pole).
    """
    reach = target_T3 - root_T3
    distance = np.linalg.norm(reach, axis=1)
    longest = stretch * (first + second)
    clamped = np.clip(distance, abs(first - second) * 1.02 + 1e-3, longest)
    direction = unit(reach)
    along = (first**2 - second**2 + clamped**2) / (2.0 * clamped)
    height = np.sqrt(np.maximum(first**2 - along**2, 0.0))
    aside = unit(pole_T3 - (pole_T3 * direction).sum(1, keepdims=True) * direction)
    middle = root_T3 + along[:, None] * direction + height[:, None] * aside
    return middle, root_T3 + clamped[:, None] * direction, np.cross(direction, aside)


def limb_rotations(
    points: tuple[np.ndarray, np.ndarray, np.ndarray],
    normal_T3: np.ndarray,
    rest: tuple[np.ndarray, np.ndarray, np.ndarray],
    rest_pole: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """World rotations (T, 3, 3) of the two bones of a limb that runs through ``points`` in the plane of ``normal_T3``.

    ``rest`` are the three joints in the rest pose and ``rest_pole`` the direction in which the middle joint points
    there. They may be those of another pose at each frame, (T, 3): the rotations then lead from that pose to this one.
    """
    rest_normal = np.cross(unit(rest[2] - rest[0]), rest_pole)
    rotations = []
    for bone in (0, 1):
        posed = frame(points[bone + 1] - points[bone], normal_T3)
        rotations.append(posed @ np.swapaxes(frame(rest[bone + 1] - rest[bone], rest_normal), -1, -2))
    return rotations[0], rotations[1]


def world_joints(world_TJ33: np.ndarray, pelvis_T3: np.ndarray, rest_J3: np.ndarray) -> np.ndarray:
    """Joint places (T, 55, 3) from world rotations, pelvis place and rest joints."""
    joints = np.empty((len(pelvis_T3), len(rest_J3), 3))
    joints[:, 0] = pelvis_T3
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            joints[:, joint] = joints[:, parent] + apply(world_TJ33[:, parent], rest_J3[joint] - rest_J3[parent])
    return joints


def blend_rotations(rotations: list[np.ndarray], weights_T: list[np.ndarray]) -> np.ndarray:
    """Weighted mean of rotations (chordal): the nearest rotation to the weighted sum of matrices."""
    total = sum(weight[:, None, None] * rotation for rotation, weight in zip(rotations, weights_T, strict=True))
    u, _, vt = np.linalg.svd(total)
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    return u @ vt


def mean_turn(parts: list[tuple[np.ndarray, np.ndarray]], near_T33: np.ndarray) -> np.ndarray:
    """Weighted mean of rotations by their turns from ``near_T33``: from one to another by way of that, so that two which
    are half a turn apart are blended in one way only.
    """
    back = np.swapaxes(near_T33, 1, 2)
    turns = sum(weight[:, None] * Rotation.from_matrix(back @ rotation).as_rotvec() for weight, rotation in parts)
    return near_T33 @ Rotation.from_rotvec(turns).as_matrix()


def calmed_steps(values_TK: np.ndarray, fastest: float) -> np.ndarray:
    """The values, smoothed over time around steps from frame to frame that are longer than ``fastest``: over as few frames
    as will do.
    """
    for sigma in (1.0, 1.5, 2.0, 3.0, 3.0, 3.0):
        excess = np.linalg.norm(np.diff(values_TK, axis=0), axis=1) / fastest - 1.0
        fast = np.clip(excess / 0.1, 0.0, 1.0)  # softly: what is hardly too fast is hardly changed
        if not fast.any():
            break
        near = np.zeros((len(values_TK), 1))
        near[1:, 0] = fast
        near[:-1, 0] = np.maximum(near[:-1, 0], fast)
        near = maximum_filter1d(near, 2 * round(2.0 * sigma) + 1, axis=0, mode="nearest")
        near = gaussian_filter1d(near, 0.7 * sigma, axis=0, mode="nearest")
        values_TK = values_TK + near * (gaussian_filter1d(values_TK, sigma, axis=0, mode="nearest") - values_TK)
    return values_TK


def calmed(rotations_T33: np.ndarray, fastest: float) -> np.ndarray:
    """The rotations, smoothed over time where they turn faster than about ``fastest`` radians a frame."""
    quaternions = Rotation.from_matrix(rotations_T33).as_quat()
    steps = np.einsum("ti,ti->t", quaternions[1:], quaternions[:-1])
    if (np.abs(steps) >= np.cos(0.5 * fastest)).all():
        return rotations_T33
    quaternions[1:] *= np.cumprod(np.where(steps < 0.0, -1.0, 1.0))[:, None]
    quaternions = unit(calmed_steps(quaternions, 2.0 * np.sin(0.25 * fastest)))
    return Rotation.from_quat(quaternions).as_matrix()


def over_the_top(turns_T3: np.ndarray) -> np.ndarray:
    """Rotation vectors that go on past half a turn instead of beginning from the other side, for a while: where a turn
    comes back, or goes no farther than :data:`_TOP`.
    """
    angle = np.linalg.norm(turns_T3, axis=1)
    flips = (np.einsum("ti,ti->t", turns_T3[1:], turns_T3[:-1]) < 0.0) & (angle[1:] + angle[:-1] > np.pi)
    edges = [0, *(np.flatnonzero(flips) + 1).tolist(), len(angle)]
    result, past = turns_T3.copy(), False
    for begin, end in zip(edges[1:-1], edges[2:], strict=True):
        past = not past and bool(angle[begin:end].min() > 2.0 * np.pi - _TOP)
        if past:
            result[begin:end] *= (1.0 - 2.0 * np.pi / angle[begin:end])[:, None]
    return result
