"""The files of a take, and how they become dancers of equal length."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.evaluation.folders import read_dancer
from interdance.evaluation.settings import Reading
from interdance.files import read_array
from interdance.music.features import BEATS, music_features
from interdance.takes import Joints, Motion, Points

Dancer = Motion | Joints | Points


@dataclass(frozen=True)
class Source:
    """One system's follower of one take: which system, which of its seeds, and where it lies."""

    system: str
    seed: str
    path: Path


@dataclass(frozen=True)
class TakeFiles:
    """What is known of one take.

    Attributes
    ----------
    leader : Path
        Of every follower that brings none of her own; see ``leaders``.
    true : Path or None
        The follower who really danced.
    music : Path or None
        The song, or its features as ``.npy`` (T, 35).
    leaders : dict
        Leaders that systems generated themselves (duet generation), by the path of their follower.
    """

    take: str
    genre: str
    leader: Path
    true: Path | None
    music: Path | None
    followers: tuple[Source, ...]
    leaders: Mapping[Path, Path] = dataclasses.field(default_factory=dict)


def read(path: Path, fps: float, reading: Reading, body: Body) -> Dancer:
    """A dancer in whatever form the file holds, brought to ``fps`` and +Y up."""
    return read_dancer(path, fps=fps, source_fps=reading.source_fps, up=reading.up, body=body)


def read_together(take: str, places: Iterable[Path], fps: float, reading: Reading, body: Body) -> dict[Path, Dancer]:
    """Dancers of a take by their files, at ``fps`` frames per second, cut to the frames that all of them have.

    Raises
    ------
    InputError
        For a file that cannot be used, and for lengths that differ by more than the tolerance (:func:`common_length`).
    """
    dancers = {place: read(place, fps, reading, body) for place in dict.fromkeys(places)}
    lengths = {place: dancer.num_frames for place, dancer in dancers.items()}
    num_frames = common_length(take, lengths, reading.tolerance_s * fps)
    return {place: dancer[:num_frames] for place, dancer in dancers.items()}


def common_length(take: str, lengths: Mapping[Path, int], tolerance: float) -> int:
    """Frames that all dancers of a take have; lengths that differ by more than ``tolerance`` frames are an error."""
    shortest, longest = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
    few, many = lengths[shortest], lengths[longest]
    if many - few > tolerance:
        raise InputError(
            f"{shortest}: take {take} has {few} frames there and {many} in {longest}; cut them to the same part of the song"
        )
    return few


def read_beats(path: Path, num_frames: int, fps: float, reading: Reading) -> np.ndarray:
    """Frames of the beats of a song, or of its features stored as ``.npy`` (T, 35), within a take."""
    if path.suffix == ".npy":
        features = read_array(path)
        if features.ndim != 2 or features.shape[1] <= BEATS:
            raise InputError(f"{path}: shape {features.shape}; music features (frames, 35) are needed")
        return np.flatnonzero(features[:num_frames, BEATS] > 0.5)
    features = music_features(path, num_frames, round(fps), reading.hop, reading.tolerance_s)
    return np.flatnonzero(features[:, BEATS] > 0.5)
