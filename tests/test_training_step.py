"""One step of the training taken apart: what the network is told, what each loss is of, what a checkpoint holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from interdance import config, tracking
from interdance.config import Params, Paths
from interdance.dataset.windows import WindowDataset, windows_of
from interdance.diffusion import losses
from interdance.diffusion.schedule import make_scheduler
from interdance.errors import InputError
from interdance.files import write_json
from interdance.model.denoiser import Prediction
from interdance.representation.canonical import decode
from interdance.representation.layout import LAYOUT, NUM_CHANNELS, NUM_JOINTS, NUM_POINTS
from interdance.representation.normalize import Statistics
from interdance.stages import statistics as statistics_stage
from interdance.stages import train as train_stage
from interdance.trained import TrainedModel, save_model, start_denoiser
from interdance.training.objective import Batch, loss_terms
from interdance.training.state import TrainingState
from interdance.training.team import ALONE, Team
from interdance.training.train import DEPTHS, _backward, validate
from tests.dancers import ANCHORS, CANONICAL, statistics_of, write_couples

REPOSITORY = Path(__file__).resolve().parent.parent
CONTACT, YAW = LAYOUT["partner_contact"], LAYOUT["root_yaw"].start


def params_of(task: str, **signals: object) -> Params:
    loaded = config.load(REPOSITORY / "params.yaml")
    return replace(
        loaded,
        model=replace(loaded.model, task=task, width=32, blocks=1, heads=2, feed_forward=32),  # type: ignore[arg-type]
        train=replace(loaded.train, window=12, stride=6, batch=4, num_workers=0),
        signals=replace(loaded.signals, **signals),  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("couples")
    write_couples(folder, 2, 60)
    return folder


@pytest.fixture(scope="module")
def statistics(root: Path) -> Statistics:
    raw = windows(root, params_of("duet"), None)
    return statistics_of([raw[index] for index in range(len(raw))])


def windows(root: Path, params: Params, statistics: Statistics | None, augmented: bool = False) -> WindowDataset:
    takes = ["take_0", "take_1"]
    return windows_of(params, CANONICAL, root / "encoded", root / "music", takes, statistics, augmented=augmented)


def batch_of(dataset: WindowDataset, count: int = 4) -> dict[str, Tensor]:
    items = [dataset[index] for index in range(0, 2 * count, 2)]
    return {key: torch.stack([item[key] for item in items]) for key in ("leader", "follower", "music", "leader_contact")}


class Recorder(nn.Module):
    """A network that answers with its one weight, and keeps what it was told."""

    def __init__(self, leader_width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.leader_width = leader_width
        self.told: list[tuple[Tensor, ...]] = []

    def forward(self, x_n: Tensor, n_B: Tensor, music: Tensor, leader: Tensor, frames: Tensor | None) -> Prediction:
        self.told.append((x_n, n_B, music, leader))
        return Prediction(x_n * self.weight, x_n[..., : self.leader_width] * self.weight)

    def everything(self) -> list[Tensor]:
        return [torch.cat(parts) for parts in zip(*self.told, strict=True)]


def backward(
    network: Any, batch: Batch, statistics: Statistics, params: Params, step: int = 1, team: Team = ALONE
) -> dict[str, Tensor]:
    """One step's gradients from the team's share of this batch."""
    size = len(batch["follower"])
    params = replace(params, train=replace(params.train, batch=size))
    rows = team.rows(size)
    part = {name: value[rows.start : rows.stop] for name, value in batch.items()}
    return _backward(network, make_scheduler(params.diffusion), part, statistics, CANONICAL, params, step, "cpu", rows)


def told(root: Path, statistics: Statistics, params: Params, step: int = 3) -> tuple[list[Tensor], dict[str, Tensor], Recorder]:
    batch = batch_of(windows(root, params, statistics))
    network = Recorder(NUM_CHANNELS if params.model.task == "duet" else NUM_POINTS)
    backward(network, batch, statistics, params, step)
    return network.everything(), batch, network


def noise_in(x_n: Tensor, clean: Tensor, n_B: Tensor, params: Params) -> Tensor:
    signal = make_scheduler(params.diffusion).alphas_cumprod[n_B][:, None, None]
    return (x_n - signal.sqrt() * clean) / (1 - signal).sqrt()


def test_a_given_leader_is_told_clean_and_a_generated_one_noised_by_himself(root: Path, statistics: Statistics) -> None:
    (x_n, n_B, music, leader), batch, _ = told(root, statistics, params_of("reactive"))
    assert torch.equal(leader, batch["leader"])
    assert torch.equal(music, batch["music"])
    assert float(noise_in(x_n, batch["follower"], n_B, params_of("reactive")).std()) == pytest.approx(1, abs=0.02)
    duet = params_of("duet")
    (x_n, n_B, _, leader), batch, _ = told(root, statistics, duet)
    follower_noise = noise_in(x_n, batch["follower"], n_B, duet)
    leader_noise = noise_in(leader, batch["leader"], n_B, duet)
    assert float(leader_noise.std()) == pytest.approx(1, abs=0.02)
    assert abs(float((follower_noise * leader_noise).mean())) < 0.02, "each has noise of their own"
    assert abs(float((follower_noise.flip(0) * leader_noise).mean())) < 0.02


@pytest.mark.parametrize("accumulate", [3, 4])
def test_parts_of_a_batch_are_told_what_the_whole_is(root: Path, statistics: Statistics, accumulate: int) -> None:
    params = params_of("reactive", leader_dropout=0.5, music_dropout=0.5)
    (x_n, n_B, music, leader), batch, _ = told(root, statistics, params)
    silent, alone = (1 - signal.abs().amax(dim=(1, 2)).bool().int() for signal in (music, leader))
    assert 0 < int(silent.sum() + alone.sum()) < 8
    assert not torch.equal(silent, alone), "the lots of the two signals are drawn apart"
    for index in range(4):
        assert torch.equal(leader[index], (1 - alone[index]) * batch["leader"][index])
        assert torch.equal(music[index], (1 - silent[index]) * batch["music"][index])
    parted = replace(params, train=replace(params.train, accumulate=accumulate))
    again, _, network = told(root, statistics, parted)
    assert len(network.told) == accumulate
    assert all(torch.equal(a, b) for a, b in zip(again, (x_n, n_B, music, leader), strict=True))


def test_unequal_parts_count_by_their_size(root: Path, statistics: Statistics) -> None:
    # Terms that are means over all entries; those over labelled points divide by what each part holds.
    params = params_of("reactive")
    params = replace(params, losses=replace(params.losses, dm=0.0, ro=0.0, con=0.0))
    batch, found = batch_of(windows(root, params, statistics)), []
    for accumulate in (1, 3):
        network = Recorder(NUM_POINTS)
        network.weight.data += 0.7
        parted = replace(params, train=replace(params.train, accumulate=accumulate))
        values = backward(network, batch, statistics, parted)
        found.append({name: float(value) for name, value in values.items()} | {"gradient": float(network.weight.grad)})
    assert found[1] == pytest.approx(found[0], rel=1e-4)


@pytest.mark.parametrize("size", [2, 3])
def test_a_team_adds_up_to_one_process(root: Path, statistics: Statistics, size: int) -> None:
    """Each process draws what the whole batch needs and takes its own windows: sums are those of one process."""
    params = params_of("reactive", leader_dropout=0.5)
    params = replace(params, losses=replace(params.losses, dm=0.0, ro=0.0, con=0.0))
    batch = batch_of(windows(root, params, statistics))
    assert sorted(row for rank in range(size) for row in Team(rank, size).rows(len(batch["follower"]))) == [
        *range(len(batch["follower"]))
    ]
    found = []
    for teams in ([ALONE], [Team(rank, size) for rank in range(size)]):
        network = Recorder(NUM_POINTS)
        network.weight.data += 0.7
        sums: dict[str, float] = {}
        for team in teams:
            for name, value in backward(network, batch, statistics, params, team=team).items():
                sums[name] = sums.get(name, 0.0) + float(value)
        found.append(sums | {"gradient": float(network.weight.grad)})
    assert found[1] == pytest.approx(found[0], rel=1e-4)


@pytest.mark.parametrize("task", ["reactive", "duet"])
def test_every_term_is_the_loss_of_the_right_dancers(root: Path, statistics: Statistics, task: str) -> None:
    params = params_of(task)
    batch = batch_of(windows(root, params, statistics), 3)
    generator = torch.Generator().manual_seed(0)
    pred = {role: batch[role] + 0.2 * torch.randn(batch[role].shape, generator=generator) for role in ("leader", "follower")}
    labels = torch.rand(batch["leader_contact"].shape, generator=generator)
    answer = Prediction(pred["follower"], pred["leader"] if task == "duet" else labels)
    limit = params.losses.max_interaction_step
    n_B = torch.tensor([0, limit, limit + 1])  # the last sample is too far in the noise for interaction
    found = loss_terms(answer, batch, n_B, statistics, CANONICAL, params.losses, task)  # type: ignore[arg-type]

    def points(x: Tensor, role: str) -> Tensor:
        return decode(statistics.of(role).unnormalise(x), ANCHORS)

    def yaw(x: Tensor, role: str) -> Tensor:
        return -2 * statistics.of(role).unnormalise(x)[..., YAW]

    roles = ("follower", "leader") if task == "duet" else ("follower",)
    own = {
        "recon": [losses.recon_loss(pred[role], batch[role]) for role in roles],
        "vel": [losses.velocity_loss(points(pred[role], role), points(batch[role], role)) for role in roles],
        "acc": [losses.acceleration_loss(points(pred[role], role), points(batch[role], role)) for role in roles],
        "foot": [losses.foot_loss(points(pred[role], role), pred[role][..., LAYOUT["foot_contact"]]) for role in roles],
    }
    expected = {name: torch.stack(values).mean() for name, values in own.items()}
    led = pred["leader"] if task == "duet" else batch["leader"]
    leader, follower = points(led, "leader")[:2], points(pred["follower"], "follower")[:2]
    true_leader, true_follower = points(batch["leader"], "leader")[:2], points(batch["follower"], "follower")[:2]
    turned = yaw(led, "leader") - yaw(pred["follower"], "follower")
    truly = yaw(batch["leader"], "leader") - yaw(batch["follower"], "follower")
    share = 2 / 3
    joints = (dancer[:, :, :NUM_JOINTS] for dancer in (leader, follower, true_leader, true_follower))
    expected["dm"] = share * losses.distance_matrix_loss(*joints, params.losses.dm_distance)
    expected["ro"] = share * losses.relative_orientation_loss(turned[:2], truly[:2])
    expected["con"] = share * losses.contact_loss(
        leader, follower, batch["leader_contact"][:2], pred["follower"][:2][..., CONTACT]
    )
    if task == "reactive":
        expected["labels"] = losses.label_loss(labels, batch["leader_contact"])
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(float(value), rel=1e-4), name


@pytest.mark.parametrize("task", ["reactive", "duet"])
def test_what_fills_up_a_clip_is_in_no_term(root: Path, statistics: Statistics, task: str) -> None:
    params = params_of(task)
    batch = {name: value[:1] for name, value in batch_of(windows(root, params, statistics)).items()}
    generator = torch.Generator().manual_seed(3)
    pred = {role: batch[role] + 0.1 * torch.randn(batch[role].shape, generator=generator) for role in ("leader", "follower")}
    pred["follower"][..., CONTACT] = (torch.rand(pred["follower"][..., CONTACT].shape, generator=generator) < 0.02).float()
    labels = torch.rand(batch["leader_contact"].shape, generator=generator)
    frames, n_B = torch.arange(12)[None] < 9, torch.tensor([0])

    def terms(stop: int, frames: Tensor | None) -> dict[str, Tensor]:
        part = {name: value[:, :stop] for name, value in batch.items()} | ({} if frames is None else {"frames": frames})
        answer = Prediction(pred["follower"][:, :stop], (pred["leader"] if task == "duet" else labels)[:, :stop])
        return loss_terms(answer, part, n_B, statistics, CANONICAL, params.losses, task)  # type: ignore[arg-type]

    filled, alone, whole = terms(12, frames), terms(9, None), terms(12, None)
    for name, value in alone.items():
        assert float(filled[name]) == pytest.approx(float(value), rel=1e-4), name
        assert float(whole[name]) != pytest.approx(float(value), rel=1e-4), name


class Oracle(nn.Module):
    """A network that knows the truth but for what is added to it, and to whom."""

    def __init__(self, batch: dict[str, Tensor], follower: float, leader: float) -> None:
        super().__init__()
        self.batch, self.added = batch, (follower, leader)

    def forward(self, x_n: Tensor, n_B: Tensor, music: Tensor, leader: Tensor, frames: Tensor | None) -> Prediction:
        assert not self.training, "dropout would be on"
        amount = 1 + n_B[0] / 1000  # errors differ from depth to depth
        follower, leader = self.added
        return Prediction(self.batch["follower"] + amount * follower, self.batch["leader"] + amount * leader)


def test_validation_is_of_every_predicted_dancer_at_every_depth(root: Path, statistics: Statistics) -> None:
    params = params_of("duet")
    dataset = windows(root, params, statistics)
    chosen = np.linspace(0, len(dataset) - 1, params.train.batch).astype(int)
    items = [dataset[int(index)] for index in chosen]
    batch = {key: torch.stack([item[key] for item in items]) for key in ("leader", "follower")}

    def errors(follower: float, leader: float, of: Params = params) -> dict[str, float]:
        oracle: Any = Oracle(batch, follower, leader)
        return validate(oracle.train(), make_scheduler(of.diffusion), dataset, statistics, CANONICAL, of, "cpu")

    clean = errors(0, 0)
    assert len(clean) == 2 * len(DEPTHS) + 1
    assert all(value < 1e-5 for value in clean.values())
    both, follower, leader = errors(0.1, 0.1), errors(0.1, 0), errors(0, 0.1)
    for name, value in both.items():
        assert follower[name] + leader[name] == pytest.approx(value, rel=1e-3)
        assert min(follower[name], leader[name]) > 0.1 * value, f"{name} is of both"
    depths = [value for name, value in both.items() if "error_m_n" in name]
    assert len(set(depths)) == len(DEPTHS)
    assert both["validation/error_m"] == pytest.approx(np.mean(depths))
    assert errors(0, 0.1, params_of("reactive"))["validation/error_m"] < 1e-5, "a given leader is no prediction"


class Blind(nn.Module):
    """A network that knows the truth of the frames that are a clip's own, and is far off in what fills it up."""

    def __init__(self, batch: dict[str, Tensor]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.batch = batch

    def forward(self, x_n: Tensor, n_B: Tensor, music: Tensor, leader: Tensor, frames: Tensor | None) -> Prediction:
        assert frames is not None, "it is told which frames count"
        off = 9.0 * (~frames)[..., None]
        return Prediction(self.weight * self.batch["follower"] + off, self.weight * self.batch["leader_contact"] + off)


def test_short_takes_are_trained_on_and_validated_by_their_own_frames(root: Path, statistics: Statistics) -> None:
    params = params_of("reactive")
    params = replace(params, train=replace(params.train, window=80, batch=2))  # the takes have 60 frames
    dataset = windows(root, params, statistics)
    assert len(dataset) == 2
    keys = ("leader", "follower", "music", "leader_contact", "frames")
    batch = {key: torch.stack([dataset[index][key] for index in range(2)]) for key in keys}
    assert batch["frames"].sum(dim=1).tolist() == [60, 60]
    scheduler, blind = make_scheduler(params.diffusion), Blind(batch)
    values = backward(blind, batch, statistics, params)
    for name in ("recon", "vel", "acc", "dm", "ro", "labels"):
        assert float(values[f"loss/{name}"]) < 1e-6, name
    model: Any = blind
    errors = validate(model, scheduler, dataset, statistics, CANONICAL, params, "cpu")
    assert all(value < 1e-5 for value in errors.values()), errors


def make_state() -> TrainingState:
    weight = nn.Linear(1, 1, bias=False)
    weight.weight.data.fill_(1.0)
    average = AveragedModel(weight, multi_avg_fn=lambda averaged, current, count: None)
    return TrainingState(weight, average, torch.optim.AdamW(weight.parameters()))  # type: ignore[arg-type]


def test_the_best_is_the_average_of_the_least_error_also_after_a_resume(tmp_path: Path) -> None:
    state = make_state()

    def consider(state: TrainingState, error: float, weight: float) -> float:
        state.average.module.weight.data.fill_(weight)
        state.consider(error)
        return float(state.best["weight"])

    assert consider(state, 0.5, 5.0) == 5.0, "the first, and the average's, not the model's"
    assert consider(state, 0.7, 7.0) == 5.0
    assert consider(state, 0.3, 3.0) == 3.0
    state.step = 4
    state.save(tmp_path / "c", "mine")
    resumed, other = make_state(), make_state()
    resumed.resume(tmp_path / "c", "mine")
    other.resume(tmp_path / "c", "theirs")
    assert (resumed.step, other.step) == (4, 0)
    assert consider(resumed, 0.4, 4.0) == 3.0
    assert consider(resumed, float("nan"), 9.0) == 3.0
    assert consider(resumed, 0.2, 2.0) == 2.0


def test_windows_are_of_the_task_and_augmented_where_asked(root: Path) -> None:
    params = replace(params_of("reactive"), augment=replace(params_of("reactive").augment, swap_roles=True))
    plain, more = windows(root, params, None), windows(root, params, None, augmented=True)
    assert len(more) == 2 * len(plain)
    assert torch.equal(more[len(plain)]["leader_contact"], plain[0]["follower"][:, CONTACT])
    assert not bool(plain[0]["leader"][:, CONTACT].any()), "labels that would betray the follower"
    duet = windows(root, params_of("duet"), None)[0]
    assert torch.equal(duet["leader"][:, CONTACT], duet["leader_contact"])
    assert bool(duet["leader_contact"].any())


@pytest.fixture
def project(root: Path, statistics: Statistics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    paths = SimpleNamespace(
        encoded=root / "encoded", music=root / "music", split=tmp_path / "split.json", statistics=tmp_path / "statistics.npz",
        model=tmp_path / "model", checkpoints=tmp_path / "checkpoints", state=tmp_path / "state", root=tmp_path,
    )  # fmt: skip
    write_json(paths.split, {"takes": {"train": ["take_0"], "validation": ["take_1"], "test": []}})
    statistics.save(paths.statistics)
    return paths  # type: ignore[return-value]


def test_statistics_are_of_the_augmented_windows(project: Paths) -> None:
    measured = []
    for swap_roles in (False, True):
        params = params_of("duet")
        statistics_stage.run(replace(params, augment=replace(params.augment, swap_roles=swap_roles)), project)
        measured.append(Statistics.load(project.statistics))
    plain, swapped = measured
    assert abs(float(plain.follower.mean_C[2] - swapped.follower.mean_C[2])) > 0.01, "who follows stands elsewhere"
    assert not torch.equal(plain.leader.components_KC, swapped.leader.components_KC)


def test_what_fills_up_a_window_is_not_measured(project: Paths) -> None:
    params, measured = params_of("reactive"), []
    for window in (60, 90):  # the takes have 60 frames
        statistics_stage.run(replace(params, train=replace(params.train, window=window)), project)
        measured.append(Statistics.load(project.statistics))
    for role in ("leader", "follower"):
        assert torch.allclose(measured[0].of(role).mean_C, measured[1].of(role).mean_C, atol=1e-6)
        assert torch.allclose(measured[0].of(role).std_C, measured[1].of(role).std_C, atol=1e-6)
    assert torch.allclose(measured[0].music.std_A, measured[1].music.std_A, atol=1e-6)


def test_the_stage_trains_on_augmented_windows_and_goes_on_in_the_units_of_its_start(
    project: Paths, statistics: Statistics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = params_of("reactive")
    params = replace(params, augment=replace(params.augment, swap_roles=True))
    odd = replace(statistics, music=replace(statistics.music, mean_A=statistics.music.mean_A + 1))
    first = TrainedModel(start_denoiser(params, CANONICAL, odd).eval(), CANONICAL, odd, params)
    save_model(tmp_path / "first", first)
    seen: dict[str, Any] = {}

    def fake(params: Params, dataset: WindowDataset, validation: WindowDataset, *rest: Any, **named: Any) -> TrainedModel:
        seen.update(named, train=len(dataset), validation=len(validation), statistics=rest[0], music=dataset[0]["music"])
        return first

    monkeypatch.setattr(train_stage, "train", fake)
    prints = []
    for start in ("", str(tmp_path / "first")):
        train_stage.run(replace(params, train=replace(params.train, start_from=start)), project)
        assert seen["train"] == 2 * seen["validation"]
        expected = odd if start else statistics
        assert torch.equal(seen["statistics"].music.mean_A, expected.music.mean_A)
        assert (seen["start"] is not None) == bool(start)
        prints.append(seen["fingerprint"])
    assert prints[0] != prints[1]
    before = tracking.fingerprint(params, project, also=[tmp_path / "first"])
    (tmp_path / "first" / "weights.safetensors").write_bytes(b"others")
    assert tracking.fingerprint(params, project, also=[tmp_path / "first"]) != before


def test_a_page_that_cannot_be_made_does_not_end_a_training(
    project: Paths, statistics: Statistics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    params = params_of("reactive")
    model = TrainedModel(start_denoiser(params, CANONICAL, statistics).eval(), CANONICAL, statistics, params)

    def refuse(*rest: Any) -> None:
        raise InputError("nothing to see")

    def fake(*rest: Any, show: Any, **named: Any) -> TrainedModel:
        show(6, model)
        return model

    monkeypatch.setattr(train_stage, "write_preview", refuse)
    monkeypatch.setattr(train_stage, "train", fake)
    train_stage.run(params, project)
    assert "no page of step 6: nothing to see" in caplog.text
    assert (project.model / "run.json").is_file()
