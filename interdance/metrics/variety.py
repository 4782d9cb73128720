"""Whether followers of one leader differ, and whether a follower dances the genre she was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from interdance.errors import InputError
from interdance.metrics.frechet import Degenerate, standardise


def multimodality(generated: Any, reference: Any, degenerate: Degenerate = "leave_out") -> np.ndarray:
    """MM: mean distance between the features of followers of the same leader clip, z-scored by the reference.

    In the unit of Div, so that the two can be compared: MM near 0 is a system that always answers the same, MM near Div
    one that does not listen to the leader.

    Parameters
    ----------
    generated : array (S, N, D)
        Raw features of S followers (seeds) of the same N leader clips, S at least 2.
    reference : array (M, D)
        Raw features of the reference set.

    Returns
    -------
    float64 (N,)
        Mean over the unordered pairs of followers, per clip; the metric is its mean.

    Raises
    ------
    InputError
        For fewer than two followers, and as :func:`interdance.metrics.frechet_distance`.
    """
    features = np.asarray(generated.detach().cpu() if hasattr(generated, "detach") else generated, np.float64)
    if features.ndim != 3 or len(features) < 2:
        raise InputError(f"features of shape {features.shape}; (followers, clips, dimensions), two followers or more")
    flat, _ = standardise(features.reshape(-1, features.shape[2]), reference, degenerate)
    z = flat.reshape(*features.shape[:2], -1)
    pairs = [np.linalg.norm(z[a] - z[b], axis=1) for a in range(len(z)) for b in range(a + 1, len(z))]
    return np.mean(pairs, axis=0)


def genre_consistency(
    generated: Any,
    genre_N: np.ndarray,
    take_N: np.ndarray,
    reference: Any,
    reference_genre_M: np.ndarray,
    reference_take_M: np.ndarray,
    degenerate: Degenerate = "leave_out",
) -> np.ndarray:
    """Whether each clip is nearer to its own genre's centroid in the reference set than to any other's.

    Clips of the reference that were cut from the same take are left out of the centroids, so that true followers, who
    may be part of the reference, are judged by strangers as well.

    Parameters
    ----------
    generated, reference : array (N, D), (M, D)
        Raw features, such as kinetic and geometric ones side by side.
    genre_N, take_N, reference_genre_M, reference_take_M : str arrays
        Genre and take of each clip.

    Returns
    -------
    float64 (N,)
        1 or 0; NaN for a clip whose genre the rest of the reference does not hold, or when it holds one genre alone.
    """
    new, old = standardise(generated, reference, degenerate)
    genres = np.unique(reference_genre_M)
    result = np.full(len(new), np.nan)
    member_GM = reference_genre_M == genres[:, None]
    for take in np.unique(take_N):
        kept_GM = member_GM & (reference_take_M != take)
        count_G = kept_GM.sum(axis=1)
        known = np.flatnonzero(count_G)
        if len(known) < 2:
            continue
        centroids = kept_GM[known].astype(np.float64) @ old / count_G[known, None]
        rows = np.flatnonzero((take_N == take) & np.isin(genre_N, genres[known]))
        gaps = ((new[rows, None] - centroids) ** 2).sum(axis=2)
        result[rows] = genres[known][gaps.argmin(axis=1)] == genre_N[rows]
    return result
