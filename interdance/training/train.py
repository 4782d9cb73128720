"""train(): windows in, weights out. Knows no tracker: it is handed ``report(step, metrics)``.

A step depends on the parameters and its own number alone (its windows, diffusion steps, noise and dropout are drawn from
generators seeded by it), so a killed run that resumes ends in the weights of an unbroken one, and a team of processes, each
with its share of every batch, in those of a single one up to rounding, dropout's draws, and averages over a share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from interdance.config import Params, TrainParams
from interdance.dataset.batches import StepBatches, mixture_groups
from interdance.dataset.windows import WindowDataset
from interdance.diffusion import losses
from interdance.diffusion.schedule import make_scheduler
from interdance.errors import InputError
from interdance.model.denoiser import Denoiser, Prediction
from interdance.model.signals import ConditionMask, check_signals, draw_mask, full_mask, mask_condition
from interdance.representation.base import Representation
from interdance.representation.normalize import Statistics
from interdance.trained import TrainedModel, make_denoiser, start_denoiser
from interdance.training.objective import Batch, dancer_of, loss_terms, total_loss
from interdance.training.state import TrainingState
from interdance.training.team import ALONE, Team

if TYPE_CHECKING:
    from diffusers import DDIMScheduler

Report = Callable[[int, dict[str, float]], None]
Show = Callable[[int, TrainedModel], None]

DEPTHS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.999)
"""Shares of the diffusion steps at which a model is validated: from nearly clean to nothing but noise."""


def train(
    params: Params,
    dataset: WindowDataset,
    validation: WindowDataset,
    statistics: Statistics,
    representation: Representation,
    *,
    checkpoint: Path,
    fingerprint: str,
    report: Report,
    device: str = "cpu",
    start: TrainedModel | None = None,
    show: Show = lambda step, model: None,
    team: Team = ALONE,
) -> TrainedModel:
    """Train a denoiser, from ``checkpoint`` when it holds the state of a run with the same ``fingerprint``.

    Parameters
    ----------
    dataset, validation
        Windows of the training and validation takes; without validation windows nothing is validated.
    statistics
        Of the windows; those of ``start``, where there is one.
    checkpoint
        A file that this run may replace at any step; kept when the run is killed.
    fingerprint
        Names everything the weights depend on. The state of another run is not continued.
    report
        Called with the step (1 is the first) and the metrics of the steps since the last call.
    start
        Whose weights are gone on from (Table 11, fine-tuning).
    show
        Called every ``train.sample_every`` steps with the step and the moving average as it is then.
    team
        The processes that train together, all with the same arguments. Only the first one's ``report`` and ``show`` are
        called, and it alone writes ``checkpoint``, which all must see.

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
    _check(params, validation, start, team)
    try:
        denoiser = start_denoiser(params, representation, statistics).to(device)
    except ValueError as error:  # a width that heads do not divide
        raise InputError(f"model: {error}; change one of them") from None
    if start:
        denoiser.load_state_dict(start.denoiser.state_dict())
    average = AveragedModel(denoiser, multi_avg_fn=get_ema_multi_avg_fn(settings.ema))
    state = TrainingState(denoiser, average, make_optimizer(denoiser, settings))
    network = torch.compile(denoiser) if settings.compile else denoiser
    scheduler, local = make_scheduler(params.diffusion), statistics.to(device)
    state.resume(checkpoint, fingerprint)
    team.agree(state.step, device)
    loader = DataLoader(
        dataset,
        batch_sampler=StepBatches(
            *mixture_groups(dataset, params.mixture),
            settings.batch,
            settings.seed,
            state.step,
            settings.steps,
            team.rows(settings.batch),
        ),
        num_workers=settings.num_workers,
        pin_memory=device != "cpu",
    )
    for step, batch in enumerate(loader, start=state.step + 1):
        batch = _on_device(batch, device)
        state.step = step
        for group in state.optimizer.param_groups:
            group["lr"] = group["share"] * learning_rate(step, settings)
        denoiser.train()
        state.optimizer.zero_grad(set_to_none=True)
        values = _backward(network, scheduler, batch, local, representation, params, step, device, team.rows(settings.batch))
        learned = [parameter for group in state.optimizer.param_groups for parameter in group["params"]]
        gradients = [parameter.grad for parameter in learned if parameter.grad is not None]
        team.add_up([*gradients, *values.values()])
        values["grad_norm"] = torch.nn.utils.clip_grad_norm_(learned, settings.grad_clip)
        state.optimizer.step()
        average.update_parameters(denoiser)

        state.sums = {name: state.sums.get(name, 0.0) + value for name, value in values.items()}
        state.counted += 1
        last = step == settings.steps
        if not team.is_first:
            continue
        if step % settings.report_every == 0 or last:
            metrics = {name: float(value) / state.counted for name, value in state.sums.items()}
            report(step, metrics | {"lr": learning_rate(step, settings)})
            state.sums, state.counted = {}, 0
        if len(validation) and (step % settings.validate_every == 0 or last):
            metrics = validate(cast(Denoiser, average.module), scheduler, validation, local, representation, params, device)
            report(step, metrics)
            state.consider(metrics["validation/error_m"])
        if settings.sample_every and step % settings.sample_every == 0:
            model = cast(Denoiser, average.module).eval()
            show(step, TrainedModel(model, representation, statistics, params))
        if step % settings.checkpoint_every == 0 or last:
            state.save(checkpoint, fingerprint)
    trained = make_denoiser(params.model, representation, statistics.num_music_channels)
    is_best = settings.choose == "best" and team.is_first  # the others have validated nothing
    trained.load_state_dict(state.best if is_best else average.module.state_dict())
    return TrainedModel(trained.eval(), representation, statistics, params)


