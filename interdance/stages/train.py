"""Train the denoiser on the training takes: ``models/denoiser``; recorded as a run."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from interdance import tracking
from interdance.body.model import Body, body_file
from interdance.config import Params, Paths
from interdance.dataset.split import read_split
from interdance.dataset.windows import windows_of
from interdance.device import best_device
from interdance.errors import InputError
from interdance.files import remove_leftovers, write_json
from interdance.generation.preview import write_preview
from interdance.representation.normalize import Statistics
from interdance.representation.registry import make_representation
from interdance.stages import execute
from interdance.tracking import Served
from interdance.trained import TrainedModel, check_width, load_model, save_model
from interdance.training.team import ALONE, Team
from interdance.training.train import Report, train

logger = logging.getLogger(__name__)


def run(params: Params, paths: Paths, name: str = "") -> None:
    """Train, or continue a training that was killed; the records call it ``name``, or by its fingerprint.

    The state of an unfinished training lies in the state folder, under the fingerprint of the run, where neither a new
    start of the stage nor another run's training touches it. ``INTERDANCE_WORKERS`` in the environment says how many
    processes train together, on the Ray cluster that ``RAY_ADDRESS`` names, or on this machine.

    Raises
    ------
    InputError
        When data, parameters, or the model to start from cannot be used together, or there are not as many processors.
    """
    workers = _workers()
    if workers == 1:
        run_in_team(params, paths, name)
        return
    from interdance.cluster.train import on_workers  # seconds to import

    there, fingerprint = Paths(paths.root.resolve()), fingerprint_of(params, paths)
    tags = tracking.provenance(paths) | {"workers": str(workers)}  # workers have the code alone
    try:
        work = partial(run_in_team, params, there, name, tags=tags)
        on_workers(work, f"train-{fingerprint}", workers, there.root, there.state.resolve() / "ray")
    except BaseException as error:  # the worker that records may have been ended by the others
        tracking.end(there, fingerprint, "FAILED" if isinstance(error, Exception) else "KILLED")
        raise


def run_in_team(
    params: Params,
    paths: Paths,
    name: str = "",
    team: Team = ALONE,
    *,
    watch: Report = lambda step, metrics: None,
    parent: str = "",
    tags: Mapping[str, str] | None = None,
) -> None:
    """:func:`run`, as one of the processes that train together; the first one records and writes the model.

    Parameters
    ----------
    watch
        Told the metrics, too, after they are recorded.
    parent, tags
        Of the record, as in :func:`interdance.tracking.run`.
    """
    settings = params.train
    body = Body.load(params.body.model)
    place = Path(settings.start_from) if settings.start_from else None
    start = load_model(place, body) if place else None
    representation = make_representation(params.encode.representation, body)
    # The weights of another run mean something only in the units it was trained in.
    statistics = start.statistics if start else Statistics.load(paths.statistics)
    if start is None:
        check_width(paths.statistics, statistics, representation)
    split = read_split(paths.split)
    dataset, validation = (
        windows_of(params, representation, paths.encoded, paths.music, split[part], statistics, augmented=part == "train")
        for part in ("train", "validation")
    )
    logger.info("%d training windows, %d validation windows", len(dataset), len(validation))
    fingerprint = fingerprint_of(params, paths)
    checkpoint = paths.checkpoints / f"{fingerprint}.safetensors"
    work = partial(
        train,
        params,
        dataset,
        validation,
        statistics,
        representation,
        checkpoint=checkpoint,
        fingerprint=fingerprint,
        device=best_device(),
        start=start,
        team=team,
    )
    if not team.is_first:
        work(report=lambda step, metrics: None)
        return
    for output in (checkpoint, paths.model):
        remove_leftovers(output)
    told = name or f"training {fingerprint[:8]}"
    with tracking.run(params, paths, "training", told, fingerprint, parent=parent, tags=tags) as report:
        started = time.monotonic()

        def tell(step: int, metrics: dict[str, float]) -> None:
            report(step, metrics)
            shown = {name: metrics[name] for name in ("loss/total", "loss/recon", "validation/error_m") if name in metrics}
            values = "  ".join(f"{name} {value:.4f}" for name, value in shown.items())
            logger.info("step %d of %d, %.0f s: %s", step, settings.steps, time.monotonic() - started, values)
            watch(step, metrics)

        def show(step: int, model: TrainedModel) -> None:
            if split["validation"]:
                page = paths.state / "samples" / fingerprint / f"step_{step:06d}.html"
                remove_leftovers(page)
                try:
                    write_preview(page, model, body, params, paths, split["validation"][0])
                except InputError as error:  # a training does not end because of a picture
                    logger.warning("no page of step %d: %s", step, error)
                else:
                    report.artifact(page, "samples")

        model = work(report=tell, show=show)
        save_model(paths.model, model)
        write_json(paths.model / "curves.json", report.curves())
        if params.model.task == "reactive":  # what is served follows a leader
            from interdance import serving  # imports MLflow

            report.model(paths.model, Served(serving.__name__, serving.SIGNATURE.to_dict()))
        else:
            report.artifact(paths.model)
        write_json(paths.model / "run.json", {"fingerprint": fingerprint})  # last: it says that all is done


def _workers() -> int:
    """How many processes are to train together."""
    told = os.environ.get("INTERDANCE_WORKERS") or "1"
    if not told.isdecimal() or int(told) < 1:
        raise InputError(f"INTERDANCE_WORKERS={told}: a whole number of processes, 1 or more, is needed")
    return int(told)


def fingerprint_of(params: Params, paths: Paths) -> str:
    """Identity of the training: its parameters, code and data, the body, and the model that it starts from."""
    start = [Path(params.train.start_from)] if params.train.start_from else []
    return tracking.fingerprint(params, paths, also=[body_file(params.body.model), *start])


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
