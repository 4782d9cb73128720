"""Files in, files out: dancers and a song to the files that other programs read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interdance.errors import InputError
from interdance.export.bvh import write_bvh
from interdance.export.cast import Dancer, cast, check_together
from interdance.export.gltf import write_glb
from interdance.export.scene import find_views, tile_size
from interdance.export.sheet import PICTURE, choose_frames, write_sheet
from interdance.export.sound import read_stereo
from interdance.export.video import check_size, write_video
from interdance.takes import read_facts, read_motion, write_motion

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


@dataclass(frozen=True)
class _Dance:
    """What files are written from besides the dancers; ``sound_2N`` is that of films."""

    body: Any
    look: Look
    sound_2N: np.ndarray | None
    progress: Progress | None


@dataclass(frozen=True)
class _Format:
    """One kind of file.

    Attributes
    ----------
    holds_all : bool
        Whether one file holds all dancers. Else each has a file.
    write : callable
        Writes the dancers that one file holds.
    check : callable
        Refuses a look that cannot be drawn, before anything is written.
    sounds : bool
        Whether the song is in it.
    """

    holds_all: bool
    write: Callable[[Path, Sequence[Dancer], _Dance], None]
    check: Callable[[Path, Look], object] = lambda out, look: None
    sounds: bool = False


def _check_film(out: Path, look: Look) -> None:
    check_size(out, look.width, look.height)
    tile_size(out, look.width, look.height, len(look.views))


def _write_film(out: Path, dancers: Sequence[Dancer], dance: _Dance) -> None:
    look = dance.look
    size = {"width": look.width, "height": look.height}
    write_video(out, dancers, dance.body, dance.sound_2N, **size, views=look.views, progress=dance.progress)


def _write_sheet(out: Path, dancers: Sequence[Dancer], dance: _Dance) -> None:
    look = dance.look
    write_sheet(out, dancers, dance.body, count=look.pictures, moments=look.moments, views=look.views)


FORMATS = {
    ".glb": _Format(True, lambda out, dancers, dance: write_glb(out, dancers, dance.body)),
    ".mp4": _Format(True, _write_film, _check_film, sounds=True),
    ".png": _Format(True, _write_sheet, lambda out, look: tile_size(out, *PICTURE, len(look.views))),
    ".bvh": _Format(False, lambda out, dancers, dance: write_bvh(out, dancers[0].motion, dance.body)),
    ".npz": _Format(False, lambda out, dancers, dance: write_motion(out, dancers[0].motion)),
}
"""By suffix, in small letters."""


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
    formats = [FORMATS[out.suffix.lower()] for out in outs]
    for out, form in zip(outs, formats, strict=True):
        form.check(out, look)
    where = "--pictures" if look.moments is None else "--at"
    choose_frames(where, first.num_frames, first.fps, look.pictures, look.moments)
    sound_2N = None
    if sources.music is not None and any(form.sounds for form in formats):
        sound_2N = read_stereo(sources.music, first.num_frames / first.fps, tolerance_s)
    dance = _Dance(body, look, sound_2N, progress)
    written = []
    for out, form in zip(outs, formats, strict=True):
        for place, held in [(out, dancers)] if form.holds_all else _one_each(out, dancers):
            form.write(place, held, dance)
            written.append(place)
    return written


def _one_each(out: Path, dancers: list[Dancer]) -> list[tuple[Path, list[Dancer]]]:
    """The file of each dancer in a format that holds one."""
    if len(dancers) == 1:
        return [(out, dancers)]
    names = [dancer.name.lower().replace(" ", "_") for dancer in dancers]
    return [(out.with_name(f"{out.stem}_{name}{out.suffix}"), [dancer]) for name, dancer in zip(names, dancers, strict=True)]


def _check_outs(outs: Sequence[Path]) -> None:
    if not outs:
        raise InputError("--out: no file is named")
    for number, out in enumerate(outs):
        if out.suffix.lower() not in FORMATS:
            cure = "; `interdance view` writes pages" if out.suffix.lower() == ".html" else ""
            raise InputError(f"{out}: a name that ends in one of {', '.join(FORMATS)} is needed{cure}")
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
