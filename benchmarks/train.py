"""What a training step costs, beside a plain one that is written from the paper: `python benchmarks/train.py`.

Couples are synthetic points. Everything is measured in this run, on a CPU with one thread and in the process's own time,
so that a busy machine does not blur the ratios; the loader, which has processes of its own, by the clock. The parts:

sizes   parameters, time and memory of a step, each in a process of its own, at every size, for the same windows;
growth  seconds and peak memory of a step, each in a process of its own, at longer windows, larger batches, more width,
        from a quarter of the batch;
step    samples a second of our step and of the plain one, whose loss and gradient are first seen to be the same, and
        where the time goes;
floor   multiply-adds and bytes of a step, counted from its sizes, against what this machine reaches;
loader  windows a second that are read from disk, beside those that the step takes.

The plain step has separate projections to query, key and value, attention with the whole (T, T) matrix, and interaction
losses that go through the samples one by one, the contact loss with all 710 x 710 distances of a frame.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from interdance import config  # noqa: E402
from interdance.dataset.windows import WindowDataset  # noqa: E402
from interdance.diffusion.schedule import make_scheduler  # noqa: E402
from interdance.model.denoiser import Denoiser, Prediction  # noqa: E402
from interdance.representation.canonical import decode  # noqa: E402
from interdance.representation.layout import FEET, LAYOUT, NUM_CHANNELS, NUM_POINTS  # noqa: E402
from interdance.representation.normalize import Statistics  # noqa: E402
from interdance.trained import start_denoiser  # noqa: E402
from interdance.training.objective import loss_terms, total_loss  # noqa: E402
from tests.dancers import ANCHORS, CANONICAL, statistics_of, write_couples  # noqa: E402

PARTS = ("sizes", "growth", "step", "floor", "loader")
PHASES = ("network", "losses", "backward", "optimizer")
GROWN = {"--longer": "window", "--larger": "batch", "--wider": "width"}
NUM_MUSIC = 35
SIZES = {"fast": ["configs/fast.yaml"], "small": [], "base": ["configs/paper.yaml"]}
SIZES_BATCH = 4
TOLERANCE = 1e-4  # of the two systems' loss, relative; a hundred times that for a parameter's gradient

Batch = dict[str, Tensor]


class PlainAttention(nn.Module):
    """softmax(Q K^T / sqrt(E)) V as it is written, positions turned in as complex numbers."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        query, key, value = (
            layer(rows).float().unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, rows in ((self.query, x), (self.key, context), (self.value, context))
        )
        scores = self.turned(query) @ self.turned(key).transpose(-1, -2) / math.sqrt(query.shape[-1])
        return self.out((self.dropout(scores.softmax(-1)) @ value).transpose(1, 2).flatten(2))

    @staticmethod
    def turned(x: Tensor) -> Tensor:
        num_frames, width = x.shape[-2:]
        frequency = 10_000.0 ** (-torch.arange(0, width, 2, device=x.device) / width)
        angle = torch.arange(num_frames, device=x.device)[:, None] * frequency
        pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(pairs * torch.polar(torch.ones_like(angle), angle)).flatten(-2)


class PlainBranch(nn.Module):
    """One dancer's half of a block."""

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 9 * width))
        self.self_attention = PlainAttention(width, heads, dropout)
        self.cross_attention = PlainAttention(width, heads, dropout)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, feed_forward), nn.GELU(), nn.Dropout(dropout), nn.Linear(feed_forward, width)
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, partner: Tensor, emb: Tensor) -> Tensor:
        parts = self.modulation(emb).chunk(9, dim=-1)
        sublayers: list[Callable[[Tensor], Tensor]] = [
            lambda h: self.self_attention(h, h),
            lambda h: self.cross_attention(h, self.norm(partner)),
            self.feed_forward,
        ]
        for index, sublayer in enumerate(sublayers):
            shift, scale, gate = parts[3 * index : 3 * index + 3]
            x = x + gate * self.drop(sublayer(self.norm(x) * (1 + scale) + shift))
        return x


