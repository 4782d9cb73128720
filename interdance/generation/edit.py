"""What of a given follower is kept while the model makes the rest: frames, parts of the body, the path of the root.

After every denoising step the clean prediction is overwritten with what is known, as Tevet et al. (2022, "Human Motion
Diffusion Model", motion editing) do; the model itself is not trained for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from interdance.body.model import Body
from interdance.body.skeleton import GROUPS, INDEX, NUM_JOINTS, PARENTS_J
from interdance.errors import InputError
from interdance.representation.base import Observed, Representation
from interdance.representation.floor import turn_points
from interdance.representation.layout import HIPS, ROOT_JOINT, SHOULDERS
from interdance.takes import Motion

BLEND = 15
"""Frames beside a kept one over which the prediction's distance from it fades out [choice; docs/editing.md]."""

ROOT_SPREAD, YAW_SPREAD = 0.5, 0.5
"""Metres across the floor and radians by which the whole dancer may move to reach what is kept of her, as standard
deviations [choice]: wide, so that she takes a step before an arm is stretched."""

MISS = 0.2
"""Metres by which the pose may miss each kept point before it is put there exactly [choice; docs/editing.md]: a smaller one
bends the body for the last millimetre."""

PATH = "path"


@dataclass(frozen=True)
class Wish:
    """What a user wants kept, in words.

    Attributes
    ----------
    follower : Path
        File of the given follower: .bvh, or SMPL-X .npz.
    keep : sequence of str
        Times ``START-END`` in seconds, either of them may be missing; names of joints or of groups of them; ``path``.
    fill : sequence of str
        Names of joints or groups; all others are kept.
    """

    follower: Path
    keep: Sequence[str]
    fill: Sequence[str]


@dataclass(frozen=True)
class Kept:
    """What is kept of a follower. What any of the three says is kept; the rest is generated.

    Attributes
    ----------
    follower : Observed
        In the world, from the take's first frame on, at its rate; may end before it (K frames), but not after. Her labels
        of contact with the partner are kept where they are known.
    frames_K : bool (K,)
        Frames that are kept whole.
    points_P : bool (710,)
        Points that are kept in all K frames; see :func:`points_of`.
    path : bool
        Whether the root's place, height and yaw are kept in all K frames.
    """

    follower: Observed
    frames_K: np.ndarray
    points_P: np.ndarray
    path: bool = False

    def part(self, start: int, stop: int) -> Kept | None:
        """What is kept of the frames ``start`` to ``stop`` of the take; None where the given follower has ended."""
        frames, given = slice(start, stop), self.follower
        if start >= len(self.frames_K):
            return None
        touching = None if given.partner_contact_TP is None else given.partner_contact_TP[frames]
        follower = Observed(given.motion[frames], given.points_TP3[frames], given.foot_contact_T4[frames], touching)
        return replace(self, follower=follower, frames_K=self.frames_K[frames])

    def paste(self, points_TP3: np.ndarray) -> np.ndarray:
        """All 710 points of a take with the given ones in place: exact, also where the representation does not hold them."""
        given = np.asarray(self.follower.points_TP3, np.float32)
        chosen_KP = self.frames_K[:, None] | self.points_P
        points_TP3[: len(given)] = np.where(chosen_KP[..., None], given, points_TP3[: len(given)])
        return points_TP3

    def restore(self, motion: Motion, body: Body) -> Motion:
        """A generated motion of the same shape, with what is known of the given one's rotations and place exactly so.

        That is all of a frame that is kept whole; and of the parts those that hang on the pelvis without a gap.
        """
        given, length = self.follower.motion, self.follower.motion.num_frames
        own_V = body.weights_VJ.argmax(axis=1)
        is_whole_J = self.points_P[:NUM_JOINTS] & [self.points_P[NUM_JOINTS:][own_V == j].all() for j in range(NUM_JOINTS)]
        for joint in range(1, NUM_JOINTS):
            is_whole_J[joint] &= is_whole_J[PARENTS_J[joint]]
        rotations_TJ3, translation_T3 = motion.rotations_TJ3.copy(), motion.translation_T3.copy()
        chosen_KJ = self.frames_K[:, None] | is_whole_J
        rotations_TJ3[:length] = np.where(chosen_KJ[..., None], given.rotations_TJ3, rotations_TJ3[:length])
        is_placed_K = self.frames_K | self.path | self.points_P[ROOT_JOINT]
        translation_T3[:length] = np.where(is_placed_K[:, None], given.translation_T3, translation_T3[:length])
        return replace(motion, rotations_TJ3=rotations_TJ3, translation_T3=translation_T3)


