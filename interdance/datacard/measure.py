"""One take of a data set measured: contact, penetration, feet, fingers, rhythm, distance, tempo, defects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from interdance.body.distance import EXACT_ACCURACY, LeaderField
from interdance.body.model import Body
from interdance.body.nearest import nearest_distance
from interdance.body.rotations import matrices
from interdance.body.skeleton import LEFT_FINGERS, RIGHT_FINGERS
from interdance.config import Params, QualityParams
from interdance.errors import InputError
from interdance.metrics.fidelity import partner_distance
from interdance.metrics.plausibility import lodge_skating, skating_counts
from interdance.metrics.reference import clip_batches, clip_starts, cut
from interdance.metrics.rhythm import alignment, echo, motion_beats
from interdance.music.features import BEATS, music_features
from interdance.quality.duet import inspect_duet
from interdance.quality.verdict import verdict
from interdance.report.datacard import DISTANCE_BIN
from interdance.takes import Duet, Motion, read_take

FINGERS = [*LEFT_FINGERS, *RIGHT_FINGERS]
DISTANCE_BINS = 250
"""Distances between partners are counted in bins of 2 cm up to 5 m, so that they can be pooled without being kept."""

Record = dict[str, Any]
"""What is known of a take, JSON-ready. ``sums`` holds numerator and denominator of every rate, so that takes add up."""


@dataclass(frozen=True)
class Settings:
    """How takes are measured.

    Attributes
    ----------
    contact_distance : float
        Vertices nearer than this are in contact (CF), metres.
    clip_frames, clip_stride : int
        Rhythm and feet are measured in clips.
    hop : int
        Samples per frame of the music's analysis.
    tolerance_s : float
        Seconds by which a song may end before the dance.
    near_distance : float
        A point nearer to the partner's surface than this touches it, metres.
    limits : QualityParams
        What is a defect.
    """

    contact_distance: float
    clip_frames: int
    clip_stride: int
    hop: int
    tolerance_s: float
    near_distance: float
    limits: QualityParams

    @staticmethod
    def of(params: Params) -> Settings:
        """Those of the parameters."""
        measured = params.evaluate
        return Settings(
            measured.contact_distance,
            measured.clip_frames,
            measured.clip_stride,
            params.music.hop,
            params.music.tolerance_s,
            params.datacard.near_distance,
            params.quality,
        )


def measure_take(folder: Path, body: Body, settings: Settings) -> Record:
    """Measure a take (a folder with ``take.json``).

    Surfaces pass by in pieces and each body is posed once, for defects and contact alike. CF, CLR, CFR, PR, BED, BAS and
    skating are those of ``interdance evaluate`` on the 655 sampled vertices, of the follower against the leader.

    Raises
    ------
    InputError
        For a take that cannot be read.
    """
    duet = read_take(folder)
    surfaces = _Surfaces(body, settings)
    defects = inspect_duet(duet, body, settings.limits, watch=surfaces.add)
    num_frames, fps = duet.leader.num_frames, duet.leader.fps
    beats = _beats(duet, settings)
    record: Record = {
        "genre": duet.genre,
        "frames": num_frames,
        "seconds": num_frames / fps,
        "fps": fps,
        "dancers": 1 if duet.follower is None else 2,
        "music": duet.music is not None and duet.music.is_file(),
        "mocap": bool(duet.facts.get("mocap", not duet.facts.get("synthetic", False))),
        "tempo_bpm": _tempo(duet, beats),
        "tempo_from": "the take" if _told_tempo(duet.facts) else "the music" if beats is not None else "",
        "holds": hold_seconds(duet.facts.get("holds"), num_frames / fps),
        "finger_degrees": [finger_motion(dancer) for dancer in (duet.leader, duet.follower) if dancer is not None],
        "defects": dict(Counter(item.kind for item in defects)),
        "verdict": verdict(defects, num_frames, settings.limits),
        "sums": surfaces.sums | _along_joints(duet, body, beats, settings),
        "distance": [],
    }
    if duet.follower is not None:
        record["distance"] = _distances(duet.leader, duet.follower, body)
    return record


def hold_seconds(holds: Any, seconds: float) -> dict[str, float]:
    """Seconds in each hold, from ``[[time, hold], ...]`` in order of time; each lasts until the next."""
    if not isinstance(holds, list) or not holds or not all(map(_is_hold, holds)):
        return {}
    lasts: dict[str, float] = defaultdict(float)
    ends = [*(float(time) for time, _ in holds[1:]), seconds]
    for (time, hold), end in zip(holds, ends, strict=True):
        lasts[str(hold)] += max(min(end, seconds) - max(float(time), 0.0), 0.0)
    return {hold: round(value, 3) for hold, value in lasts.items() if value > 0}


def _is_hold(item: Any) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], int | float)


def finger_motion(motion: Motion) -> float:
    """How far fingers are turned from their mean pose: degrees, root mean square over time and the 30 joints.

    0 for hands that were not captured and were given one pose.
    """
    rotations = matrices(motion.rotations_TJ3[:, FINGERS])
    mean = rotations.mean(axis=0)
    # |R - mean|² averages to 2 (1 - cos a) for rotations scattered by an angle a about their mean.
    scatter = float(((rotations - mean) ** 2).sum(axis=(2, 3)).mean()) / 2.0
    return float(np.degrees(np.sqrt(max(scatter, 0.0))))


class _Surfaces:
    """What two surfaces do to each other, summed over the pieces that pass by."""

    def __init__(self, body: Body, settings: Settings) -> None:
        self.body, self.settings = body, settings
        self.sums: dict[str, list[float]] = {}

    def add(self, frames: slice, leader_TV3: np.ndarray, follower_TV3: np.ndarray | None) -> None:
        del frames
        if follower_TV3 is None:
            return
        near = self.settings.contact_distance
        contact_TV = np.isfinite(nearest_distance(follower_TV3, leader_TV3, near)[0])
        touched_T = np.asarray(contact_TV.any(axis=1))
        back_TV = np.isfinite(nearest_distance(leader_TV3[touched_T], follower_TV3[touched_T], near)[0])
        margin = self.settings.near_distance
        field = LeaderField(leader_TV3, self.body.surface_faces, margin=margin, max_prepared=len(leader_TV3))
        points = torch.from_numpy(np.ascontiguousarray(follower_TV3, np.float32))
        depth_TV = field.measure(points, np.arange(len(leader_TV3)), EXACT_ACCURACY)[0].numpy()
        count, vertices = len(touched_T), follower_TV3.shape[1]
        self._sum("CF", touched_T.sum(), count)
        self._sum("CFR", contact_TV.sum(), count * vertices)
        self._sum("CLR", back_TV.sum(), count * vertices)
        self._sum("PR", (depth_TV > 0.0).sum(), count * vertices)
        self._sum("near", (depth_TV > -margin).any(axis=1).sum(), count)

    def _sum(self, name: str, top: float, bottom: float) -> None:
        before = self.sums.get(name, [0.0, 0.0])
        self.sums[name] = [before[0] + float(top), before[1] + float(bottom)]


def _along_joints(duet: Duet, body: Body, beats: np.ndarray | None, settings: Settings) -> dict[str, list[float]]:
    """Rhythm and feet, clip by clip, as evaluation measures them; of a solo dancer the feet alone."""
    sums: dict[str, list[float]] = {}

    def add(name: str, top: float | None, bottom: float = 1.0) -> None:
        if top is not None:
            before = sums.setdefault(name, [0.0, 0.0])
            sums[name] = [before[0] + float(top), before[1] + bottom]

    length = settings.clip_frames
    common = min(dancer.num_frames for dancer in (duet.leader, duet.follower) if dancer is not None)
    leader = body.joints(duet.leader[:common])
    dancer = leader if duet.follower is None else body.joints(duet.follower[:common])
    for batch in clip_batches(clip_starts(common, length, settings.clip_stride)):
        clips = cut(dancer, batch, length).astype(np.float64)
        own = motion_beats(clips)
        if duet.follower is not None:
            others = motion_beats(cut(leader, batch, length).astype(np.float64))
            for mine, other in zip(own, others, strict=True):
                add("BED", echo(other, mine))
        for row, start in enumerate(batch):
            if beats is not None:
                heard = beats[(beats >= start) & (beats < start + length)] - start
                add("BAS", alignment(own[row], heard, length))
            add("skating_duolando", *map(float, skating_counts(clips[row])))
            add("skating_lodge", float(lodge_skating(clips[row]).mean()))
    return sums


def _beats(duet: Duet, settings: Settings) -> np.ndarray | None:
    """Frames of the song's beats; None without a song that lasts."""
    if duet.music is None or not duet.music.is_file():
        return None
    fps = round(duet.leader.fps)
    try:
        rows = music_features(duet.music, duet.leader.num_frames, fps, settings.hop, settings.tolerance_s)
    except InputError:
        return None  # what is wrong with the song is among the defects
    return np.flatnonzero(rows[:, BEATS] > 0.5)


def _told_tempo(facts: Mapping[str, Any]) -> bool:
    tempo = facts.get("tempo_bpm")
    return isinstance(tempo, int | float) and not isinstance(tempo, bool) and tempo > 0


def _tempo(duet: Duet, beats: np.ndarray | None) -> float | None:
    """Beats per minute: what the take says, or the slope of the line through the beats heard."""
    if _told_tempo(duet.facts):
        return float(duet.facts["tempo_bpm"])
    if beats is None or len(beats) < 4:
        return None
    slope = float(np.polyfit(np.arange(len(beats)), beats, 1)[0])
    return round(60.0 * duet.leader.fps / slope, 2)


def _distances(leader: Motion, follower: Motion, body: Body) -> list[int]:
    common = min(leader.num_frames, follower.num_frames)
    distance_T = partner_distance(body.joints(leader[:common]), body.joints(follower[:common]))
    bins = np.minimum((distance_T / DISTANCE_BIN).astype(np.int64), DISTANCE_BINS - 1)
    return np.bincount(bins, minlength=DISTANCE_BINS).tolist()
