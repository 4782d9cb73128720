"""Where a fit starts: rigid parts laid onto the points seen of them, trunk first, then limb by limb, in closed form."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from interdance.body.rotations import matrices, vectors
from interdance.body.skeleton import INDEX, NUM_JOINTS, PARENTS
from interdance.mocap.fit_target import Target
from interdance.mocap.hands import relaxed_hands
from interdance.mocap.solve import Pose, Seen, Solver

TRUNK = tuple(INDEX[name] for name in ("pelvis", "spine1", "spine2", "spine3"))
COLLARS = (INDEX["left_collar"], INDEX["right_collar"])
NEAR = 0.1  # metres: points of a rigid part farther off are doubted
LEAST_SPREAD = 0.03  # metres: points closer to a line than this do not tell how a part is turned
LEAN = 0.02  # to the parent's rotation, as a share of what the points say
FAR_SHARE = 0.1  # trust in points beyond the next joint
_BENDS = (  # joint, where its bone ends, where the next bone ends, the axis at rest of (first bone) x (second bone)
    ("left_hip", "left_knee", "left_ankle", (1.0, 0.0, 0.0)),
    ("right_hip", "right_knee", "right_ankle", (1.0, 0.0, 0.0)),
    ("left_shoulder", "left_elbow", "left_wrist", (0.0, -1.0, 0.0)),
    ("right_shoulder", "right_elbow", "right_wrist", (0.0, 1.0, 0.0)),
)


def riding(joints: range | tuple[int, ...] | list[int]) -> np.ndarray:
    """Groups (55,) in which each joint moves with its nearest ancestor among ``joints``; -1 above them."""
    groups = np.full(NUM_JOINTS, -1)
    for joint in range(NUM_JOINTS):
        if joint in joints:
            groups[joint] = list(joints).index(joint)
        elif PARENTS[joint] >= 0:
            groups[joint] = groups[PARENTS[joint]]
    return groups


def start_body(target: Target, seen: Seen, betas: np.ndarray, offsets_K3: np.ndarray) -> Pose:
    """A pose per frame: trunk by its points, then the limbs; fingers relaxed; frames with too little interpolated."""
    rest_K3, joints_J3 = target.rest(betas, offsets_K3)
    pose = _trunk(target, seen, rest_K3, joints_J3)
    solver = Solver(target.coefficients(betas, offsets_K3), riding(TRUNK))
    of_trunk = (target.hang_KJ[:, list(TRUNK)].sum(axis=1) > 0.5).astype(np.float64)
    for scale in (0.3, 0.15, 0.15):
        pose, _ = solver.step(_ride(pose), seen.only(of_trunk), scale, None)
    limbs = [joint for joint in range(1, 22) if joint not in TRUNK]
    return start_limbs(_ride(pose), limbs, target, seen, rest_K3, joints_J3)


def start_limbs(
    pose: Pose,
    limbs: list[int],
    target: Target,
    seen: Seen,
    rest_K3: np.ndarray,
    joints_J3: np.ndarray,
    root: int = 0,
) -> Pose:
    """Turn each of ``limbs``, parents first, onto the points that hang on it. The pose's place is that of joint ``root``."""
    turned = pose.globals_TJ33.copy()
    places = joint_places(Pose(turned, pose.root_T3), joints_J3)
    if root:
        places[:, root] = pose.root_T3
    is_seen = seen.trust_TK > 0
    for joint in limbs:
        parent = PARENTS[joint]
        places[:, joint] = places[:, parent] + turned[:, parent] @ (joints_J3[joint] - joints_J3[parent])
        hang = target.hang_KJ[:, joint] + FAR_SHARE * _beyond(target, joint)
        own = np.flatnonzero(hang > 0.02)
        local_lean = turned[:, parent] @ matrices(relaxed_hands().get(joint, np.zeros(3)))
        if not len(own):
            turned[:, joint] = local_lean
            continue
        arms = rest_K3[own] - joints_J3[joint]
        weight = np.where(is_seen[:, own], hang[own], 0.0)
        outward = np.where(is_seen[:, None, own], seen.points_T3K[:, :, own] - places[:, joint, :, None], 0.0)
        products = (outward * weight[:, None]) @ arms
        size = np.linalg.norm(products, axis=(1, 2), keepdims=True)
        products = products + _bend_plane(joint, target, seen, places[:, joint], joints_J3)
        known = weight.sum(axis=1) > 0.3 * hang[own].max()
        turned[:, joint] = _polar(products + (1e-9 + (0.3 if joint >= 25 else LEAN) * size) * local_lean)
        local = turned[:, parent].transpose(0, 2, 1) @ turned[:, joint]
        turned[:, joint] = turned[:, parent] @ _filled(local, known)
    return _ride(Pose(turned, pose.root_T3), after=limbs)


