"""The figures of a report as inline SVG; a figure for which there are no data is an empty text."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm, to_hex
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from interdance.report import canvas
from interdance.report.canvas import INK, MUTED, RULE, SMALL
from interdance.report.columns import Column, in_words
from interdance.report.systems import COMPLETE, GROUND_TRUTH, interval, label, ordered

Rows = Sequence[Mapping[str, Any]]
Colours = Mapping[str, str]

FAR_APART = 12.0  # largest over smallest value from which an axis is logarithmic
CHANCE = 0.2  # beat alignment of motion that does not hear the music
NAME_LETTERS = 25
NARROW, WIDE = 384.0, 1180.0  # three figures beside each other, or one
_LOSSES = ("#2f6db5", "#c06a1e", "#4f8f3f", "#8a4fb0", "#23a6b8")
_SHARES = LinearSegmentedColormap.from_list("shares", ["#f3f6fc", "#a9c4ef", "#4a7fd0", "#173f7d"])


def metric_bars(evaluation: Mapping[str, Any], column: Column, colours: Colours) -> str:
    """One metric of every system with whiskers of the 95 % interval; points on a logarithmic axis where values lie far apart.

    The ground truth's value goes through as a line.
    """
    values = {
        name: table[column.key] * column.factor
        for name in ordered(evaluation["systems"])
        if column.key in (table := evaluation["systems"][name])
    }
    if not values:
        return ""
    ends = {
        name: [end * column.factor for end in interval(evaluation, name, column.key) or (values[name] / column.factor,) * 2]
        for name in values
    }
    is_log = min(values.values()) > 0 and max(values.values()) > FAR_APART * min(values.values())
    title = f"{_named(column)}: {in_words(column)}"
    with canvas.settings():
        figure, axes = canvas.frame(NARROW, 60 + 20 * len(values), title, left=150, right=62, bottom=30)
        for row, (name, value) in enumerate(values.items()):
            if is_log:
                axes.plot([value], [row], "o", color=colours[name], markersize=7, zorder=3)
            else:
                axes.barh(row, value, height=0.68, color=colours[name], zorder=2)
            axes.plot(ends[name], [row, row], color=INK, linewidth=1.1, zorder=4, solid_capstyle="butt")
            shown = f"{column.number(value / column.factor)}{'%' if column.percent else ''}"
            axes.text(1.03, row, shown, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL)
        _value_axis(axes, list(values.values()), [end for pair in ends.values() for end in pair], is_log)
        if GROUND_TRUTH in values and len(values) > 1:
            axes.axvline(values[GROUND_TRUTH], color=colours[GROUND_TRUTH], linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        _names(axes, list(values))
        return canvas.svg(figure, title)


def genre_bars(rows: Rows, column: Column, colours: Colours) -> str:
    """One metric by genre, a bar per system; empty where there are fewer than two genres."""
    table = {(row["genre"], row["system"]): row["value"] * column.factor for row in rows if row["metric"] == column.key}
    genres, systems = sorted({genre for genre, _ in table}), ordered({system for _, system in table})
    if len(genres) < 2:
        return ""
    thickness = 9.0 if len(systems) < 6 else 6.0
    title = f"{_named(column)}: {in_words(column)}"
    with canvas.settings():
        height = 64 + len(genres) * (thickness * len(systems) + 10)
        figure, axes = canvas.frame(NARROW, height, title, left=100, right=20, bottom=32)
        for place, genre in enumerate(genres):
            for rank, system in enumerate(systems):
                if (genre, system) in table:
                    y = place + (rank - (len(systems) - 1) / 2) * 0.84 / len(systems)
                    axes.barh(y, table[genre, system], height=0.8 / len(systems), color=colours[system], zorder=2)
        _value_axis(axes, list(table.values()), [], False)
        axes.set_yticks(range(len(genres)), [canvas.shortened(genre, 16) for genre in genres], color=INK)
        axes.set_ylim(len(genres) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        return canvas.svg(figure, title)


def beat_curves(rows: Rows, colours: Colours) -> str:
    """Beat alignment along the time of the takes, a line per system, and the level of chance."""
    lines = {
        system: sorted((row["time_s"], row["BAS"]) for row in rows if row["system"] == system)
        for system in ordered({row["system"] for row in rows})
    }
    if not lines:
        return ""
    title = "Beat alignment (BAS) along the music, mean over takes"
    with canvas.settings():
        figure, axes = canvas.frame(WIDE, 270, title, right=180)
        axes.axhline(CHANCE, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate("chance", (0, CHANCE), (3, 3), textcoords="offset points", color=MUTED, fontsize=SMALL,
                      xycoords=axes.get_yaxis_transform())  # fmt: skip
        top = max(value for points in lines.values() for _, value in points)
        axes.set_ylim(0, 1.12 * max(top, CHANCE))
        _lines(axes, lines, colours, markers=True)
        axes.set_xlabel("time, s")
        return canvas.svg(figure, title)


def distance_curves(rows: Rows, take: str, colours: Colours) -> str:
    """Distance between the dancers of one take along its time, the true couple's beside the generated."""
    lines = {
        system: sorted((row["time_s"], row["distance_m"]) for row in rows if (row["system"], row["take"]) == (system, take))
        for system in ordered({row["system"] for row in rows if row["take"] == take})
    }
    if not lines:
        return ""
    title = f"Distance between the dancers, pelvis to pelvis: {canvas.shortened(take, 60)}"
    with canvas.settings():
        figure, axes = canvas.frame(WIDE, 230, title, right=180)
        axes.set_ylim(0, 1.08 * max(value for points in lines.values() for _, value in points) or 1.0)
        _lines(axes, lines, colours)
        axes.set_xlabel("time, s")
        axes.set_ylabel("m")
        return canvas.svg(figure, title)


