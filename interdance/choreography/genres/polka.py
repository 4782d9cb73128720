"""Polka: step, close, step and a hop, in two; whirling down the hall, side by side, heel and toe, swinging by the arm."""

from __future__ import annotations

from typing import Any

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import Genre

figure = home("closed")


def _polka(pen: Pen, start: float, left: float, turned: float = 0.0, **formation: Any) -> None:
    """One bar: step, close, step, hop."""
    beats = (start, start + 0.5, start + 1)
    pen.go(beats, left=(0.45 * left, 0.1 * left, 0.45 * left), turned=turned, **formation)
    pen.accent("jump", start + 1.35, 0.6, 0.30)


@figure("basic", 8)
def basic(pen: Pen, rng: np.random.Generator) -> None:
    """To one side and to the other, turning a little."""
    turned = pick(rng, -30, 0, 30)
    for bar, way in enumerate((1, -1, 1, -1)):
        _polka(pen, 2 * bar, 0.55 * way, turned)


@figure("turning_right", 8)
def turning_right(pen: Pen, rng: np.random.Generator) -> None:
    """Half a turn to the right or nearly in every bar, down the hall."""
    _whirl(pen, -1, pick(rng, 0, 8, 16))


@figure("turning_left", 8)
def turning_left(pen: Pen, rng: np.random.Generator) -> None:
    """The same to the left."""
    _whirl(pen, 1, -pick(rng, 0, 8, 16))


def _whirl(pen: Pen, way: float, bend: float) -> None:
    """Half a turn in a bar: the first step goes sideways, the third along the line, the hop swivels most of it."""
    for bar in range(4):
        beats = (2 * bar, 2 * bar + 0.5, 2 * bar + 1)
        swivel = 95 if bar else 30
        turned = (way * swivel, way * 30, way * 30)
        wide = pen.room.close + (0.06 if bar < 3 else 0.0)
        pen.go(beats, left=(0.16, 0.08, 0.16), turned=turned, along=bend * bar, gap=wide)
        pen.accent("jump", 2 * bar + 1.35, 0.6, 0.25)


@figure("promenade", 16)
def promenade(pen: Pen, rng: np.random.Generator) -> None:
    """Side by side forward, opening out and closing again."""
    bend = pick(rng, -20, 0, 20)
    pen.take(0.6, "side_by_side")
    _polka(pen, 0, 0.5, fan=70)
    for bar in range(1, 6):
        _polka(pen, 2 * bar, 0.72, bend, fan=90)
    pen.take(12.2, "closed")
    _polka(pen, 12, 0.5, fan=30)
    _polka(pen, 14, 0.2, fan=0)


@figure("heel_toe", 16)
def heel_toe(pen: Pen, rng: np.random.Generator) -> None:
    """Heel out, toe back, and a polka step to that side; then the other; hand in hand."""
    pen.take(0.4, "two_hands")
    for half in range(4):
        start, way = 4 * half, 1 if half % 2 == 0 else -1
        if half == 3:
            pen.take(14.6, "closed")
        gap = None if half == 3 else pen.room.open
        _tap(pen, start, 0.20 * way)
        _tap(pen, start + 1, -0.02 * way)
        _polka(pen, start + 2, 0.62 * way, pick(rng, 0, 10), gap=gap)


def _tap(pen: Pen, beat: float, left: float) -> None:
    """A foot set out to the side without weight: the couple stays."""
    at = pen.at
    pen.touch(beat, left=left)
    pen.at = at


@figure("arm_turn", 16)
def arm_turn(pen: Pen, rng: np.random.Generator) -> None:
    """Right hand in right hand they skip round each other, a turn and a half or two, then face."""
    pen.take(0.4, "handshake")
    beats = [beat for bar in range(6) for beat in (2 * bar, 2 * bar + 0.5, 2 * bar + 1)]
    pen.wheel(beats, pick(rng, -540, -720), tilt=55)
    for bar in range(6):
        pen.accent("jump", 2 * bar + 1.35, 0.6, 0.2)
    pen.take(12.4, "closed")
    _polka(pen, 12, 0.3)
    _polka(pen, 14, -0.3)


@figure("under_arm_turn", 8)
def under_arm_turn(pen: Pen, rng: np.random.Generator) -> None:
    """She polkas round under the arm, once, while he steps beside her."""
    pen.take(0.2, "one_hand")
    _polka(pen, 0, 0.4)
    pen.take(1.8, "turn")
    _polka(pen, 2, -0.3, hers=-170)
    _polka(pen, 4, 0.3, hers=-190)
    pen.take(5.8, "closed")
    _polka(pen, 6, -0.4)


@figure("clapping", 16)
def clapping(pen: Pen, rng: np.random.Generator) -> None:
    """Apart: stamp, stamp, clap; then each whirls alone and they meet again."""
    pen.take(0.6, "apart")
    _polka(pen, 0, 0.3)
    _polka(pen, 2, -0.3)
    pen.go((4, 5), 0, (0.06, -0.06))
    pen.accent("clap", 5.2, 1.4)
    pen.go((6, 7), 0, (0.06, -0.06))
    pen.accent("clap", 7.1, 1.4)
    for bar, way in ((4, 1), (5, -1)):
        _polka(pen, 2 * bar, 0.3 * way, his=180, hers=-180)
    pen.take(12.2, "closed")
    _polka(pen, 12, 0.2)
    _polka(pen, 14, -0.2)


GENRE = Genre(
    category="folk",
    arms="folk",
    hands="relaxed",
    figures=(
        (1.0, basic),
        (2.0, turning_right),
        (1.0, turning_left),
        (1.2, promenade),
        (1.0, heel_toe),
        (0.9, arm_turn),
        (1.0, under_arm_turn),
        (0.7, clapping),
    ),
    gap_close=0.18,
    gap_open=0.42,
    gap_apart=0.60,
    aside=0.08,
    late_s=0.0,
    swing_s=0.26,
    flex=0.025,
    bounce=0.016,
    hips=0.02,
    lean=0.02,
    lift=0.05,
)
