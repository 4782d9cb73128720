"""Trainings side by side: the parameters in which they differ, what was measured of them, and the same takes to watch."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interdance.config import Paths
from interdance.errors import InputError
from interdance.evaluation.record import read_evaluation, unlike
from interdance.export.joined import join_pages
from interdance.files import atomic_folder
from interdance.registry import METRICS, SAMPLES, SYSTEM, Registry, open_registry
from interdance.report.columns import COLUMNS
from interdance.report.runs import runs_page

logger = logging.getLogger(__name__)

INDEX, PAGE, JOINED = "index.html", "page.html", "joined"


@dataclass(frozen=True)
class Comparison:
    """Trainings by the beginning of their fingerprints, in the order they were asked for.

    Attributes
    ----------
    names : what each is called here.
    titles : what MLflow calls each.
    parameters : of those that differ, the values, one for each training.
    evaluation : a summary as of one evaluation, in which the systems are the trainings.
    differing : why figures cannot be compared, where they cannot: in sentences.
    clips : take -> training -> page of the couple, relative to the folder of the comparison.
    joined : take -> page with the followers of all trainings side by side, where they have one leader.
    """

    names: list[str]
    titles: list[str]
    parameters: dict[str, list[str]]
    evaluation: dict[str, Any]
    differing: list[str]
    clips: dict[str, dict[str, str]]
    joined: dict[str, str]


def measured_trainings(paths: Paths, experiment: str, figures: Sequence[str]) -> list[list[str]]:
    """Trainings that were measured, the newest first, below a row of heads.

    Raises
    ------
    InputError
        For a figure that there is none of, or when the store does not answer.
    """
    for figure in figures:
        if figure not in COLUMNS:
            raise InputError(f"--figures {figure}: no such figure; known: {', '.join(COLUMNS)}")
    rows = [["training", "begun", *figures, "name"]]
    with open_registry(paths) as registry:
        for each in registry.trainings(experiment):
            if each.figures:
                shown = [f"{each.figures[figure]:.4g}" if figure in each.figures else "" for figure in figures]
                rows.append([each.short, each.begun.strftime("%m-%d %H:%M"), *shown, each.name])
    return rows


def compare_trainings(paths: Paths, experiment: str, names: Sequence[str], out: Path) -> Comparison:
    """Put trainings side by side; ``out`` receives ``index.html`` and the couples' pages.

    Parameters
    ----------
    names
        MLflow's run ids or fingerprints, or how one begins; two or more, all measured.
    out
        A new folder, an empty one, or one that an earlier comparison made, which is replaced.

    Raises
    ------
    InputError
        When one cannot be found or was not measured, two are the same, ``out`` holds something else, or the store does not
        answer.
    """
    _check_out(out)
    with open_registry(paths) as registry:
        found = [registry.find(experiment, name) for name in names]
        shorts = [each.short for each in found]
        if len(set(shorts)) < max(2, len(shorts)):
            raise InputError(f"{', '.join(names)}: two trainings or more are needed, each once")
        everything = sorted(set().union(*(each.params for each in found)))
        values = {key: [each.params.get(key, "") for each in found] for key in everything}
        evaluation: dict[str, Any] = {"systems": {}, "intervals": {}, "spread": {}}
        abouts: list[dict[str, Any]] = []
        clips: dict[str, dict[str, str]] = {}
        with atomic_folder(out) as folder:
            for each in found:
                with registry.files(each.run_id, METRICS) as metrics:
                    summary, _ = read_evaluation(metrics / "evaluate.json")
                if SYSTEM not in summary["systems"]:
                    held = ", ".join(summary["systems"])
                    raise InputError(f"training {each.short}: its evaluation has no {SYSTEM}; it holds {held}")
                for part in evaluation:
                    if SYSTEM in summary.get(part, {}):
                        evaluation[part][each.short] = summary[part][SYSTEM]
                abouts.append(summary["about"])
                for take, page in _pages(registry, each.run_id, folder / each.short):
                    clips.setdefault(take, {})[each.short] = page.relative_to(folder).as_posix()
            comparison = Comparison(
                names=shorts,
                titles=[each.name for each in found],
                parameters={key: row for key, row in values.items() if len(set(row)) > 1},
                evaluation=evaluation,
                differing=[
                    f"{shorts[0]} and {short}: {reason}"
                    for short, about in zip(shorts[1:], abouts[1:], strict=True)
                    for reason in unlike(abouts[0], about)
                ],
                clips=clips,
                joined=_join(clips, folder),
            )
            html = runs_page(
                comparison.names,
                comparison.titles,
                comparison.parameters,
                comparison.evaluation,
                comparison.clips,
                comparison.joined,
                comparison.differing,
            )
            (folder / INDEX).write_text(html)
    return comparison


def _check_out(out: Path) -> None:
    """Refuse to replace a folder that a comparison did not make: its index, joined pages, and folders named by fingerprints."""
    if not out.exists():
        return
    strange = [
        item.name
        for item in (out.iterdir() if out.is_dir() else [out])
        if item.name not in (INDEX, JOINED)
        and not (len(item.name) == 8 and item.is_dir() and not set(item.name) - set("0123456789abcdef"))
    ]
    if strange:
        raise InputError(f"{out}: '{strange[0]}' in it is of no comparison and would be lost; name another folder with --out")


def _join(clips: dict[str, dict[str, str]], folder: Path) -> dict[str, str]:
    """The pages of every take as one, where two trainings or more recorded one and all have the same leader."""
    joined = {}
    for take, pages in clips.items():
        if len(pages) < 2:
            continue
        place = folder / JOINED / take / PAGE
        try:
            join_pages(place, {name: folder / page for name, page in pages.items()}, title=take)
        except InputError as reason:
            logger.info("%s stays on pages of its own: %s", take, reason)
        else:
            joined[take] = place.relative_to(folder).as_posix()
    return joined


def _pages(registry: Registry, run_id: str, into: Path) -> list[tuple[str, Path]]:
    """The couples' pages that a run recorded, copied; none where it recorded none."""
    if not registry.has(run_id, SAMPLES):
        return []
    pages = []
    with registry.files(run_id, SAMPLES) as samples:
        for page in sorted(samples.rglob(PAGE)):
            take = page.parent.relative_to(samples).as_posix()
            place = into / take / PAGE
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page, place)
            pages.append((take, place))
    return pages
