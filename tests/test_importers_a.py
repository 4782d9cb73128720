"""InterDance, DD100, AMASS and CoMPAS3D: written in the published format, found, read back, and refused when wrong."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.importers import amass, archive, compas3d, convert, dd100, finding, floor, interdance
from interdance.importers.bodies import SMPL_REST, fit_shape
from interdance.importers.source import Source
from interdance.pickles import read_npy_header, read_npz_entries
from interdance.takes import Duet, Motion

FRAMES = 40
EXACT_M = 1e-4


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def dancer(body: Body, seed: int, *, frames: int = FRAMES, has_shape: bool = True, fps: float = 30.0) -> Motion:
    """Someone who stands on the floor, turns, walks away and moves every joint, fingers and face included."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / 30
    rotations = 0.2 * np.sin(time[:, None] * rng.uniform(1, 4, (55, 3)) + rng.uniform(0, 6, (55, 3)))
    lean = Rotation.from_rotvec(0.1 * np.sin(2 * time) * [1.0, 0.0, 0.5])
    rotations[:, 0] = (lean * Rotation.from_rotvec((time + seed) * [0.0, 2.0, 0.0])).as_rotvec()
    translation = np.concatenate([np.sin(time) + seed, 0 * time, np.cos(time)], axis=1).astype(np.float32)
    betas = rng.normal(size=10).astype(np.float32) if has_shape else np.zeros(10, np.float32)
    motion = Motion(rotations.astype(np.float32), translation, betas, fps)
    return floor.raised(motion, -floor.above_floor(motion, body))


def couple(body: Body, name: str = "waltz_1", genre: str = "waltz", **more: Any) -> Duet:
    return Duet(name, genre, dancer(body, 0, **more), dancer(body, 1, **more), None)


def song(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(8000), 8000)
    return path


def apart(one: Motion | None, other: Motion | None, body: Body) -> float:
    """Metres between the joints of two motions, at worst."""
    assert one is not None and other is not None
    return float(np.linalg.norm(body.joints(one) - body.joints(other), axis=-1).max())


def there_and_back(importer: ModuleType, folder: Path, duet: Duet, body: Body, **how: Any) -> tuple[Source, float, Any]:
    """Write, find and read a couple; the source, how far joints are from where they were, and what was read."""
    importer.write(folder, [duet], body, **how)
    sources, left_out = importer.find(folder)
    assert len(sources) == 1 and not left_out
    recording = importer.read(sources[0], body)
    assert recording.leader.fps == duet.leader.fps and recording.leader.rotations_TJ3.dtype == np.float32
    worst = max(apart(recording.leader, duet.leader, body), apart(recording.follower, duet.follower, body))
    return sources[0], worst, recording


# ------------------------------------------------------------------------------------------------------------ conversions


def test_a_world_is_turned_about_the_pelvis(body: Body) -> None:
    motion = dancer(body, 3)
    joints = body.joints(motion).astype(np.float64)
    turned = body.joints(convert.z_up(motion, body))
    assert np.abs(turned - joints @ convert.Y_UP_FROM_Z_UP).max() < 1e-5
    assert np.abs(turned[..., 2] - joints[..., 1]).max() < 1e-5  # what was up is up
    assert apart(convert.y_up(convert.z_up(motion, body), body), motion, body) < 1e-5
    plain = motion.translation_T3 @ convert.Y_UP_FROM_Z_UP  # what forgetting the pelvis would give
    assert np.abs(plain - convert.z_up(motion, body).translation_T3).max() > 0.2
    pelvis = convert.pelvis_of(motion, body)
    assert np.abs(pelvis - joints[:, 0]).max() < 1e-5
    assert np.abs(convert.translation_of(pelvis, motion.betas, body) - motion.translation_T3).max() < 1e-6


def test_six_numbers_and_back() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 4, 3)) * 1.2
    matrix = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(50, 4, 3, 3)
    for order, six in (("rows", matrix[..., :2, :]), ("columns", np.swapaxes(matrix[..., :, :2], -1, -2))):
        six = six.reshape(50, 4, 6)
        assert np.abs(convert.vectors_to_6d(vectors, order) - six).max() < 1e-6
        for scale in (1.0, 7.0):
            back = convert.vectors_from_6d(Path("x"), six * scale, order)
            turned = Rotation.from_rotvec(back.reshape(-1, 3)).as_matrix().reshape(matrix.shape)
            assert np.abs(turned - matrix).max() < 1e-6
    lying = np.zeros((3, 1, 6))
    lying[..., 0] = lying[..., 4] = 1.0
    lying[2] = 0.0
    with pytest.raises(InputError, match="x: six numbers that are no rotation at frame 2"):
        convert.vectors_from_6d(Path("x"), lying, "rows")
    quaternions = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_quat(scalar_first=True).reshape(50, 4, 4)
    back = convert.vectors_from_quaternions(Path("x"), quaternions, scalar_first=True)
    assert np.abs(Rotation.from_rotvec(back.reshape(-1, 3)).as_matrix().reshape(matrix.shape) - matrix).max() < 1e-6
    mirrored = matrix * [1, 1, -1]
    with pytest.raises(InputError, match="a matrix that is no rotation at frame 0"):
        convert.vectors_from_matrices(Path("x"), mirrored)


