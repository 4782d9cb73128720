"""Takes shared out over processes that each hold one body."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

import torch

from interdance.body.model import Body

Job = TypeVar("Job")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Called with the number of takes done and of all takes."""

_held: dict[str, Any] = {}


def over_takes(
    function: Callable[[Job, Body], Result],
    jobs: Sequence[Job],
    body: Body,
    workers: int,
    progress: Progress | None = None,
) -> list[Result]:
    """``function(job, body)`` of every job, in their order.

    With several workers the processes are fresh ones of one thread each (a fork of one that has started torch's or warp's
    threads may hang), and the body is sent once to each.
    """
    results: dict[int, Result] = {}
    for index, result in _run(function, jobs, body, workers):
        results[index] = result
        if progress:
            progress(len(results), len(jobs))
    return [results[index] for index in range(len(jobs))]


def _run(
    function: Callable[[Job, Body], Result], jobs: Sequence[Job], body: Body, workers: int
) -> Iterator[tuple[int, Result]]:
    if workers <= 1 or len(jobs) <= 1:
        for index, job in enumerate(jobs):
            yield index, function(job, body)
        return
    context = multiprocessing.get_context("spawn")
    count = min(workers, len(jobs))
    with ProcessPoolExecutor(count, mp_context=context, initializer=_hold, initargs=(body,)) as pool:
        futures = {pool.submit(_call, function, job): index for index, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _hold(body: Body) -> None:
    torch.set_num_threads(1)
    _held["body"] = body


def _call(function: Callable[[Any, Body], Any], job: Any) -> Any:
    return function(job, _held["body"])
