"""Touch: hands that lie on the partner's surface without passing through it, and limbs that keep clear of the partner.

The couple is posed, its two surfaces are measured against each other, and what is wrong becomes small corrections of
the wishes the pose is made from: hands along their palms, fingers that close until they touch, elbows and knees turned
about their limbs, bodies moved apart. A few rounds of that, smooth over time, on every third frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from interdance.body.distance import LeaderField
from interdance.body.ik import unit
from interdance.choreography.curves import ease
from interdance.choreography.dancer import Dancer
from interdance.choreography.score import FOLLOWER, LEADER, LEFT, RIGHT

STRIDE = 3  # frames between measurements: corrections are slow, 10 per second follow them
ROUNDS = 5
MARGIN = 0.06  # metres: farther surfaces are not measured
SKIN = 0.0012  # metres left between surfaces that touch
CLEAR = 0.004  # metres kept between surfaces that should not touch
FINGER, THUMB = 0.11, 0.06  # metres that a tip moves for a curl of one
_SMOOTH = 1.3  # samples


@dataclass
class Grasp:
    """What a hand is about at each moment (T,): how much it is joined, or rests on the partner; where its palm faces; how
    far its fingers may close.
    """

    joined_T: np.ndarray
    rests_T: np.ndarray
    normal_T3: np.ndarray
    limit_T: np.ndarray


Grasps = dict[tuple[int, int], Grasp]


@dataclass
class Nudges:
    """Corrections over time: of (dancer, side) for hands, how far along their trail of spots they lie, fingers, elbows
    and knees; of dancers for their place.
    """

    palm_22T3: np.ndarray
    trail_22T: np.ndarray
    curl_22T5: np.ndarray
    swivel_22T: np.ndarray
    knees_22T: np.ndarray
    place_2T2: np.ndarray

    @staticmethod
    def none(num_frames: int) -> Nudges:
        hands = (2, 2, num_frames)
        shapes = ((*hands, 3), hands, (*hands, 5), hands, hands, (2, num_frames, 2))
        return Nudges(*(np.zeros(shape) for shape in shapes))

    def stretched(self, num_frames: int) -> Nudges:
        """The same corrections for every frame, from those of every ``STRIDE``-th."""

        def stretch(samples: np.ndarray, axis: int) -> np.ndarray:
            flat = np.moveaxis(samples, axis, 0).reshape(samples.shape[axis], -1)
            place = np.arange(num_frames) / STRIDE
            low = np.minimum(place.astype(int), len(flat) - 1)
            high = np.minimum(low + 1, len(flat) - 1)
            share = (place - low)[:, None]
            dense = gaussian_filter1d((1.0 - share) * flat[low] + share * flat[high], 1.2, axis=0, mode="nearest")
            moved = np.moveaxis(samples, axis, 0)
            return np.moveaxis(dense.reshape(num_frames, *moved.shape[1:]), 0, axis)

        return Nudges(
            stretch(self.palm_22T3, 2), stretch(self.trail_22T, 2), stretch(self.curl_22T5, 2), stretch(self.swivel_22T, 2),
            stretch(self.knees_22T, 2), stretch(self.place_2T2, 1),
        )  # fmt: skip


Pose = Callable[[Nudges], tuple[tuple[Dancer, Dancer], Grasps]]


def refine(pose: Pose, num_frames: int, rounds: int = ROUNDS) -> tuple[Dancer, Dancer]:
    """Pose the couple again and again until hands touch and bodies do not pass through each other.

    Parameters
    ----------
    pose : callable
        Poses the couple for given corrections.
    """
    frames = np.arange(0, num_frames, STRIDE)
    nudges = Nudges.none(len(frames))
    for number in range(rounds):
        couple, grasps = pose(nudges.stretched(num_frames))
        _correct(nudges, _Meeting(couple, frames), grasps, last=number >= rounds - 1)
    return pose(nudges.stretched(num_frames))[0]


class _Meeting:
    """The two surfaces measured against each other at some frames."""

    def __init__(self, couple: tuple[Dancer, Dancer], frames: np.ndarray) -> None:
        self.couple, self.frames = couple, frames
        self.surfaces = [dancer.surface(frames) for dancer in couple]
        self.depths: list[np.ndarray] = []
        self.into: list[np.ndarray] = []  # unit directions into the partner
        for who in (LEADER, FOLLOWER):
            partner = LeaderField(self.surfaces[1 - who], couple[1 - who].anatomy.faces, margin=MARGIN, max_prepared=64)
            depth, gradient = partner.measure(torch.from_numpy(self.surfaces[who]), np.arange(len(frames)))
            self.depths.append(depth.numpy())
            self.into.append(gradient.numpy())

    def joint(self, who: int, joint: int) -> np.ndarray:
        return self.couple[who].joint(joint)[self.frames]


def _correct(nudges: Nudges, meeting: _Meeting, grasps: Grasps, last: bool) -> None:
    for who in (LEADER, FOLLOWER):
        for side in (LEFT, RIGHT):
            _correct_hand(nudges, meeting, grasps[who, side], who, side, last)
            arm = _swing(meeting, who, (16 + side, 18 + side), (16 + side, 18 + side, 20 + side))
            nudges.swivel_22T[who, side] = np.clip(nudges.swivel_22T[who, side] + arm, -1.1, 1.1)
            leg = _swing(meeting, who, (1 + side, 4 + side), (1 + side, 4 + side, 7 + side))
            outward = -1.0 if side == LEFT else 1.0
            nudges.knees_22T[who, side] = np.clip(nudges.knees_22T[who, side] + outward * leg, -0.4, 0.4)
    _part(nudges, meeting)


def _correct_hand(nudges: Nudges, meeting: _Meeting, grasp: Grasp, who: int, side: int, last: bool) -> None:
    anatomy, frames = meeting.couple[who].anatomy, meeting.frames
    base = 25 + 15 * side
    owner = anatomy.owner_V
    palm = np.flatnonzero(np.isin(owner, (20 + side, *(base + 3 * finger for finger in range(4)))))
    hand = np.flatnonzero((owner == 20 + side) | ((owner >= base) & (owner < base + 15)))
    depth_H, into_H = meeting.depths[who][:, hand], meeting.into[who][:, hand]
    deepest = depth_H.argmax(axis=1)
    rows = np.arange(len(frames))
    into = into_H[rows, deepest]
    whole, flat = depth_H.max(axis=1), meeting.depths[who][:, palm].max(axis=1)
    # the partner's surface may also poke into this hand
    centre = meeting.surfaces[who][:, hand].mean(axis=1, keepdims=True)
    near = np.linalg.norm(meeting.surfaces[1 - who] - centre, axis=2) < 0.12
    mutual = np.where(near, meeting.depths[1 - who], -MARGIN).max(axis=1) > whole - 0.003
    palms = near & (meeting.couple[1 - who].anatomy.owner_V < 25)  # its fingers see to themselves
    theirs_V = np.where(palms, meeting.depths[1 - who], -MARGIN)
    theirs, which = theirs_V.max(axis=1), theirs_V.argmax(axis=1)
    into = np.where((theirs > whole)[:, None], -meeting.into[1 - who][rows, which], into)
    held = np.clip(grasp.joined_T + grasp.rests_T, 0.0, 1.0)[frames]
    steady = ease((held - 0.9) / 0.09)
    measured = np.maximum(np.maximum(flat, whole - (0.001 if last else 0.02)), np.where(theirs > 0.0, theirs, -MARGIN))
    short = np.clip((-whole - 0.008) / 0.02, 0.0, 1.0) * steady * (grasp.rests_T[frames] > 0.9)
    short = gaussian_filter1d(maximum_filter1d(short, 9, mode="nearest"), 2.0, mode="nearest")
    nudges.trail_22T[who, side] += 0.7 * short  # out of reach: nearer along the trail
    share = np.where((grasp.joined_T[frames] > 0.5) & mutual, 0.5, 0.9)  # who alone sees it, alone makes way
    along = np.clip(share * (measured + SKIN), -0.03, 0.03) * steady
    clear = np.clip(np.maximum(whole, theirs) + CLEAR, 0.0, 0.03) * (1.0 - steady)
    deep = np.clip(0.8 * (whole - 0.006), 0.0, 0.03) * steady  # wherever its palm looks: out by the shortest way
    step = -along[:, None] * grasp.normal_T3[frames] - (clear + deep)[:, None] * into
    step = gaussian_filter1d(step, _SMOOTH, axis=0, mode="nearest")
    moved = nudges.palm_22T3[who, side] + step
    size = np.linalg.norm(moved, axis=1, keepdims=True)
    nudges.palm_22T3[who, side] = moved * np.minimum(1.0, 0.09 / np.maximum(size, 1e-9))
    limit = grasp.limit_T[frames]
    poked = _poked_fingers(meeting, who, hand, (owner[hand] - base) // 3, near)
    for finger in range(5):
        root = owner == base + 3 * finger
        tip = (owner > base + 3 * finger) & (owner < base + 3 * finger + 3)
        reaches = np.maximum(_deepest(meeting, who, tip), _deepest(meeting, who, root) - 0.004)
        reaches = np.maximum(reaches, poked[finger]) - along
        close = np.clip(-(reaches + SKIN) / (THUMB if finger == 4 else FINGER), -0.3, 0.25)
        close = gaussian_filter1d(close * steady, _SMOOTH, mode="nearest")
        curl = nudges.curl_22T5[who, side, :, finger] + close
        nudges.curl_22T5[who, side, :, finger] = np.clip(curl, -0.8 if finger == 4 else -0.5, limit) * ease(held / 0.9)
    if not last:  # neighbours bend alike
        fingers = nudges.curl_22T5[who, side, :, :4]
        fingers[:] = 0.6 * fingers + 0.4 * fingers.mean(axis=1, keepdims=True)


def _poked_fingers(
    meeting: _Meeting, who: int, hand: np.ndarray, finger_H: np.ndarray, near_TV: np.ndarray
) -> np.ndarray:
    """How deep the partner's vertices poke into each finger of a hand, (5, T); ``-MARGIN`` where none does."""
    found = np.full((5, len(meeting.frames)), -MARGIN)
    inside = near_TV & (meeting.depths[1 - who] > 0.0)
    picked = np.flatnonzero(inside.any(axis=0))
    rows, columns = np.nonzero(inside[:, picked])
    if len(rows) == 0:
        return found
    columns = picked[columns]
    away = meeting.surfaces[who][rows][:, hand] - meeting.surfaces[1 - who][rows, columns][:, None]
    fingers = finger_H[(away**2).sum(axis=2).argmin(axis=1)]
    into_finger = (fingers >= 0) & (fingers < 5)
    depth = meeting.depths[1 - who][rows, columns]
    np.maximum.at(found, (fingers[into_finger], rows[into_finger]), depth[into_finger])
    return found


