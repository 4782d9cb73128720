"""Salsa on one: breaks on one and five, pauses on four and eight; cross body lead, turns, copa, shadow, shines, dip."""

from __future__ import annotations

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import FOLLOWER, LEADER, Genre, Hold, Writer

figure = home("two_hands")
FIRST, SECOND = (0, 1, 2), (4, 5, 6)


def basic(hold: Hold) -> Writer:
    """Forward and back breaks in ``hold``, twice."""

    @figure("basic_" + hold, 16)
    def write(pen: Pen, rng: np.random.Generator) -> None:
        turned = pick(rng, 0, 0, 45, 90)
        pen.take(0.5, hold)
        for start in (0, 8):
            pen.go([start + beat for beat in FIRST], (0.24, -0.24, 0), turned=0.25 * turned, commit=0.8)
            if start:
                pen.take(13.0, "two_hands")
            pen.go([start + beat for beat in SECOND], (-0.24, 0.24, 0), turned=0.25 * turned, commit=0.8)

    return write


@figure("side_basic", 8)
def side_basic(pen: Pen, rng: np.random.Generator) -> None:
    """Breaks to the side."""
    pen.go(FIRST + SECOND, left=(0.30, -0.30, 0, -0.30, 0.30, 0), turned=pick(rng, -30, 0, 30), commit=0.75)


def cross_body(name: str, turn: float) -> Writer:
    """He steps out of her way and leads her across; ``turn`` degrees more for a turn to the left under the arm."""

    @figure(name, 8)
    def write(pen: Pen, rng: np.random.Generator) -> None:
        half = 0.5 * pen.gap
        pen.take(-1, "one_hand")
        his = [(0.0, -half + 0.20, 0.0), (0.0, -half, 20.0), (-0.24, -half + 0.10, 80.0)]
        his += [(-0.27, 0.02, 105.0), (-0.14, 0.5 * half, 150.0), (0.0, half, 180.0)]
        pen.path(LEADER, FIRST + SECOND, his)
        hers = [(0.0, half + 0.18, 0.0), (0.02, half, 0.0), (0.14, 0.6 * half, 60.0 if turn else 0.0)]
        if turn:
            pen.take(2.9, "turn")
            hers += [(0.22, -0.05, 230.0), (0.14, -0.75 * half, 385.0), (0.0, -half, 180.0 + turn)]
        else:
            hers += [(0.22, -0.05, 15.0), (0.14, -0.75 * half, 90.0), (0.0, -half, 180.0)]
        pen.take(6.7, "two_hands")
        pen.path(FOLLOWER, FIRST + SECOND, hers)
        pen.meet()

    return write


@figure("right_turn", 8)
def right_turn(pen: Pen, rng: np.random.Generator) -> None:
    """She turns right under the arm on five, six, seven."""
    pen.take(-1, "one_hand")
    pen.go(FIRST, (0.20, -0.20, 0), hers=(0, 0, -20), commit=0.8)
    pen.take(3.2, "turn")
    pen.go(SECOND, (-0.14, 0.14, 0), hers=(-120, -120, -100), turned=pick(rng, 0, 20))
    pen.take(7.0, "two_hands")


@figure("open_break", 8)
def open_break(pen: Pen, rng: np.random.Generator) -> None:
    """Both break back, away from each other, in both bars, and wheel a little."""
    for beats in (FIRST, SECOND):
        pen.go(beats[0], turned=10, gap=pen.room.open + 0.26, commit=0.6)
        pen.go(beats[1:], turned=pick(rng, -20, 20))


@figure("copa", 8)
def copa(pen: Pen, rng: np.random.Generator) -> None:
    """She is drawn in to his right side, checked there and sent back with a turn to the left."""
    pen.take(-1, "one_hand")
    pen.go(0, gap=pen.room.open + 0.2, commit=0.6)
    pen.go((1, 2), (0.0, 0.06), 0, (-10, -15), hers=(35, 55), gap=pen.room.close + 0.08, aside=0.26)
    pen.take(3.4, "turn")
    pen.go(SECOND, (-0.06, 0, 0), 0, (10, 10, 5), hers=(70, 120, 80), aside=0.0)
    pen.take(7.0, "two_hands")


