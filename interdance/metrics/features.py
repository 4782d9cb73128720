"""Motion features behind FID and Div, as published code computes them: kinetic (k), geometric (g), cross-distance (cd).

Published values depend on that code's constants, bugs included, so the default reading keeps them; see each function.
All take joints (T, J, 3) or (B, T, J, 3), metres, +Y up, 30 frames per second, and compute in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from interdance.errors import InputError

KineticVariant = Literal["duolando", "aistpp", "lodge", "gcd", "gcd_kinetic", "gcd_group"]
GeometricVariant = Literal["duolando", "aistpp", "lodge"]

# Centres of the hands in the 24-joint skeleton: the first joint of each finger.
LEFT_FINGERS = (25, 28, 31, 34, 37)
RIGHT_FINGERS = (40, 43, 46, 49, 52)
# Pelvis, ankles (the published code's reading of "knees"), feet, head, shoulders, wrists.
CROSS_DISTANCE_JOINTS = (0, 7, 8, 10, 11, 15, 16, 17, 20, 21)
MIN_FRAMES = 3  # the acceleration of the kinetic features spans three


@dataclass(frozen=True)
class _Kinetic:
    """A published reading of the kinetic features."""

    dt: float  # seconds between frames, as that code has it
    half_window: int  # frames of the moving average to either side
    centring: Literal["first frame", "every frame", "none"]
    misplaced_bracket: bool  # the acceleration of AIST++ and its descendants, which is none
    compressed: bool = False


KINETIC: dict[str, _Kinetic] = {
    "duolando": _Kinetic(1 / 60, 2, "first frame", True),
    "aistpp": _Kinetic(1 / 60, 2, "none", True),
    "lodge": _Kinetic(1 / 60, 2, "every frame", True),
    "gcd": _Kinetic(1 / 30, 2, "none", True),
    "gcd_kinetic": _Kinetic(1 / 30, 2, "none", False),
    "gcd_group": _Kinetic(1 / 30, 1, "none", False, compressed=True),
}
LODGE_FRAMES = 1024  # the published code reads no further


def as_joints(joints: Any, name: str, min_frames: int = 1) -> np.ndarray:
    """A float64 array (B, T, J, 3) of numpy or torch joints (T, J, 3) or (B, T, J, 3), checked.

    Raises
    ------
    InputError
        For another shape, fewer than ``min_frames`` frames, or NaN or infinity, with its place.
    """
    array = np.asarray(joints.detach().cpu() if hasattr(joints, "detach") else joints, np.float64)
    if array.ndim not in (3, 4) or array.shape[-1] != 3:
        raise InputError(f"{name} has shape {array.shape}; (frames, joints, 3) or (clips, frames, joints, 3) is needed")
    batch = array if array.ndim == 4 else array[None]
    if batch.shape[1] < min_frames:
        raise InputError(f"{name} has {batch.shape[1]} frame(s); this metric needs at least {min_frames}")
    bad = ~np.isfinite(batch).all(axis=(2, 3))
    if bad.any():
        clip, frame = np.argwhere(bad)[0]
        raise InputError(f"{name} holds NaN or infinity (clip {clip}, frame {frame}); repair or leave out that clip")
    return batch


def as_pair(leader: Any, follower: Any) -> tuple[np.ndarray, np.ndarray]:
    """:func:`as_joints` of both dancers; :class:`InputError` when they are not as many clips."""
    lead, follow = as_joints(leader, "leader"), as_joints(follower, "follower")
    if len(lead) != len(follow):
        raise InputError(f"{len(lead)} leader clips against {len(follow)} follower clips: pairs are needed")
    return lead, follow


def check_variant(variant: str, known: Sequence[str]) -> None:
    """Refuse a ``variant`` that is not among the known ones, which are listed."""
    if variant not in known:
        raise InputError(f"variant {variant!r} is not one of {', '.join(known)}")


def is_batch(joints: Any) -> bool:
    """Whether joints are (B, T, J, 3) rather than (T, J, 3)."""
    return len(joints.shape) == 4


def joints24(joints_BTJ3: np.ndarray) -> np.ndarray:
    """The 24 joints of SMPL from 55 of SMPL-X: the hands are the means of the fingers' first joints."""
    num_joints = joints_BTJ3.shape[-2]
    if num_joints == 24:
        return joints_BTJ3
    if num_joints != 55:
        raise InputError(f"{num_joints} joints; 55 (SMPL-X) or 24 (SMPL) are needed")
    hands = [joints_BTJ3[..., fingers, :].mean(axis=-2) for fingers in (LEFT_FINGERS, RIGHT_FINGERS)]
    return np.concatenate([joints_BTJ3[..., :22, :], np.stack(hands, axis=-2)], axis=-2)


