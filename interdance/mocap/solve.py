"""Poses of many frames at once: Gauss-Newton steps on world rotations, all frames of a chunk coupled in one banded system.

Skinned points are linear in the world rotations (``body.skin``), so a turn ``w`` of part ``a`` moves point ``k`` by
``w x u`` with ``u = R_a c_ka``, and the normal equations are sums of products of these arms. Every part has its own world
rotation, whatever it hangs on: bones keep their length by the coefficients, and smoothness in time couples a part only
to itself, so that the matrix of a whole chunk is banded and one Cholesky factorisation solves it exactly, gaps included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solveh_banded

from interdance.body.rotations import matrices, vectors
from interdance.body.skeleton import NUM_JOINTS, PARENTS

ROOT = 3  # the first unknowns of a frame are the place of the root
DAMPING = 1e-3  # of the diagonal
JUMP = 4.0  # standard deviations of a change of speed
LONGEST_TURN = 0.7  # radians in one step


@dataclass(frozen=True)
class Pose:
    """World rotations (T, 55, 3, 3) of the joints and places (T, 3) of the pelvis."""

    globals_TJ33: np.ndarray
    root_T3: np.ndarray

    def __getitem__(self, frames: slice | np.ndarray) -> Pose:
        return Pose(self.globals_TJ33[frames], self.root_T3[frames])

    @staticmethod
    def join(parts: Sequence[Pose]) -> Pose:
        return Pose(np.concatenate([item.globals_TJ33 for item in parts]), np.concatenate([item.root_T3 for item in parts]))


@dataclass(frozen=True)
class Seen:
    """Observed points and how far to trust each.

    Attributes
    ----------
    points_T3K : float64 (T, 3, K)
        World positions, metres; any number where missing.
    trust_TK : float64 (T, K)
        1 / variance in 1/m^2; 0 where missing.
    """

    points_T3K: np.ndarray
    trust_TK: np.ndarray

    def __getitem__(self, frames: slice | np.ndarray) -> Seen:
        return Seen(self.points_T3K[frames], self.trust_TK[frames])

    def only(self, wanted_K: np.ndarray) -> Seen:
        """The same points, those not wanted taken for missing."""
        return replace(self, trust_TK=self.trust_TK * wanted_K)


@dataclass(frozen=True)
class Steady:
    """Smoothness in time: precisions per frame of speed and of change of speed, of turning and of moving."""

    turn_speed: float
    turn_change: float
    move_speed: float
    move_change: float


@dataclass(frozen=True)
class Lean:
    """A joint's rotation relative to its parent, as axis-angle, is near ``mean`` with these standard deviations (3,)."""

    joint: int
    mean: np.ndarray
    std: np.ndarray


@dataclass(frozen=True)
class Limit:
    """``along . L carried`` of a joint's rotation ``L`` relative to its parent is ``low`` at least, or equals it."""

    joint: int
    along: np.ndarray
    carried: np.ndarray
    low: float
    std: float
    is_equal: bool = False


