"""Withheld signals and classifier-free guidance (Table 9)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from interdance import config
from interdance.config import Params
from interdance.errors import InputError
from interdance.model.denoiser import Prediction
from interdance.model.signals import Signals, draw_mask, full_mask, mask_condition

PARAMS = config.load(Path(__file__).resolve().parent.parent / "params.yaml")
BOTH = replace(PARAMS, signals=replace(PARAMS.signals, leader_dropout=0.1, music_dropout=0.1))


def denoise(x_n: Tensor, n_B: Tensor, music: Tensor, leader: Tensor) -> Prediction:
    """A linear denoiser: the sum of what it is told."""
    follower = x_n + 10 * music[..., :1] + 100 * leader[..., :1]
    return Prediction(follower, -follower)


def predict(params: Params, **sampling: object) -> float:
    ones = torch.ones(1, 1, 1)
    signals = Signals(params, replace(params.sample, **sampling))  # type: ignore[arg-type]
    prediction = signals(denoise, ones, torch.zeros(1), ones, ones)
    assert torch.equal(prediction.leader, -prediction.follower_BTC), "both halves are extrapolated"
    return float(prediction.follower_BTC)


def test_dropout_withholds_its_share_and_a_signal_not_trained_with_always() -> None:
    params = replace(PARAMS.signals, leader_dropout=0.25, music=False)
    told = draw_mask(params, 4000, torch.Generator().manual_seed(0))
    assert float(told.leader_B.float().mean()) == pytest.approx(0.75, abs=0.03)
    assert not bool(told.music_B.any())
    both = draw_mask(replace(params, music_dropout=0.25, music=True), 4000, torch.Generator().manual_seed(0))
    assert abs(np.corrcoef(both.leader_B, both.music_B)[0, 1]) < 0.05, "each signal has lots of its own"
    assert bool(full_mask(params, 3).leader_B.all())
    assert not bool(full_mask(params, 3).music_B.any())
    assert not bool(full_mask(replace(params, leader=False), 3).leader_B.any())
    frames = mask_condition(torch.ones(2, 3, 4), torch.tensor([True, False]))
    assert frames.sum(dim=(1, 2)).tolist() == [12.0, 0.0]


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ({}, 111.0),
        ({"mask": "leader"}, 11.0),
        ({"mask": "music"}, 101.0),
        ({"leader_scale": 2.0}, 211.0),
        ({"music_scale": 3.0}, 131.0),
        ({"leader_scale": 2.0, "music_scale": 0.0}, 201.0),
        ({"mask": "leader", "leader_scale": 2.0}, 11.0),
    ],
)
def test_masks_and_scales_of_a_linear_denoiser(sampling: dict[str, object], expected: float) -> None:
    assert predict(BOTH, **sampling) == pytest.approx(expected)


def test_a_model_trained_without_a_signal_is_never_told_it() -> None:
    assert predict(replace(PARAMS, signals=replace(PARAMS.signals, leader=False))) == pytest.approx(11.0)


def test_what_a_model_cannot_do_is_refused() -> None:
    for signal, other in (("music", "leader"), ("leader", "music")):
        half = replace(PARAMS, signals=replace(PARAMS.signals, **{f"{other}_dropout": 0.1}))
        with pytest.raises(InputError, match=f"signals.{signal}_dropout"):
            predict(half, **{f"{signal}_scale": 2.0})
    duet = replace(BOTH, model=replace(PARAMS.model, task="duet"))
    for wish in ({"mask": "leader"}, {"leader_scale": 2.0}):
        with pytest.raises(InputError, match="a duet model makes its own"):
            predict(duet, **wish)
