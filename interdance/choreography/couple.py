"""The hold: where four hands are, and arms that take them there by inverse kinematics against the partner's own
surface.

Pair A is the leader's left and the follower's right hand, pair B the leader's right and the follower's left. Two
joined palms share one point and one plane, so they meet by construction; a hand on the partner's body aims at a
vertex of that body's posed surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from interdance.choreography.dancer import Dancer
from interdance.choreography.figures import FOLLOWER, LEADER, LEFT, RIGHT, Hold
from interdance.choreography.gait import ease, ramps
from interdance.choreography.ik import UP, about, apply, frame, limb_rotations, turn, twist_angle, two_bones, unit

AIR = 0.003  # metres left between two surfaces that touch: skin is not pressed
GRIP = 0.016  # metres between the middles of two joined palms: the balls of the thumbs touch first
REACH = 0.975  # share of a straight arm that a hold may use
SIGN = (1.0, -1.0)  # +1 for the left side of a body


@dataclass
class Arm:
    """Wishes for one hand over time: where the palm is, where the fingers point, the palm's outward normal, the
    elbow.
    """

    palm_T3: np.ndarray
    fingers_T3: np.ndarray
    normal_T3: np.ndarray
    elbow_T3: np.ndarray


def hold_weights(events: list[tuple[float, Hold]], t: np.ndarray, change_s: float) -> dict[Hold, np.ndarray]:
    """How much each hold is taken at times ``t``: eased from one to the next around the events; they sum to one."""
    weights: dict[Hold, np.ndarray] = {name: np.zeros(len(t)) for name in ("closed", "two_hands", "one_hand", "turn")}
    weights[events[0][1]] += 1.0
    for (_, old), (time, new) in zip(events[:-1], events[1:], strict=True):
        if old != new:
            step = ramps(t, np.array([time]), np.array([change_s]), np.array([1.0]))
            weights[old] -= step
            weights[new] += step
    return weights


def join(
    couple: tuple[Dancer, Dancer],
    weights: dict[Hold, np.ndarray],
    beat_T: np.ndarray,
    balance: tuple[np.ndarray, np.ndarray],
) -> None:
    """Set shoulders, arms, wrists and fingers of both dancers.

    Parameters
    ----------
    weights : hold -> (T,)
        From :func:`hold_weights`.
    beat_T : (T,)
        Position in the music in beats, for the play of free arms.
    balance : two of (T,)
        Weight of each dancer, -1 right foot .. 1 left foot.
    """
    closed, two, turning = weights["closed"], weights["two_hands"], weights["turn"]
    low, alone = two + weights["one_hand"], weights["one_hand"] + turning
    for dancer, raised, around in zip(couple, (LEFT, RIGHT), (0.30, 0.12), strict=True):
        _shoulders(dancer, raised, around, closed, turning)
    chests = [dancer.world_TJ33[:, 9] for dancer in couple]
    necks = [dancer.joint(12) for dancer in couple]
    across = necks[FOLLOWER] - necks[LEADER]
    across = unit(across * (1.0, 0.0, 1.0))
    arms: dict[tuple[int, int], Arm] = {}
    pairs = ((LEFT, RIGHT, low + turning + closed), (RIGHT, LEFT, two))
    for hand_l, hand_f, _ in pairs:
        outward = SIGN[hand_l] * np.cross(UP, across)
        shoulders = [couple[LEADER].joint(16 + hand_l), couple[FOLLOWER].joint(16 + hand_f)]
        middle = 0.5 * (shoulders[0] + shoulders[1])
        taste = 0.5 * (couple[0].style.arm_height + couple[1].style.arm_height)
        comfortable = [
            shoulder + apply(chest, np.array([SIGN[side] * 0.03, -0.27 + taste, 0.37]))
            for shoulder, chest, side in zip(shoulders, chests, (hand_l, hand_f), strict=True)
        ]
        at_low = 0.5 * (comfortable[0] + comfortable[1])
        at_closed = middle + 0.33 * outward + (0.02 + 1.5 * taste) * UP
        head = couple[FOLLOWER].joint(15)
        at_turn = head + (couple[FOLLOWER].anatomy.head_top + 0.10) * UP - 0.10 * across
        weight_c, weight_t = (closed, turning) if hand_l == LEFT else (0.0 * closed, 0.0 * turning)
        weight_l = 1.0 - weight_c - weight_t
        point = sum(w[:, None] * p for w, p in ((weight_l, at_low), (weight_c, at_closed), (weight_t, at_turn)))
        point = point + (4.0 * weight_t * (1.0 - weight_t))[:, None] * (0.10 * outward - 0.12 * across)  # past her face
        normal = unit(
            weight_c[:, None] * (across + 0.15 * UP) + weight_l[:, None] * (0.95 * UP + 0.15 * across - 0.12 * outward)
            + weight_t[:, None] * (0.95 * UP + 0.25 * across)
        )  # fmt: skip
        inward = [
            apply(chest, np.array([-SIGN[side] * 0.62, 0.0, 0.78]))
            for chest, side in zip(chests, (hand_l, hand_f), strict=True)
        ]
        fingers = [
            unit(weight_c[:, None] * (0.9 * UP + 0.35 * outward) + (1.0 - weight_c)[:, None] * inward[0]),
            unit(weight_c[:, None] * (0.95 * outward + 0.15 * UP) + (1.0 - weight_c)[:, None] * inward[1]),
        ]
        for who, side, sign in ((LEADER, hand_l, 1.0), (FOLLOWER, hand_f, -1.0)):
            elbow = _in_chest(chests[who], side, (0.75, -1.0, -0.25), closed) + _in_chest(
                chests[who], side, (0.5, -1.0, -0.35), low
            )
            elbow += _in_chest(chests[who], side, (0.3, -1.0, 0.1) if who == LEADER else (0.9, -0.35, 0.35), turning)
            arms[who, side] = Arm(point, fingers[who], sign * normal, elbow)
        _within_reach(couple, arms, (hand_l, hand_f), shoulders)
    free_l = _free(couple[LEADER], RIGHT, chests[LEADER], beat_T, balance[LEADER], 0.55 - 0.2 * turning)
    free_f = _free(couple[FOLLOWER], LEFT, chests[FOLLOWER], beat_T, balance[FOLLOWER], 1.0 - 0.95 * turning)
    _reach(couple[LEADER], LEFT, arms[LEADER, LEFT])
    _reach(couple[FOLLOWER], RIGHT, arms[FOLLOWER, RIGHT])
    on_back = _on_back(couple, chests[FOLLOWER])
    on_back.elbow_T3[:] = _in_chest(chests[LEADER], RIGHT, (1.0, -0.7, -0.1), np.ones(len(beat_T)))
    around_T1 = (4.0 * closed * (1.0 - closed))[:, None]
    side_way = apply(chests[FOLLOWER], np.array([0.32, -0.05, -0.05]))
    _reach(
        couple[LEADER],
        RIGHT,
        _mix([(closed, on_back), (two, arms[LEADER, RIGHT]), (alone, free_l)], around_T1 * side_way),
    )
    on_arm = _on(couple[LEADER], couple[LEADER].anatomy.shoulder[RIGHT], chests[FOLLOWER], np.array([0.35, -0.15, 0.9]))
    on_arm.elbow_T3[:] = _in_chest(chests[FOLLOWER], LEFT, (1.0, 0.2, 0.0), np.ones(len(beat_T)))
    above = apply(chests[FOLLOWER], np.array([0.22, 0.12, 0.0]))
    _reach(
        couple[FOLLOWER],
        LEFT,
        _mix([(closed, on_arm), (two, arms[FOLLOWER, LEFT]), (alone, free_f)], around_T1 * above),
    )
    for who, dancer in enumerate(couple):
        for side in (LEFT, RIGHT):
            joined = closed + low + turning if (who, side) in ((LEADER, LEFT), (FOLLOWER, RIGHT)) else two
            resting = np.zeros_like(closed) if (who, side) in ((LEADER, LEFT), (FOLLOWER, RIGHT)) else closed
            _fingers(dancer, side, joined * (1.0 - 0.45 * turning), resting, beat_T)


def _in_chest(
    chest_T33: np.ndarray, side: int, direction: tuple[float, float, float], weight_T: np.ndarray
) -> np.ndarray:
    x, y, z = direction
    return weight_T[:, None] * apply(chest_T33, unit(np.array([SIGN[side] * x, y, z])))


def _mix(parts: list[tuple[np.ndarray, Arm]], detour_T3: np.ndarray) -> Arm:
    def total(name: str) -> np.ndarray:
        return sum(weight[:, None] * getattr(arm, name) for weight, arm in parts)  # type: ignore[return-value]

    return Arm(total("palm_T3") + detour_T3, total("fingers_T3"), total("normal_T3"), total("elbow_T3"))


def _on(partner: Dancer, vertex: int, own_chest_T33: np.ndarray, fingers: np.ndarray) -> Arm:
    """A hand lying on a vertex of the partner; ``fingers`` point in the frame of the follower's chest."""
    place, normal = partner.vertex(vertex)
    return Arm(place + AIR * normal, apply(own_chest_T33, fingers), -normal, np.zeros_like(place))


