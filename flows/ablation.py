"""The flow ``ablation``: tables of the paper by name, each row trained over seeds and all measured alike.

python -m flows.ablation --tables losses --tables signals
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from prefect import flow
from prefect.artifacts import create_link_artifact, create_table_artifact

from flows.command_line import run_from_the_command_line
from flows.tasks import command, options, printed
from interdance.files import read_json

Table = Literal["representation", "losses", "guidance", "signals", "sampling"]


@flow(name="ablation")
def ablation(
    tables: list[Table], overlay: list[str] | None = None, name: str | None = None, seeds: str = "1,2,3", project: str = "."
) -> None:
    """Train the rows of ablation tables over seeds on the same takes, and measure them side by side.

    Parameters
    ----------
    tables : representation (Table 4), losses (5), guidance (6), signals (9), sampling.
    seeds : of training and sampling, by commas.
    overlay, name, project : as of the pipeline.
    """
    place = Path(project).resolve()
    told = ["ablate", *tables, *options(overlay, name), "--seeds", seeds]
    page = printed(command.with_options(name="ablation")(place, told), "tables")
    systems = read_json(page.parent / "metrics" / "evaluate.json")["systems"]
    rows = [{"row": row} | values for row, values in systems.items()]
    create_table_artifact(rows, key="ablation", description=f"{', '.join(tables)}; seeds {seeds}")
    create_link_artifact(page.as_uri(), key="ablation-page", link_text="the page of the tables")


if __name__ == "__main__":
    run_from_the_command_line(ablation)
