"""Losses against closed forms and finite differences; guidance against what it promises; the sampling loop."""

from __future__ import annotations

import math
import typing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from diffusers import DDIMScheduler

from interdance import config
from interdance.body.distance import LeaderField, TrackedDepth
from interdance.config import DiffusionParams, GuidanceParams, SampleParams
from interdance.diffusion import losses
from interdance.diffusion.guidance import Guidance, smooth, ways_to_move
from interdance.diffusion.sampler import Denoise, Refine, sample
from interdance.diffusion.schedule import SOLVERS, make_sampler, make_scheduler
from interdance.errors import InputError
from interdance.representation.canonical import Canonical, decode, encode
from interdance.representation.layout import LAYOUT, NUM_CHANNELS, NUM_JOINTS, NUM_POINTS

REPOSITORY = Path(__file__).resolve().parent.parent


def points(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, NUM_POINTS, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_velocity_and_acceleration_losses_of_a_known_motion() -> None:
    still = torch.zeros(1, 4, NUM_POINTS, 3)
    moving = still.clone()
    moving[..., 0] = torch.tensor([0.0, 1.0, 4.0, 9.0])[None, :, None]  # x = t^2: speeds 1, 3, 5, accelerations 2, 2
    assert losses.velocity_loss(moving, still) == pytest.approx((1 + 9 + 25) / 3)
    assert losses.acceleration_loss(moving, still) == pytest.approx(4.0)


def test_foot_loss_counts_feet_that_stay_on_the_floor_only() -> None:
    moving = torch.zeros(1, 3, NUM_POINTS, 3)
    moving[:, :, 7, 0] = torch.tensor([0.0, 0.1, 0.2])  # the left ankle slides 0.1 m a frame
    contact = torch.zeros(1, 3, 4)
    assert losses.foot_loss(moving, contact) == 0
    contact[..., 0] = 1.0
    assert losses.foot_loss(moving, contact) == pytest.approx(0.01 * 2 / 8)
    contact[:, 1, 0] = 0.0  # lifted in between: neither step starts and ends on the floor
    assert losses.foot_loss(moving, contact) == 0
    contact = torch.ones(1, 3, 4, requires_grad=True)
    losses.foot_loss(moving.requires_grad_(), contact).backward()
    assert contact.grad is None, "the label must not learn to be silent"


def test_losses_of_a_filled_up_clip_are_those_of_its_own_frames() -> None:
    generator = torch.Generator().manual_seed(0)
    leader, pred, true_leader, true = torch.rand(4, 2, 7, 60, 3, generator=generator).unbind(0)
    labels = torch.rand(2, 2, 7, 60, generator=generator)
    feet = torch.ones(2, 7, 4)
    lengths = (7, 5)
    frames = torch.arange(7)[None] < torch.tensor(lengths)[:, None]

    def terms(samples: slice, stop: int, frames: torch.Tensor | None) -> dict[str, torch.Tensor]:
        lead, p, tl, t = (value[samples, :stop] for value in (leader, pred, true_leader, true))
        a, b = (value[samples, :stop] for value in labels)
        return {
            "recon": losses.recon_loss(p.flatten(2), t.flatten(2), frames),
            "vel": losses.velocity_loss(p, t, frames),
            "acc": losses.acceleration_loss(p, t, frames),
            "foot": losses.foot_loss(p, feet[samples, :stop], frames),
            "dm": losses.distance_matrix_loss(lead, p, tl, t, 1.0, frames),
            "ro": losses.relative_orientation_loss(p[..., 0, 0], t[..., 0, 0], frames),
            "con": losses.contact_loss(lead, p, a, b, frames),
            "labels": losses.label_loss(a, b, frames),
        }

    # Alone, the filled-up clip counts as the short one does; together, each frame counts alike.
    short, filled = terms(slice(1, 2), 5, None), terms(slice(1, 2), 7, frames[1:])
    both, first = terms(slice(0, 2), 7, frames), terms(slice(0, 1), 7, None)
    for name, value in short.items():
        assert filled[name] == pytest.approx(float(value), rel=1e-5), name
        taken = {"vel": 1, "foot": 1, "acc": 2}.get(name, 0)
        if name not in ("dm", "con"):  # means over what is near, and over what is labelled
            a, b = (length - taken for length in lengths)
            assert float(both[name]) == pytest.approx(float(a * first[name] + b * value) / (a + b), rel=1e-5), name
    for name, value in terms(slice(0, 2), 7, None).items():
        full = terms(slice(0, 2), 7, torch.ones(2, 7, dtype=torch.bool))
        assert full[name] == pytest.approx(float(value), rel=1e-5), name


def test_distance_matrix_loss_sees_only_what_is_near_and_survives_zero_distance() -> None:
    leader = torch.zeros(1, 1, NUM_POINTS, 3)
    true = torch.zeros(1, 1, NUM_POINTS, 3)
    true[..., 1] = 5.0  # all far
    true[:, :, 0, 1] = 0.3  # one joint near
    pred = true.clone()
    pred[:, :, 0, 1] = 0.5
    pred[:, :, 1, 1] = 9.0  # an error among the far ones must not count
    pred[:, :, 2, 1] = 0.1  # nor does who comes near by mistake
    assert losses.distance_matrix_loss(leader, pred, leader, true, 1.0) == pytest.approx(0.2**2, rel=1e-4)
    touching = leader.clone().requires_grad_()
    losses.distance_matrix_loss(leader, touching, leader, leader, 1.0).backward()
    assert bool(touching.grad.isfinite().all())


def test_relative_orientation_loss_is_blind_to_whole_turns() -> None:
    angle = torch.tensor([[0.1, math.pi - 0.01]])
    assert losses.relative_orientation_loss(angle + 2 * math.pi, angle) == pytest.approx(0, abs=1e-9)
    across = torch.tensor([[-math.pi + 0.01]])  # 0.02 rad from pi - 0.01, the short way round
    assert losses.relative_orientation_loss(across, angle[:, 1:]) == pytest.approx(0.02**2, rel=1e-3)


def test_contact_loss_of_a_known_gap() -> None:
    leader = torch.full((1, 1, NUM_POINTS, 3), 10.0)
    pred = torch.full((1, 1, NUM_POINTS, 3), -10.0)
    leader[0, 0, 5] = torch.tensor([0.0, 0.0, 0.0])
    pred[0, 0, 9] = torch.tensor([0.0, 0.03, 0.04])  # 5 cm away
    none = torch.zeros(1, 1, NUM_POINTS)
    one_leader, one_follower = none.clone(), none.clone()
    one_leader[0, 0, 5], one_follower[0, 0, 9] = 1.0, 0.9
    assert losses.contact_loss(leader, pred, none, none) == 0
    assert losses.contact_loss(leader, pred, one_leader, none) == pytest.approx(0.05**2)
    assert losses.contact_loss(leader, pred, one_leader, one_follower) == pytest.approx(2 * 0.05**2)


def test_gaps_equal_a_brute_force_search_whatever_the_chunk() -> None:
    a, b = points(7, seed=1), points(7, seed=2) + 3.0
    label = torch.rand(7, NUM_POINTS, generator=torch.Generator().manual_seed(3)) < 0.05
    label[2] = False
    expected = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").min(-1).values.square()[label]
    for chunk in (1, 3, 64):
        pairs = losses.nearest_pairs(a, b, label, chunk)
        assert torch.allclose(pairs.squared_gaps(a, b), expected)
        assert pairs.frame_R.tolist() == label.nonzero()[:, 0].tolist()


@pytest.mark.parametrize("name", ["recon", "velocity", "acceleration", "foot", "dm", "dm_leader", "ro", "con", "labels"])
def test_gradients_against_finite_differences(name: str) -> None:
    true, leader = points(1, 4, seed=4) * 0.3, points(1, 4, seed=5) * 0.3
    generator = torch.Generator().manual_seed(6)
    label = (torch.rand(1, 4, NUM_POINTS, generator=generator) < 0.02).double()
    chosen = [7, 8, 10, 11, 20, 100, 400]  # a gradient check of every point would take minutes
    base = points(1, 4, seed=7) * 0.3

    def loss(part: torch.Tensor) -> torch.Tensor:
        pred = base.clone()
        pred[:, :, chosen] = part
        if name == "velocity":
            return losses.velocity_loss(pred, true) * 1000
        if name == "acceleration":
            return losses.acceleration_loss(pred, true) * 1000
        if name == "foot":
            return losses.foot_loss(pred, torch.ones(1, 4, 4))
        if name == "dm":
            return losses.distance_matrix_loss(leader, pred, leader, true, 1.0) * 1000
        if name == "dm_leader":  # of a duet, whose leader is predicted
            return losses.distance_matrix_loss(pred, true, leader, true, 1.0) * 1000
        if name in ("recon", "labels"):
            return {"recon": losses.recon_loss, "labels": losses.label_loss}[name](pred, true) * 1000
        if name == "ro":
            return losses.relative_orientation_loss(pred[..., 7, 0], true[..., 7, 0])
        return losses.contact_loss(leader, pred, label, label.roll(3, dims=-1)) * 100

    assert torch.autograd.gradcheck(loss, base[:, :, chosen].clone().requires_grad_(), eps=1e-7, atol=1e-4)


def diffusion(noise_shift: float = 6.0) -> DiffusionParams:
    return DiffusionParams(num_steps=1000, beta_schedule="squaredcos_cap_v2", noise_shift=noise_shift)


def sampling(sampler: str, steps: int) -> SampleParams:
    return replace(config.load(REPOSITORY / "params.yaml").sample, sampler=sampler, steps=steps)  # type: ignore[arg-type]


SAMPLERS = typing.get_args(typing.get_type_hints(SampleParams)["sampler"])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 10, 61, 1000])
def test_the_sampler_ends_in_the_last_refined_prediction(sampler: str, steps: int) -> None:
    seen: list[int] = []

    def denoise(x_n: torch.Tensor, n: int) -> torch.Tensor:
        seen.append(n)
        return torch.full_like(x_n, float(n))

    told: list[tuple[int, int]] = []
    out = sample(
        denoise,
        make_sampler(diffusion(), sampling(sampler, steps)),
        lambda: torch.randn(2, 3),
        refine=lambda x0, n: x0 + 0.5,
        report=lambda done, total: told.append((done, total)),
    )
    assert seen == sorted(set(seen), reverse=True)
    assert seen[0] == 999
    assert len(seen) == steps
    assert told == [(done, steps) for done in range(1, steps + 1)]
    assert torch.allclose(out, torch.full((2, 3), seen[-1] + 0.5))


