"""Followers for the leaders of the test takes, by our method and by what it is compared with.

``generated/<system>/seed_<n>/<take>``, or ``generated/<system>/<take>`` where nothing is drawn at random. Systems:
``interdance`` (trained, guided; left out where the representation cannot be guided), ``unguided`` (the same weights and
noise without guidance), ``untrained`` (weights by lot, as a training begins that goes on from none), ``nn_motion``
(Appendix A; beside the canonical representation alone, since it depends on none, and where a training take fills a clip).
In the duet task the takes give their music alone, each follower lies beside her own leader, and what needs a given leader
is left out, guidance and ``nn_motion``: ``duet.interdance`` and ``duet.untrained`` remain.
"""

from __future__ import annotations

import itertools
import logging
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from interdance.baselines.nn_motion import NearestMotion
from interdance.body.model import Body
from interdance.body.pose import fit_motion
from interdance.config import Params, Paths
from interdance.dataset.split import read_split
from interdance.dataset.windows import open_encoded
from interdance.device import best_device
from interdance.files import atomic_folder
from interdance.generation.generate import advance, generate_couple, generate_follower, without_guidance
from interdance.representation.base import Representation
from interdance.representation.canonical import Canonical
from interdance.stages import execute
from interdance.takes import write_motion
from interdance.trained import TrainedModel, load_model, start_denoiser

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths) -> None:
    """Generate the follower of every test take with every system."""
    body = Body.load(params.body.model)
    split = read_split(paths.split)
    trained = load_model(paths.model, body)
    representation = trained.representation
    denoiser = start_denoiser(replace(params, model=trained.params.model), representation, trained.statistics)
    untrained = replace(trained, denoiser=denoiser.eval())
    if trained.params.model.task == "duet":
        _couples(params, paths, body, split["test"], {"duet.interdance": trained, "duet.untrained": untrained})
        return
    library: NearestMotion | None = None
    lengths = [len(_encoded(paths, take, "leader", representation)) for take in split["train"]]
    if isinstance(representation, Canonical) and max(lengths, default=0) >= params.evaluate.clip_frames:
        couples = (
            (_encoded(paths, take, "leader", representation), _encoded(paths, take, "follower", representation))
            for take in split["train"]
        )
        library = NearestMotion(couples, clip_frames=params.evaluate.clip_frames, stride=params.train.stride)
    none, device = without_guidance(params.guidance), best_device()
    systems = {"interdance": (trained, params.guidance), "unguided": (trained, none), "untrained": (untrained, none)}
    if not representation.can_be_guided:
        del systems["interdance"]
    with atomic_folder(paths.generated) as out:
        for take in split["test"]:
            leader_TC = np.array(_encoded(paths, take, "leader", representation))
            music_TA = np.load(paths.music / f"{take}.npy", allow_pickle=False)
            for system, (model, guidance) in systems.items():
                for seed in params.sample.seeds:
                    started = time.monotonic()
                    with tqdm(desc=f"{take} {system} {seed}", unit="step", leave=False) as bar:
                        generated = generate_follower(
                            model,
                            body,
                            leader_TC,
                            music_TA,
                            sampling=params.sample,
                            guidance=guidance,
                            seed=seed,
                            device=device,
                            report=partial(advance, bar),
                        )
                    _say(take, system, seed, len(leader_TC) / params.data.fps, started)
                    folder = out / system / f"seed_{seed}" / take
                    _write(folder, generated.points_TP3)
                    if system == "interdance":
                        motion, _ = fit_motion(generated.points_TP3, body, fps=params.data.fps)
                        write_motion(folder / "follower.npz", motion)
            if library is not None:
                answer_TC = torch.from_numpy(library.follow(leader_TC))
                _write(out / "nn_motion" / take, representation.complete(answer_TC))


def _couples(params: Params, paths: Paths, body: Body, takes: list[str], systems: dict[str, TrainedModel]) -> None:
    """Both dancers for the music of every take."""
    device = best_device()
    with atomic_folder(paths.generated) as out:
        for take, (system, model), seed in itertools.product(takes, systems.items(), params.sample.seeds):
            music_TA = np.load(paths.music / f"{take}.npy", allow_pickle=False)
            started = time.monotonic()
            with tqdm(desc=f"{take} {system} {seed}", unit="step", leave=False) as bar:
                couple = generate_couple(
                    model, music_TA, sampling=params.sample, seed=seed, device=device, report=partial(advance, bar)
                )
            _say(take, system, seed, len(music_TA) / params.data.fps, started)
            folder = out / system / f"seed_{seed}" / take
            _write(folder, couple.follower_TP3)
            _write(folder, couple.leader_TP3, "leader_points.npy")
            for role, points_TP3 in (("leader", couple.leader_TP3), ("follower", couple.follower_TP3)):
                motion, residual_T = fit_motion(points_TP3, body, fps=params.data.fps)
                write_motion(folder / f"{role}.npz", motion)
                logger.info("%s: parameters within %.1f mm of the %s's points", take, 1000 * residual_T.mean(), role)


def _say(take: str, system: str, seed: int, dance: float, started: float) -> None:
    logger.info("%s by %s, seed %d: %.1f s of dance in %.1f s", take, system, seed, dance, time.monotonic() - started)


def _encoded(paths: Paths, take: str, role: str, representation: Representation) -> np.ndarray:
    return open_encoded(paths.encoded / take / f"{role}.npy", representation)


def _write(folder: Path, points_TP3: np.ndarray, name: str = "points.npy") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / name, points_TP3.astype(np.float32))


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
