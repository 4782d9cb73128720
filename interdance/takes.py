"""The form every take has, wherever it came from: two dancers as SMPL-X parameters, a song, and facts about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, overload

import numpy as np

from interdance.errors import InputError
from interdance.files import read_json, read_npz, write_json, write_npz

NUM_JOINTS = 55
NUM_BETAS = 10


@dataclass(frozen=True)
class Motion:
    """One dancer's motion as SMPL-X parameters.

    Attributes
    ----------
    rotations_TJ3 : float32 (T, 55, 3)
        Axis-angle rotation of each joint relative to its parent, radians; joint 0 is the global orientation.
    translation_T3 : float32 (T, 3)
        SMPL-X ``transl`` in metres, +Y up. The pelvis stands at ``translation + rest_pelvis(betas)``.
    betas : float32 (10,)
        Shape coefficients, one set for the whole take.
    fps : float
        Frames per second.
    """

    rotations_TJ3: np.ndarray
    translation_T3: np.ndarray
    betas: np.ndarray
    fps: float

    @property
    def num_frames(self) -> int:
        return len(self.rotations_TJ3)

    def __getitem__(self, frames: slice) -> Motion:
        return replace(self, rotations_TJ3=self.rotations_TJ3[frames], translation_T3=self.translation_T3[frames])


@dataclass(frozen=True)
class Joints:
    """One dancer's motion as joint positions alone: what a system without body parameters gives.

    Attributes
    ----------
    joints_TJ3 : float32 (T, 55, 3)
        World position of each joint in metres, +Y up, in SMPL-X order (``interdance.body.skeleton.JOINT_NAMES``).
    fps : float
        Frames per second.
    """

    joints_TJ3: np.ndarray
    fps: float

    @property
    def num_frames(self) -> int:
        return len(self.joints_TJ3)

    def __getitem__(self, frames: slice) -> Joints:
        return replace(self, joints_TJ3=self.joints_TJ3[frames])


@dataclass(frozen=True)
class Points:
    """One dancer's motion as positions of joints and sampled surface: what our own generation gives.

    Attributes
    ----------
    points_TP3 : float32 (T, 710, 3)
        World position of each point in metres, +Y up: the 55 joints, then the 655 sampled vertices. May be a memory map.
    fps : float
        Frames per second.
    """

    points_TP3: np.ndarray
    fps: float

    @property
    def num_frames(self) -> int:
        return len(self.points_TP3)

    def __getitem__(self, frames: slice) -> Points:
        return replace(self, points_TP3=self.points_TP3[frames])


@dataclass(frozen=True)
class Duet:
    """A leader, a follower (absent when it is still to be generated) and the song they dance to, of equal length."""

    name: str
    genre: str
    leader: Motion
    follower: Motion | None
    music: Path | None
    facts: dict[str, Any] = field(default_factory=dict)


def write_motion(path: Path, motion: Motion) -> None:
    """Write a motion as ``.npz`` in the AMASS layout for SMPL-X, the one SMPL-X tools and the Blender add-on read."""
    poses = np.asarray(motion.rotations_TJ3, np.float32).reshape(motion.num_frames, NUM_JOINTS * 3)
    write_npz(
        path,
        gender=np.array("neutral"),
        surface_model_type=np.array("smplx"),
        mocap_frame_rate=np.array(motion.fps, np.float64),
        mocap_time_length=np.array(motion.num_frames / motion.fps, np.float64),
        trans=np.asarray(motion.translation_T3, np.float32),
        poses=poses,
        root_orient=poses[:, 0:3],
        pose_body=poses[:, 3:66],
        pose_jaw=poses[:, 66:69],
        pose_eye=poses[:, 69:75],
        pose_hand=poses[:, 75:165],
        betas=np.asarray(motion.betas, np.float32),
    )


def read_motion(path: Path) -> Motion:
    """Read a motion in the AMASS layout for SMPL-X.

    Raises
    ------
    InputError
        When the file is missing, is not an npz, lacks a key, has arrays of the wrong shape, or holds NaN or infinity.
    """
    arrays = read_npz(path)
    rate_key = "mocap_frame_rate" if "mocap_frame_rate" in arrays else "mocap_framerate"
    for key in ("poses", "trans", "betas", rate_key):
        if key not in arrays:
            known = ", ".join(name[:40] for name in sorted(arrays)[:8]) + (", ..." if len(arrays) > 8 else "") or "nothing"
            raise InputError(f"{path}: no array named '{key}' (it holds: {known}); write AMASS keys for SMPL-X")
    poses, translation, betas = (np.asarray(arrays[key]) for key in ("poses", "trans", "betas"))
    for key, array in (("poses", poses), ("trans", translation), ("betas", betas), (rate_key, arrays[rate_key])):
        if not np.issubdtype(array.dtype, np.number):
            raise InputError(f"{path}: '{key}' holds {array.dtype}, not numbers")
    num_frames = len(poses) if poses.ndim else 0
    if poses.ndim != 2 or poses.shape[1] != NUM_JOINTS * 3 or num_frames == 0:
        raise InputError(f"{path}: 'poses' has shape {poses.shape}; (frames, 165) is needed: 55 SMPL-X joints in axis-angle")
    if translation.shape != (num_frames, 3):
        raise InputError(f"{path}: 'trans' has shape {translation.shape}; ({num_frames}, 3) is needed, a row per pose")
    if betas.ndim != 1 or len(betas) < 1:
        raise InputError(f"{path}: 'betas' has shape {betas.shape}; one row of at least 1 coefficient is needed")
    fps = float(np.asarray(arrays[rate_key]).reshape(-1)[0]) if np.asarray(arrays[rate_key]).size else float("nan")
    if not np.isfinite(fps) or not 1.0 <= fps <= 1000.0:
        raise InputError(f"{path}: '{rate_key}' is {fps}; frames per second between 1 and 1000 are needed")
    for key, array in (("poses", poses), ("trans", translation)):
        bad = ~np.isfinite(array).all(axis=1)
        if bad.any():
            raise InputError(f"{path}: '{key}' holds NaN or infinity at frame {int(bad.argmax())}; repair or cut that frame")
    if not np.isfinite(betas).all():
        raise InputError(f"{path}: 'betas' holds NaN or infinity; write the ten shape coefficients, zeros if unknown")
    shape = np.zeros(NUM_BETAS, np.float32)
    shape[: min(NUM_BETAS, len(betas))] = betas[:NUM_BETAS]
    return Motion(
        rotations_TJ3=poses.reshape(num_frames, NUM_JOINTS, 3).astype(np.float32),
        translation_T3=translation.astype(np.float32),
        betas=shape,
        fps=fps,
    )


def write_take(root: Path, duet: Duet) -> Path:
    """Write the motions and facts of a duet to ``root/<name>/``; the song must already lie there. Returns the folder."""
    folder = root / duet.name
    folder.mkdir(parents=True, exist_ok=True)
    write_motion(folder / "leader.npz", duet.leader)
    if duet.follower is not None:
        write_motion(folder / "follower.npz", duet.follower)
    facts = dict(duet.facts) | {
        "name": duet.name,
        "genre": duet.genre,
        "fps": duet.leader.fps,
        "num_frames": duet.leader.num_frames,
        "music": duet.music.name if duet.music else None,
    }
    write_json(folder / "take.json", facts)
    return folder


def read_take(folder: Path) -> Duet:
    """Read a take written by :func:`write_take`.

    Raises
    ------
    InputError
        As :func:`read_facts` does for name and genre, and as :func:`read_motion` does.
    """
    facts = read_facts(folder, name=str, genre=str)
    follower, music = folder / "follower.npz", facts.get("music")
    return Duet(
        name=facts["name"],
        genre=facts["genre"],
        leader=read_motion(folder / "leader.npz"),
        follower=read_motion(follower) if follower.exists() else None,
        music=folder / music if isinstance(music, str) and music else None,
        facts=facts,
    )


def read_facts(folder: Path, **kinds: type) -> dict[str, Any]:
    """What ``take.json`` says of a take; ``kinds`` are the facts that are needed, and their types.

    Raises
    ------
    InputError
        When one of them is missing, or of another type.
    """
    place = folder / "take.json"
    facts = read_json(place)
    for key, kind in kinds.items():
        if not isinstance(facts, dict) or not isinstance(facts.get(key), kind):
            raise InputError(f"{place}: '{key}' is missing or no {kind.__name__}; make the take again")
    return dict(facts)


def list_takes(root: Path) -> list[str]:
    """Names of the takes under ``root``, sorted: ``<take>`` in the folder of one set, ``<set>/<take>`` in that of all.

    Hidden folders do not count: a stage that was killed may have left one.
    """
    places = (path.parent.relative_to(root) for path in (*root.glob("*/take.json"), *root.glob("*/*/take.json")))
    return sorted(place.as_posix() for place in places if not any(part.startswith(".") for part in place.parts))


class TakesIn(Sequence[Duet]):
    """The takes under a folder, each read when it is asked for: a data set may be larger than the memory."""

    def __init__(self, root: Path) -> None:
        self.root, self.names = root, list_takes(root)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Duet: ...
    @overload
    def __getitem__(self, index: slice) -> list[Duet]: ...
    def __getitem__(self, index: int | slice) -> Duet | list[Duet]:
        if isinstance(index, slice):
            return [read_take(self.root / name) for name in self.names[index]]
        return read_take(self.root / self.names[index])
