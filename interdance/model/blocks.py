"""The interactive decoder block (Appendix C, Fig. 9): two transformer branches that look at each other."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def rotary(x_BHTE: Tensor) -> Tensor:
    """Turn each pair of head channels by an angle that grows with time, so that attention sees time differences.

    ``x_BHTE`` is (batch, heads, frames, head width), the head width even. Su et al. 2021, "RoFormer", Eq. 34. Our choice:
    the paper does not say how its transformer knows the order of frames; rotary positions work for windows of any length.
    """
    num_frames, width = x_BHTE.shape[-2:]
    frequency = torch.exp(torch.arange(0, width, 2, device=x_BHTE.device) * (-math.log(10_000.0) / width))
    angle_TF = torch.arange(num_frames, device=x_BHTE.device)[:, None] * frequency
    cos, sin = angle_TF.cos().to(x_BHTE.dtype), angle_TF.sin().to(x_BHTE.dtype)
    even, odd = x_BHTE[..., 0::2], x_BHTE[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


def modulation(width: int, parts: int) -> nn.Sequential:
    """``parts`` shifts, scales or gates of ``width`` channels from an embedding, all zero to begin with."""
    linear = nn.Linear(width, parts * width)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return nn.Sequential(nn.SiLU(), linear)


class Attention(nn.Module):
    """Multi-head attention of frames ``x_BTD`` over frames ``context_BSD`` (itself, for self-attention)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        if width % (2 * heads):
            raise ValueError(f"width {width} must be a multiple of twice the number of heads ({heads})")
        self.heads = heads
        self.dropout = dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x_BTD: Tensor, context_BSD: Tensor, frames_BS: Tensor | None = None) -> Tensor:
        """Return the attended values (B, T, D); only frames of the context that are True in ``frames_BS`` are looked at."""
        seen = None if frames_BS is None else frames_BS[:, None, None]
        query = self._split(self.query(x_BTD))
        key, value = (self._split(part) for part in self.key_value(context_BSD).chunk(2, dim=-1))
        out_BHTE = F.scaled_dot_product_attention(
            rotary(query), rotary(key), value, attn_mask=seen, dropout_p=self.dropout if self.training else 0.0
        )
        return self.out(out_BHTE.transpose(1, 2).flatten(2))

    def _split(self, x_BTD: Tensor) -> Tensor:
        return x_BTD.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Branch(nn.Module):
    """One dancer's half of a block: self-attention, cross-attention to the partner, feed-forward.

    Every sub-layer has an adaptive layer norm driven by ``emb`` (diffusion step + music of the frame), and a gate that
    starts at zero, so that a new block is the identity (Peebles & Xie 2023, "DiT", adaLN-Zero).
    """

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = modulation(width, 9)
        self.self_attention = Attention(width, heads, dropout)
        self.cross_attention = Attention(width, heads, dropout)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward), nn.GELU(), nn.Dropout(dropout), nn.Linear(feed_forward, width)
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, x_BTD: Tensor, partner_BTD: Tensor, emb_BTD: Tensor, frames_BT: Tensor | None = None) -> Tensor:
        """Return the dancer's new state; ``partner_BTD`` is the partner's state before this block."""
        shift1, scale1, gate1, shift2, scale2, gate2, shift3, scale3, gate3 = self.modulation(emb_BTD).chunk(9, dim=-1)
        h = self.norm(x_BTD) * (1 + scale1) + shift1
        x_BTD = x_BTD + gate1 * self.drop(self.self_attention(h, h, frames_BT))
        h = self.norm(x_BTD) * (1 + scale2) + shift2
        x_BTD = x_BTD + gate2 * self.drop(self.cross_attention(h, self.norm(partner_BTD), frames_BT))
        h = self.norm(x_BTD) * (1 + scale3) + shift3
        return x_BTD + gate3 * self.drop(self.feed_forward(h))


class InteractiveBlock(nn.Module):
    """Leader's and follower's branches side by side; each attends to the other's state from before the block."""

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.leader = Branch(width, heads, feed_forward, dropout)
        self.follower = Branch(width, heads, feed_forward, dropout)

    def forward(
        self, leader_BTD: Tensor, follower_BTD: Tensor, emb_BTD: Tensor, frames_BT: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return both dancers' new states, leader first; ``frames_BT`` as for :class:`Denoiser`."""
        return (
            self.leader(leader_BTD, follower_BTD, emb_BTD, frames_BT),
            self.follower(follower_BTD, leader_BTD, emb_BTD, frames_BT),
        )
