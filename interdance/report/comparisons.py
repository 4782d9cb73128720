"""Paired comparisons: one system minus another on the same takes, as tables and in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interdance.report.columns import MORE, RATES, TABLE_3, Column, measured
from interdance.report.systems import COMPLETE, label, ordered
from interdance.report.tables import Cell, Evaluation, Head, Row, Table, cell_of

_OPPOSITE = {"better": "worse", "worse": "better"}
_VERDICTS = {"better": "better in", "worse": "worse in", "differs": "different in", "undecided": "undecided in"}


def comparison_tables(evaluation: Evaluation) -> list[Table]:
    """Differences between systems on the same takes: the complete method against all others first, then the other pairs."""
    found = _differences(evaluation)
    names = [name for name in ordered(evaluation["systems"]) if any(name in pair for pair in found)]
    if not names:
        return []
    first = COMPLETE if COMPLETE in names else names[-1]
    others = [name for name in names if name != first]
    tables = [_comparison_table(evaluation, first, others, found)]
    tables += [_comparison_table(evaluation, name, others[:place], found) for place, name in enumerate(others) if place]
    return [table for table in tables if table.rows]


def verdicts(evaluation: Evaluation) -> list[str]:
    """The first comparison table in sentences, one per system that the complete method is compared with."""
    found = _differences(evaluation)
    known = {column.key: column.label for column in TABLE_3}
    lines = []
    for other in ordered(evaluation["systems"]):
        entries = found.get((COMPLETE, other), {})
        words: dict[str, list[str]] = {}
        for key in known:
            if key in entries:
                words.setdefault(entries[key]["verdict"], []).append(known[key])
        if words:
            parts = (f"{start} {', '.join(words[word])}" for word, start in _VERDICTS.items() if word in words)
            lines.append(f"{label(COMPLETE)} against {label(other)}: {'; '.join(parts)}.")
    return lines


def _differences(evaluation: Evaluation) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """Metric by metric, one system minus another, in both directions."""
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for entry in evaluation.get("comparisons", []):
        one, other = entry["system"], entry["against"]
        found[one, other] = {row["metric"]: row for row in entry["metrics"]}
        found[other, one] = {
            row["metric"]: {
                "difference": -row["difference"],
                "low": -row["high"],
                "high": -row["low"],
                "verdict": _OPPOSITE.get(row["verdict"], row["verdict"]),
            }
            for row in entry["metrics"]
        }
    return found


def _comparison_table(
    evaluation: Evaluation,
    system: str,
    others: Sequence[str],
    found: Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]],
) -> Table:
    """One system minus each of the others, a metric a row."""
    pairs = [(name, found[system, name]) for name in others if (system, name) in found]
    columns = measured([*TABLE_3, *RATES[1:], *MORE], {key for _, entries in pairs for key in entries})
    rows = []
    for column in columns:
        value = cell_of(column, evaluation["systems"][system].get(column.key))
        cells = [_difference(column, entries.get(column.key)) for _, entries in pairs]
        rows.append(Row(Head.of(column).plain(), (value, *cells)))
    heads = (Head(label(system)), *(Head(f"minus {label(name)}") for name, _ in pairs))
    against = label(pairs[0][0]) if len(pairs) == 1 else "the others"
    return Table(f"against-{system}", f"{label(system)} against {against}", (("", heads),), tuple(rows), first="Metric")


def _difference(column: Column, entry: Mapping[str, Any] | None) -> Cell:
    if entry is None:
        return Cell("–")
    difference, low, high = (column.signed(entry[key]) for key in ("difference", "low", "high"))
    return Cell(difference, f"[{low}, {high}] {entry['verdict']}", tone=entry["verdict"])
