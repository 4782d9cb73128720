"""What sampling costs, and whether long takes hold together: `python benchmarks/sample.py [--model FOLDER]`.

The leader is choreographed, a short dance forwards and backwards again and again, or a file's (`--leader`), which is gone
through likewise. Times are the process's own on a CPU, with one thread, so that a busy machine does not blur the ratios.

cost    seconds for a minute of dance by sampler and steps, without guidance and with it, and where they go: in the network,
        in distances (the leader's field and depths in it), in the search for contact, in the rest;
memory  the largest size of the whole process, and seconds for a minute, by length of the take, each in a process of its own;
seams   of a trained model (`--model`): jerk of the 55 joints at the seams of windows against jerk elsewhere, and how the
        couple's distance drifts. The seams are where a window begins or ends, the jerk that of the four frames around it.

Without `--model` the network is untrained, of the sizes in params.yaml, or with `--size base` those of the paper. What it
predicts is thrown away, after it has taken its time, for the true follower's motion: an untrained network predicts no contact,
and guidance would have nothing to do.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from scipy.spatial.transform import Rotation, Slerp
from scipy.stats import linregress, wilcoxon
from torch import Tensor, nn

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks.train import SIZES, alone, now, peak_memory  # noqa: E402
from interdance import config  # noqa: E402
from interdance.body.distance import LeaderField, TrackedDepth  # noqa: E402
from interdance.body.model import Body  # noqa: E402
from interdance.body.pose import fit_motion  # noqa: E402
from interdance.choreography.duet import generate_duet  # noqa: E402
from interdance.diffusion import guidance  # noqa: E402
from interdance.errors import InputError  # noqa: E402
from interdance.generation.generate import Generated, generate_follower, without_guidance  # noqa: E402
from interdance.generation.long import Windows, blocks  # noqa: E402
from interdance.mocap.retarget import read_leader  # noqa: E402
from interdance.model.denoiser import Denoiser, Prediction  # noqa: E402
from interdance.music.features import music_features  # noqa: E402
from interdance.music.synth import write_track  # noqa: E402
from interdance.representation.base import Representation  # noqa: E402
from interdance.representation.contact import observe, partner_contacts  # noqa: E402
from interdance.representation.floor import facing  # noqa: E402
from interdance.representation.layout import NUM_JOINTS  # noqa: E402
from interdance.representation.normalize import Statistics, measure, measure_music  # noqa: E402
from interdance.representation.registry import make_representation  # noqa: E402
from interdance.takes import Motion, write_motion  # noqa: E402
from interdance.trained import TrainedModel, load_model, start_denoiser  # noqa: E402

PARTS = ("cost", "memory", "seams")
SAMPLERS = ("ddim:5", "ddim:10", "ddim:20", "ddim:50", "dpm_solver:5", "dpm_solver:10", "dpm_solver:20")
SPENT = ("network", "distances", "contact")
DANCE_S = 10.0
SEED = 5
BETWEEN = 30  # frames from the last pose of a leader to the first one of the next


@dataclass(frozen=True)
class Couple:
    """A leader (T, C) and his music (T, 35), with the true follower (T, C) where there is one; and where the dance turns."""

    leader_TC: np.ndarray
    music_TA: np.ndarray
    follower_TC: np.ndarray | None
    turns: np.ndarray


@dataclass(frozen=True)
class Bench:
    """A model and what it is to be sampled with."""

    model: TrainedModel
    body: Body
    params: config.Params
    couple: Couple
    device: str

    @property
    def seconds(self) -> float:
        return len(self.couple.leader_TC) / self.params.data.fps

    def blocks(self) -> list[tuple[int, int]]:
        """First frames and ends of the blocks that the take is generated in."""
        return blocks(len(self.couple.leader_TC), self.params.sample)

    def windows(self, num_frames: int) -> Windows:
        """The windows that a block is generated in."""
        sampling, statistics = self.params.sample, self.model.statistics.to(self.device)
        kind = self.model.representation
        return Windows(kind, num_frames, statistics, window=sampling.window, overlap=sampling.overlap)

    def truth(self, block: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The true follower of a block and the labels of the leader's points, window by window."""
        kind, labels = self.model.representation, self.model.representation.layout["partner_contact"]
        assert self.couple.follower_TC is not None
        leader, follower = (
            torch.from_numpy(kind.clip(x_TC, *block)).to(self.device)
            for x_TC in (self.couple.leader_TC, self.couple.follower_TC)
        )
        windows = self.windows(len(leader))
        windows.follow(leader)
        return windows.split(follower, "follower"), windows.cut(leader[:, labels])

    def generate(self, sampler: str, *, guided: bool) -> Generated:
        """The follower by ``<sampler>:<steps>``."""
        name, _, steps = sampler.partition(":")
        sampling = replace(self.params.sample, sampler=name, steps=int(steps))
        model = self.model
        if self.couple.follower_TC is not None:
            model = replace(model, denoiser=Told(self, int(steps)))
        return generate_follower(
            model,
            self.body,
            self.couple.leader_TC,
            self.couple.music_TA,
            sampling=sampling,
            guidance=self.params.guidance if guided else without_guidance(self.params.guidance),
            seed=SEED,
            device=self.device,
        )


