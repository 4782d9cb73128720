"""InterDance releases: SMPL-X parameters in pickles, rotations in arrays, or the 4978 channels of its representation.

Confirmed from the public render program: ``<take>_0`` is the leader and ``<take>_1`` the follower (results of a generation
end in ``l1`` when 1 leads); names of clips go on with ``@``; keys ``smpl_poses`` or ``pose`` (T, 165), (T, 156) or (T, 66),
``smpl_trans`` or ``trans``, ``beta`` (10); arrays by their width, rotations as the first two rows of a matrix; the neutral
SMPL-X model with hands told *from its mean hand*; +y up (appendix F of the paper); heights from no fixed floor, so that the
program sets the dancers on it. Inferred: genres and parts of a split are named by files or folders; rates by a folder as in
``smplxdata_128_30fps``, else 30; a take ``M<name>`` beside ``<name>`` is its mirror image.

The mean hand is that of the loaded model where it has one; with the embedded body, whose mean hand is flat, the hand at
rest of our captured takes stands in for it.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from interdance.body.model import NUM_POINTS, Body
from interdance.body.pose import fit_motion
from interdance.body.skeleton import NUM_JOINTS
from interdance.errors import InputError, naming
from interdance.files import atomic_path
from interdance.importers.convert import (
    check_finite,
    make_motion,
    numbers,
    pelvis_of,
    read_dict,
    rows_of_joints,
    smplh_rotations,
    smplx_rotations,
    translation_of,
    vectors_from_6d,
    vectors_from_quaternions,
    vectors_to_6d,
)
from interdance.importers.couples import record
from interdance.importers.finding import (
    genre_in,
    nothing_found,
    places_of_songs,
    refuse_pointer,
    songs_in,
    split_of,
    visible_files,
)
from interdance.importers.listing import copy_song
from interdance.importers.source import Recording, Source, safe_name
from interdance.mocap.fit import fit_joints
from interdance.mocap.hands import relaxed_hands
from interdance.pickles import read_npy_header
from interdance.representation.canonical import decode, encode
from interdance.representation.contact import foot_contact, partner_contacts
from interdance.representation.layout import NUM_CHANNELS
from interdance.takes import NUM_BETAS, Duet, Motion

Kind = Literal["pickle", "rot6d", "rot6d_contacts", "points"]

LAYOUT = f"""\
**/<take>_0.pkl, **/<take>_1.pkl   leader, follower: a pickled dict with smpl_poses or pose (T, 165) in axis-angle,
                                   smpl_trans or trans (T, 3), beta (10); neutral SMPL-X, +y up, metres
**/<take>_0.npy, **/<take>_1.npy   an array, by its width:
   315 = 3 + 52 x 6   translation, rotations of 22 joints of the body and 30 of the hands; 319 with 4 foot contacts before it
   135 = 3 + 22 x 6   without hands; 139 with 4 foot contacts before it
   159, 168           translation, axis-angle of 52 or 55 joints;   211, 233   quaternions (233 with 10 betas)
   {NUM_CHANNELS}               the representation of the paper (METHOD.md, section 2)
**/<take>.wav | .mp3 | .ogg | .flac   or in music/ beside the folder; clips are <take>_0@<clip> and <take>_1@<clip>"""

SAME_SURFACE = 0.01
"""Mean distance in metres below which points are those of the loaded body's surface."""
PROBED = 64
"""Frames in which that is looked at."""
AT_ONCE = 512
"""Frames decoded at a time."""
FOOT_HEIGHT, FOOT_SPEED, TOUCH = 0.05, 0.25, 0.03
"""Of the contact labels that :func:`write` writes: metres, metres per second, metres."""

