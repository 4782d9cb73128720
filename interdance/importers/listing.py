"""Folders of published sets: their lists of names, their songs, and how we write both."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from interdance.errors import InputError
from interdance.files import atomic_path
from interdance.music.cut import find_song

MAX_TEXT_BYTES = 16 << 20
"""Size up to which a list or an annotation is read."""


def check_folders(folder: Path, music: Path | None) -> None:
    """Raise :class:`InputError` for a folder that is not there."""
    for place in (folder, music):
        if place is not None and not place.is_dir():
            raise InputError(f"{place}: no such folder")


def subfolder(folder: Path, name: str) -> Path:
    """``folder/name``, or ``folder`` itself when that is what was named. Need not exist."""
    return folder if folder.name == name and not (folder / name).is_dir() else folder / name


def lines_of(path: Path) -> list[str]:
    """The lines of a text file without blanks around them, empty ones left out; none for a missing file.

    Raises
    ------
    InputError
        For a file that is no text, or larger than any list of takes.
    """
    if not path.is_file():
        return []
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise InputError(f"{path}: larger than {MAX_TEXT_BYTES >> 20} MiB, which no list of takes is; copy it again")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; copy it again") from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def ignored_in(places: Iterable[Path]) -> set[str]:
    """Takes that the ``ignore_list.txt`` of a published set names."""
    return {name for place in places for name in lines_of(place / "ignore_list.txt")}


def splits_of(places: Iterable[Path], files: Mapping[str, str]) -> dict[str, str]:
    """Name of a take -> its part of the published split.

    Parameters
    ----------
    places : iterable of Path
        Folders in which the lists may lie; the first that has one counts.
    files : mapping of str to str
        Part -> name of the file that lists its takes, one a line.
    """
    for place in places:
        found = {name: part for part, file in files.items() for name in lines_of(place / file)}
        if found:
            return found
    return {}


def song_of(places: Iterable[Path], *names: str) -> Path | None:
    """The first song by any of the names in any of the folders, the names of a folder first."""
    return next((song for place in places for name in names if (song := find_song(place, name)) is not None), None)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a list, one name a line."""
    with atomic_path(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def copy_song(song: Path | None, folder: Path, name: str) -> None:
    """Copy a song, if there is one, to ``folder/name`` with its own suffix."""
    if song is not None:
        with atomic_path(folder / f"{name}{song.suffix.lower()}") as temporary:
            shutil.copyfile(song, temporary)
