"""Points back to SMPL-X parameters."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from interdance.body import pose
from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.body.skeleton import NUM_JOINTS
from interdance.body.skin import Skin
from interdance.errors import InputError
from interdance.metrics.interaction import contact_frequency, penetration_rate
from interdance.takes import Motion, read_motion, write_motion


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


@pytest.fixture(scope="module")
def motion() -> Motion:
    """A body of its own shape that moves every joint, fingers too, and turns all the way round."""
    rng = np.random.default_rng(2)
    num_frames = 120
    time_T1 = np.arange(num_frames)[:, None] / 30.0
    rotations = np.zeros((num_frames, 55, 3))
    for joint in (*range(1, 22), *range(25, 55)):
        swing = 0.3 if joint < 22 else 0.2
        rotations[:, joint] = swing * np.sin(time_T1 * rng.uniform(1, 5, 3) + rng.uniform(0, 6, 3))
    rotations[:, 25:40, 2] -= 0.4
    rotations[:, 40:55, 2] += 0.4
    rotations[:, 0] = Rotation.from_euler("y", 2.5 * time_T1).as_rotvec()
    translation = np.concatenate([3 + np.sin(time_T1), 0.9 + 0 * time_T1, np.cos(time_T1)], axis=1)
    betas = np.array([0.8, -1.2, 1.5, 0.3, -0.5, 0.7, 0, -0.4, 0.2, 0.6])
    return Motion(rotations.astype(np.float32), translation.astype(np.float32), betas.astype(np.float32), 30.0)


def angles(a: Motion, b: Motion) -> np.ndarray:
    """Degrees between the joints' rotations, (T, 55)."""
    first, second = (Rotation.from_rotvec(item.rotations_TJ3.reshape(-1, 3)) for item in (a, b))
    return np.degrees((first.inv() * second).magnitude()).reshape(-1, 55)


def joint_turns(motion: Motion) -> np.ndarray:
    """Degrees that each joint turns from one frame to the next, (T - 1, 55)."""
    return angles(motion[1:], motion[:-1])


def test_coefficients_are_the_model(body, motion):
    """Points as the coefficients have them, from true rotations, are those of the model: closed form, no fitting."""
    rest = Skin.of_surface(body)
    fit = pose._Fit(rest, motion.betas.astype(np.float64), np.arange(710))
    matrices = body.global_rotations(motion.rotations_TJ3.astype(np.float64))
    points = body.points(motion)
    made = fit.points(np.ascontiguousarray(matrices.transpose(1, 3, 0, 2)), points)
    assert np.abs(made - points).max() < 1e-5
    back = fit.motion(np.ascontiguousarray(matrices.transpose(1, 3, 0, 2)), points, 30.0)
    np.testing.assert_allclose(back.translation_T3, motion.translation_T3, atol=1e-5)


@pytest.mark.parametrize("known", [True, False])
def test_exact_points_come_back(body, motion, known):
    points = body.points(motion)
    found, residual = fit_motion(points, body, 30.0, betas=motion.betas if known else None)
    assert residual.shape == (120,) and residual.max() < 0.002
    np.testing.assert_allclose(residual, np.linalg.norm(body.points(found) - points, axis=2).mean(axis=1), atol=1e-5)
    assert np.abs(found.betas - motion.betas).max() < 0.1
    assert angles(found, motion)[:, :22].mean() < 0.5
    assert angles(found, motion)[:, 25:].mean() < 12


def test_noise_is_smoothed_without_jumps(body, motion):
    points = body.points(motion)
    noisy = points + np.random.default_rng(3).normal(0, 0.01, points.shape).astype(np.float32)
    found, residual = fit_motion(noisy, body, 30.0)
    assert np.linalg.norm(body.points(found) - points, axis=2).mean() < 0.005  # a third of the noise's mean length
    assert 0.014 < residual.mean() < 0.018
    assert joint_turns(found)[:, :22].max() < joint_turns(motion)[:, :22].max() + 12


def test_chunks_meet_without_a_seam(body, motion, monkeypatch):
    points = body.points(motion)
    noisy = points + np.random.default_rng(3).normal(0, 0.005, points.shape).astype(np.float32)
    whole, _ = fit_motion(noisy, body, 30.0, betas=motion.betas)
    monkeypatch.setattr(pose, "CHUNK", 40)
    found, _ = fit_motion(noisy, body, 30.0, betas=motion.betas)
    assert np.linalg.norm(body.points(found) - body.points(whole), axis=2).max() < 0.001
    step = np.linalg.norm(np.diff(body.points(found), axis=0), axis=2).mean(axis=1)
    true = np.linalg.norm(np.diff(points, axis=0), axis=2).mean(axis=1)
    assert np.abs(step - true)[[39, 79]].max() < 0.005