class Told(nn.Module):
    """A network that takes its time and is then told the truth, window by window in the order in which it is asked."""

    def __init__(self, bench: Bench, steps: int) -> None:
        super().__init__()
        self.bench, self.network, self.steps = bench, bench.model.denoiser, steps
        self.blocks = bench.blocks()
        self.block, self.step, self.first = 0, 0, 0

    def forward(self, x_n_BTC: Tensor, n_B: Tensor, music_BTA: Tensor, leader_BTC: Tensor) -> Prediction:
        self.network(x_n_BTC, n_B, music_BTA, leader_BTC)
        if self.step == 0 and self.first == 0:
            self.true_WTC, self.touched_WTP = self.bench.truth(self.blocks[self.block])
        part = slice(self.first, self.first + len(x_n_BTC))
        self.first = part.stop % len(self.true_WTC)
        if self.first == 0:
            self.step = (self.step + 1) % self.steps
            self.block += self.step == 0
        return Prediction(self.true_WTC[part], self.touched_WTP[part])


def make_bench(arguments: argparse.Namespace, seconds: float) -> Bench:
    """The model that is asked for, and a leader who dances for so long."""
    params = config.load(REPOSITORY / "params.yaml", *(REPOSITORY / overlay for overlay in SIZES[arguments.size]))
    body = Body.load()
    model = load_model(arguments.model, body) if arguments.model else None
    fps, encode = params.data.fps, (model.params if model else params).encode
    representation = make_representation(encode.representation, body)
    with tempfile.TemporaryDirectory() as name:
        dance = generate_duet(arguments.genre, DANCE_S, SEED, body, fps)
        write_track(Path(name) / "song.flac", dance.track)
        music_TA = music_features(
            Path(name) / "song.flac", dance.leader.num_frames, fps, params.music.hop, params.music.tolerance_s
        )
    leader = joined([read_leader(path, body, fps=fps) for path in arguments.leader], body) if arguments.leader else dance.leader

    def encoded(motion: Motion, points_TP3: np.ndarray, touching_TP: np.ndarray | None = None) -> np.ndarray:
        """The motion, to and fro."""
        points_TP3 = points_TP3[frames_T]
        motion = replace(motion, rotations_TJ3=motion.rotations_TJ3[frames_T], translation_T3=motion.translation_T3[frames_T])
        touching_TP = None if touching_TP is None else touching_TP[frames_T]
        return representation.encode(observe(motion, points_TP3, encode, touching_TP))

    num_frames = round(seconds * fps)
    frames_T = to_and_fro(num_frames, leader.num_frames)
    turns = np.flatnonzero(np.diff(np.diff(frames_T))) + 1
    song_TA = music_TA[to_and_fro(num_frames, len(music_TA))]
    if model is not None:
        couple = Couple(encoded(leader, body.points(leader)), song_TA, None, turns)
        return Bench(model, body, params, couple, arguments.device)
    points = [body.points(motion) for motion in (dance.leader, dance.follower)]
    touching = partner_contacts(points[0], points[1], encode.partner_distance)
    leader_TC, follower_TC = map(encoded, (dance.leader, dance.follower), points, touching)
    couple = Couple(leader_TC, song_TA, follower_TC, turns)
    return Bench(start_model(params, representation, couple), body, params, couple, arguments.device)


