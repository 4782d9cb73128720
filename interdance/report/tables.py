"""The tables of a report, as rows of cells that every form of it shows: the page, LaTeX, CSV, a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import rich.box
import rich.console
import rich.table
import rich.text

from interdance.report.columns import (
    BETTER,
    COLUMNS,
    CONTACT_GROUPS,
    GROUPS,
    MORE,
    MORE_GROUPS,
    RATES,
    TABLE_3,
    Column,
    measured,
)
from interdance.report.paper import PaperRow, PaperTable, paper_tables
from interdance.report.systems import COMPLETE, GROUND_TRUTH, interval, label, ordered, spreads

HERE = "Measured here"
THERE = "The paper, measured on its own data"
OTHER_DATA = (
    "The paper measured other dancers, another body and another reference set: compare the order of rows within a column, "
    "never its numbers with ours."
)
WIDE_TERMINAL = 100  # characters that Table 3 needs beside names of systems
_ARROWS = {"down": "↓", "up": "↑", "none": ""}

Kind = Literal["ours", "truth", "paper", "heading"]
Evaluation = Mapping[str, Any]
Groups = Sequence[tuple[str, Sequence[Column]]]


@dataclass(frozen=True)
class Head:
    """What stands over a column; of a metric's label, what follows the underscore is a subscript."""

    label: str
    subscript: str = ""
    unit: str = ""
    arrow: str = ""
    meaning: str = ""

    @staticmethod
    def of(column: Column) -> Head:
        name, _, subscript = column.label.partition("_")
        return Head(name, subscript, column.unit, _ARROWS[column.better], column.meaning)

    def plain(self) -> str:
        """In one line without markup, such as ``FID_k ↓``."""
        name = f"{self.label}_{self.subscript}" if self.subscript else self.label
        return " ".join(filter(None, (f"{name}, {self.unit}" if self.unit else name, self.arrow)))


@dataclass(frozen=True)
class Cell:
    """A number as text, what stands small beside it (± or an interval), and how it is marked."""

    text: str
    small: str = ""
    is_best: bool = False
    tone: str = ""  # a verdict


@dataclass(frozen=True)
class Row:
    """A row of cells under the columns, or a heading across them."""

    label: str
    cells: tuple[Cell, ...] = ()
    kind: Kind = "ours"


@dataclass(frozen=True)
class Table:
    """A table: ``name`` for links and labels, ``groups`` the heads under the words over them, ``first`` over the labels."""

    name: str
    title: str
    groups: tuple[tuple[str, tuple[Head, ...]], ...]
    rows: tuple[Row, ...]
    note: str = ""
    first: str = "Method"

    @property
    def heads(self) -> tuple[Head, ...]:
        return tuple(head for _, heads in self.groups for head in heads)


def paper_table(evaluation: Evaluation, number: int) -> Table:
    """A table of the paper with our rows.

    In Tables 3 and 10, which hold every system, ours stand together over the paper's; in the others, which vary one thing,
    each of ours stands below the row of the paper whose experiment it repeats.
    """
    printed = paper_tables()[number]
    columns, groups = _columns(printed)
    note = " ".join(filter(None, (printed.note, OTHER_DATA)))
    if number in (3, 10):
        systems = [name for name in ordered(evaluation["systems"]) if _has_any(evaluation, name, columns)]
        rows = [Row(HERE, kind="heading"), *system_rows(evaluation, systems, columns)]
        rows += [Row(THERE, kind="heading"), *map(_paper_row, printed.rows)]
    else:
        repeated = [(row, _repeating(evaluation, row)) for row in printed.rows]
        systems = list(dict.fromkeys(name for _, names in repeated for name in names))
        ours = dict(zip(systems, system_rows(evaluation, systems, columns), strict=True))
        rows = [cell for row, names in repeated for cell in (_paper_row(row), *(ours[name] for name in names))]
    return Table(f"table-{number}", f"Table {number}. {printed.title}", _heads(groups), tuple(rows), note)


def holds_ours(evaluation: Evaluation, number: int) -> bool:
    """Whether a table of the paper has a row of ours beyond those of Table 3's: an experiment of its own was measured."""
    headline = {GROUND_TRUTH, COMPLETE} if number not in (3, 10) else set()
    return any(set(_repeating(evaluation, row)) - headline for row in paper_tables()[number].rows)


