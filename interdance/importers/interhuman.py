"""InterHuman (the set of InterGen): couples as SMPL-H parameters, about 60 frames per second, +Z up, no music.

The shape coefficients are those of SMPL-H and mean nothing to SMPL-X. The processed files beside them hold where the
joints are: with the rotations they tell the whole skeleton of each person, to which a shape of our body is fitted.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.files import atomic_path
from interdance.importers.bodies import (
    NUM_BODY,
    SMPL_REST,
    adopt,
    finger_tips,
    rest_of,
    root_of,
    with_relaxed_hands,
)
from interdance.importers.convert import (
    Y_UP_FROM_Z_UP,
    check_finite,
    make_motion,
    numbers,
    pelvis_of,
    rows_of_joints,
    smplx_rotations,
    text,
    vectors_from_6d,
    vectors_to_6d,
    z_up,
)
from interdance.importers.finding import nothing_found, refuse_pointer
from interdance.importers.floor import on_floor
from interdance.importers.listing import check_folders, ignored_in, lines_of, splits_of, subfolder, write_lines
from interdance.importers.source import Recording, Source, safe_name
from interdance.mocap.resample import resample
from interdance.pickles import read_npy_header, read_object_array
from interdance.takes import Duet, Motion

LAYOUT = """\
motions/<take>.pkl         mocap_framerate (59.94), frames, person1 and person2: trans (T, 3), root_orient (T, 3),
                           pose_body (T, 63), betas, gender; SMPL-H, metres, +z up
motions_processed/person1/<take>.npy, person2/<take>.npy   (T / 2, 492): 62 joints, then 51 rotations of 6 numbers;
                           they tell the skeletons, and are enough where there are no motions
annots/<take>.txt          descriptions, one a line
split/train.txt, val.txt, test.txt; ignore_list.txt   here or in split/"""

PERSONS = ("person1", "person2")
SPLITS = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}

_PROCESSED_FPS = 30.0
_PLACES = 62
_SKELETON_FRAMES = 96
_ROLES = {
    "roles": "person1 leads: the set tells no roles",
    "betas": "fitted to the skeletons",
    "fingers": "relaxed: not captured",
}
_FROM_JOINTS = "from the processed joints"
_SPREAD_M = 0.02
"""Places and rotations farther apart than this do not belong together."""


def find(folder: Path, music: Path | None = None) -> tuple[list[Source], dict[str, str]]:
    """The takes of the set, sorted by name, without those that its ``ignore_list.txt`` names; there is no music.

    Raises
    ------
    InputError
        For a missing folder, or one without a take.
    """
    check_folders(folder, music)
    motions = subfolder(folder, "motions")
    root = motions.parent
    lists = (root / "split", root)
    ignored = ignored_in(lists)
    parts = splits_of(lists, SPLITS)
    processed = [{path.stem: path for path in (root / "motions_processed" / person).glob("*.npy")} for person in PERSONS]
    raw = {path.stem: path for path in motions.glob("*.pkl")}
    found: list[Source] = []
    left_out: dict[str, str] = {}
    for take in sorted({*raw, *processed[0], *processed[1]}):
        if take in ignored:
            left_out[take] = "in the set's ignore_list.txt"
            continue
        facts: dict[str, Any] = {"split": parts[take]} if take in parts else {}
        if texts := lines_of(root / "annots" / f"{take}.txt"):
            facts["texts"] = texts
        if take in raw:
            skeletons = tuple(files[take] for files in processed if take in files)
            found.append(Source(safe_name(take), "unknown", raw[take], others=skeletons, facts=facts))
        elif all(take in files for files in processed):
            found.append(Source(safe_name(take), "unknown", processed[0][take], processed[1][take], facts=facts))
        else:
            left_out[take] = "one person alone in motions_processed; both are needed"
    if not found:
        raise nothing_found(folder, "motions/<take>.pkl, or motions_processed/person1/<take>.npy and person2", left_out)
    return found, left_out


def read(source: Source, body: Body) -> Recording:
    """Read both persons; the first is the leader, since the set tells no roles.

    Raises
    ------
    InputError
        For a damaged or hostile pickle, a missing person or parameter, wrong shapes, NaN, or an impossible rate.
    """
    path = source.leader
    refuse_pointer(path)
    if source.follower is not None:
        motions = [_read_processed(file, body) for file in (path, source.follower)]
        (leader, follower), lifts = on_floor(motions, body, together=True)
        return Recording(leader, follower, _ROLES | {"skeletons": [_FROM_JOINTS] * 2} | _raised(lifts))
    values = read_object_array(path)
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds {type(values).__name__}, not the dict of a take; download it again")
    rate = numbers(path, values, "mocap_framerate").reshape(-1)
    fps = float(rate[0]) if rate.size else float("nan")
    motions, skeletons, shapes = [], [], []
    for person in PERSONS:
        if not isinstance(values.get(person), dict):
            raise InputError(f"{path}: no '{person}' in it; both persons of a take are needed, download it again")
        processed = path.parent.parent / "motions_processed" / person / f"{path.stem}.npy"
        motion, skeleton = _read_person(path, person, values[person], processed, fps, body)
        motions.append(motion)
        skeletons.append(skeleton)
        betas = values[person].get("betas")
        shapes.append(None if betas is None else np.asarray(numbers(path, values[person], "betas"), float).reshape(-1)[:16])
    exact = all(skeleton == _FROM_JOINTS for skeleton in skeletons)
    (leader, follower), lifts = on_floor(motions, body, together=exact)
    facts = {
        "skeletons": skeletons,
        "genders": [text(values[person].get("gender")) or "unknown" for person in PERSONS],
        "betas_of_smplh": [None if shape is None else [float(x) for x in np.nan_to_num(shape)] for shape in shapes],
    }
    return Recording(leader, follower, _ROLES | facts | _raised(lifts))


def _raised(lifts: list[float]) -> dict[str, Any]:
    return {"raised_m": [round(lift, 4) for lift in lifts]}


def _read_person(
    path: Path, person: str, values: dict[Any, Any], processed: Path, fps: float, body: Body
) -> tuple[Motion, str]:
    """One person's motion, and how the skeleton was found."""
    root_T13 = _vectors(path, values, "root_orient", 1)
    pose_TK3 = _vectors(path, values, "pose_body", NUM_BODY - 1)
    if len(root_T13) != len(pose_TK3):
        raise InputError(
            f"{path}: 'root_orient' of {person} has {len(root_T13)} rows and 'pose_body' {len(pose_TK3)}; equal numbers"
            " are needed"
        )
    rotations_TJ3 = with_relaxed_hands(smplx_rotations(path, np.concatenate([root_T13, pose_TK3], axis=1)))
    checked = make_motion(path, rotations_TJ3, numbers(path, values, "trans"), None, fps)
    rest_K3, offset, skeleton = SMPL_REST, SMPL_REST[0], "the mean one of SMPL-H: no processed joints"
    if processed.is_file():
        rest_K3, offset, skeleton = _skeleton(processed, checked)
    return _stand_up(checked.rotations_TJ3, checked.translation_T3 + offset, rest_K3, fps, body), skeleton


