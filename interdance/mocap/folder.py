"""A folder of captured couples becomes takes: paired, calibration poses cut off, the song cut at the same place."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from interdance.body.skeleton import INDEX
from interdance.errors import InputError
from interdance.files import atomic_folder, atomic_path, write_json
from interdance.mocap.quality import as_facts, find_defects
from interdance.mocap.retarget import Mapping, read_leader
from interdance.takes import Duet, Motion, write_take

if TYPE_CHECKING:
    from interdance.body.model import Body

logger = logging.getLogger(__name__)

MOTION_SUFFIXES = (".bvh", ".npz")
MUSIC_SUFFIXES = (".ogg", ".wav", ".mp3", ".flac")
REPORT = "import.json"
T_POSE_DEGREES = 25.0
T_POSE_BRIDGE_S = 0.2
SHORTEST_S = 1.0


@dataclass(frozen=True)
class Found:
    """The three files of a take."""

    name: str
    leader: Path
    follower: Path
    music: Path


def import_folder(
    folder: Path,
    out: Path,
    body: Body,
    fps: float,
    genre: str,
    tolerance_s: float,
    mapping: Mapping | None = None,
    music_folder: Path | None = None,
    takes: Iterable[str] | None = None,
    trim: bool = True,
    workers: int = 1,
) -> list[str]:
    """Import every whole couple of a folder and return the names of the takes, sorted.

    A take is ``<take>_leader`` and ``<take>_follower`` (``.bvh`` or SMPL-X ``.npz``) in ``folder`` and a song
    ``<take>.ogg``, ``.wav``, ``.mp3`` or ``.flac`` in ``folder``, ``folder/music`` or a ``music`` folder beside it.
    Dancers without a partner or song are left out; ``out/import.json`` and the log say why. ``out`` is replaced whole
    when everything succeeded, and is as it was before when something did not.

    Parameters
    ----------
    folder, out : Path
        What is read and where the takes go, one folder each (``interdance.takes.write_take``).
    body : Body
        The body the dancers get.
    fps : float
        Frames per second of the takes.
    genre : str
        Of every take.
    tolerance_s : float
        Seconds by which a song may end before the dance does, and by which the two dancers may differ in length.
    mapping : Mapping, optional
        How skeletons are read; chosen by their joint names when not given.
    music_folder : Path, optional
        Where the songs lie, when not in one of the places above.
    takes : iterable of str, optional
        Import these takes only, and let each be missing be an error.
    trim : bool
        Cut calibration T-poses off both ends of both dancers and of the song alike; ``trimmed`` among the facts says
        how much.
    workers : int
        Processes.

    Raises
    ------
    InputError
        For a missing folder, one without a single whole couple, or a take whose files are all there but one is
        defective.
    """
    found, skipped = find_takes(folder, music_folder, takes)
    _check_out(out)
    for name, reason in sorted(skipped.items()):
        logger.info("left out %s: %s", name, reason)
    if not found:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(skipped.items())[:4])
        raise InputError(
            f"{folder}: no take to import; needed are <take>_leader.bvh, <take>_follower.bvh and a song"
            f" <take>.ogg|wav|mp3 there or in a folder 'music' ({reasons or 'it holds none of them'})"
        )
    with atomic_folder(out) as temporary:
        work = partial(
            _import_take,
            out=temporary,
            body=body,
            fps=fps,
            genre=genre,
            tolerance_s=tolerance_s,
            mapping=mapping,
            trim=trim,
        )
        if workers > 1 and len(found) > 1:
            with ProcessPoolExecutor(min(workers, len(found))) as pool:
                reports = list(pool.map(work, found))
        else:
            reports = list(map(work, found))
        write_json(temporary / REPORT, {"takes": reports, "left_out": skipped})
    return sorted(item.name for item in found)


def find_takes(
    folder: Path, music_folder: Path | None = None, takes: Iterable[str] | None = None
) -> tuple[list[Found], dict[str, str]]:
    """The whole couples of a folder, sorted by name, and the reason for each motion file's take that is none.

    Raises :class:`InputError` for a missing folder or a named take that is not whole.
    """
    for place in (folder, music_folder):
        if place is not None and not place.is_dir():
            raise InputError(f"{place}: no such folder")
    motions: dict[tuple[str, str], Path] = {}
    skipped: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in MOTION_SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        take, _, role = path.stem.rpartition("_")
        if role not in ("leader", "follower") or not take:
            skipped[path.name] = "its name ends neither in _leader nor in _follower"
            continue
        if (take, role) in motions:
            raise InputError(f"{path}: {motions[take, role].name} is there too; keep one of them")
        motions[take, role] = path
    places = [music_folder] if music_folder else [folder, folder / "music", folder.resolve().parent / "music"]
    names = sorted({take for take, _ in motions})
    wanted = names if takes is None else list(takes)
    found = []
    for take in wanted:
        music = _song(take, places)
        lacking = [role for role in ("leader", "follower") if (take, role) not in motions]
        if lacking or music is None:
            reason = f"no {lacking[0]}" if lacking else f"no song {take}" + "|".join(MUSIC_SUFFIXES)
            if takes is not None:
                raise InputError(f"{folder}: take {take}: {reason} beside the rest")
            skipped[take] = reason
        else:
            found.append(Found(take, motions[take, "leader"], motions[take, "follower"], music))
    if takes is not None:
        skipped.update({take: "not among the takes asked for" for take in names if take not in set(wanted)})
    return found, skipped


def t_pose_frames(joints_TJ3: np.ndarray, degrees: float = T_POSE_DEGREES) -> np.ndarray:
    """Frames (T,) in which both arms are straight and lie along the line of the shoulders, as in a calibration."""
    left, right = ([INDEX[f"{side}_{part}"] for part in ("shoulder", "elbow", "wrist")] for side in ("left", "right"))
    across = joints_TJ3[:, left[0]] - joints_TJ3[:, right[0]]
    across = across / np.linalg.norm(across, axis=1, keepdims=True)
    result = np.ones(len(joints_TJ3), bool)
    for chain, sign in ((left, 1.0), (right, -1.0)):
        bones = np.diff(joints_TJ3[:, chain], axis=1)
        bones = bones / np.linalg.norm(bones, axis=2, keepdims=True)
        cosine = sign * np.einsum("tkc,tc->tk", bones, across)
        result &= (cosine > np.cos(np.radians(degrees))).all(axis=1)
    return result


def trim_range(t_pose_T: np.ndarray, bridge: int) -> tuple[int, int]:
    """First frame and end (exclusive) without the T-poses at the ends; ``bridge`` other frames may interrupt them."""
    num_frames = len(t_pose_T)
    first = _leading(t_pose_T, bridge)
    return first, max(num_frames - _leading(t_pose_T[::-1], bridge), first)


def _leading(mask: np.ndarray, bridge: int) -> int:
    end = 0
    for place in np.flatnonzero(mask):
        if place - end > bridge:
            break
        end = int(place) + 1
    return end


def _song(take: str, places: list[Path]) -> Path | None:
    for place in places:
        for suffix in MUSIC_SUFFIXES:
            if (place / f"{take}{suffix}").is_file():
                return place / f"{take}{suffix}"
    return None


def _check_out(out: Path) -> None:
    """``out`` is replaced whole, so it must hold nothing but takes."""
    if not out.exists():
        return
    strange = [
        item.name
        for item in (out.iterdir() if out.is_dir() else [out])
        if item.name not in (REPORT, ".gitignore") and not (item / "take.json").is_file()
    ]
    if strange:
        raise InputError(f"{out}: '{strange[0]}' in it is no take and would be lost; name an empty folder for takes")


def _import_take(
    found: Found,
    out: Path,
    body: Body,
    fps: float,
    genre: str,
    tolerance_s: float,
    mapping: Mapping | None,
    trim: bool,
) -> dict[str, Any]:
    leader = read_leader(found.leader, body, mapping, fps)
    follower = read_leader(found.follower, body, mapping, fps)
    longest, shortest = max(leader.num_frames, follower.num_frames), min(leader.num_frames, follower.num_frames)
    if longest - shortest > tolerance_s * fps:
        raise InputError(
            f"{found.follower}: {follower.num_frames / fps:.2f} s long, but {found.leader.name} is"
            f" {leader.num_frames / fps:.2f} s; both must be of the same recording"
        )
    leader, follower = leader[:shortest], follower[:shortest]
    first, end = 0, shortest
    if trim:
        pose = t_pose_frames(_joints(body, leader)) | t_pose_frames(_joints(body, follower))
        first, end = trim_range(pose, round(T_POSE_BRIDGE_S * fps))
    if (end - first) / fps < SHORTEST_S:
        rest = (end - first) / fps
        raise InputError(f"{found.leader}: {rest:.2f} s remain without the calibration pose; there is no dance in it")
    leader, follower = leader[first:end], follower[first:end]

    folder = out / found.name
    folder.mkdir(parents=True)
    song = folder / "music.flac"
    cut_song(found.music, song, first / fps, (end - first) / fps, tolerance_s)
    defects = {"leader": as_facts(find_defects(leader)), "follower": as_facts(find_defects(follower))}
    facts = {
        "source": "folder",
        "files": [found.leader.name, found.follower.name, found.music.name],
        "trimmed": {"start": first, "end": longest - end, "reason": "calibration T-pose"},
        "fingers": "relaxed, not captured",
        "defects": defects,
    }
    if "npz" in found.leader.suffix + found.follower.suffix:
        facts["fingers"] = "as in the file"
    write_take(out, Duet(found.name, genre, leader, follower, song, facts))
    count = sum(len(found_here) for found_here in defects.values())
    logger.info("%s: %d frames, %d + %d trimmed, %d defects", found.name, end - first, first, longest - end, count)
    return {"name": found.name, "num_frames": end - first, **facts}


def cut_song(source: Path, target: Path, start_s: float, duration_s: float, tolerance_s: float) -> None:
    """Copy a part of a song to FLAC, whatever its format.

    Raises
    ------
    InputError
        When the song cannot be decoded to its end, or ends more than ``tolerance_s`` before the part does.
    """
    try:
        with soundfile.SoundFile(source) as stream:
            rate, promised = stream.samplerate, stream.frames
            begin, wanted = round(start_s * rate), round(duration_s * rate)
            samples = stream.read(min(begin + wanted, promised), dtype="float32", always_2d=True)
            samples = samples[begin:]  # read from the start: seeking in an mp3 lands near, not there
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        what = str(error).splitlines()[0]
        raise InputError(f"{source}: the song cannot be decoded ({what}); export it again") from None
    expected = min(wanted, max(promised - begin, 0))
    if len(samples) < expected:
        raise InputError(
            f"{source}: the song breaks off at {(begin + len(samples)) / rate:.2f} s of {promised / rate:.2f} s; it was"
            " cut, copy it again"
        )
    if len(samples) < wanted - tolerance_s * rate:
        raise InputError(
            f"{source}: the song ends at {promised / rate:.2f} s, but the dance lasts until"
            f" {start_s + duration_s:.2f} s; use the whole song"
        )
    if not np.isfinite(samples).all():
        raise InputError(f"{source}: the song holds samples that are no numbers; export it again")
    with atomic_path(target) as temporary:
        soundfile.write(temporary, np.clip(samples, -1.0, 1.0), rate, format="FLAC", subtype="PCM_16")


def _joints(body: Body, motion: Motion) -> np.ndarray:
    return np.asarray(body.joints(motion))
