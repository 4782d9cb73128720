"""Data of the figures on disk: a CSV each, which reports and plotting programs read."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from interdance.errors import InputError
from interdance.files import atomic_folder

Row = dict[str, Any]

#: name -> columns, and which of them are numbers. Beat alignment and distance lie along time, contact between body parts,
#: metrics by genre.
COLUMNS: dict[str, dict[str, type]] = {
    "beats": {"system": str, "time_s": float, "BAS": float},
    "distance": {"system": str, "take": str, "time_s": float, "distance_m": float},
    "contact_map": {"system": str, "leader_part": str, "follower_part": str, "share": float},
    "genres": {"system": str, "genre": str, "metric": str, "value": float},
}


def write_series(folder: Path, series: Mapping[str, Sequence[Row]]) -> None:
    """Write every series of :data:`COLUMNS` as ``folder/<name>.csv``; ``folder`` is replaced whole."""
    with atomic_folder(folder) as out:
        for name, columns in COLUMNS.items():
            with (out / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(series[name])


def read_series(folder: Path) -> dict[str, list[Row]]:
    """Read what :func:`write_series` wrote.

    Raises
    ------
    InputError
        When a file is missing, has other columns, or a number is none.
    """
    series: dict[str, list[Row]] = {}
    for name, columns in COLUMNS.items():
        path = folder / f"{name}.csv"
        if not path.is_file():
            raise InputError(f"{path}: no such file; run the evaluate stage, which writes it")
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if reader.fieldnames != list(columns):
                raise InputError(f"{path}: columns {reader.fieldnames}; {', '.join(columns)} are needed")
            series[name] = [_typed(row, columns, f"{path}, line {reader.line_num}") for row in reader]
    return series


def _typed(row: Row, columns: Mapping[str, type], place: str) -> Row:
    result = {}
    for name, kind in columns.items():
        try:
            result[name] = kind(row[name])
        except (TypeError, ValueError):
            raise InputError(f"{place}: {name} is {row[name]!r}, a number is needed; run the evaluate stage again") from None
    return result
