"""The forward process and the sampler, from diffusers (Eq. 2-3)."""

from __future__ import annotations

from diffusers import DDIMScheduler

from interdance.config import DiffusionParams


def make_scheduler(params: DiffusionParams) -> DDIMScheduler:
    """A scheduler for a network that predicts the clean sample; its ``add_noise`` is Eq. 3 in closed form.

    Our choice: DDIM (Song et al. 2021), deterministic, ending exactly in the last prediction; steps are spaced so that
    the first one starts from pure noise ("trailing", Lin et al. 2024).
    """
    return DDIMScheduler(
        num_train_timesteps=params.num_steps,
        beta_schedule=params.beta_schedule,
        prediction_type="sample",
        timestep_spacing="trailing",
        clip_sample=False,
    )
