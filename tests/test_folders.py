"""Folders of duets by any system: found, read, refused; and pickles read without running them."""

from __future__ import annotations

import io
import json
import os
import pickle
import pickletools
import struct
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import shared
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.transform import Rotation

from interdance.body.model import Body
from interdance.errors import InputError
from interdance.evaluation.folders import (
    STANCE_FRAMES,
    find_performances,
    find_seeds,
    read_dancer,
)
from interdance.mocap.resample import resample, resample_positions
from interdance.pickles import read_npy_header, read_object_array
from interdance.takes import Duet, Joints, Motion, Points, read_motion, write_motion, write_take

FRAMES = 40
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def dance(seed: int, frames: int = FRAMES) -> Motion:
    """A tall or short dancer who turns, leans and swings every joint."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / 30
    rotations = 0.2 * np.sin(time[:, None] * rng.uniform(1, 4, (55, 3)) + rng.uniform(0, 6, (55, 3)))
    lean = Rotation.from_rotvec(0.3 * np.sin(2 * time) * [1.0, 0.0, 0.5])
    rotations[:, 0] = (lean * Rotation.from_rotvec(time * [0.0, 2.0, 0.0])).as_rotvec()
    translation = np.concatenate([np.sin(time) + seed, 1.1 + 0 * time, np.cos(time)], axis=1)
    betas = rng.normal(size=10)
    return Motion(rotations.astype(np.float32), translation.astype(np.float32), betas.astype(np.float32), 30.0)


def to_z_up(positions: np.ndarray) -> np.ndarray:
    """The same place in the axes of a file whose z is up: what reading undoes."""
    x, y, z = np.moveaxis(positions, -1, 0)
    return np.stack([x, -z, y], axis=-1)


def parameters_z_up(motion: Motion, body: Body) -> dict[str, Any]:
    """The motion as a z-up file has it, by way of where the pelvis is, as DD100 publishes it: a row of betas per frame."""
    turn = Rotation.from_rotvec([np.pi / 2, 0, 0])
    pelvis = to_z_up(body.joints(motion)[:, 0].astype(np.float64))
    rotations = motion.rotations_TJ3.astype(np.float64)
    rotations[:, 0] = (turn * Rotation.from_rotvec(rotations[:, 0])).as_rotvec()
    count = motion.num_frames
    return {
        "poses": rotations.reshape(count, 165),
        "transl": pelvis - body.rest_joints(motion.betas)[0],
        "betas": np.concatenate([np.tile(motion.betas, (count, 1)), np.full((count, 6), 9.0, np.float32)], axis=1),
        "global_orient": rotations[:, 0],
        "meta": {"gender": "male", "num_betas": np.int64(10)},
    }


def save_object(path: Path, value: Any, protocol: int = 4, dialect: str = "numpy._core", bare: bool = True) -> None:
    """A pickled dict as ``.npy``: bare, or in an array of one element; as numpy 1 or numpy 2 writes it."""
    array = np.empty(() if bare else (1,), object)
    array[...] = value
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
    path.write_bytes(stream.getvalue() + in_dialect(pickle.dumps(array, protocol), protocol, dialect))


def in_dialect(data: bytes, protocol: int, dialect: str) -> bytes:
    """The same pickle with the module names of another numpy."""
    if dialect == "numpy._core":
        return data
    if protocol < 4:  # names end with their line
        return data.replace(b"cnumpy._core.", b"cnumpy.core.")
    # Names have a length, and lie in frames that have one: frames are optional and are left out.
    for start in reversed([place or 0 for opcode, _, place in pickletools.genops(data) if opcode.name == "FRAME"]):
        data = data[:start] + data[start + 9 :]
    for module in (b"multiarray", b"numeric"):
        name = b"numpy._core." + module
        data = data.replace(bytes([len(name)]) + name, bytes([len(name) - 1]) + b"numpy.core." + module)
    return data


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def joints_of(dancer: Motion | Joints | Points, body: Body) -> np.ndarray:
    if isinstance(dancer, Motion):
        return body.joints(dancer)
    return dancer.joints_TJ3 if isinstance(dancer, Joints) else dancer.points_TP3[:, :55]


def read_both(folder: Path, body: Body) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    both = {}
    for item in find_performances(folder):
        assert item.leader is not None and item.follower is not None
        leader, follower = (joints_of(read_dancer(p, fps=30.0, body=body), body) for p in (item.leader, item.follower))
        both[item.take] = (leader, follower)
    return both


# --------------------------------------------------------------------------------------------------------------- layouts


def write_takes(folder: Path, take: str, leader: Motion, follower: Motion, body: Body) -> None:
    song = touch(folder / take / "music.flac")
    write_take(folder, Duet(take, "waltz", leader, follower, song))


def write_points(folder: Path, take: str, leader: Motion, follower: Motion, body: Body) -> None:
    (folder / take).mkdir()
    write_motion(folder / take / "leader.npz", leader)
    write_motion(folder / take / "follower.npz", leader)  # not the one to be read
    np.save(folder / take / "points.npy", body.points(follower))


def write_flat(folder: Path, take: str, leader: Motion, follower: Motion, body: Body) -> None:
    write_motion(folder / f"{take}_leader.npz", leader)
    np.save(folder / f"{take}_follower.npy", body.joints(follower))


def write_dd100_positions(folder: Path, take: str, leader: Motion, follower: Motion, body: Body) -> None:
    np.save(folder / f"{take}_00.npy", to_z_up(body.joints(follower)).reshape(-1, 165))
    np.save(folder / f"{take}_01.npy", to_z_up(body.joints(leader)).reshape(1, -1, 165))  # as the program saves them


def write_dd100_data(folder: Path, take: str, leader: Motion, follower: Motion, body: Body) -> None:
    save_object(folder / f"{take}_00.npy", parameters_z_up(follower, body))
    save_object(folder / f"{take}_01.npy", parameters_z_up(leader, body), protocol=3, dialect="numpy.core")


def write_dd100_program(folder: Path, take: str, leader: Motion, follower: Motion, body: Body) -> None:
    """As utils/save.py of the program writes it: no betas, and something else as the leader's global_orient."""
    for number, motion in (("00", follower), ("01", leader)):
        values = parameters_z_up(motion, body)
        poses = values["poses"].reshape(-1, 55, 3)
        orient = poses[:, 0] if number == "00" else poses[:, :3]
        made = {"poses": poses, "global_orient": orient, "transl": values["transl"], "meta": {"gender": "female"}}
        save_object(folder / f"{take}_{number}.npy", made, bare=False)


