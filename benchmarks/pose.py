"""Points to SMPL-X: frames per second beside a descent through the body model, and the residuals.

``python benchmarks/pose.py [SHARED] [ROOT]`` fits points of the salsa leaders in the folder of shared data (``../shared`` by
default), exact and with 5 mm of noise, and the generated points of the trained model of a project (the current folder; left
out where nothing is generated). The named alternative is `torch.optim.LBFGS` on axis-angles and translations of a few frames
together through :meth:`Body.points_torch`, the shape given, from the rest pose; it stops at the residual of the closed form
plus 1 mm, or after 300 iterations. One thread, CPU seconds. Last, a long take with one thread and with all, by the clock.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch

from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.mocap.retarget import read_leader
from interdance.takes import Motion

FPS = 30
NOISE = 0.005  # metres, per axis
TAKES = ("easy_02", "medium_01", "hard_04")
FRAMES = 1000
SOME = 16  # frames that the alternative gets
STEPS, ROUNDS, MARGIN = 50, 6, 0.001  # iterations at a time, how often, metres


def descend(points_TP3: np.ndarray, betas: np.ndarray, body: Body, enough: float) -> tuple[float, float]:
    """Frames per second of L-BFGS, and the mean residual that it reaches, metres."""
    start = time.process_time()
    goal, shape = torch.from_numpy(points_TP3), torch.from_numpy(betas)
    rotations = torch.full((len(goal), 55, 3), 1e-4, requires_grad=True)  # at zero an axis-angle has no direction
    translation = (goal[:, 0] - body.joints_torch(rotations, 0 * goal[:, 0], shape)[:, 0]).detach().requires_grad_()
    optimiser = torch.optim.LBFGS([rotations, translation], max_iter=STEPS, history_size=20, line_search_fn="strong_wolfe")

    def away() -> torch.Tensor:
        return body.points_torch(rotations, translation, shape) - goal

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = (away() ** 2).sum(dim=-1).mean()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    residual = np.inf
    for _ in range(ROUNDS):
        optimiser.step(loss)
        residual = float(away().detach().norm(dim=-1).mean())
        if residual <= enough:
            break
    return len(points_TP3) / (time.process_time() - start), residual


def line(label: str, points_TP3: np.ndarray, body: Body, true_TP3: np.ndarray | None = None) -> str:
    """Both speeds, their ratio, residuals."""
    start = time.process_time()
    motion, residual_T = fit_motion(points_TP3, body, FPS)
    fast = len(points_TP3) / (time.process_time() - start)
    some = slice(0, None, -(-len(points_TP3) // SOME))
    slow, reached = descend(points_TP3[some], motion.betas, body, float(residual_T[some].mean()) + MARGIN)
    text = (
        f"{label}: {fast:.0f} frames/s, L-BFGS {slow:.1f} (residual {1000 * reached:.1f} mm), ratio {fast / slow:.0f};"
        f" residual mean {1000 * residual_T.mean():.1f} mm, worst frame {1000 * residual_T.max():.1f}"
    )
    if true_TP3 is not None:
        text += f", from the true points {1000 * np.linalg.norm(body.points(motion) - true_TP3, axis=2).mean():.1f}"
    return text


def threads(points_TP3: np.ndarray, body: Body) -> str:
    """Frames per second of a long take, by the clock, with one thread and with as many as there are cores."""
    speeds = []
    for count in (1, os.cpu_count() or 1):
        torch.set_num_threads(count)
        start = time.perf_counter()
        fit_motion(points_TP3, body, FPS)
        speeds.append(len(points_TP3) / (time.perf_counter() - start))
    torch.set_num_threads(1)
    return (
        f"{len(points_TP3)} frames by the clock: {speeds[0]:.0f} frames/s with one thread, {speeds[1]:.0f} with "
        f"{os.cpu_count()}, ratio {speeds[1] / speeds[0]:.2f}"
    )


def main() -> None:
    """Round trips of salsa takes, then the generated followers of the project."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?", default=Path("../shared"), help="folder of the captured dancers")
    parser.add_argument("root", type=Path, nargs="?", default=Path(), help="project whose generated followers are measured")
    arguments = parser.parse_args()
    shared, root = arguments.shared / "data", arguments.root
    body = Body.load()
    rng = np.random.default_rng(0)
    fit_motion(body.points(Motion(np.zeros((2, 55, 3)), np.zeros((2, 3)), np.zeros(10), FPS)), body, FPS)  # wake the libraries
    for take in TAKES:
        true_TP3 = body.points(read_leader(shared / "salsa" / f"{take}_leader.bvh", body, None, fps=FPS)[:FRAMES])
        noise = rng.normal(0.0, NOISE, true_TP3.shape).astype(np.float32)
        print(line(f"{take}, exact", true_TP3, body, true_TP3), flush=True)
        print(line(f"{take}, {1000 * NOISE:.0f} mm noise", true_TP3 + noise, body, true_TP3), flush=True)
    print(threads(np.concatenate([true_TP3 + noise] * 6), body), flush=True)
    for path in sorted(root.glob("generated/interdance/seed_*/*/*/points.npy"))[:3]:
        print(line(f"{path.parent.name}, generated", np.load(path, allow_pickle=False)[:FRAMES], body), flush=True)


if __name__ == "__main__":
    main()
