"""Motion beats, and how they answer the partner's (BED) and the music's (BAS)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import argrelmin

from interdance.errors import InputError
from interdance.metrics.features import as_joints, is_batch, joints24

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
    x = as_joints(joints, "joints")
    if variant == "duolando":
        if x.shape[1] < 2:
            beats = [np.zeros(0, np.int64)] * len(x)
        else:
            speed = gaussian_filter1d(np.linalg.norm(np.diff(x, axis=1), axis=-1).mean(axis=-1), SMOOTHING, axis=1)
            low = (speed[:, 1:-1] < speed[:, :-2]) & (speed[:, 1:-1] < speed[:, 2:])
            beats = [np.flatnonzero(row) + 1 for row in low]
    elif variant in ORDER:
        steps = np.linalg.norm(np.diff(joints24(x), axis=1), axis=-1).sum(axis=-1)
        speed = np.concatenate([np.zeros((len(x), 1)), steps], axis=1)
        beats = [argrelmin(row, order=ORDER[variant])[0] for row in speed]
    else:
        raise InputError(f"variant {variant!r} is not one of duolando, aistpp, gcd")
    return beats if is_batch(joints) else beats[0]


def beat_echo_degree(leader: Any, follower: Any) -> float:
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
    lead, follow = as_joints(leader, "leader"), as_joints(follower, "follower")
    if len(lead) != len(follow):
        raise InputError(f"{len(lead)} leader clips against {len(follow)} follower clips: pairs are needed")
    scores = [
        _answered(b, other, TOLERANCE)
        for b, other in zip(motion_beats(lead), motion_beats(follow), strict=True)
        if len(b)
    ]
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
    scores = []
    for motion, music in zip(motion_beats(x, variant), lists, strict=True):
        beats = _frames(music)
        if variant == "duolando":
            beats = beats[(beats >= 0) & (beats < x.shape[1] - 1)]
        if not len(beats):
            continue
        one, other = (beats, motion) if variant == "duolando" else (motion, beats)
        scores.append(_answered(one, other, BAS_TOLERANCE[variant]))
    if not scores:
        raise InputError("no music beat within any clip; give the frames of the beats counted from the clip's start")
    return float(np.mean(scores))


def music_beats(features_TA: np.ndarray, channel: int) -> np.ndarray:
    """Frames of the beats in a one-hot music channel (T, A)."""
    return np.flatnonzero(features_TA[:, channel] > 0.5)


def _answered(beats: np.ndarray, others: np.ndarray, tolerance: float) -> float:
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
