"""DD100, the data set of Duolando: ballroom couples, SMPL-X parameters or what Duolando's program makes of them.

Confirmed from Duolando's public code and README: folders and names; ``00`` is the follower, ``01`` the leader; a file is a
pickled dict with ``poses`` (T, 165) in axis-angle, ``transl`` (T, 3), ``betas`` with a row per frame, of which ten columns
count, ``global_orient`` (T, 3), which its program uses in place of the first joint of ``poses``, and ``meta`` with the
gender; hands are told from the flat hand; 30 frames per second; +z up (InterDance, appendix F); ``pos3d`` (T, 165) is joints
and ``rotmat`` (T, 498) translation and rotation matrices; takes of every fifth choreography are the test part (of ballet
the ninth and tenth). Genres come as whole names or shortened (``Fox``, ``Paso``, ``Quick``) and spelled as ``Lumba`` and
``Qiaqia``, in that program's statistics.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interdance.body.model import Body
from interdance.body.rotations import matrices
from interdance.body.skeleton import INDEX, NUM_JOINTS
from interdance.errors import InputError, naming
from interdance.files import atomic_path
from interdance.importers.convert import (
    Y_UP_FROM_Z_UP,
    check_finite,
    make_motion,
    numbers,
    read_dict,
    rows_of_joints,
    stands_along_z,
    text,
    turn_positions,
    upright,
    vectors_from_matrices,
    z_up,
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
from interdance.pickles import read_npy_header
from interdance.takes import Duet, Motion

FPS = 30.0
"""Frames per second of all its files, which do not tell."""
SHORTEST, TALLEST = 0.4, 2.5
"""Metres from ankle to head, in half of the frames, outside of which joints are not those of a person in metres."""
ROTMAT = 3 + NUM_JOINTS * 9
"""Numbers per frame of a ``rotmat`` file."""

LAYOUT = """\
motion/smplx/all/<GENRE>_<CHOREOGRAPHY>_<TAKE>_00.npy    the follower: a pickled dict with poses (T, 165) in axis-angle,
motion/smplx/all/<GENRE>_<CHOREOGRAPHY>_<TAKE>_01.npy    the leader     transl (T, 3), betas (T, 10 or more), global_orient,
                                                         meta (gender); +z up, metres, 30 frames per second
