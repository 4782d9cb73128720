"""Colours of the dancers, the same in every picture: the leader green, followers blue and its neighbours."""

from __future__ import annotations

import numpy as np

LEADER = "#3fae6a"
FOLLOWERS = ("#4a86e8", "#9a6be0", "#23a6b8", "#a4b0f8", "#d65c8f")  # none near the gold and red of contact


def linear(colour: str) -> np.ndarray:
    """A ``#rrggbb`` display colour as linear light, float32 (3,) in 0..1."""
    display = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255.0
    return (display**2.2).astype(np.float32)


def follower_colour(index: int) -> str:
    """Colour of the follower with that place in the list."""
    return FOLLOWERS[index % len(FOLLOWERS)]
