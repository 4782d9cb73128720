"""Music features of every take of a data set, a row per frame of its motion: ``data/music/<set>/<take>.npy``."""

from __future__ import annotations

import logging

import numpy as np

from interdance.config import Params, Paths
from interdance.errors import InputError
from interdance.files import atomic_folder
from interdance.kept import Kept, key_of
from interdance.music.features import music_features
from interdance.stages import execute_per_set
from interdance.takes import list_takes, read_take

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths, name: str) -> None:
    """Analyse the song of every take of a set that has one.

    Raises
    ------
    InputError
        When a take's motion runs at another rate than ``data.fps``, or its song cannot be used
        (:func:`interdance.music.features.music_features`).
    """
    takes = list_takes(paths.takes / name)
    kept = Kept(paths.kept / "music" / name)
    fps, hop, tolerance_s = params.data.fps, params.music.hop, params.music.tolerance_s
    with atomic_folder(paths.music / name) as folder:
        for take in takes:
            duet = read_take(paths.takes / name / take)
            if duet.music is None:
                continue
            if duet.leader.fps != fps:
                raise InputError(f"take {take}: {duet.leader.fps:g} frames per second, data.fps is {fps}")
            out = folder / f"{take}.npy"
            key = key_of([fps, hop, tolerance_s, duet.leader.num_frames], [duet.music])
            if not kept.restore(key, out):
                np.save(out, music_features(duet.music, duet.leader.num_frames, fps, hop, tolerance_s))
                kept.keep(key, out)
        logger.info("music features of %d of %d takes", len(list(folder.iterdir())), len(takes))
    kept.prune()


def main() -> None:
    """Run the stage in the current folder."""
    execute_per_set(run)


if __name__ == "__main__":
    main()
