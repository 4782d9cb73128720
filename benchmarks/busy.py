"""What a training step costs beside other work, by how long threads turn in place: `python benchmarks/busy.py`.

Threads of a step wait for each other many times. OpenMP lets them wait by turning in place, which is quickest where each has a
core to itself; where others compute, too, those who turn keep the one that they wait for from going on. The package has them
turn for a short while only (`interdance/__init__.py`). Steps are of the small model on synthetic windows, by the clock, with
all threads that torch takes, as long as the library has them turn (`gcc`), and as ours; each in a process of its own, first
alone and then beside one process per core that counts. The order changes from round to round.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks.train import make_system, read_windows  # noqa: E402
from interdance import config  # noqa: E402
from tests.dancers import statistics_of, write_couples  # noqa: E402

VARIABLE = "GOMP_SPINCOUNT"
SPINS = {"gcc": "300000", "ours": os.environ[VARIABLE]}  # the first is what GCC's manual says of a variable that is not set


def measure(root: Path, num_steps: int) -> float:
    """Median seconds of a step by the clock, in this process."""
    system = make_system(root, config.load(REPOSITORY / "params.yaml"), "cpu", plain=False, precision=torch.float32)
    seconds = []
    for _ in range(num_steps + 1):
        start = time.perf_counter()
        system.step()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:]))


def in_process(root: Path, num_steps: int, spins: str) -> float:
    """:func:`measure` in a process whose threads turn so often."""
    command = [sys.executable, __file__, "--root", str(root), "--steps", str(num_steps)]
    told = subprocess.run(command, env=os.environ | {VARIABLE: spins}, check=True, capture_output=True, text=True).stdout
    return float(told.splitlines()[-1])


@contextmanager
def others(count: int) -> Iterator[None]:
    """So many processes that count."""
    counting = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in counting:
            process.kill()
            process.wait()


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8, help="timed steps of a process")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kind")
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.root:
        print(measure(arguments.root, arguments.steps))
        return
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        write_inputs(Path(name))
        print("| beside | gcc's own, s a step | ours, s a step | gcc's own / ours |\n| --- | --: | --: | --: |")
        for count in (0, cores):
            with others(count):
                found: dict[str, list[float]] = {kind: [] for kind in SPINS}
                for turn in range(arguments.rounds):
                    for kind in sorted(SPINS, reverse=turn % 2 == 1):
                        found[kind].append(in_process(Path(name), arguments.steps, SPINS[kind]))
            gcc, ours = (float(np.median(found[kind])) for kind in ("gcc", "ours"))
            print(f"| {f'{count} others' if count else 'nobody'} | {gcc:.2f} | {ours:.2f} | {gcc / ours:.2f} |", flush=True)


def write_inputs(root: Path) -> None:
    """Synthetic couples and their statistics below ``root``."""
    length = config.load(REPOSITORY / "params.yaml").train.window
    write_couples(root, 2, length + 60)
    windows = read_windows(root, length, None)
    statistics_of([windows[index] for index in range(len(windows))]).save(root / "statistics.npz")


if __name__ == "__main__":
    main()
