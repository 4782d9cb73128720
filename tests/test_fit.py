"""Markers and joint positions back to SMPL-X: round trips, gaps, outliers, real captures, and what is refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import shared
from scipy.optimize import approx_fprime
from scipy.spatial.transform import Rotation

from interdance.body.model import Body
from interdance.body.rotations import to_global
from interdance.body.skin import Skin
from interdance.errors import InputError
from interdance.mocap.c3d import read_c3d
from interdance.mocap.fit import Fit, FitSettings, fit_joints, fit_markers
from interdance.mocap.fit_prior import body_leans, body_limits
from interdance.mocap.fit_start import riding
from interdance.mocap.fit_target import Target
from interdance.mocap.markers import MarkerPoints, find_marker_set, load_marker_set, render_markers
from interdance.mocap.solve import Pose, Seen, Solver
from interdance.takes import Motion

BODY_JOINTS = list(range(22))
FINGERS = list(range(25, 55))


@pytest.fixture(scope="module")
def body() -> Body:
    torch.set_num_threads(1)
    return Body.load()


@pytest.fixture(scope="module")
def motion() -> Motion:
    """A dancer of her own shape who turns round, bends knees, elbows and waist, and moves her fingers; 4 s."""
    rng = np.random.default_rng(2)
    t = np.arange(120)[:, None] / 30.0
    rotations = np.zeros((len(t), 55, 3))
    for joint in range(1, 22):
        rotations[:, joint] = 0.15 * np.sin(t * rng.uniform(1, 4, 3) + rng.uniform(0, 6, 3))
    for side, sign in ((0, 1.0), (1, -1.0)):
        swing = np.sin(3.0 * t[:, 0] + 3.0 * side)
        rotations[:, 1 + side] = np.stack([-0.4 + 0.4 * swing, 0 * swing, 0 * swing], 1)
        rotations[:, 4 + side] = np.stack([0.6 - 0.5 * swing, 0 * swing, 0 * swing], 1)
        rotations[:, 10 + side] = 0.0
        rotations[:, 16 + side] += [0.2, 0.0, -0.9 * sign]
        rotations[:, 18 + side] = np.stack([0 * swing, sign * (-0.9 + 0.6 * swing), 0 * swing], 1)
        for joint in range(25 + 15 * side, 40 + 15 * side):
            rotations[:, joint, 2] = -sign * (0.4 + 0.3 * np.sin(t[:, 0] * rng.uniform(1, 4)))
    rotations[:, 0] = Rotation.from_euler("y", 1.5 * t).as_rotvec()
    place = np.concatenate([1 + 0.5 * np.sin(t), 0.9 + 0.03 * np.sin(5 * t), 0.5 * np.cos(t)], axis=1)
    betas = np.array([0.8, -1.0, 0.5, 0.3, -0.5, 0.5, 0, 0, 0, 0])
    return Motion(rotations.astype(np.float32), place.astype(np.float32), betas.astype(np.float32), 30.0)


@pytest.fixture(scope="module")
def marker_points(body) -> MarkerPoints:
    return load_marker_set("production53").on(body)


def spoiled(points: np.ndarray, noise: float, missing: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    result = points + rng.normal(0.0, noise, points.shape)
    result[rng.random(points.shape[:2]) < missing] = np.nan
    return result


def joint_errors(fit: Fit, motion: Motion, body: Body) -> np.ndarray:
    """Millimetres (T, 55) between the joints of the fit and the true ones."""
    return 1000.0 * np.linalg.norm(body.joints(fit.motion) - body.joints(motion), axis=2)


# ------------------------------------------------------------------------------------------------------------ the parts


def test_skin_is_the_model(body, motion):
    """Points at chosen places of the full mesh, by their coefficients and true rotations, are those of the model."""
    rng = np.random.default_rng(0)
    triangles = body.faces[rng.integers(len(body.faces), size=30)]
    weights = np.concatenate([np.tile(np.eye(3), (5, 1)), rng.dirichlet(np.ones(3), size=15)])
    skin = Skin(body, triangles, weights)
    frames = [0, 70, 119]
    rest = skin.points(motion.betas.astype(np.float64))
    turned = body.global_rotations(motion.rotations_TJ3[frames].astype(np.float64))
    made = np.einsum("tjab,kjb->tka", turned, skin.coefficients(rest)) + (motion.translation_T3[frames] + rest[0])[:, None]
    mesh = body.vertices(motion, frames)
    expected = np.einsum("mi,tmic->tmc", weights, mesh[:, triangles])
    np.testing.assert_allclose(made[:, 55:70], expected[:, :15], atol=2e-5)  # vertices
    np.testing.assert_allclose(made[:, 70:], expected[:, 15:], atol=1e-3)  # within triangles skinning weights are blended
    np.testing.assert_allclose(made[:, :55], body.joints(motion)[frames], atol=2e-5)
    assert skin.pose_change(turned) is None


def test_normal_equations_are_the_slope_of_the_cost(body, motion):
    """The right side of a step is minus the gradient of the stated cost, by finite differences."""
    target = Target.of_joints(body, np.arange(22))
    offsets = np.zeros((22, 3))
    solver = Solver(target.coefficients(np.zeros(10), offsets), riding(BODY_JOINTS), body_leans(), body_limits())
    rng = np.random.default_rng(1)
    local = Rotation.from_rotvec(rng.normal(0, 0.5, (55, 3))).as_matrix()[None]
    pose = Pose(to_global(local), np.array([[0.1, 0.9, -0.2]]))
    _, points = solver.arms(pose)
    seen = Seen(points + rng.normal(0, 0.05, points.shape), np.full((1, 22), 1e4))
    scale = 0.1

    def cost(change: np.ndarray) -> float:
        moved = solver.moved(pose, change[None])
        square = ((seen.points_T3K - solver.arms(moved)[1]) ** 2).sum(axis=1)
        total = 0.5 * float((seen.trust_TK * square / (1.0 + square / scale**2)).sum())
        for lean in solver.leans:
            own, parent = moved.globals_TJ33[0, lean.joint], moved.globals_TJ33[0, body.parents_J[lean.joint]]
            bend = Rotation.from_matrix(parent.T @ own).as_rotvec()
            total += 0.5 * float((((bend - lean.mean) / lean.std) ** 2).sum())
        for limit in solver.limits:
            own, parent = moved.globals_TJ33[0, limit.joint], moved.globals_TJ33[0, body.parents_J[limit.joint]]
            off = float(limit.along @ parent.T @ own @ limit.carried) - limit.low
            total += 0.5 * (off / limit.std) ** 2 if limit.is_equal or off < 0 else 0.0
        return total

    _, right, *_ = solver.normal(pose, seen, scale)
    slope = approx_fprime(np.zeros(solver.size), cost, 1e-6)
    np.testing.assert_allclose(-right[0], slope, rtol=2e-3, atol=2e-3 * np.abs(slope).max())


# ----------------------------------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("known", [True, False])
def test_55_joints_come_back(body, motion, known):
    fit = fit_joints(body.joints(motion), range(55), body, 30.0, motion.betas if known else None)
    errors = joint_errors(fit, motion, body)
    assert errors[:, :22].mean() < (0.5 if known else 2.0) and errors[:, FINGERS].mean() < (0.5 if known else 2.0)
    assert fit.offsets_K3 is None and fit.motion.fps == 30.0 and fit.names[15] == "head"
    if not known:
        assert abs(fit.motion.betas[0] - 0.8) < 0.15 and abs(fit.motion.betas[1] + 1.0) < 0.15


def test_55_joints_with_noise_and_gaps(body, motion):
    joints = spoiled(body.joints(motion), 0.002, 0.25)
    fit = fit_joints(joints, range(55), body, 30.0)
    errors = joint_errors(fit, motion, body)
    assert errors[:, :22].mean() < 5.0 and errors[:, FINGERS].mean() < 5.0
    assert np.isnan(fit.residuals_m_TK).sum() == np.isnan(joints[..., 0]).sum()
    summary = fit.summary()
    assert summary["mean"] < 0.0045 and 0.2 < summary["missing"] < 0.3 and len(summary["points"]) == 55
    json.dumps(summary)


def test_22_joints_leave_the_hands_relaxed(body, motion):
    fit = fit_joints(spoiled(body.joints(motion)[:, :22], 0.002, 0.2), BODY_JOINTS, body, 30.0)
    assert joint_errors(fit, motion, body)[:, :22].mean() < 5.0
    knees, elbows = fit.motion.rotations_TJ3[:, 4:6], fit.motion.rotations_TJ3[:, 18:20]
    assert knees[..., 0].min() > -0.15, "a knee bends forwards"
    assert elbows[:, 0, 1].max() < 0.3 and elbows[:, 1, 1].min() > -0.3, "an elbow bends backwards"
    assert np.ptp(fit.motion.rotations_TJ3[:, FINGERS], axis=0).max() < 1e-3


def test_fingertips_count(body, motion):
    """Points 66 to 75 of SMPL-X's output are fingertips: they tell what the last joint of a finger does."""
    tips = body.model.vertex_joint_selector.extra_joints_idxs.numpy()[11:]
    points = np.concatenate([body.joints(motion), body.vertices(motion)[:, tips]], axis=1)
    fit = fit_joints(points, [*range(55), *range(66, 76)], body, 30.0, motion.betas)
    assert np.abs(fit.residuals_m_TK).mean() < 0.001 and fit.names[-1] == "right_pinky_tip"
    last = [27, 30, 33, 36, 42, 45, 48, 51]
    bend = Rotation.from_rotvec(fit.motion.rotations_TJ3[:, last].reshape(-1, 3))
    true = Rotation.from_rotvec(motion.rotations_TJ3[:, last].reshape(-1, 3))
    assert np.degrees((bend.inv() * true).magnitude()).mean() < 6.0


