"""Accents: what a body does beside stepping, as eased curves that posture, legs and arms add to what they do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interdance.choreography.curves import bump, ease
from interdance.choreography.score import FOLLOWER, LEFT, Accent

GRAVITY = 9.81
ARM_ACCENTS = ("arms_up", "clap", "point")


@dataclass
class Leg:
    """A free leg over time (T,), radians: thigh forward and up from hanging, knee bent, turned outward."""

    thigh_T: np.ndarray
    knee_T: np.ndarray
    out_T: np.ndarray

    @staticmethod
    def direction(angle_T: np.ndarray) -> np.ndarray:
        """Unit vectors (T, 3) of a bone that is raised forward by an angle from hanging, in the leg's own frame."""
        return np.stack([np.zeros_like(angle_T), -np.cos(angle_T), np.sin(angle_T)], axis=1)


@dataclass
class Cues:
    """What accents ask of one body over time.

    Attributes
    ----------
    drop_T, lift_T, shift_T : (T,)
        Metres: pelvis lower, whole body off the floor, pelvis forward.
    tilt_T, pitch_T, head_T, point_T : (T,)
        Radians forward: pelvis, chest and head over what they do anyway; toes pointing down.
    raise_2T, legs
        How much each leg is free of the floor (0..1), and what it then does.
    arms : kind -> (2, T)
        How much (0..1) the left and the right arm follow ``arms_up``, ``clap`` or ``point``, if free.
    together_T : (T,)
        How near to each other clapping hands are, 0..1.
    """

    drop_T: np.ndarray
    lift_T: np.ndarray
    shift_T: np.ndarray
    tilt_T: np.ndarray
    pitch_T: np.ndarray
    head_T: np.ndarray
    point_T: np.ndarray
    raise_2T: np.ndarray
    legs: tuple[Leg, Leg]
    arms: dict[str, np.ndarray]
    together_T: np.ndarray


Event = tuple[float, float, Accent]
"""An accent with the seconds at which it begins and ends."""


def cues(events: list[Event], who: int, t: np.ndarray) -> Cues:
    """The accents of dancer ``who`` at times ``t`` (T,), seconds, growing."""
    def none() -> np.ndarray:
        return np.zeros(len(t))

    legs = Leg(none(), none(), none()), Leg(none(), none(), none())
    arms = {kind: np.zeros((2, len(t))) for kind in ARM_ACCENTS}
    result = Cues(none(), none(), none(), none(), none(), none(), none(), np.zeros((2, len(t))), legs, arms, none())
    for begin, end, accent in events:
        low, high = np.searchsorted(t, (begin - 0.5, end + 0.5))
        if low == high or (accent.who != who and accent.kind != "dip"):
            continue
        seconds, now = end - begin, slice(int(low), int(high))
        u = (t[now] - begin) / seconds
        soft = min(0.42, 1.1 / seconds)  # share of the time in which it comes and goes
        envelope = accent.amount * ease(u / soft) * ease((1.0 - u) / soft)
        _add(result, accent, who, now, u, envelope, (t[now] - 0.5 * (begin + end)))
    return result


def _add(
    result: Cues, accent: Accent, who: int, now: slice, u: np.ndarray, envelope: np.ndarray, off_s: np.ndarray
) -> None:
    kind, side = accent.kind, accent.side
    if kind == "dip":
        # She leans back from the hips over his arm, knees soft; he bends over her, one knee deep.
        leans = who == FOLLOWER
        result.pitch_T[now] += envelope * (-1.18 if leans else 0.62)
        result.tilt_T[now] += envelope * (-0.48 if leans else 0.25)
        result.head_T[now] += envelope * (-0.30 if leans else 0.05)
        result.drop_T[now] += envelope * (0.13 if leans else 0.16)
        result.shift_T[now] += envelope * (0.10 if leans else 0.04)
    elif kind in ("kick", "knee"):
        leg = result.legs[side]
        size = np.abs(envelope) / max(abs(accent.amount), 0.2)
        free = ease(2.5 * size)
        result.raise_2T[side, now] = np.maximum(result.raise_2T[side, now], free)
        if kind == "kick":
            behind = accent.amount < 0.0  # an arabesque or a boleo: the hip gives less, the trunk tips instead
            leg.thigh_T[now] += np.radians(38.0 if behind else 60.0) * envelope
            leg.knee_T[now] += free * ((0.9 * max(0.0, 1.0 + accent.amount) if behind else 0.0) + 0.25 * (1.0 - size))
            leg.out_T[now] += 0.20 * free
            result.pitch_T[now] -= (0.40 if behind else 0.10) * envelope
            result.tilt_T[now] -= (0.30 if behind else 0.0) * envelope
        else:
            leg.thigh_T[now] += np.radians(80.0) * envelope
            leg.knee_T[now] += np.radians(95.0) * envelope
            leg.out_T[now] += 0.15 * free
    elif kind == "crouch":
        result.drop_T[now] += 0.25 * envelope
        result.tilt_T[now] += 0.35 * envelope
        result.pitch_T[now] += 0.42 * envelope
        result.shift_T[now] -= 0.07 * envelope
    elif kind == "jump":
        height = 0.20 * accent.amount
        flight = np.sqrt(8.0 * height / GRAVITY)
        result.lift_T[now] += height * np.maximum(1.0 - (2.0 * off_s / flight) ** 2, 0.0)
        result.point_T[now] += 0.55 * bump(off_s / flight + 0.5)
        for moment in (-0.5 * flight - 0.10, 0.5 * flight + 0.11):
            result.drop_T[now] += 0.45 * height * bump((off_s - moment) / 0.36 + 0.5)
    elif kind == "wave":
        for part, delay, size in ((result.tilt_T, 0.0, 0.20), (result.pitch_T, 1.3, 0.24), (result.head_T, 2.4, 0.25)):
            part[now] += size * envelope * np.sin(2.0 * np.pi * u - delay)
        result.drop_T[now] += 0.03 * envelope * (1.0 - np.cos(2.0 * np.pi * u))
    elif kind == "bow":
        result.tilt_T[now] += 0.45 * envelope
        result.pitch_T[now] += 0.85 * envelope
        result.head_T[now] += 0.15 * envelope
        result.shift_T[now] -= 0.08 * envelope
    elif kind == "arch":
        result.tilt_T[now] -= 0.10 * envelope
        result.pitch_T[now] -= 0.55 * envelope
        result.head_T[now] -= 0.30 * envelope
        result.shift_T[now] += 0.06 * envelope
    else:
        sides = (side,) if kind == "point" else (LEFT, 1 - LEFT)
        for arm in sides:
            result.arms[kind][arm, now] = np.maximum(result.arms[kind][arm, now], np.minimum(envelope, 1.0))
        if kind == "clap":
            result.together_T[now] = np.maximum(result.together_T[now], bump((u - 0.5) / 0.6 + 0.5))
