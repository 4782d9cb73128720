"""Archives of motion in the manner of AMASS: SMPL-X or SMPL-H parameters in a ``.npz``, read without what else is in it.

Confirmed from public loaders of AMASS: ``poses``, ``trans``, ``betas``, ``gender`` and ``mocap_frame_rate``
(``mocap_framerate`` in the older SMPL-H files), +z up, metres. SMPL-X files add the parts of ``poses`` and tables of
markers, one of them pickled, which are not opened.

SMPL and SMPL-H are another body: its shape coefficients mean nothing to SMPL-X and are kept among the facts, its limbs are
taken for those of the mean body, put on ours by :func:`interdance.importers.bodies.adopt`, and set on the floor.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from interdance.body.model import Body
from interdance.body.skeleton import NUM_JOINTS
from interdance.errors import InputError
from interdance.files import write_npz
from interdance.importers.bodies import SMPL_REST, adopt, release, with_relaxed_hands
from interdance.importers.convert import (
    STANCE_FRAMES,
    Y_UP_FROM_Z_UP,
    check_finite,
    make_motion,
    numbers,
    rows_of_joints,
    smplh_rotations,
    smplx_rotations,
    stands_along_z,
    text,
    turn_vectors,
    upright,
    z_up,
)
from interdance.importers.finding import refuse_pointer
from interdance.importers.floor import on_floor
from interdance.pickles import read_npz_entries
from interdance.takes import Motion

Kind = Literal["smplx", "smplh"]

WITH_FINGERS = 52
"""Joints from which on a file has those of the fingers."""

_WANTED = ("poses", "trans", "betas", "gender", "mocap_frame_rate", "mocap_framerate", "surface_model_type")
_MODELS = {22: "smpl", 24: "smpl", 52: "smplh", NUM_JOINTS: "smplx"}
_PARTS = {
    "root_orient": slice(0, 3),
    "pose_body": slice(3, 66),
    "pose_jaw": slice(66, 69),
    "pose_eye": slice(69, 75),
    "pose_hand": slice(75, 165),
}


def read_archive(path: Path, body: Body) -> tuple[Motion, dict[str, Any]]:
    """Read one dancer.

    A body that stands along +y, as files of other tools have it, is taken as it is; all others have +z up.

    Parameters
    ----------
    path : Path
        ``poses`` of 55 joints (SMPL-X), 52 (SMPL-H), 24 (SMPL) or 22 (of the body), (T, K * 3) or (T, K, 3); ``trans`` and
        a frame rate; perhaps ``betas``, ``gender`` and ``surface_model_type``.
    body : Body
        About whose pelvis SMPL-X parameters turn.

    Returns
    -------
    motion : Motion
        +Y up, at the rate of the file.
    facts : dict
        ``gender`` and ``model`` of the file; ``fingers`` when it has none; of another model than SMPL-X its
        ``betas_of_model``, and ``raised_m``, by which the dancer was raised to stand on the floor.

    Raises
    ------
    InputError
        For a file without the parameters, of another number of joints, with NaN, without a frame rate, or damaged.
    """
    refuse_pointer(path)
    values = read_npz_entries(path, _WANTED)
    poses = rows_of_joints(path, "poses", numbers(path, values, "poses"))
    rotations_TJ3 = smplx_rotations(path, poses)
    translation = numbers(path, values, "trans")
    betas = numbers(path, values, "betas") if "betas" in values else None
    rate = numbers(path, values, "mocap_frame_rate", "mocap_framerate")
    fps = float(rate.reshape(-1)[0]) if rate.size else float("nan")
    model = text(values.get("surface_model_type")) or _MODELS[poses.shape[1]]
    facts: dict[str, Any] = {"gender": text(values.get("gender")) or "unknown", "model": model}
    if poses.shape[1] < WITH_FINGERS:
        rotations_TJ3 = with_relaxed_hands(rotations_TJ3)
        facts["fingers"] = "relaxed, not captured"
    if model.startswith("smplx"):
        return upright(make_motion(path, rotations_TJ3, translation, betas, fps), body), facts
    checked = make_motion(path, rotations_TJ3, translation, None, fps)
    some = checked[:: max(1, checked.num_frames // STANCE_FRAMES)]
    is_z_up = stands_along_z(body.joints(_from_smpl(some, np.eye(3), body)))
    motion = _from_smpl(checked, Y_UP_FROM_Z_UP if is_z_up else np.eye(3), body)
    (motion,), (lift,) = on_floor([motion], body)
    facts["raised_m"] = round(lift, 4)
    if betas is not None and np.size(betas):
        if np.ndim(betas) > 2:
            raise InputError(f"{path}: 'betas' have shape {np.shape(betas)}; (16,) or a row per frame is needed, save it again")
        shape = np.atleast_2d(betas)[0, :16]
        check_finite(path, "the shape coefficients", shape[None])
        facts["betas_of_model"] = [float(value) for value in shape]
    return motion, facts


def _from_smpl(motion: Motion, axes: np.ndarray, body: Body) -> Motion:
    """The dance of SMPL's mean body in a world turned by ``axes`` (3, 3) on the loaded body."""
    rotations_TJ3 = np.array(motion.rotations_TJ3)
    rotations_TJ3[:, 0] = turn_vectors(motion.rotations_TJ3[:, 0], axes)
    pelvis_T3 = (motion.translation_T3 + SMPL_REST[0]) @ axes.T
    return adopt(rotations_TJ3, pelvis_T3, SMPL_REST, body, motion.fps)


def write_archive(
    path: Path, motion: Motion, body: Body, kind: Kind = "smplx", *, is_z_up: bool = True, gender: str = "neutral"
) -> None:
    """Write one dancer; angles and metres are float32.

    Parameters
    ----------
    kind : str
        ``smplx`` with 55 joints and the keys of the SMPL-X release, or ``smplh`` with 52, zeros for the shape (which the
        models do not share) and the keys of the SMPL-H release.
    is_z_up : bool
        As AMASS is published; False leaves +y up.
    """
    turned = z_up(motion, body) if is_z_up else motion
    count = turned.num_frames
    if kind == "smplh":
        rotations_TJ3, pelvis_T3 = release(turned, SMPL_REST, body)
        arrays = {
            "mocap_framerate": np.array(turned.fps, np.float64),
            "trans": (pelvis_T3 - SMPL_REST[0]).astype(np.float32),
            "poses": smplh_rotations(rotations_TJ3).reshape(count, -1).astype(np.float32),
            "betas": np.zeros(16, np.float32),
            "dmpls": np.zeros((count, 8), np.float32),
        }
    else:
        poses = turned.rotations_TJ3.reshape(count, -1).astype(np.float32)
        arrays = {
            "surface_model_type": np.array("smplx"),
            "mocap_frame_rate": np.array(turned.fps, np.float64),
            "mocap_time_length": np.array(count / turned.fps, np.float64),
            "trans": turned.translation_T3.astype(np.float32),
            "poses": poses,
            "betas": np.concatenate([turned.betas, np.zeros(6)]).astype(np.float32),
            "num_betas": np.array(16),
            **{name: poses[:, part] for name, part in _PARTS.items()},
        }
    write_npz(path, gender=np.array(gender), **arrays)