@figure("titanic", 16)
def titanic(pen: Pen, rng: np.random.Generator) -> None:
    """She is turned in front of him, both look and dance the same way, arms wide, and she is turned out."""
    pen.take(-1, "one_hand")
    pen.go(0, 0.1, only=LEADER, gap=pen.room.open)  # she waits: now both have the same foot free
    pen.go((1, 2), (-0.1, 0), hers=-180, gap=pen.room.behind + 0.14)
    pen.take(3.0, "shadow")
    pen.go(SECOND, left=(-0.22, 0.22, 0), commit=0.75)
    pen.go((8, 9, 10), left=(0.22, -0.22, 0), commit=0.75)
    pen.take(11.4, "turn")
    pen.go(12, -0.08, hers=30, only=LEADER)
    pen.go((13, 14), (0.08, 0), hers=150)
    pen.take(15.0, "two_hands")


@figure("shines", 24)
def shines(pen: Pen, rng: np.random.Generator) -> None:
    """Hands go: each plays alone with crosses, kicks and a spin, and they find the hands again."""
    pen.take(0.4, "apart")
    pen.go(FIRST, gap=pen.room.apart, commit=0.8)
    pen.go(SECOND, left=(-0.28, 0.22, 0.06))
    for start, way in ((8, 1), (12, -1)):
        pen.go((start, start + 1, start + 2), 0, (0.20 * way, -0.16 * way, -0.04 * way), gap=pen.gap)
        pen.accent("kick", start + 2.1, 1.8, float(rng.uniform(0.35, 0.5)))
    pen.go((16, 17, 18), his=(-120, -130, -110), hers=(-120, -130, -110), gap=pen.gap)
    pen.take(20.6, "two_hands")
    pen.go((20, 21, 22))


@figure("back_to_back", 16)
def back_to_back(pen: Pen, rng: np.random.Generator) -> None:
    """They pass right shoulder by right shoulder, go back to back round each other, and come home."""
    pen.take(0.4, "apart")
    pen.go(FIRST, turned=(-20, -35, -35), his=(20, 35, 35), hers=(20, 35, 35), gap=pen.room.beside + 0.1)
    pen.go(SECOND, turned=(-30, -30, -30), his=30 * 3, hers=30 * 3, gap=pen.room.open)
    pen.go((8, 9, 10), turned=(-20, -35, -35), his=(20, 35, 35), hers=(20, 35, 35), gap=pen.room.beside + 0.1)
    pen.take(13.4, "two_hands")
    pen.go((12, 13, 14), turned=(-30, -30, -30), his=30 * 3, hers=30 * 3)


@figure("dip", 16)
def dip(pen: Pen, rng: np.random.Generator) -> None:
    """A basic into closed hold, and a dip through the second eight."""
    pen.take(0.5, "closed")
    pen.go(FIRST, (0.2, -0.2, 0), commit=0.8)
    pen.go(SECOND, (-0.2, 0.2, 0), commit=0.8)
    pen.go(8, 0, 0.38, 10)
    pen.accent("dip", 8.6, 5.4, float(rng.uniform(0.7, 1.0)), FOLLOWER)
    pen.take(14.6, "two_hands")
    pen.go(14, 0, -0.24)


GENRE = Genre(
    category="ballroom",
    arms="latin",
    hands="relaxed",
    figures=(
        (1.2, basic("closed")),
        (1.0, basic("two_hands")),
        (0.8, side_basic),
        (1.6, cross_body("cross_body", 0.0)),
        (1.3, cross_body("inside_turn", 360.0)),
        (1.6, right_turn),
        (0.8, open_break),
        (1.2, copa),
        (0.8, titanic),
        (0.4, shines),
        (0.4, back_to_back),
        (0.4, dip),
    ),
    gap_close=0.18,
    gap_open=0.38,
    size=(0.8, 1.1),
    late_s=0.005,
    swing_s=0.30,
    flex=0.030,
    bounce=0.006,
    hips=0.17,
    sway=-0.05,
    staccato=1.15,
    lift=0.035,
)
