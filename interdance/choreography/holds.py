"""The holds: for each of the four hands, which hand it is joined with and where, or on which spot of the partner it lies.

A hold is data: :data:`HOLDS`. Hands it does not name are free. Directions are written as (outward, up, forward): in the
toucher's own chest for elbows, in the partner's chest (left, up, forward) for fingers and ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter1d

from interdance.body.ik import UP, apply, turn, unit
from interdance.choreography.curves import ramps
from interdance.choreography.dancer import Dancer
from interdance.choreography.score import FOLLOWER, LEADER, LEFT, RIGHT, Hold

SIGN = (1.0, -1.0)  # +1 for the left side of a body
PlaceName = Literal["frame", "close", "low", "above", "shake", "aside"]
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Place:
    """How two hands are joined at a place of the couple.

    ``elbows`` of leader and follower; ``slide``: metres from the palm's middle towards the fingers at which each hand
    meets the other; ``curl``: how far (radians at a knuckle, about) fingers close when nothing stops them.
    """

    elbows: tuple[Vector, Vector]
    slide: tuple[float, float]
    curl: float


PLACES: dict[PlaceName, Place] = {
    "frame": Place(((0.95, -0.7, -0.2), (0.95, -0.75, -0.2)), (0.0, 0.0), 1.25),
    "close": Place(((0.85, -0.9, -0.2), (0.85, -0.9, -0.3)), (0.0, 0.0), 1.25),
    "low": Place(((0.5, -1.0, -0.35), (0.5, -1.0, -0.35)), (0.02, 0.035), 1.0),
    "above": Place(((0.3, -1.0, 0.1), (0.9, -0.35, 0.35)), (0.03, 0.035), 0.3),
    "shake": Place(((0.6, -1.0, -0.3), (0.6, -1.0, -0.3)), (0.0, 0.0), 1.2),
    "aside": Place(((0.6, -1.0, -0.2), (0.6, -0.8, -0.4)), (0.01, 0.03), 0.6),
}


@dataclass(frozen=True)
class Join:
    """The leader's and the follower's hand (LEFT, RIGHT) joined at a place of the couple."""

    leader: int
    follower: int
    place: PlaceName


@dataclass(frozen=True)
class Rest:
    """Hand ``side`` of dancer ``who`` on spot (name, side) of the partner; it comes and goes by ``way`` (metres)."""

    who: int
    side: int
    spot: tuple[str, int]
    fingers: Vector
    elbow: Vector
    way: Vector


CHANGE_BEATS, CHANGE_S = 1.3, 0.6

_ON_BLADE = Rest(LEADER, RIGHT, ("blade", LEFT), (-0.85, 0.25, -0.5), (1.0, -0.5, 0.0), (0.32, -0.05, -0.05))
_ON_ARM = Rest(FOLLOWER, LEFT, ("upper_arm", RIGHT), (-0.1, -0.3, -0.95), (1.0, -0.1, 0.0), (-0.22, 0.12, 0.0))
_FRAME: tuple[Join | Rest, ...] = (Join(LEFT, RIGHT, "frame"), _ON_BLADE, _ON_ARM)

HOLDS: dict[Hold, tuple[Join | Rest, ...]] = {
    "closed": _FRAME,
    "promenade": _FRAME,
    "two_hands": (Join(LEFT, RIGHT, "low"), Join(RIGHT, LEFT, "low")),
    "one_hand": (Join(LEFT, RIGHT, "low"),),
    "handshake": (Join(RIGHT, RIGHT, "shake"),),
    "turn": (Join(LEFT, RIGHT, "above"),),
    "side_by_side": (
        Rest(LEADER, RIGHT, ("lumbar", RIGHT), (-0.85, -0.05, -0.5), (0.7, -0.7, -0.6), (0.25, -0.05, -0.22)),
        Rest(FOLLOWER, LEFT, ("shoulder_back", RIGHT), (0.55, 0.8, 0.0), (0.6, -0.7, -0.6), (-0.15, 0.05, -0.22)),
    ),
    "shadow": (
        Join(LEFT, LEFT, "aside"),
        Rest(LEADER, RIGHT, ("waist", RIGHT), (0.1, -0.25, 0.95), (0.9, -0.6, -0.2), (-0.22, 0.0, 0.05)),
    ),
    "waist_shoulder": (
        Rest(LEADER, LEFT, ("waist", RIGHT), (0.0, 0.25, -0.95), (0.8, -0.9, -0.1), (-0.25, 0.0, 0.10)),
        Rest(LEADER, RIGHT, ("waist", LEFT), (0.0, 0.25, -0.95), (0.8, -0.9, -0.1), (0.25, 0.0, 0.10)),
        Rest(FOLLOWER, LEFT, ("shoulder", RIGHT), (0.15, -0.1, -0.95), (0.8, -0.5, 0.0), (-0.15, 0.15, 0.12)),
        Rest(FOLLOWER, RIGHT, ("shoulder", LEFT), (-0.15, -0.1, -0.95), (0.8, -0.5, 0.0), (0.15, 0.15, 0.12)),
    ),
    "embrace": (
        Join(LEFT, RIGHT, "close"),
        Rest(LEADER, RIGHT, ("back", LEFT), (-0.85, 0.2, -0.5), (1.0, -0.6, 0.0), (0.34, -0.05, -0.05)),
        Rest(FOLLOWER, LEFT, ("nape", RIGHT), (0.85, -0.2, -0.35), (1.0, -0.2, 0.15), (-0.22, 0.20, 0.05)),
    ),
    "apart": (),
}

FACING: dict[Hold, float] = {
    "closed": 0.70, "promenade": 0.30, "two_hands": 0.55, "one_hand": 0.50, "handshake": 0.50, "turn": 0.15,
    "side_by_side": 0.10, "shadow": 0.0, "waist_shoulder": 0.65, "embrace": 0.60, "apart": 0.20,
}  # fmt: skip
"""How much of the way the chest turns from the feet's heading to the partner."""


