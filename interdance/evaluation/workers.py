"""Results of shared work as they come, with their progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, as_completed
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")


def unordered(
    executor: Executor, function: Callable[..., T], jobs: Iterable[tuple[Any, ...]], what: str, unit: str
) -> Iterator[T]:
    """Results of the jobs as they come, under a progress bar that says ``what`` and counts in ``unit``."""
    futures = [executor.submit(function, *job) for job in jobs]
    for future in tqdm(as_completed(futures), total=len(futures), desc=what, unit=unit, leave=False):
        yield future.result()
