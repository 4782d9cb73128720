"""FineDance: dances of one person with fingers, SMPL-H joints as six numbers each, 30 frames per second, +Y up.

The set's own code poses the mean neutral SMPL-X body with them, without shape; so do we. Heights in the files are
relative to where the pelvis stood (the set's renderer adds 1.3 m), so each dancer is set on the floor.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.files import atomic_path, read_json, write_json
from interdance.importers.convert import (
    make_motion,
    pelvis_of,
    smplh_rotations,
    smplx_rotations,
    translation_of,
    vectors_from_6d,
    vectors_to_6d,
)
from interdance.importers.finding import nothing_found, refuse_pointer
from interdance.importers.floor import on_floor
from interdance.importers.listing import check_folders, copy_song, song_of, subfolder
from interdance.importers.source import Recording, Source, safe_name
from interdance.mocap.resample import resample
from interdance.pickles import read_npy_header
from interdance.takes import NUM_BETAS, Duet, Motion

LAYOUT = """\
motion/<number>.npy        (T, 315): 3 of the translation, metres, then 52 joints of 6 numbers; +y up, 30 per second
                           (T, 319): with 4 contact labels in front; (T, 168): axis-angle of 55 joints
label_json/<number>.json   name of the song, style1 (coarse), style2 (fine): the genre is style2
music_wav/<number>.wav | .mp3 | .ogg | .flac   here, or in the folder named"""

FPS = 30.0

_CONTACTS, _TRANSLATION, _SIX_D, _VECTORS = 4, 3, 52 * 6, 55 * 3
_LAST = 211
_IGNORED = {"116", "117", "118", "119", "120", "121", "122", "123", "130", "202"}
_GENRE_TEST = {
    "063", "132", "143", "036", "098", "198", "130", "012", "211", "193", "179", "065", "137", "161", "092", "120",
    "037", "109", "204", "144",
}  # fmt: skip
_DANCER_TEST = {*(f"{number:03d}" for number in range(1, 14)), "124", "126", "128", "130", "132"}
_DANCER_VALIDATION = {"115", "117", "119", "121", "122", "135", "137", "139", "141", "143", "145", "147"}


def find(folder: Path, music: Path | None = None) -> tuple[list[Source], dict[str, str]]:
    """The dances of the set, sorted by name.

    Raises
    ------
    InputError
        For a missing folder, one without a dance, or a label that is no JSON.
    """
    check_folders(folder, music)
    motions = subfolder(folder, "motion")
    root = motions.parent
    places = [music] if music else [root / "music_wav", root / "music", root.resolve().parent / "music"]
    found = []
    for path in sorted(motions.glob("*.npy")):
        label = root / "label_json" / f"{path.stem}.json"
        facts = _labels(label) | _splits(path.stem)
        genre = _genre(str(facts.get("style2") or facts.get("style1") or ""))
        found.append(Source(safe_name(path.stem), genre, path, music=song_of(places, path.stem), facts=facts))
    if not found:
        raise nothing_found(folder, "motion/<number>.npy", {})
    return found, {}


def read(source: Source, body: Body) -> Recording:
    """Read one dancer.

    Raises
    ------
    InputError
        For a damaged file, another number of columns, NaN, or six numbers that are no rotation.
    """
    path = source.leader
    refuse_pointer(path)
    header = read_npy_header(path)
    widths = {_TRANSLATION + _SIX_D: 0, _CONTACTS + _TRANSLATION + _SIX_D: _CONTACTS, _TRANSLATION + _VECTORS: 0}
    if len(header.shape) != 2 or header.shape[1] not in widths or header.shape[0] == 0 or header.dtype.kind != "f":
        raise InputError(
            f"{path}: holds {header.dtype} of shape {header.shape}; (frames, 315), (frames, 319) or (frames, 168) of"
            " floating-point numbers are needed"
        )
    rows = np.load(path, allow_pickle=False)[:, widths[header.shape[1]] :]
    translation, rest = rows[:, :_TRANSLATION], rows[:, _TRANSLATION:]
    if rest.shape[1] == _VECTORS:
        vectors = rest.reshape(len(rest), -1, 3).astype(np.float32)
    else:
        vectors = vectors_from_6d(path, rest.reshape(len(rest), -1, 6), "rows")
    motion = make_motion(path, smplx_rotations(path, vectors), translation, None, FPS)
    (motion,), (lift,) = on_floor([motion], body)
    return Recording(motion, None, {"betas": "zero, as the set's own code poses it", "raised_m": round(lift, 4)})


def write(folder: Path, duets: Sequence[Duet], body: Body) -> None:
    """Write every dancer as a dance of its own under the next number, the follower after the leader, with label and song.

    The set has no shape: the dancer's pelvis is where it was, on the mean body.
    """
    number = 0
    for duet in duets:
        for motion in (duet.leader, duet.follower):
            if motion is None:
                continue
            number += 1
            moved = resample(motion, FPS)
            betas = np.zeros(NUM_BETAS, np.float32)
            translation = translation_of(pelvis_of(moved, body), betas, body)
            rows = np.concatenate([translation, _six(moved)], axis=1).astype(np.float32)
            with atomic_path(folder / "motion" / f"{number:03d}.npy") as temporary, temporary.open("wb") as stream:
                np.save(stream, rows, allow_pickle=False)
            styles = {"style1": duet.facts.get("style1", duet.genre), "style2": duet.facts.get("style2", duet.genre)}
            write_json(folder / "label_json" / f"{number:03d}.json", {"name": duet.name} | styles)
            copy_song(duet.music, folder / "music_wav", f"{number:03d}")


def _six(motion: Motion) -> np.ndarray:
    return vectors_to_6d(smplh_rotations(motion.rotations_TJ3), "rows").reshape(motion.num_frames, _SIX_D)


def _labels(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    label = read_json(path)
    if not isinstance(label, dict):
        raise InputError(f"{path}: not a label of the set (an object with name, style1, style2); download it again")
    known = {"name": "song", "style1": "style1", "style2": "style2"}
    return {fact: label[key] for key, fact in known.items() if isinstance(label.get(key), str)}


def _splits(number: str) -> dict[str, str]:
    """The parts of both published splits, which stand in the code of the set; a dance that they skip has none."""
    if not number.isdigit() or not 1 <= int(number) <= _LAST:
        return {}
    by_genre = "test" if number in _GENRE_TEST else "train"
    by_dancer = "test" if number in _DANCER_TEST else "validation" if number in _DANCER_VALIDATION else "train"
    facts = {} if number in _IGNORED else {"split": by_genre}
    if number not in (_IGNORED - _DANCER_VALIDATION) | {"159"}:
        facts["split_by_dancer"] = by_dancer
    return facts


def _genre(style: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", style.lower()).strip("_") or "unknown"
