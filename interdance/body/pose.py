"""From 710 points back to SMPL-X parameters: rotations of all 55 joints, translation and shape.

Skinned points are linear in the *global* rotations, ``point_v = y + sum_a R_a c_va`` (see ``skin``). So for one joint
with all others fixed the best rotation is a Procrustes problem over the *whole* body, solved in closed form, and bone
lengths hold throughout. A fit starts from one such problem per part (its own points, parents first). Each round then
takes a Gauss-Newton step of trunk and limbs together and turns every joint, level by level, to its own optimum. All
products of coefficients are the same for all frames of one shape, so a round costs the same for any number of points.

Every joint leans a little to its parent's rotation and to its neighbours in time, which settles what the points leave
open (eyes, the twist of a fingertip). How much follows from the noise: the variance that the points show against the
body, measured anew each round, over the variance of a bend and of a turn between frames. Exact points are met
exactly, noisy ones are smoothed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import torch

from interdance.body.rotations import to_local, vectors
from interdance.body.skeleton import INDEX, NUM_JOINTS, PARENTS
from interdance.body.skin import Skin
from interdance.errors import InputError
from interdance.takes import NUM_BETAS, Motion

if TYPE_CHECKING:
    from interdance.body.model import Body

ROUNDS = 4
FIRST_FINGER = 25
NUM_SETTLED = 22  # joints of trunk and limbs
DAMPING = 1e-4
LIMB_START, FINGER_START = 0.02, 0.5  # lean to the parent before the first round, as a share of the part itself
CHUNK = 256  # frames solved together, and beside other chunks
CONTEXT = 16  # frames before and after them that are solved with them and left out: farther off, neighbours do not matter
TOGETHER = 64  # of these, frames whose Gauss-Newton steps are solved at a time: they fit into a processor's cache
SHAPE_FRAMES = 32
SHAPE_ROUNDS = 10
SHAPE_RIDGE = 1e-4  # metres per standard deviation of shape, against the root mean square over all points
BEND = 0.7  # radians: how far a joint is from its parent's rotation, as a standard deviation
TURN = 0.1  # radians: how far a joint turns in a frame
LEAST_NOISE = 3e-4  # metres: points are never trusted more than this

_LEVELS: list[list[int]] = []
for _joint, _parent in enumerate(PARENTS):
    _depth = 0 if _parent < 0 else 1 + next(d for d, members in enumerate(_LEVELS) if _parent in members)
    if _depth == len(_LEVELS):
        _LEVELS.append([])
    _LEVELS[_depth].append(_joint)


def fit_motion(
    points_TP3: np.ndarray,
    body: Body,
    fps: float,
    betas: np.ndarray | None = None,
    iterations: int = ROUNDS,
    held: np.ndarray | None = None,
) -> tuple[Motion, np.ndarray]:
    """SMPL-X parameters whose 710 points, or some of them, come nearest to the given ones.

    Parameters
    ----------
    points_TP3 : (T, 710, 3) or (T, H, 3)
        55 joints, then 655 surface vertices, or those that ``held`` names; metres; they need not lie exactly on any body.
    body : Body
        The body the points belong to.
    fps : float
        Frames per second, passed on.
    betas : (10,), optional
        The shape; one for the take is estimated from the points when not given.
    iterations : int
        Rounds after the start: a joint step of trunk and limbs, then each joint by itself.
    held : int (H,), optional
        Which of the 710 points are given, in ascending order. What they leave open follows the parent's rotation.

    Returns
    -------
    motion : Motion
    residual_T : float32 (T,)
        Mean distance in metres between the points given and those of the motion, per frame.

    Raises
    ------
    InputError
        When the points have another shape or hold NaN or infinity.
    """
    points_TP3 = np.asarray(points_TP3, np.float32)
    held = np.arange(NUM_JOINTS + len(body.surface_V)) if held is None else held
    num_points = len(held)
    if points_TP3.ndim != 3 or points_TP3.shape[1:] != (num_points, 3) or len(points_TP3) == 0:
        raise InputError(f"points of shape {points_TP3.shape}: (frames, {num_points}, 3) are needed")
    bad = ~np.isfinite(points_TP3).all(axis=(1, 2))
    if bad.any():
        raise InputError(f"points hold NaN or infinity at frame {int(bad.argmax())}; no pose can be found")
    rest = Skin.of_surface(body)
    shape = _fit_shape(points_TP3, rest, held) if betas is None else np.asarray(betas, np.float64)
    fit = _Fit(rest, shape, held)

    def solve(start: int) -> tuple[Motion, np.ndarray]:
        """Motion and residual of the frames from ``start`` on that are solved together."""
        first, stop = max(0, start - CONTEXT), min(start + CHUNK, len(points_TP3))
        frames, kept = points_TP3[first : min(stop + CONTEXT, len(points_TP3))], slice(start - first, stop - first)
        turned = fit.solve(frames, iterations)
        motion = fit.motion(turned, frames, fps)
        made = body.points(motion)[:, held]
        bend = made - fit.points(turned, frames)  # what the model adds to plain skinning: pose-dependent corrections
        if np.abs(bend).max() > 1e-4:
            turned = fit.solve(frames - bend, max(iterations // 2, 2), turned)
            motion = fit.motion(turned, frames - bend, fps)
            made = body.points(motion)[:, held]
        return motion[kept], np.linalg.norm(made - frames, axis=2).mean(axis=1)[kept]

    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        motions, residuals = zip(*threads.map(solve, range(0, len(points_TP3), CHUNK)), strict=True)
    whole = Motion(
        rotations_TJ3=np.concatenate([item.rotations_TJ3 for item in motions]),
        translation_T3=np.concatenate([item.translation_T3 for item in motions]),
        betas=shape.astype(np.float32),
        fps=fps,
    )
    return whole, np.concatenate(residuals).astype(np.float32)


class _Fit:
    """The fit of one shape to the points held. Rotations are ``X[a, i, t, :]`` = column ``i`` of ``R_a`` at frame ``t``."""

    def __init__(self, rest: Skin, betas: np.ndarray, held: np.ndarray) -> None:
        self.betas = betas
        rest_P3 = rest.points(betas)
        self.rest_pelvis = rest_P3[0]
        self.full = rest.coefficients(rest_P3)[held].reshape(len(held), -1)
        self.mean = self.full.mean(axis=0)
        self.matrix = self.full - self.mean  # the root is eliminated: it puts mean on mean
        self.gram = self.matrix.T @ self.matrix
        self.settled = self.gram[: 3 * NUM_SETTLED, : 3 * NUM_SETTLED].astype(np.float32)
        self.part = self._part_coefficients(rest, rest_P3, held)
        self.others = {level[0]: self._without_own(level) for level in _LEVELS}
        self.moment_J = np.array([np.trace(self.gram[3 * a : 3 * a + 3, 3 * a : 3 * a + 3]) for a in range(NUM_JOINTS)])

    def _without_own(self, level: list[int]) -> np.ndarray:
        """The rows of ``gram`` of a level's joints, each without its own block."""
        rows = self.gram[(3 * np.asarray(level)[:, None] + np.arange(3)).ravel()]
        for place, joint in enumerate(level):
            rows[3 * place : 3 * place + 3, 3 * joint : 3 * joint + 3] = 0.0
        return rows

    @staticmethod
    def _part_coefficients(rest: Skin, rest_P3: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Matrix (165, H) that takes the points held to each part's own Procrustes matrix about its joint."""
        weights = np.zeros_like(rest.weights_KJ)
        weights[held] = rest.weights_KJ[held]
        weights[:NUM_JOINTS] = 0.0
        for joint in range(1, NUM_JOINTS):
            weights[joint, PARENTS[joint]] = float(joint in held)
        known = np.isin(np.arange(NUM_JOINTS), held)
        # About the joint where it is held, else about the middle of the part's own points.
        middle = (weights.T @ rest_P3) / np.maximum(weights.sum(axis=0), 1e-12)[:, None]
        about = np.where(known[:, None], rest_P3[:NUM_JOINTS], middle)
        result = weights[:, :, None] * (rest_P3[:, None] - about)  # (P, J, 3)
        rest_of_it = result.sum(axis=0)
        joints = np.flatnonzero(known)
        result[joints, joints] -= rest_of_it[joints]
        return result[held].reshape(len(held), NUM_JOINTS * 3).T

    def solve(
        self,
        points_TP3: np.ndarray,
        rounds: int,
        start: np.ndarray | None = None,
        in_time: bool = True,
    ) -> np.ndarray:
        """Rotations X (55, 3, T, 3); ``in_time`` says that frames follow each other."""
        chunk = _Chunk(self, points_TP3, in_time)
        turned = self._start(chunk.by_point) if start is None else start.copy()
        for _ in range(rounds):
            chunk.round(turned)
        return turned

    def _start(self, by_point: np.ndarray) -> np.ndarray:
        """One Procrustes problem per part, parents first; the parent's rotation decides what the part leaves open."""
        own = (self.part @ by_point).reshape(NUM_JOINTS, 3, -1, 3)
        turned = np.empty_like(own)
        for level in _LEVELS:
            matrix = own[level].transpose(0, 2, 1, 3).copy()
            if level[0] > 0:
                share = FINGER_START if level[-1] >= FIRST_FINGER else LIMB_START
                lean = 1e-4 + share * np.linalg.norm(matrix, axis=(2, 3))[..., None, None]
                matrix += lean * turned[[PARENTS[joint] for joint in level]].transpose(0, 2, 1, 3)
            turned[level] = _nearest_rotation(matrix).transpose(0, 2, 1, 3)
        return turned

    def points(self, turned: np.ndarray, like_TP3: np.ndarray) -> np.ndarray:
        """Skinned points (T, P, 3), their mean on the mean of ``like_TP3``."""
        num_frames = turned.shape[2]
        made = (self.matrix @ turned.reshape(NUM_JOINTS * 3, -1)).reshape(-1, num_frames, 3).transpose(1, 0, 2)
        return made + like_TP3.mean(axis=1, keepdims=True, dtype=np.float64)

    def motion(self, turned: np.ndarray, points_TP3: np.ndarray, fps: float) -> Motion:
        num_frames = turned.shape[2]
        middle = (self.mean @ turned.reshape(NUM_JOINTS * 3, -1)).reshape(num_frames, 3)
        root = points_TP3.mean(axis=1, dtype=np.float64) - middle
        matrices = turned.transpose(2, 0, 3, 1)  # X holds columns
        return Motion(
            rotations_TJ3=vectors(to_local(np.ascontiguousarray(matrices))).astype(np.float32),
            translation_T3=(root - self.rest_pelvis).astype(np.float32),
            betas=self.betas.astype(np.float32),
            fps=fps,
        )


class _Chunk:
    """Successive frames solved together."""

    def __init__(self, fit: _Fit, points_TP3: np.ndarray, in_time: bool) -> None:
        self.fit, self.in_time = fit, in_time
        centred = points_TP3 - points_TP3.mean(axis=1, keepdims=True)
        self.by_point = np.ascontiguousarray(centred.transpose(1, 0, 2), np.float64).reshape(points_TP3.shape[1], -1)
        self.goal = (fit.matrix.T @ self.by_point).reshape(NUM_JOINTS, 3, -1, 3)
        self.square = float((self.by_point**2).sum())
        self.count = self.by_point.size

    def round(self, turned: np.ndarray) -> None:
        """Improve the rotations (55, 3, T, 3) in place."""
        flat = turned.reshape(NUM_JOINTS * 3, -1)
        product = self.fit.gram @ flat
        left = self.square + float((flat * (product - 2.0 * self.goal.reshape(flat.shape))).sum())
        variance = max(left / self.count, LEAST_NOISE**2)
        self.lean_parent = variance / (2.0 * BEND**2)
        self.lean_time = variance / (2.0 * TURN**2) if self.in_time else 0.0
        self._settle(turned, self.goal[:NUM_SETTLED] - product[: 3 * NUM_SETTLED].reshape(NUM_SETTLED, 3, -1, 3))
        for level in _LEVELS:
            pull = self.goal[level] - (self.fit.others[level[0]] @ flat).reshape(len(level), 3, -1, 3)
            turned[level] = _newton(turned[level], self._leaning(turned, pull, level))

    def _settle(self, turned: np.ndarray, pull: np.ndarray) -> None:
        """One Gauss-Newton step of the trunk and limbs together, which one joint at a time would settle slowly."""
        num_frames, rows = turned.shape[2], 3 * NUM_SETTLED
        joints = list(range(NUM_SETTLED))
        product = np.einsum("aitm,aitn->mnat", turned[joints], self._leaning(turned, pull, joints), optimize=False)
        torque = _torque(product).transpose(2, 1, 0).reshape(num_frames, rows)
        extra = DAMPING * self.fit.moment_J[joints] + 2.0 * (self.lean_parent + 2.0 * self.lean_time)
        step = np.empty((num_frames, rows))
        for start in range(0, num_frames, TOGETHER):
            part = slice(start, start + TOGETHER)
            matrix = self._hessian(turned[joints][:, :, part].astype(np.float32))
            matrix[:, np.arange(rows), np.arange(rows)] += np.repeat(extra, 3).astype(np.float32)
            step[part] = np.linalg.solve(matrix, torque[part, :, None].astype(np.float32))[:, :, 0]
        turned[joints] = _turn(turned[joints], step.reshape(num_frames, NUM_SETTLED, 3).transpose(2, 1, 0))

    def _hessian(self, turned: np.ndarray) -> np.ndarray:
        """Of trunk and limbs, (t, 66, 66): from blocks ``B = R_a M_ab R_b^T``, turned and with their traces added."""
        num_frames, rows, gram = turned.shape[2], 3 * NUM_SETTLED, self.fit.settled
        rotations = turned.transpose(0, 2, 3, 1)
        left = np.empty((num_frames, NUM_SETTLED, 3, rows), np.float32)
        for a in range(NUM_SETTLED):
            left[:, a] = rotations[a] @ gram[3 * a : 3 * a + 3]
        flat = left.reshape(num_frames, rows, rows)
        matrix = np.empty((num_frames, NUM_SETTLED, 3, NUM_SETTLED, 3), np.float32)
        for b in range(NUM_SETTLED):
            blocks = (flat[:, :, 3 * b : 3 * b + 3] @ turned[b].transpose(1, 0, 2)).reshape(num_frames, NUM_SETTLED, 3, 3)
            np.negative(blocks.transpose(0, 1, 3, 2), out=matrix[:, :, :, b])
            trace = blocks[..., 0, 0] + blocks[..., 1, 1] + blocks[..., 2, 2]
            for i in range(3):
                matrix[:, :, i, b, i] += trace
        return matrix.reshape(num_frames, rows, rows)

    def _leaning(self, turned: np.ndarray, pull: np.ndarray, joints: list[int]) -> np.ndarray:
        """``pull`` (k, 3, T, 3) with that of the parents and of the neighbours in time added in place."""
        hanging = [place for place, joint in enumerate(joints) if joint > 0]
        pull[hanging] += self.lean_parent * turned[[PARENTS[joints[place]] for place in hanging]]
        if self.in_time:
            own = turned[joints]
            pull[:, :, 1:] += self.lean_time * own[:, :, :-1]
            pull[:, :, :-1] += self.lean_time * own[:, :, 1:]
        return pull


def _nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """For ``M = sum c y^T`` (..., 3, 3) the transposed rotation that turns the ``c`` onto the ``y``."""
    left, _, right = np.linalg.svd(matrix)
    left[..., :, 2] *= np.sign(np.linalg.det(left) * np.linalg.det(right))[..., None]
    return left @ right


def _newton(turned: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Turn ``R`` towards the maximum of ``tr(R M)``: one damped Newton step, quadratic near the maximum.

    Both arrays are (k, 3, T, 3), the rotation transposed.
    """
    product = np.einsum("aitm,aitn->mnat", turned, pull, optimize=False)  # R M
    torque = _torque(product)
    force = np.sqrt((torque**2).sum(axis=0))
    trace = product[0, 0] + product[1, 1] + product[2, 2]
    diagonal = [trace - product[i, i] + force + 1e-12 for i in range(3)]
    xy, xz, yz = (-(product[i, j] + product[j, i]) / 2 for i, j in ((0, 1), (0, 2), (1, 2)))
    xx, yy, zz = diagonal
    inverse = np.array([
        [yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy],
        [xz * yz - xy * zz, xx * zz - xz * xz, xy * xz - xx * yz],
        [xy * yz - xz * yy, xy * xz - xx * yz, xx * yy - xy * xy],
    ])  # fmt: skip
    determinant = xx * inverse[0, 0] + xy * inverse[0, 1] + xz * inverse[0, 2]
    convex = (determinant > 0) & (xx > 0) & (inverse[2, 2] > 0)
    newton = np.einsum("ijat,jat->iat", inverse, torque) / np.where(convex, determinant, 1.0)
    size = np.sqrt((product**2).sum(axis=(0, 1)))
    step = np.where(convex, newton, torque / (force + size + 1e-12))
    return _turn(turned, step)


def _torque(product: np.ndarray) -> np.ndarray:
    """Gradient (3, ...) of ``tr(exp(w) P)`` at ``w = 0`` for ``P`` of shape (3, 3, ...)."""
    x, y, z = product[1, 2] - product[2, 1], product[2, 0] - product[0, 2], product[0, 1] - product[1, 0]
    return np.stack([x, y, z])


def _turn(turned: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Turn transposed rotations (k, 3, T, 3) by world axis-angle steps (3, k, T), by Cayley's map."""
    x, y, z = half = step / 2
    factor = 2.0 / (1.0 + (half**2).sum(axis=0))
    rotation = np.array([
        [1 - factor * (y * y + z * z), factor * (x * y - z), factor * (x * z + y)],
        [factor * (x * y + z), 1 - factor * (x * x + z * z), factor * (y * z - x)],
        [factor * (x * z - y), factor * (y * z + x), 1 - factor * (x * x + y * y)],
    ])  # fmt: skip
    return np.einsum("nmat,aitm->aitn", rotation, turned, optimize=False)


def _fit_shape(points_TP3: np.ndarray, rest: Skin, held: np.ndarray) -> np.ndarray:
    """One set of betas for the take: from bone lengths, then poses and shape in turn on frames spread over it."""
    count = min(len(points_TP3), SHAPE_FRAMES)
    chosen = points_TP3[np.unique(np.linspace(0, len(points_TP3) - 1, count).astype(np.int64))]
    has_bones = np.array_equal(held[: INDEX["jaw"]], np.arange(INDEX["jaw"]))
    betas = _shape_from_bones(chosen, rest) if has_bones else np.zeros(NUM_BETAS)
    goal = (chosen - chosen.mean(axis=1, keepdims=True)).transpose(1, 0, 2).reshape(chosen.shape[1], -1)
    change = [rest.coefficients(item)[held].reshape(len(held), -1) for item in rest.change_SK3]
    change = [(item - item.mean(axis=0)).astype(np.float32) for item in change]
    turned: np.ndarray | None = None
    tried: list[np.ndarray] = []
    steps: list[np.ndarray] = []
    for count in range(SHAPE_ROUNDS):
        fit = _Fit(rest, betas, held)
        turned = fit.solve(chosen, 3 if count == 0 else 1, start=turned, in_time=False)
        flat = turned.reshape(NUM_JOINTS * 3, -1)
        single = flat.astype(np.float32)
        slopes = np.stack([(item @ single).ravel() for item in change])
        missing = (goal - fit.matrix @ flat).ravel()
        weight = SHAPE_RIDGE**2 * len(missing) / 3
        matrix = slopes @ slopes.T + weight * np.eye(NUM_BETAS)
        tried.append(betas)
        steps.append(np.linalg.solve(matrix, slopes @ missing.astype(np.float32) - weight * betas))
        betas = _anderson(tried[-5:], steps[-5:])
    return betas


def _anderson(tried: list[np.ndarray], steps: list[np.ndarray]) -> np.ndarray:
    """Next guess of a fixed-point iteration from the last guesses and the steps it wanted there (Anderson's mixing)."""
    if len(tried) < 3:
        return tried[-1] + steps[-1]
    spread_steps = np.stack([steps[-1] - item for item in steps[:-1]], axis=1)
    spread_tried = np.stack([tried[-1] - item for item in tried[:-1]], axis=1)
    share = np.linalg.lstsq(spread_steps, steps[-1], rcond=1e-3)[0]
    return tried[-1] + steps[-1] - (spread_tried + spread_steps) @ share


def _shape_from_bones(points_TP3: np.ndarray, rest: Skin) -> np.ndarray:
    """Betas that bring the lengths of the bones nearest to the median lengths seen."""
    children = np.arange(1, INDEX["jaw"])
    parents = np.asarray(PARENTS)[children]
    seen = np.median(np.linalg.norm(points_TP3[:, children] - points_TP3[:, parents], axis=2), axis=0)
    slopes = rest.change_SK3[:, children] - rest.change_SK3[:, parents]
    betas = np.zeros(NUM_BETAS)
    for _ in range(4):
        joints = rest.points(betas)[:NUM_JOINTS]
        bones = joints[children] - joints[parents]
        lengths = np.linalg.norm(bones, axis=1)
        matrix = np.einsum("bc,kbc->bk", bones / lengths[:, None], slopes)
        weight = (2e-3) ** 2 * len(children)
        step = matrix.T @ (seen - lengths) - weight * betas
        betas = betas + np.linalg.solve(matrix.T @ matrix + weight * np.eye(NUM_BETAS), step)
    return betas
