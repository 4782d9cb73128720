"""Processes that share work: fresh ones of one thread each."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any


@contextmanager
def process_pool(workers: int, setup: Callable[..., None] | None = None, *arguments: Any) -> Iterator[ProcessPoolExecutor]:
    """A pool of at least one process; what is left of its work when the block ends is cancelled.

    A fork of a process that has started torch's or warp's threads may hang, so the processes are spawned; each has one
    thread, for there is one process per core.

    Parameters
    ----------
    workers : int
        Processes.
    setup : callable, optional
        Called with ``arguments`` at the start of each process.
    """
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(max(workers, 1), context, initializer=_start, initargs=(setup, arguments))
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _start(setup: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    import torch

    torch.set_num_threads(1)
    if setup is not None:
        setup(*arguments)
