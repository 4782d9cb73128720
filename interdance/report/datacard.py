"""A data card for people: the paper's Table 1 with our row, for a terminal and on an HTML page that needs no network.

The mapping is that of ``interdance.datacard.card.make_card``, or one read back from its JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import rich.box
import rich.table
import rich.text
import yaml

from interdance.report.canvas import frame, settings, svg
from interdance.report.paper import paper_tables
from interdance.report.render import render

Card = Mapping[str, Any]

HEADS = ("Data set", "HHI", "Music", "Hands", "Genres", "T̄, s", "T", "Mocap", "Representation")
TICKS = {True: "✓", False: ""}
BAR_REMS = 6.0  # of a share of 1
DISTANCE_BIN, FARTHEST = 0.02, 2.5  # metres: bins of the card, and what the figure shows
COARSE = 3  # bins of the card in one bar of the figure

#: Key of a rate, its name, whether it is shown in per cent, the paper's name for it, what it is.
FIGURES = (
    ("CF", "CF", True, "CF", "Contact frequency: frames in which vertices of the two are nearer than 1 cm."),
    ("near", "Touch", True, "", "Frames in which a point of the follower is within 5 mm of the leader's surface or in it."),
    ("PR", "PR", True, "PR", "Penetration rate: the follower's vertices inside the leader, over all frames."),
    ("CVR", "CVR", True, "CVR", "Vertices in contact, mean of both dancers."),
    ("BED", "BED", False, "BED", "Beat echo: how well the follower's motion beats answer the leader's, 0 to 1."),
    ("BAS", "BAS", False, "BAS", "Beat alignment: how well the follower's motion beats meet the music's, 0 to 1."),
    ("skating_lodge", "Skating", True, "", "Contact frames of the follower's feet that slide by more than 1 cm (LODGE)."),
    ("skating_duolando", "Gliding", True, "", "Frames in which the follower travels, ankles resting beneath (Duolando)."),
)  # fmt: skip


@dataclass(frozen=True)
class DataSet:
    """A row of the paper's Table 1 as printed."""

    name: str
    cite: str
    hhi: str
    music: bool
    hands: bool
    genres: str
    mean_s: str
    total_h: str
    mocap: bool
    representation: str

    def cells(self) -> tuple[str, ...]:
        """Under :data:`HEADS` but the first."""
        ticks = (TICKS[self.music], TICKS[self.hands])
        return (self.hhi, *ticks, self.genres, self.mean_s, self.total_h, TICKS[self.mocap], self.representation)


@cache
def paper_data_sets() -> tuple[DataSet, ...]:
    """The rows of the paper's Table 1, in order."""
    text = resources.files("interdance.report").joinpath("datasets.yaml").read_text(encoding="utf-8")
    return tuple(DataSet(**entry) for entry in yaml.safe_load(text))


def row_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Our row of Table 1, under :data:`HEADS` but the first."""
    return (
        row["hhi"],
        TICKS[row["music"]],
        TICKS[row["hands"]],
        "n/a" if row["genres"] is None else str(row["genres"]),
        f"{row['mean_s']:.1f}",
        f"{row['total_h']:.2f}h",
        TICKS[row["mocap"]],
        row["representation"],
    )


def card_table(card: Card) -> rich.table.Table:
    """Table 1 of the paper with our row on top, for ``rich`` to print."""
    table = _console(HEADS)
    table.add_row(*(rich.text.Text(cell, style="bold") for cell in (card["name"], *row_cells(card["row"]))), end_section=True)
    for entry in paper_data_sets():
        table.add_row(*map(rich.text.Text, (entry.name, *entry.cells())))
    return table


def card_figures(card: Card) -> rich.table.Table:
    """Contact and quality figures beside the paper's ground truth, for ``rich`` to print."""
    table = _console(("Figure", "here", "paper, ground truth"))
    for row in _figures(card):
        table.add_row(*map(rich.text.Text, (row["name"], row["value"], row["paper"])))
    return table


def card_genres(card: Card) -> rich.table.Table:
    """The genres, for ``rich`` to print."""
    heads, rows = _genres(card)
    table = _console(heads)
    for row in rows:
        table.add_row(*map(rich.text.Text, (row["name"], *row["cells"], row["share"])))
    return table


def card_html(card: Card, picture: str = "", title: str = "") -> str:
    """The page of a card.

    Parameters
    ----------
    card : dict
    picture : str
        Link to the picture of samples, relative to the page; none when empty.
    title : str
        The name of the data set when absent.
    """
    overall, genres = card["overall"], _genres(card)
    ours = {"name": card["name"], "cite": "", "kind": "ours", "cells": row_cells(card["row"])}
    theirs = [{"name": row.name, "cite": row.cite, "kind": "paper", "cells": row.cells()} for row in paper_data_sets()]
    widest = max(overall["holds"].values(), default=1.0)
    return render(
        "datacard.html.j2",
        title=title or f"Data card: {card['name']}",
        about="Everything on this page is measured from the takes; nothing is taken from what a data set says of itself, "
        "but for the names of genres and holds, the tempo where a take tells it, and how it was recorded.",
        tiles=_tiles(card),
        picture=picture,
        table={"heads": HEADS, "rows": [ours, *theirs]},
        contact_note=f"On {card['settings']['num_vertices']} vertices of each body, as in the evaluation. The paper measured "
        "other dancers on another body: its figures say what is usual, not what is right.",
        figures=_figures(card),
        genres={"heads": genres[0], "rows": genres[1]},
        distance=distance_figure(overall["distance_counts"]),
        holds=[
            (name.replace("_", " "), _percent(share), round(BAR_REMS * share / widest, 2))
            for name, share in sorted(overall["holds"].items(), key=lambda item: (-item[1], item[0]))
        ],
        unreadable=sorted(card["unreadable"].items()),
        take_heads=("Take", "Genre", "Length", "Tempo", "CF", "PR", "BED", "BAS", "Fingers"),
        takes=[_take(take) for take in card["takes"]],
    )


