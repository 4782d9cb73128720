"""A routine: figures of a genre one after the other, as landings, holds and accents in seconds and world metres."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin
from typing import Any

import numpy as np

from interdance.choreography.accents import Event
from interdance.choreography.anatomy import Anatomy
from interdance.choreography.gait import Landing
from interdance.choreography.score import FOLLOWER, LEADER, Figure, Genre, Hold, Room
from interdance.errors import InputError
from interdance.music.synth import Track

Spot = tuple[float, float, float]
"""Floor place x, z in metres and yaw in radians."""


@dataclass(frozen=True)
class Routine:
    """Where both dancers start; then landings of (leader, follower), changes of hold, accents, and the figures' names."""

    start: tuple[Spot, Spot]
    landings: tuple[list[Landing], list[Landing]]
    holds: list[tuple[float, Hold]]
    accents: list[Event]
    figures: list[dict[str, Any]]


def room_for(genre: Genre, couple: tuple[Anatomy, Anatomy], rng: np.random.Generator) -> Room:
    """Distances between these two bodies in the frames of a genre."""
    his, hers = couple
    fronts = his.front + hers.front
    return Room(
        close=fronts + genre.gap_close,
        open=fronts + genre.gap_open,
        aside=genre.aside,
        size=float(rng.uniform(*genre.size)) * hers.legs[0] / 0.8,
        beside=his.half_breadth + hers.half_breadth + 0.05,
        apart=fronts + genre.gap_apart,
        behind=his.front + hers.back + 0.10,
    )


def plan(genre: Genre, room: Room, track: Track, seconds: float, rng: np.random.Generator) -> Routine:
    """Choose figures one after the other, keeping the couple in the room, until the music is over.

    Raises
    ------
    InputError
        When the music ends before a figure begins.
    """
    beats = np.arange(len(track.beats_s))

    def time(beat: float) -> float:
        return float(np.interp(beat, beats, track.beats_s))

    at = (float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1)), float(rng.uniform(-np.pi, np.pi)))
    landings: tuple[list[Landing], list[Landing]] = ([], [])
    holds: list[tuple[float, Hold]] = []
    accents: list[Event] = []
    figures: list[dict[str, Any]] = []
    beat = float(2 * track.beats_per_bar if track.tempo_bpm > 150 else track.beats_per_bar)
    start: tuple[Spot, Spot] | None = None
    turned = [0.0, 0.0]
    last = ""
    while time(beat) < seconds + 1.0 and beat < beats[-1] - 1:
        figure = _next_figure(genre, room, at, last, rng)
        if start is None:
            half, aside = 0.5 * figure.gap, 0.5 * room.offset(figure.holds[0][1])
            start = (_compose(at, (aside, -half, 0.0)), _compose(at, (-aside, half, np.pi)))
            holds.append((-1.0, figure.holds[0][1]))
        for who in (LEADER, FOLLOWER):
            for step in figure.steps[who]:
                if beat + step.beat >= beats[-1]:
                    continue
                local = (step.x, step.z, step.yaw + turned[who] + (np.pi if who == FOLLOWER else 0.0))
                landings[who].append(Landing(time(beat + step.beat), step.foot, *_compose(at, local), step.commit))
            # whole turns stay in a dancer's yaw, so that it never jumps
            last_yaw = figure.steps[who][-1].yaw - figure.end[2]
            turned[who] += 2 * np.pi * round(last_yaw / (2 * np.pi))
        for offset, hold in figure.holds:
            if holds[-1][1] != hold:
                holds.append((time(beat + offset), hold))
        for accent in figure.accents:
            begin = beat + accent.beat
            accents.append((time(begin), time(begin + accent.beats), accent))
        figures.append({"name": figure.name, "start_s": round(time(beat), 4), "beats": figure.beats})
        at = _compose(at, figure.end)
        beat += figure.beats
        last = figure.name
    if start is None:
        raise InputError("choreography.take_seconds: the music ends before the dance begins; make takes longer")
    return Routine(start, landings, holds, accents, figures)


def _next_figure(genre: Genre, room: Room, at: Spot, last: str, rng: np.random.Generator) -> Figure:
    """The best of a few drawn figures: one that keeps the couple near the middle, and not the last one again."""
    chances = np.array([chance for chance, _ in genre.figures])
    candidates = []
    for _ in range(6):
        writer = genre.figures[int(rng.choice(len(chances), p=chances / chances.sum()))][1]
        figure = writer(room, rng)
        x, z, _ = _compose(at, figure.end)
        away = max(0.0, float(np.hypot(x, z)) - 2.0)
        candidates.append((away + (0.6 if figure.name == last else 0.0) + 0.3 * float(rng.random()), figure))
    return min(candidates, key=lambda candidate: candidate[0])[1]


def _compose(at: Spot, local: Spot) -> Spot:
    x, z, yaw = at
    return x + local[0] * cos(yaw) + local[1] * sin(yaw), z - local[0] * sin(yaw) + local[1] * cos(yaw), yaw + local[2]
