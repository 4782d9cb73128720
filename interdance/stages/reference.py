"""The reference set of FID and Div: clips of the followers of the training and test takes."""

from __future__ import annotations

import logging

from interdance.config import Params, Paths
from interdance.dataset.split import read_split
from interdance.evaluation.project import reading_of, settings_of, take_files
from interdance.evaluation.reference_set import collect_reference
from interdance.metrics.reference import write_reference
from interdance.stages import execute

log = logging.getLogger(__name__)

PARTS = ("train", "test")


def run(params: Params, paths: Paths) -> None:
    """Write ``data/reference.npz`` from ``data/takes`` and the split."""
    split = read_split(paths.split)
    takes = [take_files(paths.takes, take, None, ()) for part in PARTS for take in split[part]]
    reference = collect_reference(takes, settings_of(params), reading_of(params), params.evaluate.workers)
    about = reference.about | {"takes": {part: split[part] for part in PARTS}}
    write_reference(paths.reference, reference.clips, about)
    log.info("reference set %s: %d clips of %d takes", reference.fingerprint, len(reference.clips), len(takes))


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
