"""Defects of a couple: those of both dancers, of what they do to each other, and of their song."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from interdance.body.model import Body
from interdance.config import QualityParams
from interdance.quality.defects import ROOT, Defect, Finder, Who, in_order, without_explained
from interdance.quality.motion import dancer_defects, exchanges
from interdance.quality.traces import CoupleTrace, DancerTrace, pieces
from interdance.takes import Duet, Motion

#: Frame rates, divided by each other, that a recording is commonly mistaken by.
RATES = (24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0, 100.0, 119.88, 120.0)
RATE_SLACK = 0.0002  # relative: an exchanged 29.97 and 30 differ by 0.001
BLOCK = 1 << 16  # samples of the song in memory at once


Watch = Callable[[slice, np.ndarray, np.ndarray | None], None]
"""Called with frames and the surfaces (t, 655, 3) of leader and follower at them."""


def inspect_duet(duet: Duet, body: Body, limits: QualityParams, watch: Watch | None = None) -> list[Defect]:
    """Every defect of a take, in order of time.

    The surfaces pass by in pieces of 256 frames, so that memory does not grow with them. Dancers of different length or
    rate are inspected as far as both go, frame by frame. A take without a follower has the leader's and the song's.

    Parameters
    ----------
    duet : Duet
    body : Body
    limits : QualityParams
    watch : callable, optional
        Sees every piece of the surfaces, so that whoever measures more of them need not pose the bodies again.
    """
    leader, follower = duet.leader, duet.follower
    found = inspect_song(duet.music, leader.num_frames, leader.fps, limits)
    if follower is None:
        trace = DancerTrace(leader, body)
        for frames in pieces(leader.num_frames):
            surface = trace.add(frames)
            if watch:
                watch(frames, surface, None)
        return in_order([*found, *dancer_defects(trace, limits, "leader")])
    found += _rates(leader, follower)
    common = min(leader.num_frames, follower.num_frames)
    traces = DancerTrace(leader[:common], body), DancerTrace(follower[:common], body)
    couple = CoupleTrace(common, body)
    for frames in pieces(common):
        one, other = (trace.add(frames) for trace in traces)
        couple.add(frames, one, other)
        if watch:
            watch(frames, one, other)
    return in_order([*found, *couple_defects(traces, couple, limits)])


def couple_defects(traces: tuple[DancerTrace, DancerTrace], couple: CoupleTrace, limits: QualityParams) -> list[Defect]:
    """The defects of two dancers and of what they do to each other, from finished traces of equal length."""
    leader, follower = traces
    find = Finder("couple", len(couple.gap_T), leader.fps)
    if not find.num_frames:
        return []
    swaps, swapped_T = _swaps(find, leader.root_T3, follower.root_T3, limits)
    touch_T = couple.gap_T < limits.lift_gap
    found = swaps
    roles: tuple[Who, Who] = ("leader", "follower")
    for who, trace, partner in zip(roles, traces, traces[::-1], strict=True):
        lifted_T = touch_T & (partner.lowest_T < limits.floating)
        own = dancer_defects(trace, limits, who, lifted_T)
        found += without_explained(own, "teleport", ROOT, swapped_T)
    lost_T = leader.lost() | follower.lost()
    deep_T = (couple.depth_T > limits.penetration) & ~lost_T
    found += find.runs("penetration", "body", deep_T, couple.depth_T, "mm", scale=1000.0, seconds=limits.penetration_s)
    distance = float(np.median(np.linalg.norm(leader.root_T3 - follower.root_T3, axis=1)))
    if distance > limits.apart:
        found.append(find.whole("apart", ROOT, distance, "m"))
    if distance < limits.same:
        found.append(find.whole("same dancer", ROOT, distance, "m"))
    return found


def inspect_song(music: Path | None, num_frames: int, fps: float, limits: QualityParams) -> list[Defect]:
    """A missing, unreadable, short or silent song, and one whose length says that the dance has another rate."""
    find = Finder("music", num_frames, fps)
    if music is None or not music.is_file():
        return [find.whole("no music", "song", 0.0, "")] if limits.needs_music else []
    try:
        with soundfile.SoundFile(music) as stream:
            loudest = 0.0
            for block in stream.blocks(BLOCK, dtype="float32", always_2d=True):
                loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
            seconds = stream.tell() / stream.samplerate
    except (soundfile.SoundFileError, RuntimeError, OSError):
        return [find.whole("no music", "song", 0.0, "s can be read")]
    found, dance = [], num_frames / fps
    if loudest < limits.silence:
        found.append(find.whole("silent music", "song", loudest, "of full scale"))
    if seconds < dance - limits.music_short_s:
        first = min(int(seconds * fps), num_frames - 1)
        share = (num_frames - first) / num_frames
        found.append(Defect("short music", "music", "song", first, num_frames - 1, dance - seconds, "s short", share))
    return found


def rate_ratio(one: float, other: float) -> tuple[float, float] | None:
    """The two common frame rates whose ratio two lengths have, the simplest first; None where they have none or are equal."""
    if one <= 0 or other <= 0 or abs(one / other - 1.0) < RATE_SLACK:
        return None
    for a in RATES:
        for b in RATES:
            if a != b and abs((one / other) / (a / b) - 1.0) < RATE_SLACK:
                return a, b
    return None


def _rates(leader: Motion, follower: Motion) -> list[Defect]:
    """Dancers of different rate or length, and lengths that betray a wrong rate."""
    longest = max(leader.num_frames, follower.num_frames)
    find = Finder("couple", longest, leader.fps)
    drift = abs(1.0 - follower.fps / leader.fps) * longest
    if drift >= 0.5:
        return [find.whole("rate", "body", follower.fps, f"fps against {leader.fps:g}")]
    gap = abs(leader.num_frames - follower.num_frames)
    if not gap:
        return []
    ratio = rate_ratio(leader.num_frames, follower.num_frames)
    if ratio:
        return [find.whole("rate", "body", ratio[1], f"fps against {ratio[0]:g}, by the lengths")]
    common = longest - gap
    return [Defect("length", "couple", "body", common, longest - 1, gap / leader.fps, "s", gap / longest)]


def _swaps(
    find: Finder, leader_T3: np.ndarray, follower_T3: np.ndarray, limits: QualityParams
) -> tuple[list[Defect], np.ndarray]:
    """Stretches in which the two recordings are exchanged, and the frames (T,) about their ends."""
    exchanged_T, moved_T = exchanges(leader_T3, follower_T3, limits.swap)
    places = np.flatnonzero(exchanged_T)
    found, near_T = [], np.zeros(find.num_frames, bool)
    for begin, end in zip(places[::2], [*places[1::2], find.num_frames][: len(places[::2])], strict=True):
        share = (end - begin) / find.num_frames
        found.append(Defect("swap", "couple", "body", int(begin), int(end) - 1, float(moved_T[begin]), "m", share))
    for place in places:
        near_T[max(place - 1, 0) : place + 2] = True
    return found, near_T
