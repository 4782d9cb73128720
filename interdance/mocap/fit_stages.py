"""Stages 2 to 4 of a fit: the body of a chunk of frames, its fingers, and both merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from interdance.body.skeleton import LEFT_FINGERS, LEFT_WRIST, NUM_JOINTS, RIGHT_FINGERS, RIGHT_WRIST
from interdance.mocap.fit_prior import body_leans, body_limits, hand_leans, hand_limits
from interdance.mocap.fit_settings import FitSettings
from interdance.mocap.fit_settle import between, repair, settle
from interdance.mocap.fit_shape import Shape
from interdance.mocap.fit_start import joint_places, riding, start_body, start_limbs
from interdance.mocap.fit_target import Target
from interdance.mocap.solve import Pose, Seen, Solver, Steady

BODY = list(range(22))
HANDS = ((LEFT_WRIST, LEFT_FINGERS), (RIGHT_WRIST, RIGHT_FINGERS))
LEAST_OF_HAND = 5  # points on the fingers of a hand, to tell them apart
FALLING = (0.3, 0.3, 0.2, 0.1, 0.1, 0.07, 0.05, 0.035)  # metres: doubt of the first steps, down to what the noise asks


class Stages:
    """Stages 2 to 4 on one chunk after another."""

    def __init__(self, target: Target, shape: Shape, settings: FitSettings, fps: float) -> None:
        self.target, self.shape, self.settings, self.fps = target, shape, settings, fps
        self.noise = float(np.clip(shape.noise_m, settings.least_noise_m, settings.most_noise_m))
        self.doubt = float(np.clip(settings.doubt * self.noise, settings.least_doubt_m, settings.most_doubt_m))
        coefficients = target.coefficients(shape.betas, shape.offsets_K3)
        self.rest_K3, self.joints_J3 = target.rest(shape.betas, shape.offsets_K3)
        self.of_body = np.full(target.num_points, True)
        self.body = Solver(coefficients, riding(BODY), body_leans(), body_limits())
        self.hands: list[tuple[int, tuple[int, ...], np.ndarray, Solver]] = []
        for wrist, fingers, own in hands(target):
            self.of_body &= ~own
            inside = coefficients.copy()
            inside[:, [j for j in range(NUM_JOINTS) if j not in (wrist, *fingers)]] = 0.0
            solver = Solver(inside, _only(fingers), hand_leans(), hand_limits(), root=False)
            self.hands.append((wrist, fingers, own, solver))

    def pose(self, seen: Seen, before: Pose | None) -> Pose:
        """Poses of a chunk that follows the frames ``before``."""
        stride = max(1, int(self.fps / self.settings.coarse_fps))
        count = len(seen.points_T3K)
        frames = np.unique(np.append(np.arange(0, count, stride), count - 1))
        steady = self.settings.steady(self.fps / stride)
        body_seen = seen.only(self.of_body)
        some = body_seen[frames]
        pose = start_body(self.target, some, self.shape.betas, self.shape.offsets_K3)
        scales = (*(scale for scale in FALLING if scale > self.doubt), self.doubt)
        pose = settle(self.body, pose, some, scales, steady, self.corrected)
        pose = repair(self.body, pose, some, self.doubt, steady, self.corrected)
        pose = self._follow(between(pose, frames, count), body_seen, before)
        if self.hands:
            pose = self._fingers(pose, seen, frames, steady)
            pose = self._follow(pose, seen, before)
            pose = self._fingers(pose, seen)
        return pose

    def _follow(self, pose: Pose, seen: Seen, before: Pose | None) -> Pose:
        """The body at the full rate, joined to the frames before."""
        held = 0 if before is None else len(before.root_T3)
        if before is not None:
            pose = Pose.join([before, pose])
            points = np.concatenate([np.zeros((held, *seen.points_T3K.shape[1:])), seen.points_T3K])
            seen = Seen(points, np.concatenate([np.zeros((held, seen.trust_TK.shape[1])), seen.trust_TK]))
        held_T = np.arange(len(pose.root_T3)) < held
        steady = self.settings.steady(self.fps)
        return settle(self.body, pose, seen, (self.doubt,), steady, self.corrected, held_T)[held:]

    def _fingers(self, pose: Pose, seen: Seen, frames: np.ndarray | None = None, steady: Steady | None = None) -> Pose:
        """Each hand in the frame of its wrist.

        At first (stage 3, with ``frames`` to start at and their ``steady``) distances count from the wrist observed,
        where it fits; later (stage 4) from that of the body.
        """
        seen = self.corrected(seen, pose)
        places = joint_places(pose, self.joints_J3)
        turned = pose.globals_TJ33.copy()
        count = len(turned)
        for wrist, fingers, own, solver in self.hands:
            frame = turned[:, wrist]
            centre = places[:, wrist]
            if frames is not None:
                centre = self._observed(wrist, seen, centre)
            inward = frame.transpose(0, 2, 1) @ (seen.points_T3K - centre[:, :, None])
            inside = Seen(inward, seen.trust_TK * own)
            local = np.tile(np.eye(3), (count, NUM_JOINTS, 1, 1))
            local[:, fingers] = frame.transpose(0, 2, 1)[:, None] @ turned[:, fingers]
            hand = Pose(local, np.zeros((count, 3)))
            if frames is not None and steady is not None:
                rest, joints = self.rest_K3 - self.joints_J3[wrist], self.joints_J3 - self.joints_J3[wrist]
                some = inside[frames]
                hand = start_limbs(hand[frames], list(fingers), self.target, some, rest, joints, wrist)
                hand = between(settle(solver, hand, some, (0.05, self.doubt), steady, _as_is), frames, count)
            if frames is None or len(frames) < count:
                hand = settle(solver, hand, inside, (self.doubt,), self.settings.steady(self.fps), _as_is, most=3)
            turned[:, fingers] = frame[:, None] @ hand.globals_TJ33[:, fingers]
        return Pose(turned, pose.root_T3)

    def _observed(self, wrist: int, seen: Seen, place_T3: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero(self.target.rows_K == wrist)
        if not len(rows):
            return place_T3
        observed = seen.points_T3K[:, :, rows[0]]
        fits = (seen.trust_TK[:, rows[0]] > 0) & (np.linalg.norm(observed - place_T3, axis=1) < self.doubt)
        return np.where(fits[:, None], observed, place_T3)

    def corrected(self, seen: Seen, pose: Pose) -> Seen:
        """Observations less what the model adds to plain skinning at this pose."""
        change = self.target.pose_change(pose.globals_TJ33)
        return seen if change is None else replace(seen, points_T3K=seen.points_T3K - change)

    def residuals(self, pose: Pose, seen: Seen) -> np.ndarray:
        """Distances (T, K), NaN where missing."""
        _, points = self.body.arms(pose)
        off = np.linalg.norm(self.corrected(seen, pose).points_T3K - points, axis=1)
        return np.where(seen.trust_TK > 0, off, np.nan)


def hands(target: Target) -> list[tuple[int, tuple[int, ...], np.ndarray]]:
    """Wrist, fingers and own points (K,) of each hand that shows enough to tell its fingers apart."""
    found = [(wrist, fingers, target.hang_KJ[:, list(fingers)].sum(axis=1) > 0.5) for wrist, fingers in HANDS]
    return [(wrist, fingers, own) for wrist, fingers, own in found if own.sum() >= LEAST_OF_HAND]


def _only(joints: Sequence[int]) -> np.ndarray:
    groups = np.full(NUM_JOINTS, -1)
    groups[list(joints)] = np.arange(len(joints))
    return groups


def _as_is(seen: Seen, pose: Pose) -> Seen:
    del pose  # points of a hand come corrected: its own pose says nothing about the body's
    return seen