@pytest.mark.parametrize("steps", [0, 1001])
def test_more_steps_than_the_model_knows_are_refused(steps: int) -> None:
    with pytest.raises(InputError, match=f"sample.steps: {steps} is not in 1..1000"):
        make_sampler(diffusion(), sampling("ddim", steps))


class Gaussian:
    """Data of known mean and deviation, whose best denoiser and whose way from noise to data are known in closed form."""

    mean, std = torch.tensor([0.5, -1.0, 0.0]), torch.tensor([0.3, 1.0, 2.5])

    def __init__(self, params: DiffusionParams) -> None:
        self.params, self.signal = params, make_scheduler(params).alphas_cumprod

    def denoise(self, x_n: torch.Tensor, n: int) -> torch.Tensor:
        a = self.signal[n]
        return self.mean + self.std**2 * a.sqrt() / (a * self.std**2 + 1 - a) * (x_n - a.sqrt() * self.mean)

    def end(self, noise: torch.Tensor) -> torch.Tensor:
        """Where the probability flow ends that starts in the noise: the deviation from the mean keeps its share."""
        a = self.signal[-1]
        return self.mean + self.std * (noise - a.sqrt() * self.mean) / (a * self.std**2 + 1 - a).sqrt()

    def sample(self, sampler: str, steps: int, noise: torch.Tensor) -> torch.Tensor:
        """``noise`` holds x_N, and noise for the steps of a sampler that wants it."""
        scheduler = make_sampler(self.params, sampling(sampler, steps))
        return sample(self.denoise, scheduler, iter(noise).__next__, refine=lambda x0, n: x0)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(("shift", "tolerance"), [(1.0, 0.02), (6.0, 0.05)])
