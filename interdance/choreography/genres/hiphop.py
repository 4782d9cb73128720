"""Hip-hop for two: grooves in mirror, face to face and side by side; kick steps, waves, handshake, spins and freezes."""

from __future__ import annotations

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import FOLLOWER, LEADER, LEFT, RIGHT, Genre

figure = home("apart")


@figure("two_step", 8)
def two_step(pen: Pen, rng: np.random.Generator) -> None:
    """Step and touch from side to side, clapping."""
    turned = pick(rng, -20, 0, 20)
    for beat, way in ((0, 1), (2, -1), (4, 1), (6, -1)):
        pen.go(beat, 0, 0.36 * way, turned)
        pen.touch(beat + 1)
        pen.accent("clap", beat + 0.6, 0.9, 0.7)


@figure("bounce", 8)
def bounce(pen: Pen, rng: np.random.Generator) -> None:
    """Down on every beat, rocking between the feet, a step forward and back."""
    pen.go(range(8), (0.16, 0, 0.14, 0, -0.16, 0, -0.14, 0), (0.06, -0.12, 0.12, -0.12, 0.12, -0.12, 0.12, -0.06))
    for beat in range(8):
        pen.accent("crouch", beat - 0.3, 0.9, float(rng.uniform(0.25, 0.45)))


@figure("kick_step", 8)
def kick_step(pen: Pen, rng: np.random.Generator) -> None:
    """Kick, step, step; on both sides."""
    for start, way in ((0, 1), (4, -1)):
        pen.accent("kick", start - 0.7, 1.5, 0.5)
        pen.go((start + 1, start + 1.5, start + 2), 0, (0.10 * way, 0.04 * way, 0.16 * way))
        pen.touch(start + 3)


@figure("body_wave", 8)
def body_wave(pen: Pen, rng: np.random.Generator) -> None:
    """A slow wave down the spine, then a hit."""
    pen.go(0, 0, 0.24, commit=0.5)
    pen.accent("wave", 0.4, 3.4, 1.0)
    pen.accent("wave", 4.0, 2.6, 0.8)
    pen.go((4, 6), left=(-0.24, 0.12), commit=0.7)
    pen.accent("crouch", 6.6, 1.3, 0.5)
    pen.go(7, 0, -0.12)


@figure("running_man", 8)
def running_man(pen: Pen, rng: np.random.Generator) -> None:
    """Knees up on the spot, sliding back."""
    for beat in range(8):
        pen.accent("knee", beat - 0.8, 0.85, 0.45)
        pen.go(beat, (0.10, -0.10)[beat % 2])


@figure("side_by_side", 24)
def side_by_side(pen: Pen, rng: np.random.Generator) -> None:
    """Both turn to the front, groove in unison, and turn back to each other."""
    wide = pen.room.beside + 0.30
    pen.go(0, 0, 0.05, fan=20, gap=pen.gap, only=LEADER)  # she waits: now both have the same foot free
    pen.go((1, 2, 3), 0, 0.15, fan=90, gap=wide)
    for start in (4, 12):
        for beat, way in ((start, -1), (start + 2, 1)):
            pen.go(beat, 0.26 * way, 0.0, fan=90, gap=wide)
            pen.touch(beat + 1, fan=90, gap=wide)
            pen.accent("arms_up", beat - 0.2, 1.8, 0.6)
        pen.accent("kick", start + 3.2, 1.6, 0.5)
        pen.go((start + 5, start + 6), 0, (0.12, -0.12), fan=90, gap=wide)
        pen.accent("crouch", start + 6.2, 1.4, 0.6)
    pen.go(20, 0, -0.05, fan=70, gap=wide + 0.1, only=LEADER)
    pen.go((21, 22, 23), 0, -0.15, fan=0)


@figure("handshake", 12)
def handshake(pen: Pen, rng: np.random.Generator) -> None:
    """They walk up to each other, slap and shake hands, bounce, and step back."""
    pen.take(2.4, "handshake")
    pen.go((0, 1, 2, 3))
    pen.accent("crouch", 4.0, 1.2, 0.4)
    pen.accent("crouch", 5.2, 1.2, 0.4)
    pen.go((5, 6), left=(0.1, -0.1), commit=0.6)
    pen.take(7.4, "apart")
    pen.go((8, 9, 10, 11), turned=pick(rng, -40, 40))


@figure("partner_spin", 12)
def partner_spin(pen: Pen, rng: np.random.Generator) -> None:
    """Hand in hand she spins under the arm, then both let go."""
    pen.take(2.6, "one_hand")
    pen.go((0, 1, 2, 3))
    pen.take(4.0, "turn")
    pen.go((4, 5, 6, 7), left=(0.06, -0.06, 0.06, -0.06), hers=(-70, -110, -110, -70))
    pen.take(8.4, "apart")
    pen.go((8, 9, 10, 11))


@figure("spin", 8)
def spin(pen: Pen, rng: np.random.Generator) -> None:
    """Both wind up, spin a whole turn in mirror and land low."""
    way = pick(rng, -1, 1)
    pen.go((0, 1), left=(0.2, -0.1), his=-10 * way, hers=10 * way)
    pen.go((2, 3, 4, 5), his=[way * turn for turn in (60, 130, 120, 60)], hers=[-way * turn for turn in (60, 130, 120, 60)])
    pen.accent("crouch", 5.2, 2.4, 0.9)
    pen.go((7, 7.5), left=(-0.1, 0.0))


@figure("freeze", 8)
def freeze(pen: Pen, rng: np.random.Generator) -> None:
    """A jump, and a low freeze, one hand pointing at the other."""
    pen.go((0, 1), left=(0.1, -0.1))
    pen.accent("jump", 1.4, 0.9, 0.8)
    pen.go((2.2, 2.5), 0, (0.14, -0.06), commit=0.5)
    pen.accent("crouch", 2.2, 4.4, float(rng.uniform(0.8, 1.0)))
    pen.accent("point", 2.6, 3.6, 1.0, LEADER, RIGHT)
    pen.accent("point", 2.6, 3.6, 1.0, FOLLOWER, LEFT)
    pen.go((6.5, 7.25), 0, (-0.08, 0.0))


GENRE = Genre(
    category="street",
    arms="hiphop",
    hands="mixed",
    figures=(
        (1.6, two_step),
        (1.2, bounce),
        (1.4, kick_step),
        (0.9, body_wave),
        (1.0, running_man),
        (0.9, side_by_side),
        (1.0, handshake),
        (0.7, partner_spin),
        (1.0, spin),
        (0.9, freeze),
    ),
    gap_close=0.25,
    gap_open=0.46,
    gap_apart=1.15,
    aside=0.0,
    size=(0.85, 1.15),
    late_s=0.0,
    swing_s=0.30,
    flex=0.060,
    bounce=0.028,
    hips=0.06,
    sway=-0.10,
    lean=0.10,
    staccato=1.3,
    lift=0.05,
)
