"""Files for other programs, read back by readers that did not write them: BVH, glTF, SMPL-X parameters; and the command."""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pybvh
import pytest
import soundfile
import trimesh
from layout import ROOT
from nodejs import node
from PIL import Image
from scipy.spatial.transform import Rotation

from interdance.body.model import Body
from interdance.body.skeleton import INDEX, JOINT_NAMES, PARENTS
from interdance.cli.commands import app
from interdance.errors import InputError
from interdance.export import palette
from interdance.export.bvh import euler_angles, write_bvh
from interdance.export.cast import cast
from interdance.export.files import Look, Sources, export_files
from interdance.export.gltf import write_glb
from interdance.export.rig import influences, whole_shares
from interdance.export.sound import read_stereo
from interdance.export.video import write_video
from interdance.mocap.bvh import forward_kinematics, read_bvh
from interdance.mocap.retarget import read_leader
from interdance.takes import NUM_JOINTS, Duet, Motion, read_motion, write_motion, write_take

FPS = 29.97
NUM_FRAMES = 90
LEAVES = [joint for joint in range(NUM_JOINTS) if joint not in PARENTS]
STILL, RETURNS = "jaw", "head"


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def _dancer(seed: int, fps: float = FPS, num_frames: int = NUM_FRAMES) -> Motion:
    """Everything but the jaw moves, by large angles and about every axis, and the head ends as it began; an odd shape, away
    from the origin.
    """
    random = np.random.default_rng(seed)
    time = np.arange(num_frames)[:, None, None] / fps
    rotations = random.uniform(0.1, 0.5, (1, NUM_JOINTS, 3)) * np.sin(2 * time + random.uniform(0, 6, (1, NUM_JOINTS, 3)))
    rotations[:, INDEX[STILL]] = 0.0
    rotations[:, INDEX[RETURNS]] *= np.sin(np.linspace(0.0, np.pi, num_frames))[:, None]
    turn = Rotation.from_rotvec((seed + 4.0 * time[:, 0]) * [[0.0, 1.0, 0.0]])  # nearly two turns
    rotations[:, 0] = (turn * Rotation.from_rotvec(rotations[:, 0])).as_rotvec()
    place = np.stack([0.8 * seed + np.sin(time[:, 0, 0]), np.full(num_frames, 1.2), time[:, 0, 0]], axis=1)
    return Motion(rotations.astype(np.float32), place.astype(np.float32), random.normal(0, 1, 10).astype(np.float32), fps)


@pytest.fixture(scope="module")
def couple() -> tuple[Motion, Motion]:
    return _dancer(1), _dancer(2)


# ----------------------------------------------------------------------------------------------------------------- BVH


def _sweep() -> Motion:
    """Each joint in turn bends to 170 degrees about X, through 90 exactly, where Z and Y turn about one axis; others move."""
    motion = _dancer(3, num_frames=NUM_JOINTS * 35)
    degrees = np.concatenate([np.arange(0.0, 171.0, 10.0), np.arange(160.0, -1.0, -10.0)])
    rotations = motion.rotations_TJ3.copy()
    for joint in range(NUM_JOINTS):
        rotations[joint * 35 : (joint + 1) * 35, joint] = np.radians(degrees)[:, None] * [1.0, 0.0, 0.0]
    return replace(motion, rotations_TJ3=rotations)


@pytest.mark.parametrize("make", [lambda: _dancer(1), lambda: _dancer(2, fps=120.0), _sweep], ids=["dance", "120", "gimbal"])
def test_bvh_comes_back_in_two_readers(body: Body, tmp_path: Path, make: Callable[[], Motion]) -> None:
    path, motion = tmp_path / "dance.bvh", make()
    write_bvh(path, motion, body)
    truth = body.joints(motion)
    ours, theirs = read_bvh(path), pybvh.read_bvh_file(path)
    assert set(ours.names) == set(JOINT_NAMES) and theirs.joint_names == ours.names
    order = [INDEX[name] for name in ours.names]
    for positions in (forward_kinematics(ours)[1], theirs.joint_positions()):
        assert np.linalg.norm(positions / 100.0 - truth[:, order], axis=2).max() < 1e-4, "centimetres, +Y up"
    assert ours.fps == pytest.approx(motion.fps, abs=1e-6) and theirs.fps == pytest.approx(motion.fps, abs=1e-6)
    assert ours.num_frames == motion.num_frames