def more_tables(evaluation: Evaluation) -> list[Table]:
    """What the paper does not measure; columns that no system has are left out."""
    systems, tables = ordered(evaluation["systems"]), []
    keys = {key for name in systems for key in evaluation["systems"][name]}
    for place, groups in enumerate(MORE_GROUPS, 1):
        shown = [(name, found) for name, columns in groups if (found := measured(columns, keys))]
        columns = [column for _, found in shown for column in found]
        if columns:
            title = "; ".join(name for name, _ in shown)
            tables.append(Table(f"more-{place}", title, _heads(shown), tuple(system_rows(evaluation, systems, columns))))
    return tables


def seed_table(evaluation: Evaluation) -> Table | None:
    """Every seed of the systems that were generated more than once, then their mean; None when there is none."""
    rows: list[Row] = []
    for name in ordered(evaluation.get("seeds", {})):
        seeds = evaluation["seeds"][name]
        if len(seeds) < 2:
            continue
        rows.append(Row(label(name), kind="heading"))
        for entry in seeds:
            values = dict(entry["values"])
            rows.append(Row(f"seed {entry['seed']}", tuple(cell_of(column, values.get(column.key)) for column in TABLE_3)))
        rows += [replace(row, label="mean") for row in system_rows(evaluation, [name], TABLE_3)]
    return Table("seeds", "Seed by seed", _heads(GROUPS), tuple(rows), first="Seed") if rows else None


def take_table(evaluation: Evaluation) -> Table | None:
    """Every take by every system, in the metrics that are means over frames or clips; None when there are no takes."""
    entries = evaluation.get("takes", [])
    keys = {key for entry in entries for key, value in entry["values"].items() if value is not None}
    columns = measured([*TABLE_3, *RATES[1:], *MORE], keys)
    if not columns:
        return None
    order = {name: place for place, name in enumerate(ordered(evaluation["systems"]))}
    rows, take = [], None
    for entry in sorted(entries, key=lambda entry: (entry["take"], order.get(entry["system"], len(order)))):
        if entry["take"] != take:
            take = entry["take"]
            rows.append(Row(", ".join(filter(None, (take, entry.get("genre", "")))), kind="heading"))
        cells = tuple(cell_of(column, entry["values"].get(column.key)) for column in columns)
        rows.append(Row(label(entry["system"]), cells, "truth" if entry["system"] == GROUND_TRUTH else "ours"))
    return Table("takes", "Take by take", (("", tuple(map(Head.of, columns))),), tuple(rows), first="Take, system")


def system_rows(evaluation: Evaluation, systems: Sequence[str], columns: Sequence[Column]) -> list[Row]:
    """A row per system, value and ±; the best of those that generate is marked where there are several."""
    bests = [_best(evaluation, systems, column) for column in columns]
    rows = []
    for name in systems:
        values, spread, is_truth = evaluation["systems"][name], spreads(evaluation, name), _is_truth(name)
        cells = [cell_of(column, values.get(column.key), spread.get(column.key)) for column in columns]
        marked = (
            replace(cell, is_best=not is_truth and best is not None and cell.text == best)
            for cell, best in zip(cells, bests, strict=True)
        )
        rows.append(Row(label(name), tuple(marked), "truth" if is_truth else "ours"))
    return rows


def _is_truth(system: str) -> bool:
    return system.split(".")[-1] == GROUND_TRUTH


def _best(evaluation: Evaluation, systems: Sequence[str], column: Column) -> str | None:
    """What the best of the systems that generate shows in a column; None where none is better."""
    tables = [evaluation["systems"][name] for name in systems if not _is_truth(name)]
    values = [table[column.key] for table in tables if column.key in table]
    shown = {cell_of(column, value).text for value in values}
    way = BETTER[column.key]
    if len(shown) < 2 or way == "none":
        return None
    return cell_of(column, (min if way == "down" else max)(values)).text


