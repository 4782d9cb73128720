"""InterHuman, Inter-X, AIST++ and FineDance: what their writers make is read back, and what is broken is refused."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from conftest import REPOSITORY, shared
from scipy.spatial.transform import Rotation

from interdance.body.model import Body
from interdance.body.rotations import matrices, to_global
from interdance.body.skeleton import INDEX, PARENTS
from interdance.errors import InputError
from interdance.importers import aistpp, finedance, interhuman, interx
from interdance.importers.bodies import SMPL_REST, adopt, fit_shape, release, rest_of, root_of, with_relaxed_hands
from interdance.importers.floor import above_floor, on_floor, raised
from interdance.importers.source import Source
from interdance.takes import Duet, Motion

torch.set_num_threads(1)

NUM_FRAMES = 40
BODY_JOINTS = 22
WRISTS, ANKLES = [20, 21], [7, 8]
SEQUENCE = "gWA_sFM_cAll_d26_mWA3_ch02"


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def dance(seed: int, betas: np.ndarray, yaw: float = 0.0, ahead: float = 0.0, num_frames: int = NUM_FRAMES) -> Motion:
    """Somebody who sways, every joint by itself, fingers too."""
    rng = np.random.default_rng(seed)
    time_T = np.arange(num_frames)[:, None, None] / 30
    rotations = np.zeros((num_frames, 55, 3), np.float32)
    rotations[:, 1:22] = 0.25 * np.sin(time_T * rng.uniform(1, 5, (21, 3)) + rng.uniform(0, 6, (21, 3)))
    rotations[:, 25:] = 0.2 * np.sin(time_T * rng.uniform(1, 5, (30, 3)) + rng.uniform(0, 6, (30, 3)))
    rotations[:, 0, 1] = yaw + 0.3 * np.sin(time_T[:, 0, 0])
    rotations[:, 0, 0] = 0.1 * np.cos(2 * time_T[:, 0, 0])
    translation = np.array([0.2, 1.2, ahead]) + 0.1 * np.sin(time_T[:, 0] * [1.0, 0.2, 2.0])
    return Motion(rotations, translation.astype(np.float32), np.asarray(betas, np.float32), 30.0)


def couple(body: Body, shapes: tuple[np.ndarray, np.ndarray], name: str = "take", genre: str = "waltz") -> Duet:
    motions, _ = on_floor([dance(1, shapes[0]), dance(2, shapes[1], np.pi, 0.7)], body, together=False)
    return Duet(name, genre, motions[0], motions[1], None, {"split": "test", "texts": ["Two people dance.", "They turn."]})


def some_shapes(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0, 1, (2, 10)).clip(-2, 2).astype(np.float32)
    return first, second


def farthest(body: Body, one: Motion, other: Motion, joints: Any = slice(None)) -> float:
    """Largest distance between the same joints of two motions, metres."""
    assert one.num_frames == other.num_frames
    return float(np.linalg.norm(body.joints(one)[:, joints] - body.joints(other)[:, joints], axis=-1).max())


def only(found: tuple[list[Source], dict[str, str]]) -> Source:
    sources, _ = found
    assert len(sources) == 1
    return sources[0]


# ----------------------------------------------------------------------------------------------------------- SMPL's bodies


def smpl_places(rotations_TJ3: np.ndarray, pelvis_T3: np.ndarray, size: float = 1.0) -> np.ndarray:
    """Joints (T, 22, 3) of a SMPL skeleton by plain forward kinematics."""
    world = to_global(matrices(np.asarray(rotations_TJ3, np.float64)))
    places = np.zeros((len(world), BODY_JOINTS, 3))
    places[:, 0] = pelvis_T3
    for joint in range(1, BODY_JOINTS):
        bone = size * (SMPL_REST[joint] - SMPL_REST[PARENTS[joint]])
        places[:, joint] = places[:, PARENTS[joint]] + world[:, PARENTS[joint]] @ bone
    return places


def adopted(body: Body, seed: int, size: float) -> Motion:
    """What an importer must make of :func:`smpl_dance`."""
    rotations, pelvis, _ = smpl_dance(seed, size)
    return adopt(with_relaxed_hands(rotations), pelvis, SMPL_REST * size, body, 30.0)


def smpl_dance(seed: int, size: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rotations (T, 55, 3), pelvis (T, 3) and places (T, 22, 3) of a SMPL skeleton that sways."""
    motion = dance(seed, np.zeros(10))
    pelvis = motion.translation_T3 - [0, 0.25, 0]
    return motion.rotations_TJ3, pelvis, smpl_places(motion.rotations_TJ3, pelvis, size)


