"""Every way to write a dancer as numbers: what it holds comes back, moves, is cut and merged, trains, and is completed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch

from interdance import config
from interdance.body.model import Body
from interdance.body.rotations import matrices, vectors
from interdance.config import EncodeParams, Paths
from interdance.errors import InputError
from interdance.files import write_json
from interdance.generation.generate import generate_couple, generate_follower, without_guidance
from interdance.generation.long import Windows
from interdance.model.denoiser import Prediction
from interdance.representation.base import Observed, Representation
from interdance.representation.contact import foot_contact, partner_contacts
from interdance.representation.floor import FloorTransform
from interdance.representation.layout import NUM_POINTS
from interdance.representation.normalize import DancerStatistics, Statistics, measure, measure_music
from interdance.representation.registry import REPRESENTATIONS, make_representation
from interdance.stages import encode as encode_stage
from interdance.stages import statistics as statistics_stage
from interdance.stages import train as train_stage
from interdance.takes import Duet, Motion, write_take
from interdance.trained import TrainedModel, check_width, load_model, save_model, start_denoiser
from interdance.training.objective import loss_terms
from tests.dancers import open_gates

REPOSITORY = Path(__file__).resolve().parent.parent
PARAMS = config.load(REPOSITORY / "params.yaml")
FRAMES = 50
GUIDED = ("canonical",)


def dance(seed: int, num_frames: int = FRAMES) -> Motion:
    """A dancer of some shape who turns more than once, the odd ones the other way, travels, and bends every joint smoothly."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, num_frames)[:, None, None]
    bend = rng.normal(scale=0.15, size=(1, 55, 3)) + 0.15 * np.sin(2 * np.pi * (time + rng.random((1, 55, 3))))
    rotations = np.clip(bend, -0.5, 0.5).astype(np.float32)
    rotations[:, 0] = [0.0, 1.0, 0.0] * (0.5 + 9.0 * (-1) ** seed * time[:, :, 0])
    place = np.concatenate([time[:, 0], 0.95 + 0.02 * np.sin(9 * time[:, 0]), 0.7 * seed - time[:, 0]], axis=1)
    return Motion(rotations, place.astype(np.float32), rng.normal(scale=0.5, size=10).astype(np.float32), 30.0)


def moved(motion: Motion, transform: FloorTransform, body: Body) -> Motion:
    """The motion after a rigid move on the floor."""
    turn = matrices(np.array([0.0, float(transform.angle), 0.0]))
    rotations = motion.rotations_TJ3.copy()
    rotations[:, 0] = vectors(turn @ matrices(rotations[:, 0].astype(np.float64)))
    pelvis = body.rest_joints(motion.betas)[0]
    places = transform.points(motion.translation_T3 + pelvis) - pelvis
    return replace(motion, rotations_TJ3=rotations, translation_T3=places.astype(np.float32))


def observed(motion: Motion, body: Body, partner: Motion | None = None) -> Observed:
    points = body.points(motion)
    touching = partner_contacts(points, body.points(partner), 0.5)[0] if partner else None
    return Observed(motion, points, foot_contact(points, 30.0, 0.05, 0.25), touching)


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


@pytest.fixture(scope="module", params=REPRESENTATIONS)
def kind(request: pytest.FixtureRequest, body: Body) -> Representation:
    return make_representation(request.param, body)


@pytest.fixture(scope="module")
def couple(body: Body) -> tuple[Observed, Observed]:
    leader, follower = dance(0), dance(1)
    return observed(leader, body, follower), observed(follower, body, leader)


def statistics_of(kind: Representation, couple: tuple[Observed, Observed]) -> Statistics:
    halves: list[DancerStatistics] = []
    for dancer in couple:
        clips = [torch.from_numpy(kind.clip(kind.encode(dancer), start, start + 20)) for start in (0, 10, 30)]
        halves.append(measure(clips, kind.layout, 1e-3, 5.0, 16, 400, torch.Generator().manual_seed(0)))
    return Statistics(halves[0], halves[1], measure_music([torch.randn(20, 35)], 1e-3))


