"""Pas de deux: an adagio for two; promenade, supported pirouettes and arabesques, fish dives, running circles."""

from __future__ import annotations

import numpy as np

from interdance.choreography.pen import Pen, home, pick
from interdance.choreography.score import FOLLOWER, LEADER, Genre

figure = home("one_hand")


def _halves(start: float, count: int) -> list[float]:
    return [start + 0.5 * step for step in range(count)]


@figure("walk", 8)
def walk(pen: Pen, rng: np.random.Generator) -> None:
    """Slow walks hand in hand, forwards for her, then back."""
    way = pick(rng, -1, 1)
    pen.go(range(4), way * 1.1, turned=pick(rng, -40, 40))
    pen.accent("arch", 3.6, 2.0, 0.5, FOLLOWER)
    pen.go((5, 6, 7), -way * 0.5, turned=pick(rng, -30, 30))
    pen.touch(7.5)
    pen.go(7.75)


@figure("embrace_promenade", 16)
def embrace_promenade(pen: Pen, rng: np.random.Generator) -> None:
    """They come into an embrace, turn slowly in it, and open again."""
    pen.take(1.6, "embrace")
    pen.go((0, 1, 2, 3), 0.3)
    pen.go(range(4, 12), turned=pick(rng, -360, 360))
    pen.accent("arch", 7.5, 4.0, 0.7, FOLLOWER)
    pen.take(13.2, "one_hand")
    pen.go((12, 13, 14, 15))


@figure("pirouette", 12)
def pirouette(pen: Pen, rng: np.random.Generator) -> None:
    """She turns twice on one leg under his hand, the other foot at the knee."""
    pen.go((0, 1), 0, (0.2, -0.1))
    pen.take(2.0, "turn")
    pen.go(2, 0, 0, hers=30)
    pen.accent("knee", 2.8, 5.2, 0.8, FOLLOWER)
    pen.solo(LEADER, (4, 6, 8), left=(0.04, -0.04, 0.0), commit=0.5)
    pen.solo(FOLLOWER, (3, 4, 5, 6, 7), turned=(-120, -180, -180, -160, -110), commit=0.0)
    pen.take(8.6, "one_hand")
    pen.go((9, 10), (0, 0.1), (-0.1, 0.1))
    pen.go(11, only=FOLLOWER)


@figure("arabesque", 8)
def arabesque(pen: Pen, rng: np.random.Generator) -> None:
    """Hands on his shoulders she stretches a leg behind her, and he turns her slowly."""
    pen.take(0.8, "waist_shoulder")
    pen.go((0, 1), 0.1)
    pen.go(2, 0, 0.08)
    pen.accent("kick", 2.6, 3.8, -float(rng.uniform(0.8, 1.2)), FOLLOWER)
    pen.accent("bow", 2.6, 3.8, 0.25, FOLLOWER)
    pen.take(6.8, "one_hand")
    pen.go(7, 0, -0.1)


@figure("shadow_adagio", 24)
def shadow_adagio(pen: Pen, rng: np.random.Generator) -> None:
    """He stands behind her, hands at waist and wrist; they sway, she unfolds a leg to the side, and is turned out."""
    pen.go(0, 0, 0.1, only=LEADER)  # she waits: now both have the same foot free
    pen.go((1, 2), 0, (0, 0.1), hers=-180, gap=pen.room.behind + 0.1)
    pen.take(2.8, "shadow")
    pen.go((4, 6), left=(-0.30, 0.30), commit=0.8)
    pen.go(8, left=-0.24, commit=0.85)
    pen.accent("kick", 8.8, 4.4, 0.9, FOLLOWER)
    pen.accent("arch", 14.4, 3.2, 0.6, FOLLOWER)
    pen.go((14, 16), left=(0.24, -0.20), commit=0.8)
    pen.take(18.4, "turn")
    pen.go(19, hers=30, only=LEADER)
    pen.go((20, 21), hers=150)
    pen.take(21.8, "one_hand")
    pen.go(22, 0, 0.1)


@figure("fish", 12)
def fish(pen: Pen, rng: np.random.Generator) -> None:
    """Into the embrace and over his arm, deep and long."""
    pen.take(1.2, "embrace")
    pen.go((0, 1), 0.1)
    pen.go(2, 0, 0.34, pick(rng, -20, 20))
    pen.accent("dip", 2.8, 5.4, 1.0, FOLLOWER)
    pen.go(8.4, 0, -0.24)
    pen.take(9.6, "one_hand")
    pen.go((9.5, 10.5), 0.05)


@figure("running_circle", 16)
def running_circle(pen: Pen, rng: np.random.Generator) -> None:
    """They let go and run round each other in a circle, arms open, and meet again."""
    pen.take(0.4, "apart")
    way = pick(rng, -1, 1)
    pen.go((0, 1), gap=pen.room.apart + 0.1)
    pen.go(2, his=-50 * way, hers=-50 * way, turned=15 * way, gap=pen.gap)
    pen.go(_halves(3, 15), turned=330 * way, gap=pen.gap, his=0)
    pen.go((11, 12), his=50 * way, hers=50 * way, turned=15 * way, gap=pen.gap)
    pen.take(13.6, "one_hand")
    pen.go((13, 14), gap=pen.room.open)


@figure("chaines", 12)
def chaines(pen: Pen, rng: np.random.Generator) -> None:
    """She whirls away in a row of turns and runs back; he waits with an open arm."""
    pen.take(0.6, "apart")
    half, way = 0.5 * pen.gap, pick(rng, -0.10, 0.10)
    turns = (-40, -180, -350, -530, -710, -880, -1020, -1080)
    pen.path(FOLLOWER, [0.75 * k for k in range(8)], [(way * k, half + 0.09 * k, yaw) for k, yaw in enumerate(turns)])
    pen.solo(LEADER, (1, 5), left=(0.08, -0.08))
    pen.accent("arms_up", 5.8, 2.4, 0.7)
    pen.take(9.2, "one_hand")
    pen.go((8, 9, 10, 11), turned=pick(rng, -30, 30))


@figure("reverence", 8)
def reverence(pen: Pen, rng: np.random.Generator) -> None:
    """A deep bow and a curtsey."""
    pen.go((0, 1), 0, (0.2, 0.0))
    pen.accent("bow", 1.5, 4.0, 0.8, LEADER)
    pen.accent("bow", 1.5, 4.0, 0.35, FOLLOWER)
    pen.accent("crouch", 1.5, 4.0, 0.8, FOLLOWER)
    pen.go((6, 7), 0, (-0.2, 0.0))


GENRE = Genre(
    category="classical",
    arms="ballet",
    hands="ballet",
    figures=(
        (1.0, walk),
        (1.2, embrace_promenade),
        (1.2, pirouette),
        (1.2, arabesque),
        (1.1, shadow_adagio),
        (1.0, fish),
        (1.0, running_circle),
        (0.9, chaines),
        (0.4, reverence),
    ),
    gap_close=0.12,
    gap_open=0.42,
    gap_apart=0.95,
    aside=0.06,
    size=(0.9, 1.1),
    late_s=0.10,
    swing_s=0.55,
    flex=0.010,
    rise=0.016,
    hips=0.0,
    sway=0.05,
    lift=0.04,
)