class PlainDenoiser(nn.Module):
    """The network of METHOD.md §4, reactive task."""

    def __init__(self, sizes: config.ModelParams) -> None:
        super().__init__()
        width = self.width = sizes.width
        self.leader_in, self.follower_in = nn.Linear(NUM_CHANNELS, width), nn.Linear(NUM_CHANNELS, width)
        self.music_in = nn.Sequential(nn.Linear(NUM_MUSIC, width), nn.SiLU(), nn.Linear(width, width))
        self.step_in = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        branch = (width, sizes.heads, sizes.feed_forward, sizes.dropout)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({role: PlainBranch(*branch) for role in ("leader", "follower")}) for _ in range(sizes.blocks)
        )
        self.final = nn.Sequential(nn.SiLU(), nn.Linear(width, 4 * width))
        self.follower_out, self.leader_out = nn.Linear(width, NUM_CHANNELS), nn.Linear(width, NUM_POINTS)

    def forward(self, x_n: Tensor, n: Tensor, music: Tensor, leader: Tensor) -> Prediction:
        half = self.width // 2
        angle = n[:, None].float() * 10_000.0 ** (-torch.arange(half, device=n.device) / half)
        emb = self.music_in(music) + self.step_in(torch.cat((angle.cos(), angle.sin()), dim=-1))[:, None]
        states = {"leader": self.leader_in(leader), "follower": self.follower_in(x_n)}
        for block in self.blocks:
            a, b = states["leader"], states["follower"]
            states = {"leader": block["leader"](a, b, emb), "follower": block["follower"](b, a, emb)}
        scale_f, shift_f, scale_l, shift_l = self.final(emb).chunk(4, dim=-1)
        follower, leader = states["follower"] * (1 + scale_f) + shift_f, states["leader"] * (1 + scale_l) + shift_l
        with torch.autocast(x_n.device.type, enabled=False):
            return Prediction(self.follower_out(follower.float()), self.leader_out(leader.float()))

    def take_over(self, denoiser: Denoiser) -> None:
        """Load our weights: keys and values are one matrix there, two here."""
        state = denoiser.state_dict()
        for name in [name for name in state if "key_value" in name]:
            for part, rows in zip(("key", "value"), state.pop(name).chunk(2), strict=True):
                state[name.replace("key_value", part)] = rows
        self.load_state_dict(state)


