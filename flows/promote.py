"""The flow ``promote``: a trained model through the gate, its table as an artefact.

python -m flows.promote --best FID_cd
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from flows.command_line import run_from_the_command_line
from flows.tasks import show_records
from interdance import config, promotion
from interdance.config import Paths


@task(cache_policy=NO_CACHE)
def put_through(root: Path, run: str | None, best: str | None) -> promotion.Decision:
    """The gate itself."""
    return promotion.promote(config.load(root / "params.yaml"), Paths(root), run=run, best=best)


@flow(name="promote")
def promote(run: str | None = None, best: str | None = None, project: str = ".") -> bool:
    """Make a trained model champion if it is better than the one that is.

    Parameters
    ----------
    run : a training by MLflow's run id or its fingerprint.
    best : or the training that is best in a figure, such as FID_cd.
    project : the run whose records are meant.

    Returns
    -------
    bool
        Whether it is champion now.
    """
    root = Path(project).resolve()
    decision = put_through(root, run, best)
    rows = [dict(zip(("figure", "difference", "interval", "verdict"), row, strict=True)) for row in decision.rows()]
    verdict = "champion" if decision.promoted else "challenger"
    said = f"Version {decision.version} is {verdict}: {'; '.join(decision.reasons)}"
    get_run_logger().info(said)
    create_table_artifact(rows, key="promotion", description=said)
    show_records(root)
    return decision.promoted


if __name__ == "__main__":
    run_from_the_command_line(promote)
