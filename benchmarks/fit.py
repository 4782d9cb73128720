"""Markers and joints to SMPL-X: frames per second beside a frame-by-frame fit of the same cost, and the residuals.

``python benchmarks/fit.py [SHARED]`` uses the salsa and marker files in the folder of shared data (``../shared`` by
default). The named alternative is `scipy.optimize.least_squares` with the same residuals of points, leans and limits on
single frames, each started from the frame before; it knows nothing of time, gaps or outliers. One thread, CPU seconds.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import least_squares

from interdance.body.model import Body
from interdance.body.rotations import vectors
from interdance.body.skeleton import PARENTS
from interdance.mocap.bvh import read_bvh
from interdance.mocap.c3d import read_c3d
from interdance.mocap.fit import Fit, fit_joints, fit_markers
from interdance.mocap.fit_prior import body_leans, body_limits
from interdance.mocap.fit_start import riding, start_body
from interdance.mocap.fit_target import Target
from interdance.mocap.markers import find_marker_set, load_marker_set, render_markers
from interdance.mocap.retarget import bvh_to_motion
from interdance.mocap.solve import Pose, Seen, Solver
from interdance.takes import Motion

FRAMES = 600
SINGLE = 6  # frames that the alternative gets


def one_by_one(target: Target, seen: Seen, betas: np.ndarray, offsets_K3: np.ndarray, noise: float) -> float:
    """Frames per second of `least_squares` on single frames, shape and offsets given."""
    solver = Solver(target.coefficients(betas, offsets_K3), riding(list(range(22))), body_leans(), body_limits())
    start = time.process_time()
    pose = start_body(target, seen, betas, offsets_K3)

    def residuals(change: np.ndarray, pose: Pose, points_3K: np.ndarray, known_K: np.ndarray) -> np.ndarray:
        moved = solver.moved(pose, change[None])
        off = (solver.arms(moved)[1][0] - points_3K)[:, known_K].ravel() / noise
        turned = moved.globals_TJ33[0]
        local = {item.joint: turned[PARENTS[item.joint]].T @ turned[item.joint] for item in (*solver.leans, *solver.limits)}
        bends = vectors(np.stack([local[item.joint] for item in solver.leans]))
        leans = [(bend - item.mean) / item.std for bend, item in zip(bends, solver.leans, strict=True)]
        beyond = [(item.along @ local[item.joint] @ item.carried - item.low) / item.std for item in solver.limits]
        limits = [b if item.is_equal else min(b, 0.0) for b, item in zip(beyond, solver.limits, strict=True)]
        return np.concatenate([off, *leans, limits])

    for frame in range(len(seen.points_T3K)):
        known = seen.trust_TK[frame] > 0
        least_squares(residuals, np.zeros(solver.size), args=(pose[[frame]], seen.points_T3K[frame], known), max_nfev=30)
    return len(seen.points_T3K) / (time.process_time() - start)


def compare(label: str, fit: Fit, seconds: float, target: Target, points_TK3: np.ndarray) -> str:
    """A line: both speeds, their ratio, residuals."""
    known = np.isfinite(points_TK3[:SINGLE, :, 0])
    seen = Seen(np.nan_to_num(points_TK3[:SINGLE]).transpose(0, 2, 1), known / 0.005**2)
    offsets = np.zeros((target.num_points, 3))
    if fit.offsets_K3 is not None:
        offsets = np.einsum("kij,kj->ki", target.surface_frames(), fit.offsets_K3)
    slow = one_by_one(target, seen, fit.motion.betas.astype(np.float64), offsets, 0.005)
    fast = fit.motion.num_frames / seconds
    summary = fit.summary()
    return (
        f"{label}: {fast:.0f} frames/s, least_squares frame by frame {slow:.2f}, ratio {fast / slow:.0f};"
        f" residual mean {1000 * summary['mean']:.1f} mm, median {1000 * summary['median']:.1f},"
        f" p95 {1000 * summary['p95']:.1f}, missing {100 * summary['missing']:.0f} %"
    )


def error(fit: Fit, true: Motion, body: Body) -> str:
    """Millimetres from the true joints of trunk and limbs."""
    off = np.linalg.norm(body.joints(fit.motion) - body.joints(true), axis=2)[:, :22]
    return f"; joints off by {1000 * off.mean():.1f} mm (p99 {1000 * np.percentile(off, 99):.0f})"


def main() -> None:
    """Round trips of a salsa take with 2 mm noise and 25 % gaps, then the real captures."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path("../shared"), help="folder of the captured dancers")
    shared = parser.parse_args().shared / "data"
    body = Body.load()
    rng = np.random.default_rng(0)
    made = bvh_to_motion(read_bvh(next((shared / "salsa").glob("medium_01_leader*.bvh"))), body)
    true = (made[0] if isinstance(made, tuple) else made)[:FRAMES]
    for count in (22, 55):
        joints = body.joints(true)[:, :count] + rng.normal(0.0, 0.002, (true.num_frames, count, 3))
        joints[rng.random(joints.shape[:2]) < 0.25] = np.nan
        start = time.process_time()
        fit = fit_joints(joints, range(count), body, true.fps)
        seconds = time.process_time() - start
        target = Target.of_joints(body, np.arange(count))
        line = compare(f"{count} joints, 2 mm noise", fit, seconds, target, joints)
        sys.stdout.write(line + error(fit, true, body) + "\n")
    for name in ("cmu41", "production53"):
        points = load_marker_set(name).on(body)
        markers = render_markers(true, points, body, 0.002, 0.25, np.random.default_rng(1)).astype(np.float64)
        start = time.process_time()
        fit = fit_markers(markers, points.names, points, body, true.fps)
        seconds = time.process_time() - start
        line = compare(f"{name} rendered, 2 mm noise", fit, seconds, Target.of_markers(body, points), markers)
        sys.stdout.write(line + error(fit, true, body) + "\n")
    for path in sorted((shared / "c3d").glob("*.c3d")):
        take = read_c3d(path)
        found = find_marker_set(take.path, take.names, take.positions_TM3, body)
        columns = found.match(take.names)
        markers, points = take.positions_TM3[:, list(columns.values())], found.on(body)
        start = time.process_time()
        fit = fit_markers(markers, tuple(columns), points, body, take.fps)
        seconds = time.process_time() - start
        summary = fit.summary()
        sys.stdout.write(
            f"{path.name} ({found.name}, {len(markers)} frames at {take.fps:g}): {len(markers) / seconds:.0f} frames/s,"
            f" residual mean {1000 * summary['mean']:.1f} mm, median {1000 * summary['median']:.1f},"
            f" p95 {1000 * summary['p95']:.1f}, missing {100 * summary['missing']:.0f} %\n"
        )


if __name__ == "__main__":
    main()
