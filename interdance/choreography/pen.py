"""The pen: verbs of dancing with which the genres write their figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import atan2, cos, degrees, hypot, pi, radians, sin
from typing import Any

import numpy as np

from interdance.choreography.footing import Point, ball, settled
from interdance.choreography.score import (
    BOTH,
    FOLLOWER,
    LEADER,
    LEFT,
    RIGHT,
    Accent,
    AccentKind,
    Figure,
    Hold,
    Room,
    Step,
    Writer,
)

Amount = float | Iterable[float]
"""A number to be shared evenly by several steps, or one number per step."""


@dataclass
class Pen:
    """Pen for writing a figure. ``go`` moves the couple, ``solo`` and ``path`` one dancer, ``around`` turns about one.

    Attributes
    ----------
    home : Hold
        Hold, and with it distance, in which the figure begins and ends.
    first : int
        The leader's free foot at the beginning; hers is the other one.
    at : (float, float, float)
        The couple's frame: x, z in metres, heading in radians.
    turns : [float, float]
        How far each has turned from facing the partner, degrees, whole turns counted on.
    drift : two of [float, float]
        How far each stands from the usual spot, metres in the couple's frame.
    """

    name: str
    beats: int
    room: Room
    home: Hold
    first: int = LEFT
    holds: list[tuple[float, Hold]] = field(default_factory=list)
    steps: tuple[list[Step], list[Step]] = field(default_factory=lambda: ([], []))
    accents: list[Accent] = field(default_factory=list)
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)
    fan: float = 0.0

    def __post_init__(self) -> None:
        self.free = [self.first, 1 - self.first]
        self.turns = [0.0, 0.0]
        self.drift = [[0.0, 0.0], [0.0, 0.0]]
        self.hold = self.home
        self.holds = [(0.0, self.home)]
        self.gap, self.aside = self.room.gap(self.home), self.room.offset(self.home)
        self.feet = [[self._foot(who, foot, *self.place(who)) for foot in (LEFT, RIGHT)] for who in BOTH]

    # ------------------------------------------------------------------------------------------------ where things are

    def place(self, who: int) -> tuple[float, float, float]:
        """Where a dancer stands now: x, z in the figure's frame, yaw in radians counted from facing the partner."""
        half, side = 0.5 * self.gap, 0.5 * self.aside
        x, z = (side, -half) if who == LEADER else (-side, half)
        x, z = x + self.drift[who][0], z + self.drift[who][1]
        cx, cz, heading = self.at
        yaw = heading + radians(self.turns[who] + (self.fan if who == LEADER else -self.fan))
        return cx + x * cos(heading) + z * sin(heading), cz - x * sin(heading) + z * cos(heading), yaw

    def _foot(self, who: int, foot: int, x: float, z: float, yaw: float) -> Point:
        return ball(foot, x, z, yaw + (pi if who == FOLLOWER else 0.0))

    # ------------------------------------------------------------------------------------------------- holds and accents

    def take(self, beat: float, hold: Hold) -> None:
        """Change the hold around ``beat``; the next steps go to the distance that it asks for."""
        if beat <= 0.0:
            self.holds.clear()
        if not self.holds or self.holds[-1][1] != hold:
            self.holds.append((max(beat, 0.0), hold))
        self.hold = hold

    def accent(
        self,
        kind: AccentKind,
        beat: float,
        beats: float,
        amount: float = 1.0,
        who: int | None = None,
        side: int | None = None,
    ) -> None:
        """Both (or ``who``) do something beside stepping; without ``side`` it is that of the free foot."""
        for dancer in BOTH if who is None else (who,):
            limb = self.free[dancer] if side is None else side
            self.accents.append(Accent(beat, beats, dancer, kind, amount, limb))

    # --------------------------------------------------------------------------------------------------------- stepping

    def go(
        self,
        beats: Amount,
        forward: Amount = 0.0,
        left: Amount = 0.0,
        turned: Amount = 0.0,
        *,
        his: Amount = 0.0,
        hers: Amount = 0.0,
        fan: float | None = None,
        gap: float | None = None,
        aside: float | None = None,
        along: float | None = None,
        commit: float = 0.9,
        only: int | None = None,
        gather: bool = True,
    ) -> None:
        """Step on each of ``beats`` while the couple moves and changes its formation.

        Parameters
        ----------
        forward, left, turned
            Way of the couple in metres of a usual couple and degrees to the left, in its own heading or in heading
            ``along`` (degrees) of the figure. A single number of metres is shared evenly by the steps, one of degrees
            by the time that they take.
        his, hers
            Degrees that each turns alone, to the left.
        fan, gap, aside
            Reached with the last step: degrees by which both open to his left, distance and her offset in metres.
            Without ``gap`` it is that of the hold.
        commit : float
            Share of the way to the new foot that the body travels; 0 is a touch without weight.
        only : int
            This dancer alone steps.
        gather : bool
            Both come back to their usual spots from where solos took them.
        """
        times = _listed(beats)
        moves = [_shares(value, len(times)) for value in (forward, left)]
        moves += [_shares(value, len(times), self._spans(times)) for value in (turned, his, hers)]
        ends = (
            self.fan if fan is None else fan,
            self.room.gap(self.hold) if gap is None else gap,
            self.room.offset(self.hold) if aside is None else aside,
        )
        starts = (self.fan, self.gap, self.aside)
        drift = [list(spot) for spot in self.drift]
        for k, beat in enumerate(times):
            share = (k + 1) / len(times)
            self._move(moves[0][k], moves[1][k], moves[2][k], along)
            self.fan, self.gap, self.aside = (a + (b - a) * share for a, b in zip(starts, ends, strict=True))
            self.turns[LEADER] += moves[3][k]
            self.turns[FOLLOWER] += moves[4][k]
            for who in BOTH:
                if gather:
                    self.drift[who] = [part * (1.0 - share) for part in drift[who]]
                if only in (None, who):
                    self._land(who, beat, commit)

    def solo(
        self,
        who: int,
        beats: Amount,
        ahead: Amount = 0.0,
        left: Amount = 0.0,
        turned: Amount = 0.0,
        commit: float = 0.9,
    ) -> None:
        """One dancer steps on ``beats``, each time so far ahead and to the left of where that dancer faces then."""
        times = _listed(beats)
        moves = [_shares(value, len(times)) for value in (ahead, left)]
        moves.append(_shares(turned, len(times), self._spans(times)))
        for k, beat in enumerate(times):
            self.turns[who] += moves[2][k]
            facing = radians(self.turns[who] + (self.fan if who == LEADER else 180.0 - self.fan))
            forward, aside = self.room.size * moves[0][k], self.room.size * moves[1][k]
            self.drift[who][0] += forward * sin(facing) + aside * cos(facing)
            self.drift[who][1] += forward * cos(facing) - aside * sin(facing)
            self._land(who, beat, commit)

    def path(self, who: int, beats: Iterable[float], spots: Iterable[tuple[float, float, float]]) -> None:
        """One dancer steps to spots (x, z, degrees from facing the partner's usual spot) of the couple's frame."""
        for beat, (x, z, yaw) in zip(beats, spots, strict=True):
            half, side = 0.5 * self.gap, 0.5 * self.aside
            usual = (side, -half) if who == LEADER else (-side, half)
            self.drift[who] = [x - usual[0], z - usual[1]]
            self.turns[who] = yaw
            self._land(who, beat, 0.9)

    def around(
        self, who: int, beats: Amount, turned: Amount, *, his: Amount = 0.0, hers: Amount = 0.0, commit: float = 0.9
    ) -> None:
        """Both step while the couple turns about ``who``, who stays in place."""
        times = _listed(beats)
        moves = [_shares(value, len(times), self._spans(times)) for value in (turned, his, hers)]
        for k, beat in enumerate(times):
            x, z, _ = self.place(who)
            cx, cz, heading = self.at
            self.at = (cx, cz, heading + radians(moves[0][k]))
            moved_x, moved_z, _ = self.place(who)
            self.at = (cx + x - moved_x, cz + z - moved_z, self.at[2])
            self.turns[LEADER] += moves[1][k]
            self.turns[FOLLOWER] += moves[2][k]
            for dancer in BOTH:
                self._land(dancer, beat, commit)

    def wheel(self, beats: Iterable[float], turned: float, tilt: float = 40.0, gap: float | None = None) -> None:
        """Both walk forwards round each other, ``tilt`` degrees past the partner's shoulder, and face again.

        A wheel to the right (``turned`` below 0) goes right side by right side.
        """
        times = list(beats)
        way = tilt if turned < 0.0 else -tilt
        lean = [way, *[0.0] * (len(times) - 2), -way]
        self.go(times, turned=turned, his=lean, hers=lean, gap=gap)

    def pass_by(self, beats: Iterable[float], way: int, near: float | None = None, under: bool = True) -> None:
        """They change places, right shoulder by right shoulder (``way`` -1) or left by left (1).

        She turns half round the other way as she passes, as under a raised arm; or not (``under``), then both look at
        each other all the way round.
        """
        times = list(beats)
        start, end = self.gap, self.room.gap(self.hold)
        near = self.room.beside + 0.08 if near is None else near
        before, spans = [0.0, 0.0, 0.0], self._spans(times)
        for k, beat in enumerate(times):
            share = sum(spans[: k + 1]) / sum(spans)
            round_, tilt = 180.0 * share, -45.0 * sin(pi * share) if k + 1 < len(times) else 0.0
            back = 180.0 * share**2 + round_ if under else -tilt
            now = [way * round_, way * tilt, -way * back]
            turned, his, hers = (a - b for a, b in zip(now, before, strict=True))
            gap = near + ((start if share < 0.5 else end) - near) * abs(2.0 * share - 1.0)
            self.go(beat, turned=turned, his=his, hers=hers, gap=gap)
            before = now

    def chasse(self, beats: Iterable[float], left: float, **formation: Any) -> None:
        """Side, close, side."""
        self.go(beats, left=(0.5 * left, 0.0, 0.5 * left), **formation)

    def touch(self, beat: float, **move: Any) -> None:
        """Both bring the free foot beside the standing one without weight."""
        self.go(beat, commit=0.0, **move)

    def meet(self) -> None:
        """The frame is laid anew through where the two stand now: midway between them, from him to her."""
        (x0, z0, yaw0), (x1, z1, yaw1) = self.place(LEADER), self.place(FOLLOWER)
        old = self.at[2]
        heading = old + _wrapped(atan2(x1 - x0, z1 - z0) - old)
        self.at = (0.5 * (x0 + x1), 0.5 * (z0 + z1), heading)
        self.gap, self.aside, self.fan = hypot(x1 - x0, z1 - z0), 0.0, 0.0
        self.turns = [degrees(yaw0 - heading), degrees(yaw1 - heading)]
        self.drift = [[0.0, 0.0], [0.0, 0.0]]

    def done(self) -> Figure:
        """The figure as written.

        Raises
        ------
        RuntimeError
            When it does not end at home: another foot free, too far, not facing.
        """
        away = [abs(_wrapped(radians(turn))) for turn in self.turns]
        lost = [hypot(*spot) for spot in self.drift]
        if self.free != [self.first, 1 - self.first]:
            raise RuntimeError(f"figure {self.name} ends on the wrong foot")
        if abs(self.gap - self.room.gap(self.home)) > 0.02 or max(lost) > 0.02 or max(*away, abs(self.fan)) > 0.05:
            raise RuntimeError(f"figure {self.name} does not end where the next one begins")
        steps = (tuple(self.steps[0]), tuple(self.steps[1]))
        return Figure(self.name, self.beats, self.room.gap(self.home), steps, tuple(self.holds), self.at, tuple(self.accents))

    def _spans(self, times: list[float]) -> list[float]:
        """Beats that each of some steps takes, one at most."""
        last = max((row[-1].beat for row in self.steps if row), default=times[0] - 1.0)
        return [min(1.0, max(0.25, b - a)) for a, b in zip([last, *times[:-1]], times, strict=True)]

    def _move(self, forward: float, left: float, turned: float, along: float | None) -> None:
        x, z, yaw = self.at
        heading = yaw if along is None else radians(along)
        size = self.room.size
        x += size * (forward * sin(heading) + left * cos(heading))
        z += size * (forward * cos(heading) - left * sin(heading))
        self.at = (x, z, yaw + radians(turned))

    def _land(self, who: int, beat: float, commit: float) -> None:
        """Put the free foot down at the dancer's place, clear of the other foot and of the partner's."""
        x, z, yaw = self.place(who)
        foot = self.free[who]
        theirs, other = self.feet[1 - who], self.feet[who][1 - foot]
        if who == LEADER:
            theirs = [theirs[1 - self.free[FOLLOWER]]]  # her other foot is about to leave
        wished = self._foot(who, foot, x, z, yaw)
        own = settled(foot, wished, yaw + (pi if who == FOLLOWER else 0.0), other, theirs)
        self.feet[who][foot] = own
        self.steps[who].append(Step(beat, foot, x + own[0] - wished[0], z + own[1] - wished[1], yaw, commit))
        if commit > 0.0:
            self.free[who] = 1 - foot


