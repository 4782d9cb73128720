"""Two bodies in hold: wishes for four hands, mixed over time, and arms that take the hands there.

Two joined palms share one point and one plane, so they meet by construction; a hand on the partner's body aims at a
vertex of that body's posed surface. What skin and fingers then do to each other is corrected in ``touch``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter1d, maximum_filter1d

from interdance.body.ik import UP, about, apply, frame, turn, unit
from interdance.choreography.arms import Arm, calm, collar, hand_rotation, mix, palm_offset, pass_shoulder, reach
from interdance.choreography.curves import ease
from interdance.choreography.dancer import Dancer
from interdance.choreography.holds import HOLDS, SIGN, Bearings, Clasp, Join, Rest
from interdance.choreography.score import FOLLOWER, LEADER, Hold
from interdance.choreography.touch import Grasp, Grasps, Nudges

AIR = 0.003  # metres left between two surfaces that touch, before they are measured
GRIP = 0.016  # metres between the middles of two joined palms: the balls of the thumbs touch first
COLLAR = 0.015  # metres that the collar bone adds to the reach of a hand on the partner's back
HAND = 0.07  # metres that the middle of a hand keeps from a body it passes
REACH = 0.975  # share of a straight arm that a hold may use
OPEN_CURL, FLAT_CURL = 0.45, 0.12  # of fingers about to close round a hand, and lying on a body
_KNUCKLES = (0.55, 0.90, 0.55)  # what a curl of one bends the three joints of a finger, radians
_FAN = (0.10, 0.02, -0.16, -0.07)  # radians each finger is turned in the palm's plane to lie beside the middle one


@dataclass
class Free:
    """What an arm does when nobody holds it, and its fingers: curl (T, 5), how far they are spread (T,), and their own slow
    life (T, 4), -1..1.
    """

    arm: Arm
    curl_T5: np.ndarray
    spread_T: np.ndarray
    life_T4: np.ndarray


Frees = dict[tuple[int, int], Free]


def join(couple: tuple[Dancer, Dancer], weights: dict[Hold, np.ndarray], frees: Frees, nudges: Nudges) -> Grasps:
    """Set shoulders, arms, wrists and fingers of both dancers; says what each hand is about.

    Parameters
    ----------
    weights : hold -> (T,)
        How much each hold is taken; they sum to one.
    frees : (dancer, side) -> Free
        What free arms do.
    """
    bearings = Bearings(couple)
    parts: dict[tuple[int, int], list[tuple[np.ndarray, Arm]]] = {key: [] for key in frees}
    detours = {key: np.zeros((len(couple[0].pelvis_T3), 3)) for key in frees}
    joined, rested = ({key: np.zeros(len(couple[0].pelvis_T3)) for key in frees} for _ in range(2))
    limits, opened = ({key: np.zeros(len(couple[0].pelvis_T3)) for key in frees} for _ in range(2))
    for (hand_l, hand_f), wishes in _pairs(weights).items():
        total = np.sum([weight for weight, _ in wishes], axis=0)
        clasp, arms = _clasp(bearings, wishes, total)
        for key, arm in zip(((LEADER, hand_l), (FOLLOWER, hand_f)), arms, strict=True):
            parts[key].append((total, arm))
            joined[key] += total
            limits[key] += total * clasp.curl_T
            opened[key] += total * OPEN_CURL * np.minimum(clasp.curl_T, 1.0)
    for rest, weight in _rests(weights).items():
        key = rest.who, rest.side
        parts[key].append((weight, _on_partner(bearings, rest, nudges.trail_22T[key])))
        way = apply(bearings.chests[1 - rest.who], np.array(rest.way))
        detours[key] += (4.0 * weight * (1.0 - weight))[:, None] * way
        rested[key] += weight
        limits[key] += 1.0 * weight
    grasps: Grasps = {}
    for key, free in frees.items():
        who, side = key
        alone = np.clip(1.0 - joined[key] - rested[key], 0.0, 1.0)
        shoulder = bearings.shoulders[who][side]
        free.arm.palm_T3 = _round(couple[1 - who], free.arm.palm_T3, shoulder)
        arm = mix([*parts[key], (alone, free.arm)], bearings.chests[who], side)
        calm(arm, bearings.chests[who])
        passing = 1.0 - ease((np.maximum(joined[key], rested[key]) - 0.85) / 0.15)
        arm.palm_T3 = pass_shoulder(couple[who], side, arm.palm_T3 + detours[key], passing) + nudges.palm_22T3[key]
        collar(couple[who], side, arm)
        reach(couple[who], side, arm, nudges.swivel_22T[key])
        curl = alone[:, None] * free.curl_T5 + (opened[key] + FLAT_CURL * rested[key])[:, None]
        curl[:, :4] += ((1.0 - alone) * 0.03)[:, None] * free.life_T4  # a held hand is alive as well
        curl[:, 4] = alone * free.curl_T5[:, 4] + 0.15 * joined[key]
        close_fingers(couple[who], side, curl + nudges.curl_22T5[key], alone * free.spread_T, joined[key] + 0.9 * rested[key])
        grasps[key] = Grasp(joined[key], rested[key], unit(arm.normal_T3), limits[key])
    return grasps


def _pairs(weights: dict[Hold, np.ndarray]) -> dict[tuple[int, int], list[tuple[np.ndarray, Join]]]:
    """For each two hands that are ever joined: how, with which weight over time."""
    pairs: dict[tuple[int, int], list[tuple[np.ndarray, Join]]] = {}
    for hold, weight in weights.items():
        for wish in HOLDS[hold]:
            if isinstance(wish, Join):
                pairs.setdefault((wish.leader, wish.follower), []).append((weight, wish))
    return pairs


def _rests(weights: dict[Hold, np.ndarray]) -> dict[Rest, np.ndarray]:
    """The spots hands lie on, with their weight over time: the same spot in two holds is one."""
    rests: dict[Rest, np.ndarray] = {}
    for hold, weight in weights.items():
        for wish in HOLDS[hold]:
            if isinstance(wish, Rest):
                rests[wish] = rests[wish] + weight if wish in rests else weight
    return rests


def _clasp(
    bearings: Bearings, wishes: list[tuple[np.ndarray, Join]], total_T: np.ndarray
) -> tuple[Clasp, tuple[Arm, Arm]]:
    """Two joined hands, mixed over their places, within reach of both."""
    sides = wishes[0][1].leader, wishes[0][1].follower
    apart = total_T < min(1e-3, float(total_T.max()))  # there the hands would be joined as they are next or were last
    nearest = distance_transform_edt(apart, return_distances=False, return_indices=True)[0]
    shares = [(weight / np.maximum(total_T, 1e-9))[nearest] for weight, _ in wishes]
    clasp = Clasp.mixed([(share, bearings.clasp(join)) for share, (_, join) in zip(shares, wishes, strict=True)])
    rising = sum((share for share, (_, join) in zip(shares, wishes, strict=True) if join.place == "above"), 0.0 * total_T)
    outward = SIGN[sides[0]] * np.cross(UP, bearings.across)
    between = 1.0 - np.sum([share**2 for share in shares], axis=0)
    clasp.fingers_2T3 += (2.4 * between)[:, None] * outward  # which lies in the plane of either: hands turn about it
    past_her_face = 0.10 * outward - 0.12 * bearings.across
    clasp.point_T3 += (4.0 * rising * (1.0 - rising))[:, None] * past_her_face
    for who in (LEADER, FOLLOWER):
        toward = bearings.shoulders[1 - who][sides[1 - who]]
        clasp.point_T3 = _round(bearings.couple[who], clasp.point_T3, toward)
    for who in (LEADER, FOLLOWER):
        clasp.point_T3 = pass_shoulder(bearings.couple[who], sides[who], clasp.point_T3, np.ones(len(total_T)))
    arms = []
    for who, sign in ((LEADER, 1.0), (FOLLOWER, -1.0)):
        normal = sign * unit(clasp.normal_T3)
        arms.append(Arm(clasp.point_T3, clasp.fingers_2T3[who], normal, clasp.elbows_2T3[who]))
    _within_reach(bearings, clasp, arms, sides)
    return clasp, (arms[0], arms[1])


def _within_reach(bearings: Bearings, clasp: Clasp, arms: list[Arm], sides: tuple[int, int]) -> None:
    """Move the shared point of two hands, no farther than needed, to where both arms reach it."""
    couple, point = bearings.couple, clasp.point_T3.copy()
    aways, offsets = [], []
    for who in (LEADER, FOLLOWER):
        arm = arms[who]
        along = frame(arm.normal_T3, arm.fingers_T3)[:, :, 1]
        aways.append(0.5 * GRIP * arm.normal_T3 + clasp.slide_2T[who][:, None] * along)
        offsets.append(aways[who] + apply(hand_rotation(couple[who], sides[who], arm), palm_offset(couple[who], sides[who])))
    for attempt in range(12):
        if attempt in (4, 8):
            for who in (LEADER, FOLLOWER):
                point = _round(couple[who], point, bearings.shoulders[1 - who][sides[1 - who]])
                point = pass_shoulder(couple[who], sides[who], point, np.ones(len(point)))
        for who in (LEADER, FOLLOWER):
            longest = REACH * sum(couple[who].anatomy.arm_bones[sides[who]])
            reach = point - offsets[who] - bearings.shoulders[who][sides[who]]
            distance = np.linalg.norm(reach, axis=1, keepdims=True)
            point -= reach / distance * np.maximum(distance - longest, 0.0)
    point = gaussian_filter1d(point, 2.0, axis=0, mode="nearest")
    for who in (LEADER, FOLLOWER):
        arms[who].palm_T3 = point - aways[who]


def _on_partner(bearings: Bearings, rest: Rest, trail_T: np.ndarray) -> Arm:
    """A hand on its spot of the partner, at each moment as far along the spot's trail as the arm needs to reach it."""
    dancer, partner = bearings.couple[rest.who], bearings.couple[1 - rest.who]
    fingers = apply(bearings.chests[1 - rest.who], unit(np.array(rest.fingers)))
    elbow = bearings.in_chest(rest.who, rest.side, rest.elbow)
    arms = []
    for spot in partner.anatomy.spots[rest.spot]:
        place, normal = partner.spot(spot)
        arms.append(Arm(place + AIR * normal, fingers, -normal, elbow))
    if len(arms) == 1:
        return arms[0]
    longest = REACH * sum(dancer.anatomy.arm_bones[rest.side]) + COLLAR
    shoulder = bearings.shoulders[rest.who][rest.side]
    lacks = []
    for arm in arms:
        wrist = arm.palm_T3 - apply(hand_rotation(dancer, rest.side, arm), palm_offset(dancer, rest.side))
        lacks.append(np.linalg.norm(wrist - shoulder, axis=1) - longest)
    slide = np.zeros(len(shoulder))
    for step, (lack, next_lack) in enumerate(zip(lacks[:-1], lacks[1:], strict=True)):
        share = np.clip(lack / np.maximum(lack - next_lack, 1e-3), 0.0, 1.0)
        slide = np.where((lack > 0.0) & (slide >= step), step + share, slide)
    slide = maximum_filter1d(np.ceil(slide - 0.15), 31, mode="nearest")  # from vertex to vertex, seldom between
    slide = np.clip(gaussian_filter1d(slide, 6.0, mode="nearest") + trail_T, 0.0, len(arms) - 1.0)
    for nearer, farther in zip(arms[1:][::-1], arms[:-1][::-1], strict=True):  # fingers lie where the trail leads
        nearer.normal_T3 = unit(nearer.normal_T3 + 0.8 * farther.normal_T3)
    shares = [np.clip(1.0 - np.abs(slide - step), 0.0, 1.0) for step in range(len(arms))]
    names = ("palm_T3", "fingers_T3", "normal_T3", "elbow_T3")
    return Arm(*(sum(share[:, None] * getattr(arm, name) for share, arm in zip(shares, arms, strict=True)) for name in names))


