"""Motion beats, and how they answer the partner's (BED) and the music's (BAS)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import argrelmin

from interdance.errors import InputError
from interdance.metrics.features import as_joints, as_pair, check_variant, is_batch, joints24

BeatVariant = Literal["duolando", "aistpp", "gcd"]

SMOOTHING = 5.0  # frames, standard deviation of the Gaussian over the mean speed
TOLERANCE = 3.0  # frames, standard deviation of a beat's neighbourhood in BED and BAS
ORDER = {"aistpp": 10, "gcd": 5}  # frames to either side that a beat must lie below
BAS_TOLERANCE = {"duolando": TOLERANCE, "aistpp": 3.0, "gcd": 2.12}


def motion_beats(joints: Any, variant: BeatVariant = "duolando") -> Any:
    """Frames at which the dancer is slowest for a moment.

    Parameters
    ----------
    joints : array (T, J, 3) or (B, T, J, 3)
        Metres in the world, 30 frames per second; J = 55, 24 or 22.
    variant : str
        ``duolando`` (default): local minima of the mean speed of all given joints, smoothed by a Gaussian of 5 frames;
        beat k is the step from frame k to k+1. The joint set matters: published values use 55. ``aistpp``, ``gcd``:
        summed speed of 24 joints, not smoothed, strictly below every frame within 10 or 5.

    Returns
    -------
    int64 (N,), or a list of B such arrays
        May be empty.
    """
    check_variant(variant, ("duolando", *ORDER))
    x = as_joints(joints, "joints")
    if variant == "duolando":
        if x.shape[1] < 2:
            beats = [np.zeros(0, np.int64)] * len(x)
        else:
            speed = gaussian_filter1d(np.linalg.norm(np.diff(x, axis=1), axis=-1).mean(axis=-1), SMOOTHING, axis=1)
            low = (speed[:, 1:-1] < speed[:, :-2]) & (speed[:, 1:-1] < speed[:, 2:])
            beats = [np.flatnonzero(row) + 1 for row in low]
    else:
        steps = np.linalg.norm(np.diff(joints24(x), axis=1), axis=-1).sum(axis=-1)
        speed = np.concatenate([np.zeros((len(x), 1)), steps], axis=1)
        beats = [argrelmin(row, order=ORDER[variant])[0] for row in speed]
    return beats if is_batch(joints) else beats[0]


def beat_echo_degree(leader: Any, follower: Any, variant: Literal["duolando"] = "duolando") -> float:
    """How well the follower's beats answer the leader's (Duolando): 1 when each is answered at once.

    Mean over the leader's beats b of exp(-min (b - b')² / 18) over the follower's beats b'. A follower without beats
    answers none: 0.

    Parameters
    ----------
    leader, follower : array (T, 55, 3) or (B, T, 55, 3)
        World coordinates, metres; of a batch the mean over the pairs whose leader has beats is taken.

    Raises
    ------
    InputError
        When no leader has a beat to be answered, or the numbers of clips differ.
    """
    check_variant(variant, ("duolando",))
    lead, follow = as_pair(leader, follower)
    pairs = zip(motion_beats(lead), motion_beats(follow), strict=True)
    scores = [score for pair in pairs if (score := echo(*pair)) is not None]
    if not scores:
        raise InputError("no motion beat in any leader clip, so none to be echoed; give longer or moving clips")
    return float(np.mean(scores))


def beat_align_score(joints: Any, music_beats: Any, variant: BeatVariant = "duolando") -> float:
    """How well motion beats and music beats meet.

    Parameters
    ----------
    joints : array (T, J, 3) or (B, T, J, 3)
        World coordinates, metres, 30 frames per second.
    music_beats : int array, or for a batch a list of B int arrays
        Frames of the beats, counted from the clip's first frame.
    variant : str
        ``duolando`` (default, as in the paper's range): mean over the music's beats, up to the motion's last step, of
        exp(-min d²/18) to a motion beat. ``aistpp`` and ``gcd``: mean over the motion's beats of the nearness to a
        music beat (3 and 2.12 frames). A clip without motion beats scores 0.

    Raises
    ------
    InputError
        When no clip has a music beat, a list fits no clips, or beats are not whole frame numbers.
    """
    x = as_joints(joints, "joints")
    lists: Sequence[Any] = music_beats if is_batch(joints) else [music_beats]
    if len(lists) != len(x):
        raise InputError(f"{len(x)} clips but {len(lists)} lists of music beats")
    pairs = zip(motion_beats(x, variant), lists, strict=True)
    aligned = [alignment(motion, _frames(music), x.shape[1], variant) for motion, music in pairs]
    scores = [score for score in aligned if score is not None]
    if not scores:
        raise InputError("no music beat within any clip; give the frames of the beats counted from the clip's start")
    return float(np.mean(scores))


def echo(leader_beats: np.ndarray, follower_beats: np.ndarray) -> float | None:
    """BED of one pair from its motion beats, frames; None when the leader has none."""
    return _nearness(leader_beats, follower_beats, TOLERANCE) if len(leader_beats) else None


def alignment(beats: np.ndarray, music_beats: np.ndarray, num_frames: int, variant: BeatVariant = "duolando") -> float | None:
    """BAS of one clip of ``num_frames`` from its motion beats and the music's, frames; None without a music beat."""
    if variant == "duolando":  # the motion's last step starts at the last frame but one
        music_beats = music_beats[(music_beats >= 0) & (music_beats < num_frames - 1)]
    if not len(music_beats):
        return None
    one, other = (music_beats, beats) if variant == "duolando" else (beats, music_beats)
    return _nearness(one, other, BAS_TOLERANCE[variant])


def _nearness(beats: np.ndarray, others: np.ndarray, tolerance: float) -> float:
    """Mean over beats of a Gaussian of the distance to the nearest other beat; 0 when one of the lists is empty."""
    if not len(beats) or not len(others):
        return 0.0
    gap = np.abs(beats[:, None] - others[None, :]).min(axis=1).astype(np.float64)
    return float(np.exp(-(gap**2) / (2.0 * tolerance**2)).mean())


def _frames(beats: Any) -> np.ndarray:
    array = np.asarray(beats.detach().cpu() if hasattr(beats, "detach") else beats)
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.ndim != 1 or not np.isfinite(array).all() or (array != np.round(array)).any():
        raise InputError(f"music beats of shape {array.shape} and type {array.dtype}; whole frame numbers are needed")
    return array.astype(np.int64)
