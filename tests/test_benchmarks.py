"""Benchmarks are run by hand; that what each imports is still there is seen here."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from layout import ROOT


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_can_be_imported(path: Path) -> None:
    importlib.import_module(f"benchmarks.{path.stem}")
