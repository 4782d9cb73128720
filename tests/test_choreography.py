"""Couples that dance: feet that stand, steps on the beat, hands that meet, nothing that jumps."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from interdance.body.model import Body
from interdance.body.nearest import nearest_distance
from interdance.choreography import ik
from interdance.choreography.figures import GENRES, LEFT, RIGHT, Room
from interdance.choreography.gait import ease, ramps
from interdance.choreography.generate import Dance, choreograph, generate_duet
from interdance.config import ChoreographyParams
from interdance.errors import InputError
from interdance.takes import list_takes, read_take

SECONDS = 14.0


@lru_cache(maxsize=8)
def danced(genre: str) -> tuple[Dance, np.ndarray, np.ndarray]:
    body = Body.load()
    dance = generate_duet(genre, SECONDS, [3, 1], body)
    return dance, body.points(dance.leader), body.points(dance.follower)


# ------------------------------------------------------------------------------------------------------------ small par


def test_two_bones_reach_the_target_and_bend_towards_the_pole() -> None:
    rng = np.random.default_rng(0)
    root = np.zeros((50, 3))
    target = ik.unit(rng.standard_normal((50, 3))) * rng.uniform(0.2, 0.54, (50, 1))
    pole = rng.standard_normal((50, 3))
    middle, end, normal = ik.two_bones(root, target, pole, 0.3, 0.25, 0.999)
    assert np.allclose(end, target, atol=1e-9)
    assert np.allclose(np.linalg.norm(middle, axis=1), 0.3) and np.allclose(np.linalg.norm(end - middle, axis=1), 0.25)
    assert (
        ((middle - 0.5 * target) * pole).sum(1)
        - ((middle - 0.5 * target) * ik.unit(target)).sum(1) * (pole * ik.unit(target)).sum(1)
        >= 0
    ).all()
    assert np.abs((normal * target).sum(1)).max() < 1e-9


def test_two_bones_approach_what_is_too_far() -> None:
    _, end, _ = ik.two_bones(np.zeros((1, 3)), np.array([[2.0, 0, 0]]), np.array([[0, 1.0, 0]]), 0.3, 0.2, 0.98)
    assert np.allclose(end, [[0.49, 0, 0]])


def test_limb_rotations_carry_the_rest_limb_onto_the_posed_one() -> None:
    rest = (np.zeros(3), np.array([0.3, -0.01, -0.02]), np.array([0.55, 0.0, -0.01]))
    lengths = np.linalg.norm(rest[1] - rest[0]), np.linalg.norm(rest[2] - rest[1])
    target = np.array([[0.1, -0.2, 0.35], [0.3, 0.3, 0.1]])
    middle, end, normal = ik.two_bones(np.zeros((2, 3)), target, np.tile([0.2, -1.0, -0.3], (2, 1)), *lengths, 0.999)
    upper, fore = ik.limb_rotations((np.zeros((2, 3)), middle, end), normal, rest, np.array([0.0, 0.0, -1.0]))
    assert np.allclose(ik.apply(upper, rest[1]), middle, atol=1e-9)
    assert np.allclose(middle + ik.apply(fore, rest[2] - rest[1]), end, atol=1e-9)
    assert np.allclose(np.linalg.det(upper), 1.0) and np.allclose(np.linalg.det(fore), 1.0)


def test_ramps_climb_their_steps_and_rest_outside() -> None:
    t = np.linspace(0, 4, 401)
    curve = ramps(t, np.array([1.0, 3.0]), np.array([0.8, 0.4]), np.array([2.0, -1.0]))
    assert curve[0] == 0.0 and np.isclose(np.interp(1.0, t, curve), 1.0) and np.isclose(np.interp(2.0, t, curve), 2.0)
    assert np.isclose(curve[-1], 1.0) and np.allclose(ease(np.array([-1.0, 0.5, 2.0])), [0.0, 0.5, 1.0])


@pytest.mark.parametrize("genre", list(GENRES))
def test_every_figure_alternates_feet_and_closes_as_it_opened(genre: str) -> None:
    room = Room(0.45, 0.75, 0.1, 1.0)
    for _, writer in GENRES[genre].figures:
        for seed in range(3):
            figure = writer(room, np.random.default_rng(seed))
            for steps, first in zip(figure.steps, (LEFT, RIGHT), strict=True):
                free = first
                assert [step.beat for step in steps] == sorted(step.beat for step in steps)
                for step in steps:
                    assert step.foot == free, (figure.name, step)
                    free = 1 - free if step.commit > 0 else free
                assert free == first and steps[-1].beat < figure.beats


# ---------------------------------------------------------------------------------------------------------------- dance


@pytest.mark.parametrize("genre", list(GENRES))
def test_feet_stand_on_the_floor_and_land_on_the_beat(genre: str) -> None:
    dance, *points = danced(genre)
    for role, points_TP3 in zip(("leader", "follower"), points, strict=True):
        lowest = points_TP3[:, 55:, 1].min(axis=1)
        assert lowest.min() > -0.02 and np.abs(np.median(lowest)) < 0.01
        balls = points_TP3[:, [10, 11]]
        speed = np.linalg.norm(np.diff(balls, axis=0), axis=2) * 30.0
        assert (np.median(np.sort(speed, axis=1)[:, 0]) < 0.01) and (speed.min(axis=1) > 0.3).mean() < 0.06
        beats, late = np.asarray(dance.facts["beats_s"]), GENRES[genre].late_s
        for time, side in dance.facts["landings"][role]:
            foot = 0 if side == "left" else 1
            frame = int(np.ceil((time + late) * 30.0)) + 1
            if frame + 1 < len(speed):
                assert speed[frame, foot] < 0.35, (role, time, side)
                assert balls[frame, foot, 1] < 0.09
            place = np.interp(time, beats, np.arange(len(beats)))
            assert min(abs(place % 1.0 - share) for share in (0.0, 0.66, 1.0)) < 0.02


@pytest.mark.parametrize("genre", list(GENRES))
def test_the_joined_hands_meet(genre: str) -> None:
    dance, leader, follower = danced(genre)
    owner = Body.load().weights_VJ.argmax(axis=1)
    left = 55 + np.flatnonzero(np.isin(owner, [20, *range(25, 40)]))
    right = 55 + np.flatnonzero(np.isin(owner, [21, *range(40, 55)]))
    distance, _ = nearest_distance(leader[:, left], follower[:, right], 0.3)
    assert (distance.min(axis=1) < 0.012).mean() > 0.97
    holds = [hold for hold in dance.facts["holds"] if hold[1] == "closed"]
    if holds and holds[0][0] < 0:  # begins in closed hold: the other hand is on her back until the first change
        until = round(
            30 * (min([time for time, hold in dance.facts["holds"] if hold != "closed"], default=SECONDS) - 0.6)
        )
        distance, _ = nearest_distance(leader[:until, right], follower[:until, 55:], 0.3)
        assert (distance.min(axis=1) < 0.03).mean() > 0.9


@pytest.mark.parametrize("genre", list(GENRES))
def test_nothing_jumps_and_limbs_bend_the_right_way(genre: str) -> None:
    dance, leader, follower = danced(genre)
    for motion, points in ((dance.leader, leader), (dance.follower, follower)):
        assert np.isfinite(motion.rotations_TJ3).all() and motion.rotations_TJ3.dtype == np.float32
        joints = points[:, :55]
        assert np.linalg.norm(np.diff(joints, axis=0), axis=2).max() * 30.0 < 9.0
        assert np.linalg.norm(np.diff(joints, 2, axis=0), axis=2).max() * 900.0 < 250.0
        world = Body.load().global_rotations(motion.rotations_TJ3)
        facing = world[:, 0, :, 2]
        for thigh in (1, 2):  # the kneecap looks forward: no leg is turned about itself
            assert ((world[:, thigh, :, 2] * facing).sum(1) > 0.0).all()
        for wrist in (20, 21):  # wrists are seldom turned beyond what arms can do
            assert np.degrees(np.median(np.linalg.norm(motion.rotations_TJ3[:, wrist], axis=1))) < 135.0
        for side in (0, 1):
            hip, knee, ankle = (joints[:, joint + side] for joint in (1, 4, 7))
            thigh, shank = knee - hip, ankle - knee
            forward = knee - 0.5 * (hip + ankle)
            bent = np.degrees(np.arccos(np.clip((ik.unit(thigh) * ik.unit(shank)).sum(1), -1, 1)))
            assert ((forward * facing).sum(1)[bent > 25] > -0.02).mean() > 0.97


def test_moving_couple_is_not_a_statue() -> None:
    for genre in GENRES:
        dance, leader, follower = danced(genre)
        for points in (leader, follower):
            assert np.linalg.norm(np.diff(points[60:, :22], axis=0), axis=2).mean() * 30.0 > 0.18, genre
        assert len({figure["name"] for figure in dance.facts["figures"]}) >= 2


def test_same_seed_same_dance_other_seed_other_dance() -> None:
    body = Body.load()
    first, again, other = (generate_duet("salsa", 5.0, seed, body) for seed in (4, 4, 5))
    assert np.array_equal(first.follower.rotations_TJ3, again.follower.rotations_TJ3) and first.facts == again.facts
    assert not np.array_equal(first.leader.betas, other.leader.betas)


def test_takes_on_disk_do_not_depend_on_workers(tmp_path) -> None:
    body = Body.load()
    names = {}
    for workers in (1, 2):
        params = ChoreographyParams(seed=2, genres=["tango"], takes_per_genre=2, take_seconds=5.0, workers=workers)
        names[workers] = choreograph(params, body, 30, tmp_path / str(workers))
    assert names[1] == names[2] == ["tango_00", "tango_01"] == list_takes(tmp_path / "1")
    for file in sorted((tmp_path / "1").glob("*/*")):
        assert file.read_bytes() == (tmp_path / "2" / file.parent.name / file.name).read_bytes(), file.name
    duet = read_take(tmp_path / "1" / "tango_00")
    assert duet.leader.num_frames == 150 and duet.follower is not None and duet.facts["synthetic"] is True
    assert duet.music is not None and duet.music.exists()


def test_impossible_wishes_are_refused(tmp_path) -> None:
    body = Body.load()
    with pytest.raises(InputError, match="polka"):
        choreograph(ChoreographyParams(1, ["polka"], 1, 10.0, 1), body, 30, tmp_path)
    with pytest.raises(InputError, match="too short"):
        choreograph(ChoreographyParams(1, ["waltz"], 1, 2.0, 1), body, 30, tmp_path)
    assert not list(tmp_path.iterdir())
