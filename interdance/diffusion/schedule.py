"""The forward process and the samplers, from diffusers (Eq. 2-3)."""

from __future__ import annotations

import math

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

from interdance.config import DiffusionParams, SampleParams
from interdance.errors import InputError

LARGEST_BETA = 0.999  # as in the cosine schedule: a step that leaves no signal at all cannot be undone

#: ``sample.sampler`` -> what diffusers calls it, and its order. Of first order, DPM-Solver++ is DDIM (Lu et al. 2022, §4) and
#: its stochastic form the posterior of Ho et al. 2020: one class is all three.
SOLVERS = {"ddim": ("dpmsolver++", 1), "ddpm": ("sde-dpmsolver++", 1), "dpm_solver": ("dpmsolver++", 2)}


def make_scheduler(params: DiffusionParams) -> DDIMScheduler:
    """The forward process: ``add_noise`` is Eq. 3 in closed form. What undoes it is made by :func:`make_sampler`.

    Our choice: ``noise_shift`` scales noise against signal at every step (Hoogeboom et al. 2023, "simple diffusion", §2.3).
    The 4978 channels say the same few things many times over, so noise that hides one channel hides nothing: without the
    shift nine steps in ten would teach the network to average noise away, and one in ten to follow the leader.
    """
    named = DDIMScheduler(num_train_timesteps=params.num_steps, beta_schedule=params.beta_schedule)
    signal = torch.sigmoid(torch.logit(named.alphas_cumprod.double()) - 2 * math.log(params.noise_shift))
    betas = 1 - signal / torch.cat([signal.new_ones(1), signal[:-1]])
    return DDIMScheduler(num_train_timesteps=params.num_steps, trained_betas=betas.clamp(max=LARGEST_BETA).float().numpy())


def make_sampler(params: DiffusionParams, sampling: SampleParams) -> DPMSolverMultistepScheduler:
    """What steps from noise to a clean sample with a network that predicts the clean sample; its steps are set.

    ``ddim`` (Song et al. 2021) and ``dpm_solver`` (DPM-Solver++ 2M, Lu et al. 2022) solve the same differential equation, to
    first and to second order, the second by the prediction of the step before; ``ddpm`` (Ho et al. 2020) adds noise at every
    step. Each ends exactly in the last prediction.

    Our choice: steps are spaced so that the first one starts from pure noise ("trailing", Lin et al. 2024). They are named
    one by one, because diffusers' own spacing rounds some numbers of steps (61, 103, ...) to one step too many.

    Raises
    ------
    InputError
        When there are to be more steps than the model was trained on, or none.
    """
    if not 1 <= sampling.steps <= params.num_steps:
        raise InputError(f"sample.steps: {sampling.steps} is not in 1..{params.num_steps} (diffusion.num_steps of the model)")
    algorithm, order = SOLVERS[sampling.sampler]
    scheduler = DPMSolverMultistepScheduler(
        num_train_timesteps=params.num_steps,
        trained_betas=make_scheduler(params).betas.numpy(),
        prediction_type="sample",
        algorithm_type=algorithm,
        solver_order=order,
        solver_type="midpoint",
        final_sigmas_type="zero",
    )
    stride = params.num_steps / sampling.steps
    scheduler.set_timesteps(timesteps=[round(params.num_steps - index * stride) - 1 for index in range(sampling.steps)])
    return scheduler
