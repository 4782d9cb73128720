"""What a user study found: the paper's Figure 6, tables for people and manuscripts, and a page that needs no network.

All of them take the mapping that ``interdance.study.statistics.summarise`` gives, or one read back from its JSON.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import rich.table
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interdance.report import canvas
from interdance.report.canvas import INK, MUTED, SMALL
from interdance.report.latex import latex_table
from interdance.report.render import render
from interdance.report.systems import colours, label
from interdance.report.tables import Cell, Head, Row, Table, console_rows

Summary = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]

WIDTH = 640.0
NAME_LETTERS = 24
PNG_DPI = 200
ROOM = 8.0  # per cent of the axis that a number needs
_LIGHT = 0.6  # luminance from which text on a colour is dark
_COLUMNS = ("share", "low", "high", "p", "p_holm", "num_answers", "num_participants", "num_clips")


def _named(summary: Summary) -> dict[str, str]:
    """Short names of the questions."""
    return {item["key"]: item["short"] for item in summary["questions"]}


def percent(share: float) -> str:
    """A share as per cent with one decimal."""
    return f"{100.0 * share:.1f}"


def p_text(p: float) -> str:
    """A p value with three decimals."""
    return "< 0.001" if p < 0.0005 else f"{p:.3f}"


# --------------------------------------------------------------------------------------------------------------- the figure


def preference_figure(summary: Summary) -> Figure:
    """Stacked bars, one for each question about each comparison: how often each of the two was preferred (Figure 6).

    A whisker is the 95 % interval of where the two parts meet. To be drawn within :func:`interdance.report.canvas.settings`.
    """
    names, rows = _named(summary), summary["comparisons"]
    systems = list(dict.fromkeys(name for row in rows for name in (row["first"], row["second"])))
    paint = colours({"systems": dict.fromkeys(systems)})
    places: list[float] = []
    heads: dict[tuple[str, str], float] = {}
    y = 0.0
    for row in rows:
        pair = (row["first"], row["second"])
        if pair not in heads:
            y += 1.25 if heads else 0.8
            heads[pair] = y - 0.75
        places.append(y)
        y += 1.0
    figure, axes = canvas.frame(WIDTH, 74 + 25 * y, _title(summary), left=196, right=20, top=34, bottom=40)
    for pair, place in heads.items():
        for x, name, side in ((0.0, pair[0], "left"), (100.0, pair[1], "right")):
            axes.text(x, place, _short(name), ha=side, va="center", fontsize=SMALL, fontweight="bold")
    for row, place in zip(rows, places, strict=True):
        share, low, high = (100.0 * row[key] for key in ("share", "low", "high"))
        axes.barh(place, share, height=0.78, color=paint[row["first"]], linewidth=0, zorder=2)
        axes.barh(place, 100.0 - share, left=share, height=0.78, color=paint[row["second"]], linewidth=0, zorder=2)
        if low >= ROOM:  # what the whisker would cross is left to the table
            ink = _ink_on(paint[row["first"]])
            axes.text(1.5, place, f"{share:.0f} %", va="center", fontsize=SMALL, color=ink, zorder=4)
        if 100.0 - high >= ROOM:
            ink = _ink_on(paint[row["second"]])
            axes.text(98.5, place, f"{100.0 - share:.0f} %", ha="right", va="center", fontsize=SMALL, color=ink, zorder=4)
        for colour, thick, tall in (("#ffffff", 3.6, 10), (INK, 1.6, 8)):
            axes.plot([low, high], [place] * 2, color=colour, linewidth=thick, marker="|", markersize=tall,
                      markeredgewidth=thick, zorder=5, solid_capstyle="butt")  # fmt: skip
    axes.axvline(50.0, color=INK, linewidth=0.9, linestyle=(0, (3, 3)), zorder=3)
    _finish(axes, places, [names[row["question"]] for row in rows], y)
    return figure


def _title(summary: Summary) -> str:
    kept = summary["participants"]["kept"]
    return f"Preferred by {kept} participant{'s' if kept != 1 else ''}, % of answers"


def _finish(axes: Axes, places: Sequence[float], names: Sequence[str], end: float) -> None:
    axes.set_xlim(0.0, 100.0)
    axes.set_ylim(end - 0.35, -0.45)
    axes.set_yticks(places, names, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel("whiskers: 95 % interval", color=MUTED)


def _short(system: str) -> str:
    return canvas.shortened(label(system), NAME_LETTERS)


def _ink_on(colour: str) -> str:
    red, green, blue = (int(colour[start : start + 2], 16) / 255.0 for start in (1, 3, 5))
    return INK if 0.3 * red + 0.59 * green + 0.11 * blue > _LIGHT else "#ffffff"


def figure_files(summary: Summary) -> dict[str, bytes]:
    """The figure as it is put into slides and manuscripts, by file name: SVG and PNG."""
    files = {}
    with canvas.settings():
        for name, options in (("preferences.svg", {"metadata": {"Date": None}}), ("preferences.png", {"dpi": PNG_DPI})):
            stream = io.BytesIO()
            preference_figure(summary).savefig(stream, format=name[-3:], **options)
            files[name] = stream.getvalue()
    return files


# --------------------------------------------------------------------------------------------------------------- the tables


def preference_table(summary: Summary, rows: Rows, name: str, title: str, note: str = "") -> Table:
    """How often the first of two systems was preferred: a row for each question about each comparison."""
    names, pair = _named(summary), ("", "")
    table: list[Row] = []
    tests = [key for key in ("p", "p_holm") if any(key in row for row in rows)]
    for row in rows:
        if (row["first"], row["second"]) != pair:
            pair = (row["first"], row["second"])
            table.append(Row(f"{label(pair[0])} against {label(pair[1])}", kind="heading"))
        cells = [
            Cell(f"{percent(row['share'])}%"),
            Cell(f"{percent(row['low'])} to {percent(row['high'])}"),
            *(Cell(p_text(row[key])) for key in tests),
            *(Cell(str(row[key])) for key in ("num_answers", "num_participants", "num_clips")),
        ]
        table.append(Row(names[row["question"]], tuple(cells)))
    named = ["first preferred", "95 % interval", *("p" if key == "p" else "p, Holm" for key in tests)]
    heads = [Head(name) for name in (*named, "answers", "participants", "clips")]
    return Table(name, title, (("", tuple(heads)),), tuple(table), note, first="Question")


def study_tables(summary: Summary) -> list[Table]:
    """Everybody's preferences, then those of participants who dance and of those who do not."""
    note = "p: of the test against 50 %; p, Holm: for all rows of the table together."
    note = f"{summary['participants']['kept']} participants. {note}"
    tables = [preference_table(summary, summary["comparisons"], "preferences", "User study: preferences", note)]
    for group, rows in summary["by_experience"].items():
        titled = {"dancers": "Participants who dance", "others": "Participants who do not dance"}[group]
        tables.append(preference_table(summary, rows, f"preferences-{group}", titled))
    return tables


