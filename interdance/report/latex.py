"""The tables of a report for a manuscript, in LaTeX with booktabs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interdance.report.comparisons import comparison_tables
from interdance.report.paper import paper_tables
from interdance.report.tables import Cell, Head, Row, Table, holds_ours, more_tables, paper_table, seed_table

_ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}", "±": r"$\pm$", "−": r"$-$", "–": "--", "³": r"\textsuperscript{3}", "·": r"$\cdot$",
}  # fmt: skip
_ARROWS = {"↓": r"$\downarrow$", "↑": r"$\uparrow$", "": ""}
_PREAMBLE = r"% Needs \usepackage{booktabs}, \usepackage{graphicx} and \usepackage[T1]{fontenc}."


def latex_text(evaluation: Mapping[str, Any]) -> str:
    """Every table that holds a row of ours, one ``table*`` after another, as one text that a manuscript takes in.

    Tables 3 and 10 of the paper, those of its other tables whose experiment was measured, what the paper does not measure,
    the comparisons of the complete method, and the seeds. The best of the systems that generate is bold.
    """
    numbers = [number for number in paper_tables() if number == 3 or holds_ours(evaluation, number)]
    tables = [paper_table(evaluation, number) for number in numbers]
    tables += more_tables(evaluation) + comparison_tables(evaluation)[:1]
    if (seeds := seed_table(evaluation)) is not None:
        tables.append(seeds)
    return "\n".join([_PREAMBLE, *map(latex_table, tables)])


def latex_table(table: Table) -> str:
    """One table as a ``table*`` as wide as the page at most, ± and intervals small."""
    width = 1 + len(table.heads)
    lines = [
        "\\begin{table*}[t]",
        "\\centering",
        f"\\caption{{{escape(re.sub(r'^Table [0-9]+[.] ', '', table.title))}. {escape(table.note)}}}",
        f"\\label{{tab:{re.sub('[^a-zA-Z0-9-]', '-', table.name)}}}",
        "\\resizebox{\\ifdim\\width>\\textwidth\\textwidth\\else\\width\\fi}{!}{%",
        f"\\begin{{tabular}}{{l{'r' * (width - 1)}}}",
        "\\toprule",
        *_spans(table),
        f"{' & '.join([escape(table.first), *map(_head, table.heads)])} \\\\",
    ]
    for place, row in enumerate(table.rows):
        if place == 0 or row.kind == "heading":
            lines.append("\\midrule")
        lines.append(_heading(row, width) if row.kind == "heading" else _row(row))
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}}", "\\end{table*}", ""])


def escape(text: str) -> str:
    """Text as LaTeX shows it as it is; what a terminal would not print becomes a space."""
    return "".join(_ESCAPED.get(letter, letter if letter.isprintable() else " ") for letter in text)


def _spans(table: Table) -> list[str]:
    """The words over the heads, with a rule below each."""
    if not any(name for name, _ in table.groups):
        return []
    words, rules, start = [""], [], 2
    for name, heads in table.groups:
        words.append(f"\\multicolumn{{{len(heads)}}}{{c}}{{{escape(name)}}}")
        rules.append(f"\\cmidrule(lr){{{start}-{start + len(heads) - 1}}}")
        start += len(heads)
    return [f"{' & '.join(words)} \\\\", " ".join(rules)]


def _head(head: Head) -> str:
    name = escape(head.label) + (f"$_{{{head.subscript}}}$" if head.subscript else "")
    return " ".join(filter(None, (f"{name}, {escape(head.unit)}" if head.unit else name, _ARROWS[head.arrow])))


def _heading(row: Row, width: int) -> str:
    return f"\\multicolumn{{{width}}}{{l}}{{\\emph{{{escape(row.label)}}}}} \\\\"


def _row(row: Row) -> str:
    name = f"\\textit{{{escape(row.label)} (paper)}}" if row.kind == "paper" else escape(row.label)
    return f"{' & '.join([name, *map(_cell, row.cells)])} \\\\"


def _cell(cell: Cell) -> str:
    text = f"\\textbf{{{escape(cell.text)}}}" if cell.is_best else escape(cell.text)
    return f"{text} {{\\tiny {escape(cell.small)}}}" if cell.small else text
