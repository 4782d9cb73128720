"""The reference set: features that FID and Div are measured against, stored with what they were made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interdance.errors import InputError
from interdance.files import read_npz, write_npz
from interdance.metrics.features import cross_distance_features, geometric_features, kinetic_features

FEATURES = {"k": "kinetic", "g": "geometric", "cd": "cross_distance"}
"""Suffix of FID and Div in the paper's table -> name of the features."""


@dataclass(frozen=True)
class ClipFeatures:
    """Features of the clips of some takes.

    Attributes
    ----------
    kinetic, geometric, cross_distance : float64 (N, 72), (N, 32), (N, 100)
    take_N : str (N,)
        Take that each clip was cut from.
    start_N : int64 (N,)
        Its first frame there.
    """

    kinetic: np.ndarray
    geometric: np.ndarray
    cross_distance: np.ndarray
    take_N: np.ndarray
    start_N: np.ndarray

    def of(self, suffix: str) -> np.ndarray:
        """The features behind FID_``suffix``: k, g or cd."""
        return np.asarray(getattr(self, FEATURES[suffix]))

    def __len__(self) -> int:
        return len(self.start_N)


@dataclass(frozen=True)
class Reference:
    """A stored reference set.

    Attributes
    ----------
    clips : ClipFeatures
    about : dict
        What the set was made of: takes, cutting, variants, body.
    fingerprint : str
        16 hex digits over the features: two runs that name the same one were measured against the same reference.
    """

    clips: ClipFeatures
    about: dict[str, Any]
    fingerprint: str


def clip_starts(num_frames: int, clip_frames: int, clip_stride: int) -> np.ndarray:
    """First frames of the clips that fit into a take; empty when it is shorter than one."""
    return np.arange(0, num_frames - clip_frames + 1, clip_stride)


def cut(values: np.ndarray, starts: np.ndarray, clip_frames: int) -> np.ndarray:
    """The clips (N, clip_frames, ...) of values (T, ...)."""
    return values[starts[:, None] + np.arange(clip_frames)]


def clip_features(
    take: str, leader_TJ3: np.ndarray, follower_TJ3: np.ndarray, clip_frames: int, clip_stride: int
) -> ClipFeatures:
    """Features of every clip of one take; joints (T, 55, 3), metres, in the world."""
    starts = clip_starts(len(follower_TJ3), clip_frames, clip_stride)
    if not len(starts):
        raise InputError(
            f"take {take}: {len(follower_TJ3)} frames are fewer than a clip; lower evaluate.clip_frames ({clip_frames})"
        )
    leader, follower = cut(leader_TJ3, starts, clip_frames), cut(follower_TJ3, starts, clip_frames)
    return ClipFeatures(
        kinetic=kinetic_features(follower),
        geometric=geometric_features(follower),
        cross_distance=cross_distance_features(leader, follower),
        take_N=np.full(len(starts), take),
        start_N=starts,
    )


def join(parts: Iterable[ClipFeatures]) -> ClipFeatures:
    """The clips of several takes as one set, in order."""
    listed = list(parts)
    names = (*FEATURES.values(), "take_N", "start_N")
    return ClipFeatures(**{name: np.concatenate([getattr(part, name) for part in listed]) for name in names})


def write_reference(path: Path, clips: ClipFeatures, about: dict[str, Any]) -> None:
    """Store a reference set, its mean and population deviation, and what it was made of."""
    arrays = {name: getattr(clips, name) for name in FEATURES.values()}
    means = {f"{name}_mean": values.mean(axis=0) for name, values in arrays.items()}
    stds = {f"{name}_std": values.std(axis=0) for name, values in arrays.items()}
    words = json.dumps(about, sort_keys=True)
    write_npz(path, **arrays, **means, **stds, clip_take=clips.take_N, clip_start=clips.start_N, about=np.array(words))


def read_reference(path: Path) -> Reference:
    """Read a set that :func:`write_reference` stored. Raises :class:`InputError` for anything else."""
    arrays = read_npz(path)
    needed = (*FEATURES.values(), "clip_take", "clip_start", "about")
    missing = [name for name in needed if name not in arrays]
    if missing:
        raise InputError(f"{path}: no array '{missing[0]}': not a reference set; run the reference stage again")
    clips = ClipFeatures(
        **{name: arrays[name] for name in FEATURES.values()}, take_N=arrays["clip_take"], start_N=arrays["clip_start"]
    )
    digest = hashlib.sha256()
    for name in FEATURES.values():
        digest.update(np.ascontiguousarray(arrays[name], np.float64).tobytes())
    return Reference(clips, json.loads(str(arrays["about"])), digest.hexdigest()[:16])
