"""Feet on the beat: from landings to planted feet, a travelling pelvis and legs that reach the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from interdance.choreography.dancer import Anatomy, Dancer, Style
from interdance.choreography.figures import LEFT, RIGHT, Genre
from interdance.choreography.ik import apply, limb_rotations, turn, two_bones


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


@dataclass(frozen=True)
class Foot:
    """Ball of the foot (T, 3) when flat, yaw, heel-up pitch in radians, and how much it is in the air (0 planted ..
    1).
    """

    ball_T3: np.ndarray
    yaw_T: np.ndarray
    pitch_T: np.ndarray
    air_T: np.ndarray


def ease(u: np.ndarray) -> np.ndarray:
    """From 0 to 1 over u = 0..1 with zero speed and acceleration at both ends."""
    u = np.clip(u, 0.0, 1.0)
    return u**3 * (10.0 - 15.0 * u + 6.0 * u**2)


def ramps(t: np.ndarray, centres: np.ndarray, widths: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Sum of eased steps: ``steps[i]`` is climbed around ``centres[i]`` within ``widths[i]`` seconds. (T,) or (T,
    K).
    """
    if len(centres) == 0:
        return np.zeros((len(t), *np.shape(steps)[1:]))
    return ease((t[:, None] - centres) / widths + 0.5) @ steps


def bump(u: np.ndarray) -> np.ndarray:
    """A hill of height 1 over u = 0..1, flat at both ends."""
    u = np.clip(u, 0.0, 1.0)
    return (4.0 * u * (1.0 - u)) ** 2


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
    feet = tuple(_foot(foot, landings, start, sides[foot], t, yaw, genre, style, anatomy) for foot in (LEFT, RIGHT))
    return Path(place, yaw, weight, feet)  # type: ignore[arg-type]


def _beside(place: tuple[float, float, float], side: float) -> np.ndarray:
    x, z, yaw = place
    return np.array([x + side * np.cos(yaw), z - side * np.sin(yaw)])


