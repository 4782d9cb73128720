"""Divide the takes into training, validation and test: ``data/split.json``."""

from __future__ import annotations

import logging

from interdance.config import Params, Paths
from interdance.dataset.catalogue import read_catalogue
from interdance.dataset.split import split_takes, write_split
from interdance.stages import execute

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths) -> None:
    """Split by genre, as :mod:`interdance.dataset.split` explains."""
    takes = read_catalogue(paths.takes)
    settings = params.split
    parts = split_takes(takes, settings.test, settings.validation, settings.assign, settings.seed)
    write_split(paths.split, parts, takes)
    logger.info("%s", ", ".join(f"{part}: {len(names)} takes" for part, names in parts.items()))


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
