"""Work for the processes of a Ray cluster, handed out as :mod:`concurrent.futures` has it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from interdance.processes.session import connected, ray, require


class ClusterExecutor(Executor):
    """As many calls at a time as the cluster has CPUs, one thread each; what dies with its machine is done again, twice.

    Files that calls read and write must be seen by every machine at the same place; relative paths begin where they do here.

    Parameters
    ----------
    setup, arguments
        ``setup(*arguments)`` is called once in each process, before its first call.
    """

    def __init__(self, setup: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
        self._task = ray.remote(num_cpus=1, max_retries=2)(_call)
        # In a list it travels as a reference: a process that is set up already need not fetch it.
        self._start = [uuid4().hex, str(Path.cwd()), ray.put((setup, arguments))]
        self._waiting: dict[Any, Future[Any]] = {}

    def submit(self, function: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Call it somewhere on the cluster; what it raises is raised by the future's ``result``."""
        answer: Future[Any] = Future()
        reference = self._task.remote(self._start, function, args, named)
        self._waiting[reference] = answer
        reference.future().add_done_callback(partial(self._hand_on, reference))
        return answer

    def _hand_on(self, reference: Any, done: Future[Any]) -> None:
        answer, error = self._waiting[reference], done.exception()
        if not answer.set_running_or_notify_cancel():  # nobody waits for it any more
            del self._waiting[reference]
            return
        if error is None:
            answer.set_result(done.result())
        elif isinstance(error, ray.exceptions.RayTaskError):
            error.cause.__cause__ = RuntimeError(str(error))  # with what the process there wrote of it
            answer.set_exception(error.cause)
        elif isinstance(error, ray.exceptions.TaskCancelledError):
            answer.set_exception(CancelledError())
        else:
            answer.set_exception(BrokenProcessPool(str(error)))
        del self._waiting[reference]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End it; with ``cancel_futures`` what has not been done is not."""
        left = dict(self._waiting)
        if cancel_futures:
            for reference in left:
                ray.cancel(reference)
        if wait:
            futures.wait(left.values())


@contextmanager
def cluster_pool(setup: Callable[..., None] | None, arguments: tuple[Any, ...]) -> Iterator[ClusterExecutor]:
    """An executor of the cluster that ``RAY_ADDRESS`` names, for the time of the block.

    Raises
    ------
    InputError
        When no cluster answers there, or it has no CPU.
    """
    with connected():
        require(1, 1, 0, "a process")
        executor = ClusterExecutor(setup, arguments)
        try:
            yield executor
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


_ready: set[str] = set()


def _call(start: list[Any], function: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    name, folder, reference = start
    os.environ.pop("RAY_ADDRESS", None)  # work within this work stays in this process: it would wait for its own CPU
    os.chdir(folder)
    if name not in _ready:
        import torch

        torch.set_num_threads(1)
        setup, arguments = ray.get(reference)
        if setup is not None:
            setup(*arguments)
        _ready.add(name)
    return function(*args, **named)