_DANCER = re.compile(r"(?P<take>.+)_(?P<role>[01])(?:@(?P<clip>.*?))?(?:_?l(?P<leads>[01]))?")
_RATE = re.compile(r"(?<!\d)(\d{2,3})fps")
_FORMS = ("pickle", "rotations", "points")
#: Width -> first column of the translation, joints, and how their rotations are told.
_WIDTHS: dict[int, tuple[int, int, str]] = {
    135: (0, 22, "6d"),
    139: (4, 22, "6d"),
    159: (0, 52, "vectors"),
    168: (0, 55, "vectors"),
    211: (0, 52, "quaternions"),
    233: (0, 55, "quaternions"),
    315: (0, 52, "6d"),
    319: (4, 52, "6d"),
}
_NUMBERS = {"6d": 6, "vectors": 3, "quaternions": 4}
_FIRST_FINGER = NUM_JOINTS - 30


# ---------------------------------------------------------------------------------------------------------------- finding


def find(folder: Path, music: Path | None = None) -> tuple[list[Source], dict[str, str]]:
    """The couples below a folder, sorted by name, each in the best form that both dancers have.

    Left out are dancers without a partner, mirror images of other takes, and files of another width.

    Raises
    ------
    InputError
        For a missing folder, or one without a couple.
    """
    takes: dict[str, dict[str, dict[str, Path]]] = {}
    songs_of: dict[str, tuple[str, str]] = {}
    left_out: dict[str, str] = {}
    for path in visible_files(folder, {".pkl", ".npy"}):
        where = path.relative_to(folder).as_posix()
        match = _DANCER.fullmatch(path.stem)
        if match is None:
            left_out[where] = "its name is not that of a dancer (<take>_0 or <take>_1)"
            continue
        try:
            form = _form(path)
        except InputError as error:
            left_out[where] = str(error)
            continue
        name = safe_name(match["take"] + (f"_{match['clip']}" if match["clip"] else ""))
        role = "leader" if match["role"] == (match["leads"] or "0") else "follower"
        dancers = takes.setdefault(name, {}).setdefault(form, {})
        if role in dancers:
            left_out[where] = f"{dancers[role].relative_to(folder)} is the {role} of {name} too"
            continue
        dancers[role] = path
        songs_of.setdefault(name, (f"{match['take']}@{match['clip']}", match["take"]))
    songs = songs_in(*places_of_songs(folder, music))
    found = []
    for name, forms in sorted(takes.items()):
        whole = [form for form in _FORMS if len(forms.get(form, {})) == 2]
        if name.startswith("M") and name[1:] in takes:
            left_out[name] = f"the mirror image of {name[1:]}"
        elif not whole:
            left_out[name] = "no leader" if "follower" in next(iter(forms.values())) else "no follower"
        else:
            leader, follower = forms[whole[0]]["leader"], forms[whole[0]]["follower"]
            song = next((songs[key] for key in (name, *songs_of[name]) if key in songs), None)
            part = split_of(leader, folder)
            facts: dict[str, Any] = {"form": whole[0]} | ({"split": part} if part else {})
            found.append(Source(name, _genre(leader, folder), leader, follower, song, facts=facts))
    if not found:
        raise nothing_found(folder, "<take>_0.pkl and <take>_1.pkl (or .npy)", left_out)
    return found, left_out


def _genre(path: Path, folder: Path) -> str:
    """From the name of the file, or the nearest folder that is called after one."""
    names = (path.stem, *reversed(path.relative_to(folder).parts[:-1]), folder.name)
    return next((genre for name in names if (genre := genre_in(name)) != "unknown"), "unknown")


def _form(path: Path) -> str:
    """What a file holds, from its header."""
    refuse_pointer(path)
    if path.suffix.lower() == ".pkl":
        return "pickle"
    header = read_npy_header(path)
    if header.dtype.hasobject:
        return "pickle"
    shape = header.shape[1:] if len(header.shape) == 3 and header.shape[0] == 1 else header.shape
    if header.dtype.kind != "f" or len(shape) != 2 or shape[1] not in (*_WIDTHS, NUM_CHANNELS):
        widths = ", ".join(map(str, (*_WIDTHS, NUM_CHANNELS)))
        raise InputError(f"{path}: {header.dtype} of shape {header.shape}; (frames, n) with n one of {widths} is needed")
    return "points" if shape[1] == NUM_CHANNELS else "rotations"


# ---------------------------------------------------------------------------------------------------------------- reading