def kinetic_features(joints: Any, variant: KineticVariant = "duolando") -> np.ndarray:
    """Mean squared horizontal and vertical speed and mean "acceleration" of each joint (Onuma et al. 2008, AIST++).

    The default takes the time step as 1/60 s although data run at 30 frames per second, and the current position is not
    divided by it in the second difference: the third number of a joint is about 3540 times its mean distance from where
    the pelvis started, not an acceleration. ``gcd_kinetic`` is the corrected form.

    Parameters
    ----------
    joints : array (T, J, 3) or (B, T, J, 3)
        Metres, +Y up, J = 55 or 24 (``lodge``: 55, 24 or 22).
    variant : str
        ``duolando`` (default; the pelvis of the first frame removed), ``aistpp`` (world coordinates), ``lodge`` (22
        joints, pelvis removed in every frame, first 1024 frames), ``gcd`` (world, 1/30 s), ``gcd_kinetic`` (true second
        difference); ``gcd_group`` averages over the dancers, given as the batch, and gives ln(1 + 1.5 f).

    Returns
    -------
    float64 (72,) or (B, 72)
        Joint-major; 66 wide for ``lodge``; always (72,) for ``gcd_group``.
    """
    check_variant(variant, list(KINETIC))
    reading = KINETIC[variant]
    x = _centred(as_joints(joints, "joints", MIN_FRAMES), reading.centring)
    step = (x[:, 1:] - x[:, :-1]) / reading.dt
    # steps k = 1..T-1, centres i = 1..T-1
    velocity = _windowed_mean(step, reading.half_window, step.shape[1])
    horizontal = (velocity[..., 0] ** 2 + velocity[..., 2] ** 2).mean(axis=1)
    vertical = (velocity[..., 1] ** 2).mean(axis=1)
    if reading.misplaced_bracket:
        change = (step[:, 1:] - (x[:, 1:-1] - x[:, :-2] / reading.dt)) / reading.dt
    else:
        change = (step[:, 1:] - step[:, :-1]) / reading.dt
    acceleration = np.linalg.norm(_windowed_mean(change, reading.half_window, step.shape[1]), axis=-1).mean(axis=1)
    features = np.stack([horizontal, vertical, acceleration], axis=-1).reshape(len(x), -1)
    if reading.compressed:
        return np.log1p(1.5 * features.mean(axis=0))
    return features if is_batch(joints) else features[0]


def geometric_features(joints: Any, variant: GeometricVariant = "duolando") -> np.ndarray:
    """Share of frames in which each of 32 geometric relations holds (Müller et al. 2005, with AIST++'s fixed lengths).

    Parameters
    ----------
    joints : array (T, J, 3) or (B, T, J, 3)
        Metres, +Y up, J = 55 or 24 (``lodge``: 55, 24 or 22).
    variant : str
        ``duolando`` (default; the pelvis of the first frame removed, which changes nothing but rounding), ``aistpp``
        (world coordinates), ``lodge`` (22 joints, pelvis removed in every frame, first 1024 frames).

    Returns
    -------
    float64 (32,) or (B, 32)
    """
    centring = {"duolando": "first frame", "aistpp": "none", "lodge": "every frame"}
    check_variant(variant, list(centring))
    holds = _Relations(_centred(as_joints(joints, "joints", 2), centring[variant])).all()
    features = np.stack([relation.mean(axis=1) for relation in holds], axis=-1)
    return features if is_batch(joints) else features[0]