def plain_loss(prediction: Prediction, batch: Batch, n_B: Tensor, statistics: Statistics, params: config.LossParams) -> Tensor:
    """Eq. 8 and the label loss, term by term."""
    pred, true = prediction.follower_BTC, batch["follower"]
    raw_pred, raw_true = statistics.follower.unnormalise(pred), statistics.follower.unnormalise(true)
    raw_leader = statistics.leader.unnormalise(batch["leader"])
    points, true_points, leader = (decode(raw, ANCHORS) for raw in (raw_pred, raw_true, raw_leader))
    labels = pred[..., LAYOUT["partner_contact"]] > 0.5

    def squares(gap: Tensor) -> Tensor:
        return (gap**2).sum(-1).mean()

    feet = points[:, :, list(FEET)]
    down = pred[..., LAYOUT["foot_contact"]] > 0.5
    step = ((feet[:, 1:] - feet[:, :-1]) ** 2).sum(-1)
    velocity, true_velocity = points[:, 1:] - points[:, :-1], true_points[:, 1:] - true_points[:, :-1]
    acceleration, true_acceleration = velocity[:, 1:] - velocity[:, :-1], true_velocity[:, 1:] - true_velocity[:, :-1]
    loss = params.recon * ((pred - true) ** 2).mean()
    loss = loss + params.vel * squares(velocity - true_velocity) + params.acc * squares(acceleration - true_acceleration)
    loss = loss + params.foot * (step * (down[:, 1:] & down[:, :-1])).mean()
    loss = loss + params.labels * ((prediction.leader - batch["leader_contact"]) ** 2).mean()

    def joint_distances(a: Tensor, b: Tensor) -> Tensor:
        return (((a[:, :55, None] - b[:, None, :55]) ** 2).sum(-1) + 1e-6).sqrt()

    distance, turn, pulled, pushed = [], [], [], []
    samples = [index for index in range(len(n_B)) if n_B[index] <= params.max_interaction_step]
    for b in samples:
        is_true = joint_distances(leader[b], true_points[b])
        distance.append(((joint_distances(leader[b], points[b]) - is_true) ** 2)[is_true < params.dm_distance])
        yaw = LAYOUT["root_yaw"].start
        turn.append(2 - 2 * torch.cos(2 * (raw_true[b, :, yaw] - raw_pred[b, :, yaw])))
        gaps = torch.cdist(leader[b], points[b])  # (T, 710, 710)
        pulled.append((gaps.min(2).values ** 2)[batch["leader_contact"][b] > 0.5])
        pushed.append((gaps.min(1).values ** 2)[labels[b]])
    if not samples:
        return loss
    dm, ro, a, b = (torch.cat(parts) for parts in (distance, turn, pulled, pushed))
    con = a.sum() / max(len(a), 1) + b.sum() / max(len(b), 1)
    interaction = params.dm * dm.sum() / max(len(dm), 1) + params.ro * ro.mean() + params.con * con
    return loss + interaction * len(samples) / len(n_B)


@dataclass
class System:
    """A network, its loss, and what a step needs besides."""

    network: nn.Module
    called: Callable[..., Prediction]
    loss: Callable[[Prediction], Tensor]
    optimizer: torch.optim.Optimizer
    average: AveragedModel
    inputs: tuple[Tensor, ...]
    precision: torch.dtype
    grad_clip: float

    def predict(self) -> Prediction:
        device = self.inputs[0].device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            return self.called(*self.inputs)

    def step(self) -> list[float]:
        """One step; returns the seconds of each of :data:`PHASES`."""
        device = self.inputs[0].device.type
        marks = [now(device)]
        prediction = self.predict()
        marks.append(now(device))
        loss = self.loss(prediction)
        marks.append(now(device))
        loss.backward()
        marks.append(now(device))
        nn.utils.clip_grad_norm_([p for p in self.network.parameters() if p.requires_grad], self.grad_clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update_parameters(self.network)
        marks.append(now(device))
        return list(np.diff(marks))

    def gradient(self) -> tuple[float, Batch]:
        """Loss, and its gradient by the names of our parameters."""
        loss = self.loss(self.predict())
        loss.backward()
        found = {name: p.grad for name, p in self.network.named_parameters() if p.grad is not None}
        for name in [name for name in found if ".key." in name]:
            value = found.pop(name.replace(".key.", ".value."))
            found[name.replace(".key.", ".key_value.")] = torch.cat([found.pop(name), value])
        return loss.item(), found


def now(device: str) -> float:
    """Seconds: of the process's own time on a CPU, of the clock on a GPU."""
    if device != "cuda":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def read_params(arguments: argparse.Namespace) -> config.Params:
    """Parameters of a size, with what the command line changes in them."""
    params = config.load(REPOSITORY / "params.yaml", *(REPOSITORY / overlay for overlay in SIZES[arguments.size]))
    model = replace(
        params.model, width=arguments.wider * params.model.width, feed_forward=arguments.wider * params.model.feed_forward
    )
    train = replace(
        params.train,
        window=arguments.longer * (arguments.window or params.train.window),
        batch=arguments.larger * (arguments.batch or params.train.batch),
    )
    return replace(params, model=model, train=train)


def read_windows(root: Path, window: int, statistics: Statistics | None) -> WindowDataset:
    """Windows of the couples below ``root``."""
    takes = sorted(path.name for path in (root / "encoded").iterdir())
    return WindowDataset(CANONICAL, root / "encoded", root / "music", takes, statistics, window, 10)


def make_batch(root: Path, params: config.Params, device: str) -> tuple[Batch, Tensor]:
    """A batch, and diffusion steps that are evenly spread."""
    dataset = read_windows(root, params.train.window, Statistics.load(root / "statistics.npz"))
    items = [dataset[index % len(dataset)] for index in range(params.train.batch)]
    keys = ("leader", "follower", "music", "leader_contact")
    batch = {key: torch.stack([item[key] for item in items]).to(device) for key in keys}
    return batch, torch.linspace(0, params.diffusion.num_steps - 1, len(items)).long().to(device)


def make_system(
    root: Path, params: config.Params, device: str, *, plain: bool, precision: torch.dtype, compiled: bool = False
) -> System:
    """Ours or the plain one, both with our starting weights."""
    statistics = Statistics.load(root / "statistics.npz")
    ours = start_denoiser(params, CANONICAL, statistics)
    network = PlainDenoiser(params.model) if plain else ours
    if isinstance(network, PlainDenoiser):
        network.take_over(ours)
    with torch.no_grad():  # one point in a hundred is predicted to touch; the weights of the start predict none
        network.follower_out.bias[LAYOUT["partner_contact"]][::100] = 1.0
    for name, parameter in network.named_parameters():
        if params.train.projection_lr == 0 and re.match("leader_in|follower_in|follower_out", name):
            parameter.requires_grad_(False)  # as training does
    network, statistics = network.to(device), statistics.to(device)
    batch, n_B = make_batch(root, params, device)
    noise = torch.randn(batch["follower"].shape, generator=torch.Generator().manual_seed(0)).to(device)
    x_n = make_scheduler(params.diffusion).add_noise(batch["follower"], noise, n_B)

    def loss(prediction: Prediction) -> Tensor:
        if plain:
            return plain_loss(prediction, batch, n_B, statistics, params.losses)
        return total_loss(loss_terms(prediction, batch, n_B, statistics, CANONICAL, params.losses, "reactive"), params.losses)

    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return System(
        network,
        torch.compile(network) if compiled else network,
        loss,
        torch.optim.AdamW(learned, lr=params.train.lr, weight_decay=params.train.weight_decay),
        AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(params.train.ema)),
        (x_n, n_B, batch["music"], batch["leader"]),
        precision,
        params.train.grad_clip,
    )