def distance_summary(rows: Rows, colours: Colours) -> str:
    """How far the distance is from the true couple's along time, mean over the takes that are that long (half at least)."""
    true = {(row["take"], row["time_s"]): row["distance_m"] for row in rows if row["system"] == GROUND_TRUTH}
    errors: dict[str, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        key = (row["take"], row["time_s"])
        if row["system"] != GROUND_TRUTH and key in true:
            errors[row["system"]][row["time_s"]].append(abs(row["distance_m"] - true[key]) * 100.0)
    if not errors:
        return ""
    num_takes = len({row["take"] for row in rows})
    lines = {}
    for system in ordered(errors):
        points = sorted((time, float(np.mean(found))) for time, found in errors[system].items() if 2 * len(found) >= num_takes)
        if points:
            lines[system] = points
    title = f"Error of that distance against the true couple's, mean of {num_takes} take{'s' if num_takes > 1 else ''}"
    with canvas.settings():
        figure, axes = canvas.frame(WIDE, 230, title, right=180)
        axes.set_ylim(0, 1.08 * max(value for points in lines.values() for _, value in points) or 1.0)
        _lines(axes, lines, colours)
        axes.set_xlabel("time, s")
        axes.set_ylabel("cm")
        return canvas.svg(figure, title)


def contact_map(rows: Rows, system: str) -> str:
    """How often each part of the follower touches each part of the leader, in per cent of the frames.

    The colours mean the same for every system.
    """
    shares = {(row["leader_part"], row["follower_part"]): 100.0 * row["share"] for row in rows if row["system"] == system}
    if not shares:
        return ""
    parts = list(dict.fromkeys([*(row["leader_part"] for row in rows), *(row["follower_part"] for row in rows)]))
    norm = PowerNorm(0.5, 0.0, max(100.0 * max(row["share"] for row in rows), 1e-9))
    title = f"Contact, % of frames: {canvas.shortened(label(system), 30)}"
    with canvas.settings():
        field = NARROW - 112
        figure, axes = canvas.frame(NARROW, field + 142, title, left=106, right=6, bottom=112)
        for (leader, follower), share in shares.items():
            if share > 0:
                x, y = parts.index(follower), parts.index(leader)
                axes.fill([x, x + 1, x + 1, x], [y, y, y + 1, y + 1], color=to_hex(_SHARES(norm(share))), linewidth=0)
                if share >= 0.95:
                    ink = "#ffffff" if norm(share) > 0.5 else INK
                    axes.text(x + 0.5, y + 0.53, f"{share:.0f}", ha="center", va="center", fontsize=8.0, color=ink)
        for place in range(1, len(parts)):
            axes.axhline(place, color=RULE, linewidth=0.4, zorder=0)
            axes.axvline(place, color=RULE, linewidth=0.4, zorder=0)
        middles = [place + 0.5 for place in range(len(parts))]
        axes.set_xlim(0, len(parts))
        axes.set_ylim(len(parts), 0)
        axes.set_xticks(middles, parts, rotation=90, color=INK)
        axes.set_yticks(middles, parts, color=INK)
        axes.tick_params(length=0)
        axes.spines[["top", "right"]].set_visible(True)
        axes.set_xlabel("follower")
        axes.set_ylabel("leader")
        return canvas.svg(figure, title)


def loss_curves(name: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Losses along training, such as training's and validation's of one name, on a logarithmic axis where they can be."""
    lines = {
        kind: known
        for kind, points in series.items()
        if len(known := [(step, value) for step, value in points if math.isfinite(value)]) > 1
    }
    if not lines:
        return ""
    every = [value for points in lines.values() for _, value in points]
    with canvas.settings():
        figure, axes = canvas.frame(NARROW, 210, name, left=52, right=96)
        is_log = min(every) > 0
        axes.set_yscale("log" if is_log else "linear")
        low, high = min(every), max(every)
        edge = 0.05 * (high - low or 1.0)
        axes.set_ylim((low / 1.25, high * 1.25) if is_log else (low - edge, high + edge))
        if is_log:
            _log_ticks(axes, "y")
        ends = {}
        for place, (kind, points) in enumerate(lines.items()):
            colour = _LOSSES[place % len(_LOSSES)]
            axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.4)
            ends[kind] = (points[-1], colour, f"{kind} {points[-1][1]:.3g}")
        _end_labels(axes, ends)
        axes.set_xlim(left=0, right=max(points[-1][0] for points in lines.values()))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="y", color=RULE, linewidth=0.5)
        axes.set_xlabel("step")
        return canvas.svg(figure, name)


def _named(column: Column) -> str:
    unit = "%" if column.percent else column.unit
    return f"{column.label}, {unit}" if unit else column.label


def _names(axes: Axes, systems: Sequence[str]) -> None:
    """The systems' names along the y axis, the first on top."""
    axes.set_yticks(range(len(systems)), [canvas.shortened(label(name), NAME_LETTERS) for name in systems], color=INK)
    axes.set_ylim(len(systems) - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_color(RULE)


def _value_axis(axes: Axes, values: Sequence[float], ends: Sequence[float], is_log: bool) -> None:
    """The x axis that values and their intervals need; linear ones start at 0."""
    if is_log:
        positive = [value for value in (*values, *ends) if value > 0]
        axes.set_xscale("log")
        axes.set_xlim(max(min(positive), min(values) / 3.0) / 1.5, max(positive) * 1.5)
        _log_ticks(axes, "x")
    else:
        low, high = min([0.0, *values]), max([0.0, *values, *ends])
        axes.set_xlim(1.05 * low, 1.05 * high or 1.0)
        axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.grid(axis="x", color=RULE, linewidth=0.5, zorder=0)
    axes.set_axisbelow(True)


def _log_ticks(axes: Axes, which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    decades = math.log10(high / low)
    axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0) if decades < 2 else (1.0,), numticks=6))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: f"{value:g}")