def test_bvh_plays_in_three_js(body: Body, tmp_path: Path) -> None:
    path, motion = tmp_path / "dance.bvh", _dancer(1)
    write_bvh(path, motion, body)
    frames = (0, 31, 80)
    played = node("play.mjs", path, *(f"{frame / FPS:.7f}" for frame in frames))["skeleton"]
    for frame, shown in zip(frames, played, strict=True):
        truth = body.joints(motion)[frame, [INDEX[name] for name in shown["names"]]]
        assert len(shown["names"]) == NUM_JOINTS
        assert np.abs(np.array(shown["joints"]) / 100.0 - truth).max() < 1e-3


def test_bvh_is_laid_out_as_programs_expect(body: Body, tmp_path: Path) -> None:
    path, motion = tmp_path / "dance.bvh", _dancer(1)
    write_bvh(path, motion, body)
    bvh = read_bvh(path)
    assert bvh.names[0] == "pelvis" and not bvh.offsets_N3[0].any(), "whether a root's offset is added does not matter"
    turns = ("zrotation", "xrotation", "yrotation")
    assert bvh.channels == [("xposition", "yposition", "zposition", *turns), *[turns] * (NUM_JOINTS - 1)]
    assert {bvh.names[parent]: None for parent in bvh.parents if parent >= 0}.keys() == {
        JOINT_NAMES[parent] for parent in PARENTS if parent >= 0
    }
    assert bvh.end_sites.keys() == {JOINT_NAMES[joint] for joint in LEAVES}
    rest = replace(motion, rotations_TJ3=np.zeros((1, NUM_JOINTS, 3), np.float32), translation_T3=np.zeros((1, 3), np.float32))
    skin, joints = body.vertices(rest)[0], body.rest_joints(motion.betas)
    for joint in LEAVES:
        end = joints[joint] + bvh.end_sites[JOINT_NAMES[joint]] / 100.0
        assert np.linalg.norm(skin - end, axis=1).min() < 1e-5, "a bone ends at the skin"
    finger = np.linalg.norm(bvh.end_sites["left_index3"])
    assert 1.5 < finger < 4.0, "the last bone of a finger, centimetres"


def test_bvh_angles_do_not_jump(body: Body) -> None:
    """A knee that bends to 170 degrees and back, a dancer who turns twice: as smooth as the motion."""
    motion = _dancer(1, num_frames=NUM_FRAMES)
    rotations = np.zeros_like(motion.rotations_TJ3)
    bend = np.radians(170.0) * np.sin(np.linspace(0.0, np.pi, NUM_FRAMES))
    rotations[:, INDEX["left_knee"], 0] = bend
    rotations[:, 0, 1] = np.linspace(0.0, 4 * np.pi, NUM_FRAMES)
    angles = euler_angles(replace(motion, rotations_TJ3=rotations))
    assert np.abs(angles[:, INDEX["left_knee"]] - np.degrees(bend)[:, None] * [0, 1, 0]).max() < 1e-3
    assert angles[-1, 0] == pytest.approx([0.0, 0.0, 720.0], abs=1e-3)
    assert np.abs(np.diff(angles, axis=0)).max() < 9.0


