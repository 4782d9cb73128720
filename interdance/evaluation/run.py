"""Systems measured on takes, in parallel and streaming: files in, an :class:`Evaluation` out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.evaluation.measure import TakeMeasures, measure_take
from interdance.evaluation.performer import Performer, Surface, joints_of
from interdance.evaluation.pool import Pooled, pool
from interdance.evaluation.reading import Dancer, Source, TakeFiles, common_length, read, read_beats
from interdance.evaluation.reference_set import check_cutting
from interdance.evaluation.settings import Reading, Settings, Statistics
from interdance.evaluation.summary import GROUND_TRUTH, Evaluation, assemble
from interdance.evaluation.workers import unordered
from interdance.metrics.reference import Reference
from interdance.processes.pool import process_pool

SAME_LEADER = 0.005  # metres between any two joints: below it, two files hold the same leader


def evaluate(
    takes: Sequence[TakeFiles],
    reference: Reference,
    settings: Settings,
    reading: Reading,
    statistics: Statistics,
    workers: int,
) -> Evaluation:
    """Measure every system on every take, and the true followers as ``ground_truth`` where all takes have one.

    Raises
    ------
    InputError
        For files that cannot be used, a system that lacks a take or a seed of it, or a reference set that was cut
        otherwise than ``settings`` say.
    """
    if not takes:
        raise InputError("no take to measure; name a folder that holds generated followers")
    check_cutting(reference, settings)
    seeds = _seeds_of(takes)
    has_truth = all(files.true is not None for files in takes)
    jobs = [
        (files, group, has_truth and first, settings, reading)
        for files in takes
        for group, first in _groups(files, takes, workers)
    ]
    measured: dict[tuple[str, str], dict[str, TakeMeasures]] = defaultdict(dict)
    with process_pool(min(workers, max(len(jobs), len(seeds)))) as executor:
        for files, rows in unordered(executor, _measure, jobs, "measuring", "take"):
            for key, measures in rows.items():
                measured[key][files.take] = measures
        systems: dict[str, dict[str, list[TakeMeasures]]] = defaultdict(dict)
        for system, seed in ([(GROUND_TRUTH, "")] if has_truth else []) + seeds:
            systems[system][seed] = [measured[system, seed][files.take] for files in takes]
        tasks = [(name, rows, reference, statistics.num_bootstrap, statistics.seed) for name, rows in systems.items()]
        pooled = dict(unordered(executor, _pool_one, tasks, "bootstrap", "system"))
    vertices = len(Surface.of(Body.load(reading.body or None), settings.surface).part_V)
    return assemble({name: pooled[name] for name in systems}, systems, takes, reference, settings, statistics, vertices)


def _groups(files: TakeFiles, takes: Sequence[TakeFiles], workers: int) -> list[tuple[tuple[Source, ...], bool]]:
    """Followers of one leader are measured by one process, which prepares him once; few takes are shared out.

    The flag marks the group that measures the true couple too.
    """
    count = 1 if len(takes) >= workers else max(1, min(workers, len(files.followers)))
    return [(files.followers[start::count], start == count - 1) for start in range(count)]


def _measure(
    files: TakeFiles, sources: Sequence[Source], with_truth: bool, settings: Settings, reading: Reading
) -> tuple[TakeFiles, dict[tuple[str, str], TakeMeasures]]:
    """Every source of one take, grouped by leader, and the true couple when asked for.

    A follower whose own leader dances otherwise than the true one is not compared with the true follower.
    """
    body = Body.load(reading.body or None)
    surface = Surface.of(body, settings.surface)
    leaders = {files.leader: read(files.leader, settings.fps, reading, body)}
    by_leader: dict[Path, list[Source]] = {files.leader: []}
    for source in sources:
        place = files.leaders.get(source.path, files.leader)
        if place not in leaders:
            leaders[place] = read(place, settings.fps, reading, body)
        is_same = dance_alike(leaders[files.leader], leaders[place], body)
        by_leader.setdefault(files.leader if is_same else place, []).append(source)
    rows: dict[tuple[str, str], TakeMeasures] = {}
    for place, group in by_leader.items():
        wanted = list(group)
        if with_truth and files.true is not None and place == files.leader:
            wanted.append(Source(GROUND_TRUTH, "", files.true))
        if not wanted:
            continue
        paths = {source.path for source in wanted}
        if files.true is not None and place == files.leader:
            paths.add(files.true)
        dancers = {path: read(path, settings.fps, reading, body) for path in sorted(paths)}
        lengths = {place: leaders[place].num_frames} | {path: dancer.num_frames for path, dancer in dancers.items()}
        num_frames = common_length(files.take, lengths, reading.tolerance_s * settings.fps)
        performers = {path: Performer.of(dancer[:num_frames], body, surface) for path, dancer in dancers.items()}
        measured = measure_take(
            files.take,
            files.genre,
            Performer.of(leaders[place][:num_frames], body, surface),
            {str(source.path): performers[source.path] for source in wanted},
            performers.get(files.true) if files.true is not None else None,
            None if files.music is None else read_beats(files.music, num_frames, settings.fps, reading),
            surface,
            settings,
        )
        rows |= {(source.system, source.seed): measured[str(source.path)] for source in wanted}
    return files, rows


def dance_alike(one: Dancer, other: Dancer, body: Body) -> bool:
    """Whether two files hold the same dance, as when a system's folder repeats the leader it was given."""
    if one is other:
        return True
    a, b = (joints_of(dancer, body) for dancer in (one, other))
    count = min(len(a), len(b))
    return bool(np.abs(a[:count] - b[:count]).max() < SAME_LEADER)


def _pool_one(
    system: str, seeds: Mapping[str, Sequence[TakeMeasures]], reference: Reference, num_bootstrap: int, seed: int
) -> tuple[str, Pooled]:
    return system, pool(seeds, reference, num_bootstrap, seed)


def _seeds_of(takes: Sequence[TakeFiles]) -> list[tuple[str, str]]:
    """Systems and seeds, each of which must have every take."""
    wanted = list(dict.fromkeys((source.system, source.seed) for files in takes for source in files.followers))
    for files in takes:
        found = {(source.system, source.seed) for source in files.followers}
        for system, seed in wanted:
            if (system, seed) not in found:
                of_seed = f" of seed {seed}" if seed else ""
                raise InputError(f"{system}: take {files.take}{of_seed} is missing; generate it, or leave the take out")
    return wanted
