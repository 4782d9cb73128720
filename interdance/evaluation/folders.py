"""Folders of duets made by any system: which takes are in them, and every dancer read into one of three forms.

========  ==========================================================  =================================================
Layout    Files of a take                                             Written by
========  ==========================================================  =================================================
takes     ``waltz_01/leader.npz``, ``waltz_01/follower.npz``,         :func:`interdance.takes.write_take`; ``take.json``
          ``waltz_01/take.json`` (genre and song)                     may be missing
points    ``waltz_01/points.npy``: the follower, (T, 710, 3);         generation with this package; ``follower.npz`` may
          ``waltz_01/leader.npz``                                     lie beside it, the leader may be missing
flat      ``waltz_01_leader.npz``, ``waltz_01_follower.npy``          anyone: ``.npz`` of SMPL-X parameters (AMASS keys),
                                                                      ``.npy`` of positions or of a dict as below
dd100     ``Waltz_3_1_00.npy`` (follower), ``Waltz_3_1_01.npy``       the DD100 data set and Duolando's program; the
          (leader); the first word is the genre                       leader may be missing
========  ==========================================================  =================================================

The takes of several data sets may have a folder each (``couples/waltz_01/leader.npz``): their names then begin with it.

A ``.npy`` holds positions of 55 joints, (T, 165) or (T, 55, 3), or of 710 points, (T, 2130) or (T, 710, 3); an axis of
length 1 may stand before them. Or it holds a pickled dict of SMPL-X parameters, bare (the data set) or in an array of
one element (Duolando's program): ``poses`` (T, 165) or (T, 55, 3) in axis-angle, ``transl`` or ``trans`` (T, 3), and
perhaps ``betas`` (10,) or a row per frame, ``global_orient`` (T, 3), which then replaces the first joint of ``poses`` as
it does in Duolando's program, and ``meta``. Pickles are read by :mod:`interdance.pickles`, which runs nothing of theirs.

Songs are ``<take>.ogg``, ``.wav``, ``.mp3`` or ``.flac`` in the folder, in ``music`` in it or in ``music`` beside it; a take
with a folder of its own may have its song there, as ``take.json`` names it, as ``music.*``, as ``<take>.*``, or as the
only one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from scipy.spatial.transform import Rotation

from interdance.body.model import NUM_POINTS, Body
from interdance.body.skeleton import INDEX
from interdance.errors import InputError
from interdance.evaluation.settings import Up
from interdance.files import read_json
from interdance.importers.convert import numbers
from interdance.mocap.resample import resample, resample_positions
from interdance.music.cut import SUFFIXES as MUSIC_SUFFIXES
from interdance.music.cut import find_song
from interdance.pickles import read_npy_header, read_object_array
from interdance.takes import NUM_BETAS, NUM_JOINTS, Joints, Motion, Points, read_motion

logger = logging.getLogger(__name__)

Layout = Literal["takes", "points", "flat", "dd100"]

Role = Literal["leader", "follower"]

Y_UP_FROM_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Turns (x, y, z) with +z up into (x, z, -y) with +y up."""
TALLEST, SHORTEST = 10.0, 0.3
"""Metres from ankles to head outside of which positions are not those of a person in metres."""
FARTHEST = 50.0
"""Metres from the origin beyond which a translation is not in metres."""
STANCE_FRAMES = 32
"""Frames of SMPL-X parameters in which it is looked which way the body stands."""
CHECKED_AT_ONCE = 1024
"""Frames of positions that are searched for NaN at a time."""

_FLAT = re.compile(r"(?P<take>.+)_(?P<role>leader|follower)\.(?i:npz|npy)")
_DD100 = re.compile(r"(?P<take>.+)_(?P<role>00|01)\.(?i:npy)")
_DD100_ROLES: dict[str, Role] = {"00": "follower", "01": "leader"}
_SEED = re.compile(r"seed_(\d+)")
_LOOKED_FOR = (
    "<take>/leader.npz and follower.npz, <take>/points.npy, <take>_leader and <take>_follower (.npz or .npy), or"
    " GENRE_CHOREO_TAKE_00.npy and _01.npy"
)


