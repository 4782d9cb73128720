"""The sampling loop: predict, refine, step, from noise to motion."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import DPMSolverMultistepScheduler
from torch import Tensor

Denoise = Callable[[Tensor, int], Tensor]
Refine = Callable[[Tensor, int], Tensor]
Draw = Callable[[], Tensor]


@torch.no_grad()
def sample(
    denoise: Denoise,
    scheduler: DPMSolverMultistepScheduler,
    draw: Draw,
    *,
    refine: Refine,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Tensor:
    """Run the reverse process.

    Parameters
    ----------
    denoise
        ``denoise(x_n, n)`` predicts the clean sample.
    scheduler
        From :func:`interdance.diffusion.schedule.make_sampler`. It remembers predictions: each serves one call.
    draw
        Standard normal noise: called for x_N, and once more at every step of a sampler that adds noise.
    refine
        ``refine(x0, n)`` returns the refined prediction: guidance, overlaps that must agree, kept frames. The sampler steps
        along the refined one.
    report
        Called with steps done and steps in all.
    """
    is_random = scheduler.config.algorithm_type.startswith("sde")
    steps = scheduler.timesteps.tolist()
    x_n = draw()
    for done, n in enumerate(steps, start=1):
        x0 = refine(denoise(x_n, n), n)
        x_n = scheduler.step(x0, n, x_n, variance_noise=draw() if is_random else None).prev_sample
        report(done, len(steps))
    return x_n
