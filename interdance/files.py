"""Files that are either whole or absent, and reads that never unpickle."""

from __future__ import annotations

import fcntl
import glob
import json
import os
import shutil
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from interdance.errors import InputError
from interdance.pickles import check_unpacking, read_npy_header


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary file name beside ``path`` (same suffix) that replaces ``path`` when the block succeeds.

    When the block raises, the temporary file is removed and ``path`` is as it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``path`` that replaces ``path`` when the block succeeds, as :func:`atomic_path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(path: Path) -> None:
    """Remove what killed writers of ``path`` left beside it (:func:`atomic_path`, :func:`atomic_folder`).

    Only for a path that no other process is writing at the same time.
    """
    stem, name, suffix = map(glob.escape, (path.stem, path.name, path.suffix))
    for left in path.parent.glob(f".{stem}.*{suffix}"):
        if not left.is_dir():
            left.unlink()
    for left in path.parent.glob(f".{name}.*"):
        if left.is_dir():
            shutil.rmtree(left)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time between here and the end of the block; others wait. ``path`` is a file for that alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def link(place: Path, target: Path) -> None:
    """Make ``place`` a symbolic link to ``target``, as it is written; a link to something else is replaced."""
    if place.is_symlink() and place.readlink() != target:
        place.unlink()
    if not place.is_symlink():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys, so that equal values give equal bytes."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises :class:`InputError` when it is missing or is not JSON."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a JSON file ({_what(error)})") from None


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays to an uncompressed ``.npz`` whose bytes depend on the arrays alone."""
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read every array of a ``.npz``, never unpickling.

    Raises
    ------
    InputError
        When the file is missing, is no npz archive (a pickle with that name, say), is damaged, unpacks to far more than
        its size, or holds a pickled object.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path}: not an .npz archive; write it with numpy.savez (pickles are refused)")
    try:
        with zipfile.ZipFile(path) as members:
            check_unpacking(path, members.infolist())
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except InputError:
        raise
    except (
        *(ValueError, TypeError, SyntaxError, OSError, EOFError, MemoryError, OverflowError, RecursionError, RuntimeError),
        *(zipfile.BadZipFile, zlib.error, tokenize.TokenError, KeyError),
    ) as error:  # what zipfile, zlib and numpy's reader of headers make of damaged bytes
        raise InputError(f"{path}: cannot be read without unpickling or is damaged ({_what(error)}); copy it again") from None


def read_array(path: Path) -> np.ndarray:
    """Read a ``.npy`` array, never unpickling. Raises :class:`InputError` when it is missing, damaged or pickled."""
    header = read_npy_header(path)
    if header.dtype.hasobject:
        raise InputError(f"{path}: not an array that can be read without unpickling; save numbers alone")
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, TypeError, OSError, EOFError, MemoryError, OverflowError) as error:
        raise InputError(f"{path}: not an array that can be read without unpickling ({_what(error)})") from None


def _what(error: Exception) -> str:
    """The first line of an exception, or its name."""
    return (str(error).splitlines() or [""])[0][:200] or type(error).__name__


def link_copy(source: Path, target: Path) -> None:
    """A copy of a file or folder by hard links, which takes no place: of bytes where the file system has none.

    Whoever writes ``source`` anew must replace its files, not write into them, as :func:`atomic_path` does.
    """
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link_file)
    else:
        _link_file(source, target)


def _link_file(source: Path | str, target: Path | str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)
