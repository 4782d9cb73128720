"""Documentation that names things names all of them."""

from __future__ import annotations

import re

from layout import ROOT

from interdance.report.columns import COLUMNS


def test_every_metric_is_explained() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    named = set(re.findall(r"`(\w+)`", text))
    rates = {"CLR", "CFR", "CVR"}  # explained with CF
    assert {key for key in COLUMNS if key not in named} <= rates
    assert all(rate in text for rate in rates)
