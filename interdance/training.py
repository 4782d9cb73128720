"""train(): windows in, weights out. Knows no tracker: it is handed ``report(step, metrics)``.

A step depends on the parameters and its own number alone (its windows, diffusion steps, noise and dropout are drawn from
generators seeded by it), so a killed run that resumes ends in the weights of an unbroken one.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from interdance.model.signals import Told, draw_told, told_always, withhold
from interdance.representation.canonical import decode
from interdance.representation.layout import LAYOUT, NUM_CHANNELS, RELATIVE_POINTS
from interdance.representation.normalize import DancerStatistics, Statistics
from interdance.trained import TrainedModel, make_denoiser, start_denoiser, start_from

if TYPE_CHECKING:
    from diffusers import DDIMScheduler

logger = logging.getLogger(__name__)

Report = Callable[[int, dict[str, float]], None]
Batch = dict[str, Tensor]

YAW = LAYOUT["root_yaw"].start

DEPTHS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.999)
"""Shares of the diffusion steps at which a model is validated: from nearly clean to nothing but noise."""


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

    In the duet task the terms on one dancer are means over both, and the leader of the interaction terms is the predicted
    one. Terms of weight 0 are left out. The interaction terms see only samples of diffusion step
    n <= ``max_interaction_step``: from purer noise the place of the follower is a guess.
    """
    pairs = [(prediction.follower_BTC, batch["follower"], statistics.follower)]
    duet = prediction.leader.shape[-1] == NUM_CHANNELS
    if duet:
        pairs.append((prediction.leader, duet_leader(batch), statistics.leader))
    preds = [_world(pred, measured, anchor_P) for pred, _, measured in pairs]
    with torch.no_grad():
        trues = [_world(true, measured, anchor_P) for _, true, measured in pairs]
        if not duet:
            trues.append(_world(batch["leader"], statistics.leader, anchor_P))
    (raw_pred, pred_points), (raw_leader, leader_points) = preds[0], preds[-1] if duet else trues[-1]
    (raw_true, true_points), (raw_true_leader, true_leader_points) = trues[0], trues[-1]
    pred = prediction.follower_BTC
    near = n_B <= params.max_interaction_step

    def each(term: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Callable[[], Tensor]:
        """The mean over the predicted dancers of a term of channels and points, predicted and true."""
        return lambda: torch.stack(
            [
                term(channels, true, points, true_points)
                for (channels, true, _), (_, points), (_, true_points) in zip(pairs, preds, trues, strict=False)
            ]
        ).mean()

    def interaction(term: Callable[[], Tensor]) -> Callable[[], Tensor]:
        # Scaled by the share of samples that count, so that a batch with one of them does not weigh as a full one.
        return lambda: term() * near.float().mean() if bool(near.any()) else pred.new_zeros(())

    terms: dict[str, Callable[[], Tensor]] = {
        "recon": each(lambda channels, true, points, true_points: losses.recon_loss(channels, true)),
        "vel": each(lambda channels, true, points, true_points: losses.velocity_loss(points, true_points)),
        "acc": each(lambda channels, true, points, true_points: losses.acceleration_loss(points, true_points)),
        "foot": each(
            lambda channels, true, points, true_points: losses.foot_loss(points, channels[..., LAYOUT["foot_contact"]])
        ),
        "dm": interaction(
            lambda: losses.distance_matrix_loss(
                leader_points[near], pred_points[near], true_leader_points[near], true_points[near], params.dm_distance
            )
        ),
        "ro": interaction(
            lambda: losses.relative_orientation_loss(
                2 * (raw_leader - raw_pred)[near][..., YAW], 2 * (raw_true_leader - raw_true)[near][..., YAW]
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
    }
    if not duet:
        terms["labels"] = lambda: losses.label_loss(prediction.leader, batch["leader_contact"])
    return {name: term() for name, term in terms.items() if getattr(params, name) > 0}


def duet_leader(batch: Batch) -> Tensor:
    """The leader as a duet's training target: with the contact labels that the given leader of the reactive task lacks."""
    leader = batch["leader"].clone()
    leader[..., LAYOUT["partner_contact"]] = batch["leader_contact"]
    return leader


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
        The moving average of the weights: the last, or the best on the validation windows (``train.choose``).

    Raises
    ------
    FloatingPointError
        When the loss is no longer a number.
    InputError
        When parameters contradict each other, or the model to start from does not fit.
    """
    settings = params.train
    if params.model.task == "duet" and not (params.signals.leader and params.signals.leader_dropout == 0):
        raise InputError("signals: a duet's leader is generated and cannot be withheld; set leader: true, leader_dropout: 0")
    if settings.choose == "best" and validation is None:
        raise InputError("train.choose: best needs validation takes; add some (split.validation) or choose last")
    denoiser = start_denoiser(params, statistics).to(device)
    if settings.start_from:
        start_from(Path(settings.start_from), denoiser)
    run = _Run(
        denoiser,
        AveragedModel(denoiser, multi_avg_fn=get_ema_multi_avg_fn(settings.ema)),
        _optimizer(denoiser, settings),
    )
    network = torch.compile(denoiser) if settings.compile else denoiser
    scheduler = make_scheduler(params.diffusion)
    run.resume(checkpoint, fingerprint)
    loader = DataLoader(
        dataset,
        batch_sampler=StepBatches(
            *mixture_groups(dataset, params.mixture), settings.batch, settings.seed, run.step, settings.steps
        ),
        num_workers=settings.num_workers,
        pin_memory=device != "cpu",
    )
    sums: dict[str, float] = {}
    counted = 0
    for step, batch in enumerate(loader, start=run.step + 1):
        batch = {name: value.to(device, non_blocking=True) for name, value in batch.items() if isinstance(value, Tensor)}
        run.step = step
        for group in run.optimizer.param_groups:
            group["lr"] = group["share"] * learning_rate(step, settings)
        denoiser.train()
        values = _backward(network, scheduler, batch, statistics, anchor_P, params, step, device)
        learned = [parameter for group in run.optimizer.param_groups for parameter in group["params"]]
        values["grad_norm"] = float(torch.nn.utils.clip_grad_norm_(learned, settings.grad_clip))
        run.optimizer.step()
        run.average.update_parameters(denoiser)

        sums = {name: sums.get(name, 0.0) + value for name, value in values.items()}
        counted += 1
        last = step == settings.steps
        if step % settings.report_every == 0 or last:
            metrics = {name: value / counted for name, value in sums.items()}
            report(step, metrics | {"lr": learning_rate(step, settings)})
            sums, counted = {}, 0
        if validation is not None and (step % settings.validate_every == 0 or last):
            averaged = cast(Denoiser, run.average.module)
            metrics = validate(averaged, scheduler, validation, statistics, anchor_P, params, device)
            report(step, metrics)
            run.consider(metrics["validation/error_m"])
        if step % settings.checkpoint_every == 0 or last:
            run.save(checkpoint, fingerprint)
    trained = make_denoiser(params.model, statistics.num_music_channels)
    trained.load_state_dict(run.best if settings.choose == "best" else run.average.module.state_dict())
    return TrainedModel(trained.eval(), statistics, params)


def _backward(
    network: Callable[..., Prediction],
    scheduler: DDIMScheduler,
    batch: Batch,
    statistics: Statistics,
    anchor_P: np.ndarray,
    params: Params,
    step: int,
    device: str,
) -> dict[str, float]:
    """Gradients of one step, from ``train.accumulate`` parts of its batch; returns every loss, unweighted, and their sum."""
    settings = params.train
    size = len(batch["follower"])
    generator = torch.Generator().manual_seed(_seed(settings.seed, step))
    n_B = torch.randint(0, params.diffusion.num_steps, (size,), generator=generator)
    noise = _noise(params, batch, generator)
    drawn = {"n": n_B, "noise": noise, **draw_told(params.signals, size, generator)._asdict()}
    whole = batch | {name: value.to(device, non_blocking=True) for name, value in drawn.items()}
    values: dict[str, float] = {}
    for parameter in cast(torch.nn.Module, network).parameters():
        parameter.grad = None
    with torch.random.fork_rng(devices=[] if device == "cpu" else None):
        torch.manual_seed(_seed(settings.seed, step))  # dropout
        for index in np.array_split(np.arange(size), min(settings.accumulate, size)):
            part = {name: value[index[0] : index[-1] + 1] for name, value in whole.items()}
            share = len(index) / size
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
                told = Told(part["leader_B"], part["music_B"])
                prediction = _predict(network, params, scheduler, part, part["n"], part["noise"], told)
            terms = loss_terms(prediction, part, part["n"], statistics, anchor_P, params.losses)
            loss = total_loss(terms, params.losses)
            if not bool(loss.isfinite()):
                broken = ", ".join(name for name, term in terms.items() if not bool(term.isfinite())) or "the sum"
                raise FloatingPointError(f"step {step}: the loss is not a number ({broken}); lower train.lr or its weight")
            (share * loss).backward()
            for name, term in {**terms, "total": loss}.items():
                values[f"loss/{name}"] = values.get(f"loss/{name}", 0.0) + share * float(term.detach())
    return values


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
    """Errors on validation windows at each of :data:`DEPTHS`: the loss of Eq. 4, and the mean point error in metres,
    of the dancers that are predicted.

    ``validation/error_m`` is the mean over the depths, by which the best of a run is chosen.
    """
    denoiser.eval()
    settings = params.train
    chosen = np.linspace(0, len(dataset) - 1, min(settings.batch, len(dataset))).astype(int)
    items = [dataset[int(index)] for index in chosen]
    keys = ("leader", "follower", "music", "leader_contact")
    batch = {key: torch.stack([item[key] for item in items]).to(device) for key in keys}
    noise = _noise(params, batch, torch.Generator().manual_seed(settings.seed)).to(device)
    true = {"follower": batch["follower"], "leader": duet_leader(batch)}
    dancers = ("follower", "leader") if params.model.task == "duet" else ("follower",)
    told = told_always(params.signals, len(items))
    result = {}
    for share in DEPTHS:
        n = int(share * (params.diffusion.num_steps - 1))
        prediction = _predict(denoiser, params, scheduler, batch, torch.full((len(items),), n, device=device), noise, told)
        pred = {"follower": prediction.follower_BTC, "leader": prediction.leader}
        recon, error = [], []
        for dancer in dancers:
            measured = getattr(statistics, dancer)
            gap = _world(pred[dancer], measured, anchor_P)[1] - _world(true[dancer], measured, anchor_P)[1]
            recon.append(float(losses.recon_loss(pred[dancer], true[dancer])))
            error.append(float(gap.norm(dim=-1).mean()))
        result[f"validation/recon_n{n}"] = float(np.mean(recon))
        result[f"validation/error_m_n{n}"] = float(np.mean(error))
    errors = [value for name, value in result.items() if "error_m" in name]
    return result | {"validation/error_m": float(np.mean(errors))}


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


def _predict(
    network: Callable[..., Prediction],
    params: Params,
    scheduler: DDIMScheduler,
    batch: Batch,
    n_B: Tensor,
    noise: Tensor,
    told: Told,
) -> Prediction:
    leader = batch["leader"]
    if params.model.task == "duet":
        leader = scheduler.add_noise(duet_leader(batch), noise[:, 1], n_B)
    x_n = scheduler.add_noise(batch["follower"], noise[:, 0], n_B)
    return network(x_n, n_B, withhold(batch["music"], told.music_B), withhold(leader, told.leader_B))


def _noise(params: Params, batch: Batch, generator: torch.Generator) -> Tensor:
    """Standard normal (B, dancers, T, C): the follower's noise, and in the duet task the leader's after it."""
    size, *rest = batch["follower"].shape
    return torch.randn((size, 2 if params.model.task == "duet" else 1, *rest), generator=generator)


def _seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)


@dataclass
class _Run:
    """What a training changes as it goes: all that a checkpoint holds."""

    denoiser: Denoiser
    average: AveragedModel
    optimizer: torch.optim.Optimizer
    step: int = 0
    best_error: float = math.inf
    best: dict[str, Tensor] = field(default_factory=dict)

    def consider(self, error: float) -> None:
        """Keep the moving average when it is the best so far."""
        if error < self.best_error:
            self.best_error = error
            self.best = {name: value.detach().clone() for name, value in self.average.module.state_dict().items()}

    def save(self, path: Path, fingerprint: str) -> None:
        tensors = {f"model.{name}": value for name, value in self.denoiser.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
        with atomic_path(path) as temporary:
            metadata = {"fingerprint": fingerprint, "step": str(self.step), "best_error": repr(self.best_error)}
            save_file({name: value.contiguous() for name, value in tensors.items()}, temporary, metadata=metadata)

    def resume(self, path: Path, fingerprint: str) -> None:
        """Take over the state of an earlier part of the same run, if there is one."""
        if not path.exists():
            return
        try:
            with safe_open(path, framework="pt") as stored:
                metadata = stored.metadata() or {}
                if metadata.get("fingerprint") != fingerprint:
                    logger.info("%s belongs to another run and is not continued", path.name)
                    return
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (not a mapping)
        except (SafetensorError, OSError) as error:
            logger.warning("%s cannot be read (%s): training starts from the beginning", path.name, error)
            return

        def part(prefix: str) -> dict[str, Tensor]:
            return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}

        self.denoiser.load_state_dict(part("model."))
        self.average.load_state_dict(part("average."))
        self.best = {name: value.to(next(self.denoiser.parameters()).device) for name, value in part("best.").items()}
        state = self.optimizer.state_dict()
        for name, value in part("optimizer.").items():
            index, _, key = name.partition(".")
            state["state"].setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict(state)
        self.step, self.best_error = int(metadata["step"]), float(metadata["best_error"])
        logger.info("continuing after step %d", self.step)
