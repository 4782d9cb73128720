"""A take of any length as overlapping windows that are denoised side by side and agree wherever they overlap."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from interdance.diffusion.guidance import smooth
from interdance.representation.canonical import FloorTransform, clip, leader_frame, on_yaw_branch, rebase
from interdance.representation.layout import INTEGRATED, LAYOUT
from interdance.representation.normalize import Statistics

YAW = LAYOUT["root_yaw"].start


class Windows:
    """Cuts a take into windows in their leaders' frames, and joins windows into a take in the world.

    Parameters
    ----------
    leader_TC
        The leader of the whole take, un-normalised, in the world.
    statistics
        Of the training set.
    window, overlap
        Frames. A take shorter than a window is one window.
    """

    def __init__(self, leader_TC: Tensor, statistics: Statistics, *, window: int, overlap: int) -> None:
        num_frames = len(leader_TC)
        if not 0 <= overlap < window:
            raise ValueError(f"overlap {overlap} must be at least 0 and less than window {window}")
        self.num_frames = num_frames
        self.window = min(window, num_frames)
        self.statistics = statistics
        last = num_frames - self.window
        self.starts = [*range(0, last, max(1, window - overlap)), last]
        clips_WTC = torch.stack([clip(leader_TC, start, start + self.window) for start in self.starts])
        self.to_clip: FloorTransform = leader_frame(clips_WTC)
        self.to_world: FloorTransform = self.to_clip.inverse()
        self.leader_WTC = statistics.leader.normalise(rebase(clips_WTC, self.to_clip))
        ramp = torch.arange(1, self.window + 1).clamp(max=overlap + 1)
        weight_T = torch.minimum(ramp, ramp.flip(0)).to(leader_TC)
        total = torch.zeros(num_frames).to(leader_TC)
        for start in self.starts:
            total[start : start + self.window] += weight_T
        self.weights_WT = torch.stack([weight_T / total[s : s + self.window] for s in self.starts])

    def __len__(self) -> int:
        return len(self.starts)

    def cut(self, values_TX: Tensor) -> Tensor:
        """Plain windows (W, window, ...) of anything that knows no place, such as music or noise."""
        return torch.stack([values_TX[start : start + self.window] for start in self.starts])

    def join(self, values_WTX: Tensor) -> Tensor:
        """Weighted mean of overlapping plain windows, (T, X)."""
        result = values_WTX.new_zeros(self.num_frames, values_WTX.shape[-1])
        for start, weight_T, values in zip(self.starts, self.weights_WT, values_WTX, strict=True):
            result[start : start + self.window] += weight_T[:, None] * values
        return result

    def split_follower(self, x_TC: Tensor) -> Tensor:
        """A follower in the world, un-normalised, as normalised windows in their leaders' frames (W, window, C)."""
        clips = torch.stack([clip(x_TC, start, start + self.window) for start in self.starts])
        return self.statistics.follower.normalise(on_yaw_branch(rebase(clips, self.to_clip)))

    def merge_follower(self, x_WTC: Tensor, smoothing: float = 0.0) -> Tensor:
        """Normalised follower windows as one follower in the world, un-normalised (T, C).

        Where windows overlap they are cross-faded: places and yaws in the world, canonical channels as they are.
        ``smoothing`` is the deviation, in frames, of a Gaussian along time over the merged take; 0 leaves it as it is.
        """
        world = rebase(self.statistics.follower.unnormalise(x_WTC), self.to_world)
        # Each window knows its yaw up to whole turns (pi of the half angle): continue the one before.
        for index in range(1, len(self.starts)):
            shift = self.starts[index] - self.starts[index - 1]
            shared = self.window - shift
            if shared <= 0:
                gap = world[index - 1, -1:, YAW] - world[index, :1, YAW]
            else:
                gap = world[index - 1, shift:, YAW] - world[index, :shared, YAW]
            world[index, :, YAW] += math.pi * torch.round(gap.mean() / math.pi)
        merged = smooth(self.join(world), smoothing)
        channels = [YAW, LAYOUT["root_position"].start, LAYOUT["root_position"].start + 2]
        merged[0, INTEGRATED] = merged[0, channels]
        merged[1:, INTEGRATED] = merged[:, channels].diff(dim=0)
        return merged