def test_markers_with_noise_and_gaps(body, motion, marker_points):
    seen = render_markers(motion, marker_points, body, 0.002, 0.25, np.random.default_rng(0))
    assert 0.15 < np.isnan(seen[..., 0]).mean() < 0.35
    fit = fit_markers(seen, marker_points.names, marker_points, body, 30.0)
    assert np.nanmean(fit.residuals_m_TK) < 0.003
    assert joint_errors(fit, motion, body)[:, :22].mean() < 10.0
    assert fit.offsets_K3.shape == (53, 3)


def test_offsets_of_markers_are_found(body, motion, marker_points):
    """A marker put 2 cm along the skin and 1 cm off it is found there, nearly, and the body is not bent towards it."""
    seen = render_markers(motion, marker_points, body).astype(np.float64)
    target = Target.of_markers(body, marker_points)
    k = marker_points.names.index("LTHI") if "LTHI" in marker_points.names else 25
    moved = target.surface_frames()[k] @ [0.0, 0.02, 0.01]
    turned = body.global_rotations(motion.rotations_TJ3.astype(np.float64))
    seen[:, k] += target.carried(turned)[:, k] @ moved
    fit = fit_markers(seen, marker_points.names, marker_points, body, 30.0, motion.betas)
    expected = np.array([0.0, 0.02, 0.01 + marker_points.offset_m_M[k]])
    assert np.linalg.norm(fit.offsets_K3[k] - expected) < 0.007
    assert joint_errors(fit, motion, body)[:, :22].mean() < 5.0


