"""What each representation costs: `python benchmarks/representations.py`.

A couple of moving bodies is encoded in every representation, and a step of training (network, losses, backward, optimizer)
is taken at the size of params.yaml, with one thread, in the process's own time, each in a process of its own. Printed are
channels, parameters (those that training changes at the small size: the projections stay as they start), the time of a
step and the peak memory on top of the loaded program, both as ratios to the canonical representation in this run, and
frames a second of encoding and of completing the whole body.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks.train import peak_memory  # noqa: E402
from interdance import config  # noqa: E402
from interdance.body.model import Body  # noqa: E402
from interdance.diffusion.schedule import make_scheduler  # noqa: E402
from interdance.generation.long import Windows  # noqa: E402
from interdance.representation.base import Observed  # noqa: E402
from interdance.representation.contact import foot_contact, partner_contacts  # noqa: E402
from interdance.representation.normalize import Statistics, measure, measure_music  # noqa: E402
from interdance.representation.registry import REPRESENTATIONS, make_representation  # noqa: E402
from interdance.takes import Motion  # noqa: E402
from interdance.trained import start_denoiser  # noqa: E402
from interdance.training.objective import loss_terms, total_loss  # noqa: E402
from interdance.training.train import make_optimizer  # noqa: E402


def dance(seed: int, num_frames: int) -> Motion:
    """A dancer who turns, travels, and bends every joint smoothly."""
    rng = np.random.default_rng(seed)
    time_T11 = np.linspace(0, num_frames / 100, num_frames)[:, None, None]
    bend = 0.15 * rng.normal(size=(1, 55, 3)) + 0.15 * np.sin(2 * np.pi * (time_T11 + rng.random((1, 55, 3))))
    rotations = np.clip(bend, -0.5, 0.5).astype(np.float32)
    rotations[:, 0] = [0.0, 1.0, 0.0] * time_T11[:, :, 0]
    place = np.stack([0.1 * time_T11[:, 0, 0], np.full(num_frames, 0.95), np.full(num_frames, 0.4 * seed)], axis=1)
    return Motion(rotations, place.astype(np.float32), np.zeros(10, np.float32), 30.0)


def measure_one(name: str, params: config.Params, rounds: int) -> dict[str, float]:
    """Figures of one representation, in this process."""
    body = Body.load()
    kind = make_representation(name, body)
    size, window = params.train.batch, params.train.window
    motions = [dance(seed, size * window) for seed in (0, 1)]
    points = [body.points(motion) for motion in motions]
    touching = partner_contacts(points[0], points[1], params.encode.partner_distance)
    couple = [
        Observed(motion, its, foot_contact(its, 30.0, 0.05, 0.25), touched)
        for motion, its, touched in zip(motions, points, touching, strict=True)
    ]
    start = time.process_time()
    leader, follower = (torch.from_numpy(kind.encode(dancer)) for dancer in couple)
    encoding = 2 * len(leader) / (time.process_time() - start)
    start = time.process_time()
    kind.complete(follower[:300])
    completing = 300 / (time.process_time() - start)

    clips = [[kind.clip(x, at, at + window) for at in range(0, len(x), window)] for x in (leader, follower)]
    settings = params.statistics
    generator = torch.Generator().manual_seed(0)
    halves = [
        measure(half, kind.layout, settings.least_std, settings.root_gain, settings.num_components, window, generator)
        for half in clips
    ]
    music = torch.randn(size, window, 35, generator=generator)
    statistics = Statistics(halves[0], halves[1], measure_music(music, settings.least_std))
    windows = Windows(kind, len(leader), statistics, window=window, overlap=0)
    windows.follow(leader)
    contact = windows.cut(leader[:, kind.layout["partner_contact"]])
    batch = {"leader": windows.split(leader, "leader"), "follower": windows.split(follower, "follower"), "music": music}
    batch |= {"leader_contact": contact}
    denoiser = start_denoiser(params, kind, statistics)
    optimizer = make_optimizer(denoiser, params.train)
    n_B = torch.linspace(0, params.diffusion.num_steps - 1, size).long()
    noise = torch.randn(batch["follower"].shape, generator=generator)
    x_n = make_scheduler(params.diffusion).add_noise(batch["follower"], noise, n_B)
    before = peak_memory("cpu")
    seconds = []
    for _ in range(rounds + 1):
        start = time.process_time()
        prediction = denoiser(x_n, n_B, music, batch["leader"])
        terms = loss_terms(prediction, batch, n_B, statistics, kind, params.losses, "reactive")
        optimizer.zero_grad(set_to_none=True)
        total_loss(terms, params.losses).backward()
        optimizer.step()
        seconds.append(time.process_time() - start)
    every = [parameter for parameter in denoiser.parameters()]
    return {
        "channels": kind.width,
        "parameters": sum(parameter.numel() for parameter in every),
        "learned": sum(parameter.numel() for parameter in every if parameter.requires_grad),
        "seconds": float(np.median(seconds[1:])),
        "bytes": peak_memory("cpu") - before,
        "encoding": encoding,
        "completing": completing,
    }


def main() -> None:
    """Measure every representation and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="timed steps of each")
    parser.add_argument("--batch", type=int, help="instead of params.yaml's")
    parser.add_argument("--alone", choices=REPRESENTATIONS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    params = config.load(REPOSITORY / "params.yaml")
    if arguments.batch:
        params = replace(params, train=replace(params.train, batch=arguments.batch))
    torch.set_num_threads(1)
    if arguments.alone:
        print(json.dumps(measure_one(arguments.alone, params, arguments.rounds)))
        return
    heads = ("channels", "parameters", "learned", "step", "memory", "encodes/s", "completes/s")
    print(f"{'':16s}" + "".join(f"{head:>12s}" for head in heads))
    base: dict[str, float] | None = None
    for name in REPRESENTATIONS:
        command = [sys.executable, __file__, "--alone", name, "--rounds", str(arguments.rounds)]
        command += ["--batch", str(params.train.batch)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
        base = base or found
        row = [f"{found['channels']:.0f}", f"{found['parameters'] / 1e6:.2f} M", f"{found['learned'] / 1e6:.2f} M"]
        row += [f"{found[key] / base[key]:.2f}" for key in ("seconds", "bytes")]
        row += [f"{found[key]:.0f}" for key in ("encoding", "completing")]
        print(f"{name:16s}" + "".join(f"{value:>12s}" for value in row), flush=True)
    print(f"canonical: {base['seconds']:.2f} s a step, {base['bytes'] / 1e9:.2f} GB" if base else "")


if __name__ == "__main__":
    main()
