"""Shared by the tests: where the real data lie, when they are there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first: beside it the other processes do all the rest."""
    items.sort(key=lambda item: item.path.name != "test_platform.py")


def shared(*parts: str) -> Path:
    """A path in the folder of real data beside the checkout (or ``INTERDANCE_SHARED``); skips the test when it is absent."""
    root = Path(os.environ.get("INTERDANCE_SHARED", REPOSITORY.parent / "shared"))
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs the real data set: {'/'.join(parts)} is not beside the checkout")
    return path
