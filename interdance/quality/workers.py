"""Takes shared out over processes that each hold one body."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from typing import Any, TypeVar

from interdance.body.model import Body
from interdance.processes.pool import process_pool

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

    With several workers the body is sent once to each process.
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
    with process_pool(min(workers, len(jobs)), _hold, body) as pool:
        futures = {pool.submit(_call, function, job): index for index, job in enumerate(jobs)}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _hold(body: Body) -> None:
    _held["body"] = body


def _call(function: Callable[[Any, Body], Any], job: Any) -> Any:
    return function(job, _held["body"])
