"""One take measured: every metric of several followers of one leader, from surfaces that pass by in pieces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from interdance.body.distance import EXACT_ACCURACY, LeaderField
from interdance.body.intersection import surfaces_meet
from interdance.body.meeting import contacts
from interdance.body.skeleton import PARTS
from interdance.errors import InputError
from interdance.evaluation.meeting import PIECE
from interdance.evaluation.performer import Performer, Surface
from interdance.evaluation.settings import Settings
from interdance.metrics.features import as_joints
from interdance.metrics.fidelity import (
    distance_error,
    drift,
    hand_contact,
    held_hand_distances,
    joint_error,
    partner_distance,
)
from interdance.metrics.interaction import INFLATION
from interdance.metrics.plausibility import jitter, lodge_skating, physical_foot_contact, skating_counts
from interdance.metrics.reference import ClipFeatures, clip_batches, clip_features, cut
from interdance.metrics.rhythm import alignment, echo, motion_beats

CURVE_FRAMES = 6  # frames per point of the distance curves

Sums = dict[str, np.ndarray]


@dataclass(frozen=True)
class TakeMeasures:
    """One follower of one take, measured.

    Attributes
    ----------
    stretch_frames : int
        Length of the stretches of ``sums``: that of a clip.
    features : ClipFeatures
    sums : dict of float64 (S, 2)
        For every mean-like metric, numerator and denominator by stretch (as long as a clip) of the take: their ratio is
        the metric. What cannot be measured of this dancer is absent.
    distance_K : float64 (K,)
        Distance between the pelvises over the floor, metres, means over 6 frames.
    contact_PQ : int64 (16, 16)
        Frames in which the leader's part is in contact with the follower's part.
    """

    take: str
    genre: str
    num_frames: int
    stretch_frames: int
    features: ClipFeatures
    sums: Sums
    distance_K: np.ndarray
    contact_PQ: np.ndarray

    def values(self) -> dict[str, float | None]:
        """The mean-like metrics of this take alone; None where nothing was there to be measured."""
        return {name: ratio(sums.sum(axis=0)) for name, sums in self.sums.items()}


def ratio(sums: np.ndarray) -> float | None:
    """Numerator over denominator; None when the denominator is 0."""
    return float(sums[0] / sums[1]) if sums[1] > 0 else None


def measure_take(
    take: str,
    genre: str,
    leader: Performer,
    followers: Mapping[str, Performer],
    true: Performer | None,
    beats: np.ndarray | None,
    surface: Surface,
    settings: Settings,
) -> dict[str, TakeMeasures]:
    """Measure followers against one leader, and against the true follower where there is one.

    The leader's body is prepared once for all of them.

    Parameters
    ----------
    leader : Performer
    followers : dict of Performer
        By any name.
    true : Performer, optional
        The follower who really danced.
    beats : int array, optional
        Frames of the music's beats; without music there is no beat alignment.

    Raises
    ------
    InputError
        Naming the take, for lengths that do not agree, NaN, or a take shorter than a clip.
    """
    check_lengths(take, leader, {**followers, **({"the true follower": true} if true else {})})
    touching = _along_surfaces(leader, followers, true, surface, settings)
    measured = {}
    for name, follower in followers.items():
        frames = touching.get(name, _Frames(leader.num_frames)) if leader.vertices else _Frames(leader.num_frames)
        table = frames.sums(settings.clip_frames)
        features = clip_features(
            take, leader.joints_TJ3, follower.joints_TJ3, settings.clip_frames, settings.clip_stride, genre
        )
        table |= _along_clips(leader, follower, beats, features.start_N, settings)
        table |= _along_joints(leader, follower, true, settings)
        distance = partner_distance(leader.joints_TJ3, follower.joints_TJ3)
        points = len(distance) // CURVE_FRAMES
        measured[name] = TakeMeasures(
            take=take,
            genre=genre,
            num_frames=leader.num_frames,
            stretch_frames=settings.clip_frames,
            features=features,
            sums=table,
            distance_K=distance[: points * CURVE_FRAMES].reshape(points, CURVE_FRAMES).mean(axis=1),
            contact_PQ=frames.contact_PQ,
        )
    return measured


def check_lengths(take: str, leader: Performer, others: Mapping[str, Performer]) -> None:
    """Refuse dancers of another length than the leader's, and joints that hold NaN."""
    as_joints(leader.joints_TJ3, f"take {take}: the leader")
    for name, dancer in others.items():
        who = name if name.startswith("the ") else f"the follower of {name}"
        if dancer.joints_TJ3.shape != leader.joints_TJ3.shape:
            raise InputError(
                f"take {take}: {who} has joints {dancer.joints_TJ3.shape}, the leader {leader.joints_TJ3.shape}; "
                "cut or generate them anew"
            )
        as_joints(dancer.joints_TJ3, f"take {take}: {who}")


