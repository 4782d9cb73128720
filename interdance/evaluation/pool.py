"""The takes and seeds of a system pooled into its row of the table, with bootstrap intervals and paired comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.spatial.distance import pdist, squareform

from interdance.errors import InputError
from interdance.evaluation.measure import TakeMeasures, num_stretches, ratio
from interdance.metrics.frechet import Degenerate, degenerate_dimensions, diversity, frechet_distance, standardise
from interdance.metrics.reference import FEATURES, ClipFeatures, Reference, join
from interdance.metrics.variety import genre_consistency, multimodality
from interdance.report.columns import Better

TAKES_TO_RESAMPLE = 8  # from this many takes on, the bootstrap draws takes; below, stretches of the length of a clip
ROUND = 8  # decimals in results: below what the metrics resolve, above what threads and libraries change

Verdict = Literal["better", "worse", "differs", "undecided"]


@dataclass(frozen=True)
class Pooled:
    """A system's row of the table.

    Attributes
    ----------
    values : metric -> value
        Mean over the seeds.
    intervals : metric -> (low, high), 95 %, from the bootstrap, centred on the value
    spread : metric -> standard deviation over the bootstrap, the ± of tables
    by_seed : seed -> metric -> value
    by_genre : genre -> metric -> value
        Of the mean-like metrics.
    replicates : metric -> float64 (R,)
        The metric in every draw; draw r of two systems on the same takes is the same draw. NaN where a draw held
        nothing to be measured.
    degenerate : features -> dimensions constant in the reference and therefore left out
    warnings : sentences
    """

    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    spread: dict[str, float]
    by_seed: dict[str, dict[str, float]]
    by_genre: dict[str, dict[str, float]]
    replicates: dict[str, np.ndarray]
    degenerate: dict[str, list[int]]
    warnings: list[str]
    num_clips: int
    num_frames: int


@dataclass(frozen=True)
class Difference:
    """One system minus another in one metric: value, 95 % interval, and what it means."""

    difference: float
    low: float
    high: float
    verdict: Verdict


def pool(
    seeds: Mapping[str, Sequence[TakeMeasures]],
    reference: Reference,
    num_bootstrap: int,
    seed: int,
    degenerate: Degenerate = "leave_out",
) -> Pooled:
    """Pool the takes of a system, generated once or with several seeds, into its row of the table.

    The bootstrap draws takes where there are at least 8, otherwise stretches as long as a clip, with replacement, and
    among several seeds the seeds too. Its intervals are centred on the value: resampled sets have repeated clips and so
    a larger FID by construction.

    Parameters
    ----------
    seeds : dict of lists of TakeMeasures
        Seed -> takes, the same takes in the same order for every seed.
    num_bootstrap, seed : int
        Number of draws, and the seed of their generator: systems pooled with the same one are compared draw by draw.

    Raises
    ------
    InputError
        When there are fewer than two clips in all, or the seeds do not have the same takes.
    """
    lists = list(seeds.values())
    first = lists[0]
    for name, takes in seeds.items():
        if [(take.take, take.num_frames) for take in takes] != [(take.take, take.num_frames) for take in first]:
            raise InputError(f"seed {name} has other takes than seed {next(iter(seeds))}; generate every take with each")
    draws = _Draws(first, num_bootstrap, seed, len(lists))
    clips = [join(take.features for take in takes) for takes in lists]

    rows = [_row(takes, features, reference, draws, degenerate) for takes, features in zip(lists, clips, strict=True)]
    across = _multimodality(clips, reference, draws, degenerate) if len(clips) > 1 else {}
    replicates = {name: draws.over_seeds([row[name][1] for row in rows]) for name in _common(rows)}
    values = {name: float(np.mean([row[name][0] for row in rows])) for name in replicates}
    for name, (value, drawn) in across.items():
        values[name], replicates[name] = value, drawn
    intervals, spread = {}, {}
    for name, drawn in replicates.items():
        known = drawn[np.isfinite(drawn)]
        if draws.num_units < 2 or len(known) < 2:
            continue
        low, high = np.percentile(known, [2.5, 97.5]) - known.mean() + values[name]
        intervals[name] = (round(float(low), ROUND), round(float(high), ROUND))
        spread[name] = round(float(known.std(ddof=1)), ROUND)
    return Pooled(
        values=rounded(values),
        intervals=intervals,
        spread=spread,
        by_seed={name: rounded({m: v[0] for m, v in row.items()}) for name, row in zip(seeds, rows, strict=True)},
        by_genre=_by_genre(lists, reference, degenerate),
        replicates=replicates,
        degenerate={
            name: dimensions
            for suffix, name in FEATURES.items()
            if (dimensions := degenerate_dimensions(reference.clips.of(suffix)).tolist())
        },
        warnings=_warnings(first, clips[0], reference, values),
        num_clips=len(clips[0]),
        num_frames=sum(take.num_frames for take in first),
    )


def compare(
    one: Mapping[str, np.ndarray],
    other: Mapping[str, np.ndarray],
    values: Mapping[str, tuple[float, float]],
    better: Mapping[str, Better],
) -> dict[str, Difference]:
    """Paired comparison of two systems in every metric that both have.

    Parameters
    ----------
    one, other : metric -> float64 (R,)
        Replicates of the same draws; see :class:`Pooled`.
    values : metric -> (value of one, value of other)
    better : metric -> which way is better; metrics that are not named have no better way.

    Returns
    -------
    metric -> Difference
        One minus other. The verdict is about ``one``: ``undecided`` when the 95 % interval holds 0, else ``better``,
        ``worse``, or ``differs`` where no way is better.
    """
    result = {}
    for name, (mine, theirs) in values.items():
        drawn = one[name] - other[name]
        drawn = drawn[np.isfinite(drawn)]
        difference = mine - theirs
        if len(drawn) < 2:
            continue
        low, high = np.percentile(drawn, [2.5, 97.5]) - drawn.mean() + difference
        way = better.get(name, "none")
        verdict: Verdict = "undecided"
        if low > 0 or high < 0:
            verdict = "differs" if way == "none" else "better" if (difference > 0) == (way == "up") else "worse"
        result[name] = Difference(round(difference, ROUND), round(float(low), ROUND), round(float(high), ROUND), verdict)
    return result


def rounded(values: Mapping[str, float | None]) -> dict[str, float]:
    """Values as they are stored; what could not be measured is left out."""
    return {name: round(value, ROUND) for name, value in values.items() if value is not None}


Cell = tuple[float, np.ndarray]
"""A metric's value and its replicates."""


