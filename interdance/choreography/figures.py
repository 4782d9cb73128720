"""What each genre dances: figures as step patterns of a couple on the beat, with the hold they are danced in.

A figure is written in the frame of the couple: its origin is midway between the dancers, the leader stands at
``z = -gap/2`` and faces +Z, the follower stands at ``z = +gap/2`` and faces him, +X is the leader's left. A *place* is
where a dancer would stand on both feet; a step says which foot lands, on which beat, and the place it then
belongs to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import cos, pi, radians, sin
from typing import Literal

import numpy as np

LEFT, RIGHT = 0, 1
LEADER, FOLLOWER = 0, 1

Hold = Literal["closed", "two_hands", "one_hand", "turn"]


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


@dataclass(frozen=True)
class Room:
    """What a figure is fitted to: distances of this couple in metres and the size of its steps (1 is usual)."""

    close: float
    open: float
    aside: float
    size: float


@dataclass
class Score:
    """Pen for writing a figure; every ``go`` moves the couple, ``place`` moves one dancer."""

    name: str
    beats: int
    room: Room
    gap: float
    holds: list[tuple[float, Hold]]
    steps: tuple[list[Step], list[Step]] = field(default_factory=lambda: ([], []))
    free: list[int] = field(default_factory=lambda: [LEFT, RIGHT])
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def spot(self, who: int, gap: float | None = None) -> tuple[float, float]:
        """Where a dancer stands in the couple's frame."""
        half = 0.5 * (self.gap if gap is None else gap)
        closeness = 1.0 if self.gap < 0.5 * (self.room.close + self.room.open) else 0.0
        aside = 0.5 * self.room.aside * closeness
        return (aside, -half) if who == LEADER else (-aside, half)

    def move(self, forward: float, left: float, turned: float, along: float | None = None) -> None:
        """Move the couple's frame (metres, degrees), forward in its own heading or in heading ``along`` of the
        figure.
        """
        x, z, yaw = self.at
        heading = yaw if along is None else radians(along)
        size = self.room.size
        x += size * (forward * sin(heading) + left * cos(heading))
        z += size * (forward * cos(heading) - left * sin(heading))
        self.at = (x, z, yaw + radians(turned))

    def go(
        self,
        beat: float,
        forward: float = 0.0,
        left: float = 0.0,
        turned: float = 0.0,
        *,
        along: float | None = None,
        gap: float | None = None,
        fan: float = 0.0,
        commit: float = 0.9,
        only: int | None = None,
    ) -> None:
        """Move the couple and let both (or ``only`` one) step to their places in it; ``fan`` degrees open both to
        his left.
        """
        self.move(forward, left, turned, along)
        for who in (LEADER, FOLLOWER):
            if only in (None, who):
                x, z = self.spot(who, gap)
                self.step(who, beat, x, z, fan if who == LEADER else -fan, commit)

    def step(self, who: int, beat: float, x: float, z: float, yaw: float, commit: float = 0.9) -> None:
        """One dancer steps with the free foot to (x, z) of the couple's frame, ``yaw`` degrees away from facing the
        partner.
        """
        cx, cz, heading = self.at
        foot = self.free[who]
        place_x = cx + x * cos(heading) + z * sin(heading)
        place_z = cz - x * sin(heading) + z * cos(heading)
        self.steps[who].append(Step(beat, foot, place_x, place_z, heading + radians(yaw), commit))
        if commit > 0.0:
            self.free[who] = 1 - foot

    def touch(self, beat: float, **move: float) -> None:
        """Both bring the free foot beside the standing one without weight."""
        self.go(beat, commit=0.0, **move)  # type: ignore[arg-type]

    def done(self) -> Figure:
        if self.free != [LEFT, RIGHT]:
            raise RuntimeError(f"figure {self.name} ends on the wrong foot")
        return Figure(
            self.name, self.beats, self.gap, (tuple(self.steps[0]), tuple(self.steps[1])), tuple(self.holds), self.at
        )


Writer = Callable[[Room, np.random.Generator], Figure]


def _score(name: str, beats: int, room: Room, holds: list[tuple[float, Hold]], gap: float | None = None) -> Score:
    first = room.close if holds[0][1] == "closed" else room.open
    return Score(name, beats, room, first if gap is None else gap, holds)


def _turning(count: int, total: float) -> list[float]:
    return [total * (index + 1) / count for index in range(count)]


# ----------------------------------------------------------------------------------------------------------------- walt


