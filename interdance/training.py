"""train(): windows in, weights out. Knows no tracker: it is handed ``report(step, metrics)``.

A step depends on the parameters and its own number alone (its windows, diffusion steps, noise and dropout are drawn from
generators seeded by it), so a killed run that resumes ends in the weights of an unbroken one.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Sampler

from interdance.config import LossParams, Params, TrainParams
from interdance.dataset.windows import WindowDataset
from interdance.diffusion import losses
from interdance.diffusion.schedule import make_scheduler
from interdance.errors import InputError
from interdance.files import atomic_path
from interdance.model.denoiser import Denoiser, Prediction
from interdance.representation.canonical import decode
from interdance.representation.layout import LAYOUT, RELATIVE_POINTS
from interdance.representation.normalize import DancerStatistics, Statistics
from interdance.trained import TrainedModel, make_denoiser, start_denoiser

if TYPE_CHECKING:
    from diffusers import DDIMScheduler

logger = logging.getLogger(__name__)

Report = Callable[[int, dict[str, float]], None]
Batch = dict[str, Tensor]

YAW = LAYOUT["root_yaw"].start


class StepBatches(Sampler[list[int]]):
    """The window numbers of each training step, drawn from groups of windows (data sets) in given shares.

    Every group is gone through in permutations of its own, drawn from (seed, group, epoch). Which group gives a window
    follows from the window's position in the training alone, evenly spread (the additive recurrence of the golden
    ratio). Starting at a later step gives what an unbroken run would have seen there.

    Parameters
    ----------
    groups : sequence of int arrays
        Window numbers of each group.
    shares : sequence of float
        Of the windows that each group gives; relative to one another.
    """

    def __init__(
        self, groups: Sequence[np.ndarray], shares: Sequence[float], batch: int, seed: int, start: int, stop: int
    ) -> None:
        if not groups or any(len(group) == 0 for group in groups):
            raise ValueError("there is no training window")
        self.groups, self.batch, self.seed, self.start, self.stop = groups, batch, seed, start, stop
        self.bounds = np.cumsum(shares) / np.sum(shares)

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[int]]:
        counts = np.bincount(self._group(0, self.start * self.batch), minlength=len(self.groups))
        orders: dict[int, tuple[int, np.ndarray]] = {}
        for step in range(self.start, self.stop):
            chosen = []
            for group in self._group(step * self.batch, (step + 1) * self.batch):
                windows = self.groups[group]
                epoch, place = divmod(int(counts[group]), len(windows))
                if orders.get(group, (-1,))[0] != epoch:
                    orders[group] = epoch, np.random.default_rng([self.seed, group, epoch]).permutation(windows)
                chosen.append(int(orders[group][1][place]))
                counts[group] += 1
            yield chosen

    def _group(self, first: int, end: int) -> np.ndarray:
        """Group of each position of the training."""
        spread = (np.arange(first, end) * ((np.sqrt(5.0) - 1.0) / 2.0)) % 1.0
        return np.minimum(np.searchsorted(self.bounds, spread, side="right"), len(self.groups) - 1)


def mixture_groups(dataset: WindowDataset, mixture: Mapping[str, float]) -> tuple[list[np.ndarray], list[float]]:
    """Windows of each data set of a mixture, and their shares; without a mixture one group of all windows.

    Raises
    ------
    InputError
        When a share is not positive, or a data set with training windows has none.
    """
    if not mixture:
        return [np.arange(len(dataset))], [1.0]
    sets = np.array([dataset.takes[take].partition("/")[0] for take, _ in dataset.starts])
    for name in np.unique(sets):
        if not mixture.get(str(name), 0.0) > 0:
            raise InputError(f"mixture.{name}: a share above 0 is needed; its takes are trained on")
    for name in mixture:
        if name not in sets:
            raise InputError(f"mixture.{name}: no training window is of this data set; known: {', '.join(np.unique(sets))}")
    return [np.flatnonzero(sets == name) for name in mixture], list(mixture.values())


def loss_terms(
    prediction: Prediction, batch: Batch, n_B: Tensor, statistics: Statistics, anchor_P: np.ndarray, params: LossParams
) -> dict[str, Tensor]:
    """Every loss of Eq. 8 by name, unweighted, plus ``labels`` (:func:`losses.label_loss`) in the reactive task.

    Terms of weight 0 are left out. The interaction terms see only samples of diffusion step n <= ``max_interaction_step``:
    from purer noise the place of the follower is a guess.
    """
    true, pred = batch["follower"], prediction.follower_BTC
    raw_pred, pred_points = _world(pred, statistics.follower, anchor_P)
    with torch.no_grad():
        raw_true, true_points = _world(true, statistics.follower, anchor_P)
        raw_leader, leader_points = _world(batch["leader"], statistics.leader, anchor_P)
    near = n_B <= params.max_interaction_step

    def interaction(term: Callable[[], Tensor]) -> Callable[[], Tensor]:
        # Scaled by the share of samples that count, so that a batch with one of them does not weigh as a full one.
        return lambda: term() * near.float().mean() if bool(near.any()) else pred.new_zeros(())

    terms: dict[str, Callable[[], Tensor]] = {
        "recon": lambda: losses.recon_loss(pred, true),
        "vel": lambda: losses.velocity_loss(pred_points, true_points),
        "acc": lambda: losses.acceleration_loss(pred_points, true_points),
        "foot": lambda: losses.foot_loss(pred_points, pred[..., LAYOUT["foot_contact"]]),
        "dm": interaction(
            lambda: losses.distance_matrix_loss(
                leader_points[near], pred_points[near], true_points[near], params.dm_distance
            )
        ),
        "ro": interaction(
            lambda: losses.relative_orientation_loss(
                2 * (raw_leader - raw_pred)[near][..., YAW], 2 * (raw_leader - raw_true)[near][..., YAW]
            )
        ),
        "con": interaction(
            lambda: losses.contact_loss(
                leader_points[near],
                pred_points[near],
                batch["leader_contact"][near],
                pred[near][..., LAYOUT["partner_contact"]],
            )
        ),
        "labels": lambda: losses.label_loss(prediction.leader, batch["leader_contact"]),
    }
    return {name: term() for name, term in terms.items() if getattr(params, name) > 0}


def total_loss(terms: dict[str, Tensor], params: LossParams) -> Tensor:
    """Eq. 8: the weighted sum."""
    return torch.stack([getattr(params, name) * term for name, term in terms.items()]).sum()


def train(
    params: Params,
    dataset: WindowDataset,
    validation: WindowDataset | None,
    statistics: Statistics,
    anchor_P: np.ndarray,
    *,
    checkpoint: Path,
    fingerprint: str,
    report: Report,
    device: str = "cpu",
) -> TrainedModel:
    """Train a denoiser, from ``checkpoint`` when it holds the state of a run with the same ``fingerprint``.

    Parameters
    ----------
    dataset, validation
        Windows of the training and validation takes; without validation takes nothing is validated.
    checkpoint
        A file that this run may replace at any step; kept when the run is killed.
    fingerprint
        Names everything the weights depend on. The state of another run is not continued.
    report
        Called with the step (1 is the first) and the metrics of the steps since the last call.

    Returns
    -------
    TrainedModel
        The moving average of the weights.

    Raises
    ------
    FloatingPointError
        When the loss is no longer a number.
    """
    settings = params.train
    denoiser = start_denoiser(params, statistics).to(device)
    average = AveragedModel(denoiser, multi_avg_fn=get_ema_multi_avg_fn(settings.ema))
    optimizer = _optimizer(denoiser, settings)
    scheduler = make_scheduler(params.diffusion)
    done = _resume(checkpoint, fingerprint, denoiser, average, optimizer)
    loader = DataLoader(
        dataset,
        batch_sampler=StepBatches(
            *mixture_groups(dataset, params.mixture), settings.batch, settings.seed, done, settings.steps
        ),
        num_workers=settings.num_workers,
        persistent_workers=False,
    )
    sums: dict[str, float] = {}
    counted = 0
    for step, batch in enumerate(loader, start=done + 1):
        batch = {name: value.to(device) for name, value in batch.items() if isinstance(value, Tensor)}
        for group in optimizer.param_groups:
            group["lr"] = group["share"] * learning_rate(step, settings)
        denoiser.train()
        generator = torch.Generator().manual_seed(_seed(settings.seed, step))
        n_B = torch.randint(0, params.diffusion.num_steps, (len(batch["follower"]),), generator=generator).to(device)
        noise = torch.randn(batch["follower"].shape, generator=generator).to(device)
        with torch.random.fork_rng(devices=[] if device == "cpu" else None):
            torch.manual_seed(_seed(settings.seed, step))  # dropout
            with torch.autocast(device, torch.bfloat16, enabled=settings.precision == "bfloat16"):
                prediction = _predict(denoiser, scheduler, batch, n_B, noise)
        terms = loss_terms(prediction, batch, n_B, statistics, anchor_P, params.losses)
        loss = total_loss(terms, params.losses)
        if not bool(loss.isfinite()):
            broken = ", ".join(name for name, term in terms.items() if not bool(term.isfinite())) or "the sum"
            raise FloatingPointError(f"step {step}: the loss is not a number ({broken}); lower train.lr or its weight")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        learned = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        norm = torch.nn.utils.clip_grad_norm_(learned, settings.grad_clip)
        optimizer.step()
        average.update_parameters(denoiser)

        values = {f"loss/{name}": float(term.detach()) for name, term in terms.items()}
        values |= {"loss/total": float(loss.detach()), "grad_norm": float(norm)}
        sums = {name: sums.get(name, 0.0) + value for name, value in values.items()}
        counted += 1
        last = step == settings.steps
        if step % settings.report_every == 0 or last:
            metrics = {name: value / counted for name, value in sums.items()}
            report(step, metrics | {"lr": learning_rate(step, settings)})
            sums, counted = {}, 0
        if validation is not None and (step % settings.validate_every == 0 or last):
            report(step, validate(cast(Denoiser, average.module), scheduler, validation, statistics, anchor_P, params, device))
        if step % settings.checkpoint_every == 0 or last:
            _save_checkpoint(checkpoint, fingerprint, step, denoiser, average, optimizer)
    trained = make_denoiser(params.model, statistics.num_music_channels)
    trained.load_state_dict(average.module.state_dict())
    return TrainedModel(trained.eval(), statistics, params)


def learning_rate(step: int, settings: TrainParams) -> float:
    """Linear warm-up to ``lr``, then half a cosine down to ``lr_final`` at the last step. Our choice."""
    if step <= settings.warmup:
        return settings.lr * step / settings.warmup
    progress = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.lr_final + 0.5 * (settings.lr - settings.lr_final) * (1 + math.cos(math.pi * min(1.0, progress)))


@torch.no_grad()
def validate(
    denoiser: Denoiser,
    scheduler: DDIMScheduler,
    dataset: WindowDataset,
    statistics: Statistics,
    anchor_P: np.ndarray,
    params: Params,
    device: str,
) -> dict[str, float]:
    """Errors on validation windows from three depths of noise: the loss of Eq. 4, and the mean point error in metres."""
    denoiser.eval()
    settings = params.train
    chosen = np.linspace(0, len(dataset) - 1, min(settings.batch, len(dataset))).astype(int)
    items = [dataset[int(index)] for index in chosen]
    batch = {key: torch.stack([item[key] for item in items]).to(device) for key in ("leader", "follower", "music")}
    noise = torch.randn(batch["follower"].shape, generator=torch.Generator().manual_seed(settings.seed)).to(device)
    true = decode(statistics.follower.unnormalise(batch["follower"]), anchor_P)
    result = {}
    for share in (0.1, 0.5, 0.999):
        n = int(share * (params.diffusion.num_steps - 1))
        n_B = torch.full((len(items),), n, device=device)
        follower = _predict(denoiser, scheduler, batch, n_B, noise).follower_BTC
        points = decode(statistics.follower.unnormalise(follower), anchor_P)
        result[f"validation/recon_n{n}"] = float(losses.recon_loss(follower, batch["follower"]))
        result[f"validation/error_m_n{n}"] = float((points - true).norm(dim=-1).mean())
    return result


def _optimizer(denoiser: Denoiser, settings: TrainParams) -> torch.optim.Optimizer:
    """AdamW with a learning rate of their own for the projections.

    Their weights are a thousand times smaller than the others', and a full step of AdamW would wipe out at once the
    components they start from.
    """
    projections = {id(parameter) for layer in denoiser.projections() for parameter in layer.parameters()}
    slow = [parameter for parameter in denoiser.parameters() if id(parameter) in projections]
    groups = [{"params": [p for p in denoiser.parameters() if id(p) not in projections], "share": 1.0}]
    if settings.projection_lr > 0:
        groups.append({"params": slow, "share": settings.projection_lr})
    else:
        for parameter in slow:
            parameter.requires_grad_(False)
    return torch.optim.AdamW(groups, lr=settings.lr, weight_decay=settings.weight_decay)


def _world(x_BTC: Tensor, statistics: DancerStatistics, anchor_P: np.ndarray) -> tuple[Tensor, Tensor]:
    """Un-normalised places (..., up to the last relative point; velocities and labels are not needed) and world points."""
    raw = statistics.unnormalise(x_BTC[..., : RELATIVE_POINTS.stop])
    return raw, decode(raw, anchor_P)


def _predict(denoiser: Denoiser, scheduler: DDIMScheduler, batch: Batch, n_B: Tensor, noise: Tensor) -> Prediction:
    leader = batch["leader"]
    if denoiser.task == "duet":
        leader = scheduler.add_noise(leader, noise.flip(0), n_B)
    x_n = scheduler.add_noise(batch["follower"], noise, n_B)
    return denoiser(x_n, n_B, batch["music"], leader)


def _seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)


def _save_checkpoint(
    path: Path,
    fingerprint: str,
    step: int,
    denoiser: Denoiser,
    average: AveragedModel,
    optimizer: torch.optim.Optimizer,
) -> None:
    tensors = {f"model.{name}": value for name, value in denoiser.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    with atomic_path(path) as temporary:
        metadata = {"fingerprint": fingerprint, "step": json.dumps(step)}
        save_file({name: value.contiguous() for name, value in tensors.items()}, temporary, metadata=metadata)


def _resume(
    path: Path, fingerprint: str, denoiser: Denoiser, average: AveragedModel, optimizer: torch.optim.Optimizer
) -> int:
    """Load the state of an earlier part of the same run; returns the steps it had done."""
    if not path.exists():
        return 0
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {}
            if metadata.get("fingerprint") != fingerprint:
                logger.info("%s belongs to another run and is not continued", path.name)
                return 0
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        logger.warning("%s cannot be read (%s): training starts from the beginning", path.name, error)
        return 0

    def part(prefix: str) -> dict[str, Tensor]:
        return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

    denoiser.load_state_dict(part("model."))
    average.load_state_dict(part("average."))
    state = optimizer.state_dict()
    for name, value in part("optimizer.").items():
        index, _, key = name.partition(".")
        state["state"].setdefault(int(index), {})[key] = value
    optimizer.load_state_dict(state)
    step = int(json.loads(metadata["step"]))
    logger.info("continuing after step %d", step)
    return step