class Solver:
    """Improves poses of one body under one prior. ``groups_J`` names the part each joint moves with, -1 for none.

    Joints of a part keep their rotation relative to each other. With ``root`` the pelvis' place is unknown too.
    """

    def __init__(
        self,
        coefficients_KJ3: np.ndarray,
        groups_J: np.ndarray,
        leans: Sequence[Lean] = (),
        limits: Sequence[Limit] = (),
        *,
        root: bool = True,
    ) -> None:
        self.coefficients = coefficients_KJ3
        self.groups_J = np.asarray(groups_J)
        self.num_groups = int(self.groups_J.max()) + 1
        self.lead_G = np.array([int(np.flatnonzero(self.groups_J == g)[0]) for g in range(self.num_groups)])
        self.first = ROOT if root else 0
        self.size = self.first + 3 * self.num_groups
        used = np.abs(coefficients_KJ3).max(axis=2) > 1e-9
        self.ends_KG = np.array([self._ends(np.flatnonzero(row)) for row in used])
        self.used = [(j, np.flatnonzero(used[:, j])) for j in range(NUM_JOINTS) if used[:, j].any()]
        self.leans = [item for item in leans if self._is_bend(item.joint)]
        self.limits = [item for item in limits if self._is_bend(item.joint)]

    def _ends(self, joints: np.ndarray) -> np.ndarray:
        """The parts (G,) that a point with arms to ``joints`` is at the end of: those farthest out, and what they hang on."""
        result = np.zeros(self.num_groups, bool)
        leaves = [joint for joint in joints if not any(PARENTS[other] == joint for other in joints)]
        for joint in (*leaves, *(PARENTS[leaf] for leaf in leaves)):
            if joint >= 0 and self.groups_J[joint] >= 0:
                result[self.groups_J[joint]] = True
        return result

    def _is_bend(self, joint: int) -> bool:
        group = self.groups_J[joint]
        return bool(group >= 0 and PARENTS[joint] >= 0 and self.groups_J[PARENTS[joint]] != group)

    # -------------------------------------------------------------------------------------------------------- points

    def arms(self, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
        """Arms (T, G, 3, K) of the parts to the points, and the points (T, 3, K)."""
        count, num_points = len(pose.root_T3), len(self.coefficients)
        arms = np.zeros((count, self.num_groups + 1, 3, num_points))  # the last: joints that stand still
        for joint, chosen in self.used:
            turned = pose.globals_TJ33[:, joint].reshape(-1, 3) @ self.coefficients[chosen, joint].T
            part = arms[:, self.groups_J[joint]]
            part[:, :, chosen] += turned.reshape(count, 3, -1)
        points = arms.sum(axis=1)
        points += pose.root_T3[:, :, None]
        return arms[:, :-1], points

    def weights(self, error_T3K: np.ndarray, seen: Seen, scale: float) -> np.ndarray:
        """Trust after Geman and McClure: a point ``scale`` metres off counts a quarter, farther ones soon nothing."""
        square = np.einsum("tik,tik->tk", error_T3K, error_T3K)
        result: np.ndarray = seen.trust_TK / (1.0 + square / scale**2) ** 2
        return result

    def costs(self, pose: Pose, seen: Seen, scale: float, steady: Steady) -> tuple[np.ndarray, np.ndarray]:
        """Cost (T,) of points and jumps; and the parts (T, G) that jump or miss a point that they mostly meet."""
        _, points = self.arms(pose)
        square = np.where(seen.trust_TK > 0, ((seen.points_T3K - points) ** 2).sum(axis=1), 0.0)
        cost = 0.5 * (seen.trust_TK * square / (1.0 + square / scale**2)).sum(axis=1)
        moves, change = self._moves(pose), self._per_unknown(steady.turn_change, steady.move_change)
        jumps = np.zeros((len(cost), self.size))
        jumps[1:-1] = change * np.diff(moves, axis=0) ** 2
        missed = square > scale**2
        missed &= missed.mean(axis=0) < 0.5
        is_bad = (jumps[:, self.first :].reshape(len(cost), -1, 3) > JUMP**2).any(axis=2)
        return cost + 0.5 * jumps.sum(axis=1), is_bad | (missed @ self.ends_KG)

    # --------------------------------------------------------------------------------------------------------- steps

    def normal(self, pose: Pose, seen: Seen, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Matrix (T, n, n), right side (T, n), arms (T, G, 3, K), weights (T, K) and errors (T, 3, K), without time."""
        arms, points = self.arms(pose)
        error = np.where(seen.trust_TK[:, None] > 0, seen.points_T3K - points, 0.0)
        weight = self.weights(error, seen, scale)
        count, groups, first = len(arms), self.num_groups, self.first
        flat = arms.reshape(count, 3 * groups, -1)
        weighed = flat * weight[:, None]
        products = weighed @ flat.transpose(0, 2, 1)
        matrix = np.zeros((count, self.size, self.size))
        self._turns(products, matrix[:, first:, first:])
        right = np.empty((count, self.size))
        right[:, first:] = _cross(weighed @ error.transpose(0, 2, 1)).reshape(count, -1)
        if first:
            total = weight.sum(axis=1)
            matrix[:, [0, 1, 2], [0, 1, 2]] = total[:, None]
            matrix[:, first:, :first] = skew(weighed.sum(axis=2).reshape(count, groups, 3)).reshape(count, -1, 3)
            matrix[:, :first, first:] = matrix[:, first:, :first].transpose(0, 2, 1)
            right[:, :first] = np.einsum("tk,tik->ti", weight, error)
        self._add_leans(pose, matrix, right)
        self._add_limits(pose, matrix, right)
        return matrix, right, arms, weight, error

    def _turns(self, products: np.ndarray, out: np.ndarray) -> None:
        """Sums of ``[u_a]x^T [u_b]x = (u_a . u_b) I - u_b u_a^T`` from the sums of ``u_a u_b^T``."""
        count, groups = len(products), self.num_groups
        blocks = products.reshape(count, groups, 3, groups, 3)
        result = -blocks.transpose(0, 1, 4, 3, 2)
        trace = blocks[:, :, 0, :, 0] + blocks[:, :, 1, :, 1] + blocks[:, :, 2, :, 2]
        for i in range(3):
            result[:, :, i, :, i] += trace
        out[...] = result.reshape(count, 3 * groups, 3 * groups)

    def _places(self, joint: int) -> tuple[slice, slice | None]:
        """Where the unknowns of a joint and of its parent are; None for a parent that stands still."""
        start = self.first + 3 * int(self.groups_J[joint])
        above = int(self.groups_J[PARENTS[joint]])
        return slice(start, start + 3), (slice(self.first + 3 * above, self.first + 3 * above + 3) if above >= 0 else None)

    def _add_leans(self, pose: Pose, matrix: np.ndarray, right: np.ndarray) -> None:
        if not self.leans:
            return
        joints = [item.joint for item in self.leans]
        above = pose.globals_TJ33[:, [PARENTS[j] for j in joints]].transpose(0, 1, 3, 2)
        bend = vectors(above @ pose.globals_TJ33[:, joints])
        share = 1.0 / np.array([item.std for item in self.leans])
        rows = share[:, :, None] * (_inverse_left_jacobian(bend) @ above)
        off = share * (bend - np.array([item.mean for item in self.leans]))
        pull = -np.einsum("tnij,tni->tnj", rows, off)
        square = rows.transpose(0, 1, 3, 2) @ rows
        for n, joint in enumerate(joints):
            self._add(matrix, right, joint, square[:, n], pull[:, n])

    def _add_limits(self, pose: Pose, matrix: np.ndarray, right: np.ndarray) -> None:
        for item in self.limits:
            along = pose.globals_TJ33[:, PARENTS[item.joint]] @ item.along
            carried = pose.globals_TJ33[:, item.joint] @ item.carried
            off = np.einsum("ti,ti->t", along, carried) - item.low
            strength = np.where(item.is_equal | (off < 0), item.std**-2, 0.0)[:, None]
            slope = np.cross(carried, along)
            square = (strength * slope)[:, :, None] * slope[:, None, :]
            self._add(matrix, right, item.joint, square, -strength * off[:, None] * slope)

    def _add(self, matrix: np.ndarray, right: np.ndarray, joint: int, square: np.ndarray, pull: np.ndarray) -> None:
        own, above = self._places(joint)
        matrix[:, own, own] += square
        right[:, own] += pull
        if above is not None:
            matrix[:, above, above] += square
            matrix[:, own, above] -= square
            matrix[:, above, own] -= square
            right[:, above] -= pull

    def step(
        self, pose: Pose, seen: Seen, scale: float, steady: Steady | None, held_T: np.ndarray | None = None
    ) -> tuple[Pose, np.ndarray]:
        """One Gauss-Newton step, and the largest turn in it of each frame (T,) in radians.

        Frames in ``held_T`` stay; without ``steady`` frames do not know each other.
        """
        matrix, right, *_ = self.normal(pose, seen, scale)
        diagonal = np.einsum("tii->ti", matrix)  # a view
        diagonal += DAMPING * diagonal + 1e-3
        if steady is None or len(matrix) < 3:
            change = np.linalg.solve(matrix, right[:, :, None])[:, :, 0]
        else:
            change = self._solve_in_time(pose, matrix, right, steady, held_T)
        return self.moved(pose, change), np.abs(change[:, self.first :]).max(axis=1)

    def moved(self, pose: Pose, change_Tn: np.ndarray) -> Pose:
        """The pose after a step (T, n)."""
        turn = change_Tn[:, self.first :].reshape(-1, self.num_groups, 3)
        size = np.linalg.norm(turn, axis=2, keepdims=True)
        turn = matrices(turn * np.minimum(1.0, LONGEST_TURN / (size + 1e-12)))
        result = pose.globals_TJ33.copy()
        moving = np.flatnonzero(self.groups_J >= 0)
        result[:, moving] = turn[:, self.groups_J[moving]] @ result[:, moving]
        return Pose(result, pose.root_T3 + change_Tn[:, :ROOT] if self.first else pose.root_T3)

    def _per_unknown(self, turn: float, move: float) -> np.ndarray:
        return np.array([move] * self.first + [turn] * (self.size - self.first))

    def _moves(self, pose: Pose) -> np.ndarray:
        """How the unknowns change from frame to frame (T - 1, n)."""
        lead = pose.globals_TJ33[:, self.lead_G]
        moves = vectors(lead[1:] @ lead[:-1].transpose(0, 1, 3, 2)).reshape(len(lead) - 1, 3 * self.num_groups)
        return np.concatenate([np.diff(pose.root_T3, axis=0), moves], axis=1) if self.first else moves

    def _solve_in_time(
        self, pose: Pose, matrix: np.ndarray, right: np.ndarray, steady: Steady, held_T: np.ndarray | None
    ) -> np.ndarray:
        count, size = right.shape
        speed = self._per_unknown(steady.turn_speed, steady.move_speed)
        change = self._per_unknown(steady.turn_change, steady.move_change)
        moves = self._moves(pose)
        bends = np.diff(moves, axis=0)
        right[:-1] += speed * moves
        right[1:] -= speed * moves
        right[:-2] -= change * bends
        right[1:-1] += 2.0 * change * bends
        right[2:] -= change * bends
        diagonal = np.einsum("tii->ti", matrix)
        diagonal[:-1] += speed
        diagonal[1:] += speed
        diagonal[:-2] += change
        diagonal[1:-1] += 4.0 * change
        diagonal[2:] += change
        next_one = np.tile(-speed, (count, 1))
        next_one[: count - 2] -= 2.0 * change
        next_one[1 : count - 1] -= 2.0 * change
        if held_T is not None:
            diagonal[held_T] += 1e12
            right[held_T] = 0.0
        band = np.zeros((2 * size + 1, count * size), order="F")
        rows = band.reshape(2 * size + 1, size, count, order="F")
        for k in range(size):
            rows[k, : size - k] = np.diagonal(matrix, offset=-k, axis1=1, axis2=2).T
        rows[size, :, :-1] = next_one[:-1].T
        rows[2 * size, :, :-2] = change[:, None]
        solved = solveh_banded(band, right.ravel(), overwrite_ab=True, lower=True, check_finite=False)
        return np.asarray(solved).reshape(count, size)


# ------------------------------------------------------------------------------------------------------------- algebra


def skew(vector: np.ndarray) -> np.ndarray:
    """Matrices ``[v]x`` (..., 3, 3) of vectors (..., 3)."""
    result = np.zeros((*vector.shape, 3))
    x, y, z = np.moveaxis(vector, -1, 0)
    result[..., 0, 1], result[..., 0, 2] = -z, y
    result[..., 1, 0], result[..., 1, 2] = z, -x
    result[..., 2, 0], result[..., 2, 1] = -y, x
    return result


def _cross(products: np.ndarray) -> np.ndarray:
    """Sums of ``u x e`` (T, G, 3) from the sums of ``u e^T`` (T, 3G, 3)."""
    blocks = products.reshape(len(products), -1, 3, 3)
    return np.stack([blocks[..., i, j] - blocks[..., j, i] for i, j in ((1, 2), (2, 0), (0, 1))], axis=-1)


def _inverse_left_jacobian(vector: np.ndarray) -> np.ndarray:
    """How a small turn before a rotation changes its axis-angle vector: (..., 3) -> (..., 3, 3)."""
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    safe = np.clip(angle, 1e-4, np.pi - 1e-3)
    factor = 1.0 / safe**2 - (1.0 + np.cos(safe)) / (2.0 * safe * np.sin(safe))
    cross = skew(vector)
    return np.eye(3) - 0.5 * cross + factor * (cross @ cross)