def test_joints_of_other_models() -> None:
    rotations = np.random.default_rng(0).normal(size=(5, 55, 3)).astype(np.float32)
    fewer = convert.smplh_rotations(rotations)
    full = convert.smplx_rotations(Path("x"), fewer)
    assert np.array_equal(full[:, :22], rotations[:, :22]) and np.array_equal(full[:, 25:], rotations[:, 25:])
    assert not full[:, 22:25].any()
    assert not convert.smplx_rotations(Path("x"), rotations[:, :24])[:, 22:].any()
    with pytest.raises(InputError, match="rotations of 23 joints"):
        convert.smplx_rotations(Path("x"), rotations[:, :23])


@pytest.mark.parametrize(
    ("name", "genre"),
    [
        ("Waltz_3_1", "waltz"), ("Lumba", "rumba"), ("Qiaqia", "cha_cha"), ("ChaCha", "cha_cha"), ("Cha-cha_2", "cha_cha"),
        ("Paso Doble", "paso_doble"), ("Fox", "foxtrot"), ("Quick", "quickstep"), ("Quickstep", "quickstep"),
        ("Jive", "jive"), ("Samba", "samba"), ("Tango", "tango"), ("Ballet", "ballet"), ("hip hop 2", "hiphop"),
        ("Foxy", "unknown"), ("take_0012", "unknown"),
    ],
)  # fmt: skip
def test_genres_from_names(name: str, genre: str) -> None:
    assert finding.genre_in(name) == genre


# ------------------------------------------------------------------------------------------------------------- InterDance


@pytest.mark.parametrize(("kind", "has_shape"), [("pickle", True), ("rot6d", False), ("rot6d_contacts", False)])
def test_interdance_parameters(kind: str, has_shape: bool, body: Body, tmp_path: Path) -> None:
    duet = couple(body, has_shape=has_shape)
    if kind != "pickle":  # no face in these
        for motion in (duet.leader, duet.follower):
            assert motion is not None
            motion.rotations_TJ3[:, 22:25] = 0.0
    source, worst, recording = there_and_back(interdance, tmp_path, duet, body, kind=kind)
    assert worst < EXACT_M
    assert (source.genre, source.leader.name[-6:-4], source.name) == ("waltz", "_0", "waltz_1")
    assert np.abs(recording.leader.betas - duet.leader.betas).max() == 0.0
    if kind == "rot6d":
        array = np.load(tmp_path / "waltz_1_0.npy")
        root = Rotation.from_rotvec(duet.leader.rotations_TJ3[:, 0]).as_matrix()
        assert array.shape == (FRAMES, 315) and np.abs(array[:, 3:9].reshape(-1, 2, 3) - root[:, :2]).max() < 1e-6
    if kind == "rot6d_contacts":
        feet = np.load(tmp_path / "waltz_1_0.npy")[:, :4]
        assert feet.shape == (FRAMES, 4) and set(np.unique(feet)) <= {0.0, 1.0}


def test_interdance_hands_are_told_from_the_mean_hand(body: Body, tmp_path: Path) -> None:
    """As SMPL-X adds its mean to what files hold: zeros in a file are a hand at rest."""
    poses = np.zeros((3, 165), np.float32)
    values = {"pose": poses.reshape(3, 55, 3), "trans": np.zeros((3, 3)) + [0, 1, 0], "beta": np.zeros(10)}
    for number in (0, 1):
        (tmp_path / f"a_{number}.pkl").write_bytes(pickle.dumps(values))
    (source,), _ = interdance.find(tmp_path)
    hands = interdance.read(source, body).leader.rotations_TJ3[:, 25:]
    assert np.abs(hands[:, 0]).max() > 0.1 and hands[0, 0, 2] * hands[0, 15, 2] < 0
    for number in (0, 1):
        (tmp_path / f"a_{number}.pkl").write_bytes(pickle.dumps(values | {"pose": poses[:, :66]}))
    assert np.array_equal(interdance.read(source, body).leader.rotations_TJ3[:, 25:], hands)


def test_interdance_points(body: Body, tmp_path: Path) -> None:
    duet = couple(body)
    source, worst, recording = there_and_back(interdance, tmp_path, duet, body, kind="points")
    assert np.load(source.leader).shape == (FRAMES, 4978)
    assert worst < 0.010
    assert recording.facts["leader"]["fitted_to"] == "joints and surface"
    array = np.load(source.leader)
    np.save(source.leader, array[None])  # as the released program reads them too
    assert apart(interdance.read(source, body).leader, duet.leader, body) < 0.010


def test_interdance_points_of_another_mesh(body: Body, tmp_path: Path) -> None:
    """Joints are those of any SMPL-X body; vertices in another order must not pull at them."""
    duet = couple(body)
    interdance.write(tmp_path, [duet], body, kind="points")
    path = tmp_path / "waltz_1_0.npy"
    array = np.load(path)
    vertices = array[:, 169:2134].reshape(FRAMES, 655, 3)
    array[:, 169:2134] = vertices[:, np.random.default_rng(0).permutation(655)].reshape(FRAMES, -1)
    np.save(path, array)
    (source,), _ = interdance.find(tmp_path)
    recording = interdance.read(source, body)
    assert recording.facts["leader"]["fitted_to"] == "joints"
    assert apart(recording.leader, duet.leader, body) < 0.010


