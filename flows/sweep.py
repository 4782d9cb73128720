"""The flow ``sweep``: settings of the training searched on Ray, the best written as an overlay.

python -m flows.sweep --plan configs/sweep/small.yaml
"""

from __future__ import annotations

import csv
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_table_artifact

from flows.command_line import run_from_the_command_line
from flows.tasks import command, options, printed, show_records


@flow(name="sweep")
def sweep(plan: str, overlay: list[str] | None = None, name: str | None = None, project: str = ".") -> None:
    """Search settings of the training.

    Parameters
    ----------
    plan : what is searched for and how, such as ``configs/sweep/small.yaml``.
    overlay, name, project : as of the pipeline.
    """
    place = Path(project).resolve()
    trials = printed(command.with_options(name="sweep")(place, ["sweep", plan, *options(overlay, name)]), "trials")
    with trials.open(newline="") as stream:
        create_table_artifact(list(csv.DictReader(stream)), key="trials", description=f"Best first: {trials.parent}")
    show_records(place)


if __name__ == "__main__":
    run_from_the_command_line(sweep)
