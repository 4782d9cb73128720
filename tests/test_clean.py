"""A finished motion freed of jitter, sliding feet and a wrong floor, and otherwise left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from interdance import config
from interdance.body.model import Body
from interdance.body.skeleton import PARENTS
from interdance.config import CleanParams
from interdance.errors import InputError
from interdance.generation.clean import changes, clean_motion, low_pass, standing
from interdance.metrics.rhythm import motion_beats
from interdance.takes import Motion
from tests.conftest import REPOSITORY

FRAMES = 150
LEFT, RIGHT = [7, 10], [8, 11]
FLOOR = [0, 2]


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


@pytest.fixture(scope="module")
def params() -> CleanParams:
    return config.load(REPOSITORY / "params.yaml").clean


def dancing(body: Body, slide: float = 0.0, sink: float = 0.0) -> Motion:
    """Somebody with bent knees who stands and swings the arms, and is carried along +X at ``slide`` m/s, ``sink`` m deep."""
    time_T = np.arange(FRAMES) / 30.0
    rotations = np.zeros((FRAMES, 55, 3), np.float32)
    rotations[:, [1, 2], 0], rotations[:, [4, 5], 0], rotations[:, [7, 8], 0] = -0.3, 0.6, -0.3
    swing = 0.5 * np.sin(2 * np.pi * 1.2 * time_T)
    rotations[:, 16, 2], rotations[:, 17, 2], rotations[:, 16, 1] = -1.0 + swing, 1.0 + swing, 0.3 * swing
    still = Motion(rotations, np.zeros((FRAMES, 3), np.float32), np.zeros(10, np.float32), 30.0)
    translation = np.zeros((FRAMES, 3), np.float32)
    translation[:, 1] = -body.points(still[:1])[0, 55:, 1].min() - sink
    translation[:, 0] = slide * time_T
    return replace(still, translation_T3=translation)


def stands(*joints: int, first: int = 0, last: int = FRAMES) -> np.ndarray:
    """Labels (T, 4) of left ankle, right ankle, left foot, right foot."""
    labels = np.zeros((FRAMES, 4), np.float32)
    labels[first:last, [(7, 8, 10, 11).index(joint) for joint in joints]] = 1.0
    return labels


def test_a_slide_of_a_standing_foot_is_taken_out_and_the_other_foot_left_alone(body: Body, params: CleanParams) -> None:
    motion, labels = dancing(body, slide=0.1), stands(*LEFT, first=60, last=84)
    cleaned = clean_motion(motion, labels, body, replace(params, cutoff=0.0))
    before, after = body.points(motion), body.points(cleaned.motion)
    step = np.linalg.norm(np.diff(after[60:84, LEFT][..., FLOOR], axis=0), axis=-1)
    assert np.linalg.norm(np.diff(before[60:84, LEFT][..., FLOOR], axis=0), axis=-1).min() > 0.003
    assert step.max() < 1e-4
    assert (cleaned.held_T4 == labels.astype(bool)).all()
    np.testing.assert_allclose(after[:, RIGHT], before[:, RIGHT], atol=5e-4)
    np.testing.assert_allclose(after[:53], before[:53], atol=1e-3)
    np.testing.assert_allclose(after[91:], before[91:], atol=1e-3)
    trunk_and_arms = [0, 3, 6, 9, 12, 15, *range(16, 22)]
    np.testing.assert_allclose(after[:, trunk_and_arms], before[:, trunk_and_arms], atol=5e-4)


def test_a_foot_that_is_not_labelled_goes_on_sliding(body: Body, params: CleanParams) -> None:
    motion = dancing(body, slide=0.1)
    cleaned = clean_motion(motion, np.zeros((FRAMES, 4)), body, replace(params, cutoff=0.0))
    assert not cleaned.held_T4.any()
    np.testing.assert_allclose(body.points(cleaned.motion), body.points(motion), atol=1e-3)


def test_what_is_clean_already_hardly_changes(body: Body, params: CleanParams) -> None:
    motion = dancing(body)
    cleaned = clean_motion(motion, stands(*LEFT, *RIGHT), body, params)
    away = np.linalg.norm(body.points(cleaned.motion) - body.points(motion), axis=-1)
    assert away[10:-10].max() < 1e-3
    assert away.max() < 3e-3, "a filter knows less at the ends"


def test_bones_keep_their_lengths_and_a_hold_ends_without_a_jerk(body: Body, params: CleanParams) -> None:
    motion = dancing(body, slide=0.15)
    cleaned = clean_motion(motion, stands(*LEFT, first=60, last=78), body, replace(params, cutoff=0.0))
    parents = np.asarray(PARENTS[1:])
    lengths = [np.linalg.norm(x[:, 1:] - x[:, parents], axis=-1) for x in map(body.joints, (cleaned.motion, motion))]
    np.testing.assert_allclose(*lengths, atol=1e-5)
    # It was carried 42 mm away: back at once that is a step, within `blend` frames as gentle as a step of a dance.
    abrupt = clean_motion(motion, stands(*LEFT, first=60, last=78), body, replace(params, cutoff=0.0, blend=1))
    bends = [np.linalg.norm(np.diff(body.joints(item.motion)[:, LEFT], n=2, axis=0), axis=-1) for item in (cleaned, abrupt)]
    assert bends[0].max() < 0.01 < 0.035 < bends[1].max()


@pytest.mark.parametrize("sink", [0.03, -0.03])
def test_standing_feet_come_to_the_floor_and_no_foot_is_below(body: Body, params: CleanParams, sink: float) -> None:
    motion = dancing(body, sink=sink)
    cleaned = clean_motion(motion, stands(*LEFT, first=40, last=110), body, params)
    heights = body.points(cleaned.motion)[:, 55:, 1]
    owner = body.weights_VJ.argmax(axis=1)
    left, right = (heights[:, np.isin(owner, feet)].min(axis=1) for feet in (LEFT, RIGHT))
    assert np.abs(left[40:110]).max() < 1e-4
    assert min(left.min(), right.min()) > -1e-4
    assert np.abs(right - max(-sink, 0.0)).max() < 1e-3, "in the air it stays where it is"


def test_the_pelvis_sinks_where_a_straight_leg_is_too_short(body: Body, params: CleanParams) -> None:
    motion = dancing(body, sink=-0.04)
    straight = motion.rotations_TJ3.copy()
    straight[:, [1, 2, 4, 5, 7, 8]] = 0.0
    motion = replace(motion, rotations_TJ3=straight)
    lowest = body.points(motion)[0, 55:, 1].min()
    motion = replace(motion, translation_T3=motion.translation_T3 - np.array([0, lowest - 0.04, 0], np.float32))
    after = body.points(clean_motion(motion, stands(*LEFT, *RIGHT), body, params).motion)
    assert np.abs(after[:, 55:, 1].min(axis=1)).max() < 1e-3
    np.testing.assert_allclose(after[:, 0, 1], body.points(motion)[:, 0, 1] - 0.04, atol=2e-3)


def test_a_wandering_stand_is_held_in_parts_and_one_far_from_the_floor_not_put_on_it(body: Body, params: CleanParams) -> None:
    motion = dancing(body, slide=0.1)  # half a metre in all
    cleaned = clean_motion(motion, stands(*LEFT, *RIGHT), body, replace(params, cutoff=0.0))
    moved = np.linalg.norm((body.joints(cleaned.motion) - body.joints(motion))[:, [*LEFT, *RIGHT]], axis=-1)
    assert cleaned.held_T4.mean() > 0.5
    assert moved.max() < 1.5 * params.reach
    lifted = replace(motion, translation_T3=motion.translation_T3 + np.array([0, 0.5, 0], np.float32))
    after = body.points(clean_motion(lifted, stands(*LEFT, *RIGHT), body, params).motion)
    assert after[:, 55:, 1].min() > 0.45


def test_jitter_goes_and_beats_stay(body: Body) -> None:
    rng = np.random.default_rng(4)
    motion = dancing(body)
    time_T1 = np.arange(FRAMES)[:, None] / 30.0
    rotations = motion.rotations_TJ3.copy()
    for joint in (1, 2, 3, 4, 5, 16, 17, 18, 19):  # two beats a second, and movement between them
        rotations[:, joint] += 0.25 * np.sin(np.pi * 2.0 * time_T1 + rng.uniform(0, 0.4, 3))
    true = replace(motion, rotations_TJ3=rotations)
    noise = rng.normal(0, 0.02, rotations.shape).astype(np.float32)
    noisy = replace(true, rotations_TJ3=rotations + noise - gaussian_filter1d(noise, 1.0, axis=0))
    smoothed = low_pass(noisy, 6.0)
    jerk = [np.linalg.norm(np.diff(body.joints(item), n=3, axis=0), axis=-1).mean() for item in (true, noisy, smoothed)]
    assert jerk[2] - jerk[0] < 0.25 * (jerk[1] - jerk[0])
    for item in (true, noisy):
        given, left = (motion_beats(body.joints(motion)) for motion in (true, low_pass(item, 6.0)))
        assert len(given) == len(left) >= 8
        assert np.abs(given - left).max() <= 1


def test_turns_past_half_a_circle_and_short_clips_are_filtered_too(body: Body) -> None:
    motion = dancing(body)
    rotations = motion.rotations_TJ3.copy()
    angle = 2.0 * np.arange(FRAMES) / 30.0
    rotations[:, 0, 1] = np.mod(angle + np.pi, 2 * np.pi) - np.pi
    turning = replace(motion, rotations_TJ3=rotations)
    away = np.linalg.norm(body.joints(low_pass(turning, 6.0)) - body.joints(turning), axis=-1)
    assert away[10:-10].max() < 1e-3
    assert np.isfinite(low_pass(motion[:2], 6.0).rotations_TJ3).all()
    with pytest.raises(InputError, match=r"clean.cutoff: 15.0 Hz"):
        low_pass(motion, 15.0)


def test_a_pose_that_flips_is_not_smeared_over_the_frames_about(body: Body) -> None:
    motion = dancing(body)
    rotations = motion.rotations_TJ3.copy()
    rotations[75:, 16, 2] += 2.5
    flipping = replace(motion, rotations_TJ3=rotations)
    away = np.linalg.norm(body.joints(low_pass(flipping, 6.0)) - body.joints(flipping), axis=-1)
    assert away[10:-10].max() < 0.05, "the hand is half a metre away between the two poses"
    np.testing.assert_allclose(away[73:77], 0.0, atol=1e-6)


def test_short_stands_and_short_gaps_do_not_count() -> None:
    labels = np.array([1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1], bool)[:, None]
    wanted = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1], bool)
    assert (standing(labels, 3)[:, 0] == wanted).all()


def test_changes_are_those_of_the_points(body: Body) -> None:
    motion, held = dancing(body, slide=0.1, sink=0.02), stands(*LEFT).astype(bool)
    before = body.points(motion)
    after = body.points(dancing(body))
    leader = before + np.array([0, 0, 5], np.float32)
    made = changes(before, after, leader, held, fps=30.0, faces=body.surface_faces, contact_distance=0.01)
    assert made["held_frames"] == FRAMES
    np.testing.assert_allclose(made["slide"], [0.1, 0.0], atol=1e-3)
    np.testing.assert_allclose(made["deepest"], [0.02, 0.0], atol=1e-4)
    assert made["contact_frequency"] == made["penetration_rate"] == [0.0, 0.0]
    near = changes(after, before + np.float32(5.0), after + np.float32(0.002), held, fps=30.0, faces=body.surface_faces,
                   contact_distance=0.01)  # fmt: skip
    assert near["contact_frequency"] == [1.0, 0.0]
    assert near["penetration_rate"][0] > 0.1 > near["penetration_rate"][1] == 0.0
    apart = changes(after, after, after + np.float32([0, 0, 3.0]), held, fps=30.0, faces=body.surface_faces,
                    contact_distance=5.0)  # fmt: skip
    assert apart["contact_frequency"] == [1.0, 1.0], "the distance is the one that is told"
    np.testing.assert_allclose(made["moved_max"], np.hypot(0.1 * (FRAMES - 1) / 30, 0.02), atol=1e-3)