def _round(body: Dancer, point_T3: np.ndarray, toward_T3: np.ndarray) -> np.ndarray:
    """Points where they are, or where they would be in a body's trunk or head, beside it: outward, on the side of
    ``toward_T3``.
    """
    anatomy, chest = body.anatomy, body.world_TJ33[:, 9]
    low, high = body.joint(0), body.joint(15)
    along = high - low
    share = np.einsum("ti,ti->t", point_T3 - low, along) / (along**2).sum(axis=1)
    nearest = low + np.clip(share, -0.25, 1.25)[:, None] * along
    slim = 1.0 - 0.45 * ease((share - 0.70) / 0.25)  # the head is slimmer than the trunk
    radii = np.stack([slim * (anatomy.half_breadth + HAND), slim * (0.5 * (anatomy.front + anatomy.back) + HAND)], axis=1)
    local = apply(np.swapaxes(chest, 1, 2), point_T3 - nearest)[:, [0, 2]]
    inside = 1.0 - np.linalg.norm(local / radii, axis=1)
    inside *= ease((0.2 - np.maximum(share - 1.25, -0.25 - share)) / 0.2)  # above the head and below the hips is room
    out = apply(np.swapaxes(chest, 1, 2), unit(toward_T3 - nearest))[:, [0, 2]]
    out = unit(unit(local) + 1.2 * unit(out))
    push = 0.5 * (inside + np.sqrt(inside**2 + 0.02)) - 0.02  # softly from nothing
    push = gaussian_filter1d(np.maximum(push, 0.0)[:, None] * out * radii, 2.0, axis=0, mode="nearest")
    return point_T3 + apply(chest, np.stack([push[:, 0], np.zeros(len(push)), push[:, 1]], axis=1))


