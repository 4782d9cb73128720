"""FID and Div on features that are z-scored by a reference set."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy.spatial.distance import pdist

from interdance.errors import InputError

Degenerate = Literal["leave_out", "keep"]

STD_OFFSET = 1e-10  # of the published code; it is what a dimension constant in the reference is divided by
CONSTANT = 1e-9  # a standard deviation below this share of the dimension's size is rounding, not spread


def frechet_distance(generated: Any, reference: Any, degenerate: Degenerate = "leave_out") -> float:
    """Fréchet distance between two sets of raw features, z-scored by the reference's mean and population deviation.

    |m1-m2|² + tr S1 + tr S2 - 2 tr (S1 S2)^½, covariances over n-1. The last trace is the sum of the singular values of
    A Bᵀ, A and B the centred sets over root n-1: no matrix square root, so singular covariances are exact too.

    Parameters
    ----------
    generated, reference : array (N, D), (M, D)
        Raw features, at least two of each.
    degenerate : str
        ``leave_out`` (default) the dimensions that :func:`degenerate_dimensions` names, or ``keep`` them as published
        code does, dividing by 1e-10: one that is not constant in the generated set then gives values around 1e17.

    Raises
    ------
    InputError
        For fewer than two rows, unequal widths, NaN or infinity.
    """
    z_generated, z_reference = standardise(generated, reference, degenerate)
    shift = z_generated.mean(axis=0) - z_reference.mean(axis=0)
    a, b = _factor(z_generated), _factor(z_reference)
    overlap = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(max(shift @ shift + (a**2).sum() + (b**2).sum() - 2.0 * overlap, 0.0))


def diversity(generated: Any, reference: Any, degenerate: Degenerate = "leave_out") -> float:
    """Mean Euclidean distance over all unordered pairs of the generated set's features, z-scored by the reference.

    Parameters and errors as :func:`frechet_distance`.
    """
    z_generated, _ = standardise(generated, reference, degenerate)
    return float(pdist(z_generated).mean())


def degenerate_dimensions(reference: Any) -> np.ndarray:
    """Indices of the dimensions that are constant over the reference set, but for rounding."""
    values = as_features(reference, "reference")
    return np.flatnonzero(values.std(axis=0) <= CONSTANT * np.maximum(np.abs(values).max(axis=0), 1e-3))


def standardise(generated: Any, reference: Any, degenerate: Degenerate) -> tuple[np.ndarray, np.ndarray]:
    """Both sets of features, z-scored by the reference's mean and population standard deviation."""
    new, old = as_features(generated, "generated"), as_features(reference, "reference")
    if new.shape[1] != old.shape[1]:
        raise InputError(f"generated features are {new.shape[1]} wide, the reference's {old.shape[1]}: not the same kind")
    if degenerate == "leave_out":
        kept = np.setdiff1d(np.arange(old.shape[1]), degenerate_dimensions(old))
        if not len(kept):
            raise InputError("every dimension of the reference set is constant; nothing can be measured against it")
        new, old = new[:, kept], old[:, kept]
    elif degenerate != "keep":
        raise InputError(f"degenerate {degenerate!r} is not one of leave_out, keep")
    mean, std = old.mean(axis=0), old.std(axis=0) + STD_OFFSET
    return (new - mean) / std, (old - mean) / std


def as_features(features: Any, name: str) -> np.ndarray:
    """A float64 array (N, D) of at least two rows, finite; anything else is an :class:`InputError`."""
    array = np.asarray(features.detach().cpu() if hasattr(features, "detach") else features, np.float64)
    if array.ndim != 2 or array.shape[1] < 1:
        raise InputError(f"{name} features have shape {array.shape}; (clips, dimensions) is needed")
    if len(array) < 2:
        raise InputError(f"{name} set has {len(array)} clip(s); a distribution needs at least two")
    bad = ~np.isfinite(array).all(axis=1)
    if bad.any():
        raise InputError(f"{name} features of clip {int(bad.argmax())} hold NaN or infinity")
    return array


def _factor(z_ND: np.ndarray) -> np.ndarray:
    """R (min(N, D), D) with Rᵀ R the covariance."""
    centred = (z_ND - z_ND.mean(axis=0)) / np.sqrt(len(z_ND) - 1)
    return np.asarray(np.linalg.qr(centred, mode="r")) if len(centred) > centred.shape[1] else centred
