"""The report as one HTML page that needs no network: what was measured, couples to watch, tables and figures."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interdance.report import plots
from interdance.report.columns import COLUMNS, MORE, RATES, TABLE_3, Column, in_words
from interdance.report.comparisons import comparison_tables, verdicts
from interdance.report.paper import paper_tables
from interdance.report.render import render
from interdance.report.systems import colours, label, ordered
from interdance.report.tables import (
    OTHER_DATA,
    Head,
    holds_ours,
    more_tables,
    paper_table,
    seed_table,
    take_table,
)

Series = Mapping[str, Sequence[Mapping[str, Any]]]
Curve = Sequence[tuple[float, float]]

NUM_DISTANCE_TAKES = 3  # shown one by one; all of them are in the summary
SHORT = 12  # names listed openly; longer lists open at a click
GENRE_METRICS = ("CF", "PR", "BED", "BAS", "joint_error_mm", "genre_consistency")


@dataclass(frozen=True)
class Sample:
    """A generated couple to look at; links are relative to the page, empty where there is none."""

    name: str
    page: str
    video: str
    picture: str


@dataclass(frozen=True)
class Fact:
    """Something that was measured, or measured against: a name, a sentence, and names too many for a sentence."""

    name: str
    text: str
    listed: tuple[str, ...] = ()


def page_html(
    evaluation: Mapping[str, Any],
    series: Series,
    samples: Sequence[Sample] = (),
    curves: Mapping[str, Curve] | None = None,
    title: str = "InterDance: followers, measured",
) -> str:
    """The report page, in one file but for the samples.

    Parameters
    ----------
    evaluation : dict
        The content of ``metrics/evaluate.json``.
    series : dict of lists of rows
        Data of the figures by name: ``beats`` (system, time_s, BAS), ``distance`` (system, take, time_s, distance_m),
        ``contact_map`` (system, leader_part, follower_part, share), ``genres`` (system, genre, metric, value). What is
        absent or empty has no figure.
    samples : list of Sample
    curves : dict of (step, value) series, optional
        Losses along training, such as ``loss/total`` and ``validation/total``.
    title : str
    """
    others = [number for number in paper_tables() if number not in (3, 10)]
    comparisons = comparison_tables(evaluation)
    return render(
        "page.html.j2",
        title=title,
        other_data=OTHER_DATA,
        facts=facts(evaluation),
        warnings=evaluation.get("warnings", []),
        verdicts=verdicts(evaluation),
        samples=samples,
        headline=paper_table(evaluation, 3),
        contact=paper_table(evaluation, 10),
        figures=figures(evaluation, series, curves or {}),
        key=[(label(name), colour) for name, colour in colours(evaluation).items() if name in evaluation["systems"]],
        more=more_tables(evaluation),
        comparisons=comparisons[:1],
        other_comparisons=comparisons[1:],
        paper=[(paper_table(evaluation, number), holds_ours(evaluation, number)) for number in others],
        seeds=seed_table(evaluation),
        takes=take_table(evaluation),
        meanings=_meanings(evaluation),
    )


def facts(evaluation: Mapping[str, Any]) -> list[Fact]:
    """What was measured and against what, in the order it matters."""
    about = evaluation["about"]
    options, reference = about["settings"], about["reference"]
    systems = ordered(evaluation["systems"])
    length = f", {_duration(about['frames'] / options['fps'])}" if options.get("fps") else ""
    found = [
        Fact("Systems", ", ".join(map(label, systems)) + "."),
        Fact(
            "Takes",
            f"{_count(len(about['takes']), 'test take')}{length} ({about['frames']} frames), cut into "
            f"{_count(about['clips'], 'clip')} of {options['clip_frames']} frames, one every {options['clip_stride']}.",
            tuple(about["takes"]),
        ),
        Fact(
            "Reference set",
            f"{reference['fingerprint']}: {_count(reference['clips'], 'clip')} of the followers of "
            + " and ".join(f"{len(takes)} {name} takes" for name, takes in sorted(reference["takes"].items()))
            + ". FID, Div and MM are measured against it; figures of runs with another fingerprint cannot be compared.",
        ),
        Fact("Seeds", _seeds(evaluation, systems)),
    ]
    surface = about.get("surface") or options.get("surface")
    if surface:
        vertices = f" ({about['num_vertices']} vertices)" if "num_vertices" in about else ""
        whole = {"sampled": "the sampled vertices of the representation", "full": "the full mesh of the body"}
        found.append(Fact("Surface", f"Contact and penetration on {whole.get(surface, surface)}{vertices}{_reach(options)}."))
    found.append(
        Fact(
            "±",
            f"One standard deviation over a bootstrap of {options['bootstrap']} draws: of takes where there are at least 8, "
            "of clip-long stretches of them otherwise, and of seeds where there are several. Intervals are those of 95 %.",
        )
    )
    constant = about.get("degenerate_dimensions", {})
    if constant:
        left_out = (f"{', '.join(map(str, dimensions))} ({name.replace('_', '-')})" for name, dimensions in constant.items())
        found.append(Fact("Left out", f"Dimensions that are constant in the reference set: {'; '.join(left_out)}."))
    return found


def figures(evaluation: Mapping[str, Any], series: Series, curves: Mapping[str, Curve]) -> list[tuple[str, str, list[str]]]:
    """The figures in groups: heading, a sentence, pictures. Groups without a picture are left out."""
    painted = colours(evaluation)
    for rows in series.values():  # a system of the series that the evaluation lacks is drawn all the same
        painted = {row["system"]: "#7a8292" for row in rows if "system" in row} | painted
    genres, distance, contact = (series.get(name, ()) for name in ("genres", "distance", "contact_map"))
    takes = sorted({row["take"] for row in distance})
    chosen = np.linspace(0, len(takes) - 1, min(NUM_DISTANCE_TAKES, len(takes))).round().astype(int)
    rest = f"{len(takes) - len(chosen)} more are in the mean" if len(takes) > len(chosen) else "the mean of all is below"

    def bars(columns: Iterable[Column]) -> list[str]:
        return [plots.metric_bars(evaluation, column, painted) for column in columns]

    whiskers = (
        "Whiskers are 95 % intervals; the dotted line is the ground truth. Where values lie far apart the axis is logarithmic "
        "and values are points."
    )
    groups = [
        ("Metric by metric", whiskers, bars(TABLE_3)),
        ("Beats along the music", "", [plots.beat_curves(series.get("beats", ()), painted)]),
        (
            "Where they touch",
            "Leader's parts from top to bottom, follower's from left to right; the colours mean the same in every map.",
            [plots.contact_map(contact, system) for system in ordered({row["system"] for row in contact})],
        ),
        (
            "How far apart they are",
            f"{_count(len(chosen), 'take')} of {len(takes)}; {rest}.",
            [*(plots.distance_curves(distance, takes[index], painted) for index in chosen),
             plots.distance_summary(distance, painted)],
        ),
        ("Genre by genre", "", [plots.genre_bars(genres, COLUMNS[key], painted) for key in GENRE_METRICS]),
        ("More than the paper", "", bars((*RATES[1:], *MORE))),
        ("Training", "", [plots.loss_curves(name, lines) for name, lines in _losses(curves).items()]),
    ]  # fmt: skip
    return [(name, text, shown) for name, text, pictures in groups if (shown := [picture for picture in pictures if picture])]


def _losses(curves: Mapping[str, Curve]) -> dict[str, dict[str, Curve]]:
    """Curves by figure: one of training and validation together, one for all diffusion steps n of ``validation/x_n5``."""
    grouped: dict[str, dict[str, Curve]] = defaultdict(dict)
    for name, points in curves.items():
        kind, _, loss = name.rpartition("/")
        if at_step := re.fullmatch(r"(.+)_n(\d+)", loss):
            figure = f"{kind}: {at_step[1].replace('_m', ', m')}, by diffusion step"
            grouped[figure][f"n={at_step[2]}:"] = points
        else:
            grouped[f"{loss} loss"]["training" if kind == "loss" else kind] = points
    return grouped


def _meanings(evaluation: Mapping[str, Any]) -> list[tuple[Head, str, Column]]:
    """Head, which way is better, and column of every metric that some system has."""
    keys = {key for values in evaluation["systems"].values() for key in values}
    return [(Head.of(column), in_words(column), column) for column in COLUMNS.values() if column.key in keys]


def _seeds(evaluation: Mapping[str, Any], systems: Sequence[str]) -> str:
    """Which seeds each system was generated with, systems with the same ones together."""
    grouped: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in systems:
        seeds = tuple(str(entry["seed"]) for entry in evaluation.get("seeds", {}).get(name, []))
        grouped[seeds if len(seeds) > 1 else ()].append(label(name))
    many = [f"{', '.join(names)}: {', '.join(seeds)}" for seeds, names in grouped.items() if seeds]
    once = f"One each: {', '.join(grouped[()])}" if grouped[()] else ""
    return ". ".join(filter(None, (*many, once))) + "."


def _reach(options: Mapping[str, Any]) -> str:
    reach, held = options.get("contact_distance"), options.get("held_distance")
    near = f"; contact is nearer than {100.0 * reach:g} cm" if reach else ""
    return near + (f", a hand holds on nearer than {100.0 * held:g} cm" if held else "")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
