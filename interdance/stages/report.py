"""The page of results, ``reports/index.html``, its tables as CSV and LaTeX, and couples to look at."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from interdance import tracking
from interdance.body.model import Body
from interdance.config import Params, Paths
from interdance.dataset.split import read_split
from interdance.evaluation.project import find_meetings
from interdance.evaluation.series import read_series
from interdance.export.cast import cast
from interdance.export.page import write_page
from interdance.export.sheet import write_sheet
from interdance.export.sound import read_stereo
from interdance.export.video import write_video
from interdance.files import atomic_folder, read_json
from interdance.music.features import BEATS
from interdance.report.latex import latex_text
from interdance.report.page import Sample, page_html
from interdance.report.tables import csv_text
from interdance.stages import execute
from interdance.takes import read_motion, read_take

log = logging.getLogger(__name__)

SYSTEMS = {"reactive": "interdance", "duet": "duet.interdance"}


def run(params: Params, paths: Paths) -> None:
    """Write ``reports/`` from ``metrics/`` and the generated test takes."""
    evaluation, series = read_json(paths.metrics / "evaluate.json"), read_series(paths.metrics / "plots")
    with atomic_folder(paths.reports) as out:
        samples = write_samples(params, paths, out)
        (out / "metrics.csv").write_text(csv_text(evaluation))
        (out / "table.tex").write_text(latex_text(evaluation))
        (out / "index.html").write_text(page_html(evaluation, series, samples, loss_curves(paths)))
    record(params, paths)
    log.info("report: %s", paths.reports / "index.html")


def write_samples(params: Params, paths: Paths, out: Path) -> list[Sample]:
    """Page, film and picture of test takes spread over the list, and so over the genres, ``samples/<take>/``."""
    body = Body.load(params.body.model)
    samples = []
    takes = read_split(paths.split)["test"]
    chosen = np.linspace(0, len(takes) - 1, min(params.report.num_samples, len(takes))).round().astype(int)
    for take in (takes[index] for index in chosen):
        motion = next(iter(sorted((paths.generated / SYSTEMS[params.model.task]).glob(f"seed_*/{take}/follower.npz"))), None)
        if motion is None:
            continue
        duet, follower = read_take(paths.takes / take), read_motion(motion)
        followers = {"InterDance": follower} | ({"True follower": duet.follower} if duet.follower else {})
        if (own := motion.with_name("leader.npz")).is_file():  # a generated couple; the true follower has another leader
            duet, followers = replace(duet, leader=read_motion(own)), {"InterDance": follower}
        folder = out / "samples" / take
        folder.mkdir(parents=True)
        places = {"InterDance": motion, "True follower": paths.takes / take / "follower.npz"}
        lead = own if own.is_file() else paths.takes / take / "leader.npz"
        write_page(
            *(folder / "page.html", duet.leader, followers, body, duet.music),
            title=f"{take}, {duet.genre}",
            meetings=find_meetings(params, body, lead, {name: places[name] for name in followers}),
            beats=np.flatnonzero(np.load(paths.music / f"{take}.npy", allow_pickle=False)[:, BEATS]) / params.data.fps,
        )
        dancers = cast(duet.leader, [follower])
        write_video(
            folder / "couple.mp4",
            dancers,
            body,
            read_stereo(duet.music, duet.leader.num_frames / duet.leader.fps) if duet.music else None,
            width=params.report.video_width,
            height=params.report.video_height,
        )
        write_sheet(folder / "frames.png", dancers, body)
        links = [f"samples/{take}/{name}" for name in ("page.html", "couple.mp4", "frames.png")]
        samples.append(Sample(take, *links))
        log.info("sample %s", take)
    return samples


def loss_curves(paths: Paths) -> dict[str, list[tuple[float, float]]]:
    """Losses along the training of the model in use."""
    curves = read_json(paths.model / "curves.json")
    return {
        name: [(float(step), float(value)) for step, value in points]
        for name, points in sorted(curves.items())
        if name.startswith(("loss/", "validation/"))
    }


def record(params: Params, paths: Paths) -> None:
    """Add the figures and the pages to the record of the training that made the model."""
    identity = read_json(paths.model / "run.json")["fingerprint"]
    with tracking.attach(params, paths, identity) as run_record:
        run_record.summary({row.name: row.value for row in tracking.read_metrics(paths)})
        run_record.artifact(paths.metrics)
        run_record.artifact(paths.reports)


def main() -> None:
    """Run the stage in the current folder."""
    execute(run)


if __name__ == "__main__":
    main()
