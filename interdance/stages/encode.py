"""Both dancers of every take in the canonical representation: ``data/encoded/<take>/{leader,follower}.npy``."""

from __future__ import annotations

import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch

from interdance.body.model import Body
from interdance.config import EncodeParams, Params, Paths
from interdance.errors import InputError
from interdance.files import atomic_folder, write_json
from interdance.representation.canonical import encode
from interdance.representation.contact import foot_contact, partner_contacts
from interdance.stages import execute
from interdance.takes import list_takes, read_take

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths) -> None:
    """Encode every take, ``encode.workers`` at a time; the result does not depend on how many.

    Raises
    ------
    InputError
        When a take has no follower, or its two dancers differ in length or rate.
    """
    names = list_takes(paths.takes)
    settings = params.encode
    with atomic_folder(paths.encoded) as folder:
        jobs = [(paths.takes / name, folder / name, params.body.model, settings) for name in names]
        if settings.workers <= 1:
            for job in jobs:
                encode_take(*job)
        else:
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(settings.workers, mp_context=context, initializer=_one_thread) as pool:
                for future in [pool.submit(encode_take, *job) for job in jobs]:
                    future.result()
    logger.info("encoded %d takes", len(names))


def encode_take(take: Path, out: Path, body_model: str, settings: EncodeParams) -> None:
    """Encode one take into a folder: both dancers in the take's own world, float32, and its facts.

    Raises
    ------
    InputError
        As :func:`run`.
    """
    duet = read_take(take)
    if duet.follower is None:
        raise InputError(f"{take}: no follower.npz; a take without a follower cannot be trained on, move it away")
    for what, ours, theirs in (
        ("frames", duet.leader.num_frames, duet.follower.num_frames),
        ("frames per second", duet.leader.fps, duet.follower.fps),
    ):
        if ours != theirs:
            raise InputError(f"{take}: the leader has {ours:g} {what}, the follower {theirs:g}; cut both alike")
    body = Body.load(Path(body_model) if body_model else None)
    points = [body.points(motion) for motion in (duet.leader, duet.follower)]
    touching = partner_contacts(points[0], points[1], settings.partner_distance)
    out.mkdir(parents=True)
    for role, points_TP3, touching_TP in zip(("leader", "follower"), points, touching, strict=True):
        standing_T4 = foot_contact(points_TP3, duet.leader.fps, settings.foot_height, settings.foot_speed)
        np.save(out / f"{role}.npy", encode(points_TP3, standing_T4, touching_TP, body.anchor_P))
    facts = {"genre": duet.genre, "fps": duet.leader.fps, "num_frames": duet.leader.num_frames}
    write_json(out / "facts.json", facts)


def _one_thread() -> None:
    torch.set_num_threads(1)


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
