"""What importers share: other rotations, other axes, other joints than ours, and the checks that every file must pass.

Every function takes ``path`` where it can find a defect, so that the message names the file. Motions of SMPL-X turn about
the pelvis of the T-pose and are shifted afterwards: whoever turns the world must take the place of that pelvis along
(:func:`turn`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from interdance.body.model import Body
from interdance.body.rotations import vectors_torch
from interdance.body.skeleton import INDEX, NUM_JOINTS
from interdance.errors import InputError
from interdance.pickles import read_object_array
from interdance.takes import NUM_BETAS, Motion

SixD = Literal["rows", "columns"]
"""Which part of a rotation matrix six numbers are: its first two rows, one after the other (``pytorch3d``, and what
dance code takes from it), or its first two columns (InterGen and HumanML3D)."""

Y_UP_FROM_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Turns (x, y, z) with +z up into (x, z, -y) with +y up; its transpose turns back."""

FARTHEST = 100.0
"""Metres from the origin beyond which a translation is not in metres."""
WILDEST, ODDEST = 100.0, 50.0
"""Radians of an axis-angle vector beyond which it is not in radians; standard deviations beyond which a shape is none."""
STANCE_FRAMES = 64
"""Frames in which it is looked which way the body stands."""
MAX_TEXT = 200
"""Characters of a string in a file that are kept."""
LEAST_ACROSS = 1e-6
"""Length of a vector of a 6D rotation below which it has no direction."""

_SMPL_HANDS = 24
_BODY = 22
_SMPL_H = 52


# -------------------------------------------------------------------------------------------------------------- rotations


