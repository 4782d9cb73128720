"""Csardas: single and double side steps of the slow part; the whirl, spins and boot slaps of the fresh one."""

from __future__ import annotations

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import FOLLOWER, LEADER, LEFT, Genre

figure = home("waist_shoulder")


@figure("single", 8)
def single(pen: Pen, rng: np.random.Generator) -> None:
    """Side and close without weight, to the left and to the right."""
    turned = pick(rng, -20, 0, 20)
    for half in range(2):
        for start, way in ((4 * half, 1), (4 * half + 2, -1)):
            pen.go(start, 0, 0.32 * way, turned)
            pen.touch(start + 1)


@figure("double", 8)
def double(pen: Pen, rng: np.random.Generator) -> None:
    """Side, close, side, and close without weight; and back."""
    turned = pick(rng, -25, 0, 25)
    for start, way in ((0, 1), (4, -1)):
        pen.chasse((start, start + 1, start + 2), 0.62 * way, turned=turned)
        pen.touch(start + 3)


@figure("whirl", 16)
def whirl(pen: Pen, rng: np.random.Generator) -> None:
    """The forgatos: right side by right side round and round, then the other way."""
    turned = pick(rng, 360, 450)
    pen.wheel(range(8), -turned, tilt=35)
    pen.wheel(range(8, 16), 0.75 * turned, tilt=35)


@figure("bounce_whirl", 8)
def bounce_whirl(pen: Pen, rng: np.random.Generator) -> None:
    """The rida: down on the inner foot, up on the outer one, turning all the while."""
    way = pick(rng, -1, 1)
    pen.go(range(8), turned=(20 * way, 50 * way, 20 * way, 60 * way) * 2, his=[5 * way, *[0] * 6, -5 * way])
    for beat in range(0, 8, 2):
        pen.accent("crouch", beat - 0.3, 1.2, 0.22)


@figure("spin_out", 16)
def spin_out(pen: Pen, rng: np.random.Generator) -> None:
    """She is sent out and spins right under the raised arm, twice, and is caught at the waist."""
    pen.take(0.4, "one_hand")
    pen.chasse((0, 1, 2), 0.4)
    pen.touch(3)
    pen.take(3.8, "turn")
    pen.go((4, 5, 6, 7), left=(-0.1, 0, -0.1, 0), hers=(-60, -100, -110, -90))
    pen.go((8, 9, 10), left=(-0.08, 0.0, 0.08), hers=(-120, -130, -110))
    pen.touch(11)
    pen.take(11.6, "waist_shoulder")
    pen.go((12, 13), left=(0.24, 0.0))
    pen.touch(14)


@figure("slapping", 16)
def slapping(pen: Pen, rng: np.random.Generator) -> None:
    """Apart: he slaps his boots and claps, she spins alone; then they meet."""
    pen.take(0.4, "apart")
    pen.go((0, 1, 2, 3), left=(0.2, -0.05, -0.1, -0.05))
    pen.solo(LEADER, (4, 5), left=(0.06, -0.06))
    pen.accent("knee", 5.2, 1.6, 0.8, LEADER, LEFT)
    pen.accent("clap", 5.1, 1.8, 0.8, LEADER)
    pen.solo(LEADER, (7, 8), left=(0.06, -0.06))
    pen.accent("knee", 8.2, 1.6, 0.8, LEADER, LEFT)
    pen.accent("clap", 8.1, 1.8, 0.8, LEADER)
    pen.accent("arms_up", 3.5, 6.0, 0.7, FOLLOWER)
    pen.solo(FOLLOWER, (4, 5, 6, 7, 8, 9), turned=(-60, -140, -150, -150, -140, -80))
    pen.solo(LEADER, (10, 11), left=(0.06, -0.06))
    pen.solo(FOLLOWER, (10, 11))
    pen.take(12.4, "waist_shoulder")
    pen.go((12, 13), left=(0.2, 0.0))
    pen.touch(14)


@figure("open_side", 16)
def open_side(pen: Pen, rng: np.random.Generator) -> None:
    """Opened side by side, forward with stamps and back, and to face again."""
    pen.take(0.8, "side_by_side")
    pen.go((0, 1, 2), left=(0.26, 0.02, 0.26), fan=90)
    pen.accent("knee", 2.3, 1.5, 0.5)
    pen.touch(3, fan=90)
    pen.go((4, 5, 6), left=(0.26, 0.02, 0.26), fan=90)
    pen.accent("knee", 6.3, 1.5, 0.5)
    pen.touch(7, fan=90)
    pen.go((8, 9, 10, 11), left=-0.6, fan=90)
    pen.take(12.0, "waist_shoulder")
    pen.go((12, 13, 14, 15), left=(-0.1, 0, 0.1, 0), fan=0)


@figure("leap", 8)
def leap(pen: Pen, rng: np.random.Generator) -> None:
    """Heel clicks: they spring up together from two side steps."""
    turned = pick(rng, -30, 30)
    for start, way in ((0, 1), (4, -1)):
        pen.go((start, start + 1), 0, (0.24 * way, 0.0), turned)
        pen.accent("jump", start + 1.5, 0.8, 0.6)
        pen.go((start + 2.6, start + 3.2), 0, (0.06 * way, 0.0), 0)


GENRE = Genre(
    category="folk",
    arms="folk",
    hands="relaxed",
    figures=(
        (1.2, single),
        (1.6, double),
        (1.8, whirl),
        (1.0, bounce_whirl),
        (1.2, spin_out),
        (0.8, slapping),
        (0.8, open_side),
        (0.5, leap),
    ),
    gap_close=0.16,
    gap_open=0.42,
    gap_apart=0.65,
    aside=0.0,
    late_s=0.0,
    swing_s=0.28,
    flex=0.028,
    bounce=0.014,
    hips=0.03,
    lift=0.04,
)
