"""Files in, files out: dancers and a song to the files that other programs read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interdance.errors import InputError
from interdance.export.bvh import write_bvh
from interdance.export.cast import Dancer, cast, check_together
from interdance.export.gltf import write_glb
from interdance.export.scene import find_views, tile_size
from interdance.export.sheet import PICTURE, choose_frames, write_sheet
from interdance.export.sound import read_stereo
from interdance.export.video import check_size, write_video
from interdance.takes import read_facts, read_motion, write_motion

OF_ALL = (".glb", ".mp4", ".png")
OF_ONE = (".bvh", ".npz")
"""Formats that hold one dancer: of several, each has a file."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Sources:
    """Where dancers and song lie.

    Attributes
    ----------
    leader : Path or None
        ``.npz``, as all dancers.
    followers : tuple of Path
    music : Path or None
        Any file with sound, a film too.
    """

    leader: Path | None
    followers: tuple[Path, ...]
    music: Path | None

    @staticmethod
    def of_folder(folder: Path) -> Sources:
        """What ``interdance generate`` wrote to a folder (the song is that of its film, where there is one), or a take of ours.

        The song that a take names is given whether it is there or not: else its film would be silent without a word.

        Raises
        ------
        InputError
            When it is no folder, or neither dancer lies in it.
        """
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder")
        leader, follower = (folder / f"{role}.npz" for role in ("leader", "follower"))
        if not leader.is_file() and not follower.is_file():
            raise InputError(f"{folder}: neither leader.npz nor follower.npz is in it; name a folder that `generate` wrote")
        film = folder / "duet.mp4"
        music = film if film.is_file() else None
        if (folder / "take.json").is_file():
            name = read_facts(folder).get("music")
            music = folder / name if isinstance(name, str) and name else None
        return Sources(leader if leader.is_file() else None, (follower,) if follower.is_file() else (), music)


@dataclass(frozen=True)
class Look:
    """How films and sheets are drawn.

    Attributes
    ----------
    views : tuple of str
        Names of :data:`interdance.export.scene.VIEWS`.
    width, height : int
        Pixels of a film.
    pictures : int
        Of a sheet, spread evenly.
    moments : tuple of float or None
        Seconds of a sheet's pictures, instead.
    """

    views: tuple[str, ...]
    width: int
    height: int
    pictures: int
    moments: tuple[float, ...] | None


def export_files(
    outs: Sequence[Path],
    sources: Sources,
    body: Any,
    look: Look,
    *,
    tolerance_s: float,
    progress: Progress | None = None,
) -> list[Path]:
    """Write every file asked for; all inputs are read and checked before the first one is written.

    Parameters
    ----------
    outs : sequence of Path
        The suffix says what is written: ``.glb``, ``.mp4`` and ``.png`` hold all dancers, ``.bvh`` and ``.npz`` one. Of several
        dancers ``dance.bvh`` becomes ``dance_leader.bvh`` and ``dance_follower.bvh``.
    sources : Sources
    body : interdance.body.model.Body
    look : Look
    tolerance_s : float
        Seconds by which a song may end before the dance.
    progress : callable, optional
        Called with the number of frames of a film that are done, and of all.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    InputError
        For a suffix of another kind, no dancer, dancers of different length or rate, a song that is missing or too short, an
        unknown view, a moment outside the dance, a film of odd size or of too few pixels for the views.
    """
    _check_outs(outs)
    dancers = _read(sources)
    first = dancers[0].motion
    find_views("--views", look.views)
    for out in outs:
        if out.suffix.lower() == ".mp4":
            check_size(out, look.width, look.height)
            tile_size(out, look.width, look.height, len(look.views))
        elif out.suffix.lower() == ".png":
            tile_size(out, *PICTURE, len(look.views))
    where = "--pictures" if look.moments is None else "--at"
    choose_frames(where, first.num_frames, first.fps, look.pictures, look.moments)
    if sources.music is not None and any(out.suffix.lower() == ".mp4" for out in outs):
        read_stereo(sources.music, first.num_frames / first.fps, tolerance_s)
    written = []
    for out in outs:
        if out.suffix.lower() == ".glb":
            write_glb(out, dancers, body)
        elif out.suffix.lower() == ".png":
            write_sheet(out, dancers, body, count=look.pictures, moments=look.moments, views=look.views)
        elif out.suffix.lower() == ".mp4":
            size = {"width": look.width, "height": look.height}
            write_video(out, dancers, body, sources.music, **size, views=look.views, progress=progress)
        else:
            written += [_write_one(place, dancer, body) for place, dancer in zip(places(out, dancers), dancers, strict=True)]
            continue
        written.append(out)
    return written


def places(out: Path, dancers: Sequence[Dancer]) -> list[Path]:
    """The file of each dancer in a format that holds one."""
    if len(dancers) == 1:
        return [out]
    return [out.with_name(f"{out.stem}_{dancer.name.lower().replace(' ', '_')}{out.suffix}") for dancer in dancers]


def _check_outs(outs: Sequence[Path]) -> None:
    if not outs:
        raise InputError("--out: no file is named")
    for number, out in enumerate(outs):
        if out.suffix.lower() not in OF_ALL + OF_ONE:
            cure = "; `interdance view` writes pages" if out.suffix.lower() == ".html" else ""
            raise InputError(f"{out}: a name that ends in one of {', '.join((*OF_ALL, *OF_ONE))} is needed{cure}")
        if out.is_dir():
            raise InputError(f"{out}: is a folder; name a file")
        if out in outs[:number]:
            raise InputError(f"{out}: is named twice; give each file a name of its own")


def _read(sources: Sources) -> list[Dancer]:
    files = [*([sources.leader] if sources.leader else []), *sources.followers]
    leader = read_motion(sources.leader) if sources.leader else None
    dancers = cast(leader, [read_motion(path) for path in sources.followers])
    for file, dancer in zip(files, dancers, strict=True):
        check_together(file, [dancers[0], dancer])
    check_together("--leader, --follower", dancers)
    return dancers


def _write_one(place: Path, dancer: Dancer, body: Any) -> Path:
    if place.suffix.lower() == ".bvh":
        write_bvh(place, dancer.motion, body)
    else:
        write_motion(place, dancer.motion)
    return place