@pytest.mark.parametrize("width", [135, 139, 159, 168, 211, 233])
def test_interdance_other_widths(width: int, body: Body, tmp_path: Path) -> None:
    """The variants that the released program reads besides."""
    motion = dancer(body, 0, has_shape=width == 233)
    motion.rotations_TJ3[:, 22:] = 0.0
    wanted = interdance._with_hands(motion.rotations_TJ3, body, False)
    count = {135: 22, 139: 22, 159: 52, 211: 52}.get(width, 55)
    vectors = motion.rotations_TJ3[:, :count]
    if count == 52:
        vectors = convert.smplh_rotations(motion.rotations_TJ3)
    parts = vectors.reshape(FRAMES, -1)
    if width < 159:
        parts = convert.vectors_to_6d(vectors, "rows").reshape(FRAMES, -1)
    elif width > 200:
        parts = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_quat(scalar_first=True).reshape(FRAMES, -1)
    columns = [motion.translation_T3, parts]
    if width == 139:
        columns.insert(0, np.ones((FRAMES, 4)))
    if width == 233:
        columns.append(np.tile(motion.betas, (FRAMES, 1)))
    array = np.concatenate(columns, axis=1).astype(np.float32)
    assert array.shape[1] == width
    for number in (0, 1):
        np.save(tmp_path / f"a_{number}.npy", array)
    (source,), _ = interdance.find(tmp_path)
    read = interdance.read(source, body).leader
    expected = Motion(wanted, motion.translation_T3, motion.betas, 30.0)
    assert apart(read, expected, body) < EXACT_M and np.abs(read.betas - motion.betas).max() < 1e-6