def vectors_from_6d(path: Path, six: np.ndarray, order: SixD) -> np.ndarray:
    """Axis-angle vectors (..., 3), float32, of rotations as six numbers (..., 6), made orthonormal as Gram-Schmidt does.

    Raises :class:`InputError` where the two vectors are zero, parallel or not finite.
    """
    six = np.asarray(six, np.float64)
    first, second = six[..., :3], six[..., 3:]
    length = np.linalg.norm(first, axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = first / length
        second = second - (first * second).sum(axis=-1, keepdims=True) * first
        across = np.linalg.norm(second, axis=-1, keepdims=True)
        second = second / across
    bad = ~((length > LEAST_ACROSS) & (across > LEAST_ACROSS))[..., 0]
    if bad.any():
        frame = int(np.argwhere(bad)[0][0]) if bad.ndim else 0
        raise InputError(f"{path}: six numbers that are no rotation at frame {frame}; repair or cut that frame")
    matrix = np.stack([first, second, np.cross(first, second)], axis=-2 if order == "rows" else -1)
    return vectors_torch(torch.from_numpy(matrix)).numpy().astype(np.float32)


def vectors_to_6d(vectors: np.ndarray, order: SixD) -> np.ndarray:
    """Six numbers (..., 6), float32, of axis-angle vectors (..., 3) in radians."""
    vectors = np.asarray(vectors, np.float64)
    matrix = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix()
    chosen = matrix[:, :2] if order == "rows" else matrix[:, :, :2].transpose(0, 2, 1)
    return chosen.reshape(*vectors.shape[:-1], 6).astype(np.float32)


def vectors_from_quaternions(path: Path, quaternions: np.ndarray, *, scalar_first: bool) -> np.ndarray:
    """Axis-angle vectors (..., 3), float32, of quaternions (..., 4) of any length but zero.

    Raises :class:`InputError` where one is zero or not finite.
    """
    quaternions = np.asarray(quaternions, np.float64)
    bad = ~(np.linalg.norm(quaternions, axis=-1) > LEAST_ACROSS)
    if bad.any():
        frame = int(np.argwhere(bad)[0][0])
        raise InputError(f"{path}: a quaternion that is no rotation at frame {frame}; repair or cut that frame")
    turns = Rotation.from_quat(quaternions.reshape(-1, 4), scalar_first=scalar_first)
    return turns.as_rotvec().reshape(*quaternions.shape[:-1], 3).astype(np.float32)


def vectors_from_matrices(path: Path, matrices: np.ndarray) -> np.ndarray:
    """Axis-angle vectors (..., 3), float32, of rotation matrices (..., 3, 3).

    Raises :class:`InputError` where one is no rotation (its rows are off by more than 0.01, or it mirrors).
    """
    matrices = np.asarray(matrices, np.float64)
    product = matrices @ np.swapaxes(matrices, -1, -2)
    off = np.abs(product - np.eye(3)).max(axis=(-1, -2))
    bad = ~((off < 0.01) & (np.linalg.det(matrices) > 0))
    if bad.any():
        frame = int(np.argwhere(bad)[0][0])
        raise InputError(f"{path}: a matrix that is no rotation at frame {frame}; repair or cut that frame")
    return vectors_from_6d(path, matrices[..., :2, :].reshape(*matrices.shape[:-2], 6), "rows")


# ------------------------------------------------------------------------------------------------------------------- axes


def turn(motion: Motion, matrix: np.ndarray, body: Body) -> Motion:
    """The same dance in a world turned by ``matrix`` (3, 3): every joint goes to ``matrix @ joint``.

    SMPL-X puts a joint at ``R (joint - pelvis) + pelvis + transl`` with ``pelvis`` that of the T-pose of ``body``: the
    orientation is turned, and the translation becomes ``matrix @ (transl + pelvis) - pelvis``.
    """
    pelvis = body.rest_joints(motion.betas)[0].astype(np.float64)
    rotations_TJ3 = np.array(motion.rotations_TJ3, np.float32)
    rotations_TJ3[:, 0] = turn_vectors(motion.rotations_TJ3[:, 0], matrix)
    translation_T3 = (motion.translation_T3 + pelvis) @ np.asarray(matrix, np.float64).T - pelvis
    return Motion(rotations_TJ3, translation_T3.astype(np.float32), motion.betas, motion.fps)


def y_up(motion: Motion, body: Body) -> Motion:
    """A dance of a world with +z up in ours."""
    return turn(motion, Y_UP_FROM_Z_UP, body)


def z_up(motion: Motion, body: Body) -> Motion:
    """A dance of ours in a world with +z up."""
    return turn(motion, Y_UP_FROM_Z_UP.T, body)


def turn_vectors(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """World orientations (T, 3) as axis-angle in a world turned by ``matrix`` (3, 3); float32."""
    turned = Rotation.from_matrix(matrix) * Rotation.from_rotvec(np.asarray(vectors, np.float64))
    return turned.as_rotvec().astype(np.float32)


def turn_positions(positions: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Positions (..., 3) in a world turned by ``matrix`` (3, 3); float32."""
    return (np.asarray(positions, np.float32) @ np.asarray(matrix, np.float32).T).astype(np.float32)


def upright(motion: Motion, body: Body) -> Motion:
    """A dance of a world with +z up in ours; one whose body stands along +y, as other tools write it, as it is."""
    chosen = np.linspace(0, motion.num_frames - 1, min(STANCE_FRAMES, motion.num_frames)).astype(int)
    some = Motion(motion.rotations_TJ3[chosen], motion.translation_T3[chosen], motion.betas, motion.fps)
    return y_up(motion, body) if stands_along_z(body.joints(some)) else motion


def stands_along_z(joints_TJ3: np.ndarray) -> bool:
    """Whether joints (T, >= 22, 3) are of a world with +z up: always but where heads are above ankles along +y on average."""
    ankles = joints_TJ3[:, [INDEX["left_ankle"], INDEX["right_ankle"]]].mean(axis=1, dtype=np.float64)
    _, y, z = (joints_TJ3[:, INDEX["head"]] - ankles).mean(axis=0)
    return not y > abs(z)


def translation_of(pelvis_T3: np.ndarray, betas: np.ndarray, body: Body) -> np.ndarray:
    """SMPL-X ``transl`` (T, 3), float32, that puts the pelvis of ``body`` at ``pelvis_T3``, metres."""
    return (np.asarray(pelvis_T3, np.float64) - body.rest_joints(betas)[0]).astype(np.float32)


def pelvis_of(motion: Motion, body: Body) -> np.ndarray:
    """Where the pelvis is (T, 3), float32, metres."""
    return np.asarray(motion.translation_T3 + body.rest_joints(motion.betas)[0], np.float32)


# ----------------------------------------------------------------------------------------------------------------- joints


def smplx_rotations(path: Path, rotations_TK3: np.ndarray) -> np.ndarray:
    """Rotations (T, 55, 3), float32, of all SMPL-X joints from those of fewer.

    ==  ================================================================================================================
    K   joints
    ==  ================================================================================================================
    22  of the body, as SMPL-X has them
    24  of SMPL: the last two turn a rigid hand, which SMPL-X does not have; they are left out
    52  of SMPL-H: 22 of the body, 15 of the left hand, 15 of the right
    55  of SMPL-X
    ==  ================================================================================================================

    What is lacking is zero. Raises :class:`InputError` for any other number.
    """
    num_frames, count = rotations_TK3.shape[:2]
    if count not in (_BODY, _SMPL_HANDS, _SMPL_H, NUM_JOINTS):
        raise InputError(f"{path}: rotations of {count} joints; 22, 24 (SMPL), 52 (SMPL-H) or 55 (SMPL-X) are needed")
    if count == NUM_JOINTS:
        return np.asarray(rotations_TK3, np.float32)
    result = np.zeros((num_frames, NUM_JOINTS, 3), np.float32)
    result[:, :_BODY] = rotations_TK3[:, :_BODY]
    if count == _SMPL_H:
        result[:, NUM_JOINTS - 30 :] = rotations_TK3[:, _BODY:]
    return result


def smplh_rotations(rotations_TJ3: np.ndarray) -> np.ndarray:
    """Rotations (T, 52, 3) of the joints that SMPL-H has, of those of SMPL-X (T, 55, 3): jaw and eyes are left out."""
    return np.concatenate([rotations_TJ3[:, :_BODY], rotations_TJ3[:, NUM_JOINTS - 30 :]], axis=1)


# ------------------------------------------------------------------------------------------------------------------ floor


# ----------------------------------------------------------------------------------------------------------------- checks


def text(value: Any) -> str:
    """What a string of a file says, whether it came as bytes, as an array or as an object; "" for anything else."""
    try:
        item = value.item() if isinstance(value, np.ndarray | np.generic) and value.size == 1 else value
    except (ValueError, SystemError):  # characters that are none
        return ""
    if isinstance(item, bytes):
        item = item.decode("utf-8", "replace")
    return item[:MAX_TEXT] if isinstance(item, str) else ""


def read_dict(path: Path, wanted: str) -> dict[str, Any]:
    """The dict that a pickle holds, bare or in an array of one element; ``wanted`` says what should be in it.

    Raises :class:`InputError` as :func:`interdance.pickles.read_object_array` does, and when it holds something else.
    """
    values = read_object_array(path)
    if isinstance(values, np.ndarray) and values.dtype.hasobject and values.size == 1:
        values = values.reshape(-1)[0]
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds a pickled {type(values).__name__}; a dict with {wanted} is needed")
    return values


def numbers(path: Path, values: Mapping[str, Any], *names: str) -> np.ndarray:
    """The first of the named entries that is there, as an array of real numbers.

    Raises :class:`InputError` when none is there, or it is no array of numbers.
    """
    name = next((name for name in names if values.get(name) is not None), None)
    if name is None:
        known = ", ".join(sorted(map(str, values))[:12]) or "nothing"
        raise InputError(f"{path}: no '{names[0]}' in it (it holds: {known}); write the parameters under the published names")
    try:
        array = np.asarray(values[name])
    except ValueError:
        raise InputError(f"{path}: '{name}' has rows of different lengths; write an array") from None
    if array.dtype.kind not in "fiu":
        raise InputError(f"{path}: '{name}' holds {array.dtype}, not numbers")
    return array


def rows_of_joints(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    """``array`` as (T, K, 3), whether it was (T, K * 3) or (T, K, 3).

    Raises :class:`InputError` when it is neither, or holds no frame.
    """
    if array.ndim == 2 and array.shape[1] % 3 == 0 and array.shape[1] > 3:
        array = array.reshape(len(array), -1, 3)
    if array.ndim != 3 or array.shape[2] != 3:
        raise InputError(f"{path}: '{name}' has shape {array.shape}; a row of three numbers per joint and frame is needed")
    if len(array) == 0:
        raise InputError(f"{path}: '{name}' holds no frames; copy the file again")
    return array


def make_motion(path: Path, rotations_TJ3: np.ndarray, translation: np.ndarray, betas: np.ndarray | None, fps: float) -> Motion:
    """A motion of checked parameters.

    Parameters
    ----------
    path : Path
        The file, for messages.
    rotations_TJ3 : (T, 55, 3)
        Axis-angle, radians.
    translation : (T, 3), or any shape of as many numbers with a last axis of 3
        SMPL-X ``transl``, metres.
    betas : (n,), (1, n), (T, n) or None
        Shape coefficients; of several rows the mean is taken, of more than ten the first ten, None are zeros.
    fps : float
        Frames per second.

    Raises
    ------
    InputError
        For another shape, NaN or infinity, another number of rows, numbers beyond :data:`FARTHEST` and :data:`WILDEST`, an
        impossible rate.
    """
    num_frames = len(rotations_TJ3)
    if rotations_TJ3.shape != (num_frames, NUM_JOINTS, 3) or num_frames == 0:
        raise InputError(f"{path}: rotations of shape {rotations_TJ3.shape}; (frames, {NUM_JOINTS}, 3) is needed")
    translation = np.asarray(translation)
    if translation.size != num_frames * 3 or translation.shape[-1:] != (3,):
        raise InputError(f"{path}: a translation of shape {translation.shape}; ({num_frames}, 3) is needed, a row per pose")
    translation_T3 = translation.reshape(num_frames, 3).astype(np.float32)
    for name, array in (("the rotations", rotations_TJ3), ("the translation", translation_T3)):
        check_finite(path, name, array)
    wildest = float(np.abs(rotations_TJ3).max())
    if wildest > WILDEST:
        raise InputError(f"{path}: the rotations go to {wildest:.0f}; axis-angle vectors in radians are needed")
    farthest = float(np.abs(translation_T3).max())
    if farthest > FARTHEST:
        raise InputError(f"{path}: the translation goes to {farthest:.0f}; metres are needed, {FARTHEST:.0f} at most")
    if not 1.0 <= fps <= 1000.0:
        raise InputError(f"{path}: {fps:g} frames per second; a number between 1 and 1000 is needed")
    return Motion(np.asarray(rotations_TJ3, np.float32), translation_T3, shape_of(path, betas), float(fps))


def check_finite(path: Path, name: str, array: np.ndarray) -> None:
    """Raise :class:`InputError` that names the first frame of ``array`` (T, ...) with NaN or infinity."""
    bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    if bad.any():
        raise InputError(f"{path}: NaN or infinity in {name} at frame {int(bad.argmax())}; repair or cut that frame")


def shape_of(path: Path, betas: np.ndarray | None) -> np.ndarray:
    """The ten shape coefficients (10,), float32, of whatever a file holds; see :func:`make_motion`."""
    shape = np.zeros(NUM_BETAS, np.float32)
    if betas is None:
        return shape
    betas = np.asarray(betas)
    if betas.size == 0 or betas.ndim not in (1, 2):
        raise InputError(f"{path}: shape coefficients of shape {betas.shape}; ten in a row are needed, or none")
    mean = np.atleast_2d(betas).mean(axis=0, dtype=np.float64)[:NUM_BETAS]
    if not np.isfinite(mean).all():
        raise InputError(f"{path}: NaN or infinity in the shape coefficients; write ten numbers, zeros if unknown")
    if np.abs(mean).max() > ODDEST:
        raise InputError(f"{path}: shape coefficients up to {np.abs(mean).max():.3g}; standard deviations are needed")
    shape[: len(mean)] = mean
    return shape