def _lines(axes: Axes, lines: Mapping[str, Sequence[tuple[float, float]]], colours: Colours, markers: bool = False) -> None:
    """A line per system with its name at the end; truth and the complete method heavier than the others."""
    latest = max(points[-1][0] for points in lines.values())
    axes.set_xlim(0, latest)
    for system, points in lines.items():
        heavy = system in (GROUND_TRUTH, COMPLETE)
        axes.plot(
            *zip(*points, strict=True),
            color=colours[system],
            linewidth=1.9 if heavy else 1.1,
            marker="o" if markers and len(points) < 40 else "",
            markersize=3,
            zorder=3 if heavy else 2,
        )
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    _end_labels(
        axes,
        {
            system: ((latest, points[-1][1]), colours[system], canvas.shortened(label(system), NAME_LETTERS))
            for system, points in lines.items()
        },
    )


def _end_labels(axes: Axes, ends: Mapping[str, tuple[tuple[float, float], str, str]]) -> None:
    """Names right of the field, each beside the end of its line, moved apart where they would touch."""
    field = axes.get_window_extent().height
    low, high = axes.get_ylim()

    def height(value: float) -> float:
        if axes.get_yscale() == "log":
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    places = canvas.spaced([height(value) for (_, value), _, _ in ends.values()], 13.5 / field, 0.02, 0.98)
    for place, (_, colour, text) in zip(places, ends.values(), strict=True):
        axes.text(1.012, place, text, transform=axes.transAxes, va="center", fontsize=SMALL, color=colour)