def _deepest(meeting: _Meeting, who: int, chosen_V: np.ndarray) -> np.ndarray:
    """How deep the deepest of some vertices is in the partner (T,); ``-MARGIN`` where none is chosen or near."""
    if not chosen_V.any():
        return np.full(len(meeting.frames), -MARGIN)
    return meeting.depths[who][:, chosen_V].max(axis=1)


def _swing(meeting: _Meeting, who: int, owners: tuple[int, int], joints: tuple[int, int, int]) -> np.ndarray:
    """Radians by which a limb turns about the line from its root to its end to clear the partner's surface."""
    anatomy = meeting.couple[who].anatomy
    root, middle, end = (meeting.joint(who, joint) for joint in joints)
    axis = unit(end - root)
    own = np.flatnonzero(np.isin(anatomy.owner_V, owners))
    work, size = np.zeros(len(root)), np.full(len(root), 0.02**2 * 0.02)
    for of, vertices, sign in ((who, own, -1.0), (1 - who, np.arange(len(meeting.into[0][0])), 1.0)):
        # out of the partner, or for the partner's vertices, away from where they poke in
        picked = vertices[(meeting.depths[of][:, vertices] > -CLEAR).any(axis=0)]
        if len(picked) == 0:
            continue
        points, out = meeting.surfaces[of][:, picked], sign * meeting.into[of][:, picked]
        lack = np.maximum(meeting.depths[of][:, picked] + CLEAR, 0.0)
        if of != who:
            lack = lack * (np.minimum(_to_segment(points, root, middle), _to_segment(points, middle, end)) < 0.09)
        rate = (np.cross(axis[:, None], points - root[:, None]) * out).sum(axis=2)
        work += (lack**2 * rate).sum(axis=1)
        size += (lack * rate**2).sum(axis=1)
    step = np.clip(work / size, -0.25, 0.25)
    return gaussian_filter1d(_widened(step), _SMOOTH, mode="nearest")


