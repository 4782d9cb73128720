"""The score of a dance: genres, their figures, and what a figure says of steps, holds and accents.

A figure is written in the frame of the couple: its origin is midway between the dancers, the leader stands at
``z = -gap/2`` and faces +Z, the follower stands at ``z = +gap/2`` and faces him, +X is the leader's left. A *place* is
where a dancer would stand on both feet; a step says which foot lands, on which beat, and the place it then belongs to.

Every figure of a genre begins and ends at the genre's home: the two face each other in its usual hold, with the same
feet free. So any figure may follow any other; a figure that opens or leaves the hold also comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

LEFT, RIGHT = 0, 1
LEADER, FOLLOWER = 0, 1
BOTH = (LEADER, FOLLOWER)

SWAY = 0.10  # metres that side by side takes more, as both may stand on their inner feet

Hold = Literal[
    "closed",
    "promenade",
    "two_hands",
    "one_hand",
    "handshake",
    "turn",
    "side_by_side",
    "shadow",
    "waist_shoulder",
    "embrace",
    "apart",
]
"""How the two hold each other.

- ``closed``: ballroom frame, his left and her right hand joined at the side, his right hand on her shoulder blade, her
  left on his upper arm. ``promenade``: as closed, both opened to his left. ``embrace``: bodies a hand's breadth apart,
  his right arm round her back, her left arm round his shoulder.
- ``two_hands``: both pairs joined. ``one_hand``: his left, her right. ``handshake``: right with right.
  ``turn``: one_hand raised above her head while she turns under it.
- ``side_by_side``: both face the same way, she on his right, his right hand on her waist, her left on his near
  shoulder. ``shadow``: she in front of him facing away, left hands joined at the side, his right hand on her waist.
- ``waist_shoulder``: both his hands at her waist, both hers on his shoulders. ``apart``: no contact.
"""
AccentKind = Literal["dip", "kick", "knee", "crouch", "wave", "jump", "arms_up", "clap", "point", "bow", "arch"]
Category = Literal["ballroom", "folk", "classical", "street"]
Arms = Literal["ballroom", "latin", "ballet", "folk", "court", "hiphop", "locking"]
Hands = Literal["relaxed", "ballet", "spread", "fist", "mixed"]


@dataclass(frozen=True)
class Accent:
    """Something the body does beside stepping, eased in and out over ``[beat, beat + beats]``.

    dip (she leans back over his right arm, he bends over her), kick (free leg straight), knee (free knee raised),
    crouch (1: 25 cm lower), wave (through the spine), jump (1: 20 cm), arms_up, clap and point (free arms), bow, arch.
    ``side`` is that of the leg or arm concerned.
    """

    beat: float
    beats: float
    who: int
    kind: AccentKind
    amount: float = 1.0
    side: int = LEFT


@dataclass(frozen=True)
class Step:
    """A landing: ``x``, ``z`` (metres) and ``yaw`` (radians) of the place in the figure's frame; yaw counts from the
    partner.

    ``commit`` is the share of the way from the other foot to this one that the body travels; 0 is a touch without
    weight.
    """

    beat: float
    foot: int
    x: float
    z: float
    yaw: float
    commit: float


@dataclass(frozen=True)
class Figure:
    """A figure as danced: steps of (leader, follower), holds from their beats on, and where the couple's frame ends."""

    name: str
    beats: int
    gap: float
    steps: tuple[tuple[Step, ...], tuple[Step, ...]]
    holds: tuple[tuple[float, Hold], ...]
    end: tuple[float, float, float]
    accents: tuple[Accent, ...] = ()


@dataclass(frozen=True)
class Room:
    """What a figure is fitted to: distances of this couple, pelvis to pelvis in metres, and the size of its steps.

    ``close`` in frames where bodies touch or nearly, ``open`` hand in hand, ``apart`` without contact, ``beside`` side
    by side, ``behind`` one in front of the other facing away; ``aside``: how far she stands to his right in closed
    frames.
    """

    close: float
    open: float
    aside: float
    size: float
    apart: float = 1.3
    beside: float = 0.50
    behind: float = 0.42

    def gap(self, hold: Hold) -> float:
        """How far apart the two stand in a hold, pelvis to pelvis, metres."""
        if hold in ("two_hands", "one_hand", "handshake", "turn"):
            return self.open
        if hold == "waist_shoulder":
            return self.close + 0.3 * (self.open - self.close)
        return {"apart": self.apart, "side_by_side": self.beside + SWAY, "shadow": self.behind}.get(hold, self.close)

    def offset(self, hold: Hold) -> float:
        """How far she stands to his right in a hold, metres."""
        if hold == "shadow":
            return max(self.aside, 0.12)
        return self.aside if hold in ("closed", "promenade", "embrace") else 0.0


Writer = Callable[[Room, np.random.Generator], Figure]
"""Fits a figure to a couple; what varies from time to time comes from the generator."""


@dataclass(frozen=True)
class Genre:
    """How a genre is danced.

    Attributes
    ----------
    category, arms, hands
        Family of dances, and the style of free arms and of fingers.
    figures
        Chances and writers of its figures.
    gap_close, gap_open, gap_apart
        Air between the two fronts in close holds, hand in hand and without contact, metres.
    aside
        How far the follower stands to his right in closed hold, metres.
    size
        Range of the size of steps; 1 is usual.
    late_s
        How long after the beat the last of a step is done.
    swing_s
        Longest time a foot is in the air.
    flex, bounce, rise
        How far the knees lower the hips; amplitude per beat and per bar; metres.
    hips
        Roll of the pelvis over the standing leg, radians.
    sway, lean
        Side bend and forward lean of the trunk, radians.
    look_left
        Turn of the head in closed hold, radians.
    staccato
        1 moves evenly, larger starts late and arrives suddenly.
    heel_lead
        Steps forward land on the heel.
    lift
        How high a foot swings, metres.
    """

    category: Category
    arms: Arms
    hands: Hands
    figures: tuple[tuple[float, Writer], ...]
    gap_close: float
    gap_open: float
    gap_apart: float = 0.90
    aside: float = 0.08
    size: tuple[float, float] = (0.85, 1.1)
    late_s: float = 0.03
    swing_s: float = 0.4
    flex: float = 0.03
    bounce: float = 0.0
    rise: float = 0.0
    hips: float = 0.03
    sway: float = 0.0
    lean: float = 0.0
    look_left: float = 0.0
    staccato: float = 1.0
    heel_lead: bool = False
    lift: float = 0.03