WRITERS = [write_takes, write_points, write_flat, write_dd100_positions, write_dd100_data, write_dd100_program]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_every_layout_gives_the_same_joints(write: Callable[..., None], body: Body, tmp_path: Path) -> None:
    dancers = {"Waltz_1_0": (dance(1), dance(2)), "Tango_2_0": (dance(3), dance(4))}
    if write is write_dd100_program:  # which knows no shapes
        zero = np.zeros(10, np.float32)
        bare = {k: tuple(Motion(m.rotations_TJ3, m.translation_T3, zero, 30.0) for m in v) for k, v in dancers.items()}
        dancers = bare  # type: ignore[assignment]
    for take, (leader, follower) in dancers.items():
        write(tmp_path, take, leader, follower, body)
    (tmp_path / "README.txt").touch()
    (tmp_path / ".hidden_follower.npy").touch()
    found = find_performances(tmp_path)
    layout = write.__name__.split("_")[1]
    genre = {"takes": "waltz", "dd100": "Tango"}.get(layout, "")
    assert [(item.take, item.layout) for item in found] == [("Tango_2_0", layout), ("Waltz_1_0", layout)]
    assert found[0].genre == genre
    for take, read in read_both(tmp_path, body).items():
        for got, true in zip(read, dancers[take], strict=True):
            assert got.dtype == np.float32
            np.testing.assert_allclose(got, body.joints(true), atol=1e-5)


def test_what_may_be_missing(tmp_path: Path) -> None:
    touch(tmp_path / "takes" / "b" / "leader.npz")
    touch(tmp_path / "points" / "a" / "points.npy")
    touch(tmp_path / "dd100" / "Waltz_1_0_00.npy")
    touch(tmp_path / "flat" / "a_b_follower.npy")
    (takes,), (points,) = find_performances(tmp_path / "takes"), find_performances(tmp_path / "points")
    (dd100,), (flat,) = find_performances(tmp_path / "dd100"), find_performances(tmp_path / "flat")
    assert takes.follower is None and takes.leader == tmp_path / "takes" / "b" / "leader.npz" and takes.genre == ""
    assert points.leader is None and points.follower == tmp_path / "points" / "a" / "points.npy"
    assert dd100.leader is None and dd100.follower is not None and (dd100.take, dd100.genre) == ("Waltz_1_0", "Waltz")
    assert flat.leader is None and flat.take == "a_b" and flat.music is None


