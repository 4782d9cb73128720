"""The plan for 1,000 GPU-hours (docs/platform.md), its scheduling simulated: what waits, what is lost, what breaks first.

Sizes and work are counted from `configs/paper.yaml`; how fast machines are is assumed, below. Jobs compete for GPUs and for the
storage that all read from, and fail; those of several machines wait for the network between them. The sweep is that of
`configs/sweep/cluster.yaml`, and what stops its trials is the very scheduler that a sweep uses, told curves drawn at random.

    python benchmarks/plan.py [--gpus 8 --hours-between-faults 500 --seed 1]
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import simpy
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from interdance import config
from interdance.body.model import Body
from interdance.cluster.tune import Plan, scheduler
from interdance.music.features import NUM_FEATURES
from interdance.representation.registry import make_representation
from interdance.sweep import read_plan
from interdance.trained import make_denoiser

ROOT = Path(__file__).resolve().parent.parent
HOURS = 1000  # of duet
EPOCHS = 60  # of the training of record
ROWS, SEEDS, ROW_EPOCHS = 12, 3, 2  # of the ablations: Tables 4, 5 and 9
PARAMETER_BYTES = 0.2e6  # of a window of both dancers as body parameters, with music features

# Assumed of the machines: eight GPUs each, 10 GB/s between them.
SPEED = 300e12  # FLOP/s of a GPU, a third of what it can in bfloat16
WITHIN, BETWEEN = 200e9, 10e9  # bytes/s of gradients between GPUs of one machine, and between machines
OF_A_MACHINE = 8
RESTART = 180.0  # seconds until a replacement has loaded the checkpoint
CHUNK = 250  # steps simulated at once: the load on the storage is looked at before each


@dataclass(frozen=True)
class Site:
    """Where the plan runs: GPUs, bytes per second of the storage they share, hours between faults of a GPU."""

    name: str
    gpus: int
    storage: float
    is_encoded: bool
    between_faults: float
    batch: int = 64  # of each GPU in the training of record


@dataclass
class Ledger:
    """Seconds of GPUs: of steps that count, of steps made again and restarts, of waiting for data; and when phases ended."""

    useful: float = 0.0
    lost: float = 0.0
    reading: float = 0.0
    ended: dict[str, float] = field(default_factory=dict)
    trial_steps: int = 0


def at_scale() -> config.Params:
    """The parameters of the paper's scale."""
    return config.load(ROOT / "params.yaml", ROOT / "configs" / "paper.yaml")


@cache
def work() -> tuple[float, float, float]:
    """FLOP of a window, forwards and backwards; bytes of its two dancers encoded; bytes of all gradients."""
    params = at_scale()
    representation = make_representation(params.encode.representation, Body.load())
    with torch.device("meta"):
        network = make_denoiser(params.model, representation, NUM_FEATURES)
    count = sum(weights.numel() for weights in network.parameters())
    frames = 2 * params.train.window
    return 6.0 * count * frames, frames * representation.width * 4.0, count * 4.0


