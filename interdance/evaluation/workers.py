"""Work shared out over processes, with its progress."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from tqdm import tqdm

T = TypeVar("T")


@contextmanager
def process_pool(workers: int) -> Iterator[Executor]:
    """Fresh processes of one thread each: a fork of one that has started torch's or warp's threads may hang."""
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(max(workers, 1), mp_context=context, initializer=_one_thread)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _one_thread() -> None:
    torch.set_num_threads(1)


def unordered(
    executor: Executor, function: Callable[..., T], jobs: Iterable[tuple[Any, ...]], what: str, unit: str
) -> Iterator[T]:
    """Results of the jobs as they come, under a progress bar that says ``what`` and counts in ``unit``."""
    futures = [executor.submit(function, *job) for job in jobs]
    for future in tqdm(as_completed(futures), total=len(futures), desc=what, unit=unit, leave=False):
        yield future.result()