def _to_segment(points_TV3: np.ndarray, a_T3: np.ndarray, b_T3: np.ndarray) -> np.ndarray:
    along = b_T3 - a_T3
    share = np.einsum("tvi,ti->tv", points_TV3 - a_T3[:, None], along) / np.maximum((along**2).sum(axis=1), 1e-9)[:, None]
    nearest = a_T3[:, None] + np.clip(share, 0.0, 1.0)[..., None] * along[:, None]
    return np.linalg.norm(points_TV3 - nearest, axis=2)


def _near_arms(meeting: _Meeting, partner: int, own: np.ndarray) -> np.ndarray:
    """Which of the other's vertices meet the arms of ``partner``: those make way, not the bodies."""
    points = meeting.surfaces[1 - partner][:, own]
    near = np.zeros(points.shape[:2], bool)
    for side in (LEFT, RIGHT):
        shoulder, elbow, wrist = (meeting.joint(partner, joint + side) for joint in (16, 18, 20))
        near |= _to_segment(points, 0.5 * (shoulder + elbow), elbow) < 0.09
        near |= _to_segment(points, elbow, wrist + 0.6 * (wrist - elbow)) < 0.09
    return near


def _widened(step_T: np.ndarray) -> np.ndarray:
    """A push reaches its neighbours in time, so that smoothing does not lose its peak."""
    up, down = maximum_filter1d(step_T, 3, mode="nearest"), -maximum_filter1d(-step_T, 3, mode="nearest")
    return np.where(np.abs(up) >= np.abs(down), up, down)


