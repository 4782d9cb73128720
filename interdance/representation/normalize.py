"""Statistics of the training set: mean and spread of every channel, and the directions in which poses vary.

Windows are what is measured, moved as they are trained on. The leader's and the follower's rows are two populations
(the leader always starts at the origin), so each dancer has statistics of its own. Labels stay 0/1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from interdance.errors import InputError
from interdance.files import read_npz, write_npz
from interdance.representation.layout import Layout

MUSIC_LABELS = slice(33, 35)
"""Onset peaks and beats: one-hot columns of the music features, left as they are."""

OVERSAMPLING = 16
POWER_STEPS = 4


@dataclass(frozen=True)
class DancerStatistics:
    """Of one dancer, float32.

    Attributes
    ----------
    mean_C, std_C : (C,)
        Of all rows; the integrated velocities without row 0. Labels have mean 0 and deviation 1.
    first_F : int64 (F,)
        The integrated velocities: channels that hold yaw, x and z themselves in row 0; none where nothing is integrated.
    first_mean_F, first_std_F : (F,)
        Of those in row 0.
    components_KC : (K, C)
        Orthonormal directions of the normalised rows, the strongest first, taken about zero, so that they rebuild rows
        without an offset; the entry of largest size in each is positive.
    deviation_K : (K,)
        Root mean square of the normalised rows along each.
    explained_K : (K,)
        Share of the normalised rows' whole mean square along each.
    """

    mean_C: Tensor
    std_C: Tensor
    first_F: Tensor
    first_mean_F: Tensor
    first_std_F: Tensor
    components_KC: Tensor
    deviation_K: Tensor
    explained_K: Tensor

    def components(self) -> Tensor:
        """Components times the deviation along each (K, C): a factor of the covariance of normalised rows."""
        return self.components_KC * self.deviation_K[:, None]

    def raw_components(self) -> Tensor:
        """The same factor for un-normalised rows."""
        return self.components() * self.std_C

    def to(self, device: torch.device | str) -> DancerStatistics:
        """The same on ``device``."""
        return DancerStatistics(*(getattr(self, item.name).to(device) for item in fields(self)))

    def normalise(self, x: Tensor, first_row: bool = True) -> Tensor:
        """Rows (..., T, C) to mean 0 and deviation 1; ``first_row`` says that row 0 is the first of a clip."""
        result = (x - self.mean_C) / self.std_C
        if first_row:
            result[..., 0, self.first_F] = (x[..., 0, self.first_F] - self.first_mean_F) / self.first_std_F
        return result

    def unnormalise(self, x: Tensor, first_row: bool = True) -> Tensor:
        """Undo :meth:`normalise`; differentiable. ``x`` may hold the first channels alone."""
        width = x.shape[-1]
        result = torch.addcmul(self.mean_C[:width], x, self.std_C[:width])
        if first_row:
            result[..., 0, self.first_F] = x[..., 0, self.first_F] * self.first_std_F + self.first_mean_F
        return result


@dataclass(frozen=True)
class MusicStatistics:
    """Mean and deviation of the 35 music channels; the one-hot columns have 0 and 1."""

    mean_A: Tensor
    std_A: Tensor

    def to(self, device: torch.device | str) -> MusicStatistics:
        """The same on ``device``."""
        return MusicStatistics(self.mean_A.to(device), self.std_A.to(device))

    def normalise(self, music: Tensor) -> Tensor:
        """Rows (..., 35) to mean 0 and deviation 1."""
        return (music - self.mean_A) / self.std_A


@dataclass(frozen=True)
class Statistics:
    """What is measured once on the training windows and used ever after."""

    leader: DancerStatistics
    follower: DancerStatistics
    music: MusicStatistics

    def of(self, role: str) -> DancerStatistics:
        """Those of the ``leader`` or the ``follower``."""
        return {"leader": self.leader, "follower": self.follower}[role]

    @property
    def num_music_channels(self) -> int:
        """Width of the music features."""
        return self.music.mean_A.numel()

    def to(self, device: torch.device | str) -> Statistics:
        """The same on ``device``."""
        return Statistics(self.leader.to(device), self.follower.to(device), self.music.to(device))

    def save(self, path: Path) -> None:
        """Write every array to one ``.npz``."""
        write_npz(path, **{name: value.numpy() for name, value in self._items().items()})

    @staticmethod
    def load(path: Path) -> Statistics:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            When the file is missing, is damaged, or was not written by the statistics stage.
        """
        arrays = read_npz(path)

        def part(name: str, kind: type) -> list[Tensor]:
            keys = [f"{name}_{item.name}" for item in fields(kind)]
            for key in keys:
                if key not in arrays:
                    raise InputError(f"{path}: no array named '{key}'; run the statistics stage again")
            kinds = [np.int64 if key.endswith("first_F") else np.float32 for key in keys]
            return [torch.from_numpy(arrays[key].astype(dtype)) for key, dtype in zip(keys, kinds, strict=True)]

        leader, follower = (DancerStatistics(*part(name, DancerStatistics)) for name in ("leader", "follower"))
        return Statistics(leader, follower, MusicStatistics(*part("music", MusicStatistics)))

    def _items(self) -> dict[str, Tensor]:
        return {
            f"{part.name}_{item.name}": getattr(getattr(self, part.name), item.name)
            for part in fields(self)
            for item in fields(getattr(self, part.name))
        }


