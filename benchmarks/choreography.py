"""How long it takes to make an hour of dance, and what hands, bodies and feet do in it.

    python -m benchmarks.choreography --minutes 60 --workers 2

Every genre gets the same number of takes. Time counts music, bodies, touch and writing; the measures are taken afterwards
on the 655 sampled vertices, every ``--every``-th take, and printed beside those of real dancers (paper, Table 3).
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from interdance.body.model import Body
from interdance.choreography.generate import choreograph
from interdance.choreography.genres import GENRES
from interdance.config import ChoreographyParams
from interdance.metrics.interaction import contact_rates, penetration_rate
from interdance.metrics.plausibility import foot_skating
from interdance.takes import read_take

PAPER_CF, PAPER_PR = 0.099, 0.0055


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--take-seconds", type=float, default=40.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="measure every n-th take")
    parser.add_argument("--out", type=Path, default=None, help="keep the takes here")
    arguments = parser.parse_args()
    body = Body.load()
    per_genre = max(1, round(arguments.minutes * 60.0 / arguments.take_seconds / len(GENRES)))
    params = ChoreographyParams(7, list(GENRES), per_genre, arguments.take_seconds, arguments.workers)
    out = (arguments.out or Path(tempfile.mkdtemp(prefix="choreography-"))) / "takes"
    try:
        start = time.perf_counter()
        names = choreograph(params, body, 30, out)
        seconds = time.perf_counter() - start
        danced = len(names) * arguments.take_seconds
        size = sum(file.stat().st_size for file in out.glob("*/*"))
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        busy = sum(part.ru_utime + part.ru_stime for part in usage)
        peak = max(part.ru_maxrss for part in usage)
        print(f"{len(names)} takes of {len(GENRES)} genres, {danced / 60:.1f} minutes of dance")
        print(f"{seconds:.0f} s with {params.workers} workers on {os.cpu_count()} cores: {danced / seconds:.1f} x real time")
        print(f"{busy / danced:.2f} s of processor per s of dance: {2 * danced / busy:.1f} x real time on two free cores")
        print(f"peak memory of a process {peak / 1024:.0f} MB")
        print(f"on disk {size / 1e6:.0f} MB, {size / danced / 1e3:.0f} kB per second")
        _measure(out, names[:: arguments.every], body)
    finally:
        if arguments.out is None:
            shutil.rmtree(out)


def _measure(out: Path, names: list[str], body: Body) -> None:
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for name in names:
        duet = read_take(out / name)
        points = [body.points(motion) for motion in (duet.leader, duet.follower) if motion is not None]
        leader, follower = (points_TP3[:, 55:] for points_TP3 in points)
        rows.setdefault(duet.genre, []).append(
            (
                contact_rates(leader, follower).cf,
                penetration_rate(leader, follower, body.surface_faces),
                float(np.mean([foot_skating(points_TP3[:, :55]) for points_TP3 in points])),
            )
        )
    print(f"{'':14}{'CF %':>8}{'PR %':>8}{'skating %':>11}")
    every = [row for found in rows.values() for row in found]
    for genre, found in [*rows.items(), ("all", every)]:
        cf, pr, skating = (100.0 * value for value in np.mean(found, axis=0))
        print(f"{genre:14}{cf:8.2f}{pr:8.2f}{skating:11.2f}")
    print(f"{'real (paper)':14}{100 * PAPER_CF:8.2f}{100 * PAPER_PR:8.2f}")


if __name__ == "__main__":
    main()