def test_parameters_lose_nothing_and_positions_stay_on_the_disk(body: Body, tmp_path: Path) -> None:
    motion = dance(5)
    write_motion(tmp_path / "a.npz", motion)
    np.save(tmp_path / "points.npy", body.points(motion))
    read = read_dancer(tmp_path / "a.npz", fps=30.0, body=body)
    assert isinstance(read, Motion)
    np.testing.assert_array_equal(read.rotations_TJ3, motion.rotations_TJ3)
    points = read_dancer(tmp_path / "points.npy", fps=30.0)
    assert isinstance(points, Points) and isinstance(points.points_TP3, np.memmap) and points.points_TP3.mode == "r"
    assert isinstance(points[:5].points_TP3, np.memmap) and points[:5].num_frames == 5
    np.save(tmp_path / "wide.npy", body.points(motion).astype(">f8"))
    wide = read_dancer(tmp_path / "wide.npy", fps=30.0)
    assert isinstance(wide, Points) and wide.points_TP3.dtype == np.float32 and wide.points_TP3.dtype.isnative
    np.testing.assert_array_equal(wide.points_TP3, points.points_TP3)
    np.save(tmp_path / "turned.npy", to_z_up(body.points(motion)))
    turned = read_dancer(tmp_path / "turned.npy", fps=30.0, up="z")
    assert isinstance(turned, Points)
    np.testing.assert_array_equal(turned.points_TP3, points.points_TP3)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angles=arrays.arrays(np.float64, 3, elements=st.floats(-3, 3)),
    place=arrays.arrays(np.float64, 3, elements=st.floats(-20, 20)),
    betas=arrays.arrays(np.float64, 10, elements=st.floats(-2, 2)),
    lean=st.floats(-0.7, 0.7),
)
def test_turning_parameters_turns_the_joints(
    angles: np.ndarray, place: np.ndarray, betas: np.ndarray, lean: float, tmp_path: Path
) -> None:
    """A z-up .npz: wherever it stands and however it turns, its joints are those of the file, axes exchanged."""
    body = Body.load()
    rotations = np.zeros((3, 55, 3))
    turn = Rotation.from_rotvec([[np.pi / 2, 0, 0]] * 3)
    spin = Rotation.from_rotvec(np.outer(angles, [0, 0, 1]))
    rotations[:, 0] = (spin * Rotation.from_rotvec([lean, 0, 0]) * turn).as_rotvec()
    motion = Motion(rotations.astype(np.float32), np.tile(place, (3, 1)).astype(np.float32), betas.astype(np.float32), 30.0)
    write_motion(tmp_path / "z.npz", motion)
    read = read_dancer(tmp_path / "z.npz", fps=30.0, up="z", body=body)
    assert isinstance(read, Motion)
    x, y, z = np.moveaxis(body.joints(motion), -1, 0)
    np.testing.assert_allclose(body.joints(read), np.stack([x, z, -y], -1), atol=1e-5)


