"""AIST++: street dances of one person, SMPL rotations and a size, 60 frames per second, centimetres, +Y up.

The mean male SMPL body, ``smpl_scaling`` times as large, was fitted to the dancer: there are no shape coefficients. The
scaling tells how tall the dancer is, and the shape of our body is fitted to a SMPL skeleton of that size.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.files import atomic_path
from interdance.importers.bodies import SMPL_REST, adopt, fit_shape, release, with_relaxed_hands
from interdance.importers.convert import make_motion, numbers, rows_of_joints, smplx_rotations
from interdance.importers.finding import nothing_found, refuse_pointer
from interdance.importers.floor import on_floor
from interdance.importers.listing import (
    check_folders,
    copy_song,
    ignored_in,
    song_of,
    splits_of,
    subfolder,
    write_lines,
)
from interdance.importers.source import Recording, Source, safe_name
from interdance.mocap.resample import resample
from interdance.pickles import read_object_array
from interdance.takes import Duet, Motion

LAYOUT = """\
motions/<sequence>.pkl     gBR_sBM_cAll_d04_mBR0_ch01: genre, situation, dancer, music, choreography
   smpl_poses (T, 72) axis-angle, smpl_trans (T, 3) centimetres, smpl_scaling (1,); +y up, 60 per second
ignore_list.txt            sequences that were not reconstructed well: left out (here or in splits/)
splits/crossmodal_train.txt, _val.txt, _test.txt; splits/pose_train.txt, _val.txt, _test.txt
music/mBR0.wav | .mp3 | .ogg | .flac   in music/, wav/ or wavs/ here, or in the folder named; also by sequence"""

FPS = 60.0
GENRES = {
    "BR": "break", "PO": "pop", "LO": "lock", "WA": "waack", "MH": "middle_hip_hop", "LH": "la_hip_hop", "HO": "house",
    "KR": "krump", "JS": "street_jazz", "JB": "ballet_jazz",
}  # fmt: skip
"""Code in the name of a sequence -> genre."""

_SITUATIONS = {"BM": "basic", "FM": "advanced"}
_NAME = re.compile(
    r"g(?P<genre>[A-Z]{2})_s(?P<situation>[A-Z]{2})_cAll_(?P<dancer>d\d{2})_(?P<music>m(?P<kind>[A-Z]{2})(?P<number>\d))"
    r"_(?P<choreography>ch\d{2})(?:_follower)?"
)
_SPLITS = {"train": "train", "validation": "val", "test": "test"}
_SIZES = (0.5, 1.6)  # of the mean body
_CENTIMETRES = 10.0  # a scaling above this is in centimetres per metre of the body; below, translations are in metres


def find(folder: Path, music: Path | None = None) -> tuple[list[Source], dict[str, str]]:
    """The sequences of the set, sorted by name, without those that its ``ignore_list.txt`` names.

    Raises
    ------
    InputError
        For a missing folder, or one without a sequence.
    """
    check_folders(folder, music)
    motions = subfolder(folder, "motions")
    root = motions.parent
    lists = (root / "splits", root)
    ignored = ignored_in(lists)
    parts = {
        key: splits_of(lists, {part: f"{kind}_{file}.txt" for part, file in _SPLITS.items()})
        for key, kind in (("split", "crossmodal"), ("split_of_pose", "pose"))
    }
    places = [music] if music else [root / "music", root / "wav", root / "wavs", root, root.resolve().parent / "music"]
    found: list[Source] = []
    left_out: dict[str, str] = {}
    for path in sorted(motions.glob("*.pkl")):
        if path.stem in ignored:
            left_out[path.stem] = "in the set's ignore_list.txt: not reconstructed well"
            continue
        facts: dict[str, Any] = {key: names[path.stem] for key, names in parts.items() if path.stem in names}
        match = _NAME.fullmatch(path.stem)
        genre = GENRES.get(match["genre"], "unknown") if match else "unknown"
        song = song_of(places, path.stem, *([match["music"]] if match else []))
        if match:
            facts |= {key: match[key] for key in ("dancer", "music", "choreography")}
            facts["situation"] = _SITUATIONS.get(match["situation"], match["situation"])
            facts["tempo_bpm"] = _tempo(match["kind"], int(match["number"]))
        facts["mocap"] = False  # estimated from videos
        found.append(Source(safe_name(path.stem), genre, path, music=song, facts=facts))
    if not found:
        raise nothing_found(folder, "motions/<sequence>.pkl", left_out)
    return found, left_out


def read(source: Source, body: Body) -> Recording:
    """Read one dancer.

    Raises
    ------
    InputError
        For a damaged or hostile pickle, missing parameters, wrong shapes, NaN, or a size that no dancer has.
    """
    path = source.leader
    refuse_pointer(path)
    values = read_object_array(path)
    if not isinstance(values, dict):
        raise InputError(f"{path}: holds {type(values).__name__}, not the dict of a sequence; download it again")
    poses = rows_of_joints(path, "smpl_poses", numbers(path, values, "smpl_poses"))
    if poses.shape[1] != 24:
        raise InputError(f"{path}: 'smpl_poses' has rotations of {poses.shape[1]} joints; the 24 of SMPL are needed")
    scaling = numbers(path, values, "smpl_scaling").reshape(-1)
    unit = 0.01 if scaling.size == 1 and scaling[0] > _CENTIMETRES else 1.0
    size = float(scaling[0]) * unit if scaling.size == 1 else float("nan")
    if not _SIZES[0] <= size <= _SIZES[1]:
        raise InputError(
            f"{path}: 'smpl_scaling' is {scaling[:3].tolist()}; one number near 90 (centimetres per metre of the mean"
            " body) is needed"
        )
    translation = np.asarray(numbers(path, values, "smpl_trans"), np.float64) * unit
    checked = make_motion(path, with_relaxed_hands(smplx_rotations(path, poses)), translation, None, FPS)
    rest_K3 = SMPL_REST * size
    pelvis_T3 = checked.translation_T3.astype(np.float64) + rest_K3[0]
    (motion,), (lift,) = on_floor([adopt(checked.rotations_TJ3, pelvis_T3, rest_K3, body, FPS)], body)
    facts = {
        "smpl_scaling": float(scaling[0]),
        "betas": "fitted to the mean SMPL skeleton of the published size",
        "fingers": "relaxed: not captured",
        "raised_m": round(lift, 4),
    }
    return Recording(motion, None, facts)


def write(folder: Path, duets: Sequence[Duet], body: Body) -> None:
    """Write every dancer as a sequence of its own (a follower's name ends in ``_follower``), and the songs.

    The set has neither fingers nor shape: both are lost but for the dancer's size. A duet whose name is no published one
    keeps it, and its genre is then not in the file.
    """
    splits: dict[str, list[str]] = {}
    for duet in duets:
        for suffix, motion in (("", duet.leader), ("_follower", duet.follower)):
            if motion is not None:
                _write_sequence(folder / "motions" / f"{duet.name}{suffix}.pkl", resample(motion, FPS), body)
                splits.setdefault(str(duet.facts.get("split", "")), []).append(f"{duet.name}{suffix}")
        match = _NAME.fullmatch(duet.name)
        copy_song(duet.music, folder / "music", match["music"] if match else duet.name)
    for part, file in _SPLITS.items():
        if part in splits:
            write_lines(folder / "splits" / f"crossmodal_{file}.txt", splits[part])


def _write_sequence(path: Path, motion: Motion, body: Body) -> None:
    size = _size_of(motion.betas, body)
    rest_K3 = SMPL_REST * size
    rotations_TJ3, pelvis_T3 = release(motion, rest_K3, body)
    poses = np.concatenate([rotations_TJ3[:, :22], np.zeros((motion.num_frames, 2, 3))], axis=1)
    values = {
        "smpl_poses": poses.reshape(motion.num_frames, 72).astype(np.float32),
        "smpl_scaling": np.array([100.0 * size], np.float32),
        "smpl_trans": (100.0 * (pelvis_T3 - rest_K3[0])).astype(np.float32),
        "smpl_loss": 0.0,
    }
    with atomic_path(path) as temporary:
        temporary.write_bytes(pickle.dumps(values, protocol=4))


def _size_of(betas: np.ndarray, body: Body) -> float:
    """How large the mean SMPL body must be for :func:`read` to come nearest to a shape."""
    goal = body.rest_joints(betas)[:22]
    legs = [np.linalg.norm(rest[[1, 2]] - rest[[7, 8]], axis=1).mean() for rest in (goal, SMPL_REST)]
    near = float(legs[0] / legs[1])

    def distance(size: float) -> float:
        rest = np.asarray(body.rest_joints(fit_shape(SMPL_REST * size, body)), np.float64)[:22]
        return float(np.square(rest - goal).sum())

    result = minimize_scalar(distance, bounds=(near - 0.12, near + 0.12), method="bounded", options={"xatol": 1e-6})
    return float(np.clip(result.x, *_SIZES))


def _tempo(kind: str, number: int) -> int:
    """Beats per minute of the set's songs: six per genre, 80 to 130, those of house 110 to 135."""
    return 110 + 5 * number if kind == "HO" else 80 + 10 * number
