"""Locking: points, locks and claps that stop dead; Scooby Doo kicks, skeeter hops, handshakes, back to back poses."""

from __future__ import annotations

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import LEADER, LEFT, RIGHT, Genre

figure = home("apart")


@figure("lock", 8)
def lock(pen: Pen, rng: np.random.Generator) -> None:
    """Wrists roll up, and down into the lock, twice."""
    for start, way in ((0, 1), (4, -1)):
        pen.go((start, start + 1), 0, (0.24 * way, -0.04 * way))
        pen.accent("arms_up", start - 0.3, 1.8, 0.8)
        pen.accent("crouch", start + 1.6, 1.8, float(rng.uniform(0.4, 0.7)))
        pen.go((start + 2, start + 3), 0, (0.08 * way, -0.04 * way), commit=0.7)


@figure("points", 8)
def points(pen: Pen, rng: np.random.Generator) -> None:
    """Uncle Sam points, left and right, with a step to each side."""
    first = int(rng.integers(2))
    for start, way, side in ((0, 1, first), (4, -1, 1 - first)):
        pen.go(start, 0, 0.32 * way)
        pen.accent("point", start, 1.7, 1.0, None, side)
        pen.touch(start + 1)
        pen.accent("point", start + 2, 1.7, 0.9, None, 1 - side)
        pen.accent("crouch", start + 1.8, 1.6, 0.35)


@figure("scooby_doo", 8)
def scooby_doo(pen: Pen, rng: np.random.Generator) -> None:
    """Kick, step back, kick, step back, and out to both sides."""
    for start in (0, 2, 4, 6):
        pen.accent("kick", start - 0.7, 1.5, float(rng.uniform(0.4, 0.6)))
        wide = pen.room.apart + (0.2, 0.25, 0.15, 0.0)[start // 2]
        pen.go(start + 1, left=(0.06, -0.06)[start // 2 % 2], gap=wide)


@figure("skeeter_rabbit", 8)
def skeeter_rabbit(pen: Pen, rng: np.random.Generator) -> None:
    """Kick, hop and change, travelling round each other."""
    turned = pick(rng, -60, 60)
    for start in (0, 4):
        pen.accent("kick", start - 0.7, 1.4, 0.5)
        pen.accent("jump", start + 0.5, 0.7, 0.35)
        pen.go((start + 1, start + 2), 0, (0.14, -0.08) if start == 0 else (0.08, -0.14), 0.5 * turned)
        pen.accent("knee", start + 2.1, 1.3, 0.6)
        pen.accent("arms_up", start + 2.2, 1.4, 0.7)


@figure("clap_hands", 12)
def clap_hands(pen: Pen, rng: np.random.Generator) -> None:
    """They come near, clap low, shake the right hand, and jump back into the lock."""
    pen.go((0, 1), gap=pen.room.open + 0.2)
    pen.accent("clap", 1.6, 1.0)
    pen.take(3.4, "handshake")
    pen.go((3, 4))
    pen.accent("crouch", 4.2, 1.6, 0.4)
    pen.go((5, 6), left=(0.08, -0.08), commit=0.7)
    pen.take(7.0, "apart")
    pen.go((8, 9), turned=pick(rng, -40, 0, 40))
    pen.accent("crouch", 9.6, 1.8, 0.55)
    pen.go((10, 11), left=(0.06, -0.06))


@figure("side_by_side", 20)
def side_by_side(pen: Pen, rng: np.random.Generator) -> None:
    """Both to the front: step, point, lock and kick in unison, and back to face."""
    wide = pen.room.beside + 0.34
    pen.go(0, 0, 0.05, fan=20, gap=pen.gap, only=LEADER)  # she waits: now both have the same foot free
    pen.go((1, 2, 3), 0, 0.15, fan=90, gap=wide)
    for start, side in ((4, LEFT), (10, RIGHT)):
        pen.go((start, start + 1), 0, (0.2, -0.04), fan=90, gap=wide)
        pen.accent("point", start + 0.6, 1.6, 1.0, None, side)
        pen.accent("kick", start + 1.4, 1.7, 0.55)
        pen.go((start + 3.5, start + 4.5), 0, (-0.12, -0.04), fan=90, gap=wide)
        pen.accent("crouch", start + 4.2, 1.6, 0.5)
    pen.go(16, 0, -0.05, fan=70, gap=wide + 0.1, only=LEADER)
    pen.go((17, 18, 19), 0, -0.15, fan=0)


@figure("back_to_back", 16)
def back_to_back(pen: Pen, rng: np.random.Generator) -> None:
    """They turn their backs, come together, pose back to back with folded arms and point, and swing round again."""
    near = pen.room.behind + 0.06
    pen.go((0, 1, 2, 3), his=(30, 60, 60, 30), hers=(-30, -60, -60, -30), gap=near)
    pen.accent("crouch", 4.0, 4.6, 0.35)
    pen.accent("arms_up", 4.2, 1.8, 0.6)
    pen.accent("point", 6.4, 2.4, 1.0, None, RIGHT)
    pen.go((6, 9), left=(-0.1, 0.1), gap=near)
    pen.go((10, 11, 12, 13), his=(30, 60, 60, 30), hers=(-30, -60, -60, -30))
    pen.accent("clap", 13.4, 1.2)
    pen.go((14, 15), left=(0.1, -0.1))


@figure("spin", 8)
def spin(pen: Pen, rng: np.random.Generator) -> None:
    """A quick whole turn, arms wide, into the lock."""
    way = pick(rng, -1, 1)
    turns = (60, 130, 110, 60)
    pen.go((0, 1), left=(0.12, -0.12))
    pen.go((2, 3, 4, 5), his=[way * turn for turn in turns], hers=[-way * turn for turn in turns])
    pen.accent("crouch", 5.3, 2.2, 0.6)
    pen.accent("point", 5.6, 1.8, 1.0, None, RIGHT)
    pen.go((6, 7), left=(0.1, -0.1))


@figure("stop_and_go", 8)
def stop_and_go(pen: Pen, rng: np.random.Generator) -> None:
    """Low, a step to the side with the knee up, and still."""
    for start, way in ((0, 1), (4, -1)):
        pen.accent("crouch", start - 0.2, 1.6, 0.7)
        pen.go((start, start + 1), 0, (0.26 * way, 0.0))
        pen.accent("knee", start + 1.2, 1.7, 0.75)
        pen.accent("clap", start + 2.0, 1.2, 0.8)
        pen.go((start + 3, start + 3.5), 0, (0.04 * way, -0.04 * way))


GENRE = Genre(
    category="street",
    arms="locking",
    hands="fist",
    figures=(
        (1.4, lock),
        (1.4, points),
        (1.2, scooby_doo),
        (1.0, skeeter_rabbit),
        (1.0, clap_hands),
        (0.9, side_by_side),
        (0.7, back_to_back),
        (0.9, spin),
        (1.0, stop_and_go),
    ),
    gap_close=0.25,
    gap_open=0.46,
    gap_apart=1.15,
    aside=0.0,
    size=(0.85, 1.15),
    late_s=0.0,
    swing_s=0.28,
    flex=0.060,
    bounce=0.014,
    hips=0.03,
    lean=0.08,
    staccato=1.8,
    lift=0.05,
)