def test_outliers_and_swapped_labels_are_doubted(body, motion, marker_points):
    seen = render_markers(motion, marker_points, body, 0.002, 0.05, np.random.default_rng(1)).astype(np.float64)
    rng = np.random.default_rng(5)
    astray = rng.random(seen.shape[:2]) < 0.03
    seen[astray] += rng.normal(0.0, 0.3, (int(astray.sum()), 3))
    names = marker_points.names
    for left in [k for k, name in enumerate(names) if name[0] == "L" and "R" + name[1:] in names]:
        right, first = names.index("R" + names[left][1:]), int(rng.integers(0, 110))
        seen[first : first + 8, [left, right]] = seen[first : first + 8, [right, left]]
    errors = joint_errors(fit_markers(seen, names, marker_points, body, 30.0), motion, body)[:, :22]
    assert errors.mean() < 10.0 and np.percentile(errors, 99) < 40.0


def test_a_stretch_without_anything_is_bridged(body, motion, marker_points):
    seen = render_markers(motion, marker_points, body, 0.001, 0.05, np.random.default_rng(1)).astype(np.float64)
    seen[60:72] = np.nan
    seen[:4] = np.nan
    seen[90:105, [k for k, name in enumerate(marker_points.names) if name[:1] == "L"]] = np.nan
    fit = fit_markers(seen, marker_points.names, marker_points, body, 30.0, motion.betas)
    assert np.isfinite(fit.motion.rotations_TJ3).all() and np.isfinite(fit.motion.translation_T3).all()
    errors = joint_errors(fit, motion, body)[:, :22]
    assert errors[60:72].mean() < 80.0 and errors[20:55].mean() < 10.0
    turns = Rotation.from_rotvec(fit.motion.rotations_TJ3[:-1, 0]).inv() * Rotation.from_rotvec(fit.motion.rotations_TJ3[1:, 0])
    assert np.degrees(turns.magnitude()).max() < 12.0


