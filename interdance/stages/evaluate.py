"""Every system under ``generated/``, and the true followers, measured on the test takes."""

from __future__ import annotations

import logging
from pathlib import Path

from interdance.config import Params, Paths
from interdance.dataset.split import read_split
from interdance.errors import InputError
from interdance.evaluation.project import find_sources, reading_of, settings_of, take_files
from interdance.evaluation.record import write_evaluation
from interdance.evaluation.run import evaluate
from interdance.evaluation.series import write_series
from interdance.evaluation.settings import Statistics
from interdance.evaluation.summary import Evaluation
from interdance.metrics.reference import read_reference
from interdance.stages import execute

log = logging.getLogger(__name__)


def run(params: Params, paths: Paths) -> None:
    """Write ``metrics/`` from ``generated``, the test takes, their music and the reference set."""
    evaluation = measure(params, paths, paths.generated)
    write_series(paths.metrics / "plots", evaluation.series)
    write_evaluation(paths.metrics / "evaluate.json", evaluation)
    about = evaluation.summary
    log.info("%d systems on %d takes: %s", len(about["systems"]), len(about["about"]["takes"]), paths.metrics / "evaluate.json")


def measure(params: Params, paths: Paths, generated: Path) -> Evaluation:
    """The systems of a folder of generated followers, measured on the test takes of ``paths``.

    Raises
    ------
    InputError
        When there is no test take, a system lacks one, or the reference set was cut otherwise.
    """
    names = read_split(paths.split)["test"]
    if not names:
        raise InputError(f"{paths.split}: no test take to measure on; pin one with split.assign")
    sources = find_sources(generated, names, prefers_parameters=params.evaluate.surface == "full")
    takes = [take_files(paths.takes, take, paths.music / f"{take}.npy", sources[take]) for take in names]
    statistics = Statistics(params.evaluate.bootstrap, params.evaluate.seed)
    reference, settings = read_reference(paths.reference), settings_of(params)
    return evaluate(takes, reference, settings, reading_of(params), statistics, params.evaluate.workers)


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
