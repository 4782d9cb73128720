"""The sampling loop: predict, refine, step, from noise to motion."""

from __future__ import annotations

from collections.abc import Callable

import torch
from diffusers import DDIMScheduler
from torch import Tensor

Denoise = Callable[[Tensor, int], Tensor]
Refine = Callable[[Tensor, int], Tensor]


@torch.no_grad()
def sample(
    denoise: Denoise,
    scheduler: DDIMScheduler,
    noise: Tensor,
    *,
    num_steps: int,
    refine: Refine,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Tensor:
    """Run the reverse process.

    Parameters
    ----------
    denoise
        ``denoise(x_n, n)`` predicts the clean sample.
    scheduler
        From :func:`interdance.diffusion.schedule.make_scheduler`.
    noise
        x_N, standard normal.
    num_steps
        Steps of the reverse process.
    refine
        ``refine(x0, n)`` returns the refined prediction: guidance, overlaps that must agree, kept frames.
    report
        Called with steps done and steps in all.
    """
    scheduler.set_timesteps(num_steps)
    x_n = noise
    for index, n in enumerate(scheduler.timesteps.tolist()):
        x0 = refine(denoise(x_n, n), n)
        x_n = scheduler.step(x0, n, x_n).prev_sample
        report(index + 1, num_steps)
    return x_n
