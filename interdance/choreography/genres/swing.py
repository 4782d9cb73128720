"""Swing (lindy hop): six and eight counts with swung triple steps; swing-outs, passes, tuck turn, Charleston kicks."""

from __future__ import annotations

from typing import Any

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import LEADER, Genre, Hold, Writer

figure = home("two_hands")
LATE = 0.66  # where the swung off-beat is


def _rock(pen: Pen, beat: float, wide: float = 0.32, **move: Any) -> None:
    """Rock step: both back, away from each other, and in place."""
    start = pen.gap
    pen.go(beat, gap=start + wide, commit=0.6, **move)
    pen.go(beat + 1, gap=start)


def _triple(beat: float) -> tuple[float, float, float]:
    return beat, beat + LATE, beat + 1


def basic(hold: Hold) -> Writer:
    """Rock step and two triple steps in ``hold``."""

    @figure("basic_" + hold, 6)
    def write(pen: Pen, rng: np.random.Generator) -> None:
        turned = pick(rng, 0, 20, -20, 45)
        pen.take(0.4, hold)
        _rock(pen, 0, 0.12 if hold == "closed" else 0.32)
        pen.go(_triple(2), left=(0.18, 0.02, 0.12), turned=0.5 * turned)
        pen.take(4.2, "two_hands")
        pen.go(_triple(4), left=(-0.18, -0.02, -0.12), turned=0.5 * turned)

    return write


@figure("swing_out", 8)
def swing_out(pen: Pen, rng: np.random.Generator) -> None:
    """She is drawn in, they whirl round each other close together, and she is sent out again."""
    pen.take(-1, "one_hand")
    _rock(pen, 0)
    pen.take(2.2, "closed")
    pen.go(2, turned=-40, gap=pen.room.close + 0.16, aside=0.08)
    pen.go((2 + LATE, 3), turned=(-35, -25), gap=pen.room.close + 0.08, aside=0.14)
    pen.go((4, 5), turned=(-85, -80), gap=pen.room.close + 0.12, aside=0.14)
    pen.take(5.6, "one_hand")
    pen.go(6, turned=-55, gap=pen.room.open - 0.1)
    pen.go((6 + LATE, 7), turned=-40)


@figure("under_arm_turn", 6)
def under_arm_turn(pen: Pen, rng: np.random.Generator) -> None:
    """She turns right under the arm."""
    pen.take(-1, "one_hand")
    _rock(pen, 0)
    pen.take(2.2, "turn")
    turned = pick(rng, 0, 30, 60)
    pen.go(_triple(2), left=(0.12, 0.02, 0.1), turned=0.5 * turned, hers=-155)
    pen.go(_triple(4), left=(-0.12, -0.02, -0.1), turned=0.5 * turned, hers=-205)
    pen.take(5.6, "two_hands")


@figure("change_places", 6)
def change_places(pen: Pen, rng: np.random.Generator) -> None:
    """They change places, she turning half round under the arm as she passes him on either side."""
    pen.take(-1, "one_hand")
    _rock(pen, 0)
    pen.take(2.0, "turn")
    pen.pass_by((*_triple(2), 4, 4 + LATE), int(pick(rng, -1, 1)))
    pen.go(5)
    pen.take(5.4, "two_hands")


@figure("tuck_turn", 6)
def tuck_turn(pen: Pen, rng: np.random.Generator) -> None:
    """She is tucked in to the left and spins out to the right, free."""
    _rock(pen, 0)
    pen.go(_triple(2), left=(0.12, 0.02, 0.08), hers=(20, -20, -60), gap=pen.room.open - 0.08)
    pen.take(3.7, "turn")
    pen.go(_triple(4), left=(-0.12, -0.02, -0.1), hers=(-170, -100, -30))
    pen.take(5.6, "two_hands")


@figure("push", 6)
def push(pen: Pen, rng: np.random.Generator) -> None:
    """Sugar push: together and away."""
    _rock(pen, 0, 0.36)
    pen.go(_triple(2), turned=15, gap=pen.room.open - 0.14)
    pen.go(_triple(4), turned=pick(rng, 0, 15))