def test_pose_dependent_corrections_are_taken_into_account(body, motion):
    """A licensed model bulges with the pose; plain skinning cannot know, the fit asks the model itself."""

    class Bulging:
        model, surface_V = body.model, body.surface_V

        def points(self, motion: Motion) -> np.ndarray:
            points = body.points(motion)
            bend = np.linalg.norm(motion.rotations_TJ3[:, 18:20], axis=2).sum(axis=1)
            points[:, 400:600, 1] += 0.03 * bend[:, None].astype(np.float32)
            return points

    points = Bulging().points(motion)
    _, aware = fit_motion(points, Bulging(), 30.0, betas=motion.betas)
    _, plain = fit_motion(points, body, 30.0, betas=motion.betas)
    assert aware.mean() < 0.4 * plain.mean()


def test_far_poses_and_single_frames(body):
    rng = np.random.default_rng(5)
    rotations = rng.normal(0, 0.6, (40, 55, 3)).astype(np.float32)
    motion = Motion(rotations, np.zeros((40, 3), np.float32), np.zeros(10, np.float32), 30.0)
    points = body.points(motion)
    for frame in range(0, 40, 8):
        _, residual = fit_motion(points[frame : frame + 1], body, 30.0, betas=motion.betas, iterations=10)
        assert residual[0] < 0.006


def test_points_that_are_no_body_show_in_the_residual(body, motion):
    points = body.points(motion)[:10]
    _, good = fit_motion(points, body, 30.0)
    _, bad = fit_motion(points[:, np.random.default_rng(0).permutation(710)], body, 30.0, betas=np.zeros(10))
    assert good.max() < 0.002 and bad.min() > 0.1


def test_unusable_points_are_refused(body, motion):
    points = body.points(motion)[:5]
    broken = points.copy()
    broken[3, 100] = np.nan
    with pytest.raises(InputError, match="frame 3"):
        fit_motion(broken, body, 30.0)
    for wrong in (points[:, :700], points[:0], points[0]):
        with pytest.raises(InputError, match="710"):
            fit_motion(wrong, body, 30.0)


def test_it_is_fast_and_repeatable(body, motion):
    points = np.concatenate([body.points(motion)] * 4)
    start = time.process_time()
    first, _ = fit_motion(points, body, 30.0)
    assert len(points) / (time.process_time() - start) > 150  # ~700 on an idle core
    second, _ = fit_motion(points, body, 30.0)
    assert first.rotations_TJ3.tobytes() == second.rotations_TJ3.tobytes()


def test_contact_with_the_leader_survives_the_way_through_parameters(body, motion, tmp_path):
    """Noise makes single points touch that the body beneath them does not; the motion written has the body's contact."""
    leader = body.points(motion)[:, NUM_JOINTS:]
    beside = replace(motion, translation_T3=motion.translation_T3.copy(), rotations_TJ3=motion.rotations_TJ3.copy())
    beside.translation_T3[:, 0] += (0.3 + 0.35 * np.cos(np.arange(120) / 19.0)).astype(np.float32)
    beside.rotations_TJ3[:, 16:20] *= 0.5
    true = body.points(beside)
    noisy = true + np.random.default_rng(6).normal(0, 0.005, true.shape).astype(np.float32)  # 8 mm, as generated points
    write_motion(tmp_path / "follower.npz", fit_motion(noisy, body, 30.0)[0])
    back = body.points(read_motion(tmp_path / "follower.npz"))
    shown = (true, noisy, back)
    frequency = [contact_frequency(leader, points[:, NUM_JOINTS:]) for points in shown]
    rate = [penetration_rate(leader, points[:, NUM_JOINTS:], body.surface_faces) for points in shown]
    assert 0.3 < frequency[0] < 0.95 and rate[0] > 0.005, "they touch, and not always"
    # The bounds of docs/export.md
    assert abs(frequency[2] - frequency[1]) < 0.05 and abs(frequency[2] - frequency[0]) < 0.02
    assert abs(rate[2] - rate[1]) < 0.005 and abs(rate[2] - rate[0]) < 0.005
