"""A defect as it is recorded, and runs of bad frames as defects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

Who = Literal["leader", "follower", "couple", "music"]

BRIDGE_S = 0.1  # seconds of good frames between two bad ones that still are one defect
ROOT = "pelvis"


@dataclass(frozen=True)
class Defect:
    """One defect of a take.

    Attributes
    ----------
    kind : str
        One of those in ``docs/quality.md``, such as ``flip`` or ``skating``.
    who : str
        ``leader``, ``follower``, ``couple`` or ``music``.
    joint : str
        The joint concerned, or ``body``, ``feet``, ``song``.
    first, last : int
        First and last frame, counted from 0. A jump between two frames has both in it.
    worst : float
        How bad it gets, in ``unit``.
    unit : str
    share : float
        Bad frames in this defect over all frames of the take.
    """

    kind: str
    who: Who
    joint: str
    first: int
    last: int
    worst: float
    unit: str
    share: float

    def as_dict(self) -> dict[str, Any]:
        """As a JSON-ready mapping, numbers rounded."""
        return asdict(self) | {"worst": round(float(self.worst), 3), "share": round(float(self.share), 6)}

    def __str__(self) -> str:
        where = f"frame {self.first}" if self.first == self.last else f"frames {self.first}-{self.last}"
        number = f"{self.worst:.0f}" if abs(self.worst) >= 100.0 else f"{self.worst:.3g}"
        return f"{self.kind} of the {self.who}'s {self.joint}, {where}: {number} {self.unit}".rstrip()


def spans(mask: np.ndarray, bridge: int = 0) -> Iterator[tuple[int, int]]:
    """First and last index of each run of true values; runs with up to ``bridge`` false values between them are one."""
    places = np.flatnonzero(mask)
    if len(places):
        cuts = np.flatnonzero(np.diff(places) > bridge + 1)
        for first, last in zip(np.r_[0, cuts + 1], np.r_[cuts, len(places) - 1], strict=True):
            yield int(places[first]), int(places[last])


@dataclass(frozen=True)
class Finder:
    """Makes defects of one dancer, or of the couple, from frames that are bad.

    Attributes
    ----------
    who : str
    num_frames : int
    fps : float
    """

    who: Who
    num_frames: int
    fps: float

    def runs(
        self,
        kind: str,
        joint: str,
        bad_T: np.ndarray,
        values_T: np.ndarray,
        unit: str,
        *,
        scale: float = 1.0,
        seconds: float = 0.0,
        before: int = 0,
    ) -> list[Defect]:
        """A defect for each run of bad frames.

        Parameters
        ----------
        bad_T : bool (T,)
        values_T : array (T,)
            The largest in a run, times ``scale``, is its worst.
        seconds : float
            Runs shorter than this are none.
        before : int
            Frames before the first bad one that belong to it: the end that a jump starts from.
        """
        found = []
        for first, last in spans(bad_T, round(BRIDGE_S * self.fps)):
            if last - first + 1 + before < seconds * self.fps:
                continue
            bad = bad_T[first : last + 1]
            worst = float(values_T[first : last + 1][bad].max()) * scale
            share = int(bad.sum()) / self.num_frames
            found.append(Defect(kind, self.who, joint, max(first - before, 0), last, worst, unit, share))
        return found

    def whole(self, kind: str, joint: str, worst: float, unit: str, share: float = 1.0) -> Defect:
        """A defect of the take as a whole."""
        return Defect(kind, self.who, joint, 0, max(self.num_frames - 1, 0), worst, unit, share)


def in_order(defects: Sequence[Defect]) -> list[Defect]:
    """By time, then kind, dancer and joint."""
    return sorted(defects, key=lambda item: (item.first, item.kind, item.who, item.joint))


def without_explained(defects: Sequence[Defect], kind: str, joint: str, frames_T: np.ndarray) -> list[Defect]:
    """The defects less those of a kind and joint that lie within the given frames, which something else explains."""
    return [
        item
        for item in defects
        if not (item.kind == kind and item.joint == joint and frames_T[item.first : item.last + 1].any())
    ]