def points_of(joints: Iterable[int], body: Body) -> np.ndarray:
    """The joints, their bones to the next joints, and the surface that follows them more than others; bool (710,)."""
    chosen_J = np.isin(np.arange(NUM_JOINTS), list(joints))
    ends_J = np.concatenate([[False], chosen_J[PARENTS_J[1:]]])
    return np.concatenate([chosen_J | ends_J, chosen_J[body.weights_VJ.argmax(axis=1)]])


def joints_of(option: str, words: Iterable[str]) -> set[int]:
    """Joints named one by one or as a group of :data:`interdance.body.skeleton.GROUPS`.

    Raises
    ------
    InputError
        When a name is not known; it lists those that are.
    """
    joints: set[int] = set()
    for word in words:
        if word not in GROUPS and word not in INDEX:
            raise InputError(f"{option} {word}: no such part; known: {', '.join((*GROUPS, *INDEX))}")
        joints |= set(GROUPS[word] if word in GROUPS else [INDEX[word]])
    return joints


def understand(wish: Wish, follower: Observed, body: Body) -> Kept:
    """A wish in words, for the follower that its file holds.

    Raises
    ------
    InputError
        When nothing is to be kept, a part is not known, or a time lies outside of the follower.
    """
    fps, num_frames = follower.motion.fps, follower.motion.num_frames
    frames_K, path, parts = np.zeros(num_frames, bool), False, []
    for word in wish.keep:
        times = re.fullmatch(r"(\d*\.?\d*)-(\d*\.?\d*)", word)
        if times is None:
            path |= word == PATH
            parts += [word] if word != PATH else []
            continue
        try:
            start, stop = (round(float(text) * fps) if text else None for text in times.groups())
        except (ValueError, OverflowError):
            raise InputError(f"--keep {word}: seconds are needed, such as 0-2 or 8-") from None
        start, stop = start or 0, num_frames if stop is None else stop
        if not start < stop <= num_frames:
            raise InputError(
                f"--keep {word}: not a stretch of {wish.follower.name}, which is kept from 0 to {num_frames / fps:.2f} s"
            )
        frames_K[start:stop] = True
    joints = joints_of("--keep", parts)
    if wish.fill:
        joints |= set(range(NUM_JOINTS)) - joints_of("--fill", wish.fill)
    if not (frames_K.any() or joints or path):
        raise InputError(f"{wish.follower}: nothing of it is kept; say what with --keep, or what to make anew with --fill")
    return Kept(follower, frames_K, points_of(joints, body), path)


class Keeper:
    """Imposes what is kept on a take in the world, or on a block of one that goes on from the frames ``before_SC``.

    Raises
    ------
    ValueError
        When the given follower is longer than the take.
    InputError
        When parts or the path are kept in a representation that can only keep whole frames.
    """

    def __init__(
        self,
        kept: Kept,
        representation: Representation,
        num_frames: int,
        components_KC: Tensor,
        device: str,
        before_SC: Tensor | None = None,
    ) -> None:
        length = len(kept.follower.points_TP3)
        if length > num_frames:
            raise ValueError(f"the given follower has {length} frames, the take {num_frames}")
        self.representation, self.kept = representation, kept
        held_H = representation.held_H
        self.points_H = torch.from_numpy(np.asarray(kept.points_P)[held_H]).to(device)
        self.keeps_place = kept.path or bool(kept.points_P[ROOT_JOINT])
        self.keeps_yaw = kept.path or bool(kept.points_P[[*HIPS, *SHOULDERS]].all())
        if (kept.path or kept.points_P.any()) and not representation.can_be_posed:
            raise InputError(
                f"encode.representation: {representation.name} has no place for single points or a path; keep whole frames"
            )
        # Beyond its end the given follower is never looked at.
        rows = np.minimum(np.arange(num_frames), length - 1)
        given = torch.from_numpy(representation.encode(kept.follower)).to(device)
        self.given_TC = representation.absolute(given)[rows]
        self.place_T3, self.psi_T = (values[rows] for values in representation.root(given))
        self.points_TH3 = torch.from_numpy(np.asarray(kept.follower.points_TP3, np.float32)[rows][:, held_H]).to(device)
        self.covered_T = torch.arange(num_frames, device=device) < length
        self.frames_T = torch.from_numpy(np.asarray(kept.frames_K)[rows]).to(device) & self.covered_T
        touching = kept.follower.partner_contact_TP is not None
        self.touching_T = torch.full((num_frames,), touching, device=device)
        if before_SC is not None:
            self._go_on_from(before_SC)
        near_T = torch.arange(num_frames, device=device) < length + BLEND
        self.give = None
        if representation.canonical and self.points_H.any():
            root_spread = 0.0 if self.keeps_place else ROOT_SPREAD
            yaw_spread = 0.0 if self.keeps_yaw else YAW_SPREAD
            self.give = Give(representation, components_KC, self.points_H, root_spread, yaw_spread)
        self.chosen_TH = self.frames_T[:, None] | (near_T[:, None] & self.points_H)

    def __call__(self, x_TC: Tensor) -> Tensor:
        """The take (T, C), un-normalised and in the world, with what is kept as it was given."""
        if self.frames_T.any():
            x_TC = with_frames(x_TC, self.given_TC, self.frames_T, self.representation, self.touching_T)
        if self.keeps_place or self.keeps_yaw:
            x_TC = self._with_root(x_TC)
        if self.representation.can_be_posed and self.chosen_TH.any():
            x_TC = self._with_points(x_TC)
        return x_TC

    def _go_on_from(self, before_SC: Tensor) -> None:
        """Keep the first frames of a block as they were made before, in which what is given is kept already."""
        made = slice(0, len(before_SC))
        self.given_TC[made] = self.representation.absolute(before_SC)
        self.place_T3[made], self.psi_T[made] = self.representation.root(before_SC)
        self.points_TH3[made] = self.representation.positions(before_SC)
        self.covered_T[made] = self.frames_T[made] = self.touching_T[made] = True

    def _with_root(self, x_TC: Tensor) -> Tensor:
        place_T3, psi_T = self.representation.root(x_TC)
        if self.keeps_place:
            place_T3 = place_T3 + faded(self.place_T3 - place_T3, self.covered_T)
        if self.keeps_yaw:
            missing = self.psi_T - psi_T
            missing = missing - 2 * math.pi * torch.round(missing / (2 * math.pi))
            psi_T = unwound(psi_T + faded(missing[:, None], self.covered_T)[:, 0], 2 * math.pi)
        return self.representation.put_root(x_TC, place_T3, psi_T)

    def _with_points(self, x_TC: Tensor) -> Tensor:
        kind = self.representation
        points_TH3 = kind.positions(x_TC)
        missing = (self.points_TH3 - points_TH3).flatten(1)
        shift = faded(missing, self.covered_T).unflatten(-1, (-1, 3))
        if self.give is not None:
            x_TC = self.give(x_TC, shift)
        return kind.put(x_TC, points_TH3 + shift, self.chosen_TH)


