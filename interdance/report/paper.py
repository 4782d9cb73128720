"""The paper's own figures, Tables 3 to 11, and which of our systems repeat which of their rows.

They were measured on other dancers, another body and another reference set: the order of rows can be compared with ours,
a number with a number cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from interdance.report.columns import COLUMNS


@dataclass(frozen=True)
class Printed:
    """A figure: ``text`` as the paper prints it, ``value`` in the unit of ours (shares for per cent), printed bold or not."""

    text: str
    value: float
    is_bold: bool


@dataclass(frozen=True)
class PaperRow:
    """A row of a table: what the paper calls it, our systems that are the same experiment, its figures."""

    label: str
    systems: tuple[str, ...]
    figures: tuple[Printed, ...]

    @property
    def is_truth(self) -> bool:
        return self.label == "Ground truth"


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper; ``columns`` are keys of :data:`interdance.report.columns.COLUMNS`, in the printed order."""

    number: int
    experiment: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[PaperRow, ...]

    def value(self, label: str, key: str) -> float:
        """The figure of a row in a column, as a share where it is printed in per cent. Raises KeyError."""
        rows = {row.label: row.figures for row in self.rows}
        return dict(zip(self.columns, rows[label], strict=True))[key].value


@cache
def paper_tables() -> dict[int, PaperTable]:
    """The tables by their number, in order.

    Raises
    ------
    ValueError
        When ``paper.yaml`` names a metric that is not known, or a row has more or fewer figures than columns.
    """
    text = resources.files("interdance.report").joinpath("paper.yaml").read_text(encoding="utf-8")
    tables = [_table(entry) for entry in yaml.safe_load(text)]
    return {table.number: table for table in tables}


def _table(entry: dict[str, Any]) -> PaperTable:
    number, columns = entry["number"], tuple(entry["columns"].split())
    if unknown := set(columns) - set(COLUMNS):
        raise ValueError(f"paper.yaml, Table {number}: no such metric: {', '.join(sorted(unknown))}")
    rows = []
    for row in entry["rows"]:
        figures = tuple(map(_printed, row["values"].split()))
        if len(figures) != len(columns):
            raise ValueError(f"paper.yaml, Table {number}, {row['label']}: {len(figures)} figures for {len(columns)} columns")
        rows.append(PaperRow(row["label"], tuple(row["systems"]), figures))
    return PaperTable(number, entry["experiment"], entry["title"], entry.get("note", ""), columns, tuple(rows))


def _printed(text: str) -> Printed:
    plain = text.rstrip("*")
    value = float(plain[:-1]) / 100.0 if plain.endswith("%") else float(plain)
    return Printed(plain, value, is_bold=plain != text)