def test_bvh_angles_are_found_without_a_warning() -> None:
    """Also where Z and Y turn about one axis, of which scipy warns by default."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        euler_angles(_sweep())


def test_an_exported_bvh_is_read_as_a_dancer_again(body: Body, tmp_path: Path) -> None:
    """By the mapping of its own names: the turns are the same, the shape is found anew."""
    path, motion = tmp_path / "dance.bvh", _dancer(1)
    floor = np.float32([0.0, np.median(body.vertices(motion)[..., 1].min(axis=1)), 0.0])  # a reader puts feet on the floor
    motion = replace(motion, translation_T3=motion.translation_T3 - floor)
    write_bvh(path, motion, body)
    again = read_leader(path, body, fps=FPS)
    turned = Rotation.from_rotvec(motion.rotations_TJ3.reshape(-1, 3)).inv() * Rotation.from_rotvec(
        again.rotations_TJ3.reshape(-1, 3)
    )
    assert np.degrees(turned.magnitude()).max() < 0.01
    assert np.linalg.norm(body.joints(again) - body.joints(motion), axis=2).mean() < 0.03


# ---------------------------------------------------------------------------------------------------------------- glTF


@pytest.fixture(scope="module")
def glb(body: Body, couple, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("glb") / "dance.glb"
    write_glb(path, cast(couple[0], [couple[1]]), body)
    return path


class _Gltf:
    """A .glb by the letter of the specification: no more than the chunks, and accessors as arrays."""

    TYPES = {5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
    WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        magic, version, length, size, kind = struct.unpack("<4sIII4s", data[:20])
        assert (magic, version, length, kind) == (b"glTF", 2, len(data), b"JSON")
        self.json: dict[str, Any] = json.loads(data[20 : 20 + size])
        binary_size, binary_kind = struct.unpack("<I4s", data[20 + size : 28 + size])
        assert binary_kind == b"BIN\0" and 28 + size + binary_size == len(data)
        self.binary = data[28 + size :]

    def array(self, index: int) -> np.ndarray:
        accessor = self.json["accessors"][index]
        view = self.json["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        kind, width = self.TYPES[accessor["componentType"]], self.WIDTHS[accessor["type"]]
        array = np.frombuffer(self.binary, kind, accessor["count"] * width, start)
        array = array if width == 1 else array.reshape(-1, width)
        return array / np.float64(np.iinfo(kind).max) if accessor.get("normalized") else array

    def posed(self, time: float) -> list[np.ndarray]:
        """World matrices (4, 4) of all nodes at a moment, which lies on a key."""
        local = [(np.array(item.get("translation", [0.0] * 3)), np.array([0.0, 0, 0, 1])) for item in self.json["nodes"]]
        for channel in self.json["animations"][0]["channels"]:
            sampler = self.json["animations"][0]["samplers"][channel["sampler"]]
            times, values = self.array(sampler["input"]), self.array(sampler["output"])
            value = values[np.abs(times - time).argmin()] if len(times) > 1 else values[0]
            place, turn = local[channel["target"]["node"]]
            local[channel["target"]["node"]] = (value, turn) if channel["target"]["path"] == "translation" else (place, value)
        world: list[Any] = [None] * len(local)

        def go(index: int, above: np.ndarray) -> None:
            matrix = np.eye(4)
            matrix[:3, :3], matrix[:3, 3] = Rotation.from_quat(local[index][1]).as_matrix(), local[index][0]
            world[index] = above @ matrix
            for child in self.json["nodes"][index].get("children", []):
                go(child, world[index])

        for top in self.json["scenes"][0]["nodes"]:
            go(top, np.eye(4))
        return world

    def skinned(self, name: str, time: float) -> np.ndarray:
        """Vertices (V, 3) of a mesh in the world at a moment."""
        holder = next(item for item in self.json["nodes"] if item["name"] == name)
        skin, world = self.json["skins"][holder["skin"]], self.posed(time)
        inverse = self.array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
        bones = np.stack([world[joint] @ matrix for joint, matrix in zip(skin["joints"], inverse, strict=True)])
        attributes = self.json["meshes"][holder["mesh"]]["primitives"][0]["attributes"]
        vertices = np.pad(self.array(attributes["POSITION"]), ((0, 0), (0, 1)), constant_values=1.0)
        result = np.zeros((len(vertices), 3))
        for number in (0, 1):
            joints, weights = self.array(attributes[f"JOINTS_{number}"]), self.array(attributes[f"WEIGHTS_{number}"])
            for k in range(4):
                result += weights[:, k : k + 1] * np.einsum("vab,vb->va", bones[joints[:, k]], vertices)[:, :3]
        return result


def test_glb_passes_the_khronos_validator(glb: Path) -> None:
    report = node("validate.mjs", glb)
    assert report["issues"]["messages"] == [], "no error, no warning, no hint"
    info = report["info"]
    assert (info["animationCount"], info["drawCallCount"], info["hasSkins"], info["maxInfluences"]) == (1, 2, True, 8)


def test_glb_holds_the_bodies_moment_by_moment(body: Body, couple, glb: Path) -> None:
    document = _Gltf(glb)
    for frame in (0, 17, NUM_FRAMES - 1):
        for motion, name in zip(couple, ("Leader", "Follower"), strict=True):
            skinned = document.skinned(f"{name} body", frame / FPS)
            assert np.linalg.norm(skinned - body.vertices(motion, [frame])[0], axis=1).max() < 5e-4


def test_glb_is_a_scene_for_trimesh(body: Body, couple, glb: Path) -> None:
    scene = trimesh.load_scene(glb)
    assert len(scene.geometry) == 2
    for motion, name, colour in zip(couple, ("Leader", "Follower"), (palette.LEADER, palette.FOLLOWERS[0]), strict=True):
        mesh = scene.geometry[name]
        rest = replace(motion, rotations_TJ3=np.zeros((1, 55, 3), np.float32), translation_T3=np.zeros((1, 3), np.float32))
        assert np.abs(mesh.vertices - body.vertices(rest)[0]).max() < 1e-5
        assert (mesh.faces == body.faces).all()
        normals = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).vertex_normals
        assert (np.einsum("va,va->v", mesh.vertex_normals, normals) > 0.7).mean() > 0.999
        assert np.abs(mesh.visual.material.baseColorFactor[:3] / 255.0 - palette.linear(colour)).max() < 0.01
    world = {name: scene.graph.get(name)[0] for name in ("Leader", "Leader body")}
    assert all((matrix == np.eye(4)).all() for matrix in world.values())


def test_glb_plays_in_three_js(body: Body, couple, glb: Path) -> None:
    """As a page would play it; three.js knows the first four joints of a vertex only."""
    frames = (0, 30, 75)
    played = node("play.mjs", glb, *(f"{frame / FPS:.7f}" for frame in frames))
    assert set(played) == {"Leader_body", "Follower_body"}
    for motion, name, colour in zip(couple, played, (palette.LEADER, palette.FOLLOWERS[0]), strict=True):
        for frame, shown in zip(frames, played[name], strict=True):
            assert np.abs(np.array(shown["joints"]) - body.joints(motion)[frame]).max() < 1e-3
            off = np.linalg.norm(np.array(shown["vertices"]) - body.vertices(motion, [frame])[0], axis=1)
            assert np.percentile(off, 98) < 1e-3 and off.max() < 0.02
            off_colour = np.array(list(bytes.fromhex(shown["colour"]))) - list(bytes.fromhex(colour[1:]))
            assert np.abs(off_colour).max() <= 4


def test_glb_is_laid_out_as_programs_expect(body: Body, glb: Path) -> None:
    document = _Gltf(glb)
    content, nodes = document.json, document.json["nodes"]
    assert [nodes[index]["name"] for index in content["scenes"][0]["nodes"]] == [
        *("Leader", "Leader body", "Follower", "Follower body")
    ], "skinned meshes stand at the root"
    for skin in content["skins"]:
        assert [nodes[joint]["name"] for joint in skin["joints"]] == list(JOINT_NAMES)
    first = content["skins"][0]["joints"][0]
    pelvis = np.array(nodes[first]["translation"])
    assert pelvis[1] > 0.5, "without its animation a dancer stands in the T-pose where the dance begins"
    assert "rotation" not in nodes[first]
    (animation,) = content["animations"]
    moved = {channel["target"]["node"] for channel in animation["channels"]}
    assert moved == {joint for skin in content["skins"] for joint in skin["joints"]}, "one animation moves both"
    assert animation["extras"] == {"fps": FPS, "frames": NUM_FRAMES}
    keys = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        keys[channel["target"]["node"], channel["target"]["path"]] = len(document.array(sampler["input"]))
        if channel["target"]["path"] == "rotation":
            turns = document.array(sampler["output"])
            assert ((turns[1:] * turns[:-1]).sum(axis=1) > 0.9).all(), "neighbours may be blended"
    assert keys[first + INDEX[STILL], "rotation"] == 1, "a joint that never moves has one key"
    assert keys[first, "translation"] == keys[first + 1, "rotation"] == keys[first + INDEX[RETURNS], "rotation"] == NUM_FRAMES
    primitives = [mesh["primitives"][0] for mesh in content["meshes"]]
    for name in ("JOINTS_0", "JOINTS_1", "WEIGHTS_0", "WEIGHTS_1"):
        assert len({primitive["attributes"][name] for primitive in primitives}) == 1, "weights are there once for all"
    weights = [document.array(primitives[0]["attributes"][f"WEIGHTS_{number}"]) for number in (0, 1)]
    assert (weights[0].min(axis=1) >= weights[1].max(axis=1) - 2 / 65535).all(), "some programs read but the first four"
    assert b"/" not in json.dumps([content["asset"], content["buffers"], content.get("images", [])]).encode(), "no paths"


def test_weights_sum_exactly_with_the_heaviest_first(body: Body) -> None:
    weights = body.model.lbs_weights.numpy()
    for units in (255, 65535):
        joints, shares = influences(body, units)
        assert (shares.sum(axis=1) == units).all() and (shares >= 0).all()
        assert (np.diff(shares, axis=1) <= 1).all(), "heaviest first, but for what rounding gives"
        dense = np.zeros_like(weights)
        np.add.at(dense, (np.arange(len(joints))[:, None], joints), shares / units)
        assert np.abs(dense - weights).max() <= 1.0 / units + 1e-6
    assert whole_shares(np.array([[0.0, 0.0], [1.0, 2.0]]), 255).tolist() == [[0, 0], [85, 170]], "nothing stays nothing"


def test_glb_of_a_minute_is_small_and_the_same_twice(body: Body, tmp_path: Path) -> None:
    minute = [_dancer(seed, fps=30.0, num_frames=1800) for seed in (1, 2, 3)]
    two = cast(minute[0], minute[1:2])
    for name, dancers in (("two", two), ("again", two), ("three", cast(None, minute))):
        write_glb(tmp_path / f"{name}.glb", dancers, body)
    assert (tmp_path / "two.glb").stat().st_size < 3.0e6
    assert (tmp_path / "two.glb").read_bytes() == (tmp_path / "again.glb").read_bytes()
    three = _Gltf(tmp_path / "three.glb")
    assert [mesh["name"] for mesh in three.json["meshes"]] == ["Follower", "Follower 2", "Follower 3"]
    seen = three.skinned("Follower 3 body", 59.0)
    assert np.linalg.norm(seen - body.vertices(minute[2], [1770])[0], axis=1).max() < 1e-3


# ------------------------------------------------------------------------------------------------------------- SMPL-X


def test_npz_is_what_the_blender_add_on_reads(body: Body, tmp_path: Path) -> None:
    """Its "Add Animation" by its own steps, format SMPL-X: checks of keys, whole rates, bones turned and the pelvis moved."""
    motion = _dancer(1, fps=30.0)
    write_motion(tmp_path / "dancer.npz", motion)
    with np.load(tmp_path / "dancer.npz") as data:
        assert all(key in data for key in ("trans", "gender", "mocap_frame_rate", "betas", "poses"))
        assert str(data["gender"]) in ("female", "male", "neutral")
        assert int(data["mocap_frame_rate"]) == 30, "not below the add-on's target of 30"
        assert str(data["surface_model_type"]) == "smplx"
        betas, poses, trans = data["betas"], data["poses"], data["trans"]
    assert poses.shape == (NUM_FRAMES, 55 * 3) and trans.shape == (NUM_FRAMES, 3) and betas.shape == (10,)
    rest, truth = body.rest_joints(betas), body.joints(motion)
    for frame in (0, 50):
        bones = poses[frame].reshape(-1, 3)
        turns: list[Rotation] = []
        places: list[np.ndarray] = []
        for joint, parent in enumerate(PARENTS):
            local = Rotation.from_rotvec(bones[joint])
            turns.append(turns[parent] * local if joint else local)
            places.append(places[parent] + turns[parent].apply(rest[joint] - rest[parent]) if joint else rest[0] + trans[frame])
        assert np.abs(np.stack(places) - truth[frame]).max() < 1e-4


# ------------------------------------------------------------------------------------------------------------ the files


LOOK = Look(("follow",), 320, 180, 4, None)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("song") / "song.wav"
    tone = 0.3 * np.sin(np.arange(5 * 44_100) * 2 * np.pi * 440.0 / 44_100)
    soundfile.write(path, tone, 44_100)
    return path


@pytest.fixture(scope="module")
def generated(body: Body, song: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `interdance generate` leaves it."""
    folder, couple = tmp_path_factory.mktemp("generated"), [_dancer(seed, fps=30.0, num_frames=30) for seed in (1, 2)]
    for role, motion in zip(("leader", "follower"), couple, strict=True):
        write_motion(folder / f"{role}.npz", motion)
    write_video(folder / "duet.mp4", cast(couple[0], [couple[1]]), body, read_stereo(song, 1.0), width=64, height=48)
    return folder