def _waltz_box(room: Room, rng: np.random.Generator) -> Figure:
    quarter = float(rng.choice([0.0, 45.0, 90.0])) / 6.0
    s = _score("box", 6, room, [(0, "closed")])
    moves = [(0.36, 0.0), (0.0, -0.32), (0.0, 0.0), (-0.36, 0.0), (0.0, 0.32), (0.0, 0.0)]
    for beat, (forward, left) in enumerate(moves):
        s.go(beat, forward, left, quarter)
    return s.done()


def _waltz_progressive(room: Room, rng: np.random.Generator) -> Figure:
    bend = float(rng.uniform(0.0, 12.0))
    s = _score("progressive", 6, room, [(0, "closed")])
    for beat, (forward, left) in enumerate([(0.46, 0), (0.34, -0.2), (0.1, 0), (0.46, 0), (0.34, 0.2), (0.1, 0)]):
        s.go(beat, forward, left, bend)
    return s.done()


def _waltz_reverse_turn(room: Room, rng: np.random.Generator) -> Figure:
    whole = float(rng.choice([270.0, 360.0]))
    s = _score("reverse_turn", 6, room, [(0, "closed")])
    shares = (0.12, 0.23, 0.15, 0.12, 0.23, 0.15)
    for beat, (share, forward) in enumerate(zip(shares, (0.34, 0.34, 0.1, 0.34, 0.34, 0.1), strict=True)):
        s.go(beat, forward, 0.0, share * whole, along=10.0 * beat)
    return s.done()


