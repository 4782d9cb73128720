"""What importers share in looking through folders: files, songs, genres and parts of a published split."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from interdance.errors import InputError
from interdance.music.cut import SUFFIXES

SPLITS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation"}
SPLITS |= {"test": "test", "testing": "test"}
"""Name of a folder -> the part of a split that it holds."""

POINTER = b"version https://git-lfs.github.com/spec/"
"""How a file begins that stands for one which was not downloaded."""

_GENRES = {
    "waltz": "waltz", "tango": "tango", "foxtrot": "foxtrot", "fox": "foxtrot", "rumba": "rumba", "lumba": "rumba",
    "chacha": "cha_cha", "qiaqia": "cha_cha", "cha": "cha_cha", "salsa": "salsa", "bachata": "bachata",
    "swing": "swing", "jive": "jive", "samba": "samba", "paso": "paso_doble", "pasodoble": "paso_doble",
    "quickstep": "quickstep", "quick": "quickstep", "ballet": "ballet", "polka": "polka", "csardas": "csardas",
    "landler": "landler", "minuet": "minuet", "hiphop": "hiphop", "locking": "locking",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+")


def visible_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Files below a folder whose suffix, in lower case, is one of ``suffixes``, sorted; nothing hidden.

    Raises :class:`InputError` when the folder is missing.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in suffixes
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def songs_in(*places: Path, suffixes: Collection[str] = SUFFIXES) -> dict[str, Path]:
    """Name without suffix -> song, of all songs below the places; the first place that has a name wins.

    Raises :class:`InputError` when a place is missing.
    """
    songs: dict[str, Path] = {}
    for place in places:
        for path in visible_files(place, suffixes):
            songs.setdefault(path.stem, path)
    return songs


def places_of_songs(folder: Path, music: Path | None) -> list[Path]:
    """Where the songs of a folder of takes are looked for: in ``music``, or in the folder and in ``music`` beside it."""
    if music is not None:
        return [music]
    beside = folder.resolve().parent / "music"
    return [folder, beside] if beside.is_dir() else [folder]


def genre_in(text: str) -> str:
    """The first genre that is a word of ``text`` (``Cha-Cha`` and ``hip_hop`` count as one word); else ``unknown``."""
    joined = re.sub(r"(?i)(cha|hip|paso)[ _-]+(cha|hop|doble)", r"\1\2", text)
    words = (word.lower() for word in _WORD.findall(joined))
    return next((_GENRES[word] for word in words if word in _GENRES), "unknown")


def split_of(path: Path, folder: Path) -> str | None:
    """The part of a split, after the folders in ``folder`` on the way to ``path``; None when none is named so."""
    parts = (folder.name, *path.relative_to(folder).parts[:-1])
    return next((SPLITS[part.lower()] for part in reversed(parts) if part.lower() in SPLITS), None)


def nothing_found(folder: Path, wanted: str, left_out: dict[str, str]) -> InputError:
    """The error for a folder with no take in it, with the first reasons."""
    reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(left_out.items())[:4])
    return InputError(f"{folder}: no take to import; needed are {wanted} ({reasons or 'it holds none of them'})")


def refuse_pointer(path: Path) -> None:
    """Raise :class:`InputError` for a missing file and for one that Git LFS has not downloaded."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with path.open("rb") as stream:
        if stream.read(len(POINTER)) == POINTER:
            raise InputError(f"{path}: a pointer of Git LFS, not the file; download it with 'git lfs pull'")
