"""All metrics of one system: measure each take, then pool the takes, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.distance import pdist, squareform

from interdance.body.distance import EXACT_ACCURACY, LeaderField
from interdance.errors import InputError
from interdance.metrics.features import as_joints
from interdance.metrics.frechet import Degenerate, degenerate_dimensions, diversity, frechet_distance, standardise
from interdance.metrics.interaction import contact_rates, held_hand_distances
from interdance.metrics.plausibility import (
    floor_penetration,
    jitter,
    lodge_skating,
    physical_foot_contact,
    skating_counts,
)
from interdance.metrics.reference import FEATURES, ClipFeatures, Reference, clip_features, cut, join
from interdance.metrics.rhythm import beat_align_score, beat_echo_degree, motion_beats

NUM_JOINTS = 55
TAKES_TO_RESAMPLE = 8  # from this many takes on, the bootstrap draws takes; below, stretches of the length of a clip
PREPARED_FRAMES = 2000  # kept of a leader, 0.2 MB each; of longer takes frames are prepared again for each follower
ROUND = 8  # decimals in results: below what the metrics resolve, above what threads and libraries change


@dataclass(frozen=True)
class Settings:
    """How takes are cut, and the thresholds.

    Attributes
    ----------
    clip_frames, clip_stride : int
    contact_distance : float
        Vertices nearer than this are in contact, metres.
    held_distance : float
        A true follower's hand nearer to the leader than this is held, metres.
    fps : float
    """

    clip_frames: int
    clip_stride: int
    contact_distance: float
    held_distance: float
    fps: float


@dataclass(frozen=True)
class Surface:
    """What must be known of the 710 points: the triangles (F, 3) between the vertices, and the points of each hand."""

    faces: np.ndarray
    left_hand: np.ndarray
    right_hand: np.ndarray


class Leader:
    """A leader to measure several followers against: points (T, 710, 3), and the body prepared for depth queries."""

    def __init__(self, points_TP3: np.ndarray, surface: Surface) -> None:
        self.points_TP3 = points_TP3
        self.vertices_TV3 = points_TP3[:, NUM_JOINTS:]
        self._field = LeaderField(self.vertices_TV3, surface.faces, margin=0.0, max_prepared=PREPARED_FRAMES)

    def inside_rate(self, follower_TV3: np.ndarray) -> np.ndarray:
        """Share of the follower's vertices inside the leader, (T,); frames far apart cost nothing."""
        points = torch.from_numpy(np.ascontiguousarray(follower_TV3, np.float32))
        depth, _ = self._field.measure(points, np.arange(len(points)), EXACT_ACCURACY)
        return (depth.numpy() > 0.0).mean(axis=1)


@dataclass(frozen=True)
class TakeMeasures:
    """One take of one system, measured.

    Attributes
    ----------
    features : ClipFeatures
    sums : dict of float64 (S, 2)
        For every mean-like metric, numerator and denominator by stretch of the take: their ratio is the metric.
    """

    take: str
    num_frames: int
    features: ClipFeatures
    sums: dict[str, np.ndarray]

    def values(self) -> dict[str, float | None]:
        """The mean-like metrics of this take alone; None where nothing was there to be measured."""
        return {name: _ratio(sums.sum(axis=0)) for name, sums in self.sums.items()}


@dataclass(frozen=True)
class Result:
    """A system's row of the table.

    Attributes
    ----------
    values : metric -> value
    intervals : metric -> (low, high), 95 %, from the bootstrap, centred on the value
    spread : metric -> standard deviation over the bootstrap
    degenerate : features -> dimensions constant in the reference and therefore left out
    warnings : sentences
    """

    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    spread: dict[str, float]
    degenerate: dict[str, list[int]]
    warnings: list[str]
    num_clips: int
    num_frames: int


