"""Whole takes from overlapping windows, guidance switched on and off, and the retrieval baseline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from interdance import config
from interdance.baselines.nn_motion import NearestMotion
from interdance.body.model import Body
from interdance.errors import InputError
from interdance.generation.generate import Generated, generate_couple, generate_follower, without_guidance
from interdance.generation.long import Windows
from interdance.representation.canonical import FloorTransform, decode, encode
from interdance.representation.layout import INTEGRATED, LAYOUT, NUM_POINTS
from interdance.representation.normalize import Statistics
from interdance.trained import TrainedModel, start_denoiser
from tests.dancers import ANCHORS, statistics_of, walker

REPOSITORY = Path(__file__).resolve().parent.parent


def duet(num_frames: int, turn: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """A leader who turns, and a follower who turns the other way, so that windows disagree about whole turns."""
    leader = walker(num_frames, turn=turn, yaw=0.4)
    return leader, walker(num_frames, turn=-2 * turn, yaw=0.4 + np.pi, ahead=0.6, seed=1)


@pytest.fixture(scope="module")
def statistics() -> Statistics:
    leader, follower = (torch.from_numpy(encode(points, None, None, ANCHORS)) for points in duet(40))
    return statistics_of([{"leader": leader, "follower": follower, "music": torch.randn(40, 35)}])


@pytest.mark.parametrize(("num_frames", "window", "overlap"), [(100, 20, 6), (100, 20, 0), (15, 20, 6), (61, 20, 19)])
def test_a_take_cut_into_windows_and_merged_is_the_same_take(
    statistics: Statistics, num_frames: int, window: int, overlap: int
) -> None:
    leader, follower = (torch.from_numpy(encode(points, None, None, ANCHORS)) for points in duet(num_frames))
    windows = Windows(num_frames, statistics, window=window, overlap=overlap)
    windows.follow(leader)
    merged = windows.merge(windows.split(follower, "follower"), "follower")
    assert torch.allclose(decode(merged, ANCHORS), decode(follower, ANCHORS), atol=1e-4)
    # The velocities of the merged root are those of its places, across the seams too.
    assert torch.allclose(decode(merged, ANCHORS, integrate=True), decode(follower, ANCHORS), atol=1e-3)
    assert float((merged - follower)[1:, : INTEGRATED.stop].diff(dim=0).abs().max()) < 1e-3, "no whole turn at a seam"


def test_every_window_has_its_leader_at_the_origin(statistics: Statistics) -> None:
    leader = torch.from_numpy(encode(duet(70)[0], None, None, ANCHORS))
    windows = Windows(70, statistics, window=20, overlap=5)
    windows.follow(leader)
    first = statistics.leader.unnormalise(windows.split(leader, "leader"))[:, 0]
    assert float(first[:, [0, 2, LAYOUT["root_yaw"].start]].abs().max()) < 1e-5


@pytest.mark.parametrize(("window", "overlap"), [(20, 6), (20, 19), (200, 6)])
def test_windows_find_where_they_stand_from_their_leaders(statistics: Statistics, window: int, overlap: int) -> None:
    couple = [torch.from_numpy(encode(points, None, None, ANCHORS)) for points in duet(100)]
    windows = Windows(100, statistics, window=window, overlap=overlap)
    windows.follow(couple[0])
    start = windows.to_clip
    leader_WTC, follower_WTC = windows.split(couple[0], "leader"), windows.split(couple[1], "follower")
    windows.place(leader_WTC)  # all that is known of the world is forgotten
    first = FloorTransform(start.angle[0], start.offset[0])
    for x, x_WTC, role in zip(couple, (leader_WTC, follower_WTC), ("leader", "follower"), strict=True):
        merged = decode(windows.merge(x_WTC, role), ANCHORS)  # type: ignore[arg-type]
        assert torch.allclose(merged, first.points(decode(x, ANCHORS)), atol=2e-3), "the couple, moved as one"


def test_windows_that_disagree_are_cross_faded(statistics: Statistics) -> None:
    windows = Windows(30, statistics, window=20, overlap=10)
    values = torch.stack([torch.zeros(20, 1), torch.ones(20, 1)])
    joined = windows.join(values)[:, 0]
    assert bool((joined.diff() >= 0).all())
    assert float(joined.diff().max()) < 0.15, "no jump"
    assert joined[0] == 0
    assert joined[-1] == 1


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    body = Body.load()
    params = config.load(REPOSITORY / "params.yaml")
    params = replace(params, model=replace(params.model, width=32, blocks=1, heads=2, feed_forward=32))
    leader, follower = duet(40)
    encoded = (torch.from_numpy(encode(points, None, None, body.anchor_P)) for points in (leader, follower))
    statistics = statistics_of([dict(zip(("leader", "follower"), encoded, strict=True)) | {"music": torch.randn(40, 35)}])
    return TrainedModel(start_denoiser(params, statistics).eval(), statistics, params)


def generate(model: TrainedModel, num_frames: int = 50, seed: int = 1, guided: bool = True) -> Generated:
    sampling = replace(model.params.sample, steps=4, window=20, overlap=6, batch=2)
    guidance = replace(model.params.guidance, max_step=1000)
    return generate_follower(
        model,
        Body.load(),
        duet(num_frames)[0],
        np.zeros((num_frames, 4), np.float32),
        np.zeros((num_frames, 35), np.float32),
        sampling=sampling,
        guidance=guidance if guided else without_guidance(guidance),
        seed=seed,
    )


def test_generation_gives_finite_points_and_the_seed_decides(model: TrainedModel) -> None:
    one, again, other = generate(model), generate(model), generate(model, seed=2)
    assert one.points_TP3.shape == (50, NUM_POINTS, 3)
    assert np.isfinite(one.points_TP3).all()
    assert np.array_equal(one.points_TP3, again.points_TP3)
    assert not np.allclose(one.points_TP3, other.points_TP3)
    assert one.contact_TP.shape == one.leader_contact_TP.shape == (50, NUM_POINTS)


def test_guidance_changes_the_follower_and_can_be_switched_off(model: TrainedModel) -> None:
    assert not np.allclose(generate(model).points_TP3, generate(model, guided=False).points_TP3)


def test_music_alone_gives_a_couple_and_the_seed_decides(model: TrainedModel) -> None:
    params = replace(model.params, model=replace(model.params.model, task="duet"))
    duets = TrainedModel(start_denoiser(params, model.statistics).eval(), model.statistics, params)
    sampling = replace(params.sample, steps=3, window=20, overlap=6, batch=2)
    music = np.zeros((50, 35), np.float32)

    def couple(seed: int) -> np.ndarray:
        made = generate_couple(duets, Body.load(), music, sampling=sampling, seed=seed)
        return np.stack([made.leader_TP3, made.follower_TP3])

    one = couple(1)
    assert one.shape == (2, 50, NUM_POINTS, 3)
    assert np.isfinite(one).all()
    assert np.array_equal(one, couple(1))
    assert not np.allclose(one, couple(2))
    with pytest.raises(InputError, match="makes its own leader"):
        generate(duets)
    with pytest.raises(InputError, match="follows a given leader"):
        generate_couple(model, Body.load(), music, sampling=sampling, seed=1)


def test_music_of_another_length_is_refused(model: TrainedModel) -> None:
    with pytest.raises(ValueError, match="music has 3 frames, the leader 50"):
        generate_follower(
            model, Body.load(), duet(50)[0], np.zeros((50, 4), np.float32), np.zeros((3, 35), np.float32),
            sampling=model.params.sample, guidance=model.params.guidance, seed=1,
        )  # fmt: skip


def test_nearest_motion_finds_a_moved_copy_and_places_its_follower() -> None:
    library = [duet(60, turn=turn) for turn in (0.2, 1.5, -1.0)]
    encoded = [tuple(encode(points, None, None, ANCHORS) for points in pair) for pair in library]
    nearest = NearestMotion(encoded, clip_frames=20, stride=5)  # type: ignore[arg-type]
    moved = FloorTransform(torch.tensor(2.0), torch.tensor([3.0, -1.0]))
    leader, follower = (moved.points(points[10:50]) for points in library[1])
    answer = nearest.follow(encode(leader, None, None, ANCHORS))
    assert np.allclose(decode(answer, ANCHORS), follower, atol=1e-3)
    with pytest.raises(ValueError, match="no training take"):
        NearestMotion(encoded, clip_frames=100, stride=5)  # type: ignore[arg-type]
