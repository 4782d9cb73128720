"""The flow ``pipeline``: every stage in order, each a task with one retry.

    python -m flows.pipeline [--overlay configs/salsa.yaml] [--name salsa]

A task runs its stage through DVC, so that ``dvc.lock`` is written and ``dvc status`` is clean afterwards; what is up to
date is skipped. Without a server Prefect starts one for the time of the flow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.command_line import run_from_the_command_line
from flows.tasks import show_figures, stage
from interdance import workspace
from interdance.stages import STAGES


@flow(name="pipeline")
def pipeline(
    overlay: list[str] | None = None,
    name: str | None = None,
    workers: Annotated[int, Field(ge=1)] = 1,
    project: str = ".",
) -> str:
    """Takes, music, split, encode, card, statistics, train, reference, generate, evaluate, report.

    Parameters
    ----------
    overlay : YAML laid over ``params.yaml``, in order; the run then has a private folder.
    name : that folder's name below ``runs/``; the overlays' by default.
    workers : processes that train together, here or on the Ray cluster of ``RAY_ADDRESS``.
    project : where ``params.yaml`` and ``dvc.yaml`` are.

    Returns
    -------
    str
        The folder that it ran in.
    """
    root = workspace.prepare(Path(project), *(Path(project, each) for each in overlay or ()), name=name)
    for each in STAGES:
        stage.with_options(name=each, task_run_name=each)(root, each, workers if each == "train" else 1)
    show_figures(root)
    return str(root)


if __name__ == "__main__":
    run_from_the_command_line(pipeline)