def _check(params: Params, validation: WindowDataset, start: TrainedModel | None, team: Team) -> None:
    settings = params.train
    check_signals(params)
    if settings.batch < team.size:
        raise InputError(f"train.batch: {settings.batch} windows; {team.size} workers need a window each")
    if not 1 <= settings.accumulate <= settings.batch:
        raise InputError(f"train.accumulate: {settings.accumulate}; 1 to train.batch ({settings.batch}) parts are needed")
    if settings.choose == "best" and not len(validation):
        raise InputError("train.choose: best needs validation takes; add some (split.validation) or choose last")
    if start and start.representation.name != params.encode.representation:
        raise InputError(
            f"train.start_from: that model is one of encode.representation {start.representation.name}, here it is "
            f"{params.encode.representation}; make them alike"
        )
    for name in ("model", "diffusion"):
        mine, theirs = getattr(params, name), getattr(start.params if start else params, name)
        for key, value in vars(theirs).items():
            if value != getattr(mine, key):
                wish = getattr(mine, key)
                raise InputError(f"train.start_from: that model has {name}.{key} {value}, here it is {wish}; make them alike")


def _backward(
    network: Callable[..., Prediction],
    scheduler: DDIMScheduler,
    batch: Batch,
    statistics: Statistics,
    representation: Representation,
    params: Params,
    step: int,
    device: str,
    rows: range,
) -> dict[str, Tensor]:
    """Add to the gradients what these ``rows`` of a step's batch give, in ``train.accumulate`` parts.

    ``batch`` holds these windows alone; what is drawn is drawn for the whole batch. Returns their share of every loss,
    unweighted, and of the sum.
    """
    settings = params.train
    size = settings.batch
    generator = torch.Generator().manual_seed(_seed(settings.seed, step, 0))
    n_B = torch.randint(0, params.diffusion.num_steps, (size,), generator=generator)
    mask = draw_mask(params.signals, size, generator)
    drawn = {"n": n_B, "noise": _noise(params, batch, size, _seed(settings.seed, step, 1)), **mask._asdict()}
    batch = batch | {name: value[rows.start : rows.stop].to(device) for name, value in drawn.items()}
    values: dict[str, Tensor] = {}
    with torch.random.fork_rng(devices=[] if device == "cpu" else None):
        torch.manual_seed(_seed(settings.seed, step, 2 + rows.start))  # dropout
        for picked in torch.arange(len(rows)).tensor_split(min(settings.accumulate, len(rows))):
            part = {name: value[picked[0] : picked[-1] + 1] for name, value in batch.items()}
            share = len(picked) / size
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
                mask = ConditionMask(part["leader_B"], part["music_B"])
                prediction = _predict(network, params, scheduler, part, part["n"], part["noise"], mask)
            terms = loss_terms(prediction, part, part["n"], statistics, representation, params.losses, params.model.task)
            loss = total_loss(terms, params.losses)
            if not bool(loss.isfinite()):
                broken = ", ".join(name for name, term in terms.items() if not bool(term.isfinite())) or "the sum"
                raise FloatingPointError(f"step {step}: the loss is not a number ({broken}); lower train.lr or its weight")
            (share * loss).backward()
            for name, term in {**terms, "total": loss}.items():
                values[f"loss/{name}"] = values.get(f"loss/{name}", 0.0) + share * term.detach()
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
    representation: Representation,
    params: Params,
    device: str,
) -> dict[str, float]:
    """Errors of what is predicted for validation windows at each of :data:`DEPTHS`.

    ``validation/recon_n<step>`` is the loss of Eq. 4, ``validation/error_m_n<step>`` the mean point error in metres, over
    both dancers of a duet; ``validation/error_m`` is the mean over the depths, by which the best of a run is chosen. At
    most ``train.batch`` windows are looked at, spread over the takes, always the same with the same noise.
    """
    denoiser.eval()
    chosen = np.linspace(0, len(dataset) - 1, min(params.train.batch, len(dataset))).astype(int)
    items = [dataset[int(index)] for index in chosen]
    keys = ("leader", "follower", "music", "frames")
    batch = _on_device({key: torch.stack([item[key] for item in items]) for key in keys}, device)
    frames = batch.get("frames")
    noise = _noise(params, batch, len(items), params.train.seed)
    mask = full_mask(params.signals, len(items))
    dancers = ("follower", "leader") if params.model.task == "duet" else ("follower",)
    true = {role: dancer_of(batch[role], statistics.of(role), representation) for role in dancers}
    result: dict[str, float] = {}
    errors: list[float] = []
    for n in (int(share * (params.diffusion.num_steps - 1)) for share in DEPTHS):
        n_B = torch.full((len(items),), n, device=device)
        prediction = _predict(denoiser, params, scheduler, batch, n_B, noise, mask)
        pred = dict(zip(("follower", "leader"), prediction, strict=True))
        recon = [losses.recon_loss(pred[role], true[role].channels_BTC, frames) for role in dancers]
        points = {role: dancer_of(pred[role], statistics.of(role), representation).points_BTP3 for role in dancers}
        gaps = [(points[role] - true[role].points_BTP3).norm(dim=-1) for role in dancers]
        error = [gap_BTP.mean() if frames is None else gap_BTP[frames].mean() for gap_BTP in gaps]
        errors.append(float(torch.stack(error).mean()))
        result |= {f"validation/recon_n{n}": float(torch.stack(recon).mean()), f"validation/error_m_n{n}": errors[-1]}
    return result | {"validation/error_m": float(np.mean(errors))}


