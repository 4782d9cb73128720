"""Every take of a folder inspected: the defects, and which takes are to be left out and why."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from interdance.body.model import Body
from interdance.config import QualityParams
from interdance.errors import InputError
from interdance.quality.defects import Defect
from interdance.quality.duet import inspect_duet
from interdance.quality.kinds import KINDS
from interdance.quality.verdict import verdict
from interdance.quality.workers import Progress, over_takes
from interdance.takes import list_takes, read_take


@dataclass(frozen=True)
class TakeInspection:
    """What was found in one take.

    Attributes
    ----------
    name : str
        Path below the folder.
    genre : str
    num_frames : int
    fps : float
    defects : tuple of Defect
        In order of time.
    verdict : str or None
        Why the take is to be left out; None for a take that is good enough.
    """

    name: str
    genre: str
    num_frames: int
    fps: float
    defects: tuple[Defect, ...]
    verdict: str | None

    @property
    def seconds(self) -> float:
        return self.num_frames / self.fps if self.fps else 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "genre": self.genre,
            "num_frames": self.num_frames,
            "fps": self.fps,
            "defects": [item.as_dict() for item in self.defects],
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class Inspection:
    """What was found in the takes of a folder.

    Attributes
    ----------
    folder : str
    takes : tuple of TakeInspection
        By name.
    limits : QualityParams
    seconds : float
        Of the inspection.
    """

    folder: str
    takes: tuple[TakeInspection, ...]
    limits: QualityParams
    seconds: float

    def counts(self) -> Counter[str]:
        """Number of defects by kind."""
        return Counter(item.kind for take in self.takes for item in take.defects)

    def excluded(self) -> dict[str, str]:
        """Reason by take."""
        return {take.name: take.verdict for take in self.takes if take.verdict}

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: the takes with defects and verdicts, what they were judged by, and sums."""
        frames = sum(take.num_frames for take in self.takes)
        dances = sum(take.seconds for take in self.takes)
        defects = sum(len(take.defects) for take in self.takes)
        return {
            "folder": self.folder,
            "takes": [take.as_dict() for take in self.takes],
            "limits": asdict(self.limits),
            "counts": dict(sorted(self.counts().items())),
            "kinds": {kind: KINDS.get(kind, "") for kind in sorted(self.counts())},
            "excluded": self.excluded(),
            "num_frames": frames,
            "dance_s": round(dances, 3),
            "defects_per_minute": round(60.0 * defects / dances, 3) if dances else 0.0,
        }


def find_takes(folder: Path) -> list[str]:
    """The takes below a folder, or below the folders in it (one per data set): their paths, sorted.

    Raises
    ------
    InputError
        When the folder is missing or has no take.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name one that holds takes, <take>/take.json")
    names = list_takes(folder)
    if not names:
        raise InputError(f"{folder}: no take in it; a take is a folder with take.json, leader.npz and follower.npz")
    return names


def inspect_folder(
    folder: Path, body: Body, limits: QualityParams, workers: int = 1, progress: Progress | None = None
) -> Inspection:
    """Inspect every take of a folder, laid out as ``<take>/take.json`` or ``<set>/<take>/take.json``.

    A take that cannot be read is left out with the reason, like one with too many defects.

    Parameters
    ----------
    folder : Path
    body : Body
    limits : QualityParams
    workers : int
        Processes.
    progress : callable, optional
        Called with (takes done, all takes).

    Raises
    ------
    InputError
        When the folder is missing or has no take.
    """
    names = find_takes(folder)
    begin = time.perf_counter()
    takes = over_takes(partial(_inspect, folder=folder, limits=limits), names, body, workers, progress)
    return Inspection(str(folder), tuple(takes), limits, time.perf_counter() - begin)


def _inspect(name: str, body: Body, folder: Path, limits: QualityParams) -> TakeInspection:
    return inspect_take(folder, name, body, limits)


def inspect_take(folder: Path, name: str, body: Body, limits: QualityParams) -> TakeInspection:
    """One take of a folder; unreadable ones have no frames and a verdict."""
    try:
        duet = read_take(folder / name)
    except InputError as error:
        return TakeInspection(name, "unknown", 0, 0.0, (), f"cannot be read: {error}")
    defects = inspect_duet(duet, body, limits)
    found = verdict(defects, duet.leader.num_frames, limits)
    return TakeInspection(name, duet.genre, duet.leader.num_frames, duet.leader.fps, tuple(defects), found)
