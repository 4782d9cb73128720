"""Defects: every kind found where it was put, none found in what is sound, and those that the real data are known for."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import REPOSITORY, shared
from scipy.spatial.transform import Rotation

from interdance import config
from interdance.body.distance import LeaderField
from interdance.body.model import Body
from interdance.body.skeleton import INDEX, JOINT_NAMES, NUM_JOINTS
from interdance.choreography.generate import generate_duet
from interdance.choreography.genres import GENRES
from interdance.errors import InputError
from interdance.mocap.retarget import read_leader
from interdance.quality.defects import Defect, in_order, spans
from interdance.quality.duet import inspect_duet, inspect_song, rate_ratio
from interdance.quality.folder import inspect_folder
from interdance.quality.kinds import KINDS
from interdance.quality.motion import inspect_joints, inspect_motion
from interdance.quality.traces import CoupleTrace, DancerTrace, foot_slide, pieces
from interdance.quality.verdict import verdict
from interdance.takes import Duet, Motion, write_take

LIMITS = config.load(REPOSITORY / "params.yaml").quality
QUIET = replace(LIMITS, needs_music=False)
FRAMES = 240


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def sway(
    body: Body, num_frames: int = FRAMES, *, place: tuple[float, float] = (0.0, 0.0), yaw: float = 0.0, fps: float = 30.0
) -> Motion:
    """A dancer who stands on the floor and moves arms, chest and head, arms hanging."""
    time_T = np.arange(num_frames) / fps
    rotations = np.zeros((num_frames, NUM_JOINTS, 3))
    rotations[:, 0, 1] = yaw
    for name, axis, rest, size in (
        ("left_shoulder", 2, -1.1, 0.15), ("right_shoulder", 2, 1.1, 0.15), ("left_elbow", 1, -0.8, 0.4),
        ("right_elbow", 1, 0.8, 0.4), ("spine2", 1, 0.0, 0.1), ("head", 0, 0.0, 0.1),
    ):  # fmt: skip
        rotations[:, INDEX[name], axis] = rest + size * np.sin(3.0 * time_T + len(name))
    translation = np.zeros((num_frames, 3))
    translation[:, [0, 2]] = place
    motion = Motion(rotations.astype(np.float32), translation.astype(np.float32), np.zeros(10, np.float32), fps)
    translation[:, 1] -= body.points(motion[:1])[0, NUM_JOINTS:, 1].min()
    return replace(motion, translation_T3=translation.astype(np.float32))


def turned(motion: Motion, frames: slice, joint: str, rotvec: tuple[float, float, float]) -> Motion:
    """The motion with a joint turned further in some frames."""
    rotations = motion.rotations_TJ3.copy()
    own = Rotation.from_rotvec(rotations[frames, INDEX[joint]])
    rotations[frames, INDEX[joint]] = (own * Rotation.from_rotvec(rotvec)).as_rotvec()
    return replace(motion, rotations_TJ3=rotations)


def moved(motion: Motion, offsets_T3: np.ndarray) -> Motion:
    return replace(motion, translation_T3=(motion.translation_T3 + offsets_T3).astype(np.float32))


def step(first: int, last: int, offset: tuple[float, float, float], num_frames: int = FRAMES) -> np.ndarray:
    """Offsets (T, 3) that hold in frames first..last."""
    offsets = np.zeros((num_frames, 3))
    offsets[first : last + 1] = offset
    return offsets


def couple(body: Body, num_frames: int = FRAMES, apart: float = 1.2) -> Duet:
    leader, follower = sway(body, num_frames), sway(body, num_frames, place=(0.0, apart), yaw=np.pi)
    return Duet("sway", "test", leader, follower, None)


def only(defects: list[Defect], kind: str) -> Defect:
    """The one defect there is; it is of that kind."""
    assert [item.kind for item in defects] == [kind], [str(item) for item in defects]
    return defects[0]


# ------------------------------------------------------------------------------------------------------------ one dancer


def test_a_sound_dancer_has_no_defect(body: Body) -> None:
    for fps in (30.0, 120.0):
        assert inspect_motion(sway(body, fps=fps), body, LIMITS) == []
    assert inspect_duet(couple(body), body, QUIET) == []


def test_nan_is_found_and_does_not_spread(body: Body) -> None:
    motion = sway(body)
    rotations, translation = motion.rotations_TJ3.copy(), motion.translation_T3.copy()
    rotations[50:53, INDEX["left_elbow"], 1] = np.nan
    translation[90, 2] = np.inf
    found = inspect_motion(replace(motion, rotations_TJ3=rotations, translation_T3=translation), body, LIMITS)
    assert [(item.kind, item.joint, item.first, item.last) for item in found] == [
        ("nan", "left_elbow", 50, 52),
        ("nan", "root", 90, 90),
    ]


@pytest.mark.parametrize("fps", [30.0, 120.0])
def test_flip_at_any_rate(body: Body, fps: float) -> None:
    """A hand is turned over in one frame and back two frames later."""
    motion = turned(sway(body, fps=fps), slice(100, 102), "left_wrist", (1.4, 0.0, 0.0))
    item = only(inspect_motion(motion, body, LIMITS), "flip")
    assert item.joint == "left_wrist" and item.first <= 99 and 101 <= item.last <= 100 + 2 + fps / 30
    assert item.worst == pytest.approx(np.degrees(1.4) * 30.0, rel=0.1)


def test_quick_turns_are_no_flips(body: Body) -> None:
    """Three turns a second on the spot, and a hand that turns over within a fifth of a second."""
    motion = sway(body)
    rotations = motion.rotations_TJ3.copy()
    ramp = np.clip((np.arange(FRAMES) - 60) / 6.0, 0.0, 1.0) * 1.4
    rotations[:, INDEX["right_wrist"], 0] += ramp
    angles = 2.0 * np.pi * 3.0 * np.arange(FRAMES) / 30.0
    rotations[:, 0] = Rotation.from_euler("y", angles[:, None]).as_rotvec()
    spun = replace(motion, rotations_TJ3=rotations)
    assert not [item for item in inspect_motion(spun, body, LIMITS) if item.kind in ("flip", "teleport")]


def test_teleport_of_the_root(body: Body) -> None:
    item = only(inspect_motion(moved(sway(body), step(120, FRAMES, (0.4, 0.0, 0.0))), body, LIMITS), "teleport")
    assert item.joint == "pelvis" and item.first == 119 and 120 <= item.last <= 121
    assert item.worst == pytest.approx(0.4 * 30.0, rel=0.01)
    small = inspect_motion(moved(sway(body), step(120, FRAMES, (0.14, 0.0, 0.0))), body, LIMITS)
    assert only(small, "teleport").first in (118, 119), "slower than a run, but off the path"


def test_frozen_and_repeated(body: Body) -> None:
    motion = sway(body)
    places = np.arange(FRAMES)
    places[80:100] = 80
    item = only(inspect_motion(still_at(motion, places), body, LIMITS), "frozen")
    assert (item.first, item.last) == (80, 99) and item.worst == pytest.approx(19 / 30)
    every_fifth = np.repeat(np.arange(0, FRAMES), 1)
    every_fifth[4::5] -= 1  # 24 frames a second in a file of 30
    item = only(inspect_motion(still_at(motion, every_fifth), body, LIMITS), "repeated")
    assert item.worst == pytest.approx(20.0, abs=0.5)


def still_at(motion: Motion, places: np.ndarray) -> Motion:
    return replace(motion, rotations_TJ3=motion.rotations_TJ3[places], translation_T3=motion.translation_T3[places])


def test_floating_sinking_and_floor(body: Body) -> None:
    high = only(inspect_motion(moved(sway(body), step(60, 110, (0.0, 0.1, 0.0))), body, LIMITS), "floating")
    assert (high.first, high.last, high.unit) == (60, 110, "cm") and high.worst == pytest.approx(10.0, abs=0.1)
    jump = np.zeros((FRAMES, 3))
    flight = np.arange(18) / 30.0
    jump[60:78, 1] = 0.5 * 9.81 * flight * (17 / 30.0 - flight)
    assert inspect_motion(moved(sway(body), jump), body, LIMITS) == [], "a jump of 39 cm is no floating"
    low = only(inspect_motion(moved(sway(body), step(60, 70, (0.0, -0.08, 0.0))), body, LIMITS), "sinking")
    assert (low.first, low.last) == (60, 70) and low.worst == pytest.approx(8.0, abs=0.1)
    off = only(inspect_motion(moved(sway(body), step(0, FRAMES, (0.0, -0.03, 0.0))), body, LIMITS), "floor")
    assert off.worst == pytest.approx(-3.0, abs=0.1) and off.share == 1.0


def test_skating_but_not_pivoting(body: Body) -> None:
    slide = np.zeros((FRAMES, 3))
    slide[:, 0] = np.clip(np.arange(FRAMES) - 60, 0, 30) * 0.8 / 30.0
    item = only(inspect_motion(moved(sway(body), slide), body, LIMITS), "skating")
    assert abs(item.first - 61) <= 1 and abs(item.last - 90) <= 1 and item.worst == pytest.approx(0.8, rel=0.05)
    motion = sway(body)
    foot = body.joints(motion[:1])[0, INDEX["left_foot"]]
    angles = np.clip(np.arange(FRAMES) - 60, 0, 20) / 20.0 * 2.0 * np.pi  # once round within two thirds of a second
    spin = Rotation.from_euler("y", angles[:, None])
    rotations = motion.rotations_TJ3.copy()
    rotations[:, 0] = spin.as_rotvec()
    rotations[:, INDEX["right_hip"], 0] = -0.6  # the other foot is off the floor
    pelvis = body.rest_joints(motion.betas)[0]
    arm = motion.translation_T3[0] + pelvis - foot
    translation = foot + spin.apply(np.broadcast_to(arm, (FRAMES, 3))) - pelvis
    pivot = Motion(rotations.astype(np.float32), translation.astype(np.float32), motion.betas, 30.0)
    toe = DancerTrace(pivot, body)
    toe.add(slice(0, FRAMES))
    assert toe.speed_TJ[62:78, INDEX["left_ankle"]].max() > 0.8, "the foot does move"
    assert inspect_motion(pivot, body, LIMITS) == []


def test_foot_slide_of_a_plate() -> None:
    """Four corners that bear on the floor: slid, turned about a corner, lifted."""
    plate = np.array([[0, 0, 0], [0.1, 0, 0], [0.1, 0, 0.25], [0, 0, 0.25]])
    slid = np.stack([plate, plate + [0.02, 0, 0], plate + [0.02, 0.2, 0]])
    assert foot_slide(slid, 30.0) == pytest.approx([0.6, np.nan], nan_ok=True)
    about_corner = np.stack([plate, Rotation.from_euler("y", 0.2).apply(plate)])
    assert foot_slide(about_corner, 30.0)[0] < 0.05


@pytest.mark.parametrize(
    ("joint", "rotvec"),
    [("left_knee", (-0.6, 0, 0)), ("right_knee", (-0.6, 0, 0)), ("left_elbow", (0, 1.6, 0)), ("right_elbow", (0, -1.6, 0))],
)
def test_limbs_bent_the_wrong_way(body: Body, joint: str, rotvec: tuple[float, float, float]) -> None:
    motion = sway(body)
    rotations = motion.rotations_TJ3.copy()
    ramp = np.clip(np.minimum(np.arange(FRAMES) - 60, 160 - np.arange(FRAMES)) / 20.0, 0.0, 1.0)
    rotations[:, INDEX[joint]] += ramp[:, None] * np.array(rotvec)
    bent = replace(motion, rotations_TJ3=rotations)
    found = [item for item in inspect_motion(bent, body, LIMITS) if item.kind == "bent back"]
    assert [item.joint for item in found] == [joint] and 60 < found[0].first < 90 < found[0].last < 160
    ramp_right = replace(motion, rotations_TJ3=motion.rotations_TJ3 - (rotations - motion.rotations_TJ3))
    assert not [item for item in inspect_motion(ramp_right, body, LIMITS) if item.kind == "bent back"], "bent the right way"


def test_twisted_hand_and_exchanged_sides(body: Body) -> None:
    motion = sway(body)
    rotations = motion.rotations_TJ3.copy()
    ramp = np.clip(np.minimum(np.arange(FRAMES) - 60, 160 - np.arange(FRAMES)) / 20.0, 0.0, 1.0)
    rotations[:, INDEX["left_wrist"], 0] = 3.0 * ramp
    item = only(inspect_motion(replace(motion, rotations_TJ3=rotations), body, LIMITS), "twisted")
    assert item.joint == "left_wrist" and item.worst == pytest.approx(np.degrees(3.0), abs=1.0)
    about = sway(body)
    rotations = about.rotations_TJ3.copy()
    rotations[100:, 0, 1] += np.pi
    found = inspect_motion(replace(about, rotations_TJ3=rotations), body, LIMITS)
    assert {"flip", "side swap"} <= {item.kind for item in found}
    assert all(item.first == 99 for item in found if item.kind == "side swap")


# ---------------------------------------------------------------------------------------------------------------- joints


def test_joints_alone(body: Body) -> None:
    joints = body.joints(sway(body)).astype(np.float64)
    assert inspect_joints(joints, 30.0, LIMITS) == []
    long = joints.copy()
    bone = long[:, INDEX["left_wrist"]] - long[:, INDEX["left_elbow"]]
    for finger in (INDEX["left_wrist"], *range(25, 40)):
        long[100:140, finger] += 0.08 * bone[100:140]
    item = only(inspect_joints(long, 30.0, LIMITS), "bone drift")
    assert (item.joint, item.first, item.last) == ("left_wrist", 100, 139) and item.worst == pytest.approx(8.0, abs=0.1)
    gaps = joints.copy()
    gaps[40:60, 20:] = np.nan
    assert {(item.kind, item.first, item.last) for item in inspect_joints(gaps, 30.0, LIMITS)} == {("nan", 40, 59)}
    jump = joints.copy()
    jump[70, INDEX["head"]] += 0.7
    kinds = {(item.kind, item.joint) for item in inspect_joints(jump, 30.0, LIMITS)}
    assert ("teleport", "head") in kinds and ("bone drift", "head") in kinds
    assert [item.kind for item in inspect_joints(joints[:, :22], 30.0, LIMITS)] == []


# ----------------------------------------------------------------------------------------------------------------- duets


def test_penetration(body: Body) -> None:
    duet = couple(body)
    closer = np.zeros((FRAMES, 3))
    closer[:, 2] = -1.1 * np.clip(np.minimum(np.arange(FRAMES) - 60, 180 - np.arange(FRAMES)) / 40.0, 0.0, 1.0)
    rotations = duet.follower.rotations_TJ3.copy()
    rotations[:, 0, 1] += 1e-3 * np.arange(FRAMES)
    through = replace(duet, follower=replace(moved(duet.follower, closer), rotations_TJ3=rotations))
    found = [item for item in inspect_duet(through, body, QUIET) if item.kind == "penetration"]
    assert len(found) == 1 and found[0].who == "couple" and 70 < found[0].first < 100 < found[0].last < 170
    assert found[0].worst > 60.0


def test_depth_is_that_of_the_exact_distance(body: Body) -> None:
    """What is screened out is shallow: against the exact depth of every frame, in both directions."""
    leader, follower = sway(body, 90), sway(body, 90, place=(0.0, 0.5), yaw=np.pi)
    follower = moved(follower, np.linspace([0.0, 0.0, 0.0], [0.15, 0.0, -0.35], 90))
    traces, trace = (DancerTrace(leader, body), DancerTrace(follower, body)), CoupleTrace(90, body)
    surfaces = [item.add(slice(0, 90)) for item in traces]
    trace.add(slice(0, 90), *surfaces)
    exact = np.zeros(90)
    for one, other in (surfaces, surfaces[::-1]):
        depth, _ = LeaderField(one, body.surface_faces, margin=0.0).measure(torch.from_numpy(other), np.arange(90))
        exact = np.maximum(exact, depth.numpy().max(axis=1))
    deep = exact > 0.045
    assert deep.sum() > 20 and (~deep).sum() > 20
    np.testing.assert_allclose(trace.depth_T[deep], exact[deep], atol=1e-4)
    assert (trace.depth_T <= exact + 1e-4).all()


def test_a_lifted_dancer_does_not_float(body: Body) -> None:
    duet = couple(body, apart=0.33)
    up = step(60, 180, (0.0, 0.3, 0.0))
    ramp = np.stack([np.convolve(up[:, axis], np.ones(20) / 20, mode="same") for axis in range(3)], axis=1)
    lifted = replace(duet, follower=moved(duet.follower, ramp))
    alone = replace(lifted, follower=moved(lifted.follower, step(0, FRAMES, (0.0, 0.0, 1.0))))
    kinds = [item.kind for item in inspect_duet(lifted, body, replace(QUIET, penetration=1.0))]
    assert "floating" not in kinds
    assert "floating" in [item.kind for item in inspect_duet(alone, body, QUIET)]


def test_swapped_dancers(body: Body) -> None:
    duet = couple(body)
    swap = np.arange(FRAMES)[:, None]
    mixed = [(swap >= 100) & (swap < 150)]
    leader, follower = (
        replace(
            one,
            rotations_TJ3=np.where(mixed[0][..., None], other.rotations_TJ3, one.rotations_TJ3),
            translation_T3=np.where(mixed[0], other.translation_T3, one.translation_T3),
        )
        for one, other in ((duet.leader, duet.follower), (duet.follower, duet.leader))
    )
    found = inspect_duet(replace(duet, leader=leader, follower=follower), body, QUIET)
    swaps = [item for item in found if item.kind == "swap"]
    assert [(item.first, item.last, item.who) for item in swaps] == [(100, 149, "couple")]
    assert not [item for item in found if item.kind == "teleport"], "the swap explains them"


def test_dancers_that_do_not_belong_together(body: Body) -> None:
    duet = couple(body)
    assert only(inspect_duet(replace(duet, follower=moved(duet.follower, step(0, FRAMES, (0, 0, 5)))), body, QUIET), "apart")
    same = inspect_duet(replace(duet, follower=duet.leader), body, QUIET)
    assert "same dancer" in [item.kind for item in same]
    shorter = inspect_duet(replace(duet, follower=duet.follower[:190]), body, QUIET)
    item = only(shorter, "length")
    assert (item.first, item.last) == (190, FRAMES - 1) and item.worst == pytest.approx(50 / 30)
    half = inspect_duet(replace(duet, follower=duet.follower[:120]), body, QUIET)
    assert only(half, "rate").unit.startswith("fps against")
    other = inspect_duet(replace(duet, follower=replace(duet.follower, fps=25.0)), body, QUIET)
    assert only(other, "rate").worst == 25.0


def test_rate_ratios() -> None:
    assert rate_ratio(1200, 300) is not None
    assert set(rate_ratio(3000, 2997) or ()) == {29.97, 30.0}
    assert rate_ratio(1000, 1000) is None and rate_ratio(1000, 983) is None and rate_ratio(0, 10) is None


# ----------------------------------------------------------------------------------------------------------------- music


def test_songs(tmp_path: Path) -> None:
    tone = 0.3 * np.sin(np.arange(22050 * 8) * 0.06)
    for name, samples in (("whole", tone), ("short", tone[: 22050 * 5]), ("silent", tone * 1e-5)):
        soundfile.write(tmp_path / f"{name}.wav", samples, 22050)
    (tmp_path / "noise.wav").write_bytes(b"RIFF none of it")
    limits = LIMITS
    assert inspect_song(tmp_path / "whole.wav", 240, 30.0, limits) == []
    item = only(inspect_song(tmp_path / "short.wav", 240, 30.0, limits), "short music")
    assert (item.first, item.last, item.who) == (150, 239, "music") and item.worst == pytest.approx(3.0)
    assert only(inspect_song(tmp_path / "silent.wav", 240, 30.0, limits), "silent music")
    for path in (None, tmp_path / "absent.wav", tmp_path / "noise.wav"):
        assert only(inspect_song(path, 240, 30.0, limits), "no music")
    assert inspect_song(None, 240, 30.0, QUIET) == []


# --------------------------------------------------------------------------------------------------------------- verdict


def test_verdict_counts_frames_once() -> None:
    def flip(joint: str, first: int, last: int, who: str = "leader") -> Defect:
        return Defect("flip", who, joint, first, last, 2000.0, "degrees/s", (last - first + 1) / 1000)  # type: ignore[arg-type]

    limits = LIMITS
    assert verdict([], 1000, limits) is None
    many = [flip(name, 100, 114) for name in ("left_wrist", "left_elbow", "right_wrist")]
    assert verdict(many, 1000, limits) is None, "fifteen frames, three joints at once"
    reason = verdict([*many, flip("left_wrist", 300, 309)], 1000, limits)
    assert reason is not None and reason.startswith("flip in 2.5% of the frames, 2% allowed")
    assert (verdict([flip("pelvis", 5, 6)], 1000, limits) or "").startswith("root flip")
    whole = Defect("floor", "leader", "feet", 0, 999, 3.0, "cm", 1.0)
    assert verdict([whole], 1000, limits) is None, "reported only"
    assert verdict([flip("pelvis", 5, 6)], 1000, replace(limits, allowed={})) is None
    assert set(LIMITS.allowed) - set(KINDS) == {"root flip", "root teleport"}


def test_spans_and_order() -> None:
    mask = np.zeros(20, bool)
    mask[[0, 1, 4, 10, 19]] = True
    assert list(spans(mask)) == [(0, 1), (4, 4), (10, 10), (19, 19)]
    assert list(spans(mask, 2)) == [(0, 4), (10, 10), (19, 19)]
    late, early = Defect("flip", "leader", "head", 9, 9, 1, "", 0.1), Defect("nan", "couple", "head", 2, 9, 1, "", 0.1)
    assert in_order([late, early]) == [early, late]
    assert json.dumps(early.as_dict()) and str(late) == "flip of the leader's head, frame 9: 1"


# ---------------------------------------------------------------------------------------------------------------- folder


def test_folder_of_takes(body: Body, tmp_path: Path) -> None:
    duet = couple(body)
    write_take(tmp_path, replace(duet, name="good"))
    flipped = replace(duet, name="bad", leader=turned(duet.leader, slice(100, 101), "pelvis", (0.0, 1.6, 0.0)))
    write_take(tmp_path / "set", flipped)
    write_take(tmp_path, replace(duet, name="broken"))
    (tmp_path / "broken" / "leader.npz").write_bytes(b"nothing")
    calls: list[tuple[int, int]] = []
    found = inspect_folder(tmp_path, body, QUIET, progress=lambda *at: calls.append(at))
    assert [take.name for take in found.takes] == ["broken", "good", "set/bad"] and calls[-1] == (3, 3)
    assert set(found.excluded()) == {"broken", "set/bad"} and "leader.npz" in found.excluded()["broken"]
    told = found.as_dict()
    assert json.loads(json.dumps(told, allow_nan=False))["counts"] == dict(found.counts()) and told["num_frames"] == 2 * FRAMES
    assert told["kinds"]["flip"] == KINDS["flip"]
    with pytest.raises(InputError, match="no take"):
        (tmp_path / "empty").mkdir()
        inspect_folder(tmp_path / "empty", body, LIMITS)
    with pytest.raises(InputError, match="no such folder"):
        inspect_folder(tmp_path / "absent", body, LIMITS)


@pytest.mark.slow
def test_processes_agree(body: Body, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_take(tmp_path, replace(couple(body), name=name))
    alone, both = (inspect_folder(tmp_path, body, LIMITS, workers) for workers in (1, 2))
    assert alone.as_dict() == both.as_dict()


# ------------------------------------------------------------------------------------------------------------- real data

#: Joints of the files (salsa skeleton, CMU) as SMPL-X names.
NAMES = {
    "LeftHand": "left_wrist", "RightHand": "right_wrist", "lHand": "left_wrist", "rHand": "right_wrist",
    "lShin": "left_knee", "rFoot": "right_ankle", "lFoot": "left_ankle", "hip": "pelvis", "abdomen": "spine1",
    "rThigh": "right_hip", "lThigh": "left_hip", "neck": "neck",
}  # fmt: skip
SOUND = ("easy_01", "easy_02", "easy_03", "medium_01", "medium_03", "high_five")
ROLES = {"leader": "leader", "follower": "follower", "a": "leader", "b": "follower"}


def real(body: Body, name: str, stop: int | None = None) -> tuple[Duet, list[dict]]:
    """A real couple, frames as in the files, and its listed glitches."""
    entry = json.loads(shared("data", "takes.json").read_text())["takes"][name]
    leader, follower = (read_leader(shared("data") / path, body) for path in entry["files"].values())
    return Duet(name, "test", leader[:stop], follower[:stop], None), entry.get("glitches", [])


def listed(glitches: list[dict]) -> set[tuple[str, str, int]]:
    """Who, joint and frame of the glitches; a pair of frames of the salsa skeleton is a half-open range, see the README."""
    found = set()
    for item in glitches:
        frames = item["frames"]
        is_range = item["joint"] == "LeftHand" and len(frames) == 2
        for frame in [frames[0], frames[1] - 1] if is_range else frames:
            found.add((ROLES[item["role"]], NAMES[item["joint"]], frame))
    return found


def missed(flips: list[Defect], glitches: list[dict]) -> list[tuple[str, str, int]]:
    """Listed glitches without a flip there; a glitch may be counted from the frame before or after its jump."""
    return [
        (who, joint, frame)
        for who, joint, frame in listed(glitches)
        if not any(item.who == who and item.joint == joint and item.first - 1 <= frame <= item.last + 1 for item in flips)
    ]


def extra(flips: list[Defect], glitches: list[dict]) -> list[str]:
    """Flips where none is listed."""
    return [
        str(item)
        for item in flips
        if not any(
            item.who == who and item.joint == joint and item.first - 1 <= frame <= item.last + 1
            for who, joint, frame in listed(glitches)
        )
    ]


@pytest.mark.parametrize(("name", "stop"), [("hard_04", 760), ("greeting", 240), ("easy_01", 200)])
def test_listed_glitches_and_nothing_else(body: Body, name: str, stop: int) -> None:
    duet, glitches = real(body, name, stop)
    found = inspect_duet(duet, body, QUIET)
    assert not missed(found, glitches)
    assert not extra(found, glitches), "nothing else is wrong with them"
    assert verdict(found, stop, QUIET) is None


@pytest.mark.parametrize(
    "name",
    [
        "cmu_04",
        "cmu_07",
        "cmu_12",
        *(pytest.param(f"cmu_{number}", marks=pytest.mark.slow) for number in ("01", "05", "10", "14")),
    ],
)
def test_glitches_of_the_other_skeleton(body: Body, name: str) -> None:
    duet, glitches = real(body, name)
    for who, motion in (("leader", duet.leader), ("follower", duet.follower)):
        mine = [item for item in glitches if ROLES[item["role"]] == who]
        found = inspect_motion(motion, body, QUIET, who=who)  # type: ignore[arg-type]
        flips = [item for item in found if item.kind == "flip"]
        assert not missed(flips, mine) and not extra(flips, mine)
        if who == "leader":
            reason = verdict(found, motion.num_frames, QUIET) or ""
            assert reason.startswith("root flip") == (name in ("cmu_04", "cmu_10")), "the takes marked as defective"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SOUND, "hard_04", "medium_02", "greeting", "move_03_03", "back_lift"])
def test_whole_real_takes(body: Body, name: str) -> None:
    duet, glitches = real(body, name)
    found = inspect_duet(duet, body, QUIET)
    flips = [item for item in found if item.kind == "flip"]
    assert not missed(flips, glitches) and not extra(flips, glitches)
    assert verdict(found, duet.leader.num_frames, QUIET) is None
    kinds = {item.kind for item in found} - {"flip"}
    # Close body contact of bodies that are not the dancers' own; nothing else is found anywhere.
    assert kinds == ({"penetration"} if name in ("move_03_03", "back_lift") else set())


@pytest.mark.slow
@pytest.mark.parametrize("genre", sorted(GENRES))
def test_our_own_couples_pass(body: Body, genre: str) -> None:
    """What we make up ourselves is good enough, and nothing in it freezes, floats, sinks or skates."""
    dance = generate_duet(genre, 16.0, [3, 1], body)
    found = inspect_duet(Duet(genre, genre, dance.leader, dance.follower, None), body, QUIET)
    assert verdict(found, dance.leader.num_frames, QUIET) is None
    kinds = {item.kind for item in found}
    assert not kinds & {"frozen", "floating", "sinking", "skating", "floor", "bent back", "teleport"}, sorted(map(str, found))


def test_every_kind_and_limit_is_explained() -> None:
    text = (REPOSITORY / "docs" / "quality.md").read_text(encoding="utf-8")
    names = [*KINDS, *(item.name for item in fields(LIMITS))]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_memory_does_not_grow_with_surfaces() -> None:
    assert max(piece.stop - piece.start for piece in pieces(10_000)) <= 512
    assert sum(piece.stop - piece.start for piece in pieces(10_001)) == 10_001
    assert len(JOINT_NAMES) == NUM_JOINTS