@dataclass(frozen=True)
class Performance:
    """The files of one take.

    Attributes
    ----------
    take : str
        Name, by which takes of different folders are matched.
    genre : str
        Empty when nothing tells it.
    leader, follower : Path or None
        For :func:`read_dancer`; None when the folder does not hold that dancer.
    music : Path or None
        The song.
    layout : str
        How the folder is laid out, see the module.
    """

    take: str
    genre: str
    leader: Path | None
    follower: Path | None
    music: Path | None
    layout: Layout


# --------------------------------------------------------------------------------------------------------------- finding


def find_performances(folder: Path, music: Path | None = None) -> list[Performance]:
    """The takes of a folder in any of the layouts of this module, sorted by name. Hidden files are ignored.

    Parameters
    ----------
    folder : Path
        All of its takes in one layout.
    music : Path, optional
        Where the songs lie as ``<take>.*``; then nowhere else is looked for them.

    Raises
    ------
    InputError
        When a folder is missing, holds nothing known or two layouts, or has a dancer twice.
    """
    for place in (folder, music):
        if place is not None and not place.is_dir():
            raise InputError(f"{place}: no such folder")
    found: dict[tuple[str, Role], Path] = {}
    layouts: dict[Layout, Path] = {}
    for layout, take, role, path in _dancers(folder):
        if (take, role) in found and layout in layouts:
            raise InputError(f"{path}: {found[take, role].name} is there too; keep one of them")
        found[take, role] = path
        layouts.setdefault(layout, path)
    if not layouts:
        raise InputError(f"{folder}: no dancers in it{_hint(folder)}; looked for were {_LOOKED_FOR}")
    if len(layouts) > 1:
        (one, its), (other, theirs) = list(layouts.items())[:2]
        raise InputError(
            f"{folder}: holds takes in two layouts, '{its.relative_to(folder)}' ({one}) and"
            f" '{theirs.relative_to(folder)}' ({other}); give each a folder of its own"
        )
    (layout,) = layouts
    has_folders = layout in ("takes", "points")
    performances = []
    for take in sorted({take for take, _ in found}):
        facts = _facts(folder / take) if has_folders else {}
        genre = take.split("_")[0] if layout == "dd100" else facts.get("genre")
        song = _song(take, folder, music, facts, has_folders)
        performances.append(
            Performance(
                take=take,
                genre=genre if isinstance(genre, str) else "",
                leader=found.get((take, "leader")),
                follower=found.get((take, "follower")),
                music=song,
                layout=layout,
            )
        )
    without = [item.take for item in performances if item.music is None]
    if music is not None and without:
        logger.warning("%s: no song %s.* (and %d more)", music, without[0], len(without) - 1)
    return performances


def find_seeds(folder: Path) -> dict[str, Path]:
    """Seed -> folder, by number, when every folder in ``folder`` is called ``seed_<n>``; otherwise "" -> ``folder``.

    Hidden folders and one called ``music`` do not count. Raises :class:`InputError` when the folder is missing.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    inner = [path for path in _visible(folder) if path.is_dir() and path.name != "music"]
    matches = [(_SEED.fullmatch(path.name), path) for path in inner]
    seeds = {match[1]: path for match, path in matches if match}
    if not seeds or len(seeds) < len(inner):
        return {"": folder}
    return {seed: seeds[seed] for seed in sorted(seeds, key=lambda seed: (int(seed), seed))}


def parameters_beside(follower: Path) -> Path:
    """The parameters that were fitted to a follower's points, where they lie beside them; else her file."""
    parameters = follower.with_name("follower.npz")
    return parameters if follower.name == "points.npy" and parameters.is_file() else follower


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _dancers(folder: Path) -> Iterator[tuple[Layout, str, Role, Path]]:
    """Layout, take, role and file of every dancer in a folder."""
    for path in _visible(folder):
        if path.is_dir():
            yield from _in_folder(path, path.name)
            for inner in _visible(path):
                if inner.is_dir():
                    yield from _in_folder(inner, f"{path.name}/{inner.name}")
        elif match := _FLAT.fullmatch(path.name):
            yield "flat", match["take"], "leader" if match["role"] == "leader" else "follower", path
        elif match := _DD100.fullmatch(path.name):
            yield "dd100", match["take"], _DD100_ROLES[match["role"]], path
        elif path.suffix.lower() in (".npz", ".npy"):
            logger.info("left out %s: its name is that of no dancer", path)