class Moments:
    """Running count, sum and sum of squares of rows, in float64."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.sum = torch.zeros(width, dtype=torch.float64)
        self.squares = torch.zeros(width, dtype=torch.float64)

    def add(self, rows: Tensor) -> None:
        """Take in (N, width)."""
        values = rows.double()
        self.count += len(values)
        self.sum += values.sum(dim=0)
        self.squares += values.square().sum(dim=0)

    def mean_std(self, least_std: float) -> tuple[Tensor, Tensor]:
        """Mean and population deviation, float32; deviations under ``least_std`` become it, so nothing blows up."""
        mean = self.sum / max(self.count, 1)
        variance = self.squares / max(self.count, 1) - mean.square()
        return mean.float(), variance.clamp(min=least_std**2).sqrt().float()


def measure(
    windows: Iterable[Tensor],
    layout: Layout,
    least_std: float,
    root_gain: float,
    num_components: int,
    num_rows: int,
    generator: torch.Generator,
) -> DancerStatistics:
    """Statistics of one dancer's windows.

    Parameters
    ----------
    windows : iterable of (T, C)
        Un-normalised, each as it is trained on; taken one at a time.
    layout : Layout
        Of their channels.
    least_std : float
        Floor of the deviations, in the channels' own units.
    root_gain : float
        The root channels are normalised so that they come out ``root_gain`` times as large as the others: seven channels
        among 4978 that place the whole dancer would count for nothing in a squared error otherwise. HumanML3D does the
        same under the name "feature bias".
    num_components : int
        K; fewer come out when there are fewer rows.
    num_rows : int
        Rows of each window that the components are computed from, drawn by lot, row 0 never among them.
    generator : torch.Generator
        Draws the rows and starts the search for the components.

    Raises
    ------
    InputError
        When there is no window.
    """
    integrated = layout.integrated
    first_F = torch.arange(integrated.start, integrated.stop)
    every, first, later = Moments(layout.width), Moments(len(first_F)), Moments(len(first_F))
    drawn = []
    for window in windows:
        every.add(window)
        first.add(window[:1, integrated])
        later.add(window[1:, integrated])
        rows = 1 + torch.randperm(len(window) - 1, generator=generator)[:num_rows]
        drawn.append(window[rows])
    if not drawn:
        raise InputError("no training window to measure; shorten train.window or add takes to the training part")
    mean, std = every.mean_std(least_std)
    mean[integrated], std[integrated] = later.mean_std(least_std)
    mean[layout.labels], std[layout.labels] = 0.0, 1.0
    std[layout.root] /= root_gain
    first_mean, first_std = first.mean_std(least_std)
    rows = torch.cat(drawn)
    components = principal_components((rows - mean) / std, num_components, generator)
    return DancerStatistics(mean, std, first_F, first_mean, first_std / root_gain, *components)


def measure_music(features: Iterable[Tensor], least_std: float) -> MusicStatistics:
    """Statistics of music features, each (T, 35)."""
    moments = Moments(35)
    for rows in features:
        moments.add(rows)
    mean, std = moments.mean_std(least_std)
    mean[MUSIC_LABELS], std[MUSIC_LABELS] = 0.0, 1.0
    return MusicStatistics(mean, std)


def principal_components(
    rows: Tensor, num_components: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Directions of largest mean square about zero, by randomised subspace iteration (Halko et al., 2011, alg. 4.4).

    Parameters
    ----------
    rows : (N, C)
    num_components : int
        K; at most min(N, C) come out.

    Returns
    -------
    (K, C) orthonormal rows, the entry of largest size positive; (K,) the root mean square along each; (K,) the share of
    the whole mean square along each.
    """
    count = min(num_components, *rows.shape)
    width = min(count + OVERSAMPLING, *rows.shape)
    basis = torch.randn(rows.shape[1], width, generator=generator)
    for _ in range(POWER_STEPS):
        left, _ = torch.linalg.qr(rows @ basis)
        basis, _ = torch.linalg.qr(rows.T @ left)
    left, _ = torch.linalg.qr(rows @ basis)
    _, values, directions = torch.linalg.svd(left.T @ rows, full_matrices=False)
    directions = directions[:count]
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    directions = directions * torch.where(largest < 0, -1.0, 1.0)
    squares = values[:count].square()
    share = squares / rows.square().sum().clamp(min=torch.finfo(rows.dtype).tiny)
    return directions, (squares / len(rows)).sqrt(), share