@pytest.mark.parametrize("size", [0.88, 1.0])
def test_adopted_limbs_are_where_they_were(body: Body, size: float) -> None:
    """Arms and shanks point where the SMPL skeleton's do, wrists and ankles come near although the bodies differ."""
    rotations, pelvis, places = smpl_dance(5, size)
    motion = adopt(rotations, pelvis, SMPL_REST * size, body, 30.0)
    ours = body.joints(motion)
    for joint, child in ((4, 7), (5, 8), (16, 18), (18, 20), (17, 19), (19, 21)):
        assert angle(ours[:, child] - ours[:, joint], places[:, child] - places[:, joint]).max() < 0.1
    for joint, child in ((1, 4), (2, 5), (4, 7), (5, 8), (16, 18), (18, 20), (17, 19), (19, 21)):
        lengths = [np.linalg.norm(some[:, child] - some[:, joint], axis=1) for some in (ours, places)]
        assert np.abs(lengths[0] - lengths[1]).max() < 0.025
    assert np.linalg.norm(ours[:, WRISTS] - places[:, WRISTS], axis=-1).mean() < 0.040
    assert np.linalg.norm(ours[:, ANKLES] - places[:, ANKLES], axis=-1).mean() < 0.032
    assert np.abs(motion.betas).max() <= 3.0


def angle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Degrees between vectors (..., 3)."""
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    return np.degrees(np.arccos(np.clip((first * second).sum(axis=-1) / lengths, -1, 1)))


def test_copied_rotations_would_miss_the_ankles(body: Body) -> None:
    """What adopting is for: with SMPL's rotations as they are, shanks point 6 degrees elsewhere and ankles are twice as far."""
    rotations, pelvis, places = smpl_dance(5)
    shape = fit_shape(SMPL_REST, body)
    copied = body.joints(Motion(rotations, (pelvis - body.rest_joints(shape)[0]).astype(np.float32), shape, 30.0))
    adopted = body.joints(adopt(rotations, pelvis, SMPL_REST, body, 30.0))
    assert angle(copied[:, 7] - copied[:, 4], places[:, 7] - places[:, 4]).mean() > 4.0
    far, near = (np.linalg.norm(some[:, ANKLES] - places[:, ANKLES], axis=-1).mean() for some in (copied, adopted))
    assert far > 1.8 * near


def test_release_is_the_inverse_of_adopt(body: Body) -> None:
    rotations, pelvis, _ = smpl_dance(6)
    motion = adopt(rotations, pelvis, SMPL_REST, body, 30.0)
    back, place = release(motion, SMPL_REST, body)
    assert np.abs(matrices(back.astype(np.float64)) - matrices(rotations.astype(np.float64))).max() < 1e-5
    np.testing.assert_allclose(place, pelvis, atol=1e-6)


def test_a_shape_of_this_body_is_found_again(body: Body) -> None:
    for betas in some_shapes():
        rest = body.rest_joints(betas)[:BODY_JOINTS] + 0.3  # wherever it stands
        np.testing.assert_allclose(body.rest_joints(fit_shape(rest, body)), body.rest_joints(betas), atol=1e-4)


def test_rest_pose_is_recovered_from_places_and_rotations() -> None:
    rotations, _, places = smpl_dance(7)
    rest, spread = rest_of(places, rotations)
    np.testing.assert_allclose(rest, SMPL_REST - SMPL_REST[0], atol=1e-6)
    assert spread < 1e-6
    _, elsewhere = rest_of(places, rotations[::-1])
    assert elsewhere > 0.02


def test_who_is_carried_is_not_put_on_the_floor(body: Body) -> None:
    walker = raised(dance(1, np.zeros(10)), 0.2)
    walker = raised(walker, -above_floor(walker, body) + 0.03)
    carried = raised(walker, 0.5)
    (walker, carried), lifts = on_floor([walker, carried], body)
    assert lifts == pytest.approx([-0.03, -0.03], abs=1e-5)
    assert above_floor(carried, body) == pytest.approx(0.5, abs=1e-5)


# -------------------------------------------------------------------------------------------------------------- InterHuman


def test_interhuman_comes_back(body: Body, tmp_path: Path) -> None:
    duet = couple(body, some_shapes())
    interhuman.write(tmp_path, [duet], body)
    source = only(interhuman.find(tmp_path))
    assert (source.name, source.genre, source.music) == ("take", "unknown", None)
    assert source.facts == {"split": "test", "texts": duet.facts["texts"]}
    recording = interhuman.read(source, body)
    assert recording.leader.fps == 30.0
    assert recording.facts["skeletons"] == ["from the processed joints"] * 2
    for there, back in ((duet.leader, recording.leader), (duet.follower, recording.follower)):
        assert there is not None and back is not None
        assert farthest(body, there, back, slice(0, BODY_JOINTS)) < 1e-4
        assert np.ptp(back.rotations_TJ3[:, 25:], axis=0).max() == 0  # relaxed hands, not ours
        assert np.abs(back.rotations_TJ3[:, 25:]).max() > 0.2
    json.dumps(recording.facts, allow_nan=False)