def console_preferences(summary: Summary) -> rich.table.Table:
    """The preferences for a terminal."""
    names, rows = _named(summary), summary["comparisons"]
    return console_rows(
        ["", "question", "first", "95 %", "p"],
        [
            [
                f"{label(row['first'])} : {label(row['second'])}",
                names[row["question"]],
                f"{percent(row['share'])}%",
                f"{percent(row['low'])}–{percent(row['high'])}",
                p_text(row["p"]),
            ]
            for row in rows
        ],
    )


def csv_text(summary: Summary) -> str:
    """The preferences, one a line; shares in 0..1."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["participants", "first", "second", "question", *_COLUMNS])
    groups = {"all": summary["comparisons"], **summary["by_experience"]}
    for group, rows in groups.items():
        for row in rows:
            writer.writerow([group, row["first"], row["second"], row["question"], *(row.get(key, "") for key in _COLUMNS)])
    return stream.getvalue()


def latex_text(summary: Summary) -> str:
    """The tables for a manuscript."""
    preamble = r"% Needs \usepackage{booktabs}, \usepackage{graphicx} and \usepackage[T1]{fontenc}."
    return "\n".join([preamble, *map(latex_table, study_tables(summary))])


# ----------------------------------------------------------------------------------------------------------------- the page


def study_page(summary: Summary) -> str:
    """The page, in one file."""
    figure = ""
    if summary["comparisons"]:
        with canvas.settings():
            figure = canvas.svg(preference_figure(summary), _title(summary))
    people, names, agreeing = summary["participants"], _named(summary), summary["agreement"]
    tiles = [
        (people["all"], "took part"),
        (people["kept"], "count"),
        (people["unfinished"], "did not finish"),
        (people["failed checks"], "failed the checks"),
        (people["hasty"], "answered too fast"),
    ]
    return render(
        "study.html.j2",
        figure=figure,
        tiles=tiles,
        tables=study_tables(summary) if summary["comparisons"] else [],
        summary=summary,
        agreement=[(names[key], percent(found["share"]), f"{found['alpha']:.2f}") for key, found in agreeing.items()],
        side_a=None if summary["side_a"] is None else percent(summary["side_a"]),
    )