def _on_back(couple: tuple[Dancer, Dancer], chest_T33: np.ndarray) -> Arm:
    """The leader's right hand on the follower's left shoulder blade, at each moment as far round as his arm can hold
    it.
    """
    leader, follower = couple
    longest = REACH * sum(leader.anatomy.arm_bones[RIGHT])
    shoulder = leader.joint(16 + RIGHT)
    arms = [_on(follower, vertex, chest_T33, np.array([-0.95, 0.3, 0.0])) for vertex in follower.anatomy.back]
    if len(arms) == 1:
        return arms[0]
    lacks = []
    for arm in arms:
        wrist = arm.palm_T3 - apply(_hand_rotation(leader, RIGHT, arm), _palm_offset(leader, RIGHT))
        lacks.append(np.linalg.norm(wrist - shoulder, axis=1) - longest)
    slide = np.zeros(len(shoulder))
    for place, (lack, next_lack) in enumerate(zip(lacks[:-1], lacks[1:], strict=True)):
        share = np.clip(lack / np.maximum(lack - next_lack, 1e-3), 0.0, 1.0)
        slide = np.where((lack > 0.0) & (slide >= place), place + share, slide)
    slide = maximum_filter1d(np.ceil(slide - 0.15), 31, mode="nearest")  # from vertex to vertex, seldom between
    slide = gaussian_filter1d(slide, 6.0, mode="nearest")
    shares = [np.clip(1.0 - np.abs(slide - place), 0.0, 1.0) for place in range(len(arms))]
    return _mix(list(zip(shares, arms, strict=True)), np.zeros_like(shoulder))