def hold_weights(events: list[tuple[float, Hold]], t: np.ndarray, tempo_bpm: float) -> dict[Hold, np.ndarray]:
    """How much each hold is taken at times ``t``: eased from one to the next around the events; they sum to one.

    A change takes :data:`CHANGE_BEATS`, but never less than :data:`CHANGE_S`.
    """
    change_s = max(CHANGE_S, CHANGE_BEATS * 60.0 / tempo_bpm)
    first = max(0, sum(time < t[0] - change_s for time, _ in events) - 1)
    last = sum(time < t[-1] + change_s for time, _ in events)
    events = events[first : max(last, first + 1)]
    weights: dict[Hold, np.ndarray] = {name: np.zeros(len(t)) for name in HOLDS}
    weights[events[0][1]] += 1.0
    for (_, old), (time, new) in zip(events[:-1], events[1:], strict=True):
        if old != new:
            step = ramps(t, np.array([time]), np.array([change_s]), np.array([1.0]))
            weights[old] -= step
            weights[new] += step
    return {name: weight for name, weight in weights.items() if weight.any()}


@dataclass
class Clasp:
    """Two joined hands over time: the point where they meet, the leader's palm's outward normal, fingers and elbows."""

    point_T3: np.ndarray
    normal_T3: np.ndarray
    fingers_2T3: np.ndarray
    elbows_2T3: np.ndarray
    slide_2T: np.ndarray
    curl_T: np.ndarray

    @staticmethod
    def mixed(parts: list[tuple[np.ndarray, Clasp]]) -> Clasp:
        def total(name: str) -> np.ndarray:
            return sum(  # type: ignore[return-value]
                getattr(clasp, name) * weight.reshape(-1, *([1] * name.endswith("3"))) for weight, clasp in parts
            )

        return Clasp(*(total(name) for name in Clasp.__annotations__))