def _in_folder(path: Path, take: str) -> Iterator[tuple[Layout, str, Role, Path]]:
    """The dancers of a take that has a folder of its own."""
    leader, follower, points = (path / name for name in ("leader.npz", "follower.npz", "points.npy"))
    layout: Layout = "points" if _is_there(points) else "takes"
    if _is_there(leader):
        yield layout, take, "leader", leader
    if _is_there(points) or _is_there(follower):
        yield layout, take, "follower", points if _is_there(points) else follower


def _is_there(path: Path) -> bool:
    """Also a link to a file that is missing, which is found out when it is read."""
    return path.is_file() or path.is_symlink()


def _hint(folder: Path) -> str:
    """What else the folder looks like."""
    if any(_is_there(folder / name) for name in ("leader.npz", "follower.npz", "points.npy")):
        return " (it is itself one take: name the folder that holds it)"
    for path in _visible(folder):
        if path.is_dir() and any(True for _ in _dancers(path)):
            return f" (but in '{path.name}' in it: name that one)"
    return ""


def _facts(folder: Path) -> dict[str, Any]:
    path = folder / "take.json"
    if not path.is_file():
        return {}
    facts = read_json(path)
    if not isinstance(facts, dict):
        raise InputError(f"{path}: holds no names and values; write it as an object with genre and music")
    return facts


def _song(take: str, folder: Path, music: Path | None, facts: dict[str, Any], has_folder: bool) -> Path | None:
    if music is not None:
        return find_song(music, take)
    if has_folder:
        own = folder / take
        named = facts.get("music")
        if isinstance(named, str) and named and (own / named).is_file():
            return own / named
        song = find_song(own, "music") or find_song(own, take)
        songs = [path for path in _visible(own) if path.suffix.lower() in MUSIC_SUFFIXES]
        if song or len(songs) == 1:
            return song or songs[0]
    places = (folder, folder / "music", folder.resolve().parent / "music")
    return next((song for place in places if (song := find_song(place, take))), None)


# --------------------------------------------------------------------------------------------------------------- reading


def read_dancer(
    path: Path, *, fps: float, up: Up = "auto", source_fps: float | None = None, body: Body | None = None
) -> Motion | Joints | Points:
    """Read a dancer, whatever the file holds, at ``fps`` frames per second with +y up.

    Parameters
    ----------
    path : Path
        ``.npz`` of SMPL-X parameters (:func:`interdance.takes.read_motion`), ``.npy`` of positions or of a pickled dict of
        SMPL-X parameters (see the module), or that dict as ``.pkl``.
    fps : float
        Frames per second of the result: rotations are interpolated by :func:`interdance.mocap.resample.resample`,
        positions linearly.
    up : str
        Which axis of the file is up. ``auto`` is that of y and z along which the body stands, head over ankles, on average.
    source_fps : float, optional
        Frames per second of files that do not tell, which are all but ``.npz``; ``fps`` when not given.
    body : Body, optional
        About whose pelvis SMPL-X parameters turn, and which stands them up to see which way is up; the embedded body
        when not given.

    Returns
    -------
    :class:`Motion` of parameters, :class:`Joints` or :class:`Points` of positions; these are a read-only memory map of the
    file when they need no change.

    Raises
    ------
    InputError
        When the file is missing, cut off, damaged or refused; holds another shape, other joints, NaN, fewer than two
        frames; is not in metres; or shows a body that does not stand along the axis that is up.
    """
    if up not in get_args(Up):
        raise InputError(f"--up {up}: one of {', '.join(get_args(Up))} is needed")
    rate = fps if source_fps is None else source_fps
    for name, value in (("frames per second", fps), ("frames per second of the file", rate)):
        if not 1.0 <= value <= 1000.0:
            raise InputError(f"{path}: {value} {name}; a number between 1 and 1000 is needed")
    kind = path.suffix.lower()
    if kind not in (".npz", ".npy", ".pkl"):
        raise InputError(f"{path}: a .npz, .npy or .pkl of one dancer is needed")
    if kind == ".npy" and not read_npy_header(path).dtype.hasobject:
        return _read_positions(path, rate, fps, up)
    motion = read_motion(path) if kind == ".npz" else _parameters(path, read_object_array(path), rate)
    return _prepare_motion(path, motion, fps, up, body or Body.load())