def test_every_sampler_gives_gaussian_data_its_mean_and_deviation(sampler: str, shift: float, tolerance: float) -> None:
    noise = torch.randn(1001, 10000, 3, generator=torch.Generator().manual_seed(0))
    data = Gaussian(diffusion(shift))
    made = data.sample(sampler, 1000, noise)
    assert torch.allclose(made.mean(dim=0), data.mean, atol=0.05)
    assert torch.allclose(made.std(dim=0) / data.std, torch.ones(3), atol=tolerance)
    assert float((torch.corrcoef(made.T) - torch.eye(3)).abs().max()) < 0.03
    assert sampler != "ddpm" or bool((data.sample(sampler, 10, noise).std(dim=0) < 0.9 * data.std).all()), "in few steps"


def test_samplers_without_noise_converge_to_where_the_flow_ends_and_dpm_solver_by_fewer_steps() -> None:
    noise = torch.randn(1, 4000, 3, generator=torch.Generator().manual_seed(0))
    data = Gaussian(diffusion(1.0))
    doubled = (20, 40, 80, 160)
    ddim, dpm = (
        torch.tensor([float((data.sample(name, steps, noise) - data.end(noise[0])).pow(2).mean().sqrt()) for steps in doubled])
        for name in ("ddim", "dpm_solver")
    )
    assert bool(((ddim[:-1] / ddim[1:] - 2).abs() < 0.1).all()), "of first order: twice the steps, half the error"
    assert bool((dpm[:-1] / dpm[1:] > 2.8).all()), "of second order, but for the last step"
    assert bool((dpm[:-1] < ddim[1:]).all()), "as near with less than half the steps"