def test_no_frame_is_complete(body, motion):
    joints = body.joints(motion)[:, :22].astype(np.float64)
    for frame in range(len(joints)):
        joints[frame, (frame * 7 + np.array([0, 3, 8, 13, 19])) % 22] = np.nan
    fit = fit_joints(joints, BODY_JOINTS, body, 30.0)
    assert joint_errors(fit, motion, body)[:, :22].mean() < 5.0


def test_world_and_rate_stay_the_callers(body, motion):
    """A body moved, turned and lifted is fitted where it is; at another rate the poses are the same; no floor is made up."""
    joints = body.joints(motion)[:, :22].astype(np.float64)
    turn = Rotation.from_euler("xyz", [0.4, 2.0, -0.3]).as_matrix()
    away = joints @ turn.T + [5.0, -3.0, 2.0]
    fit = fit_joints(away, BODY_JOINTS, body, 30.0, motion.betas)
    assert np.linalg.norm(body.joints(fit.motion)[:, :22] - away, axis=2).mean() < 0.001
    fine = np.stack([np.interp(np.arange(476) / 4.0, np.arange(120), column) for column in joints.reshape(120, -1).T], axis=1)
    fast = fit_joints(fine.reshape(476, 22, 3), BODY_JOINTS, body, 120.0, motion.betas)
    assert np.linalg.norm(body.joints(fast.motion)[::4, :22] - joints[:119], axis=2).mean() < 0.003


def test_chunks_join_without_a_seam(body, motion, marker_points):
    seen = render_markers(motion, marker_points, body, 0.002, 0.2, np.random.default_rng(3))
    whole = fit_markers(seen, marker_points.names, marker_points, body, 30.0, motion.betas)
    parts = fit_markers(seen, marker_points.names, marker_points, body, 30.0, motion.betas, FitSettings(chunk=40))
    apart = np.linalg.norm(body.joints(whole.motion) - body.joints(parts.motion), axis=2)[:, :22]
    assert apart.mean() < 0.002 and apart[38:43].mean() < 0.004
    speed = np.linalg.norm(np.diff(body.joints(parts.motion)[:, :22], axis=0), axis=2).max(axis=1)
    assert speed[[39, 79]].max() < 1.5 * np.median(speed) + 0.02


@pytest.mark.parametrize("count", [1, 2, 3])
def test_single_frames(body, motion, count):
    joints = body.joints(motion)[:count]
    fit = fit_joints(joints, range(55), body, 30.0, motion.betas)
    assert fit.motion.num_frames == count and joint_errors(fit, motion[:count], body)[:, :22].mean() < 3.0


def test_pose_corrections_of_a_licensed_body_are_taken_into_account(body, motion, marker_points):
    """With corrections that depend on the pose, markers rendered from the model are met as well as without."""
    bulging = copy.copy(body)
    model = type(body.model).__new__(type(body.model))
    model.__dict__ = dict(body.model.__dict__)
    model._buffers = dict(body.model._buffers)
    generator = torch.Generator().manual_seed(0)
    model._buffers["posedirs"] = 0.004 * torch.randn(body.model.posedirs.shape[0], 1, generator=generator).expand_as(
        body.model.posedirs
    )
    bulging.model = model
    seen = render_markers(motion[:60], marker_points, bulging)
    aware = fit_markers(seen, marker_points.names, marker_points, bulging, 30.0, motion.betas)
    plain = fit_markers(seen, marker_points.names, marker_points, body, 30.0, motion.betas)
    assert np.nanmean(aware.residuals_m_TK) < 0.5 * np.nanmean(plain.residuals_m_TK)


# ------------------------------------------------------------------------------------------------------------- real data