def check_same(root: Path, params: config.Params, device: str) -> None:
    """Ours and the plain system have one loss and one gradient, at weights whose gates are open.

    Raises
    ------
    SystemExit
        When they have not: what is compared is not the same work.
    """
    ours, plain = (
        make_system(root, params, device, plain=plain, precision=torch.float32).network.eval() for plain in (False, True)
    )
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        for name, parameter in ours.named_parameters():
            if "modulation" in name or "final" in name:
                parameter.add_((0.05 * torch.randn(parameter.shape, generator=generator)).to(device))
    plain.take_over(ours)
    found = []
    for network, is_plain in ((ours, False), (plain, True)):
        system = make_system(root, params, device, plain=is_plain, precision=torch.float32)
        found.append(replace(system, network=network, called=network).gradient())
    (loss, gradient), (plain_loss, plain_gradient) = found
    error = abs(loss - plain_loss) / abs(plain_loss)
    worst = max(float((gradient[name] - value).norm() / value.norm()) for name, value in plain_gradient.items())
    sys.stdout.write(f"same work: loss {loss:.6g}, off by {error:.1e}; gradient of a parameter off by at most {worst:.1e}\n\n")
    if gradient.keys() != plain_gradient.keys() or not (error < TOLERANCE and worst < 100 * TOLERANCE):
        raise SystemExit("ours and the plain system differ: there is nothing to compare")


