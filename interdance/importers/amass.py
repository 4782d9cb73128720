"""AMASS-style archives (:mod:`interdance.importers.archive`): solo dances, or couples by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.importers.archive import Kind, read_archive, write_archive
from interdance.importers.couples import record
from interdance.importers.finding import genre_in, nothing_found, places_of_songs, songs_in, split_of, visible_files
from interdance.importers.listing import copy_song
from interdance.importers.source import Recording, Source, safe_name
from interdance.takes import Duet

LAYOUT = """\
**/<take>_leader.npz, **/<take>_follower.npz    a couple, in one world and of the same frames
**/<take>.npz                                   a solo dance; every name may end in _stageii or _poses
   poses (T, 165) SMPL-X, (T, 156) SMPL-H, (T, 72) SMPL or (T, 66) body alone, axis-angle; trans (T, 3), metres, +z up
   betas (10 or more), gender, mocap_frame_rate or mocap_framerate
**/<take>.ogg | .wav | .mp3 | .flac             or in music/ beside the folder; AMASS has none"""

_STAGE = re.compile(r"_(?:stageii|poses)$")
_WITHOUT_MOTION = re.compile(r"(?:.*_)?(?:stagei|shape)")
_ROLE = re.compile(r"(?P<take>.+)_(?P<role>leader|follower)")


def find(folder: Path, music: Path | None = None) -> tuple[list[Source], dict[str, str]]:
    """The couples and solo dances below a folder, sorted by name.

    A take is called after the folders on the way to its file and the file; a leader or a follower alone is left out.

    Raises
    ------
    InputError
        For a missing folder, a dancer that is there twice, or a folder without a motion.
    """
    takes: dict[str, dict[str, Path]] = {}
    left_out: dict[str, str] = {}
    for path in visible_files(folder, {".npz"}):
        where = path.relative_to(folder)
        if _WITHOUT_MOTION.fullmatch(path.stem):
            left_out[where.as_posix()] = "holds the shape of a body, no motion"
            continue
        take, role = _take_and_role(path)
        roles = takes.setdefault(safe_name("_".join((*where.parts[:-1], take))), {})
        if role in roles:
            raise InputError(f"{path}: {roles[role]} is there too and makes the same take; keep one of them")
        roles[role] = path
    songs = songs_in(*places_of_songs(folder, music))
    found = []
    for name, roles in sorted(takes.items()):
        lacking = [role for role in ("leader", "follower") if role not in roles]
        if "solo" in roles and len(roles) > 1:
            left_out[name] = "a solo dance and a couple of one name; rename one of them"
        elif "solo" not in roles and lacking:
            left_out[name] = f"no {lacking[0]}"
        else:
            leader = roles.get("solo") or roles["leader"]
            part = split_of(leader, folder)
            song = songs.get(_take_and_role(leader)[0]) or songs.get(name)
            facts = {"split": part} if part else {}
            found.append(Source(name, genre_in(name), leader, roles.get("follower"), song, facts=facts))
    if not found:
        raise nothing_found(folder, "<take>_leader.npz and <take>_follower.npz, or <take>.npz", left_out)
    return found, left_out


def _take_and_role(path: Path) -> tuple[str, str]:
    stem = _STAGE.sub("", path.stem)
    match = _ROLE.fullmatch(stem)
    return (match["take"], match["role"]) if match else (stem, "solo")


def read(source: Source, body: Body) -> Recording:
    """Read one dancer or two. Raises :class:`InputError` as :func:`interdance.importers.archive.read_archive` does."""
    return record(source, body, read_archive)


def write(folder: Path, duets: Sequence[Duet], body: Body, kind: Kind = "smplx", is_z_up: bool = True) -> None:
    """Write couples, and solo dances of duets without a follower, and copy their songs.

    ``kind`` and ``is_z_up`` are those of :func:`interdance.importers.archive.write_archive`.
    """
    for duet in duets:
        copy_song(duet.music, folder, duet.name)
        if duet.follower is None:
            write_archive(folder / f"{duet.name}.npz", duet.leader, body, kind, is_z_up=is_z_up)
            continue
        for role, motion in (("leader", duet.leader), ("follower", duet.follower)):
            write_archive(folder / f"{duet.name}_{role}.npz", motion, body, kind, is_z_up=is_z_up)
