"""Stage 1 of a fit: one shape for the take, and where each marker stands, from frames spread over it.

Poses of the chosen frames, shape and offsets are solved for together: the frames know each other through shape and
offsets only, so that each Gauss-Newton step eliminates them frame by frame (Schur's complement).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from interdance.mocap.fit_start import start_body
from interdance.mocap.fit_target import Target
from interdance.mocap.solve import DAMPING, Pose, Seen, Solver, skew
from interdance.takes import NUM_BETAS

SCALES = (0.3, 0.3, 0.2, 0.2, 0.15, 0.15, 0.1, 0.1, 0.1, 0.07, 0.07, 0.07, 0.07, 0.07)  # metres, of doubt, by step
SHAPE_STD = 0.5  # of a coefficient; half of what it is among people, as what clothes and skin do is no shape
ALIKE_FRAMES = 4.0  # the chosen frames err alike: they count as this many independent ones


@dataclass(frozen=True)
class Shape:
    """What holds for a whole take.

    Attributes
    ----------
    betas : float64 (10,)
    offsets_K3 : float64 (K, 3)
        Places of the points from those of the model, at rest, metres.
    noise_m : float
        Standard deviation of a coordinate, by the median.
    miss_m : float
        Mean over the points of what they usually miss the model by; large where some always do.
    """

    betas: np.ndarray
    offsets_K3: np.ndarray
    noise_m: float
    miss_m: float


def spread_frames(seen_TK: np.ndarray, most: int) -> np.ndarray:
    """The most complete frame of each of up to ``most`` equal pieces of the take."""
    complete = seen_TK.sum(axis=1)
    pieces = np.array_split(np.arange(len(complete)), min(most, len(complete)))
    best = np.array([piece[complete[piece].argmax()] for piece in pieces])
    return best[complete[best] >= 0.5 * complete.max()]


def fit_shape(
    target: Target, seen: Seen, groups_J: np.ndarray, prior: dict[str, Any], betas: np.ndarray | None, *, offsets: bool
) -> Shape:
    """Shape and (with ``offsets``) places of the markers from the frames in ``seen``; a shape that is given stays."""
    shape = np.zeros(NUM_BETAS) if betas is None else np.asarray(betas, np.float64)
    places = target.nominal_offsets()
    slopes = target.slopes() if betas is None else np.zeros((0, *target.coefficients(shape, places).shape))
    pose = start_body(target, seen, shape, places)
    error = np.zeros_like(seen.points_T3K)
    for count, scale in enumerate(SCALES):
        if count == 4 and betas is None:  # limbs of the right length now: lay them on anew
            pose = start_body(target, seen, shape, places)
        solver = Solver(target.coefficients(shape, places), groups_J, **prior)
        change = target.pose_change(pose.globals_TJ33)
        corrected = seen if change is None else replace(seen, points_T3K=seen.points_T3K - change)
        common = _Common(target, pose, slopes, offsets)
        moved = places - target.nominal_offsets()
        step, shape_step, place_step, error = common.solve(solver, pose, corrected, scale, shape, moved)
        pose = solver.moved(pose, step)
        if count >= 1:
            shape = shape + shape_step
            places = places + place_step
    size = np.where(seen.trust_TK > 0, np.linalg.norm(error, axis=1), np.nan)
    noise = float(np.nanmedian(size) / np.sqrt(2.366))  # the median of a chi-square of three
    usual = np.nanmedian(size[:, (seen.trust_TK > 0).any(axis=0)], axis=0)
    return Shape(shape, places, noise, float(usual.mean()))


class _Common:
    """The unknowns that all frames share, and their slopes at the frames' poses."""

    def __init__(self, target: Target, pose: Pose, slopes_SKJ3: np.ndarray, has_offsets: bool) -> None:
        self.target, self.num_shapes = target, len(slopes_SKJ3)
        count, num_points = len(pose.root_T3), target.num_points
        self.size = self.num_shapes + (3 * num_points if has_offsets else 0)
        columns = np.zeros((count, self.size, 3, num_points))
        for joint in np.flatnonzero(np.abs(slopes_SKJ3).max(axis=(0, 1, 3), initial=0.0) > 1e-9):
            flat = slopes_SKJ3[:, :, joint].reshape(-1, 3).T
            turned = pose.globals_TJ33[:, joint].reshape(-1, 3) @ flat
            columns[:, : self.num_shapes] += turned.reshape(count, 3, -1, num_points).transpose(0, 2, 1, 3)
        if has_offsets:
            carried = target.carried(pose.globals_TJ33)
            for k in range(num_points):
                start = self.num_shapes + 3 * k
                columns[:, start : start + 3, :, k] = carried[:, k].transpose(0, 2, 1)
        self.columns = columns

    def solve(
        self, solver: Solver, pose: Pose, seen: Seen, scale: float, shape: np.ndarray, moved_K3: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Steps of the frames (T, n), of the shape (10,) and of the places (K, 3), and the errors (T, 3, K) before.

        ``moved_K3`` is how far the places are from the nominal ones now.
        """
        matrix, right, arms, weight, error = solver.normal(pose, seen, scale)
        diagonal = np.einsum("tii->ti", matrix)
        diagonal += DAMPING * diagonal + 1e-3
        count = len(matrix)
        columns = self.columns.transpose(0, 2, 3, 1).reshape(count, 3 * self.target.num_points, self.size)
        weighed = columns * np.tile(weight, (1, 3))[:, :, None]
        mixed = _slopes(arms, solver.first).transpose(0, 2, 1) @ weighed  # (T, n, C)
        alike = count / ALIKE_FRAMES
        rule = np.zeros((self.size, self.size))
        rule[: self.num_shapes, : self.num_shapes] = np.eye(self.num_shapes) / SHAPE_STD**2
        lean = np.zeros(self.size)
        lean[: self.num_shapes] = shape[: self.num_shapes]
        if self.size > self.num_shapes:
            precision = self.target.offset_precision()
            for k in range(self.target.num_points):
                own = slice(self.num_shapes + 3 * k, self.num_shapes + 3 * k + 3)
                rule[own, own], lean[own] = precision[k], moved_K3[k]
        eliminated = np.linalg.solve(matrix, np.concatenate([mixed, right[:, :, None]], axis=2))
        square = np.einsum("tnc,tnd->cd", columns, weighed, optimize=True) + alike * rule
        square -= np.einsum("tnc,tnd->cd", mixed, eliminated[:, :, :-1], optimize=True)
        pull = np.einsum("tnc,tn->c", weighed, error.reshape(count, -1), optimize=True) - alike * rule @ lean
        pull -= np.einsum("tnc,tn->c", mixed, eliminated[:, :, -1], optimize=True)
        change = np.linalg.solve(square + 1e-9 * np.trace(square) / max(self.size, 1) * np.eye(self.size), pull)
        step = eliminated[:, :, -1] - eliminated[:, :, :-1] @ change
        shape_step, place_step = np.zeros(NUM_BETAS), np.zeros_like(moved_K3)
        shape_step[: self.num_shapes] = change[: self.num_shapes]
        if self.size > self.num_shapes:
            place_step = change[self.num_shapes :].reshape(-1, 3)
        return step, shape_step, place_step, error


def _slopes(arms_TG3K: np.ndarray, first: int) -> np.ndarray:
    """How the points move with a frame's unknowns: (T, 3K, n)."""
    count, groups, _, num_points = arms_TG3K.shape
    turns = -skew(arms_TG3K.transpose(0, 3, 1, 2)).transpose(0, 3, 1, 2, 4)  # (T, 3, K, G, 3)
    result = np.zeros((count, 3, num_points, first + 3 * groups))
    result[..., first:] = turns.reshape(count, 3, num_points, -1)
    for i in range(first):
        result[:, i, :, i] = 1.0
    return result.reshape(count, 3 * num_points, -1)