def test_shape_rate_and_orientation_of_a_dict(body: Body, tmp_path: Path) -> None:
    motion = dance(6)
    values = parameters_z_up(motion, body)
    hidden = dict(values, poses=values["poses"].copy())
    hidden["poses"][:, :3] = 0.0  # the orientation is in global_orient alone
    shapeless = {key: value for key, value in values.items() if key not in ("betas", "transl")}
    shapeless |= {"trans": values["transl"], "betas": motion.betas[:4].tolist()}
    for name, value in (("a_00", hidden), ("b_00", shapeless)):
        save_object(tmp_path / f"{name}.npy", value)
    first = read_dancer(tmp_path / "a_00.npy", fps=30.0, body=body)
    second = read_dancer(tmp_path / "b_00.npy", fps=30.0, source_fps=60.0, body=body)
    assert isinstance(first, Motion) and isinstance(second, Motion)
    np.testing.assert_allclose(body.joints(first), body.joints(motion), atol=1e-5)
    np.testing.assert_allclose(first.betas, motion.betas, atol=1e-6)
    assert second.betas.tolist() == [*motion.betas[:4].tolist()] + [0.0] * 6
    assert (second.num_frames, second.fps) == (FRAMES // 2, 30.0)
    pickle_file = tmp_path / "plain.pkl"
    pickle_file.write_bytes(pickle.dumps(values))
    plain = read_dancer(pickle_file, fps=30.0, up="z", body=body)
    np.testing.assert_allclose(joints_of(plain, body), body.joints(motion), atol=1e-5)


# ---------------------------------------------------------------------------------------------------- songs, seeds, rate


def test_songs_are_found_in_each_place(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "takes"
    touch(folder / "a" / "leader.npz")

    def song(music: Path | None = None) -> Path | None:
        (found,) = find_performances(folder, music)
        return found.music

    assert song() is None
    beside = touch(tmp_path / "out" / "music" / "a.mp3")
    assert song() == beside.resolve()
    inside = touch(folder / "music" / "a.wav")
    assert song() == inside
    plain = touch(folder / "a.flac")
    assert song() == plain
    own = touch(folder / "a" / "anything.ogg")
    assert song() == own
    touch(folder / "a" / "other.ogg")
    assert song() == plain  # two in its folder: neither is it
    assert song() != (named := touch(folder / "a" / "a.ogg"))
    assert song() == named
    usual = touch(folder / "a" / "music.wav")
    assert song() == usual
    facts = folder / "a" / "take.json"
    facts.write_text(json.dumps({"music": "other.ogg", "genre": None}))
    assert song() == folder / "a" / "other.ogg"
    facts.write_text(json.dumps({"music": "gone.ogg"}))
    assert song() == usual
    given_folder = tmp_path / "songs"
    given_folder.mkdir()
    assert song(given_folder) is None
    assert song(given_folder) != (chosen := touch(given_folder / "a.flac"))
    assert song(given_folder) == chosen


def test_songs_of_flat_folders(tmp_path: Path) -> None:
    touch(tmp_path / "x" / "Waltz_1_0_00.npy")
    song = touch(tmp_path / "x" / "Waltz_1_0.mp3")
    touch(tmp_path / "x" / "Waltz_1_1_00.npy")
    assert [item.music for item in find_performances(tmp_path / "x")] == [song, None]


def test_seeds(tmp_path: Path) -> None:
    assert find_seeds(tmp_path) == {"": tmp_path}
    for name in ("seed_10", "seed_2", ".cache", "music"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes.txt").touch()
    assert list(find_seeds(tmp_path).items()) == [("2", tmp_path / "seed_2"), ("10", tmp_path / "seed_10")]
    (tmp_path / "seed_x").mkdir()
    assert find_seeds(tmp_path) == {"": tmp_path}
    with pytest.raises(InputError, match="no such folder"):
        find_seeds(tmp_path / "none")


@pytest.mark.parametrize(("source", "target"), [(120.0, 30.0), (119.88, 30.0), (24.0, 30.0), (25.0, 60.0)])
def test_positions_keep_time_when_resampled(source: float, target: float) -> None:
    """A straight line stays the line, frame by frame; the result ends where the input does, as with rotations."""
    time = np.arange(101) / source
    speed = np.array([[0.5, -1.0, 2.0], [3.0, 0.25, 0.0]])
    line = (time[:, None, None] * speed).astype(np.float32)
    result = resample_positions(line, source, target)
    wanted = np.arange(len(result)) / target
    assert result.dtype == np.float32
    assert wanted[-1] <= time[-1] + 1e-9 < wanted[-1] + 1 / target + 1e-9
    np.testing.assert_allclose(result, wanted[:, None, None] * speed, atol=3e-6)
    motion = Motion(np.zeros((101, 55, 3), np.float32), line[:, 0], np.zeros(10, np.float32), source)
    np.testing.assert_allclose(resample(motion, target).translation_T3, result[:, 0], atol=3e-6)


def test_equal_rates_keep_positions() -> None:
    line = np.zeros((5, 2, 3), np.float32)
    assert resample_positions(line, 29.97, 30.0) is line
    assert len(resample_positions(line[:1], 120.0, 30.0)) == 1


def test_files_at_other_rates_are_brought_to_one(body: Body, tmp_path: Path) -> None:
    motion = dance(7, 121)
    np.save(tmp_path / "joints.npy", body.joints(motion))
    write_motion(tmp_path / "a.npz", Motion(motion.rotations_TJ3, motion.translation_T3, motion.betas, 120.0))
    joints = read_dancer(tmp_path / "joints.npy", fps=30.0, source_fps=120.0)
    own = read_dancer(tmp_path / "a.npz", fps=30.0, source_fps=7.0, body=body)
    assert isinstance(joints, Joints) and isinstance(own, Motion)
    assert joints.num_frames == own.num_frames == 31 and joints.fps == own.fps == 30.0
    np.testing.assert_allclose(joints.joints_TJ3, body.joints(motion)[::4], atol=1e-6)
    np.testing.assert_allclose(body.joints(own), joints.joints_TJ3, atol=1e-4)


# -------------------------------------------------------------------------------------------------------------- refusals


def test_folders_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_performances(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no dancers in it; looked for were .*points\.npy.*_00\.npy and _01\.npy"):
        find_performances(tmp_path / "empty")
    touch(tmp_path / "outer" / "test" / "Waltz_1_0_00.npy")
    with pytest.raises(InputError, match="but in 'test' in it: name that one"):
        find_performances(tmp_path / "outer")
    touch(tmp_path / "one" / "leader.npz")
    with pytest.raises(InputError, match="it is itself one take"):
        find_performances(tmp_path / "one")
    touch(tmp_path / "mixed" / "a" / "leader.npz")
    touch(tmp_path / "mixed" / "b_follower.npy")
    with pytest.raises(InputError, match=r"two layouts, 'a/leader\.npz' \(takes\) and 'b_follower\.npy' \(flat\)"):
        find_performances(tmp_path / "mixed")
    touch(tmp_path / "same" / "a" / "leader.npz")
    touch(tmp_path / "same" / "a_leader.npz")
    with pytest.raises(InputError, match="two layouts"):
        find_performances(tmp_path / "same")
    touch(tmp_path / "twice" / "a_follower.npy")
    touch(tmp_path / "twice" / "a_follower.npz")
    with pytest.raises(InputError, match=r"a_follower\.npz: a_follower\.npy is there too; keep one of them"):
        find_performances(tmp_path / "twice")
    touch(tmp_path / "facts" / "a" / "leader.npz")
    (tmp_path / "facts" / "a" / "take.json").write_text("[]")
    with pytest.raises(InputError, match=r"take\.json: holds no names and values"):
        find_performances(tmp_path / "facts")
    with pytest.raises(InputError, match="no such folder"):
        find_performances(tmp_path / "facts", tmp_path / "songs")


def edit(values: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {key: value for key, value in (values | changes).items() if value is not None}


def test_positions_that_are_refused(body: Body, tmp_path: Path) -> None:
    joints = body.joints(dance(9))
    holed = joints.copy()
    holed[7, 3, 1] = np.nan
    lying = joints[..., [1, 0, 2]] * np.float32([-1, 1, 1])
    cases: list[tuple[np.ndarray, str]] = [
        (joints[:, :22], "holds 22 joints; the 55 of SMPL-X are needed, those of the hands included"),
        (joints[:, :24].reshape(FRAMES, 72), "holds 24 joints"),
        (np.zeros((FRAMES, 498), np.float32), "translation and rotation matrices"),
        (joints[0], r"an array of shape \(55, 3\); \(frames, 55, 3\) is needed"),
        (joints[None, None], "an array of shape"),
        (np.zeros((FRAMES, 164)), "an array of shape"),
        (holed, "NaN or infinity at frame 7"),
        (joints[:0], "holds no frames"),
        (joints[:1], "holds a single frame; a dance"),
        (joints * 1000, "is 1[0-9]{3} away from the ankles; metres are needed, so divide by 1000"),
        (joints * 100, "metres are needed, so divide by 100$"),
        (joints * 0.01, "positions of joints in metres are needed"),
        (dance(9).rotations_TJ3 * 0.1, "rotations belong in an .npz"),
        (lying, "stands along -x.*turn the file so that"),
        (np.array([["a", "b"]] * 3), "holds <U1; positions"),
    ]
    for number, (array, sentence) in enumerate(cases):
        path = tmp_path / f"case{number}.npy"
        np.save(path, array)
        with pytest.raises(InputError, match=sentence) as caught:
            read_dancer(path, fps=30.0)
        assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    np.save(tmp_path / "Waltz_1_0_00.npy", joints)
    with pytest.raises(InputError, match=r"stands along \+y, \+z is needed; leave out --up"):
        read_dancer(tmp_path / "Waltz_1_0_00.npy", fps=30.0, up="z")
    for number, array in enumerate((joints, to_z_up(joints))):  # by itself it finds which way they stand
        np.save(tmp_path / f"Waltz_{number}_00.npy", array)
        found = read_dancer(tmp_path / f"Waltz_{number}_00.npy", fps=30.0)
        assert isinstance(found, Joints)
        np.testing.assert_allclose(found.joints_TJ3, joints, atol=1e-6)
    np.save(tmp_path / "short.npy", joints[:4])
    with pytest.raises(InputError, match="holds a single frame at 30 frames per second"):
        read_dancer(tmp_path / "short.npy", fps=30.0, source_fps=120.0)


def test_files_that_are_refused(body: Body, tmp_path: Path) -> None:
    np.save(tmp_path / "whole.npy", body.joints(dance(9)))
    whole = (tmp_path / "whole.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-1000])
    (tmp_path / "head.npy").write_bytes(whole[:40])
    (tmp_path / "none.npy").write_bytes(b"")
    (tmp_path / "text.npy").write_text("0.1, 0.2, 0.3\n" * 100)
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps({"poses": 1}))
    np.savez(tmp_path / "objects.npz", poses=np.array({"a": 1}, object))
    np.savez(tmp_path / "joints.npz", joints=body.joints(dance(9)))
    write_motion(tmp_path / "single.npz", dance(9, 1))
    far = dance(9)
    write_motion(tmp_path / "far.npz", Motion(far.rotations_TJ3, far.translation_T3 * 1000, far.betas, 30.0))
    values = parameters_z_up(dance(9), body)
    turned = Motion(values["poses"].reshape(-1, 55, 3), values["transl"], dance(9).betas, 30.0)
    write_motion(tmp_path / "z.npz", turned)
    cases = {
        "missing.npy": "no such file",
        "missing.npz": "no such file",
        "cut.npy": r"cut off \(25400 of 26400 bytes of numbers\); copy it again",
        "head.npy": r"not a \.npy file that can be read",
        "none.npy": "is empty",
        "text.npy": r"not a \.npy file that can be read",
        "pickle.npz": "pickles are refused",
        "objects.npz": "without unpickling",
        "joints.npz": "no array named 'poses'",
        "single.npz": "holds a single frame",
        "far.npz": "the translation goes to [0-9]*; metres are needed",
        "take.bvh": r"a \.npz, \.npy or \.pkl of one dancer is needed",
    }
    for name, sentence in cases.items():
        with pytest.raises(InputError, match=sentence) as caught:
            read_dancer(tmp_path / name, fps=30.0, body=body)
        assert str(caught.value).startswith(f"{tmp_path / name}: ")
    with pytest.raises(InputError, match="--up x: one of auto, y, z"):
        read_dancer(tmp_path / "whole.npy", fps=30.0, up="x")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 frames per second of the file"):
        read_dancer(tmp_path / "whole.npy", fps=30.0, source_fps=0)


def test_dicts_that_are_refused(body: Body, tmp_path: Path) -> None:
    values = parameters_z_up(dance(9), body)
    holed = values["transl"].copy()
    holed[5] = np.inf
    two = np.empty(2, object)
    two[:] = [values, values]
    cases: list[tuple[Any, str]] = [
        (edit(values, poses=None), r"no 'poses' in it \(it holds: betas"),
        (edit(values, transl=None), "no 'transl' in it"),
        (edit(values, poses=values["poses"][:, :72]), "'poses' has 24 joints; the 55"),
        (edit(values, poses=values["poses"][:, :100]), r"'poses' is an array of shape \(40, 100\)"),
        (edit(values, poses=3.0), r"'poses' is an array of shape \(\)"),
        (edit(values, poses="abc"), "'poses' holds <U3, not numbers"),
        (edit(values, poses=[[1.0], [1.0, 2.0]]), "rows of different lengths"),
        (edit(values, poses=values["poses"][:1], transl=holed[:1]), "a single frame"),
        (edit(values, transl=holed[:9]), r"'transl' has shape \(9, 3\); \(40, 3\) is needed"),
        (edit(values, transl=holed), "'transl' holds NaN or infinity at frame 5"),
        (edit(values, betas=np.array([np.nan])), "'betas' holds NaN"),
        (edit(values, betas=np.zeros(0)), r"'betas' has shape \(0,\)"),
        ([values], "holds a pickled list; a dict"),
    ]
    for number, (value, sentence) in enumerate(cases):
        path = tmp_path / f"case{number}_00.npy"
        save_object(path, value)
        with pytest.raises(InputError, match=sentence) as caught:
            read_dancer(path, fps=30.0, body=body)
        assert str(caught.value).startswith(f"{path}: ")
    np.save(tmp_path / "two_00.npy", two)
    with pytest.raises(InputError, match="holds 2 objects; one dict"):
        read_dancer(tmp_path / "two_00.npy", fps=30.0, body=body)


def test_the_stance_is_an_average(body: Body, tmp_path: Path) -> None:
    """A dancer who lies down for a third of the dance still stands."""
    motion = dance(10, 3 * STANCE_FRAMES)
    rotations = motion.rotations_TJ3.copy()
    rotations[:STANCE_FRAMES, 0] = [0, 0, np.pi / 2]
    write_motion(tmp_path / "a.npz", Motion(rotations, motion.translation_T3, motion.betas, 30.0))
    assert isinstance(read_dancer(tmp_path / "a.npz", fps=30.0, body=body), Motion)


# --------------------------------------------------------------------------------------------------------------- pickles


def contents() -> dict[str, Any]:
    objects = np.empty((2, 2), object, order="F")
    for place in np.ndindex(2, 2):
        objects[place] = list(place)
    shared_array = np.arange(3)
    return {
        "poses": np.arange(24, dtype=np.float32).reshape(2, 4, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "axes": np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
        "big": np.arange(4, dtype=">i2"),
        "none": np.zeros((0, 3)),
        "flags": np.array([True, False]),
        "text": np.array(["é", "abc"]),
        "bytes": np.array([b"\xff\x00a", b"x"]),
        "complex": np.array([1 + 2j]),
        "half": np.float16(0.5),
        "single": np.float32(1.25),
        "count": np.int64(-7),
        "name": np.str_("wälzer"),
        "flag": np.True_,
        "objects": objects,
        "meta": OrderedDict(gender="male", height=1.75, tags={"a"}, fixed=frozenset([1]), raw=b"\x80", nothing=b""),
        "nested": ([1, 2.5, None], (True, 10**30), {3: "three", (1, 2): np.zeros(1)}),
        "twice": [shared_array, shared_array],
    }


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        is_same = type(one) is type(other) is np.ndarray and one.dtype == other.dtype and one.shape == other.shape
        return is_same and all(equal(a, b) for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other) and (type(one) is type(other) or isinstance(one, dict))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dialect", ["numpy._core", "numpy.core"])
def test_pickles_of_both_numpys_in_every_protocol(protocol: int, dialect: str, tmp_path: Path) -> None:
    save_object(tmp_path / "a.npy", contents(), protocol, dialect)
    data = (tmp_path / "a.npy").read_bytes()
    assert (b"numpy._core" in data) == (dialect == "numpy._core") and dialect.encode() in data
    result = read_object_array(tmp_path / "a.npy")
    assert result.shape == () and equal(result[()], contents())
    assert result[()]["twice"][0] is result[()]["twice"][1]
    save_object(tmp_path / "b.npy", contents(), protocol, dialect, bare=False)
    assert equal(read_object_array(tmp_path / "b.npy")[0], contents())
    (tmp_path / "c.pkl").write_bytes(in_dialect(pickle.dumps(contents(), protocol), protocol, dialect))
    assert equal(read_object_array(tmp_path / "c.pkl"), contents())


def test_a_file_that_numpy_saves_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array(contents(), object), allow_pickle=True)
    assert equal(read_object_array(tmp_path / "a.npy").item(), contents())


def test_a_pickle_of_python_2_is_read(tmp_path: Path) -> None:
    """Protocol 2 as Python 2 wrote it: bytes as strings, names of numpy 1."""
    numbers = np.arange(3, dtype="<f4")
    data = (
        b"\x80\x02}q\x01U\x05posesq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87R"
        b"(K\x01K\x03\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x0c" + numbers.tobytes() + b"tbs."
    )
    (tmp_path / "a.pkl").write_bytes(data)
    assert equal(read_object_array(tmp_path / "a.pkl"), {"poses": numbers})


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


class Innocent:
    """Pickles by its class alone."""


class State:
    """Pickles as an object that is made and then given a state."""

    def __init__(self, function: Any, args: tuple[Any, ...], state: Any) -> None:
        self.made = (function, args, state)

    def __reduce__(self) -> Any:
        return self.made


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_hostile_pickles_run_nothing(protocol: int, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    code = f"open({str(mark)!r}, 'w').close()"
    cases: list[tuple[Any, str]] = [
        (Call(os.system, f"touch {mark}"), r"asks for (posix|nt)\.system"),
        (Call(eval, code), r"asks for (builtins|__builtin__)\.eval"),
        (Call(exec, code), r"asks for (builtins|__builtin__)\.exec"),
        (Call(getattr, {}, "get"), r"asks for (builtins|__builtin__)\.getattr"),
        (Call(__import__, "os"), r"asks for (builtins|__builtin__)\.__import__"),
        (partial(print, "x"), r"asks for functools\.partial"),
        (torch.zeros(2), r"asks for torch\._utils\._rebuild_tensor_v2"),
        (Innocent, r"asks for [\w.]*test_folders\.Innocent"),
        (Innocent(), r"asks for (copy_?reg\._reconstructor|[\w.]*test_folders\.Innocent)"),
        (np.zeros, r"asks for numpy\.zeros"),
        (np.load, r"asks for numpy\.load"),
        (np.ndarray, "holds a function"),
        (Path("x"), r"asks for [\w.]*PosixPath"),
    ]
    for number, (value, sentence) in enumerate(cases):
        for path, wrapped in ((tmp_path / f"{number}.npy", {"poses": value}), (tmp_path / f"{number}.pkl", [value])):
            if path.suffix == ".npy":
                save_object(path, wrapped, protocol)
            else:
                path.write_bytes(pickle.dumps(wrapped, protocol))
            with pytest.raises(InputError, match=f"the pickle in it {sentence}, which is refused") as caught:
                read_object_array(path)
            assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
            with pytest.raises(InputError):
                read_dancer(path, fps=30.0)
    assert not mark.exists()
    # The same file does what it says when it is read without care.
    pickle.loads(pickle.dumps(Call(os.system, f"touch {mark}"), protocol))
    assert mark.exists()


def refused(path: Path, data: bytes, sentence: str) -> None:
    path.write_bytes(data)
    with pytest.raises(InputError, match=sentence):
        read_object_array(path)


def test_states_cannot_be_forged(tmp_path: Path) -> None:
    """Real dtypes believe what a pickle says of their size and contents, which lets bytes pass for pointers."""
    rebuild = np.zeros(1).__reduce__()[0]
    scalar = np.float32(1).__reduce__()[0]
    dtype = np.dtype
    pointers = State(dtype, ("V8", False, True), (3, "|", None, ("a",), {"a": (dtype("O"), 0)}, 8, 1, 0))
    wide = State(dtype, ("O8", False, True), (3, "|", None, None, None, -1, -1, 0))
    cases: list[tuple[Any, str]] = [
        (State(rebuild, (np.ndarray, (0,), b"b"), (1, (1,), pointers, False, b"\x41" * 8)), "array of type 'V8'"),
        (State(rebuild, (np.ndarray, (0,), b"b"), (1, (1,), wide, False, b"\x41" * 8)), "an array without its bytes"),
        (State(rebuild, (np.ndarray, (0,), b"b"), (1, (1,), dtype("f8"), False, [1])), "a list where an array has bytes"),
        (State(rebuild, (np.ndarray, (0,), b"b"), (1, (9,), dtype("f8"), False, b"\0" * 8)), r"the shape \(9,\)"),
        (State(rebuild, (np.ndarray, (0,), b"b"), (1, (-1,), dtype("f8"), False, b"\0" * 8)), "a shape that is none"),
        (State(rebuild, (np.ndarray, (0,), b"b"), (1, (1,), dtype("f8"), False, b"\0" * 7)), "gives 7 bytes"),
        (State(rebuild, (np.ndarray, (0,), b"b"), {"shape": 1}), "an array in an unknown way"),
        (Call(rebuild, np.ndarray, (0,), b"b"), "an array without data"),
        (Call(rebuild, np.dtype, (0,), b"b"), "a kind of its own"),
        (Call(np.ndarray, (1 << 50,)), "an array without data"),
        (Call(scalar, wide, b"\x41" * 8), "an array without its bytes"),
        (Call(scalar, dtype("f8"), b"\0" * 16), r"the shape \(\)"),
        (Call(scalar, dtype("U1"), b"\xff\xff\xff\x7f"), "a damaged one"),
        (Call(bytes, 1 << 50), "makes bytes out of nothing"),
        (Call(set, 1 << 50), "fills a container in an unknown way"),
        (np.dtype([("a", "f4")]), "array of type 'V4'|array of records"),
        (State(dtype, ("f8", False, True), (3, "<", (dtype("f8"), (1 << 40,)), None, None, -1, -1, 0)), "of records"),
        (np.zeros(2, [("a", "f4")]), "array of type 'V4'"),
        (State(np.ndarray, (), {"a": 1}), "makes an array without data"),
    ]
    for protocol in PROTOCOLS:
        for number, (value, sentence) in enumerate(cases):
            refused(tmp_path / f"{number}.pkl", pickle.dumps(value, protocol), sentence)
    refused(tmp_path / "a.pkl", b"\x80\x02cnumpy\ndtype\n}U\x01aK\x01sb.", "sets the state of a function")
    refused(tmp_path / "b.pkl", b"\x80\x02cnumpy\ndtype\n)\x81.", "a damaged one")  # NEWOBJ, of classes
    encode = b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R."
    refused(tmp_path / "c.pkl", encode, "encodes text as 'hex'")


def test_bombs_and_strange_pickles(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    cycle: list[Any] = []
    cycle.append(cycle)
    deep: Any = 0
    for _ in range(100):
        deep = [deep]
    laughs: Any = ["ha"]
    for _ in range(14):
        laughs = [laughs] * 10
    refused(path, pickle.dumps(cycle), "nests containers more than 16 deep")
    refused(path, pickle.dumps(deep), "nests containers more than 16 deep")
    path.write_bytes(pickle.dumps(laughs))
    assert len(read_object_array(path)) == 10  # 10^14 elements, each list but once
    refused(path, b"\x80\x02]r\xff\xff\xff\xff.", "numbers an object far beyond")
    refused(path, b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.", "not a pickle, or a damaged one")
    refused(path, b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.", "a damaged one")
    refused(path, b"\x80\x02U\x01aQ.", "refers to an object outside the file")
    refused(path, b"Paddress\n.", "refers to an object outside the file")
    refused(path, b"\x80\x02\x82\x01.", "asks for extension 1")
    refused(path, b"(ios\nsystem\n.", r"asks for os\.system")
    refused(path, b"PK\x03\x04 a zip of torch", "not a pickle, or a damaged one")
    refused(path, b"", "is empty")
    whole = pickle.dumps(contents())
    for length in (1, 10, 100, len(whole) - 1):
        refused(path, whole[:length], "not a pickle, or a damaged one")
    np.save(tmp_path / "plain.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"holds float64, not a pickled object; numpy\.load reads it"):
        read_object_array(tmp_path / "plain.npy")
    with pytest.raises(InputError, match="no such file"):
        read_object_array(tmp_path / "none.npy")


def test_headers_that_promise_too_much(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"

    def write(shape: tuple[int, ...], descr: str, data: bytes, version: int = 1) -> Path:
        stream = io.BytesIO()
        header = {"shape": shape, "fortran_order": False, "descr": descr}
        (np.lib.format.write_array_header_1_0 if version == 1 else np.lib.format.write_array_header_2_0)(stream, header)
        path.write_bytes(stream.getvalue() + data)
        return path

    with pytest.raises(InputError, match=r"cut off \(4 of [0-9]+ bytes"):
        read_npy_header(write((1 << 40, 165), "<f4", b"1234"))
    with pytest.raises(InputError, match=r"promises an array of shape \(1099511627776,\) in [0-9]+ bytes"):
        read_object_array(write((1 << 40,), "|O", pickle.dumps(np.array([None]))))
    with pytest.raises(InputError, match=r"promises an array of shape \(2,\) and holds an array of shape \(1,\)"):
        read_object_array(write((2,), "|O", pickle.dumps(np.array([None]))))
    with pytest.raises(InputError, match="holds dict"):
        read_object_array(write((1,), "|O", pickle.dumps({})))
    assert read_npy_header(write((2, 3), "<f4", bytes(24), version=2)).shape == (2, 3)
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", 6) + b"__bad\n")
    with pytest.raises(InputError, match=r"not a \.npy file that can be read"):
        read_npy_header(path)
    path.write_bytes(b"\x93NUMPY\x03\x00" + struct.pack("<I", 4) + b"{}\n\n")
    with pytest.raises(InputError, match="named columns"):
        read_npy_header(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_pickles_give_a_sentence_or_plain_data(data: st.DataObject, tmp_path: Path) -> None:
    """Bytes changed at random: never another exception, never anything but plain data."""
    whole = bytearray(pickle.dumps(contents(), data.draw(st.sampled_from(PROTOCOLS))))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.pkl"
    path.write_bytes(whole)
    try:
        value = read_object_array(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    else:
        assert_plain(value)


def assert_plain(value: Any) -> None:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    elif isinstance(value, np.ndarray):
        value = value.ravel().tolist() if value.dtype.hasobject else []
    if isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            assert_plain(item)
    else:
        plain = (str, bytes, bytearray, int, float, complex, bool, type(None), np.generic, np.dtype)
        assert isinstance(value, plain), type(value)


# ------------------------------------------------------------------------------------------------------------- real data


def test_real_joints_are_read(tmp_path: Path) -> None:
    with np.load(shared("reference", "joints55.npz")) as archive:
        takes = {name: archive[name] for name in archive.files}
    for name, joints in takes.items():
        np.save(tmp_path / f"{name.replace('__', '_')}.npy", joints)
    for item in find_performances(tmp_path):
        assert item.leader is not None and item.follower is not None
        for role, path in (("leader", item.leader), ("follower", item.follower)):
            read = read_dancer(path, fps=30.0)
            assert isinstance(read, Joints)
            np.testing.assert_array_equal(read.joints_TJ3, takes[f"{item.take}__{role}"])


def test_other_skeletons_are_refused() -> None:
    path = shared("data", "smplx", "interx_sample_p1_joints.npy")
    with pytest.raises(InputError, match="holds 64 joints; the 55 of SMPL-X are needed"):
        read_dancer(path, fps=30.0, source_fps=120.0)


def test_a_written_take_is_read_as_takes_does(body: Body, tmp_path: Path) -> None:
    write_takes(tmp_path, "a", dance(11), dance(12), body)
    (found,) = find_performances(tmp_path)
    assert found.music == tmp_path / "a" / "music.flac" and found.leader is not None
    np.testing.assert_array_equal(read_motion(found.leader).betas, dance(11).betas)