class _Frames:
    """Per-frame values of one follower, gathered piece by piece."""

    def __init__(self, num_frames: int) -> None:
        self.num_frames = num_frames
        self.contact_PQ = np.zeros((len(PARTS), len(PARTS)), np.int64)
        self._pieces: dict[str, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)

    def add(self, name: str, top: np.ndarray, bottom: np.ndarray | None = None) -> None:
        """Values of the next frames; without ``bottom`` every frame counts once."""
        self._pieces[name].append((np.asarray(top, np.float64), np.ones(len(top)) if bottom is None else bottom))

    def sums(self, stretch: int) -> Sums:
        where_T = np.arange(self.num_frames) // stretch
        return {
            name: stretch_sums(
                where_T,
                num_stretches(self.num_frames, stretch),
                *(np.concatenate(column) for column in zip(*pieces, strict=True)),
            )
            for name, pieces in self._pieces.items()
        }


def num_stretches(num_frames: int, stretch: int) -> int:
    """Stretches of a take, the last one perhaps shorter."""
    return -(-num_frames // stretch)


def stretch_sums(where: np.ndarray, num_stretches: int, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Numerators and denominators (S, 2) by stretch; rows whose ``top`` is NaN count for nothing."""
    known = np.isfinite(top)
    columns = (np.where(known, top, 0.0), np.where(known, bottom, 0.0))
    return np.stack([np.bincount(where, weights=column, minlength=num_stretches) for column in columns], axis=-1)


def _along_surfaces(
    leader: Performer,
    followers: Mapping[str, Performer],
    true: Performer | None,
    surface: Surface,
    settings: Settings,
) -> dict[str, _Frames]:
    """What the surfaces tell, frame by frame."""
    frames = {name: _Frames(leader.num_frames) for name, follower in followers.items() if follower.vertices}
    if leader.vertices is None or not frames:
        return frames
    step = PIECE[surface.name]
    for start in range(0, leader.num_frames, step):
        piece = slice(start, min(start + step, leader.num_frames))
        lead = leader.vertices(piece)
        field = LeaderField(lead, surface.faces, margin=0.0, max_prepared=step)
        true_vertices, truly_T2 = None, None
        if true is not None and true.vertices:
            true_vertices = true.vertices(piece)
            hands = (surface.left_hand_V, surface.right_hand_V)
            truly = [hand_contact(lead, true_vertices[:, hand], settings.held_distance) for hand in hands]
            truly_T2 = np.stack(truly, axis=1)
        for name, gathered in frames.items():
            follower = followers[name]
            if follower is true and true_vertices is not None:
                vertices = true_vertices
            elif follower.vertices:
                vertices = follower.vertices(piece)
            _add_piece(gathered, lead, vertices, truly_T2, field, surface, settings)
    return frames


def _add_piece(
    frames: _Frames,
    lead_TV3: np.ndarray,
    follow_TV3: np.ndarray,
    truly_T2: np.ndarray | None,
    field: LeaderField,
    surface: Surface,
    settings: Settings,
) -> None:
    depth, _ = field.measure(torch.from_numpy(follow_TV3), np.arange(len(lead_TV3)), EXACT_ACCURACY)
    frames.add("PR", (depth.numpy() > 0.0).mean(axis=1))
    # One search as far as a hand may be to hold on serves contact too.
    touching = contacts(lead_TV3, follow_TV3, settings.contact_distance, settings.held_distance)
    contact_TV = touching.follower_near_TV
    leader_rate_T, follower_rate_T = touching.leader_near_TV.mean(axis=1), contact_TV.mean(axis=1)
    frames.add("CF", touching.contact())
    frames.add("CLR", leader_rate_T)
    frames.add("CFR", follower_rate_T)
    frames.add("CVR", (leader_rate_T + follower_rate_T) / 2)
    frames.add("CF_duolando", surfaces_meet(lead_TV3, follow_TV3, surface.faces, surface.faces, INFLATION))
    lowest_T = follow_TV3[..., 1].min(axis=1).astype(np.float64)
    frames.add("floor_mm", np.maximum(-lowest_T, 0.0) * 1000)
    frames.add("floating_mm", np.maximum(lowest_T, 0.0) * 1000)

    frame, vertex = np.nonzero(contact_TV)
    pair = surface.part_V[touching.partner_TW[frame, vertex]] * len(PARTS) + surface.part_V[vertex]
    seen = np.unique(frame * len(PARTS) ** 2 + pair) % len(PARTS) ** 2
    frames.contact_PQ += np.bincount(seen, minlength=len(PARTS) ** 2).reshape(len(PARTS), len(PARTS))

    if truly_T2 is None:
        return
    hands = (surface.left_hand_V, surface.right_hand_V)
    touches_T2 = np.stack([(touching.gap_TW[:, hand] < settings.held_distance).any(axis=1) for hand in hands], axis=1)
    both_T = (touches_T2 & truly_T2).sum(axis=1).astype(np.float64)
    frames.add("hand_precision", both_T, touches_T2.sum(axis=1).astype(np.float64))
    frames.add("hand_recall", both_T, truly_T2.sum(axis=1).astype(np.float64))
    held_T2 = np.stack(
        [held_hand_distances(lead_TV3, follow_TV3[:, hand], truly_T2[:, side]) for side, hand in enumerate(hands)], axis=1
    )
    frames.add("held_hand_mm", np.nansum(held_T2, axis=1) * 1000, np.isfinite(held_T2).sum(axis=1).astype(np.float64))


def _along_joints(leader: Performer, follower: Performer, true: Performer | None, settings: Settings) -> Sums:
    """What the joints tell of a whole take against the true follower."""
    if true is None:
        return {}
    where_T = np.arange(leader.num_frames) // settings.clip_frames
    count = num_stretches(leader.num_frames, settings.clip_frames)
    ones_T = np.ones(leader.num_frames)
    away_T = distance_error(leader.joints_TJ3, follower.joints_TJ3, true.joints_TJ3) * 1000
    return {
        "joint_error_mm": stretch_sums(where_T, count, joint_error(follower.joints_TJ3, true.joints_TJ3) * 1000, ones_T),
        "distance_error_mm": stretch_sums(where_T, count, away_T, ones_T),
        "drift_mm_per_s": stretch_sums(where_T, count, *drift(away_T, settings.fps)),
    }


def _along_clips(
    leader: Performer, follower: Performer, beats: np.ndarray | None, starts: np.ndarray, settings: Settings
) -> Sums:
    """Metrics of clips, summed by the stretch that a clip starts in."""
    length = settings.clip_frames
    rows: dict[str, list[tuple[float | None, float]]] = defaultdict(list)
    for batch in clip_batches(starts):
        lead, follow = (cut(dancer.joints_TJ3, batch, length).astype(np.float64) for dancer in (leader, follower))
        lead_beats, follow_beats, slow_beats = motion_beats(lead), motion_beats(follow), motion_beats(follow, "aistpp")
        for row, start in enumerate(batch):
            clip = follow[row]
            rows["BED"].append((echo(lead_beats[row], follow_beats[row]), 1.0))
            if beats is not None:
                heard = beats[(beats >= start) & (beats < start + length)] - start
                rows["BAS"].append((alignment(follow_beats[row], heard, length), 1.0))
                rows["BAS_aistpp"].append((alignment(slow_beats[row], heard, length, "aistpp"), 1.0))
            rows["PFC"].append((physical_foot_contact(clip, settings.fps), 1.0))
            rows["skating_duolando"].append(skating_counts(clip))
            rows["skating_lodge"].append((float(lodge_skating(clip).mean()), 1.0))
            rows["jitter"].append((jitter(clip, settings.fps), 1.0))
    where_N, count = starts // length, num_stretches(leader.num_frames, length)
    return {
        name: stretch_sums(where_N, count, *np.array(pairs, np.float64).T)  # None becomes NaN: nothing to say
        for name, pairs in rows.items()
    }
