"""Every system under ``generated/``, and the true followers, measured on the test takes."""

from __future__ import annotations

import dataclasses
import logging
import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from interdance.body.model import Body
from interdance.body.skeleton import NUM_JOINTS
from interdance.config import Params, Paths
from interdance.dataset.split import read_split
from interdance.errors import InputError
from interdance.files import write_json
from interdance.metrics.duet import Leader, Result, Settings, Surface, TakeMeasures, measure_take, rounded, summarise
from interdance.metrics.reference import Reference, read_reference
from interdance.metrics.rhythm import music_beats
from interdance.stages import execute
from interdance.takes import read_take

log = logging.getLogger(__name__)

T = TypeVar("T")

GROUND_TRUTH = "ground_truth"
BEAT_CHANNEL = 34  # of the 35 music channels
LEFT_WRIST, RIGHT_WRIST = 20, 21


def run(params: Params, paths: Paths) -> None:
    """Write ``metrics/evaluate.json`` from ``generated``, the test takes, their music and the reference set."""
    takes = read_split(paths.split)["test"]
    if not takes:
        raise InputError(f"{paths.split}: no test take to measure on; pin one with split.assign")
    systems = [GROUND_TRUTH, *find_systems(paths.generated, takes)]
    reference = read_reference(paths.reference)
    check_cutting(reference, params, paths.reference)
    workers = min(params.evaluate.workers, len(takes) * len(systems))
    # Followers of one leader are measured by one process, which prepares him once; few takes are shared out by systems.
    groups = 1 if len(takes) >= workers else min(workers, len(systems))
    jobs = [(params, paths, take, systems[group::groups]) for take in takes for group in range(groups)]
    with _pool(workers) as pool:
        measured: dict[str, dict[str, TakeMeasures]] = defaultdict(dict)
        for number, (take, rows) in enumerate(_unordered(pool, _measure, jobs), 1):
            for system, measures in rows.items():
                measured[system][take] = measures
            log.info("%d/%d %s: %s", number, len(jobs), take, ", ".join(rows))
        ordered = {system: [measured[system][take] for take in takes] for system in systems}
        pooled = [(system, ordered[system], reference, params) for system in systems]
        results = dict(_unordered(pool, _summarise, pooled))
    write_json(paths.metrics / "evaluate.json", report(ordered, results, reference, params))


def find_systems(generated: Path, takes: Sequence[str]) -> list[str]:
    """Names of the folders of ``generated`` that hold points of every take; one that lacks some is an error."""
    systems = sorted(path.name for path in generated.glob("*") if path.is_dir() and not path.name.startswith("."))
    for system in systems:
        for take in takes:
            if not (generated / system / take / "points.npy").is_file():
                raise InputError(
                    f"{generated / system / take}: no points.npy; generate this test take, or remove {system}"
                )
    return systems


def check_cutting(reference: Reference, params: Params, path: Path) -> None:
    """Refuse a reference set that was cut otherwise than the clips to be measured will be."""
    for key in ("clip_frames", "clip_stride"):
        wanted = getattr(params.evaluate, key)
        if reference.about.get(key) != wanted:
            raise InputError(f"{path}: cut with {key} {reference.about.get(key)}, evaluate has {wanted}; make it anew")


def report(
    measured: dict[str, list[TakeMeasures]], results: dict[str, Result], reference: Reference, params: Params
) -> dict[str, Any]:
    """What is stored: a row of values per system, intervals, values per take, and what it was all made of."""
    stored: dict[str, Any] = {"systems": {}, "intervals": {}, "spread": {}, "takes": [], "warnings": []}
    for system, takes in measured.items():
        result = results[system]
        stored["systems"][system] = result.values
        stored["intervals"][system] = {name: list(interval) for name, interval in result.intervals.items()}
        stored["spread"][system] = [[name, value] for name, value in result.spread.items()]
        stored["takes"] += [{"system": system, "take": take.take, "values": rounded(take.values())} for take in takes]
        stored["warnings"] += [line for line in result.warnings if line not in stored["warnings"]]
        stored["about"] = {
            "clips": result.num_clips,
            "frames": result.num_frames,
            "takes": [take.take for take in takes],
            "settings": dataclasses.asdict(params.evaluate),
            "degenerate_dimensions": result.degenerate,
            "reference": reference.about | {"fingerprint": reference.fingerprint, "clips": len(reference.clips)},
        }
    return stored


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    # Fresh processes: a fork of one that has started torch's or warp's threads may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(max(workers, 1), mp_context=context, initializer=_one_thread)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _unordered(pool: Executor, function: Callable[..., T], jobs: Iterable[tuple[Any, ...]]) -> Iterator[T]:
    for future in as_completed([pool.submit(function, *job) for job in jobs]):
        yield future.result()


def _summarise(system: str, takes: list[TakeMeasures], reference: Reference, params: Params) -> tuple[str, Result]:
    return system, summarise(takes, reference, params.evaluate.bootstrap, params.evaluate.seed)


def _one_thread() -> None:
    torch.set_num_threads(1)


def _measure(params: Params, paths: Paths, take: str, systems: list[str]) -> tuple[str, dict[str, TakeMeasures]]:
    body = Body.load(params.body.model or None)
    duet = read_take(paths.takes / take)
    if duet.follower is None:
        raise InputError(f"{paths.takes / take}: no follower.npz; a test take needs the true follower")
    hands = [np.flatnonzero(body.anchor_P == wrist) for wrist in (LEFT_WRIST, RIGHT_WRIST)]
    surface = Surface(body.surface_faces, *hands)
    settings = Settings(
        clip_frames=params.evaluate.clip_frames,
        clip_stride=params.evaluate.clip_stride,
        contact_distance=params.evaluate.contact_distance,
        held_distance=params.evaluate.held_distance,
        fps=float(params.data.fps),
    )
    beats = music_beats(_read_array(paths.music / f"{take}.npy"), BEAT_CHANNEL)
    leader, true = Leader(body.points(duet.leader), surface), body.points(duet.follower)
    rows = {}
    for system in systems:
        follower = true
        if system != GROUND_TRUTH:
            follower = read_points(paths.generated / system / take / "points.npy", len(true))
        rows[system] = measure_take(take, leader, follower, true, beats, surface, settings)
    return take, rows


def read_points(path: Path, num_frames: int) -> np.ndarray:
    """Points (T, 710, 3) of a generated follower, refused with a sentence when they are something else."""
    points = _read_array(path)
    if points.ndim != 3 or points.shape[2] != 3 or points.shape[1] <= NUM_JOINTS:
        raise InputError(f"{path}: shape {points.shape}; (frames, 710, 3) is needed")
    if len(points) != num_frames:
        raise InputError(f"{path}: {len(points)} frames, its leader has {num_frames}; generate it again")
    return points


def _read_array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: not an array that can be read without unpickling ({error})") from None


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
