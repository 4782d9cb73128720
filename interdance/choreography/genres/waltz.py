"""Slow waltz: three even steps with rise and fall in a wide frame; boxes, turns to both sides, whisk and weave."""

from __future__ import annotations

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import FOLLOWER, Genre

figure = home("closed")


@figure("box", 6)
def box(pen: Pen, rng: np.random.Generator) -> None:
    """Forward, side, close; back, side, close; straight or turning left."""
    pen.go(range(6), (0.36, 0, 0, -0.36, 0, 0), (0, -0.32, 0, 0, 0.32, 0), pick(rng, 0, 45, 90))


@figure("progressive", 6)
def progressive(pen: Pen, rng: np.random.Generator) -> None:
    """Two change steps down the hall."""
    pen.go(range(6), (0.46, 0.34, 0.1) * 2, (0, -0.2, 0, 0, 0.2, 0), float(rng.uniform(0.0, 70.0)))


@figure("natural_turn", 12)
def natural_turn(pen: Pen, rng: np.random.Generator) -> None:
    """Change step, six steps of a turn to the right, change step."""
    bend = pick(rng, 0, 30, 60)
    pen.go((0, 1, 2), (0.40, 0.18, 0.04), (0, -0.24, 0), bend)
    pen.go(range(3, 9), (0.38, 0.30, 0.08) * 2, turned=(-60, -80, -40) * 2, along=bend)
    pen.go((9, 10, 11), (0.38, 0.18, 0.04), (0, 0.24, 0), 0.3 * bend)


@figure("reverse_turn", 6)
def reverse_turn(pen: Pen, rng: np.random.Generator) -> None:
    """Three quarters or the whole of a turn to the left along the hall."""
    whole = pick(rng, 270, 360)
    shares = (0.14, 0.22, 0.14)
    pen.go(range(6), (0.34, 0.32, 0.1) * 2, turned=[whole * share for share in shares * 2], along=pick(rng, 0, 20, 40))


@figure("balance", 6)
def balance(pen: Pen, rng: np.random.Generator) -> None:
    """Side and hover, to the left and to the right."""
    turned = pick(rng, 0, 30, 45)
    pen.go(0, left=0.36, turned=turned)
    pen.touch(1, turned=0.3 * turned)
    pen.go(3, left=-0.36, turned=turned)
    pen.touch(4, turned=0.3 * turned)


@figure("whisk_chasse", 9)
def whisk_chasse(pen: Pen, rng: np.random.Generator) -> None:
    """Whisk into promenade, chasse down the line, closed again on the last bar."""
    pen.take(1.4, "promenade")
    pen.go((0, 1), (0.34, 0.08), (0, -0.30))
    pen.go(2, -0.04, -0.26, fan=36)
    pen.go((3, 4), 0.04, (0.42, 0.34), fan=36)
    pen.go((4.5, 5), 0, (0.06, 0.30), fan=14)
    pen.take(5.6, "closed")
    pen.go((6, 7, 8), (0.30, 0, 0), (0.1, 0.30, 0), pick(rng, 0, 45), fan=0)


@figure("weave", 12)
def weave(pen: Pen, rng: np.random.Generator) -> None:
    """Whisk, then the six steps of the weave from promenade: across him, back and back, and out of it a change."""
    pen.take(1.4, "promenade")
    pen.go((0, 1), (0.30, 0.06), (0, -0.30))
    pen.go(2, -0.04, -0.26, fan=36)
    pen.go((3, 4), (0.04, 0.10), (0.40, 0.34), fan=30)
    pen.take(4.6, "closed")
    pen.go((5, 6, 7), -0.30, (0.30, 0.30, 0.20), turned=(40, 40, 20), fan=0, along=-20)
    pen.go(8, 0.10, 0.24, 30)
    pen.go((9, 10, 11), (0.36, 0.06, 0), (0, 0.28, 0))


@figure("under_arm_turn", 12)
def under_arm_turn(pen: Pen, rng: np.random.Generator) -> None:
    """She turns right under the raised arm while he dances his box, and comes back into the frame."""
    pen.go((0, 1, 2), (0.30, 0, 0), (0, -0.28, 0))
    pen.take(2.6, "turn")
    turns = (-40, -60, -70, -70, -60, -60)
    pen.go(range(3, 9), (-0.28, 0, 0, 0.26, 0, 0), (0, 0.26, 0, 0, -0.24, 0), pick(rng, 0, 40), hers=turns)
    pen.take(8.8, "closed")
    pen.go((9, 10, 11), (-0.2, 0, 0), (0, 0.26, 0))


@figure("oversway", 6)
def oversway(pen: Pen, rng: np.random.Generator) -> None:
    """A wide side step that sinks into a dip and recovers."""
    pen.go(0, 0.04, 0.44, 30)
    pen.accent("dip", 0.6, 4.2, float(rng.uniform(0.6, 1.0)), FOLLOWER)
    pen.go(5, 0.02, -0.30, 10)


GENRE = Genre(
    category="ballroom",
    arms="ballroom",
    hands="relaxed",
    figures=(
        (1.6, box),
        (1.6, progressive),
        (1.5, natural_turn),
        (2.0, reverse_turn),
        (0.8, balance),
        (1.3, whisk_chasse),
        (1.3, weave),
        (1.0, under_arm_turn),
        (0.6, oversway),
    ),
    gap_close=0.145,
    gap_open=0.40,
    aside=0.11,
    late_s=0.075,
    swing_s=0.60,
    flex=0.020,
    rise=0.028,
    hips=0.03,
    sway=0.09,
    lean=-0.10,
    look_left=0.55,
    heel_lead=True,
)
