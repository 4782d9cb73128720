"""One module per DVC stage: ``run(params, paths)`` does the work, ``main()`` runs it in the current folder.

Every stage module ends alike::

    def main() -> None:
        execute(run)


    if __name__ == "__main__":
        main()

A stage that works on one data set at a time has ``run(params, paths, name)`` and ends in ``execute_per_set(run)``; its
sets are named on the command line, and all are meant when none is.
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
STAGES = (
    *("takes", "music", "split", "encode", "card"),
    *("statistics", "train", "reference", "generate", "evaluate", "report"),
)

#: Those that run once for every data set: ``takes@<set>`` and so on.
PER_SET = ("takes", "music", "encode", "card")


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


def execute_per_set(run: Callable[[Params, Paths, str], None]) -> None:
    """:func:`execute` for the data sets that the command line names, or for all of them."""

    def run_each(params: Params, paths: Paths) -> None:
        for name in sys.argv[1:] or params.sets:
            if name not in params.sets:
                raise InputError(f"{name}: no such data set; 'sets' in params.yaml has {', '.join(params.sets)}")
            run(params, paths, name)

    execute(run_each)
