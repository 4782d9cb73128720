"""The flow ``pipeline``: every stage in order, each a task with one retry.

    python -m flows.pipeline [--overlay configs/salsa.yaml] [--name salsa]

A task runs its stage through DVC, so that ``dvc.lock`` is written and ``dvc status`` is clean afterwards; what is up to
date is skipped. Without a server Prefect starts one for the time of the flow.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run
from prefect.tasks import Task

from interdance import tracking, workspace
from interdance.config import Paths
from interdance.errors import InputError
from interdance.stages import STAGES


async def _is_worth_a_retry(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:
    """Input that was refused once is refused again."""
    try:
        await state.aresult()
    except InputError:
        return False
    except Exception:  # whatever else ended the task
        return True
    return True


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, retry_condition_fn=_is_worth_a_retry)
def stage(root: Path, name: str) -> None:
    """Bring one stage up to date. A cancelled or failed task leaves no process behind."""
    record = {"INTERDANCE_FLOW_RUN": str(flow_run.id)}
    workspace.reproduce(root, name, single=True, say=get_run_logger().info, environment=record)


@flow(name="pipeline")
def pipeline(overlay: list[str] | None = None, name: str | None = None, project: str = ".") -> None:
    """Takes, music, split, encode, card, statistics, train, reference, generate, evaluate, report.

    Parameters
    ----------
    overlay : YAML laid over ``params.yaml``, in order; the run then has a private folder.
    name : that folder's name below ``runs/``; the overlays' by default.
    project : where ``params.yaml`` and ``dvc.yaml`` are.
    """
    root = workspace.prepare(Path(project), *map(Path, overlay or ()), name=name)
    for each in STAGES:
        stage.with_options(name=each, task_run_name=each)(root, each)
    rows = [{"metric": row.name, "value": row.value} for row in tracking.read_metrics(Paths(root))]
    create_table_artifact(rows, key="metrics", description=f"Measured on the test takes of {root}")
    create_link_artifact((Paths(root).reports / "index.html").as_uri(), key="report", link_text="report page")


def main() -> None:
    """Run the flow from the command line."""
    parser = argparse.ArgumentParser(prog="python -m flows.pipeline", description=pipeline.description)
    told = "YAML laid over params.yaml, such as configs/salsa.yaml; give it again for more"
    parser.add_argument("--overlay", action="append", help=told)
    parser.add_argument("--name", help="folder below runs/; the overlays' names by default")
    arguments = parser.parse_args()
    try:
        pipeline(arguments.overlay, arguments.name)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(2) from None
    except workspace.StageError as error:
        logging.getLogger(__name__).error("%s", error)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