def csv_text(evaluation: Evaluation) -> str:
    """Every metric of every system, one a line: value, standard deviation, ends of its 95 % interval; shares in 0..1."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["system", "metric", "value", "sd", "low", "high"])
    for system in ordered(evaluation["systems"]):
        spread = spreads(evaluation, system)
        for name, value in sorted(evaluation["systems"][system].items()):
            low, high = interval(evaluation, system, name) or ("", "")
            writer.writerow([system, name, value, spread.get(name, ""), low, high])
    return stream.getvalue()


def console_table(evaluation: Evaluation) -> ConsoleTable:
    """Table 3 with our systems, for ``rich`` to print on a terminal."""
    return ConsoleTable(evaluation)


@dataclass(frozen=True)
class ConsoleTable:
    """Our rows of Table 3, ± below each value; a narrow terminal gets motion and interaction below each other."""

    evaluation: Evaluation

    def __rich_console__(
        self, console: rich.console.Console, options: rich.console.ConsoleOptions
    ) -> Iterator[rich.table.Table]:
        parts = [TABLE_3] if options.max_width >= WIDE_TERMINAL else [TABLE_3[:4], TABLE_3[4:]]
        for columns in parts:
            table = _console(["Method", *("\n".join(Head.of(column).plain().split()) for column in columns)])
            for row in system_rows(self.evaluation, ordered(self.evaluation["systems"]), columns):
                cells = (f"{cell.text}\n{cell.small}".rstrip() for cell in row.cells)
                table.add_row(*map(rich.text.Text, (row.label, *cells)))
            yield table


def console_rows(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> rich.table.Table:
    """Any table, for ``rich`` to print on a terminal."""
    table, shown = _console(list(heads)), list(rows)
    first = [row[0] for row in shown]
    table.columns[0].min_width = max(map(len, first), default=1)  # a narrow terminal cuts what comes after
    for row in shown:
        table.add_row(*map(rich.text.Text, row))
    return table


def console_differences(title: str, differences: Mapping[str, Mapping[str, Any]]) -> rich.table.Table:
    """One system minus another for a terminal.

    Parameters
    ----------
    title : str
    differences : metric -> {"difference", "low", "high", "verdict"}
        Metrics that have no column are shown as they are.
    """
    table = _console(["Metric", "difference", "95 % interval", "verdict"], rich.text.Text(title))
    unknown = [Column(key, key, "none", 4) for key in sorted(differences) if key not in COLUMNS]
    for column in [*measured(COLUMNS.values(), differences), *unknown]:
        entry = differences[column.key]
        value, low, high = (column.signed(entry[key]) for key in ("difference", "low", "high"))
        table.add_row(*map(rich.text.Text, (Head.of(column).plain(), value, f"[{low}, {high}]", entry["verdict"])))
    return table


def _console(heads: Sequence[str], title: rich.text.Text | None = None) -> rich.table.Table:
    table = rich.table.Table(
        title=title, title_justify="left", box=rich.box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
    table.add_column(heads[0])
    for head in heads[1:]:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _columns(printed: PaperTable) -> tuple[list[Column], Groups]:
    """The columns of a table of the paper, also under the words over them."""
    every = CONTACT_GROUPS if printed.number == 10 else GROUPS
    groups = [(name, found) for name, columns in every if (found := measured(columns, printed.columns))]
    columns = [column for _, found in groups for column in found]
    if [column.key for column in columns] != list(printed.columns):
        raise ValueError(f"paper.yaml, Table {printed.number}: columns in another order than {printed.columns}")
    return columns, groups


def _heads(groups: Groups) -> tuple[tuple[str, tuple[Head, ...]], ...]:
    return tuple((name, tuple(map(Head.of, columns))) for name, columns in groups)


def _repeating(evaluation: Evaluation, row: PaperRow) -> list[str]:
    return [name for name in row.systems if name in evaluation["systems"]]


def _has_any(evaluation: Evaluation, system: str, columns: Iterable[Column]) -> bool:
    return any(column.key in evaluation["systems"][system] for column in columns)


def _paper_row(row: PaperRow) -> Row:
    return Row(row.label, tuple(Cell(figure.text, is_best=figure.is_bold) for figure in row.figures), "paper")


def cell_of(column: Column, value: float | None, spread: float | None = None) -> Cell:
    """A value and its ±; a dash for a value that is absent."""
    if value is None:
        return Cell("–")
    small = "" if spread is None else f"±{column.size(spread)}"
    return Cell(f"{column.number(value)}{'%' if column.percent else ''}", small)
