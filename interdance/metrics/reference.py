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
from interdance.metrics.frechet import as_features

FEATURES = {"k": "kinetic", "g": "geometric", "cd": "cross_distance"}
"""Suffix of FID and Div in the paper's table -> name of the features."""

CLIPS_AT_ONCE = 128


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
    genre_N : str (N,)
        Genre of the take; empty where it is not known.
    """

    kinetic: np.ndarray
    geometric: np.ndarray
    cross_distance: np.ndarray
    take_N: np.ndarray
    start_N: np.ndarray
    genre_N: np.ndarray

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
        See :func:`fingerprint`: two runs that name the same one were measured against the same reference.
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


def clip_batches(starts: np.ndarray) -> list[np.ndarray]:
    """The starts in groups that fit into memory however long a take is."""
    return np.split(starts, range(CLIPS_AT_ONCE, len(starts), CLIPS_AT_ONCE))


def clip_features(
    take: str, leader_TJ3: np.ndarray, follower_TJ3: np.ndarray, clip_frames: int, clip_stride: int, genre: str = ""
) -> ClipFeatures:
    """Features of every clip of one take; joints (T, 55, 3), metres, in the world.

    Raises
    ------
    InputError
        When the take is shorter than a clip or holds NaN.
    """
    starts = clip_starts(len(follower_TJ3), clip_frames, clip_stride)
    if not len(starts):
        raise InputError(
            f"take {take}: {len(follower_TJ3)} frames are fewer than a clip; lower evaluate.clip_frames ({clip_frames})"
        )
    parts: dict[str, list[np.ndarray]] = {name: [] for name in FEATURES.values()}
    for batch in clip_batches(starts):
        leader, follower = cut(leader_TJ3, batch, clip_frames), cut(follower_TJ3, batch, clip_frames)
        parts["kinetic"].append(kinetic_features(follower))
        parts["geometric"].append(geometric_features(follower))
        parts["cross_distance"].append(cross_distance_features(leader, follower))
    return ClipFeatures(
        **{name: np.concatenate(rows) for name, rows in parts.items()},
        take_N=np.full(len(starts), take),
        start_N=starts,
        genre_N=np.full(len(starts), genre),
    )


def join(parts: Iterable[ClipFeatures]) -> ClipFeatures:
    """The clips of several takes as one set, in order."""
    listed = list(parts)
    names = (*FEATURES.values(), "take_N", "start_N", "genre_N")
    return ClipFeatures(**{name: np.concatenate([getattr(part, name) for part in listed]) for name in names})


def write_reference(path: Path, clips: ClipFeatures, about: dict[str, Any]) -> None:
    """Store a reference set: features, their mean and population deviation, and what it was made of.

    ``about`` must hold ``clip_frames``, ``clip_stride`` and ``fps``: whatever is measured against the set is cut the same
    way. Takes without a clip, or fewer than two clips in all, are the caller's to refuse.
    """
    arrays = {name: getattr(clips, name) for name in FEATURES.values()}
    means = {f"{name}_mean": values.mean(axis=0) for name, values in arrays.items()}
    stds = {f"{name}_std": values.std(axis=0) for name, values in arrays.items()}
    whence = {"clip_take": clips.take_N, "clip_start": clips.start_N, "clip_genre": clips.genre_N}
    write_npz(path, **arrays, **means, **stds, **whence, about=np.array(json.dumps(about, sort_keys=True)))


def read_reference(path: Path) -> Reference:
    """Read a set that :func:`write_reference` stored.

    Raises
    ------
    InputError
        For anything else, and for a file whose mean and deviation are not those of its features: it was changed.
    """
    arrays = read_npz(path)
    needed = (*FEATURES.values(), "clip_take", "clip_start", "clip_genre", "about")
    missing = [name for name in needed if name not in arrays]
    if missing:
        raise InputError(f"{path}: no array '{missing[0]}': not a reference set; make one with `interdance reference`")
    for name in FEATURES.values():
        features = as_features(arrays[name], f"{path}: {name}")
        for kind, value in (("mean", features.mean(axis=0)), ("std", features.std(axis=0))):
            stored = arrays.get(f"{name}_{kind}")
            if stored is None or stored.shape != value.shape or not np.allclose(stored, value, rtol=1e-9, atol=1e-12):
                raise InputError(f"{path}: '{name}_{kind}' is not the {kind} of '{name}'; make the reference set again")
    try:
        about = dict(json.loads(str(arrays["about"])))
    except (ValueError, TypeError):
        raise InputError(f"{path}: what it was made of cannot be read; make the reference set again") from None
    for key in ("clip_frames", "clip_stride", "fps"):
        if key not in about:
            raise InputError(f"{path}: it does not say its {key}; make the reference set again")
    clips = ClipFeatures(
        **{name: arrays[name] for name in FEATURES.values()},
        take_N=arrays["clip_take"],
        start_N=arrays["clip_start"],
        genre_N=arrays["clip_genre"],
    )
    return Reference(clips, about, fingerprint(clips))


def fingerprint(clips: ClipFeatures) -> str:
    """16 hex digits over the features of a set and the takes they were cut from."""
    digest = hashlib.sha256()
    for name in FEATURES.values():
        digest.update(np.ascontiguousarray(getattr(clips, name), np.float64).tobytes())
    digest.update("\n".join(map(str, clips.take_N)).encode())
    return digest.hexdigest()[:16]
