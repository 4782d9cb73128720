"""The studio's side of its worker processes: each leads a session of its own, and is ended with all that it has started."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from interdance.config import Params
from interdance.errors import InputError

LOG = "log.txt"
LONGEST_LINE, LONGEST_LOG = 4 << 20, 100_000  # bytes
Tell = Callable[[str, float], None]


class EndedError(Exception):
    """The process is gone, or failed, and has not answered; says why."""


class Child:
    """A process that does tasks of :mod:`interdance.studio.tasks`, one after the other; :meth:`start` makes one."""

    def __init__(self, process: asyncio.subprocess.Process, home: Path) -> None:
        self._process, self._home = process, home
        self._num_asked = 0
        self._gone = asyncio.create_task(self._going())

    @classmethod
    async def start(cls, home: Path, memory_mb: float = 0.0) -> Child:
        """Start a process, which goes on starting while it waits for a task.

        Parameters
        ----------
        home : Path
            A folder to be made for its log and its temporary files; it goes when the process does.
        memory_mb : float
            That its tasks may take; 0 for no bound.
        """
        home.mkdir(parents=True)
        with (home / LOG).open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "interdance.studio.worker", f"{memory_mb:g}"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stream,
                start_new_session=True,
                limit=LONGEST_LINE,
                env={**os.environ, "TQDM_DISABLE": "1", "TMPDIR": str(home.resolve())},
            )
        return cls(process, home)

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    def log(self) -> str:
        """The end of what it has written for developers."""
        place = self._home / LOG
        if not place.exists():
            return ""
        with place.open("rb") as stream:
            stream.seek(max(0, place.stat().st_size - LONGEST_LOG))
            return stream.read(LONGEST_LOG).decode(errors="replace")

    async def ask(
        self,
        task: str,
        params: Params,
        names: Mapping[Path, str],
        tell: Tell = lambda what, share: None,
        **arguments: Any,
    ) -> Any:
        """Have a task done, and wait for what comes of it.

        Parameters
        ----------
        task : str
            One of ``tasks.TASKS``.
        names : mapping of Path to str
            What files are called in what is said to people.
        tell : callable
            Hears what is being done, and the share of all that is done.

        Raises
        ------
        InputError
            The input was refused.
        EndedError
            The process ended, or its program failed.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("started without pipes")
        told = {str(path): name for path, name in names.items()}
        self._num_asked += 1
        number = self._num_asked
        line = json.dumps({"number": number, "task": task, "params": params.to_dict(), "names": told, **arguments})
        with suppress(ConnectionError):  # it is gone: what it says below is nothing
            self._process.stdin.write(line.encode() + b"\n")
            await self._process.stdin.drain()
        while said := await self._process.stdout.readline():
            answer = json.loads(said)
            if answer["number"] != number:  # of a question that nobody waits for any more
                continue
            if "done" in answer:
                return answer["done"]
            if "refused" in answer:
                raise InputError(answer["refused"])
            if "failed" in answer:
                raise EndedError(answer["failed"])
            tell(answer["what"], answer["share"])
        code = await self._process.wait()
        why = f"signal {-code}, perhaps for want of memory" if code < 0 else f"exit code {code}"
        raise EndedError(f"the process ended before its work was done ({why}); its log has more")

    async def end(self) -> None:
        """End the process and everything in its session, at once, and remove its folder."""
        if not self._gone.done():  # later its number may be somebody else's
            self._kill()
        await asyncio.shield(self._gone)
        shutil.rmtree(self._home, ignore_errors=True)

    async def _going(self) -> None:
        """Wait for its end, and end at once what it has started."""
        await self._process.wait()
        self._kill()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
