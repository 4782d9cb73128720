"""Several processes that train one network together, each on its share of every batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Team:
    """One process among those that train together; by default there is no other.

    Attributes
    ----------
    rank : int
        Of this process, 0 to ``size - 1``. The first one validates, reports and writes.
    size : int
        With more than one, ``torch.distributed`` must be running among them.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def rows(self, batch: int) -> range:
        """Which windows of a batch are for this process: each is for one, and no process has two more than another."""
        return range(batch * self.rank // self.size, batch * (self.rank + 1) // self.size)

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by their sums over all processes, in one exchange."""
        together = list(tensors)
        if self.size == 1 or not together:
            return
        flat = torch.cat([tensor.detach().float().reshape(-1) for tensor in together])
        distributed.all_reduce(flat)
        for tensor, part in zip(together, flat.split([tensor.numel() for tensor in together]), strict=True):
            tensor.copy_(part.reshape(tensor.shape))

    def agree(self, step: int, device: str) -> None:
        """Raise :class:`RuntimeError` where processes are at different steps: gradients of different weights would add up."""
        if self.size == 1:
            return
        ends = torch.tensor([step, -step], device=device)
        distributed.all_reduce(ends, op=distributed.ReduceOp.MAX)
        last, first = int(ends[0]), -int(ends[1])
        if first != last:
            raise RuntimeError(f"workers begin at steps {first} to {last}: do all of them see the same state folder?")


ALONE = Team()