class Give:
    """How the rest of a body gives way when some of its points are moved: a kept hand brings its arm along.

    Our choice. Points that are put somewhere one by one are torn off the limbs they belong to. So before that the pose is
    changed in the most probable way that brings them there: with ``z`` standard normal, a pose deviates by ``z A`` (``A`` the
    training set's principal components times their deviations) and the root by a normal shift; given where some points
    are to go, the mean of ``z`` is that of a Gaussian under linear observations with noise :data:`MISS`.

    Parameters
    ----------
    representation
        A canonical one, whose points are linear in the channels but for the root's.
    components_KC
        ``A``, un-normalised.
    points_H
        Which points are moved, bool.
    root_spread, yaw_spread
        Standard deviations of the root's shift, metres, and turn, radians; 0 where it is kept.
    """

    def __init__(
        self,
        representation: Representation,
        components_KC: Tensor,
        points_H: Tensor,
        root_spread: float,
        yaw_spread: float,
    ) -> None:
        layout = representation.layout
        self.representation, self.points_H = representation, points_H
        self.root_spread, self.yaw_spread = root_spread, yaw_spread
        self.components_KC = components_KC.clone()
        # The pelvis goes up and down with the pose; across the floor, and round, it goes by itself.
        fixed_C = torch.zeros(layout.width, dtype=torch.bool)
        fixed_C[layout.root] = fixed_C[layout.labels] = True
        fixed_C[layout["root_position"].start + 1] = root_spread == 0
        self.components_KC[:, fixed_C] = 0.0
        moved_KHX = representation.positions(self.components_KC)[:, points_H]
        self.floor_23 = root_spread * torch.eye(3).to(moved_KHX)[[0, 2]]
        shift_2HX = self.floor_23[:, None].expand(-1, moved_KHX.shape[1], -1)
        self.seen_KX = torch.cat([moved_KHX, shift_2HX]).flatten(1)
        square_KK = self.seen_KX @ self.seen_KX.T
        square_KK.diagonal().add_(MISS**2)
        self.factor_KK = torch.linalg.cholesky(square_KK)

    def __call__(self, x_TC: Tensor, shift_TH3: Tensor) -> Tensor:
        """The take (T, C) with its pose and root changed so that the points come near to where ``shift`` moves them."""
        place_T3, psi_T = self.representation.root(x_TC)
        goal_TX = turn_points(shift_TH3[:, self.points_H], -psi_T).flatten(1)
        z_TK = self._most_probable(goal_TX)
        if self.yaw_spread > 0:
            own_TH3 = turn_points(self.representation.positions(x_TC)[:, self.points_H] - place_T3[:, None], -psi_T)
            x, y, z = own_TH3.unbind(dim=-1)
            turn_TX = self.yaw_spread * torch.stack([z, torch.zeros_like(y), -x], dim=-1).flatten(1)
            # The yaw's effect differs from frame to frame: it is solved for after the rest (Schur's complement).
            by_turn_TK = self._most_probable(turn_TX)
            left_TX = turn_TX - by_turn_TK @ self.seen_KX
            yaw_T = (left_TX * goal_TX).sum(dim=1) / ((left_TX * turn_TX).sum(dim=1) + MISS**2)
            z_TK = z_TK - yaw_T[:, None] * by_turn_TK
            psi_T = psi_T + self.yaw_spread * yaw_T
        step_T3 = turn_points((z_TK[:, -2:] @ self.floor_23)[:, None], psi_T)[:, 0]
        x_TC = x_TC + z_TK[:, :-2] @ self.components_KC
        return self.representation.put_root(x_TC, self.representation.root(x_TC)[0] + step_T3, psi_T)

    def _most_probable(self, goal_TX: Tensor) -> Tensor:
        """Mean of ``z`` (T, K + 2), the shift last, when the points move by ``goal`` and the dancer does not turn."""
        return torch.cholesky_solve(self.seen_KX @ goal_TX.T, self.factor_KK).T


