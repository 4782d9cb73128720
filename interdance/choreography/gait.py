"""Feet on the beat: from landings to planted feet, a travelling pelvis and legs that reach the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from interdance.body.ik import UP, about, apply, blend_rotations, limb_rotations, turn, two_bones, unit
from interdance.choreography.accents import Cues
from interdance.choreography.anatomy import Anatomy
from interdance.choreography.curves import bump, ease, ramps
from interdance.choreography.dancer import Dancer, Style
from interdance.choreography.score import LEFT, RIGHT, Genre

TOES = 0.23  # metres from the ankle to the tip of the toes


@dataclass(frozen=True)
class Landing:
    """A foot coming to the floor at ``time`` (seconds), world place ``x``, ``z`` (metres) and ``yaw`` (radians) of
    the dancer.
    """

    time: float
    foot: int
    x: float
    z: float
    yaw: float
    commit: float


@dataclass(frozen=True)
class Path:
    """Where the body goes: floor place and yaw of the pelvis, weight (-1 right foot .. 1 left foot), feet."""

    place_T2: np.ndarray
    yaw_T: np.ndarray
    weight_T: np.ndarray
    feet: tuple[Foot, Foot]

    def __getitem__(self, frames: slice) -> Path:
        feet = tuple(
            Foot(foot.ball_T3[frames], foot.yaw_T[frames], foot.pitch_T[frames], foot.air_T[frames]) for foot in self.feet
        )
        return Path(self.place_T2[frames], self.yaw_T[frames], self.weight_T[frames], feet)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Foot:
    """Ball of the foot (T, 3) when flat, yaw, heel-up pitch in radians, and how much it is in the air (0 planted ..
    1).
    """

    ball_T3: np.ndarray
    yaw_T: np.ndarray
    pitch_T: np.ndarray
    air_T: np.ndarray


def walk(
    landings: list[Landing],
    start: tuple[float, float, float],
    t: np.ndarray,
    genre: Genre,
    style: Style,
    anatomy: Anatomy,
) -> Path:
    """Turn landings into the motion of both feet and of the pelvis over the floor, at times ``t`` (T,) in seconds."""
    width = style.stance * anatomy.hip_half
    sides = {LEFT: width, RIGHT: -width}
    at = {foot: _beside(start, sides[foot]) for foot in (LEFT, RIGHT)}
    times = np.array([landing.time for landing in landings])
    gaps = np.diff(times, prepend=times[0] - 0.6)
    gaps = np.clip(gaps, 0.12, 0.75)
    targets, balance = [np.array(start[:2])], [0.0]
    for landing in landings:
        at[landing.foot] = _beside((landing.x, landing.z, landing.yaw), sides[landing.foot])
        if landing.commit > 0.0:
            other = at[1 - landing.foot]
            targets.append(other + landing.commit * (at[landing.foot] - other))
            balance.append(1.0 if landing.foot == LEFT else -1.0)
        else:
            targets.append(targets[-1])
            balance.append(balance[-1])
    yaws = np.array([start[2], *(landing.yaw for landing in landings)])
    place = targets[0] + ramps(t, times + 0.02, 1.7 * gaps, np.diff(np.array(targets), axis=0))
    yaw = start[2] + ramps(t, times - 0.25 * gaps, 1.7 * gaps, np.diff(yaws))
    weight = ramps(t, times + 0.2 * gaps, 1.3 * gaps, np.diff(balance))
    feet = tuple(_foot(foot, landings, start, sides, t, yaw, genre, style, anatomy) for foot in (LEFT, RIGHT))
    return Path(place, yaw, weight, feet)  # type: ignore[arg-type]


def _beside(place: tuple[float, float, float], side: float) -> np.ndarray:
    x, z, yaw = place
    return np.array([x + side * np.cos(yaw), z - side * np.sin(yaw)])


def _foot(
    foot: int,
    landings: list[Landing],
    start: tuple[float, float, float],
    sides: dict[int, float],
    t: np.ndarray,
    body_yaw: np.ndarray,
    genre: Genre,
    style: Style,
    anatomy: Anatomy,
) -> Foot:
    """One foot: eased swings that end on the landings; in between the ball stays where it is and the foot may pivot
    on it. A swing that would cross the standing foot goes round it.
    """
    turnouts = {LEFT: style.turnout, RIGHT: -style.turnout}
    (spot, yaw_now), (other, other_yaw) = (
        _ball(start, sides[which], turnouts[which], anatomy) for which in (foot, 1 - foot)
    )
    xz, yaw = np.zeros((len(t), 2)), np.zeros(len(t))
    height, air, pitch = np.zeros(len(t)), np.zeros(len(t)), np.zeros(len(t))
    last_own = last_other = -1.0
    stance_from, filled = 0, 0  # frames

    def stand_until(until: int) -> float:
        """Fill the stance up to a frame: pivot on the ball when the body has turned far away from the foot."""
        turned = _beyond(body_yaw[stance_from : max(until, stance_from) + 1] - yaw_now + turnouts[foot], 0.6)
        turned = turned - turned[:1]
        xz[filled:until] = spot
        yaw[filled:until] = yaw_now + turned[filled - stance_from : until - stance_from]
        return float(turned[-1]) if len(turned) else 0.0

    for landing in landings:
        if landing.foot != foot:
            last_other = landing.time
            other, other_yaw = _ball((landing.x, landing.z, landing.yaw), sides[1 - foot], turnouts[1 - foot], anatomy)
            continue
        end = landing.time + genre.late_s
        begin = max(last_other + 0.03, last_own + 0.06, end - genre.swing_s)
        begin = min(begin, end - 0.12)
        target, target_yaw = _ball((landing.x, landing.z, landing.yaw), sides[foot], turnouts[foot], anatomy)
        low, high = max(filled, int(np.searchsorted(t, begin))), int(np.searchsorted(t, end))
        pivot = stand_until(low)
        swing = slice(low, high)
        progress = ease(np.clip((t[swing] - begin) / (end - begin), 0.0, 1.0) ** genre.staccato)
        hop = bump((t[swing] - begin) / (end - begin))
        distance = float(np.hypot(*(target - spot)))
        detour = _detour(spot, target, yaw_now + pivot, target_yaw, other, other_yaw)
        xz[swing] = spot + progress[:, None] * (target - spot) + hop[:, None] * detour
        yaw[swing] = yaw_now + pivot + progress * (target_yaw - yaw_now - pivot)
        height[swing] += (style.lift * genre.lift * (0.5 + min(1.0, distance / 0.35))) * hop
        air[swing] = np.maximum(air[swing], hop)
        forward = float((target - spot) @ np.array([np.sin(landing.yaw), np.cos(landing.yaw)]))
        _roll(pitch, t, begin, end, distance, forward, genre.heel_lead)
        spot, yaw_now, last_own = target, target_yaw, landing.time
        stance_from = filled = high
    stand_until(len(t))
    ball = np.stack([xz[:, 0], anatomy.ball_height + height, xz[:, 1]], axis=1)
    return Foot(ball, gaussian_filter1d(yaw, 1.2, mode="nearest"), pitch, air)


def _roll(
    pitch: np.ndarray, t: np.ndarray, begin: float, end: float, distance: float, forward: float, heel_lead: bool
) -> None:
    """Add to ``pitch`` how the heel comes off before a swing and how the foot arrives: heel or toes first."""
    roll = (0.14 + 0.5 * min(1.0, distance / 0.5)) if heel_lead else (0.25 + 0.8 * min(1.0, distance / 0.45))
    early = 0.35 * (end - begin)
    around = slice(int(np.searchsorted(t, begin - early)), int(np.searchsorted(t, end + 0.14)))
    v = np.clip((t[around] - begin + early) / (0.85 * (end - begin) + early), 0.0, 1.0)
    pitch[around] += roll * (1.0 if forward > -0.1 else 0.6) * v**2 * (1.0 - v) ** 3 / 0.03456
    arrive = bump((t[around] - end + 0.5 * (end - begin)) / (0.5 * (end - begin) + 0.14))
    if forward > 0.2 and heel_lead:
        pitch[around] -= 0.22 * arrive
    elif forward < -0.08 or not heel_lead:
        pitch[around] += 0.16 * arrive


def _detour(
    spot: np.ndarray, target: np.ndarray, yaw: float, target_yaw: float, other: np.ndarray, other_yaw: float
) -> np.ndarray:
    """How far (2,) a swing bulges in its middle so that the foot does not pass through the standing one."""
    middles = [
        place - 0.07 * np.array([np.sin(angle), np.cos(angle)])
        for place, angle in ((spot, yaw), (target, target_yaw), (other, other_yaw))
    ]
    way = middles[1] - middles[0]
    length = float(np.hypot(*way))
    if length < 0.1:
        return np.zeros(2)
    along = float((middles[2] - middles[0]) @ way) / length**2
    if not 0.05 < along < 0.95:
        return np.zeros(2)
    aside = np.array([-way[1], way[0]]) / length
    miss = float((middles[2] - middles[0]) @ aside)  # on which side of the way the standing foot is
    return -aside * float(np.copysign(max(0.0, 0.17 - abs(miss)), miss))


def _ball(place: tuple[float, float, float], side: float, turnout: float, anatomy: Anatomy) -> tuple[np.ndarray, float]:
    """Where the ball of the foot is when a dancer stands at ``place``, and the yaw of that foot."""
    x, z, yaw = place
    ahead = anatomy.ball_ahead
    return np.array(
        [x + side * np.cos(yaw) + ahead * np.sin(yaw), z - side * np.sin(yaw) + ahead * np.cos(yaw)]
    ), yaw + turnout


def _beyond(angle: np.ndarray, limit: float) -> np.ndarray:
    """What of an angle lies beyond ``limit``, starting softly."""
    excess = np.maximum(np.abs(angle) - limit, 0.0)
    return np.sign(angle) * excess**2 / (excess + 0.15)


def stand(
    dancer: Dancer,
    path: Path,
    height_T: np.ndarray,
    rise_T: np.ndarray,
    roll_T: np.ndarray,
    cues: Cues,
    knees_2T: np.ndarray,
) -> None:
    """Set pelvis, legs and feet of ``dancer``: the pelvis as high as ``height_T`` says or as the legs allow.

    Parameters
    ----------
    height_T : (T,)
        Wished height of the pelvis in metres.
    rise_T : (T,)
        Standing on the balls of the feet, heel-up radians.
    roll_T : (T,)
        Pelvis roll (positive lifts the left side), radians.
    cues : Cues
        What accents ask of pelvis and legs.
    knees_2T : (2, T)
        Radians by which each knee is turned outward about the line from hip to ankle, to clear the partner's legs.
    """
    anatomy, rest = dancer.anatomy, dancer.anatomy.rest_J3
    facing = turn(1, path.yaw_T)
    pelvis_rotation = facing @ turn(2, roll_T) @ turn(0, 0.02 + cues.tilt_T)
    pelvis = np.stack([path.place_T2[:, 0], height_T - cues.drop_T, path.place_T2[:, 1]], axis=1)
    over = np.stack([foot.ball_T3 - apply(turn(1, foot.yaw_T), np.array([0.0, 0.0, 0.06])) for foot in path.feet])
    raised = cues.raise_2T[:, :, None]
    toward = (raised[0] * (over[1] - pelvis) + raised[1] * (over[0] - pelvis)) * (0.8, 0.0, 0.8)  # over the other foot
    pelvis += toward + cues.shift_T[:, None] * facing[:, :, 2]
    ankles, foot_rotations, toe_rotations = [], [], []
    ceiling = np.full(len(pelvis), np.inf)
    for side, foot in enumerate(path.feet):
        ball, heel, ankle, hip = rest[10 + side], anatomy.heels[side], rest[7 + side], rest[1 + side]
        yaw_matrix = turn(1, foot.yaw_T)
        behind = np.einsum("ti,ti->t", pelvis - foot.ball_T3, yaw_matrix[:, :, 2]) + anatomy.ball_ahead
        trailing = _beyond(np.maximum(behind, 0.0) / 0.30, 0.35) * 0.55 * (1.0 - foot.air_T)
        pitch = np.minimum(foot.pitch_T + trailing + rise_T * (1.0 - foot.air_T), 0.95)
        pitch = pitch + cues.point_T * np.clip(1.0 - pitch / 0.95, 0.0, 1.0)
        tipped = yaw_matrix @ turn(0, pitch)
        on_heel = foot.ball_T3 + apply(yaw_matrix, heel - ball) + apply(tipped, ankle - heel)
        on_ball = foot.ball_T3 + apply(tipped, ankle - ball)
        place = np.where((pitch < 0.0)[:, None], on_heel, on_ball)
        hip_world = pelvis + apply(pelvis_rotation, hip - rest[0])
        flat = np.hypot(hip_world[:, 0] - place[:, 0], hip_world[:, 2] - place[:, 2])
        reach = 0.993 * anatomy.legs[side]
        room = place[:, 1] + np.sqrt(np.maximum(reach**2 - flat**2, 0.01)) - (hip_world[:, 1] - pelvis[:, 1])
        ceiling = np.minimum(ceiling, room + cues.raise_2T[side])
        ankles.append(place)
        foot_rotations.append(tipped)
        toe_rotations.append(yaw_matrix @ turn(0, np.minimum(pitch, 0.0) + 0.15 * np.maximum(pitch, 0.0)))
    low = minimum_filter1d(np.minimum(pelvis[:, 1], ceiling), 7, mode="nearest")
    pelvis[:, 1] = gaussian_filter1d(low, 2.0, mode="nearest") + cues.lift_T
    dancer.pelvis_T3[:] = pelvis
    dancer.world_TJ33[:, 0] = pelvis_rotation
    for side, foot in enumerate(path.feet):
        joints = (rest[1 + side], rest[4 + side], rest[7 + side])
        hip_world = pelvis + apply(pelvis_rotation, joints[0] - rest[0])
        ankle, flat = ankles[side] + cues.lift_T[:, None] * UP, (foot_rotations[side], toe_rotations[side])
        weight = cues.raise_2T[side]
        if weight.any():
            ankle, flat = _raised(anatomy, side, facing, hip_world, ankle, flat, cues)
        pole = pelvis_rotation[:, :, 2] + turn(1, foot.yaw_T)[:, :, 2] + 0.5 * weight[:, None] * UP
        pole = apply(about(unit(ankle - hip_world), (-1.0 if side == LEFT else 1.0) * knees_2T[side]), pole)
        knee, ankle, normal = two_bones(hip_world, ankle, pole, *anatomy.leg_bones[side], 0.9995)
        thigh, shank = limb_rotations((hip_world, knee, ankle), normal, joints, np.array([0.0, 0.0, 1.0]))
        for joint, rotation in ((1, thigh), (4, shank), (7, flat[0]), (10, flat[1])):
            dancer.world_TJ33[:, joint + side] = rotation


def _raised(
    anatomy: Anatomy,
    side: int,
    facing_T33: np.ndarray,
    hip_T3: np.ndarray,
    ankle_T3: np.ndarray,
    flat: tuple[np.ndarray, np.ndarray],
    cues: Cues,
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Ankle, foot and toes of a leg that accents raise: free of the floor, toes pointed."""
    leg, weight = cues.legs[side], cues.raise_2T[side]
    first, second = anatomy.leg_bones[side]
    out = facing_T33 @ turn(1, (1.0 if side == LEFT else -1.0) * leg.out_T)
    hanging = first * leg.direction(leg.thigh_T) + second * leg.direction(leg.thigh_T - leg.knee_T)
    ankle = ankle_T3 + weight[:, None] * (hip_T3 + apply(out, hanging) - ankle_T3)
    standing = anatomy.rest_J3[7 + side, 1] - anatomy.floor + cues.lift_T
    ankle[:, 1] = np.maximum(ankle[:, 1], np.where(weight > 0.0, standing + 0.015 * weight, -np.inf))
    pointed_T = np.where(leg.thigh_T < 0.0, 0.25, 0.65) - leg.thigh_T + leg.knee_T
    room = np.clip((ankle[:, 1] - standing) / TOES, 0.0, 1.0)
    pointed_T = np.minimum(pointed_T, np.arcsin(room))  # as far as the floor lets the toes go down
    pointed = out @ turn(0, pointed_T)
    foot, toes = (blend_rotations([rotation, pointed], [1.0 - weight, weight]) for rotation in flat)
    return ankle, (foot, toes)
