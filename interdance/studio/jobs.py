"""Where work is done: some at a time, each in a process of its own, a bounded number waiting; and where files are read."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

from interdance.config import Params, StudioParams
from interdance.errors import InputError
from interdance.studio.child import Child, EndedError

logger = logging.getLogger(__name__)

PAUSE_S = 5.0
"""Before another try, where this machine has no room for a process."""


class BusyError(Exception):
    """No more can be taken in now; says what to do."""


@dataclass(frozen=True)
class Outcome:
    """What came of a piece of work: what its process answered, or why not, with the end of the log; or it was cancelled."""

    done: Any = None
    error: str = ""
    log: str = ""
    is_cancelled: bool = False


@dataclass(eq=False)
class Work:
    """A piece of work.

    Attributes
    ----------
    task, params, names, arguments
        As :meth:`Child.ask` takes them.
    finish : callable
        Called once, when the process is gone.
    what, share
        What is being done, and the share of all that is done.
    """

    task: str
    params: Params
    names: dict[Path, str]
    arguments: dict[str, Any]
    finish: Callable[[Outcome], None]
    what: str = "waiting"
    share: float = 0.0
    begun: float | None = None  # seconds since the epoch
    child: Child | None = None
    is_cancelled: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, what: str, share: float) -> None:
        self.what, self.share = what, max(share, self.share)


class JobQueue:
    """Does pieces of work, the first come first; ``folder`` is its processes' alone."""

    def __init__(self, folder: Path, limits: StudioParams) -> None:
        self._folder, self._limits = folder, limits
        self._waiting: deque[Work] = deque()
        self._running: set[Work] = set()
        self._has_come = asyncio.Condition()
        self._slots: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Start the processes that wait for work."""
        self._slots = [asyncio.create_task(self._slot()) for _ in range(self._limits.workers)]

    async def put(self, work: Work) -> None:
        """Take in a piece of work.

        Raises
        ------
        BusyError
            When as many wait as may.
        """
        if len(self._waiting) >= self._limits.queue:
            raise BusyError(f"{self._limits.queue} dances or exports are waiting already; wait for one, or cancel one")
        self._waiting.append(work)
        async with self._has_come:
            self._has_come.notify()

    def place(self, work: Work) -> int:
        """How many are before it in the queue."""
        return self._waiting.index(work) if work in self._waiting else 0

    async def cancel(self, work: Work) -> None:
        """End it; when this returns its processes are gone and :attr:`Work.finish` has been called."""
        if work.over.is_set():
            return
        work.is_cancelled = True
        if work in self._waiting:
            self._waiting.remove(work)
            self._finish(work, Outcome(is_cancelled=True))
        elif work.child is not None:
            await work.child.end()
        await work.over.wait()

    async def close(self) -> None:
        """End all processes; work that was not done is cancelled."""
        for slot in self._slots:
            slot.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)
        for work in (*self._running, *self._waiting):
            self._finish(work, Outcome(error="the studio was closed before this was done"))
        self._waiting.clear()

    async def _slot(self) -> None:
        while True:
            try:
                child = await Child.start(self._folder / token_hex(8))
            except OSError:
                logger.exception("no process can be started; trying again in %g s", PAUSE_S)
                await asyncio.sleep(PAUSE_S)
                continue
            try:
                work = await self._next()
                if not child.is_alive:  # ended while it waited
                    self._waiting.appendleft(work)
                    continue
                self._running.add(work)
                work.begun, work.child = time.time(), child
                outcome = await self._outcome(work, child)
            finally:
                await child.end()
            self._finish(work, outcome)

    async def _next(self) -> Work:
        async with self._has_come:
            await self._has_come.wait_for(lambda: self._waiting)
            return self._waiting.popleft()

    async def _outcome(self, work: Work, child: Child) -> Outcome:
        work.tell("starting", 0.0)
        try:
            asked = child.ask(work.task, work.params, work.names, work.tell, **work.arguments)
            done = await asyncio.wait_for(asked, self._limits.job_s)
        except InputError as error:
            return Outcome(error=str(error))
        except asyncio.TimeoutError:
            return Outcome(error=f"it took more than {self._limits.job_s:g} s (studio.job_s) and was ended", log=child.log())
        except EndedError as error:
            return Outcome(is_cancelled=True) if work.is_cancelled else Outcome(error=str(error), log=child.log())
        except Exception as error:  # an answer that is none, a log that cannot be read: the queue goes on
            logger.exception("%s", work.task)
            return Outcome(error=f"the studio failed ({type(error).__name__}); its log has more")
        return Outcome(is_cancelled=True) if work.is_cancelled else Outcome(done=done)

    def _finish(self, work: Work, outcome: Outcome) -> None:
        self._running.discard(work)
        try:
            work.finish(outcome)
        except Exception:  # a disk that is full, say; the queue goes on
            logger.exception("what came of %s could not be kept", work.task)
        work.over.set()


class Reader:
    """Reads files of strangers, one at a time, in a process that is bounded in time and memory."""

    def __init__(self, folder: Path, limits: StudioParams) -> None:
        self._folder, self._limits = folder, limits
        self._child: Child | None = None
        self._alone = asyncio.Lock()

    async def open(self) -> None:
        """Start the process, so that nobody waits for it."""
        async with self._alone:
            await self._started()

    async def ask(
        self,
        task: str,
        params: Params,
        names: dict[Path, str],
        what: str,
        most_s: float | None = None,
        cure: str = "cut it",
        **arguments: Any,
    ) -> Any:
        """Have something read; ``what`` it is called.

        Parameters
        ----------
        task, params, names, arguments
            As :meth:`Child.ask` takes them.
        what : str
        most_s : float, optional
            That it may take; ``studio.patience_s`` by default.
        cure : str
            What may be done where it takes longer.

        Raises
        ------
        InputError
            When it is refused, takes too long, or ends the process.
        """
        limit = self._limits.patience_s if most_s is None else most_s
        async with self._alone:
            child = await self._started()
            try:
                return await asyncio.wait_for(child.ask(task, params, names, **arguments), limit)
            except asyncio.TimeoutError:
                await self._end()
                raise InputError(f"{what}: reading it takes more than {limit:g} s; {cure}") from None
            except EndedError as error:
                logger.warning("%s: %s\n%s", what, error, child.log())
                await self._end()
                raise InputError(f"{what}: cannot be read here ({error})") from None
            except InputError:
                raise
            except BaseException:  # whoever asked has gone, or the answer is none: it must not go to the next one
                await self._end()
                raise

    async def close(self) -> None:
        """End the process."""
        await self._end()

    async def _started(self) -> Child:
        if self._child is None or not self._child.is_alive:
            await self._end()
            self._child = await Child.start(self._folder / token_hex(8), self._limits.memory_mb)
        return self._child

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end()