def time_steps(root: Path, params: config.Params, device: str, rounds: int, compiled: bool) -> dict[str, float]:
    """Print samples a second and shares of the time; returns the seconds of our step at each precision."""
    check_same(root, params, device)
    precisions = (torch.float32, torch.bfloat16) if device == "cuda" else (torch.float32,)
    seconds = {}
    for precision in precisions:
        name = str(precision).removeprefix("torch.")
        systems = {"plain": (True, False), "ours": (False, False)} | ({"ours, compiled": (False, True)} if compiled else {})
        made = {
            key: make_system(root, params, device, plain=is_plain, precision=precision, compiled=is_compiled)
            for key, (is_plain, is_compiled) in systems.items()
        }
        times: dict[str, list[list[float]]] = {key: [] for key in made}
        for _ in range(rounds + 1):
            for key, system in made.items():
                times[key].append(system.step())
        phases = {key: np.median(values[1:], axis=0) for key, values in times.items()}
        sys.stdout.write(
            f"{name + ', median of ' + str(rounds):24s} {'samples/s':>9s} {'ratio':>6s}  share of {', '.join(PHASES)}\n"
        )
        for key, parts in phases.items():
            ratio = phases["plain"].sum() / parts.sum()
            shares = "".join(f"{part / parts.sum():10.0%}" for part in parts)
            sys.stdout.write(f"{key:24s} {params.train.batch / parts.sum():9.1f} {ratio:6.2f}{shares}\n")
        each = "".join(f"{ratio:10.2f}" for ratio in phases["plain"] / phases["ours"])
        sys.stdout.write(f"{'plain / ours, each':41s}{each}\n\n")
        seconds[name] = float(phases["ours"].sum())
    return seconds


def count(params: config.Params, size: int) -> tuple[float, float]:
    """Multiply-adds of a step's matrix products, and bytes that it must touch with numbers of ``size`` bytes.

    A product counts once forward and once for every gradient that is asked for, of its input and of its weights. Its
    operands and results are touched each time; the optimizer reads and writes weights, gradients, both moments and the
    moving average, in float32. Elementwise operations are not counted: they could be fused into the products.
    """
    model, frames = params.model, params.train.window * params.train.batch
    width, learned = model.width, params.train.projection_lr > 0
    products = [  # rows, in, out, gradients
        *2 * [(frames, NUM_CHANNELS, width, int(learned))],
        (frames, NUM_MUSIC, width, 1),
        *2 * [(params.train.batch, width, width, 2)],
        (frames, width, width, 2),
        (frames, width, 4 * width, 2),
        (frames, width, NUM_CHANNELS, 1 + int(learned)),
        (frames, width, NUM_POINTS, 2),
    ]
    for _ in range(2 * model.blocks):
        products.append((frames, width, 9 * width, 2))
        products += 8 * [(frames, width, width, 2)]
        products += 2 * [(frames, width, model.feed_forward, 2)]
    attention = 4 * model.blocks * 2 * frames * params.train.window * width * 3
    macs = attention + sum(rows * into * out * (1 + gradients) for rows, into, out, gradients in products)
    touched = sum((rows * (into + out) + into * out) * (1 + gradients) for rows, into, out, gradients in products)
    touched += 4 * model.blocks * 4 * frames * width * 3  # query, key, value and result of attention
    weights = sum(into * out for _, into, out, gradients in products if gradients == 2)
    return float(macs), float(size * touched + 4 * 12 * weights)


def machine(device: str, precision: torch.dtype) -> tuple[float, float]:
    """Multiply-adds a second of a large matrix product, and bytes a second of a large copy (read and written), best of 5."""
    size = 8192 if device == "cuda" else 2048
    a, b = (torch.randn(size, size, device=device).to(precision) for _ in range(2))
    copied, target = (torch.zeros(2**27 if device == "cuda" else 2**25, device=device) for _ in range(2))
    products, copies = [], []
    for _ in range(6):
        start = now(device)
        a @ b
        middle = now(device)
        target.copy_(copied)
        products.append(middle - start)
        copies.append(now(device) - middle)
    return size**3 / min(products[1:]), 8 * copied.numel() / min(copies[1:])