def cross_distance_features(leader: Any, follower: Any, variant: Literal["duolando"] = "duolando") -> np.ndarray:
    """Mean distances between ten joints of the follower and ten of the leader, in the world (Duolando).

    The paper's words list knees; the published code uses ankles (7 and 8), and so does this.

    Parameters
    ----------
    leader, follower : array (T, J, 3) or (B, T, J, 3)
        Metres, J = 55, 24 or 22. The longer one is cut to the shorter.

    Returns
    -------
    float64 (100,) or (B, 100)
        Entry ``10 a + b``: follower's joint a to leader's joint b.

    Raises
    ------
    InputError
        For other shapes, NaN, no frame, or unequal numbers of clips.
    """
    check_variant(variant, ("duolando",))
    lead, follow = as_pair(leader, follower)
    num_frames = min(lead.shape[1], follow.shape[1])
    picked = list(CROSS_DISTANCE_JOINTS)
    lead, follow = lead[:, :num_frames, picked], follow[:, :num_frames, picked]
    features = np.empty((len(follow), len(picked), len(picked)))
    for a in range(len(picked)):
        features[:, a] = np.linalg.norm(follow[:, :, a, None] - lead, axis=-1).mean(axis=1)
    flat = features.reshape(len(follow), -1)
    return flat if is_batch(follower) else flat[0]


def _centred(joints_BTJ3: np.ndarray, centring: str) -> np.ndarray:
    if centring == "every frame":
        x = joints_BTJ3[:, :LODGE_FRAMES, :22] - joints_BTJ3[:, :1, :1]
        return np.concatenate([x[:, :, :1], x[:, :, 1:] - x[:, :, :1]], axis=2)
    x = joints24(joints_BTJ3)
    return x - x[:, :1, :1] if centring == "first frame" else x


def _windowed_mean(values_BKJ3: np.ndarray, half: int, num_centres: int) -> np.ndarray:
    """Mean over the values within ``half`` of each centre, as many as there are; the last centre may lack its own."""
    total = np.zeros((len(values_BKJ3), num_centres, *values_BKJ3.shape[2:]))
    count = np.zeros(num_centres)
    num_values = values_BKJ3.shape[1]
    for offset in range(-half, half + 1):
        first, last = max(0, -offset), min(num_centres, num_values - offset)
        total[:, first:last] += values_BKJ3[:, first + offset : last + offset]
        count[first:last] += 1
    return total / count[None, :, None, None]