def read(source: Source, body: Body) -> Recording:
    """Read both dancers, and set them on the floor as :func:`interdance.importers.floor.set_down` does.

    Raises
    ------
    InputError
        For a defective file: cut off, a pickle that asks for more than data, another shape, NaN, no rotations.
    """
    return record(source, body, _read_dancer)


def _read_dancer(path: Path, body: Body) -> tuple[Motion, dict[str, Any]]:
    form = _form(path)
    if form == "pickle":
        return _read_parameters(path, body), {}
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    array = array.reshape(array.shape[-2:])
    if len(array) == 0:
        raise InputError(f"{path}: holds no frames; copy the file again")
    for start in range(0, len(array), AT_ONCE):
        bad = ~np.isfinite(array[start : start + AT_ONCE]).all(axis=1)
        if bad.any():
            raise InputError(f"{path}: NaN or infinity at frame {start + int(bad.argmax())}; repair or cut that frame")
    return _read_points(path, array, body) if form == "points" else (_read_rotations(path, array, body), {})


def _rate(path: Path) -> float:
    """Frames per second after the nearest folder that tells them."""
    rates = (_RATE.search(part) for part in (path.stem, *reversed(path.parts[:-1])))
    return next((float(match[1]) for match in rates if match), 30.0)


def _read_parameters(path: Path, body: Body) -> Motion:
    values = read_dict(path, "smpl_poses and smpl_trans")
    poses = rows_of_joints(path, "smpl_poses", numbers(path, values, "smpl_poses", "pose", "poses"))
    has_hands = poses.shape[1] > 24
    check_finite(path, "the rotations", poses)
    rotations_TJ3 = smplx_rotations(path, poses)
    betas = numbers(path, values, "beta", "betas") if any(values.get(key) is not None for key in ("beta", "betas")) else None
    translation = numbers(path, values, "smpl_trans", "trans", "transl")
    return make_motion(path, _with_hands(rotations_TJ3, body, has_hands), translation, betas, _rate(path))


def _read_rotations(path: Path, array_TC: np.ndarray, body: Body) -> Motion:
    first, count, kind = _WIDTHS[array_TC.shape[1]]
    start = first + 3
    stop = start + count * _NUMBERS[kind]
    parts = np.asarray(array_TC[:, start:stop], np.float64).reshape(len(array_TC), count, _NUMBERS[kind])
    if kind == "6d":
        vectors = vectors_from_6d(path, parts, "rows")
    elif kind == "quaternions":
        vectors = vectors_from_quaternions(path, parts, scalar_first=True)
    else:
        vectors = parts.astype(np.float32)
    betas = np.asarray(array_TC[0, stop : stop + NUM_BETAS]) if array_TC.shape[1] == stop + NUM_BETAS else None
    rotations_TJ3 = _with_hands(smplx_rotations(path, vectors), body, count > 22)
    return make_motion(path, rotations_TJ3, array_TC[:, first:start], betas, _rate(path))


