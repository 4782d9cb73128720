"""Which signals the denoiser is told: withheld in training or at test time (Table 9), or followed more than by itself.

A signal that is withheld is zero once normalised, as in the paper (Appendix D): an average leader, average music.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from interdance.config import Params, Recipe, SampleParams, SignalParams
from interdance.errors import InputError
from interdance.model.denoiser import Prediction


class ConditionMask(NamedTuple):
    """Which samples of a batch are told which signal, boolean (B,) each."""

    leader_B: Tensor
    music_B: Tensor


def check_signals(params: Params) -> None:
    """Raise :class:`InputError` for a dropout that is no share, or a leader withheld in a duet, where he is generated."""
    signals = params.signals
    for name, share in (("leader", signals.leader_dropout), ("music", signals.music_dropout)):
        if not 0 <= share < 1:
            raise InputError(f"signals.{name}_dropout: {share:g} is no share of the windows; 0 or more, less than 1, is needed")
    if params.model.task == "duet" and not (signals.leader and signals.leader_dropout == 0):
        raise InputError("signals: a duet's leader is generated and cannot be withheld; set leader: true, leader_dropout: 0")


def draw_mask(params: SignalParams, batch: int, generator: torch.Generator) -> ConditionMask:
    """Lots for a training batch of ``batch`` samples: a signal that is trained with is left out of its share of them."""
    shares = (params.leader_dropout, params.music_dropout)
    leader, music = (torch.rand(batch, generator=generator) >= share for share in shares)
    return ConditionMask(leader & params.leader, music & params.music)


def full_mask(params: SignalParams, batch: int) -> ConditionMask:
    """Everything that the model is trained with, for each of ``batch`` samples."""
    return ConditionMask(torch.full((batch,), params.leader), torch.full((batch,), params.music))


def mask_condition(values_BTX: Tensor, mask_B: Tensor) -> Tensor:
    """Normalised frames (B, T, X), zero where a sample is not told them."""
    return values_BTX * mask_B.to(values_BTX)[:, None, None]


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

    def __init__(self, params: Recipe, sampling: SampleParams) -> None:
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

    def __call__(
        self, denoiser: Callable[..., Prediction], x_n_BTC: Tensor, n_B: Tensor, music_BTA: Tensor, leader_BTC: Tensor
    ) -> Prediction:
        """Predict both halves of the answer from what may be told; arguments after the first are the denoiser's."""
        leader = leader_BTC if self.leader else torch.zeros_like(leader_BTC)
        music = music_BTA if self.music else torch.zeros_like(music_BTA)
        told = result = denoiser(x_n_BTC, n_B, music, leader)
        for scale, without in (
            (self.leader_scale, (music, torch.zeros_like(leader))),
            (self.music_scale, (torch.zeros_like(music), leader)),
        ):
            if scale != 1:
                untold = denoiser(x_n_BTC, n_B, *without)
                pairs = zip(result, told, untold, strict=True)
                result = Prediction(*(value + (scale - 1) * (with_it - less) for value, with_it, less in pairs))
        return result
