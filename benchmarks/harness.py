"""What the benchmarks that start servers and kill processes share: a project, its commands, and what did not hold."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Bench:
    """A project, how its commands are run, and what did not hold.

    Attributes
    ----------
    project : folder in which commands run.
    environment : theirs.
    logs : folder for what they write, outside of what git or DVC would look at.
    failures : sentences that did not hold.
    """

    project: Path
    environment: dict[str, str]
    logs: Path
    failures: list[str] = field(default_factory=list)

    def say(self, holds: bool, sentence: str) -> None:
        """Print a sentence, and whether it holds."""
        sys.stdout.write(f"{'holds' if holds else 'FAILS'}  {sentence}\n")
        sys.stdout.flush()
        if not holds:
            self.failures.append(sentence)

    def start(self, *command: str, log: str, **environment: str) -> subprocess.Popen[bytes]:
        """``python -m <command>`` in a process group of its own; what it writes is added to the log."""
        with (self.logs / log).open("ab") as stream:
            return subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=self.project,
                env=self.environment | environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def call(self, *command: str) -> str:
        """What ``python -m <command>`` writes; :class:`OSError` with the last of it when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=self.project, env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise OSError(f"{' '.join(command)}: exit code {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
        return done.stdout + done.stderr

    def leave(self) -> None:
        """End the benchmark: with exit code 1 and the last lines of every log when something did not hold."""
        if not self.failures:
            return
        for log in sorted(self.logs.glob("*.log")):
            sys.stderr.write("\n".join([f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-30:], ""]))
        raise SystemExit(1)


def until(holds: Callable[[], Any], patience_s: float, what: str) -> Any:
    """Wait until ``holds()`` is true, and return it; :class:`TimeoutError` when that does not come."""
    end = time.monotonic() + patience_s
    while not (found := holds()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience_s:g} s: {what}")
        time.sleep(0.3)
    return found


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group at once, as the power does."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def finish(process: subprocess.Popen[bytes], patience_s: float = 900) -> int:
    """Its exit code; -1 when it had to be killed."""
    try:
        return process.wait(patience_s)
    except subprocess.TimeoutExpired:
        kill(process)
        return -1


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
