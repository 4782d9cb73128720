"""Couples in the mirror and couples with the roles exchanged: what training sees besides the takes there are."""

from __future__ import annotations

import copy
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from interdance import config
from interdance.body.mirror import mirror_motion
from interdance.body.model import Body
from interdance.body.skeleton import MIRROR
from interdance.config import Paths
from interdance.dataset.windows import WindowDataset
from interdance.errors import InputError
from interdance.representation.canonical import decode
from interdance.representation.floor import FloorTransform
from interdance.representation.layout import LAYOUT, NUM_JOINTS
from interdance.stages import encode
from interdance.stages.encode import run
from interdance.takes import Duet, Motion, write_take
from tests.dancers import CANONICAL, statistics_of, write_couples

ROOT = Path(__file__).resolve().parent.parent
IMAGE = np.array([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def dance(seed: int, num_frames: int = 20) -> Motion:
    rng = np.random.default_rng(seed)
    rotations = np.zeros((num_frames, 55, 3), np.float32)
    rotations += 0.4 * rng.normal(size=(1, 55, 3)) + 0.05 * rng.normal(size=rotations.shape)
    place = rng.normal(size=3) + np.linspace(0, 1, num_frames)[:, None] * rng.normal(size=3)
    return Motion(rotations, place.astype(np.float32), rng.normal(size=10).astype(np.float32), 30.0)


def test_a_mirror_twice_is_the_motion_itself(body: Body) -> None:
    motion = dance(0)
    twice = mirror_motion(mirror_motion(motion, body), body)
    assert np.array_equal(twice.rotations_TJ3, motion.rotations_TJ3)
    assert twice.translation_T3 == pytest.approx(motion.translation_T3, abs=1e-6)


def test_a_pelvis_off_the_middle_of_the_body_stands_at_its_image(body: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    motion, rest = dance(2), np.tile(np.array([0.1, -0.3, 0.02], np.float32), (55, 1))
    monkeypatch.setattr(body, "rest_joints", lambda betas: rest)  # the embedded body's pelvis has x = 0
    image = mirror_motion(motion, body)
    assert image.translation_T3 + rest[0] == pytest.approx((motion.translation_T3 + rest[0]) * IMAGE, abs=1e-6)


def test_joints_and_surface_stand_where_their_images_are(body: Body) -> None:
    motion = dance(1)
    image = mirror_motion(motion, body)
    joints, mirrored = body.joints(motion), body.joints(image)
    assert mirrored[:, 0] == pytest.approx(joints[:, 0] * IMAGE, abs=1e-6)
    t_pose = replace(motion[:1], rotations_TJ3=np.zeros((1, 55, 3), np.float32), betas=np.zeros(10, np.float32))
    t_pose = replace(t_pose, translation_T3=np.zeros((1, 3), np.float32))
    rest = body.vertices(t_pose)[0]
    _, partner = cKDTree(rest).query(rest * IMAGE)
    assert np.array_equal(partner[partner], np.arange(len(rest))), "partners are found in pairs"
    # No dancer is mirrored better than the body: the embedded one is symmetrical to 0.03 mm in mean shape, and to
    # 0.055 mm (vertices) and 0.042 mm (joints) in this dancer's.
    shaped = body.vertices(replace(t_pose, betas=motion.betas))[0]
    crooked = np.abs(shaped[partner] - shaped * IMAGE).max()
    assert crooked < 1e-4
    assert np.abs(mirrored - joints[:, list(MIRROR)] * IMAGE).max() < 2 * crooked
    vertices, theirs = body.vertices(motion), body.vertices(image)
    assert np.abs(theirs[:, partner] - vertices * IMAGE).max() < 2 * crooked


def test_another_body_is_encoded_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(tmp_path)
    write_take(paths.takes / "s", Duet("one", "walk", dance(3), dance(4), None, {}))
    params = config.load(ROOT / "params.yaml")
    keys = []
    for name in ("one", "another"):
        other = copy.copy(Body.load())
        other.body_hash = name
        monkeypatch.setattr(encode, "Body", SimpleNamespace(load=lambda model, other=other: other))
        run(replace(params, encode=replace(params.encode, workers=1)), paths, "s")
        keys += [path.name for path in (paths.kept / "encoded" / "s").iterdir()]
    assert len(set(keys)) == 2


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    paths = Paths(tmp_path_factory.mktemp("mirror"))
    write_take(paths.takes / "s", Duet("one", "walk", dance(3), dance(4), None, {}))
    params = config.load(ROOT / "params.yaml")
    params = replace(params, encode=replace(params.encode, workers=1))
    kept = paths.kept / "encoded" / "s"
    keys = []
    for mirror in (False, True):
        run(replace(params, augment=replace(params.augment, mirror=mirror)), paths, "s")
        keys += [path.name for path in kept.iterdir()]
        assert (paths.encoded / "s" / "one" / "mirrored").is_dir() == mirror
    assert len(set(keys)) == 2, "what was kept without images is not taken for what has them"
    (paths.music / "s").mkdir(parents=True)
    np.save(paths.music / "s" / "one.npy", np.random.default_rng(0).normal(size=(20, 35)).astype(np.float32))
    return paths


def windows(paths: Paths, **options: bool) -> WindowDataset:
    return WindowDataset(CANONICAL, paths.encoded, paths.music, ["s/one"], None, 10, 5, **options)


def test_the_image_of_a_couple_is_encoded_beside_it(encoded: Paths, body: Body) -> None:
    folder = encoded.encoded / "s" / "one"
    plain, image = (np.load(path / "follower.npy") for path in (folder, folder / "mirrored"))
    joints, mirrored = (decode(x, body.anchor_P)[:, :NUM_JOINTS] for x in (plain, image))
    assert mirrored == pytest.approx(joints[:, list(MIRROR)] * IMAGE, abs=0.005)
    feet = LAYOUT["foot_contact"]
    assert np.array_equal(image[:, feet], plain[:, feet][:, [1, 0, 3, 2]]), "left foot and right foot exchange labels"


def test_images_come_after_the_couples_themselves(encoded: Paths, body: Body) -> None:
    plain, more = windows(encoded), windows(encoded, mirror=True, swap_roles=True)
    assert len(more) == 4 * len(plain) == 12
    assert all(np.array_equal(more[index]["leader"], plain[index]["leader"]) for index in range(3))
    image, exchanged = more[3], more[6]
    assert not np.array_equal(image["leader"], plain[0]["leader"])
    assert np.array_equal(image["music"], plain[0]["music"])
    assert [take for take, _ in more.starts] == [0] * 12
    for role in ("leader", "follower"):
        assert image[role].isfinite().all() and exchanged[role].isfinite().all()
    root, mirrored = (
        FloorTransform.from_tensor(window["transform"]).inverse().points(decode(window["leader"], body.anchor_P)[:, 0])
        for window in (plain[0], image)
    )
    assert mirrored.numpy() == pytest.approx(root.numpy() * IMAGE, abs=1e-5)
    again = pickle.loads(pickle.dumps(more))
    assert np.array_equal(again[11]["follower"], more[11]["follower"])


def test_exchanged_roles_are_what_exchanged_files_give(tmp_path: Path) -> None:
    names = write_couples(tmp_path, 1, 30)
    dataset = WindowDataset(CANONICAL, tmp_path / "encoded", tmp_path / "music", names, None, 10, 10)
    statistics = statistics_of([dataset[index] for index in range(len(dataset))])
    shutil.copytree(tmp_path / "encoded", tmp_path / "exchanged")
    for role, other in (("leader", "follower"), ("follower", "leader")):
        shutil.copy(tmp_path / "encoded" / names[0] / f"{role}.npy", tmp_path / "exchanged" / names[0] / f"{other}.npy")
    arguments = (tmp_path / "music", names, statistics, 10, 10)
    swapped = WindowDataset(CANONICAL, tmp_path / "encoded", *arguments, swap_roles=True)
    theirs = WindowDataset(CANONICAL, tmp_path / "exchanged", *arguments)
    for key in ("leader", "follower", "leader_contact", "transform"):
        assert np.array_equal(swapped[len(theirs) + 1][key], theirs[1][key])


@pytest.mark.parametrize("missing", ["leader", "follower"])
def test_a_take_without_image_is_refused(tmp_path: Path, missing: str) -> None:
    names = write_couples(tmp_path, 1, 30)
    folder = tmp_path / "encoded" / names[0]
    (folder / "mirrored").mkdir()
    for role in {"leader", "follower"} - {missing}:
        shutil.copy(folder / f"{role}.npy", folder / "mirrored")
    with pytest.raises(InputError, match=rf"{missing}\.npy: no such file; run the encode stage again with augment\.mirror"):
        WindowDataset(CANONICAL, tmp_path / "encoded", tmp_path / "music", names, None, 10, 10, mirror=True)
