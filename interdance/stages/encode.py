"""Both dancers of every take of a set, written as ``encode.representation`` says:
``data/encoded/<set>/<take>/{leader,follower}.npy``.

With ``augment.mirror`` the couple in the mirror, too: ``mirrored/{leader,follower}.npy`` beside them.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from interdance.body.mirror import mirror_motion
from interdance.body.model import Body
from interdance.config import EncodeParams, Params, Paths
from interdance.errors import InputError
from interdance.files import atomic_folder, write_json
from interdance.kept import Kept, key_of
from interdance.processes.pool import process_pool
from interdance.representation.contact import observe, partner_contacts
from interdance.representation.registry import make_representation
from interdance.stages import execute_per_set
from interdance.takes import Motion, list_takes, read_take

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths, name: str) -> None:
    """Encode every couple of a set, ``encode.workers`` at a time; the result does not depend on how many.

    Raises
    ------
    InputError
        When the two dancers of a take differ in length or rate.
    """
    takes = [take for take in list_takes(paths.takes / name) if (paths.takes / name / take / "follower.npz").is_file()]
    kept = Kept(paths.kept / "encoded" / name)
    settings = replace(params.encode, workers=1)
    body = Body.load(params.body.model).body_hash
    mirror = params.augment.mirror
    with atomic_folder(paths.encoded / name) as folder:
        missing = {}  # before there is a pool: keys are of the code that is loaded, and a cluster's is more
        for take in takes:
            read = [paths.takes / name / take / part for part in ("leader.npz", "follower.npz", "take.json")]
            key = key_of([settings, mirror, body], read)
            if not kept.restore(key, folder / take):
                missing[take] = key
        if missing:
            with process_pool(params.encode.workers) as pool:
                made = {
                    take: pool.submit(
                        encode_take, paths.takes / name / take, folder / take, params.body.model, settings, mirror
                    )
                    for take in missing
                }
                for take, key in missing.items():
                    made[take].result()
                    kept.keep(key, folder / take)
        logger.info("encoded %d takes, %d of them anew", len(takes), len(missing))
    kept.prune()


def encode_take(take: Path, out: Path, body_model: str, settings: EncodeParams, mirror: bool) -> None:
    """Encode one take into a folder: both dancers in the take's own world, float32, its facts, and on demand its image.

    Raises
    ------
    InputError
        As :func:`run`.
    """
    duet = read_take(take)
    if duet.follower is None:
        raise InputError(f"{take}: no follower.npz; only a couple can be encoded")
    for what, ours, theirs in (
        ("frames", duet.leader.num_frames, duet.follower.num_frames),
        ("frames per second", duet.leader.fps, duet.follower.fps),
    ):
        if ours != theirs:
            raise InputError(f"{take}: the leader has {ours:g} {what}, the follower {theirs:g}; cut both alike")
    body = Body.load(body_model)
    couple = [duet.leader, duet.follower]
    _write(out, couple, body, settings)
    if mirror:
        _write(out / "mirrored", [mirror_motion(motion, body) for motion in couple], body, settings)
    facts = {"genre": duet.genre, "fps": duet.leader.fps, "num_frames": duet.leader.num_frames}
    write_json(out / "facts.json", facts)


def _write(out: Path, couple: list[Motion], body: Body, settings: EncodeParams) -> None:
    representation = make_representation(settings.representation, body)
    points = [body.points(motion) for motion in couple]
    touching = partner_contacts(points[0], points[1], settings.partner_distance)
    out.mkdir(parents=True, exist_ok=True)  # a cluster does again what died with its machine
    for role, motion, points_TP3, touching_TP in zip(("leader", "follower"), couple, points, touching, strict=True):
        np.save(out / f"{role}.npy", representation.encode(observe(motion, points_TP3, settings, touching_TP)))


def main() -> None:
    """Run the stage in the current folder."""
    execute_per_set(run)


if __name__ == "__main__":
    main()