def test_a_folder_becomes_every_file(body: Body, generated: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "new" / f"dance{suffix}" for suffix in (".glb", ".bvh", ".npz", ".mp4", ".png")]
    look = replace(LOOK, views=("front", "top"))
    written = export_files(outs, Sources.of_folder(generated), body, look, tolerance_s=0.5)
    names = ["dance.glb", "dance_leader.bvh", "dance_follower.bvh", "dance_leader.npz", "dance_follower.npz"]
    assert [path.name for path in written] == [*names, "dance.mp4", "dance.png"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in written)
    leader, follower = (read_motion(generated / f"{role}.npz") for role in ("leader", "follower"))
    assert (read_motion(written[4]).rotations_TJ3 == follower.rotations_TJ3).all()
    place = forward_kinematics(read_bvh(written[1]))[1][:, 0] / 100.0
    assert np.abs(place - body.joints(leader)[:, 0]).max() < 1e-3, "the leader's file is the leader's"
    with av.open(str(written[5])) as film:
        assert sum(1 for _ in film.decode(video=0)) == 30
    with av.open(str(written[5])) as film:
        sound = np.concatenate([frame.to_ndarray() for frame in film.decode(audio=0)], axis=1)
        assert np.abs(sound[:, 10_000:30_000]).max() > 0.1, "the song is that of the folder's film"
    with Image.open(written[6]) as sheet:
        assert sheet.size == (4 * 480, 360 + 34)