def distance_figure(counts: Sequence[int]) -> str:
    """How far apart the partners are, as inline SVG; empty without couples."""
    total = sum(counts)
    if not total:
        return ""
    last = round(FARTHEST / DISTANCE_BIN / COARSE)
    bars = [100.0 * sum(counts[index * COARSE : (index + 1) * COARSE]) / total for index in range(last)]
    beyond = 100.0 - sum(bars)
    title = "Distance between the partners"
    with settings():
        figure, axes = frame(560, 250, title)
        width = COARSE * DISTANCE_BIN
        axes.bar([(index + 0.5) * width for index in range(last)], bars, width=0.9 * width, color="#4a86e8")
        axes.set_xlabel("between the pelvises over the floor, m" + (f"; {beyond:.1f} % beyond" if beyond > 0.05 else ""))
        axes.set_ylabel("% of the frames")
        axes.set_xlim(0.0, FARTHEST)
        return svg(figure, title)


def _tiles(card: Card) -> list[tuple[str, str]]:
    overall, row = card["overall"], card["row"]
    distance = overall["distance_m"]
    found = [
        (str(overall["takes"]), "takes"),
        (f"{row['total_h']:.2f} h" if row["total_h"] >= 0.5 else f"{60 * row['total_h']:.1f} min", "of dance"),
        (f"{overall['mean_s']:.1f} s", f"mean, from {overall['shortest_s']:.0f} to {overall['longest_s']:.0f}"),
        ("–" if row["genres"] is None else str(row["genres"]), "genres"),
        (f"{overall['finger_degrees']:.1f}°", "fingers turn about their mean pose"),
        (f"{overall['defects_per_minute']:.2g}", "defects per minute"),
    ]
    if distance:
        found.insert(4, (f"{distance['median']:.2f} m", f"apart, mostly {distance['p05']:.2f} to {distance['p95']:.2f}"))
    return found


def _figures(card: Card) -> list[dict[str, str]]:
    overall = card["overall"]
    truth, detail = paper_tables()[3], paper_tables()[10]
    rows = []
    for key, name, is_percent, paper, meaning in FIGURES:
        if key not in overall["rates"]:
            continue
        value = overall["rates"][key]
        table = detail if paper == "CVR" else truth
        told = table.value("Ground truth", paper) if paper else None
        show = _percent if is_percent else _plain
        rows.append({"name": name, "value": show(value), "paper": "" if told is None else show(told), "meaning": meaning})
    kinds = ", ".join(f"{number} {kind}" for kind, number in overall["defects"].items()) or "none"
    rows.append({
        "name": "Defects per minute",
        "value": f"{overall['defects_per_minute']:.2g}",
        "paper": "",
        "meaning": f"Of these kinds: {kinds}. Takes beyond the limits: {overall['left_out']} of {overall['takes']}.",
    })  # fmt: skip
    rows.append({
        "name": "Fingers",
        "value": f"{overall['finger_degrees']:.1f}°",
        "paper": "",
        "meaning": "How far finger joints turn about their mean pose, root mean square; 0 where hands were not captured.",
    })  # fmt: skip
    return rows


def _genres(card: Card) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    measures = ("Tempo, beats/min", "Apart, m", "CF", "Touch", "PR", "Skating", "Defects/min")
    heads = ("Genre", "Takes", "Minutes", "Mean, s", *measures, "Share of time")
    widest = max(entry["share"] for entry in card["genres"])
    rows = []
    for entry in card["genres"]:
        rates, tempo, distance = entry["rates"], entry["tempo"], entry["distance_m"]
        span = "–".join(dict.fromkeys(f"{tempo[end]:.0f}" for end in ("low", "high"))) if tempo else "–"
        cells = (
            str(entry["takes"]),
            f"{entry['seconds'] / 60.0:.1f}",
            f"{entry['mean_s']:.1f}",
            span,
            f"{distance['median']:.2f}" if distance else "–",
            *(_percent(rates[key]) if key in rates else "–" for key in ("CF", "near", "PR", "skating_lodge")),
            f"{entry['defects_per_minute']:.2g}",
        )
        width = round(BAR_REMS * entry["share"] / widest, 2)
        rows.append(
            {"name": entry["genre"].replace("_", " "), "cells": cells, "share": _percent(entry["share"]), "width": width}
        )
    return heads, rows


def _take(take: Mapping[str, Any]) -> dict[str, Any]:
    rates = take["rates"]
    cells = (
        take["genre"].replace("_", " "),
        f"{take['seconds']:.1f} s",
        f"{take['tempo_bpm']:.0f}" if take["tempo_bpm"] else "–",
        *(_percent(rates[key]) if key in rates else "–" for key in ("CF", "PR")),
        *(_plain(rates[key]) if key in rates else "–" for key in ("BED", "BAS")),
        " / ".join(f"{value:.1f}°" for value in take["finger_degrees"]),
    )
    defects = ", ".join(f"{number} {kind}" for kind, number in take["defects"].items())
    return {"name": take["take"], "cells": cells, "defects": defects, "verdict": take["verdict"]}


def _percent(value: float) -> str:
    percent = 100.0 * value
    return f"{percent:.1f} %" if percent >= 10 else f"{percent:.2f} %"


def _plain(value: float) -> str:
    return f"{value:.3f}"


def _console(heads: Sequence[str]) -> rich.table.Table:
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(heads[0])
    table.columns[0].no_wrap = True
    for head in heads[1:]:
        table.add_column("\n".join(head.split(", ")), justify="right", no_wrap=True)
    return table
