"""The network f(x_n, n, music, leader) that predicts the clean sample (Eq. 4)."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from interdance.model.blocks import InteractiveBlock, modulation


class Prediction(NamedTuple):
    """What the denoiser returns.

    ``follower_BTC`` is the clean follower, normalised. ``leader`` is the clean leader (B, T, C) in the duet task; in the
    reactive task, where the leader is given, it is the leader's contact labels (B, T, P) in 0..1: nobody knows them
    before there is a follower, and guidance needs them (Eq. 7). P is 0 for a representation without labels.
    """

    follower_BTC: Tensor
    leader: Tensor


class Denoiser(nn.Module):
    """Two streams of frames through interactive decoder blocks (METHOD.md §4).

    Parameters
    ----------
    channels
        C, channels of the motion representation of one dancer.
    labels
        P, points of the leader that carry a contact label; may be 0.
    music_channels
        A, channels of the music features.
    task
        ``reactive``: the leader is given clean, the follower comes out. ``duet``: both go in noised and come out clean
        (Eq. 11). The network is the same but for the leader's head.
    width, blocks, heads, feed_forward, dropout
        Sizes; METHOD.md §4 lists the paper's.
    """

    def __init__(
        self,
        *,
        channels: int,
        labels: int,
        music_channels: int,
        task: Literal["reactive", "duet"],
        width: int,
        blocks: int,
        heads: int,
        feed_forward: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.task = task
        self.width = width
        self.leader_in = nn.Linear(channels, width)
        self.follower_in = nn.Linear(channels, width)
        self.music_in = nn.Sequential(nn.Linear(music_channels, width), nn.SiLU(), nn.Linear(width, width))
        self.step_in = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(InteractiveBlock(width, heads, feed_forward, dropout) for _ in range(blocks))
        # Scale and shift by diffusion step: how much of the noised sample to believe differs from step to step.
        self.final = modulation(width, 4)
        self.follower_out = nn.Linear(width, channels)
        answers = channels if task == "duet" else labels
        self.leader_out = nn.Linear(width, answers) if answers else None
        for head in (self.follower_out, self.leader_out):
            if head is not None:
                nn.init.zeros_(head.bias)

    def projections(self) -> list[nn.Linear]:
        """The layers between channels and width, which :meth:`start_from_components` sets."""
        layers = [self.leader_in, self.follower_in, self.follower_out]
        return [*layers, self.leader_out] if self.task == "duet" and self.leader_out is not None else layers

    @torch.no_grad()
    def start_from_components(self, leader_DC: Tensor, follower_DC: Tensor) -> None:
        """Set the projections between channels and width from principal components of the training set.

        The 4978 channels hold a body of some hundred degrees of freedom. Our choice: the width starts as its principal
        coordinates, scaled to unit variance, instead of as a random mixture, so that training is about the dance.
        ``leader_DC`` and ``follower_DC`` are components times the standard deviation along each, most important first;
        missing rows (fewer components than width) keep their random start.
        """
        for layer, components in ((self.leader_in, leader_DC), (self.follower_in, follower_DC)):
            rows = min(len(components), self.width)
            # Wiener gain for unit noise: components weaker than the noise are not amplified.
            variance = components[:rows].square().sum(1, keepdim=True)
            layer.weight[:rows] = components[:rows] / (variance + 1.0)
            layer.bias.zero_()
        outputs = [(self.follower_out, follower_DC)]
        if self.task == "duet" and self.leader_out is not None:
            outputs.append((self.leader_out, leader_DC))
        for layer, components in outputs:
            rows = min(len(components), self.width)
            layer.weight[:, :rows] = components[:rows].T
            layer.weight[:, rows:] = 0.0

    def forward(
        self, x_n_BTC: Tensor, n_B: Tensor, music_BTA: Tensor, leader_BTC: Tensor, frames_BT: Tensor | None = None
    ) -> Prediction:
        """Predict the clean sample.

        Parameters
        ----------
        x_n_BTC
            Follower noised to step ``n``, normalised.
        n_B
            Diffusion step of each sample, 0..N-1, integer.
        music_BTA
            Music features, normalised.
        leader_BTC
            Leader, normalised: clean in the reactive task, noised to the same step in the duet task.
        frames_BT
            Boolean, False for the frames that fill up a shorter clip: no frame looks at them, and what is predicted for
            them means nothing. None: every frame is one.
        """
        emb_BTD = self.music_in(music_BTA) + self.step_in(step_embedding(n_B, self.width))[:, None]
        leader_BTD = self.leader_in(leader_BTC)
        follower_BTD = self.follower_in(x_n_BTC)
        for block in self.blocks:
            leader_BTD, follower_BTD = block(leader_BTD, follower_BTD, emb_BTD, frames_BT)
        scale_f, shift_f, scale_l, shift_l = self.final(emb_BTD).chunk(4, dim=-1)
        follower_BTD = follower_BTD * (1 + scale_f) + shift_f
        leader_BTD = leader_BTD * (1 + scale_l) + shift_l
        # Places are metres times large weights: the heads are never rounded to half precision.
        with torch.autocast(x_n_BTC.device.type, enabled=False):
            follower_BTC = self.follower_out(follower_BTD.float())
            if self.leader_out is None:
                return Prediction(follower_BTC, follower_BTC.new_zeros(*follower_BTC.shape[:2], 0))
            return Prediction(follower_BTC, self.leader_out(leader_BTD.float()))


def step_embedding(n_B: Tensor, width: int) -> Tensor:
    """Sines and cosines of the diffusion step, (B, width); Ho et al. 2020, as in the transformer's positions."""
    half = width // 2
    frequency = torch.exp(torch.arange(half, device=n_B.device) * (-math.log(10_000.0) / half))
    angle = n_B[:, None].float() * frequency
    return torch.cat((angle.cos(), angle.sin()), dim=-1)
