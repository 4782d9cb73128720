"""Takes of one form, ``data/takes/<take>/``: synthetic couples, or a folder of captured ones (``data.source``)."""

from __future__ import annotations

import logging
from pathlib import Path

from interdance.body.model import Body
from interdance.choreography.generate import choreograph
from interdance.config import Params, Paths
from interdance.mocap.folder import import_folder
from interdance.stages import execute

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths) -> None:
    """Write the takes.

    Raises
    ------
    InputError
        When the folder does not exist, holds no whole take, or a take in it is defective.
    """
    body = Body.load(Path(params.body.model) if params.body.model else None)
    if params.data.source == "synthetic":
        choreograph(params.choreography, body, params.data.fps, paths.takes, progress=_tell)
    else:
        import_folder(
            paths.root / params.data.folder,
            paths.takes,
            body,
            fps=params.data.fps,
            genre=params.data.genre,
            tolerance_s=params.music.tolerance_s,
            music_folder=paths.root / params.data.music,
            takes=params.data.takes or None,
        )


def _tell(done: int, total: int, name: str) -> None:
    logger.info("%d of %d: %s", done, total, name)


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
