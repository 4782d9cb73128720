"""What flows are made of: a stage that DVC runs, a command of ours, and what is shown of them.

Either is a process group of its own, whose lines go to the run's log: a cancelled or failed task leaves no process behind.
What was refused is not tried again; whatever else ends a task is, after a pause that grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run
from prefect.tasks import Task, exponential_backoff

from interdance import tracking, workspace
from interdance.config import Paths
from interdance.errors import InputError


async def _is_worth_a_retry(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:
    """Input that was refused once is refused again."""
    try:
        await state.aresult()
    except InputError:
        return False
    except Exception:  # whatever else ended the task
        return True
    return True


def _record() -> dict[str, str]:
    return {"INTERDANCE_FLOW_RUN": str(flow_run.id)}


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, retry_condition_fn=_is_worth_a_retry)
def stage(root: Path, name: str, workers: int = 1) -> None:
    """Bring one stage up to date; DVC knows what is, so nothing is kept by Prefect."""
    environment = _record() | {"INTERDANCE_WORKERS": str(workers)}
    workspace.reproduce(root, name, single=True, say=get_run_logger().info, environment=environment)


@task(
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=5),
    retry_condition_fn=_is_worth_a_retry,
)
def command(root: Path, arguments: Sequence[str]) -> list[str]:
    """Run ``interdance <arguments>``, and return the lines it wrote; sweeps and ablations go on where a fault ended them."""
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        get_run_logger().info(line)

    workspace.call(root, *arguments, say=say, environment=_record())
    return lines


def show_figures(root: Path) -> None:
    """A table of what was measured, and links to the report and to the records."""
    rows = [{"metric": row.name, "value": row.value} for row in tracking.read_metrics(Paths(root))]
    create_table_artifact(rows, key="metrics", description=f"Measured on the test takes of {root}")
    create_link_artifact((Paths(root).reports / "index.html").as_uri(), key="report", link_text="report page")
    show_records(root)


def show_records(root: Path) -> None:
    """A link to the MLflow server where one is named; the database file has no page."""
    address = tracking.store_address(Paths(root))
    if address.startswith("http"):
        create_link_artifact(address, key="records", link_text="runs in MLflow")


def options(overlay: Sequence[str] | None, name: str | None) -> list[str]:
    """The options of a command that runs with overlays, in a folder of its own."""
    return [*(part for value in overlay or () for part in ("--overlay", value)), *(["--name", name] if name else [])]


def printed(lines: Sequence[str], title: str) -> Path:
    """The place that a command printed as ``title: place``."""
    return Path(next(line.removeprefix(f"{title}: ") for line in reversed(lines) if line.startswith(f"{title}: ")))