def _stand_up(rotations_TJ3: np.ndarray, pelvis_T3: np.ndarray, rest_K3: np.ndarray, fps: float, body: Body) -> Motion:
    """The motion on our body, in our world."""
    turned_TJ3 = np.array(rotations_TJ3)
    turned_TJ3[:, 0] = (Rotation.from_matrix(Y_UP_FROM_Z_UP) * Rotation.from_rotvec(turned_TJ3[:, 0])).as_rotvec()
    return adopt(turned_TJ3, pelvis_T3 @ Y_UP_FROM_Z_UP.T, rest_K3, body, fps)


def _read_processed(path: Path, body: Body) -> Motion:
    """A person of whom there are processed joints and rotations alone: how the pelvis is turned is told from both."""
    refuse_pointer(path)
    width = 3 * _PLACES + 6 * (NUM_BODY - 1)
    _num_rows(path, width)
    rows = np.array(np.load(path, allow_pickle=False)[:, :width], np.float64)
    check_finite(path, "the joints and rotations", rows)
    joints_TK3 = rows[:, : 3 * NUM_BODY].reshape(-1, NUM_BODY, 3)
    six = rows[:, 3 * _PLACES :].reshape(-1, NUM_BODY - 1, 3, 2).swapaxes(-1, -2)
    pose_TK3 = vectors_from_6d(path, six.reshape(*six.shape[:2], 6), "columns")
    vectors = np.concatenate([root_of(joints_TK3, pose_TK3)[:, None], pose_TK3], axis=1)
    rotations_TJ3 = with_relaxed_hands(smplx_rotations(path, vectors))
    checked = make_motion(path, rotations_TJ3, joints_TK3[:, 0], None, _PROCESSED_FPS)
    rest_K3, _ = rest_of(joints_TK3, vectors)
    return _stand_up(checked.rotations_TJ3, checked.translation_T3, rest_K3, checked.fps, body)


def _num_rows(path: Path, width: int) -> int:
    """How many rows a processed file has. Raises :class:`InputError` when they have less than ``width`` numbers."""
    header = read_npy_header(path)
    if len(header.shape) != 2 or header.shape[0] == 0 or header.shape[1] < width or header.dtype.kind != "f":
        raise InputError(f"{path}: holds {header.dtype} of shape {header.shape}; (frames, 492) of numbers is needed")
    return header.shape[0]


