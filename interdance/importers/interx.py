"""Inter-X: couples as SMPL-X parameters with fingers and as optical skeletons, 120 frames per second, +Y up, no music.

Where a take has parameters they are read; the shape coefficients are those of the gendered models, and are used only for
``neutral``. Any other shape is fitted to the optical skeleton of the take, or left at the mean as the set's own code does.
A take that has skeletons alone is fitted joint by joint.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interdance.body.model import Body
from interdance.errors import InputError, naming
from interdance.files import atomic_path, write_npz
from interdance.importers.bodies import NUM_BODY, adopt, finger_tips, rest_of
from interdance.importers.convert import check_finite, make_motion, numbers, rows_of_joints, text
from interdance.importers.finding import nothing_found, refuse_pointer
from interdance.importers.floor import on_floor
from interdance.importers.listing import check_folders, lines_of, splits_of, subfolder, write_lines
from interdance.importers.source import Recording, Source, safe_name
from interdance.mocap.fit import fit_joints
from interdance.mocap.resample import resample
from interdance.pickles import read_npy_header, read_npz_entries, read_object_array
from interdance.takes import Duet, Motion

LAYOUT = """\
motions/<take>/P1.npz, P2.npz     SMPL-X: root_orient (T, 3), pose_body (T, 21, 3), pose_lhand and pose_rhand (T, 15, 3),
                                  trans (T, 3), betas (1, 10), gender; metres, +y up, 120 per second
skeletons/<take>/P1.npy, P2.npy   (T, 64, 3) joints of the optical system; enough where there are no motions
   <take> is G001T000A000R000: group, shot, action, part
