"""Which signals the denoiser is told: withheld in training or at test time (Table 9), or followed more than by itself.

A signal that is withheld is zero once normalised, as in the paper (Appendix D): an average leader, average music.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from interdance.config import Params, SampleParams, SignalParams
from interdance.errors import InputError
from interdance.model.denoiser import Prediction


class Denoise(Protocol):
    """The denoiser's own signature."""

    def __call__(self, x_n_BTC: Tensor, n_B: Tensor, music_BTA: Tensor, leader_BTC: Tensor) -> Prediction: ...


class Told(NamedTuple):
    """What each sample of a batch is told, boolean (B,) each."""

    leader_B: Tensor
    music_B: Tensor


def draw_told(params: SignalParams, batch: int, generator: torch.Generator) -> Told:
    """Lots for a training batch: a signal that is trained with is left out in its share of the windows."""
    shares = (params.leader_dropout, params.music_dropout)
    leader, music = (torch.rand(batch, generator=generator) >= share for share in shares)
    return Told(leader & params.leader, music & params.music)


def told_always(params: SignalParams, batch: int) -> Told:
    """Everything that the model is trained with, for every sample."""
    return Told(torch.full((batch,), params.leader), torch.full((batch,), params.music))


def withhold(values_BTX: Tensor, told_B: Tensor) -> Tensor:
    """Normalised frames, zero where a sample is not told them."""
    return values_BTX * told_B.to(values_BTX)[:, None, None]


class Signals:
    """The signals of a model at test time: what is masked, and classifier-free guidance (Ho & Salimans 2022).

    ``x = f(l, m) + (s_l - 1) (f(l, m) - f(0, m)) + (s_m - 1) (f(l, m) - f(l, 0))``: each scale says how much farther than
    the model by itself its signal pulls the prediction; a scale of 1 costs no evaluation. Our choice: the paper has none.

    Parameters
    ----------
    params
        Of the trained model.
    sampling
        ``mask``, ``leader_scale`` and ``music_scale`` are used.

    Raises
    ------
    InputError
        When the model never learned to do without a signal whose scale is not 1, or the leader of a duet, which is
        generated, is to be masked or scaled.
    """

    def __init__(self, params: Params, sampling: SampleParams) -> None:
        trained = params.signals
        if params.model.task == "duet" and (sampling.mask == "leader" or sampling.leader_scale != 1):
            raise InputError("sample: mask: leader and leader_scale need a given leader; a duet model makes its own")
        self.leader = trained.leader and sampling.mask != "leader"
        self.music = trained.music and sampling.mask != "music"
        self.leader_scale = sampling.leader_scale if self.leader else 1.0
        self.music_scale = sampling.music_scale if self.music else 1.0
        for name, scale, dropout in (
            ("leader", self.leader_scale, trained.leader_dropout),
            ("music", self.music_scale, trained.music_dropout),
        ):
            if scale != 1 and dropout == 0:
                raise InputError(
                    f"sample.{name}_scale: {scale:g} needs a model trained with signals.{name}_dropout above 0; "
                    "set it to 1 or train anew"
                )

    def __call__(self, denoise: Denoise, x_n_BTC: Tensor, n_B: Tensor, music_BTA: Tensor, leader_BTC: Tensor) -> Prediction:
        """Predict from what may be told; arguments as for the denoiser. The leader's half is never extrapolated."""
        leader = leader_BTC if self.leader else torch.zeros_like(leader_BTC)
        music = music_BTA if self.music else torch.zeros_like(music_BTA)
        told = denoise(x_n_BTC, n_B, music, leader)
        follower = told.follower_BTC
        if self.leader_scale != 1:
            without = denoise(x_n_BTC, n_B, music, torch.zeros_like(leader)).follower_BTC
            follower = follower + (self.leader_scale - 1) * (told.follower_BTC - without)
        if self.music_scale != 1:
            without = denoise(x_n_BTC, n_B, torch.zeros_like(music), leader).follower_BTC
            follower = follower + (self.music_scale - 1) * (told.follower_BTC - without)
        return Prediction(follower, told.leader)