class Bearings:
    """Where the parts of the couple are that holds are told by."""

    def __init__(self, couple: tuple[Dancer, Dancer]) -> None:
        self.couple = couple
        self.chests = [dancer.world_TJ33[:, 9] for dancer in couple]
        self.shoulders = [[dancer.joint(16), dancer.joint(17)] for dancer in couple]
        necks = [dancer.joint(12) for dancer in couple]
        self.across = unit((necks[FOLLOWER] - necks[LEADER]) * (1.0, 0.0, 1.0))
        self.taste = 0.5 * (couple[0].style.arm_height + couple[1].style.arm_height)

    def in_chest(self, who: int, side: int, direction: Vector) -> np.ndarray:
        """World direction (T, 3) of (outward, up, forward) in a dancer's chest."""
        x, y, z = direction
        return apply(self.chests[who], unit(np.array([SIGN[side] * x, y, z])))

    def comfortable(self, who: int, side: int) -> tuple[np.ndarray, np.ndarray]:
        """Where a hand is held out to the partner at ease, and where its fingers then point: ahead, or to the side when
        the partner is there, never across the own body.
        """
        to_partner = self.couple[1 - who].joint(9) - self.shoulders[who][side]
        local = apply(np.swapaxes(self.chests[who], 1, 2), to_partner)
        angle = np.arctan2(SIGN[side] * local[:, 0], local[:, 2])  # outward positive
        angle = np.mod(angle + 1.2, 2.0 * np.pi)
        angle = np.interp(angle, (0.0, 1.03, 2.70, 4.60, 2.0 * np.pi), (0.08, 0.08, 1.75, 1.75, 0.08))
        angle = gaussian_filter1d(angle, 2.0, mode="nearest")  # a partner who passes behind: back the long way
        swing = self.chests[who] @ turn(1, SIGN[side] * angle)
        palm = self.shoulders[who][side] + apply(swing, np.array([0.0, -0.27 + self.taste, 0.37]))
        return palm, apply(swing, np.array([-SIGN[side] * 0.60, 0.0, 0.80]))

    def clasp(self, join: Join) -> Clasp:
        """Two hands joined as ``join`` says, wherever the dancers are."""
        hands, place, across = (join.leader, join.follower), PLACES[join.place], self.across
        outward = SIGN[join.leader] * np.cross(UP, across)
        middle = 0.5 * (self.shoulders[LEADER][hands[0]] + self.shoulders[FOLLOWER][hands[1]])
        eases = [self.comfortable(who, hands[who]) for who in (LEADER, FOLLOWER)]
        fingers = [fingers for _, fingers in eases]
        if join.place in ("frame", "close"):
            far, high = (0.33, 0.02) if join.place == "frame" else (0.30, -0.06)
            point = middle + far * outward + (high + 1.5 * self.taste) * UP
            normal = across + 0.15 * UP
            fingers = [0.9 * UP + 0.35 * outward, 0.95 * outward + 0.15 * UP]
        elif join.place == "low":
            point = 0.5 * (eases[0][0] + eases[1][0])
            normal = 0.95 * UP + 0.15 * across - 0.12 * outward
        elif join.place == "above":
            follower = self.couple[FOLLOWER]
            point = follower.joint(15) + (follower.anatomy.head_top + 0.10) * UP - 0.10 * across
            normal = across - 0.30 * UP
            fingers = [0.3 * vector + UP + 0.3 * outward for vector in fingers]
        elif join.place == "shake":
            point = 0.5 * (eases[0][0] + eases[1][0])
            normal = np.cross(UP, across) + 0.1 * UP
            fingers = [across - 0.55 * UP, -across - 0.55 * UP]
        else:  # aside: both left hands out to her left, his below hers
            left = apply(self.chests[FOLLOWER], np.array([1.0, 0.0, 0.0]))
            ahead = apply(self.chests[FOLLOWER], np.array([0.0, 0.0, 1.0]))
            point = self.shoulders[FOLLOWER][LEFT] + 0.40 * left + 0.12 * ahead + (self.taste - 0.06) * UP
            normal = UP + 0.0 * left
            fingers = [left + 0.55 * ahead, left + 0.25 * ahead]
        frames = len(point)
        return Clasp(
            point,
            unit(normal),
            np.stack([unit(vector) for vector in fingers]),
            np.stack([self.in_chest(who, hands[who], place.elbows[who]) for who in (LEADER, FOLLOWER)]),
            np.tile(np.array(place.slide)[:, None], (1, frames)),
            np.full(frames, place.curl),
        )
