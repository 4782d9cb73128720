"""Statistics of the training windows: ``data/statistics.npz``."""

from __future__ import annotations

import logging
import math

import numpy as np
import torch

from interdance.body.model import Body
from interdance.config import Params, Paths
from interdance.dataset.split import read_split
from interdance.dataset.windows import windows_of
from interdance.representation.normalize import Statistics, measure, measure_music
from interdance.representation.registry import make_representation
from interdance.stages import execute

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths) -> None:
    """Measure at most ``statistics.num_windows`` windows of the training takes, moved as they are trained on."""
    settings = params.statistics
    takes = read_split(paths.split)["train"]
    representation = make_representation(params.encode.representation, Body.load(params.body.model))
    windows = windows_of(params, representation, paths.encoded, paths.music, takes, None, augmented=True)
    order = np.random.default_rng(settings.seed).permutation(len(windows))
    chosen = np.sort(order[: settings.num_windows]).tolist()
    generator = torch.Generator().manual_seed(settings.seed)
    leader, follower = (
        measure(
            (rows[role][rows["frames"]] for rows in (windows[index] for index in chosen)),
            representation.layout,
            least_std=settings.least_std,
            root_gain=settings.root_gain,
            num_components=settings.num_components,
            num_rows=math.ceil(settings.num_rows / max(1, len(chosen))),
            generator=generator,
        )
        for role in ("leader", "follower")
    )
    music = measure_music((rows["music"][rows["frames"]] for rows in (windows[index] for index in chosen)), settings.least_std)
    Statistics(leader, follower, music).save(paths.statistics)
    for role, part in (("leader", leader), ("follower", follower)):
        share = 100 * float(part.explained_K.sum())
        logger.info("%s: %d components hold %.1f %% of %d windows", role, len(part.explained_K), share, len(chosen))


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