def with_frames(
    x_TC: Tensor,
    given_TC: Tensor,
    frames_T: Tensor,
    representation: Representation,
    touching_T: Tensor | None = None,
) -> Tensor:
    """A take (T, C) with the frames of another put in its place, and what lies beside them drawn near (:func:`faded`).

    Parameters
    ----------
    given_TC
        The other take in the form of :meth:`Representation.absolute`; only ``frames_T`` (boolean) of it are looked at.
    touching_T
        Of which frames its labels of contact with the partner are known (boolean); of all when not given.
    """
    kind, labels = representation, representation.layout.labels
    world = kind.absolute(x_TC).clone()
    missing = given_TC - world
    if kind.winding is not None:
        missing[:, kind.winding] -= math.pi * torch.round(missing[:, kind.winding] / math.pi)
    if touching_T is not None:
        missing[:, kind.layout["partner_contact"]] *= touching_T[:, None]
    shift = faded(missing, frames_T)
    shift[~frames_T, labels] = 0.0
    world += shift
    if kind.winding is not None:
        world[:, kind.winding] = unwound(world[:, kind.winding], math.pi)
    return kind.relative(world)


def carried_on(x_TC: Tensor, before_SC: Tensor | None, representation: Representation) -> Tensor:
    """A take whose first frames are those (S, C) that were made before it; as it is where there are none."""
    if before_SC is None:
        return x_TC
    frames = torch.arange(len(x_TC), device=x_TC.device)
    given_TC = representation.absolute(before_SC)[frames.clamp(max=len(before_SC) - 1)]
    return with_frames(x_TC, given_TC, frames < len(before_SC), representation)


def faded(missing_TX: Tensor, kept_T: Tensor) -> Tensor:
    """What to add to a take: what is missing in the kept frames, and near them a share of it that fades out.

    Our choice: what is missing goes on past the edge as a straight line, so that neither place nor speed jumps, and half a
    cosine over :data:`BLEND` frames takes it away. Where fewer lie between two kept stretches it takes those, so that
    neither of the two edges moves the other.
    """
    result = torch.where(kept_T[:, None], missing_TX, 0.0)
    edges = (kept_T.diff().nonzero()[:, 0] + 1).tolist()
    bounds = [0, *edges, len(kept_T)]
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        if kept_T[start]:
            continue
        reach = min(BLEND, stop - start)
        away = torch.arange(1, reach + 1, device=missing_TX.device)
        share = 0.5 + 0.5 * torch.cos(math.pi * away / (reach + 1))
        for frame, back in ((start - 1, -1), (stop, 1)):  # the kept frames at its two ends
            if not 0 <= frame < len(kept_T):
                continue
            before = frame + back if 0 <= frame + back < len(kept_T) and kept_T[frame + back] else frame
            line = missing_TX[frame] + away[:, None] * (missing_TX[frame] - missing_TX[before])
            result[frame - back * away] += share[:, None] * line
    return result


def unwound(angle_T: Tensor, period: float) -> Tensor:
    """Angles without whole periods between a frame and the next; the first one stays."""
    turns = torch.round(angle_T.diff() / period).cumsum(dim=0)
    return torch.cat([angle_T[:1], angle_T[1:] - period * turns])
