"""What defects are looked for in: per-frame measurements of a dancer, and of two, from surfaces that pass by in pieces.

Nothing here knows a limit but those of geometry (how low is low). Every value is in metres, seconds or degrees, and none
depends on the frame rate: speeds are per second.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from scipy.sparse import csr_array

from interdance.body.distance import LeaderField
from interdance.body.model import Body
from interdance.body.nearest import nearest_distance
from interdance.body.rotations import matrices
from interdance.body.skeleton import INDEX, LEFT_WRIST, NUM_JOINTS, RIGHT_WRIST
from interdance.takes import Motion

PIECE = 256  # frames whose surfaces are in memory at once: 2 MB per dancer
FLIP_WINDOW_S = 1.0 / 30.0  # rotations are compared over this time, so that a flip looks alike at 30 and at 120 Hz
SOLE = 0.025  # metres above the foot's own lowest point: this much of a foot bears on the floor
STANDS = 0.03  # metres above the floor: a foot whose lowest point is below this may stand
REACH = 0.12  # metres: nearest points of the partner are searched as far as this
SCREEN = 0.035  # metres: frames in which no point is this deep inside the partner are not measured exactly
FEET = ("left", "right")
ENDS = tuple(INDEX[name] for name in ("left_wrist", "right_wrist", "left_ankle", "right_ankle"))
HINGES = ("left_knee", "right_knee", "left_elbow", "right_elbow")
_ALONG = np.array([[0, -1, 0], [0, -1, 0], [1, 0, 0], [-1, 0, 0]], np.float32)  # a straight limb, seen from the part above
_BACK = np.array([[0, 0, 1], [0, 0, 1], [0, 0, -1], [0, 0, -1]], np.float32)  # where the part below never goes


def pieces(num_frames: int, size: int = PIECE) -> Iterator[slice]:
    """Consecutive slices that together are ``num_frames`` long."""
    for start in range(0, num_frames, size):
        yield slice(start, min(start + size, num_frames))


class DancerTrace:
    """One dancer frame by frame.

    Attributes
    ----------
    finite_TJ : bool (T, 55)
        Whether the rotation of the joint is a number.
    finite_root_T : bool (T,)
    turn_TJ : float32 (T, 55)
        Degrees per second that a joint turned relative to its parent, over the last 1/30 s; 0 at the start.
    speed_TJ : float32 (T, 55)
        Metres per second of the joint from the frame before; 0 in the first frame.
    root_T3 : float32 (T, 3)
        Place of the pelvis.
    ends_T43 : float32 (T, 4, 3)
        Places of left wrist, right wrist, left ankle, right ankle.
    lowest_T : float32 (T,)
        Height of the lowest surface point.
    slide_T : float32 (T,)
        Metres per second over the floor of the foot that slides least among those that may stand; NaN in the air.
    hinge_T4 : float32 (T, 4)
        Degrees by which each of :data:`HINGES` bends the wrong way; negative where it bends the right way.
    wrist_T2 : float32 (T, 2)
        Degrees between the left, the right hand and its place straight on the forearm.
    """

    def __init__(self, motion: Motion, body: Body) -> None:
        self.motion, self.body = motion, body
        count = motion.num_frames
        self.fps = motion.fps
        self.finite_TJ = np.isfinite(motion.rotations_TJ3).all(axis=2)
        self.finite_root_T = np.isfinite(motion.translation_T3).all(axis=1)
        self.turn_TJ = np.zeros((count, NUM_JOINTS), np.float32)
        self.speed_TJ = np.zeros((count, NUM_JOINTS), np.float32)
        self.root_T3 = np.zeros((count, 3), np.float32)
        self.ends_T43 = np.zeros((count, 4, 3), np.float32)
        self.lowest_T = np.zeros(count, np.float32)
        self.slide_T = np.full(count, np.nan, np.float32)
        self.hinge_T4 = np.zeros((count, 4), np.float32)
        self.wrist_T2 = np.zeros((count, 2), np.float32)
        self._before: np.ndarray | None = None
        owner_V = body.weights_VJ.argmax(axis=1)
        self._feet = [
            NUM_JOINTS + np.flatnonzero(np.isin(owner_V, (INDEX[f"{side}_ankle"], INDEX[f"{side}_foot"]))) for side in FEET
        ]
        legs = [INDEX[f"{side}_{part}"] for side in FEET for part in ("knee", "ankle", "foot")]
        self._rest = NUM_JOINTS + np.flatnonzero(~np.isin(owner_V, legs))
        rest = body.rest_joints(motion.betas)
        ends = [INDEX[name] for name in ("left_ankle", "right_ankle", "left_wrist", "right_wrist")]
        self._hinges = [INDEX[name] for name in HINGES]
        self._bones_43 = rest[ends] - rest[self._hinges]

    def lost(self) -> np.ndarray:
        """Frames (T,) that hold NaN or infinity; they are posed with zeros."""
        return np.asarray(~(self.finite_TJ.all(axis=1) & self.finite_root_T))

    def clean(self, frames: slice) -> Motion:
        """The frames with NaN and infinity replaced by 0, so that the body can be posed."""
        part = self.motion[frames]
        if self.finite_TJ[frames].all() and self.finite_root_T[frames].all():
            return part
        rotations, translation = (
            np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0) for values in (part.rotations_TJ3, part.translation_T3)
        )
        return Motion(rotations, translation, part.betas, part.fps)

    def add(self, frames: slice) -> np.ndarray:
        """Measure the next frames; returns their surface (t, 655, 3)."""
        part = self.clean(frames)
        self._turns(frames)
        points = self.body.points(part, batch=PIECE)
        joints = points[:, :NUM_JOINTS]
        self.root_T3[frames] = joints[:, 0]
        self.ends_T43[frames] = joints[:, list(ENDS)]
        self.lowest_T[frames] = points[:, NUM_JOINTS:, 1].min(axis=1)
        seen = points if self._before is None else np.concatenate([self._before, points])
        start = frames.start + 1 if self._before is None else frames.start
        if len(seen) > 1:
            moved = np.diff(seen[:, :NUM_JOINTS], axis=0)
            self.speed_TJ[start : frames.stop] = np.linalg.norm(moved, axis=2) * self.fps
            self.slide_T[start : frames.stop] = self._slide(seen)
        self._before = points[-1:]
        return points[:, NUM_JOINTS:]

    def _turns(self, frames: slice) -> None:
        lag = max(round(FLIP_WINDOW_S * self.fps), 1)
        first = max(frames.start - lag, 0)
        rotations = matrices(self.clean(slice(first, frames.stop)).rotations_TJ3)
        now = rotations[frames.start - first :]
        bones_T43 = np.einsum("tkab,kb->tka", now[:, self._hinges], self._bones_43)
        along, back = (np.einsum("tka,ka->tk", bones_T43, axis) for axis in (_ALONG, _BACK))
        self.hinge_T4[frames] = np.degrees(np.arctan2(back, along))
        self.wrist_T2[frames] = _degrees(np.trace(now[:, [LEFT_WRIST, RIGHT_WRIST]], axis1=2, axis2=3))
        if len(rotations) <= lag:
            return
        angles = _degrees(np.einsum("tjab,tjab->tj", rotations[:-lag], rotations[lag:]))
        self.turn_TJ[first + lag : frames.stop] = angles * (self.fps / lag)

    def _slide(self, seen_TP3: np.ndarray) -> np.ndarray:
        """Slide of the best standing foot at each step between the seen frames (t - 1,)."""
        slides = np.stack([foot_slide(seen_TP3[:, foot], self.fps) for foot in self._feet])
        kneels = seen_TP3[1:, self._rest, 1].min(axis=1) < STANDS  # or lies, or walks on hands: feet bear little
        stands = np.isfinite(slides).any(axis=0) & ~kneels
        return np.where(stands, np.nanmin(np.where(stands, slides, 0.0), axis=0), np.nan)


def foot_slide(foot_TK3: np.ndarray, fps: float) -> np.ndarray:
    """How fast a standing foot slides at each step: metres per second (T-1,), NaN where it does not stand.

    A foot that pivots about any place it bears on does not slide: what its turning explains is taken off the mean speed
    of the points that bear on the floor.
    """
    height = foot_TK3[..., 1]
    lowest = height.min(axis=1)
    sole = height < lowest[:, None] + SOLE
    bears = (sole[:-1] & sole[1:]).astype(np.float32)
    none = bears.sum(axis=1) == 0
    bears[none] = sole[1:][none]
    count = bears.sum(axis=1, keepdims=True)
    place, step = foot_TK3[1:][..., [0, 2]], np.diff(foot_TK3[..., [0, 2]], axis=0) * fps
    middle = (place * bears[..., None]).sum(axis=1) / count
    mean = (step * bears[..., None]).sum(axis=1) / count
    arm = (place - middle[:, None]) * bears[..., None]
    away = step - mean[:, None]
    spread = (arm**2).sum(axis=(1, 2))
    turning = np.abs((arm[..., 0] * away[..., 1] - arm[..., 1] * away[..., 0]).sum(axis=1)) / np.maximum(spread, 1e-6)
    longest = np.sqrt((arm**2).sum(axis=2).max(axis=1))
    slide = np.maximum(np.linalg.norm(mean, axis=1) - turning * longest, 0.0)
    stands = (lowest[:-1] < STANDS) & (lowest[1:] < STANDS)
    return np.where(stands, slide, np.nan)


class CoupleTrace:
    """Two dancers frame by frame.

    Attributes
    ----------
    gap_T : float32 (T,)
        Metres between the nearest sampled points of the two, 0.12 where they are farther apart.
    depth_T : float32 (T,)
        Metres that the deepest point of one dancer lies inside the other's surface; 0 also in frames whose deepest is
        less than 3.5 cm deep.
    """

    def __init__(self, num_frames: int, body: Body) -> None:
        self.gap_T = np.full(num_frames, REACH, np.float32)
        self.depth_T = np.zeros(num_frames, np.float32)
        self._faces = body.surface_faces
        where = (self._faces.ravel(), np.repeat(np.arange(len(self._faces)), 3))
        shape = (len(body.surface_V), len(self._faces))
        self._around = csr_array((np.ones(self._faces.size, np.float32), where), shape)

    def add(self, frames: slice, leader_TV3: np.ndarray, follower_TV3: np.ndarray) -> None:
        """Measure the next frames from both surfaces."""
        for one, other in ((follower_TV3, leader_TV3), (leader_TV3, follower_TV3)):
            gap_TV, near_TV = nearest_distance(one, other, REACH)
            self.gap_T[frames] = np.minimum(self.gap_T[frames], gap_TV.min(axis=1))
            rows = self._suspects(one, other, gap_TV, near_TV)
            if len(rows):
                field = LeaderField(other[rows], self._faces, margin=0.0, max_prepared=PIECE)
                depth_RV = field.measure(torch.from_numpy(one[rows]), np.arange(len(rows)))[0].numpy()
                at = frames.start + rows
                self.depth_T[at] = np.maximum(self.depth_T[at], depth_RV.max(axis=1))

    def _suspects(self, one_TV3: np.ndarray, other_TV3: np.ndarray, gap_TV: np.ndarray, near_TV: np.ndarray) -> np.ndarray:
        """Frames in which a point of ``one`` seems deeper than :data:`SCREEN` in ``other``.

        A point inside is as far from every vertex as it is deep, and behind the surface at the nearest one.
        """
        frame, point = np.nonzero((near_TV >= 0) & (gap_TV > SCREEN))
        vertex = near_TV[frame, point]
        step = one_TV3[frame, point] - other_TV3[frame, vertex]
        behind = np.einsum("na,na->n", step, self._normals(other_TV3)[frame, vertex]) < -SCREEN
        return np.unique(frame[behind])

    def _normals(self, vertices_TV3: np.ndarray) -> np.ndarray:
        """Unit normals (T, V, 3) of the surface at its vertices."""
        x, y, z = (np.ascontiguousarray(vertices_TV3[..., axis].T) for axis in range(3))
        i, j, k = self._faces.T
        ax, ay, az, bx, by, bz = (e[b] - e[a] for b, a in ((j, i), (k, i)) for e in (x, y, z))
        parts = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)
        normals = np.stack([(self._around @ part).T for part in parts], axis=-1)
        return normals / np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)


def _degrees(trace: np.ndarray) -> np.ndarray:
    """Angle of a rotation from the trace of its matrix."""
    return np.degrees(np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0)))
