"""Bachata: three steps and a tap with the hip, to the side, close together; turns, waves, shadow and dip."""

from __future__ import annotations

from typing import Any

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import FOLLOWER, LEADER, Genre, Hold, Writer

figure = home("embrace")


def _side(pen: Pen, start: float, way: float, wide: float = 0.46, **formation: Any) -> None:
    """Side, close, side, tap."""
    pen.chasse((start, start + 1, start + 2), way * wide, **formation)
    pen.touch(start + 3)  # the hip is lifted over it


def side_basic(hold: Hold) -> Writer:
    """Side, close, side, tap to the left and to the right in ``hold``."""

    @figure("side_basic_" + hold, 8)
    def write(pen: Pen, rng: np.random.Generator) -> None:
        turned = pick(rng, 0, 0, 20, -20)
        pen.take(0.2, hold)
        _side(pen, 0, 1, turned=turned)
        if hold != "embrace":
            pen.take(6.0, "embrace")
        _side(pen, 4, -1, turned=turned)

    return write


@figure("forward_back", 8)
def forward_back(pen: Pen, rng: np.random.Generator) -> None:
    """Three walks forward and a tap, three back and a tap, turning."""
    turned = pick(rng, 0, 45, 90)
    for start, way in ((0, 1), (4, -1)):
        pen.go((start, start + 1, start + 2), way * 0.72, turned=0.5 * turned)
        pen.touch(start + 3)


@figure("right_turn", 16)
def right_turn(pen: Pen, rng: np.random.Generator) -> None:
    """She turns right under the arm, travelling to his left, and back with a basic."""
    pen.take(0.2, "one_hand")
    pen.go((0, 1, 2), left=(0.2, 0.0, 0.2))
    pen.touch(3)
    pen.go((4, 5, 6), left=(-0.2, 0.0, -0.2), hers=(0, 0, -15))
    pen.take(7.2, "turn")
    pen.touch(7)
    pen.go((8, 9, 10), left=(0.2, 0.0, 0.2), hers=(-115, -120, -110))
    pen.touch(11)
    pen.take(11.6, "embrace")
    _side(pen, 12, -1)


@figure("both_turn", 16)
def both_turn(pen: Pen, rng: np.random.Generator) -> None:
    """The hands go and both turn away to the side and face again."""
    pen.take(0.6, "two_hands")
    _side(pen, 0, 1)
    pen.take(3.8, "apart")
    for beat, turn in ((4, 90), (5, 120), (6, 120)):
        pen.go(beat, 0, -0.16, his=-turn, hers=turn, gap=pen.room.open)
    pen.touch(7, his=-30, hers=30, gap=pen.room.open)
    pen.take(8.4, "two_hands")
    _side(pen, 8, 1)
    pen.take(12.0, "embrace")
    _side(pen, 12, -1)


@figure("embrace_waves", 8)
def embrace_waves(pen: Pen, rng: np.random.Generator) -> None:
    """Close together, feet sway from side to side while a wave runs through both bodies."""
    for start in (0, 4):
        wide = pen.room.close + 0.05 * (start == 0)
        pen.go(start, left=0.16 if start == 0 else -0.16, turned=pick(rng, 0, 15, 30), gap=wide, commit=0.7)
        pen.accent("wave", start + 0.2, 3.4, float(rng.uniform(0.5, 0.8)))
        pen.touch(start + 2, gap=wide)


@figure("shadow", 24)
def shadow(pen: Pen, rng: np.random.Generator) -> None:
    """She is turned in front of him, they dance the side basic there with a wave, and she is turned out again."""
    pen.take(0.2, "one_hand")
    pen.go(0, 0, 0.14, hers=-20, only=LEADER)  # she waits: now both have the same foot free
    pen.go((1, 2), left=(0.0, 0.14), hers=-160, gap=pen.room.behind + 0.16)
    pen.take(3.2, "shadow")
    pen.touch(3)
    _side(pen, 4, -1, 0.36)
    _side(pen, 8, 1, 0.36)
    pen.accent("wave", 12.4, 3.2, 0.8)
    _side(pen, 12, -1, 0.30)
    pen.take(15.4, "turn")
    pen.go(16, 0, 0.16, hers=30, only=LEADER)
    pen.go((17, 18), left=(0.0, 0.16), hers=150)
    pen.touch(19)
    pen.take(19.6, "embrace")
    _side(pen, 20, -1)


@figure("hip_circle_turn", 16)
def hip_circle_turn(pen: Pen, rng: np.random.Generator) -> None:
    """Hands at waist and shoulders, they wheel round each other."""
    way = pick(rng, -1, 1)
    pen.take(0.4, "waist_shoulder")
    _side(pen, 0, 1, 0.3)
    for start in (4, 8):
        pen.go((start, start + 1, start + 2), turned=way * 80)
        pen.touch(start + 3, turned=way * 10)
    pen.take(12.2, "embrace")
    _side(pen, 12, -1, 0.3)


@figure("dip", 8)
def dip(pen: Pen, rng: np.random.Generator) -> None:
    """A side step held deep, and up with a wave."""
    pen.go(0, 0, 0.40, 15)
    pen.accent("dip", 0.8, 4.8, float(rng.uniform(0.6, 1.0)), FOLLOWER)
    pen.go(6, 0, -0.26)
    pen.touch(7)


GENRE = Genre(
    category="ballroom",
    arms="latin",
    hands="relaxed",
    figures=(
        (1.6, side_basic("embrace")),
        (1.0, side_basic("two_hands")),
        (0.8, forward_back),
        (1.4, right_turn),
        (0.8, both_turn),
        (1.0, embrace_waves),
        (1.0, shadow),
        (0.8, hip_circle_turn),
        (0.5, dip),
    ),
    gap_close=0.12,
    gap_open=0.38,
    aside=0.06,
    late_s=0.01,
    swing_s=0.38,
    flex=0.035,
    bounce=0.004,
    hips=0.20,
    sway=-0.05,
    staccato=1.1,
    lift=0.035,
)