@pytest.mark.parametrize(("sampler", "eta"), [("ddim", 0.0), ("ddpm", 1.0)])
@pytest.mark.parametrize("steps", [10, 50])
def test_samplers_of_first_order_are_those_of_the_ddim_paper(sampler: str, eta: float, steps: int) -> None:
    noise = torch.randn(steps + 1, 100, 3, generator=torch.Generator().manual_seed(0))
    data = Gaussian(diffusion())
    paper = DDIMScheduler(
        trained_betas=make_scheduler(data.params).betas.numpy(),
        prediction_type="sample",
        timestep_spacing="trailing",
        clip_sample=False,
    )
    paper.set_timesteps(steps)
    x_n = noise[0]
    for n, drawn in zip(paper.timesteps.tolist(), noise[1:], strict=True):
        x_n = paper.step(data.denoise(x_n, n), n, x_n, eta=eta, variance_noise=drawn).prev_sample
    assert torch.allclose(data.sample(sampler, steps, noise), x_n, atol=1e-3)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_samplers_step_along_refined_predictions(sampler: str) -> None:
    noise = torch.randn(11, 100, 3, generator=torch.Generator().manual_seed(0))
    data = Gaussian(diffusion())

    def refine(x0: torch.Tensor, n: int) -> torch.Tensor:
        return x0.clamp(-0.5, 0.5) + n / 1000

    def made(denoise: Denoise, refine: Refine) -> torch.Tensor:
        return sample(denoise, make_sampler(data.params, sampling(sampler, 10)), iter(noise).__next__, refine=refine)

    one = made(data.denoise, refine)
    assert torch.equal(one, made(lambda x_n, n: refine(data.denoise(x_n, n), n), lambda x0, n: x0))
    assert not torch.allclose(one, refine(made(data.denoise, lambda x0, n: x0), 99), atol=1e-2), "not only at the end"