def _part(nudges: Nudges, meeting: _Meeting) -> None:
    """Move the bodies apart, half each, where trunks, heads or legs meet."""
    lack, push = np.zeros(len(meeting.frames)), np.zeros((len(meeting.frames), 2))
    for who, sign in ((LEADER, 1.0), (FOLLOWER, -1.0)):
        owner = meeting.couple[who].anatomy.owner_V
        own = np.flatnonzero(((owner <= 15) | (owner == 22)) & (meeting.depths[who] > -0.5 * CLEAR).any(axis=0))
        if len(own) == 0:
            continue
        depth = np.maximum(meeting.depths[who][:, own] + 0.5 * CLEAR, 0.0) * ~_near_arms(meeting, 1 - who, own)
        lack = np.maximum(lack, depth.max(axis=1))
        push -= sign * (depth[..., None] * meeting.into[who][:, own][..., [0, 2]]).sum(axis=1)
    between = (meeting.joint(LEADER, 0) - meeting.joint(FOLLOWER, 0))[:, [0, 2]]
    direction = unit(unit(push) + 0.5 * unit(between))
    amount = gaussian_filter1d(maximum_filter1d(0.5 * np.minimum(lack, 0.03), 5, mode="nearest"), 2.0, mode="nearest")
    step = gaussian_filter1d(amount[:, None] * direction, 2.0, axis=0, mode="nearest")
    for who, sign in ((LEADER, 1.0), (FOLLOWER, -1.0)):
        moved = nudges.place_2T2[who] + 0.8 * sign * step
        size = np.linalg.norm(moved, axis=1, keepdims=True)
        nudges.place_2T2[who] = moved * np.minimum(1.0, 0.07 / np.maximum(size, 1e-9))
