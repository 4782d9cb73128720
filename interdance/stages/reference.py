"""The reference set of FID and Div: clips of the followers of the training and test takes."""

from __future__ import annotations

import logging

from interdance.body.model import Body
from interdance.config import Params, Paths
from interdance.dataset.split import read_split
from interdance.errors import InputError
from interdance.metrics.reference import clip_features, join, write_reference
from interdance.stages import execute
from interdance.takes import read_take

log = logging.getLogger(__name__)

PARTS = ("train", "test")


def run(params: Params, paths: Paths) -> None:
    """Write ``data/reference.npz`` from ``data/takes`` and the split."""
    body = Body.load(params.body.model or None)
    split = read_split(paths.split)
    takes = [take for part in PARTS for take in split[part]]
    features = []
    for number, take in enumerate(takes, 1):
        duet = read_take(paths.takes / take)
        if duet.follower is None:
            raise InputError(f"{paths.takes / take}: no follower.npz; a take without a follower cannot be a reference")
        leader, follower = body.joints(duet.leader), body.joints(duet.follower)
        cutting = params.evaluate.clip_frames, params.evaluate.clip_stride
        features.append(clip_features(take, leader, follower, *cutting))
        log.info("%d/%d %s: %d clips", number, len(takes), take, len(features[-1]))
    about = {
        "takes": {part: split[part] for part in PARTS},
        "clip_frames": params.evaluate.clip_frames,
        "clip_stride": params.evaluate.clip_stride,
        "kinetic": "duolando",
        "geometric": "duolando",
        "body": body.body_hash,
    }
    write_reference(paths.reference, join(features), about)


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