def joint_places(pose: Pose, joints_J3: np.ndarray) -> np.ndarray:
    """Positions of the joints (T, 55, 3)."""
    places = np.empty((len(pose.root_T3), NUM_JOINTS, 3))
    places[:, 0] = pose.root_T3
    for joint in range(1, NUM_JOINTS):
        parent = PARENTS[joint]
        places[:, joint] = places[:, parent] + pose.globals_TJ33[:, parent] @ (joints_J3[joint] - joints_J3[parent])
    return places


def _ride(pose: Pose, after: list[int] | None = None) -> Pose:
    """Joints that are not solved for keep a relaxed rotation to their parent: all but the trunk, or those after."""
    relaxed = relaxed_hands()
    fixed = [j for j in range(1, NUM_JOINTS) if (j not in TRUNK if after is None else j > max(after) or j in (22, 23, 24))]
    turned = pose.globals_TJ33.copy()
    for joint in fixed:
        turned[:, joint] = turned[:, PARENTS[joint]] @ matrices(relaxed.get(joint, np.zeros(3)))
    return Pose(turned, pose.root_T3)


def _trunk(target: Target, seen: Seen, rest_K3: np.ndarray, joints_J3: np.ndarray) -> Pose:
    """Pelvis and chest as two rigid parts, each leaning on the turn of both together; the spine between them."""
    count = len(seen.points_T3K)
    hips = target.hang_KJ[:, [0, INDEX["spine1"]]] @ [1.0, 0.5]
    chest = target.hang_KJ[:, [INDEX["spine3"], INDEX["spine2"], *COLLARS]] @ [1.0, 0.5, 0.5, 0.5]
    both, known = _rigid(seen, rest_K3, np.maximum(hips, chest))
    both = _filled(both, known)
    lower, _ = _rigid(seen, rest_K3, hips, both)
    upper, _ = _rigid(seen, rest_K3, chest, both)
    lower, upper = _filled(lower, known), _filled(upper, known)
    turned = np.tile(lower[:, None], (1, NUM_JOINTS, 1, 1))
    bend = vectors(lower.transpose(0, 2, 1) @ upper)
    for share, joint in ((1 / 3, "spine1"), (2 / 3, "spine2"), (1.0, "spine3")):
        turned[:, INDEX[joint]] = lower @ matrices(share * bend)
    root = np.full((count, 3), np.nan)
    for weight, rotation in ((hips, lower), (np.maximum(hips, chest), both)):
        trust = np.where(seen.trust_TK > 0, weight, 0.0)
        total = trust.sum(axis=1)
        off = seen.points_T3K - rotation @ (rest_K3 - joints_J3[0]).T
        mean = np.einsum("tik,tk->ti", np.where(trust[:, None] > 0, off, 0.0), trust) / np.maximum(total, 1e-9)[:, None]
        take = np.isnan(root[:, 0]) & known & (total > 0.5)
        root[take] = mean[take]
    return Pose(turned, _filled_places(root))


