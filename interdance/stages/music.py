"""Music features of every take, a row per frame of its motion: ``data/music/<take>.npy``."""

from __future__ import annotations

import logging

import numpy as np

from interdance.config import Params, Paths
from interdance.errors import InputError
from interdance.files import atomic_folder
from interdance.music.features import music_features
from interdance.stages import execute
from interdance.takes import list_takes, read_take

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths) -> None:
    """Analyse the song of every take.

    Raises
    ------
    InputError
        When a take has no song, its motion runs at another rate than ``data.fps``, or the song cannot be used
        (:func:`interdance.music.features.music_features`).
    """
    names = list_takes(paths.takes)
    with atomic_folder(paths.music) as folder:
        for name in names:
            duet = read_take(paths.takes / name)
            if duet.music is None:
                raise InputError(f"take {name}: no song; put <take>.ogg, .wav or .mp3 beside its motions")
            if duet.leader.fps != params.data.fps:
                raise InputError(f"take {name}: {duet.leader.fps:g} frames per second, data.fps is {params.data.fps}")
            features = music_features(
                duet.music,
                duet.leader.num_frames,
                fps=params.data.fps,
                hop=params.music.hop,
                tolerance_s=params.music.tolerance_s,
            )
            np.save(folder / f"{name}.npy", features)
    logger.info("music features of %d takes", len(names))


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
