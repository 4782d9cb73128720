"""Minuet: four small steps in six beats, on the toes; honours, right hands, left hands, both hands, and the Z."""

from __future__ import annotations

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import Genre

figure = home("apart")
PAS = (0, 2, 3, 4)  # the beats of the four steps of a pas de menuet


def _pas(start: float, count: int = 1) -> list[float]:
    return [start + 6 * bar + beat for bar in range(count) for beat in PAS]


@figure("honours", 12)
def honours(pen: Pen, rng: np.random.Generator) -> None:
    """A step to the side and a bow, to each other."""
    pen.go((0, 2), 0, (0.26, 0.0))
    pen.accent("bow", 2.4, 3.4, float(rng.uniform(0.7, 1.0)))
    pen.accent("crouch", 2.4, 3.4, 0.25)
    pen.go((6, 8), 0, (-0.26, 0.0))
    pen.accent("arch", 8.2, 2.6, 0.25)


@figure("balance", 12)
def balance(pen: Pen, rng: np.random.Generator) -> None:
    """Pas de menuet to the left and to the right."""
    turned = pick(rng, 0, 15, 30)
    pen.go(_pas(0), 0, (0.24, 0.06, 0.18, 0.0), turned)
    pen.go(_pas(6), 0, (-0.24, -0.06, -0.18, 0.0), turned)


@figure("right_hands", 24)
def right_hands(pen: Pen, rng: np.random.Generator) -> None:
    """They approach, present the right hand, go round once, and retire."""
    pen.take(4.4, "handshake")
    pen.go(_pas(0))
    pen.wheel(_pas(6, 2), -360, tilt=50)
    pen.take(18.8, "apart")
    pen.go(_pas(18))


@figure("left_hands", 24)
def left_hands(pen: Pen, rng: np.random.Generator) -> None:
    """The same by his left and her right hand, the other way round."""
    pen.take(4.4, "one_hand")
    pen.go(_pas(0))
    pen.wheel(_pas(6, 2), 360, tilt=40)
    pen.take(18.8, "apart")
    pen.go(_pas(18))


@figure("both_hands", 24)
def both_hands(pen: Pen, rng: np.random.Generator) -> None:
    """Both hands joined they circle, and part."""
    pen.take(4.4, "two_hands")
    pen.go(_pas(0))
    pen.wheel(_pas(6, 2), pick(rng, -360, 360), tilt=15)
    pen.take(18.8, "apart")
    pen.go(_pas(18))


@figure("the_z", 24)
def the_z(pen: Pen, rng: np.random.Generator) -> None:
    """Along the side, along the diagonal past each other by the right shoulder, and round to face."""
    pen.go(_pas(0), 0, turned=20, his=30, hers=30)
    near = pen.room.beside + 0.2
    pen.go(_pas(6), turned=(-30, -35, -40, -20), his=(15, 10, 10, 5), hers=(15, 10, 10, 5), gap=near)
    pen.go(_pas(12), turned=(-25, -20, -20, -15), his=(5, 0, -5, -5), hers=(5, 0, -5, -5))
    pen.go(_pas(18), turned=5, his=-65, hers=-65)


@figure("lead_in", 24)
def lead_in(pen: Pen, rng: np.random.Generator) -> None:
    """Hand in hand and side by side he leads her forward, and they part."""
    pen.take(4.0, "one_hand")
    pen.go(_pas(0), fan=-40)
    pen.go(_pas(6), 0, (-0.22, -0.16, -0.18, -0.16), fan=-75, gap=pen.room.beside + 0.14)
    pen.go(_pas(12), 0, (-0.22, -0.16, -0.18, -0.16), pick(rng, 0, -30, 30), fan=-75, gap=pen.room.beside + 0.14)
    pen.take(18.8, "apart")
    pen.go(_pas(18), fan=0)


@figure("turn_under", 24)
def turn_under(pen: Pen, rng: np.random.Generator) -> None:
    """They come near, she turns with small steps under the raised hand, and they retire."""
    pen.take(4.4, "one_hand")
    pen.go(_pas(0))
    pen.take(6.4, "turn")
    pen.go(_pas(6, 2), 0, (0.08, 0.02, 0.04, 0, -0.08, -0.02, -0.04, 0), hers=-45 * 8)
    pen.take(18.6, "apart")
    pen.go(_pas(18))


GENRE = Genre(
    category="classical",
    arms="court",
    hands="ballet",
    figures=(
        (0.7, honours),
        (1.2, balance),
        (1.5, right_hands),
        (1.0, left_hands),
        (1.0, both_hands),
        (1.6, the_z),
        (0.9, lead_in),
        (0.8, turn_under),
    ),
    gap_close=0.20,
    gap_open=0.46,
    gap_apart=1.00,
    aside=0.0,
    late_s=0.04,
    swing_s=0.50,
    flex=0.012,
    rise=0.022,
    hips=0.0,
    sway=0.02,
    lift=0.03,
)
