"""Two processes that train one network, with the exchange between them as it is on a cluster (gloo)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import distributed, multiprocessing

from interdance import config
from interdance.config import Params
from interdance.dataset.windows import WindowDataset, windows_of
from interdance.model.denoiser import Denoiser
from interdance.representation.normalize import Statistics
from interdance.trained import TrainedModel, start_denoiser
from interdance.training.team import ALONE, Team
from interdance.training.train import train
from tests.dancers import CANONICAL, statistics_of, write_couples

REPOSITORY = Path(__file__).resolve().parent.parent
STEPS = 4


def params_of() -> Params:
    """Without what a team draws or averages otherwise: dropout, and losses over the pairs of a part of the batch."""
    loaded = config.load(REPOSITORY / "params.yaml")
    return replace(
        loaded,
        model=replace(loaded.model, width=32, blocks=1, heads=2, feed_forward=32, dropout=0.0),
        train=replace(
            loaded.train,
            window=12,
            stride=6,
            batch=5,
            num_workers=0,
            steps=STEPS,
            warmup=1,
            report_every=2,
            checkpoint_every=2,
            sample_every=0,
        ),
        losses=replace(loaded.losses, dm=0.0, ro=0.0, con=0.0),
    )


def windows(root: Path, statistics: Statistics | None, takes: list[str]) -> WindowDataset:
    return windows_of(params_of(), CANONICAL, root / "encoded", root / "music", takes, statistics, augmented=False)


def statistics_in(root: Path) -> Statistics:
    raw = windows(root, None, ["take_0", "take_1"])
    return statistics_of([raw[index] for index in range(len(raw))])


def trained(root: Path, checkpoint: Path, team: Team) -> tuple[TrainedModel, list[tuple[int, float, float]]]:
    statistics = statistics_in(root)
    reports: list[tuple[int, float, float]] = []
    model = train(
        params_of(),
        windows(root, statistics, ["take_0", "take_1"]),
        windows(root, statistics, []),
        statistics,
        CANONICAL,
        checkpoint=checkpoint,
        fingerprint="f" * 16,
        device="cpu",
        report=lambda step, metrics: reports.append((step, metrics["loss/total"], metrics["grad_norm"])),
        team=team,
    )
    return model, reports


def one_of_two(rank: int, root: Path) -> None:
    """A process of the team. What it trained goes to a file, and so does what it is told where it sees another checkpoint."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{root / 'meeting'}", rank=rank, world_size=2)
    try:
        model, reports = trained(root, root / "shared.safetensors", Team(rank, 2))
        torch.save({"weights": model.denoiser.state_dict(), "reports": reports}, root / f"process_{rank}.pt")
        with pytest.raises(RuntimeError, match="workers begin at steps 0 to 4"):
            trained(root, root / ("shared.safetensors", "elsewhere.safetensors")[rank], Team(rank, 2))
    finally:
        distributed.destroy_process_group()


def far(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    return float(sum((a[name].double() - b[name].double()).square().sum() for name in a)) ** 0.5


def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    write_couples(tmp_path, 2, 60)
    alone, reports = trained(tmp_path, tmp_path / "alone.safetensors", ALONE)
    multiprocessing.spawn(one_of_two, (tmp_path,), nprocs=2)
    first, second = (torch.load(tmp_path / f"process_{rank}.pt", weights_only=True) for rank in range(2))
    start: Denoiser = start_denoiser(params_of(), CANONICAL, statistics_in(tmp_path))
    one = alone.denoiser.state_dict()
    # Adam's steps have the size of the rate whatever that of the gradient is: a gradient that is noise steps at random.
    assert far(first["weights"], one) < 0.1 * far(start.state_dict(), one)
    assert far(first["weights"], second["weights"]) == 0.0, "every process has the same weights"
    assert [report[0] for report in first["reports"]] == [2, 4] and second["reports"] == []
    assert np.allclose(first["reports"], reports, rtol=1e-4), "losses and norms of gradients"
