"""Everything that wants a GPU, checked and timed in one call of under ten minutes: `python benchmarks/gpu.py`.

Prints, for each part, the largest difference between GPU and CPU and the ratio of their times. Without a GPU it says so and
ends. It needs no data: dancers are synthetic points.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from interdance import config  # noqa: E402
from interdance.body.distance import LeaderField  # noqa: E402
from interdance.body.model import Body  # noqa: E402
from interdance.diffusion.schedule import make_scheduler  # noqa: E402
from interdance.representation.canonical import Canonical, decode  # noqa: E402
from interdance.representation.layout import NUM_CHANNELS, NUM_JOINTS, NUM_POINTS  # noqa: E402
from interdance.takes import Motion  # noqa: E402
from interdance.trained import make_denoiser  # noqa: E402
from interdance.workspace import kill_group  # noqa: E402

TRAINING_SECONDS = 300


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall time of ``work``, the device's queue drained before and after."""
    times = []
    for _ in range(repeats + 1):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))


def row(name: str, error: float, cpu: float, gpu: float) -> None:
    """Print one line of the table."""
    sys.stdout.write(f"{name:<34} max difference {error:9.2e}   CPU {cpu:8.4f} s   GPU {gpu:8.4f} s   ratio {cpu / gpu:7.1f}\n")


def main() -> None:
    """Run every part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", default="cuda", help="another device, to try the script itself")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.stdout.write("no GPU here: nothing to check\n")
        return
    device, frames, batch = arguments.device, arguments.frames, arguments.batch
    generator = torch.Generator().manual_seed(0)
    params = config.load(REPOSITORY / "params.yaml")
    body = Body.load()

    # The body.
    rotations = 0.2 * torch.randn(frames, NUM_JOINTS, 3, generator=generator)
    motion = Motion(rotations.numpy(), np.zeros((frames, 3), np.float32), np.zeros(10, np.float32), 30.0)
    points = body.points(motion)
    error = float(np.abs(points - body.points(motion, device=device)).max())
    row("body, 710 points", error, *(seconds(lambda d=d: body.points(motion, device=d), 3) for d in ("cpu", device)))

    # Signed distance of the follower's points to the leader.
    surface = np.ascontiguousarray(points[:, NUM_JOINTS:])
    asked = [
        (LeaderField(surface, body.surface_faces, device=d), (torch.from_numpy(points) + 0.05).to(d)) for d in ("cpu", device)
    ]
    depths = [field.signed_depth(query).cpu() for field, query in asked]
    error = float((depths[0] - depths[1]).abs().max())
    row("signed distance", error, *(seconds(lambda f=f, q=q: f.signed_depth(q), 3) for f, q in asked))

    # One training step of the network, at the size of params.yaml and at the paper's.
    sizes = {"small": params.model, "paper": config.load(REPOSITORY / "params.yaml", REPOSITORY / "configs/paper.yaml").model}
    scheduler = make_scheduler(params.diffusion)
    x, leader = (torch.randn(batch, frames, NUM_CHANNELS, generator=generator) for _ in range(2))
    music, n = torch.randn(batch, frames, 35, generator=generator), torch.randint(0, 1000, (batch,), generator=generator)
    for name, size in sizes.items():
        torch.manual_seed(0)
        network = make_denoiser(replace(size, dropout=0.0), Canonical(body.anchor_P), 35)
        outputs, times = {}, {}
        for d in ("cpu", device):
            network.to(d)
            inputs = [value.to(d) for value in (x, n, music, leader)]

            def step(network: torch.nn.Module = network, inputs: list[torch.Tensor] = inputs) -> torch.Tensor:
                noised = scheduler.add_noise(inputs[0], inputs[0].flip(0), inputs[1])
                out = network(noised, *inputs[1:]).follower_BTC
                decode(out, body.anchor_P).square().mean().backward()
                return out

            outputs[d] = step().detach().cpu()
            times[d] = seconds(step, 1 if d == "cpu" else 5)
        row(f"network step, {name}", float((outputs["cpu"] - outputs[device]).abs().max()), times["cpu"], times[device])
        if device == "cuda":
            memory = torch.cuda.max_memory_allocated() / 2**30
            sys.stdout.write(f"{'':<34} {memory:.2f} GiB at batch {batch}, {frames} frames\n")
    sys.stdout.write(f"{NUM_POINTS} points, {frames} frames; ratios above 1: the GPU is faster\n\n")
    training_step(device)


def training_step(device: str) -> None:
    """What a whole training step costs: `benchmarks/train.py` at the paper's size, in a process of its own."""
    size = "base" if device == "cuda" else "small"
    command = [sys.executable, str(REPOSITORY / "benchmarks/train.py"), "--size", size, "--device", device, "--factors", "2"]
    sys.stdout.flush()
    with subprocess.Popen(command, start_new_session=True) as process:  # it starts others, which must end with it
        try:
            code = process.wait(TRAINING_SECONDS)
        except subprocess.TimeoutExpired:
            kill_group(process)
            code = f"not through after {TRAINING_SECONDS} s"
    if code:
        sys.stdout.write(f"the training step failed ({code}); run benchmarks/train.py by itself\n")


if __name__ == "__main__":
    main()
