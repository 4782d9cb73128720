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

from interdance.body.model import Body
from interdance.body.skeleton import INDEX, JOINT_NAMES, PARENTS
from interdance.errors import InputError
from interdance.mocap.bvh import forward_kinematics, read_bvh
from interdance.mocap.folder import find_takes, import_folder, trim_range
from interdance.mocap.quality import find_defects
from interdance.mocap.resample import resample
from interdance.mocap.retarget import (
    LIMBS,
    bvh_to_motion,
    choose_mapping,
    load_mapping,
    read_leader,
    shipped_mappings,
)
from interdance.takes import Motion, read_take, write_motion

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
Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # our axes from a z-up file that faces -y


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def dance(num_frames: int, seed: int = 0, t_pose: int = 0) -> Motion:
    """Limbs and trunk swinging smoothly, turning on the spot; with T-poses at both ends if asked."""
    rng = np.random.default_rng(seed)
    time = np.arange(num_frames)[:, None] / 30.0
    rotations = np.zeros((num_frames, 55, 3))
    for joint in range(1, 22):
        rotations[:, joint] = 0.25 * np.sin(time * rng.uniform(1, 4, 3) + rng.uniform(0, 6, 3))
    for joint, sign in ((16, -1.0), (17, 1.0)):
        rotations[:, joint, 2] += sign * 1.0
    rotations[:, 0, 1] = 0.6 * time[:, 0]
    translation = np.stack([np.sin(time[:, 0]), 0.9 + 0 * time[:, 0], np.cos(time[:, 0])], axis=1)
    for frames in (slice(0, t_pose), slice(num_frames - t_pose, num_frames)):
        rotations[frames, 1:] = 0.0
    return Motion(rotations.astype(np.float32), translation.astype(np.float32), np.zeros(10, np.float32), 30.0)


def write_bvh(
    path: Path, motion: Motion, body: Body, unit: float = 1.0, prefix: str = "", mapping: str = "salsa"
) -> None:
    """The motion on the body's own skeleton as a z-up BVH file with the joint names of a mapping."""
    names = {joint: prefix + name for joint, name in shipped_mappings()[mapping].joints.items()}
    rest = np.asarray(body.rest_joints(motion.betas), np.float64) @ Z_UP / unit  # rows: our axes -> the file's
    children = {joint: [k for k in range(55) if PARENTS[k] == joint and JOINT_NAMES[k] in names] for joint in range(55)}
    order: list[int] = []
    lines = ["HIERARCHY"]

    def add(joint: int, depth: int) -> None:
        pad = "  " * depth
        order.append(joint)
        offset = rest[joint] - rest[PARENTS[joint]] if joint else np.zeros(3)
        positions = "Xposition Yposition Zposition " if joint == 0 else ""
        lines.extend([
            f"{pad}{'JOINT' if joint else 'ROOT'} {names[JOINT_NAMES[joint]]}",
            f"{pad}{{",
            f"{pad}  OFFSET " + " ".join(f"{value:.8f}" for value in offset),
            f"{pad}  CHANNELS {6 if joint == 0 else 3} {positions}Xrotation Yrotation Zrotation",
        ])  # fmt: skip
        for child in children[joint]:
            add(child, depth + 1)
        if not children[joint]:
            lines.append(f"{pad}  End Site {{ OFFSET 0 0 0 }}")
        lines.append(f"{pad}}}")

    add(0, 0)
    lines += ["MOTION", f"Frames: {motion.num_frames}", f"Frame Time: {1 / motion.fps:.8f}"]
    pelvis = np.asarray(body.joints(motion))[:, 0] @ Z_UP / unit
    local = Rotation.from_rotvec(motion.rotations_TJ3.reshape(-1, 3)).as_matrix().reshape(-1, 55, 3, 3)
    local = Z_UP.T @ local @ Z_UP
    angles = np.stack([Rotation.from_matrix(local[:, joint]).as_euler("XYZ", degrees=True) for joint in order], axis=1)
    for root, row in zip(pelvis, angles.reshape(len(pelvis), -1), strict=True):
        lines.append(" ".join(f"{value:.6f}" for value in (*root, *row)))
    path.write_text("\n".join(lines) + "\n")


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
    ("unit", "prefix", "mapping"), [(1.0, "", "salsa"), (0.0254, "", "salsa"), (0.01, "mixamorig:", "mixamo")]
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
        ("joints: {}\nscale: 2", "scale: unknown key"),
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


def test_defects_are_found_and_named():
    motion = dance(120)
    assert find_defects(motion) == []
    rotations, translation = motion.rotations_TJ3.copy(), motion.translation_T3.copy()
    rotations[40, INDEX["left_wrist"]] += [0, 1.6, 0]
    translation[60:] += [0.5, 0, 0]
    rotations[80:100], translation[80:100] = rotations[80], translation[80]
    rotations[110, INDEX["head"]] = np.nan
    kinds = {
        (d.kind, d.joint, d.first)
        for d in find_defects(replace(motion, rotations_TJ3=rotations, translation_T3=translation))
    }
    assert {
        ("flip", "left_wrist", 40),
        ("root_jump", "root", 60),
        ("frozen", "body", 80),
        ("nan", "head", 110),
    } <= kinds