class _Relations:
    """The geometric relations of one batch. Lengths are those of the published code, not measured on the dancer."""

    HUMERUS = 0.2568381092115207
    SHOULDERS = 0.39084835854945527
    HIPS = 0.11924706586886204
    RATE = 120.0  # of the published code; data run at 30

    def __init__(self, x_BTJ3: np.ndarray) -> None:
        self.now = x_BTJ3[:, 1:]
        self.step = (x_BTJ3[:, 1:] - x_BTJ3[:, :-1]) * self.RATE
        self.height = self.now[..., 1] - self.now[..., 1].min(axis=-1, keepdims=True)

    def all(self) -> list[np.ndarray]:
        """The 32 relations, bool (B, T-1) each, in the published order."""
        root, lhip, rhip, belly, lknee, rknee, lankle, rankle, chest = 0, 1, 2, 3, 4, 5, 7, 8, 9
        ltoe, rtoe, neck, lsho, rsho, lelb, relb, lwri, rwri = 10, 11, 12, 16, 17, 18, 19, 20, 21
        hl, sw, hw = self.HUMERUS, self.SHOULDERS, self.HIPS
        with np.errstate(invalid="ignore", divide="ignore"):  # joints that coincide span no direction: nothing holds
            chest_rises = self._approaches(belly, chest, chest, 1.8 * hl)  # the published code ignores the wrist here
            return [
                self._leaves_plane(neck, rhip, lhip, rwri, 1.8 * hl),
                self._leaves_plane(neck, lhip, rhip, lwri, 1.8 * hl),
                self._beyond(chest, neck, neck, rwri, 0.2 * hl),
                self._beyond(chest, neck, neck, lwri, 0.2 * hl),
                chest_rises,
                chest_rises,
                self._angle(relb, rsho, relb, rwri, 0, 110),
                self._angle(lelb, lsho, lelb, lwri, 0, 110),
                self._beyond(lsho, rsho, lwri, rwri, 2.5 * sw),
                self._approaches(lwri, rwri, rwri, 1.4 * hl),
                self._approaches(rwri, root, lwri, 1.4 * hl),
                self._approaches(lwri, root, rwri, 1.4 * hl),
                self._fast(rwri, 2.5 * hl),
                self._fast(lwri, 2.5 * hl),
                self._off_plane(root, lhip, ltoe, rankle, 0.38 * hl),
                self._off_plane(root, rhip, rtoe, lankle, 0.38 * hl),
                self.height[..., rankle] > 1.2 * hl,
                self.height[..., lankle] > 1.2 * hl,
                self._beyond(lhip, rhip, lankle, rankle, 2.1 * hw),
                self._angle(rknee, rhip, rknee, rankle, 0, 110),
                self._angle(lknee, lhip, lknee, lankle, 0, 110),
                self._fast(rankle, 2.5 * hl),
                self._fast(lankle, 2.5 * hl),
                self._angle(neck, root, rsho, relb, 25, 180),
                self._angle(neck, root, lsho, lelb, 25, 180),
                self._angle(neck, root, rhip, rknee, 50, 180),
                self._angle(neck, root, lhip, lknee, 50, 180),
                self._off_plane(rankle, neck, lankle, root, 0.5 * hl),
                _between(self.now[..., root, :] - self.now[..., neck, :], np.array([0.0, 1.0, 0.0]), 70, 110),
                self.height[..., rwri] < 1.2 * hl,
                self.height[..., lwri] < 1.2 * hl,
                self._fast(root, 2.3 * hl),
            ]

    def _normal(self, a: int, b: int, c: int) -> np.ndarray:
        return _unit(np.cross(self.now[..., c, :] - self.now[..., a, :], self.now[..., b, :] - self.now[..., a, :]))

    def _leaves_plane(self, a: int, b: int, c: int, p: int, speed: float) -> np.ndarray:
        return _dot(self.step[..., p, :] - self.step[..., a, :], self._normal(a, b, c)) > speed

    def _off_plane(self, a: int, b: int, c: int, p: int, distance: float) -> np.ndarray:
        return _dot(self.now[..., p, :] - self.now[..., a, :], self._normal(a, b, c)) > distance

    def _approaches(self, a: int, b: int, c: int, speed: float) -> np.ndarray:
        return _dot(self.step[..., c, :] - self.step[..., a, :], self._along(a, b)) > speed

    def _beyond(self, a: int, b: int, origin: int, p: int, distance: float) -> np.ndarray:
        return _dot(self.now[..., p, :] - self.now[..., origin, :], self._along(a, b)) > distance

    def _along(self, a: int, b: int) -> np.ndarray:
        return _unit(self.now[..., b, :] - self.now[..., a, :])

    def _angle(self, a: int, b: int, c: int, d: int, low: float, high: float) -> np.ndarray:
        return _between(self.now[..., b, :] - self.now[..., a, :], self.now[..., d, :] - self.now[..., c, :], low, high)

    def _fast(self, joint: int, speed: float) -> np.ndarray:
        return np.linalg.norm(self.step[..., joint, :], axis=-1) > speed


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=-1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _between(a: np.ndarray, b: np.ndarray, low: float, high: float) -> np.ndarray:
    """Whether the angle between the vectors lies strictly between two angles, degrees."""
    angle = np.degrees(np.arccos(np.clip(_dot(_unit(a), _unit(b)), -1.0, 1.0)))
    return (angle > low) & (angle < high)