def compare_floor(params: config.Params, device: str, seconds: dict[str, float]) -> None:
    """Print what a step must cost on this machine, and what it costs."""
    for name, measured in seconds.items():
        precision = getattr(torch, name)
        macs, touched = count(params, precision.itemsize)
        product_rate, copy_rate = machine(device, precision)
        sys.stdout.write(
            f"floor, {name}: {macs / 1e9:.1f} G multiply-adds of the matrix products, {touched / 1e9:.2f} GB touched "
            f"(at least {macs / touched:.0f} multiply-adds a byte)\n"
            f"  this machine: {product_rate / 1e9:.1f} G multiply-adds/s in a large product, "
            f"{copy_rate / 1e9:.1f} GB/s in a copy\n"
            f"  products alone {macs / product_rate / measured:.0%} of the step's time, bytes alone "
            f"{touched / copy_rate / measured:.0%}: the step reaches {macs / measured / product_rate:.0%} of the peak\n\n"
        )


def time_loader(root: Path, params: config.Params, device: str, seconds: dict[str, float]) -> None:
    """Print windows a second of the loader alone, its files in the page cache."""
    dataset = read_windows(root, params.train.window, Statistics.load(root / "statistics.npz"))
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, len(dataset), params.train.batch).tolist() for _ in range(21)]
    for name, measured in seconds.items():
        sys.stdout.write(f"loader: the step ({name}) takes {params.train.batch / measured:.1f} windows/s\n")
    fastest = min(seconds.values(), default=math.inf)
    for workers in (0, 1, 2):
        loader = iter(DataLoader(dataset, batch_sampler=batches, num_workers=workers, pin_memory=device == "cuda"))
        next(loader)  # the start of the workers is not counted
        start = time.perf_counter()
        loaded = sum(len(batch["start"]) for batch in loader) / (time.perf_counter() - start)
        sys.stdout.write(
            f"  {workers} workers {loaded:8.0f} windows/s, {loaded * fastest / params.train.batch:6.1f} times that\n"
        )


def measure_alone(root: Path, arguments: argparse.Namespace) -> None:
    """Print, as JSON, the seconds of a step and the memory that it takes on top of the loaded program, in this process."""
    params, device = read_params(arguments), arguments.device
    before = peak_memory(device)
    precision = getattr(torch, params.train.precision) if device == "cuda" else torch.float32
    system = make_system(root, params, device, plain=arguments.alone == "plain", precision=precision)
    system.step()
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in system.network.parameters()]
    found = {"parameters": sum(size for size, _ in sizes), "trained": sum(size for size, learned in sizes if learned)}
    print(json.dumps(found | {"seconds": sum(system.step()), "bytes": peak_memory(device) - before}))


def alone(command: list[str]) -> dict[str, float] | str:
    """What a process of its own found and printed last, as JSON, or why it did not end."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"killed, {done.returncode}"])[-1]
        return f"did not end: {reason[:90]}"
    return json.loads(done.stdout.splitlines()[-1])


def child(arguments: argparse.Namespace) -> list[str]:
    """The command of this script on the same device, to be gone on with."""
    return [sys.executable, __file__, "--device", arguments.device]


def peak_memory(device: str) -> int:
    """Bytes. ``ru_maxrss`` would be wrong: a process inherits the peak of the one that started it."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * int(found[1]) if found else 0