def measure_take(
    take: str,
    lead: Leader,
    follower_TP3: np.ndarray,
    true_TP3: np.ndarray | None,
    beats: np.ndarray,
    surface: Surface,
    settings: Settings,
) -> TakeMeasures:
    """Measure a follower against its leader, and against the true follower where there is one.

    Parameters
    ----------
    lead : Leader
    follower_TP3, true_TP3 : array (T, 710, 3)
        Joints, then surface vertices, metres, in the world.
    beats : int array
        Frames of the music's beats.

    Raises
    ------
    InputError
        Naming the take, for frames that do not agree, NaN, or a take shorter than a clip.
    """
    leader_TP3 = lead.points_TP3
    num_frames = len(leader_TP3)
    for name, points in (("the follower", follower_TP3), ("the true follower", true_TP3)):
        if points is not None and points.shape != leader_TP3.shape:
            raise InputError(f"take {take}: {name} has points {points.shape}, the leader {leader_TP3.shape}")
    as_joints(leader_TP3, f"take {take}: the leader")
    as_joints(follower_TP3, f"take {take}: the follower")
    leader, follower = leader_TP3[:, :NUM_JOINTS], follower_TP3[:, :NUM_JOINTS]
    features = clip_features(take, leader, follower, settings.clip_frames, settings.clip_stride)

    stretch_T = np.arange(num_frames) // settings.clip_frames
    stretch_N = features.start_N // settings.clip_frames
    num_stretches = int(stretch_T[-1]) + 1

    def sums(stretch: np.ndarray, top: np.ndarray, bottom: np.ndarray | float = 1.0) -> np.ndarray:
        bottom = np.broadcast_to(np.asarray(bottom, np.float64), stretch.shape)
        columns = [np.bincount(stretch, weights=column, minlength=num_stretches) for column in (top, bottom)]
        return np.stack(columns, axis=-1)

    def means(stretch: np.ndarray, values: np.ndarray) -> np.ndarray:
        """NaN marks where the metric has nothing to say."""
        known = np.isfinite(values)
        return sums(stretch, np.where(known, values, 0.0), known.astype(np.float64))

    inside_T = lead.inside_rate(follower_TP3[:, NUM_JOINTS:])
    contact = contact_rates(lead.vertices_TV3, follower_TP3[:, NUM_JOINTS:], settings.contact_distance)
    leader_clips = cut(leader, features.start_N, settings.clip_frames)
    clips = cut(follower, features.start_N, settings.clip_frames)
    clip_beats = [
        beats[(beats >= start) & (beats < start + settings.clip_frames)] - start for start in features.start_N
    ]
    vertices = cut(follower_TP3[:, NUM_JOINTS:], features.start_N, settings.clip_frames)
    skating = np.array([skating_counts(clip) for clip in clips], np.float64)
    table = {
        "PR": sums(stretch_T, inside_T),
        "CF": sums(stretch_T, contact.contact_T.astype(np.float64)),
        "CLR": sums(stretch_T, contact.leader_rate_T),
        "CFR": sums(stretch_T, contact.follower_rate_T),
        "CVR": sums(stretch_T, (contact.leader_rate_T + contact.follower_rate_T) / 2),
        "BED": means(stretch_N, _echoes(leader_clips, clips)),
        "BAS": means(stretch_N, _alignments(clips, clip_beats, "duolando")),
        "BAS_aistpp": means(stretch_N, _alignments(clips, clip_beats, "aistpp")),
        "PFC": sums(stretch_N, np.array([physical_foot_contact(clip, settings.fps) for clip in clips])),
        "skating_duolando": sums(stretch_N, skating[:, 0], skating[:, 1]),
        "skating_lodge": sums(stretch_N, np.array([lodge_skating(clip).mean() for clip in clips])),
        "floor_mm": sums(stretch_N, np.array([floor_penetration(clip) for clip in vertices]) * 1000),
        "jitter": sums(stretch_N, np.array([jitter(clip, settings.fps) for clip in clips])),
    }
    if true_TP3 is not None:
        error_T = np.linalg.norm(follower.astype(np.float64) - true_TP3[:, :NUM_JOINTS], axis=-1).mean(axis=1)
        table["joint_error_mm"] = sums(stretch_T, error_T * 1000)
        hands = [
            held_hand_distances(lead.vertices_TV3, follower_TP3[:, hand], true_TP3[:, hand], settings.held_distance)
            for hand in (surface.left_hand, surface.right_hand)
        ]
        table["held_hand_mm"] = np.sum([means(stretch_T, hand * 1000) for hand in hands], axis=0)
    return TakeMeasures(take, num_frames, features, table)


