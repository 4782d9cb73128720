"""Nearest points of the partner, frame by frame, as far as a bound: most frames and points never reach a search."""

from __future__ import annotations

import numpy as np
import torch
from scipy.spatial import cKDTree


def nearest_distance(a_TN3: np.ndarray, b_TM3: np.ndarray, upper: float) -> tuple[np.ndarray, np.ndarray]:
    """Distance from each point of ``a`` to the nearest point of ``b`` in the same frame.

    Parameters
    ----------
    a_TN3, b_TM3 : array (T, N, 3), (T, M, 3)
        Points of the two dancers, metres.
    upper : float
        Points of ``a`` with no point of ``b`` strictly nearer than this have none; ``inf`` to find all.

    Returns
    -------
    dist_TN : float64 (T, N)
        Metres; ``inf`` where there is none.
    index_TN : int64 (T, N)
        Which point of ``b``; -1 where there is none.
    """
    a, b = np.asarray(a_TN3), np.asarray(b_TM3)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} frames against {len(b)}: both dancers need the same frames")
    dist = np.full(a.shape[:2], np.inf)
    index = np.full(a.shape[:2], -1, np.int64)
    # Only points within the other dancer's bounding box, grown by the bound, can be part of an answer.
    a_near = within(a, *bounds(b), upper)
    b_near = within(b, *bounds(a), upper)
    for t in np.flatnonzero(a_near.any(axis=1) & b_near.any(axis=1)):
        candidates = np.flatnonzero(b_near[t])
        found, which = cKDTree(b[t, candidates]).query(a[t, a_near[t]], distance_upper_bound=upper)
        hit = np.isfinite(found)
        rows = np.flatnonzero(a_near[t])[hit]
        dist[t, rows] = found[hit]
        index[t, rows] = candidates[which[hit]]
    return dist, index


def nearest_distance_torch(a_TN3: torch.Tensor, b_TM3: torch.Tensor, upper: float) -> tuple[torch.Tensor, torch.Tensor]:
    """As :func:`nearest_distance`, with gradients to both dancers: the search picks, a gather measures.

    Returns
    -------
    dist_TN : tensor (T, N)
        Metres; ``upper``, without gradient, where there is no point strictly nearer than that.
    found_TN : bool tensor (T, N)
        Where there is one.
    """
    _, index = nearest_distance(a_TN3.detach().cpu().numpy(), b_TM3.detach().cpu().numpy(), upper)
    found = torch.from_numpy(index >= 0).to(a_TN3.device)
    picked = torch.from_numpy(np.maximum(index, 0)).to(a_TN3.device)
    nearest = torch.gather(b_TM3, 1, picked.unsqueeze(-1).expand(-1, -1, 3))
    # The difference is replaced before the root is taken where nothing was found, so that no NaN gradient arises.
    squared = torch.where(found, (a_TN3 - nearest).square().sum(dim=-1), torch.ones_like(a_TN3[..., 0]))
    return torch.where(found, squared.clamp_min(1e-12).sqrt(), torch.full_like(squared, upper)), found


def bounds(points_TN3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner (T, 3) of the points of each frame. Axis by axis: 20 times as fast as ``min(axis=1)``."""
    axes = [points_TN3[..., axis] for axis in range(3)]
    return np.stack([x.min(axis=1) for x in axes], axis=-1), np.stack([x.max(axis=1) for x in axes], axis=-1)


def within(points_TN3: np.ndarray, low_T3: np.ndarray, high_T3: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """Which points (T, N) lie in their frame's box, grown by ``margin`` metres."""
    result = np.ones(points_TN3.shape[:2], bool)
    for axis in range(3):
        x = points_TN3[..., axis]
        result &= (x >= low_T3[:, axis, None] - margin) & (x <= high_T3[:, axis, None] + margin)
    return result
