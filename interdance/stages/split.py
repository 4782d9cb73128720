"""Divide the takes of all sets into training, validation and test: ``data/split.json``."""

from __future__ import annotations

import logging

from interdance.body.model import Body
from interdance.config import Params, Paths
from interdance.dataset.catalogue import read_catalogue
from interdance.dataset.duplicates import find_duplicates
from interdance.dataset.split import Shares, split_takes, write_split
from interdance.stages import execute

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths) -> None:
    """Split by genre, as :mod:`interdance.dataset.split` explains, with the same dance never on two sides."""
    takes = read_catalogue(paths.takes, params.sets)
    settings = params.split
    usable = [take.name for take in takes if not take.lacks]
    body = Body.load(params.body.model)
    together = find_duplicates(paths.takes, usable, body, settings.duplicate_distance, settings.duplicate_share)
    for group in together:
        logger.info("kept together, for they show the same dance: %s", ", ".join(group))
    shares = Shares(settings.test, settings.validation, settings.published, settings.assign, settings.seed)
    split = split_takes(takes, shares, together)
    write_split(paths.split, split, takes)
    logger.info("%s", ", ".join(f"{part}: {len(names)} takes" for part, names in split.parts.items()))


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
