"""The data card of a set: ``data/cards/<set>/``, figures, a page and a picture of samples."""

from __future__ import annotations

import logging

from interdance.body.model import Body
from interdance.config import Params, Paths
from interdance.datacard.card import make_card, write_card
from interdance.datacard.measure import Settings
from interdance.files import atomic_folder
from interdance.stages import execute_per_set

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths, name: str) -> None:
    """Measure the takes of a set and write its card."""
    body = Body.load(params.body.model)
    settings = Settings.of(params)
    card = make_card(paths.takes / name, body, settings, name=name, workers=params.datacard.workers, progress=_tell)
    with atomic_folder(paths.cards / name) as folder:
        write_card(folder, card, paths.takes / name, body)


def _tell(done: int, total: int) -> None:
    logger.info("%d of %d takes", done, total)


def main() -> None:
    """Run the stage in the current folder."""
    execute_per_set(run)


if __name__ == "__main__":
    main()
