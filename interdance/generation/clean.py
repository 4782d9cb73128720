"""Feet that stand still, on the floor, and less trembling: what a finished motion is freed of, on demand.

In this order, for each undoes a little of what came before: jitter is filtered out of all joints, feet are held where
they are labelled as standing, and both are put on the floor. All three are our choice; the paper cleans nothing. Only the
filter changes more than the legs and, where a leg would have to be longer than it is, the height of the pelvis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.interpolate import Akima1DInterpolator
from scipy.ndimage import distance_transform_cdt, gaussian_filter1d, grey_closing, grey_opening, maximum_filter1d
from scipy.signal import butter, sosfiltfilt
from scipy.spatial.transform import Rotation

from interdance.body.ik import UP, about, limb_rotations, two_bones, unit, world_joints
from interdance.body.model import Body
from interdance.body.rotations import matrices, to_global, to_local, vectors
from interdance.body.skeleton import GROUPS, NUM_JOINTS
from interdance.body.skin import Skin
from interdance.config import CleanParams
from interdance.errors import InputError
from interdance.metrics.interaction import contact_frequency, penetration_rate
from interdance.metrics.plausibility import foot_skating, jitter
from interdance.representation.layout import FEET
from interdance.takes import Motion

LEGS = GROUPS["left_leg"], GROUPS["right_leg"]
ORDER = 4  # of the Butterworth filter, run forwards and backwards
FLIP = 1.0  # radians from frame to frame
STRETCH = 0.9999  # share of a leg's full length that is used
FORWARD = 5e-4  # metres: which way a knee points that is bent by less than this is told by the thigh
FLOOR = [0, 2]  # x and z


@dataclass(frozen=True)
class Cleaned:
    """A cleaned motion.

    Attributes
    ----------
    motion : Motion
    held_T4 : bool (T, 4)
        When left ankle, right ankle, left foot and right foot are held in place.
    """

    motion: Motion
    held_T4: np.ndarray


def clean_motion(motion: Motion, foot_contact_T4: np.ndarray, body: Body, params: CleanParams) -> Cleaned:
    """The motion without jitter, sliding feet, and feet below or above the floor where they stand.

    Parameters
    ----------
    motion
        Of one dancer, +Y up, the floor at 0.
    foot_contact_T4 : (T, 4)
        How surely left ankle, right ankle, left foot and right foot stand, 0..1.
    body
        Whose soles are put on the floor: of the sampled surface, what hangs on ankle and foot.
    params
        Section ``clean``.

    Raises
    ------
    InputError
        When ``clean.cutoff`` is beyond half the frames per second.
    """
    if params.cutoff:
        motion = low_pass(motion, params.cutoff)
    stands_T4 = standing(np.asarray(foot_contact_T4) > params.label, params.shortest)
    pose, held_T4 = _Pose(motion, body), np.zeros_like(stands_T4)
    joints_TJ3, moves = pose.joints(), []
    for side, leg in enumerate(LEGS):
        move_T23, held_T4[:, side::2] = _hold(joints_TJ3[:, leg[2:]], stands_T4[:, side::2], params)
        moves.append(move_T23)
    pose.move_feet(moves, params.blend)
    lifts = [_lift(pose.soles(side), stands_T4[:, side] | stands_T4[:, side + 2], params) for side in range(len(LEGS))]
    pose.move_feet([np.repeat(lift_T[:, None, None] * UP, 2, axis=1) for lift_T in lifts], params.blend)
    return Cleaned(pose.motion(), held_T4)


def changes(
    before_TP3: np.ndarray,
    after_TP3: np.ndarray,
    leader_TP3: np.ndarray,
    held_T4: np.ndarray,
    *,
    fps: float,
    faces: np.ndarray,
    contact_distance: float,
) -> dict[str, Any]:
    """What cleaning changed; pairs are before and after.

    Parameters
    ----------
    before_TP3, after_TP3, leader_TP3 : (T, 710, 3)
        Points of the follower's motion before and after, and of the leader's, metres.
    held_T4 : bool (T, 4)
        As :class:`Cleaned` has it.
    fps : float
        Frames per second.
    faces : int (F, 3)
        Triangles of the 655 vertices.
    contact_distance : float
        Metres, ``evaluate.contact_distance``.

    Returns
    -------
    dict
        ``held_frames``, in which a foot is held; ``slide`` (m/s), the mean speed over the floor of what is held;
        ``skating`` (:func:`foot_skating` of LODGE); ``deepest`` (m), how far the lowest vertex is below the floor;
        ``jitter`` (m/s^3); ``contact_frequency`` and ``penetration_rate`` with the leader; ``moved_mean`` and
        ``moved_max`` (m), how far points moved.
    """
    moved_TP = np.linalg.norm(after_TP3 - before_TP3, axis=-1)
    lead_TV3, both_T4 = leader_TP3[:, NUM_JOINTS:], held_T4[1:] & held_T4[:-1]

    def slide(points_TP3: np.ndarray) -> float:
        speed_T4 = np.linalg.norm(np.diff(points_TP3[:, FEET][..., FLOOR], axis=0), axis=-1) * fps
        return float(speed_T4[both_T4].mean()) if both_T4.any() else 0.0

    figures: dict[str, Callable[[np.ndarray], float]] = {
        "slide": slide,
        "skating": lambda points: foot_skating(points[:, :NUM_JOINTS], "lodge"),
        "deepest": lambda points: max(0.0, -float(points[:, NUM_JOINTS:, 1].min())),
        "jitter": lambda points: jitter(points[:, :NUM_JOINTS], fps),
        "contact_frequency": lambda points: contact_frequency(lead_TV3, points[:, NUM_JOINTS:], distance=contact_distance),
        "penetration_rate": lambda points: penetration_rate(lead_TV3, points[:, NUM_JOINTS:], faces),
    }
    return {
        "held_frames": int(held_T4.any(axis=1).sum()),
        **{name: [round(measure(points), 5) for points in (before_TP3, after_TP3)] for name, measure in figures.items()},
        "moved_mean": round(float(moved_TP.mean()), 5),
        "moved_max": round(float(moved_TP.max()), 5),
    }


def in_words(made: dict[str, Any]) -> str:
    """:func:`changes` as one line."""
    pairs = {name: "{:.4g} -> {:.4g}".format(*value) for name, value in made.items() if isinstance(value, list)}
    return (
        f"feet held in {made['held_frames']} frames; slide {pairs['slide']} m/s, skating {pairs['skating']}, deepest "
        f"{pairs['deepest']} m, jitter {pairs['jitter']} m/s^3, contact {pairs['contact_frequency']}, penetration "
        f"{pairs['penetration_rate']}; points moved by {1000 * made['moved_mean']:.1f} mm, "
        f"at most {1000 * made['moved_max']:.1f}"
    )


def low_pass(motion: Motion, cutoff: float) -> Motion:
    """The motion through a Butterworth filter of ``cutoff`` Hz, forwards and backwards: nothing is delayed.

    Rotations are filtered as quaternions, the root's place as it is. A joint that turns by more than :data:`FLIP` from one
    frame to the next has gone over to another pose, and a filter would lead through those between: near such a frame the
    motion stays as it is.

    Raises
    ------
    InputError
        When the cut-off is beyond half the frames per second.
    """
    if not 0 < cutoff < motion.fps / 2:
        need = f"more than 0 and less than half of {motion.fps:g} frames per second is needed"
        raise InputError(f"clean.cutoff: {cutoff} Hz; {need}")
    quaternions = Rotation.from_rotvec(motion.rotations_TJ3.reshape(-1, 3)).as_quat().reshape(-1, NUM_JOINTS, 4)
    flips = (quaternions[1:] * quaternions[:-1]).sum(axis=-1, keepdims=True) < 0
    quaternions[1:] *= np.cumprod(np.where(flips, -1.0, 1.0), axis=0)
    flipped_T = np.zeros(motion.num_frames, bool)
    flipped_T[1:] = ((quaternions[1:] * quaternions[:-1]).sum(axis=-1) < np.cos(FLIP / 2)).any(axis=1)
    values = np.concatenate([quaternions.reshape(motion.num_frames, -1), motion.translation_T3], axis=1)
    sections = butter(ORDER, cutoff, fs=motion.fps, output="sos")
    filtered = sosfiltfilt(sections, values, axis=0, padlen=min(3 * (2 * len(sections) + 1), motion.num_frames - 1))
    if flipped_T.any():  # the filter rings for about two periods of its cut-off
        share_T = np.clip(distance_transform_cdt(~flipped_T) * cutoff / motion.fps - 0.5, 0.0, 1.0)
        filtered = values + share_T[:, None] * (filtered - values)
    rotations = Rotation.from_quat(filtered[:, :-3].reshape(-1, 4)).as_rotvec().reshape(-1, NUM_JOINTS, 3)
    return Motion(rotations.astype(np.float32), filtered[:, -3:].astype(np.float32), motion.betas, motion.fps)


def standing(labels_TK: np.ndarray, shortest: int) -> np.ndarray:
    """Labels, bool (T, K), without gaps, then without stretches, of fewer frames than ``shortest``."""
    size = (shortest, 1)
    closed = grey_closing(labels_TK.astype(np.uint8), size=size, mode="nearest")
    return grey_opening(closed, size=size, mode="nearest").astype(bool)


def _hold(places_T23: np.ndarray, stands_T2: np.ndarray, params: CleanParams) -> tuple[np.ndarray, np.ndarray]:
    """How far ankle and ball of a foot have to move over the floor to stay in place while they stand, (T, 2, 3),
    and when they are held, bool (T, 2).

    Each is held where it is on average, by itself: a foot may turn about its ball. Where one of the two does not stand it
    goes with the other one. In the air the moves fade within ``blend`` frames.
    """
    moves = np.zeros_like(places_T23)
    held_T2 = np.zeros_like(stands_T2)
    for point in (0, 1):
        for start, stop in _stretches(stands_T2[:, point]):
            for part in _still(places_T23[:, point, FLOOR], slice(start, stop), params):
                place_T2 = places_T23[part, point][:, FLOOR]
                moves[part, point, 0], moves[part, point, 2] = (place_T2.mean(axis=0) - place_T2).T
                held_T2[part, point] = True
    result = np.empty_like(moves)
    for point, other in ((0, 1), (1, 0)):
        own_T, others_T = held_T2[:, point], held_T2[:, other]
        follows_T = others_T & _far(own_T, params.blend)
        known_T = own_T | follows_T | _far(own_T | others_T, params.blend)
        wanted = np.where(follows_T[:, None], moves[:, other], moves[:, point])
        result[:, point] = _filled(wanted, known_T)
    return result, held_T2


def _still(place_T2: np.ndarray, part: slice, params: CleanParams) -> list[slice]:
    """The stretch, or where a point wanders farther than ``reach`` from its middle, what lies about its fastest step."""
    if part.stop - part.start < params.shortest:
        return []
    places = place_T2[part]
    if np.linalg.norm(places - places.mean(axis=0), axis=1).max() <= params.reach:
        return [part]
    cut = part.start + 1 + int(np.linalg.norm(np.diff(places, axis=0), axis=1).argmax())
    half = params.blend // 2
    return _still(place_T2, slice(part.start, cut - half), params) + _still(place_T2, slice(cut + half, part.stop), params)


def _lift(sole_T: np.ndarray, stands_T: np.ndarray, params: CleanParams) -> np.ndarray:
    """How far a foot whose lowest point is at ``sole_T`` has to rise, (T,) metres: to 0 where it stands, else to 0 or more.

    A foot that is said to stand farther than ``reach`` from the floor stands on something else.
    """
    on_floor_T = stands_T & (np.abs(sole_T) <= params.reach)
    wanted_T = np.where(on_floor_T, -sole_T, 0.0)
    lift_T = _filled(wanted_T[:, None], on_floor_T | _far(on_floor_T, params.blend))[:, 0]
    return np.maximum(lift_T, -sole_T)


def _stretches(flags_T: np.ndarray) -> np.ndarray:
    """First frame, and frame after the last, of each stretch of true flags, (N, 2)."""
    return np.flatnonzero(np.diff(np.pad(flags_T.astype(np.int8), 1))).reshape(-1, 2)


def _far(flags_T: np.ndarray, frames: int) -> np.ndarray:
    """Frames that are ``frames`` or more from every true flag."""
    return distance_transform_cdt(~flags_T) >= frames if flags_T.any() else np.ones_like(flags_T)


def _filled(values_TK: np.ndarray, known_T: np.ndarray) -> np.ndarray:
    """Values at every frame from those at the known ones: they go on as they came (Akima's curves), and end level."""
    frames = np.flatnonzero(known_T)
    if len(frames) in (0, len(known_T)):
        return values_TK
    ends = np.concatenate([[-2, -1], frames, [len(known_T), len(known_T) + 1]])
    knots = np.concatenate([values_TK[frames[[0, 0]]], values_TK[frames], values_TK[frames[[-1, -1]]]])
    filled = Akima1DInterpolator(ends, knots)(np.arange(len(known_T)))
    return np.where(known_T[:, None], values_TK, filled)


def _covered(need_T: np.ndarray, frames: int) -> np.ndarray:
    """A smooth curve that is nowhere below ``need_T`` and rises and falls within ``2 * frames``."""
    highest = maximum_filter1d(need_T, 2 * frames + 1, mode="nearest")
    return gaussian_filter1d(highest, max(frames, 1) / 2, mode="nearest", truncate=2.0)


class _Pose:
    """A motion by the world rotations of its joints (T, 55, 3, 3) and the place of its pelvis (T, 3), float64."""

    def __init__(self, motion: Motion, body: Body) -> None:
        self.given, self.body = motion, body
        self.rest_J3 = Skin.of_surface(body).points(motion.betas.astype(np.float64))[:NUM_JOINTS]
        self.world_TJ33 = to_global(matrices(motion.rotations_TJ3.astype(np.float64)))
        self.pelvis_T3 = motion.translation_T3 + self.rest_J3[0]

    def joints(self) -> np.ndarray:
        return world_joints(self.world_TJ33, self.pelvis_T3, self.rest_J3)

    def motion(self) -> Motion:
        rotations = vectors(to_local(self.world_TJ33)).astype(np.float32)
        translation = (self.pelvis_T3 - self.rest_J3[0]).astype(np.float32)
        return replace(self.given, rotations_TJ3=rotations, translation_T3=translation)

    def soles(self, side: int) -> np.ndarray:
        """Height of a foot's lowest vertex, (T,) metres."""
        foot_V = np.isin(self.body.weights_VJ.argmax(axis=1), LEGS[side][2:])
        lowest_T: np.ndarray = self.body.points(self.motion())[:, NUM_JOINTS:][:, foot_V, 1].min(axis=1)
        return lowest_T.astype(np.float64)

    def move_feet(self, moves: list[np.ndarray], blend: int) -> None:
        """Move ankle and ball of the left and the right foot by ``moves`` (T, 2, 3) metres, by way of the legs.

        The foot keeps its length: its ball goes where it should, its ankle on the line between the two. Thigh and shank
        turn in the plane that they were in. The pelvis sinks, gradually, where a leg would be too short.
        """
        before = self.joints()
        goals, sinking_T = [], np.zeros(len(before))
        for (hip, knee, ankle, ball), move in zip(LEGS, moves, strict=True):
            goal_T3 = before[:, ball] + move[:, 1]
            direction_T3 = unit(goal_T3 - before[:, ankle] - move[:, 0])
            ankle_T3 = goal_T3 - self._length(ankle, ball) * direction_T3
            goals.append((ankle_T3, direction_T3))
            away_T3 = before[:, hip] - ankle_T3
            longest = STRETCH * (self._length(hip, knee) + self._length(knee, ankle))
            height_T = np.sqrt(np.maximum(longest**2 - (away_T3[:, FLOOR] ** 2).sum(axis=1), 0.0))
            sinking_T = np.maximum(sinking_T, away_T3[:, 1] - height_T)
        self.pelvis_T3 = self.pelvis_T3 - _covered(sinking_T, blend)[:, None] * UP
        sunk = self.joints()
        for (hip, knee, ankle, ball), (ankle_T3, direction_T3) in zip(LEGS, goals, strict=True):
            was = before[:, hip], before[:, knee], before[:, ankle]
            along_T3 = unit(was[2] - was[0])
            aside_T3 = was[1] - was[0] - ((was[1] - was[0]) * along_T3).sum(axis=1, keepdims=True) * along_T3
            pole_T3 = aside_T3 + FORWARD * self.world_TJ33[:, hip, :, 2]
            lengths = self._length(hip, knee), self._length(knee, ankle)
            knee_T3, end_T3, normal_T3 = two_bones(sunk[:, hip], ankle_T3, pole_T3, *lengths, STRETCH)
            turns = limb_rotations((sunk[:, hip], knee_T3, end_T3), normal_T3, was, pole_T3)
            swing = _swing(unit(before[:, ball] - before[:, ankle]), direction_T3)
            for joint, turn in ((hip, turns[0]), (knee, turns[1]), (ankle, swing), (ball, swing)):
                self.world_TJ33[:, joint] = turn @ self.world_TJ33[:, joint]

    def _length(self, joint: int, other: int) -> float:
        return float(np.linalg.norm(self.rest_J3[other] - self.rest_J3[joint]))


def _swing(from_T3: np.ndarray, to_T3: np.ndarray) -> np.ndarray:
    """The least rotations (T, 3, 3) from one unit direction to another."""
    axis_T3 = np.cross(from_T3, to_T3)
    return about(unit(axis_T3), np.arctan2(np.linalg.norm(axis_T3, axis=1), (from_T3 * to_T3).sum(axis=1)))
