"""The answers of a study as figures: a page, the paper's figure, tables, and the codes of those who took part."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interdance.config import StudyParams
from interdance.files import atomic_path
from interdance.report.study import csv_text, figure_files, latex_text, study_page
from interdance.study.plan import Plan
from interdance.study.statistics import sort_out, summarise
from interdance.study.store import Record


def write_report(out: Path, plan: Plan, records: Sequence[Record], params: StudyParams) -> dict[str, Any]:
    """Write ``index.html``, ``preferences.svg``, ``.png``, ``.csv`` and ``.tex``, and ``codes.csv``; returns the summary.

    Figure and tables are left out while nobody's answers count.
    """
    summary = summarise(plan, records, params)
    files = {"index.html": study_page(summary).encode(), "codes.csv": _codes(records, sort_out(plan, records, params)).encode()}
    if summary["comparisons"]:
        files |= {"preferences.csv": csv_text(summary).encode(), "preferences.tex": latex_text(summary).encode()}
        files |= figure_files(summary)
    for name, content in files.items():
        with atomic_path(out / name) as temporary:
            temporary.write_bytes(content)
    return summary


def _codes(records: Sequence[Record], verdicts: Sequence[str]) -> str:
    """Completion codes, in their own order: whose code is whose answers cannot be told from it."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["code", "counts"])
    rows = [(record.code, verdict or "yes") for record, verdict in zip(records, verdicts, strict=True) if record.is_finished]
    writer.writerows(sorted(rows))
    return stream.getvalue()
