"""The page of runs side by side: one file, but for the couples' pages that it shows in frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interdance.report.columns import MORE, TABLE_3, measured
from interdance.report.render import render
from interdance.report.tables import Head, system_rows


def runs_page(
    names: Sequence[str],
    titles: Sequence[str],
    parameters: Mapping[str, Sequence[str]],
    evaluation: Mapping[str, Any],
    clips: Mapping[str, Mapping[str, str]],
    joined: Mapping[str, str],
    differing: Sequence[str],
) -> str:
    """The page.

    Parameters
    ----------
    names, titles
        Of the runs: short, and as MLflow has them.
    parameters
        Those that differ: the values, one for each run.
    evaluation
        ``systems`` (and ``spread``, ``intervals``) by the runs' names.
    clips
        take -> run -> address of a page, relative to this one.
    joined
        take -> address of a page that shows all runs side by side, where there is one.
    differing
        Why figures cannot be compared, where they cannot; no best is marked then.
    """
    keys = {key for values in evaluation["systems"].values() for key in values}
    columns = measured([*TABLE_3, *MORE], keys)
    rows = system_rows(evaluation, list(names), columns)
    figures = [(Head.of(column), [row.cells[place] for row in rows]) for place, column in enumerate(columns)]
    return render(
        "runs.html.j2",
        names=names,
        titled=list(zip(names, titles, strict=True)),
        parameters=parameters,
        figures=figures,
        clips=clips,
        joined=joined,
        differing=differing,
    )