def test_the_table_of_the_paper(body: Body) -> None:
    """Table 2, and Table 4's three rows."""
    kinds = {name: make_representation(name, body) for name in REPRESENTATIONS}
    marks = {
        name: (kind.position_space, kind.has_joints, kind.has_hands, kind.has_surface, kind.canonical)
        for name, kind in kinds.items()
    }
    assert marks == {
        "smplx6d": (False, True, True, True, True),
        "humanml263": (True, True, False, False, True),
        "mojo": (True, False, False, False, False),
        "coins": (True, True, True, True, False),
        "joints": (True, True, True, False, False),
        "joints_vertices": (True, True, True, True, False),
        "canonical": (True, True, True, True, True),
    }
    assert kinds["humanml263"].width == 263 and kinds["smplx6d"].width == 343 and kinds["canonical"].width == 4978
    assert {name for name, kind in kinds.items() if kind.can_be_guided} == set(GUIDED)
    assert get_args(get_type_hints(EncodeParams)["representation"]) == REPRESENTATIONS
    with pytest.raises(InputError, match="encode.representation: smpl is not one of canonical, joints"):
        make_representation("smpl", body)


def test_what_is_held_comes_back(kind: Representation, couple: tuple[Observed, Observed]) -> None:
    dancer = couple[1]
    x = torch.from_numpy(kind.encode(dancer))
    assert x.shape == (FRAMES, kind.width) and x.dtype == torch.float32
    truth = torch.from_numpy(dancer.points_TP3[:, kind.held_H])
    assert float((kind.positions(x[:, : kind.placing]) - truth).abs().max()) < 2e-5
    assert kind.encode(dancer)[:, kind.layout["foot_contact"]].sum() == pytest.approx(
        dancer.foot_contact_T4.sum() if kind.layout.size("foot_contact") else 0
    )
    if kind.num_labels:
        assert np.array_equal(x[:, kind.layout["partner_contact"]], dancer.partner_contact_TP[:, kind.held_H])
        assert 0 < float(x[:, kind.layout["partner_contact"]].mean()) < 1


def test_a_moved_dancer_is_the_dancer_moved(kind: Representation, body: Body) -> None:
    motion, transform = dance(2), FloorTransform(torch.tensor(1.1), torch.tensor([2.0, -3.0]))
    plain, other = observed(motion, body), observed(moved(motion, transform, body), body)
    x = kind.rebase(torch.from_numpy(kind.encode(plain)), transform)
    assert torch.allclose(kind.on_yaw_branch(x), kind.on_yaw_branch(torch.from_numpy(kind.encode(other))), atol=2e-4)
    first = kind.rebase(x, kind.leader_frame(x))
    place, psi = kind.root(first)
    assert float(place[0, [0, 2]].abs().max()) < 1e-4 and abs(float(psi[0])) < 1e-4


def test_a_clip_is_what_its_frames_alone_would_be(kind: Representation, body: Body) -> None:
    motion = dance(3)
    part = kind.clip(kind.encode(observed(motion, body)), 20, 35)
    alone = kind.encode(replace(observed(motion[20:35], body), foot_contact_T4=observed(motion, body).foot_contact_T4[20:35]))
    assert torch.allclose(*(kind.on_yaw_branch(torch.from_numpy(x)) for x in (part, alone)), atol=1e-4)


def test_windows_merge_to_the_take_they_are_cut_from(kind: Representation, couple: tuple[Observed, Observed]) -> None:
    statistics = statistics_of(kind, couple)
    leader, follower = (torch.from_numpy(kind.encode(dancer)) for dancer in couple)
    windows = Windows(kind, FRAMES, statistics, window=20, overlap=6)
    windows.follow(leader)
    halves = [windows.split(x, role) for x, role in ((leader, "leader"), (follower, "follower"))]  # type: ignore[arg-type]
    merged = windows.merge(halves[1], "follower")
    assert float((kind.positions(merged) - kind.positions(follower)).abs().max()) < 1e-3
    windows.place(halves[0])  # by the windows alone: the couple as it was, seen from its leader's first frame
    frame = kind.leader_frame(leader)
    merged = windows.merge(halves[1], "follower")
    assert float((kind.positions(merged) - frame.points(kind.positions(follower))).abs().max()) < 2e-2


