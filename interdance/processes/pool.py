"""Processes that share work: fresh ones of one thread each, here or on a Ray cluster."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

log = logging.getLogger(__name__)


@contextmanager
def process_pool(workers: int, setup: Callable[..., None] | None = None, *arguments: Any) -> Iterator[Executor]:
    """A pool of processes of this machine, or of all those of the cluster that ``RAY_ADDRESS`` names.

    What is left of its work when the block ends is cancelled. A cluster's processes see the same files as this one.

    Parameters
    ----------
    workers : int
        Processes of this machine. One is this process, in a thread: another would load everything again, which takes seconds.
    setup : callable, optional
        Called with ``arguments`` at the start of each process.

    Raises
    ------
    InputError
        When no cluster answers at the address.
    """
    if os.environ.get("RAY_ADDRESS"):
        from interdance.processes.spread import cluster_pool  # seconds to import

        with cluster_pool(setup, arguments) as spread:
            yield spread
    elif workers > 1:
        with local_pool(workers, setup, *arguments) as pool:
            yield pool
    else:
        with _this_process(setup, *arguments) as thread:
            yield thread


@contextmanager
def _this_process(setup: Callable[..., None] | None, *arguments: Any) -> Iterator[ThreadPoolExecutor]:
    import torch

    threads = torch.get_num_threads()
    executor = ThreadPoolExecutor(1, initializer=_start, initargs=(setup, arguments))
    try:
        yield executor
    except KeyboardInterrupt:
        log.warning("interrupted: what is being worked on is brought to its end, the rest is not begun")
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(threads)


@contextmanager
def local_pool(workers: int, setup: Callable[..., None] | None = None, *arguments: Any) -> Iterator[ProcessPoolExecutor]:
    """As :func:`process_pool`, on this machine whatever is named.

    A fork of a process that has started torch's or warp's threads may hang, so the processes are spawned; each has one
    thread, for there is one process per core.
    """
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(max(workers, 1), context, initializer=_join, initargs=(setup, arguments))
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _join(setup: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """Start, and end with the process that asked, however that one ends: its work would go on for nobody."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _start(setup, arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _start(setup: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    import torch

    torch.set_num_threads(1)
    if setup is not None:
        setup(*arguments)
