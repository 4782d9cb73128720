"""Cha-cha: break on two, replace on three, chasse on four-and-one; New Yorkers, time steps, spot turns, lock steps.

A figure begins on "one", with the last step of the chasse before: his right foot is free then, her left.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import RIGHT, Genre, Hold, Writer

figure = home("two_hands", RIGHT)
WIDE = 0.30  # metres that a chasse goes to the side


def _one(pen: Pen) -> None:
    pen.go(0, 0, -0.12)


def _chasse(pen: Pen, start: float, way: float, **formation: Any) -> None:
    """Four-and-one to his left (way 1) or right; the "one" after the second bar belongs to the next figure."""
    beats = (start, start + 0.5, start + 1) if start % 8 < 4 else (start, start + 0.5)
    shares = (0.5 * WIDE * way, 0.04 * way, 0.4 * WIDE * way)[: len(beats)]
    pen.go(beats, 0, shares, **formation)


def basic(hold: Hold) -> Writer:
    """Forward and back breaks with chasses in ``hold``."""

    @figure("basic_" + hold, 16)
    def write(pen: Pen, rng: np.random.Generator) -> None:
        turned = pick(rng, 0, 30, 60)
        pen.take(0.5, hold)
        for start in (0, 8):
            pen.go(start, 0, -0.12)
            pen.go((start + 1, start + 2), (0.25, -0.25), 0, 0.3 * turned, commit=0.8)
            _chasse(pen, start + 3, 1, turned=0.2 * turned)
            pen.go((start + 5, start + 6), (-0.25, 0.25), commit=0.8)
            if start == 8:
                pen.take(14.6, "two_hands")
            _chasse(pen, start + 7, -1)

    return write


@figure("new_yorkers", 8)
def new_yorkers(pen: Pen, rng: np.random.Generator) -> None:
    """A check through the joined hands, a chasse, then a spot turn for both."""
    pen.take(-1, "one_hand")
    _one(pen)
    pen.go(1, 0, -0.22, fan=-75, gap=pen.room.beside + 0.1, commit=0.8)
    pen.go(2, 0, 0.16, fan=-15)
    _chasse(pen, 3, 1, fan=0)
    _spot_turn(pen)


def _spot_turn(pen: Pen) -> None:
    pen.take(4.4, "apart")
    pen.go((5, 6), 0, (0.14, -0.04), his=(150, 120), hers=(-150, -120), gap=pen.room.open)
    pen.take(7.2, "two_hands")
    _chasse(pen, 7, -1, his=90, hers=-90)


@figure("time_steps", 16)
def time_steps(pen: Pen, rng: np.random.Generator) -> None:
    """Apart, each breaks behind the standing foot and chasses; hands play."""
    pen.take(0.4, "apart")
    pen.go(0, 0, -0.12, gap=pen.room.open + 0.1)
    for start in (0, 8):
        if start:
            pen.go(start, 0, -0.12, gap=pen.gap)
        pen.go((start + 1, start + 2), 0, (-0.04, 0.04), gap=pen.gap + 0.12, commit=0.6)
        _chasse(pen, start + 3, 1, gap=pen.gap)
        pen.go((start + 5, start + 6), 0, (0.04, -0.04), gap=pen.gap + (0.12 if start == 0 else -0.1), commit=0.6)
        if start == 8:
            pen.take(14.4, "two_hands")
            _chasse(pen, 15, -1)
        else:
            _chasse(pen, 7, -1, gap=pen.gap)


@figure("hand_to_hand", 8)
def hand_to_hand(pen: Pen, rng: np.random.Generator) -> None:
    """They open side by side to his left and to his right, breaking back."""
    pen.take(0.4, "side_by_side")
    _one(pen)
    pen.go(1, 0, -0.16, fan=85, commit=0.75)
    pen.take(2.8, "one_hand")
    pen.go(2, 0, 0.12, fan=25)
    _chasse(pen, 3, 1, fan=0)
    pen.go(5, 0, 0.16, fan=-80, gap=pen.room.beside + 0.1, commit=0.75)
    pen.take(6.6, "two_hands")
    pen.go(6, 0, -0.12, fan=-25)
    _chasse(pen, 7, -1, fan=0)


@figure("under_arm_turn", 8)
def under_arm_turn(pen: Pen, rng: np.random.Generator) -> None:
    """A basic, in its second bar she turns right under the arm."""
    pen.take(-1, "one_hand")
    _one(pen)
    pen.go((1, 2), (0.22, -0.22), commit=0.8)
    _chasse(pen, 3, 1, hers=(-10, 0, -20))
    pen.take(4.2, "turn")
    pen.go((5, 6), (-0.16, 0.16), hers=(-130, -110))
    _chasse(pen, 7, -1, hers=-90)
    pen.take(7.6, "two_hands")


@figure("lock_steps", 8)
def lock_steps(pen: Pen, rng: np.random.Generator) -> None:
    """Breaks and lock steps down and up the room."""
    turned = pick(rng, -20, 0, 20)
    _one(pen)
    pen.go((1, 2), (0.26, -0.22), turned=turned, commit=0.85)
    pen.go((3, 3.5, 4), (-0.24, -0.04, -0.26), turned=turned)
    pen.go((5, 6), (-0.22, 0.24), turned=turned, commit=0.85)
    pen.go((7, 7.5), (0.24, 0.04), turned=turned)


@figure("chase", 16)
def chase(pen: Pen, rng: np.random.Generator) -> None:
    """Hands go, he turns his back and she follows him, then she turns hers and he follows; they face again."""
    pen.take(0.2, "apart")
    pen.go(0, 0, -0.06, gap=pen.room.open + 0.05)
    wide = pen.gap
    pen.go((1, 2), (0.10, 0.0), his=(-120, -60), gap=wide)
    pen.go((3, 3.5, 4), (-0.22, -0.04, -0.20), gap=wide)
    pen.go((5, 6), (-0.14, 0.14), his=(90, 90), hers=(90, 90), gap=wide)
    pen.go((7, 7.5, 8), (0.22, 0.04, 0.20), gap=wide)
    pen.go((9, 10), (0.16, -0.16), hers=(90, 90), gap=wide)
    _chasse(pen, 11, 1, gap=wide)
    pen.take(12.6, "two_hands")
    pen.go((13, 14), (-0.2, 0.2))
    _chasse(pen, 15, -1)


@figure("side_by_side_crosses", 16)
def side_by_side_crosses(pen: Pen, rng: np.random.Generator) -> None:
    """Opened side by side they check forward and back together, shoulder at shoulder."""
    pen.take(0.8, "side_by_side")
    pen.go(0, 0, -0.06, fan=20)
    pen.go((1, 2), 0, (0.24, -0.16), fan=90, commit=0.8)
    pen.go((3, 3.5, 4), 0, (-0.16, -0.02, -0.16), fan=90)
    pen.go((5, 6), 0, (-0.20, 0.22), fan=90, commit=0.8)
    pen.go((7, 7.5, 8), 0, (0.18, 0.02, 0.18), fan=90)
    pen.go((9, 10), 0, (0.22, -0.16), fan=90, commit=0.8)
    pen.go((11, 11.5, 12), 0, (-0.16, -0.02, -0.1), fan=45)
    pen.take(12.4, "two_hands")
    pen.go((13, 14), (-0.16, 0.16), fan=0, commit=0.8)
    _chasse(pen, 15, -1)


GENRE = Genre(
    category="ballroom",
    arms="latin",
    hands="spread",
    figures=(
        (1.2, basic("closed")),
        (0.8, basic("two_hands")),
        (1.5, new_yorkers),
        (0.8, time_steps),
        (1.0, hand_to_hand),
        (1.4, under_arm_turn),
        (1.0, lock_steps),
        (0.8, chase),
        (0.8, side_by_side_crosses),
    ),
    gap_close=0.18,
    gap_open=0.40,
    late_s=0.005,
    swing_s=0.30,
    flex=0.014,
    bounce=0.003,
    hips=0.17,
    sway=-0.05,
    staccato=1.3,
)
