"""Which windows each training step sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from torch.utils.data import Sampler

from interdance.dataset.windows import WindowDataset
from interdance.errors import InputError


class StepBatches(Sampler[list[int]]):
    """The window numbers of each training step, drawn from groups of windows (data sets) in given shares.

    Every group is gone through in permutations of its own, drawn from (seed, group, epoch). Which group gives a window
    follows from the window's position in the training alone, evenly spread (the additive recurrence of the golden
    ratio). Starting at a later step gives what an unbroken run would have seen there.

    Parameters
    ----------
    groups : sequence of int arrays
        Window numbers of each group.
    shares : sequence of float
        Of the windows that each group gives; relative to one another.
    rows : range, optional
        Of each batch, the windows that are given; all of them by default. The others are another process's.
    """

    def __init__(
        self,
        groups: Sequence[np.ndarray],
        shares: Sequence[float],
        batch: int,
        seed: int,
        start: int,
        stop: int,
        rows: range | None = None,
    ) -> None:
        if not groups or any(len(group) == 0 for group in groups):
            raise ValueError("there is no training window")
        self.groups, self.batch, self.seed, self.start, self.stop = groups, batch, seed, start, stop
        self.bounds = np.cumsum(shares) / np.sum(shares)
        self.rows = range(batch) if rows is None else rows

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[int]]:
        counts = np.bincount(self._group(0, self.start * self.batch), minlength=len(self.groups))
        orders: dict[int, tuple[int, np.ndarray]] = {}
        for step in range(self.start, self.stop):
            chosen = []
            for group in self._group(step * self.batch, (step + 1) * self.batch):
                windows = self.groups[group]
                epoch, place = divmod(int(counts[group]), len(windows))
                if orders.get(group, (-1,))[0] != epoch:
                    orders[group] = epoch, np.random.default_rng([self.seed, group, epoch]).permutation(windows)
                chosen.append(int(orders[group][1][place]))
                counts[group] += 1
            yield chosen[self.rows.start : self.rows.stop]

    def _group(self, first: int, end: int) -> np.ndarray:
        """Group of each position of the training."""
        spread = (np.arange(first, end) * ((np.sqrt(5.0) - 1.0) / 2.0)) % 1.0
        return np.minimum(np.searchsorted(self.bounds, spread, side="right"), len(self.groups) - 1)


def mixture_groups(dataset: WindowDataset, mixture: Mapping[str, float]) -> tuple[list[np.ndarray], list[float]]:
    """Windows of each data set of a mixture, and their shares; without a mixture one group of all windows.

    Raises
    ------
    InputError
        When a share is not positive, or a data set with training windows has none.
    """
    if not mixture:
        return [np.arange(len(dataset))], [1.0]
    sets = np.array([dataset.takes[take].partition("/")[0] for take, _ in dataset.starts])
    for name in np.unique(sets):
        if not mixture.get(str(name), 0.0) > 0:
            raise InputError(f"mixture.{name}: a share above 0 is needed; its takes are trained on")
    for name in mixture:
        if name not in sets:
            raise InputError(f"mixture.{name}: no training window is of this data set; known: {', '.join(np.unique(sets))}")
    return [np.flatnonzero(sets == name) for name in mixture], list(mixture.values())