@pytest.mark.parametrize(("take", "first", "last"), [("hard_04", 706, 710), ("medium_02", 817, 822)])
def test_listed_flips_are_found(body, take, first, last):
    defects = find_defects(bvh_to_motion(read_bvh(shared("data", "salsa", f"{take}_follower.bvh")), body))
    assert [d.joint for d in defects] == ["left_wrist"]
    assert first <= defects[0].first and defects[0].last <= last + 1


# -------------------------------------------------------------------------------------------------------------- folders


def couple(folder: Path, body: Body, name: str, t_pose: int = 0, num_frames: int = 90) -> None:
    folder.mkdir(exist_ok=True)
    for seed, role in enumerate(("leader", "follower")):
        write_bvh(folder / f"{name}_{role}.bvh", dance(num_frames, seed, t_pose), body)


def test_a_folder_becomes_takes_with_the_song_cut_alike(tmp_path, body):
    couple(tmp_path / "in", body, "one", t_pose=15)
    couple(tmp_path / "in", body, "two")
    (tmp_path / "in" / "two_follower.bvh").unlink()
    (tmp_path / "music").mkdir()
    samples = write_song(tmp_path / "music" / "one.wav", 3.5)
    assert import_folder(tmp_path / "in", tmp_path / "out", body, 30.0, "salsa", 0.5) == ["one"]
    take = read_take(tmp_path / "out" / "one")
    assert take.facts["trimmed"]["start"] == 15 and take.facts["trimmed"]["end"] == 15
    assert take.leader.num_frames == take.follower.num_frames == 60
    cut, rate = soundfile.read(take.music, dtype="float32")
    np.testing.assert_allclose(cut, samples[round(15 / 30 * rate) : round(75 / 30 * rate)], atol=1e-4)
    report = json.loads((tmp_path / "out" / "import.json").read_text())
    assert report["left_out"] == {"two": "no follower"}
    import_folder(tmp_path / "in", tmp_path / "out", body, 30.0, "salsa", 0.5, trim=False, takes=["one"])
    assert read_take(tmp_path / "out" / "one").leader.num_frames == 90  # replaced whole


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda d: (d / "one_leader.bvh").write_text((d / "one_leader.bvh").read_text()[:-500]), "the file was cut"),
        (lambda d: write_song(d / "one.wav", 1.0), "the song ends at 1.00 s"),
        (lambda d: (d / "one.wav").write_bytes(b"RIFF nothing"), "cannot be decoded"),
        (lambda d: (d / "one.wav").unlink(), "no song one"),
        (lambda d: write_motion(d / "one_leader.npz", dance(9)), "keep one"),
    ],
)
def test_a_defective_take_is_refused_and_nothing_is_written(tmp_path, body, spoil, says):
    couple(tmp_path / "in", body, "one")
    write_song(tmp_path / "in" / "one.wav", 3.0)
    spoil(tmp_path / "in")
    with pytest.raises(InputError, match=says):
        import_folder(tmp_path / "in", tmp_path / "out", body, 30.0, "salsa", 0.5)
    assert [item.name for item in tmp_path.iterdir()] == ["in"]


def test_a_folder_of_other_things_is_not_replaced(tmp_path, body):
    couple(tmp_path / "in", body, "one")
    write_song(tmp_path / "in" / "one.wav", 3.0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("dear diary")
    with pytest.raises(InputError, match=r"diary\.txt"):
        import_folder(tmp_path / "in", tmp_path / "out", body, 30.0, "salsa", 0.5)
    assert (tmp_path / "out" / "diary.txt").read_text() == "dear diary"
    with pytest.raises(InputError, match="no such folder"):
        import_folder(tmp_path / "nosuch", tmp_path / "out", body, 30.0, "salsa", 0.5)
    with pytest.raises(InputError, match="take three"):
        find_takes(tmp_path / "in", takes=["three"])


def test_trimming_bridges_short_gaps_only():
    pose = np.zeros(100, bool)
    pose[:10], pose[12:20], pose[50:60], pose[90:] = True, True, True, True
    assert trim_range(pose, bridge=3) == (20, 90)
    assert trim_range(pose, bridge=1) == (10, 90)
    assert trim_range(np.zeros(5, bool), bridge=3) == (0, 5)
    assert trim_range(np.ones(5, bool), bridge=3) == (5, 5)


def test_the_shared_folder_is_understood():
    found, skipped = find_takes(shared("data", "salsa"))
    assert [item.name for item in found] == [
        "easy_01", "easy_02", "easy_03", "hard_04", "medium_01", "medium_02", "medium_03", "move_03_03",
    ]  # fmt: skip
    assert set(skipped) == {"defect_frame_count", "rom"}
