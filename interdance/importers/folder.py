"""Takes by name: ``<take>_leader`` and ``<take>_follower`` in any format we read, and the song ``<take>``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.importers.listing import check_folders, copy_song, song_of
from interdance.importers.source import Recording, Source, safe_name
from interdance.mocap.bvh import read_bvh
from interdance.mocap.retarget import Mapping, bvh_to_motion, load_mapping
from interdance.takes import Duet, Motion, read_motion, write_motion

MAPPING = "mapping.yaml"
MOTION_SUFFIXES = (".bvh", ".npz")
ROLES = {"leader": "leader", "follower": "follower", "a": "leader", "b": "follower"}
LAYOUT = """\
<take>_leader.bvh | .npz       a named skeleton (docs/data/bvh.md), or SMPL-X parameters in the AMASS layout
<take>_follower.bvh | .npz     in the same world and of the same frames; where nobody leads, _a and _b
<take>.ogg | .wav | .mp3 | .flac   here, in music/ here, or in music/ beside this folder; from frame 0 on
mapping.yaml                   if the skeletons have names of their own: how they are read"""


def find(folder: Path, music: Path | None = None) -> tuple[list[Source], dict[str, str]]:
    """The couples of a folder, sorted by name; a dancer without a partner is left out.

    Raises
    ------
    InputError
        For a missing folder, a dancer that is there twice, or a folder without a single couple.
    """
    check_folders(folder, music)
    motions: dict[tuple[str, str], Path] = {}
    left_out: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in MOTION_SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        take, _, ending = path.stem.rpartition("_")
        role = ROLES.get(ending)
        if role is None or not take:
            left_out[path.name] = "its name ends neither in _leader nor in _follower"
            continue
        if (take, role) in motions:
            raise InputError(f"{path}: {motions[take, role].name} is there too; keep one of them")
        motions[take, role] = path
    places = [music] if music else [folder, folder / "music", folder.resolve().parent / "music"]
    found = []
    for take in sorted({take for take, _ in motions}):
        lacking = [role for role in ("leader", "follower") if (take, role) not in motions]
        if lacking:
            left_out[take] = f"no {lacking[0]}"
            continue
        song = song_of(places, take)
        dancers = motions[take, "leader"], motions[take, "follower"]
        found.append(Source(safe_name(take), "unknown", *dancers, song, others=(folder / MAPPING,)))
    if not found:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(left_out.items())[:4])
        raise InputError(
            f"{folder}: no take to import; needed are <take>_leader.bvh and <take>_follower.bvh (or .npz)"
            f" ({reasons or 'it holds none of them'})"
        )
    return found, left_out


def read(source: Source, body: Body) -> Recording:
    """Read both dancers. Raises :class:`InputError` for a defective file, or a skeleton without a mapping."""
    (place,) = source.others
    mapping: Mapping | None = load_mapping(place) if place.is_file() else None
    leader = _read(source.leader, body, mapping)
    follower = None if source.follower is None else _read(source.follower, body, mapping)
    captured = all(path is None or path.suffix.lower() == ".npz" for path in (source.leader, source.follower))
    return Recording(leader, follower, {"fingers": "as in the file" if captured else "relaxed where not captured"})


def write(folder: Path, duets: Sequence[Duet], body: Body) -> None:
    """Write couples as SMPL-X parameters, and their songs."""
    for duet in duets:
        copy_song(duet.music, folder, duet.name)
        write_motion(folder / f"{duet.name}_leader.npz", duet.leader)
        if duet.follower is not None:
            write_motion(folder / f"{duet.name}_follower.npz", duet.follower)


def _read(path: Path, body: Body, mapping: Mapping | None) -> Motion:
    return read_motion(path) if path.suffix.lower() == ".npz" else bvh_to_motion(read_bvh(path), body, mapping)