def joined(motions: list[Motion], body: Body) -> Motion:
    """Dances one after the other: each goes on where the one before stands and faces, after a second between their poses."""
    whole = motions[0]
    for motion in motions[1:]:
        (here, there), rest = (body.joints(part) for part in (whole[-1:], motion[:1])), body.rest_joints(motion.betas)[0]
        turned = Rotation.from_rotvec([0.0, float(facing(here)[0] - facing(there)[0]), 0.0])
        place = turned.apply(motion.translation_T3 + rest)
        place += (here[0, 0] - place[0]) * [1.0, 0.0, 1.0] - rest
        rotations = motion.rotations_TJ3.copy()
        rotations[:, 0] = (turned * Rotation.from_rotvec(rotations[:, 0])).as_rotvec()
        share = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, BETWEEN + 1) / (BETWEEN + 1))
        ends = np.stack([whole.rotations_TJ3[-1], rotations[0]])
        bridge = np.stack([Slerp([0, 1], Rotation.from_rotvec(ends[:, joint]))(share).as_rotvec() for joint in range(55)], 1)
        path = whole.translation_T3[-1] + share[:, None] * (place[0] - whole.translation_T3[-1])
        whole = replace(
            whole,
            rotations_TJ3=np.concatenate([whole.rotations_TJ3, bridge, rotations]).astype(np.float32),
            translation_T3=np.concatenate([whole.translation_T3, path, place]).astype(np.float32),
        )
    return whole


def start_model(params: config.Params, representation: Representation, couple: Couple) -> TrainedModel:
    """An untrained network, and statistics of the couple in windows."""
    settings, generator = params.statistics, torch.Generator().manual_seed(0)
    window = min(params.train.window, len(couple.leader_TC))
    dancers = []
    for x_TC in map(torch.from_numpy, (couple.leader_TC, couple.follower_TC)):
        starts = range(0, len(x_TC) - window + 1, window)[:10]
        clips = [representation.clip(x_TC, start, start + window) for start in starts]
        dancers.append(
            measure(
                [representation.rebase(clip, representation.leader_frame(clip)) for clip in clips],
                representation.layout,
                settings.least_std,
                settings.root_gain,
                settings.num_components,
                window,
                generator,
            )
        )
    statistics = Statistics(*dancers, measure_music([torch.from_numpy(couple.music_TA)], settings.least_std))
    denoiser = start_denoiser(params, representation, statistics).eval()
    return TrainedModel(denoiser, representation, statistics, params)


def to_and_fro(num_frames: int, length: int) -> np.ndarray:
    """Frames 0, 1, ... of a motion of ``length`` frames, backwards from its last and forwards again: no jumps."""
    place = np.arange(num_frames) % (2 * (length - 1))
    return np.minimum(place, 2 * (length - 1) - place)


@contextmanager
def watched(device: str) -> Iterator[dict[str, float]]:
    """Seconds that the block spends in :data:`SPENT`, filled in as it runs."""
    spent: dict[str, float] = defaultdict(float)

    def timed(part: str, function: Callable) -> Callable:
        def call(*inputs: object, **named: object) -> object:
            start = now(device)
            try:
                return function(*inputs, **named)
            finally:
                spent[part] += now(device) - start

        return call

    with ExitStack() as stack:
        for part, owner, name in (
            ("network", Denoiser, "forward"),
            ("distances", LeaderField, "__init__"),
            ("distances", TrackedDepth, "__call__"),
            ("contact", guidance, "nearest_pairs"),
        ):
            stack.enter_context(patch.object(owner, name, timed(part, getattr(owner, name))))
        yield spent


def measured(bench: Bench, sampler: str, *, guided: bool) -> tuple[float, dict[str, float]]:
    """Seconds for a minute of dance, and the share of them in each of :data:`SPENT`."""
    with watched(bench.device) as spent:
        start = now(bench.device)
        bench.generate(sampler, guided=guided)
        seconds = now(bench.device) - start
    return 60 * seconds / bench.seconds, {part: spent[part] / seconds for part in SPENT}


