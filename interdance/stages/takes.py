"""The takes of a data set in one form, ``data/takes/<set>/<take>/``: choreographed, or imported."""

from __future__ import annotations

import logging

from interdance.body.model import Body
from interdance.choreography.generate import choreograph
from interdance.config import Params, Paths
from interdance.importers.run import Reading, import_takes
from interdance.kept import Kept
from interdance.stages import execute_per_set

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths, name: str) -> None:
    """Write the takes of a set; those that an earlier run made from the same files are not made again.

    Raises
    ------
    InputError
        When the folder does not exist or holds no take that can be used.
    """
    settings, out = params.sets[name], paths.takes / name
    kept = Kept(paths.kept / "takes" / name)
    if settings.source == "choreography":
        body = Body.load(params.body.model)
        choreograph(params.choreography, body, params.data.fps, out, progress=_tell, kept=kept)
        return
    reading = Reading(
        importer=settings.source,
        body=params.body.model,
        fps=params.data.fps,
        genre=settings.genre,
        tolerance_s=params.music.tolerance_s,
        limits=params.quality,
    )
    import_takes(
        paths.root / settings.folder,
        out,
        reading,
        music=paths.root / settings.music if settings.music != settings.folder else None,
        takes=settings.takes,
        workers=params.data.workers,
        kept=kept,
        progress=_tell,
    )


def _tell(done: int, total: int, name: str) -> None:
    logger.info("%d of %d: %s", done, total, name)


def main() -> None:
    """Run the stage in the current folder."""
    execute_per_set(run)


if __name__ == "__main__":
    main()