# ------------------------------------------------------------------------------------------------------------- positions


def _read_positions(path: Path, source_fps: float, fps: float, up: Up) -> Joints | Points:
    header = read_npy_header(path)
    if header.dtype.kind not in "fiu":
        raise InputError(f"{path}: holds {header.dtype}; positions in metres are needed")
    num_frames, count = _rows(path, header.shape, "holds")
    if count not in (NUM_JOINTS, NUM_POINTS):
        if count == 166 and header.shape[-1] == 498:
            raise InputError(f"{path}: holds translation and rotation matrices; evaluate the SMPL-X files or the positions")
        raise InputError(
            f"{path}: holds {count} joints; the {NUM_JOINTS} of SMPL-X are needed, those of the hands included (or the"
            f" {NUM_POINTS} points of this package)"
        )
    _check_length(path, num_frames)
    positions = np.load(path, mmap_mode="r", allow_pickle=False).reshape(num_frames, count, 3)
    for start in range(0, num_frames, CHECKED_AT_ONCE):
        bad = ~np.isfinite(positions[start : start + CHECKED_AT_ONCE]).all(axis=(1, 2))
        if bad.any():
            raise InputError(f"{path}: NaN or infinity at frame {start + int(bad.argmax())}; repair or cut that frame")
    if _upright(path, positions, up) == "z":
        positions = np.asarray(positions[..., [0, 2, 1]]) * np.array([1, 1, -1], np.float32)
    positions = positions.astype(np.float32, copy=False)
    positions = resample_positions(positions, source_fps, fps)
    _check_length(path, len(positions), fps)
    return Joints(np.array(positions), fps) if count == NUM_JOINTS else Points(positions, fps)


def _rows(path: Path, shape: tuple[int, ...], what: str) -> tuple[int, int]:
    """Frames and joints (or points) of an array of triples of numbers; ``what`` begins the message."""
    inner = shape[1:] if len(shape) in (3, 4) and shape[0] == 1 and (len(shape) == 4 or shape[2] != 3) else shape
    if len(inner) == 2 and inner[1] % 3 == 0 and inner[1] > 3:
        return inner[0], inner[1] // 3
    if len(inner) == 3 and inner[2] == 3:
        return inner[0], inner[1]
    raise InputError(f"{path}: {what} an array of shape {shape}; (frames, {NUM_JOINTS}, 3) is needed")


def _check_length(path: Path, num_frames: int, fps: float | None = None) -> None:
    if num_frames < 2:
        held = "no frames" if num_frames == 0 else "a single frame"
        raise InputError(f"{path}: holds {held}{f' at {fps:g} frames per second' if fps else ''}; a dance is needed")


def _upright(path: Path, positions_TP3: np.ndarray, up: Up) -> str:
    """The axis of the file, y or z, along which the head is above the ankles on average, and as far as in a person."""
    head, ankles = positions_TP3[:, INDEX["head"]], positions_TP3[:, [INDEX["left_ankle"], INDEX["right_ankle"]]]
    stance_T3 = np.asarray(head, np.float64) - np.asarray(ankles, np.float64).mean(axis=1)
    height = float(np.linalg.norm(stance_T3, axis=1).mean())
    if height > TALLEST:
        raise InputError(
            f"{path}: the head is {height:.0f} away from the ankles; metres are needed, so divide by"
            f" {1000 if height > 400 else 100}"
        )
    if height < SHORTEST:
        raise InputError(
            f"{path}: the head is {height:.2g} m away from the ankles; positions of joints in metres are needed (rotations"
            " belong in an .npz with AMASS keys)"
        )
    stance = stance_T3.mean(axis=0)
    along = int(np.abs(stance).argmax())
    found = f"{'-' if stance[along] < 0 else '+'}{'xyz'[along]}"
    if found in (("+y", "+z") if up == "auto" else (f"+{up}",)):
        return found[1]
    cure = "leave out --up" if found in ("+y", "+z") else "turn the file so that +y is up"
    wanted = "+y or +z" if up == "auto" else f"+{up}"
    raise InputError(f"{path}: the body stands along {found}, {wanted} is needed; {cure}")


