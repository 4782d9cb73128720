"""What an evaluation is told: how to cut and measure, how to read files, how to draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SurfaceName = Literal["sampled", "full"]
Up = Literal["auto", "y", "z"]


@dataclass(frozen=True)
class Settings:
    """How takes are cut, on which vertices surfaces are measured, and the thresholds.

    Attributes
    ----------
    clip_frames, clip_stride : int
    contact_distance : float
        Vertices nearer than this are in contact, metres.
    held_distance : float
        A hand nearer to the leader than this holds on, metres.
    fps : float
    surface : str
        ``sampled`` or ``full``.
    """

    clip_frames: int
    clip_stride: int
    contact_distance: float
    held_distance: float
    fps: float
    surface: SurfaceName


@dataclass(frozen=True)
class Reading:
    """How files are read.

    Attributes
    ----------
    body : str
        Model file, empty for the embedded body.
    source_fps : float or None
        Frames per second of arrays that do not tell; None: those of the settings.
    up : str
        ``auto``, ``y`` or ``z``: which axis of the files is up.
    hop : int
        Samples per frame of the music's analysis.
    tolerance_s : float
        Seconds by which a song may end early, and by which dancers of one take may differ in length.
    """

    body: str
    source_fps: float | None
    up: Up
    hop: int
    tolerance_s: float


@dataclass(frozen=True)
class Statistics:
    """Of the bootstrap: number of draws, and the seed of their generator."""

    num_bootstrap: int
    seed: int