def _free(
    dancer: Dancer, side: int, chest_T33: np.ndarray, beat_T: np.ndarray, balance_T: np.ndarray, display_T: np.ndarray
) -> Arm:
    """An arm of one's own, breathing with the music and the weight: out at the side (display 1) or tucked in (0)."""
    flow = dancer.style.flow
    length = sum(dancer.anatomy.arm_bones[side])
    swing = gaussian_filter1d(balance_T, 3.0, mode="nearest") * SIGN[side]
    wave = np.sin(np.pi * beat_T / 2.0)
    wide = length * (0.10 + 0.52 * display_T + 0.06 * flow * swing)
    down = length * (-0.50 + 0.22 * display_T + 0.07 * flow * wave)
    ahead = length * (0.44 - 0.10 * display_T + 0.08 * flow * swing)
    local = np.stack([SIGN[side] * wide, down, ahead], axis=1)
    palm = dancer.joint(16 + side) + apply(chest_T33, local)
    pointing = np.stack(
        [SIGN[side] * (1.5 * display_T - 0.6), np.full_like(display_T, -0.15), np.full_like(display_T, 0.7)], axis=1
    )
    fingers = apply(chest_T33, unit(pointing))
    normal = apply(chest_T33, unit(np.array([-SIGN[side] * 0.35, -0.9, 0.1])))
    return Arm(palm, fingers, normal, _in_chest(chest_T33, side, (0.5, -0.7, -0.6), np.ones(len(beat_T))))


def _shoulders(dancer: Dancer, raised: int, around: float, closed_T: np.ndarray, turning_T: np.ndarray) -> None:
    """Collar bones: the raised hand takes its shoulder along, the other reaches ``around`` (radians) the partner."""
    for side in (LEFT, RIGHT):
        lift = 0.10 * closed_T + (0.38 * turning_T if side == raised else 0.0)
        forward = (0.12 if side == raised else around) * closed_T
        collar = turn(2, SIGN[side] * lift) @ turn(1, -SIGN[side] * forward)
        dancer.world_TJ33[:, 13 + side] = dancer.world_TJ33[:, 9] @ collar


def _hand_rotation(dancer: Dancer, side: int, arm: Arm) -> np.ndarray:
    return frame(arm.normal_T3, arm.fingers_T3) @ _rest_frame(dancer, side).T


def _rest_frame(dancer: Dancer, side: int) -> np.ndarray:
    hand = dancer.anatomy.hands[side]
    return frame(hand.normal, hand.fingers)


def _palm_offset(dancer: Dancer, side: int) -> np.ndarray:
    anatomy = dancer.anatomy
    return anatomy.rest_V3[anatomy.hands[side].palm] - anatomy.rest_J3[20 + side]