annots/action_setting.txt         names of the actions, in order; annots/interaction_order.pkl: 0 P1 acts, 1 P2 acts
splits/train.txt, val.txt, test.txt; texts/<take>.txt"""

FPS = 120.0
NUM_OPTICAL = 64

_KEYS = ("root_orient", "pose_body", "pose_lhand", "pose_rhand", "trans", "betas", "gender")
_COUNTS = {"root_orient": 1, "pose_body": 21, "pose_lhand": 15, "pose_rhand": 15}
_PLACES = {"root_orient": slice(0, 1), "pose_body": slice(1, 22), "pose_lhand": slice(25, 40), "pose_rhand": slice(40, 55)}
_NAME = re.compile(r"G(?P<group>\d{3})T(?P<shot>\d{3})A(?P<action>\d{3})R(?P<part>\d{3})")
_SPLITS = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}
_PEOPLE = ("P1", "P2")
_TIPS = 66
_END = -1  # of a foot or the head: nothing that SMPL-X numbers
_OPTICAL = (
    0, 2, 5, 8, 11, _END, 1, 4, 7, 10, _END, 3, 9, 14, 17, 19, 21,
    46, 47, 48, 75, 49, 50, 51, 74, 43, 44, 45, 73, 40, 41, 42, 72, 52, 53, 54, 71, 13, 16, 18, 20,
    31, 32, 33, 70, 34, 35, 36, 69, 28, 29, 30, 68, 25, 26, 27, 67, 37, 38, 39, 66, 12, 15, _END,
)  # fmt: skip
"""SMPL-X number of each optical joint: hips, legs (right first), spine, right arm and fingers, left ones, neck, head.
66 to 75 are the ends of the fingers."""


def find(folder: Path, music: Path | None = None) -> tuple[list[Source], dict[str, str]]:
    """The takes of the set, sorted by name; who acts leads. There is no music. A take with one person is left out.

    Raises
    ------
    InputError
        For a missing folder, one without a take, or lists that cannot be read.
    """
    check_folders(folder, music)
    root = subfolder(folder, "motions").parent if folder.name == "motions" else subfolder(folder, "skeletons").parent
    actions = lines_of(root / "annots" / "action_setting.txt")
    orders = _orders(root / "annots" / "interaction_order.pkl")
    parts = splits_of((root / "splits", root / "datasets"), _SPLITS)
    found: list[Source] = []
    left_out: dict[str, str] = {}
    for take in sorted({path.name for kind in ("motions", "skeletons") for path in (root / kind).glob("*") if path.is_dir()}):
        kinds = [(root / kind / take, suffix) for kind, suffix in (("motions", ".npz"), ("skeletons", ".npy"))]
        couples = [[place / f"{person}{suffix}" for person in _PEOPLE] for place, suffix in kinds]
        files = next((paths for paths in couples if all(path.is_file() for path in paths)), None)
        if files is None:
            lacking = next(path for paths in couples for path in paths if path.parent.is_dir() and not path.is_file())
            left_out[take] = f"no {lacking.relative_to(root)}; both persons are needed"
            continue
        order = orders.get(take)
        leader, follower = files if order != 1 else reversed(files)
        facts: dict[str, Any] = {"split": parts[take]} if take in parts else {}
        facts["roles"] = "P1 leads: the set does not say who acts" if order is None else f"{leader.stem} leads: acts"
        if texts := lines_of(root / "texts" / f"{take}.txt"):
            facts["texts"] = texts
        genre = "unknown"
        if match := _NAME.fullmatch(take):
            number = int(match["action"])
            genre = _slug(actions[number]) if number < len(actions) else f"action_{number:03d}"
            facts |= {"group": int(match["group"]), "action": actions[number] if number < len(actions) else number}
        skeletons = tuple(path for path in couples[1] if path.is_file())
        found.append(Source(safe_name(take), genre, leader, follower, others=skeletons, facts=facts))
    if not found:
        raise nothing_found(folder, "motions/<take>/P1.npz and P2.npz, or skeletons/<take>/P1.npy and P2.npy", left_out)
    return found, left_out


def read(source: Source, body: Body) -> Recording:
    """Read both persons.

    Raises
    ------
    InputError
        For a damaged file, missing parameters, wrong shapes, or NaN in parameters (a NaN joint is a missing one).
    """
    if source.follower is None:
        raise InputError(f"{source.leader}: no second person; this set holds couples only")
    people = [_read_person(path, body) for path in (source.leader, source.follower)]
    motions = [motion for motion, _ in people]
    facts: dict[str, Any] = {"people": [fact for _, fact in people]}
    if any(fact["betas"] not in (_AS_PUBLISHED, _FITTED) for _, fact in people):
        motions, lifts = on_floor(motions, body)
        facts["raised_m"] = [round(lift, 4) for lift in lifts]
    return Recording(motions[0], motions[1], facts)


_AS_PUBLISHED = "as published, of the neutral model"
_FITTED = "fitted to the optical skeleton"


def _read_person(path: Path, body: Body) -> tuple[Motion, dict[str, Any]]:
    refuse_pointer(path)
    if path.suffix == ".npy":
        optical = _read_optical(path)
        known = [place for place, joint in enumerate(_OPTICAL) if joint != _END]
        with naming(path):
            fit = fit_joints(optical[:, known], [_OPTICAL[place] for place in known], body, FPS)
        return fit.motion, {"betas": _FITTED, "fit": {key: value for key, value in fit.summary().items() if key != "points"}}
    values = read_npz_entries(path, _KEYS)
    rotations = [_vectors(path, values, name, count) for name, count in _COUNTS.items()]
    num_frames = len(rotations[0])
    rotations_TJ3 = np.zeros((num_frames, 55, 3), np.float32)
    for (name, place), vectors in zip(_PLACES.items(), rotations, strict=True):
        if len(vectors) != num_frames:
            raise InputError(f"{path}: '{name}' has {len(vectors)} rows, 'root_orient' {num_frames}; equal numbers are needed")
        rotations_TJ3[:, place] = vectors
    betas = numbers(path, values, "betas") if values.get("betas") is not None else None
    gender = text(values.get("gender")).lower() or "neutral"
    facts: dict[str, Any] = {"gender": gender, "betas": _AS_PUBLISHED}
    motion = make_motion(path, rotations_TJ3, numbers(path, values, "trans"), betas, FPS)
    if gender == "neutral":
        return motion, facts
    facts["betas_of_model"] = [float(value) for value in motion.betas]
    optical_path = path.parent.parent.parent / "skeletons" / path.parent.name / f"{path.stem}.npy"
    fitted = _on_skeleton(optical_path, motion, body) if optical_path.is_file() else None
    if fitted is not None:
        return fitted, facts | {"betas": _FITTED}
    return make_motion(path, rotations_TJ3, motion.translation_T3, None, FPS), facts | {
        "betas": f"zero: published for the {gender} model"
    }


def _on_skeleton(path: Path, motion: Motion, body: Body) -> Motion | None:
    """The motion with the lengths of the take's optical skeleton and its hips in place; None when they do not match."""
    optical = _read_optical(path)
    if len(optical) != motion.num_frames:
        return None
    joints_TK3 = np.full((len(optical), NUM_BODY, 3), np.nan)
    for place, joint in enumerate(_OPTICAL):
        if 0 <= joint < NUM_BODY:
            joints_TK3[:, joint] = optical[:, place]
    joints_TK3[:, 6] = (joints_TK3[:, 3] + joints_TK3[:, 9]) / 2  # the optical spine has one joint less
    whole = np.isfinite(joints_TK3).all(axis=(1, 2))
    if not whole.all():
        return None
    rest_K3, spread = rest_of(joints_TK3, motion.rotations_TJ3)
    if spread > _SPREAD_M:
        return None
    return adopt(motion.rotations_TJ3, joints_TK3[:, 0], rest_K3, body, motion.fps)


