"""Captured couples: the BVH reader, retargeting, resampling, defects, folders of takes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import shared
from scipy.spatial.transform import Rotation

from benchmarks.seeds import Z_UP, dance, write_bvh
from interdance.body.model import Body
from interdance.body.skeleton import INDEX
from interdance.errors import InputError
from interdance.mocap.bvh import forward_kinematics, read_bvh
from interdance.mocap.resample import resample
from interdance.mocap.retarget import (
    LIMBS,
    bvh_to_motion,
    choose_mapping,
    load_mapping,
    read_leader,
    shipped_mappings,
)
from interdance.mocap.skeleton import understand
from interdance.takes import Motion, write_motion

TINY = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Spine
  {
    OFFSET 0 1 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 0.5 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.033333
0 0 0 0 0 0 0 0 0
1 2 3 90 0 0 0 90 0
"""


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def write_song(path: Path, seconds: float, rate: int = 8000) -> np.ndarray:
    """A song whose samples tell their place."""
    samples = (np.arange(round(seconds * rate)) % 30000 / 32768.0).astype(np.float32)
    soundfile.write(path, samples, rate, subtype="PCM_16" if path.suffix in (".wav", ".flac") else None)
    return samples


# ------------------------------------------------------------------------------------------------------------- reading


def test_reading_and_kinematics_in_closed_form(tmp_path):
    (tmp_path / "tiny.bvh").write_text(TINY)
    bvh = read_bvh(tmp_path / "tiny.bvh")
    assert bvh.names == ["Hips", "Spine"] and bvh.fps == pytest.approx(30, abs=0.01) and bvh.num_frames == 2
    rotations, positions = forward_kinematics(bvh)
    np.testing.assert_allclose(positions[0], [[0, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(positions[1], [[1, 2, 3], [0, 2, 3]], atol=1e-12)  # 90 degrees about z: +y to -x
    turned = Rotation.from_euler("ZX", [90, 90], degrees=True).as_matrix()
    np.testing.assert_allclose(rotations[1, 1], turned, atol=1e-12)
    np.testing.assert_allclose(bvh.end_sites["Spine"], [0, 0.5, 0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("Frames: 2", "Frames: 3"), "says 3 frames, but 2 rows follow"),
        (("Frames: 2", "Frames: 1"), "set 'Frames: 2'"),
        (("Frames: 2", "Frames: 1000000000000"), "2 rows follow"),
        (("Frames: 2", "Frames: -2"), "whole number"),
        (("Frames: 2", "Frames: two"), "whole number"),
        (("Frame Time: 0.033333", "Frame Time: 0"), "Frame Time"),
        (("Frame Time: 0.033333", "Frame Time: nan"), "Frame Time"),
        (("Frame Time: 0.033333", ""), "Frame Time"),
        (("1 2 3 90 0 0 0 90 0", "1 2 3 90 0 0 0 90"), "frame 1"),
        (("1 2 3 90 0 0 0 90 0", "1 2 3 90 0 0 0 90 nan"), "NaN or infinity"),
        (("1 2 3 90 0 0 0 90 0", "1 2 3 1e999 0 0 0 90 0"), "frame 1"),
        (("1 2 3 90 0 0 0 90 0", "1 2 3 90 0 0 0 x 0"), "'x' is not a number"),
        (("HIERARCHY", "HELLO"), "not a BVH file"),
        (("JOINT Spine", "JOINT Hips"), "a second joint"),
        (("  OFFSET 0 1 0", "  OFFSET 0 1"), "line 8"),
        (("OFFSET 0 1 0", "OFFSET 0 nan 0"), "three finite numbers"),
        (("    CHANNELS 3 Zrotation", "    CHANNELS 3 Wrotation"), "CHANNELS of 'Spine'"),
        (("    CHANNELS 3", "    CHANNELS 99"), "CHANNELS of 'Spine'"),
        (("}\nMOTION", "MOTION"), "is open"),
        (("  JOINT Spine\n", "}\n  JOINT Spine\n"), "stands where it cannot"),
        ((TINY[TINY.index("MOTION") :], ""), "before MOTION"),
        ((TINY[TINY.index("0 0 0 0 0 0 0 0 0") :], ""), "0 rows follow"),
        ((TINY[TINY.index("Frames") :], "Frames: 0\nFrame Time: 0.03\n"), "no frames"),
        ((TINY, ""), "empty"),
        ((TINY, "\0\1\2"), "binary"),
    ],
)
def test_malformed_files_are_refused_with_one_sentence(tmp_path, change, says):
    assert change[0] in TINY
    path = tmp_path / "bad.bvh"
    path.write_text(TINY.replace(*change, 1))
    with pytest.raises(InputError) as refused:
        read_bvh(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: ") and says in message and "\n" not in message


def test_mutated_files_end_in_a_refusal_or_a_motion(tmp_path):
    rng = np.random.default_rng(4)
    path = tmp_path / "mutant.bvh"
    refused = 0
    for _ in range(300):
        data = bytearray(TINY.encode())
        for _ in range(rng.integers(1, 4)):
            place = int(rng.integers(len(data)))
            kind = rng.integers(3)
            if kind == 0:
                data[place] = int(rng.integers(256))
            elif kind == 1:
                del data[place : place + int(rng.integers(1, 30))]
            else:
                data[place:place] = data[place : place + 20]
        path.write_bytes(bytes(data))
        try:
            bvh = read_bvh(path)
            assert np.isfinite(forward_kinematics(bvh)[1]).all()
        except InputError:
            refused += 1
    assert refused > 100


def test_the_shared_file_with_a_wrong_header_is_refused():
    with pytest.raises(InputError, match="699 frames, but 799 rows"):
        read_bvh(shared("data", "salsa", "defect_frame_count_leader.bvh"))


# --------------------------------------------------------------------------------------------------------- retargeting


@pytest.mark.parametrize(
    ("unit", "prefix", "mapping"),
    [
        (1.0, "", "salsa"),
        (0.0254, "", "salsa"),
        (0.01, "mixamorig:", "mixamo"),
        (0.01, "mixamorig", "mixamo"),
        (0.0564444, "Ann:", "cmu"),
        (0.001, "Character1_", "xsens"),
        (0.01, "", "lafan1"),
    ],
)
def test_a_motion_survives_the_way_through_bvh(tmp_path, body, unit, prefix, mapping):
    motion = dance(60)
    write_bvh(tmp_path / "a.bvh", motion, body, unit, prefix, mapping)
    bvh = read_bvh(tmp_path / "a.bvh")
    assert choose_mapping(bvh).name == mapping
    back = bvh_to_motion(bvh, body, betas=motion.betas)
    shift = np.median(body.points(motion)[:, 55:, 1].min(axis=1))
    joints, wanted = body.joints(back)[:, :22], body.joints(motion)[:, :22] - np.float32([0, shift, 0])
    assert np.abs(joints - wanted).max() < 1e-4
    assert abs(np.median(body.points(back)[:, 55:, 1].min(axis=1))) < 1e-4  # feet on the floor
    fitted = bvh_to_motion(bvh, body)
    assert np.linalg.norm(body.joints(fitted)[:, :22] - wanted, axis=2).mean() < 0.04  # the shape is sought, too


@pytest.mark.parametrize("mapping", ["salsa", "lafan1"])
def test_a_skeleton_whose_rest_is_no_pose_is_fitted_by_positions(tmp_path, body, mapping):
    """Every joint's own frame turned at random, as in LAFAN1: joints within 8 mm; with the wrong rest pose it is metres."""
    motion = dance(40)
    frames = Rotation.random(55, random_state=1).as_matrix()
    write_bvh(tmp_path / "a.bvh", motion, body, 0.01, mapping=mapping, frames_J33=frames)
    bvh = read_bvh(tmp_path / "a.bvh")
    assert understand(bvh).facts["method"] == "positions"
    back = body.joints(bvh_to_motion(bvh, body))[:, :22]
    shift = np.median(body.points(motion)[:, 55:, 1].min(axis=1))
    assert np.linalg.norm(back - body.joints(motion)[:, :22] + np.float32([0, shift, 0]), axis=2).mean() < 0.008


def test_a_rest_pose_that_lies_down_does_not_lay_the_dancer_down(tmp_path, body):
    """The pose at rest has +y up, the world in which the dancer moves +z: the root's channels stand the dancer up."""
    motion, lying = dance(40), np.broadcast_to(Rotation.from_euler("x", 90, degrees=True).as_matrix(), (55, 3, 3))
    write_bvh(tmp_path / "a.bvh", motion, body, mapping="mixamo", frames_J33=lying)
    bvh = read_bvh(tmp_path / "a.bvh")
    facts = understand(bvh).facts
    assert (facts["rest_up"], facts["up"], facts["method"]) == ("+y", "+z", "rotations")
    back = body.joints(bvh_to_motion(bvh, body, betas=motion.betas))[:, :22]
    shift = np.median(body.points(motion)[:, 55:, 1].min(axis=1))
    np.testing.assert_allclose(back, body.joints(motion)[:, :22] - np.float32([0, shift, 0]), atol=1e-4)


def test_what_is_found_is_told_and_can_be_overridden(tmp_path, body):
    write_bvh(tmp_path / "a.bvh", dance(10), body, 0.0254)
    bvh = read_bvh(tmp_path / "a.bvh")
    skeleton = understand(bvh)
    assert skeleton.facts == json.loads(json.dumps(skeleton.facts))
    wanted = {"mapping": "salsa", "unit_m": 0.0254, "up": "+z", "rest_forward": "-y", "fps": 30.0}
    assert wanted.items() <= skeleton.facts.items()
    assert str(skeleton).startswith("mapping salsa, unit 0.0254 m (legs are those of people in inches), up +z (the mapping")
    told = skeleton.mapping.told(up="auto", forward="auto", unit=0.03)
    facts = understand(bvh, told).facts
    assert (facts["unit_m"], facts["up"], facts["up_from"]) == (0.03, "+z", "heads are over feet")
    with pytest.raises(InputError, match="state 'unit'"):
        understand(bvh, skeleton.mapping.told(unit=1.0))
    for bad in ({"up": "north"}, {"unit": -1.0}, {"unit": float("nan")}):
        with pytest.raises(InputError, match="mapping salsa: "):
            skeleton.mapping.told(**bad)
    assert read_leader(tmp_path / "a.bvh", body, fps=30.0, file_fps=60.0).num_frames == 5


@pytest.mark.parametrize(
    ("text", "fps"),
    [("0.0333333", 30.0), ("0.033", 30.0), ("0.0333", 30.0), ("0.0083", 120.0), ("0.00834", 119.88), ("0.008342", 119.88),
     ("0.04", 25.0), ("0.03337", 29.97), ("0.0166667", 60.0), ("0.00123", 1 / 0.00123), ("1", 1.0), ("3.3e-2", 1 / 0.033)],
)  # fmt: skip
def test_rounded_frame_times_are_common_rates(tmp_path, text, fps):
    path = tmp_path / "tiny.bvh"
    path.write_text(TINY.replace("0.033333", text))
    assert read_bvh(path).fps == pytest.approx(fps, rel=1e-9)
    told = read_bvh(path, 29.97)
    assert (told.fps, told.fps_from) == (29.97, "as told")
    with pytest.raises(InputError, match="0 frames per second were asked for"):
        read_bvh(path, 0.0)


def test_mixamo_fingers_are_taken_over(tmp_path, body):
    motion = dance(8)
    rotations = motion.rotations_TJ3.copy()
    rotations[:, 25:55] = np.random.default_rng(0).uniform(-0.4, 0.4, (30, 3))
    motion = replace(motion, rotations_TJ3=rotations)
    write_bvh(tmp_path / "a.bvh", motion, body, 0.01, "mixamorig:", "mixamo")
    back = bvh_to_motion(read_bvh(tmp_path / "a.bvh"), body, betas=motion.betas)
    np.testing.assert_allclose(back.rotations_TJ3[:, 25:], motion.rotations_TJ3[:, 25:], atol=1e-4)


def test_a_skeleton_may_lack_parts_of_the_trunk(tmp_path, body):
    write_bvh(tmp_path / "a.bvh", dance(8), body, mapping="mixamo")
    text = (tmp_path / "a.bvh").read_text()
    (tmp_path / "b.bvh").write_text(text.replace("Spine2", "Brooch").replace("LeftToeBase", "LeftShoe"))
    skeleton = understand(read_bvh(tmp_path / "b.bvh"))
    assert skeleton.facts["absent"] == ["Spine2", "LeftToeBase"] and skeleton.mapping.name == "mixamo"
    assert {"Brooch", "LeftShoe"} <= set(skeleton.facts["unmapped"])


def test_fingers_without_data_curl_towards_the_palm(tmp_path, body):
    still = Motion(np.zeros((2, 55, 3), np.float32), np.zeros((2, 3), np.float32), np.zeros(10, np.float32), 30.0)
    write_bvh(tmp_path / "a.bvh", still, body)
    joints = body.joints(bvh_to_motion(read_bvh(tmp_path / "a.bvh"), body, betas=still.betas))[0]
    for side in ("left", "right"):
        assert joints[INDEX[f"{side}_middle3"], 1] < joints[INDEX[f"{side}_middle1"], 1] - 0.01


def test_another_skeleton_is_refused_and_a_mapping_file_helps(tmp_path, body):
    write_bvh(tmp_path / "a.bvh", dance(10), body)
    text = (tmp_path / "a.bvh").read_text().replace("Left", "Lft_")
    (tmp_path / "b.bvh").write_text(text)
    with pytest.raises(InputError, match="no shipped mapping .*salsa.*--mapping"):
        read_leader(tmp_path / "b.bvh", body)
    joints = {joint: name.replace("Left", "Lft_") for joint, name in shipped_mappings()["salsa"].joints.items()}
    (tmp_path / "own.yaml").write_text(json.dumps({"joints": joints}))
    mapping = load_mapping(tmp_path / "own.yaml")
    assert read_leader(tmp_path / "b.bvh", body, mapping).num_frames == 10
    with pytest.raises(InputError, match="lacks"):
        read_leader(tmp_path / "a.bvh", body, mapping)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1", "not valid YAML"),
        ("joints: 3", "'joints'"),
        ("joints: {pelvs: Hips}", "no SMPL-X joints"),
        ("joints: {pelvis: Hips}", "missing"),
        ("joints: {pelvis: [a]}", "found a dict"),
        ("[" * 30000, "not valid YAML"),
        ("joints: {}\nunit: .inf", "missing|unit"),
        ("joints: {}\nscale: 2", "'scale': unknown key"),
    ],
)
def test_mapping_files_are_checked(tmp_path, text, says):
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(InputError, match=says):
        load_mapping(tmp_path / "m.yaml")
    with pytest.raises(InputError, match="shipped"):
        load_mapping("nosuch")


def test_leaders_come_from_bvh_or_npz_only(tmp_path, body):
    for name, says in (("a.fbx", "'.fbx'"), ("a.bvh", "no such file"), ("a.npz", "no such file")):
        with pytest.raises(InputError, match=says):
            read_leader(tmp_path / name, body)
    motion = dance(61)
    write_motion(tmp_path / "a.npz", replace(motion, fps=60.0))
    assert read_leader(tmp_path / "a.npz", body, fps=30.0).num_frames == 31


@pytest.mark.slow
def test_every_shared_file_is_imported_or_refused(body):
    """All 41 BVH files: one is refused for its header, the others stand on the floor with their wrists in place."""
    refused = []
    for path in sorted(shared("data").glob("*/*.bvh")):
        try:
            bvh = read_bvh(path)
        except InputError as error:
            refused.append(str(error))
            continue
        bvh = replace(bvh, values_TC=bvh.values_TC[::7])
        skeleton = understand(bvh)
        joints = body.joints(bvh_to_motion(bvh, body))
        captured = forward_kinematics(bvh)[1] @ skeleton.world_33.T * skeleton.unit
        error = {n: np.linalg.norm(joints[:, INDEX[n]] - captured[:, skeleton.source[n]], axis=1).mean() for n in LIMBS}
        most = {"cmu_salsa": (0.06, 0.04), "interaction": (0.05, 0.05)}.get(path.parent.name, (0.032, 0.037))
        assert max(error["left_wrist"], error["right_wrist"]) < most[0], path
        assert max(error["left_ankle"], error["right_ankle"]) < most[1], path
    assert len(refused) == 1 and "defect_frame_count_leader.bvh: the header says 699 frames, but 799 rows" in refused[0]


@pytest.mark.parametrize("take", ["easy_01", "move_03_03"])
def test_real_couples_land_where_the_capture_has_them(body, take):
    for role in ("leader", "follower"):
        bvh = read_bvh(shared("data", "salsa", f"{take}_{role}.bvh"))
        bvh = replace(bvh, values_TC=bvh.values_TC[100:-60:10])
        joints = body.joints(bvh_to_motion(bvh, body))
        captured = forward_kinematics(bvh)[1] @ Z_UP.T
        source = choose_mapping(bvh).find(bvh.names)
        error = {n: np.linalg.norm(joints[:, INDEX[n]] - captured[:, source[n]], axis=1).mean() for n in LIMBS}
        assert max(error["left_wrist"], error["right_wrist"]) < 0.032
        assert max(error["left_ankle"], error["right_ankle"]) < 0.037


def test_rates_agree_between_source_and_thinned_file(body):
    fast = bvh_to_motion(read_bvh(shared("data", "salsa_raw120", "easy_02_excerpt_leader.bvh")), body, fps=29.97)
    slow = bvh_to_motion(read_bvh(shared("data", "salsa", "easy_02_leader.bvh")), body, betas=fast.betas)
    count = fast.num_frames
    assert count == 401
    spread = np.linalg.norm(body.joints(fast)[:, :22] - body.joints(slow)[:count, :22], axis=2)
    assert spread.mean() < 0.01


# ------------------------------------------------------------------------------------------------- rate and defects


def test_resampling_is_exact_for_a_steady_turn_and_keeps_equal_rates():
    time = np.arange(121) / 119.88
    rotations = np.zeros((121, 55, 3), np.float32)
    rotations[:, 0, 1] = (2.5 * time + 3.0 + np.pi) % (2 * np.pi) - np.pi  # wraps round
    motion = Motion(
        rotations, np.stack([time, 0 * time, -time], 1).astype(np.float32), np.zeros(10, np.float32), 119.88
    )
    slow = resample(motion, 30.0)
    assert slow.num_frames == 31 and slow.fps == 30.0
    wanted = Rotation.from_rotvec(np.outer(2.5 * np.arange(31) / 30 + 3.0, [0, 1, 0]))
    found = Rotation.from_rotvec(slow.rotations_TJ3[:, 0])
    assert (wanted.inv() * found).magnitude().max() < 1e-5
    np.testing.assert_allclose(slow.translation_T3[:, 0], np.arange(31) / 30, atol=1e-6)
    same = resample(replace(motion, fps=29.97), 30.0)
    assert same.fps == 30.0 and same.rotations_TJ3 is motion.rotations_TJ3
    assert resample(motion[:1], 30.0).num_frames == 1
