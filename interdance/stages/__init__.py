"""One module per DVC stage: ``run(params, paths)`` does the work, ``main()`` runs it in the current folder.

Every stage module ends alike::

    def main() -> None:
        execute(run)


    if __name__ == "__main__":
        main()
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from interdance import config
from interdance.config import Params, Paths
from interdance.errors import InputError

#: The order in which data walk from one stage to the next; the names are modules here and stages in ``dvc.yaml``.
STAGES = ("takes", "music", "split", "encode", "statistics", "train", "reference", "generate", "evaluate", "report")


def execute(run: Callable[[Params, Paths], None]) -> None:
    """Run a stage in the current folder with its ``params.yaml``; log to stderr.

    An :class:`InputError` becomes one sentence on stderr and exit code 2: it is the user's to cure, and a traceback
    would hide the sentence.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S")
    root = Path.cwd()
    try:
        run(config.load(root / "params.yaml"), Paths(root))
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None
