"""Rumba: steps on two, three and four, the hips settle on one; New Yorker, spot turn, alemana, fan and hockey stick."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import FOLLOWER, LEADER, Genre, Hold, Writer

figure = home("two_hands")
COUNTS = (1, 2, 3, 5, 6, 7)


def basic(hold: Hold) -> Writer:
    """Forward break and side, back break and side, in ``hold``, turning left a little."""

    @figure("basic_" + hold, 16)
    def write(pen: Pen, rng: np.random.Generator) -> None:
        turned = pick(rng, 0, 45, 90)
        pen.take(0.5, hold)
        for start in (0, 8):
            beats = [start + count for count in COUNTS]
            pen.go(beats[:3], (0.28, -0.28, 0), (0, 0, 0.27), 0.5 * turned, commit=0.85)
            pen.go(beats[3:5], (-0.28, 0.28), commit=0.85)
            if start == 8:
                pen.take(14.4, "two_hands")
            pen.go(beats[5], 0, -0.27, turned=0.0)

    return write


@figure("box", 8)
def box(pen: Pen, rng: np.random.Generator) -> None:
    """Slow forward, quick side, quick close; and back."""
    pen.go((0, 2, 3, 4, 6, 7), (0.30, 0, 0, -0.30, 0, 0), (0, -0.28, 0, 0, 0.28, 0), pick(rng, 0, 45, 90))


@figure("cuban_walks", 8)
def cuban_walks(pen: Pen, rng: np.random.Generator) -> None:
    """Six walks, forward for him and back for her or the other way, curving."""
    way = pick(rng, -1, 1)
    pen.go(COUNTS, [way * 0.30] * 6, turned=pick(rng, -60, 0, 60))


@figure("new_yorker", 8)
def new_yorker(pen: Pen, rng: np.random.Generator) -> None:
    """Both check forward through the joined hands to his right, then both turn on the spot alone."""
    pen.take(0.2, "one_hand")
    pen.go(1, 0, -0.24, fan=-75, gap=pen.room.beside + 0.1, commit=0.8)
    pen.go((2, 3), 0, (0.14, 0.26), fan=0)
    _spot_turn(pen, 4)


@figure("spot_turns", 8)
def spot_turns(pen: Pen, rng: np.random.Generator) -> None:
    """A side break, then both turn away from each other, a whole turn alone."""
    pen.go((1, 2, 3), left=(0.26, -0.26, 0.1), commit=0.8)
    _spot_turn(pen, 4)


def _spot_turn(pen: Pen, start: float) -> None:
    pen.take(start + 0.2, "apart")
    pen.go((start + 1, start + 2), 0, (0.16, -0.04), his=(150, 120), hers=(-150, -120), gap=pen.room.open)
    pen.take(start + 3, "two_hands")
    pen.go(start + 3, 0, -0.22, his=90, hers=-90)


@figure("hand_to_hand", 8)
def hand_to_hand(pen: Pen, rng: np.random.Generator) -> None:
    """They open like a book to his left, and to his right, each time breaking back side by side."""
    pen.take(0.4, "side_by_side")
    pen.go(1, 0, -0.20, fan=85, commit=0.8)
    pen.take(2.0, "one_hand")
    pen.go((2, 3), 0, (0.14, 0.22), fan=0)
    pen.go(5, 0, 0.20, fan=-80, gap=pen.room.beside + 0.1, commit=0.8)
    pen.take(6.8, "two_hands")
    pen.go((6, 7), 0, (-0.14, -0.22), fan=0)


@figure("alemana", 8)
def alemana(pen: Pen, rng: np.random.Generator) -> None:
    """A forward basic, then she turns right under his arm."""
    pen.take(0.5, "one_hand")
    pen.go((1, 2, 3), (0.22, -0.22, 0), (0, 0, 0.20), hers=(0, 0, -30))
    pen.take(3.4, "turn")
    pen.go((5, 6, 7), (-0.18, 0.18, 0), (0, 0, -0.20), hers=(-120, -120, -90))
    pen.take(7.6, "two_hands")


@figure("fan_hockey_stick", 16)
def fan_hockey_stick(pen: Pen, rng: np.random.Generator) -> None:
    """She is led out to his left into the fan, and back past him, turning left under the arm at the end of the slot."""
    pen.take(0.4, "one_hand")
    pen.go((1, 2, 3), (0.24, -0.24, 0), (0, 0, 0.10))
    half, x = 0.5 * pen.gap, 0.80
    pen.path(LEADER, (5, 6, 7), ((0, -half - 0.22, 0), (0, -half, 10), (-0.08, -half, 25)))
    pen.path(FOLLOWER, (5, 6, 7), ((0.16, 0.6 * half, 20), (0.42, 0.3 * half, 70), (x, -0.5 * half, 95)))
    pen.path(LEADER, (9, 10, 11), ((-0.06, -half + 0.18, 25), (-0.10, -half, 10), (-0.14, -half - 0.06, 0)))
    pen.path(FOLLOWER, (9, 10, 11), ((x - 0.06, -0.5 * half, 95), (x - 0.36, -0.1 * half, 95), (0.10, 0.6 * half, 90)))
    pen.take(12.6, "turn")
    his_x, his_z, out = -0.24, -half, radians(-40)
    her_x, her_z = his_x + pen.gap * sin(out), his_z + pen.gap * cos(out)
    pen.path(LEADER, (13, 14, 15), ((-0.18, -half - 0.18, -15), (-0.20, -half, -30), (his_x, his_z, -40)))
    hers = ((-0.14, 0.9 * half, 90), (0.7 * her_x, her_z, 210), (her_x, her_z, 320))
    pen.path(FOLLOWER, (13, 14, 15), hers)
    pen.take(15.2, "two_hands")
    pen.meet()


@figure("shadow_sways", 16)
def shadow_sways(pen: Pen, rng: np.random.Generator) -> None:
    """She is turned in front of him, both sway side to side in shadow, and she is turned out again."""
    pen.take(0.4, "one_hand")
    pen.go(1, 0.1, gap=pen.room.open, only=LEADER)  # she waits: now both have the same foot free
    pen.go((2, 3), 0, (0, 0.16), hers=-180, gap=pen.room.behind + 0.12)
    pen.take(3.2, "shadow")
    pen.go((5, 6, 7, 9, 10, 11), left=(-0.24, 0.24, -0.20, 0.24, -0.24, 0.20), commit=0.8)
    pen.take(12.6, "turn")
    pen.go(13, hers=30, only=LEADER)
    pen.go((14, 15), left=(0, -0.16), hers=150)
    pen.take(15.4, "two_hands")


GENRE = Genre(
    category="ballroom",
    arms="latin",
    hands="relaxed",
    figures=(
        (1.2, basic("closed")),
        (0.8, basic("two_hands")),
        (0.8, box),
        (1.0, cuban_walks),
        (1.4, new_yorker),
        (0.8, spot_turns),
        (1.0, hand_to_hand),
        (1.3, alemana),
        (1.0, fan_hockey_stick),
        (0.8, shadow_sways),
    ),
    gap_close=0.17,
    gap_open=0.40,
    aside=0.08,
    late_s=0.02,
    swing_s=0.42,
    flex=0.012,
    hips=0.19,
    sway=-0.05,
    staccato=1.2,
)
