"""Whole takes from overlapping windows, guidance switched on and off, and the retrieval baseline."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from interdance import config
from interdance.baselines.nn_motion import NearestMotion
from interdance.body.model import Body
from interdance.dataset.windows import cut_follower, cut_leader
from interdance.diffusion.guidance import smooth
from interdance.errors import InputError
from interdance.generation.generate import Generated, generate_couple, generate_follower, without_guidance
from interdance.generation.long import Windows, blocks
from interdance.model.denoiser import Prediction
from interdance.representation.canonical import Canonical, decode, encode, leader_frame, rebase
from interdance.representation.floor import FloorTransform
from interdance.representation.layout import INTEGRATED, LAYOUT, NUM_POINTS
from interdance.representation.normalize import Statistics
from interdance.trained import TrainedModel, start_denoiser
from tests.dancers import ANCHORS, CANONICAL, open_gates, statistics_of, walker

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
    windows = Windows(CANONICAL, num_frames, statistics, window=window, overlap=overlap)
    windows.follow(leader)
    merged = windows.merge(windows.split(follower, "follower"), "follower")
    assert torch.allclose(decode(merged, ANCHORS), decode(follower, ANCHORS), atol=1e-4)
    # The velocities of the merged root are those of its places, across the seams too.
    assert torch.allclose(decode(merged, ANCHORS, integrate=True), decode(follower, ANCHORS), atol=1e-3)
    assert float((merged - follower)[1:, : INTEGRATED.stop].diff(dim=0).abs().max()) < 1e-3, "no whole turn at a seam"


def test_windows_fade_into_each_other_without_a_kick(statistics: Statistics) -> None:
    """A fade that begins with an acceleration gives the take a jerk there, however well the windows agree."""
    windows = Windows(CANONICAL, 100, statistics, window=40, overlap=19)
    weight_T = windows.weights_WT[1]
    assert float(weight_T[20]) == pytest.approx(1) and float(weight_T[9]) == pytest.approx(0.5)
    assert float(weight_T[[0, -1]].max()) < 2e-3, "half a cosine would begin with 6e-3, a straight ramp with 5e-2"


def test_every_window_has_its_leader_at_the_origin(statistics: Statistics) -> None:
    leader = torch.from_numpy(encode(duet(70)[0], None, None, ANCHORS))
    windows = Windows(CANONICAL, 70, statistics, window=20, overlap=5)
    windows.follow(leader)
    first = statistics.leader.unnormalise(windows.split(leader, "leader"))[:, 0]
    assert float(first[:, [0, 2, LAYOUT["root_yaw"].start]].abs().max()) < 1e-5


@pytest.mark.parametrize(("window", "overlap"), [(20, 6), (20, 19), (200, 6), (20, 0)])
def test_windows_find_where_they_stand_from_their_leaders(statistics: Statistics, window: int, overlap: int) -> None:
    couple = [torch.from_numpy(encode(points, None, None, ANCHORS)) for points in duet(100)]
    windows = Windows(CANONICAL, 100, statistics, window=window, overlap=overlap)
    windows.follow(couple[0])
    start = FloorTransform(windows.to_clip.angle[0], windows.to_clip.offset[0])
    leader_WTC, follower_WTC = windows.split(couple[0], "leader"), windows.split(couple[1], "follower")
    # The first leader off the origin, and noise that differs from window to window: the overlap as a whole decides.
    away = FloorTransform(torch.tensor(0.7), torch.tensor([1.0, 2.0]))
    shifted = statistics.leader.normalise(rebase(statistics.leader.unnormalise(leader_WTC[:1]), away))
    place = LAYOUT["root_position"]
    leader_WTC[1:, :, place] += 0.02 * torch.randn(leader_WTC[1:, :, place].shape, generator=torch.Generator().manual_seed(0))
    windows.place(torch.cat([shifted, leader_WTC[1:]]))  # all that is known of the world is forgotten
    frame = leader_frame(statistics.leader.unnormalise(shifted[0]))
    assert torch.allclose(windows.to_world.to_tensor()[0], frame.to_tensor(), atol=1e-5), "he begins at the origin, facing +Z"
    windows.place(leader_WTC)
    merged = decode(windows.merge(follower_WTC, "follower"), ANCHORS)
    gap = (merged - start.points(decode(couple[1], ANCHORS))).norm(dim=-1).max()
    # Without overlap a window follows upon the last frame of the one before: a frame is lost at each seam.
    assert float(gap) < (0.35 if overlap == 0 else 0.05), "the couple, moved as one"


def test_a_dancer_who_turns_on_the_spot_is_followed(statistics: Statistics) -> None:
    turning = walker(60, turn=2.0)
    turning[..., [0, 2]] -= turning[:, :1, [0, 2]]
    leader = torch.from_numpy(encode(turning, None, None, ANCHORS))
    windows = Windows(CANONICAL, 60, statistics, window=20, overlap=6)
    windows.follow(leader)
    known = windows.to_world.to_tensor()
    windows.place(windows.split(leader, "leader"))
    turned = windows.to_world.to_tensor()[:, 0] - known[:, 0]
    assert float((turned - turned[0]).sin().abs().max()) < 1e-3


def test_windows_are_smoothed_as_one_take_and_stay_on_their_branch(statistics: Statistics) -> None:
    leader, follower = (torch.from_numpy(encode(points, None, None, ANCHORS)) for points in duet(100, turn=3.0))
    windows = Windows(CANONICAL, 100, statistics, window=20, overlap=6)
    windows.follow(leader)
    parts = windows.split(follower, "follower")
    first = -2 * statistics.follower.unnormalise(parts)[:, 0, LAYOUT["root_yaw"].start]
    assert bool(((first >= -np.pi / 2 - 1e-4) & (first < 1.5 * np.pi + 1e-4)).all())
    channel = LAYOUT["joints"].start
    plain, smoothed = windows.merge(parts, "follower"), windows.merge(parts, "follower", 2.0)
    assert torch.allclose(smooth(plain, 2.0)[:, channel], smoothed[:, channel], atol=1e-5)
    assert not torch.allclose(plain[:, channel], smoothed[:, channel], atol=1e-5)


def test_the_cross_fade_has_no_corners(statistics: Statistics) -> None:
    """Of two windows, one all 0 and one all 1, the take goes from one to the other level at both ends."""
    windows = Windows(CANONICAL, 40, statistics, window=25, overlap=10)
    taken = torch.stack([torch.full((25, 1), float(index)) for index in range(len(windows))])
    first = windows.starts[1]
    fade = windows.join(taken)[first - 1 : 26, 0]
    assert torch.allclose(fade + fade.flip(0), torch.ones_like(fade), atol=1e-6)
    steps = fade.diff()
    assert (steps >= -1e-6).all()
    assert float(steps[[0, -1]].max()) < 0.25 * float(steps.max())


def test_windows_that_disagree_are_cross_faded(statistics: Statistics) -> None:
    windows = Windows(CANONICAL, 30, statistics, window=20, overlap=10)
    values = torch.stack([torch.zeros(20, 1), torch.ones(20, 1)])
    joined = windows.join(values)[:, 0]
    assert bool((joined.diff() >= 0).all())
    assert float(joined.diff().max()) < 0.18, "no jump"
    assert joined[0] == 0
    assert joined[-1] == 1


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    body = Body.load()
    params = config.load(REPOSITORY / "params.yaml")
    params = replace(params, model=replace(params.model, width=32, blocks=1, heads=2, feed_forward=32))
    leader, follower = duet(40)
    couple = (torch.from_numpy(encode(points, None, None, body.anchor_P)) for points in (leader, follower))
    statistics = statistics_of([dict(zip(("leader", "follower"), couple, strict=True)) | {"music": torch.randn(40, 35)}])
    kind = Canonical(body.anchor_P)
    return TrainedModel(start_denoiser(params, kind, statistics).eval(), kind, statistics, params)


def encoded(points: np.ndarray) -> np.ndarray:
    return encode(points, np.zeros((len(points), 4), np.float32), None, Body.load().anchor_P)


def generate(model: TrainedModel, num_frames: int = 50, seed: int = 1, guided: bool = True) -> Generated:
    sampling = replace(model.params.sample, steps=4, window=20, overlap=6, batch=2)
    guidance = replace(model.params.guidance, contact_max_step=1000, penetration_max_step=1000)
    return generate_follower(
        model,
        Body.load(),
        encoded(duet(num_frames)[0]),
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


def test_guidance_changes_the_follower_and_can_be_switched_off(model: TrainedModel) -> None:
    assert not np.allclose(generate(model).points_TP3, generate(model, guided=False).points_TP3)


class KnowingCouple(torch.nn.Module):
    """A denoiser that knows, from the music, which frames of a known couple a window is of."""

    def __init__(self, couple: tuple[np.ndarray, np.ndarray], statistics: Statistics) -> None:
        super().__init__()
        anchors = Body.load().anchor_P
        self.leader, self.follower = (torch.from_numpy(encode(points, None, None, anchors)) for points in couple)
        self.statistics = statistics
        self.noise: list[tuple[torch.Tensor, torch.Tensor]] = []

    def forward(
        self, x_n_BTC: torch.Tensor, n_B: torch.Tensor, music_BTA: torch.Tensor, leader_BTC: torch.Tensor
    ) -> Prediction:
        self.noise.append((x_n_BTC, leader_BTC))
        first = self.statistics.music.mean_A[0] + self.statistics.music.std_A[0] * music_BTA[:, 0, 0]
        halves = []
        for start in (int(value) for value in first.round()):
            leader, _, frame = cut_leader(CANONICAL, self.leader.numpy(), start, start + 20, self.statistics)
            follower = cut_follower(CANONICAL, self.follower.numpy(), start, start + 20, frame, self.statistics)
            halves.append((follower, leader))
        return Prediction(*(torch.stack(half) for half in zip(*halves, strict=True)))


@pytest.mark.parametrize(("batch", "block"), [(1, 1800), (2, 1800), (32, 1800), (32, 40), (2, 29)])
def test_the_couple_that_windows_predict_is_the_couple_that_comes_out(model: TrainedModel, batch: int, block: int) -> None:
    params = replace(model.params, model=replace(model.params.model, task="duet"))
    truth, anchors = duet(50), Body.load().anchor_P
    knowing = KnowingCouple(truth, model.statistics)
    duets = TrainedModel(knowing, model.representation, model.statistics, params)  # type: ignore[arg-type]
    sampling = replace(params.sample, steps=3, window=20, overlap=6, batch=batch, block=block, smoothing=0.0)
    music = np.zeros((50, 35), np.float32)
    music[:, 0] = np.arange(50)  # tells the frame
    made = generate_couple(duets, music, sampling=sampling, seed=1)
    frame = leader_frame(torch.from_numpy(encode(truth[0], None, None, anchors)))
    for found, true in ((made.leader_TP3, truth[0]), (made.follower_TP3, truth[1])):
        assert np.abs(found - frame.points(true)).max() < 5e-3
    follower, leader = knowing.noise[0]
    assert abs(float((follower * leader).mean())) < 0.02 < float(leader.std()), "each has noise of their own"
    with pytest.raises(InputError, match="makes its own leader"):
        generate(duets)
    with pytest.raises(InputError, match="follows a given leader"):
        generate_couple(model, music, sampling=sampling, seed=1)


@pytest.mark.parametrize("block", [29, 40])
def test_the_follower_that_windows_predict_comes_out_of_blocks(model: TrainedModel, block: int) -> None:
    truth = duet(50)

    class Knowing(KnowingCouple):
        def forward(self, *told: torch.Tensor) -> Prediction:  # type: ignore[override]
            follower = super().forward(*told).follower_BTC
            noise.append(told[0])
            return Prediction(follower, follower.new_zeros(*follower.shape[:2], NUM_POINTS))

    noise: list[torch.Tensor] = []
    denoiser = Knowing(truth, model.statistics)
    standing = np.random.default_rng(0).random((50, 4)).astype(np.float32)
    denoiser.follower[:, LAYOUT["foot_contact"]] = torch.from_numpy(standing)
    knowing = replace(model, denoiser=denoiser)  # type: ignore[arg-type]
    sampling = replace(model.params.sample, steps=3, window=20, overlap=6, block=block, smoothing=0.0)
    music = np.zeros((50, 35), np.float32)
    music[:, 0] = np.arange(50)
    none = without_guidance(model.params.guidance)
    done: list[tuple[int, int]] = []
    made = generate_follower(
        knowing, Body.load(), encoded(truth[0]), music, sampling=sampling, guidance=none, seed=1,
        report=lambda now, total: done.append((now, total)),
    )  # fmt: skip
    assert np.abs(made.points_TP3 - truth[1]).max() < 5e-3
    np.testing.assert_allclose(made.foot_contact_T4, standing, atol=1e-4)
    firsts = noise[::3]  # the noise that each block begins with
    assert len(firsts) == len(blocks(50, sampling))
    assert all(not torch.equal(one[0], other[0]) for one, other in itertools.combinations(firsts, 2))
    assert [now for now, _ in done] == list(range(1, done[-1][1] + 1))


def test_blocks_cover_a_take_and_share_what_the_next_one_knows() -> None:
    sampling = replace(config.load(REPOSITORY / "params.yaml").sample, window=20, overlap=6, block=50)
    assert blocks(50, sampling) == [(0, 50)]
    for num_frames in range(51, 200):
        pieces = blocks(num_frames, sampling)
        assert pieces[0][0] == 0
        assert pieces[-1][1] == num_frames
        assert all(stop - start <= 50 for start, stop in pieces)
        assert all(before[1] - after[0] == 26 for before, after in itertools.pairwise(pieces))
    with pytest.raises(InputError, match=r"sample.block: 26 frames; more than .* 26, are needed"):
        blocks(51, replace(sampling, block=26))


def test_a_block_goes_on_from_the_one_before(model: TrainedModel) -> None:
    """What is made already stays, and where the next block begins nothing jumps."""
    told, leader = opened(model), encoded(duet(120)[0])
    music = np.random.default_rng(0).normal(size=(120, 35)).astype(np.float32)

    def made(num_frames: int, block: int) -> np.ndarray:
        sampling = replace(model.params.sample, steps=3, window=20, overlap=6, block=block)
        return generate_follower(
            told, Body.load(), leader[:num_frames], music[:num_frames],
            sampling=sampling, guidance=model.params.guidance, seed=1,
        ).points_TP3  # fmt: skip

    whole, first, alone = made(120, 50), made(50, 50), made(120, 120)
    assert np.abs(whole[:44] - first[:44]).max() < 1e-5
    assert not np.allclose(whole, alone, atol=1e-3)
    steps = np.abs(np.diff(whole, n=2, axis=0)).max(axis=(1, 2))
    elsewhere = np.abs(np.diff(alone, n=2, axis=0)).max()
    for start, _ in blocks(120, replace(model.params.sample, window=20, overlap=6, block=50))[1:]:
        seam = start + 20  # the first frame that the block made anew
        assert steps[seam - 3 : seam + 2].max() < 1.2 * elsewhere


def opened(model: TrainedModel) -> TrainedModel:
    """The model with gates that let through what it is told; a new network is blind to it."""
    denoiser = start_denoiser(model.params, model.representation, model.statistics).eval()
    open_gates(denoiser)
    return replace(model, denoiser=denoiser)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "dpm_solver"])
@pytest.mark.parametrize("task", ["reactive", "duet"])
def test_seed_music_and_mask_reach_what_is_generated_and_the_batch_does_not(
    model: TrainedModel, task: str, sampler: str
) -> None:
    params = replace(model.params, model=replace(model.params.model, task=task))  # type: ignore[arg-type]
    told = opened(replace(model, params=params))
    rng = np.random.default_rng(0)
    music = rng.normal(size=(50, 35)).astype(np.float32)

    def made(music: np.ndarray = music, seed: int = 1, batch: int = 2, **wishes: object) -> np.ndarray:
        wishes |= {"sampler": sampler}
        sampling = replace(params.sample, steps=3, window=20, overlap=6, batch=batch, **wishes)  # type: ignore[arg-type]
        if task == "duet":
            couple = generate_couple(told, music, sampling=sampling, seed=seed)
            return np.stack([couple.leader_TP3, couple.follower_TP3])
        leader = encoded(duet(50)[0])
        guidance = without_guidance(params.guidance)
        return generate_follower(
            told, Body.load(), leader, music, sampling=sampling, guidance=guidance, seed=seed
        ).points_TP3

    one = made()
    assert np.isfinite(one).all()
    assert np.array_equal(one, made())
    assert np.allclose(one, made(batch=1), atol=1e-4)
    assert not np.allclose(one, made(seed=2), atol=1e-3)
    other, masked = made(rng.normal(size=(50, 35)).astype(np.float32)), made(mask="music")
    assert not np.allclose(one, other, atol=1e-4)
    assert not np.allclose(one, masked, atol=1e-4)
    assert np.array_equal(masked, made(rng.normal(size=(50, 35)).astype(np.float32), mask="music"))


class Watching(torch.nn.Module):
    """A denoiser that keeps what it is given and predicts one still pose, whatever the window."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.labels = labels
        self.seen: dict[int, list[torch.Tensor]] = {}

    def forward(
        self, x_n_BTC: torch.Tensor, n_B: torch.Tensor, music_BTA: torch.Tensor, leader_BTC: torch.Tensor
    ) -> Prediction:
        self.seen.setdefault(int(n_B[0]), []).append(x_n_BTC)
        return Prediction(torch.zeros_like(x_n_BTC), torch.zeros(*x_n_BTC.shape[:2], self.labels))


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "dpm_solver"])
@pytest.mark.parametrize("batch", [1, 2, 32])
def test_noise_is_the_same_where_windows_overlap_at_every_step(model: TrainedModel, sampler: str, batch: int) -> None:
    watching = Watching(model.representation.num_labels)
    sampling = replace(model.params.sample, steps=4, window=20, overlap=6, batch=batch, smoothing=0.0)
    sampling = replace(sampling, sampler=sampler)  # type: ignore[arg-type]
    generate_follower(
        replace(model, denoiser=watching),  # type: ignore[arg-type]
        Body.load(),
        encoded(duet(50)[0]),
        np.zeros((50, 35), np.float32),
        sampling=sampling,
        guidance=without_guidance(model.params.guidance),
        seed=1,
    )
    pose = slice(LAYOUT.root.stop, LAYOUT["foot_contact"].start)  # the root alone depends on where a window stands
    steps = [torch.cat(parts)[..., pose] for _, parts in sorted(watching.seen.items(), reverse=True)]
    assert len(steps) == 4
    for x_n_WTC in steps:
        for one, after, shared in zip(x_n_WTC[:-1], x_n_WTC[1:], (6, 6, 18), strict=True):  # they start at 0, 14, 28, 30
            assert torch.allclose(one[-shared:], after[:shared], atol=1e-4)
    first, second = (x_n.flatten() for x_n in steps[:2])
    alike = float((first @ second) / (first.norm() * second.norm()))
    assert alike == pytest.approx(1, abs=1e-3) if sampler != "ddpm" else alike < 0.9, "one is drawn at every step"


def test_music_of_another_length_is_refused(model: TrainedModel) -> None:
    with pytest.raises(ValueError, match="music has 3 frames, the leader 50"):
        generate_follower(
            model, Body.load(), encoded(duet(50)[0]), np.zeros((3, 35), np.float32),
            sampling=model.params.sample, guidance=model.params.guidance, seed=1,
        )  # fmt: skip


def test_nearest_motion_finds_a_moved_copy_and_places_its_follower() -> None:
    library = [duet(60, turn=turn) for turn in (0.2, 1.5, -1.0)]
    pairs = [tuple(encode(points, None, None, ANCHORS) for points in pair) for pair in library]
    nearest = NearestMotion(pairs, clip_frames=20, stride=5)  # type: ignore[arg-type]
    moved = FloorTransform(torch.tensor(2.0), torch.tensor([3.0, -1.0]))
    leader, follower = (moved.points(points[10:50]) for points in library[1])
    answer = nearest.follow(encode(leader, None, None, ANCHORS))
    assert np.allclose(decode(answer, ANCHORS), follower, atol=1e-3)
    with pytest.raises(ValueError, match="no training take"):
        NearestMotion(pairs, clip_frames=100, stride=5)  # type: ignore[arg-type]
