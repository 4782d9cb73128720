"""A take of any length: blocks one after the other, each as overlapping windows that are denoised side by side and agree."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from interdance.config import SampleParams
from interdance.diffusion.guidance import smooth
from interdance.errors import InputError
from interdance.representation.base import Representation
from interdance.representation.floor import FloorTransform
from interdance.representation.normalize import Statistics

Role = Literal["leader", "follower"]


def blocks(num_frames: int, sampling: SampleParams) -> list[tuple[int, int]]:
    """First frame and the one after the last of the blocks of a take: what sampling takes in memory is that of one block.

    Our choice: the last ``overlap`` frames of a block, whose windows knew nothing of what follows, are made anew by the next
    one; it knows the ``window`` frames before them as they were made, and goes on from there.

    Raises
    ------
    InputError
        When a block would not reach beyond what it shares with its neighbours.
    """
    shared = sampling.window + sampling.overlap
    if num_frames <= sampling.block:
        return [(0, num_frames)]
    if sampling.block <= shared:
        raise InputError(f"sample.block: {sampling.block} frames; more than sample.window and overlap, {shared}, are needed")
    starts = [0]
    while starts[-1] + sampling.block < num_frames:
        starts.append(starts[-1] + sampling.block - shared)
    return [(start, min(start + sampling.block, num_frames)) for start in starts]


class Windows:
    """Cuts a take into windows in their leaders' frames, and joins windows into a take in the world.

    Where the windows lie follows from the leader: :meth:`follow` one who is known from end to end, or :meth:`place` them
    by one who is known window by window alone. Either must be called before windows are split or merged.

    Parameters
    ----------
    representation
        Of the dancers.
    num_frames
        Of the take.
    statistics
        Of the training set.
    window, overlap
        Frames. A take shorter than a window is one window.

    Raises
    ------
    ValueError
        When windows overlap by as much as they are long, or by less than nothing.
    """

    to_clip: FloorTransform
    to_world: FloorTransform

    def __init__(
        self, representation: Representation, num_frames: int, statistics: Statistics, *, window: int, overlap: int
    ) -> None:
        if not 0 <= overlap < window:
            raise ValueError(f"overlap {overlap} must be at least 0 and less than window {window}")
        self.representation = representation
        self.num_frames = num_frames
        self.statistics = statistics
        self.window = min(window, num_frames)
        last = num_frames - self.window
        self.starts = [*range(0, last, max(1, window - overlap)), last]
        # Our choice: the path of least jerk from 0 to 1, whose speed and acceleration vanish at both ends. A straight ramp, or
        # half a cosine, has a leap in one of them, and its jerk is seen where windows begin.
        ramp = torch.arange(1, self.window + 1).clamp(max=overlap + 1) / (overlap + 1)
        ramp = torch.minimum(ramp, ramp.flip(0)).to(statistics.leader.mean_C)
        weight_T = ramp**3 * (10 - 15 * ramp + 6 * ramp**2)
        total = torch.zeros(num_frames).to(weight_T)
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

    def follow(self, leader_TC: Tensor) -> None:
        """Lay every window so that this leader, un-normalised and in the world, starts it at the origin and faces +Z."""
        clips = [self.representation.clip(leader_TC, start, start + 1) for start in self.starts]
        self.to_clip = self.representation.leader_frame(torch.stack(clips))
        self.to_world = self.to_clip.inverse()

    def place(self, leader_WTC: Tensor) -> None:
        """Lay normalised leader windows end to end, as one path that starts at the origin and faces +Z.

        Each window's leader agrees as well as can be with that of the window before, in the frames they share; without
        overlap, his first frame is laid on the last one before.
        """
        raw_WTC = self.statistics.leader.unnormalise(leader_WTC[..., : self.representation.placing])
        marks_WTM3 = _marks(*self.representation.root(raw_WTC))
        chain = [self.representation.leader_frame(raw_WTC[0])]
        for index in range(1, len(self)):
            shared = max(1, self.window - self.starts[index] + self.starts[index - 1])
            chain.append(chain[-1].compose(_fit_floor(marks_WTM3[index, :shared], marks_WTM3[index - 1, -shared:])))
        self.to_world = FloorTransform.from_tensor(torch.stack([transform.to_tensor() for transform in chain]))
        self.to_clip = self.to_world.inverse()

    def split(self, x_TC: Tensor, role: Role) -> Tensor:
        """A dancer in the world, un-normalised, as normalised windows in their leaders' frames (W, window, C)."""
        kind = self.representation
        clips = torch.stack([kind.clip(x_TC, start, start + self.window) for start in self.starts])
        return self.statistics.of(role).normalise(kind.on_yaw_branch(kind.rebase(clips, self.to_clip)))

    def merge(self, x_WTC: Tensor, role: Role, smoothing: float = 0.0) -> Tensor:
        """Normalised windows of a dancer as one take in the world, un-normalised (T, C).

        Where windows overlap they are cross-faded: places and yaws in the world, canonical channels as they are.
        ``smoothing`` is the deviation, in frames, of a Gaussian along time over the merged take; 0 leaves it as it is.
        """
        kind = self.representation
        world = kind.absolute(kind.rebase(self.statistics.of(role).unnormalise(x_WTC), self.to_world))
        # Each window knows its yaw up to whole turns (pi of the half angle): continue the one before.
        for index in range(1, len(self.starts)) if kind.winding is not None else ():
            shift = self.starts[index] - self.starts[index - 1]
            shared = self.window - shift
            if shared <= 0:
                gap = world[index - 1, -1:, kind.winding] - world[index, :1, kind.winding]
            else:
                gap = world[index - 1, shift:, kind.winding] - world[index, :shared, kind.winding]
            world[index, :, kind.winding] += math.pi * torch.round(gap.mean() / math.pi)
        return kind.relative(smooth(self.join(world), smoothing))


def _marks(place_T3: Tensor, psi_T: Tensor) -> Tensor:
    """Two marks (..., T, 2, 3) a metre before and behind a dancer, who may stand still and yet be seen to turn."""
    ahead = torch.stack([psi_T.sin(), torch.zeros_like(psi_T), psi_T.cos()], dim=-1)
    return torch.stack([place_T3 + ahead, place_T3 - ahead], dim=-2)


def _fit_floor(points: Tensor, target: Tensor) -> FloorTransform:
    """The floor transform that moves points (..., 3) nearest to ``target`` in the least squares: Procrustes in the plane."""
    a, b = (values[..., [0, 2]].reshape(-1, 2) for values in (points, target))
    middle_a, middle_b = a.mean(dim=0), b.mean(dim=0)
    a, b = a - middle_a, b - middle_b
    angle = torch.atan2((a[:, 1] * b[:, 0] - a[:, 0] * b[:, 1]).sum(), (a * b).sum())
    turned = FloorTransform(angle, torch.zeros_like(middle_a)).compose(FloorTransform(torch.zeros_like(angle), middle_a))
    return FloorTransform(angle, middle_b - turned.offset)