def _rigid(
    seen: Seen, rest_K3: np.ndarray, weight_K: np.ndarray, lean_T33: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Turn (T, 3, 3) of a rigid part by Procrustes, points that do not fit doubted; and where it is determined (T,)."""
    trust = np.where(seen.trust_TK > 0, weight_K, 0.0)
    points = np.where(trust[:, None] > 0, seen.points_T3K, 0.0)
    doubt = np.ones_like(trust)
    for _ in range(3):
        share = trust * doubt
        share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-9)
        middle, rest_middle = np.einsum("tik,tk->ti", points, share), share @ rest_K3
        arms = rest_K3.T - rest_middle[:, :, None]
        outward = points - middle[:, :, None]
        products = (outward * share[:, None]) @ arms.transpose(0, 2, 1)
        spread = np.linalg.svd(products, compute_uv=False)[:, 1]
        if lean_T33 is not None:
            products = products + (0.05 * np.einsum("tik,tik,tk->t", arms, arms, share)[:, None, None] + 1e-9) * lean_T33
        turned = _polar(products)
        error = np.linalg.norm(outward - turned @ arms, axis=1)
        doubt = 1.0 / (1.0 + (error / NEAR) ** 2) ** 2
    known = ((trust > 0).sum(axis=1) >= 3) & (spread > LEAST_SPREAD**2)
    return turned, known


def _bend_plane(joint: int, target: Target, seen: Seen, place_T3: np.ndarray, joints_J3: np.ndarray) -> np.ndarray:
    """What the plane of a bent limb says about the twist of its upper part (T, 3, 3), where the joints are observed."""
    result = np.zeros((len(place_T3), 3, 3))
    rows = {int(row): k for k, row in enumerate(target.rows_K)}
    for name, middle, end, axis in _BENDS:
        if INDEX[name] != joint or INDEX[middle] not in rows or INDEX[end] not in rows:
            continue
        first, second = rows[INDEX[middle]], rows[INDEX[end]]
        both = (seen.trust_TK[:, first] > 0) & (seen.trust_TK[:, second] > 0)
        bone = np.where(both[:, None], seen.points_T3K[:, :, first] - place_T3, 0.0)
        after = np.where(both[:, None], seen.points_T3K[:, :, second] - seen.points_T3K[:, :, first], 0.0)
        result += np.cross(bone, after)[:, :, None] * np.array(axis)
    return result


def _beyond(target: Target, joint: int) -> np.ndarray:
    """Weight (K,) of what hangs on the joint's child: its points tell the direction of this one, roughly."""
    children = [child for child in range(1, NUM_JOINTS) if PARENTS[child] == joint]
    return np.asarray(target.hang_KJ[:, children].sum(axis=1))


def _polar(matrix: np.ndarray) -> np.ndarray:
    """The rotation nearest to ``sum z x^T`` (..., 3, 3)."""
    left, _, right = np.linalg.svd(matrix)
    left[..., :, 2] *= np.sign(np.linalg.det(left) * np.linalg.det(right))[..., None]
    return np.asarray(left @ right)


def _filled(turned: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) with the unknown ones interpolated from the known, the ends held; identity if none is known."""
    if known.all():
        return turned
    frames = np.flatnonzero(known)
    if not len(frames):
        return np.tile(np.eye(3), (len(turned), 1, 1))
    if len(frames) == 1:
        return np.tile(turned[frames], (len(turned), 1, 1))
    wanted = np.clip(np.arange(len(turned)), frames[0], frames[-1])
    return np.asarray(Slerp(frames, Rotation.from_matrix(turned[frames]))(wanted).as_matrix())


def _filled_places(places_T3: np.ndarray) -> np.ndarray:
    known = np.isfinite(places_T3[:, 0])
    frames, wanted = np.flatnonzero(known), np.arange(len(places_T3))
    if not len(frames):
        return np.zeros_like(places_T3)
    return np.stack([np.interp(wanted, frames, places_T3[known, i]) for i in range(3)], axis=1)