motion/pos3d/<split>/ ..., motion/rotmat/<split>/ ...    in its place: joints (T, 165), or transl and matrices (T, 498)
music/mp3/all/<GENRE>_<CHOREOGRAPHY>_<TAKE>.mp3          (or .wav, .ogg, .flac)
   The folder may be the one with motion/ and music/, or any folder of dancers; a take that is there in several forms is read
   from the first of smplx, rotmat and pos3d."""

_DANCER = re.compile(r"(?P<take>(?P<genre>.+?)_(?P<choreography>\d+)(?:_.*)?)_(?P<role>00|01)")
_ROLES = {"00": "follower", "01": "leader"}
_FORMS = ("smplx", "rotmat", "pos3d")


def find(folder: Path, music: Path | None = None) -> tuple[list[Source], dict[str, str]]:
    """The couples below a folder, sorted by name, each in the best form that both dancers have; others are left out.

    Raises
    ------
    InputError
        For a missing folder, or one without a couple.
    """
    takes: dict[str, dict[str, dict[str, Path]]] = {}
    left_out: dict[str, str] = {}
    names: dict[str, re.Match[str]] = {}
    for path in visible_files(folder, {".npy"}):
        match = _DANCER.fullmatch(path.stem)
        if match is None:
            left_out[path.relative_to(folder).as_posix()] = "its name is not that of a dancer (<take>_00.npy or <take>_01.npy)"
            continue
        try:
            form = _form(path)
        except InputError as error:
            left_out[path.relative_to(folder).as_posix()] = str(error)
            continue
        name = safe_name(match["take"])
        names[name] = match
        takes.setdefault(name, {}).setdefault(form, {}).setdefault(_ROLES[match["role"]], path)
    songs = songs_in(*_places(folder, music))
    found = []
    for name, forms in sorted(takes.items()):
        whole = [form for form in _FORMS if len(forms.get(form, {})) == 2]
        if not whole:
            only = next(iter(forms.values()))
            left_out[name] = "no leader" if "follower" in only else "no follower"
            continue
        leader, follower = forms[whole[0]]["leader"], forms[whole[0]]["follower"]
        match = names[name]
        facts: dict[str, Any] = {"form": whole[0], "choreography": int(match["choreography"])}
        facts["split"] = split_of(leader, folder) or _published_split(match["genre"], int(match["choreography"]))
        song = songs.get(match["take"])
        found.append(Source(name, genre_in(match["genre"]), leader, follower, song, facts=facts))
    if not found:
        raise nothing_found(folder, "<GENRE>_<CHOREOGRAPHY>_<TAKE>_00.npy and _01.npy", left_out)
    return found, left_out


def _form(path: Path) -> str:
    """What a file holds, from its header."""
    refuse_pointer(path)
    header = read_npy_header(path)
    if header.dtype.hasobject:
        return "smplx"
    if header.dtype.kind not in "fiu":
        raise InputError(f"{path}: holds {header.dtype}, not numbers")
    if len(header.shape) == 2 and header.shape[1] == ROTMAT:
        return "rotmat"
    if header.shape[1:] in ((NUM_JOINTS * 3,), (NUM_JOINTS, 3)):
        return "pos3d"
    raise InputError(f"{path}: an array of shape {header.shape}; (T, 165) of joints or (T, 498) of rotmat is needed")


def _places(folder: Path, music: Path | None) -> list[Path]:
    """Where its songs are; ``music/`` lies beside ``motion/`` when the folder is a part of that."""
    places = places_of_songs(folder, music)
    if music is None:
        above = [parent / "music" for parent in folder.resolve().parents[:3] if (parent / "motion").is_dir()]
        places += [place for place in above if place.is_dir() and place not in places]
    return places


def _published_split(genre: str, choreography: int) -> str:
    is_test = choreography in (9, 10) if "ballet" in genre.lower() else choreography % 5 == 0
    return "test" if is_test else "train"


# ---------------------------------------------------------------------------------------------------------------- reading


def read(source: Source, body: Body) -> Recording:
    """Read both dancers, +Y up.

    Joints alone are fitted by :func:`interdance.mocap.fit.fit_joints`; how near it came is among the facts.

    Raises
    ------
    InputError
        For a defective file: cut off, a pickle that asks for more than data, another shape, NaN.
    """
    return record(source, body, _read_dancer)


def _read_dancer(path: Path, body: Body) -> tuple[Motion, dict[str, Any]]:
    form = _form(path)
    if form == "smplx":
        return _read_parameters(path, body)
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if len(array) == 0:
        raise InputError(f"{path}: holds no frames; copy the file again")
    check_finite(path, "it", array)
    if form == "rotmat":
        vectors = vectors_from_matrices(path, array[:, 3:].reshape(len(array), NUM_JOINTS, 3, 3))
        return upright(make_motion(path, vectors, array[:, :3], None, FPS), body), {"gender": "unknown"}
    joints_TJ3 = np.array(array, np.float32).reshape(len(array), NUM_JOINTS, 3)
    height = float(np.median(np.linalg.norm(joints_TJ3[:, INDEX["head"]] - joints_TJ3[:, INDEX["left_ankle"]], axis=1)))
    if not SHORTEST <= height <= TALLEST:
        raise InputError(f"{path}: the head is {height:.3g} away from the ankle; joints in metres are needed")
    if stands_along_z(joints_TJ3):
        joints_TJ3 = turn_positions(joints_TJ3, Y_UP_FROM_Z_UP)
    with naming(path):
        fit = fit_joints(joints_TJ3, range(NUM_JOINTS), body, FPS)
    return fit.motion, {"gender": "unknown", "fit": fit.summary()}


def _read_parameters(path: Path, body: Body) -> tuple[Motion, dict[str, Any]]:
    values = read_dict(path, "poses and transl")
    poses = rows_of_joints(path, "poses", numbers(path, values, "poses"))
    rotations_TJ3 = np.array(poses, np.float32)
    if rotations_TJ3.shape[1] != NUM_JOINTS:
        raise InputError(f"{path}: 'poses' has {rotations_TJ3.shape[1]} joints; the {NUM_JOINTS} of SMPL-X are needed")
    if values.get("global_orient") is not None:
        orient = numbers(path, values, "global_orient")
        if orient.shape == (len(poses), 3):  # results of Duolando's program have other things under that name
            rotations_TJ3[:, 0] = orient
    betas = numbers(path, values, "betas") if values.get("betas") is not None else None
    motion = make_motion(path, rotations_TJ3, numbers(path, values, "transl", "trans"), betas, FPS)
    meta = values.get("meta")
    gender = text(meta.get("gender")) if isinstance(meta, dict) else ""
    return upright(motion, body), {"gender": gender or "unknown"}


# ---------------------------------------------------------------------------------------------------------------- writing


def write(folder: Path, duets: Sequence[Duet], body: Body, form: str = "smplx") -> None:
    """Write couples to ``motion/<form>/all/`` and copy their songs to ``music/mp3/all/``, of whatever format they are.

    A duet of another name than ``<GENRE>_<CHOREOGRAPHY>_<TAKE>`` is called ``<Genre>_<n>_1``, n counting from 1.

    Parameters
    ----------
    form : str
        ``smplx``, ``rotmat`` (which has no shape of the body) or ``pos3d``. Numbers are float32.
    """
    if form not in _FORMS:
        raise InputError(f"DD100 form '{form}'; one of {', '.join(_FORMS)} is needed")
    for number, duet in enumerate(duets, start=1):
        name = duet.name if _DANCER.fullmatch(f"{duet.name}_00") else f"{duet.genre.replace('_', '').capitalize()}_{number}_1"
        for role, motion in (("00", duet.follower), ("01", duet.leader)):
            if motion is not None:
                _write_dancer(folder / "motion" / form / "all" / f"{name}_{role}.npy", motion, body, form)
        copy_song(duet.music, folder / "music" / "mp3" / "all", name)


def _write_dancer(path: Path, motion: Motion, body: Body, form: str) -> None:
    turned, count = z_up(motion, body), motion.num_frames
    value: np.ndarray
    if form == "pos3d":
        value = body.joints(turned).reshape(count, -1).astype(np.float32)
    elif form == "rotmat":
        turns = matrices(turned.rotations_TJ3.astype(np.float64)).reshape(count, -1)
        value = np.concatenate([turned.translation_T3, turns], axis=1).astype(np.float32)
    else:
        parameters = {
            "poses": turned.rotations_TJ3.reshape(count, -1),
            "transl": turned.translation_T3,
            "global_orient": turned.rotations_TJ3[:, 0],
            "betas": np.tile(turned.betas, (count, 1)),
            "meta": {"gender": "neutral"},
        }
        value = np.array(parameters, object)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, value, allow_pickle=form == "smplx")
