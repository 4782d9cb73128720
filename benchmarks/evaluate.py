"""How long an hour of duet takes to evaluate, what it needs, and against what.

    python benchmarks/evaluate.py [--minutes 60] [--mesh-minutes 2] [--workers 2] [--takes data/takes]

Prints one line per case, with time, peak memory of the largest process and the ratio to real time:

- every metric on the 655 sampled vertices, true followers and one spoiled system, with bootstrap intervals;
- the same on the full mesh, on a part, since one hour of it would take long: the figure is for the part;
- contact and penetration alone, frame by frame, against a straightforward loop over frames (``scipy.cdist`` over all
  pairs of vertices, ``igl.fast_winding_number`` on a mesh built anew), in the same process, on the same frames.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import igl
import numpy as np
import torch
from scipy.spatial.distance import cdist

from interdance import config
from interdance.body.model import Body
from interdance.choreography.generate import choreograph
from interdance.evaluation.performer import Performer, Surface
from interdance.evaluation.project import reading_of, settings_of
from interdance.evaluation.reading import Source, TakeFiles
from interdance.evaluation.reference_set import collect_reference
from interdance.evaluation.run import evaluate
from interdance.evaluation.settings import Settings, Statistics
from interdance.metrics.interaction import contact_rates, penetrating
from interdance.takes import list_takes, read_motion, read_take, write_motion

LOOP_FRAMES = {"sampled": 60, "full": 6}


def take_files(root: Path, names: list[str], out: Path, followers: int, music: Path | None) -> list[TakeFiles]:
    """Takes with their true followers and, of two, those late by half a second as a system."""
    files = []
    for number, name in enumerate(names):
        folder = root / name
        duet = read_take(folder)
        true = read_motion(folder / "follower.npz")
        frames = np.maximum(np.arange(true.num_frames) - 15, 0)
        late = replace(true, rotations_TJ3=true.rotations_TJ3[frames], translation_T3=true.translation_T3[frames])
        write_motion(out / f"{number}.npz", late)
        sources = (Source("late", "", out / f"{number}.npz"),) if followers == 2 else ()
        song = music / f"{name}.npy" if music else duet.music
        files.append(TakeFiles(f"{number}_{name}", duet.genre, folder / "leader.npz", folder / "follower.npz", song, sources))
    return files


@contextmanager
def timed(what: str, seconds: float, followers: int) -> Iterator[None]:
    """Print time, memory and the ratio to real time of the block."""
    started = time.perf_counter()
    yield
    took = time.perf_counter() - started
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print(
        f"{what}: {seconds / 60:.1f} min of duet, {followers} followers, in {took:.0f} s = {seconds / took:.1f}x real "
        f"time ({seconds * followers / took:.1f}x per follower); largest process {peak:.0f} MB"
    )


def ours(lead: np.ndarray, follow: np.ndarray, faces: np.ndarray) -> tuple[float, float]:
    """CF and PR of a piece."""
    return contact_rates(lead, follow).cf, float(penetrating(lead, follow, faces).mean())


def loop(lead: np.ndarray, follow: np.ndarray, faces: np.ndarray) -> tuple[float, float]:
    """The same, as one would write it down: every pair of vertices, a mesh a frame."""
    touched, inside = [], []
    for a, b in zip(lead.astype(np.float64), follow.astype(np.float64), strict=True):
        gaps = cdist(a, b)
        touched.append(gaps.min() < 0.01)
        _ = (gaps.min(axis=1) < 0.01).mean(), (gaps.min(axis=0) < 0.01).mean()  # CLR and CFR, which ours gives too
        inside.append((igl.fast_winding_number(a, faces, b) > 0.5).mean())
    return float(np.mean(touched)), float(np.mean(inside))


def best_of(function: Callable[[], object], times: int = 3) -> float:
    """Least seconds of the process's own time."""
    taken = []
    for _ in range(times):
        started = time.process_time()
        function()
        taken.append(time.process_time() - started)
    return min(taken)


def against_the_loop(files: TakeFiles, settings: Settings) -> None:
    """Ratio of the loop to ours on frames from the middle of a take, one thread each."""
    torch.set_num_threads(1)
    body = Body.load()
    surface = Surface.of(body, settings.surface)
    middle = slice(300, 300 + LOOP_FRAMES[settings.surface])
    if files.true is None:
        raise ValueError(f"{files.take}: a true follower is needed")
    lead, follow = (
        Performer.of(read_motion(path), body, surface).vertices(middle)  # type: ignore[misc]
        for path in (files.leader, files.true)
    )
    results = ours(lead, follow, surface.faces), loop(lead, follow, surface.faces)  # also warms up
    if not np.allclose(*results, atol=1e-4):
        raise ValueError(f"ours {results[0]} and the loop {results[1]} disagree")
    fast, slow = (best_of(lambda f=f: f(lead, follow, surface.faces)) for f in (ours, loop))  # type: ignore[misc]
    count = len(lead)
    print(
        f"contact and penetration, {surface.name} ({lead.shape[1]} vertices): loop {1000 * slow / count:.1f} ms a frame, "
        f"ours {1000 * fast / count:.1f} ms: ratio {slow / fast:.1f}"
    )


def main() -> None:
    """Make the takes, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="of duet on the sampled vertices")
    parser.add_argument("--mesh-minutes", type=float, default=2.0, help="of duet on the full mesh")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--followers", type=int, choices=(1, 2), default=2, help="the true one, and a late one")
    parser.add_argument("--music", type=Path, help="folder of music features of the takes; songs are analysed without it")
    parser.add_argument("--takes", type=Path, help="folder of takes to use, again and again; made anew when not given")
    arguments = parser.parse_args()
    params = config.load(Path(__file__).parent.parent / "params.yaml")
    take_s = params.choreography.take_seconds
    genres = params.choreography.genres
    per_genre = int(np.ceil(arguments.minutes * 60 / take_s / len(genres)))
    reading = reading_of(params)
    statistics = Statistics(params.evaluate.bootstrap, params.evaluate.seed)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        takes = arguments.takes or root / "takes"
        if arguments.takes is None:
            shape = replace(params.choreography, takes_per_genre=per_genre, workers=arguments.workers)
            choreograph(shape, Body.load(), params.data.fps, takes)
        names = list(islice(cycle(list_takes(takes)), int(np.ceil(arguments.minutes * 60 / take_s))))
        files = take_files(takes, names, root / "late", arguments.followers, arguments.music)
        cases = {"sampled": len(files), "full": max(1, round(arguments.mesh_minutes * 60 / take_s))}
        for surface, count in cases.items():
            settings = replace(settings_of(params), surface=surface)
            chosen = files[:: len(files) // count][:count]
            reference = collect_reference(files, settings, reading, arguments.workers)
            with timed(f"every metric, {surface}, {arguments.workers} workers", take_s * len(chosen), arguments.followers):
                evaluate(chosen, reference, settings, reading, statistics, arguments.workers)
        for surface in cases:
            against_the_loop(files[0], replace(settings_of(params), surface=surface))


if __name__ == "__main__":
    main()
