"""Foxtrot: long slow and quick walks that never stop; feather and three step, weave, twinkle and promenade walks."""

from __future__ import annotations

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import FOLLOWER, Genre

figure = home("closed")


@figure("basic", 12)
def basic(pen: Pen, rng: np.random.Generator) -> None:
    """Slow, slow, side, close; twice."""
    bend = pick(rng, 0, 30, 60)
    for start in (0, 6):
        pen.go((start, start + 2), 0.44, turned=0.5 * bend)
        pen.go((start + 4, start + 5), 0, (0.30, 0.0))


@figure("left_rock_turn", 12)
def left_rock_turn(pen: Pen, rng: np.random.Generator) -> None:
    """Rock forward and back, side and close with a quarter turn to the left; twice."""
    for start in (0, 6):
        pen.go((start, start + 2), (0.32, -0.28), turned=(15, 40), commit=0.7)
        pen.go((start + 4, start + 5), 0, (0.30, 0.0), 35)


@figure("three_step_feather", 8)
def three_step_feather(pen: Pen, rng: np.random.Generator) -> None:
    """Three walks, then three more of which the last goes outside the partner."""
    bend = pick(rng, 0, 25, 50)
    pen.go((0, 2, 3), (0.50, 0.44, 0.44), turned=0.5 * bend)
    pen.go((4, 6), 0.90, turned=0.3 * bend, aside=pen.room.aside + 0.14)
    pen.go(7, 0.42, turned=0.2 * bend)


@figure("reverse_wave", 8)
def reverse_wave(pen: Pen, rng: np.random.Generator) -> None:
    """Half a turn to the left, backwards down the line, and out of it with another half."""
    pen.go((0, 2, 3), (0.42, 0.38, 0.30), turned=(50, 90, 40), along=0)
    pen.go((4, 6, 7), (0.42, 0.36, 0.34), turned=(30, 100, 50), along=pick(rng, 0, 20))


@figure("natural_turn", 12)
def natural_turn(pen: Pen, rng: np.random.Generator) -> None:
    """Three step, then a turn to the right with a heel pull."""
    pen.go((0, 2, 3), (0.46, 0.40, 0.36))
    pen.go((4, 6, 7), (0.42, 0.34, 0.30), turned=(-50, -90, -40), along=0)
    pen.go(8, 0.36, turned=-60, along=0)
    pen.go(10, 0.06, 0.0, turned=-45)
    pen.touch(11, turned=-10)


@figure("weave", 8)
def weave(pen: Pen, rng: np.random.Generator) -> None:
    """Slow and six quicks that zigzag round each other."""
    wide = pen.room.aside + 0.14
    pen.go((0, 2), (0.42, 0.20), (0, -0.24), turned=(20, 60))
    pen.go((3, 4), -0.36, turned=(30, 20), aside=wide)
    pen.go((5, 6), (-0.20, 0.28), (0.26, 0.10), turned=(60, 30))


@figure("promenade_twinkle", 8)
def promenade_twinkle(pen: Pen, rng: np.random.Generator) -> None:
    """Two slow walks in promenade, side and close, and the foot drawn up."""
    pen.take(-1, "promenade")
    pen.go((0, 2), 0, (0.42, 0.44), fan=42)
    pen.take(3.8, "closed")
    pen.go((4, 5), 0, (0.36, 0.0), pick(rng, 0, 20, 45), fan=0)
    pen.touch(6)


@figure("grapevine", 8)
def grapevine(pen: Pen, rng: np.random.Generator) -> None:
    """Eight quicks to his left: side, behind, side, in front."""
    twist = (0, -40, 40, 40, -40, -40, 40)
    pen.go(range(7), 0, (0.26, 0.30) * 3 + (0.26,), twist, along=0, gap=pen.room.close + 0.06)
    pen.go(7)


@figure("promenade_walks", 16)
def promenade_walks(pen: Pen, rng: np.random.Generator) -> None:
    """Side by side down the line, and closed again."""
    pen.take(0.6, "side_by_side")
    pen.go((0, 2), (0.04, 0), (0.36, 0.42), fan=80)
    pen.go((4, 5, 6, 8), 0, (0.40, 0.36, 0.44, 0.44), pick(rng, 0, -30, -60), fan=90)
    pen.go((10, 12), 0, 0.76, fan=50, gap=pen.room.close + 0.04)
    pen.take(12.2, "closed")
    pen.go((13, 14), 0, (0.2, 0.0), fan=0)


@figure("under_arm_turn", 16)
def under_arm_turn(pen: Pen, rng: np.random.Generator) -> None:
    """She walks round to the right under the arm, slow, slow, quick, quick; the second half brings her back."""
    pen.go((0, 2), (0.36, 0.30))
    pen.take(3.4, "turn")
    pen.go((4, 5, 6, 8), (0.1, 0, 0.1, 0.1), (0.26, 0, 0.05, 0), hers=(-70, -80, -110, -100))
    pen.take(9, "closed")
    pen.go((10, 12, 13, 14), (0.2, 0.2, 0, 0), (0, 0, 0.26, 0), pick(rng, 0, 30))


@figure("dip", 8)
def dip(pen: Pen, rng: np.random.Generator) -> None:
    """A side step that stays, deep, and recovers."""
    pen.go(0, 0.06, 0.42, 20)
    pen.accent("dip", 0.8, 5.0, float(rng.uniform(0.6, 1.0)), FOLLOWER)
    pen.go(6, 0.04, -0.28)


GENRE = Genre(
    category="ballroom",
    arms="ballroom",
    hands="relaxed",
    figures=(
        (1.2, basic),
        (0.8, left_rock_turn),
        (2.0, three_step_feather),
        (1.4, reverse_wave),
        (1.0, natural_turn),
        (1.2, weave),
        (1.2, promenade_twinkle),
        (0.8, grapevine),
        (0.9, promenade_walks),
        (0.9, under_arm_turn),
        (0.5, dip),
    ),
    gap_close=0.145,
    gap_open=0.40,
    aside=0.11,
    late_s=0.06,
    swing_s=0.62,
    flex=0.022,
    rise=0.016,
    hips=0.03,
    sway=0.07,
    lean=-0.08,
    look_left=0.55,
    heel_lead=True,
)