def _foot(
    foot: int,
    landings: list[Landing],
    start: tuple[float, float, float],
    side: float,
    t: np.ndarray,
    body_yaw: np.ndarray,
    genre: Genre,
    style: Style,
    anatomy: Anatomy,
) -> Foot:
    """One foot: eased swings that end on the landings; in between the ball stays where it is and the foot may pivot
    on it.
    """
    turnout = style.turnout if foot == LEFT else -style.turnout
    spot, yaw_now = _ball(start, side, turnout, anatomy)
    xz = np.tile(spot, (len(t), 1))
    yaw = np.full(len(t), yaw_now)
    height, air, pitch = np.zeros(len(t)), np.zeros(len(t)), np.zeros(len(t))
    last_own = last_other = -1.0
    stance_from = -10.0
    for landing in landings:
        if landing.foot != foot:
            last_other = landing.time
            continue
        end = landing.time + genre.late_s
        free_from = max(last_other + 0.03, last_own + 0.06)
        begin = max(free_from, end - genre.swing_s)
        begin = min(begin, end - 0.12)
        target, target_yaw = _ball((landing.x, landing.z, landing.yaw), side, turnout, anatomy)
        # stance before this swing: pivot on the ball when the body has turned far away from the foot
        turned = _beyond(body_yaw - yaw_now + turnout, 0.6)
        turned = turned - np.interp(stance_from, t, turned)
        pivot = float(np.interp(begin, t, turned))
        stance = (t >= stance_from) & (t < begin)
        yaw[stance] = yaw_now + turned[stance]
        yaw[t >= begin] = yaw_now + pivot
        u = (t - begin) / (end - begin)
        progress = ease(np.clip(u, 0, 1) ** genre.staccato)
        distance = float(np.hypot(*(target - spot)))
        xz += progress[:, None] * (target - spot)
        yaw += np.where(t >= begin, progress * (target_yaw - yaw_now - pivot), 0.0)
        hop = bump(u)
        height += (style.lift * genre.lift * (0.5 + min(1.0, distance / 0.35))) * hop
        air = np.maximum(air, hop)
        forward = float((target - spot) @ np.array([np.sin(landing.yaw), np.cos(landing.yaw)]))
        roll = (0.14 + 0.5 * min(1.0, distance / 0.5)) if genre.heel_lead else (0.25 + 0.8 * min(1.0, distance / 0.45))
        early = 0.35 * (end - begin)
        v = np.clip((t - begin + early) / (0.85 * (end - begin) + early), 0.0, 1.0)
        pitch += roll * (1.0 if forward > -0.1 else 0.6) * v**2 * (1.0 - v) ** 3 / 0.03456
        arrive = bump((t - end + 0.5 * (end - begin)) / (0.5 * (end - begin) + 0.14))
        if forward > 0.2 and genre.heel_lead:
            pitch -= 0.22 * arrive
        elif forward < -0.08 or not genre.heel_lead:
            pitch += 0.16 * arrive
        spot, yaw_now, stance_from, last_own = target, target_yaw, end, landing.time
    turned = _beyond(body_yaw - yaw_now + turnout, 0.6)
    final = t >= stance_from
    yaw[final] += (turned - np.interp(stance_from, t, turned))[final]
    ball = np.stack([xz[:, 0], anatomy.ball_height + height, xz[:, 1]], axis=1)
    return Foot(ball, gaussian_filter1d(yaw, 1.2, mode="nearest"), pitch, air)


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
    dancer: Dancer, path: Path, height_T: np.ndarray, rise_T: np.ndarray, roll_T: np.ndarray, tilt_T: np.ndarray
) -> None:
    """Set pelvis, legs and feet of ``dancer``: the pelvis as high as ``height_T`` says or as the legs allow.

    Parameters
    ----------
    height_T : (T,)
        Wished height of the pelvis in metres.
    rise_T : (T,)
        Standing on the balls of the feet, heel-up radians.
    roll_T, tilt_T : (T,)
        Pelvis roll (positive lifts the left side) and forward tilt, radians.
    """
    anatomy, rest = dancer.anatomy, dancer.anatomy.rest_J3
    pelvis_rotation = turn(1, path.yaw_T) @ turn(2, roll_T) @ turn(0, tilt_T)
    pelvis = np.stack([path.place_T2[:, 0], height_T, path.place_T2[:, 1]], axis=1)
    ankles, foot_rotations, toe_rotations = [], [], []
    ceiling = np.full(len(pelvis), np.inf)
    for side, foot in enumerate(path.feet):
        ball, heel, ankle, hip = rest[10 + side], anatomy.heels[side], rest[7 + side], rest[1 + side]
        yaw_matrix = turn(1, foot.yaw_T)
        behind = np.einsum("ti,ti->t", pelvis - foot.ball_T3, yaw_matrix[:, :, 2]) + anatomy.ball_ahead
        trailing = _beyond(np.maximum(behind, 0.0) / 0.30, 0.35) * 0.55 * (1.0 - foot.air_T)
        pitch = np.minimum(foot.pitch_T + trailing + rise_T * (1.0 - foot.air_T), 0.95)
        tipped = yaw_matrix @ turn(0, pitch)
        on_heel = foot.ball_T3 + apply(yaw_matrix, heel - ball) + apply(tipped, ankle - heel)
        on_ball = foot.ball_T3 + apply(tipped, ankle - ball)
        place = np.where((pitch < 0.0)[:, None], on_heel, on_ball)
        hip_world = pelvis + apply(pelvis_rotation, hip - rest[0])
        flat = np.hypot(hip_world[:, 0] - place[:, 0], hip_world[:, 2] - place[:, 2])
        reach = 0.993 * anatomy.legs[side]
        room = place[:, 1] + np.sqrt(np.maximum(reach**2 - flat**2, 0.01)) - (hip_world[:, 1] - pelvis[:, 1])
        ceiling = np.minimum(ceiling, room)
        ankles.append(place)
        foot_rotations.append(tipped)
        toe_rotations.append(yaw_matrix @ turn(0, np.minimum(pitch, 0.0) + 0.15 * np.maximum(pitch, 0.0)))
    low = minimum_filter1d(np.minimum(pelvis[:, 1], ceiling), 7, mode="nearest")
    pelvis[:, 1] = gaussian_filter1d(low, 2.0, mode="nearest")
    dancer.pelvis_T3[:] = pelvis
    dancer.world_TJ33[:, 0] = pelvis_rotation
    for side, foot in enumerate(path.feet):
        joints = (rest[1 + side], rest[4 + side], rest[7 + side])
        hip_world = pelvis + apply(pelvis_rotation, joints[0] - rest[0])
        pole = pelvis_rotation[:, :, 2] + turn(1, foot.yaw_T)[:, :, 2]
        first, second = anatomy.leg_bones[side]
        knee, ankle, normal = two_bones(hip_world, ankles[side], pole, first, second, 0.9995)
        thigh, shank = limb_rotations((hip_world, knee, ankle), normal, joints, np.array([0.0, 0.0, 1.0]))
        for joint, rotation in ((1, thigh), (4, shank), (7, foot_rotations[side]), (10, toe_rotations[side])):
            dancer.world_TJ33[:, joint + side] = rotation