def test_one_dancer_has_the_name_that_was_given(body: Body, generated: Path, tmp_path: Path) -> None:
    sources = Sources(None, (generated / "follower.npz",), None)
    assert export_files([tmp_path / "her.BVH"], sources, body, LOOK, tolerance_s=0.5) == [tmp_path / "her.BVH"]
    export_files([tmp_path / "her.glb"], sources, body, LOOK, tolerance_s=0.5)
    material = _Gltf(tmp_path / "her.glb").json["materials"][0]
    colour = material["pbrMetallicRoughness"]["baseColorFactor"][:3]
    assert np.abs(colour - palette.linear(palette.FOLLOWERS[0])).max() < 1e-3, "a follower is blue without a leader, too"


def test_a_take_is_a_folder_of_dancers_and_their_song(body: Body, song: Path, tmp_path: Path) -> None:
    place = tmp_path / "waltz_00"
    place.mkdir()
    (place / "song.wav").write_bytes(song.read_bytes())
    leader, follower = _dancer(1, fps=30.0, num_frames=4), _dancer(2, fps=30.0, num_frames=4)
    folder = write_take(tmp_path, Duet("waltz_00", "waltz", leader, follower, place / "song.wav"))
    sources = Sources(folder / "leader.npz", (folder / "follower.npz",), folder / "song.wav")
    assert Sources.of_folder(folder) == sources
    (folder / "song.wav").unlink()
    assert Sources.of_folder(folder) == sources, "a film of it is refused, and not silent"