@figure("charleston", 24)
def charleston(pen: Pen, rng: np.random.Generator) -> None:
    """Side by side Charleston: rock back, kick, step, kick through, kick back, step."""
    pen.take(1.0, "side_by_side")
    for start in (0, 8, 16):
        pen.go(start, 0, -0.14, fan=55 if start == 0 else 90, gap=pen.room.beside + (0.2 if start == 0 else 0.0), commit=0.6)
        pen.go(start + 1, 0, 0.14, fan=90)
        pen.accent("kick", start + 1.1, 1.8, 0.5)
        pen.go(start + 3, 0, 0.16, fan=90)
        pen.accent("kick", start + 3.1, 1.9, 0.5)
        pen.accent("kick", start + 5.1, 1.8, -0.4)
        if start == 16:
            pen.take(22.4, "two_hands")
            pen.go(start + 7, 0, -0.1, fan=0)
        else:
            pen.go(start + 7, 0, -0.16, fan=90)


@figure("tandem_charleston", 24)
def tandem_charleston(pen: Pen, rng: np.random.Generator) -> None:
    """The same kicks in shadow, she in front; in and out with a half turn."""
    pen.take(0.2, "one_hand")
    pen.go(0, gap=pen.room.open + 0.26, commit=0.6)
    pen.go(1, gap=pen.room.open)
    pen.go(2, gap=pen.room.open - 0.06, only=LEADER)  # she waits: now both have the same foot free
    pen.go((2 + LATE, 3), hers=(-110, -40), gap=pen.room.behind + 0.14)
    pen.take(3.6, "shadow")
    pen.go(_triple(4), left=(-0.06, 0, -0.04), hers=(-30, 0, 0))
    pen.accent("kick", 5.4, 2.2, 0.4)
    for start in (8, 12):
        pen.go(start, -0.12, commit=0.7)
        pen.go(start + 1, 0.12)
        pen.accent("kick", start + 1.1, 1.8, 0.45)
        pen.go(start + 3, 0.06)
    pen.take(16.4, "turn")
    pen.go(17, hers=50, gap=pen.room.behind + 0.2, only=LEADER)
    pen.go(18, hers=130, gap=pen.room.open)
    pen.take(19.0, "two_hands")
    pen.go(_triple(19), left=(0.14, 0.02, 0.08))
    pen.go(_triple(21), left=(-0.14, -0.02, -0.08))


@figure("breakaway", 8)
def breakaway(pen: Pen, rng: np.random.Generator) -> None:
    """They let go, kick and clap apart, and take hands again."""
    pen.take(0.2, "apart")
    pen.go((0, 1), gap=pen.room.apart, commit=0.8)
    pen.accent("kick", 1.1, 1.8, 0.4)
    pen.go(3, left=0.12)
    pen.accent("clap", 3.0, 1.8)
    pen.accent("kick", 3.1, 1.8, 0.4)
    pen.go(5, left=-0.12, gap=pen.room.apart - 0.2)
    pen.take(5.8, "two_hands")
    pen.go((6, 7), left=(0.1, -0.1))


GENRE = Genre(
    category="ballroom",
    arms="folk",
    hands="relaxed",
    figures=(
        (1.2, basic("two_hands")),
        (0.8, basic("closed")),
        (0.8, basic("one_hand")),
        (1.8, swing_out),
        (1.2, under_arm_turn),
        (1.3, change_places),
        (1.2, tuck_turn),
        (0.8, push),
        (0.8, charleston),
        (0.5, tandem_charleston),
        (0.5, breakaway),
    ),
    gap_close=0.19,
    gap_open=0.44,
    size=(0.85, 1.15),
    late_s=0.0,
    swing_s=0.28,
    flex=0.042,
    bounce=0.018,
    hips=0.05,
    sway=-0.08,
    lean=0.06,
    lift=0.05,
)
