"""What was measured, as it is stored and shown: rows of tables, and the data of figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interdance.body.skeleton import PARTS
from interdance.evaluation.measure import CURVE_FRAMES, TakeMeasures, num_stretches, ratio
from interdance.evaluation.pool import Pooled, compare, rounded
from interdance.evaluation.reading import TakeFiles
from interdance.evaluation.series import Row
from interdance.evaluation.settings import Settings, Statistics
from interdance.metrics.reference import Reference
from interdance.report.columns import BETTER

GROUND_TRUTH = "ground_truth"


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured.

    Attributes
    ----------
    summary : dict
        Rows of the tables, intervals, takes, comparisons, warnings and what it was all made of; goes to JSON as it is.
    series : dict of lists of rows
        Data of the figures: ``beats``, ``distance``, ``contact_map``, ``genres``.
    replicates : (system, metric) -> float64 (R,)
        Bootstrap draws, for comparisons with other runs.
    """

    summary: dict[str, Any]
    series: dict[str, list[Row]]
    replicates: dict[tuple[str, str], np.ndarray]


def assemble(
    pooled: Mapping[str, Pooled],
    systems: Mapping[str, Mapping[str, list[TakeMeasures]]],
    takes: Sequence[TakeFiles],
    reference: Reference,
    settings: Settings,
    statistics: Statistics,
    num_vertices: int,
) -> Evaluation:
    """Everything about the systems in the form it is stored in.

    Parameters
    ----------
    pooled : system -> Pooled
    systems : system -> seed -> takes
        The measures that were pooled.
    num_vertices : int
        Of the surface they were measured on.
    """
    names = list(pooled)
    warnings = [line for result in pooled.values() for line in result.warnings]
    if len(takes) and any(files.true is None for files in takes):
        lacking = [files.take for files in takes if files.true is None]
        warnings.append(f"no true follower of {', '.join(lacking)}: nothing is compared with the ground truth")
    if any(files.music is None for files in takes):
        lacking = [files.take for files in takes if files.music is None]
        warnings.append(f"no music of {', '.join(lacking)}: beat alignment is not measured")
    for name, seeds in systems.items():
        if GROUND_TRUTH in systems and any("joint_error_mm" not in take.sums for rows in seeds.values() for take in rows):
            warnings.append(f"{name}: leaders of its own; its followers are not compared with the true ones")
        if any("PR" not in take.sums for rows in seeds.values() for take in rows):
            warnings.append(f"{name}: joints without a surface; contact, penetration and floor are not measured")
    summary = {
        "systems": {name: result.values for name, result in pooled.items()},
        "intervals": {name: {m: list(ends) for m, ends in result.intervals.items()} for name, result in pooled.items()},
        "spread": {name: [[m, value] for m, value in result.spread.items()] for name, result in pooled.items()},
        "seeds": {
            name: [{"seed": seed, "values": [[m, v] for m, v in row.items()]} for seed, row in result.by_seed.items()]
            for name, result in pooled.items()
        },
        "genres": [
            {"system": name, "genre": genre, "values": values}
            for name, result in pooled.items()
            for genre, values in result.by_genre.items()
        ],
        "takes": [row for name, seeds in systems.items() for row in _take_rows(name, seeds)],
        "comparisons": _comparisons(pooled),
        "warnings": list(dict.fromkeys(warnings)),
        "about": {
            "clips": pooled[names[0]].num_clips,
            "frames": pooled[names[0]].num_frames,
            "takes": [files.take for files in takes],
            "surface": settings.surface,
            "num_vertices": num_vertices,
            "settings": dataclasses.asdict(settings)
            | {"bootstrap": statistics.num_bootstrap, "bootstrap_seed": statistics.seed},
            "degenerate_dimensions": pooled[names[0]].degenerate,
            "reference": reference.about | {"fingerprint": reference.fingerprint, "clips": len(reference.clips)},
        },
    }
    replicates = {(name, metric): drawn for name, result in pooled.items() for metric, drawn in result.replicates.items()}
    return Evaluation(summary, _series(systems, pooled, settings), replicates)


def _take_rows(system: str, seeds: Mapping[str, list[TakeMeasures]]) -> list[Row]:
    """The mean over seeds of every take."""
    rows = []
    for measures in zip(*seeds.values(), strict=True):
        values = [take.values() for take in measures]
        names = [name for name in values[0] if all(value.get(name) is not None for value in values)]
        mean = {name: float(np.mean([value[name] for value in values])) for name in names}  # type: ignore[misc]
        rows.append({"system": system, "take": measures[0].take, "genre": measures[0].genre, "values": rounded(mean)})
    return rows


def _comparisons(pooled: Mapping[str, Pooled]) -> list[Row]:
    """Every pair of systems that generate, the later one of the table against the earlier."""
    names = [name for name in pooled if name != GROUND_TRUTH]
    rows = []
    for index, one in enumerate(names):
        for other in names[:index]:
            a, b = pooled[one], pooled[other]
            both = {name: (a.values[name], b.values[name]) for name in a.values if name in b.values}
            differences = compare(a.replicates, b.replicates, both, BETTER)
            metrics = [{"metric": name, **dataclasses.asdict(found)} for name, found in differences.items()]
            rows.append({"system": one, "against": other, "metrics": metrics})
    return rows


def _series(
    systems: Mapping[str, Mapping[str, list[TakeMeasures]]], pooled: Mapping[str, Pooled], settings: Settings
) -> dict[str, list[Row]]:
    series: dict[str, list[Row]] = {"beats": [], "distance": [], "contact_map": [], "genres": []}
    for system, seeds in systems.items():
        every = [take for takes in seeds.values() for take in takes]
        series["beats"] += _beats_along_time(system, every, settings)
        for take in next(iter(seeds.values())):
            series["distance"] += [
                {"system": system, "take": take.take, "time_s": _time(k, settings), "distance_m": round(float(value), 4)}
                for k, value in enumerate(take.distance_K)
            ]
        if all("PR" in take.sums for take in every):
            shares_PQ = np.sum([take.contact_PQ for take in every], axis=0) / sum(take.num_frames for take in every)
            series["contact_map"] += [
                {"system": system, "leader_part": a, "follower_part": b, "share": round(float(shares_PQ[i, j]), 6)}
                for i, a in enumerate(PARTS)
                for j, b in enumerate(PARTS)
            ]
        series["genres"] += [
            {"system": system, "genre": genre, "metric": name, "value": value}
            for genre, values in pooled[system].by_genre.items()
            for name, value in values.items()
        ]
    return series


def _time(point: int, settings: Settings) -> float:
    return round((point + 0.5) * CURVE_FRAMES / settings.fps, 3)


def _beats_along_time(system: str, takes: Sequence[TakeMeasures], settings: Settings) -> list[Row]:
    longest = max(take.num_frames for take in takes)
    rows = []
    for stretch in range(num_stretches(longest, settings.clip_frames)):
        sums = [take.sums["BAS"][stretch] for take in takes if "BAS" in take.sums and stretch < len(take.sums["BAS"])]
        value = ratio(np.sum(sums, axis=0)) if sums else None
        if value is not None:
            middle = (stretch + 0.5) * settings.clip_frames / settings.fps
            rows.append({"system": system, "time_s": round(middle, 3), "BAS": round(value, 6)})
    return rows
