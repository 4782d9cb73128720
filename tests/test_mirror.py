"""Couples in the mirror and couples with the roles exchanged: what training sees besides the takes there are."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

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
from interdance.representation.layout import LAYOUT, NUM_JOINTS
from interdance.stages.encode import run
from interdance.takes import Duet, Motion, write_take
from tests.dancers import statistics_of, write_couples

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


def test_joints_and_surface_stand_where_their_images_are(body: Body) -> None:
    motion = dance(1)
    # The embedded body is symmetrical to this many metres; a motion cannot be mirrored better than its body.
    rest = body.rest_joints(motion.betas)
    crooked = np.abs((rest - rest[0])[list(MIRROR)] * IMAGE - (rest - rest[0])).max()
    assert crooked < 1e-3
    image = mirror_motion(motion, body)
    joints, mirrored = body.joints(motion), body.joints(image)
    assert mirrored[:, 0] == pytest.approx(joints[:, 0] * IMAGE, abs=1e-6)
    assert np.abs(mirrored - joints[:, list(MIRROR)] * IMAGE).max() < 10 * crooked + 1e-5
    vertices, theirs = (body.vertices(one, [7])[0] for one in (motion, image))
    gap, _ = cKDTree(theirs).query(vertices * IMAGE)
    assert gap.max() < 0.002, "every vertex of the dancer has its image on the dancer in the mirror"


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    paths = Paths(tmp_path_factory.mktemp("mirror"))
    write_take(paths.takes / "s", Duet("one", "walk", dance(3), dance(4), None, {}))
    params = config.load(ROOT / "params.yaml")
    params = replace(params, encode=replace(params.encode, workers=1), augment=replace(params.augment, mirror=True))
    run(params, paths, "s")
    (paths.music / "s").mkdir(parents=True)
    np.save(paths.music / "s" / "one.npy", np.random.default_rng(0).normal(size=(20, 35)).astype(np.float32))
    return paths


def windows(paths: Paths, **options: bool) -> WindowDataset:
    return WindowDataset(paths.encoded, paths.music, ["s/one"], None, 10, 5, **options)


def test_the_image_of_a_couple_is_encoded_beside_it(encoded: Paths, body: Body) -> None:
    folder = encoded.encoded / "s" / "one"
    plain, image = (np.load(path / "follower.npy") for path in (folder, folder / "mirrored"))
    joints, mirrored = (decode(x, body.anchor_P)[:, :NUM_JOINTS] for x in (plain, image))
    assert mirrored == pytest.approx(joints[:, list(MIRROR)] * IMAGE, abs=0.005)
    feet = LAYOUT["foot_contact"]
    assert np.array_equal(image[:, feet], plain[:, feet][:, [1, 0, 3, 2]]), "left foot and right foot exchange labels"


def test_images_come_after_the_couples_themselves(encoded: Paths) -> None:
    plain, more = windows(encoded), windows(encoded, mirror=True, swap_roles=True)
    assert len(more) == 4 * len(plain) == 12
    assert all(np.array_equal(more[index]["leader"], plain[index]["leader"]) for index in range(3))
    image, exchanged = more[3], more[6]
    assert not np.array_equal(image["leader"], plain[0]["leader"])
    assert np.array_equal(image["music"], plain[0]["music"])
    assert np.isfinite(exchanged["follower"]).all()
    again = pickle.loads(pickle.dumps(more))
    assert np.array_equal(again[11]["follower"], more[11]["follower"])


def test_exchanged_roles_are_what_exchanged_files_give(tmp_path: Path) -> None:
    names = write_couples(tmp_path, 1, 30)
    dataset = WindowDataset(tmp_path / "encoded", tmp_path / "music", names, None, 10, 10)
    statistics = statistics_of([dataset[index] for index in range(len(dataset))])
    shutil.copytree(tmp_path / "encoded", tmp_path / "exchanged")
    for role, other in (("leader", "follower"), ("follower", "leader")):
        shutil.copy(tmp_path / "encoded" / names[0] / f"{role}.npy", tmp_path / "exchanged" / names[0] / f"{other}.npy")
    arguments = (tmp_path / "music", names, statistics, 10, 10)
    swapped = WindowDataset(tmp_path / "encoded", *arguments, swap_roles=True)
    theirs = WindowDataset(tmp_path / "exchanged", *arguments)
    for key in ("leader", "follower", "leader_contact", "transform"):
        assert np.array_equal(swapped[len(theirs) + 1][key], theirs[1][key])


def test_a_take_without_image_is_refused(tmp_path: Path) -> None:
    names = write_couples(tmp_path, 1, 30)
    with pytest.raises(InputError, match=r"mirrored: no such folder; run the encode stage with augment\.mirror"):
        WindowDataset(tmp_path / "encoded", tmp_path / "music", names, None, 10, 10, mirror=True)
