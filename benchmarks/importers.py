"""How fast each importer reads: seconds of dance per second, beside ``numpy.load`` of as many bytes, in one run.

``python benchmarks/importers.py [minutes] [importer ...]`` makes couples of our own (1 minute by default, in takes of 10 s
at 30 frames per second), has each importer's writer write them in the published format below a temporary folder, finds
and reads them, and prints per importer:

- MB of the files that are read, takes and dancers found;
- seconds of the process's own time to find and read them, so that a busy machine does not blur them;
- seconds of dance (of a couple, or of one dancer in sets of solo dances) read per second: above 1 is faster than danced;
- the ratio to ``numpy.load`` of one array of as many bytes, which no reader of numbers can beat.

``interx joints`` reads the optical skeletons alone, that is, it fits the body to them; 5 s of one couple are timed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from interdance.body.model import Body
from interdance.importers.floor import on_floor
from interdance.importers.registry import IMPORTERS
from interdance.importers.source import Recording
from interdance.takes import Duet, Motion

TAKE_S, FPS, FIT_S = 10.0, 30.0, 5.0


def dancer(rng: np.random.Generator, seconds: float, yaw: float, ahead: float) -> Motion:
    """Somebody who sways, fingers too."""
    time_T = np.arange(round(seconds * FPS))[:, None, None] / FPS
    rotations = np.zeros((len(time_T), 55, 3), np.float32)
    for joints in (slice(1, 22), slice(25, 55)):
        shape = (joints.stop - joints.start, 3)
        rotations[:, joints] = 0.2 * np.sin(time_T * rng.uniform(1, 4, shape) + rng.uniform(0, 6, shape))
    rotations[:, 0, 1] = yaw + 0.3 * np.sin(time_T[:, 0, 0])
    translation = np.tile(np.array([0.0, 1.2, ahead], np.float32), (len(time_T), 1))
    return Motion(rotations, translation, rng.normal(0, 0.7, 10).astype(np.float32), FPS)


def couples(seconds: float, take_s: float, body: Body) -> list[Duet]:
    """Couples for so many seconds in all."""
    rng = np.random.default_rng(0)
    duets = []
    for number in range(max(1, round(seconds / take_s))):
        motions, _ = on_floor([dancer(rng, take_s, 0.0, 0.0), dancer(rng, take_s, np.pi, 0.7)], body)
        duets.append(Duet(f"waltz_{number:03d}_1", "waltz", motions[0], motions[1], None, {"split": "train"}))
    return duets


def own_seconds(function: Callable[[], object]) -> float:
    """Seconds of the process's own time, the least of two."""
    times = []
    for _ in range(2):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def measure(label: str, module: ModuleType, folder: Path, body: Body) -> str:
    """Find and read everything below a folder; one row of the table."""
    recordings: list[Recording] = []

    def read() -> None:
        recordings[:] = [module.read(source, body) for source in module.find(folder)[0]]

    seconds = own_seconds(read)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    plain = folder / "plain.npy"
    np.save(plain, np.zeros(size // 4, np.float32))
    load = own_seconds(lambda: np.load(plain).sum())
    dance = sum(recording.leader.num_frames / recording.leader.fps for recording in recordings)
    dancers = sum(1 if recording.follower is None else 2 for recording in recordings)
    return (
        f"{label:14s} {size / 1e6:8.1f} {len(recordings):6d} {dancers:8d} {seconds:9.2f} {dance / seconds:11.1f}"
        f" {seconds / max(load, 1e-4):12.0f}"
    )


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    arguments = sys.argv[1:]
    minutes = float(arguments.pop(0)) if arguments and arguments[0].replace(".", "", 1).isdigit() else 1.0
    chosen = arguments or [*IMPORTERS, "interx joints"]
    body = Body.load()
    duets = couples(60 * minutes, TAKE_S, body)
    lines = [
        f"{60 * minutes:.0f} s of couples, one thread, seconds of its own time",
        f"{'importer':14s} {'MB':>8s} {'takes':>6s} {'dancers':>8s} {'seconds':>9s} {'real time x':>11s} {'np.load x':>12s}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    for name in chosen:
        module = IMPORTERS[name.split()[0]]
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            some = duets
            if name == "interx joints":
                some = [replace(duet, facts={}) for duet in couples(FIT_S, FIT_S, body)]
            module.write(folder, some, body)
            if name == "interx joints":
                shutil.rmtree(folder / "motions")
            sys.stdout.write(measure(name, module, folder, body) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