#: mean millimetres over the 710 points; what is not held is guessed from the fitted body
@pytest.mark.parametrize(
    ("name", "bound"),
    [
        *(("canonical", 0.1), ("joints_vertices", 0.1), ("coins", 0.1), ("smplx6d", 0.1)),
        *(("joints", 8), ("humanml263", 20), ("mojo", 4)),
    ],
)
def test_the_whole_body_follows_from_what_is_held(
    name: str, bound: float, body: Body, couple: tuple[Observed, Observed]
) -> None:
    kind, dancer = make_representation(name, body), couple[1]
    points = kind.complete(torch.from_numpy(kind.encode(dancer)))
    assert points.shape == (FRAMES, NUM_POINTS, 3) and points.dtype == np.float32
    error = 1000 * np.linalg.norm(points - dancer.points_TP3, axis=-1).mean()
    assert error < bound, f"{error:.1f} mm"


def test_every_loss_there_is_has_a_gradient(kind: Representation, couple: tuple[Observed, Observed]) -> None:
    statistics = statistics_of(kind, couple)
    windows = Windows(kind, FRAMES, statistics, window=20, overlap=0)
    leader, follower = (torch.from_numpy(kind.encode(dancer)) for dancer in couple)
    windows.follow(leader)
    x_leader, x_follower = windows.split(leader, "leader"), windows.split(follower, "follower")
    contact = windows.cut(leader[:, kind.layout["partner_contact"]])
    batch = {"leader": x_leader, "follower": x_follower, "leader_contact": contact}
    n_B = torch.zeros(len(windows), dtype=torch.long)
    pred = x_follower + 0.1 * torch.randn(x_follower.shape, generator=torch.Generator().manual_seed(0))
    pred[..., kind.layout["foot_contact"]] = 1.0
    pred.requires_grad_()
    labels = torch.zeros_like(contact, requires_grad=True)
    terms = loss_terms(Prediction(pred, labels), batch, n_B, statistics, kind, PARAMS.losses, "reactive")
    expected = {"recon", "vel", "acc", "dm", "ro"}
    expected |= {"foot"} if kind.layout.size("foot_contact") else set()
    expected |= {"con", "labels"} if kind.num_labels else set()
    assert set(terms) == expected
    for name, term in terms.items():
        (gradient,) = torch.autograd.grad(term, labels if name == "labels" else pred, retain_graph=True)
        assert bool(gradient.isfinite().all()), name
        assert float(gradient.abs().max()) > 0, name
    perfect = loss_terms(Prediction(x_follower, contact), batch, n_B, statistics, kind, PARAMS.losses, "reactive")
    for name in expected - {"con", "foot"}:  # a true couple need not meet to the millimetre, nor stand quite still
        assert float(perfect[name]) < 1e-6, name