def _waltz_balance(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("balance", 6, room, [(0, "closed")])
    turned = float(rng.choice([0.0, 30.0]))
    s.go(0, 0.0, 0.34, turned)
    s.touch(1)
    s.go(3, 0.0, -0.34, turned)
    s.touch(4)
    return s.done()


def _waltz_promenade(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("promenade", 6, room, [(0, "closed")])
    s.go(0, 0.1, 0.34, 0.0, fan=25.0)
    s.go(1, 0.0, 0.36, 0.0, fan=38.0)
    s.go(2, 0.0, 0.26, 0.0, fan=15.0)
    s.go(3, -0.3, 0.0, 0.0)
    s.go(4, 0.0, 0.28, float(rng.choice([0.0, 45.0])))
    s.go(5)
    return s.done()


def _waltz_under_arm(room: Room, rng: np.random.Generator) -> Figure:
    s = _score(
        "under_arm_turn", 12, room, [(0, "one_hand"), (1.6, "turn"), (7.6, "one_hand"), (10.0, "closed")], room.open
    )
    moves = [(0.2, 0.0), (0.0, -0.25), (0.0, 0.0), (-0.2, 0.0), (0.0, 0.25), (0.0, 0.0)]
    turns = [0.0, -20.0, -60.0, -140.0, -220.0, -300.0, -350.0, -360.0, -360.0, -360.0, -360.0, -360.0]
    for beat in range(12):
        forward, left = moves[beat % 6]
        gap = room.open if beat < 8 else room.open + (room.close - room.open) * (beat - 7) / 4
        s.go(beat, 0.8 * forward, 0.8 * left, 4.0, gap=gap, only=LEADER)
        x, z = s.spot(FOLLOWER, gap)
        s.step(FOLLOWER, beat, x, z, turns[beat])
    s.gap = room.close
    return s.done()


# ----------------------------------------------------------------------------------------------------------------- sals

_SALSA = (0, 1, 2, 4, 5, 6)


def _salsa_basic(hold: Hold) -> Writer:
    def write(room: Room, rng: np.random.Generator) -> Figure:
        s = _score("basic", 8, room, [(0, hold)])
        turned = float(rng.choice([0.0, 0.0, 8.0, 15.0]))
        for beat, forward in zip(_SALSA, (0.24, -0.24, 0.0, -0.24, 0.24, 0.0), strict=True):
            s.go(beat, forward, 0.0, turned, commit=0.6 if forward and beat in (0, 4) else 0.9)
        return s.done()

    return write


def _salsa_side(hold: Hold) -> Writer:
    def write(room: Room, rng: np.random.Generator) -> Figure:
        s = _score("side_basic", 8, room, [(0, hold)])
        for beat, left in zip(_SALSA, (0.3, -0.3, 0.0, -0.3, 0.3, 0.0), strict=True):
            s.go(beat, 0.0, left, commit=0.6 if beat in (0, 4) else 0.9)
        return s.done()

    return write


def _salsa_cross_body(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("cross_body", 8, room, [(0, "one_hand")])
    half = 0.5 * s.gap
    path = [(0, 0.0, -half + 0.2, 0.0), (1, 0.0, -half, 20.0), (2, -0.24, -half + 0.12, 80.0)]
    path += [(4, -0.27, 0.02, 105.0), (5, -0.14, 0.5 * half, 150.0), (6, 0.0, half, 180.0)]
    for beat, x, z, yaw in path:
        s.step(LEADER, beat, x, z, yaw, 0.6 if beat == 0 else 0.9)
    path = [(0, 0.0, half + 0.18, 0.0), (1, 0.02, half, 0.0), (2, 0.14, 0.6 * half, 0.0)]
    path += [(4, 0.22, -0.05, 15.0), (5, 0.14, -0.75 * half, 90.0), (6, 0.0, -half, 180.0)]
    for beat, x, z, yaw in path:
        s.step(FOLLOWER, beat, x, z, yaw, 0.6 if beat == 0 else 0.9)
    s.at = (0.0, 0.0, pi)
    return s.done()


def _salsa_right_turn(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("right_turn", 8, room, [(0, "one_hand"), (2.2, "turn"), (6.6, "one_hand")])
    yaws = (0.0, 0.0, -15.0, -130.0, -250.0, -360.0)
    for beat, forward, yaw in zip(_SALSA, (0.2, -0.2, 0.0, -0.16, 0.16, 0.0), yaws, strict=True):
        s.go(beat, forward, commit=0.6 if beat in (0, 4) else 0.9, only=LEADER)
        x, z = s.spot(FOLLOWER)
        z += 0.0 if beat < 4 else (-0.04, 0.02, 0.0)[beat - 4]
        s.step(FOLLOWER, beat, x, z - (forward if beat >= 4 else 0.0), yaw)
    return s.done()


def _salsa_open_break(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("open_break", 8, room, [(0, "two_hands")])
    turned = float(rng.choice([-1.0, 1.0])) * float(rng.choice([10.0, 15.0]))
    for beat, wide in zip(_SALSA, (0.3, 0.0, -0.06, 0.3, 0.0, 0.0), strict=True):
        s.go(beat, turned=turned, gap=s.gap + wide, commit=0.55 if wide > 0.2 else 0.9)
    return s.done()


# ----------------------------------------------------------------------------------------------------------------- tang


def _tango_basic(room: Room, rng: np.random.Generator) -> Figure:
    bend = float(rng.choice([0.0, 10.0, 20.0]))
    s = _score("walk", 8, room, [(0, "closed")])
    s.go(0, 0.46, 0.0, bend)
    s.go(2, 0.46, 0.0, bend)
    s.go(4, 0.34, 0.0, bend)
    s.go(5, 0.05, -0.38, bend)
    s.touch(6)
    return s.done()


def _tango_turn(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("turning_walk", 8, room, [(0, "closed")])
    s.go(0, 0.4, 0.0, 15.0)
    s.go(2, 0.36, 0.0, 25.0)
    s.go(4, 0.24, 0.0, 60.0)
    s.go(5, 0.0, -0.36, 50.0)
    s.touch(6, turned=15.0)
    return s.done()


def _tango_promenade(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("promenade", 8, room, [(0, "closed")])
    s.go(0, 0.05, 0.4, 0.0, fan=38.0)
    s.go(2, 0.0, 0.42, 0.0, fan=40.0)
    s.go(4, 0.0, 0.34, 0.0, fan=10.0)
    s.go(5, 0.0, 0.1, float(rng.choice([0.0, 20.0])))
    s.touch(6)
    return s.done()


def _tango_corte(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("corte", 8, room, [(0, "closed")])
    s.go(0, -0.46, 0.06, 10.0, commit=0.8)
    s.go(2, 0.42, 0.0, 10.0, commit=0.75)
    s.go(4, 0.36, 0.0, 10.0)
    s.go(5, 0.0, -0.36, 0.0)
    s.touch(6)
    return s.done()


def _tango_rock(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("rock_turn", 8, room, [(0, "closed")])
    for beat, forward in ((0, 0.3), (1, -0.26), (2, 0.26), (3, -0.26), (4, 0.3), (5, 0.0)):
        s.go(beat, forward, -0.34 if beat == 5 else 0.0, 22.0, commit=0.65 if beat < 4 else 0.9)
    s.touch(6)
    return s.done()


def _tango_ochos(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("ochos", 8, room, [(0, "two_hands"), (7, "closed")], room.close + 0.20)
    path = ((0, 0.24, -10.0), (2, -0.24, 40.0), (4, 0.24, -40.0), (6, 0.0, 10.0))
    for index, (beat, side, yaw) in enumerate(path):
        coming = path[index + 1][2] if index + 1 < len(path) else 0.0
        his, hers = _shifted(s.spot(LEADER), 0.75 * side), _shifted(s.spot(FOLLOWER), room.size * side)
        s.step(LEADER, beat, *his, 0.0, 0.85)
        s.step(FOLLOWER, beat, *hers, yaw)
        s.step(LEADER, beat + 1, *his, 0.0, 0.0)  # the free foot is collected, and she pivots for the coming step
        s.step(FOLLOWER, beat + 1, *hers, coming, 0.0)
    return s.done()


def _shifted(spot: tuple[float, float], left: float) -> tuple[float, float]:
    return spot[0] + left, spot[1]


# ----------------------------------------------------------------------------------------------------------------- swin

_LATE = 0.66
_TRIPLES = (0.0, _LATE, 1.0, 2.0, 2.0 + _LATE, 3.0)


def _rock(s: Score, beat: float, wide: float = 0.34) -> None:
    wide = 0.10 if s.holds[-1][1] == "closed" else wide
    s.go(beat, gap=s.gap + wide, commit=0.55)
    s.go(beat + 1)


def _swing_basic(hold: Hold) -> Writer:
    def write(room: Room, rng: np.random.Generator) -> Figure:
        s = _score("basic", 6, room, [(0, hold)])
        turned = float(rng.choice([0.0, 0.0, 6.0, -6.0, 15.0]))
        for beat, left in zip(_TRIPLES, (0.18, 0.02, 0.12, -0.18, -0.02, -0.12), strict=True):
            s.go(beat, 0.0, left, turned)
        _rock(s, 4)
        return s.done()

    return write


def _wound(s: Score, degrees: float, beat: float) -> Figure:
    """The figure with the follower's yaw counted on from a turn: ``degrees`` are added from ``beat`` on."""
    steps = s.steps[FOLLOWER]
    steps[:] = [replace(step, yaw=step.yaw + (radians(degrees) if step.beat >= beat else 0.0)) for step in steps]
    return s.done()


def _swing_turn(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("under_arm_turn", 6, room, [(0, "one_hand"), (0.5, "turn"), (4.0, "one_hand")])
    yaws = (0.0, -20.0, -75.0, -180.0, -255.0, -330.0)
    quarter = float(rng.choice([5.0, 15.0]))
    for beat, left, yaw in zip(_TRIPLES, (0.14, 0.02, 0.1, -0.14, -0.02, -0.1), yaws, strict=True):
        s.go(beat, 0.0, left, quarter, only=LEADER)
        s.step(FOLLOWER, beat, *s.spot(FOLLOWER), yaw)
    _rock(s, 4)
    return _wound(s, -360.0, 4.0)


def _swing_pass(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("change_places", 6, room, [(0, "one_hand"), (0.6, "turn"), (3.2, "one_hand")])
    half = 0.5 * s.gap
    for beat, angle in zip(_TRIPLES, (12.0, 35.0, 70.0, 110.0, 150.0, 180.0), strict=True):
        reach = half * (1.0 - 0.12 * sin(radians(angle)))
        s.step(LEADER, beat, -reach * sin(radians(angle)) * 0.9, -reach * cos(radians(angle)), angle * 1.0)
    for beat, angle, yaw in zip(
        _TRIPLES, (15.0, 40.0, 80.0, 120.0, 155.0, 180.0), (0, -5, -20, -70, -130, -180), strict=True
    ):
        reach = half * (1.0 - 0.12 * sin(radians(angle)))
        s.step(FOLLOWER, beat, reach * sin(radians(angle)) * 0.9, reach * cos(radians(angle)), float(yaw))
    s.at = (0.0, 0.0, pi)
    _rock(s, 4)
    # she went round to the right by a half while the couple's frame turned left by a half: a whole turn apart
    return _wound(s, -360.0, 4.0)


def _swing_push(room: Room, rng: np.random.Generator) -> Figure:
    s = _score("push", 6, room, [(0, "two_hands")])
    for beat, narrow in zip(_TRIPLES, (0.12, 0.18, 0.24, 0.16, 0.08, 0.0), strict=True):
        s.go(beat, 0.0, 0.03 if beat < 2 else -0.03, 5.0, gap=s.gap - narrow)
    _rock(s, 4, 0.4)
    return s.done()


# ---------------------------------------------------------------------------------------------------------------- genre


@dataclass(frozen=True)
class Genre:
    """How a genre is danced.

    ``gap_close``/``gap_open``: air between the two fronts in metres. ``aside``: how far the follower stands to his
    right in closed hold.
    ``late_s``: how long after the beat the last of a step is done. ``swing_s``: longest time a foot is in the air.
    ``flex``: how far the knees lower the hips, metres. ``bounce``: amplitude per beat, metres; ``rise``: amplitude
    per bar. ``hips``: roll of the pelvis over the standing leg, radians. ``sway``: side bend of the trunk.
    ``look_left``: turn of the head in closed hold, radians.
    ``staccato``: 1 moves evenly, larger starts late and arrives suddenly. ``travel``: figures are chosen to stay in
    the room.
    """

    figures: tuple[tuple[float, Writer], ...]
    gap_close: float
    gap_open: float
    aside: float
    late_s: float
    swing_s: float
    flex: float
    bounce: float
    rise: float
    hips: float
    sway: float
    lean: float
    look_left: float
    staccato: float
    heel_lead: bool
    lift: float
    size: tuple[float, float]


GENRES: dict[str, Genre] = {
    "waltz": Genre(
        figures=(
            (2.0, _waltz_box),
            (2.0, _waltz_progressive),
            (2.5, _waltz_reverse_turn),
            (1.0, _waltz_balance),
            (1.2, _waltz_promenade),
            (1.0, _waltz_under_arm),
        ),
        gap_close=0.145,
        gap_open=0.40,
        aside=0.11,
        late_s=0.075,
        swing_s=0.60,
        flex=0.020,
        bounce=0.0,
        rise=0.028,
        hips=0.03,
        sway=0.09,
        lean=-0.10,
        look_left=0.55,
        staccato=1.0,
        heel_lead=True,
        lift=0.03,
        size=(0.85, 1.1),
    ),
    "salsa": Genre(
        figures=(
            (1.5, _salsa_basic("closed")),
            (1.5, _salsa_basic("two_hands")),
            (1.0, _salsa_side("two_hands")),
            (0.7, _salsa_side("closed")),
            (1.6, _salsa_cross_body),
            (1.6, _salsa_right_turn),
            (1.0, _salsa_open_break),
        ),
        gap_close=0.18,
        gap_open=0.38,
        aside=0.08,
        late_s=0.005,
        swing_s=0.30,
        flex=0.030,
        bounce=0.006,
        rise=0.0,
        hips=0.17,
        sway=-0.05,
        lean=0.0,
        look_left=0.0,
        staccato=1.15,
        heel_lead=False,
        lift=0.035,
        size=(0.8, 1.1),
    ),
    "tango": Genre(
        figures=(
            (2.0, _tango_basic),
            (1.6, _tango_turn),
            (1.3, _tango_promenade),
            (0.8, _tango_corte),
            (0.8, _tango_rock),
            (1.0, _tango_ochos),
        ),
        gap_close=0.14,
        gap_open=0.36,
        aside=0.11,
        late_s=0.03,
        swing_s=0.55,
        flex=0.040,
        bounce=0.0,
        rise=0.0,
        hips=0.015,
        sway=0.03,
        lean=-0.04,
        look_left=0.60,
        staccato=1.25,
        heel_lead=True,
        lift=0.02,
        size=(0.85, 1.1),
    ),
    "swing": Genre(
        figures=(
            (1.5, _swing_basic("two_hands")),
            (0.8, _swing_basic("closed")),
            (1.0, _swing_basic("one_hand")),
            (1.5, _swing_turn),
            (1.3, _swing_pass),
            (1.0, _swing_push),
        ),
        gap_close=0.19,
        gap_open=0.44,
        aside=0.08,
        late_s=0.0,
        swing_s=0.28,
        flex=0.042,
        bounce=0.018,
        rise=0.0,
        hips=0.05,
        sway=-0.08,
        lean=0.06,
        look_left=0.0,
        staccato=1.0,
        heel_lead=False,
        lift=0.05,
        size=(0.85, 1.15),
    ),
}