def show_cost(arguments: argparse.Namespace) -> None:
    """Print a line per sampler, without guidance and with it."""
    bench = make_bench(arguments, arguments.seconds)
    sizes, sampling = bench.model.params.model, bench.params.sample
    print(
        f"cost: {arguments.model or 'untrained'}, {sizes.blocks} blocks of width {sizes.width}, {bench.seconds:g} s of dance, "
        f"windows {sampling.window}, overlap {sampling.overlap}\n"
        f"{'sampler':>14s} guided {'s/min':>8s} {'x real time':>12s} {'guided/not':>11s}"
        + "".join(f"{part:>11s}" for part in (*SPENT, "rest"))
    )
    bench.generate("ddim:4", guided=True)  # kernels are compiled and files read before anything is timed
    for sampler in arguments.samplers:
        plain = None
        for guided in (False, True) if bench.model.representation.can_be_guided else (False,):
            rate, shares = measured(bench, sampler, guided=guided)
            ratio = f"{rate / plain:11.2f}" if plain else f"{'':11s}"
            plain = rate
            parts = "".join(f"{share:11.0%}" for share in (*shares.values(), 1 - sum(shares.values())))
            print(f"{sampler:>14s} {'yes' if guided else 'no':>6s} {rate:8.1f} {60 / rate:12.2f} {ratio}{parts}", flush=True)
    print()


def measure_alone(arguments: argparse.Namespace) -> None:
    """Print, as JSON, seconds for a minute of a take of one length, and the size that this process has had at most."""
    bench = make_bench(arguments, arguments.alone)
    rate, _ = measured(bench, arguments.samplers[0], guided=bench.model.representation.can_be_guided)
    print(json.dumps({"rate": rate, "bytes": peak_memory(arguments.device)}))


def show_memory(arguments: argparse.Namespace) -> None:
    """Print time and memory of takes of several lengths, each from a process of its own."""
    print(
        f"memory: {arguments.samplers[0]}, guided; the whole process, with the program\n"
        f"{'take, s':>10s} {'GB':>8s} {'ratio':>8s} {'s/min':>8s} {'ratio':>8s}"
    )
    base = None
    for length in arguments.lengths:
        command = [sys.executable, __file__, "--alone", str(length), "--size", arguments.size, "--genre", arguments.genre]
        command += ["--device", arguments.device, "--samplers", arguments.samplers[0]]
        command += ["--model", str(arguments.model)] if arguments.model else []
        command += ["--leader", *map(str, arguments.leader)] if arguments.leader else []
        found = alone(command)
        if isinstance(found, str):
            print(f"{length:10g} {found}")
            continue
        base = base or found
        print(
            f"{length:10g} {found['bytes'] / 1e9:8.2f} {found['bytes'] / base['bytes']:8.2f} {found['rate']:8.1f} "
            f"{found['rate'] / base['rate']:8.2f}",
            flush=True,
        )
    print()


@dataclass(frozen=True)
class Seams:
    """Jerk (m/s^3, mean over joints) at every seam, all that is elsewhere, and by seam the mean of it to the next seams."""

    at_S: np.ndarray
    elsewhere: np.ndarray
    beside_S: np.ndarray

    @staticmethod
    def of(joints_TJ3: np.ndarray, seams: np.ndarray, turns: np.ndarray, fps: int) -> Seams:
        """``seams`` are the first frames after them, ascending; what is within three frames of a turn is left out.

        A third difference spans four frames, so that three of them have a seam within.
        """
        jerk_T = np.linalg.norm(np.diff(joints_TJ3.astype(np.float64), n=3, axis=0) * fps**3, axis=-1).mean(axis=-1)
        frames_T = np.arange(len(jerk_T))
        jerk_T[(np.abs(frames_T[:, None] + 1.5 - turns).min(axis=1, initial=np.inf) < 3)] = np.nan
        at_ST = (frames_T >= seams[:, None] - 3) & (frames_T < seams[:, None])
        is_elsewhere_T = ~at_ST.any(axis=0) & ~np.isnan(jerk_T)
        bounds = np.concatenate([[0], seams, [len(jerk_T)]])
        at, beside = [], []
        for place, inside_T in enumerate(at_ST):
            near_T = is_elsewhere_T & (frames_T >= bounds[place]) & (frames_T < bounds[place + 2])
            if near_T.any() and not np.isnan(jerk_T[inside_T]).any():
                at.append(jerk_T[inside_T].mean())
                beside.append(jerk_T[near_T].mean())
        return Seams(np.array(at), jerk_T[is_elsewhere_T], np.array(beside))