class _Draws:
    """Bootstrap draws of resampling units, and how clips and stretches belong to units."""

    def __init__(self, takes: Sequence[TakeMeasures], num_draws: int, seed: int, num_seeds: int) -> None:
        self.by_take = len(takes) >= TAKES_TO_RESAMPLE
        sizes = [1 if self.by_take else num_stretches(take.num_frames, take.stretch_frames) for take in takes]
        firsts = np.cumsum([0, *sizes[:-1]])
        self.num_units = sum(sizes)
        self.unit_N = np.concatenate(
            [
                np.full(len(take.features), first) if self.by_take else first + take.features.start_N // take.stretch_frames
                for take, first in zip(takes, firsts, strict=True)
            ]
        )
        rng = np.random.default_rng(seed)
        even = np.full(self.num_units, 1 / self.num_units)
        self.weights_RU = rng.multinomial(self.num_units, even, size=num_draws).astype(np.float64)
        self.weights_RN = self.weights_RU[:, self.unit_N]
        self._seeds_RS = rng.integers(num_seeds, size=(num_draws, num_seeds))

    def ratio(self, sums: Sequence[np.ndarray]) -> Cell | None:
        """A mean-like metric from its sums by take and stretch; None where nothing was there to be measured."""
        sums_U2 = np.stack([part.sum(axis=0) for part in sums]) if self.by_take else np.concatenate(sums)
        value = ratio(sums_U2.sum(axis=0))
        if value is None:
            return None
        drawn_R2 = self.weights_RU @ sums_U2
        with np.errstate(invalid="ignore", divide="ignore"):
            return value, np.where(drawn_R2[:, 1] > 0, drawn_R2[:, 0] / drawn_R2[:, 1], np.nan)

    def mean(self, values_N: np.ndarray) -> Cell | None:
        """A metric that is a mean over clips; NaN marks clips that have nothing to say."""
        known = np.isfinite(values_N)
        if not known.any():
            return None
        weights_RN = self.weights_RN * known
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = weights_RN @ np.where(known, values_N, 0.0) / weights_RN.sum(axis=1)
        return float(values_N[known].mean()), drawn

    def over_seeds(self, replicates: Sequence[np.ndarray]) -> np.ndarray:
        """Mean over seeds drawn with replacement, in every draw."""
        stacked_RS = np.stack(replicates, axis=1)
        return np.take_along_axis(stacked_RS, self._seeds_RS, axis=1).mean(axis=1)


def _row(
    takes: Sequence[TakeMeasures], clips: ClipFeatures, reference: Reference, draws: _Draws, degenerate: Degenerate
) -> dict[str, Cell]:
    """Every metric of one seed."""
    row: dict[str, Cell | None] = {}
    for suffix in FEATURES:
        generated, known = clips.of(suffix), reference.clips.of(suffix)
        fid_R, div_R = bootstrap(*standardise(generated, known, degenerate), draws.weights_RN)
        row[f"FID_{suffix}"] = frechet_distance(generated, known, degenerate), fid_R
        row[f"Div_{suffix}"] = diversity(generated, known, degenerate), div_R
    for name in _common([take.sums for take in takes]):
        row[name] = draws.ratio([take.sums[name] for take in takes])
    row["genre_consistency"] = draws.mean(_genres(clips, reference, degenerate))
    return {name: cell for name, cell in row.items() if cell is not None}


