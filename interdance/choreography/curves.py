"""Eased curves of time: steps, hills and sums of steps."""

from __future__ import annotations

import numpy as np


def ease(u: np.ndarray) -> np.ndarray:
    """From 0 to 1 over u = 0..1 with zero speed and acceleration at both ends."""
    u = np.clip(u, 0.0, 1.0)
    return u**3 * (10.0 - 15.0 * u + 6.0 * u**2)


def bump(u: np.ndarray) -> np.ndarray:
    """A hill of height 1 over u = 0..1, flat at both ends."""
    u = np.clip(u, 0.0, 1.0)
    return (4.0 * u * (1.0 - u)) ** 2


def ramps(t: np.ndarray, centres: np.ndarray, widths: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Sum of eased steps: ``steps[i]`` is climbed around ``centres[i]`` within ``widths[i]`` seconds. (T,) or (T, K).

    ``t`` grows; the work grows with its length and the number of steps, not with their product.
    """
    climbing = np.zeros((len(t), *np.shape(steps)[1:]))
    climbed = np.zeros((len(t) + 1, *np.shape(steps)[1:]))
    begins, ends = centres - 0.5 * widths, centres + 0.5 * widths
    for step, begin, width, low, high in zip(
        steps, begins, widths, np.searchsorted(t, begins), np.searchsorted(t, ends), strict=True
    ):
        climbing[low:high] += np.multiply.outer(ease((t[low:high] - begin) / width), step)
        climbed[high] += step
    return climbing + np.cumsum(climbed[:-1], axis=0)
