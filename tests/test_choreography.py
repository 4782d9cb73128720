"""Couples that dance: feet that stand, steps on the beat, hands that touch and do not pass through, nothing that jumps."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from math import cos, radians, sin
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from layout import closure, path_of
from scipy.spatial.transform import Rotation

from interdance.body import ik
from interdance.body.distance import LeaderField
from interdance.body.model import Body
from interdance.choreography import duet as duet_module
from interdance.choreography import generate
from interdance.choreography.curves import ease, ramps
from interdance.choreography.generate import Dance, choreograph, generate_duet
from interdance.choreography.genres import GENRES
from interdance.choreography.holds import HOLDS, Join, hold_weights
from interdance.choreography.score import FOLLOWER, LEADER, LEFT, RIGHT, Accent, Figure, Genre, Hold, Room, Step
from interdance.config import ChoreographyParams
from interdance.errors import InputError
from interdance.kept import Kept
from interdance.metrics.plausibility import foot_skating
from interdance.takes import list_takes, read_take

SECONDS = 12.0
HELD = [hold for hold in HOLDS if hold != "apart"]


@lru_cache(maxsize=20)
def danced(genre: str) -> tuple[Dance, np.ndarray, np.ndarray]:
    """A dance before touch is corrected: what feet, trunk and free arms do does not wait for it."""
    body = Body.load()
    dance = generate_duet(genre, SECONDS, [3, 1], body, rounds=0)
    return dance, body.points(dance.leader), body.points(dance.follower)


def swaying(hold: Hold, accents: tuple[Accent, ...] = (), base: str = "waltz") -> Genre:
    """A genre that only sways from foot to foot in one hold."""

    def write(room: Room, rng: np.random.Generator) -> Figure:
        gap, aside = room.gap(hold), 0.12 if hold == "shadow" else room.offset(hold)
        fans = {"promenade": (38, -38), "side_by_side": (90, -90), "shadow": (0, 180)}.get(hold, (0, 0))
        steps: tuple[list[Step], list[Step]] = ([], [])
        for index in range(4):
            x, heading = (0.1, 0.0)[index % 2], radians(4.0 * index)
            for who, (left, ahead) in enumerate(((0.5 * aside, -0.5 * gap), (-0.5 * aside, 0.5 * gap))):
                spot = x + left * cos(heading) + ahead * sin(heading), ahead * cos(heading) - left * sin(heading)
                steps[who].append(Step(2.0 * index, (index + who) % 2, *spot, heading + radians(fans[who]), 0.9))
        end = (0.0, 0.0, radians(12.0))
        return Figure("sway", 8, gap, (tuple(steps[0]), tuple(steps[1])), ((0.0, hold),), end, accents)

    return replace(GENRES[base], figures=((1.0, write),))


@contextmanager
def only(genre: Genre, name: str = "waltz") -> Iterator[None]:
    with patch.dict(GENRES, {name: genre}):
        yield


def hands_of(body: Body) -> tuple[np.ndarray, np.ndarray]:
    owner = body.weights_VJ.argmax(axis=1)
    left, right = (np.flatnonzero(np.isin(owner, [20 + side, *range(25 + 15 * side, 40 + 15 * side)])) for side in (0, 1))
    return left, right


def depths(dance: Dance, every: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """How deep each sampled vertex of leader and follower is inside the partner, metres, (t, 655) each; -0.06: far."""
    body = Body.load()
    surfaces = [np.ascontiguousarray(body.points(motion[::every])[:, 55:]) for motion in (dance.leader, dance.follower)]
    found = []
    for who in (LEADER, FOLLOWER):
        field = LeaderField(surfaces[1 - who], body.surface_faces, margin=0.06, max_prepared=32)
        depth, _ = field.measure(torch.from_numpy(surfaces[who]), np.arange(len(surfaces[who])))
        found.append(depth.numpy())
    return found[0], found[1]


def touches(
    dance: Dance, leader: np.ndarray, follower: np.ndarray, every: int = 3, after: float = 0.0
) -> dict[tuple[str, str], np.ndarray]:
    """For each hold of a dance and each hand that it says touches: depth of the deepest vertex while it is fully taken."""
    hands = hands_of(Body.load())
    t = np.arange(len(leader)) * every / dance.leader.fps
    weights = hold_weights([(time, hold) for time, hold in dance.facts["holds"]], t, dance.facts["tempo_bpm"])
    found = {}
    for hold, weight in weights.items():
        steady = (weight > 0.995) & (t > after)
        for wish in HOLDS[hold]:
            if isinstance(wish, Join):
                name = f"joined {wish.leader}{wish.follower}"
                deep = np.maximum(leader[:, hands[wish.leader]].max(1), follower[:, hands[wish.follower]].max(1))
            else:
                name, deep = f"rests {wish.who}{wish.side}", (leader, follower)[wish.who][:, hands[wish.side]].max(1)
            if steady.any():
                found[hold, name] = deep[steady]
    return found


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


def test_a_hand_that_flips_over_is_turned_over_in_time_and_others_are_left_alone() -> None:
    angle = np.where(np.arange(80) < 40, 0.0, radians(170.0))
    flipping = ik.about(np.array([1.0, 0.0, 0.0]), angle)
    calmed = ik.calmed(flipping, 0.5)
    steps = np.einsum("tab,tab->t", calmed[1:], calmed[:-1])
    assert np.arccos(np.clip((steps - 1.0) / 2.0, -1.0, 1.0)).max() < 0.65
    assert np.allclose(calmed[[0, 20, 60, 79]], flipping[[0, 20, 60, 79]], atol=1e-3)
    slow = ik.about(np.array([0.0, 1.0, 0.0]), 0.4 * np.arange(80))
    assert np.array_equal(ik.calmed(slow, 0.5), slow)


def test_half_a_turn_is_passed_not_jumped() -> None:
    def turns(degrees: np.ndarray) -> np.ndarray:
        return Rotation.from_rotvec(np.radians(degrees)[:, None] * np.array([0.0, 0.0, 1.0])).as_rotvec()

    there_and_back = 180.0 - 40.0 * np.cos(np.linspace(0.0, 2.0 * np.pi, 60))
    assert np.allclose(np.degrees(ik.over_the_top(turns(there_and_back))[:, 2]), there_and_back)
    onward = np.linspace(100.0, 330.0, 60)  # too far to have come from there: it began on the other side
    assert np.allclose(ik.over_the_top(turns(onward)), turns(onward))


def test_rotations_half_a_turn_apart_are_blended_by_way_of_the_one_they_are_near_to() -> None:
    share = np.linspace(0.0, 1.0, 21)
    palm_up, palm_down = (np.tile(ik.turn(2, sign * np.pi / 2), (21, 1, 1)) for sign in (1.0, -1.0))
    mean = ik.mean_turn([(1.0 - share, palm_up), (share, palm_down)], np.tile(np.eye(3), (21, 1, 1)))
    assert np.allclose(mean, ik.turn(2, np.pi / 2 * (1.0 - 2.0 * share)))


def test_ramps_climb_their_steps_and_rest_outside() -> None:
    t = np.linspace(0, 4, 401)
    curve = ramps(t, np.array([1.0, 3.0]), np.array([0.8, 0.4]), np.array([2.0, -1.0]))
    assert curve[0] == 0.0 and np.isclose(np.interp(1.0, t, curve), 1.0) and np.isclose(np.interp(2.0, t, curve), 2.0)
    assert np.allclose(ramps(t, np.array([9.0]), np.array([1.0]), np.array([1.0])), 0.0)
    assert np.isclose(curve[-1], 1.0) and np.allclose(ease(np.array([-1.0, 0.5, 2.0])), [0.0, 0.5, 1.0])


# ---------------------------------------------------------------------------------------------------------------- dance


@pytest.mark.parametrize("genre", list(GENRES))
def test_feet_stand_on_the_floor_and_land_on_the_beat(genre: str) -> None:
    dance, *points = danced(genre)
    jumps = [(begin, end) for begin, end, kind, _ in dance.facts["accents"] if kind == "jump"]
    frames = np.arange(len(points[0])) / 30.0
    grounded = ~np.any([(frames > begin) & (frames < end) for begin, end in [*jumps, (-2.0, -1.0)]], axis=0)
    for role, points_TP3 in zip(("leader", "follower"), points, strict=True):
        lowest = points_TP3[:, 55:, 1].min(axis=1)
        assert lowest.min() > -0.02 and np.abs(np.median(lowest[grounded])) < 0.01
        balls = points_TP3[:, [10, 11]]
        speed = np.linalg.norm(np.diff(balls, axis=0), axis=2) * 30.0
        still = grounded[1:] & (lowest[1:] < 0.01)
        assert np.median(np.sort(speed, axis=1)[still, 0]) < 0.01 and (speed.min(axis=1)[still] > 0.3).mean() < 0.06
        assert foot_skating(points_TP3[:, :55]) < 0.005
        accents = [(begin, end) for begin, end, kind, _ in dance.facts["accents"] if kind in ("kick", "knee", "jump")]
        for time, side in dance.facts["landings"][role]:
            foot = 0 if side == "left" else 1
            frame = int(np.ceil((time + GENRES[genre].late_s) * 30.0)) + 1
            lifted = any(begin - 0.1 < time < end + 0.1 for begin, end in accents)
            if frame + 1 < len(speed) and not lifted:
                assert speed[frame, foot] < 0.5, (role, time, side)
                assert balls[frame, foot, 1] < 0.10


@pytest.mark.parametrize("genre", list(GENRES))
def test_nothing_jumps_and_limbs_bend_the_right_way(genre: str) -> None:
    dance, leader, follower = danced(genre)
    for motion, points in ((dance.leader, leader), (dance.follower, follower)):
        assert np.isfinite(motion.rotations_TJ3).all() and motion.rotations_TJ3.dtype == np.float32
        joints = points[:, :55]
        assert np.linalg.norm(np.diff(joints, axis=0), axis=2).max() * 30.0 < 9.0
        assert np.linalg.norm(np.diff(joints, 2, axis=0), axis=2).max() * 900.0 < 250.0
        turned = Rotation.from_rotvec(motion.rotations_TJ3.reshape(-1, 3)).as_matrix().reshape(-1, 55, 3, 3)
        steps = np.einsum("tjab,tjab->tj", turned[1:], turned[:-1])
        assert np.degrees(np.arccos(np.clip((steps - 1.0) / 2.0, -1.0, 1.0))).max() * 30.0 < 1500.0  # no joint flips
        world = Body.load().global_rotations(motion.rotations_TJ3)
        facing = world[:, 0, :, 2]
        for thigh in (1, 2):  # the kneecap looks forward: no leg is turned about itself
            assert ((world[:, thigh, :, 2] * facing).sum(1) > -0.2).all()
        for wrist in (20, 21):  # of which the forearm takes half of the twist
            bent = np.degrees(np.linalg.norm(motion.rotations_TJ3[:, wrist], axis=1))
            assert np.median(bent) < 110.0 and bent.max() < 135.0
        for side in (0, 1):
            hip, knee, ankle = (joints[:, joint + side] for joint in (1, 4, 7))
            thigh, shank = knee - hip, ankle - knee
            forward = knee - 0.5 * (hip + ankle)
            bent = np.degrees(np.arccos(np.clip((ik.unit(thigh) * ik.unit(shank)).sum(1), -1, 1)))
            assert ((forward * facing).sum(1)[bent > 25] > -0.02).mean() > 0.97


@pytest.mark.parametrize("genre", list(GENRES))
def test_moving_couple_is_not_a_statue(genre: str) -> None:
    dance, *points = danced(genre)
    for points_TP3, motion in zip(points, (dance.leader, dance.follower), strict=True):
        speed = np.linalg.norm(np.diff(points_TP3[60:, :55], axis=0), axis=2) * 30.0
        assert speed[:, :22].mean() > 0.12
        assert (speed[:, [9, 12, 15]].mean(axis=0) > 0.05).all()  # trunk and head are never at rest
        fingers = np.linalg.norm(np.diff(motion.rotations_TJ3[:, 25:55], axis=0), axis=2) * 30.0
        assert fingers.mean() > 0.005
    names = [figure["name"] for figure in dance.facts["figures"]]
    assert len(names) < 3 or len(set(names)) >= 2


# ---------------------------------------------------------------------------------------------------------------- touch


@pytest.mark.parametrize("hold", HELD)
def test_hands_of_a_hold_touch_within_5_mm_and_do_not_pass_through(hold: Hold) -> None:
    with only(swaying(hold)):
        dance = generate_duet("waltz", 6.0, [1, 2], Body.load())
    leader, follower = depths(dance)
    formed = max(dance.facts["landings"][role][1][0] for role in ("leader", "follower")) + 0.3  # they begin face to face
    found = touches(dance, leader, follower, after=formed)
    assert len(found) == len(HOLDS[hold])
    for name, deep in found.items():
        assert (deep > -0.005).mean() > 0.95, (name, deep)
        assert np.median(deep) < 0.003 and (deep < 0.006).mean() > 0.9, (name, deep)
    later = round(formed * 10.0)
    assert max((leader[later:] > 0.0).mean(), (follower[later:] > 0.0).mean()) < 0.008


def test_without_correction_the_same_hands_do_not_meet_so_well() -> None:
    shares = []
    for rounds in (0, 4):
        with only(swaying("waist_shoulder")):
            dance = generate_duet("waltz", 4.0, [1, 2], Body.load(), rounds=rounds)
        deep = np.concatenate(list(touches(dance, *depths(dance)).values()))
        shares.append(((deep > -0.005) & (deep < 0.003)).mean())
    assert shares[0] < 0.8 < 0.95 < shares[1]


@pytest.mark.slow
@pytest.mark.parametrize("genre", list(GENRES))
def test_hands_touch_in_every_genre(genre: str) -> None:
    dance = generate_duet(genre, 20.0, [3, 5], Body.load())
    leader, follower = depths(dance)
    found = touches(dance, leader, follower)
    if found:
        deep = np.concatenate(list(found.values()))
        assert (deep > -0.005).mean() > 0.95 and (deep < 0.01).mean() > 0.8
    assert (follower > 0.0).mean() < 0.006


def test_hand_goes_round_the_partner_between_holds() -> None:
    def write(room: Room, rng: np.random.Generator) -> Figure:
        figure = swaying("two_hands").figures[0][1](room, rng)
        return replace(figure, holds=((0.0, "closed"), (4.0, "two_hands")))

    with only(replace(GENRES["waltz"], figures=((1.0, write),))):
        dance = generate_duet("waltz", 9.0, [1, 2], Body.load())
    assert max(depth.max() for depth in depths(dance)) < 0.035  # a hand is 3 cm thick: none goes through a body


# -------------------------------------------------------------------------------------------------------------- accents


def accented(accent: Accent, hold: Hold = "apart") -> tuple[list[np.ndarray], slice]:
    """Joints (T, 55, 3) of leader and follower with one accent in a figure, and frames of its middle."""
    with only(swaying(hold, (accent,))):
        dance = generate_duet("waltz", 8.0, [1, 2], Body.load(), rounds=0)
    begin, end, *_ = dance.facts["accents"][0]
    middle = round(30 * 0.5 * (begin + end))
    return [Body.load().joints(motion) for motion in (dance.leader, dance.follower)], slice(middle - 2, middle + 3)


def trunk_tilt(joints: np.ndarray) -> np.ndarray:
    """Degrees (T,) between the line from the pelvis to the neck and the vertical."""
    return np.degrees(np.arccos(ik.unit(joints[:, 12] - joints[:, 0])[:, 1]))


def test_dip_leans_her_back_over_his_arm() -> None:
    (his, hers), middle = accented(Accent(1.0, 5.0, FOLLOWER, "dip"), "closed")
    assert 35.0 < trunk_tilt(hers[middle]).mean() < 65.0
    away = (hers[middle, 12] - hers[middle, 0])[:, [0, 2]] * (hers[middle, 0] - his[middle, 0])[:, [0, 2]]
    assert (away.sum(axis=1) > 0.0).all()  # away from him
    assert hers[middle, 0, 1].mean() < hers[:30, 0, 1].mean() - 0.07
    hand = his[middle, 21] - hers[middle, 9]
    assert np.linalg.norm(hand, axis=1).max() < 0.35  # his hand stays on her back


@pytest.mark.parametrize(("amount", "lowest", "highest"), [(1.0, 45.0, 75.0), (0.5, 20.0, 45.0), (-0.8, -60.0, -15.0)])
def test_kick_raises_a_straight_leg(amount: float, lowest: float, highest: float) -> None:
    (his, _), middle = accented(Accent(2.2, 1.6, LEADER, "kick", amount, LEFT))
    thigh, shank = his[middle, 4] - his[middle, 1], his[middle, 7] - his[middle, 4]
    facing = np.cross(his[middle, 1] - his[middle, 2], [0.0, 1.0, 0.0])
    angle = np.degrees(np.arctan2((thigh * ik.unit(facing)).sum(1), -thigh[:, 1]))
    assert lowest < angle.mean() < highest
    assert (ik.unit(thigh) * ik.unit(shank)).sum(1).mean() > 0.85


def test_knee_is_raised_and_bent() -> None:
    (his, _), middle = accented(Accent(2.2, 1.6, LEADER, "knee", 1.0, LEFT))
    thigh, shank = his[middle, 4] - his[middle, 1], his[middle, 7] - his[middle, 4]
    assert (ik.unit(thigh)[:, 1] > -0.45).all() and (np.abs((ik.unit(thigh) * ik.unit(shank)).sum(1)) < 0.5).all()
    stands = his[middle, 0] - his[middle, 8]
    assert np.linalg.norm(stands[:, [0, 2]], axis=1).max() < 0.16  # balance: the pelvis is over the other foot


def test_crouch_and_jump_move_the_pelvis() -> None:
    (his, _), middle = accented(Accent(2.0, 3.0, LEADER, "crouch"))
    assert 0.20 < his[:20, 0, 1].mean() - his[middle, 0, 1].mean() < 0.32
    assert np.abs(his[middle][:, [10, 11], 1] - his[:20, [10, 11], 1].mean()).max() < 0.05
    (his, _), middle = accented(Accent(2.0, 2.0, LEADER, "jump"))
    rise = his[middle][:, [10, 11], 1].min(axis=1).max() - his[:20, [10, 11], 1].mean()
    assert 0.10 < rise < 0.25  # both feet


@pytest.mark.parametrize(("kind", "sign"), [("bow", 1.0), ("arch", -1.0)])
def test_bow_and_arch_tip_the_trunk(kind: str, sign: float) -> None:
    (his, _), middle = accented(Accent(1.0, 4.0, LEADER, kind))  # type: ignore[arg-type]
    facing = ik.unit(np.cross(his[middle, 1] - his[middle, 2], [0.0, 1.0, 0.0]))
    forward = ((his[middle, 12] - his[middle, 0]) * facing).sum(axis=1)
    assert (sign * forward > 0.08).all() and trunk_tilt(his[middle]).min() > 12.0


def test_wave_runs_through_the_spine() -> None:
    (his, _), middle = accented(Accent(1.0, 4.0, LEADER, "wave"))
    (still, _), _ = accented(Accent(1.0, 4.0, FOLLOWER, "wave"))
    moved = np.abs(his[:, [0, 9, 15]] - still[:, [0, 9, 15]])[middle.start - 30 : middle.stop + 30]
    assert (moved.max(axis=(0, 2)) > 0.01).all()
    assert len(set(np.abs(moved).sum(axis=2).argmax(axis=0).tolist())) > 1  # not all at once


def test_arm_accents() -> None:
    (his, _), middle = accented(Accent(1.0, 4.0, LEADER, "arms_up"))
    assert (his[middle][:, [20, 21], 1] > his[middle, 15, None, 1]).all()
    (his, _), middle = accented(Accent(1.0, 4.0, LEADER, "clap"))
    assert np.linalg.norm(his[middle, 20] - his[middle, 21], axis=1).min() < 0.16
    (his, _), middle = accented(Accent(1.0, 4.0, LEADER, "point", 1.0, RIGHT))
    arm = his[middle, 21] - his[middle, 17]
    bones = np.linalg.norm(his[0, 19] - his[0, 17]) + np.linalg.norm(his[0, 21] - his[0, 19])
    assert (np.linalg.norm(arm, axis=1) > 0.85 * bones).all() and (arm[:, 1] > 0.0).all()


# -------------------------------------------------------------------------------------------------------- seed and folder


def test_same_seed_same_dance_other_seed_other_dance() -> None:
    body = Body.load()
    first, again, other = (generate_duet("salsa", 5.0, seed, body, rounds=1) for seed in (4, 4, 5))
    assert np.array_equal(first.follower.rotations_TJ3, again.follower.rotations_TJ3) and first.facts == again.facts
    assert not np.array_equal(first.leader.betas, other.leader.betas)


def test_any_length_is_danced_in_blocks_without_a_seam() -> None:
    body = Body.load()
    whole = generate_duet("swing", 20.0, [6], body, rounds=1)
    with patch.object(duet_module, "BLOCK", 240):
        parts = generate_duet("swing", 20.0, [6], body, rounds=1)
    assert np.abs(body.joints(whole.follower) - body.joints(parts.follower)).max() < 2e-3
    assert np.abs(body.joints(whole.leader) - body.joints(parts.leader)).max() < 2e-3


def params(takes: int = 2, workers: int = 1, seconds: float = 4.0) -> ChoreographyParams:
    return ChoreographyParams(seed=2, genres=["tango"], takes_per_genre=takes, take_seconds=seconds, workers=workers)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.glob("*/*"))}


@pytest.mark.slow
def test_takes_on_disk_depend_on_neither_workers_nor_other_genres(tmp_path: Path) -> None:
    body = Body.load()
    for workers in (1, 2):
        names = choreograph(params(workers=workers), body, 30, tmp_path / str(workers))
        assert names == ["tango_00", "tango_01"] == list_takes(tmp_path / "1")
    with patch.dict(GENRES, {"a_new_one": GENRES["waltz"]}):
        choreograph(params(takes=1), body, 30, tmp_path / "more")
    first = contents(tmp_path / "1")
    assert first == contents(tmp_path / "2")
    assert contents(tmp_path / "more").items() <= first.items()
    duet = read_take(tmp_path / "1" / "tango_00")
    assert duet.leader.num_frames == 120 and duet.follower is not None and duet.facts["synthetic"] is True
    assert duet.facts["category"] == "ballroom" and duet.music is not None and duet.music.exists()


def test_a_recipe_is_all_that_a_take_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    body = Body.load()
    made = [
        generate.recipe(params(), body, 30, "tango", 0),
        generate.recipe(replace(params(), seed=9), body, 30, "tango", 0),
        generate.recipe(params(seconds=5.0), body, 30, "tango", 0),
        generate.recipe(params(), body, 25, "tango", 0),
        generate.recipe(params(), body, 30, "waltz", 0),
        generate.recipe(params(), body, 30, "tango", 1),
    ]
    assert len(set(made)) == 6 and generate.recipe(params(takes=5, workers=2), body, 30, "tango", 0) == made[0]
    read = Path.read_bytes
    others = {"genres/waltz.py": False, "genres/tango.py": True, "body/distance.py": True, "voices.py": True}
    try:
        for touched, is_other in others.items():
            generate._sources.cache_clear()
            with monkeypatch.context() as patch:
                patch.setattr(Path, "read_bytes", lambda self, end=touched: read(self) + str(self).endswith(end) * b"#")
                assert (generate.recipe(params(), body, 30, "tango", 0) != made[0]) == is_other, touched
    finally:
        generate._sources.cache_clear()


def test_every_module_that_makes_a_take_is_in_its_recipe() -> None:
    # What a take passes through on its way to the disk, and what starts the processes, decides nothing in it.
    without = {f"interdance.{name}" for name in ("files", "kept", "pickles", "processes.pool")}
    genres = {f"interdance.choreography.genres.{genre}" for genre in GENRES if genre != "tango"}
    needed = {path_of(module) for module in closure("interdance.choreography.generate") - without - genres}
    found = {path for path in generate.source_files("tango")}
    assert {path for path in needed - found if path.name != "__init__.py"} == set()


def test_takes_made_before_are_kept_and_those_not_asked_for_go(tmp_path: Path) -> None:
    body = Body.load()
    made: list[str] = []

    def fake(params: ChoreographyParams, body: Body, fps: int, out: Path, genre: str, number: int) -> None:
        made.append(generate._name(genre, number))
        original(params, body, fps, out, genre, number)

    def run(**wishes: int) -> None:
        choreograph(params(**wishes), body, 30, tmp_path / "out", kept=Kept(tmp_path / "kept"))

    original = generate._make
    with patch.object(generate, "_make", fake):
        run(takes=1)
        before = contents(tmp_path / "out")
        shutil.rmtree(tmp_path / "out")  # as DVC does before it runs a stage again
        run(takes=2)
        assert made == ["tango_00", "tango_01"] and before.items() <= contents(tmp_path / "out").items()
        run(takes=1)
    assert made == ["tango_00", "tango_01"] and list_takes(tmp_path / "out") == ["tango_00"]
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_impossible_wishes_are_refused(tmp_path: Path) -> None:
    body = Body.load()
    with pytest.raises(InputError, match="quickstep"):
        choreograph(ChoreographyParams(1, ["quickstep"], 1, 10.0, 1), body, 30, tmp_path)
    with pytest.raises(InputError, match="too short"):
        choreograph(ChoreographyParams(1, ["waltz"], 1, 2.0, 1), body, 30, tmp_path)
    assert not list(tmp_path.iterdir())