def summarise(
    takes: Sequence[TakeMeasures],
    reference: Reference,
    num_bootstrap: int,
    seed: int,
    degenerate: Degenerate = "leave_out",
) -> Result:
    """Pool the takes of a system into its row of the table.

    The bootstrap draws takes where there are at least 8, otherwise stretches as long as a clip, with replacement. Its
    intervals are centred on the value: resampled sets have repeated clips and so a larger FID by construction.

    Raises
    ------
    InputError
        When there are fewer than two clips in all.
    """
    clips = join(take.features for take in takes)
    by_take = len(takes) >= TAKES_TO_RESAMPLE
    units, clip_unit_N = _units(takes, clips, by_take)
    rng = np.random.default_rng(seed)
    draws_RU = rng.multinomial(units, np.full(units, 1 / units), size=num_bootstrap).astype(np.float64)
    draws_RN = draws_RU[:, clip_unit_N]

    values: dict[str, float] = {}
    replicates: dict[str, np.ndarray] = {}
    left_out: dict[str, list[int]] = {}
    warnings: list[str] = []
    for suffix, name in FEATURES.items():
        generated, known = clips.of(suffix), reference.clips.of(suffix)
        values[f"FID_{suffix}"] = frechet_distance(generated, known, degenerate)
        values[f"Div_{suffix}"] = diversity(generated, known, degenerate)
        left_out[name] = degenerate_dimensions(known).tolist()
        fid_R, div_R = _bootstrap(*standardise(generated, known, degenerate), draws_RN)
        replicates[f"FID_{suffix}"], replicates[f"Div_{suffix}"] = fid_R, div_R
        fewest = min(len(generated), len(known))
        if fewest <= generated.shape[1]:
            warnings.append(
                f"FID_{suffix}: {fewest} clips for {generated.shape[1]} dimensions; covariances are singular, "
                "so compare rows of this table with each other only"
            )
    for name in takes[0].sums:
        sums_U2 = _unit_sums([take.sums[name] for take in takes], by_take)
        value = _ratio(sums_U2.sum(axis=0))
        if value is None:
            warnings.append(f"{name}: nothing to measure in these takes")
            continue
        values[name] = value
        drawn_R2 = draws_RU @ sums_U2
        replicates[name] = drawn_R2[drawn_R2[:, 1] > 0, 0] / drawn_R2[drawn_R2[:, 1] > 0, 1]
    intervals, spread = {}, {}
    for name, drawn in replicates.items():
        if units < 2 or len(drawn) < 2:
            continue
        low, high = np.percentile(drawn, [2.5, 97.5]) - drawn.mean() + values[name]
        intervals[name] = (round(float(low), ROUND), round(float(high), ROUND))
        spread[name] = round(float(drawn.std(ddof=1)), ROUND)
    return Result(
        values={name: round(value, ROUND) for name, value in values.items()},
        intervals=intervals,
        spread=spread,
        degenerate={name: dimensions for name, dimensions in left_out.items() if dimensions},
        warnings=warnings,
        num_clips=len(clips),
        num_frames=sum(take.num_frames for take in takes),
    )


def _units(takes: Sequence[TakeMeasures], clips: ClipFeatures, by_take: bool) -> tuple[int, np.ndarray]:
    """Number of resampling units, and the unit of each clip."""
    if by_take:
        return len(takes), np.repeat(np.arange(len(takes)), [len(take.features) for take in takes])
    sizes = [len(take.sums["PR"]) for take in takes]
    first = np.cumsum([0, *sizes[:-1]])
    length = _stretch_frames(takes)
    rows = [start + take.features.start_N // length for start, take in zip(first, takes, strict=True)]
    return sum(sizes), np.concatenate(rows)


def _stretch_frames(takes: Sequence[TakeMeasures]) -> int:
    return int(takes[0].sums["PR"][0, 1])  # PR counts frames: the first stretch is a whole one


def _unit_sums(sums: Sequence[np.ndarray], by_take: bool) -> np.ndarray:
    return np.stack([part.sum(axis=0) for part in sums]) if by_take else np.concatenate(sums)


def _bootstrap(z_ND: np.ndarray, reference_MD: np.ndarray, draws_RN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """FID and Div of every draw, from weights of the clips: nothing is copied."""
    draws_RN = draws_RN[draws_RN.sum(axis=1) >= 2]
    total_R = draws_RN.sum(axis=1)
    cov = np.cov(reference_MD.T)
    values, vectors = np.linalg.eigh(cov)
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
    fid = shift_R + spread_R + np.trace(cov) - 2.0 * overlap_R

    pairs = total_R**2 - (draws_RN**2).sum(axis=1)
    gaps = (draws_RN @ squareform(pdist(z_ND)) * draws_RN).sum(axis=1)
    return fid, gaps[pairs > 0] / pairs[pairs > 0]


def _echoes(leader_NTJ3: np.ndarray, follower_NTJ3: np.ndarray) -> np.ndarray:
    """BED of every clip; NaN where the leader has no beat."""
    scores = np.full(len(leader_NTJ3), np.nan)
    for row, beats in enumerate(motion_beats(leader_NTJ3)):
        if len(beats):
            scores[row] = beat_echo_degree(leader_NTJ3[row], follower_NTJ3[row])
    return scores


def _alignments(follower_NTJ3: np.ndarray, beats: Sequence[np.ndarray], variant: str) -> np.ndarray:
    """BAS of every clip; NaN where the music has no beat."""
    scores = np.full(len(follower_NTJ3), np.nan)
    last = follower_NTJ3.shape[1] - 1
    for row, frames in enumerate(beats):
        if (frames < last).any():
            scores[row] = beat_align_score(follower_NTJ3[row], frames, variant)  # type: ignore[arg-type]
    return scores


def _ratio(sums: np.ndarray) -> float | None:
    return float(sums[0] / sums[1]) if sums[1] > 0 else None


def rounded(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Values as they are stored."""
    return {name: None if value is None else round(value, ROUND) for name, value in values.items()}