def test_interdance_names(body: Body, tmp_path: Path) -> None:
    duet = couple(body, name="d1")
    interdance.write(tmp_path, [duet], body)
    leader, follower = ((tmp_path / f"d1_{number}.pkl").read_bytes() for number in (0, 1))
    (tmp_path / "d1_0.pkl").unlink()
    (tmp_path / "d1_1.pkl").unlink()
    root = tmp_path / "60fps"
    for name, data in {
        "train/Tango/d1_0.pkl": leader, "train/Tango/d1_1.pkl": follower, "train/Tango/Md1_0.pkl": leader,
        "train/Tango/Md1_1.pkl": follower, "test/d2_0@7.pkl": leader, "test/d2_1@7.pkl": follower,
        "d3_1@0_l1.pkl": leader, "d3_0@0_l1.pkl": follower, "d4_0.pkl": leader, "notes.pkl": leader,
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    np.save(root / "d5_0.npy", np.zeros((4, 77)))
    song(tmp_path / "music" / "d2.wav")
    sources, left_out = interdance.find(root)
    assert [(item.name, item.genre) for item in sources] == [("d1", "tango"), ("d2_7", "unknown"), ("d3_0", "unknown")]
    assert [item.facts.get("split") for item in sources] == ["train", "test", None]
    assert sources[1].music == (tmp_path / "music" / "d2.wav").resolve() and sources[0].music is None
    assert sources[2].leader.name == "d3_1@0_l1.pkl"  # 1 leads there
    assert left_out["Md1"] == "the mirror image of d1" and left_out["d4"] == "no follower"
    assert "is not that of a dancer" in left_out["notes.pkl"] and "(4, 77)" in left_out["d5_0.npy"]
    assert interdance.read(sources[0], body).leader.fps == 60.0
    assert interdance.find(root, tmp_path / "music")[0][1].music is not None
    with pytest.raises(InputError, match="no such folder"):
        interdance.find(root, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no take to import; needed are <take>_0.pkl"):
        interdance.find(tmp_path / "empty")


def test_dancers_are_set_on_the_floor(body: Body, tmp_path: Path) -> None:
    """Both by the same height, for they were captured in one room, and one alone whose legs are those of another body."""
    duet = couple(body)
    assert duet.follower is not None
    for number, (leader, follower, lifts) in enumerate([
        (1.3, 1.33, [-1.3, -1.3]), (0.03, -0.03, None), (-0.2, -0.1, [0.2, 0.1]), (0.0, 0.08, [0.0, -0.08]), (0.0, 0.6, None),
    ]):  # fmt: skip
        higher = [floor.raised(duet.leader, leader), floor.raised(duet.follower, follower)]
        interdance.write(tmp_path / str(number), [Duet("a", "waltz", higher[0], higher[1], None)], body)
        (source,), _ = interdance.find(tmp_path / str(number))
        recording = interdance.read(source, body)
        found = recording.facts.get("raised_m")
        assert (found is None) == (lifts is None) and np.abs(np.subtract(found or [0, 0], lifts or [0, 0])).max() < 2e-3
        for motion, before, lift in zip((recording.leader, recording.follower), higher, lifts or [0, 0], strict=True):
            assert apart(motion, floor.raised(before, lift), body) < 2e-3


def test_interdance_defects(body: Body, tmp_path: Path) -> None:
    good = {"smpl_poses": np.zeros((4, 165)), "smpl_trans": np.zeros((4, 3)), "beta": np.zeros(10)}
    bad = np.zeros((4, 165))
    bad[2, 7] = np.nan
    for values, sentence in (
        (good | {"smpl_poses": np.zeros((4, 164))}, "a row of three numbers per joint"),
        (good | {"smpl_poses": np.zeros((4, 120))}, "rotations of 40 joints"),
        (good | {"smpl_poses": bad}, "NaN or infinity in the rotations at frame 2"),
        (good | {"smpl_trans": np.zeros((3, 3))}, r"a translation of shape \(3, 3\)"),
        (good | {"smpl_trans": np.full((4, 3), 180.0)}, "the translation goes to 180; metres are needed"),
        (good | {"smpl_trans": np.array(["a"] * 4)}, "not numbers"),
        (good | {"smpl_poses": np.full((4, 165), 180.0)}, "the rotations go to 18.; axis-angle vectors in radians"),
        (good | {"beta": np.full(10, 1e30)}, "standard deviations are needed"),
        (good | {"beta": np.full(10, np.nan)}, "NaN or infinity in the shape coefficients"),
        ({"smpl_trans": np.zeros((4, 3))}, "no 'smpl_poses' in it"),
        ([1, 2], "holds a pickled list; a dict with"),
    ):
        refused(interdance, tmp_path / "a_0.pkl", tmp_path / "a_1.pkl", pickle.dumps(values), sentence, body)
    for array, sentence in (
        (np.full((4, 315), np.inf, np.float32), "NaN or infinity at frame 0"),
        (np.zeros((4, 315), np.float32), "six numbers that are no rotation at frame 0"),
        (np.zeros((0, 315), np.float32), "holds no frames"),
        (np.zeros((4, 211), np.float32), "a quaternion that is no rotation"),
    ):
        data = npy(array)
        refused(interdance, tmp_path / "a_0.npy", tmp_path / "a_1.npy", data, sentence, body)
    with pytest.raises(InputError, match="InterDance kind 'bvh'"):
        interdance.write(tmp_path, [], body, kind="bvh")  # type: ignore[arg-type]


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def refused(importer: ModuleType, leader: Path, follower: Path, data: bytes, sentence: str, body: Body) -> None:
    """Both files hold ``data``; reading is refused in one sentence that begins with the file."""
    leader.write_bytes(data)
    follower.write_bytes(data)
    with pytest.raises(InputError, match=sentence) as caught:
        importer.read(Source("a", "unknown", leader, follower), body)
    assert str(caught.value).startswith(f"{leader}: ") and "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------------------------ DD100


def test_dd100_parameters(body: Body, tmp_path: Path) -> None:
    duet = couple(body, name="Lumba_5_2", genre="rumba")
    source, worst, recording = there_and_back(dd100, tmp_path, duet, body)
    assert worst < EXACT_M
    assert source.genre == "rumba" and source.leader.name == "Lumba_5_2_01.npy"
    assert source.facts == {"form": "smplx", "choreography": 5, "split": "test"}
    assert recording.facts["leader"] == {"gender": "neutral"}
    stored = np.load(source.leader, allow_pickle=True).item()  # as its public programs read it
    assert stored["betas"].shape == (FRAMES, 10) and stored["meta"]["gender"] == "neutral"
    standing = Motion(stored["poses"].reshape(FRAMES, 55, 3), stored["transl"], duet.leader.betas, 30.0)
    head = body.joints(standing)[:, 15]
    assert head[:, 2].min() > 1.0  # +z up


def test_dd100_global_orient_replaces_the_first_joint(body: Body, tmp_path: Path) -> None:
    duet = couple(body, name="Waltz_1_1")
    dd100.write(tmp_path, [duet], body)
    (source,), _ = dd100.find(tmp_path)
    values = np.load(source.leader, allow_pickle=True).item()
    values["poses"] = values["poses"].copy()
    values["poses"][:, :3] = 0.0
    values["betas"] = np.concatenate([values["betas"], np.full((FRAMES, 6), 9.0)], axis=1)
    values["meta"] = {"gender": b"female"}
    np.save(source.leader, values, allow_pickle=True)  # type: ignore[arg-type]
    recording = dd100.read(source, body)
    assert apart(recording.leader, duet.leader, body) < EXACT_M and recording.facts["leader"]["gender"] == "female"


def test_dd100_files_that_were_turned_already(body: Body, tmp_path: Path) -> None:
    motion = dancer(body, 0)
    values = {"poses": motion.rotations_TJ3, "transl": motion.translation_T3, "betas": motion.betas}
    np.save(tmp_path / "W_1_1_01.npy", values, allow_pickle=True)  # type: ignore[arg-type]
    read = dd100.read(Source("a", "waltz", tmp_path / "W_1_1_01.npy"), body)
    assert read.follower is None and apart(read.leader, motion, body) < EXACT_M
    flat = convert.turn(motion, Rotation.from_rotvec([0, 0, np.pi / 2]).as_matrix(), body)
    assert convert.stands_along_z(body.joints(flat)) and not convert.stands_along_z(body.joints(motion))


def test_dd100_rotation_matrices(body: Body, tmp_path: Path) -> None:
    duet = couple(body, name="Tango_4_1", has_shape=False)
    source, worst, _ = there_and_back(dd100, tmp_path, duet, body, form="rotmat")
    assert worst < EXACT_M and np.load(source.leader).shape == (FRAMES, 498) and source.facts["split"] == "train"


def test_dd100_joints(body: Body, tmp_path: Path) -> None:
    duet = couple(body, name="Ballet_9_1")
    source, worst, recording = there_and_back(dd100, tmp_path, duet, body, form="pos3d")
    assert np.load(source.leader).shape == (FRAMES, 165)
    assert worst < 0.010 and "fit" in recording.facts["leader"] and source.facts["split"] == "test"


def test_dd100_folders(body: Body, tmp_path: Path) -> None:
    """The forms of a take, its song, dancers without a partner; named whole or by a folder within."""
    duets = [couple(body, name="Paso_3_1", has_shape=False), couple(body, name="one", genre="cha_cha", has_shape=False)]
    for form in ("smplx", "rotmat", "pos3d"):
        dd100.write(tmp_path, duets, body, form=form)
    everything = tmp_path / "motion" / "smplx" / "all"
    (everything / "Chacha_2_1_00.npy").unlink()
    shutil.copytree(everything, tmp_path / "motion" / "smplx" / "train")
    shutil.copy(everything / "Paso_3_1_00.npy", everything / "Jive_1_1_00.npy")
    (everything / "Samba_1_1_00.npy").write_bytes(b"")
    mp3 = song(tmp_path / "music" / "mp3" / "all" / "Paso_3_1.mp3")
    sources, left_out = dd100.find(tmp_path)
    assert [(item.name, item.genre) for item in sources] == [("Chacha_2_1", "cha_cha"), ("Paso_3_1", "paso_doble")]
    assert [item.facts["form"] for item in sources] == ["rotmat", "smplx"]
    assert sources[1].music == mp3 and sources[0].music is None
    assert left_out["Jive_1_1"] == "no leader"
    assert "is empty" in left_out["motion/smplx/all/Samba_1_1_00.npy"]
    inner = dd100.find(tmp_path / "motion" / "smplx" / "train")[0]
    assert [(item.name, item.facts["split"], item.music) for item in inner] == [("Paso_3_1", "train", mp3.resolve())]
    with pytest.raises(InputError, match="no take to import; needed are <GENRE>_<CHOREOGRAPHY>_<TAKE>_00.npy"):
        dd100.find(tmp_path / "music")


def test_dd100_defects(body: Body, tmp_path: Path) -> None:
    good = {"poses": np.zeros((4, 165)), "transl": np.zeros((4, 3)), "betas": np.zeros((4, 10))}
    leader, follower = tmp_path / "Waltz_1_1_01.npy", tmp_path / "Waltz_1_1_00.npy"
    for values, sentence in (
        (good | {"poses": np.zeros((4, 66))}, "'poses' has 22 joints; the 55"),
        (good | {"transl": np.zeros((5, 3))}, r"a translation of shape \(5, 3\)"),
        (good | {"transl": np.full((4, 3), np.nan)}, "NaN or infinity in the translation at frame 0"),
        ({"transl": np.zeros((4, 3))}, "no 'poses' in it"),
    ):
        refused(dd100, leader, follower, npy(np.array(values, object), allow_pickle=True), sentence, body)
    refused(dd100, leader, follower, npy(np.zeros((4, 164))), "an array of shape", body)
    refused(dd100, leader, follower, npy(np.full((4, 498), 0.5)), "a matrix that is no rotation at frame 0", body)
    refused(dd100, leader, follower, npy(np.zeros((4, 165)))[:-9], "cut off", body)
    joints = body.joints(dancer(body, 0)).reshape(FRAMES, -1)
    refused(dd100, leader, follower, npy(1000 * joints), "away from the ankle; joints in metres are needed", body)
    joints[7, 3] = np.nan
    refused(dd100, leader, follower, npy(joints), "NaN or infinity in it at frame 7", body)
    refused(dd100, leader, follower, finding.POINTER + b"v1\n", "a pointer of Git LFS", body)
    with pytest.raises(InputError, match="DD100 form 'bvh'"):
        dd100.write(tmp_path, [], body, form="bvh")


# ------------------------------------------------------------------------------------------------------------------ AMASS


@pytest.mark.parametrize("is_z_up", [True, False])
def test_amass_couples(is_z_up: bool, body: Body, tmp_path: Path) -> None:
    duet = couple(body, fps=120.0)
    source, worst, recording = there_and_back(amass, tmp_path, duet, body, is_z_up=is_z_up)
    assert worst < EXACT_M and source.genre == "waltz"
    assert recording.facts["leader"] == {"gender": "neutral", "model": "smplx"}
    with np.load(source.leader) as stored:
        assert {"root_orient", "pose_body", "pose_hand", "pose_jaw", "pose_eye", "num_betas"} <= set(stored.files)
        assert stored["betas"].shape == (16,) and stored["pose_hand"].shape == (FRAMES, 90)
        as_stored = Motion(stored["poses"].reshape(FRAMES, 55, 3), stored["trans"], stored["betas"][:10], 120.0)
    assert body.joints(as_stored)[:, 15, 2 if is_z_up else 1].min() > 1.0


def test_amass_solo_and_subfolders(body: Body, tmp_path: Path) -> None:
    solo = Duet("b", "unknown", dancer(body, 2), None, None)
    amass.write(tmp_path / "ACCAD" / "Female1", [solo], body)
    (tmp_path / "ACCAD" / "Female1" / "b.npz").rename(tmp_path / "ACCAD" / "Female1" / "b_stageii.npz")
    for name in ("shape.npz", "neutral_stagei.npz"):
        np.savez(tmp_path / "ACCAD" / "Female1" / name, betas=np.zeros(16))
    amass.write(tmp_path / "test", [couple(body, name="salsa 1")], body)
    (tmp_path / "test" / "lonely_follower_poses.npz").write_bytes(b"x")
    wav = song(tmp_path / "test" / "salsa 1.wav")
    sources, left_out = amass.find(tmp_path)
    assert [(item.name, item.genre) for item in sources] == [("ACCAD_Female1_b", "unknown"), ("test_salsa_1", "salsa")]
    assert sources[0].follower is None and sources[1].music == wav and sources[1].facts == {"split": "test"}
    assert left_out == {
        "ACCAD/Female1/shape.npz": "holds the shape of a body, no motion",
        "ACCAD/Female1/neutral_stagei.npz": "holds the shape of a body, no motion",
        "test_lonely": "no leader",
    }
    recording = amass.read(sources[0], body)
    assert recording.follower is None and apart(recording.leader, solo.leader, body) < EXACT_M
    shutil.copy(sources[1].leader, sources[1].leader.with_name("salsa 1_leader_poses.npz"))
    with pytest.raises(InputError, match="is there too and makes the same take"):
        amass.find(tmp_path)
    with pytest.raises(InputError, match="no take to import"):
        amass.find(empty(tmp_path))


def empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def test_amass_of_smplh(body: Body, tmp_path: Path) -> None:
    """52 joints of another model: limbs point where they pointed, feet stand on the floor, its shape is a fact."""
    shape = fit_shape(SMPL_REST, body)
    duet = couple(body)
    assert duet.follower is not None
    motions = []
    for motion in (duet.leader, duet.follower):
        rotations = motion.rotations_TJ3.copy()
        rotations[:, 22:25] = 0.0
        shaped = Motion(rotations, motion.translation_T3, shape, 30.0)
        motions.append(floor.raised(shaped, -floor.above_floor(shaped, body)))
    source, worst, recording = there_and_back(
        amass, tmp_path, Duet("a", "unknown", motions[0], motions[1], None), body, kind="smplh"
    )
    assert worst < 2e-3
    assert recording.facts["leader"]["model"] == "smplh" and recording.facts["leader"]["betas_of_model"] == [0.0] * 16
    with np.load(source.leader) as stored:
        assert set(stored.files) == {"trans", "gender", "mocap_framerate", "betas", "dmpls", "poses"}
        assert stored["poses"].shape == (FRAMES, 156)


@pytest.mark.parametrize("count", [22, 24])
def test_amass_without_fingers(count: int, body: Body, tmp_path: Path) -> None:
    """A body alone, in the older release's spelling: it walks where it walked, with relaxed hands."""
    motion = dancer(body, 0, has_shape=False)
    turned = convert.z_up(motion, body)
    poses = turned.rotations_TJ3[:, :count].reshape(FRAMES, -1)
    np.savez(tmp_path / "a_poses.npz", poses=poses, trans=turned.translation_T3, mocap_framerate=60, gender=np.array(b"male"))
    (source,), _ = amass.find(tmp_path)
    recording = amass.read(source, body)
    assert source.name == "a" and recording.leader.fps == 60.0
    assert recording.facts["leader"] | {"raised_m": 0} == {
        "gender": "male", "model": "smpl", "fingers": "relaxed, not captured", "raised_m": 0,
    }  # fmt: skip
    joints, read = body.joints(motion), body.joints(recording.leader)
    step = np.diff(joints[:, 0], axis=0) - np.diff(read[:, 0], axis=0)
    assert np.abs(step).max() < 5e-3 < np.abs(np.diff(joints[:, 0], axis=0)).max()  # hips stay, pelvis joints differ
    assert read[:, 15, 1].min() > 1.2
    assert np.abs(recording.leader.rotations_TJ3[:, 25]).max() > 0.1 and abs(floor.above_floor(recording.leader, body)) < 1e-3


@pytest.mark.parametrize(
    ("betas", "kept"),
    [(np.arange(10.0), 10), (np.tile(np.arange(10.0), (30, 1)), 10), (np.arange(20.0), 16), (np.zeros(0), None)],
)
def test_the_shape_of_another_model_is_a_fact(body: Body, tmp_path: Path, betas: np.ndarray, kept: int | None) -> None:
    dance = {"poses": np.zeros((30, 72)), "trans": np.tile([0.0, 0.0, 0.9], (30, 1)), "mocap_framerate": np.array(30.0)}
    np.savez(tmp_path / "a.npz", **dance, betas=betas)
    _, facts = archive.read_archive(tmp_path / "a.npz", body)
    assert facts.get("betas_of_model") == (None if kept is None else list(range(kept)))
    for wrong, sentence in ((np.full(10, np.nan), "shape coefficients"), (np.zeros((2, 2, 2)), "'betas' have shape")):
        np.savez(tmp_path / "b.npz", **dance, betas=wrong)
        with pytest.raises(InputError, match=sentence):
            archive.read_archive(tmp_path / "b.npz", body)


def test_amass_defects(body: Body, tmp_path: Path) -> None:
    good = {"poses": np.zeros((4, 165)), "trans": np.zeros((4, 3)), "betas": np.zeros(16), "mocap_frame_rate": np.array(60.0)}
    bad = np.zeros((4, 165))
    bad[3] = np.inf
    for values, sentence in (
        (good | {"poses": np.zeros((4, 162))}, "rotations of 54 joints"),
        (good | {"poses": bad}, "NaN or infinity in the rotations at frame 3"),
        (good | {"trans": np.zeros((4, 2))}, r"a translation of shape \(4, 2\)"),
        (good | {"mocap_frame_rate": np.array(0.0)}, "0 frames per second"),
        (good | {"mocap_frame_rate": np.zeros(0)}, "nan frames per second"),
        ({key: value for key, value in good.items() if key != "mocap_frame_rate"}, "no 'mocap_frame_rate' in it"),
        (good | {"poses": np.array("none")}, "not numbers"),
        (good | {"betas": np.zeros((2, 2, 2))}, "shape coefficients of shape"),
        ({"betas": np.zeros(16)}, "no 'poses' in it"),
    ):
        np.savez(tmp_path / "x.npz", **values)
        data = (tmp_path / "x.npz").read_bytes()
        refused(amass, tmp_path / "a_leader.npz", tmp_path / "a_follower.npz", data, sentence, body)
    refused(amass, tmp_path / "a_leader.npz", tmp_path / "a_follower.npz", data[:200], "not an .npz archive", body)
    refused(amass, tmp_path / "a_leader.npz", tmp_path / "a_follower.npz", b"PK\x03\x04" + b"x" * 90, "not an .npz", body)


# --------------------------------------------------------------------------------------------------------------- CoMPAS3D


def test_compas3d(body: Body, tmp_path: Path) -> None:
    duet = couple(body, name="Pair5_song3_take1", genre="salsa")
    source, worst, recording = there_and_back(compas3d, tmp_path, duet, body)
    assert worst < EXACT_M
    assert source.leader == tmp_path / "Pair5" / "Pair5_song3_take1" / "Pair5_song3_take1_leader.npz"
    assert source.facts == {"couple": 5, "song": 3, "proficiency": "professional", "split": "test"}
    assert recording.facts["leader"] == {"gender": "neutral", "model": "smplx_locked_head"}
    with np.load(source.leader, allow_pickle=True) as stored:
        assert stored["betas"].shape == (300,) and stored["poses"].dtype == np.float64
        arrays = dict(stored) | {"markers_obs": np.full((FRAMES, 53, 3), 0.5, object), "gender": np.array("female", object)}
    np.savez(source.leader, allow_pickle=True, **arrays)  # as released: markers are pickled
    again = compas3d.read(source, body)
    assert apart(again.leader, duet.leader, body) < EXACT_M and again.facts["leader"]["gender"] == "female"


def test_compas3d_folders(body: Body, tmp_path: Path) -> None:
    compas3d.write(tmp_path, [couple(body, name=name) for name in ("Pair7_song2_take1", "any")], body)
    place = tmp_path / "Pair7" / "Pair7_song2_take1"
    (place / "Pair7_song2_take1_leader.npz").rename(place / "Pair7_song2_take1_leaderi.npz")  # as it is released
    (place / "Pair7_song2_take1.mp4").write_bytes(b"video")
    other = tmp_path / "Pair1" / "Pair1_song1_take2"
    assert {path.name for path in other.iterdir()} == {"Pair1_song1_take2_leader.npz", "Pair1_song1_take2_follower.npz"}
    shutil.copytree(other, tmp_path / "Pair2" / "Pair2_song1_take1")
    (other / "Pair1_song1_take3_follower.npz").write_bytes(b"")
    sources, left_out = compas3d.find(tmp_path)
    assert [item.name for item in sources] == ["Pair7_song2_take1"]
    assert sources[0].leader.name.endswith("leaderi.npz") and sources[0].music == place / "Pair7_song2_take1.mp4"
    assert left_out["Pair1_song1_take2"].endswith("are both the leader") and left_out["Pair1_song1_take3"] == "no leader"
    wav = song(tmp_path / "songs" / "Pair7_song2_take1.wav")
    assert compas3d.find(tmp_path, tmp_path / "songs")[0][0].music == wav
    (place / "Pair7_song2_take1_leaderi.npz").write_bytes(finding.POINTER + b"v1")
    with pytest.raises(InputError, match="a pointer of Git LFS, not the file"):
        compas3d.read(sources[0], body)
    with pytest.raises(InputError, match="no take to import; needed are Pair<n>_song<m>_take<k>_leader.npz"):
        compas3d.find(empty(tmp_path))


# ------------------------------------------------------------------------------------------------------------------ songs


@pytest.mark.parametrize("importer", [interdance, dd100, amass, compas3d])
def test_songs_are_copied_and_found(importer: ModuleType, body: Body, tmp_path: Path) -> None:
    duet = couple(body, name="Pair1_song1_take1" if importer is compas3d else "Waltz_1_1")
    tune = song(tmp_path / "tune.flac")
    importer.write(tmp_path / "set", [Duet(duet.name, duet.genre, duet.leader, duet.follower, tune)], body)
    (source,), _ = importer.find(tmp_path / "set")
    assert source.music is not None and source.music.read_bytes() == tune.read_bytes()


@pytest.mark.parametrize("importer", [interdance, dd100, amass, compas3d])
def test_layouts_are_told(importer: ModuleType) -> None:
    assert importer.LAYOUT.splitlines() and all(len(line) <= 128 for line in importer.LAYOUT.splitlines())
    public = {name for name, value in vars(importer).items() if getattr(value, "__module__", "") == importer.__name__}
    assert {name for name in public if not name.startswith("_")} == {"find", "read", "write"}


# ---------------------------------------------------------------------------------------------------------- hostile files


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_hostile_pickles_run_nothing(protocol: int, body: Body, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    code = f"open({str(mark)!r}, 'w').close()"
    by_hand = f"cposix\nsystem\n(S'touch {mark}'\ntR.".encode()
    nested = f"(dS'smpl_poses'\ncbuiltins\neval\n(V{code}\ntRs.".encode()
    calls = [Call(os.system, f"touch {mark}"), Call(eval, code), Call(exec, code), Call(getattr, os, "system")]
    bare = [pickle.dumps({"smpl_poses": call}, protocol) for call in calls[:3]] + [by_hand, nested]
    for data in bare:
        refused(interdance, tmp_path / "a_0.pkl", tmp_path / "a_1.pkl", data, "which is refused", body)
    for call in calls[:3]:
        value = np.array({"poses": np.zeros((4, 165)), "transl": call}, object)
        data = npy(value, allow_pickle=True)
        refused(dd100, tmp_path / "W_1_1_01.npy", tmp_path / "W_1_1_00.npy", data, "which is refused", body)
        refused(interdance, tmp_path / "a_0.npy", tmp_path / "a_1.npy", data, "which is refused", body)
        np.savez(tmp_path / "x.npz", poses=np.zeros((4, 165)), gender=np.array(call, object), allow_pickle=True)
        data = (tmp_path / "x.npz").read_bytes()
        refused(amass, tmp_path / "a_leader.npz", tmp_path / "a_follower.npz", data, "which is refused", body)
    assert not mark.exists()
    pickle.loads(by_hand)  # the same file does what it says when it is read without care
    assert mark.exists()


def test_entries_that_are_not_asked_for_are_not_opened(body: Body, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    motion = dancer(body, 0)
    archive.write_archive(tmp_path / "a.npz", motion, body)
    with np.load(tmp_path / "a.npz") as stored:
        arrays = dict(stored) | {"markers_latent_vids": np.array(Call(os.system, f"touch {mark}"), object)}
    np.savez(tmp_path / "a.npz", allow_pickle=True, **arrays)
    assert apart(archive.read_archive(tmp_path / "a.npz", body)[0], motion, body) < EXACT_M
    assert not mark.exists()


# ------------------------------------------------------------------------------------------------------ entries of an npz


def test_npz_entries(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    fortran = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.savez_compressed(path, a=fortran, b=np.array({"x": np.arange(3)}, object), c=np.array("é"), d=np.zeros((0, 3)))
    found = read_npz_entries(path, {"a", "b", "c", "d", "nothing"})
    assert set(found) == {"a", "b", "c", "d"}
    assert np.array_equal(found["a"], fortran) and np.array_equal(found["b"].item()["x"], np.arange(3))
    assert convert.text(found["c"]) == "é" and found["d"].shape == (0, 3)
    assert set(read_npz_entries(path, {"a"})) == {"a"}


def archived(path: Path, data: bytes, name: str = "poses.npy") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as stream:
        stream.writestr(name, data)
    return path


def test_a_header_with_an_open_bracket(tmp_path: Path) -> None:
    """numpy tries such a header once more as Python 2's, and fails with an error of its own."""
    path = tmp_path / "a.npy"
    path.write_bytes(npy(np.zeros((4, 3))).replace(b"'shape': (4, 3)", b"'shape': (4, (3"))
    with pytest.raises(InputError, match="not a .npy file that can be read"):
        read_npy_header(path)


def test_npz_entries_that_promise_too_much(tmp_path: Path) -> None:
    """An array of an exabyte in a hundred bytes, and one that unpacks to more than is ever read."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976,), }".ljust(117) + b"\n"
    path = archived(tmp_path / "a.npz", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64))
    with pytest.raises(InputError, match=r"cut off \(64 of 9223372036854775808 bytes"):
        read_npz_entries(path, {"poses"})
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", 0xFFFFFFF0)
    path.write_bytes(data)
    with pytest.raises(InputError, match="would unpack to 4095 MiB"):
        read_npz_entries(path, {"poses"})
    with pytest.raises(InputError, match="no such file"):
        read_npz_entries(tmp_path / "none.npz", {"poses"})


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(data=st.data())
def test_mutated_files_give_a_sentence_or_a_motion(data: st.DataObject, body: Body, tmp_path: Path) -> None:
    file, importer, source = data.draw(st.sampled_from(samples(body, tmp_path)))
    content = bytearray(file)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    source.leader.write_bytes(bytes(content))
    try:
        recording = importer.read(Source("a", "unknown", source.leader), body)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert np.isfinite(recording.leader.rotations_TJ3).all() and np.isfinite(recording.leader.translation_T3).all()
    assert np.isfinite(recording.leader.betas).all() and recording.leader.num_frames > 0


_SAMPLES: list[tuple[bytes, Any, Source]] = []


def samples(body: Body, folder: Path) -> list[tuple[bytes, Any, Source]]:
    """A leader of two frames in each format, with the reader and a place to write what became of it."""
    if not _SAMPLES:
        duet = couple(body, name="Waltz_1_1", frames=2)
        ways: list[tuple[Any, Callable[[Path], None]]] = [
            (interdance, lambda at: interdance.write(at, [duet], body)),
            (interdance, lambda at: interdance.write(at, [duet], body, kind="rot6d")),
            (dd100, lambda at: dd100.write(at, [duet], body)),
            (dd100, lambda at: dd100.write(at, [duet], body, form="rotmat")),
            (amass, lambda at: amass.write(at, [duet], body)),
            (amass, lambda at: amass.write(at, [duet], body, kind="smplh")),
            (compas3d, lambda at: compas3d.write(at, [duet], body)),
        ]
        for number, (importer, way) in enumerate(ways):
            way(folder / str(number))
            (source,), _ = importer.find(folder / str(number))
            _SAMPLES.append((source.leader.read_bytes(), importer, source))
    return _SAMPLES