# ------------------------------------------------------------------------------------------------------------ parameters


def _prepare_motion(path: Path, motion: Motion, fps: float, up: Up, body: Body) -> Motion:
    _check_length(path, motion.num_frames)
    farthest = float(np.abs(motion.translation_T3).max())
    if farthest > FARTHEST:
        raise InputError(f"{path}: the translation goes to {farthest:.0f}; metres are needed, {FARTHEST:.0f} at most")
    chosen = np.linspace(0, motion.num_frames - 1, min(STANCE_FRAMES, motion.num_frames)).astype(int)
    some = Motion(motion.rotations_TJ3[chosen], motion.translation_T3[chosen], motion.betas, motion.fps)
    if _upright(path, body.joints(some), up) == "z":
        motion = _turn(motion, body)
    motion = resample(motion, fps)
    _check_length(path, motion.num_frames, fps)
    return motion


def _turn(motion: Motion, body: Body) -> Motion:
    """The same dance with +y up: SMPL-X turns the body about the pelvis of its T-pose, and translates it afterwards."""
    pelvis = body.rest_joints(motion.betas)[0].astype(np.float64)
    translation_T3 = (motion.translation_T3 + pelvis) @ Y_UP_FROM_Z_UP.T - pelvis
    rotations_TJ3 = motion.rotations_TJ3.copy()
    turned = Rotation.from_matrix(Y_UP_FROM_Z_UP) * Rotation.from_rotvec(rotations_TJ3[:, 0])
    rotations_TJ3[:, 0] = turned.as_rotvec()
    return Motion(rotations_TJ3, translation_T3.astype(np.float32), motion.betas, motion.fps)


def _parameters(path: Path, value: Any, fps: float) -> Motion:
    """SMPL-X parameters of a dict as in DD100."""
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        if value.size != 1:
            raise InputError(f"{path}: holds {value.size} objects; one dict of SMPL-X parameters is needed")
        value = value.reshape(-1)[0]
    if not isinstance(value, dict):
        raise InputError(f"{path}: holds a pickled {type(value).__name__}; a dict with poses and transl is needed")
    poses, translation = numbers(path, value, "poses"), numbers(path, value, "transl", "trans")
    num_frames, count = _rows(path, poses.shape, "'poses' is")
    if count != NUM_JOINTS:
        raise InputError(
            f"{path}: 'poses' has {count} joints; the {NUM_JOINTS} of SMPL-X are needed, those of the hands included"
        )
    _check_length(path, num_frames)
    if translation.size != num_frames * 3 or translation.shape[-1] != 3:
        raise InputError(f"{path}: 'transl' has shape {translation.shape}; ({num_frames}, 3) is needed, a row per pose")
    rotations_TJ3 = poses.reshape(num_frames, NUM_JOINTS, 3).astype(np.float32)
    translation_T3 = translation.reshape(num_frames, 3).astype(np.float32)
    if "global_orient" in value:
        orient = numbers(path, value, "global_orient")
        if orient.shape == (num_frames, 3):  # Duolando's program writes other things under that name too
            rotations_TJ3[:, 0] = orient
    betas = numbers(path, value, "betas") if value.get("betas") is not None else np.zeros(NUM_BETAS)
    if betas.size == 0 or betas.ndim not in (1, 2):
        raise InputError(f"{path}: 'betas' has shape {betas.shape}; ten coefficients are needed, or none")
    for name, array in (("poses", rotations_TJ3), ("transl", translation_T3)):
        bad = ~np.isfinite(array.reshape(num_frames, -1)).all(axis=1)
        if bad.any():
            raise InputError(f"{path}: '{name}' holds NaN or infinity at frame {int(bad.argmax())}; repair or cut that frame")
    if not np.isfinite(betas).all():
        raise InputError(f"{path}: 'betas' holds NaN or infinity; write the ten shape coefficients, zeros if unknown")
    mean = np.atleast_2d(betas).mean(axis=0)[:NUM_BETAS]  # one shape for the take: they do not change in DD100
    shape = np.zeros(NUM_BETAS, np.float32)
    shape[: len(mean)] = mean
    return Motion(rotations_TJ3, translation_T3, shape, fps)