def show_growth(root: Path, arguments: argparse.Namespace) -> None:
    """Print seconds and memory of a step at several sizes, each from a process of its own."""
    params = read_params(arguments)
    model, train = params.model, replace(params.train, batch=max(1, params.train.batch // 4))
    precision = train.precision if arguments.device == "cuda" else "float32"
    sys.stdout.write(
        f"growth ({precision}) from window {train.window}, batch {train.batch}, width {model.width}, feed-forward "
        f"{model.feed_forward}\n{'':18s} {'time':>7s} {'memory':>7s} {'GB':>7s}\n"
    )
    base = None
    changes = [(), *((flag, str(by)) for flag in GROWN for by in arguments.factors)]
    for system, change in [*(("ours", change) for change in changes), ("plain", ())]:
        size = ["--size", arguments.size, "--batch", str(train.batch)]
        found = alone([*child(arguments), "--alone", system, "--root", str(root), *size, *change])
        name = f"{GROWN[change[0]]} x{change[1]}" if change else system
        if isinstance(found, str):
            sys.stdout.write(f"{name:18s} {found}\n")
            continue
        base = base or found
        ratios = [found[key] / base[key] for key in ("seconds", "bytes")]
        sys.stdout.write(f"{name:18s} {ratios[0]:7.2f} {ratios[1]:7.2f} {found['bytes'] / 1e9:7.2f}\n")
        sys.stdout.flush()
    sys.stdout.write("\n")


def show_sizes(root: Path, arguments: argparse.Namespace, window: int) -> None:
    """Print what a step of every size costs on the same windows."""
    columns = ("parameters", "trained", "time", "memory", "GB")
    head = "".join(f"{column:>12s}" for column in columns)
    sys.stdout.write(f"sizes, window {window}, batch {SIZES_BATCH}\n{'':8s}{head}\n")
    base = None
    for size in sorted(SIZES, key="small".__ne__):
        same = ["--batch", str(SIZES_BATCH), "--window", str(window)]
        found = alone([*child(arguments), "--alone", "ours", "--root", str(root), "--size", size, *same])
        if isinstance(found, str):
            sys.stdout.write(f"{size:8s} {found}\n")
            continue
        base = base or found
        time, memory = (found[key] / base[key] for key in ("seconds", "bytes"))
        row = [f"{found[key] / 1e6:.1f} M" for key in ("parameters", "trained")]
        row += [f"{value:.2f}" for value in (time, memory, found["bytes"] / 1e9)]
        sys.stdout.write(f"{size:8s}{''.join(f'{value:>12s}' for value in row)}\n")
        sys.stdout.flush()
    sys.stdout.write("\n")


def main() -> None:
    """Measure the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small", help="params.yaml, or an overlay over it")
    parser.add_argument("--device", default="cpu", help="cpu or cuda; cuda measures float32 and bfloat16")
    parser.add_argument("--batch", type=int, help="instead of the size's own, for a machine with less memory")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--rounds", type=int, default=3, help="timed steps of each system")
    parser.add_argument("--factors", type=int, nargs="*", default=[2, 4], help="by which sizes grow")
    parser.add_argument("--compile", action="store_true", help="measure our step under torch.compile, too")
    parser.add_argument("--alone", choices=("ours", "plain"), help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--window", type=int, help=argparse.SUPPRESS)
    for name in GROWN:
        parser.add_argument(name, type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1 if arguments.device == "cpu" else torch.get_num_threads())
    if arguments.alone:
        measure_alone(arguments.root, arguments)
        return
    params = read_params(arguments)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        takes = write_couples(root, 2, max([1, *arguments.factors]) * params.train.window + 60)
        length = params.train.window
        windows = WindowDataset(CANONICAL, root / "encoded", root / "music", takes, None, length, length)
        statistics_of([windows[index] for index in range(len(windows))]).save(root / "statistics.npz")
        if "sizes" in arguments.parts:
            show_sizes(root, arguments, length)
        if "growth" in arguments.parts:
            show_growth(root, arguments)
        seconds = {}
        if {"step", "floor", "loader"} & set(arguments.parts):
            seconds = time_steps(root, params, arguments.device, arguments.rounds, arguments.compile)
        if "floor" in arguments.parts:
            compare_floor(params, arguments.device, seconds)
        if "loader" in arguments.parts:
            time_loader(root, params, arguments.device, seconds)


if __name__ == "__main__":
    main()
