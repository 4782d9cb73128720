"""The flow ``nightly``: the pipeline on what is there now, and its model through the gate.

python -m flows.nightly
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from flows.command_line import run_from_the_command_line
from flows.pipeline import pipeline
from flows.promote import promote
from interdance.config import Paths
from interdance.files import read_json


@flow(name="nightly")
def nightly(overlay: list[str] | None = None, name: str | None = None, project: str = ".") -> bool:
    """Bring everything up to date and promote the model if it is better than the champion.

    Parameters
    ----------
    overlay, name, project : as of the pipeline.
    """
    root = Path(pipeline(overlay, name, project=project))
    trained = read_json(Paths(root).model / "run.json")["fingerprint"]
    return promote(run=trained, project=str(root))


if __name__ == "__main__":
    run_from_the_command_line(nightly)
