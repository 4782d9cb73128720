"""Results of earlier runs, each under a key of what it was made from, so that adding one take makes one take.

DVC skips a stage whose inputs are as they were, and runs it whole otherwise. A stage that makes one thing per take keeps
each of them here as well (as links: no second copy on disk), and takes from here what it would make again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from interdance.files import link_copy


class Kept:
    """Files and folders by key, below one folder; None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._used: set[str] = set()

    def restore(self, key: str, target: Path) -> bool:
        """Put what is kept under ``key`` to ``target``, which must not exist. False when there is none."""
        if self.folder is None or not (self.folder / key).exists():
            return False
        self._used.add(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        link_copy(self.folder / key, target)
        return True

    def keep(self, key: str, made: Path) -> None:
        """Keep what was just made, until a :meth:`prune` of a run that has no use for it."""
        if self.folder is None:
            return
        self._used.add(key)
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".kept.", dir=self.folder))
        try:
            link_copy(made, temporary / key)
            if (self.folder / key).is_dir():
                shutil.rmtree(self.folder / key)
            (temporary / key).replace(self.folder / key)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def prune(self) -> None:
        """Drop what this run neither restored nor kept."""
        if self.folder is None or not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path.name not in self._used:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def key_of(settings: Any, files: Iterable[Path] = ()) -> str:
    """A key over settings (fit for JSON), the bytes of files, and the code that is loaded: :func:`code_digest`."""
    digest = hashlib.sha256(json.dumps([settings, code_digest()], sort_keys=True, default=str).encode())
    for path in files:
        digest.update(path.name.encode())
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:32]


@cache
def code_digest() -> str:
    """Every module of ours that this process had loaded when it was first asked, and the tables (YAML) beside them.

    A stage is a process of its own and imports what it needs at its start: these modules are the ones that decide its
    results, the same that ``dvc.yaml`` lists. Its own is called ``__main__`` there.
    """
    digest = hashlib.sha256()
    root = Path(__file__).parent
    loaded = {Path(place).absolute() for module in list(sys.modules.values()) if (place := getattr(module, "__file__", None))}
    places = {place for place in loaded if place.is_relative_to(root)}
    tables = {table for folder in {place.parent for place in places} - {root} for table in folder.rglob("*.yaml")}
    for place in sorted(places | tables):
        digest.update(str(place.relative_to(root)).encode() + place.read_bytes())
    return digest.hexdigest()