def _within_reach(
    couple: tuple[Dancer, Dancer], arms: dict[tuple[int, int], Arm], sides: tuple[int, int], shoulders: list[np.ndarray]
) -> None:
    """Move the shared point of two hands, no farther than needed, to where both arms reach it."""
    point = arms[LEADER, sides[0]].palm_T3.copy()
    offsets = [
        apply(_hand_rotation(couple[who], sides[who], arms[who, sides[who]]), _palm_offset(couple[who], sides[who]))
        for who in (0, 1)
    ]
    for _ in range(12):
        for who in (LEADER, FOLLOWER):
            longest = REACH * sum(couple[who].anatomy.arm_bones[sides[who]])
            arm = point - offsets[who] - shoulders[who]
            distance = np.linalg.norm(arm, axis=1, keepdims=True)
            point -= arm / distance * np.maximum(distance - longest, 0.0)
    point = gaussian_filter1d(point, 2.0, axis=0, mode="nearest")
    for who in (LEADER, FOLLOWER):
        arms[who, sides[who]].palm_T3 = point - 0.5 * GRIP * arms[who, sides[who]].normal_T3


def _reach(dancer: Dancer, side: int, arm: Arm) -> None:
    """Shoulder, elbow and wrist such that the palm's vertex is at the wished place; half of the twist goes to the
    forearm.
    """
    anatomy, rest = dancer.anatomy, dancer.anatomy.rest_J3
    joints = (rest[16 + side], rest[18 + side], rest[20 + side])
    hand = _hand_rotation(dancer, side, arm)
    shoulder = dancer.joint(16 + side)
    wrist = arm.palm_T3 - apply(hand, _palm_offset(dancer, side))
    first, second = anatomy.arm_bones[side]
    for attempt in range(2):
        elbow, end, normal = two_bones(shoulder, wrist, arm.elbow_T3, first, second, 0.998)
        upper, fore = limb_rotations((shoulder, elbow, end), normal, joints, np.array([0.0, 0.0, -1.0]))
        axis = unit(joints[2] - joints[1])
        twist = twist_angle(np.swapaxes(fore, 1, 2) @ hand, axis)
        dancer.world_TJ33[:, 16 + side] = upper
        dancer.world_TJ33[:, 18 + side] = fore @ about(axis, _forearm_share(twist))
        dancer.world_TJ33[:, 20 + side] = hand
        if attempt == 0:  # what skinning moves the palm off its rigid place is given back to the wrist
            wrist = wrist + arm.palm_T3 - dancer.vertex(anatomy.hands[side].palm)[0]


def _forearm_share(twist_T: np.ndarray) -> np.ndarray:
    """The forearm's part of a hand's twist: half, fading to none at half a turn, where its sign is undecided."""
    return 0.5 * twist_T * (1.0 - ease((np.abs(twist_T) - 2.1) / (np.pi - 2.1)))


def _fingers(dancer: Dancer, side: int, joined_T: np.ndarray, resting_T: np.ndarray, beat_T: np.ndarray) -> None:
    """Curl the fingers: around the partner's hand, along the partner's back, or relaxed with a little life."""
    base = 25 + 15 * side
    relaxed = np.clip(1.0 - joined_T - resting_T, 0.0, 1.0)
    life = 1.0 + 0.12 * np.sin(np.pi * beat_T / 4.0)
    bend_axis = np.array([0.0, 0.0, -SIGN[side]])
    wrist = dancer.world_TJ33[:, 20 + side]
    fingers = {
        0: (0.75, 0.10),
        1: (0.95, 0.02),
        3: (1.1, -0.07),
        2: (1.25, -0.16),
    }  # index, middle, ring, pinky in SMPL-X's places
    together = 0.5 + 0.5 * np.clip(joined_T + resting_T, 0.0, 1.0)
    for place, (amount, closing) in fingers.items():
        world = wrist @ turn(1, SIGN[side] * closing * together)
        for joint, (free, hold, lie) in enumerate(((0.30, 0.50, 0.06), (0.50, 0.85, 0.12), (0.30, 0.50, 0.08))):
            angle = dancer.style.curl * amount * free * relaxed * life + hold * joined_T + lie * resting_T
            world = world @ about(bend_axis, angle)
            dancer.world_TJ33[:, base + 3 * place + joint] = world
    world = wrist
    thumb_axis = unit(np.array([0.2, -0.75 * SIGN[side], -0.55 * SIGN[side]]))
    for joint, (free, hold, lie) in enumerate(((0.10, -0.10, -0.50), (0.20, 0.20, -0.10), (0.15, 0.30, 0.0))):
        world = world @ about(thumb_axis, free * relaxed + hold * joined_T + lie * resting_T)
        dancer.world_TJ33[:, base + 12 + joint] = world