def write_interhuman(folder: Path, fps: float = 59.94) -> list[np.ndarray]:
    """A take as the set has it, made without our writer: SMPL skeletons with another pelvis, +z up, joints at half rate."""
    to_z_up = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])  # (x, y, z) -> (x, -z, y)
    values: dict[str, Any] = {"mocap_framerate": fps, "frames": NUM_FRAMES}
    places = []
    for person, seed in (("person1", 8), ("person2", 9)):
        rotations, pelvis, joints = smpl_dance(seed, 0.95)
        root = (Rotation.from_matrix(to_z_up) * Rotation.from_rotvec(rotations[:, 0])).as_rotvec()
        offset = np.array([0.001, -0.205, 0.037])
        values[person] = {
            "trans": (pelvis @ to_z_up.T - offset).astype(np.float32),
            "root_orient": root.astype(np.float32),
            "pose_body": rotations[:, 1:22].reshape(-1, 63),
            "betas": np.arange(10, dtype=np.float32),
            "gender": "male",
        }
        row = np.zeros((NUM_FRAMES // 2, 492), np.float32)
        row[:, :66] = (joints[::2] @ to_z_up.T).reshape(-1, 66)
        path = folder / "motions_processed" / person / "17.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, row)
        places.append(joints)
    (folder / "motions").mkdir(exist_ok=True)
    (folder / "motions" / "17.pkl").write_bytes(pickle.dumps(values))
    return places


def test_interhuman_meets_the_skeletons_of_the_set(body: Body, tmp_path: Path) -> None:
    write_interhuman(tmp_path)
    recording = interhuman.read(only(interhuman.find(tmp_path)), body)
    assert recording.follower is not None and recording.leader.fps == pytest.approx(59.94)
    assert recording.facts["betas_of_smplh"][0] == list(range(10)) and recording.facts["genders"] == ["male", "male"]
    lifts = recording.facts["raised_m"]
    assert lifts[0] == lifts[1]
    for motion, seed, lift in zip((recording.leader, recording.follower), (8, 9), lifts, strict=True):
        assert farthest(body, raised(motion, -lift), adopted(body, seed, 0.95)) < 2e-4


@pytest.mark.parametrize("spoil", ["missing", "of another take"])
def test_interhuman_without_matching_joints_takes_the_mean_skeleton(body: Body, tmp_path: Path, spoil: str) -> None:
    write_interhuman(tmp_path)
    for person in interhuman.PERSONS:
        path = tmp_path / "motions_processed" / person / "17.npy"
        if spoil == "missing":
            path.unlink()
        else:
            np.save(path, np.load(path)[::-1])
    recording = interhuman.read(only(interhuman.find(tmp_path)), body)
    assert all(text.startswith("the mean one of SMPL-H") for text in recording.facts["skeletons"])
    off = body.joints(recording.leader)[:, 0] - body.joints(adopted(body, 8, 0.95))[:, 0]
    assert 0.005 < np.abs(off[:, [0, 2]]).max() < 0.05  # their own pelvis is 2 cm from the mean one's


def test_interhuman_processed_files_alone(body: Body, tmp_path: Path) -> None:
    """How the pelvis is turned is not in them, but follows: of a SMPL skeleton at once, of another within a degree."""
    duet = couple(body, some_shapes())
    interhuman.write(tmp_path, [duet], body)
    (tmp_path / "motions_processed" / "person1" / "alone.npy").write_bytes(b"")
    shutil.rmtree(tmp_path / "motions")
    sources, left_out = interhuman.find(tmp_path)
    assert list(left_out) == ["alone"] and sources[0].facts["split"] == "test"
    recording = interhuman.read(only((sources, left_out)), body)
    for there, back in ((duet.leader, recording.leader), (duet.follower, recording.follower)):
        assert there is not None and back is not None and back.fps == 30.0
        assert farthest(body, there, back, slice(0, BODY_JOINTS)) < 0.020
        turn = Rotation.from_rotvec(there.rotations_TJ3[:, 0]).inv() * Rotation.from_rotvec(back.rotations_TJ3[:, 0])
        assert np.degrees(turn.magnitude()).max() < 1.0
    np.save(sources[0].leader, np.zeros((4, 262), np.float32))
    with pytest.raises(InputError, match="492"):
        interhuman.read(sources[0], body)


@pytest.mark.parametrize("size", [0.9, 1.1])
def test_root_follows_from_places(size: float) -> None:
    rotations, _, places = smpl_dance(12, size)
    root = root_of(places, rotations[:, 1:BODY_JOINTS])
    assert np.degrees((Rotation.from_rotvec(root).inv() * Rotation.from_rotvec(rotations[:, 0])).magnitude()).max() < 1e-3


def test_interhuman_leaves_out_what_the_set_ignores(tmp_path: Path) -> None:
    write_interhuman(tmp_path)
    (tmp_path / "split").mkdir()
    (tmp_path / "split" / "val.txt").write_text("17\n")
    assert only(interhuman.find(tmp_path)).facts["split"] == "validation"
    assert only(interhuman.find(tmp_path / "motions")).facts["split"] == "validation"
    (tmp_path / "ignore_list.txt").write_text("17\n")
    with pytest.raises(InputError, match="ignore_list"):
        interhuman.find(tmp_path)


# ----------------------------------------------------------------------------------------------------------------- Inter-X


def test_interx_comes_back(body: Body, tmp_path: Path) -> None:
    duet = couple(body, some_shapes(), genre="Sit on leg")
    interx.write(tmp_path, [duet], body)
    source = only(interx.find(tmp_path))
    assert (source.name, source.genre) == ("G001T000A000R000", "sit_on_leg")
    assert source.facts["split"] == "test" and source.facts["texts"] == duet.facts["texts"]
    recording = interx.read(source, body)
    assert recording.leader.fps == 120.0 and recording.follower is not None
    assert farthest(body, duet.leader, recording.leader[::4]) < 1e-4
    assert farthest(body, duet.follower, recording.follower[::4]) < 1e-4
    np.testing.assert_allclose(recording.leader.betas, duet.leader.betas, atol=1e-6)
    json.dumps(recording.facts, allow_nan=False)


def test_interx_parameters_go_to_their_joints(body: Body, tmp_path: Path) -> None:
    """A file made without our writer, as flat rows: one joint of each part is turned."""
    folder = tmp_path / "motions" / "G002T001A021R000"
    folder.mkdir(parents=True)
    rows = {"root_orient": 3, "pose_body": 63, "pose_lhand": 45, "pose_rhand": 45, "trans": 3}
    arrays = {name: np.zeros((5, width), np.float32) for name, width in rows.items()}
    for name, angle_ in (("root_orient", 0.1), ("pose_body", 0.2), ("pose_lhand", 0.3), ("pose_rhand", 0.4)):
        arrays[name][:, 2] = angle_
    arrays["trans"][:] = [1.0, 1.3, 2.0]
    for person in ("P1", "P2"):
        np.savez(folder / f"{person}.npz", **arrays, betas=np.zeros((1, 10)), gender=np.array("neutral"))
    source = only(interx.find(tmp_path))
    assert source.genre == "action_021" and source.facts["group"] == 2
    motion = interx.read(source, body).leader
    row = motion.rotations_TJ3[2]
    turned = {int(joint): round(float(row[joint, 2]), 4) for joint in np.flatnonzero(row.any(axis=1))}
    names = ("pelvis", "left_hip", "left_index1", "right_index1")
    assert turned == dict(zip((INDEX[name] for name in names), (0.1, 0.2, 0.3, 0.4), strict=True))
    np.testing.assert_allclose(motion.translation_T3, np.tile([1.0, 1.3, 2.0], (5, 1)), atol=1e-6)


def test_interx_who_acts_leads(body: Body, tmp_path: Path) -> None:
    interx.write(tmp_path, [couple(body, some_shapes())], body)
    take = only(interx.find(tmp_path)).name
    order = tmp_path / "annots" / "interaction_order.pkl"
    order.write_bytes(pickle.dumps({take: 1}))
    source = only(interx.find(tmp_path))
    assert (source.leader.stem, source.facts["roles"]) == ("P2", "P2 leads: acts")
    order.unlink()
    source = only(interx.find(tmp_path))
    assert source.leader.stem == "P1" and "does not say" in source.facts["roles"]


def make_gendered(folder: Path) -> None:
    for path in (folder / "motions").rglob("*.npz"):
        arrays = dict(np.load(path)) | {"gender": np.array("female"), "betas": np.full((1, 10), 2.0, np.float32)}
        np.savez(path, **arrays)


def test_interx_shapes_of_gendered_models_are_not_used(body: Body, tmp_path: Path) -> None:
    """They mean another body: the shape comes from the optical skeleton, or is the mean one."""
    duet = couple(body, some_shapes())
    interx.write(tmp_path, [duet], body)
    make_gendered(tmp_path)
    source = only(interx.find(tmp_path))
    fitted = interx.read(source, body)
    assert [fact["betas"] for fact in fitted.facts["people"]] == ["fitted to the optical skeleton"] * 2
    assert fitted.facts["people"][0]["betas_of_model"] == [2.0] * 10
    assert farthest(body, duet.leader, fitted.leader[::4]) < 0.02
    shutil.rmtree(tmp_path / "skeletons")
    mean = interx.read(source, body)
    assert not mean.leader.betas.any() and "female" in mean.facts["people"][0]["betas"]
    assert above_floor(mean.leader, body) == pytest.approx(0, abs=1e-4)


def test_interx_skeletons_alone_are_fitted(body: Body, tmp_path: Path) -> None:
    """With a joint missing for a while, within 10 mm on average, fingers and all."""
    duet = couple(body, some_shapes())
    duet = Duet(duet.name, duet.genre, duet.leader[:12], duet.follower[:12] if duet.follower else None, None, duet.facts)
    interx.write(tmp_path, [duet], body)
    shutil.rmtree(tmp_path / "motions")
    path = next((tmp_path / "skeletons").rglob("P1.npy"))
    joints = np.load(path)
    joints[5:20, 14] = np.nan
    np.save(path, joints)
    recording = interx.read(only(interx.find(tmp_path)), body)
    for there, back, fact in zip(
        (duet.leader, duet.follower), (recording.leader, recording.follower), recording.facts["people"], strict=True
    ):
        assert there is not None and back is not None and fact["fit"]["mean"] < 0.005
        distance = np.linalg.norm(body.joints(there) - body.joints(back[::4]), axis=-1)
        assert distance.mean() < 0.010


def test_interx_sample_of_the_set(body: Body, tmp_path: Path) -> None:
    """Real joints of the set, 0.4 seconds: mean residual under 15 mm, wrists under 20 mm."""
    folder = tmp_path / "skeletons" / "G001T000A000R000"
    folder.mkdir(parents=True)
    optical = []
    for person in (1, 2):
        joints = np.load(shared("data", "smplx", f"interx_sample_p{person}_joints.npy"))
        np.save(folder / f"P{person}.npy", joints[300:348])
        optical.append(joints[300:348])
    recording = interx.read(only(interx.find(tmp_path)), body)
    for motion, seen, fact in zip(
        (recording.leader, recording.follower), optical, recording.facts["people"], strict=True
    ):
        assert motion is not None and fact["fit"]["mean"] < 0.015
        places = [16, 40]  # right and left hand
        wrists = body.joints(motion)[:, [INDEX["right_wrist"], INDEX["left_wrist"]]]
        assert np.linalg.norm(wrists - seen[:, places], axis=-1).mean() < 0.020


def test_interx_numbers_agree_with_the_sample() -> None:
    """The order of the optical joints is that which came with the real sample."""
    meta = json.loads(shared("data", "smplx", "interx_sample_meta.json").read_text())
    expected = dict(zip(meta["used_joints"], meta["smplx_joint_of_used"], strict=True))
    assert {place: joint for place, joint in enumerate(interx._OPTICAL) if joint >= 0} == expected


# ------------------------------------------------------------------------------------------------------------------ AIST++


@pytest.fixture(scope="module")
def street(body: Body) -> Duet:
    """Two dancers whose sizes are all that is particular about their shapes."""
    duet = couple(body, (fit_shape(SMPL_REST * 0.93, body), fit_shape(SMPL_REST * 0.89, body)), SEQUENCE, "waack")
    return duet


def write_song(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(8000), 8000)
    return path


def test_aistpp_comes_back(body: Body, street: Duet, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav")
    aistpp.write(tmp_path / "set", [Duet(street.name, street.genre, street.leader, street.follower, song, street.facts)], body)
    sources, left_out = aistpp.find(tmp_path / "set")
    assert [source.name for source in sources] == [SEQUENCE, f"{SEQUENCE}_follower"] and not left_out
    for source, there in zip(sources, (street.leader, street.follower), strict=True):
        assert source.genre == "waack" and source.music == tmp_path / "set" / "music" / "mWA3.wav"
        assert source.facts == {
            "mocap": False,
            "split": "test", "dancer": "d26", "music": "mWA3", "choreography": "ch02", "situation": "advanced",
            "tempo_bpm": 110,
        }  # fmt: skip
        recording = aistpp.read(source, body)
        assert recording.follower is None and recording.leader.fps == 60.0 and there is not None
        lift = recording.facts["raised_m"]
        assert abs(lift) < 2e-3 and farthest(body, there, raised(recording.leader[::2], -lift), slice(0, BODY_JOINTS)) < 1e-4
        json.dumps(recording.facts, allow_nan=False)


def write_aistpp(path: Path, scaling: float, unit: float) -> None:
    """A sequence made without our writer; ``unit`` is how many of the file's units a metre has."""
    size = scaling / unit
    rotations, pelvis, _ = smpl_dance(11, size)
    values = {
        "smpl_poses": np.concatenate([rotations[:, :22], np.ones((NUM_FRAMES, 2, 3))], axis=1).reshape(-1, 72),
        "smpl_trans": (unit * (pelvis - size * SMPL_REST[0])).astype(np.float32),
        "smpl_scaling": np.array([scaling]),
        "smpl_loss": 1.5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(values))


@pytest.mark.parametrize(("scaling", "unit"), [(91.0, 100.0), (0.91, 1.0)])
def test_aistpp_size_and_unit(body: Body, tmp_path: Path, scaling: float, unit: float) -> None:
    """Centimetres as published, or metres as programs write that imitate the set."""
    write_aistpp(tmp_path / "motions" / "gBR_sBM_cAll_d04_mBR0_ch01.pkl", scaling, unit)
    recording = aistpp.read(only(aistpp.find(tmp_path)), body)
    assert farthest(body, raised(recording.leader, -recording.facts["raised_m"]), adopted(body, 11, 0.91)) < 2e-4


def test_aistpp_lists(tmp_path: Path) -> None:
    names = [f"gHO_sBM_cAll_d20_mHO{number}_ch01" for number in range(3)]
    for name in [*names, "generated_by_somebody"]:
        write_aistpp(tmp_path / "motions" / f"{name}.pkl", 91.0, 100.0)
    (tmp_path / "ignore_list.txt").write_text(f"{names[0]}\n\n")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "crossmodal_val.txt").write_text(names[1])
    (tmp_path / "splits" / "pose_train.txt").write_text(names[1])
    by_sequence = write_song(tmp_path / "songs" / f"{names[2]}.wav")
    sources, left_out = aistpp.find(tmp_path, tmp_path / "songs")
    assert list(left_out) == [names[0]]
    first, second, stranger = sources
    assert (stranger.name, stranger.genre, stranger.music) == ("generated_by_somebody", "unknown", None)
    assert (first.genre, first.facts["split"], first.facts["split_of_pose"]) == ("house", "validation", "train")
    assert first.facts["tempo_bpm"] == 115 and first.music is None and second.music == by_sequence


# --------------------------------------------------------------------------------------------------------------- FineDance


def test_finedance_comes_back(body: Body, tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.wav")
    duet = couple(body, (np.zeros(10), np.zeros(10)), genre="Hip-Hop")
    finedance.write(tmp_path / "set", [Duet("moon", duet.genre, duet.leader, duet.follower, song, {"style1": "Street"})], body)
    sources, _ = finedance.find(tmp_path / "set")
    assert [source.name for source in sources] == ["001", "002"]
    for source, there in zip(sources, (duet.leader, duet.follower), strict=True):
        assert source.genre == "hip_hop" and source.music is not None and source.music.stem == source.name
        assert source.facts["song"] == "moon" and source.facts["style1"] == "Street"
        recording = finedance.read(source, body)
        assert recording.leader.fps == 30.0 and recording.follower is None and there is not None
        assert farthest(body, there, recording.leader) < 1e-4  # fingers too
        json.dumps(recording.facts, allow_nan=False)


def test_finedance_heights_and_widths(body: Body, tmp_path: Path) -> None:
    """Dancers stand on the floor wherever the file has its zero, and the three widths say the same."""
    duet = couple(body, (np.zeros(10), np.zeros(10)))
    finedance.write(tmp_path, [duet], body)
    path = tmp_path / "motion" / "001.npy"
    rows = np.load(path)
    vectors = duet.leader.rotations_TJ3.reshape(NUM_FRAMES, -1)
    lowered = rows.copy()
    lowered[:, 1] -= 1.3
    contacts = np.ones((NUM_FRAMES, 4), np.float32)
    for array in (lowered, np.concatenate([contacts, rows], axis=1), np.concatenate([rows[:, :3], vectors], axis=1)):
        np.save(path, array)
        recording = finedance.read(finedance.find(tmp_path)[0][0], body)
        assert farthest(body, duet.leader, recording.leader) < 1e-4
    np.save(path, lowered)
    assert finedance.read(finedance.find(tmp_path)[0][0], body).facts["raised_m"] == pytest.approx(1.3, abs=1e-3)


def test_finedance_published_splits(tmp_path: Path) -> None:
    (tmp_path / "motion").mkdir()
    for name in ("001", "063", "115", "120", "130", "212", "extra"):
        np.save(tmp_path / "motion" / f"{name}.npy", np.zeros((3, 315), np.float32))
    facts = {source.name: source.facts for source in finedance.find(tmp_path)[0]}
    assert facts["001"] == {"split": "train", "split_by_dancer": "test"}
    assert facts["063"] == {"split": "test", "split_by_dancer": "train"}
    assert facts["115"] == {"split": "train", "split_by_dancer": "validation"}
    assert facts["120"] == facts["130"] == facts["212"] == facts["extra"] == {}
    assert {source.genre for source in finedance.find(tmp_path)[0]} == {"unknown"}


# ----------------------------------------------------------------------------------------------------------------- defects


def spoil_pickle(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        values = pickle.loads(path.read_bytes())
        change(values)
        path.write_bytes(pickle.dumps(values))

    return spoil


def with_nan(array: np.ndarray) -> np.ndarray:
    array = np.array(array, np.float32)
    array[7, ..., 0] = np.nan
    return array


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("echo never",))


PICKLED = {
    "no partner": (lambda v: v.pop("person2"), "person2"),
    "no rotations": (lambda v: v["person1"].pop("pose_body"), "pose_body"),
    "wrong joints": (lambda v: v["person1"].update(pose_body=np.zeros((NUM_FRAMES, 69))), "23 joints"),
    "rows differ": (lambda v: v["person2"].update(root_orient=np.zeros((3, 3))), "rows"),
    "too few translations": (lambda v: v["person1"].update(trans=np.zeros((3, 3))), "translation"),
    "nan": (lambda v: v["person1"].update(trans=with_nan(v["person1"]["trans"])), "frame 7"),
    "no rate": (lambda v: v.pop("mocap_framerate"), "mocap_framerate"),
    "impossible rate": (lambda v: v.update(mocap_framerate=0.0), "frames per second"),
    "words": (lambda v: v["person1"].update(trans="here"), "not numbers"),
    "centimetres": (lambda v: v["person1"].update(trans=v["person1"]["trans"] * 1e3), "metres"),
}


@pytest.mark.parametrize("defect", PICKLED)
def test_interhuman_refuses(body: Body, tmp_path: Path, defect: str) -> None:
    write_interhuman(tmp_path)
    change, said = PICKLED[defect]
    spoil_pickle(change)(tmp_path / "motions" / "17.pkl")
    with pytest.raises(InputError, match=said) as refusal:
        interhuman.read(only(interhuman.find(tmp_path)), body)
    assert "17.pkl" in str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v.update(smpl_poses=v["smpl_poses"][:, :66]), "24 of SMPL"),
        (lambda v: v.update(smpl_poses=with_nan(v["smpl_poses"])), "frame 7"),
        (lambda v: v.update(smpl_scaling=np.array([0.01])), "smpl_scaling"),
        (lambda v: v.update(smpl_scaling=np.array([np.nan])), "smpl_scaling"),
        (lambda v: v.update(smpl_trans=v["smpl_trans"][:5]), "translation"),
        (lambda v: v.pop("smpl_trans"), "smpl_trans"),
    ],
)
def test_aistpp_refuses(body: Body, tmp_path: Path, change: Callable[[dict[str, Any]], None], said: str) -> None:
    path = tmp_path / "motions" / f"{SEQUENCE}.pkl"
    write_aistpp(path, 91.0, 100.0)
    spoil_pickle(change)(path)
    with pytest.raises(InputError, match=said) as refusal:
        aistpp.read(only(aistpp.find(tmp_path)), body)
    assert path.name in str(refusal.value)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((5, 314), np.float32), "315"),
        (np.zeros((0, 315), np.float32), "315"),
        (np.zeros((5, 52, 6), np.float32), "315"),
        (np.full((5, 315), np.nan, np.float32), "no rotation at frame 0"),
        (np.zeros((5, 315), np.float32), "no rotation at frame 0"),
        (np.zeros((5, 315), np.int64), "floating"),
    ],
)
def test_finedance_refuses(body: Body, tmp_path: Path, array: np.ndarray, said: str) -> None:
    (tmp_path / "motion").mkdir()
    np.save(tmp_path / "motion" / "001.npy", array)
    with pytest.raises(InputError, match=said):
        finedance.read(only(finedance.find(tmp_path)), body)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pose_body": np.zeros((157, 20, 3))}, "20 joints"),
        ({"pose_lhand": np.zeros((3, 15, 3))}, "rows"),
        ({"trans": np.zeros((157, 2))}, "translation"),
        ({"root_orient": with_nan(np.zeros((157, 3)))}, "frame 7"),
        ({"betas": np.full((1, 10), np.inf)}, "shape coefficients"),
        ({"pose_rhand": None}, "pose_rhand"),
    ],
)
def test_interx_refuses(body: Body, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    interx.write(tmp_path, [couple(body, some_shapes())], body)
    source = only(interx.find(tmp_path))
    arrays = {**np.load(source.leader), **change}
    np.savez(source.leader, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(InputError, match=said) as refusal:
        interx.read(source, body)
    assert "P1.npz" in str(refusal.value)


def test_interx_leaves_out_who_is_alone(body: Body, tmp_path: Path) -> None:
    interx.write(tmp_path, [couple(body, some_shapes()), couple(body, some_shapes())], body)
    (tmp_path / "motions" / "G001T001A000R000" / "P2.npz").unlink()
    shutil.rmtree(tmp_path / "skeletons" / "G001T001A000R000")
    source = only(interx.find(tmp_path))
    assert source.name == "G001T000A000R000"
    assert interx.find(tmp_path)[1] == {
        "G001T001A000R000": "no motions/G001T001A000R000/P2.npz; both persons are needed"
    }


@pytest.mark.parametrize("module", [aistpp, finedance, interhuman, interx])
def test_folders_without_the_set(module: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        module.find(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no take to import"):
        module.find(tmp_path)
    assert module.LAYOUT.strip()


@pytest.mark.parametrize("module", [interhuman, interx])
def test_couples_cannot_be_written_alone(module: ModuleType, body: Body, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no follower"):
        module.write(tmp_path, [Duet("solo", "waltz", dance(1, np.zeros(10)), None, None)], body)


@pytest.mark.parametrize("module", [aistpp, interhuman])
def test_hostile_pickles_are_refused(module: ModuleType, body: Body, tmp_path: Path, capfd: Any) -> None:
    (tmp_path / "motions").mkdir()
    (tmp_path / "motions" / "1.pkl").write_bytes(pickle.dumps({"smpl_poses": Hostile(), "person1": Hostile()}))
    with pytest.raises(InputError, match="refused"):
        module.read(only(module.find(tmp_path)), body)
    assert "never" not in capfd.readouterr().out


@pytest.mark.parametrize("module", [aistpp, finedance, interhuman, interx])
def test_mutated_files_end_in_a_sentence_or_a_take(module: ModuleType, body: Body, tmp_path: Path) -> None:
    """Bytes changed, cut off or doubled, one file at a time."""
    short = couple(body, (np.zeros(10), np.zeros(10)), SEQUENCE)
    duet = Duet(short.name, short.genre, short.leader[:6], short.follower[:6] if short.follower else None, None, short.facts)
    module.write(tmp_path, [duet], body)
    source = module.find(tmp_path)[0][0]
    path, whole = source.leader, source.leader.read_bytes()
    rng = np.random.default_rng(4)
    read = 0
    for trial in range(30):
        data = bytearray(whole)
        head = min(len(data), 400) if trial % 2 else len(data)  # headers break more than numbers
        for place in rng.integers(0, head, rng.integers(1, 6)):
            data[place] = rng.integers(0, 256)
        if trial % 5 == 0:
            data = data[: rng.integers(0, len(data))]
        path.write_bytes(bytes(data))
        try:
            recording = module.read(source, body)
        except InputError as refusal:
            assert "\n" not in str(refusal)
        else:
            read += 1
            assert np.isfinite(recording.leader.rotations_TJ3).all() and np.isfinite(recording.leader.translation_T3).all()
    path.write_bytes(whole)
    assert module.read(source, body).leader.num_frames > 0 and read < 30


def test_every_set_is_explained() -> None:
    """The table of sets, and a page for each of ours with what is known and how."""
    registry = (REPOSITORY / "interdance" / "importers" / "registry.py").read_text()
    table = (REPOSITORY / "docs" / "data" / "README.md").read_text()
    names = re.findall(r'^    "(\w+)": \w+,$', registry, re.MULTILINE)
    assert len(names) >= 9
    for name in names:
        assert re.search(rf"^\| \[?`{name}`", table, re.MULTILINE), f"docs/data/README.md: no row for '{name}'"
    for module in (aistpp, finedance, interhuman, interx):
        page = (REPOSITORY / "docs" / "data" / f"{module.__name__.rpartition('.')[2]}.md").read_text()
        for heading in ("What is expected", "What becomes of it", "What is refused", "How we know"):
            assert f"## {heading}" in page


def test_relaxed_hands_leave_the_rest_alone() -> None:
    rotations = dance(1, np.zeros(10)).rotations_TJ3
    relaxed = with_relaxed_hands(rotations)
    np.testing.assert_array_equal(relaxed[:, :25], rotations[:, :25])
    assert not np.array_equal(relaxed[:, 25:], rotations[:, 25:])