def make_optimizer(denoiser: Denoiser, settings: TrainParams) -> torch.optim.Optimizer:
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


def _predict(
    network: Callable[..., Prediction],
    params: Params,
    scheduler: DDIMScheduler,
    batch: Batch,
    n_B: Tensor,
    noise: Tensor,
    mask: ConditionMask,
) -> Prediction:
    leader = batch["leader"]
    if params.model.task == "duet":
        leader = scheduler.add_noise(leader, noise[:, 1], n_B)
    x_n = scheduler.add_noise(batch["follower"], noise[:, 0], n_B)
    told = mask_condition(batch["music"], mask.music_B), mask_condition(leader, mask.leader_B)
    return network(x_n, n_B, *told, batch.get("frames"))


def _on_device(batch: dict[str, object], device: str) -> Batch:
    """The tensors of a batch; ``frames`` only where not all of them count."""
    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items() if isinstance(value, Tensor)}
    if bool(moved["frames"].all()):
        del moved["frames"]
    return moved


def _noise(params: Params, batch: Batch, size: int, seed: int) -> Tensor:
    """Standard normal (size, dancers, T, C) on the batch's device: the follower's, in the duet task the leader's after it."""
    rest = batch["follower"].shape[1:]
    dancers = 2 if params.model.task == "duet" else 1
    device = batch["follower"].device
    return torch.randn((size, dancers, *rest), generator=torch.Generator(device).manual_seed(seed), device=device)


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