_SPREAD_M = 0.05
"""Optical joints and fitted rotations farther apart than this do not belong together."""


def _read_optical(path: Path) -> np.ndarray:
    """Optical joints (T, 64, 3), metres. Raises :class:`InputError` for another shape, or no whole joint at all."""
    header = read_npy_header(path)
    if len(header.shape) != 3 or header.shape[1:] != (NUM_OPTICAL, 3) or not header.shape[0] or header.dtype.kind != "f":
        raise InputError(
            f"{path}: holds {header.dtype} of shape {header.shape}; (frames, {NUM_OPTICAL}, 3) of numbers is needed"
        )
    joints = np.array(np.load(path, allow_pickle=False), np.float32)
    joints[~np.isfinite(joints).all(axis=2)] = np.nan
    if np.isnan(joints).all():
        raise InputError(f"{path}: no joint in it is a number; download it again")
    return joints


def _vectors(path: Path, values: dict[str, Any], name: str, count: int) -> np.ndarray:
    array = numbers(path, values, name)
    joints = rows_of_joints(path, name, array[:, None] if array.ndim == 2 and array.shape[1] == 3 else array)
    if joints.shape[1] != count:
        raise InputError(f"{path}: '{name}' has rotations of {joints.shape[1]} joints; {count} are needed")
    check_finite(path, f"'{name}'", joints)
    return joints


def _orders(path: Path) -> dict[str, int]:
    """Name of a take -> 0 when P1 acts, 1 when P2 does; empty when the set's list is not there."""
    if not path.is_file():
        return {}
    orders = read_object_array(path)
    if not isinstance(orders, dict):
        raise InputError(f"{path}: holds {type(orders).__name__}, not a dict of takes; download it again")
    return {str(take): int(order) for take, order in orders.items() if isinstance(order, int | np.integer)}


def _slug(action: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", action.lower()).strip("_") or "unknown"


def write(folder: Path, duets: Sequence[Duet], body: Body) -> None:
    """Write couples at 120 frames per second, parameters and skeletons; the leader is P1 and acts.

    A duet whose name is no published one gets one: its group is 001, the shot counts, the action is its genre. The ends
    of feet and head, which SMPL-X does not number, are the last bone once more.
    """
    actions = sorted({duet.genre for duet in duets})
    orders: dict[str, int] = {}
    splits: dict[str, list[str]] = {}
    for shot, duet in enumerate(duets):
        if duet.follower is None:
            raise InputError(f"{duet.name}: no follower; this set holds couples only")
        take = f"G001T{shot:03d}A{actions.index(duet.genre):03d}R000"
        for person, motion in zip(_PEOPLE, (duet.leader, duet.follower), strict=True):
            moved = resample(motion, FPS)
            parameters = {name: moved.rotations_TJ3[:, place].astype(np.float32) for name, place in _PLACES.items()}
            parameters["root_orient"] = parameters["root_orient"][:, 0]
            write_npz(
                folder / "motions" / take / f"{person}.npz",
                **parameters,
                trans=moved.translation_T3.astype(np.float32),
                betas=moved.betas[None].astype(np.float32),
                gender=np.array("neutral"),
            )
            skeleton = folder / "skeletons" / take / f"{person}.npy"
            with atomic_path(skeleton) as temporary, temporary.open("wb") as stream:
                np.save(stream, _optical_of(moved, body), allow_pickle=False)
        orders[take] = 0
        splits.setdefault(str(duet.facts.get("split", "")), []).append(take)
        write_lines(folder / "texts" / f"{take}.txt", duet.facts.get("texts") or [f"Two people dance a {duet.genre}."])
    write_lines(folder / "annots" / "action_setting.txt", actions)
    with atomic_path(folder / "annots" / "interaction_order.pkl") as temporary:
        temporary.write_bytes(pickle.dumps(orders, protocol=4))
    for part, file in _SPLITS.items():
        if part in splits:
            write_lines(folder / "splits" / file, splits[part])


def _optical_of(motion: Motion, body: Body) -> np.ndarray:
    """Joints (T, 64, 3) in the optical order."""
    places = dict(enumerate(body.joints(motion).swapaxes(0, 1)))
    places |= {_TIPS + index: tip for index, tip in enumerate(finger_tips(motion, body).swapaxes(0, 1))}
    result = np.empty((motion.num_frames, NUM_OPTICAL, 3), np.float32)
    for place, joint in enumerate(_OPTICAL):
        result[:, place] = places[joint] if joint != _END else 2 * result[:, place - 1] - result[:, place - 2]
    return result
