"""From takes to training windows by the stages themselves, on two small couples; and each refusal of bad takes."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import REPOSITORY

from interdance import config
from interdance.body.model import Body
from interdance.config import Params, Paths
from interdance.dataset.split import read_split
from interdance.dataset.windows import WindowDataset
from interdance.errors import InputError
from interdance.representation.canonical import Canonical, decode
from interdance.representation.contact import foot_contact
from interdance.representation.layout import LAYOUT
from interdance.representation.normalize import Statistics
from interdance.stages import encode, music, split, statistics
from interdance.takes import Duet, Motion, write_take

NUM_FRAMES = 70


def motion(body: Body, seed: int, yaw: float, place: tuple[float, float], num_frames: int = NUM_FRAMES) -> Motion:
    """A dancer who sways on the spot, hands forward, fingers moving, soles on the floor."""
    rng = np.random.default_rng(seed)
    rotations = np.zeros((num_frames, 55, 3), np.float32)
    time = np.arange(num_frames)[:, None, None] / 30.0
    rotations[:, 13:55] = 0.15 * np.sin(time * rng.uniform(1, 4, (42, 3)) + rng.uniform(0, 6, (42, 3)))
    rotations[:, 16, 1], rotations[:, 17, 1] = -1.2, 1.2
    rotations[:, 0, 1] = yaw + 0.3 * np.sin(time[:, 0, 0])
    still = Motion(rotations, np.zeros((num_frames, 3), np.float32), np.zeros(10, np.float32), 30.0)
    low = body.points(still[:1])[0, :, 1].min()
    return dataclasses.replace(still, translation_T3=still.translation_T3 + np.float32([place[0], -low, place[1]]))


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


@pytest.fixture(scope="module")
def params() -> Params:
    values = config.load(REPOSITORY / "params.yaml")
    return dataclasses.replace(
        values,
        sets={"set": values.sets["couples"]},
        split=dataclasses.replace(values.split, assign={"set/one": "train", "set/two": "test"}),
        encode=dataclasses.replace(values.encode, workers=1),
        statistics=dataclasses.replace(values.statistics, num_windows=4, num_rows=60, num_components=10),
        train=dataclasses.replace(values.train, window=40, stride=6),
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, body: Body, params: Params) -> Paths:
    """Two takes gone through every data stage."""
    paths = Paths(tmp_path_factory.mktemp("project"))
    for seed, name in enumerate(("one", "two")):
        song = paths.takes / "set" / name / "song.wav"
        song.parent.mkdir(parents=True)
        soundfile.write(song, np.random.default_rng(seed).normal(size=22050 * 3) * 0.1, 22050)
        leader = motion(body, seed, 0.5, (1.0, 2.0))
        facing = (1.0 + 0.75 * np.sin(0.5), 2.0 + 0.75 * np.cos(0.5))
        follower = motion(body, seed + 5, 0.5 + np.pi, facing)
        write_take(paths.takes / "set", Duet(name, "waltz", leader, follower, song))
    for stage in (music, encode):
        stage.run(params, paths, "set")
    for stage in (split, statistics):
        stage.run(params, paths)
    return paths


def test_a_set_that_was_taken_out_is_not_split(project: Paths, params: Params, tmp_path: Path) -> None:
    copy = Paths(tmp_path)
    shutil.copytree(project.takes, copy.takes)
    shutil.copytree(project.takes / "set", copy.takes / "gone")
    split.run(params, copy)
    assert sorted(sum(read_split(copy.split).values(), [])) == ["set/one", "set/two"]


def test_stages_end_in_windows(project: Paths, body: Body, params: Params) -> None:
    assert read_split(project.split) == {"train": ["set/one"], "validation": [], "test": ["set/two"]}
    measured = Statistics.load(project.statistics)
    kind = Canonical(body.anchor_P)
    windows = WindowDataset(kind, project.encoded, project.music, ["set/one"], measured, window=40, stride=6)
    assert len(windows) == 6
    item = windows[3]
    leader, follower = (getattr(measured, role).unnormalise(item[role]) for role in ("leader", "follower"))
    assert abs(float(leader[0, 0])) < 1e-6 and abs(float(leader[0, 2])) < 1e-6
    assert float(follower[0, 2]) == pytest.approx(0.75, abs=0.3)  # before the leader, who faces +Z
    assert abs(-2 * float(follower[0, 3]) - np.pi) < 0.7
    points = decode(leader, body.anchor_P)
    assert float(points[..., 1].min()) == pytest.approx(0.0, abs=0.02)
    assert measured.follower.components_KC.shape == (10, leader.shape[-1])
    assert float(measured.follower.explained_K.sum()) > 0.9


def test_encoded_points_are_the_motion(project: Paths, body: Body) -> None:
    stored = np.load(project.encoded / "set" / "two" / "follower.npy")
    points = body.points(motion(body, 6, 0.5 + np.pi, (1.0 + 0.75 * np.sin(0.5), 2.0 + 0.75 * np.cos(0.5))))
    for integrate in (False, True):
        assert np.abs(decode(stored, body.anchor_P, integrate=integrate) - points).max() < 1e-5
    # Fingers are told from the wrist: nothing of a hand is farther from it than a hand is long.
    hands = np.flatnonzero(body.anchor_P[1:] > 0)
    joints_and_vertices = stored[:, 7:2134].reshape(NUM_FRAMES, -1, 3)
    assert np.linalg.norm(joints_and_vertices[:, hands], axis=-1).max() < 0.25
    assert len(hands) > 100


def test_labels_say_who_touches_and_who_stands(project: Paths) -> None:
    leader, follower = (np.load(project.encoded / "set" / "one" / f"{role}.npy") for role in ("leader", "follower"))
    assert leader[:, LAYOUT["foot_contact"]].mean() > 0.9
    for x in (leader, follower):
        touching = x[:, LAYOUT["partner_contact"]]
        assert set(np.unique(touching)) <= {0.0, 1.0}
        assert 0 < touching.mean() < 0.2


def test_standing_feet_count_whatever_their_height(body: Body, params: Params) -> None:
    pose = motion(body, 0, 0.0, (0.0, 0.0))
    pose.rotations_TJ3[:] = 0.0
    settings = params.encode
    assert foot_contact(body.points(pose), 30.0, settings.foot_height, settings.foot_speed).all()


def test_encoding_does_not_depend_on_the_workers(project: Paths, params: Params, tmp_path: Path) -> None:
    copy = Paths(tmp_path)
    copy.takes.parent.mkdir(parents=True)
    copy.takes.symlink_to(project.takes)
    encode.run(dataclasses.replace(params, encode=dataclasses.replace(params.encode, workers=2)), copy, "set")
    files = sorted(path.relative_to(copy.encoded) for path in copy.encoded.rglob("*.*"))
    assert len(files) == 6
    for path in files:
        assert (copy.encoded / path).read_bytes() == (project.encoded / path).read_bytes()


def test_statistics_are_the_same_bytes_again(project: Paths, params: Params) -> None:
    before = project.statistics.read_bytes()
    torch.manual_seed(99)
    statistics.run(params, project)
    assert project.statistics.read_bytes() == before


def test_bad_takes_are_refused_and_leave_nothing(body: Body, params: Params, tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    leader = motion(body, 0, 0.0, (0.0, 0.0))
    short = motion(body, 1, 0.0, (0.0, 1.0), num_frames=60)
    write_take(paths.takes / "set", Duet("alone", "waltz", leader, short, None))
    with pytest.raises(InputError, match="the leader has 70 frames, the follower 60"):
        encode.run(params, paths, "set")
    broken = motion(body, 1, 0.0, (0.0, 1.0))
    broken.translation_T3[33] = np.nan
    write_take(paths.takes / "set", Duet("alone", "waltz", leader, broken, None))
    with pytest.raises(InputError, match="frame 33"):
        encode.run(params, paths, "set")
    assert not (paths.encoded / "set").exists()


def test_one_more_take_makes_one_more(project: Paths, params: Params, body: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after DVC has removed the outputs, as it does before it runs a stage again."""
    made: list[str] = []
    monkeypatch.setattr(
        music, "music_features", lambda path, *rest: made.append(path.parent.name) or np.zeros((70, 35), np.float32)
    )
    features = (project.music / "set" / "one.npy").read_bytes()
    encoded = (project.encoded / "set" / "one" / "leader.npy").read_bytes()
    shutil.rmtree(project.music)
    shutil.rmtree(project.encoded)
    song = project.takes / "set" / "three" / "song.wav"
    song.parent.mkdir()
    soundfile.write(song, np.random.default_rng(9).normal(size=22050 * 3) * 0.1, 22050)
    leader, follower = motion(body, 8, 0.5, (1.0, 2.0)), motion(body, 9, 3.6, (1.4, 2.6))
    write_take(project.takes / "set", Duet("three", "waltz", leader, follower, song))
    for stage in (music, encode):
        stage.run(params, project, "set")
    assert made == ["three"]
    assert (project.music / "set" / "one.npy").read_bytes() == features
    assert (project.encoded / "set" / "one" / "leader.npy").read_bytes() == encoded
    shutil.rmtree(project.takes / "set" / "three")
    for stage in (music, encode):
        stage.run(params, project, "set")
    for stage in ("music", "encoded"):
        assert len(list((project.kept / stage / "set").iterdir())) == 2, "what is of no use is dropped"