def test_what_cannot_be_exported_says_why_and_leaves_nothing(body: Body, generated: Path, song: Path, tmp_path: Path) -> None:
    short, slow, empty = tmp_path / "short.npz", tmp_path / "slow.npz", tmp_path / "empty"
    follower = read_motion(generated / "follower.npz")
    write_motion(short, follower[:20])
    write_motion(slow, replace(follower, fps=25.0))
    empty.mkdir()
    long = tmp_path / "long.npz"
    write_motion(long, _dancer(1, fps=30.0, num_frames=200))
    leader, out = generated / "leader.npz", tmp_path / "out"
    couple = Sources(leader, (generated / "follower.npz",), None)
    refusals: list[tuple[list[str], Sources, Look, str]] = [
        (["a.fbx"], couple, LOOK, r"a\.fbx: a name that ends in one of \.glb"),
        (["a.html"], couple, LOOK, "interdance view"),
        (["a.glb", "a.glb"], couple, LOOK, "named twice"),
        ([], couple, LOOK, "no file"),
        (["a.glb"], Sources(None, (), None), LOOK, "nobody dances"),
        (["a.glb"], Sources(leader, (short,), None), LOOK, r"short\.npz: the leader has 30 frames .* and the follower 20"),
        (["a.glb"], Sources(leader, (slow,), None), LOOK, r"slow\.npz: .* 30 at 25; cut or resample"),
        (["a.glb"], Sources(tmp_path / "absent.npz", (), None), LOOK, r"absent\.npz: no such file"),
        (["a.glb", "a.mp4"], Sources(long, (), song), LOOK, r"song\.wav: the song lasts 5\.0 s and the motion 6\.7 s"),
        (["a.glb", "a.mp4"], Sources(leader, (), tmp_path / "absent.wav"), LOOK, r"absent\.wav: no such file"),
        (["a.glb", "a.mp4"], couple, replace(LOOK, views=("front", "below")), "no view is named 'below'"),
        (["a.glb", "a.png"], couple, replace(LOOK, moments=(0.0, 7.0)), "--at: 7 s is not in the dance"),
        (["a.glb", "a.png"], couple, replace(LOOK, pictures=0), "--pictures: 0 pictures"),
        (["a.glb", "a.mp4"], couple, replace(LOOK, width=321), r"a\.mp4: a film of 321x180 pixels cannot be encoded"),
        (["a.glb", "a.mp4"], couple, replace(LOOK, width=40, views=("front", "top", "side")), "too few for 3 views"),
    ]
    for names, sources, look, words in refusals:
        with pytest.raises(InputError, match=words) as caught:
            export_files([out / name for name in names], sources, body, look, tolerance_s=0.5)
        assert "\n" not in str(caught.value)
        assert not out.exists()
    for folder, words in ((empty, "neither leader"), (tmp_path / "absent", "no such folder")):
        with pytest.raises(InputError, match=words):
            Sources.of_folder(folder)


