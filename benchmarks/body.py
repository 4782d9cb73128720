"""How much faster the 710 points come from the cut-down model than from the whole one; both timed in one run.

``python benchmarks/body.py`` prints a line per case: best of five, one thread, 150 frames.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from interdance.body.model import Body

FRAMES = 150


def best(function: Callable[[], object], repeats: int = 5) -> float:
    """Shortest of ``repeats`` runs in seconds, after one to warm up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Time both paths, forward alone and with the gradient of the pose."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    body = Body.load()
    load = time.perf_counter() - start
    rng = np.random.default_rng(0)
    pose = torch.from_numpy(rng.normal(0.0, 0.3, (FRAMES, 55, 3)).astype(np.float32))
    place, betas = torch.zeros(FRAMES, 3), torch.zeros(10)

    chosen = torch.from_numpy(body.surface_V.copy())

    def whole(pose: torch.Tensor) -> torch.Tensor:
        return body.forward(pose, place, betas).vertices[:, chosen]

    def fast(pose: torch.Tensor) -> torch.Tensor:
        return body.points_torch(pose, place, betas)

    def with_gradient(function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        leaf = pose.clone().requires_grad_()
        function(leaf).square().sum().backward()

    lines = [f"load {load:.2f} s, {FRAMES} frames, one thread"]
    with torch.no_grad():
        slow, quick = best(lambda: whole(pose)), best(lambda: fast(pose))
    lines.append(f"forward:  whole {slow:.3f} s, 710 points {quick:.4f} s, ratio {slow / quick:.0f}")
    slow, quick = best(lambda: with_gradient(whole)), best(lambda: with_gradient(fast))
    lines.append(f"gradient: whole {slow:.3f} s, 710 points {quick:.4f} s, ratio {slow / quick:.0f}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
