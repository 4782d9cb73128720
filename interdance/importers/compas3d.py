"""CoMPAS3D: improvised salsa of nine couples, SMPL-X in AMASS-style archives (:mod:`interdance.importers.archive`).

Confirmed from the data card and from public converters of the released files: folders and names, the role as a word of the
file name (one file is called ``..._leaderi.npz``), ``poses`` (T, 165), ``trans``, 300 ``betas``, ``gender``, +z up, model
``smplx_locked_head``, 30 frames per second in the files of a 120 Hz capture, tables of markers as pickled objects (not
opened), sound in ``.mp4``, proficiency and split per couple. Inferred: nothing that reading depends on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from interdance.body.model import Body
from interdance.files import atomic_path
from interdance.importers.archive import read_archive
from interdance.importers.convert import z_up
from interdance.importers.couples import record
from interdance.importers.finding import nothing_found, places_of_songs, songs_in, visible_files
from interdance.importers.listing import copy_song
from interdance.importers.source import Recording, Source
from interdance.music.cut import SUFFIXES
from interdance.takes import Duet, Motion

LAYOUT = """\
Pair<n>/Pair<n>_song<m>_take<k>/
   Pair<n>_song<m>_take<k>_leader.npz      poses (T, 165), trans (T, 3), betas (300), gender, mocap_frame_rate; +z up, metres
   Pair<n>_song<m>_take<k>_follower.npz    in the same world and of the same frames
   Pair<n>_song<m>_take<k>.mp4             the song, as the sound of a video
   Pair<n>_song<m>_take<k>.txt             annotations of some takes; not read
Pair<n>_song<m>_take<k>.wav | .ogg | .mp3 | .flac   instead of the mp4: there, in --music, or in music/ beside the folder"""

PROFICIENCY = {
    1: "beginner", 2: "intermediate", 3: "beginner", 4: "intermediate", 5: "professional", 6: "intermediate",
    7: "professional", 8: "beginner", 9: "professional",
}  # fmt: skip
VALIDATION = {(1, 2, 2), (2, 3, 1), (5, 1, 1)}
"""Couple, song and take of the published validation part."""
TEST = {(1, 1, 1), (2, 1, 2), (3, 2, 1), (4, 2, 2), (5, 3, 1), (6, 3, 2), (7, 4, 1), (8, 4, 2), (9, 1, 1)}
"""Couple, song and take of the published test part; all others are for training."""

_TAKE = re.compile(r"(?i)(?P<take>pair(?P<pair>\d+)_song(?P<song>\d+)_take(?P<number>\d+))_(?P<rest>.*)")
NUM_BETAS = 300


def find(folder: Path, music: Path | None = None) -> tuple[list[Source], dict[str, str]]:
    """The takes below a folder, sorted by name; one without a leader, without a follower or with two of one is left out.

    Raises
    ------
    InputError
        For a missing folder, or one without a take.
    """
    takes: dict[str, dict[str, list[Path]]] = {}
    left_out: dict[str, str] = {}
    for path in visible_files(folder, {".npz"}):
        match = _TAKE.fullmatch(path.stem)
        role = next((role for role in ("leader", "follower") if match and role in match["rest"].lower()), None)
        if not match or role is None:
            left_out[path.relative_to(folder).as_posix()] = "its name is not that of a leader or a follower"
            continue
        takes.setdefault(_name(match), {}).setdefault(role, []).append(path)
    songs = songs_in(*places_of_songs(folder, music), suffixes=(*SUFFIXES, ".mp4"))
    by_name = {name.lower(): song for name, song in sorted(songs.items())}
    found = []
    for name, roles in sorted(takes.items()):
        wrong = [role for role in ("leader", "follower") if len(roles.get(role, [])) != 1]
        if wrong:
            files = [path.name for path in roles.get(wrong[0], [])]
            left_out[name] = f"{' and '.join(files)} are both the {wrong[0]}" if files else f"no {wrong[0]}"
            continue
        leader, follower = roles["leader"][0], roles["follower"][0]
        found.append(Source(name, "salsa", leader, follower, by_name.get(name.lower()), facts=_published(name)))
    if not found:
        raise nothing_found(folder, "Pair<n>_song<m>_take<k>_leader.npz and ..._follower.npz", left_out)
    return found, left_out


def _name(match: re.Match[str]) -> str:
    return f"Pair{int(match['pair'])}_song{int(match['song'])}_take{int(match['number'])}"


def _published(name: str) -> dict[str, str | int]:
    pair, song, number = (int(digits) for digits in re.findall(r"\d+", name))
    key = (pair, song, number)
    split = "validation" if key in VALIDATION else "test" if key in TEST else "train"
    return {"couple": pair, "song": song, "proficiency": PROFICIENCY.get(pair, "unknown"), "split": split}


def read(source: Source, body: Body) -> Recording:
    """Read both dancers. Raises :class:`InputError` as :func:`interdance.importers.archive.read_archive` does."""
    return record(source, body, read_archive)


def write(folder: Path, duets: Sequence[Duet], body: Body) -> None:
    """Write couples in float64, without markers, and copy their songs; another name becomes ``Pair1_song1_take<n>``.

    ``v_template`` is a pickled None, as in the released files, whose other entries are read without opening it.
    """
    for number, duet in enumerate(duets, start=1):
        match = _TAKE.fullmatch(f"{duet.name}_")
        name = _name(match) if match else f"Pair1_song1_take{number}"
        place = folder / name.partition("_")[0] / name
        for role, motion in (("leader", duet.leader), ("follower", duet.follower)):
            if motion is not None:
                _write_dancer(place / f"{name}_{role}.npz", z_up(motion, body))
        copy_song(duet.music, place, name)


def _write_dancer(path: Path, motion: Motion) -> None:
    arrays = {
        "gender": np.array("neutral"),
        "surface_model_type": np.array("smplx_locked_head"),
        "mocap_frame_rate": np.array(motion.fps, np.float64),
        "trans": motion.translation_T3.astype(np.float64),
        "poses": motion.rotations_TJ3.reshape(motion.num_frames, -1).astype(np.float64),
        "betas": np.concatenate([motion.betas, np.zeros(NUM_BETAS - len(motion.betas))]).astype(np.float64),
        "v_template": np.array(None, object),
    }
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=True, **arrays)