def test_the_command_goes_from_a_generated_folder_to_a_scene(
    generated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str | Path) -> None:
        app(["export", "--root", str(ROOT), *map(str, arguments)], standalone_mode=False)

    place = tmp_path / "dance.glb"
    run("--from", generated, "--out", place, "--out", tmp_path / "dance.bvh")
    assert [line.partition(": ")[0] for line in capsys.readouterr().out.splitlines()] == [
        *(str(place), str(tmp_path / "dance_leader.bvh"), str(tmp_path / "dance_follower.bvh"))
    ]
    assert len(_Gltf(place).json["meshes"]) == 2
    run("--from", generated, "--follower", generated / "leader.npz", "--follower", generated / "follower.npz", "--out", place)
    assert len(_Gltf(place).json["meshes"]) == 3, "what is named goes before what is in the folder"
    run("--from", generated, "--at", "0, 0.5", "--views", "front,side", "--out", tmp_path / "stills.png")
    with Image.open(tmp_path / "stills.png") as sheet:
        assert sheet.size == (2 * 480, 360 + 34)
    with pytest.raises(InputError, match=r"--music .*absent\.ogg: no such file"):
        run("--from", generated, "--out", tmp_path / "s.glb", "--music", tmp_path / "absent.ogg")
    with pytest.raises(InputError, match="--at soon: seconds"):
        run("--from", generated, "--out", tmp_path / "s.png", "--at", "soon")
    with pytest.raises(InputError, match="interdance export"):
        app(["view", "--leader", str(generated / "leader.npz"), "--out", "film.mp4"], standalone_mode=False)