def inter_x(person: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    folder = shared("data", "smplx")
    meta = json.loads((folder / "interx_sample_meta.json").read_text())
    joints = np.load(folder / f"interx_sample_{person}_joints.npy")[:, meta["used_joints"]]
    return joints, np.array(meta["smplx_joint_of_used"]), np.array(meta["persons"][person]["smplx_betas"])


@pytest.mark.parametrize("given", [False, True])
def test_inter_x_with_fingers(body, given):
    """Another maker's skeleton: hips, spine and collars sit elsewhere, by offsets that hold for the take."""
    joints, ids, betas = inter_x("p1")
    frames = slice(0, 824, 4)  # at 30 frames per second
    fit = fit_joints(joints[frames], ids, body, 30.0, betas if given else None)
    of_body = ids < 22
    assert fit.residuals_m_TK[:, of_body].mean() < 0.008 and fit.residuals_m_TK[:, ~of_body].mean() < 0.008
    assert fit.offsets_K3 is not None and np.linalg.norm(fit.offsets_K3, axis=1).max() < 0.12
    if not given:
        assert np.abs(fit.motion.betas).max() < 2.5
    made = body.joints(fit.motion)
    wrists = np.linalg.norm(made[:, [20, 21]] - joints[frames][:, [list(ids).index(20), list(ids).index(21)]], axis=2)
    assert wrists.mean() < 0.02


def capture(name: str, body: Body) -> tuple[np.ndarray, tuple[str, ...], MarkerPoints, float]:
    take = read_c3d(Path(shared("data", "c3d", name)))
    found = find_marker_set(take.path, take.names, take.positions_TM3, body)
    columns = found.match(take.names)
    return take.positions_TM3[:, list(columns.values())], tuple(columns), found.on(body), take.fps


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("cmu_85_02.c3d", 0.010),
        pytest.param("numediart_rolling_gaps.c3d", 0.015, marks=pytest.mark.slow),
    ],
)
def test_captures(body, name, most):
    """Limbs bend as limbs do; whole files of every kind are fitted in ``test_markers.py``."""
    markers, names, points, fps = capture(name, body)
    fit = fit_markers(markers, names, points, body, fps)
    summary = fit.summary()
    assert fit.motion.num_frames == len(markers) and summary["mean"] < most
    assert np.isfinite(fit.motion.rotations_TJ3).all()
    elbows, ankles = fit.motion.rotations_TJ3[:, 18:20], fit.motion.rotations_TJ3[:, 7:9]
    assert fit.motion.rotations_TJ3[:, 4:6, 0].min() > -0.5, "a knee bends forwards"
    assert np.percentile(elbows[:, 0, 1], 99) < 0.5 and np.percentile(elbows[:, 1, 1], 1) > -0.5, "an elbow bends backwards"
    assert (np.linalg.norm(ankles, axis=2) > 1.6).mean() < 0.002, "a foot folds over"


# --------------------------------------------------------------------------------------------------------------- refusals


def test_what_cannot_be_fitted_is_refused(body, motion, marker_points):
    joints = body.joints(motion)[:10, :22].astype(np.float64)
    for wrong, said in (
        (joints[:0], "shape"),
        (joints[0], "shape"),
        (joints[:, :20], "20 columns, but 22 names"),
        (np.full_like(joints, np.nan), "missing"),
        (1000.0 * joints, "millimetres"),
        (100.0 * joints, "centimetres"),
        (0.01 * joints, "no body"),
        ([["a", "b"]], "numbers"),
    ):
        with pytest.raises(InputError, match=said):
            fit_joints(wrong, BODY_JOINTS, body, 30.0)
    with pytest.raises(InputError, match="frames per second"):
        fit_joints(joints, BODY_JOINTS, body, float("nan"))
    with pytest.raises(InputError, match="between 0 and 75"):
        fit_joints(joints, [*range(21), 99], body, 30.0)
    with pytest.raises(InputError, match="betas"):
        fit_joints(joints, BODY_JOINTS, body, 30.0, np.zeros(9))
    with pytest.raises(InputError, match="left leg"):
        legless = [joint for joint in BODY_JOINTS if joint not in (1, 4, 7, 10)]
        fit_joints(joints[:, legless], legless, body, 30.0)
    with pytest.raises(InputError, match="the hips, the chest"):
        fit_joints(joints[:, [4, 5, 7, 8, 18, 19, 20, 21]], [4, 5, 7, 8, 18, 19, 20, 21], body, 30.0)
    seen = render_markers(motion[:10], marker_points, body)
    with pytest.raises(InputError, match="none of the 53"):
        fit_markers(seen, [f"x{k}" for k in range(53)], marker_points, body, 30.0)
    with pytest.raises(InputError, match="same name"):
        fit_markers(seen, [marker_points.names[0]] * 53, marker_points, body, 30.0)
    hidden = seen.copy()
    hidden[:, [k for k, name in enumerate(marker_points.names) if name[0] == "L"]] = np.nan
    with pytest.raises(InputError, match="left arm.*left leg"):
        fit_markers(hidden, marker_points.names, marker_points, body, 30.0)