def _read_points(path: Path, array_TC: np.ndarray, body: Body) -> tuple[Motion, dict[str, Any]]:
    """Parameters whose points are those of the representation.

    The 55 joints are the same for every body; the 655 vertices are those of the authors' mesh, which the loaded body has or
    has not: where it has not, the joints alone are fitted.
    """
    points_TP3 = np.empty((len(array_TC), NUM_POINTS, 3), np.float32)
    for start in range(0, len(array_TC), AT_ONCE):
        rows = np.array(array_TC[start : start + AT_ONCE], np.float32)
        points_TP3[start : start + AT_ONCE] = decode(rows, body.anchor_P)
    fps = _rate(path)
    middle = max(0, len(points_TP3) // 2 - PROBED // 2)
    _, residual_T = fit_motion(points_TP3[middle : middle + PROBED], body, fps)
    if float(np.median(residual_T)) < SAME_SURFACE:
        motion, residual_T = fit_motion(points_TP3, body, fps)
        return motion, {"fitted_to": "joints and surface", "fit_mean_mm": round(1000 * float(residual_T.mean()), 3)}
    with naming(path):
        fit = fit_joints(points_TP3[:, :NUM_JOINTS], range(NUM_JOINTS), body, fps)
    return fit.motion, {"fitted_to": "joints", "fit": fit.summary()}


def _with_hands(rotations_TJ3: np.ndarray, body: Body, has_hands: bool, sign: float = 1.0) -> np.ndarray:
    """Hands told from the flat hand, of hands told from the mean hand (the other way round with ``sign`` -1).

    SMPL-X adds the vectors. Files without hands have the mean hand.
    """
    result = np.array(rotations_TJ3, np.float32)
    result[:, _FIRST_FINGER:] = sign * _mean_hands(body) + (result[:, _FIRST_FINGER:] if has_hands else 0.0)
    return result


def _mean_hands(body: Body) -> np.ndarray:
    """Axis-angle vectors (30, 3) of the fingers of the mean hands; those of the hand at rest for a body without them."""
    if np.any(body.mean_hands):
        return body.mean_hands
    result = np.zeros((30, 3), np.float32)
    for joint, vector in relaxed_hands().items():
        result[joint - _FIRST_FINGER] = vector
    return result


# ---------------------------------------------------------------------------------------------------------------- writing


def write(folder: Path, duets: Sequence[Duet], body: Body, kind: Kind = "pickle") -> None:
    """Write couples as ``<take>_0`` (leader) and ``<take>_1``, in float32, and copy their songs.

    Parameters
    ----------
    kind : str
        ``pickle`` of all parameters; ``rot6d`` (T, 315) and ``rot6d_contacts`` (T, 319), which have neither face nor shape
        (the pelvis stays where it is); ``points`` (T, 4978).

    Raises
    ------
    InputError
        For another kind.
    """
    if kind not in get_args(Kind):
        raise InputError(f"InterDance kind '{kind}'; one of {', '.join(get_args(Kind))} is needed")
    for duet in duets:
        dancers = [motion for motion in (duet.leader, duet.follower) if motion is not None]
        copy_song(duet.music, folder, duet.name)
        if kind == "pickle":
            for number, motion in enumerate(dancers):
                _write_pickle(folder / f"{duet.name}_{number}.pkl", motion, body)
            continue
        made = _channels(dancers, body) if kind == "points" else [_rotations(motion, body, kind) for motion in dancers]
        for number, array in enumerate(made):
            with atomic_path(folder / f"{duet.name}_{number}.npy") as temporary, temporary.open("wb") as stream:
                np.save(stream, array.astype(np.float32), allow_pickle=False)


def _write_pickle(path: Path, motion: Motion, body: Body) -> None:
    rotations_TJ3 = _with_hands(motion.rotations_TJ3, body, True, -1.0)
    values = {
        "smpl_poses": rotations_TJ3.reshape(motion.num_frames, -1),
        "smpl_trans": np.asarray(motion.translation_T3, np.float32),
        "beta": np.asarray(motion.betas, np.float32),
    }
    with atomic_path(path) as temporary:
        temporary.write_bytes(pickle.dumps(values, protocol=4))


def _rotations(motion: Motion, body: Body, kind: Kind) -> np.ndarray:
    vectors = smplh_rotations(_with_hands(motion.rotations_TJ3, body, True, -1.0))
    translation = translation_of(pelvis_of(motion, body), np.zeros(NUM_BETAS, np.float32), body)
    six = vectors_to_6d(vectors, "rows").reshape(motion.num_frames, -1)
    contacts = foot_contact(body.joints(motion), motion.fps, FOOT_HEIGHT, FOOT_SPEED) if kind == "rot6d_contacts" else None
    return np.concatenate([*([] if contacts is None else [contacts]), translation, six], axis=1)


def _channels(dancers: list[Motion], body: Body) -> list[np.ndarray]:
    points = [body.points(motion) for motion in dancers]
    touching = partner_contacts(points[0], points[1], TOUCH) if len(points) == 2 else (None,)
    return [
        encode(its, foot_contact(its, motion.fps, FOOT_HEIGHT, FOOT_SPEED), touch, body.anchor_P)
        for its, motion, touch in zip(points, dancers, touching, strict=True)
    ]