def _listed(beats: Amount) -> list[float]:
    return [float(beats)] if isinstance(beats, int | float) else [float(beat) for beat in beats]


def _shares(value: Amount, count: int, weights: list[float] | None = None) -> list[float]:
    if isinstance(value, int | float):
        weights = weights or [1.0] * count
        return [float(value) * weight / sum(weights) for weight in weights]
    parts = [float(part) for part in value]
    if len(parts) != count:
        raise ValueError(f"{len(parts)} amounts for {count} steps")
    return parts


def _wrapped(angle: float) -> float:
    return (angle + pi) % (2.0 * pi) - pi


Draft = Callable[[Pen, np.random.Generator], None]


def home(hold: Hold, first: int = LEFT) -> Callable[[str, int], Callable[[Draft], Writer]]:
    """Decorator ``(name, beats)`` for the figures of a genre that is at home in ``hold``, his foot ``first`` free."""

    def named(name: str, beats: int) -> Callable[[Draft], Writer]:
        def written(draft: Draft) -> Writer:
            def write(room: Room, rng: np.random.Generator) -> Figure:
                pen = Pen(name, beats, room, hold, first)
                draft(pen, rng)
                return pen.done()

            write.__doc__ = draft.__doc__
            return write

        return written

    return named


def pick(rng: np.random.Generator, *choices: float) -> float:
    """One of the numbers, each as likely."""
    return float(choices[int(rng.integers(len(choices)))])