@pytest.mark.parametrize("task", ["reactive", "duet"])
def test_it_goes_through_the_pipeline(kind: Representation, task: str, body: Body, tmp_path: Path) -> None:
    """Takes to encoded takes, statistics, a short training, and followers of the whole body."""
    paths = Paths(tmp_path)
    (paths.music / "s").mkdir(parents=True)
    for index in range(3):
        write_take(paths.takes / "s", Duet(f"t{index}", "waltz", dance(index, 60), dance(index + 4, 60), None))
        np.save(paths.music / "s" / f"t{index}.npy", np.random.default_rng(index).normal(size=(60, 35)).astype(np.float32))
    write_json(paths.split, {"takes": {"train": ["s/t0", "s/t1"], "validation": ["s/t2"], "test": []}})
    is_shown = kind.name in ("canonical", "mojo")
    params = replace(
        PARAMS,
        encode=replace(PARAMS.encode, representation=kind.name, workers=1),  # type: ignore[arg-type]
        statistics=replace(PARAMS.statistics, num_components=16),
        model=replace(PARAMS.model, task=task, width=32, blocks=1, heads=2, feed_forward=32),  # type: ignore[arg-type]
        train=replace(
            PARAMS.train, window=20, stride=10, batch=4, steps=3, num_workers=0, report_every=1, sample_every=2 * is_shown
        ),  # fmt: skip
        sample=replace(PARAMS.sample, steps=2, window=20, overlap=6),
    )
    encode_stage.run(params, paths, "s")
    statistics_stage.run(params, paths)
    train_stage.run(params, paths)
    pages = list((paths.state / "samples").glob("*/step_*.html"))
    assert [page.name for page in pages] == (["step_000002.html"] if is_shown else [])
    model = load_model(paths.model, body)
    assert model.representation.name == kind.name
    music = np.load(paths.music / "s" / "t2.npy")
    if task == "duet":
        made = generate_couple(model, music, sampling=params.sample, seed=1)
        assert np.isfinite(made.leader_TP3).all() and made.leader_TP3.shape == (60, NUM_POINTS, 3)
        return
    leader = np.load(paths.encoded / "s" / "t2" / "leader.npy")
    guidance = params.guidance if kind.can_be_guided else without_guidance(params.guidance)
    made = generate_follower(model, body, leader, music, sampling=params.sample, guidance=guidance, seed=1)
    assert made.foot_contact_T4.shape == (len(leader), 4)
    assert ((made.foot_contact_T4 >= 0) & (made.foot_contact_T4 <= 1)).all()
    assert made.points_TP3.shape == (60, NUM_POINTS, 3) and np.isfinite(made.points_TP3).all()
    if not kind.can_be_guided:
        with pytest.raises(InputError, match=f"{kind.name} cannot be guided"):
            generate_follower(model, body, leader, music, sampling=params.sample, guidance=params.guidance, seed=1)


def test_a_true_label_of_the_leader_is_not_looked_at(body: Body, couple: tuple[Observed, Observed]) -> None:
    kind = make_representation("canonical", body)
    statistics = statistics_of(kind, couple)
    params = replace(PARAMS, model=replace(PARAMS.model, width=32, blocks=1, heads=2, feed_forward=32))
    denoiser = start_denoiser(params, kind, statistics).eval()
    open_gates(denoiser)
    model = TrainedModel(denoiser, kind, statistics, params)
    told, music = kind.encode(couple[0]), np.zeros((FRAMES, 35), np.float32)
    blind = told.copy()
    blind[:, kind.layout["partner_contact"]] = 0.0
    assert not np.array_equal(told, blind)
    sampling, guidance = replace(params.sample, steps=2, window=20, overlap=6), without_guidance(params.guidance)
    one, other = (generate_follower(model, body, x, music, sampling=sampling, guidance=guidance, seed=1) for x in (told, blind))
    assert np.array_equal(one.points_TP3, other.points_TP3)
    blind[:, kind.layout["joints"]] += 0.1
    seen = generate_follower(model, body, blind, music, sampling=sampling, guidance=guidance, seed=1)
    assert not np.array_equal(one.points_TP3, seen.points_TP3), "the rest of him is"


def test_statistics_of_another_representation_are_refused(
    body: Body, couple: tuple[Observed, Observed], tmp_path: Path
) -> None:
    joints, canonical = (make_representation(name, body) for name in ("joints", "canonical"))
    foreign = statistics_of(joints, couple)
    with pytest.raises(InputError, match="here.npz: 389 channels, 4978 are needed for canonical"):
        check_width(Path("here.npz"), foreign, canonical)
    params = replace(PARAMS, model=replace(PARAMS.model, width=32, blocks=1, heads=2, feed_forward=32))
    own = statistics_of(canonical, couple)
    model = TrainedModel(start_denoiser(params, canonical, own), canonical, own, params)
    save_model(tmp_path / "model", model)
    foreign.save(tmp_path / "model" / "statistics.npz")
    with pytest.raises(InputError, match="statistics.npz: 389 channels, 4978 are needed for canonical"):
        load_model(tmp_path / "model", body)