def _genres(clips: ClipFeatures, reference: Reference, degenerate: Degenerate) -> np.ndarray:
    known = reference.clips
    return genre_consistency(
        np.concatenate([clips.kinetic, clips.geometric], axis=1),
        clips.genre_N,
        clips.take_N,
        np.concatenate([known.kinetic, known.geometric], axis=1),
        known.genre_N,
        known.take_N,
        degenerate,
    )


def _multimodality(
    clips: Sequence[ClipFeatures], reference: Reference, draws: _Draws, degenerate: Degenerate
) -> dict[str, Cell]:
    cells = {
        f"MM_{suffix}": draws.mean(
            multimodality(np.stack([part.of(suffix) for part in clips]), reference.clips.of(suffix), degenerate)
        )
        for suffix in ("k", "cd")
    }
    return {name: cell for name, cell in cells.items() if cell is not None}


def _by_genre(
    seeds: Sequence[Sequence[TakeMeasures]], reference: Reference, degenerate: Degenerate
) -> dict[str, dict[str, float]]:
    result = {}
    for genre in sorted({take.genre for take in seeds[0]} - {""}):
        takes = [take for seed in seeds for take in seed if take.genre == genre]
        values: dict[str, float | None] = {
            name: ratio(np.sum([take.sums[name].sum(axis=0) for take in takes], axis=0))
            for name in _common([take.sums for take in takes])
        }
        clips = join(take.features for take in takes)
        if len(clips) > 1:
            right_N = _genres(clips, reference, degenerate)
            values["genre_consistency"] = float(np.nanmean(right_N)) if np.isfinite(right_N).any() else None
        result[genre] = rounded(values)
    return result


def _common(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Keys that every row has, in the order of the first."""
    return [name for name in rows[0] if all(name in row for row in rows)]


def _warnings(
    takes: Sequence[TakeMeasures], clips: ClipFeatures, reference: Reference, values: Mapping[str, float]
) -> list[str]:
    lines = []
    for suffix in FEATURES:
        fewest, width = min(len(clips), len(reference.clips)), clips.of(suffix).shape[1]
        if fewest <= width:
            lines.append(
                f"FID_{suffix}: {fewest} clips for {width} dimensions; covariances are singular, so compare rows of this "
                "table with each other only"
            )
    if len(takes) < TAKES_TO_RESAMPLE:
        lines.append(
            f"{len(takes)} take(s): intervals come from stretches within takes, and say little about other takes; "
            f"from {TAKES_TO_RESAMPLE} takes on they come from takes"
        )
    for name in takes[0].sums:
        if name not in values:
            lines.append(f"{name}: nothing to measure in these takes")
    return lines


def bootstrap(z_ND: np.ndarray, reference_MD: np.ndarray, draws_RN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """FID and Div of every draw, from weights of the clips: nothing is copied. NaN for draws of fewer than two clips."""
    total_R = draws_RN.sum(axis=1)
    enough = total_R >= 2
    fid_R, div_R = np.full(len(draws_RN), np.nan), np.full(len(draws_RN), np.nan)
    draws_RN, total_R = draws_RN[enough], total_R[enough]
    cov = np.cov(reference_MD.T)
    values, vectors = np.linalg.eigh(np.atleast_2d(cov))
    root_ND = z_ND @ (vectors * np.sqrt(np.maximum(values, 0.0)))
    centre_RD = draws_RN @ root_ND / total_R[:, None]
    overlap_R = np.empty(len(draws_RN))
    for row, weights in enumerate(draws_RN):
        drawn = np.flatnonzero(weights)
        scaled = (root_ND[drawn] - centre_RD[row]) * np.sqrt(weights[drawn] / (total_R[row] - 1))[:, None]
        gram = scaled @ scaled.T if len(drawn) < scaled.shape[1] else scaled.T @ scaled
        overlap_R[row] = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0)).sum()
    mean_RD = draws_RN @ z_ND / total_R[:, None]
    spread_R = (draws_RN @ (z_ND**2).sum(axis=1) - total_R * (mean_RD**2).sum(axis=1)) / (total_R - 1)
    shift_R = ((mean_RD - reference_MD.mean(axis=0)) ** 2).sum(axis=1)
    fid_R[enough] = shift_R + spread_R + values.sum() - 2.0 * overlap_R

    pairs = total_R**2 - (draws_RN**2).sum(axis=1)
    gaps = (draws_RN @ squareform(pdist(z_ND)) * draws_RN).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        div_R[enough] = np.where(pairs > 0, gaps / pairs, np.nan)
    return fid_R, div_R
