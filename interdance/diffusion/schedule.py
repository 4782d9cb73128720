"""The forward process and the sampler, from diffusers (Eq. 2-3)."""

from __future__ import annotations

import math

import torch
from diffusers import DDIMScheduler

from interdance.config import DiffusionParams

LARGEST_BETA = 0.999  # as in the cosine schedule: a step that leaves no signal at all cannot be undone


def make_scheduler(params: DiffusionParams) -> DDIMScheduler:
    """A scheduler for a network that predicts the clean sample; its ``add_noise`` is Eq. 3 in closed form.

    Our choice: DDIM (Song et al. 2021), deterministic, ending exactly in the last prediction; steps are spaced so that
    the first one starts from pure noise ("trailing", Lin et al. 2024).

    Our choice: ``noise_shift`` scales noise against signal at every step (Hoogeboom et al. 2023, "simple diffusion", §2.3).
    The 4978 channels say the same few things many times over, so noise that hides one channel hides nothing: without the
    shift nine steps in ten would teach the network to average noise away, and one in ten to follow the leader.
    """
    named = DDIMScheduler(num_train_timesteps=params.num_steps, beta_schedule=params.beta_schedule)
    signal = torch.sigmoid(torch.logit(named.alphas_cumprod.double()) - 2 * math.log(params.noise_shift))
    betas = 1 - signal / torch.cat([signal.new_ones(1), signal[:-1]])
    return DDIMScheduler(
        num_train_timesteps=params.num_steps,
        trained_betas=betas.clamp(max=LARGEST_BETA).float().numpy(),
        prediction_type="sample",
        timestep_spacing="trailing",
        clip_sample=False,
    )
