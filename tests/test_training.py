"""The network and its training: shapes, what may influence what, learning, and a resumed run that equals an unbroken one."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.utils.data import Subset

from interdance import config
from interdance.body.model import Body
from interdance.config import Params, recipe_dict
from interdance.dataset.batches import StepBatches, mixture_groups
from interdance.dataset.windows import WindowDataset
from interdance.errors import InputError
from interdance.representation.layout import NUM_CHANNELS, NUM_POINTS
from interdance.representation.normalize import Statistics
from interdance.trained import TrainedModel, load_model, make_denoiser, save_model, start_denoiser
from interdance.training.train import learning_rate, train
from tests.dancers import CANONICAL, open_gates, statistics_of, write_couples

REPOSITORY = Path(__file__).resolve().parent.parent
WINDOW = 12


@pytest.fixture(scope="module")
def params() -> Params:
    loaded = config.load(REPOSITORY / "params.yaml")
    return replace(
        loaded,
        model=replace(loaded.model, width=32, blocks=1, heads=2, feed_forward=32),
        train=replace(
            loaded.train,
            window=WINDOW, batch=4, steps=8, warmup=2, checkpoint_every=3, report_every=1, validate_every=4, num_workers=0,
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[WindowDataset, Statistics]:
    root = tmp_path_factory.mktemp("couples")
    names = write_couples(root, 2, 60)
    raw = WindowDataset(CANONICAL, root / "encoded", root / "music", names, None, WINDOW, 6)
    statistics = statistics_of([raw[index] for index in range(len(raw))])
    return WindowDataset(CANONICAL, root / "encoded", root / "music", names, statistics, WINDOW, 6), statistics


def run(params: Params, data: tuple[WindowDataset, Statistics], checkpoint: Path, **options: object) -> TrainedModel:
    dataset, statistics = data
    settings = {"fingerprint": "one", "report": lambda step, metrics: None} | options
    return train(params, dataset, dataset, statistics, CANONICAL, checkpoint=checkpoint, **settings)  # type: ignore[arg-type]


def weights(model: TrainedModel) -> dict[str, torch.Tensor]:
    return model.denoiser.state_dict()


@pytest.mark.parametrize(("task", "width"), [("reactive", NUM_POINTS), ("duet", NUM_CHANNELS)])
def test_the_network_answers_in_the_shape_of_the_task(params: Params, task: str, width: int) -> None:
    torch.manual_seed(0)
    denoiser = make_denoiser(replace(params.model, task=task), CANONICAL, 35).eval()  # type: ignore[arg-type]
    x, music = torch.randn(2, 7, NUM_CHANNELS), torch.randn(2, 7, 35)
    prediction = denoiser(x, torch.tensor([3, 900]), music, x.flip(0))
    assert prediction.follower_BTC.shape == (2, 7, NUM_CHANNELS)
    assert prediction.leader.shape == (2, 7, width)


def test_every_input_reaches_the_follower_once_gates_are_open(params: Params) -> None:
    torch.manual_seed(0)
    denoiser = make_denoiser(params.model, CANONICAL, 35).eval()
    open_gates(denoiser)
    x, leader, music = torch.randn(1, 5, NUM_CHANNELS), torch.randn(1, 5, NUM_CHANNELS), torch.randn(1, 5, 35)
    n = torch.tensor([10])
    base = denoiser(x, n, music, leader).follower_BTC
    for other in (
        denoiser(x + 1, n, music, leader), denoiser(x, n + 500, music, leader),
        denoiser(x, n, music + 1, leader), denoiser(x, n, music, leader + 1),
    ):  # fmt: skip
        assert float((other.follower_BTC - base).abs().max()) > 1e-3
    late = leader.clone()
    late[:, -1] += 1  # attention over time: the last frame of the leader is felt in the first of the follower
    assert float((denoiser(x, n, music, late).follower_BTC - base)[:, 0].abs().max()) > 1e-5


def test_frames_that_fill_up_a_clip_change_nothing(params: Params) -> None:
    torch.manual_seed(0)
    denoiser = make_denoiser(params.model, CANONICAL, 35).eval()
    open_gates(denoiser)
    x, leader, music = torch.randn(2, 9, NUM_CHANNELS), torch.randn(2, 9, NUM_CHANNELS), torch.randn(2, 9, 35)
    n, frames = torch.tensor([10, 300]), torch.arange(9)[None] < torch.tensor([[9], [5]])
    masked = denoiser(x, n, music, leader, frames)
    whole, alone = denoiser(x[:1], n[:1], music[:1], leader[:1]), denoiser(x[1:, :5], n[1:], music[1:, :5], leader[1:, :5])
    for found, first, second in zip(masked, whole, alone, strict=True):
        assert torch.allclose(found[:1], first, atol=1e-5)
        assert torch.allclose(found[1:, :5], second, atol=1e-5)
    assert not torch.allclose(denoiser(x, n, music, leader).follower_BTC[1:, :5], alone.follower_BTC, atol=1e-3)


def test_pages_are_asked_for_on_time_and_leave_no_trace(
    params: Params, data: tuple[WindowDataset, Statistics], tmp_path: Path
) -> None:
    shown: list[int] = []

    def show(step: int, model: TrainedModel) -> None:
        shown.append(step)
        assert not model.denoiser.training
        torch.manual_seed(step)
        torch.rand(100)

    dropping = replace(params, model=replace(params.model, dropout=0.3), train=replace(params.train, sample_every=3))
    plain = run(replace(dropping, train=replace(dropping.train, sample_every=0)), data, tmp_path / "a", show=show)
    assert shown == []
    seen = run(dropping, data, tmp_path / "b", show=show)
    assert shown == [3, 6]
    assert all(torch.equal(value, weights(seen)[name]) for name, value in weights(plain).items())


def test_projections_start_as_principal_components(params: Params, data: tuple[WindowDataset, Statistics]) -> None:
    dataset, statistics = data
    denoiser = start_denoiser(params, CANONICAL, statistics).eval()
    assert torch.equal(start_denoiser(params, CANONICAL, statistics).leader_in.weight, denoiser.leader_in.weight), "seeded"
    follower = dataset[0]["follower"]
    components = statistics.follower.components()
    rebuilt = denoiser.follower_in(follower) @ components.new_zeros(0).new_tensor(np.eye(32, len(components))) @ components
    # What the strongest components hold of a clean pose passes the untrained network.
    kept = follower @ statistics.follower.components_KC.T @ statistics.follower.components_KC
    assert float((rebuilt - kept).square().mean() / kept.square().mean()) < 0.05


def test_training_learns_and_reports_every_loss(
    params: Params, data: tuple[WindowDataset, Statistics], tmp_path: Path
) -> None:
    seen: list[tuple[int, dict[str, float]]] = []
    longer = replace(params, train=replace(params.train, steps=40, lr=3e-3, ema=0.8))
    run(longer, data, tmp_path / "c.safetensors", report=lambda step, metrics: seen.append((step, metrics)))
    losses = [metrics for _, metrics in seen if "loss/total" in metrics]
    for name in ("recon", "vel", "acc", "foot", "dm", "ro", "con", "labels"):
        assert all(math.isfinite(metrics[f"loss/{name}"]) for metrics in losses)
    errors = [metrics["validation/error_m_n998"] for _, metrics in seen if "validation/error_m_n998" in metrics]
    assert errors[-1] < errors[0]


class KilledError(Exception):
    pass


def test_a_killed_run_resumes_into_the_weights_of_an_unbroken_one(
    params: Params, data: tuple[WindowDataset, Statistics], tmp_path: Path
) -> None:
    unbroken = run(params, data, tmp_path / "unbroken.safetensors")

    def dies(step: int, metrics: dict[str, float]) -> None:
        if step == 5:
            raise KilledError

    with pytest.raises(KilledError):
        run(params, data, tmp_path / "killed.safetensors", report=dies)
    steps: list[int] = []
    resumed = run(params, data, tmp_path / "killed.safetensors", report=lambda step, metrics: steps.append(step))
    assert min(steps) == 4, "the checkpoint of step 3 is continued"
    assert all(torch.equal(value, weights(resumed)[name]) for name, value in weights(unbroken).items())


def test_the_state_of_another_run_or_a_damaged_file_is_not_continued(
    params: Params, data: tuple[WindowDataset, Statistics], tmp_path: Path
) -> None:
    path = tmp_path / "c.safetensors"
    run(params, data, path)
    for spoil in (lambda: None, lambda: path.write_bytes(b"not weights")):
        spoil()
        steps: list[int] = []
        run(params, data, path, fingerprint="another", report=lambda step, metrics, steps=steps: steps.append(step))
        assert min(steps) == 1


def test_a_loss_that_is_no_number_ends_the_training(
    params: Params, data: tuple[WindowDataset, Statistics], tmp_path: Path
) -> None:
    wild = replace(params, losses=replace(params.losses, vel=float("inf")))
    with pytest.raises(FloatingPointError, match="step 1"):
        run(wild, data, tmp_path / "c.safetensors")


def test_batches_are_the_same_from_wherever_they_start() -> None:
    whole = list(StepBatches([np.arange(10)], [1.0], 4, 7, 0, 9))
    assert list(StepBatches([np.arange(10)], [1.0], 4, 7, 5, 9)) == whole[5:]
    flat = [index for batch in whole for index in batch]
    assert sorted(flat[:10]) == sorted(flat[10:20]) == list(range(10)), "an epoch is every window once"
    assert flat[:10] != flat[10:20]


def test_a_mixture_gives_each_set_its_share() -> None:
    groups = [np.arange(100), np.arange(100, 107)]
    whole = list(StepBatches(groups, [1.0, 3.0], 8, 7, 0, 100))
    assert list(StepBatches(groups, [1.0, 3.0], 8, 7, 61, 100)) == whole[61:]
    flat = [index for batch in whole for index in batch]
    assert sum(index >= 100 for index in flat) == pytest.approx(600, abs=2)
    assert all(4 <= sum(index >= 100 for index in batch) <= 8 for batch in whole), "spread over the batches"
    small = [index for index in flat if index >= 100]
    assert sorted(small[:7]) == list(range(100, 107)), "each set is gone through before it is begun again"


def test_a_mixture_names_the_sets_there_are(data: tuple[WindowDataset, Statistics]) -> None:
    dataset, _ = data
    name = dataset.takes[0].partition("/")[0]
    for wrong in ({"nowhere": 1.0}, {name: 0.0}):
        with pytest.raises(InputError, match="mixture"):
            mixture_groups(dataset, wrong)


def test_learning_rate_warms_up_and_comes_down(params: Params) -> None:
    settings = replace(params.train, steps=100, warmup=10, lr=1e-3, lr_final=1e-5)
    rates = [learning_rate(step, settings) for step in range(1, 101)]
    assert rates[0] == pytest.approx(1e-4)
    assert max(rates) == rates[9] == pytest.approx(1e-3)
    assert rates[-1] == pytest.approx(1e-5)


def test_a_model_folder_is_read_back_or_refused(
    params: Params, data: tuple[WindowDataset, Statistics], tmp_path: Path
) -> None:
    _, statistics = data
    model = TrainedModel(start_denoiser(params, CANONICAL, statistics).eval(), CANONICAL, statistics, params)
    save_model(tmp_path / "model", model)
    read = load_model(tmp_path / "model", Body.load())
    assert recipe_dict(read.params) == recipe_dict(params), "of the parameters, what it cannot be used without"
    assert set(json.loads((tmp_path / "model" / "params.json").read_text())) == set(recipe_dict(params))
    assert all(torch.equal(value, weights(read)[name]) for name, value in weights(model).items())
    told = json.loads((tmp_path / "model" / "params.json").read_text())
    (tmp_path / "model" / "params.json").write_text(json.dumps(told | {"guidance": {"max_step": 300}}))
    assert load_model(tmp_path / "model", Body.load()).params == read.params, "an older model's other sections do not matter"
    (tmp_path / "model" / "weights.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(InputError, match="weights.safetensors"):
        load_model(tmp_path / "model", Body.load())
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "nowhere", Body.load())


def test_the_best_weights_are_chosen_and_survive_a_kill(
    params: Params, data: tuple[WindowDataset, Statistics], tmp_path: Path
) -> None:
    # A rate that tears the weights apart after its warm-up: the best is not the last.
    wild = replace(params.train, steps=12, lr=0.5, warmup=8, validate_every=1, ema=0.0, choose="best")
    errors: dict[int, float] = {}

    def note(step: int, metrics: dict[str, float]) -> None:
        if "validation/error_m" in metrics:
            errors[step] = metrics["validation/error_m"]

    best = run(replace(params, train=wild), data, tmp_path / "best.safetensors", report=note)
    least = min(errors, key=errors.__getitem__)
    assert least < 12
    schedule = {"steps": 12, "choose": "last"}

    class Enough(Exception):  # noqa: N818 (no error)
        pass

    def stop(step: int, metrics: dict[str, float]) -> None:
        if step > least:
            raise Enough

    # The average of the step of least error, from a run that is broken off behind it.
    broken = replace(params, train=replace(wild, checkpoint_every=1, **schedule))  # type: ignore[arg-type]
    with pytest.raises(Enough):
        run(broken, data, tmp_path / "broken.safetensors", report=stop)
    found = load_file(tmp_path / "broken.safetensors")
    for name, value in weights(best).items():
        assert torch.equal(value, found[f"average.module.{name}"]) and torch.equal(value, found[f"best.{name}"])
    again = run(replace(params, train=wild), data, tmp_path / "best.safetensors")  # everything from the checkpoint
    assert all(torch.equal(value, weights(again)[name]) for name, value in weights(best).items())


def test_fine_tuning_starts_from_another_models_weights(
    params: Params, data: tuple[WindowDataset, Statistics], tmp_path: Path
) -> None:
    first = run(params, data, tmp_path / "first.safetensors")
    save_model(tmp_path / "model", first)
    start = load_model(tmp_path / "model", Body.load())
    still = replace(params.train, steps=1, lr=0.0, lr_final=0.0, weight_decay=0.0)
    tuned = run(replace(params, train=still), data, tmp_path / "second.safetensors", start=start)
    assert all(torch.allclose(value, weights(tuned)[name]) for name, value in weights(first).items())
    with pytest.raises(InputError, match="encode.representation canonical, here it is joints"):
        run(replace(params, encode=replace(params.encode, representation="joints")), data, tmp_path / "x", start=start)
    for section, key, value in (("model", "width", 64), ("model", "heads", 4), ("diffusion", "noise_shift", 1.0)):
        other = replace(params, **{section: replace(getattr(params, section), **{key: value})})  # type: ignore[arg-type]
        with pytest.raises(InputError, match=rf"train\.start_from: .* {section}\.{key}"):
            run(other, data, tmp_path / "third.safetensors", start=start)


@pytest.mark.parametrize("task", ["reactive", "duet"])
def test_both_tasks_learn(params: Params, data: tuple[WindowDataset, Statistics], tmp_path: Path, task: str) -> None:
    seen: list[dict[str, float]] = []
    longer = replace(
        params,
        model=replace(params.model, task=task),  # type: ignore[arg-type]
        train=replace(params.train, steps=100, lr=3e-3, ema=0.8, validate_every=10, checkpoint_every=100),
    )
    run(longer, data, tmp_path / "c.safetensors", report=lambda step, metrics: seen.append(metrics))
    # At little noise, over both dancers of a duet: from pure noise and random music no couple can be known.
    errors = [metrics["validation/recon_n299"] for metrics in seen if "validation/recon_n299" in metrics]
    assert errors[-1] < 0.6 * errors[0]
    assert ("loss/labels" in seen[0]) == (task == "reactive")


def test_contradictions_are_refused(params: Params, data: tuple[WindowDataset, Statistics], tmp_path: Path) -> None:
    duet = replace(params, model=replace(params.model, task="duet"), signals=replace(params.signals, leader=False))
    dropped = replace(duet, signals=replace(params.signals, leader_dropout=0.1))
    for wrong in (duet, dropped):
        with pytest.raises(InputError, match="duet"):
            run(wrong, data, tmp_path / "c.safetensors")
    dataset, statistics = data
    for wrong, sentence in (
        (replace(params, train=replace(params.train, choose="best")), "validation takes"),
        (replace(params, train=replace(params.train, accumulate=0)), "accumulate"),
        (replace(params, signals=replace(params.signals, music_dropout=1.0)), "music_dropout"),
        (replace(params, signals=replace(params.signals, leader_dropout=-0.1)), "leader_dropout"),
    ):
        nothing = Subset(dataset, [])
        with pytest.raises(InputError, match=sentence):
            train(
                wrong, dataset, nothing, statistics, CANONICAL,
                checkpoint=tmp_path / "c", fingerprint="", report=lambda step, metrics: None,
            )  # fmt: skip
