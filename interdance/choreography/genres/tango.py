"""Tango: staccato walks close together, promenade, rocks and corte; ochos, boleo and molinete from the Rio de la Plata."""

from __future__ import annotations

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import FOLLOWER, LEADER, Genre

figure = home("closed")


def _close(pen: Pen, beat: float, turned: float = 0.0) -> None:
    """The tango close: a quick side step and the free foot drawn up without weight."""
    pen.go(beat, 0.05, -0.36, turned)
    pen.touch(beat + 1)


@figure("walk", 8)
def walk(pen: Pen, rng: np.random.Generator) -> None:
    """Slow, slow, quick, quick, slow."""
    pen.go((0, 2, 4), (0.46, 0.46, 0.36), turned=pick(rng, 0, 30, 60))
    _close(pen, 5, pick(rng, 0, 15))


@figure("turning_walk", 8)
def turning_walk(pen: Pen, rng: np.random.Generator) -> None:
    """The walk curved into a half turn to the left."""
    pen.go((0, 2, 4), (0.40, 0.36, 0.24), turned=(15, 35, 45))
    pen.go(5, 0.0, -0.34, 45)
    pen.touch(6, turned=25)


@figure("promenade", 8)
def promenade(pen: Pen, rng: np.random.Generator) -> None:
    """Both open to his left, step through and close."""
    pen.take(-1, "promenade")
    pen.go((0, 2), 0.05, (0.40, 0.44), fan=40)
    pen.take(3.6, "closed")
    pen.go((4, 5), 0, (0.34, 0.10), pick(rng, 0, 20), fan=0)
    pen.touch(6)


@figure("under_arm_turn", 8)
def under_arm_turn(pen: Pen, rng: np.random.Generator) -> None:
    """From promenade she turns right under the arm, down the line, and is caught again."""
    pen.take(-1, "promenade")
    pen.go(0, 0, 0.36, fan=40)
    pen.take(1.4, "turn")
    pen.go((2, 3, 4, 5), 0, (0.36, 0.20, 0.15, 0.1), hers=(-50, -110, -110, -90), fan=0)
    pen.take(5.8, "closed")
    pen.go(6, 0.06, -0.2)
    pen.touch(7)


@figure("corte", 8)
def corte(pen: Pen, rng: np.random.Generator) -> None:
    """He steps back and sinks, she leans over; then forward and close."""
    pen.go(0, -0.44, 0.06, 10, commit=0.8)
    pen.accent("dip", 0.2, 2.6, float(rng.uniform(0.35, 0.7)), FOLLOWER)
    pen.go((3, 4), (0.42, 0.36), turned=20, commit=0.8)
    _close(pen, 5)


@figure("rock_turn", 8)
def rock_turn(pen: Pen, rng: np.random.Generator) -> None:
    """Forward and back rocks that turn left on the spot."""
    pen.go((0, 1, 2, 3), (0.30, -0.26, 0.26, -0.26), turned=pick(rng, 70, 100), commit=0.65)
    pen.go(4, 0.30, turned=20)
    _close(pen, 5, 20)


@figure("ochos", 8)
def ochos(pen: Pen, rng: np.random.Generator) -> None:
    """She swivels forward across him to one side and the other while he shifts his weight."""
    pen.gap = pen.room.close + 0.09
    half = 0.5 * pen.gap
    for index, (his, hers, yaw, coming) in enumerate(
        ((0.16, 0.10, -10, 45), (-0.14, -0.26, 50, -50), (0.14, 0.24, -50, 30), (0.0, 0.0, 0, 0))
    ):
        pen.path(LEADER, (2 * index,), ((his, -half, 0),))
        pen.path(FOLLOWER, (2 * index,), ((hers, half, yaw),))
        if index < 3:
            pen.turns[FOLLOWER] = coming
            pen.touch(2 * index + 1, gap=pen.gap, aside=pen.aside, gather=False, only=FOLLOWER)
    pen.touch(7)


@figure("boleo", 8)
def boleo(pen: Pen, rng: np.random.Generator) -> None:
    """Her swivel is sent back, so that her free leg whips behind her."""
    wide = pen.room.close + 0.10
    pen.go(0, 0, 0.30, gap=wide)
    pen.go(2, 0, -0.16, hers=40, gap=wide)
    pen.accent("kick", 2.8, 2.4, -float(rng.uniform(0.4, 0.65)), FOLLOWER)
    pen.go(3, hers=-80, gap=wide, commit=0.0, only=FOLLOWER)
    pen.go(5, hers=40, gap=wide, commit=0.0, only=FOLLOWER)
    pen.go((6, 7), (0.30, 0.1), (0, -0.2), pick(rng, 0, 30))


@figure("molinete", 8)
def molinete(pen: Pen, rng: np.random.Generator) -> None:
    """She walks round him: side, forward, side, back; he turns in place."""
    pen.gap = pen.room.close + 0.08
    pen.around(LEADER, range(7), pick(rng, 240, 315), hers=(0, -50, 50, 50, -50, -50, 50))
    pen.go(7, turned=30)


GENRE = Genre(
    category="ballroom",
    arms="ballroom",
    hands="relaxed",
    figures=(
        (2.0, walk),
        (1.4, turning_walk),
        (1.4, promenade),
        (0.7, under_arm_turn),
        (0.8, corte),
        (0.8, rock_turn),
        (1.2, ochos),
        (0.8, boleo),
        (1.0, molinete),
    ),
    gap_close=0.14,
    gap_open=0.36,
    aside=0.11,
    swing_s=0.55,
    flex=0.040,
    hips=0.015,
    sway=0.03,
    lean=-0.04,
    look_left=0.60,
    staccato=1.25,
    heel_lead=True,
    lift=0.02,
)
