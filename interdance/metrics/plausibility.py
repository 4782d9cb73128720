"""Feet, floor and smoothness of one dancer: what a body of some weight could not do."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from interdance.metrics.features import as_joints, check_variant

SkatingVariant = Literal["duolando", "lodge"]

PELVIS, LEFT_ANKLE, RIGHT_ANKLE, LEFT_TOE, RIGHT_TOE = 0, 7, 8, 10, 11
ANKLE_HEIGHT, TOE_HEIGHT = 0.08, 0.05  # metres above the floor: a foot this low is in contact (LODGE)
LEVEL_TOES = 0.02  # metres: first-frame toes that differ by less both stand on the floor (LODGE)
SLIDE = 0.01  # metres per frame (LODGE)


def foot_skating(joints: Any, variant: SkatingVariant = "duolando", **thresholds: float) -> float:
    """How often feet slide.

    Parameters
    ----------
    joints : array (T, J, 3) or (B, T, J, 3)
        Metres, +Y up, 30 frames per second.
    variant : str
        ``duolando`` (default): share of frames in which the pelvis travels and both ankles stay with it, see
        :func:`skating_counts`. ``lodge``: share of a foot's contact frames in which it slides, mean of both feet.
    thresholds : float
        Of the ``duolando`` variant, as in :func:`skating_counts`.
    """
    check_variant(variant, ("duolando", "lodge"))
    if variant == "duolando":
        sliding, total = skating_counts(joints, **thresholds)
        return sliding / total
    return float(np.mean([lodge_skating(clip).mean() for clip in as_joints(joints, "joints", 2)]))


def skating_counts(joints: Any, pelvis_step: float = 0.03, ankle_step: float = 0.01) -> tuple[int, int]:
    """Frames that skate and frames in all (Duolando), summed over a batch.

    A step skates when the pelvis travels more than ``pelvis_step`` metres per frame over the floor while both ankles
    move less than ``ankle_step`` relative to it. The first step is never counted but stays in the total.
    """
    x = as_joints(joints, "joints", 2)
    pelvis = x[:, :, PELVIS]
    travel = np.linalg.norm(np.diff(pelvis, axis=1)[..., [0, 2]], axis=-1)
    skates = travel > pelvis_step
    for ankle in (LEFT_ANKLE, RIGHT_ANKLE):
        skates &= np.linalg.norm(np.diff(x[:, :, ankle] - pelvis, axis=1), axis=-1) < ankle_step
    return int(skates[:, 1:].sum()), int(skates.size)


def lodge_skating(joints_TJ3: np.ndarray) -> np.ndarray:
    """Share of contact frames in which the left and the right foot slide (LODGE), (2,); 0 without contact.

    Slides are signed means of the two floor directions in the published code, so opposite ones cancel; kept.
    """
    x = np.asarray(joints_TJ3, np.float64)
    left, right = x[0, LEFT_TOE, 1], x[0, RIGHT_TOE, 1]
    floor = (left + right) / 2 if abs(left - right) < LEVEL_TOES else min(left, right)
    ratios = []
    for ankle, toe in ((LEFT_ANKLE, LEFT_TOE), (RIGHT_ANKLE, RIGHT_TOE)):
        contact = (x[:, ankle, 1] - floor <= ANKLE_HEIGHT) & (x[:, toe, 1] - floor <= TOE_HEIGHT)
        step = np.diff(x[:, [ankle, toe]], axis=0, append=x[-1:, [ankle, toe]])
        slides = (np.abs(step[..., [0, 2]].mean(axis=-1)) > SLIDE).any(axis=1)
        ratios.append((slides & contact).sum() / contact.sum() if contact.any() else 0.0)
    return np.array(ratios)


def physical_foot_contact(joints: Any, fps: float = 30.0, variant: Literal["edge"] = "edge") -> float:
    """PFC (EDGE): pelvis acceleration while both feet move, times 10,000; lower is more plausible.

    Parameters
    ----------
    joints : array (T, J, 3) or (B, T, J, 3)
        Metres, +Y up; of a batch the mean over clips. A clip whose pelvis never accelerates scores 0.
    fps : float
        Frames per second.
    """
    check_variant(variant, ("edge",))
    x = as_joints(joints, "joints", 3)
    force = np.diff(x[:, :, PELVIS], n=2, axis=1) * fps**2
    force[..., 1] = np.maximum(force[..., 1], 0.0)
    size = np.linalg.norm(force, axis=-1)
    largest = size.max(axis=1, keepdims=True)
    share = np.divide(size, largest, out=np.zeros_like(size), where=largest > 0)
    slide = np.linalg.norm(np.diff(x[:, 1:], axis=1)[..., [0, 2]], axis=-1)
    left = np.minimum(slide[:, :, LEFT_ANKLE], slide[:, :, LEFT_TOE])
    right = np.minimum(slide[:, :, RIGHT_ANKLE], slide[:, :, RIGHT_TOE])
    return float((share * left * right).mean(axis=1).mean() * 10000.0)


def floor_penetration(vertices: Any) -> float:
    """Mean depth of the lowest vertex under the floor (y = 0), metres, over all frames; 0 in frames above it."""
    x = as_joints(vertices, "vertices")
    return float(np.maximum(-x[..., 1].min(axis=-1), 0.0).mean())


def floating(vertices: Any) -> float:
    """Mean height of the lowest vertex over the floor (y = 0), metres, over all frames; 0 in frames that reach it.

    Jumps and lifts count too: compare with the true followers' value.
    """
    x = as_joints(vertices, "vertices")
    return float(np.maximum(x[..., 1].min(axis=-1), 0.0).mean())


def jitter(joints: Any, fps: float = 30.0) -> float:
    """Mean size of the third derivative of all joints, metres per second cubed: high for trembling, 0 for stillness."""
    x = as_joints(joints, "joints", 4)
    return float(np.linalg.norm(np.diff(x, n=3, axis=1), axis=-1).mean() * fps**3)