class Simulation:
    """One plan on one site."""

    def __init__(self, site: Site, plan: Plan, seed: int) -> None:
        self.site, self.plan = site, plan
        self.random = np.random.default_rng(seed)
        self.clock = simpy.Environment()
        self.halves = simpy.Container(self.clock, capacity=2 * site.gpus, init=2 * site.gpus)
        self.readers = 0.0
        self.ledger = Ledger()
        self.flop, self.encoded, self.gradients = work()
        self.params = at_scale()

    def run(self) -> Ledger:
        self.clock.run(self.clock.process(self.phases()))
        return self.ledger

    def phases(self) -> Iterator[simpy.Event]:
        """The sweep, the training of record, the ablations: one after the other, for each needs what the last one found."""
        yield from self.phase("sweep", self.sweep())
        windows = HOURS * 3600 * 30 / self.params.train.stride
        for name, jobs, gpus, steps, batch in (
            ("training", 1, self.site.gpus, EPOCHS * windows / (self.site.batch * self.site.gpus), self.site.batch),
            ("ablations", ROWS * SEEDS, 1, ROW_EPOCHS * windows / 64, 64),
        ):
            yield from self.phase(name, [self.job(2 * gpus, int(steps), batch) for _ in range(jobs)])

    def phase(self, name: str, jobs: list[Iterator[simpy.Event]]) -> Iterator[simpy.Event]:
        yield simpy.AllOf(self.clock, [self.clock.process(job) for job in jobs])
        self.ledger.ended[name] = self.clock.now

    def sweep(self) -> list[Iterator[simpy.Event]]:
        """Trials whose error falls to a floor of their own; Ray's scheduler hears of it and says who goes on."""
        judge = scheduler(self.plan)
        judge.set_search_properties(self.plan.metric, self.plan.mode)
        trials = [SimpleNamespace(trial_id=str(number)) for number in range(self.plan.trials)]

        def goes_on(trial: SimpleNamespace, floor: float, pace: float) -> Iterator[simpy.Event]:
            def tell(step: int) -> bool:
                self.ledger.trial_steps += CHUNK
                if step % self.params.train.validate_every:
                    return True
                error = floor + (1.0 - floor) * np.exp(-step / pace) + self.random.normal(0.0, 0.01)
                return judge.on_trial_result(None, trial, {"step": step, self.plan.metric: error}) != "STOP"

            yield from self.job(round(2 * self.plan.gpus), self.plan.steps, 64, tell)

        for trial in trials:
            judge.on_trial_add(None, trial)
        return [goes_on(trial, self.random.uniform(0.05, 0.4), self.random.uniform(500, 4000)) for trial in trials]

    def job(self, halves: int, steps: int, batch: int, tell: Callable[[int], bool] | None = None) -> Iterator[simpy.Event]:
        """Some steps of a batch on each GPU, once there is room; what a fault takes is done again from the checkpoint."""
        yield self.halves.get(halves)
        gpus, done, saved, told = halves / 2, 0, 0, 0
        unsaved = Counter[str]()  # seconds that a fault would make worthless
        every = self.params.train.checkpoint_every
        fault = self.next_fault(gpus)
        while done < steps:
            span, waiting = self.chunk(gpus, batch)
            self.readers += gpus
            yield self.clock.timeout(span)
            self.readers -= gpus
            if self.clock.now >= fault:
                self.ledger.useful -= unsaved["useful"]
                self.ledger.reading -= unsaved["reading"]
                self.ledger.lost += unsaved.total() + gpus * (span + RESTART)
                unsaved.clear()
                done = saved
                yield self.clock.timeout(RESTART)
                fault = self.next_fault(gpus)
                continue
            done += CHUNK
            self.ledger.useful += gpus * (span - waiting)
            self.ledger.reading += gpus * waiting
            unsaved.update(useful=gpus * (span - waiting), reading=gpus * waiting)
            if done % every == 0:
                saved = done
                unsaved.clear()
            if tell is not None and done > told:
                told = done
                if not tell(done):
                    break
        yield self.halves.put(halves)

    def next_fault(self, gpus: float) -> float:
        return self.clock.now + self.random.exponential(self.site.between_faults * 3600 / gpus)

    def chunk(self, gpus: float, batch: int) -> tuple[float, float]:
        """Seconds of a chunk of steps, and those of them in which GPUs wait for data."""
        compute = batch * self.flop / SPEED / min(gpus, 1.0)  # half a GPU takes twice as long
        if gpus > 1:
            speed = WITHIN if gpus <= OF_A_MACHINE else BETWEEN
            compute += 2.0 * (gpus - 1) / gpus * self.gradients / speed  # a ring's exchange, after the backward pass
        read = batch * (self.encoded if self.site.is_encoded else PARAMETER_BYTES)
        # Each of those who read now has its share.
        reading = read * max(1.0, (self.readers + gpus) / max(gpus, 1.0)) * max(gpus, 1.0) / self.site.storage
        step = max(compute, reading)
        return CHUNK * step, CHUNK * (step - compute)


def main() -> None:
    """Print what a plan takes on several sites."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--hours-between-faults", type=float, default=500.0, help="of one GPU")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    plan = read_plan(ROOT / "configs" / "sweep" / "cluster.yaml")
    base = Site("body parameters", chosen.gpus, 5e9, False, chosen.hours_between_faults)
    sites = [
        replace(base, name="encoded, network storage 5 GB/s", is_encoded=True),
        replace(base, name="encoded, local disks 6 GB/s", is_encoded=True, storage=6e9 * max(1, chosen.gpus // OF_A_MACHINE)),
        base,
        replace(base, name="the same, batch 64 shared", batch=64 // chosen.gpus or 1),
        replace(base, name="the same, spot: a fault in 20 h", between_faults=20.0),
        replace(base, name="the same, no faults", between_faults=1e9),
        replace(base, name=f"the same, {2 * chosen.gpus} GPUs", gpus=2 * chosen.gpus),
        replace(base, name=f"the same, {8 * chosen.gpus} GPUs", gpus=8 * chosen.gpus),
    ]
    table = Table("site", "sweep, h", "training, h", "ablations, h", "all, h", "GPU-hours", "idle", "reading", "made again")
    for site in track(sites, "plans", console=Console(stderr=True), transient=True):
        simulation = Simulation(site, plan, chosen.seed)
        ledger = simulation.run()
        ends = [0.0, *ledger.ended.values()]
        used, paid = ledger.useful + ledger.lost + ledger.reading, ends[-1] * site.gpus
        shares = [(paid - used) / paid, ledger.reading / paid, ledger.lost / paid]
        hours = [(after - before) / 3600 for before, after in zip(ends, ends[1:], strict=False)]
        table.add_row(
            site.name,
            *(f"{value:.1f}" for value in (*hours, ends[-1] / 3600)),
            f"{paid / 3600:.0f}",
            *(f"{share:.1%}" for share in shares),
        )
    Console().print(table)
    flop, encoded, gradients = work()
    Console().print(
        f"a window: {flop / 1e12:.2f} TFLOP, {encoded / 1e6:.1f} MB encoded; gradients {gradients / 1e9:.2f} GB; "
        f"the sweep's trials made {ledger.trial_steps / (plan.trials * plan.steps):.0%} of all their steps"
    )


if __name__ == "__main__":
    main()
