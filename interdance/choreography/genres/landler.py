"""Landler: easy waltz steps hand in hand; she goes under the arm, back to back, through the window, waist in hand."""

from __future__ import annotations

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import FOLLOWER, LEADER, Genre

figure = home("two_hands")


def _bars(start: float, count: int) -> list[float]:
    return [start + beat for beat in range(3 * count)]


@figure("balance", 6)
def balance(pen: Pen, rng: np.random.Generator) -> None:
    """A waltz step to his left and one to his right."""
    pen.go(range(6), 0, (0.26, 0.04, 0.0, -0.26, -0.04, 0.0), pick(rng, -30, 0, 30))


@figure("promenade", 12)
def promenade(pen: Pen, rng: np.random.Generator) -> None:
    """Side by side, waltz steps forward."""
    pen.take(0.8, "side_by_side")
    pen.go(_bars(0, 1), 0, (0.26, 0.16, 0.14), fan=90)
    pen.go(_bars(3, 2), 0, (0.30, 0.18, 0.14) * 2, pick(rng, -40, 0, 40), fan=90)
    pen.take(9.4, "two_hands")
    pen.go(_bars(9, 1), 0, (0.14, 0.04, 0.0), fan=0)


@figure("waist_turn", 18)
def waist_turn(pen: Pen, rng: np.random.Generator) -> None:
    """Hands at waist and shoulders they turn right along the hall."""
    pen.take(0.6, "waist_shoulder")
    pen.go(_bars(0, 1), 0, (0.14, 0, 0))
    pen.go(_bars(3, 4), left=(0.20, 0.14, 0.08) * 4, turned=(-45, -60, -45) * 4, along=pick(rng, 0, 20))
    pen.take(15.4, "two_hands")
    pen.go(_bars(15, 1), 0, (-0.14, 0, 0))


@figure("under_arm", 12)
def under_arm(pen: Pen, rng: np.random.Generator) -> None:
    """She walks a whole turn to the right under the arm, and one to the left back."""
    pen.take(0.1, "turn")
    pen.go(_bars(0, 2), 0, (0.1, 0.04, 0, -0.1, -0.04, 0), hers=(-30, -60, -70, -70, -70, -60))
    pen.go(_bars(6, 2), 0, (0.1, 0.04, 0, -0.1, -0.04, 0), hers=(30, 60, 70, 70, 70, 60))
    pen.take(11.4, "two_hands")


@figure("weave", 18)
def weave(pen: Pen, rng: np.random.Generator) -> None:
    """They change places under the arm and back again, she turning each time they pass."""
    pen.take(0.1, "turn")
    for start in (0, 9):
        pen.pass_by(_bars(start, 2), -1)
        pen.go(_bars(start + 6, 1), 0, (0.06, 0, 0) if start == 0 else (-0.06, 0, 0))
        if start == 9:
            pen.take(15.4, "two_hands")


@figure("back_to_back", 12)
def back_to_back(pen: Pen, rng: np.random.Generator) -> None:
    """One pair of hands joined overhead, they pass right shoulders, go back to back, and come home backwards."""
    pen.take(0.3, "turn")
    near = pen.room.beside + 0.1
    for start in (0, 6):
        turned = (-25, -35, -35)
        pen.go(_bars(start, 1), turned=turned, his=(25, 35, 35), hers=(25, 35, 35), gap=near)
        if start == 6:
            pen.take(10.6, "two_hands")
        pen.go(_bars(start + 3, 1), turned=(-30, -30, -25), his=(30, 30, 25), hers=(30, 30, 25), gap=pen.room.open)


@figure("window", 18)
def window(pen: Pen, rng: np.random.Generator) -> None:
    """One arm raised as a window, right hip by right hip, they look at each other through it and go round."""
    pen.take(0.4, "turn")
    pen.wheel(_bars(0, 4), -360, tilt=65, gap=pen.room.beside + 0.14)
    pen.take(12.6, "two_hands")
    pen.go(_bars(12, 2), 0, (0.1, 0.0, 0, -0.1, 0.0, 0))


@figure("right_hand_wheel", 12)
def right_hand_wheel(pen: Pen, rng: np.random.Generator) -> None:
    """Right hands joined, once round."""
    pen.take(0.1, "handshake")
    pen.wheel(range(12), -360, tilt=50)
    pen.take(11.2, "two_hands")


@figure("slapping", 18)
def slapping(pen: Pen, rng: np.random.Generator) -> None:
    """He slaps knees and claps, she turns alone beside him."""
    pen.take(0.6, "apart")
    pen.go(_bars(0, 1), 0, (0.1, 0, 0))
    pen.solo(FOLLOWER, _bars(3, 3), ahead=(0.0, 0.06, 0.04) * 3, turned=-720)
    for start in (3, 6, 9):
        pen.solo(LEADER, start, left=0.04)
        pen.accent("knee", start + 0.5, 1.4, 0.9, LEADER)
        pen.accent("clap", start + 0.4, 1.6, 0.8, LEADER)
    pen.take(12.6, "two_hands")
    pen.solo(FOLLOWER, 12, turned=0.0)
    pen.solo(LEADER, 12)
    pen.go((13, 14, 15, 16, 17))


GENRE = Genre(
    category="folk",
    arms="folk",
    hands="relaxed",
    figures=(
        (1.2, balance),
        (1.2, promenade),
        (1.5, waist_turn),
        (1.4, under_arm),
        (1.2, weave),
        (0.9, back_to_back),
        (1.0, window),
        (0.8, right_hand_wheel),
        (0.6, slapping),
    ),
    gap_close=0.16,
    gap_open=0.42,
    gap_apart=0.60,
    aside=0.0,
    late_s=0.02,
    swing_s=0.42,
    flex=0.022,
    bounce=0.006,
    rise=0.014,
    hips=0.02,
    sway=0.04,
    lift=0.04,
)