def close_fingers(dancer: Dancer, side: int, curl_T5: np.ndarray, spread_T: np.ndarray, flat_T: np.ndarray) -> None:
    """Bend fingers by ``curl_T5`` (index, middle, little, ring, thumb; 1 is well bent), spread them (0 together, 1 apart)
    and lift the thumb into the plane of the palm (``flat_T``), where it is in nobody's way.
    """
    base = 25 + 15 * side
    bend_axis = np.array([0.0, 0.0, -SIGN[side]])
    wrist = dancer.world_TJ33[:, 20 + side]
    for finger, fan in enumerate(_FAN):
        curl = curl_T5[:, finger]
        world = wrist @ turn(1, SIGN[side] * fan * (1.0 - 1.6 * spread_T))
        for joint, share in enumerate(_KNUCKLES):
            world = world @ about(bend_axis, curl * share)
            dancer.world_TJ33[:, base + 3 * finger + joint] = world
    lift_axis = np.array([-0.66, 0.0, 0.75 * SIGN[side]])
    world, curl = wrist @ about(lift_axis, 0.40 * flat_T), curl_T5[:, 4]
    thumb_axis = unit(np.array([0.2, -0.75 * SIGN[side], -0.55 * SIGN[side]]))
    for joint, share in enumerate((0.35, 0.45, 0.45)):
        world = world @ about(thumb_axis, curl * share)
        dancer.world_TJ33[:, base + 12 + joint] = world