def show_seams(arguments: argparse.Namespace) -> None:
    """Print jerk at seams and elsewhere, and the drift of the distance, of followers and, to compare, of the leader."""
    bench = make_bench(arguments, arguments.seam_seconds)
    kind, fps, sampling = bench.model.representation, bench.params.data.fps, bench.params.sample
    # A block goes on from the end of the one before, less what it makes anew: there is a seam, too.
    pieces = bench.blocks()
    joins = {start + sampling.window for start, _ in pieces[1:]}
    edges = {
        start + edge
        for start, stop in pieces
        for first in bench.windows(stop - start).starts
        for edge in (first, first + sampling.window)
    }
    seams = np.array(sorted((edges | joins) - {0, len(bench.couple.leader_TC)}))
    lead_TJ3 = kind.complete(torch.from_numpy(bench.couple.leader_TC))[:, :NUM_JOINTS]
    print(
        f"seams: {bench.seconds:g} s, {len(seams)} seams, {len(joins)} of them between blocks; jerk in m/s^3, median and 95 % "
        "quantile; p by Wilcoxon's\ntest of each seam against what lies between it and the next ones, which dance alike; drift "
        f"of the distance over the floor\n"
        f"{'':14s} guided {'at seams':>16s} {'elsewhere':>16s} {'ratio':>6s} {'higher at':>10s} {'p':>8s} {'drift cm/min':>13s}"
    )

    def line(name: str, guided: str, joints_TJ3: np.ndarray, drift: str) -> None:
        found = Seams.of(joints_TJ3, seams, bench.couple.turns, fps)
        cells = [f"{np.median(jerk):8.0f}{np.quantile(jerk, 0.95):8.0f}" for jerk in (found.at_S, found.elsewhere)]
        ratio = np.median(found.at_S) / np.median(found.elsewhere)
        higher, p = (found.at_S > found.beside_S).mean(), wilcoxon(found.at_S, found.beside_S).pvalue
        print(f"{name:>14s} {guided:>6s} {cells[0]} {cells[1]} {ratio:6.2f} {higher:10.0%} {p:8.2g} {drift:>13s}", flush=True)

    line("leader", "", lead_TJ3, "")
    minutes = np.arange(len(lead_TJ3)) / fps / 60
    for sampler in arguments.samplers:
        for guided in (False, True) if kind.can_be_guided else (False,):
            points_TP3 = bench.generate(sampler, guided=guided).points_TP3
            joints_TJ3 = points_TP3[:, :NUM_JOINTS]
            apart_T = np.linalg.norm((joints_TJ3 - lead_TJ3)[:, 0, [0, 2]], axis=-1)
            line(sampler, "yes" if guided else "no", joints_TJ3, f"{100 * linregress(minutes, apart_T).slope:+.2f}")
    print()
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        lead_TP3 = kind.complete(torch.from_numpy(bench.couple.leader_TC))
        for name, dancer_TP3 in (("leader", lead_TP3), ("follower", points_TP3)):
            write_motion(arguments.write / f"{name}.npz", fit_motion(dancer_TP3, bench.body, fps=fps)[0])


def main() -> None:
    """Measure the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder of a trained model, instead of an untrained network")
    parser.add_argument("--size", choices=SIZES, default="small", help="params.yaml, or an overlay over it")
    parser.add_argument(
        "--leader", type=Path, nargs="+", help=".bvh or SMPL-X .npz of a leader, several one after the other; with --model"
    )
    parser.add_argument("--write", type=Path, help="folder for leader.npz and follower.npz of the last row of the seams")
    parser.add_argument("--genre", default="waltz", help="of the choreographed dance")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--samplers", nargs="+", default=SAMPLERS, help="<sampler>:<steps>; memory takes the first")
    parser.add_argument("--seconds", type=float, default=10.0, help="of dance, to measure the cost on")
    parser.add_argument("--lengths", type=float, nargs="+", default=[10.0, 60.0, 600.0], help="seconds of dance, for memory")
    parser.add_argument("--seam-seconds", type=float, default=60.0, help="of dance, for seams and drift")
    parser.add_argument("--alone", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.leader and not arguments.model:
        parser.error("--leader: an untrained network is told the true follower, and a file's leader has none; name a --model")
    torch.set_num_threads(1 if arguments.device == "cpu" else torch.get_num_threads())
    try:
        if arguments.alone:
            measure_alone(arguments)
            return
        if "cost" in arguments.parts:
            show_cost(arguments)
        if "memory" in arguments.parts:
            show_memory(arguments)
        if "seams" in arguments.parts and arguments.model:
            show_seams(arguments)
    except InputError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