def test_the_shift_scales_noise_against_signal_and_one_is_the_named_schedule() -> None:
    plain, shifted = (
        make_scheduler(DiffusionParams(num_steps=1000, beta_schedule="squaredcos_cap_v2", noise_shift=shift)).alphas_cumprod
        for shift in (1.0, 4.0)
    )
    named = DDIMScheduler(num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2").alphas_cumprod
    assert torch.allclose(plain, named, atol=1e-5)
    ratio = ((1 - shifted) / shifted) / ((1 - plain) / plain)
    assert torch.allclose(ratio[5:900].sqrt(), torch.full((895,), 4.0), rtol=1e-2)


def standing_couple() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A leader that is a ball of 655 vertices, and a follower that is another beside it; 12 frames."""
    ball = trimesh.creation.uv_sphere(radius=0.2, count=[20, 20])
    vertices = np.resize(np.asarray(ball.vertices), (NUM_POINTS - NUM_JOINTS, 3))
    joints = np.zeros((NUM_JOINTS, 3))
    joints[[1, 16], 0], joints[[2, 17], 0] = 0.1, -0.1
    body = np.concatenate([joints, vertices])
    leader = np.repeat(body[None], 12, 0).astype(np.float32)
    follower = leader + np.array([0, 0, 0.5], np.float32)
    return leader, follower, np.asarray(ball.vertices), np.asarray(ball.faces)


def guidance_params() -> GuidanceParams:
    loaded = config.load(REPOSITORY / "params.yaml").guidance
    scales = {"contact_scale": 1.0, "penetration_scale": 1.0}
    return replace(loaded, **scales, contact_max_step=1000, penetration_max_step=1000, inner_steps=1)


def make_guidance(params: GuidanceParams) -> tuple[Guidance, torch.Tensor, np.ndarray, LeaderField]:
    leader, follower, vertices, faces = standing_couple()
    anchor_P = np.zeros(NUM_POINTS, np.int64)
    field = LeaderField(np.repeat(vertices[None], len(leader), 0).astype(np.float32), faces)
    # One way of moving: everything but the pelvis along z together, 5 cm.
    component = torch.zeros(1, NUM_CHANNELS)
    component[0, LAYOUT["joints"].start + 2 : LAYOUT["vertices"].stop : 3] = 0.05
    ways = ways_to_move(component, LAYOUT, params.root_mobility)
    guide = Guidance(torch.from_numpy(leader), TrackedDepth(field), Canonical(anchor_P), ways, params)
    return guide, torch.from_numpy(encode(follower, None, None, anchor_P)), anchor_P, field


def test_contact_guidance_closes_a_gap_and_is_off_where_told() -> None:
    params = replace(guidance_params(), penetration_scale=0.0, contact_reach=0.2)
    guide, x, anchor_P, field = make_guidance(params)
    nearest = NUM_JOINTS + int(decode(x, anchor_P)[0, NUM_JOINTS:, 2].argmin())
    x[:, LAYOUT["partner_contact"].start + nearest] = 1.0
    no_label = torch.zeros(len(x), NUM_POINTS)

    def gap(value: torch.Tensor) -> float:
        return float(decode(value, anchor_P)[:, nearest, 2].mean() - 0.2)

    before = gap(x)
    after = gap(guide(x, no_label, 0))
    assert before == pytest.approx(0.1, abs=0.01)
    assert abs(after) < 0.01
    assert torch.equal(guide(x, no_label, 1001), x), "beyond its last step nothing moves"
    far, _, _, _ = make_guidance(replace(params, contact_reach=0.05))
    assert torch.equal(far(x, no_label, 0), x), "a far pair is a wrong label"


def test_penetration_guidance_pushes_out_and_leaves_a_free_follower_alone() -> None:
    params = replace(guidance_params(), contact_scale=0.0, inner_steps=4)
    guide, x, anchor_P, field = make_guidance(params)
    label = torch.zeros(len(x), NUM_POINTS)
    assert torch.equal(guide(x, label, 0), x)
    x[:, LAYOUT["root_position"].start + 2] -= 0.12  # now 2 cm inside
    depth = [field.signed_depth(decode(value, anchor_P)).clamp(min=0).sum() for value in (x, guide(x, label, 0))]
    assert depth[0] > 0
    assert depth[1] < 0.3 * depth[0]


def test_the_leaders_labels_pull_too_and_above_one_half_alone() -> None:
    params = replace(guidance_params(), penetration_scale=0.0, contact_reach=0.2)
    guide, x, anchor_P, _ = make_guidance(params)
    leader, *_ = standing_couple()
    nearest = NUM_JOINTS + int(leader[0, NUM_JOINTS:, 2].argmax())
    label = torch.zeros(len(x), NUM_POINTS)
    for surely, pulls in ((0.4, False), (0.6, True)):
        label[:, nearest] = surely
        moved = decode(guide(x, label, 0), anchor_P) - decode(x, anchor_P)
        assert (float(moved[..., 2].mean()) < -0.05) == pulls
        label[:, nearest] = 0.0
        x[:, LAYOUT["partner_contact"].start + nearest] = surely
        own = decode(guide(x, label, 0), anchor_P) - decode(x, anchor_P)
        assert (float(own.abs().max()) > 1e-4) == (surely > 0.5 and float(decode(x, anchor_P)[0, nearest, 2]) < 0.4)
        x[:, LAYOUT["partner_contact"].start + nearest] = 0.0


def test_velocities_go_with_the_places_and_the_root_stays() -> None:
    """A step is a sum of ways to move, over all channels; of the root's own channels none moves with the poses."""
    guide, x, _, _ = make_guidance(replace(guidance_params(), contact_reach=0.2, root_mobility=0.0))
    guide.ways_KC[0] += 0.01 * torch.randn(NUM_CHANNELS, generator=torch.Generator().manual_seed(0))
    guide.ways_KC[:, LAYOUT.root] = 0.0
    guide.placing_KC = guide.ways_KC[:, : guide.representation.placing].contiguous()
    moved = guide(x, torch.ones(len(x), NUM_POINTS), 0) - x
    share = moved[:, :1] * 0 + (moved @ guide.ways_KC[0])[:, None] / guide.ways_KC[0].square().sum()
    assert float(share.abs().min()) > 0.1
    assert torch.allclose(moved, share * guide.ways_KC[0], atol=1e-5)


def test_the_root_moves_by_its_own_deviation_and_not_with_the_poses() -> None:
    poses = torch.randn(3, NUM_CHANNELS, generator=torch.Generator().manual_seed(1))
    ways = ways_to_move(poses, LAYOUT, 0.1)
    assert torch.equal(ways[:3, LAYOUT.root.stop :], poses[:, LAYOUT.root.stop :])
    assert (ways[:3, LAYOUT.root] == 0).all()
    places = [*range(NUM_CHANNELS)[LAYOUT["root_position"]], LAYOUT["root_yaw"].start]
    assert torch.equal(ways[3:], 0.1 * torch.eye(NUM_CHANNELS)[places])


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_a_pull_of_one_frame_is_spread_over_its_neighbours(sigma: float) -> None:
    guide, x, anchor_P, _ = make_guidance(replace(guidance_params(), contact_reach=0.2, smoothing=sigma))
    label = torch.zeros(len(x), NUM_POINTS)
    label[6] = 1.0
    moved_T = (decode(guide(x, label, 0), anchor_P) - decode(x, anchor_P)).abs().amax(dim=(1, 2))
    assert float(moved_T[6]) > 0.01
    assert (float(moved_T[[5, 7]].min()) > 0.001) == (sigma > 0)
    assert float(moved_T[[0, 1]].max()) < 1e-6


def test_every_sampler_of_the_parameters_has_a_solver() -> None:
    assert set(SOLVERS) == set(typing.get_args(typing.get_type_hints(SampleParams)["sampler"]))


def test_each_term_has_its_own_range_of_steps() -> None:
    params = replace(guidance_params(), contact_max_step=100, penetration_max_step=200, contact_reach=0.2)
    guide, x, _, _ = make_guidance(params)
    x[:, LAYOUT["partner_contact"]] = 1.0
    no_label = torch.zeros(len(x), NUM_POINTS)
    inside_x = x.clone()
    inside_x[:, LAYOUT["root_position"].start + 2] -= 0.12
    assert not torch.equal(guide(x, no_label, 100), x)
    assert torch.equal(guide(x, no_label, 101), x), "free, and no longer pulled"
    assert not torch.equal(guide(inside_x, no_label, 101), inside_x)
    assert torch.equal(guide(inside_x, no_label, 201), inside_x)
    guide.last = 333
    for start in (x, inside_x):
        assert not torch.equal(guide(start, no_label, 333), start), "few steps: the last one is guided all the same"
        assert torch.equal(guide(start, no_label, 334), start)


def test_poses_that_may_not_move_do_not() -> None:
    guide, x, _, _ = make_guidance(replace(guidance_params(), max_deviation=0.0))
    assert torch.equal(guide(x, torch.ones(len(x), NUM_POINTS), 0), x)


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6])
def test_a_step_is_never_longer_than_the_poses_allow(scale: float) -> None:
    """The only way to move is 5 cm a deviation, and the root hardly."""
    params = replace(guidance_params(), contact_scale=scale, penetration_scale=scale, max_deviation=0.5, root_mobility=1e-6)
    guide, x, anchor_P, field = make_guidance(params)
    x[:, LAYOUT["root_position"].start + 2] -= 0.05
    x[:, LAYOUT["partner_contact"]] = 1.0
    moved = (decode(guide(x, torch.ones(len(x), NUM_POINTS), 0), anchor_P) - decode(x, anchor_P)).abs().max()
    assert 0.001 < float(moved) <= 2 * 0.5 * 0.05 + 1e-4


def test_smoothing_keeps_what_is_constant() -> None:
    assert torch.allclose(smooth(torch.full((9, 2), 3.0), 1.5), torch.full((9, 2), 3.0))
    assert torch.equal(smooth(torch.eye(5), 0.0), torch.eye(5))