def _skeleton(path: Path, motion: Motion) -> tuple[np.ndarray, np.ndarray, str]:
    """The rest pose (22, 3), the pelvis as seen from ``trans`` (3,), and how they were found, from processed joints.

    Raises :class:`InputError` for a file of another shape, or with NaN.
    """
    num_rows = _num_rows(path, 3 * NUM_BODY)
    step = max(1, round(motion.num_frames / num_rows))
    count = min(num_rows, (motion.num_frames - 1) // step + 1)
    chosen = np.unique(np.linspace(0, count - 1, _SKELETON_FRAMES).astype(np.int64))
    rows = np.load(path, mmap_mode="r", allow_pickle=False)[chosen, : 3 * NUM_BODY]
    check_finite(path, "the joints", rows)
    joints_TK3 = np.asarray(rows, np.float64).reshape(-1, NUM_BODY, 3)
    rest_K3, spread = rest_of(joints_TK3, motion.rotations_TJ3[chosen * step])
    offset_T3 = joints_TK3[:, 0] - motion.translation_T3[chosen * step]
    offset = np.median(offset_T3, axis=0)
    spread = max(spread, float(np.quantile(np.linalg.norm(offset_T3 - offset, axis=1), 0.9)))
    if spread > _SPREAD_M:
        return SMPL_REST, SMPL_REST[0], f"the mean one of SMPL-H: processed joints are {1000 * spread:.0f} mm off the rotations"
    return rest_K3, offset, _FROM_JOINTS


def _vectors(path: Path, values: dict[Any, Any], name: str, count: int) -> np.ndarray:
    array = numbers(path, values, name)
    if array.ndim == 2 and array.shape[1] == 3:
        array = array[:, None]
    joints_TK3 = rows_of_joints(path, name, array)
    if joints_TK3.shape[1] != count:
        raise InputError(f"{path}: '{name}' has rotations of {joints_TK3.shape[1]} joints; {count} are needed")
    return joints_TK3


def write(folder: Path, duets: Sequence[Duet], body: Body) -> None:
    """Write couples at their own rate, and their joints at 30 frames per second.

    Shape coefficients of SMPL-H cannot be told from ours and are zero; the joints carry the lengths. Fingers are lost.
    """
    splits: dict[str, list[str]] = {}
    for duet in duets:
        if duet.follower is None:
            raise InputError(f"{duet.name}: no follower; this set holds couples only")
        values: dict[str, Any] = {"mocap_framerate": float(duet.leader.fps), "frames": duet.leader.num_frames}
        for person, motion in zip(PERSONS, (duet.leader, duet.follower), strict=True):
            turned = z_up(motion, body)
            values[person] = {
                "trans": (pelvis_of(turned, body) - SMPL_REST[0]).astype(np.float32),
                "root_orient": turned.rotations_TJ3[:, 0].astype(np.float32),
                "pose_body": turned.rotations_TJ3[:, 1:NUM_BODY].reshape(turned.num_frames, -1).astype(np.float32),
                "betas": np.zeros(10, np.float32),
                "gender": "neutral",
            }
            processed = folder / "motions_processed" / person / f"{duet.name}.npy"
            with atomic_path(processed) as temporary, temporary.open("wb") as stream:
                np.save(stream, _processed(resample(turned, _PROCESSED_FPS), body), allow_pickle=False)
        with atomic_path(folder / "motions" / f"{duet.name}.pkl") as temporary:
            temporary.write_bytes(pickle.dumps(values, protocol=4))
        write_lines(folder / "annots" / f"{duet.name}.txt", duet.facts.get("texts") or [f"Two people dance a {duet.genre}."])
        splits.setdefault(str(duet.facts.get("split", "")), []).append(duet.name)
    for part, file in SPLITS.items():
        if part in splits:
            write_lines(folder / "split" / file, splits[part])


def _processed(motion: Motion, body: Body) -> np.ndarray:
    """Rows (T, 492): 52 joints of SMPL-H and ten finger tips, then six numbers for each joint but the root.

    The six numbers are the first two columns of the matrix read row by row.
    """
    joints_TJ3 = body.joints(motion)
    places = np.concatenate([joints_TJ3[:, :NUM_BODY], joints_TJ3[:, 25:], finger_tips(motion, body)], axis=1)
    vectors = np.concatenate([motion.rotations_TJ3[:, 1:NUM_BODY], motion.rotations_TJ3[:, 25:]], axis=1)
    columns = vectors_to_6d(vectors, "columns").reshape(*vectors.shape[:2], 2, 3)
    six = columns.swapaxes(-1, -2).reshape(motion.num_frames, -1)
    return np.concatenate([places.reshape(motion.num_frames, 3 * _PLACES), six], axis=1).astype(np.float32)
